/* SPDX-License-Identifier: MIT
 *
 * "Did you mean …?": which of the words there are is nearest to one that there is not.
 * Pure; words are kept as pointers.
 *
 *	struct nearest nearest = { .word = "stat" };
 *	for (each candidate)
 *		nearest_offer(&nearest, candidate);
 *	... nearest.best, NULL where none is near ...
 */
#pragma once

struct nearest {
	const char *word;
	const char *best;
	unsigned distance; /* characters to insert, delete or change */
};

/* Takes the candidate if it is near to the word, and nearer than the best one so far. */
void nearest_offer(struct nearest *nearest, const char *candidate);
