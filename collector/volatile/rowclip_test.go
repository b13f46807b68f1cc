package volatile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"hozen/collector"
	"hozen/collector/jsonl"
)

func TestClipText(t *testing.T) {
	for _, s := range []string{"", "short", strings.Repeat("x", maxRowText), strings.Repeat("保", maxRowText), strings.Repeat("a", maxRowText-1) + "é", strings.Repeat("\xbf", maxRowText+9)} {
		got := clipText(s)
		if !strings.HasPrefix(s, got) || len(got) > maxRowText || len(got) < min(len(s), maxRowText-utf8.UTFMax) || utf8.ValidString(s) != utf8.ValidString(got) {
			t.Errorf("%d bytes, %.8q…, became %d bytes", len(s), s, len(got))
		}
		if len(s) <= maxRowText && got != s {
			t.Errorf("%d bytes became %d", len(s), len(got))
		}
	}
}

func TestClipRow(t *testing.T) {
	long := jsonl.Text(strings.Repeat("x", maxRowText+1))
	whole := ContainerRow{ID: "a", Name: "b", Labels: []NamedString{{"c", "d"}}, PIDs: make([]int, 100_000)}
	if cut := clipRow(&whole); cut != nil || len(whole.PIDs) != 100_000 {
		t.Errorf("cut %v of what is short", cut)
	}
	row := ContainerRow{
		ID: "a", Name: long, Labels: []NamedString{{"c", long}}, Command: slices.Repeat([]jsonl.Text{""}, 1<<20),
		Mounts: slices.Repeat([]ContainerMount{{Source: long, Options: slices.Repeat([]jsonl.Text{"o"}, 1<<10)}}, 100),
	}
	if cut := strings.Join(clipRow(&row), " "); cut != "name command mounts labels" {
		t.Errorf("cut %s", cut)
	}
	b, err := json.Marshal(row)
	if err != nil || len(b) > 4*maxRowList || row.Labels[0].Value != long[:maxRowText] {
		t.Errorf("%d bytes of JSON, %v", len(b), err)
	}
}

// plantFiles makes a host of a few files.
func plantFiles(t *testing.T, files map[string]string) *collector.Host {
	t.Helper()
	h := &collector.Host{Root: t.TempDir()}
	for name, text := range files {
		at := filepath.Join(h.Root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// TestSessionsOfAHostileUser has processes that all carry a long value, each
// another one, and one process with a name many times.
func TestSessionsOfAHostileUser(t *testing.T) {
	needsLinux(t)
	files, long := map[string]string{}, strings.Repeat("203.0.113.7 ", 11_000)
	for pid := 100; pid < 150; pid++ {
		n := strconv.Itoa(pid)
		files["proc/"+n+"/stat"] = n + " (sshd) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1234 4096 1\n"
		files["proc/"+n+"/environ"] = "SSH_CLIENT=" + long + n + "\x00"
		files["proc/"+n+"/cmdline"] = "sshd\x00" + long + "\x00" + strings.Repeat("\x00", 50_000)
	}
	files["proc/150/stat"] = "150 (x) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1234 4096 1\n"
	files["proc/150/environ"] = strings.Repeat("STY=a\x00", 2*maxVariablesEach) + "STY=" + strings.Repeat("b", limitArgs)
	files["run/systemd/sessions/1"] = strings.Repeat("A=b\n", 100_000)
	s := collectTest(t, Sessions(), plantFiles(t, files))
	body := s.Body("volatile/sessions.jsonl")
	if len(body) > 1<<20 {
		t.Errorf("the table has %d bytes", len(body))
	}
	kinds := kindsOf(t, body)
	vars := kinds["ssh environment"]
	if len(vars) != 50 {
		t.Fatalf("%d rows of different values", len(vars))
	}
	for _, v := range vars {
		if v["value"] != long[:maxRowText] || v["value_bytes"] != float64(len(long)+3) || len(v["value_sha256"].(string)) != 64 || len(v["cut"].([]any)) != 1 || v["process_count"] != 1.0 {
			t.Fatalf("%.200v", v)
		}
	}
	for _, p := range kinds["ssh process"] {
		if cut := p["cut"].([]any); len(cut) != 1 || cut[0] != "argv" {
			t.Fatalf("cut %v", cut)
		}
	}
	if l := kinds["logind <nil>"]; len(l) != 1 || l[0]["cut"] == nil {
		t.Errorf("%.200v", l)
	}
	if sty := kinds["multiplexer environment"]; len(sty) != 1 || sty[0]["value"] != "a" || sty[0]["cut"] != nil {
		t.Errorf("%.200v", sty)
	}
	if r, _ := s.Record("volatile/sessions.jsonl"); !r.Shortfall || !strings.Contains(r.Note, "150/environ") {
		t.Errorf("what was left out is not said: %+v", r)
	}
}

func TestContainersOfAHostileUser(t *testing.T) {
	needsLinux(t)
	long := strings.Repeat("x", 1<<20)
	const docker = "var/lib/docker/containers/"
	s := collectTest(t, Containers(), plantFiles(t, map[string]string{
		docker + "a/config.v2.json":                                     `{"ID":"` + long + `","Name":"` + long + `","Config":{"Env":["` + strings.Repeat(`A=b","`, 1<<17) + `"]}}`,
		docker + "b/config.v2.json":                                     `{"State":{"Pid":` + strings.Repeat("1", 1<<20) + `}}`,
		"run/containerd/io.containerd.runtime.v2.task/k/c/init.pid":     long,
		"var/lib/containers/storage/overlay-containers/containers.json": `[` + strings.Repeat(`{"id":"d"},`, 5000) + `{"id":"` + long + `"}]`,
		"var/lib/kubelet/pods/e/etc-hosts":                              long,
	}))
	for _, name := range []string{"volatile/containers.jsonl", "volatile/containers/pods.jsonl"} {
		r, _ := s.Record(name)
		if n := len(s.Body(name)); n == 0 || n > 1<<17 || len(r.Note) > 4096 {
			t.Errorf("%s: %d bytes, and a note of %d", name, n, len(r.Note))
		}
	}
	cut := map[string]string{}
	for _, r := range table[ContainerRow](t, s, "volatile/containers.jsonl") {
		cut[string(r.ID[:1])] = strings.Join(r.Cut, " ")
	}
	if cut["a"] != "name environment_names" || cut["b"] != "" || cut["d"] != "sources" || cut["x"] != "id" {
		t.Errorf("cut %v", cut)
	}
	if pods := table[PodRow](t, s, "volatile/containers/pods.jsonl"); len(pods) != 1 || len(pods[0].Cut) != 1 {
		t.Errorf("pods %.200v", pods)
	}
}

func TestContainersAreBounded(t *testing.T) {
	set := &containerSet{rows: map[string]*ContainerRow{}}
	for i := range maxContainers + 5 {
		set.add(ContainerRow{Runtime: "podman", ID: jsonl.Text(strconv.Itoa(i))}, "containers.json", nil)
	}
	if err := set.tally.Err(); len(set.rows) != maxContainers || err == nil {
		t.Errorf("%d rows, %v", len(set.rows), err)
	}
}
