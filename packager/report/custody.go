package report

import (
	"slices"
	"strconv"
	"strings"

	"hozen/packager"
	"hozen/packager/custody"
	"hozen/packager/report/model"
	"hozen/packager/report/page"
)

// shownEvents bounds the events of the custody log that are shown; checkpoints are only
// counted, and do not count here.
const shownEvents = 500

// custody is section 14: headings after the guideline of the Institute of Digital Forensics
// (証拠保全ガイドライン) and the evidence log of NIST SP 800-61.
func (r *rep) custody() page.Node {
	g := &r.Genesis
	f := func(t T, s string) fact { return fact{t, orBlank(s)} }
	thing := r.thing()
	return section(14, titles()[13],
		p(T{"The headings follow the Japanese Guidelines for Evidence Preservation (証拠保全ガイドライン) and the evidence log of NIST SP 800-61. What the tool knows is printed; lines are to be filled in by hand and signed.", "見出しは「証拠保全ガイドライン」および NIST SP 800-61 の証拠ログに準じます。ツールが把握した内容は印字済みです。下線部は手で記入し署名してください。"}),
		sub(T{"Case and object (NIST: identifying information)", "対象物"}),
		facts(f(T{"Case number", "案件番号"}, r.told("A1")), f(T{"Evidence number", "証拠番号"}, r.told("A2")), f(T{"Machine", "対象端末"}, r.hostLine()),
			f(T{"Description", "物品の説明"}, thing.Description), f(T{"Asset tag", "資産管理番号"}, firstOf(thing.Asset, r.m.Host.Is("tag"))), f(T{"State on arrival (power, network, screen, damage)", "着手時の状態(電源・ネットワーク・画面・外観)"}, thing.PowerState),
			f(T{"Disks", "記憶媒体"}, r.diskLine()), f(T{"Seal of bag or box", "封印番号"}, thing.SealNo), f(T{"Authority, consent of the owner", "取得権限・所有者の同意"}, firstOf(r.told("A3"), r.authority()))),
		sub(T{"People and witness (NIST: who collected or handled it)", "作業者・立会人"}),
		facts(f(T{"Collected by (name, title, telephone)", "作業者(氏名・所属/役職・連絡先)"}, r.told("B1")), fact{T{"Account on the machine", "実行アカウント"}, r.account()}, f(T{"Witness", "立会人"}, r.told("B2")), f(T{"Person in charge", "調査責任者"}, r.told("A4")), f(T{"Place", "作業場所"}, r.told("C1"))),
		signatures(T{"Collected by", "作業者"}, T{"Witness", "立会人"}),
		sub(T{"Proof of identity (NIST: hashes)", "同一性の検証"}), r.identity(),
		sub(T{"Record of the work (NIST: date and time of each handling)", "作業内容の記録"}),
		facts(fact{T{"Began", "開始"}, r.began()}, fact{T{"Ended", "終了"}, r.ended()}, f(T{"Tool", "使用ツール"}, g.Tool), f(T{"Method", "収集方法"}, r.method()), f(T{"Reason", "収集の理由"}, r.told("C4")), f(T{"Done before the tool came", "保全着手前の操作"}, r.told("E1")), fact{T{"Changes that could not be avoided", "収集に伴う変更"}, r.changes()}),
		r.log(),
		sub(T{"Copies (NIST: location of storage)", "複製先"}), r.copies(),
		sub(T{"The 31 fields of a custody record", "保管記録の 31 項目"}), r.fields(),
		page.El("div", `class="page"`, sub(T{"Transfers (each with both signatures)", "授受記録"}), r.transfers()))
}

// form are the fields of the custody record.
func (r *rep) form() []custody.Field {
	if r.formed == nil {
		if r.Verified != nil {
			r.formed = custody.Form(r.Verified, r.Events, r.m.Known.Facts()...)
			return r.formed
		}
		r.formed = custody.Form(&packager.Report{Genesis: &r.Genesis}, r.Events, r.m.Known.Facts()...)
		for i := range r.formed { // before the seal, how many items there are, and the head, is not known
			f := &r.formed[i]
			f.Answers = slices.DeleteFunc(f.Answers, func(a custody.Answer) bool { return a.From == "archive" && f.ID != "A2" })
			f.Open = f.Open || len(f.Answers) == 0
		}
	}
	return r.formed
}

