/* SPDX-License-Identifier: Apache-2.0 */
/* Git over ssh by OpenSSH's own client.
 *
 * It knows what no library here knows: agents, security keys, certificates, jump hosts, hashed
 * known hosts. It is started by its argument list (no shell), may ask nothing, and refuses a host
 * it does not know. */
#pragma once

#include <git2/sys/transport.h>

#include "connect.h"

/* A git_transport_cb for ssh; `payload` is the struct kedge_connect. */
int kedge_ssh_transport(git_transport **out, git_remote *owner, void *payload);
