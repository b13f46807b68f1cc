#!/bin/bash
# The Windows program itself, under Wine:
#
#   units        the tests of packages whose Windows half runs there
#   collection   one collection, verified here and under Wine: same bytes, same verdict
#   profiles     what a job's profile means is the same on both
#   and a function for each file beside this one that is named after its topic
#   (memory.sh: memory), which it reads in.
#
#   testdata/wine/check.sh [NAME…]        all when none is named
#
# It needs Debian's wine64 and gcc-mingw-w64-x86-64, and a prefix of its own. Each check
# prints one line; the script ends with 1 if one failed. What Wine cannot show is listed
# in testdata/README.md.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
export CGO_ENABLED=0
work=$(mktemp -d "${TMPDIR:-/var/tmp}/hozen-winecheck.XXXXXX")
export HOZEN_WINEPREFIX=$work/prefix
wrong=$work/wrong
: >"$wrong"

# Everything that runs in the prefix ends with it.
end() {
	exec 9>&-
	WINEPREFIX=$HOZEN_WINEPREFIX /usr/lib/wine/wineserver64 -k 2>/dev/null || true
	rm -rf "$work"
}
trap end EXIT

ok() { printf 'ok    %s\n' "$*"; }
bad() { printf 'WRONG %s\n' "$*" | tee -a "$wrong"; }
check() { local what=$1; shift; if "$@"; then ok "$what"; else bad "$what"; fi; }
wine() { timeout -k 5 300 testdata/wine/whole "$@"; }

# within SECONDS COMMAND…: tries again until the command succeeds, or the time is over.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.5
	done
}

# One program that stays, until end, and that is there before any other: Wine starts its
# own programs with the first one, lets them inherit its output, and ends them, and its
# services, with the last.
stay() {
	mkfifo "$work/stay"
	testdata/wine/run cmd.exe <"$work/stay" >"$work/stays" 2>&1 &
	exec 9>"$work/stay"
	within 120 test -s "$work/stays" || { echo "Wine does not start: $(cat "$work/stays")" >&2; exit 1; }
}

# The path of a file of ours as Wine's programs know it.
z() { printf 'Z:%s' "${1//\//\\}"; }

# Tests of neutral code that plant what only other systems have: names of any bytes, error
# numbers, units of systemd, who may write a folder by its mode, links as Wine follows them
# below its programs, output past the page cache.
not_there='^(TestTree|TestImage|TestUnitsSayWhatTheConfigurationSays|TestUnit|TestHostileFolders|TestExtractNeverOverwritesNorFollows|TestExtractWhole|TestBlackout.*|TestEventDuringABlackout)$'

# The packages with code of their own for Windows, and tests that run there.
units() {
	local package packages=()
	for package in $(git ls-files '*_windows_test.go' | xargs -r -n 1 dirname | sort -u); do
		packages+=("./$package")
	done
	[ ${#packages[@]} -gt 0 ] || { bad "units: no package has a test for Windows"; return; }
	# Wine 8 says STATUS_NOT_IMPLEMENTED where Windows before 1607 says
	# STATUS_INVALID_INFO_CLASS, after which os.RemoveAll, and so t.TempDir, goes another way:
	# the tests are built with a standard library that knows both.
	local file
	file=$(go env GOROOT)/src/internal/syscall/windows/at_windows.go
	sed 's/case STATUS_INVALID_INFO_CLASS,/case NTStatus(0xc0000002), STATUS_INVALID_INFO_CLASS,/' "$file" >"$work/at_windows.go"
	printf '{"Replace":{"%s":"%s"}}' "$file" "$work/at_windows.go" >"$work/overlay.json"
	if GOOS=windows go test -vet=off -overlay "$work/overlay.json" -p 2 -timeout 3m -skip "$not_there" -exec "$PWD/testdata/wine/whole" "${packages[@]}" >"$work/units" 2>&1; then
		ok "units: $(grep -c '^ok' "$work/units") packages"
	else
		bad "units"
		grep -avE '^ok|no test files' "$work/units" | tail -n 60 | sed 's/^/      /'
	fi
}

# One collection of everything but the disk, then its verdict on both systems.
collection() {
	local out=$work/collected code=0 here there
	mkdir "$out"
	wine "$work/hozen.exe" collect --profile volatile --case wine-1 --out "$(z "$out")" >"$work/said" 2>&1 || code=$?
	check "a collection ends with 0 or 3 ($code)" test "$code" = 0 -o "$code" = 3
	[ -e "$(echo "$out"/*.tar.zst)" ] || { bad "no archive"; tail -n 20 "$work/said"; return; }
	fingerprint=$(grep -oE 'SHA256:[A-Za-z0-9+/]{43}' "$work/said" | head -1)
	here=$("$work/hozen" verify --fingerprint "$fingerprint" "$out"/*.tar.zst 2>&1 | head -1 | cut -d' ' -f1)
	there=$(wine "$work/hozen.exe" verify --fingerprint "$fingerprint" "$(z "$(echo "$out"/*.tar.zst)")" 2>&1 | tr -d '\r' | head -1 | cut -d' ' -f1)
	check "verify says VALID here ($here) and under Wine ($there)" test "$here$there" = VALIDVALID
	if "$work/hozen" extract "$out"/*.tar.zst --to "$work/opened" --fingerprint "$fingerprint" >"$work/said" 2>&1 &&
		wine "$work/hozen.exe" extract "$(z "$(echo "$out"/*.tar.zst)")" --to "$(z "$work/openedthere")" --fingerprint "$fingerprint" >>"$work/said" 2>&1; then
		check "both extract the same bytes" diff -rq "$work/opened" "$work/openedthere"
	else
		bad "extract: $(tail -n 3 "$work/said")"
	fi
}

# What a profile means must be one thing: an operator on Linux signs for endpoints with
# Windows.
profiles() {
	local name here there
	for name in volatile standard full; do
		"$work/hozen" job new "$work/here-$name.job" --target pc-1 --profile "$name" --operator alice --approval bob --reason test >/dev/null
		wine "$work/hozen.exe" job new "$(z "$work/there-$name.job")" --target pc-1 --profile "$name" --operator alice --approval bob --reason test >/dev/null 2>&1
		here=$(jq -r .profile.sha256 "$work/here-$name.job") there=$(jq -r .profile.sha256 "$work/there-$name.job")
		check "profile $name means the same on both systems" test -n "$here" -a "$here" = "$there"
	done
}

mkdir -p "$work/bin"
go build -o "$work/hozen" ./agent
GOOS=windows go build -o "$work/hozen.exe" ./agent
names=(units collection profiles)
for file in testdata/wine/*.sh; do
	[ "$file" != testdata/wine/check.sh ] || continue
	. "$file"
	names+=("$(basename "$file" .sh)")
done
[ $# -gt 0 ] || set -- "${names[@]}"
stay
for name in "$@"; do
	began=$SECONDS
	"$name"
	echo "--- $name: $((SECONDS - began)) s"
done
if [ -s "$wrong" ]; then
	echo "$(wc -l <"$wrong") wrong"
	exit 1
fi
