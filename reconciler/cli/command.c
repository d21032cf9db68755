/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "help.h"
#include "print.h"
#include "manifest/field.h"

const struct kedge_command *kedge_command_find(const char *const *given, size_t count,
                                               size_t *words)
{
    const struct kedge_command *found = NULL;
    *words = 0;
    for (size_t i = 0; i < kedge_command_count; i++) {
        const char *name = kedge_commands[i].name;
        size_t matched = 0;
        while (*name && matched < count) {
            size_t length = strcspn(name, " ");
            if (strlen(given[matched]) != length || memcmp(name, given[matched], length) != 0)
                break;
            matched++;
            name += length + (name[length] == ' ');
        }
        if (!*name && matched > *words) {
            *words = matched;
            found = &kedge_commands[i];
        }
    }
    return found;
}

kedge_options kedge_command_options(const struct kedge_command *command)
{
    return command->options | KEDGE_OPTIONS_GLOBAL | (command->formats ? KEDGE_OPTION(OUTPUT) : 0);
}

const char *kedge_command_value(const struct kedge_call *call, enum kedge_option option)
{
    return call->options.at[option];
}

bool kedge_command_has(const struct kedge_call *call, enum kedge_option option)
{
    return call->options.at[option] != NULL;
}

bool kedge_command_format(const struct kedge_call *call, const char *name)
{
    return strcmp(call->options.at[KEDGE_OPTION_OUTPUT], name) == 0;
}

