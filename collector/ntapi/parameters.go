package ntapi

import (
	"errors"
	"fmt"
	"io"

	"hozen/collector/utf16"
	"hozen/packager/evidence/fault"
)

// Parameters is RTL_USER_PROCESS_PARAMETERS (phnt, ntrtl.h): what the creator of a process
// wrote into it, and the process may have changed since. Texts are WTF-8.
type Parameters struct {
	ImagePath        string // ImagePathName
	CommandLine      string
	CurrentDirectory string
	DLLPath          string
	WindowTitle      string // of a console; also the shortcut that started it, where WindowFlags has 0x800
	Desktop          string // DesktopInfo: "WinSta0\Default"
	ShellInfo        string
	Flags            uint32
	ConsoleHandle    uint64
	StdInput         uint64
	StdOutput        uint64
	StdError         uint64
	WindowFlags      uint32 // STARTF_ values of STARTUPINFO
	ShowWindow       uint32
	EnvironmentAt    uint64   // address of the block
	Environment      []string // "NAME=VALUE", in order; nil where it could not be read
}

// maxEnvironment bounds the block of one process, in bytes. Windows itself has no limit
// since Vista; a real one has a few thousand.
const maxEnvironment = 1 << 20

// ReadParameters reads the parameters of a process from its PEB. What could be read comes
// with an error that names what could not.
func ReadParameters(mem io.ReaderAt, peb PEB) (Parameters, error) {
	v := view{mem, peb.Wide}
	if peb.Parameters == 0 {
		return Parameters{}, errors.New("parameters: the PEB has no address of them")
	}
	a, err := v.read(peb.Parameters, int(v.pick(0x400, 0x298)))
	if err != nil {
		return Parameters{}, fmt.Errorf("parameters: %w", err)
	}
	p := Parameters{Flags: a.u32(8)}
	var rebase uint64
	if p.Flags&1 == 0 { // RTL_USER_PROC_PARAMS_NORMALIZED: without it, pointers are offsets
		rebase = peb.Parameters
	}
	var all []error
	for _, f := range []struct {
		to           *string
		name         string
		wide, narrow uint64
	}{
		{&p.CurrentDirectory, "current directory", 0x38, 0x24}, {&p.DLLPath, "DLL path", 0x50, 0x30},
		{&p.ImagePath, "image path", 0x60, 0x38}, {&p.CommandLine, "command line", 0x70, 0x40},
		{&p.WindowTitle, "window title", 0xb0, 0x70}, {&p.Desktop, "desktop", 0xc0, 0x78}, {&p.ShellInfo, "shell information", 0xd0, 0x80},
	} {
		text, err := v.text(a, f.wide, f.narrow, rebase)
		if *f.to = text; err != nil {
			all = append(all, fmt.Errorf("%s: %w", f.name, err))
		}
	}
	p.ConsoleHandle = v.pointer(a, 0x10, 0x10)
	p.StdInput, p.StdOutput, p.StdError = v.pointer(a, 0x20, 0x18), v.pointer(a, 0x28, 0x1c), v.pointer(a, 0x30, 0x20)
	p.WindowFlags, p.ShowWindow = a.u32(int(v.pick(0xa4, 0x68))), a.u32(int(v.pick(0xa8, 0x6c)))
	if p.EnvironmentAt = v.pointer(a, 0x80, 0x48); p.EnvironmentAt != 0 {
		size := v.pointer(a, 0x3f0, 0x290)
		if p.Environment, err = environment(v, p.EnvironmentAt, size); err != nil {
			all = append(all, fmt.Errorf("environment: %w", err))
		}
	}
	return p, fault.Join(all...)
}

// environment reads the block at an address: texts that end in a NUL, and an empty one at
// the end. size is what the process says of it; where that is nothing, the block is read up
// to its end.
func environment(v view, address, size uint64) ([]string, error) {
	var cut error
	if size == 0 || size > maxEnvironment {
		if size > maxEnvironment {
			cut = fmt.Errorf("says that it has %d bytes: no more than %d are read", size, maxEnvironment)
		}
		size = maxEnvironment
	}
	var block []byte
	var list []string
	from, done := 0, 0 // where the text begins that has no end yet, and up to where none was seen
	for uint64(len(block)) < size {
		at := address + uint64(len(block))
		n := min(pageSize-at%pageSize, size-uint64(len(block)))
		page, err := v.read(at, int(n))
		block = append(block, page.Data...)
		for ; done+2 <= len(block); done += 2 {
			if block[done] != 0 || block[done+1] != 0 {
				continue
			}
			if done == from {
				return list, nil
			}
			list = append(list, utf16.WTF8(block[from:done]))
			from = done + 2
		}
		if err != nil {
			cut = err
			break
		}
	}
	if from+2 <= len(block) {
		list = append(list, utf16.WTF8(block[from:len(block)&^1]))
	}
	return list, cut
}
