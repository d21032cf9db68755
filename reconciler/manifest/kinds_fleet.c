/* SPDX-License-Identifier: Apache-2.0 */
/* Where things go and under which rules: devices, deployments, SLAs, windows, policies. */
#include <string.h>

#include "base/limits.h"
#include "decode.h"
#include "kinds.h"
#include "state/sealed.h"

/* --- shared --- */

static const struct kedge_field metadata_fields[] = {
    {"name", KEDGE_FIELD_NAME, KEDGE_MEMBER(struct kedge_object, name),
     .flags = KEDGE_FIELD_REQUIRED, .about = "unique among the objects of its kind",
     .example = "\"press-01\""},
    {"labels", KEDGE_FIELD_LABELS, KEDGE_MEMBER(struct kedge_object, labels),
     .about = "what selectors match", .example = "{\"site\": \"hamburg\"}"},
    {"annotations", KEDGE_FIELD_NOTES, KEDGE_MEMBER(struct kedge_object, annotations),
     .about = "notes that kedge keeps and does not read", .example = "{\"ticket\": \"OPS-17\"}"},
};
const struct kedge_record kedge_metadata_record =
    KEDGE_RECORD("metadata", struct kedge_object, metadata_fields,
                 .about = "name, labels and annotations");

static const struct kedge_field requirement_fields[] = {
    {"key", KEDGE_FIELD_STRING, KEDGE_MEMBER(struct kedge_requirement, key),
     .flags = KEDGE_FIELD_REQUIRED, .about = "label key", .example = "\"site\""},
    {"operator", KEDGE_FIELD_ENUM, KEDGE_MEMBER(struct kedge_requirement, op),
     .words = &kedge_selector_operator_words, .flags = KEDGE_FIELD_REQUIRED,
     .about = "In needs the key; NotIn and DoesNotExist also match where it is absent",
     .example = "\"In\""},
    {"values", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_requirement, values),
     .item = KEDGE_FIELD_TEXT, .about = "for In and NotIn", .example = "[\"hamburg\"]"},
};

static void finish_requirement(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                               void *value)
{
    const struct kedge_requirement *requirement = value;
    bool takes_values =
        requirement->op == KEDGE_SELECTOR_IN || requirement->op == KEDGE_SELECTOR_NOT_IN;
    const char *op = kedge_word_name(&kedge_selector_operator_words, (int)requirement->op);
    if (takes_values && requirement->values.count == 0)
        kedge_decode_refuse(decoder, node, "selector", "add 'values'",
                            "operator '%s' needs at least one value", op);
    if (!takes_values && requirement->values.count)
        kedge_decode_refuse(decoder, kedge_decode_child(node, "values"), "selector",
                            "remove 'values'", "operator '%s' takes no values", op);
    if (!kedge_label_key_valid(requirement->key, strlen(requirement->key)))
        kedge_decode_refuse(decoder, kedge_decode_child(node, "key"), "bad-value",
                            "use [prefix/]name as for labels", "'%s' is not a label key",
                            requirement->key);
}

static const struct kedge_record requirement_record =
    KEDGE_RECORD("requirement", struct kedge_requirement, requirement_fields,
                 .about = "a condition on one label", .finish = finish_requirement);

static const struct kedge_field selector_fields[] = {
    {"matchLabels", KEDGE_FIELD_LABELS, KEDGE_MEMBER(struct kedge_selector_text, match),
     .about = "labels a device must carry, all of them", .example = "{\"site\": \"hamburg\"}"},
    {"matchExpressions", KEDGE_FIELD_OBJECTS, KEDGE_MEMBER(struct kedge_selector_text, expressions),
     KEDGE_PARSED(struct kedge_selector_text, count), .record = &requirement_record,
     .about = "conditions, all of which must hold",
     .example = "[{\"key\": \"site\", \"operator\": \"In\", \"values\": [\"hamburg\"]}]"},
};
const struct kedge_record kedge_selector_record =
    KEDGE_RECORD("selector", struct kedge_selector_text, selector_fields,
                 .about = "devices by label, as in Kubernetes; empty: every device");

