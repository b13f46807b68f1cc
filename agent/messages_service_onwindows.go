package main

// What `hozen service` and `hozen isolate` say on Windows.
var (
	mLongServiceOnWindows = message{`The resident service waits for jobs that operators have signed, and for the local
triggers: sc start hozen-collect CASE (from another PC: sc \\PC start hozen-collect CASE;
while the service is stopped also: sc start hozen collect CASE), and the shutdown. How such
a collection goes is in %ProgramData%\Hozen\hozen-collect.log, what was accepted and refused
in the application log (sources hozen and hozen-collect). The service is set up in one file,
%ProgramData%\Hozen\hozen.yaml; its keys, its ledger and the archives that wait are in the
folder state beside it. It opens no port and runs no program.`,
		`常駐サービスは、作業者が署名した指示と、この端末での操作（sc start hozen-collect 案件、
別の PC からは sc \\PC start hozen-collect 案件、停止中なら sc start hozen collect 案件、
および電源を切る操作）を待ちます。収集の経過は %ProgramData%\Hozen\hozen-collect.log に、
受理と拒否はアプリケーション ログ（ソース hozen と hozen-collect）に残ります。設定は
%ProgramData%\Hozen\hozen.yaml に、鍵・台帳・送信待ちの証拠はその隣の state にあります。
ポートを開かず、ほかのプログラムを起動しません。`}
	mLongInstallOnWindows = message{`install copies this program to %ProgramFiles%\Hozen, writes a commented configuration and a
device key (sealed to this machine by DPAPI) where there are none, pins the trust file,
makes the services hozen and hozen-collect, and starts the first. Nobody but SYSTEM and
Administrators may use the folders; where others could change what is put there, it
refuses. Run again, it upgrades: a collection that runs is not interrupted.`,
		`install はこのプログラムを %ProgramFiles%\Hozen に置き、設定と端末の鍵（DPAPI でこの端末に
封印）がなければ作り、信頼ファイルを固定し、サービス hozen と hozen-collect を作って前者を
起動します。フォルダーは SYSTEM と Administrators だけが使え、ほかの人が変更できる場所には
導入しません。再度実行すると更新になり、実行中の収集は中断しません。`}
	mNextCheckOnWindows   = message{"Validate: hozen service check · collect here: sc start hozen-collect CASE", "検査: hozen service check · この端末で収集: sc start hozen-collect 案件"}
	mHintJournalOnWindows = message{"the event viewer says more: Windows Logs, Application, sources hozen and hozen-collect; also Service Control Manager in the System log", "イベント ビューアーのアプリケーション ログ（ソース hozen、hozen-collect）と、システム ログの Service Control Manager に詳細があります"}
	mHintManagerOnWindows = message{"leave --manager and --root out: on Windows the service control manager of the running system is used", "--manager と --root は使いません。Windows では動作中のシステムのサービス管理を使います"}
	mLongIsolateOnWindows = message{`isolate blocks every packet in and out of this machine, IPv4 and IPv6, on every interface,
connections included that are open already, by filters of its own in the Windows Filtering
Platform, which hold across reboots. Kept are loopback, TCP to the hub, and neighbour
discovery. Other filters are not touched. Windows has no clock for filters: the service (or
any hozen isolate command) releases the machine after the time; where the service does not
run, it stays isolated until an administrator runs hozen isolate off, with any copy of the
program.`,
		`isolate は、Windows フィルタリング プラットフォームに独自のフィルターを置き、この端末の
送受信を IPv4・IPv6 とも、すべてのインターフェースで、確立済みの接続も含めて遮断します。
再起動しても続きます。ループバック、集約サーバへの TCP、近隣探索だけを残し、ほかの
フィルターには触れません。Windows にはフィルターの期限がないため、期限が来るとサービス
（または hozen isolate の実行）が解除します。サービスが動いていなければ、管理者が
hozen isolate off を実行するまで（どの写しでも可）切り離されたままです。`}
)

// serviceOnWindows are the messages of these commands that Windows has others for.
func serviceOnWindows() [][2]message {
	return [][2]message{
		{mLongService, mLongServiceOnWindows}, {mLongInstall, mLongInstallOnWindows}, {mNextCheck, mNextCheckOnWindows},
		{mHintJournal, mHintJournalOnWindows}, {mHintManager, mHintManagerOnWindows}, {mLongIsolate, mLongIsolateOnWindows},
	}
}
