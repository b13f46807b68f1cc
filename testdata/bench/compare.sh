#!/bin/bash
# Compare a collection, and the archive writer alone, with the least that such
# work can cost and with the programs that people use today. Prints the tables
# that README shows. Linux; the volatile part wants root, strace, lsof, ss.
#
#   testdata/bench/compare.sh [volatile] [writer] [ram] [hashes] [walk] [taken]   all when none is named
#
# Sizes and counts, by environment:
#   HOZEN=PATH     the binary under test; built from ./agent when unset
#   ROUNDS=5       how often each command is run, interleaved; medians are shown
#   PROCS=1000 SOCKETS=2000 MANY=4000    the scene; MANY=0 leaves growth out
#   TREE=/usr/share    what is taken whole
#   SIZE=1536      MiB of the writer's input tree
#   RAM=2048       MiB of memory that is taken
#   TREE=/usr/share    the tree that is hashed
#   FILES=300000   in the tree whose objects are listed
#   SMALL=1024 BIG=8192  MiB for the writer's memory; BIG=0 leaves it out
#   TMPDIR=/var/tmp      where all of it is kept while it runs, and removed
#   STRICT=1       exit 1 when a goal is missed
#
# How the peers are made fair:
# - The floor reads exactly the files that one traced collection read, with two
#   workers on two cores, and throws them away (testdata/bench/floor).
# - The collection's time includes sealing, syncing and reading back its archive.
# - tar and sha256sum do not sync; our writer does. Our archive holds a hash per
#   file, a hash of the whole, and signatures. The goal is held against tar and
#   the hash of its archive only; the row with a hash per file is the peer that
#   makes the same assurances.
# - Every file is in the page cache, for both.
# - RAM is read from a made kcore (testdata/bench/pack), since not every machine has
#   one; dd copies that file to the same folder, through the page cache with a sync at
#   the end (what people type), and past it (what the collection does).
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=${ROUNDS:-5} procs=${PROCS:-1000} sockets=${SOCKETS:-2000} many=${MANY:-4000}
ram=${RAM:-2048} size=${SIZE:-1536} small=${SMALL:-1024} big=${BIG:-8192}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/hozen-bench.XXXXXX")
missed=0

finish() {
	stop_scene
	rm -rf "$work"
}
stop_scene() {
	if [ -n "${scene_pid:-}" ]; then
		kill "$scene_pid" 2>/dev/null || true
		wait "$scene_pid" 2>/dev/null || true
		scene_pid=
	fi
}
trap finish EXIT

build() {
	mkdir "$work/bin" "$work/out"
	for program in fixtures/scene bench/floor bench/hashtree bench/measure bench/pack; do
		CGO_ENABLED=0 go build -o "$work/bin/" "./testdata/$program"
	done
	if [ -z "${HOZEN:-}" ]; then
		CGO_ENABLED=0 go build -ldflags='-s -w' -o "$work/bin/hozen" ./agent
		HOZEN=$work/bin/hozen
	fi
	PATH=$work/bin:$PATH
}

machine() {
	echo "Machine: $(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)," \
		"$(awk '/MemTotal/ {printf "%.0f GiB", $2/1048576}' /proc/meminfo)," \
		"Linux $(uname -r), $(. /etc/os-release && echo "$PRETTY_NAME"), $(go env GOVERSION), medians of $rounds"
	echo
}

start_scene() { # processes, sockets
	rm -f "$work/life" "$work/truth.json"
	mkfifo "$work/life"
	scene -procs "$1" -sockets "$2" <>"$work/life" >"$work/truth.json" &
	scene_pid=$!
	for _ in $(seq 600); do
		[ -s "$work/truth.json" ] && return
		sleep 0.1
	done
	echo "the scene did not come up" >&2
	exit 1
}

# The tables of the kernel's state alone: what follows them, in memory, is measured apart.
tables="--profile volatile --skip indicators,contents"
collect="rm -rf $work/out/*; exec \$HOZEN collect $tables --quiet --out $work/out >/dev/null 2>&1"
memory="rm -rf $work/out/*; exec \$HOZEN collect --only indicators --quiet --out $work/out >/dev/null 2>&1"
export HOZEN

