/* SPDX-License-Identifier: Apache-2.0 */
/* The typed manifests of a revision: one struct per kind of DESIGN section 2. */
#pragma once

#include "base/table.h"
#include "finding.h"
#include "range.h"
#include "workload.h"
#include "cron.h"
#include "tree.h"

#define KEDGE_API_VERSION "kedge.dev/v1alpha1"

enum kedge_kind {
    KEDGE_KIND_MODEL,
    KEDGE_KIND_MODEL_VERSION,
    KEDGE_KIND_DATASET,
    KEDGE_KIND_APPLICATION,
    KEDGE_KIND_DEVICE,
    KEDGE_KIND_SLA,
    KEDGE_KIND_DEPLOYMENT,
    KEDGE_KIND_MAINTENANCE_WINDOW,
    KEDGE_KIND_POLICY,
    KEDGE_KIND_COUNT
};
extern const struct kedge_words kedge_kind_words; /* "Model", "ModelVersion", ... */

/* First member of every kind; `name` first, so that objects are table entries. */
struct kedge_object {
    const char *name;
    struct kedge_labels labels;
    struct kedge_labels annotations;
    struct kedge_position at; /* of the document */
};

/* Paused by a person: nothing is changed while it is in force. */
struct kedge_suspend {
    const char *reason;
    const char *by;
    kedge_ms until; /* 0: until it is removed */
};

struct kedge_model {
    struct kedge_object object;
    const char *title, *description, *licence; /* licence: SPDX */
    struct kedge_strings owners;
    struct kedge_strings access; /* applications that may use it on the device; none: all */
};

enum kedge_stage { KEDGE_STAGE_DRAFT, KEDGE_STAGE_READY };
extern const struct kedge_words kedge_stage_words; /* "draft", "ready" */

struct kedge_requires {
    struct kedge_strings arch;         /* any of; none: any */
    int64_t memory, disk;              /* bytes */
    struct kedge_strings accelerators; /* all of */
    struct kedge_strings runtimes;     /* all of: "python3.11", ... */
    const char *agent_text;
    const struct kedge_range *agent; /* NULL: any */
};

struct kedge_evaluation {
    const char *dataset, *metric;
    double value;
};

/* The outcome of a scan, as somebody recorded it. */
struct kedge_scan_result {
    const char *verdict; /* "clean", "findings", "unscannable"; NULL: not scanned */
    const char *scanner;
    kedge_ms at;
};

/* By a release key over an artifact: wire/release.h. */
struct kedge_signature {
    const char *key_id; /* a hint for people; NULL in an assignment */
    const char *value;  /* minisign's four lines */
    struct kedge_position at;
};

/* What versions of models and applications have in common: something that can be placed on a
 * device. */
struct kedge_release {
    const char *version_text;
    struct kedge_version version;
    struct kedge_artifact_ref artifact;
    const struct kedge_signature *signatures;
    uint32_t signature_count;
    struct kedge_runtime_spec runtime;
    struct kedge_requires requires;
};

struct kedge_model_version {
    struct kedge_object object;
    const char *model;
    struct kedge_release release;
    const char *comment;
    enum kedge_stage stage;
    const struct kedge_evaluation *evaluations;
    uint32_t evaluation_count;
    struct kedge_strings datasets;
    struct kedge_scan_result scan;
};

struct kedge_dataset {
    struct kedge_object object;
    const char *version_text;
    const char *description;
    struct kedge_artifact_ref artifact;
};

struct kedge_application_model {
    const char *model, *alias;
    const char *range_text;
    const struct kedge_range *range;
    struct kedge_position at;
};

struct kedge_application {
    struct kedge_object object;
    struct kedge_release release; /* artifact.url NULL: models only */
    const char *description;
    const struct kedge_application_model *models;
    uint32_t model_count;
    struct kedge_strings datasets;
};

struct kedge_capacity {
    const char *arch;     /* "amd64", "arm64", ...; NULL: unknown */
    int64_t memory, disk; /* bytes; 0: unknown */
    struct kedge_strings accelerators;
};

#define KEDGE_KEY_SIZE 32

struct kedge_device {
    struct kedge_object object;
    uint8_t public_key[KEDGE_KEY_SIZE]; /* Ed25519; all-zero: the device is not enrolled */
    struct kedge_capacity capacity;
    const char *entitlement; /* the licence that lets it receive models, or NULL: none needed */
    kedge_ms entitled_until; /* 0: without end */
    const struct kedge_suspend *suspend; /* or NULL */
};

enum kedge_objective_metric {
    KEDGE_METRIC_LATENCY_P50,
    KEDGE_METRIC_LATENCY_P95,
    KEDGE_METRIC_LATENCY_P99,
    KEDGE_METRIC_ERROR_RATE,
    KEDGE_METRIC_AVAILABILITY,
    KEDGE_METRIC_THROUGHPUT,
    KEDGE_METRIC_MEMORY,
    KEDGE_METRIC_ACCURACY,
    KEDGE_METRIC_COUNT
};
extern const struct kedge_words kedge_objective_metric_words; /* "latencyP50", ... */

struct kedge_objective {
    enum kedge_objective_metric metric;
    bool has_min, has_max; /* exactly one */
    double bound;          /* latency in ms, memory in bytes, rates as fractions */
    const char *dataset;   /* accuracy only */
};

enum kedge_on_breach { KEDGE_ON_BREACH_ROLLBACK, KEDGE_ON_BREACH_PAUSE, KEDGE_ON_BREACH_REPORT };
extern const struct kedge_words kedge_on_breach_words;

struct kedge_sla {
    struct kedge_object object;
    const struct kedge_objective *objectives;
    uint32_t objective_count;
    kedge_ms window;
    uint32_t min_samples;
    enum kedge_on_breach on_breach;
};

