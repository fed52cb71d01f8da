/* SPDX-License-Identifier: MIT
 *
 * A source to test proofs with: m.py, with a clock that stands still. For unit_around.
 */
#pragma once

#include "shim/core/proof/source.h"
#include "tests/unit/fake/fake_sys.h"

extern struct source source;
extern struct source_clock source_clock;
extern struct scratch scratch;

int fake_proof_begin(void **state);
int fake_proof_end(void **state);
