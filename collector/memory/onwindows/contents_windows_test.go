package onwindows

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/memory/contents"
	"hozen/collector/memory/minidump"
)

// TestPlantedMemoryIsTaken plants code, a program without a file and a process to be
// dumped, and looks whether their bytes come out.
func TestPlantedMemoryIsTaken(t *testing.T) {
	code, image := plant(t, "rwx-thread"), plant(t, "renamed")
	rows, suspects, _ := search(t)
	s := &hosttest.Sink{}
	o := ContentsOptions{Options: contents.Options{Suspects: suspects, Dump: []int{code.pid}, Freeze: true}}
	if err := Contents(o).Collect(t.Context(), collector.ThisHost(), s); err != nil {
		t.Fatal(err)
	}
	table, err := jsonl.Read[contents.Content](s.Body(contentsTable))
	if err != nil {
		t.Fatal(err)
	}
	find := func(kind string, pid int) []byte {
		for _, r := range table {
			if rec, _ := s.Record(r.Path); r.Kind == kind && r.Holders[0].PID == pid && !rec.Shortfall {
				return s.Body(r.Path)
			}
		}
		t.Errorf("no %s of process %d in %+v of %d rows", kind, pid, table, len(rows))
		return nil
	}
	if b := find("region", code.pid); !bytes.HasPrefix(b, []byte{0x48, 0x83, 0xec, 0x28}) {
		t.Errorf("the planted code begins with %x", b[:min(len(b), 16)])
	}
	truth, err := os.ReadFile(os.Getenv("HOZEN_INJECT"))
	if err != nil {
		t.Fatal(err)
	}
	head, err := parsePE(truth)
	if err != nil {
		t.Fatal(err)
	}
	text := head.sections[0]
	got, want := find("image", image.pid), truth[text.offset:][:min(text.rawSize, text.size)]
	if len(got) < int(text.offset)+len(want) || !bytes.Equal(got[text.offset:][:len(want)], want) {
		t.Error("the code of the rebuilt image is not that of its file")
	}
	b := find("minidump", code.pid)
	d, err := minidump.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	planted := make([]byte, 23)
	if _, err := d.ReadMemory(planted, code.address); err != nil || binary.LittleEndian.Uint32(planted) != 0x28ec8348 {
		t.Errorf("the planted code in the dump: %x, %v", planted, err)
	}
	contexts := 0
	for _, th := range d.Threads {
		if len(th.Context) > 0 {
			contexts++
		}
	}
	if len(d.Threads) < 2 || contexts == 0 || len(d.Modules) < 3 {
		t.Errorf("%d threads, %d with registers, %d modules", len(d.Threads), contexts, len(d.Modules))
	}
	if name := os.Getenv("HOZEN_DUMP"); name != "" { // for other readers to look at
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, searched := suspects.Count(memory.High); !searched || n == 0 {
		t.Errorf("%d suspects", n)
	}
}
