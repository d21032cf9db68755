/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <string.h>

void kedge_tree_release(struct kedge_tree *tree)
{
    kedge_arena_release(&tree->arena);
    *tree = (struct kedge_tree){0};
}

void kedge_tree_auto(struct kedge_tree *tree)
{
    kedge_tree_release(tree);
}

static bool ends_with(const char *path, size_t size, const char *suffix)
{
    size_t length = strlen(suffix);
    return size > length && memcmp(path + size - length, suffix, length) == 0 &&
           path[size - length - 1] != '/';
}

bool kedge_tree_is_manifest(const char *path)
{
    if (path[0] == '.' || strstr(path, "/.") != NULL)
        return false;
    size_t size = strlen(path);
    return ends_with(path, size, ".yaml") || ends_with(path, size, ".yml");
}
