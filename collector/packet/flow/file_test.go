package flow

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An expectation is what capinfos and tshark say of a file.
type expectation struct {
	Capinfos []string       `json:"capinfos"` // type, encapsulation, packets, bytes on the wire, seconds, first, last
	Error    string         `json:"capinfos_err"`
	DNS      map[string]int `json:"dns_queries"`
	TCP      *int           `json:"tshark_tcp_conversations"`
	UDP      *int           `json:"tshark_udp_conversations"`
}

func expectations(t *testing.T) map[string]expectation {
	t.Helper()
	text, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Results map[string]expectation `json:"results"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]expectation{}
	for name, e := range all.Results {
		dir := "zeek"
		if strings.Contains(name, "malformed") {
			dir = "malformed"
		}
		out["testdata/"+dir+"/"+filepath.Base(name)] = e
	}
	return out
}

// A tally is what capinfos prints, made from our own reading.
type tally struct {
	ifaces, packets, bytes int
	first, last            time.Time
	link                   uint16
	err                    error
}

func tallyOf(r io.Reader) (c tally) {
	c.err = readCapture(context.Background(), r, func(p *filePacket) {
		if c.packets++; c.packets == 1 || p.at.Before(c.first) {
			c.first = p.at
		}
		if p.at.After(c.last) {
			c.last = p.at
		}
		c.bytes += p.length
		c.link = p.link
	}, func(int, string) { c.ifaces++ })
	return c
}

// encapsulations are capinfos' words for link types.
func encapsulations() map[uint16]string {
	return map[uint16]string{0: "null", 1: "ether", 8: "slip", 9: "ppp", 11: "atm-rfc1483", 100: "atm-rfc1483", 101: "rawip", 105: "ieee-802-11",
		113: "linux-sll", 137: "juniper-atm1", 229: "rawip6"}
}

func TestFilesAgreeWithCapinfos(t *testing.T) {
	files := 0
	for name, want := range expectations(t) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files++
		got := tallyOf(bytes.NewReader(b))
		if want.Error != "" {
			// Capinfos reads no file of link type 182 (Frame Relay of 3GPP's kind). The file itself is whole:
			// its one packet is read, and counted as one of a link type that is not known.
			if got.err != nil || got.packets != 1 || got.link != 182 {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		if filepath.Base(name) == "pim_header_asan-2.pcap" {
			// Tshark gives packet 1 the time 1509949443.999999 and packet 2 4.999999, as we do; the summary of
			// capinfos takes first and last from the third packet alone.
			if got.first.UnixMicro() != 4_999_999 {
				t.Errorf("%s: the first packet is of %v", name, got.first)
			}
			got.first = got.last
		}
		const form = "2006-01-02 15:04:05.000000"
		text := []string{encapsulations()[got.link], strconv.Itoa(got.packets), strconv.Itoa(got.bytes), got.first.UTC().Format(form), got.last.UTC().Format(form)}
		c := want.Capinfos
		first, last := c[5][:len(form)], c[6][:len(form)]
		if expected := []string{c[1], c[2], c[3], first, last}; !slices.Equal(text, expected) || got.err != nil {
			t.Errorf("%s: %v, %v; capinfos says %v", name, text, got.err, expected)
		}
	}
	if files < 50 {
		t.Errorf("only %d files", files)
	}
}

// TestConversationsAgreeWithTshark counts the pairs of ends, and the questions of DNS.
func TestConversationsAgreeWithTshark(t *testing.T) {
	differ := map[string]string{
		// Tshark follows Teredo only where it begins on port 3544; Zeek and we look at what is in the datagrams.
		"tunnels-Teredo.pcap":                     "5 7",
		"tunnels-teredo_bubble_with_payload.pcap": "1 3",
		// Two of tshark's four are the same questions, quoted by ICMP's port unreachable.
		"tunnels-gre-sample.pcap": "www.gleeble.org 2",
	}
	compared := 0
	for name, want := range expectations(t) {
		if want.TCP == nil {
			continue
		}
		compared++
		s := tablesOf(t, name, Options{})
		count := map[string]map[flowKey]bool{"tcp": {}, "udp": {}}
		for _, r := range rowsOf[FlowRow](t, s, "flows") {
			if pairs := count[r.Proto]; pairs != nil {
				d := datagram{src: netip.MustParseAddr(r.Orig), dst: netip.MustParseAddr(r.Resp)}
				key, _ := makeKey(&d, r.OrigPort, r.RespPort, false)
				pairs[key] = true
			}
		}
		asked := map[string]int{}
		for _, r := range rowsOf[DNSRow](t, s, "dns") {
			if r.Asked {
				asked[r.Query]++
			}
		}
		got := fmt.Sprint(len(count["tcp"]), " ", len(count["udp"]))
		if expected := fmt.Sprint(*want.TCP, " ", *want.UDP); got != expected && differ[filepath.Base(name)] != got {
			t.Errorf("%s: %s conversations of TCP and UDP; tshark has %s", name, got, expected)
		}
		for query, n := range want.DNS {
			if asked[query] != n && differ[filepath.Base(name)] != fmt.Sprint(query, " ", asked[query]) {
				t.Errorf("%s: %q asked %d times; tshark has %d", name, query, asked[query], n)
			}
		}
	}
	if compared < 25 {
		t.Errorf("only %d files compared", compared)
	}
}

// ng makes a pcapng file.
type ng struct {
	bytes.Buffer
	order binary.ByteOrder
}

func (n *ng) block(kind uint32, body ...any) {
	var b bytes.Buffer
	for _, v := range body {
		_ = binary.Write(&b, n.order, v) // a bytes.Buffer takes all
	}
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
	size := uint32(b.Len() + 12)
	for _, v := range []any{kind, size, b.Bytes(), size} {
		_ = binary.Write(n, n.order, v)
	}
}

// ngFile has two sections of different byte order, in each two interfaces of different
// resolution, packets of all three kinds and blocks of other kinds.
func ngFile() []byte {
	n := &ng{order: binary.LittleEndian}
	packet := udp4(netip.MustParseAddrPort("10.0.0.1:1000"), netip.MustParseAddrPort("10.0.0.2:2000"), []byte("hi"))
	for range 2 {
		n.block(ngSection, uint32(ngOrder), uint16(1), uint16(0), int64(-1))
		n.block(ngInterface, uint16(linkRaw), uint16(0), uint32(0), uint16(2), uint16(3), []byte("lo\n\x00"), uint16(0), uint16(0))
		n.block(ngInterface, uint16(linkRaw), uint16(0), uint32(0), uint16(9), uint16(1), []byte{0x80 | 10, 0, 0, 0}, uint16(14), uint16(8), int64(100))
		n.block(0x40000bad, uint32(1), []byte("abcde"))
		n.block(4, []byte{0, 0, 0, 0})
		n.block(ngEnhanced, uint32(0), uint32(0), uint32(2_500_000), uint32(len(packet)), uint32(len(packet)), packet)
		n.block(ngSimple, uint32(len(packet)), packet)
		n.block(ngPacket, uint16(1), uint16(0), uint32(0), uint32(5<<10|512), uint32(len(packet)), uint32(len(packet)), packet)
		n.order = binary.BigEndian
	}
	return n.Bytes()
}

func TestPcapng(t *testing.T) {
	var times []string
	var ifaces []int
	names := map[int]string{}
	err := readCapture(context.Background(), bytes.NewReader(ngFile()), func(p *filePacket) {
		times = append(times, p.at.UTC().Format("04:05.000000000"))
		ifaces = append(ifaces, p.iface)
		if p.link != linkRaw || len(p.data) != 30 || p.length != 30 {
			t.Errorf("%+v", p)
		}
	}, func(n int, name string) { names[n] = name })
	const one = "00:02.500000000 00:02.500000000 01:45.500000000"
	if err != nil || strings.Join(times, " ") != one+" "+one || !slices.Equal(ifaces, []int{0, 0, 1, 2, 2, 3}) || names[2] != "lo\n" {
		t.Errorf("%v, %v, interfaces %v %v", err, times, ifaces, names)
	}
}

// TestCutFiles cuts files at every byte: what is before the cut is read, and the error says where.
func TestCutFiles(t *testing.T) {
	old, err := os.ReadFile("testdata/zeek/tunnels-gtp-gtp7_ipv6.pcap")
	if err != nil {
		t.Fatal(err)
	}
	for _, whole := range [][]byte{old, ngFile()} {
		before := 0
		for n := range len(whole) {
			c := tallyOf(bytes.NewReader(whole[:n]))
			var at *FileError
			switch {
			case c.packets < before:
				t.Errorf("%d packets of %d bytes, %d of less", c.packets, n, before)
			case c.err == nil: // cut between two records
			case !errors.As(c.err, &at) || at.Offset > int64(n) || at.Packet != c.packets || n >= 12 && !errors.Is(c.err, io.ErrUnexpectedEOF):
				t.Errorf("%d bytes: %v, after %d packets", n, c.err, c.packets)
			}
			before = c.packets
		}
	}
}

func TestCorruptFiles(t *testing.T) {
	file := ngFile()
	change := func(at int, b ...byte) []byte {
		out := bytes.Clone(file)
		copy(out[at:], b)
		return out
	}
	first := bytes.Index(file, []byte{6, 0, 0, 0}) // the first enhanced packet
	for name, c := range map[string]struct {
		file    []byte
		packets int
		says    string
	}{
		"an interface that is not there": {change(first+8, 9), 5, "interface 9 of 2"},
		"a packet larger than its block": {change(first+20, 255), 5, "a packet of 255 bytes"},
		"a length that lies":             {change(first+4, 68), 1, "that says"},
		"a length that is odd":           {change(first+4, 65), 0, "block type 0x6 of 65 bytes"},
		"a block that is huge":           {change(first+4, 0, 0, 0, 0x40), 0, "more than"},
		"no byte order":                  {change(8, 0), 0, "without byte order"},
		"something else":                 {[]byte("PK\x03\x04 and much more"), 0, "neither pcap nor pcapng"},
		"nothing":                        {nil, 0, "neither pcap nor pcapng"},
	} {
		got := tallyOf(bytes.NewReader(c.file))
		var at *FileError
		if got.packets != c.packets || !errors.As(got.err, &at) || !strings.Contains(at.Error(), c.says) {
			t.Errorf("%s: %d packets, %v", name, got.packets, got.err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := ReadFile(ctx, bytes.NewReader(file), New(Options{})); err != context.Canceled {
		t.Errorf("a context that had ended gave %v", err)
	}
}

// TestOldFormats reads the variants of pcap in both byte orders.
func TestOldFormats(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for magic, want := range map[uint32]string{0xa1b2c3d4: "01.000007000", 0xa1b23c4d: "01.000000007", 0xa1b2cd34: "01.000007000"} {
			var b bytes.Buffer
			write := func(v ...any) {
				for _, x := range v {
					_ = binary.Write(&b, order, x)
				}
			}
			write(magic, uint16(2), uint16(4), uint32(0), uint32(0), uint32(65535), uint32(linkRaw))
			write(uint32(1), uint32(7), uint32(3), uint32(60))
			if magic == 0xa1b2cd34 {
				write(uint64(0))
			}
			write([]byte("abc"))
			c := tallyOf(&b)
			if got := c.first.Format("05.000000000"); c.err != nil || c.packets != 1 || c.bytes != 60 || got != want {
				t.Errorf("%x: %+v, %s", magic, c, got)
			}
		}
	}
}

// TestMalformedFiles puts the tables of captures that were made to break readers.
func TestMalformedFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/malformed/*")
	if err != nil || len(files) < 25 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		tablesOf(t, name, Options{})
	}
}
