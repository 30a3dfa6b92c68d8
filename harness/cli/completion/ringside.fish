# SPDX-License-Identifier: BSD-3-Clause
#
# fish completion for ringside(1) and ringside-backend(1). As in bash's: the programs are asked.

function __ringside_program
    set -l words (commandline -opc)
    echo $words[1]
end

function __ringside_command
    set -l words (commandline -opc)
    test (count $words) -gt 1; and echo $words[2]
end

function __ringside_commands
    set -l program (__ringside_program)
    command $program --help 2>/dev/null | string replace -rf '^  ([a-z][a-z-]*) +(.*)' '$1\t$2'
end

function __ringside_options
    set -l program (__ringside_program)
    command $program (__ringside_command) --help 2>/dev/null | string match -ar -- '--[a-z][a-z-]+'
end

function __ringside_values
    set -l words (commandline -opc)
    set -l program (__ringside_program)
    switch $words[-1]
        case --check
            command $program conform --list 2>/dev/null | string replace -r '\s.*' ''
        case --clause
            command $program clauses 2>/dev/null | string match -r '^(?:v14|VU|ROB)\.\S+'
        case --fault
            set program (string replace -r -- '(-backend)?$' -backend $program)
            command $program --list-faults 2>/dev/null | string replace -r '\s.*' ''
        case '--*'
            command $program (__ringside_command) --help 2>/dev/null \
                | string replace ' (default)' '' \
                | string match -rg -- '^ *(?:-., )?'$words[-1]' (?:[A-Z]+ +(?:[^:]*: )?((?:[a-z0-9-]+, )*[a-z0-9-]+ or [a-z0-9-]+)|([a-z0-9-]+(?:\|[a-z0-9-]+)+))' \
                | string replace -ar ' or |, |\|' \n | string match -r '.+'
    end
end

function __ringside_ids
    set -l program (__ringside_program)
    command $program clauses 2>/dev/null | string match -r '^(?:v14|VU|ROB)\.\S+'
    command $program conform --list 2>/dev/null | string replace -r '\s.*' ''
end

for program in ringside ringside-backend
    complete -c $program -n 'test (count (commandline -opc)) -eq 1' -fa '(__ringside_commands)'
    complete -c $program -n 'string match -q -- "-*" (commandline -ct)' -fa '(__ringside_options)'
    complete -c $program -n 'count (__ringside_values) >/dev/null' -fa '(__ringside_values)'
end
complete -c ringside -n 'string match -q explain (__ringside_command)' -fa '(__ringside_ids)'
