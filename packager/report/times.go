package report

import (
	"math"
	"time"

	"hozen/packager/report/model"
	"hozen/packager/report/page"
)

// sessions is section 10.
func (r *rep) sessions() page.Node {
	const item = "volatile/sessions.jsonl"
	list := r.m.Sessions
	if len(list) == 0 {
		return section(10, titles()[9], r.without(item, T{"Nobody was or had been logged in, as far as the system's records say.", "システムの記録上、ログオンした者はいません。"}), r.lacking(item))
	}
	const shown = 1500
	var rows []row
	for _, s := range list[:min(len(list), shown)] {
		l := row{cells: []cell{c(sessionKind(s.Kind)), c(page.Host(s.User, 80)), c(page.Host(s.From, 120)), c(page.Host(s.Line, 60)), c(when(s.Time)), c(page.All(when(s.End), page.Host(s.State, 160)))}}
		if s.Kind == "btmp" || s.Kind == "faillock" {
			l.level = 2
		}
		rows = append(rows, l)
	}
	return section(10, titles()[9],
		p(T{"Who is, was, or tried to be logged in, the newest first. Failed attempts are marked.", "ログオン中・過去のログオン・試行を新しい順に示します。失敗には印があります。"}), r.lacking(item),
		r.table([]column{{name: T{"Record", "記録"}}, {name: T{"User", "利用者"}}, {name: T{"From", "接続元"}}, {name: T{"Terminal", "端末・方式"}}, {name: T{"When (UTC)", "日時 (UTC)"}}, {name: T{"State", "状態"}}}, rows, 25, int64(max(0, len(list)-shown)+r.m.Table(item).Cut), item))
}

func sessionKind(k string) page.Node {
	t, known := map[string]T{
		"utmp": {"logged in", "ログオン中"}, "wtmp": {"history", "履歴"}, "btmp": {"failed", "失敗"}, "lastlog": {"last login", "最終ログオン"}, "faillock": {"failed", "失敗"},
		"logind": {"session", "セッション"}, "session": {"session", "セッション"}, "logon": {"logon", "ログオン"},
	}[k]
	if !known {
		return page.Host(k, 30)
	}
	return say(t)
}

// lanes of the picture.
func lanes() []T {
	return []T{{"files created", "作成"}, {"contents changed", "内容変更"}, {"name, owner, rights", "名前・権限"}, {"processes started", "プロセス開始"}, {"logins", "ログオン"}}
}

func laneOf(h *model.Hour, lane int) int {
	return [...]int{h.Born, h.Changed, h.Meta, h.Started, h.Logins}[lane]
}

// timeline is section 11.
func (r *rep) timeline() page.Node {
	const item = "disk/timeline.jsonl"
	t := &r.m.Timeline
	if len(t.Hours) == 0 {
		return section(11, titles()[10], r.without(item, T{"Nothing changed in the last 14 days.", "直近 14 日間の変化はありません。"}), r.lacking(item))
	}
	files := p(T{"Of %1 files, %2 changed in these days.", "%1 件のファイルのうち %2 件がこの期間に変わりました。"}, count(t.Files), count(t.Newer))
	if t.Files == 0 {
		files = r.without(item, T{"The table is empty.", "表は空でした。"})
	}
	var later page.Node
	if t.Later > 0 {
		later = page.El("p", `class="note warn"`, say(T{"%1 files carry times later than the collection: the clock was wrong once, or the times were set.", "%1 件のファイルは収集より後の時刻を持ちます。時計の誤りか、時刻の改ざんです。"}, count(t.Later)))
	}
	return section(11, titles()[10],
		p(T{"The 14 days before the collection, hour by hour (UTC). The height of a bar is the logarithm of the count; the red edge is the collection itself.", "収集前の 14 日間を 1 時間ごとに示します(UTC)。棒の高さは件数の対数で、赤い端は収集の時点です。"}),
		files, r.lacking(item), later, r.chart(), r.hours(item))
}

