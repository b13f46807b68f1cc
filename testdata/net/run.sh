#!/bin/bash
# Several hosts in network namespaces: a hub, three endpoints, an operator and an
# attacker on one bridge. While jobs are sent, links are cut, the hub is stopped, killed
# and its disk filled, endpoints are killed. Then everybody's books are compared: nothing
# may be lost, nothing run twice. As root.
#
#   testdata/net/run.sh [JOBS [SECONDS]]     30 jobs in 30 s (short); 200 300 is the long form
#
# Environment: HOZEN=, HUB= built binaries; TMPDIR (default /var/tmp); SEED= of the chaos.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
export CGO_ENABLED=0
jobs=${1:-30} seconds=${2:-30}
RANDOM=${SEED:-$$}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/hozen-net.XXXXXX")
ns=hz$$
hosts="hub pc-1 pc-2 pc-3 op bad"
endpoints="pc-1 pc-2 pc-3"
declare -A pid=()

finish() {
	local p n
	for p in "${pid[@]}"; do kill -9 "$p" 2>/dev/null || true; done
	wait 2>/dev/null || true
	for n in $hosts switch; do ip netns delete "$ns-$n" 2>/dev/null || true; done
	umount -q "$work/hub" 2>/dev/null || true
	[ -n "${KEEP:-}" ] || rm -rf "$work"
}
trap finish EXIT
say() { printf '%s %s\n' "$(date -u +%T)" "$*"; }
on() { ip netns exec "$ns-$1" "${@:2}"; }

network() {
	local n i=1
	ip netns add "$ns-switch"
	ip -n "$ns-switch" link add bridge type bridge
	ip -n "$ns-switch" link set bridge up
	for n in $hosts; do
		ip netns add "$ns-$n"
		ip -n "$ns-$n" link set lo up
		ip -n "$ns-switch" link add "$n" type veth peer name eth0 netns "$ns-$n"
		ip -n "$ns-switch" link set "$n" master bridge up
		ip -n "$ns-$n" address add "10.77.0.$i/24" dev eth0
		ip -n "$ns-$n" link set eth0 up
		i=$((i + 1))
	done
}

build() {
	HOZEN=${HOZEN:-$work/hozen} HUB=${HUB:-$work/server}
	[ -x "$HOZEN" ] || go build -o "$HOZEN" ./agent
	[ -x "$HUB" ] || go build -o "$HUB" ./service/hub
	go build -o "$work/" ./testdata/net/storm ./testdata/net/attacker
}

hub_up() {
	# Not through on: what is killed must be the program itself, which ip becomes.
	ip netns exec "$ns-hub" "$HUB" --dir "$work/hub/data" --listen 10.77.0.1:4222 --advertise 10.77.0.1:4222 --http 127.0.0.1:8443 --reserve 33554432 --trust "$work/trust" >>"$work/hub.log" 2>&1 &
	pid[hub]=$!
}
end() { # NAME SIGNAL
	kill "-$2" "${pid[$1]}" 2>/dev/null || true
	wait "${pid[$1]}" 2>/dev/null || true
}
token() { # waits until the hub is there
	local n
	for n in $(seq 100); do
		on hub "$HUB" --dir "$work/hub/data" token "$@" 2>>"$work/token.log" && return
		sleep 0.2
	done
	cat "$work/hub.log"
	return 1
}

endpoint_up() {
	ip netns exec "$ns-$1" "$HOZEN" service run --config "$work/$1/hozen.yaml" >>"$work/$1.log" 2>&1 &
	pid[$1]=$!
}
endpoint_new() {
	local n=$1
	mkdir -p "$work/$n"
	cp "$work/trust" "$work/$n/trust"
	cat >"$work/$n/hozen.yaml" <<-YAML
		device: $n
		state_dir: $work/$n/state
		trust_file: $work/$n/trust
		veto_file: $work/$n/veto
	YAML
	mkdir -m 700 "$work/$n/state"
	"$HOZEN" key new "$work/$n/state/device.key" --device "$n" >/dev/null
	token >"$work/$n/token"
	on "$n" "$HOZEN" service enrol "$(cat "$work/$n/token")" --config "$work/$n/hozen.yaml" --trust "$work/trust" >"$work/$n.log" 2>&1 || {
		cat "$work/$n.log"
		return 1
	}
}

