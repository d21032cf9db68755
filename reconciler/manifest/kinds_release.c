/* SPDX-License-Identifier: Apache-2.0 */
/* What can be placed on a device: models, their versions, data sets, applications. */
#include <string.h>

#include "base/limits.h"
#include "decode.h"
#include "kinds.h"

const struct kedge_words kedge_arch_words =
    KEDGE_WORDS("amd64", "arm64", "arm", "386", "riscv64", "ppc64le", "s390x");

/* --- artifact --- */

static const struct kedge_field artifact_fields[] = {
    {"url", KEDGE_FIELD_URL, KEDGE_MEMBER(struct kedge_artifact_ref, url),
     .flags = KEDGE_FIELD_REQUIRED,
     .about = "where the artifact is: file:, https:, http: or hub: (the hub's own blob store)",
     .example = "\"https://models.example/anomaly-1.0.0.tar.gz\""},
    {"digest", KEDGE_FIELD_DIGEST, KEDGE_MEMBER(struct kedge_artifact_ref, digest),
     .flags = KEDGE_FIELD_REQUIRED, .about = "SHA-256 of the artifact's bytes",
     .example = "\"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\""},
    {"size", KEDGE_FIELD_INTEGER, KEDGE_MEMBER(struct kedge_artifact_ref, size),
     .flags = KEDGE_FIELD_REQUIRED, .min = 1, .max = KEDGE_LIMIT_ARTIFACT,
     .about = "exact size in bytes", .example = "1482240"},
    {"format", KEDGE_FIELD_ENUM, KEDGE_MEMBER(struct kedge_artifact_ref, format),
     .words = &kedge_format_words,
     .about = "how it is packed; left out, the ending of the url decides, else it is one file",
     .example = "\"tar.gz\""},
};

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static void finish_artifact(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                            void *value)
{
    static const struct {
        const char *end;
        enum kedge_format format;
    } endings[] = {
        {".zip", KEDGE_FORMAT_ZIP},         {".tar", KEDGE_FORMAT_TAR},
        {".tar.gz", KEDGE_FORMAT_TAR_GZ},   {".tgz", KEDGE_FORMAT_TAR_GZ},
        {".tar.zst", KEDGE_FORMAT_TAR_ZST}, {"", KEDGE_FORMAT_FILE},
    };
    struct kedge_artifact_ref *artifact = value;
    (void)decoder, (void)node;
    for (size_t i = 0; artifact->format == KEDGE_FORMAT_NONE; i++)
        if (ends_with(artifact->url, endings[i].end))
            artifact->format = endings[i].format;
}

const struct kedge_record kedge_artifact_record =
    KEDGE_RECORD("artifact", struct kedge_artifact_ref, artifact_fields,
                 .about = "what is fetched, verified and unpacked", .finish = finish_artifact);

/* --- runtime --- */

static const struct kedge_field env_fields[] = {
    {"name", KEDGE_FIELD_VARIABLE, KEDGE_MEMBER(struct kedge_label, key),
     .flags = KEDGE_FIELD_REQUIRED, .about = "name of the environment variable",
     .example = "\"THREADS\""},
    {"value", KEDGE_FIELD_TEXT, KEDGE_MEMBER(struct kedge_label, value),
     .flags = KEDGE_FIELD_REQUIRED, .about = "its value", .example = "\"2\""},
};
static const struct kedge_record env_record =
    KEDGE_RECORD("variable", struct kedge_label, env_fields, .about = "an environment variable");

static const struct kedge_field port_fields[] = {
    {"name", KEDGE_FIELD_NAME, KEDGE_MEMBER(struct kedge_port, name), .flags = KEDGE_FIELD_REQUIRED,
     .about = "name of the port, for probes and applications", .example = "\"http\""},
    {"port", KEDGE_FIELD_INTEGER, KEDGE_MEMBER(struct kedge_port, port), .min = 1, .max = 65535,
     .about = "fixed number; left out, the agent picks a free one", .example = "8080"},
};
static const struct kedge_record port_record =
    KEDGE_RECORD("port", struct kedge_port, port_fields, .about = "a TCP port of the instance");

