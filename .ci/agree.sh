# Part of root-checks.sh: do our rows agree with what was planted, and with what
# ps, ss, ip and lsmod say of the same moment?
#
# A machine does not stand still. So the judges look before and after the
# collection, and their looks bound ours: what both show must be in our rows,
# and what is in our rows one of them must show. What one look has and the other
# has not was made or ended meanwhile, and proves nothing either way. A row that
# says of itself that it began after the first look may be in neither; and what
# came and went between the looks, or changed hands for a moment, differs once.
# So what differs is looked for in two more collections: wrong is what differs in
# all three.

# within NAME FILE: before/FILE and after/FILE bound ours/FILE; what differs goes to differ/FILE.
within() {
	local both either
	mkdir -p "$looks/differ"
	LC_ALL=C sort -u "$looks/before/$2" >"$work/look.1"
	LC_ALL=C sort -u "$looks/after/$2" >"$work/look.2"
	LC_ALL=C sort -u "$looks/ours/$2" >"$work/look.ours"
	LC_ALL=C comm -12 "$work/look.1" "$work/look.2" >"$work/both"
	LC_ALL=C sort -mu "$work/look.1" "$work/look.2" >"$work/either"
	both=$(wc -l <"$work/both") either=$(wc -l <"$work/either")
	touch "$looks/ours/$2.between"
	{
		LC_ALL=C comm -23 "$work/both" "$work/look.ours" | sed 's/^/not in our rows: /'
		LC_ALL=C comm -13 "$work/either" "$work/look.ours" | { grep -vxFf "$looks/ours/$2.between" || true; } | sed 's/^/only in our rows: /'
	} | LC_ALL=C sort >"$looks/differ/$2"
	echo "$1: $(wc -l <"$work/look.ours") of ours, $both in both looks, $either in either" >"$looks/differ/$2.name"
}

# spaces: one process for each network namespace that is looked at: "PID INODE".
spaces() {
	echo "$$ $(stat -Lc %i /proc/self/ns/net)"
	jq -r '(.netns[] | "\(.pid) \(.inode)"), (.container | select(.) | "\(.pid) \(.namespaces.net)")' "$work/truth.json"
}

# views DIR: what the judges see now.
views() {
	mkdir -p "$1"
	awk '{printf "%d\n", $1 * 100}' /proc/uptime >"$1/ticks"
	ps -eo pid=,ppid=,ruid=,euid=,pgid=,sid= | awk '{print $1, $2, $3, $4, $5, $6}' >"$1/ps"
	if [ -e /proc/modules ]; then
		lsmod | awk 'NR > 1 {print $1}' >"$1/lsmod"
	else
		: >"$1/lsmod" # a kernel without loadable modules
	fi
	local pid inode
	: >"$1/ss"
	: >"$1/links"
	: >"$1/addresses"
	: >"$1/routes"
	spaces | while read -r pid inode; do
		nsenter -t "$pid" -n ss -Htuanp | ss_rows "$inode" >>"$1/ss"
		nsenter -t "$pid" -n ip -j link | jq -r --arg n "$inode" '.[] | "\($n) \(.ifindex) \(.ifname) \(.mtu) \(.address // "-")"' >>"$1/links"
		nsenter -t "$pid" -n ip -j addr | jq -r --arg n "$inode" '.[] | .ifindex as $i | .addr_info[] | select(.local) | "\($n) \($i) \(.local)/\(.prefixlen)"' >>"$1/addresses"
		{
			nsenter -t "$pid" -n ip -j -4 route show table all
			nsenter -t "$pid" -n ip -j -6 route show table all
		} | jq -r --arg n "$inode" '.[] | "\($n) \(.dst) \(.gateway // "-") \(.dev // "-") \(.metric // 0)"' >>"$1/routes"
	done
}

# ss_rows NETNS: "netns protocol state local remote pid/fd,pid/fd" of each line.
ss_rows() {
	awk -v n="$1" '{
		held = ""
		rest = $0
		while (match(rest, /pid=[0-9]+,fd=[0-9]+/)) {
			h = substr(rest, RSTART + 4, RLENGTH - 4)
			sub(/,fd=/, "/", h)
			held = held (held == "" ? "" : " ") h
			rest = substr(rest, RSTART + RLENGTH)
		}
		m = split(held, all, " ")
		for (i = 1; i <= m; i++) for (j = i + 1; j <= m; j++) if (all[j] < all[i]) { t = all[i]; all[i] = all[j]; all[j] = t }
		held = ""
		for (i = 1; i <= m; i++) held = held (i > 1 ? "," : "") all[i]
		print n, $1, $2, $5, $6, (held == "" ? "-" : held)
	}'
}

