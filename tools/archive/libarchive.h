/* SPDX-License-Identifier: MIT
 *
 * libarchive, loaded when it is first needed: with all that it is linked to in turn it
 * would triple the start-up of every `pycstash run`, and a machine that only runs
 * programs need not have it.
 *
 *	const struct libarchive *lib = libarchive();
 *	...
 *	lib->archive_read_new()
 */
#pragma once

#include <archive.h>
#include <archive_entry.h>

#define LIBARCHIVE_FUNCTIONS(X)                  \
	X(archive_error_string)                  \
	X(archive_errno)                         \
	X(archive_filter_bytes)                  \
	X(archive_entry_clear)                   \
	X(archive_entry_filetype)                \
	X(archive_entry_free)                    \
	X(archive_entry_hardlink)                \
	X(archive_entry_new)                     \
	X(archive_entry_pathname)                \
	X(archive_entry_perm)                    \
	X(archive_entry_set_filetype)            \
	X(archive_entry_set_hardlink)            \
	X(archive_entry_set_mtime)               \
	X(archive_entry_set_pathname)            \
	X(archive_entry_set_perm)                \
	X(archive_entry_set_size)                \
	X(archive_entry_size)                    \
	X(archive_entry_size_is_set)             \
	X(archive_entry_sparse_count)            \
	X(archive_entry_symlink)                 \
	X(archive_entry_xattr_add_entry)         \
	X(archive_entry_xattr_next)              \
	X(archive_entry_xattr_reset)             \
	X(archive_read_data)                     \
	X(archive_read_free)                     \
	X(archive_read_new)                      \
	X(archive_read_next_header2)             \
	X(archive_read_open_fd)                  \
	X(archive_read_support_filter_zstd)      \
	X(archive_read_support_format_tar)       \
	X(archive_write_add_filter_zstd)         \
	X(archive_write_close)                   \
	X(archive_write_data)                    \
	X(archive_write_fail)                    \
	X(archive_write_free)                    \
	X(archive_write_header)                  \
	X(archive_write_new)                     \
	X(archive_write_open_fd)                 \
	X(archive_write_set_bytes_in_last_block) \
	X(archive_write_set_format_pax)          \
	X(archive_write_set_options)

struct libarchive {
#define MEMBER(name) __typeof__(name) *(name);
	LIBARCHIVE_FUNCTIONS(MEMBER)
#undef MEMBER
};

/* NULL after reporting that there is none of that version. Never unloaded. */
const struct libarchive *libarchive(void);
