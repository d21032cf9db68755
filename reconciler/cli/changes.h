/* SPDX-License-Identifier: Apache-2.0 */
/* Changes as people read them: grouped by what happens, with the devices it happens to. */
#pragma once

#include "base/json.h"
#include "state/change.h"

/* One change; members that do not apply are NULL. Borrowed. */
struct kedge_changes_line {
    const char *device, *instance, *deployment;
    const char *verb, *drift;
    const char *from, *to;
    const char *reason;
    const char *blocker, *why, *frees; /* why it is held */
};

/* All-zero is empty. */
struct kedge_changes_list {
    struct kedge_changes_line *at;
    size_t count, capacity;
    bool color;
    bool all; /* name every device, not the first few */
};

void kedge_changes_add(struct kedge_changes_list *list, const struct kedge_changes_line *line);
/* Every change of a diff; strings are borrowed from it. */
void kedge_changes_add_diff(struct kedge_changes_list *list, const struct kedge_changes *changes);
/* Every item of a JSON list of changes, as plans and drift have them; strings are borrowed. */
void kedge_changes_add_json(struct kedge_changes_list *list, const json_t *items);
void kedge_changes_list_auto(struct kedge_changes_list *list);

/* Both sort the list. Text ends with a line of totals. */
void kedge_changes_text(struct kedge_changes_list *list, struct kedge_buf *out);
/* For a pull request: GitHub-flavoured Markdown, what the repository says escaped. */
void kedge_changes_markdown(struct kedge_changes_list *list, struct kedge_buf *out);
/* Appends the document of a whole diff; a commit that is "" is left out:
 *   {"format","base","head","summary":{<verb>:n..,"drifted","devices","unknown"},
 *   "changes":[{"device","instance","deployment","verb","drift","from","to","reason"}..]} */
void kedge_changes_document(const struct kedge_changes *changes, const char *base, const char *head,
                            struct kedge_buf *out);
