package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// What the help says on Windows in the place of what speaks of Linux.
var (
	mFlagDumpOnWindows        = message{"take the whole memory of process `PID` as a minidump that WinDbg opens (may be repeated)", "プロセス `PID` のメモリー全体を、WinDbg で開けるミニダンプとして取る（繰り返し可）"}
	mFlagFreezeOnWindows      = message{"stop the processes of --dump while they are read, for three minutes at most", "--dump のプロセスを、読み取る間だけ停止する（最長 3 分）"}
	mFlagCredentialsOnWindows = message{"`FILE` with keys and passwords of the destination: only you, SYSTEM and Administrators may read it", "送り先の鍵やパスワードを書いた `FILE`（読めるのは本人、SYSTEM、Administrators だけにする）"}
	mFlagNetworkOnWindows     = message{"go through network drives, too: they may hang", "ネットワーク ドライブも辿る（応答しないことがある）"}
	mFlagTrustOnWindows       = message{"`FILE` of allowed signers (default: %APPDATA%\\hozen\\allowed_signers, if there)", "信頼する署名者の `FILE`（既定: %APPDATA%\\hozen\\allowed_signers があればそれ）"}
	mFlagTrustFileOnWindows   = message{"allowed signers `FILE` to append to (default: %APPDATA%\\hozen\\allowed_signers)", "追記する署名者の `FILE`（既定: %APPDATA%\\hozen\\allowed_signers）"}
	mThisMachine              = message{"this PC, all drives", "この PC の全ドライブ"}
	mHintNoHubOnWindows       = message{"--hub ADDR:PORT names it; --no-hub cuts it, too: then only an administrator of this PC or the time releases it", "--hub ADDR:PORT で指定します。--no-hub は集約サーバからも切り離し、この PC の管理者か時間切れだけが解除できます"}
	mHintQuotes               = message{"a backslash before a quotation mark makes the mark part of the name: leave the last backslash out (\"E:\\My Folder\")", "引用符の直前に \\ があると、引用符も名前の一部になります。最後の \\ を付けずに指定してください（\"E:\\My Folder\"）"}
)

func helpOnWindows() [][2]message {
	return [][2]message{
		{mFlagDump, mFlagDumpOnWindows}, {mFlagFreeze, mFlagFreezeOnWindows},
		{mFlagToCredentials, mFlagCredentialsOnWindows}, {mFlagNetworkMounts, mFlagNetworkOnWindows},
		{mFlagTrust, mFlagTrustOnWindows}, {mFlagTrustFile, mFlagTrustFileOnWindows}, {mHintNoHub, mHintNoHubOnWindows},
	}
}

// docsJapaneseOnWindows is docsJapanese of the collectors that take other things on
// Windows than on Linux.
func docsJapaneseOnWindows(name string) (string, bool) {
	doc, ok := map[string]string{
		"sockets":    "すべての TCP と UDP のソケット、それを作ったプロセスとサービス、名前付きパイプ",
		"network":    "インターフェース、経路、近隣の端末、DNS キャッシュ、ファイアウォール、SMB、名前解決の設定",
		"processes":  "プロセスとその実行イメージ、スレッド、モジュール、メモリーの配置、ハンドル、読み込まれたドライバー",
		"kernel":     "ディスク、ボリュームとその暗号化、セキュア ブート、コードの整合性、ハイパーバイザー、起動とセキュリティの設定",
		"sessions":   "画面と遠隔のログオン、各ログオン セッション、最後にログオンした利用者",
		"containers": "Windows のコンテナー",
		"contents":   "ファイルのない実行イメージ、疑わしいメモリー、指定プロセスの全体",
		"temporary":  "メモリー上のファイルシステム",
	}[name]
	return doc, ok
}

// examplesOnWindows gives the examples of c and of what is below it Windows' words.
func examplesOnWindows(c *cobra.Command) {
	words := strings.NewReplacer("sudo hozen", "hozen", "/media/usb", `E:\`, " | jq .", "", "/root/key", `C:\keys\key`,
		" (mode 600)", "", "（モード 600）", "", "run this as root", "run this as administrator", "root で", "管理者として",
		" (the boot unit runs this)", "")
	c.Example, c.Long, c.Short = words.Replace(c.Example), words.Replace(c.Long), words.Replace(c.Short)
	for _, sub := range c.Commands() {
		examplesOnWindows(sub)
	}
}

// checkQuotes takes the quotation mark from the end of a folder that was written as
// "E:\My Folder\", and refuses one that has swallowed what followed.
func (a *app) checkQuotes(dir *string) error {
	if a.system != "windows" {
		return nil
	}
	*dir = strings.TrimSuffix(*dir, `"`)
	if strings.Contains(*dir, `"`) {
		return usage(fmt.Errorf("--out %s: a name on Windows has no quotation mark", *dir), a.text(mHintQuotes))
	}
	return nil
}
