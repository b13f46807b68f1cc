package main

// What `hozen now` says: short sentences for somebody who does this for the first time.
var (
	mShortNow = message{"take evidence now, with plain questions", "簡単な質問に答えて、今すぐ証拠を保全します"}
	mLongNow  = message{`now is for somebody who has never done this. It asks where to write and whether to
begin, takes evidence as collect does (profile standard), asks who you are and what
happened, and says what to do next. Enter accepts what stands in brackets.`,
		`初めての人のための命令です。保存先と開始の確認だけを聞いて、collect と同じ収集
（プロファイル standard）を行い、その後で氏名と出来事を聞き、次にすることを示します。
Enter だけを押すと、[ ] の中の答えになります。`}
	mFlagNowKey    = message{"device key `FILE` that signs (default: that of the installed agent, else a throw-away key)", "署名に使う端末の鍵 `FILE`（既定: 常駐エージェントの鍵、なければ使い捨ての鍵）"}
	mNowNoTerminal = message{"now asks questions, and nobody is at a terminal", "now は質問をしますが、答える人のいる端末がありません"}
	mHintNow       = message{"without questions: hozen collect --out DIR", "質問なしの収集: hozen collect --out DIR"}
	mNowHello      = message{`This takes evidence from this PC before it is lost. Nothing is written yet.
Do NOT switch the PC off. Two short questions, then it begins.`,
		`失われる前に、この PC の証拠を保全します。まだ何も書き込んでいません。
PC の電源を【切らないでください】。短い質問が二つあり、その後に始まります。`}
	mNowNotRoot   = message{"You are not root, so much cannot be read. If you may, press Ctrl-C and begin again with: sudo hozen now", "root 権限がないため、読めないものが多くあります。可能なら Ctrl-C で止め、sudo hozen now で始め直してください。"}
	mStaysOpen    = message{"Read this in peace; then press Enter: this window closes.", "内容を確かめてから Enter を押してください。この窓が閉じます。"}
	mNowNoDrive   = message{"No USB drive is found. If you have one, plug it in, wait a moment and type r.", "USB メモリーが見つかりません。あれば差し込み、少し待ってから r と入力してください。"}
	mNowDrive     = message{"  %d  %s (%s free, %s)", "  %d  %s（空き %s、%s）"}
	mNowOwnDisk   = message{"  %d  %s (%s free, %s): THIS PC'S OWN DISK, only if there is nothing else", "  %d  %s（空き %s、%s）: 【この PC 自身のディスク】。ほかにないときだけ"}
	mNowOwnChosen = message{"That is this PC's own disk: what is written there may overwrite deleted files.", "これは、この PC 自身のディスクです。削除されたファイルを上書きすることがあります。"}
	mNowWhere     = message{"Where shall it be written: a number, a folder, or r to look again", "どこに保存しますか（番号、フォルダー、または r で探し直す）"}
	mNowNoNumber  = message{"Type a number of the list, or a folder that is there.", "一覧の番号か、実在するフォルダーを入力してください。"}
	mNowTooLong   = message{"At most %d characters, please.", "%d 文字以内で入力してください。"}
	mNowBegin     = message{"Shall it begin (Enter: yes, n: no)", "始めますか（Enter: はい、n: いいえ）"}
	mNowConfig    = message{`This PC's configuration of hozen cannot be used: %s
Nothing would be encrypted, time-stamped or signed with this PC's key.`,
		`この PC の hozen の設定が使えません: %s
このままでは、暗号化も、タイムスタンプも、この PC の鍵による署名もされません。`}
	mNowPlain = message{"Go on all the same (y: yes, Enter: no)", "それでも続けますか（y: はい、Enter: いいえ）"}
	mNowHigh  = message{"Do not switch off yet: some signs in memory are HIGH. What they rest on is in the archive, but more of those programs can be saved while the power is on. Call whoever is responsible for security here.",
		"まだ電源を切らないでください。メモリー上に high（高）の痕跡があります。根拠はアーカイブにありますが、電源が入っている間は、そのプログラムからさらに証拠を取れます。セキュリティの担当者に連絡してください。"}
	mNowYesNo    = message{"Please type y or n.", "y か n を入力してください。"}
	mNowBegins   = message{"It begins. Leave the PC alone until the next question.", "始めます。次の質問が出るまで、PC に触らないでください。"}
	mNowNothing  = message{"Nothing was taken, nothing was written.", "何も収集せず、何も書き込んでいません。"}
	mNowSealed   = message{"The evidence is taken and sealed. Three more questions; Enter alone leaves one out.", "証拠を収集し、封印しました。あと三つ質問します。Enter だけで飛ばせます。"}
	mNowName     = message{"Your name", "あなたの氏名"}
	mNowWith     = message{"The name of who is with you", "立ち会っている人の氏名"}
	mNowWhat     = message{"What happened, in a few words", "何が起きましたか（簡単に）"}
	mNowNotKept  = message{"Your answers could not be kept (%s): write them on paper.", "回答を保存できませんでした（%s）。紙に書き留めてください。"}
	mNowTaken    = message{"Taken: %s. They are in the file %s; keep %s beside it, too.", "収集: %s。ファイル %s に入っています。横にある %s も一緒に保管してください。"}
	mNowCable    = message{"Pull out the LAN cable and turn Wi-Fi off, so that nothing more gets in or out.", "LAN ケーブルを抜き、Wi-Fi を切ってください。これ以上の通信を防ぎます。"}
	mNowHandsOff = message{"Do not use this PC any more: open nothing, delete nothing, scan nothing.", "この PC はもう使わないでください。開く、消す、検査する、のどれもしないでください。"}
	mNowUnplug   = message{"Eject a USB drive before you pull it out.", "USB メモリーは、取り出しの操作をしてから抜いてください。"}
	mNowCall     = message{"Give paper and files to whoever is responsible for security here, in person.", "紙とファイルを、セキュリティの担当者に直接渡してください。"}
	mSaidLater   = message{"%s (said after the seal)", "%s（封印後の申告）"}
)