static const struct kedge_field http_fields[] = {
    {"path", KEDGE_FIELD_PATH, KEDGE_MEMBER(struct kedge_probe, path), .preset = "/",
     .about = "path of the request; any 2xx or 3xx answer passes", .example = "\"/healthz\""},
    {"port", KEDGE_FIELD_NAME, KEDGE_MEMBER(struct kedge_probe, port),
     .about = "name of the port; left out, the first", .example = "\"http\""},
};
static const struct kedge_record http_record =
    KEDGE_RECORD("http", struct kedge_probe, http_fields, .about = "probe by an HTTP request");

static const struct kedge_field tcp_fields[] = {
    {"port", KEDGE_FIELD_NAME, KEDGE_MEMBER(struct kedge_probe, port),
     .about = "name of the port; left out, the first", .example = "\"http\""},
};
static const struct kedge_record tcp_record =
    KEDGE_RECORD("tcp", struct kedge_probe, tcp_fields, .about = "probe by a TCP connection");

static const struct kedge_field exec_fields[] = {
    {"command", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_probe, command),
     .item = KEDGE_FIELD_STRING, .flags = KEDGE_FIELD_REQUIRED,
     .about = "program and arguments; exit 0 passes", .example = "[\"./check\"]"},
};
static const struct kedge_record exec_record =
    KEDGE_RECORD("exec", struct kedge_probe, exec_fields, .about = "probe by a command");

static const struct kedge_field probe_fields[] = {
    {"http", KEDGE_FIELD_OBJECT, .record = &http_record, .choice = 1,
     KEDGE_MARK(struct kedge_probe, kind, KEDGE_PROBE_HTTP), .about = "ask over HTTP",
     .example = "{\"path\": \"/healthz\"}"},
    {"tcp", KEDGE_FIELD_OBJECT, .record = &tcp_record, .choice = 1,
     KEDGE_MARK(struct kedge_probe, kind, KEDGE_PROBE_TCP), .about = "open a connection",
     .example = "{\"port\": \"http\"}"},
    {"exec", KEDGE_FIELD_OBJECT, .record = &exec_record, .choice = 1,
     KEDGE_MARK(struct kedge_probe, kind, KEDGE_PROBE_EXEC), .about = "run a command",
     .example = "{\"command\": [\"./check\"]}"},
    {"initialDelay", KEDGE_FIELD_DURATION, KEDGE_MEMBER(struct kedge_probe, initial_delay),
     .preset = "0s", .about = "wait before the first try", .example = "\"5s\""},
    {"period", KEDGE_FIELD_DURATION, KEDGE_MEMBER(struct kedge_probe, period), .preset = "2s",
     .min = 100, .about = "time between tries", .example = "\"2s\""},
    {"timeout", KEDGE_FIELD_DURATION, KEDGE_MEMBER(struct kedge_probe, timeout), .preset = "1s",
     .min = 1, .about = "time one try may take", .example = "\"1s\""},
    {"startWithin", KEDGE_FIELD_DURATION, KEDGE_MEMBER(struct kedge_probe, start_within),
     .preset = "60s", .min = 1, .about = "it must have passed by then, or the start has failed",
     .example = "\"2m\""},
    {"successThreshold", KEDGE_FIELD_INTEGER, KEDGE_MEMBER(struct kedge_probe, success_threshold),
     .preset = "1", .min = 1, .max = 1000, .about = "passes in a row that make it healthy",
     .example = "1"},
    {"failureThreshold", KEDGE_FIELD_INTEGER, KEDGE_MEMBER(struct kedge_probe, failure_threshold),
     .preset = "3", .min = 1, .max = 1000, .about = "failures in a row that make it unhealthy",
     .example = "3"},
};
static const struct kedge_record probe_record =
    KEDGE_RECORD("probe", struct kedge_probe, probe_fields,
                 .about = "how the agent asks whether it serves");

static const struct kedge_field handler_fields[] = {
    {"name", KEDGE_FIELD_NAME, KEDGE_MEMBER(struct kedge_handler, name),
     .flags = KEDGE_FIELD_REQUIRED, .about = "what applications ask for", .example = "\"score\""},
    {"path", KEDGE_FIELD_PATH, KEDGE_MEMBER(struct kedge_handler, path),
     .flags = KEDGE_FIELD_REQUIRED, .about = "path of the HTTP endpoint it answers at",
     .example = "\"/v1/score\""},
};
static const struct kedge_record handler_record =
    KEDGE_RECORD("handler", struct kedge_handler, handler_fields,
                 .about = "an endpoint of the model");

