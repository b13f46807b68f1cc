package disk

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

func TestCompanions(t *testing.T) {
	for base, want := range map[string]string{
		"History":       "History-journal History-wal",
		"NTUSER.DAT":    "NTUSER.DAT.LOG1 ntuser.dat.LOG2 NTUSER.DAT{016888bd}.TM.blf",
		"SRUDB.dat":     "SRU.chk SRU00012.log",
		"a.log":         "",
		"Amcache.hve":   "Amcache.hve.LOG1",
		"x-wal":         "",
		"WebCacheV01.d": "",
	} {
		names := []string{"Amcache.hve.LOG1", "History", "History-journal", "History-wal", "History-wal2", "NTUSER.DAT", "NTUSER.DAT.LOG1",
			"NTUSER.DAT.bak", "SRU.chk", "SRU00012.log", "SRUDB.dat", "a.log", "ntuser.dat.LOG2", "NTUSER.DAT{016888bd}.TM.blf"}
		got := companions(base, names)
		slices.Sort(got)
		all := strings.Fields(want)
		slices.Sort(all)
		if !slices.Equal(got, all) {
			t.Errorf("%s: %q, want %q", base, got, all)
		}
	}
}

// meddler changes a file of the host when an item is put, once.
type meddler struct {
	hosttest.Sink
	when   string
	meddle func() error
	err    error
}

func (m *meddler) Put(ctx context.Context, item evidence.Item, fill func(io.Writer) error) error {
	err := m.Sink.Put(ctx, item, fill)
	if item.Path == m.when {
		m.err, m.when = m.meddle(), ""
	}
	return err
}

// A set of which a file changes while another is read is read once more, and both
// readings are kept.
func TestSetThatChanges(t *testing.T) {
	for _, tree := range []bool{true, false} {
		h := plant(t, map[string]string{"d/db": "pages", "d/db-wal": "wal", "d/db-shm": "index", "d/other": "x"})
		s := &meddler{when: "disk/files/d/db-wal", meddle: func() error { return os.WriteFile(h.Root+"/d/db", []byte("new pages"), 0o600) }}
		o := Options{Trees: []string{"/d"}}
		if !tree {
			o = Options{Set: testSet(t, "name: X\ndoc: X.\nsources:\n- {type: FILE, attributes: {paths: [/d/db]}}\n"), Tiers: Named([]string{"X"})}
		}
		must(t, Disk(o).Collect(context.Background(), h, s))
		must(t, s.err)
		rows := rowsOf(t, &s.Sink)
		for name, text := range map[string]string{"db": "pages", "@again db": "new pages", "db-wal": "wal", "@again db-wal": "wal"} {
			below, base, again := strings.Cut(name, " ")
			if !again {
				base, below = name, ""
			} else {
				below = "/" + below
			}
			if got := s.Body("disk/files" + below + "/d/" + base); string(got) != text {
				t.Errorf("%s: %q", name, got)
			}
		}
		if first, second := rows["/d/db"], rows["/d/db again"]; !first.Changed || second.Changed || !second.Again || first.Set != "/d/db" || second.Outcome != evidence.Collected {
			t.Errorf("%+v\n%+v", first, second)
		}
		if r := rows["/d/db-wal"]; r.Changed || r.Set != "/d/db" {
			t.Errorf("%+v", r)
		}
	}
}

// A database that a program holds open, with what it has only in its write-ahead log,
// comes out with all its rows.
func TestLiveDatabase(t *testing.T) {
	sqlite, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("no sqlite3 here")
	}
	dir := t.TempDir()
	cmd := exec.Command(sqlite, dir+"/live.db")
	in, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	defer cmd.Wait()
	defer in.Close()
	_, err = io.WriteString(in, "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(x); INSERT INTO t VALUES ('in the log'),('too');\n.shell touch "+dir+"/ready\n")
	must(t, err)
	for began := time.Now(); ; {
		if _, err := os.Stat(dir + "/ready"); err == nil {
			break
		} else if time.Since(began) > time.Minute {
			t.Fatal("the database is not ready")
		}
		time.Sleep(5 * time.Millisecond)
	}
	text := "name: X\ndoc: X.\nsources:\n- {type: FILE, attributes: {paths: [/live.db]}}\n"
	s, rows := take(t, Options{Set: testSet(t, text), Tiers: Named([]string{"X"})}, &collector.Host{Root: dir})
	copyTo := t.TempDir()
	for _, name := range []string{"/live.db", "/live.db-wal", "/live.db-shm"} {
		if r := rows[name]; r.Set != "/live.db" || r.Outcome != evidence.Collected || r.Changed || r.ReadEnded == "" {
			t.Errorf("%s: %+v", name, r)
		}
		must(t, os.WriteFile(filepath.Join(copyTo, name), s.Body("disk/files"+name), 0o600))
	}
	out, err := exec.Command(sqlite, copyTo+"/live.db", "SELECT count(*) FROM t").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "2" {
		t.Errorf("%s, %v", out, err)
	}
}
