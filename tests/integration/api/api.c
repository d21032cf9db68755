/* SPDX-License-Identifier: Apache-2.0 */
/* Calls everything that libkedge exports, in the folder that check_api.sh has made; with a revision
 * and an inventory, prints the sealed plan. C11 and C++17 alike. */
#include <kedge/kedge.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECK(condition) check((condition), #condition, __LINE__)
/* Fails with this code, and a message that says `text`. */
#define REFUSED(wanted, text, call) refused((wanted), (text), (call), #call, __LINE__)

static const char device_key[] = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
static struct kedge_err err;

static void check(bool holds, const char *what, int line)
{
    if (holds)
        return;
    fprintf(stderr, "api.c:%d: not so: %s (last error: %s)\n", line, what, err.msg);
    exit(1);
}

static void refused(int wanted, const char *text, int code, const char *call, int line)
{
    check(code == wanted && err.code == wanted, call, line);
    check(strstr(err.msg, text) != NULL, text, line);
}

static bool has(const char *json, const char *part)
{
    return strstr(json, part) != NULL;
}

static struct kedge_slice slice(const char *text)
{
    struct kedge_slice bytes;
    bytes.data = text;
    bytes.size = strlen(text);
    return bytes;
}

static void check_errors(void)
{
    CHECK(strcmp(kedge_code_name(KEDGE_NOTFOUND), "notfound") == 0);
    CHECK(kedge_err_set(&err, KEDGE_INVALID, "a %s", "reason") == KEDGE_INVALID);
    CHECK(kedge_err_wrap(&err, "here") == KEDGE_INVALID);
    CHECK(strcmp(err.msg, "here: a reason") == 0);
    CHECK(kedge_err_sys(&err, 2 /* ENOENT */, "there") == KEDGE_NOTFOUND && err.sys == 2);
    CHECK(strcmp(kedge_version(), "0.1.0") == 0);
    kedge_text_free(NULL);
}

static void check_folder(void)
{
    struct kedge_fleet *broken = NULL, *fleet = NULL;
    char *text = NULL;
    REFUSED(KEDGE_NOTFOUND, "nowhere", kedge_fleet_load_folder("nowhere", &fleet, &err));
    CHECK(fleet == NULL);

    CHECK(kedge_fleet_load_folder("broken", &broken, &err) == 0);
    CHECK(!kedge_fleet_is_valid(broken));
    text = kedge_fleet_findings(broken);
    CHECK(has(text, "\"file\":\"fleet.yaml\"") && has(text, "detectr"));
    kedge_text_free(text);

    CHECK(kedge_fleet_load_folder("fleet", &fleet, &err) == 0);
    CHECK(kedge_fleet_is_valid(fleet));
    CHECK(strcmp(kedge_fleet_commit(fleet), "") == 0);
    text = kedge_fleet_findings(fleet);
    CHECK(has(text, "\"errors\":0"));
    kedge_text_free(text);

    text = NULL;
    REFUSED(KEDGE_INVALID, "before", kedge_fleet_diff(broken, fleet, &text, &err));
    REFUSED(KEDGE_INVALID, "after", kedge_fleet_diff(fleet, broken, &text, &err));
    REFUSED(KEDGE_INVALID, "error", kedge_fleet_resolve(broken, "cam-1", &text, &err));
    REFUSED(KEDGE_INVALID, "kedge_fleet_load_commit",
            kedge_fleet_plan(fleet, slice("{}"), 0, &text, NULL, &err));
    CHECK(text == NULL);
    kedge_fleet_free(fleet);
    kedge_fleet_free(broken);
    kedge_fleet_free(NULL);
}

