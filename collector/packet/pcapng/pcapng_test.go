package pcapng

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/gopacket/pcapgo"
)

const comment = "hozen: pid=7 exe=/usr/bin/curl end=source"

func example() []byte {
	from := time.Date(2026, 11, 22, 1, 2, 3, 456789012, time.UTC)
	frame := func(n int) []byte { return bytes.Repeat([]byte{2, 0, 0, 0, 0, 9}, 20)[:n] }
	b := AppendSection(nil, Section{Hardware: "x86_64", OS: "Linux 6.1", Application: "hozen 1", Comment: "a section"})
	b = AppendInterface(b, Interface{LinkType: LinkEthernet, Snaplen: 262144, Name: "eth0", Filter: "tcp port 80", MAC: []byte{2, 0, 0, 0, 0, 7}})
	b = AppendInterface(b, Interface{LinkType: LinkRaw, Snaplen: 96, Name: "wg0", Description: "a tunnel"})
	b = AppendPacket(b, 0, uint64(from.UnixNano()), Inbound|Unicast, 60, nil, frame(60))
	block := AppendPacket(nil, 0, uint64(from.UnixNano())+1, Outbound, 1500, frame(12), frame(49))
	b = AppendCommented(b, block, comment, "another")
	b = AppendPacket(b, 1, uint64(from.UnixNano())+2, Inbound, 40, nil, append([]byte{0x45, 0, 0, 40}, make([]byte, 36)...))
	b = AppendCounters(b, 0, Counters{Start: from, End: from.Add(time.Second), Received: -1, IfDropped: 3, Accepted: 9, OSDropped: 2, Delivered: 7})
	return AppendCounters(b, 1, Counters{Start: from, End: from.Add(time.Second), Received: 1, Accepted: 1, Delivered: 1})
}

func TestReadBackByGopacket(t *testing.T) {
	r, err := pcapgo.NewNgReader(bytes.NewReader(append(example(), example()...)), pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: false})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 6 {
		data, info, err := r.ReadPacketData()
		if err != nil {
			t.Fatalf("packet %d: %v", n, err)
		}
		want := []struct{ captured, length, nano int }{{60, 60, 456789012}, {61, 1500, 456789013}, {40, 40, 456789014}}[n%3]
		if len(data) != want.captured || info.Length != want.length || info.Timestamp.Nanosecond() != want.nano {
			t.Errorf("packet %d: %d of %d bytes at %v", n, len(data), info.Length, info.Timestamp)
		}
	}
	if _, _, err := r.ReadPacketData(); err != io.EOF {
		t.Errorf("after the last packet: %v", err)
	}
	i, err := r.Interface(0)
	if err != nil || i.Name != "eth0" || i.Filter != "tcp port 80" || i.SnapLength != 262144 {
		t.Errorf("%+v, %v", i, err)
	}
	if i.Statistics.PacketsDropped != 3 {
		t.Errorf("%+v", i.Statistics)
	}
}

// judge runs a program on a file of the example, twice after one another.
func judge(t *testing.T, tool string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("no %s here", tool)
	}
	file := filepath.Join(t.TempDir(), "c.pcapng")
	if err := os.WriteFile(file, append(example(), example()...), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, append(args, file)...).Output()
	if err != nil {
		t.Fatalf("%s: %v %s", tool, err, out)
	}
	return string(out)
}

func TestCapinfosReadsIt(t *testing.T) {
	out := judge(t, "capinfos", "-M")
	for _, want := range []string{"pcapng", "Number of packets:   6", "Capture application: hozen 1", "Capture oper-sys:    Linux 6.1", "Capture hardware:    x86_64",
		"Name = eth0", "Filter string = tcp port 80", "Name = wg0", "Description = a tunnel", "Time resolution = 0x09", "Capture length = 96"} {
		if !strings.Contains(out, want) {
			t.Errorf("capinfos does not say %q:\n%s", want, out)
		}
	}
}

