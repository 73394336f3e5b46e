/* SPDX-License-Identifier: PostgreSQL */
/*
 * declare: prints the tables of a schema as declarations for the builder.
 *
 *     cc declare.c $(pkg-config --cflags --libs elpq-qb elpq libevent_core) \
 *        -o declare
 *     ./declare crm >tables.h             (PGHOST and so on say where)
 *
 * Without a schema it is the first of search_path, and goes unnamed.
 * A column whose name is no identifier of C and C++ that is free gets one with
 * a _ behind it.  Domains are what they are made of.
 */
#include <ctype.h>
#include <elpq/elpq.h>
#include <elpq/qb.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES(C) C(oid, OID) C(relname, NAME) C(relkind, CHAR)              \
    C(relnamespace, OTHER)
#define ATTRIBUTES(C) C(attrelid, OID) C(attname, NAME) C(atttypid, OID)      \
    C(attnum, INT2) C(attisdropped, BOOL)
#define TYPES(C) C(oid, OID) C(typtype, CHAR) C(typbasetype, OID)
ELQB_TABLE_IN(pg_catalog, pg_class, CLASSES)
ELQB_TABLE_IN(pg_catalog, pg_attribute, ATTRIBUTES)
ELQB_TABLE_IN(pg_catalog, pg_type, TYPES)

static const char *schema; /* NULL: the first of search_path */
static int status = 1;

/* table, column, type; in the order of the tables' names and columns */
static const elpq_statement *columns(elqb *q)
{
    pg_class_t C = pg_class_as("c");
    pg_attribute_t A = pg_attribute_as("a");
    pg_type_t T = pg_type_as("t");
    elqb_select *s = elqb_select_new(q);
    elqb_expr in = schema ? elqb_val(schema) : elqb_func(q, "current_schema");

    in = elqb_cast(q, in, "regnamespace");
    elqb_columns(s, C.relname, A.attname,
                 elqb_case_of(q, T.typtype, T.oid, elqb_val("d"),
                              T.typbasetype));
    elqb_from(s, C.table);
    elqb_join(s, ELQB_INNER, A.table, elqb_eq(q, A.attrelid, C.oid));
    elqb_join(s, ELQB_INNER, T.table, elqb_eq(q, T.oid, A.atttypid));
    elqb_where(s, elqb_eq(q, C.relnamespace, in));
    elqb_where(s, elqb_in(q, C.relkind, elqb_val("r"), elqb_val("p"),
                          elqb_val("v"), elqb_val("m"), elqb_val("f")));
    elqb_where(s, elqb_gt(q, A.attnum, elqb_val(0)));
    elqb_where(s, elqb_not(q, A.attisdropped));
    elqb_order_by(s, C.relname, A.attnum);
    return elqb_render(q, s);
}

/* The builder's name of a type, OTHER if it is not built in. */
static const char *type_name(const char *oid)
{
    switch (strtoul(oid, NULL, 10)) {
#define TYPE(name, oid, array_oid)                                            \
    case oid: return #name;                                                   \
    case array_oid: return #name "_ARRAY";
    ELPQ_BUILTIN_TYPES(TYPE)
    default: return "OTHER";
    }
}

/* Words of C and C++, what the declaration has, and what headers define. */
static const char taken[] =
    " alignas alignof and and_eq asm auto bitand bitor bool break case catch "
    "char class clock compl concept const consteval constexpr constinit "
    "continue decltype default delete div do double dynamic_cast else enum "
    "errno explicit export extern false float for friend goto if inline int "
    "linux long mutable namespace new noexcept not not_eq nullptr operator or "
    "or_eq private protected public register reinterpret_cast requires "
    "restrict return short signed size sizeof static static_assert "
    "static_cast stderr stdin stdout struct switch table template this "
    "thread_local throw time true try typedef typeid typename typeof union "
    "unix unsigned using virtual void volatile wchar wchar_t while xor "
    "xor_eq ";

/* An identifier for the name; true if it is another. */
static bool identify(const char *name, char id[80])
{
    char word[82];
    size_t n = 0;

    if (!isalpha((unsigned char)*name))
        id[n++] = 'x';
    for (const char *p = name; *p; p++)
        id[n++] = *p > 0 && isalnum((unsigned char)*p) ? *p : '_';
    id[n] = '\0';
    snprintf(word, sizeof(word), " %.79s ", id);
    if (strcmp(id, name) == 0 && !strstr(taken, word))
        return false;
    strcpy(id + n, "_");
    return true;
}

static void put_string(const char *s)
{
    putchar('"');
    for (; *s; s++)
        printf(*s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
    putchar('"');
}

static void on_columns(elpq_result *r, const elpq_error *error, void *conn)
{
    const char *table = NULL, *next, *column, *type;
    char id[80], list[80] = "";

    if (error)
        fprintf(stderr, "declare: %s\n", error->message);
    for (size_t row = 0; !error && row < elpq_rows(r); row++) {
        next = elpq_get_text(r, row, 0);
        column = elpq_get_text(r, row, 1);
        type = type_name(elpq_get_text(r, row, 2));
        if (row == 0 || strcmp(next, table) != 0) {
            table = next;
            identify(table, list);
            for (char *p = list; *p; p++)
                *p = (char)toupper((unsigned char)*p);
            printf("#define %s(C, N)", list);
        }
        if (identify(column, id)) {
            printf(" \\\n    N(%s, ", id);
            put_string(column);
            printf(", %s)", type);
        } else {
            printf(" \\\n    C(%s, %s)", id, type);
        }
        next = row + 1 < elpq_rows(r) ? elpq_get_text(r, row + 1, 0) : "";
        if (strcmp(next, table) == 0)
            continue;
        identify(table, id);
        printf("\nELQB_TABLE_NAMED(%s, ", id);
        if (schema)
            put_string(schema);
        printf(schema ? ", " : "NULL, ");
        put_string(table);
        printf(", %s)\n\n", list);
    }
    status = error != NULL;
    elpq_conn_close(conn);
}

static void on_connect(elpq_conn *conn, const elpq_error *error, void *arg)
{
    elqb *q = elqb_new();

    (void)arg;
    if (error) {
        fprintf(stderr, "declare: %s\n", error->message);
    } else if (elpq_execute(conn, columns(q), NULL, on_columns, conn) != 0) {
        fprintf(stderr, "declare: %s\n", elqb_error(q));
        elpq_conn_close(conn);
    }
    elqb_free(q);
}

int main(int argc, char **argv)
{
    struct event_base *base = event_base_new();

    schema = argc > 1 ? argv[1] : NULL;
    if (!elpq_connect(base, "", NULL, on_connect, NULL, NULL))
        return 1;
    event_base_dispatch(base);
    event_base_free(base);
    return status;
}
