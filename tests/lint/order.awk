# SPDX-License-Identifier: MIT
#
# Prints FILE:LINE for faults that clang-format makes when it fits text into 90 columns: a
# comment of one paragraph with its */ on a line of its own, and a string literal that is broken
# in the middle of a sentence, so that grep does not find it. Also for includes whose groups are
# not in this order: own header, <system>, "ours", with an empty line between them.
FNR == 1 { comment = literal = last = 0; empty = 1 }

# --- comments -------------------------------------------------------------------------
/^[ \t]*\/\* / { comment = FNR > 1; exempt = 0 }
/^[ \t]*\*$/ || /^[ \t]*\*\t/ { exempt = 1 }
comment && !exempt && /^[ \t]*\*\/$/ { print FILENAME ":" FNR ": */ alone" }
/\*\// { comment = 0 }

# --- literals -------------------------------------------------------------------------
literal && /^[ \t]*"[A-Za-z([]/ || bare && /^[ \t]*" [A-Za-z]/ {
	print FILENAME ":" FNR ": broken sentence"
}
{ literal = /[A-Za-z][,;:.]? "$/; bare = /[A-Za-z][,;:.]?"$/ && !/\\n"$/ }

# --- includes -------------------------------------------------------------------------
# A file may begin with its own header. An include in #if, or after #define, has to be where it
# is. Tables (.def) and the like are included where they are used.
/^#(if|define|endif)/ { last = 0 }
/^#include / && !/\.(def|inc)"/ {
	rank = /</ ? 2 : last || FILENAME ~ /h$/ ? 3 : 1
	if (rank < last) print FILENAME ":" FNR ": out of order"
	else if (last && last != rank && !empty && rank + last != 4) print FILENAME ":" FNR ": needs an empty line"
	last = rank
}
{ empty = $0 == "" }
