/* SPDX-License-Identifier: Apache-2.0 */
/* What every artifact driver promises. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/fs.h"
#include "kedge/artifact.h"
#include "lib/tempdir.h"
#include "net/httpd.h"

#define SIZE 300000 /* several reads */

static const char *const schemes[] = {"file", "http", "hub"};

/* One artifact, reachable by every scheme. */
struct place {
    struct kedge_tempdir tmp;
    struct kedge_httpd *httpd;
    struct kedge_digest digest;
    char data[SIZE];
    char url[400], hub[64];
};

static void send_artifact(struct kedge_httpd_request *request, void *payload)
{
    struct place *place = payload;
    int fd = openat(place->tmp.fd, request->parts[0], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        kedge_httpd_fail(request, KEDGE_NOTFOUND, "no such artifact");
    else
        kedge_httpd_send(request, fd, request->parts[0]);
}

static void send_blob(struct kedge_httpd_request *request, void *payload)
{
    const char *device = kedge_httpd_query(request, "device");
    const char *sig = kedge_httpd_query(request, "sig");
    if (!device || strcmp(device, "cam-1") != 0 || !sig || strcmp(sig, "good") != 0)
        kedge_httpd_fail(request, KEDGE_DENIED, "no grant");
    else
        send_artifact(request, payload);
}

static const struct kedge_httpd_route routes[] = {
    {.method = KEDGE_HTTPD_GET, .pattern = "/files/{}", .handle = send_artifact},
    {.method = KEDGE_HTTPD_GET, .pattern = "/v1/blobs/sha256/{}", .handle = send_blob},
};

static void setup(struct place *place)
{
    char name[KEDGE_DIGEST_TEXT];
    struct kedge_err err;
    place->tmp = kedge_tempdir_make();
    for (size_t i = 0; i < SIZE; i++)
        place->data[i] = (char)(i * 31 + i / 251);
    place->digest = kedge_digest_of(place->data, SIZE);
    kedge_digest_format(&place->digest, name);
    cr_assert_eq(kedge_fs_write(place->tmp.fd, strchr(name, ':') + 1, place->data, SIZE, 0600,
                                &err),
                 0);
    struct kedge_httpd_options options = {.listen = "127.0.0.1:0",
                                          .routes = routes,
                                          .route_count = KEDGE_COUNT(routes),
                                          .payload = place};
    cr_assert_eq(kedge_httpd_start(&options, &place->httpd, &err), 0, "%s", err.msg);
    snprintf(place->hub, sizeof place->hub, "http://%s", kedge_httpd_address(place->httpd));
}

static void teardown(struct place *place)
{
    kedge_httpd_stop(place->httpd);
    kedge_tempdir_auto(&place->tmp);
}

/* Where the artifact of that digest is, by that scheme. */
static struct kedge_artifact_origin origin_of(struct place *place, const char *scheme,
                                              const struct kedge_digest *digest)
{
    char name[KEDGE_DIGEST_TEXT];
    const char *hex = strchr(kedge_digest_format(digest, name), ':') + 1;
    if (strcmp(scheme, "file") == 0)
        snprintf(place->url, sizeof place->url, "file://%s/%s", place->tmp.path, hex);
    else if (strcmp(scheme, "http") == 0)
        snprintf(place->url, sizeof place->url, "%s/files/%s", place->hub, hex);
    else
        snprintf(place->url, sizeof place->url, "hub:");
    return (struct kedge_artifact_origin){
        .url = place->url,
        .digest = *digest,
        .hub = place->hub,
        .device = "cam-1",
        .grant = "exp=1,sig=good",
    };
}

static void read_all(struct kedge_artifact *artifact, struct kedge_buf *out)
{
    char piece[4096];
    size_t got = 1;
    struct kedge_err err;
    while (got) {
        cr_assert_eq(artifact->ops->read(artifact, piece, sizeof piece, &got, &err), 0, "%s",
                     err.msg);
        kedge_buf_add(out, piece, got);
    }
}

Test(artifact, gives_every_byte_from_the_offset_on)
{
    static const int64_t offsets[] = {0, 1, 4096, SIZE - 1};
    static struct place place;
    setup(&place);
    for (size_t i = 0; i < KEDGE_COUNT(schemes) * KEDGE_COUNT(offsets); i++) {
        const char *scheme = schemes[i / KEDGE_COUNT(offsets)];
        int64_t offset = offsets[i % KEDGE_COUNT(offsets)];
        struct kedge_artifact_origin origin = origin_of(&place, scheme, &place.digest);
        kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
        struct kedge_artifact *artifact;
        struct kedge_err err;
        cr_assert_eq(kedge_artifact_open(&origin, &offset, &artifact, &err), 0, "%s: %s", scheme,
                     err.msg);
        cr_assert_eq(offset, offsets[i % KEDGE_COUNT(offsets)], "%s can start anywhere", scheme);
        read_all(artifact, &bytes);
        kedge_artifact_close(artifact);
        cr_assert_eq(bytes.size, (size_t)(SIZE - offset), "%s from %lld", scheme,
                     (long long)offset);
        cr_assert_eq(memcmp(bytes.data, place.data + offset, bytes.size), 0);
    }
    teardown(&place);
}

Test(artifact, names_what_is_not_there)
{
    static struct place place;
    struct kedge_digest other = kedge_digest_of("other", 5);
    setup(&place);
    for (size_t i = 0; i < KEDGE_COUNT(schemes); i++) {
        struct kedge_artifact_origin origin = origin_of(&place, schemes[i], &other);
        struct kedge_artifact *artifact = NULL;
        int64_t offset = 0;
        struct kedge_err err;
        cr_assert_eq(kedge_artifact_open(&origin, &offset, &artifact, &err), KEDGE_NOTFOUND,
                     "%s: %s", schemes[i], err.msg);
        cr_assert_null(artifact, "outputs are written on success only");
    }
    teardown(&place);
}

Test(artifact, tells_a_shrunken_source_from_an_absent_one)
{
    static struct place place;
    setup(&place);
    for (size_t i = 0; i < KEDGE_COUNT(schemes); i++) {
        struct kedge_artifact_origin origin = origin_of(&place, schemes[i], &place.digest);
        struct kedge_artifact *artifact = NULL;
        int64_t offset = SIZE + 10;
        struct kedge_err err;
        cr_assert_eq(kedge_artifact_open(&origin, &offset, &artifact, &err), KEDGE_CORRUPT,
                     "%s: %s", schemes[i], err.msg);
    }
    teardown(&place);
}

Test(artifact, gives_up_when_it_is_told_to)
{
    static struct place place;
    int ends[2];
    setup(&place);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    for (size_t i = 0; i < KEDGE_COUNT(schemes); i++) {
        struct kedge_artifact_origin origin = origin_of(&place, schemes[i], &place.digest);
        struct kedge_artifact *artifact = NULL;
        int64_t offset = 0;
        char piece[4096];
        size_t got;
        struct kedge_err err;
        origin.cancel = ends[0];
        int code = kedge_artifact_open(&origin, &offset, &artifact, &err);
        for (size_t total = 0; !code && total < SIZE; total += got)
            code = artifact->ops->read(artifact, piece, sizeof piece, &got, &err);
        kedge_artifact_close(artifact);
        cr_assert(code || strcmp(schemes[i], "file") == 0, "%s read on; a file never waits",
                  schemes[i]);
    }
    close(ends[0]);
    close(ends[1]);
    teardown(&place);
}

Test(artifact, needs_a_grant_of_the_hub)
{
    static struct place place;
    setup(&place);
    struct kedge_artifact_origin origin = origin_of(&place, "hub", &place.digest);
    struct kedge_artifact *artifact = NULL;
    int64_t offset = 0;
    struct kedge_err err;
    origin.grant = "exp=1,sig=bad";
    cr_assert_eq(kedge_artifact_open(&origin, &offset, &artifact, &err), KEDGE_DENIED, "%s",
                 err.msg);
    origin.grant = NULL;
    cr_assert_eq(kedge_artifact_open(&origin, &offset, &artifact, &err), KEDGE_UNAVAILABLE, "%s",
                 err.msg);
    teardown(&place);
}

Test(artifact, is_unavailable_where_nobody_listens)
{
    struct kedge_artifact_origin origin = {.url = "http://127.0.0.1:1/x"};
    struct kedge_artifact *artifact = NULL;
    int64_t offset = 0;
    struct kedge_err err;
    cr_assert_eq(kedge_artifact_open(&origin, &offset, &artifact, &err), KEDGE_UNAVAILABLE, "%s",
                 err.msg);
    origin.url = "gopher://127.0.0.1/x";
    cr_assert_eq(kedge_artifact_open(&origin, &offset, &artifact, &err), KEDGE_UNSUPPORTED, "%s",
                 err.msg);
}
