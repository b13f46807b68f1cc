package volatile

import (
	"encoding/binary"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"hozen/packager/evidence"
)

func u32b(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// TestLinkAttributes holds what no recorded link has: attached XDP programs and
// other kinds of link. The bytes are laid out after if_link.h.
func TestLinkAttributes(t *testing.T) {
	xdp := func(attrs ...[]byte) (out []byte) {
		for _, a := range attrs {
			out = append(out, a...)
		}
		return nlAttr(nil, 43, out)
	}
	info := func(kind string, data []byte) []byte {
		return nlAttr(nil, 18, nlAttr(nlAttr(nil, 1, []byte(kind+"\x00")), 2, data))
	}
	for name, c := range map[string]struct {
		attrs []byte
		want  string
	}{
		"generic program": {xdp(nlAttr(nil, 2, []byte{2}), nlAttr(nil, 4, u32b(7)), nlAttr(nil, 6, u32b(7))), `"xdp":[{"mode":"generic","program_id":7}]`},
		"old kernel":      {xdp(nlAttr(nil, 2, []byte{1}), nlAttr(nil, 4, u32b(9))), `"xdp":[{"mode":"driver","program_id":9}]`},
		"several": {xdp(nlAttr(nil, 2, []byte{4}), nlAttr(nil, 5, u32b(1)), nlAttr(nil, 6, u32b(2))),
			`"xdp":[{"mode":"driver","program_id":1},{"mode":"generic","program_id":2}]`},
		"nothing attached":  {xdp(nlAttr(nil, 2, []byte{0})), `"operstate":"unknown"`},
		"vlan":              {info("vlan", nlAttr(nil, 1, []byte{42, 0})), `"info":{"id":42}`},
		"tap":               {info("tun", nlAttr(nlAttr(nil, 1, u32b(1000)), 3, []byte{2})), `"info":{"owner":1000,"tun_type":"tap"}`},
		"gre":               {info("gre", nlAttr(nlAttr(nil, 6, []byte{192, 0, 2, 1}), 7, []byte{192, 0, 2, 9})), `"info":{"local":"192.0.2.1","remote":"192.0.2.9"}`},
		"permanent address": {nlAttr(nil, 54, []byte{2, 0, 0, 0, 0, 1}), `"permanent_mac":"02:00:00:00:00:01"`},
		"peer":              {nlAttr(nil, 37, u32b(3)), `"link_netnsid":3,"link_netns":4026532000`},
	} {
		t.Run(name, func(t *testing.T) {
			var tally evidence.Tally
			var got []byte
			d := newNetDecoder(1, &tally, func(r any) { got, _ = json.Marshal(r) })
			d.nsids([]byte("3 4026532000\n"))
			d.rtnetlink(appendMessage(nil, 16, 0, 1, append(make([]byte, 16), c.attrs...)))
			if !strings.Contains(string(got), c.want) || strings.Contains(string(got), `"xdp"`) != strings.Contains(c.want, `"xdp"`) {
				t.Errorf("%s\nhas not %s", got, c.want)
			}
		})
	}
}

// TestDamagedMessages: what is no message is counted, and what came before it is kept.
func TestDamagedMessages(t *testing.T) {
	good := appendMessage(nil, 16, 0, 1, make([]byte, 16))
	after := func(tail []byte) []byte { return append(append([]byte{}, good...), tail...) }
	for name, c := range map[string]struct {
		raw  []byte
		rows int
	}{
		"cut":         {good[:20], 0},
		"long length": {after([]byte{0xff, 0xff, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 1},
		"short body":  {after(appendMessage(nil, 24, 0, 1, make([]byte, 4))), 1},
	} {
		var tally evidence.Tally
		rows := 0
		newNetDecoder(1, &tally, func(any) { rows++ }).rtnetlink(c.raw)
		if tally.Err() == nil || rows != c.rows {
			t.Errorf("%s: %d rows, want %d; %v", name, rows, c.rows, tally.Err())
		}
	}
}

func TestFilterParents(t *testing.T) {
	got := filterParents(fixture(t, "qdisc.nl"))
	want := []filterParent{{3, 0xfffffff2}, {3, 0xfffffff3}, {5, 0x80010000}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestNftSets(t *testing.T) {
	var names []string
	for _, s := range nftSets(fixture(t, "nft.nl")) {
		names = append(names, s.table+"."+s.name)
	}
	if got := strings.Join(names, " "); got != "hz.bad4 hz.nets hz.ports hz.redir hz.__set0" {
		t.Error(got)
	}
}
