/* SPDX-License-Identifier: PostgreSQL */
/*
 * What is left of a password in memory: nothing that elpq has freed holds it,
 * and when all is closed, nothing else that elpq made either.
 *
 * free() and realloc() are replaced: they look whether a block that goes holds
 * the secret, and who lets it go.  A block of elpq's must not; blocks of others
 * (libpq parses copies of its own, which it does not wipe) are counted, and
 * wiped here, so that what is found in the end is not theirs.
 *
 * The program is left without this where others replace the allocator: with
 * sanitizers and under valgrind.
 */
#undef _FORTIFY_SOURCE

#include <dirent.h>
#include <dlfcn.h>
#include <malloc.h>
#include <stdatomic.h>

#include "secrets.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FOREIGN_MALLOC 1
#elif defined(__clang__) && defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FOREIGN_MALLOC 1
#endif
#endif

#ifndef FOREIGN_MALLOC

/* ---------------------------------------------------------- the allocator */

extern char __executable_start[], etext[]; /* of the linker: our own code    */

#define VERIFIER "SCRAM-SHA-256$4096:"
static const char *const secrets[] = { "Canary7", "Yranac8", VERIFIER };

static atomic_bool armed;
static atomic_uint ours, theirs;
static _Atomic(char *) first; /* who freed the first of ours */

static bool holds_secret(const void *block)
{
    size_t size = malloc_usable_size((void *)(uintptr_t)block);

    for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
        if (memmem(block, size, secrets[i], strlen(secrets[i])))
            return true;
    return false;
}

static void look(void *block, char *caller)
{
    char *none = NULL;

    if (!block || !atomic_load(&armed) || !holds_secret(block))
        return;
    if (caller >= __executable_start && caller < etext) {
        atomic_fetch_add(&ours, 1);
        atomic_compare_exchange_strong(&first, &none, caller);
        return;
    }
    atomic_fetch_add(&theirs, 1);
}

static void *next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (!found)
        abort();
    return found;
}

void free(void *block)
{
    static void (*real)(void *);

    if (!real)
        *(void **)&real = next("free");
    look(block, __builtin_return_address(0));
    if (block && atomic_load(&armed) && holds_secret(block))
        explicit_bzero(block, malloc_usable_size(block));
    real(block);
}

/* Always moves what holds a secret, as it might. */
void *realloc(void *block, size_t size)
{
    static void *(*real)(void *, size_t);
    size_t old = block ? malloc_usable_size(block) : 0;
    void *moved;

    if (!real)
        *(void **)&real = next("realloc");
    if (!block || !size || !atomic_load(&armed) || !holds_secret(block))
        return real(block, size);
    look(block, __builtin_return_address(0));
    moved = malloc(size);
    if (moved) {
        memcpy(moved, block, old < size ? old : size);
        explicit_bzero(block, old);
        free(block);
    }
    return moved;
}

/* ----------------------------------------------------------- what is left */

/* Looks through memory that can be written, but for the stack of the tests. */
static unsigned copies_left(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long from, to;
    char line[400], access[5];
    unsigned found = 0;

    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%lx-%lx %4s", &from, &to, access) != 3 ||
            strncmp(access, "rw", 2) != 0 || strstr(line, "[stack]"))
            continue;
        for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++) {
            const char *at = (const char *)from, *hit;

            while ((hit = memmem(at, to - (size_t)at, secrets[i],
                                 strlen(secrets[i])))) {
                printf("left at %p: %.60s in %s", (const void *)hit, hit, line);
                found++;
                at = hit + 1;
            }
        }
    }
    fclose(maps);
    return found;
}

/* Helper threads that are in libpq still have what they log in with. */
static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int n = 0;

    ck_assert_ptr_nonnull(tasks);
    while (readdir(tasks))
        n++;
    closedir(tasks);
    return n;
}

static int threads_at_start;

static void await_helpers(void)
{
    int64_t end = now_usec() + scaled(WAIT_SECONDS * 1000) * INT64_C(1000);

    while (threads() > threads_at_start) {
        ck_assert_msg(now_usec() < end, "helper threads that do not end");
        run_for_ms(5);
    }
}

static struct access a;

static void begin_watch(void)
{
    harness_setup();
    threads_at_start = threads();
    atomic_store(&ours, 0);
    atomic_store(&theirs, 0);
    atomic_store(&first, NULL);
    atomic_store(&armed, true);
}

/* After all is closed: the answers have copies of errors, and go first. */
static void end_watch(void)
{
    bool stays = a.way == ENVIRONMENT; /* which keeps what was unset */

    await_helpers();
    access_end(&a);
    explicit_bzero(&a, sizeof(a));
    harness_teardown();
    ck_assert_msg(atomic_load(&ours) == 0,
                  "%u blocks with the secret were freed, the first at %#tx",
                  atomic_load(&ours), atomic_load(&first) - __executable_start);
    if (!stays)
        ck_assert_uint_eq(copies_left(), 0);
    ck_assert_uint_gt(atomic_load(&theirs), 0); /* else nothing was seen */
    atomic_store(&armed, false);
}

/* ------------------------------------------------------------------- tests */

static const char *scram_user(void)
{
    const char *user = harness_env("ELPQ_TEST_SCRAM_USER");

    return user ? user : "nobody_at_all";
}

