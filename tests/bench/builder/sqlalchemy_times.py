# SPDX-License-Identifier: PostgreSQL
"""SQLAlchemy Core's times for the statements of bench_builder.c.

Three for each: building it and compiling it anew; building it and finding it
compiled, by its cache key, as an engine does; only the parameters of a
compiled one.
"""
import time

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

meta = sa.MetaData()
users = sa.Table(
    "users", meta,
    sa.Column("id", sa.Integer), sa.Column("name", sa.Text),
    sa.Column("email", sa.Text), sa.Column("age", sa.Integer),
    sa.Column("active", sa.Boolean),
    sa.Column("created_at", sa.DateTime(timezone=True)))
orders = sa.Table(
    "orders", meta,
    sa.Column("id", sa.BigInteger), sa.Column("user_id", sa.Integer),
    sa.Column("status", sa.Text), sa.Column("total", sa.Numeric),
    sa.Column("placed_at", sa.DateTime(timezone=True)))
items = sa.Table(
    "items", meta,
    sa.Column("order_id", sa.BigInteger), sa.Column("product_id", sa.Integer),
    sa.Column("qty", sa.Integer), sa.Column("price", sa.Numeric))

# Core as of 1.4; 2.0 has the same names.
dialect = postgresql.dialect()


def point(i):
    return sa.select(users.c.id, users.c.name, users.c.email).where(
        users.c.id == i)


def join(i):
    return (
        sa.select(users.c.id, users.c.name, orders.c.id.label("order_id"),
                  orders.c.total, items.c.qty)
        .select_from(
            users.join(orders, orders.c.user_id == users.c.id)
            .outerjoin(items, items.c.order_id == orders.c.id))
        .where(users.c.age > i, orders.c.status == "paid",
               users.c.name.ilike("%o'b%"), items.c.product_id.isnot(None))
        .order_by(orders.c.placed_at.desc()).limit(20))


cache = {}


def cached(statement):
    """The text and parameters of a statement, compiled once."""
    key = statement._generate_cache_key()
    compiled = cache.get(key[0])
    if compiled is None:
        compiled = statement.compile(dialect=dialect, cache_key=key)
        cache[key[0]] = compiled
    return compiled.construct_params(extracted_parameters=key[1])


def best(work, count):
    """The shortest time of one call in several rounds, in seconds."""
    shortest = 1e9
    for _ in range(5):
        start = time.perf_counter()
        for i in range(count):
            work(i)
        shortest = min(shortest, (time.perf_counter() - start) / count)
    return shortest


def report(title, work, count):
    print("%-38s %8.0f ns" % (title, best(work, count) * 1e9))


for name, build in (("(a)", point), ("(b)", join)):
    done = build(1).compile(dialect=dialect)
    report("SQLAlchemy %s %s built, compiled" % (sa.__version__, name),
           lambda i, b=build: b(i).compile(dialect=dialect), 300)
    report("SQLAlchemy %s %s built, cached" % (sa.__version__, name),
           lambda i, b=build: cached(b(i)), 1000)
    report("SQLAlchemy %s %s parameters" % (sa.__version__, name),
           lambda i, d=done: d.construct_params({}), 5000)
