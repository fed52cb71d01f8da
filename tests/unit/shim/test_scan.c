/* SPDX-License-Identifier: MIT
 *
 * The scan that every interposed call pays for. It may say yes too often, but never no
 * if the letters are there.
 */
#include "shim/scan.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

/* Returns whether the scan may say yes at all: four letters of the word are next to each
 * other. */
static bool has_a_sign(const char *text)
{
	return strstr(text, "__py") || strstr(text, "_pyc") || strstr(text, "pyca") ||
	       strstr(text, "ycac");
}

/* Returns whether the scan says maybe. Its variants have to agree: the one that the
 * processor selects, and the one without AVX2. */
static bool maybe(const char *text)
{
	const bool ret = scan_maybe(text);
#if defined(__x86_64__)
	assert_int_equal((uintptr_t)text < PATH_FIRST_PAGE || scan_sse2(text), ret);
#endif
	return ret;
}

static void check(const char *text)
{
	if (strstr(text, PYCACHE))
		assert_true(maybe(text));
	else if (!has_a_sign(text))
		assert_false(maybe(text));
	assert_int_equal(path_names_pycache(text), strstr(text, PYCACHE) != NULL);
}

/* Fills everything around a text with `around`, which the scan must ignore. */
static char *place(
	char *buf, size_t size, size_t at, const char *text, const char *around)
{
	for (size_t i = 0; i < size; i++)
		buf[i] = around[i % strlen(around)];
	strcpy(buf + at, text);
	return buf + at;
}

static const char *const surroundings[] = { "__pycache__", "_", "e__", "p_", "/", "x" };
static const char *const harmless[] = {
	"/usr/lib/python3/dist-packages/a/site__packages/b.py", "site__packages",
	"/site_packages/__init__.py", "__main__.py", "__future__.py", "/a/__p/b",
	"/a/pycparser/_ply/__init__.py", "_py", "__p", "e__", "x__", "/home/cache__/x"
};

static void every_place_of_the_word(void **state)
{
	_Alignas(32) char buf[32 * 8];
	char text[128];

	(void)state;
	for (size_t before = 0; before < 40; before++)
		for (size_t behind = 0; behind < 40; behind++) {
			snprintf(text, sizeof text, "%.*s" PYCACHE "%.*s", (int)before,
				"/usr/lib/python3/dist-packages/some/where/else",
				(int)behind,
				"/module.cpython-311.pyc/and/something/behind");
			for (size_t at = 0; at < 32; at++)
				check(place(buf, sizeof buf, 32 + at, text, "x"));
		}
}

static void every_part_of_the_word(void **state)
{
	_Alignas(32) char buf[32 * 4];

	(void)state;
	for (size_t from = 0; from < PYCACHE_LEN; from++)
		for (size_t len = 0; len < PYCACHE_LEN - from; len++)
			for (size_t at = 0; at < 32; at++)
				for (size_t i = 0; i < COUNT(surroundings); i++) {
					char *text = place(buf, sizeof buf, 32 + at, "",
						surroundings[i]);

					memcpy(text, &PYCACHE[from], len);
					text[len] = '\0';
					check(text);
				}
}

/* Names that come close to the word cause no exact comparison. */
static void names_that_come_close(void **state)
{
	_Alignas(32) char buf[32 * 5];

	(void)state;
	for (size_t i = 0; i < COUNT(harmless); i++)
		for (size_t at = 0; at < 32; at++) {
			const char *text =
				place(buf, sizeof buf, 32 + at, harmless[i], "x");

			check(text);
			assert_false(maybe(text));
		}
}

static size_t make_text(uint64_t *seed, char *text)
{
	static const char *const pieces[] = { PYCACHE, "_", "__", "__p", "e__", "_p",
		"e_", "p", "e", "y", "pyc", "ca", "__pycach", "ycache__", "/",
		"/usr/lib/", "a", "module.py", "\xff" };
	size_t len = 0;

	for (unsigned n = unit_random(seed, 12); n--;) {
		/* the whole word seldom, or almost every text would contain it */
		const char *piece =
			pieces[unit_random(seed, 8)
					? 1 + unit_random(seed, COUNT(pieces) - 1)
					: 0];

		memcpy(text + len, piece, strlen(piece));
		len += strlen(piece);
	}
	text[len] = '\0';
	return len;
}

static void random_texts_at_every_alignment(void **state)
{
	_Alignas(32) char buf[32 * 8];
	uint64_t seed = 3;
	char text[160];

	(void)state;
	for (int i = 0; i < 40000; i++) {
		const char *around =
			surroundings[unit_random(&seed, COUNT(surroundings))];

		make_text(&seed, text);
		check(place(buf, sizeof buf, unit_random(&seed, 64), text, around));
	}
}

static void random_texts_at_a_page_end(void **state)
{
	uint64_t seed = 4;
	char text[160];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		size_t len = make_text(&seed, text);

		check(unit_at_page_end(text, len + 1));
	}
}

/* The kernel reports EFAULT for them, whatever the scan says. */
static void bad_pointers_are_not_followed(void **state)
{
	(void)state;
#if defined(__x86_64__) || defined(__aarch64__)
	assert_true(maybe(NULL));
	assert_true(maybe((const char *)1));
	assert_true(maybe((const char *)(PATH_FIRST_PAGE - 1)));
#endif
	assert_false(path_names_pycache(NULL));
	assert_false(path_names_pycache((const char *)1));
	assert_false(path_names_pycache((const char *)(PATH_FIRST_PAGE - 1)));
}

static void without_avx2_sse2_scans(void **state)
{
	(void)state;
#if defined(__x86_64__)
	uintptr_t floor = scan_floor;

	scan_floor = UINTPTR_MAX;
	assert_false(scan_maybe(""));
	assert_false(scan_maybe("/usr/lib/python3/os.py"));
	assert_true(scan_maybe(PYCACHE));
	assert_true(scan_maybe(NULL));
	scan_floor = floor;
#else
	skip();
#endif
}

static void before_the_constructor_it_says_maybe(void **state)
{
	(void)state;
#if defined(__x86_64__) || defined(__aarch64__)
	assert_true(scan_floor == UINTPTR_MAX);
	assert_true(scan_maybe("/usr"));
#endif
	scan_init();
}

int main(void)
{
	unit_one("before the constructor has run, the scan says maybe to everything",
		before_the_constructor_it_says_maybe);
	unit_one("the word is seen wherever it begins and ends", every_place_of_the_word);
	unit_one("a part of the word is not mistaken for it, whatever surrounds the text",
		every_part_of_the_word);
	unit_one(
		"names that come close to the word are told from it, wherever they begin",
		names_that_come_close);
	unit_one("40000 random texts at every alignment are scanned correctly",
		random_texts_at_every_alignment);
	unit_one("100000 random texts that end with a page are scanned correctly",
		random_texts_at_a_page_end);
	unit_one("pointers into the first page are not followed",
		bad_pointers_are_not_followed);
	unit_one("without AVX2 the scan uses SSE2", without_avx2_sse2_scans);
	return unit_run("scan");
}
