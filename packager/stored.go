package packager

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"slices"
	"sync"
)

// A storedFile is the file as it lies on the medium. The hashes of its first so many bytes, of
// which a log tells, come of the same reading as all else that is said of it: what is read in
// order is hashed on its way. So the file is read once, whatever the log asks for.
type storedFile struct {
	file io.ReaderAt
	size int64

	mu   sync.Mutex // the frames are read ahead of who looks at them
	sum  hash.Hash  // of the first off bytes
	off  int64
	ends []int64          // behind off, in order: where a hash is wanted
	sums map[int64]string // hashes of the first so many bytes
}

// keep begins to hash, up to the last of the ends that lie in the file.
func (f *storedFile) keep(ends []int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.Sort(ends)
	ends = slices.DeleteFunc(slices.Compact(ends), func(n int64) bool { return n <= 0 || n > f.size })
	f.sum, f.off, f.ends = sha256.New(), 0, ends
	if f.sums == nil {
		f.sums = map[int64]string{0: hex.EncodeToString(f.sum.Sum(nil))}
	}
}

// ReadAt implements io.ReaderAt.
func (f *storedFile) ReadAt(b []byte, at int64) (int, error) {
	n, err := f.file.ReadAt(b, at)
	f.mu.Lock()
	defer f.mu.Unlock()
	if at <= f.off && f.off < at+int64(n) {
		f.hash(b[f.off-at : n])
	}
	return n, err
}

// hash takes the bytes that follow those that were hashed. The lock is held.
func (f *storedFile) hash(b []byte) {
	for len(b) > 0 && len(f.ends) > 0 {
		n := min(int64(len(b)), f.ends[0]-f.off)
		f.sum.Write(b[:n])
		if b, f.off = b[n:], f.off+n; f.off == f.ends[0] {
			f.sums[f.off], f.ends = hex.EncodeToString(f.sum.Sum(nil)), f.ends[1:]
		}
	}
}

// rest reads what nobody had to read, up to the last end: of a file that ends early, or in
// which reading broke off.
func (f *storedFile) rest(ctx context.Context, progress func(done, total int64)) error {
	var buf []byte
	for {
		off, left := f.wanted()
		if left == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if buf == nil {
			buf = make([]byte, 1<<20)
		}
		n, err := f.ReadAt(buf[:min(int64(len(buf)), left)], off)
		if n == 0 && err != nil {
			return err
		}
		if progress != nil {
			progress(off+int64(n), f.size)
		}
	}
}

// wanted says where hashing is, and how much is still to be hashed.
func (f *storedFile) wanted() (off, left int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.ends) == 0 {
		return f.off, 0
	}
	return f.off, f.ends[len(f.ends)-1] - f.off
}

// sumOf gives the hash of the first n bytes, where it was kept.
func (f *storedFile) sumOf(n int64) (sum string, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum, known = f.sums[n]
	return sum, known
}

// hashAlong makes the file keep the hashes that the log will ask for. Of a plain file the
// statements in it have them already, but of the bytes as somebody found and recovered them.
func (v *verification) hashAlong() error {
	ends := v.ends
	for _, c := range append([]LogCopy{{Log: v.o.Log}}, v.o.Copies...) {
		ends = append(ends, lengths(c.Log, !v.rep.Encrypted)...)
	}
	if v.age == nil || len(ends) == 0 {
		v.file.keep(ends)
		return nil
	}
	v.file.keep(append(ends, v.age.End()))
	// Deciphering begins behind the header, which was read when it was opened.
	_, err := io.Copy(io.Discard, io.NewSectionReader(v.file, 0, v.age.Head()))
	return err
}

// lengths gives how many stored bytes the events of a log tell of, or only those of what was
// recovered. Nothing of it is believed: these are hashes that may be asked for. A line that
// cannot be read is passed over; whoever reads the log itself finds it.
func lengths(log []byte, recovered bool) (list []int64) {
	for text := range bytes.Lines(log[:min(len(log), maxLog)]) {
		var line logLine
		var e struct {
			Event  string
			Object struct{ Bytes int64 }
		}
		if len(text) <= maxLogLine && json.Unmarshal(text, &line) == nil && json.Unmarshal([]byte(line.Payload), &e) == nil && (!recovered || e.Event == eventRecovered) {
			list = append(list, e.Object.Bytes)
		}
	}
	return list
}
