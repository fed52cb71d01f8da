/* SPDX-License-Identifier: MIT
 *
 * Creating and deleting directories. Only the `__pycache__` under the process's own tag
 * is meant; a process that has shown no tag works on the tree.
 */
#include "shim/wrap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/calls.h"
#include "shim/core/base/fd_name.h"
#include "shim/core/base/path.h"
#include "shim/core/cache/dirs.h"
#include "shim/core/cache/root.h"
#include "shim/place.h"
#include "shim/process.h"
#include "shim/report.h"

/* Between two looks whether another process has deleted an old directory. */
#define NAP_NS 1000000

/* A filter of system calls may know only the call that Python makes. */
static int make_given(int dirfd, const char *path, mode_t mode)
{
	return dirfd == AT_FDCWD ? real.mkdir(path, mode)
				 : real.mkdirat(dirfd, path, mode);
}

static int make_in_tree(struct place *place, mode_t mode)
{
	return PASSING(place->path, NULL, make_given(place->dirfd, place->path, mode));
}

static int make_directory(const struct place *place, int flags, mode_t mode)
{
	(void)flags;
	return sys_real.mkdirat(AT_FDCWD, place->cache, mode);
}

static int make_place(struct place *place, int dirfd, const char *path, mode_t mode)
{
	bool imports, dropped = false;
	int err;

	place_at(place, dirfd, path, PLACE_ANEW);
	err = place_clear(place);
	if (err)
		return wrap_fail(err);
	if (place->kind != PLACE_DIR) {
		(void)place_ready_tree(place);
		return make_in_tree(place, mode);
	}
	if (place_in_tree(place)) /* libc's own EEXIST */
		return make_in_tree(place, mode);
	imports = place_take_miss(place);
	if (process_config.readonly) /* what an import compiles is not kept */
		return imports && !process_compiles() ? wrap_fail(EROFS)
						      : make_in_tree(place, mode);
	/* What is not shown is of use only to an import. */
	if (!imports && place_is_exposed(place)) {
		int saved = errno;

		err = make_in_tree(place, mode);
		if (err == 0 || (errno != EACCES && errno != EROFS))
			return err;
		errno = saved;
	}
	err = place_make_in_cache(place, make_directory, 0, mode);
	if (err == -EEXIST && place_is_unwritable(place))
		return make_in_tree(place, mode);
	/* Another tree's, or not shown. */
	if (err == -EEXIST && (place->map.ephemeral.len || place_is_exposed(place)))
		return 0;
	/* Another process may be deleting it. If a new one is there by then, the program
	 * has seen none. */
	for (unsigned tries = 0; err == -EEXIST && place_drop_leftover(place); tries++) {
		if (tries == ROOT_TRIES)
			return 0;
		if (tries > 0)
			sys_real.sleep(NAP_NS);
		err = place_make_in_cache(place, make_directory, 0, mode);
		dropped = true;
	}
	if (err == 0 || (err == -EEXIST && dropped))
		return 0;
	if (err == -EEXIST)
		return wrap_fail(-err);
	report_failure(VERDICT_NOT_CACHED, err, dirfd, path);
	return make_in_tree(place, mode);
}

int cached_mkdir(int dirfd, const char *path, mode_t mode)
{
	return WITH_PLACE(
		make_given(dirfd, path, mode), make_place(place, dirfd, path, mode));
}

static int remove_place(struct place *place, int dirfd, const char *path)
{
	int ret;

	place_at(place, dirfd, path, PLACE_ANY);
	if (place->kind != PLACE_DIR)
		return next_unlink(dirfd, place_find(place, dirfd, path), AT_REMOVEDIR);
	if (place_in_tree(place)) {
		ret = next_unlink(dirfd, place->path, AT_REMOVEDIR);
		/* If the program was shown the tree's listing, the directory was empty to
		 * it. pip moves file by file what it was shown, and deletes the directory
		 * whenever that succeeds: then what the cache has stays. */
		if (ret == 0 && !cached_has_shown(place))
			place_forget(place);
		return ret;
	}
	if (!place_in_cache(place) || place_is_exposed(place))
		return next_unlink(dirfd, place->path, AT_REMOVEDIR);
	/* A pattern (**) finds it by a look at its name, but no file in it. */
	if (!place->map.ephemeral.len && !place_may_be_known(place))
		place_forget(place);
	return place_in_cache(place) ? next_unlink(AT_FDCWD, place->cache, AT_REMOVEDIR)
				     : 0;
}

