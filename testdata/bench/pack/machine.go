package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// The made machine: RAM from base on, shown in the kernel's direct map at direct.
const (
	page    = 4096
	ramBase = 0x100000
	direct  = 0xffff888000000000
	dataAt  = 1 << 20 // of the bytes of RAM in kcore
	release = "6.1.0-bench"
	core    = "OSRELEASE=" + release + "\nPAGESIZE=4096\n"
)

// machine writes what a kernel shows of size bytes of RAM.
func machine(dir string, size int64) error {
	for name, text := range map[string]string{
		"/proc/iomem":                fmt.Sprintf("00000000-%08x : Reserved\n%08x-%08x : System RAM\n", ramBase-1, ramBase, ramBase+size-1),
		"/proc/version":              "Linux version " + release + "\n",
		"/proc/sys/kernel/osrelease": release + "\n",
		"/proc/cmdline":              "quiet\n",
		"/proc/meminfo":              fmt.Sprintf("MemTotal: %d kB\n", size>>10),
		"/proc/self/status":          "VmHWM:\t 2048 kB\nVmRSS:\t 1024 kB\nCapEff:\t000001ffffffffff\n",
		"/sys/kernel/vmcoreinfo":     fmt.Sprintf("0x%016x 400\n", ramBase+5*page),
	} {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return kcore(filepath.Join(dir, "proc/kcore"), size)
}

// kcore writes a core file of one load, and a note where vmcoreinfo says.
func kcore(name string, size int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(headers(size)); err != nil {
		return err
	}
	if _, err := f.Seek(dataAt, io.SeekStart); err != nil {
		return err
	}
	if err := contents(f, size); err != nil {
		return err
	}
	if _, err := f.WriteAt(vmcoreinfo(), dataAt+5*page); err != nil {
		return err
	}
	return f.Sync()
}

func headers(size int64) []byte {
	le, note := binary.LittleEndian, vmcoreinfo()
	b := make([]byte, 64+2*56)
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint64(b[32:], 64)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[56:], 2)
	le.PutUint32(b[64:], 4) // PT_NOTE
	le.PutUint64(b[64+8:], uint64(len(b)))
	le.PutUint64(b[64+32:], uint64(len(note)))
	load := b[64+56:]
	le.PutUint32(load, 1) // PT_LOAD
	for i, v := range []uint64{dataAt, direct + ramBase, ramBase, uint64(size), uint64(size)} {
		le.PutUint64(load[8+8*i:], v)
	}
	return append(b, note...)
}

func vmcoreinfo() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 11)
	b = le.AppendUint32(b, uint32(len(core)))
	b = append(le.AppendUint32(b, 0), "VMCOREINFO\x00\x00"...)
	b = append(b, core...)
	return append(b, make([]byte, -len(core)&3)...)
}

// contents fills RAM as a working machine does: a quarter of the pages is empty, a
// quarter cannot be compressed, the rest is programs and libraries.
func contents(f *os.File, size int64) error {
	w := bufio.NewWriterSize(f, 1<<20)
	random, files := rand.NewChaCha8([32]byte{1}), &programs{}
	defer files.Close()
	b := make([]byte, 64*page)
	for at := int64(0); at < size; at += int64(len(b)) {
		switch at / int64(len(b)) % 4 {
		case 0:
			clear(b)
		case 1:
			random.Read(b)
		default:
			if _, err := io.ReadFull(files, b); err != nil {
				return err
			}
		}
		if _, err := w.Write(b[:min(int64(len(b)), size-at)]); err != nil {
			return err
		}
	}
	return w.Flush()
}

// programs reads the machine's own programs, one after another, for ever.
type programs struct {
	names []string
	next  int
	file  *os.File
}

// Read implements io.Reader.
func (p *programs) Read(b []byte) (int, error) {
	for range 1 << 16 {
		if p.file != nil {
			if n, _ := p.file.Read(b); n > 0 {
				return n, nil
			}
			p.file.Close()
			p.file = nil
		}
		if len(p.names) == 0 {
			p.names, _ = filepath.Glob("/usr/bin/*")
		}
		if len(p.names) == 0 {
			break
		}
		name := p.names[p.next%len(p.names)]
		p.next++
		if st, err := os.Stat(name); err == nil && st.Mode().IsRegular() {
			p.file, _ = os.Open(name)
		}
	}
	return 0, io.ErrUnexpectedEOF
}

// Close ends the reading.
func (p *programs) Close() error {
	if p.file != nil {
		return p.file.Close()
	}
	return nil
}
