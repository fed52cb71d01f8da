/* SPDX-License-Identifier: MIT */
#include "shim/core/stats/verdict.h"

#include "shim/core/base/path.h"

const struct verdict_row verdict_rows[VERDICT_ROOM] = {
#define VERDICT(number, id, group, what, why) \
	[number] = { #id, what, why, VERDICT_GROUP_##group, false },
#define UNPROVEN(number, id, group, what, why) \
	[number] = { #id, what, why, VERDICT_GROUP_##group, true },
#include "shim/core/stats/verdict.def"
};
