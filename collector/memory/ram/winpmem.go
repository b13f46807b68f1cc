package ram

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"

	"hozen/packager/evidence/fault"
	"hozen/packager/evidence/sorting"
)

// WinPmem (https://github.com/Velocidex/WinPmem, Apache License 2.0) is the signed
// driver by which physical memory of Windows is read, where somebody has loaded it:
// we load nothing. Its device is opened by this name; a read gives memory at the
// physical address that is the offset, and one request says which addresses are RAM.
const (
	pmemName = Driver

	// WINPMEM_MEMORY_INFO of winpmem_shared.h, packed by 2, for 64-bit Windows. What
	// is deprecated there is passed over.
	pmemCR3      = 0
	pmemBuild    = 8
	pmemKernel   = 16   // KernBase
	pmemRunCount = 2608 // NumberOfRuns, behind KPCR[64], four pointers and Padding[0xfe]
	pmemRuns     = 2616 // PHYSICAL_MEMORY_RANGE: address, bytes
	pmemRunSize  = 16
	pmemMaxRuns  = 4096
)

// Driver is the device of WinPmem (PMEM_DEVICE_NAME of winpmem_shared.h): the Source of
// the image's record on Windows.
const Driver = `\\.\pmem`

// A pmemInfo is what the driver says.
type pmemInfo struct {
	cr3    uint64 // physical address of the page tables of the process System
	build  uint64
	kernel uint64 // virtual address of the kernel's image; 0 if it is not told
	ram    []resource
	odd    int // ranges that contradict others, or lie where no machine has memory
	oddest string
}

var errNoInfo = errors.New("the driver's answer is not that of WinPmem")

// parsePmem reads the driver's answer; the ranges that it gives ascend, do not overlap,
// and end below maxPhysical.
func parsePmem(b []byte) (m pmemInfo, err error) {
	le := binary.LittleEndian
	if len(b) < pmemRuns {
		return m, fmt.Errorf("%w: %d bytes", errNoInfo, len(b))
	}
	m.cr3, m.build, m.kernel = le.Uint64(b[pmemCR3:]), le.Uint64(b[pmemBuild:]), le.Uint64(b[pmemKernel:])
	count := le.Uint64(b[pmemRunCount:])
	if count == 0 || count > pmemMaxRuns || count > uint64(len(b)-pmemRuns)/pmemRunSize {
		return m, fmt.Errorf("%w: %d ranges in %d bytes", errNoInfo, count, len(b))
	}
	var all []span
	for i := range int(count) {
		r := b[pmemRuns+i*pmemRunSize:]
		s := span{le.Uint64(r), le.Uint64(r) + le.Uint64(r[8:])}
		if s.start == s.end {
			continue // the list may end with an empty one
		}
		if s.end < s.start || s.end > maxPhysical {
			m.strange("range %d: %#x, %d bytes", i, s.start, s.size())
			continue
		}
		all = append(all, s)
	}
	sorting.By(all, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	for _, s := range all {
		if n := len(m.ram); n > 0 && s.start < m.ram[n-1].end {
			m.strange("%#x-%#x overlaps %#x-%#x", s.start, s.end-1, m.ram[n-1].start, m.ram[n-1].end-1)
			if s.start = m.ram[n-1].end; s.start >= s.end {
				continue
			}
		}
		m.ram = append(m.ram, resource{span: s, name: "RAM (WinPmem)"})
	}
	if len(m.ram) == 0 {
		return m, fmt.Errorf("%w: no range of memory", errNoInfo)
	}
	return m, nil
}

func (m *pmemInfo) strange(format string, a ...any) {
	if m.odd++; m.odd == 1 {
		m.oddest = fmt.Sprintf(format, a...)
	}
}

// The bits of an entry of a page table (Intel SDM, volume 3, chapter 4.5).
const (
	entryPresent = 1 << 0
	entryLarge   = 1 << 7
	entryAddress = 0x000ffffffffff000
)

// translate finds the physical address of a virtual one in page tables of so many
// levels.
func (s *source) translate(tables, virtual uint64, levels int) (uint64, error) {
	table := tables & entryAddress
	for level := levels - 1; level >= 0; level-- {
		shift := 12 + 9*level
		var b [8]byte
		if err := s.readFull(b[:], table+(virtual>>shift&511)*8); err != nil {
			return 0, fmt.Errorf("page table at %#x: %w", table, err)
		}
		e := binary.LittleEndian.Uint64(b[:])
		switch {
		case e&entryPresent == 0:
			return 0, fmt.Errorf("page table at %#x: %#x is not mapped", table, virtual)
		case level > 0 && level < 3 && e&entryLarge != 0:
			low := uint64(1)<<shift - 1
			return e&entryAddress&^low | virtual&low, nil
		}
		table = e & entryAddress
	}
	return table | virtual&0xfff, nil
}

// checkPmem looks whether what the driver shows is this machine's memory: where the
// page tables of the process System say that the kernel's image lies, it must begin as
// a program does.
func (s *source) checkPmem(m pmemInfo) (checked string, err error) {
	if m.kernel == 0 || m.cr3 == 0 {
		return "", s.probePmem(m)
	}
	var tried []error
	for _, levels := range []int{4, 5} {
		at, err := s.translate(m.cr3, m.kernel, levels)
		var b [2]byte
		if err == nil {
			err = s.readFull(b[:], at)
		}
		if err == nil && string(b[:]) == "MZ" {
			return fmt.Sprintf("the kernel's image at %#x (physical %#x, by the page tables at %#x) begins as a program does", m.kernel, at, m.cr3&entryAddress), nil
		}
		if err == nil {
			err = fmt.Errorf("at %#x, physical %#x, there is no program", m.kernel, at)
		}
		tried = append(tried, err)
	}
	return "", fmt.Errorf("kernel image: %w: %w", errOtherMemory, fault.Join(tried...))
}

// probePmem is the lesser check where the driver does not say where the kernel is.
func (s *source) probePmem(m pmemInfo) error {
	b := make([]byte, 4096)
	var err error
	for _, r := range m.ram {
		if err = s.readFull(b[:min(uint64(len(b)), r.size())], r.start); err == nil && !empty(b) {
			return nil
		}
	}
	return fault.Join(errOtherMemory, err)
}
