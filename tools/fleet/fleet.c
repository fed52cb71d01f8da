/* SPDX-License-Identifier: MIT
 *
 * The settings of a fleet.
 */
#include "tools/fleet/fleet.h"

#include <limits.h>

#include "tools/base/message.h"
#include "tools/conf/conf.h"

const char *fleet_url(const char *url)
{
	url = url ? url : conf_get("store").value;
	if (!url || !*url)
		complain(NULL,
			"no store: name its URL, or set `store` in the configuration");
	return url && *url ? url : NULL;
}

static unsigned seconds(const char *setting)
{
	uint64_t number = conf_number(setting);

	/* 0 is no limit for settings, but these have to end */
	return number == 0 || number > 24 * 3600 ? 24 * 3600 : (unsigned)number;
}

unsigned fleet_connect(void)
{
	return seconds("store_connect");
}

unsigned fleet_seconds(void)
{
	return seconds("store_time");
}

int fleet_keys(const char *file, struct minisign_keys *ret)
{
	file = file ? file : conf_get("trusted_keys").value;
	*ret = (struct minisign_keys){ 0 };
	return file && *file ? minisign_keys_read(ret, file) : 0;
}
