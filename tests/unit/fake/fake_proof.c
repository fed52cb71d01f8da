/* SPDX-License-Identifier: MIT
 *
 * Creating and freeing the source.
 */
#include "tests/unit/fake/fake_proof.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct source source;
struct source_clock source_clock;
struct scratch scratch;

int fake_proof_begin(void **state)
{
	if (fake_begin(state) < 0)
		return -1;
	source_clock = (struct source_clock){ .local = 0 };
	scratch = (struct scratch){ .kept = NULL };
	fake_make_file("m.py", "print(1)\n");
	source = (struct source){ .dirfd = AT_FDCWD, .path = strdup(fake_path("m.py")) };
	fake.stopped = true;
	return 0;
}

int fake_proof_end(void **state)
{
	if (scratch.kept)
		fake_sys.unmap(scratch.kept, SCRATCH_KEPT);
	free((char *)source.path);
	return fake_end(state);
}