one_of() { set -- $*; shift $((RANDOM % $#)); echo "$1"; }

# One thing goes wrong, for a moment.
trouble() {
	local n
	case $((RANDOM % 7)) in
	0)
		n=$(one_of $endpoints)
		ip -n "$ns-switch" link set "$n" down
		sleep $((1 + RANDOM % 4))
		ip -n "$ns-switch" link set "$n" up
		told=cut
		;;
	1)
		ip -n "$ns-switch" link set hub down
		sleep $((1 + RANDOM % 4))
		ip -n "$ns-switch" link set hub up
		told=cut
		;;
	2)
		n=$(one_of $endpoints hub)
		# Not every kernel has netem, which can lose packets, too.
		tc -n "$ns-switch" qdisc add dev "$n" root netem loss 20% delay 40ms rate 4mbit 2>/dev/null ||
			tc -n "$ns-switch" qdisc add dev "$n" root tbf rate 1mbit burst 4k latency 20ms
		sleep $((2 + RANDOM % 4))
		tc -n "$ns-switch" qdisc del dev "$n" root
		told=slow
		;;
	3)
		end hub TERM
		sleep 1
		hub_up
		told=stopped
		;;
	4)
		end hub KILL
		hub_up
		told=hub_killed
		;;
	5)
		n=$(one_of $endpoints)
		end "$n" KILL
		sleep 0.$((RANDOM % 10))
		endpoint_up "$n"
		told=endpoint_killed
		;;
	6)
		dd if=/dev/zero of="$work/hub/filler" bs=1M 2>/dev/null || true
		sleep $((2 + RANDOM % 3))
		rm -f "$work/hub/filler"
		told=full
		;;
	esac
	troubles[$told]=$((${troubles[$told]:-0} + 1))
}
declare -A troubles=()

[ "$(id -u)" = 0 ] || { echo "not as root: left out"; exit 0; }
build
network
mkdir "$work/hub"
mount -t tmpfs -o size=600m tmpfs "$work/hub"
"$HOZEN" key new "$work/alice" --device alice >/dev/null
echo "operator:alice namespaces=\"hozen-job-v1\" $(cut -d' ' -f1,2 "$work/alice.pub")" >"$work/trust"
hub_up
for n in $endpoints bad; do endpoint_new "$n"; done
for n in $endpoints; do endpoint_up "$n"; done
on op "$HOZEN" job enrol "$(token --role operator --name alice)" --state "$work/op" >/dev/null
"$HOZEN" job new "$work/pattern.job" --target pc-1 --profile volatile --only host --operator alice --case storm --expires 2h >/dev/null
say "a hub, three endpoints, an operator and an attacker; $jobs jobs in $seconds s"

# A job that nobody signed, one that a stranger signed, and one that goes out twice.
cp "$work/pattern.job" "$work/unsigned.job"
on op "$HOZEN" job send "$work/unsigned.job" --state "$work/op" >/dev/null 2>&1 && { echo "an unsigned job was sent"; exit 1; }
"$HOZEN" key new "$work/mallory" --device mallory >/dev/null
"$HOZEN" job new "$work/stranger.job" --target pc-1 --profile volatile --only host --operator alice --case stranger >/dev/null
"$HOZEN" job sign "$work/stranger.job" --key "$work/mallory" --as alice >/dev/null
on op "$HOZEN" job send "$work/stranger.job" --state "$work/op" >/dev/null
stranger=$("$HOZEN" job show "$work/stranger.job" --json | jq -r .job.id)
for n in $(seq 60); do
	state=$(on op "$HOZEN" job status "$stranger" --state "$work/op" --json | jq -r '.devices[0] | .state + " " + .reason' || true) # exit code 3: refused
	[[ $state == refused* ]] && break
	sleep 0.5
done
say "a job that a stranger signed: $state"
[[ $state == refused* ]]

on op "$work/storm" send -n 1 -pattern "$work/pattern.job" -key "$work/alice" -state "$work/op" -targets pc-1 >"$work/first"
ip netns exec "$ns-op" "$work/storm" send -n "$jobs" -over "$((seconds * 2 / 3))s" -pattern "$work/pattern.job" -key "$work/alice" -state "$work/op" \
	-targets pc-1,pc-2,pc-3 >"$work/ids" &
pid[storm]=$!
"$HOZEN" job sign "$work/pattern.job" --key "$work/alice" --as alice >/dev/null
ip netns exec "$ns-bad" "$work/attacker" -state "$work/bad/state" -victim "$work/pc-1/state" -token "$(cat "$work/pc-1/token")" -envelope "$work/pattern.job" -listen 10s >"$work/attacker.log" 2>&1 &
pid[attacker]=$!
# The attacker is heard to his end before anything breaks: a cut line would refuse him, too.
wait "${pid[attacker]}" || { cat "$work/attacker.log"; exit 1; }
unset "pid[attacker]"
[ -n "${QUIET:-}" ] || cat "$work/attacker.log"

ended=$((SECONDS + seconds))
while [ $SECONDS -lt $ended ]; do
	trouble
	sleep $((1 + RANDOM % 3))
done
say "troubles: $(for t in "${!troubles[@]}"; do printf '%s %s, ' "$t" "${troubles[$t]}"; done)"
wait "${pid[storm]}"
unset "pid[storm]"
cat "$work/first" >>"$work/ids"
say "all jobs are sent; waiting for the last receipts"
on op "$work/storm" count -ids "$work/ids" -state "$work/op" -wait 3m $(for n in $endpoints; do echo "-endpoint $n=$work/$n/state"; done) || {
	for n in hub $endpoints; do echo "--- $n"; tail -n 30 "$work/$n.log"; done
	exit 1
}
say "memory: $(for n in hub $endpoints; do printf '%s %s KiB, ' "$n" "$(awk '/VmRSS/ {print $2}' "/proc/${pid[$n]}/status")"; done)"
