/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "encoding.h"

struct anchor {
    struct anchor *next; /* older: a later anchor of the same name hides an earlier one */
    const char *name;
    const struct kedge_yaml_node *node;
};

/* A list or map that is being filled. */
struct frame {
    struct kedge_yaml_node *node;
    struct kedge_yaml_node *last; /* child */
    uint32_t children;
};

struct kedge_yaml {
    yaml_parser_t parser;
    struct kedge_slice data;
    bool ascii;         /* then libyaml's character index is the byte offset */
    size_t index, byte; /* else: a place in both countings, moving forward only */
    const char *file;
    struct kedge_findings *findings;
    bool broken;

    /* The document. */
    struct kedge_arena arena;
    struct kedge_yaml_node *root;
    struct anchor *anchors;
    uint32_t aliases, documents;
    unsigned depth;
    struct frame stack[KEDGE_LIMIT_YAML_DEPTH];
    bool ended_implicitly; /* the document before */
};

static struct kedge_position position(const struct kedge_yaml *r, const yaml_mark_t *mark)
{
    return (struct kedge_position){r->file, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
}

/* Adds an error finding and ends the reading. */
static void stop(struct kedge_yaml *r, const yaml_mark_t *mark, const char *rule,
                 const char *remedy, const char *message)
{
    kedge_finding_add(r->findings, KEDGE_SEVERITY_ERROR, rule, position(r, mark), NULL, remedy,
                      "%s", message);
    r->broken = true;
}

/* The byte at a mark, '\0' behind the end. Marks must not go back. */
static char byte_at(struct kedge_yaml *r, const yaml_mark_t *mark)
{
    if (r->ascii)
        return mark->index < r->data.size ? r->data.data[mark->index] : '\0';
    while (r->byte < r->data.size && r->index < mark->index) {
        r->byte++;
        while (r->byte < r->data.size && (r->data.data[r->byte] & 0xC0) == 0x80)
            r->byte++;
        r->index++;
    }
    return r->byte < r->data.size && r->index == mark->index ? r->data.data[r->byte] : '\0';
}

static bool is_number(const char *text)
{
    const char *at = text + (*text == '+' || *text == '-');
    if (!strcmp(at, ".inf") || !strcmp(at, ".Inf") || !strcmp(at, ".INF"))
        return true;
    if (!strcmp(text, ".nan") || !strcmp(text, ".NaN") || !strcmp(text, ".NAN"))
        return true;
    size_t whole = strspn(at, "0123456789"), part = 0;
    at += whole;
    if (*at == '.') {
        part = strspn(++at, "0123456789");
        at += part;
    }
    if (whole + part == 0)
        return false;
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '+' || at[1] == '-');
        size_t digits = strspn(at, "0123456789");
        if (digits == 0)
            return false;
        at += digits;
    }
    return *at == '\0';
}

