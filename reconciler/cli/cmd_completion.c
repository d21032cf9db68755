/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <string.h>

/* Single-quoted for a shell; `colon` also escapes what separates word and text for zsh. */
static void write_quoted(const char *text, bool colon, struct kedge_buf *out)
{
    for (; *text; text++) {
        if (*text == '\'')
            kedge_buf_puts(out, "'\\''");
        else if (*text == ':' && colon)
            kedge_buf_puts(out, "\\:");
        else
            kedge_buf_putc(out, *text);
    }
}

/* Writes one candidate: a word and what it means. */
typedef void write_word(const char *word, const char *meaning, struct kedge_buf *out);

static void write_bash_word(const char *word, const char *meaning, struct kedge_buf *out)
{
    (void)meaning;
    kedge_buf_printf(out, "%s ", word);
}

static void write_zsh_word(const char *word, const char *meaning, struct kedge_buf *out)
{
    kedge_buf_printf(out, "'%s:", word);
    write_quoted(meaning, true, out);
    kedge_buf_puts(out, "' ");
}

static void each_option(const struct kedge_command *command, write_word *write,
                        struct kedge_buf *out)
{
    kedge_options options = kedge_command_options(command);
    for (int i = 0; i < KEDGE_OPTION_COUNT; i++) {
        if (!(options >> i & 1))
            continue;
        struct kedge_buf word = {0};
        kedge_buf_printf(&word, "--%s", kedge_option_rows[i].name);
        write(word.data, kedge_option_rows[i].help, out);
        kedge_buf_release(&word);
    }
}

/* Was the first word of verb `index` seen before? Verbs of a group stand together. */
static bool repeats(size_t index)
{
    size_t length = strcspn(kedge_commands[index].name, " ");
    return index &&
           strncmp(kedge_commands[index].name, kedge_commands[index - 1].name, length) == 0 &&
           strcspn(kedge_commands[index - 1].name, " ") == length;
}

/* The words that may stand after `group` (NULL: at the start). */
static void each_verb(const char *group, write_word *write, struct kedge_buf *out)
{
    size_t skip = group ? strlen(group) + 1 : 0;
    for (size_t i = 0; i < kedge_command_count; i++) {
        const char *name = kedge_commands[i].name, *space = strchr(name, ' ');
        struct kedge_buf word = {0};
        if (group && strncmp(name, group, skip - 1) == 0 && name[skip - 1] == ' ')
            write(name + skip, kedge_commands[i].summary, out);
        if (!group && !repeats(i)) {
            kedge_buf_add(&word, name, space ? (size_t)(space - name) : strlen(name));
            write(word.data, space ? "..." : kedge_commands[i].summary, out);
        }
        kedge_buf_release(&word);
    }
}

/* One shell's `case` over what was typed: options of each verb, second words of each group. */
struct dialect {
    const char *head, *verb, *group, *start, *tail; /* verb, group: the name is inserted at %s */
    const char *end;
    write_word *write;
};

static const struct dialect bash = {
    .head = "_kedge() {\n"
            "    local word=${COMP_WORDS[COMP_CWORD]} given= options= verbs= i\n"
            "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
            "        [[ ${COMP_WORDS[i]} == -* ]] || given+=\"${COMP_WORDS[i]} \"\n"
            "    done\n"
            "    case $given in\n",
    .verb = "    '%s '*) options='",
    .group = "    '%s ') verbs='",
    .start = "    '') verbs='",
    .end = "' ;;\n",
    .tail = "    esac\n"
            "    if [[ $word == -* ]]; then\n"
            "        COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
            "    elif [[ $verbs ]]; then\n"
            "        COMPREPLY=($(compgen -W \"$verbs\" -- \"$word\"))\n"
            "    else\n"
            "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
            "    fi\n"
            "}\n"
            "complete -o filenames -F _kedge kedge\n",
    .write = write_bash_word,
};

