/* SPDX-License-Identifier: MIT
 *
 * The numbers at the front of pycs, and whose they are.
 */
#include <stdio.h>

#include "tools/python/interpreters.h"

/* A pyc begins with a number of 16 bits and these two, which a transfer as text breaks.
 */
static const uint8_t line_end[2] = { '\r', '\n' };

struct owner {
	uint16_t first, last;
	const char *name;
	const char *releases; /* NULL: all of that name */
};

/* clang-format off */
static const struct owner owners[] = {
	{    64,    64, "PyPy 3.3",         NULL },
	{   112,   112, "PyPy 3.5",         NULL },
	{   160,   160, "PyPy 3.6",         NULL },
	{   192,   192, "PyPy 3.6",         NULL },
	{   224,   224, "PyPy 3.7",         NULL },
	{   240,   240, "PyPy 3.7",         NULL },
	{   256,   256, "PyPy 3.8",         NULL },
	{   320,   320, "PyPy 3.9",         NULL },
	{   336,   336, "PyPy 3.9",         NULL },
	{   384,   384, "PyPy 3.10",        NULL },
	{   416,   416, "PyPy 3.11",        "7.3.20 to 7.3.22" },
	{   432,   432, "PyPy 3.11",        "7.3.23 and later" },
	{   448,   448, "PyPy 3.12",        NULL },
	{  3000,  3131, "CPython 3.0",      NULL },
	{  3141,  3151, "CPython 3.1",      NULL },
	{  3160,  3180, "CPython 3.2",      NULL },
	{  3190,  3220, "CPython 3.3 alpha", NULL },
	{  3230,  3230, "CPython 3.3",      "3.3.0a4 and later" },
	{  3250,  3300, "CPython 3.4 alpha", NULL },
	{  3310,  3310, "CPython 3.4",      "3.4.0rc2 and later" },
	{  3320,  3320, "CPython 3.5 alpha", NULL },
	{  3330,  3340, "CPython 3.5 beta", NULL },
	{  3350,  3350, "CPython 3.5",      "3.5.0b3 to 3.5.1" },
	{  3351,  3351, "CPython 3.5",      "3.5.2 and later" },
	{  3360,  3372, "CPython 3.6 alpha", NULL },
	{  3373,  3378, "CPython 3.6 beta", NULL },
	{  3379,  3379, "CPython 3.6",      "3.6.0rc1 and later" },
	{  3390,  3392, "CPython 3.7 alpha", NULL },
	{  3393,  3393, "CPython 3.7 beta", "3.7.0b1 to 3.7.0b4" },
	{  3394,  3394, "CPython 3.7",      "3.7.0b5 and later" },
	{  3400,  3410, "CPython 3.8 alpha", NULL },
	{  3411,  3412, "CPython 3.8 beta", "3.8.0b2 to 3.8.0b3" },
	{  3413,  3413, "CPython 3.8",      "3.8.0b4 and later" },
	{  3420,  3424, "CPython 3.9 alpha", NULL },
	{  3425,  3425, "CPython 3.9",      "3.9.0a2 and later" },
	{  3430,  3435, "CPython 3.10 alpha", NULL },
	{  3436,  3438, "CPython 3.10 beta", NULL },
	{  3439,  3439, "CPython 3.10",     "3.10.0b1 and later" },
	{  3450,  3494, "CPython 3.11 alpha", NULL },
	{  3495,  3495, "CPython 3.11",     "3.11.0b4 and later" },
	{  3500,  3524, "CPython 3.12 alpha", NULL },
	{  3525,  3530, "CPython 3.12 beta", NULL },
	{  3531,  3531, "CPython 3.12",     "3.12.0b1 and later" },
	{  3550,  3570, "CPython 3.13 alpha", NULL },
	{  3571,  3571, "CPython 3.13",     "3.13.0b1 and later" },
	{  3600,  3623, "CPython 3.14 alpha", NULL },
	{  3624,  3626, "CPython 3.14 beta", NULL },
	{  3627,  3627, "CPython 3.14",     "3.14.0rc3 and later" },
	{  3650,  3699, "CPython 3.15",     NULL },
	{  3700,  3749, "CPython 3.16",     NULL },
	{ 12641, 12641, "RustPython",       NULL },
	{ 12897, 12897, "RustPython",       NULL },
	{ 21150, 21150, "GraalPy",          NULL },
	{ 21260, 21260, "GraalPy",          NULL },
	{ 21280, 21280, "GraalPy",          NULL },
	{ 21290, 21290, "GraalPy",          NULL },
	{ 24881, 24881, "RustPython",       NULL },
	{ 35310, 35310, "RustPython",       NULL },
	{ 62071, 62131, "CPython 2.5",      NULL },
	{ 62151, 62161, "CPython 2.6",      NULL },
	{ 62171, 62211, "CPython 2.7",      NULL },
	{ 62218, 62218, "PyPy 2.7",         NULL },
};
/* clang-format on */

static const struct owner *find(const uint8_t magic[4])
{
	unsigned number = interpreters_magic_number(magic);

	if (magic[2] != line_end[0] || magic[3] != line_end[1])
		return NULL;
	for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
		if (owners[i].first <= number && number <= owners[i].last)
			return &owners[i];
	return NULL;
}

unsigned interpreters_magic_number(const uint8_t magic[4])
{
	return magic[0] | (unsigned)magic[1] << 8;
}

bool interpreters_of_magic(const uint8_t magic[4], char *buf, size_t size)
{
	const struct owner *owner = find(magic);

	if (owner)
		snprintf(buf, size, "%s", owner->name);
	return owner;
}

const char *interpreters_releases(const uint8_t magic[4])
{
	const struct owner *owner = find(magic);

	return owner ? owner->releases : NULL;
}
