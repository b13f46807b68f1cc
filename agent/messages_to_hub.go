package main

// What is said of the hub as a destination of a collection.
var (
	mFlagToConfig = message{"configuration `FILE` of the service, for --to hub", "--to hub のための、サービスの設定ファイル `FILE`"}
	mHintToHub    = message{"the hub is known where the service is installed and enrolled: `hozen service status`", "集約サーバは、サービスを導入して登録した端末でだけ使えます: `hozen service status`"}
	mAskReceipt   = message{"the hub verifies the archive …", "集約サーバがアーカイブを検証しています…"}
	mSumReceipt   = message{"The hub has it, and says: %s", "集約サーバに届きました。判定: %s"}
)
