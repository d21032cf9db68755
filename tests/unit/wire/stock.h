/* SPDX-License-Identifier: Apache-2.0 */
/* Stock programs as peers of our own readers and writers. */
#pragma once

/* Runs `argv`; its exit status, -1 when a signal ended it. Standard input comes from the file `in`,
 * standard output goes to the file `out`; NULL is /dev/null. Skips the test where there is no such
 * program. */
int kedge_stock_run(const char *const *argv, const char *in, const char *out);
