package report

import (
	"strconv"
	"strings"
	"time"

	"hozen/packager/evidence"
	"hozen/packager/report/model"
	"hozen/packager/report/page"
)

// completeness is section 3.
func (r *rep) completeness() page.Node {
	s := &r.m.Items
	if s.All == 0 && r.sealedOff() {
		return section(3, titles()[2], note(T{"The contents were not seen: they are encrypted, and nobody gave an identity that opens them.", "内容は暗号化されており、復号鍵が与えられていないため見ていません。"}))
	}
	if s.All == 0 {
		return section(3, titles()[2], note(T{"No record is in the authentic part of this archive.", "このアーカイブの真正な部分に記録がありません。"}))
	}
	return section(3, titles()[2],
		p(T{"What was planned, and what came of it. Whatever could not be taken has a reason; nothing is left out in silence.", "計画したものとその結果です。取得できなかったものにはすべて理由があり、黙って省かれたものはありません。"}),
		r.stopped(), r.collectors(), r.skipped(), r.short(), r.absent())
}

// stopped says that the collection ended before its plan.
func (r *rep) stopped() page.Node {
	if r.Verified == nil || r.Verified.Seal == nil || r.Verified.Seal.Status == "complete" {
		return nil
	}
	return page.El("p", `class="note warn"`, say(T{"The collection ended before its plan: %1", "収集は計画の途中で終了しました: %1"}, host(r.Verified.Seal.Status)))
}

func (r *rep) doc(collector, doc string) page.Node {
	ja := doc
	if r.Docs != nil {
		if said, ok := r.Docs(collector); ok {
			ja = said
		}
	}
	name := page.El("b", "", page.Host(collector, 40))
	if doc == "" || ja == "" {
		return name
	}
	return page.All(name, page.El("div", `class="note"`,
		page.El("span", `class="en" lang="en"`, page.Host(doc, 200)), page.El("span", `class="ja" lang="ja"`, page.Host(ja, 200))))
}

func (r *rep) collectors() page.Node {
	s := &r.m.Items
	by, docs := map[string]model.Collected{}, map[string]string{}
	order := []string{}
	for _, p := range r.m.Plan.Steps {
		docs[p.Collector] = p.Doc
		if p.Skip == "" {
			order = append(order, p.Collector)
			by[p.Collector] = model.Collected{Collector: p.Collector}
		}
	}
	for _, c := range s.By {
		if _, planned := by[c.Collector]; !planned {
			order = append(order, c.Collector)
		}
		by[c.Collector] = c
	}
	cols := []column{{name: T{"Collector", "収集器"}}, {T{"taken", "取得"}, true}, {T{"partial", "一部"}, true}, {T{"absent", "なし"}, true}, {T{"denied", "拒否"}, true},
		{T{"skipped", "除外"}, true}, {T{"failed", "失敗"}, true}, {T{"Size", "サイズ"}, true}, {T{"Time", "所要"}, true}}
	rows := make([]row, 0, len(order)+1)
	line := func(name page.Node, c [7]int64, bytes int64, took page.Node, short int64) row {
		l := row{cells: []cell{{node: name}}}
		for _, o := range evidence.Outcomes() {
			l.cells = append(l.cells, num(c[o]))
		}
		l.cells = append(l.cells, size(bytes), cell{node: took})
		if short > 0 {
			l.level = 2
		}
		return l
	}
	for _, name := range order {
		c := by[name]
		rows = append(rows, line(r.doc(name, docs[name]), c.Count, c.Bytes, took(c.First, c.Last), c.Short))
	}
	rows = append(rows, line(page.El("b", "", say(T{"All", "合計"})), s.Count, s.Bytes, took(s.First, s.Last), 0))
	return r.table(cols, rows, 60, 0, "")
}

func took(from, to string) page.Node {
	a, b := model.When(from), model.When(to)
	if a.IsZero() || b.Before(a) {
		return page.Text("–")
	}
	return page.Text(b.Sub(a).Round(100 * time.Millisecond).String())
}

