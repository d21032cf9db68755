/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers.h"

#include <string.h>

static const struct kedge_runtime_ops *const drivers[] = {
    &kedge_runtime_process_ops,
    &kedge_runtime_files_ops,
    &kedge_runtime_fake_ops,
};

int kedge_runtime_open(const char *name, struct kedge_runtime **out, struct kedge_err *err)
{
    for (size_t i = 0; i < KEDGE_COUNT(drivers); i++)
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i]->open(out, err);
    return kedge_err_set(err, KEDGE_UNSUPPORTED,
                         "this agent has no runtime '%.60s': use 'process' or 'files'", name);
}

void kedge_runtime_close(struct kedge_runtime *runtime)
{
    if (runtime)
        runtime->ops->close(runtime);
}

const char *const *kedge_runtime_names(void)
{
    static const char *const names[] = {"files", "process", NULL};
    return names;
}
