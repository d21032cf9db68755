/* SPDX-License-Identifier: Apache-2.0 */
/* Text for a terminal: safe, coloured where wanted, aligned. */
#pragma once

#include "base/buf.h"

enum kedge_print_style {
    KEDGE_PRINT_PLAIN,
    KEDGE_PRINT_BOLD,
    KEDGE_PRINT_DIM,
    KEDGE_PRINT_RED,
    KEDGE_PRINT_GREEN,
    KEDGE_PRINT_YELLOW,
    KEDGE_PRINT_CYAN,
};

/* Appends foreign text so that a terminal can only show it: control and direction-changing
 * characters and bytes that are not UTF-8 come out as \x1b, \u202e. Tabs and line ends too. NULL is
 * "". */
void kedge_print_text(struct kedge_buf *out, const char *text);
/* The same for `size` bytes. */
void kedge_print_bytes(struct kedge_buf *out, const char *text, size_t size);
/* The same in a style, when `color`. */
void kedge_print_styled(struct kedge_buf *out, bool color, enum kedge_print_style style,
                        const char *text);
/* "name        value" as a line of its own; nothing when `value` is NULL. */
void kedge_print_property(struct kedge_buf *out, bool color, enum kedge_print_style style,
                          const char *name, const char *value);
/* Columns of a terminal that `size` bytes of UTF-8 take. */
size_t kedge_print_width(const char *text, size_t size);

/* Rows of cells whose columns line up. All-zero is empty. */
struct kedge_print_table {
    struct kedge_print_cell *cells;
    size_t count, capacity;
    size_t columns; /* of the heading: how many cells make a row */
    struct kedge_buf text;
};

/* `heading`: names of the columns, between '|'. Call it once, first. */
void kedge_print_heading(struct kedge_print_table *table, const char *heading);
/* The next cell, from left to right, row by row; foreign text is made safe, NULL or "" shows "-".
 */
void kedge_print_cell(struct kedge_print_table *table, enum kedge_print_style style,
                      const char *text);
void kedge_print_cell_number(struct kedge_print_table *table, int64_t value);
/* Appends the table and empties it. */
void kedge_print_table_write(struct kedge_print_table *table, bool color, struct kedge_buf *out);
void kedge_print_table_release(struct kedge_print_table *table);
void kedge_print_table_auto(struct kedge_print_table *table);