static const struct kedge_field resource_fields[] = {
    {"memory", KEDGE_FIELD_QUANTITY, KEDGE_MEMBER(struct kedge_resources, memory),
     .about = "most memory", .example = "\"512Mi\""},
    {"files", KEDGE_FIELD_INTEGER, KEDGE_MEMBER(struct kedge_resources, files), .min = 1,
     .max = 1048576, .about = "most open descriptors", .example = "256"},
    {"processes", KEDGE_FIELD_INTEGER, KEDGE_MEMBER(struct kedge_resources, processes), .min = 1,
     .max = 1048576, .about = "most processes and threads", .example = "32"},
};
static const struct kedge_record resources_record =
    KEDGE_RECORD("resources", struct kedge_resources, resource_fields,
                 .about = "limits of the instance");

static const struct kedge_field hook_fields[] = {
    {"command", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_hook, command),
     .item = KEDGE_FIELD_STRING, .flags = KEDGE_FIELD_REQUIRED, .about = "program and arguments",
     .example = "[\"./warm-up\"]"},
    {"timeout", KEDGE_FIELD_DURATION, KEDGE_MEMBER(struct kedge_hook, timeout), .preset = "60s",
     .min = 1, .about = "it is stopped and has failed after this", .example = "\"30s\""},
};
static const struct kedge_record hook_record =
    KEDGE_RECORD("hook", struct kedge_hook, hook_fields, .about = "a command around the start");

static const struct kedge_field hooks_fields[] = {
    {"beforeStart", KEDGE_FIELD_OBJECT, KEDGE_MEMBER(struct kedge_runtime_spec, before_start),
     .record = &hook_record, .about = "runs before the instance starts; failure stops the start",
     .example = "{\"command\": [\"./warm-up\"]}"},
    {"afterStop", KEDGE_FIELD_OBJECT, KEDGE_MEMBER(struct kedge_runtime_spec, after_stop),
     .record = &hook_record, .about = "runs after the instance has stopped",
     .example = "{\"command\": [\"./clean-up\"]}"},
};
static const struct kedge_record hooks_record =
    KEDGE_RECORD("hooks", struct kedge_runtime_spec, hooks_fields,
                 .about = "commands around the start");

static const struct kedge_field runtime_fields[] = {
    {"driver", KEDGE_FIELD_ENUM, KEDGE_MEMBER(struct kedge_runtime_spec, driver),
     .words = &kedge_driver_words, .preset = "files", .inert = " container ",
     .about = "files: data only; process: a supervised child; container: an image",
     .example = "\"process\""},
    {"command", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_runtime_spec, command),
     .item = KEDGE_FIELD_STRING,
     .about = "program and arguments; a relative program with a '/' lies in the package",
     .example = "[\"./serve\", \"model.safetensors\"]"},
    {"image", KEDGE_FIELD_STRING, KEDGE_MEMBER(struct kedge_runtime_spec, image),
     .about = "container image", .example = "\"registry.example/serve:1.0\""},
    {"env", KEDGE_FIELD_OBJECTS, KEDGE_MEMBER(struct kedge_runtime_spec, env.at),
     KEDGE_PARSED(struct kedge_runtime_spec, env.count), .record = &env_record,
     .flags = KEDGE_FIELD_UNIQUE | KEDGE_FIELD_SORTED, .about = "environment variables",
     .example = "[{\"name\": \"THREADS\", \"value\": \"2\"}]"},
    {"ports", KEDGE_FIELD_OBJECTS, KEDGE_MEMBER(struct kedge_runtime_spec, ports),
     KEDGE_PARSED(struct kedge_runtime_spec, port_count), .record = &port_record,
     .flags = KEDGE_FIELD_UNIQUE, .about = "TCP ports it listens on",
     .example = "[{\"name\": \"http\"}]"},
    {"probe", KEDGE_FIELD_OBJECT, KEDGE_MEMBER(struct kedge_runtime_spec, probe),
     .record = &probe_record, .about = "health probe; it decides whether an update has worked",
     .example = "{\"http\": {\"path\": \"/healthz\"}}"},
    {"handlers", KEDGE_FIELD_OBJECTS, KEDGE_MEMBER(struct kedge_runtime_spec, handlers),
     KEDGE_PARSED(struct kedge_runtime_spec, handler_count), .record = &handler_record,
     .flags = KEDGE_FIELD_UNIQUE, .about = "endpoints that applications on the device may use",
     .example = "[{\"name\": \"score\", \"path\": \"/v1/score\"}]"},
    {"resources", KEDGE_FIELD_OBJECT, KEDGE_MEMBER(struct kedge_runtime_spec, resources),
     .record = &resources_record, .about = "limits", .example = "{\"memory\": \"512Mi\"}"},
    {"handover", KEDGE_FIELD_ENUM, KEDGE_MEMBER(struct kedge_runtime_spec, handover),
     .words = &kedge_handover_words, .preset = "auto",
     .about = "overlap: the old serves until the new is healthy; replace: stop, then start",
     .example = "\"overlap\""},
    {"stopTimeout", KEDGE_FIELD_DURATION, KEDGE_MEMBER(struct kedge_runtime_spec, stop_timeout),
     .preset = "10s", .about = "from SIGTERM to SIGKILL", .example = "\"30s\""},
    {"hooks", KEDGE_FIELD_OBJECT, .record = &hooks_record, .about = "commands around the start",
     .example = "{\"beforeStart\": {\"command\": [\"./warm-up\"]}}"},
};

