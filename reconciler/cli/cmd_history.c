/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "audit.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "events.h"
#include "print.h"
#include "server/once.h"
#include "settings.h"
#include "state/actual.h"
#include "state/desired.h"
#include "state/quantity.h"

/* --since: a span back from now, or a time. */
static int read_since(struct kedge_call *call, kedge_ms *out, struct kedge_err *err)
{
    const char *text = kedge_command_value(call, KEDGE_OPTION_SINCE);
    kedge_ms span;
    if (!text || kedge_clock_parse(text, out))
        return 0;
    if (!kedge_duration_parse(text, &span))
        return kedge_command_misuse(call, err,
                                    "'--since' takes a span such as 2h, or a time such as "
                                    "2026-03-01T12:00:00Z, not '%s'",
                                    text);
    *out = kedge_clock_wall() - span;
    return 0;
}

/* --- evidence: --verify and --export ----------------------------------------------------------- */

#define FILE_LIMIT KEDGE_GIB(1) /* an exported chain: some 400,000 links */

/* Where keys come from, for as long as they are used. */
struct witness {
    struct kedge_settings settings;
    struct kedge_once *once;
    struct kedge_audit_key *given;
    struct kedge_audit_keys keys;
};

static void witness_auto(struct witness *witness)
{
    kedge_once_close(witness->once);
    kedge_settings_auto(&witness->settings);
    free(witness->given);
}

/* --key DEVICE=KEY, as often as wanted. */
static int read_keys(struct kedge_call *call, struct witness *out, struct kedge_err *err)
{
    const struct kedge_option_values *options = &call->options;
    struct kedge_arena *arena = &out->settings.arena;
    out->given = kedge_alloc_array(options->given_count + 1, sizeof *out->given);
    for (size_t i = 0; i < options->given_count; i++) {
        const char *text = options->given[i].value;
        struct kedge_audit_key *key = &out->given[out->keys.given_count];
        if (options->given[i].option != KEDGE_OPTION_KEY)
            continue;
        size_t length = strcspn(text, "=");
        if (!text[length] || kedge_public_key_parse(text + length + 1, &key->key, err))
            return kedge_command_misuse(call, err, "'--key' takes DEVICE=KEY here, not '%s'", text);
        key->device = kedge_arena_strndup(arena, text, length);
        out->keys.given_count++;
    }
    out->keys.given = out->given;
    return 0;
}

/* Keys of the manifests in force and of enrolments; who has given keys by hand may lack the rest. */
static int find_keys(struct kedge_call *call, struct witness *out, struct kedge_err *err)
{
    int code = kedge_key_init(err);
    if (!code)
        code = kedge_settings_fill(call, false, &out->settings, err);
    if (!code)
        code = read_keys(call, out, err);
    if (code || kedge_command_has(call, KEDGE_OPTION_EVIDENCE))
        return code;
    code = kedge_once_open(&out->settings.options, true, &out->once, err);
    if (code)
        return out->keys.given_count ? 0 : code;
    struct kedge_server *server = kedge_once_server(out->once);
    const struct kedge_desired *desired = kedge_server_desired(server);
    out->keys.specs = desired ? desired->specs : NULL;
    out->keys.identities = &kedge_server_actual(server)->identities;
    return 0;
}

static int audit(struct kedge_call *call, const struct witness *witness, struct kedge_audit *out,
                 struct kedge_err *err)
{
    const char *path = kedge_command_value(call, KEDGE_OPTION_EVIDENCE);
    kedge_auto(kedge_store) struct kedge_store *store = NULL;
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    int code;
    if (path) {
        code = kedge_fs_read(AT_FDCWD, path, FILE_LIMIT, &file, err);
        if (!code && kedge_audit_file(kedge_buf_slice(&file), &witness->keys, out, err))
            code = kedge_err_wrap(err, "'%s'", path);
        return code;
    }
    code = kedge_store_open(witness->settings.options.store, true, &store, err);
    return code ? code
                : kedge_audit_store(store, &witness->keys, call->operands, call->operand_count, out,
                                    err);
}

static void write_row(const struct kedge_audit_row *row, struct kedge_json_writer *w)
{
    const struct kedge_chain_walk *walk = &row->walk;
    char at[KEDGE_TIME_TEXT];
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "device", walk->device);
    kedge_json_add_integer(w, "links", (int64_t)walk->links);
    kedge_json_add_integer(w, "chains", walk->chain);
    if (walk->links) {
        kedge_json_add_string(w, "first", kedge_clock_format(walk->first, at));
        kedge_json_add_string(w, "last", kedge_clock_format(walk->last, at));
    }
    if (walk->flaw) {
        kedge_json_key(w, "broken");
        kedge_json_begin_object(w);
        kedge_json_add_integer(w, "link", walk->broken);
        kedge_json_add_string(w, "flaw", kedge_word_name(&kedge_chain_flaw_words, (int)walk->flaw));
        kedge_json_add_string(w, "message", walk->why);
        kedge_json_end_object(w);
    }
    kedge_json_end_object(w);
}

