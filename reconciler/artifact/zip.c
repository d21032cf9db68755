/* SPDX-License-Identifier: Apache-2.0 */
#include "zip.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "kedge/unpack.h"

#define END_SIZE         22
#define END64_SIZE       56
#define LOCATOR_SIZE     20
#define CENTRAL_SIZE     46
#define LOCAL_SIZE       30
#define NAME_MOST        4096
#define EXTRA_MOST       4096
#define FLAG_DESCRIPTOR  0x0008
#define FLAGS_ALLOWED    0x080e /* deflate's level, descriptor, UTF-8 names */
#define EXTRA_ZIP64      0x0001
#define EXTRA_OTHER_NAME 0x7075 /* Info-ZIP Unicode path: a second name for the same entry */
#define FULL32           0xffffffffu
#define FULL16           0xffffu

struct zip {
    int fd;
    uint64_t size;
};

struct entry {
    uint16_t flags, method;
    uint32_t crc;
    uint64_t packed, unpacked, offset;
    uint16_t name_size, extra_size, comment_size;
    char name[NAME_MOST + 1];
    uint8_t extra[EXTRA_MOST];
};

static uint16_t u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) | (uint32_t)u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p)
{
    return u32(p) | (uint64_t)u32(p + 4) << 32;
}

static int read_at(const struct zip *zip, uint64_t at, void *data, size_t size,
                   struct kedge_err *err)
{
    if (at > zip->size || size > zip->size - at)
        return kedge_err_set(err, KEDGE_INVALID, "the zip file is cut short");
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(zip->fd, (char *)data + done, size - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return kedge_err_sys(err, got < 0 ? errno : EIO, "cannot read the zip file");
        done += (size_t)got;
    }
    return 0;
}

struct directory {
    uint64_t entries, size, offset, end; /* `end`: where it must stop */
};

/* Zip64: a locator right before the end record, its record right before the locator. */
static int read_end64(const struct zip *zip, struct directory *out, struct kedge_err *err)
{
    uint8_t locator[LOCATOR_SIZE], end[END64_SIZE];
    if (zip->size < END_SIZE + LOCATOR_SIZE + END64_SIZE)
        return kedge_err_set(err, KEDGE_INVALID, "the zip file lacks its zip64 end record");
    uint64_t at = zip->size - END_SIZE - LOCATOR_SIZE;
    int code = read_at(zip, at, locator, sizeof locator, err);
    if (code || (code = read_at(zip, at - END64_SIZE, end, sizeof end, err)))
        return code;
    if (u32(locator) != 0x07064b50 || u32(locator + 4) != 0 || u32(locator + 16) != 1 ||
        u64(locator + 8) != at - END64_SIZE || u32(end) != 0x06064b50 ||
        u64(end + 4) != END64_SIZE - 12 || u32(end + 16) != 0 || u32(end + 20) != 0 ||
        u64(end + 24) != u64(end + 32))
        return kedge_err_set(err, KEDGE_INVALID, "the zip64 end record is not well-formed");
    out->entries = u64(end + 32);
    out->size = u64(end + 40);
    out->offset = u64(end + 48);
    out->end = at - END64_SIZE;
    return 0;
}

static int read_end(const struct zip *zip, struct directory *out, struct kedge_err *err)
{
    uint8_t end[END_SIZE];
    if (zip->size < END_SIZE)
        return kedge_err_set(err, KEDGE_INVALID, "the file is too short for a zip file");
    int code = read_at(zip, zip->size - END_SIZE, end, sizeof end, err);
    if (code)
        return code;
    if (u32(end) != 0x06054b50 || u16(end + 20) != 0)
        return kedge_err_set(err, KEDGE_INVALID,
                             "the zip file does not end with its end record (a comment or other "
                             "bytes behind it are refused)");
    if (u16(end + 4) != 0 || u16(end + 6) != 0 || u16(end + 8) != u16(end + 10))
        return kedge_err_set(err, KEDGE_INVALID, "the zip file is spread over several disks");
    *out = (struct directory){.entries = u16(end + 10),
                              .size = u32(end + 12),
                              .offset = u32(end + 16),
                              .end = zip->size - END_SIZE};
    if (out->entries == FULL16 || out->size == FULL32 || out->offset == FULL32)
        code = read_end64(zip, out, err);
    if (!code && (out->offset > out->end || out->size != out->end - out->offset))
        code = kedge_err_set(err, KEDGE_INVALID,
                             "the zip directory does not lie right before the end record");
    if (!code && out->entries > KEDGE_LIMIT_UNPACKED_FILES)
        code =
            kedge_err_set(err, KEDGE_INVALID, "the zip file has %llu entries, at most %d are read",
                          (unsigned long long)out->entries, KEDGE_LIMIT_UNPACKED_FILES);
    return code;
}

