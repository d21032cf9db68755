/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of the verbs, one file cmd_<verb>.c each; command.c's table lists them. */
#pragma once

#include "command.h"

kedge_command_run kedge_cmd_apply, kedge_cmd_blob_put, kedge_cmd_completion,
    kedge_cmd_device_approve, kedge_cmd_device_decommission, kedge_cmd_device_enroll,
    kedge_cmd_device_list, kedge_cmd_device_models, kedge_cmd_device_show, kedge_cmd_diff,
    kedge_cmd_drift, kedge_cmd_explain, kedge_cmd_help, kedge_cmd_history,
    kedge_cmd_inventory_export, kedge_cmd_key_export, kedge_cmd_key_generate, kedge_cmd_key_revoke,
    kedge_cmd_key_rotate, kedge_cmd_key_show, kedge_cmd_model_list, kedge_cmd_model_show,
    kedge_cmd_model_sign, kedge_cmd_plan, kedge_cmd_reconcile, kedge_cmd_root_init,
    kedge_cmd_root_next, kedge_cmd_root_sign, kedge_cmd_schema, kedge_cmd_secret_recipients,
    kedge_cmd_secret_seal, kedge_cmd_serve, kedge_cmd_status, kedge_cmd_validate,
    kedge_cmd_verify_commit, kedge_cmd_verify_dsse, kedge_cmd_verify_minisign,
    kedge_cmd_verify_root, kedge_cmd_verify_ssh, kedge_cmd_version, kedge_cmd_wait;
