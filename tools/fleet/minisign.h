/* SPDX-License-Identifier: MIT
 *
 * Signatures of packs, in the format of minisign: ed25519 over the BLAKE2b-512 of the
 * file ("ED", prehashed), and over a trusted comment. `minisign -V` accepts what
 * minisign_sign writes, and what `minisign -S` writes is accepted here. A signature says
 * who has packed, not what.
 *
 * The trusted comment of ours has "timestamp:SECONDS", and "expires:SECONDS" where it is
 * to be refused from then on.
 *
 * Functions return 0 or -errno after reporting what is wrong. For one thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MINISIGN_SUFFIX ".minisig"
#define MINISIGN_SIZE 2048 /* of a signature's text, at most */

struct minisign_keys {
	struct minisign_public {
		uint8_t id[8], key[32];
	} * keys;
	size_t count;
};

/* Adds the public keys in a file: lines that are none are comments. The file and the way
 * to it must be closed to other users (trust.h). */
int minisign_keys_read(struct minisign_keys *keys, const char *file);

/* Whether `signature` is one of the bytes in fd by one of the keys, and has not expired.
 * -EPERM: it is not. */
int minisign_verify(const struct minisign_keys *keys, const char *what, int fd,
	const char *signature);

/* Signs the bytes in fd with the secret key in a file; one with a password is opened with
 * that in PYCSTASH_SIGN_PASSWORD. expires: seconds since 1970, 0 for never. */
int minisign_sign(const char *key_file, const char *what, int fd, int64_t expires,
	char ret_signature[MINISIGN_SIZE]);
