# What the collectors of memory find under Wine: sourced by check.sh, whose functions
# print "ok …" or "WRONG …" lines. Needs HOZEN_WINEPREFIX, x86_64-w64-mingw32-gcc and go.

# memory_test NAME TEXT: runs tests of collector/memory/onwindows by name.
memory_test() {
	local out
	if out=$(cd "$top/collector/memory/onwindows" && HOZEN_INJECT="$memory_wine\\inject.exe" HOZEN_DUMP="$memory_wine\\planted.dmp" timeout 300 "$top/testdata/wine/run" "$memory_dir/onwindows.test.exe" -test.v -test.run "$1" 2>&1) && grep -q "^--- PASS" <<<"$out" && ! grep -q -- "--- SKIP" <<<"$out"; then
		ok "$2: $(grep -o 'recall: .*' <<<"$out" | tr -d '\r')"
	else
		bad "$2"
		sed 's/^/    /' <<<"$out"
	fi
}

# memory builds fixtures and tests, looks at a clean prefix first, and then at
# one with every sign planted.
memory() {
	local top memory_dir memory_wine out
	top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
	memory_dir=$(mktemp -d /tmp/hozen-memory.XXXXXX)
	memory_wine="Z:${memory_dir//\//\\}"
	x86_64-w64-mingw32-gcc -Wall -Wextra -Werror -Wno-cast-function-type -O1 -s -o "$memory_dir/inject.exe" "$top"/testdata/fixtures/inject/*.c || { bad "the fixtures of injection do not build"; return; }
	(cd "$top" && GOOS=windows GOARCH=amd64 go test -c -o "$memory_dir/onwindows.test.exe" ./collector/memory/onwindows) || { bad "the tests of memory do not build"; return; }
	memory_test TestHealthyPrefix "nothing above the lowest level on a clean prefix"
	memory_test TestPlantedSignsAreFound "every planted sign of injection, hiding and masquerading is found"
	memory_test TestPlantedMemoryIsTaken "planted memory, a rebuilt image and a minidump are taken"
	x86_64-w64-mingw32-gcc -Wall -Wextra -Werror -O1 -s -o "$memory_dir/readdump.exe" "$top/testdata/wine/readdump.c" -ldbghelp
	out=$("$top/testdata/wine/run" "$memory_dir/readdump.exe" "$memory_wine\\planted.dmp" | tr -d '\r') || true
	if grep -q '^threads [2-9]' <<<"$out" && grep -q "^modules .*inject.exe" <<<"$out" && grep -q "ends at $(stat -c %s "$memory_dir/planted.dmp") of" <<<"$out"; then
		ok "dbghelp reads the minidump: $(tr '\n' ' ' <<<"$out")"
	else
		bad "dbghelp does not read the minidump: $out"
	fi
	rm -rf "$memory_dir"
}
