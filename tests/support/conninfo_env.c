/* SPDX-License-Identifier: PostgreSQL */
/*
 * conninfo_env: print a connection string as shell assignments of the PG*
 * variables that libpq reads, so that every test program connects alike:
 *
 *	eval "$(conninfo_env 'host=db1 user=me')"
 *
 * Used by with-postgres for ELPQ_TEST_CONNINFO.  Options without a variable
 * (keepalives and the like) cannot be passed on and are refused.
 */
#include <libpq-fe.h>
#include <stdio.h>

static void
print_quoted(const char *text)
{
    putchar('\'');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*c);
    }
    putchar('\'');
}

int
main(int argc, char **argv)
{
    char *error = NULL;
    PQconninfoOption *options;
    int status = 0;

    if (argc != 2) {
        fputs("usage: conninfo_env CONNINFO\n", stderr);
        return 2;
    }
    options = PQconninfoParse(argv[1], &error);
    if (options == NULL) {
        fprintf(stderr, "conninfo_env: %s", error ? error : "out of memory\n");
        PQfreemem(error);
        return 1;
    }
    for (PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (o->val == NULL)
            continue;
        if (o->envvar == NULL) {
            fprintf(stderr, "conninfo_env: %s has no environment variable\n",
                    o->keyword);
            status = 1;
            continue;
        }
        printf("export %s=", o->envvar);
        print_quoted(o->val);
        putchar('\n');
    }
    PQconninfoFree(options);
    return status;
}
