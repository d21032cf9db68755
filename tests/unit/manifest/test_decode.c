/* SPDX-License-Identifier: Apache-2.0 */
/* What ends up in the structs; what is refused is in tests/data/invalid. */
#include "manifest/decode.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/digest.h"
#include "lib/leak.h"
#include "manifest.h"

#define HEAD   "apiVersion: kedge.dev/v1alpha1\nkind: "
#define DIGEST "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static const void *find(const struct revision *r, enum kedge_kind kind, const char *name)
{
    cr_assert_not_null(r->specs, "%s", r->findings.count ? r->findings.at[0].message : "");
    const void *object = kedge_spec_find(r->specs, kind, name);
    cr_assert_not_null(object);
    return object;
}

Test(decode, device)
{
    const char *text =
        HEAD "Device\nmetadata:\n  name: press-01\n  labels: {site: hamburg, a: b}\n"
             "  annotations: {note: 'x: y'}\nspec:\n"
             "  publicKey: ed25519:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n"
             "  capacity: {arch: arm64, memory: 4Gi, disk: 1000, accelerators: [npu]}\n"
             "  entitlement: {licence: L1, until: 1970-01-01T00:00:01Z}\n"
             "  suspend: {reason: repair, by: me}\n";
    kedge_auto(revision) struct revision r = revision_of(text, strlen(text));
    const struct kedge_device *device = find(&r, KEDGE_KIND_DEVICE, "press-01");
    cr_expect_str_eq(device->object.at.file, "input.yaml");
    cr_expect_eq(device->object.at.line, 1);
    cr_assert_eq(device->object.labels.count, 2);
    cr_expect_str_eq(device->object.labels.at[0].key, "a", "labels are sorted");
    cr_expect_str_eq(kedge_label_find(&device->object.labels, "site"), "hamburg");
    cr_expect_str_eq(kedge_label_find(&device->object.annotations, "note"), "x: y");
    for (int i = 0; i < KEDGE_KEY_SIZE; i++)
        cr_expect_eq(device->public_key[i], i + 1);
    cr_expect_str_eq(device->capacity.arch, "arm64");
    cr_expect_eq(device->capacity.memory, INT64_C(4) << 30);
    cr_expect_eq(device->capacity.disk, 1000);
    cr_assert_eq(device->capacity.accelerators.count, 1);
    cr_expect_str_eq(device->capacity.accelerators.at[0], "npu");
    cr_expect_str_eq(device->entitlement, "L1");
    cr_expect_eq(device->entitled_until, 1000);
    cr_assert_not_null(device->suspend);
    cr_expect_str_eq(device->suspend->reason, "repair");
    cr_expect_eq(device->suspend->until, 0);
}

#define MODEL HEAD "Model\nmetadata: {name: m}\n---\n"

Test(decode, version_and_its_defaults)
{
    const char *text = MODEL HEAD
        "ModelVersion\nmetadata: {name: v}\nspec:\n  model: m\n  version: 1.2.3-rc.1+b5\n"
        "  artifact: {url: 'https://x/m.tar.zst', digest: '" DIGEST "', size: 7}\n"
        "  runtime:\n    driver: process\n    command: [./serve, x]\n    ports: [{name: http}]\n"
        "    env: [{name: B, value: '2'}, {name: A, value: '1'}]\n    probe: {http: {}}\n";
    kedge_auto(revision) struct revision r = revision_of(text, strlen(text));
    const struct kedge_model_version *v = find(&r, KEDGE_KIND_MODEL_VERSION, "v");
    cr_expect_eq(v->release.version.minor, 2);
    cr_expect_str_eq(v->release.version.pre, "rc.1");
    cr_expect_str_eq(v->release.version_text, "1.2.3-rc.1+b5");
    cr_expect_eq(v->stage, KEDGE_STAGE_DRAFT);
    char digest[KEDGE_DIGEST_TEXT];
    cr_expect_str_eq(kedge_digest_format(&v->release.artifact.digest, digest), DIGEST);
    cr_expect_eq(v->release.artifact.format, KEDGE_FORMAT_TAR_ZST, "by the url's ending");
    const struct kedge_runtime_spec *runtime = &v->release.runtime;
    cr_expect_eq(runtime->driver, KEDGE_DRIVER_PROCESS);
    cr_assert_eq(runtime->env.count, 2);
    cr_expect_str_eq(runtime->env.at[0].key, "A", "variables are sorted");
    cr_expect_eq(runtime->ports[0].port, 0);
    cr_expect_eq(runtime->handover, KEDGE_HANDOVER_AUTO);
    cr_expect_eq(runtime->stop_timeout, 10000);
    const struct kedge_probe *probe = &runtime->probe;
    cr_expect_eq(probe->kind, KEDGE_PROBE_HTTP);
    cr_expect_str_eq(probe->path, "/");
    cr_expect_null(probe->port);
    cr_expect_eq(probe->initial_delay, 0);
    cr_expect_eq(probe->period, 2000);
    cr_expect_eq(probe->timeout, 1000);
    cr_expect_eq(probe->start_within, 60000);
    cr_expect_eq(probe->success_threshold, 1);
    cr_expect_eq(probe->failure_threshold, 3);
}

