package collector

import (
	"io"
	"path"
	"strings"
	"syscall"

	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Files is a file system that we read ourselves, without the kernel: one in a disk
// image. Names are absolute, clean, and lead through no symbolic link. Errors of
// what is not there are fs.ErrNotExist. All methods may be called concurrently.
type Files interface {
	// Lstat describes a file, LinkTarget included.
	Lstat(name string) (*evidence.FileMeta, error)
	// Names lists a directory; what was read before an error is given with it.
	Names(dir string) ([]string, error)
	// Open opens the contents of a regular file.
	Open(name string) (Reader, error)
}

// Reader is the contents of a file: an *os.File, or a file in an image.
type Reader interface {
	io.Reader
	io.ReaderAt
	io.Closer
}

// A HoleReader is a Reader of an image, which knows where its holes are.
type HoleReader interface {
	Reader
	// NextData gives the first run of data at or behind off, from from to to; from is
	// the file's size where only a hole is left: as SEEK_DATA and SEEK_HOLE (lseek(2)).
	NextData(off int64) (from, to int64, err error)
}

// Reader opens the contents of a regular file, of an image too: Open gives only
// what the kernel can open. It follows no symbolic link as the last component. What a
// live Windows refuses to open comes from its raw volume, as a *RawFile, if there is Raw.
func (h *Host) Reader(name string) (Reader, error) {
	if h.Image == nil {
		return h.ways(name)
	}
	return h.imageReader(name, false)
}

func (h *Host) imageReader(name string, follow bool) (Reader, error) {
	m, at, err := h.imageStat(name, follow)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	if !m.Regular() {
		return nil, &NotRegularError{Name: name, Mode: m.Mode}
	}
	r, err := h.Image.Open(at)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return r, nil
}

// errInImage is the outcome of what needs a file that the kernel can open.
var errInImage = evidence.Skip("in a disk image: nothing that the kernel could open")

// maxLinks bounds the symbolic links on the way to one name (path_resolution(7)).
const maxLinks = 40

// imageStat resolves a name as the kernel would with the image's root as "/", and
// gives the name without links.
func (h *Host) imageStat(name string, follow bool) (*evidence.FileMeta, string, error) {
	at, left, links := "/", strings.Split(name, "/"), 0
	meta, err := h.Image.Lstat("/")
	if err != nil {
		return nil, "", err
	}
	for len(left) > 0 {
		part := left[0]
		left = left[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			meta, err = h.Image.Lstat(at)
		default:
			if meta.Mode&evidence.ModeType != evidence.ModeDir {
				return nil, "", syscall.ENOTDIR
			}
			next := strings.TrimSuffix(at, "/") + "/" + part
			if meta, err = h.Image.Lstat(next); err == nil && meta.Mode&evidence.ModeType == evidence.ModeSymlink && (follow || len(left) > 0) {
				if links++; links > maxLinks {
					return nil, "", syscall.ELOOP
				}
				left = append(strings.Split(meta.LinkTarget, "/"), left...)
				if strings.HasPrefix(meta.LinkTarget, "/") {
					at = "/"
				}
				meta, err = h.Image.Lstat(at)
			} else {
				at = next
			}
		}
		if err != nil {
			return nil, "", err
		}
	}
	return meta, at, nil
}

func (h *Host) imageMeta(op, name string, follow bool) (*evidence.FileMeta, error) {
	m, _, err := h.imageStat(name, follow)
	if err != nil {
		return nil, pathError(op, name, err)
	}
	return m, nil
}

func (h *Host) imageNames(dir string) ([]string, error) {
	m, at, err := h.imageStat(dir, true)
	if err == nil && m.Mode&evidence.ModeType != evidence.ModeDir {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, pathError("open", dir, err)
	}
	names, err := h.Image.Names(at)
	if len(names) >= maxNames {
		names, err = names[:maxNames], fault.Join(err, ErrTooLong)
	}
	if err != nil {
		err = pathError("list", dir, err)
	}
	return names, err
}

func (h *Host) imageAppend(dst []byte, name string, limit int) ([]byte, error) {
	r, err := h.imageReader(name, false)
	if err != nil {
		return dst, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if len(b) > limit {
		return append(dst, b[:limit]...), pathError("read", name, ErrTooLong)
	}
	return append(dst, b...), err
}
