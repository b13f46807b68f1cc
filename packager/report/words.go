package report

import (
	"strconv"
	"strings"
	"time"

	"hozen/packager"
	"hozen/packager/custody"
	"hozen/packager/report/model"
	"hozen/packager/report/page"
)

// T is a text of our own in English and Japanese.
type T [2]string

// say shows a text in both languages; the page hides one of them. %1 to %9 stand for nodes.
func say(t T, args ...page.Node) page.Node {
	if t[0] == t[1] {
		return fill(t[0], args)
	}
	return page.All(page.El("span", `class="en" lang="en"`, fill(t[0], args)), page.El("span", `class="ja" lang="ja"`, fill(t[1], args)))
}

func fill(s string, args []page.Node) page.Node {
	if len(args) == 0 {
		return page.Text(s)
	}
	var list []page.Node
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 || i+1 >= len(s) {
			return page.All(append(list, page.Text(s))...)
		}
		list = append(list, page.Text(s[:i]))
		if n := int(s[i+1] - '1'); n >= 0 && n < len(args) {
			list = append(list, args[n])
		}
		s = s[i+2:]
	}
}

func p(t T, args ...page.Node) page.Node { return page.El("p", "", say(t, args...)) }

// note is a quiet remark.
func note(t T, args ...page.Node) page.Node {
	return page.El("p", `class="note"`, say(t, args...))
}

// host shows a text of the host, in a cell.
func host(s string) page.Node { return page.Host(s, 300) }

// hostWords shows a text of ours that has words of the host in it, in both languages.
func hostWords(t custody.Words) page.Node {
	if t[1] == "" {
		return host(t[0])
	}
	return page.All(page.El("span", `class="en" lang="en"`, host(t[0])), page.El("span", `class="ja" lang="ja"`, host(t[1])))
}

// sentence shows what packager or the tool said in English, in both languages.
func (r *rep) sentence(s string, limit int) page.Node {
	return inBoth(s, r.words.Of(s), limit)
}

// inBoth shows a text that is not ours in both languages, once where it is the same.
func inBoth(en, ja string, limit int) page.Node {
	if en == ja {
		return page.Host(en, limit)
	}
	return page.All(page.El("span", `class="en" lang="en"`, page.Host(en, limit)), page.El("span", `class="ja" lang="ja"`, page.Host(ja, limit)))
}

func code(s string) page.Node { return page.El("code", "", page.Host(s, 400)) }

func count(n int64) page.Node { return page.Text(countText(n)) }

