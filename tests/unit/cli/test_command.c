/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <criterion/criterion.h>
#include <string.h>

Test(command, the_longest_name_is_found)
{
    static const struct {
        const char *given[3];
        size_t count;
        const char *name;
        size_t words;
    } cases[] = {
        {{"key", "show", "file"}, 3, "key show", 2},
        {{"version"}, 1, "version", 1},
        {{"version", "more"}, 2, "version", 1},
        {{"key"}, 1, NULL, 0},
        {{"key", "sho"}, 2, NULL, 0},
        {{"keys"}, 1, NULL, 0},
        {{""}, 1, NULL, 0},
        {{NULL}, 0, NULL, 0},
    };
    for (size_t i = 0; i < KEDGE_COUNT(cases); i++) {
        size_t words;
        const struct kedge_command *command =
            kedge_command_find(cases[i].given, cases[i].count, &words);
        cr_assert_eq(words, cases[i].words, "case %zu", i);
        cr_assert_eq(command == NULL, cases[i].name == NULL, "case %zu", i);
        if (command)
            cr_assert_str_eq(command->name, cases[i].name);
    }
}

Test(command, the_table_is_whole)
{
    for (size_t i = 0; i < kedge_command_count; i++) {
        const struct kedge_command *command = &kedge_commands[i];
        cr_assert_not_null(command->run, "%s", command->name);
        cr_assert_not_null(command->operands, "%s", command->name);
        cr_assert_leq(command->min, command->max, "%s", command->name);
        cr_assert_neq(command->summary[strlen(command->summary) - 1], '.', "%s", command->name);
        cr_assert_eq(command->max == 0, *command->operands == '\0', "%s", command->name);
        for (size_t j = 0; j < i; j++)
            cr_assert_str_neq(command->name, kedge_commands[j].name);
    }
}
