/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of the verbs, one file cmd_<verb>.c each; command.c's table lists them. */
#pragma once

#include "command.h"

kedge_command_run kedge_cmd_blob_put, kedge_cmd_completion, kedge_cmd_diff, kedge_cmd_help,
    kedge_cmd_key_generate, kedge_cmd_key_show, kedge_cmd_validate, kedge_cmd_version;
