/* SPDX-License-Identifier: Apache-2.0 */
/* Zip files by hand, so that each field can lie. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "artifact/zip.h"
#include "base/buf.h"
#include "base/fs.h"

struct field {
    size_t at;
    unsigned size;
    uint64_t value;
};

static void put(struct kedge_buf *out, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        kedge_buf_putc(out, (char)(value >> (8 * i)));
}

/* "a" with one byte, stored: local header at 0, data at 31, directory at 32, end at 79. */
static void make(struct kedge_buf *out)
{
    put(out, 0x04034b50, 4);
    put(out, 20, 2), put(out, 0, 2), put(out, 0, 2), put(out, 0, 4);
    put(out, 0x8cdc1683, 4), put(out, 1, 4), put(out, 1, 4); /* crc of "x" */
    put(out, 1, 2), put(out, 0, 2);
    kedge_buf_puts(out, "ax");
    put(out, 0x02014b50, 4);
    put(out, 20, 2), put(out, 20, 2), put(out, 0, 2), put(out, 0, 2), put(out, 0, 4);
    put(out, 0x8cdc1683, 4), put(out, 1, 4), put(out, 1, 4);
    put(out, 1, 2), put(out, 0, 2), put(out, 0, 2), put(out, 0, 2), put(out, 0, 2);
    put(out, 0, 4), put(out, 0, 4);
    kedge_buf_puts(out, "a");
    put(out, 0x06054b50, 4);
    put(out, 0, 2), put(out, 0, 2), put(out, 1, 2), put(out, 1, 2);
    put(out, 47, 4), put(out, 32, 4), put(out, 0, 2);
}

static int check(const struct kedge_buf *bytes)
{
    kedge_auto(kedge_fd) int fd = memfd_create("zip", MFD_CLOEXEC);
    cr_assert_eq(write(fd, bytes->data, bytes->size), (ssize_t)bytes->size);
    return kedge_zip_check(fd, NULL);
}

Test(zip, accepts_what_is_plain)
{
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    make(&bytes);
    cr_assert_eq(bytes.size, 101);
    cr_assert_eq(check(&bytes), 0);
}

Test(zip, refuses_every_lie)
{
    static const struct {
        const char *what;
        struct field field;
    } lies[] = {
        {"local name", {30, 1, 'b'}},
        {"local method", {8, 2, 8}},
        {"local flags", {6, 2, 2}},
        {"encrypted in the directory", {32 + 8, 2, 1}},
        {"patch data", {32 + 8, 2, 0x20}},
        {"masked header", {32 + 8, 2, 0x2000}},
        {"method 99", {32 + 10, 2, 99}},
        {"local crc", {14, 4, 1}},
        {"directory crc", {32 + 16, 4, 1}},
        {"local packed size", {18, 4, 0}},
        {"local size", {22, 4, 2}},
        {"directory packed size", {32 + 20, 4, 2}},
        {"directory size", {32 + 24, 4, 1000}},
        {"huge size without zip64", {32 + 24, 4, 0xffffffff}},
        {"offset", {32 + 42, 4, 1}},
        {"another disk", {32 + 34, 2, 1}},
        {"name longer than the file", {32 + 28, 2, 0xfff}},
        {"extra longer than the file", {32 + 30, 2, 0xfff}},
        {"entry count", {79 + 10, 2, 2}},
        {"no entry", {79 + 10, 2, 0}},
        {"directory offset", {79 + 16, 4, 31}},
        {"directory length", {79 + 12, 4, 46}},
        {"comment", {79 + 20, 2, 1}},
        {"disk number", {79 + 4, 2, 1}},
        {"zip64 without its record", {79 + 10, 2, 0xffff}},
        {"local signature", {0, 4, 0}},
        {"directory signature", {32, 4, 0}},
        {"NUL in the name", {32 + 46, 1, 0}},
    };
    for (size_t i = 0; i < KEDGE_COUNT(lies); i++) {
        kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
        make(&bytes);
        for (unsigned j = 0; j < lies[i].field.size; j++)
            bytes.data[lies[i].field.at + j] = (char)(lies[i].field.value >> (8 * j));
        cr_assert_lt(check(&bytes), 0, "%s", lies[i].what);
    }
}

Test(zip, refuses_bytes_around_it)
{
    kedge_auto(kedge_buf) struct kedge_buf before = {0}, behind = {0}, empty = {0};
    kedge_buf_puts(&before, "#!/bin/sh\n");
    make(&before);
    cr_assert_lt(check(&before), 0);
    make(&behind);
    kedge_buf_puts(&behind, "x");
    cr_assert_lt(check(&behind), 0);
    cr_assert_lt(check(&empty), 0);
}
