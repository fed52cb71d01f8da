/* SPDX-License-Identifier: MIT
 *
 * Marshal's format: Python/marshal.c of CPython, pypy/objspace/std/marshal_impl.py. Each
 * object is a letter for its type, perhaps with FLAG_REF, and what belongs to the type.
 */
#include "tools/pyc/marshal.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/python/interpreters.h"

/* The object gets a number, by which 'r' names it later. */
#define FLAG_REF 0x80

/* What a code object consists of, in order. Plain integers: i; L is the first line. The
 * others are objects: b bytes, t a tuple, u a string; F is co_filename, N co_name. */
static const char layout_36[] = "iiiiibtttttFNLb";
static const char layout_38[] = "iiiiiibtttttFNLb";
static const char layout_311[] = "iiiiibtttbFNuLbb";

static const struct {
	uint16_t first, last;
	const char *layout;
} layouts[] = {
	{ 160, 240, layout_36 }, /* PyPy */
	{ 256, 384, layout_38 },
	{ 3360, 3409, layout_36 }, /* CPython */
	{ 3410, 3449, layout_38 },
	{ 3495, 3649, layout_311 },
};

/* An object, as far as it matters. */
struct object {
	char kind; /* a letter of the layouts, or '-' for any other */
	struct marshal_text text;
};

/* A container that is being read. */
struct frame {
	const char *layout; /* of a code object: what is still to come; else NULL */
	uint64_t left;	    /* of any other: how many objects are still to come */
	bool dict;	    /* until a NULL comes in place of a key */
	bool value;	    /* of a dict: after a key */
};

struct reader {
	const uint8_t *at, *end;
	const char *layout;
	struct marshal_code *code;
	const char *why;
	struct object *refs;
	size_t refs_count, refs_room;
	unsigned depth; /* how many frames there are */
	struct frame frames[MARSHAL_DEPTH];
};

static int bad(struct reader *reader, const char *why)
{
	reader->why = why;
	return -EBADMSG;
}

static int take(struct reader *reader, uint64_t size, const uint8_t **ret)
{
	if (size > (uint64_t)(reader->end - reader->at))
		return bad(reader, "the code ends too early");
	*ret = reader->at;
	reader->at += size;
	return 0;
}

/* A little-endian number of that many bytes. */
static int take_number(struct reader *reader, unsigned bytes, uint32_t *ret)
{
	const uint8_t *p;
	int r = take(reader, bytes, &p);

	if (r < 0)
		return r;
	*ret = 0;
	for (unsigned i = 0; i < bytes; i++)
		*ret |= (uint32_t)p[i] << 8 * i;
	return 0;
}

/* A length of that many bytes, and as many bytes behind it. */
static int take_text(struct reader *reader, unsigned bytes, struct marshal_text *ret)
{
	const uint8_t *p;
	uint32_t size;
	int r = take_number(reader, bytes, &size);

	if (r == 0)
		r = take(reader, size, &p);
	if (r == 0)
		*ret = (struct marshal_text){ (const char *)p, size };
	return r;
}

/* An integer of any size: how many digits of 15 bits, negative for a negative one. */
static int skip_long(struct reader *reader)
{
	const uint8_t *p;
	uint32_t digits;
	int r = take_number(reader, 4, &digits);

	if (r < 0)
		return r;
	if (digits > INT32_MAX)
		digits = -digits;
	return take(reader, 2 * (uint64_t)digits, &p);
}

static int skip(struct reader *reader, unsigned bytes)
{
	const uint8_t *p;

	return take(reader, bytes, &p);
}

static int skip_texts(struct reader *reader, unsigned count)
{
	struct marshal_text text;
	int r = 0;

	while (count-- > 0 && r == 0)
		r = take_text(reader, 1, &text);
	return r;
}

static int push(struct reader *reader, struct frame frame)
{
	if (reader->depth == MARSHAL_DEPTH)
		return bad(reader, "nested too deeply");
	reader->frames[reader->depth++] = frame;
	return 0;
}

/* A container with a count of that many bytes in front. */
static int open_sequence(struct reader *reader, unsigned bytes)
{
	uint32_t count;
	int r = take_number(reader, bytes, &count);

	if (r < 0)
		return r;
	return push(reader, (struct frame){ .left = count });
}

static int open_code(struct reader *reader)
{
	reader->code->codes++;
	return push(reader, (struct frame){ .layout = reader->layout });
}

/* Keeps an object under the next number. */
static int add_ref(struct reader *reader, const struct object *object)
{
	if (reader->refs_count == reader->refs_room) {
		size_t room = reader->refs_room ? 2 * reader->refs_room : 64;
		struct object *refs =
			reallocarray(reader->refs, room, sizeof *reader->refs);

		if (!refs)
			return -ENOMEM;
		reader->refs = refs;
		reader->refs_room = room;
	}
	reader->refs[reader->refs_count++] = *object;
	return 0;
}

