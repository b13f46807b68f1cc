package report

import (
	"strconv"
	"strings"

	"hozen/packager"
	"hozen/packager/report/model"
	"hozen/packager/report/page"
)

// titles are the sections, in order, as the contents name them.
//
//go:noinline
func titles() []T {
	return []T{
		{"What to do next", "次に行うこと"}, {"Verdict and anchors", "検証結果と裏付け"}, {"Completeness", "収集の完全性"}, {"Footprint of the tool", "ツールによる影響"},
		{"Host and clock", "対象端末と時計"}, {"Indicators in memory", "メモリー上の痕跡"}, {"Process tree", "プロセスツリー"}, {"Connections", "通信"}, {"What left the machine", "外部へ出たデータ"},
		{"Sessions", "ログオン"}, {"Timeline", "タイムライン"}, {"Started by itself", "自動起動"}, {"Disk encryption", "ディスク暗号化"}, {"Custody record", "保管記録と授受票"}, {"What this cannot prove", "証明できないこと"},
	}
}

func (r *rep) top() page.Node {
	return page.El("header", `class="bar"`, page.El("b", "", page.Text("Hozen 保全")),
		page.El("div", `class="langs"`, page.El("label", `for="lang-en"`, page.Text("English")), page.El("label", `for="lang-ja" lang="ja"`, page.Text("日本語"))))
}

func (r *rep) contents() page.Node {
	n := 0
	return page.El("nav", `aria-label="Contents / 目次"`, page.El("ol", "", page.Each(titles(), func(t T) page.Node {
		n++
		return page.El("li", "", page.With("a", "", []page.Attr{page.Int("href", "#s", int64(n))}, page.El("span", `class="no"`, page.Text(strconv.Itoa(n))), page.El("span", "", say(t))))
	})))
}

// head is what everybody reads: which machine, when, what came of it.
func (r *rep) head() page.Node {
	g := &r.Genesis
	if r.unread() && g.Time.Wall == "" {
		return page.All(
			page.El("h1", "", say(T{"Report on %1", "保全報告書: %1"}, page.Host(firstOf(r.Verified.Collection, r.Archive, "–"), 80))),
			p(T{"Who took it, when and from which machine is not known: no statement in it could be read.", "誰が、いつ、どの端末から収集したかは分かりません。署名された記載を読み取れませんでした。"}),
			r.band(), r.lockBand(), r.power(), r.tiles())
	}
	line := []page.Node{page.Host(strings.Join(present(g.Host.OS, g.Host.Make, g.Host.Model), " · "), 160)}
	caseOf := page.All()
	if s := strings.Join(present(g.Case, g.Evidence), " / "); s != "" {
		caseOf = page.El("p", `class="sub"`, say(T{"Case %1", "案件 %1"}, page.Host(s, 160)))
	}
	return page.All(
		page.El("h1", "", say(T{"Report on %1", "保全報告書: %1"}, page.Host(firstOf(g.Host.Name, g.Collection), 80))),
		page.El("p", `class="sub"`, line...), caseOf,
		page.El("p", `class="sub"`, say(T{"Taken %1 by %2", "収集 %1 作業者 %2"}, r.moment(g.Time.Wall), orBlankShort(g.Operator))), r.byLog(),
		r.band(), r.lockBand(), r.power(), r.tiles())
}

// byLog says that what is told of the machine and the collection is what the log says.
func (r *rep) byLog() page.Node {
	if !r.unread() || r.Genesis.Time.Wall == "" {
		return nil
	}
	return note(T{"Machine, case, people and times: as its custody log says; the contents were not seen.", "端末・案件・人・日時: 保管記録による。内容は見ていません。"})
}

func orBlankShort(s string) page.Node {
	if s == "" {
		return say(T{"(not named)", "(記載なし)"})
	}
	return page.Host(s, 80)
}

