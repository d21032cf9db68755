/* SPDX-License-Identifier: Apache-2.0 */
/* The device as a step function: messages in, effects out. No I/O, no clock, no thread, no log, so
 * that a simulation can run a thousand of them on a virtual clock and crash each at any effect.
 *
 * The truth is the set of the last accepted order. The agent compares it with facts (what lies
 * staged, what runs, where `current` points) and asks, instance by instance, for the next effect:
 * the rules are in apply.h, the first that holds names it. Decisions rest on facts and on the
 * journal alone, never on a phase kept in memory: after a crash the facts are surveyed again and
 * the same rules go on.
 *
 * The protocol:
 *   - boot: every journal record in order (RECORD), then one SURVEY of the disk with effect 0.
 *     Nothing is asked for before that.
 *   - each effect but CANCEL is answered by exactly one message that carries its id: DONE, and for
 *     SURVEY a SURVEY. An effect is answered also when it was cancelled, or failed to begin.
 *   - at most one effect of a slot (an instance's content) is out at a time; effects of one batch
 *     may be carried out in any order and beside each other.
 *   - a JOURNAL effect is answered with 0 only once the record is durable. What depends on it is
 *     asked for after that answer, so a crash at any point leaves at most an intent without
 * outcome.
 *   - step again, with TICK, at the latest at kedge_agent_wake(). */
#pragma once

#include "base/buf.h"
#include "base/arena.h"
#include "state/assignment.h"
#include "state/report.h"
#include "wire/root.h"

struct kedge_agent;

struct kedge_agent_config {
    const char *device;
    const char *state_dir;         /* as applications see it, for paths in models.json */
    const struct kedge_key *key;   /* signs reports */
    const struct kedge_root *root; /* whom it trusts to begin with; version 0: for good */
    struct kedge_capacity capacity;
    struct kedge_strings runtimes; /* names of drivers: "process", "files" */
    kedge_ms wait;     /* longest the server may hold an exchange; 0: it answers at once */
    kedge_ms interval; /* between reports of an unchanged state when `wait` is 0 */
    kedge_ms survey;   /* between looks at the disk */
    uint64_t seed;     /* of the jitter in back-offs */
};

/* A slot that was found on the device. */
struct kedge_agent_found {
    const char *instance;
    struct kedge_digest content;    /* zero: there is no slot, only a link that points elsewhere */
    struct kedge_slice assignment;  /* JSON it was staged from; empty when it cannot be read */
    enum kedge_integrity integrity; /* of its files: intact, modified or missing */
    bool current;                   /* the instance's link points here */
    bool running;                   /* its unit is alive */
    bool stale;                     /* running from files that were replaced after it was started */
    const char *endpoint;           /* of the running unit, or NULL */
};

/* What the device holds. Units of `files` count as running from their start until their stop. */
struct kedge_agent_survey {
    const struct kedge_agent_found *at;
    uint32_t count;
    int64_t disk_free; /* bytes */
};

enum kedge_agent_message_kind {
    KEDGE_AGENT_TICK,     /* time has passed */
    KEDGE_AGENT_RECORD,   /* boot: `bytes` is a journal record */
    KEDGE_AGENT_SURVEY,   /* `survey`; effect 0 ends the boot */
    KEDGE_AGENT_DONE,     /* `effect` has ended with `code` and, where it failed, `message` */
    KEDGE_AGENT_PROGRESS, /* FETCH `effect` has `amount` bytes now */
    KEDGE_AGENT_EXITED,   /* the unit of `instance`, `content` has ended unasked; `message` says how
                           */
};

/* Everything is borrowed for the step. */
struct kedge_agent_message {
    enum kedge_agent_message_kind kind;
    uint64_t effect;
    enum kedge_code code;
    const char *message;      /* for people; with the last log lines where a unit failed */
    struct kedge_slice bytes; /* DONE of EXCHANGE: an envelope, or empty; of ROOT: the document */
    int64_t root;             /* DONE of EXCHANGE: newest version the server has; 0: none */
    const char *endpoint;     /* DONE of START: "http://127.0.0.1:41001", or NULL */
    const char *instance;
    struct kedge_digest content;
    int64_t amount;
    const uint8_t *hash; /* DONE of a FETCH with `hash`: KEDGE_RELEASE_HASH bytes */
    const struct kedge_agent_survey *survey;
};

