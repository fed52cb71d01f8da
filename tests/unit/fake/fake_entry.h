/* SPDX-License-Identifier: MIT
 *
 * A cache in the temporary directory of fake_sys.h, and an interpreter that uses it as
 * importlib would: it asks, compiles, writes under a temporary name, renames.
 *
 * A source is any text; its bytecode is "Code of " and that text, which marshal does not
 * know; so tells what it was compiled of.
 */
#pragma once

#include "shim/core/entry/entry_file.h"
#include "tests/unit/fake/fake_sys.h"

#define FAKE_MAGIC "\xa7\r\r\n"
#define FAKE_TAG "cpython-311"
#define FAKE_VERSION "home/cache/v1/" FAKE_TAG
#define FAKE_CODE "Code of " /* what bytecode begins with */
#define FAKE_LARGEST 4096    /* bytes of it, with its seal */
#define FAKE_NAME "m." FAKE_TAG ".pyc"

struct fake_entry {
	struct entry_world world;
	struct entry entry;
	struct pyc_name pyc;
	char path[2048]; /* that of the entry, and room */
	char tree_path[512];
	enum verdict verdict;
	/* what the last run did */
	bool compiled;	  /* and not served */
	uint8_t flags;	  /* in the headers it writes: 0, 1 or 3 */
	bool writes;	  /* the interpreter puts what it compiled into the cache */
	unsigned layers;  /* home/layer.0 and so on are looked at */
	int error;	  /* of entry_open, or of entry_seal */
	struct stat file; /* that was served */
	char ran[256];	  /* the text of the source that the bytecode was compiled of */
	enum verdict sealed;
	/* Called when the source has been read and compiled, before it is written. */
	void (*compiling)(void);
};

extern struct fake_entry fe;

/* Around each test. There is a source src/m.py, and nothing is cached. */
int fake_entry_begin(void **state);
int fake_entry_end(void **state);

/* The directories that are there before, and that source. */
void fake_make_trees(void);

/* Another process begins: it remembers nothing. */
void fake_entry_forget(void);

/* From now on it is about the bytecode `name` of dir, e.g. "src", FAKE_NAME. */
void fake_entry_is(const char *dir, const char *name);

/* Moves all that is cached into the next layer; the cache is empty then. */
void fake_make_layer(void);

/* The entry's path in the temporary directory, and that of the object of a text. */
const char *fake_entry_path(void);
const char *fake_object_path(const char *text);

/* Makes a source of that text; with the mtime that src/m.py had first, if it is
 * to lie. */
void fake_source(const char *below, const char *text);
void fake_source_lies(const char *below, const char *text);

/* Gives src/m.py that time. */
void fake_source_time(time_t seconds);

/* Writes bytecode of a text for a source with that stat; returns its length. */
size_t fake_pyc(uint8_t *data, const char *text, const struct stat *source);

/* Puts that for src/m.py, in which text is or was, into the tree, later than the source
 * has changed. */
void fake_pyc_in_the_tree(const char *text);

/* Imports the module: fe says what happened. Whatever it was, what must hold is
 * checked. */
void fake_import(void);

/* As fake_import, and it must have run the present text of the source. */
void fake_import_right(void);

/* The same where nothing is cached that could be served: compiled and sealed. */
void fake_import_first(void);

/* That, and the entry's source has been looked at. */
void fake_import_once(void);

/* The same for the bytecode of other/m.py, which has the text of src/m.py or is the same
 * file. Afterwards it is about src/m.py again. */
void fake_import_elsewhere(bool same_file);

/* The first half of it: returns the descriptor, or -errno. */
int fake_open_entry(int flags);

/* The process opens the source, as a compiler does. */
void fake_open_source(void);

/* Opens a file by its path, and reads the entry with its seal (0 or -errno). */
int fake_open_file(const char *path);
int fake_load(struct entry_file *file);
void fake_unload(struct entry_file *file);

/* What is in a descriptor of bytecode; checks that it is such. */
size_t fake_read_pyc(int fd, uint8_t *data, size_t size);

/* An open file is the bytecode of the text, with a seal or without. */
void fake_check_code(int fd, const char *text, bool sealed);

/* Reads the seal of a whole file in memory. */
bool fake_read_seal(const uint8_t *file, size_t size, struct seal *seal);

/* All files with a final name are whole, and objects are what they are called; returns
 * how many temporary files there are. */
unsigned fake_check_cache(void);

/* As if this thread had made the file in the temporary directory. */
void fake_created(const char *below);
