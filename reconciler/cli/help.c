/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include <string.h>

/* Is `group` the first word of `name`? */
static bool in_group(const char *name, const char *group)
{
    size_t length = strlen(group);
    return strncmp(name, group, length) == 0 && name[length] == ' ';
}

void kedge_help_verbs(const char *group, struct kedge_buf *out)
{
    kedge_buf_printf(out,
                     "kedge keeps AI models on edge devices equal to what a Git repository "
                     "declares.\n\nUsage: kedge %s%sVERB [OPTION...] [ARGUMENT...]\n\nVerbs:\n",
                     group ? group : "", group ? " " : "");
    for (size_t i = 0; i < kedge_command_count; i++) {
        const struct kedge_command *command = &kedge_commands[i];
        if (!group || in_group(command->name, group))
            kedge_buf_printf(out, "  %-19s %s\n", command->name, command->summary);
    }
    kedge_buf_puts(out, "\n'kedge VERB --help' says more about one of them.\n");
}

/* "-o, --output FORMAT" */
static void write_names(const struct kedge_option_row *row, struct kedge_buf *out)
{
    if (row->letter)
        kedge_buf_printf(out, "-%c, ", row->letter);
    kedge_buf_printf(out, "--%s", row->name);
    if (row->argument)
        kedge_buf_printf(out, " %s", row->argument);
}

/* "colours ... (auto|always|never; auto) [$KEDGE_COLOR]" */
static void write_meaning(const struct kedge_option_row *row, const char *choices,
                          const char *preset, struct kedge_buf *out)
{
    char variable[KEDGE_OPTION_VARIABLE];
    kedge_buf_puts(out, row->help);
    if (choices || preset)
        kedge_buf_printf(out, " (%s%s%s)", choices ? choices : "", choices && preset ? "; " : "",
                         preset ? preset : "");
    if (row->environment)
        kedge_buf_printf(out, " [$%s]", kedge_option_variable(row, variable));
}

typedef void write_option(const struct kedge_option_row *row, const char *choices,
                          const char *preset, struct kedge_buf *out);

/* Calls `write` for each option in `set`; -o has the choices of the verb. */
static void each_option(const struct kedge_command *command, kedge_options set, write_option *write,
                        struct kedge_buf *out)
{
    for (int i = 0; i < KEDGE_OPTION_COUNT; i++) {
        const struct kedge_option_row *row = &kedge_option_rows[i];
        if (!(set >> i & 1))
            continue;
        bool output = i == KEDGE_OPTION_OUTPUT;
        write(row, output ? command->formats : row->choices, row->preset, out);
    }
}

#define INDENT 31
#define WIDTH  80

/* Appends `text`, broken at spaces; lines start in column `indent`, where the first one stands. */
static void write_wrapped(const char *text, size_t size, size_t indent, struct kedge_buf *out)
{
    const char *end = text + size;
    for (size_t column = indent; text < end;) {
        const char *space = memchr(text, ' ', (size_t)(end - text));
        size_t word = (size_t)((space ? space : end) - text);
        if (column > indent && column + 1 + word > WIDTH) {
            kedge_buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            kedge_buf_putc(out, ' ');
            column++;
        }
        kedge_buf_add(out, text, word);
        column += word;
        text += word + (space != NULL);
    }
    kedge_buf_putc(out, '\n');
}

/* Paragraphs are wrapped; lines that begin with a space are examples and stay as they are. */
static void write_about(const char *about, struct kedge_buf *out)
{
    while (*about) {
        size_t length = strcspn(about, "\n");
        if (*about == ' ')
            kedge_buf_printf(out, "%.*s\n", (int)length, about);
        else
            write_wrapped(about, length, 0, out);
        about += length + (about[length] == '\n');
    }
}

static void write_help_option(const struct kedge_option_row *row, const char *choices,
                              const char *preset, struct kedge_buf *out)
{
    struct kedge_buf text = {0};
    kedge_buf_puts(&text, row->letter ? "  " : "      ");
    write_names(row, &text);
    kedge_buf_printf(out, "%-*s", INDENT, text.data);
    if (text.size >= INDENT)
        kedge_buf_printf(out, "\n%*s", INDENT, "");
    kedge_buf_clear(&text);
    write_meaning(row, choices, preset, &text);
    write_wrapped(text.data, text.size, INDENT, out);
    kedge_buf_release(&text);
}

