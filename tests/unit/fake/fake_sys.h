/* SPDX-License-Identifier: MIT
 *
 * A `struct sys` over the real kernel, in a temporary directory, whose n-th call fails.
 *
 * A test sets the fields it needs; fake_begin, before each test, clears them all and
 * makes the directory, and fake_end removes it and fails the test that has left a
 * descriptor open or memory mapped. Nothing is made, changed or removed outside of that
 * directory.
 */
#pragma once

#include "shim/core/base/sys.h"
#include "tests/unit/unit.h"

struct fake {
	char dir[64];	   /* the temporary directory; a canonical path */
	unsigned calls;	   /* made since fake_begin or fake_count_from_here */
	unsigned fail_at;  /* this call, counted from 1, is not made and fails; 0: none */
	int fail_with;	   /* an errno */
	bool short_writes; /* pwrite writes half of what it is given */
	bool no_proc;	   /* there is no /proc */
	bool no_straight;  /* nor openat2 */
	bool no_xattrs;	   /* nor extended attributes */
	bool has_acl;	   /* every file has an ACL */
	bool clones;	   /* the file system shares blocks */
	bool renames_new;  /* and can rename without replacing; set by fake_begin */
	bool nfs;	   /* what is open keeps a name when its own is taken away */
	bool whole_seconds;  /* change times have no smaller parts */
	const char *link;    /* what a link in /proc reads as, if set */
	const char *uid_map; /* what /proc/self/uid_map reads as, if set */
	uid_t owner_offset;  /* added to the owner in all that fstatat says */
	int64_t fs_type;     /* what fs_type says, if set */
	uint32_t fs_id;	     /* what fs_id says, if set */
	time_t clock_offset; /* what the clock is ahead, in seconds */
	bool stopped;	     /* time passes only by sleeping, and is .now */
	struct timespec now;
	unsigned sleeps;
	uintptr_t thread; /* which one calls */
	uint32_t pid;	  /* and of which process */
	uint64_t ticks;
	int open;	   /* descriptors */
	int mapped;	   /* blocks of memory */
	size_t attributes; /* files that have an extended attribute */
	char failed[16];   /* the name of the call that failed last */
	char made[512];	   /* the file that was made last */
	/* Called before each call, with its number: somebody else is at work. */
	void (*meanwhile)(unsigned call, const char *name);
};

extern struct fake fake;
extern const struct sys fake_sys;

int fake_begin(void **state);
int fake_end(void **state);

void fake_count_from_here(void);

/* The path of `below` in the temporary directory; valid for the next eight calls. */
char *fake_path(const char *below);

/* How many directories there are from "/" down to the temporary directory,
 * without "/". */
unsigned fake_depth(void);

/* In the temporary directory: makes a directory, a file or a link, which must work. */
void fake_make_directory(const char *below, mode_t mode);
void fake_make_file(const char *below, const char *data);
void fake_make_link(const char *below, const char *target);

/* Makes one of these; a link leads to a directory of that mode at `elsewhere`. */
enum fake_kind { FAKE_NOTHING, FAKE_DIRECTORY, FAKE_PLAIN_FILE, FAKE_LINK };
void fake_make(
	const char *below, enum fake_kind kind, mode_t mode, const char *elsewhere);

/* The mode of what is there, with its type; 0 where nothing is. */
mode_t fake_mode(const char *below);

/* The inode of what is there; 0 where nothing is. */
ino_t fake_inode(const char *below);

/* As fake_make_file, of any bytes. */
void fake_make_bytes(const char *below, const void *data, size_t size);

/* Reads a file whole; returns its length, -1 where there is none. */
ssize_t fake_read(const char *below, char *buf, size_t size);

/* Removes all that is in the temporary directory. */
void fake_clear(void);
