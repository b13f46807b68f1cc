#!/bin/bash
# What only a kernel of one's own can show, in the guest of run.sh:
#
#   ram     memory as the agent takes it is what QEMU says it is, with page tables
#           of four and of five levels; no private key of ours is in it; how fast it
#           is beside dd (a figure, not a check: without KVM it measures QEMU)
#   hidden  a clean Debian shows no indicator above low; a module and a process that
#           hide are reported
#
#   testdata/vm/check.sh [ram] [hidden]        both when none is named
#
# Root; at most ten minutes on two cores, the guest's making included. Each check
# prints one line; the script ends with 1 if one failed.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
export CGO_ENABLED=0
work=$(mktemp -d "${TMPDIR:-/var/tmp}/hozen-vmcheck.XXXXXX")
wrong=$work/wrong
: >"$wrong"
trap 'rm -rf "$work"' EXIT

ok() { printf 'ok    %s\n' "$*"; }
bad() { printf 'WRONG %s\n' "$*" | tee -a "$wrong"; }

# guest NAME ARGUMENT...: runs a job, its files in $work/NAME; says so if it fails.
guest() {
	local name=$1 began=$SECONDS
	shift
	if testdata/vm/run.sh --out "$work/$name" "$@" >"$work/$name.said" 2>&1; then
		ok "$name: the job ran in $((SECONDS - began)) s"
	else
		bad "$name: the job ended with $? after $((SECONDS - began)) s"
		tail -n 40 "$work/$name.said" | sed 's/^/      /'
		return 1
	fi
}

# opened NAME FOLDER: verifies the archive in it and writes its items below FOLDER/data.
opened() {
	mkdir -p "$2/x"
	if "$HOZEN" extract "$2"/*.tar.zst --to "$2/x" --fingerprint "$fingerprint" >"$2/verdict" 2>&1; then
		ok "$1: the archive is VALID"
		mv "$2"/x/*/data "$2/data"
	else
		bad "$1: extract ends with $?"
		sed 's/^/      /' "$2/verdict"
		return 1
	fi
}

# ram LEVELS ARGUMENT...
ram() {
	local name=ram-$1 out=$work/ram-$1
	shift
	guest "$name" --job testdata/vm/jobs/ram.sh --key "$work/device" --memory 704 --timeout 500 "$@" || return 0
	opened "$name" "$out" || return 0
	[ "ram-$(cat "$out/levels")" = "$name" ] || bad "$name: the kernel's page tables have $(cat "$out/levels") levels"
	if "$work/compare" -truth "$out" -iomem "$out/iomem" -map "$out/data/memory/ram.map.jsonl" \
		-key "$work/device" "$out"/data/memory/ram.lime* >"$out/compared" 2>&1; then
		ok "$name: $(grep '^same' "$out/compared")"
	else
		bad "$name: the image is not what QEMU says of memory"
	fi
	sed 's/^/      /' "$out/compared"
	jq -rn --slurpfile e "$out/events" --rawfile dd "$out/dd" '
		($e[] | select(.event == "step_ended") | .bytes / .took_ms * 1000) as $ours
		| ($dd | split(" ") | map(tonumber) | .[0] / .[1] * 1e9) as $dd
		| "      agent \($ours / 1e6 | floor) MB/s, dd \($dd / 1e6 | floor) MB/s: \($ours / $dd * 100 | floor) %"'
	rm -rf "$out"
}

check_ram() {
	ram four
	ram five --la57
}

# above FOLDER: the rows above low, one a line.
above() { jq -c 'select(.level != "low")' "$1/data/memory/indicators.jsonl"; }

check_hidden() {
	local out=$work/hidden pid
	testdata/vm/module/build.sh "$work"
	guest hidden --job testdata/vm/jobs/hidden.sh --add "$work/hide.ko" --add "$work/deeper.ko" --key "$work/device" --timeout 300 || return 0
	opened clean "$out/clean" && opened modules "$out/hidden" || return 0
	pid=$(cat "$out/truth")
	if [ -z "$(above "$out/clean")" ]; then
		ok "clean Debian: no indicator above low, $(wc -l <"$out/clean/data/memory/indicators.jsonl") in all"
	else
		bad "clean Debian: indicators above low"
		above "$out/clean" | cut -c 1-400 | sed 's/^/      /'
	fi
	reported "a module that left the list of modules" '\bhide\b'
	reported "a module that left /sys/module, too" '\bdeeper\b'
	reported "a process that is left out of /proc" "\\b$pid\\b"
}
# reported WHAT PATTERN: a row above low names it.
reported() {
	if above "$work/hidden/hidden" | jq -e -s --arg p "$2" '
		map(select([.object, .seen, .process.pid | tostring] | any(test($p)))) | length > 0' >/dev/null; then
		ok "reported: $1"
	else
		bad "not reported: $1"
		above "$work/hidden/hidden" | cut -c 1-400 | sed 's/^/      /'
	fi
}

[ -n "${HOZEN:-}" ] || { HOZEN=$work/hozen && go build -trimpath -o "$HOZEN" ./agent; }
export HOZEN
go build -o "$work/compare" ./testdata/vm/compare
fingerprint=$("$HOZEN" key new "$work/device" | sed -n 's/^fingerprint *//p')
[ $# -gt 0 ] || set -- ram hidden
for check in "$@"; do "check_$check"; done
[ ! -s "$wrong" ]
