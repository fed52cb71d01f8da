/* SPDX-License-Identifier: MIT
 *
 * Settings and where their values come from: an option, the environment, the user's file
 * ($XDG_CONFIG_HOME/pycstash/pycstash.conf), the machine's (/etc/pycstash.conf), the
 * default. Files have lines `key = value`, comments with #; a key is the variable's name
 * without PYCSTASH_, in lower case. The shim reads no file: `pycstash` exports what files
 * say before it runs or asks anything (conf_export).
 *
 * A file that another user could write is not read, and said. All strings belong to this
 * module and live as long as the process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_kind { CONF_PATH, CONF_LIST, CONF_BOOL, CONF_WORD, CONF_SIZE, CONF_AGE, CONF_COUNT, CONF_SHARE };

struct conf_key {
	const char *name;     /* "max_size" */
	const char *variable; /* "PYCSTASH_MAX_SIZE" */
	enum conf_kind kind;
	const char *fallback; /* "5G"; NULL: none */
	const char *what;     /* one sentence */
	bool shim;	      /* the shim reads it too */
};

/* All keys: those of shim/core/config.def and of tools/settings.def; ends with NULL name. */
extern const struct conf_key conf_keys[];

struct conf_value {
	const char *value;  /* NULL: unset */
	const char *origin; /* "default", "environment", "option", or the file's name */
	unsigned line;	    /* in the file */
};

/* Reads the files, once; later calls do nothing. 0, or EXIT_BAD_CONFIG after saying what
 * is wrong, with file and line. */
int conf_load(void);

struct conf_value conf_get(const char *key);

/* The value read as what it is; the fallback's where it is unset. */
uint64_t conf_size(const char *key);
int64_t conf_age(const char *key); /* seconds; 0: no limit */
uint64_t conf_count(const char *key);

/* Puts what files say, and the environment does not, into the environment: for the shim in
 * a child, and for config_root here. 0 or -errno. */
int conf_export(void);
