/* SPDX-License-Identifier: PostgreSQL */
/*
 * Replays the corpus of tests/fuzz/fuzz_pgoutput.c.
 */
#include "../fuzz/fuzz_pgoutput.c"

#include "fuzz_replay.h"

START_TEST(the_corpus)
{
    ck_assert_int_ge(replay_corpus("pgoutput", replay_rounds(2000)), 5);
}
END_TEST

int main(void)
{
    return replay_main("fuzz_pgoutput", the_corpus);
}
