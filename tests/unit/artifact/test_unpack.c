/* SPDX-License-Identifier: Apache-2.0 */
/* Archives as they should be, and as an enemy would make them. */
#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kedge/unpack.h"
#include "state/workload.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/tempdir.h"

struct member {
    const char *name;
    mode_t type;
    const char *text; /* contents, or target of a link */
    bool hard;
    int64_t zeros; /* that many zero bytes instead */
    bool executable;
};

static int make_archive(const struct member *members, size_t count, enum kedge_format format)
{
    int fd = memfd_create("archive", MFD_CLOEXEC);
    struct archive *archive = archive_write_new();
    if (format == KEDGE_FORMAT_ZIP)
        archive_write_set_format_zip(archive);
    else
        archive_write_set_format_pax_restricted(archive);
    if (format == KEDGE_FORMAT_TAR_GZ)
        archive_write_add_filter_gzip(archive);
    if (format == KEDGE_FORMAT_TAR_ZST)
        archive_write_add_filter_zstd(archive);
    cr_assert_eq(archive_write_open_fd(archive, fd), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        const struct member *m = &members[i];
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, m->name);
        archive_entry_set_filetype(entry, m->type);
        archive_entry_set_perm(entry, m->executable ? 04775 : 0664);
        if (m->type == AE_IFLNK)
            archive_entry_set_symlink(entry, m->text);
        if (m->hard)
            archive_entry_set_hardlink(entry, m->text);
        bool data = m->type == AE_IFREG && !m->hard;
        size_t size = !data ? 0 : m->zeros ? (size_t)m->zeros : strlen(m->text);
        archive_entry_set_size(entry, (la_int64_t)size);
        archive_write_header(archive, entry);
        char *zeros = m->zeros ? calloc(1, size) : NULL;
        if (size)
            archive_write_data(archive, zeros ? zeros : m->text, size);
        free(zeros);
        archive_entry_free(entry);
    }
    archive_write_free(archive);
    return fd;
}

static const enum kedge_format formats[] = {KEDGE_FORMAT_ZIP, KEDGE_FORMAT_TAR, KEDGE_FORMAT_TAR_GZ,
                                            KEDGE_FORMAT_TAR_ZST};

Test(unpack, unpacks_every_format)
{
    const struct member members[] = {
        {.name = "weights", .type = AE_IFDIR},
        {.name = "weights/model.safetensors", .type = AE_IFREG, .text = "abc"},
        {.name = "serve", .type = AE_IFREG, .text = "#!/bin/sh\n", .executable = true},
        {.name = "deep/er/file-1_2+3@x=4,5", .type = AE_IFREG, .text = "x"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(formats); i++) {
        kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
        kedge_auto(kedge_unpacked) struct kedge_unpacked unpacked = {0};
        kedge_auto(kedge_fd) int fd = make_archive(members, KEDGE_COUNT(members), formats[i]);
        struct kedge_err err;
        cr_assert_eq(kedge_unpack_run(fd, formats[i], NULL, tmp.fd, "out", &unpacked, &err), 0,
                     "%s", err.msg);
        cr_assert_eq(unpacked.count, 3);
        cr_assert_eq(unpacked.bytes, 14);
        struct kedge_digest digest = kedge_digest_of("abc", 3);
        cr_assert(kedge_digest_equal(&unpacked.files[0].digest, &digest));
        struct stat st;
        cr_assert_eq(fstatat(tmp.fd, "out/serve", &st, 0), 0);
        cr_assert_eq(st.st_mode & 07777, 0755, "no set-uid bit");
        cr_assert_eq(fstatat(tmp.fd, "out/weights/model.safetensors", &st, 0), 0);
        cr_assert_eq(st.st_mode & 07777, 0644);
        cr_assert_eq(fstatat(tmp.fd, "out", &st, 0), 0);
        cr_assert_eq(st.st_mode & 07777, 0700);
    }
    kedge_test_no_leaks();
}

Test(unpack, takes_what_tar_makes_of_the_current_folder)
{
    const struct member members[] = {
        {.name = "./", .type = AE_IFDIR},
        {.name = "./weights/", .type = AE_IFDIR},
        {.name = "./weights/model.onnx", .type = AE_IFREG, .text = "abc"},
    };
    for (size_t i = 1; i < KEDGE_COUNT(formats); i++) { /* zip programs write no "./" */
        kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
        kedge_auto(kedge_unpacked) struct kedge_unpacked unpacked = {0};
        kedge_auto(kedge_fd) int fd = make_archive(members, KEDGE_COUNT(members), formats[i]);
        struct kedge_err err;
        cr_assert_eq(kedge_unpack_run(fd, formats[i], NULL, tmp.fd, "out", &unpacked, &err), 0,
                     "%s", err.msg);
        cr_assert_str_eq(unpacked.files[0].path, "weights/model.onnx");
    }
    kedge_test_no_leaks();
}

Test(unpack, takes_a_single_file_as_it_is)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    kedge_auto(kedge_unpacked) struct kedge_unpacked unpacked = {0};
    kedge_auto(kedge_fd) int fd = memfd_create("file", MFD_CLOEXEC);
    struct kedge_err err;
    cr_assert_eq(write(fd, "bytes", 5), 5);
    cr_assert_eq(kedge_unpack_run(fd, KEDGE_FORMAT_FILE, "m.onnx", tmp.fd, "out", &unpacked, &err),
                 0);
    cr_assert_eq(faccessat(tmp.fd, "out/m.onnx", R_OK, 0), 0);
    cr_assert_eq(unpacked.files[0].size, 5);
}

