/* SPDX-License-Identifier: Apache-2.0 */
/* The files of one commit, or what changed in them between two: the seam between Git and manifests
 * is a value.
 *
 * A tree with no `base` lists every manifest file; one with a base lists only the paths that differ
 * from it. */
#pragma once

#include "base/arena.h"

#define KEDGE_COMMIT_SIZE 20
#define KEDGE_COMMIT_TEXT (2 * KEDGE_COMMIT_SIZE + 1)

struct kedge_tree_entry {
    const char *path; /* relative to the manifest root, '/' between parts */
    uint8_t blob[KEDGE_COMMIT_SIZE];
    const char *data; /* NULL: the path is gone (only with a base), or it was refused */
    size_t size;
    const char *refused; /* why the file was not read (too large, not a regular file), else NULL */
};

struct kedge_tree {
    struct kedge_arena arena;         /* owns everything below */
    char base[KEDGE_COMMIT_TEXT];     /* "" for a whole tree */
    char commit[KEDGE_COMMIT_TEXT];   /* "" when read from a plain folder */
    struct kedge_tree_entry *entries; /* sorted by path */
    size_t count;
    size_t files; /* manifest files in the whole tree, when known (whole tree only) */
};

void kedge_tree_release(struct kedge_tree *tree);
void kedge_tree_auto(struct kedge_tree *tree);
/* Is this path a manifest (*.yaml, *.yml, no dot file or dot folder)? */
bool kedge_tree_is_manifest(const char *path);
