/* SPDX-License-Identifier: Apache-2.0 */
/* tests/data: every valid file is accepted without a word, every invalid one gets exactly the
 * findings that are written beside it. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/limits.h"
#include "manifest.h"
#include "lib/leak.h"

static struct kedge_buf root(const char *folder)
{
    struct kedge_buf path = {0};
    kedge_buf_printf(&path, "%s/tests/data/%s", getenv("KEDGE_SOURCE_ROOT"), folder);
    return path;
}

static struct kedge_buf read_file(const char *folder, const char *name, const char *file)
{
    struct kedge_buf data = {0}, path = {0};
    struct kedge_err err;
    kedge_buf_printf(&path, "%s/%s%s", folder, name, file);
    cr_assert_eq(kedge_fs_read(AT_FDCWD, path.data, KEDGE_MIB(4), &data, &err), 0, "%s", err.msg);
    kedge_buf_putc(&data, '\0'); /* an empty file has bytes to point at, too */
    data.size--;
    kedge_buf_release(&path);
    return data;
}

static struct kedge_buf print(const struct kedge_findings *findings, const char *file)
{
    struct kedge_buf out = {0};
    for (size_t i = 0; i < findings->count; i++) {
        const struct kedge_finding *f = &findings->at[i];
        kedge_buf_printf(&out, "%s:%u:%u: %s[%s]: %s\n", f->at.file ? file : "", f->at.line,
                         f->at.column, f->severity == KEDGE_SEVERITY_ERROR ? "error" : "warning",
                         f->rule, f->message);
    }
    kedge_buf_puts(&out, "");
    return out;
}

static size_t for_each(const char *folder, void (*check)(const char *folder, const char *name))
{
    kedge_auto(kedge_buf) struct kedge_buf path = root(folder);
    DIR *dir = opendir(path.data);
    cr_assert_not_null(dir, "%s", path.data);
    size_t count = 0;
    const struct dirent *item;
    while ((item = readdir(dir))) {
        if (item->d_name[0] == '.')
            continue;
        check(path.data, item->d_name);
        count++;
    }
    closedir(dir);
    return count;
}

static void check_valid(const char *folder, const char *name)
{
    kedge_auto(kedge_buf) struct kedge_buf data = read_file(folder, name, "");
    kedge_auto(revision) struct revision r = revision_of(data.data, data.size);
    kedge_auto(kedge_buf) struct kedge_buf said = print(&r.findings, name);
    cr_expect_str_eq(said.data ? said.data : "", "", "%s", name);
    cr_expect_not_null(r.specs, "%s", name);
}

static void check_invalid(const char *folder, const char *name)
{
    kedge_auto(kedge_buf) struct kedge_buf data = read_file(folder, name, "/input.yaml");
    kedge_auto(kedge_buf) struct kedge_buf expected = read_file(folder, name, "/findings");
    kedge_auto(revision) struct revision r = revision_of(data.data, data.size);
    kedge_auto(kedge_buf) struct kedge_buf said = print(&r.findings, "input.yaml");
    cr_expect_str_eq(said.data ? said.data : "", expected.data, "%s", name);
    cr_expect_eq(r.specs == NULL, r.findings.errors > 0, "%s", name);
}

Test(corpus, valid)
{
    cr_expect_geq(for_each("valid", check_valid), 20);
    kedge_test_no_leaks();
}

Test(corpus, invalid)
{
    cr_expect_geq(for_each("invalid", check_invalid), 150);
    kedge_test_no_leaks();
}