// told gives what people said for a field, in the archive's statements or later in its log;
// "" if nobody did.
func (r *rep) told(id string) string {
	var said []string
	for _, f := range r.form() {
		if f.ID != id {
			continue
		}
		for _, a := range f.Answers {
			if r.current(&a) && (a.Seq == 0 || r.vouched(a.Seq)) && (a.Seq > 0 || a.From == "genesis" || a.From == "job") && len(said) < 8 {
				said = append(said, a.Text)
			}
		}
	}
	return strings.Join(said, "; ")
}

// current says whether nobody who is trusted here answered anew.
func (r *rep) current(a *custody.Answer) bool {
	return !slices.ContainsFunc(a.SupersededBy(), r.vouched)
}

// mark marks an answer of somebody who is not trusted here.
func (r *rep) mark(a *custody.Answer) page.Node {
	if a.Seq == 0 {
		return nil
	}
	return r.strange(a.Seq)
}

// fields are what guidelines ask of a custody record, with what is known of each.
func (r *rep) fields() page.Node {
	var rows []row
	open := 0
	for _, f := range r.form() {
		var said []page.Node
		for _, a := range f.Answers[:min(len(f.Answers), 8)] {
			if r.current(&a) {
				said = append(said, page.El("div", "", hostWords(custody.Words{a.Text, a.JA}), r.mark(&a)))
			}
		}
		if len(said) == 0 {
			open++
			said = append(said, blank())
		}
		if f.Half { // the other half, by hand
			said = append(said, blank())
		}
		rows = append(rows, row{cells: []cell{c(page.Text(f.ID)), c(say(T{f.EN, f.JA})), c(page.All(said...))}})
	}
	return page.All(note(T{"%1 are still open: fill them in by hand, or with hozen custody form.", "未記入 %1 件。手書き、または hozen custody form で記入してください。"}, count(int64(open))),
		r.table([]column{{name: T{"No.", "番号"}}, {name: T{"Field", "項目"}}, {name: T{"Answer", "記載"}}}, rows, 40, 0, ""))
}

// thing is what an event says of what can be held.
func (r *rep) thing() (t packager.EventThing) {
	for i := range r.Events {
		if r.Events[i].Thing != nil && r.vouched(r.Events[i].Seq) {
			t = *r.Events[i].Thing
		}
	}
	return t
}

func (r *rep) diskLine() string {
	var out []string
	for _, d := range r.m.Disks {
		if !d.Part && (d.Serial != "" || d.About != "") && len(out) < 6 {
			out = append(out, strings.Join(present(d.Name, d.About, d.Serial, model.Bytes(d.Size), d.Crypt), " "))
		}
	}
	return strings.Join(out, "; ")
}

func (r *rep) authority() string {
	if r.Verified != nil && r.Verified.Job != nil && r.Verified.Job.Authority != "" {
		return r.Verified.Job.Authority
	}
	for _, e := range r.Events {
		if e.Authority != "" && r.vouched(e.Seq) {
			return e.Authority
		}
	}
	return ""
}

// account is what the form has of it.
func (r *rep) account() page.Node {
	if f := r.known("B1"); len(f) > 0 {
		return hostWords(custody.Words{f[0].Text, f[0].JA})
	}
	return blank()
}

// known are the facts that the collection knew by itself for a field of the form.
func (r *rep) known(field string) (facts []custody.Fact) {
	for _, f := range r.m.Known.Facts() {
		if f.Field == field {
			facts = append(facts, f)
		}
	}
	return facts
}

func (r *rep) method() string {
	if !r.m.Plan.There {
		return ""
	}
	way := "live / 稼働中"
	if !r.m.Plan.Live {
		way = "dead / 停止後"
	}
	return way + ", profile " + r.m.Plan.Profile
}

func (r *rep) began() page.Node {
	if r.Genesis.Time.Wall == "" {
		return blank()
	}
	return r.moment(r.Genesis.Time.Wall)
}

func (r *rep) ended() page.Node {
	if r.Verified != nil && r.Verified.Seal != nil {
		return r.moment(r.Verified.Seal.Time.Wall)
	}
	if s := r.m.Items.Last; s != "" {
		return r.moment(s)
	}
	for _, e := range r.Events {
		if e.Event == "sealed" && r.unread() && r.Genesis.Time.Wall != "" {
			return r.moment(e.Time.Wall)
		}
	}
	return blank()
}

// changes is what the form has of them.
func (r *rep) changes() page.Node {
	var said []page.Node
	for _, f := range r.known("E5") {
		said = append(said, hostWords(custody.Words{f.Text, f.JA}), page.Text(" "))
	}
	return page.All(append(said, page.Text("→ "), say(T{"section 4", "第 4 章"}))...)
}

