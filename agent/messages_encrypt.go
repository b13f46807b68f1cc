package main

// Messages about archives that are encrypted.
var (
	mFlagEncryptTo     = message{"encrypt the archive to `WHO`: age1…, age1pq1…, ssh-ed25519 …, a FILE of them, or a name in the policy (may be repeated)", "アーカイブを `WHO` 宛に暗号化する: age1…、age1pq1…、ssh-ed25519 …、それらの一覧ファイル、または方針ファイル内の名前（繰り返し可）"}
	mFlagEncryptPolicy = message{"`FILE` (YAML) that says who may be a recipient, who must be, and how many at least", "受取人になれる者、必ず含める者、最少人数を定めた `FILE`（YAML）"}
	mFlagIdentity      = message{"`FILE` that opens an encrypted archive: an identity of age, or an SSH private key; a passphrase is asked for (may be repeated)", "暗号化されたアーカイブを開く `FILE`: age の identity または SSH の秘密鍵。パスフレーズは尋ねます（繰り返し可）"}
	mFlagWhole         = message{"read and verify the whole archive, also where one item could be proved alone", "一つの項目だけを証明できる場合も、アーカイブ全体を読んで検証する"}
	mFlagRecipientNew  = message{"make an identity of age instead, and print its recipient: what --encrypt-to takes", "端末の鍵の代わりに age の identity を作成し、受取人（--encrypt-to に渡す公開鍵）を表示する"}
	mFlagPostQuantum   = message{"make one that quantum computers do not break (age1pq1…)", "量子計算機でも解読できないもの（age1pq1…）を作成する"}
	mHintEncrypt       = message{"a recipient is public: age1…, age1pq1…, ssh-ed25519 …; `hozen key recipient FILE` makes one", "受取人は公開鍵です（age1…、age1pq1…、ssh-ed25519 …）。`hozen key recipient FILE` で作成できます"}
	mHintIdentity      = message{"it is encrypted: --identity FILE opens it", "暗号化されています。--identity FILE で開けます"}
	mAskIdentity       = message{"Passphrase of %s: ", "%s のパスフレーズ: "}
	mShortKeyRecipient = message{"make an identity to whose recipient archives are encrypted", "アーカイブの暗号化先となる identity を作成します"}
	mIdentityMade      = message{"identity  %s (keep it away from the machines that are collected from: it opens every archive encrypted to it)\nrecipient %s", "identity  %s（収集対象の端末には置かないでください。この宛先に暗号化されたアーカイブをすべて開けます）\n受取人    %s"}
	mRowEncrypted      = message{"encrypted", "暗号化"}
	mMeaningOuter      = message{"This proves that the stored bytes are those that a holder of the device key wrote, as far as the\ncustody log goes; what is in them was not seen. With --identity FILE the contents are verified, too.",
		"保管記録が及ぶ範囲で、保存されたバイトが端末の鍵の持ち主の書いたものであることを証明します。中身は\n見ていません。--identity FILE を付けると、中身も検証します。"}
	mOnlyItem = message{"proved: what was taken out of %s, by its hash in the manifest that the seal signs. The rest of the archive was not read: `hozen verify` reads it all", "証明済み: %s から取り出したもの（封印が署名した一覧のハッシュによる）。アーカイブの残りは読んでいません。全体は `hozen verify` で検証できます"}
)
