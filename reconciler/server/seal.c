/* SPDX-License-Identifier: Apache-2.0 */
#include "seal.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/limits.h"

void kedge_seal_write(const struct kedge_plan *plan, const struct kedge_changes *changes,
                      kedge_ms now, struct kedge_buf *out)
{
    char time[KEDGE_TIME_TEXT], text[KEDGE_DIGEST_TEXT];
    struct kedge_json_writer w = {.out = out};
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "format", KEDGE_SEAL_FORMAT);
    kedge_json_add_string(&w, "made", kedge_clock_format(now, time));
    kedge_json_add_string(&w, "commit", plan->commit);
    kedge_json_add_string(&w, "inventory", kedge_digest_format(&plan->inventory, text));
    kedge_json_add_string(&w, "digest", kedge_digest_format(&plan->digest, text));
    kedge_json_key(&w, "plan");
    kedge_plan_write(plan, changes, &w);
    kedge_json_end_object(&w);
}

static int read_digest(const json_t *json, const char *key, struct kedge_digest *out,
                       struct kedge_err *err)
{
    const char *text;
    if (kedge_json_string(json, key, &text, err) < 0)
        return err->code;
    return kedge_digest_parse(text, out)
               ? 0
               : kedge_err_set(err, KEDGE_INVALID, "'%s' is no digest", key);
}

int kedge_seal_read(struct kedge_slice file, struct kedge_seal *out, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    struct kedge_seal seal = {0};
    const char *format, *commit;
    if (kedge_json_parse(file.data, file.size, KEDGE_SEAL_LIMIT, &json, err) < 0 ||
        kedge_json_string(json, "format", &format, err) < 0 ||
        kedge_json_string(json, "commit", &commit, err) < 0 ||
        read_digest(json, "inventory", &seal.inventory, err) < 0 ||
        read_digest(json, "digest", &seal.plan, err) < 0)
        return kedge_err_wrap(err, "not a sealed plan");
    if (strcmp(format, KEDGE_SEAL_FORMAT) != 0 || strlen(commit) != KEDGE_COMMIT_TEXT - 1)
        return kedge_err_set(err, KEDGE_INVALID,
                             "not a sealed plan: make one with 'kedge plan --out FILE'");
    memcpy(seal.commit, commit, KEDGE_COMMIT_TEXT);
    *out = seal;
    return 0;
}

static const char again[] = "nothing was issued; run 'kedge plan' again and review it";

int kedge_seal_check_head(const struct kedge_seal *seal, const char *head, struct kedge_err *err)
{
    if (strcmp(seal->commit, head) == 0)
        return 0;
    return kedge_err_set(err, KEDGE_CONFLICT,
                         "the commit has moved: the plan is of %.12s, the head is %.12s now; %s",
                         seal->commit, head, again);
}

int kedge_seal_check(const struct kedge_seal *seal, const struct kedge_plan *plan,
                     struct kedge_err *err)
{
    if (kedge_seal_check_head(seal, plan->commit, err) < 0)
        return err->code;
    if (!kedge_digest_equal(&seal->inventory, &plan->inventory))
        return kedge_err_set(err, KEDGE_CONFLICT,
                             "the inventory has moved: devices have reported something else since "
                             "the plan was made; %s",
                             again);
    if (!kedge_digest_equal(&seal->plan, &plan->digest))
        return kedge_err_set(err, KEDGE_CONFLICT,
                             "the decisions have moved: a window, a suspension or a licence has "
                             "begun or ended since the plan was made; %s",
                             again);
    return 0;
}

int kedge_seal_check_text(struct kedge_slice file, const struct kedge_plan *plan,
                          const struct kedge_changes *changes, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf fresh = {0};
    kedge_auto(kedge_json) json_t *given = NULL;
    kedge_auto(kedge_json) json_t *made = NULL;
    json_t *shown, *sealed;
    kedge_seal_write(plan, changes, 0, &fresh);
    if (kedge_json_parse(file.data, file.size, KEDGE_SEAL_LIMIT, &given, err) < 0 ||
        kedge_json_parse(fresh.data, fresh.size, KEDGE_SEAL_LIMIT, &made, err) < 0 ||
        kedge_json_object(given, "plan", &shown, err) < 0 ||
        kedge_json_object(made, "plan", &sealed, err) < 0)
        return kedge_err_wrap(err, "not a sealed plan");
    if (json_equal(shown, sealed))
        return 0;
    return kedge_err_set(err, KEDGE_CONFLICT,
                         "the file was edited: what it shows is not what it seals; %s", again);
}