static bool is_integer(const char *text)
{
    if (text[0] == '0' && (text[1] == 'o' || text[1] == 'x')) {
        const char *digits = text[1] == 'o' ? "01234567" : "0123456789abcdefABCDEF";
        return text[2] && text[2 + strspn(text + 2, digits)] == '\0';
    }
    text += *text == '+' || *text == '-';
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static enum kedge_yaml_type resolve(const char *text)
{
    char first = *text >= '0' && *text <= '9' ? '0' : *text;
    switch (first) {
    case '\0':
        return KEDGE_YAML_NULL;
    case '~':
        return text[1] ? KEDGE_YAML_STRING : KEDGE_YAML_NULL;
    case 'n':
    case 'N':
        return !strcmp(text, "null") || !strcmp(text, "Null") || !strcmp(text, "NULL")
                   ? KEDGE_YAML_NULL
                   : KEDGE_YAML_STRING;
    case 't':
    case 'T':
        return !strcmp(text, "true") || !strcmp(text, "True") || !strcmp(text, "TRUE")
                   ? KEDGE_YAML_BOOL
                   : KEDGE_YAML_STRING;
    case 'f':
    case 'F':
        return !strcmp(text, "false") || !strcmp(text, "False") || !strcmp(text, "FALSE")
                   ? KEDGE_YAML_BOOL
                   : KEDGE_YAML_STRING;
    case '0':
    case '+':
    case '-':
    case '.':
        return is_integer(text)  ? KEDGE_YAML_INTEGER
               : is_number(text) ? KEDGE_YAML_NUMBER
                                 : KEDGE_YAML_STRING;
    default:
        return KEDGE_YAML_STRING;
    }
}

static bool is_key(const struct kedge_yaml *r)
{
    const struct frame *top = r->depth ? &r->stack[r->depth - 1] : NULL;
    return top && top->node->type == KEDGE_YAML_MAP && top->children % 2 == 0;
}

/* Makes `node` the next child of the open list or map, or the root. */
static void place(struct kedge_yaml *r, struct kedge_yaml_node *node)
{
    if (r->depth == 0) {
        r->root = node;
        return;
    }
    struct frame *top = &r->stack[r->depth - 1];
    if (top->last)
        top->last->next = node;
    else
        top->node->first = node;
    top->last = node;
    top->children++;
}

/* Counts a complete child into its parent; false when the document has grown too large. */
static bool weigh(struct kedge_yaml *r, const struct kedge_yaml_node *child,
                  const yaml_mark_t *mark)
{
    if (r->depth == 0)
        return true;
    struct kedge_yaml_node *parent = r->stack[r->depth - 1].node;
    parent->weight += child->weight;
    if (parent->height <= child->height)
        parent->height = child->height + 1;
    if (parent->weight > KEDGE_LIMIT_YAML_NODES) {
        stop(r, mark, "limit", "split the document, use fewer aliases",
             "the document has more than 100000 values, expanded aliases included");
        return false;
    }
    if (r->depth + child->height > KEDGE_LIMIT_YAML_DEPTH) {
        stop(r, mark, "limit", NULL, "values are nested more than 64 levels deep");
        return false;
    }
    return true;
}

/* With `size` bytes of text behind it, in one item. */
static struct kedge_yaml_node *new_node(struct kedge_yaml *r, const yaml_mark_t *mark,
                                        enum kedge_yaml_type type, size_t size)
{
    struct kedge_yaml_node *node = kedge_arena_alloc(&r->arena, sizeof *node + size);
    node->line = (uint32_t)mark->line + 1;
    node->column = (uint32_t)mark->column + 1;
    node->type = (uint8_t)type;
    node->weight = 1;
    return node;
}

static void remember(struct kedge_yaml *r, const yaml_char_t *name,
                     const struct kedge_yaml_node *node)
{
    if (!name)
        return;
    struct anchor *anchor = kedge_arena_new(&r->arena, struct anchor);
    *anchor = (struct anchor){
        .next = r->anchors,
        .name = kedge_arena_strdup(&r->arena, (const char *)name),
        .node = node,
    };
    r->anchors = anchor;
}

/* libyaml swallows a lone `!`, so the text itself is asked. */
static bool check_tag(struct kedge_yaml *r, const yaml_mark_t *mark, const yaml_char_t *tag)
{
    if (!tag && byte_at(r, mark) != '!')
        return true;
    stop(r, mark, "tag", "remove it: the field decides what a value means", "tags are not allowed");
    return false;
}

/* `"a"#b` and `[a]#b`: a comment for libyaml, broken YAML for everybody else. */
static void check_behind(struct kedge_yaml *r, const yaml_mark_t *end)
{
    if (byte_at(r, end) == '#')
        stop(r, end, "syntax", "put a space before '#'", "a comment needs a space before it");
}

/* Escapes can hide what the file itself may not hold. */
static bool check_escapes(struct kedge_yaml *r, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    for (size_t i = 0; i < size;) {
        size_t length = kedge_utf8_character(text + i, size - i);
        uint32_t c = length ? kedge_encoding_decode(text + i, length) : 0xFFFD;
        if (length == 0 || !kedge_encoding_is_printable(c)) {
            kedge_finding_add(r->findings, KEDGE_SEVERITY_ERROR, "control-character",
                              position(r, &event->start_mark), NULL, "remove the escape",
                              "character U+%04X is not allowed", c);
            return false;
        }
        i += length;
    }
    return true;
}

/* False when nobody could agree on what the key is. */
static bool check_key(struct kedge_yaml *r, const yaml_event_t *event)
{
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    const char *text = (const char *)event->data.scalar.value;
    if (plain && event->data.scalar.length == 2 && memcmp(text, "<<", 2) == 0)
        stop(r, &event->start_mark, "merge-key", "write the fields out",
             "merge keys ('<<') are not allowed");
    else if (plain && event->data.scalar.length == 0)
        stop(r, &event->start_mark, "empty-key", "give the field a name",
             "a key must not be empty");
    return !r->broken;
}

static void on_scalar(struct kedge_yaml *r, const yaml_event_t *event)
{
    yaml_scalar_style_t style = event->data.scalar.style;
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    if (!check_tag(r, &event->start_mark, event->data.scalar.tag))
        return;
    if (size > KEDGE_LIMIT_STRING) {
        stop(r, &event->start_mark, "limit", NULL, "the value is longer than 64 KiB");
        return;
    }
    bool quoted =
        style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (quoted)
        check_behind(r, &event->end_mark);
    if (style == YAML_DOUBLE_QUOTED_SCALAR_STYLE && !check_escapes(r, event)) {
        r->broken = true;
        return;
    }
    if (is_key(r) && !check_key(r, event))
        return;

    enum kedge_yaml_type type =
        style == YAML_PLAIN_SCALAR_STYLE ? resolve(text) : KEDGE_YAML_STRING;
    struct kedge_yaml_node *node = new_node(r, &event->start_mark, type, size + 1);
    node->text = memcpy(node + 1, text, size + 1);
    node->size = (uint32_t)size;
    remember(r, event->data.scalar.anchor, node);
    place(r, node);
    weigh(r, node, &event->start_mark);
}

static void on_start(struct kedge_yaml *r, const yaml_event_t *event, enum kedge_yaml_type type,
                     const yaml_char_t *tag, const yaml_char_t *anchor)
{
    if (!check_tag(r, &event->start_mark, tag))
        return;
    if (is_key(r)) {
        stop(r, &event->start_mark, "complex-key", "use a plain word as key",
             "a key must be a plain value, not a list or mapping");
        return;
    }
    if (r->depth == KEDGE_LIMIT_YAML_DEPTH) {
        stop(r, &event->start_mark, "limit", NULL, "values are nested more than 64 levels deep");
        return;
    }
    struct kedge_yaml_node *node = new_node(r, &event->start_mark, type, 0);
    node->open = true;
    remember(r, anchor, node);
    place(r, node);
    r->stack[r->depth++] = (struct frame){.node = node};
}

static int compare_keys(const void *a, const void *b)
{
    const struct kedge_yaml_node *x = *(const struct kedge_yaml_node *const *)a;
    const struct kedge_yaml_node *y = *(const struct kedge_yaml_node *const *)b;
    int order = strcmp(x->text, y->text);
    if (order)
        return order;
    return x->line != y->line ? (x->line < y->line ? -1 : 1) : x->column < y->column ? -1 : 1;
}

static void add_duplicate(struct kedge_yaml *r, const struct kedge_yaml_node *first,
                          const struct kedge_yaml_node *again)
{
    struct kedge_position at = {r->file, again->line, again->column};
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_buf_printf(&text, "%s", again->text);
    kedge_encoding_tidy(&text);
    kedge_finding_add(r->findings, KEDGE_SEVERITY_ERROR, "duplicate-key", at, NULL,
                      "keep one of them", "'%s' is given twice, first at line %u", text.data,
                      first->line);
}

static void check_duplicates(struct kedge_yaml *r, const struct kedge_yaml_node *map)
{
    enum { FEW = 24 };
    const struct kedge_yaml_node *few[FEW];
    const struct kedge_yaml_node **keys = few;
    if (map->size > FEW)
        keys = kedge_arena_array(&r->arena, map->size, sizeof *keys);
    size_t count = 0;
    for (const struct kedge_yaml_node *key = map->first; key; key = key->next->next) {
        for (size_t i = 0; keys == few && i < count; i++) {
            if (keys[i]->size == key->size && memcmp(keys[i]->text, key->text, key->size) == 0) {
                add_duplicate(r, keys[i], key);
                break;
            }
        }
        keys[count++] = key;
    }
    if (keys == few)
        return;
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++)
        if (strcmp(keys[i - 1]->text, keys[i]->text) == 0)
            add_duplicate(r, keys[i - 1], keys[i]);
}

