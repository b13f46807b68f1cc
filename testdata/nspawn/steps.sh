# The steps of check.sh, each in a container that has just booted. The state directory
# goes on from one to the next, as it does across reboots.

# The units are well formed, and no weaker than they were.
step_units() {
	install
	inside systemd-analyze verify hozen.service hozen-collect@x.service hozen-isolate.service
	if inside journalctl -b --no-pager -o cat | grep 'hozen.*Unknown'; then fail "this systemd does not know all of the unit"; fi
	inside systemd-analyze security --no-pager hozen.service >"$work/security" || true
	tail -n 1 "$work/security"
	[ "$(grep -oE '[0-9]+\.[0-9]+' "$work/security" | tail -n 1 | tr -d .)" -le 56 ] || fail "the unit is exposed more than 5.6"
	inside hozen service check --offline
	inside hozen service status
	inside systemctl is-enabled hozen hozen-isolate >/dev/null
}

# Idle, and connected to a hub, it costs next to nothing, and listens nowhere.
step_idle() {
	with_hub
	local pid before after rss hz
	pid=$(main_pid)
	hz=$(getconf CLK_TCK)
	sleep 5 # after the start
	before=$(inside cat "/proc/$pid/stat" | awk '{print $14 + $15}')
	sleep "$IDLE"
	after=$(inside cat "/proc/$pid/stat" | awk '{print $14 + $15}')
	rss=$(inside awk '/^VmRSS/ {print $2}' "/proc/$pid/status")
	echo "    idle: $rss KiB resident, $(((after - before) * 1000 / hz)) ms of CPU in $IDLE s"
	[ "$rss" -le 32768 ] || fail "over 32 MiB"
	[ $(((after - before) * 1000 / hz)) -le $((IDLE * 2)) ] || fail "over 0.2 % of a core"
	if inside ss -Hltnup | grep "pid=$pid,"; then fail "it listens"; fi
	# A program that hangs is found by the watchdog and started anew.
	inside mkdir -p /run/systemd/system/hozen.service.d
	inside sh -c 'printf "[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n" >/run/systemd/system/hozen.service.d/watchdog.conf'
	inside systemctl daemon-reload
	inside systemctl restart hozen
	pid=$(main_pid)
	sleep 7
	[ "$(main_pid)" = "$pid" ] || fail "the watchdog ended what was alive"
	inside kill -STOP "$pid"
	until_true 30 inside sh -c "p=\$(systemctl show -p MainPID --value hozen); [ \$p != 0 ] && [ \$p != $pid ]" || fail "a program that hangs was not started anew"
	echo "    the watchdog started it anew"
	rm -f "$work"/state/hub.*
}

# What somebody without skill types; its journal shows progress.
step_case_42() {
	install
	local archive
	inside systemctl start hozen-collect@case-42
	inside journalctl -u hozen-collect@case-42 --no-pager -o cat >"$work/journal"
	grep -qE 'sockets .* items' "$work/journal" || fail "no progress in the journal: $(cat "$work/journal")"
	grep -q 'Volatile state is' "$work/journal" || fail "the journal does not say whether the power may go"
	archive=$(archives '*.tar.zst' | tail -n 1)
	"$work/src/hozen" verify --fingerprint "$(fingerprint)" "$archive"
	tar --zstd -xOf "$archive" --wildcards '*/custody/genesis.json' | jq -e '.case == "case-42"' >/dev/null || fail "the archive is not of case-42"
	# A name that systemd-escape wrote is the name that was meant.
	inside systemctl start "$(inside systemd-escape --template=hozen-collect@.service '案件42')"
	tar --zstd -xOf "$(archives '*.tar.zst' | tail -n 1)" --wildcards '*/custody/genesis.json' | jq -e '.case == "案件42"' >/dev/null || fail "the case's name was changed"
	# The veto file stops it.
	inside touch /etc/hozen/veto
	if inside systemctl start hozen-collect@case-43 2>/dev/null; then fail "a veto was ignored"; fi
	inside rm /etc/hozen/veto
}

