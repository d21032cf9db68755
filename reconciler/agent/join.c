/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/limits.h"
#include "errand.h"
#include "journal.h"
#include "memory.h"
#include "post.h"
#include "wire/enrol.h"

#define PAUSE_FIRST 1000  /* ms between questions: doubles, */
#define PAUSE_MOST  15000 /* ... up to this: an operator is somewhere near */

/* One attempt to join, over all its questions. */
struct join {
    const struct kedge_errand *errand;
    int state, lock; /* folder, and its lock */
    struct kedge_key *key;
    struct kedge_digest pin;
    struct kedge_token token;
    struct kedge_arena arena;
    char print[KEDGE_KEY_PRINT];
};

static void join_auto(struct join *join)
{
    explicit_bzero(&join->token, sizeof join->token);
    kedge_key_free(join->key);
    kedge_arena_release(&join->arena);
    kedge_fd_auto(&join->lock);
    kedge_fd_auto(&join->state);
}

void kedge_errand_key_path(const struct kedge_errand *errand, struct kedge_buf *out)
{
    if (errand->key)
        kedge_buf_puts(out, errand->key);
    else
        kedge_buf_printf(out, "%s/" KEDGE_ERRAND_KEY, errand->state_dir);
}

static int open_state(struct join *join, struct kedge_err *err)
{
    const char *path = join->errand->state_dir;
    int code = kedge_fs_mkdirs(AT_FDCWD, path, 0755, err);
    if (code)
        return code;
    join->state = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (join->state < 0)
        return kedge_err_sys(err, errno, "cannot open the state folder '%s'", path);
    code = kedge_fs_lock(join->state, "lock", &join->lock, err);
    return code == KEDGE_CONFLICT
               ? kedge_err_wrap(err, "an agent works in '%s': stop it, then enrol", path)
               : code;
}

static int read_pin(struct join *join, struct kedge_err *err)
{
    const struct kedge_errand *errand = join->errand;
    if (errand->token) {
        int code = kedge_token_parse(errand->token, &join->token, err);
        join->pin = join->token.root;
        return code;
    }
    if (!errand->root_digest || !kedge_digest_parse(errand->root_digest, &join->pin))
        return kedge_err_set(err, KEDGE_INVALID,
                             "which fleet may take this device? give the --token, or the "
                             "--root-digest 'sha256:...' of its root document");
    return 0;
}

/* A device with a new key is a new device: what the one before remembered goes first, so that a key
 * is never found beside another's memory. */
static int make_key(struct join *join, const char *path, struct kedge_err *err)
{
    int code = kedge_fs_remove(join->state, "journal", err);
    if (!code)
        code = kedge_fs_sync(join->state, ".", err);
    if (code)
        return code;
    return kedge_errand_make(join->errand, path, &join->key, err);
}

static int get_key(struct join *join, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    kedge_errand_key_path(join->errand, &path);
    int code = kedge_errand_has_key(path.data)
                   ? kedge_errand_load(join->errand, path.data, &join->key, err)
                   : make_key(join, path.data, err);
    if (code)
        return code;
    struct kedge_public_key public = kedge_key_public(join->key);
    kedge_public_key_fingerprint(&public, join->print);
    return 0;
}

/* Asks once. 0: `reply` is the answer to `request`; 1: an operator is to approve it. */
static int ask(struct join *join, struct kedge_enrol_request *request, struct kedge_buf *reply,
               struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    int status;
    *request = (struct kedge_enrol_request){
        .device = join->errand->device,
        .hardware = join->errand->hardware,
        .issued = kedge_clock_wall(),
        .key = kedge_key_public(join->key),
        .has_token = join->errand->token != NULL,
        .root = join->pin,
    };
    memcpy(request->secret, join->token.secret, sizeof request->secret);
    int code = kedge_enrol_request_sign(request, join->key, &envelope, err);
    if (code)
        return code;
    request->digest = kedge_digest_of(envelope.data, envelope.size);
    kedge_buf_clear(reply);
    code = kedge_post(join->errand, "/v1/enrol", kedge_buf_slice(&envelope),
                      KEDGE_LIMIT_ENROL_REPLY, &status, reply, err);
    return code ? code : status == 202;
}

