/* SPDX-License-Identifier: PostgreSQL */
/*
 * search: looks for products.  Every option is a filter that may be absent;
 * the answer is one page, and how many there are of each category.
 *
 *     cc search.c $(pkg-config --cflags --libs elpq-qb elpq libevent_core) \
 *        -o search
 *     ./search --max-price 100 --tag outdoor --sort price --limit 2
 *
 * It ends with the --after of the next page.  The products are a table of the
 * session's own.
 */
#include <elpq/elpq.h>
#include <elpq/qb.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define PRODUCT(C) C(id, INT4) C(name, TEXT) C(brand, TEXT) C(category, TEXT) \
    C(price, NUMERIC) C(stock, INT4) C(rating, NUMERIC) C(tags, TEXT_ARRAY)   \
    C(attrs, JSONB) C(since, DATE)
ELQB_TABLE(product, PRODUCT)

#define OPTIONS(O) O(words) O(name) O(brand) O(category) O(tag) O(without)    \
    O(color) O(min_price) O(max_price) O(min_rating) O(min_stock) O(since)    \
    O(before) O(attrs) O(sort) O(after) O(limit)
/* clang-format on */

/* The value of each option, NULL if it is absent. */
static struct {
#define O(name) const char *name;
    OPTIONS(O)
#undef O
} is;

static int status;

#define IF(option, condition) ((option) ? (condition) : ELQB_NONE)
#define V(option) elqb_val(option)

static elqb_expr filters(elqb *q, product_t P)
{
    return elqb_and(
        q,
        IF(is.words,
           elqb_match(q,
                      elqb_func(q, "to_tsvector", elqb_lit("english"), P.name),
                      elqb_func(q, "websearch_to_tsquery", elqb_lit("english"),
                                V(is.words)))),
        IF(is.name, elqb_ihas_text(q, P.name, is.name)),
        IF(is.brand, elqb_eq(q, P.brand, V(is.brand))),
        IF(is.category, elqb_eq(q, P.category, V(is.category))),
        IF(is.tag, elqb_eq_any(q, V(is.tag), P.tags)),
        IF(is.without, elqb_ne_all(q, V(is.without), P.tags)),
        IF(is.color, elqb_eq(q, elqb_json_text(q, P.attrs, elqb_lit("color")),
                             V(is.color))),
        IF(is.min_price, elqb_ge(q, P.price, V(is.min_price))),
        IF(is.max_price, elqb_le(q, P.price, V(is.max_price))),
        IF(is.min_rating, elqb_ge(q, P.rating, V(is.min_rating))),
        IF(is.min_stock, elqb_ge(q, P.stock, V(is.min_stock))),
        IF(is.since, elqb_ge(q, P.since, V(is.since))),
        IF(is.before, elqb_lt(q, P.since, V(is.before))),
        IF(is.attrs, elqb_contains(q, P.attrs, V(is.attrs))));
}

static bool by_price(void)
{
    return is.sort && strcmp(is.sort, "price") == 0;
}

/* A page, from the product behind --after "id,key" on. */
static elqb_select *page(elqb *q, product_t P, elqb_select *found)
{
    elqb_select *s = elqb_select_copy(found);
    elqb_expr by_key = by_price() ? P.price : P.name;
    const char *key = is.after ? strchr(is.after, ',') : NULL;

    elqb_columns(s, P.id, P.name, P.category, P.price);
    elqb_where(s,
               elqb_seek(q, ELQB_KEY_NOT_NULL(by_key, IF(key, V(key + 1))),
                         ELQB_KEY_NOT_NULL(P.id, IF(key, V(atoi(is.after))))));
    elqb_order_by(s, by_key, P.id);
    elqb_limit(s, V(is.limit ? atoi(is.limit) : 10));
    return s;
}

/* How many products of each category the same filters find. */
static elqb_select *facets(elqb *q, product_t P, elqb_select *found)
{
    elqb_select *s = elqb_select_copy(found);

    elqb_columns(s, P.category, elqb_as(q, elqb_count(q), "n"));
    elqb_group_by(s, P.category);
    elqb_order_by(s, elqb_desc(q, elqb_name("n")), P.category);
    return s;
}

static void complain(const char *message)
{
    fprintf(stderr, "search: %s\n", message);
    status = 1;
}