# outcomes gives what was tried, and with which outcome, without what differs by itself.
outcomes() {
	tar --zstd -xOf "$1" --wildcards '*/custody/cp/*.jsonl' | jq -r 'select(.path | test("/disk/files/|/contents/|/indicators/") | not) | [.outcome, .path] | @tsv' |
		sed 's/[0-9][0-9]*/N/g' | sort -u
}

# The unit's walls must not blind the collection: the same is taken as by hand.
step_same_as_by_hand() {
	install
	inside sh -c 'echo evil >/tmp/.x; chmod +x /tmp/.x; mkdir -p /home/u && echo hi >/home/u/.bash_history; mount --bind /tmp /proc/1/task'
	inside mkdir -p /var/lib/hozen/by-hand /var/lib/hozen/by-unit /run/systemd/system/hozen-collect@.service.d
	inside systemd-run -q --wait -p SuccessExitStatus=3 /usr/local/sbin/hozen collect --out /var/lib/hozen/by-hand --profile full --pcap 2s --skip ram
	inside sh -c 'printf "[Service]\nExecStart=\nExecStart=/usr/local/sbin/hozen collect --out /var/lib/hozen/by-unit --profile full --pcap 2s --skip ram\n" >/run/systemd/system/hozen-collect@.service.d/all.conf'
	inside systemctl daemon-reload
	inside systemctl start hozen-collect@compare
	outcomes "$work"/state/by-hand/*.tar.zst >"$work/hand"
	outcomes "$work"/state/by-unit/*.tar.zst >"$work/unit"
	echo "    by hand: $(cut -f1 "$work/hand" | sort | uniq -c | tr -s ' \n' ' ')"
	echo "    by unit: $(cut -f1 "$work/unit" | sort | uniq -c | tr -s ' \n' ' ')"
	tar --zstd -xf "$work"/state/by-unit/*.tar.zst -C "$work" --strip-components=2 --wildcards '*/data/memory/indicators.jsonl' '*/data/disk/timeline.jsonl'
	grep -q hidden-by-mount "$work/memory/indicators.jsonl" || fail "a mount over a process is not seen from the unit"
	for name in /tmp/.x /home/u/.bash_history; do
		[ -n "$(jq -r --arg p "$name" 'select(.path == $p and (.hidden | not)) | .path' "$work/disk/timeline.jsonl")" ] || fail "$name is not seen from the unit as it is"
	done
	echo "    behind mounts, from the unit: $(jq -r 'select(.hidden) | .path' "$work/disk/timeline.jsonl" | head -n 8 | tr '\n' ' ')"
	local lost
	lost=$(comm -23 "$work/hand" "$work/unit" | grep -vE '/(hand|run-u)' || true)
	[ -z "$lost" ] || fail "by hand, and not by the unit: $lost"
	rm -rf "$work"/state/by-*
}

# with_hub starts a hub on loopback, enrols this machine and an operator.
with_hub() {
	inside sh -c 'mkdir -p /root/op && cd /root/op && ssh-keygen -q -t ed25519 -N "" -f alice && printf "operator:alice namespaces=\"hozen-job-v1\" %s\n" "$(cut -d" " -f1,2 alice.pub)" >operators'
	inside systemd-run -q --unit=hub --working-directory=/root /src/hub --dir /root/hub --listen 127.0.0.1:4222 --advertise 127.0.0.1:4222 --http 127.0.0.1:8443 --trust /root/op/operators --reserve 1
	until_true 20 inside sh -c '/src/hub token --dir /root/hub >/root/token' || fail "no hub: $(inside journalctl -u hub --no-pager -n 5)"
	rm -f "$work"/state/hub.*
	inside sh -c '/src/hozen service install --device pc-42 --trust /root/op/operators --enrol "$(cat /root/token)"' >"$work/installed" || fail "enrolment: $(cat "$work/installed")"
	inside sh -c 'HOME=/root /src/hozen job enrol "$(/src/hub token --dir /root/hub --role operator --name alice)"' || fail "the operator cannot enrol"
	until_true 20 inside sh -c 'HOME=/root /src/hozen job endpoints --json | jq .online | grep -q true' || fail "the endpoint is not seen: $(inside sh -c "HOME=/root /src/hozen job endpoints --json 2>&1")"
}

