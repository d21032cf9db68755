/* SPDX-License-Identifier: Apache-2.0 */
/* An append-only file of records, each with its length and digest; what was torn by a crash is cut
 * off when it is opened. It holds bytes; what they mean is memory.h's. */
#pragma once

#include "base/buf.h"
#include "kedge/err.h"

struct kedge_journal;

typedef void kedge_journal_visit(struct kedge_slice record, void *payload);

/* Opens `path` (relative to `dir`), or creates it, and hands out every whole record. *cut is how
 * many bytes behind the last one were dropped; where more than a torn tail is lost, the file as it
 * was is kept as "<path>.corrupt". Blocks. */
int kedge_journal_open(int dir, const char *path, kedge_journal_visit *visit, void *payload,
                       struct kedge_journal **out, size_t *cut,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_journal_close(struct kedge_journal *journal);
/* Durable when it returns 0; on any failure the journal is as it was. KEDGE_LIMIT: no room. */
int kedge_journal_append(struct kedge_journal *journal, struct kedge_slice record,
                         struct kedge_err *err) KEDGE_MUST_CHECK;
/* Has it outgrown what is worth keeping? Then compact it. */
bool kedge_journal_full(const struct kedge_journal *journal);
/* Replaces the journal by these records at once: the old file or the new, never a mix. `records`
 * are as kedge_journal_frame made them. */
int kedge_journal_compact(struct kedge_journal *journal, const struct kedge_buf *records,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
/* Appends the record in its frame. */
void kedge_journal_frame(struct kedge_buf *out, struct kedge_slice record);
