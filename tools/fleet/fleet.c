/* SPDX-License-Identifier: MIT
 *
 * Reads the settings of a fleet.
 */
#include "tools/fleet/fleet.h"

#include <string.h>

#include "tools/base/alloc.h"
#include "tools/base/message.h"
#include "tools/conf/conf.h"
#include "tools/fleet/store.h"

const char *fleet_url(char *word)
{
	const char *url = word ? alloc_copy(word) : conf_get("store").value;
	size_t at, len;

	if (!url || !*url) {
		complain(NULL,
			"no store: name its URL, or set `store` in the configuration");
		return NULL;
	}
	at = store_user(url, &len);
	if (word)
		memset(word + at, 'x', len);
	return url;
}

int fleet_keys(const char *file, struct minisign_keys *ret)
{
	file = file ? file : conf_get("trusted_keys").value;
	*ret = (struct minisign_keys){ 0 };
	return file && *file ? minisign_keys_read(ret, file) : 0;
}
