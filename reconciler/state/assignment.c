/* SPDX-License-Identifier: Apache-2.0 */
#include "assignment.h"

#include <string.h>

#include "base/digest.h"
#include "base/limits.h"
#include "record.h"

static const struct kedge_member artifact_members[] = {
    {KEDGE_RECORD_MEMBER("url", STRING, kedge_artifact_ref, url), .required = true},
    {KEDGE_RECORD_MEMBER("digest", DIGEST, kedge_artifact_ref, digest), .required = true},
    {KEDGE_RECORD_MEMBER("size", AMOUNT, kedge_artifact_ref, size)},
    {KEDGE_RECORD_MEMBER("format", WORD, kedge_artifact_ref, format),
     .detail = &kedge_format_words},
};
static const struct kedge_record artifact = {artifact_members, KEDGE_COUNT(artifact_members),
                                             sizeof(struct kedge_artifact_ref)};

static const struct kedge_member port_members[] = {
    {KEDGE_RECORD_MEMBER("name", STRING, kedge_port, name), .required = true},
    {KEDGE_RECORD_MEMBER("port", PORT, kedge_port, port)},
};
static const struct kedge_record port = {port_members, KEDGE_COUNT(port_members),
                                         sizeof(struct kedge_port)};

static const struct kedge_member handler_members[] = {
    {KEDGE_RECORD_MEMBER("name", STRING, kedge_handler, name), .required = true},
    {KEDGE_RECORD_MEMBER("path", STRING, kedge_handler, path), .required = true},
};
static const struct kedge_record handler = {handler_members, KEDGE_COUNT(handler_members),
                                            sizeof(struct kedge_handler)};

/* Spans in milliseconds. */
static const struct kedge_member probe_members[] = {
    {KEDGE_RECORD_MEMBER("kind", WORD, kedge_probe, kind), .detail = &kedge_probe_kind_words},
    {KEDGE_RECORD_MEMBER("path", STRING, kedge_probe, path)},
    {KEDGE_RECORD_MEMBER("port", STRING, kedge_probe, port)},
    {KEDGE_RECORD_MEMBER("command", STRINGS, kedge_probe, command)},
    {KEDGE_RECORD_MEMBER("initialDelay", AMOUNT, kedge_probe, initial_delay)},
    {KEDGE_RECORD_MEMBER("period", AMOUNT, kedge_probe, period)},
    {KEDGE_RECORD_MEMBER("timeout", AMOUNT, kedge_probe, timeout)},
    {KEDGE_RECORD_MEMBER("startWithin", AMOUNT, kedge_probe, start_within)},
    {KEDGE_RECORD_MEMBER("successThreshold", COUNT, kedge_probe, success_threshold)},
    {KEDGE_RECORD_MEMBER("failureThreshold", COUNT, kedge_probe, failure_threshold)},
};
static const struct kedge_record probe = {probe_members, KEDGE_COUNT(probe_members),
                                          sizeof(struct kedge_probe)};

static const struct kedge_member resources_members[] = {
    {KEDGE_RECORD_MEMBER("memory", AMOUNT, kedge_resources, memory)},
    {KEDGE_RECORD_MEMBER("files", COUNT, kedge_resources, files)},
    {KEDGE_RECORD_MEMBER("processes", COUNT, kedge_resources, processes)},
};
static const struct kedge_record resources = {resources_members, KEDGE_COUNT(resources_members),
                                              sizeof(struct kedge_resources)};

static const struct kedge_member hook_members[] = {
    {KEDGE_RECORD_MEMBER("command", STRINGS, kedge_hook, command)},
    {KEDGE_RECORD_MEMBER("timeout", AMOUNT, kedge_hook, timeout)},
};
static const struct kedge_record hook = {hook_members, KEDGE_COUNT(hook_members),
                                         sizeof(struct kedge_hook)};

