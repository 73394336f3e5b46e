/* SPDX-License-Identifier: PostgreSQL */
/*
 * What must make no difference to the text: ELQB_NONE, other values, a copy of
 * a select, rendering again, a workspace used before, compiling.
 */
#include "qb_program.h"

/* The texts of a variant; the caller frees them. */
static char *texts_of(struct qb_program p)
{
    p.w = q;
    p.room = 1 << 16;
    p.text = malloc(p.room);
    *p.text = '\0';
    ck_assert_msg(run_program(&p), "%s", elqb_error(q));
    return p.text;
}

static void check_same(const char *is, const char *wanted)
{
    const char *a = is, *b = wanted;

    if (strcmp(is, wanted) == 0)
        return;
    for (; *a && *a == *b; a++, b++)
        ;
    a -= a - is > 60 ? 60 : a - is;
    b -= b - wanted > 60 ? 60 : b - wanted;
    ck_abort_msg("\n  is   %.160s\n  not  %.160s", a, b);
}

static const struct qb_program variants[] = {
    { .noise = true },
    { .values = true },
    { .copies = true },
    { .twice = true },
    { .noise = true, .values = true, .copies = true, .twice = true },
};

START_TEST(test_variants)
{
    char *plain = texts_of((struct qb_program){ .noise = false }), *other;

    ck_assert_uint_gt(strlen(plain), 5000);
    other = texts_of(variants[_i]); /* in the same workspace */
    check_same(other, plain);
    free(other);
    elqb_reset(q);
    other = texts_of(variants[_i]); /* in a used one */
    check_same(other, plain);
    free(other);
    elqb_free(q);
    q = elqb_new();
    other = texts_of(variants[_i]); /* in a new one */
    check_same(other, plain);
    free(other);
    free(plain);
}
END_TEST

#ifdef HAVE_PG_QUERY
/* Each line is a statement to the server's parser: the types are in front of
 * it.  Of operators only the syntax matters. */
START_TEST(test_all_parse)
{
    char *text = texts_of((struct qb_program){ .noise = true }), *line;

    for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *sql = line + strspn(line, "0123456789 ");
        char *error = parse_error(sql);

        ck_assert_msg(!error, "%s: %s", error, sql);
    }
    free(text);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("qb_meta");
    TCase *tcase = qb_case(suite, "meta");

    tcase_add_loop_test(tcase, test_variants, 0,
                        (int)(sizeof(variants) / sizeof(*variants)));
#ifdef HAVE_PG_QUERY
    tcase_add_test(tcase, test_all_parse);
#endif
    return qb_main(suite);
}
