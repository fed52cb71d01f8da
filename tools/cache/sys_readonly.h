/* SPDX-License-Identifier: MIT
 *
 * System calls for core when it is only to report what it would do: everything can be
 * read, and nothing is changed. Creating or replacing a file seems to succeed if the
 * directory is writable; otherwise it fails as it would in earnest. A full disk is not
 * simulated.
 *
 * For one thread.
 */
#pragma once

#include "shim/core/base/sys.h"

/* Returns such a table, and forgets the files that earlier tables have pretended to
 * create. */
struct sys sys_readonly(void);
