/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as people, editors and build systems read them. */
#pragma once

#include "base/buf.h"
#include "state/finding.h"
#include "state/tree.h"

struct kedge_findings_report {
    const struct kedge_findings *findings; /* sorted */
    const struct kedge_tree *tree;         /* where excerpts come from */
    const char *root; /* put before every path: "models/"; NULL: paths are as they are */
    bool color;
};

/* Writers of one format each. Whatever the repository says is escaped for it. */
typedef void kedge_findings_write(const struct kedge_findings_report *report,
                                  struct kedge_buf *out);
/* file:line:column: error[rule]: message, the line with a caret, the remedy. */
kedge_findings_write kedge_findings_text;
/* {"errors","warnings","items":[{"severity","rule","file","line","column","field","message",
 * "remedy"}..]} as the findings view has them. */
kedge_findings_write kedge_findings_json;
/* SARIF 2.1.0, at most 5,000 results: what GitHub shows. */
kedge_findings_write kedge_findings_sarif;
/* JUnit XML: a test case per finding, or one that passed. */
kedge_findings_write kedge_findings_junit;
/* GitHub workflow commands (::error file=..,line=..::message). */
kedge_findings_write kedge_findings_github;

/* The writer of a format by its name; never NULL for the formats of `kedge validate`. */
kedge_findings_write *kedge_findings_writer(const char *format);
