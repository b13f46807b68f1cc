package image

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"hozen/collector/disk/image/ewf"
	"hozen/collector/disk/image/qcow2"
	"hozen/collector/disk/image/vhd"
	"hozen/collector/disk/image/vmdk"
	"hozen/packager/evidence/fault"
)

// A Disk is an open image: the bytes of the medium, as io.ReaderAt, whatever the
// container. It is safe for concurrent use.
type Disk struct {
	io.ReaderAt
	// Size of the medium in bytes.
	Size int64
	// Format of the container: "raw", "split raw", "ewf", "qcow2", "vmdk", "vhd",
	// "vhd fixed".
	Format string
	// Files are the files of the container, in their order, as they were opened.
	Files []string
	// SectorSize of the medium in bytes, if the container states it; else 0.
	SectorSize int
	// Stored are hashes of the medium that the container states.
	Stored []Hash
	// Header is what the container was told of the acquisition (see ewf.Image.Header).
	Header map[string]string
	// Bad are runs of sectors that the imager could not read.
	Bad []Range
	// Notes say what a reader must know of the container.
	Notes []string

	partitions *table
	closers    []io.Closer
}

// A Hash is one of the medium.
type Hash struct {
	Algorithm string // "md5", "sha1", "sha256"
	Sum       []byte
}

// A Range is a run of bytes of the medium.
type Range struct {
	Start int64 `json:"start"` // bytes
	Size  int64 `json:"size"`  // bytes
}

// Close closes the files of the container.
func (d *Disk) Close() error {
	var all error
	for _, c := range d.closers {
		all = fault.Join(all, c.Close())
	}
	d.closers = nil
	return all
}

// A source is the file that was named, open.
type source struct {
	name string
	f    *os.File
	size int64
	head []byte // its first bytes, at most headBytes
	tail []byte // its last 512 bytes, if it has as many
}

const headBytes = 4096

// containers lists what an image may lie in; the first whose is says yes opens it.
func containers() []container {
	return []container{
		{"ewf", func(s *source) bool { return strings.HasPrefix(string(s.head), ewf.Magic) }, openEWF},
		{"qcow2", func(s *source) bool { return strings.HasPrefix(string(s.head), qcow2.Magic) }, openQcow2},
		{"vmdk", func(s *source) bool { return strings.HasPrefix(string(s.head), vmdk.Magic) }, openVMDK},
		{"vhd", isVHD, openVHD},
		{"", func(s *source) bool { return refusal(s) != nil }, func(s *source, _ *Disk) error { return refusal(s) }},
		{"split raw", isSplit, openSplit},
		{"raw", func(*source) bool { return true }, openRaw},
	}
}

type container struct {
	format string
	is     func(*source) bool
	open   func(*source, *Disk) error
}

// Open opens an image, or a block device. The names of further segments follow from
// the first one's, in its folder; no name is taken from the image itself.
func Open(name string) (*Disk, error) {
	d := &Disk{}
	s, err := d.openFile(name)
	if err != nil {
		return nil, err
	}
	if err := s.look(); err == nil {
		for _, c := range containers() {
			if c.is(s) {
				d.Format = c.format
				err = c.open(s, d)
				break
			}
		}
		if err == nil {
			d.partitions = readPartitions(d, d.Size, d.SectorSize)
			return d, nil
		}
		return nil, fault.Join(fmt.Errorf("%s: %w", name, err), d.Close())
	}
	return nil, fault.Join(fmt.Errorf("%s: %w", name, err), d.Close())
}

// NewDisk makes a disk of what is open already: one of this machine. sector is 0 if it is
// unknown.
func NewDisk(r io.ReaderAt, size int64, sector int) *Disk {
	return &Disk{Format: "raw", ReaderAt: r, Size: size, SectorSize: sector, partitions: readPartitions(r, size, sector)}
}

// openFile opens a file of the container, to be closed with the disk.
func (d *Disk) openFile(name string) (*source, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if m := st.Mode(); !m.IsRegular() && m&os.ModeType != os.ModeDevice { // a FIFO would wait
		return nil, fmt.Errorf("%s: neither a file nor a block device", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	d.closers = append(d.closers, f)
	d.Files = append(d.Files, name)
	size, err := f.Seek(0, io.SeekEnd) // of a block device too
	if err != nil {
		return nil, fmt.Errorf("%s: its size: %w", name, err)
	}
	return &source{name: name, f: f, size: size}, nil
}

func (s *source) look() error {
	s.head = make([]byte, min(headBytes, s.size))
	if n, err := s.f.ReadAt(s.head, 0); n < len(s.head) {
		return fmt.Errorf("its first bytes: %w", err)
	}
	if s.size >= 512 {
		s.tail = make([]byte, 512)
		if n, _ := s.f.ReadAt(s.tail, s.size-512); n < 512 { // a cut medium may still have good parts
			s.tail = nil
		}
	}
	return nil
}

func openRaw(s *source, d *Disk) error {
	if s.size == 0 {
		return errors.New("it is empty")
	}
	d.ReaderAt, d.Size = s.f, s.size
	return nil
}

// hinted adds what helps to the error of a container that QEMU reads.
func hinted(err error) error {
	return fmt.Errorf("%w (hint: where the files that it needs are at hand, %s)", err, hintQEMU)
}

func openQcow2(s *source, d *Disk) error {
	m, err := qcow2.Open(s.f, s.size)
	if err != nil {
		return hinted(err)
	}
	d.ReaderAt, d.Size, d.Notes = m, m.Size(), m.Notes()
	return nil
}

func openVMDK(s *source, d *Disk) error {
	m, err := vmdk.Open(s.f, s.size)
	if err != nil {
		return hinted(err)
	}
	d.ReaderAt, d.Size, d.Notes = m, m.Size(), m.Notes()
	return nil
}

func isVHD(s *source) bool {
	return strings.HasPrefix(string(s.tail), vhd.Magic) || strings.HasPrefix(string(s.head), vhd.Magic)
}

func openVHD(s *source, d *Disk) error {
	m, err := vhd.Open(s.f, s.size)
	if err != nil {
		return hinted(err)
	}
	d.ReaderAt, d.Size, d.Notes = m, m.Size(), m.Notes()
	if m.Fixed() {
		d.Format = "vhd fixed"
	}
	return nil
}

// SplitName takes FILE[:partition] apart. A name that ends in a colon and a number is
// the file of that name if there is one.
func SplitName(arg string) (file, partition string) {
	i := strings.LastIndexByte(arg, ':')
	if i <= 0 || i == len(arg)-1 || len(arg)-i > 4 || strings.Trim(arg[i+1:], "0123456789") != "" {
		return arg, ""
	}
	if _, err := os.Stat(arg); err == nil {
		return arg, ""
	}
	return arg[:i], arg[i+1:]
}
