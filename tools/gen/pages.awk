# SPDX-License-Identifier: MIT
#
# Writes manual pages (man/) and shell completions (completions/) into a directory that has both
# folders. They are made from the output of `pycstash help` and `list settings`; further texts
# are in docs/man/*.in and tools/gen/pycstash.bash. The help says what may follow an option, by
# the word for its value: DIR, FILE, PATH, or the values themselves as a|b.
#
#   awk -f pages.awk -v bin=PYCSTASH -v list=LIST -v out=DIR -v version=… -v libdir=… \
#       -v sysconfdir=…
#
# Runs under LC_ALL=C, with any awk.

function roff(s) {
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	gsub(/'/, "\\(aq", s)
	gsub(/\^/, "\\(ha", s)
	gsub(/~/, "\\(ti", s)
	gsub(/"/, "\\(dq", s)
	gsub(/:/, ":\\:", s) # long lists may be broken there
	gsub(/…/, "\\[u2026]", s)
	sub(/^\./, "\\\\\\&.", s)
	if (s ~ /[\200-\377]/) {
		print "pages.awk: no escape for a letter of: " s >"/dev/stderr"
		exit 1
	}
	return s
}

# The same with `code` in bold.
function prose(s, parts, n, i, text) {
	n = split(s, parts, "`")
	for (i = 1; i <= n; i++)
		text = text (i == 1 ? "" : i % 2 ? "\\fR" : "\\fB") roff(parts[i])
	return text
}

function item(term, text) { return ".TP\n.B " roff(term) "\n" prose(text) "\n" }

# The notes of a command: lines with blanks before them stay as they are.
function notes(text, lines, n, i, literal, all) {
	n = split(text, lines, "\n")
	for (i = 1; i <= n; i++) {
		if (lines[i] == "") {
			all = all (literal ? ".EE\n" : "") (i < n ? ".PP\n" : "")
			literal = 0
		} else if (lines[i] ~ /^ /) {
			all = all (literal ? "" : ".EX\n") roff(lines[i]) "\n"
			literal = 1
		} else {
			all = all (literal ? ".EE\n" : "") prose(lines[i]) "\n"
			literal = 0
		}
	}
	return all (literal ? ".EE\n" : "")
}

# --- reading --------------------------------------------------------------------------
function read_overview(line, codes, name) {
	while (((bin " help") | getline line) > 0)
		if (line ~ /^Exit codes/)
			codes = 1
		else if (codes && match(line, /^  [0-9][^ ]* +/))
			exits = exits item(substr(line, 3, index(substr(line, 3), " ") - 1), substr(line, RLENGTH + 1))
		else if (!codes && match(line, /^  [a-z]+  +/)) {
			name = substr(line, 3, index(substr(line, 3), " ") - 1)
			names[++commands] = name
			summary[name] = substr(line, RLENGTH + 1)
		}
	close(bin " help")
}

function read_command(c, line, state, word) {
	while (((bin " help " c) | getline line) > 0)
		if (line ~ /^usage: /)
			args[c] = substr(line, length("usage: pycstash " c) + 2)
		else if (state < 2 && match(line, /^  (-.,|   ) --[a-z-]+/)) {
			state = 1
			options[c]++
			word = substr(line, 7, RLENGTH - 6)
			long[c, options[c]] = substr(word, 3)
			letter[c, options[c]] = substr(line, 4, 1) == " " ? "" : substr(line, 4, 1)
			line = substr(line, RLENGTH + 1)
			if (match(line, /^ [^ ]+/))
				arg[c, options[c]] = substr(line, 2, RLENGTH - 1)
			sub(/^ ?[^ ]* */, "", line)
			help[c, options[c]] = line
		} else if (state == 1 && sub(/^ +/, "", line))
			help[c, options[c]] = help[c, options[c]] (help[c, options[c]] == "" ? "" : " ") line
		else if (state == 1)
			state = 2
		else if (state == 2)
			prosaic[c] = prosaic[c] line "\n"
	close(bin " help " c)
}

function read_settings(line, cell, value, shared, i) {
	while (((list " settings") | getline line) > 0) {
		if (line ~ /^## /)
			shared = line ~ /library/
		if (line !~ /^\| `PYC/)
			continue
		gsub(/\\\|/, "\001", line)
		split(line, cell, / *\| */) # "", variable, key, value, default, what
		for (i = 2; i <= 6; i++) {
			gsub(/\001/, "|", cell[i])
			if (i < 6)
				gsub(/`/, "", cell[i])
		}
		keys = keys (keys == "" ? "" : " ") cell[3]
		value = cell[4] == "0" || cell[4] == "1" ? "yes|no" : cell[4]
		conf = conf ".TP\n\\fB" roff(cell[3]) "\\fR = \\fI" roff(value) "\\fR\n" prose(cell[6]) "\n" \
			(cell[5] == "" ? "" : "Default: " roff(cell[5]) ".\n")
		if (shared)
			variables = variables ".TP\n\\fB" roff(cell[2]) "\\fR=\\fI" roff(cell[4]) "\\fR\n" prose(cell[6]) "\n"
	}
	close(list " settings")
}

# --- manual pages ---------------------------------------------------------------------
function title(name, section) {
	return ".\\\" SPDX-License-Identifier: MIT\n.TH " roff(toupper(name)) " " section \
		" \"\" \"pycstash " version "\"\n.nh\n.ad l\n"
}

function page(c, file, i) {
	file = out "/man/pycstash-" c ".1"
	printf "%s.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B pycstash %s\n%s", title("pycstash-" c, 1),
		roff("pycstash-" c), roff(summary[c]), c, args[c] == "" ? "" : roff(args[c]) "\n" >file
	if (prosaic[c] != "")
		printf ".SH DESCRIPTION\n%s", notes(substr(prosaic[c], 1, length(prosaic[c]) - 1)) >file
	print ".SH OPTIONS" >file
	for (i = 1; i <= options[c]; i++)
		printf ".TP\n%s\\fB\\-\\-%s\\fR%s\n%s\n", letter[c, i] == "" ? "" : "\\fB\\-" letter[c, i] "\\fR, ",
			roff(long[c, i]), arg[c, i] == "" ? "" : " \\fI" roff(arg[c, i]) "\\fR", prose(help[c, i]) >file
	print ".SH EXIT STATUS\nThe codes of all commands are in\n.BR pycstash (1).\n.SH SEE ALSO\n" \
		".BR pycstash (1),\n.BR pycstash.conf (5),\n.BR libpycstash (7)" >file
	close(file)
}

function from_template(name, section, line, file, list_of, i) {
	for (i = 1; i <= commands; i++)
		list_of = list_of item(names[i], summary[names[i]])
	file = out "/man/" name "." section
	printf "%s", title(name, section) >file
	while ((getline line < ("docs/man/" name "." section ".in")) > 0) {
		if (line ~ /SPDX/) # it is in the title
			continue
		gsub(/@LIBDIR@/, roff(libdir), line)
		gsub(/@SYSCONFDIR@/, roff(sysconfdir), line)
		if (line !~ /^@/)
			print line >file
		else
			printf "%s", line == "@COMMANDS@" ? list_of : line == "@EXITS@" ? exits : \
				line == "@SETTINGS@" ? conf : variables >file
	}
	close(file)
}

# --- completions ----------------------------------------------------------------------
function takes(word) {
	if (word == "")
		return "nothing"
	if (word ~ /\|/ && word !~ /[A-Z]/)
		return "words"
	return word ~ /DIR|PREFIX/ ? "directories" : \
		word ~ /FILE|PATH|INTERPRETER|PYTHON|ENTRY|SOURCE/ ? "files" : "nothing"
}

# Returns what may follow the options. "keys" also sets `actions`, words that are used as they are.
function operands(c, i, words, n) {
	actions = ""
	if (args[c] ~ /KEY/) {
		n = split(args[c], words, /[^a-z]+/)
		for (i = 1; i <= n; i++)
			if (words[i] != "")
				actions = actions (actions == "" ? "" : " ") words[i]
		return "keys"
	}
	return args[c] ~ /COMMAND/ ? (args[c] ~ /ARG/ ? "command" : "commands") : takes(args[c])
}

function choices(word) { gsub(/\|/, " ", word); return word }
function quoted(s, special) {
	gsub(special, "\\\\&", s)
	gsub(/'/, "'\\''", s)
	return s
}

function bash(file, c, i, n, line) {
	file = out "/completions/pycstash"
	while ((getline line < "tools/gen/pycstash.bash") > 0)
		print line >file
	printf "_pycstash_commands='%s'\n_pycstash_keys='%s'\n_pycstash_takes()\n{\n", all, keys >file
	print "\tvalue= options= operands=nothing actions=\n\tcase $2 in" >file
	for (n = 1; n <= commands; n++) {
		c = names[n]
		printf "\t%s)\n\t\toperands=%s actions='%s' options='", c, operands(c), actions >file
		for (i = 1; i <= options[c]; i++)
			printf " --%s", long[c, i] >file
		print "'\n\t\tcase $1 in" >file
		for (i = 1; i <= options[c]; i++)
			if (arg[c, i] != "")
				printf "\t\t--%s%s) value='%s' ;;\n", long[c, i], letter[c, i] == "" ? "" : " | -" letter[c, i],
					takes(arg[c, i]) (takes(arg[c, i]) == "words" ? " " choices(arg[c, i]) : "") >file
		print "\t\tesac\n\t\t;;" >file
	}
	print "\tesac\n}\ncomplete -F _pycstash pycstash" >file
	close(file)
}

function zsh(file, c, i, n, value, spec) {
	what["directories"] = "_files -/"
	what["files"] = "_files"
	what["nothing"] = " "
	file = out "/completions/_pycstash"
	print "#compdef pycstash\n_pycstash() {\n\tlocal -a commands\n\tcommands=(" >file
	for (n = 1; n <= commands; n++)
		printf "\t\t'%s:%s'\n", names[n], quoted(summary[names[n]], ":|\\\\") >file
	print "\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe -t commands command commands\n\t\treturn\n\tfi" >file
	print "\tshift words\n\t(( CURRENT-- ))\n\tcase $words[1] in" >file
	for (n = 1; n <= commands; n++) {
		c = names[n]
		printf "\t%s)\n\t\t_arguments -S", c >file
		for (i = 1; i <= options[c]; i++) {
			value = takes(arg[c, i])
			spec = "[" quoted(help[c, i], "\\[|\\]|:|\\\\") "]" (arg[c, i] == "" ? "" : ":" quoted(arg[c, i], "\\[|\\]|:|\\\\") ":" \
				(value == "words" ? "(" choices(arg[c, i]) ")" : what[value])) "'"
			printf " \\\n\t\t\t'*--%s%s%s", long[c, i], arg[c, i] == "" ? "" : "=", spec >file
			if (letter[c, i] != "")
				printf " \\\n\t\t\t'*-%s%s%s", letter[c, i], arg[c, i] == "" ? "" : "+", spec >file
		}
		value = operands(c)
		printf "%s\n\t\t;;\n", value == "keys" ? " \\\n\t\t\t'1:action:(" actions ")' \\\n\t\t\t'2:setting:(" keys ")'" : \
			value == "commands" ? " \\\n\t\t\t'1:command:(" all ")'" : \
			value == "command" ? " \\\n\t\t\t'(-)1:command:_command_names -e' \\\n\t\t\t'*::arguments:_normal'" : \
			value == "nothing" ? "" : " \\\n\t\t\t'*:" value ":" what[value] "'" >file
	}
	print "\tesac\n}\nif [ \"$funcstack[1]\" = _pycstash ]; then\n\t_pycstash \"$@\"\nelse\n\tcompdef _pycstash pycstash\nfi" >file
	close(file)
}

function fish(file, c, i, n, begin, value, words) {
	file = out "/completions/pycstash.fish"
	what["directories"] = " -x -a '(__fish_complete_directories)'"
	what["files"] = " -r -F"
	what["nothing"] = " -x"
	words["directories"] = " -a '(__fish_complete_directories)'"
	words["files"] = " -F"
	words["commands"] = " -a '" all "'"
	words["command"] = " -a '(__fish_complete_subcommand --fcs-skip=2)'"
	print "complete -c pycstash -f" >file
	for (n = 1; n <= commands; n++) {
		c = names[n]
		begin = "complete -c pycstash -n '__fish_seen_subcommand_from " c "'"
		printf "complete -c pycstash -n __fish_use_subcommand -a %s -d '%s'\n", c, quoted(summary[c], "\\\\") >file
		for (i = 1; i <= options[c]; i++) {
			value = takes(arg[c, i])
			printf "%s -l %s%s%s -d '%s'\n", begin, long[c, i], letter[c, i] == "" ? "" : " -s " letter[c, i],
				arg[c, i] == "" ? "" : value == "words" ? " -x -a '" choices(arg[c, i]) "'" : what[value],
				quoted(help[c, i], "\\\\") >file
		}
		value = operands(c)
		if (value != "nothing")
			print begin (value == "keys" ? " -a '" actions " " keys "'" : words[value]) >file
	}
	close(file)
}

BEGIN {
	read_overview()
	read_settings()
	for (n = 1; n <= commands; n++) {
		all = all (n == 1 ? "" : " ") names[n]
		read_command(names[n])
		page(names[n])
	}
	from_template("pycstash", 1)
	from_template("pycstash.conf", 5)
	from_template("libpycstash", 7)
	bash()
	zsh()
	fish()
}
