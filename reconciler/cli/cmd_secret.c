/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audience.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/secret.h"
#include "passphrase.h"

int kedge_cmd_secret_recipients(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_audience) struct kedge_audience audience = {0};
    struct kedge_json_writer writer = {.out = &call->out};
    char text[KEDGE_AGE_TEXT];
    int code = kedge_audience_gather(call, &audience, err);
    bool json = kedge_command_format(call, "json");
    if (code)
        return code;
    if (json)
        kedge_json_begin_array(&writer);
    for (size_t i = 0; i < kedge_audience_count(&audience); i++) {
        const struct kedge_audience_member *member = kedge_audience_at(&audience, i);
        kedge_age_recipient_format(&member->recipient, text);
        if (!json) {
            kedge_buf_printf(&call->out, "%s\n", text);
            continue;
        }
        kedge_json_begin_object(&writer);
        kedge_json_add_string(&writer, "device", member->device);
        kedge_json_add_string(&writer, "recipient", text);
        kedge_json_end_object(&writer);
    }
    if (json) {
        kedge_json_end_array(&writer);
        kedge_buf_putc(&call->out, '\n');
    }
    return KEDGE_EXIT_DONE;
}

/* All of standard input, or a line that a person types unseen, into `secret`. */
static int read_secret(const char *name, char *secret, size_t *size, struct kedge_err *err)
{
    ssize_t got = 1;
    *size = 0;
    if (isatty(STDIN_FILENO)) {
        int code = kedge_passphrase_ask("Secret", name, secret, err);
        *size = code ? 0 : strlen(secret);
        got = 0;
        if (code)
            return code;
    }
    while (got > 0 && *size <= KEDGE_LIMIT_SECRET) {
        got = read(STDIN_FILENO, secret + *size, KEDGE_LIMIT_SECRET + 1 - *size);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            return kedge_err_sys(err, errno, "cannot read the secret from standard input");
        else
            *size += (size_t)got;
    }
    if (*size == 0)
        return kedge_err_set(err, KEDGE_INVALID, "there is nothing to seal");
    return 0;
}

/* As an item of 'secrets' in a Deployment. */
static void write_item(const char *name, struct kedge_buf *sealed, struct kedge_buf *out)
{
    char *rest = sealed->data;
    kedge_buf_printf(out, "- name: %s\n  sealed: |\n", name);
    for (char *line; (line = strsep(&rest, "\n")) && *line;)
        kedge_buf_printf(out, "    %s\n", line);
}

static int seal(struct kedge_call *call, const char *secret, size_t size, struct kedge_err *err)
{
    kedge_auto(kedge_audience) struct kedge_audience audience = {0};
    kedge_auto(kedge_buf) struct kedge_buf recipients = {0}, sealed = {0};
    int code = kedge_audience_gather(call, &audience, err);
    size_t count = kedge_audience_count(&audience);
    for (size_t i = 0; !code && i < count; i++)
        kedge_buf_add(&recipients, &kedge_audience_at(&audience, i)->recipient,
                      sizeof(struct kedge_age_recipient));
    if (!code)
        code = kedge_age_seal((const struct kedge_age_recipient *)recipients.data, count, secret,
                              size, &sealed, err);
    if (code)
        return code;
    if (call->operand_count)
        write_item(call->operands[0], &sealed, &call->out);
    else
        kedge_buf_add(&call->out, sealed.data, sealed.size);
    return KEDGE_EXIT_DONE;
}

static bool is_variable(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return *name && !(*name >= '0' && *name <= '9') && !name[strspn(name, letters)];
}

int kedge_cmd_secret_seal(struct kedge_call *call, struct kedge_err *err)
{
    if (call->operand_count && !is_variable(call->operands[0]))
        return kedge_command_misuse(call, err, "'%s' is not the name of an environment variable",
                                    call->operands[0]);
    char *secret = kedge_secret_alloc(KEDGE_LIMIT_SECRET + 1);
    size_t size;
    int code = read_secret(call->operand_count ? call->operands[0] : "", secret, &size, err);
    if (!code && secret[size - 1] == '\n' && !kedge_command_has(call, KEDGE_OPTION_QUIET))
        fprintf(stderr, "kedge: the secret ends with a line end, which is sealed too: printf '%%s' "
                        "writes none\n");
    if (!code)
        code = seal(call, secret, size, err);
    kedge_secret_free(secret);
    return code;
}
