/* SPDX-License-Identifier: MIT
 *
 * Manual pages, printed from the tables of commands, options, settings and exit codes, so
 * that they cannot say anything else than these do.
 */
#pragma once

#include <stdio.h>

/* The names of all pages, "pycstash-run.1", a line each. */
void manual_list(FILE *out);

/* Prints the page of that name, as man(7). -ENOENT: there is none. */
int manual_print(FILE *out, const char *page);
