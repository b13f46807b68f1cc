package main

// What `hozen isolate` says.
var (
	mShortIsolate = message{"cut this machine from every network but the hub, and give it back", "この端末を集約サーバ以外のすべてのネットワークから切り離し、元に戻します"}
	mLongIsolate  = message{`isolate drops every packet in and out of this machine, IPv4 and IPv6, on every
interface, and on connections that are open already. Kept are loopback, the hub's
addresses and ports (TCP), ARP and IPv6 neighbour discovery. Rules of others stay as
they are. The kernel itself releases the machine when the time is over; a reboot does not.

Not stopped: what arrives can still be read by packet sockets; XDP and BPF programs;
AF_XDP; flows in the hardware of a network card; devices inside other network namespaces;
vsock, Bluetooth and RDMA; whoever is root can undo it. What of these is here is printed.
DHCP is cut, too: an address that it gave cannot be renewed, nor had again after a
restart; without it the hub does not reach this machine (see the warnings).

Exit codes: 0 done (status: kernel and file agree) · 1 not done · 2 usage · 3 done, but not
recorded · 9 status: kernel and file do not agree`,
		`この端末が送受信するすべてのパケットを破棄します。IPv4 と IPv6、全インターフェース、
すでに開いている接続も対象です。残すのは、ループバック、集約サーバのアドレスと
ポート (TCP)、ARP、IPv6 近隣探索だけです。ほかの規則はそのまま残します。時間が来ると
カーネル自身が解除します。再起動では解除されません。

止められないもの: パケットソケットによる受信の読み取り、XDP と BPF のプログラム、
AF_XDP、ネットワークカード内部で処理される通信、別のネットワーク名前空間にある装置、
vsock、Bluetooth、RDMA。root は解除できます。この端末にあるものは表示します。
DHCP も止まるため、割り当てられたアドレスは更新できず、再起動後も得られません。
その場合、集約サーバはこの端末に届きません（警告を見てください）。

終了コード: 0 完了（status: カーネルとファイルが一致）· 1 未完了 · 2 使い方の誤り ·
3 完了したが記録できない · 9 status: カーネルとファイルが一致しない`}
	mShortIsolateOn      = message{"cut the network", "ネットワークを切り離す"}
	mShortIsolateOff     = message{"release this machine, and ask the kernel whether it is so", "切り離しを解除し、カーネルに確認する"}
	mShortIsolateStatus  = message{"say what the kernel and the file of state say", "カーネルと状態ファイルの内容を示す"}
	mShortIsolateRestore = message{"isolate again after a reboot (the boot unit runs this)", "再起動後に再び切り離す（起動時に実行される）"}
	mFlagIsolateHub      = message{"`ADDR:PORT` that stays reachable; no names (may be repeated; default: the hub of the configuration or the enrolment)", "残す接続先 `ADDR:PORT`。名前は不可（繰り返し可。既定: 設定または登録した集約サーバ）"}
	mFlagNoHub           = message{"cut the hub, too", "集約サーバからも切り離す"}
	mFlagIsolateFor      = message{"release after this time (`DURATION`) even if nobody does, at most 720h", "だれも解除しなくても、この時間 `DURATION` の後に解除する（最長 720h）"}
	mFlagIsolateReason   = message{"why (`TEXT`)", "理由 `TEXT`"}
	mFlagIsolateCase     = message{"case (`NUMBER`)", "案件 `NUMBER`"}
	mFlagIsolateOperator = message{"who does it (`NAME`)", "作業者 `NAME`"}
	mFlagIsolateLog      = message{"write the change into this custody log (`FILE`), too", "変更をこの保管記録 `FILE` にも書く"}
	mFlagIsolateKey      = message{"device key (`FILE`) that signs in the custody log", "保管記録に署名する端末の鍵 `FILE`"}
	mFlagIsolateConfig   = message{"configuration (`FILE`) of the service", "サービスの設定ファイル `FILE`"}
	mFlagIsolateState    = message{"`DIR` of the service's state (default: the configuration's)", "サービスの状態フォルダー `DIR`（既定: 設定の値）"}
	mHintNoHub           = message{"--hub ADDR:PORT names it; --no-hub cuts it, too: then only root on this machine or the time releases it", "--hub ADDR:PORT で指定します。--no-hub は集約サーバからも切り離し、この端末の root か時間切れだけが解除できます"}
	mHintIsolate         = message{"nothing was changed. Isolation needs root, and a Linux kernel with nftables", "何も変更していません。切り離しには root と、nftables のある Linux が必要です"}
	mHintNotReleased     = message{"as root: %s", "root で実行: %s"}
	mIsolated            = message{"ISOLATED until %s (the kernel was asked)", "%s まで隔離します（カーネルで確認済み）"}
	mKeptHub             = message{"kept: %s (TCP)", "残した接続先: %s (TCP)"}
	mKeptNoHub           = message{"kept: nothing but loopback", "ループバック以外は何も残していません"}
	mWayOut              = message{"way out: hozen isolate off; or, without this program: %s", "解除: hozen isolate off、または本プログラムなしで: %s"}
	mReleased            = message{"RELEASED (the kernel was asked: no rule of ours is left)", "隔離を解除しました（カーネルで確認済み: 本プログラムの規則は残っていません）"}
	mNothingIsolated     = message{"nothing to do: the kernel has no rule of ours that should not be there", "変更はありません: カーネルに不要な規則はありません"}
	mOthersChanged       = message{"changed by somebody else meanwhile: %s", "その間に別のものが変更: %s"}
	mNotReached          = message{"not stopped: %s", "止められないもの: %s"}
	mRival               = message{"the sublayer %s of another program has the highest weight, as ours has: Windows does not say which decides first, and what it permits may pass", "別のプログラムのサブレイヤー %s の重みが、本プログラムと同じ最大値です。どちらが先に判定するかは Windows が定めておらず、許可された通信が通るおそれがあります"}
	mIsOpen              = message{"open", "隔離なし"}
	mIsCut               = message{"isolated", "隔離中"}
	mIsExpired           = message{"expired", "隔離の期限切れ"}
	mIsAltered           = message{"altered", "隔離の規則が変更された状態"}
	mIsUnknown           = message{"unknown", "不明"}
	mIsReleased          = message{"released", "解除の途中"}
	mStatusKernel        = message{"kernel: %s", "カーネル: %s"}
	mStatusFile          = message{"file:   %s", "ファイル: %s"}
	mStatusLeft          = message{"the kernel releases it in %s", "カーネルによる解除まで %s"}
	mStatusKept          = message{"kept: %s", "残した接続先: %s"}
	mStatusWhy           = message{"case: %s; reason: %s; operator: %s", "案件: %s、理由: %s、作業者: %s"}
	mStatusDisagree      = message{"DISAGREE: %s", "不一致: %s"}
)
