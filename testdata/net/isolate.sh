#!/bin/bash
# `hozen isolate` from outside: what it calls, what it writes, and that its way out works
# without it. As root, in network namespaces of its own; what passes and what does not is
# shown by the tests of service/isolate.
#
#   HOZEN=PATH testdata/net/isolate.sh      each line is one fact; ends with 1 if one is wrong
set -eu -o pipefail
: "${HOZEN:?path of the program}"
work=$(mktemp -d "${TMPDIR:-/var/tmp}/hozen-isolate.XXXXXX")
pc=hziso$$pc hub=hziso$$hub
finish() {
	ip netns del "$pc" 2>/dev/null || true
	ip netns del "$hub" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT
wrong=0
fact() { # NAME COMMAND...
	local name=$1
	shift
	if "$@" >"$work/said" 2>&1; then printf 'ok    %s\n' "$name"; else
		printf 'WRONG %s\n' "$name"
		sed 's/^/      /' "$work/said"
		wrong=1
	fi
}
inside() { ip netns exec "$pc" "$@"; }
isolate() { inside "$HOZEN" isolate "$@" --state "$work/state"; }
# A host that refuses a connection was reached; nobody listens there.
reached() { (inside timeout 1 bash -c ": </dev/tcp/$1/$2" 2>&1 || true) | grep refused; }
unreached() { ! reached "$@"; }

ip netns add "$pc"
ip netns add "$hub"
ip link add eth0 netns "$pc" type veth peer name eth0 netns "$hub"
ip -n "$pc" addr add 192.0.2.1/24 dev eth0
ip -n "$hub" addr add 192.0.2.2/24 dev eth0
for ns in "$pc" "$hub"; do
	ip -n "$ns" link set lo up
	ip -n "$ns" link set eth0 up
done
inside nft 'table inet theirs { set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.0/25 }; }; chain c { type filter hook input priority 0; ip saddr @s counter accept; }; }'
rules() { inside nft -a list ruleset | sed 's/counter packets [0-9]* bytes [0-9]*/counter/'; }
rules >"$work/rules.before"

fact "before: both ports of the hub are reached" eval 'reached 192.0.2.2 4222 && reached 192.0.2.2 22'
trace() { # NAME ARGUMENT...: the calls of one run
	local name=$1
	shift
	inside strace -f -y -qq -o "$work/calls.$name" -e signal=none \
		-e trace=execve,execveat,fork,vfork,connect,openat,openat2,open,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,mount,umount2,init_module,finit_module,delete_module,bpf,kill,ptrace \
		"$HOZEN" isolate "$@" --state "$work/state" >"$work/out.$name" 2>&1
}
fact "on" trace on on --hub 192.0.2.2:4222 --for 1h --reason test --case 42
fact "status" trace status status --json
fact "the kept port is reached, another is not" eval 'reached 192.0.2.2 4222 && unreached 192.0.2.2 22'
fact "off" trace off off
fact "it says RELEASED" grep -q '^RELEASED' "$work/out.off"
rules >"$work/rules.after"
fact "nft lists what it listed before, handles included" diff "$work/rules.before" "$work/rules.after"
fact "released: both ports are reached" eval 'reached 192.0.2.2 4222 && reached 192.0.2.2 22'

for run in on status off; do
	calls=$work/calls.$run
	fact "$run: one execve, our own" test "$(grep -cE ' (execve|execveat|fork|vfork)\(' "$calls")" = 1
	grep ' connect(' "$calls" | grep -vF 'sin_port=htons(4222), sin_addr=inet_addr("192.0.2.2")' >"$work/else" || true
	fact "$run: nobody but the hub is connected to" test ! -s "$work/else"
	grep -E 'O_WRONLY|O_RDWR|O_CREAT| creat\(| (unlink|unlinkat|rename|renameat|renameat2|mkdir|mkdirat)\(' "$calls" | grep -vF "$work/state" >"$work/else" || true
	fact "$run: nothing is written outside the state" test ! -s "$work/else"
	fact "$run: no module is loaded, nothing mounted, killed or traced" test "$(grep -cE ' (init_module|finit_module|delete_module|bpf|mount|umount2|kill|ptrace)\(' "$calls")" = 0
done

isolate on --hub 192.0.2.2:4222 --for 1h >"$work/out"
sed -n 's/^way out: .*without this program: //p' "$work/out" >"$work/way-out"
fact "isolated again" unreached 192.0.2.2 22
fact "the way out without this program" inside sh "$work/way-out"
fact "and it is out" reached 192.0.2.2 22
fact "kernel and file agree" isolate status

inside nft flush ruleset
isolate on --no-hub --for 6s >/dev/null
fact "not even the hub, for six seconds" unreached 192.0.2.2 4222
sleep 6
fact "then the kernel lets go by itself" reached 192.0.2.2 4222
fact "the next run cleans up" isolate restore
fact "no rule is left" test -z "$(inside nft list ruleset)"
exit $wrong