static void sleep_for(kedge_ms span)
{
    struct timespec left = {.tv_sec = span / 1000, .tv_nsec = span % 1000 * 1000000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

/* Asks until there is an answer, or patience is over. */
static int keep_asking(struct join *join, struct kedge_enrol_request *request,
                       struct kedge_buf *reply, struct kedge_err *err)
{
    const struct kedge_errand *errand = join->errand;
    kedge_ms end = kedge_clock_monotonic() + errand->patience, pause = PAUSE_FIRST;
    bool told = false;
    for (;;) {
        int code = ask(join, request, reply, err);
        bool waits = code == 1;
        if (!waits && code != KEDGE_UNAVAILABLE && code != KEDGE_TIMEOUT)
            return code;
        if (waits && !told && errand->waits)
            errand->waits(join->print);
        told |= waits;
        if (kedge_clock_monotonic() + pause > end)
            return waits ? kedge_err_set(err, KEDGE_TIMEOUT,
                                         "nobody has approved fingerprint %s yet: 'kedge device "
                                         "approve %s' does; then repeat this",
                                         join->print, errand->device)
                         : code;
        sleep_for(pause);
        pause = 2 * pause < PAUSE_MOST ? 2 * pause : PAUSE_MOST;
    }
}

static void ignore_record(struct kedge_slice record, void *payload)
{
    (void)record;
    (void)payload;
}

/* No order of an earlier life of this name shall be obeyed. */
static int remember_floor(struct join *join, int64_t generation, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf record = {0};
    struct kedge_journal *journal;
    size_t cut;
    if (!generation)
        return 0;
    kedge_memory_floor(generation, &record);
    int code = kedge_journal_open(join->state, "journal", ignore_record, NULL, &journal, &cut, err);
    if (code)
        return code;
    code = kedge_journal_append(journal, kedge_buf_slice(&record), err);
    kedge_journal_close(journal);
    return code;
}

static void add_line(struct kedge_buf *out, const char *option, const char *value)
{
    if (value)
        kedge_buf_printf(out, "%s = %s\n", option, value);
}

/* agent.conf comes last: where it is, all is. */
static int keep(struct join *join, const struct kedge_enrol_reply *reply, struct kedge_err *err)
{
    const struct kedge_errand *errand = join->errand;
    const struct kedge_slice *root = &reply->roots[reply->root_count - 1];
    kedge_auto(kedge_buf) struct kedge_buf conf = {0};
    int code = remember_floor(join, reply->generation, err);
    if (!code)
        code = kedge_fs_write(join->state, "root.json", root->data, root->size, 0644, err);
    if (code)
        return code;
    kedge_buf_puts(&conf, "# Written by 'kedge-agent enroll'; options of the command line win.\n");
    add_line(&conf, "server", errand->server);
    add_line(&conf, "name", errand->device);
    add_line(&conf, "key", errand->key);
    add_line(&conf, "passphrase-file", errand->passphrase_file);
    add_line(&conf, "ca-file", errand->ca_file);
    return kedge_fs_write(join->state, KEDGE_ERRAND_CONF, conf.data, conf.size, 0644, err);
}

int kedge_errand_join(const struct kedge_errand *errand, char fingerprint[KEDGE_KEY_PRINT],
                      struct kedge_err *err)
{
    kedge_auto(join) struct join join = {.errand = errand, .state = -1, .lock = -1};
    kedge_auto(kedge_buf) struct kedge_buf answer = {0};
    struct kedge_enrol_request request;
    struct kedge_enrol_reply reply;
    int code = read_pin(&join, err);
    if (!code)
        code = open_state(&join, err);
    if (!code)
        code = get_key(&join, err);
    if (!code)
        code = keep_asking(&join, &request, &answer, err);
    if (!code)
        code = kedge_enrol_reply_verify(&join.arena, kedge_buf_slice(&answer), &join.pin, &request,
                                        kedge_clock_wall(), &reply, err);
    if (!code)
        code = keep(&join, &reply, err);
    if (!code)
        memcpy(fingerprint, join.print, KEDGE_KEY_PRINT);
    return code;
}
