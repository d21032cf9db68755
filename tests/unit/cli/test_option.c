/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/option.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Parses words between spaces; gives what is left the same way. */
static int parse(const char *line, struct kedge_option_values *values, char left[256],
                 struct kedge_err *err)
{
    static char text[256];
    char *words[16];
    size_t count = 0;
    strncpy(text, line, sizeof text - 1);
    for (char *save = NULL, *word = strtok_r(text, " ", &save); word;
         word = strtok_r(NULL, " ", &save))
        words[count++] = word;
    int code = kedge_option_parse(words, &count, values, err);
    left[0] = '\0';
    for (size_t i = 0; !code && i < count; i++) {
        strncat(left, words[i], 100);
        strncat(left, " ", 2);
    }
    return code;
}

Test(option, takes_every_spelling)
{
    static const struct {
        const char *line, *output, *left;
        bool quiet;
    } cases[] = {
        {"model list", NULL, "model list ", false},
        {"-o json model list", "json", "model list ", false},
        {"model -ojson list", "json", "model list ", false},
        {"model list --output json", "json", "model list ", false},
        {"model list --output=json", "json", "model list ", false},
        {"model list --output=", "", "model list ", false},
        {"-qo json x", "json", "x ", true},
        {"-qojson x", "json", "x ", true},
        {"--quiet x - y", NULL, "x - y ", true},
        {"x -- --quiet -o", NULL, "x --quiet -o ", false},
        {"-o a -o b", "b", "", false},
        {"-o -q", "-q", "", false},
    };
    for (size_t i = 0; i < KEDGE_COUNT(cases); i++) {
        struct kedge_option_values values;
        struct kedge_err err;
        char left[256];
        cr_assert_eq(parse(cases[i].line, &values, left, &err), 0, "%s", cases[i].line);
        cr_assert_str_eq(left, cases[i].left);
        const char *output = values.at[KEDGE_OPTION_OUTPUT];
        cr_assert_eq(output == NULL, cases[i].output == NULL, "%s", cases[i].line);
        if (output)
            cr_assert_str_eq(output, cases[i].output);
        cr_assert_eq(values.at[KEDGE_OPTION_QUIET] != NULL, cases[i].quiet);
    }
}

Test(option, says_what_is_wrong)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"--outptu json", "did you mean '--output'?"},
        {"--frobnicate", "no option '--frobnicate'"},
        {"-Z", "no option '-Z'"},
        {"--quiet=yes", "'--quiet' takes no value"},
        {"x --output", "'--output' needs a value"},
        {"-o", "'--output' needs a value"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(cases); i++) {
        struct kedge_option_values values;
        struct kedge_err err;
        char left[256];
        cr_assert_eq(parse(cases[i].line, &values, left, &err), KEDGE_INVALID, "%s", cases[i].line);
        cr_assert_not_null(strstr(err.msg, cases[i].says), "%s", err.msg);
    }
}

Test(option, the_command_line_wins_over_the_environment_over_the_preset)
{
    struct kedge_option_values values = {0};
    struct kedge_err err;
    kedge_options set = KEDGE_OPTION(LISTEN) | KEDGE_OPTION(COLOR);
    unsetenv("KEDGE_LISTEN");
    unsetenv("KEDGE_COLOR");
    cr_assert_eq(kedge_option_complete(&values, set, &err), 0);
    cr_assert_str_eq(values.at[KEDGE_OPTION_LISTEN], "127.0.0.1:8411");
    cr_assert_str_eq(values.at[KEDGE_OPTION_COLOR], "auto");
    cr_assert_null(values.at[KEDGE_OPTION_INTERVAL], "not in the set");

    setenv("KEDGE_LISTEN", "[::]:1", 1);
    values = (struct kedge_option_values){0};
    cr_assert_eq(kedge_option_complete(&values, set, &err), 0);
    cr_assert_str_eq(values.at[KEDGE_OPTION_LISTEN], "[::]:1");

    values = (struct kedge_option_values){.at = {[KEDGE_OPTION_LISTEN] = "[::]:2"}};
    cr_assert_eq(kedge_option_complete(&values, set, &err), 0);
    cr_assert_str_eq(values.at[KEDGE_OPTION_LISTEN], "[::]:2");

    values = (struct kedge_option_values){.at = {[KEDGE_OPTION_COLOR] = "blue"}};
    cr_assert_eq(kedge_option_complete(&values, set, &err), KEDGE_INVALID);
    cr_assert_not_null(strstr(err.msg, "auto|always|never"), "%s", err.msg);
}

Test(option, the_table_is_whole)
{
    for (int i = 0; i < KEDGE_OPTION_COUNT; i++) {
        const struct kedge_option_row *row = &kedge_option_rows[i];
        cr_assert_not_null(row->name, "option %d", i);
        cr_assert_not_null(row->help, "--%s", row->name);
        cr_assert(!row->choices || row->argument, "--%s", row->name);
        cr_assert(!row->preset || !row->choices ||
                      kedge_option_is_choice(row->choices, row->preset),
                  "--%s", row->name);
        for (int j = 0; j < i; j++) {
            cr_assert_str_neq(row->name, kedge_option_rows[j].name);
            cr_assert(!row->letter || row->letter != kedge_option_rows[j].letter);
        }
    }
}

Test(option, a_choice_is_a_whole_word)
{
    cr_assert(kedge_option_is_choice("text|json", "text"));
    cr_assert(kedge_option_is_choice("text|json", "json"));
    cr_assert_not(kedge_option_is_choice("text|json", "tex"));
    cr_assert_not(kedge_option_is_choice("text|json", "text|json"));
    cr_assert_not(kedge_option_is_choice("text|json", ""));
}

Test(option, remembers_all_that_was_given)
{
    struct kedge_option_values values;
    struct kedge_err err;
    char left[256];
    cr_assert_eq(parse("--key a verify -q --key=b --limit 3 --key c", &values, left, &err), 0);
    static const struct kedge_option_given given[] = {
        {KEDGE_OPTION_KEY, "a"},   {KEDGE_OPTION_QUIET, ""}, {KEDGE_OPTION_KEY, "b"},
        {KEDGE_OPTION_LIMIT, "3"}, {KEDGE_OPTION_KEY, "c"},
    };
    cr_assert_eq(values.given_count, KEDGE_COUNT(given));
    for (size_t i = 0; i < KEDGE_COUNT(given); i++) {
        cr_assert_eq(values.given[i].option, given[i].option);
        cr_assert_str_eq(values.given[i].value, given[i].value);
    }
    cr_assert_str_eq(values.at[KEDGE_OPTION_KEY], "c");
}

Test(option, refuses_more_than_it_remembers)
{
    char *words[KEDGE_OPTION_GIVEN + 1];
    struct kedge_option_values values;
    struct kedge_err err;
    size_t count = KEDGE_COUNT(words);
    for (size_t i = 0; i < count; i++)
        words[i] = (char *)"--quiet";
    cr_assert_eq(kedge_option_parse(words, &count, &values, &err), KEDGE_LIMIT);
    count = KEDGE_OPTION_GIVEN;
    cr_assert_eq(kedge_option_parse(words, &count, &values, &err), 0);
}
