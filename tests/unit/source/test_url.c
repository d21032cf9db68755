/* SPDX-License-Identifier: Apache-2.0 */
#include "source/url.h"

#include <string.h>
#include <unistd.h>

#include "lib/leak.h"

static bool equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

Test(url, takes_apart)
{
    static const struct {
        const char *text;
        enum kedge_url_scheme scheme;
        const char *user, *host, *port, *path;
    } rows[] = {
        {"/srv/fleet.git", KEDGE_URL_FILE, NULL, NULL, NULL, "/srv/fleet.git"},
        {"file:///srv/my%20fleet.git", KEDGE_URL_FILE, NULL, NULL, NULL, "/srv/my fleet.git"},
        {"/srv/100%.git", KEDGE_URL_FILE, NULL, NULL, NULL, "/srv/100%.git"},
        {"./a:b", KEDGE_URL_FILE, NULL, NULL, NULL, NULL},
        {"ssh://git@example.org:2222/fleet.git", KEDGE_URL_SSH, "git", "example.org", "2222",
         "/fleet.git"},
        {"ssh://[::1]:22/f", KEDGE_URL_SSH, NULL, "::1", "22", "/f"},
        {"git@example.org:team/fleet.git", KEDGE_URL_SSH, "git", "example.org", NULL,
         "team/fleet.git"},
        {"https://example.org/fleet.git", KEDGE_URL_HTTPS, NULL, "example.org", NULL, "/fleet.git"},
        {"https://token@example.org:8443/fleet", KEDGE_URL_HTTPS, "token", "example.org", "8443",
         "/fleet"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_url) struct kedge_url url = {0};
        struct kedge_err err = {0};
        cr_assert_eq(kedge_url_parse(rows[i].text, &url, &err), 0, "%s: %s", rows[i].text, err.msg);
        cr_expect_eq(url.scheme, rows[i].scheme, "%s", rows[i].text);
        cr_expect(equal(url.user, rows[i].user), "%s: user %s", rows[i].text, url.user);
        cr_expect(equal(url.host, rows[i].host), "%s: host %s", rows[i].text, url.host);
        cr_expect(equal(url.port, rows[i].port), "%s: port %s", rows[i].text, url.port);
        if (rows[i].path)
            cr_expect(equal(url.path, rows[i].path), "%s: path %s", rows[i].text, url.path);
    }
    kedge_test_no_leaks();
}

Test(url, makes_paths_absolute)
{
    kedge_auto(kedge_url) struct kedge_url url = {0};
    struct kedge_err err = {0};
    char folder[4096];
    cr_assert_not_null(getcwd(folder, sizeof folder));
    cr_assert_eq(kedge_url_parse("fleet.git", &url, &err), 0, "%s", err.msg);
    cr_expect_eq(strncmp(url.path, folder, strlen(folder)), 0);
    cr_expect_str_eq(url.path + strlen(folder), "/fleet.git");
    cr_expect_str_eq(url.text, url.path);
}

Test(url, refuses)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {"", KEDGE_INVALID},
        {"http://example.org/f", KEDGE_UNSUPPORTED},
        {"git://example.org/f", KEDGE_UNSUPPORTED},
        {"ext://sh -c true", KEDGE_UNSUPPORTED},
        {"file://host/f", KEDGE_UNSUPPORTED},
        {"https://user:secret@example.org/f", KEDGE_INVALID},
        {"https:///f", KEDGE_INVALID},
        {"https://example.org", KEDGE_INVALID},
        {"ssh://-oProxyCommand=touch/f", KEDGE_INVALID},
        {"-oProxyCommand=touch:f", KEDGE_INVALID},
        {"ssh://-l@example.org/f", KEDGE_INVALID},
        {"ssh://ex ample/f", KEDGE_INVALID},
        {"ssh://example.org:22x/f", KEDGE_INVALID},
        {"ssh://example.org:/f", KEDGE_INVALID},
        {"ssh://[::1/f", KEDGE_INVALID},
        {"ssh://[::1]x:22/f", KEDGE_INVALID},
        {"ssh://example.org/a%0ab", KEDGE_INVALID},
        {"ssh://example.org/a%zz", KEDGE_INVALID},
        {"ssh://example.org/a%", KEDGE_INVALID},
        {"host:", KEDGE_INVALID},
        {"a\nb", KEDGE_INVALID},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_url url = {0};
        struct kedge_err err = {0};
        cr_expect_eq(kedge_url_parse(rows[i].text, &url, &err), rows[i].code, "%s: %s",
                     rows[i].text, err.msg);
        cr_expect_null(url.text);
        cr_expect_null(strstr(err.msg, "secret"));
    }
    kedge_test_no_leaks();
}
