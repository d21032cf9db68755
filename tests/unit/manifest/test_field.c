/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/field.h"

#include <criterion/criterion.h>
#include <string.h>

#include "lib/leak.h"
#include "manifest/decode.h"
#include "manifest/value.h"

Test(field, suggests_what_is_near)
{
    static const char *const names[] = {"artifact", "runtime", "requires", "by"};
    static const struct {
        const char *text, *near;
    } rows[] = {
        {"artefact", "artifact"},
        {"Runtime", "runtime"},
        {"runtiem", "runtime"},
        {"require", "requires"},
        {"bt", "by"},
        {"xyz", NULL},
        {"", NULL},
        {"completely-other", NULL},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        const char *near = kedge_field_suggest(names, KEDGE_COUNT(names), rows[i].text);
        cr_expect(near == rows[i].near || (near && rows[i].near && !strcmp(near, rows[i].near)),
                  "%s: %s", rows[i].text, near ? near : "nothing");
    }
}

struct example {
    const struct kedge_field *field;
    struct kedge_decoder *decoder;
    void *base;
};

static void decode_example(const struct kedge_yaml_node *root, void *payload)
{
    struct example *e = payload;
    kedge_value_decode(e->decoder, e->field, root->first, e->base);
}

/* What the documentation shows is accepted: every example, in its place, is a right value. */
static void check_examples(struct kedge_decoder *decoder, struct kedge_yaml *yaml,
                           const struct kedge_record *record)
{
    cr_expect_leq(record->count, 64, "%s: fields are counted in a 64-bit mask", record->name);
    for (uint32_t i = 0; i < record->count; i++) {
        const struct kedge_field *field = &record->fields[i];
        cr_assert(field->about && field->example, "%s.%s", record->name, field->name);
        kedge_auto(kedge_buf) struct kedge_buf text = {0};
        kedge_buf_printf(&text, "[%s]", field->example); /* a scalar alone has no end */
        struct example e = {field, decoder, kedge_arena_alloc(decoder->arena, record->size)};
        size_t before = decoder->findings->count;
        cr_expect(kedge_yaml_read(yaml, kedge_buf_slice(&text), "example", decoder->findings,
                                  decode_example, &e));
        cr_expect_eq(decoder->findings->count, before, "%s.%s: %s", record->name, field->name,
                     decoder->findings->count > before ? decoder->findings->at[before].message
                                                       : "");
        if (field->record)
            check_examples(decoder, yaml, field->record);
    }
}

Test(field, examples_are_right)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    struct kedge_intern *intern = kedge_intern_new(&arena);
    struct kedge_decoder decoder = {.arena = &arena, .intern = intern, .findings = &findings};
    struct kedge_yaml *yaml = kedge_yaml_new();
    for (int kind = 0; kind < KEDGE_KIND_COUNT; kind++)
        check_examples(&decoder, yaml, kedge_kinds[kind]);
    check_examples(&decoder, yaml, &kedge_metadata_record);
    kedge_yaml_free(yaml);
    kedge_intern_free(intern);
    kedge_buf_release(&decoder.references);
    kedge_test_no_leaks();
}

Test(field, needs)
{
    cr_expect_not(kedge_field_is_needed(&kedge_device_record));
    cr_expect(kedge_field_is_needed(&kedge_deployment_record));
    cr_expect(kedge_field_is_needed(&kedge_policy_record));
}