enum kedge_run_state { KEDGE_RUN_RUNNING, KEDGE_RUN_STOPPED };
extern const struct kedge_words kedge_run_state_words; /* "running", "stopped" */

/* Which devices: named ones and those a selector matches, together. */
struct kedge_targets {
    struct kedge_strings devices;
    bool has_selector;
    struct kedge_selector selector;
};

/* Read and checked now; waves and gates act on it. */
struct kedge_rollout {
    struct kedge_strings waves; /* "5%", "10", ... */
    const char *success_threshold, *error_threshold, *max_unavailable;
    kedge_ms bake, timeout;
};

struct kedge_secret {
    const char *name;    /* environment variable; what config refers to */
    const char *sealed;  /* see sealed.h */
    uint32_t recipients; /* how many can open it; whom nobody can tell. Not on devices */
};

struct kedge_deployment {
    struct kedge_object object;
    enum kedge_kind target_kind; /* KEDGE_KIND_MODEL or KEDGE_KIND_APPLICATION */
    const char *target;          /* its name, which is the instance's too */
    const char *range_text;
    const struct kedge_range *range;
    struct kedge_targets targets;
    enum kedge_run_state state;
    const char *sla;           /* or NULL */
    struct kedge_slice config; /* canonical JSON object, or empty */
    const struct kedge_secret *secrets;
    uint32_t secret_count;
    const struct kedge_rollout *rollout; /* or NULL */
    struct kedge_strings depends_on;     /* deployments */
    bool prune; /* false: leave the instance on devices that are no longer targets */
    const struct kedge_suspend *suspend; /* or NULL */
};

struct kedge_window {
    struct kedge_object object;
    bool deny; /* else allow */
    struct kedge_cron cron;
    const char *cron_text;
    kedge_ms duration;
    const char *zone_name;
    const struct kedge_zone *zone;
    struct kedge_targets targets; /* none: every device */
    bool download, activation;    /* which phases it governs */
};

/* What a change does to a device, as rules of policies name it. A rollback is an update to a lower
 * version; "declare" is a change of manifests that does nothing to any device. */
enum kedge_right {
    KEDGE_RIGHT_DEPLOY,
    KEDGE_RIGHT_UPDATE,
    KEDGE_RIGHT_ROLLBACK,
    KEDGE_RIGHT_DESTROY,
    KEDGE_RIGHT_START,
    KEDGE_RIGHT_STOP,
    KEDGE_RIGHT_DECLARE,
    KEDGE_RIGHT_COUNT
};
extern const struct kedge_words kedge_right_words; /* "deploy", ... */

/* Who may change what; core/rights.h says how it is read. A list that is empty does not restrict. */
struct kedge_policy_rule {
    struct kedge_strings signers, paths, kinds, verbs, models;
    struct kedge_selector devices;
    uint32_t min_signatures;
};

struct kedge_policy {
    struct kedge_object object;
    const struct kedge_policy_rule *rules;
    uint32_t rule_count;
    bool require_ready, require_signed, require_scanned, require_validated;
    uint32_t release_keys; /* that must have signed an artifact; 0: not said */
    bool has_destroy_budget;
    int64_t destroy_budget; /* instances, or percent of them, a pass may destroy */
    bool destroy_budget_percent;
};

/* One file of the revision and what it declared; kept so that a later revision reparses only what
 * changed. */
struct kedge_file {
    const char *path;
    uint8_t blob[KEDGE_COMMIT_SIZE];
    const struct kedge_object *const *objects; /* in document order */
    const uint8_t *kinds;                      /* enum kedge_kind of each */
    uint32_t count;
    uint32_t skipped; /* documents of another apiVersion */
};

/* A name in one object that must be that of another. */
struct kedge_reference {
    enum kedge_kind kind; /* of what is named */
    const char *name;
    const char *field; /* "spec.targets.devices[2]" */
    struct kedge_position at;
};

/* All references of one file; files without any, such as those of devices, have none. */
struct kedge_references {
    const char *path;
    const struct kedge_reference *at;
    uint32_t count;
};

/* Devices that carry one label ("key=value"), or one label key ("key"). */
struct kedge_posting {
    const char *name;
    const struct kedge_table *devices;
};

/* All manifests of one revision. Immutable; shares what did not change with the revision it came
 * from. */
struct kedge_specs {
    char commit[KEDGE_COMMIT_TEXT];
    const struct kedge_table *kinds[KEDGE_KIND_COUNT]; /* of the kind's struct, by name */
    const struct kedge_table *files;                   /* of struct kedge_file, by path */
    const struct kedge_table *references;              /* of struct kedge_references, by path */
    const struct kedge_table *postings;                /* of struct kedge_posting */
    size_t skipped;                                    /* documents of another apiVersion */
};

/* NULL when there is none of that name. */
const void *kedge_spec_find(const struct kedge_specs *specs, enum kedge_kind kind,
                            const char *name);
/* Calls `visit` once for each device that `targets` names or selects, in name order, by posting
 * lists: work in proportion to the rarest label, not to the fleet (unless only negative
 * requirements are given). */
typedef void kedge_spec_visit(const struct kedge_device *device, void *payload);
void kedge_spec_targets(const struct kedge_specs *specs, const struct kedge_targets *targets,
                        kedge_spec_visit *visit, void *payload);
/* Is there any such device? Stops at the first. */
bool kedge_spec_has_target(const struct kedge_specs *specs, const struct kedge_targets *targets);
/* Does `targets` take in this one device? */
bool kedge_spec_is_target(const struct kedge_targets *targets, const struct kedge_device *device);