# ours DIR: the same rows out of the collection.
ours() {
	mkdir -p "$1"
	local v=$bag/data/volatile namespaces
	namespaces=$(spaces | awk '{printf "%s%s", (NR > 1 ? "," : ""), $2}')
	jq -r 'select(.comm != "hozen") | select(.gone | not)
		| "\(.pid) \(.ppid) \(.uid.real.id) \(.uid.effective.id) \(.pgrp) \(.session)"' "$v/processes.jsonl" >"$1/ps"
	jq -r --argjson since "$(cat "$looks/before/ticks")" 'select(.start_ticks >= $since)
		| "\(.pid) \(.ppid) \(.uid.real.id) \(.uid.effective.id) \(.pgrp) \(.session)"' "$v/processes.jsonl" >"$1/ps.between"
	tables kernel | jq -r 'select(.kind == "module" and (.built_in | not)) | .name' >"$1/lsmod"
	jq -r --argjson spaces "[$namespaces]" '
		def address($a):
			if .family != "inet6" then $a // "0.0.0.0"
			elif ($a // "::") == "::" and (.v6only | not) then "*"
			else "[\($a // "::")]" end;
		def side($a; $p): address($a) + ":" + (if ($p // 0) == 0 then "*" else $p | tostring end);
		def word: if .state == "established" then "ESTAB"
			elif (.state // "close") == "close" then "UNCONN"
			else .state | ascii_upcase end;
		select((.family == "inet" or .family == "inet6") and (.protocol == "tcp" or .protocol == "udp"))
		| .netns as $n | select($spaces | index($n))
		| "\($n) \(.protocol) \(word) \(side(.local_addr; .local_port)) \(side(.remote_addr; .remote_port)) "
			+ ([.holders[]? | "\(.pid)/\(.fd)"] | sort | join(",") | if . == "" then "-" else . end)
	' "$v/sockets.jsonl" >"$1/ss"
	tables network | jq -r --argjson spaces "[$namespaces]" '.netns as $n | select($spaces | index($n)) | select(.kind == "link")
		| "\($n) \(.index) \(.name) \(.mtu) \(.mac // "-")"' >"$1/links"
	tables network | jq -r --argjson spaces "[$namespaces]" '.netns as $n | select($spaces | index($n)) | select(.kind == "address")
		| "\($n) \(.index) \(.address)/\(.prefix_len)"' >"$1/addresses"
	tables network | jq -r --argjson spaces "[$namespaces]" '.netns as $n | select($spaces | index($n)) | select(.kind == "route")
		| (.to | if . == "0.0.0.0/0" or . == "::/0" then "default" else sub("/(32|128)$"; "") end) as $to
		| "\($n) \($to) \(.gateway // "-") \(.link // "-") \(.metric // 0)"' >"$1/routes"
}
# tables NAME: every row of a collector's tables.
tables() { find "$bag/data/volatile" \( -path "*/$1.jsonl" -o -path "*/$1/*.jsonl" \) -exec cat {} +; }

agree_once() {
	ours "$looks/ours"
	within "ps -eo pid,ppid,ruid,euid,pgid,sid" ps
	within "ss -tuanp in $(spaces | wc -l) network namespaces" ss
	within "ip -j link" links
	within "ip -j addr" addresses
	within "ip -j route show table all" routes
	within "lsmod" lsmod
	local f
	for f in ps ss links addresses routes; do
		[ -s "$looks/before/$f" ] || bad "the judges' view of $f is empty"
	done
}

# again N: one more collection, between two more looks.
again() {
	looks=$work/again.$1
	mkdir -p "$looks/x"
	views "$looks/before"
	collect "$looks/out"
	views "$looks/after"
	tar --zstd -xf "$looks"/out/*.tar.zst -C "$looks/x"
	bag=$(echo "$looks"/x/*)
}

check_agree() {
	local looks=$work bag=$bag f n kinds="ps ss links addresses routes lsmod"
	agree_once
	for n in 2 3; do
		[ -n "$(cd "$work/differ" && cat $kinds)" ] || break
		echo "      $(cd "$work/differ" && cat $kinds | wc -l) lines differ: once more"
		again $n
		agree_once
		for f in $kinds; do
			LC_ALL=C comm -12 "$work/differ/$f" "$looks/differ/$f" >"$work/differ/still"
			mv "$work/differ/still" "$work/differ/$f"
		done
	done
	for f in $kinds; do
		nothing "$(cat "$work/differ/$f.name")" "$work/differ/$f"
	done
}

# planted NAME: each line of file "want" must be in file "have".
planted() {
	LC_ALL=C sort -u "$work/want" >"$work/want.sorted"
	LC_ALL=C sort -u "$work/have" | LC_ALL=C comm -23 "$work/want.sorted" - >"$work/lost"
	[ -s "$work/want.sorted" ] || bad "the scene has no $1 to look for"
	nothing "$1: all $(wc -l <"$work/want.sorted") that were planted" "$work/lost"
}

check_truth() {
	local v=$bag/data/volatile t=$work/truth.json sum
	jq -r '.processes[] | "\(.pid) \(.start_ticks) \(.argv | join(" "))"' "$t" >"$work/want"
	jq -r '"\(.pid) \(.start_ticks) \(.argv // [] | map(tostring) | join(" "))"' "$v/processes.jsonl" >"$work/have"
	planted "processes by pid, start tick and arguments"

	sum=$(sha256sum "$work/bin/scene" | cut -c1-64)
	jq -r --arg sum "$sum" '.processes[] | "\(.pid) \($sum)"' "$t" >"$work/want"
	jq -r '"\(.pid) \(.exe.sha256?)"' "$v/processes.jsonl" >"$work/have"
	planted "hashes of running images"

	jq -r '.sockets[] | "\(.inode) \(.netns) \(.family) \(.pid)/\(.fd)"' "$t" >"$work/want"
	jq -r '. as $s | .holders[]? | "\($s.inode) \($s.netns) \($s.family) \(.pid)/\(.fd)"' "$v/sockets.jsonl" >"$work/have"
	planted "sockets by inode, namespace, family and holder"

	jq -r '.sockets[] | select(.kind == "tcp") | "\(.inode) \(.state) \(.local) \(.remote // "-")"' "$t" >"$work/want"
	jq -r 'def side($a; $p): if ($p // 0) == 0 then "-" elif .family == "inet6" then "[\($a)]:\($p)" else "\($a):\($p)" end;
		select(.protocol == "tcp") | "\(.inode) \(.state) \(side(.local_addr; .local_port)) \(side(.remote_addr; .remote_port))"' "$v/sockets.jsonl" >"$work/have"
	planted "TCP sockets by inode, state and addresses"

	jq -r '.sockets[] | select(.family == "unix") | "\(.inode) \(.local | ltrimstr("@") | @json)"' "$t" >"$work/want"
	jq -r 'select(.family == "unix") | "\(.inode) \(.path | @json)"' "$v/sockets.jsonl" >"$work/have"
	planted "unix sockets by inode and name, a newline among them"

	jq -r '.netns[] | "\(.inode) \(.address)"' "$t" >"$work/want"
	tables network | jq -r 'select(.kind == "address") | "\(.netns) \(.address)"' >"$work/have"
	planted "addresses in the network namespaces that were made"

	container
}

container() {
	local v=$bag/data/volatile t=$work/truth.json
	jq -r '.container | .namespaces as $n | .pid as $p | $n | to_entries[] | "\($p) \(.key) \(.value)"' "$t" >"$work/want"
	jq -r '.pid as $p | .namespaces // {} | to_entries[] | "\($p) \(.key) \(.value)"' "$v/processes.jsonl" >"$work/have"
	planted "namespaces of the container"
	jq -r '.container | "\(.inner) [\(.inner),2]"' "$t" >"$work/want"
	jq -r '"\(.pid) \(.ns_pid // [] | tostring)"' "$v/processes.jsonl" >"$work/have"
	sed -i 's/,[0-9]*\]$//' "$work/want" "$work/have" # the inner number depends on the threads that were made
	planted "the pid inside the container"
	if jq -e '.container.cgroup_error' "$t" >/dev/null; then
		echo "      no cgroup could be made: $(jq -r .container.cgroup_error "$t" | head -1)"
		return
	fi
	jq -r '.container | "\(.pid) \(.id)", "\(.inner) \(.id)"' "$t" >"$work/want"
	jq -r '"\(.pid) \(.container_id)"' "$v/processes.jsonl" >"$work/have"
	planted "the container's id at its processes"
	jq -r '.container | "\(.namespaces.net) \(.id)"' "$t" >"$work/want"
	jq -r '"\(.netns) \(.container)"' "$v/sockets.jsonl" >"$work/have"
	planted "the container's id at its sockets"
	jq -r '.container.id' "$t" >"$work/want"
	tables containers | jq -r '.id // empty' >"$work/have"
	planted "the container among the containers"
	find "$v/temporary" -name only-in-the-container | sed 's/.*\///' >"$work/have"
	echo only-in-the-container >"$work/want"
	planted "the file in a tmpfs that only the container sees"
}