static int find_ref(struct reader *reader, struct object *ret)
{
	uint32_t number;
	int r = take_number(reader, 4, &number);

	if (r < 0)
		return r;
	if (number >= reader->refs_count)
		return bad(reader, "a reference to what is not there");
	*ret = reader->refs[number];
	return 0;
}

/* What stands behind the letter of a type; containers are opened. */
static int read_body(struct reader *reader, uint8_t type, struct object *ret)
{
	switch (type) {
	case 'N':
	case 'F':
	case 'T':
	case 'S':
	case '.':
		return 0;
	case 'i':
		return skip(reader, 4);
	case 'I':
	case 'g':
		return skip(reader, 8);
	case 'y':
		return skip(reader, 16);
	case 'l':
		return skip_long(reader);
	case 'f':
		return skip_texts(reader, 1);
	case 'x':
		return skip_texts(reader, 2);
	case 's':
		ret->kind = 'b';
		return take_text(reader, 4, &ret->text);
	case 'u':
	case 't':
	case 'a':
	case 'A':
		ret->kind = 'u';
		return take_text(reader, 4, &ret->text);
	case 'z':
	case 'Z':
		ret->kind = 'u';
		return take_text(reader, 1, &ret->text);
	case ')':
		ret->kind = 't';
		return open_sequence(reader, 1);
	case '(':
		ret->kind = 't';
		return open_sequence(reader, 4);
	case '[':
	case '<':
	case '>':
		return open_sequence(reader, 4);
	case '{':
		return push(reader, (struct frame){ .dict = true });
	case ':':
		return push(reader, (struct frame){ .left = 3 }); /* a slice */
	case 'c':
		return open_code(reader);
	default:
		return bad(reader, "an object of an unknown type");
	}
}

/* Reads an object; where it is a container, what is in it comes next. */
static int read_object(struct reader *reader, struct object *ret)
{
	const uint8_t *p;
	int r = take(reader, 1, &p);
	uint8_t type;

	*ret = (struct object){ .kind = '-' };
	if (r < 0)
		return r;
	type = *p & (uint8_t)~FLAG_REF;
	if (type == 'r')
		return find_ref(reader, ret);
	r = read_body(reader, type, ret);
	/* before what is in it, as marshal counts too */
	return r == 0 && (*p & FLAG_REF) ? add_ref(reader, ret) : r;
}

static int read_field(struct reader *reader, char field)
{
	bool outermost = reader->depth == 1;
	struct object object;
	uint32_t number;
	int r;

	if (field == 'i' || field == 'L') {
		r = take_number(reader, 4, &number);
		if (r == 0 && field == 'L' && outermost)
			reader->code->first_line = (int32_t)number;
		return r;
	}
	r = read_object(reader, &object);
	if (r < 0)
		return r;
	if (object.kind != (field == 'F' || field == 'N' ? 'u' : field))
		return bad(reader, "a part of a code object is of another type");
	if (outermost && field == 'F')
		reader->code->file_name = object.text;
	if (outermost && field == 'N')
		reader->code->name = object.text;
	return 0;
}

/* The next of a dict's keys and values. */
static int read_pair(struct reader *reader, struct frame *frame)
{
	struct object object;

	if (!frame->value && reader->at < reader->end && *reader->at == '0') {
		reader->at++;
		reader->depth--;
		return 0;
	}
	frame->value = !frame->value;
	return read_object(reader, &object);
}

static int read_next(struct reader *reader)
{
	struct frame *frame = &reader->frames[reader->depth - 1];
	struct object object;

	if (frame->dict)
		return read_pair(reader, frame);
	if (frame->layout ? !*frame->layout : frame->left == 0) {
		reader->depth--;
		return 0;
	}
	if (frame->layout)
		return read_field(reader, *frame->layout++);
	frame->left--;
	return read_object(reader, &object);
}

static const char *find_layout(const uint8_t magic[4])
{
	unsigned number = interpreters_magic_number(magic);

	for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
		if (layouts[i].first <= number && number <= layouts[i].last)
			return layouts[i].layout;
	return NULL;
}

int marshal_read(const uint8_t magic[4], const void *data, size_t size,
	struct marshal_code *ret, const char **ret_why)
{
	const char *layout = find_layout(magic);
	struct reader *reader;
	struct object object;
	int r;

	if (!layout)
		return -ENOTSUP;
	reader = malloc(sizeof *reader);
	if (!reader)
		return -ENOMEM;
	*ret = (struct marshal_code){ .codes = 0 };
	reader->at = data;
	reader->end = reader->at + size;
	reader->layout = layout;
	reader->code = ret;
	reader->why = NULL;
	reader->refs = NULL;
	reader->refs_count = reader->refs_room = 0;
	reader->depth = 0;
	r = read_object(reader, &object);
	if (r == 0 && ret->codes == 0)
		r = bad(reader, "it is no code object");
	while (r == 0 && reader->depth > 0)
		r = read_next(reader);
	ret->size = (size_t)(reader->at - (const uint8_t *)data);
	*ret_why = reader->why;
	free(reader->refs);
	free(reader);
	return r;
}
