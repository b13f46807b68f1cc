package packager

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/klauspost/compress/zstd"

	"hozen/packager/evidence/fault"
	"hozen/packager/signed"
)

// One item of a sealed archive can be proved without reading the rest: the seal at the
// end, signed by the device key, has the hash of the seek table, which says where the
// frames lie; of the tag manifest, which has the hash of the index, which says where the
// members lie; and of the manifest, which has their hashes. What else the verdict rests on is
// small, and read, too: the statements of all checkpoints, the job, and the custody log. Where
// any of it contradicts, or the stored bytes must be hashed, the whole pass has the word.

// errReadAll says that an archive must be read whole: it is not sealed, its end is not
// as it should be, or something contradicts, which only the whole pass can judge.
var errReadAll = errors.New("the archive must be read whole")

// pick hands the members that are wanted to a visitor, each when its hash is known to be
// right, and reads nothing else. The report says so (OnlyItems). Only payload can be picked,
// and the records of all segments.
func pick(ctx context.Context, r io.ReaderAt, size int64, o VerifyOptions, want func(string) bool, records bool, v visitor) (*Report, error) {
	if len(o.Copies) > 0 || len(o.Tokens) > 0 {
		return nil, errReadAll
	}
	run := newVerification(r, size, o, nil)
	rep := run.rep
	run.partly = true
	opened, err := run.open()
	if err != nil || !opened || run.age != nil && (!run.age.Whole() || run.age.End() != size) {
		return nil, fault.Join(err, errReadAll)
	}
	p := &picker{v: run, want: want, records: records, job: map[string]string{}, recordSums: map[string]string{}}
	if p.unzip, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(BlockSize), zstd.WithDecoderMaxWindow(BlockSize), zstd.WithDecodeAllCapLimit(true)); err != nil {
		return nil, err
	}
	defer p.unzip.Close()
	for _, step := range []func(context.Context) error{p.genesis, p.trailer, p.seal, p.statements, p.lists, p.asked, p.log, p.hashes, p.whole} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("%w: %w", errReadAll, err)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	if err := p.hand(ctx, v); err != nil {
		return nil, err
	}
	rep.OnlyItems = true
	rep.Axes.Integrity = "of these items verified; the rest was not read"
	return rep, nil
}

type picker struct {
	v       *verification
	want    func(string) bool
	records bool // of all segments are wanted
	unzip   *zstd.Decoder

	packed, plain []int64 // where frame i begins in the archive, and in the tar stream
	table         []byte
	sealAt        int64
	s             Seal
	lastList      FileHash          // of the last segment's members
	lastTree      TreeHead          // as the last statement has it
	job           map[string]string // hashes of the job's members, as the tag manifest has them
	recordSums    map[string]string // of the records, likewise
	found         []place
	at            int // the frame that block is
	block         []byte
}

// A place is where a member lies.
type place struct {
	name      string
	off, size int64 // of its header in the tar stream, once that was read of its contents; of those
	segment   int
	sum       string
	kept      []byte // its contents, proved; nil if they are too much to be kept
}

// genesis reads the first frames, until the signed genesis statement was read, and the job
// that stands directly behind it.
func (p *picker) genesis(context.Context) error {
	r, off, c := io.NewSectionReader(p.v.r, 0, p.v.size), int64(0), p.v.c
	begun := func() bool { return c.genesis != "" && c.name != nameGenesis+sigSuffix && !isJobMember(c.name) }
	for i := 0; !begun() && i < 8; i++ {
		f, err := nextFrame(r, off, nil)
		if err != nil || f.kind != frameData {
			return fmt.Errorf("no genesis (%v)", err)
		}
		off += int64(len(f.bytes))
		b, err := p.unpack(f)
		if err != nil {
			return err
		}
		if err := c.tar.feed(b); err != nil {
			return err
		}
	}
	if !begun() {
		return errors.New("no genesis, or no end of the job behind it")
	}
	return nil
}

func (p *picker) unpack(f *frame) ([]byte, error) {
	if f.kind == frameStored {
		return f.plain, nil
	}
	q := &piece{frame: f, ready: make(chan struct{}), pool: newBytePool()}
	q.unpack(p.unzip, &zstd.Header{})
	return q.plain, q.err
}

// trailer reads hint and seek table, which are nobody's word yet.
func (p *picker) trailer(context.Context) error {
	const footer = 9
	end := make([]byte, footer)
	if err := p.read(end, p.v.size-footer); err != nil {
		return err
	}
	count := int64(binary.LittleEndian.Uint32(end))
	if binary.LittleEndian.Uint32(end[5:]) != seekFooter || end[4] != 0 || 8*count > maxStored {
		return errors.New("no seek table")
	}
	p.table = make([]byte, 8+8*count+footer)
	if err := p.read(p.table, p.v.size-int64(len(p.table))); err != nil {
		return err
	}
	sizes := make([]frameSize, count)
	p.packed, p.plain = make([]int64, count+1), make([]int64, count+1)
	for i := range sizes {
		at := p.table[8+8*i:]
		sizes[i] = frameSize{binary.LittleEndian.Uint32(at), binary.LittleEndian.Uint32(at[4:])}
		p.packed[i+1], p.plain[i+1] = p.packed[i]+int64(sizes[i].packed), p.plain[i]+int64(sizes[i].plain)
	}
	p.sealAt = p.packed[count]
	if !bytes.Equal(seekTable(sizes), p.table) {
		return errors.New("the seek table is not in its form")
	}
	return nil
}

