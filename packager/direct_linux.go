package packager

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"hozen/packager/evidence/fault"
)

// usualBlock is what every direct output is aligned to, if the file system wants no
// more: the page, and a multiple of all sectors.
const usualBlock = 4096

// directly makes a new file one that is written past the page cache: an image of
// RAM must not be pushed through the memory that it is an image of, and what the
// host had in its cache is left there. Where the file system does not do that, each
// piece is written out and dropped from the cache at once.
func directly(f *os.File) File {
	d := &outputFile{File: f}
	block, err := directBlock(int(f.Fd()))
	if err == nil {
		err = setDirect(int(f.Fd()), true)
	}
	if err != nil {
		block = usualBlock
		d.refused(err)
	}
	return newBlockFile(d, block)
}

// directBlock asks what direct output must be aligned to (statx(2), STATX_DIOALIGN,
// since Linux 6.1).
func directBlock(fd int) (int64, error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN, &st); err != nil || st.Mask&unix.STATX_DIOALIGN == 0 {
		return usualBlock, nil
	}
	block := int64(max(st.Dio_mem_align, st.Dio_offset_align, usualBlock))
	if st.Dio_offset_align == 0 || block&(block-1) != 0 || block > pieceSize {
		return 0, fmt.Errorf("alignment of %d and %d bytes", st.Dio_mem_align, st.Dio_offset_align)
	}
	return block, nil
}

func setDirect(fd int, on bool) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	if flags &^= unix.O_DIRECT; on {
		flags |= unix.O_DIRECT
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags)
	return err
}

// An outputFile is the file itself.
type outputFile struct {
	*os.File
	cached string // why it is written through the page cache; "" if it is not
}

func (f *outputFile) refused(why error) {
	f.cached = "through the page cache, and dropped from it: " + why.Error()
}

// ThroughCache says why the file is not written directly; "" if it is.
func (f *outputFile) ThroughCache() string { return f.cached }

// WriteAt implements io.WriterAt.
func (f *outputFile) WriteAt(b []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(b, off)
	if errors.Is(err, unix.EINVAL) && f.cached == "" {
		// Some say only now that they do not do it.
		if setErr := setDirect(int(f.Fd()), false); setErr != nil {
			return n, fault.Join(err, setErr)
		}
		f.refused(err)
		n, err = f.File.WriteAt(b, off)
	}
	if err == nil && f.cached != "" {
		f.drop(off, int64(len(b)))
	}
	return n, err
}

// drop writes a piece out and takes it from the cache. What goes wrong with that is
// found by Sync.
func (f *outputFile) drop(off, n int64) {
	unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WAIT_BEFORE|unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER)
	unix.Fadvise(int(f.Fd()), off, n, unix.FADV_DONTNEED)
}

// Sync implements File: with the length, as far as reading needs it (fdatasync(2)).
func (f *outputFile) Sync() error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			if err != nil {
				return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
			}
			return nil
		}
	}
}