static const struct kedge_field targets_fields[] = {
    {"devices", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_targets, devices),
     .item = KEDGE_FIELD_REFERENCE, .kind = KEDGE_KIND_DEVICE, .about = "devices by name",
     .example = "[\"press-01\"]"},
    {"selector", KEDGE_FIELD_SELECTOR, KEDGE_MEMBER(struct kedge_targets, selector),
     .record = &kedge_selector_record, KEDGE_MARK(struct kedge_targets, has_selector, true),
     .about = "devices by label", .example = "{\"matchLabels\": {\"site\": \"hamburg\"}}"},
};
const struct kedge_record kedge_targets_record =
    KEDGE_RECORD("targets", struct kedge_targets, targets_fields, .not_empty = true,
                 .about = "named devices and selected ones, together");

static const struct kedge_field suspend_fields[] = {
    {"reason", KEDGE_FIELD_STRING, KEDGE_MEMBER(struct kedge_suspend, reason),
     .flags = KEDGE_FIELD_REQUIRED, .about = "why", .example = "\"line 2 is being rebuilt\""},
    {"by", KEDGE_FIELD_STRING, KEDGE_MEMBER(struct kedge_suspend, by), .about = "who",
     .example = "\"ops@plant.example\""},
    {"until", KEDGE_FIELD_TIMESTAMP, KEDGE_MEMBER(struct kedge_suspend, until),
     .about = "when it ends by itself", .example = "\"2026-03-01T12:00:00Z\""},
};
const struct kedge_record kedge_suspend_record =
    KEDGE_RECORD("suspend", struct kedge_suspend, suspend_fields,
                 .about = "paused by a person: nothing is changed meanwhile");

/* --- Device --- */

static const struct kedge_field capacity_fields[] = {
    {"arch", KEDGE_FIELD_WORD, KEDGE_MEMBER(struct kedge_capacity, arch),
     .words = &kedge_arch_words, .about = "processor architecture", .example = "\"arm64\""},
    {"memory", KEDGE_FIELD_QUANTITY, KEDGE_MEMBER(struct kedge_capacity, memory),
     .about = "memory for models", .example = "\"4Gi\""},
    {"disk", KEDGE_FIELD_QUANTITY, KEDGE_MEMBER(struct kedge_capacity, disk),
     .about = "disk for models", .example = "\"32Gi\""},
    {"accelerators", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_capacity, accelerators),
     .item = KEDGE_FIELD_STRING, .about = "accelerators it has", .example = "[\"cuda\"]"},
};
static const struct kedge_record capacity_record =
    KEDGE_RECORD("capacity", struct kedge_capacity, capacity_fields,
                 .about = "what the device has");

static const struct kedge_field entitlement_fields[] = {
    {"licence", KEDGE_FIELD_STRING, KEDGE_MEMBER(struct kedge_device, entitlement),
     .flags = KEDGE_FIELD_REQUIRED, .about = "licence that lets it receive models",
     .example = "\"L-2026-0042\""},
    {"until", KEDGE_FIELD_TIMESTAMP, KEDGE_MEMBER(struct kedge_device, entitled_until),
     .about = "when it expires", .example = "\"2027-01-01T00:00:00Z\""},
};
static const struct kedge_record entitlement_record =
    KEDGE_RECORD("entitlement", struct kedge_device, entitlement_fields,
                 .about = "the right to receive models");

static const struct kedge_field device_fields[] = {
    {"publicKey", KEDGE_FIELD_KEY, KEDGE_MEMBER(struct kedge_device, public_key),
     .about = "Ed25519 key its reports are signed with; left out: the one it was enrolled with",
     .example = "\"ed25519:1jEpSckCdfU9CTVQ1slLxtIBdKj7rbPJr7kwzYjTmW4=\""},
    {"capacity", KEDGE_FIELD_OBJECT, KEDGE_MEMBER(struct kedge_device, capacity),
     .record = &capacity_record, .about = "what the device has",
     .example = "{\"arch\": \"arm64\", \"memory\": \"4Gi\"}"},
    {"entitlement", KEDGE_FIELD_OBJECT, .record = &entitlement_record,
     .about = "the right to receive models; left out: none is needed",
     .example = "{\"licence\": \"L-2026-0042\"}"},
    {"suspend", KEDGE_FIELD_POINTER, KEDGE_MEMBER(struct kedge_device, suspend),
     .record = &kedge_suspend_record, .about = "pause changes to this device",
     .example = "{\"reason\": \"being repaired\"}"},
};
const struct kedge_record kedge_device_record =
    KEDGE_RECORD("Device", struct kedge_device, device_fields,
                 .about = "A device: its key, its labels and what it has.");

