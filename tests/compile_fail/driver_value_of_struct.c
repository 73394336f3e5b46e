/* elpq_val() knows no value for a struct of the caller's. */
/* SPDX-License-Identifier: PostgreSQL */
#include <elpq/elpq.h>

struct user {
    int id;
};
elpq_value value_of_struct(struct user user);

elpq_value
value_of_struct(struct user user)
{
    return elpq_val(user);
}
