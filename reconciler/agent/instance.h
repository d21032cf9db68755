/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the agent: what is known of each instance, and the effects that are out. */
#pragma once

#include "agent.h"
#include "wire/order.h"

/* Pauses between tries, ms: of what may pass by itself, of files, and of what only a change
 * elsewhere can mend. */
#define KEDGE_AGENT_RETRY_FIRST 1000
#define KEDGE_AGENT_RETRY_MOST  60000
#define KEDGE_AGENT_WORK_MOST   300000
#define KEDGE_AGENT_SLOW_FIRST  600000
#define KEDGE_AGENT_SLOW_MOST   21600000
#define KEDGE_AGENT_DEEP        86400000 /* between surveys that hash every file */

/* A growing pause between attempts. */
struct kedge_agent_retry {
    uint32_t attempts;
    kedge_ms due; /* monotonic; 0: at once */
};

/* One content of an instance: its files, and the unit that runs from them. */
struct kedge_agent_slot {
    struct kedge_digest content;
    const struct kedge_assignment *assignment; /* in `arena`; NULL: found on disk, unreadable */
    struct kedge_arena arena;

    bool fetched; /* its artifact lies in the local store */
    bool hashed;  /* ... and was hashed since this boot */
    uint8_t hash[64];
    bool judged; /* by clearance.h, with what is known so far */
    enum kedge_denial denial;
    int64_t counter; /* of its release */
    bool staged;     /* its files are in place */
    enum kedge_integrity integrity;

    bool running, stale;
    bool verified;             /* its probe has passed since it was started */
    char *endpoint;            /* while it runs, or NULL */
    kedge_ms started;          /* monotonic */
    kedge_ms probe_due;        /* monotonic */
    uint32_t passes, failures; /* of the probe, in a row */
    uint32_t crashes;          /* in a row, without a stable minute between */
    uint32_t restarts;         /* since it was first started */

    bool intended;                  /* its activation is in the journal since this boot */
    struct kedge_agent_retry work;  /* of fetching, staging and activating */
    struct kedge_agent_retry start; /* of starting again what was good */
    struct kedge_agent_retry undo;  /* of stopping and removing */
    enum kedge_code code;           /* the last trouble; 0: none */
    char *message;
    int64_t bytes; /* fetched */

    uint64_t pending; /* id of the effect that is out; 0: none */
    enum kedge_agent_effect_kind pending_kind;
    bool cancelled;
    struct kedge_agent_slot *next;
};

/* Content that was tried and failed: not tried again until the set names other content, or a newer
 * order deploys, updates or starts this instance anew. */
struct kedge_agent_failure {
    struct kedge_digest content; /* zero: none */
    int64_t generation;          /* of the order it failed under */
    enum kedge_code code;
    char *message;
    bool unsaved;    /* not in the journal yet */
    uint64_t saving; /* JOURNAL that is out for it */
    struct kedge_agent_retry save;
};

/* The highest release counter that was installed of a model. */
struct kedge_agent_release {
    char *model;
    int64_t counter;
    struct kedge_agent_release *next;
};

/* A record on its way into the journal: it takes effect once it is there. */
struct kedge_agent_write {
    uint64_t id;
    struct kedge_buf record;
    struct kedge_agent_write *next;
};

struct kedge_agent_instance {
    char *name;
    const struct kedge_assignment *want; /* NULL: the set does not hold it */
    bool known;                          /* the journal says it is ours */
    bool condemned;                      /* the order in force destroys it by name, ours or not */
    struct kedge_digest good;            /* last confirmed; zero: none */
    struct kedge_digest trying;          /* an activation without outcome */
    uint32_t attempts;                   /* at it */
    struct kedge_agent_failure failure;

    bool linked;              /* `current` exists ... */
    struct kedge_digest link; /* ... and points here; zero: elsewhere */
    bool leftover;            /* a folder may be left when all slots are gone */

    uint64_t pending; /* id of the JOURNAL, SWITCH or last REMOVE that is out; 0: none */
    enum kedge_agent_effect_kind pending_kind;
    struct kedge_digest switching;  /* where SWITCH points the link */
    struct kedge_agent_retry retry; /* of these */
    uint64_t surveyed;              /* the survey whose findings still hold for it; 0: none */
    struct kedge_agent_slot *slots;
};

/* An order with all it needs. */
struct kedge_agent_order {
    struct kedge_arena arena;
    struct kedge_order order;
    struct kedge_buf envelope;
    struct kedge_digest digest; /* of the envelope */
    kedge_ms at;                /* wall clock when it was admitted */
    int64_t root;               /* version of the root under which it was */
    bool valid;
    bool revoked; /* a newer root does not name who signed it: what it brought about stays, but
                     nothing more is done for it */
};

/* The roots that were followed, and what is known of newer ones (anchor.h). */
struct kedge_agent_anchor {
    struct kedge_buf *files; /* of the versions after the one that the agent was given */
    size_t count;
    int64_t newest;            /* version that the server says there is; 0: none */
    uint64_t fetching, saving; /* ROOT and JOURNAL that are out for the next; 0: none */
    struct kedge_buf envelope; /* came with the news; judged when the chain has been walked */
    struct kedge_agent_retry retry;
    struct kedge_refusal refusal; /* `reason` NULL: none; `generation` is the version */
    char *refusal_message;
};

/* The end, when the order in force is the last (farewell.h). */
struct kedge_agent_farewell {
    uint64_t erasing; /* ERASE that is out; 0: none */
    struct kedge_agent_retry retry;
    bool erased; /* nothing is left */
    bool over;   /* the server has heard it */
};

