/* SPDX-License-Identifier: PostgreSQL */
/*
 * faultproxy: the proxy of elpq/testkit.h as a program.
 *
 *     faultproxy [-l PORT | -l DIRECTORY] [-p PORT] [-s SEED] HOST PORT
 *                [RULE...]
 *
 * Listens on 127.0.0.1, on PORT or one that is free, or on a Unix socket of
 * DIRECTORY; connects to the server at HOST (an IP address or the directory
 * of a socket).  Prints where it listens, and its seed.  Lines of standard
 * input are more rules, as they come; "stats" prints what was seen.  It ends
 * with SIGINT or SIGTERM.
 */
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "elpq/testkit.h"

#define LINE_MAX_SIZE 256

static struct event_base *base;
static elpq_faultproxy *proxy;
static struct event *input;

static void print_stats(void)
{
    elpq_faultproxy_stats s;

    elpq_faultproxy_statistics(proxy, &s);
    printf("sessions %" PRIu64 " cancels %" PRIu64 " open %" PRIu64
           " refused %" PRIu64 " cuts %" PRIu64 "\n",
           s.sessions, s.cancels, s.open, s.refused, s.cuts);
    printf("client: %" PRIu64 " bytes, %" PRIu64 " messages; server: %" PRIu64
           " bytes, %" PRIu64 " messages\n",
           s.client_bytes, s.client_messages, s.server_bytes,
           s.server_messages);
}

static void take_line(const char *line)
{
    const char *wrong;

    if (!*line)
        return;
    if (strcmp(line, "stats") == 0) {
        print_stats();
        return;
    }
    wrong = elpq_faultproxy_rule(proxy, line);
    printf("%s%s%s\n", wrong ? wrong : "ok", wrong ? ": " : "",
           wrong ? line : "");
}

/* A line may come in pieces; one that is too long is no rule. */
static void on_input(evutil_socket_t fd, short what, void *arg)
{
    static char line[LINE_MAX_SIZE];
    static size_t have;
    char *end;
    ssize_t n = read((int)fd, line + have, sizeof(line) - 1 - have);

    (void)what;
    (void)arg;
    if (n <= 0) {
        event_del(input); /* and goes on without */
        return;
    }
    have += (size_t)n;
    line[have] = '\0';
    while ((end = strchr(line, '\n'))) {
        *end = '\0';
        take_line(line);
        have -= (size_t)(end + 1 - line);
        memmove(line, end + 1, have + 1);
    }
    if (have == sizeof(line) - 1) {
        take_line(line);
        have = 0;
    }
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
    (void)sig;
    (void)what;
    (void)arg;
    event_base_loopbreak(base);
}

static int usage(void)
{
    fputs("usage: faultproxy [-l PORT | -l DIRECTORY] [-p PORT] [-s SEED]"
          " HOST PORT [RULE...]\n",
          stderr);
    return 2;
}

static bool options(int argc, char **argv, elpq_faultproxy_options *o)
{
    int c;

    o->seed = (uint64_t)time(NULL);
    while ((c = getopt(argc, argv, "+l:p:s:")) != -1) {
        if (c == 'l' && *optarg == '/')
            o->listen_dir = optarg;
        else if (c == 'l' || c == 'p')
            o->listen_port = atoi(optarg);
        else if (c == 's')
            o->seed = strtoull(optarg, NULL, 0);
        else
            return false;
    }
    if (argc - optind < 2)
        return false;
    o->upstream_host = argv[optind];
    o->upstream_port = atoi(argv[optind + 1]);
    return true;
}

static int serve(void)
{
    struct event *interrupt = evsignal_new(base, SIGINT, on_signal, NULL);
    struct event *terminate = evsignal_new(base, SIGTERM, on_signal, NULL);

    input = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input,
                      NULL);
    if (!interrupt || !terminate || !input)
        return 1;
    evsignal_add(interrupt, NULL);
    evsignal_add(terminate, NULL);
    event_add(input, NULL); /* fails with a file, which is no loss */
    event_base_dispatch(base);
    print_stats();
    event_free(interrupt);
    event_free(terminate);
    event_free(input);
    return 0;
}

int main(int argc, char **argv)
{
    elpq_faultproxy_options o = { 0 };
    int status = 1;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!options(argc, argv, &o))
        return usage();
    base = event_base_new();
    proxy = base ? elpq_faultproxy_new(base, &o) : NULL;
    if (!proxy) {
        fprintf(stderr, "faultproxy: %s\n", strerror(errno));
        return 1;
    }
    for (int i = optind + 2; i < argc; i++) {
        const char *wrong = elpq_faultproxy_rule(proxy, argv[i]);

        if (wrong) {
            fprintf(stderr, "faultproxy: %s: %s\n", argv[i], wrong);
            goto out;
        }
    }
    printf("port %d seed %" PRIu64 "\n", elpq_faultproxy_port(proxy), o.seed);
    status = serve();
out:
    elpq_faultproxy_free(proxy);
    event_base_free(base);
    return status;
}
