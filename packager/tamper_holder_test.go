package packager

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A hostile archive is made by a holder of the device key, every signature right:
// its members are what no writer of this format makes. It must be INVALID, and
// Extract must leave nothing of it outside the target, nor anything unverified.
type hostile struct {
	name string
	make func(f *forge)
}

func odds(name string, change func(h []byte)) hostile {
	return hostile{name, func(f *forge) {
		f.raw(odd(header(f.id+"/data/evil", 5, f.epoch), change), "data/evil", "evil\n")
	}}
}

func named(name, member string) hostile {
	return hostile{name, func(f *forge) { f.member(member, "evil\n") }}
}

func full(name, whole string) hostile {
	return hostile{name, func(f *forge) { f.raw(header(whole, 5, f.epoch), "data/evil", "evil\n") }}
}

func typed(name string, kind byte, link string) hostile {
	return hostile{name, func(f *forge) {
		f.raw(odd(header(f.id+"/data/evil", 0, f.epoch), func(h []byte) {
			h[156] = kind
			copy(h[157:257], link)
			if kind == '3' || kind == '4' {
				copy(h[329:], "0000001\x000000003\x00")
			}
		}), "data/evil", "")
	}}
}

// pax makes a long name with a pax body and header names of one's own.
func pax(name, body, paxName, main string) hostile {
	return hostile{name, func(f *forge) {
		h := ustar("", or(paxName, f.id+"/pax"), int64(len(body)), f.epoch, 'x')
		h = append(append(h, body...), make([]byte, padding(int64(len(body))))...)
		f.raw(append(h, ustar("", or(main, f.id+"/long"), 5, f.epoch, '0')...), "data/evil", "evil\n")
	}}
}

var longName = "data/" + strings.Repeat("deep/", 12) + strings.Repeat("x", 110)

