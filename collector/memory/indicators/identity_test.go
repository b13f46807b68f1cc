package indicators

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// stackOf makes a first stack: argc, argv, 0, envp, 0, and the texts at base.
func stackOf(base uint64, argv, envp []string) (words, text []byte, env uint64) {
	word := func(v uint64) { words = binary.NativeEndian.AppendUint64(words, v) }
	word(uint64(len(argv)))
	for _, a := range argv {
		word(base + uint64(len(text)))
		text = append(append(text, a...), 0)
	}
	word(0)
	env = base + uint64(len(text))
	for _, e := range envp {
		word(base + uint64(len(text)))
		text = append(append(text, e...), 0)
	}
	word(0)
	return append(words, make([]byte, 64)...), text, env
}

func TestOverwrittenTexts(t *testing.T) {
	const base = 0x7ffc_0000_1000
	for _, c := range []struct {
		name       string
		over       string // written from the first byte of the texts on
		args, vars string // what is found; "" nothing
	}{
		{"untouched", "", "", ""},
		{"as it was", "/usr/sbin/thing\x00-v\x00", "", ""},
		{"shorter", "cron\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "number 0 is shorter", ""},
		{"run together", "a title that goes on and", "number 1 begins in the middle", "number 1 begins in the middle"},
		{"emptied", strings.Repeat("\x00", 19), "number 0 is shorter", ""},
	} {
		words, text, env := stackOf(base, []string{"/usr/sbin/thing", "-v"}, []string{"A=1", "PATH=/bin"})
		copy(text, c.over)
		argv, envp, ok := startPointers(words)
		if !ok || len(argv) != 2 || len(envp) != 2 {
			t.Fatalf("%s: %v %v %v", c.name, argv, envp, ok)
		}
		args, vars := overwritten(text[:env-base], base, argv), overwritten(text[env-base:], env, envp)
		if !strings.Contains(args, c.args) || (c.args == "") != (args == "") || !strings.Contains(vars, c.vars) || (c.vars == "") != (vars == "") {
			t.Errorf("%s: arguments %q, environment %q", c.name, args, vars)
		}
	}
}

// systemd's services unset what systemd tells them: the pointers go, the texts stay.
func TestUnsetVariablesAreNotOverwritten(t *testing.T) {
	_, text, env := stackOf(4096, []string{"/lib/thing"}, []string{"A=1", "LISTEN_PID=1", "LISTEN_FDS=2", "B=2"})
	at := func(s string) uint64 { return env + uint64(bytes.Index(text[env-4096:], []byte(s))) }
	left := []uint64{at("A=1"), at("B=2")}
	if got := overwritten(text[env-4096:], env, left); got != "" {
		t.Errorf("unset: %s", got)
	}
	copy(text[at("LISTEN_FDS")-4096:], "none\x00")
	if got := overwritten(text[env-4096:], env, left); got == "" {
		t.Error("a text over an unset variable is not found")
	}
}

func FuzzFirstStack(f *testing.F) {
	words, text, _ := stackOf(4096, []string{"a", "b"}, []string{"C=1"})
	f.Add(words, text, uint64(4096))
	f.Fuzz(func(t *testing.T, words, text []byte, base uint64) {
		argv, envp, ok := startPointers(words)
		if ok && len(argv)+len(envp)+3 > len(words)/8 {
			t.Errorf("%d and %d pointers in %d bytes", len(argv), len(envp), len(words))
		}
		overwritten(text, base, argv)
		overwritten(text, base, envp)
		within(text, base, base, base+uint64(len(text)))
	})
}

func TestTitlesThatAreExplained(t *testing.T) {
	for _, c := range []struct {
		exe, title string
		explained  bool
	}{
		{"/usr/sbin/sshd", "sshd: root@pts/0", true},
		{"/usr/lib/openssh/sshd-session", "sshd: root@pts/0", true},
		{"/usr/lib/postgresql/15/bin/postgres", "postgres: checkpointer ", true},
		{"/usr/lib/systemd/systemd", "(sd-pam)", true},
		{"/usr/bin/node", "npm run dev", true},
		{"/usr/bin/python3.11", "sshd: root", false},
		{"/usr/bin/bash", "cron daemon", false},
		{"/tmp/sshd", "sshd: root@pts/0", false},
		{"/usr/bin/perl", "[kworker/0:1]", false},
		{"/usr/sbin/sshd", "cron", false},
		{"/usr/sbin/sshd", "sshd", false}, // no state after the name: somebody else's words
	} {
		if got := titleOf(&process{exe: c.exe}, []byte(c.title+"\x00\x00"), c.exe != "/tmp/sshd"); (got != "") != c.explained {
			t.Errorf("%s as %q: %q", c.exe, c.title, got)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{"[kworker/0:1]": true, "kworker/u8:2-events": true, "ksoftirqd/1": true, "rcu_sched": true, "(sd-pam)": false, "[": false, "[]": false, "bash": false, "[x": false} {
		if kernelThreadName(name) != want {
			t.Errorf("kernel thread %q: %v", name, !want)
		}
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{{"sshd", "sshd-session", true}, {"python3", "python3.11", true}, {"cron", "python3.11", false}, {"", "x", false}, {"(sd-pam)", "sd-pam", true}} {
		if alike(c.a, c.b) != c.want {
			t.Errorf("%q, %q: %v", c.a, c.b, !c.want)
		}
	}
}

func TestPlaces(t *testing.T) {
	for name, want := range map[string]string{
		"/usr/sbin/sshd": "system", "/bin/ls": "system", "/usr/local/bin/x": "added", "/opt/x/y": "added", "/tmp/x": "anyone", "/dev/shm/x": "anyone",
		"/usr/lib/.x/y": "hidden", "/home/a/.cargo/bin/x": "hidden", "/usr/bin/...": "hidden", "/usr/bin/ /x": "hidden", "/home/a/x": "",
	} {
		got := ""
		switch {
		case hidden(name):
			got = "hidden"
		case systemPlace(name):
			got = "system"
		case addedPlace(name):
			got = "added"
		case anyonesPlace(name):
			got = "anyone"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestScriptOf(t *testing.T) {
	for _, c := range []struct {
		argv  string
		shell bool
		want  string
	}{
		{"bash|/tmp/x.sh|a", true, "/tmp/x.sh"}, {"bash|-x|x.sh", true, "x.sh"}, {"sh|-c|rm x", true, ""}, {"bash", true, ""}, {"bash|-", true, ""},
		{"python3|-u|x.py", false, "x.py"}, {"python3|-m|http.server", false, ""}, {"perl|-e|print", false, ""}, {"php|-d|a=b", false, ""}, {"node|--inspect|x.js", false, ""},
		{"npm run dev", false, ""},
	} {
		if got := scriptOf(strings.Split(c.argv, "|"), c.shell); got != c.want {
			t.Errorf("%s: %q, want %q", c.argv, got, c.want)
		}
	}
}

func TestScriptNames(t *testing.T) {
	for _, c := range []struct {
		script, environ, names string
		sure                   bool
	}{
		{"/a/run.py", "PWD=/b", "[/a/run.py]", true},
		{"x/run.py", "A=1\x00PWD=/b\x00", "[/now/x/run.py /b/x/run.py]", true},
		{"x/run.py", "OLDPWD=/b", "[/now/x/run.py]", false},
		{"x/run.py", "PWD=b", "[/now/x/run.py]", false},
	} {
		if names, sure := scriptNames(c.script, "/now", []byte(c.environ)); fmt.Sprint(names) != c.names || sure != c.sure {
			t.Errorf("%s %q: %v %v", c.script, c.environ, names, sure)
		}
	}
}