// chart is the picture: places are shares of its width, so that it can be made wider.
func (r *rep) chart() page.Node {
	t := &r.m.Timeline
	from, span := t.Begin(), float64(model.Days*24+1)
	x := func(at time.Time) float64 { return at.Sub(from).Hours() / span * 100 }
	const lane, axis = 48, 34
	n := len(lanes())
	var parts []page.Node
	for d := range model.Days + 1 {
		day := from.Truncate(24 * time.Hour).Add(time.Duration(d) * 24 * time.Hour)
		if day.Before(from) {
			continue
		}
		parts = append(parts, page.With("line", `class="grid" y1="0" y2="274"`, []page.Attr{page.Percent("x1", x(day)), page.Percent("x2", x(day))}),
			page.With("text", `y="254" dx="4"`, []page.Attr{page.Percent("x", x(day))}, page.Text(day.Format("01-02"))))
		for h := 6; h < 24; h += 6 {
			at := day.Add(time.Duration(h) * time.Hour)
			parts = append(parts, page.With("text", `class="hr" y="268" dx="2"`, []page.Attr{page.Percent("x", x(at))}, page.Text(at.Format("15:04"))))
		}
	}
	end := t.End.Add(-time.Hour)
	parts = append(parts, page.With("rect", `class="run" y="0" height="240"`, []page.Attr{page.Percent("x", x(end)), page.Percent("width", 100-x(end))}))
	for i := range n {
		most := 1
		for h := range t.Hours {
			most = max(most, laneOf(&t.Hours[h], i))
		}
		y := float64((i + 1) * lane)
		parts = append(parts, page.With("line", `class="grid" x1="0" x2="100%"`, []page.Attr{page.Float("y1", y-.5), page.Float("y2", y-.5)}))
		for h := range t.Hours {
			v := laneOf(&t.Hours[h], i)
			if v == 0 {
				continue
			}
			high := math.Max(3, math.Log1p(float64(v))/math.Log1p(float64(most))*(lane-8))
			parts = append(parts, page.With("rect", page.Pick(i, `class="b0"`, `class="b1"`, `class="b2"`, `class="b3"`, `class="b4"`),
				[]page.Attr{page.Percent("x", x(t.Hours[h].At)), page.Float("y", y-1-high), page.Percent("width", 92/span), page.Float("height", high)},
				page.El("title", "", page.Text(t.Hours[h].At.Format("2006-01-02 15:00")+"Z: "+countText(int64(v))))))
		}
	}
	zoom := func(n int64, words T) page.Node {
		box := page.Void("input", `type="radio" name="zoom" class="sw"`, page.Int("id", "z", n))
		if n == 1 {
			box = page.Void("input", `type="radio" name="zoom" class="sw" checked`, page.Int("id", "z", n))
		}
		return page.All(box, page.With("label", `class="zoom"`, []page.Attr{page.Int("for", "z", n)}, say(words)))
	}
	return page.El("div", `class="zooms"`, zoom(1, T{"14 days", "14 日"}), zoom(2, T{"about 5 days", "約 5 日"}), zoom(3, T{"about 1 day", "約 1 日"}),
		page.El("div", `class="chart"`,
			page.El("div", `class="names"`, page.Each(lanes(), func(t T) page.Node { return page.El("div", "", say(t)) }), page.El("div", `class="axis"`, page.Text("UTC"))),
			page.El("div", `class="pan" tabindex="0"`, page.El("svg", `role="img" aria-label="timeline"`, parts...))))
}

// hours is the table behind the picture: the newest first.
func (r *rep) hours(item string) page.Node {
	t := &r.m.Timeline
	var rows []row
	for i := range t.Hours {
		h := &t.Hours[len(t.Hours)-1-i]
		cells := []cell{{node: page.El("time", "", page.Text(h.At.Format("2006-01-02 15:00"))), key: h.At.Unix(), num: true}}
		for l := range lanes() {
			cells = append(cells, num(int64(laneOf(h, l))))
		}
		more := h.Named - len(h.Files)
		files := page.All(page.Each(h.Files, func(f model.FileChange) page.Node {
			return page.El("div", "", page.Text(timeOf(f.When)+" "), say(changeWord(f.What)), page.Text(" "), page.El("code", "", page.Host(f.Path, 140)))
		}))
		if more > 0 {
			files = page.All(files, page.El("div", `class="note"`, say(T{"and %1 more", "ほか %1 件"}, count(int64(more)))))
		}
		rows = append(rows, row{cells: append(cells, cell{node: files})})
	}
	cols := []column{{name: T{"Hour (UTC)", "時 (UTC)"}}}
	for _, l := range [...]T{{"new", "作成"}, {"contents", "内容"}, {"rights", "権限"}, {"started", "開始"}, {"logins", "ログオン"}} {
		cols = append(cols, column{l, true})
	}
	cols = append(cols, column{name: T{"Files, programs and odd places first", "ファイル(プログラム・不審な場所を優先)"}})
	more := t.Newer
	for _, h := range t.Hours {
		more -= int64(len(h.Files))
	}
	return r.table(cols, rows, 8, max(more, 0), item)
}

func timeOf(s string) string {
	if len(s) >= 19 {
		return s[11:19]
	}
	return ""
}

func changeWord(s string) T {
	switch s {
	case "born":
		return T{"new", "作成"}
	case "changed":
		return T{"changed", "変更"}
	}
	return T{"rights", "権限等"}
}
