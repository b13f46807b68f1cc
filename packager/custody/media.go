package custody

import (
	"fmt"
	"slices"
	"strings"
)

// ofDisk says what a disk or volume is, and whether it was attached from outside. Partitions
// are told with their disk.
func (k *known) ofDisk(r *row, add func(string, Words)) {
	crypt := r.crypt()
	if r.Partition || r.Size == 0 || r.Kind == "block" && crypt == "" && len(r.Slaves) > 0 {
		return
	}
	if r.Kind == "volume" {
		if crypt != "" {
			add("D2", Words{join(strings.Join(r.Mounted, " "), "encrypted: "+crypt), join(strings.Join(r.Mounted, " "), "暗号化: "+crypt)})
		}
		return
	}
	maker := join(r.maker(), r.Model)
	en := []string{r.Name, maker, size(r.Size)}
	ja := slices.Clone(en)
	word := func(e, j string) { en, ja = append(en, e), append(ja, j) }
	if r.Serial != "" {
		word("serial "+r.Serial, "S/N "+r.Serial)
	}
	if r.Sector > 0 {
		word(fmt.Sprintf("sectors of %d bytes", r.Sector), fmt.Sprintf("セクター %d バイト", r.Sector))
	}
	if bus := r.bus(); bus != "" {
		word("interface "+bus, "I/F "+bus)
	}
	if n, list := k.partitions(r.Name); n > 0 {
		text := strings.TrimSpace(fmt.Sprint(n, " ", r.Table)) + bracketed(list)
		word("partitions: "+text, "パーティション: "+text)
	} else if r.Kind == "block" && r.physical() {
		word("no partitions", "パーティションなし")
	}
	switch open := k.unlockedOnce(r.Name); {
	case crypt != "":
		word("encrypted: "+crypt, "暗号化: "+crypt)
	case open != "":
		word("encrypted, open now: "+open, "暗号化 (復号済み): "+open)
	case r.Kind == "block" && r.physical():
		word("no open encryption seen (locked volumes and a disk's own encryption do not show)", "復号済みの暗号化ボリュームなし (ロック中のボリュームやディスク自体の暗号化は判別不可)")
	}
	if r.Removable {
		word("removable", "取り外し可")
	}
	if r.ReadOnly {
		word("read-only", "読み取り専用")
		add("E4", Words{r.Name + " was read-only by the system's word", r.Name + " はシステム上、読み取り専用"})
	}
	if missing := r.unknown(); missing[0] != "" {
		word("not known: "+missing[0], "不明: "+missing[1])
	}
	add("D2", Words{join(en...), join(ja...)})
	if r.Removable || r.USB || r.Bus == "usb" {
		add("D4", Words{"attached medium: " + join(r.Name, maker), "接続媒体: " + join(r.Name, maker)})
	}
}

func (r *row) crypt() string {
	if r.Crypt != "" {
		return r.Crypt
	}
	return r.Encryption
}

// maker is who made a disk, by its name: the number of a PCI vendor, as virtio gives it, is
// none.
func (r *row) maker() string {
	if strings.HasPrefix(r.Vendor, "0x") {
		return ""
	}
	return r.Vendor
}

// bus is what a disk is connected by. On Linux the way to it in /sys says so.
func (r *row) bus() string {
	switch {
	case r.USB:
		return "usb"
	case r.Bus != "":
		return r.Bus
	}
	for _, b := range []struct{ part, name string }{{"/usb", "usb"}, {"/ata", "ata"}, {"/nvme", "nvme"}, {"/mmc", "mmc"}, {"/virtio", "virtio"}, {"/target", "scsi"}} {
		if strings.Contains(r.Sysfs, b.part) {
			return b.name
		}
	}
	return ""
}

// physical says whether a device can be held in the hand, or is given to a virtual machine
// as if it could: no mapping, no loop, no memory.
func (r *row) physical() bool {
	return r.Kind == "disk" || r.Sysfs != "" && !strings.Contains(r.Sysfs, "/virtual/")
}

// unknown names what D2 asks for and the system did not say.
func (r *row) unknown() (missing Words) {
	if !r.physical() {
		return missing
	}
	var en, ja []string
	for _, p := range []struct {
		known  bool
		en, ja string
	}{
		{r.maker() != "", "maker", "メーカー"}, {r.Model != "", "model", "型番"}, {r.Serial != "", "serial", "S/N"},
		{r.Sector > 0, "sector size", "セクターサイズ"}, {r.bus() != "", "interface", "I/F"}, {r.Table != "", "kind of partition table", "パーティション形式"},
	} {
		if !p.known {
			en, ja = append(en, p.en), append(ja, p.ja)
		}
	}
	return Words{strings.Join(en, ", "), strings.Join(ja, "、")}
}