/* --- SLA --- */

static const struct kedge_field objective_fields[] = {
    {"metric", KEDGE_FIELD_ENUM, KEDGE_MEMBER(struct kedge_objective, metric),
     .words = &kedge_objective_metric_words, .flags = KEDGE_FIELD_REQUIRED,
     .about = "what is measured", .example = "\"latencyP95\""},
    {"min", KEDGE_FIELD_NUMBER, KEDGE_MEMBER(struct kedge_objective, bound), .choice = 1,
     KEDGE_MARK(struct kedge_objective, has_min, true),
     .about = "least value: latency in ms, memory in bytes, throughput in 1/s, rates as fractions",
     .example = "0.99"},
    {"max", KEDGE_FIELD_NUMBER, KEDGE_MEMBER(struct kedge_objective, bound), .choice = 1,
     KEDGE_MARK(struct kedge_objective, has_max, true),
     .about = "greatest value, in the same units", .example = "50"},
    {"dataset", KEDGE_FIELD_REFERENCE, KEDGE_MEMBER(struct kedge_objective, dataset),
     .kind = KEDGE_KIND_DATASET, .about = "data set an accuracy is measured on",
     .example = "\"bearings-2025\""},
};

static void finish_objective(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                             void *value)
{
    const struct kedge_objective *objective = value;
    const char *metric = kedge_word_name(&kedge_objective_metric_words, (int)objective->metric);
    bool fraction = objective->metric == KEDGE_METRIC_ERROR_RATE ||
                    objective->metric == KEDGE_METRIC_AVAILABILITY ||
                    objective->metric == KEDGE_METRIC_ACCURACY;
    if (objective->bound < 0 || (fraction && objective->bound > 1))
        kedge_decode_refuse(decoder, node, "bad-value",
                            fraction ? "write 1% as 0.01" : "give a positive bound",
                            "the bound of '%s' must be %s", metric,
                            fraction ? "between 0 and 1" : "at least 0");
    if (objective->dataset && objective->metric != KEDGE_METRIC_ACCURACY)
        kedge_decode_refuse(decoder, kedge_decode_child(node, "dataset"), "bad-value", "remove it",
                            "'%s' is not measured on a data set", metric);
}

static const struct kedge_record objective_record =
    KEDGE_RECORD("objective", struct kedge_objective, objective_fields,
                 .about = "a bound on one metric", .finish = finish_objective);

static const struct kedge_field sla_fields[] = {
    {"objectives", KEDGE_FIELD_OBJECTS, KEDGE_MEMBER(struct kedge_sla, objectives),
     KEDGE_PARSED(struct kedge_sla, objective_count), .record = &objective_record,
     .flags = KEDGE_FIELD_REQUIRED, .about = "bounds, all of which must hold",
     .example = "[{\"metric\": \"latencyP95\", \"max\": 50}]"},
    {"window", KEDGE_FIELD_DURATION, KEDGE_MEMBER(struct kedge_sla, window), .preset = "10m",
     .min = 1000, .about = "time over which samples are judged together", .example = "\"10m\""},
    {"minSamples", KEDGE_FIELD_INTEGER, KEDGE_MEMBER(struct kedge_sla, min_samples), .preset = "1",
     .min = 1, .max = 1000000000, .about = "fewer samples are inconclusive", .example = "100"},
    {"onBreach", KEDGE_FIELD_ENUM, KEDGE_MEMBER(struct kedge_sla, on_breach),
     .words = &kedge_on_breach_words, .preset = "report", .inert = " rollback pause ",
     .about = "what follows a breach", .example = "\"report\""},
};
const struct kedge_record kedge_sla_record =
    KEDGE_RECORD("SLA", struct kedge_sla, sla_fields,
                 .about = "What a running model must achieve.");

