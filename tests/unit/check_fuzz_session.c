/* SPDX-License-Identifier: PostgreSQL */
/*
 * Replays the corpus of tests/fuzz/fuzz_session.c.
 */
#include "../fuzz/fuzz_session.c"

#include "fuzz_replay.h"

START_TEST(the_corpus)
{
    ck_assert_int_ge(replay_corpus("session", replay_rounds(30)), 5);
}
END_TEST

int main(void)
{
    return replay_main("fuzz_session", the_corpus);
}
