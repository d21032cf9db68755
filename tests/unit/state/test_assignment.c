/* SPDX-License-Identifier: Apache-2.0 */
#include "state/assignment.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/digest.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/rng.h"

static const char *const words[] = {"a", "b-2", "model.x", "zeta"};

static const char *word(struct kedge_rng *rng)
{
    return words[kedge_rng_below(rng, KEDGE_COUNT(words))];
}

static const char *maybe(struct kedge_rng *rng)
{
    return kedge_rng_chance(rng, 50) ? word(rng) : NULL;
}

static struct kedge_strings strings(struct kedge_arena *arena, struct kedge_rng *rng)
{
    uint32_t count = (uint32_t)kedge_rng_below(rng, 3);
    const char **at = kedge_arena_array(arena, count, sizeof *at);
    for (uint32_t i = 0; i < count; i++)
        at[i] = kedge_rng_chance(rng, 20) ? "\"quoted\" \xc3\xa9\n" : word(rng);
    return (struct kedge_strings){at, count};
}

static struct kedge_runtime_spec runtime(struct kedge_arena *arena, struct kedge_rng *rng)
{
    static const struct kedge_label env[] = {{"A", "1"}, {"B", ""}, {"C", "\xe2\x82\xac"}};
    struct kedge_runtime_spec spec = {
        .driver = (enum kedge_driver)kedge_rng_below(rng, 3),
        .command = strings(arena, rng),
        .image = maybe(rng),
        .env = {env, (uint32_t)kedge_rng_below(rng, 4)},
        .port_count = (uint32_t)kedge_rng_below(rng, 3),
        .handler_count = (uint32_t)kedge_rng_below(rng, 3),
        .probe = {(enum kedge_probe_kind)kedge_rng_below(rng, 4), maybe(rng), maybe(rng),
                  strings(arena, rng), (kedge_ms)kedge_rng_below(rng, 3), 1000, 0, 5000, 1, 3},
        .resources = {(int64_t)kedge_rng_below(rng, 2) << 40, 0, UINT32_MAX},
        .handover = (enum kedge_handover)kedge_rng_below(rng, 3),
        .stop_timeout = 10000,
        .before_start = {strings(arena, rng), 1},
    };
    struct kedge_port *ports = kedge_arena_array(arena, spec.port_count, sizeof *ports);
    for (uint32_t i = 0; i < spec.port_count; i++)
        ports[i] = (struct kedge_port){word(rng), (uint16_t)kedge_rng_next(rng)};
    struct kedge_handler *handlers = kedge_arena_array(arena, spec.handler_count, sizeof *handlers);
    for (uint32_t i = 0; i < spec.handler_count; i++)
        handlers[i] = (struct kedge_handler){word(rng), "/v1"};
    spec.ports = ports;
    spec.handlers = handlers;
    return spec;
}

static struct kedge_assignment random_assignment(struct kedge_arena *arena, struct kedge_rng *rng)
{
    static const char config[] = "{\"z\":[1,2.5,-3e+300,true,null],\"a\":{\"text\":\"\xc3\xa9\"}}";
    struct kedge_assignment a = {
        .instance = word(rng),
        .kind = kedge_rng_chance(rng, 50) ? KEDGE_KIND_MODEL : KEDGE_KIND_APPLICATION,
        .deployment = word(rng),
        .bundle = maybe(rng),
        .version = "1.2.3-rc.1+b",
        .state = (enum kedge_run_state)kedge_rng_below(rng, 2),
        .runtime = runtime(arena, rng),
        .sla = maybe(rng),
        .access = strings(arena, rng),
        .arch = strings(arena, rng),
    };
    if (kedge_rng_chance(rng, 70))
        a.artifact = (struct kedge_artifact_ref){"https://x/y", kedge_digest_of("x", 1), 1234567,
                                                 (enum kedge_format)kedge_rng_below(rng, 6)};
    if (kedge_rng_chance(rng, 70))
        a.config = (struct kedge_slice){config, sizeof config - 1};
    kedge_assignment_seal(&a);
    return a;
}

static void write(const struct kedge_assignment *a, struct kedge_buf *out)
{
    struct kedge_json_writer writer = {.out = out};
    kedge_assignment_write(a, &writer);
}

static int read(struct kedge_arena *arena, const struct kedge_buf *text, struct kedge_assignment *a,
                struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    int rc = kedge_json_parse(text->data, text->size, KEDGE_LIMIT_ENVELOPE, &json, err);
    return rc == 0 ? kedge_assignment_read(arena, json, a, err) : rc;
}

