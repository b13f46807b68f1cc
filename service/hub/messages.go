package main

import (
	"fmt"
	"strings"
)

// message is one of the things that are said to people: English, Japanese. Both have the
// same arguments in the same order.
type message [2]string

type language int

func (l language) text(m message, args ...any) string {
	if len(args) == 0 {
		return m[l]
	}
	return fmt.Sprintf(m[l], args...)
}

// languageOf takes what locale(7) says: the first of LC_ALL, LC_MESSAGES, LANG that is set.
func languageOf(env func(string) string) language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := env(name); v != "" {
			if v == "ja" || strings.HasPrefix(v, "ja_") || strings.HasPrefix(v, "ja.") {
				return 1
			}
			return 0
		}
	}
	return 0
}

var (
	mHelpShort    = message{"say what a command does", "コマンドの説明を表示する"}
	mVersionShort = message{"print the version of this program", "このプログラムの版を表示する"}
	mShellShort   = message{"print a script that completes commands in a shell", "シェルで命令を補完するためのスクリプトを出力する"}

	mError     = message{"error: %s", "エラー: %s"}
	mShort     = message{"The hub: endpoints connect to it, jobs pass through it, archives arrive at it", "集約サーバ: 端末が接続し、指示を中継し、証拠アーカイブを受け取ります"}
	mReady     = message{"The hub %s is ready.", "集約サーバ %s の準備ができました。"}
	mEndpoints = message{"  endpoints connect to   %s", "  端末の接続先           %s"}
	mConsole   = message{"  console                %s", "  コンソール             %s"}
	mKey       = message{"  key of its receipts    %s", "  受領証の署名鍵         %s"}
	mFiles     = message{"  keys and data          %s", "  鍵とデータ             %s"}
	mArchives  = message{"  archives are kept in   %s", "  アーカイブの保管先     %s"}
	mCA        = message{"  browsers trust it by   %s", "  ブラウザー用の CA 証明書 %s"}
	mAdmin     = message{"  first user of the console: %s, password: %s   (shown once; `hub user passwd %[1]s` changes it)",
		"  コンソールの最初の利用者: %s、パスワード: %s   （一度だけ表示します。`hub user passwd %[1]s` で変更できます）"}
	mToken   = message{"To enrol an endpoint, in another window:  hub token --role endpoint%s", "端末を登録するには、別の画面で:  hub token --role endpoint%s"}
	mStopped = message{"The hub has stopped. What had arrived is stored.", "集約サーバを停止しました。届いた分は保存されています。"}

	mFlagDir       = message{"directory of keys and data", "鍵とデータのディレクトリー"}
	mFlagListen    = message{"address where endpoints connect (embedded NATS)", "端末を待ち受けるアドレス（内蔵 NATS）"}
	mFlagAdvertise = message{"IP:PORT that endpoints are told to connect to; may be given several times (default: the addresses of this machine)", "端末に知らせる接続先 IP:PORT。複数指定可（省略時はこのマシンのアドレス）"}
	mFlagHTTP      = message{"address of the console, /healthz and /metrics; \"\" for none", "コンソール・/healthz・/metrics のアドレス。\"\" なら無し"}
	mFlagPlain     = message{"without TLS; on a loopback address only", "TLS を使わない（ループバックのアドレスのみ）"}
	mFlagNATS      = message{"URLs of an existing NATS cluster, in place of the embedded server", "内蔵サーバの代わりに使う既存の NATS クラスターの URL"}
	mFlagCreds     = message{"credentials file for that cluster (default: the hub's own nkey)", "そのクラスターの認証情報ファイル（省略時は集約サーバ自身の nkey）"}
	mFlagNATSCA    = message{"certificate of the authority of that cluster, PEM", "そのクラスターの認証局の証明書（PEM）"}
	mFlagStore     = message{"where archives are kept: a directory, s3://…, sftp://… (default: JetStream's object store)", "アーカイブの保管先: ディレクトリー、s3://…、sftp://…（省略時は JetStream のオブジェクトストア）"}
	mFlagStoreCred = message{"credentials file for that place, YAML, mode 0600", "保管先の認証情報ファイル（YAML、0600）"}
	mFlagStorePin  = message{"what that place is recognised by: fingerprint of its host key or certificate", "保管先を見分けるホスト鍵または証明書のフィンガープリント"}
	mFlagResolve   = message{"NAME=ADDRESS of that place: no name server is asked", "保管先の NAME=ADDRESS（ネームサーバには問い合わせません）"}
	mFlagName      = message{"name of this hub, in receipts", "受領証に書く集約サーバの名前"}
	mFlagTrust     = message{"allowed_signers of operators: co-signatures in archives are judged by it", "作業者の allowed_signers。アーカイブ内の連署の判定に使います"}
	mFlagReserve   = message{"bytes of the disk that stay free", "空けておくディスクの容量（バイト）"}
	mFlagTransit   = message{"bytes that one endpoint may have here without a receipt", "受領証の無いまま一台の端末が置ける容量（バイト）"}
	mFlagShare     = message{"share of the disk that one endpoint may fill, 0 to 1", "一台の端末が使えるディスクの割合（0 から 1）"}
	mFlagRate      = message{"messages a second that one endpoint may send", "一台の端末が毎秒送れるメッセージ数"}
	mFlagVerbose   = message{"log everything", "すべてログに書く"}

	mTokenShort   = message{"Make a one-time token for an endpoint or an operator", "端末または作業者のための、一度だけ使える登録券を作る"}
	mFlagRole     = message{"endpoint or operator", "endpoint または operator"}
	mFlagFor      = message{"how long the token waits", "登録券の有効期間"}
	mFlagDevice   = message{"only this device; it may be enrolled already, and gets a new key", "この端末だけ。登録済みなら鍵を新しくします"}
	mFlagToName   = message{"name of the operator, for people", "作業者の名前（表示用）"}
	mRevokeShort  = message{"End the enrolment of a device or of an operator's connection; only a new token lets it in again", "端末または作業者の登録を取り消す（再登録には新しい登録券が要ります）"}
	mRevoked      = message{"%s is enrolled no longer", "%s の登録を取り消しました"}
	mUserShort    = message{"Users of the console", "コンソールの利用者"}
	mUserAddShort = message{"Add a user; the password is made and shown", "利用者を追加する（パスワードを作って表示します）"}
	mUserSetShort = message{"Change a password, which is read from the terminal or standard input", "パスワードを変更する（端末または標準入力から読みます）"}
	mUserDelShort = message{"Remove a user", "利用者を削除する"}
	mUserLsShort  = message{"List users", "利用者の一覧"}
	mFlagUserRole = message{"viewer, operator, auditor or admin", "viewer、operator、auditor、admin のいずれか"}
	mPassword     = message{"password of %s: %s", "%s のパスワード: %s"}
	mNewPassword  = message{"new password: ", "新しいパスワード: "}
	mConfigShort  = message{"Print what an existing NATS cluster must be told", "既存の NATS クラスターに要る設定を表示する"}
	mListShort    = message{"List the endpoints", "端末の一覧"}
	mFlagJSON     = message{"as JSON", "JSON で出力"}
	mNoEndpoints  = message{"no endpoint is enrolled", "登録された端末はありません"}
	mHeader       = message{"DEVICE\tONLINE\tLAST SEEN\tVERSION\tOUTBOX\tISOLATED", "端末\t接続中\t最終確認\t版\t未送信\t隔離"}
	mYes          = message{"yes", "はい"}
	mNo           = message{"no", "いいえ"}
)
