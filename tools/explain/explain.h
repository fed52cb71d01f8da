/* SPDX-License-Identifier: MIT
 *
 * What the library would do for a source now, and why: core's own entry_open, run so that
 * it changes nothing, and the steps that lead to its verdict.
 *
 * Functions return 0 or -errno.
 */
#pragma once

#include "tools/explain/explanation.h"

/* Uses the settings in the environment. The caller releases *ret. */
int explain(const struct explain_subject *subject, struct explanation *ret);
