# Custody among people with the Windows program: keys, cipher text, signatures by file and
# through an ssh-agent at a named pipe, hand-over, time, report and exports; what Linux says
# of the same archive, with the same arguments, must be the same. Read in by check.sh.

# There runs the Windows program, here the one of Linux: @NAME among the arguments is a file
# in the folder of this check, as each system names it.
there() {
	local arg args=()
	for arg; do
		case $arg in @*) arg=$(z "$c/${arg#@}") ;; esac
		args+=("$arg")
	done
	wine "$work/hozen.exe" "${args[@]}" </dev/null 2>"$work/err" | tr -d '\r'
}
here() {
	local arg args=()
	for arg; do
		case $arg in @*) arg=$c/${arg#@} ;; esac
		args+=("$arg")
	done
	"$work/hozen" "${args[@]}" </dev/null 2>"$work/err"
}

# custody_ends CODE WHAT ARGUMENT…: the Windows program ends so; its output is in $work/said.
custody_ends() {
	local want=$1 what=$2 code=0
	shift 2
	there "$@" >"$work/said" || code=$?
	check "custody: $what ($code)" test "$code" = "$want" || return 0
	[ "$code" = "$want" ] || sed 's/^/      /' "$work/err"
}

# custody_same CODE WHAT ARGUMENT…: both end so and print the same, but for how each system
# writes paths and quotes.
custody_same() {
	local want=$1 what=$2 a=0 b=0
	shift 2
	there "$@" >"$work/there.out" || a=$?
	here "$@" >"$work/here.out" || b=$?
	check "custody: $what: $want on both ($a, $b)" test "$a$b" = "$want$want"
	sed -i "s/\"Z:/\"/g; s/\\bZ://g; s#\\\\#/#g; s/'/\"/g" "$work/there.out" "$work/here.out"
	check "custody: and the same words" diff "$work/there.out" "$work/here.out"
}

# custody_private FILE: nobody but its owner and administrators may use it, which Wine
# shows as the mode.
custody_private() { case $(stat -c %A "$1") in ???????---) ;; *) return 1 ;; esac; }

# An agent at the pipe of Windows' own, with these keys; custody_agent_ends ends it.
custody_agent() {
	mkfifo "$work/agent.in.$1"
	local file files=()
	for file in "${@:2}"; do files+=("$(z "$c/$file")"); done
	testdata/wine/run "$work/bin/sshagent.exe" '\\.\pipe\openssh-ssh-agent' "${files[@]}" <"$work/agent.in.$1" >"$work/agent.out" 2>&1 &
	agentpid=$!
	exec 8>"$work/agent.in.$1"
	within 20 grep -q ready "$work/agent.out" || bad "custody: no agent: $(cat "$work/agent.out")"
}
custody_agent_ends() {
	exec 8>&-
	wait "$agentpid" || bad "custody: the agent: $(cat "$work/agent.out")"
}

custody_keys() {
	local name
	custody_ends 0 "key new of a device" key new "@pc 1.key" --device pc-1
	custody_ends 0 "key new of an operator" key new @佐藤.key --operator sato
	custody_ends 0 "key new of a witness" key new @tanaka.key --as witness:tanaka
	custody_ends 0 "key new of a laboratory" key new @acme.key --as lab:acme
	custody_ends 0 "key recipient" key recipient @lab.identity
	custody_ends 1 "no key is written over another" key new @acme.key --as lab:acme
	for name in "pc 1.key" 佐藤.key tanaka.key acme.key lab.identity; do
		check "custody: nobody else may read $name" custody_private "$c/$name"
	done
	for name in "pc 1.key" 佐藤.key tanaka.key acme.key; do
		custody_ends 0 "key trust $name.pub" key trust "@$name.pub" --trust @trust
	done
	cp "$c/佐藤.key" "$work/k" && chmod 600 "$work/k"
	check "custody: ssh-keygen reads the key" test "$(ssh-keygen -y -f "$work/k" | cut -d' ' -f2)" = "$(cut -d' ' -f2 "$c/佐藤.key.pub")"
	# As an editor of Windows leaves it.
	{ printf '\xef\xbb\xbf'; sed 's/$/\r/' "$c/trust"; } >"$work/t" && mv "$work/t" "$c/trust"
}

