/* SPDX-License-Identifier: PostgreSQL */
/*
 * http_api: an HTTP server with JSON answers from PostgreSQL; one event loop
 * serves both sides, and a slow statement holds up nobody.
 *
 *     cc http_api.c $(pkg-config --cflags --libs elpq-qb elpq libevent_core \
 *        libevent_extra) -o http_api
 *     ./http_api [port [connections [waiting]]]        port 0: any free one
 *
 *     GET  /users?min_age=30&name=a&limit=10    every filter is optional
 *     GET  /users/7
 *     POST /users           form fields: name, and age if it is known
 *     GET  /slow?ms=2000    answers after two seconds
 *     GET  /stats           of the pool, without asking the server
 *
 * A client that goes away cancels its statement.  SIGTERM or SIGINT: no new
 * requests; those under way are answered; then the program ends.
 */
#include <arpa/inet.h>
#include <elpq/elpq.h>
#include <elpq/qb.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define USER(C) C(id, INT4) C(name, TEXT) C(age, INT4)
ELQB_TABLE(http_api_user, USER)

enum { TIMEOUT_MS = 60000, DRAIN_MS = 10000, MAX_ROWS = 1000 };

struct app {
    struct event_base *base;
    struct evhttp *http;
    struct evhttp_bound_socket *socket;
    struct event *signals[2];
    elpq_pool *pool; /* NULL once it is closed */
    elqb *builder;   /* of the request at hand */
    unsigned requests;
    bool stopping;
    int port, status;
};

/* A request, from its arrival until its answer was sent or cannot be. */
struct request {
    struct app *app;
    struct evhttp_request *http;
    struct event *hangup;    /* the client closed its end */
    elpq_request *statement; /* while it runs */
    bool gone;               /* the connection is no more */
};

/* ------------------------------------------------- the life of a request */

static void request_free(struct request *r)
{
    struct app *app = r->app;

    event_free(r->hangup);
    free(r);
    if (--app->requests == 0 && app->stopping && !app->pool)
        event_base_loopbreak(app->base);
}

static void on_sent(struct evhttp_request *http, void *arg)
{
    struct evhttp_connection *c = evhttp_request_get_connection(http);

    evhttp_connection_set_closecb(c, NULL, NULL);
    request_free(arg);
}

static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
    struct request *r = arg;

    (void)fd, (void)what;
    if (r->statement)
        elpq_cancel(r->statement); /* its callback still comes */
}

static void on_connection_closed(struct evhttp_connection *c, void *arg)
{
    struct request *r = arg;

    (void)c;
    r->gone = true;
    if (r->statement)
        elpq_cancel(r->statement);
    else
        request_free(r); /* while its answer was on the way */
}

static struct request *request_new(struct app *app, struct evhttp_request *http)
{
    struct evhttp_connection *c = evhttp_request_get_connection(http);
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(c));
    struct request *r = calloc(1, sizeof(*r));

    if (!r ||
        !(r->hangup = event_new(app->base, fd, EV_CLOSED, on_hangup, r))) {
        free(r);
        return NULL;
    }
    r->app = app;
    r->http = http;
    app->requests++;
    evhttp_connection_set_closecb(c, on_connection_closed, r);
    evhttp_request_set_on_complete_cb(http, on_sent, r);
    /* evhttp does not look at the socket while it waits for our answer. */
    if (event_base_get_features(app->base) & EV_FEATURE_EARLY_CLOSE)
        event_add(r->hangup, NULL);
    return r;
}

/* Sends the answer, and takes back the buffer; r is not to be used again. */
static void reply(struct request *r, int status, struct evbuffer *json)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(r->http);

    event_del(r->hangup);
    evhttp_add_header(headers, "Content-Type", "application/json");
    if (r->app->stopping)
        evhttp_add_header(headers, "Connection", "close");
    if (r->gone) {
        evhttp_request_free(r->http);
        request_free(r);
    } else {
        evhttp_send_reply(r->http, json ? status : 500, NULL, json);
    }
    if (json)
        evbuffer_free(json);
}

/* ---------------------------------------------------------------- answers */

static void add_string(struct evbuffer *out, const char *text)
{
    evbuffer_add(out, "\"", 1);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            evbuffer_add_printf(out, "\\%c", c);
        else if (c < 0x20)
            evbuffer_add_printf(out, "\\u%04x", c);
        else
            evbuffer_add(out, text, 1);
    }
    evbuffer_add(out, "\"", 1);
}

