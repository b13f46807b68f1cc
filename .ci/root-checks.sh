#!/bin/bash
# What only a real collection on a real machine can show, judged by programs
# that are not ours. As root. Each check prints one line; the first failure of
# a check does not stop the others, but the script then ends with 1.
#
#   .ci/root-checks.sh [CHECK...]      by the names at the end of this file
#
# Environment: HOZEN=PATH of a built binary; TMPDIR (default /var/tmp);
# ROOTS="/ /boot" the file systems whose times are watched (default: every
# mounted real one).
set -eu -o pipefail
cd "$(dirname "$0")/.."
here=$PWD
work=$(mktemp -d "${TMPDIR:-/var/tmp}/hozen-root.XXXXXX")
chmod 755 "$work"
wrong=$work/wrong # a line for each failure: checks run in shells of their own
: >"$wrong"
. .ci/agree.sh

finish() {
	[ -z "${scene_pid:-}" ] || kill "$scene_pid" 2>/dev/null || true
	[ ! -s "$work/lodger.pid" ] || kill "$(cat "$work/lodger.pid")" 2>/dev/null || true
	wait
	umount -q "$work/strict" "$work/tmpfs" "$work/disk" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT

ok() { printf 'ok    %s\n' "$*"; }
bad() {
	printf 'WRONG %s\n' "$*" | tee -a "$wrong"
}
# check NAME COMMAND...: what the command prints is shown only if it fails.
check() {
	local name=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		ok "$name"
	else
		bad "$name"
		head -n 20 "$work/said" | sed 's/^/      /'
	fi
}
nothing() { # NAME FILE: the file must be empty
	if [ ! -s "$2" ]; then
		ok "$1"
	else
		bad "$1: $(wc -l <"$2") lines"
		head -n 20 "$2" | sed 's/^/      /'
	fi
}

# collect DIR [ARGUMENT...]: 0 and 3 both seal.
collect() {
	local out=$1 code=0
	shift
	mkdir -p "$out"
	"$HOZEN" collect --profile volatile --quiet --out "$out" "$@" >"$out.said" 2>&1 || code=$?
	[ $code = 0 ] || [ $code = 3 ] || {
		echo "exit code $code"
		cat "$out.said"
		return 1
	}
}

prepare() {
	mkdir "$work/bin"
	CGO_ENABLED=0 go build -o "$work/bin/scene" ./testdata/fixtures/scene
	if [ -z "${HOZEN:-}" ]; then
		CGO_ENABLED=0 go build -o "$work/bin/hozen" ./agent
		HOZEN=$work/bin/hozen
	fi
	mkfifo "$work/life"
	"$work/bin/scene" -procs 100 -sockets 200 -netns 3 -container <>"$work/life" >"$work/truth.json" &
	scene_pid=$!
	for _ in $(seq 300); do
		[ -s "$work/truth.json" ] && return
		sleep 0.1
	done
	echo "the scene did not come up"
	exit 1
}

# taken: one collection of the scene, unpacked, with the judges' views of the
# same moments before and after it. The other checks look at it.
taken() {
	views "$work/before"
	collect "$work/out"
	views "$work/after"
	archive=$(echo "$work"/out/*.tar.zst)
	id=$(basename "$archive" .tar.zst)
	log=$work/out/$id.custody.jsonl
	mkdir "$work/x"
	tar --zstd -xf "$archive" -C "$work/x"
	bag=$work/x/$id
	echo "      $id: $(stat -c %s "$archive") bytes, $(find "$bag/data" -type f | wc -l) payload files"
}

# --- the archive, by hand --------------------------------------------------

check_tools() {
	check "zstd -t" zstd -tq "$archive"
	check "the name inside is the name outside" test "$(tar --zstd -tf "$archive" | cut -d/ -f1 | sort -u)" = "$id"
	check "sha256sum -c manifest-sha256.txt" in_bag sha256sum --strict --quiet -c manifest-sha256.txt
	check "sha256sum -c tagmanifest-sha256.txt" in_bag sha256sum --strict --quiet -c tagmanifest-sha256.txt
	check "busybox sha256sum -c" in_bag busybox sha256sum -s -c manifest-sha256.txt
	mkdir "$work/b" "$work/y"
	check "bsdtar extracts the same" sh -c "zstd -dcq '$archive' | bsdtar -xf - -C '$work/b' && diff -r '$work/x' '$work/b'"
	check "busybox tar extracts the same" sh -c "zstd -dcq '$archive' | busybox tar -xf - -C '$work/y' && diff -r '$work/x' '$work/y'"
	check "only regular files" test -z "$(find "$work/x" ! -type f ! -type d)"
}
in_bag() { (cd "$bag" && "$@"); }

check_signatures() {
	local f key count=0 prefix
	key=$(jq -r .device_key "$bag/custody/genesis.json")
	signed "$key" hozen-genesis-v1 "$bag/custody/genesis.json" || return 0
	key=$(jq -r .first_key "$bag/custody/genesis.json")
	for f in "$bag"/custody/cp/*.json; do
		signed "$key" hozen-checkpoint-v1 "$f" || return 0
		key=$(jq -r .next_key "$f")
		prefix=$(jq -r '"\(.archive.bytes) \(.archive.sha256)"' "$f")
		[ "$(head -c "${prefix% *}" "$archive" | sha256sum | cut -c1-64)" = "${prefix#* }" ] || { bad "$(basename "$f"): another hash of the bytes before it"; return 0; }
		count=$((count + 1))
	done
	key=$(jq -r .device_key "$bag/custody/genesis.json")
	signed "$key" hozen-seal-v1 "$bag/custody/seal.json" "$bag/custody/seal.json.device.sig" || return 0
	ok "ssh-keygen -Y verify: genesis, $count checkpoints each by the key that was announced, seal; and each hash of the bytes before"
}
# signed KEY NAMESPACE FILE [SIGNATURE]
signed() {
	printf 'x %s\n' "$1" >"$work/signer"
	ssh-keygen -Y verify -f "$work/signer" -I x -n "$2" -s "${4:-$3.sig}" <"$3" >"$work/said" 2>&1 || {
		bad "ssh-keygen -Y verify ${3#"$bag"/}: $(cat "$work/said")"
		return 1
	}
}

# trust writes what an auditor would keep: the device's key as an allowed signer.
trust() {
	jq -r '"device:\(.device) \(.device_key)"' "$bag/custody/genesis.json" >"$work/trust"
	sed 's/^[^ ]* //' "$work/trust" >"$work/device.pub"
	fingerprint=$(ssh-keygen -lf "$work/device.pub" | cut -d' ' -f2)
}

# alter makes the byte in the middle of a file another one, whatever it was.
alter() {
	local at=$(($(stat -c %s "$1") / 2)) byte
	byte=$(od -An -tu1 -j "$at" -N 1 "$1")
	printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}

check_verdicts() {
	trust
	verdict 6 UNTRUSTED-SIGNER "verify, nobody trusted" "$archive"
	verdict 0 VALID "verify --fingerprint" "$archive" --fingerprint "$fingerprint"
	verdict 0 VALID "verify --trust" "$archive" --trust "$work/trust"
	mkdir "$work/damaged"
	head -c $(($(stat -c %s "$archive") * 3 / 4)) "$archive" >"$work/damaged/$id.tar.zst"
	verdict 5 VALID-PARTIAL "verify a cut archive" "$work/damaged/$id.tar.zst" --fingerprint "$fingerprint"
	cp "$archive" "$work/damaged/$id.tar.zst"
	alter "$work/damaged/$id.tar.zst"
	verdict 4 INVALID "verify an altered archive" "$work/damaged/$id.tar.zst" --fingerprint "$fingerprint"
}
# verdict CODE WORD NAME ARGUMENT...
verdict() {
	local want=$1 word=$2 name=$3 code=0
	shift 3
	"$HOZEN" verify "$@" >"$work/said" 2>&1 || code=$?
	if [ $code = "$want" ] && grep -qw -- "$word" "$work/said"; then ok "$name: $word"; else bad "$name: exit $code, not $want $word: $(head -n 5 "$work/said")"; fi
}

check_audit() {
	trust
	local lines
	lines=$(wc -l <packager/audit.sh)
	check "audit.sh has at most 160 lines ($lines)" test "$lines" -le 160
	audited VALID "audit.sh" sh "$archive"
	audited VALID "audit.sh in busybox sh" "busybox sh" "$archive"
	mkdir "$work/audited"
	head -c $(($(stat -c %s "$archive") * 3 / 4)) "$archive" >"$work/audited/$id.tar.zst"
	audited VALID-PARTIAL "audit.sh, a cut archive" sh "$work/audited/$id.tar.zst"
	cp "$archive" "$work/audited/$id.tar.zst"
	alter "$work/audited/$id.tar.zst"
	audited INVALID "audit.sh, an altered archive" sh "$work/audited/$id.tar.zst"
	local case golden=testdata/archives/v1
	for case in VALID:job-of-trusted-people UNTRUSTED-SIGNER:job-by-an-unknown-operator INVALID:job-edited; do
		check "audit.sh in busybox sh, ${case#*:}" grep -q "^${case%%:*} " <(busybox sh packager/audit.sh "$golden/${case#*:}.tar.zst" "$golden/allowed_signers")
	done
}
# audited WORD NAME SHELL FILE
audited() {
	$3 packager/audit.sh "$4" "$work/trust" >"$work/said" 2>&1 || true
	if grep -q "^$1 " "$work/said"; then ok "$2: $1"; else bad "$2: not $1: $(head -n 5 "$work/said")"; fi
}

# RFC 8493: the declaration, Payload-Oxum, and manifests that name every file.
check_bag() {
	printf 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n' >"$work/bagit"
	check "bagit.txt" diff "$work/bagit" "$bag/bagit.txt"
	local oxum
	oxum=$(find "$bag/data" -type f -printf '%s\n' | awk '{n++; s += $1} END {printf "%d.%d", s, n}')
	check "Payload-Oxum $oxum" grep -qx "Payload-Oxum: $oxum" "$bag/bag-info.txt"
	(cd "$bag" && find data -type f | LC_ALL=C sort) >"$work/there"
	cut -c67- "$bag/manifest-sha256.txt" | LC_ALL=C sort >"$work/named"
	check "manifest-sha256.txt names each payload file once, and no other" diff "$work/there" "$work/named"
	check "a manifest holds nothing but sums and names" sh -c "! grep -Evq '^[0-9a-f]{64}  [A-Za-z0-9._~=+@,()/-]+\$' '$bag/manifest-sha256.txt' '$bag/tagmanifest-sha256.txt'"
	check "the manifest, the declaration and bag-info are in the tag manifest" sh -c "
		for f in bagit.txt bag-info.txt manifest-sha256.txt; do grep -q \"  \$f\\\$\" '$bag/tagmanifest-sha256.txt' || exit 1; done"
	cut -c67- "$bag/tagmanifest-sha256.txt" | while read -r f; do [ -f "$bag/$f" ] || echo "$f"; done >"$work/lost"
	nothing "each file of the tag manifest is there" "$work/lost"
}

# --- what a collection does to the machine ---------------------------------

# No program but our own is started, nothing is said to the network, nothing is
# opened for writing outside the output.
check_calls() {
	local code=0
	mkdir "$work/traced"
	strace -f -y -qq -o "$work/calls" -e signal=none \
		-e trace=execve,execveat,fork,vfork,socket,connect,bind,sendto,sendmsg,sendmmsg,openat,openat2,open,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,link,linkat,symlink,symlinkat,chmod,fchmodat,chown,fchownat,utimensat,truncate,mount,umount2,init_module,finit_module,kill,pidfd_send_signal,ptrace \
		"$HOZEN" collect --profile volatile --quiet --out "$work/traced" >/dev/null 2>&1 || code=$?
	check "a collection under strace ends with 0 or 3 ($code)" test "$code" = 0 -o "$code" = 3
	check "one execve: our own" test "$(grep -cE ' (execve|execveat|fork|vfork)\(' "$work/calls")" = 1
	grep -E ' (connect|sendto|sendmsg|sendmmsg|bind)\(' "$work/calls" | grep -vE 'sa_family=AF_NETLINK|\((-1|[0-9]+(<[^>]*>)?), \[?\{nlmsg_len=' >"$work/spoken" || true
	nothing "nothing is connected to, bound or sent but netlink" "$work/spoken"
	grep -E ' socket\(' "$work/calls" | grep -vE 'AF_NETLINK|AF_(INET6?|UNIX), SOCK_DGRAM' >"$work/sockets" || true
	nothing "no socket but netlink's, and those that an ioctl needs" "$work/sockets"
	grep -E 'O_WRONLY|O_RDWR|O_CREAT| creat\(' "$work/calls" | grep -vE "\"?$work/traced|= -1 |\"/dev/null\"|/proc/self/fd" >"$work/written" || true
	nothing "nothing is opened for writing outside the output" "$work/written"
	grep -E ' (unlink|unlinkat|rename|renameat|renameat2|mkdir|mkdirat|link|linkat|symlink|symlinkat|chmod|fchmodat|chown|fchownat|utimensat|truncate|mount|umount2|init_module|finit_module|kill|pidfd_send_signal|ptrace)\(' "$work/calls" | grep -vF "$work/traced" | grep -vE ' (kill\([0-9]+, 0\)|pidfd_send_signal\([^,]+, 0,)' >"$work/changed" || true
	nothing "nothing is removed, renamed, made, mounted or signalled outside the output (signal 0 asks only)" "$work/changed"
	rm -rf "$work/traced"
}

# Times of files. Two file systems that record every access hold a program that
# runs, files that a collection reads, and a tree; then every real file system.
check_times() {
	mkdir "$work/strict" "$work/tmpfs"
	truncate -s 64M "$work/ext4"
	if mkfs.ext4 -q "$work/ext4" && mount -o loop,strictatime "$work/ext4" "$work/strict" 2>/dev/null; then
		cp "$work/bin/scene" "$work/strict/lodger"
		(exec "$work/strict/lodger" idle <>"$work/life") &
		echo $! >"$work/lodger.pid"
	else
		echo "      this kernel mounts no ext4 image: the sharp look is at tmpfs only"
	fi
	mount -t tmpfs -o strictatime,size=8m tmpfs "$work/tmpfs"
	mkdir -p "$work/tmpfs/a/b"
	for n in 1 2 3; do echo "$n" >"$work/tmpfs/a/b/$n"; done
	ln -s b "$work/tmpfs/a/link" # watched for its other times: see everywhere
	sleep 1
	# The paths are known beforehand: looking for them would change directories.
	printf '%s\n' "$work"/strict "$work"/strict/lodger "$work"/tmpfs{,/a,/a/b,/a/b/1,/a/b/2,/a/b/3,/a/link} >"$work/paths"
	sharp() { tr '\n' '\0' <"$work/paths" | xargs -0 stat --printf '%F %n %x %y %z\n' 2>/dev/null | sed -E 's/^(symbolic link [^ ]*) [^ ]* [^ ]* [^ ]*/\1/' || true; }
	everywhere >"$work/times.0" # this walk itself sets access times, once
	everywhere >"$work/times.1"
	sleep 3
	everywhere >"$work/times.2" # what changes anyhow
	sharp >"$work/sharp.1"
	local code=0
	mkdir "$work/timed"
	strace -f -y -qq --seccomp-bpf -s 4096 -e signal=none -e trace=open,openat,openat2 -o "$work/touching" \
		"$HOZEN" collect --profile volatile --quiet --out "$work/timed" >/dev/null 2>&1 || code=$?
	check "a collection ends with 0 or 3 ($code)" test "$code" = 0 -o "$code" = 3
	sharp >"$work/sharp.2"
	everywhere >"$work/times.3"
	check "strictatime: no access, change or modification time moved ($(wc -l <"$work/sharp.1") files)" diff "$work/sharp.1" "$work/sharp.2"
	moved 2 3 >"$work/moved.23"
	moved 1 2 >"$work/moved.12"
	LC_ALL=C comm -23 "$work/moved.23" "$work/moved.12" >"$work/moved.new"
	# Somebody else may work on this machine. Ours is what our calls opened;
	# that nothing is written or renamed elsewhere, the check calls shows.
	sed -nE '/ (open|openat|openat2)\(/ s/^.* = [0-9]+<(\/[^>]*)>.*$/\1/p' "$work/touching" | LC_ALL=C sort -u >"$work/touched"
	LC_ALL=C comm -12 "$work/moved.new" "$work/touched" >"$work/moved"
	echo "      $(wc -l <"$work/touched") files opened; $(LC_ALL=C comm -23 "$work/moved.new" "$work/touched" | wc -l) other files moved meanwhile, $(wc -l <"$work/moved.12") before"
	local links
	links=$(links_only)
	[ "$links" = 0 ] || echo "      beside: the access time of $links symbolic links moved"
	nothing "no time moved in $(wc -l <"$work/times.3") files of: $(roots | tr '\n' ' ')" "$work/moved"
	if [ -s "$work/lodger.pid" ]; then
		kill "$(cat "$work/lodger.pid")"
		wait "$(cat "$work/lodger.pid")" || true
		rm "$work/lodger.pid"
	fi
	umount -q "$work/strict" || true
	umount "$work/tmpfs"
}
roots() {
	if [ -n "${ROOTS:-}" ]; then
		printf '%s\n' $ROOTS
		return
	fi
	findmnt -rno TARGET -t ext2,ext3,ext4,xfs,btrfs,tmpfs,overlay,vfat | LC_ALL=C sort -u | grep -v "^$work"
}
# Name, then three times; what this script itself writes is left out. Of a
# symbolic link the access time is left out too, and counted apart: the kernel
# sets it whenever a link is read or followed, and there is no call that reads
# one without (do_readlinkat in fs/stat.c, get_link in fs/namei.c).
everywhere() {
	roots | while read -r root; do
		find "$root" -xdev \( -path "$work" -o -path /proc -o -path /sys \) -prune -o \
			-type l -printf '%p - %T@ %C@ %A@\n' -o -printf '%p %A@ %T@ %C@ -\n' 2>/dev/null || true
	done | grep -vE '^(/tmp|/var/tmp|/var/tmp/hozen-ci\.[^/]*(/.*)?|/root/\.cache/.*) ' | LC_ALL=C sort
}
# Names whose times differ between two looks.
moved() {
	LC_ALL=C comm -3 <(sed 's/ [^ ]*$//' "$work/times.$1" | LC_ALL=C sort) <(sed 's/ [^ ]*$//' "$work/times.$2" | LC_ALL=C sort) |
		sed -E 's/^\t//; s/( [0-9.-]+){3}$//' | LC_ALL=C sort -u
}
# How many symbolic links differ in their access time alone.
links_only() { LC_ALL=C comm -13 "$work/times.2" "$work/times.3" | grep -c ' - [0-9.-]* [0-9.-]* [0-9][0-9.]*$' || true; }

# The same of files and traffic: a file system that records every access, taken as
# the root of a machine by everything that reads files; then the calls of a capture
# and of the artefacts of this machine.
check_files() {
	mkdir "$work/disk"
	truncate -s 96M "$work/disk.ext4"
	if ! mkfs.ext4 -q "$work/disk.ext4" || ! mount -o loop,strictatime "$work/disk.ext4" "$work/disk" 2>/dev/null; then
		echo "      this kernel mounts no ext4 image: left out"
		return
	fi
	mkdir -p "$work/disk"/{etc,home/a,var/log,var/lib/dpkg/info,usr/bin,srv/www/upload,tmp/.x}
	cp -r /etc/ssh /etc/cron.d /etc/passwd /etc/os-release "$work/disk/etc/" 2>/dev/null || true
	cp /var/lib/dpkg/status "$work/disk/var/lib/dpkg/"
	cp /var/lib/dpkg/info/coreutils.* "$work/disk/var/lib/dpkg/info/"
	cp /bin/ls /bin/cat "$work/disk/usr/bin/"
	cp /bin/true "$work/disk/tmp/.x/miner"
	echo "curl http://evil.example" >"$work/disk/home/a/.bash_history"
	echo "<?php" >"$work/disk/srv/www/upload/x.php"
	ln -s ../etc/passwd "$work/disk/var/link"
	truncate -s 40M "$work/disk/var/log/sparse"
	printf x >>"$work/disk/var/log/sparse"
	find "$work/disk" | LC_ALL=C sort >"$work/disk.names"
	sleep 1
	all() { tr '\n' '\0' <"$work/disk.names" | xargs -0 stat --printf '%n %F %s %x %y %z\n'; }
	all >"$work/disk.1"
	local code=0
	mkdir "$work/files"
	"$HOZEN" collect --profile full --skip ram --quiet --root "$work/disk" --hash-tree / --take /srv --out "$work/files" >"$work/said" 2>&1 || code=$?
	check "everything that reads files, on strictatime, ends with 0 or 3 ($code)" test "$code" = 0 -o "$code" = 3
	all >"$work/disk.2"
	check "no time of any of $(wc -l <"$work/disk.names") files, directories and links moved" diff "$work/disk.1" "$work/disk.2"
	local a
	a=$(echo "$work"/files/*.tar.zst)
	mkdir "$work/files.x"
	zstd -dcq "$a" | tar -xf - -C "$work/files.x"
	check "what was taken is what is there" cmp "$work"/files.x/*/data/disk/files/srv/www/upload/x.php "$work/disk/srv/www/upload/x.php"
	check "sha256sum agrees with the tree of hashes" sh -c "jq -r 'select(.path == \"/usr/bin/ls\") | .sha256' '$work'/files.x/*/data/disk/hashes.jsonl | grep -qx \"\$(sha256sum <'$work/disk/usr/bin/ls' | cut -c1-64)\""
	check "mactime reads the body file" sh -c "mactime -b '$work'/files.x/*/data/disk/bodyfile -d | grep -q '/srv/www/upload/x.php'"
	umount "$work/disk"
}

check_files_calls() {
	local code=0
	mkdir "$work/traced2"
	strace -f -y -qq -o "$work/calls2" -e signal=none --seccomp-bpf \
		-e trace=execve,execveat,fork,vfork,connect,bind,sendto,sendmsg,sendmmsg,setsockopt,openat,openat2,open,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,link,linkat,symlink,symlinkat,chmod,fchmodat,chown,fchownat,utimensat,truncate,mount,umount2,move_mount,init_module,finit_module,kill,ptrace \
		"$HOZEN" collect --only packets,disk,integrity --pcap 2s --quiet --out "$work/traced2" >/dev/null 2>&1 || code=$?
	check "a capture and artefacts under strace end with 0 or 3 ($code)" test "$code" = 0 -o "$code" = 3
	check "one execve: our own" test "$(grep -cE ' (execve|execveat|fork|vfork)\(' "$work/calls2")" = 1
	grep -E ' (connect|sendto|sendmsg|sendmmsg|bind)\(' "$work/calls2" | grep -vE 'sa_family=AF_(NETLINK|PACKET)|\((-1|[0-9]+(<[^>]*>)?), \[?\{nlmsg_len=' >"$work/spoken" || true
	nothing "nothing is connected to, bound or sent but netlink, and packet sockets that listen" "$work/spoken"
	grep -E 'PACKET_ADD_MEMBERSHIP|PACKET_MR_PROMISC' "$work/calls2" >"$work/promiscuous" || true
	nothing "no interface is made promiscuous" "$work/promiscuous"
	grep -E 'O_WRONLY|O_RDWR|O_CREAT| creat\(' "$work/calls2" | grep -vE "\"?$work/traced2|= -1 |\"/dev/null\"|/proc/self/fd" >"$work/written" || true
	nothing "nothing is opened for writing outside the output" "$work/written"
	grep -E ' (unlink|unlinkat|rename|renameat|renameat2|mkdir|mkdirat|link|linkat|symlink|symlinkat|chmod|fchmodat|chown|fchownat|utimensat|truncate|mount|umount2|move_mount|init_module|finit_module|kill|ptrace)\(' "$work/calls2" | grep -vF "$work/traced2" | grep -vE ' (kill\([0-9]+, 0\)|pidfd_send_signal\([^,]+, 0,)' >"$work/changed" || true
	nothing "nothing is removed, renamed, made, mounted or signalled outside the output" "$work/changed"
	rm -rf "$work/traced2"
}

# --- an ordinary user ------------------------------------------------------

check_user() {
	local code=0 a
	mkdir "$work/nobody"
	chown nobody "$work/nobody"
	cp "$HOZEN" "$work/hozen-of-all"
	chmod 755 "$work/hozen-of-all"
	(cd "$work/nobody" && exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all env HOME="$work/nobody" \
		"$work/hozen-of-all" collect --profile volatile --quiet --out "$work/nobody") >"$work/said" 2>&1 || code=$?
	check "an ordinary user: exit code 3 ($code), since something is denied" test "$code" = 3
	a=$(echo "$work"/nobody/*.tar.zst)
	verdict 6 UNTRUSTED-SIGNER "what an ordinary user took" "$a"
	zstd -dcq "$a" | tar -xf - -C "$work/nobody"
	cat "$work"/nobody/*/custody/cp/*.jsonl | jq -r 'select(.outcome == "denied") | .path' >"$work/denied"
	check "its records say what was denied ($(wc -l <"$work/denied"))" test -s "$work/denied"
	cat "$work"/nobody/*/custody/cp/*.jsonl | jq -c 'select(.outcome == "failed")' >"$work/failed"
	nothing "nothing failed" "$work/failed"
}

# Root may read everything, but where a machine keeps even root from a process
# (a sandbox that this runs in), readlink is refused as we are.
check_outcomes() {
	cat "$bag"/custody/cp/*.jsonl | jq -c 'select(.outcome == "failed") | {path, note}' >"$work/short"
	nothing "as root, nothing failed" "$work/short"
	if readlink -v /proc/[0-9]*/ns/net >/dev/null 2>"$work/said" || ! grep -q 'Permission denied' "$work/said"; then
		cat "$bag"/custody/cp/*.jsonl | jq -c 'select(.outcome == "denied" or (.note // "" | test("denied"))) | {path, note}' >"$work/short"
		nothing "as root, nothing was denied" "$work/short"
	else
		echo "      this machine denies root $(grep -c 'Permission denied' "$work/said") processes: what was denied is not judged"
	fi
	cat "$bag"/custody/cp/*.jsonl | jq -r .outcome | sort | uniq -c | awk '{printf "      %s: %d items\n", $2, $1}'
}

# Isolation, in network namespaces of its own.
check_isolate() {
	local code=0
	HOZEN=$HOZEN TMPDIR=$work testdata/net/isolate.sh | tee "$work/isolate.said" || code=$?
	[ $code = 0 ] || bad "isolate: $(grep -c ^WRONG "$work/isolate.said") facts are wrong"
}

prepare
taken
[ $# -gt 0 ] || set -- tools signatures bag verdicts audit outcomes truth agree calls times files files_calls user isolate
for name in "$@"; do
	began=$SECONDS
	set +e # a check in a condition would run on after an error
	(set -e; "check_$name")
	code=$?
	set -e
	[ $code = 0 ] || bad "the check $name broke off"
	echo "--- $name: $((SECONDS - began)) s"
done
[ ! -s "$wrong" ] || { echo "$(wc -l <"$wrong") wrong"; exit 1; }
