package report

import (
	"hozen/packager/report/page"
)

// shownStarts bounds section 12.
const shownStarts = 2500

// starts is section 12.
func (r *rep) starts() page.Node {
	list := r.m.Starts
	tables := []string{"persistence/services.jsonl", "persistence/tasks.jsonl", "persistence/wmi.jsonl", "persistence/autoruns.jsonl"}
	item, cut := "persistence/*.jsonl", 0
	for _, t := range tables {
		cut += r.m.Table(t).Cut
	}
	if r.m.Table("persistence/services.jsonl").Rows == 0 {
		item, cut = "disk/files.jsonl", r.m.Table("disk/files.jsonl").Cut
	}
	var lacking []page.Node
	for _, t := range append(tables, "disk/files.jsonl") {
		lacking = append(lacking, r.lacking(t))
	}
	if len(list) == 0 {
		return section(12, titles()[11], r.without(item, T{"Nothing was found in the places that were looked at.", "調べた場所には何も見つかりませんでした。"}), page.All(lacking...))
	}
	var rows []row
	for _, s := range list[:min(len(list), shownStarts)] {
		l := row{cells: []cell{c(page.Host(s.Kind, 40)), c(page.All(page.Host(s.Name, 200), oddDiv(s.Odd))), c(page.El("code", "", page.Host(s.Command, 240))), c(page.Host(s.User, 80)), c(host(s.Signed)), c(when(s.Written))}}
		if s.Odd != "" {
			l.level = 2
		}
		rows = append(rows, l)
	}
	return section(12, titles()[11],
		p(T{"What this machine starts without being asked: malware that wants to stay must be somewhere here. What does not fit comes first, then what was changed last; what the system itself brings comes last.", "この端末が自動的に起動するものです。居座るマルウェアはこのどこかにあるはずです。不整合のあるもの、変更の新しいものの順で、システム標準のものは最後です。"}),
		page.All(lacking...),
		r.table([]column{{name: T{"Kind", "種別"}}, {name: T{"Name", "名称"}}, {name: T{"Runs", "実行内容"}}, {name: T{"User", "利用者"}}, {name: T{"Signature", "署名"}}, {name: T{"Changed (UTC)", "変更 (UTC)"}}}, rows, 25, int64(max(0, len(list)-shownStarts)+cut), item))
}

func oddDiv(s string) page.Node {
	if s == "" {
		return nil
	}
	return page.El("div", `class="note"`, page.Text("! "), page.Host(s, 240))
}
