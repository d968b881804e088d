/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls and results as text, for whoever has to find out why they differ. */
#ifndef SHMFS_TESTS_DIFFERENTIAL_PRINT_H
#define SHMFS_TESTS_DIFFERENTIAL_PRINT_H

#include <stdio.h>

#include "side.h"

void print_call(FILE *out, const struct call *call);
/* On one line, without views and text. */
void print_result(FILE *out, const struct result *result);
void print_view(FILE *out, const struct view *view);
/* The lines of two texts that are not the same. */
void print_text_difference(
    FILE *out, const struct side sides[2], const struct result *const results[2]);

#endif