# One collection, to a path that is longer than Windows' old bound, by an operator whose key
# is in the agent.
custody_collect() {
	local long
	long="長い $(printf 'x%.0s' $(seq 90))/フォルダ $(printf 'y%.0s' $(seq 90))/$(printf 'z%.0s' $(seq 90))"
	mkdir -p "$c/$long" "$c/pc 1"
	custody_agent 1 佐藤.key tanaka.key
	custody_ends 0 "collect, encrypted, signed through the agent, to a path of ${#long} characters" collect --only host,processes --profile volatile --case 2026-017 --operator sato \
		--key "@pc 1.key" --sign-with agent:operator:sato --require operator,witness --encrypt-to "$(sed -n 's/# public key: //p' "$c/lab.identity")" --out "@$long"
	mv "$c/$long"/* "$c/pc 1/"
	[ -e "$(echo "$c/pc 1"/*.age)" ] || { bad "custody: no archive"; tail -n 5 "$work/err"; return 1; }
	id=$(basename "$c/pc 1"/*.age .tar.zst.age)
	a="@pc 1/$id.tar.zst.age" l="@pc 1/$id.custody.jsonl"
	trust=(--trust @trust) inside=(--trust @trust --identity @lab.identity)
	custody_same 6 "verify says that the witness has not signed" verify "$a" "${inside[@]}"
	custody_ends 0 "countersign through the agent" custody countersign "$a" --as witness:tanaka --sign-with agent:witness:tanaka "${inside[@]}"
	custody_agent_ends
	custody_same 7 "verify without an identity" verify "$a" "${trust[@]}"
	custody_same 0 "verify with it" verify "$a" "${inside[@]}"
	custody_same 0 "verify --json" verify --json "$a" "${inside[@]}"
	custody_same 0 "show of an item" show "$a" volatile/processes.jsonl "${inside[@]}"
	custody_ends 0 "extract of an item" extract "$a" volatile/processes.jsonl --to @there "${inside[@]}"
	here extract "$a" volatile/processes.jsonl --to @here "${inside[@]}" >/dev/null || bad "custody: extract: $(tail -n 2 "$work/err")"
	check "custody: the same file" diff -r "$c/here" "$c/there"
}

# Where no agent is, and where one never answers, that is said soon, in two languages.
custody_no_agent() {
	custody_ends 1 "no agent" custody add opened "$l" --reason x --sign-with agent --as operator:sato
	check "custody: which is said, with what to do" grep -qz 'no agent runs.*Start-Service ssh-agent' "$work/err"
	custody_ends 1 "no agent, in Japanese" --lang ja custody add opened "$l" --reason x --sign-with agent --as operator:sato
	check "custody: and in Japanese" grep -q 'ヒント.*Start-Service ssh-agent.*エージェント' "$work/err"
	custody_agent 2
	custody_ends 1 "an agent that never answers" custody add opened "$l" --reason x --sign-with agent --as operator:sato
	check "custody: is left behind" grep -q 'has not answered in 3s' "$work/err"
	custody_agent_ends
}

custody_form() {
	printf '# 調査責任者\r\nA4: 松本\r\nC4: |\r\n  ransom note, seen by 佐藤\r\n' >"$c/form.yaml"
	iconv -t cp932 <"$c/form.yaml" >"$c/cp932.yaml"
	{ printf '\xff\xfe'; printf 'A3: 委任契約 9\r\n' | iconv -t utf-16le; } >"$c/utf16.yaml"
	custody_ends 0 "form --fill, with CRLF" custody form "$a" --fill @form.yaml --sign-with @佐藤.key "${trust[@]}"
	custody_ends 0 "form --fill, UTF-16 as of PowerShell" custody form "$a" --fill @utf16.yaml --sign-with @佐藤.key "${trust[@]}"
	custody_ends 2 "form --fill, code page 932" custody form "$a" --fill @cp932.yaml --sign-with @佐藤.key "${trust[@]}"
	check "custody: refused, with how to save it" grep -qz 'not UTF-8.*Notepad' "$work/err"
	custody_same 0 "form --print" custody form "$a" --print "${inside[@]}"
	check "custody: with the answers" grep -qz '委任契約 9.*松本' "$work/here.out"
	custody_same 0 "form --template --lang ja" custody form "$a" --template --lang ja "${trust[@]}"
}

custody_handover() {
	cp "$c/pc 1/$id.custody.jsonl" "$c/office.jsonl"
	custody_ends 0 "add stored" custody add stored "$a" --place '金庫 3' --seal-no A-17 --sign-with @佐藤.key "${trust[@]}"
	custody_ends 0 "release" custody release "$a" --to lab:acme --how 'courier' --seal-no A-18 --reason analysis --attach @form.yaml --sign-with @佐藤.key "${trust[@]}"
	custody_ends 7 "receive what is encrypted" custody receive "$a" --seal intact --seal-no A-18 --place 'laboratory' --sign-with @acme.key --as lab:acme "${trust[@]}"
	custody_ends 0 "add verified, with an identity" custody add verified "$a" --sign-with @acme.key --as lab:acme "${inside[@]}"
	custody_same 0 "custody show" custody show "$a" --lang ja
	custody_same 0 "custody verify" custody verify "$l" "${trust[@]}"
	custody_same 5 "custody compare" custody compare "$l" @office.jsonl
}

# An authority of openssl's on loopback, and one that is elsewhere.
custody_time() {
	local tsa=$work/tsa reply
	mkdir "$tsa"
	printf '[req]\ndistinguished_name=dn\n[dn]\n[tsa]\ndefault_tsa=one\n[one]\nserial=serial\nsigner_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256\ness_cert_id_alg=sha256\n' >"$tsa/cnf"
	printf 'extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\nsubjectKeyIdentifier=hash\n' >"$tsa/ext"
	echo 01 >"$tsa/serial"
	(
		cd "$tsa"
		openssl req -x509 -config cnf -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj '/CN=test root' -days 30 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
		openssl req -config cnf -newkey rsa:2048 -nodes -keyout key -out csr -subj '/CN=test TSA'
		openssl x509 -req -in csr -CA root.pem -CAkey root.key -CAcreateserial -out pem -days 20 -extfile ext
	) >/dev/null 2>&1
	reply="openssl ts -reply -config cnf -inkey key -signer pem"
	cat >"$tsa/serve.py" <<-EOF
		import http.server, subprocess
		class TSA(http.server.BaseHTTPRequestHandler):
		    def do_POST(self):
		        open("q", "wb").write(self.rfile.read(int(self.headers["Content-Length"])))
		        subprocess.run("$reply -queryfile q -out a".split(), check=True, stderr=subprocess.DEVNULL)
		        self.send_response(200)
		        self.send_header("Content-Type", "application/timestamp-reply")
		        self.end_headers()
		        self.wfile.write(open("a", "rb").read())
		    def log_message(self, *args): pass
		s = http.server.HTTPServer(("127.0.0.1", 0), TSA)
		print(s.server_port, flush=True)
		s.serve_forever()
	EOF
	(cd "$tsa" && exec python3 serve.py) >"$tsa/port" &
	local pid=$!
	within 20 test -s "$tsa/port" || bad "custody: no authority"
	sed 's/$/\r/' "$tsa/root.pem" >"$c/roots.pem"
	custody_ends 0 "timestamp by an authority on loopback" custody timestamp "$a" --tsa "http://127.0.0.1:$(cat "$tsa/port")/" --tsa-http-loopback --tsa-roots @roots.pem --sign-with @acme.key --as lab:acme "${inside[@]}"
	kill $pid
	wait $pid 2>/dev/null || true
	custody_ends 0 "timestamp --request" custody timestamp "$l" --request "@要求 1.tsq"
	(cd "$tsa" && $reply -queryfile "$c/要求 1.tsq" -out "$c/token.tsr") 2>/dev/null || bad "custody: openssl takes no request"
	custody_ends 0 "timestamp --token" custody timestamp "$a" --token @token.tsr --tsa-roots @roots.pem --sign-with @acme.key --as lab:acme "${inside[@]}"
	custody_same 0 "verify with the time stamps" verify "$a" --tsa-roots @roots.pem "${inside[@]}"
	check "custody: which are believed" grep -q 'test TSA (roots given): the seal was there then' "$work/here.out"
}

# What is made of the archive: but for the time at which it was made, the same bytes.
custody_made() {
	local format
	custody_ends 0 "report" report "$a" -o "@報告 there" "${inside[@]}"
	here report "$a" -o "@報告 here" "${inside[@]}" >/dev/null || bad "custody: report: $(tail -n 2 "$work/err")"
	custody_ends 1 "no report is written over another" report "$a" -o "@報告 there" "${inside[@]}"
	check "custody: the same report" diff -q <(custody_timeless "$c/報告 here"/*.html) <(custody_timeless "$c/報告 there"/*.html)
	for format in timesketch bodyfile case; do
		custody_ends 0 "export --format $format" export "$a" --format $format -o "@there $format" "${inside[@]}"
		here export "$a" --format $format -o "@here $format" "${inside[@]}" >/dev/null || bad "custody: export: $(tail -n 2 "$work/err")"
		check "custody: the same $format" cmp "$c/here $format" "$c/there $format"
	done
}

# custody_timeless FILE: a report without what differs: when, and by which program it was made.
custody_timeless() { sed -E 's/20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(Z| UTC)/TIME/g; s/hozen\/[^<]*sha256:[0-9a-f]{64}/TOOL/g' "$1"; }

custody_authority() {
	custody_ends 0 "key ca" key ca "@acme ca.key"
	custody_ends 0 "key certify" key certify @佐藤.key.pub --ca "@acme ca.key" --as operator:sato --serial 17
	check "custody: ssh-keygen reads the certificate" sh -c "ssh-keygen -L -f '$c/佐藤.key-cert.pub' | grep -q operator:sato"
	custody_ends 0 "key trust --authority" key trust "@acme ca.key.pub" --authority 'operator:*' --trust @trust2
	custody_ends 0 "key revoke" key revoke @revoked @佐藤.key.pub
	custody_ends 0 "key revoke, in the place of the list" key revoke @revoked @佐藤.key-cert.pub
	check "custody: ssh-keygen -Q knows it" sh -c "! ssh-keygen -Q -f '$c/revoked' '$c/佐藤.key.pub' >/dev/null"
	custody_same 6 "verify --revoked" verify "$a" --revoked @revoked "${inside[@]}"
	custody_ends 0 "key rotate" key rotate "@pc 1.key"
	check "custody: the new key is as private" custody_private "$c/pc 1.key"
	custody_same 0 "key show" key show "@pc 1.key"
	check "custody: nothing of the old one is left" test ! -e "$c/pc 1.key.old" -a ! -e "$c/pc 1.key.next"
}

custody() {
	c="$work/証拠 保管"
	mkdir "$c"
	GOOS=windows go build -o "$work/bin/sshagent.exe" ./testdata/fixtures/sshagent
	custody_keys
	if custody_collect; then
		custody_no_agent
		custody_form
		custody_handover
		custody_time
		custody_made
		custody_authority
	fi
}
