/* SPDX-License-Identifier: PostgreSQL */
/*
 * export: a table of any size into a CSV file.
 *
 *     export TABLE [FILE]
 *
 * Writes to standard output without a FILE.  While whoever reads that is
 * slow, the server waits.
 *
 *     cc export.c $(pkg-config --cflags --libs elpq libevent_core) -o export
 */
#include <elpq/elpq.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct export {
    elpq_copy *copy;
    elpq_pool *pool;
    struct event *room;  /* the pipe takes more                             */
    int fd;
    char *rest;          /* what it did not take                            */
    size_t size, at;
    int pauses;
    bool failed;
};

/* How much was taken; a file that fails takes nothing, ever. */
static size_t write_some(struct export *ex, const char *data, size_t size)
{
    size_t at = 0;
    ssize_t n;

    while (at < size && (n = write(ex->fd, data + at, size - at)) > 0)
        at += (size_t)n;
    if (at < size && errno != EAGAIN) {
        perror("export");
        ex->failed = true;
        elpq_copy_abort(ex->copy, NULL);
    }
    return at;
}

static void on_data(elpq_copy *copy, const void *data, size_t size, void *arg)
{
    struct export *ex = arg;
    size_t n;

    ex->copy = copy;
    n = write_some(ex, data, size);
    if (n == size || ex->failed)
        return;
    ex->rest = malloc(size - n);
    if (!ex->rest) {
        ex->failed = true;
        elpq_copy_abort(copy, NULL);
        return;
    }
    ex->size = size - n;
    ex->at = 0;
    memcpy(ex->rest, (const char *)data + n, ex->size);
    ex->pauses++;
    elpq_copy_pause(copy);
    event_add(ex->room, NULL);
}

static void on_room(evutil_socket_t fd, short what, void *arg)
{
    struct export *ex = arg;

    (void)fd, (void)what;
    if (!ex->copy)
        return;
    ex->at += write_some(ex, ex->rest + ex->at, ex->size - ex->at);
    if (ex->at < ex->size && !ex->failed) {
        event_add(ex->room, NULL);
        return;
    }
    free(ex->rest);
    ex->rest = NULL;
    elpq_copy_resume(ex->copy);
}

static void on_done(elpq_result *result, const elpq_error *error, void *arg)
{
    struct export *ex = arg;

    ex->copy = NULL;
    ex->failed = ex->failed || error;
    if (error)
        fprintf(stderr, "export: %s\n", error->message);
    else
        fprintf(stderr, "%" PRIu64 " rows, waited %d times\n",
                elpq_affected(result), ex->pauses);
    event_del(ex->room);
    elpq_pool_close(ex->pool, 0, NULL, NULL);
}

int main(int argc, char **argv)
{
    static struct export ex;
    elpq_copy_spec spec = { .format = ELPQ_COPY_CSV, .header = true };
    elpq_options options = { .timeout_ms = ELPQ_NO_TIMEOUT };
    struct event_base *base = event_base_new();
    int flags, code;

    if (argc < 2 || argc > 3) {
        fputs("usage: export TABLE [FILE]\n", stderr);
        return 2;
    }
    spec.table = argv[1];
    ex.fd = argc > 2 ? open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0666)
                     : STDOUT_FILENO;
    if (ex.fd < 0) {
        perror(argv[2]);
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    flags = fcntl(ex.fd, F_GETFL);
    fcntl(ex.fd, F_SETFL, flags | O_NONBLOCK);
    ex.room = event_new(base, ex.fd, EV_WRITE, on_room, &ex);
    ex.pool = elpq_pool_new(base, "", NULL, NULL);
    code = elpq_copy_out(ex.pool, &spec, &options, on_data, on_done, &ex);
    if (code != 0) {
        fprintf(stderr, "export: %s\n", elpq_strerror(code));
        return 1;
    }
    event_base_dispatch(base);
    fcntl(ex.fd, F_SETFL, flags); /* others may share it */
    free(ex.rest);
    event_free(ex.room);
    event_base_free(base);
    return ex.failed;
}
