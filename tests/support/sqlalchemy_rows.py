# SPDX-License-Identifier: PostgreSQL
"""sqlalchemy_rows.py SEED CORPUS...: what SQLAlchemy gets.

Makes the tables of the first corpus and fills them by SEED, runs every
statement of the corpora in a savepoint, by SQLAlchemy over asyncpg, and rolls
all of it back.  The server is that of the PG* variables.  Printed are, for
each statement, its name after "== ", its rows, one a line and as PostgreSQL
writes them as text, and after "--" the state of the tables; or "error" and the
SQLSTATE.  Its exit status is 77 where SQLAlchemy or asyncpg are missing.
"""
import asyncio
import datetime
import decimal
import json
import re
import sys

try:
    import asyncpg  # by SQLAlchemy
    import sqlalchemy
    from sqlalchemy.ext.asyncio import create_async_engine
except ImportError:
    sys.exit(77)

# "/" of integers is a division of integers before SQLAlchemy 2: there the
# SQL of the corpus runs instead, which is that of 2.
MEANS_ELSE_BEFORE_2 = {"ex_div_mod"}


def quoted(text, special):
    """An item of an array or range: in quotes where it has to be."""
    if text and text.upper() != "NULL" and not re.search(special, text):
        return text
    return '"%s"' % re.sub(r'(["\\])', r"\\\1", text)


def array_text(items):
    def item(value):
        if value is None:
            return "NULL"
        if isinstance(value, list):
            return array_text(value)
        return quoted(cell_text(value), r'[{},"\\\s]')

    return "{%s}" % ",".join(map(item, items))


def time_text(value):
    text = value.isoformat(" ")
    text = re.sub(r"(\.\d*?)0+(?=$|[+-])", r"\1", text)
    return re.sub(r"([+-]\d\d):00$", r"\1", text)


def range_text(value):
    def bound(limit):
        text = "" if limit is None else cell_text(limit)
        return quoted(text, r'[\[\](),"\\\s]') if text else ""

    if getattr(value, "isempty", False):
        return "empty"
    if hasattr(value, "bounds"):
        opening, closing = value.bounds
    else:
        opening = "[" if value.lower_inc else "("
        closing = "]" if value.upper_inc else ")"
    if value.lower is None:
        opening = "("
    if value.upper is None:
        closing = ")"
    return "%s%s,%s%s" % (opening, bound(value.lower), bound(value.upper),
                          closing)


def cell_text(value):
    """The value as PostgreSQL writes it as text."""
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return re.sub(r"\.0$", "", repr(value))
    if isinstance(value, (int, str)):
        return str(value)
    if isinstance(value, datetime.datetime):
        return time_text(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list):
        return array_text(value)
    if hasattr(value, "lower") and hasattr(value, "upper"):
        return range_text(value)
    sys.exit("no text for a %s" % type(value))


def print_rows(result):
    if result.returns_rows:
        for row in result:
            print("|".join(map(cell_text, row)))


def statement_of(case, names):
    if sqlalchemy.__version__ < "2" and case["id"] in MEANS_ELSE_BEFORE_2:
        return None
    names = dict(names)
    exec(case["python"], names)
    return names["stmt"]


async def run_sql(connection, sql, params=()):
    """SQL as it is, with $1, $2 ... in this order."""
    if connection.dialect.paramstyle == "format":
        sql = re.sub(r"\$\d+", "%s", sql.replace("%", "%%"))
    return await connection.exec_driver_sql(sql, tuple(params))


async def run_case(connection, case, names):
    statement = statement_of(case, names)
    savepoint = await connection.begin_nested()
    await run_sql(connection, "SELECT corpus_reset()")
    print("== " + case["id"])
    try:
        if statement is None:
            print_rows(await run_sql(connection, case["sql"], case["params"]))
        else:
            print_rows(await connection.execute(statement))
        print("--")
        print_rows(await run_sql(connection, "SELECT * FROM corpus_state"))
    except sqlalchemy.exc.DBAPIError as error:
        if not getattr(error.orig, "sqlstate", None):
            raise
        print("error", error.orig.sqlstate)
    await savepoint.rollback()


async def main(seed, *files):
    corpora = []
    for name in files:
        with open(name) as file:
            corpora.append(json.load(file))
    with open(seed) as file:
        script = corpora[0]["schema_sql"] + file.read().split(";\n")
    names = {}
    exec(corpora[0]["schema_python"], names)
    engine = create_async_engine("postgresql+asyncpg://",
                                 json_deserializer=str)
    async with engine.connect() as connection:
        await run_sql(connection, "SET timezone = 'UTC'")
        for sql in filter(str.strip, script):
            await run_sql(connection, sql)
        for corpus in corpora:
            for case in corpus["cases"]:
                if case.get("run", True):
                    await run_case(connection, case, names)
        await connection.rollback()
    await engine.dispose()


asyncio.run(main(*sys.argv[1:]))
