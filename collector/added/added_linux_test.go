package added

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hozen/collector/hosttest"
)

// A FIFO and a device are refused up front; a pipe by its number is read to its end.
func TestPipesAndDevices(t *testing.T) {
	fifo := t.TempDir() + "/fifo"
	must(t, unix.Mkfifo(fifo, 0o600))
	for name, want := range map[string]string{fifo: "FIFO", "/dev/null": "device"} {
		if err := Check([]string{name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	_, err = w.WriteString("through a pipe")
	must(t, err)
	must(t, w.Close())
	name := fmt.Sprintf("/dev/fd/%d", r.Fd())
	must(t, Check([]string{name}))
	var s hosttest.Sink
	must(t, Added([]string{name}, Options{}).Collect(context.Background(), host(t), &s))
	if got := string(s.Body(fmt.Sprintf("added/1-%d", r.Fd()))); got != "through a pipe" {
		t.Errorf("%q", got)
	}
}