static void reply_message(struct request *r, int status, const char *message)
{
    struct evbuffer *json = evbuffer_new();

    if (json) {
        evbuffer_add_printf(json, "{\"error\":");
        add_string(json, message);
        evbuffer_add_printf(json, "}\n");
    }
    reply(r, status, json);
}

/* What a failed statement means to the client. */
static void reply_error(struct request *r, const elpq_error *error)
{
    if (error->code != ELPQ_E_SERVER) { /* no connection, too late, ... */
        if (error->code != ELPQ_E_CANCELED)
            fprintf(stderr, "http_api: %s\n", error->message);
        reply_message(r, 503, elpq_strerror(error->code));
    } else if (strcmp(error->sqlstate, "23505") == 0) {
        reply_message(r, 409, "there is one already");
    } else if (strncmp(error->sqlstate, "22", 2) == 0) {
        reply_message(r, 400, error->message);
    } else {
        fprintf(stderr, "http_api: %s %s\n", error->sqlstate, error->message);
        reply_message(r, 500, "internal error");
    }
}

static void add_user(struct evbuffer *out, elpq_result *result, size_t row)
{
    int32_t id = 0, age = 0;
    const char *name = NULL;
    bool no_age = true;

    elpq_scan(result, row, &id, &name, elpq_nullable(&age, &no_age));
    evbuffer_add_printf(out, "{\"id\":%" PRId32 ",\"name\":", id);
    add_string(out, name ? name : "");
    if (no_age)
        evbuffer_add_printf(out, ",\"age\":null}");
    else
        evbuffer_add_printf(out, ",\"age\":%" PRId32 "}", age);
}

static void on_users(elpq_result *result, const elpq_error *error, void *arg)
{
    struct request *r = arg;
    struct evbuffer *json;

    r->statement = NULL;
    if (error) {
        reply_error(r, error);
        return;
    }
    json = evbuffer_new();
    for (size_t row = 0; json && row < elpq_rows(result); row++) {
        evbuffer_add_printf(json, row > 0 ? ",\n" : "[");
        add_user(json, result, row);
    }
    if (json)
        evbuffer_add_printf(json, elpq_rows(result) > 0 ? "]\n" : "[]\n");
    reply(r, 200, json);
}

/* One user: asked for, or just created. */
static void on_user(elpq_result *result, const elpq_error *error, void *arg)
{
    struct request *r = arg;
    bool post = evhttp_request_get_command(r->http) == EVHTTP_REQ_POST;
    struct evbuffer *json;

    r->statement = NULL;
    if (error) {
        reply_error(r, error);
    } else if (elpq_rows(result) == 0) {
        reply_message(r, 404, "no such user");
    } else {
        json = evbuffer_new();
        if (json) {
            add_user(json, result, 0);
            evbuffer_add(json, "\n", 1);
        }
        reply(r, post ? 201 : 200, json);
    }
}

/* -------------------------------------------------------------- endpoints */

/* st is NULL if the builder failed, which takes lack of memory here. */
static void run(struct request *r, const elpq_statement *st,
                elpq_result_cb callback)
{
    elpq_options options = { .timeout_ms = TIMEOUT_MS,
                             .request = &r->statement };
    int code = st ? elpq_execute(r->app->pool, st, &options, callback, r)
                  : ELPQ_E_NOMEM;

    if (code != 0)
        reply_message(r, 503, elpq_strerror(code));
}

/* A field as a number; false if it is there, but is no number up to max. */
static bool get_number(struct evkeyvalq *fields, const char *name, int max,
                       int *out, bool *given)
{
    const char *text = evhttp_find_header(fields, name);
    char *end = NULL;
    long number = text ? strtol(text, &end, 10) : 0;

    *given = text != NULL;
    if (text && (end == text || *end || number < 0 || number > max))
        return false;
    if (text)
        *out = (int)number;
    return true;
}

