/* SPDX-License-Identifier: MIT
 *
 * The format is that of Python/marshal.c in CPython and marshal_impl.py in PyPy. An
 * object is a byte for its type, followed by the data of that type. The objects in a
 * container follow it, so it is enough to count how many are still to come; only in the
 * middle of a code object there is a number.
 */
#include "shim/core/python/marshal.h"

/* Set in the type of an object that is referred to later. */
#define FLAG_REF 0x80

static const struct code_layout {
	uint16_t first, last; /* magic numbers */
	uint8_t numbers, more;
} layouts[] = {
#define CODE(numbers, more) numbers, more
#define CODE_UNKNOWN 0, 0
#define INTERPRETER(first, last, tag, header, code, name, releases) { first, last, code },
#include "shim/core/python/interpreters.def"
};

struct marshal {
	const struct code_layout *layout;
	const uint8_t *at;
	size_t left; /* how many bytes are still to come */
	/* How many objects are still to come: outside all code, then for each code object
	 * those after its first line, and those before it. */
	uint32_t objects[2 * MARSHAL_DEPTH + 1];
	unsigned depth;
};

static enum marshal_end skip(struct marshal *reader, uint64_t size)
{
	if (size > reader->left)
		return MARSHAL_CUT;
	reader->at += size;
	reader->left -= size;
	return MARSHAL_WHOLE;
}

/* Expects that many more objects, each of at least one byte. */
static enum marshal_end expect(struct marshal *reader, uint32_t count)
{
	uint32_t *objects = &reader->objects[reader->depth];

	if (count > reader->left || *objects > reader->left - count)
		return MARSHAL_CUT;
	*objects += count;
	return MARSHAL_WHOLE;
}

/* Skips a count of `width` bytes, and after it that many times `unit` bytes. */
static enum marshal_end skip_counted(
	struct marshal *reader, unsigned width, unsigned unit)
{
	const uint8_t *p = reader->at;
	uint32_t count = 0;

	if (skip(reader, width) != MARSHAL_WHOLE)
		return MARSHAL_CUT;
	for (unsigned i = 0; i < width; i++)
		count |= (uint32_t)p[i] << 8 * i;
	if (unit == 2 && count > INT32_MAX) /* the digits of a negative number */
		count = -count;
	if (unit)
		return skip(reader, (uint64_t)count * unit);
	return expect(reader, count);
}

static enum marshal_end enter_code(struct marshal *reader)
{
	if (reader->depth == 2 * MARSHAL_DEPTH)
		return MARSHAL_DEEP;
	reader->objects[++reader->depth] = reader->layout->more;
	reader->objects[++reader->depth] = 8;
	return skip(reader, 4 * reader->layout->numbers);
}

static enum marshal_end skip_object(struct marshal *reader)
{
	const uint8_t *type = reader->at;

	if (skip(reader, 1) != MARSHAL_WHOLE)
		return MARSHAL_CUT;
	reader->objects[reader->depth]--;
	switch (*type & ~FLAG_REF) {
	case 'N': /* None, False, True, StopIteration, ... */
	case 'F':
	case 'T':
	case 'S':
	case '.':
		return MARSHAL_WHOLE;
	case 'i': /* a number, a reference */
	case 'r':
		return skip(reader, 4);
	case 'I':
	case 'g': /* a float */
		return skip(reader, 8);
	case 'y': /* a complex */
		return skip(reader, 16);
	case 'l':
		return skip_counted(reader, 4, 2);
	case 's': /* bytes and strings */
	case 't':
	case 'u':
	case 'a':
	case 'A':
		return skip_counted(reader, 4, 1);
	case 'z':
	case 'Z':
		return skip_counted(reader, 1, 1);
	case ')': /* tuples, lists, sets */
		return skip_counted(reader, 1, 0);
	case '(':
	case '[':
	case '<':
	case '>':
		return skip_counted(reader, 4, 0);
	case ':': /* a slice */
		return expect(reader, 3);
	case 'c':
		return enter_code(reader);
	default:
		return MARSHAL_ODD;
	}
}

static const struct code_layout *find_layout(const uint8_t magic[4])
{
	unsigned number = magic[0] | (unsigned)magic[1] << 8;

	for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
		if (layouts[i].first <= number && number <= layouts[i].last &&
			layouts[i].numbers)
			return &layouts[i];
	return NULL;
}

enum marshal_end marshal_end(const uint8_t magic[4], const void *code, size_t size)
{
	struct marshal reader = {
		.layout = find_layout(magic), .at = code, .left = size, .objects = { 1 }
	};
	enum marshal_end ret = MARSHAL_WHOLE;

	if (!reader.layout || size > UINT32_MAX)
		return MARSHAL_UNKNOWN;
	while (ret == MARSHAL_WHOLE) {
		if (reader.objects[reader.depth] > 0)
			ret = skip_object(&reader);
		else if (reader.depth == 0)
			break;
		else if (--reader.depth % 2 == 1) /* the first line */
			ret = skip(&reader, 4);
	}
	return ret;
}
