package custody

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hozen/packager"
	"hozen/packager/evidence"
)

// known is what an archive's tables say; facts makes answers of it.
type known struct {
	rows    []row
	counts  map[evidence.Outcome]int64
	reasons map[string]int64
	listed  bool              // whether the archive has the system's list of who is logged on
	lies    map[string][]*row // what lies on a device; nil: not looked yet
	open    map[string]string // what unlocked found
}

func (k *known) facts() (list []Fact) {
	for i := range k.rows {
		r := &k.rows[i]
		add := func(field string, w Words) {
			list = append(list, Fact{Field: field, Text: w[0], JA: w[1], From: r.from})
		}
		switch {
		case r.from == "plan.json" && r.Schema != "":
			k.ofPlan(r, add)
		case r.from == "footprint.json" && r.Schema == "hozen/footprint/1":
			add("E5", Words{
				fmt.Sprintf("the tool wrote %s to %s, and had at most %s of memory", size(r.WriteBytes), r.where()[0], size(r.PeakBytes)),
				fmt.Sprintf("ツールの書き込み %s(%s)、使用メモリ最大 %s", size(r.WriteBytes), r.where()[1], size(r.PeakBytes))})
			add("G1", k.destination(r))
		case r.from == "clock-servers.jsonl" && r.OffsetMS != nil:
			add("C3", ClockText(packager.ClockSource{Kind: r.Kind, ID: r.Server, OffsetMS: *r.OffsetMS, RTTMS: r.RTTMS}, r.MaxErrorMS))
		case r.from == "clock-servers.jsonl":
			add("C3", Words{r.Kind + " " + r.Server + " did not answer: " + r.Error, r.Kind + " " + r.Server + " は応答なし: " + r.Error})
		case r.Kind == "ntp":
			add("C3", r.synchronised())
		case r.Kind == "boot":
			add("D3", r.booted())
		case r.Kind == "clock" && r.When == "end":
			add("C3", k.drift(r))
		case r.Kind == "identity":
			add("D3", Words{join(r.OS, r.Kernel)})
		case r.loggedOn():
			who := r.User + bracketed(r.Line+r.Name)
			add("D3", Words{"logged on: " + who, "ログオン中: " + who})
		case r.Kind == "hardware":
			add("D1", labelled("asset tag ", "資産管理番号 ", r.Asset))
		case r.Kind == "tool":
			add("B1", r.account())
		case r.Kind == "power":
			add("D4", r.power())
		case r.Kind == "network_identity" && r.Name != "lo":
			add("D4", r.network())
		case r.Kind == "block", r.Kind == "disk", r.Kind == "volume":
			k.ofDisk(r, add)
		}
	}
	if slices.ContainsFunc(k.rows, func(r row) bool { return r.from == "plan.json" && r.Live }) && !slices.ContainsFunc(k.rows, func(r row) bool { return r.loggedOn() }) {
		list = append(list, k.nobody())
	}
	if w := k.outcomes(); w[0] != "" {
		list = append(list, Fact{"E6", w[0], w[1], "custody/cp/*.jsonl"})
	}
	return list
}

// loggedOn says whether a row tells of somebody who was logged on: of utmp(5), or a session
// of Windows.
func (r *row) loggedOn() bool {
	return r.User != "" && (r.Kind == "utmp" && r.TypeName == "USER_PROCESS" || r.Kind == "session" && r.State != "")
}

// nobody says why no user is named.
func (k *known) nobody() Fact {
	if k.listed {
		return Fact{"D3", "logged on: nobody, by the system's list of sessions", "ログオン中: なし (システムのセッション一覧による)", "volatile/sessions.jsonl"}
	}
	return Fact{"D3", "logged-on users: not known: the archive has no list of sessions", "ログオン利用者: 不明 (セッション一覧なし)", "plan.json"}
}

