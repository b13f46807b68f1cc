# Files of a live Windows. Wine makes Documents and its like links to the home of whoever
# runs it: they are not walked here.

# files_scene plants what must be found in a prefix that is made already.
files_scene() {
	local home
	home=$(find "$HOZEN_WINEPREFIX/drive_c/users" -mindepth 1 -maxdepth 1 -type d ! -name Public | head -1)
	find "$home" -maxdepth 1 -type l | while read -r l; do rm "$l" && mkdir "$l"; done
	mkdir -p "$HOZEN_WINEPREFIX/drive_c/windows/Prefetch" "$home/AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine" "$HOZEN_WINEPREFIX/drive_c/inetpub/wwwroot"
	printf 'MAM\004not really' >"$HOZEN_WINEPREFIX/drive_c/windows/Prefetch/EVIL.EXE-01234567.pf"
	printf 'whoami /all\r\n' >"$home/AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine/ConsoleHost_history.txt"
	printf '<%% eval request("x") %%>' >"$HOZEN_WINEPREFIX/drive_c/inetpub/wwwroot/shell.asp"
}

# files collects some artefacts, and holds them against the scene; the
# archive must be the same to both programs.
files() {
	local archive here there want fingerprint
	files_scene
	mkdir -p "$work/files"
	wine "$work/hozen.exe" collect --only disk --artifact PrefetchTraces --artifact PowerShellHistories --artifact HostsAndNetworkFiles --artifact WebRootScriptsOnWindows --out "Z:${work//\//\\}\\files" </dev/null >"$work/files.log" 2>&1 || true # Wine has no raw volume
	archive=$(find "$work/files" -name '*.tar.zst')
	[ -n "$archive" ] || { bad "files: no archive"; tail -5 "$work/files.log"; return; }
	fingerprint=$(grep -oE 'SHA256:[A-Za-z0-9+/]{43}' "$work/files.log" | head -1)
	here=$("$work/hozen" verify --fingerprint "$fingerprint" "$archive" 2>&1 | head -1 | cut -d' ' -f1)
	there=$(wine "$work/hozen.exe" verify --fingerprint "$fingerprint" "Z:${archive//\//\\}" 2>/dev/null </dev/null | tr -d '\r' | head -1 | cut -d' ' -f1)
	check "files: verify says VALID here ($here) and under Wine ($there)" test "$here$there" = VALIDVALID
	for want in 'C:/windows/Prefetch/EVIL.EXE-01234567.pf' PSReadLine/ConsoleHost_history.txt 'C:/inetpub/wwwroot/shell.asp' C:/windows/system32/drivers/etc/hosts; do
		if zstd -dqc "$archive" | tar -tf - 2>/dev/null | sed 's/=3A/:/g' | grep -F "$want" >/dev/null; then # -q would end the pipe early
			ok "files: $want"
		else
			bad "files: $want was not taken"
		fi
	done
}
