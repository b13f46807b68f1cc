package main

// Messages of report.
var (
	mShortReport = message{"make the report that people read and file", "人が読み、保管する報告書を作成する"}
	mLongReport  = message{
		"report verifies an archive and writes DIR/<id>.report.html: one page in English and Japanese,\nwithout network, that can be printed. It shows only what is authentic, says first what the\nverdict is, and has forms to sign. Its exit code is that of verify. The archive itself has\nthe same report, data/report.html, written before its seal and so without a verdict.",
		"report はアーカイブを検証し、DIR/<id>.report.html を作成します。英語と日本語を含む 1 枚のページで、\nネットワーク不要・印刷可能です。真正な内容だけを示し、冒頭に検証結果を述べ、署名欄のある様式を備えます。\n終了コードは verify と同じです。アーカイブ内の data/report.html は封印前に書かれた同じ報告書で、\n検証結果は含みません。",
	}
	mFlagReportOut   = message{"folder DIR that the report is written to", "報告書を書き込むフォルダー DIR"}
	mHintReportThere = message{"a report is never overwritten: name another folder with -o, or move the one that is there", "報告書は上書きしません。-o で別のフォルダーを指定するか、既存のものを移してください"}
	mReportWritten   = message{"Report: %s", "報告書: %s"}
)
