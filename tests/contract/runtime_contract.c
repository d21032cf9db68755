/* SPDX-License-Identifier: Apache-2.0 */
/* What every runtime driver promises. */
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "kedge/runtime.h"
#include "lib/tempdir.h"
#include "state/workload.h"

static const char *const drivers[] = {"fake", "files", "process"};

struct place {
    struct kedge_tempdir tmp;
    char folder[300], record[300], log[300];
    struct kedge_runtime_spec spec;
    struct kedge_runtime_unit unit;
};

static void setup(struct place *place)
{
    static const char *const command[] = {"sleep", "600"};
    static const struct kedge_port ports[] = {{.name = "http"}};
    *place = (struct place){.tmp = kedge_tempdir_make()};
    snprintf(place->folder, sizeof place->folder, "%s/package", place->tmp.path);
    snprintf(place->record, sizeof place->record, "%s/record", place->tmp.path);
    snprintf(place->log, sizeof place->log, "%s/log", place->tmp.path);
    cr_assert_eq(mkdir(place->folder, 0700), 0);
    place->spec = (struct kedge_runtime_spec){.command = {command, 2},
                                              .ports = ports,
                                              .port_count = 1,
                                              .stop_timeout = 2000};
    place->unit = (struct kedge_runtime_unit){.instance = "m",
                                              .version = "1.0.0",
                                              .spec = &place->spec,
                                              .folder = place->folder,
                                              .config = "/dev/null",
                                              .models = "/dev/null",
                                              .log = place->log,
                                              .record = place->record};
}

Test(runtime, starts_finds_again_and_stops)
{
    for (size_t i = 0; i < KEDGE_COUNT(drivers); i++) {
        struct place place;
        struct kedge_runtime *first, *second;
        struct kedge_runtime_status status;
        struct kedge_err err;
        setup(&place);
        cr_assert_eq(kedge_runtime_open(drivers[i], &first, &err), 0, "%s", err.msg);
        cr_assert_eq(first->ops->check(first, &place.unit, &err), 0, "%s", err.msg);
        cr_assert_eq(first->ops->stop(first, &place.unit, &err), 0, "nothing to stop is fine");
        cr_assert_eq(first->ops->observe(first, &place.unit, &status, &err), 0);
        cr_assert(!status.running);
        cr_assert_eq(first->ops->start(first, &place.unit, &status, &err), 0, "%s", err.msg);
        cr_assert(status.running);
        cr_assert_eq(first->ops->start(first, &place.unit, &status, &err), KEDGE_EXISTS);
        kedge_runtime_close(first);
        cr_assert_eq(kedge_runtime_open(drivers[i], &second, &err), 0);
        cr_assert_eq(second->ops->observe(second, &place.unit, &status, &err), 0);
        cr_assert(status.running, "%s: a later life finds it again", drivers[i]);
        cr_assert(!status.stale);
        cr_assert_eq(second->ops->stop(second, &place.unit, &err), 0, "%s", err.msg);
        cr_assert_eq(second->ops->observe(second, &place.unit, &status, &err), 0);
        cr_assert(!status.running);
        cr_assert_eq(second->ops->watch(second, &place.unit), -1);
        kedge_runtime_close(second);
        kedge_tempdir_auto(&place.tmp);
    }
}

Test(runtime, refuses_what_is_not_there)
{
    struct kedge_runtime *runtime;
    struct kedge_err err;
    static const char *const missing[] = {"missing"};
    cr_assert_eq(kedge_runtime_open("container", &runtime, &err), KEDGE_UNSUPPORTED);
    for (size_t i = 0; i < KEDGE_COUNT(drivers); i += 2) {
        struct place place;
        setup(&place);
        place.spec.command = (struct kedge_strings){missing, 1};
        cr_assert_eq(kedge_runtime_open(drivers[i], &runtime, &err), 0);
        cr_assert_eq(runtime->ops->check(runtime, &place.unit, &err), KEDGE_NOTFOUND);
        kedge_runtime_close(runtime);
        kedge_tempdir_auto(&place.tmp);
    }
}

