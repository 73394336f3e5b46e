/* SPDX-License-Identifier: PostgreSQL */
/*
 * The target of tests/fuzz/fuzz_decode.c without libFuzzer, so that every
 * compiler runs it: the inputs that fuzzing kept, and random changes of them
 * and of the samples of all codecs.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>

#define LLVMFuzzerTestOneInput fuzz_decode
#include "../fuzz/fuzz_decode.c"
#undef LLVMFuzzerTestOneInput

#include "cells.h"
#include "codec_samples.h"

#define LARGEST 4096
#define ROUNDS 30000

static uint64_t random_state = 0x9E3779B97F4A7C15u;

static uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* So many rounds, or fewer where ELPQ_TEST_SLOW says it is slow. */
static int rounds(void)
{
    const char *slow = getenv("ELPQ_TEST_SLOW");
    double factor = slow ? strtod(slow, NULL) : 1;

    return (int)(ROUNDS / (factor > 1 ? factor * factor : 1)) + 100;
}

/* ----------------------------------------------------------------- corpus */

struct input {
    uint8_t data[LARGEST];
    size_t size;
};

static struct input inputs[1000];
static int ninputs;

static void read_corpus(void)
{
    const char *slash = strrchr(__FILE__, '/');
    char path[500], file[1000];
    struct dirent *entry;
    DIR *dir;
    FILE *f;

    snprintf(path, sizeof(path), "%.*s/../fuzz/corpus/decode",
             (int)(slash - (const char *)__FILE__), __FILE__);
    dir = opendir(path);
    ck_assert_msg(dir != NULL, "%s is missing", path);
    ninputs = 0;
    while ((entry = readdir(dir)) && ninputs < 1000) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        f = fopen(file, "rb");
        ck_assert_msg(f != NULL, "%s", file);
        inputs[ninputs].size = fread(inputs[ninputs].data, 1, LARGEST, f);
        fclose(f);
        ninputs++;
    }
    closedir(dir);
}

START_TEST(test_corpus)
{
    read_corpus();
    ck_assert_int_gt(ninputs, 5);
    for (int i = 0; i < ninputs; i++)
        fuzz_decode(inputs[i].data, inputs[i].size);
}
END_TEST

/* --------------------------------------------------------------- changes */

static uint8_t place_of(uint32_t oid)
{
    uint8_t place = 0;

    while (fuzz_oids[place] != oid)
        place++;
    return place;
}

/* A sample as an input, in either format. */
static size_t from_sample(const struct sample *sample, bool binary,
                          uint8_t *out)
{
    size_t size;

    out[0] = 0;
    out[1] = place_of(sample->oid);
    out[2] = binary;
    if (binary)
        return 3 + (size_t)unhex(sample->hex, (char *)out + 3);
    size = strlen(sample->text);
    memcpy(out + 3, sample->text, size);
    return 3 + size;
}

/* A byte changed, taken out, put in, or a number made large. */
static size_t change(uint8_t *data, size_t size)
{
    size_t at = 3 + (size_t)(random64() % (size - 2));

    switch (random64() % 5) {
    case 0:
        if (at == size)
            break;
        memmove(data + at, data + at + 1, size - at - 1);
        return size - 1;
    case 1:
        memmove(data + at + 1, data + at, size - at);
        data[at] = (uint8_t) "\0\1\377{}()[],\"\\:x0"[random64() % 16];
        return size + 1;
    case 2:
        if (at < size)
            data[at] = (uint8_t)(random64() % 2 ? 0xff : 0);
        break;
    case 3:
        return at;
    default:
        if (at < size)
            data[at] ^= (uint8_t)(1u << (random64() % 8));
        break;
    }
    return size;
}

START_TEST(test_changes)
{
    uint8_t data[LARGEST + 16];
    size_t size;

    read_corpus();
    for (int i = 0; i < rounds(); i++) {
        if (i % 4 == 0) {
            const struct input *input = &inputs[random64() % (size_t)ninputs];

            size = input->size;
            memcpy(data, input->data, size);
        } else {
            size = from_sample(&samples[random64() % SAMPLES], i % 4 < 3, data);
        }
        /* sometimes as another type */
        if (random64() % 8 == 0)
            data[1] = (uint8_t)random64();
        for (int n = (int)(random64() % 5); n > 0 && size >= 3; n--)
            size = change(data, size);
        fuzz_decode(data, size);
    }
}
END_TEST

/* Rows in rows as deep as the bytes go, in both formats. */
START_TEST(test_depth)
{
    enum { DEPTH = 200 };
    static uint8_t data[3 + DEPTH * 12 + 4];
    static uint8_t text[3 + 2 * DEPTH];
    uint8_t *p = data + 3;
    uint32_t left = DEPTH * 12 + 4;

    data[1] = text[1] = place_of(ELPQ_OID_RECORD);
    data[2] = 1;
    for (int i = 0; i < DEPTH; i++, p += 12) {
        left -= 12;
        elpq__put_int32((char *)p, 1);
        elpq__put_int32((char *)p + 4, ELPQ_OID_RECORD);
        elpq__put_int32((char *)p + 8, left);
    }
    fuzz_decode(data, sizeof(data));
    memset(text + 3, '(', DEPTH);
    memset(text + 3 + DEPTH, ')', DEPTH);
    fuzz_decode(text, sizeof(text));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fuzz_decode");
    TCase *tcase = tcase_create("decode");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_corpus);
    tcase_add_test(tcase, test_changes);
    tcase_add_test(tcase, test_depth);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
