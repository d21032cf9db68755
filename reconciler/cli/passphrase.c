/* SPDX-License-Identifier: Apache-2.0 */
#include "passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fs.h"

/* One line of the terminal, without its end. */
static int read_answer(int terminal, char text[KEDGE_KEYFILE_PASSPHRASE], struct kedge_err *err)
{
    for (size_t size = 0; size < KEDGE_KEYFILE_PASSPHRASE;) {
        ssize_t got = read(terminal, text + size, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kedge_err_sys(err, errno, "cannot read from the terminal");
        if (got == 0 || text[size] == '\n') {
            text[size] = '\0';
            return 0;
        }
        if ((unsigned char)text[size] < ' ') /* also Control-C, which is no signal here */
            return kedge_err_set(err, KEDGE_INVALID, "nothing was given");
        size++;
    }
    return kedge_err_set(err, KEDGE_LIMIT, "it is longer than %d bytes",
                         KEDGE_KEYFILE_PASSPHRASE - 1);
}

int kedge_passphrase_ask(const char *question, const char *source,
                         char text[KEDGE_KEYFILE_PASSPHRASE], struct kedge_err *err)
{
    kedge_auto(kedge_fd) int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    struct termios before, silent;
    if (terminal < 0 || tcgetattr(terminal, &before) < 0)
        return kedge_err_set(err, KEDGE_UNAVAILABLE,
                             "no terminal to ask for a passphrase: give --passphrase-file or "
                             "KEDGE_PASSPHRASE_FILE");
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG); /* no signal may leave the terminal silent */
    if (tcsetattr(terminal, TCSAFLUSH, &silent) < 0)
        return kedge_err_sys(err, errno, "cannot silence the terminal");
    dprintf(terminal, "%s '%s': ", question, source);
    int code = read_answer(terminal, text, err);
    dprintf(terminal, "\n");
    tcsetattr(terminal, TCSAFLUSH, &before);
    return code;
}

int kedge_passphrase_prompt(const void *self, const char *source,
                            char text[KEDGE_KEYFILE_PASSPHRASE], struct kedge_err *err)
{
    (void)self;
    return kedge_passphrase_ask("Passphrase of", source, text, err);
}

int kedge_passphrase_load(const struct kedge_call *call, const char *source, struct kedge_key **out,
                          struct kedge_err *err)
{
    const char *file = kedge_command_value(call, KEDGE_OPTION_PASSPHRASE_FILE);
    return kedge_keyfile_load(source, file ? kedge_keyfile_passphrase : kedge_passphrase_prompt,
                              file, out, err);
}

int kedge_passphrase_choose(const struct kedge_call *call, const char *source,
                            char text[KEDGE_KEYFILE_PASSPHRASE], struct kedge_err *err)
{
    const char *file = kedge_command_value(call, KEDGE_OPTION_PASSPHRASE_FILE);
    char again[KEDGE_KEYFILE_PASSPHRASE];
    if (file)
        return kedge_keyfile_passphrase(file, source, text, err);
    int code = kedge_passphrase_ask("New passphrase of", source, text, err);
    if (!code)
        code = kedge_passphrase_ask("Again, the passphrase of", source, again, err);
    if (!code && strcmp(text, again) != 0)
        code = kedge_err_set(err, KEDGE_INVALID, "the two passphrases differ");
    explicit_bzero(again, sizeof again);
    return code;
}
