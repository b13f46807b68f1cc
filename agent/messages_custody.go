package main

// What `hozen custody` says.
var (
	mShortCustody = message{"write and check the custody log: who gave the archive to whom, and what was done with it", "保管記録を書き、確かめます（だれがだれに渡し、何をしたか）"}
	mLongCustody  = message{`The custody log <id>.custody.jsonl lies beside the archive. Each of its events is
signed by who did it, and names the event before: nothing in it can be changed or
taken out without notice, but its newest events. Keep copies of it in several
places. Nothing that is done here changes the archive.`,
		`保管記録 <id>.custody.jsonl はアーカイブの横にあります。各記録には行った人が署名し、
一つ前の記録のハッシュを含むので、最も新しい記録を除き、気付かれずに変更や削除は
できません。写しを複数の場所に保管してください。ここでの操作でアーカイブが変わる
ことはありません。`}
	mShortCustodyAdd = message{"sign an event into the custody log", "出来事に署名して保管記録に加えます"}
	mLongCustodyAdd  = message{`custody add appends one event, signed by who does it. What each must say is in
FORMAT.md section 9; what is missing is named. Events:
%s.
Nothing is ever taken out: a mistake is answered by an event corrected, with --ref.
Event verified checks the archive first; reencrypted hashes both files, and goes on
with the log beside --before where none is beside the new file.`,
		`保管記録に、行った人の署名を付けて一件加えます。各出来事に必要な項目は FORMAT.md の
9 節にあり、足りないものは表示されます。出来事:
%s。
削除はできません。誤りは corrected と --ref で訂正します。verified は先にアーカイブを
検証し、reencrypted は前後のファイルのハッシュを取ります（新しいファイルの横に保管記録が
なければ、--before の横のものに加えます）。`}
	mShortRelease = message{"release the archive to somebody", "アーカイブを引き渡します"}
	mLongRelease  = message{`custody release reads the archive, and signs who gives it to whom, how and why. Where
the bytes are not those that the log knows, nothing is signed (exit code 4). The
event that answers it is custody receive.`,
		`アーカイブを読み、だれがだれに、どの方法で、なぜ渡すかに署名します。内容が保管記録と
異なるときは署名しません（終了コード 4）。受け取った人は custody receive で応じます。`}
	mShortReceive = message{"receive the archive: hash it anew, verify it, sign", "アーカイブを受領します（ハッシュの再計算・検証・署名）"}
	mLongReceive  = message{`custody receive answers the open release: it hashes the file anew, verifies it with
its log (cipher text by the log alone), and signs what it found, with the state of
the seal. Bytes that are not those that were released are signed as what they are,
INVALID. Exit codes are those of verify.`,
		`引渡しに応じて、ファイルのハッシュを計算し直し、保管記録と共に検証し（暗号文は保管記録
だけで）、封印の状態と共に結果に署名します。引き渡された内容と異なるときは INVALID と
して記録します。終了コードは verify と同じです。`}
	mShortCustodyShow = message{"show the custody log", "保管記録を表示します"}
	mLongCustodyShow  = message{`custody show prints the events, what does not fit together, what is still open, and the
fields of the form that nobody filled. Whose the signatures are is for custody verify.`,
		`出来事、つじつまの合わない点、未完了の事項、記入されていない項目を表示します。
だれの署名かは custody verify で確かめます。`}
	mShortCustodyVerify = message{"check the custody log without its archive", "アーカイブなしで保管記録を検証します"}
	mLongCustodyVerify  = message{`custody verify checks the chain, every signature, whom the auditor believes, and whether
the events fit together. Exit codes: 0 VALID · 4 INVALID: it was changed · 5 VALID-PARTIAL:
authentic, but with a gap · 6 UNTRUSTED-SIGNER · 8 NOT-EVIDENCE. What is still open,
as a release that is on its way, is no gap. Newest events that were cut off are seen
only beside a copy: custody compare.`,
		`連鎖、すべての署名、署名者への信頼、出来事のつじつまを確かめます。終了コード: 0 VALID ·
4 INVALID（変更あり）· 5 VALID-PARTIAL（真正だが空白あり）· 6 UNTRUSTED-SIGNER ·
8 NOT-EVIDENCE。輸送中の引渡しなど未完了の事項は空白ではありません。末尾の切り取りは、
写しと比べなければ分かりません（custody compare）。`}
	mShortCompare = message{"compare copies of one custody log kept in different places", "別々に保管した保管記録の写しを比べます"}
	mLongCompare  = message{`custody compare holds copies against the longest that is whole. Exit codes: 0 all the
same · 5 one ends early · 4 two differ from a line on (a fork), one is damaged, or is
the log of something else.`,
		`完全な写しのうち最も長いものと比べます。終了コード: 0 すべて同じ · 5 途中で終わる写しあり ·
4 途中から異なる（分岐）、破損、または別の収集の記録。`}

	mShortForm = message{"show and fill the form: 31 fields of a custody record", "保管記録の書式 31 項目を表示・記入します"}
	mLongForm  = message{`custody form fills what the archive and its log know, and asks for the rest: at a
terminal, or from a YAML file (--template writes one, also without an ARCHIVE). Answers are signed into the log;
a later one supersedes an earlier one, which stays. --print shows all fields.`,
		`アーカイブと保管記録から分かる項目を埋め、残りを端末で、または YAML ファイルから
記入します（--template で書式を出力。アーカイブは不要）。回答は署名して保管記録に加えます。後の回答が
優先し、前の回答も残ります。--print ですべての項目を表示します。`}
	mFlagFormPrint    = message{"print the fields with what is known of them", "すべての項目と回答を表示する"}
	mFlagFormTemplate = message{"print a YAML file to be filled in", "記入用の YAML を出力する"}
	mFlagFormFill     = message{"take the answers from a YAML `FILE`", "YAML ファイル `FILE` から記入する"}
	mFlagFormReason   = message{"why answers are given anew (`TEXT`)", "回答を改める理由 `TEXT`"}
	mHintForm         = message{"`hozen custody form --template` prints one that is right", "`hozen custody form --template` で正しい書式を出力できます"}
	mHintFormUTF8     = message{"save it as UTF-8 (Notepad: Save As, Encoding: UTF-8), and try again", "UTF-8 で保存し直してください（メモ帳: 名前を付けて保存、文字コード UTF-8）"}
	mHintFormPrint    = message{"`--print` shows the form", "`--print` で書式を表示できます"}
	mHintFormIdentity = message{"the archive is encrypted: without --identity FILE the tool's fields stay empty", "アーカイブは暗号化されています。--identity ファイル を付けないと、ツールの項目は空欄のままです"}
	mFormBegin        = message{"What only people know. Enter alone leaves a field open; Ctrl-D ends and signs what was answered; Ctrl-C leaves, and nothing is signed.", "人にしか分からないことを記入します。Enter のみで空欄のまま、Ctrl-D で終了し、ここまでの回答に署名します。Ctrl-C で中断すると署名しません。"}
	mFormNothing      = message{"nothing new was answered; nothing was signed", "新しい回答はなく、署名していません"}
	mFormDiffers      = message{"note: %s: you answer %q; %s says %q. Both are recorded.", "注意: %s: 回答は %q ですが、%s では %q です。両方を記録します。"}
	mFormAnswer       = message{"%s  (%s)", "%s（%s）"}
	mFormSuperseded   = message{"%s  [superseded by event %d]", "%s 〔記録 %d で訂正済み〕"}
	mFormNotHere      = message{"________ (open: the archive says it, not its log alone)", "________（未記入: 記録だけでなくアーカイブがあれば分かります）"}
	mFormHalf         = message{"________ (what people know of it is still to be added)", "________（人にしか分からないことを追記してください）"}
	mFormBlank        = message{"________ (open)", "________（未記入）"}

	mFlagForm           = message{"filled form (`FILE`, YAML; custody form --template prints one): into the archive, and its answers into the log", "記入済みの書式 `FILE`（YAML、custody form --template で出力）。アーカイブと保管記録に入れる"}
	mFlagSignWith       = message{"`KEY` that signs: a key file, or agent (agent:SHA256:… for one of several)", "署名する鍵 `KEY`: 鍵ファイル、または agent（複数あれば agent:SHA256:…）"}
	mFlagAs             = message{"who signs, `KIND:NAME`: operator, witness, approver, carrier, lab, custodian, hub or device (default: what the key's comment says)", "署名者 `KIND:NAME`: operator、witness、approver、carrier、lab、custodian、hub、device（既定: 鍵のコメント）"}
	mFlagEventLog       = message{"custody log (`FILE`), where it does not lie beside the archive under its name", "保管記録 `FILE`（アーカイブと同じ名前で横にないとき）"}
	mFlagEventReason    = message{"why (`TEXT`)", "理由 `TEXT`"}
	mFlagEventPlace     = message{"where (`TEXT`)", "場所 `TEXT`"}
	mFlagEventAuthority = message{"by what right (`TEXT`)", "権限の根拠 `TEXT`"}
	mFlagEventWitness   = message{"`NAME` of a witness who was there (may be repeated)", "立会人の名前 `NAME`（繰り返し可）"}
	mFlagSealNo         = message{"`NUMBER` of the seal of the bag or box", "袋や箱の封印番号 `NUMBER`"}
	mFlagThing          = message{"what can be held, `NAME=VALUE`: description, make, model, serial, asset, power_state (may be repeated)", "対象物 `NAME=VALUE`: description、make、model、serial、asset、power_state（繰り返し可）"}
	mFlagAttach         = message{"`FILE` beside the log, named by its hash: a photograph, a form (may be repeated)", "添付 `FILE`（写真、書類など。ハッシュを記録、繰り返し可）"}
	mFlagChanges        = message{"what was changed by it, and why that could not be avoided (`TEXT`)", "生じた変更と、避けられなかった理由 `TEXT`"}
	mFlagDetail         = message{"a fact more, `NAME=VALUE` (may be repeated)", "その他の事項 `NAME=VALUE`（繰り返し可）"}
	mFlagRef            = message{"`NUMBER` of the event that it answers or corrects (may be repeated)", "対応または訂正する記録の番号 `NUMBER`（繰り返し可）"}
	mFlagCounterpart    = message{"the other side (`NAME`)", "相手 `NAME`"}
	mFlagBefore         = message{"`FILE` that the archive was made of, for reencrypted", "reencrypted で、元のファイル `FILE`"}
	mFlagReleaseTo      = message{"who gets it, `KIND:NAME` (lab:acme) or a name", "渡す相手 `KIND:NAME`（lab:acme など）または名前"}
	mFlagHow            = message{"by what way, with whom (`TEXT`): by hand, courier …", "方法・運搬者 `TEXT`（手渡し、宅配業者など）"}
	mFlagTracking       = message{"tracking `NUMBER` of the parcel", "送り状番号 `NUMBER`"}
	mFlagReturn         = message{"it is given back to whom it belongs", "所有者への返却である"}
	mFlagSeal           = message{"state of the seal on arrival (`STATE`): intact, broken or none", "到着時の封印の状態 `STATE`: intact（異常なし）、broken（破損）、none（封印なし）"}
	mFlagReceiveRef     = message{"`NUMBER` of the release, where several are open", "未完了の引渡しが複数あるとき、その番号 `NUMBER`"}
	mFlagReceiveFrom    = message{"who gave it (`NAME`), where that is not who signed the release", "渡した者 `NAME`（引渡しの署名者と異なるとき）"}
	mFlagCustodyAll     = message{"show checkpoints and pieces of long texts, too", "区切り署名と長文の断片も表示する"}

	mHintPrincipal     = message{"KIND is one of %s: --as operator:sato", "KIND は %s のいずれか: --as operator:sato"}
	mHintNeeds         = message{"give %s", "%s を指定してください"}
	mHintLogBroken     = message{"keep this log as it is, and go on with a whole copy of it: `hozen custody compare` finds one", "この保管記録はこのまま残し、完全な写しで続けてください（`hozen custody compare` で探せます）"}
	mHintWrongIdentity = message{"nothing was signed. Give the identity that it was encrypted to; without --identity, it is held against its custody log alone", "署名していません。暗号化先の identity ファイルを指定してください。--identity なしでは、保管記録だけと照合します"}
	mHintNoTerminal    = message{"nothing was signed. Work where the passphrase can be typed (`ssh -t …`), or give the key to an agent (`ssh-add FILE`) and sign with %s", "署名していません。パスフレーズを入力できる端末で実行する（`ssh -t …`）か、`ssh-add ファイル` で鍵をエージェントに渡し、%s で署名してください"}
	mHintPassphrase    = message{"nothing was signed. Try again; `ssh-keygen -y -f FILE` tells whether a passphrase is right", "署名していません。もう一度試してください。正しいパスフレーズかどうかは `ssh-keygen -y -f ファイル` で分かります"}
	mHintReadOnly      = message{"nothing was signed: the log cannot be written to there. Copy archive and log together to where you can write, and sign there", "署名していません。保管記録に書き込めません。アーカイブと保管記録を一緒に、書き込める場所へ複製し、そこで署名してください"}
	mHintFull          = message{"nothing was signed: no room is left for the log. Make room, or copy archive and log together to another medium, and sign there", "署名していません。保管記録を書く空きがありません。空きを作るか、アーカイブと保管記録を一緒に別の媒体へ複製し、そこで署名してください"}
	mHintSigning       = message{"nothing was signed. Try again when it is done: a passphrase may be asked for elsewhere, or a token want to be touched", "署名していません。別の署名が終わってから試してください（別の画面でパスフレーズやトークンへの接触を待っていることがあります）"}
	mHintNoLog         = message{"a file that was given another name, or lies elsewhere, needs --log FILE: the <id>.custody.jsonl that came with it", "名前や場所を変えたファイルには --log ファイル が要ります（付属の <id>.custody.jsonl）"}
	mLogHalfLine       = message{"- the last line of %s was not written whole (the power went); it was no event, and was taken off", "- %s の最後の行は途中で切れていたため（電源断など）、出来事とはみなさず取り除きました"}
	mHintOtherBytes    = message{"nothing was signed. Look for the file that the log knows; `hozen verify` says what is left of this one", "署名していません。保管記録にあるファイルを探してください。`hozen verify` で、このファイルの状態が分かります"}
	mHintCustodyShow   = message{"`hozen custody show` lists them", "`hozen custody show` で一覧できます"}

	mCustodyUntrusted = message{"! signed all the same, but by your trust file an auditor would not believe it: %s", "! 署名しますが、お使いの信頼ファイルでは監査人に信頼されません: %s"}
	mCustodyWritten   = message{"event %d, %s: signed by %s with %s", "記録 %d %s: %s が鍵 %s で署名しました"}
	mCustodyHead      = message{"%s now ends with %s: write this down, or keep a copy of the log elsewhere.", "%s の末尾のハッシュは %s です。書き留めるか、写しを別の場所に保管してください。"}
	mReleasedGive     = message{"Give archive and log together to %s, who answers with `hozen custody receive`.", "アーカイブと保管記録を一緒に %s に渡してください。相手は `hozen custody receive` で受領します。"}
	mReleasedKeep     = message{"Keep a copy of the log here: it shows if the newest events are cut off on the way.", "保管記録の写しを手元に残してください。途中で末尾が切り取られたときに分かります。"}
	mReceived         = message{"received: %s, %s bytes, SHA-256 %s", "受領: %s、%s バイト、SHA-256 %s"}
	mReceivedOther    = message{"!!! THESE ARE NOT THE BYTES THAT WERE RELEASED: %s", "!!! 引き渡された内容と異なります: %s"}
	mNoRelease        = message{"! no release is open in this log: the event will show a gap", "! この保管記録に未完了の引渡しはありません。空白として残ります"}
	mOtherSeal        = message{"! it was released with seal number %s, and arrived with %s", "! 引渡し時の封印番号は %s、到着時は %s です"}

	mLogOf       = message{"custody log of %s (times in UTC, by the clock of who signed)", "%s の保管記録（時刻は UTC、署名者の時計による）"}
	mLogHidden   = message{"       (%d events of the writer alone are not shown: --all)", "       （プログラムだけの記録 %d 件は省略: --all で表示）"}
	mGapGap      = message{"  ! GAP at event %d, %s: %s", "  ! 空白 記録 %d %s: %s"}
	mGapOpen     = message{"  … open at event %d, %s: %s", "  … 未完了 記録 %d %s: %s"}
	mGapNote     = message{"  - note on event %d, %s: %s", "  - 注記 記録 %d %s: %s"}
	mFormOpen    = message{"%d fields of the form are open: %s (hozen custody form)", "未記入の項目 %d: %s（hozen custody form）"}
	mFormOpenLog = message{"%d fields of the form are open by the log alone, without the archive: %s", "保管記録だけ（アーカイブなし）で見た未記入の項目 %d: %s"}
	mLogCounted  = message{"%s: %d events; the log ends with %s", "%s: 記録 %d 件、末尾のハッシュ %s"}

	mLogValid     = message{"nothing was changed, who signed is trusted, and the events fit together", "変更はなく、署名者は信頼でき、つじつまも合っています"}
	mLogPartial   = message{"nothing was changed, but the record has gaps", "変更はありませんが、記録に空白があります"}
	mLogInvalid   = message{"this log was changed, or is damaged", "この保管記録は変更されたか、破損しています"}
	mLogUntrusted = message{"nothing was changed, but somebody who signed is not trusted", "変更はありませんが、信頼できない署名者がいます"}
	mLogNothing   = message{"there is nothing in it", "記録がありません"}

	mCopyLongest = message{"%s: the longest, %d events, ends with %s", "%s: 最も長い写し、記録 %d 件、末尾のハッシュ %s"}
	mCopySame    = message{"%s: identical", "%s: 同一"}
	mCopyShorter = message{"%s: ENDS EARLY with event %d: it lacks the newest %d", "%s: 記録 %d で終わり、新しい %d 件が欠けています"}
	mCopyOther   = message{"%s: ANOTHER COLLECTION, %s", "%s: 別の収集の記録です（%s）"}
	mCopyDamaged = message{"%s: DAMAGED: %s", "%s: 破損: %s"}
	mCopyFork    = message{"%s: A FORK: from line %d on it is another log, as well signed", "%s: 分岐: %d 行目から、同じく署名された別の記録です"}
	mCopyHere    = message{"here:   %s", "この写し: %s"}
	mCopyThere   = message{"longest: %s", "最長の写し: %s"}
	mCopyNobody  = message{"nothing that verifies", "検証できる記録なし"}
	mCopyEvent   = message{"event %d, %s by %s at %s", "記録 %d %s、%s、%s"}

	mSaidCounterpart = message{"with", "相手"}
	mSaidPlace       = message{"place", "場所"}
	mSaidReason      = message{"reason", "理由"}
	mSaidThing       = message{"thing", "対象物"}
	mSaidSealNo      = message{"seal no.", "封印番号"}
	mSaidRef         = message{"refers to", "対応する記録"}
	mSaidChanges     = message{"changes", "変更"}
	mSaidVerdict     = message{"verdict", "判定"}
	mSaidObject      = message{"file", "ファイル"}
	mSaidClock       = message{"other clock", "他の時計"}
	mSaidAttach      = message{"attached", "添付"}

	mEventStarted       = message{"started", "開始 started"}
	mEventCheckpoint    = message{"checkpoint", "区切り署名 checkpoint"}
	mEventSealed        = message{"sealed", "封印 sealed"}
	mEventRecovered     = message{"recovered", "復旧 recovered"}
	mEventRekey         = message{"rekey", "鍵の更新 rekey"}
	mEventReceipt       = message{"receipt", "受領証 receipt"}
	mEventCountersigned = message{"countersigned", "連署 countersigned"}
	mEventTimestamped   = message{"timestamped", "タイムスタンプ timestamped"}
	mEventReleased      = message{"released", "引渡し released"}
	mEventReceived      = message{"received", "受領 received"}
	mEventDiscovered    = message{"discovered", "発見 discovered"}
	mEventReported      = message{"reported", "報告 reported"}
	mEventStored        = message{"stored", "保管 stored"}
	mEventCheckedOut    = message{"checked_out", "持出し checked_out"}
	mEventCheckedIn     = message{"checked_in", "返納 checked_in"}
	mEventOpened        = message{"opened", "閲覧 opened"}
	mEventVerified      = message{"verified", "検証 verified"}
	mEventCopied        = message{"copied", "複製 copied"}
	mEventExported      = message{"exported", "取り出し exported"}
	mEventReencrypted   = message{"reencrypted", "再暗号化 reencrypted"}
	mEventRenewed       = message{"renewed", "更新 renewed"}
	mEventIsolated      = message{"isolated", "隔離 isolated"}
	mEventRejoined      = message{"rejoined", "隔離解除 rejoined"}
	mEventCorrected     = message{"corrected", "訂正 corrected"}
	mEventDisputed      = message{"disputed", "異議 disputed"}
	mEventDestroyed     = message{"destroyed", "廃棄 destroyed"}
	mEventDescribed     = message{"described", "記入 described"}
	mEventAttached      = message{"attached", "長文の断片 attached"}
)
