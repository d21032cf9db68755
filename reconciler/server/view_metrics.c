/* SPDX-License-Identifier: Apache-2.0 */
/* OpenMetrics 1.0 text (prometheus/OpenMetrics, specification/OpenMetrics.md). */
#include <inttypes.h>

#include "census.h"
#include "inside.h"
#include "view_write.h"

static void describe(struct kedge_buf *out, const char *name, const char *type, const char *help)
{
    kedge_buf_printf(out, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

static void add_fleet(struct kedge_buf *out, const struct kedge_census *census)
{
    describe(out, "kedge_devices", "gauge", "Devices of the commit in force.");
    for (int i = 0; i < (int)KEDGE_COUNT(census->connection); i++)
        kedge_buf_printf(out, "kedge_devices{connection=\"%s\"} %zu\n",
                         kedge_word_name(&kedge_axis_connection_words, i), census->connection[i]);
    describe(out, "kedge_devices_decommissioned", "gauge",
             "Devices that are decommissioned or about to be, counted nowhere else.");
    kedge_buf_printf(out, "kedge_devices_decommissioned %zu\n", census->leaving);
    describe(out, "kedge_assignments", "gauge", "Instances that devices must hold.");
    for (int i = 0; i < KEDGE_SYNC_COUNT; i++)
        kedge_buf_printf(out, "kedge_assignments{sync=\"%s\"} %zu\n",
                         kedge_word_name(&kedge_axis_sync_words, i), census->sync[i]);
    describe(out, "kedge_instances", "gauge", "Instances that devices must hold, by health.");
    for (int i = 0; i < (int)KEDGE_COUNT(census->health); i++)
        kedge_buf_printf(out, "kedge_instances{health=\"%s\"} %zu\n",
                         kedge_word_name(&kedge_health_words, i), census->health[i]);
    describe(out, "kedge_held", "gauge", "Changes that are held, by what blocks them.");
    for (int i = KEDGE_BLOCKER_NONE + 1; i < KEDGE_BLOCKER_COUNT; i++)
        kedge_buf_printf(out, "kedge_held{blocker=\"%s\"} %zu\n",
                         kedge_word_name(&kedge_blocker_words, i), census->blockers[i]);
    describe(out, "kedge_drifted", "gauge", "Changes that devices made, not Git.");
    kedge_buf_printf(out, "kedge_drifted %zu\n", census->drifted);
}

static void add_actions(struct kedge_buf *out, const struct kedge_counters *counters)
{
    static const char *const outcomes[] = {
        [KEDGE_OUTCOME_SUCCEEDED] = "succeeded",
        [KEDGE_OUTCOME_FAILED] = "failed",
        [KEDGE_OUTCOME_ROLLED_BACK] = "rolled-back",
    };
    describe(out, "kedge_actions", "counter", "Actions issued, and how they ended.");
    for (int verb = 0; verb < KEDGE_VERB_COUNT; verb++) {
        const char *word = kedge_word_name(&kedge_verb_words, verb);
        kedge_buf_printf(out, "kedge_actions_total{verb=\"%s\",result=\"issued\"} %" PRIu64 "\n",
                         word, counters->issued[verb]);
        for (int i = 0; i < KEDGE_OUTCOME_COUNT; i++)
            kedge_buf_printf(out, "kedge_actions_total{verb=\"%s\",result=\"%s\"} %" PRIu64 "\n",
                             word, outcomes[i], counters->actions[verb][i]);
    }
}

static void add_reports(struct kedge_buf *out, const struct kedge_counters *counters)
{
    static const char *const results[] = {
        [KEDGE_RECEIVED_NEW] = "taken",
        [KEDGE_RECEIVED_REPEATED] = "repeated",
        [KEDGE_RECEIVED_REFUSED] = "refused",
    };
    describe(out, "kedge_reports", "counter", "Reports of devices.");
    for (int i = 0; i < KEDGE_RECEIVED_COUNT; i++)
        kedge_buf_printf(out, "kedge_reports_total{result=\"%s\"} %" PRIu64 "\n", results[i],
                         counters->reports[i]);
}

static void add_passes(struct kedge_buf *out, const struct kedge_counters *counters)
{
    static const char *const bounds[KEDGE_PASS_BUCKETS + 1] = {"0.001", "0.01",  "0.1",    "1.0",
                                                               "10.0",  "100.0", "1000.0", "+Inf"};
    uint64_t sum = 0;
    describe(out, "kedge_reconcile_duration_seconds", "histogram", "Time a pass takes.");
    for (int i = 0; i <= KEDGE_PASS_BUCKETS; i++) {
        sum += counters->passes[i];
        kedge_buf_printf(out, "kedge_reconcile_duration_seconds_bucket{le=\"%s\"} %" PRIu64 "\n",
                         bounds[i], sum);
    }
    kedge_buf_printf(out,
                     "kedge_reconcile_duration_seconds_count %" PRIu64
                     "\nkedge_reconcile_duration_seconds_sum %g\n",
                     sum, (double)counters->pass_time / 1000);
}

static void add_source(struct kedge_buf *out, const struct kedge_server *server)
{
    describe(out, "kedge_source_last_success_timestamp_seconds", "gauge",
             "When the repository was last reached.");
    kedge_buf_printf(out, "kedge_source_last_success_timestamp_seconds %" PRId64 "\n",
                     server->follow.success / 1000);
    describe(out, "kedge_source_refused", "gauge", "The head of the repository is refused.");
    kedge_buf_printf(out, "kedge_source_refused %d\n", server->refused.reason != NULL);
}

static void add_root(struct kedge_buf *out, const struct kedge_server *server)
{
    const struct kedge_roots *roots = &server->roots;
    struct kedge_err err;
    if (!roots->newest.version)
        return;
    describe(out, "kedge_root_version", "gauge", "Newest root document that is handed out.");
    kedge_buf_printf(out, "kedge_root_version %" PRId64 "\n", roots->newest.version);
    describe(out, "kedge_root_expires_timestamp_seconds", "gauge",
             "When it expires: devices then take no new orders.");
    kedge_buf_printf(out, "kedge_root_expires_timestamp_seconds %" PRId64 "\n",
                     roots->newest.expires / 1000);
    describe(out, "kedge_root_refused", "gauge", "The document that should follow is refused.");
    kedge_buf_printf(out, "kedge_root_refused %d\n", roots->refused.reason != NULL);
    describe(out, "kedge_root_permits", "gauge", "It names the key that orders are signed with.");
    kedge_buf_printf(out, "kedge_root_permits %d\n", kedge_roots_permit(server, &err) == 0);
}

int kedge_view_write_metrics(struct kedge_view_job *job, struct kedge_err *err)
{
    (void)err;
    struct kedge_server *server = job->server;
    struct kedge_buf *out = job->w.out;
    if (server->desired)
        add_fleet(out, kedge_census_take(server, job->now));
    add_actions(out, &server->counters);
    add_reports(out, &server->counters);
    add_passes(out, &server->counters);
    add_source(out, server);
    add_root(out, server);
    kedge_buf_puts(out, "# EOF\n");
    return 0;
}
