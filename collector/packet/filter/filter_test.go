package filter

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"golang.org/x/net/bpf"
)

// judged are filters that tcpdump takes, too.
func judged() []string {
	return []string{
		"", "ip", "ip6", "arp", "rarp", "tcp", "udp", "icmp", "icmp6", "igmp", "sctp", "esp", "ah", "pim", "vrrp",
		"not tcp", "! udp", "not (tcp or udp)", "!(tcp||udp)&&ip", "tcp and not port 80 and not port 443",
		"port 53", "port 80", "tcp port 80", "udp port 80", "port 3544", "src port 80", "dst port 80", "src or dst port 80",
		"src and dst port 3544", "tcp src port 80", "udp dst port 53", "sctp port 2905", "port 6379 or 110", "tcp port 80 or 443 or 110",
		"port (80 or 110)", "not port (80 or 110)", "portrange 1-1023", "portrange 1024-65535", "tcp portrange 50000-1024", "src portrange 0-100",
		"host 192.168.2.16", "src host 192.168.2.16", "dst host 192.168.2.16", "host 198.51.100.7", "src 198.51.100.7",
		"src and dst host 127.0.0.1", "ip host 198.51.100.7", "arp host 198.51.100.7", "rarp src host 198.51.100.7", "host 198.51.100.7 or 198.51.100.9",
		"host 198.51.100.7 and not 198.51.100.9", "host (198.51.100.7 or 198.51.100.9) and port 53",
		"host 2001:db8::7", "ip6 host 2001:db8::7", "src host 2001:db8::7", "dst host 2001:db8::9 or ::1", "host fe80::1",
		"net 198.51.100.0/24", "src net 198.51.100.0/25", "net 10.0.0.0/8", "net 192.168.0.0/16 and tcp", "net 0.0.0.0/0", "net 198.51.100.0 mask 255.255.255.0",
		"dst net 2001:db8::/32", "net 2001:db8:0:1::/64", "net fe80::/10", "arp net 198.51.100.0/24", "net ::/0",
		"proto 6", "ip proto 17", "ip6 proto 17", "ip6 proto 44", "ip proto 47", "proto 132", "ip6 proto 0", "ip proto 0x2f", "ip6 proto 58",
		"ether proto 0x8100", "ether proto 0x8847", "ether proto 0x8863", "ether proto 0x8864", "ether proto 0x800", "ether proto 0x86dd",
		"less 60", "greater 60", "greater 61", "less 1514 and greater 1000", "less 100 or tcp",
		"tcp or udp and ip6", "ip6 and tcp or udp", "not ip and not ip6", "not not tcp", "tcp and (port 80 or port 110) and not host 198.51.100.7",
	}
}

// judgedEther are those that only Ethernet has.
func judgedEther() []string {
	return []string{
		"ether host 00:0c:29:00:00:01", "ether src 02:00:00:00:00:07", "ether dst 02:00:00:00:00:09", "ether host 02:00:00:00:00:07 and not tcp",
		"ether src or dst 02:00:00:00:00:07", "ether broadcast", "broadcast", "ether multicast", "multicast and not broadcast", "ether src host 02:00:00:00:00:07",
	}
}

type capture struct {
	name   string
	link   Link
	frames [][]byte
	pcap   []byte
}

func readPcap(t testing.TB, name string) capture {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := capture{name: filepath.Base(name), link: Ethernet, pcap: b}
	for {
		frame, _, err := r.ReadPacketData()
		if err == io.EOF {
			return c
		}
		if err != nil {
			t.Fatal(err)
		}
		c.frames = append(c.frames, frame)
	}
}

func captures(t testing.TB) []capture {
	names, err := filepath.Glob("testdata/*.pcap")
	if err != nil || len(names) < 6 {
		t.Fatalf("%v: %v", names, err)
	}
	var all []capture
	for _, n := range names {
		all = append(all, readPcap(t, n))
	}
	all = append(all, made(t))
	var more []capture
	for _, c := range all {
		more = append(more, relinked(t, c, Raw), relinked(t, c, SLL2))
	}
	return append(all, more...)
}

