/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake/fake_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/timestamp.h"
#include "shim/core/cache/object.h"
#include "shim/core/cache/root.h"

struct fake_entry fe;

static struct scratch scratch;
static struct pending pending, created;
static _Atomic uint32_t magic;
static atomic_bool interprets;
static struct source_clock source_clock;
static atomic_bool cannot_clone;
static atomic_uint watching;
static struct timespec first_mtime;

void fake_entry_forget(void)
{
	memset(&pending, 0, sizeof pending);
	magic = 0;
	interprets = true;
	memcpy(&magic, FAKE_MAGIC, sizeof magic);
	source_clock = (struct source_clock){ .local = 0 };
	cannot_clone = false;
	watching = ENTRY_WATCH_NONE;
}

void fake_make_trees(void)
{
	fake_make_directory("home", 0755);
	fake_make_directory("src", 0755);
	fake_make_directory("other", 0755);
	fake_make_file("src/m.py", "first");
}

int fake_entry_begin(void **state)
{
	struct stat st;

	if (fake_begin(state) < 0)
		return -1;
	fake.clock_offset = 10; /* so that nothing has to be waited for */
	scratch = (struct scratch){ .kept = NULL };
	fe = (struct fake_entry){
		.writes = true,
		.world = {
			.env = {
				.sys = &fake_sys,
				.scratch = &scratch,
				.clock = &source_clock,
				.cannot_clone = &cannot_clone,
			},
			.policy = {
				.user = geteuid(),
				.share = true,
				.root_len = strlen(fake_path("home/cache")),
			},
			.python = {
				.tag = "cpython-311",
				.magic = &magic,
				.pending = &pending,
				.created = &created,
				.watching = &watching,
				.interprets = &interprets,
			},
		},
	};
	fake_entry_forget();
	fake_make_trees();
	assert_return_code(stat(fake_path("src/m.py"), &st), errno);
	first_mtime = st.st_mtim;
	fake_entry_is("src", FAKE_NAME);
	return 0;
}

int fake_entry_end(void **state)
{
	if (scratch.kept)
		fake_sys.unmap(scratch.kept, SCRATCH_KEPT);
	return fake_end(state);
}

void fake_entry_is(const char *dir, const char *name)
{
	char source_dir[256];
	size_t version_len;

	fe.pyc = pyc_parse(name, strlen(name));
	snprintf(source_dir, sizeof source_dir, "%s/%s/", fake.dir, dir);
	snprintf(fe.tree_path, sizeof fe.tree_path, "%s__pycache__/%s", source_dir, name);
	version_len = (size_t)sprintf(fe.path, "%s", fake_path(FAKE_VERSION));
	sprintf(fe.path + version_len, "/tree%s", fe.tree_path);
	fe.entry = (struct entry){
		.world = &fe.world,
		.path = fe.path,
		.version_len = version_len,
		.dir_len = strlen(fe.path) - strlen(name) - 1,
		.pyc = &fe.pyc,
		.tree_dirfd = AT_FDCWD,
		.tree_path = fe.tree_path,
	};
	assert_true(
		entry_begin(&fe.entry, sizeof fe.path, source_dir, strlen(source_dir)));
}

static ssize_t find_layer(void *context, size_t n, char *room, size_t size)
{
	int len;

	(void)context;
	if (n >= fe.layers)
		return -1;
	len = snprintf(room, size, "%s/home/layer.%zu", fake.dir, n);
	return (size_t)len < size ? len : 0;
}

void fake_make_layer(void)
{
	char name[32];

	snprintf(name, sizeof name, "home/layer.%u", fe.layers++);
	assert_return_code(rename(fake_path("home/cache"), fake_path(name)), errno);
	fe.world.policy.layer = find_layer;
}

const char *fake_entry_path(void)
{
	return fe.path + strlen(fake.dir) + 1;
}

const char *fake_object_path(const char *text)
{
	static char path[400];
	struct object_name name = { .digest = digest_of(text, strlen(text)) };

	memcpy(name.magic, FAKE_MAGIC, sizeof name.magic);
	strcpy(path, FAKE_VERSION "/");
	object_path(&name, path + strlen(path));
	return path;
}

/* As an editor does: a new file replaces the old one. */
void fake_source(const char *below, const char *text)
{
	char new[300];

	snprintf(new, sizeof new, "%s.new", below);
	fake_make_file(new, text);
	assert_return_code(rename(fake_path(new), fake_path(below)), errno);
}

void fake_source_lies(const char *below, const char *text)
{
	const struct timespec times[2] = { first_mtime, first_mtime };

	fake_source(below, text);
	assert_return_code(utimensat(AT_FDCWD, fake_path(below), times, 0), errno);
}

