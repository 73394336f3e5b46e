// SPDX-License-Identifier: PostgreSQL
// The same from C++: a connect that cannot work.
#include <elpq/elpq.h>
#include <event2/event.h>
#include <cstdio>

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
    return elpq_version() == ELPQ_VERSION_NUM && refused ? 0 : 1;
}
