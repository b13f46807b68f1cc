package report

import (
	"slices"
	"strings"

	"hozen/packager"
	"hozen/packager/report/page"
)

// next is section 1: the first 60 minutes, with what the log shows as done; and the 5W1H.
func (r *rep) next() page.Node {
	return section(1, titles()[0],
		p(T{"The first 60 minutes. What the custody log shows, signed by somebody who is trusted here, is ticked, with its time; tick the rest by hand and write the time and your name.", "初動 60 分。保管記録のうち、信頼できる署名で確認できるものは時刻とともに済みとしています。残りは手で印を付け、時刻と氏名を記入してください。"}),
		r.steps(),
		sub(T{"The case in six questions (5W1H)", "事案の 5W1H"}),
		note(T{"What the archive knows is filled in. Fill in the rest; do not guess.", "アーカイブから分かるものは記入済みです。残りを記入してください。推測は書かないでください。"}),
		r.questions())
}

func (r *rep) steps() page.Node {
	// never ticked: a fingerprint that was typed in is no proof of paper
	paper := step{what: T{"Head hash and fingerprint written on paper", "ヘッドとフィンガープリントを紙に記録"}, hint: T{"With date, time and signature: the anchor that nobody can change later (section 2).", "日時と署名を添えて。後から誰にも変えられない裏付けになります(第 2 章)。"}}
	list := []step{
		r.stepOf(T{"Discovered", "発見"}, T{"Who noticed what, when, on which machine? Photograph the screen. Do not click, do not clean, do not switch off.", "誰が、いつ、どの端末で、何に気付いたか。画面を撮影。操作・駆除をせず、電源も切らない。"}, "discovered"),
		r.stepOf(T{"Reported", "報告"}, T{"To the person in charge and the CSIRT; by telephone, not by mail from this machine.", "責任者と CSIRT へ。対象端末のメールではなく電話で。"}, "reported"),
		r.stepOf(T{"Isolated from the network", "ネットワークから隔離"}, T{"Pull the cable or switch Wi-Fi off, or hozen isolate. Leave the power on.", "LAN ケーブルを抜くか Wi-Fi を切る、または hozen isolate。電源は入れたまま。"}, "isolated"),
		r.preserved(), paper,
		r.stepOf(T{"Copied to a second medium or delivered", "別媒体へ複製または送付"}, T{"Archive and custody log together. Check each copy with hozen verify.", "アーカイブと保管記録を一緒に。複製ごとに hozen verify で確認。"}, "copied", "receipt", "delivered"),
		{what: r.beforeOff(), hint: T{"A machine that is on can be asked again; one that is off cannot.", "電源が入っていれば取り直せますが、切れば取り直せません。"}, at: blank(), by: blank()},
		r.handedOver(),
	}
	if slices.ContainsFunc(r.Events, func(e packager.Event) bool { return e.Event == "rejoined" }) {
		list = append(list, r.stepOf(T{"Released to the network again", "ネットワークへ復帰"}, T{"", ""}, "rejoined"))
	}
	cols := []column{{name: T{"", ""}}, {name: T{"What", "項目"}}, {name: T{"When", "日時"}}, {name: T{"By whom", "誰が"}}}
	rows := make([]row, 0, len(list))
	for _, s := range list {
		if s.at == nil {
			s.at, s.by = blank(), blank()
		}
		rows = append(rows, row{cells: []cell{c(box(s.done)), c(page.All(page.El("b", "", say(s.what)), page.El("div", `class="note"`, say(s.hint)))), c(s.at), c(s.by)}})
	}
	return page.El("div", `class="steps"`, r.table(cols, rows, 20, 0, ""))
}

// preserved is ticked where the evidence was taken to its end and can be relied on.
func (r *rep) preserved() step {
	g := &r.Genesis
	s := step{done: true, what: T{"Preserved: evidence taken", "保全: 証拠を取得"}, hint: T{"Memory and connections first, then the disk: this archive.", "メモリーと通信を先に、次にディスク。本アーカイブがその結果です。"}}
	if g.Time.Wall != "" {
		s.at, s.by = r.moment(g.Time.Wall), page.Host(firstOf(g.Operator, g.Device), 80)
	}
	v := r.Verified
	switch {
	case v == nil:
	case v.Verdict == packager.Invalid, v.Verdict == packager.NotEvidence:
		s.done, s.what, s.hint = false, T{"Not preserved: this file cannot be relied on", "保全できていません: このファイルには依拠できません"}, T{"If the machine is still on, collect again, to other media; keep this file as it is.", "端末がまだ動いていれば、別の媒体へもう一度収集。このファイルはそのまま保管。"}
	case !r.deviceTrusted():
		s.done, s.hint = false, T{"The key that signed it is not trusted here: compare its fingerprint with the one on paper first (section 2).", "署名鍵がここでは信頼されていません。先にフィンガープリントを紙の記録と照合してください(第 2 章)。"}
	case !v.Sealed:
		s.done, s.what, s.hint = false, T{"Preserved in part: the collection did not end", "一部のみ保全: 収集は途中で終わりました"}, T{"While the machine is on, collect again.", "端末が動いている間に、もう一度収集。"}
	case r.unread():
		s.hint = T{"As the custody log says; the contents were not seen.", "保管記録による。内容は見ていません。"}
	}
	return s
}