func (r *rep) skipped() page.Node {
	var rows []row
	for _, s := range r.m.Plan.Steps {
		if s.Skip != "" {
			rows = append(rows, row{cells: []cell{c(r.doc(s.Collector, s.Doc)), c(r.sentence(s.Skip, 300))}})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return page.All(sub(T{"Not planned", "計画に含めなかったもの"}), r.table([]column{{name: T{"Collector", "収集器"}}, {name: T{"Why not", "理由"}}}, rows, 30, 0, ""))
}

func (r *rep) rowsOf(list []model.Item) (rows []row) {
	for _, i := range list {
		l := row{cells: []cell{c(outcome(i.Outcome.String())), c(code(i.Path)), c(r.sentence(i.Note, 300)), c(page.Host(i.Collector, 40))}}
		if i.Shortfall {
			l.level = 2
		}
		if i.Outcome == evidence.Failed {
			l.level = 3
		}
		rows = append(rows, l)
	}
	return rows
}

func itemColumns() []column {
	return []column{{name: T{"Result", "結果"}}, {name: T{"Item", "項目"}}, {name: T{"Reason", "理由"}}, {name: T{"Collector", "収集器"}}}
}

func (r *rep) short() page.Node {
	list := r.m.Items.Gravest()
	if len(list) == 0 && r.partOnly() {
		return page.All(sub(T{"Short of the plan", "計画に対する不足"}), note(T{"Nothing of what is here. What came after the authentic part is not known.", "ここにあるものについてはありません。真正な部分より後は分かりません。"}))
	}
	if len(list) == 0 {
		return page.All(sub(T{"Short of the plan", "計画に対する不足"}), note(T{"Nothing: all that was planned was taken.", "ありません。計画したものはすべて取得しました。"}))
	}
	c := &r.m.Items.Count
	more := c[evidence.Partial] + c[evidence.Denied] + c[evidence.Failed] - int64(len(list))
	return page.All(sub(T{"Short of the plan, or not whole", "計画に対する不足・一部のみ取得"}), r.table(itemColumns(), r.rowsOf(list), 15, max(more, 0), "custody/cp/*.jsonl"))
}

func (r *rep) absent() page.Node {
	list := r.m.Items.Absent
	if len(list) == 0 {
		return nil
	}
	c := &r.m.Items.Count
	return page.All(sub(T{"Not there, or left out on purpose", "端末に存在しない・意図して省いたもの"}), r.table(itemColumns(), r.rowsOf(list), 6, c[evidence.Absent]+c[evidence.Skipped]-int64(len(list)), "custody/cp/*.jsonl"))
}

// footprint is section 4.
func (r *rep) footprint() page.Node {
	f, t := &r.m.Footprint, &r.m.Tool
	list := []fact{{T{"Program", "プログラム"}, r.toolFact("path")}, {T{"Command", "コマンド"}, r.toolFact("command")}, {T{"SHA-256 of the program", "プログラムの SHA-256"}, r.toolFact("sha256")},
		{T{"Process number", "プロセス番号"}, orDash(t.There, page.Text(strconv.FormatInt(t.PID, 10)))}}
	if f.Measured {
		list = append(list,
			fact{T{"Ran for", "実行時間"}, duration(f.TookMS)},
			fact{T{"Processor time", "CPU 時間"}, say(T{"%1 for itself, %2 in the system", "プログラム %1、システム %2"}, duration(f.CPUUserMS), duration(f.CPUSystemMS))},
			fact{T{"Memory at most", "最大メモリー"}, bytesNode(f.PeakBytes)},
			fact{T{"Read from disks", "ディスク読み取り"}, bytesNode(f.ReadBytes)},
			fact{T{"Written to disks, the archive included", "ディスク書き込み(アーカイブを含む)"}, bytesNode(f.WriteBytes)},
			fact{T{"Output", "出力先"}, page.All(code(f.Output), page.Text(" "), outputWords(f))})
	}
	list = append(list,
		fact{T{"Files whose time of access may have moved", "アクセス時刻が動いた可能性のあるファイル"}, r.counted("disk/files.jsonl", f.AccessTimes)},
		fact{T{"Folders likewise", "同じくフォルダー"}, r.counted("disk/mounts.jsonl", f.Folders)})
	if len(r.m.Clocks) > 1 {
		list = append(list, fact{T{"Clock", "時計"}, say(T{"read, never set", "読み取りのみ、設定せず"})})
	}
	if r.unread() {
		return section(4, titles()[3], note(T{"What the tool changed on the machine is not known: what was measured of it could not be read.", "ツールが端末に与えた影響は不明です。計測結果を読み取れませんでした。"}))
	}
	return section(4, titles()[3],
		p(T{"A tool that runs on a machine changes it. This is what it changed, as far as it was measured; it starts no other program, sets no clock, and installs nothing by itself.", "端末上で動くツールは必ず端末に影響します。以下は計測できた影響です。他のプログラムの起動、時計の設定、自らのインストールは行いません。"}),
		facts(list...), r.influenced(),
		note(T{"Not measured: pages of memory that the system reused meanwhile, entries that the system's own logs made of this program, and the blocks of free space that the archive may have taken, if it was written to a disk of the machine.", "計測していないもの: 実行中にシステムが再利用したメモリーページ、システム側のログに残る本プログラムの記録、端末自身のディスクに出力した場合にアーカイブが占めた空き領域。"}))
}

// counted is a figure of what a table was read for; of one that is not there, no figure.
func (r *rep) counted(item string, n int64) page.Node {
	if !r.looked(item) {
		un := r.unknown()
		return say(T{un[0] + " (%1)", un[1] + "(%1)"}, code(item))
	}
	return count(n)
}

func duration(ms int64) page.Node {
	return page.Text((time.Duration(ms) * time.Millisecond).Round(100 * time.Millisecond).String())
}

func outputWords(f *model.Footprint) page.Node {
	switch {
	case f.InMemory:
		return say(T{"(in the memory of the machine)", "(端末のメモリー上)"})
	case f.OnHost:
		return page.El("b", "", say(T{"(on a disk of the examined machine: free space there was overwritten)", "(対象端末自身のディスク: 空き領域を上書き)"}))
	case f.Network:
		return say(T{"(sent over the network)", "(ネットワーク経由で送信)"})
	}
	return say(T{"(not a disk of the examined machine)", "(対象端末のディスクではない)"})
}

func orDash(there bool, n page.Node) page.Node {
	if !there {
		return page.Text("–")
	}
	return n
}

func (r *rep) toolFact(name string) page.Node {
	for _, f := range r.m.Tool.Facts {
		if f.Name == name {
			return code(f.Value)
		}
	}
	if name == "command" && len(r.m.Plan.Command) > 0 {
		return code(strings.Join(r.m.Plan.Command, " "))
	}
	return page.Text("–")
}

func (r *rep) influenced() page.Node {
	if len(r.m.Tool.InfluencedBy) == 0 {
		return nil
	}
	return page.El("p", `class="note warn"`, say(T{"The program could have been influenced by the machine: %1", "端末がプログラムに影響し得た要因: %1"}, host(strings.Join(r.m.Tool.InfluencedBy, "; "))))
}
