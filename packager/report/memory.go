package report

import (
	"slices"
	"strconv"
	"strings"

	"hozen/packager/report/model"
	"hozen/packager/report/page"
)

// cards is how many kinds of indicators are told at length; the others are rows of a table.
const cards = 40

// indicators is section 6.
func (r *rep) indicators() page.Node {
	const item = "memory/indicators.jsonl"
	list := r.m.Indicators
	if len(list) == 0 {
		return section(6, titles()[5], r.without(item, T{"None was found. That is no proof of health: malware in the kernel can hide from every view.", "見つかりませんでした。ただし健全の証明ではありません。カーネル内のマルウェアはあらゆる視点から隠れ得ます。"}), r.lacking(item), r.files())
	}
	groups, rest := grouped(list)
	return section(6, titles()[5],
		p(T{"Signs of what lives in memory only, the surest first. A level says how unusual a sign is, not that the machine is infected. %1: nothing benign is known to do this but debuggers and security tools. %2: unusual, somebody must look. %3: healthy machines show it, or a benign explanation fits.",
			"メモリー上にのみ存在するものの痕跡を、確からしい順に示します。段階は珍しさを表し、感染の断定ではありません。%1: デバッガーやセキュリティ製品以外に無害な例が知られていない。%2: 珍しく、確認が必要。%3: 健全な端末でも見られるか、無害な説明が当てはまる。"}, level(model.High), level(model.Medium), level(model.Low)),
		r.lacking(item),
		page.Each(groups, func(g []model.Indicator) page.Node { return r.card(g) }), r.otherIndicators(rest), r.files())
}

// grouped puts the signs of levels medium and high together that are the same on several,
// and gives the others.
func grouped(list []model.Indicator) (groups [][]model.Indicator, rest []model.Indicator) {
	type key struct {
		id    string
		level int
	}
	at := map[key]int{}
	for _, i := range list {
		k := key{i.ID, i.Level}
		n, known := at[k]
		switch {
		case i.Level < model.Medium, !known && len(groups) >= cards:
			rest = append(rest, i)
		case known:
			groups[n] = append(groups[n], i)
		default:
			at[k] = len(groups)
			groups = append(groups, []model.Indicator{i})
		}
	}
	return groups, rest
}

// card tells of one sign, and on whom it was seen.
func (r *rep) card(group []model.Indicator) page.Node {
	i := group[0]
	line := func(t T, n page.Node) page.Node {
		return page.El("p", "", page.El("span", `class="k"`, say(t), page.Text(": ")), n)
	}
	var benign []string
	for _, g := range group {
		for _, b := range g.Benign {
			if len(benign) < 12 && !slices.Contains(benign, b) {
				benign = append(benign, b)
			}
		}
	}
	other := say(T{"nothing benign is known", "無害な例は知られていません"})
	if len(benign) > 0 {
		said := make([]string, len(benign))
		for n, b := range benign {
			said[n] = r.words.Of(b)
		}
		other = inBoth(strings.Join(benign, "; "), strings.Join(said, "。"), 900)
	}
	var rows []row
	for _, g := range group {
		rows = append(rows, row{cells: []cell{c(subject(&g)), c(page.All(r.sentence(g.Seen, 500), views(g.Views), explainedDiv(g.Explained))), c(page.Each(g.Evidence, code))}})
	}
	return page.El("div", page.Pick(i.Level, `class="card"`, `class="card"`, `class="card m2"`, `class="card m3"`, `class="card"`),
		page.El("h3", "", level(i.Level), page.Host(i.ID, 60), page.El("span", `class="k"`, page.Host(i.Technique, 20))),
		line(T{"It means", "意味"}, say(meaning(i.ID))),
		line(T{"What else it may be", "ほかに考えられること"}, other),
		r.table([]column{{name: T{"Seen on", "対象"}}, {name: T{"What was seen", "観測された事実"}}, {name: T{"Evidence", "証拠"}}}, rows, 8, 0, ""))
}

// subject is the process or object that a sign was seen on.
func subject(i *model.Indicator) page.Node {
	if !i.HasProcess {
		return page.Host(i.Who, 120)
	}
	return page.All(page.With("a", "", []page.Attr{page.Int("href", "#p", i.PID)}, page.Text(strconv.FormatInt(i.PID, 10))), page.Text(" "), page.Host(i.Who, 60))
}

func views(list []model.Fact) page.Node {
	return page.Each(list, func(f model.Fact) page.Node {
		return page.El("div", `class="note"`, page.Host(f.Name, 80), page.Text(" → "), page.Host(f.Value, 200))
	})
}

