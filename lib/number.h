/* SPDX-License-Identifier: PostgreSQL */
/*
 * Numbers in text, as PostgreSQL writes them, whatever locale the program
 * set: printf and strtod would write and read its decimal point.
 */
#ifndef ELPQ_LIB_NUMBER_H
#define ELPQ_LIB_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* Finite doubles from here on round to an infinite float. */
#define ELPQ__FLOAT_OVERFLOW 0x1.ffffffp+127

#define ELPQ__INT_SIZE 24    /* bytes that a 64-bit integer needs */
#define ELPQ__DOUBLE_SIZE 32 /* and a double */

/* All of the text must be the number: ELPQ_E_DECODE, or ELPQ_E_RANGE. */
int elpq__parse_int64(const char *text, size_t size, int64_t *out);
int elpq__parse_uint64(const char *text, size_t size, uint64_t *out);
int elpq__parse_double(const char *text, size_t size, double *out);
int elpq__parse_float(const char *text, size_t size, float *out);
/* NaN and the infinities; false if the text is none of them. */
bool elpq__parse_special(const char *text, size_t size, double *out);

/* Write a number, without a NUL, and return how many bytes it took. */
size_t elpq__format_int64(char *out, int64_t x);
size_t elpq__format_uint64(char *out, uint64_t x);

/* The shortest text that reads back as the same number, as PostgreSQL 12. */
size_t elpq__format_double(char *out, double x);
size_t elpq__format_float(char *out, float x);

void elpq__print_int64(struct elpq__buf *out, int64_t x);
void elpq__print_uint64(struct elpq__buf *out, uint64_t x);
void elpq__print_double(struct elpq__buf *out, double x);
void elpq__print_float(struct elpq__buf *out, float x);

/* ------------------------------------------------------- number_wide.c */

/*
 * Numbers that an elpq_value holds in 16 bytes: elpq_int128_t, long double.
 * A long double is written with as many digits as read back as the same.
 */
void elpq__print_int128(struct elpq__buf *out, const uint8_t bytes[16]);
void elpq__print_long_double(struct elpq__buf *out, const uint8_t bytes[16]);

/* Of the text of a numeric; ELPQ_E_NOMEM as well. */
int elpq__parse_long_double(const char *text, size_t size, long double *out);

/* Of digits with a sign; a magnitude of 128 bits in two halves. */
int elpq__parse_wide(const char *text, size_t size, bool *negative,
                     uint64_t *high, uint64_t *low);

#endif
