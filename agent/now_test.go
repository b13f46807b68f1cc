package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager"
)

// nowApp is the command with answers typed beforehand; "DIR" in them is a folder that
// can be written to, and that is offered as a drive.
func nowApp(t *testing.T, answers string, args ...string) (a *app, said func() string, dir string) {
	t.Helper()
	dir = t.TempDir()
	root := emptyHost(t)
	a, out, errs := testApp(append([]string{"now"}, args...)...)
	a.stdin, a.inTerminal = strings.NewReader(strings.ReplaceAll(answers, "DIR", dir)), true
	a.in = newLineReader(a.stdin)
	a.host = func(string) *collector.Host { return hostAt(root) }
	a.places = func(context.Context) []drive {
		return []drive{{dir: dir, free: 58e9, kind: "vfat"}, {dir: "/", own: true, free: 1e9, kind: "ext4"}}
	}
	return a, func() string { return errs.String() + out.String() }, dir
}

// describedIn gives what the custody log in dir says of the people; nil if nothing.
func describedIn(t *testing.T, dir string) *packager.Event {
	t.Helper()
	archive := one(t, dir, "*.tar.zst")
	if archive == "" {
		t.Fatal("no archive")
	}
	r := judge(t, archive)
	if r.Verdict != packager.Valid {
		t.Fatalf("%s %q", r.Verdict, r.Findings)
	}
	if list := described(r); len(list) > 0 {
		return &list[0]
	}
	return nil
}

