/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a field: its check and its place in the struct. */
#pragma once

#include "decode.h"

/* Decodes `node` into the members of `field` in `base`; false with findings. */
bool kedge_value_decode(struct kedge_decoder *decoder, const struct kedge_field *field,
                        const struct kedge_yaml_node *node, void *base);
