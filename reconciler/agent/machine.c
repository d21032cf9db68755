/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

struct kedge_capacity kedge_machine_capacity(int folder)
{
    static struct utsname name; /* lives as long as the process: the report borrows from it */
    static const struct {
        const char *machine, *arch;
    } names[] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}, {"armv7l", "arm"}, {"i686", "386"}};
    struct kedge_capacity out = {0};
    struct sysinfo info;
    struct statvfs fs;
    if (uname(&name) == 0)
        out.arch = name.machine;
    for (size_t i = 0; i < KEDGE_COUNT(names); i++)
        if (out.arch && strcmp(names[i].machine, out.arch) == 0)
            out.arch = names[i].arch;
    if (sysinfo(&info) == 0)
        out.memory = (int64_t)info.totalram * info.mem_unit;
    if (fstatvfs(folder, &fs) == 0)
        out.disk = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize;
    return out;
}
