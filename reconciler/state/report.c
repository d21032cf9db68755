/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <string.h>

#include "base/digest.h"
#include "base/limits.h"
#include "record.h"

const struct kedge_words kedge_health_words =
    KEDGE_WORDS([KEDGE_HEALTH_UNKNOWN] = "Unknown", [KEDGE_HEALTH_HEALTHY] = "Healthy",
                [KEDGE_HEALTH_PROGRESSING] = "Progressing", [KEDGE_HEALTH_DEGRADED] = "Degraded",
                [KEDGE_HEALTH_MISSING] = "Missing");

const struct kedge_words kedge_integrity_words =
    KEDGE_WORDS([KEDGE_INTEGRITY_INTACT] = "intact", [KEDGE_INTEGRITY_MODIFIED] = "modified",
                [KEDGE_INTEGRITY_MISSING] = "missing", [KEDGE_INTEGRITY_EXTRA] = "extra");

const struct kedge_words kedge_action_state_words = KEDGE_WORDS(
    [KEDGE_ACTION_PENDING] = "Pending", [KEDGE_ACTION_HELD] = "Held", [KEDGE_ACTION_SENT] = "Sent",
    [KEDGE_ACTION_DOWNLOADING] = "Downloading", [KEDGE_ACTION_INSTALLING] = "Installing",
    [KEDGE_ACTION_VERIFYING] = "Verifying", [KEDGE_ACTION_SUCCEEDED] = "Succeeded",
    [KEDGE_ACTION_FAILED] = "Failed", [KEDGE_ACTION_ROLLING_BACK] = "RollingBack",
    [KEDGE_ACTION_ROLLED_BACK] = "RolledBack", [KEDGE_ACTION_SUPERSEDED] = "Superseded");

const struct kedge_words kedge_denial_words =
    KEDGE_WORDS([KEDGE_DENIAL_NONE] = NULL, [KEDGE_DENIAL_UNSIGNED] = "unsigned",
                [KEDGE_DENIAL_ROLLBACK] = "release-rollback");

static const struct kedge_member capacity_members[] = {
    {KEDGE_RECORD_MEMBER("arch", STRING, kedge_capacity, arch)},
    {KEDGE_RECORD_MEMBER("memory", AMOUNT, kedge_capacity, memory)},
    {KEDGE_RECORD_MEMBER("disk", AMOUNT, kedge_capacity, disk)},
    {KEDGE_RECORD_MEMBER("accelerators", STRINGS, kedge_capacity, accelerators)},
};
static const struct kedge_record capacity = {capacity_members, KEDGE_COUNT(capacity_members),
                                             sizeof(struct kedge_capacity)};

static const struct kedge_member reported_members[] = {
    {KEDGE_RECORD_MEMBER("instance", NAME, kedge_reported, instance), .required = true},
    {KEDGE_RECORD_MEMBER("deployment", NAME, kedge_reported, deployment)},
    {KEDGE_RECORD_MEMBER("version", STRING, kedge_reported, version)},
    {KEDGE_RECORD_MEMBER("content", DIGEST, kedge_reported, content)},
    {KEDGE_RECORD_MEMBER("integrity", WORD, kedge_reported, integrity),
     .detail = &kedge_integrity_words, .required = true},
    {KEDGE_RECORD_MEMBER("state", WORD, kedge_reported, state), .detail = &kedge_run_state_words,
     .required = true},
    {KEDGE_RECORD_MEMBER("health", WORD, kedge_reported, health), .detail = &kedge_health_words,
     .required = true},
    {KEDGE_RECORD_MEMBER("verified", BOOL, kedge_reported, verified)},
    {KEDGE_RECORD_MEMBER("endpoint", STRING, kedge_reported, endpoint)},
    {KEDGE_RECORD_MEMBER("restarts", COUNT, kedge_reported, restarts)},
    {KEDGE_RECORD_MEMBER("message", STRING, kedge_reported, message)},
};
static const struct kedge_record reported = {reported_members, KEDGE_COUNT(reported_members),
                                             sizeof(struct kedge_reported)};

static const struct kedge_member progress_members[] = {
    {KEDGE_RECORD_MEMBER("instance", NAME, kedge_progress, instance), .required = true},
    {KEDGE_RECORD_MEMBER("version", STRING, kedge_progress, version)},
    {KEDGE_RECORD_MEMBER("content", DIGEST, kedge_progress, content)},
    {KEDGE_RECORD_MEMBER("state", WORD, kedge_progress, state), .detail = &kedge_action_state_words,
     .required = true},
    {KEDGE_RECORD_MEMBER("code", CODE, kedge_progress, code)},
    {KEDGE_RECORD_MEMBER("denial", WORD, kedge_progress, denial), .detail = &kedge_denial_words},
    {KEDGE_RECORD_MEMBER("vouchers", DIGEST, kedge_progress, vouchers)},
    {KEDGE_RECORD_MEMBER("message", STRING, kedge_progress, message)},
    {KEDGE_RECORD_MEMBER("bytes", AMOUNT, kedge_progress, bytes)},
};
static const struct kedge_record progress = {progress_members, KEDGE_COUNT(progress_members),
                                             sizeof(struct kedge_progress)};

static const struct kedge_member refusal_members[] = {
    {KEDGE_RECORD_MEMBER("generation", INTEGER, kedge_refusal, generation)},
    {KEDGE_RECORD_MEMBER("code", CODE, kedge_refusal, code)},
    {KEDGE_RECORD_MEMBER("reason", STRING, kedge_refusal, reason), .required = true},
    {KEDGE_RECORD_MEMBER("message", STRING, kedge_refusal, message)},
    {KEDGE_RECORD_MEMBER("at", INTEGER, kedge_refusal, at)},
};
static const struct kedge_record refusal = {refusal_members, KEDGE_COUNT(refusal_members),
                                            sizeof(struct kedge_refusal)};

