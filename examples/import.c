/* SPDX-License-Identifier: PostgreSQL */
/*
 * import: a CSV file of any size into a table.
 *
 *     import [--header] [--progress] TABLE [FILE]
 *
 * Reads standard input without a FILE.  The server takes what it can; the
 * rest of the file stays in the file.  A mistake is reported with its line.
 *
 *     cc import.c $(pkg-config --cflags --libs elpq libevent_core) -o import
 */
#include <elpq/elpq.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct import {
    elpq_copy *copy;
    elpq_pool *pool;
    struct event *more;  /* a pipe has something to read                    */
    int fd;
    char buf[65536];     /* read, and from `at` on not yet taken            */
    size_t size, at;
    double total;        /* bytes of the file; 0 if unknown                 */
    double started, shown;
    int waits;           /* for the server                                   */
    bool progress, failed;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* [##########..........] 50%  120.0 MB/s  3 s left  waited 17 times */
static void show(struct import *im, bool last)
{
    double sent = (double)elpq_copy_bytes(im->copy), t = now();
    double rate = sent / (t - im->started + 1e-9);
    int n = im->total > 0 ? (int)(sent / im->total * 20) : 0;

    if (!im->progress || (!last && t - im->shown < 0.1))
        return;
    im->shown = t;
    if (im->total > 0)
        fprintf(stderr, "\r[%.*s%.*s] %3.0f%%  ", n, "####################",
                20 - n, "....................", sent / im->total * 100);
    else
        fprintf(stderr, "\r%.1f MB  ", sent / 1e6);
    fprintf(stderr, "%.1f MB/s  ", rate / 1e6);
    if (im->total > 0)
        fprintf(stderr, "%.0f s left  ", (im->total - sent) / rate);
    fprintf(stderr, "waited %d times%s", im->waits,
            last ? "\n" : " ");
}

/* Moves data until the file has no more, or the server is busy. */
static void move(struct import *im)
{
    ssize_t n;

    for (;;) {
        im->at += elpq_copy_write(im->copy, im->buf + im->at,
                                  im->size - im->at);
        show(im, false);
        if (im->at < im->size) {
            im->waits++;
            return; /* on_ready() comes when there is room */
        }
        n = read(im->fd, im->buf, sizeof(im->buf));
        im->at = 0;
        im->size = n > 0 ? (size_t)n : 0;
        if (n > 0)
            continue;
        if (n < 0 && errno == EAGAIN) {
            event_add(im->more, NULL);
        } else if (n < 0) {
            elpq_copy_abort(im->copy, "the file cannot be read");
        } else {
            show(im, true);
            elpq_copy_finish(im->copy);
        }
        return;
    }
}

static void on_more(evutil_socket_t fd, short what, void *arg)
{
    struct import *im = arg;

    (void)fd, (void)what;
    if (im->copy)
        move(im);
}

static void on_ready(elpq_copy *copy, void *arg)
{
    struct import *im = arg;

    im->copy = copy;
    if (!event_pending(im->more, EV_READ, NULL))
        move(im);
}

static void on_done(elpq_result *result, const elpq_error *error, void *arg)
{
    struct import *im = arg;

    im->copy = NULL;
    im->failed = error != NULL;
    event_del(im->more);
    if (error)
        fprintf(stderr, "%simport: %s\n%s%s", im->progress ? "\n" : "",
                error->message, error->context ? error->context : "",
                error->context ? "\n" : "");
    else
        printf("%s\n", elpq_command(result));
    elpq_pool_close(im->pool, 0, NULL, NULL);
}

static int usage(void)
{
    fputs("usage: import [--header] [--progress] TABLE [FILE]\n", stderr);
    return 2;
}

static int open_file(struct import *im, const char *name)
{
    struct stat st;

    im->fd = name ? open(name, O_RDONLY) : STDIN_FILENO;
    if (im->fd < 0 || fstat(im->fd, &st) != 0) {
        perror(name ? name : "stdin");
        return -1;
    }
    if (S_ISREG(st.st_mode))
        im->total = (double)st.st_size;
    else
        fcntl(im->fd, F_SETFL, fcntl(im->fd, F_GETFL) | O_NONBLOCK);
    return 0;
}

int main(int argc, char **argv)
{
    static struct import im;
    elpq_copy_spec spec = { .format = ELPQ_COPY_CSV };
    elpq_options options = { .timeout_ms = ELPQ_NO_TIMEOUT };
    struct event_base *base = event_base_new();
    int i, code;

    im.progress = isatty(STDERR_FILENO);
    for (i = 1; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--header") == 0)
            spec.header = true;
        else if (strcmp(argv[i], "--progress") == 0)
            im.progress = true;
        else
            return usage();
    }
    if (argc - i < 1 || argc - i > 2)
        return usage();
    spec.table = argv[i];
    if (open_file(&im, argv[i + 1]) != 0)
        return 1;
    im.started = now();
    im.more = event_new(base, im.fd, EV_READ, on_more, &im);
    im.pool = elpq_pool_new(base, "", NULL, NULL);
    code = elpq_copy_in(im.pool, &spec, &options, on_ready, on_done, &im);
    if (code != 0) {
        fprintf(stderr, "import: %s\n", elpq_strerror(code));
        return 1;
    }
    event_base_dispatch(base);
    event_free(im.more);
    event_base_free(base);
    return im.failed;
}