size_t fake_pyc(uint8_t *data, const char *text, const struct stat *source)
{
	size_t length = header_length(fe.pyc.tag);
	struct digest hash = digest_of(text, strlen(text));
	int n;

	memset(data, 0, length);
	memcpy(data, FAKE_MAGIC, 4);
	header_patch(fe.pyc.tag, data, source);
	if (fe.flags) {
		data[4] = fe.flags;
		memcpy(data + length - 8, hash.bytes, 8);
	}
	n = sprintf((char *)data + length, FAKE_CODE "%s", text);
	return length + (size_t)n;
}

void fake_pyc_in_the_tree(const char *text)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct timespec now;
	struct stat st;
	uint8_t data[400];

	assert_return_code(stat(fake_path("src/m.py"), &st), errno);
	for (;;) { /* the clock that gives files their times */
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
		if (timestamp_before(&st.st_ctim, &now))
			break;
		nanosleep(&pause, NULL);
	}
	fake_make_directory("src/__pycache__", 0755);
	fake_make_bytes("src/__pycache__/" FAKE_NAME, data, fake_pyc(data, text, &st));
}

static void read_text(char *text, size_t size)
{
	char name[300];
	ssize_t n;

	snprintf(name, sizeof name, "%s", fe.entry.source.path + strlen(fake.dir) + 1);
	n = fake_read(name, text, size - 1);
	text[n < 0 ? 0 : n] = '\0';
}

