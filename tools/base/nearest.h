/* SPDX-License-Identifier: MIT
 *
 * "Did you mean …?": finds the known word that is nearest to an unknown one. Pure; words
 * are kept as pointers.
 *
 *	struct nearest nearest = { .word = "stat" };
 *	for (each candidate)
 *		nearest_offer(&nearest, candidate);
 *	... nearest.best, NULL if none is near ...
 */
#pragma once

struct nearest {
	const char *word;
	const char *best;
	unsigned distance; /* number of characters to insert, delete or change */
};

/* Takes the candidate if it is near to the word, and nearer than the best one so far. */
void nearest_offer(struct nearest *nearest, const char *candidate);
