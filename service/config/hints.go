package config

// What to do about a mistake.
var (
	hintMapping       = Hint{"lines such as `name: value`, indented below it by two spaces", "`項目: 値` の行を、2 文字下げて書きます"}
	hintScalar        = Hint{"a word, a number, or a text in quotes, behind the colon", "コロンの後に、語・数・引用符で囲んだ文字列のどれかを書きます"}
	hintList          = Hint{"a list such as [a, b]", "[a, b] のような一覧を書きます"}
	hintTwice         = Hint{"remove one of them", "どちらかを消してください"}
	hintPlain         = Hint{"write the value out", "値をそのまま書いてください"}
	hintSyntax        = Hint{"indent with spaces, never with tabs; put texts with : or # into quotes", "字下げは空白で（タブは使えません）。: や # を含む文字列は引用符で囲みます"}
	hintSize          = Hint{"such as 512MiB or 20GiB", "512MiB や 20GiB のように書きます"}
	hintDuration      = Hint{"such as 60s or 5m", "60s や 5m のように書きます"}
	hintNumber        = Hint{"a whole number", "整数を書きます"}
	hintYesNo         = Hint{"true or false", "true か false を書きます"}
	hintName          = Hint{"letters, digits, dots, dashes and underscores, beginning with a letter or digit, at most 63", "英数字で始め、英数字・ピリオド・ハイフン・下線を 63 文字まで使えます"}
	hintPath          = Hint{"a whole path, such as /etc/hozen/trust or C:\\ProgramData\\Hozen\\trust", "絶対パスを書きます（例: /etc/hozen/trust、C:\\ProgramData\\Hozen\\trust）"}
	hintAddress       = Hint{"an IP address and a port, such as 192.0.2.10:22 or [2001:db8::1]:443: no name server is asked", "IP アドレスとポートを書きます（例: 192.0.2.10:22）。名前解決はしません"}
	hintRecipient     = Hint{"a recipient of age (age1…, age1pq1…), the text of an SSH key (ssh-ed25519 …), or the whole path of a file of them", "age の受取人（age1…、age1pq1…）、SSH の公開鍵（ssh-ed25519 …）、またはそれらを並べたファイルの絶対パスを書きます"}
	hintRecipientFile = Hint{"a plain file with one recipient in each line: age1…, age1pq1… or ssh-ed25519 …", "受取人（age1…、age1pq1…、ssh-ed25519 …）を 1 行に 1 つずつ書いたファイルを指定します"}
	hintTo            = Hint{"to: a folder such as /mnt/evidence, or sftp://, https://, s3:// with an address", "to: に /mnt/evidence のようなフォルダーか、sftp://・https://・s3:// の送り先を書きます"}
	hintNotOfKind     = Hint{"remove it", "この行は要りません"}
	hintPin           = Hint{"pin: SHA256:…, as `ssh-keygen -l` prints it for the server's key", "サーバの鍵のフィンガープリントを pin: SHA256:… と書きます（`ssh-keygen -l` の表示）"}
	hintByName        = Hint{"address: its IP address; no name server is asked", "address: に IP アドレスを書きます。名前解決はしません"}
	hintNamed         = Hint{"a name below `destinations`, or hub", "`destinations` の下にある名前か hub を書きます"}
	hintHub           = Hint{"hub is the name of the hub: use another", "hub は集約サーバを指す名前です。別の名前にしてください"}
	hintFile          = Hint{"name the file itself, which must be plain text of at most 1 MiB", "1 MiB 以下の通常のファイルを直接指定してください"}
	hintTSA           = Hint{"https://…, at most 8 of them; http only to 127.0.0.1 or [::1]; no user, no password. Others that have only http are asked afterwards: hozen custody timestamp … --tsa http://… --tsa-http --tsa-roots roots.pem", "https:// で始まる URL を 8 件まで書きます。http は 127.0.0.1 と [::1] だけです。利用者名やパスワードは書けません。ほかの http だけの局には、後から hozen custody timestamp … --tsa http://… --tsa-http --tsa-roots roots.pem で問い合わせます"}
	hintNTP           = Hint{"HOST or HOST:PORT, such as 192.0.2.5 or ntp.example.jp, at most 8 of them", "192.0.2.5 や ntp.example.jp のように、ホスト名かアドレスを 8 件まで書きます"}
	hintMissing       = Hint{"`hozen service install` writes one", "`hozen service install` が作成します"}
)
