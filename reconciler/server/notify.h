/* SPDX-License-Identifier: Apache-2.0 */
/* Tells systemd how a service is doing (sd_notify(3)'s protocol, without its library). */
#pragma once

/* "READY=1", "STOPPING=1". Does nothing unless $NOTIFY_SOCKET is set; never fails. */
void kedge_notify_send(const char *state);
