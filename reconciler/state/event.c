/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

#include "base/clock.h"

static const char *const words[KEDGE_EVENT_KIND_COUNT] = {
    [KEDGE_EVENT_REVISION_RECONCILED] = "RevisionReconciled",
    [KEDGE_EVENT_REVISION_REFUSED] = "RevisionRefused",
    [KEDGE_EVENT_SOURCE_UNREACHABLE] = "SourceUnreachable",
    [KEDGE_EVENT_SOURCE_RECOVERED] = "SourceRecovered",
    [KEDGE_EVENT_ACTION_ISSUED] = "ActionIssued",
    [KEDGE_EVENT_ACTION_HELD] = "ActionHeld",
    [KEDGE_EVENT_ACTION_SUCCEEDED] = "ActionSucceeded",
    [KEDGE_EVENT_ACTION_FAILED] = "ActionFailed",
    [KEDGE_EVENT_ACTION_ROLLED_BACK] = "ActionRolledBack",
    [KEDGE_EVENT_ACTION_SUPERSEDED] = "ActionSuperseded",
    [KEDGE_EVENT_DRIFT_DETECTED] = "DriftDetected",
    [KEDGE_EVENT_DRIFT_HEALED] = "DriftHealed",
    [KEDGE_EVENT_ENVELOPE_REFUSED] = "EnvelopeRefused",
    [KEDGE_EVENT_REPORT_REFUSED] = "ReportRefused",
    [KEDGE_EVENT_DEVICE_ONLINE] = "DeviceOnline",
    [KEDGE_EVENT_DEVICE_OFFLINE] = "DeviceOffline",
    [KEDGE_EVENT_DEVICE_CLONED] = "DeviceCloned",
    [KEDGE_EVENT_DOUBT_SETTLED] = "DoubtSettled",
    [KEDGE_EVENT_EVIDENCE_MISSING] = "EvidenceMissing",
    [KEDGE_EVENT_EVIDENCE_RESTARTED] = "EvidenceRestarted",
    [KEDGE_EVENT_TOKEN_ISSUED] = "TokenIssued",
    [KEDGE_EVENT_ENROLMENT_REQUESTED] = "EnrolmentRequested",
    [KEDGE_EVENT_ENROLMENT_APPROVED] = "EnrolmentApproved",
    [KEDGE_EVENT_ENROLMENT_REFUSED] = "EnrolmentRefused",
    [KEDGE_EVENT_DEVICE_ENROLLED] = "DeviceEnrolled",
    [KEDGE_EVENT_KEY_ROTATED] = "KeyRotated",
    [KEDGE_EVENT_DECOMMISSION_ORDERED] = "DecommissionOrdered",
    [KEDGE_EVENT_DEVICE_DECOMMISSIONED] = "DeviceDecommissioned",
    [KEDGE_EVENT_ROOT_PUBLISHED] = "RootPublished",
    [KEDGE_EVENT_ROOT_REFUSED] = "RootRefused",
};
const struct kedge_words kedge_event_words = {words, KEDGE_EVENT_KIND_COUNT};

void kedge_event_write(const struct kedge_event *event, struct kedge_json_writer *writer)
{
    char at[KEDGE_TIME_TEXT];
    kedge_json_begin_object(writer);
    kedge_json_add_integer(writer, "seq", event->seq);
    kedge_json_add_string(writer, "at", kedge_clock_format(event->at, at));
    kedge_json_add_string(writer, "kind", kedge_word_name(&kedge_event_words, (int)event->kind));
    kedge_json_add_string(writer, "commit", event->commit);
    kedge_json_add_string(writer, "device", event->device);
    kedge_json_add_string(writer, "instance", event->instance);
    kedge_json_add_string(writer, "verb", event->verb);
    kedge_json_add_string(writer, "from", event->from);
    kedge_json_add_string(writer, "to", event->to);
    kedge_json_add_string(writer, "action", event->action);
    kedge_json_add_string(writer, "by", event->by);
    kedge_json_add_string(writer, "reason", event->reason);
    kedge_json_add_string(writer, "message", event->message);
    kedge_json_end_object(writer);
}
