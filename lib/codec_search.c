/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codecs of tsvector and tsquery.  Their values are their text.
 *
 * The binary form of a tsvector:
 *     int32  count
 *     string word, uint16 npositions, uint16 each    of each lexeme
 * where a position has its weight in the upper two bits; in text it is
 * 'fat':2,4A 'rat':3.  That of a tsquery is the tree in prefix notation:
 *     int32  count
 *     uint8 1, uint8 weights, uint8 prefix, string   of a word
 *     uint8 2, uint8 operator, [int16 distance]      of an operator, behind
 *                                  which stand its right and its left operand
 */
#include "codec.h"

#include <inttypes.h>
#include <stdlib.h>

#include "params.h"

#define POSITION_BITS 14

/* A string that ends with its NUL; NULL if it does not. */
static const char *read_cstring(struct elpq__reader *r, size_t *size)
{
    size_t left = elpq__read_left(r);
    const char *nul = left ? memchr(r->p, '\0', left) : NULL;

    if (!nul) {
        r->bad = true;
        return NULL;
    }
    *size = (size_t)(nul - r->p);
    return elpq__read_bytes(r, *size + 1);
}

static void print_word(struct elpq__buf *out, const char *word, size_t size)
{
    elpq__buf_add_byte(out, '\'');
    for (size_t i = 0; i < size && !out->failed; i++) {
        if (word[i] == '\'' || word[i] == '\\')
            elpq__buf_add_byte(out, word[i]);
        elpq__buf_add_byte(out, word[i]);
    }
    elpq__buf_add_byte(out, '\'');
}

static int encode_as_text(const struct elpq__codec *codec, const elpq_value *v,
                          struct elpq__buf *out, struct elpq__why *why)
{
    (void)codec, (void)v, (void)out, (void)why;
    return ELPQ__AS_TEXT;
}

/* -------------------------------------------------------------- tsvector */

static char weight_of(uint16_t position)
{
    return (char)('D' - (position >> POSITION_BITS));
}

static int tsvector_print(const struct elpq__codec *codec, const char *data,
                          size_t size, struct elpq__buf *out)
{
    struct elpq__reader r = elpq__reader_of(data, size);
    uint32_t count = elpq__read_uint32(&r);

    (void)codec;
    for (uint32_t i = 0; i < count && !out->failed; i++) {
        size_t n;
        const char *word = read_cstring(&r, &n);
        unsigned npos = elpq__read_uint16(&r);

        if (r.bad)
            return ELPQ_E_DECODE;
        if (i > 0)
            elpq__buf_add_byte(out, ' ');
        print_word(out, word, n);
        for (unsigned k = 0; k < npos; k++) {
            uint16_t at = elpq__read_uint16(&r);

            if (r.bad)
                return ELPQ_E_DECODE;
            elpq__buf_add_byte(out, k ? ',' : ':');
            elpq__print_uint64(out, at & ((1u << POSITION_BITS) - 1));
            if (weight_of(at) != 'D')
                elpq__buf_add_byte(out, weight_of(at));
        }
    }
    return elpq__read_done(&r) ? 0 : ELPQ_E_DECODE;
}

/* What a view is made in; the first pass has no room, and counts. */
struct lexer {
    struct elpq__reader r;
    bool binary;
    elpq_lexeme *lexemes;
    elpq_lexeme_position *positions;
    char *text;
    size_t nlexemes;
    size_t npositions;
    size_t ntext;
};

static void add_position(struct lexer *x, unsigned position, char weight)
{
    if (x->positions) {
        x->positions[x->npositions].position = (uint16_t)position;
        x->positions[x->npositions].weight = weight;
    }
    x->npositions++;
}

static void add_byte(struct lexer *x, char c)
{
    if (x->text)
        x->text[x->ntext] = c;
    x->ntext++;
}

/* A lexeme whose word and positions begin where the lexer was. */
static void add_lexeme(struct lexer *x, size_t text, size_t positions)
{
    elpq_lexeme *lexeme = x->lexemes ? &x->lexemes[x->nlexemes] : NULL;

    if (lexeme) {
        lexeme->word.data = x->text + text;
        lexeme->word.size = x->ntext - text;
        lexeme->npositions = x->npositions - positions;
        lexeme->positions = x->positions + positions;
    }
    add_byte(x, '\0');
    x->nlexemes++;
}

static bool lex_binary(struct lexer *x)
{
    uint32_t count = elpq__read_uint32(&x->r);

    for (uint32_t i = 0; i < count; i++) {
        size_t text = x->ntext, positions = x->npositions, n = 0;
        const char *word = read_cstring(&x->r, &n);
        unsigned npos = elpq__read_uint16(&x->r);

        while (npos-- > 0 && !x->r.bad) {
            uint16_t at = elpq__read_uint16(&x->r);

            add_position(x, at & ((1u << POSITION_BITS) - 1), weight_of(at));
        }
        if (x->r.bad)
            return false;
        for (size_t k = 0; k < n; k++)
            add_byte(x, word[k]);
        add_lexeme(x, text, positions);
    }
    return elpq__read_done(&x->r);
}

