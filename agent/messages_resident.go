package main

// What the resident agent says, and what is started on this machine in its name.
var (
	mShortServiceRun     = message{"run the agent in the foreground, as the service manager does", "エージェントを前面で実行します（サービス管理が呼び出します）"}
	mShortServiceCollect = message{"take evidence for CASE into the outbox, with the service's key and profile", "案件 CASE の証拠を、サービスの鍵と範囲で送信待ちの箱に収集します"}
	mFlagSCM             = message{"Windows' service manager runs this", "Windows のサービス管理から実行します"}
	mHintServiceCheck    = message{"`hozen service check` validates the configuration and all that it points at", "`hozen service check` で設定と参照先を確認できます"}
	mHintLedgerInUse     = message{"the service runs already: `hozen service status`", "サービスはすでに動いています。`hozen service status` で確認できます"}
	mVetoed              = message{"%s is there: nothing is collected on this machine", "%s があるため、この端末では収集しません"}
)
