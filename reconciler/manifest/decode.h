/* SPDX-License-Identifier: Apache-2.0 */
/* YAML nodes -> typed structs, by the field tables. Everything that is wrong is found in one go,
 * each finding at the key or value it is about. */
#pragma once

#include "base/intern.h"
#include "field.h"
#include "yaml.h"

/* The way to the value in hand, for `field` of a finding. */
struct kedge_decode_step {
    const struct kedge_decode_step *up;
    const char *key; /* NULL: item number `index` of a list */
    uint32_t index;
};

struct kedge_decoder {
    struct kedge_arena *arena;   /* of what is decoded */
    struct kedge_intern *intern; /* over an arena that lives as long */
    struct kedge_findings *findings;
    const char *file; /* lives as long as what is decoded */
    const struct kedge_decode_step *where;
    struct kedge_buf
        references; /* struct kedge_reference, as they are met; the owner releases it */
};

/* One document; NULL when it is not ours (*skipped), or too wrong to have a kind and a name. With
 * an error finding the object may lack members: it stands for its name only. */
const struct kedge_object *kedge_decode_document(struct kedge_decoder *decoder,
                                                 const struct kedge_yaml_node *root,
                                                 enum kedge_kind *kind, bool *skipped);

/* For records and values. */

/* Decodes the fields of `map` into `base`, a zeroed struct of the record; false with findings. */
bool kedge_decode_record(struct kedge_decoder *decoder, const struct kedge_record *record,
                         const struct kedge_yaml_node *map, void *base);
/* Adds an error finding at `node`. */
void kedge_decode_refuse(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                         const char *rule, const char *remedy, const char *message, ...)
    KEDGE_PRINTF(5, 6);
/* False with a finding when `node` is of another type. */
bool kedge_decode_expect(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                         enum kedge_yaml_type type);
/* The value of member `name` of a mapping; `map` itself when it has none. */
const struct kedge_yaml_node *kedge_decode_child(const struct kedge_yaml_node *map,
                                                 const char *name);
struct kedge_position kedge_decode_position(const struct kedge_decoder *decoder,
                                            const struct kedge_yaml_node *node);
/* "spec.targets.devices[2]" of the value in hand. */
char *kedge_decode_path(const struct kedge_decoder *decoder, struct kedge_arena *arena);
/* Stores an integer in the member of `size` bytes at `offset`. */
void kedge_decode_store(void *base, uint32_t offset, uint32_t size, int64_t value);
