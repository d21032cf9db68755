/* SPDX-License-Identifier: Apache-2.0 */
#include "post.h"

#include <string.h>

#include "net/httpc.h"

#define TIMEOUT 30000 /* ms */

int kedge_post(const struct kedge_errand *errand, const char *path, struct kedge_slice envelope,
               size_t limit, int *status, struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(kedge_httpc) struct kedge_httpc *client = kedge_httpc_new();
    kedge_auto(kedge_buf) struct kedge_buf url = {0}, body = {0};
    size_t base = strlen(errand->server);
    while (base && errand->server[base - 1] == '/')
        base--;
    kedge_buf_add(&url, errand->server, base);
    kedge_buf_puts(&url, path);
    const struct kedge_httpc_request request = {
        .url = url.data,
        .post = true,
        .body = envelope,
        .content_type = "application/vnd.dsse.envelope.v1+json",
        .ca_file = errand->ca_file,
        .timeout = TIMEOUT,
    };
    struct kedge_httpc_answer answer;
    int code = kedge_httpc_open(client, &request, &answer, err);
    if (code)
        return code;
    if (answer.status >= 200 && answer.status < 300)
        code = kedge_httpc_read_all(client, limit, &body, err);
    else
        code = kedge_httpc_refused(client, answer.status, err);
    kedge_httpc_close(client);
    if (code)
        return code;
    *status = answer.status;
    kedge_buf_add(out, body.data, body.size);
    return 0;
}
