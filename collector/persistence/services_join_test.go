package persistence

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"hozen/collector/jsonl"
	"hozen/collector/ntapi"
	"hozen/collector/persistence/command"
	"hozen/collector/persistence/scm"
	"hozen/collector/registry"
)

// The views of a running Windows that do not agree, each in its way.
func TestViewsOfServices(t *testing.T) {
	f := infected(t)
	h := f.host()
	reg, err := registry.Open(h)
	must(t, err)
	defer reg.Close()
	j := &job{ctx: context.Background(), h: h, reg: reg, env: command.System(`C:\Windows`), files: newFiles(context.Background(), h, `C:\Windows`)}
	v := &liveViews{asked: true, view: scm.View{
		Services: []scm.Service{{Name: "Evil", Type: 0x20, State: 4, PID: 7}, {Name: "gone", Type: 0x10, State: 1}, {Name: "evildrv", Type: 1, State: 4}},
		Configs:  map[string]scm.Config{"Evil": {Type: 0x20, Start: 3, BinaryPath: `%SystemRoot%\System32\svchost.exe -k netsvcs`, Account: "LocalSystem"}},
		Opened:   map[string]error{"Evil": nil, "gone": nil, "evildrv": errors.New("access is denied"), "unquoted": syscall.Errno(1060)},
	}, loaded: []ntapi.Driver{{Path: `\SystemRoot\system32\ntoskrnl.exe`, Size: 1}}}
	var out bytes.Buffer
	tb := &table{Writer: jsonl.NewWriter(&out)}
	j.joinServices(tb, j.registryServices(tb), v)
	must(t, errors.Join(tb.err, tb.Flush(), tb.tally.Err()))
	rows, err := jsonl.Read[ServiceRow](out.Bytes())
	must(t, err)
	got := map[string]string{}
	for _, r := range rows {
		var all []string
		for _, d := range r.Disagreements {
			all = append(all, string(d))
		}
		got[string(r.Name)] = strings.Join(r.Views, "+") + ": " + strings.Join(all, "; ")
	}
	for name, want := range map[string]string{
		"evil":         `registry+scm: start: the registry has "auto", the SCM "demand"`,
		"gone":         "scm: the SCM has it, the registry does not: its key was deleted since the start, or is hidden",
		"evildrv":      "registry+scm: the SCM says that the driver runs, but the kernel has no image of its file",
		"unquoted":     "registry: the registry has it, the SCM does not: it was added without the SCM, or deleted there since the start",
		"a\x00hidden":  "registry: a NUL is in its name",
		"ntoskrnl.exe": "loaded: ",
	} {
		if got[name] != want {
			t.Errorf("%q: %q, not %q", name, got[name], want)
		}
	}
}

// FuzzStrings holds that strings of a queue are found and bounded whatever it is.
func FuzzStrings(f *testing.F) {
	f.Add([]byte("\x01" + wide("https://example.invalid/x\x00") + wide(`C:\x.exe`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for s := range marked(b) {
			if s.at < 0 || s.at >= len(b) || len(s.text) > 3*bitsLength {
				t.Fatalf("%+v", s)
			}
			before(b[:s.at])
		}
	})
}
