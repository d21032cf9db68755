/* SPDX-License-Identifier: Apache-2.0 */
#include "repository.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/json.h"
#include "manifest/load.h"
#include "wire/minisign.h"

const char *const sim_versions[SIM_VERSIONS] = {"1.0.0", "1.1.0", "1.2.0-bad", "1.3.0-unsigned"};

struct commit {
    char id[KEDGE_COMMIT_TEXT];
    struct kedge_buf files[SIM_MODELS]; /* deployment-<n>.yaml; size 0: not there */
    struct kedge_buf devices;           /* devices.yaml */
};

struct sim_repository {
    struct sim_world *world;
    const struct kedge_public_key *keys;
    struct sim_fleet fleet;
    struct kedge_buf models; /* models.yaml: the same in every commit */
    struct commit *commits;
    size_t count;
};

/* An artifact's bytes are "<model>-<version>". */
void sim_repository_hash(const char *model, const char *version, uint8_t hash[KEDGE_RELEASE_HASH])
{
    kedge_auto(kedge_release) struct kedge_release_state *state = kedge_release_begin();
    char bytes[64];
    kedge_release_update(state, bytes,
                         (size_t)snprintf(bytes, sizeof(bytes), "%s-%s", model, version));
    kedge_release_finish(state, hash);
}

/* What a release signature says of how a version runs; of the first one that `manifests` declare. */
static struct kedge_digest runtime_of(struct kedge_slice manifests)
{
    kedge_auto(kedge_arena) struct kedge_arena pool = {0};
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    struct kedge_tree_entry file = {.path = "models.yaml",
                                    .data = manifests.data,
                                    .size = manifests.size};
    const struct kedge_tree tree = {.entries = &file, .count = 1};
    const struct kedge_specs *specs;
    struct kedge_table_iter iter = {0};
    struct kedge_err err;
    if (kedge_load_draft(&pool, &tree, &findings, &specs, &err))
        abort();
    const struct kedge_model_version *version =
        kedge_table_next(specs->kinds[KEDGE_KIND_MODEL_VERSION], &iter);
    return kedge_assignment_runtime(version->release.artifact.format, &version->release.runtime);
}

static void write_signature(const struct kedge_key *key, const char *model, const char *version,
                            const struct kedge_digest *artifact, const struct kedge_digest *runtime,
                            struct kedge_buf *out)
{
    const struct kedge_release_claim claim = {model, version, *artifact, 1000, 1, *runtime};
    const struct kedge_public_key public = kedge_key_public(key);
    const struct kedge_minisign_key minisign = kedge_minisign_key_of(&public);
    kedge_auto(kedge_buf) struct kedge_buf value = {0};
    uint8_t hash[KEDGE_RELEASE_HASH];
    char id[KEDGE_MINISIGN_ID_TEXT];
    struct kedge_err err;

    sim_repository_hash(model, version, hash);
    if (kedge_release_sign(key, hash, &claim, &value, &err))
        abort();
    kedge_buf_printf(out, "  signatures:\n    - keyId: \"%s\"\n      value: ",
                     kedge_minisign_id_format(minisign.id, id));
    kedge_json_put_string(&(struct kedge_json_writer){.out = out}, value.data);
    kedge_buf_putc(out, '\n');
}

/* Versions are signed, but for the one that is not: with a stranger's key, or with none. */
static void write_models(const struct kedge_key *release, struct kedge_buf *out)
{
    static const uint8_t stranger_seed[32] = "nobody knows this one";
    kedge_auto(kedge_key) struct kedge_key *stranger = kedge_key_from_seed(stranger_seed);
    struct kedge_digest runtime = {0}; /* all run alike */

    for (unsigned m = 0; m < SIM_MODELS; m++) {
        kedge_buf_printf(out,
                         "---\napiVersion: kedge.dev/v1alpha1\nkind: Model\nmetadata: {name: "
                         "model-%u}\nspec: {}\n",
                         m);
        for (unsigned v = 0; v < SIM_VERSIONS; v++) {
            char digest[KEDGE_DIGEST_TEXT], model[16], name[64];
            snprintf(model, sizeof(model), "model-%u", m);
            snprintf(name, sizeof(name), "%s-%s", model, sim_versions[v]);
            struct kedge_digest artifact = kedge_digest_of(name, strlen(name));
            kedge_buf_printf(
                out,
                "---\napiVersion: kedge.dev/v1alpha1\nkind: ModelVersion\nmetadata: {name: %s}\n"
                "spec:\n  model: model-%u\n  version: %s\n  stage: ready\n"
                "  artifact: {url: \"hub:\", digest: \"%s\", size: 1000, format: zip}\n"
                "  runtime:\n    driver: process\n    command: [./serve]\n    ports: [{name: "
                "http}]\n"
                "    probe: {http: {path: /healthz}, period: 1s, startWithin: 30s}\n",
                name, m, sim_versions[v], kedge_digest_format(&artifact, digest));
            if (kedge_digest_is_zero(&runtime))
                runtime = runtime_of(kedge_buf_slice(out));
            if (v != SIM_UNSIGNED || m % 2)
                write_signature(v == SIM_UNSIGNED ? stranger : release, model, sim_versions[v],
                                &artifact, &runtime, out);
        }
    }
}