// relinked gives the frames of an Ethernet capture as another link has them.
func relinked(t testing.TB, c capture, to Link) capture {
	out := capture{name: fmt.Sprintf("%s as %s", c.name, map[Link]string{Raw: "raw", SLL2: "sll2"}[to]), link: to}
	for _, f := range c.frames {
		if len(f) < 14 {
			continue
		}
		typ := binary.BigEndian.Uint16(f[12:])
		switch {
		case to == SLL2:
			head := make([]byte, 20)
			binary.BigEndian.PutUint16(head, typ)
			out.frames = append(out.frames, append(head, f[14:]...))
		case (typ == 0x800 || typ == 0x86dd) && len(f) > 14:
			out.frames = append(out.frames, f[14:])
		}
	}
	return out.written(t)
}

func (c capture) written(t testing.TB) capture {
	var b bytes.Buffer
	w := pcapgo.NewWriter(&b)
	// 276 is LINKTYPE_LINUX_SLL2, which gopacket's byte-wide LinkType cannot say.
	if err := w.WriteFileHeader(1<<18, map[Link]layers.LinkType{Ethernet: layers.LinkTypeEthernet, Raw: layers.LinkTypeRaw}[c.link]); err != nil {
		t.Fatal(err)
	}
	for _, f := range c.frames {
		if err := w.WritePacket(gopacket.CaptureInfo{CaptureLength: len(f), Length: len(f)}, f); err != nil {
			t.Fatal(err)
		}
	}
	c.pcap = b.Bytes()
	if c.link == Raw {
		binary.LittleEndian.PutUint32(c.pcap[20:], 101)
	}
	if c.link == SLL2 {
		binary.LittleEndian.PutUint32(c.pcap[20:], 276)
	}
	return c
}

