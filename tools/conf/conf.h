/* SPDX-License-Identifier: MIT
 *
 * Settings and where their values come from: an option, the environment, the user's file
 * ($XDG_CONFIG_HOME/pycstash/pycstash.conf), the machine's (/etc/pycstash.conf), the
 * default. Files have lines `key = value`, comments with #; a key is the variable's name
 * without PYCSTASH_, in lower case. The shim reads no file: `pycstash` exports what files
 * say before it runs or asks anything (conf_export).
 *
 * A file that another user could write is not read, and said. A variable that is empty
 * asks for the default, whatever files say. All strings belong to this module and live as
 * long as the process. Nothing here may be called from several threads before conf_load
 * has returned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_kind {
	CONF_PATH,  /* absolute */
	CONF_LIST,  /* of such, with colons between */
	CONF_BOOL,  /* yes, true, on, 1; no, false, off, 0 */
	CONF_WORD,  /* one of those in conf_key.values; FILE there is any path */
	CONF_SIZE,  /* 5G */
	CONF_AGE,   /* 30d; 0: no limit */
	CONF_COUNT, /* 1000 */
	CONF_SHARE, /* 5G or 10% */
	CONF_TEXT,  /* anything */
};

struct conf_key {
	const char *name;     /* "max_size" */
	const char *variable; /* "PYCSTASH_MAX_SIZE" */
	enum conf_kind kind;
	const char *values;   /* "SIZE", "stat|content" */
	const char *fallback; /* "5G"; NULL: none */
	const char *what;     /* one sentence */
	bool shim;	      /* the shim reads it too */
};

/* All keys: those of shim/core/cache/config.def and of tools/conf/conf.def; ends with
 * NULL name. */
extern const struct conf_key conf_keys[];

const struct conf_key *conf_find(const char *name); /* NULL: there is none */
const char *conf_nearest(const char *name); /* one that was meant perhaps, or NULL */

/* Whether a key may have that value, and what it should be instead, as "a size such as
 * 5G" (a literal, or the key's values). */
bool conf_accepts(const struct conf_key *key, const char *value);
const char *conf_expected(const struct conf_key *key);

struct conf_value {
	const char *value;  /* NULL: unset */
	const char *origin; /* "default", "environment", "option", or the file's name */
	unsigned line;	    /* in the file; 0: in none */
};

/* What is wrong with a file or a variable. */
struct conf_problem {
	const char *where; /* the file or the variable; NULL ends a list */
	unsigned line;	   /* 0: it is about all of the file */
	bool mild;	   /* it has a meaning, but likely not the one that was meant */
	const char *what;  /* a sentence */
};

/* Reads the files, once; later calls do nothing. Says nothing; conf_problems has it. */
void conf_read(void);
const struct conf_problem *conf_problems(void);

/* Reads the files and says, once, what is wrong with them and the environment, but for
 * what is mild. 0, or EXIT_BAD_CONFIG where something is. */
int conf_load(void);

/* The names of the files, the stronger first; ends with NULL. The first is the user's,
 * and
 * "" where that has no place. */
const char *const *conf_files(void);
#define CONF_FILES 2

/* An option of the command line: stronger than all else. The value is copied. -EINVAL
 * after saying that it is none for this key; -ENOMEM. */
int conf_set(const char *name, const char *value);

struct conf_value conf_get(const char *name);

/* The value read as what it is; the fallback's where it is unset. */
uint64_t conf_size(const char *key);
int64_t conf_age(const char *key); /* seconds; 0: no limit */
uint64_t conf_count(const char *key);
bool conf_bool(const char *key);
uint64_t conf_share(const char *key, uint64_t total); /* bytes; percents are of total */

/* The value of the key's variable, as the shim reads it, where a file has one that
 * counts; else NULL. */
const char *conf_exported(const struct conf_key *key);

/* Puts what files say, and the environment does not, into the environment: for the shim
 * in a child, and for config_root here. 0 or -errno. */
int conf_export(void);
