#!/bin/bash
# What the service does under systemd, in a container of systemd-nspawn (Debian 12), as
# root: it is installed, idles, collects for a case, survives kill -9 in the middle of a
# job and of a local collection, holds a shutdown, is upgraded and taken away. The root
# file system is made once, in /var/cache/hozen-nspawn; nothing is left running.
#
#   testdata/nspawn/check.sh [STEP...]    all steps, or these, in their order
#   IDLE=60                               seconds over which the idle cost is measured
set -eu -o pipefail
cd "$(dirname "$0")/../.."
export CGO_ENABLED=0 SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
IDLE=${IDLE:-60}
cache=/var/cache/hozen-nspawn
work=$(mktemp -d /var/tmp/hozen-nspawn.XXXXXX)
nspawn=
leader=

say() { printf '\n--- %s\n' "$*"; }
fail() {
	[ -z "$leader" ] || inside journalctl -u hozen --no-pager -n 30 >&2 || true
	echo "FAILED: $*" >&2
	exit 1
}
clean() {
	halt
	rm -rf "$work"
}
trap clean EXIT

# root makes the file system of the container.
root() {
	[ ! -e $cache/root ] || return 0
	mkdir -p $cache
	rm -rf $cache/root.new
	debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,libpam-systemd,procps,jq,openssh-client,nftables,iproute2 bookworm $cache/root.new >"$work/debootstrap" 2>&1 || {
		echo "left out: no root file system: $(tail -n 1 "$work/debootstrap")"
		exit 0
	}
	mv $cache/root.new $cache/root
}

# inside runs a program inside.
inside() { nsenter -t "$leader" -a -- "$@"; }

# boot starts the container. All of it is thrown away at its end, but /var/lib/hozen.
boot() {
	mkdir -p "$work/state"
	systemd-nspawn -q --keep-unit --register=no --private-network --volatile=overlay -D $cache/root \
		--bind="$work/state:/var/lib/hozen" --bind-ro="$work/src:/src" \
		--capability=CAP_SYS_RAWIO,CAP_SYSLOG,CAP_NET_ADMIN,CAP_BPF,CAP_PERFMON,CAP_IPC_LOCK -b >"$work/console" 2>&1 </dev/null &
	nspawn=$!
	for _ in $(seq 150); do
		leader=$(cat /proc/$nspawn/task/*/children 2>/dev/null | tr ' ' '\n' | head -n 1)
		if [ -n "$leader" ] && inside systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; then
			inside ip link set lo up
			return
		fi
		sleep 0.2
	done
	fail "it does not boot: $(tail -n 3 "$work/console")"
}

# gone waits for the container's end.
gone() {
	for _ in $(seq "$1"); do
		kill -0 "$nspawn" 2>/dev/null || { wait "$nspawn" || true; nspawn= leader=; return 0; }
		sleep 0.5
	done
	return 1
}

halt() {
	[ -n "$nspawn" ] || return 0
	kill -KILL "$leader" 2>/dev/null || true
	gone 40 || kill -KILL "$nspawn" 2>/dev/null || true
	nspawn= leader=
}

until_true() { # SECONDS COMMAND...
	local n=$(($1 * 5))
	shift
	while ! "$@" >/dev/null 2>&1; do
		n=$((n - 1))
		[ $n -gt 0 ] || return 1
		sleep 0.2
	done
}

main_pid() { inside systemctl show -p MainPID --value hozen; }
fingerprint() { awk '/^fingerprint/ {print $2}' "$work/installed"; }
install() {
	inside /src/hozen service install --device pc-42 "$@" >"$work/installed" || fail "install: $(cat "$work/installed")"
	until_true 10 inside systemctl -q is-active hozen || fail "it does not run"
}

# archive FIND... gives the one archive of the outbox that matches.
archives() { find "$work/state/outbox" -maxdepth 1 -name "$1" | sort; }

. testdata/nspawn/steps.sh

say "build"
root
mkdir -p "$work/src"
go build -o "$work/src/hozen" ./agent
go build -ldflags=-s -o "$work/src/hozen-2" ./agent
go build -o "$work/src/hub" ./service/hub
cmp -s "$work/src/hozen" "$work/src/hozen-2" && fail "the upgrade is the same program"

[ $# -gt 0 ] || set -- units idle case_42 beside same_as_by_hand killed limits upgrade shutdown_held shutdown_told uninstalled
for step in "$@"; do
	say "$step"
	began=$SECONDS
	boot
	"step_$step"
	halt
	echo "    $((SECONDS - began)) s"
done
say "all steps hold"
