package main

// Messages about trusted time.
var (
	mFlagTSA         = message{"after the seal, ask the time stamping authority at `URL` (RFC 3161, https) to sign its hash; repeatable: the next is asked if one fails", "封印の後、`URL` のタイムスタンプ局 (RFC 3161、https) にハッシュへの署名を求めます。複数指定すると、失敗したとき次の局に求めます"}
	mFlagTSACA       = message{"believe only the certificates in `FILE` (PEM) on the way to the authority, instead of the machine's", "タイムスタンプ局への接続では、この端末の証明書の代わりに、`FILE` の証明書 (PEM) だけを信頼します"}
	mFlagTSALoopback = message{"allow http to an authority on this machine (127.0.0.1, ::1): for tests", "この端末自身 (127.0.0.1、::1) のタイムスタンプ局への http を許します (試験用)"}
	mFlagTSAHTTP     = message{"allow http to an authority that has no https: the answer proves itself by --tsa-roots, which must be given", "https のない局への http を許します。回答は --tsa-roots (必須) の証明書で確かめます"}
	mFlagTSARoots    = message{"believe time stamps of authorities that the certificates in `FILE` (PEM) name", "`FILE` の証明書 (PEM) が示す局のタイムスタンプを信頼します"}
	mFlagToken       = message{"`FILE` with a time stamp (.tsr) that is not in the custody log; repeatable", "保管記録にないタイムスタンプ (.tsr) の `FILE`。複数指定できます"}
	mFlagNTP         = message{"after all was taken, ask the time server `HOST[:PORT]` how wrong the clock is, and record it; repeatable. The clock is not set. An address needs no name server", "収集後、時刻サーバ `HOST[:PORT]` に時計の誤差を尋ね、記録します。複数指定できます。時計は変えません。アドレスならば名前解決は要りません"}
	mFlagQR          = message{"show the head hash as a QR code, for a time stamp from another machine", "ヘッドを QR コードで表示します  (別の端末でのタイムスタンプ用)"}
	mHintTSA         = message{"an authority that has no https is asked afterwards, on another machine: `hozen custody timestamp ARCHIVE --tsa URL --tsa-http --tsa-roots FILE`", "https のない局には、収集の後に別の端末で `hozen custody timestamp ARCHIVE --tsa URL --tsa-http --tsa-roots FILE` により求めます"}
	mHintPlain       = message{`a time stamp proves itself by its signature, so it may come over http where the
  authority's root certificate is at hand: add --tsa-http --tsa-roots FILE. By hand, in three steps:
    hozen custody timestamp %s --request stamp.tsq
    curl -H 'Content-Type: application/timestamp-query' --data-binary @stamp.tsq -o stamp.tsr %s
    %s`, `タイムスタンプは署名で確かめられるので、局のルート証明書があれば http でも受け取れます:
  --tsa-http --tsa-roots FILE を加えます。手作業では次の 3 つのコマンドです:
    hozen custody timestamp %s --request stamp.tsq
    curl -H 'Content-Type: application/timestamp-query' --data-binary @stamp.tsq -o stamp.tsr %s
    %s`}
	mHintRoots   = message{"the root certificate of the authority is needed, which it publishes; it signed itself", "局が公開しているルート証明書 (自己署名) が必要です"}
	mHintNoStamp = message{"nothing was changed; try later, another authority with --tsa, or write the request to a file with --request", "何も変えていません。後で再試行するか、--tsa で別の局を、または --request で要求をファイルに書いてください"}

	mStampAsking    = message{"The archive is complete and flushed. Asking for a time stamp of it, at most %d s; switching off now would lose nothing but that.", "アーカイブは完成し、書き込み済みです。タイムスタンプを求めています (最長 %d 秒)。今電源を切っても、失うのはそれだけです。"}
	mStampFailed    = message{"no time stamp: %s. It can be added later, on any machine: `hozen custody timestamp`", "タイムスタンプがありません: %s。後で、どの端末からでも `hozen custody timestamp` で追加できます"}
	mStampNotKept   = message{"the custody log could not be told that there is no time stamp: %s", "タイムスタンプがないことを保管記録に書けませんでした: %s"}
	mSumStamp       = message{"Time stamp: %s by %s (%s)", "タイムスタンプ: %s、%s (%s)"}
	mOffset         = message{"its clock less this machine's is %d ms ± %d ms", "局の時計とこの端末の時計との差 %d ± %d ミリ秒"}
	mNoOffset       = message{"this machine's clock does not differ beyond the error of %d ms", "この端末の時計との差は、誤差 %d ミリ秒の範囲内"}
	mClocksDisagree = message{"the clocks that were asked contradict one another: none of them says how wrong this PC's clock is", "問い合わせた時計の答えが互いに食い違っています。この PC の時計のずれは分かりません"}
	mClockSilent    = message{"time server %s: %s", "時刻サーバ %s: %s"}

	mCheckTime     = message{"answers; its time less this machine's is %d ms", "応答あり。この端末の時計との差 %d ミリ秒"}
	mHintCheckTime = message{"collections go on without it, and say so", "これがなくても収集は行われ、その旨が記録されます"}
	mHintCheckCA   = message{"a file of certificates (PEM)", "証明書 (PEM) のファイルを指定してください"}

	mShortStamp       = message{"Add a time stamp of an authority (RFC 3161) to the custody log", "タイムスタンプ局 (RFC 3161) のタイムスタンプを保管記録に追加します"}
	mLongStamp        = message{"Asks a time stamping authority to sign that the head hash of an archive was there, and adds its answer to the custody log, signed by you. The archive itself is not changed.\n\nA machine without a network: `hozen verify` and the end of a collection show the head hash as text and as a QR code. Elsewhere, --head HASH -o FILE gets the answer into a file; here, --token FILE adds it. --request FILE writes the question, for curl or openssl to send.", "アーカイブのヘッドが存在したことへの署名をタイムスタンプ局に求め、その回答を、あなたの署名とともに保管記録に加えます。アーカイブは変わりません。\n\nネットワークのない端末では、`hozen verify` と収集の終わりがヘッドを文字と QR コードで示します。別の端末で --head HASH -o FILE により回答をファイルに受け取り、ここで --token FILE により加えます。--request FILE は curl や openssl で送る要求を書きます。"}
	mFlagStampHead    = message{"the head `HASH` of an archive that is on another machine: 64 hexadecimal digits, or the text of its QR code", "別の端末にあるアーカイブのヘッド `HASH`: 16 進 64 桁、または QR コードの文字"}
	mFlagStampToken   = message{"add the answer (.tsr) that is in `FILE` already", "既にある回答 (.tsr) の `FILE` を追加します"}
	mFlagStampRequest = message{"write the question to `FILE` (.tsq) instead of asking", "尋ねる代わりに、要求を `FILE` (.tsq) に書きます"}
	mFlagStampOut     = message{"write the answer to `FILE` too", "回答を `FILE` にも書きます"}
	mStampSaved       = message{"Time stamp: %s by %s, in %s. On the machine with the archive: `hozen custody timestamp ARCHIVE --token FILE`.", "タイムスタンプ: %s、%s、%s に保存しました。アーカイブのある端末で `hozen custody timestamp ARCHIVE --token FILE` を実行してください。"}
	mStampRequest     = message{"Written. Send it: curl -H 'Content-Type: application/timestamp-query' --data-binary @%s -o token.tsr URL", "書きました。送信: curl -H 'Content-Type: application/timestamp-query' --data-binary @%s -o token.tsr URL"}
	mStampAdded       = message{"Time stamp: %s by %s", "タイムスタンプ: %s、%s"}
	mEventClock       = message{"clock", "他の時計 clock"}
	mEventNoStamp     = message{"timestamp_failed", "タイムスタンプなし timestamp_failed"}
	mRowTime          = message{"time", "時刻"}
	mRowStamp         = message{"time stamp", "タイムスタンプ"}
	mStampBelieved    = message{"%s by %s: the %s was there then", "%s、%s: その時点で %s が存在"}
	mStampNot         = message{"%s by %s, not believed: %s", "%s、%s、信頼しない: %s"}
)
