package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/packager/signed"
	"hozen/service/deliver"
	"hozen/service/hub/intake"
	"hozen/service/protocol"
	"hozen/service/remote"
)

// archive makes a sealed archive with size random bytes in it, encrypted if somebody shall read it.
func archive(t testing.TB, d packager.Device, size int64, recipients ...string) (dir string, c protocol.CommitRequest) {
	t.Helper()
	dir = t.TempDir()
	id, err := packager.NewID(d.Name, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	w, err := packager.Create(packager.Options{ID: id, Disk: packager.Dir(dir), Device: d, Genesis: packager.Genesis{Case: "c", Evidence: "e", Tool: "hozen/test", Recipients: recipients}})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Put(t.Context(), evidence.Item{Path: "volatile/random", Source: "/dev/urandom", Collector: "test"}, func(out io.Writer) error {
		_, err := io.CopyN(out, rand.Reader, size)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	c.Collection = id
	c.Archive, c.Log = whole(t, filepath.Join(dir, s.Name)), whole(t, filepath.Join(dir, packager.LogName(id)))
	return dir, c
}

func whole(t testing.TB, path string) protocol.Whole {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return protocol.Whole{Name: filepath.Base(path), Bytes: int64(len(b)), SHA256: signed.HexSum(b)}
}

// connect is the endpoint's client.
func connect(t testing.TB, state string) *remote.Client {
	t.Helper()
	c, err := remote.Connect(remote.Options{State: state, Hello: func() protocol.Hello { return protocol.Hello{Version: "test"} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// sendFiles delivers both files.
func sendFiles(ctx context.Context, c *remote.Client, dir string, r protocol.CommitRequest) error {
	for _, w := range []protocol.Whole{r.Log, r.Archive} {
		f, err := os.Open(filepath.Join(dir, w.Name))
		if err != nil {
			return err
		}
		_, err = deliver.Send(ctx, c.Destination(), deliver.File{Name: w.Name, ReaderAt: f, Size: w.Bytes, SHA256: w.SHA256}, nil)
		if f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// send delivers both files and gives the receipt.
func send(ctx context.Context, c *remote.Client, dir string, r protocol.CommitRequest) (protocol.Receipt, error) {
	if err := sendFiles(ctx, c, dir, r); err != nil {
		return protocol.Receipt{}, err
	}
	if err := c.Commit(ctx, r); err != nil {
		return protocol.Receipt{}, err
	}
	_, receipt, err := c.Receipt(ctx, r)
	return receipt, err
}

// A commit whose record was written, but whose answer was lost before anybody began to
// work on it, has its receipt when it is asked for again.
func TestCommitWithoutAnswer(t *testing.T) {
	h := start(t)
	d, state := device(t, h, "pc-1")
	dir, commit := archive(t, d, 1<<20)
	c := connect(t, state)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := sendFiles(ctx, c, dir, commit); err != nil {
		t.Fatal(err)
	}
	putRecord(ctx, t, h, c, intake.Record{State: "committed", Device: "pc-1", Commit: commit})
	if err := c.Commit(ctx, commit); err != nil {
		t.Fatal(err)
	}
	if _, r, err := c.Receipt(ctx, commit); err != nil || r.Verdict != string(packager.Valid) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestDeliver(t *testing.T) {
	h := start(t)
	d, state := device(t, h, "pc-1")
	dir, commit := archive(t, d, 3<<20)
	c := connect(t, state)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := send(ctx, c, dir, commit)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != string(packager.Valid) || r.Device != "pc-1" || r.Archive != commit.Archive {
		t.Errorf("receipt: %+v", r)
	}
	// The receipt is there before the parts are gone.
	for s := h.intake.Stats(); s.Uploads != 0 || s.Bytes != 0; s = h.intake.Stats() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("left: %+v", s)
		}
	}
	list, err := h.Archives(ctx, "pc-1", 10)
	if err != nil || len(list) != 1 || list[0].Collection != commit.Collection || list[0].State != "receipted" {
		t.Errorf("archives: %+v %v", list, err)
	}
	for file, w := range map[string]protocol.Whole{protocol.FileArchive: commit.Archive, protocol.FileLog: commit.Log} {
		rc, size, err := h.Open(ctx, "pc-1", commit.Collection, file)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		if err != nil || rc.Close() != nil || int64(len(b)) != size || signed.HexSum(b) != w.SHA256 {
			t.Errorf("%s: %d bytes, %v", file, len(b), err)
		}
	}
	a, err := h.Archive(ctx, "pc-1", commit.Collection)
	if err != nil || !bytes.Contains(a.Report, []byte(`"verdict":"VALID"`)) {
		t.Errorf("report %s: %v", a.Report, err)
	}
	// Everything again: nothing changes.
	if again, err := send(ctx, c, dir, commit); err != nil || again != r {
		t.Errorf("again: %+v %v", again, err)
	}
}

// Between the receipt, which the endpoint may hear of, and its line in the stream of receipts,
// the archive is listed as received.
func TestListedOnceReceipted(t *testing.T) {
	h := start(t)
	d, state := device(t, h, "pc-1")
	dir, commit := archive(t, d, 1<<20)
	c := connect(t, state)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := sendFiles(ctx, c, dir, commit); err != nil {
		t.Fatal(err)
	}
	list, err := h.Archives(ctx, "pc-1", 10)
	if err != nil || len(list) != 1 || list[0].State != "arriving" {
		t.Fatalf("before: %+v, %v", list, err)
	}
	receipt, err := h.sign(protocol.Receipt{Type: protocol.ReceiptType, Collection: commit.Collection, Endpoint: c.ID(), Device: "pc-1", Archive: commit.Archive, Log: commit.Log, Verdict: "VALID"})
	if err != nil {
		t.Fatal(err)
	}
	putRecord(ctx, t, h, c, intake.Record{State: "receipted", Device: "pc-1", Commit: commit, Receipt: receipt})
	list, err = h.Archives(ctx, "pc-1", 10)
	if err != nil || len(list) != 1 || list[0].State != "receipted" || list[0].Verdict != "VALID" || list[0].Archive != commit.Archive {
		t.Errorf("after: %+v, %v", list, err)
	}
}

// putRecord writes what the hub knows of a commit behind its back.
func putRecord(ctx context.Context, t *testing.T, h *Hub, c *remote.Client, rec intake.Record) {
	t.Helper()
	records, err := h.broker.JS.KeyValue(ctx, intake.Records)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := records.Put(ctx, c.ID()+"."+rec.Commit.Collection, b); err != nil {
		t.Fatal(err)
	}
}
