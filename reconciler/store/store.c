/* SPDX-License-Identifier: Apache-2.0 */
#include "kedge/store.h"

#include <ctype.h>
#include <string.h>

#include "drivers.h"

/* The first is the default. */
static const struct kedge_store_ops *const drivers[] = {
    &kedge_store_sqlite_ops,
    &kedge_store_memory_ops,
};

/* Length of the scheme before ':', 0 for a plain path. */
static size_t scheme_length(const char *url)
{
    size_t n = 0;
    if (!islower((unsigned char)url[0]))
        return 0;
    while (islower((unsigned char)url[n]) || isdigit((unsigned char)url[n]) || url[n] == '+')
        n++;
    return url[n] == ':' ? n : 0;
}

static const struct kedge_store_ops *find_driver(const char *scheme, size_t length)
{
    for (size_t i = 0; i < KEDGE_COUNT(drivers); i++)
        if (strlen(drivers[i]->scheme) == length && memcmp(drivers[i]->scheme, scheme, length) == 0)
            return drivers[i];
    return NULL;
}

int kedge_store_open(const char *url, bool read_only, struct kedge_store **out,
                     struct kedge_err *err)
{
    size_t length = scheme_length(url);
    const struct kedge_store_ops *ops = length ? find_driver(url, length) : drivers[0];
    if (!ops)
        return kedge_err_set(err, KEDGE_UNSUPPORTED,
                             "there is no store of the kind '%.*s': write 'sqlite:PATH', or './%s' "
                             "for a file of that name",
                             (int)length, url, url);
    struct kedge_store *store;
    int code = ops->open(length ? url + length + 1 : url, read_only, &store, err);
    if (code)
        return code;
    *store = (struct kedge_store){.ops = ops, .read_only = read_only};
    *out = store;
    return 0;
}

void kedge_store_close(struct kedge_store *store)
{
    if (!store)
        return;
    kedge_store_rollback(store);
    store->ops->close(store);
}

void kedge_store_auto(struct kedge_store **store)
{
    kedge_store_close(*store);
}

/* A database may have ended the transaction in which a write failed: another write would then stand
 * alone. */
static int writable(const struct kedge_store *store, struct kedge_err *err)
{
    if (store->read_only)
        return kedge_err_set(err, KEDGE_DENIED, "the store is open for reading only");
    if (store->failed)
        return kedge_err_set(err, store->failed, "a write before has failed in this transaction");
    return 0;
}

/* Remembers the first write that failed: what follows it cannot be kept without it. */
static int wrote(struct kedge_store *store, int code)
{
    if (code && store->in_transaction && !store->failed)
        store->failed = code;
    return code;
}

int kedge_store_begin(struct kedge_store *store, struct kedge_err *err)
{
    int code = writable(store, err);
    if (code)
        return code;
    if (store->in_transaction)
        return kedge_err_set(err, KEDGE_INTERNAL, "a transaction is open already");
    code = store->ops->begin(store, err);
    store->in_transaction = code == 0;
    store->failed = 0;
    return code;
}

int kedge_store_commit(struct kedge_store *store, struct kedge_err *err)
{
    if (!store->in_transaction)
        return kedge_err_set(err, KEDGE_INTERNAL, "no transaction is open");
    if (store->failed) {
        int code = store->failed;
        kedge_store_rollback(store);
        return kedge_err_set(err, code, "nothing was kept, because a write before had failed");
    }
    int code = store->ops->commit(store, err);
    if (code)
        store->ops->rollback(store);
    store->in_transaction = false;
    return code;
}

void kedge_store_rollback(struct kedge_store *store)
{
    if (store->in_transaction)
        store->ops->rollback(store);
    store->in_transaction = false;
    store->failed = 0;
}

int kedge_store_get(struct kedge_store *store, const char *key, char **out, struct kedge_err *err)
{
    return store->ops->get(store, key, out, err);
}

int kedge_store_put(struct kedge_store *store, const char *key, const char *value,
                    struct kedge_err *err)
{
    int code = writable(store, err);
    return code ? code : wrote(store, store->ops->put(store, key, value, err));
}

