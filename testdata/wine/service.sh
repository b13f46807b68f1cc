# The service under Wine: made, asked, triggered, stopped, upgraded, enrolled at a hub of
# Linux's, sent a signed job, and taken away again. Read in by check.sh.

service_state() { wine sc query "$1" 2>/dev/null | tr -d '\r' | awk '/STATE/ {print $4}'; }
service_is() { [ "$(service_state "$1")" = "$2" ]; }
service_value() { wine reg query "HKLM\\System\\CurrentControlSet\\Services\\$1" 2>/dev/null | tr -d '\r' | grep -aE "$2" >/dev/null; }
service_sealed() { [ "$(ls "$outbox" 2>/dev/null | grep -cE '[0-9a-f]{6}\.tar\.zst$')" -ge "$1" ]; }

# verify the newest archive on Linux, by the installed key.
service_verified() {
	local newest
	newest=$(ls -t "$outbox"/*[0-9a-f].tar.zst | head -1)
	"$work/hozen" verify --fingerprint "$print" "$newest" 2>&1 | head -1 | grep -q '^VALID '
}

service_install() {
	local code=0
	wine "$work/hozen.exe" service install --device pc-wine --no-start >"$work/said" 2>&1 || code=$?
	check "service install ends with 0 ($code)" test $code = 0
	print=$(grep -oE 'SHA256:[A-Za-z0-9+/]{43}' "$work/said" | head -1)
	check "the configuration has Windows' own places" grep -qF 'state_dir: C:\ProgramData\Hozen\state' "$home/hozen.yaml"
	sed -i 's/^profile: .*/profile: volatile/; s/\r$//' "$home/hozen.yaml"
	check "the key is sealed to the machine (DPAPI)" grep -qa '^hozen-dpapi-1' "$home/state/device.key"
	code=0
	"$work/hozen" key show "$home/state/device.key" >"$work/said" 2>&1 || code=$?
	check "and worth nothing elsewhere" sh -c "[ $code != 0 ] && grep -q DPAPI '$work/said'"
	check "the SCM has the service: it starts by itself" service_value hozen 'Start +REG_DWORD +0x2'
	check "and the one for a collection, by hand" service_value hozen-collect 'Start +REG_DWORD +0x3'
	check "its command is in quotes" service_value hozen 'ImagePath.*"C:\\Program Files\\Hozen\\hozen.exe" service run --scm'
	check "a shutdown waits 90 s for it" service_value hozen 'PreshutdownTimeout +REG_DWORD +0x15f90'
	check "it says what it is for" service_value hozen 'Description +REG_SZ +Takes evidence'
	check "it runs as LocalSystem" service_value hozen 'ObjectName +REG_SZ +LocalSystem'
	check "events: a source with the system's own texts" sh -c "testdata/wine/run reg query 'HKLM\\System\\CurrentControlSet\\Services\\EventLog\\Application\\hozen' 2>/dev/null | grep -qai EventCreate"
	code=0
	wine "$work/hozen.exe" service check --offline >"$work/said" 2>&1 || code=$?
	check "service check finds nothing wrong ($code)" test $code = 0
}

service_triggers() {
	wine sc start hozen-collect "--config" >/dev/null 2>&1 || true
	check "an option is no case: refused" sh -c "sleep 3; ! ls '$outbox' | grep -q tar"
	within 20 service_is hozen-collect STOPPED || true
	wine sc start hozen-collect case-1 >/dev/null 2>&1 || true
	check "sc start hozen-collect CASE: an archive in the outbox" within 120 service_sealed 1
	check "Linux says VALID of it, by the installed key" within 10 service_verified
	"$work/hozen" show --fingerprint "$print" "$(ls "$outbox"/*[0-9a-f].tar.zst | head -1)" >"$work/said" 2>&1 || true
	check "the case is in it" sh -c "grep -q case-1 '$work/said' || grep -q case-1 '$(ls "$outbox"/*.custody.jsonl | head -1)'"
	check "how it went is in hozen-collect.log" grep -q '\[1/' "$home/hozen-collect.log"
	check "the service for a collection ends" within 30 service_is hozen-collect STOPPED
	wine sc start hozen collect case-2 >/dev/null 2>&1 || true
	check "sc start hozen collect CASE: a second one, and the service stays" within 120 service_sealed 2
	check "it runs" service_is hozen RUNNING
	within 30 service_is hozen-collect STOPPED || true
	wine sc start hozen-collect case-3 >/dev/null 2>&1 || true
	within 60 grep -q '\[2/' "$home/hozen-collect.log" || true
	wine sc stop hozen-collect >/dev/null 2>&1 || true
	check "stopped in the middle it seals what it has" within 60 service_sealed 3
	check "and that verifies" within 10 service_verified
}

service_hub() {
	local port=14731 hub=$work/hub
	go build -o "$work/hubd" ./service/hub
	"$work/hubd" --dir "$hub" --listen 127.0.0.1:$port --advertise 127.0.0.1:$port --http "" --store "$work/arrived" >"$work/hub.out" 2>&1 &
	hubpid=$!
	within 20 sh -c "'$work/hubd' token --dir '$hub' --role endpoint >'$work/token'" || { bad "no hub: $(tail -n 3 "$work/hub.out")"; return; }
	"$work/hozen" key new "$work/alice" --device alice >/dev/null 2>&1
	printf 'operator:alice namespaces="hozen-job-v1" %s\n' "$(cut -d' ' -f1,2 "$work/alice.pub")" >"$work/operators"
	local code=0
	wine "$work/hozen.exe" service enrol "@$(z "$work/token")" --trust "$(z "$work/operators")" >"$work/said" 2>&1 || code=$?
	check "enrolled at the hub ($code)" test $code = 0
	wine "$work/hozen.exe" service restart >"$work/said" 2>&1 || true
	check "the service runs, and says what it does" within 20 sh -c "testdata/wine/run '$work/hozen.exe' service status | grep -q idle"
	"$work/hubd" token --dir "$hub" --role operator >"$work/optoken"
	(
		cd "$work"
		./hozen job enrol @optoken --state "$work/op" &&
			./hozen job new case.job --target pc-wine --profile volatile --operator alice --case 9 &&
			./hozen job sign case.job --key alice --as alice &&
			./hozen job send case.job --state "$work/op"
	) >"$work/said" 2>&1 || bad "the job was not sent: $(tail -n 3 "$work/said")"
	check "a signed job arrives and is taken, the archive is delivered" within 180 sh -c "ls -R '$work/arrived' | grep -qE 'tar.zst$'"
	check "the receipt is in the outbox" within 60 sh -c "grep -l VALID '$outbox'/*.delivery.json '$outbox'/*receipt* 2>/dev/null | grep -q ."
	kill $hubpid
	wait $hubpid 2>/dev/null || true
}

service_ends() {
	wine "$work/hozen.exe" service install >"$work/said" 2>&1 || true
	check "upgraded in place: the key stays" sh -c "grep -q 'kept.*device.key' '$work/said' && grep -q '$print' '$work/said'"
	check "and the program beside the one that ran" within 30 service_is hozen RUNNING
	local code=0
	wine "$work/hozen.exe" service uninstall >"$work/said" 2>&1 || code=$?
	check "service uninstall ends with 0 ($code)" test $code = 0
	check "no service, no source of events" sh -c "! testdata/wine/run reg query 'HKLM\\System\\CurrentControlSet\\Services\\hozen' >/dev/null 2>&1 && ! testdata/wine/run reg query 'HKLM\\System\\CurrentControlSet\\Services\\EventLog\\Application\\hozen' >/dev/null 2>&1"
	check "no program, no private key, no configuration" sh -c "! ls '$programs' 2>/dev/null | grep -q . && [ ! -e '$home/state/device.key' ] && [ ! -e '$home/hozen.yaml' ]"
	check "the evidence stays" service_sealed 3
	code=0
	wine "$work/hozen.exe" service install --device pc-wine >"$work/said" 2>&1 || code=$?
	check "installed again: what belongs to the old key is set aside ($code)" test "$code$(grep -c '^set aside' "$work/said")" = 02
	check "and the service runs with the new one" within 30 sh -c "testdata/wine/run '$work/hozen.exe' service status | grep -q idle"
	# Wine makes what is protected a second time readable for Everyone, also by an upgrade.
	wine "$work/hozen.exe" service check --offline >"$work/said" 2>&1 || true
	check "service check finds public key and audit log of this key" sh -c "grep -qaF trust '$work/said' && ! grep -aE 'WRONG.*(key.pub|audit.jsonl)' '$work/said'"
	wine "$work/hozen.exe" service uninstall >"$work/said" 2>&1 || true
}

service() {
	home=$HOZEN_WINEPREFIX/drive_c/ProgramData/Hozen
	programs="$HOZEN_WINEPREFIX/drive_c/Program Files/Hozen"
	outbox=$home/state/outbox
	service_install
	service_triggers
	service_hub
	service_ends
}