func TestTsharkReadsIt(t *testing.T) {
	out := judge(t, "tshark", "-n", "-T", "fields", "-e", "frame.interface_name", "-e", "frame.time_epoch", "-e", "frame.packet_flags_direction", "-e", "frame.packet_flags_reception_type", "-e", "frame.comment", "-e", "frame.len", "-e", "frame.cap_len", "-r")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 6 {
		t.Fatalf("%d packets:\n%s", len(lines), out)
	}
	for i, want := range []string{"eth0\t1795309323.456789012\t0x00000001\t1\t\t60\t60", "eth0\t1795309323.456789013\t0x00000002\t0\t" + comment + ",another\t1500\t61", "wg0\t1795309323.456789014\t0x00000001\t"} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("packet %d: %q, want %q", i+1, lines[i], want)
		}
	}
}

func TestNextPacket(t *testing.T) {
	b := AppendPacket(nil, 3, 1<<40+5, Outbound|Multicast, 99, []byte("ab"), []byte("cde"))
	b = AppendPacket(b, 4, 6, Inbound, 0, nil, nil)
	p, rest, ok := NextPacket(b)
	if !ok || p.Interface != 3 || p.At != 1<<40+5 || p.Flags != Outbound|Multicast || p.Length != 99 || string(p.Data) != "abcde" {
		t.Errorf("%+v, %v", p, ok)
	}
	if p, rest, ok = NextPacket(rest); !ok || p.Interface != 4 || len(p.Data) != 0 || len(rest) != 0 {
		t.Errorf("%+v, %v", p, ok)
	}
	if _, _, ok = NextPacket(rest); ok {
		t.Error("a packet after the last")
	}
}

func BenchmarkAppendPacket(b *testing.B) {
	buf, frame := make([]byte, 0, 2048), make([]byte, 1400)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		AppendPacket(buf[:0], 1, 2, Inbound, 1400, frame[:12], frame[12:])
	}
}

// Whatever the host's names are, the blocks have the lengths they say, and a
// reader that is not ours finds the packet.
func FuzzOptions(f *testing.F) {
	f.Add("eth0", "tcp", "c", []byte("frame"))
	f.Add("\x00\xff", strings.Repeat("x", 70000), "\x1b[31m", []byte{})
	f.Fuzz(func(t *testing.T, name, filter, comment string, frame []byte) {
		b := AppendSection(nil, Section{OS: name, Comment: comment})
		b = AppendInterface(b, Interface{LinkType: LinkEthernet, Name: name, Description: comment, Filter: filter})
		block := AppendPacket(nil, 0, 1, Inbound, uint32(len(frame)), nil, frame)
		if len(block) > len(frame)+Overhead {
			t.Fatalf("%d bytes for a frame of %d", len(block), len(frame))
		}
		if p, rest, ok := NextPacket(block); !ok || !bytes.Equal(p.Data, frame) || len(rest) != 0 {
			t.Fatalf("%+v, %v", p, ok)
		}
		b = AppendCommented(b, block, comment, name)
		b = AppendCounters(b, 0, Counters{})
		r, err := pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.DefaultNgReaderOptions)
		if err != nil {
			t.Fatal(err)
		}
		data, _, err := r.ReadPacketData()
		if err != nil || !bytes.Equal(data, frame) {
			t.Fatalf("%q, %v", data, err)
		}
		if i, _ := r.Interface(0); len(name) < 1<<16 && utf8.ValidString(name) && i.Name != name {
			t.Fatalf("name %q became %q", name, i.Name)
		}
	})
}

// What is cut from any bytes lies within them.
func FuzzNextPacket(f *testing.F) {
	f.Add(AppendPacket(nil, 0, 1, Inbound, 3, nil, []byte("abc")))
	f.Fuzz(func(t *testing.T, b []byte) {
		for n := len(b); ; {
			p, rest, ok := NextPacket(b)
			if !ok {
				return
			}
			if len(p.Block)+len(rest) != n || len(p.Data) > len(p.Block) {
				t.Fatalf("%d and %d of %d", len(p.Block), len(rest), n)
			}
			b, n = rest, len(rest)
		}
	})
}
