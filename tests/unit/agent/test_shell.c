/* SPDX-License-Identifier: Apache-2.0 */
/* The whole agent on a real disk with real processes, a server in memory, and kill -9. */
#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/shell.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/log.h"
#include "lib/rng.h"
#include "lib/tempdir.h"
#include "net/httpc.h"
#include "transport/loop.h"
#include "wire/order.h"

struct device {
    struct kedge_tempdir *tmp;
    char state[300], envelope[320];
    struct kedge_key *key, *director;
    struct kedge_root root;
    int64_t generation;
    pid_t agent;
};

/* A package: "serve" runs until it is told to end, "probe" passes where the version is well. */
static struct kedge_artifact_ref package(const struct device *device, const char *version,
                                         bool well)
{
    static char urls[4][400];
    static unsigned next;
    char *url = urls[next++ % 4], *path = url + strlen("file:");
    snprintf(url, sizeof urls[0], "file:%s/%s%s.tar", device->tmp->path, version,
             well ? "" : "-sick");
    const struct {
        const char *name, *text;
    } files[] = {
        {"serve", "#!/bin/sh\necho started $KEDGE_VERSION\nexec sleep 600\n"},
        {"probe", well ? "#!/bin/sh\nexit 0\n" : "#!/bin/sh\necho not well\nexit 1\n"},
        {"version", version},
    };
    struct archive *archive = archive_write_new();
    archive_write_set_format_ustar(archive);
    cr_assert_eq(archive_write_open_filename(archive, path), ARCHIVE_OK);
    for (size_t i = 0; i < KEDGE_COUNT(files); i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, files[i].name);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, i < 2 ? 0755 : 0644);
        archive_entry_set_size(entry, (la_int64_t)strlen(files[i].text));
        archive_write_header(archive, entry);
        archive_write_data(archive, files[i].text, strlen(files[i].text));
        archive_entry_free(entry);
    }
    archive_write_free(archive);
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_fs_read(AT_FDCWD, path, 1 << 20, &bytes, &err), 0, "%s", err.msg);
    return (struct kedge_artifact_ref){.url = url,
                                       .digest = kedge_digest_of(bytes.data, bytes.size),
                                       .size = (int64_t)bytes.size,
                                       .format = KEDGE_FORMAT_TAR};
}

static void order(struct device *device, const char *version, bool well)
{
    static const char *const serve[] = {"./serve"}, *const probe[] = {"./probe"};
    kedge_auto(kedge_buf) struct kedge_buf json = {0}, statement = {0}, envelope = {0};
    struct kedge_order_member member = {0};
    struct kedge_err err;
    if (version) {
        struct kedge_assignment a = {
            .instance = "m",
            .kind = KEDGE_KIND_MODEL,
            .deployment = "d",
            .version = version,
            .artifact = package(device, version, well),
            .runtime = {.driver = KEDGE_DRIVER_PROCESS,
                        .command = {serve, 1},
                        .stop_timeout = 2000,
                        .probe = {.kind = KEDGE_PROBE_EXEC,
                                  .command = {probe, 1},
                                  .period = 500,
                                  .timeout = 5000,
                                  .start_within = 1500,
                                  .success_threshold = 1,
                                  .failure_threshold = 3}},
        };
        kedge_assignment_seal(&a);
        kedge_assignment_write(&a, &(struct kedge_json_writer){.out = &json});
        member = (struct kedge_order_member){.instance = "m",
                                             .artifact = a.artifact.digest,
                                             .json = kedge_buf_slice(&json)};
    }
    struct kedge_action action = {.id = "00000000000000000000000000000000",
                                  .verb = version ? KEDGE_VERB_DEPLOY : KEDGE_VERB_DESTROY,
                                  .instance = "m",
                                  .reason = "test"};
    const struct kedge_order written = {
        .device = "cam-7",
        .generation = ++device->generation,
        .plan = kedge_digest_of("plan", 4),
        .commit = "0123456789abcdef0123456789abcdef01234567",
        .source = "file:///fleet.git",
        .issued = kedge_clock_wall(),
        .expires = kedge_clock_wall() + 3600000,
        .actions = &action,
        .action_count = 1,
    };
    kedge_order_write(&written, &member, version ? 1 : 0, &statement);
    cr_assert_eq(kedge_envelope_sign(&envelope, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&statement),
                                     (const struct kedge_key *const[]){device->director}, 1, &err),
                 0);
    cr_assert_eq(kedge_fs_write(AT_FDCWD, device->envelope, envelope.data, envelope.size, 0600,
                                &err),
                 0);
}

/* The server: always the order that lies in the file. */
static int serve(const char *name, struct kedge_slice report, kedge_ms wait, int cancel,
                 struct kedge_buf *envelope, struct kedge_transport_notes *notes, void *payload,
                 struct kedge_err *err)
{
    (void)name, (void)report, (void)wait, (void)cancel, (void)notes;
    const struct device *device = payload;
    return kedge_fs_read(AT_FDCWD, device->envelope, 1 << 20, envelope, err);
}

static void start_agent(struct device *device)
{
    device->agent = fork();
    if (device->agent)
        return;
    struct kedge_err err = {0};
    kedge_log_set_level(getenv("KEDGE_TEST_LOG") ? KEDGE_LOG_DEBUG : KEDGE_LOG_ERROR);
    const struct kedge_errand errand = {.device = "cam-7", .state_dir = device->state};
    bool again;
    const struct kedge_shell_config config = {
        .server = "loop:",
        .device = "cam-7",
        .state_dir = device->state,
        .key = device->key,
        .errand = &errand,
        .root = &device->root,
    };
    static const struct kedge_loop_server server = {.exchange = serve};
    kedge_loop_listen(&server, device);
    int code = kedge_httpc_init(&err);
    if (!code)
        code = kedge_shell_run(&config, &again, &err);
    if (code)
        fprintf(stderr, "agent: %s\n", err.msg);
    _exit(code ? 1 : 0);
}

