/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers.h"

#include <string.h>
#include <strings.h>

static const struct kedge_transport_ops *const drivers[] = {
    &kedge_transport_http_ops,
    &kedge_transport_https_ops,
    &kedge_transport_loop_ops,
};

int kedge_transport_open(const struct kedge_transport_config *config, struct kedge_transport **out,
                         struct kedge_err *err)
{
    size_t scheme = strcspn(config->url, ":");
    for (size_t i = 0; i < KEDGE_COUNT(drivers); i++)
        if (config->url[scheme] == ':' && strlen(drivers[i]->scheme) == scheme &&
            strncasecmp(drivers[i]->scheme, config->url, scheme) == 0)
            return drivers[i]->open(config, out, err);
    return kedge_err_set(err, KEDGE_UNSUPPORTED,
                         "'%.200s' is not a server this agent can reach: use http: or https:",
                         config->url);
}

void kedge_transport_close(struct kedge_transport *transport)
{
    if (transport)
        transport->ops->close(transport);
}