Test(assignment, round_trip)
{
    struct kedge_rng rng = kedge_rng_make(11);
    for (int n = 0; n < 500; n++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        kedge_auto(kedge_buf) struct kedge_buf first = {0}, second = {0};
        struct kedge_assignment a = random_assignment(&arena, &rng), b;
        struct kedge_err err = {0};
        write(&a, &first);
        cr_assert_eq(read(&arena, &first, &b, &err), 0, "round %d: %s", n, err.msg);
        write(&b, &second);
        cr_assert_str_eq(first.data, second.data, "round %d", n);
        cr_assert(kedge_digest_equal(&a.content, &b.content));
    }
    kedge_test_no_leaks();
}

Test(assignment, a_bent_byte_is_refused_or_bears_no_content)
{
    struct kedge_rng rng = kedge_rng_make(12);
    kedge_auto(kedge_arena) struct kedge_arena made = {0};
    struct kedge_assignment a = random_assignment(&made, &rng);
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    write(&a, &text);
    for (int n = 0; n < 5000; n++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        size_t at = kedge_rng_below(&rng, text.size);
        char kept = text.data[at];
        text.data[at] = (char)kedge_rng_next(&rng);
        struct kedge_assignment b;
        if (text.data[at] != kept && read(&arena, &text, &b, NULL) == 0) {
            cr_assert(kedge_digest_equal(&a.content, &b.content), "round %d", n);
            cr_assert_str_eq(a.version, b.version);
        }
        text.data[at] = kept;
    }
    kedge_test_no_leaks();
}

Test(assignment, refuses_what_it_does_not_know)
{
    static const struct {
        const char *from, *to, *says;
        int code;
    } rows[] = {
        {"\"instance\":", "\"instanze\":", "'instance' is missing", KEDGE_INVALID},
        {"\"state\":", "\"extra\":1,\"state\":", "'extra'", KEDGE_INVALID},
        {"\"running\"", "\"walking\"", "'state'", KEDGE_INVALID},
        {"\"process\"", "7", "'driver'", KEDGE_INVALID},
        {"\"port\":80", "\"port\":65536", "'port'", KEDGE_INVALID},
        {"\"port\":80", "\"port\":-1", "'port'", KEDGE_INVALID},
        {"\"port\":80", "\"port\":80.0", "'port'", KEDGE_INVALID},
        {"\"port\":80", "\"port\":81", "content digest", KEDGE_CORRUPT},
        {"\"A\":\"1\",\"B\":\"2\"", "\"B\":\"2\",\"A\":\"1\"", "'env'", KEDGE_INVALID},
        {"\"Model\"", "\"Device\"", "neither", KEDGE_INVALID},
        {"\"m\"", "\"M\"", "'instance'", KEDGE_INVALID},
    };
    static const struct kedge_port port = {"http", 80};
    static const struct kedge_label env[] = {{"A", "1"}, {"B", "2"}};
    struct kedge_assignment a = {.instance = "m",
                                 .kind = KEDGE_KIND_MODEL,
                                 .deployment = "d",
                                 .version = "1.0.0",
                                 .runtime = {.driver = KEDGE_DRIVER_PROCESS,
                                             .ports = &port,
                                             .port_count = 1,
                                             .env = {env, 2}}};
    kedge_assignment_seal(&a);
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    write(&a, &text);
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        kedge_auto(kedge_buf) struct kedge_buf bent = {0};
        const char *at = strstr(text.data, rows[i].from);
        cr_assert_not_null(at, "'%s' in %s", rows[i].from, text.data);
        kedge_buf_add(&bent, text.data, (size_t)(at - text.data));
        kedge_buf_puts(&bent, rows[i].to);
        kedge_buf_puts(&bent, at + strlen(rows[i].from));
        struct kedge_assignment b;
        struct kedge_err err = {0};
        cr_expect_eq(read(&arena, &bent, &b, &err), rows[i].code, "'%s': %s", rows[i].to, err.msg);
        cr_expect_not_null(strstr(err.msg, rows[i].says), "'%s': %s", rows[i].to, err.msg);
    }
}

/* A signature more restarts nothing, and is told the device all the same. */
Test(assignment, vouchers_are_no_content_but_are_of_the_set)
{
    static const struct kedge_signature signatures[] = {{.key_id = "A", .value = "one\n"},
                                                        {.key_id = "B", .value = "two\n"}};
    struct kedge_rng rng = kedge_rng_make(14);
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_assignment bare = random_assignment(&arena, &rng), states[4], read_back;
    const struct kedge_assignment *at = &bare;
    struct kedge_digest none = kedge_assignment_vouchers(&bare), sets[4];
    cr_expect(kedge_digest_is_zero(&none));
    for (uint32_t i = 0; i < KEDGE_COUNT(states); i++) {
        states[i] = bare;
        states[i].signatures = signatures;
        states[i].signature_count = i % 3;
        states[i].release_keys = i / 3;
        kedge_assignment_seal(&states[i]);
        cr_expect(kedge_digest_equal(&states[i].content, &bare.content));
        at = &states[i];
        sets[i] = kedge_assignment_set_digest(&at, 1);
        for (uint32_t k = 0; k < i; k++)
            cr_expect_not(kedge_digest_equal(&sets[k], &sets[i]), "%u and %u", k, i);
    }
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_err err = {0};
    states[3].signature_count = 2;
    write(&states[3], &text);
    cr_assert_eq(read(&arena, &text, &read_back, &err), 0, "%s", err.msg);
    cr_assert_eq(read_back.signature_count, 2);
    cr_expect_str_eq(read_back.signatures[1].value, "two\n");
    cr_expect_null(read_back.signatures[1].key_id);
    cr_expect_eq(read_back.release_keys, 1);
}

