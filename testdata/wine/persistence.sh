# What makes Windows start programs again: planted in the prefix with reg.exe, sc.exe and
# files, and all of it found by one collection. check.sh reads this in.

# Each line of planted_keys: category, key, name of the value (- is the default one), data.
planted_keys() {
	local cv='Software\Microsoft\Windows\CurrentVersion' nt='Software\Microsoft\Windows NT\CurrentVersion' control='HKLM\SYSTEM\CurrentControlSet\Control'
	cat <<KEYS
run|HKLM\\$cv\\Run|planted1|C:\\planted\\evil.exe -1
run|HKCU\\$cv\\Run|planted2|"C:\\planted dir\\evil.exe" -2
run|HKCU\\$cv\\Policies\\Explorer\\Run|planted3|C:\\planted\\evil.exe -3
run|HKLM\\$cv\\Run|planted4|rundll32.exe C:\\planted\\evil.dll,Go
run_once_ex|HKLM\\$cv\\RunOnceEx\\1|planted5|C:\\planted\\evil.exe
windows_load|HKCU\\$nt\\Windows|Load|C:\\planted\\evil.exe
winlogon|HKLM\\$nt\\Winlogon|Userinit|C:\\windows\\system32\\userinit.exe,C:\\planted\\evil.exe
winlogon_notify|HKLM\\$nt\\Winlogon\\Notify\\planted|DllName|C:\\planted\\evil.dll
image_file_execution_options|HKLM\\$nt\\Image File Execution Options\\planted.exe|Debugger|C:\\planted\\evil.exe
silent_process_exit|HKLM\\$nt\\SilentProcessExit\\planted.exe|MonitorProcess|C:\\planted\\evil.exe
app_init_dlls|HKLM\\$nt\\Windows|AppInit_DLLs|C:\\planted\\evil.dll
app_cert_dlls|$control\\Session Manager\\AppCertDlls|planted|C:\\planted\\evil.dll
lsa_package|$control\\Lsa|Notification Packages|C:\\planted\\evil.dll
security_provider|$control\\SecurityProviders|SecurityProviders|C:\\planted\\evil.dll
boot_execute|$control\\Session Manager|SetupExecute|C:\\planted\\evil.exe
known_dlls|$control\\Session Manager\\KnownDLLs|planted|C:\\planted\\evil.dll
print_monitor|$control\\Print\\Monitors\\planted|Driver|C:\\planted\\evil.dll
time_provider|HKLM\\SYSTEM\\CurrentControlSet\\Services\\W32Time\\TimeProviders\\planted|DllName|C:\\planted\\evil.dll
network_provider|HKLM\\SYSTEM\\CurrentControlSet\\Services\\planted3\\NetworkProvider|ProviderPath|C:\\planted\\evil.dll
netsh_helper|HKLM\\Software\\Microsoft\\Netsh|planted|C:\\planted\\evil.dll
active_setup|HKLM\\Software\\Microsoft\\Active Setup\\Installed Components\\{00000000-0000-0000-0000-0000000000AA}|StubPath|C:\\planted\\evil.exe
logon_script|HKCU\\Environment|UserInitMprLogonScript|C:\\planted\\evil.bat
environment|HKCU\\Environment|COR_PROFILER_PATH|C:\\planted\\evil.dll
screensaver|HKCU\\Control Panel\\Desktop|SCRNSAVE.EXE|C:\\planted\\evil.scr
command_processor|HKCU\\Software\\Microsoft\\Command Processor|AutoRun|C:\\planted\\evil.bat
com_hijack|HKCU\\Software\\Classes\\CLSID\\{00000000-0000-0000-0000-0000000000BB}\\InprocServer32|-|C:\\planted\\evil.dll
shell_icon_overlay|HKLM\\$cv\\Explorer\\ShellIconOverlayIdentifiers\\planted|-|{00000000-0000-0000-0000-0000000000BB}
url_command|HKCU\\Software\\Classes\\ms-settings\\shell\\open\\command|-|C:\\planted\\evil.exe
office_test|HKCU\\Software\\Microsoft\\Office test\\Special\\Perf|-|C:\\planted\\evil.dll
browser_helper_object|HKLM\\$cv\\Explorer\\Browser Helper Objects\\{00000000-0000-0000-0000-0000000000BB}|-|planted
terminal_server_program|$control\\Terminal Server\\WinStations\\RDP-Tcp|InitialProgram|C:\\planted\\evil.exe
KEYS
}