func bracketed(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

func labelled(en, ja, s string) Words {
	if s == "" {
		return Words{}
	}
	return Words{en + s, ja + s}
}

// size says a number of bytes for people, and exactly.
func size(n int64) string {
	for _, u := range []struct {
		name string
		unit int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}} {
		if n >= u.unit {
			return fmt.Sprintf("%.1f %s (%d bytes)", float64(n)/float64(u.unit), u.name, n)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

func (k *known) ofPlan(r *row, add func(string, Words)) {
	var order []string
	for _, s := range r.Steps {
		if s.Skip == "" {
			order = append(order, s.Collector)
		}
	}
	en, ja := "dead: a mounted disk, image or folder ("+r.Root+")", "停止後 (マウントしたディスク・イメージ・フォルダー "+r.Root+")"
	shieldEN, shieldJA := "the tool opens files for reading only; whether a write blocker or a read-only mount stood between is for people to say", "ツールは読み取り専用で開く。書込防止装置や読み取り専用マウントの有無は記入してください"
	if r.Live {
		en, ja = "live: the running machine", "ライブ (稼働中の端末)"
		shieldEN, shieldJA = "none: the machine was running, so no write blocker could stand between; the tool opens files for reading only and writes to its output alone", "なし: 稼働中の端末のため書込防止装置は使えない。ツールは読み取り専用で開き、出力先以外には書き込まない"
	}
	scopeEN, scopeJA := "selective", "選択取得"
	if r.Profile == "full" {
		scopeEN, scopeJA = "full", "全体"
	}
	rightEN, rightJA := "ordinary user", "一般利用者の権限"
	if r.Elevated {
		rightEN, rightJA = "as administrator or root", "管理者 (root) 権限"
	}
	command := strings.Join(r.Command, " ")
	add("E2", Words{join(en, "profile "+r.Profile+" ("+scopeEN+")", "order: "+strings.Join(order, " → ")), join(ja, "範囲 "+r.Profile+" ("+scopeJA+")", "順序: "+strings.Join(order, " → "))})
	add("E3", Words{join(command, rightEN), join(command, rightJA)})
	add("E4", Words{shieldEN, shieldJA})
	add("E7", Words{
		fmt.Sprintf("%d steps with their limits, and why %d were left out: plan.json; each item with its times: custody/cp/*.jsonl", len(order), len(r.Steps)-len(order)),
		fmt.Sprintf("%d 工程とその上限、省いた %d 工程の理由: plan.json。各項目の時刻: custody/cp/*.jsonl", len(order), len(r.Steps)-len(order))})
	if r.Live {
		add("D4", Words{"power: switched on (the tool ran on it)", "電源: 入 (この端末上でツールを実行)"})
	}
}

func (r *row) synchronised() Words {
	if r.Synchronised {
		return Words{fmt.Sprintf("the system says that its clock is synchronised, to %d ms", r.MaxErrorUS/1000), fmt.Sprintf("システムの表示: 時刻同期あり (誤差 %d ms 以内)", r.MaxErrorUS/1000)}
	}
	return Words{"the system says that its clock is not synchronised", "システムの表示: 時刻同期なし"}
}

// booted says since when the machine runs. The first number of /proc/uptime is seconds.
func (r *row) booted() Words {
	at := r.BootTime
	if n, err := strconv.ParseInt(r.Btime, 10, 40); at == "" && err == nil {
		at = time.Unix(n, 0).UTC().Format(time.RFC3339)
	}
	return labelled("switched on since ", "起動時刻 ", at)
}

// Drift is by how much the clock of a machine was set between two readings, or ran otherwise
// than its monotonic clock, to the millisecond: wall is RFC 3339, boot nanoseconds.
func Drift(wall, laterWall string, boot, laterBoot int64) (time.Duration, bool) {
	a, err := time.Parse(time.RFC3339Nano, wall)
	b, no := time.Parse(time.RFC3339Nano, laterWall)
	if err != nil || no != nil || boot == 0 || laterBoot == 0 {
		return 0, false
	}
	return (b.Sub(a) - time.Duration(laterBoot-boot)).Round(time.Millisecond), true
}

// drift compares the clocks of the beginning with those of the end.
func (k *known) drift(end *row) Words {
	for i := range k.rows {
		start := &k.rows[i]
		if start.Kind != "clock" || start.When != "start" {
			continue
		}
		d, ok := Drift(start.Wall, end.Wall, start.BootNS, end.BootNS)
		switch {
		case !ok:
		case d.Abs() > time.Second:
			return Words{fmt.Sprintf("the clock was set while evidence was taken: by %v", d), fmt.Sprintf("取得中に時計が %v 変更された", d)}
		default:
			return Words{fmt.Sprintf("the clock ran evenly while evidence was taken (%v apart from the monotonic clock)", d), fmt.Sprintf("取得中、時計は一様に進んだ (単調時計との差 %v)", d)}
		}
	}
	return Words{}
}

func (r *row) account() Words {
	if r.Rights.SID != "" {
		return Words{"account that ran the tool: SID " + r.Rights.SID, "実行アカウント: SID " + r.Rights.SID}
	}
	ids := strings.Fields(r.Rights.UIDs)
	if len(ids) == 0 {
		return Words{}
	}
	who := "UID " + ids[0]
	if ids[0] == "0" {
		who += " (root)"
	}
	if l := r.Rights.LoginUID; l != "" && l != "4294967295" && l != ids[0] { // -1: nobody logged in
		who += ", login UID " + l
	}
	return Words{"account that ran the tool: " + who, "実行アカウント: " + who}
}

func (r *row) power() Words {
	var en, ja []string
	for _, s := range r.Supplies[:min(len(r.Supplies), maxFacts)] {
		switch {
		case s.Scope == "Device": // of a mouse
		case s.Type == "Battery":
			text := "battery " + s.Name + " " + s.Status
			if s.Percent != nil {
				text += fmt.Sprintf(" %d %%", *s.Percent)
			}
			en, ja = append(en, text), append(ja, strings.Replace(text, "battery", "バッテリー", 1))
		case s.Online != nil && *s.Online:
			en, ja = append(en, s.Name+" plugged in"), append(ja, s.Name+" 接続")
		case s.Online != nil:
			en, ja = append(en, s.Name+" not plugged in"), append(ja, s.Name+" 未接続")
		}
	}
	if len(en) == 0 {
		return Words{"power supply: no battery or adapter tells of itself", "給電: バッテリー・アダプターの情報なし"}
	}
	return Words{"power supply: " + strings.Join(en, ", "), "給電: " + strings.Join(ja, "、")}
}

func (r *row) network() Words {
	own := func(a string) bool { return strings.HasPrefix(a, "127.") || strings.HasPrefix(a, "::1/") }
	if r.State == "down" && len(r.Addresses) == 0 || slices.ContainsFunc(r.Addresses, own) {
		return Words{}
	}
	text := strings.Join(slices.DeleteFunc([]string{r.Name, r.State, strings.Join(r.Addresses[:min(len(r.Addresses), 16)], " ")}, func(s string) bool { return s == "" }), " ")
	return Words{"network: " + text, "ネットワーク: " + text}
}

// outcomes say how many items there are, and what is short of the plan.
func (k *known) outcomes() Words {
	if len(k.counts) == 0 {
		return Words{}
	}
	ja := map[evidence.Outcome]string{evidence.Collected: "取得", evidence.Partial: "一部", evidence.Absent: "なし", evidence.Denied: "拒否", evidence.Skipped: "除外", evidence.Failed: "失敗"}
	var all, alle, short []string
	for o := evidence.Collected; o <= evidence.Failed; o++ {
		if n := k.counts[o]; n > 0 {
			all, alle = append(all, fmt.Sprintf("%s %d", o, n)), append(alle, fmt.Sprintf("%s %d", ja[o], n))
		}
	}
	total := int64(0)
	for c, n := range k.reasons {
		total += n
		short = append(short, fmt.Sprintf("%s %d", c, n))
	}
	slices.Sort(short)
	if total == 0 {
		return Words{strings.Join(all, ", ") + "; nothing is short of the plan", strings.Join(alle, "、") + "。計画に対する不足なし"}
	}
	return Words{fmt.Sprintf("%s; short of the plan: %d (%s), each with its reason", strings.Join(all, ", "), total, strings.Join(short, ", ")),
		fmt.Sprintf("%s。計画に対する不足 %d 件 (%s)、理由は各記録に記載", strings.Join(alle, "、"), total, strings.Join(short, "、"))}
}
