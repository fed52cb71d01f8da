/* SPDX-License-Identifier: MIT
 *
 * Settings and where their values come from: an option, the environment, the user's file
 * ($XDG_CONFIG_HOME/pycstash/pycstash.conf), the machine's file (/etc/pycstash.conf), the
 * default. Files have lines `key = value` and comments with #; a key is the variable's
 * name without PYCSTASH_, in lower case. The library reads no file: `pycstash` exports
 * the settings of the files before it does anything else (conf_export).
 *
 * A file that another user could change is not read, which is reported. An empty variable
 * counts as unset, as in the library. All strings belong to this module and live as long
 * as the process. Until conf_load has returned, only one thread may call functions of
 * this module.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum conf_kind {
	CONF_PATH,  /* absolute */
	CONF_LIST,  /* absolute paths separated by colons */
	CONF_BOOL,  /* yes, true, on, 1; no, false, off, 0 */
	CONF_WORD,  /* a word of conf_key.values; FILE is any absolute path */
	CONF_SIZE,  /* 5G */
	CONF_AGE,   /* 30d; 0: no limit */
	CONF_COUNT, /* 1000 */
	CONF_SHARE, /* 5G or 10% */
	CONF_TEXT,  /* anything */
};

struct conf_key {
	const char *name;     /* "max_size" */
	const char *variable; /* "PYCSTASH_MAX_SIZE" */
	const char *option;   /* "max-size"; NULL: none */
	enum conf_kind kind;
	const char *values;   /* "SIZE", "stat|content" */
	const char *fallback; /* "5G"; NULL: none */
	const char *what;     /* one sentence */
	bool shim;	      /* the library reads it too */
};

/* All keys: those of shim/core/cache/settings_library.def and of
 * tools/conf/settings_command.def; ends with a NULL name. */
extern const struct conf_key conf_keys[];

/* Returns the key of that name; NULL: there is none. */
const struct conf_key *conf_find(const char *name);

/* Returns the key with the nearest name; NULL: none is near. */
const char *conf_nearest(const char *name);

/* Checks the value of a key. Returns NULL if the key may have it; otherwise what is
 * expected, such as "a size such as 5G": a literal, or the key's values. */
const char *conf_wrong(const struct conf_key *key, const char *value);

/* Converts a value to a number of bytes, seconds or things; yes is 1. A percentage is a
 * share of `total`. -EINVAL, also for keys of other kinds; -ERANGE. */
int conf_value_number(const struct conf_key *key, const char *value, uint64_t total,
	uint64_t *ret_number);

struct conf_value {
	const char *value;  /* NULL: unset */
	const char *origin; /* "default", "environment", "option", or the file's name */
	unsigned line;	    /* in the file; 0: not from a file */
};

/* An error in a file or a variable. */
struct conf_problem {
	const char *where; /* the file or the variable; NULL ends a list */
	unsigned line;	   /* 0: concerns the whole file */
	bool mild;	   /* it has a meaning, but probably not the intended one */
	const char *what;  /* a sentence */
};

/* Returns "FILE:12", or just `where` if there is no line. */
const char *conf_where(const struct conf_problem *problem);

/* Reads the files and the environment once; later calls do nothing. Prints nothing;
 * errors are in conf_problems. */
void conf_read(void);
const struct conf_problem *conf_problems(void);

/* Calls conf_read, and reports the errors once, except for mild ones. Returns 0, or
 * EXIT_BAD_CONFIG if there are any. */
int conf_load(void);

/* Returns whether an error in a file may have hidden a setting that restricts the
 * library, such as readonly or exclude. */
bool conf_is_lax(void);

/* The names of the files by descending precedence; ends with NULL. The first is the
 * user's, or "" if HOME and XDG_CONFIG_HOME give no place for it. */
const char *const *conf_files(void);
#define CONF_FILES 2

/* Sets an option of the command line, which overrides everything else. Lists are appended
 * to. The value is copied. -EINVAL after reporting that the key cannot have it. */
int conf_set(const char *name, const char *value);

/* Returns the value of a key and its origin. */
struct conf_value conf_get(const char *name);

/* Returns the value of the key as a number, as conf_value_number does; if it is unset,
 * that of the fallback. conf_share is for keys that may be a percentage of `total`. */
uint64_t conf_number(const char *name);
uint64_t conf_share(const char *name, uint64_t total);

/* Puts the settings of files and options into the environment: for the library in a
 * child, and for config_root in this process. A list of an option is appended to the
 * variable. If conf_is_lax, switches the library off. 0 or -errno. */
int conf_export(void);

/* Prints the same as lines of POSIX sh. They fork nothing and use no names but the
 * variables'. */
void conf_print_sh(FILE *out);
