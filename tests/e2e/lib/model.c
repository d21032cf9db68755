/* SPDX-License-Identifier: Apache-2.0 */
/* A model as small as one can be: the file `version` in its package is all it knows, the file
 * `behaviour` says how it does:
 *
 *   ok         answers; /healthz 200
 *   sick       answers; /healthz 503
 *   crash      ends at once with status 3
 *   deaf       never listens
 *   stubborn   as ok, and does not mind SIGTERM
 *
 * With the argument "check" it is the exec probe: 0 where /healthz would say 200. */
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void read_word(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file || !fgets(out, (int)size, file))
        out[0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    if (file)
        fclose(file);
}

static int listen_on(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 64) < 0) {
        perror("model: bind");
        exit(EXIT_FAILURE);
    }
    return fd;
}

static void answer(int fd, const char *version, bool sick)
{
    char request[2048] = "", body[512];
    const char *config = getenv("KEDGE_CONFIG");
    char settings[256];
    read_word(config ? config : "", settings, sizeof settings);
    if (read(fd, request, sizeof request - 1) <= 0)
        return;
    bool refuse = sick && strncmp(request, "GET /healthz ", 13) == 0;
    int size = snprintf(body, sizeof body, "{\"version\": \"%s\", \"pid\": %d, \"config\": %s}\n",
                        version, (int)getpid(), settings[0] ? settings : "null");
    dprintf(fd,
            "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
            "Connection: close\r\n\r\n%s",
            refuse ? "503 Service Unavailable" : "200 OK", size, body);
}

int main(int argc, char **argv)
{
    char version[64], behaviour[16];
    read_word("version", version, sizeof version);
    read_word("behaviour", behaviour, sizeof behaviour);
    bool sick = strcmp(behaviour, "sick") == 0;
    if (argc > 1 && strcmp(argv[1], "check") == 0)
        return sick ? EXIT_FAILURE : EXIT_SUCCESS;
    printf("version %s, %s\n", version, behaviour);
    fflush(stdout);
    if (strcmp(behaviour, "crash") == 0)
        return 3;
    if (strcmp(behaviour, "stubborn") == 0)
        signal(SIGTERM, SIG_IGN);
    const char *port = getenv("KEDGE_PORT");
    if (!port || strcmp(behaviour, "deaf") == 0)
        for (;;)
            pause();
    signal(SIGPIPE, SIG_IGN);
    for (int listener = listen_on(port);;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        answer(fd, version, sick);
        shutdown(fd, SHUT_WR);
        close(fd);
    }
}
