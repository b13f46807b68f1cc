package main

import "slices"

// What is said on Windows in the place of a message of onWindows: there are administrators
// where others have root.
var (
	mNowNotAdministrator    = message{"You are not an administrator, so much cannot be read. If you may: close this window, right-click the program and choose \"Run as administrator\".", "管理者の権限がないため、読めないものが多くあります。可能ならこの窓を閉じ、プログラムを右クリックして「管理者として実行」を選んでください。"}
	mWarnNotAdministrator   = message{"not an elevated administrator: other users' processes, handles, the raw volumes and locked files will be denied, and what is in memory is lost at power-off. Better: run it again from a prompt that was opened with \"Run as administrator\", before anything is switched off.", "管理者として実行していません。ほかの利用者のプロセスやハンドル、ボリューム、使用中のファイルは読めず、メモリー上のものは電源を切ると失われます。電源を切る前に、「管理者として実行」で開いたプロンプトから実行し直すことを勧めます。"}
	mSafeDeniedWindows      = message{"Not all of it could be read without an administrator's rights (%s missing or incomplete, in the list below): that is lost at power-off. If it matters, run it again as administrator first.", "ただし、管理者の権限がないため %s 項目が読めないか不完全です。電源を切ると失われます。必要なら、先に管理者として実行し直してください。"}
	mSafeRefusedWindows     = message{"Not all of it could be read: Windows refused even an administrator (%s, in the list below).", "ただし、管理者でも Windows に拒否され、読めなかったものが %s 項目あります。下の一覧を確かめてください。"}
	mDoctorDeniedWindows    = message{"%d of these would be denied. As administrator more can be taken: right-click, \"Run as administrator\".", "%d 件が拒否されます。右クリックして「管理者として実行」ならより多く収集できます。"}
	mDoctorDeniedElevated   = message{"%d of these would be denied even to an administrator: Windows itself refuses.", "%d 件は管理者でも拒否されます。Windows の制限です。"}
	mNotAdministrator       = message{"not an elevated administrator (uid %d)", "管理者として実行していない（uid %d）"}
	mAdministrator          = message{"elevated administrator", "管理者（昇格済み）"}
	mHintAsAdministrator    = message{"as administrator", "管理者として実行してください"}
	mHintInstallElevated    = message{"`hozen service install`, as administrator", "管理者として `hozen service install` を実行してください"}
	mHintIsolateWindows     = message{"nothing was changed. Isolation needs an elevated administrator, and the Windows Filtering Platform (service BFE)", "何も変更していません。切り離しには、管理者の権限と Windows フィルタリング プラットフォーム（サービス BFE）が必要です"}
	mHintAbsoluteOnWindows  = message{"give it from the drive on, as it is on the examined machine: C:\\Users\\user", "調べる端末でのドライブからのパスを指定してください: C:\\Users\\user"}
	mHintOnlyOursOnWindows  = message{"only SYSTEM and Administrators may write it: Properties, Security", "書き込めるのは SYSTEM と Administrators だけにしてください（プロパティの「セキュリティ」）"}
	mHintPrivateOnWindows   = message{"only SYSTEM and Administrators may read it: Properties, Security", "読めるのは SYSTEM と Administrators だけにしてください（プロパティの「セキュリティ」）"}
	mHintAgentWindows       = message{"as administrator `Set-Service ssh-agent -StartupType Manual; Start-Service ssh-agent` starts the agent; `ssh-add FILE` gives it a key, `ssh-add -l` lists its keys", "管理者の PowerShell で `Set-Service ssh-agent -StartupType Manual; Start-Service ssh-agent` を実行するとエージェントが起動します。`ssh-add FILE` で鍵を登録し、`ssh-add -l` で一覧できます"}
	mHintOthersHave         = message{"another program has the file open (an editor, a virus scanner): close it, and try again", "ほかのプログラム（エディター、ウイルス対策など）がファイルを開いています。閉じてから、もう一度実行してください"}
	mFormBeginWindows       = message{"What only people know. Enter alone leaves a field open; Ctrl-Z and Enter ends.", "人にしか分からないことを記入します。Enter のみで空欄のまま、Ctrl-Z と Enter で終わります。"}
	mHintNotReleasedWindows = message{"to release it: %s", "解除の方法: %s"}
	mSumNoDriver            = message{"There is no image of RAM: Windows lets no program read it, and the driver that does (WinPmem, device \\\\.\\pmem) is not loaded. Loading it changes the machine and is yours to decide: as administrator `winpmem install`, then collect again with --only ram. A virtual machine: take a snapshot with memory instead.",
		"RAM イメージはありません。Windows ではプログラムから物理メモリーを読めず、読むためのドライバー（WinPmem、デバイス \\\\.\\pmem）が読み込まれていません。読み込むと端末の状態が変わるため、担当者が判断してください。読み込む場合は管理者として `winpmem install` を実行し、--only ram で再度収集してください。仮想マシンなら、メモリー付きのスナップショットを取ってください。"}
)

// onWindows gives the message that Windows has in a message's place, with the same
// arguments; most have none.
func onWindows(m message) message {
	for _, pair := range slices.Concat(serviceOnWindows(), helpOnWindows(), [][2]message{
		{mNowNotRoot, mNowNotAdministrator}, {mWarnNotRoot, mWarnNotAdministrator}, {mSafeDenied, mSafeDeniedWindows},
		{mSafeRefused, mSafeRefusedWindows}, {mDoctorDenied, mDoctorDeniedWindows}, {mDoctorDeniedRoot, mDoctorDeniedElevated},
		{mNotRoot, mNotAdministrator}, {mRoot, mAdministrator}, {mHintRoot, mHintAsAdministrator}, {mHintInstall, mHintInstallElevated},
		{mHintIsolate, mHintIsolateWindows}, {mHintAbsolute, mHintAbsoluteOnWindows}, {mHintOnlyOurs, mHintOnlyOursOnWindows},
		{mHintPrivate, mHintPrivateOnWindows}, {mHintNotReleased, mHintNotReleasedWindows}, {mHintJobAgent, mHintAgentWindows}, {mFormBegin, mFormBeginWindows},
	}) {
		if pair[0] == m {
			return pair[1]
		}
	}
	return m
}
