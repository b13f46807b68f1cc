package integrity

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"runtime"
	"sync"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// A hasher hashes files on all processors, and writes their rows in the order in which
// they were found.
type hasher struct {
	host  *collector.Host
	o     HashOptions
	until time.Time
	tally *evidence.Tally // of the walker and, after it, of the writer
	tasks chan *hashTask  // to be hashed
	order chan *hashTask  // all, as they were found
	done  chan error      // of the writer, once
	work  sync.WaitGroup

	leftFiles, leftBytes int64
	writerTally          evidence.Tally
}

// maxOrder is how many rows wait for one that is still being hashed.
const maxOrder = 1 << 14

// maxOpen is how many files wait open to be hashed.
const maxOpen = 64

// A hashTask is one row under way.
type hashTask struct {
	row    HashRow
	r      collector.Reader // nil: nothing is read
	sums   fileSums
	hashed bool
	read   int64
	err    error
	ready  chan struct{} // closed when all that is above is final; nil: it is
}

// fileSums are the hashes of one file.
type fileSums struct {
	sha256 [32]byte
	sha1   [20]byte
	md5    [16]byte
}

func emptySums() fileSums { return fileSums{sha256.Sum256(nil), sha1.Sum(nil), md5.Sum(nil)} }

func newHasher(ctx context.Context, h *collector.Host, o HashOptions, out *jsonl.Writer, tally *evidence.Tally) *hasher {
	t := &hasher{host: h, o: o, until: time.Now().Add(o.Time), tally: tally,
		tasks: make(chan *hashTask, maxOpen), order: make(chan *hashTask, maxOrder), done: make(chan error, 1)}
	for range runtime.GOMAXPROCS(0) {
		t.work.Go(func() { t.worker(ctx) })
	}
	go func() { t.done <- t.write(out) }()
	return t
}

// push hands a row on; it waits while very many are under way.
func (t *hasher) push(ctx context.Context, j *hashTask) error {
	if j.r != nil {
		j.ready = make(chan struct{})
	}
	select {
	case t.order <- j:
	case <-ctx.Done():
		if j.r != nil {
			j.r.Close()
		}
		return context.Cause(ctx)
	}
	if j.r == nil {
		return nil
	}
	t.tasks <- j // the workers always go on: none waits for anything but its file
	return nil
}

// finish waits until all that was found is written. A file that hangs is waited for:
// whoever called fill leaves that behind when the time is over.
func (t *hasher) finish() error {
	close(t.tasks)
	close(t.order)
	t.work.Wait()
	err := <-t.done
	t.tally.Merge(&t.writerTally)
	if left := t.left(); left != nil {
		t.tally.Add("time", left)
	}
	return err
}

func (t *hasher) worker(ctx context.Context) {
	three := newThree()
	stop := func() error {
		if ctx.Err() != nil || time.Now().After(t.until.Add(hashGrace/2)) {
			return evidence.Cut("the time was over")
		}
		return nil
	}
	for j := range t.tasks {
		j.sums, j.read, j.row.Grew, j.err = three.file(j.r, j.row.Size, stop)
		j.r.Close()
		j.hashed = j.err == nil
		close(j.ready)
	}
}

func (t *hasher) write(out *jsonl.Writer) (err error) {
	for j := range t.order {
		if j.ready != nil {
			<-j.ready
		}
		if err != nil {
			continue // those before must not wait for us
		}
		if j.err != nil {
			t.writerTally.Add(string(j.row.Path), j.err)
			j.row.Note = noteOf(j.err, j.read)
		}
		if j.hashed {
			j.row.SHA256, j.row.SHA1, j.row.MD5 = hex.EncodeToString(j.sums.sha256[:]), hex.EncodeToString(j.sums.sha1[:]), hex.EncodeToString(j.sums.md5[:])
			j.row.Known = t.o.Lists.Match(j.sums.sha256, j.sums.sha1, j.sums.md5)
		}
		err = out.Row(&j.row)
	}
	if err == nil {
		err = out.Flush()
	}
	return err
}

// three computes three hashes of a file, one block after another, so that a block
// is still in the cache of the processor for the second and the third.
type three struct {
	sha256, sha1, md5 hash.Hash
	buf               []byte
}

// hashBlock is what is read at once.
const hashBlock = 256 << 10

func newThree() *three {
	return &three{sha256.New(), sha1.New(), md5.New(), make([]byte, hashBlock)}
}

// errShort says that a file ended before its size.
var errShort = evidence.Gone("shorter when it was read than when it was found")

// file hashes size bytes, as long as stop gives no error. It says how many it read, and
// whether there were more.
func (h *three) file(r io.Reader, size int64, stop func() error) (s fileSums, read int64, grew bool, err error) {
	h.sha256.Reset()
	h.sha1.Reset()
	h.md5.Reset()
	for read < size {
		if err := stop(); err != nil {
			return s, read, false, err
		}
		n, rerr := r.Read(h.buf[:min(int64(len(h.buf)), size-read)])
		b := h.buf[:n]
		h.sha256.Write(b)
		h.sha1.Write(b)
		h.md5.Write(b)
		read += int64(n)
		switch {
		case rerr == io.EOF && read < size:
			return s, read, false, errShort
		case rerr != nil && rerr != io.EOF:
			return s, read, false, rerr
		}
	}
	if k, _ := r.Read(h.buf[:1]); k > 0 {
		grew = true
	}
	h.sha256.Sum(s.sha256[:0])
	h.sha1.Sum(s.sha1[:0])
	h.md5.Sum(s.md5[:0])
	return s, read, grew, nil
}
