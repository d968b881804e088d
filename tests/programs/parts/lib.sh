# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# What every test of real programs is made of: mounts, named checks, and one verdict at the end.
# A test sources this file, checks, and calls `finish` as its last command.

export LC_ALL=C TZ=UTC0
# Also "ends at once" is checked with this limit, in seconds: a program that a file system drives into
# an endless loop is killed after it. A test of slower programs sets it higher.
command_limit=${SHMFS_COMMAND_LIMIT:-10}
readonly work=${SHMFS_TEST_DIR:?run this test with tests/programs/run}
checks=0
failures=0
mounts=()
killer=
status=0
out=
err=

on_shmfs() {
	[ "$SHMFS_TEST_FS" = shmfs ]
}

# --- verdicts ---

pass() {
	checks=$((checks + 1))
	echo "ok $1"
}

fail() {
	checks=$((checks + 1))
	failures=$((failures + 1))
	echo "not ok $1: $2"
	echo "$1: $2" | tr '\n' ' ' >>"$SHMFS_TEST_REASON"
	echo >>"$SHMFS_TEST_REASON"
}

# verdict NAME REASON CONDITION...: the condition decides whether NAME passed.
verdict() {
	local name=$1 reason=$2
	shift 2
	if "$@"; then
		pass "$name"
	else
		fail "$name" "$reason"
	fi
}

# The whole test cannot run here.
skip() {
	echo "skip: $1: $2"
	echo "$1: $2" >"$SHMFS_TEST_REASON"
	trap - EXIT
	exit "$SHMFS_SKIP_STATUS"
}

# need PROGRAM PACKAGE
need() {
	command -v "$1" >/dev/null || skip "$1" "not installed (Debian package $2)"
}

# The rest of the test makes no sense.
abort() {
	fail "$1" "$2"
	exit 1
}

# take_tool NAME: into the current directory, because other users than root may be kept out of the build
# folder.
take_tool() {
	cp "$SHMFS_TEST_TOOLS/$1" . ||
		abort "$1" "not in $SHMFS_TEST_TOOLS: build it, or set SHMFS_TEST_TOOLS"
}

# --- commands ---

# Runs a command (a program, not a shell function) with a time limit, into $status, $out and $err.
capture() {
	status=0
	timeout -k 1 "$command_limit" "$@" >"$work/.out" 2>"$work/.err" </dev/null || status=$?
	out=$(tr -d '\0' <"$work/.out")
	err=$(tr -d '\0' <"$work/.err")
}

describe() {
	local ended="status $status"
	case $status in
	124 | 137) ended="killed after $command_limit s" ;;
	esac
	printf 'got %s, output "%.500s", errors "%.500s" from: %s' "$ended" "$out" "$err" "$*"
}

succeeded_silently() {
	[ "$status" -eq 0 ] && [ -z "$err" ]
}

# check NAME COMMAND...: succeeds and complains of nothing.
check() {
	local name=$1
	shift
	capture "$@"
	verdict "$name" "expected success, $(describe "$@")" succeeded_silently
}

# expect_status NAME STATUS COMMAND...
expect_status() {
	local name=$1 wanted=$2
	shift 2
	capture "$@"
	verdict "$name" "expected status $wanted, $(describe "$@")" [ "$status" -eq "$wanted" ]
}

# expect_output NAME TEXT COMMAND...: succeeds and prints exactly TEXT.
expect_output() {
	local name=$1 wanted=$2
	shift 2
	capture "$@"
	if succeeded_silently && [ "$out" = "$wanted" ]; then
		pass "$name"
	else
		fail "$name" "expected output \"$wanted\", $(describe "$@")"
	fi
}

# expect_match NAME REGEX COMMAND...: succeeds and prints something that REGEX (extended) matches.
expect_match() {
	local name=$1 wanted=$2
	shift 2
	capture "$@"
	if [ "$status" -eq 0 ] && [[ $out =~ $wanted ]]; then
		pass "$name"
	else
		fail "$name" "expected output matching \"$wanted\", $(describe "$@")"
	fi
}

# expect_error NAME TEXT COMMAND...: ends by itself, with a failure, and says TEXT.
expect_error() {
	local name=$1 wanted=$2
	shift 2
	capture "$@"
	if [ "$status" -ne 0 ] && [ "$status" -lt 124 ] && [[ $err == *"$wanted"* ]]; then
		pass "$name"
	else
		fail "$name" "expected a failure with \"$wanted\", $(describe "$@")"
	fi
}

# expect_equal NAME WANTED GOT
expect_equal() {
	verdict "$1" "expected \"$2\", got \"$3\"" [ "$2" = "$3" ]
}

# wait_for SECONDS COMMAND...: until the command (functions too) succeeds.
wait_for() {
	local tries=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.05
	done
}