status() { inside sh -c 'HOME=/root /src/hozen job status "$(cat /root/id)" --json'; }

# kill -9 in the middle of a job: what was taken is recovered, delivered and reported as
# partial, and never taken again.
step_killed() {
	with_hub
	inside sh -c 'cd /root/op && HOME=/root && export HOME && hozen job new a.job --target pc-42 --profile volatile --pcap 5m --operator alice --case 44 --json | jq -r .job.id >/root/id && hozen job sign a.job --key alice --as alice && hozen job send a.job' || fail "the job cannot be sent"
	until_true 60 inside sh -c 'journalctl -u hozen -o cat --no-pager | grep -q msg=started' || fail "the job does not start"
	sleep 6 # past a checkpoint
	local pid
	pid=$(main_pid)
	inside /src/hozen-2 service install >"$work/busy" # an upgrade does not break it off
	grep -q 'is busy and goes on' "$work/busy" || fail "the upgrade does not say that a job runs: $(cat "$work/busy")"
	[ "$(main_pid)" = "$pid" ] || fail "the upgrade ended a job"
	inside kill -9 "$pid"
	until_true 30 inside sh -c 'systemctl -q is-active hozen' || fail "it was not started again"
	until_true 60 inside sh -c 'journalctl -u hozen -o cat --no-pager | grep -q msg=partial' || fail "not recovered"
	until_true 60 inside sh -c 'HOME=/root /src/hozen job status "$(cat /root/id)" --json | jq .devices[0].receipt | grep -q PARTIAL' || fail "not delivered as partial: $(status)"
	[ "$(inside journalctl -u hozen -o cat --no-pager | grep -c msg=started)" = 1 ] || fail "it ran twice"
	inside sh -c 'HOME=/root /src/hozen job status "$(cat /root/id)"' || true
	# A local collection that is killed: its beginning is recovered when the service starts.
	inside sh -c 'sed -i "s/^profile: .*/profile: full/" /etc/hozen/hozen.yaml'
	inside systemctl start --no-block hozen-collect@case-45
	until_true 60 inside sh -c 'journalctl -u hozen-collect@case-45 -o cat --no-pager | grep -q "sockets .* items"' || fail "the local collection does not start"
	inside systemctl kill -s KILL hozen-collect@case-45
	sleep 1
	inside systemctl restart hozen
	until_true 60 inside sh -c '[ "$(journalctl -u hozen -o cat --no-pager | grep -c msg=partial)" = 2 ]' || fail "the local collection was not recovered"
	[ -z "$(archives '*.partial')" ] || fail "left: $(archives '*.partial')"
	rm -f "$work"/state/hub.*
}

