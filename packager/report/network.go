package report

import (
	"strconv"
	"strings"

	"hozen/packager/report/model"
	"hozen/packager/report/page"
)

// shownSockets bounds the rows of a table of connections.
const shownSockets = 2000

func scope(word string) page.Node {
	t, known := map[string]T{
		"public": {"outside", "外部"}, "private": {"local network", "内部網"}, "own": {"this machine", "端末内"}, "none": {"waiting", "待受"},
		"link-local": {"local network", "内部網"}, "multicast": {"multicast", "マルチキャスト"}, "loopback": {"this machine", "端末内"},
	}[word]
	if !known {
		return page.Host(word, 20)
	}
	return say(t)
}

// connections is section 8.
func (r *rep) connections() page.Node {
	const item = "volatile/sockets.jsonl"
	all := r.m.Sockets
	if len(all) == 0 {
		return section(8, titles()[7], r.without(item, T{"No socket over IP was open.", "IP のソケットは開かれていませんでした。"}), r.lacking(item))
	}
	return section(8, titles()[7],
		p(T{"What was open at the moment of the collection. Short connections that had ended are not here.", "収集の瞬間に開いていたものです。既に終了した短い通信は含まれません。"}), r.lacking(item),
		sub(T{"By remote address", "通信先別"}), r.peers(item),
		sub(T{"By process", "プロセス別"}), r.sockets(all, item))
}

func (r *rep) peers(item string) page.Node {
	peers := r.m.Peers()
	more := int64(max(0, len(peers)-shownSockets))
	var rows []row
	for _, q := range peers[:min(len(peers), shownSockets)] {
		var ports []string
		for _, n := range q.Ports {
			ports = append(ports, strconv.FormatInt(n, 10))
		}
		l := row{cells: []cell{c(code(q.Addr)), c(scope(q.Scope)), c(page.Host(strings.Join(ports, ", "), 100)), num(int64(q.Sockets)), bytesIf(q.HasBytes, q.Sent), bytesIf(q.HasBytes, q.Received), c(host(strings.Join(q.Who, ", ")))}}
		rows = append(rows, l)
	}
	if len(rows) == 0 {
		return note(T{"Nobody was spoken to.", "通信相手はありませんでした。"})
	}
	return r.table([]column{{name: T{"Address", "アドレス"}}, {name: T{"Where", "所在"}}, {name: T{"Ports", "ポート"}}, {T{"Sockets", "数"}, true}, {T{"Sent", "送信"}, true}, {T{"Received", "受信"}, true}, {name: T{"Processes", "プロセス"}}}, rows, 25, more, item)
}

func bytesIf(known bool, n int64) cell {
	if !known {
		return cell{node: page.Text("–"), key: -1, num: true}
	}
	return size(n)
}

func (r *rep) sockets(all []model.Socket, item string) page.Node {
	more := int64(max(0, len(all)-shownSockets) + r.m.Table(item).Cut)
	var rows []row
	for _, s := range all[:min(len(all), shownSockets)] {
		var who page.Node = say(T{"no process", "プロセスなし"})
		if s.PID >= 0 {
			who = page.All(page.Host(s.Name, 60), page.Text(" "), page.With("a", "", []page.Attr{page.Int("href", "#p", s.PID)}, page.Text(strconv.FormatInt(s.PID, 10))))
		}
		l := row{cells: []cell{c(who), c(page.Host(s.Protocol, 20)), c(page.Host(s.State, 20)), c(code(s.Local)), c(code(s.Remote)), c(scope(s.Scope)), bytesIf(s.HasBytes, s.Sent)}}
		rows = append(rows, l)
	}
	return r.table([]column{{name: T{"Process", "プロセス"}}, {name: T{"Protocol", "プロトコル"}}, {name: T{"State", "状態"}}, {name: T{"Here", "自端末側"}}, {name: T{"There", "相手側"}}, {name: T{"Where", "所在"}}, {T{"Sent", "送信"}, true}}, rows, 25, more, item)
}

// left is section 9.
func (r *rep) left() page.Node {
	const item, open = "network/remotes.jsonl", "volatile/sockets.jsonl"
	var out []page.Node
	if len(r.m.Remotes) > 0 {
		var rows []row
		for _, q := range r.m.Remotes[:min(len(r.m.Remotes), shownSockets)] {
			l := row{cells: []cell{c(page.All(code(q.Addr), page.El("div", `class="note"`, page.Host(q.Names, 160)))), c(scope(q.Scope)), size(q.Out), size(q.In), num(q.Flows), c(page.Host(q.Ports, 100)), c(host(q.Who)), c(page.All(when(q.First), page.Text(" – "), when(q.Last)))}}
			rows = append(rows, l)
		}
		out = append(out, sub(T{"Seen on the wire while it was captured", "パケットの記録中に観測された通信"}), r.lacking(item),
			r.table([]column{{name: T{"Remote", "相手"}}, {name: T{"Where", "所在"}}, {T{"Out", "送信"}, true}, {T{"In", "受信"}, true}, {T{"Flows", "フロー"}, true}, {name: T{"Ports", "ポート"}}, {name: T{"Processes", "プロセス"}}, {name: T{"When (UTC)", "期間 (UTC)"}}}, rows, 25, int64(max(0, len(r.m.Remotes)-shownSockets)+r.m.Table(item).Cut), item))
	} else if (r.unread() || r.cut()) && !r.looked(item) {
		out = append(out, r.without(item, T{"", ""}))
	} else if !r.looked(open) {
		out = append(out, note(T{"Packets were not captured (hozen collect --pcap), or none was seen.", "パケットは記録していないか(hozen collect --pcap)、観測されませんでした。"}))
	} else {
		out = append(out, note(T{"Packets were not captured (hozen collect --pcap), or none was seen: what follows is what the kernel counted of connections that were open at that moment.", "パケットは記録していないか(hozen collect --pcap)、観測されませんでした。以下は、その時点で開いていた接続についてカーネルが数えた値です。"}))
	}
	var rows []row
	for _, q := range r.m.Peers() {
		if q.Scope != "own" && q.HasBytes && q.Sent > 0 && len(rows) < 200 {
			rows = append(rows, row{cells: []cell{c(code(q.Addr)), c(scope(q.Scope)), size(q.Sent), size(q.Received), c(host(strings.Join(q.Who, ", ")))}})
		}
	}
	if r.m.Table(open).Rows > 0 {
		out = append(out, r.lacking(open))
	}
	if !r.looked(open) {
		out = append(out, r.without(open, T{"", ""}))
	} else if len(rows) > 0 {
		out = append(out, sub(T{"Sent over connections that were open", "開いていた接続の送信量"}),
			r.table([]column{{name: T{"Remote", "相手"}}, {name: T{"Where", "所在"}}, {T{"Sent", "送信"}, true}, {T{"Received", "受信"}, true}, {name: T{"Processes", "プロセス"}}}, rows, 25, 0, ""))
	} else {
		out = append(out, note(T{"No open connection to another machine had sent anything, or the system does not count it (Windows).", "他の端末へ送信した接続は開いていなかったか、システムが計数していません(Windows)。"}))
	}
	out = append(out, page.El("p", `class="note warn"`, say(T{"Data that left earlier, or over connections that had ended, does not show here. Ask the proxy, the firewall and the mail server.", "以前に、または終了済みの接続で出たデータはここに現れません。プロキシ・ファイアウォール・メールサーバのログを確認してください。"})))
	return section(9, titles()[8], out...)
}