void fake_open_source(void)
{
	const int fd = open(fe.entry.source.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	entry_source_opened(&fe.world, fe.entry.source.path, fd);
	close(fd);
}

bool fake_read_seal(const uint8_t *file, size_t size, struct seal *seal)
{
	const size_t most = SEAL_TAIL + SEAL_SIZE;
	size_t at = size > most ? size - most : 0;

	return (ssize_t)size > SEAL_SIZE && seal_read(file + at, size - at, size, seal);
}

void fake_hash_based(uint8_t flags)
{
	const char *below = fe.path + strlen(fake.dir) + 1;
	uint8_t data[FAKE_LARGEST];
	size_t size = (size_t)fake_read(below, (char *)data, sizeof data);
	size_t header = header_length(fe.pyc.tag);
	struct seal seal;

	assert_true(fake_read_seal(data, size, &seal));
	data[4] = flags;
	seal.flags = SEAL_SOURCE | SEAL_HASH | SEAL_SEEN;
	seal.source.size = 0;
	seal.source.mtime = (struct timespec){ .tv_sec = 0 };
	seal.pyc_checksum = seal_checksum(data + header, (size_t)seal.pyc_size - header,
		seal_checksum(data, header, 0));
	seal_write(&seal, data + seal.pyc_size);
	unlink(fe.path); /* an object never was hash-based */
	fake_make_bytes(below, data, size);
}

/* --- the interpreter --------------------------------------------------------------- */
int fake_open_entry(int flags)
{
	char before[sizeof fe.path];
	int fd;

	strcpy(before, fe.path);
	fd = fe.world.policy.layers_only ? -ENOENT
					 : fake_sys.openat(AT_FDCWD, fe.path, flags, 0);
	fd = entry_open(&fe.entry, fd, flags, &fe.verdict);
	assert_string_equal(fe.path, before);
	assert_int_equal(fake.open, fd >= 0);
	assert_true(fd > -4096);
	assert_non_null(verdict_rows[fe.verdict].what);
	return fd;
}

size_t fake_read_pyc(int fd, uint8_t *data, size_t size)
{
	ssize_t n = read(fd, data, size - 1);

	assert_return_code(n, errno);
	data[n] = '\0';
	return (size_t)n;
}

/* As _validate_timestamp_pyc and _validate_hash_pyc. */
static bool is_valid(const uint8_t *data, size_t size, const struct stat *source)
{
	struct header header = header_read(fe.pyc.tag, data, size);
	struct digest hash;
	char text[sizeof fe.ran];

	if (header.kind == HEADER_BAD || memcmp(data, FAKE_MAGIC, 4) != 0)
		return false;
	if (header.kind == HEADER_TIMESTAMP)
		return header_fits(&header, source);
	read_text(text, sizeof text);
	hash = digest_of(text, strlen(text));
	return data[4] == 1 || memcmp(data + 8, hash.bytes, 8) == 0;
}

/* marshal ends where the code ends. */
static bool can_run(int fd, const struct stat *source)
{
	size_t code = header_length(fe.pyc.tag), n;
	uint8_t data[FAKE_LARGEST];
	struct seal seal;

	assert_return_code(fstat(fd, &fe.file), errno);
	n = fake_read_pyc(fd, data, sizeof data);
	fake_sys.close(fd);
	if (!is_valid(data, n, source))
		return false;
	if (fake_read_seal(data, n, &seal))
		data[seal.pyc_size] = '\0';
	assert_memory_equal(data + code, FAKE_CODE, strlen(FAKE_CODE));
	strcpy(fe.ran, (char *)data + code + strlen(FAKE_CODE));
	return true;
}

/* What the library does around the rename. */
static void publish(const char *temporary)
{
	bool shared = false;

	fe.error = entry_seal(&fe.entry, temporary, &shared, &fe.sealed);
	entry_landed(&fe.entry);
	assert_in_range(-fe.error, 0, 4095);
	assert_int_equal(fake.open, 0);
	assert_non_null(verdict_rows[fe.sealed].what);
	if (fe.error < 0 || verdict_rows[fe.sealed].unproven) { /* for the tree */
		unlink(temporary);
		return;
	}
	if (shared)
		entry_share(&fe.entry, temporary);
	/* The file may be gone if another process clears the cache. */
	if (rename(temporary, fe.path) < 0)
		assert_int_equal(errno, ENOENT);
}

static void compile(const struct stat *source)
{
	char temporary[sizeof fe.path + 16], before[sizeof fe.path];
	uint8_t data[FAKE_LARGEST];
	size_t size;
	int fd;

	fe.compiled = true;
	fake_open_source();
	read_text(fe.ran, sizeof fe.ran);
	size = fake_pyc(data, fe.ran, source);
	if (fe.compiling)
		fe.compiling();
	strcpy(before, fe.path);
	if (!fe.writes || fe.world.policy.readonly ||
		entry_make_parent(&fe.world, fe.path) < 0)
		return;
	snprintf(temporary, sizeof temporary, "%s.140001", fe.path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return; /* the directory of the entry could not be created, or is gone */
	entry_created(&fe.world, temporary, fd);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
	publish(temporary);
	assert_string_equal(fe.path, before);
}

void fake_import(void)
{
	struct stat source;
	int fd;

	fe.compiled = false;
	fe.ran[0] = '\0';
	fe.sealed = VERDICT_NONE;
	assert_return_code(stat(fe.entry.source.path, &source), errno);
	fd = fake_open_entry(O_RDONLY | O_CLOEXEC);
	fe.error = fd < 0 ? fd : 0;
	if (fd < 0 || !can_run(fd, &source))
		compile(&source);
	assert_int_equal(fake.open, 0);
}

void fake_import_right(void)
{
	char text[sizeof fe.ran];

	fake_import();
	read_text(text, sizeof text);
	assert_string_equal(fe.ran, text);
}

void fake_created(const char *below)
{
	int fd = open(fake_path(below), O_RDONLY | O_CLOEXEC); /* which does not fail */

	entry_created(&fe.world, fake_path(below), fd);
	close(fd);
}

void fake_source_time(time_t seconds)
{
	const struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };

	assert_return_code(utimensat(AT_FDCWD, fake_path("src/m.py"), times, 0), errno);
}

void fake_import_first(void)
{
	fake_import_right();
	assert_true(fe.compiled);
	assert_string_equal(verdict_rows[fe.sealed].what, "sealed");
}

void fake_import_elsewhere(bool same_file)
{
	if (same_file)
		assert_return_code(
			link(fake_path("src/m.py"), fake_path("other/m.py")), errno);
	else
		fake_make_file("other/m.py", "first");
	fake_entry_is("other", FAKE_NAME);
	fake_import_first();
	fake_entry_is("src", FAKE_NAME);
}

void fake_check_code(int fd, const char *text, bool sealed)
{
	uint8_t data[1024];
	size_t n;
	struct seal seal;

	assert_return_code(lseek(fd, 0, SEEK_SET), errno);
	n = fake_read_pyc(fd, data, sizeof data);
	assert_int_equal(fake_read_seal(data, n, &seal), sealed);
	if (sealed)
		data[seal.pyc_size] = '\0';
	assert_string_equal((char *)data + 16 + strlen("Code of "), text);
}

void fake_import_once(void)
{
	fake_import_first();
	assert_int_equal(source_look(&fe.entry.source, &fake_sys), 0);
}

int fake_open_file(const char *path)
{
	int fd = fake_sys.openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);

	assert_return_code(fd, -fd);
	return fd;
}

int fake_load(struct entry_file *file)
{
	int fd = fake_open_file(fe.path), err = -EINVAL;
	struct seal seal;

	if (entry_file_is_sealed(&fe.world, fd, &seal))
		err = entry_file_load(&fe.entry, fd, &seal, file);
	if (err < 0)
		fake_sys.close(fd);
	return err;
}

void fake_unload(struct entry_file *file)
{
	fake_sys.close(file->from);
	entry_file_free(&fe.world, file);
}
