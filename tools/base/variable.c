/* SPDX-License-Identifier: MIT
 *
 * Reads environment variables.
 */
#include "tools/base/variable.h"

#include <stdlib.h>

const char *variable_or(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value && *value ? value : fallback;
}
