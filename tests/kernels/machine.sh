# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# The distribution's kernels, and emulated machines that boot them. Without an accelerator, since a
# machine that is emulated itself may hang with one: so everything is slow.

readonly store=$top/build-test/kernels

skip() {
	echo "skip: $*"
	[ "${SHMFS_TESTS_MUST_RUN:-0}" != 1 ] || exit 1
	exit 77
}

# How it is started, where its console is, and what else its kernel is told; tests/kernels/arm64 has its
# own. A neighbour may keep the machine from its clock for so long that the kernel would doubt it.
emulator=(qemu-system-x86_64 -accel "tcg,thread=multi" -cpu max -m 4g)
console=ttyS0 told=no_timer_check

# The newest linux-image-VERSION*-cloud-amd64 of the registry, unpacked; prints the folder.
unpack_kernel() {
	local package dir
	package=$(apt-cache search --names-only "^linux-image-${1/./\\.}\\..*-cloud-amd64\$" | awk '{print $1}' |
		sort -V | tail -n 1)
	[ -n "$package" ] || return 1
	dir=$store/$package
	if [ ! -d "$dir/boot" ]; then
		rm -rf "$dir"
		mkdir -p "$dir"
		(cd "$dir" && apt-get download -q "$package" >log 2>&1 && dpkg-deb -x ./*.deb . && rm ./*.deb) || {
			cat "$dir/log" >&2
			return 1
		}
	fi
	echo "$dir"
}

# find_kernel VERSION: unpack_kernel where that can be, else the test is skipped.
find_kernel() {
	command -v apt-cache >/dev/null || skip "kernels come from Debian's packages"
	[ "$(uname -m)" = x86_64 ] || skip "the kernels are for x86_64"
	kernel=$(unpack_kernel "$1") || skip "there is no package of Linux $1 for clouds here"
}

# What the guest's tests are told, of what is set here.
put_form() {
	local name
	for name in SHMFS_TEST_LONG SHMFS_TEST_SEED; do
		[ -z "${!name:-}" ] || echo "export $name='${!name}'"
	done >"$1/etc/form"
}

# put_program ROOT PROGRAM: with the libraries that it is linked with.
put_program() {
	local root=$1 program=$2 library
	cp -L "$program" "$root/bin/"
	ldd "$program" 2>/dev/null | grep -oE '/[^ )]+' | while read -r library; do
		mkdir -p "$root$(dirname "$library")"
		cp -Ln "$library" "$root$library"
	done
}

pack() {
	(cd "$1" && find . | cpio -o -H newc 2>/dev/null | gzip -1)
}

# try_machine NAME KERNEL ROOT SECONDS: what ROOT's init says between "begin" and "end", of which
# no line may begin with "not ok".
try_machine() {
	local name=$1 kernel=$2 root=$3 limit=$4
	local log=$root.console
	pack "$root" >"$root.gz"
	timeout "$limit" "${emulator[@]}" -smp 2 -nographic -no-reboot \
		-kernel "$(find "$kernel/boot" -name 'vmlinuz*')" -initrd "$root.gz" \
		-append "console=$console quiet panic=-1 $told" </dev/null >"$log" 2>&1 || true
	rm "$root.gz"
	# A terminal's lines end as terminals have it.
	sed -i 's/\r//g' "$log"
	sed -n '/begin Linux/,/^end$/p' "$log" | sed 's/.*begin Linux/begin Linux/'
	grep -q '^end$' "$log" || {
		echo "not ok $name: it did not come to the end in $limit seconds"
		tail -n 20 "$log"
		return 1
	}
	! grep -q '^not ok ' "$log"
}
