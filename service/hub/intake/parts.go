package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"hozen/service/hub/broker"
	"hozen/service/protocol"
)

// keptPart is followed by E.C.F.
const keptPart = "hozen.kept.part."

// A file is what has arrived of one file: its parts in order, without a gap.
type file struct {
	subject string
	size    int64
	starts  []int64  // offsets of the parts
	seqs    []uint64 // their numbers in the stream
	sum     hash.Hash
	summed  int64 // bytes that sum has seen; fewer than size after a restart
	doubt   bool  // a write had no answer: the stream is asked before the next one
}

func (f *file) last() uint64 {
	if len(f.seqs) == 0 {
		return 0
	}
	return f.seqs[len(f.seqs)-1]
}

func (f *file) add(seq uint64, size int64) {
	f.starts, f.seqs, f.size = append(f.starts, f.size), append(f.seqs, seq), f.size+size
}

// An upload is a collection that has no receipt yet.
type upload struct {
	mu             sync.Mutex
	id, collection string
	files          map[string]*file
	committed      bool
	working        bool
	touched        time.Time
}

func newUpload(id, collection string) *upload {
	u := &upload{id: id, collection: collection, files: map[string]*file{}}
	for _, name := range []string{protocol.FileArchive, protocol.FileLog} {
		u.files[name] = &file{subject: keptPart + id + "." + collection + "." + name, sum: sha256.New()}
	}
	return u
}

func (u *upload) key() string { return u.id + "." + u.collection }

// last is the number of the newest part of both files.
func (u *upload) last() uint64 {
	return max(u.files[protocol.FileArchive].last(), u.files[protocol.FileLog].last())
}

func (u *upload) bytes() int64 {
	return u.files[protocol.FileArchive].size + u.files[protocol.FileLog].size
}

// load reads the headers of all parts, and knows then what has arrived.
func (in *Intake) load(ctx context.Context) error {
	c, err := in.parts.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{HeadersOnly: true})
	if err != nil {
		return err
	}
	info, err := c.Info(ctx)
	if err != nil {
		return err
	}
	for left := info.NumPending; left > 0; {
		batch, err := c.Fetch(int(min(left, 500)), jetstream.FetchMaxWait(10*time.Second))
		if err != nil {
			return err
		}
		n := uint64(0)
		for m := range batch.Messages() {
			n++
			if err := in.found(m); err != nil {
				in.o.Log.Warn("part ignored", "subject", m.Subject(), "error", err.Error())
			}
		}
		if err := batch.Error(); err != nil {
			return fmt.Errorf("stream %s: %w", Stream, err)
		}
		if n == 0 {
			return fmt.Errorf("stream %s: %d parts did not come", Stream, left)
		}
		left -= min(left, n)
	}
	return nil
}

// found takes note of a part that is in the stream.
func (in *Intake) found(m jetstream.Msg) error {
	t := strings.Split(strings.TrimPrefix(m.Subject(), keptPart), ".")
	meta, err := m.Metadata()
	if err != nil || len(t) != 3 {
		return fmt.Errorf("not a part")
	}
	offset, err := strconv.ParseInt(m.Headers().Get(protocol.HeaderOffset), 10, 64)
	if err != nil {
		return err
	}
	size, err := strconv.ParseInt(m.Headers().Get("Nats-Msg-Size"), 10, 64)
	if err != nil {
		return err
	}
	u := in.uploads[t[0]+"."+t[1]]
	if u == nil {
		u = newUpload(t[0], t[1])
		in.uploads[u.key()] = u
	}
	f := u.files[t[2]]
	if f == nil || offset != f.size {
		return fmt.Errorf("out of order: at %d", offset)
	}
	f.add(meta.Sequence.Stream, size)
	return nil
}

// reload asks the stream how far a file got, after a write whose end is not known.
func (in *Intake) reload(ctx context.Context, f *file) error {
	for {
		m, err := in.parts.GetMsg(ctx, f.last()+1, jetstream.WithGetMsgSubject(f.subject))
		if isNotFound(err) {
			f.doubt = false
			return nil
		}
		if err != nil {
			return err
		}
		if m.Header.Get(protocol.HeaderOffset) != strconv.FormatInt(f.size, 10) {
			return fmt.Errorf("%s: part %d is not the next one", f.subject, m.Sequence)
		}
		f.add(m.Sequence, int64(len(m.Data)))
	}
}

// A reader reads a file out of its parts. It keeps the part that was read last.
type reader struct {
	ctx  context.Context
	in   *Intake
	f    *file
	mu   sync.Mutex
	at   int // part in data; -1: none
	data []byte
}

func (in *Intake) reader(ctx context.Context, f *file) *reader {
	return &reader{ctx: ctx, in: in, f: f, at: -1}
}

// ReadAt implements io.ReaderAt.
func (r *reader) ReadAt(p []byte, off int64) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n < len(p) {
		at := off + int64(n)
		if at >= r.f.size {
			return n, io.EOF
		}
		i := sort.Search(len(r.f.starts), func(i int) bool { return r.f.starts[i] > at }) - 1
		if err := r.load(i); err != nil {
			return n, err
		}
		n += copy(p[n:], r.data[at-r.f.starts[i]:])
	}
	return n, nil
}

func (r *reader) load(i int) error {
	if i == r.at {
		return nil
	}
	var m *jetstream.RawStreamMsg
	err := broker.Again(r.ctx, func(ctx context.Context, _ int) (err error) {
		m, err = r.in.parts.GetMsg(ctx, r.f.seqs[i])
		if isNotFound(err) && r.in.o.Replicas > 1 { // it was acknowledged: the replica that was asked is behind
			err = fmt.Errorf("%w: %w", broker.ErrSilent, err)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s, part %d: %w", r.f.subject, i, err)
	}
	end := r.f.size
	if i+1 < len(r.f.starts) {
		end = r.f.starts[i+1]
	}
	if int64(len(m.Data)) != end-r.f.starts[i] {
		return fmt.Errorf("%s, part %d: %d bytes, want %d", r.f.subject, i, len(m.Data), end-r.f.starts[i])
	}
	r.at, r.data = i, m.Data
	return nil
}

// hash gives the SHA-256 of the file; what was not seen as it came is read again.
func (in *Intake) hash(ctx context.Context, f *file) (string, error) {
	if f.summed != f.size {
		f.sum.Reset()
		f.summed = 0
		n, err := io.Copy(f.sum, io.NewSectionReader(in.reader(ctx, f), 0, f.size))
		if err != nil {
			return "", err
		}
		f.summed = n
	}
	return hex.EncodeToString(f.sum.Sum(nil)), nil
}
