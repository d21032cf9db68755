/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "verbs.h"

/* In the order in which help shows them; verbs of a group stand together. */
const struct kedge_command kedge_commands[] = {
    {
        .name = "validate",
        .operands = "[PATH]",
        .summary = "Check the manifests below PATH as they are on the disk",
        .about =
            "Finds everything that is wrong at once: form, references, conflicts. With --base, "
            "a version of a\nmodel that has another artifact than it had there is an error too. "
            "Exit 1 when there are errors.",
        .max = 1,
        .options = KEDGE_OPTION(BASE),
        .formats = "text|json|sarif|junit|github",
        .run = kedge_cmd_validate,
    },
    {
        .name = "diff",
        .operands = "",
        .summary = "Show what a change does to the fleet, without doing it",
        .about = "Compares --head with --base (its parent when it is not given).\n\n"
                 "  kedge diff --base origin/main",
        .options = KEDGE_OPTION(REPO) | KEDGE_OPTION(PATH) | KEDGE_OPTION(BASE) |
                   KEDGE_OPTION(HEAD) | KEDGE_OPTION(DETAILED_EXITCODE) | KEDGE_OPTION(ALL),
        .formats = "text|json|markdown",
        .run = kedge_cmd_diff,
    },
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
