/* SPDX-License-Identifier: MIT */
#include "shim/core/verdict.h"

#include "shim/core/config.h"

const struct verdict_row verdict_rows[VERDICT_ROOM] = {
#define VERDICT(number, id, group, what, why) \
	[number] = { #id, VERDICT_GROUP_##group, what, why },
#include "shim/core/verdict.def"
};
