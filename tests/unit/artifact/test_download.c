/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kedge/download.h"
#include "state/workload.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/fs.h"
#include "lib/leak.h"
#include "lib/tempdir.h"

#define SIZE 3000000

struct place {
    struct kedge_tempdir tmp;
    char url[320], *bytes;
    struct kedge_artifact_ref artifact;
    struct kedge_download fetch;
    int64_t told;
    struct kedge_buf seen;
};

static void on_progress(int64_t bytes, void *payload)
{
    ((struct place *)payload)->told = bytes;
}

static void on_seen(const void *data, size_t size, void *payload)
{
    struct place *place = payload;
    if (data)
        kedge_buf_add(&place->seen, data, size);
    else
        kedge_buf_clear(&place->seen);
}

static void setup(struct place *place)
{
    struct kedge_err err;
    *place = (struct place){.tmp = kedge_tempdir_make(), .bytes = kedge_alloc_zeroed(SIZE)};
    for (size_t i = 0; i < SIZE; i++)
        place->bytes[i] = (char)(i * 31 + i / 1000);
    cr_assert_eq(kedge_fs_write(place->tmp.fd, "source", place->bytes, SIZE, 0600, &err), 0);
    snprintf(place->url, sizeof place->url, "file:%s/source", place->tmp.path);
    place->artifact = (struct kedge_artifact_ref){.url = place->url,
                                                  .size = SIZE,
                                                  .digest = kedge_digest_of(place->bytes, SIZE)};
    place->fetch = (struct kedge_download){.store = place->tmp.fd,
                                           .artifact = &place->artifact,
                                           .progress = on_progress,
                                           .payload = place};
}

static void teardown(struct place *place)
{
    free(place->bytes);
    kedge_buf_release(&place->seen);
    kedge_tempdir_auto(&place->tmp);
}

static bool stored(const struct place *place)
{
    char path[KEDGE_DOWNLOAD_PATH];
    kedge_download_path(&place->artifact.digest, path);
    return faccessat(place->tmp.fd, path, F_OK, 0) == 0;
}

static void leave_part(const struct place *place, const char *bytes, size_t size)
{
    char path[KEDGE_DOWNLOAD_PATH], part[KEDGE_DOWNLOAD_PATH + 8];
    struct kedge_err err;
    cr_assert_eq(kedge_fs_mkdirs(place->tmp.fd, "sha256", 0700, &err), 0);
    snprintf(part, sizeof part, "%s.part", kedge_download_path(&place->artifact.digest, path));
    cr_assert_eq(kedge_fs_write(place->tmp.fd, part, bytes, size, 0600, &err), 0);
}

Test(download, brings_it_whole_and_once)
{
    struct place place;
    struct kedge_err err;
    setup(&place);
    cr_assert_eq(kedge_download_run(&place.fetch, &err), 0, "%s", err.msg);
    cr_assert(stored(&place));
    cr_assert_eq(place.told, SIZE);
    cr_assert_eq(unlinkat(place.tmp.fd, "source", 0), 0);
    cr_assert_eq(kedge_download_run(&place.fetch, &err), 0, "what is there is not fetched again");
    teardown(&place);
    kedge_test_no_leaks();
}

Test(download, goes_on_with_a_part)
{
    struct place place;
    struct kedge_err err;
    setup(&place);
    leave_part(&place, place.bytes, SIZE / 3);
    cr_assert_eq(kedge_download_run(&place.fetch, &err), 0, "%s", err.msg);
    cr_assert(stored(&place));
    teardown(&place);
}

Test(download, drops_a_part_that_is_not_its_own)
{
    struct place place;
    struct kedge_err err;
    setup(&place);
    leave_part(&place, "something else", 14);
    cr_assert_eq(kedge_download_run(&place.fetch, &err), 0, "%s", err.msg);
    cr_assert(stored(&place));
    teardown(&place);
}

/* A second hash over the same stream: from the network, behind a part, instead of a wrong part, and
 * from the store. */
Test(download, shows_every_byte_once_and_in_order)
{
    static const size_t parts[] = {0, SIZE / 3, SIZE, 14};
    for (size_t i = 0; i <= KEDGE_COUNT(parts); i++) {
        struct place place;
        struct kedge_err err;
        setup(&place);
        place.fetch.see = on_seen;
        if (i == KEDGE_COUNT(parts))
            cr_assert_eq(kedge_download_run(&place.fetch, &err), 0, "%s", err.msg);
        else if (parts[i])
            leave_part(&place, parts[i] == 14 ? "something else" : place.bytes, parts[i]);
        cr_assert_eq(kedge_download_run(&place.fetch, &err), 0, "%s", err.msg);
        cr_assert_eq(place.seen.size, SIZE, "row %zu", i);
        cr_expect_eq(memcmp(place.seen.data, place.bytes, SIZE), 0, "row %zu", i);
        teardown(&place);
    }
    kedge_test_no_leaks();
}

Test(download, refuses_other_bytes_than_declared)
{
    struct place place;
    struct kedge_err err;
    setup(&place);
    place.artifact.digest.bytes[0] ^= 1;
    cr_assert_eq(kedge_download_run(&place.fetch, &err), KEDGE_CORRUPT);
    cr_assert(!stored(&place));
    place.artifact.digest.bytes[0] ^= 1;
    place.artifact.size = SIZE - 1;
    cr_assert_eq(kedge_download_run(&place.fetch, &err), KEDGE_CORRUPT);
    cr_assert(strstr(err.msg, "larger"), "%s", err.msg);
    place.artifact.size = SIZE + 1;
    cr_assert_eq(kedge_download_run(&place.fetch, &err), KEDGE_CORRUPT);
    place.artifact.size = 1LL << 60;
    cr_assert_eq(kedge_download_run(&place.fetch, &err), KEDGE_INVALID);
    cr_assert(!stored(&place));
    teardown(&place);
}

Test(download, says_what_cannot_be_reached)
{
    struct place place;
    struct kedge_err err;
    setup(&place);
    place.artifact.url = "file:/nonexistent/file";
    cr_assert_eq(kedge_download_run(&place.fetch, &err), KEDGE_NOTFOUND);
    place.artifact.url = "gopher://x/y";
    cr_assert_eq(kedge_download_run(&place.fetch, &err), KEDGE_UNSUPPORTED);
    place.artifact.url = "hub:model";
    cr_assert_eq(kedge_download_run(&place.fetch, &err), KEDGE_UNAVAILABLE, "no grant yet");
    teardown(&place);
}

Test(download, collects_what_is_not_kept)
{
    struct place place;
    struct kedge_err err;
    setup(&place);
    cr_assert_eq(kedge_download_run(&place.fetch, &err), 0);
    cr_assert_eq(kedge_download_collect(place.tmp.fd, &place.artifact.digest, 1, &err), 0);
    cr_assert(stored(&place));
    cr_assert_eq(kedge_download_collect(place.tmp.fd, NULL, 0, &err), 0);
    cr_assert(!stored(&place));
    teardown(&place);
}
