/* SPDX-License-Identifier: MIT
 *
 * The file formats of minisign (jedisct1.github.io/minisign, "Signature format").
 */
#include "tools/fleet/minisign.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/shared_library.h"
#include "tools/cache/trust.h"
#include "tools/fleet/pack.h"

/* All releases of its ABI work without sodium_init, which only chooses faster code. */
static struct shared_library libsodium = {
	.soname = "libsodium.so.23",
	.who = "signatures need it (Debian: libsodium23)",
};
#define LIBSODIUM(function) SHARED(libsodium, function)

#define HASH_SIZE 64
#define SIGNATURE_SIZE 64
#define TRUSTED "trusted comment: "
#define COMMENT_MAX 1024

struct __attribute__((packed)) public_key {
	char algorithm[2]; /* "Ed" */
	uint8_t id[8], key[32];
};

struct __attribute__((packed)) secret_key {
	char algorithm[2], kdf[2], checksum_algorithm[2];
	uint8_t salt[32];
	uint64_t operations, memory; /* little-endian */
	struct __attribute__((packed)) secret {
		uint8_t id[8], key[64], checksum[32];
	} secret;
};

struct __attribute__((packed)) signature {
	char algorithm[2]; /* "ED" */
	uint8_t id[8], bytes[SIGNATURE_SIZE];
};

