package disk

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"hozen/collector/disk/artifact"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

const testDefinitions = `name: Logs
doc: Logs.
sources:
- {type: FILE, attributes: {paths: ['/var/log/*']}}
supported_os: [Linux]
---
name: Auth
doc: Who came.
sources:
- {type: FILE, attributes: {paths: ['/var/log/auth.log*', '/var/log/none']}}
- {type: PATH, attributes: {paths: ['/var/log/journal']}}
- {type: COMMAND, attributes: {cmd: /bin/last, args: ['-x']}}
supported_os: [Linux]
---
name: Profiles
doc: Databases of browsers.
sources:
- {type: FILE, attributes: {paths: ['/home/u/History']}}
---
name: Nowhere
doc: What is not here.
sources:
- {type: FILE, attributes: {paths: ['/nowhere/*']}}
---
name: Hives
doc: Another system's.
sources:
- {type: FILE, attributes: {paths: ['%%environ_systemroot%%\System32\config\SYSTEM'], separator: '\'}}
supported_os: [Windows]
---
name: AllOfIt
doc: A group.
sources:
- {type: ARTIFACT_GROUP, attributes: {names: [Auth, Logs, Profiles, Nowhere, Hives]}}
`

func testSet(t testing.TB, text string) *artifact.Set {
	t.Helper()
	all, err := artifact.Parse("test.yaml", []byte(text))
	must(t, err)
	set, err := artifact.NewSet(all)
	must(t, err)
	return set
}

func artifactRows(t *testing.T, s *hosttest.Sink) map[string]ArtifactRow {
	t.Helper()
	rows, err := jsonl.Read[ArtifactRow](s.Body(artifactsTable))
	must(t, err)
	out := map[string]ArtifactRow{}
	for _, r := range rows {
		out[r.Name] = r
	}
	return out
}

func linuxFiles() map[string]string {
	return map[string]string{
		"etc/passwd": "root:x:0:0::/root:/bin/sh\n", "usr/lib/os-release": "ID=debian\n", "proc/version": "Linux",
		"var/log/auth.log": "came", "var/log/auth.log.1": "came before", "var/log/syslog": "log", "var/log/journal/": "",
		"home/u/History": "SQLite format 3", "home/u/History-wal": "wal", "home/u/History-shm": "shm", "home/u/Other": "no",
	}
}

func TestDefinitions(t *testing.T) {
	h := plant(t, linuxFiles())
	s, rows := take(t, Options{Set: testSet(t, testDefinitions), Tiers: Named([]string{"AllOfIt"})}, h)
	all := artifactRows(t, s)
	for name, want := range map[string]ArtifactRow{
		"Auth":     {Files: 3, Taken: 2, TakenBytes: 15, Outcome: evidence.Collected},
		"Logs":     {Files: 3, Taken: 3, TakenBytes: 18, Outcome: evidence.Collected},
		"Profiles": {Files: 1, Taken: 1, TakenBytes: 15, Outcome: evidence.Collected},
		"Nowhere":  {Outcome: evidence.Absent},
		"Hives":    {Outcome: evidence.Skipped},
	} {
		got := all[name]
		if got.Files != want.Files || got.Taken != want.Taken || got.TakenBytes != want.TakenBytes || got.Outcome != want.Outcome || got.Doc == "" || !strings.HasPrefix(got.Definition, "test.yaml:") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if p := all["Auth"].Patterns; len(p) != 4 || p[0].Matches != 2 || p[3].Outcome != "skipped" || p[3].Reason == "" {
		t.Errorf("%+v", p)
	}
	if r := rows["/var/log/auth.log"]; len(r.Artifacts) != 2 || r.Artifacts[0] != "Auth" || r.Taken != 4 {
		t.Errorf("%+v", r)
	}
	for _, name := range []string{"/home/u/History", "/home/u/History-wal", "/home/u/History-shm"} {
		if r := rows[name]; r.Set != "/home/u/History" || r.Outcome != evidence.Collected || r.Changed {
			t.Errorf("%+v", r)
		}
	}
	if _, there := rows["/home/u/Other"]; there || len(s.Body("disk/files/home/u/History-wal")) != 3 {
		t.Error("a neighbour was taken, or the wal was not")
	}
	if r := rows["/var/log/journal"]; r.Kind != "directory" || r.Outcome != evidence.Skipped {
		t.Errorf("%+v", r)
	}
	if rec, _ := s.Record(artifactsTable); rec.Outcome != evidence.Collected {
		t.Errorf("%+v", rec)
	}
}

func TestDefinitionsConform(t *testing.T) {
	hosttest.Conform(t, Disk(Options{Set: testSet(t, testDefinitions), Tiers: Named([]string{"AllOfIt"})}), plant(t, linuxFiles()))
}

func TestLimitOfAnArtefactTakesTheNewest(t *testing.T) {
	h := plant(t, linuxFiles())
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	must(t, os.Chtimes(h.Root+"/var/log/auth.log.1", old, old))
	s, rows := take(t, Options{Set: testSet(t, testDefinitions), Tiers: Named([]string{"Auth"}), MaxArtifact: 12}, h)
	if rows["/var/log/auth.log"].Taken != 4 || rows["/var/log/auth.log.1"].Taken != 0 || !strings.HasPrefix(string(rows["/var/log/auth.log.1"].Reason), "limit for one artefact") {
		t.Errorf("%+v", rows)
	}
	if a := artifactRows(t, s)["Auth"]; a.Outcome != evidence.Partial || a.NotTaken != 1 {
		t.Errorf("%+v", a)
	}
}

// A budget goes to what is worth most for each second; what is left has a row and a record.
func TestBudgetByValue(t *testing.T) {
	files := linuxFiles()
	files["var/log/syslog"] = strings.Repeat("s", 3000)
	h := plant(t, files)
	o := Options{Set: testSet(t, testDefinitions), MaxSize: 3010, Tiers: []Tier{
		{Artifacts: []string{"Auth"}, Value: 1}, {Artifacts: []string{"Logs"}, Value: 50}, {Artifacts: []string{"Profiles"}, Value: 2},
	}}
	s, rows := take(t, o, h)
	for name, taken := range map[string]int64{"/var/log/syslog": 3000, "/var/log/auth.log": 4, "/var/log/auth.log.1": 0, "/home/u/History": 0} {
		if rows[name].Taken != taken || (taken == 0) != strings.HasPrefix(string(rows[name].Reason), "budget: ") {
			t.Errorf("%+v", rows[name])
		}
	}
	if rec, ok := s.Record("disk/files/home/u/History"); !ok || !rec.Shortfall || rec.Outcome != evidence.Skipped {
		t.Errorf("%+v", rec)
	}
}

func TestTimeIsOver(t *testing.T) {
	h := plant(t, linuxFiles())
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(time.Hour))
	defer cancel()
	o := Options{Set: testSet(t, testDefinitions), Tiers: Named([]string{"AllOfIt"})}.Limited("standard")
	var s hosttest.Sink
	w := newWatch(h, patienceRemote)
	defer w.stop()
	found := find(ctx, h, o, w)
	found.formSets(ctx, w)
	units, _ := o.plan(found, remaining(ctx))
	r := newRun(ctx, h, &s, o, w, found)
	r.until = time.Now().Add(-time.Second)
	must(t, r.take(func(yield func(*unit) bool) {
		for _, u := range units {
			yield(u)
		}
	}))
	must(t, r.finish(nil))
	for _, row := range rowsOf(t, &s) {
		if row.Taken > 0 || row.Kind == "regular" && !strings.Contains(string(row.Reason), "the time is over") {
			t.Errorf("%+v", row)
		}
	}
}