int cached_rmdir(int dirfd, const char *path)
{
	return WITH_PLACE(
		next_unlink(dirfd, path, AT_REMOVEDIR), remove_place(place, dirfd, path));
}

/* Returns -1 if others may have put the directory there that is in the tree now. */
static int turn_real(struct place *place, const char *path)
{
	place_at(place, AT_FDCWD, path, PLACE_ANY);
	if (place->kind != PLACE_DIR || place_is_exposed(place))
		return -1;
	place_turn_real(place);
	return 0;
}

/* Where no directory can be made in the tree, the program must not enter the cache's: it
 * would create files there by bare names, which the library does not see. One that the
 * program has closed stays what it is. */
static int enter_place(struct place *place, const char *path)
{
	return turn_real(place, path) == 0 && !place_is_closed_to_writing(place)
		       ? real.chdir(place->path)
		       : real.chdir(place_find(place, AT_FDCWD, path));
}

int cached_chdir(const char *path)
{
	return WITH_PLACE(real.chdir(path), enter_place(place, path));
}

/* Returns the path in the tree of the __pycache__ at that path of the cache; NULL for any
 * other path. */
static const char *tree_of(const char *path)
{
	const struct config *config = &process_config;
	size_t len;
	const char *root = memo_find(&process_memo, config->root, config->root_len, &len);

	if (!root) {
		root = config->root;
		len = config->root_len;
	}
	if (strncmp(path, root, len) != 0 ||
		strncmp(path + len, "/" CACHE_LAYOUT "/", sizeof CACHE_LAYOUT + 1) != 0)
		return NULL;
	path = strchr(path + len + sizeof CACHE_LAYOUT + 1, '/');
	if (!path || strncmp(path, "/tree/", 6) != 0)
		return NULL;
	path += 5;
	return path_split(path).tail == PATH_PYCACHE ? path : NULL;
}

/* Returns what tree_of says of the directory open as dirfd; NULL also if its name is not
 * known: there is no /proc, or the program has changed its root directory. */
static const char *tree_of_open(int dirfd, char room[PATH_MAX])
{
	const ssize_t len = fd_name_read(&sys_real, dirfd, room, PATH_MAX - 1);
	const char *tree;

	if (len <= 0)
		return NULL;
	room[len] = '\0';
	tree = tree_of(room);
	return tree && dirs_check_name(&sys_real, dirfd, room) == 0 ? tree : NULL;
}

bool dir_is_known(int dirfd)
{
	char *room = process_take_room();
	const bool known = room && tree_of_open(dirfd, room);

	process_give_room(room);
	return known;
}

/* Creates the directory in the tree, and makes the descriptor refer to it, unless others
 * may have exchanged it, or a link in its path, since the program opened it. Returns 0 or
 * -errno. */
static int replace(int dirfd, const char *tree)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd, pinned, kept = (int)syscall(SYS_fcntl, dirfd, F_GETFD);

	fd = pinned = WITH_PLACE(-1, turn_real(place, tree)) < 0
			      ? -EACCES
			      : dirs_open(&sys_real, tree);
	if (pinned >= 0) {
		fd = sys_real.openat(pinned, ".", flags, 0);
		sys_real.close(pinned);
	}
	/* Nobody can create anything in that directory unless its own mode says so. */
	if (fd < 0)
		return real.faccessat(dirfd, ".", W_OK, AT_EACCESS) < 0 && errno == EACCES
			       ? 0
			       : fd;
	(void)syscall(SYS_dup3, fd, dirfd, kept & FD_CLOEXEC ? O_CLOEXEC : 0);
	sys_real.close(fd);
	return 0;
}

int dir_given(int dirfd)
{
	char *room = process_take_room();
	const int saved = errno;
	const char *tree;
	int err = 0;

	if (!room)
		return wrap_fail(ENOMEM);
	tree = tree_of_open(dirfd, room);
	if (tree)
		err = replace(dirfd, tree);
	process_give_room(room);
	errno = saved;
	return err < 0 ? wrap_fail(ENOENT) : 0;
}

int dir_given_for(int dirfd, const char *path, int flags)
{
	const bool readable = (uintptr_t)path >= PATH_FIRST_PAGE;

	if (readable && path[0] == '/')
		return 0;
	return (flags & (O_ACCMODE | O_CREAT | O_TRUNC)) ||
			       (readable && strstr(path, ".."))
		       ? dir_given(dirfd)
		       : 0;
}
