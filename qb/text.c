/* SPDX-License-Identifier: PostgreSQL */
/*
 * SQL text with :name binds.
 *
 * The text is cut into tokens as the server's lexer does it, with
 * standard_conforming_strings on, because a colon is a bind only outside of
 * strings, identifiers, comments and dollar quotes.  A colon that follows an
 * operand without a space between is that of a slice, a[i:j].
 *
 * Text that could swallow what is written after it (an open string, comment
 * or bracket) is refused, and a -- comment at its end gets its line's end.
 */
#include "names.h"

enum token {
    TOKEN_END,
    TOKEN_SPACE,   /* and comments                                          */
    TOKEN_OPERAND, /* what a colon right behind may not bind                */
    TOKEN_COLON,   /* before the start of a name                            */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_OTHER,
    TOKEN_BAD /* lexer.problem says why                                     */
};

struct lexer {
    const char *at;
    const char *problem;
    bool line_comment; /* the last token was one, without its line's end    */
};

/* ----------------------------------------------------------------- letters */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
    return is_letter(c) || is_digit(c) || c == '$';
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* ------------------------------------------------------------------ tokens */

/*
 * SQL joins strings that have nothing but white space with a line's end, or
 * comments, between them; the second is read as the first was.  The opening
 * quote of the next part, or NULL.
 */
static const char *continued(const char *p)
{
    bool line_end = false;

    for (;;) {
        if (is_space(*p)) {
            line_end |= *p == '\n' || *p == '\r';
            p++;
        } else if (p[0] == '-' && p[1] == '-') {
            p += strcspn(p, "\r\n");
        } else {
            return line_end && *p == '\'' ? p : NULL;
        }
    }
}

/* Behind the closing quote; a doubled one is none. */
static enum token skip_quoted(struct lexer *l, char quote, bool escapes)
{
    const char *p = l->at + 1, *next;

    for (; *p; p++) {
        if (escapes && *p == '\\' && p[1]) {
            p++;
        } else if (*p == quote && p[1] == quote) {
            p++;
        } else if (*p == quote) {
            next = escapes ? continued(p + 1) : NULL;
            l->at = p + 1;
            if (!next)
                return TOKEN_OPERAND;
            p = next;
        }
    }
    l->problem = quote == '"' ? "a quoted name is not closed"
                              : "a string is not closed";
    return TOKEN_BAD;
}

/* $$...$$ and $tag$...$tag$; a lone $ is none. */
static enum token skip_dollar(struct lexer *l)
{
    const char *tag_end = l->at + 1;
    const char *p;
    size_t size;

    if (is_digit(*tag_end)) {
        l->problem = "$1 and its like are not allowed, use :name in "
                     "elqb_text()";
        return TOKEN_BAD;
    }
    while (is_name_char(*tag_end) && *tag_end != '$')
        tag_end++;
    if (*tag_end != '$') {
        l->at++;
        return TOKEN_OPERAND;
    }
    size = (size_t)(tag_end - l->at) + 1;
    for (p = tag_end + 1; *p; p++)
        if (*p == '$' && strncmp(p, l->at, size) == 0) {
            l->at = p + size;
            return TOKEN_OPERAND;
        }
    l->problem = "a dollar quote is not closed";
    return TOKEN_BAD;
}

static enum token skip_comment(struct lexer *l)
{
    unsigned depth = 1;
    const char *p = l->at + 2;

    for (; depth && *p; p++) {
        if (p[0] == '/' && p[1] == '*') {
            depth++;
            p++;
        } else if (p[0] == '*' && p[1] == '/') {
            depth--;
            p++;
        }
    }
    l->at = p;
    if (depth)
        l->problem = "a comment is not closed";
    return depth ? TOKEN_BAD : TOKEN_SPACE;
}

static enum token skip_line(struct lexer *l)
{
    l->at += strcspn(l->at, "\r\n");
    l->line_comment = !*l->at;
    return TOKEN_SPACE;
}

/* A name or keyword, or what a letter in front makes of a string. */
static enum token skip_word(struct lexer *l)
{
    const char *p = l->at;

    if ((*p == 'e' || *p == 'E') && p[1] == '\'') {
        l->at++;
        return skip_quoted(l, '\'', true);
    }
    if ((*p == 'u' || *p == 'U') && p[1] == '&' &&
        (p[2] == '\'' || p[2] == '"')) {
        l->at += 2;
        return skip_quoted(l, *l->at, false);
    }
    while (is_name_char(*l->at))
        l->at++;
    return TOKEN_OPERAND;
}

static enum token skip_number(struct lexer *l)
{
    while (is_letter(*l->at) || is_digit(*l->at) || *l->at == '.')
        l->at++;
    /* To PostgreSQL 14 this is a number and an E'...' string, to later ones
     * an error: nothing that could be read in one way. */
    if (*l->at == '\'' && is_letter(l->at[-1])) {
        l->problem = "a number is followed by letters and a string";
        return TOKEN_BAD;
    }
    return TOKEN_OPERAND;
}