int kedge_store_put_item(struct kedge_store *store, const char *collection, const char *key,
                         struct kedge_slice bytes, struct kedge_err *err)
{
    int code = writable(store, err);
    return code ? code : wrote(store, store->ops->put_item(store, collection, key, bytes, err));
}

int kedge_store_get_item(struct kedge_store *store, const char *collection, const char *key,
                         char **out, size_t *size, struct kedge_err *err)
{
    size_t ignored;
    return store->ops->get_item(store, collection, key, out, size ? size : &ignored, err);
}

int kedge_store_remove_item(struct kedge_store *store, const char *collection, const char *key,
                            struct kedge_err *err)
{
    int code = writable(store, err);
    return code ? code : wrote(store, store->ops->remove_item(store, collection, key, err));
}

int kedge_store_each_item(struct kedge_store *store, const char *collection,
                          kedge_store_visit_item *visit, void *payload, struct kedge_err *err)
{
    return store->ops->each_item(store, collection, visit, payload, err);
}

int kedge_store_put_device(struct kedge_store *store, const struct kedge_store_device *device,
                           struct kedge_err *err)
{
    int code = writable(store, err);
    return code ? code : wrote(store, store->ops->put_device(store, device, err));
}

int kedge_store_get_device(struct kedge_store *store, const char *name,
                           kedge_store_visit_device *visit, void *payload, struct kedge_err *err)
{
    return store->ops->get_device(store, name, visit, payload, err);
}

int kedge_store_each_device(struct kedge_store *store, kedge_store_visit_device *visit,
                            void *payload, struct kedge_err *err)
{
    return store->ops->each_device(store, visit, payload, err);
}

int kedge_store_put_report(struct kedge_store *store, const struct kedge_store_report *report,
                           struct kedge_err *err)
{
    int code = writable(store, err);
    return code ? code : wrote(store, store->ops->put_report(store, report, err));
}

int kedge_store_each_report(struct kedge_store *store, kedge_store_visit_report *visit,
                            void *payload, struct kedge_err *err)
{
    return store->ops->each_report(store, visit, payload, err);
}

int kedge_store_evidence_exists(const struct kedge_store_evidence *evidence, struct kedge_err *err)
{
    return kedge_err_set(err, KEDGE_EXISTS, "the store holds link %lld of device '%s' already",
                         (long long)evidence->link, evidence->device);
}

int kedge_store_evidence_absent(const char *device, struct kedge_err *err)
{
    return kedge_err_set(err, KEDGE_NOTFOUND, "the store holds no such evidence of device '%s'",
                         device);
}

int kedge_store_append_evidence(struct kedge_store *store,
                                const struct kedge_store_evidence *evidence, struct kedge_err *err)
{
    int code = writable(store, err);
    if (code)
        return code;
    code = store->ops->append_evidence(store, evidence, err);
    return code == KEDGE_EXISTS ? code : wrote(store, code);
}

int kedge_store_get_evidence(struct kedge_store *store, const char *device, int64_t chain,
                             int64_t link, kedge_store_visit_evidence *visit, void *payload,
                             struct kedge_err *err)
{
    return store->ops->get_evidence(store, device, chain, link, visit, payload, err);
}

int kedge_store_last_evidence(struct kedge_store *store, const char *device,
                              kedge_store_visit_evidence *visit, void *payload,
                              struct kedge_err *err)
{
    return store->ops->last_evidence(store, device, visit, payload, err);
}

int kedge_store_each_evidence(struct kedge_store *store, const char *device,
                              kedge_store_visit_evidence *visit, void *payload,
                              struct kedge_err *err)
{
    return store->ops->each_evidence(store, device, visit, payload, err);
}

int kedge_store_append_event(struct kedge_store *store, struct kedge_event *event,
                             struct kedge_err *err)
{
    int code = writable(store, err);
    return code ? code : wrote(store, store->ops->append_event(store, event, err));
}

int kedge_store_each_event(struct kedge_store *store, const struct kedge_store_filter *filter,
                           kedge_store_visit_event *visit, void *payload, struct kedge_err *err)
{
    return store->ops->each_event(store, filter, visit, payload, err);
}

int kedge_store_changed(struct kedge_store *store, int64_t *out, struct kedge_err *err)
{
    return store->ops->changed(store, out, err);
}