func countText(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func bytesNode(n int64) page.Node { return page.Text(model.Bytes(n)) }

const clockForm = "2006-01-02 15:04:05"

// when shows a time of a row, in UTC to the second; what is no time as it is written.
func when(s string) page.Node {
	t := model.When(s)
	if t.IsZero() {
		return page.Host(s, 40)
	}
	return page.El("time", "", page.Text(t.Format(clockForm)))
}

// moment shows a time in UTC, and in the host's zone if that is another and is known.
func (r *rep) moment(s string) page.Node {
	t := model.When(s)
	switch {
	case s == "":
		return nil
	case t.IsZero():
		return quoted(s)
	}
	return r.at(t)
}

func (r *rep) at(t time.Time) page.Node {
	text := t.UTC().Format(clockForm) + " UTC"
	if r.zone != nil {
		text = t.In(r.zone).Format(clockForm+" (UTC-07:00)") + " = " + text
	}
	return page.El("time", "", page.Text(text))
}

// section is one numbered part of the report.
func section(n int, title T, kids ...page.Node) page.Node {
	return page.With("section", "", []page.Attr{page.Int("id", "s", int64(n))},
		page.El("h2", "", page.El("span", `class="no"`, page.Text(strconv.Itoa(n))), say(title)), page.All(kids...))
}

func sub(t T) page.Node { return page.El("h3", "", say(t)) }

// A fact is a label and what stands behind it.
type fact struct {
	label T
	value page.Node
}

func facts(list ...fact) page.Node {
	return page.El("dl", `class="facts"`, page.Each(list, func(f fact) page.Node {
		if f.value == nil {
			return nil
		}
		return page.El("div", "", page.El("dt", "", say(f.label)), page.El("dd", "", f.value))
	}))
}

// blank is a line to write on.
func blank() page.Node { return page.El("span", `class="line"`) }

// orBlank is a text, or a line to write it on.
func orBlank(s string) page.Node {
	if strings.TrimSpace(s) == "" {
		return blank()
	}
	return host(s)
}

// box is a square that is ticked or is to be.
func box(on bool) page.Node {
	if on {
		return page.El("span", `class="box on"`, page.Text("✓"))
	}
	return page.El("span", `class="box"`)
}

// level is the word for how sure a sign is.
func level(n int) page.Node {
	return page.El("b", page.Pick(n, `class="lv l0"`, `class="lv l1"`, `class="lv l2"`, `class="lv l3"`, `class="lv l0"`), say(levelWord(n)))
}

func levelWord(n int) T {
	switch n {
	case model.High:
		return T{"high", "高"}
	case model.Medium:
		return T{"medium", "中"}
	case model.Low:
		return T{"low", "低"}
	}
	return T{"unknown", "不明"}
}

// A column of a table.
type column struct {
	name  T
	right bool // numbers
}

// A row of a table.
type row struct {
	level int // 2 and 3 are marked
	cells []cell
}

type cell struct {
	node page.Node
	key  int64 // by which a column of numbers is sorted
	num  bool
}

func c(n page.Node) cell { return cell{node: n} }

func num(n int64) cell { return cell{node: count(n), key: n, num: true} }

func size(n int64) cell { return cell{node: bytesNode(n), key: n, num: true} }

// table shows rows: the first of them at once, the others behind a switch. more are those that are
// not here, and item is where they are.
func (r *rep) table(cols []column, rows []row, first int, more int64, item string) page.Node {
	if len(rows) == 0 {
		return nil
	}
	if len(rows) <= first+first/4 {
		first = len(rows)
	}
	body := func(list []row) page.Node { return page.Each(list, func(l row) page.Node { return l.node(cols) }) }
	r.boxes++
	var fold, rest page.Node
	if first < len(rows) {
		n := count(int64(len(rows)))
		fold = page.All(page.Void("input", `type="checkbox" class="sw more"`, page.Int("id", "m", r.boxes)),
			page.With("label", `class="more"`, []page.Attr{page.Int("for", "m", r.boxes)}, say(T{"Show all %1 rows", "全 %1 行を表示"}, n)),
			page.El("p", `class="folded"`, say(T{"The first %1 of %2 rows are shown; the others are folded in the page.", "%2 行のうち先頭の %1 行を表示。残りはページ内に折りたたまれています。"}, count(int64(first)), n)))
		rest = page.El("tbody", `class="rest"`, body(rows[first:]))
	}
	var find page.Node
	if len(rows) > 12 {
		find = page.Void("input", `type="search" class="find" placeholder="Filter / 絞り込み" aria-label="Filter / 絞り込み"`)
	}
	var cut page.Node
	if more > 0 {
		cut = page.El("p", `class="note cut"`, say(T{"%1 more rows are not in this report: see %2 in the archive.", "このほか %1 行はこの報告書に含まれません。アーカイブ内の %2 を参照。"}, count(more), code(item)))
	}
	return page.El("div", `class="t"`, find, fold,
		page.El("div", `class="scroll" tabindex="0"`, page.El("table", "",
			page.El("thead", "", page.El("tr", "", page.Each(cols, func(c column) page.Node {
				if c.right {
					return page.El("th", `scope="col" class="r"`, say(c.name))
				}
				return page.El("th", `scope="col"`, say(c.name))
			}))),
			page.El("tbody", "", body(rows[:first])), rest)), cut)
}

func (l row) node(cols []column) page.Node {
	return page.El("tr", page.Pick(l.level, "", "", `class="m2"`, `class="m3"`, ""), func(w *page.Writer) {
		for i, c := range l.cells {
			attrs := page.Pick(0, "")
			if i < len(cols) && cols[i].right {
				attrs = page.Pick(0, `class="r"`)
			}
			var key []page.Attr
			if c.num {
				key = []page.Attr{page.Int("data-k", "", c.key)}
			}
			page.With("td", attrs, key, c.node)(w)
		}
	})
}

// without says why a section has nothing to show: what came of its table.
func (r *rep) without(item string, nothing T) page.Node {
	t := r.m.Table(item)
	switch {
	case t.Outcome == "" && t.Rows == 0:
		why := T{"This was not taken: %1 is not in the archive.", "取得していません。%1 はアーカイブにありません。"}
		if r.sealedOff() {
			why = T{"The archive is encrypted, and nobody gave an identity that opens it: whether it has %1 is not known.", "アーカイブは暗号化され、復号鍵が与えられていないため、%1 の有無は分かりません。"}
		} else if r.cut() {
			why = T{"%1 is not in the authentic part of this archive.", "%1 は、このアーカイブの真正な部分にありません。"}
		}
		return note(why, code(item))
	case t.Outcome == "collected" && t.Rows == 0 && r.dead(item):
		return note(T{"Nobody could look: the machine was not running, only its files were at hand. %1 has no row.", "確認できません: 端末は稼働しておらず、ファイルのみが対象でした。%1 に行はありません。"}, code(item))
	case t.Outcome == "collected" || t.Rows > 0:
		return note(nothing)
	}
	return note(T{"There is nothing to show: %1 is %2. %3", "表示できるものはありません。%1 の結果: %2。%3"}, code(item), outcome(t.Outcome), r.sentence(t.Note, 300))
}

// looked says whether there is anything to judge by: rows of a table, or that it was read
// to its end and is empty.
func (r *rep) looked(item string) bool {
	t := r.m.Table(item)
	return t.Rows > 0 || t.Outcome == "collected" && !r.dead(item)
}

// dead says whether a table is of a running system, and there was none: older archives have
// such tables empty, and taken.
func (r *rep) dead(item string) bool {
	return r.m.Plan.There && !r.m.Plan.Live && strings.HasPrefix(item, "volatile/")
}

// unknown is said in place of a figure of what nobody looked at.
func (r *rep) unknown() T {
	if r.sealedOff() || r.cut() {
		return T{"not known", "不明"}
	}
	return T{"not taken", "取得していません"}
}

// lacking warns that a table is not whole.
func (r *rep) lacking(item string) page.Node {
	t := r.m.Table(item)
	var list []page.Node
	if t.Outcome != "collected" && t.Outcome != "" {
		list = append(list, page.El("p", `class="note warn"`, say(T{"This table is not whole (%1): %2", "この表は完全ではありません(%1): %2"}, outcome(t.Outcome), r.sentence(t.Note, 300))))
	}
	if t.Odd > 0 {
		list = append(list, page.El("p", `class="note warn"`, say(T{"%1 rows of %2 could not be understood and are left out.", "%2 の %1 行は解釈できず、除外しました。"}, count(int64(t.Odd)), code(item))))
	}
	return page.All(list...)
}

// sealedOff says whether the contents were not seen, because they are cipher text.
func (r *rep) sealedOff() bool {
	return r.Verified != nil && strings.HasSuffix(r.Verified.Axes.Confidentiality, "contents not seen")
}

// cut says whether the archive has no end that verified.
func (r *rep) cut() bool { return r.Verified != nil && r.Verified.Seal == nil }

// unread says whether no statement of the archive could be read: nothing of it is known,
// but what its log may say.
func (r *rep) unread() bool { return r.Verified != nil && r.Verified.Genesis == nil }

// partOnly says whether what is shown is only a part of what was or should have been.
func (r *rep) partOnly() bool {
	return r.Verified != nil && (r.cut() || r.Verified.Verdict == packager.Invalid)
}

// notKnown stands where nobody could read something.
func notKnown() page.Node { return say(T{"not known", "不明"}) }

// orNotKnown is a text, or that it is not known.
func orNotKnown(s string, n page.Node) page.Node {
	if s == "" {
		return notKnown()
	}
	return n
}

func outcome(word string) page.Node {
	t, known := map[string]T{
		"collected": {"taken", "取得"}, "partial": {"partial", "一部"}, "absent": {"absent", "なし"},
		"denied": {"denied", "拒否"}, "skipped": {"skipped", "除外"}, "failed": {"failed", "失敗"},
	}[word]
	if !known {
		return page.Host(word, 20)
	}
	return say(t)
}