# reg_file writes the lines as a file that reg.exe imports, and a service of which the
# SCM is not told.
reg_file() {
	local category key name data
	printf 'REGEDIT4\r\n'
	while IFS='|' read -r category key name data; do
		key=${key/#HKLM/HKEY_LOCAL_MACHINE}
		data=$(json "$data" | sed 's/"/\\"/g')
		if [ "$name" = - ]; then name=@; else name="\"$name\""; fi
		printf '\r\n[%s]\r\n%s="%s"\r\n' "${key/#HKCU/HKEY_CURRENT_USER}" "$name" "$data"
	done
	printf '\r\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\planted2]\r\n"Type"=dword:00000010\r\n"ImagePath"="C:\\\\planted dir\\\\evil.exe -x"\r\n'
}

persistence() {
	local drive=$HOZEN_WINEPREFIX/drive_c out=$work/persisted dir category key name data missing=0 all=0
	mkdir -p "$out" "$drive/planted" "$drive/planted dir" "$drive/windows/system32/Tasks/Planted"
	printf exe >"$drive/planted/evil.exe"
	printf exe >"$drive/planted dir/evil.exe"
	printf dll >"$drive/planted/evil.dll"
	printf '<Task><Actions><Exec><Command>C:\\planted\\evil.exe</Command></Exec></Actions></Task>' >"$drive/windows/system32/Tasks/Planted/task"
	dir="$drive/ProgramData/Microsoft/Windows/Start Menu/Programs/StartUp"
	mkdir -p "$dir" && printf vbs >"$dir/planted.vbs"
	planted_keys >"$work/planted"
	reg_file <"$work/planted" >"$work/planted.reg"
	wine reg import "$(z "$work/planted.reg")" >/dev/null 2>&1 || bad "persistence: the registry was not planted"
	wine sc create planted1 binPath= 'C:\planted\evil.exe -service' start= auto >/dev/null 2>&1 || bad "persistence: no service was made"
	x86_64-w64-mingw32-gcc -O2 -s -o "$work/bin/persistence.exe" testdata/wine/persistence.c -lntdll
	wine "$work/bin/persistence.exe" || bad "persistence: names with a NUL were not planted"

	wine "$work/hozen.exe" collect --only persistence --lang en --out "$(z "$out")" >"$work/said" 2>&1 || { bad "persistence: $(tail -n 2 "$work/said")"; return; }
	"$work/hozen" extract "$out"/*.tar.zst --to "$out/x" --fingerprint "$(grep -oE 'SHA256:[A-Za-z0-9+/]{43}' "$work/said" | head -1)" >/dev/null 2>&1
	dir=$(dirname "$(find "$out/x" -name autoruns.jsonl)")
	while IFS='|' read -r category key name data; do
		all=$((all + 1))
		[ "$name" != - ] || name=
		key=$(json "${key#HK??\\}") # a user's key is below his SID, a class of his in another root
		key=${key##*Software\\\\Classes}
		grep -F "\"category\":\"$category\"" "$dir/autoruns.jsonl" | grep -iF "$key\"" | grep -F "$(json "$data" | sed 's/"/\\"/g')" >/dev/null ||
			{ missing=$((missing + 1)); bad "persistence: $category $key is not among the autoruns"; }
	done < <(grep -v '^browser_helper' "$work/planted")
	check "persistence: a class that is the name of a key" grep -qi '"category":"browser_helper_object".*00bb}' "$dir/autoruns.jsonl"
	check "persistence: $((all - missing)) of $all places of the registry found" test "$missing" = 0
	check "persistence: a startup folder" grep -q '"category":"startup_folder".*planted.vbs.*"sha256"' "$dir/autoruns.jsonl"
	check "persistence: a value with a NUL in its name" grep -q '"category":"run".*"value_name":"v\\u0000hidden"' "$dir/autoruns.jsonl"
	check "persistence: a key with a NUL in its name" grep -q '"category":"hidden_name".*Run\\u0000ghost.*ghost.exe' "$dir/autoruns.jsonl"
	check "persistence: files of commands have hashes" grep -q "\"value_name\":\"planted4\".*evil.dll\",\"sha256\":\"$(printf dll | sha256sum | cut -d' ' -f1)" "$dir/autoruns.jsonl"
	check "persistence: a service of registry and SCM" grep -q '"name":"planted1","views":\["registry","scm"\].*"arguments":"-service"' "$dir/services.jsonl"
	check "persistence: a service that the SCM does not know" grep -q '"name":"planted2","views":\["registry"\],"disagreements":\["the registry has it' "$dir/services.jsonl"
	check "persistence: a path without quotes" grep -q '"name":"planted2".*"candidates":\["C:\\\\planted","C:\\\\planted dir\\\\evil.exe"\]' "$dir/services.jsonl"
	check "persistence: a task's XML without a registration" grep -q '"path":"\\\\Planted\\\\task","views":\["xml"\],"disagreements":\["there is a file' "$dir/tasks.jsonl"
	check "persistence: raw answers of the SCM" test -s "$dir/services/scm.raw"
}

# json writes a text as it stands within a string of JSON.
json() { printf '%s' "${1//\\/\\\\}"; }
