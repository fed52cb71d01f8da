/* SPDX-License-Identifier: MIT
 *
 * error_name(ENOENT) is "ENOENT". glibc has such a function only since 2.32, musl has
 * none.
 */
#pragma once

#include <errno.h>
#include <stddef.h>

/* Returns NULL for errors that no call on paths returns. */
static inline const char *error_name(int err)
{
#define NAMED(name) [name] = #name
	static const char *const names[] = { [0] = "0",
		NAMED(EPERM),
		NAMED(ENOENT),
		NAMED(ESRCH),
		NAMED(EINTR),
		NAMED(EIO),
		NAMED(ENXIO),
		NAMED(E2BIG),
		NAMED(ENOEXEC),
		NAMED(EBADF),
		NAMED(ECHILD),
		NAMED(EAGAIN),
		NAMED(ENOMEM),
		NAMED(EACCES),
		NAMED(EFAULT),
		NAMED(ENOTBLK),
		NAMED(EBUSY),
		NAMED(EEXIST),
		NAMED(EXDEV),
		NAMED(ENODEV),
		NAMED(ENOTDIR),
		NAMED(EISDIR),
		NAMED(EINVAL),
		NAMED(ENFILE),
		NAMED(EMFILE),
		NAMED(ENOTTY),
		NAMED(ETXTBSY),
		NAMED(EFBIG),
		NAMED(ENOSPC),
		NAMED(ESPIPE),
		NAMED(EROFS),
		NAMED(EMLINK),
		NAMED(EPIPE),
		NAMED(EDOM),
		NAMED(ERANGE),
		NAMED(ENAMETOOLONG),
		NAMED(ENOLCK),
		NAMED(ENOSYS),
		NAMED(ENOTEMPTY),
		NAMED(ELOOP),
		NAMED(ENODATA),
		NAMED(ETIME),
		NAMED(EREMOTE),
		NAMED(EPROTO),
		NAMED(EBADMSG),
		NAMED(EOVERFLOW),
		NAMED(ENOTUNIQ),
		NAMED(EILSEQ),
		NAMED(EUSERS),
		NAMED(ENOTSOCK),
		NAMED(EDESTADDRREQ),
		NAMED(EMSGSIZE),
		NAMED(EOPNOTSUPP),
		NAMED(EADDRINUSE),
		NAMED(ENOTCONN),
		NAMED(ETIMEDOUT),
		NAMED(ECONNREFUSED),
		NAMED(EINPROGRESS),
		NAMED(ESTALE),
		NAMED(EUCLEAN),
		NAMED(EREMOTEIO),
		NAMED(EDQUOT),
		NAMED(ECANCELED),
		NAMED(EKEYEXPIRED) };

	return err >= 0 && (size_t)err < sizeof names / sizeof *names ? names[err] : NULL;
#undef NAMED
}