func TestNowAsksAndTakes(t *testing.T) {
	for name, c := range map[string]struct {
		answers string
		want    *packager.Event
		says    string
	}{
		"all by Enter":    {"\n\n\n\n\n", nil, "1. Write down on paper"},
		"all answered":    {"1\ny\n  A. Sato \nB. Ito\nscreen turned red\n", &packager.Event{Operator: "A. Sato", Witness: []string{"B. Ito"}, Reason: "screen turned red"}, "Pull out the LAN cable"},
		"a folder":        {"DIR\n\nA. Sato\n\n\n", &packager.Event{Operator: "A. Sato"}, "58.0 GB free, vfat"},
		"wrong answers":   {"9\n0\n-1\n/nonexistent\n" + strings.Repeat("x", 5000) + "\nr\n1\nmaybe\nyes\n\n\n\n", nil, "Please type y or n"},
		"hostile answers": {"\n\nA\x1b[2J\xff\n\n\n", &packager.Event{Operator: `A\x1b[2J\ufffd`}, "VALID"},
		"input ends":      {"\n\nA. Sato", &packager.Event{Operator: "A. Sato"}, "VALID"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			a, said, dir := nowApp(t, c.answers)
			if code := a.run(context.Background()); code != exitWhole && code != exitShort || !strings.Contains(said(), c.says) {
				t.Fatalf("exit code %d\n%s", code, said())
			}
			e := describedIn(t, dir)
			if (e == nil) != (c.want == nil) {
				t.Fatalf("%+v", e)
			}
			if e != nil && (e.Operator != strings.ReplaceAll(c.want.Operator, `\ufffd`, "\ufffd") || strings.Join(e.Witness, ",") != strings.Join(c.want.Witness, ",") || e.Reason != c.want.Reason) {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestNowWritesNothingBeforeTheAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answers string
		code    int
	}{
		"no input":       {"", exitNotSealed},
		"no":             {"\nn\n", exitNotSealed},
		"input ends":     {"\n", exitNotSealed},
		"only nonsense":  {strings.Repeat("7\n", 50), exitNotSealed},
		"half a number":  {"1", exitNotSealed},
		"no newline, no": {"1\nn", exitNotSealed},
	} {
		a, said, dir := nowApp(t, c.answers)
		if code := a.run(context.Background()); code != c.code || !strings.Contains(said(), "nothing was written") {
			t.Errorf("%s: exit code %d\n%s", name, code, said())
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}

func TestNowNeedsAPerson(t *testing.T) {
	a, said, _ := nowApp(t, "")
	a.inTerminal = false
	if code := a.run(context.Background()); code != exitUsage || !strings.Contains(said(), "hozen collect --out") {
		t.Errorf("exit code %d\n%s", code, said())
	}
}

func TestNowSpeaksJapanese(t *testing.T) {
	a, said, dir := nowApp(t, "2\n\n松本\n\n\n")
	a.lang = japanese
	a.places = func(context.Context) []drive { return []drive{{dir: "/nowhere"}, {dir: dir, own: true}} }
	if code := a.run(context.Background()); code != exitWhole && code != exitShort || !strings.Contains(said(), "これは、この PC 自身のディスクです") || !strings.Contains(said(), "LAN ケーブルを抜き") {
		t.Errorf("exit code %d\n%s", code, said())
	}
	if e := describedIn(t, dir); e == nil || e.Operator != "松本" {
		t.Errorf("%+v", e)
	}
}

// Where the resident agent is installed, its key signs.
func TestNowSignsWithTheInstalledKey(t *testing.T) {
	state := t.TempDir()
	file := filepath.Join(state, "hozen.yaml")
	if err := os.WriteFile(file, []byte("state_dir: "+state+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		a, said, dir := nowApp(t, "\n\nA. Sato\n\n\n", "--config", file)
		if code := a.run(context.Background()); code != exitWhole && code != exitShort || strings.Contains(said(), "throw-away key") != (i == 0) {
			t.Errorf("exit code %d\n%s", code, said())
		}
		if r := judge(t, one(t, dir, "*.tar.zst")); i == 1 && r.Device != "installed" {
			t.Errorf("signed by %s", r.Device)
		}
		if i == 0 {
			d, err := packager.NewDevice("installed", nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := packager.SaveDevice(d, filepath.Join(state, "device.key")); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Who reads the archive is told what was said, in its place.
func TestVerifyShowsWhatWasSaid(t *testing.T) {
	a, _, dir := nowApp(t, "\n\nA. Sato\nB. Ito\nscreen turned red\n")
	a.run(context.Background())
	v, out, _ := testApp("verify", one(t, dir, "*.tar.zst"))
	v.run(context.Background())
	for _, want := range []string{"operator     A. Sato (said after the seal)", "witness      B. Ito (said", "reason       screen turned red (said"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("without %q:\n%s", want, out)
		}
	}
}

// A stick that is plugged in comes before the machine's own disk.
func TestDrivesListAStickFirst(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "testdata", "hosts", "debian-kernel.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	stick, dir := t.TempDir(), t.TempDir()
	file := filepath.Join(dir, "host.txtar")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "/media/taro/STICK", stick)), 0o600); err != nil {
		t.Fatal(err)
	}
	h := hosttest.FromTxtar(t, file)
	t.Chdir(dir)
	a, _, _ := testApp()
	a.host = func(string) *collector.Host { return h }
	list := a.drives(context.Background())
	if len(list) != 2 || list[0].dir != stick || list[0].own || list[0].kind != "vfat" || list[0].free == 0 {
		t.Errorf("%+v", list)
	}
}

// On this machine, too, there is a folder that can be written to.
func TestDrivesOfThisMachine(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	a, _, _ := testApp()
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	list := a.drives(context.Background())
	if len(list) == 0 || list[len(list)-1].dir != dir && list[len(list)-1].dir != real && list[len(list)-1].own {
		t.Errorf("%+v", list)
	}
	for i, d := range list[1:] {
		if !d.own && list[i].own {
			t.Errorf("the machine's own disk before %s", d.dir)
		}
	}
}

// Whatever is typed, what is kept of it is short and harmless on a terminal, and the
// questions come to an end.
func FuzzAnswers(f *testing.F) {
	f.Add("A. Sato\n\n")
	f.Add("\x1b[2J\xff\r\n" + strings.Repeat("x", 3000) + "\nA")
	f.Add("")
	f.Fuzz(func(t *testing.T, typed string) {
		a := &app{}
		k := &talk{a: a, in: newLineReader(strings.NewReader(typed)), out: io.Discard}
		for n := 0; ; n++ {
			answer, err := k.ask(context.Background(), "?", "", nil)
			if err != nil {
				return
			}
			if len(answer) > 8*longestAnswer || plain(answer) != answer || strings.ContainsAny(answer, "\x1b\n\r") {
				t.Fatalf("%q is kept", answer)
			}
			if n > len(typed) {
				t.Fatal("more answers than bytes")
			}
		}
	})
}

// What is to be encrypted is not written plain because of a mistake in the configuration.
func TestNowTellsOfAWrongConfiguration(t *testing.T) {
	state := t.TempDir()
	file := filepath.Join(state, "hozen.yaml")
	if err := os.WriteFile(file, []byte("state_dir: "+state+"\nencrypt_to: [age1nobody]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, said, dir := nowApp(t, "\n\n\n\n\n\n", "--config", file)
	if code := a.run(context.Background()); code != exitNotSealed || !strings.Contains(said(), "hozen.yaml:2") || !strings.Contains(said(), "Nothing would be encrypted") {
		t.Errorf("exit code %d\n%s", code, said())
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	a, said, dir = nowApp(t, "y\n\n\n\n\n\n", "--config", file)
	if code := a.run(context.Background()); code != exitWhole && code != exitShort || one(t, dir, "*.tar.zst") == "" {
		t.Errorf("exit code %d\n%s", code, said())
	}
}

// What is high is said before anybody is told how to leave the machine.
func TestNowSaysWhatIsHigh(t *testing.T) {
	var b strings.Builder
	a, _, _ := testApp("now")
	c := a.newCollection(collectOptions{out: "usb", encrypt: encryptOptions{to: []string{"age1x"}}})
	c.ui = &progress{}
	(&talk{a: a}).farewell(&b, c, summary{Indicators: map[string]int{"high": 2}})
	high, unplug := strings.Index(b.String(), "Do not switch off yet"), strings.Index(b.String(), "Eject a USB drive")
	if high < 0 || unplug < high || !strings.Contains(b.String(), "2 high") || !strings.Contains(b.String(), "--identity FILE memory/indicators.jsonl") {
		t.Error(b.String())
	}
}

// Another collection by the same people is encrypted and signed as the first.
func TestTheSamePeopleAgain(t *testing.T) {
	a, _, _ := testApp("collect")
	c := a.newCollection(collectOptions{operator: "sato", key: "my pc.key", encrypt: encryptOptions{to: []string{"age1x", "ssh-ed25519 AAAA"}, policy: "p.yaml"},
		sign: signing{with: "sato.key", require: []string{"operator", "witness"}}})
	const want = " --encrypt-to age1x --encrypt-to 'ssh-ed25519 AAAA' --encrypt-policy p.yaml --key 'my pc.key' --operator sato --sign-with sato.key --require operator,witness"
	if got := c.peopleAgain(); got != want {
		t.Errorf("%s", got)
	}
	if c := a.newCollection(collectOptions{}); c.peopleAgain()+c.opensIt() != "" {
		t.Error(c.peopleAgain())
	}
}
