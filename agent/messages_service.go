package main

// What `hozen service` says.
var (
	mShortService = message{"the resident service: install, watch, validate", "常駐サービスの導入・確認・検査"}
	mLongService  = message{`The resident service waits for jobs that operators have signed, and for the local
triggers: systemctl start hozen-collect@CASE, and the shutdown. It is set up in one
file, /etc/hozen/hozen.yaml; its keys, its ledger and the archives that wait are in
/var/lib/hozen. It opens no port and runs no program.`,
		`常駐サービスは、作業者が署名した指示と、この端末での操作（systemctl start
hozen-collect@案件 や電源を切る操作）を待ちます。設定は一つのファイル
/etc/hozen/hozen.yaml に、鍵・台帳・送信待ちの証拠は /var/lib/hozen にあります。
ポートを開かず、ほかのプログラムを起動しません。`}
	mShortInstall = message{"install or upgrade the service: keys, configuration and outbox that are there stay", "サービスを導入・更新する（既存の鍵・設定・送信待ちの証拠はそのまま）"}
	mLongInstall  = message{`install copies this program to /usr/local/sbin/hozen, writes a commented configuration
and a device key where there are none, pins the trust file, writes the units and starts
the service. Run again, it upgrades: a collection that runs is not interrupted.`,
		`install はこのプログラムを /usr/local/sbin/hozen に置き、設定と端末の鍵がなければ
作り、信頼ファイルを固定し、ユニットを書いて起動します。再度実行すると更新になり、
実行中の収集は中断しません。`}
	mShortUninstall = message{"take the service away and leave nothing but evidence", "サービスを取り除く（証拠だけを残す）"}
	mLongUninstall  = message{`uninstall ends the service (what is being taken is sealed first) and removes program,
units, configuration and private keys. Archives, custody logs, ledger, audit log, the trust
file and the public device key stay: they are evidence, or prove it.`,
		`uninstall はサービスを終え（収集中のものは先に封印）、プログラム・ユニット・設定・
秘密鍵を消します。アーカイブ、保管記録、台帳、監査記録、信頼ファイル、端末の公開鍵は
証拠またはその証明なので残します。`}
	mShortStart    = message{"start the service", "サービスを開始する"}
	mShortStop     = message{"stop the service; what is being taken is sealed", "サービスを止める（収集中のものは封印する）"}
	mShortRestart  = message{"restart the service, with the configuration as it is now", "サービスを再起動し、今の設定を読む"}
	mShortStatus   = message{"say whether the service runs, and what it does", "サービスの状態を表示する"}
	mShortEnrol    = message{"enrol this machine at a hub, with a one-time token", "一度だけ使える登録券で、この端末を集約サーバに登録する"}
	mShortPin      = message{"pin the trust file as it is now", "今の信頼ファイルを固定する"}
	mShortCheck    = message{"validate the configuration and everything that it points at", "設定と、それが指すものをすべて検査する"}
	mLongCheck     = message{"check names each mistake with line and column, and looks at keys, permissions, the pinned\ntrust file, destinations and the hub. It changes nothing.", "check は誤りを行と桁で示し、鍵・権限・固定した信頼ファイル・送り先・集約サーバを\n確かめます。何も変更しません。"}
	mFlagConfig    = message{"configuration `FILE`", "設定ファイル `FILE`"}
	mFlagOperators = message{"`FILE` of the operators whose jobs are obeyed (allowed_signers): copied and pinned", "指示に従う作業者の公開鍵の `FILE`（allowed_signers）。複製して固定する"}
	mFlagEnrol     = message{"enrol at a hub, with the one-time token in `@FILE` (or -: standard input; or the token itself, which others can then see in the list of processes)", "`@FILE` の登録券で集約サーバに登録する（- は標準入力。登録券そのものも書けるが、プロセス一覧で他人に見える）"}
	mLongEnrol     = message{`service enrol uses a one-time token: @FILE is a file that holds it, - the standard
input. The token itself may be written instead; then others can see it in the list
of processes, and use it first.`,
		`一度だけ使える登録券を使います。@FILE は登録券を書いたファイル、- は標準入力です。
登録券そのものも書けますが、プロセス一覧で他人に見え、先に使われるおそれがあります。`}
	mFlagInstallRoot   = message{"folder `DIR` that stands for /: an image; nothing is started", "/ の代わりのフォルダー `DIR`（イメージなど）。何も起動しない"}
	mFlagManager       = message{"service manager `NAME` of Linux: systemd, openrc or sysv (default: what is there)", "Linux のサービス管理 `NAME`: systemd、openrc、sysv（既定: あるもの）"}
	mFlagNoStart       = message{"do not start the service", "サービスを開始しない"}
	mFlagInstallDryRun = message{"print the files for the service manager and change nothing", "サービス管理用のファイルを表示するだけで、何も変えない"}
	mFlagOffline       = message{"connect to nothing", "どこにも接続しない"}

	mDidMade    = message{"made", "作成"}
	mDidChanged = message{"changed", "更新"}
	mDidKept    = message{"kept", "維持"}
	mDidAside   = message{"set aside", "退避"}
	mDidRemoved = message{"removed", "削除"}
	mDidLeft    = message{"left", "残置"}

	mBusy             = message{"The service is busy and goes on as the old program: %s\nWhen that is done: hozen service restart", "サービスは作業中のため、古いプログラムのまま続けます: %s\n終わったら `hozen service restart` を実行してください"}
	mRuns             = message{"The service runs (process %d).", "サービスは動作中です（プロセス %d）。"}
	mNotRunning       = message{"The service does not run (%s).", "サービスは動いていません（%s）。"}
	mUses             = message{"memory %s · CPU %.2f s since %s · %d restarts", "メモリー %s · CPU %.2f 秒（%s から）· 再起動 %d 回"}
	mStandsIdle       = message{"idle", "待機中"}
	mStandsCollecting = message{"collecting %s", "収集中: %s"}
	mStandsIsolated   = message{"ISOLATED until %s: nothing but the hub is reached", "隔離中（%s まで）。集約サーバ以外とは通信できません"}
	mStandsVetoed     = message{"VETOED: nothing is run on this machine while the veto file is there", "実行停止中。veto_file のファイルがある間、この端末では何も実行しません"}
	mStartByHand      = message{"Installed. Start it with this machine's own means (`service hozen start`, `rc-service hozen start`).", "導入しました。この端末の方法で開始してください（`service hozen start`、`rc-service hozen start`）。"}
	mNextTrust        = message{"Next: nobody's jobs are obeyed yet. Put the operators' keys into %s, then: hozen service pin", "次に: まだだれの指示にも従いません。作業者の公開鍵を %s に置き、`hozen service pin` を実行してください"}
	mNextEnrol        = message{"No hub: hozen service enrol @FILE --trust OPERATORS", "集約サーバへの登録: hozen service enrol @登録券ファイル --trust ファイル"}
	mNextCheck        = message{"Validate: hozen service check · collect here: systemctl start hozen-collect@CASE", "検査: hozen service check · この端末で収集: systemctl start hozen-collect@案件"}
	mPinned           = message{"Pinned: %s. From now on, jobs are held against it as it is now.", "固定しました: %s。以後の指示はこの内容で確かめます。"}
	mEnrolled         = message{"Enrolled at %s (%s) as %s.", "%s（%s）に %s として登録しました。"}
	mEnrolledRestart  = message{"Now: hozen service restart", "次に: hozen service restart"}
	mUninstalled      = message{"The service is gone. What is listed as left is evidence, or proves it: keep it, or remove it yourself.", "サービスを取り除きました。「残置」は証拠またはその証明です。保管するか、ご自身で消してください。"}

	mHintInstall   = message{"`hozen service install`, as root", "root で `hozen service install` を実行してください"}
	mHintEnrol     = message{"the hub's operator makes a new token; the hub must be reachable from here by its address", "集約サーバの管理者に新しい登録券を作ってもらい、そのアドレスへ通信できるか確かめてください"}
	mHintOperators = message{"a file of lines such as: operator:sato namespaces=\"hozen-job-v1\" ssh-ed25519 AAAA…", "次のような行のファイルです: operator:sato namespaces=\"hozen-job-v1\" ssh-ed25519 AAAA…"}
	mHintRejoin    = message{"release it first: hozen isolate off", "先に隔離を解いてください: hozen isolate off"}
	mHintByHand    = message{"with this machine's own means: service hozen %[1]s, or rc-service hozen %[1]s", "この端末の方法で操作してください: service hozen %[1]s または rc-service hozen %[1]s"}
	mHintRoot      = message{"as root", "root で実行してください"}
	mHintJournal   = message{"`journalctl -u hozen` says more", "`journalctl -u hozen` に詳細があります"}
	mHintManager   = message{"--manager systemd, openrc or sysv", "--manager で systemd、openrc、sysv のどれかを指定してください"}

	mCheckRight       = message{"right", "正常"}
	mCheckWarning     = message{"WARNING", "注意"}
	mCheckWrong       = message{"WRONG", "誤り"}
	mCheckGood        = message{"Nothing is wrong.", "誤りはありません。"}
	mCheckFile        = message{"nobody else can change it", "ほかの人は変更できません"}
	mCheckState       = message{"nobody else can look into it", "ほかの人は中を見られません"}
	mCheckPrivate     = message{"nobody else can read it", "ほかの人は読めません"}
	mCheckKey         = message{"the key of %s, %s", "%s の鍵、%s"}
	mCheckNoTrust     = message{"is not there: nobody's jobs are obeyed", "ありません。だれの指示にも従いません"}
	mCheckPinned      = message{"is as it was pinned", "固定したときのままです"}
	mCheckReached     = message{"can be reached: %s", "届きます: %s"}
	mCheckEnrolled    = message{"enrolled at %s", "%s に登録済み"}
	mCheckNotEnrolled = message{"deliver_to is hub, and this machine is not enrolled", "deliver_to が hub ですが、この端末は登録されていません"}
	mCheckVeto        = message{"is there: nothing is run on this machine", "あります。この端末では何も実行しません"}
	mCheckNoUnit      = message{"is not there: the service is not installed", "ありません。サービスが導入されていません"}
	mCheckOldUnit     = message{"is not what this configuration wants", "今の設定と合っていません"}
	mCheckOutbox      = message{"%s of %s are used, %s of them by what is delivered: when it is full, nothing new is begun", "%[2]s のうち %[1]s を使用中（うち送信済み %[3]s）。いっぱいになると、新しい収集を始めません"}
	mHintOutbox       = message{"delete_local: true, move what is delivered elsewhere, or a larger outbox: max_size", "delete_local: true にするか、送信済みのものを別の場所へ移すか、outbox の max_size を増やしてください"}
	mHintOnlyOurs     = message{"chown root, chmod go-w", "chown root と chmod go-w で直してください"}
	mHintPrivate      = message{"chown root, chmod go-rwx", "chown root と chmod go-rwx で直してください"}
	mHintPin          = message{"if you changed it yourself: hozen service pin", "自分で変更したのなら `hozen service pin` を実行してください"}
	mHintDestination  = message{"address, pin and credentials must be those of the server; --offline leaves this out", "アドレス・pin・認証情報を確かめてください。--offline で省けます"}
	mHintHub          = message{"archives wait in the outbox until it can be reached", "届くまで、証拠は送信待ちになります"}
	mHintVeto         = message{"remove the file to allow jobs again", "指示を再び受けるには、このファイルを消してください"}
)
