/* SPDX-License-Identifier: Apache-2.0 */
#include "edit.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/limits.h"
#include "encoding.h"
#include "yaml.h"

enum shape { SCALAR, MAP, LIST, ALIAS };

/* A value and where it stands. The file was read by kedge_yaml_read before, so its depth, size and
 * form are known to be sane. */
struct span {
    enum shape shape;
    bool flow;         /* MAP, LIST */
    size_t start, end; /* bytes; the end without white space and comments behind it */
    size_t column;     /* of the start, from 0 */
    const char *text;  /* SCALAR */
    struct span *first, *next;
};

struct scan {
    yaml_parser_t parser;
    struct kedge_slice text;
    struct kedge_arena arena;
    size_t index, byte; /* one place in both countings: characters and bytes */
};

static size_t byte_of(struct scan *scan, const yaml_mark_t *mark)
{
    if (mark->index < scan->index)
        scan->index = scan->byte = 0;
    while (scan->index < mark->index && scan->byte < scan->text.size) {
        scan->byte++;
        while (scan->byte < scan->text.size && (scan->text.data[scan->byte] & 0xC0) == 0x80)
            scan->byte++;
        scan->index++;
    }
    return scan->byte;
}

static bool next_event(struct scan *scan, yaml_event_t *event)
{
    return yaml_parser_parse(&scan->parser, event) != 0;
}

static struct span *begin(struct scan *scan, const yaml_event_t *event, enum shape shape, bool flow)
{
    struct span *span = kedge_arena_new(&scan->arena, struct span);
    *span = (struct span){.shape = shape,
                          .flow = flow,
                          .start = byte_of(scan, &event->start_mark),
                          .column = event->start_mark.column};
    return span;
}

static void end_scalar(struct scan *scan, struct span *span, const yaml_event_t *event)
{
    yaml_scalar_style_t style = event->data.scalar.style;
    span->text = kedge_arena_strdup(&scan->arena, (const char *)event->data.scalar.value);
    span->end = byte_of(scan, &event->end_mark);
    /* A block scalar's mark stands behind the empty lines that follow it. */
    if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE)
        while (span->end > span->start && strchr(" \t\r\n", scan->text.data[span->end - 1]))
            span->end--;
}

/* The value that begins with `event`, which is taken; NULL at the end of what holds it. A block
 * collection ends where its last value does. */
static struct span *take_value(struct scan *scan, yaml_event_t *event);

static void take_children(struct scan *scan, struct span *span)
{
    struct span **last = &span->first;
    span->end = span->start;
    for (;;) {
        yaml_event_t event;
        if (!next_event(scan, &event))
            return;
        size_t closed = byte_of(scan, &event.end_mark);
        struct span *child = take_value(scan, &event);
        if (!child) {
            if (span->flow)
                span->end = closed;
            return;
        }
        span->end = child->end;
        *last = child;
        last = &child->next;
    }
}

static struct span *take_value(struct scan *scan, yaml_event_t *event)
{
    struct span *span = NULL;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        span = begin(scan, event, SCALAR, false);
        end_scalar(scan, span, event);
        break;
    case YAML_ALIAS_EVENT:
        span = begin(scan, event, ALIAS, false);
        span->end = byte_of(scan, &event->end_mark);
        break;
    case YAML_MAPPING_START_EVENT:
        span = begin(scan, event, MAP, event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
        break;
    case YAML_SEQUENCE_START_EVENT:
        span =
            begin(scan, event, LIST, event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE);
        break;
    default:
        break;
    }
    yaml_event_delete(event);
    if (span && (span->shape == MAP || span->shape == LIST))
        take_children(scan, span);
    return span;
}

/* The value of a document's root mapping that starts in `line`, or NULL. */
static struct span *find_document(struct scan *scan, uint32_t line)
{
    struct span *found = NULL;
    for (bool more = true; more && !found;) {
        yaml_event_t event;
        if (!next_event(scan, &event))
            break;
        more = event.type != YAML_STREAM_END_EVENT;
        bool here = event.start_mark.line + 1 == line;
        struct span *root = take_value(scan, &event);
        found = root && here && root->shape == MAP ? root : NULL;
    }
    return found;
}

