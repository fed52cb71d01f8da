/* SPDX-License-Identifier: MIT
 *
 * libarchive, loaded when it is first needed: with all that it is linked to in turn it
 * would triple the start-up of every `pycstash run`, and a machine that only runs
 * programs need not have it.
 *
 *	int r = libarchive_load();
 *	...
 *	handle = LIB(archive_read_new)();
 */
#pragma once

#include <archive.h>
#include <archive_entry.h>

/* 0; -ENOSYS after reporting that there is none of that version. Never unloaded. */
int libarchive_load(void);

/* A function of the library that is loaded. */
#define LIB(function) ((__typeof__(&function))libarchive_symbol(#function))

/* Its address. One that is too old to have it ends the command, which says so. */
void *libarchive_symbol(const char *name);
