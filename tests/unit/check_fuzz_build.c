/* SPDX-License-Identifier: PostgreSQL */
/*
 * Replays the corpus of tests/fuzz/fuzz_build.c, and programs of random calls.
 */
#include "../fuzz/fuzz_build.c"

#include "fuzz_replay.h"

START_TEST(the_corpus)
{
    ck_assert_int_ge(replay_corpus("build", replay_rounds(500)), 5);
    replay_random(300, replay_rounds(10000));
}
END_TEST

int main(void)
{
    return replay_main("fuzz_build", the_corpus);
}
