/* SPDX-License-Identifier: PostgreSQL */
/*
 * Debug text with lines and indentation.
 *
 * It is made of the compact text, token by token: a space before a keyword
 * that starts a clause becomes the end of a line, and so do the brackets of a
 * subquery get lines of their own.  Nothing but white space between tokens
 * changes, so the tree stays the same, and what the renderer learns to write
 * needs no change here: at worst a new clause goes without its line.
 *
 * Names are quoted and keywords are written in upper case, which is how the two
 * are told apart.
 */
#include "renderer.h"

#define INDENT 4
#define WRAP 64       /* a list goes on in the next line after this column */
#define LINE 80       /* and before an item that goes beyond this one       */
#define MAX_NESTED 40 /* brackets; deeper ones stay as they are           */

struct word {
    const char *at;
    size_t size;
};

/* Inside of one pair of brackets, or outside of all. */
struct frame {
    bool query;
    unsigned indent;
    unsigned cases;    /* CASE without its END yet                          */
    unsigned betweens; /* BETWEEN without its AND yet                       */
};

struct pretty {
    struct elqb__render r;
    struct frame frames[MAX_NESTED];
    unsigned depth;
    unsigned spaces; /* not written yet                                     */
    size_t line;     /* where it starts                                     */
    unsigned indent; /* of the line                                         */
    bool wrap;       /* the next space is the end of a line                 */
    struct word last;
};

static bool is_word(struct word w, const char *keyword)
{
    return strlen(keyword) == w.size && memcmp(w.at, keyword, w.size) == 0;
}

static bool is_any(struct word w, const char *const *keywords)
{
    for (; *keywords; keywords++)
        if (is_word(w, *keywords))
            return true;
    return false;
}

static struct word next_word(const char *at)
{
    struct word w = { at, 0 };
    const char *end;

    while (*w.at == ' ')
        w.at++;
    end = *w.at ? elqb__skip_token(w.at) : NULL;
    w.size = end ? (size_t)(end - w.at) : 0;
    return w;
}

static struct frame *frame_of(struct pretty *p)
{
    return p->depth < MAX_NESTED ? &p->frames[p->depth] : NULL;
}

/* -------------------------------------------------------------- keywords */

static const char *const always[] = {
    "WHERE", "HAVING",    "WINDOW", "ORDER",     "LIMIT",   "OFFSET",
    "FETCH", "INTERSECT", "UNION",  "EXCEPT",    "FOR",     "LEFT",
    "RIGHT", "FULL",      "CROSS",  "RETURNING", "NATURAL", "WHEN",
    "SET",   "SELECT",    "OR",     NULL
};
static const char *const before_join[] = { "LEFT",    "RIGHT", "FULL",  "CROSS",
                                           "NATURAL", "INNER", "OUTER", NULL };
static const char *const joins[] = { "LEFT",  "RIGHT", "FULL", "CROSS",
                                     "INNER", "JOIN",  NULL };
static const char *const commands[] = { "INSERT", "UPDATE", "DELETE", "MERGE",
                                        NULL };
static const char *const queries[] = { "SELECT", "INSERT", "UPDATE", "DELETE",
                                       "MERGE",  "WITH",   "VALUES", NULL };

/* USING of DELETE and MERGE, not of a join, which has a bracket, nor of ORDER
 * BY, which has an operator. */
