package main

// What is said of people's keys and their signatures.
var (
	mFlagCoSignWith   = message{"`KEY` of the operator, who signs the seal with it: a key file, or agent (agent:SHA256:… for one of several)", "封印に署名する作業者の鍵 `KEY`: 鍵ファイル、または agent（複数あれば agent:SHA256:…）"}
	mFlagRequire      = message{"`ROLES` whose signature over the seal must be there, now or later: operator, witness, approver, or witness:NAME", "封印への署名を必須とする役割 `ROLES`（後からの署名も可）: operator、witness、approver、または witness:NAME"}
	mHintOperatorName = message{"with --sign-with, --operator is the name in the trust file, such as sato; `hozen key new FILE --operator sato` makes such a key", "--sign-with を使うとき、--operator は信頼ファイルの名前（例: sato）です。`hozen key new FILE --operator sato` で鍵を作れます"}
	mCoSignNow        = message{"%s: sign the seal now. Everything is saved already; after two minutes it is sealed without you.", "%s さん: 封印に署名してください。証拠は保存済みです。2 分たつと署名なしで封印します。"}
	mCoSignTouch      = message{"%s: sign the seal now: touch the key if it blinks. Everything is saved already; after two minutes it is sealed without you.", "%s さん: 封印に署名してください。鍵が点滅したら触れてください。証拠は保存済みです。2 分たつと署名なしで封印します。"}
	mNotCoSigned      = message{"NOT SIGNED by the operator %s: %s. The archive is whole; sign it later: hozen custody countersign", "作業者 %s の署名がありません: %s。アーカイブは完全です。後から hozen custody countersign で署名してください"}
	mRowCoSigned      = message{"co-signed", "連署"}

	mFlagRevoked = message{"`FILE` of keys and certificates that are not believed any more: a KRL of OpenSSH, or public keys in lines", "信頼しない鍵と証明書の一覧 `FILE`: OpenSSH の KRL、または公開鍵の行"}
	mHintRevoked = message{"`hozen key revoke LIST KEY.pub` writes such a list", "`hozen key revoke LIST KEY.pub` で作成できます"}

	mShortCountersign = message{"sign a sealed archive later: as its operator, a witness or an approver", "封印済みのアーカイブに、作業者・立会人・承認者として後から署名します"}
	mLongCountersign  = message{`countersign verifies the archive, shows what it says, and appends an event to its custody
log with your signature over the seal. The archive itself is not changed. Sign only what
you know: as a witness, that you saw it taken; as an approver, that you answer for it.`,
		`アーカイブを検証して内容を表示し、封印への署名を保管記録に加えます。アーカイブ自体は
変わりません。知っていることだけに署名してください。立会人は取得に立ち会ったこと、
承認者は責任を負うことを示します。`}
	mCountersigning = message{"Signing the seal of %s as %s. Its head hash is %s", "%s の封印に %s として署名します。ヘッドは %s です"}
	mHintNoSeal     = message{"for what was interrupted, `hozen custody add verified FILE` signs what you found, and for these bytes", "中断されたアーカイブには `hozen custody add verified FILE` で、検証の結果とこのバイト列に署名します"}
	mHintRole       = message{"--as operator:NAME, witness:NAME or approver:NAME", "--as operator:名前、witness:名前、approver:名前 のいずれか"}
)

