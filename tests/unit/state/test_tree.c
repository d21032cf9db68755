/* SPDX-License-Identifier: Apache-2.0 */
#include "state/tree.h"

#include <criterion/criterion.h>

Test(tree, manifests_are_yaml_files_outside_dot_folders)
{
    static const char *const yes[] = {"a.yaml", "a.yml", "devices/cam-7.yaml", "a.b.yml"};
    static const char *const no[] = {"a.json",         "a.yaml.bak", ".a.yaml",     "x/.a.yml",
                                     ".github/w.yaml", "yaml",       "a/.b/c.yaml", "x/.yaml",
                                     ".yml",           "",           "a.YAML"};
    for (size_t i = 0; i < KEDGE_COUNT(yes); i++)
        cr_expect(kedge_tree_is_manifest(yes[i]), "'%s'", yes[i]);
    for (size_t i = 0; i < KEDGE_COUNT(no); i++)
        cr_expect_not(kedge_tree_is_manifest(no[i]), "'%s'", no[i]);
}

Test(tree, release_leaves_an_empty_tree)
{
    struct kedge_tree tree = {0};
    tree.entries = kedge_arena_array(&tree.arena, 2, sizeof *tree.entries);
    tree.count = 2;
    kedge_tree_release(&tree);
    cr_expect_eq(tree.count, 0);
    cr_expect_null(tree.entries);
    kedge_tree_release(&tree);
}