static void list_users(struct request *r, struct evkeyvalq *fields)
{
    const char *name = evhttp_find_header(fields, "name");
    http_api_user_t u = http_api_user_table();
    elqb *q = r->app->builder;
    elqb_select *s = elqb_select_new(q);
    elqb_expr where = ELQB_NONE;
    int age = 0, limit = 100;
    bool by_age, given;

    if (!get_number(fields, "min_age", INT_MAX, &age, &by_age) ||
        !get_number(fields, "limit", MAX_ROWS, &limit, &given)) {
        reply_message(r, 400, "min_age and limit are numbers");
        return;
    }
    if (by_age)
        where = elqb_and(q, where, elqb_ge(q, u.age, elqb_val(age)));
    if (name)
        where = elqb_and(q, where, elqb_has_text(q, u.name, name));
    elqb_columns(s, u.id, u.name, u.age);
    elqb_from(s, u.table);
    elqb_where(s, where); /* without a filter there is no WHERE */
    elqb_order_by(s, u.id);
    elqb_limit(s, elqb_val(limit));
    run(r, elqb_render(q, s), on_users);
}

static void get_user(struct request *r, struct evkeyvalq *fields)
{
    http_api_user_t u = http_api_user_table();
    elqb *q = r->app->builder;
    elqb_select *s = elqb_select_new(q);
    bool given;
    int id = 0;

    if (!get_number(fields, "id", INT_MAX, &id, &given)) {
        reply_message(r, 400, "the id is a number");
        return;
    }
    elqb_columns(s, u.id, u.name, u.age);
    elqb_from(s, u.table);
    elqb_where(s, elqb_eq(q, u.id, elqb_val(id)));
    run(r, elqb_render(q, s), on_user);
}

static void create_user(struct request *r, struct evkeyvalq *fields)
{
    const char *name = evhttp_find_header(fields, "name");
    http_api_user_t u = http_api_user_table();
    elqb *q = r->app->builder;
    elqb_insert *insert = elqb_insert_new(q, u.table);
    bool has_age;
    int age = 0;

    if (!name || !*name || !get_number(fields, "age", 200, &age, &has_age)) {
        reply_message(r, 400, "a name is needed, and age is a number");
        return;
    }
    elqb_set(insert, u.name, elqb_val(name));
    if (has_age)
        elqb_set(insert, u.age, elqb_val(age));
    elqb_returning(insert, u.id, u.name, u.age);
    run(r, elqb_render(q, insert), on_user);
}

static void sleep_a_while(struct request *r, struct evkeyvalq *fields)
{
    int ms = 1000;
    bool given;

    if (!get_number(fields, "ms", TIMEOUT_MS, &ms, &given))
        reply_message(r, 400, "ms is a number");
    else
        run(r, elpq_sql("SELECT 0, 'slept', $1 FROM pg_sleep($1 / 1000.0)", ms),
            on_users);
}

static void show_statistics(struct request *r)
{
    struct evbuffer *json = evbuffer_new();
    elpq_pool_statistics s;

    elpq_pool_stats(r->app->pool, &s);
    if (json)
        evbuffer_add_printf(json,
                            "{\"size\":%u,\"busy\":%u,\"waiting\":%u,"
                            "\"statements\":%" PRIu64 ",\"cancels\":%" PRIu64
                            ",\"refused\":%" PRIu64 "}\n",
                            s.size, s.busy, s.waiting, s.statements, s.cancels,
                            s.refused);
    reply(r, 200, json);
}

static void route(struct request *r, const char *path, bool post,
                  struct evkeyvalq *fields)
{
    elqb_reset(r->app->builder);
    if (r->app->stopping) {
        reply_message(r, 503, "the server is shutting down");
    } else if (strcmp(path, "/users") == 0) {
        (post ? create_user : list_users)(r, fields);
    } else if (post) {
        reply_message(r, 405, "only /users takes POST");
    } else if (strncmp(path, "/users/", 7) == 0) {
        evhttp_add_header(fields, "id", path + 7);
        get_user(r, fields);
    } else if (strcmp(path, "/slow") == 0) {
        sleep_a_while(r, fields);
    } else if (strcmp(path, "/stats") == 0) {
        show_statistics(r);
    } else {
        reply_message(r, 404, "no such path");
    }
}