func hostiles() []hostile {
	long := forgedID + "/" + longName
	return []hostile{
		typed("symlink", '2', "/etc/passwd"), typed("symlink to the parent", '2', "../.."), typed("hardlink", '1', forgedID+"/bagit.txt"),
		typed("character device", '3', ""), typed("block device", '4', ""), typed("directory", '5', ""), typed("fifo", '6', ""),
		typed("contiguous file", '7', ""), typed("global pax header", 'g', ""), typed("gnu long name", 'L', ""), typed("sparse", 'S', ""), typed("old type", 0, ""),
		full("absolute name", "/tmp/evil"), full("outside", "../evil"), full("outside the directory", "other-20261121t090000z-000000/data/evil"),
		full("the directory itself", forgedID+"/"), full("no directory", "evil"),
		named("parent", "data/../../evil"), named("current", "data/./evil"), named("empty component", "data//evil"), named("parent at the end", "data/.."),
		named("trailing slash", "data/evil/"), named("trailing dot", "data/evil."), named("backslash", `data/..\..\evil`), named("colon", "data/C:evil"),
		named("newline", "data/ev\nil"), named("escape", "data/\x1b[2J"), named("not ASCII", "data/é"), named("space", "data/a b"),
		named("reserved", "data/NUL"), named("reserved with a suffix", "data/con.txt"), named("not payload", "evil"), named("in custody", "custody/evil"),
		named("hash sign", "data/evil#unverified"), named("second genesis", nameGenesis), named("case of genesis", "custody/Genesis.json"),
		named("later checkpoint", checkpointName(9, ".json")), named("statement as data", checkpointName(1, ".json")), named("seal as data", nameSeal),
		{"the same name twice", func(f *forge) { f.member("data/x", "1"); f.member("data/x", "2") }},
		{"the same name in another case", func(f *forge) { f.member("data/x", "1"); f.member("data/X", "2") }},
		{"a file where a directory is", func(f *forge) { f.member("data/x/y", "1"); f.member("data/x", "2") }},
		{"a directory where a file is", func(f *forge) { f.member("data/x", "1"); f.member("data/x/y", "2") }},
		{"a part out of order", func(f *forge) { f.member("data/x.p000000", "1"); f.member("data/x.p000002", "2") }},
		{"parts that begin late", func(f *forge) { f.member("data/x.p000001", "1") }},
		{"parts of a member", func(f *forge) { f.member("data/x", "1"); f.member("data/x.p000000", "2") }},
		{"a member of parts", func(f *forge) { f.member("data/x.p000000", "1"); f.member("data/x", "2") }},
		odds("mode", func(h []byte) { copy(h[100:], "0004755\x00") }), odds("owner", func(h []byte) { copy(h[108:], "0001750\x00") }),
		odds("group", func(h []byte) { copy(h[116:], "0001750\x00") }), odds("owner's name", func(h []byte) { copy(h[265:], "root") }),
		odds("time", func(h []byte) { copy(h[136:], "00000000000\x00") }), odds("device numbers", func(h []byte) { copy(h[329:], "0000001\x00") }),
		odds("link name", func(h []byte) { copy(h[157:], "x") }), odds("bytes at the end of the header", func(h []byte) { h[511] = 1 }),
		odds("gnu magic", func(h []byte) { copy(h[257:], "ustar  \x00") }), odds("bytes after the name", func(h []byte) { copy(h[60:], "x") }),
		odds("size in base 256", func(h []byte) { copy(h[124:136], "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05") }),
		odds("size with a space", func(h []byte) { copy(h[124:], " 0000000005\x00") }), odds("size with a sign", func(h []byte) { copy(h[124:], "-0000000005\x00") }),
		odds("name divided otherwise", func(h []byte) { clear(h[:100]); copy(h, "evil"); copy(h[345:], forgedID+"/data") }),
		{"checksum in another form", func(f *forge) {
			h := header(f.id+"/data/evil", 0, f.epoch)
			h[154], h[155] = ' ', 0
			f.raw(h, "data/evil", "")
		}},
		{"data in the padding", func(f *forge) { f.member("data/x", "1"); f.tar[len(f.tar)-1] = 'x' }},
		{"end of tar in the middle", func(f *forge) { f.tar = append(f.tar, make([]byte, 1024)...) }},
		{"over 64 MiB in one member", func(f *forge) { f.raw(header(f.id+"/data/x", maxMember+1, f.epoch), "data/x", "") }},
		pax("pax comment", "18 comment=hidden\n", "", ""), pax("pax path that fits without", string(paxPath(forgedID+"/data/evil")), "", ""),
		pax("pax path and size", string(paxPath(long))+"10 size=5\n", "", ""), pax("pax path twice", string(paxPath(long))+string(paxPath(long)), "", ""),
		pax("pax length wrong", "9"+string(paxPath(long)), "", ""), pax("pax empty", "", "", ""), pax("pax path without a newline", strings.TrimSuffix(string(paxPath(long)), "\n"), "", ""),
		pax("pax path outside", string(paxPath(strings.Replace(long, "data/", "data/../../", 1))), "", ""),
		pax("pax header's own name", string(paxPath(long)), "../pax", ""), pax("name behind a pax header", string(paxPath(long)), "", "../../etc/cron.d/evil"),
		{"long name without its pax header", func(f *forge) { f.raw(ustar("", f.id+"/long", 0, f.epoch, '0'), "data/evil", "") }},
		{"two pax headers", func(f *forge) {
			h := header(f.id+"/"+longName, 0, f.epoch)
			f.raw(append(bytes.Clone(h[:len(h)-tarBlock]), h...), longName, "")
		}},
		{"member after the bag's manifest", func(f *forge) {
			f.member(nameManifest, f.lists[nameManifest].String())
			f.member("data/x", "1")
		}},
		{"manifest of other payload", func(f *forge) { f.member(nameManifest, strings.Repeat("ab", 32)+"  data/x\n") }},
		{"index of other members", func(f *forge) { f.member(nameIndex, "data/x\t0\t0\t1\n") }},
	}
}

// hostileArchive has one honest segment, then one with the hostile member, then a seal.
func hostileArchive(t *testing.T, d Device, h hostile) []byte {
	f := newForge(t, d)
	f.member("data/honest.txt", "evidence\n")
	f.checkpoint("open", lie{})
	f.member("data/pending.txt", "behind the same checkpoint as the hostile member\n")
	h.make(f)
	f.checkpoint("open", lie{})
	return f.finish()
}

