/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs that verify have to say: accepted, or refused and why. */
#pragma once

#include "command.h"

#define KEDGE_VERDICT_FACTS 8

struct kedge_verdict {
    const char *subject; /* what was judged, as the user named it */
    const char *reason;  /* one word why it is refused; NULL: it is accepted */
    const char *message;
    /* What is known of it: "commit", "principal", "key", ... */
    struct kedge_verdict_fact {
        const char *name, *value;
    } facts[KEDGE_VERDICT_FACTS];
    size_t fact_count;
};

/* `value` is borrowed; NULL adds nothing. */
void kedge_verdict_add(struct kedge_verdict *verdict, const char *name, const char *value);
/* The word for an error code where no better one is known. */
const char *kedge_verdict_word(int code);
/* Gives the verdict as one line and returns the exit status. JSON is {"accepted": ..., "reason": ...,
 * "message": ..., "subject": ...} with the facts; text that refuses goes to standard error. Foreign
 * text is made safe to show in both. */
int kedge_verdict_give(struct kedge_call *call, const struct kedge_verdict *verdict);
/* The same as JSON, whatever format was asked for. */
int kedge_verdict_give_json(struct kedge_call *call, const struct kedge_verdict *verdict);