static struct span *child(const struct span *map, const char *name)
{
    for (struct span *key = map->first; key && key->next; key = key->next->next)
        if (key->shape == SCALAR && strcmp(key->text, name) == 0)
            return key->next;
    return NULL;
}

/* --- the splice --- */

/* `size` bytes at `at` become `text`. */
struct splice {
    size_t at, size;
    struct kedge_buf text;
};

static void indent(struct kedge_buf *out, size_t column)
{
    while (column--)
        kedge_buf_putc(out, ' ');
}

static void put_flow(struct kedge_buf *out, const struct kedge_signature *signature)
{
    kedge_buf_printf(out, "{keyId: \"%s\", value: \"", signature->key_id);
    for (const char *at = signature->value; *at; at++) {
        if (*at == '\n' || *at == '\t')
            kedge_buf_puts(out, *at == '\n' ? "\\n" : "\\t");
        else if (*at == '"' || *at == '\\')
            kedge_buf_printf(out, "\\%c", *at);
        else
            kedge_buf_putc(out, *at);
    }
    kedge_buf_puts(out, "\"}");
}

/* An id is quoted: some, such as 0E12345678901234, would be numbers. As a block mapping whose first key stands at `column`, without the last line's end. */
static void put_block(struct kedge_buf *out, const struct kedge_signature *signature, size_t column)
{
    kedge_buf_printf(out, "keyId: \"%s\"\n", signature->key_id);
    indent(out, column);
    kedge_buf_puts(out, "value: |");
    for (const char *at = signature->value; *at;) {
        size_t size = strcspn(at, "\n");
        kedge_buf_putc(out, '\n');
        indent(out, column + 2);
        kedge_buf_add(out, at, size);
        at += size + (at[size] == '\n');
    }
}

/* Behind the line that holds byte `at`. */
static void start_line(const struct kedge_slice *text, size_t at, struct splice *out)
{
    const char *end = memchr(text->data + at, '\n', text->size - at);
    out->at = end ? (size_t)(end + 1 - text->data) : text->size;
    if (!end)
        kedge_buf_putc(&out->text, '\n');
}

static void add_item(const struct kedge_slice *text, const struct span *list,
                     const struct kedge_signature *signature, struct splice *out)
{
    if (list->flow) {
        out->at = list->end - 1;
        kedge_buf_puts(&out->text, list->first ? ", " : "");
        put_flow(&out->text, signature);
        return;
    }
    start_line(text, list->end, out);
    indent(&out->text, list->column);
    kedge_buf_puts(&out->text, "- ");
    put_block(&out->text, signature, list->column + 2);
    kedge_buf_putc(&out->text, '\n');
}

/* A new field behind the artifact, which every signed document has. */
static void add_list(const struct kedge_slice *text, const struct span *spec,
                     const struct span *artifact, const struct kedge_signature *signature,
                     struct splice *out)
{
    if (spec->flow) {
        out->at = artifact->end;
        kedge_buf_puts(&out->text, ", signatures: [");
        put_flow(&out->text, signature);
        kedge_buf_putc(&out->text, ']');
        return;
    }
    start_line(text, artifact->end, out);
    indent(&out->text, spec->column);
    kedge_buf_puts(&out->text, "signatures:\n");
    indent(&out->text, spec->column + 2);
    kedge_buf_puts(&out->text, "- ");
    put_block(&out->text, signature, spec->column + 4);
    kedge_buf_putc(&out->text, '\n');
}

static const struct span *find_item(const struct span *list, const char *key_id)
{
    for (const struct span *item = list->first; item; item = item->next) {
        const struct span *id = item->shape == MAP ? child(item, "keyId") : NULL;
        if (id && id->shape == SCALAR && strcmp(id->text, key_id) == 0)
            return item;
    }
    return NULL;
}