func TestHostileMembers(t *testing.T) {
	d := newDevice(t, "pc-42")
	o := trusting(t, d)
	for _, h := range hostiles() {
		t.Run(strings.ReplaceAll(h.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			b := hostileArchive(t, d, h)
			r := verdict(t, b, o)
			if r.Verdict != Invalid || r.Checkpoint != 1 {
				t.Fatalf("%s at checkpoint %d, findings %q", r.Verdict, r.Checkpoint, r.Findings)
			}
			onlyHonest(t, b, o)
		})
	}
}

// onlyHonest extracts what is authentic and looks at everything that came of it.
func onlyHonest(t *testing.T, b []byte, o VerifyOptions) {
	t.Helper()
	outside := t.TempDir()
	dest := filepath.Join(outside, "target")
	rep, names, err := Extract(context.Background(), bytes.NewReader(b), int64(len(b)), o, dest, nil)
	if err != nil || rep.Verdict != Invalid {
		t.Fatalf("%v %+v", err, rep)
	}
	want := map[string]bool{"bagit.txt": true, nameGenesis: true, nameGenesis + sigSuffix: true, "data/honest.txt": true,
		checkpointName(1, ".jsonl"): true, checkpointName(1, ".sha256"): true,
		checkpointName(1, ".json"): true, checkpointName(1, ".json") + sigSuffix: true}
	if len(names) != len(want) {
		t.Errorf("extracted %q", names)
	}
	err = filepath.WalkDir(outside, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(filepath.Join(dest, forgedID), path)
		if !want[filepath.ToSlash(rel)] || !e.Type().IsRegular() {
			t.Errorf("%s (%s) is there", path, e.Type())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := Cat(context.Background(), bytes.NewReader(b), int64(len(b)), o, "data/pending.txt", &out); !errors.Is(err, ErrNoMember) || out.Len() > 0 {
		t.Errorf("Cat of what is not authentic: %v, %d bytes", err, out.Len())
	}
}

// What stands before genesis, or in place of it.
func TestHostileBeginnings(t *testing.T) {
	d := newDevice(t, "pc-42")
	for name, make := range map[string]func(f *forge){
		"genesis first":  func(f *forge) { f.genesis(); f.member(nameBagit, "x") },
		"payload first":  func(f *forge) { f.member("data/x", "1"); f.member(nameBagit, "x"); f.genesis() },
		"payload before": func(f *forge) { f.member(nameBagit, "x"); f.member("data/x", "1"); f.genesis() },
		"no genesis":     func(f *forge) { f.member(nameBagit, "x"); f.gen = strings.Repeat("00", 32) },
		"only its signature": func(f *forge) {
			f.gen = strings.Repeat("00", 32)
			f.member(nameBagit, "x")
			f.member(nameGenesis+sigSuffix, "x")
		},
		"id of capitals":      func(f *forge) { f.id = "PC-42"; f.member(nameBagit, "x"); f.genesis() },
		"id with a way out":   func(f *forge) { f.id = "../../../tmp"; f.member(nameBagit, "x"); f.genesis() },
		"nothing but a bagit": func(f *forge) { f.gen = strings.Repeat("00", 32); f.member(nameBagit, "x") },
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			f := bareForge(t, d)
			make(f)
			f.checkpoint("open", lie{})
			b := f.finish()
			if r := verdict(t, b, trusting(t, d)); r.Verdict != Invalid || r.Checkpoint != 0 {
				t.Errorf("%s at checkpoint %d", r.Verdict, r.Checkpoint)
			}
			dest := t.TempDir()
			_, names, err := Extract(context.Background(), bytes.NewReader(b), int64(len(b)), VerifyOptions{}, filepath.Join(dest, "x"), nil)
			left, _ := os.ReadDir(filepath.Join(dest, "x"))
			if err != nil || len(names) > 0 || len(left) > 0 {
				t.Errorf("%v: extracted %q, left %v", err, names, left)
			}
		})
	}
}