/* A login that fails, in each way that a password is given. */
START_TEST(a_failed_login)
{
    access_begin(&a, (enum way)_i, server_port(), scram_user(), "");
    ck_assert_int_ne(await(start_connect(a.conninfo, &a.options))->code, 0);
}
END_TEST

START_TEST(an_abandoned_login)
{
    struct answer *answer;

    access_begin(&a, KEYWORD, server_port(), scram_user(), "");
    answer = start_connect(a.conninfo, &a.options);
    close_conn(answer->handle);
    ck_assert_int_eq(await(answer)->code, ELPQ_E_CLOSED);
}
END_TEST

/* PGUSER needs no password; one is given all the same, and lives on. */
START_TEST(a_session)
{
    elpq_conn *conn;

    access_begin(&a, (enum way)_i, server_port(), harness_env("PGUSER"), "");
    a.options.params =
        _i == PARAMS ? (const char *const[]){ "password", CANARY, "dbname",
                                              harness_env("PGDATABASE"), NULL }
                     : (const char *const[]){ "dbname",
                                              harness_env("PGDATABASE"), NULL };
    conn = connect_now(a.conninfo, &a.options);
    expect_ok(ask(conn, elpq_sql("select 1")));
    close_conn(conn);
}
END_TEST

static int downs;

static void on_listening(elpq_listener *l, const elpq_listen_event *e,
                         void *arg)
{
    (void)l;
    (void)arg;
    downs += e->kind == ELPQ_LISTEN_DOWN;
}

static void on_replicating(elpq_replication *r, const elpq_replication_event *e,
                           void *arg)
{
    (void)r;
    (void)arg;
    downs += e->kind == ELPQ_REPLICATION_DOWN;
}

static void on_change(elpq_replication *r, const elpq_change *change, void *arg)
{
    (void)r;
    (void)change;
    (void)arg;
}

START_TEST(pool_router_listener_and_replication)
{
    const char *const hosts[] = { a.conninfo, NULL };
    const char *const publications[] = { "p", NULL };
    elpq_pool_options po = { .max_size = 2 };
    elpq_router_options ro = { 0 };
    elpq_listener_options lo = { 0 };
    elpq_replication_options re = { .slot = "s", .publications = publications };
    elpq_replication *r;
    elpq_listener *l;
    elpq_router *router;
    elpq_pool *pool;

    access_begin(&a, (enum way)_i, server_port(), scram_user(), "");
    re.conn = lo.conn = ro.pool.conn = po.conn = a.options;
    pool = pool_at(a.conninfo, &po);
    ck_assert_int_ne(await(ask(pool, elpq_sql("select 1")))->code, 0);
    finish_pool(pool);
    downs = 0;
    l = elpq_listener_new(loop, a.conninfo, &lo, on_listening, NULL, NULL);
    ck_assert_ptr_nonnull(l);
    run_until(&downs, 1);
    elpq_listener_close(l, NULL, NULL);
    r = elpq_replication_new(loop, a.conninfo, &re, on_change, on_replicating,
                             NULL, NULL);
    ck_assert_ptr_nonnull(r);
    run_until(&downs, 2);
    elpq_replication_close(r, NULL, NULL);
    router = elpq_router_new(loop, hosts, &ro, NULL);
    ck_assert_ptr_nonnull(router);
    elpq_router_close(router, 0, NULL, NULL);
}
END_TEST

START_TEST(broken_and_redacted_conninfos)
{
    static const char *const texts[] = {
        "host=x password='" CANARY,
        "host=x password=a " CANARY,
        "postgresql://u:q@Yranac8@127.0.0.1/db",
        "postgresql://u:Canary7%zz@127.0.0.1/db",
        "host=x password=" CANARY,
    };
    char text[200];

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        elpq_error *error = NULL;

        elpq_conninfo_redact(texts[i], text, sizeof(text));
        if (i < 4)
            ck_assert_ptr_null(
                elpq_connect(loop, texts[i], NULL, on_conn, NULL, &error));
        elpq_error_free(error);
    }
}
END_TEST

/* Neither the password is left, nor what the server stores of it. */
START_TEST(a_change_of_the_password)
{
    struct answer *answer = answer_new();
    char user[160];
    elpq_conn *conn;

    memset(user, 'u', sizeof(user) - 1); /* the statement is long, too */
    user[sizeof(user) - 1] = '\0';
    conn = connect_now(NULL, NULL);
    ck_assert_int_eq(CALL(elpq_conn_change_password(conn, user, CANARY, NULL,
                                                    on_done, answer)),
                     0);
    ck_assert_int_ne(await(answer)->code, 0);
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = tcase_create("memory");

    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, begin_watch, end_watch);
    suite_add_tcase(s, t);
    if (getenv("LD_PRELOAD") && strstr(getenv("LD_PRELOAD"), "vgpreload"))
        return;
    tcase_add_test(t, broken_and_redacted_conninfos);
    tcase_add_loop_test(t, a_failed_login, 0, WAYS);
    tcase_add_test(t, an_abandoned_login);
    tcase_add_loop_test(t, pool_router_listener_and_replication, 0, PARAMS + 1);
    if (harness_own_server()) {
        tcase_add_loop_test(t, a_session, 0, WAYS);
        tcase_add_test(t, a_change_of_the_password);
    }
}

#else

static void build(Suite *s)
{
    (void)s;
}

#endif

int main(void)
{
    return harness_main("secrets_memory", build);
}
