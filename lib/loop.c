/* SPDX-License-Identifier: PostgreSQL */
/*
 * The only file that knows libevent.
 *
 * One elpq__loop per event_base, found through a registry, holds:
 *
 *  - tasks: run by one event that is activated by hand, so that they come at
 *    the end of the current turn, without a system call;
 *  - timers, in the order of timers.h, with one wake-up of the system, which
 *    is only moved when an earlier timer comes.  So a deadline that is met
 *    costs a few pointer operations.  On Linux it is a timerfd, as long as
 *    that can be watched: with a timeout of libevent instead, the kernel
 *    would set a timer up for every wait, a tenth of the cost of a short
 *    statement;
 *  - posts of other threads: a list under a mutex, and a pipe whose reading
 *    end is watched only while something is expected;
 *  - memory for use again and again (blocks.h).
 *
 * Callbacks of libevent take a reference first: what they run may drop the
 * last one.
 */
#include "loop.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/timerfd.h>
#endif

#include "alloc.h"
#include "timers.h"

/* A socket that cannot be watched is looked at so often. */
#define LOOK_USEC 10000
/* So many rounds of tasks may follow each other in one turn. */
#define TASK_ROUNDS 8

struct elpq__loop {
    struct elpq__loop *next; /* in the registry */
    struct event_base *base;
    unsigned refs;
    unsigned generation; /* of the process, see after_fork */

    struct event *task_event;
    struct elpq__list tasks;
    bool tasks_hopped; /* went once to the end of the line                 */
    bool tasks_running;

    struct event *timer_event; /* of timer_fd                             */
    int timer_fd;              /* -1: there is none                      */
    struct event *timeout_event; /* in its place, where it cannot be had */
    struct elpq__timers timers;
    int64_t armed;              /* when timer_event fires; 0: not armed  */

    pthread_mutex_t mutex; /* of posts */
    struct elpq__list posts;
    struct event *post_event;
    int pipe[2];
    unsigned expected;

    struct elpq__blocks blocks;
};

static struct elpq__loop *registry;
static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static unsigned generation = 1;

int64_t elpq__now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ------------------------------------------------------- life of a loop */

/* In the child: what the parent made is not ours, and its mutex may be held. */
static void after_fork(void)
{
    generation++;
    registry = NULL;
    pthread_mutex_init(&registry_mutex, NULL);
}

