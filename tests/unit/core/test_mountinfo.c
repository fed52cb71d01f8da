/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "shim/core/base/mountinfo.h"
#include "tests/unit/fake/fake_sys.h"
#include "tests/unit/unit.h"

#define HOME "36 35 0:45 / /home rw,noatime shared:1 - nfs4 server:/home rw,vers=4.2"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *line;
	unsigned major, minor;
	bool known, same; /* the number that HOME has */
} rows[] = {
	{ "an export of a server has a number", HOME, 0, 45, true, true },
	{ "an export has the same number on a host with a different device and mount point",
		"1 2 0:1234567 / /net/home rw - nfs server:/home ro,vers=3", 0, 1234567,
		true, true },
	{ "a host with several optional fields has the same number",
		"1 2 4000:1 / /home rw shared:1 master:2 - nfs4 server:/home rw", 4000, 1,
		true, true },
	{ "a part of an export that is mounted alone has the number of the export",
		"1 2 0:45 /user /home/user rw - nfs4 server:/home rw", 0, 45, true,
		true },
	{ "a different export has a different number",
		"36 35 0:45 / /home rw - nfs4 server:/data rw", 0, 45, true, false },
	{ "a different server's export has a different number",
		"36 35 0:45 / /home rw - nfs4 other:/home rw", 0, 45, true, false },
	{ "a share has a number", "36 35 0:45 / /home rw - cifs //server/home rw", 0, 45,
		true, false },
	{ "a directory of another host has a number",
		"36 35 0:45 / /home rw - fuse.sshfs user@server:/home rw", 0, 45, true,
		false },
	{ "a line of a different device says nothing", HOME, 0, 46, false, false },
	{ "a line of a device with the same first digits says nothing", HOME, 0, 4, false,
		false },
	{ "a line of a local file system says nothing",
		"36 35 8:1 / / rw - ext4 /dev/sda1 rw", 8, 1, false, false },
	{ "a line of a local directory below FUSE says nothing",
		"36 35 0:45 / /mnt rw - fuse /srv/data rw", 0, 45, false, false },
	{ "a line with a meaningless name says nothing",
		"36 35 0:45 / /mnt rw - tmpfs none rw", 0, 45, false, false },
	{ "a line with a colon among its options says nothing",
		"36 35 0:45 / /mnt rw - overlay overlay rw,lowerdir=/a:/b", 0, 45, false,
		false },
	{ "a line that is cut off says nothing", "36 35 0:45 / /home rw - nfs4", 0, 45,
		false, false },
	{ "a line without its second half says nothing", "36 35 0:45 / /home rw,noatime",
		0, 45, false, false },
	{ "an empty line says nothing", "", 0, 0, false, false },
};
/* clang-format on */

static void identifies(void **state)
{
	const struct row *row = *state;
	uint64_t id = mountinfo_line_id(
		row->line, strlen(row->line), makedev(row->major, row->minor));

	assert_int_equal(id != 0, row->known);
	assert_int_equal(
		id == mountinfo_line_id(HOME, strlen(HOME), makedev(0, 45)), row->same);
}

static void what_is_local_has_none(void **state)
{
	struct stat st;

	(void)state;
	assert_return_code(stat("/proc", &st), errno);
	assert_int_equal(mountinfo_id(&fake_sys, st.st_dev), 0);
	assert_int_equal(fake.open, 0);
	assert_int_equal(fake.mapped, 0);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_rows(identifies, rows);
	unit_one("a file system of this machine has no number", what_is_local_has_none);
	return unit_run("mountinfo");
}
