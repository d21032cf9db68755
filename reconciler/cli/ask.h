/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about the fleet: asked of a server over HTTP, or of the store here. The answer is the
 * same JSON document (server/view.h). */
#pragma once

#include "base/json.h"
#include "command.h"
#include "server/view.h"
#include "settings.h"

/* What a verb that asks takes. */
#define KEDGE_ASK_OPTIONS                                                                          \
    (KEDGE_OPTION(SERVER) | KEDGE_OPTION(STATE_DIR) | KEDGE_OPTION(STORE) | KEDGE_OPTION(CA_FILE))

/* Appends the document as it comes. With --server over HTTP, else from the store, read-only, which
 * works beside a running daemon. KEDGE_NOTFOUND, KEDGE_UNAVAILABLE as view.h says. */
int kedge_ask_document(struct kedge_call *call, const struct kedge_view_query *query,
                       struct kedge_buf *out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* The document, read; of a list, with the items of every page, or as many as --limit says. */
int kedge_ask_view(struct kedge_call *call, const struct kedge_view_query *query, json_t **out,
                   struct kedge_err *err) KEDGE_MUST_CHECK;
/* Appends a document as JSON text, with a line end. */
void kedge_ask_write(const json_t *document, struct kedge_buf *out);
/* The string at a path of keys, "source.url"; NULL when there is none. Borrowed. */
const char *kedge_ask_text(const json_t *document, const char *path);
/* The integer there; 0 when there is none. */
int64_t kedge_ask_number(const json_t *document, const char *path);