/* Decodes base64 that must yield exactly `size` bytes. */
static bool decode(const char *text, size_t len, void *ret, size_t size)
{
	const char *end;
	size_t got;

	return LIBSODIUM(sodium_base642bin)(ret, size, text, len, NULL, &got, &end,
		       sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       got == size && end == text + len;
}

/* --- keys ----------------------------------------------------------------------------*/

/* Opens the file of a key, unless other users can change it. */
static FILE *open_key(const char *file)
{
	AUTOFREE char *path = NULL, *why = NULL;
	int r = file_absolute(file, &path), fd;

	fd = r < 0 ? r : trust_open(path, &why);
	if (fd < 0)
		complain(file, "the key is not used: %s", why ? why : strerror(-fd));
	return fd < 0 ? NULL : fdopen(fd, "r");
}

int minisign_keys_read(struct minisign_keys *keys, const char *file)
{
	int r = shared_library_load(&libsodium);
	AUTOFCLOSE FILE *in = r == 0 ? open_key(file) : NULL;
	char line[256];
	struct public_key key;
	const size_t before = keys->count;

	if (!in)
		return r < 0 ? r : -EPERM;
	while (fgets(line, sizeof line, in)) {
		if (!decode(line, strcspn(line, " \r\n"), &key, sizeof key) ||
			memcmp(key.algorithm, "Ed", 2) != 0)
			continue;
		GROW(keys->keys, keys->count);
		memcpy(keys->keys[keys->count].id, key.id, sizeof key.id);
		memcpy(keys->keys[keys->count++].key, key.key, sizeof key.key);
	}
	if (keys->count > before)
		return 0;
	complain(file, "it contains no public key of minisign");
	return -EPERM;
}

/* --- verifying -----------------------------------------------------------------------*/

struct parts {
	struct signature signature;
	char comment[COMMENT_MAX];
	uint8_t of_comment[SIGNATURE_SIZE];
};

/* Parses the four lines of a signature. Returns NULL, or why they are not accepted. */
static const char *parse(const char *text, struct parts *ret)
{
	static const char none[] = "its signature is not in the format of minisign";
	const char *line[4];
	size_t len[4];

	for (int i = 0; i < 4; i++) {
		line[i] = text;
		len[i] = strcspn(text, "\r\n");
		text += len[i];
		text += strspn(text, "\r\n");
	}
	if (strncmp(line[2], TRUSTED, strlen(TRUSTED)) != 0 ||
		len[2] - strlen(TRUSTED) >= sizeof ret->comment)
		return none;
	len[2] -= strlen(TRUSTED);
	memcpy(ret->comment, line[2] + strlen(TRUSTED), len[2]);
	ret->comment[len[2]] = '\0';
	if (!decode(line[1], len[1], &ret->signature, sizeof ret->signature) ||
		!decode(line[3], len[3], ret->of_comment, sizeof ret->of_comment))
		return none;
	if (memcmp(ret->signature.algorithm, "Ed", 2) == 0)
		return "its signature is in minisign's old form, of the file itself and not of its hash; sign it again, without -l (with -H before minisign 0.10)";
	return memcmp(ret->signature.algorithm, "ED", 2) == 0 ? NULL : none;
}

/* Joins the text that the second signature signs. */
static size_t join(const uint8_t signature[SIGNATURE_SIZE], const char *comment,
	uint8_t ret[SIGNATURE_SIZE + COMMENT_MAX])
{
	size_t len = strlen(comment);

	memcpy(ret, signature, SIGNATURE_SIZE);
	memcpy(ret + SIGNATURE_SIZE, comment, len);
	return SIGNATURE_SIZE + len;
}

static bool is_signed_by(
	const struct parts *parts, const uint8_t digest[HASH_SIZE], const uint8_t key[32])
{
	uint8_t joined[SIGNATURE_SIZE + COMMENT_MAX];
	size_t size = join(parts->signature.bytes, parts->comment, joined);

	return LIBSODIUM(crypto_sign_verify_detached)(
		       parts->signature.bytes, digest, HASH_SIZE, key) == 0 &&
	       LIBSODIUM(crypto_sign_verify_detached)(
		       parts->of_comment, joined, size, key) == 0;
}

/* Returns the second from which on the signature is refused; INT64_MAX: never. */
static int64_t expiry(const struct parts *parts)
{
	const char *expires = strstr(parts->comment, "expires:");

	return expires ? strtoll(expires + strlen("expires:"), NULL, 10) : INT64_MAX;
}

/* Returns NULL if the signature is good, else why it is not. */
static const char *judge(const struct minisign_keys *keys,
	const uint8_t digest[HASH_SIZE], const char *text)
{
	const char *why;
	struct parts parts;

	why = parse(text, &parts);
	if (why)
		return why;
	for (size_t i = 0; i < keys->count; i++) {
		if (memcmp(keys->keys[i].id, parts.signature.id, 8) != 0 ||
			!is_signed_by(&parts, digest, keys->keys[i].key))
			continue;
		return expiry(&parts) <= time(NULL) ? "its signature has expired" : NULL;
	}
	return "it is not signed with any of the trusted keys";
}

int minisign_verify(
	const struct minisign_keys *keys, const char *what, int fd, const char *signature)
{
	uint8_t digest[HASH_SIZE];
	const char *why;
	int r = shared_library_load(&libsodium);

	r = r < 0 ? r : pack_digest(fd, digest, sizeof digest);
	if (r < 0)
		return r;
	why = judge(keys, digest, signature);
	if (why)
		complain(what, "refused: %s", why);
	return why ? -EPERM : 0;
}

/* --- signing -------------------------------------------------------------------------*/

/* Decrypts a key that has a password: its bytes are XORed with a stream that scrypt
 * generates. */
static bool decrypt(struct secret_key *key)
{
	const char *password = getenv("PYCSTASH_SIGN_PASSWORD");
	uint8_t stream[sizeof key->secret], *bytes = (uint8_t *)&key->secret;

	if (memcmp(key->kdf, "\0\0", 2) == 0)
		return true;
	if (memcmp(key->kdf, "Sc", 2) != 0 || !password ||
		LIBSODIUM(crypto_pwhash_scryptsalsa208sha256)(stream, sizeof stream,
			password, strlen(password), key->salt, le64toh(key->operations),
			(size_t)le64toh(key->memory)) != 0)
		return false;
	for (size_t i = 0; i < sizeof stream; i++)
		bytes[i] ^= stream[i];
	LIBSODIUM(sodium_memzero)(stream, sizeof stream);
	return true;
}

/* Returns whether the key is intact. A key without a password has no checksum. */
static bool is_whole(const struct secret_key *key)
{
	uint8_t checked[2 + 8 + 64], checksum[32];

	if (memcmp(key->kdf, "\0\0", 2) == 0)
		return true;
	memcpy(checked, key->algorithm, 2);
	memcpy(checked + 2, &key->secret, 8 + 64);
	LIBSODIUM(crypto_generichash)
	(checksum, sizeof checksum, checked, sizeof checked, NULL, 0);
	LIBSODIUM(sodium_memzero)(checked, sizeof checked);
	return memcmp(checksum, key->secret.checksum, sizeof checksum) == 0;
}

/* ssh refuses such a key; but what mounts secrets may do so for all to read. */
static void warn_of_readers(const char *file, FILE *in)
{
	struct stat st;

	if (fstat(fileno(in), &st) == 0 && st.st_uid == geteuid() &&
		st.st_mode & (S_IRGRP | S_IROTH))
		complain(
			file, "others can read this secret key; run: chmod 600 %s", file);
}

static int read_secret(const char *file, struct secret_key *key)
{
	AUTOFCLOSE FILE *in = open_key(file);
	char line[512];
	bool found = false;

	if (!in)
		return -EPERM;
	warn_of_readers(file, in);
	while (!found && fgets(line, sizeof line, in))
		found = decode(line, strcspn(line, "\r\n"), key, sizeof *key);
	LIBSODIUM(sodium_memzero)(line, sizeof line);
	if (!found || memcmp(key->algorithm, "Ed", 2) != 0)
		complain(file, "it contains no secret key of minisign");
	else if (!decrypt(key) || !is_whole(key))
		complain(file,
			"PYCSTASH_SIGN_PASSWORD does not hold the password of this key; `minisign -G -W` makes a key without one");
	else
		return 0;
	return -EPERM;
}

static void write_signature(const struct secret_key *key, const uint8_t digest[HASH_SIZE],
	const char *comment, char ret[MINISIGN_SIZE])
{
	struct signature signature = { .algorithm = { 'E', 'D' } };
	uint8_t joined[SIGNATURE_SIZE + COMMENT_MAX], of_comment[SIGNATURE_SIZE];
	char first[128], second[128];

	memcpy(signature.id, key->secret.id, sizeof signature.id);
	LIBSODIUM(crypto_sign_detached)
	(signature.bytes, NULL, digest, HASH_SIZE, key->secret.key);
	LIBSODIUM(crypto_sign_detached)
	(of_comment, NULL, joined, join(signature.bytes, comment, joined),
		key->secret.key);
	LIBSODIUM(sodium_bin2base64)
	(first, sizeof first, (const uint8_t *)&signature, sizeof signature,
		sodium_base64_VARIANT_ORIGINAL);
	LIBSODIUM(sodium_bin2base64)
	(second, sizeof second, of_comment, sizeof of_comment,
		sodium_base64_VARIANT_ORIGINAL);
	snprintf(ret, MINISIGN_SIZE,
		"untrusted comment: signature of a pack by pycstash\n%s\n" TRUSTED
		"%s\n%s\n",
		first, comment, second);
}

/* Returns as minisign_sign does. */
static int keep(const struct secret_key *key, const uint8_t digest[HASH_SIZE],
	int64_t expires, const char *there, const char *what)
{
	struct parts parts;

	if (parse(there, &parts) || expiry(&parts) <= time(NULL))
		return 0;
	if (memcmp(parts.signature.id, key->secret.id, sizeof key->secret.id) != 0) {
		complain(what,
			"it has a signature of another key, which stays; if nobody trusts that key any more, delete %s" MINISIGN_SUFFIX
			" from the store and push again",
			what);
		return -EEXIST;
	}
	/* the second half of a secret key is the public key */
	return is_signed_by(&parts, digest, key->secret.key + 32) &&
	       expiry(&parts) >= expires;
}

static int sign(const char *key_file, const char *what, const uint8_t digest[HASH_SIZE],
	int64_t expires, char signature[MINISIGN_SIZE])
{
	char comment[COMMENT_MAX], until[32] = "";
	struct secret_key key;
	int r = read_secret(key_file, &key);

	if (r < 0)
		return r;
	if (expires != INT64_MAX)
		snprintf(until, sizeof until, "\texpires:%" PRId64, expires);
	snprintf(comment, sizeof comment, "timestamp:%lld\tfile:%s%s",
		(long long)time(NULL), what, until);
	r = keep(&key, digest, expires, signature, what);
	if (r == 0)
		write_signature(&key, digest, comment, signature);
	LIBSODIUM(sodium_memzero)(&key, sizeof key);
	return r;
}

int minisign_sign(const char *key_file, const char *what, int fd, int64_t expires,
	char signature[MINISIGN_SIZE])
{
	uint8_t digest[HASH_SIZE];
	int r = shared_library_load(&libsodium);

	if (r < 0)
		return r;
	r = pack_digest(fd, digest, sizeof digest);
	if (r == 0)
		return sign(key_file, what, digest, expires, signature);
	if (r != -EINTR)
		complain(what, "%s", strerror(-r));
	return r;
}
