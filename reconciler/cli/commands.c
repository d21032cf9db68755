/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <limits.h>

#include "ask.h"
#include "audience.h"
#include "base/limits.h"
#include "verbs.h"

#define ENROL (KEDGE_OPTION(STATE_DIR) | KEDGE_OPTION(STORE))
#define LISTS (KEDGE_ASK_OPTIONS | KEDGE_OPTION(LIMIT))

/* In the order in which help shows them; verbs of a group stand together. */
const struct kedge_command kedge_commands[] = {
    {
        .name = "validate",
        .operands = "[PATH]",
        .summary = "Check the manifests below PATH as they are on the disk",
        .about =
            "Finds everything that is wrong at once: form, references, conflicts. With --base, "
            "a version of a model that has another artifact than it had there is an error too. "
            "Exit 1 when there are errors.\n\n"
            "With --as, what policy would hold of the change since --base (HEAD when it is left "
            "out) is "
            "an error too, were that person to sign it:\n\n"
            "  kedge validate --as ann@example.org --base origin/main",
        .max = 1,
        .options = KEDGE_OPTION(BASE) | KEDGE_OPTION(AS),
        .formats = "text|json|sarif|junit|github",
        .run = kedge_cmd_validate,
    },
    {
        .name = "schema",
        .operands = "[KIND]",
        .summary = "Write the JSON Schema of a kind of manifest, or of all",
        .max = 1,
        .run = kedge_cmd_schema,
    },
    {
        .name = "diff",
        .operands = "",
        .summary = "Show what a change does to the fleet, without doing it",
        .about =
            "Compares in the repository that holds the current folder: --head with --base (its "
            "parent when neither is given). With an inventory file, a server or a store in place "
            "of "
            "--base, compares it with what devices last reported.\n\n"
            "  kedge diff --base origin/main\n"
            "  kedge diff --head my-branch --server http://hub:8411",
        .options = KEDGE_ASK_OPTIONS | KEDGE_OPTION(PATH) | KEDGE_OPTION(BASE) |
                   KEDGE_OPTION(HEAD) | KEDGE_OPTION(INVENTORY) | KEDGE_OPTION(DETAILED_EXITCODE) |
                   KEDGE_OPTION(ALL),
        .formats = "text|json|markdown",
        .run = kedge_cmd_diff,
    },
    {
        .name = "plan",
        .operands = "",
        .summary = "Show what would be done now, and what is held and why",
        .about = "With --out, takes the repository's head and seals the plan in a file that 'kedge "
                 "apply' carries out.",
        .options = KEDGE_ASK_OPTIONS | KEDGE_SETTINGS_OPTIONS | KEDGE_OPTION(OUT) |
                   KEDGE_OPTION(DEVICE) | KEDGE_OPTION(DETAILED_EXITCODE) | KEDGE_OPTION(ALL),
        .formats = "text|json",
        .run = kedge_cmd_plan,
    },
    {
        .name = "apply",
        .operands = "FILE",
        .summary = "Carry out a sealed plan, unless the commit or the fleet has moved",
        .min = 1,
        .max = 1,
        .options = KEDGE_SETTINGS_OPTIONS,
        .run = kedge_cmd_apply,
    },
    {
        .name = "reconcile",
        .operands = "",
        .summary = "Take the repository's head and order what it asks for",
        .about = "One pass, for cron and systemd timers; 'kedge serve' does it all the time.",
        .options = KEDGE_SETTINGS_OPTIONS | KEDGE_OPTION(ONCE),
        .run = kedge_cmd_reconcile,
    },
    {
        .name = "serve",
        .operands = "",
        .summary = "Follow the repository and serve devices until told to stop",
        .options = KEDGE_SETTINGS_OPTIONS | KEDGE_OPTION(BLOBS) | KEDGE_OPTION(INTERVAL) |
                   KEDGE_OPTION(CRON) | KEDGE_OPTION(TIME_ZONE) | KEDGE_OPTION(LISTEN) |
                   KEDGE_OPTION(PORT_FILE) | KEDGE_OPTION(MANUAL),
        .run = kedge_cmd_serve,
    },
    {
        .name = "status",
        .operands = "",
        .summary = "Show the repository, the revision in force and the fleet in a few lines",
        .options = KEDGE_ASK_OPTIONS,
        .formats = "text|json",
        .run = kedge_cmd_status,
    },
    {
        .name = "wait",
        .operands = "",
        .summary = "Wait until the fleet has converged",
        .options =
            KEDGE_ASK_OPTIONS | KEDGE_OPTION(COMMIT) | KEDGE_OPTION(FOR) | KEDGE_OPTION(TIMEOUT),
        .formats = "text|json",
        .run = kedge_cmd_wait,
    },
    {
        .name = "drift",
        .operands = "",
        .summary = "Show where devices have left what they were ordered to hold",
        .options = LISTS | KEDGE_OPTION(DEVICE) | KEDGE_OPTION(INSTANCE) |
                   KEDGE_OPTION(DETAILED_EXITCODE) | KEDGE_OPTION(ALL),
        .formats = "text|json",
        .run = kedge_cmd_drift,
    },
    {
        .name = "explain",
        .operands = "DEVICE MODEL",
        .summary = "Say why a device holds what it holds of a model, with the evidence",
        .min = 2,
        .max = 2,
        .options = KEDGE_ASK_OPTIONS,
        .formats = "text|json",
        .run = kedge_cmd_explain,
    },
    {
        .name = "history",
        .operands = "[DEVICE...]",
        .summary = "Show what happened, newest first; prove what devices have reported",
        .about =
            "The last 100 events, unless --limit says otherwise.\n\n"
            "With --verify: every report of a changed state is kept as its device signed it, as a "
            "link that names the one before. All of them, or those of each DEVICE, are proven from "
            "the store alone, and the first broken link of each device is named: missing, altered, "
            "reordered, foreign, contradicts, counter, or claimed (history tells what no link "
            "proves). Exit 1 when a chain is broken. A device's key is the one of the manifests in "
            "force or of its enrolment; --key adds others. Links that an earlier key has signed "
            "are vouched for by those that follow them in their chain.\n\n"
            "  kedge history --verify\n"
            "  kedge history --export press-07 > press-07.jsonl\n"
            "  kedge history --verify --evidence press-07.jsonl --key press-07=ed25519:BASE64",
        .max = UINT_MAX,
        .options = LISTS | KEDGE_OPTION(DEVICE) | KEDGE_OPTION(INSTANCE) | KEDGE_OPTION(COMMIT) |
                   KEDGE_OPTION(SINCE) | KEDGE_OPTION(VERIFY) | KEDGE_OPTION(EXPORT) |
                   KEDGE_OPTION(EVIDENCE) | KEDGE_OPTION(KEY) | KEDGE_OPTION(REPO) |
                   KEDGE_OPTION(PATH),
        .formats = "text|json",
        .run = kedge_cmd_history,
    },
    {
        .name = "inventory export",
        .operands = "",
        .summary = "Write every device's last report, as the device signed it",
        .about = "The file can be verified anywhere; 'kedge diff --inventory' compares with it.",
        .options = KEDGE_ASK_OPTIONS,
        .run = kedge_cmd_inventory_export,
    },
    {
        .name = "model list",
        .operands = "",
        .summary = "List models and applications with where they run",
        .options = LISTS,
        .formats = "text|json",
        .run = kedge_cmd_model_list,
    },
    {
        .name = "model show",
        .operands = "MODEL",
        .summary = "Show a model: its versions and its deployments",
        .min = 1,
        .max = 1,
        .options = KEDGE_ASK_OPTIONS,
        .formats = "text|json",
        .run = kedge_cmd_model_show,
    },
    {
        .name = "model sign",
        .operands = "MODEL VERSION",
        .summary = "Sign a version's artifact and write the signature into its manifest",
        .about =
            "Works on the manifests below the current folder. The artifact is read whole and must "
            "have the size and digest that the manifest says; other bytes are not signed. The "
            "signature is minisign's, over the artifact and over what it is: model, version, "
            "digest, size and release counter. The manifest changes in that one field; the change "
            "is shown, and committing it is left to you. MODEL may be an application with an "
            "artifact of its own.\n\n"
            "  kedge model sign vibration 1.4.0 --key release.key\n\n"
            "By the stock tool:\n\n"
            "  minisign -S -m model.tar.gz -t \"$(kedge model sign vibration 1.4.0 "
            "--print-comment)\"\n"
            "  kedge model sign vibration 1.4.0 --signature model.tar.gz.minisig",
        .min = 2,
        .max = 2,
        .options = KEDGE_OPTION(KEY) | KEDGE_OPTION(PASSPHRASE_FILE) | KEDGE_OPTION(ARTIFACT) |
                   KEDGE_OPTION(BLOBS) | KEDGE_OPTION(STATE_DIR) | KEDGE_OPTION(CA_FILE) |
                   KEDGE_OPTION(COUNTER) | KEDGE_OPTION(SIGNATURE) | KEDGE_OPTION(PRINT_COMMENT),
        .formats = "text|json",
        .run = kedge_cmd_model_sign,
    },
    {
        .name = "device list",
        .operands = "",
        .summary = "List devices with their state",
        .options = LISTS,
        .formats = "text|json",
        .run = kedge_cmd_device_list,
    },
    {
        .name = "device show",
        .operands = "DEVICE",
        .summary = "Show a device and what it holds",
        .min = 1,
        .max = 1,
        .options = KEDGE_ASK_OPTIONS,
        .formats = "text|json",
        .run = kedge_cmd_device_show,
    },
    {
        .name = "device models",
        .operands = "DEVICE",
        .summary = "List what a device holds",
        .min = 1,
        .max = 1,
        .options = KEDGE_ASK_OPTIONS,
        .formats = "text|json",
        .run = kedge_cmd_device_models,
    },
    {
        .name = "device enroll",
        .operands = "DEVICE",
        .summary = "Issue a token with which a device joins the fleet once",
        .about = "Shows the token, and the command to run on the device, this one time: the store "
                 "keeps its hash. A new token of a device replaces the one before.\n\n"
                 "  kedge device enroll press-07 --roots roots --expires 2h",
        .min = 1,
        .max = 1,
        .options = ENROL | KEDGE_OPTION(SERVER) | KEDGE_OPTION(ROOTS) | KEDGE_OPTION(ROOT) |
                   KEDGE_OPTION(EXPIRES) | KEDGE_OPTION(HARDWARE),
        .formats = "text|json",
        .run = kedge_cmd_device_enroll,
    },
    {
        .name = "device approve",
        .operands = "DEVICE",
        .summary =
            "Let a device in that shows this fingerprint, or one that is held for its identity",
        .about = "For a device that has no token: 'kedge-agent enroll --root-digest DIGEST' shows "
                 "the fingerprint of its key there ('kedge verify root' shows the digest of the "
                 "fleet's root). On a terminal, the one that waits is shown to be compared.\n\n"
                 "A device that is held because two have reported as it (it was cloned, or its "
                 "state folder was copied, restored or lost) goes on from what it reports next: "
                 "approve it without a fingerprint once only one of them is left.\n\n"
                 "  kedge device approve press-07 --fingerprint SHA256:...",
        .min = 1,
        .max = 1,
        .options = ENROL | KEDGE_OPTION(FINGERPRINT) | KEDGE_OPTION(AHEAD),
        .run = kedge_cmd_device_approve,
    },
    {
        .name = "device decommission",
        .operands = "DEVICE",
        .summary = "Send a device off: it erases its models, and its key is refused",
        .about = "The device is told to erase models, artifacts and logs; once it says that it "
                 "has, its key is refused for good, whoever names it. With --now the key is "
                 "refused at once, and nobody knows what is still on the device.",
        .min = 1,
        .max = 1,
        .options = ENROL | KEDGE_OPTION(NOW),
        .run = kedge_cmd_device_decommission,
    },
    {
        .name = "key generate",
        .operands = "FILE",
        .summary = "Make a private key; FILE.pub gets the public one",
        .about =
            "A root key signs root documents ('kedge root sign'), a director's orders ('kedge "
            "serve'), a release key models ('kedge model sign'); the root document says which is "
            "which. A device makes its own ('kedge-agent enroll'). An existing file is never "
            "replaced.\n\n"
            "A key that stays in an HSM or a KMS is named by a line, in place of a key file or in "
            "one of mode 0600: the program reads the bytes to be signed and writes the 64 bytes "
            "of the signature.\n\n"
            "  exec:ed25519:BASE64 /usr/local/bin/hsm-sign --slot 3",
        .min = 1,
        .max = 1,
        .options = KEDGE_OPTION(PASSPHRASE_FILE) | KEDGE_OPTION(PASSPHRASE),
        .formats = "text|json",
        .run = kedge_cmd_key_generate,
    },
    {
        .name = "key show",
        .operands = "FILE",
        .summary = "Show the public key of a private or public key file",
        .min = 1,
        .max = 1,
        .options = KEDGE_OPTION(PASSPHRASE_FILE),
        .formats = "text|json",
        .run = kedge_cmd_key_show,
    },
    {
        .name = "key export",
        .operands = "FILE",
        .summary = "Write the public key of a key file as other programs read it",
        .about = "  kedge key export -o minisign release.key > release.pub\n"
                 "  kedge key export -o ssh ann.key\n"
                 "  kedge key export -o age press-01.key.pub",
        .min = 1,
        .max = 1,
        .options = KEDGE_OPTION(PASSPHRASE_FILE),
        .formats = "ed25519|hex|ssh|minisign|age",
        .run = kedge_cmd_key_export,
    },
    {
        .name = "key rotate",
        .operands = "OLD NEW",
        .summary = "Write the next root document, in which one key takes another's place",
        .about = "OLD and NEW are public keys or their files. What is written has to be signed by "
                 "root keys of the version in force and of its own: 'kedge root sign'.\n\n"
                 "  kedge key rotate director.key.pub new.key.pub --root 1.root.json --out "
                 "2.root.json",
        .min = 2,
        .max = 2,
        .options =
            KEDGE_OPTION(ROOT) | KEDGE_OPTION(ROLE) | KEDGE_OPTION(EXPIRES) | KEDGE_OPTION(OUT),
        .formats = "text|json",
        .run = kedge_cmd_key_rotate,
    },
    {
        .name = "key revoke",
        .operands = "KEY",
        .summary = "Write the next root document, which does not name a key any more",
        .about = "What is not named is not trusted: a device that has the new document refuses "
                 "what the key signs.",
        .min = 1,
        .max = 1,
        .options =
            KEDGE_OPTION(ROOT) | KEDGE_OPTION(ROLE) | KEDGE_OPTION(EXPIRES) | KEDGE_OPTION(OUT),
        .formats = "text|json",
        .run = kedge_cmd_key_revoke,
    },
    {
        .name = "secret recipients",
        .operands = "",
        .summary = "Show for whom secrets are sealed: one 'age1...' a line, as 'age -R' reads them",
        .about = "A device's recipient follows from its public key. --device, --selector and "
                 "--deployment may be given several times, and together.\n\n"
                 "  kedge secret recipients --deployment all | age -a -R - -o token.age token",
        .options = KEDGE_AUDIENCE_OPTIONS,
        .formats = "text|json",
        .run = kedge_cmd_secret_recipients,
    },
    {
        .name = "secret seal",
        .operands = "[NAME]",
        .summary = "Seal standard input for devices; with NAME, as an item of a Deployment's "
                   "'secrets'",
        .about = "On a terminal it asks for it. What is written can stand in Git: only these "
                 "devices can open it, and nobody "
                 "here. Sealed again it is another text, and its instances are restarted with "
                 "it.\n\n"
                 "  printf '%s' \"$token\" | kedge secret seal API_TOKEN --deployment all",
        .max = 1,
        .options = KEDGE_AUDIENCE_OPTIONS,
        .run = kedge_cmd_secret_seal,
    },
    {
        .name = "root init",
        .operands = "",
        .summary = "Write the first root document: the keys that a fleet trusts",
        .about = "Nobody has signed it yet: each holder of a root key does with 'kedge root "
                 "sign'.\n\n"
                 "  kedge root init --root-key ann.key.pub --root-key bob.key.pub --threshold 2 "
                 "\\\n"
                 "    --director director.key.pub --release release.key.pub --out 1.root.json",
        .options = KEDGE_OPTION(ROOT_KEY) | KEDGE_OPTION(THRESHOLD) | KEDGE_OPTION(DIRECTOR) |
                   KEDGE_OPTION(RELEASE) | KEDGE_OPTION(EXPIRES) | KEDGE_OPTION(OUT),
        .formats = "text|json",
        .run = kedge_cmd_root_init,
    },
    {
        .name = "root next",
        .operands = "",
        .summary = "Write the next root document: a later expiry, and keys that are added",
        .options = KEDGE_OPTION(ROOT) | KEDGE_OPTION(ROOT_KEY) | KEDGE_OPTION(THRESHOLD) |
                   KEDGE_OPTION(DIRECTOR) | KEDGE_OPTION(RELEASE) | KEDGE_OPTION(EXPIRES) |
                   KEDGE_OPTION(OUT),
        .formats = "text|json",
        .run = kedge_cmd_root_next,
    },
    {
        .name = "root sign",
        .operands = "FILE KEYFILE",
        .summary = "Add the signature of a root key to a root document",
        .about = "A key that only the version before names needs that version: --root.",
        .min = 2,
        .max = 2,
        .options = KEDGE_OPTION(ROOT) | KEDGE_OPTION(PASSPHRASE_FILE),
        .formats = "text|json",
        .run = kedge_cmd_root_sign,
    },
    {
        .name = "verify commit",
        .operands = "[REV...]",
        .summary = "Verify who signed commits or tags, with SSH keys",
        .about =
            "In the repository around the current folder, or --repo; judged as 'git "
            "verify-commit' does with gpg.ssh.allowedSignersFile, of tags the tag itself. "
            "Without REV, revisions come from standard input, one a line, and each is answered "
            "at once with a line of JSON. Exit 1 when one is refused.\n\n"
            "  kedge verify commit --allowed-signers signers HEAD\n"
            "  git rev-list main | kedge verify commit --allowed-signers signers",
        .max = UINT_MAX,
        .options = KEDGE_OPTION(REPO) | KEDGE_OPTION(ALLOWED_SIGNERS) | KEDGE_OPTION(REVOKED),
        .formats = "text|json",
        .run = kedge_cmd_verify_commit,
    },
    {
        .name = "verify ssh",
        .operands = "FILE",
        .summary = "Verify an SSH signature of a file, as 'ssh-keygen -Y verify' does",
        .about = "  kedge verify ssh --allowed-signers signers --identity ann@example.org \\\n"
                 "    --namespace file --signature model.bin.sig model.bin",
        .min = 1,
        .max = 1,
        .options = KEDGE_OPTION(ALLOWED_SIGNERS) | KEDGE_OPTION(REVOKED) | KEDGE_OPTION(IDENTITY) |
                   KEDGE_OPTION(NAMESPACE) | KEDGE_OPTION(SIGNATURE),
        .formats = "text|json",
        .run = kedge_cmd_verify_ssh,
    },
    {
        .name = "verify minisign",
        .operands = "FILE",
        .summary = "Verify a minisign signature of a file, as 'minisign -V' does",
        .min = 1,
        .max = 1,
        .options = KEDGE_OPTION(PUBKEY) | KEDGE_OPTION(SIGNATURE),
        .formats = "text|json",
        .run = kedge_cmd_verify_minisign,
    },
    {
        .name = "verify dsse",
        .operands = "[KEY...] ENVELOPE",
        .summary = "Verify a DSSE envelope: is it signed by enough of the keys?",
        .about = "  kedge verify dsse --key KEY --key KEY --threshold 2 envelope.json",
        .min = 1,
        .max = KEDGE_LIMIT_SIGNATURES + 1,
        .options = KEDGE_OPTION(KEY) | KEDGE_OPTION(THRESHOLD) | KEDGE_OPTION(TYPE),
        .formats = "text|json",
        .run = kedge_cmd_verify_dsse,
    },
    {
        .name = "verify root",
        .operands = "FILE...",
        .summary = "Verify a chain of root documents, each of which must follow the one before",
        .about = "The first is believed when its own keys have signed it; the last must not have "
                 "expired.",
        .min = 1,
        .max = UINT_MAX,
        .formats = "text|json",
        .run = kedge_cmd_verify_root,
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
