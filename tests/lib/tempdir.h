/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh folder for one test: `kedge_auto(kedge_tempdir) struct kedge_tempdir tmp =
 * kedge_tempdir_make();`. */
#pragma once

#include "kedge/types.h"

struct kedge_tempdir {
    int fd;
    char path[256]; /* absolute */
};

/* Below $TMPDIR (else /tmp); fails the test when it cannot be made. */
struct kedge_tempdir kedge_tempdir_make(void);
/* Removes the folder with all it holds. */
void kedge_tempdir_auto(struct kedge_tempdir *tempdir);