# The service's own limits are in force, and a service that runs wild stays within them.
step_limits() {
	install
	inside sh -c 'printf "\nlimits: {memory: 256MiB, cpu_weight: 7, io_weight: 9}\n" >/root/limits && sed -i "/^limits:/,/io_weight/d" /etc/hozen/hozen.yaml && cat /root/limits >>/etc/hozen/hozen.yaml'
	inside hozen service check --offline | grep "WARNING.*hozen.service" >/dev/null || fail "check does not see that the unit is old"
	inside /src/hozen service install >/dev/null
	inside systemctl show hozen -p MemoryMax -p CPUWeight -p IOWeight -p NoNewPrivileges -p OOMScoreAdjust | sort | tr '\n' ' '
	[ "$(inside systemctl show hozen -p MemoryMax --value)" = 268435456 ] || fail "MemoryMax is not what was asked for"
	[ "$(inside systemctl show hozen -p CPUWeight --value)" = 7 ] || fail "CPUWeight is not what was asked for"
	local file=/sys/fs/cgroup/system.slice/hozen.service/memory.max
	if inside test -e $file; then
		[ "$(inside cat $file)" = 268435456 ] || fail "the kernel has another limit"
	else
		echo "    (this kernel's memory controller is not in the unified hierarchy: the limit itself was not tried)"
	fi
	# What the unit forbids fails from inside it.
	inside cat /etc/systemd/system/hozen.service | sed -e 's|^ExecStart=.*|ExecStart=/bin/sh -c "exec 2>\&1; touch /etc/x \&\& echo WROTE; touch /tmp/x \&\& echo WROTE; touch /var/lib/hozen/x \|\| echo CANNOT; rm -f /var/lib/hozen/x; unshare -U true \&\& echo USERNS; hostname x \&\& echo NAMED; /bin/true \&\& echo RAN"|' \
		-e 's/^Type=.*/Type=oneshot/' -e 's/^Restart=.*/Restart=no/' -e '/^WatchdogSec/d' -e '/^NoExecPaths/d' -e '/^ExecPaths/d' | inside sh -c 'cat >/run/systemd/system/walls.service'
	inside systemctl daemon-reload
	inside systemctl start walls || true
	inside journalctl -u walls -o cat --no-pager >"$work/walls"
	if grep -E '^(WROTE|CANNOT|USERNS|NAMED)$' "$work/walls"; then fail "a wall has a hole: $(cat "$work/walls")"; fi
	grep -q '^RAN$' "$work/walls" || fail "the walls were not tried: $(cat "$work/walls")"
	inside sh -c 'sed -i -e "/^NoExecPaths/d" /run/systemd/system/walls.service && sed -i "s|^ReadOnlyPaths=.*|&\nNoExecPaths=/\nExecPaths=/usr/bin/dash /usr/lib /lib /lib64|" /run/systemd/system/walls.service'
	inside systemctl daemon-reload
	inside systemctl start walls || true
	inside journalctl -u walls -o cat --no-pager | tail -n 8 | grep RAN >/dev/null && fail "another program could be started"
	return 0
}

# A new version takes over keys, configuration and what waits; what is busy is not broken off.
step_upgrade() {
	install
	local old key waiting
	old=$(main_pid)
	key=$(fingerprint)
	waiting=$(archives '*' | sha256sum)
	[ -n "$(archives '*.tar.zst')" ] || fail "nothing waits that could be lost"
	inside /src/hozen-2 service install >"$work/installed"
	grep -q "^changed *$(echo /usr/local/sbin/hozen)" "$work/installed" || fail "not upgraded: $(cat "$work/installed")"
	[ "$(fingerprint)" = "$key" ] || fail "another key"
	[ "$(archives '*' | sha256sum)" = "$waiting" ] || fail "the outbox is another"
	[ "$(main_pid)" != "$old" ] || fail "the old program still runs"
	inside cmp "/proc/$(main_pid)/exe" /src/hozen-2 || fail "another program runs"
}

volatile_config() {
	install
	inside sed -i 's/^on_shutdown: .*/on_shutdown: volatile/' /etc/hozen/hozen.yaml
	inside /src/hozen service install >/dev/null
	until_true 10 inside systemctl -q is-active hozen || fail "it does not run"
}

# taken_at_shutdown WHAT BEFORE: exactly one more archive, which verifies.
taken_at_shutdown() {
	local new
	new=$(comm -13 <(echo "$2") <(archives '*.tar.zst'))
	[ "$(echo "$new" | grep -c .)" = 1 ] || fail "$1: not one archive more: $new, $(ls "$work/state/outbox")"
	"$work/src/hozen" verify --fingerprint "$(awk '/^fingerprint/ {print $2}' "$work/installed")" "$new" | head -n 3
	tar --zstd -xOf "$new" --wildcards '*/custody/genesis.json' | jq -e '.reason | test("switched off")' >/dev/null || fail "it does not say why"
	tar --zstd -tf "$new" | grep data/volatile/processes.jsonl >/dev/null || fail "no processes in it"
}

