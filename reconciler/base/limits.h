/* SPDX-License-Identifier: Apache-2.0 */
/* Every maximum in kedge, each with its reason. Sizes from outside are compared with these before
 * they are used. */
#pragma once

#define KEDGE_KIB(n) ((size_t)(n) << 10)
#define KEDGE_MIB(n) ((size_t)(n) << 20)
#define KEDGE_GIB(n) ((size_t)(n) << 30)

/* Manifests: a person wrote them. */
#define KEDGE_LIMIT_MANIFEST                                                                       \
    KEDGE_MIB(1) /* one file; the largest real ones are a few hundred KiB */
#define KEDGE_LIMIT_MANIFESTS                                                                      \
    KEDGE_GIB(1)                         /* all files of a revision: a million devices of 1 KiB    \
                                          */
#define KEDGE_LIMIT_FILES        2000000 /* manifest files of a revision */
#define KEDGE_LIMIT_DOCUMENTS    10000   /* YAML documents in one file */
#define KEDGE_LIMIT_YAML_DEPTH   64      /* nesting; ours need 9 */
#define KEDGE_LIMIT_YAML_ALIASES 100     /* expansions in a document; stops alias bombs */
#define KEDGE_LIMIT_YAML_NODES   100000  /* nodes in a document, expanded aliases included */
#define KEDGE_LIMIT_PATH         4096    /* a path in the tree */
#define KEDGE_LIMIT_FINDINGS     10000   /* findings kept; more are counted */
#define KEDGE_LIMIT_NAME         253     /* DNS-1123 subdomain */
#define KEDGE_LIMIT_LABELS       64      /* labels of one object */
#define KEDGE_LIMIT_LABEL        63      /* a label's value, or the name part of its key */
#define KEDGE_LIMIT_LIST         10000   /* items of one list */
#define KEDGE_LIMIT_OBJECTS      1000    /* objects of one list: ports, rules, objectives */
#define KEDGE_LIMIT_CONFIG       KEDGE_KIB(256) /* a deployment's configuration as JSON */
#define KEDGE_LIMIT_STRING       KEDGE_KIB(64)  /* one scalar */

/* Versions: npm's own limits. */
#define KEDGE_LIMIT_VERSION        256
#define KEDGE_LIMIT_RANGE          1024             /* a dozen alternatives */
#define KEDGE_LIMIT_VERSION_NUMBER 9007199254740991 /* 2^53 - 1 */

/* Time zones: the largest file of the IANA database has 3.6 KB and 237 transitions. */
#define KEDGE_LIMIT_ZONE_FILE        KEDGE_KIB(64)
#define KEDGE_LIMIT_ZONE_TRANSITIONS 2000

/* Wire. */
#define KEDGE_LIMIT_JSON_DEPTH  64           /* ours need 8 */
#define KEDGE_LIMIT_ENVELOPE    KEDGE_MIB(4) /* a device's whole set: some thousand instances */
#define KEDGE_LIMIT_REPORT      KEDGE_MIB(1)
#define KEDGE_LIMIT_SIGNATURES  32            /* in one envelope */
#define KEDGE_LIMIT_INSTANCES   1000          /* on one device */
#define KEDGE_LIMIT_ACTIONS     2000          /* for one device: all instances replaced by others */
#define KEDGE_LIMIT_BATCH       16777216      /* orders under one signature: more than any fleet */
#define KEDGE_LIMIT_SSHSIG      KEDGE_KIB(64) /* an armored SSH signature; RSA ones have 2 KiB */
#define KEDGE_LIMIT_ALLOWED     KEDGE_MIB(4)  /* a file of allowed signers or revoked keys */
#define KEDGE_LIMIT_PRINCIPALS  256    /* of one line there: each is held against all lines */
#define KEDGE_LIMIT_COMMIT      64     /* hex digits of a SHA-256 commit id */
#define KEDGE_LIMIT_WAIT_MS     300000 /* longest long poll */
#define KEDGE_LIMIT_CONNECTIONS 15000  /* below the usual 20,000 descriptors */