static void write_audit_json(struct kedge_call *call, const struct kedge_audit *audit)
{
    struct kedge_json_writer w = {.out = &call->out};
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "format", "kedge.dev/evidence-audit/v1");
    kedge_json_add_integer(&w, "devices", (int64_t)audit->count);
    kedge_json_add_integer(&w, "links", (int64_t)audit->links);
    kedge_json_add_integer(&w, "broken", (int64_t)audit->broken);
    kedge_json_key(&w, "items");
    kedge_json_begin_array(&w);
    for (size_t i = 0; i < audit->count; i++)
        write_row(&audit->at[i], &w);
    kedge_json_end_array(&w);
    kedge_json_end_object(&w);
    kedge_buf_putc(&call->out, '\n');
}

/* What is whole is counted; what is not, or begins anew, is named. */
static void write_audit_text(struct kedge_call *call, const struct kedge_audit *audit)
{
    struct kedge_buf *out = &call->out;
    for (size_t i = 0; i < audit->count; i++) {
        const struct kedge_chain_walk *walk = &audit->at[i].walk;
        if (walk->flaw) {
            kedge_print_text(out, walk->device);
            kedge_buf_puts(out, ": ");
            kedge_print_styled(out, call->color, KEDGE_PRINT_RED, "broken");
            kedge_buf_printf(out, " at link %lld: %s: ", (long long)walk->broken,
                             kedge_word_name(&kedge_chain_flaw_words, (int)walk->flaw));
            kedge_print_text(out, walk->why);
            kedge_buf_putc(out, '\n');
        } else if (walk->beginnings) {
            kedge_print_text(out, walk->device);
            kedge_buf_printf(out, ": begins anew %zu time%s, which 'kedge history' explains\n",
                             walk->beginnings, walk->beginnings == 1 ? "" : "s");
        }
    }
    kedge_buf_printf(out, "%zu link%s of %zu device%s: %zu chain%s broken\n", audit->links,
                     audit->links == 1 ? "" : "s", audit->count, audit->count == 1 ? "" : "s",
                     audit->broken, audit->broken == 1 ? " is" : "s are");
}

static int verify_evidence(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(witness) struct witness witness = {0};
    kedge_auto(kedge_audit) struct kedge_audit result = {0};
    int code = find_keys(call, &witness, err);
    if (!code)
        code = audit(call, &witness, &result, err);
    if (code)
        return code;
    if (kedge_command_format(call, "json"))
        write_audit_json(call, &result);
    else
        write_audit_text(call, &result);
    return result.broken ? KEDGE_EXIT_ERROR : KEDGE_EXIT_DONE;
}

static int export_evidence(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_settings) struct kedge_settings settings = {0};
    kedge_auto(kedge_store) struct kedge_store *store = NULL;
    if (call->operand_count != 1)
        return kedge_command_misuse(call, err, "'--export' takes one device");
    int code = kedge_settings_fill(call, false, &settings, err);
    if (!code)
        code = kedge_store_open(settings.options.store, true, &store, err);
    return code ? code : kedge_audit_export(store, call->operands[0], &call->out, err);
}

int kedge_cmd_history(struct kedge_call *call, struct kedge_err *err)
{
    if (kedge_command_has(call, KEDGE_OPTION_VERIFY))
        return verify_evidence(call, err);
    if (kedge_command_has(call, KEDGE_OPTION_EXPORT))
        return export_evidence(call, err);
    if (call->operand_count)
        return kedge_command_misuse(call, err, "a device is named by '--device %s'",
                                    call->operands[0]);
    struct kedge_view_query query = {
        .view = KEDGE_VIEW_HISTORY,
        .device = kedge_command_value(call, KEDGE_OPTION_DEVICE),
        .instance = kedge_command_value(call, KEDGE_OPTION_INSTANCE),
        .commit = kedge_command_value(call, KEDGE_OPTION_COMMIT),
    };
    kedge_auto(kedge_json) json_t *history = NULL;
    if (!kedge_command_has(call, KEDGE_OPTION_LIMIT))
        call->options.at[KEDGE_OPTION_LIMIT] = "100"; /* a history may be years long */
    int code = read_since(call, &query.since, err);
    if (!code)
        code = kedge_ask_view(call, &query, &history, err);
    if (code)
        return code;
    if (kedge_command_format(call, "json"))
        kedge_ask_write(history, &call->out);
    else
        kedge_events_write(call, json_object_get(history, "items"));
    return KEDGE_EXIT_DONE;
}
