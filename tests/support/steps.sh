# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Steps of a run: some beside each other, since they mostly wait, and then those that nothing may
# disturb, one after the other. A step that fails is noted, and the rest goes on.

failed=()
skipped=()
waiting=() # commands to run beside each other, as NAME and words that bash can read
last=()	   # those that run alone, after them
table=()   # SECONDS NAME
around=()  # words before each command that is queued from now on
suffix=    # of its name
step_logs=
declare -A step_names=() step_begins=() step_files=() # by process

heading() {
	printf '\n=== %s\n' "$*"
}

# note NAME SECONDS STATUS
note() {
	table+=("$(printf '%5d s  %s' "$2" "$1")")
	case $3 in
	0) ;;
	77)
		echo "--- $1 was skipped"
		skipped+=("$1")
		;;
	*)
		echo "--- $1 failed (status $3)"
		failed+=("$1")
		;;
	esac
}

# step NAME COMMAND...: now, and alone
step() {
	local name=$1 status=0 begin=$SECONDS
	shift
	heading "$name"
	"$@" || status=$?
	note "$name" $((SECONDS - begin)) "$status"
}

# beside NAME COMMAND...: when run_steps comes to it, with others
beside() {
	waiting+=("$(printf '%q ' "$1$suffix" "${around[@]}" "${@:2}")")
}

# alone NAME COMMAND...: when run_steps has done all of those
alone() {
	last+=("$(printf '%q ' "$1$suffix" "${around[@]}" "${@:2}")")
}

start_step() {
	local name=$1 log
	shift
	echo "... $name"
	log=$(mktemp "$step_logs/XXXXXX")
	"$@" >"$log" 2>&1 &
	step_names[$!]=$name
	step_begins[$!]=$SECONDS
	step_files[$!]=$log
}

end_step() {
	local pid status=0
	wait -n -p pid "${!step_names[@]}" || status=$?
	heading "${step_names[$pid]}"
	cat "${step_files[$pid]}"
	note "${step_names[$pid]}" $((SECONDS - step_begins[$pid])) "$status"
	unset "step_names[$pid]"
}

# One that is interrupted takes what it began with it.
stop_steps() {
	[ ${#step_names[@]} -eq 0 ] || kill "${!step_names[@]}" 2>/dev/null || true
	rm -rf "$step_logs"
}

# run_steps COUNT: so many beside each other, in the order given
run_steps() {
	local words
	step_logs=$(mktemp -d)
	trap stop_steps EXIT
	for words in "${waiting[@]}"; do
		[ ${#step_names[@]} -lt "$1" ] || end_step
		eval "start_step $words"
	done
	while [ ${#step_names[@]} -gt 0 ]; do
		end_step
	done
	for words in "${last[@]}"; do
		eval "step $words"
	done
}

# The seconds of each step, and the verdict, which is the status as well.
conclude() {
	heading seconds
	printf '%s\n' "${table[@]}"
	printf '%5d s  all of it\n' "$SECONDS"
	heading result
	[ ${#skipped[@]} -eq 0 ] || printf 'skipped: %s\n' "${skipped[@]}"
	if [ ${#failed[@]} -gt 0 ]; then
		printf 'failed: %s\n' "${failed[@]}"
		return 1
	fi
	echo "all passed"
}