// Not inlined, for the size of the program.
//
//go:noinline
func present(list ...string) (out []string) {
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// verdictWords say in a sentence what a verdict means.
func verdictWords(v packager.Verdict) (head, text T) {
	switch v {
	case packager.Valid:
		return T{"VALID: sealed and unchanged", "VALID: 封印済み・改変なし"}, T{"Every byte is what the tool wrote, up to its seal, and the signer is trusted.", "封印まで全バイトがツールの書いたとおりで、署名者も信頼できます。"}
	case packager.ValidPartial:
		return T{"VALID-PARTIAL: unchanged, but it ends early", "VALID-PARTIAL: 改変なし、ただし途中まで"}, T{"The collection was interrupted. What is shown here is authentic up to the last signed checkpoint; what came after it is not there.", "収集は中断されました。ここに示す内容は最後の区切り署名まで真正です。それ以降はありません。"}
	case packager.UntrustedSigner:
		return T{"UNTRUSTED-SIGNER: unchanged, signed by a key that nobody has vouched for", "UNTRUSTED-SIGNER: 改変なし、署名鍵は未確認"}, T{"Everything is consistent. Compare the fingerprint with the one that was written down when the evidence was taken.", "内容は一貫しています。収集時に書き留めたフィンガープリントと照合してください。"}
	case packager.ValidOuter:
		return T{"VALID-OUTER: the encrypted file is unchanged", "VALID-OUTER: 暗号化されたファイルに改変なし"}, T{"The contents were not seen: nobody gave an identity that opens them.", "復号鍵が与えられていないため、内容は見ていません。"}
	case packager.NotEvidence:
		return T{"NOT-EVIDENCE: nothing in this file is authenticated", "NOT-EVIDENCE: 認証できる内容がありません"}, T{"No word of it may be relied on.", "内容を証拠として扱えません。"}
	}
	return T{"INVALID: it was changed", "INVALID: 改変されています"}, T{"Something contradicts what was signed. Only the part before the first contradiction is shown here: do not rely on anything else, and keep the file as it is.", "署名内容との矛盾があります。最初の矛盾より前の部分だけを示します。それ以外に依拠せず、ファイルはそのまま保管してください。"}
}

// band is the verdict, first of all.
func (r *rep) band() page.Node {
	if r.Verified == nil {
		return page.El("div", `class="band"`, page.El("p", "", page.El("strong", "", say(T{"Written before the seal", "封印前に作成"}))),
			p(T{"This report lies inside the archive that it describes. Whether that is unchanged, only %1 says.", "この報告書は、それが説明するアーカイブの中にあります。改変がないことは %1 で確認してください。"}, page.El("code", "", page.Text("hozen verify"))))
	}
	head, text := verdictWords(r.Verified.Verdict)
	attrs := page.Pick(0, `class="band bad"`)
	switch r.Verified.Verdict {
	case packager.Valid:
		attrs = page.Pick(0, `class="band good"`)
	case packager.ValidPartial, packager.UntrustedSigner, packager.ValidOuter:
		attrs = page.Pick(0, `class="band mid"`)
	}
	return page.El("div", attrs, page.El("p", "", page.El("strong", "", say(head))), p(text),
		page.Each(r.Verified.Findings[:min(len(r.Verified.Findings), 20)], func(s string) page.Node {
			return page.El("p", `class="mono"`, page.Text("! "), r.sentence(s, 500))
		}), r.lacks())
}

// lacks says beside the verdict what it does not speak of: items that were not got, and
// events that the log does not account for.
func (r *rep) lacks() page.Node {
	gaps := int64(0)
	for _, g := range r.Verified.Gaps {
		if g.Grade == packager.GradeGap {
			gaps++
		}
	}
	line := func(n int64, section int64, t T) page.Node {
		if n == 0 {
			return nil
		}
		return page.El("p", "", page.With("a", "", []page.Attr{page.Int("href", "#s", section)}, say(t, count(n))))
	}
	return page.All(line(r.m.Items.Short, 3, T{"But short of the plan: %1 items (section 3)", "ただし計画に対する不足 %1 件(第 3 章)"}),
		line(gaps, 2, T{"But gaps in the custody record: %1 (section 2)", "ただし保管記録の欠落・食い違い %1 件(第 2 章)"}))
}

// tiles are the figures that matter, each with the way to its section.
func (r *rep) tiles() page.Node {
	m := r.m
	var high, medium, low, outside int64
	for _, i := range m.Indicators {
		switch i.Level {
		case model.High:
			high++
		case model.Medium:
			medium++
		default:
			low++
		}
	}
	for _, s := range m.Sockets {
		if s.Scope == "public" {
			outside++
		}
	}
	tile := func(section, heat int, n string, label T) page.Node {
		return page.With("a", page.Pick(heat, "", `class="mid"`, `class="hot"`), []page.Attr{page.Int("href", "#s", int64(section))}, page.El("b", "", page.Text(n)), page.El("span", "", say(label)))
	}
	heat := 0
	if medium > 0 {
		heat = 1
	}
	if high > 0 {
		heat = 2
	}
	short := 0
	if m.Items.Short > 0 {
		short = 1
	}
	indicators := strconv.FormatInt(high, 10) + " / " + strconv.FormatInt(medium, 10) + " / " + strconv.FormatInt(low, 10)
	// of is the tile of a table: a figure only if somebody looked.
	of := func(item string, section, heat int, n string, label T) page.Node {
		if r.looked(item) {
			return tile(section, heat, n, label)
		}
		un := r.unknown()
		return tile(section, 0, "–", T{label[0] + ": " + un[0], label[1] + ": " + un[1]})
	}
	records := func(heat int, n int64, label T) page.Node {
		switch {
		case m.Items.All == 0 && (r.unread() || r.partOnly()):
			un := r.unknown()
			return tile(3, 0, "–", T{label[0] + ": " + un[0], label[1] + ": " + un[1]})
		case r.partOnly():
			label = T{label[0] + ", in the authentic part", label[1] + "(真正な部分)"}
		}
		return tile(3, heat, countText(n), label)
	}
	return page.El("div", `class="tiles"`,
		records(0, m.Items.Count[1], T{"items taken", "取得した項目"}),
		records(short, m.Items.Short, T{"short of the plan", "計画に対する不足"}),
		of("memory/indicators.jsonl", 6, heat, indicators, T{"indicators: high / medium / low", "痕跡: 高 / 中 / 低"}),
		of("volatile/processes.jsonl", 7, 0, countText(int64(len(m.Processes))), T{"processes", "プロセス"}),
		of("volatile/sockets.jsonl", 8, 0, countText(outside), T{"sockets with public addresses", "外部アドレスとの通信"}),
		of("disk/timeline.jsonl", 11, 0, countText(m.Timeline.Newer), T{"files changed in the last 14 days", "直近 14 日に変わったファイル"}))
}

func (r *rep) foot() page.Node {
	made := page.All()
	if !r.Made.IsZero() {
		made = r.at(r.Made)
	}
	return page.El("footer", "", p(T{"Made %1 by %2. Times are UTC unless they say otherwise, by the clock of the examined machine. Text of that machine is shown as it is; characters that would not be seen stand as %3.", "作成 %1 (%2)。時刻は断りがなければ UTC で、対象端末の時計によります。端末由来の文字列はそのまま示し、見えない文字は %3 のように表します。"},
		made, page.Host(r.Tool, 120), page.Host("\u202e", 5)))
}
