package report

import (
	"strconv"
	"strings"
	"time"

	"hozen/packager/custody"
	"hozen/packager/report/model"
	"hozen/packager/report/page"
)

// host is section 5.
func (r *rep) host() page.Node {
	g := &r.Genesis.Host
	m := r.m
	f := func(t T, own, name string) fact {
		s := firstOf(own, m.Host.Is(name))
		if s == "" {
			return fact{}
		}
		return fact{t, page.Host(s, 300)}
	}
	var whence page.Node
	if r.unread() && r.Genesis.Time.Wall == "" {
		whence = note(T{"Nothing is known of the machine: no statement in the archive could be read.", "端末については不明です。アーカイブ内の署名された記載を読み取れませんでした。"})
	}
	return section(5, titles()[4], whence, r.byLog(),
		facts(f(T{"Name", "ホスト名"}, g.Name, "name"), f(T{"System", "OS"}, g.OS, "os"), f(T{"Kernel", "カーネル"}, g.Kernel, "kernel"),
			f(T{"Maker", "メーカー"}, g.Make, "maker"), f(T{"Model", "型番"}, g.Model, "model"), f(T{"Serial number", "製造番号 (S/N)"}, g.Serial, "serial"), f(T{"Asset tag", "資産管理番号"}, "", "tag"),
			f(T{"Processor", "CPU"}, "", "cpu"), f(T{"Memory", "メモリー"}, "", "memory"), f(T{"Virtual machine", "仮想環境"}, "", "virtual"),
			f(T{"Machine ID", "マシン ID"}, g.MachineID, "machine_id"), f(T{"Boot ID", "起動 ID"}, g.BootID, "boot_id"),
			f(T{"MAC addresses", "MAC アドレス"}, strings.Join(g.MACs, ", "), "mac"), f(T{"IP addresses", "IP アドレス"}, strings.Join(g.IPs, ", "), "ip")),
		sub(T{"Clock", "時計"}), r.clock(), r.disks())
}

func (r *rep) clock() page.Node {
	m := r.m
	list := []fact{{T{"Zone", "タイムゾーン"}, orBlank(firstOf(r.Genesis.Host.Zone, m.Host.Zone))}}
	for _, c := range m.Clocks {
		label := map[string]T{"start": {"At the beginning", "開始時"}, "end": {"At the end", "終了時"}}[c.When]
		if label[0] != "" {
			list = append(list, fact{label, r.moment(c.Wall)})
		}
	}
	if d, ok := drift(m.Clocks); ok {
		word := T{"the clock ran evenly meanwhile (%1 apart from the monotonic clock)", "収集中、時計は一様に進みました(単調時計との差 %1)"}
		if d.Abs() > time.Second {
			word = T{"the clock was set meanwhile: by %1", "収集中に時計が変更されました: %1"}
		}
		list = append(list, fact{T{"Meanwhile", "収集中"}, say(word, page.Text(d.String()))})
	}
	if s := m.Host.Is("synced"); s != "" {
		word := T{"not synchronised, as the system says", "同期していない(システムの表示)"}
		if s == "yes" {
			word = T{"synchronised, as the system says", "同期している(システムの表示)"}
		}
		list = append(list, fact{T{"Network time", "時刻同期"}, say(word)})
	}
	if s := m.Host.Is("uptime"); s != "" {
		list = append(list, fact{T{"Running since, or for", "起動時刻・稼働時間"}, page.Host(s, 60)})
	}
	for _, e := range r.Events {
		if !r.vouched(e.Seq) {
			continue
		}
		for _, s := range e.Time.Sources {
			if len(list) < 24 {
				list = append(list, fact{T{"Other clock", "他の時計との差"}, hostWords(custody.ClockText(s, e.Time.MaxErrorMS))})
			}
		}
	}
	list = append(list, fact{T{"Compared with a reference by hand", "標準時との比較(手書き)"}, blank()})
	return facts(list...)
}

// drift is by how much the wall clock went otherwise than the monotonic one.
func drift(list []model.Clock) (time.Duration, bool) {
	var first, last *model.Clock
	for i := range list {
		switch list[i].When {
		case "start":
			first = &list[i]
		case "end":
			last = &list[i]
		}
	}
	if first == nil || last == nil {
		return 0, false
	}
	return custody.Drift(first.Wall, last.Wall, first.BootNS, last.BootNS)
}