/* 'word', with quotes and backslashes doubled */
static bool lex_word(struct lexer *x)
{
    if (!elpq__take(&x->r, '\''))
        return false;
    while (x->r.p < x->r.end) {
        char c = *x->r.p++;

        if (c == '\'' && !elpq__take(&x->r, '\''))
            return true;
        if (c == '\\' && !elpq__take(&x->r, '\\'))
            return false;
        add_byte(x, c);
    }
    return false;
}

static bool lex_position(struct lexer *x)
{
    unsigned position = 0;
    const char *start = x->r.p;
    char weight = 'D';

    while (x->r.p < x->r.end && *x->r.p >= '0' && *x->r.p <= '9' &&
           position < (1u << POSITION_BITS))
        position = position * 10 + (unsigned)(*x->r.p++ - '0');
    if (x->r.p == start || position >= (1u << POSITION_BITS))
        return false;
    if (x->r.p < x->r.end && *x->r.p >= 'A' && *x->r.p <= 'C')
        weight = *x->r.p++;
    add_position(x, position, weight);
    return true;
}

static bool lex_text(struct lexer *x)
{
    if (x->r.p == x->r.end)
        return true;
    do {
        size_t text = x->ntext, positions = x->npositions;

        if (!lex_word(x))
            return false;
        if (elpq__take(&x->r, ':'))
            do
                if (!lex_position(x))
                    return false;
            while (elpq__take(&x->r, ','));
        add_lexeme(x, text, positions);
    } while (elpq__take(&x->r, ' '));
    return elpq__read_done(&x->r);
}

static bool lex(struct lexer *x)
{
    return x->binary ? lex_binary(x) : lex_text(x);
}

static int tsvector_view(const struct elpq__codec *codec, const elpq_cell *cell,
                         struct elpq__scratch *mem, void *out)
{
    struct lexer first = { .r = elpq__reader_of(cell->data, (size_t)cell->size),
                           .binary = cell->binary };
    struct lexer x = first;
    elpq_tsvector_view *view = out;

    (void)codec;
    if (!lex(&first))
        return ELPQ_E_DECODE;
    /* no wrap: all of them are in memory, only smaller */
    x.lexemes = elpq__scratch_alloc(mem, first.nlexemes * sizeof(*x.lexemes));
    x.positions =
        elpq__scratch_alloc(mem, first.npositions * sizeof(*x.positions));
    x.text = elpq__scratch_alloc(mem, first.ntext);
    if (!x.lexemes || !x.positions || !x.text)
        return ELPQ_E_NOMEM;
    lex(&x);
    view->lexemes = x.lexemes;
    view->count = x.nlexemes;
    return 0;
}

const struct elpq__codec_ops elpq__tsvector_ops = { .print = tsvector_print,
                                                    .encode = encode_as_text,
                                                    .view = tsvector_view };

/* --------------------------------------------------------------- tsquery */

enum { WORD = 1, OPERATOR = 2 };
enum { NOT = 1, AND, OR, PHRASE };

/* The server's order of binding; a word needs no parentheses ever. */
static int priority_of(int op)
{
    static const int priorities[] = { 5, 4, 2, 1, 3 };

    return priorities[op];
}

struct node {
    int op; /* 0: a word */
    unsigned weights;
    bool prefix;
    int distance;
    const char *word;
    size_t size;
    uint32_t left;
    uint32_t right; /* of NOT: its operand */
};

/* What is left to print: a node, or a piece of text. */
struct todo {
    uint32_t node;
    int parent;        /* its priority */
    bool right_phrase; /* the right operand of a phrase */
    const char *text;  /* not NULL: this is it */
    int distance;      /* not 0: <distance> is */
};

static bool read_node(struct elpq__reader *r, struct node *node)
{
    int type = elpq__read_uint8(r);

    memset(node, 0, sizeof(*node));
    if (type == WORD) {
        node->weights = elpq__read_uint8(r);
        node->prefix = elpq__read_uint8(r) != 0;
        node->word = read_cstring(r, &node->size);
        return !r->bad && node->weights <= 15;
    }
    node->op = elpq__read_uint8(r);
    if (type != OPERATOR || node->op < NOT || node->op > PHRASE)
        return false;
    if (node->op == PHRASE)
        node->distance = elpq__read_uint16(r);
    return !r->bad;
}

/*
 * Prefix notation read backwards is postfix: operands are found on a stack,
 * the right one on top.  False unless it makes one tree.
 */
