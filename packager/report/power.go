package report

import (
	"slices"
	"strings"

	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/packager/report/model"
	"hozen/packager/report/page"
)

// power answers what is asked first: may the machine be switched off? It says nothing of
// what it does not know: of a disk image, or of contents that were not seen; and not before
// the seal, when only the terminal knows.
func (r *rep) power() page.Node {
	v := r.Verified
	if v == nil || !r.m.Plan.There || !r.m.Plan.Live || r.sealedOff() || len(r.m.Locking()) > 0 {
		return nil // lockBand says more, where a disk locks
	}
	if v.Verdict == packager.Invalid || v.Verdict == packager.NotEvidence {
		return page.El("div", `class="band bad"`, page.El("p", "", page.El("strong", "", say(T{"Do not switch off: this archive cannot be relied on", "電源を切らないこと: このアーカイブには依拠できません"}))),
			p(T{"If the machine is still on, collect again, to other media.", "端末がまだ動いていれば、別の媒体へもう一度収集してください。"}))
	}
	if r.cut() {
		return page.El("div", `class="band mid"`, page.El("p", "", page.El("strong", "", say(T{"Do not switch off: this collection did not end", "電源を切らないこと: この収集は途中で終わりました"}))),
			p(T{"While the machine is on, collect again: what it has in memory is lost at power-off.", "端末が動いている間に、もう一度収集してください。メモリー上の情報は電源を切ると失われます。"}))
	}
	left, short := r.volatileLeft()
	switch {
	case len(left)+len(short) > 0:
		return page.El("div", `class="band mid"`, page.El("p", "", page.El("strong", "", say(T{"Before switching off: not all that is lost then was taken", "電源を切る前に: 失われる情報のうち、取得していないものがあります"}))),
			listed(T{"Not collected: %1.", "収集していないもの: %1。"}, left), listed(T{"Not whole, see section 3: %1.", "不完全なもの（第 3 章を参照）: %1。"}, short),
			p(T{"If it matters, collect it while the machine is on.", "必要なら、端末が動いている間に収集してください。"}))
	}
	return page.El("div", `class="band"`, page.El("p", "", page.El("strong", "", say(T{"It may be switched off: what is lost then was taken", "電源を切ってもかまいません: 失われる情報は取得済みです"}))), p(r.beforeOff()))
}

func listed(t T, names []string) page.Node {
	if len(names) == 0 {
		return nil
	}
	return p(t, page.Host(strings.Join(names, ", "), 300))
}

// volatileLeft are the collectors of what is lost at power-off that were left out though
// nobody must ask for them, or did not run, and those that are short of the plan.
func (r *rep) volatileLeft() (left, short []string) {
	for _, s := range r.m.Plan.Steps {
		if !s.Volatile || strings.HasPrefix(s.Skip, "only with") {
			continue
		}
		i := slices.IndexFunc(r.m.Items.By, func(c model.Collected) bool { return c.Collector == s.Collector })
		switch {
		case s.Skip != "", i < 0:
			left = append(left, s.Collector)
		case r.m.Items.By[i].Short > 0 || r.m.Items.By[i].Count[evidence.Failed] > 0:
			short = append(short, s.Collector)
		}
	}
	return left, short
}