# The floor's list, from the calls of one collection.
trace() {
	local code=0
	strace -f -y --seccomp-bpf -o "$work/trace" \
		-e trace=openat,openat2,readlinkat,readlink,statx,newfstatat,setns,syslog \
		"$HOZEN" collect $tables --quiet --out "$work/out" >/dev/null || code=$?
	[ $code = 0 ] || [ $code = 3 ] || { echo "collect under strace: exit code $code" >&2; exit 1; }
	floor derive "$work/trace" "$work/out" >"$work/list"
	rm -rf "$work"/out/*
	echo "The floor reads: $(floor run "$work/list")"
	echo
}

field() { awk -F'\t' -v n="$1" -v f="$2" '$1 == n {print $f}' "$work/medians"; }
table() {
	echo "| | wall s | CPU s | peak RSS MiB |"
	echo "|---|---|---|---|"
	awk -F'\t' '{printf "| %s | %.3f | %.3f | %.1f |\n", $1, $2, $3, $4/1024}' "$work/medians"
	echo
}
goal() { # what, expression, at-most or at-least, bound
	local value verdict=met
	value=$(awk "BEGIN {printf \"%.2f\", $2}")
	if [ "$3" = at-most ]; then
		awk "BEGIN {exit !($value <= $4)}" || verdict=MISSED
	else
		awk "BEGIN {exit !($value >= $4)}" || verdict=MISSED
	fi
	[ $verdict = met ] || missed=1
	echo "| $1 | $value | $3 $4 | $verdict |"
}
goals() {
	echo "| ratio or figure | measured | goal | |"
	echo "|---|---|---|---|"
}

memory_image() {
	echo "## RAM: $ram MiB, a quarter of it empty, a quarter random, the rest programs"
	echo
	mkdir "$work/machine"
	pack machine -mib "$ram" "$work/machine"
	{
		printf 'RAM, sealed\trm -rf %s/out/*; exec pack ram -out %s/out %s/machine >/dev/null\n' "$work" "$work" "$work"
		printf 'dd conv=fsync\trm -rf %s/out/*; exec dd if=%s/machine/proc/kcore of=%s/out/dd bs=1M conv=fsync status=none\n' "$work" "$work" "$work"
		printf 'dd oflag=direct\trm -rf %s/out/*; exec dd if=%s/machine/proc/kcore of=%s/out/dd bs=1M oflag=direct conv=fsync status=none\n' "$work" "$work" "$work"
	} >"$work/cases"
	measure -rounds "$rounds" "$work/cases" >"$work/medians"
	rm -rf "$work/machine"
	table
	goals
	goal "speed of RAM / dd conv=fsync" "$(field 'dd conv=fsync' 2) / $(field 'RAM, sealed' 2)" at-least 0.8
	goal "speed of RAM / dd oflag=direct" "$(field 'dd oflag=direct' 2) / $(field 'RAM, sealed' 2)" at-least 0.8
	echo
}

volatile() {
	echo "## Volatile state: $procs idle processes, $sockets TCP sockets"
	echo
	start_scene "$procs" "$sockets"
	trace
	{
		printf 'floor\texec floor run %s >/dev/null\n' "$work/list"
		printf 'collect, sealed\t%s\n' "$collect"
		printf 'indicators alone, sealed\t%s\n' "$memory"
		printf 'ps auxww\tps auxww >/dev/null\n'
		printf 'ss -tanpu\tss -tanpu >/dev/null\n'
		printf 'lsof -n\tlsof -n >/dev/null 2>&1 || true\n'
	} >"$work/cases"
	measure -rounds "$rounds" "$work/cases" >"$work/medians"
	rows_small=$(rows) rss_small=$(field 'collect, sealed' 4)
	stop_scene
	table
	goals
	goal "collect / floor, wall" "$(field 'collect, sealed' 2) / $(field floor 2)" at-most 2.5
	goal "collect / floor, CPU" "$(field 'collect, sealed' 3) / $(field floor 3)" at-most 2.5
	goal "collect / (ps + ss + lsof), wall" "$(field 'collect, sealed' 2) / ($(field 'ps auxww' 2) + $(field 'ss -tanpu' 2) + $(field 'lsof -n' 2))" at-most 1.0
	goal "collect, peak RSS in MiB" "$rss_small / 1024" at-most 64
	goal "indicators, CPU s for 1,000 processes" "$(field 'indicators alone, sealed' 3) * 1000 / $procs" at-most 2.0
	[ "$many" = 0 ] || growth
	echo
}

rows() { cat "$work"/out/*.tar.zst | zstd -dcq | wc -c; }

growth() {
	start_scene "$many" "$sockets"
	printf 'many\t%s\n' "$collect" >"$work/cases"
	measure -rounds "$rounds" "$work/cases" >"$work/medians"
	stop_scene
	local more=$((($(rows) - rows_small) / 1024)) wider=$(($(field many 4) - rss_small))
	goal "more peak RSS with $many processes, in MiB, beside $((more / 1024)) MiB more rows" "$wider / 1024" at-most $((more / 1024 + 1))
	echo "| collect, peak RSS in MiB with $many processes | $(($(field many 4) / 1024)) | | |"
}

writer() {
	echo "## Writer: a mixed tree of $size MiB"
	echo
	pack mix -mib "$size" "$work/tree"
	{
		printf 'our writer\trm -rf %s/out/*; exec pack write -out %s/out %s/tree >/dev/null\n' "$work" "$work" "$work"
		printf 'tar --zstd\ttar --zstd -cf %s/peer.tar.zst -C %s tree\n' "$work" "$work"
		printf 'sha256sum of the archive\tsha256sum %s/peer.tar.zst >/dev/null\n' "$work"
		printf 'sha256sum of each file\tcd %s/tree && find . -type f -print0 | xargs -0 sha256sum >%s/sums\n' "$work" "$work"
		printf 'hozen verify\texec $HOZEN verify %s/out/*.tar.zst >/dev/null\n' "$work"
		printf -- '-clear\trm -rf %s/x; mkdir %s/x\n' "$work" "$work"
		printf 'tar --zstd -x\ttar --zstd -xf %s/peer.tar.zst -C %s/x\n' "$work" "$work"
		printf 'sha256sum -c\tcd %s/x/tree && sha256sum --quiet -c %s/sums\n' "$work" "$work"
	} >"$work/cases"
	measure -rounds "$rounds" -ok 0,6 "$work/cases" >"$work/medians"
	echo "Input $(du -sm --apparent-size "$work/tree" | cut -f1) MiB in $(find "$work/tree" -type f | wc -l) files;" \
		"our archive $(du -cm "$work"/out/*.tar.zst | tail -1 | cut -f1) MiB, tar's $(du -m "$work/peer.tar.zst" | cut -f1) MiB"
	echo
	table
	goals
	for column in 2:wall:1.0 3:CPU:0.75; do
		IFS=: read -r f word bound <<<"$column"
		goal "writer / (tar --zstd + sha256sum of it), $word" "$(field 'our writer' "$f") / ($(field 'tar --zstd' "$f") + $(field 'sha256sum of the archive' "$f"))" at-most "$bound"
		goal "the same, beside a peer that hashes each file too, $word" "$(field 'our writer' "$f") / ($(field 'tar --zstd' "$f") + $(field 'sha256sum of the archive' "$f") + $(field 'sha256sum of each file' "$f"))" at-most "$bound"
	done
	goal "(tar -x + sha256sum -c) / verify, wall" "($(field 'tar --zstd -x' 2) + $(field 'sha256sum -c' 2)) / $(field 'hozen verify' 2)" at-least 1.5
	rm -rf "$work/x" "$work/tree" "$work/peer.tar.zst"
	[ "$big" = 0 ] || flat
	echo
}

flat() {
	for n in "$small" "$big"; do
		printf 'made %s\trm -rf %s/out/*; exec pack made -mib %s -out %s/out >/dev/null\n' "$n" "$work" "$n" "$work"
	done >"$work/cases"
	measure -rounds 1 "$work/cases" >"$work/medians"
	goal "writer, peak RSS at $big MiB / at $small MiB" "$(field "made $big" 4) / $(field "made $small" 4)" at-most 1.25
	echo "| (in MiB: $(($(field "made $small" 4) / 1024)) and $(($(field "made $big" 4) / 1024))) | | | |"
}

# Three hashes of each file against one. Both read the same files; ours says of each what
# the file system says of it, too.
hashes() {
	local tree=${TREE:-/usr/share}
	echo "## Hashes of a whole tree: $tree"
	echo
	{
		printf 'our hashes\texec hashtree %s >%s/hashes.jsonl\n' "$tree" "$work"
		printf 'find and sha256sum\tfind %s -xdev -type f -exec sha256sum {} + >%s/sums\n' "$tree" "$work"
	} >"$work/cases"
	measure -rounds "$rounds" "$work/cases" >"$work/medians"
	echo "$(wc -l <"$work/sums") files, $(find "$tree" -xdev -type f -printf '%s\n' | awk '{n += $1} END {print int(n / 1048576)}') MiB"
	jq -r 'select(.sha256) | .sha256' "$work/hashes.jsonl" | sort -u >"$work/ours"
	cut -c1-64 "$work/sums" | tr -d '\\' | sort -u >"$work/theirs"
	echo "contents that only one of them found: $(comm -3 "$work/ours" "$work/theirs" | wc -l)"
	echo
	table
	goals
	goal "find -exec sha256sum / three hashes, wall" "$(field 'find and sha256sum' 2) / $(field 'our hashes' 2)" at-least 2.0
	echo
}

# Every object of a tree with all its fields: as two tables in a sealed archive, with a
# look at each for what is notable; and by find, one line each.
walk() {
	local files=${FILES:-300000}
	echo "## Every object of a tree of $files files"
	echo
	pack files -count "$files" "$work/many"
	{
		printf 'timeline and bodyfile, sealed\trm -rf %s/out/*; exec pack walk -out %s/out %s/many >/dev/null\n' "$work" "$work" "$work"
		printf 'find -printf\tfind %s/many -xdev -printf "%%p %%y %%m %%U %%G %%s %%i %%D %%n %%b %%A@ %%T@ %%C@ %%B@ %%l\\n" >%s/listed\n' "$work" "$work"
	} >"$work/cases"
	measure -rounds "$rounds" "$work/cases" >"$work/medians"
	local objects
	objects=$(wc -l <"$work/listed")
	rm -rf "$work/many"
	table
	goals
	goal "objects in a second, in thousands" "$objects / 1000 / $(field 'timeline and bodyfile, sealed' 2)" at-least 200
	goal "timeline and bodyfile / find -printf, wall" "$(field 'timeline and bodyfile, sealed' 2) / $(field 'find -printf' 2)" at-most 1.5
	echo
}

# A tree taken by the collector disk, with SHA-256, SHA-1 and MD5 of every file and a
# row for each, beside people's way, which has SHA-256 alone.
taken() {
	local tree=${TREE:-/usr/share}
	echo "## Taken whole: $tree, $(du -sm --apparent-size "$tree" | cut -f1) MiB in $(find "$tree" -xdev -type f | wc -l) files"
	echo
	{
		printf 'taken, sealed\trm -rf %s/out/*; exec pack take -out %s/out %s >/dev/null\n' "$work" "$work" "$tree"
		printf 'tar --zstd\ttar --one-file-system --zstd -cf %s/peer.tar.zst -C %s .\n' "$work" "$tree"
		printf 'sha256sum of each file\tfind %s -xdev -type f -print0 | xargs -0 sha256sum >%s/sums\n' "$tree" "$work"
	} >"$work/cases"
	measure -rounds "$rounds" "$work/cases" >"$work/medians"
	table
	goals
	goal "taken / (tar --zstd + sha256sum of each file), wall" "$(field 'taken, sealed' 2) / ($(field 'tar --zstd' 2) + $(field 'sha256sum of each file' 2))" at-most 1.0
	goal "taken / (tar --zstd + sha256sum of each file), CPU" "$(field 'taken, sealed' 3) / ($(field 'tar --zstd' 3) + $(field 'sha256sum of each file' 3))" at-most 0.9
	rm -f "$work/peer.tar.zst"
	echo
}

build
machine
[ $# -gt 0 ] || set -- volatile writer ram hashes walk taken
for part in "$@"; do
	case $part in
	volatile | writer | hashes | walk | taken) $part ;;
	ram) memory_image ;;
	*) echo "no part $part: volatile, writer, ram, hashes, walk, taken" >&2; exit 2 ;;
	esac
done
[ $missed = 0 ] || [ -z "${STRICT:-}" ] || exit 1
