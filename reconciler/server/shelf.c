/* SPDX-License-Identifier: Apache-2.0 */
#include "shelf.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/limits.h"
#include "wire/root.h"

#define SUFFIX ".root.json"

/* 0 for a name that is no root document's. */
static int64_t version_of(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    if (digits == 0 || digits > 15 || name[0] == '0' || strcmp(name + digits, SUFFIX) != 0)
        return 0;
    return strtoll(name, NULL, 10);
}

static int find_first(const char *folder, int64_t *out, struct kedge_err *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return kedge_err_sys(err, errno, "cannot open the folder of roots '%s'", folder);
    *out = 0;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        int64_t version = version_of(entry->d_name);
        if (version && (!*out || version < *out))
            *out = version;
    }
    closedir(dir);
    return *out ? 0
                : kedge_err_set(err, KEDGE_NOTFOUND,
                                "'%s' holds no root document such as '1" SUFFIX
                                "': 'kedge root init' makes the first",
                                folder);
}

int kedge_shelf_next(const char *folder, int64_t version, struct kedge_buf *out,
                     struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    kedge_buf_printf(&path, "%s/%lld" SUFFIX, folder, (long long)version);
    return kedge_fs_read(AT_FDCWD, path.data, KEDGE_LIMIT_ROOT, out, err);
}

static int check_first(struct kedge_slice file, int64_t version, struct kedge_err *err)
{
    struct kedge_root root;
    int code = kedge_root_peek(file, &root, err);
    if (!code && root.version != version)
        code = kedge_err_set(err, KEDGE_INVALID, "it is version %lld", (long long)root.version);
    return code ? kedge_err_wrap(err, "'%lld" SUFFIX "'", (long long)version) : 0;
}

int kedge_shelf_read(const char *folder, struct kedge_arena *arena, struct kedge_slice **out,
                     size_t *count, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf list = {0};
    int64_t first;
    size_t found = 0;
    int code = find_first(folder, &first, err);
    while (!code) {
        kedge_auto(kedge_buf) struct kedge_buf file = {0};
        code = kedge_shelf_next(folder, first + (int64_t)found, &file, err);
        if (code && found > 0)
            break; /* whatever is wrong with it, it is looked at again and again */
        if (!code && found == 0)
            code = check_first(kedge_buf_slice(&file), first, err);
        if (code)
            return code;
        const struct kedge_slice kept = {kedge_arena_strndup(arena, file.data, file.size),
                                         file.size};
        kedge_buf_add(&list, &kept, sizeof kept);
        found++;
    }
    if (found == 0)
        return code;
    *out = kedge_arena_array(arena, found, sizeof **out);
    memcpy(*out, list.data, found * sizeof **out);
    *count = found;
    return 0;
}
