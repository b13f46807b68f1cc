package flow

import (
	"bytes"
	"context"
	"encoding/json"
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
	links, ifaces, packets, bytes int
	first, last                   time.Time
	link                          uint16
	err                           error
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
