/* SPDX-License-Identifier: Apache-2.0 */
/* From a verified archive to files, by the rules of standards 1.8: regular files and folders only,
 * plain names, no two that a file system could take for one, no bombs. */
#pragma once

#include "err.h"

struct kedge_unpacked_file {
    char *path; /* relative */
    int64_t size;
    int64_t mtime; /* ns since 1970, as the file system has it */
    struct kedge_digest digest;
};

/* All-zero is empty. Files and their paths are malloc'd. */
struct kedge_unpacked {
    struct kedge_unpacked_file *files; /* as they came */
    uint32_t count, capacity;
    int64_t bytes;
};
void kedge_unpacked_release(struct kedge_unpacked *unpacked);
void kedge_unpacked_auto(struct kedge_unpacked *unpacked);

/* Unpacks `archive` (an open regular file of that enum kedge_format) into the new folder `name` of `parent`, made 0700; files
 * become 0644 or 0755 and are on the disk when this returns. Format `file`: the bytes are the one
 * file `single`. On failure the folder is gone again. KEDGE_INVALID: refused, with the entry and
 * the rule (bombs too: no room would ever do); KEDGE_LIMIT: no room. Blocks. */
int kedge_unpack_run(int archive, int format, const char *single, int parent, const char *name,
                     struct kedge_unpacked *out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Letters, digits and . _ + @ = , - in each segment, none of them "." or "..", empty, too long or
 * beginning with '-'; at most KEDGE_LIMIT_UNPACKED_DEPTH of them. */
bool kedge_unpack_name_valid(const char *path);
