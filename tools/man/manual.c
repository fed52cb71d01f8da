/* SPDX-License-Identifier: MIT
 *
 * The manual pages.
 */
#include "tools/man/manual.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "tools/cli/command.h"
#include "tools/conf/conf.h"
#include "tools/man/roff.h"

/* clang-format off */
static const char about_command[] =
	"Keeps Python's bytecode in one cache instead of in __pycache__ folders, and lets one look into that cache, fill it, keep it small and carry it elsewhere.\n"
	"\n"
	"What keeps the bytecode there is a library that is loaded into the interpreter, libpycstash(7); `pycstash run` does that for one command, `pycstash wrap` for an interpreter. Nothing else is needed: the first start of a program fills the cache.\n"
	"\n"
	"Options may stand before and behind the other words, and end at `--`; those of `run` and `wrap` end at the first other word. Sizes are written as 500M or 2G (powers of 1024), ages as 12h or 30d.\n";

static const char about_files[] =
	"Lines `key = value`; empty lines and those whose first letter is # are passed over. A value is all that follows the first =, without the blanks around it; there is no quoting.\n"
	"\n"
	"For each setting the first of these counts: an option of the command line, the environment (PYCSTASH_MAX_SIZE for max_size; an empty variable asks for the default), the user's file, the machine's file, the default. `pycstash config` shows which it is, `pycstash config set` changes the user's file, `pycstash config check` says what is wrong.\n"
	"\n"
	"A file is read only if it belongs to the user or to root, and neither it nor its directory can be written by others. PYCSTASH_SYSCONFDIR in the environment names another place for the machine's file. Commands stop with exit code 13 where a line is wrong; `pycstash run` warns, and goes on without that line.\n"
	"\n"
	"The library reads no file: `pycstash run` hands on to it what the files say. Where it is preloaded in another way, only the environment counts.\n";

static const char about_library[] =
	"Stands between a program and the C library, and answers calls on paths that have a component __pycache__ from the cache. Any unmodified, dynamically linked Python 3 on Linux then keeps its bytecode there, also where its code is read-only. A call on any other path costs one look at its letters.\n"
	"\n"
	"Bytecode is served for a source of the content that it was compiled of, and for no other, whatever times and sizes say. The same source is compiled once for each version of the interpreter, under all its paths.\n"
	"\n"
	"Whatever goes wrong in it, the program goes on as if the library were not there. It prints nothing unless PYCSTASH_LOG asks for it.\n";

static const char about_trust[] =
	"Bytecode is code. The cache must belong to the effective user and be closed to others; else it is not used. In a program that runs with another user's privileges (set-user-ID) no variable is read and nothing is done.\n";
/* clang-format on */

static void print_title(FILE *out, const char *name, int section)
{
	char title[64];
	size_t i;

	for (i = 0; name[i] && i + 1 < sizeof title; i++)
		title[i] = (char)toupper((unsigned char)name[i]);
	title[i] = '\0';
	fprintf(out, ".\\\" SPDX-License-Identifier: MIT\n.TH ");
	roff_text(out, title);
	/* names are not to be torn apart */
	fprintf(out, " %d \"\" \"pycstash %s\"\n.nh\n.ad l\n", section, PYCSTASH_VERSION);
}

static void print_name(FILE *out, const char *name, const char *what)
{
	fputs(".SH NAME\n", out);
	roff_text(out, name);
	fputs(" \\- ", out);
	roff_text(out, what);
	fputc('\n', out);
}

static void print_items(FILE *out, const char *term, const char *text)
{
	fputs(".TP\n.B ", out);
	roff_text(out, term);
	fputc('\n', out);
	roff_prose(out, text);
}

static void print_exit_codes(FILE *out)
{
	const struct exit_meaning *row;
	char number[8];

	fputs(".SH EXIT STATUS\n", out);
	for (row = exit_meanings; row->meaning; row++) {
		snprintf(number, sizeof number, "%d", row->code);
		print_items(out, number, row->meaning);
	}
	print_items(out, "128+N",
		"ended by signal N; what was done and what is left has been said");
	fputs(".PP\nEvery other code of\n.B run\nis that of the command it runs.\n", out);
}

static void print_see_also(FILE *out)
{
	fputs(".SH SEE ALSO\n"
	      ".BR pycstash (1),\n.BR pycstash.conf (5),\n.BR libpycstash (7)\n",
		out);
}

static void print_files(FILE *out)
{
	fputs(".SH FILES\n", out);
	print_items(out, "$XDG_CONFIG_HOME/pycstash/pycstash.conf",
		"The user's settings; ~/.config if XDG_CONFIG_HOME is unset.");
	print_items(out, PYCSTASH_SYSCONFDIR "/pycstash.conf", "The machine's settings.");
	print_items(out, "$XDG_CACHE_HOME/pycstash",
		"The cache; ~/.cache if XDG_CACHE_HOME is unset.");
}

