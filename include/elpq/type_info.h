/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file type_info.h
 * What the catalog of a database says of a type; catalog.h looks it up.
 */
#ifndef ELPQ_TYPE_INFO_H
#define ELPQ_TYPE_INFO_H

#include <stdbool.h>
#include <stdint.h>

/** What sort of type it is; as pg_type.typtype has it, but for arrays. */
typedef enum elpq_type_kind {
    ELPQ_TYPE_ARRAY = 'a',
    ELPQ_TYPE_BASE = 'b',
    ELPQ_TYPE_COMPOSITE = 'c',
    ELPQ_TYPE_DOMAIN = 'd',
    ELPQ_TYPE_ENUM = 'e',
    ELPQ_TYPE_MULTIRANGE = 'm',
    ELPQ_TYPE_PSEUDO = 'p',
    ELPQ_TYPE_RANGE = 'r'
} elpq_type_kind;

/** What the catalog says of a type. */
typedef struct elpq_type_info {
    uint32_t oid;
    elpq_type_kind kind;
    const char *schema;
    const char *name;    /**< without quotes                                */
    uint32_t array_oid;  /**< the array of it; 0: there is none             */
    uint32_t of_oid;     /**< array: its elements; domain: the type under it;
                              range: its subtype; multirange: its range;
                              else 0                                        */
    unsigned nfields;    /**< of a composite                                */
    const char *const *field_names;
    const uint32_t *field_oids;
    unsigned nlabels;    /**< of an enum, in their order                    */
    const char *const *labels;
    bool known;          /**< the getters read it; if not, it comes as text */
    bool raw;            /**< by elpq_get_raw(): see elpq_load_raw_type()   */
} elpq_type_info;

#endif
