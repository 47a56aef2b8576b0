# SPDX-License-Identifier: GPL-2.0-only
# bash completion for sluice(8). Commands and options are what `sluice help` prints, so that this
# file knows none of them; it knows what the values of options can be.

# The commands of `sluice help`, aliases too; or the options of a command's own help.
_sluice_commands() { "$1" help 2>/dev/null | sed -n 's/^  \([a-z|]*\) .*/\1/p' | tr '|' '\n'; }
_sluice_options() {
	"$1" ${2:+"$2"} --help 2>/dev/null | sed -n '/^options:/,$s/^  \(--[a-z-]*\).*/\1/p'
}

_sluice_values() {
	case $1 in
	dev | --dev) ls /sys/class/net ;;
	mode | --mode) echo auto offload native tc generic ;;
	--format) echo nft iptables ;;
	-n | --netns) ls /run/netns 2>/dev/null ;;
	*) return 1 ;;
	esac
}

_sluice() {
	local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local program=${COMP_WORDS[0]} command= word values skip=
	COMPREPLY=()
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		if [ -n "$skip" ]; then
			skip=
		elif [[ $word == -n || $word == --netns ]]; then
			skip=yes
		elif [[ $word != -* ]]; then
			command=$word
			break
		fi
	done
	if values=$(_sluice_values "$before"); then
		:
	elif [[ $current == -* ]]; then
		values=$(_sluice_options "$program" "$command")
	elif [ -z "$command" ]; then
		values="$(_sluice_commands "$program") help"
	else
		values="dev mode"
		compopt -o default 2>/dev/null # plan's and trace's files
	fi
	mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
}

complete -F _sluice sluice
