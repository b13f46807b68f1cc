package install

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"hozen/service/config"
)

func TestServices(t *testing.T) {
	c := config.Default()
	all := Services(`C:\Program Data\hozen.yaml`, c)
	if len(all) != 2 || all[0].Name != Unit || all[1].Name != CollectUnit {
		t.Fatalf("%+v", all)
	}
	if !all[0].Auto || all[1].Auto || len(all[0].Again) == 0 || len(all[1].Again) != 0 {
		t.Error("the resident one comes back, the other does not")
	}
	for _, s := range all {
		if got := s.Command(`C:\Program Files\Hozen\hozen.exe`); !strings.HasPrefix(got, `"C:\Program Files\Hozen\hozen.exe" service `) || !strings.HasSuffix(got, `"C:\Program Data\hozen.yaml"`) {
			t.Errorf("an unquoted way: %s", got)
		}
		if s.Patience <= c.ShutdownLimit {
			t.Errorf("%s: a shutdown waits %v, evidence %v", s.Name, s.Patience, c.ShutdownLimit)
		}
		for _, bad := range []string{"SeTcbPrivilege", "SeLoadDriverPrivilege", "SeRestorePrivilege", "SeAssignPrimaryTokenPrivilege"} {
			if strings.Contains(strings.Join(s.Privileges, " "), bad) {
				t.Errorf("%s keeps %s", s.Name, bad)
			}
		}
	}
	for _, f := range Files(SCM, `C:\h.yaml`, c, false) {
		for _, want := range []string{"LocalSystem", "preshutdown", `\Services\hozen`} {
			if !strings.Contains(f.Path+"\n"+f.Text, want) {
				t.Errorf("%s says nothing of %s:\n%s", f.Path, want, f.Text)
			}
		}
	}
}

func TestQuoted(t *testing.T) {
	for in, want := range map[string]string{`a b`: `"a b"`, `a\`: `"a\\"`, `a"b`: `"a\"b"`, `a\"b`: `"a\\\"b"`, `a\b`: `"a\b"`} {
		if got := quoted(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestMultiString(t *testing.T) {
	if got := multiString([]string{"a", "bc"}); !slices.Equal(got, []uint16{'a', 0, 'b', 'c', 0, 0}) {
		t.Errorf("%v", got)
	}
}

func TestTriggerOf(t *testing.T) {
	for _, c := range []struct {
		service string
		args    []string
		want    string
	}{
		{Unit, nil, ""}, {Unit, []string{"collect", "case-42"}, "case-42"}, {CollectUnit, []string{"case-42"}, "case-42"},
		{CollectUnit, []string{"collect", "事件42"}, "事件42"}, {CollectUnit, []string{"collect"}, "collect"}, {CollectUnit, []string{"2026 A/7"}, "2026 A/7"},
	} {
		if got, err := TriggerOf(c.service, c.args); err != nil || got != c.want {
			t.Errorf("%s %q: %q, %v", c.service, c.args, got, err)
		}
	}
	for _, c := range []struct {
		service string
		args    []string
	}{
		{Unit, []string{"case-42"}}, {Unit, []string{"collect"}}, {Unit, []string{"collect", "a", "b"}}, {Unit, []string{"uninstall", "x"}},
		{CollectUnit, nil}, {CollectUnit, []string{""}}, {CollectUnit, []string{"-rf"}}, {CollectUnit, []string{"--config"}}, {CollectUnit, []string{"/s"}},
		{CollectUnit, []string{"a\nb"}}, {CollectUnit, []string{"a\x1b[2J"}}, {CollectUnit, []string{"a\xff"}}, {CollectUnit, []string{"a\u202eb"}},
		{CollectUnit, []string{strings.Repeat("x", maxCase+1)}}, {CollectUnit, []string{"@file"}}, {CollectUnit, []string{" a"}}, {CollectUnit, []string{"a "}},
		{CollectUnit, []string{"a", "b"}}, {CollectUnit, []string{"collect", "a", "b"}}, {CollectUnit, []string{"\u200b"}}, {CollectUnit, []string{"a\ufffdb"}},
	} {
		if got, err := TriggerOf(c.service, c.args); !errors.Is(err, ErrArguments) {
			t.Errorf("%s %q is taken as %q, %v", c.service, c.args, got, err)
		}
	}
}

func FuzzTriggerOf(f *testing.F) {
	f.Add("collect", "case-42")
	f.Add("case", "\u202e")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, args := range [][]string{{a}, {a, b}} {
			if c, err := TriggerOf(CollectUnit, args); err == nil && (c == "" || strings.ContainsAny(c, "\x00\n\r\x1b\u202e") || len(c) > 4*maxCase) {
				t.Errorf("%q is taken as %q", args, c)
			}
		}
	})
}