static bool has_port(const struct kedge_runtime_spec *runtime, const char *name)
{
    for (uint32_t i = 0; i < runtime->port_count; i++)
        if (!name || strcmp(runtime->ports[i].name, name) == 0)
            return true;
    return false;
}

static void finish_runtime(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                           void *value)
{
    const struct kedge_runtime_spec *runtime = value;
    if (runtime->driver == KEDGE_DRIVER_PROCESS && runtime->command.count == 0)
        kedge_decode_refuse(decoder, node, "runtime", "give the program and its arguments",
                            "driver 'process' needs a command");
    if (runtime->driver == KEDGE_DRIVER_CONTAINER && !runtime->image)
        kedge_decode_refuse(decoder, node, "runtime", "name the image",
                            "driver 'container' needs an image");
    if (runtime->driver == KEDGE_DRIVER_FILES && runtime->command.count)
        kedge_decode_refuse(decoder, kedge_decode_child(node, "command"), "runtime",
                            "choose 'driver: process', or remove the command",
                            "driver 'files' runs no command");
    const struct kedge_probe *probe = &runtime->probe;
    bool dials = probe->kind == KEDGE_PROBE_HTTP || probe->kind == KEDGE_PROBE_TCP;
    if (dials && !has_port(runtime, probe->port))
        kedge_decode_refuse(decoder, kedge_decode_child(node, "probe"), "probe-port",
                            "declare the port in 'ports'",
                            probe->port ? "the probe's port '%s' is not declared"
                                        : "the probe needs a port and none is declared",
                            probe->port);
}

const struct kedge_record kedge_runtime_record =
    KEDGE_RECORD("runtime", struct kedge_runtime_spec, runtime_fields,
                 .about = "how an instance is run", .finish = finish_runtime);

static const struct kedge_field requires_fields[] = {
    {"arch", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_requires, arch), .item = KEDGE_FIELD_WORD,
     .words = &kedge_arch_words, .about = "any of these processor architectures",
     .example = "[\"arm64\"]"},
    {"memory", KEDGE_FIELD_QUANTITY, KEDGE_MEMBER(struct kedge_requires, memory),
     .about = "least memory of the device", .example = "\"1Gi\""},
    {"disk", KEDGE_FIELD_QUANTITY, KEDGE_MEMBER(struct kedge_requires, disk),
     .about = "least disk of the device", .example = "\"2Gi\""},
    {"accelerators", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_requires, accelerators),
     .item = KEDGE_FIELD_STRING, .about = "all of these accelerators", .example = "[\"cuda\"]"},
    {"runtimes", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_requires, runtimes),
     .item = KEDGE_FIELD_STRING, .about = "all of these runtimes", .example = "[\"python3.11\"]"},
    {"agent", KEDGE_FIELD_RANGE, KEDGE_MEMBER(struct kedge_requires, agent_text),
     KEDGE_PARSED(struct kedge_requires, agent), .about = "versions of kedge-agent that can run it",
     .example = "\">=0.1.0\""},
};
const struct kedge_record kedge_requires_record =
    KEDGE_RECORD("requires", struct kedge_requires, requires_fields,
                 .about = "what a device must have");

