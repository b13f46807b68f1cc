package rpmdb

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"reflect"
	"testing"

	"hozen/collector/disk/integrity/packages"
	"hozen/collector/hosttest"
)

func unpacked(t testing.TB, name string) []byte {
	t.Helper()
	return hosttest.Unzip(t, "testdata/"+name+".gz")
}

func blobs(db, wal []byte) (list [][]byte, err error) {
	var log io.ReaderAt
	if wal != nil {
		log = bytes.NewReader(wal)
	}
	err = SQLite(bytes.NewReader(db), int64(len(db)), log, int64(len(wal)), func(b []byte) error {
		list = append(list, bytes.Clone(b))
		return nil
	})
	return list, err
}

// The database of rpm 4.18 itself.
func TestRPM(t *testing.T) {
	list, err := blobs(unpacked(t, "rpmdb.sqlite"), nil)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d packages, %v", len(list), err)
	}
	p, err := Header(list[0])
	if err != nil {
		t.Fatal(err)
	}
	file := func(path, body string, mode uint32, flags packages.Flags) packages.File {
		sum := sha256.Sum256([]byte(body))
		return packages.File{Path: path, Algorithm: "sha256", Digest: hex.EncodeToString(sum[:]), Size: int64(len(body)), Mode: mode, HasMode: true,
			User: "root", Group: "root", Flags: flags}
	}
	want := []packages.File{
		file("/etc/tiny.conf", "conf\n", 0o100644, packages.Config),
		{Path: "/usr/bin/link", Size: 4, Mode: 0o120777, HasMode: true, User: "root", Group: "root", Link: "prog"},
		file("/usr/bin/prog", "prog\n", 0o100755, 0),
		file("/usr/share/doc/tiny", "doc\n", 0o100644, packages.Doc),
	}
	if p.Name != "tiny" || p.Version != "1.0-1" || p.Arch != "noarch" || p.Installed.Year() < 2020 || !reflect.DeepEqual(p.Files, want) {
		t.Errorf("%+v\nwant\n%+v", p, want)
	}
}

// What SQLite would show: the log counts to its last commit, overflow pages are read.
func TestWriteAheadLog(t *testing.T) {
	db, wal := unpacked(t, "wal.db"), unpacked(t, "wal.db-wal")
	truth := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, i*13%4000) }
	before, err := blobs(db, nil)
	if err != nil || len(before) != 300 {
		t.Fatalf("%d rows, %v", len(before), err)
	}
	for i, b := range before {
		if !bytes.Equal(b, truth(i)) {
			t.Errorf("row %d: %d bytes", i+1, len(b))
		}
	}
	after, err := blobs(db, wal)
	if err != nil || len(after) != 300 {
		t.Fatalf("%d rows, %v", len(after), err)
	}
	want := append(append([][]byte{}, before[:8]...), before[9:]...)
	want[6], want = bytes.Repeat([]byte("x"), 9000), append(want, []byte("last"))
	for i := range want {
		if !bytes.Equal(after[i], want[i]) {
			t.Errorf("row %d with the log: %d bytes, want %d", i, len(after[i]), len(want[i]))
		}
	}
	// A log that is cut loses its last transactions, no more.
	for cut := len(wal); cut >= 0; cut -= 700 {
		if list, err := blobs(db, wal[:cut]); err != nil || len(list) < 299 {
			t.Fatalf("log of %d bytes: %d rows, %v", cut, len(list), err)
		}
	}
}

// ndb makes a Packages.db of blobs.
func ndb(list ...string) []byte {
	b := make([]byte, 4096)
	copy(b, "RpmP")
	binary.LittleEndian.PutUint32(b[12:], 1)
	for at := 32; at < 4096; at += 16 {
		copy(b[at:], "Slot")
	}
	for i, body := range list {
		s := b[32+16*(i+2):]
		binary.LittleEndian.PutUint32(s[4:], uint32(i+1))
		binary.LittleEndian.PutUint32(s[8:], uint32(len(b)/16))
		blob := append([]byte("BlbS"), make([]byte, 12)...)
		binary.LittleEndian.PutUint32(blob[4:], uint32(i+1))
		binary.LittleEndian.PutUint32(blob[12:], uint32(len(body)))
		blob = append(blob, body...)
		b = append(b, append(blob, make([]byte, 32-len(blob)%16)...)...)
	}
	return b
}

func TestNDB(t *testing.T) {
	b := ndb("one", "two and more bytes", "")
	var got []string
	see := func(blob []byte) error { got = append(got, string(blob)); return nil }
	if err := NDB(bytes.NewReader(b), int64(len(b)), see); err != nil || !reflect.DeepEqual(got, []string{"one", "two and more bytes", ""}) {
		t.Errorf("%q, %v", got, err)
	}
	got = nil
	copy(b[4096:], "xxxx")
	if err := NDB(bytes.NewReader(b), int64(len(b)), see); !errors.Is(err, ErrDamaged) || len(got) != 2 {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzHeader(f *testing.F) {
	list, err := blobs(unpacked(f, "rpmdb.sqlite"), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(list[0])
	f.Fuzz(func(_ *testing.T, b []byte) { Header(b) })
}

func FuzzSQLite(f *testing.F) {
	f.Add(unpacked(f, "wal.db")[:40<<10], unpacked(f, "wal.db-wal"))
	f.Add(unpacked(f, "rpmdb.sqlite")[:60<<10], []byte(nil))
	f.Fuzz(func(_ *testing.T, db, wal []byte) { blobs(db, wal) })
}

func FuzzNDB(f *testing.F) {
	f.Add(ndb("one", "two"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		NDB(bytes.NewReader(b), int64(len(b)), func([]byte) error { return nil })
	})
}