# The shutdown waits for the volatile checkpoint: logind's inhibitor.
step_shutdown_held() {
	volatile_config
	until_true 10 inside sh -c 'loginctl show-session >/dev/null 2>&1; busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager ListInhibitors | grep -q Hozen' || fail "nobody holds the shutdown"
	inside busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager InhibitDelayMaxUSec | grep 65000000 >/dev/null || fail "logind does not wait long enough"
	local before
	before=$(archives '*.tar.zst')
	inside busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager PowerOff b false >/dev/null
	gone 240 || fail "it does not go off"
	taken_at_shutdown "held" "$before"
}

# Without logind's help (systemd is told directly): the time for ending is used.
step_shutdown_told() {
	volatile_config
	inside systemctl mask --now -q systemd-logind
	inside systemctl restart hozen
	local before
	before=$(archives '*.tar.zst')
	kill -s RTMIN+4 "$leader"
	gone 240 || fail "it does not go off"
	taken_at_shutdown "told" "$before"
}

# Nothing is left but evidence.
step_uninstalled() {
	inside touch /root/before
	sleep 1
	install
	inside systemctl start hozen-collect@case-46
	inside hozen service uninstall
	inside find / -xdev -newer /root/before -type f -not -path '/var/log/journal/*' -not -path '/run/*' -not -path '/tmp/*' -not -path '/root/before' >"$work/newer"
	inside find /etc /usr -xdev \( -name '*hozen*' -o -lname '*hozen*' \) >>"$work/newer"
	if grep -v '^/var/log/\|^/var/lib/systemd/\|^/etc/.*[-]$' "$work/newer"; then fail "left behind"; fi
	(cd "$work/state" && find . -type f | sort) >"$work/left"
	cat "$work/left" | sed 's/^/    /'
	if grep -vE '^\./(outbox/.*|(ledger|audit|audit\.[0-9TZ.]+)\.jsonl|device\.key(\.[0-9TZ.]+)?\.pub|trust|trust\.pin)$' "$work/left"; then fail "that is no evidence"; fi
	if inside systemctl cat hozen >/dev/null 2>&1; then fail "the unit is still known"; fi
	inside test ! -e /usr/local/sbin/hozen
	# Installed again, it runs with a new key, and what belongs to the old one is set aside.
	local old
	old=$(fingerprint)
	install
	[ "$(grep -c '^set aside' "$work/installed")" = 2 ] || fail "not set aside: $(cat "$work/installed")"
	[ "$(fingerprint)" != "$old" ] || fail "the old key is back"
	inside hozen service check --offline || fail "installed again, something is wrong"
	inside systemctl start hozen-collect@case-47
	inside sh -c 'h=/var/lib/hozen; printf "device:pc-42 %s\n" "$(cut -d" " -f1,2 $h/device.key.pub)" >/root/now; hozen verify --trust /root/now "$(ls -t $h/outbox/*.tar.zst | head -n 1)"' || fail "device.key.pub is not that of the archive"
	inside hozen service uninstall >/dev/null
}

# The service may be started anew while a local collection runs: that one is not touched.
step_beside() {
	install
	inside sed -i 's/^profile: .*/profile: full/' /etc/hozen/hozen.yaml
	inside systemctl start --no-block hozen-collect@case-47
	until_true 60 inside sh -c 'ls /var/lib/hozen/outbox/*.partial' || fail "the local collection does not start"
	sleep 2
	inside systemctl restart hozen
	until_true 120 inside sh -c 'systemctl show -p ActiveState --value hozen-collect@case-47 | grep -qE "^(inactive|failed)$"' || fail "it does not end"
	inside systemctl show -p Result --value hozen-collect@case-47 | grep '^success$' >/dev/null || fail "it failed: $(inside journalctl -u hozen-collect@case-47 -n 5 -o cat --no-pager)"
	"$work/src/hozen" verify --fingerprint "$(fingerprint)" "$(archives '*.tar.zst' | tail -n 1)" | head -n 2
	[ -z "$(archives '*.partial')" ] || fail "left: $(archives '*.partial')"
}