static const struct kedge_member report_members[] = {
    {KEDGE_RECORD_MEMBER("device", NAME, kedge_report, device), .required = true},
    {KEDGE_RECORD_MEMBER("counter", AMOUNT, kedge_report, counter), .required = true},
    {KEDGE_RECORD_MEMBER("link", AMOUNT, kedge_report, link)},
    {KEDGE_RECORD_MEMBER("previous", DIGEST, kedge_report, previous)},
    {KEDGE_RECORD_MEMBER("upholds", DIGEST, kedge_report, upholds)},
    {KEDGE_RECORD_MEMBER("generation", AMOUNT, kedge_report, generation)},
    {KEDGE_RECORD_MEMBER("envelope", DIGEST, kedge_report, envelope)},
    {KEDGE_RECORD_MEMBER("at", INTEGER, kedge_report, at)},
    {KEDGE_RECORD_MEMBER("agent", STRING, kedge_report, agent)},
    {KEDGE_RECORD_MEMBER("capacity", RECORD, kedge_report, capacity), .detail = &capacity},
    {KEDGE_RECORD_MEMBER("diskFree", AMOUNT, kedge_report, disk_free)},
    {KEDGE_RECORD_MEMBER("runtimes", STRINGS, kedge_report, runtimes)},
    {KEDGE_RECORD_MEMBER("instances", LIST, kedge_report, instances), .detail = &reported,
     .count = offsetof(struct kedge_report, instance_count)},
    {KEDGE_RECORD_MEMBER("progress", LIST, kedge_report, progress), .detail = &progress,
     .count = offsetof(struct kedge_report, progress_count)},
    {KEDGE_RECORD_MEMBER("refusal", POINTER, kedge_report, refusal), .detail = &refusal},
    {KEDGE_RECORD_MEMBER("erased", BOOL, kedge_report, erased)},
    {KEDGE_RECORD_MEMBER("root", AMOUNT, kedge_report, root)},
    {KEDGE_RECORD_MEMBER("rootRefusal", POINTER, kedge_report, root_refusal), .detail = &refusal},
};
static const struct kedge_record record = {report_members, KEDGE_COUNT(report_members),
                                           sizeof(struct kedge_report)};

void kedge_report_write(const struct kedge_report *report, struct kedge_json_writer *writer)
{
    kedge_record_write(&record, report, writer);
}

static int check_link(const struct kedge_report *read, struct kedge_err *err)
{
    bool named = !kedge_digest_is_zero(&read->previous);
    bool upholds = !kedge_digest_is_zero(&read->upholds);
    if (read->link < 1)
        return kedge_err_set(err, KEDGE_INVALID, "report's 'link' is missing or not positive");
    if (upholds ? named : named != (read->link > 1))
        return kedge_err_set(err, KEDGE_INVALID,
                             "report names either what it upholds or, from the second link on, the "
                             "link before");
    return 0;
}

int kedge_report_read(struct kedge_arena *arena, const json_t *json, struct kedge_report *out,
                      struct kedge_err *err)
{
    struct kedge_report read = {0};
    int rc = kedge_record_read(arena, &record, json, &read, err);
    if (rc != 0) {
        kedge_err_wrap(err, "report");
        return rc;
    }
    if (read.instance_count > KEDGE_LIMIT_INSTANCES || read.progress_count > KEDGE_LIMIT_INSTANCES)
        return kedge_err_set(err, KEDGE_LIMIT, "report names more than %d instances",
                             KEDGE_LIMIT_INSTANCES);
    if (read.erased && read.instance_count + read.progress_count > 0)
        return kedge_err_set(err, KEDGE_INVALID, "report names instances, yet all is erased");
    for (uint32_t i = 1; i < read.instance_count; i++)
        if (strcmp(read.instances[i - 1].instance, read.instances[i].instance) >= 0)
            return kedge_err_set(err, KEDGE_INVALID,
                                 "report's instances are not sorted and unique at '%s'",
                                 read.instances[i].instance);
    rc = check_link(&read, err);
    if (rc == 0)
        *out = read;
    return rc;
}

struct kedge_digest kedge_report_digest(const struct kedge_report *report)
{
    static const char *const ticking[] = {"counter", "link",     "previous", "upholds",
                                          "at",      "diskFree", "progress", NULL};
    static const char *const fetched[] = {"bytes", NULL};
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_json_writer w = {.out = &text};
    kedge_record_write_without(&record, report, ticking, &w);
    for (uint32_t i = 0; i < report->progress_count; i++)
        kedge_record_write_without(&progress, &report->progress[i], fetched, &w);
    return kedge_digest_of(text.data, text.size);
}

int64_t kedge_report_fetched(const struct kedge_report *report)
{
    uint64_t sum = 0; /* foreign numbers: it may wrap, it is only compared */
    for (uint32_t i = 0; i < report->progress_count; i++)
        sum += (uint64_t)report->progress[i].bytes;
    return (int64_t)(sum & INT64_MAX);
}

const struct kedge_reported *kedge_report_find(const struct kedge_report *report,
                                               const char *instance)
{
    uint32_t low = 0, high = report->instance_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(report->instances[middle].instance, instance);
        if (order == 0)
            return &report->instances[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
