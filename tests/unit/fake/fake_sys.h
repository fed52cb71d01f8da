/* SPDX-License-Identifier: MIT
 *
 * A `struct sys` that calls the real kernel in a temporary directory, and whose n-th
 * call can fail. A test sets the fields that it needs. fake_begin, before each test,
 * clears all fields and creates the directory. fake_end removes it, and fails the test
 * if that has left a descriptor open or memory mapped. Nothing outside of that directory
 * is changed.
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
	bool inherits;	   /* every directory has a default ACL */
	unsigned removed;  /* attributes that were removed */
	bool clones;	   /* the file system shares blocks */
	bool renames_new;  /* and can rename without replacing; set by fake_begin */
	bool nfs;	   /* an open file keeps a name when its own is removed */
	bool whole_seconds;  /* ctimes have no fractions of a second */
	const char *link;    /* what a link in /proc reads as, if set */
	const char *id_map;  /* what /proc/self/uid_map and gid_map read as */
	bool elsewhere;	     /* with a path, fstatat finds another file */
	uid_t owner_offset;  /* added to the owner in each result of fstatat */
	gid_t group_offset;  /* added to the group in each result of kernel_stat */
	int64_t fs_type;     /* what fs_type says, if set */
	uint32_t fs_id;	     /* what fs_id says, if set */
	bool no_fs;	     /* files are like those in /proc */
	time_t clock_offset; /* how far the clock is ahead, in seconds */
	bool stopped;	     /* time passes only by sleeping, and is .now */
	struct timespec now;
	unsigned sleeps;
	uintptr_t thread;			     /* which one calls */
	uint64_t own[4][SYS_OWN / sizeof(uint64_t)]; /* of each */
	uint32_t pid;				     /* and of which process */
	uint64_t ticks;
	int open;	   /* descriptors */
	int mapped;	   /* blocks of memory */
	size_t attributes; /* files that have an extended attribute */
	char failed[16];   /* the name of the call that failed last */
	char made[512];	   /* the file that was made last */
	/* Called before each call, with its number: another process is at work. */
	void (*meanwhile)(unsigned call, const char *name);
};

extern struct fake fake;
extern const struct sys fake_sys;

/* The function of the table that returns the memory of fake.thread. */
void *fake_own(void);

int fake_begin(void **state);
int fake_end(void **state);

void fake_count_from_here(void);

/* Returns whether the last call that failed can have changed what came out. It is not
 * close, since the answer is known by then, nor readlinkat: a descriptor has two names in
 * /proc. */
bool fake_failure_counts(void);

/* Only counts: nothing that core does depends on its success. */
int fake_fremovexattr(int fd, const char *name);

/* The path of `below` in the temporary directory; valid for the next eight calls. */
char *fake_path(const char *below);

/* Returns how many directories there are below "/" down to the temporary directory. */
unsigned fake_depth(void);

/* Create a directory, a file or a link in the temporary directory; that must succeed. */
void fake_make_directory(const char *below, mode_t mode);
void fake_make_file(const char *below, const char *data);
void fake_make_link(const char *below, const char *target);

/* Creates one of these; a link leads to a directory of that mode at `elsewhere`. */
enum fake_kind { FAKE_NOTHING, FAKE_DIRECTORY, FAKE_PLAIN_FILE, FAKE_LINK };
void fake_make(
	const char *below, enum fake_kind kind, mode_t mode, const char *elsewhere);

/* Returns the mode of a file, with its type; 0 if there is none. */
mode_t fake_mode(const char *below);

/* Returns the inode of a file; 0 if there is none. */
ino_t fake_inode(const char *below);

/* Returns whether that is the temporary directory, open. It is its own parent, as the
 * root directory is: it does not matter who can enter those above. */
bool fake_is_root(int fd);

/* Creates a file of any bytes. */
void fake_make_bytes(const char *below, const void *data, size_t size);

/* Reads a whole file; returns its length, or -1 if there is none. */
ssize_t fake_read(const char *below, char *buf, size_t size);

/* Removes everything in the temporary directory. */
void fake_clear(void);