static bool is_name_start(char c)
{
    return c == '"' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Whether the word starts a line, as one of a statement's own. */
static bool starts_line(const struct pretty *p, struct word w)
{
    struct word next = next_word(w.at + w.size);

    if (is_any(w, joins))
        return !is_any(p->last, before_join);
    if (is_any(w, always))
        return true;
    if (is_word(w, "FROM"))
        return !is_word(p->last, "DISTINCT") && !is_word(p->last, "ROWS") &&
               !is_word(p->last, "DELETE");
    if (is_word(w, "GROUP"))
        return !is_word(p->last, "WITHIN");
    if (is_word(w, "VALUES"))
        return !is_word(p->last, "DEFAULT");
    if (is_word(w, "ON"))
        return is_word(next, "CONFLICT");
    if (is_word(w, "USING"))
        return is_name_start(*next.at);
    return is_any(w, commands) && is_word(p->last, ")");
}

/* ------------------------------------------------------------------ text */

static void put(struct pretty *p, const char *data, size_t size)
{
    elqb__put_bytes(&p->r, data, size);
    for (size_t i = 0; i < size; i++)
        if (data[i] == '\n')
            p->line = p->r.len - size + i + 1;
}

static void start_line(struct pretty *p, unsigned indent)
{
    p->spaces = 0;
    p->indent = indent;
    put(p, "\n", 1);
    while (indent-- > 0)
        elqb__put_char(&p->r, ' ');
}

static void put_spaces(struct pretty *p)
{
    for (; p->spaces; p->spaces--)
        elqb__put_char(&p->r, ' ');
}

static void put_word(struct pretty *p, struct word w)
{
    struct frame *f = frame_of(p);
    bool own = f && f->query && f->cases == 0;

    if (f && is_word(w, "BETWEEN"))
        f->betweens++;
    if (f && is_word(w, "CASE"))
        f->cases++;
    if (f && f->cases && is_word(w, "END"))
        f->cases--;
    if (f && f->betweens && is_word(w, "AND"))
        f->betweens--;
    else if (own && p->spaces && (is_word(w, "AND") || is_word(w, "OR")))
        start_line(p, f->indent + INDENT);
    else if (own && p->spaces && starts_line(p, w))
        start_line(p, f->indent);
    put_spaces(p);
    put(p, w.at, w.size);
}

/* Whether the bracket is that of a subquery, perhaps within more of them. */
static bool opens_query(const char *bracket)
{
    while (*bracket == '(')
        bracket++;
    return is_any(next_word(bracket), queries);
}

static void put_open(struct pretty *p, const char *bracket)
{
    const struct frame *outer = frame_of(p);
    struct frame *f;

    put_spaces(p);
    put(p, bracket, 1);
    p->depth++;
    f = frame_of(p);
    if (!f || !outer)
        return;
    memset(f, 0, sizeof(*f));
    f->query = opens_query(bracket);
    f->indent = f->query ? p->indent + INDENT : outer->indent;
    if (f->query)
        start_line(p, f->indent);
}

static void put_close(struct pretty *p, const char *bracket)
{
    const struct frame *f = frame_of(p);

    if (f && f->query && p->depth)
        start_line(p, f->indent - INDENT);
    if (p->depth)
        p->depth--;
    put_spaces(p);
    put(p, bracket, 1);
}

/* How long the item of a list is that starts here, as far as it matters. */
static size_t item_size(const char *item)
{
    const char *at = item, *end;
    unsigned depth = 0;

    while (*at && at < item + LINE && (end = elqb__skip_token(at))) {
        struct word w = { at, (size_t)(end - at) };

        if (depth == 0 && (*at == ',' || *at == ')' || is_word(w, "FROM") ||
                           is_any(w, always)))
            break;
        depth += *at == '(';
        depth -= *at == ')';
        at = end;
    }
    return (size_t)(at - item);
}

static bool is_full(const struct pretty *p, const char *item)
{
    size_t length = p->r.len - p->line;

    return length >= WRAP || length + item_size(item) > LINE;
}

static void put_token(struct pretty *p, struct word w)
{
    const struct frame *f = frame_of(p);

    if (*w.at == ' ') {
        if (p->wrap && f)
            start_line(p, f->indent + INDENT);
        else
            p->spaces += (unsigned)w.size;
        p->wrap = false;
        return;
    }
    if (*w.at == '(') {
        put_open(p, w.at);
    } else if (*w.at == ')') {
        put_close(p, w.at);
    } else if (*w.at >= 'A' && *w.at <= 'Z') {
        put_word(p, w);
    } else {
        put_spaces(p);
        put(p, w.at, w.size);
    }
    if (*w.at == ',' && f && f->query && f->cases == 0 && w.at[1] == ' ' &&
        is_full(p, w.at + 1))
        p->wrap = true;
    p->last = w;
}

const char *elqb_pretty(elqb *q, const char *debug)
{
    struct pretty p;
    size_t mark = sizeof(DEBUG_MARK) - 1;
    const char *end;

    if (elqb__failed(q))
        return NULL;
    if (!debug || strncmp(debug, DEBUG_MARK, mark) != 0) {
        elqb__fail(q, ELQB_E_USAGE,
                   "elqb_pretty: the text is not of elqb_debug()");
        return NULL;
    }
    memset(&p, 0, sizeof(p));
    p.r.q = q;
    p.r.size = 2 * strlen(debug) + 1;
    p.r.text = elqb__alloc(q, p.r.size);
    if (!p.r.text)
        return NULL;
    p.frames[0].query = true;
    PUT(&p.r, DEBUG_MARK);
    for (debug += mark; *debug; debug = end) {
        struct word w = { debug, 0 };

        end = elqb__skip_token(debug);
        if (!end) { /* nothing that the renderer writes */
            put_spaces(&p);
            end = debug + strlen(debug);
        }
        w.size = (size_t)(end - debug);
        put_token(&p, w);
    }
    put_spaces(&p);
    elqb__put_char(&p.r, '\0');
    return elqb__failed(q) ? NULL : p.r.text;
}