Test(assignment, too_many_signatures_are_refused)
{
    struct kedge_signature many[KEDGE_LIMIT_SIGNATURES + 1];
    struct kedge_rng rng = kedge_rng_make(15);
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_assignment a = random_assignment(&arena, &rng), b;
    struct kedge_err err = {0};
    for (size_t i = 0; i < KEDGE_COUNT(many); i++)
        many[i] = (struct kedge_signature){.value = "x"};
    a.signatures = many;
    a.signature_count = KEDGE_COUNT(many);
    write(&a, &text);
    cr_expect_eq(read(&arena, &text, &b, &err), KEDGE_LIMIT, "%s", err.msg);
}

Test(assignment, content_is_all_but_state_deployment_and_arch)
{
    struct kedge_rng rng = kedge_rng_make(13);
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_assignment a = random_assignment(&arena, &rng), b = a;
    b.state = a.state == KEDGE_RUN_RUNNING ? KEDGE_RUN_STOPPED : KEDGE_RUN_RUNNING;
    b.deployment = "other";
    b.arch = (struct kedge_strings){(const char *const[]){"riscv64"}, 1};
    kedge_assignment_seal(&b);
    cr_expect(kedge_digest_equal(&a.content, &b.content));
    const struct kedge_assignment *first = &a, *second = &b;
    struct kedge_digest one = kedge_assignment_set_digest(&first, 1);
    struct kedge_digest two = kedge_assignment_set_digest(&second, 1);
    cr_expect_not(kedge_digest_equal(&one, &two), "the set knows the state");
    b.version = "9.9.9";
    kedge_assignment_seal(&b);
    cr_expect_not(kedge_digest_equal(&a.content, &b.content));
}

/* A secret that was sealed anew is other content, though nobody can tell what it holds. */
Test(assignment, secrets_are_content)
{
    struct kedge_arena arena = {0};
    const struct kedge_secret first = {"TOKEN", "once", 1}, again = {"TOKEN", "again", 1},
                              counted = {"TOKEN", "once", 2};
    const struct kedge_secret *const secrets[] = {&first, &again, &counted};
    struct kedge_digest contents[KEDGE_COUNT(secrets)];
    for (size_t i = 0; i < KEDGE_COUNT(secrets); i++) {
        kedge_auto(kedge_buf) struct kedge_buf text = {0};
        struct kedge_assignment a = {.instance = "m",
                                     .deployment = "d",
                                     .version = "1.0.0",
                                     .secrets = secrets[i],
                                     .secret_count = 1},
                                b;
        struct kedge_err err;
        kedge_assignment_seal(&a);
        contents[i] = a.content;
        write(&a, &text);
        cr_assert_eq(read(&arena, &text, &b, &err), 0, "%s", err.msg);
        cr_assert_eq(b.secret_count, 1);
        cr_expect_str_eq(b.secrets[0].name, "TOKEN");
        cr_expect_str_eq(b.secrets[0].sealed, secrets[i]->sealed);
    }
    cr_expect(!kedge_digest_equal(&contents[0], &contents[1]));
    cr_expect(kedge_digest_equal(&contents[0], &contents[2]));
    kedge_arena_release(&arena);
    kedge_test_no_leaks();
}

/* What the manifests allow is what devices read. */
Test(assignment, the_largest_configuration)
{
    struct kedge_arena arena = {0};
    for (size_t more = 0; more < 2; more++) {
        kedge_auto(kedge_buf) struct kedge_buf config = {0}, text = {0};
        struct kedge_err err;
        kedge_buf_puts(&config, "{\"a\":\"");
        while (config.size < KEDGE_LIMIT_CONFIG - 2 + more)
            kedge_buf_putc(&config, 'x');
        kedge_buf_puts(&config, "\"}");
        struct kedge_assignment a = {.instance = "m",
                                     .deployment = "d",
                                     .version = "1.0.0",
                                     .config = kedge_buf_slice(&config)},
                                b;
        kedge_assignment_seal(&a);
        write(&a, &text);
        cr_expect_eq(read(&arena, &text, &b, &err), more ? KEDGE_LIMIT : 0, "%s", err.msg);
    }
    kedge_arena_release(&arena);
}
