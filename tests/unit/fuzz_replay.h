/* SPDX-License-Identifier: PostgreSQL */
/*
 * A target of tests/fuzz without libFuzzer, so that every compiler runs it: on
 * the inputs of its corpus, each of them cut short as well, and with bytes
 * changed.  Included behind the target.
 */
#ifndef ELPQ_TESTS_FUZZ_REPLAY_H
#define ELPQ_TESTS_FUZZ_REPLAY_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST 4096

static uint64_t replay_state = 0x9E3779B97F4A7C15u;

static size_t replay_below(size_t limit)
{
    replay_state ^= replay_state << 13;
    replay_state ^= replay_state >> 7;
    replay_state ^= replay_state << 17;
    return (size_t)(replay_state % limit);
}

/* Changes of each input; fewer where ELPQ_TEST_SLOW says it is slow. */
static int replay_rounds(int usual)
{
    const char *slow = getenv("ELPQ_TEST_SLOW");
    double factor = slow ? strtod(slow, NULL) : 1;

    return (int)(usual / (factor > 1 ? factor * factor : 1)) + 1;
}

static void replay_input(const uint8_t *input, size_t size, int rounds)
{
    uint8_t data[LARGEST];

    LLVMFuzzerTestOneInput(input, size);
    for (int i = 0; i < rounds && size > 0; i++) {
        size_t n = i % 2 ? size : replay_below(size + 1);

        memcpy(data, input, size);
        for (size_t k = replay_below(3); k > 0 && n > 0; k--)
            data[replay_below(n)] ^= (uint8_t)(1u << replay_below(8));
        LLVMFuzzerTestOneInput(data, n);
    }
}

/* Inputs of fewer bytes than `limit`, of small values every other time. */
static inline void replay_random(size_t limit, int rounds)
{
    uint8_t data[LARGEST];

    for (int i = 0; i < rounds; i++) {
        size_t size = replay_below(limit);

        for (size_t n = 0; n < size; n++)
            data[n] = (uint8_t)replay_below(replay_below(2) ? 256 : 16);
        LLVMFuzzerTestOneInput(data, size);
    }
}

/* Returns how many inputs there are. */
static int replay_corpus(const char *target, int rounds)
{
    const char *slash = strrchr(__FILE__, '/');
    char path[500], file[800];
    uint8_t data[LARGEST];
    struct dirent *entry;
    int inputs = 0;
    DIR *dir;

    snprintf(path, sizeof(path), "%.*s/../fuzz/corpus/%s",
             (int)(slash - (const char *)__FILE__), __FILE__, target);
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
        replay_input(data, size, rounds);
        inputs++;
    }
    closedir(dir);
    return inputs;
}

/* The main function of a suite of one test. */
static int replay_main(const char *name, const TTest *test)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create("corpus");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
