package ram

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"hozen/collector"
)

const (
	vmcoreinfoName = "/sys/kernel/vmcoreinfo"
	maxNote        = 1 << 20
	noteName       = "VMCOREINFO"
)

// findNote gives the contents of the ELF note of a name (elf(5): Elf64_Nhdr, then
// name and contents, each padded to 4 bytes).
func findNote(notes []byte, order binary.ByteOrder, name string) ([]byte, bool) {
	for len(notes) >= 12 {
		nameSize, size := uint64(order.Uint32(notes)), uint64(order.Uint32(notes[4:]))
		start := 12 + (nameSize+3)&^3
		end := start + size
		if end > uint64(len(notes)) {
			return nil, false
		}
		if string(bytes.TrimSuffix(notes[12:12+nameSize], []byte{0})) == name {
			return notes[start:end], true
		}
		notes = notes[min((end+3)&^3, uint64(len(notes))):]
	}
	return nil, false
}

// A notePlace is where the kernel keeps its note VMCOREINFO: a physical address
// and a size in bytes, both in hex (Documentation/ABI/testing/sysfs-kernel-vmcoreinfo).
type notePlace struct{ at, size uint64 }

func parseNotePlace(text string) (p notePlace, err error) {
	f := strings.Fields(text)
	if len(f) != 2 {
		return p, fmt.Errorf("%s: %.80q", vmcoreinfoName, text)
	}
	if p.at, err = strconv.ParseUint(strings.TrimPrefix(f[0], "0x"), 16, 64); err == nil {
		p.size, err = strconv.ParseUint(strings.TrimPrefix(f[1], "0x"), 16, 64)
	}
	if err != nil || p.at == 0 || p.at >= maxPhysical || p.size == 0 || p.size > maxNote {
		return p, fmt.Errorf("%s: %.80q", vmcoreinfoName, text)
	}
	return p, nil
}

func readNotePlace(h *collector.Host) (notePlace, error) {
	text, err := h.ReadFile(vmcoreinfoName, 4096)
	if err != nil {
		return notePlace{}, err
	}
	return parseNotePlace(string(text))
}

var errOtherMemory = errors.New("it shows other memory than the kernel's")

// check reads the one thing whose physical address the kernel tells: its note
// VMCOREINFO, which must name the running kernel. Where the kernel does not tell,
// nothing is checked (what is "").
func (s *source) check(h *collector.Host) (what string, note []byte, err error) {
	place, err := readNotePlace(h)
	if err != nil {
		return "", nil, nil
	}
	raw := make([]byte, place.size)
	if err := s.readFull(raw, place.at); err != nil {
		return "", nil, fmt.Errorf("note VMCOREINFO at %#x: %w", place.at, err)
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if text, ok := findNote(raw, order, noteName); ok {
			note = bytes.TrimRight(text, "\x00")
		}
	}
	release := releaseOf(h)
	if note == nil || release != "" && !bytes.Contains(append([]byte("\n"), note...), []byte("\nOSRELEASE="+release+"\n")) {
		return "", nil, fmt.Errorf("%w: at %#x, where %s says that its note is, there is none", errOtherMemory, place.at, vmcoreinfoName)
	}
	return fmt.Sprintf("the note VMCOREINFO of this kernel is at %#x, where %s says", place.at, vmcoreinfoName), note, nil
}

// releaseOf is uname -r, as far as it can be part of a file's name.
func releaseOf(h *collector.Host) string {
	text, _ := h.ReadFile("/proc/sys/kernel/osrelease", 4096)
	release := strings.TrimSuffix(string(text), "\n")
	if release == "." || release == ".." || strings.ContainsAny(release, "/\x00\n") || len(release) > 128 {
		return ""
	}
	return release
}