static void check_commits(void)
{
    struct kedge_fleet *before = NULL, *after = NULL;
    char *text = NULL;
    REFUSED(KEDGE_NOTFOUND, "no-branch",
            kedge_fleet_load_commit("fleet", "no-branch", NULL, &after, &err));
    REFUSED(KEDGE_NOTFOUND, "no-root",
            kedge_fleet_load_commit("fleet", "HEAD", "no-root", &after, &err));
    REFUSED(KEDGE_NOTFOUND, "broken",
            kedge_fleet_load_commit("broken", "HEAD", NULL, &after, &err));
    CHECK(after == NULL);
    CHECK(kedge_fleet_load_commit("fleet", "HEAD~1", NULL, &before, &err) == 0);
    CHECK(kedge_fleet_load_commit("fleet", "main", "", &after, &err) == 0);
    CHECK(strlen(kedge_fleet_commit(after)) == 40);

    CHECK(kedge_fleet_diff(before, after, &text, &err) == 0);
    CHECK(has(text, kedge_fleet_commit(before)) && has(text, kedge_fleet_commit(after)));
    CHECK(has(text, "\"deploy\":1") && has(text, "\"device\":\"cam-2\""));
    kedge_text_free(text);
    CHECK(kedge_fleet_diff(after, before, &text, &err) == 0);
    CHECK(has(text, "\"destroy\":1") && has(text, "\"devices\":1"));
    kedge_text_free(text);
    CHECK(kedge_fleet_diff(after, after, &text, &err) == 0);
    CHECK(has(text, "\"changes\":[]"));
    kedge_text_free(text);

    CHECK(kedge_fleet_resolve(after, "cam-2", &text, &err) == 0);
    CHECK(has(text, "\"instance\":\"detector\"") && has(text, "\"version\":\"1.0.0\""));
    kedge_text_free(text);
    CHECK(kedge_fleet_resolve(before, "cam-2", &text, &err) == 0);
    CHECK(has(text, "\"assignments\":[]"));
    kedge_text_free(text);
    text = NULL;
    REFUSED(KEDGE_NOTFOUND, "cam-3", kedge_fleet_resolve(after, "cam-3", &text, &err));
    CHECK(text == NULL);
    kedge_fleet_free(before);
    kedge_fleet_free(after);
}

/* An inventory of one report, in `room` bytes at `out`. */
static void write_inventory(const char *envelope, char *out, size_t room)
{
    char quoted[4096];
    size_t size = 0;
    for (; *envelope; envelope++) {
        CHECK(size + 3 < sizeof quoted);
        if (*envelope == '"')
            quoted[size++] = '\\';
        quoted[size++] = *envelope;
    }
    quoted[size] = '\0';
    int length =
        snprintf(out, room,
                 "{\"format\":\"kedge.dev/inventory/v1\",\"devices\":[{\"device\":\"cam-1\","
                 "\"received\":\"2026-01-01T00:00:00Z\",\"generation\":0,\"set\":\"sha256:"
                 "0000000000000000000000000000000000000000000000000000000000000000\","
                 "\"authorised\":[],\"evidence\":\"%s\"}]}",
                 quoted);
    CHECK(length > 0 && (size_t)length < room);
}

/* The report that cam-1 holds nothing, signed with the key in `file`, becomes a plan. */
static char *plan(const struct kedge_fleet *fleet, const char *file, size_t *left_out)
{
    static const char report[] =
        "{\"_type\":\"https://in-toto.io/Statement/"
        "v1\",\"subject\":[{\"name\":\"cam-1\",\"digest\":"
        "{\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\"}}],"
        "\"predicateType\":\"https://kedge.dev/device-report/"
        "v1\",\"predicate\":{\"device\":\"cam-1\","
        "\"counter\":1,\"link\":1}}";
    struct kedge_key *key = NULL;
    char *envelope = NULL, *text = NULL, inventory[8192];
    CHECK(kedge_dsse_key_load(file, NULL, &key, &err) == 0);
    const struct kedge_key *const keys[] = {key};
    CHECK(kedge_dsse_sign(slice(report), "application/vnd.in-toto+json", keys, 1, &envelope,
                          &err) == 0);
    write_inventory(envelope, inventory, sizeof inventory);
    CHECK(kedge_fleet_plan(fleet, slice(inventory), 1767225600000, &text, left_out, &err) == 0);
    kedge_text_free(envelope);
    kedge_dsse_key_free(key);
    return text;
}

static void check_plan(void)
{
    struct kedge_fleet *fleet = NULL;
    size_t left_out = 9;
    CHECK(kedge_fleet_load_commit("fleet", "HEAD", NULL, &fleet, &err) == 0);

    char *text = plan(fleet, "one.key", &left_out);
    CHECK(left_out == 0);
    CHECK(has(text, "kedge.dev/sealed-plan/v1") && has(text, "\"made\":\"2026-01-01T00:00:00"));
    CHECK(has(text, "\"released\":1") && has(text, kedge_fleet_commit(fleet)));
    kedge_text_free(text);

    text = plan(fleet, "two.key", &left_out);
    CHECK(left_out == 1);
    CHECK(has(text, "\"released\":0"));
    kedge_text_free(text);

    text = NULL;
    REFUSED(KEDGE_INVALID, "not an inventory",
            kedge_fleet_plan(fleet, slice("[]"), 0, &text, NULL, &err));
    CHECK(text == NULL);
    kedge_fleet_free(fleet);
}

