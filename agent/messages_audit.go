package main

// What is said of the audit log and of the ledger's clock.
var (
	mShortAudit       = message{"check the signed log of what the agent decided and did, and print it", "エージェントの判断と動作の署名付き記録を検証して表示します"}
	mLongAudit        = message{"audit checks every line: its signature by the device key, and that it follows the line\nbefore. Exit codes: 0 all of it is as the device wrote it · 1 cannot be read ·\n4 INVALID: a line is not", "各行を検証します。端末の鍵による署名と、前の行とのつながりです。\n終了コード: 0 端末が書いたまま · 1 読めない · 4 INVALID（改変された行がある）"}
	mFlagAuditLog     = message{"audit log `FILE` (default: that of the service)", "監査記録 `FILE`（既定: サービスのもの）"}
	mFlagAuditKey     = message{"public key `FILE` of the device (default: that of the service)", "端末の公開鍵 `FILE`（既定: サービスのもの）"}
	mAuditTorn        = message{"The last line was not written whole (%d bytes); it is not counted.", "最後の行は書きかけです（%d バイト）。数えません。"}
	mAuditHead        = message{"%d lines, each signed by the device key, none missing between them. Head: %s", "%d 行。すべて端末の鍵で署名され、途中の欠落はありません。ヘッド: %s"}
	mHintAudit        = message{"what stands before that line is as it was written; compare with the hub's copy", "その行より前は書かれたままです。集約サーバの写しと照合してください"}
	mShortRepairClock = message{"accept jobs again after the clock had been far ahead", "時計が大きく進んでいた後、再び指示を受けられるようにします"}
	mLongRepairClock  = message{"The agent never goes back in time: a job counts as expired by the latest time that it has\never seen. If the clock was wrong by years, nothing is accepted any more. Set the clock\nright, stop the service, and run this as root. Jobs issued before now are refused.", "エージェントの時刻は戻りません。指示の期限は、これまでに見た最も新しい時刻で判断します。\n時計が誤って大きく進むと、何も受け付けなくなります。時計を直し、サービスを止め、\nroot でこれを実行してください。今より前に出された指示は拒否されます。"}
	mFlagRepairReason = message{"`TEXT`: who does this, and why", "`TEXT`: だれが、なぜ行うか"}
	mHintStopService  = message{"stop the service first: `hozen service stop`", "先にサービスを止めてください: `hozen service stop`"}
	mClockRepaired    = message{"The ledger's time was %s; it is %s now.", "台帳の時刻は %s でした。今は %s です。"}
)
