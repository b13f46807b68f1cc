package main

// What `hozen job` says: new, sign and show.
var (
	mShortJob = message{"make, sign and show jobs for other machines", "ほかの端末への指示を作成・署名・表示します"}
	mLongJob  = message{`A job says what is to be taken, on which machines, until when and by whose
authority. Operators sign it with their own SSH keys; each machine decides by its
own trust file. A job can ask for nothing but what job new has flags for.`,
		`指示は、どの端末で、いつまでに、だれの権限で、何を収集するかを定めます。作業者が
自分の SSH 鍵で署名し、各端末は自分の信頼ファイルに従って可否を決めます。
job new の指定にあること以外は、何も指示できません。`}
	mShortJobNew = message{"make a job that nobody has signed yet", "まだ署名のない指示を作成します"}
	mLongJobNew  = message{`job new writes a job into a new file. RAM, dumps of processes, a search in memory,
profile full and isolation need a second person on most machines: --approval NAME.`,
		`新しいファイルに指示を書きます。RAM、プロセスのダンプ、メモリー内の検索、
profile full、隔離には、ふつう二人目の承認が必要です（--approval NAME）。`}
	mShortJobSign = message{"sign a job with an operator's key", "作業者の鍵で指示に署名します"}
	mLongJobSign  = message{`job sign shows what is signed, and adds the signature to the file. The operator
signs first, then those who approve. A key with a passphrase asks for it; keys on
a token (FIDO) sign through ssh-agent.`,
		`署名する内容を表示し、ファイルに署名を加えます。作業者が先に、続いて承認者が署名
します。パスフレーズのある鍵では入力を求めます。トークン（FIDO）の鍵は ssh-agent を
通して署名します。`}
	mShortJobShow = message{"show what a job asks for, and who signed it", "指示の内容と署名者を表示します"}
	mLongJobShow  = message{`job show prints everything that a job says. With --trust it checks whose the
signatures are. Exit codes: 4 a signature is not good; with --trust also 5 somebody
has not signed, 6 a key is not trusted.`,
		`指示の内容をすべて表示します。--trust を付けると、だれの署名かも確かめます。
終了コード: 4 署名が正しくない。--trust があれば、5 未署名者がいる、6 信頼できない鍵。`}

	mFlagJobAction      = message{"`WHAT` to do: collect, isolate, rejoin or cancel", "すること `WHAT`: collect、isolate、rejoin、cancel"}
	mFlagJobTarget      = message{"`NAME` of a device (with commas; may be repeated)", "対象端末の名前 `NAME`（コンマ区切り、繰り返し可）"}
	mFlagJobGroup       = message{"`FILE` of a group: its name is the group's, each line a device; every device must have the same group in its configuration", "グループの `FILE`: ファイル名がグループ名、各行が端末名。各端末の設定に同じグループが必要"}
	mFlagJobProfileHash = message{"what the profile must mean on the devices (`SHA-256`), where they have another version of this program", "端末のプログラムの版が異なるとき、プロファイルの内容を示す `SHA-256`"}
	mFlagJobIOC         = message{"`FILE` of indicators of compromise to look for: text or CSV; it becomes part of the job", "探す侵害指標（IOC）の一覧 `FILE`（テキストまたは CSV）。指示に含める"}
	mFlagJobIsolate     = message{"cut the network but for the hub, for this `TIME` (8h): with collect after the volatile evidence is safe", "集約サーバ以外との通信を `TIME`（8h など）の間遮断する。collect では揮発性の証拠を保全した後"}
	mFlagJobJob         = message{"`ID` of the job that cancel is about", "cancel で取り消す指示の `ID`"}
	mFlagJobNotBefore   = message{"valid from `TIME` (2026-11-22T09:00:00Z, or 2h from now)", "有効期間の始まり `TIME`（2026-11-22T09:00:00Z または今から 2h）"}
	mFlagJobExpires     = message{"valid until `TIME` (default: 24h after it begins; at most 7 days after now)", "有効期間の終わり `TIME`（既定: 開始の 24h 後、最長は今から 7 日）"}
	mFlagJobRecipient   = message{"who alone may read the archive: `KEY|FILE` (age1…, ssh-ed25519 …, or a file of them; may be repeated). each must be in the allow-list of the device", "アーカイブを読める受取人の公開鍵 `KEY|FILE`（age1…、ssh-ed25519 …、またはそれらを並べたファイル。繰り返し可）。端末の許可リストにある必要があります"}
	mFlagJobDestination = message{"`NAME` of a destination in the devices' configuration (default: theirs)", "端末の設定にある送り先の `NAME`（既定: 端末の既定の送り先）"}
	mFlagJobAuthority   = message{"`TEXT`: by what right this is done", "権限の根拠 `TEXT`（契約、命令、規程など）"}
	mFlagJobOperator    = message{"`NAME` of who asks and signs first, as in the devices' trust files", "依頼し最初に署名する作業者の `NAME`（端末の信頼ファイルの名前）"}
	mFlagJobApproval    = message{"`NAME` of who signs, too (may be repeated)", "ほかに署名する承認者の `NAME`（繰り返し可）"}
	mFlagJobKey         = message{"private key `FILE` of OpenSSH; with --agent the public one (FILE.pub)", "OpenSSH の秘密鍵の `FILE`。--agent では公開鍵（FILE.pub）"}
	mFlagJobAgent       = message{"sign through the ssh-agent of this session", "このセッションの ssh-agent で署名する"}
	mFlagJobAs          = message{"`NAME` of who signs (default: whose name is in the key's comment or file, else the next who has not)", "署名する人の `NAME`（既定: 鍵のコメントかファイル名にある人、なければ次に署名すべき人）"}
	mFlagJobTrust       = message{"`FILE` of operators who are believed (allowed_signers, as the devices have it)", "信頼する作業者の `FILE`（端末と同じ allowed_signers）"}

	mFlagKeyOperator = message{"`NAME` of the person who will sign jobs with it, instead of a device", "端末の代わりに、この鍵で指示に署名する作業者の `NAME`"}
	mOperatorKeyMade = message{"Operator's key: %s (secret, without a passphrase: `ssh-keygen -p -f` sets one). Public key: %s", "作業者の鍵: %s（秘密。パスフレーズなし: `ssh-keygen -p -f` で設定できます）。公開鍵: %s"}

	mHintJobFile  = message{"`hozen job new` makes such a file", "`hozen job new` で作成できます"}
	mHintJobShow  = message{"`hozen job show %s` says who has signed", "`hozen job show %s` で署名者を確認できます"}
	mHintJobKey   = message{"`hozen key new FILE --operator NAME` or `ssh-keygen -t ed25519 -f FILE` makes a key; keys on a token sign with %s", "`hozen key new FILE --operator NAME` か `ssh-keygen -t ed25519 -f FILE` で鍵を作れます。トークンの鍵は %s で署名します"}
	mHintJobAgent = message{"`ssh-add -l` lists the keys of the agent; sudo hides it unless it is `sudo --preserve-env=SSH_AUTH_SOCK hozen …`", "`ssh-add -l` でエージェントの鍵を一覧できます。sudo で使うときは `sudo --preserve-env=SSH_AUTH_SOCK hozen …` と打ってください"}

	mJobMade        = message{"Job %[2]s is in %[1]s:", "指示 %[2]s を %[1]s に作成しました:"}
	mJobNext        = message{"Next: %s", "次: %s"}
	mJobTooFew      = message{"  %d people must sign this on a machine that has not been told otherwise: add --approval NAME.", "  設定で変えていない端末では %d 人の署名が必要です。--approval NAME を加えてください。"}
	mJobSigning     = message{"Signing job %s as %s:", "指示 %s に %s として署名します:"}
	mJobSigned      = message{"Signed by %s with %s.", "%s が鍵 %s で署名しました。"}
	mJobStillToSign = message{"Still to sign: %s", "未署名: %s"}
	mJobPassphrase  = message{"Passphrase of %s: ", "%s のパスフレーズ: "}
	mJobSignatures  = message{"Signatures (%d due unless a machine's configuration says otherwise):", "署名（端末の設定で変えていなければ %d 人分が必要）:"}
	mJobNotSigned   = message{"has not signed", "未署名"}
	mJobBad         = message{"NOT GOOD: %s", "不正な署名: %s"}
	mJobGood        = message{"good signature by %s", "正しい署名: 鍵 %s"}
	mJobTrusted     = message{"good signature by %s, trusted", "正しい署名: 鍵 %s（信頼済み）"}
	mJobUntrusted   = message{"good signature by %s, NOT TRUSTED: %s", "正しい署名: 鍵 %s（信頼できません: %s）"}
	mJobUnchecked   = message{"Whose keys these are was not checked: --trust FILE does.", "だれの鍵かは確かめていません。--trust FILE で確かめられます。"}
	mJobByHand      = message{"To check a signature without this program:", "このプログラムを使わずに署名を確かめるには:"}

	mJobID          = message{"job", "指示"}
	mJobAction      = message{"action", "すること"}
	mJobActCollect  = message{"take evidence", "証拠を収集する"}
	mJobActIsolate  = message{"cut the network but for the hub, for %s", "集約サーバ以外との通信を %s の間遮断する"}
	mJobActRejoin   = message{"release the network", "通信の遮断を解く"}
	mJobActCancel   = message{"stop the collection of job %s", "指示 %s の収集を止める"}
	mJobProfile     = message{"profile", "プロファイル"}
	mJobOnly        = message{"only", "使う収集器"}
	mJobSkip        = message{"without", "使わない収集器"}
	mJobRAM         = message{"RAM", "RAM"}
	mJobYes         = message{"yes", "取る"}
	mJobYesRAM      = message{"yes: it may hold passwords and keys", "取る（パスワードや鍵を含むことがある）"}
	mJobSwap        = message{"swap", "スワップ"}
	mJobDump        = message{"dump of PID", "PID のダンプ"}
	mJobTimeLimit   = message{"time limit", "時間の上限"}
	mJobPcap        = message{"traffic for", "通信の記録"}
	mJobFilter      = message{"filter", "フィルター"}
	mJobIOC         = message{"indicators", "侵害指標"}
	mJobIOCText     = message{"%s: %s", "%s 件: %s"}
	mJobIOCMemory   = message{"also in memory", "メモリー内も"}
	mJobIntegrity   = message{"integrity", "完全性照合"}
	mJobMaxSize     = message{"files at most", "ファイルの上限"}
	mJobIsolate     = message{"isolate for", "隔離の期間"}
	mJobTargets     = message{"devices", "対象端末"}
	mJobGroup       = message{"group %s (digest of its members %s)", "グループ %s（構成員のダイジェスト %s）"}
	mJobValid       = message{"valid", "有効期間"}
	mJobValidText   = message{"%s to %s (made %s)", "%s から %s（作成 %s）"}
	mJobCase        = message{"case", "案件"}
	mJobEvidence    = message{"evidence", "証拠番号"}
	mJobAuthority   = message{"authority", "権限の根拠"}
	mJobReason      = message{"reason", "理由"}
	mJobRecipients  = message{"recipients", "受取人"}
	mJobDestination = message{"destination", "送り先"}
	mJobOperator    = message{"operator", "作業者"}
	mJobApprovals   = message{"approvals", "承認者"}
	mJobSum         = message{"SHA-256 signed", "署名対象 SHA-256"}
	mJobPowers      = message{"powers used", "必要な権限"}
)