Test(decode, deployment)
{
    const char *text = MODEL HEAD
        "Deployment\nmetadata: {name: x}\nspec:\n  model: m\n  version: ^1.0.0\n  targets:\n"
        "    selector:\n      matchLabels: {b: c}\n"
        "      matchExpressions: [{key: a, operator: NotIn, values: [d, e]}]\n"
        "  config: {z: 1, a: [true, ~, 0x10, 1.50, 'q\"'], m: {}}\n"
        "  rollout: {maxUnavailable: 5, errorThreshold: 10%}\n";
    kedge_auto(revision) struct revision r = revision_of(text, strlen(text));
    const struct kedge_deployment *d = find(&r, KEDGE_KIND_DEPLOYMENT, "x");
    cr_expect_eq(d->target_kind, KEDGE_KIND_MODEL);
    cr_expect_str_eq(d->target, "m");
    cr_expect_not(kedge_range_is_exact(d->range));
    cr_expect(d->targets.has_selector);
    cr_assert_eq(d->targets.selector.count, 2);
    cr_expect_eq(d->targets.selector.at[0].op, KEDGE_SELECTOR_IN);
    cr_expect_str_eq(d->targets.selector.at[0].values.at[0], "c");
    cr_expect_eq(d->targets.selector.at[1].values.count, 2);
    cr_expect_eq(d->state, KEDGE_RUN_RUNNING);
    cr_expect(d->prune);
    cr_expect_null(d->sla);
    cr_expect_str_eq(d->config.data, "{\"a\":[true,null,16,1.5,\"q\\\"\"],\"m\":{},\"z\":1}",
                     "canonical JSON");
    cr_assert_not_null(d->rollout);
    cr_expect_str_eq(d->rollout->max_unavailable, "5");
    cr_expect_str_eq(d->rollout->error_threshold, "10%");
}

Test(decode, application_window_policy_sla)
{
    const char *text = MODEL HEAD
        "Application\nmetadata: {name: a}\nspec:\n  version: 1.0.0\n"
        "  models:\n  - {model: m, version: 1.x, alias: n}\n---\n" HEAD
        "Deployment\nmetadata: {name: x}\nspec: {application: a, version: 1.0.0, targets: "
        "{selector: {}}}\n---\n" HEAD
        "MaintenanceWindow\nmetadata: {name: w}\nspec: {kind: deny, schedule: '@daily', duration: "
        "90m}\n---\n" HEAD "Policy\nmetadata: {name: p}\nspec: {destroyBudget: 5%, require: "
        "{signed: true}, rules: [{signers: [s], devices: {matchLabels: {a: b}}}]}\n---\n" HEAD
        "SLA\nmetadata: {name: s}\nspec: {objectives: [{metric: errorRate, max: .01}, {metric: "
        "throughput, min: 5}]}\n";
    kedge_auto(revision) struct revision r = revision_of(text, strlen(text));
    const struct kedge_application *a = find(&r, KEDGE_KIND_APPLICATION, "a");
    cr_expect_null(a->release.artifact.url);
    cr_assert_eq(a->model_count, 1);
    cr_expect_str_eq(a->models[0].alias, "n");
    cr_expect_eq(a->models[0].at.line, 11);
    const struct kedge_deployment *d = find(&r, KEDGE_KIND_DEPLOYMENT, "x");
    cr_expect_eq(d->target_kind, KEDGE_KIND_APPLICATION);
    cr_expect(d->targets.has_selector, "an empty selector is a selector");
    const struct kedge_window *w = find(&r, KEDGE_KIND_MAINTENANCE_WINDOW, "w");
    cr_expect(w->deny);
    cr_expect_eq(w->duration, 90 * 60000);
    cr_expect_str_eq(w->zone_name, "UTC");
    cr_expect_not_null(w->zone);
    cr_expect(w->activation);
    cr_expect_not(w->download);
    const struct kedge_policy *p = find(&r, KEDGE_KIND_POLICY, "p");
    cr_expect(p->has_destroy_budget);
    cr_expect(p->destroy_budget_percent);
    cr_expect_eq(p->destroy_budget, 5);
    cr_expect(p->require_signed);
    cr_expect_not(p->require_ready);
    cr_expect_eq(p->rules[0].min_signatures, 1);
    cr_expect_eq(p->rules[0].devices.count, 1);
    const struct kedge_sla *s = find(&r, KEDGE_KIND_SLA, "s");
    cr_expect(s->objectives[0].has_max && !s->objectives[0].has_min);
    cr_expect_float_eq(s->objectives[0].bound, 0.01, 1e-12);
    cr_expect(s->objectives[1].has_min);
    cr_expect_eq(s->window, 600000);
    cr_expect_eq(s->on_breach, KEDGE_ON_BREACH_REPORT);
    kedge_test_no_leaks();
}
