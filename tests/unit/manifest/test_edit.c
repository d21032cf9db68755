/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/edit.h"

#include <criterion/criterion.h>
#include <string.h>

#include "lib/leak.h"
#include "manifest.h"

#define HEAD                                                                                       \
    "apiVersion: kedge.dev/v1alpha1\nkind: Model\nmetadata: {name: m}\n---\n"                      \
    "# the first, with an umlaut: \xc3\xa4\n"                                                      \
    "apiVersion: kedge.dev/v1alpha1\nkind: ModelVersion\nmetadata: {name: m-1}\nspec:"
#define DIGEST   "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define ARTIFACT "{url: \"hub:\", digest: " DIGEST ", size: 10}"
#define LINE     6 /* of the version's object */

static const struct kedge_signature wanted = {.key_id = "AA", .value = "one\ntwo \"\\\n"};

/* Each: a file, and how it reads with the signature in place. */
static const struct {
    const char *about, *before, *after;
} rows[] = {
    {"no signatures yet, in block style",
     HEAD
     "\n  model: m # mine\n  version: 1.0.0\n  artifact:\n    url: \"hub:\"\n    digest: " DIGEST
     "\n    size: 10   # bytes\n\n  # behind\n  stage: ready\n",
     HEAD
     "\n  model: m # mine\n  version: 1.0.0\n  artifact:\n    url: \"hub:\"\n    digest: " DIGEST
     "\n    size: 10   # bytes\n  signatures:\n    - keyId: \"AA\"\n      value: |\n        one\n"
     "        two \"\\\n\n  # behind\n  stage: ready\n"},
    {"at the end of a file without a last line's end",
     HEAD "\n    model: m\n    version: 1.0.0\n    artifact: " ARTIFACT,
     HEAD
     "\n    model: m\n    version: 1.0.0\n    artifact: " ARTIFACT
     "\n    signatures:\n      - keyId: \"AA\"\n        value: |\n          one\n          two "
     "\"\\\n"},
    {"in flow style",
     HEAD " {model: m, version: 1.0.0, artifact: " ARTIFACT ", stage: ready} # flow\n",
     HEAD
     " {model: m, version: 1.0.0, artifact: " ARTIFACT
     ", signatures: [{keyId: \"AA\", value: \"one\\ntwo \\\"\\\\\\n\"}], stage: ready} # flow\n"},
    {"an empty list",
     HEAD "\n  model: m\n  version: 1.0.0\n  signatures: [ ] # none\n  artifact: " ARTIFACT "\n",
     HEAD "\n  model: m\n  version: 1.0.0\n  signatures: [ {keyId: \"AA\", value: \"one\\ntwo "
          "\\\"\\\\\\n\"}] # none\n  artifact: " ARTIFACT "\n"},
    {"behind another, in a list that is not indented",
     HEAD
     "\n  model: m\n  version: 1.0.0\n  artifact: " ARTIFACT
     "\n  signatures:\n  - keyId: BB\n    value: |\n      x\n\n\n  # next\n  stage: ready\n---\n# "
     "end\n",
     HEAD
     "\n  model: m\n  version: 1.0.0\n  artifact: " ARTIFACT
     "\n  signatures:\n  - keyId: BB\n    value: |\n      x\n  - keyId: \"AA\"\n    value: |\n     "
     " one\n      two \"\\\n\n\n  # next\n  stage: ready\n---\n# end\n"},
    {"in place of an older one of its key",
     HEAD "\n  model: m\n  version: 1.0.0\n  artifact: " ARTIFACT
          "\n  signatures:\n    - keyId: AA\n      value: |\n        x\n    # of bb\n    - keyId: "
          "BB\n   "
          "   value: y\n",
     HEAD "\n  model: m\n  version: 1.0.0\n  artifact: " ARTIFACT
          "\n  signatures:\n    - keyId: \"AA\"\n      value: |\n        one\n        two \"\\\n   "
          " # of "
          "bb\n    - keyId: BB\n      value: y\n"},
    {"in place of one in flow style",
     HEAD "\n  model: m\n  version: 1.0.0\n  artifact: " ARTIFACT
          "\n  signatures: [{keyId: BB, value: y}, {keyId: AA, value: x}]\n",
     HEAD "\n  model: m\n  version: 1.0.0\n  artifact: " ARTIFACT
          "\n  signatures: [{keyId: BB, value: y}, {keyId: \"AA\", value: \"one\\ntwo "
          "\\\"\\\\\\n\"}]\n"},
};

Test(edit, a_signature_goes_where_it_belongs_and_nothing_else_moves)
{
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_buf) struct kedge_buf out = {0}, again = {0};
        struct kedge_err err = {0};
        struct kedge_slice text = {rows[i].before, strlen(rows[i].before)};
        cr_assert_eq(kedge_edit_sign(text, LINE, &wanted, &out, &err), 0, "%s: %s", rows[i].about,
                     err.msg);
        cr_expect_str_eq(out.data, rows[i].after, "%s", rows[i].about);
        cr_expect_eq(kedge_edit_sign(kedge_buf_slice(&out), LINE, &wanted, &again, &err),
                     KEDGE_EXISTS, "%s", rows[i].about);
        cr_expect_eq(again.size, 0);
    }
    kedge_test_no_leaks();
}

/* The position that the loader gives an object is where the editor looks for it. */
Test(edit, finds_the_document_of_an_object)
{
    __attribute__((cleanup(revision_auto))) struct revision r =
        revision_of(rows[0].before, strlen(rows[0].before));
    cr_assert_not_null(r.specs);
    const struct kedge_object *object = kedge_spec_find(r.specs, KEDGE_KIND_MODEL_VERSION, "m-1");
    cr_assert_not_null(object);
    cr_expect_eq(object->at.line, LINE);
}

Test(edit, refuses_what_a_splice_cannot_do)
{
    static const struct {
        const char *text;
        uint32_t line;
        int code;
    } cases[] = {
        {rows[0].before, 4, KEDGE_NOTFOUND},
        {rows[0].before, 1, KEDGE_UNSUPPORTED}, /* a Model has no artifact */
        {HEAD "\n  a: &s [{keyId: BB, value: y}]\n  artifact: " ARTIFACT "\n  signatures: *s\n",
         LINE, KEDGE_UNSUPPORTED},
        {HEAD "\n  artifact: " ARTIFACT "\n  signatures: {}\n", LINE, KEDGE_UNSUPPORTED},
        /* The comment would become part of the signature. */
        {HEAD "\n  artifact: " ARTIFACT "\n            # deep\n  stage: ready\n", LINE,
         KEDGE_UNSUPPORTED},
        {HEAD "\n  artifact: " ARTIFACT "\n  signatures:\n    - keyId: AA\n      value: y # mine\n",
         LINE, KEDGE_UNSUPPORTED},
        {HEAD "\n  artifact: [", LINE, KEDGE_INVALID},
        {"", 1, KEDGE_NOTFOUND},
    };
    for (size_t i = 0; i < KEDGE_COUNT(cases); i++) {
        kedge_auto(kedge_buf) struct kedge_buf out = {0};
        struct kedge_err err = {0};
        struct kedge_slice text = {cases[i].text, strlen(cases[i].text)};
        cr_expect_eq(kedge_edit_sign(text, cases[i].line, &wanted, &out, &err), cases[i].code,
                     "%zu: %s", i, err.msg);
        cr_expect_eq(out.size, 0, "%zu", i);
    }
    kedge_test_no_leaks();
}