/* --- Deployment --- */

static const struct kedge_field rollout_fields[] = {
    {"waves", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_rollout, waves),
     .item = KEDGE_FIELD_AMOUNT, .inert = "*",
     .about = "devices, or percent of them, that each wave adds",
     .example = "[\"1\", \"10%\", \"100%\"]"},
    {"successThreshold", KEDGE_FIELD_AMOUNT, KEDGE_MEMBER(struct kedge_rollout, success_threshold),
     .about = "devices of a wave that must succeed before the next", .example = "\"95%\""},
    {"errorThreshold", KEDGE_FIELD_AMOUNT, KEDGE_MEMBER(struct kedge_rollout, error_threshold),
     .about = "failed devices that stop the rollout", .example = "\"5%\""},
    {"maxUnavailable", KEDGE_FIELD_AMOUNT, KEDGE_MEMBER(struct kedge_rollout, max_unavailable),
     .about = "devices that may be without a healthy instance at once", .example = "\"10%\""},
    {"bake", KEDGE_FIELD_DURATION, KEDGE_MEMBER(struct kedge_rollout, bake),
     .about = "time a wave must stay healthy", .example = "\"1h\""},
    {"timeout", KEDGE_FIELD_DURATION, KEDGE_MEMBER(struct kedge_rollout, timeout),
     .about = "time a wave may take", .example = "\"6h\""},
};
static const struct kedge_record rollout_record =
    KEDGE_RECORD("rollout", struct kedge_rollout, rollout_fields,
                 .about = "how a change reaches the devices");

static const struct kedge_field secret_fields[] = {
    {"name", KEDGE_FIELD_VARIABLE, KEDGE_MEMBER(struct kedge_secret, name),
     .flags = KEDGE_FIELD_REQUIRED, .about = "environment variable it becomes",
     .example = "\"API_TOKEN\""},
    {"sealed", KEDGE_FIELD_TEXT, KEDGE_MEMBER(struct kedge_secret, sealed),
     .flags = KEDGE_FIELD_REQUIRED,
     .about = "the value, sealed for the devices: an armored age file",
     .example = "\"-----BEGIN AGE ENCRYPTED FILE-----\\n...\""},
};

/* Never shows the text: it may be a secret that nobody has sealed. */
static void finish_secret(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                          void *value)
{
    struct kedge_secret *secret = value;
    kedge_auto(kedge_sealed) struct kedge_sealed sealed = {0};
    const struct kedge_slice text = {secret->sealed, strlen(secret->sealed)};
    struct kedge_err err;
    if (kedge_sealed_parse(text, &sealed, &err))
        kedge_decode_refuse(decoder, kedge_decode_child(node, "sealed"), "not-sealed", NULL,
                            "secret '%s': %s", secret->name, err.msg);
    secret->recipients = kedge_sealed_recipients(&sealed);
}

static const struct kedge_record secret_record =
    KEDGE_RECORD("secret", struct kedge_secret, secret_fields,
                 .about = "a value only the devices can read", .finish = finish_secret);

static bool is_declared(const struct kedge_deployment *deployment, const char *secret)
{
    for (uint32_t i = 0; i < deployment->secret_count; i++)
        if (strcmp(deployment->secrets[i].name, secret) == 0)
            return true;
    return false;
}

/* {$secret: NAME} alone in a mapping, with a name that is declared. */
static void check_reference(struct kedge_decoder *decoder, const struct kedge_yaml_node *map,
                            const struct kedge_yaml_node *name,
                            const struct kedge_deployment *deployment)
{
    if (name->type != KEDGE_YAML_STRING || map->size != 1)
        kedge_decode_refuse(decoder, name, "bad-value",
                            "write {" KEDGE_SEALED_REFERENCE ": NAME}, with nothing beside it",
                            "'" KEDGE_SEALED_REFERENCE "' takes the name of a secret");
    else if (!is_declared(deployment, name->text))
        kedge_decode_refuse(decoder, name, "dangling-reference",
                            "declare it in 'secrets' of this deployment", "there is no secret '%s'",
                            name->text);
}