static void on_end(struct kedge_yaml *r, const yaml_event_t *event)
{
    struct frame *top = &r->stack[--r->depth];
    struct kedge_yaml_node *node = top->node;
    node->open = false;
    node->size = top->children;
    if (node->type == KEDGE_YAML_MAP) {
        node->size /= 2;
        check_duplicates(r, node);
    }
    char closing = node->type == KEDGE_YAML_MAP ? '}' : ']';
    bool flow = event->end_mark.index > event->start_mark.index &&
                byte_at(r, &event->start_mark) == closing;
    if (flow)
        check_behind(r, &event->end_mark);
    weigh(r, node, &event->start_mark);
}

static void on_alias(struct kedge_yaml *r, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    const struct anchor *anchor = r->anchors;
    while (anchor && strcmp(anchor->name, name) != 0)
        anchor = anchor->next;
    struct kedge_position at = position(r, &event->start_mark);
    if (!anchor || anchor->node->open) {
        kedge_finding_add(r->findings, KEDGE_SEVERITY_ERROR, "alias", at, NULL,
                          anchor ? "write the value out" : "define it before its use with '&'",
                          anchor ? "alias '*%s' contains itself" : "alias '*%s' has no anchor",
                          name);
        r->broken = true;
        return;
    }
    if (is_key(r)) {
        stop(r, &event->start_mark, "complex-key", "write the key out",
             "a key must not be an alias");
        return;
    }
    if (++r->aliases > KEDGE_LIMIT_YAML_ALIASES) {
        stop(r, &event->start_mark, "limit", "write the values out",
             "the document uses more than 100 aliases");
        return;
    }
    /* A copy of the top node: it needs a `next` of its own, all below is shared. */
    struct kedge_yaml_node *node = kedge_arena_new(&r->arena, struct kedge_yaml_node);
    *node = *anchor->node;
    node->next = NULL;
    place(r, node);
    weigh(r, node, &event->start_mark);
}