/* Fields come in the query string, or in the body of a POST. */
static void on_request(struct evhttp_request *http, void *app)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    bool post = evhttp_request_get_command(http) == EVHTTP_REQ_POST;
    struct evbuffer *body = evhttp_request_get_input_buffer(http);
    struct request *r = request_new(app, http);
    struct evkeyvalq fields;
    const char *text = uri ? evhttp_uri_get_query(uri) : NULL;
    int bad;

    if (!r) {
        evhttp_send_error(http, 503, NULL);
        return;
    }
    if (post) {
        evbuffer_add(body, "", 1); /* ends the string */
        text = (const char *)evbuffer_pullup(body, -1);
    }
    bad = evhttp_parse_query_str(text ? text : "", &fields);
    if (bad || !path)
        reply_message(r, 400, "malformed request");
    else
        route(r, path, post, &fields);
    evhttp_clear_headers(&fields);
}

/* ------------------------------------------------------------ start, stop */

static void on_pool_closed(const elpq_error *error, void *arg)
{
    struct app *app = arg;

    if (error)
        fprintf(stderr, "http_api: %s\n", error->message);
    app->pool = NULL;
    if (app->requests == 0)
        event_base_loopbreak(app->base);
}

/* Statements under way may end; requests that come now are answered 503. */
static void stop(struct app *app)
{
    if (app->stopping)
        return;
    app->stopping = true;
    if (app->socket)
        evhttp_del_accept_socket(app->http, app->socket);
    elpq_pool_close(app->pool, DRAIN_MS, on_pool_closed, app);
}

static void on_signal(evutil_socket_t number, short what, void *app)
{
    (void)number, (void)what;
    stop(app);
}

static bool listen_on_loopback(struct app *app)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);

    app->socket = evhttp_bind_socket_with_handle(app->http, "127.0.0.1",
                                                 (ev_uint16_t)app->port);
    if (!app->socket || getsockname(evhttp_bound_socket_get_fd(app->socket),
                                    (struct sockaddr *)&address, &size) != 0) {
        perror("http_api: cannot listen");
        return false;
    }
    printf("http://127.0.0.1:%u\n", ntohs(address.sin_port));
    return fflush(stdout) == 0;
}

static void on_schema(const elpq_error *error, void *arg)
{
    struct app *app = arg;

    if (error)
        fprintf(stderr, "http_api: %s\n", error->message);
    if (!error && (app->stopping || listen_on_loopback(app)))
        return;
    app->status = 1;
    stop(app);
}

static bool start_http(struct app *app)
{
    static const int numbers[] = { SIGTERM, SIGINT };

    app->http = evhttp_new(app->base);
    if (!app->http)
        return false;
    evhttp_set_allowed_methods(app->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
    evhttp_set_max_headers_size(app->http, 16 * 1024);
    evhttp_set_max_body_size(app->http, 64 * 1024);
    evhttp_set_timeout(app->http, 30);
    evhttp_set_gencb(app->http, on_request, app);
    signal(SIGPIPE, SIG_IGN); /* clients may go away at any time */
    for (int i = 0; i < 2; i++) {
        app->signals[i] = evsignal_new(app->base, numbers[i], on_signal, app);
        if (!app->signals[i] || event_add(app->signals[i], NULL) != 0)
            return false;
    }
    return true;
}

static bool start_pool(struct app *app, int argc, char **argv)
{
    elpq_pool_options options = {
        .max_size = argc > 2 ? (unsigned)atoi(argv[2]) : 8,
        .max_waiting = argc > 3 ? (unsigned)atoi(argv[3]) : 1000,
    };

    app->builder = elqb_new();
    app->pool = elpq_pool_new(app->base, "", &options, NULL);
    return app->builder && app->pool &&
           elpq_script(app->pool,
                       "CREATE TABLE IF NOT EXISTS http_api_user ("
                       " id int4 GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"
                       " name text NOT NULL UNIQUE, age int4);"
                       "INSERT INTO http_api_user (name, age) VALUES"
                       " ('ann', 31), ('ben', 25), ('cem', NULL)"
                       " ON CONFLICT DO NOTHING",
                       NULL, NULL, on_schema, app) == 0;
}

int main(int argc, char **argv)
{
    struct app app = { .port = argc > 1 ? atoi(argv[1]) : 8080 };

    app.base = event_base_new();
    if (!app.base || !start_http(&app) || !start_pool(&app, argc, argv)) {
        fputs("http_api: cannot start\n", stderr);
        return 1;
    }
    event_base_dispatch(app.base);
    evhttp_free(app.http);
    event_free(app.signals[0]);
    event_free(app.signals[1]);
    elqb_free(app.builder);
    event_base_free(app.base);
    return app.status;
}
