/* SPDX-License-Identifier: MIT
 *
 * For `pycstash verify`: the modes of a cache that comes from elsewhere.
 *
 * In a folder that V may not change, nothing can be deleted: forged bytecode would stay,
 * and gc fail for good. The same is true of a file of the command's own that V may not
 * write to. In a __pycache__, V's programs fail to create bytecode; and with a file that
 * V may not read, to copy it.
 *
 * With --deep: what gets from the cache into the tree may keep its mode, and only in the
 * cache is it out of others' reach. Whoever has made the cache may have set modes that
 * let others write to V's tree. Nobody can tell whether a program of V's has set them, so
 * they are not wrong; but good are only those that the umask may leave. In a folder with
 * a default ACL, that has set them.
 *
 * Any thread may call the functions, after modes_begin.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct modes {
	bool repair;
	mode_t denied; /* the rights to write that the umask takes from others */
	/* The number of files and folders with such rights, and of those that are closed
	 * to V; also if that was changed. */
	_Atomic(uint64_t) writable, closed;
	_Atomic(uint64_t) inherited; /* folders with a default ACL; likewise */
};

/* repair: change such modes. Not thread-safe: looks at the umask. */
void modes_begin(struct modes *modes, bool repair);

/* Looks at the file or folder `name` in dirfd. to_tree: it may get into the tree, so the
 * rights of others count, but not whether V may write to a file. Returns 0, or -errno if
 * its mode could not be changed. */
int modes_look(struct modes *modes, int dirfd, const char *name, bool to_tree);

/* Does the same with a folder that is open. V may lack the right to search it. */
int modes_look_at_folder(struct modes *modes, int fd, bool to_tree);
