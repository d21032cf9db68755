/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine is, as reports say it. */
#pragma once

#include "state/spec.h"

/* `folder` lies on the disk that is meant. Strings live as long as the process. */
struct kedge_capacity kedge_machine_capacity(int folder);
