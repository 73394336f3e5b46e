/* SPDX-License-Identifier: PostgreSQL */
/*
 * Replays the corpus of tests/fuzz/fuzz_text.c, and random text.
 */
#include "../fuzz/fuzz_text.c"

#include "fuzz_replay.h"

START_TEST(the_corpus)
{
    ck_assert_int_ge(replay_corpus("text", replay_rounds(500)), 5);
    replay_random(40, replay_rounds(10000));
}
END_TEST

int main(void)
{
    return replay_main("fuzz_text", the_corpus);
}
