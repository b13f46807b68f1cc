package packager

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"hozen/packager/signed"
)

// A forge makes archives byte for byte as a holder of the device key could who
// does not use our writer: everything can be made otherwise than it should be.
// What is not made otherwise is right, so that a test changes one fact only.
type forge struct {
	t      testing.TB
	id     string
	epoch  int64
	device Device
	out    []byte
	frames []frameSize
	tar    []byte // tar bytes of this segment that are not in a frame yet
	off    int64  // tar bytes so far
	seg    []byte
	n      int
	tree   tree
	k      int
	gen    string
	prev   string
	key    *sessionKey
	next   *sessionKey
	lists  map[string]*bytes.Buffer // payload, tags, index
	zip    *zstd.Encoder
}

const forgedID = "pc-42-20261121t090000z-3fa9c1"

// newForge begins an archive; change may alter its genesis statement.
func newForge(t testing.TB, d Device, change ...func(*Genesis)) *forge {
	t.Helper()
	f := bareForge(t, d)
	f.member(nameBagit, "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
	f.genesis(change...)
	return f
}

func bareForge(t testing.TB, d Device) *forge {
	t.Helper()
	zip, err := zstd.NewWriter(nil, zstd.WithSingleSegment(true), zstd.WithEncoderCRC(true), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		t.Fatal(err)
	}
	f := &forge{t: t, id: forgedID, epoch: testTime.Unix(), device: d, zip: zip,
		lists: map[string]*bytes.Buffer{nameManifest: {}, nameTagManifest: {}, nameIndex: {}}}
	f.key = f.fresh()
	return f
}

func (f *forge) fresh() *sessionKey {
	k, err := newSessionKey(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return k
}

func (f *forge) genesis(change ...func(*Genesis)) {
	pub, err := f.device.Public()
	if err != nil {
		f.t.Fatal(err)
	}
	at := stamp(testTime, testTime)
	g := Genesis{Type: typeGenesis, Collection: f.id, Device: f.device.Name, DeviceKey: signed.PublicText(pub), FirstKey: f.key.public,
		Witness: []string{}, Recipients: []string{}, Require: []string{}, Host: HostID{MACs: []string{}, IPs: []string{}}, Epoch: f.epoch, Time: at}
	for _, c := range change {
		c(&g)
	}
	b := f.encode(g)
	f.gen, f.prev = signed.HexSum(b), signed.HexSum(b)
	f.member(nameGenesis, string(b))
	f.member(nameGenesis+sigSuffix, string(f.sign(f.device, signed.Genesis, b)))
}

func (f *forge) encode(v any) []byte {
	b, err := signed.Encode(v)
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

func (f *forge) sign(d Device, namespace string, b []byte) []byte {
	s, err := signed.Sign(d.Signer, namespace, b)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// member adds a member as it should be.
func (f *forge) member(name, body string) {
	f.raw(header(f.id+"/"+name, int64(len(body)), f.epoch), name, body)
}

// raw adds a member with any header, and accounts for it under name.
func (f *forge) raw(head []byte, name, body string) {
	fmt.Fprintf(f.lists[nameIndex], "%s\t%d\t%d\t%d\n", name, f.off+int64(len(f.tar)), len(body), f.k+1)
	f.tar = append(append(append(f.tar, head...), body...), make([]byte, padding(int64(len(body))))...)
	line := signed.HexSum([]byte(body)) + "  " + name
	if name == checkpointName(f.k+1, ".sha256") {
		fmt.Fprintln(f.lists[nameTagManifest], line)
		return
	}
	f.account(line)
}

func (f *forge) account(line string) {
	f.seg = append(f.seg, line+"\n"...)
	f.n++
	f.tree.add([]byte(line))
	to := f.lists[nameTagManifest]
	if strings.HasPrefix(line[66:], "data/") {
		to = f.lists[nameManifest]
	}
	fmt.Fprintln(to, line)
}

// cut ends a data frame.
func (f *forge) cut() {
	if len(f.tar) > 0 {
		f.frame(f.zip.EncodeAll(f.tar, nil), len(f.tar))
		f.tar = nil
	}
}

func (f *forge) frame(b []byte, plain int) {
	f.out = append(f.out, b...)
	f.off += int64(plain)
	f.frames = append(f.frames, frameSize{uint32(len(b)), uint32(plain)})
}

func (f *forge) at() Prefix { return Prefix{int64(len(f.out)), signed.HexSum(f.out)} }

// A lie is what a checkpoint or a seal may have otherwise than it should.
type lie struct {
	records   *string // instead of none
	noRecords bool
	manifest  *string
	change    func(*Checkpoint)
	seal      func(*Seal)
	signer    *sessionKey
	device    *Device
	namespace string
	armor     func([]byte) []byte
	extra     []member // in the seal's frame
	rest      []byte   // after the seal's members
	skip      map[string]bool
	table     func([]byte) []byte
}

// checkpoint ends the segment.
func (f *forge) checkpoint(status string, l lie) {
	k := f.k + 1
	records := ""
	if l.records != nil {
		records = *l.records
	}
	if !l.noRecords {
		f.member(checkpointName(k, ".jsonl"), records)
	}
	list := string(f.seg)
	if l.manifest != nil {
		list = *l.manifest
	}
	f.member(checkpointName(k, ".sha256"), list)
	f.cut()
	f.next = f.fresh()
	c := Checkpoint{Type: typeCheckpoint, Collection: f.id, Seq: k, Prev: f.prev,
		Manifest: FileHash{checkpointName(k, ".sha256"), signed.HexSum([]byte(list))}, Entries: f.n, Tree: head(&f.tree), Archive: f.at(),
		TarBytes: f.off, Time: stamp(testTime, testTime), Key: f.key.public, NextKey: f.next.public, Status: status}
	signer := f.key
	if l.signer != nil {
		signer = l.signer
	}
	if l.change != nil {
		l.change(&c)
	}
	body := f.encode(c)
	sig := f.sign(Device{Signer: signer.private}, or(l.namespace, signed.Checkpoint), body)
	if l.armor != nil {
		sig = l.armor(sig)
	}
	name := checkpointName(k, ".json")
	content := f.members(member{name, body}, member{name + sigSuffix, sig})
	fmt.Fprintf(f.lists[nameTagManifest], "%s  %s\n%s  %s\n", signed.HexSum(body), name, signed.HexSum(sig), name+sigSuffix)
	f.frame(storedFrame(content), len(content))
	f.frame(marker(f.gen, k), 0)
	f.k, f.prev, f.key, f.seg, f.n = k, signed.HexSum(body), f.next, nil, 0
}

func (f *forge) members(list ...member) (b []byte) {
	for _, m := range list {
		b = append(b, header(f.id+"/"+m.name, int64(len(m.body)), f.epoch)...)
		b = append(append(b, m.body...), make([]byte, padding(int64(len(m.body))))...)
	}
	return b
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// bag adds the lists of the last segment, but those in skip.
func (f *forge) bag(skip map[string]bool) (manifest, tags string) {
	for _, name := range []string{nameJoined, nameManifest, nameBagInfo, nameIndex, nameTagManifest} {
		body := ""
		if b := f.lists[name]; b != nil {
			body = b.String()
		}
		if skip[name] {
			continue
		}
		f.member(name, body)
		switch name {
		case nameManifest:
			manifest = signed.HexSum([]byte(body))
		case nameTagManifest:
			tags = signed.HexSum([]byte(body))
		}
	}
	return manifest, tags
}

// seal completes the archive and gives its bytes.
func (f *forge) seal(last, l lie) []byte {
	manifest, tags := f.bag(l.skip)
	f.checkpoint("sealing", last)
	table := seekTable(f.frames)
	if l.table != nil {
		table = l.table(table)
	}
	s := Seal{Type: typeSeal, Collection: f.id, Genesis: f.gen, Checkpoints: f.k, Last: f.prev, Tree: head(&f.tree),
		Manifest: FileHash{nameManifest, manifest}, TagManifest: FileHash{nameTagManifest, tags}, Archive: f.at(),
		TarBytes: f.off, SeekTable: FileHash{nameSeekTable, signed.HexSum(table)}, Status: "complete", Time: stamp(testTime, testTime), Key: f.key.public}
	if l.seal != nil {
		l.seal(&s)
	}
	signer, device := f.key, f.device
	if l.signer != nil {
		signer = l.signer
	}
	if l.device != nil {
		device = *l.device
	}
	b := f.encode(s)
	ns := or(l.namespace, signed.Seal)
	sig, deviceSig := f.sign(Device{Signer: signer.private}, ns, b), f.sign(device, ns, b)
	if l.armor != nil {
		deviceSig = l.armor(deviceSig)
	}
	content := f.members(append([]member{{nameSeal, b}, {nameSeal + sigSuffix, sig}, {nameSeal + deviceSigSuffix, deviceSig}, {nameSeekTable, table}}, l.extra...)...)
	content = append(content, make([]byte, 2*tarBlock)...)
	content = append(content, l.rest...)
	f.out = append(f.out, storedFrame(content)...)
	f.out = append(f.out, hint(f.gen, f.off)...)
	f.out = append(f.out, table...)
	return f.out
}

// finish makes a plain end: one more item, the bag and the seal.
func (f *forge) finish() []byte { return f.seal(lie{}, lie{}) }

// odd changes one header after it was made, and makes its checksum right again.
func odd(h []byte, change func([]byte)) []byte {
	h = bytes.Clone(h)
	b := h[len(h)-tarBlock:]
	change(b)
	copy(b[148:], "        ")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

// newDevice makes a device for a test.
func newDevice(t testing.TB, name string) Device {
	t.Helper()
	d, err := NewDevice(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Without a lie, what the forge makes is VALID: else the tamper cases would prove nothing.
func TestForgeIsHonestByDefault(t *testing.T) {
	d := newDevice(t, "pc-42")
	f := newForge(t, d)
	f.member("data/a.txt", "evidence\n")
	f.checkpoint("open", lie{})
	f.member("data/"+strings.Repeat("deep/", 12)+strings.Repeat("x", 110), "long name\n")
	if r := verdict(t, f.finish(), trusting(t, d)); r.Verdict != Valid || r.Members != 2 {
		t.Fatalf("%+v", r)
	}
}
