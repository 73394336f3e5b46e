/* SPDX-License-Identifier: PostgreSQL */
/* A program that uses the installed driver: a connect that cannot work. */
#include <elpq/elpq.h>
#include <event2/event.h>
#include <stdio.h>

static void
on_connect(elpq_conn *conn, const elpq_error *error, void *arg)
{
    (void)conn;
    *(int *)arg = error != NULL && error->message[0] != '\0';
}

int
main(void)
{
    struct event_base *base = event_base_new();
    int refused = 0;

    if (elpq_connect(base, "host=/nonexistent", NULL, on_connect, &refused,
                     NULL) == NULL)
        return 1;
    event_base_dispatch(base);
    event_base_free(base);
    printf("elpq %s, refused: %d\n", ELPQ_VERSION, refused);
    return elpq_version() == ELPQ_VERSION_NUM && refused ? 0 : 1;
}
