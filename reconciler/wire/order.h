/* SPDX-License-Identifier: Apache-2.0 */
/* The director's order to one device: an in-toto Statement (predicate https://kedge.dev/action/v1)
 * with the actions and the complete set the device must hold afterwards. */
#pragma once

#include "envelope.h"
#include "state/action.h"
#include "state/name.h"

#define KEDGE_ORDER_PREDICATE "https://kedge.dev/action/v1"

/* How far ahead of the device's clock an order may be issued: clocks that nobody watches differ by
 * minutes. */
#define KEDGE_ORDER_SKEW_MS 300000

struct kedge_order {
    const char *device;
    int64_t generation; /* strictly rising per device, < 2^53 */
    struct kedge_digest plan;
    const char *commit;
    const char *source; /* repository URL, without credentials */
    kedge_ms issued, expires;
    bool decommission; /* the last one: hold nothing, erase all that models left */
    const struct kedge_action *actions;
    uint32_t action_count;
    const struct kedge_assignment *set; /* sorted by instance, unique */
    uint32_t set_count;
};

/* What goes into an order when it is written: the set as JSON that was made once per deployment. */
struct kedge_order_member {
    const char *instance;
    enum kedge_run_state state;
    struct kedge_digest
        artifact; /* subject of the statement; the content digest where there is no artifact */
    struct kedge_slice json;
};

/* Appends the canonical statement bytes (to be enveloped). `order->set` is not read: `members`
 * (sorted) is the set. Subject: each member's artifact digest; for an empty set the plan digest,
 * since in-toto demands a subject. */
void kedge_order_write(const struct kedge_order *order, const struct kedge_order_member *members,
                       uint32_t member_count, struct kedge_buf *out);
/* Reads verified payload bytes. Bounded; a device name, positive generation, expiry after issue and
 * a sorted set are demanded, unknown members of the predicate are ignored (in-toto: predicates only
 * ever grant more). Everything lives in `arena`. */
int kedge_order_read(struct kedge_arena *arena, struct kedge_slice payload, struct kedge_order *out,
                     struct kedge_err *err) KEDGE_MUST_CHECK;

/* Why a device refuses an order. */
enum kedge_order_refusal {
    KEDGE_ORDER_ACCEPTED,
    KEDGE_ORDER_DUPLICATE, /* the generation and bytes in force: nothing to do, not a refusal */
    KEDGE_ORDER_REPLAY,    /* an older generation, or the same with other bytes */
    KEDGE_ORDER_WRONG_DEVICE,
    KEDGE_ORDER_EXPIRED,
    KEDGE_ORDER_NOT_YET, /* issued in the future beyond the allowed skew */
    KEDGE_ORDER_WRONG_KEY,
    KEDGE_ORDER_MALFORMED,
    KEDGE_ORDER_WRONG_HARDWARE, /* its set holds what is made for another architecture */
    KEDGE_ORDER_EXPIRED_ROOT,   /* whom to trust has lapsed: nothing new is taken */
};
extern const struct kedge_words
    kedge_order_refusal_words; /* "accepted", "duplicate", "replay", "wrong-device", ... */

/* What the device remembers, persisted before it acts. */
struct kedge_order_memory {
    const char *device;
    int64_t generation;           /* last accepted; 0: none */
    struct kedge_digest envelope; /* of its bytes */
    kedge_ms latest;  /* latest time ever seen in a verified order: a floor under a wrong clock */
    const char *arch; /* of the device; NULL: unknown, which fits everything */
};

/* Verify, read, judge (device, generation, time, hardware): the whole admission of envelope bytes (or of a
 * member of a batch), in that order. Fills `order` on ACCEPTED; on anything else `err` says why. An order lapses the moment it
 * expires; one that was accepted before stays a DUPLICATE. A clock behind `memory->latest` counts
 * as `latest` (freeze and rollback without a trusted clock). */
enum kedge_order_refusal kedge_order_admit(struct kedge_arena *arena, struct kedge_slice envelope,
                                           const struct kedge_envelope_trust *trust,
                                           const struct kedge_order_memory *memory, kedge_ms now,
                                           struct kedge_order *order, struct kedge_err *err);
