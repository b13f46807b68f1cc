package packager

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"hozen/packager/signed"
)

// A visitor is offered every member while it is read. What it was given counts
// only once authentic was called after it: until then it may be a lie.
type visitor interface {
	// begin gives where the member's bytes go; nil if nowhere.
	begin(name string, size int64) (io.Writer, error)
	end() error
	// authentic says that everything offered before is behind checkpoint k.
	authentic(k int) error
}

// A checker holds an archive against its statements, member by member: the state
// machine genesis → members → manifest → statement → marker → … → seal.
type checker struct {
	rep   *Report
	visit visitor // nil if nobody looks
	tar   tarParser

	id        string
	genesis   string // hash of the statement
	announced string // the key that signs the next statement
	prev      string // hash of the last statement
	names     *names
	tree      tree
	k         int

	manifest  []byte // lines of the segment so far
	entries   int
	listed    *FileHash // the segment's manifest member, once it was read
	wantMark  bool      // a statement was read; its marker must follow
	padFrom   int64     // a marker was read that ends there, and a pad must follow; 0 if not
	sealing   bool      // the last checkpoint was the last
	sums      map[int]Prefix
	statement map[int]string // hashes of the checkpoint statements
	keys      map[int]string // their keys
	walls     map[int]string // the host's times of them
	began     string         // its time of genesis
	ended     string         // and of the seal

	name, last     string // of the member that is read, and of the one before
	size           int64
	sum            hash.Hash
	keep           *bytes.Buffer // contents of members that the checker reads itself
	out            io.Writer
	kept           map[string][]byte
	payload, index hash.Hash
	special        map[string]string // hash of manifest, tagmanifest, index
	files, bytes   int64
	trailer        []byte // what must follow the seal

	job   []string // members of the job, in order: its text, its signatures
	asked *AskedBy // what is in it, once it was read whole

	operatorSig string // hash of the operator's signature over the seal; "" if there is none

	starts  []int64 // tar offsets at which the segments so far begin
	records []byte  // of this segment
	old     *oldRecords
}

func newChecker(rep *Report, v visitor) *checker {
	c := &checker{rep: rep, visit: v, names: newNames(), kept: map[string][]byte{}, special: map[string]string{},
		payload: sha256.New(), index: sha256.New(), sums: map[int]Prefix{}, statement: map[int]string{}, keys: map[int]string{}, walls: map[int]string{},
		starts: []int64{0}, old: newOldRecords()}
	c.tar = tarParser{epoch: -1, to: c}
	return c
}

// errContradiction is wrapped by whatever this format does not allow; the
// verdict decides what that means.
var errContradiction = fmt.Errorf("contradiction")

func contradiction(format string, a ...any) error {
	return fmt.Errorf("%w: %s", errContradiction, fmt.Sprintf(format, a...))
}

// memberBegin implements memberTaker.
func (c *checker) memberBegin(full string, size, tarOff int64) error {
	id, name, ok := strings.Cut(full, "/")
	if c.id == "" {
		if !ok || !ValidID(id) || name != nameBagit {
			return contradiction("the first member is %q, not <id>/%s", full, nameBagit)
		}
		c.id = id
	}
	if !isJobMember(name) {
		if err := c.jobEnded(); err != nil {
			return err
		}
	}
	switch {
	case !ok || id != c.id || !cleanMember(name):
		return contradiction("member %q: not a name of this archive", full)
	case c.listed != nil:
		return contradiction("member %q after the manifest of segment %d", name, c.k+1)
	case c.sealing:
		return contradiction("member %q after the last checkpoint", name)
	case !c.names.takeMember(name):
		return contradiction("member %q: another has that name (case does not count) or one on its way, or it is a part out of order", name)
	case c.genesis == "" && !slices.Contains([]string{nameBagit, nameGenesis, nameGenesis + sigSuffix}, name):
		return contradiction("member %q before the signed genesis statement", name)
	case c.special[nameManifest] != "" && strings.HasPrefix(name, "data/"):
		return contradiction("member %q after %s, which lists all payload", name, nameManifest)
	case size > maxManifest && strings.HasPrefix(name, nameCheckpoints):
		return contradiction("member %q: of %d bytes, over %d", name, size, maxManifest)
	case !strings.HasPrefix(name, "data/") && !c.tagAllowed(name, size):
		return contradiction("member %q: not one of this format, or not in its place", name)
	case size > maxMember && strings.HasPrefix(name, "data/"):
		return contradiction("member %q: of %d bytes, over %d", name, size, maxMember)
	}
	c.name, c.size, c.sum, c.out, c.keep = name, size, sha256.New(), nil, nil
	if name == nameIndex {
		c.special[name] = hex.EncodeToString(c.index.Sum(nil))
	}
	fmt.Fprintf(c.index, "%s\t%d\t%d\t%d\n", name, tarOff, size, c.k+1)
	return c.choose(name, size)
}

