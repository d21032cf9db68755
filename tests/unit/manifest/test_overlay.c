/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/overlay.h"

#include <criterion/criterion.h>
#include <string.h>

#include "lib/leak.h"
#include "manifest.h"

#define DOCUMENT(kind, name, spec)                                                                 \
    "---\napiVersion: kedge.dev/v1alpha1\nkind: " kind "\nmetadata: {name: " name                  \
    ", labels: {site: " name "}}\nspec: " spec "\n"
static const char commit[KEDGE_COMMIT_TEXT] = "0123456789012345678901234567890123456789";
#define SLA "{objectives: [{metric: latencyP95, max: 50}]}"

static struct revision parse(const char *text)
{
    struct revision r = revision_of(text, strlen(text));
    cr_assert_not_null(r.specs, "%s", r.findings.count ? r.findings.at[0].message : r.err.msg);
    return r;
}

static struct kedge_overlay_edit edit_of(const struct revision *from, const struct revision *to,
                                         enum kedge_kind kind, const char *name)
{
    return (struct kedge_overlay_edit){kind, kedge_spec_find(from->specs, kind, name),
                                       kedge_spec_find(to->specs, kind, name)};
}

Test(overlay, of_one_file_some_objects_change_and_others_stay)
{
    kedge_auto(revision) struct revision old = parse(
        DOCUMENT("Device", "a", "{}") DOCUMENT("Device", "b", "{}") DOCUMENT("SLA", "s", SLA));
    kedge_auto(revision) struct revision new =
        parse(DOCUMENT("Device", "a", "{capacity: {arch: arm64}}") DOCUMENT("Device", "c", "{}")
                  DOCUMENT("SLA", "s", SLA));
    const struct kedge_overlay_edit edits[] = {
        edit_of(&old, &new, KEDGE_KIND_DEVICE, "a"),
        edit_of(&old, &new, KEDGE_KIND_DEVICE, "c"),
    };
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    const struct kedge_specs *specs;
    struct kedge_err err;
    cr_assert_eq(kedge_overlay_specs(&arena, old.specs, commit, edits, 2, &findings, &specs, &err),
                 0);
    const struct kedge_device *a = kedge_spec_find(specs, KEDGE_KIND_DEVICE, "a");
    cr_assert_str_eq(a->capacity.arch, "arm64");
    cr_assert_not_null(kedge_spec_find(specs, KEDGE_KIND_DEVICE, "b"));
    cr_assert_not_null(kedge_spec_find(specs, KEDGE_KIND_DEVICE, "c"));
    cr_assert_eq(kedge_spec_find(specs, KEDGE_KIND_SLA, "s"),
                 kedge_spec_find(old.specs, KEDGE_KIND_SLA, "s"));
    cr_assert_not_null(kedge_table_find(specs->postings, "site=c"), "selectors find it");
    cr_assert_not_null(kedge_table_find(specs->postings, "site=b"));
    cr_assert_null(kedge_table_find(old.specs->postings, "site=c"), "what was shared stands");
}

Test(overlay, what_others_name_does_not_go)
{
    kedge_auto(revision) struct revision old =
        parse(DOCUMENT("Device", "a", "{}") DOCUMENT("Model", "m", "{}")
                  DOCUMENT("MaintenanceWindow", "w",
                           "{schedule: '@daily', duration: 1h, targets: {devices: [a]}}"));
    kedge_auto(revision) struct revision new = parse(DOCUMENT("Model", "m", "{title: M}"));
    const struct kedge_overlay_edit edits[] = {edit_of(&old, &new, KEDGE_KIND_DEVICE, "a"),
                                               edit_of(&old, &new, KEDGE_KIND_MODEL, "m")};
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    const struct kedge_specs *specs = NULL;
    struct kedge_err err;
    cr_assert_eq(kedge_overlay_specs(&arena, old.specs, commit, edits, 2, &findings, &specs, &err),
                 KEDGE_INVALID);
    cr_assert_null(specs);
    cr_assert_str_eq(findings.at[0].rule, "dangling-reference");
}
