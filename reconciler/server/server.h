/* SPDX-License-Identifier: Apache-2.0 */
/* The reconciler as one step function: messages in, replies out. No thread, no HTTP and no clock
 * inside, so that a simulation can drive it beside a thousand agents. It owns all state: specs,
 * desired, actual, and what the store keeps of them.
 *
 * One thread owns a server. A step may block on the store's disk and on reading Git objects, never
 * on a network: that is what FETCH asks its caller for. */
#pragma once

#include "base/buf.h"
#include "kedge/store.h"
#include "source/range.h"
#include "state/cron.h"
#include "state/tree.h"
#include "view.h"
#include "wire/key.h"

struct kedge_server;

/* Where commits are read: source/git.h behind a few calls, or values in a test. `self` is passed
 * back. No call touches a network. */
struct kedge_server_revisions {
    void *self;
    /* As kedge_git_tree, the manifest root being the implementation's affair. */
    int (*tree)(void *self, const char *base, const char *commit, struct kedge_tree *out,
                struct kedge_err *err);
    /* As kedge_git_follows. */
    int (*follows)(void *self, const char *base, const char *head, struct kedge_err *err);
    /* As kedge_git_trust: `commit` must stay readable whatever the remote does. */
    int (*trust)(void *self, const char *commit, struct kedge_err *err);
    /* Author and subject of a commit, in `arena`, for people; may be NULL. */
    int (*describe)(void *self, const char *commit, struct kedge_arena *arena, const char **author,
                    const char **subject, struct kedge_err *err);
    /* As kedge_range_read, kedge_git_raw and kedge_git_file; asked only where signatures are
     * required. */
    int (*range)(void *self, const char *base, const char *head, struct kedge_arena *arena,
                 struct kedge_range *out, struct kedge_err *err);
    int (*raw)(void *self, const char *commit, struct kedge_buf *out, struct kedge_err *err);
    int (*file)(void *self, const char *commit, const char *path, size_t limit,
                struct kedge_buf *out, struct kedge_err *err);
    /* As kedge_git_tag; may be NULL. */
    bool (*tag)(void *self, const char **name, struct kedge_slice *object);
};

/* Must commits be signed (trust.h)? All-zero: as the store remembers, which begins with no. */
struct kedge_server_signing {
    bool required;              /* from now on */
    bool waived;                /* from now on they need not be */
    const char *pin;            /* full id of a commit that is trusted as it is, or NULL */
    struct kedge_slice allowed; /* who may have signed the first commit, where none is pinned */
    const char *path; /* of the allowed signers in the repository; NULL: as the store remembers */
};

/* What it is given; borrowed for the server's life. All-zero but `store` and `revisions` is valid.
 */
struct kedge_server_options {
    struct kedge_store *store;
    struct kedge_server_revisions revisions;
    const struct kedge_key *director; /* NULL: orders are never signed here */
    const char *source;            /* URL of the repository without credentials: orders name it */
    const char *revision;          /* branch, tag or commit that is followed; for people */
    const char *path;              /* manifest root; for people */
    kedge_ms interval;             /* between polls of Git; 0: KEDGE_SERVER_INTERVAL */
    const struct kedge_cron *cron; /* polls by this schedule instead, in `zone` */
    const struct kedge_zone *zone;
    kedge_ms lifetime;   /* of an order; 0: KEDGE_SERVER_LIFETIME */
    bool manual;         /* deliver what is stored; neither fetch, plan nor sign */
    bool accept_rewrite; /* take a commit that is no descendant of the one in force */
    struct kedge_server_signing signing;
    const struct kedge_slice *roots; /* root documents, one version after the other; or NULL */
    size_t root_count;
    uint64_t seed; /* of the jitter between polls */
};

#define KEDGE_SERVER_INTERVAL 30000            /* ms: a commit is on its way within half a minute */
#define KEDGE_SERVER_LIFETIME (7 * 86400000LL) /* ms: a device may be off for a week */
#define KEDGE_SERVER_WAIT     60000 /* ms: a device is expected this often until it says */

