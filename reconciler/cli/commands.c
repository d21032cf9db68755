/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "verbs.h"

const struct kedge_command kedge_commands[] = {
    {
        .name = "key generate",
        .operands = "FILE",
        .summary = "Make a private key; FILE.pub gets the public one",
        .about = "The director's key signs orders ('kedge serve'), a device's its reports. An "
                 "existing file is never replaced.",
        .min = 1,
        .max = 1,
        .formats = "text|json",
        .run = kedge_cmd_key_generate,
    },
    {
        .name = "key show",
        .operands = "FILE",
        .summary = "Show the public key of a private or public key file",
        .min = 1,
        .max = 1,
        .formats = "text|json",
        .run = kedge_cmd_key_show,
    },
    {
        .name = "blob put",
        .operands = "FILE",
        .summary = "Put an artifact into the hub, and show the lines that name it in a manifest",
        .min = 1,
        .max = 1,
        .options = KEDGE_OPTION(BLOBS) | KEDGE_OPTION(STATE_DIR) | KEDGE_OPTION(FORMAT),
        .formats = "text|json",
        .run = kedge_cmd_blob_put,
    },
    {
        .name = "completion",
        .operands = "bash|zsh|fish",
        .summary = "Write the completion script of a shell",
        .about = "  bash: kedge completion bash > "
                 "~/.local/share/bash-completion/completions/kedge\n"
                 "  zsh:  kedge completion zsh > ~/.zfunc/_kedge\n"
                 "  fish: kedge completion fish > ~/.config/fish/completions/kedge.fish",
        .min = 1,
        .max = 1,
        .run = kedge_cmd_completion,
    },
    {
        .name = "help",
        .operands = "[VERB...]",
        .summary = "Show the verbs, or what one of them takes",
        .max = 2,
        .options = KEDGE_OPTION(MAN),
        .run = kedge_cmd_help,
    },
    {
        .name = "version",
        .operands = "",
        .summary = "Show the version",
        .formats = "text|json",
        .run = kedge_cmd_version,
    },
};
const size_t kedge_command_count = KEDGE_COUNT(kedge_commands);
