package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// The text that install writes says what is so without it, and its examples are right.
func TestTextIsTheDefault(t *testing.T) {
	c, err := Parse("f", []byte(Text()))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.File = "f"
	if !reflect.DeepEqual(c, want) {
		t.Errorf("the text says\n%+v\nDefault says\n%+v", c, want)
	}
	if c, err := Parse("f", nil); err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("an empty file: %+v, %v", c, err)
	}
}

// exampleText is the text that install writes with every example in force.
func exampleText() string {
	var out []string
	for l := range strings.Lines(Text()) {
		if rest, ok := strings.CutPrefix(l, "#"); ok && (strings.HasPrefix(rest, "  ") || len(rest) > 1 && rest[0] != ' ') {
			l = rest
		}
		out = append(out, strings.NewReplacer("destinations: {}", "destinations:", "groups: {}", "groups:").Replace(l))
	}
	return strings.ReplaceAll(strings.Join(out, ""), "  hozen service", "#  hozen service")
}

func TestExamplesAreRight(t *testing.T) {
	c, err := Parse("f", []byte(exampleText()))
	if err != nil {
		t.Fatalf("%v\n%s", err, exampleText())
	}
	if c.Timestamp.CA == "" || len(c.Destinations) != 4 || c.Device != "pc-42" || c.Language != "ja" || c.DeliverTo != Hub || len(c.Groups) != 1 || len(c.Groups[0].Members) != 3 ||
		len(c.Isolation.Hub) != 1 || c.Destinations[1].Pin == "" || c.Destinations[2].Address.String() != "192.0.2.11" || !c.Destinations[3].ReadBack {
		t.Errorf("%+v", c)
	}
}

// Each mistake has its place, its words and a hint; several are told at once.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"devise: pc", `f:1:1: the configuration has no field "devise"`},
		{"\n\ndevice: a b", `f:3:9: "a b" is no name`},
		{"device: [a]", `f:1:9: want one value, not a list`},
		{"device:", `f:1:8: want one value, not nothing`},
		{"state_dir: var", `f:1:12: "var" is not absolute`},
		{"language: fr", `f:1:11: "fr": not one of en, ja`},
		{"profile: all", `not one of volatile, standard, full`},
		{"on_shutdown: yes", `not one of nothing, volatile`},
		{"shutdown_limit: 60", `f:1:17: "60": want a time from 1s to 10m0s`},
		{"shutdown_limit: 2h", `want a time`},
		{"outbox: 20GiB", `f:1:9: outbox: want fields with values, not "20GiB"`},
		{"outbox:\n  max_size: lots", `f:2:13: "lots": want a size`},
		{"outbox:\n  max_size: 1\n", `want a size of at least 1048576 bytes`},
		{"delete_local: yes", `f:1:15: "yes": want true or false`},
		{"bandwidth: -1", `want a size`},
		{"bandwidth: 999999999999TiB", `want a size`},
		{"approvals: {ram: 0}", `f:1:18: "0": want a number from 1 to 9`},
		{"approvals: {ram: two}", `want a number`},
		{"groups: {g: [a, a]}", `group g: a is in it twice`},
		{"groups: {g: a}", `want a list, not "a"`},
		{"allow: {recipients: [bob]}", `f:1:22: "bob" is no recipient`},
		{"allow: {destinations: [nas]}", `no destination is called "nas"`},
		{"deliver_to: nas", `f:1:13: deliver_to: no destination is called nas`},
		{"isolation: {hub: [hub.example:4443]}", `f:1:19: "hub.example:4443" is no address with a port`},
		{"isolation: {hub: ['0.0.0.0:1']}", `is no address`},
		{"timestamp: {tsa: [http://tsa.example/]}", `f:1:19: address of a time stamping authority: "http://tsa.example/": only https is asked`},
		{"timestamp: {tsa: ['https://me:secret@tsa.example/']}", `a password does not belong into it`},
		{"timestamp: {tsa: [a, b], ca: x}", `f:1:19: address of a time stamping authority: "a": not a URL`},
		{"timestamp: {roots: x}", `timestamp has no field "roots"`},
		{"ntp: [1.2.3.4, 'ntp://x']", `f:1:16: time server "ntp://x"`},
		{"ntp: [a, a, a, a, a, a, a, a, a]", `f:1:31: too many of them`},
		{"limits: {memory: 1MiB}", `want a size of at least`},
		{"destinations: {hub: {to: /x}}", `cannot be called hub`},
		{"destinations: {a: {pin: x}}", `f:1:16: destination a: where to?`},
		{"destinations: {a: {to: x}}", `"x" is not absolute`},
		{"destinations: {a: {to: hub}}", `the hub needs no entry`},
		{"destinations: {a: {to: 'ftp://192.0.2.1/x'}}", `destination a: destination ftp://`},
		{"destinations: {a: {to: 'https://u:p@192.0.2.1/x'}}", `a password belongs into the credentials file`},
		{"destinations: {a: {to: 'https://h.example/x'}}", `f:1:24: destination a: h.example is a name, and has no address`},
		{"destinations: {a: {to: 'sftp://192.0.2.1/x'}}", `f:1:16: destination a: sftp needs pin`},
		{"destinations: {a: {to: /x, ca: /y}}", `f:1:32: destination a: ca is of no use for directory`},
		{"destinations: {a: {to: ''}}", `f:1:24: "": want a text in one line`},
		{"destinations: {a: {to: /x, address: x}}", `f:1:37: "x" is no address`},
		{"destinations: {a: {to: /x, ca: x}}", `"x" is not absolute`},
		{"destinations: {a b: {to: /x}}", `f:1:16: "a b" is no name`},
		{"device: a\ndevice: b", `f:2:1: the configuration: "device" stands here a second time (first in line 1)`},
		{"a: &x 1\nb: *x", `f:1:4: anchors and aliases`},
		{"<<: {device: a}", `tags and merge keys`},
		{"device: !!binary YQ==", `tags and merge keys`},
		{"device: a\n---\ndevice: b", `a second document`},
		{"device: a\n\tlanguage: en", `f:2:2: `},
		{"- a", `f:1:1: the configuration: want fields with values, not a list`},
		{"? [a]\n: b", `the name of a field must be a word`},
		{"device: [[[[[[[[[[[[a]]]]]]]]]]]]", `nested too deeply`},
	} {
		_, err := Parse("f", []byte(c.text))
		var p Problems
		if !errors.As(err, &p) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q:\n%v\nwant %s", c.text, err, c.want)
			continue
		}
		for _, one := range p {
			if one.Hint.English == "" || one.Hint.Japanese == "" {
				t.Errorf("%q: %v has no hint", c.text, one)
			}
		}
	}
	_, err := Parse("f", []byte("devise: a\nprofile: b\nlimits: {memory: c}\n"))
	if p, ok := err.(Problems); !ok || len(p) != 3 || p[0].Line != 1 || p[1].Line != 2 || p[2].Line != 3 {
		t.Errorf("not all of three mistakes, in order: %v", err)
	}
	if p := err.(Problems)[0]; p.Hint.English != "did you mean device?" {
		t.Errorf("hint %v", p.Hint)
	}
}

