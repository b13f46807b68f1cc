#!/bin/bash
# Runs a job in the QEMU guest of this folder and brings back what it wrote.
#
#   testdata/vm/run.sh --job SCRIPT [--out DIR] [--add FILE]... [--key FILE]
#                      [--la57] [--memory MIB] [--timeout SECONDS]
#
# SCRIPT is run by bash -eu -o pipefail as root in the guest; its exit code is that
# of run.sh. What it prints is shown. In the guest there are:
#
#   /job        read-only: hozen, built static from this tree, and every --add FILE
#   /out        the working directory, ext4 on a disk of its own (O_DIRECT works);
#               all that is in it when the job ends is copied to --out DIR
#   /key        read-only: the --key FILE, on a disk of its own, so that no page
#               cache has seen it before the job reads it
#   truth NAME  a command: the host stops the machine, saves its memory to
#               DIR/NAME.ADDRESS (raw, one file per bank of memory; ADDRESS is
#               physical, in hex) and lets it run on
#
# DIR also gets iomem (/proc/iomem), release, and serial.log, all that the guest printed.
# The machine: two processors of QEMU's own (no KVM is needed), MIB (512) of memory
# in two banks: 256 MiB at 0 and the rest at 4 GiB, so that there is a hole;
# --la57 gives it page tables of five levels. A job of one line:
#
#   echo 'uname -a; /job/hozen collect --only host' >/tmp/job && testdata/vm/run.sh --job /tmp/job
#
# Root, for debootstrap (build.sh); Debian with qemu-system-x86, debootstrap, e2fsprogs.
# HOZEN=PATH of a built hozen; TMPDIR (/var/tmp) has room for memory and its images.
set -eu -o pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)

job= out= key= la57=off memory=512 timeout=300 add=()
while [ $# -gt 0 ]; do
	case $1 in
	--job) job=$2 ;;
	--out) out=$2 ;;
	--add) add+=("$2") ;;
	--key) key=$2 ;;
	--memory) memory=$2 ;;
	--timeout) timeout=$2 ;;
	--la57) la57=on && shift && continue ;;
	*) echo "run.sh: what is $1? (its head says how to use it)" >&2 && exit 2 ;;
	esac
	shift 2
done
[ -n "$job" ] || { echo "run.sh: no --job" >&2; exit 2; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/hozen-vm.XXXXXX")
trap 'rm -rf "$work"' EXIT
out=${out:-$work/files}
mkdir -p "$out" "$work/job" "$work/key"

guest=$("$top/testdata/vm/build.sh")
cd "$top"
export CGO_ENABLED=0
go build -o "$work/driver" ./testdata/vm/driver
if [ -n "${HOZEN:-}" ]; then
	cp "$HOZEN" "$work/job/hozen"
else
	go build -trimpath -o "$work/job/hozen" ./agent
fi
cp "$job" "$work/job/job.sh"
[ ${#add[@]} = 0 ] || cp -r "${add[@]}" "$work/job/"

# disk NAME SIZE [FOLDER]: an ext4 image that holds what is in the folder.
disk() {
	truncate -s "$2" "$work/$1.ext4"
	mkfs.ext4 -q -F -L "$1" ${3:+-d "$3"} "$work/$1.ext4"
}
disk job 128M "$work/job"
disk out $((memory * 3 + 512))M
disks=("$guest/root.ext4" "$work/job.ext4" "$work/out.ext4")
if [ -n "$key" ]; then
	cp "$key" "$work/key/"
	disk key 4M "$work/key"
	disks+=("$work/key.ext4")
fi

code=0
"$work/driver" -kernel "$guest/kernel" -memory "$memory" -la57 $la57 -timeout "${timeout}s" \
	-out "$out" "${disks[@]}" || code=$?
# debugfs reads the file system without mounting it; it says so much on stderr.
debugfs -R "rdump / $out" "$work/out.ext4" >"$work/debugfs" 2>&1 || { cat "$work/debugfs"; code=96; }
rmdir "$out/lost+found" 2>/dev/null || true
exit $code
