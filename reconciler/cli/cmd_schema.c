/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include "manifest/field.h"
#include "manifest/schema.h"

int kedge_cmd_schema(struct kedge_call *call, struct kedge_err *err)
{
    int kind = KEDGE_KIND_COUNT; /* of all kinds together */
    const char *name = call->operand_count ? call->operands[0] : NULL;
    if (name && !kedge_word_parse(&kedge_kind_words, name, &kind)) {
        const char *near =
            kedge_field_suggest(kedge_kind_words.words, (size_t)kedge_kind_words.count, name);
        return kedge_command_misuse(call, err, "there is no kind '%s'%s%s%s", name,
                                    near ? ", did you mean '" : "", near ? near : "",
                                    near ? "'?" : "");
    }
    kedge_schema_write((enum kedge_kind)kind, &call->out);
    return KEDGE_EXIT_DONE;
}
