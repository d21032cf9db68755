/* SPDX-License-Identifier: Apache-2.0 */
#include "range.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"

enum relation {
    OP_EQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_TILDE,
    OP_CARET
};

struct comparator {
    enum relation op; /* never tilde or caret */
    struct kedge_version version;
};

/* All comparators must hold; none: any release. */
struct comparator_set {
    struct comparator *at;
    size_t count;
};

struct kedge_range {
    struct comparator_set *sets;
    size_t count;
};

/* Longest first, so that ">=" is not read as ">". */
static const struct {
    const char *text;
    enum relation op;
} operators[] = {
    {">=", OP_GREATER_EQUAL}, {"<=", OP_LESS_EQUAL}, {"~>", OP_TILDE}, {">", OP_GREATER},
    {"<", OP_LESS},           {"=", OP_EQUAL},       {"~", OP_TILDE},  {"^", OP_CARET},
};

/* "1", "1.2", "1.x.*", "1.2.3-rc.1": a version whose last parts may be left open. */
struct partial {
    struct kedge_version version;
    int fixed; /* numbers before the first open one: 0 to 3 */
};

/* Everything below writes comparators here; a set is done when its text is read. */
struct parser {
    struct kedge_arena *arena;
    struct kedge_buf comparators;
    struct kedge_buf sets;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *skip_spaces(const char *at)
{
    while (is_space(*at))
        at++;
    return at;
}

/* A word ends at white space, at the text's end or at "||". */
static bool is_end(const char *at)
{
    return *at == '\0' || is_space(*at) || (at[0] == '|' && at[1] == '|');
}

static bool take_partial(struct kedge_arena *arena, const char **text, struct partial *out)
{
    struct partial partial = {0};
    const char *at = *text;
    int64_t *const numbers[] = {&partial.version.major, &partial.version.minor,
                                &partial.version.patch};
    at += strspn(at, "v=");
    int count = 0;
    do {
        bool open = *at == 'x' || *at == 'X' || *at == '*';
        if (open)
            at++;
        else if (partial.fixed < count || !kedge_version_take_number(&at, numbers[count]))
            return false; /* "1.x.3" means nothing */
        count++;
        if (!open)
            partial.fixed = count;
    } while (count < 3 && *at == '.' && at++);
    if (count == 3 && !kedge_version_take_suffix(arena, &at, &partial.version))
        return false;
    if (partial.fixed < 3)
        partial.version.pre = NULL; /* "1.x.x-rc" says no more than "1.x" */
    *text = at;
    *out = partial;
    return true;
}

static void add(struct parser *parser, enum relation op, struct kedge_version version)
{
    struct comparator comparator = {op, version};
    kedge_buf_add(&parser->comparators, &comparator, sizeof comparator);
}

/* The first version, prereleases included, in which number `part` (0 major, 1 minor, 2 patch) is
 * one higher. */
static struct kedge_version bump(const struct kedge_version *version, int part)
{
    struct kedge_version next = {.major = version->major + (part == 0), .pre = "0"};
    if (part >= 1)
        next.minor = version->minor + (part == 1);
    if (part >= 2)
        next.patch = version->patch + 1;
    return next;
}

/* From `partial` up to where number `part` changes. */
static void add_span(struct parser *parser, const struct partial *partial, int part)
{
    add(parser, OP_GREATER_EQUAL, partial->version);
    add(parser, OP_LESS, bump(&partial->version, part));
}

/* Below or above everything there is: no version at all. */
static void add_nothing(struct parser *parser)
{
    add(parser, OP_LESS, (struct kedge_version){.pre = "0"});
}

/* "^": up to the next change of the first number that is not zero. */
static int caret_part(const struct partial *partial)
{
    if (partial->version.major != 0 || partial->fixed == 1)
        return 0;
    if (partial->version.minor != 0 || partial->fixed == 2)
        return 1;
    return 2;
}

/* ">1.2" starts behind all of 1.2, "<=1.2" ends there, ">=1.2" and "<1.2" are taken at 1.2.0. */
static void add_open(struct parser *parser, enum relation op, const struct partial *partial)
{
    struct kedge_version behind = bump(&partial->version, partial->fixed - 1);
    struct kedge_version first = partial->version;
    switch (op) {
    case OP_GREATER:
        behind.pre = NULL;
        add(parser, OP_GREATER_EQUAL, behind);
        break;
    case OP_LESS_EQUAL:
        add(parser, OP_LESS, behind);
        break;
    case OP_LESS:
        first.pre = "0";
        add(parser, OP_LESS, first);
        break;
    case OP_GREATER_EQUAL:
        add(parser, OP_GREATER_EQUAL, first);
        break;
    default:
        add_span(parser, partial, partial->fixed - 1);
    }
}

static void add_simple(struct parser *parser, enum relation op, const struct partial *partial)
{
    if (partial->fixed == 0) {
        if (op == OP_LESS || op == OP_GREATER)
            add_nothing(parser);
    } else if (op == OP_TILDE) {
        add_span(parser, partial, partial->fixed == 1 ? 0 : 1);
    } else if (op == OP_CARET) {
        add_span(parser, partial, caret_part(partial));
    } else if (partial->fixed < 3) {
        add_open(parser, op, partial);
    } else {
        add(parser, op, partial->version);
    }
}

/* "a - b": both ends count; an open end takes in all of it. */
static void add_hyphen(struct parser *parser, const struct partial *from, const struct partial *to)
{
    if (from->fixed > 0)
        add(parser, OP_GREATER_EQUAL, from->version);
    if (to->fixed == 3)
        add(parser, OP_LESS_EQUAL, to->version);
    else if (to->fixed > 0)
        add(parser, OP_LESS, bump(&to->version, to->fixed - 1));
}

/* Reads "a - b" when that is all of the set; else leaves *text alone. */
static bool take_hyphen(struct parser *parser, const char **text)
{
    struct partial from, to;
    const char *at = *text;
    if (!take_partial(parser->arena, &at, &from) || !is_space(*at))
        return false;
    at = skip_spaces(at);
    if (at[0] != '-' || !is_space(at[1]))
        return false;
    at = skip_spaces(at + 1);
    if (!take_partial(parser->arena, &at, &to) || !is_end(at))
        return false;
    at = skip_spaces(at);
    if (!is_end(at))
        return false;
    add_hyphen(parser, &from, &to);
    *text = at;
    return true;
}

static bool take_simple(struct parser *parser, const char **text)
{
    const char *at = *text;
    enum relation op = OP_EQUAL;
    for (size_t i = 0; i < KEDGE_COUNT(operators); i++) {
        size_t size = strlen(operators[i].text);
        if (strncmp(at, operators[i].text, size) == 0) {
            op = operators[i].op;
            at = skip_spaces(at + size);
            break;
        }
    }
    struct partial partial;
    if (!take_partial(parser->arena, &at, &partial) || !is_end(at))
        return false;
    add_simple(parser, op, &partial);
    *text = at;
    return true;
}

static void finish_set(struct parser *parser)
{
    struct comparator_set set = {.count = parser->comparators.size / sizeof(struct comparator)};
    set.at = kedge_arena_array(parser->arena, set.count, sizeof *set.at);
    if (set.count > 0)
        memcpy(set.at, parser->comparators.data, parser->comparators.size);
    kedge_buf_clear(&parser->comparators);
    kedge_buf_add(&parser->sets, &set, sizeof set);
}

/* All comparators have numbers that a version may have: bump() may have left that ground. */
static bool is_bounded(const struct parser *parser)
{
    const struct comparator *at = (const struct comparator *)parser->comparators.data;
    for (size_t i = 0; i < parser->comparators.size / sizeof *at; i++)
        if (at[i].version.major > KEDGE_LIMIT_VERSION_NUMBER ||
            at[i].version.minor > KEDGE_LIMIT_VERSION_NUMBER ||
            at[i].version.patch > KEDGE_LIMIT_VERSION_NUMBER)
            return false;
    return true;
}

static bool take_set(struct parser *parser, const char **text)
{
    const char *at = skip_spaces(*text);
    if (!take_hyphen(parser, &at)) {
        while (!is_end(at)) {
            if (!take_simple(parser, &at))
                return false;
            at = skip_spaces(at);
        }
    }
    if (!is_bounded(parser))
        return false;
    finish_set(parser);
    *text = at;
    return true;
}

static bool take_range(struct parser *parser, const char *text)
{
    while (take_set(parser, &text)) {
        if (*text == '\0')
            return true;
        text += 2; /* "||" */
    }
    return false;
}

int kedge_range_parse(struct kedge_arena *arena, const char *text, const struct kedge_range **out,
                      struct kedge_err *err)
{
    if (strlen(text) > KEDGE_LIMIT_RANGE)
        return kedge_err_set(err, KEDGE_INVALID, "version range is longer than %d bytes",
                             KEDGE_LIMIT_RANGE);
    struct parser parser = {.arena = arena};
    bool valid = take_range(&parser, text);
    if (valid) {
        struct kedge_range *range = kedge_arena_new(arena, struct kedge_range);
        range->count = parser.sets.size / sizeof *range->sets;
        range->sets = kedge_arena_array(arena, range->count, sizeof *range->sets);
        memcpy(range->sets, parser.sets.data, parser.sets.size);
        *out = range;
    }
    kedge_buf_release(&parser.comparators);
    kedge_buf_release(&parser.sets);
    if (!valid)
        return kedge_err_set(err, KEDGE_INVALID,
                             "'%s' is not a version range; write one like '1.4.0', '^1.4' or "
                             "'>=1.4 <3'",
                             text);
    return 0;
}

static bool holds(const struct comparator *comparator, const struct kedge_version *version)
{
    int order = kedge_version_compare(version, &comparator->version);
    switch (comparator->op) {
    case OP_LESS:
        return order < 0;
    case OP_LESS_EQUAL:
        return order <= 0;
    case OP_GREATER:
        return order > 0;
    case OP_GREATER_EQUAL:
        return order >= 0;
    default:
        return order == 0;
    }
}

static bool same_release(const struct kedge_version *a, const struct kedge_version *b)
{
    return a->major == b->major && a->minor == b->minor && a->patch == b->patch;
}

static bool set_matches(const struct comparator_set *set, const struct kedge_version *version)
{
    bool admitted = version->pre == NULL;
    for (size_t i = 0; i < set->count; i++) {
        if (!holds(&set->at[i], version))
            return false;
        admitted |= set->at[i].version.pre != NULL && same_release(&set->at[i].version, version);
    }
    return admitted;
}

bool kedge_range_match(const struct kedge_range *range, const struct kedge_version *version)
{
    for (size_t i = 0; i < range->count; i++)
        if (set_matches(&range->sets[i], version))
            return true;
    return false;
}

bool kedge_range_is_exact(const struct kedge_range *range)
{
    return range->count == 1 && range->sets[0].count == 1 && range->sets[0].at[0].op == OP_EQUAL;
}
