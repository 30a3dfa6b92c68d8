# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# bash completion for ringside(1) and ringside-backend(1).
#
# What can be typed is asked of the programs themselves (--help, --list), so nothing here needs to
# follow a new command, option, check, clause or fault.

# The --help of a command, or of the program when there is none yet.
_ringside_help()
{
	"$1" ${2:+"$2"} --help 2>/dev/null
}

# Values of an option: what --help spells "--option one|two" or "--option NAME  one, two or three".
_ringside_values()
{
	local word='[a-z0-9-]+'

	case $3 in
	--check) "$1" conform --list 2>/dev/null | sed 's/[[:space:]].*//' ;;
	--clause) "$1" clauses 2>/dev/null | grep -oE '^(v14|VU|ROB)\.[^[:space:]]+' ;;
	--fault) "${1%-backend}-backend" --list-faults 2>/dev/null | sed 's/[[:space:]].*//' ;;
	*)
		_ringside_help "$1" "$2" |
			sed -nE "s/ \(default\)//
				s/^ *(-., )?$3 [A-Z]+ +([^:]*: )?(($word, )*$word or $word).*/\3/p
				s/^ *(-., )?$3 ($word(\|$word)+).*/\2/p" | sed 's/, / /g; s/ or / /; s/|/ /g'
		;;
	esac
}

_ringside()
{
	local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local cmd='' words

	COMPREPLY=()
	[ "$COMP_CWORD" -gt 1 ] && cmd=${COMP_WORDS[1]}
	if [ "$COMP_CWORD" = 1 ]; then
		words="$(_ringside_help "$program" | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p')
			$(_ringside_help "$program" | grep -oE -- '--[a-z][a-z-]+') --help --version"
	elif [[ $word == -* ]]; then
		words=$(_ringside_help "$program" "$cmd" | grep -oE -- '--[a-z][a-z-]+')
	elif [[ $before == --* ]] && words=$(_ringside_values "$program" "$cmd" "$before") && [ -n "$words" ]; then
		:
	elif [ "$cmd" = explain ]; then
		words="$(_ringside_values "$program" '' --clause) $(_ringside_values "$program" '' --check)"
	else
		# Paths, and what a target's URI starts with.
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		case $cmd in conform | bench) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W 'vhost-user: vhost-user-listen:' -- "$word") ;; esac
		compopt -o filenames -o nospace 2>/dev/null
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word" | sort -u)
}

complete -F _ringside ringside ringside-backend
