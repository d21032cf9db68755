/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/changes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "lib/leak.h"

static void add_many(struct kedge_changes_list *list, char names[][32], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "cam-%02zu", count - i); /* unsorted on purpose */
        kedge_changes_add(list, &(struct kedge_changes_line){
                                    .device = names[i],
                                    .instance = "detector",
                                    .deployment = "north",
                                    .verb = "update",
                                    .from = "1.0.0",
                                    .to = "1.1.0",
                                    .reason = names[i], /* differs from device to device */
                                });
    }
}

static const struct {
    size_t devices;
    bool all;
    const char *text;
} cuts[] = {
    {1, false, "1 device: cam-01\n"},
    {8, false, "8 devices: cam-01, cam-02, cam-03, cam-04, cam-05, cam-06, cam-07, cam-08\n"},
    {9, false,
     "9 devices: cam-01, cam-02, cam-03, cam-04, cam-05, cam-06, cam-07, cam-08 and 1 more "
     "(--all names them)\n"},
    {9, true,
     "9 devices: cam-01, cam-02, cam-03, cam-04, cam-05, cam-06, cam-07, cam-08, cam-09\n"},
};

Test(changes, devices_are_grouped_and_cut)
{
    for (size_t i = 0; i < KEDGE_COUNT(cuts); i++) {
        char names[16][32];
        struct kedge_changes_list list = {.all = cuts[i].all};
        kedge_auto(kedge_buf) struct kedge_buf out = {0};
        add_many(&list, names, cuts[i].devices);
        kedge_changes_text(&list, &out);
        cr_assert_not_null(strstr(out.data, cuts[i].text), "%s", out.data);
        cr_assert_eq(strstr(out.data, "detector"), out.data, "%s", out.data);
        kedge_changes_list_auto(&list);
    }
    kedge_test_no_leaks();
}

Test(changes, what_is_held_says_by_what)
{
    struct kedge_changes_list list = {0};
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    kedge_changes_add(&list, &(struct kedge_changes_line){.device = "d",
                                                          .instance = "m",
                                                          .verb = "deploy",
                                                          .drift = "missing",
                                                          .to = "1.0.0",
                                                          .blocker = "window",
                                                          .why = "'nights' is shut",
                                                          .frees = "at 22:00"});
    kedge_changes_text(&list, &out);
    cr_assert_str_eq(out.data,
                     "m\n"
                     "  + deploy  1.0.0 (drift: missing)  1 device: d\n"
                     "      held by window: 'nights' is shut; what frees it: at 22:00\n"
                     "\n"
                     "1 to deploy, 0 to update, 0 to destroy, 0 to start, 0 to stop, on 1 device; "
                     "1 of them held.\n");
    kedge_changes_list_auto(&list);
}

Test(changes, none_is_said_to_be_none)
{
    struct kedge_changes_list list = {0};
    kedge_auto(kedge_buf) struct kedge_buf text = {0}, markdown = {0};
    kedge_changes_text(&list, &text);
    kedge_changes_markdown(&list, &markdown);
    cr_assert_str_eq(text.data, "No changes.\n");
    cr_assert_str_eq(markdown.data, "**No changes.**\n");
}

Test(changes, markdown_holds_no_foreign_markup)
{
    struct kedge_changes_list list = {0};
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    kedge_changes_add(&list, &(struct kedge_changes_line){.device = "d",
                                                          .instance = "<img src=x>|@team",
                                                          .verb = "deploy",
                                                          .to = "1.0.0\n| x"});
    kedge_changes_markdown(&list, &out);
    cr_assert_not_null(strstr(out.data,
                              "| &#60;img src=x&#62;&#124;&#64;team |  | 1.0.0&#92;x0a&#124; x |"),
                       "%s", out.data);
    kedge_changes_list_auto(&list);
}

Test(changes, json_is_read_back_as_it_was)
{
    static const char text[] =
        "[{\"device\":\"d\",\"instance\":\"m\",\"verb\":\"start\",\"hold\":{\"blocker\":\"budget\","
        "\"why\":\"used up\"}},{\"device\":7},3]";
    kedge_auto(kedge_json) json_t *items = NULL;
    struct kedge_err err;
    cr_assert_eq(kedge_json_parse(text, sizeof text - 1, sizeof text, &items, &err), 0);
    struct kedge_changes_list list = {0};
    kedge_changes_add_json(&list, items);
    cr_assert_eq(list.count, 3, "a malformed item is a line without words, not a crash");
    cr_assert_str_eq(list.at[0].verb, "start");
    cr_assert_str_eq(list.at[0].blocker, "budget");
    cr_assert_null(list.at[1].device);
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    kedge_changes_text(&list, &out);
    kedge_changes_list_auto(&list);
}