// identity are the hashes by which the archive is known again.
func (r *rep) identity() page.Node {
	v := r.Verified
	if v == nil {
		return page.All(facts(fact{T{"Device key", "端末の鍵のフィンガープリント"}, code(r.Fingerprint)}, fact{T{"Head hash (after the seal)", "ヘッド(封印後)"}, blank()}, fact{T{"SHA-256 of the file", "ファイルの SHA-256"}, blank()}),
			signatures(T{"Compared by", "照合者"}, T{"Witness", "立会人"}))
	}
	sum := ""
	for _, e := range r.Events {
		if r.vouched(e.Seq) && (e.Event == "sealed" || e.Event == "received" && sum == "") {
			sum = e.Object.SHA256
		}
	}
	return page.All(facts(fact{T{"File", "ファイル"}, page.All(code(r.Archive), page.Text(", "), count(v.Bytes), page.Text(" B"))},
		fact{T{"SHA-256 of the file, as the log has it", "ファイルの SHA-256(保管記録による)"}, orBlank(sum)}, fact{T{"Head hash", "ヘッド"}, orNotKnown(v.Head, code(v.Head))}, fact{T{"Device key", "端末の鍵のフィンガープリント"}, orNotKnown(v.Fingerprint, code(v.Fingerprint))},
		fact{T{"Result", "照合結果"}, page.All(page.El("b", "", page.Text(string(v.Verdict))), page.Text(" "), r.madeNode())}),
		signatures(T{"Compared by", "照合者"}, T{"Witness", "立会人"}))
}

func (r *rep) madeNode() page.Node {
	if r.Made.IsZero() {
		return nil
	}
	return r.at(r.Made)
}

// log are the events of the custody log.
func (r *rep) log() page.Node {
	if len(r.Events) == 0 {
		return note(T{"No custody log was at hand.", "保管記録は手元にありません。"})
	}
	var rows []row
	checkpoints, more := int64(0), int64(0)
	for _, e := range r.Events {
		switch {
		case e.Event == "checkpoint", e.Event == "attached":
			checkpoints++
			continue
		case len(rows) >= shownEvents:
			more++
			continue
		}
		what := strings.Join(present(e.Operator, e.Counterpart, e.Reason, e.Place, e.Changes, strings.Join(e.Witness, ", ")), " · ")
		rows = append(rows, row{cells: []cell{{node: page.Text(strconv.Itoa(e.Seq)), key: int64(e.Seq), num: true}, c(page.All(eventWord(e.Event), refers(e.Ref))), c(r.moment(e.Time.Wall)), c(page.All(page.Host(e.Actor, 80), r.strange(e.Seq))), c(page.Host(what, 300)), c(page.El("code", "", page.Host(shortSum(e.Object), 20)))}})
	}
	return page.All(r.table([]column{{T{"No.", "番号"}, true}, {name: T{"Event", "出来事"}}, {name: T{"When", "日時"}}, {name: T{"Signed by", "署名"}}, {name: T{"Detail", "内容"}}, {name: T{"SHA-256", "SHA-256"}}}, rows, 40, more, "*.custody.jsonl"),
		note(T{"Checkpoints and pieces of texts that the log has besides: %1.", "ほかに区切り署名と長文の断片: %1 件。"}, count(checkpoints)))
}

// refers names the earlier events that an event answers or corrects.
func refers(ref []int) page.Node {
	return page.Each(ref[:min(len(ref), 20)], func(seq int) page.Node {
		return page.All(page.Text(" "), say(T{"(of No. %1)", "(番号 %1 に対して)"}, count(int64(seq))))
	})
}