static void on_document_start(struct kedge_yaml *r, const yaml_event_t *event)
{
    const yaml_version_directive_t *version = event->data.document_start.version_directive;
    bool tags = event->data.document_start.tag_directives.start !=
                event->data.document_start.tag_directives.end;
    if (tags)
        stop(r, &event->start_mark, "tag", "remove the %TAG line", "tags are not allowed");
    else if (version && version->minor != 2)
        stop(r, &event->start_mark, "syntax", "remove the %YAML line",
             "manifests are YAML 1.2; YAML 1.1 reads some words differently");
    else if (version && r->documents && r->ended_implicitly)
        stop(r, &event->start_mark, "syntax", "write '...' before it",
             "a directive needs the document before it to be ended");
    else if (r->documents == KEDGE_LIMIT_DOCUMENTS)
        stop(r, &event->start_mark, "limit", "split the file",
             "the file has more than 10000 documents");
    r->documents++;
}

static void forget_document(struct kedge_yaml *r)
{
    kedge_arena_clear(&r->arena);
    r->root = NULL;
    r->anchors = NULL;
    r->aliases = 0;
    r->depth = 0;
}

static void on_event(struct kedge_yaml *r, const yaml_event_t *event, kedge_yaml_visit *visit,
                     void *payload)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        on_document_start(r, event);
        break;
    case YAML_DOCUMENT_END_EVENT:
        r->ended_implicitly = event->data.document_end.implicit;
        if (r->root->type != KEDGE_YAML_NULL)
            visit(r->root, payload);
        forget_document(r);
        break;
    case YAML_MAPPING_START_EVENT:
        on_start(r, event, KEDGE_YAML_MAP, event->data.mapping_start.tag,
                 event->data.mapping_start.anchor);
        break;
    case YAML_SEQUENCE_START_EVENT:
        on_start(r, event, KEDGE_YAML_LIST, event->data.sequence_start.tag,
                 event->data.sequence_start.anchor);
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        on_end(r, event);
        break;
    case YAML_SCALAR_EVENT:
        on_scalar(r, event);
        break;
    case YAML_ALIAS_EVENT:
        on_alias(r, event);
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
        break;
    }
}