enum kedge_agent_effect_kind {
    KEDGE_AGENT_JOURNAL,  /* append `bytes` and make it durable */
    KEDGE_AGENT_EXCHANGE, /* send `bytes` (a signed report); the answer may take `wait` ms */
    KEDGE_AGENT_FETCH,    /* bring the artifact of `assignment` into the local store, verified; done
                             at once when it is there */
    KEDGE_AGENT_STAGE,    /* make the slot of `assignment` whole: unpack into a fresh folder, check
                             that its runtime can run it, put it in place at once; an existing slot is
                             exchanged, never written into */
    KEDGE_AGENT_START, /* start the unit of `assignment`; done when it runs. An old unit of the same
                          slot is gone by then */
    KEDGE_AGENT_PROBE, /* ask its probe once; done with 0 when it passed */
    KEDGE_AGENT_STOP,  /* stop its unit; done when it is gone; 0 also when there was none */
    KEDGE_AGENT_SWITCH, /* point the instance's `current` at `content`; zero: remove the link */
    KEDGE_AGENT_REMOVE, /* remove the slot `content` at once, then its files; zero: all that is left
                           of the instance: folder, logs */
    KEDGE_AGENT_COLLECT, /* remove artifacts other than `keep` */
    KEDGE_AGENT_ERASE,   /* remove all that models have left: folders, artifacts, logs, secrets */
    KEDGE_AGENT_PUBLISH, /* replace models.json with `bytes` and status.json with `status` */
    KEDGE_AGENT_LOOK,    /* survey; `deep`: hash every file rather than trust size and mtime */
    KEDGE_AGENT_CANCEL,  /* make effect `cancel` (FETCH or EXCHANGE) end soon */
    KEDGE_AGENT_ROOT,    /* fetch `version` of the root document; never beside an EXCHANGE */
};

/* Strings and assignments stay valid until the effect is answered; `bytes`, `status` and `keep`
 * live in the batch. */
struct kedge_agent_effect {
    enum kedge_agent_effect_kind kind;
    uint64_t id;
    const char *instance;
    struct kedge_digest content;
    const struct kedge_assignment *assignment; /* FETCH, STAGE, START, PROBE, STOP */
    struct kedge_slice bytes, status;
    const struct kedge_digest *keep;
    uint32_t keep_count;
    kedge_ms wait;
    uint64_t cancel;
    int64_t version;
    bool deep;
    bool hash; /* FETCH: and hash it as release signatures do, also where it lies already */
};

/* All-zero is empty. */
struct kedge_agent_effects {
    struct kedge_agent_effect *at;
    size_t count, capacity;
    struct kedge_arena arena;
};
void kedge_agent_effects_release(struct kedge_agent_effects *effects);
void kedge_agent_effects_auto(struct kedge_agent_effects *effects);

/* `config` and what it points at are borrowed for the agent's life. */
struct kedge_agent *kedge_agent_new(const struct kedge_agent_config *config);
void kedge_agent_free(struct kedge_agent *agent);

/* Takes one message at that time and appends what shall be done to `out`. `wall` judges orders and
 * dates reports; `monotonic` drives every span. Never blocks, never fails: a message that makes no
 * sense changes nothing. */
void kedge_agent_step(struct kedge_agent *agent, const struct kedge_agent_message *in,
                      kedge_ms wall, kedge_ms monotonic, struct kedge_agent_effects *out);
/* The monotonic time of the next TICK; INT64_MAX when only a message can change anything. */
kedge_ms kedge_agent_wake(const struct kedge_agent *agent);

/* Every record that a fresh journal needs to give this agent back, oldest first: compaction. Not
 * while a JOURNAL effect is unanswered. */
typedef void kedge_agent_visit_record(struct kedge_slice record, void *payload);
void kedge_agent_records(const struct kedge_agent *agent, kedge_agent_visit_record *visit,
                         void *payload);

/* The state as the next report would say it, in `arena`; what tests and `status` look at. */
const struct kedge_report *kedge_agent_report(const struct kedge_agent *agent,
                                              struct kedge_arena *arena, kedge_ms wall);
/* How it stands with the server, for logs. Borrowed until the next step. */
struct kedge_agent_contact {
    bool connected;      /* the last exchange was answered */
    const char *trouble; /* why it was not, or NULL: it was, or none has ended yet */
    int64_t generation;  /* of the order in force; 0: none */
    int64_t root;        /* version of the root in force; 0: keys named by hand */
    const struct kedge_refusal *refusal; /* of the last order that was refused; NULL: none was */
    const struct kedge_refusal *root_refusal; /* why newer roots are not followed, or NULL */
    bool over; /* decommissioned: all is erased, the server knows, the key may go */
    bool news; /* the server has not been told how things are now */
};
struct kedge_agent_contact kedge_agent_contact(const struct kedge_agent *agent);
/* Does the device hold the set of its order, all of it verified or stopped as wanted? */
bool kedge_agent_converged(const struct kedge_agent *agent);
/* "fetch", "stage", ...: for logs and traces. */
extern const struct kedge_words kedge_agent_effect_words;
