#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What TAB offers in bash, and whether zsh takes its file. Both ask `sluice help`, so that what is
# proved here is that they understand it.
. "$(dirname "$0")/lib.sh"
command -v bash >/dev/null || skip "bash is not installed"

directory=$(dirname "$sluice")
: >"$work/err"

# TAB behind these words, of which the last is not complete; leaves what is offered in $work/out.
complete() {
	PATH=$directory:$PATH bash -c '
		. "$0/dist/completions/sluice.bash"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_sluice
		printf "%s\n" "${COMPREPLY[@]}"' "$source_root" "$@" >"$work/out"
	ran="$* TAB"
}

offers() { # WORD
	grep -qxF -e "$1" "$work/out" || fail "does not offer $1"
}

offers_not() {
	! grep -qxF -e "$1" "$work/out" || fail "offers $1"
}

complete sluice ''
for command in $("$sluice" help | sed -n 's/^  \([a-z]*\).*/\1/p'); do
	offers "$command"
done
offers up; offers help
complete sluice at; offers attach; offers_not detach
complete sluice -n elsewhere at; offers attach
complete sluice --j; offers --json
complete sluice attach --; offers --confirm; offers_not --format
complete sluice attach dev ''; offers lo
complete sluice attach dev lo mode na; offers native; offers_not tc
complete sluice top --; offers --batch; offers --no-colour; offers_not --format
complete sluice list --format ''; offers iptables
complete sluice attach dev lo m; offers mode

if command -v zsh >/dev/null; then
	ran="zsh -n"
	zsh -n "$source_root/dist/completions/_sluice" 2>"$work/err" || fail "zsh does not take it"
fi
finish