static enum token skip_colon(struct lexer *l)
{
    l->at++;
    if (*l->at == ':' || *l->at == '=') {
        l->at++;
        return TOKEN_OTHER;
    }
    return is_letter(*l->at) ? TOKEN_COLON : TOKEN_OTHER;
}

static enum token next_token(struct lexer *l)
{
    char c = *l->at;

    if (!c)
        return TOKEN_END;
    l->line_comment = false;
    if (is_space(c)) {
        l->at++;
        return TOKEN_SPACE;
    }
    if (is_letter(c))
        return skip_word(l);
    if (is_digit(c))
        return skip_number(l);
    if (c == '\'' || c == '"')
        return skip_quoted(l, c, false);
    if (c == '$')
        return skip_dollar(l);
    if (c == ':')
        return skip_colon(l);
    if (c == '-' && l->at[1] == '-')
        return skip_line(l);
    if (c == '/' && l->at[1] == '*')
        return skip_comment(l);
    l->at++;
    return c == '(' || c == '['   ? TOKEN_OPEN
           : c == ')' || c == ']' ? TOKEN_CLOSE
                                  : TOKEN_OTHER;
}

const char *elqb__skip_token(const char *sql)
{
    struct lexer l = { sql, NULL, false };

    return next_token(&l) == TOKEN_BAD ? NULL : l.at;
}

/* ------------------------------------------------------------------ pieces */

#define BRACKETS 256 /* nested ones */

struct cutter {
    elqb *q;
    const char *function;
    const elqb_arg *args;
    uint32_t nargs;
    struct elqb__names names; /* of args                                    */
    bool *used;
    struct elqb__chunk *chunks; /* NULL: a colon is no bind, only check     */
    uint32_t count;
    bool line_comment; /* the text ends in one, without its line's end      */
    uint32_t depth;
    char closing[BRACKETS];
};

static void set_problem(struct cutter *c, const char *problem)
{
    elqb__fail(c->q, ELQB_E_TEXT, "%s: %s", c->function, problem);
}

static void follow_bracket(struct cutter *c, char bracket)
{
    if (bracket == '(' || bracket == '[') {
        if (c->depth == BRACKETS)
            set_problem(c, "too many brackets");
        else
            c->closing[c->depth++] = bracket == '(' ? ')' : ']';
    } else if (c->depth == 0 || c->closing[--c->depth] != bracket) {
        set_problem(c, "a bracket is closed that was not opened");
    }
}

/* The argument of this name. */
static uint32_t find_arg(struct cutter *c, const char *name, size_t size)
{
    const struct elqb__name *found =
        elqb__find_name(&c->names, name, size);

    if (found) {
        c->used[found->number] = true;
        return found->number;
    }
    elqb__fail(c->q, ELQB_E_BIND, "%s: the bind :%.*s has no value",
               c->function, (int)(size < 63 ? size : 63), name);
    return 0;
}

static void add_chunk(struct cutter *c, const char *start, const char *end,
                      uint32_t arg)
{
    struct elqb__chunk *chunk = &c->chunks[c->count++];

    chunk->data = start;
    chunk->size = (uint32_t)(end - start);
    chunk->arg = arg;
}

/* Walk over the text; with chunks, cut it at its binds. */
static bool cut(struct cutter *c, const char *sql)
{
    struct lexer l = { sql, NULL, false };
    const char *start = sql, *before;
    enum token token, last = TOKEN_SPACE;
    bool empty = true;

    for (;; last = token) {
        before = l.at;
        token = next_token(&l);
        if (token == TOKEN_END || elqb__failed(c->q))
            break;
        if (token != TOKEN_SPACE)
            empty = false;
        if (token == TOKEN_BAD)
            set_problem(c, l.problem);
        if (token == TOKEN_OPEN || token == TOKEN_CLOSE)
            follow_bracket(c, *before);
        if (token == TOKEN_COLON && c->chunks && last != TOKEN_OPERAND &&
            last != TOKEN_CLOSE) {
            const char *name = l.at;

            while (is_name_char(*l.at))
                l.at++;
            add_chunk(c, start, before,
                      find_arg(c, name, (size_t)(l.at - name)));
            start = l.at;
            token = TOKEN_OPERAND;
        }
    }
    if (empty)
        set_problem(c, "the SQL text is empty");
    if (c->depth)
        set_problem(c, "a bracket is not closed");
    if (c->chunks)
        add_chunk(c, start, l.at, 0);
    c->line_comment = l.line_comment;
    return !elqb__failed(c->q);
}

static bool check_bytes(struct cutter *c, const char *sql)
{
    size_t size = sql ? strlen(sql) : 0;

    if (size == 0)
        set_problem(c, "the SQL text is empty");
    else if (size > UINT32_MAX - 2)
        set_problem(c, "the SQL text is too long");
    else if (elqb__check_utf8(sql, size) != size)
        set_problem(c, "the SQL text is not valid UTF-8");
    return !elqb__failed(c->q);
}

bool elqb__check_sql(elqb *q, const char *function, const char *sql)
{
    struct cutter c = { .q = q, .function = function };

    return check_bytes(&c, sql) && cut(&c, sql);
}