// deviceTrusted says whether the key of the collection is trusted here; before the seal it
// is our own.
func (r *rep) deviceTrusted() bool {
	return r.Verified == nil || strings.HasPrefix(r.Verified.Axes.Signer, "trusted")
}

// beforeOff says what is known of disks that lock at power-off; what nobody looked at is
// never called free of them.
func (r *rep) beforeOff() T {
	const item = "volatile/kernel/block.jsonl"
	switch t := r.m.Table(item); {
	case len(r.m.Locking()) > 0:
		return T{"Before switching off: secure the recovery key, the disk locks (section 13)", "電源を切る前に: ディスクがロックされるため回復キーを確保(第 13 章)"}
	case !r.looked(item) && (r.unread() || r.cut()):
		return T{"Before switching off: find out; whether a disk locks is not known from this archive (section 13)", "電源を切る前に: ロックされるディスクの有無を確認。このアーカイブからは分かりません(第 13 章)"}
	case !r.looked(item):
		return T{"Before switching off: find out whether a disk locks; this was not looked at (section 13)", "電源を切る前に: ロックされるディスクの有無を確認。この収集では調べていません(第 13 章)"}
	case t.Outcome != "collected" && t.Outcome != "" || t.Odd+t.Cut > 0:
		return T{"Before switching off: find out whether a disk locks; the list is not whole (section 13)", "電源を切る前に: ロックされるディスクの有無を確認。一覧は完全ではありません(第 13 章)"}
	}
	return T{"Before switching off: nothing that locks was seen (section 13)", "電源を切る前に: ロックされるディスクは未検出(第 13 章)"}
}

func (r *rep) questions() page.Node {
	g := &r.Genesis
	cols := []column{{name: T{"Question", "問い"}}, {name: T{"Known", "判明している事実"}}, {name: T{"To fill in", "記入欄"}}}
	q := func(what T, known ...page.Node) row {
		return row{cells: []cell{c(page.El("b", "", say(what))), c(page.All(known...)), c(page.All(blank(), blank()))}}
	}
	line := func(t T, s string) page.Node {
		if s == "" {
			return nil
		}
		return page.El("div", "", say(t), page.Text(": "), host(s))
	}
	rows := []row{
		q(T{"Who?", "誰が (Who)"}, line(T{"taken by", "作業者"}, r.told("B1")), line(T{"witness", "立会人"}, r.told("B2")), line(T{"last user in the log", "直近の利用者"}, r.lastUser())),
		q(T{"What?", "何を (What)"}, line(T{"machine", "対象端末"}, strings.Join(present(g.Host.Name, g.Host.Make, g.Host.Model, g.Host.Serial), ", ")), r.gravest()),
		q(T{"When?", "いつ (When)"}, r.taken()),
		q(T{"Where?", "どこで (Where)"}, line(T{"place", "場所"}, r.told("C1")), line(T{"addresses", "アドレス"}, strings.Join(g.Host.IPs, ", "))),
		q(T{"Why?", "なぜ (Why)"}, line(T{"reason given", "収集の理由"}, r.told("C4"))),
		q(T{"How?", "どのように (How)"}, line(T{"profile", "収集方法"}, r.m.Plan.Profile), line(T{"tool", "ツール"}, g.Tool)),
	}
	return page.El("div", `class="asks"`, r.table(cols, rows, 10, 0, ""))
}

func (r *rep) taken() page.Node {
	if r.Genesis.Time.Wall == "" {
		return nil
	}
	return page.El("div", "", say(T{"taken", "収集"}), page.Text(": "), r.moment(r.Genesis.Time.Wall))
}

func (r *rep) lastUser() string {
	for _, s := range r.m.Sessions {
		if s.User != "" && s.Kind != "btmp" && s.Kind != "faillock" {
			return s.User
		}
	}
	return ""
}

func (r *rep) gravest() page.Node {
	if len(r.m.Indicators) == 0 || r.m.Indicators[0].Level < 2 {
		return nil
	}
	i := r.m.Indicators[0]
	return page.El("div", "", say(T{"gravest sign", "最も重い痕跡"}), page.Text(": "), page.Host(i.ID, 60), page.Text(" "), page.Host(i.Seen, 160))
}
