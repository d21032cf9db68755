/* SPDX-License-Identifier: Apache-2.0 */
/* An application that uses a model all the time: reads where it is from the agent's models.json, as
 * `kedge-agent models` does, and asks it. usage: watch STATE_DIR INSTANCE; SIGTERM ends it.
 *
 * A gap is a moment without an answer from the endpoint that was given, unless a second look gives
 * another endpoint, which is then asked. Prints {"asked", "gaps", "versions"}; exit 1 with gaps. */
#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MS 5

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

/* The port of the instance's endpoint; 0 when there is none. */
static int find_port(const char *state, const char *instance)
{
    char path[4096];
    int port = 0;
    snprintf(path, sizeof path, "%s/models.json", state);
    json_t *models = json_load_file(path, 0, NULL), *row;
    size_t i;
    json_array_foreach (json_object_get(models, "models"), i, row) {
        const char *endpoint = json_string_value(json_object_get(row, "endpoint"));
        const char *name = json_string_value(json_object_get(row, "name"));
        if (name && endpoint && strcmp(name, instance) == 0)
            port = atoi(strrchr(endpoint, ':') + 1);
    }
    json_decref(models);
    return port;
}

/* True when it answered; its version in `version`. */
static bool ask(int port, char version[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    char text[1024] = "";
    size_t size = 0;
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL) == 18)
        for (ssize_t got;
             size < sizeof text - 1 && (got = read(fd, text + size, sizeof text - 1 - size)) > 0;)
            size += (size_t)got;
    close(fd);
    const char *body = strstr(text, "{\"version\": \"");
    return body && sscanf(body, "{\"version\": \"%63[^\"]", version) == 1;
}

static void note_gap(const char *state, const char *instance, const char *what)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    fprintf(stderr, "%lld.%03ld gap: %s of %s in %s\n", (long long)now.tv_sec,
            now.tv_nsec / 1000000, what, instance, state);
}

static bool served(const char *state, const char *instance, char version[64])
{
    int port = find_port(state, instance);
    for (int tries = 0; tries < 8; tries++) {
        if (port && ask(port, version))
            return true;
        int other = find_port(state, instance);
        if (other == port)
            break;
        port = other;
    }
    note_gap(state, instance, port ? "no answer" : "no endpoint");
    return false;
}

int main(int argc, char **argv)
{
    char link[4096], version[64];
    struct stat st;
    long asked = 0, gaps = 0;
    if (argc != 3)
        return 64;
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    snprintf(link, sizeof link, "%s/current/%s", argv[1], argv[2]);
    json_t *versions = json_object();
    for (; !ended; asked++) {
        if (served(argv[1], argv[2], version))
            json_object_set_new(versions, version, json_true());
        else
            gaps++;
        if (stat(link, &st) < 0 && ++gaps)
            note_gap(argv[1], argv[2], "no current link");
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    }
    json_t *result = json_pack("{s:I, s:I, s:o}", "asked", (json_int_t)asked, "gaps",
                               (json_int_t)gaps, "versions", versions);
    json_dumpf(result, stdout, JSON_SORT_KEYS);
    puts("");
    json_decref(result);
    return gaps ? EXIT_FAILURE : EXIT_SUCCESS;
}
