package custody

// fields are the fields of a custody record, in the order of the form: what NIST SP 800-61,
// RFC 3227, ISO/IEC 27037 and 証拠保全ガイドライン ask for. Letters are its parts: A the case,
// B people, C place and time, D what was examined, E how, F what was taken, G copies, H what
// became of it.
func fields() []Field {
	return []Field{
		{ID: "A1", By: ByPeople, EN: "Case / incident identifier", JA: "案件番号・事案名"},
		{ID: "A2", By: ByBoth, EN: "Unique evidence (exhibit) identifier", JA: "証拠番号(一意な証拠識別子)"},
		{ID: "A3", By: ByPeople, EN: "Legal/organisational authority and purpose, consent of the owner", JA: "取得権限・目的、所有者の同意(許諾)"},
		{ID: "A4", By: ByPeople, EN: "Person in charge (overall responsibility)", JA: "調査責任者"},
		{ID: "B1", By: ByBoth, EN: "Collector: name, title/affiliation, contact (phone)", JA: "作業者の氏名・所属/役職・連絡先"},
		{ID: "B2", By: ByPeople, EN: "Witness / second person, and signature", JA: "立会人(氏名・署名)"},
		{ID: "B3", By: ByPeople, EN: "Competence / tool operator statement", JA: "作業者の適格性"},
		{ID: "C1", By: ByPeople, EN: "Place of collection, where the device was found/located", JA: "作業場所・対象物の設置場所"},
		{ID: "C2", By: ByTool, EN: "Start and end date-time of each operation, with time zone (UTC offset)", JA: "各作業の開始・終了日時(タイムゾーン/UTCとの差)"},
		{ID: "C3", By: ByBoth, EN: "System clock vs. reference clock (offset, source, method)", JA: "対象機器の時刻と標準時刻との時差(時刻のずれ)、参照元"},
		{ID: "C4", By: ByPeople, EN: "Reason / trigger of the collection, discovery circumstances (5W1H)", JA: "発見の経緯・取得の理由(5W1H)"},
		{ID: "D1", By: ByBoth, EN: "Device: maker, model, serial, asset tag, hostname, MAC, IP", JA: "対象物: メーカー・型番・製造番号(S/N)・資産管理番号・ホスト名・MACアドレス・IPアドレス"},
		{ID: "D2", By: ByTool, EN: "Media: maker, model, serial, capacity, sector size, interface, partitioning, encryption state", JA: "記憶媒体: メーカー・型番・S/N・容量・セクタサイズ・I/F・パーティション・暗号化の有無"},
		{ID: "D3", By: ByTool, EN: "OS, version/build, kernel, boot time, logged-on users", JA: "OS・版・起動時刻・ログオン利用者"},
		{ID: "D4", By: ByBoth, EN: "State on arrival: power, network, screen, attached media, visible damage; photographs", JA: "対象物の状態(電源・ネットワーク接続・画面表示・接続媒体・外観)、写真/動画"},
		{ID: "E1", By: ByPeople, EN: "Actions taken before the tool arrived (who touched what)", JA: "保全着手前の操作・初動対応の有無"},
		{ID: "E2", By: ByTool, EN: "Method: live / dead, full / selective, order followed (volatility)", JA: "取得方法(ライブ/デッド、全体/選択)、取得順序(揮発性の順)"},
		{ID: "E3", By: ByTool, EN: "Tool name, version, build hash, command line/config, privileges", JA: "使用ツール名・版・ハッシュ値・実行コマンド/設定・実行権限"},
		{ID: "E4", By: ByBoth, EN: "Write protection used / why not", JA: "書込防止措置の有無・方式"},
		{ID: "E5", By: ByBoth, EN: "Unavoidable changes caused by the collection, who is responsible, justification", JA: "取得に伴い生じた変更(フットプリント)、責任者、理由"},
		{ID: "E6", By: ByTool, EN: "Errors: unreadable sectors/files, skipped items, timeouts, retries, gaps in memory", JA: "エラー・読取不能・未取得項目とその理由"},
		{ID: "E7", By: ByTool, EN: "Full action log (every process applied), reproducible by a third party", JA: "作業ログ(第三者が再現できる全作業記録)"},
		{ID: "F1", By: ByTool, EN: "Item list: source path/device, size, MAC times/metadata as found", JA: "取得物一覧: 取得元パス・サイズ・メタデータ(タイムスタンプ)"},
		{ID: "F2", By: ByTool, EN: "Hash of source (where possible) and of copy, algorithm, time computed, comparison result", JA: "原本と複製のハッシュ値・算出方式・算出時刻・一致確認"},
		{ID: "F3", By: ByTool, EN: "Signature / trusted timestamp over the record and hashes", JA: "電子署名・タイムスタンプ"},
		{ID: "G1", By: ByBoth, EN: "Destination media: maker, model, serial, new/wiped, format, encryption", JA: "複製先媒体: メーカー・型番・S/N・消去済確認・暗号化"},
		{ID: "G2", By: ByPeople, EN: "Number of copies, which is master/working copy", JA: "複製数・正本/作業用の別"},
		{ID: "H1", By: ByPeople, EN: "Where stored, how protected, seal number", JA: "保管場所・保管方法・封印番号"},
		{ID: "H2", By: ByBoth, EN: "Each transfer: from, to, date-time, reason, method (shipping no.), both signatures", JA: "授受記録: 渡した者・受けた者・日時・理由・方法(送り状番号)・双方の署名"},
		{ID: "H3", By: ByBoth, EN: "Each access: who, when, where, why, hash re-verified", JA: "閲覧・検証記録: 誰が・いつ・どこで・何のため・再検証結果"},
		{ID: "H4", By: ByPeople, EN: "Disposal / return", JA: "返却・廃棄の記録"},
	}
}
