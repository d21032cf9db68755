/* SPDX-License-Identifier: Apache-2.0 */
/* Stock programs as peers of our own readers and writers. */
#pragma once

/* Runs `argv` with its output thrown away; its exit status, -1 when a signal ended it. Skips the
 * test where there is no such program. */
int kedge_stock_run(const char *const *argv);
/* The same, with its standard input read from `path`. */
int kedge_stock_run_from(const char *const *argv, const char *path);