/* The last link of the chain of evidence (wire/evidence.h). All-zero: none was made yet. */
struct kedge_agent_link {
    struct kedge_buf statement;
    int64_t number;
    struct kedge_digest self;    /* of the statement */
    struct kedge_digest content; /* what it says */
    bool erased;                 /* ... that nothing is left of models */
    bool answered;               /* the server has it: the next one may be made */
    bool made;                   /* in this life; else it was found in the journal */
};

struct kedge_agent {
    const struct kedge_agent_config *config;
    struct kedge_root root; /* in force */
    struct kedge_agent_anchor anchor;
    bool booted;
    kedge_ms booted_at;                      /* monotonic */
    struct kedge_agent_instance **instances; /* sorted by name */
    size_t count, capacity;
    struct kedge_agent_write *writes; /* JOURNAL effects that are out */
    struct kedge_agent_release *releases;

    int64_t floor;                  /* orders up to this generation were another's */
    struct kedge_agent_order order; /* in force */
    struct kedge_agent_farewell farewell;
    struct kedge_agent_order offer; /* admitted, on its way into the journal */
    uint64_t offering;              /* that JOURNAL; 0: none */
    kedge_ms latest;                /* of all orders seen */
    struct kedge_refusal refusal;   /* the last one; `reason` NULL: none */
    char *refusal_message;

    uint64_t effect; /* last id given */
    uint64_t random;
    kedge_ms wall, now, wake;
    struct kedge_agent_effects *out; /* of the step under way */

    int64_t counter, counter_end; /* reports may use counters below the end */
    uint64_t reserving;
    struct kedge_agent_retry reserve;

    uint64_t exchanging;
    bool exchange_cancelled;
    kedge_ms exchanged; /* when the last one began */
    struct kedge_agent_retry contact;
    bool connected;
    char *contact_message;
    struct kedge_digest told; /* what the last report said: its digest, */
    int64_t told_fetched;     /* ... and how much was fetched by then */
    bool news;                /* the state differs from that */

    struct kedge_agent_link link;
    uint64_t linking; /* JOURNAL of the next one */
    struct kedge_agent_retry chaining;
    bool carried;    /* the last exchange carried the link itself */
    bool challenged; /* the server wants proof that this is no old report: a fresh link */

    bool changed; /* something may differ: look */

    uint64_t publishing;
    kedge_ms publish_due;
    struct kedge_digest published;       /* status.json as it was last asked for */
    struct kedge_digest offered;         /* models.json as it was last answered for, */
    struct kedge_digest offering_models; /* ... and as it is being published */

    uint64_t looking;
    kedge_ms look_due, deep_due;
    int64_t disk_free;

    uint64_t collecting;
    bool garbage;
    unsigned fetching; /* FETCH effects that are out */
    bool stale_models; /* models.json does not say what is offered now */
    bool again;        /* a rule has changed a fact: ask all of them once more */
};

/* Is there an order, and does it still bind? */
bool kedge_agent_ordered(const struct kedge_agent *agent);

/* Instances. _add gives the one there is. */
struct kedge_agent_instance *kedge_instance_find(const struct kedge_agent *agent, const char *name);
struct kedge_agent_instance *kedge_instance_add(struct kedge_agent *agent, const char *name);
/* With no slot left; `instance` is gone. */
void kedge_instance_drop(struct kedge_agent *agent, struct kedge_agent_instance *instance);
void kedge_instance_drop_all(struct kedge_agent *agent);

/* NULL for a zero digest or when absent. */
struct kedge_agent_slot *kedge_instance_slot(const struct kedge_agent_instance *instance,
                                             const struct kedge_digest *content);
/* The slot there is, or a new one with a copy of `assignment`. */
struct kedge_agent_slot *kedge_instance_hold(struct kedge_agent_instance *instance,
                                             const struct kedge_assignment *assignment);
struct kedge_agent_slot *kedge_instance_add_slot(struct kedge_agent_instance *instance,
                                                 const struct kedge_digest *content);
/* With no effect out; `slot` is gone. */
void kedge_instance_drop_slot(struct kedge_agent_instance *instance, struct kedge_agent_slot *slot);

/* Its unit does not run (any more). */
void kedge_instance_ended(struct kedge_agent_slot *slot);
/* Its unit runs since `now`; nothing is proven of it yet. */
void kedge_instance_started(struct kedge_agent_slot *slot, const char *endpoint, kedge_ms now);
/* Notes the last trouble; 0 and NULL: there is none. */
void kedge_instance_trouble(struct kedge_agent_slot *slot, enum kedge_code code,
                            const char *message);
/* Replaces a malloc'd text, cut to what a report may carry. */
void kedge_instance_text(char **text, const char *value);

/* Appends an effect to the step's batch and gives it an id. */
struct kedge_agent_effect *kedge_agent_ask(struct kedge_agent *agent,
                                           enum kedge_agent_effect_kind kind);
/* Gives a JOURNAL effect its record, which takes effect when the effect is answered with 0. */
void kedge_agent_write(struct kedge_agent *agent, struct kedge_agent_effect *effect,
                       const struct kedge_buf *record);
/* A moment at which something becomes due: the next wake is no later. */
void kedge_agent_wake_at(struct kedge_agent *agent, kedge_ms at);
/* The next pause after a failure: doubles from `first` to `most`, with jitter of a quarter. */
void kedge_agent_back_off(struct kedge_agent *agent, struct kedge_agent_retry *retry,
                          kedge_ms first, kedge_ms most);