static void check_config(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                         const struct kedge_deployment *deployment)
{
    if (node->type == KEDGE_YAML_LIST)
        for (const struct kedge_yaml_node *item = node->first; item; item = item->next)
            check_config(decoder, item, deployment);
    if (node->type != KEDGE_YAML_MAP)
        return;
    for (const struct kedge_yaml_node *key = node->first; key; key = key->next->next) {
        if (strcmp(key->text, KEDGE_SEALED_REFERENCE) == 0)
            check_reference(decoder, node, key->next, deployment);
        else
            check_config(decoder, key->next, deployment);
    }
}

static void finish_deployment(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                              void *value)
{
    const struct kedge_deployment *deployment = value;
    const struct kedge_decode_step step = {.up = decoder->where, .key = "config"};
    decoder->where = &step;
    if (deployment->config.size)
        check_config(decoder, kedge_decode_child(node, "config"), deployment);
    decoder->where = step.up;
}

static const struct kedge_field deployment_fields[] = {
    {"model", KEDGE_FIELD_REFERENCE, KEDGE_MEMBER(struct kedge_deployment, target),
     .kind = KEDGE_KIND_MODEL, .choice = 1,
     KEDGE_MARK(struct kedge_deployment, target_kind, KEDGE_KIND_MODEL), .about = "model to deploy",
     .example = "\"vibration-anomaly\""},
    {"application", KEDGE_FIELD_REFERENCE, KEDGE_MEMBER(struct kedge_deployment, target),
     .kind = KEDGE_KIND_APPLICATION, .choice = 1,
     KEDGE_MARK(struct kedge_deployment, target_kind, KEDGE_KIND_APPLICATION),
     .about = "application to deploy", .example = "\"line-control\""},
    {"version", KEDGE_FIELD_RANGE, KEDGE_MEMBER(struct kedge_deployment, range_text),
     KEDGE_PARSED(struct kedge_deployment, range), .flags = KEDGE_FIELD_REQUIRED,
     .about = "exact version or npm range", .example = "\"^1.0.0\""},
    {"targets", KEDGE_FIELD_OBJECT, KEDGE_MEMBER(struct kedge_deployment, targets),
     .record = &kedge_targets_record, .flags = KEDGE_FIELD_REQUIRED, .about = "which devices",
     .example = "{\"selector\": {\"matchLabels\": {\"site\": \"hamburg\"}}}"},
    {"state", KEDGE_FIELD_ENUM, KEDGE_MEMBER(struct kedge_deployment, state),
     .words = &kedge_run_state_words, .preset = "running",
     .about = "stopped: present on the device but not running", .example = "\"running\""},
    {"sla", KEDGE_FIELD_REFERENCE, KEDGE_MEMBER(struct kedge_deployment, sla),
     .kind = KEDGE_KIND_SLA, .about = "SLA it is held to", .example = "\"interactive\""},
    {"config", KEDGE_FIELD_JSON, KEDGE_MEMBER(struct kedge_deployment, config),
     .about = "free form; the instance gets it as a file, with {$secret: NAME} replaced by the "
              "secret",
     .example = "{\"threshold\": 0.5, \"token\": {\"$secret\": \"API_TOKEN\"}}"},
    {"secrets", KEDGE_FIELD_OBJECTS, KEDGE_MEMBER(struct kedge_deployment, secrets),
     KEDGE_PARSED(struct kedge_deployment, secret_count), .record = &secret_record,
     .flags = KEDGE_FIELD_UNIQUE | KEDGE_FIELD_SORTED, .about = "sealed environment variables",
     .example = "[{\"name\": \"API_TOKEN\", \"sealed\": \"-----BEGIN AGE ENCRYPTED FILE-----\\n"
                "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBpOVlVOGxlcHViTmhqcEZY\\n"
                "dVBaNWtwSnY1Q0IyWmdMMXlIUzR4NFFDS3hBCklRZzFPY1ROWnJ5V2ZSR2UwRHJm\\n"
                "Z3ZYUnhZeHFUcGk3STd6UDF3MkNSM3MKLS0tIE5zNHVsc0MzMGdmNnZJbWk3WGVZ\\n"
                "QXFxNzhFdnhSQS9IeUV5cWt5djd6ejQK24DRWCWJiuLqDWDBMq6qn7Hu8aW8Kr8i\\n"
                "dG7U+UtiXFdxYdoMldit\\n-----END AGE ENCRYPTED FILE-----\\n\"}]"},
    {"rollout", KEDGE_FIELD_POINTER, KEDGE_MEMBER(struct kedge_deployment, rollout),
     .record = &rollout_record, .about = "how a change reaches the devices",
     .example = "{\"maxUnavailable\": \"10%\"}"},
    {"dependsOn", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_deployment, depends_on),
     .item = KEDGE_FIELD_REFERENCE, .kind = KEDGE_KIND_DEPLOYMENT,
     .about = "deployments that come first", .example = "[\"base-models\"]"},
    {"prune", KEDGE_FIELD_BOOL, KEDGE_MEMBER(struct kedge_deployment, prune), .preset = "true",
     .about = "destroy instances on devices that are no longer targets", .example = "true"},
    {"suspend", KEDGE_FIELD_POINTER, KEDGE_MEMBER(struct kedge_deployment, suspend),
     .record = &kedge_suspend_record, .about = "pause this deployment",
     .example = "{\"reason\": \"waiting for new data\"}"},
};
const struct kedge_record kedge_deployment_record =
    KEDGE_RECORD("Deployment", struct kedge_deployment, deployment_fields,
                 .about = "Which version of a model or application runs on which devices.",
                 .finish = finish_deployment);