static void write_devices(const struct sim_repository *r, struct kedge_buf *out)
{
    for (size_t i = 0; i < r->fleet.devices; i++) {
        char key[KEDGE_KEY_TEXT];
        kedge_buf_printf(
            out,
            "---\napiVersion: kedge.dev/v1alpha1\nkind: Device\nmetadata:\n  name: device-%zu\n"
            "  labels: {site: site-%u}\nspec: {publicKey: \"%s\"}\n",
            i, r->fleet.sites[i], kedge_public_key_format(&r->keys[i], key));
    }
}

static void write_deployment(const struct sim_deployment *d, unsigned model, struct kedge_buf *out)
{
    if (!d->present)
        return;
    kedge_buf_printf(
        out,
        "apiVersion: kedge.dev/v1alpha1\nkind: Deployment\nmetadata: {name: deployment-%u}\n"
        "spec:\n  model: model-%u\n  version: %s\n  state: %s\n  targets:\n    selector:\n"
        "      matchExpressions:\n        - {key: site, operator: In, values: [",
        model, model, sim_versions[d->version], d->running ? "running" : "stopped");
    for (unsigned site = 0; site < SIM_SITES; site++) {
        if (d->sites & 1U << site)
            kedge_buf_printf(out, "site-%u, ", site);
    }
    kedge_buf_puts(out, "site-none]}\n");
}

static void append_commit(struct sim_repository *r, bool broken)
{
    r->commits = kedge_alloc_grow(r->commits, (r->count + 1) * sizeof(*r->commits));
    struct commit *commit = &r->commits[r->count++];
    *commit = (struct commit){0};

    char seed[64];
    snprintf(seed, sizeof(seed), "commit %zu", r->count);
    struct kedge_digest id = kedge_digest_of(seed, strlen(seed));
    kedge_hex_encode(id.bytes, KEDGE_COMMIT_SIZE, commit->id);
    write_devices(r, &commit->devices);
    for (unsigned m = 0; m < SIM_MODELS; m++)
        write_deployment(&r->fleet.deployments[m], m, &commit->files[m]);
    if (broken)
        kedge_buf_puts(&commit->devices,
                       "---\napiVersion: kedge.dev/v1alpha1\nkind: Device\nmetadata: {nome: x}\n");
}

static unsigned below(struct sim_repository *r, unsigned limit)
{
    return (unsigned)kedge_rng_below(&r->world->rng, limit);
}

static void change_fleet(struct sim_repository *r)
{
    struct sim_deployment *d = &r->fleet.deployments[below(r, SIM_MODELS)];

    switch (below(r, 6)) {
    case 0:
        d->present = !d->present;
        break;
    case 1:
        d->running = !d->running;
        break;
    case 2:
        d->sites = below(r, 1U << SIM_SITES);
        break;
    case 3:
        r->fleet.sites[below(r, (unsigned)r->fleet.devices)] = (unsigned char)below(r, SIM_SITES);
        break;
    default:
        d->version = below(r, SIM_VERSIONS);
        break;
    }
}

void sim_repository_commit(struct sim_repository *r)
{
    bool broken = below(r, 8) == 0;
    if (!broken)
        change_fleet(r);
    append_commit(r, broken);
}

void sim_repository_settle(struct sim_repository *r)
{
    change_fleet(r);
    append_commit(r, false);
}

const char *sim_repository_head(const struct sim_repository *r)
{
    return r->commits[r->count - 1].id;
}

