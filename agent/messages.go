package main

// What is said to people in each language, English first. Names of files, flags,
// outcomes in records and verdicts are the same in both languages: they are looked
// up. What one command alone says is in its own file of messages.
var (
	mError           = message{"error: %s", "エラー: %s"}
	mHint            = message{"hint: %s", "ヒント: %s"}
	mHintHelp        = message{"see `hozen --help`", "`hozen --help` を見てください"}
	mHintCommandHelp = message{"see `%s --help`", "`%s --help` を見てください"}
	mHintOut         = message{"nothing was taken. Choose a folder that can be written, best on a USB drive or a share: --out DIR",
		"何も収集していません。書き込めるフォルダーを --out DIR で指定してください（USB メモリーや共有フォルダーが最適です）"}
	mHintKey     = message{"`hozen key new FILE --device NAME` makes a key; without --key a throw-away key is used", "`hozen key new FILE --device NAME` で鍵を作れます。--key を省くと使い捨ての鍵を使います"}
	mHintDryRun  = message{"`hozen collect --dry-run` prints the plan", "`hozen collect --dry-run` で計画を表示します"}
	mHintNothing = message{"nothing is known to be kept. Make room or take other media, and collect again (`hozen recover %s` says whether anything is left)",
		"残った証拠は確認できません。空きを作るか別の媒体を用意し、もう一度収集してください（`hozen recover %s` で、残ったものの有無を確認できます）"}
	mHintPartial = message{"nothing is lost up to checkpoint %[2]d: it is in %[1]s. Make room or take other media; then `hozen recover %[3]s`, and collect again",
		"区切り署名 %[2]d までの証拠は %[1]s に残っています。空きを作るか別の媒体を用意し、`hozen recover %[3]s` を実行してから、もう一度収集してください"}
	mHintReadBack = message{"the archive is sealed, but could not be read back: copy it to other media and run `hozen verify`", "アーカイブは封印済みですが、読み直せませんでした。別の媒体へ複製し `hozen verify` を実行してください"}
	mExitAtOnce   = message{"%v again: leaving at once. What was taken is in the .partial file; `hozen recover` says what of it is authentic.", "再び %v を受けたため、直ちに終了します。収集済みの分は .partial ファイルにあります。`hozen recover` で真正な部分を確認できます。"}
	mExitNow      = message{"%v again: leaving at once.", "再び %v を受けたため、直ちに終了します。"}
	mUnsigned     = message{"Interrupted: nothing was signed.", "中断しました。署名していません。"}

	mShortRoot = message{"take volatile evidence into an archive that anyone can verify", "揮発性の証拠を、だれでも検証できるアーカイブに保全します"}
	mLongRoot  = message{`hozen takes the volatile state of a machine (processes, sockets, kernel tables,
sessions, files in memory) into one signed archive, and verifies such archives.
It starts no program. Unless you name a destination, an authority or a time server
(--to, --tsa, --ntp), it asks no name server and writes nowhere but to --out.

Exit codes: 0 whole · 1 nothing sealed · 2 usage · 3 sealed, but something
planned was denied, cut or failed · 4 INVALID · 5 VALID-PARTIAL ·
6 UNTRUSTED-SIGNER · 7 VALID-OUTER · 8 NOT-EVIDENCE · 9 (isolate status) the
kernel and the file of state disagree`,
		`hozen は端末の揮発性の情報（プロセス、ソケット、カーネルの表、セッション、
メモリー上のファイル）を署名付きの一つのアーカイブに保全し、検証します。
ほかのプログラムを起動しません。送付先、タイムスタンプ局、時刻サーバ（--to、--tsa、
--ntp）を指定しない限り、名前解決をせず、--out 以外には書き込みません。

終了コード: 0 完全 · 1 封印なし · 2 使い方の誤り · 3 封印したが、計画の一部が
拒否・打ち切り・失敗 · 4 INVALID · 5 VALID-PARTIAL ·
6 UNTRUSTED-SIGNER · 7 VALID-OUTER · 8 NOT-EVIDENCE ·
9 （isolate status）カーネルと状態ファイルが食い違う`}
	mShortCompletion = message{"print a script that completes commands in a shell", "シェルで命令を補完するためのスクリプトを出力します"}
	mShortVersion    = message{"print version and hash of this program", "このプログラムの版とハッシュを表示します"}
	mShortCollect    = message{"take evidence from this machine into a sealed archive", "この端末の証拠を、封印したアーカイブに収集します"}
	mLongCollect     = message{`collect takes what dies with the power first, signs a checkpoint after every
step, and seals the archive: <id>.tar.zst, and <id>.custody.jsonl beside it.
Ctrl-C seals what is there; a second Ctrl-C leaves at once.

Without --key a throw-away key signs: write down its fingerprint, which is printed
at the beginning and at the end, and the head, which is printed at the end.`,
		`電源を切ると失われるものから順に収集し、段階ごとに区切り署名をして、最後に
封印します。<id>.tar.zst と、その横に <id>.custody.jsonl ができます。
Ctrl-C を押すと、そこまでを封印します。もう一度押すと直ちに終了します。

--key がなければ使い捨ての鍵で署名します。最初と最後に表示されるフィンガー
プリントと、最後に表示されるヘッドを紙に書き留めてください。`}
	mFlagLang          = message{"language (`CODE`) of what is printed: en or ja (default: the locale's)", "表示の言語 `CODE`: en または ja（既定: ロケールに従う）"}
	mFlagHelp          = message{"say what a command does", "コマンドの説明を表示する"}
	mFlagOut           = message{"`DIR` where archive and custody log are written", "アーカイブと保管記録を書き込むフォルダー `DIR`"}
	mFlagRoot          = message{"`DIR` that holds the examined machine's files, where it is not this machine", "この端末以外を調べるとき、そのファイルがあるフォルダー `DIR`"}
	mFlagProfile       = message{"how far to go (`NAME`): volatile, standard or full", "収集の範囲 `NAME`: volatile、standard、full"}
	mFlagOnly          = message{"take only these collectors (`NAMES`, with commas; may be repeated)", "指定した収集器だけを使う（`NAMES` はコンマ区切り、繰り返し可）"}
	mFlagSkip          = message{"leave these collectors out (`NAMES`, with commas; may be repeated)", "指定した収集器を使わない（`NAMES` はコンマ区切り、繰り返し可）"}
	mFlagRAM           = message{"take physical memory, too: it may hold passwords and keys (profile full takes it in any case)", "物理メモリーも取る。パスワードや鍵を含むことがある（profile full では常に取る）"}
	mFlagDump          = message{"take the whole memory of process `PID` as a core file that gdb opens (may be repeated)", "プロセス `PID` のメモリー全体を、gdb で開けるコアファイルとして取る（繰り返し可）"}
	mFlagFreeze        = message{"stop the processes of --dump while they are read (SIGSTOP, then SIGCONT; Windows: NtSuspendProcess); they stay stopped if this command is killed meanwhile", "--dump のプロセスを、読み取る間だけ停止する（SIGSTOP、その後 SIGCONT。Windows では NtSuspendProcess）。その間にこのコマンドが強制終了されると、停止したままになる"}
	mFreezeAlone       = message{"--freeze: without --dump there is nothing to stop", "--freeze: --dump がなければ、停止するものがない"}
	mHintDump          = message{"name a process by its number: --dump 4711", "プロセスを番号で指定してください: --dump 4711"}
	mFlagSelfTest      = message{"try every call of this system that a collection makes, and take the answers into an archive in --out", "収集で使うシステムの呼び出しを一つずつ試し、結果をアーカイブにして --out に保存する"}
	mFlagSwap          = message{"take RAM and the swap areas", "物理メモリーとスワップ領域を取る"}
	mFlagLimit         = message{"stop taking after this `TIME` (3m), and seal (default: no limit)", "この時間 `TIME`（例 3m）で収集を終え、封印する（既定: 無制限）"}
	mFlagCase          = message{"`NUMBER` of the case", "案件の番号 `NUMBER`"}
	mFlagEvidence      = message{"`NUMBER` of this evidence in the case", "案件の中での証拠の番号 `NUMBER`"}
	mFlagOperator      = message{"`NAME` of who operates", "作業者の氏名 `NAME`"}
	mFlagReason        = message{"`TEXT`: why the evidence is taken", "収集の理由 `TEXT`"}
	mFlagPlace         = message{"`TEXT`: where the machine stands", "端末のある場所 `TEXT`"}
	mFlagWitness       = message{"`NAME` of a witness (may be repeated)", "立会人の氏名 `NAME`（繰り返し可）"}
	mFlagKey           = message{"device key `FILE` that signs (default: a throw-away key)", "署名に使う端末の鍵 `FILE`（既定: 使い捨ての鍵）"}
	mFlagIOC           = message{"`FILE` of indicators of compromise to look for: text or CSV (may be repeated)", "探す侵害指標（IOC）の一覧 `FILE`: テキストまたは CSV（繰り返し可）"}
	mFlagIOCMemory     = message{"look for them in the memory of all processes, too (profile full does)", "すべてのプロセスのメモリーからも探す（プロファイル full では常に探す）"}
	mFlagPcap          = message{"capture packets for this `TIME` (60s), beside everything else", "ほかの収集と並行して、この時間 `TIME`（例 60s）だけパケットを記録する"}
	mFlagPcapOnly      = message{"capture packets and take nothing else", "パケットの記録だけを行う"}
	mFlagInterface     = message{"capture on this interface `NAME` only (may be repeated; default: all)", "このインターフェース `NAME` だけを記録する（繰り返し可、既定: すべて）"}
	mFlagFilter        = message{"capture only packets that match `EXPR` (BPF syntax: host 192.0.2.1 and not port 22)", "条件式 `EXPR` に合うパケットだけを記録する（BPF 構文: host 192.0.2.1 and not port 22）"}
	mFlagSnaplen       = message{"take at most `BYTES` of each packet (default 262144)", "各パケットの先頭 `BYTES` バイトだけを記録する（既定 262144）"}
	mFlagPcapSize      = message{"end the capture at this `SIZE` (default 4GiB)", "記録がこの大きさ `SIZE` に達したら終える（既定 4GiB）"}
	mFlagImage         = message{"examine the disk image `FILE[:PARTITION]` (raw, E01, qcow2) instead of this machine", "この端末の代わりにディスクイメージ `FILE[:PARTITION]`（raw、E01、qcow2）を調べる"}
	mFlagHashImage     = message{"read all of the image and compute its hashes", "イメージ全体を読み、ハッシュを計算する"}
	mFlagDefinitions   = message{"take what the artefact definitions (ForensicArtifacts YAML) in `DIR` name, too (may be repeated)", "フォルダー `DIR` にある定義（ForensicArtifacts YAML）が挙げるものも取る（繰り返し可）"}
	mFlagArtifact      = message{"take the artefacts of this `NAME` instead of the profile's (may be repeated)", "プロファイルの代わりに、この名前 `NAME` の定義が挙げるものだけを取る（繰り返し可）"}
	mFlagTake          = message{"take the file or whole tree `PATH`, too (may be repeated)", "ファイルまたはフォルダー `PATH` を中身ごと取る（繰り返し可）"}
	mFlagMaxSize       = message{"take at most this `SIZE` of files, the most valuable first", "取るファイルの合計の上限 `SIZE`。価値の高いものから取る"}
	mFlagAdd           = message{"add `FILE` that you bring (a log, a capture, a photograph, a form) as evidence (may be repeated)", "持参したファイル `FILE`（ログ、記録、写真、書類）を証拠に加える（繰り返し可）"}
	mFlagIntegrity     = message{"compare the files of packages with the package database (profile full does)", "パッケージのファイルをデータベースと照合する（プロファイル full では常に行う）"}
	mFlagHashTree      = message{"hash every file below `PATH` without taking it (may be repeated)", "`PATH` 以下の全ファイルを、取らずにハッシュだけ計算する（繰り返し可）"}
	mFlagKnown         = message{"mark files whose hash is in this list `FILE` (may be repeated)", "ハッシュが一覧 `FILE` にあるファイルに印を付ける（繰り返し可）"}
	mFlagNetworkMounts = message{"go through network and FUSE mounts, too: they may hang", "ネットワークと FUSE のマウントも辿る（応答しないことがある）"}
	mWarnKnownLines    = message{"%s: %s lines cannot be used; the first: %s", "%s: 使えない行が %s 行あります。最初の行: %s"}
	mWarnKnownLeft     = message{"%s: %s hashes are left out: there is no room for them", "%s: 領域が足りないため、%s 個のハッシュを使いません"}
	mSumNotable        = message{"Notable files: %s high, %s medium, %s low. See: %s", "注意すべきファイル: high %s 件、medium %s 件、low %s 件。確認: %s"}
	mSumTraffic        = message{"What left this machine, when, to where: %s", "この端末から何が、いつ、どこへ送られたか: %s"}
	mSumKnown          = message{"Known hashes: %s of the items are in the lists. See: %s", "既知のハッシュ: %s 件が一覧にあります。確認: %s"}
	mShortDefinitions  = message{"list the artefacts that can be taken, and check your own definitions", "収集できる痕跡の一覧を表示し、独自の定義を検査します"}
	mLongDefinitions   = message{"Lists the definitions of artefacts (ForensicArtifacts YAML): our own, then those in\neach DIR. What is wrong in one is said with its file and line.", "痕跡の定義（ForensicArtifacts YAML）の一覧を表示します。内蔵の定義に続けて、各 DIR の\n定義を読みます。誤りがあれば、ファイル名と行番号を示します。"}
	mHintDefinitions   = message{"the form: https://artifacts.readthedocs.io; our own are examples: collector/disk/definitions", "書式: https://artifacts.readthedocs.io。例: collector/disk/definitions"}
	mHintArtifact      = message{"`hozen definitions` lists the names", "名前の一覧: `hozen definitions`"}
	mHintInterface     = message{"there are: %s", "使えるもの: %s"}
	mPcapAlone         = message{"--interface, --filter, --snaplen and --pcap-size need --pcap TIME or --pcap-only", "--interface、--filter、--snaplen、--pcap-size には --pcap TIME または --pcap-only が必要です"}
	mDiskAlone         = message{"--take, --artifact and --definitions need the profile standard or full: volatile takes no files from disk", "--take、--artifact、--definitions にはプロファイル standard または full が必要です（volatile はディスクのファイルを取りません）"}
	mHintAbsolute      = message{"give it from the root on, as it is on the examined machine: /home/user", "調べる端末でのルートからのパスを指定してください: /home/user"}
	mHintFilter        = message{"collector/packet documents the syntax; nothing is resolved, so name addresses and port numbers", "構文は collector/packet にあります。名前解決はしないので、アドレスとポート番号で指定してください"}
	mHintImage         = message{"raw, split raw, E01 and qcow2 are read; for others: qemu-img convert -O raw IN OUT on another machine", "raw、分割 raw、E01、qcow2 を読めます。その他は別の端末で qemu-img convert -O raw IN OUT で変換してください"}
	mHintPartition     = message{"name one that can be read: --image FILE:NUMBER; others can be mounted read-only and given with --root", "読めるものを --image FILE:番号 で指定してください。その他は読み取り専用でマウントし、--root で指定できます"}
	mHintImageRoot     = message{"--image reads an image by itself; --root takes a folder where one is mounted: give one of them", "--image はイメージを直接読み、--root はマウント済みのフォルダーを読みます。どちらか一方を指定してください"}
	mFlagDryRun        = message{"print the plan and write nothing", "計画を表示するだけで、何も書き込まない"}
	mFlagJSON          = message{"print JSON instead of text", "文章の代わりに JSON を出力する"}
	mFlagJSONEvents    = message{"print events as JSON, one a line, instead of text", "文章の代わりに、出来事を 1 行 1 件の JSON で出力する"}
	mFlagQuiet         = message{"no progress; the summary is still printed", "経過を表示しない（結果は表示する）"}

	mGreeting          = message{"Taking evidence from %s. Steps: %d; time: %s.", "%s の証拠を収集します: 全 %d 段階、%s。"}
	mDoNotSwitchOff    = message{"Do not switch off.", "電源を切らないでください。"}
	mNothingVolatile   = message{"Do not switch off yet. NOT taken here, and lost at power-off: %s. Take that first or next: --profile volatile.", "まだ電源を切らないでください。この収集に含まれず、電源を切ると失われるもの: %s。先に、または続けて --profile volatile で収集してください。"}
	mDoNotSwitchOffYet = message{"Do not switch off before this is sealed.", "封印が終わるまで、電源を切らないでください。"}
	mDoNotSwitchOffNow = message{"Do not switch off. This screen says when it is safe.", "電源を切らないでください。切ってよいときは、この画面でお知らせします。"}
	mWarning           = message{"WARNING: %s", "警告: %s"}
	mThrowaway         = message{"This collection is signed by a throw-away key. Write down its fingerprint now: %s", "この収集は使い捨ての鍵で署名します。フィンガープリントを今、紙に書き留めてください: %s"}
	mWarnCgo           = message{"This program was built with cgo and loads libraries of this machine; build it with CGO_ENABLED=0 go build -o hozen ./agent",
		"このプログラムは cgo で作られ、この端末のライブラリーを読み込みます。CGO_ENABLED=0 go build -o hozen ./agent で作り直してください"}
	mWarnNotRoot = message{"not root: other users' processes and sockets, kernel tables and logs will be denied and are lost at power-off. Better: run it again with sudo, before anything is switched off.",
		"root 権限がありません。ほかの利用者のプロセスやソケット、カーネルの表やログは読めず、電源を切ると失われます。電源を切る前に sudo で実行し直すことを勧めます。"}
	mWarnUnlocked = message{"%s (%s) is unlocked now and LOCKS AT POWER-OFF. Without its key or passphrase its contents are then lost%s. Before switching off: secure the recovery key, or copy what is needed.",
		"%s（%s）は今は復号されていますが、【電源を切るとロックされます】。鍵やパスフレーズがなければ中身は失われます%s。電源を切る前に、回復キーを確保するか、必要なものを複製してください。"}
	mWarnMaybeUnlocked = message{"%s (%s) may be encrypted and unlocked now: if so, it locks at power-off%s. Before switching off: make sure that its key is at hand.",
		"%s（%s）は暗号化されていて、今だけ復号されている可能性があります。その場合、電源を切るとロックされます%s。電源を切る前に、鍵があることを確かめてください。"}
	mWarnOwnDisk = message{"the output goes to the examined machine's own disk (%s, on %s): about %s of free space there, which may hold deleted files, is overwritten. Better: a USB drive or a share, with --out DIR.",
		"出力先が調査対象の端末自身のディスクです（%s、%s）。削除されたファイルが残っているかもしれない空き領域のうち、およそ %s が上書きされます。USB メモリーや共有フォルダーを --out DIR で指定することを勧めます。"}
	mWarnInMemory     = message{"the output (%s) is in memory and is LOST AT POWER-OFF. Copy both files to other media before anything is switched off.", "出力先（%s）はメモリー上にあり、【電源を切ると失われます】。電源を切る前に、二つのファイルを別の媒体へ複製してください。"}
	mWarnLittleRoom   = message{"only %s free at the output (%s); the collection may need %s.", "出力先の空きは %s しかありません（%s）。%s 必要になる見込みです。"}
	mWarnDisksUnknown = message{"could not find out which disks are unlocked: %s. Look yourself before switching off.", "復号されているディスクを調べられませんでした: %s。電源を切る前に、ご自身で確かめてください。"}
	mWarnListLine     = message{"%s, line %d is not used: %s", "%s の %d 行目は使えません: %s"}
	mWarnListMore     = message{"%s: %d more lines are not used; memory/ioc/lists.jsonl in the archive names them (list: %s)", "%s: ほかに %d 行が使えません。アーカイブの memory/ioc/lists.jsonl に記録します（一覧: %s）"}
	mPlanHead         = message{"Plan: profile %s, machine at %s, time: %s, up to %s before compression", "計画: プロファイル %s、対象 %s、所要時間 %s、圧縮前で最大 %s"}
	mPlanLimit        = message{"Stops after %v and seals.", "%v で収集を終え、封印します。"}
	mPlanList         = message{"Looks for the indicators of %s: %s; lines not used: %d.", "%s にある侵害指標（IOC）を探します: %s。使えない行: %d。"}
	mPlanSkipped      = message{"not taken: %s", "収集しません: %s"}
	mPlanOut          = message{"Would be written to %s. Nothing was written now.", "書き込み先は %s です。今は何も書き込んでいません。"}
	mSkipFlag         = message{"left out by --skip", "--skip で除外"}
	mSkipOnly         = message{"not in --only", "--only に含まれない"}
	mSkipAsked        = message{"only when asked for, or in profile full", "指定したとき、またはプロファイル full のときだけ"}
	mSkipProfile      = message{"not in this profile", "このプロファイルに含まれない"}
	mSkipNotLive      = message{"needs the running machine, here are only its files", "稼働中の端末が必要（ここにあるのはファイルだけ）"}
	mSkipRights       = message{"needs root or an elevated administrator", "root または管理者の権限が必要"}

	mItem        = message{"1 item", "1 項目"}
	mItems       = message{"%s items", "%s 項目"}
	mLive        = message{"[%d/%d] %s %.1f s · %s · %s · %s", "[%d/%d] %s %.1f 秒 · %s · %s · %s"}
	mStep        = message{"%s %s %s ", "%s %s %s "}
	mStillToCome = message{"Still to come: %s (%s). That survives power-off, but this archive is sealed after it: wait if you can; Ctrl-C seals at once.", "残り: %s（%s）。これらは電源を切っても失われませんが、封印はその後です。できれば待ってください。Ctrl-C で直ちに封印します。"}
	mStillBeside = message{"Still running: %s (%s). What passes after power-off is lost, what it has is kept every few seconds; Ctrl-C ends it and seals.",
		"実行中: %s（%s）。電源を切ると以後の通信は記録できません。記録済みの分は数秒ごとに保全しています。Ctrl-C で終了し封印します。"}
	mStepBeside   = message{"%s %s ready: %s, beside all that follows", "%s %s 準備完了: %s（以後の収集と並行）"}
	mStepEnd      = message{" · %s, %s", " · %s、%s"}
	mStepShort    = message{" · %s INCOMPLETE", " · %s 項目が不完全"}
	mLeft         = message{"%s left", "残り %s"}
	mStillReading = message{"[%d/%d] %s: still reading, %s so far, %s, %s", "[%d/%d] %s: 読み取り中、経過 %s、%s、%s"}
	mNothing      = message{"nothing", "なし"}
	mUnderSecond  = message{"under 1 s", "1 秒未満"}
	mSeconds      = message{"about %d s", "約 %d 秒"}
	mMinutes      = message{"about %d min", "約 %d 分"}
	mStopping     = message{"Stopping: what was taken is being sealed. Once more Ctrl-C leaves at once.", "停止します。収集した分を封印しています。もう一度 Ctrl-C を押すと直ちに終了します。"}
	mSealing      = message{"Sealing and reading back …", "封印し、読み直して確認しています…"}
	mSafe         = message{"Volatile state is safe (checkpoint %d). The PC may be switched off now.", "揮発性の情報は保全されました（区切り署名 %d）。電源を切ってもかまいません。"}
	mSafeHigh     = message{"Volatile state is safe (checkpoint %d). Do not switch off yet: some signs in memory are HIGH, and more of those programs can be saved while the power is on.",
		"揮発性の情報は保全されました（区切り署名 %d）。ただし、メモリー上に high（高）の痕跡があります。電源が入っている間は、そのプログラムからさらに証拠を取れます。まだ電源を切らないでください。"}
	mSafeDenied   = message{"Not all of it could be read without root (%s missing or incomplete, in the list below): that is lost at power-off. If it matters, run it again with sudo first.", "ただし、root 権限がないため %s 項目が読めないか不完全です。電源を切ると失われます。必要なら、先に sudo で実行し直してください。"}
	mSafeRefused  = message{"Not all of it could be read: the system refused even root (%s, in the list below).", "ただし、root でもシステムに拒否され、読めなかったものが %s 項目あります。下の一覧を確かめてください。"}
	mSafeInMemory = message{"Volatile state is taken (checkpoint %d), but the archive is in memory itself. DO NOT SWITCH OFF before both files are copied to other media.",
		"揮発性の情報を収集しましたが（区切り署名 %d）、アーカイブ自体がメモリー上にあります。二つのファイルを別の媒体へ複製するまで、【電源を切らないでください】。"}
	mSafeLocks = message{"Volatile state is safe (checkpoint %d). BEFORE SWITCHING OFF: %s locks at power-off. Secure its recovery key, or copy what is needed.",
		"揮発性の情報は保全されました（区切り署名 %d）。【電源を切る前に】: %s は電源を切るとロックされます。回復キーを確保するか、必要なものを複製してください。"}
	mChosenShort = message{"What was chosen is NOT COMPLETE (checkpoint %d): %s failed or were cut short, first in the list below. Read it before switching off. NOT taken, and lost at power-off: %s.", "選んだものは【完全ではありません】（区切り署名 %d）。失敗または打ち切りが %s 件あり、下の一覧の先頭にあります。電源を切る前に確かめてください。取っておらず、電源を切ると失われるもの: %s。"}
	mSafeChosen  = message{"What was chosen is safe (checkpoint %d). NOT taken, and lost at power-off: %s.",
		"選んだものは保全されました（区切り署名 %d）。収集しておらず、電源を切ると失われるもの: %s。"}
	mAlsoShort = message{"Missing or cut short: %s (in the list below).", "欠けているか不完全なもの: %s 件（下の一覧）。"}
	mSafeShort = message{"Volatile state is NOT COMPLETE: what was taken is safe (checkpoint %d), but %s missing or cut short. Read the list below before switching off.",
		"揮発性の情報は【完全ではありません】。収集した分は保全されましたが（区切り署名 %d）、%s 項目が欠けているか不完全です。電源を切る前に、下の一覧を確かめてください。"}

	mSumVerdict = message{"%s  %s", "%s  %s"}
	mSumStopped = message{"The collection was ended early: %s", "収集は途中で終わりました: %s"}
	mSumDark    = message{"The device key was out of memory during the RAM image.", "RAM イメージの取得中、端末の鍵はメモリー上にありませんでした。"}
	mSumNotDark = message{"PRIVATE KEYS OF OURS MAY BE IN THE RAM IMAGE: %s", "【RAM イメージに当方の秘密鍵が含まれている可能性があります】: %s"}
	mSumRotate  = message{"The device key in %s was used on a machine whose RAM was taken: make a new one (`hozen key new`); nothing does that for you yet.",
		"端末の鍵 %s は、RAM を取得した端末で使われました。`hozen key new` で新しい鍵を作ってください（自動更新の機能はまだありません）。"}
	mSumCached      = message{"The archive was not written directly (%s): parts of it may be in the RAM image.", "アーカイブは直接書き込めませんでした（%s）。RAM イメージにその一部が含まれている可能性があります。"}
	mSumNotSafe     = message{"Volatile state is NOT COMPLETE. Do not switch off; if you can, collect again.", "揮発性の情報は【完全ではありません】。電源を切らず、できればもう一度収集してください。"}
	mSumTaken       = message{"Taken: %s, %s in %s%s", "取得: %s、%s、所要 %s%s"}
	mIndicators     = message{"Indicators in memory: %s high, %s medium, %s low.", "メモリー上の痕跡: high（高）%s 件、medium（中）%s 件、low（低）%s 件。"}
	mIndicatorsSee  = message{"All of them, each with what is known to look so on healthy machines: %s", "すべての痕跡と、正常な端末でも見られる例: %s"}
	mIndicatorsDump = message{"Before switching off, whole processes can still be taken: %s", "電源を切る前なら、プロセスのメモリー全体も保全できます: %s"}
	mIOCHits        = message{"Indicators of compromise: %s hits.", "侵害指標（IOC）: %s 件が一致しました。"}
	mSumHits        = message{"INDICATORS OF COMPROMISE: %s hits. See: %s", "侵害指標（IOC）が %s 件一致しました。確認: %s"}
	mSumNoHits      = message{"Indicators of compromise: no hit.", "侵害指標（IOC）: 一致はありません。"}
	mSumAll         = message{"Nothing that was planned was denied, cut or failed.", "計画したもので、拒否・打ち切り・失敗はありません。"}
	mSumShort       = message{"Short of the plan: %s", "計画に対する不足: %s 件"}
	mSumMore        = message{"  … and %s more: `hozen show --short %s`", "  ほか %s 件: `hozen show --short %s`"}
	mSumFiles       = message{"Archive: %s (%s)\nCustody log: %s", "アーカイブ: %s（%s）\n保管記録: %s"}
	mSumWriteDown   = message{"Write down on paper, with date, time and your name:", "次の二つを、日時と氏名とともに紙に書き留めてください:"}
	mHead           = message{"head", "ヘッド"}
	mFingerprint    = message{"fingerprint", "フィンガープリント"}
	mSumNext        = message{"Next: copy both files to other media. Whoever has that paper checks them with\n  %s",
		"次に: 二つのファイルを別の媒体へ複製してください。その紙を持つ人は、次の命令で確かめられます\n  %s"}
	mSumRequired = message{"Required, and not signed yet: %s. That person does it: hozen custody countersign %s --as %s --sign-with KEY",
		"必要な署名がまだありません: %s。その人が行います: hozen custody countersign %s --as %s --sign-with 鍵"}
	mSumUntrusted = message{"Somebody without that fingerprint gets %s: unchanged, but signed by a key that nobody vouches for.",
		"フィンガープリントを知らない人の結果は %s です。改変はないものの、だれの鍵か保証がない、という意味です。"}
	mQR = message{"(head and fingerprint, to be photographed)", "（ヘッドとフィンガープリントです。撮影できます）"}

	mCollected         = message{"collected", "取得"}
	mPartial           = message{"partial", "一部"}
	mAbsent            = message{"absent", "なし"}
	mDenied            = message{"denied", "拒否"}
	mSkipped           = message{"skipped", "除外"}
	mCountOf           = message{"%[1]s %[2]s", "%[2]s %[1]s"}
	mFailed            = message{"failed", "失敗"}
	mFlagTrust         = message{"`FILE` of allowed signers (default: ~/.config/hozen/allowed_signers, if there)", "信頼する署名者の `FILE`（既定: ~/.config/hozen/allowed_signers があればそれ）"}
	mFlagFingerprint   = message{"trust the device key with this `SHA256:…`, from paper (may be repeated)", "紙に控えたフィンガープリント `SHA256:…` の鍵を信頼する（繰り返し可）"}
	mFlagHead          = message{"the head hash (`HEX`) that stands on paper", "紙に控えたヘッド `HEX`"}
	mFlagLog           = message{"custody log `FILE` (default: the one beside the archive, if there); given again, copies of it that were kept elsewhere", "保管記録 `FILE`（既定: アーカイブの横にあればそれ）。繰り返すと、別に保管した写しと比べる"}
	mFlagNoLog         = message{"do not look at a custody log", "保管記録を見ない"}
	mFlagShort         = message{"list only what was denied, cut or failed", "拒否・打ち切り・失敗だけを表示する"}
	mFlagJSONRecords   = message{"print the record lines as they are in the archive", "アーカイブ内の記録の行を JSON で出力する"}
	mFlagTo            = message{"`DIR` below which <id>/ is written", "取り出し先のフォルダー `DIR`（その下に <id>/ ができる）"}
	mFlagRecoverKey    = message{"device key `FILE` that signs the event (default: a throw-away key)", "出来事に署名する端末の鍵 `FILE`（既定: 使い捨ての鍵）"}
	mFlagDevice        = message{"`NAME` of the device (default: the host's name)", "端末の名前 `NAME`（既定: ホスト名）"}
	mFlagTrustDevice   = message{"`NAME` of the device that the key belongs to", "鍵の持ち主である端末の名前 `NAME`"}
	mFlagTrustOperator = message{"`NAME` of the operator whose key it is: it counts for jobs, seals and events", "鍵の持ち主である作業者の名前 `NAME`（指示、封印、記録への署名に有効）"}
	mFlagTrustHub      = message{"`NAME` of the hub whose key it is: it counts for receipts", "鍵の持ち主である集約サーバの名前 `NAME`（受領証に有効）"}
	mHub               = message{"hub", "集約サーバ"}
	mFlagTrustFile     = message{"allowed signers `FILE` to append to (default: ~/.config/hozen/allowed_signers)", "追記する署名者の `FILE`（既定: ~/.config/hozen/allowed_signers）"}

	mHintTrust   = message{"an allowed_signers file of OpenSSH is wanted; `hozen key trust` makes one", "OpenSSH の allowed_signers ファイルが必要です。`hozen key trust` で作れます"}
	mHintList    = message{"`hozen show %s` lists what there is", "`hozen show %s` で一覧を表示します"}
	mHintExtract = message{"nothing is overwritten: choose an empty folder with --to", "既存のファイルは上書きしません。--to に空のフォルダーを指定してください"}
	mHintRecover = message{"want <id>.tar.zst.partial, with <id>.custody.jsonl beside it", "<id>.tar.zst.partial を指定してください（横に <id>.custody.jsonl が必要です）"}
	// What a pulled stick leaves: who is asked must know that nobody writes there any more.
	mHintRecoverPart = message{"a collection that still runs, or `hozen deliver` again, may go on with it. If neither will: mv %s %s; mv %s %s; then recover that",
		"実行中の収集、または再度の `hozen deliver` が続きを書くことがあります。どちらもない場合は、mv %s %s; mv %s %s の後、その名前で recover してください"}
	mHintPublic = message{"want a .pub file, or its line in quotes", ".pub ファイル、またはその行を引用符で囲んで指定してください"}

	mShortVerify = message{"check an archive and give one verdict", "アーカイブを検証し、判定を一つ出します"}
	mLongVerify  = message{`verify reads the archive once, writes nothing, and gives one verdict; it is the
exit code, too: VALID 0, INVALID 4, VALID-PARTIAL 5, UNTRUSTED-SIGNER 6,
VALID-OUTER 7, NOT-EVIDENCE 8. A .partial that a crash left is read as well.

Who is believed is said by --fingerprint, from the responder's paper, or by an
OpenSSH allowed_signers file (--trust); never by the archive itself.`,
		`アーカイブを一度読み、何も書き込まずに判定を一つ出します。終了コードも同じです:
VALID 0、INVALID 4、VALID-PARTIAL 5、UNTRUSTED-SIGNER 6、VALID-OUTER 7、
NOT-EVIDENCE 8。障害で残った .partial も読めます。

だれを信頼するかは、紙に控えた --fingerprint か、OpenSSH の allowed_signers
ファイル（--trust）で決めます。アーカイブ自身が決めることはありません。`}
	mShortShow = message{"list what an archive holds, or print one item", "アーカイブの一覧、または一項目を表示します"}
	mLongShow  = message{`show lists every item with its outcome, or prints one item: as it is into a pipe,
with control characters escaped on a terminal. It verifies while it reads, and
its exit code is that of verify.`,
		`各項目とその結果の一覧、または一項目を表示します。パイプへはそのまま、画面へは制御文字を
無害にして出力します。読みながら検証し、終了コードは verify と同じです。`}
	mShortExtract = message{"write what is authentic into a folder", "真正と確認できたものをフォルダーに取り出します"}
	mLongExtract  = message{`extract writes members below DIR/<id>/: only what an authentic checkpoint covers,
never over an existing file, never outside of DIR. Its exit code is that of verify.`,
		`DIR/<id>/ の下に取り出します。区切り署名で真正と確認できたものだけを書き、既存のファイル
には上書きせず、DIR の外には書きません。終了コードは verify と同じです。`}
	mShortRecover = message{"close what a crash left, as incomplete", "障害で中断した収集を、未完として閉じます"}
	mLongRecover  = message{`recover says what of a .partial is authentic, signs that into the custody log, and
renames the file to <id>.incomplete.tar.zst. Its bytes are not altered, and it is
never called whole: the exit code is 5.`,
		`.partial のうち真正な部分を調べ、その結果に署名して保管記録に書き、ファイルの名前を
<id>.incomplete.tar.zst に変えます。中身は変えません。完全とは扱わないため、終了コードは 5 です。`}
	mShortKey = message{"make, show and trust device keys", "端末の鍵を作成・表示・信頼します"}
	mLongKey  = message{`A device key signs what a machine collects; an auditor trusts it by a line in an
OpenSSH allowed_signers file.`, `端末の鍵は、その端末の収集に署名します。監査する人は、OpenSSH の allowed_signers
ファイルの行によってそれを信頼します。`}
	mShortKeyNew   = message{"make a device key (FILE and FILE.pub)", "端末の鍵を作成します（FILE と FILE.pub）"}
	mShortKeyShow  = message{"print fingerprint and allowed_signers line of a key", "鍵のフィンガープリントと allowed_signers の行を表示します"}
	mShortKeyTrust = message{"add a public key to the trusted ones", "公開鍵を、信頼する鍵に加えます"}
	mShortDoctor   = message{"say what this machine allows, before one collects", "収集の前に、この端末で何ができるかを調べます"}
	mLongDoctor    = message{`doctor looks at rights, at the output, at disks that lock at power-off, and opens
what a collection reads, reading a byte at most. It writes nothing. Exit code 0:
fine; 3: something would be denied.`,
		`権限、出力先、電源を切るとロックされるディスクを調べ、収集で読むものを開いてみます
（読むのは 1 バイトまで）。何も書き込みません。終了コード 0: 問題なし、3: 拒否されるものがある。`}

	mReading       = message{"Reading %s of %s …", "読み取り中 %s / %s …"}
	mRowCollection = message{"collection", "収集"}
	mRowTaken      = message{"taken", "日時"}
	mRowHost       = message{"host", "対象端末"}
	mRowCase       = message{"case", "案件"}
	mRowOperator   = message{"operator", "作業者"}
	mRowAskedBy    = message{"asked for by", "収集の指示者"}
	mAskedBy       = message{"%s (job %s)", "%s（指示 %s）"}
	mApprovedBy    = message{"%s, approved by %s", "%s、承認: %s"}
	mRowEvents     = message{"also logged", "その他の記録"}
	mMoreEvents    = message{"and %d more", "ほか %d 件"}
	mRowAuthority  = message{"authority", "権限の根拠"}
	mRowReason     = message{"reason", "理由"}
	mRowWitness    = message{"witness", "立会人"}
	mRowSigner     = message{"signed by", "署名"}
	mRowComplete   = message{"complete", "完全性"}
	mRowContents   = message{"contents", "内容"}
	mContents      = message{"%s, %s, behind %d checkpoints", "%s、%s、区切り署名 %d"}
	mRowOutcomes   = message{"outcomes", "結果"}
	mRowNotPlanned = message{"not planned", "計画外"}
	mNoneShort     = message{"; none short of the plan", "。計画に対する不足なし"}
	mSomeShort     = message{"; %s short of the plan (`%s` lists them)", "。計画に対する不足 %s 件（`%s` で一覧）"}
	mRowRest       = message{"authentic", "真正な範囲"}
	mRest          = message{"the first %s bytes; %s bytes after them prove nothing", "先頭から %s バイト。その後の %s バイトは何も証明しない"}
	mRowLog        = message{"custody log", "保管記録"}
	mRowAnchors    = message{"anchors", "外部の裏付け"}
	mMeaning       = message{"This proves that the bytes are what a holder of the device key wrote, in this order,\nand that nobody changed them since. It does not prove that the machine told the truth.",
		"これが証明するのは、端末の鍵の持ち主がこの順に書いたもので、その後の改変がないことです。\n端末が真実を述べたことまでは証明しません。"}
	mMeaningPartial = message{"Of the bytes up to checkpoint %d, and of nothing after them, this proves that a holder of the\ndevice key wrote them, in this order, and that nobody changed them since. It does not prove\nthat the machine told the truth, nor what was taken after that checkpoint.",
		"区切り署名 %d までのバイトについてだけ、端末の鍵の持ち主がこの順に書いたもので、その後の\n改変がないことを証明します。端末が真実を述べたことや、その後に何が収集されたかは証明しません。"}
	mMeaningUntrusted = message{"This shows only that the bytes are unchanged since whoever holds that key wrote them; who\nthat is, is not shown. Compare the fingerprint with the one on the responder's paper.",
		"これが示すのは、この鍵を持つ何者かが書いた後の改変がないことだけで、それがだれかは\n示しません。フィンガープリントを、対応者が紙に控えたものと照合してください。"}
	mMeaningDevice      = message{"The bytes are what the holder of the device key wrote.", "内容は、端末の鍵を持つ者が書いたとおりです。"}
	mMeaningNotBelieved = message{"Whoever is named above with ! is not believed here, or is missing. If you know whose key it is,\nand it was not revoked, `hozen key trust` adds it to your trust file.",
		"上の ! の署名者は信頼されていないか、足りません。だれの鍵か分かり、失効していないなら、\n`hozen key trust` で信頼ファイルに加えてください。"}
	mMeaningUntrustedPartial = message{"This shows only that the bytes up to checkpoint %d are unchanged since whoever holds that key\nwrote them; who that is, is not shown. Compare the fingerprint with the one on paper.",
		"これが示すのは、区切り署名 %d までについて、この鍵を持つ何者かが書いた後の改変がないこと\nだけで、それがだれかは示しません。フィンガープリントを紙に控えたものと照合してください。"}
	mNoAnchor = message{"Nothing outside of this file was compared: whoever held the key could have made another\narchive. A head hash on paper, a receipt or a custody log kept elsewhere rules that out.",
		"このファイルの外にあるものとは照合していません。鍵を持つ者は別のアーカイブも作れます。\n紙に控えたヘッド、受領証、別の場所に保管した保管記録があれば、それを否定できます。"}

	mSealedAll       = message{"sealed", "封印済み"}
	mSealedEarly     = message{"sealed, but ended early: %s", "封印済み、ただし途中で終了: %s"}
	mInterrupted     = message{"interrupted at checkpoint %d, not sealed", "区切り署名 %d で中断、封印なし"}
	mSignerTrusted   = message{"trusted", "信頼する鍵"}
	mSignerPaper     = message{"trusted by fingerprint", "フィンガープリントにより信頼する鍵"}
	mSignerUntrusted = message{"not trusted here", "ここでは信頼されていない鍵"}

	mVerdictValid          = message{"Sealed and unchanged, signed by a trusted key.", "封印済み、改変なし、信頼する鍵による署名です。"}
	mVerdictInvalid        = message{"Something contradicts what was signed. Do not rely on this file:", "署名された内容と矛盾しています。このファイルに依拠しないでください:"}
	mVerdictPartial        = message{"Interrupted, never sealed: authentic up to its last checkpoint.", "中断され、封印されていません。最後の区切り署名までは真正です。"}
	mVerdictUntrusted      = message{"Unchanged, but signed by a key that is not trusted here (--fingerprint, --trust).", "改変はありませんが、ここで信頼されていない鍵による署名です（--fingerprint、--trust）。"}
	mVerdictUntrustedOther = message{"Unchanged, and the device's key is trusted; but not all who signed, or had to sign, are: see below.", "改変はなく、端末の鍵は信頼されています。ただし、ほかの署名者に信頼されていない、または足りない者があります（下記）。"}
	mVerdictNotBelieved    = message{"The device's key is trusted; but not all who signed, or had to sign, are: see below.", "端末の鍵は信頼されています。ただし、ほかの署名者に信頼されていない、または足りない者があります（下記）。"}
	mVerdictOuter          = message{"Encrypted and unchanged by its custody log; the contents were not seen.", "暗号化されており、保管記録と一致します。中身は見ていません。"}
	mVerdictNotEvidence    = message{"Nothing in this file is authenticated.", "このファイルには、真正と確認できるものがありません。"}

	mExtracted      = message{"Files written: %s, below %s", "%s 個のファイルを %s に取り出しました"}
	mRecovered      = message{"%s: authentic up to checkpoint %d (%s bytes); %s bytes after it prove nothing.", "%s: 区切り署名 %d まで真正です（%s バイト）。その後の %s バイトは何も証明しません。"}
	mRecoveredBy    = message{"Recovered by key %s; the event is in %s.", "鍵 %s で復旧し、%s に記録しました。"}
	mRecoveredNext  = message{"Next: copy both files to other media, and collect again if the machine still runs. Check with\n  %s", "次に: 二つのファイルを別の媒体へ複製し、端末がまだ動いていれば、もう一度収集してください。確かめる命令:\n  %s"}
	mRecoveredWhole = message{"It was sealed before it was cut off: nothing is missing. Copy both files to other media. Check with\n  %s", "封印の後に中断されたもので、欠けはありません。二つのファイルを別の媒体へ複製してください。確かめる命令:\n  %s"}
	mRecoveredKey   = message{"%s, the throw-away key of that collection, was still there: overwritten and removed.", "その収集の使い捨て鍵 %s が残っていたため、上書きして削除しました。"}
	mKeyLeft        = message{"%s, the throw-away key of this collection, could not be removed (%s): remove it yourself.", "この収集の使い捨て鍵 %s を削除できませんでした（%s）。手動で削除してください。"}
	mRecoveredPaper = message{"That fingerprint comes from the file itself: it proves something only if it is the one on the paper.", "このフィンガープリントはファイル自身から得たものです。紙に控えたものと一致する場合にだけ、証明になります。"}
	mNotRecovered   = message{"%s is left as it was", "%s はそのままです"}
	mKeyMade        = message{"Device key: %s (secret: keep it on this device). Public key: %s", "端末の鍵: %s（秘密: この端末から出さないこと）。公開鍵: %s"}
	mDevice         = message{"device", "端末"}
	mSignerLine     = message{"An auditor trusts it by this line of an allowed_signers file:", "監査する人は、allowed_signers ファイルの次の行で信頼します:"}
	mTrusted        = message{"Trusted in %s from now on:", "今後 %s で信頼します:"}

	mRowRights        = message{"rights", "権限"}
	mRowOutput        = message{"output", "出力先"}
	mRowPlan          = message{"plan", "計画"}
	mEstimate         = message{"%s, up to %s before compression", "%s、圧縮前で最大 %s"}
	mRowDisks         = message{"disks", "ディスク"}
	mNoUnlocked       = message{"no unlocked encrypted disk was seen", "復号中の暗号化ディスクは見つかりません"}
	mDoctorNoOutput   = message{"Nothing can be written to %s: %s. Choose another folder with --out.", "%s には書き込めません: %s。--out で別のフォルダーを指定してください。"}
	mDoctorFine       = message{"Nothing of this would be denied.", "拒否されるものはありません。"}
	mDoctorDenied     = message{"%d of these would be denied. As root (sudo) more can be taken.", "%d 件が拒否されます。root（sudo）ならより多く収集できます。"}
	mDoctorDeniedRoot = message{"%d of these would be denied even to root: the system itself refuses.", "%d 件は root でも拒否されます。システムの制限です。"}
	mReadable         = message{"readable", "可"}
	mNotRoot          = message{"not root (uid %d)", "root ではない（uid %d）"}
	mRoot             = message{"root", "root"}
	mMissing          = message{"; missing: %s", "、不足: %s"}
	mFree             = message{", %s free", "、空き %s"}
)

