/* SPDX-License-Identifier: Apache-2.0 */
/* Is a zip file what every reader takes it for? Checked before libarchive sees it (PKWARE APPNOTE
 * 6.3.10, standards 1.8). */
#pragma once

#include "kedge/err.h"

/* One end record at the very end and nothing before the first entry, between entries or behind the
 * last but the directory; local and central headers agree in name, method, flags, sizes and CRC;
 * stored or deflated, not encrypted, one disk; zip64 where sizes ask for it. KEDGE_INVALID names the
 * first entry that is not so. Reads `fd` with pread; blocks. */
int kedge_zip_check(int fd, struct kedge_err *err) KEDGE_MUST_CHECK;
