/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers.h"

#include <string.h>
#include <strings.h>

static const struct kedge_artifact_ops *const drivers[] = {
    &kedge_artifact_file_ops,
    &kedge_artifact_http_ops,
    &kedge_artifact_https_ops,
    &kedge_artifact_hub_ops,
};

int kedge_artifact_open(const struct kedge_artifact_origin *origin, int64_t *offset,
                        struct kedge_artifact **out, struct kedge_err *err)
{
    size_t scheme = strcspn(origin->url, ":");
    for (size_t i = 0; i < KEDGE_COUNT(drivers); i++)
        if (origin->url[scheme] == ':' && strlen(drivers[i]->scheme) == scheme &&
            strncasecmp(drivers[i]->scheme, origin->url, scheme) == 0)
            return drivers[i]->open(origin, offset, out, err);
    return kedge_err_set(err, KEDGE_UNSUPPORTED,
                         "'%.200s' has a scheme that this agent cannot fetch from: use file:, "
                         "http:, https: or hub:",
                         origin->url);
}

void kedge_artifact_close(struct kedge_artifact *artifact)
{
    if (artifact)
        artifact->ops->close(artifact);
}
