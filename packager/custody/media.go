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
	maker := join(r.Vendor, r.Model)
	en := []string{r.Name, maker, size(r.Size)}
	ja := slices.Clone(en)
	word := func(e, j string) { en, ja = append(en, e), append(ja, j) }
	if r.Serial != "" {
		word("serial "+r.Serial, "S/N "+r.Serial)
	}
	if r.Sector > 0 {
		word(fmt.Sprintf("sectors of %d bytes", r.Sector), fmt.Sprintf("セクター %d バイト", r.Sector))
	}
	if r.Bus != "" || r.USB {
		bus := r.Bus
		if r.USB {
			bus = "usb"
		}
		word("interface "+bus, "I/F "+bus)
	}
	if n := k.partitions(r.Name); n > 0 {
		word(fmt.Sprintf("partitions: %s", strings.TrimSpace(fmt.Sprint(n, " ", r.Table))), fmt.Sprintf("パーティション: %s", strings.TrimSpace(fmt.Sprint(n, " ", r.Table))))
	}
	if crypt != "" {
		word("encrypted: "+crypt, "暗号化: "+crypt)
	}
	if r.Removable {
		word("removable", "取り外し可")
	}
	if r.ReadOnly {
		word("read-only", "読み取り専用")
		add("E4", Words{r.Name + " was read-only by the system's word", r.Name + " はシステム上、読み取り専用"})
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

func (k *known) partitions(disk string) (n int) {
	for i := range k.rows {
		if k.rows[i].Partition && k.rows[i].Parent == disk {
			n++
		}
	}
	return n
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
			word(join(d.Name, d.Vendor, d.Model), join(d.Name, d.Vendor, d.Model))
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