static bool link_nodes(struct node *nodes, uint32_t count, uint32_t *stack)
{
    uint32_t depth = 0;

    for (uint32_t i = count; i-- > 0;) {
        struct node *node = &nodes[i];

        if (node->op) {
            if (depth < (node->op == NOT ? 1u : 2u))
                return false;
            node->right = stack[--depth];
            if (node->op != NOT)
                node->left = stack[--depth];
        }
        stack[depth++] = i;
    }
    return depth == 1;
}

static void print_operand(struct elpq__buf *out, const struct node *node)
{
    print_word(out, node->word, node->size);
    if (!node->prefix && !node->weights)
        return;
    elpq__buf_add_byte(out, ':');
    if (node->prefix)
        elpq__buf_add_byte(out, '*');
    for (int bit = 3; bit >= 0; bit--)
        if (node->weights & (1u << bit))
            elpq__buf_add_byte(out, (char)('D' - bit));
}

static const struct todo *operator_text(const struct node *node,
                                        struct todo *todo)
{
    memset(todo, 0, sizeof(*todo));
    todo->text = node->op == AND ? " & " : node->op == OR ? " | " : " <-> ";
    if (node->op == PHRASE && node->distance != 1) {
        todo->text = " <";
        todo->distance = node->distance + 1;
    }
    return todo;
}

/* Pushes what an operator consists of, last things first. */
static size_t expand(const struct node *node, const struct todo *at,
                     struct todo *stack, size_t depth)
{
    int priority = priority_of(node->op);
    bool wrapped =
        priority < at->parent || (node->op == PHRASE && at->right_phrase);
    struct todo paren = { .text = " )" };
    struct todo right = { .node = node->right,
                          .parent = priority,
                          .right_phrase = node->op == PHRASE };
    struct todo left = { .node = node->left, .parent = priority };
    struct todo between;

    if (wrapped)
        stack[depth++] = paren;
    stack[depth++] = right;
    if (node->op == NOT) {
        memset(&between, 0, sizeof(between));
        between.text = "!";
        stack[depth++] = between;
    } else {
        stack[depth++] = *operator_text(node, &between);
        stack[depth++] = left;
    }
    if (wrapped) {
        paren.text = "( ";
        stack[depth++] = paren;
    }
    return depth;
}

/* A stack of its own: a query of a thousand words may be as deep. */
static void print_tree(const struct node *nodes, struct todo *stack,
                       struct elpq__buf *out)
{
    size_t depth = 1;

    memset(&stack[0], 0, sizeof(stack[0]));
    while (depth > 0 && !out->failed) {
        struct todo at = stack[--depth];
        const struct node *node = &nodes[at.node];

        if (at.text) {
            elpq__buf_add_str(out, at.text);
            if (at.distance) {
                elpq__print_int64(out, at.distance - 1);
                elpq__buf_add_str(out, "> ");
            }
        } else if (node->op) {
            depth = expand(node, &at, stack, depth);
        } else {
            print_operand(out, node);
        }
    }
}

/* An operator puts five things on the stack, of which one is taken off. */
#define TODO_PER_NODE 5

/* Nodes of two bytes take a hundred times that to print; so many do not. */
#define NODES_MAX                                                              \
    (ELPQ__SCRATCH_LIMIT /                                                     \
     (sizeof(struct node) + TODO_PER_NODE * sizeof(struct todo)))

static int tsquery_print(const struct elpq__codec *codec, const char *data,
                         size_t size, struct elpq__buf *out)
{
    struct elpq__reader r = elpq__reader_of(data, size);
    uint32_t count = elpq__read_uint32(&r);
    struct node *nodes;
    struct todo *stack;
    int rc = 0;

    (void)codec;
    if (r.bad || count > elpq__read_left(&r) / 2)
        return ELPQ_E_DECODE;
    if (count == 0)
        return elpq__read_done(&r) ? 0 : ELPQ_E_DECODE;
    if (count > NODES_MAX)
        return ELPQ_E_NOMEM;
    nodes = calloc(count, sizeof(*nodes));
    stack = calloc((size_t)count * TODO_PER_NODE + 1, sizeof(*stack));
    if (!nodes || !stack)
        rc = ELPQ_E_NOMEM;
    for (uint32_t i = 0; i < count && !rc; i++)
        rc = read_node(&r, &nodes[i]) ? 0 : ELPQ_E_DECODE;
    if (!rc && (!elpq__read_done(&r) ||
                !link_nodes(nodes, count, (uint32_t *)(void *)stack)))
        rc = ELPQ_E_DECODE;
    if (!rc)
        print_tree(nodes, stack, out);
    free(nodes);
    free(stack);
    return rc;
}

const struct elpq__codec_ops elpq__tsquery_ops = { .print = tsquery_print,
                                                   .encode = encode_as_text };
