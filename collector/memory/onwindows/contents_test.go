package onwindows

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/memory/contents"
	"hozen/collector/memory/minidump"
	"hozen/collector/ntapi"
	"hozen/packager/evidence"
)

// open opens the fake's program, and nothing else.
func (f *fake) open(_ context.Context, pid uint32, created uint64, _, _ bool) (*victim, error) {
	i := slices.IndexFunc(f.snap.processes, func(p ntapi.Process) bool { return p.PID == pid })
	if i < 0 || pid != 100 {
		return nil, errors.New("no such process")
	}
	if created != 0 && f.snap.processes[i].Created != created {
		return nil, evidence.NotHere("process %d has ended", pid)
	}
	return &victim{info: f.snap.processes[i], path: f.program.path, regions: f.program.regions, modules: f.program.modules, mem: f.program.mem, close: func() {}}, nil
}

func take(t *testing.T, f *fake, o ContentsOptions) (*hosttest.Sink, []contents.Content) {
	t.Helper()
	s := &hosttest.Sink{}
	if err := takeContents(t.Context(), s, f, o); err != nil {
		t.Fatal(err)
	}
	rows, err := jsonl.Read[contents.Content](s.Body(contentsTable))
	if err != nil {
		t.Fatal(err)
	}
	return s, rows
}

func ofKind(rows []contents.Content, kind string) (out []contents.Content) {
	for _, r := range rows {
		if r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

// TestSuspectIsTaken: a program without a file is taken as regions, as a file and whole.
func TestSuspectIsTaken(t *testing.T) {
	f := newFake()
	delete(f.files, programPath)
	_, _, suspects := f.run(t)
	s, rows := take(t, f, ContentsOptions{Options: contents.Options{Suspects: suspects}})
	region, image, dump := ofKind(rows, "region"), ofKind(rows, "image"), ofKind(rows, "minidump")
	if len(region) != 1 || len(image) != 1 || len(dump) != 1 {
		t.Fatalf("%+v", rows)
	}
	if !bytes.Equal(s.Body(region[0].Path), f.program.mem[programAt]) {
		t.Error("the region is not what lies in memory")
	}
	// But for what the loader changes, it is the file again: the base in the headers, and
	// the pointer that was relocated.
	want := makePE(1)
	copy(want[0x98+24:], f.program.mem[programAt][0x98+24:][:8])
	copy(want[0x500:], f.program.mem[programAt][0x1100:][:8])
	if got := s.Body(image[0].Path); !bytes.Equal(got, want[:0x3400]) {
		t.Errorf("the rebuilt file has %d bytes, or others", len(got))
	}
	b := s.Body(dump[0].Path)
	d, err := minidump.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil || len(d.Modules) != 2 || d.Process.PID != 100 || len(d.Areas) != len(f.program.regions) {
		t.Fatalf("%+v, %v", d, err)
	}
	got := make([]byte, 0x1000)
	if _, err := d.ReadMemory(got, ntdllAt+0x1000); err != nil || !bytes.Equal(got, f.program.mem[ntdllAt][0x1000:0x2000]) {
		t.Errorf("memory in the dump: %v", err)
	}
}

func TestLimitsAreSaid(t *testing.T) {
	f := newFake()
	var suspects memory.Suspects
	at := memory.Suspect{PID: 100, StartTicks: f.snap.processes[2].Created, Level: memory.High, Regions: []memory.Region{{Start: programAt, End: programAt + 0x4000, Why: "x"}, {Start: ntdllAt, End: ntdllAt + 0x4000, Why: "y"}}}
	suspects.Add(at)
	suspects.Add(memory.Suspect{PID: 100, StartTicks: 5, Level: memory.High, Regions: at.Regions})
	suspects.Done(nil)
	s, rows := take(t, f, ContentsOptions{Options: contents.Options{Suspects: &suspects, PerProcess: 0x5000, Total: 0x8000}})
	cut := 0
	for _, r := range s.Records() {
		if r.Shortfall {
			cut++
		}
	}
	if r := ofKind(rows, "region"); len(r) != 2 || r[1].Taken != 0x1000 || cut < 2 {
		t.Errorf("%d cut, %+v", cut, rows)
	}
	for _, c := range []struct {
		name string
		o    ContentsOptions
		want evidence.Outcome
	}{
		{"a process that is not there", ContentsOptions{Options: contents.Options{Dump: []int{9}}}, evidence.Failed},
	} {
		s, rows := take(t, f, c.o)
		if r, _ := s.Record(rows[0].Path); r.Outcome != c.want || rows[0].Note == "" {
			t.Errorf("%s: %s %q", c.name, r.Outcome, rows[0].Note)
		}
	}
	var none memory.Suspects
	s, _ = take(t, f, ContentsOptions{Options: contents.Options{Suspects: &none}})
	if r, _ := s.Record(contentsFolder + "regions"); r.Outcome != evidence.Skipped {
		t.Errorf("no search was made, and it is not said: %+v", r)
	}
}

func TestNamesInDumps(t *testing.T) {
	if got := wide("a\u60aa\U0001f600\xed\xa0\x80"); !slices.Equal(got, []uint16{'a', 0x60aa, 0xd83d, 0xde00, 0xd800}) {
		t.Errorf("%x", got)
	}
}

func TestContentsKeepTheRules(t *testing.T) {
	hosttest.Conform(t, Contents(ContentsOptions{}), &collector.Host{Root: t.TempDir()})
}