// passes counts the packets that our program lets through.
func passes(t testing.TB, c capture, text string) int {
	t.Helper()
	f, err := Parse(text)
	if err != nil {
		t.Errorf("%q: %v", text, err)
		return -1
	}
	program, err := f.Program(c.link, 1<<18)
	if err != nil {
		t.Fatal(err)
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	n := 0
	for _, frame := range c.frames {
		if k, err := vm.Run(frame); err != nil {
			t.Fatal(err)
		} else if k > 0 {
			n++
		}
	}
	return n
}

// tcpdumps counts what tcpdump lets through.
func tcpdumps(t testing.TB, c capture, text string) int {
	t.Helper()
	file := filepath.Join(t.TempDir(), "c.pcap")
	if err := os.WriteFile(file, c.pcap, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tcpdump", "-n", "-t", "-q", "--count", "-r", file, text)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && bytes.Contains(exit.Stderr, []byte("expression rejects all packets")) {
			return 0
		}
		if errors.As(err, &exit) {
			t.Fatalf("tcpdump %q: %v: %s", text, err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var n int
	if _, err := fmt.Sscanf(string(out), "%d packet", &n); err != nil {
		t.Fatalf("tcpdump %q: %q", text, out)
	}
	return n
}

var update = flag.Bool("update", false, "write testdata/expected.json from what tcpdump says")

const expectedFile = "testdata/expected.json"

// Every filter lets through as many packets of every capture as tcpdump does:
// as it did when expected.json was written, and as it does here.
func TestAsTcpdump(t *testing.T) {
	_, err := exec.LookPath("tcpdump")
	here := err == nil
	expected := map[string]map[string]int{}
	if b, err := os.ReadFile(expectedFile); err == nil {
		if err := json.Unmarshal(b, &expected); err != nil {
			t.Fatal(err)
		}
	}
	if *update {
		clear(expected)
	}
	compared := 0
	for _, c := range captures(t) {
		filters := judged()
		if c.link == Ethernet {
			filters = append(filters, judgedEther()...)
		}
		if *update {
			expected[c.name] = map[string]int{}
		}
		for _, text := range filters {
			if *update {
				expected[c.name][text] = tcpdumps(t, c, text)
			}
			got := passes(t, c, text)
			want, ok := expected[c.name][text]
			if !ok {
				t.Errorf("%s: %q is not in %s", c.name, text, expectedFile)
			}
			if got != want {
				t.Errorf("%s: %q lets %d of %d packets through, tcpdump %d", c.name, text, got, len(c.frames), want)
			}
			compared++
		}
	}
	t.Logf("%d comparisons with what tcpdump said", compared)
	if *update {
		b, err := json.MarshalIndent(expected, "", " ")
		if err == nil {
			err = os.WriteFile(expectedFile, append(b, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !here {
		t.Skip("no tcpdump here")
	}
	// The tcpdump of this machine: on the capture with the strangest packets.
	c := made(t)
	for _, text := range append(judged(), judgedEther()...) {
		if got, want := passes(t, c, text), tcpdumps(t, c, text); got != want {
			t.Errorf("%q lets %d of %d packets through, tcpdump %d", text, got, len(c.frames), want)
		}
	}
}

func TestErrorsSayWhere(t *testing.T) {
	for _, c := range []struct {
		text   string
		column int
		why    string
	}{
		{"host example.com", 6, "names are not resolved"},
		{"example.com", 1, "names are not resolved"},
		{"192.0.2.1", 1, "not a test"},
		{"port http", 6, "names of services"},
		{"port 65536", 6, "0 to 65535"},
		{"tcp[13] & 2 != 0", 4, "arithmetic"},
		{"tcp port", 9, "missing"},
		{"tcp and", 8, "missing"},
		{"(tcp", 5, "expected )"},
		{"tcp)", 4, "expected and, or"},
		{"tcp udp", 5, "expected and, or"},
		{"tcp host 192.0.2.1", 5, "do not go together"},
		{"net 192.0.2.1/24", 5, "meant is 192.0.2.0/24"},
		{"net 192.0.2", 5, "with its length"},
		{"vlan 5", 1, "not a test"},
		{"less 100 or 200", 13, "not a test"},
		{"ip6 host 192.0.2.1", 10, "behind ip6"},
		{"ip host ::1", 9, "behind ip"},
		{"ether host 1:2", 12, "not an Ethernet address"},
		{"ether", 1, "ether wants"},
		{"ip proto 256", 10, "not a protocol"},
		{"portrange 5", 11, "two"},
		{strings.Repeat("(", 100), 65, "nested"},
		{strings.Repeat("not ", 100), 253, "nested"},
		{strings.Repeat("port 1 or ", 300) + "tcp", 3004, "instructions"},
		{strings.Repeat(" ", 5000), 4097, "longer than"},
		{"tcp\x00", 4, "arithmetic"},
	} {
		_, err := Parse(c.text)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%.40q: %v", c.text, err)
			continue
		}
		if e.Column != c.column || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%.40q: %v; want column %d and %q", c.text, err, c.column, c.why)
		}
	}
}

// Programs that are longer than a conditional jump reaches still jump to the right place.
func TestLongPrograms(t *testing.T) {
	c := made(t)
	for _, n := range []int{5, 40, 100} {
		text := "port 53"
		for i := range n {
			text += fmt.Sprintf(" or host 203.0.113.%d", i)
		}
		if got, want := passes(t, c, text), passes(t, c, "port 53"); got != want || want == 0 {
			t.Errorf("%d tests more that nothing passes: %d packets, want %d", n, got, want)
		}
		if got, want := passes(t, c, "not ("+text+")"), passes(t, c, "not port 53"); got != want || want == 0 {
			t.Errorf("%d tests more that nothing passes: %d packets, want %d", n, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range append(judged(), judgedEther()...) {
		f.Add(text, []byte("\x02\x00\x00\x00\x00\x09\x02\x00\x00\x00\x00\x07\x08\x00\x45\x00"))
	}
	f.Fuzz(func(t *testing.T, text string, frame []byte) {
		filter, err := Parse(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Column < 1 || e.Column > len(text)+1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for _, link := range Links() {
			program, err := filter.Program(link, 96)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := bpf.Assemble(program); err != nil {
				t.Fatal(err)
			}
			if link == Cooked {
				continue // asks the kernel
			}
			vm, err := bpf.NewVM(program)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := vm.Run(frame); err != nil || n != 0 && n != 96 {
				t.Fatalf("%d, %v", n, err)
			}
		}
	})
}