// docsJapanese says what each collector takes; the collectors themselves speak
// English.
func docsJapanese(name string) (string, bool) {
	doc, ok := map[string]string{
		"self-test":     "このシステムの呼び出しが、期待どおりに答えるか",
		"host":          "時計、端末の識別、ハードウェア、仮想化、このツール自身",
		"sockets":       "すべてのネットワーク名前空間のソケットと、その持ち主",
		"network":       "リンク、アドレス、経路、ファイアウォール、名前解決の設定",
		"processes":     "プロセス、スレッド、開いているファイル、実行イメージのハッシュ",
		"kernel":        "モジュール、eBPF、トレース、設定、ログ、マウント、ディスク",
		"sessions":      "ログイン中と過去の利用者、端末、SSH",
		"containers":    "docker、containerd、podman、LXC のコンテナー",
		"indicators":    "メモリー上の痕跡: 注入されたコード、隠しプロセス、フック、なりすまし",
		"ioc":           "--ioc の一覧にあるもの: 読み込まれたファイルとメモリー",
		"contents":      "削除された実行イメージとファイル、memfd、疑わしいメモリー、指定プロセスの全体",
		"ram":           "物理メモリーの LiME イメージ、読めた範囲の表、取得中の変化の実測",
		"packets":       "ほかの収集と並行した通信の記録",
		"image":         "調べるディスクイメージ: 形式、パーティション表、ブートセクター",
		"added":         "持参したファイル",
		"persistence":   "Windows が自動で起動するもの: サービス、ドライバー、タスク、WMI の購読、自動起動、BITS",
		"timeline":      "ローカルのファイルシステムの全項目とその四つの時刻（表と mactime 用）",
		"notable":       "注意すべきファイル: 権限、場所、名前、最近の変更",
		"hashes":        "指定したフォルダー以下の全ファイルのハッシュ",
		"integrity":     "パッケージのファイルの変更と欠落、どのパッケージにも属さないプログラム",
		"disk":          "定義された痕跡のファイル（ログ、履歴、設定、ブラウザー）と、指定されたフォルダー",
		"parsed":        "収集したファイルの内容を表にしたもの（ファイルシステム、レジストリ、実行の跡）",
		"volumes":       "Windows のボリュームとディスク: 内容の種類、先頭のセクター",
		"shadow_copies": "ボリュームシャドウコピー: 作成日時と大きさ",
		"temporary":     "メモリー上のファイルシステム: 全項目と、上限までの中身",
	}[name]
	return doc, ok
}

// skipText says in the language of the run why a step is not run. The plan in
// the archive keeps the English text.
func (a *app) skipText(why string) string {
	if a.lang == english {
		return why
	}
	for prefix, m := range map[string]message{
		"left out by": mSkipFlag, "not in --only": mSkipOnly, "not in profile": mSkipProfile,
		"not a live host": mSkipNotLive, "only with": mSkipAsked, "needs root": mSkipRights,
	} {
		if len(why) >= len(prefix) && why[:len(prefix)] == prefix {
			return a.text(m)
		}
	}
	return why
}
