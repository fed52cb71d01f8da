# SPDX-License-Identifier: MIT
#
# Lines "row RS bare RS got"; bare and got are "result TAB seen TAB place". Prints a line
# a symbol; of one that differs the first rows that do.
BEGIN {
	FS = "\036"
	while (known != "" && (getline line < known) > 0)
		if (line !~ /^#/ && split(line, column, "\t") >= 3) {
			known_row[++knowns] = column[1]
			known_bare[knowns] = column[2]
			known_got[knowns] = column[3]
		}
}

function is_known(i) {
	for (i = 1; i <= knowns; i++)
		if ($1 ~ known_row[i] && bare[1] ~ "^" known_bare[i] && got[1] ~ "^" known_got[i])
			return 1
	return 0
}

# Whether the row writes to a pyc or one of numba's files under its final name, or to a
# temporary one, unless the fixture has looked for what that is to be (?), or links a temporary file to
# either: that is kept in the tree.
function writes_pyc(row) {
	return row ~ /\.(pyc|nb[ic])(\.[0-9]+|\.tmp\.[0-9a-f]+)?( |$)/ && row !~ /,\?/ && row !~ /O_DIRECTORY|O_PATH/ &&
		(row ~ / (open|open64|__open|__open64|openat|openat64|openat2) .*(O_WRONLY|O_RDWR|O_CREAT|O_TRUNC)/ ||
		row ~ / link(at)? .*\.(pyc|nbi)\.[0-9a-z.]+ .*\.(pyc|nbi)( |$)/ || row ~ / link(at)? .*a\/@.* .*b\/@/ || row ~ / creat(64)? / || row ~ / f(re)?open(64)? .* ([wa]|r[^ ]*\+)/ || row ~ / truncate(64)? /)
}

# Whether the row enters a __pycache__, or opens it to make files in it: then it is real.
function enters(row) {
	return row !~ /a\/@=0([^3]|$)/ && row ~ /( chdir .*| O_PATH)/ && row ~ /@[\/.]*( |$)/ && row !~ /@\/+\.\.\/*( |$)/
}

# Whether the row gives what it finds to somebody, or changes an attribute: that is moved to the
# tree, unless it is a temporary file, or the program has closed it.
function gives(row) {
	return row ~ / (l?chown|fchownat|l?(set|remove)xattr) / && row ~ /(@[\/.]*|\.(pyc|nb[ic])) / && row !~ /@\/+\.\.\/* /
}

function fail(why) {
	if (mode == "cached" && is_known())
		return
	if (failed[symbol]++ < shown)
		details[symbol] = details[symbol] "\n#   " $1 "\n#     " why "\n#     bare: " $2 \
			"\n#     got:  " $3
}

{
	split($1, word, " ")
	where = word[1]
	symbol = word[3]
	if (!(symbol in count))
		named[++symbols] = symbol
	count[symbol]++
	split($2, bare, "\t")
	split($3, got, "\t")
	# A hard link to bytecode in the cache is a copy.
	if (mode == "cached" && symbol ~ /^link/) {
		gsub(/ links [0-9]+/, "", bare[2])
		gsub(/ links [0-9]+/, "", got[2])
	}
	# Where libc itself changes errno on success (realpath, remove), the library need not.
	if (sub(/^errno [A-Z]+ on success /, "", bare[1]))
		sub(/^errno [A-Z]+ on success /, "", got[1])
	in_tree = got[3] ~ /tree-[ab]=\[/
	if (where == "c" && $1 ~ /,\?.* FD:/) # by another path than it was looked for
		where = "any"
	if (where == "c" && got[1] !~ /^-1/ && (writes_pyc($1) || enters($1)))
		where = "make"
	if (where == "c" && gives($1))
		where = got[1] ~ /^-1/ || $1 ~ /=0/ ? "any" : "make"

	if ($2 == "" || $3 == "")
		fail("no answer: the driver has died")
	else if ($2 ~ /fixture:|unknown symbol/)
		fail("the row is wrong")
	else if (mode == "same" && got[3] != bare[3])
		fail("the tree is another afterwards")
	else if (mode == "cached" && where ~ /^=/) {
		want = substr(where, 2)
		gsub("_", " ", want)
		if (got[1] != want)
			fail("a known difference is another now")
	} else if (got[1] != bare[1])
		fail("another result")
	else if (got[2] != bare[2])
		fail("the program sees something else afterwards")
	else if (mode == "cached" && where == "c" && in_tree)
		fail("the tree has a __pycache__")
	else if (mode == "cached" && !in_tree &&
		(where == "t" || (where == "make" && got[1] !~ /^-1/)))
		fail("the tree has no __pycache__")
}

END {
	for (i = 1; i <= symbols; i++) {
		name = named[i]
		claim = sprintf(sentence, name)
		if (failed[name])
			print "not ok - " claim " (" failed[name] " of " count[name] " rows fail)" details[name]
		else
			print "ok - " claim " (" count[name] " rows)"
	}
}