static int bad(struct kedge_err *err, const struct entry *entry, const char *why)
{
    return kedge_err_set(err, KEDGE_INVALID, "zip entry '%.100s' %s", entry->name, why);
}

/* Reads name and extra field that follow a header; walks the extra field for zip64 sizes. `fields`
 * are those that were full in the header, in the order zip64 lists them. */
static int read_tail(const struct zip *zip, uint64_t at, struct entry *entry,
                     uint64_t *const *fields, size_t field_count, struct kedge_err *err)
{
    if (entry->name_size == 0 || entry->name_size > NAME_MOST || entry->extra_size > EXTRA_MOST)
        return kedge_err_set(err, KEDGE_INVALID, "a zip entry has no name, or a header too large");
    int code = read_at(zip, at, entry->name, entry->name_size, err);
    if (code || (code = read_at(zip, at + entry->name_size, entry->extra, entry->extra_size, err)))
        return code;
    entry->name[entry->name_size] = '\0';
    if (strlen(entry->name) != entry->name_size)
        return bad(err, entry, "has a NUL byte in its name");
    size_t next = 0;
    for (size_t i = 0; i + 4 <= entry->extra_size;) {
        size_t id = u16(entry->extra + i), size = u16(entry->extra + i + 2);
        i += 4;
        if (size > entry->extra_size - i)
            return bad(err, entry, "has an extra field that is cut short");
        if (id == EXTRA_OTHER_NAME)
            return bad(err, entry, "has a second name");
        if (id == EXTRA_ZIP64)
            for (size_t j = 0; next < field_count && j + 8 <= size; j += 8)
                *fields[next++] = u64(entry->extra + i + j);
        i += size;
    }
    return next == field_count ? 0 : bad(err, entry, "lacks its zip64 sizes");
}

/* The name as it is in the file: libarchive turns '\\' into '/' before anyone else sees it. */
static bool plain_name(const struct entry *entry)
{
    char name[NAME_MOST + 1];
    memcpy(name, entry->name, entry->name_size + 1u);
    if (entry->name_size > 1 && name[entry->name_size - 1] == '/')
        name[entry->name_size - 1] = '\0';
    return kedge_unpack_name_valid(name);
}

static int read_central(const struct zip *zip, uint64_t at, struct entry *out,
                        struct kedge_err *err)
{
    uint8_t head[CENTRAL_SIZE];
    int code = read_at(zip, at, head, sizeof head, err);
    if (code)
        return code;
    if (u32(head) != 0x02014b50 || u16(head + 34) != 0)
        return kedge_err_set(err, KEDGE_INVALID, "the zip directory is not well-formed");
    out->flags = u16(head + 8);
    out->method = u16(head + 10);
    out->crc = u32(head + 16);
    out->packed = u32(head + 20);
    out->unpacked = u32(head + 24);
    out->name_size = u16(head + 28);
    out->extra_size = u16(head + 30);
    out->comment_size = u16(head + 32);
    out->offset = u32(head + 42);
    uint64_t *fields[3];
    size_t count = 0;
    if (out->unpacked == FULL32)
        fields[count++] = &out->unpacked;
    if (out->packed == FULL32)
        fields[count++] = &out->packed;
    if (out->offset == FULL32)
        fields[count++] = &out->offset;
    if ((code = read_tail(zip, at + CENTRAL_SIZE, out, fields, count, err)))
        return code;
    if (!plain_name(out))
        return bad(err, out,
                   "has a name that is refused: use letters, digits and ._+@=,- in relative paths");
    if (out->flags & ~FLAGS_ALLOWED)
        return bad(err, out, "is encrypted, patched or otherwise unusual");
    if (out->method != 0 && out->method != 8)
        return bad(err, out, "is neither stored nor deflated");
    if (out->method == 0 && out->packed != out->unpacked)
        return bad(err, out, "is stored with two different sizes");
    return 0;
}

