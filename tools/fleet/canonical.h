/* SPDX-License-Identifier: MIT
 *
 * Gives the same source the same bytecode on every host. An interpreter of the same
 * version and magic number writes the code objects again, without the path at which
 * they were compiled and without the traces that marshal leaves of the process
 * (canonical.py). Executes none of the code.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct canonical; /* one interpreter and the questions for it */

/* Finds an interpreter for a version folder and magic number; the first call runs all
 * that there are (interpreters.h). Returns NULL after reporting that there is none. */
struct canonical *canonical_begin(const char *version, const uint8_t magic[4]);

/* Asks about one code object, of `size` bytes, which are copied. */
void canonical_ask(struct canonical *canonical, const uint8_t *code, size_t size);

/* Runs the interpreter on all questions, after which no more may be asked. Returns 0 or
 * -errno. */
int canonical_run(struct canonical *canonical);

/* Returns the next answer, in the order of the questions, for the caller to free; NULL
 * if the interpreter could not give one. Code that it was asked about must not pass for
 * the answer to another question: if an answer is not to its question or too long,
 * reports that once, and there are no more answers. */
uint8_t *canonical_answer(struct canonical *canonical, size_t *ret_size);

/* Frees it; not NULL. */
void canonical_end(struct canonical *canonical);
