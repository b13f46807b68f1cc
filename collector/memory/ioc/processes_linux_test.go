package ioc

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hozen/collector"
)

// TestMain lets the test binary be the process whose memory is searched.
func TestMain(m *testing.M) {
	if os.Getenv("IOC_TEST_PLANT") != "" {
		plant()
	}
	os.Exit(m.Run())
}

const plantPages = 2048

// plant puts what is sought into memory of several kinds, says so, and waits.
func plant() {
	page := os.Getpagesize()
	area, err := unix.Mmap(-1, 0, plantPages*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		fmt.Println("mmap:", err)
		return
	}
	copy(area[3*page-5:], turned("7177-rekram-a")) // across two pages
	copy(area[900*page:], wideBytes(turned("1299-ediw")))
	copy(area[1000*page:], "\x03cdn\x04"+turned("live")+"\x07example\x00")
	guarded := area[1999*page : 2000*page]
	copy(guarded, turned("7177-rekram-a"))
	unix.Mprotect(guarded, unix.PROT_NONE)
	fd, err := unix.MemfdCreate("x", 0)
	if err == nil {
		unix.Ftruncate(fd, 1<<32) // sparse
		at := fmt.Appendf(nil, "%s", turned("3344-dfmem"))
		unix.Pwrite(fd, at, 3<<30)
		if big, err := unix.Mmap(fd, 0, 1<<32, unix.PROT_READ, unix.MAP_SHARED); err == nil {
			fmt.Fprintf(os.Stderr, "%c\n", big[3<<30]) // so that the page is mapped
		}
	}
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
	os.Exit(0)
}

// turned keeps what is sought out of the binary, which the test runs, too.
func turned(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

func startPlant(t *testing.T) int {
	t.Helper()
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), "IOC_TEST_PLANT=1")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); c.Process.Kill(); c.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("%q %v", line, err)
	}
	return c.Process.Pid
}

func TestMemoryOfAProcess(t *testing.T) {
	pid := startPlant(t)
	s := searchFor(t, "text:"+turned("7177-rekram-a")+"\nutf16:"+turned("1299-ediw")+"\n"+turned("live")+".example\ntext:"+turned("3344-dfmem")+"\n")
	m := newMemorySearch(s, collector.ThisHost(), &seenPages{})
	row, err := m.process(context.Background(), pid)
	if err != nil && row.Outcome == "denied" {
		t.Skip("not as root: ", err)
	}
	if err != nil || row.Outcome != "searched" || row.Process.PID != pid || row.Read == 0 || row.Device == 0 {
		t.Fatalf("%+v %v", row, err)
	}
	if row.Absent < 3<<30 || row.Read > 1<<30 {
		t.Errorf("the sparse memfd was read: %+v", row)
	}
	var got []string
	for _, h := range hitsOf(t, s) {
		if h.In != "memory" || h.Process.PID != pid || h.Process.StartTicks == 0 || h.Region == nil || h.Address == "" || len(h.Context) != 2*contextBytes {
			t.Errorf("%+v", h)
		}
		got = append(got, fmt.Sprint(h.Line, h.Form, " ", strings.HasPrefix(string(h.Region.Path), "/memfd:x")))
	}
	for _, want := range []string{"1text false", "2utf16le false", "3dns false", "4text true"} {
		if !strings.Contains(strings.Join(got, ","), want) {
			t.Errorf("no hit %q in %v", want, got)
		}
	}
	own, err := m.process(context.Background(), os.Getpid())
	if err != nil || own.Outcome != "left out" || own.Read != 0 {
		t.Errorf("our own memory: %+v %v", own, err)
	}
	gone, err := m.process(context.Background(), 1<<22+1)
	if err != nil || gone.Outcome != "ended" {
		t.Errorf("no process: %+v %v", gone, err)
	}
}

// TestPagesOfFilesAreReadOnce searches two processes of one program.
func TestPagesOfFilesAreReadOnce(t *testing.T) {
	first, second := startPlant(t), startPlant(t)
	m := newMemorySearch(searchFor(t, "text:"+turned("7177-rekram-a")+"\n"), collector.ThisHost(), &seenPages{})
	a, errA := m.process(context.Background(), first)
	b, errB := m.process(context.Background(), second)
	if errA != nil || errB != nil || b.Known < 1<<20 || b.Read > a.Read {
		t.Errorf("%+v %v, then %+v %v", a, errA, b, errB)
	}
	if n := len(hitsOf(t, m.search)); n < 2 {
		t.Errorf("%d hits, want one in each", n)
	}
}