static void kill_agent(struct device *device, int number)
{
    int status;
    kill(device->agent, number);
    while (waitpid(device->agent, &status, 0) < 0 && errno == EINTR)
        ;
    if (number == SIGTERM)
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it did not end well");
}

static void nap(kedge_ms span)
{
    const struct timespec time = {.tv_sec = span / 1000, .tv_nsec = span % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* What the link leads to; "" when there is none. */
static void held(const struct device *device, char version[16])
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0}, text = {0};
    kedge_buf_printf(&path, "%s/current/m/version", device->state);
    version[0] = '\0';
    if (kedge_fs_read(AT_FDCWD, path.data, 15, &text, NULL) == 0 && text.size)
        snprintf(version, 16, "%s", text.data);
}

static bool holds(const struct device *device, const char *version, kedge_ms within)
{
    char now[16];
    for (kedge_ms end = kedge_clock_monotonic() + within; kedge_clock_monotonic() < end; nap(50)) {
        held(device, now);
        if (strcmp(now, version) == 0)
            return true;
    }
    return false;
}

/* Units of this device that are alive. */
static unsigned alive(const struct device *device)
{
    unsigned count = 0;
    DIR *processes = opendir("/proc");
    cr_assert_not_null(processes);
    for (const struct dirent *entry; (entry = readdir(processes));) {
        char path[300], folder[512];
        snprintf(path, sizeof path, "/proc/%s/cwd", entry->d_name);
        ssize_t size = readlink(path, folder, sizeof folder - 1);
        folder[size > 0 ? size : 0] = '\0';
        count += strncmp(folder, device->state, strlen(device->state)) == 0;
    }
    closedir(processes);
    return count;
}

static struct device make(struct kedge_tempdir *tmp)
{
    struct device device = {.tmp = tmp};
    struct kedge_err err;
    /* Units whose agent was killed come to us, not to the test runner, which would trip over them. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    cr_assert_eq(kedge_key_init(&err), 0);
    device.key = kedge_key_from_seed((const uint8_t[32]){1});
    device.director = kedge_key_from_seed((const uint8_t[32]){2});
    const struct kedge_public_key director = kedge_key_public(device.director);
    kedge_root_by_hand(&device.root, KEDGE_ROOT_DIRECTOR, &director, 1);
    snprintf(device.state, sizeof device.state, "%s/state", tmp->path);
    snprintf(device.envelope, sizeof device.envelope, "%s/envelope", tmp->path);
    return device;
}

static void end(struct device *device)
{
    order(device, NULL, true);
    cr_assert(holds(device, "", 20000));
    for (int i = 0; alive(device) && i < 100; i++)
        nap(100);
    cr_assert_eq(alive(device), 0, "units outlived their removal");
    kill_agent(device, SIGTERM);
    kedge_key_free(device->key);
    kedge_key_free(device->director);
}

Test(shell, deploys_updates_rolls_back_and_destroys, .timeout = 90)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct device device = make(&tmp);
    start_agent(&device);
    order(&device, "1.0.0", true);
    cr_assert(holds(&device, "1.0.0", 20000));
    order(&device, "2.0.0", true);
    cr_assert(holds(&device, "2.0.0", 20000));
    order(&device, "3.0.0", false);
    nap(5000);
    char now[16];
    held(&device, now);
    cr_assert_str_eq(now, "2.0.0", "a version that is not well is not held");
    kedge_auto(kedge_buf) struct kedge_buf path = {0}, status = {0};
    kedge_buf_printf(&path, "%s/status.json", device.state);
    cr_assert_eq(kedge_fs_read(AT_FDCWD, path.data, 1 << 20, &status, NULL), 0);
    cr_assert(strstr(status.data, "RolledBack"), "%s", status.data);
    cr_assert(strstr(status.data, "not well"), "with the log's last lines: %s", status.data);
    cr_assert_eq(alive(&device), 1);
    end(&device);
}

Test(shell, leaves_models_serving_and_takes_them_over, .timeout = 60)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct device device = make(&tmp);
    start_agent(&device);
    order(&device, "1.0.0", true);
    cr_assert(holds(&device, "1.0.0", 20000));
    nap(500);
    kill_agent(&device, SIGTERM);
    cr_assert_eq(alive(&device), 1, "it serves on without the agent");
    start_agent(&device);
    nap(1500);
    cr_assert_eq(alive(&device), 1, "and was taken over, not started twice");
    end(&device);
}

/* kill -9 at random moments while versions come and go: old or new, one unit, in the end the last.
 */
Test(shell, converges_whenever_it_is_killed, .timeout = 280)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct device device = make(&tmp);
    struct kedge_rng rng = kedge_rng_make(42);
    const char *const versions[] = {"1.0.0", "2.0.0"};
    start_agent(&device);
    order(&device, "2.0.0", true);
    cr_assert(holds(&device, "2.0.0", 20000));
    for (int round = 0; round < 24; round++) {
        char now[16];
        order(&device, versions[round % 2], true);
        nap((kedge_ms)kedge_rng_below(&rng, 400));
        kill_agent(&device, SIGKILL);
        held(&device, now);
        cr_assert(strcmp(now, "1.0.0") == 0 || strcmp(now, "2.0.0") == 0,
                  "round %d: neither old nor new: '%s'", round, now);
        start_agent(&device);
    }
    cr_assert(holds(&device, versions[1], 60000));
    for (int i = 0; alive(&device) != 1 && i < 200; i++)
        nap(100);
    cr_assert_eq(alive(&device), 1, "one unit, not %u", alive(&device));
    end(&device);
}
