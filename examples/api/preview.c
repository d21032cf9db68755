/* SPDX-License-Identifier: Apache-2.0 */
/* What a branch would do to the fleet, as JSON:
 *
 *     cc preview.c $(pkg-config --cflags --libs libkedge) -o preview
 *     ./preview path/to/repository main my-branch */
#include <kedge/kedge.h>

#include <stdio.h>

/* Loads a revision that has to be valid; else shows what is wrong with it. NULL on failure. */
static struct kedge_fleet *load(const char *repository, const char *revision)
{
    struct kedge_fleet *fleet;
    struct kedge_err err;
    if (kedge_fleet_load_commit(repository, revision, NULL, &fleet, &err) < 0) {
        fprintf(stderr, "preview: %s\n", err.msg);
        return NULL;
    }
    if (kedge_fleet_is_valid(fleet))
        return fleet;
    char *findings = kedge_fleet_findings(fleet);
    fputs(findings, stderr);
    kedge_text_free(findings);
    kedge_fleet_free(fleet);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: preview REPOSITORY BASE HEAD\n");
        return 64;
    }
    int status = 1;
    char *changes;
    struct kedge_err err;
    struct kedge_fleet *before = load(argv[1], argv[2]);
    struct kedge_fleet *after = before ? load(argv[1], argv[3]) : NULL;
    if (after && kedge_fleet_diff(before, after, &changes, &err) == 0) {
        fputs(changes, stdout);
        kedge_text_free(changes);
        status = 0;
    } else if (after) {
        fprintf(stderr, "preview: %s\n", err.msg);
    }
    kedge_fleet_free(after);
    kedge_fleet_free(before);
    return status;
}
