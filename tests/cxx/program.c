/* SPDX-License-Identifier: PostgreSQL */
/*
 * Prints what a program of every call of the builder renders.  It is compiled
 * as C and as C++, and must print the same: see tests/support/check-cxx.
 */
#include "../unit/qb_program.h"

#ifdef __cplusplus
/* Whether it is this text, in which ` stands for ". */
static bool is_rendered(const elpq_statement *st, const char *sql)
{
    const char *is = st ? st->sql : elqb_error(q);
    size_t size = strlen(sql);
    bool same = strlen(is) == size;

    for (size_t i = 0; same && i < size; i++)
        same = is[i] == (sql[i] == '`' ? '"' : sql[i]);
    if (!same)
        fprintf(stderr, "is   %s\nnot  %s\n", is, sql);
    return same;
}

static bool check_windows(void)
{
    const elqb_expr ids[] = { U.id, ELQB_END };
    elqb_window_spec window = elqb_window_spec();
    elqb_expr sum = elqb_func(q, "sum", U.age);
    elqb_select *s = elqb_select_new(q);

    window.order_by = ids;
    elqb_columns(s, elqb_over(q, sum), elqb_over(q, sum, window));
    elqb_window(s, "v");
    elqb_window(s, "w", window);
    return is_rendered(elqb_render(q, s),
                       "SELECT `sum`(`users`.`age`) OVER (), `sum`(`users`."
                       "`age`) OVER (ORDER BY `users`.`id`) WINDOW `v` AS (), "
                       "`w` AS (ORDER BY `users`.`id`)");
}

static bool check_definitions(void)
{
    const elqb_expr ids[] = { U.id, ELQB_END };
    elqb_column_options column = elqb_column_options();
    elqb_constraint_options constraint = elqb_constraint_options();
    elqb_index_options index = elqb_index_options();
    elqb_sequence_options sequence = elqb_sequence_options();
    elqb_ddl *d = elqb_alter_table(q, U.table, 0);

    column.not_null = true;
    constraint.unique = ids;
    index.unique = true;
    sequence.start = elqb_val(7);
    elqb_column(d, U.id);
    elqb_column(d, U.name, column);
    elqb_constraint(d, constraint);
    return is_rendered(elqb_render(q, d),
                       "ALTER TABLE `users` ADD COLUMN `id` int4, ADD COLUMN "
                       "`name` text NOT NULL, ADD UNIQUE (`id`)") &&
           is_rendered(elqb_render(q, elqb_create_index(q, "i", U.table, ids)),
                       "CREATE INDEX `i` ON `users` (`id`)") &&
           is_rendered(elqb_render(q, elqb_create_index(q, "i", U.table, ids,
                                                        index)),
                       "CREATE UNIQUE INDEX `i` ON `users` (`id`)") &&
           is_rendered(elqb_render(q, elqb_create_sequence(q, NULL, "s", 0)),
                       "CREATE SEQUENCE `s`") &&
           is_rendered(elqb_render(q, elqb_create_sequence(q, NULL, "s", 0,
                                                           sequence)),
                       "CREATE SEQUENCE `s` START WITH 7");
}

static elqb_table_options filled(const elqb_arg *storage)
{
    elqb_table_options options = elqb_table_options();

    options.storage = storage;
    return options;
}

/* Lists that last until the end of the full expression. */
static bool check_clauses(void)
{
    elqb_constraint_options apart = elqb_constraint_options();
    const elqb_expr keys[] = { U.id, ELQB_END };
    elqb_ddl *d = elqb_create_table(q, U, 0), *e;
    const elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_table_clauses(d, filled(ELQB_STORAGE(
                              ELQB_ARG("fillfactor", elqb_val(70)))));
    e = elqb_alter_table(q, U.table, 0);
    apart.exclude = keys;
    elqb_constraint(e, (apart.operators = ELQB_OPERATORS("="), apart));
    return strstr(elqb_render(q, d)->sql, "WITH (\"fillfactor\" = 70)") &&
           is_rendered(elqb_render(q, e),
                       "ALTER TABLE `users` ADD EXCLUDE (`id` WITH =)") &&
           is_rendered(elqb_render(q, i), "INSERT INTO `users` DEFAULT VALUES");
}

/* What C++ alone has: options as structs instead of named arguments. */
static bool check_options(void)
{
    return check_windows() && check_definitions() && check_clauses();
}
#else
static bool check_options(void)
{
    return true;
}
#endif

int main(void)
{
    struct qb_program p;
    bool good;

    q = elqb_new();
    U = users_table();
    O = orders_table();
    P = products_table();
    memset(&p, 0, sizeof(p));
    p.room = 1;
    p.w = q;
    good = run_program(&p);
    printf("%s%s\n", p.text ? p.text : "", elqb_error(q));
    free(p.text);
    elqb_reset(q);
    good = good && check_options();
    elqb_free(q);
    return good ? 0 : 1;
}