/* Refused, in every format that can express it; nothing is left behind. */
static void refuses(const char *what, const struct member *members, size_t count, bool zip_too)
{
    for (size_t i = zip_too ? 0 : 1; i < KEDGE_COUNT(formats); i++) {
        kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
        kedge_auto(kedge_unpacked) struct kedge_unpacked unpacked = {0};
        kedge_auto(kedge_fd) int fd = make_archive(members, count, formats[i]);
        struct kedge_err err;
        int code = kedge_unpack_run(fd, formats[i], NULL, tmp.fd, "out", &unpacked, &err);
        cr_assert(code == KEDGE_INVALID, "%s, format %d: code %d", what, (int)formats[i], code);
        cr_assert_eq(faccessat(tmp.fd, "out", F_OK, 0), -1, "%s left something behind", what);
    }
}

#define REFUSES(what, zip, ...)                                                                    \
    refuses(what, (const struct member[]){__VA_ARGS__},                                            \
            sizeof((const struct member[]){__VA_ARGS__}) / sizeof(struct member), zip)
#define FILE_NAMED(path)                                                                           \
    {                                                                                              \
        .name = path, .type = AE_IFREG, .text = "x"                                                \
    }

Test(unpack, refuses_names_that_lead_elsewhere)
{
    static const char *const names[] = {
        "../x", "a/../../x", "/etc/passwd", "././x",  "a/./b", "a//b",     "a\\b",  "C:x",
        "a b",  "a\nb",      "x ",          "-rf",    "a/-x",  "a;b",      "$(id)", "\xc3\xa9",
        "..",   ".",         "a/..",        "a\x01b", "a*",    "\xff\xfe", "a:b",   "~x",
    };
    for (size_t i = 0; i < KEDGE_COUNT(names); i++)
        REFUSES(names[i], true, FILE_NAMED(names[i]));
    char deep[2 * KEDGE_LIMIT_UNPACKED_DEPTH + 8] = "", longer[300];
    for (int i = 0; i < KEDGE_LIMIT_UNPACKED_DEPTH; i++)
        strcat(deep, "d/");
    strcat(deep, "x");
    REFUSES("too deep", true, FILE_NAMED(deep));
    memset(longer, 'n', sizeof longer);
    longer[KEDGE_LIMIT_UNPACKED_NAME + 1] = '\0';
    REFUSES("too long a name", true, FILE_NAMED(longer));
    kedge_test_no_leaks();
}

