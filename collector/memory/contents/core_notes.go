package contents

import (
	"encoding/binary"
	"strconv"
	"strings"

	"hozen/collector/proc"
)

// Types of notes (elf.h of glibc; include/uapi/linux/elf.h).
const (
	ntPrstatus = 1
	ntPrpsinfo = 3
	ntAuxv     = 6
	ntFile     = 0x46494c45
)

// A layout is where struct elf_prstatus (include/linux/elfcore.h) of a processor
// has what can be known without stopping a thread.
type layout struct {
	machine    uint16
	size       int // of the structure
	registers  int // offset of pr_reg
	pc, sp     int // indexes of 64-bit registers
	arguments  [6]int
	number     int // of the system call
	code, data int // segment registers of x86, -1 where there are none
}

// layouts knows x86-64 (arch/x86/include/asm/user_64.h) and arm64
// (arch/arm64/include/uapi/asm/ptrace.h).
func layoutOf(goarch string) (layout, bool) {
	switch goarch {
	case "amd64":
		return layout{62, 336, 112, 16, 19, [6]int{14, 13, 12, 7, 9, 8}, 15, 17, 20}, true
	case "arm64":
		return layout{183, 392, 112, 32, 31, [6]int{0, 1, 2, 3, 4, 5}, 8, -1, -1}, true
	}
	return layout{}, false
}

// A task is one thread, as its notes have it.
type task struct {
	stat    proc.Stat
	syscall string // text of /proc/PID/task/TID/syscall (proc_pid_syscall(5)); "" if unread
}

// note appends one note: sizes, type, name, and what it says, padded to 4.
// Not inlined, for the size of the program.
//
//go:noinline
func note(out []byte, kind uint32, desc []byte) []byte {
	e := binary.NativeEndian
	out = e.AppendUint32(out, 5)
	out = e.AppendUint32(out, uint32(len(desc)))
	out = e.AppendUint32(out, kind)
	out = append(out, "CORE\x00\x00\x00\x00"...)
	out = append(out, desc...)
	return append(out, make([]byte, -len(desc)&3)...)
}

// prstatus makes the note of a thread. Where it waits in the kernel, the system
// call's text tells its program counter, stack and arguments; registers that are
// not known are 0.
func (l layout) prstatus(t task) []byte {
	e := binary.NativeEndian
	out := make([]byte, l.size)
	for i, field := range []int{0, proc.StatPPID, proc.StatPgrp, proc.StatSession} {
		v := t.stat.PID
		if field != 0 {
			v = int(t.stat.Field[field])
		}
		e.PutUint32(out[32+4*i:], uint32(v))
	}
	register := func(i int, v uint64) {
		if i >= 0 {
			e.PutUint64(out[l.registers+8*i:], v)
		}
	}
	words := strings.Fields(t.syscall)
	value := func(i int) uint64 {
		v, _ := strconv.ParseUint(strings.TrimPrefix(words[i], "0x"), 16, 64)
		return v
	}
	switch len(words) {
	case 9: // number, six arguments, stack pointer, program counter
		n, _ := strconv.ParseInt(words[0], 10, 64)
		register(l.number, uint64(n))
		for i, at := range l.arguments {
			register(at, value(1+i))
		}
		register(l.sp, value(7))
		register(l.pc, value(8))
	case 3: // -1: stopped, but in no system call
		register(l.sp, value(1))
		register(l.pc, value(2))
	}
	register(l.code, 0x33) // __USER_CS and __USER_DS of arch/x86/include/asm/segment.h
	register(l.data, 0x2b)
	return out
}

// prpsinfo makes the note of the process (struct elf_prpsinfo).
func prpsinfo(s proc.Stat, uid, gid uint32, args string) []byte {
	e := binary.NativeEndian
	out := make([]byte, 136)
	if len(s.State) == 1 {
		out[1] = s.State[0]
	}
	e.PutUint64(out[8:], uint64(s.Field[proc.StatFlags]))
	for i, v := range []uint32{uid, gid, uint32(s.PID), uint32(s.Field[proc.StatPPID]), uint32(s.Field[proc.StatPgrp]), uint32(s.Field[proc.StatSession])} {
		e.PutUint32(out[16+4*i:], v)
	}
	copy(out[40:55], s.Comm)
	copy(out[56:135], strings.ReplaceAll(strings.TrimSuffix(args, "\x00"), "\x00", " "))
	return out
}

// files makes the note of mapped files: their number, the unit of offsets, start,
// end and offset of each, then the names (fs/binfmt_elf.c, fill_files_note).
func mappedFiles(maps []proc.Mapping, page uint64) []byte {
	e := binary.NativeEndian
	var ranges, names []byte
	n := uint64(0)
	for _, m := range maps {
		if m.Inode == 0 || !strings.HasPrefix(m.Path, "/") {
			continue
		}
		n++
		for _, v := range []uint64{m.Start, m.End, m.Offset / page} {
			ranges = e.AppendUint64(ranges, v)
		}
		names = append(append(names, proc.UnescapeOctal(m.Path)...), 0)
	}
	out := e.AppendUint64(nil, n)
	out = e.AppendUint64(out, page)
	return append(append(out, ranges...), names...)
}