/* Keys. */
#define KEDGE_LIMIT_KEY_FILE       KEDGE_KIB(4) /* an external signer's command line */
#define KEDGE_LIMIT_KEY_PASSPHRASE 1024
#define KEDGE_LIMIT_KEY_PASSES     10             /* of Argon2id; ours has 3 */
#define KEDGE_LIMIT_KEY_MEMORY     KEDGE_MIB(512) /* of Argon2id; ours takes 256 MiB */
#define KEDGE_LIMIT_SIGNER_MS      30000          /* a person may have to touch a token */
#define KEDGE_LIMIT_SIGNER_ARGS    64
#define KEDGE_LIMIT_SECRET                                                                         \
    KEDGE_KIB(                                                                                     \
        32) /* a key file with its chain; sealed, it leaves room for 150 recipients in a     \
                     manifest, and a token of 64 bytes for 480 */

/* Trust. */
#define KEDGE_LIMIT_ROOT        KEDGE_KIB(64) /* one root document; 96 keys take 30 KiB */
#define KEDGE_LIMIT_ROOT_KEYS   32            /* of one role: no more signatures are read */
#define KEDGE_LIMIT_ROOTS       64 /* versions in one reply; later ones are fetched one by one */
#define KEDGE_LIMIT_ENROL       KEDGE_KIB(16) /* a request, a record, a rotation: ours have 2 KiB */
#define KEDGE_LIMIT_ENROL_REPLY KEDGE_MIB(4)
#define KEDGE_LIMIT_FORMER_KEYS                                                                    \
    8                            /* of a device: enrolled anew more often, old reports need --key */
#define KEDGE_LIMIT_PENDING 1000 /* devices that wait for approval: strangers can add them */

/* HTTP server. */
#define KEDGE_LIMIT_HTTP_CONNECTION KEDGE_KIB(6)   /* line and headers; 10,000 wait at a time */
#define KEDGE_LIMIT_HTTP_BODIES     KEDGE_MIB(256) /* all bodies being received */
#define KEDGE_LIMIT_HTTP_IDLE_S     30             /* seconds a connection may say nothing */

/* Artifacts. */
#define KEDGE_LIMIT_ARTIFACT       (16LL << 30) /* one artifact file */
#define KEDGE_LIMIT_UNPACKED       (32LL << 30) /* all files of one artifact */
#define KEDGE_LIMIT_UNPACKED_FILES 100000
#define KEDGE_LIMIT_UNPACKED_DEPTH 32
#define KEDGE_LIMIT_UNPACKED_NAME  255 /* one path segment */
#define KEDGE_LIMIT_UNPACKED_RATIO                                                                 \
    200 /* unpacked / packed, once past 1 MiB; weights compress little */

#define KEDGE_LIMIT_UNPACKED_FILE (16LL << 30) /* one of them */
#define KEDGE_LIMIT_REDIRECTS     5

/* Device. */
#define KEDGE_LIMIT_LOG_FILE   KEDGE_MIB(10) /* one log file of an instance before it rotates */
#define KEDGE_LIMIT_JOURNAL    KEDGE_MIB(64)
#define KEDGE_LIMIT_PROBE_BODY KEDGE_KIB(64)  /* bytes of a probe's answer that are read */
#define KEDGE_LIMIT_MESSAGE    1024           /* one message in a report */
#define KEDGE_LIMIT_MESSAGES   KEDGE_KIB(256) /* all messages of a report, a quarter of it */
#define KEDGE_LIMIT_REMOVE_DEPTH                                                                   \
    128 /* folders in folders that are removed: one descriptor each                                \
         */

/* Git. */
#define KEDGE_LIMIT_GIT_TIMEOUT_MS 600000        /* a first fetch of a large history, slow link */
#define KEDGE_LIMIT_GIT_RECEIVE    KEDGE_GIB(4)  /* bytes of one fetch, when not configured */
#define KEDGE_LIMIT_GIT_COMMIT     KEDGE_MIB(1)  /* one commit or tag object */
#define KEDGE_LIMIT_GIT_RANGE      10000         /* commits judged at once: some seconds */
#define KEDGE_LIMIT_GIT_TREE       KEDGE_MIB(64) /* one folder: some million entries */
#define KEDGE_LIMIT_GIT_ENTRIES    10000000      /* entries walked; stops trees that repeat one */
#define KEDGE_LIMIT_GIT_DEPTH      64            /* nested folders */
#define KEDGE_LIMIT_GIT_TEXT       1024          /* author, committer or subject of a commit */
#define KEDGE_LIMIT_GIT_PACKS      50            /* packs of a mirror before they become one */
#define KEDGE_LIMIT_GIT_OBJECTS    20000000      /* objects of one pack: room is made up front */
#define KEDGE_LIMIT_GIT_CACHE      KEDGE_MIB(16) /* trees and commits libgit2 keeps parsed */