static void print_option(FILE *out, const struct opt *opt)
{
	fputs(".TP\n", out);
	if (opt->letter)
		fprintf(out, "\\fB\\-%c\\fR, ", opt->letter);
	fputs("\\fB\\-\\-", out);
	roff_text(out, opt->name);
	fputs("\\fR", out);
	if (opt->arg) {
		fputs(" \\fI", out);
		roff_text(out, opt->arg);
		fputs("\\fR", out);
	}
	fputc('\n', out);
	roff_prose(out, opt->help);
}

static void print_command(FILE *out, const struct command *command)
{
	const struct opt_table *table;
	const struct opt *opt;
	char name[64];

	snprintf(name, sizeof name, "pycstash-%s", command->name);
	print_title(out, name, 1);
	print_name(out, name, command->summary);
	fputs(".SH SYNOPSIS\n.B pycstash ", out);
	roff_text(out, command->name);
	fputc('\n', out);
	if (*command->args) {
		roff_text(out, command->args);
		fputc('\n', out);
	}
	if (command->notes) {
		fputs(".SH DESCRIPTION\n", out);
		roff_prose(out, command->notes);
	}
	fputs(".SH OPTIONS\n", out);
	for (table = command->options; table->rows; table++)
		for (opt = table->rows; opt->name; opt++)
			print_option(out, opt);
	print_option(out, &opt_help);
	fputs(".SH EXIT STATUS\nThe codes of all commands are in\n.BR pycstash (1).\n",
		out);
	print_see_also(out);
}

static void print_overview(FILE *out)
{
	const struct command *const *command;

	print_title(out, "pycstash", 1);
	print_name(out, "pycstash", "a cache for Python's bytecode");
	fputs(".SH SYNOPSIS\n.B pycstash\n.I COMMAND\n[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n.SH DESCRIPTION\n",
		out);
	roff_prose(out, about_command);
	fputs(".SH COMMANDS\nEach has a page of its own, as pycstash\\-run(1).\n", out);
	for (command = commands; *command; command++)
		print_items(out, (*command)->name, (*command)->summary);
	print_files(out);
	print_exit_codes(out);
	print_see_also(out);
}

static void print_settings(FILE *out, bool by_variable)
{
	const struct conf_key *key;

	for (key = conf_keys; key->name; key++) {
		if (by_variable && !key->shim)
			continue;
		fputs(".TP\n\\fB", out);
		roff_text(out, by_variable ? key->variable : key->name);
		fputs(by_variable ? "\\fR=\\fI" : "\\fR = \\fI", out);
		roff_text(out,
			by_variable || key->kind != CONF_BOOL ? key->values : "yes|no");
		fputs("\\fR\n", out);
		roff_prose(out, key->what);
		if (key->fallback && !by_variable) {
			fputs("Default: ", out);
			roff_text(out, key->fallback);
			fputs(".\n", out);
		}
	}
}

static void print_conf(FILE *out)
{
	print_title(out, "pycstash.conf", 5);
	print_name(out, "pycstash.conf", "settings of pycstash");
	fputs(".SH DESCRIPTION\n", out);
	roff_prose(out, about_files);
	fputs(".SH SETTINGS\n", out);
	print_settings(out, false);
	print_files(out);
	print_see_also(out);
}

static void print_library(FILE *out)
{
	print_title(out, "libpycstash", 7);
	print_name(out, "libpycstash", "keeps Python's bytecode in one cache");
	fputs(".SH SYNOPSIS\n.B LD_PRELOAD=", out);
	roff_text(out, PYCSTASH_LIBDIR "/libpycstash.so");
	fputs("\n.I COMMAND\n.SH DESCRIPTION\n", out);
	roff_prose(out, about_library);
	fputs(".SH ENVIRONMENT\nRead once, when the library is loaded.\n", out);
	print_settings(out, true);
	fputs(".SH TRUST\n", out);
	roff_prose(out, about_trust);
	print_see_also(out);
}

static const struct page {
	const char *name;
	void (*print)(FILE *out);
} pages[] = {
	{ "pycstash.1", print_overview },
	{ "pycstash.conf.5", print_conf },
	{ "libpycstash.7", print_library },
};

#define PAGES (sizeof pages / sizeof *pages)

void manual_list(FILE *out)
{
	const struct command *const *command;
	size_t i;

	for (i = 0; i < PAGES; i++)
		fprintf(out, "%s\n", pages[i].name);
	for (command = commands; *command; command++)
		fprintf(out, "pycstash-%s.1\n", (*command)->name);
}

int manual_print(FILE *out, const char *page)
{
	const struct command *const *command;
	char name[64];
	size_t i;

	for (i = 0; i < PAGES; i++)
		if (strcmp(page, pages[i].name) == 0)
			return pages[i].print(out), 0;
	for (command = commands; *command; command++) {
		snprintf(name, sizeof name, "pycstash-%s.1", (*command)->name);
		if (strcmp(page, name) == 0)
			return print_command(out, *command), 0;
	}
	return -ENOENT;
}