/* --- Model --- */

static const struct kedge_field model_fields[] = {
    {"title", KEDGE_FIELD_STRING, KEDGE_MEMBER(struct kedge_model, title),
     .about = "what people call it", .example = "\"Bearing anomaly detector\""},
    {"description", KEDGE_FIELD_TEXT, KEDGE_MEMBER(struct kedge_model, description),
     .about = "what it does", .example = "\"Scores a vibration window\""},
    {"owners", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_model, owners),
     .item = KEDGE_FIELD_STRING, .about = "who answers for it",
     .example = "[\"data-science@plant.example\"]"},
    {"licence", KEDGE_FIELD_STRING, KEDGE_MEMBER(struct kedge_model, licence),
     .about = "SPDX licence expression", .example = "\"Apache-2.0\""},
    {"access", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_model, access),
     .item = KEDGE_FIELD_REFERENCE, .kind = KEDGE_KIND_APPLICATION,
     .about = "applications that may use it on the device; left out: all",
     .example = "[\"line-control\"]"},
};
const struct kedge_record kedge_model_record =
    KEDGE_RECORD("Model", struct kedge_model, model_fields,
                 .about = "A model: what its versions have in common, and who may use it.");

/* --- signatures --- */

static const struct kedge_field signature_fields[] = {
    {"keyId", KEDGE_FIELD_STRING, KEDGE_MEMBER(struct kedge_signature, key_id),
     .flags = KEDGE_FIELD_REQUIRED, .about = "minisign's id of the release key",
     .example = "\"F16F0D59D52F28AA\""},
    {"value", KEDGE_FIELD_TEXT, KEDGE_MEMBER(struct kedge_signature, value),
     .flags = KEDGE_FIELD_REQUIRED, .about = "the signature: minisign's four lines",
     .example = "\"untrusted comment: ...\""},
};

static void finish_signature(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                             void *value)
{
    struct kedge_signature *signature = value;
    signature->at = kedge_decode_position(decoder, node);
}

static const struct kedge_record signature_record =
    KEDGE_RECORD("signature", struct kedge_signature, signature_fields,
                 .about = "a release signature, as `kedge model sign` writes it",
                 .finish = finish_signature);

/* --- ModelVersion --- */

static const struct kedge_field evaluation_fields[] = {
    {"dataset", KEDGE_FIELD_REFERENCE, KEDGE_MEMBER(struct kedge_evaluation, dataset),
     .kind = KEDGE_KIND_DATASET, .about = "data set it was measured on",
     .example = "\"bearings-2025\""},
    {"metric", KEDGE_FIELD_STRING, KEDGE_MEMBER(struct kedge_evaluation, metric),
     .flags = KEDGE_FIELD_REQUIRED, .about = "what was measured", .example = "\"accuracy\""},
    {"value", KEDGE_FIELD_NUMBER, KEDGE_MEMBER(struct kedge_evaluation, value),
     .flags = KEDGE_FIELD_REQUIRED, .about = "the measured value", .example = "0.97"},
};
static const struct kedge_record evaluation_record =
    KEDGE_RECORD("evaluation", struct kedge_evaluation, evaluation_fields,
                 .about = "one measured property of a version");

static const struct kedge_words verdicts = KEDGE_WORDS("clean", "findings", "unscannable");

static const struct kedge_field scan_fields[] = {
    {"verdict", KEDGE_FIELD_WORD, KEDGE_MEMBER(struct kedge_scan_result, verdict),
     .words = &verdicts, .flags = KEDGE_FIELD_REQUIRED, .about = "outcome of the scan",
     .example = "\"clean\""},
    {"scanner", KEDGE_FIELD_STRING, KEDGE_MEMBER(struct kedge_scan_result, scanner),
     .about = "what scanned it", .example = "\"kedge 0.1.0\""},
    {"at", KEDGE_FIELD_TIMESTAMP, KEDGE_MEMBER(struct kedge_scan_result, at), .about = "when",
     .example = "\"2026-03-01T12:00:00Z\""},
};
static const struct kedge_record scan_record =
    KEDGE_RECORD("scan", struct kedge_scan_result, scan_fields,
                 .about = "recorded result of a scan");