static int verify(const char *envelope, unsigned threshold, const char *type, char **payload,
                  size_t *size)
{
    static const char *const trusted[] = {
        "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "ed25519:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",
    };
    struct kedge_dsse_trust trust;
    trust.keys = trusted;
    trust.key_count = 2;
    trust.threshold = threshold;
    trust.payload_type = type;
    return kedge_dsse_verify(slice(envelope), &trust, payload, size, &err);
}

static void check_signatures(void)
{
    static const char payload[] = "three\0words";
    struct kedge_key *one = NULL, *two = NULL;
    char *envelope = NULL, *text = NULL;
    size_t size = 0;
    struct kedge_slice bytes;
    bytes.data = payload;
    bytes.size = sizeof payload - 1;
    REFUSED(KEDGE_NOTFOUND, "no.key", kedge_dsse_key_load("no.key", NULL, &one, &err));
    CHECK(kedge_dsse_key_load("one.key", NULL, &one, &err) == 0);
    CHECK(kedge_dsse_key_load("two.key", "not needed", &two, &err) == 0);
    text = kedge_dsse_key_public(one);
    CHECK(strcmp(text, device_key) == 0);
    kedge_text_free(text);

    const struct kedge_key *const keys[] = {one, two};
    text = NULL;
    REFUSED(KEDGE_INVALID, "1 to 32", kedge_dsse_sign(bytes, "text/x", keys, 0, &envelope, &err));
    CHECK(envelope == NULL);
    CHECK(kedge_dsse_sign(bytes, "text/x", keys, 1, &envelope, &err) == 0);
    REFUSED(KEDGE_DENIED, "", verify(envelope, 2, "text/x", &text, &size));
    REFUSED(KEDGE_UNSUPPORTED, "text/y", verify(envelope, 1, "text/y", &text, &size));
    REFUSED(KEDGE_INVALID, "0 of 2", verify(envelope, 0, "text/x", &text, &size));
    REFUSED(KEDGE_INVALID, "3 of 2", verify(envelope, 3, "text/x", &text, &size));
    REFUSED(KEDGE_INVALID, "", verify("{}", 1, "text/x", &text, &size));
    CHECK(text == NULL && size == 0);
    CHECK(verify(envelope, 1, "text/x", &text, &size) == 0);
    CHECK(size == bytes.size && memcmp(text, payload, size) == 0);
    kedge_text_free(text);
    kedge_text_free(envelope);

    CHECK(kedge_dsse_sign(bytes, "text/x", keys, 2, &envelope, &err) == 0);
    CHECK(verify(envelope, 2, "text/x", &text, &size) == 0);
    kedge_text_free(text);
    kedge_text_free(envelope);
    bytes.size = 5 << 20;
    envelope = NULL;
    REFUSED(KEDGE_LIMIT, "the most", kedge_dsse_sign(bytes, "text/x", keys, 1, &envelope, &err));
    CHECK(envelope == NULL);
    kedge_dsse_key_free(one);
    kedge_dsse_key_free(two);
    kedge_dsse_key_free(NULL);
}

/* Prints what is to be done now about `revision` of the fleet, by the inventory in a file. */
static void print_plan(const char *revision, const char *file)
{
    struct kedge_fleet *fleet = NULL;
    char *text = NULL, inventory[8192];
    struct kedge_slice bytes;
    FILE *stream = fopen(file, "rb");
    CHECK(stream != NULL);
    bytes.data = inventory;
    bytes.size = fread(inventory, 1, sizeof inventory, stream);
    CHECK(bytes.size > 0 && bytes.size < sizeof inventory);
    fclose(stream);
    CHECK(kedge_fleet_load_commit("fleet", revision, NULL, &fleet, &err) == 0);
    CHECK(kedge_fleet_plan(fleet, bytes, (kedge_ms)time(NULL) * 1000, &text, NULL, &err) == 0);
    puts(text);
    kedge_text_free(text);
    kedge_fleet_free(fleet);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        print_plan(argv[1], argv[2]);
        return 0;
    }
    check_errors();
    check_folder();
    check_commits();
    check_plan();
    check_signatures();
    return 0;
}