func (p *picker) read(b []byte, off int64) error {
	if off < 0 {
		return io.ErrUnexpectedEOF
	}
	if n, err := p.v.r.ReadAt(b, off); n < len(b) {
		return fmt.Errorf("%d bytes at %d: %w", len(b), off, fault.Join(err, io.ErrUnexpectedEOF))
	}
	return nil
}

// seal reads the seal frame and checks its signatures, and that it names this trailer.
func (p *picker) seal(context.Context) error {
	c, g := p.v.c, p.v.rep.Genesis
	f, err := nextFrame(io.NewSectionReader(p.v.r, p.sealAt, p.v.size-p.sealAt), p.sealAt, nil)
	if err != nil || f.kind != frameStored {
		return fmt.Errorf("no seal (%v)", err)
	}
	list, rest, err := storedMembers(f.plain, c.tar.epoch, c.id)
	if err != nil {
		return err
	}
	last := len(list) - 1
	if last < 3 || last > 4 || list[0].name != nameSeal || list[1].name != nameSeal+sigSuffix || list[2].name != nameSeal+deviceSigSuffix ||
		list[last].name != nameSeekTable || last == 4 && list[3].name != nameSeal+operatorSigSuffix || !bytes.Equal(rest, make([]byte, 2*tarBlock)) {
		return errors.New("the seal is not in its form")
	}
	if err := signed.Decode(list[0].body, &p.s); err != nil {
		return err
	}
	for _, by := range []struct {
		key string
		sig []byte
	}{{p.s.Key, list[1].body}, {g.DeviceKey, list[2].body}} {
		key, err := signed.ParsePublic(by.key)
		if err != nil {
			return err
		}
		if err := signed.Check(key, signed.Seal, list[0].body, by.sig); err != nil {
			return err
		}
	}
	trailer := append(hint(c.genesis, p.s.TarBytes), p.table...)
	end := make([]byte, len(trailer))
	if err := p.read(end, p.v.size-int64(len(end))); err != nil {
		return err
	}
	if !c.ownSeal(&p.s, list[last].body) || p.s.Archive.Bytes != p.sealAt || p.s.TarBytes != p.plain[len(p.plain)-1] || !bytes.Equal(list[last].body, p.table) ||
		!bytes.Equal(end, trailer) || p.sealAt+int64(len(f.bytes)+len(trailer)) != p.v.size {
		return errors.New("the seal is of another archive")
	}
	if last == 4 {
		if err := c.operatorSigned(&p.s, list[0].body, list[3].body); err != nil {
			return err
		}
	}
	rep := p.v.rep
	rep.Seal, rep.Head, rep.Checkpoint = &p.s, signed.HexSum(list[0].body), p.s.Checkpoints
	p.v.sealed, c.ended, p.v.whole = true, p.s.Time.Wall, Prefix{Bytes: p.v.size}
	return nil
}

// ReadAt gives bytes of the tar stream; only whole frames are unpacked.
func (p *picker) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		i := sort.Search(len(p.plain), func(i int) bool { return p.plain[i] > off }) - 1
		if off < 0 || i < 0 || i >= len(p.plain)-1 {
			return n, io.EOF
		}
		if err := p.frame(i); err != nil {
			return n, err
		}
		k := copy(b[n:], p.block[off-p.plain[i]:])
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

func (p *picker) frame(i int) error {
	if p.block != nil && p.at == i {
		return nil
	}
	size := p.packed[i+1] - p.packed[i]
	f, err := nextFrame(io.NewSectionReader(p.v.r, p.packed[i], size), p.packed[i], nil)
	if err != nil {
		return err
	}
	b, err := p.unpack(f)
	if err != nil {
		return err
	}
	if int64(len(f.bytes)) != size || int64(len(b)) != p.plain[i+1]-p.plain[i] {
		return contradiction("the frame at offset %d is not as the seek table says", f.off)
	}
	p.at, p.block = i, b
	return nil
}

// member reads the header of the member at a tar offset: where its contents begin.
func (p *picker) member(off int64) (name string, size, body int64, err error) {
	path := ""
	for range 2 {
		head := make([]byte, tarBlock)
		if _, err := p.ReadAt(head, off); err != nil {
			return "", 0, 0, err
		}
		full, size, pax, err := parseHeader(head, p.v.c.tar.epoch)
		if err != nil {
			return "", 0, 0, err
		}
		off += tarBlock
		if !pax {
			if path != "" {
				full = path
			}
			name, ok := strings.CutPrefix(full, p.v.c.id+"/")
			if !ok {
				break
			}
			return name, size, off, nil
		}
		if size == 0 || size > 1024 {
			break
		}
		text := make([]byte, size)
		if _, err := p.ReadAt(text, off); err != nil {
			return "", 0, 0, err
		}
		if path, err = parsePax(text); err != nil {
			return "", 0, 0, err
		}
		off += size + padding(size)
	}
	return "", 0, 0, contradiction("no member before tar offset %d", off)
}