// An alias bomb costs nothing; neither does a text that is too large.
func TestHostileYAML(t *testing.T) {
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 30; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 8), i-1)
	}
	for name, text := range map[string]string{
		"bomb": bomb, "large": strings.Repeat("# \n", 1<<19), "deep": strings.Repeat("[", 1<<19), "deep maps": strings.Repeat("{a: ", 1<<17),
		"many fields": strings.Repeat("x: 1\n", 1<<17),
	} {
		_, err := Parse("f", []byte(text))
		if err == nil || len(err.Error()) > 1<<20 {
			t.Errorf("%s: %.200v", name, err)
		}
	}
}

func TestLoadWantsAPlainFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "hozen.yaml")
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "no such file") && !strings.Contains(err.Error(), "cannot find") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := Load(dir); err == nil {
		t.Error("a folder is read")
	}
	if err := os.WriteFile(file, []byte("device: pc-7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file)
	if err != nil || c.Device != "pc-7" || c.In(OutboxDir) != filepath.Join(c.StateDir, "outbox") {
		t.Errorf("%+v, %v", c, err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(link); err == nil {
		t.Error("a link is followed")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(Text()))
	f.Add([]byte(exampleText()))
	f.Add([]byte("a: &x [*x]\n"))
	f.Add([]byte("? {a: b}\n: - c\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("f", text)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v and %v", c, err)
		}
		if err != nil && len(err.(Problems)) == 0 {
			t.Error("an error without a problem")
		}
	})
}

// A recipient may stand in a file; what is wrong there is told with both lines.
func TestRecipientFile(t *testing.T) {
	const age, ssh = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0OYEge/M5VowSDTsTIXcp5BcesFsZ7ohrQ1vXb8Du4"
	file := filepath.Join(t.TempDir(), "lab")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf("device: a\nallow:\n  recipients: [%q, %q, '%s']\n", ssh+" mine", age, file)
	write("# lab\n\n" + age + "\n" + ssh + " theirs\n")
	c, err := Parse("f", []byte(text))
	if err != nil || !reflect.DeepEqual(c.Allow.Recipients, []string{ssh, age}) || !reflect.DeepEqual(c.RecipientFiles, []string{file}) {
		t.Errorf("%+v, %v", c, err)
	}
	for bad, want := range map[string]string{age + "\nbob\n": "line 2", "# none\n": "no recipient in it", "AGE-SECRET-KEY-1QQ\n": "AGE-SECRET-KEY-(not shown)"} {
		write(bad)
		if _, err := Parse("f", []byte(text)); err == nil || !strings.Contains(err.Error(), "f:3:") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "KEY-1QQ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := Parse("f", []byte("encrypt_to: [/nowhere/at/all]")); err == nil || !strings.Contains(err.Error(), "f:1:14:") {
		t.Errorf("no file: %v", err)
	}
}