#define RELEASE_VERSION(type)                                                                      \
    {                                                                                              \
        "version", KEDGE_FIELD_VERSION, KEDGE_MEMBER(type, release.version_text),                  \
            KEDGE_PARSED(type, release.version),                                                   \
            .flags = KEDGE_FIELD_REQUIRED,                                                         \
            .about = "semantic version; what it names never changes", .example = "\"1.0.0\""       \
    }
#define RELEASE_SIGNATURES(type)                                                                   \
    {                                                                                              \
        "signatures", KEDGE_FIELD_OBJECTS, KEDGE_MEMBER(type, release.signatures),                 \
            KEDGE_PARSED(type, release.signature_count),                                           \
            .record = &signature_record, .about = "release signatures over the artifact",          \
            .example = "[{\"keyId\": \"F16F0D59D52F28AA\", \"value\": \"untrusted comment: "       \
                       "...\"}]"                                                                   \
    }
#define RELEASE_RUNTIME(type)                                                                      \
    {                                                                                              \
        "runtime", KEDGE_FIELD_OBJECT, KEDGE_MEMBER(type, release.runtime),                        \
            .record = &kedge_runtime_record, .about = "how it is run",                             \
            .example = "{\"driver\": \"files\"}"                                                   \
    }
#define RELEASE_REQUIRES(type)                                                                     \
    {                                                                                              \
        "requires", KEDGE_FIELD_OBJECT, KEDGE_MEMBER(type, release.requires),                      \
            .record = &kedge_requires_record, .about = "what a device must have",                  \
            .example = "{\"arch\": [\"arm64\"]}"                                                   \
    }

static const struct kedge_field version_fields[] = {
    {"model", KEDGE_FIELD_REFERENCE, KEDGE_MEMBER(struct kedge_model_version, model),
     .kind = KEDGE_KIND_MODEL, .flags = KEDGE_FIELD_REQUIRED, .about = "model it is a version of",
     .example = "\"vibration-anomaly\""},
    RELEASE_VERSION(struct kedge_model_version),
    {"comment", KEDGE_FIELD_TEXT, KEDGE_MEMBER(struct kedge_model_version, comment),
     .about = "what is new", .example = "\"trained on the spring data\""},
    {"stage", KEDGE_FIELD_ENUM, KEDGE_MEMBER(struct kedge_model_version, stage),
     .words = &kedge_stage_words, .preset = "draft",
     .about = "ready: ranges may choose it; draft: only an exact version does",
     .example = "\"ready\""},
    {"artifact", KEDGE_FIELD_OBJECT, KEDGE_MEMBER(struct kedge_model_version, release.artifact),
     .record = &kedge_artifact_record, .flags = KEDGE_FIELD_REQUIRED,
     .about = "the package with the model's files",
     .example = "{\"url\": \"hub:\", \"digest\": "
                "\"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\", "
                "\"size\": 1482240, \"format\": \"tar.gz\"}"},
    RELEASE_SIGNATURES(struct kedge_model_version),
    RELEASE_RUNTIME(struct kedge_model_version),
    RELEASE_REQUIRES(struct kedge_model_version),
    {"evaluations", KEDGE_FIELD_OBJECTS, KEDGE_MEMBER(struct kedge_model_version, evaluations),
     KEDGE_PARSED(struct kedge_model_version, evaluation_count), .record = &evaluation_record,
     .about = "how good it is", .example = "[{\"metric\": \"accuracy\", \"value\": 0.97}]"},
    {"datasets", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_model_version, datasets),
     .item = KEDGE_FIELD_REFERENCE, .kind = KEDGE_KIND_DATASET,
     .about = "data sets it was made with", .example = "[\"bearings-2025\"]"},
    {"scan", KEDGE_FIELD_OBJECT, KEDGE_MEMBER(struct kedge_model_version, scan),
     .record = &scan_record, .about = "result of `kedge model scan`",
     .example = "{\"verdict\": \"clean\"}"},
};
const struct kedge_record kedge_model_version_record =
    KEDGE_RECORD("ModelVersion", struct kedge_model_version, version_fields,
                 .about = "One version of a model: its package, how it runs and what it needs.");