static void on_page(elpq_result *result, const elpq_error *error, void *arg)
{
    const char *name = NULL, *category, *price = NULL;
    int id = 0;

    (void)arg;
    if (error)
        complain(error->message);
    for (size_t row = 0; result && row < elpq_rows(result); row++)
        if (elpq_scan(result, row, &id, &name, &category, &price) == 0)
            printf("%d %s, %s: %s\n", id, name, category, price);
    if (name)
        printf("next: --after '%d,%s'\n", id, by_price() ? price : name);
}

static void on_facets(elpq_result *result, const elpq_error *error, void *conn)
{
    const char *category;
    int64_t n;

    if (error && status == 0) /* the page had the same filters */
        complain(error->message);
    for (size_t row = 0; result && row < elpq_rows(result); row++)
        if (elpq_scan(result, row, &category, &n) == 0)
            printf("%s (%d)\n", category, (int)n);
    elpq_conn_close(conn);
}

/* Both statements go out together. */
static void search(elpq_conn *conn)
{
    elqb *q = elqb_new();
    product_t P = product_table();
    elqb_select *found = elqb_select_new(q);
    const elpq_statement *first, *second;

    elqb_from(found, P.table);
    elqb_where(found, filters(q, P));
    first = elqb_render(q, page(q, P, found));
    second = elqb_render(q, facets(q, P, found));
    if (!first || !second ||
        elpq_execute(conn, first, NULL, on_page, NULL) != 0 ||
        elpq_execute(conn, second, NULL, on_facets, conn) != 0) {
        complain(first && second ? "it cannot be sent" : elqb_error(q));
        elpq_conn_close(conn);
    }
    elqb_free(q);
}

static void on_table(const elpq_error *error, void *conn)
{
    if (!error) {
        search(conn);
        return;
    }
    complain(error->message);
    elpq_conn_close(conn);
}

static void on_connect(elpq_conn *conn, const elpq_error *error, void *arg)
{
    (void)arg;
    if (error)
        complain(error->message);
    else if (elpq_script(
                 conn,
                 "CREATE TEMPORARY TABLE product (id int, name text NOT NULL,"
                 " brand text, category text, price numeric NOT NULL,"
                 " stock int, rating numeric, tags text[], attrs jsonb,"
                 " since date);"
                 "INSERT INTO product VALUES"
                 " (1, 'Red tent', 'Alp', 'camping', 199.90, 3, 4.5,"
                 "  '{outdoor,new}', '{\"color\": \"red\"}', '2024-03-01'),"
                 " (2, 'Blue tent', 'Alp', 'camping', 99.50, 0, 4.1,"
                 "  '{outdoor}', '{\"color\": \"blue\"}', '2022-05-01'),"
                 " (3, 'Stove', 'Fox', 'camping', 49.00, 9, 3.9,"
                 "  '{outdoor,gas}', '{}', '2023-01-15'),"
                 " (4, 'Trail shoes', 'Fox', 'shoes', 89.00, 12, 4.8,"
                 "  '{outdoor}', '{\"color\": \"red\"}', '2024-01-10'),"
                 " (5, '50% wool socks', 'Alp', 'clothes', 9.90, 80, 4.0,"
                 "  '{warm}', '{\"color\": \"grey\"}', '2021-11-01'),"
                 " (6, 'Rain coat', 'Fox', 'clothes', 89.00, 5, 4.3,"
                 "  '{outdoor,warm}', '{\"color\": \"red\"}', '2023-09-09')",
                 NULL, NULL, on_table, conn) != 0) {
        complain("the script cannot be sent");
        elpq_conn_close(conn);
    }
}

/* Sets the option, of a name like --min-price; false: there is none. */
static bool set_option(const char *name, const char *value)
{
    static const struct {
        const char *name, **value;
    } options[] = {
#define O(name) { #name, &is.name },
        OPTIONS(O)
#undef O
    };
    char plain[20] = "";

    if (strncmp(name, "--", 2) == 0 && strlen(name) < sizeof(plain))
        strcpy(plain, name + 2);
    for (char *c = plain; *c; c++)
        *c = *c == '-' ? '_' : *c;
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        if (strcmp(plain, options[i].name) == 0) {
            *options[i].value = value;
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    struct event_base *base;

    for (int i = 1; i < argc; i += 2)
        if (i + 1 == argc || !set_option(argv[i], argv[i + 1])) {
            fprintf(stderr, "search: what is %s?  See search.c.\n", argv[i]);
            return 2;
        }
    base = event_base_new();
    if (!elpq_connect(base, "", NULL, on_connect, NULL, NULL))
        return 1;
    event_base_dispatch(base);
    event_base_free(base);
    return status;
}