func (r *rep) disks() page.Node {
	var rows []row
	for _, d := range r.m.Disks {
		l := row{cells: []cell{c(code(d.Name)), c(host(d.About)), size(d.Size), c(host(d.Serial)), c(host(d.Mounted)), c(cryptWords(d))}}
		if d.Locks {
			l.level = 3
		}
		rows = append(rows, l)
	}
	if len(rows) == 0 {
		return nil
	}
	return page.All(sub(T{"Disks and volumes", "ディスクとボリューム"}), r.table([]column{{name: T{"Name", "名称"}}, {name: T{"Model", "型番・内容"}}, {T{"Size", "容量"}, true}, {name: T{"Serial", "S/N"}}, {name: T{"Mounted at", "マウント先"}}, {name: T{"Encryption", "暗号化"}}},
		rows, 12, int64(r.m.Table("volatile/kernel/block.jsonl").Cut), "volatile/kernel/block.jsonl"))
}

func cryptWords(d model.Disk) page.Node {
	switch {
	case d.Crypt == "":
		return page.Text("–")
	case d.Locks:
		return page.All(page.Host(d.Crypt, 40), page.Text(" "), page.El("b", "", say(T{"unlocked now", "今は復号中"})))
	}
	return page.Host(d.Crypt, 40)
}

// lockBand warns at the top of disks that lock at power-off.
func (r *rep) lockBand() page.Node {
	list := r.m.Locking()
	if len(list) == 0 {
		return nil
	}
	return page.El("div", `class="band bad"`, page.El("p", "", page.El("strong", "", say(T{"Do not switch off before the key is secured", "鍵を確保するまで電源を切らないこと"}))),
		p(T{"%1 is unlocked now and locks at power-off: without its recovery key its contents are lost. See section 13.", "%1 は今、復号されており、電源を切るとロックされます。回復キーがなければ内容を失います。第 13 章を参照。"}, page.Host(names(list), 200)))
}

func names(list []model.Disk) string {
	var out []string
	for _, d := range list[:min(len(list), 8)] {
		s := d.Name
		if d.Mounted != "" {
			s += " (" + d.Mounted + ")"
		}
		out = append(out, s)
	}
	if len(list) > 8 {
		out = append(out, "… +"+strconv.Itoa(len(list)-8))
	}
	return strings.Join(out, ", ")
}

// encryption is section 13.
func (r *rep) encryption() page.Node {
	const item = "volatile/kernel/block.jsonl"
	list := r.m.Locking()
	if len(list) == 0 {
		if len(r.m.Disks) == 0 {
			return section(13, titles()[12], r.without(item, T{"No disk was listed.", "ディスクの一覧は空でした。"}), r.lacking(item))
		}
		return section(13, titles()[12], p(T{"None of the %1 disks and volumes that were listed is seen to lock at power-off. Encryption of single folders, or in the disk itself (Opal), is not seen here: ask before switching off.", "一覧の %1 件のディスク・ボリュームに、電源を切るとロックされるものは見当たりません。フォルダー単位の暗号化やディスク内蔵の暗号化(Opal)はここでは分かりません。電源を切る前に確認してください。"}, count(int64(len(r.m.Disks)))), r.lacking(item))
	}
	var rows []row
	for _, d := range list {
		rows = append(rows, row{level: 3, cells: []cell{c(code(d.Name)), c(page.Host(d.Crypt, 60)), c(host(d.Mounted)), size(d.Size), c(blank())}})
	}
	return section(13, titles()[12],
		page.El("div", `class="band bad"`, page.El("p", "", page.El("strong", "", say(T{"These lock at power-off", "電源を切るとロックされます"}))),
			p(T{"Before anybody switches the machine off: get the recovery key from the owner or the directory (BitLocker: manage-bde -protectors -get; LUKS: the passphrase), write down where it is kept, or copy the files while it runs.", "電源を切る前に、所有者またはディレクトリから回復キーを入手し(BitLocker: manage-bde -protectors -get、LUKS: パスフレーズ)、保管場所を記録するか、稼働中にファイルを複製してください。"})),
		r.table([]column{{name: T{"Name", "名称"}}, {name: T{"Encryption", "暗号化"}}, {name: T{"Mounted at", "マウント先"}}, {T{"Size", "容量"}, true}, {name: T{"Key secured by, at", "鍵の確保(氏名・日時)"}}}, rows, 20, 0, ""))
}