/* --- Dataset --- */

static const struct kedge_field dataset_fields[] = {
    {"version", KEDGE_FIELD_STRING, KEDGE_MEMBER(struct kedge_dataset, version_text),
     .about = "version of the data", .example = "\"2025-04\""},
    {"description", KEDGE_FIELD_TEXT, KEDGE_MEMBER(struct kedge_dataset, description),
     .about = "what it holds", .example = "\"two weeks of bearing vibration\""},
    {"artifact", KEDGE_FIELD_OBJECT, KEDGE_MEMBER(struct kedge_dataset, artifact),
     .record = &kedge_artifact_record, .about = "where the data is",
     .example = "{\"url\": \"hub:\", \"digest\": "
                "\"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\", "
                "\"size\": 1482240}"},
};
const struct kedge_record kedge_dataset_record =
    KEDGE_RECORD("Dataset", struct kedge_dataset, dataset_fields,
                 .about = "Data that models and applications are made, measured or run with.");

/* --- Application --- */

static const struct kedge_field use_fields[] = {
    {"model", KEDGE_FIELD_REFERENCE, KEDGE_MEMBER(struct kedge_application_model, model),
     .kind = KEDGE_KIND_MODEL, .flags = KEDGE_FIELD_REQUIRED, .about = "model it uses",
     .example = "\"vibration-anomaly\""},
    {"version", KEDGE_FIELD_RANGE, KEDGE_MEMBER(struct kedge_application_model, range_text),
     KEDGE_PARSED(struct kedge_application_model, range), .flags = KEDGE_FIELD_REQUIRED,
     .about = "exact version or npm range", .example = "\"^1.0.0\""},
    {"alias", KEDGE_FIELD_NAME, KEDGE_MEMBER(struct kedge_application_model, alias),
     .about = "what the application calls it", .example = "\"anomaly\""},
};

static void finish_use(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                       void *value)
{
    struct kedge_application_model *use = value;
    use->at = kedge_decode_position(decoder, node);
}

static const struct kedge_record use_record =
    KEDGE_RECORD("use", struct kedge_application_model, use_fields,
                 .about = "a model that the application needs", .finish = finish_use);

static const struct kedge_field application_fields[] = {
    RELEASE_VERSION(struct kedge_application),
    {"description", KEDGE_FIELD_TEXT, KEDGE_MEMBER(struct kedge_application, description),
     .about = "what it does", .example = "\"stops the line when a bearing fails\""},
    {"artifact", KEDGE_FIELD_OBJECT, KEDGE_MEMBER(struct kedge_application, release.artifact),
     .record = &kedge_artifact_record, .about = "its own package; left out: models only",
     .example = "{\"url\": \"hub:\", \"digest\": "
                "\"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\", "
                "\"size\": 1482240, \"format\": \"tar.gz\"}"},
    RELEASE_SIGNATURES(struct kedge_application),
    RELEASE_RUNTIME(struct kedge_application),
    RELEASE_REQUIRES(struct kedge_application),
    {"models", KEDGE_FIELD_OBJECTS, KEDGE_MEMBER(struct kedge_application, models),
     KEDGE_PARSED(struct kedge_application, model_count), .record = &use_record,
     .flags = KEDGE_FIELD_UNIQUE,
     .about = "models it needs: prepared, activated and rolled back with it",
     .example = "[{\"model\": \"vibration-anomaly\", \"version\": \"^1.0.0\"}]"},
    {"datasets", KEDGE_FIELD_LIST, KEDGE_MEMBER(struct kedge_application, datasets),
     .item = KEDGE_FIELD_REFERENCE, .kind = KEDGE_KIND_DATASET, .about = "data sets it needs",
     .example = "[\"bearings-2025\"]"},
};
const struct kedge_record kedge_application_record =
    KEDGE_RECORD("Application", struct kedge_application, application_fields,
                 .about = "A bundle of models and an optional program of its own, changed as one.");
