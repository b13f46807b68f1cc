package volatile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/collector/section"
	"hozen/collector/sparse"
	"hozen/packager/evidence"
)

// An imageKey is what makes the contents of two images the same without reading both.
type imageKey struct {
	dev, inode   uint64
	size         int64
	mtime, ctime time.Time
}

// procImages hashes each image once, however many processes run it. It is safe for
// concurrent use.
type procImages struct {
	basis *basis
	mu    sync.Mutex
	known map[imageKey]*imageHash
}

// imageHash is the hash of an image, or why there is none; valid once done is closed.
type imageHash struct {
	done chan struct{}
	sum  string
	err  error
}

// An imageRead is an image with the error that the row says in words.
type imageRead struct {
	Image
	err error
}

func newProcImages(b *basis) *procImages {
	return &procImages{basis: b, known: map[imageKey]*imageHash{}}
}

// of describes and hashes the image of a process, whose exe link says target.
func (im *procImages) of(ctx context.Context, h *collector.Host, pid int, target string) *imageRead {
	name := "/proc/" + strconv.Itoa(pid) + "/exe"
	path, marked := strings.CutSuffix(target, proc.DeletedMark)
	out := &imageRead{Image: Image{Path: jsonl.Text(path), Deleted: marked}}
	st, err := h.Stat(name)
	if err != nil {
		return out.fail(err)
	}
	if marked && st.Nlink > 0 {
		if real, err := h.Lstat(target); err == nil && real.Inode == st.Inode && real.Dev == st.Dev {
			out.Path, out.Deleted = jsonl.Text(target), false // a file that is really called so
		}
	}
	out.Dev, out.Inode, out.Size = proc.Device(st.Dev), st.Inode, st.Size
	out.Mode = strconv.FormatUint(uint64(st.Mode), 8)
	out.UID = &ID{ID: st.UID, Name: im.basis.users[st.UID]}
	out.Mtime, out.Ctime = stamp(st.Mtime), stamp(st.Ctime)
	sum := im.hash(ctx, h, name, st)
	if sum.err != nil {
		return out.fail(sum.err)
	}
	out.SHA256 = sum.sum
	return out
}

func (i *imageRead) fail(err error) *imageRead {
	i.err, i.Error = err, jsonl.Text(section.Because(err))
	return i
}

// patienceImage is how long one worker waits for another that is hashing the
// same image: a file on a mount that hangs must not hold them all.
const patienceImage = 5 * time.Second

func (im *procImages) hash(ctx context.Context, h *collector.Host, name string, st *evidence.FileMeta) *imageHash {
	k := imageKey{dev: st.Dev, inode: st.Inode, size: st.Size, mtime: st.Mtime, ctime: st.Ctime}
	im.mu.Lock()
	e, known := im.known[k]
	if !known {
		e = &imageHash{done: make(chan struct{})}
		im.known[k] = e
	}
	im.mu.Unlock()
	if !known {
		e.sum, e.err = hashImage(ctx, h, name, k)
		close(e.done)
		return e
	}
	select {
	case <-e.done:
		return e
	default:
	}
	wait := time.NewTimer(patienceImage)
	defer wait.Stop()
	select {
	case <-e.done:
		return e
	case <-ctx.Done():
		return &imageHash{err: context.Cause(ctx)}
	case <-wait.C:
		return &imageHash{err: fmt.Errorf("no answer within %v to another that reads the same image", patienceImage)}
	}
}

var errImageChanged = errors.New("the image was exchanged or changed while it was read")

// hashImage reads the whole image; it gives no hash unless it did.
func hashImage(ctx context.Context, h *collector.Host, name string, k imageKey) (string, error) {
	f, err := h.OpenFollow(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{sum}, io.LimitReader(sparse.UntilDone(ctx, f), limitImage+1), make([]byte, 1<<17))
	switch {
	case err != nil:
		return "", err
	case n > limitImage:
		return "", evidence.Cut("larger than the limit of %d bytes", limitImage)
	}
	st, err := f.Stat()
	if err != nil {
		return "", err
	}
	if n != k.size || st.Size() != k.size || !st.ModTime().Equal(k.mtime) {
		return "", errImageChanged
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