/* Whether the last token is a -- comment that the next text would fall into. */
static bool ends_in_comment(const char *sql)
{
    struct lexer l = { sql, NULL, false };
    enum token token;

    do
        token = next_token(&l);
    while (token != TOKEN_END && token != TOKEN_BAD);
    return l.line_comment;
}

/* ------------------------------------------------------------ constructors */

char *elqb__copy_sql(elqb *q, const char *sql)
{
    size_t size = strlen(sql);
    char *copy = elqb__alloc(q, size + 2);

    if (!copy)
        return NULL;
    memcpy(copy, sql, size + 1);
    if (ends_in_comment(sql))
        memcpy(copy + size, "\n", 2);
    return copy;
}

static bool index_args(struct cutter *c)
{
    for (uint32_t i = 0; i < c->nargs; i++) {
        const char *name = c->args[i].name;

        if (elqb__find_name(&c->names, name, strlen(name)))
            elqb__fail(c->q, ELQB_E_BIND, "%s: the bind :%s has two values",
                       c->function, name);
        if (elqb__failed(c->q) ||
            !elqb__add_name(c->q, &c->names, name, i))
            return false;
    }
    return true;
}

static uint32_t count_colons(const char *sql)
{
    uint32_t count = 0;

    while ((sql = strchr(sql, ':'))) {
        count++;
        sql++;
    }
    return count;
}

/* The copy in chunks: the binds decide where its tokens begin, :e'x' is not an
 * E'x', so whether it ends in a comment is known only then. */
static bool cut_copy(struct cutter *c, const char *sql)
{
    size_t size = strlen(sql);
    char *copy = elqb__alloc(c->q, size + 2);

    if (!copy)
        return false;
    memcpy(copy, sql, size + 1);
    c->chunks = elqb__alloc(c->q, (count_colons(copy) + 1) *
                                      sizeof(*c->chunks));
    c->used = elqb__alloc(c->q, c->nargs + 1);
    if (!c->chunks || !c->used || !index_args(c))
        return false;
    memset(c->used, 0, c->nargs + 1);
    if (!cut(c, copy))
        return false;
    if (c->line_comment) {
        memcpy(copy + size, "\n", 2);
        c->chunks[c->count - 1].size++;
    }
    return true;
}

static struct elqb_node *make_text(struct cutter *c, const char *sql)
{
    struct elqb_node *node = elqb__new_node(c->q, NODE_TEXT, c->nargs);
    struct elqb__text *text = elqb__alloc(c->q, sizeof(*text));

    if (!node || !text || !cut_copy(c, sql))
        return NULL;
    for (uint32_t i = 0; i < c->nargs; i++) {
        node->args[i] = c->args[i].value;
        if (!c->used[i])
            elqb__fail(c->q, ELQB_E_BIND, "%s: there is no bind :%s in the "
                       "text; is there a space before the colon?",
                       c->function, c->args[i].name);
        if (!elqb__keep_operand(c->q, c->function, &node->args[i]))
            return NULL;
    }
    text->chunks = c->chunks;
    text->count = c->count;
    node->more = text;
    node->level = LEVEL_LOWEST;
    return node;
}

elqb_expr elqb_text_from_trusted_string(elqb *q, const char *sql,
                                        const elqb_arg *args)
{
    struct cutter c = { .q = q, .function = "elqb_text", .args = args };
    struct elqb_node *node;

    if (elqb__failed(q) || !check_bytes(&c, sql))
        return ELQB_NONE;
    while (args && args[c.nargs].name)
        c.nargs++;
    node = make_text(&c, sql);
    return node ? elqb__node_expr(node, 0) : ELQB_NONE;
}

elqb_expr elqb_raw_from_trusted_string(elqb *q, const char *sql)
{
    struct elqb__chunk *chunk;
    struct elqb__text *text;
    struct elqb_node *node;

    if (elqb__failed(q) || !elqb__check_sql(q, "elqb_raw", sql) ||
        !(node = elqb__new_node(q, NODE_TEXT, 0)) ||
        !(text = elqb__alloc(q, sizeof(*text))) ||
        !(chunk = elqb__alloc(q, sizeof(*chunk))))
        return ELQB_NONE;
    chunk->data = elqb__copy_sql(q, sql);
    if (!chunk->data)
        return ELQB_NONE;
    chunk->size = (uint32_t)strlen(chunk->data);
    chunk->arg = 0;
    text->chunks = chunk;
    text->count = 1;
    node->more = text;
    node->level = LEVEL_LOWEST;
    return elqb__node_expr(node, 0);
}

bool elqb__check_text(elqb *q, const char *function, elqb_expr text)
{
    bool is_node = text.kind == ELQB_KIND_NODE;

    if (elqb__failed(q) ||
        (is_node && !elqb__is_ours(q, function, text.u.tree.node,
                                   text.u.tree.generation)))
        return false;
    if (!is_node || text.u.node->kind != NODE_TEXT)
        elqb__fail(q, ELQB_E_USAGE,
                   "%s: of expressions only elqb_text() is a statement",
                   function);
    return !elqb__failed(q);
}
