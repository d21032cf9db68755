/* SPDX-License-Identifier: Apache-2.0 */
#include "change.h"

const struct kedge_words kedge_verb_words = KEDGE_WORDS(
    [KEDGE_VERB_DEPLOY] = "deploy", [KEDGE_VERB_UPDATE] = "update",
    [KEDGE_VERB_DESTROY] = "destroy", [KEDGE_VERB_START] = "start", [KEDGE_VERB_STOP] = "stop");

const struct kedge_words kedge_drift_words =
    KEDGE_WORDS([KEDGE_DRIFT_NONE] = NULL, [KEDGE_DRIFT_MODIFIED] = "modified",
                [KEDGE_DRIFT_MISSING] = "missing", [KEDGE_DRIFT_EXTRA] = "extra");