// choose decides where the contents go.
func (c *checker) choose(name string, size int64) (err error) {
	switch name {
	case jobMember(len(c.job)), nameGenesis, nameGenesis + sigSuffix, checkpointName(c.k+1, ".sha256"), checkpointName(c.k+1, ".jsonl"):
		if size > maxManifest {
			return contradiction("member %q: of %d bytes, over %d", name, size, maxManifest)
		}
		c.keep = new(bytes.Buffer)
	}
	if c.visit != nil {
		c.out, err = c.visit.begin(name, size)
	}
	return err
}

// tagAllowed says whether a member that is no payload may stand here.
func (c *checker) tagAllowed(name string, size int64) bool {
	if isJobMember(name) {
		return c.jobAllowed(name, size)
	}
	switch name {
	case nameBagit, nameGenesis, nameGenesis + sigSuffix:
		return c.k == 0
	case nameBagInfo, nameManifest, nameTagManifest, nameIndex, nameJoined,
		checkpointName(c.k+1, ".jsonl"), checkpointName(c.k+1, ".sha256"):
		return true
	}
	return false
}

func (c *checker) memberBytes(b []byte) error {
	c.sum.Write(b)
	if c.keep != nil {
		c.keep.Write(b)
	}
	if c.out != nil {
		if _, err := c.out.Write(b); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) memberEnd() error {
	sum := hex.EncodeToString(c.sum.Sum(nil))
	if c.visit != nil {
		if err := c.visit.end(); err != nil {
			return err
		}
	}
	if c.name == checkpointName(c.k+1, ".sha256") {
		return c.segmentManifest(sum)
	}
	c.last = c.name
	line := sum + "  " + c.name
	c.manifest = append(append(c.manifest, line...), '\n')
	c.entries++
	c.tree.add([]byte(line))
	switch {
	case strings.HasPrefix(c.name, "data/"):
		io.WriteString(c.payload, line+"\n")
		c.old.member(c.name, c.k+1)
		c.files++
		c.bytes += c.size
	case isJobMember(c.name):
		c.job = append(c.job, c.keep.String())
	case c.name == nameGenesis:
		c.kept[c.name] = c.keep.Bytes()
	case c.name == checkpointName(c.k+1, ".jsonl"):
		c.records = c.keep.Bytes()
	case c.name == nameGenesis+sigSuffix:
		return c.checkGenesis(c.keep.Bytes())
	case c.name == nameManifest:
		return c.wholeList(c.payload, sum)
	case c.name == nameTagManifest, c.name == nameBagInfo, c.name == nameJoined:
		c.special[c.name] = sum
	case c.name == nameIndex:
		return c.wholeIndex(sum)
	}
	return nil
}

// wholeList checks the bag's manifest: it must be exactly the lines of all payload members.
func (c *checker) wholeList(want hash.Hash, sum string) error {
	c.special[c.name] = sum
	if hex.EncodeToString(want.Sum(nil)) != sum {
		return contradiction("%s does not list exactly the payload members", c.name)
	}
	return nil
}

// wholeIndex checks the index against the members before it.
func (c *checker) wholeIndex(sum string) error {
	if c.special[c.name] != sum {
		return contradiction("%s does not list exactly the members before it", c.name)
	}
	return nil
}

func (c *checker) segmentManifest(sum string) error {
	if c.last != checkpointName(c.k+1, ".jsonl") {
		return contradiction("%s does not follow the records of segment %d", c.name, c.k+1)
	}
	if !bytes.Equal(c.keep.Bytes(), c.manifest) {
		return contradiction("%s does not list exactly the members of segment %d", c.name, c.k+1)
	}
	c.listed = &FileHash{Path: c.name, SHA256: sum}
	return nil
}

func (c *checker) checkGenesis(sig []byte) error {
	var g Genesis
	statement := c.kept[nameGenesis]
	if err := signed.Decode(statement, &g); err != nil {
		return contradiction("genesis: %v", err)
	}
	key, err := signed.ParsePublic(g.DeviceKey)
	if err != nil {
		return contradiction("genesis: %v", err)
	}
	if g.Type != typeGenesis || g.Collection != c.id || g.Epoch != c.tar.epoch {
		return contradiction("genesis is of type %q, collection %q, epoch %d", g.Type, g.Collection, g.Epoch)
	}
	if err := signed.Check(key, signed.Genesis, statement, sig); err != nil {
		return contradiction("genesis: %v", err)
	}
	c.rep.Genesis, c.rep.Collection, c.rep.Device = &g, g.Collection, g.Device
	c.rep.Fingerprint = signed.Fingerprint(key)
	c.began = g.Time.Wall
	c.genesis, c.prev, c.announced = signed.HexSum(statement), signed.HexSum(statement), g.FirstKey
	return nil
}

// stored takes a stored frame: a statement or the seal.
func (c *checker) stored(p *piece) (sealed bool, err error) {
	if c.wantMark || !c.tar.boundary() || c.genesis == "" {
		return false, contradiction("a statement at offset %d, where none can be", p.off)
	}
	list, rest, err := storedMembers(p.plain, c.tar.epoch, c.id)
	if err != nil {
		return false, contradiction("the statement at offset %d: %v", p.off, err)
	}
	if len(list) > 0 && list[0].name == nameSeal {
		return true, c.checkSeal(p, list, rest)
	}
	return false, c.checkpoint(p, list, rest)
}

func (c *checker) checkpoint(p *piece, list []member, rest []byte) error {
	k := c.k + 1
	name := checkpointName(k, ".json")
	if len(list) != 2 || len(rest) != 0 || list[0].name != name || list[1].name != name+sigSuffix || c.listed == nil || c.sealing {
		return contradiction("the statement at offset %d is not that of checkpoint %d", p.off, k)
	}
	var s Checkpoint
	if err := signed.Decode(list[0].body, &s); err != nil {
		return contradiction("checkpoint %d: %v", k, err)
	}
	if err := c.signedBy(s.Key, signed.Checkpoint, list[0].body, list[1].body); err != nil {
		return contradiction("checkpoint %d: %v", k, err)
	}
	want := s
	want.Type, want.Collection, want.Seq, want.Prev = typeCheckpoint, c.id, k, c.prev
	want.Manifest, want.Entries, want.Tree = *c.listed, c.entries, head(&c.tree)
	want.Archive, want.TarBytes = p.before, c.tar.off
	if s != want {
		return contradiction("checkpoint %d states other than what stands before it: %s", k, differences(s, want))
	}
	if s.Status != "open" && s.Status != "sealing" {
		return contradiction("checkpoint %d: status %q", k, s.Status)
	}
	if _, err := signed.ParsePublic(s.NextKey); err != nil {
		return contradiction("checkpoint %d: next key: %v", k, err)
	}
	c.tar.off += int64(len(p.plain))
	c.prev, c.announced, c.wantMark, c.sealing = signed.HexSum(list[0].body), s.NextKey, true, s.Status == "sealing"
	c.statement[k], c.keys[k], c.walls[k] = c.prev, s.Key, s.Time.Wall
	return c.offer(list)
}

// offer shows the visitor the members of a statement's frame, as it was shown
// all others: with them an extracted archive is whole.
func (c *checker) offer(list []member) error {
	if c.visit == nil {
		return nil
	}
	for _, m := range list {
		w, err := c.visit.begin(m.name, int64(len(m.body)))
		if err != nil {
			return err
		}
		if w != nil {
			if _, err := w.Write(m.body); err != nil {
				return err
			}
		}
		if err := c.visit.end(); err != nil {
			return err
		}
	}
	return nil
}

// signedBy checks that a statement is signed by the announced key.
func (c *checker) signedBy(key, namespace string, body, sig []byte) error {
	if key != c.announced {
		return fmt.Errorf("signed by another key than the one announced before")
	}
	pub, err := signed.ParsePublic(key)
	if err != nil {
		return err
	}
	return signed.Check(pub, namespace, body, sig)
}

func differences(got, want Checkpoint) string {
	var d []string
	add := func(name string, same bool) {
		if !same {
			d = append(d, name)
		}
	}
	add("type", got.Type == want.Type)
	add("collection", got.Collection == want.Collection)
	add("seq", got.Seq == want.Seq)
	add("prev", got.Prev == want.Prev)
	add("manifest", got.Manifest == want.Manifest)
	add("entries", got.Entries == want.Entries)
	add("tree", got.Tree == want.Tree)
	add("archive", got.Archive == want.Archive)
	add("tar_bytes", got.TarBytes == want.TarBytes)
	return strings.Join(d, ", ")
}

// marker takes the marker of a checkpoint: from here on the segment counts.
func (c *checker) marker(p *piece) error {
	if !c.wantMark || !bytes.Equal(p.bytes, marker(c.genesis, c.k+1)) {
		return contradiction("the marker at offset %d does not belong there", p.off)
	}
	if err := c.old.records(c.records, c.starts); err != nil {
		return err
	}
	c.starts, c.records = append(c.starts, c.tar.off), nil
	c.k++
	if len(c.rep.Genesis.Recipients) > 0 {
		c.padFrom = p.after.Bytes
	}
	c.rep.Job = c.asked
	c.wantMark, c.listed, c.manifest, c.entries = false, nil, c.manifest[:0], 0
	c.sums[c.k] = p.after
	c.rep.Checkpoint, c.rep.AuthenticBytes, c.rep.Head = c.k, p.after.Bytes, c.prev
	c.rep.Members, c.rep.Payload = c.files, c.bytes
	if c.visit != nil {
		return c.visit.authentic(c.k)
	}
	return nil
}

// pad takes the pad behind the marker of an archive that is encrypted, or was.
func (c *checker) pad(p *piece) error {
	if c.padFrom == 0 || !bytes.Equal(p.bytes, pad(c.padFrom)) {
		return contradiction("the pad at offset %d is not the one that belongs there", p.off)
	}
	c.padFrom, c.rep.AuthenticBytes = 0, p.after.Bytes
	return nil
}

func (c *checker) checkSeal(p *piece, list []member, rest []byte) error {
	want := []string{nameSeal, nameSeal + sigSuffix, nameSeal + deviceSigSuffix, nameSeekTable}
	if len(list) == len(want)+1 {
		want = slices.Insert(want, 3, nameSeal+operatorSigSuffix)
	}
	table := len(want) - 1
	var got []string
	for _, m := range list {
		got = append(got, m.name)
	}
	if !slices.Equal(got, want) || !bytes.Equal(rest, make([]byte, 2*tarBlock)) || !c.sealing {
		return contradiction("the seal at offset %d is not in its form or place", p.off)
	}
	var s Seal
	body := list[0].body
	if err := signed.Decode(body, &s); err != nil {
		return contradiction("seal: %v", err)
	}
	if err := c.signedBy(s.Key, signed.Seal, body, list[1].body); err != nil {
		return contradiction("seal: %v", err)
	}
	device, err := signed.ParsePublic(c.rep.Genesis.DeviceKey)
	if err != nil {
		return contradiction("seal: %v", err)
	}
	if err := signed.Check(device, signed.Seal, body, list[2].body); err != nil {
		return contradiction("seal, device's signature: %v", err)
	}
	must := s
	must.Checkpoints, must.Last = c.k, c.prev
	must.Tree, must.Archive = head(&c.tree), p.before
	must.Manifest = FileHash{nameManifest, c.special[nameManifest]}
	must.TagManifest = FileHash{nameTagManifest, c.special[nameTagManifest]}
	must.TarBytes = c.tar.off
	for _, name := range []string{nameBagInfo, nameJoined, nameManifest, nameIndex, nameTagManifest} {
		if c.special[name] == "" {
			return contradiction("sealed without %s", name)
		}
	}
	if s != must || !c.ownSeal(&s, list[table].body) {
		return contradiction("the seal states other than what stands before it")
	}
	c.ended = s.Time.Wall
	c.trailer = append(hint(c.genesis, s.TarBytes), list[table].body...)
	if table > 3 {
		if err := c.operatorSigned(&s, body, list[3].body); err != nil {
			return err
		}
	}
	c.rep.Seal, c.rep.Head, c.rep.AuthenticBytes = &s, signed.HexSum(body), p.after.Bytes
	if err := c.offer(list); err != nil || c.visit == nil {
		return err
	}
	return c.visit.authentic(c.k)
}

// ownSeal says whether a seal is in its form, and is this archive's: what of it can be told
// without reading what stands before it.
func (c *checker) ownSeal(s *Seal, table []byte) bool {
	return s.Type == typeSeal && s.Collection == c.id && s.Genesis == c.genesis && s.SeekTable == (FileHash{nameSeekTable, signed.HexSum(table)}) &&
		s.Manifest.Path == nameManifest && s.TagManifest.Path == nameTagManifest &&
		(s.Status == "complete" || strings.HasPrefix(s.Status, "stopped:"))
}
