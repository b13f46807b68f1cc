package main

// What `hozen export` says.
var (
	mShortExport = message{"write what is authentic in the forms of other tools", "真正な内容をほかのツールの形式で書き出します"}
	mLongExport  = message{`export verifies the archive wholly, and then writes what is authentic in it:

  timesketch  JSON Lines for Timesketch: files, processes, sockets, logins and what else
              has a time, and the events of the custody log
  bodyfile    The Sleuth Kit's body file: the timeline of files, for mactime
  case        CASE/UCO 1.4 as JSON-LD: the custody record, and each item with its hash

With -o the file has its name only when it is whole; nothing is overwritten. Text of the
host that could break a line, a field or a terminal is written as \xHH. Two exports of the
same archive and log are the same bytes. The exit code is that of verify.`,
		`export はアーカイブ全体を検証し、そのあとで真正な内容を書き出します。

  timesketch  Timesketch 用の JSON Lines: ファイル、プロセス、ソケット、ログインなど時刻の
              あるもの、および保管記録のイベント
  bodyfile    The Sleuth Kit の body file: ファイルのタイムライン（mactime 用）
  case        CASE/UCO 1.4 の JSON-LD: 保管記録と、各項目とそのハッシュ値

-o を指定すると、書き終えたときに初めてその名前になります。上書きはしません。行、欄、端末を
乱しうる対象端末の文字は \xHH と書きます。同じアーカイブと記録からは、いつも同じバイト列が
できます。終了コードは verify と同じです。`}
	mFlagExportFormat   = message{"timesketch, bodyfile or case", "timesketch、bodyfile、case のいずれか"}
	mFlagExportOut      = message{"`FILE` to write; else to stdout", "書き出す`ファイル`。なければ標準出力"}
	mFlagExportSalvage  = message{"of an archive that is INVALID, write the part that is authentic", "INVALID のアーカイブから、真正な部分だけを書き出します"}
	mHintSalvage        = message{"--salvage writes what stands before the first contradiction; each line or node says INVALID", "--salvage を付けると、最初の矛盾より前だけを書き出します。INVALID であることも書かれます"}
	mExportClosed       = message{"nothing is exported: it is encrypted and was not opened; nothing speaks against it", "暗号化されたまま開いていないため、書き出しません。改変の疑いではありません"}
	mHintExportIdentity = message{"an archive that is encrypted is opened with --identity FILE", "暗号化されたアーカイブは --identity ファイル で開きます"}
	mExportDone         = message{"%s: %s written, of %s items and %s rows (%s)", "%s: %s 件を書き出しました（%s 項目、%s 行から、%s）"}
	mExportLeft         = message{"left out: %s rows without a time, %s that are no rows", "除外: 時刻のない行 %s、行として読めないもの %s"}
	mExportEmpty        = message{"Nothing in this archive has a place in this form.", "このアーカイブには、この形式で書けるものがありません。"}
	mExportLost         = message{"Not in this form:", "この形式に含まれないもの:"}
	mExportSum          = message{"SHA-256 of what was written: %s", "書き出したものの SHA-256: %s"}
	mHintExported       = message{"note it in the custody log: hozen custody add exported %s --reason analysis --detail what=%s --attach %s --sign-with KEY --as KIND:NAME", "保管記録に残すには: hozen custody add exported %s --reason 解析 --detail what=%s --attach %s --sign-with 鍵 --as 種別:名前"}

	mLostTimesketch = message{`The signatures, the checkpoints and the proof: only the archive and its custody log have them.
Digits of time below a microsecond in datetime; the field row, on the first line of each row, has the row as it was.
Rows without a time, tables that have none, and the raw items that the tables were made from.
Times before the year 1 or after 9999.
The events of a custody log that contradicts the archive.`,
		`署名、区切り署名、証明: アーカイブと保管記録だけにあります。
datetime のマイクロ秒より細かい桁。各行の最初の出力の row 欄に、元の行がそのままあります。
時刻のない行、時刻のない表、表の元になった生データ。
西暦 1 年より前、9999 年より後の時刻。
アーカイブと矛盾する保管記録のイベント。`}
	mLostBodyfile = message{`The signatures, the checkpoints and the proof: only the archive and its custody log have them.
Everything but the timeline of files: no process, socket, session or event of custody.
Fractions of seconds, and times before 1970: 0 stands in their place.
MD5, which is always 0; sizes on disk, numbers of links, devices, attributes, and objects that could not be looked at.`,
		`署名、区切り署名、証明: アーカイブと保管記録だけにあります。
ファイルのタイムライン以外のすべて: プロセス、ソケット、セッション、保管のイベント。
1 秒未満の時刻、1970 年より前の時刻（0 と書きます）。
MD5（いつも 0）、ディスク上の大きさ、リンク数、デバイス、属性、調べられなかったもの。`}
	mLostCase = message{`The signatures, the checkpoints and the proof: only the archive and its custody log have them.
Contents: files are named by path, size and hash.
Items that were denied, skipped or failed have no node: the archive's records say why.
Of each item, which collector took it, and the mode, owner and times of the file that it was read from.
Which clock a time was told by, and how far off it may be, but as text in annotations; the clock since boot.
The custody log's chain of hashes (the order of events is kept), and the events of a log that contradicts the archive.`,
		`署名、区切り署名、証明: アーカイブと保管記録だけにあります。
内容: ファイルはパス、大きさ、ハッシュ値だけです。
拒否、除外、失敗した項目: 理由はアーカイブの記録にあります。
各項目を取得したコレクターと、読み取り元のファイルのモード、所有者、時刻。
時刻の時計とその誤差（注釈の文としてだけ残ります）、起動からの時計。
保管記録のハッシュの連鎖（イベントの順序は残ります）、アーカイブと矛盾する保管記録のイベント。`}
)