static const struct dialect zsh = {
    .head = "#compdef kedge\n"
            "_kedge() {\n"
            "    local -a options verbs\n"
            "    local given=\"${(j: :)${(@)words[2,CURRENT-1]:#-*}} \"\n"
            "    case $given in\n",
    .verb = "    '%s '*) options=(",
    .group = "    '%s ') verbs=(",
    .start = "    ' ') verbs=(",
    .end = ") ;;\n",
    .tail = "    esac\n"
            "    if [[ $words[CURRENT] == -* ]]; then\n"
            "        _describe option options\n"
            "    elif (( $#verbs )); then\n"
            "        _describe verb verbs\n"
            "    else\n"
            "        _files\n"
            "    fi\n"
            "}\n"
            "compdef _kedge kedge\n",
    .write = write_zsh_word,
};

static void write_script(const struct dialect *dialect, struct kedge_buf *out)
{
    kedge_buf_puts(out, dialect->head);
    for (size_t i = 0; i < kedge_command_count; i++) {
        kedge_buf_printf(out, dialect->verb, kedge_commands[i].name);
        each_option(&kedge_commands[i], dialect->write, out);
        kedge_buf_puts(out, dialect->end);
    }
    for (size_t i = 0; i < kedge_command_count; i++) {
        const char *name = kedge_commands[i].name, *space = strchr(name, ' ');
        if (!space || repeats(i))
            continue;
        struct kedge_buf group = {0};
        kedge_buf_add(&group, name, (size_t)(space - name));
        kedge_buf_printf(out, dialect->group, group.data);
        each_verb(group.data, dialect->write, out);
        kedge_buf_puts(out, dialect->end);
        kedge_buf_release(&group);
    }
    kedge_buf_puts(out, dialect->start);
    each_verb(NULL, dialect->write, out);
    kedge_buf_puts(out, dialect->end);
    kedge_buf_puts(out, dialect->tail);
}

static void write_bash(struct kedge_buf *out)
{
    write_script(&bash, out);
}

static void write_zsh(struct kedge_buf *out)
{
    write_script(&zsh, out);
}

/* fish has a line per candidate, each with its own condition. */
static void write_fish(struct kedge_buf *out)
{
    for (size_t i = 0; i < kedge_command_count; i++) {
        const struct kedge_command *command = &kedge_commands[i];
        const char *space = strchr(command->name, ' ');
        if (!space)
            kedge_buf_printf(out, "complete -c kedge -n __fish_use_subcommand -f -a '%s' -d '",
                             command->name);
        else
            kedge_buf_printf(out,
                             "complete -c kedge -n __fish_use_subcommand -f -a '%.*s'\n"
                             "complete -c kedge -n '__fish_seen_subcommand_from %.*s' -f -a '%s' "
                             "-d '",
                             (int)(space - command->name), command->name,
                             (int)(space - command->name), command->name, space + 1);
        write_quoted(command->summary, false, out);
        kedge_buf_puts(out, "'\n");
        for (int o = 0; o < KEDGE_OPTION_COUNT; o++) {
            const struct kedge_option_row *row = &kedge_option_rows[o];
            if (!(kedge_command_options(command) >> o & 1))
                continue;
            kedge_buf_printf(out,
                             "complete -c kedge -n '__fish_seen_subcommand_from %s' -l %s%s "
                             "-d '",
                             space ? space + 1 : command->name, row->name,
                             row->argument ? " -r" : "");
            write_quoted(row->help, false, out);
            kedge_buf_puts(out, "'\n");
        }
    }
}

static const struct {
    const char *name;
    void (*write)(struct kedge_buf *out);
} shells[] = {{"bash", write_bash}, {"zsh", write_zsh}, {"fish", write_fish}};

int kedge_cmd_completion(struct kedge_call *call, struct kedge_err *err)
{
    for (size_t i = 0; i < KEDGE_COUNT(shells); i++) {
        if (strcmp(shells[i].name, call->operands[0]) == 0) {
            shells[i].write(&call->out);
            return KEDGE_EXIT_DONE;
        }
    }
    return kedge_command_misuse(call, err,
                                "there is a completion for bash, zsh and fish, not "
                                "for '%s'",
                                call->operands[0]);
}