/* A descriptor behind the data: with or without signature, 4 or 8 byte sizes. *size is what it
 * takes. */
static int read_descriptor(const struct zip *zip, uint64_t at, const struct entry *entry,
                           size_t *size, struct kedge_err *err)
{
    uint8_t data[24] = {0};
    uint64_t left = zip->size - at;
    int code = read_at(zip, at, data, left < sizeof data ? (size_t)left : sizeof data, err);
    if (code)
        return code;
    for (size_t skip = 0; skip <= 4; skip += 4) {
        const uint8_t *p = data + skip;
        if ((skip && u32(data) != 0x08074b50) || u32(p) != entry->crc)
            continue;
        if (u64(p + 4) == entry->packed && u64(p + 12) == entry->unpacked)
            *size = skip + 20;
        else if (u32(p + 4) == entry->packed && u32(p + 8) == entry->unpacked)
            *size = skip + 12;
        else
            continue;
        return 0;
    }
    return bad(err, entry, "has a descriptor that differs from the directory");
}

/* What a descriptor tells later may be left at zero. */
static bool agrees(bool later, uint64_t local, uint64_t central)
{
    return local == central || (later && local == 0);
}

/* Compares the local header at `central->offset` with the directory's word; *end is the byte behind
 * the entry. */
static int check_local(const struct zip *zip, const struct entry *central, struct entry *local,
                       uint64_t *end, struct kedge_err *err)
{
    uint8_t head[LOCAL_SIZE];
    int code = read_at(zip, central->offset, head, sizeof head, err);
    if (code)
        return code;
    if (u32(head) != 0x04034b50)
        return bad(err, central, "does not begin where the directory says");
    local->flags = u16(head + 6);
    local->method = u16(head + 8);
    local->crc = u32(head + 14);
    local->packed = u32(head + 18);
    local->unpacked = u32(head + 22);
    local->name_size = u16(head + 26);
    local->extra_size = u16(head + 28);
    uint64_t *fields[2];
    size_t count = 0;
    if (local->unpacked == FULL32)
        fields[count++] = &local->unpacked;
    if (local->packed == FULL32)
        fields[count++] = &local->packed;
    uint64_t at = central->offset + LOCAL_SIZE;
    if ((code = read_tail(zip, at, local, fields, count, err)))
        return code;
    bool later = local->flags & FLAG_DESCRIPTOR;
    if (local->flags != central->flags || local->method != central->method ||
        local->name_size != central->name_size ||
        memcmp(local->name, central->name, local->name_size) != 0)
        return bad(err, central, "has another name, method or flags in its own header");
    if (!agrees(later, local->crc, central->crc) ||
        !agrees(later, local->packed, central->packed) ||
        !agrees(later, local->unpacked, central->unpacked))
        return bad(err, central, "has another size or checksum in its own header");
    at += local->name_size + local->extra_size;
    if (at > zip->size || central->packed > zip->size - at)
        return bad(err, central, "is larger than the file");
    *end = at + central->packed;
    size_t descriptor = 0;
    if (later && (code = read_descriptor(zip, *end, central, &descriptor, err)))
        return code;
    *end += descriptor;
    return 0;
}

int kedge_zip_check(int fd, struct kedge_err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return kedge_err_sys(err, errno, "cannot stat the zip file");
    const struct zip zip = {.fd = fd, .size = (uint64_t)st.st_size};
    struct directory directory = {0};
    int code = read_end(&zip, &directory, err);
    if (code)
        return code;
    struct entry central, local;
    uint64_t at = directory.offset, expected = 0;
    for (uint64_t i = 0; i < directory.entries; i++) {
        if ((code = read_central(&zip, at, &central, err)))
            return code;
        at +=
            CENTRAL_SIZE + (uint64_t)central.name_size + central.extra_size + central.comment_size;
        /* One behind the other: no gap to hide in, no overlap to multiply with. */
        if (central.offset != expected)
            return bad(err, &central, "does not follow the entry before it");
        if ((code = check_local(&zip, &central, &local, &expected, err)))
            return code;
    }
    if (at != directory.end || expected != directory.offset)
        return kedge_err_set(err, KEDGE_INVALID,
                             "the zip file holds bytes that belong to no entry");
    return 0;
}