// What `hozen key` says beyond making and trusting keys.
var (
	mFlagKeyAs        = message{"whose key it is, `KIND:NAME`: operator, witness, approver, carrier, lab, custodian, hub or device", "鍵の持ち主 `KIND:NAME`: operator、witness、approver、carrier、lab、custodian、hub、device"}
	mFlagAuthorityFor = message{"the key is an organisation's: believe all whom it certified, as far as their names fit `PATTERNS` (device:*,operator:*)", "組織の認証局の鍵として信頼する。名前が `PATTERNS`（device:*,operator:* など）に合う証明書をすべて信頼"}
	mRowPrincipal     = message{"principal", "名義"}
	mRowSerial        = message{"number", "番号"}
	mRowCertificateID = message{"name", "名称"}
	mRowValid         = message{"valid", "有効期間"}
	mRowAuthorityKey  = message{"by", "認証局"}
	mForEver          = message{"for ever", "無期限"}

	mShortKeyCA = message{"make the key of an organisation, which certifies others", "組織の認証局の鍵を作成します"}
	mLongKeyCA  = message{`An auditor who trusts this one key believes the devices and people that it has
certified. Keep it offline, and set a passphrase: ssh-keygen -p -f FILE. A key on a
token (FIDO) serves as well: ssh-keygen -t ed25519-sk.`,
		`この鍵一つを信頼すれば、それが証明した端末と人を信頼できます。オフラインで保管し、
パスフレーズを設定してください（ssh-keygen -p -f FILE）。トークンの鍵（FIDO、
ssh-keygen -t ed25519-sk）も使えます。`}
	mAuthorityMade = message{"Organisation's key: %s (secret, without a passphrase: `ssh-keygen -p -f` sets one). Public key: %s", "組織の鍵: %s（秘密。パスフレーズなし: `ssh-keygen -p -f` で設定できます）。公開鍵: %s"}

	mShortKeyCertify = message{"certify a public key with the organisation's key", "組織の鍵で公開鍵を証明します"}
	mLongKeyCertify  = message{`The certificate FILE-cert.pub is an SSH certificate. Put it beside the private key: it is
shown in every signature from then on. The number serves to revoke it.`,
		`証明書 FILE-cert.pub は SSH の証明書です。秘密鍵の横に置くと、以後の署名すべてに
含まれます。番号は失効に使います。`}
	mFlagCA            = message{"the organisation's `KEY`: a key file, or agent (agent:SHA256:… for one of several)", "組織の鍵 `KEY`: 鍵ファイル、または agent（複数あれば agent:SHA256:…）"}
	mFlagCertifyAs     = message{"whose key it is, `KIND:NAME` (default: what its comment says; may be repeated)", "鍵の持ち主 `KIND:NAME`（既定: 鍵のコメント。繰り返し可）"}
	mFlagDays          = message{"valid for so many `DAYS`", "有効日数 `DAYS`"}
	mFlagSerial        = message{"`NUMBER` of the certificate (default: one at random)", "証明書の番号 `NUMBER`（既定: 無作為）"}
	mFlagCertificateID = message{"`NAME` of the certificate, for people (default: whose it is)", "人のための証明書の名称 `NAME`（既定: 持ち主）"}
	mHintCA            = message{"`hozen key ca FILE` makes one", "`hozen key ca FILE` で作成できます"}
	mCertified         = message{"Certificate: %s", "証明書: %s"}

	mShortKeyRevoke = message{"revoke keys and certificates: write them into a list", "鍵と証明書を失効させ、一覧に書きます"}
	mLongKeyRevoke  = message{`LIST is a key revocation list of OpenSSH (KRL); it is made, or made longer. Hand it to
everybody who verifies: hozen verify --revoked LIST, revoked: in the configuration of a
service, ssh-keygen -Y verify -r LIST. What is revoked is not believed for any time, also
not before: it could have been stolen, and the time false.`,
		`LIST は OpenSSH の鍵失効リスト（KRL）です。なければ作成し、あれば追記します。検証する
全員に渡してください: hozen verify --revoked LIST、サービス設定の revoked:、
ssh-keygen -Y verify -r LIST。失効した鍵は、過去の署名も含めて信頼しません。盗まれて
いれば、署名の時刻も偽れるからです。`}
	mFlagRevokeKey      = message{"of a certificate, revoke its key, and with it all certificates of that key", "証明書だけでなく、その鍵（同じ鍵のすべての証明書）を失効させる"}
	mRevokedKey         = message{"revoked: the key %s", "失効: 鍵 %s"}
	mRevokedCertificate = message{"revoked: certificate number %s (%s) of the key %s; --key revokes the key", "失効: 証明書 番号 %s（%s）、鍵 %s。鍵の失効は --key"}
	mRevokedList        = message{"%s: version %d, %d entries", "%s: 版 %d、%d 件"}

	mShortKeyRotate = message{"give a device a new key; the old one signs for it", "端末の鍵を新しくし、古い鍵で引き継ぎに署名します"}
	mLongKeyRotate  = message{`The old key and the new one sign a record that names both. The old private key is
overwritten and removed. An auditor takes the two lines that are printed into his allowed
signers, in the place of the old one. Do so after an image of RAM was taken with a key in
a file. A device that is enrolled at a hub must be enrolled again.`,
		`古い鍵と新しい鍵の両方が、引き継ぎの記録に署名します。古い秘密鍵は上書きして削除します。
監査する人は、表示された 2 行を、古い鍵の行の代わりに allowed_signers に入れます。
ファイルの鍵で RAM を取得した後に行ってください。集約サーバに登録済みの端末は、登録し直す
必要があります。`}
	mRotated            = message{"%s has a new key, %s. The old one, %s, is gone; what both signed is in %s. Lines for auditors:", "%s の鍵を %s に更新しました。古い鍵 %s は削除しました。両方の署名は %s にあります。監査用の行:"}
	mRotatedCertificate = message{"The old certificate is %s now; the new key has none yet: hozen key certify %s", "古い証明書は %s に移しました。新しい鍵の証明書はまだありません: hozen key certify %s"}
	mFlagRotateAs       = message{"whose key it is, `device:NAME`, where no public half beside it says so", "鍵の持ち主 `device:NAME`（公開鍵のファイルから分からないとき）"}
	mHintRotateAs       = message{"if it is a device's: --as device:NAME", "端末の鍵なら --as device:NAME を指定してください"}
	mHintRotatePerson   = message{"only a device's key is rotated, and nothing was changed. A person makes another with `hozen key new`, and has the old one revoked: `hozen key revoke`", "更新できるのは端末の鍵だけで、何も変更していません。人の鍵は `hozen key new` で作り直し、古い鍵は `hozen key revoke` で失効させます"}
	mHintRotate         = message{"the new key is %s, if it was made; nothing is lost: see which of FILE, FILE.next and FILE.old are there", "新しい鍵は（作成済みなら）%s です。失われた鍵はありません。FILE、FILE.next、FILE.old のどれがあるか確かめてください"}
)
