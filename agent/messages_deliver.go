package main

// What `hozen deliver` and `hozen collect --to` say.
var (
	mShortDeliver = message{"bring archives to where they are kept, from where it stopped", "アーカイブを保管先へ送ります（中断したところから再開）"}
	mLongDeliver  = message{`deliver sends an archive and the custody log beside it, or all of a folder. What was
interrupted goes on at the last part that the other side acknowledged, and what is
there is compared first. Nothing is written over, and nothing is deleted here.
It also completes what hozen collect --to left here when the link was lost (FILE.rest).

Destinations:
  /media/usb                         a folder
  sftp://user@192.0.2.7/inbox        the host key is pinned by --to-pin SHA256:…
  https://192.0.2.7/inbox/           numbered parts, by PUT
  https://192.0.2.7/inbox/one        a single PUT
  s3://192.0.2.7:9000/bucket/prefix  over TLS
No name server is asked: a name needs --resolve NAME=ADDRESS.

The credentials file (mode 600) has lines such as  key_file: /root/key  (sftp; or agent: true),
bearer: …  or  user: …  and  password: …  or  put_archive: …  and  put_log: …  (https),
access_key: …  and  secret_key: …  (s3).

Exit codes: 0 all of it is there · 1 not all · 2 usage`,
		`アーカイブとその保管記録、またはフォルダー内のすべてを送ります。中断した送信は、相手が
受領を確認したところから再開し、その前に既存の内容を照合します。上書きはせず、手元の
ファイルも削除しません。hozen collect --to の途中で接続が切れて手元に残った分
（FILE.rest）の送信も完了させます。

送り先:
  /media/usb                         フォルダー
  sftp://user@192.0.2.7/inbox        ホスト鍵は --to-pin SHA256:… で固定
  https://192.0.2.7/inbox/           番号付きの分割ファイルを PUT
  https://192.0.2.7/inbox/one        一回の PUT
  s3://192.0.2.7:9000/bucket/prefix  TLS 接続
名前解決はしません。名前には --resolve NAME=ADDRESS が必要です。

認証情報ファイル（モード 600）の例:  key_file: /root/key（sftp。agent: true も可）、
bearer: … または user: … と password: … または put_archive: … と put_log: …（https）、
access_key: … と secret_key: …（s3）

終了コード: 0 すべて送信済み · 1 未完了あり · 2 使い方の誤り`}
	mFlagDest          = message{"where to (`DEST`): a folder, sftp://, https://, s3://", "送り先 `DEST`: フォルダー、sftp://、https://、s3://"}
	mFlagCollectTo     = message{"write to `DEST` while collecting, and nothing here; with --out, what cannot be sent goes there", "収集しながら `DEST` へ送り、この端末には書かない。--out も指定すると、送れない分はそこへ書く"}
	mFlagToCredentials = message{"`FILE` (mode 600) with keys and passwords of the destination", "送り先の鍵やパスワードを書いた `FILE`（モード 600）"}
	mFlagToPin         = message{"`PIN` of the destination: SHA256:… of the SSH host key, or SHA-256 (hex) of a certificate", "送り先を固定する `PIN`: SSH ホスト鍵の SHA256:… または証明書の SHA-256（16 進）"}
	mFlagToCA          = message{"certificates (PEM `FILE`) that are believed, in place of the system's", "システムの代わりに信頼する証明書の `FILE`（PEM）"}
	mFlagToRetry       = message{"how long a lost link is tried again (`DURATION`, 45s without this)", "切れた接続を再試行する時間 `DURATION`（既定は 45s）"}
	mFlagResolve       = message{"address of a name (`NAME=ADDRESS`): no name server is asked (may be repeated)", "名前のアドレス `NAME=ADDRESS`。名前解決はしない（繰り返し可）"}
	mFlagLimitRate     = message{"send at most `SIZE` a second, such as 2MiB", "一秒に送る最大量 `SIZE`（例: 2MiB）"}
	mFlagReadBack      = message{"read all of it again at the destination (folders and SFTP: always)", "送り先で全体を読み直して確認する（フォルダーと SFTP では常に行う）"}
	mFlagJSONDeliver   = message{"one line of JSON for each file", "ファイルごとに一行の JSON を出力"}

	mHintTo          = message{"want a folder, sftp://USER@ADDRESS/FOLDER, https://ADDRESS/FOLDER/, s3://ADDRESS/BUCKET or hub; `hozen deliver --help` says more", "フォルダー、sftp://USER@ADDRESS/FOLDER、https://ADDRESS/FOLDER/、s3://ADDRESS/BUCKET、hub のいずれかを指定してください（詳しくは `hozen deliver --help`）"}
	mHintCredentials = message{"a YAML file that only its owner can read; `hozen deliver --help` lists its lines", "所有者だけが読める YAML ファイルです。書ける行は `hozen deliver --help` にあります"}
	mHintTry         = message{"nothing was taken. With --out DIR as well, the archive stays there until it can be delivered", "何も収集していません。--out DIR も指定すると、送れるようになるまでアーカイブをそこに保存します"}
	mHintAuthority   = message{"if it is the right server: --to-ca FILE names its authority, --to-pin SHA-256 one of its certificates", "正しいサーバなら、--to-ca FILE で認証局を、--to-pin SHA-256 で証明書を指定してください"}
	mHintOnlyAgain   = message{"run the same command again: it goes on where it stopped", "同じ命令をもう一度実行すると、止まったところから再開します"}
	mHintRecoverIt   = message{"it was never sealed: `hozen recover %s` first", "封印されていません。先に `hozen recover %s` を実行してください"}

	mHintPartialThere = message{"what was acknowledged up to checkpoint %d is at %s, and not ended there: %s.part, numbered parts, or a multipart upload.", "区切り署名 %d までの分は %s に届いていますが、完結していません（%s.part、番号付きの分割、またはマルチパート）。"}
	mHintPartialRest  = message{" %s has what follows from byte %s on, in %s.", " %s にはバイト %s 以降が残っています（%s 内）。"}

	mWarnTo         = message{"%s cannot be had (%s): the archive is written to %s, and is to be delivered later.", "%s へ送れません（%s）。アーカイブは %s に書き込みます。後で送ってください。"}
	mLinkLost       = message{"The link to %s is lost (%s): trying again …", "%s との接続が切れました（%s）。再試行しています…"}
	mLinkBack       = message{"The link to %s is back: nothing is missing.", "%s との接続が回復しました。欠けた部分はありません。"}
	mLinkGivenUp    = message{"%s is given up (%s): what follows is written to %s.", "%s への送信を断念しました（%s）。以降は %s に書き込みます。"}
	mLinkGivenUpAll = message{"%s is given up (%s), and there is no --out: the collection ends with what is there.", "%s への送信を断念しました（%s）。--out の指定がないため、収集はここで終わります。"}

	mSumReadBack     = message{"Delivered: %s to %s. All of it was read there again: it has the SHA-256 of what was sealed here.", "送信済み: %s → %s。送り先で全体を読み直し、ここで封印した SHA-256 と一致することを確認しました。"}
	mSumAcknowledged = message{"Delivered: %s to %s, which acknowledged every byte. It was not read there again (--read-back).", "送信済み: %s → %s。全バイトの受領は確認されましたが、送り先での読み直しはしていません（--read-back で行えます）。"}
	mSumRest         = message{"NOT WHOLE: %s up to byte %s is at %s, the rest in %s. Complete it:\n  %s", "未完了: %s はバイト %s までが %s に、残りが %s にあります。次の命令で完了できます:\n  %s"}
	mSumNextThere    = message{"SEALED is no verdict: nobody has verified the archive where it is. Whoever has that paper does it there, with both files:\n  %s", "SEALED は検証結果ではありません。保管先のアーカイブはまだだれも検証していません。その紙を持つ人が、保管先で二つのファイルをそろえて確かめてください:\n  %s"}
	mSumLater        = message{"Not delivered to %s yet:\n  %s", "まだ %s へ送っていません:\n  %s"}

	mDelivered    = message{"delivered  %s  %s (%s), SHA-256 %s", "送信済み  %s  %s（%s）、SHA-256 %s"}
	mReadBackWord = message{"read back there", "送り先で読み直し済み"}
	mAckedWord    = message{"acknowledged", "受領確認済み"}
	mSending      = message{"%s  %s of %s", "%s  %s / %s"}
	mNotYet       = message{"%s: %s; trying again …", "%s: %s。再試行しています…"}
)