# The prefix of a command that somebody else than root runs.
# shellcheck disable=SC2034
readonly as_nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups --)

# --- servers that are killed (SHMFS_TEST_KILLS=1) ---

# One byte in the file for each that was killed, at intervals of 1 to 50 ms and what it takes to look.
kill_servers() {
	local pause server
	while :; do
		printf -v pause '0.%03d' $((RANDOM % 50 + 1))
		sleep "$pause"
		for server in $(pgrep -x shmfs-server); do
			kill -KILL "$server" 2>/dev/null && printf . >>"$work/.kills"
		done
	done
}

start_killing() {
	[ "${SHMFS_TEST_KILLS:-0}" = 1 ] && on_shmfs && [ -z "$killer" ] || return 0
	kill_servers &
	killer=$!
}

stop_killing() {
	[ -n "$killer" ] || return 0
	kill "$killer"
	wait "$killer" 2>/dev/null || true
	killer=
}

kills_made() {
	stat -c %s "$work/.kills" 2>/dev/null || echo 0
}

# --- mounts ---

# The one command that mounts: start_mount DIR OPTIONS
start_mount() {
	if on_shmfs; then
		timeout -k 1 "$command_limit" "$SHMFS_BIN" "$1" \
			-o "io=$SHMFS_TEST_IO${SHMFS_TEST_HUGE:+,huge=$SHMFS_TEST_HUGE}${2:+,$2}"
	else
		mount -t tmpfs ${2:+-o "$2"} tmpfs "$1"
	fi
}

mounted_type() {
	findmnt --kernel --noheadings --output FSTYPE --mountpoint "$1" | tail -n 1
}

# mount_shm DIR [OPTIONS]
mount_shm() {
	local dir=$1 wanted=tmpfs
	! on_shmfs || wanted=fuse.shmfs
	mkdir -p "$dir"
	dir=$(realpath "$dir")
	start_mount "$dir" "${2:-}" || abort mount_shm "mounting $dir gave status $?"
	mounts+=("$dir")
	[ "$(mounted_type "$dir")" = "$wanted" ] ||
		abort mount_shm "$dir is a $(mounted_type "$dir"), expected $wanted"
	start_killing
}

no_daemon_left() {
	! pgrep -x shmfs >/dev/null
}

unmount_last() {
	local last=$((${#mounts[@]} - 1)) result=0
	umount "${mounts[last]}" || result=1
	unset "mounts[last]"
	return "$result"
}

# umount_shm: unmounts what mount_shm mounted, last first.
umount_shm() {
	stop_killing
	while [ ${#mounts[@]} -gt 0 ]; do
		unmount_last || fail umount_shm "a mount is busy"
	done
	wait_for 10 no_daemon_left || fail umount_shm "the daemon still runs 10 s after its mount is gone"
}

# --- the end ---

on_exit() {
	local ended=$?
	trap - EXIT
	stop_killing
	[ "$failures" -gt 0 ] || fail "${0##*/}" "ended early with status $ended"
	while [ ${#mounts[@]} -gt 0 ]; do
		unmount_last || true
	done
	exit 1
}
trap on_exit EXIT

finish() {
	umount_shm
	if [ "${SHMFS_TEST_KILLS:-0}" = 1 ] && on_shmfs; then
		verdict servers_were_killed "none was" [ "$(kills_made)" -gt 0 ]
		echo "$(kills_made) servers were killed"
	fi
	trap - EXIT
	echo "$checks checks, $failures failed"
	exit $((failures > 0 || checks == 0))
}

# --- what some tests share ---

# A file of parts/, also after the test has changed its directory.
part() {
	echo "$(realpath "${0%/*}")/parts/$1"
}

# compile COMMAND...: a compiler; the test ends if it fails or warns.
compile() {
	capture "$@"
	succeeded_silently || abort compile "$(describe "$@")"
}

# One line "PID OBJECT" for each shared mapping of something in /dev/shm, sorted, once.
mapped_in_dev_shm() {
	grep -H ' .w-s .* /dev/shm/' /proc/[0-9]*/maps 2>/dev/null |
		sed 's|^/proc/\([0-9]*\)/maps:.* /dev/shm/\([^ ]*\).*|\1 \2|' | sort -u
}

# What the mount has given away: bytes, and names.
used_bytes() {
	df -B1 --output=used "$1" | tail -n 1 | tr -d ' '
}

nothing_used() {
	[ "$(used_bytes "$1")" -eq 0 ]
}

# expect_all_given_back NAME DIR: room of what was removed comes back when nobody has it open any more.
expect_all_given_back() {
	wait_for 10 nothing_used "$2" || true
	expect_equal "$1" 0 "$(used_bytes "$2")"
}
