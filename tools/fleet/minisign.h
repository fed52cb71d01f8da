/* SPDX-License-Identifier: MIT
 *
 * Signatures of packs, in the format of minisign: ed25519 over the BLAKE2b-512 of the
 * file ("ED", prehashed), and over a trusted comment. `minisign -V` accepts what
 * minisign_sign writes, and minisign_verify accepts what `minisign -S` writes. A
 * signature says who made the pack, not what is in it.
 *
 * Our trusted comment contains "timestamp:SECONDS", and "expires:SECONDS" if the
 * signature must be refused from that time on.
 *
 * Functions return 0, or -errno after reporting what is wrong. For one thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MINISIGN_SUFFIX ".minisig"
#define MINISIGN_SIZE 2048 /* the maximum size of a signature's text */

struct minisign_keys {
	struct minisign_public {
		uint8_t id[8], key[32];
	} * keys;
	size_t count;
};

/* Adds the public keys in a file; other lines are comments. Other users must not be
 * able to change the file or the path to it (trust.h). */
int minisign_keys_read(struct minisign_keys *keys, const char *file);

/* Checks whether `signature` is a signature of the bytes in fd by one of the keys, and
 * has not expired. Returns -EPERM if it is not. */
int minisign_verify(const struct minisign_keys *keys, const char *what, int fd,
	const char *signature);

/* Signs the bytes in fd with the secret key in a file. A key with a password is
 * decrypted with PYCSTASH_SIGN_PASSWORD. expires: seconds since 1970, INT64_MAX for
 * never. At first, `signature` is the one that these bytes have; "": none. Returns 0 if
 * it is the new one at the end. Returns 1 if it stays, since it is of the same key and
 * lasts as long; -EEXIST if it stays, since it is of another key, so that nobody can say
 * here for whom it is good. One that has expired never stays. */
int minisign_sign(const char *key_file, const char *what, int fd, int64_t expires,
	char signature[MINISIGN_SIZE]);
