# doctor --self-test: read in by check.sh. Wine answers few of the probes as Windows does;
# each must have its row, and none may hang, panic or break the archive.

# selftest_rows FILTER: how many rows of the self-test are so.
selftest_rows() { jq -s "[.[] | select($1)] | length" "$work/selftest.jsonl"; }

selftest() {
	local out=$work/selftest code=0 asked archive name
	mkdir "$out"
	wine "$work/hozen.exe" doctor --self-test --out "$(z "$out")" </dev/null >"$work/said" 2>&1 || code=$?
	check "doctor --self-test ends with 0 or 3 ($code)" test "$code" = 0 -o "$code" = 3
	archive=$(echo "$out"/*.tar.zst)
	[ -e "$archive" ] || { bad "self-test: no archive"; tail -n 20 "$work/said"; return; }
	name=$(grep -oE 'SHA256:[A-Za-z0-9+/]{43}' "$work/said" | head -1)
	check "its archive is VALID" sh -c "'$work/hozen' verify --fingerprint '$name' '$archive' 2>&1 | head -1 | grep -q '^VALID '"
	"$work/hozen" show --fingerprint "$name" "$archive" self-test.jsonl >"$work/selftest.jsonl" 2>/dev/null || true
	asked=$(grep -ho 'asking("[^"]*", ["`]' agent/selftest*_windows.go | wc -l)
	check "each of the $asked probes of Windows has a row" test "$(selftest_rows '.expects != "it opens" and (.expects | test("^how many") | not)')" = "$asked"
	check "each says what it expects" test "$(selftest_rows '(.expects // "") == ""')" = 0
	check "none hangs or panics" test "$(selftest_rows '(.note // "") | test("no answer in|panic")')" = 0
	for name in "SystemExtendedProcessInformation" "NtQueryVirtualMemory" "GetThreadContext" "minidump of this process" "DPAPI" "clock and zone" "users"; do
		check "Wine answers it: $name" test "$(selftest_rows ".probe == \"$name\" and .outcome == \"collected\"")" = 1
	done
	for name in "SystemModuleInformation" "filtering platform" "TCP listener of 135"; do
		check "and a wrong answer is told: $name" test "$(selftest_rows ".probe == \"$name\" and .outcome == \"failed\" and (.note | length) > 0")" = 1
	done
}