static int unsupported(struct kedge_err *err, const char *what)
{
    return kedge_err_set(err, KEDGE_UNSUPPORTED,
                         "%s: write the signature into spec.signatures by hand", what);
}

static int plan(const struct kedge_slice *text, const struct span *root,
                const struct kedge_signature *signature, struct splice *out, struct kedge_err *err)
{
    const struct span *spec = child(root, "spec");
    const struct span *artifact = spec && spec->shape == MAP ? child(spec, "artifact") : NULL;
    if (!artifact)
        return unsupported(err, "the document has no artifact of its own");
    const struct span *list = child(spec, "signatures");
    if (!list) {
        add_list(text, spec, artifact, signature, out);
        return 0;
    }
    if (list->shape != LIST)
        return unsupported(err, "its signatures are written elsewhere");
    const struct span *same = find_item(list, signature->key_id);
    if (!same) {
        add_item(text, list, signature, out);
        return 0;
    }
    const struct span *value = child(same, "value");
    if (value && value->text && strcmp(value->text, signature->value) == 0)
        return kedge_err_set(err, KEDGE_EXISTS, "key %s has signed it already", signature->key_id);
    out->at = same->start;
    out->size = same->end - same->start;
    if (same->flow)
        put_flow(&out->text, signature);
    else
        put_block(&out->text, signature, same->column);
    return 0;
}

/* --- the proof --- */

/* A file as text that two readings can be compared by; the signatures of one document apart. */
struct reading {
    uint32_t line, documents;
    struct kedge_buf rest, signatures;
};

static void dump(struct kedge_buf *out, const struct kedge_yaml_node *node)
{
    kedge_buf_printf(out, "%d:%u:", node->type, node->size);
    if (node->type < KEDGE_YAML_LIST)
        kedge_buf_add(out, node->text, node->size);
    else
        for (const struct kedge_yaml_node *at = node->first; at; at = at->next)
            dump(out, at);
}

static void dump_signatures(struct kedge_buf *out, const struct kedge_yaml_node *list)
{
    for (const struct kedge_yaml_node *at = list->first; at; at = at->next) {
        dump(out, at);
        kedge_buf_putc(out, '\0');
    }
}

static void dump_spec(struct reading *reading, const struct kedge_yaml_node *spec)
{
    for (const struct kedge_yaml_node *key = spec->first; key; key = key->next->next) {
        if (strcmp(key->text, "signatures") == 0) {
            dump_signatures(&reading->signatures, key->next);
            continue;
        }
        dump(&reading->rest, key);
        dump(&reading->rest, key->next);
    }
}

static void see(const struct kedge_yaml_node *root, void *payload)
{
    struct reading *reading = payload;
    kedge_buf_printf(&reading->rest, "\n%u", ++reading->documents);
    if (root->line != reading->line || root->type != KEDGE_YAML_MAP) {
        dump(&reading->rest, root);
        return;
    }
    for (const struct kedge_yaml_node *key = root->first; key; key = key->next->next) {
        dump(&reading->rest, key);
        if (strcmp(key->text, "spec") == 0 && key->next->type == KEDGE_YAML_MAP)
            dump_spec(reading, key->next);
        else
            dump(&reading->rest, key->next);
    }
}

static bool read_text(struct kedge_slice text, struct reading *out)
{
    kedge_auto(kedge_yaml) struct kedge_yaml *yaml = kedge_yaml_new();
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    return kedge_yaml_read(yaml, text, "", &findings, see, out) && findings.errors == 0;
}

static void release_reading(struct reading *reading)
{
    kedge_buf_release(&reading->rest);
    kedge_buf_release(&reading->signatures);
}

/* The signature as dump gives it, and what each of its kind begins with. */
static void dump_wanted(const struct kedge_signature *signature, struct kedge_buf *out,
                        size_t *prefix)
{
    kedge_buf_printf(out, "%d:2:%d:5:keyId%d:%zu:%s", KEDGE_YAML_MAP, KEDGE_YAML_STRING,
                     KEDGE_YAML_STRING, strlen(signature->key_id), signature->key_id);
    *prefix = out->size;
    kedge_buf_printf(out, "%d:5:value%d:%zu:%s", KEDGE_YAML_STRING, KEDGE_YAML_STRING,
                     strlen(signature->value), signature->value);
}

