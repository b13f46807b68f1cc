package main

// What `hozen job` says of the hub: enrol, send, status, cancel, endpoints.
var (
	mShortJobEnrol = message{"be known to a hub as an operator", "作業者として集約サーバに登録します"}
	mLongJobEnrol  = message{`job enrol uses a token that the hub's administrator made. It lets this account
send jobs and ask for their status; jobs are still worth only what their
signatures are worth. @FILE is a file that holds the token, - the standard input;
the token itself may be written, too, and can then be seen in the list of processes.`,
		`集約サーバの管理者が作成した登録券を使います。このアカウントから指示の送信と
状況の確認ができるようになります。指示の効力は署名によってのみ決まります。
@FILE は登録券を書いたファイル、- は標準入力です。登録券そのものも書けますが、
プロセス一覧で他人に見えます。`}
	mShortJobSend = message{"send a signed job to the hub", "署名済みの指示を集約サーバに送ります"}
	mLongJobSend  = message{`job send hands a signed job to the hub, which passes it on to the devices that it
is for. Sent twice, it is still done once.`,
		`署名済みの指示を集約サーバに渡し、対象の端末に配ります。二度送っても実行は
一度だけです。`}
	mShortJobStatus = message{"what became of a job", "指示の状況を表示します"}
	mLongJobStatus  = message{`job status prints a line for each device: how far the job got, why not if it was
refused, whether the machine may be switched off (volatile_safe), and the verdict
of the receipt. All this is as the hub says; the signed archive and the receipt,
checked with verify, are the proof. Exit code 3: it has ended, and not well on all devices.`,
		`端末ごとに一行で、進み具合、拒否の理由、電源を切ってよいか（volatile_safe）、
受領証の判定を表示します。いずれも集約サーバの報告です。証明になるのは verify で確かめた
署名済みのアーカイブと受領証です。終了コード 3: 終了したが、すべての端末で成功したわけでは
ありません。`}
	mShortJobCancel = message{"stop a job that was sent", "送った指示を取り消します"}
	mLongJobCancel  = message{`job cancel makes, signs and sends a job that stops another one on all the devices
that it went to. What was taken until then is sealed and delivered.`,
		`別の指示を止める指示を作成・署名し、元の指示の対象端末すべてに送ります。それまでに
収集したものは封印して送られます。`}
	mShortJobEndpoints = message{"list the devices that the hub knows", "集約サーバに登録された端末の一覧"}

	mFlagJobState = message{"`DIR` of the enrolment at the hub (default: hub beside the trust file in the home directory)", "集約サーバへの登録を置く `DIR`（既定: ホームの信頼ファイルと同じ場所の hub）"}
	mFlagJobWatch = message{"print each change until the job has ended on all devices", "すべての端末で終わるまで、変化のたびに表示する"}

	mFlagReplace  = message{"replace an enrolment that is there: it is set aside once the hub has taken the new one", "既にある登録を置き換える（新しい登録が受け付けられてから、古い登録を退避する）"}
	mHintReplace  = message{"with a new token, `%s` replaces it, and sets it aside only when the hub has taken the new one", "新しい登録券で `%s` を実行すると置き換えます。古い登録は、新しい登録が受け付けられてから退避します"}
	mHintJobEnrol = message{"`hozen job enrol @FILE` does it; `hub token` makes the token", "`hozen job enrol @FILE` で登録します。登録券は集約サーバの管理者が作成します"}
	mHintJobToken = message{"a token is for one use and a limited time: ask the hub's administrator for another", "登録券は一度だけ、期限内に使えます。集約サーバの管理者に再発行を依頼してください"}
	mHintJobHub   = message{"is the hub running, and reachable from here?", "集約サーバは動いていますか。ここから接続できますか"}
	mHintJobEarly = message{"`hozen job send %s` after that time; sent before, the devices refuse it", "その時刻を過ぎてから `hozen job send %s` で送ってください。それより前は端末が拒否します"}
	mHintJobSign  = message{"`hozen job sign %s` adds a signature", "`hozen job sign %s` で署名を加えます"}

	mJobEnrolled   = message{"Known to the hub %s (%s). Kept in %s.", "集約サーバ %s（%s）に登録しました。保存先: %s"}
	mJobSent       = message{"Job %s is on its way to %d devices: %s", "指示 %s を %d 台に送りました: %s"}
	mJobHubSays    = message{"As the hub says:", "集約サーバの報告:"}
	mJobReceipt    = message{"receipt: %s", "受領証: %s"}
	mJobSafe       = message{"its volatile state is safe: it may be switched off", "揮発性の情報は保全済みです。電源を切ってもかまいません"}
	mJobIncomplete = message{"its volatile state was taken, but not all of it: look at the list in its archive before it is switched off", "揮発性の情報の一部が取れていません。電源を切る前に、アーカイブの一覧を確認してください"}
	mJobLocks      = message{"its volatile state is safe; a disk of it locks when the power goes", "揮発性の情報は保全済みですが、電源を切るとディスクがロックされます"}
	mJobInMemory   = message{"do not switch it off: its output lies in memory", "電源を切らないでください。出力先がメモリー上にあります"}
	mJobOnline     = message{"online", "接続中"}
)