static const struct kedge_member runtime_members[] = {
    {KEDGE_RECORD_MEMBER("driver", WORD, kedge_runtime_spec, driver), .detail = &kedge_driver_words,
     .required = true},
    {KEDGE_RECORD_MEMBER("command", STRINGS, kedge_runtime_spec, command)},
    {KEDGE_RECORD_MEMBER("image", STRING, kedge_runtime_spec, image)},
    {KEDGE_RECORD_MEMBER("env", LABELS, kedge_runtime_spec, env)},
    {KEDGE_RECORD_MEMBER("ports", LIST, kedge_runtime_spec, ports), .detail = &port,
     .count = offsetof(struct kedge_runtime_spec, port_count)},
    {KEDGE_RECORD_MEMBER("handlers", LIST, kedge_runtime_spec, handlers), .detail = &handler,
     .count = offsetof(struct kedge_runtime_spec, handler_count)},
    {KEDGE_RECORD_MEMBER("probe", RECORD, kedge_runtime_spec, probe), .detail = &probe},
    {KEDGE_RECORD_MEMBER("resources", RECORD, kedge_runtime_spec, resources), .detail = &resources},
    {KEDGE_RECORD_MEMBER("handover", WORD, kedge_runtime_spec, handover),
     .detail = &kedge_handover_words, .required = true},
    {KEDGE_RECORD_MEMBER("stopTimeout", AMOUNT, kedge_runtime_spec, stop_timeout)},
    {KEDGE_RECORD_MEMBER("beforeStart", RECORD, kedge_runtime_spec, before_start), .detail = &hook},
    {KEDGE_RECORD_MEMBER("afterStop", RECORD, kedge_runtime_spec, after_stop), .detail = &hook},
};
static const struct kedge_record runtime = {runtime_members, KEDGE_COUNT(runtime_members),
                                            sizeof(struct kedge_runtime_spec)};

static const struct kedge_member secret_members[] = {
    {KEDGE_RECORD_MEMBER("name", STRING, kedge_secret, name), .required = true},
    {KEDGE_RECORD_MEMBER("sealed", STRING, kedge_secret, sealed), .required = true},
};
static const struct kedge_record secret = {secret_members, KEDGE_COUNT(secret_members),
                                           sizeof(struct kedge_secret)};

/* Devices know keys by themselves: no hint is carried. */
static const struct kedge_member signature_members[] = {
    {KEDGE_RECORD_MEMBER("value", STRING, kedge_signature, value), .required = true},
};
static const struct kedge_record signature = {signature_members, KEDGE_COUNT(signature_members),
                                              sizeof(struct kedge_signature)};

static const struct kedge_member assignment_members[] = {
    {KEDGE_RECORD_MEMBER("instance", NAME, kedge_assignment, instance), .required = true},
    {KEDGE_RECORD_MEMBER("kind", WORD, kedge_assignment, kind), .detail = &kedge_kind_words,
     .required = true},
    {KEDGE_RECORD_MEMBER("deployment", NAME, kedge_assignment, deployment), .required = true},
    {KEDGE_RECORD_MEMBER("bundle", NAME, kedge_assignment, bundle)},
    {KEDGE_RECORD_MEMBER("version", STRING, kedge_assignment, version), .required = true},
    {KEDGE_RECORD_MEMBER("state", WORD, kedge_assignment, state), .detail = &kedge_run_state_words,
     .required = true},
    {KEDGE_RECORD_MEMBER("artifact", RECORD, kedge_assignment, artifact), .detail = &artifact},
    {KEDGE_RECORD_MEMBER("runtime", RECORD, kedge_assignment, runtime), .detail = &runtime,
     .required = true},
    {KEDGE_RECORD_MEMBER("config", JSON, kedge_assignment, config)},
    {KEDGE_RECORD_MEMBER("secrets", LIST, kedge_assignment, secrets), .detail = &secret,
     .count = offsetof(struct kedge_assignment, secret_count)},
    {KEDGE_RECORD_MEMBER("sla", NAME, kedge_assignment, sla)},
    {KEDGE_RECORD_MEMBER("access", STRINGS, kedge_assignment, access)},
    {KEDGE_RECORD_MEMBER("arch", STRINGS, kedge_assignment, arch)},
    {KEDGE_RECORD_MEMBER("signatures", LIST, kedge_assignment, signatures), .detail = &signature,
     .count = offsetof(struct kedge_assignment, signature_count)},
    {KEDGE_RECORD_MEMBER("releaseKeys", COUNT, kedge_assignment, release_keys)},
    {KEDGE_RECORD_MEMBER("content", DIGEST, kedge_assignment, content), .required = true},
};
static const struct kedge_record record = {assignment_members, KEDGE_COUNT(assignment_members),
                                           sizeof(struct kedge_assignment)};

