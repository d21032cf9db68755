/* SPDX-License-Identifier: Apache-2.0 */
#include "style.h"

#include <string.h>

static const struct {
    const char *word;
    enum kedge_print_style style;
} words[] = {
    {"Synced", KEDGE_PRINT_GREEN},       {"Healthy", KEDGE_PRINT_GREEN},
    {"Online", KEDGE_PRINT_GREEN},       {"Succeeded", KEDGE_PRINT_GREEN},
    {"OutOfSync", KEDGE_PRINT_YELLOW},   {"Progressing", KEDGE_PRINT_YELLOW},
    {"Held", KEDGE_PRINT_YELLOW},        {"Sent", KEDGE_PRINT_YELLOW},
    {"Pending", KEDGE_PRINT_YELLOW},     {"Downloading", KEDGE_PRINT_YELLOW},
    {"Installing", KEDGE_PRINT_YELLOW},  {"Verifying", KEDGE_PRINT_YELLOW},
    {"RollingBack", KEDGE_PRINT_YELLOW}, {"RolledBack", KEDGE_PRINT_RED},
    {"Degraded", KEDGE_PRINT_RED},       {"Missing", KEDGE_PRINT_RED},
    {"Offline", KEDGE_PRINT_RED},        {"Failed", KEDGE_PRINT_RED},
    {"Unknown", KEDGE_PRINT_DIM},        {"Superseded", KEDGE_PRINT_DIM},
};

enum kedge_print_style kedge_style_of(const char *word)
{
    for (size_t i = 0; word && i < KEDGE_COUNT(words); i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].style;
    return KEDGE_PRINT_PLAIN;
}
