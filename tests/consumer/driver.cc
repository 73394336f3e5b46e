// SPDX-License-Identifier: PostgreSQL
// The same from C++: a connect that cannot work, and what C picks by _Generic.
#include <elpq/elpq.h>
#include <event2/event.h>
#include <cstdio>

namespace {

void on_result(elpq_result *, const elpq_error *, void *) {}
void on_done(const elpq_error *, void *) {}

// Each overload is there, and passes on a target that is none.
template <typename Target> bool all_refuse(Target *none)
{
    const elpq_statement *st = elpq_sql("select $1", 1);
    const elpq_copy_spec copy = {};
    const elpq_rows_source source = {};
    const int codes[] = {
        elpq_execute(none, st, nullptr, on_result, nullptr),
        elpq_script(none, "select 1", nullptr, nullptr, on_done, nullptr),
        elpq_stream(none, st, nullptr, nullptr, on_done, nullptr),
        elpq_batch(none, &st, 1, nullptr, nullptr, on_done, nullptr),
        elpq_execute_many(none, st, &source, nullptr, nullptr, nullptr),
        elpq_copy_in(none, &copy, nullptr, nullptr, on_result, nullptr),
        elpq_copy_out(none, &copy, nullptr, nullptr, on_result, nullptr),
        elpq_copy_out_rows(none, &copy, nullptr, nullptr, on_result, nullptr),
        elpq_transact(none, nullptr, nullptr, on_done, nullptr),
        elpq_notify(none, "channel", "", nullptr, on_done, nullptr),
        elpq_lo_create(none, 0, nullptr, nullptr, nullptr),
        elpq_lo_unlink(none, 1, nullptr, on_done, nullptr),
    };

    for (int code : codes)
        if (code != ELPQ_E_USAGE)
            return false;
    return true;
}

template <typename Target> bool sessions_refuse(Target *none)
{
    const int codes[] = {
        elpq_begin(none, nullptr, nullptr, nullptr),
        elpq_lock_acquire(none, elpq_lock_int64(1), nullptr, nullptr, nullptr),
        elpq_commit_prepared(none, "gid", nullptr, on_done, nullptr),
        elpq_rollback_prepared(none, "gid", nullptr, on_done, nullptr),
        elpq_list_prepared(none, nullptr, on_result, nullptr),
    };

    for (int code : codes)
        if (code != ELPQ_E_USAGE)
            return false;
    return true;
}

template <typename Target> bool types_refuse(Target *none)
{
    return elpq_load_type(none, "type", nullptr, nullptr, nullptr) ==
               ELPQ_E_USAGE &&
           elpq_load_type_oid(none, 16384, nullptr, nullptr, nullptr) ==
               ELPQ_E_USAGE;
}

template <typename Target> bool catalogs_refuse(Target *none)
{
    const elpq_type_info *(*find)(const Target *, const char *) =
        elpq_find_type; // it takes no target that is none

    return find != nullptr &&
           elpq_refresh_types(none, nullptr, on_done, nullptr) == ELPQ_E_USAGE;
}

template <typename Target> bool cursors_refuse(Target *none)
{
    return elpq_declare(none, elpq_sql("select 1"), nullptr, nullptr,
                        nullptr) == ELPQ_E_USAGE;
}

bool check_overloads()
{
    elpq_pool *pool = nullptr;
    elpq_router *router = nullptr;
    elpq_conn *conn = nullptr;
    elpq_tx *tx = nullptr;

    return all_refuse(pool) && all_refuse(router) && all_refuse(conn) &&
           all_refuse(tx) && sessions_refuse(pool) && sessions_refuse(router) &&
           sessions_refuse(conn) && types_refuse(pool) &&
           types_refuse(router) && types_refuse(conn) && types_refuse(tx) &&
           catalogs_refuse(pool) && catalogs_refuse(router) &&
           catalogs_refuse(conn) && cursors_refuse(conn) && cursors_refuse(tx);
}

} // namespace

int main()
{
    struct event_base *base = event_base_new();
    bool refused = false;

    auto on_connect = [](elpq_conn *, const elpq_error *error, void *arg) {
        *static_cast<bool *>(arg) = error != nullptr;
    };
    if (!elpq_connect(base, "host=/nonexistent", nullptr, on_connect, &refused,
                      nullptr))
        return 1;
    event_base_dispatch(base);
    event_base_free(base);
    std::printf("elpq %s from C++, refused: %d\n", ELPQ_VERSION, refused);
    if (!check_overloads())
        return 1;
    return elpq_version() == ELPQ_VERSION_NUM && refused ? 0 : 1;
}
