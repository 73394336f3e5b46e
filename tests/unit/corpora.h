/* SPDX-License-Identifier: PostgreSQL */
/*
 * The files of tests/data with statements of SQLAlchemy, and where in
 * corpus_*.h they are written with the builder.
 */
#ifndef ELPQ_TESTS_CORPORA_H
#define ELPQ_TESTS_CORPORA_H

#include "corpus_aggregate.h"
#include "corpus_cte.h"
#include "corpus_ddl.h"
#include "corpus_dml.h"
#include "corpus_expr.h"
#include "corpus_sample.h"
#include "corpus_select.h"
#include "corpus_suites.h"
#include "corpus_types.h"

#define SAMPLE_FILE "data/sqlalchemy-sample.json"
#define MORE_FILE "data/sqlalchemy-more.json"

struct corpus {
    const char *file;
    struct {
        const struct written *written; /* NULL ends them                    */
        size_t count;
    } parts[9];
};

#define PART(name) { name##_written, LENGTH(name##_written) }
static const struct corpus corpora[] = {
    { SAMPLE_FILE, { PART(sample) } },
    { MORE_FILE,
      { PART(select), PART(cte), PART(aggregate), PART(expr), PART(types),
        PART(dml), PART(ddl), PART(suites) } },
};

#endif
