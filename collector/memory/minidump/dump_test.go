package minidump_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"hozen/collector/memory/minidump"
)

func wide(s string) []uint16 { return utf16.Encode([]rune(s)) }

// sample is a process of two threads and three runs of memory.
func sample() *minidump.Dump {
	// CONTEXT of amd64 (winnt.h): ContextFlags at 48, Rsp at 152, Rip at 248, 1232 bytes.
	regs := make([]byte, 1232)
	binary.LittleEndian.PutUint32(regs[48:], 0x10001b)
	binary.LittleEndian.PutUint64(regs[152:], 0x21f000)
	binary.LittleEndian.PutUint64(regs[248:], 0x140001010)
	return &minidump.Dump{
		Time:    time.Unix(1_700_000_000, 0).UTC(),
		System:  minidump.System{Architecture: minidump.ArchitectureAMD64, Processors: 2, ProductType: 1, Major: 10, Build: 19045, ServicePack: wide("SP")},
		Process: minidump.Process{PID: 4711, Created: time.Unix(1_699_999_000, 0).UTC(), User: 3 * time.Second},
		Threads: []minidump.Thread{
			{ID: 5, Priority: 8, TEB: 0x7ff000, StackStart: 0x220000, StackAt: 0x21f000, Start: 0x140001000, Created: 133_000_000_000_000_000, Context: regs},
			{ID: 9, SuspendCount: 1, TEB: 0x7fd000, Context: []byte{}},
		},
		Modules: []minidump.Module{{Base: 0x140000000, Size: 0x2000, TimeStamp: 7, Name: wide(`C:\Temp\悪い.exe`)}},
		Areas: []minidump.Area{
			{Base: 0x21f000, AllocationBase: 0x120000, AllocationProtect: 4, Size: 0x1000, State: 0x1000, Protect: 4, Type: 0x20000},
			{Base: 0x140000000, AllocationBase: 0x140000000, AllocationProtect: 0x80, Size: 0x2000, State: 0x1000, Protect: 0x20, Type: 0x1000000},
		},
		Handles: []minidump.Handle{{Handle: 4, Type: wide("File"), Name: wide(`\Device\Null`), Access: 0x12019f}, {Handle: 8, Type: wide("File")}},
		Ranges:  []minidump.Range{{Start: 0x21f000, Size: 0x1000}, {Start: 0x300000, Size: 0x3000}, {Start: 0x140000000, Size: 0x2000}},
	}
}

// memory is that of sample, each byte made of its address; 0x301000 cannot be read.
type memory struct{ endsAt uint64 }

func (m memory) ReadMemory(b []byte, at uint64) (int, error) {
	for i := range b {
		switch a := at + uint64(i); {
		case m.endsAt > 0 && a >= m.endsAt:
			return i, minidump.ErrEnded
		case a >= 0x301000 && a < 0x302000:
			return i, errors.New("no access")
		default:
			b[i] = byte(a>>12 + a)
		}
	}
	return len(b), nil
}

func written(t testing.TB, d *minidump.Dump, m minidump.Memory) ([]byte, minidump.Result) {
	t.Helper()
	size, err := d.Size()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	r, err := d.Write(t.Context(), &b, m)
	if err != nil || int64(b.Len()) != size || r.Written != size {
		t.Fatalf("%d bytes of %d, %+v, %v", b.Len(), size, r, err)
	}
	return b.Bytes(), r
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	want := sample()
	b, r := written(t, want, memory{})
	if r.Unreadable != 0x1000 {
		t.Errorf("%d bytes are unreadable, want one page", r.Unreadable)
	}
	f, err := minidump.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, &f.Dump); d != "" {
		t.Error(d)
	}
	got, truth := make([]byte, 0x1000), make([]byte, 0x1000)
	for at, zero := range map[uint64]bool{0x21f000: false, 0x300000: false, 0x301000: true, 0x302000: false, 0x140001000: false} {
		if !zero {
			memory{}.ReadMemory(truth, at)
		} else {
			clear(truth)
		}
		if n, err := f.ReadMemory(got, at); n != len(got) || err != nil || !bytes.Equal(got, truth) {
			t.Errorf("memory at %#x: %d bytes, %v, equal %v", at, n, err, bytes.Equal(got, truth))
		}
	}
	if _, err := f.ReadMemory(got, 0x500000); !errors.Is(err, minidump.ErrDamaged) {
		t.Errorf("memory that is not there: %v", err)
	}
}

func TestProcessThatEndsMeanwhile(t *testing.T) {
	b, r := written(t, sample(), memory{endsAt: 0x300000})
	if r.Unreadable != 0x5000 {
		t.Errorf("%#x bytes are unreadable, want 0x5000", r.Unreadable)
	}
	if _, err := minidump.Read(bytes.NewReader(b), int64(len(b))); err != nil {
		t.Error(err)
	}
}

func TestWhatNoDumpCanHold(t *testing.T) {
	for name, d := range map[string]*minidump.Dump{
		"ranges that overlap": {Ranges: []minidump.Range{{Start: 0, Size: 8192}, {Start: 4096, Size: 4096}}},
		"a range that wraps":  {Ranges: []minidump.Range{{Start: 1 << 63, Size: 1 << 63}}},
		"a huge context":      {Threads: []minidump.Thread{{Context: make([]byte, 1<<20)}}},
	} {
		if _, err := d.Size(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestOpensInLLDB lets another program read what we wrote.
func TestOpensInLLDB(t *testing.T) {
	lldb, err := exec.LookPath("lldb")
	if err != nil {
		t.Skip("lldb is not installed")
	}
	b, _ := written(t, sample(), memory{})
	name := filepath.Join(t.TempDir(), "sample.dmp")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(lldb, "--no-lldbinit", "--batch", "-c", name, "-o", "thread list", "-o", "image list",
		"-o", "memory read --format x --size 1 --count 4 0x140000ffe", "-o", "register read rip rsp", "-o", "memory region 0x140000000").CombinedOutput()
	for _, want := range []string{"tid = 0x0005", "tid = 0x0009", "悪い.exe", "0x140000ffe: 0xfe 0xff 0x01 0x02", "rip = 0x0000000140001010", "rsp = 0x000000000021f000", "[0x0000000140000000-0x0000000140002000) r-x"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("lldb does not say %q: %v\n%s", want, err, out)
		}
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if _, err := sample().Write(f.Context(), &b, memory{}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:200])
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := minidump.Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, r := range d.Ranges {
			d.ReadMemory(make([]byte, 64), r.Start)
		}
	})
}
