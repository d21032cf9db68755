/* SPDX-License-Identifier: Apache-2.0 */
#include "kedge/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fs.h"
#include "base/limits.h"
#include "child.h"
#include "net/httpc.h"
#include "state/workload.h"

/* The port that the probe names, or the first; 0 when there is none. */
static uint16_t probed_port(const struct kedge_runtime_spec *spec,
                            const struct kedge_runtime_status *status)
{
    for (uint32_t i = 0; i < spec->port_count && i < status->port_count; i++)
        if (!spec->probe.port ||
            (spec->ports[i].name && strcmp(spec->ports[i].name, spec->probe.port) == 0))
            return status->ports[i];
    return 0;
}

static int probe_http(const struct kedge_runtime_unit *unit, uint16_t port, struct kedge_err *err)
{
    const struct kedge_probe *probe = &unit->spec->probe;
    kedge_auto(kedge_buf) struct kedge_buf url = {0}, body = {0};
    const char *path = probe->path ? probe->path : "/";
    kedge_buf_printf(&url, "http://127.0.0.1:%u%s%s", port, path[0] == '/' ? "" : "/", path);
    const struct kedge_httpc_request request = {.url = url.data, .timeout = probe->timeout};
    struct kedge_httpc_answer answer;
    kedge_auto(kedge_httpc) struct kedge_httpc *client = kedge_httpc_new();
    int code = kedge_httpc_open(client, &request, &answer, err);
    if (code)
        return code;
    if (answer.status < 200 || answer.status >= 400)
        return kedge_err_set(err, KEDGE_UNAVAILABLE, "GET %s answered with status %d", path,
                             answer.status);
    /* A larger body is no fault of its health: the rest is not read. */
    code = kedge_httpc_read_all(client, KEDGE_LIMIT_PROBE_BODY, &body, err);
    return code == KEDGE_LIMIT ? 0 : code;
}

static int probe_tcp(const struct kedge_runtime_unit *unit, uint16_t port, struct kedge_err *err)
{
    kedge_auto(kedge_fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                        .sin_port = htons(port)};
    if (fd < 0)
        return kedge_err_sys(err, errno, "cannot create a socket");
    int sys = connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 ? errno : 0;
    if (sys == EINPROGRESS) {
        struct pollfd done = {.fd = fd, .events = POLLOUT};
        if (poll(&done, 1, (int)unit->spec->probe.timeout) == 0)
            return kedge_err_set(err, KEDGE_TIMEOUT, "port %u did not answer in time", port);
        socklen_t size = sizeof sys;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &size) < 0)
            sys = errno;
    }
    if (sys)
        return kedge_err_set(err, KEDGE_UNAVAILABLE, "port %u: %s", port, strerrordesc_np(sys));
    return 0;
}

int kedge_probe_run(const struct kedge_runtime_unit *unit,
                    const struct kedge_runtime_status *status, struct kedge_err *err)
{
    const struct kedge_probe *probe = &unit->spec->probe;
    uint16_t port = probed_port(unit->spec, status);
    if (!port && (probe->kind == KEDGE_PROBE_HTTP || probe->kind == KEDGE_PROBE_TCP))
        return kedge_err_set(err, KEDGE_INVALID, "the probe names a port that the unit lacks");
    switch (probe->kind) {
    case KEDGE_PROBE_HTTP:
        return probe_http(unit, port, err);
    case KEDGE_PROBE_TCP:
        return probe_tcp(unit, port, err);
    case KEDGE_PROBE_EXEC:
        return kedge_child_run(unit, status, &probe->command, probe->timeout, err);
    case KEDGE_PROBE_NONE:
        break;
    }
    return 0;
}

const char *kedge_probe_endpoint(const struct kedge_runtime_spec *spec,
                                 const struct kedge_runtime_status *status,
                                 char text[KEDGE_PROBE_ENDPOINT])
{
    bool http = spec->probe.kind == KEDGE_PROBE_HTTP || spec->handler_count;
    text[0] = '\0';
    if (status->port_count)
        snprintf(text, KEDGE_PROBE_ENDPOINT, "%s://127.0.0.1:%u", http ? "http" : "tcp",
                 status->ports[0]);
    return text;
}
