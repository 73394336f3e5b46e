/* SPDX-License-Identifier: PostgreSQL */
/*
 * The inputs that fuzzing kept, and random ones, through the targets of
 * tests/fuzz: without libFuzzer, so that every compiler runs them.
 */
#include <dirent.h>

#define LLVMFuzzerTestOneInput fuzz_text
#define expect expect_text
#define render render_text
#define copy_text copy_fuzz_text
#include "../fuzz/fuzz_text.c"
#undef LLVMFuzzerTestOneInput
#undef expect
#undef render
#define LLVMFuzzerTestOneInput fuzz_build
#include "../fuzz/fuzz_build.c"
#undef LLVMFuzzerTestOneInput

#include "check_qb.h"

#define LARGEST 65536

typedef int target(const uint8_t *data, size_t size);

/* tests/fuzz/corpus beside this file. */
static void corpus_path(char *path, size_t size, const char *name)
{
    const char *slash = strrchr(__FILE__, '/');

    snprintf(path, size, "%.*s/../fuzz/corpus/%s",
             (int)(slash - (const char *)__FILE__), __FILE__, name);
}

static int replay(const char *name, target *run_one)
{
    static uint8_t data[LARGEST];
    char path[500], file[1000];
    struct dirent *entry;
    int count = 0;
    DIR *dir;

    corpus_path(path, sizeof(path), name);
    dir = opendir(path);
    ck_assert_msg(dir != NULL, "%s is missing", path);
    while ((entry = readdir(dir))) {
        FILE *f;
        size_t size;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        f = fopen(file, "rb");
        ck_assert_msg(f != NULL, "%s", file);
        size = fread(data, 1, sizeof(data), f);
        fclose(f);
        run_one(data, size);
        count++;
    }
    closedir(dir);
    return count;
}

START_TEST(test_corpus)
{
    ck_assert_int_gt(replay("text", fuzz_text), 5);
    ck_assert_int_gt(replay("build", fuzz_build), 5);
}
END_TEST

#define ROUNDS 10000

START_TEST(test_random)
{
    uint8_t data[300];

    for (int i = 0; i < qb_rounds(ROUNDS); i++) {
        size_t size = random_below(sizeof(data));

        for (size_t n = 0; n < size; n++)
            data[n] = (uint8_t)random_below(random_below(2) ? 256 : 16);
        fuzz_build(data, size);
        fuzz_text(data, size % 40);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_fuzz");
    TCase *tcase = qb_case(suite, "corpus");

    tcase_add_test(tcase, test_corpus);
    tcase_add_test(tcase, test_random);
    return qb_main(suite);
}
