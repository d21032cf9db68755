/* SPDX-License-Identifier: Apache-2.0 */
/* A small inference server, run by kedge-agent as the model's process.
 *
 *     vibration-serve model.safetensors
 *
 * GET /healthz scores reference windows: 200 when the model tells healthy from faulty, 503 when
 * not. POST /v1/score takes a JSON array of 256 samples (g) and answers
 * {"anomaly": 0.97, "faulty": true, "version": "1.0.0"}. Listens on 127.0.0.1:$KEDGE_PORT;
 * config.json named by $KEDGE_CONFIG may set {"threshold": 0.5}. */
#include <jansson.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include "detector.h"

#define BODY_LIMIT        16384
#define REFERENCE_WINDOWS 100

struct server {
    struct detector detector;
    const char *version;
    double threshold;
};

struct body {
    char text[BODY_LIMIT];
    size_t size;
    bool too_large;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *json)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(json), (void *)(uintptr_t)json,
                                        MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static float score(const struct server *server, const float samples[WINDOW_SAMPLES])
{
    float features[DETECTOR_BANDS_MAX];
    detector_features(&server->detector, samples, features);
    return detector_score(&server->detector, features, NULL);
}

/* Scores reference windows of both kinds: a model that cannot tell them apart must not serve. */
static enum MHD_Result answer_health(const struct server *server, struct MHD_Connection *connection)
{
    struct window_random random = {.state = 0x7265666572656e63ULL};
    float samples[WINDOW_SAMPLES];
    unsigned right = 0;
    char json[96];

    for (unsigned i = 0; i < REFERENCE_WINDOWS; i++) {
        if (i % 2)
            window_faulty(&random, 0.8, samples);
        else
            window_healthy(&random, samples);
        right += (score(server, samples) >= server->threshold) == (i % 2);
    }
    bool good = right * 4 >= REFERENCE_WINDOWS * 3;
    snprintf(json, sizeof(json), "{\"healthy\":%s,\"accuracy\":%.2f}", good ? "true" : "false",
             (double)right / REFERENCE_WINDOWS);
    return answer(connection, good ? 200 : 503, json);
}

static enum MHD_Result answer_score(const struct server *server, struct MHD_Connection *connection,
                                    const struct body *body)
{
    json_t *array = json_loadb(body->text, body->size, 0, NULL);
    float samples[WINDOW_SAMPLES];
    char json[160];

    bool good = !body->too_large && json_array_size(array) == WINDOW_SAMPLES;
    for (size_t i = 0; good && i < WINDOW_SAMPLES; i++) {
        good = json_is_number(json_array_get(array, i));
        samples[i] = (float)json_number_value(json_array_get(array, i));
    }
    json_decref(array);
    if (!good)
        return answer(connection, 400, "{\"error\":\"expected a JSON array of 256 numbers\"}");
    float anomaly = score(server, samples);
    snprintf(json, sizeof(json), "{\"anomaly\":%.4f,\"faulty\":%s,\"version\":\"%s\"}", anomaly,
             anomaly >= server->threshold ? "true" : "false", server->version);
    return answer(connection, 200, json);
}

static enum MHD_Result on_request(void *payload, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *http, const char *upload,
                                  size_t *upload_size, void **context)
{
    const struct server *server = payload;
    (void)http;

    if (!*context) {
        *context = calloc(1, sizeof(struct body));
        return *context ? MHD_YES : MHD_NO;
    }
    struct body *body = *context;
    if (*upload_size) {
        body->too_large |= *upload_size > BODY_LIMIT - body->size;
        if (!body->too_large) {
            memcpy(body->text + body->size, upload, *upload_size);
            body->size += *upload_size;
        }
        *upload_size = 0;
        return MHD_YES;
    }
    if (!strcmp(url, "/healthz") && !strcmp(method, "GET"))
        return answer_health(server, connection);
    if (!strcmp(url, "/v1/score") && !strcmp(method, "POST"))
        return answer_score(server, connection, body);
    return answer(connection, 404, "{\"error\":\"no such resource\"}");
}

static void on_completed(void *payload, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    (void)payload;
    (void)connection;
    (void)code;
    free(*context);
}

static double read_threshold(void)
{
    const char *path = getenv("KEDGE_CONFIG");
    json_t *config = path ? json_load_file(path, 0, NULL) : NULL;
    json_t *threshold = json_object_get(config, "threshold");
    double value = json_is_number(threshold) ? json_number_value(threshold) : 0.5;
    json_decref(config);
    return value;
}

int main(int argc, char **argv)
{
    struct server server = {.version =
                                getenv("KEDGE_VERSION") ? getenv("KEDGE_VERSION") : "unknown",
                            .threshold = read_threshold()};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char why[128] = "";

    if (argc != 2) {
        fprintf(stderr, "usage: vibration-serve model.safetensors\n");
        return 64;
    }
    if (!detector_load(&server.detector, argv[1], why, sizeof(why))) {
        fprintf(stderr, "vibration-serve: '%s': %s\n", argv[1], why);
        return 1;
    }
    address.sin_port =
        htons((uint16_t)strtoul(getenv("KEDGE_PORT") ? getenv("KEDGE_PORT") : "8080", NULL, 10));

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, &server,
                         MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
                         NULL, MHD_OPTION_CONNECTION_LIMIT, 64U, MHD_OPTION_CONNECTION_TIMEOUT, 30U,
                         MHD_OPTION_END);
    if (!daemon) {
        fprintf(stderr, "vibration-serve: cannot listen on 127.0.0.1:%u\n",
                ntohs(address.sin_port));
        return 1;
    }
    printf("vibration-serve %s: %zu bands, %zu hidden, on 127.0.0.1:%u\n", server.version,
           server.detector.bands, server.detector.hidden, ntohs(address.sin_port));
    fflush(stdout);
    int signal;
    sigwait(&signals, &signal);
    MHD_stop_daemon(daemon);
    return 0;
}