/* Are they those of `before`, but for the wanted one in place of that of its key, or at the end? */
static bool is_as_wanted(const struct kedge_buf *before, const struct kedge_buf *after,
                         const struct kedge_signature *signature)
{
    kedge_auto(kedge_buf) struct kedge_buf wanted = {0}, expected = {0};
    size_t prefix;
    bool placed = false;
    dump_wanted(signature, &wanted, &prefix);
    for (size_t at = 0; at < before->size;) {
        const char *item = before->data + at;
        size_t size = strlen(item);
        bool same = size >= prefix && memcmp(item, wanted.data, prefix) == 0;
        if (same && !placed)
            kedge_buf_puts(&expected, wanted.data);
        else
            kedge_buf_add(&expected, item, size);
        placed |= same;
        kedge_buf_putc(&expected, '\0');
        at += size + 1;
    }
    if (!placed) {
        kedge_buf_puts(&expected, wanted.data);
        kedge_buf_putc(&expected, '\0');
    }
    return expected.size == after->size && memcmp(expected.data, after->data, after->size) == 0;
}

static bool is_proven(const struct reading *before, const struct reading *after,
                      const struct kedge_signature *signature)
{
    return before->rest.size == after->rest.size &&
           memcmp(before->rest.data, after->rest.data, after->rest.size) == 0 &&
           is_as_wanted(&before->signatures, &after->signatures, signature);
}

static int prove(struct kedge_slice text, const struct kedge_buf *edited, uint32_t line,
                 const struct kedge_signature *signature, struct kedge_err *err)
{
    struct reading before = {.line = line}, after = {.line = line};
    bool good = read_text(text, &before) && read_text(kedge_buf_slice(edited), &after) &&
                is_proven(&before, &after, signature);
    release_reading(&before);
    release_reading(&after);
    return good ? 0 : unsupported(err, "the layout of the file leaves no safe place for it");
}

static int locate(struct kedge_slice text, uint32_t line, const struct kedge_signature *signature,
                  struct splice *out, struct kedge_err *err)
{
    struct scan scan = {.text = text};
    if (!yaml_parser_initialize(&scan.parser))
        abort(); /* memory is out, as everywhere in base/ */
    yaml_parser_set_encoding(&scan.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&scan.parser, (const unsigned char *)text.data, text.size);
    const struct span *root = find_document(&scan, line);
    int code = root ? plan(&text, root, signature, out, err)
                    : kedge_err_set(err, KEDGE_NOTFOUND, "no document begins at line %u", line);
    yaml_parser_delete(&scan.parser);
    kedge_arena_release(&scan.arena);
    return code;
}

int kedge_edit_sign(struct kedge_slice text, uint32_t line, const struct kedge_signature *signature,
                    struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf edited = {0};
    struct reading reading = {0};
    size_t mark = kedge_encoding_mark(text);
    struct kedge_slice body = {text.data + mark, text.size - mark};
    bool readable = read_text(text, &reading);
    release_reading(&reading);
    if (!readable)
        return kedge_err_set(err, KEDGE_INVALID, "the file is not a manifest: 'kedge validate'");
    struct splice splice = {0};
    int code = locate(body, line, signature, &splice, err);
    if (!code) {
        size_t behind = splice.at + splice.size;
        kedge_buf_add(&edited, text.data, mark + splice.at);
        kedge_buf_add(&edited, splice.text.data, splice.text.size);
        kedge_buf_add(&edited, body.data + behind, body.size - behind);
        code = prove(text, &edited, line, signature, err);
    }
    if (!code)
        kedge_buf_add(out, edited.data, edited.size);
    kedge_buf_release(&splice.text);
    return code;
}