const struct sim_fleet *sim_repository_fleet(const struct sim_repository *r)
{
    return &r->fleet;
}

/* --- as the server sees it ----------------------------------------------------------------- */

static const struct commit *find_commit(const struct sim_repository *r, const char *id)
{
    for (size_t i = 0; id && i < r->count; i++) {
        if (!strcmp(r->commits[i].id, id))
            return &r->commits[i];
    }
    return NULL;
}

static bool same(const struct kedge_buf *a, const struct kedge_buf *b)
{
    return a->size == b->size && (!a->size || !memcmp(a->data, b->data, a->size));
}

/* Adds `now` at `path` unless it equals `before` (NULL: whole tree). */
static void add_file(struct kedge_tree *tree, const char *path, const struct kedge_buf *before,
                     const struct kedge_buf *now)
{
    if (before ? same(before, now) : !now->size)
        return;
    struct kedge_tree_entry *entry = &tree->entries[tree->count++];
    *entry = (struct kedge_tree_entry){.path = kedge_arena_strdup(&tree->arena, path)};
    if (!now->size)
        return;
    struct kedge_digest id = kedge_digest_of(now->data, now->size);
    memcpy(entry->blob, id.bytes, sizeof(entry->blob));
    entry->data = kedge_arena_strndup(&tree->arena, now->data, now->size);
    entry->size = now->size;
}

static int read_tree(void *self, const char *base, const char *commit, struct kedge_tree *out,
                     struct kedge_err *err)
{
    const struct sim_repository *r = self;
    const struct commit *before = find_commit(r, base), *now = find_commit(r, commit);
    struct kedge_tree tree = {0};

    if (!now || (base && !before))
        return kedge_err_set(err, KEDGE_NOTFOUND, "no commit '%s'", commit);
    tree.entries = kedge_arena_array(&tree.arena, SIM_MODELS + 2, sizeof(*tree.entries));
    memcpy(tree.commit, commit, sizeof(tree.commit));
    if (base)
        memcpy(tree.base, base, sizeof(tree.base));
    for (unsigned m = 0; m < SIM_MODELS; m++) {
        char path[32];
        snprintf(path, sizeof(path), "deployment-%u.yaml", m);
        add_file(&tree, path, before ? &before->files[m] : NULL, &now->files[m]);
    }
    add_file(&tree, "devices.yaml", before ? &before->devices : NULL, &now->devices);
    add_file(&tree, "models.yaml", before ? &r->models : NULL, &r->models);
    tree.files = SIM_MODELS + 2;
    *out = tree;
    return 0;
}

static int follows(void *self, const char *base, const char *head, struct kedge_err *err)
{
    (void)self;
    (void)base;
    (void)head;
    (void)err;
    return 0;
}

static int trust(void *self, const char *commit, struct kedge_err *err)
{
    (void)self;
    (void)commit;
    (void)err;
    return 0;
}

struct kedge_server_revisions sim_repository_revisions(struct sim_repository *repository)
{
    return (struct kedge_server_revisions){.self = repository,
                                           .tree = read_tree,
                                           .follows = follows,
                                           .trust = trust};
}

struct sim_repository *sim_repository_new(struct sim_world *world,
                                          const struct kedge_public_key *keys, size_t devices,
                                          const struct kedge_key *release)
{
    struct sim_repository *r = kedge_alloc_zeroed(sizeof(*r));

    *r = (struct sim_repository){.world = world, .keys = keys, .fleet = {.devices = devices}};
    r->fleet.sites = kedge_alloc_array(devices, 1);
    for (size_t i = 0; i < devices; i++)
        r->fleet.sites[i] = (unsigned char)below(r, SIM_SITES);
    for (unsigned m = 0; m < SIM_MODELS; m++)
        r->fleet.deployments[m] =
            (struct sim_deployment){.present = true, .running = true, .sites = 1U << m | 1U};
    write_models(release, &r->models);
    append_commit(r, false);
    return r;
}

void sim_repository_free(struct sim_repository *r)
{
    for (size_t i = 0; i < r->count; i++) {
        kedge_buf_release(&r->commits[i].devices);
        for (unsigned m = 0; m < SIM_MODELS; m++)
            kedge_buf_release(&r->commits[i].files[m]);
    }
    kedge_buf_release(&r->models);
    free(r->commits);
    free(r->fleet.sites);
    free(r);
}
