# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# For ci/ scripts that run steps: source it from the top of the tree.
#
#   step NAME COMMAND…    run COMMAND with its output in a log; one line with the time it took. When
#                         it fails the log is shown. Exit status 77 is "skipped": the log's last
#                         line says why.
#   step_summary          the last line, "N passed, N failed"; returns 1 if any failed
#   steps_stop            ends what still runs; at the script's end it is called. Who has more to clean up
#                         calls it from a trap of its own
#
# What computes and never waits can be done behind what waits most of its time:
#
#   lane FUNCTION              FUNCTION, in the background, with what is left of the processors
#   step_behind NAME COMMAND…  in there: as step, but only step_end NAME tells
#   step_end NAME              waits for it and tells; returns 1 when it failed, or could not begin

step_logs=${CI_LOGS:-build/ci-logs}
steps_passed=0 steps_failed=0 steps_skipped=0 steps_names=()
steps_started=$EPOCHREALTIME

# Steps and lanes are jobs, each with a process group of its own: nothing of theirs is left behind, and a signal is
# acted on at once.
steps_stop()
{
	local group

	for group in $(jobs -pr); do kill -- "-$group" 2>/dev/null || :; done
	wait
}
trap steps_stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# 12.3 from two values of $EPOCHREALTIME, which counts in microseconds.
elapsed()
{
	local tenths=$(((${2/[.,]/} - ${1/[.,]/}) / 100000))

	printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

step_log()
{
	echo "$step_logs/${1//[^a-zA-Z0-9_-]/-}.log"
}

# step_tell NAME STATUS SECONDS COMMAND
step_tell()
{
	local name=$1 status=$2 took=$3 log
	log=$(step_log "$name")
	case $status in
	0)
		steps_passed=$((steps_passed + 1))
		printf 'ok    %7s s  %s\n' "$took" "$name"
		;;
	77)
		steps_skipped=$((steps_skipped + 1))
		printf 'skip  %7s s  %s: %s\n' "$took" "$name" "$(tail -n 1 "$log")"
		;;
	*)
		steps_failed=$((steps_failed + 1))
		steps_names+=("$name")
		printf 'FAIL  %7s s  %s (exit status %s): %.100s\n' "$took" "$name" "$status" "$4"
		sed 's/^/      | /' "$log"
		return 1
		;;
	esac
}

step()
{
	local name=$1 start=$EPOCHREALTIME status=0
	shift
	mkdir -p "$step_logs"
	set -m
	"$@" >"$(step_log "$name")" 2>&1 </dev/null &
	set +m
	wait "$!" || status=$?
	step_tell "$name" "$status" "$(elapsed "$start" "$EPOCHREALTIME")" "$*"
}

lane_pid=
lane()
{
	mkdir -p "$step_logs"
	rm -f "$step_logs"/*.done
	set -m
	(
		# Idle ones first give way to everything, nice ones at least to most.
		chrt --idle --pid 0 "$BASHPID" 2>/dev/null || renice -n 19 -p "$BASHPID" >/dev/null
		"$@"
	) &
	lane_pid=$!
	set +m
}

step_behind()
{
	local name=$1 start=$EPOCHREALTIME status=0 log
	shift
	log=$(step_log "$name")
	"$@" >"$log" 2>&1 </dev/null || status=$?
	echo "$status $(elapsed "$start" "$EPOCHREALTIME") $*" >"$log.part"
	mv "$log.part" "${log%.log}.done"
	return "$status"
}

step_end()
{
	local name=$1 told status took what
	told=$(step_log "$name")
	told=${told%.log}.done
	until [ -e "$told" ]; do
		kill -0 "$lane_pid" 2>/dev/null || [ -e "$told" ] || {
			echo 'it was not begun' >"$(step_log "$name")"
			step_tell "$name" 1 0.0 'what came before it failed'
			return 1
		}
		sleep 0.2
	done
	read -r status took what <"$told"
	step_tell "$name" "$status" "$took" "$what"
}

# What a test runner said at the end: the last line of a step's log that matches.
step_quote()
{
	grep -E "$2" "$step_logs/$1.log" 2>/dev/null | tail -n 1 | sed 's/^/               /' || :
}

step_summary()
{
	local skipped=

	[ "$steps_skipped" = 0 ] || skipped=", $steps_skipped skipped"
	[ "$steps_failed" = 0 ] || printf 'failed: %s\n' "${steps_names[*]}"
	printf '%d passed, %d failed%s in %s s\n' "$steps_passed" "$steps_failed" "$skipped" \
		"$(elapsed "$steps_started" "$EPOCHREALTIME")"
	[ "$steps_failed" = 0 ]
}
