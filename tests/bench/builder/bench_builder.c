/* SPDX-License-Identifier: PostgreSQL */
/*
 * What building and rendering a statement costs: (a) a point select, (b) five
 * columns of three tables with four filters, order and limit, each from the
 * tables' declarations to the SQL text, with elqb_reset() in between; and what
 * running a compiled one costs.
 *
 *     bench_builder             times, and the calls of malloc after warm-up
 *     bench_builder ROW COUNT   just COUNT times ROW, for callgrind
 *
 * The program is linked with malloc wrapped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "elpq/qb.h"

/* clang-format off */
#define USERS(C)                                                              \
    C(id, INT4) C(name, TEXT) C(email, TEXT) C(age, INT4) C(active, BOOL)     \
    C(created_at, TIMESTAMPTZ)
#define ORDERS(C)                                                             \
    C(id, INT8) C(user_id, INT4) C(status, TEXT) C(total, NUMERIC)            \
    C(placed_at, TIMESTAMPTZ)
#define ITEMS(C)                                                              \
    C(order_id, INT8) C(product_id, INT4) C(qty, INT4) C(price, NUMERIC)
ELQB_TABLE(users, USERS)
ELQB_TABLE(orders, ORDERS)
ELQB_TABLE(items, ITEMS)
/* clang-format on */

static unsigned long allocations;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

static elqb *q;
static elqb_compiled *compiled;
static size_t sum; /* so that nothing is optimised away */

static void fail(const char *what)
{
    fprintf(stderr, "bench_builder: %s: %s\n", what, elqb_error(q));
    exit(1);
}

static elqb_select *point_select(elqb_expr id)
{
    users_t U = users_table();
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id, U.name, U.email);
    elqb_from(s, U.table);
    elqb_where(s, elqb_eq(q, U.id, id));
    return s;
}

static elqb_select *join_select(int age, const char *status)
{
    users_t U = users_table();
    orders_t O = orders_table();
    items_t I = items_table();
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id, U.name, O.id, O.total, I.qty);
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, O.table, elqb_eq(q, O.user_id, U.id));
    elqb_join(s, ELQB_LEFT, I.table, elqb_eq(q, I.order_id, O.id));
    elqb_where(s, elqb_and(q, elqb_gt(q, U.age, elqb_val(age)),
                           elqb_eq(q, O.status, elqb_val(status)),
                           elqb_ilike(q, U.name, elqb_val("%o'b%")),
                           elqb_is_not_null(q, I.product_id)));
    elqb_order_by(s, elqb_desc(q, O.placed_at));
    elqb_limit(s, elqb_val(20));
    return s;
}

static void use(const elpq_statement *st)
{
    if (!st)
        fail("render");
    sum += st->sql_len + st->nvalues;
}

static void run_point(int i)
{
    elqb_reset(q);
    use(elqb_render(q, point_select(elqb_val(i))));
}

static void run_join(int i)
{
    elqb_reset(q);
    use(elqb_render(q, join_select(i, "paid")));
}

static void run_compiled(int i)
{
    elqb_args a;

    elqb_args_init(&a, compiled);
    elqb_args_set(&a, "id", i);
    use(elqb_args_statement(&a));
    elqb_args_clear(&a);
}

static const struct row {
    const char *name;
    const char *title;
    void (*run)(int i);
} rows[] = {
    { "point", "(a) point select, built and rendered", run_point },
    { "join", "(b) 5 columns, 2 joins, 4 filters", run_join },
    { "compiled", "(a) compiled, values of one run", run_compiled },
};
#define ROWS ((int)(sizeof(rows) / sizeof(*rows)))

static void setup(void)
{
    q = elqb_new();
    compiled = elqb_compile(q, point_select(elqb_bind("id", INT4)));
    if (!compiled)
        fail("compile");
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < 10; i++)
            rows[r].run(i);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The best of several rounds: the others were disturbed. */
static double measure(const struct row *row)
{
    enum { ROUNDS = 20, COUNT = 20000 };
    double best = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        double start = now();

        for (int i = 0; i < COUNT; i++)
            row->run(i);
        start = (now() - start) / COUNT;
        if (start < best)
            best = start;
    }
    return best;
}

int main(int argc, char **argv)
{
    int status = 0;

    setup();
    for (int r = 0; r < ROWS && argc == 3; r++)
        if (strcmp(argv[1], rows[r].name) == 0)
            for (long i = strtol(argv[2], NULL, 10); i > 0; i--)
                rows[r].run((int)i);
    for (int r = 0; r < ROWS && argc == 1; r++) {
        unsigned long before = allocations;
        double seconds = measure(&rows[r]);

        printf("%-38s %8.0f ns %6lu mallocs\n", rows[r].title, seconds * 1e9,
               allocations - before);
        if (allocations != before)
            status = 1;
    }
    elqb_compiled_free(compiled);
    elqb_free(q);
    return sum ? status : 1;
}