int kedge_command_misuse(struct kedge_call *call, struct kedge_err *err, const char *format, ...)
{
    char text[KEDGE_ERR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    call->misused = true;
    return kedge_err_set(err, KEDGE_INVALID, "%s", text);
}

int kedge_command_need(struct kedge_call *call, enum kedge_option option, const char **out,
                       struct kedge_err *err)
{
    const struct kedge_option_row *row = &kedge_option_rows[option];
    const char *value = kedge_command_value(call, option);
    if (!value || !*value)
        return kedge_command_misuse(call, err, "'kedge %s' needs --%s %s", call->command->name,
                                    row->name, row->argument);
    *out = value;
    return 0;
}

/* No verb of that name: says so, with the nearest. */
static int no_verb(struct kedge_call *call, const char *const *given, struct kedge_err *err)
{
    size_t length = strlen(given[0]);
    char words[64][24]; /* first words of the verbs */
    const char *names[KEDGE_COUNT(words)];
    size_t count = 0;
    for (; count < kedge_command_count && count < KEDGE_COUNT(words); count++) {
        const char *name = kedge_commands[count].name;
        if (strncmp(name, given[0], length) == 0 && name[length] == ' ')
            return kedge_command_misuse(call, err, "'%s' needs a second word, such as '%s'",
                                        given[0], name);
        snprintf(words[count], sizeof words[count], "%.*s", (int)strcspn(name, " "), name);
        names[count] = words[count];
    }
    const char *near = kedge_field_suggest(names, count, given[0]);
    return kedge_command_misuse(call, err, "there is no verb '%s'%s%s%s", given[0],
                                near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Are the options that were given, and the number of operands, this verb's? */
static int check_call(struct kedge_call *call, struct kedge_err *err)
{
    const struct kedge_command *command = call->command;
    kedge_options taken = kedge_command_options(command);
    for (int i = 0; i < KEDGE_OPTION_COUNT; i++)
        if (call->options.at[i] && !(taken >> i & 1))
            return kedge_command_misuse(call, err, "'kedge %s' takes no option '--%s'",
                                        command->name, kedge_option_rows[i].name);
    if (call->operand_count < command->min)
        return kedge_command_misuse(call, err, "'kedge %s' needs %s", command->name,
                                    command->operands);
    if (call->operand_count > command->max)
        return kedge_command_misuse(call, err, "'kedge %s' does not know what to do with '%s'",
                                    command->name, call->operands[command->max]);
    return 0;
}

static int complete_call(struct kedge_call *call, struct kedge_err *err)
{
    const struct kedge_command *command = call->command;
    int code = kedge_option_complete(&call->options, kedge_command_options(command), err);
    call->misused = code != 0;
    const char **format = &call->options.at[KEDGE_OPTION_OUTPUT];
    static char first[16];
    if (code || !command->formats)
        return code;
    if (!*format) {
        snprintf(first, sizeof first, "%.*s", (int)strcspn(command->formats, "|"),
                 command->formats);
        *format = first;
    }
    if (!kedge_option_is_choice(command->formats, *format))
        return kedge_command_misuse(call, err, "'kedge %s' writes %s, not '%s'", command->name,
                                    command->formats, *format);
    return 0;
}

static void set_up_output(struct kedge_call *call)
{
    const char *when = kedge_command_value(call, KEDGE_OPTION_COLOR);
    const char *none = getenv("NO_COLOR");
    bool terminal = isatty(STDOUT_FILENO) && !(none && *none);
    call->color = strcmp(when, "always") == 0 || (strcmp(when, "auto") == 0 && terminal);

    enum kedge_log_level level = KEDGE_LOG_INFO;
    (void)kedge_log_level_parse(kedge_command_value(call, KEDGE_OPTION_LOG_LEVEL), &level);
    kedge_log_set_level(kedge_command_has(call, KEDGE_OPTION_QUIET) ? KEDGE_LOG_ERROR : level);
    kedge_log_set_json(strcmp(kedge_command_value(call, KEDGE_OPTION_LOG_FORMAT), "json") == 0);
}

/* `given`: what is left of the command line once options are out. */
static int run_call(struct kedge_call *call, const char *const *given, size_t count,
                    struct kedge_err *err)
{
    size_t words;
    call->command = kedge_command_find(given, count, &words);
    if (kedge_command_has(call, KEDGE_OPTION_VERSION)) {
        kedge_buf_puts(&call->out, "kedge " KEDGE_VERSION_TEXT "\n");
        return KEDGE_EXIT_DONE;
    }
    if (kedge_command_has(call, KEDGE_OPTION_HELP)) {
        if (call->command)
            kedge_help_command(call->command, &call->out);
        else
            kedge_help_verbs(count ? given[0] : NULL, &call->out);
        return KEDGE_EXIT_DONE;
    }
    if (!count)
        return kedge_command_misuse(call, err, "a verb is missing");
    if (!call->command)
        return no_verb(call, given, err);
    call->operands = given + words;
    call->operand_count = count - words;
    int code = check_call(call, err);
    if (!code)
        code = complete_call(call, err);
    if (code)
        return code;
    const char *folder = kedge_command_value(call, KEDGE_OPTION_DIRECTORY);
    if (folder && chdir(folder) < 0)
        return kedge_err_sys(err, errno, "cannot work in '%s'", folder);
    set_up_output(call);
    return call->command->run(call, err);
}

static void complain(const struct kedge_call *call, const struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf line = {0};
    kedge_buf_puts(&line, "kedge: ");
    kedge_print_text(&line, err->msg);
    kedge_buf_putc(&line, '\n');
    if (call->misused && call->command)
        kedge_buf_printf(&line, "'kedge %s --help' says how it is used\n", call->command->name);
    else if (call->misused)
        kedge_buf_puts(&line, "'kedge --help' lists the verbs\n");
    fwrite(line.data, 1, line.size, stderr);
}

int kedge_command_main(int argc, char **argv)
{
    struct kedge_call call = {0};
    struct kedge_err err;
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* widths of characters; nothing else depends on it */
    size_t count = argc > 0 ? (size_t)argc - 1 : 0;
    int status = kedge_option_parse(argv + 1, &count, &call.options, &err);
    call.misused = status != 0;
    if (!status)
        status = run_call(&call, (const char *const *)argv + 1, count, &err);

    /* What there is to say is said, also when the verb fails half way. */
    bool written = !call.out.size || fwrite(call.out.data, 1, call.out.size, stdout) != 0;
    written = fflush(stdout) == 0 && written;
    int sys = errno;
    if (status < 0) {
        complain(&call, &err);
        status = call.misused ? KEDGE_EXIT_USAGE : KEDGE_EXIT_ERROR;
    } else if (!written) {
        kedge_err_sys(&err, sys, "cannot write to standard output");
        complain(&call, &err);
        status = KEDGE_EXIT_ERROR;
    }
    kedge_buf_release(&call.out);
    return status;
}
