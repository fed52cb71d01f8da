/* SPDX-License-Identifier: MIT
 *
 * A cache in the temporary directory of fake_sys.h, and an interpreter that uses it as
 * importlib would: it looks for bytecode, compiles, writes under a temporary name, and
 * renames. A source is any text; its bytecode is "Code of " and that text, so that it
 * shows which source it was compiled from. It is not valid for marshal.
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
	uint8_t flags;	  /* in the headers that it writes: 0, 1 or 3 */
	bool writes;	  /* the interpreter caches what it compiles */
	unsigned layers;  /* how many of home/layer.0 and so on are looked at */
	int error;	  /* of entry_open, or of entry_seal */
	struct stat file; /* that was served */
	char ran[256];	  /* the source that the bytecode was compiled from */
	enum verdict sealed;
	/* Called when the source is compiled, before the bytecode is written. */
	void (*compiling)(void);
};

extern struct fake_entry fe;

/* Called around each test. The source src/m.py exists, and the cache is empty. */
int fake_entry_begin(void **state);
int fake_entry_end(void **state);

/* Creates the directories and that source. */
void fake_make_trees(void);

/* Starts another process, which remembers nothing. */
void fake_entry_forget(void);

/* From now on, fe stands for the bytecode `name` of dir, such as "src", FAKE_NAME. */
void fake_entry_is(const char *dir, const char *name);

/* Moves everything in the cache into the next layer; the cache is empty afterwards. */
void fake_make_layer(void);

/* Return the path of the entry in the temporary directory, and of a text's object. */
const char *fake_entry_path(void);
const char *fake_object_path(const char *text);

/* Creates a source of that text; fake_source_lies gives it the mtime that src/m.py had
 * first. */
void fake_source(const char *below, const char *text);
void fake_source_lies(const char *below, const char *text);

/* Sets the mtime of src/m.py. */
void fake_source_time(time_t seconds);

/* Writes bytecode of a text for a source with that stat; returns its length. */
size_t fake_pyc(uint8_t *data, const char *text, const struct stat *source);

/* Puts bytecode of text, the present or an earlier text of src/m.py, into the tree, later
 * than the source was changed. */
void fake_pyc_in_the_tree(const char *text);

/* Imports the module; fe says what happened. Checks everything that must be true in any
 * case. */
void fake_import(void);

/* Imports the module, which must have run the present text of the source. */
void fake_import_right(void);

/* Imports the module for the first time: it must be compiled and sealed. */
void fake_import_first(void);

/* Does that, and then looks at the entry's source. */
void fake_import_once(void);

/* The same for the bytecode of other/m.py, which has the text of src/m.py or is the same
 * file. Afterwards fe stands for src/m.py again. */
void fake_import_elsewhere(bool same_file);

/* The first half of an import: returns the descriptor, or -errno. */
int fake_open_entry(int flags);

/* Opens the source, as a compiler does. */
void fake_open_source(void);

/* Opens a file by its path, and reads the entry with its seal (0 or -errno). */
int fake_open_file(const char *path);
int fake_load(struct entry_file *file);
void fake_unload(struct entry_file *file);

/* Reads the bytecode of an open file, and checks that it is bytecode. */
size_t fake_read_pyc(int fd, uint8_t *data, size_t size);

/* Checks that an open file is the bytecode of the text, with or without a seal. */
void fake_check_code(int fd, const char *text, bool sealed);

/* Reads the seal of a whole file in memory. */
bool fake_read_seal(const uint8_t *file, size_t size, struct seal *seal);

/* Gives the entry a hash in its header, of those flags, and the seal under which earlier
 * releases kept such bytecode. */
void fake_hash_based(uint8_t flags);

/* Checks that all files with final names are whole, and that objects have the right
 * names; returns the number of temporary files. */
unsigned fake_check_cache(void);

/* Notes the file in the temporary directory as created by this thread. */
void fake_created(const char *below);
