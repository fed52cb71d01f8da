/* SPDX-License-Identifier: MIT
 *
 * Settings and where their values come from: an option, the environment, the user's file
 * ($XDG_CONFIG_HOME/pycstash/pycstash.conf), the machine's (/etc/pycstash.conf), the
 * default. Files have lines `key = value`, comments with #; a key is the variable's name
 * without PYCSTASH_, in lower case. The shim reads no file: `pycstash` exports what files
 * say before it does anything (conf_export).
 *
 * A file that another user could change is not read, which is reported. A variable that
 * is empty asks for the default, whatever files say. All strings belong to this module
 * and live as long as the process. Nothing here may be called from several threads before
 * conf_load has returned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum conf_kind {
	CONF_PATH,  /* absolute */
	CONF_LIST,  /* absolute paths with colons between them */
	CONF_BOOL,  /* yes, true, on, 1; no, false, off, 0 */
	CONF_WORD,  /* one of those in conf_key.values; FILE is any absolute path */
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
	bool shim;	      /* the shim reads it too */
};

/* All keys: those of shim/core/cache/settings_library.def and of
 * tools/conf/settings_command.def; ends with a NULL name. */
extern const struct conf_key conf_keys[];

/* The key of that name; NULL: there is none. */
const struct conf_key *conf_find(const char *name);

/* The key whose name is nearest to that one; NULL: none is near. */
const char *conf_nearest(const char *name);

/* What the value of a key should be instead of this one, as "a size such as 5G": a
 * literal, or the key's values. NULL: the key may have this value. */
const char *conf_wrong(const struct conf_key *key, const char *value);

/* A value as a number of bytes, seconds or things, or 1 for yes. A percentage is a part
 * of `total`. -EINVAL, also for the other kinds of keys; -ERANGE. */
int conf_value_number(const struct conf_key *key, const char *value, uint64_t total,
	uint64_t *ret_number);

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

/* "FILE:12", or where it is without a line. */
const char *conf_where(const struct conf_problem *problem);

/* Reads the files and the environment, once; later calls do nothing. Prints nothing;
 * conf_problems has what is wrong. */
void conf_read(void);
const struct conf_problem *conf_problems(void);

/* Reads them and reports, once, what is wrong, except for what is mild. 0, or
 * EXIT_BAD_CONFIG where something is. */
int conf_load(void);

/* The names of the files, the stronger first; ends with NULL. The first is the user's, or
 * "" where HOME and XDG_CONFIG_HOME name no place for it. */
const char *const *conf_files(void);
#define CONF_FILES 2

/* An option of the command line: stronger than everything else. Lists are appended to.
 * The value is copied. -EINVAL after reporting that the key cannot have it. */
int conf_set(const char *name, const char *value);

/* Its value, and where that comes from. */
struct conf_value conf_get(const char *name);

/* The value of the key as a number, as conf_value_number has it; the fallback's if it is
 * unset. conf_share is for keys that may be a percentage of `total`. */
uint64_t conf_number(const char *name);
uint64_t conf_share(const char *name, uint64_t total);

/* Puts what files and options say into the environment: for the shim in a child, and for
 * config_root here. A list of an option is appended to the variable. 0 or -errno. */
int conf_export(void);

/* The same as lines of POSIX sh, which forks nothing and uses no names but the
 * variables'. */
void conf_print_sh(FILE *out);
