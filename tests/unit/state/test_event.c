/* SPDX-License-Identifier: Apache-2.0 */
#include "state/event.h"

#include <criterion/criterion.h>

#include "lib/leak.h"

Test(event, every_kind_has_a_word_of_its_own)
{
    for (int kind = 0; kind < KEDGE_EVENT_KIND_COUNT; kind++) {
        int read = -1;
        cr_assert(
            kedge_word_parse(&kedge_event_words, kedge_word_name(&kedge_event_words, kind), &read));
        cr_assert_eq(read, kind);
    }
}

Test(event, members_that_do_not_apply_are_left_out)
{
    kedge_auto(kedge_buf) struct kedge_buf buf = {0};
    struct kedge_json_writer writer = {.out = &buf};
    struct kedge_event event = {
        .seq = 7,
        .at = 1767225600000,
        .kind = KEDGE_EVENT_ACTION_FAILED,
        .device = "cam-7",
        .message = "probe said \"no\"",
    };
    kedge_event_write(&event, &writer);
    cr_assert_str_eq(buf.data,
                     "{\"seq\":7,\"at\":\"2026-01-01T00:00:00Z\",\"kind\":\"ActionFailed\","
                     "\"device\":\"cam-7\",\"message\":\"probe said \\\"no\\\"\"}");
    kedge_buf_release(&buf);
    kedge_test_no_leaks();
}
