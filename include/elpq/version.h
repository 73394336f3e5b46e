/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file version.h
 * The version of elpq, at compile time and at run time.
 */
#ifndef ELPQ_VERSION_H
#define ELPQ_VERSION_H

#define ELPQ_VERSION_MAJOR 0
#define ELPQ_VERSION_MINOR 1
#define ELPQ_VERSION_PATCH 0
#define ELPQ_VERSION "0.1.0"

/** MAJOR * 10000 + MINOR * 100 + PATCH, for comparisons. */
#define ELPQ_VERSION_NUM                                                      \
    (ELPQ_VERSION_MAJOR * 10000 + ELPQ_VERSION_MINOR * 100 +                  \
     ELPQ_VERSION_PATCH)

/* What the libraries export; everything else is hidden. */
#if defined(__GNUC__)
#define ELPQ_API __attribute__((visibility("default")))
#define ELPQ_MUST_CHECK __attribute__((warn_unused_result))
#else
#define ELPQ_API
#define ELPQ_MUST_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the driver library in use, as ELPQ_VERSION_NUM. */
ELPQ_API int elpq_version(void);

/** The version of libpq that the process runs with, as PQlibVersion(). */
ELPQ_API int elpq_libpq_version(void);

#ifdef __cplusplus
}
#endif
#endif