static void watch_fork(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

bool elpq__loop_is_ours(const struct elpq__loop *loop)
{
    return loop->generation == generation;
}

unsigned elpq__loop_generation(void)
{
    pthread_once(&fork_once, watch_fork);
    return generation;
}

static void run_tasks(evutil_socket_t fd, short what, void *arg);
static void run_timers(evutil_socket_t fd, short what, void *arg);

static void loop_free(struct elpq__loop *loop)
{
    elpq__blocks_free(&loop->blocks);
    if (loop->task_event)
        event_free(loop->task_event);
    if (loop->timer_event)
        event_free(loop->timer_event);
    if (loop->timeout_event)
        event_free(loop->timeout_event);
    if (loop->post_event)
        event_free(loop->post_event);
    if (loop->timer_fd >= 0)
        close(loop->timer_fd);
    for (int i = 0; i < 2; i++)
        if (loop->pipe[i] >= 0)
            close(loop->pipe[i]);
    pthread_mutex_destroy(&loop->mutex);
    free(loop);
}

static int timer_open(void)
{
#ifdef __linux__
    return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
#else
    return -1;
#endif
}

static struct elpq__loop *loop_new(struct event_base *base)
{
    struct elpq__loop *loop = elpq__new(struct elpq__loop);

    if (!loop)
        return NULL;
    loop->base = base;
    loop->generation = generation;
    loop->pipe[0] = loop->pipe[1] = -1;
    elpq__list_init(&loop->tasks);
    elpq__list_init(&loop->posts);
    elpq__timers_init(&loop->timers);
    pthread_mutex_init(&loop->mutex, NULL);
    loop->task_event = event_new(base, -1, 0, run_tasks, loop);
    loop->timer_fd = timer_open();
    loop->timer_event = event_new(base, loop->timer_fd, EV_READ | EV_PERSIST,
                                  run_timers, loop);
    loop->timeout_event = event_new(base, -1, 0, run_timers, loop);
    if (!loop->task_event || !loop->timer_event || !loop->timeout_event) {
        loop_free(loop);
        return NULL;
    }
    return loop;
}

struct elpq__loop *elpq__loop_get(struct event_base *base)
{
    struct elpq__loop *loop;

    pthread_once(&fork_once, watch_fork);
    pthread_mutex_lock(&registry_mutex);
    for (loop = registry; loop; loop = loop->next)
        if (loop->base == base)
            break;
    if (!loop && (loop = loop_new(base))) {
        loop->next = registry;
        registry = loop;
    }
    pthread_mutex_unlock(&registry_mutex);
    if (loop)
        loop->refs++;
    return loop;
}

void elpq__loop_ref(struct elpq__loop *loop)
{
    loop->refs++;
}

void elpq__loop_unref(struct elpq__loop *loop)
{
    struct elpq__loop **at;

    if (--loop->refs > 0)
        return;
    pthread_mutex_lock(&registry_mutex);
    for (at = &registry; *at; at = &(*at)->next)
        if (*at == loop) {
            *at = loop->next;
            break;
        }
    pthread_mutex_unlock(&registry_mutex);
    loop_free(loop);
}

/* ---------------------------------------------------------------- blocks */

struct elpq__blocks *elpq__loop_blocks(struct elpq__loop *loop)
{
    return &loop->blocks;
}

/* ----------------------------------------------------------------- tasks */

/* One round: what is posted meanwhile is for the next one. */
static void run_round(struct elpq__loop *loop)
{
    struct elpq__list now;
    struct elpq__node *node;

    elpq__list_init(&now);
    elpq__list_move(&now, &loop->tasks);
    while ((node = elpq__list_pop(&now))) {
        struct elpq__task *task =
            elpq__container(node, struct elpq__task, node);

        task->run(task);
    }
}

static void run_tasks(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval now = { 0, 0 };
    struct elpq__loop *loop = arg;

    (void)fd;
    (void)what;
    if (!elpq__loop_is_ours(loop))
        return;
    /*
     * Tasks that were posted outside the loop would run before the sockets
     * that are ready: behind them in line, a connection that the server has
     * closed is known to be closed.
     */
    if (!loop->tasks_hopped) {
        loop->tasks_hopped = true;
        event_active(loop->task_event, EV_TIMEOUT, 1);
        return;
    }
    loop->refs++;
    loop->tasks_running = true;
    for (int i = 0; i < TASK_ROUNDS && !elpq__list_empty(&loop->tasks); i++)
        run_round(loop);
    loop->tasks_running = false;
    loop->tasks_hopped = false;
    /* Tasks that post tasks for ever must not starve the sockets. */
    if (!elpq__list_empty(&loop->tasks) &&
        event_add(loop->task_event, &now) != 0)
        event_active(loop->task_event, EV_TIMEOUT, 1);
    elpq__loop_unref(loop);
}

void elpq__task_post(struct elpq__loop *loop, struct elpq__task *task)
{
    if (elpq__linked(&task->node))
        return;
    if (elpq__list_empty(&loop->tasks) && !loop->tasks_running)
        event_active(loop->task_event, EV_TIMEOUT, 1);
    elpq__list_push(&loop->tasks, &task->node);
}

void elpq__task_drop(struct elpq__task *task)
{
    elpq__list_remove(&task->node);
}

/* ---------------------------------------------------------------- timers */

static bool arm_fd(struct elpq__loop *loop)
{
#ifdef __linux__
    struct itimerspec at = { .it_value = {
        .tv_sec = (time_t)(loop->armed / 1000000),
        .tv_nsec = (long)(loop->armed % 1000000) * 1000,
    } };

    return loop->timer_fd >= 0 &&
           timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0 &&
           event_add(loop->timer_event, NULL) == 0;
#else
    (void)loop;
    return false;
#endif
}

/* Without memory for even that, the loop looks for timers all the time. */
static void arm_timeout(struct elpq__loop *loop)
{
    int64_t usec = loop->armed - elpq__now();
    struct timeval wait;

    if (usec < 0)
        usec = 0;
    wait.tv_sec = (time_t)(usec / 1000000);
    wait.tv_usec = (suseconds_t)(usec % 1000000);
    if (event_add(loop->timeout_event, &wait) != 0)
        event_active(loop->timeout_event, EV_TIMEOUT, 1);
}

/* Makes libevent wake us for the first timer; an early wake does no harm. */
static void arm(struct elpq__loop *loop)
{
    struct elpq__timer *first = elpq__timers_first(&loop->timers);

    if (!first || (loop->armed && loop->armed <= first->due) ||
        !elpq__loop_is_ours(loop))
        return;
    loop->armed = first->due;
    if (!arm_fd(loop))
        arm_timeout(loop);
}

/* The wake-up has come; none is set until arm(). */
static void disarm(struct elpq__loop *loop)
{
    uint64_t times;

    loop->armed = 0;
    if (loop->timer_fd < 0)
        return;
    if (read(loop->timer_fd, &times, sizeof(times)) < 0)
        times = 0; /* moved since it fired */
}

static void disarm_events(struct elpq__loop *loop)
{
    event_del(loop->timer_event);
    event_del(loop->timeout_event);
}

static void run_timers(evutil_socket_t fd, short what, void *arg)
{
    struct elpq__loop *loop = arg;
    struct elpq__timer *timer;
    int64_t now = elpq__now();

    (void)fd;
    (void)what;
    if (!elpq__loop_is_ours(loop)) {
        disarm_events(loop);
        return;
    }
    loop->refs++;
    disarm(loop);
    while ((timer = elpq__timers_first(&loop->timers)) && timer->due <= now) {
        elpq__timers_remove(&loop->timers, timer);
        timer->fire(timer);
    }
    arm(loop);
    if (!loop->armed)
        disarm_events(loop); /* so that the base may run empty */
    elpq__loop_unref(loop);
}

void elpq__timer_start(struct elpq__loop *loop, struct elpq__timer *timer,
                       int64_t due)
{
    if (timer->due)
        elpq__timers_remove(&loop->timers, timer);
    timer->due = due > 0 ? due : 1;
    elpq__timers_insert(&loop->timers, timer);
    arm(loop);
}

void elpq__timer_stop(struct elpq__loop *loop, struct elpq__timer *timer)
{
    if (timer->due)
        elpq__timers_remove(&loop->timers, timer);
}

/* --------------------------------------------------------------- sockets */

/* In a child whose base goes on: the sockets are the parent's. */
static bool foreign(struct elpq__io *io)
{
    if (elpq__loop_is_ours(io->loop))
        return false;
    event_del(io->read_event);
    event_del(io->write_event);
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct elpq__io *io = arg;

    (void)fd;
    (void)what;
    if (!foreign(io))
        io->ready(io, true, false);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct elpq__io *io = arg;

    (void)fd;
    (void)what;
    if (!foreign(io))
        io->ready(io, false, true);
}

/* Watches for what is wanted; what is watched already costs nothing. */
static bool watch(struct elpq__io *io)
{
    return (!io->reading || event_add(io->read_event, NULL) == 0) &&
           (!io->writing || event_add(io->write_event, NULL) == 0);
}

/* Nobody else would ever look: a statement need not have a deadline. */
static void watch_or_look(struct elpq__io *io)
{
    if (!watch(io))
        elpq__timer_start(io->loop, &io->again, elpq__now() + LOOK_USEC);
}

static void look_again(struct elpq__timer *timer)
{
    struct elpq__io *io = elpq__container(timer, struct elpq__io, again);

    watch_or_look(io);
    if (elpq__timer_runs(timer))
        io->ready(io, io->reading, io->writing);
}

bool elpq__io_open(struct elpq__io *io, struct elpq__loop *loop, int fd)
{
    io->loop = loop;
    io->reading = true;
    io->writing = false;
    io->again.fire = look_again;
    io->read_event = event_new(loop->base, fd, EV_READ | EV_PERSIST,
                               on_readable, io);
    io->write_event = event_new(loop->base, fd, EV_WRITE | EV_PERSIST,
                                on_writable, io);
    if (!io->read_event || !io->write_event || !watch(io)) {
        elpq__io_close(io);
        return false;
    }
    return true;
}

void elpq__io_want_write(struct elpq__io *io, bool on)
{
    if (on == io->writing || !io->write_event)
        return;
    io->writing = on;
    if (on)
        watch_or_look(io);
    else
        event_del(io->write_event);
}

void elpq__io_want_read(struct elpq__io *io, bool on)
{
    if (!io->read_event)
        return;
    io->reading = on;
    if (on)
        watch_or_look(io);
    else
        event_del(io->read_event);
}

void elpq__io_close(struct elpq__io *io)
{
    elpq__timer_stop(io->loop, &io->again);
    if (io->read_event)
        event_free(io->read_event);
    if (io->write_event)
        event_free(io->write_event);
    io->read_event = io->write_event = NULL;
    io->reading = io->writing = false;
}

/* ---------------------------------------------------- from other threads */

static void run_posts(evutil_socket_t fd, short what, void *arg)
{
    struct elpq__loop *loop = arg;
    struct elpq__list now; /* so that posts of posts cannot go on for ever */
    char drain[64];

    (void)what;
    if (!elpq__loop_is_ours(loop)) {
        event_del(loop->post_event);
        return;
    }
    loop->refs++;
    while (read(fd, drain, sizeof(drain)) == (ssize_t)sizeof(drain))
        ;
    elpq__list_init(&now);
    pthread_mutex_lock(&loop->mutex);
    elpq__list_move(&now, &loop->posts);
    while (!elpq__list_empty(&now)) {
        struct elpq__post *post =
            elpq__container(elpq__list_pop(&now), struct elpq__post, node);

        pthread_mutex_unlock(&loop->mutex);
        post->run(post);
        pthread_mutex_lock(&loop->mutex); /* elpq__loop_unpost() */
    }
    pthread_mutex_unlock(&loop->mutex);
    elpq__loop_unref(loop);
}

bool elpq__loop_expect(struct elpq__loop *loop)
{
    if (!loop->post_event) {
        if (loop->pipe[0] < 0 && pipe2(loop->pipe, O_CLOEXEC | O_NONBLOCK))
            return false;
        loop->post_event = event_new(loop->base, loop->pipe[0],
                                     EV_READ | EV_PERSIST, run_posts, loop);
        if (!loop->post_event)
            return false;
    }
    if (loop->expected == 0 && event_add(loop->post_event, NULL) != 0)
        return false;
    loop->expected++;
    return true;
}

void elpq__loop_unexpect(struct elpq__loop *loop)
{
    if (--loop->expected == 0)
        event_del(loop->post_event);
}

void elpq__loop_post(struct elpq__loop *loop, struct elpq__post *post)
{
    bool first;

    pthread_mutex_lock(&loop->mutex);
    first = elpq__list_empty(&loop->posts);
    elpq__list_push(&loop->posts, &post->node);
    /* Under the mutex: once it is let go, the loop may be freed. */
    while (first && write(loop->pipe[1], "", 1) < 0 && errno == EINTR)
        ;
    pthread_mutex_unlock(&loop->mutex);
}

bool elpq__loop_unpost(struct elpq__loop *loop, struct elpq__post *post)
{
    bool waiting;

    pthread_mutex_lock(&loop->mutex);
    waiting = elpq__linked(&post->node);
    elpq__list_remove(&post->node);
    pthread_mutex_unlock(&loop->mutex);
    return waiting;
}
