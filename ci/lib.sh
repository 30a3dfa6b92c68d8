# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# For ci/ scripts that run steps: source it from the top of the tree.
#
#   step NAME COMMAND…    run COMMAND with its output in a log; one line with the time it took. When
#                         it fails the log is shown. Exit status 77 is "skipped": the log's last
#                         line says why.
#   step_summary          the last line, "N passed, N failed"; returns 1 if any failed

step_logs=${CI_LOGS:-build/ci-logs}
steps_passed=0 steps_failed=0 steps_skipped=0 steps_names=()
steps_started=$EPOCHREALTIME

# 12.3 from two values of $EPOCHREALTIME, which counts in microseconds.
elapsed()
{
	local tenths=$(((${2/[.,]/} - ${1/[.,]/}) / 100000))

	printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

step()
{
	local name=$1 log start=$EPOCHREALTIME status=0
	shift
	mkdir -p "$step_logs"
	log=$step_logs/${name//[^a-zA-Z0-9_-]/-}.log
	"$@" >"$log" 2>&1 </dev/null || status=$?
	local took
	took=$(elapsed "$start" "$EPOCHREALTIME")
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
		printf 'FAIL  %7s s  %s (exit status %d): %.100s\n' "$took" "$name" "$status" "$*"
		sed 's/^/      | /' "$log"
		return 1
		;;
	esac
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
