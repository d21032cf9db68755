/* SPDX-License-Identifier: Apache-2.0 */
#include "field.h"

#include <string.h>

#define DNS_LABEL   "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define SEMVER_PART "(0|[1-9][0-9]*)"
#define SEMVER_PRE  "(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"

const struct kedge_field_row kedge_field_rows[KEDGE_FIELD_TYPE_COUNT] = {
    [KEDGE_FIELD_STRING] = {"one line of text", "^[^\\n\\r]+$", "give it one line of text"},
    [KEDGE_FIELD_NAME] = {"a name", "^" DNS_LABEL "(\\." DNS_LABEL ")*$",
                          "use lower-case letters, digits, '-' and '.', at most 253"},
    [KEDGE_FIELD_REFERENCE] = {"a name", "^" DNS_LABEL "(\\." DNS_LABEL ")*$",
                               "give the metadata.name of what is meant"},
    [KEDGE_FIELD_VARIABLE] = {"the name of an environment variable", "^[A-Za-z_][A-Za-z0-9_]*$",
                              "use letters, digits and '_'"},
    [KEDGE_FIELD_PATH] = {"a path", "^/[!-~]*$", "begin it with '/', without spaces"},
    [KEDGE_FIELD_URL] = {"the URL of an artifact", "^(hub:[!-~]*|file:[!-~]+|https?://[!-~]+)$",
                         "use file:, https:, http: or hub:"},
    [KEDGE_FIELD_AMOUNT] = {"a count or a percentage", "^([0-9]{1,9}|[0-9]{1,2}%|100%)$",
                            "write \"10\" or \"5%\""},
    [KEDGE_FIELD_BUDGET] = {"a count or a percentage", "^([0-9]{1,9}|[0-9]{1,2}%|100%)$",
                            "write \"10\" or \"5%\""},
    [KEDGE_FIELD_VERSION] = {"a semantic version",
                             "^" SEMVER_PART "\\." SEMVER_PART "\\." SEMVER_PART "(-" SEMVER_PRE
                             "(\\." SEMVER_PRE ")*)?"
                             "(\\+[0-9a-zA-Z-]+(\\.[0-9a-zA-Z-]+)*)?$",
                             "write major.minor.patch, such as 1.0.0"},
    [KEDGE_FIELD_RANGE] = {"a version or range", NULL, "write 1.2.3, ^1.2.0 or >=1.2.0 <2.0.0"},
    [KEDGE_FIELD_CRON] = {"a cron schedule", NULL, "write five fields, such as 0 2 * * sat"},
    [KEDGE_FIELD_ZONE] = {"a time zone", NULL, "write an IANA name, such as Europe/Berlin"},
    [KEDGE_FIELD_QUANTITY] = {"an amount of bytes", "^[0-9]+(Ki|Mi|Gi|Ti|k|M|G|T)?$",
                              "write 512Mi, 2G or 1024"},
    [KEDGE_FIELD_DURATION] = {"a duration",
                              "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$",
                              "write 90s, 1h30m, 250ms or 7d"},
    [KEDGE_FIELD_TIMESTAMP] = {"a point in time",
                               "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                               "(\\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
                               "write 2026-03-01T12:00:00Z"},
    [KEDGE_FIELD_DIGEST] = {"a SHA-256 digest", "^sha256:[0-9a-f]{64}$",
                            "write sha256: and 64 lower-case hexadecimal digits"},
    [KEDGE_FIELD_KEY] = {"an Ed25519 public key", "^ed25519:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$",
                         "write ed25519: and the base64 of its 32 bytes"},
};

const struct kedge_record *const kedge_kinds[KEDGE_KIND_COUNT] = {
    [KEDGE_KIND_MODEL] = &kedge_model_record,
    [KEDGE_KIND_MODEL_VERSION] = &kedge_model_version_record,
    [KEDGE_KIND_DATASET] = &kedge_dataset_record,
    [KEDGE_KIND_APPLICATION] = &kedge_application_record,
    [KEDGE_KIND_DEVICE] = &kedge_device_record,
    [KEDGE_KIND_SLA] = &kedge_sla_record,
    [KEDGE_KIND_DEPLOYMENT] = &kedge_deployment_record,
    [KEDGE_KIND_MAINTENANCE_WINDOW] = &kedge_window_record,
    [KEDGE_KIND_POLICY] = &kedge_policy_record,
};

bool kedge_field_is_needed(const struct kedge_record *record)
{
    for (uint32_t i = 0; i < record->count; i++)
        if (record->fields[i].flags & KEDGE_FIELD_REQUIRED || record->fields[i].choice)
            return true;
    return record->not_empty;
}

const struct kedge_field *kedge_field_find(const struct kedge_record *record, const char *name)
{
    for (uint32_t i = 0; i < record->count; i++) {
        const char *known = record->fields[i].name;
        if (*known == *name && strcmp(known, name) == 0) /* mostly the first letter will do */
            return &record->fields[i];
    }
    return NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Letters to insert, drop, change or swap with their neighbour, case aside; `far` when that is
 * clear from the lengths. */
static unsigned distance(const char *a, const char *b, unsigned far)
{
    enum { LONGEST = 32 };
    unsigned rows[3][LONGEST + 1];
    size_t m = strlen(a), n = strlen(b);
    if (m > LONGEST || n > LONGEST)
        return far;
    for (size_t j = 0; j <= n; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= m; i++) {
        unsigned *row = rows[i % 3], *up = rows[(i + 2) % 3], *upper = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned least = up[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));
            least = up[j] + 1 < least ? up[j] + 1 : least;
            least = row[j - 1] + 1 < least ? row[j - 1] + 1 : least;
            bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                           lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped && upper[j - 2] + 1 < least)
                least = upper[j - 2] + 1;
            row[j] = least;
        }
    }
    return rows[m % 3][n];
}

const char *kedge_field_suggest(const char *const *names, size_t count, const char *text)
{
    const char *best = NULL;
    unsigned least = strlen(text) < 5 ? 2 : 3; /* a name this far off is another word */
    for (size_t i = 0; i < count; i++) {
        unsigned steps = names[i] ? distance(text, names[i], least) : least;
        if (steps < least) {
            least = steps;
            best = names[i];
        }
    }
    return best;
}
