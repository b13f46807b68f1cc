//go:build amd64

package indicators

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"hozen/collector/memory"
)

const waitInCode = "HOZEN_TEST_WAIT_IN_CODE"

// TestThreadInCodeOfNoFile runs this test again as a process of which a thread waits
// in pause(2), called from memory of no file.
func TestThreadInCodeOfNoFile(t *testing.T) {
	if os.Getenv(waitInCode) != "" {
		go func() { // the end of its standard input ends it
			os.Stdin.Read(make([]byte, 1))
			os.Exit(0)
		}()
		runtime.LockOSThread()
		b, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			t.Fatal(err)
		}
		copy(b, "\xb8\x22\x00\x00\x00\x0f\x05\xeb\xf7") // again: mov $34, %eax; syscall; jmp again
		if err := unix.Mprotect(b, readExecute); err != nil {
			t.Fatal(err)
		}
		code := unsafe.Pointer(&b[0])
		function := unsafe.Pointer(&code) // what a func value is: it leads to the address of the code
		(*(*func())(unsafe.Pointer(&function)))()
		return
	}
	c := exec.Command(os.Args[0], "-test.run", "^TestThreadInCodeOfNoFile$")
	c.Env = append(os.Environ(), waitInCode+"=1", "GODEBUG=asyncpreemptoff=1", "GOGC=off")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); c.Process.Kill(); c.Wait() })
	s, read := readProcess(t)
	var found []finding
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		p := read(c.Process.Pid)
		checkMaps(s, p)
		p.dir.Close()
		found = p.found
		i := slices.IndexFunc(found, func(f finding) bool { return f.id == "map-thread-in-anonymous" })
		if i < 0 {
			continue
		}
		f := found[i]
		if row := f.row(s.kinds, p.subject(), nil); row.Level != memory.High || !strings.Contains(f.seen, "system call 34") || len(f.proofs)+len(f.evidence) == 0 {
			t.Errorf("%+v", row)
		}
		if !strings.Contains(string(p.raw), "/syscall ") {
			t.Error("what the kernel said of the thread is not kept")
		}
		return
	}
	t.Fatalf("no thread was seen in memory of no file: %+v", found)
}