static void add_syntax_error(struct kedge_yaml *r)
{
    const yaml_parser_t *parser = &r->parser;
    /* libyaml's reader names bytes; the same check with lines and columns says it better. */
    if (parser->error == YAML_READER_ERROR && !kedge_encoding_check(r->data, r->file, r->findings))
        return;
    const yaml_mark_t *mark = &parser->problem_mark;
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_buf_printf(&text, "broken YAML: %s", parser->problem ? parser->problem : "unreadable");
    if (parser->context)
        kedge_buf_printf(&text, " %s", parser->context);
    if (parser->context && parser->context_mark.line != mark->line)
        kedge_buf_printf(&text, " (from line %zu on)", parser->context_mark.line + 1);
    kedge_finding_add(r->findings, KEDGE_SEVERITY_ERROR, "syntax", position(r, mark), NULL,
                      byte_at(r, mark) == '\t' ? "indent with spaces, not with tabs" : NULL, "%s",
                      text.data);
}

static void read_events(struct kedge_yaml *r, kedge_yaml_visit *visit, void *payload)
{
    for (bool more = true; more && !r->broken;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r->parser, &event)) {
            add_syntax_error(r);
            r->broken = true;
            return;
        }
        on_event(r, &event, visit, payload);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
}

struct kedge_yaml *kedge_yaml_new(void)
{
    return kedge_alloc_zeroed(sizeof(struct kedge_yaml));
}

void kedge_yaml_free(struct kedge_yaml *yaml)
{
    if (yaml)
        kedge_arena_release(&yaml->arena);
    free(yaml);
}

void kedge_yaml_auto(struct kedge_yaml **yaml)
{
    kedge_yaml_free(*yaml);
}

static void start_file(struct kedge_yaml *r, struct kedge_slice data, const char *file,
                       struct kedge_findings *findings)
{
    size_t mark = kedge_encoding_mark(data);
    r->data = (struct kedge_slice){data.data + mark, data.size - mark};
    r->ascii = kedge_encoding_is_ascii(r->data);
    r->index = r->byte = 0;
    r->file = file;
    r->findings = findings;
    r->broken = false;
    r->documents = 0;
    forget_document(r);
}

bool kedge_yaml_read(struct kedge_yaml *r, struct kedge_slice data, const char *file,
                     struct kedge_findings *findings, kedge_yaml_visit *visit, void *payload)
{
    if (data.size > KEDGE_LIMIT_MANIFEST) {
        kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "limit",
                          (struct kedge_position){.file = file}, NULL, "split the file",
                          "the file is larger than 1 MiB");
        return false;
    }
    start_file(r, data, file, findings);
    if (!r->ascii && !kedge_encoding_check(data, file, findings))
        return false;
    if (!yaml_parser_initialize(&r->parser))
        abort(); /* memory is out, as everywhere in base/ */
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->data.data, r->data.size);
    read_events(r, visit, payload);
    yaml_parser_delete(&r->parser);
    return !r->broken;
}

const char *kedge_yaml_type_name(enum kedge_yaml_type type)
{
    static const char *const names[] = {
        [KEDGE_YAML_NULL] = "null",          [KEDGE_YAML_BOOL] = "a boolean",
        [KEDGE_YAML_INTEGER] = "an integer", [KEDGE_YAML_NUMBER] = "a number",
        [KEDGE_YAML_STRING] = "a string",    [KEDGE_YAML_LIST] = "a list",
        [KEDGE_YAML_MAP] = "a mapping",
    };
    return names[type];
}

bool kedge_yaml_integer(const struct kedge_yaml_node *node, int64_t *value)
{
    const char *text = node->text;
    bool negative = *text == '-';
    int base = 10;
    if (text[0] == '0' && (text[1] == 'o' || text[1] == 'x')) {
        base = text[1] == 'o' ? 8 : 16;
        text += 2;
    } else {
        text += negative || *text == '+';
    }
    int64_t sum = 0;
    for (; *text; text++) {
        int digit = *text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10;
        if (__builtin_mul_overflow(sum, base, &sum) || __builtin_add_overflow(sum, digit, &sum))
            return false;
    }
    *value = negative ? -sum : sum;
    return true;
}

bool kedge_yaml_number(const struct kedge_yaml_node *node, double *value)
{
    double number = NAN;
    int64_t integer;
    if (node->type == KEDGE_YAML_INTEGER)
        number = kedge_yaml_integer(node, &integer) ? (double)integer : INFINITY;
    else if (!strpbrk(node->text, "iInN")) /* .inf and .nan are no amounts */
        number = strtod(node->text, NULL);
    if (!isfinite(number))
        return false;
    *value = number;
    return true;
}

bool kedge_yaml_truth(const struct kedge_yaml_node *node)
{
    return (node->text[0] | 0x20) == 't';
}
