/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of the program, in one table: what dispatches, helps, completes and documents. */
#pragma once

#include "base/buf.h"
#include "option.h"

enum kedge_exit {
    KEDGE_EXIT_DONE = 0,
    KEDGE_EXIT_ERROR = 1,
    KEDGE_EXIT_CHANGES = 2, /* with --detailed-exitcode */
    KEDGE_EXIT_USAGE = 64,  /* EX_USAGE of sysexits.h */
};

struct kedge_command;

/* One use of a verb. */
struct kedge_call {
    const struct kedge_command *command;
    struct kedge_option_values options; /* completed: presets and environment included */
    const char *const *operands;
    size_t operand_count;
    bool color;           /* on standard output */
    bool misused;         /* set by kedge_command_misuse */
    struct kedge_buf out; /* goes to standard output when the verb ends, whatever it returns */
};

/* Gives an exit status, or a negative code with `err` filled. */
typedef int kedge_command_run(struct kedge_call *call, struct kedge_err *err);

struct kedge_command {
    const char *name;     /* "model list" */
    const char *operands; /* as usage shows them: "DEVICE INSTANCE"; "" */
    const char *summary;  /* one line, no full stop */
    const char *about;    /* paragraphs with examples, or NULL */
    unsigned min, max;    /* operands */
    kedge_options options;
    const char *formats; /* of -o, the first by default: "text|json"; NULL: no -o */
    kedge_command_run *run;
};

extern const struct kedge_command kedge_commands[];
extern const size_t kedge_command_count;

/* The verb that the first words name, the longest match; *words says how many. NULL: none. */
const struct kedge_command *kedge_command_find(const char *const *given, size_t count,
                                               size_t *words);
/* All options a verb takes, the global ones included. */
kedge_options kedge_command_options(const struct kedge_command *command);
/* The value of an option; NULL when it was not given and has no preset. */
const char *kedge_command_value(const struct kedge_call *call, enum kedge_option option);
/* The value of an option that the verb cannot do without: KEDGE_INVALID, as _misuse. */
int kedge_command_need(struct kedge_call *call, enum kedge_option option, const char **out,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
bool kedge_command_has(const struct kedge_call *call, enum kedge_option option);
/* The format asked for with -o is `name`. */
bool kedge_command_format(const struct kedge_call *call, const char *name);
/* KEDGE_INVALID, and the program ends with KEDGE_EXIT_USAGE. */
int kedge_command_misuse(struct kedge_call *call, struct kedge_err *err, const char *format, ...)
    KEDGE_PRINTF(3, 4);

/* The whole program: parses, runs, writes, and gives the exit status. */
int kedge_command_main(int argc, char **argv);