/* --- MaintenanceWindow --- */

static const struct kedge_words window_kinds = KEDGE_WORDS("allow", "deny");

static const struct kedge_field window_fields[] = {
    {"kind", KEDGE_FIELD_ENUM, KEDGE_MEMBER(struct kedge_window, deny), .words = &window_kinds,
     .preset = "allow", .about = "allow: changes only inside; deny: none inside",
     .example = "\"allow\""},
    {"schedule", KEDGE_FIELD_CRON, KEDGE_MEMBER(struct kedge_window, cron_text),
     KEDGE_PARSED(struct kedge_window, cron), .flags = KEDGE_FIELD_REQUIRED,
     .about = "when it opens: five cron fields, or @daily and the like",
     .example = "\"0 2 * * sat\""},
    {"duration", KEDGE_FIELD_DURATION, KEDGE_MEMBER(struct kedge_window, duration),
     .flags = KEDGE_FIELD_REQUIRED, .min = 1000, .about = "how long it stays open",
     .example = "\"4h\""},
    {"timeZone", KEDGE_FIELD_ZONE, KEDGE_MEMBER(struct kedge_window, zone_name),
     KEDGE_PARSED(struct kedge_window, zone), .preset = "UTC", .about = "IANA time zone",
     .example = "\"Europe/Berlin\""},
    {"targets", KEDGE_FIELD_OBJECT, KEDGE_MEMBER(struct kedge_window, targets),
     .record = &kedge_targets_record, .about = "which devices; left out: every device",
     .example = "{\"selector\": {\"matchLabels\": {\"site\": \"hamburg\"}}}"},
    {"download", KEDGE_FIELD_BOOL, KEDGE_MEMBER(struct kedge_window, download), .preset = "false",
     .about = "it governs downloads", .example = "false"},
    {"activation", KEDGE_FIELD_BOOL, KEDGE_MEMBER(struct kedge_window, activation),
     .preset = "true", .about = "it governs starts, stops and switches", .example = "true"},
};

static void finish_window(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                          void *value)
{
    const struct kedge_window *window = value;
    if (!window->download && !window->activation)
        kedge_decode_refuse(decoder, node, "bad-value", "set 'download' or 'activation'",
                            "the window governs neither downloads nor activation");
}

const struct kedge_record kedge_window_record =
    KEDGE_RECORD("MaintenanceWindow", struct kedge_window, window_fields,
                 .about = "When devices may be changed, or may not.", .finish = finish_window);

/* --- Policy --- */

