package image

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"hozen/collector/disk/image/ewf"
)

// maxSegments bounds the files of one container: all names from .E01 to .ZZZ.
const maxSegments = 99 + 22*26*26

// following gives the files that follow the first: name(i) names the i-th (from 2),
// "" where the names end. The first name that is not there ends them.
func following(d *Disk, first *source, name func(i int) string) ([]*source, error) {
	all := []*source{first}
	for i := 2; i <= maxSegments; i++ {
		next := name(i)
		if next == "" {
			break
		}
		if _, err := os.Stat(next); errors.Is(err, fs.ErrNotExist) {
			break
		}
		s, err := d.openFile(next)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func openEWF(s *source, d *Disk) error {
	base, ext := strings.TrimSuffix(s.name, filepath.Ext(s.name)), filepath.Ext(s.name)
	all, err := following(d, s, func(i int) string {
		if len(ext) != 4 {
			return ""
		}
		return base + "." + ewfExtension(ext[1], i)
	})
	if err != nil {
		return err
	}
	var segments []ewf.Segment
	for _, s := range all {
		segments = append(segments, ewf.Segment{R: s.f, Size: s.size})
	}
	m, err := ewf.Open(segments)
	if err != nil {
		return err
	}
	d.ReaderAt, d.Size, d.SectorSize, d.Header, d.Notes = m, m.Size(), m.SectorSize(), m.Header(), m.Notes()
	for _, h := range []Hash{{"md5", m.MD5()}, {"sha1", m.SHA1()}} {
		if h.Sum != nil {
			d.Stored = append(d.Stored, h)
		}
	}
	for _, b := range m.Bad() {
		d.Bad = append(d.Bad, Range{int64(b.First) * int64(d.SectorSize), int64(b.Count) * int64(d.SectorSize)})
	}
	return nil
}

// ewfExtension gives the extension of segment i: E01 to E99, EAA to EZZ, FAA to ZZZ,
// in the case of the first letter.
func ewfExtension(first byte, i int) string {
	if i <= 99 {
		return fmt.Sprintf("%c%02d", first, i)
	}
	i -= 100
	a := first &^ 0x20
	letters := []byte{a + byte(min(i/(26*26), 255-'Z')), 'A' + byte(i/26%26), 'A' + byte(i%26)}
	if letters[0] > 'Z' {
		return ""
	}
	if first != a {
		return strings.ToLower(string(letters))
	}
	return string(letters)
}

// isSplit says whether the name ends in .001 or .000 and the next number is there.
func isSplit(s *source) bool {
	ext := filepath.Ext(s.name)
	if ext != ".001" && ext != ".000" {
		return false
	}
	_, err := os.Stat(splitName(s.name, 2))
	return err == nil
}

// splitName names part i, from 1, of a split image by the name of its first part.
func splitName(first string, i int) string {
	ext := filepath.Ext(first)
	start, _ := strconv.Atoi(ext[1:])
	return fmt.Sprintf("%s.%03d", strings.TrimSuffix(first, ext), start+i-1)
}

func openSplit(s *source, d *Disk) error {
	all, err := following(d, s, func(i int) string { return splitName(s.name, i) })
	if err != nil {
		return err
	}
	j := &joined{}
	for _, s := range all {
		if s.size == 0 {
			return fmt.Errorf("%s is empty", s.name)
		}
		j.parts, j.starts = append(j.parts, s.f), append(j.starts, j.size)
		j.size += s.size
	}
	d.ReaderAt, d.Size = j, j.size
	return nil
}

// joined are parts that follow one another.
type joined struct {
	parts  []io.ReaderAt
	starts []int64
	size   int64
}

// ReadAt implements io.ReaderAt.
func (j *joined) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		if off < 0 || off >= j.size {
			return n, io.EOF
		}
		i := sort.Search(len(j.starts), func(i int) bool { return j.starts[i] > off }) - 1
		end := j.size
		if i+1 < len(j.starts) {
			end = j.starts[i+1]
		}
		part := p[n:min(int64(len(p)), int64(n)+end-off)]
		k, err := j.parts[i].ReadAt(part, off-j.starts[i])
		n, off = n+k, off+int64(k)
		if k < len(part) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return n, fmt.Errorf("part %d: %w", i+1, err)
		}
	}
	return n, nil
}