func (r *rep) otherIndicators(list []model.Indicator) page.Node {
	var rows []row
	for _, i := range list {
		l := row{cells: []cell{c(level(i.Level)), c(page.Host(i.ID, 60)), c(subject(&i)), c(page.All(host(i.Seen), explainedDiv(i.Explained))), c(page.Each(i.Evidence[:min(len(i.Evidence), 2)], code))}}
		if i.Level >= model.Medium {
			l.level = i.Level
		}
		rows = append(rows, l)
	}
	t := r.m.Table("memory/indicators.jsonl")
	return r.table([]column{{name: T{"Level", "段階"}}, {name: T{"Sign", "痕跡"}}, {name: T{"On", "対象"}}, {name: T{"Seen", "観測"}}, {name: T{"Evidence", "証拠"}}}, rows, 12, int64(t.Cut), t.Path)
}

func explainedDiv(s string) page.Node {
	if s == "" {
		return nil
	}
	return page.El("div", `class="note"`, say(T{"explained: ", "説明: "}), host(s))
}

// files are those of disk/notable.jsonl.
func (r *rep) files() page.Node {
	const item = "disk/notable.jsonl"
	var rows []row
	for _, n := range r.m.Notable {
		rows = append(rows, row{level: n.Level, cells: []cell{c(level(n.Level)), c(page.Host(n.Kind, 40)), c(code(n.Path)), c(host(n.Seen)), c(page.Host(n.Benign, 160)), c(when(n.Changed))}})
	}
	if len(rows) == 0 {
		return page.All(sub(T{"Notable files", "注目すべきファイル"}), r.without(item, T{"None of level medium or high.", "中・高のものはありません。"}))
	}
	t := r.m.Table(item)
	return page.All(sub(T{"Notable files", "注目すべきファイル"}), r.lacking(item),
		r.table([]column{{name: T{"Level", "段階"}}, {name: T{"Kind", "種別"}}, {name: T{"File", "ファイル"}}, {name: T{"Seen", "観測"}}, {name: T{"May be", "考えられる理由"}}, {name: T{"Changed", "変更"}}}, rows, 12, int64(t.Cut), item))
}

// shownProcesses bounds the tree.
const shownProcesses = 4000

// processes is section 7.
func (r *rep) processes() page.Node {
	const item = "volatile/processes.jsonl"
	all := r.m.Processes
	if len(all) == 0 {
		return section(7, titles()[6], r.without(item, T{"The table is empty.", "表は空でした。"}), r.lacking(item))
	}
	var rows []row
	kernel, left := int64(0), int64(0)
	named := map[int64]bool{}
	for i := range all {
		q := &all[i]
		switch {
		case q.Kernel && q.Worst == 0:
			kernel++
			continue
		case len(rows) >= shownProcesses && q.Worst < model.Medium:
			left++
			continue
		}
		rows = append(rows, row{level: q.Worst, cells: []cell{c(processName(q, !named[q.PID])), {node: page.Text(strconv.FormatInt(q.PID, 10)), key: q.PID, num: true}, c(page.Host(q.User, 60)), c(when(q.Start)), c(page.All(page.El("code", "", page.Host(q.Command, 260)), marks(q)))}})
		named[q.PID] = true
	}
	var k page.Node
	if kernel > 0 {
		k = note(T{"%1 threads of the kernel without a sign are left out here.", "痕跡のないカーネルスレッド %1 件は省いています。"}, count(kernel))
	}
	return section(7, titles()[6],
		p(T{"What ran, each below the process that started it. Marked are those with an indicator of level medium or high.", "動作していたプロセスを、起動元の下に示します。段階が中・高の痕跡があるものには印があります。"}),
		k, r.lacking(item),
		r.table([]column{{name: T{"Name", "名前"}}, {T{"PID", "PID"}, true}, {name: T{"User", "利用者"}}, {name: T{"Started (UTC)", "開始 (UTC)"}}, {name: T{"Command", "コマンド"}}}, rows, 60, left+int64(r.m.Table(item).Cut), item))
}

func processName(q *model.Process, first bool) page.Node {
	depth := page.Pick(q.Depth, `class="d0"`, `class="d1"`, `class="d2"`, `class="d3"`, `class="d4"`, `class="d5"`, `class="d6"`, `class="d7"`, `class="d8"`, `class="d9"`)
	var id []page.Attr
	if first {
		id = []page.Attr{page.Int("id", "p", q.PID)}
	}
	return page.With("div", depth, id, page.El("b", "", page.Host(firstOf(q.Name, "?"), 60)))
}

func marks(q *model.Process) page.Node {
	var list []page.Node
	if q.Worst >= model.Medium {
		list = append(list, page.Text(" "), level(q.Worst))
	}
	if q.Deleted {
		list = append(list, page.El("div", `class="note"`, say(T{"the file of its image has no name any more", "実行ファイルの名前は失われています"})))
	}
	if q.Gone {
		list = append(list, page.El("div", `class="note"`, say(T{"ended while it was read", "読み取り中に終了"})))
	}
	if q.Container != "" {
		list = append(list, page.El("div", `class="note"`, say(T{"container", "コンテナ"}), page.Text(" "), page.Host(q.Container, 20)))
	}
	return page.All(list...)
}