Test(unpack, refuses_what_is_no_file_or_folder)
{
    REFUSES("symlink out", true, {.name = "l", .type = AE_IFLNK, .text = "/etc/passwd"});
    REFUSES("symlink in", true, FILE_NAMED("a"), {.name = "l", .type = AE_IFLNK, .text = "a"});
    REFUSES("through a symlink", true, {.name = "l", .type = AE_IFLNK, .text = "/tmp"},
            FILE_NAMED("l/x"));
    REFUSES("hard link", false, FILE_NAMED("a"),
            {.name = "h", .type = AE_IFREG, .text = "a", .hard = true});
    REFUSES("hard link out", false,
            {.name = "h", .type = AE_IFREG, .text = "/etc/passwd", .hard = true});
    REFUSES("fifo", false, {.name = "f", .type = AE_IFIFO});
    REFUSES("character device", false, {.name = "c", .type = AE_IFCHR});
    REFUSES("block device", false, {.name = "b", .type = AE_IFBLK});
    kedge_test_no_leaks();
}

Test(unpack, refuses_names_that_meet)
{
    REFUSES("twice", true, FILE_NAMED("a"), FILE_NAMED("a"));
    REFUSES("twice, once with a dot", false, FILE_NAMED("a"), FILE_NAMED("./a"));
    REFUSES("case", true, FILE_NAMED("Model.bin"), FILE_NAMED("model.bin"));
    REFUSES("case of a folder", true, FILE_NAMED("A/x"), FILE_NAMED("a/y"));
    REFUSES("file, then folder", true, FILE_NAMED("a"), FILE_NAMED("a/b"));
    REFUSES("folder, then file", true, FILE_NAMED("a/b"), FILE_NAMED("a"));
    REFUSES("folder twice", true, {.name = "d", .type = AE_IFDIR}, {.name = "d", .type = AE_IFDIR});
    kedge_test_no_leaks();
}

Test(unpack, refuses_bombs)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    const struct member bomb = {.name = "zeros", .type = AE_IFREG, .zeros = 64 << 20};
    for (size_t i = 0; i < KEDGE_COUNT(formats); i++) {
        if (formats[i] == KEDGE_FORMAT_TAR)
            continue;
        kedge_auto(kedge_unpacked) struct kedge_unpacked unpacked = {0};
        kedge_auto(kedge_fd) int fd = make_archive(&bomb, 1, formats[i]);
        struct kedge_err err;
        cr_assert_eq(kedge_unpack_run(fd, formats[i], NULL, tmp.fd, "out", &unpacked, &err),
                     KEDGE_INVALID, "format %d", (int)formats[i]);
        cr_assert_eq(faccessat(tmp.fd, "out", F_OK, 0), -1);
    }
    kedge_test_no_leaks();
}

/* Cut anywhere, or with one bit turned: never a crash, and never a file with other bytes than the
 * archive's checksums allow. */
Test(unpack, survives_damage)
{
    const struct member members[] = {FILE_NAMED("a"), FILE_NAMED("b/c")};
    for (size_t i = 0; i < KEDGE_COUNT(formats); i++) {
        kedge_auto(kedge_fd) int whole = make_archive(members, 2, formats[i]);
        char bytes[16384];
        ssize_t size = pread(whole, bytes, sizeof bytes, 0);
        cr_assert_gt(size, 0);
        for (ssize_t at = 0; at<size; at += size> 2000 ? 61 : 3) {
            kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
            struct kedge_err err;
            kedge_auto(kedge_fd) int cut = memfd_create("cut", MFD_CLOEXEC);
            cr_assert_eq(write(cut, bytes, (size_t)at), at);
            kedge_auto(kedge_unpacked) struct kedge_unpacked one = {0}, two = {0};
            if (kedge_unpack_run(cut, formats[i], NULL, tmp.fd, "cut", &one, &err) == 0)
                cr_assert_neq(formats[i], KEDGE_FORMAT_ZIP, "a cut zip file is not whole");
            kedge_auto(kedge_fd) int flipped = memfd_create("flipped", MFD_CLOEXEC);
            bytes[at] ^= 0x10;
            cr_assert_eq(write(flipped, bytes, (size_t)size), size);
            bytes[at] ^= 0x10;
            (void)!kedge_unpack_run(flipped, formats[i], NULL, tmp.fd, "flipped", &two, &err);
        }
    }
    kedge_test_no_leaks();
}
