/* SPDX-License-Identifier: MIT
 *
 * The same bytecode for the same source on every host: an interpreter of the same version
 * and magic number writes code objects anew, without the path they were compiled at and
 * without what marshal tells of the process (canonical.py). Executes nothing of them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct canonical; /* one interpreter and what it is asked */

/* Finds an interpreter for a version folder and magic number; NULL after reporting that
 * there is none. */
struct canonical *canonical_begin(const char *version, const uint8_t magic[4]);

/* Asks about one code object, of `size` bytes. */
void canonical_ask(struct canonical *canonical, const uint8_t *code, size_t size);

/* Lets the interpreter answer, after which no more is asked. 0 or -errno. */
int canonical_run(struct canonical *canonical);

/* The next answer, in the order of what was asked, for the caller to free; NULL where it
 * could not be done. */
uint8_t *canonical_answer(struct canonical *canonical, size_t *ret_size);

void canonical_end(struct canonical *canonical);
