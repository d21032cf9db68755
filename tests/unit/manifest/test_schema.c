/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/schema.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/json.h"
#include "lib/leak.h"

/* schemas/ is what the field tables say today: `kedge schema KIND` writes each file. */
Test(schema, files_are_up_to_date)
{
    for (int kind = 0; kind <= KEDGE_KIND_COUNT; kind++) {
        kedge_auto(kedge_buf) struct kedge_buf path = {0}, name = {0}, file = {0}, text = {0};
        struct kedge_err err;
        kedge_buf_printf(&path, "%s/schemas/%s", getenv("KEDGE_SOURCE_ROOT"),
                         kedge_schema_file((enum kedge_kind)kind, &name));
        cr_assert_eq(kedge_fs_read(AT_FDCWD, path.data, KEDGE_MIB(1), &file, &err), 0, "%s",
                     err.msg);
        kedge_schema_write((enum kedge_kind)kind, &text);
        cr_expect_str_eq(file.data, text.data, "%s", name.data);
        json_t *json = NULL;
        cr_expect_eq(kedge_json_parse(text.data, text.size, KEDGE_MIB(1), &json, &err), 0, "%s",
                     err.msg);
        json_decref(json);
    }
    kedge_test_no_leaks();
}