// namedPartitions is how many partitions of a disk are named.
const namedPartitions = 8

func (k *known) partitions(disk string) (n int, list string) {
	var named []string
	for _, r := range k.on(disk) {
		if r.Partition {
			if n++; n <= namedPartitions {
				named = append(named, r.Name+" "+size(r.Size))
			}
		}
	}
	if n > namedPartitions {
		named = append(named, "…")
	}
	return n, strings.Join(named, "; ")
}

// on gives what lies on a device or is made of it.
func (k *known) on(device string) []*row {
	if k.lies == nil {
		k.lies = map[string][]*row{}
		for i := range k.rows {
			r := &k.rows[i]
			if r.Partition {
				k.lies[r.Parent] = append(k.lies[r.Parent], r)
			}
			for _, below := range r.Slaves {
				k.lies[below] = append(k.lies[below], r)
			}
		}
	}
	return k.lies[device]
}

// followed is how many devices that lie on one are looked at: the table is the host's word, and
// may go round in circles.
const followed = 1000

// unlockedOnce is unlocked, looked for once for each name.
func (k *known) unlockedOnce(device string) string {
	open, known := k.open[device]
	if !known {
		if k.open == nil {
			k.open = map[string]string{}
		}
		open = k.unlocked(device)
		k.open[device] = open
	}
	return open
}

// unlocked is the encryption that is open on a device, its partitions, or what is made of them.
func (k *known) unlocked(device string) string {
	seen := map[string]bool{device: true}
	for next := []string{device}; len(next) > 0; next = next[1:] {
		for _, r := range k.on(next[0]) {
			if r.Crypt != "" {
				return r.Crypt + " " + r.Name
			}
			if len(seen) == followed {
				return ""
			}
			if !seen[r.Name] {
				seen[r.Name] = true
				next = append(next, r.Name)
			}
		}
	}
	return ""
}

// where says what kind of place the output is.
func (r *row) where() Words {
	switch {
	case r.Output == "" || r.Output == "-":
		return Words{"another machine, by the network", "ネットワーク経由で別の端末"}
	case r.InMemory:
		return Words{"its output in the machine's own memory", "この端末のメモリー上の出力先"}
	case r.Network:
		return Words{"its output on a network share", "ネットワーク共有上の出力先"}
	case r.OnHost:
		return Words{"its output on a disk of the examined machine", "対象端末自身のディスク上の出力先"}
	}
	return Words{"its output on another medium", "別の媒体上の出力先"}
}

// destination is what is known of the medium that the archive was written to.
func (k *known) destination(r *row) Words {
	if r.Output == "" || r.Output == "-" {
		return Words{"sent to another machine; nothing was kept on this one", "別の端末へ送信。この端末には残していない"}
	}
	where := r.where()
	en := []string{r.Output, strings.TrimPrefix(where[0], "its output "), r.FileSystem}
	ja := []string{r.Output, strings.TrimSuffix(where[1], "の出力先"), r.FileSystem}
	word := func(e, j string) { en, ja = append(en, e), append(ja, j) }
	crypt, looked := "", false
	for i := range k.rows {
		d := &k.rows[i]
		carries := r.Disk != "" && d.Name == r.Disk || r.OutDevice != "" && d.Device == r.OutDevice || d.Kind == "volume" && slices.Contains(d.Mounted, r.Source)
		switch {
		case d.from != "volatile/kernel/block.jsonl" || !carries:
			continue
		case d.crypt() != "":
			crypt = d.crypt()
		}
		looked = true
		if d.Name == r.Disk {
			word(join(d.Name, d.maker(), d.Model), join(d.Name, d.maker(), d.Model))
			if d.Serial != "" {
				word("serial "+d.Serial, "S/N "+d.Serial)
			}
		}
	}
	switch {
	case crypt != "":
		word("encrypted: "+crypt, "暗号化: "+crypt)
	case !looked:
		word("whether it is encrypted was not looked at", "暗号化の有無は未調査")
	case r.Disk != "":
		word("no encryption of the medium was seen", "媒体の暗号化は見当たらない")
	}
	if r.OnStick {
		word("removable", "取り外し可")
	}
	return Words{join(en...), join(ja...)}
}