enum kedge_server_message_kind {
    KEDGE_SERVER_TICK,        /* time has passed */
    KEDGE_SERVER_HEAD,        /* a FETCH ended: `commit` is the head */
    KEDGE_SERVER_UNREACHABLE, /* a FETCH failed: `failure` says why */
    KEDGE_SERVER_SYNC,        /* `device` sends `evidence` and waits for an order */
    KEDGE_SERVER_QUERY,       /* `query` */
    KEDGE_SERVER_RECONCILE,   /* somebody asks for a pass now */
    KEDGE_SERVER_ENROL,       /* `evidence` is a request of enrol.h */
    KEDGE_SERVER_ROTATE,      /* `evidence` is a rotation of `device` */
    KEDGE_SERVER_PUBLISH,     /* `evidence` is the root document that follows the newest one */
    KEDGE_SERVER_WITHDRAW,    /* there is no such document, or none any more */
    KEDGE_SERVER_ROOT,        /* somebody asks for `version` of the root document; 0: the newest */
};

/* Everything is borrowed for the step. */
struct kedge_server_message {
    enum kedge_server_message_kind kind;
    uint64_t
        from; /* SYNC, QUERY, RECONCILE, ENROL, ROTATE: comes back in the answer; 0: nobody listens */
    const char *commit;
    const struct kedge_err *failure;
    const char *device;
    struct kedge_slice evidence;
    kedge_ms wait; /* SYNC: how long the answer may take */
    int64_t version;
    const struct kedge_view_query *query;
};

enum kedge_server_reply_kind {
    KEDGE_SERVER_ANSWER, /* to `from` */
    KEDGE_SERVER_FETCH, /* ask the remote for its head; answer with HEAD or UNREACHABLE. At most one
                           is out at a time */
};

#define KEDGE_SERVER_GRANT    128
#define KEDGE_SERVER_ENVELOPE "application/vnd.dsse.envelope.v1+json" /* type of orders, reports */

struct kedge_server_reply {
    enum kedge_server_reply_kind kind;
    uint64_t from;
    enum kedge_code code; /* why there is no answer; `body` is then the error document */
    bool waits;           /* ENROL: an operator has to approve it first */
    const char *type; /* media type of `body`; NULL: there is nothing to say (an empty answer) */
    struct kedge_buf body;
    char grant[KEDGE_SERVER_GRANT]; /* SYNC: "exp=..,sig=..", what a blob may be read with; or "" */
    int64_t root; /* SYNC: version of the newest root document; 0: there is none */
};

/* All-zero is empty. */
struct kedge_server_replies {
    struct kedge_server_reply *at;
    size_t count, capacity;
};
void kedge_server_replies_release(struct kedge_server_replies *replies);
void kedge_server_replies_auto(struct kedge_server_replies *replies);

/* Takes up where the store left off: orders, reports, and the manifests of the commit in force.
 * That commit being unreadable is not a failure: the server then starts without manifests, says so,
 * and waits for a head. */
int kedge_server_new(const struct kedge_server_options *options, kedge_ms now,
                     struct kedge_server **out, struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_server_free(struct kedge_server *server);
void kedge_server_auto(struct kedge_server **server);

/* Takes messages that arrived together and appends what follows to `out`. Reports among them are
 * one transaction, and each is answered only after it. Never fails: what goes wrong is answered,
 * recorded as an event, or shown by status. A store that cannot be written answers `unavailable`
 * and leaves memory as it was. */
void kedge_server_step(struct kedge_server *server, const struct kedge_server_message *in,
                       size_t count, kedge_ms now, struct kedge_server_replies *out);
/* When to step again with TICK at the latest. */
kedge_ms kedge_server_wake(const struct kedge_server *server);
/* Answers everybody who waits with nothing: before the end. */
void kedge_server_drain(struct kedge_server *server, struct kedge_server_replies *out);

/* One question, answered now. `out` gets a JSON document. Errors as view.h says. */
int kedge_server_query(struct kedge_server *server, const struct kedge_view_query *query,
                       kedge_ms now, struct kedge_buf *out, struct kedge_err *err) KEDGE_MUST_CHECK;

/* The manifests and desired state in force; NULL before the first good commit. Borrowed until the
 * next step. */
const struct kedge_desired *kedge_server_desired(const struct kedge_server *server);
/* The last verified reports. Borrowed until the next step. */
const struct kedge_actual *kedge_server_actual(const struct kedge_server *server);
/* Version of the newest root document; 0: there is none. */
int64_t kedge_server_root(const struct kedge_server *server);
/* What grants for blobs are signed with (grant.h). */
#define KEDGE_SERVER_SECRET 32
void kedge_server_secret(const struct kedge_server *server, uint8_t secret[KEDGE_SERVER_SECRET]);
