/* SPDX-License-Identifier: PostgreSQL */
/*
 * The SQL text of a COPY.  Names and strings of a spec become identifiers and
 * literals here, and nothing else: quoted whatever they hold.
 *
 * copy.c alone calls this.
 */
#include "copy_int.h"

/* An identifier: "name", quotes doubled. */
static void put_name(struct elpq__buf *out, const char *name)
{
    elpq__buf_add_byte(out, '"');
    for (; *name; name++) {
        if (*name == '"')
            elpq__buf_add_byte(out, '"');
        elpq__buf_add_byte(out, *name);
    }
    elpq__buf_add_byte(out, '"');
}

/* A literal that means the same whatever standard_conforming_strings is. */
static void put_literal(struct elpq__buf *out, const char *s, size_t size)
{
    elpq__buf_add_str(out, "E'");
    for (size_t i = 0; i < size; i++) {
        if (s[i] == '\'' || s[i] == '\\')
            elpq__buf_add_byte(out, s[i]);
        elpq__buf_add_byte(out, s[i]);
    }
    elpq__buf_add_byte(out, '\'');
}

static void put_columns(struct elpq__buf *out, const char *const *columns)
{
    for (const char *const *c = columns; *c; c++) {
        if (c != columns)
            elpq__buf_add_str(out, ", ");
        put_name(out, *c);
    }
}

static void put_table(struct elpq__buf *out, const elpq_copy_spec *spec)
{
    if (spec->schema) {
        put_name(out, spec->schema);
        elpq__buf_add_byte(out, '.');
    }
    put_name(out, spec->table);
}

static void put_option(struct elpq__buf *out, const char *name, char value)
{
    if (!value)
        return;
    elpq__buf_addf(out, ", %s ", name);
    put_literal(out, &value, 1);
}

static void put_options(struct elpq__buf *out, const elpq_copy_spec *spec)
{
    static const char *const formats[] = { "text", "csv", "binary" };

    elpq__buf_addf(out, " (FORMAT %s", formats[spec->format]);
    if (spec->header)
        elpq__buf_add_str(out, ", HEADER true");
    if (spec->freeze)
        elpq__buf_add_str(out, ", FREEZE true");
    put_option(out, "DELIMITER", spec->delimiter);
    put_option(out, "QUOTE", spec->quote);
    put_option(out, "ESCAPE", spec->escape);
    if (spec->null) {
        elpq__buf_add_str(out, ", NULL ");
        put_literal(out, spec->null, strlen(spec->null));
    }
    elpq__buf_add_byte(out, ')');
}

static bool has_options(const elpq_copy_spec *spec)
{
    return spec->header || spec->freeze || spec->delimiter || spec->quote ||
           spec->escape || spec->null;
}

static bool makes_sense(const elpq_copy_spec *spec, bool in, bool typed)
{
    int sources = (spec->table != NULL) + (spec->trusted_sql != NULL) +
                  (spec->trusted_query != NULL);

    if (sources != 1 || (unsigned)spec->format > ELPQ_COPY_ROWS ||
        (!spec->table && (spec->schema || spec->columns)) ||
        (spec->columns && !spec->columns[0]) ||
        (in && spec->trusted_query) ||
        (!in && (spec->format == ELPQ_COPY_ROWS || spec->freeze)))
        return false;
    if (spec->trusted_sql)
        return !typed && !has_options(spec) && spec->format == ELPQ_COPY_TEXT;
    return !typed || (!has_options(spec) &&
                      (in || spec->format == ELPQ_COPY_TEXT));
}

/* The query that has the columns of the rows. */
static void put_describe(struct elpq__buf *out, const elpq_copy_spec *spec)
{
    if (spec->trusted_query) {
        elpq__buf_add_str(out, spec->trusted_query);
        return;
    }
    elpq__buf_add_str(out, "SELECT ");
    if (spec->columns)
        put_columns(out, spec->columns);
    else
        elpq__buf_add_byte(out, '*');
    elpq__buf_add_str(out, " FROM ");
    put_table(out, spec);
}

bool elpq__copy_write_sql(const elpq_copy_spec *spec, bool in, bool typed,
                          struct elpq__buf *sql, struct elpq__buf *describe)
{
    if (!makes_sense(spec, in, typed))
        return false;
    if (spec->trusted_sql) {
        elpq__buf_add_str(sql, spec->trusted_sql);
        return true;
    }
    elpq__buf_add_str(sql, "COPY ");
    if (spec->trusted_query) {
        /* A comment may end it. */
        elpq__buf_addf(sql, "(%s\n)", spec->trusted_query);
    } else {
        put_table(sql, spec);
        if (spec->columns) {
            elpq__buf_add_str(sql, " (");
            put_columns(sql, spec->columns);
            elpq__buf_add_byte(sql, ')');
        }
    }
    elpq__buf_add_str(sql, in ? " FROM STDIN" : " TO STDOUT");
    if (typed) {
        put_describe(describe, spec);
        elpq__buf_add_byte(describe, '\0');
    } else {
        put_options(sql, spec);
    }
    return true;
}