func firstN(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

func eventWord(s string) page.Node {
	t, known := map[string]T{
		"started": {"started", "開始"}, "sealed": {"sealed", "封印"}, "recovered": {"recovered", "復旧"}, "receipt": {"receipt", "受領証"}, "countersigned": {"countersigned", "連署"}, "timestamped": {"time stamp", "タイムスタンプ"},
		"released": {"released", "引渡し"}, "received": {"received", "受領"}, "stored": {"stored", "保管"}, "checked_out": {"checked out", "持出し"}, "checked_in": {"checked in", "返納"}, "opened": {"opened", "開封"}, "verified": {"verified", "検証"},
		"copied": {"copied", "複製"}, "exported": {"exported", "書出し"}, "reencrypted": {"re-encrypted", "再暗号化"}, "renewed": {"renewed", "更新"}, "isolated": {"isolated", "隔離"}, "rejoined": {"rejoined", "隔離解除"}, "corrected": {"corrected", "訂正"},
		"discovered": {"discovered", "発見"}, "reported": {"reported", "報告"}, "disputed": {"disputed", "異議"}, "destroyed": {"destroyed", "廃棄"}, "described": {"described", "説明"},
	}[s]
	if !known {
		return page.Host(s, 40)
	}
	return say(t)
}

// copies are where the archive went, and lines for where else.
func (r *rep) copies() page.Node {
	var rows []row
	for _, e := range r.Events {
		switch e.Event {
		case "copied", "stored", "receipt", "exported":
			if len(rows) < 50 {
				rows = append(rows, row{cells: []cell{c(r.moment(e.Time.Wall)), c(eventWord(e.Event)), c(page.Host(strings.Join(present(e.Place, e.Object.Name), " · "), 200)), c(page.All(page.Host(firstOf(e.Operator, e.Actor), 80), r.strange(e.Seq))), c(page.Text(""))}})
			}
		}
	}
	return r.lined([]column{{name: T{"When", "日時"}}, {name: T{"Master or working copy", "正本・作業用"}}, {name: T{"Medium (maker, model, serial, erased?) and place", "媒体(メーカー・型番・S/N・消去済)と保管場所"}}, {name: T{"By whom", "作業者"}}, {name: T{"Hash compared", "ハッシュ照合"}}}, rows, 3)
}

// lined is a table with empty rows to write on.
func (r *rep) lined(cols []column, rows []row, empty int) page.Node {
	for range empty {
		var l row
		for range cols {
			l.cells = append(l.cells, c(nil))
		}
		rows = append(rows, l)
	}
	return page.El("div", `class="sign"`, r.table(cols, rows, 60, 0, ""))
}

// transfers are the hand-overs: who signed a release gave it, who signed a receipt got it.
func (r *rep) transfers() page.Node {
	var rows []row
	for i := range r.Events {
		e := &r.Events[i]
		if (e.Event != "released" && e.Event != "received") || len(rows) >= 50 {
			continue
		}
		signed := page.All(eventWord(e.Event), page.Text(": "), page.Host(strings.Join(present(e.Actor, e.Operator), " · "), 120), r.strange(e.Seq))
		from, to := signed, page.Host(e.Counterpart, 80)
		if e.Event == "received" {
			from, to = to, signed
		}
		rows = append(rows, row{cells: []cell{c(r.moment(e.Time.Wall)), c(from), c(to), c(way(e)), c(page.All(page.El("code", "", page.Host(shortSum(e.Object), 20)), page.Text(" "), page.Host(e.Verdict, 20)))}})
	}
	return r.lined([]column{{name: T{"Date and time", "日時"}}, {name: T{"Released by (signature)", "引渡者(署名)"}}, {name: T{"Received by (signature)", "受領者(署名)"}}, {name: T{"Reason, way, consignment number", "理由・方法・送り状番号"}}, {name: T{"Hash compared", "ハッシュ照合"}}}, rows, 6)
}

// way is why and how something was handed over, and under which numbers.
func way(e *packager.Event) page.Node {
	seal := ""
	if e.Thing != nil {
		seal = e.Thing.SealNo
	}
	var out []page.Node
	for _, x := range []struct {
		what T
		s    string
	}{
		{T{"reason", "理由"}, e.Reason}, {T{"way", "方法"}, e.Fact("how")}, {T{"consignment number", "送り状番号"}, e.Fact("tracking")},
		{T{"seal number", "封印番号"}, seal}, {T{"state of the seal", "封印の状態"}, e.Fact("seal")}, {T{"place", "場所"}, e.Place},
	} {
		if x.s != "" {
			out = append(out, page.El("div", "", say(x.what), page.Text(": "), page.Host(x.s, 200)))
		}
	}
	return page.All(out...)
}

// shortSum is the beginning of an object's hash; nothing of an object that has no bytes yet.
func shortSum(o packager.EventObject) string {
	if o.Bytes == 0 {
		return ""
	}
	return firstN(o.SHA256, 16)
}

// signatures are two lines to sign on.
func signatures(a, b T) page.Node {
	line := func(t T) page.Node {
		return page.El("div", "", page.El("dt", "", say(t), page.Text(" "), say(T{"(date, signature)", "(日付・署名)"})), page.El("dd", "", blank()))
	}
	return page.El("dl", `class="facts"`, line(a), line(b))
}