static const struct kedge_field rule_fields[] = {
    {"signers", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_policy_rule, signers),
     .item = KEDGE_FIELD_STRING, .flags = KEDGE_FIELD_REQUIRED,
     .about =
         "principals of allowed_signers ('*' and '?' stand for others) or SHA256: fingerprints",
     .example = "[\"ops@plant.example\"]"},
    {"paths", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_policy_rule, paths),
     .item = KEDGE_FIELD_STRING,
     .about = "files they may change ('**' spans folders, '*' does not); left out: any",
     .example = "[\"devices/**\"]"},
    {"kinds", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_policy_rule, kinds),
     .item = KEDGE_FIELD_WORD, .words = &kedge_kind_words,
     .about = "kinds they may change; left out: any", .example = "[\"Device\"]"},
    {"verbs", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_policy_rule, verbs),
     .item = KEDGE_FIELD_WORD, .words = &kedge_right_words,
     .about = "what their changes may do to devices, or 'declare': nothing; left out: all",
     .example = "[\"deploy\", \"update\"]"},
    {"models", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_policy_rule, models),
     .item = KEDGE_FIELD_STRING,
     .about = "models and applications they may change or deploy, by pattern; left out: any",
     .example = "[\"vibration-anomaly\"]"},
    {"devices", KEDGE_FIELD_SELECTOR, KEDGE_MEMBER(struct kedge_policy_rule, devices),
     .record = &kedge_selector_record,
     .about = "devices they may declare and deploy to; left out: any",
     .example = "{\"matchLabels\": {\"site\": \"hamburg\"}}"},
    {"minSignatures", KEDGE_FIELD_INTEGER, KEDGE_MEMBER(struct kedge_policy_rule, min_signatures),
     .preset = "1", .min = 1, .max = KEDGE_LIMIT_SIGNATURES,
     .about = "different people, and keys, who must have signed a change", .example = "2"},
};
static const struct kedge_record rule_record =
    KEDGE_RECORD("rule", struct kedge_policy_rule, rule_fields, .about = "who may change what");

static const struct kedge_field gate_fields[] = {
    {"ready", KEDGE_FIELD_BOOL, KEDGE_MEMBER(struct kedge_policy, require_ready),
     .about = "only versions of stage ready", .example = "true"},
    {"signed", KEDGE_FIELD_BOOL, KEDGE_MEMBER(struct kedge_policy, require_signed),
     .about = "only artifacts that a release key has signed", .example = "true"},
    {"releaseKeys", KEDGE_FIELD_INTEGER, KEDGE_MEMBER(struct kedge_policy, release_keys), .min = 1,
     .max = KEDGE_LIMIT_ROOT_KEYS,
     .about = "only artifacts that as many release keys have signed; devices count them too",
     .example = "2"},
    {"scanned", KEDGE_FIELD_BOOL, KEDGE_MEMBER(struct kedge_policy, require_scanned),
     .about = "only versions with a clean scan on record", .example = "true"},
    {"validated", KEDGE_FIELD_BOOL, KEDGE_MEMBER(struct kedge_policy, require_validated),
     .about = "only versions whose evaluations are within their deployment's SLA",
     .example = "true"},
};
static const struct kedge_record gate_record =
    KEDGE_RECORD("gates", struct kedge_policy, gate_fields, .about = "gates before deployment");

static const struct kedge_field policy_fields[] = {
    {"rules", KEDGE_FIELD_OBJECTS, KEDGE_MEMBER(struct kedge_policy, rules),
     KEDGE_PARSED(struct kedge_policy, rule_count), .record = &rule_record,
     .about = "who may change what", .example = "[{\"signers\": [\"ops@plant.example\"]}]"},
    {"require", KEDGE_FIELD_OBJECT, .record = &gate_record, .about = "gates before deployment",
     .example = "{\"ready\": true}"},
    {"destroyBudget", KEDGE_FIELD_BUDGET, KEDGE_MEMBER(struct kedge_policy, destroy_budget),
     KEDGE_PARSED(struct kedge_policy, destroy_budget_percent),
     KEDGE_MARK(struct kedge_policy, has_destroy_budget, true),
     .about = "instances, or percent of them, that one pass may destroy", .example = "\"5%\""},
};
const struct kedge_record kedge_policy_record =
    KEDGE_RECORD("Policy", struct kedge_policy, policy_fields, .not_empty = true,
                 .about = "Who may change what, and which gates bind.");
