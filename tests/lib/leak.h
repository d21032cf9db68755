/* SPDX-License-Identifier: Apache-2.0 */
/* A leak inside a Criterion test still ends with exit 0, so a test asks for itself. */
#pragma once

#include <criterion/criterion.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
/* Fails the test when memory that nothing points to any more was not freed; nothing happens without
 * AddressSanitizer. Call it last, when locals are released. */
#define kedge_test_no_leaks() cr_assert_eq(__lsan_do_recoverable_leak_check(), 0, "memory leaked")
#else
#define kedge_test_no_leaks() ((void)0)
#endif
