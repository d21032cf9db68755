/* SPDX-License-Identifier: Apache-2.0 */
#include "kedge/store.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "lib/leak.h"
#include "lib/tempdir.h"

Test(store, refuses_urls_it_has_no_driver_for)
{
    static const struct {
        const char *url;
        int code;
        const char *says;
    } cases[] = {
        {"etcd:host", KEDGE_UNSUPPORTED, "'etcd'"},
        {"postgresql://host/db", KEDGE_UNSUPPORTED, "'postgresql'"},
        {"sqlite:", KEDGE_INVALID, "sqlite:PATH"},
        {"", KEDGE_INVALID, "sqlite:PATH"},
        {"memory:here", KEDGE_INVALID, "'memory:'"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(cases); i++) {
        struct kedge_store *store = NULL;
        struct kedge_err err;
        cr_assert_eq(kedge_store_open(cases[i].url, false, &store, &err), cases[i].code, "%s",
                     cases[i].url);
        cr_assert_null(store);
        cr_assert_not_null(strstr(err.msg, cases[i].says), "%s", err.msg);
    }
    kedge_test_no_leaks();
}

Test(store, takes_odd_names_for_paths)
{
    static const char *const urls[] = {"Upper:case", "sqlite:file:x?mode=memory",
                                       "sqlite::memory:", "./a:b"};
    static const char *const files[] = {"Upper:case", "file:x?mode=memory", ":memory:", "a:b"};
    kedge_auto(kedge_tempdir) struct kedge_tempdir dir = kedge_tempdir_make();
    cr_assert_eq(fchdir(dir.fd), 0);
    for (size_t i = 0; i < KEDGE_COUNT(urls); i++) {
        kedge_auto(kedge_store) struct kedge_store *store = NULL;
        cr_assert_eq(kedge_store_open(urls[i], false, &store, NULL), 0);
        cr_assert_eq(access(files[i], F_OK), 0, "%s", files[i]);
    }
    kedge_test_no_leaks();
}

Test(store, a_failed_write_condemns_its_transaction)
{
    kedge_auto(kedge_store) struct kedge_store *store = NULL;
    struct kedge_err err;
    cr_assert_eq(kedge_store_open("memory:", false, &store, &err), 0);
    cr_assert_eq(kedge_store_begin(store, &err), 0);
    cr_assert_eq(kedge_store_put(store, "a", "1", &err), 0);
    store->failed = KEDGE_LIMIT; /* as a full disk would */
    cr_assert_eq(kedge_store_put(store, "b", "2", &err), KEDGE_LIMIT);
    cr_assert_eq(kedge_store_commit(store, &err), KEDGE_LIMIT);
    char *value;
    cr_assert_eq(kedge_store_get(store, "a", &value, &err), KEDGE_NOTFOUND);
    cr_assert_eq(kedge_store_put(store, "c", "3", &err), 0, "the next write is not condemned");
}