Test(runtime, tells_how_a_process_ended)
{
    struct place place;
    struct kedge_runtime *runtime;
    struct kedge_runtime_status status;
    struct kedge_err err;
    setup(&place);
    cr_assert_eq(kedge_runtime_open("process", &runtime, &err), 0);
    cr_assert_eq(runtime->ops->start(runtime, &place.unit, &status, &err), 0, "%s", err.msg);
    cr_assert_gt(status.ports[0], 0);
    struct pollfd ended = {.fd = runtime->ops->watch(runtime, &place.unit), .events = POLLIN};
    cr_assert_geq(ended.fd, 0);
    kill((pid_t)status.pid, SIGKILL);
    cr_assert_eq(poll(&ended, 1, 5000), 1);
    close(ended.fd);
    cr_assert_eq(runtime->ops->observe(runtime, &place.unit, &status, &err), 0);
    cr_assert(!status.running);
    cr_assert(strstr(status.how, "signal 9"), "%s", status.how);
    kedge_runtime_close(runtime);
    kedge_tempdir_auto(&place.tmp);
}

static void wait_end(struct kedge_runtime *runtime, const struct kedge_runtime_unit *unit)
{
    struct pollfd ended = {.fd = runtime->ops->watch(runtime, unit), .events = POLLIN};
    cr_assert(ended.fd < 0 || poll(&ended, 1, 10000) == 1);
    if (ended.fd >= 0)
        close(ended.fd);
}

/* Hooks and program alike find secrets in their environment, and the configuration with them in
 * memory; nothing of it is on the disk but what they wrote themselves. */
Test(runtime, secrets_are_for_what_runs)
{
    static const char *const show[] = {
        "sh", "-c",
        "echo \"$TOKEN $HOME $(cat \"$KEDGE_CONFIG\") $KEDGE_CONFIG\"; (cat \"$KEDGE_CONFIG\"); "
        "echo x 2>/dev/null >\"$KEDGE_CONFIG\" && echo CHANGED; true"};
    static const char expected[] = "hunter2 /nowhere {\"t\":\"hunter2\"} /proc/self/fd/";
    static const struct kedge_runtime_secret secrets[] = {{"TOKEN", {"hunter2", 7}},
                                                          {"HOME", {"/nowhere", 8}}};
    for (size_t i = 1; i < KEDGE_COUNT(drivers); i++) {
        struct place place;
        struct kedge_runtime *runtime;
        struct kedge_runtime_status status;
        struct kedge_err err;
        kedge_auto(kedge_buf) struct kedge_buf log = {0};
        setup(&place);
        place.spec.command = place.spec.before_start.command = place.spec.after_stop.command =
            (struct kedge_strings){show, KEDGE_COUNT(show)};
        place.spec.before_start.timeout = place.spec.after_stop.timeout = 10000;
        place.unit.secrets = secrets;
        place.unit.secret_count = KEDGE_COUNT(secrets);
        place.unit.private_config = (struct kedge_slice){"{\"t\":\"hunter2\"}", 15};
        cr_assert_eq(kedge_runtime_open(drivers[i], &runtime, &err), 0);
        cr_assert_eq(runtime->ops->start(runtime, &place.unit, &status, &err), 0, "%s", err.msg);
        wait_end(runtime, &place.unit);
        cr_assert_eq(runtime->ops->stop(runtime, &place.unit, &err), 0, "%s", err.msg);
        cr_assert_eq(kedge_fs_read(AT_FDCWD, place.log, 65536, &log, &err), 0);
        size_t count = 0;
        for (const char *at = log.data; (at = strstr(at, expected)); at++)
            count++;
        cr_expect_eq(count, i + 1, "%s: %s", drivers[i], log.data);
        cr_expect_null(strstr(log.data, "CHANGED"));
        kedge_runtime_close(runtime);
        kedge_tempdir_auto(&place.tmp);
    }
}