void kedge_assignment_write(const struct kedge_assignment *assignment,
                            struct kedge_json_writer *writer)
{
    kedge_record_write(&record, assignment, writer);
}

struct kedge_digest kedge_assignment_runtime(enum kedge_format format,
                                             const struct kedge_runtime_spec *spec)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_json_writer writer = {.out = &text};
    kedge_json_begin_object(&writer);
    kedge_json_key(&writer, "format");
    kedge_json_put_string(&writer, kedge_word_name(&kedge_format_words, (int)format));
    kedge_json_key(&writer, "runtime");
    kedge_record_write(&runtime, spec, &writer);
    kedge_json_end_object(&writer);
    return kedge_digest_of(text.data, text.size);
}

static struct kedge_digest content_of(const struct kedge_assignment *assignment)
{
    static const char *const omit[] = {"state",       "deployment", "arch", "signatures",
                                       "releaseKeys", "content",    NULL};
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_json_writer writer = {.out = &text};
    kedge_record_write_without(&record, assignment, omit, &writer);
    return kedge_digest_of(text.data, text.size);
}

void kedge_assignment_seal(struct kedge_assignment *assignment)
{
    assignment->content = content_of(assignment);
}

int kedge_assignment_read(struct kedge_arena *arena, const json_t *json,
                          struct kedge_assignment *out, struct kedge_err *err)
{
    struct kedge_assignment read = {0};
    int rc = kedge_record_read(arena, &record, json, &read, err);
    if (rc != 0) {
        kedge_err_wrap(err, "assignment");
        return rc;
    }
    if (read.kind != KEDGE_KIND_MODEL && read.kind != KEDGE_KIND_APPLICATION)
        return kedge_err_set(err, KEDGE_INVALID,
                             "assignment '%s' is neither a Model nor an Application",
                             read.instance);
    if (read.signature_count > KEDGE_LIMIT_SIGNATURES)
        return kedge_err_set(err, KEDGE_LIMIT,
                             "assignment '%s' has %u signatures, at most %d are read",
                             read.instance, read.signature_count, KEDGE_LIMIT_SIGNATURES);
    struct kedge_digest content = content_of(&read);
    if (!kedge_digest_equal(&content, &read.content))
        return kedge_err_set(err, KEDGE_CORRUPT,
                             "assignment '%s' does not have the content digest it claims",
                             read.instance);
    *out = read;
    return 0;
}

struct kedge_digest kedge_assignment_vouchers(const struct kedge_assignment *assignment)
{
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    if (assignment->signature_count == 0 && assignment->release_keys == 0)
        return (struct kedge_digest){0};
    kedge_buf_printf(&bytes, "%u\n", assignment->release_keys);
    for (uint32_t i = 0; i < assignment->signature_count; i++) {
        const char *value = assignment->signatures[i].value;
        kedge_buf_add(&bytes, value, strlen(value) + 1);
    }
    return kedge_digest_of(bytes.data, bytes.size);
}

void kedge_assignment_set_add(struct kedge_buf *set, const char *instance,
                              const struct kedge_digest *content, enum kedge_run_state state)
{
    kedge_buf_add(set, instance, strlen(instance) + 1);
    kedge_buf_add(set, content->bytes, sizeof content->bytes);
    kedge_buf_putc(set, (char)state);
}

struct kedge_digest kedge_assignment_set_digest(const struct kedge_assignment *const *set,
                                                size_t count)
{
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    for (size_t i = 0; i < count; i++) {
        kedge_assignment_set_add(&bytes, set[i]->instance, &set[i]->content, set[i]->state);
        struct kedge_digest vouchers = kedge_assignment_vouchers(set[i]);
        if (!kedge_digest_is_zero(&vouchers))
            kedge_buf_add(&bytes, vouchers.bytes, sizeof vouchers.bytes);
    }
    return kedge_digest_of(bytes.data, bytes.size);
}
