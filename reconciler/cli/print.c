/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"

static const char *const styles[] = {
    [KEDGE_PRINT_PLAIN] = "",         [KEDGE_PRINT_BOLD] = "\x1b[1m",
    [KEDGE_PRINT_DIM] = "\x1b[2m",    [KEDGE_PRINT_RED] = "\x1b[31m",
    [KEDGE_PRINT_GREEN] = "\x1b[32m", [KEDGE_PRINT_YELLOW] = "\x1b[33m",
    [KEDGE_PRINT_CYAN] = "\x1b[36m",
};

/* The character at `text`, and its length in bytes; length 0 where it is not UTF-8. */
static size_t decode(const char *text, size_t size, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)text[0];
    size_t length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead > 0xf4 || length > size || length == 0)
        return 0;
    uint32_t value = length == 1 ? lead : lead & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | ((unsigned char)text[i] & 0x3f);
    }
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    *character = value;
    return length;
}

/* Controls, line and paragraph separators, and what turns the direction of text round. */
static bool is_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

void kedge_print_bytes(struct kedge_buf *out, const char *text, size_t size)
{
    while (size) {
        uint32_t c = 0;
        size_t length = decode(text, size, &c);
        if (!length)
            kedge_buf_printf(out, "\\x%02x", (unsigned char)*text);
        else if (is_unsafe(c))
            kedge_buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
        else
            kedge_buf_add(out, text, length);
        text += length ? length : 1;
        size -= length ? length : 1;
    }
}

void kedge_print_text(struct kedge_buf *out, const char *text)
{
    if (text)
        kedge_print_bytes(out, text, strlen(text));
}

void kedge_print_styled(struct kedge_buf *out, bool color, enum kedge_print_style style,
                        const char *text)
{
    bool styled = color && style != KEDGE_PRINT_PLAIN;
    if (styled)
        kedge_buf_puts(out, styles[style]);
    kedge_print_text(out, text);
    if (styled)
        kedge_buf_puts(out, "\x1b[0m");
}

void kedge_print_property(struct kedge_buf *out, bool color, enum kedge_print_style style,
                          const char *name, const char *value)
{
    if (!value)
        return;
    kedge_buf_printf(out, "%-12s", name);
    kedge_print_styled(out, color, style, value);
    kedge_buf_putc(out, '\n');
}

size_t kedge_print_width(const char *text, size_t size)
{
    size_t width = 0;
    while (size) {
        uint32_t c = 0;
        size_t length = decode(text, size, &c);
        int columns = length ? wcwidth((wchar_t)c) : 1;
        width += columns < 0 ? 1 : (size_t)columns;
        text += length ? length : 1;
        size -= length ? length : 1;
    }
    return width;
}

/* Text is kept by offset, because the buffer moves as it grows. */
struct kedge_print_cell {
    size_t start, size;
    enum kedge_print_style style;
};

/* `start`: where in the table's text the cell begins; it reaches to the end. */
static void add_cell(struct kedge_print_table *table, enum kedge_print_style style, size_t start)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? 2 * table->capacity : 64;
        table->cells = kedge_alloc_grow(table->cells, table->capacity * sizeof *table->cells);
    }
    table->cells[table->count++] = (struct kedge_print_cell){
        .start = start,
        .size = table->text.size - start,
        .style = style,
    };
}

void kedge_print_heading(struct kedge_print_table *table, const char *heading)
{
    while (*heading) {
        size_t start = table->text.size, length = strcspn(heading, "|");
        kedge_buf_add(&table->text, heading, length);
        add_cell(table, KEDGE_PRINT_BOLD, start);
        table->columns++;
        heading += length + (heading[length] == '|');
    }
}

void kedge_print_cell(struct kedge_print_table *table, enum kedge_print_style style,
                      const char *text)
{
    size_t start = table->text.size;
    kedge_print_text(&table->text, text && *text ? text : "-");
    add_cell(table, style, start);
}

void kedge_print_cell_number(struct kedge_print_table *table, int64_t value)
{
    size_t start = table->text.size;
    kedge_buf_printf(&table->text, "%lld", (long long)value);
    add_cell(table, KEDGE_PRINT_PLAIN, start);
}

static void write_cell(const struct kedge_print_table *table, size_t index, size_t width,
                       bool color, struct kedge_buf *out)
{
    const struct kedge_print_cell *cell = &table->cells[index];
    bool styled = color && cell->style != KEDGE_PRINT_PLAIN;
    const char *text = table->text.data + cell->start;
    if (styled)
        kedge_buf_puts(out, styles[cell->style]);
    kedge_buf_add(out, text, cell->size);
    if (styled)
        kedge_buf_puts(out, "\x1b[0m");
    if ((index + 1) % table->columns == 0) {
        kedge_buf_putc(out, '\n');
        return;
    }
    for (size_t at = kedge_print_width(text, cell->size); at < width + 2; at++)
        kedge_buf_putc(out, ' ');
}

void kedge_print_table_write(struct kedge_print_table *table, bool color, struct kedge_buf *out)
{
    size_t *widths = kedge_alloc_array(table->columns + 1, sizeof *widths);
    for (size_t i = 0; i < table->count; i++) {
        const struct kedge_print_cell *cell = &table->cells[i];
        size_t width = kedge_print_width(table->text.data + cell->start, cell->size);
        size_t *widest = &widths[i % table->columns];
        *widest = width > *widest ? width : *widest;
    }
    for (size_t i = 0; i < table->count; i++)
        write_cell(table, i, widths[i % table->columns], color, out);
    free(widths);
    kedge_print_table_release(table);
}

void kedge_print_table_release(struct kedge_print_table *table)
{
    free(table->cells);
    kedge_buf_release(&table->text);
    *table = (struct kedge_print_table){0};
}

void kedge_print_table_auto(struct kedge_print_table *table)
{
    kedge_print_table_release(table);
}