void kedge_help_command(const struct kedge_command *command, struct kedge_buf *out)
{
    kedge_options options = kedge_command_options(command);
    kedge_buf_printf(out, "Usage: kedge %s [OPTION...]%s%s\n\n%s.\n", command->name,
                     *command->operands ? " " : "", command->operands, command->summary);
    if (command->about) {
        kedge_buf_putc(out, '\n');
        write_about(command->about, out);
    }
    if (options & ~KEDGE_OPTIONS_GLOBAL) {
        kedge_buf_puts(out, "\nOptions:\n");
        each_option(command, options & ~KEDGE_OPTIONS_GLOBAL, write_help_option, out);
    }
    kedge_buf_puts(out, "\nOptions of every verb:\n");
    each_option(command, KEDGE_OPTIONS_GLOBAL, write_help_option, out);
}

/* Text for man(7): a backslash, a leading dot or quote and a hyphen mean something to it. */
static void write_roff(const char *text, struct kedge_buf *out)
{
    for (bool start = true; *text; text++) {
        if (start && (*text == '.' || *text == '\''))
            kedge_buf_puts(out, "\\&");
        if (*text == '\\')
            kedge_buf_puts(out, "\\e");
        else if (*text == '-')
            kedge_buf_puts(out, "\\-");
        else
            kedge_buf_putc(out, *text);
        start = *text == '\n';
    }
}

static void write_manual_option(const struct kedge_option_row *row, const char *choices,
                                const char *preset, struct kedge_buf *out)
{
    struct kedge_buf text = {0};
    kedge_buf_puts(out, ".TP\n.B ");
    write_names(row, &text);
    write_roff(text.data, out);
    kedge_buf_clear(&text);
    kedge_buf_putc(out, '\n');
    write_meaning(row, choices, preset, &text);
    write_roff(text.data, out);
    kedge_buf_putc(out, '\n');
    kedge_buf_release(&text);
}

static void write_manual_command(const struct kedge_command *command, struct kedge_buf *out)
{
    kedge_buf_puts(out, ".SS ");
    write_roff(command->name, out);
    kedge_buf_putc(out, ' ');
    write_roff(command->operands, out);
    kedge_buf_putc(out, '\n');
    write_roff(command->summary, out);
    kedge_buf_puts(out, ".\n");
    if (command->about) {
        kedge_buf_puts(out, ".PP\n"); /* man keeps lines that begin with a space, too */
        write_roff(command->about, out);
        kedge_buf_putc(out, '\n');
    }
    each_option(command, kedge_command_options(command) & ~KEDGE_OPTIONS_GLOBAL,
                write_manual_option, out);
}

void kedge_help_manual(struct kedge_buf *out)
{
    kedge_buf_puts(out, ".TH KEDGE 1 \"\" \"kedge " KEDGE_VERSION_TEXT
                        "\"\n.SH NAME\nkedge \\- keep AI models on edge "
                        "devices equal to a Git repository\n.SH SYNOPSIS\n.B kedge\n.I VERB\n"
                        "[\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n.SH VERBS\n");
    for (size_t i = 0; i < kedge_command_count; i++)
        write_manual_command(&kedge_commands[i], out);
    kedge_buf_puts(out, ".SH OPTIONS OF EVERY VERB\n");
    each_option(&kedge_commands[0], KEDGE_OPTIONS_GLOBAL, write_manual_option, out);
    kedge_buf_puts(out,
                   ".SH EXIT STATUS\n.TP\n.B 0\ndone; with \\-\\-detailed\\-exitcode: no changes\n"
                   ".TP\n.B 1\nerror; standard error says what failed, why and what to do\n"
                   ".TP\n.B 2\nwith \\-\\-detailed\\-exitcode: there are changes\n"
                   ".TP\n.B 64\nthe command line is wrong\n"
                   ".SH ENVIRONMENT\nOptions that show a variable in brackets take their value "
                   "from it when they are not given.\n"
                   ".TP\n.B NO_COLOR\nno colours, unless \\-\\-color=always\n");
}
