package indicators

import (
	"encoding/binary"
	"errors"
	"testing"

	"hozen/collector/volatile"
)

func TestLeadsTo(t *testing.T) {
	const at = 0xffffffff81100000
	for name, c := range map[string]struct {
		code   []byte
		what   string
		target uint64
	}{
		"nop":              {[]byte{0x0f, 0x1f, 0x44, 0, 0, 0x41, 0x57}, "", 0},
		"push rbp":         {[]byte{0x55, 0x48, 0x89, 0xe5}, "", 0},
		"probe":            {[]byte{0xcc, 0x1f, 0x44, 0, 0}, "breakpoint", 0},
		"call after endbr": {[]byte{0xf3, 0x0f, 0x1e, 0xfa, 0xe8, 0, 0, 0, 0x40}, "call", at + 9 + 0x40000000},
		"jump back":        {[]byte{0xe9, 0xfb, 0xff, 0xff, 0xff}, "jump", at},
		"mov and jump":     {[]byte{0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xe0}, "jump", 0x0807060504030201},
		"mov and more":     {[]byte{0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0x90}, "", 0},
		"mov r11 and jump": {[]byte{0x49, 0xbb, 1, 0, 0, 0, 0, 0, 0, 0, 0x41, 0xff, 0xe3}, "jump", 1},
		"push and return":  {[]byte{0x68, 0, 0, 0x30, 0xc0, 0xc3}, "jump", 0xffffffffc0300000},
	} {
		b := make([]byte, prologueSize)
		copy(b, c.code)
		if what, target := leadsTo(b, at); what != c.what || target != c.target {
			t.Errorf("%s: %q %#x, want %q %#x", name, what, target, c.what, c.target)
		}
	}
	if what, _ := leadsTo([]byte{0xe8}, at); what != "" {
		t.Error("one byte leads somewhere")
	}
}

func TestSyscallPath(t *testing.T) {
	const stext, etext, table = 0xffffffff81000000, 0xffffffff82000000, 0xffffffff82400000
	mem := map[uint64][]byte{}
	entries := make([]byte, 32)
	for i, to := range []uint64{stext + 16, 0xffffffffc0300010, 0, etext - 1} {
		binary.LittleEndian.PutUint64(entries[8*i:], to)
	}
	mem[table] = entries
	code := func(name string, at uint64, b ...byte) uint64 {
		mem[at] = append(b, make([]byte, prologueSize-len(b))...)
		return at
	}
	v := viewOf(map[string]string{"/d/kprobes/list": "ffffffff81000300  k  filldir64+0x0    \n"})
	v.modules = []volatile.ModuleRow{{Name: "rk", Address: "0xffffffffc0300000", Size: 4096, State: "Live"}}
	v.symbols.end = map[string]uint64{"sys_call_table": table + 32}
	v.symbols.addr = map[string]uint64{"_stext": stext, "_etext": etext, "sys_call_table": table,
		"tcp4_seq_show": code("", stext+0x100, 0xe9, 0, 0, 0x30, 0x3f), // into rk
		"iterate_dir":   code("", stext+0x200, 0x0f, 0x1f, 0x44, 0, 0),
		"filldir64":     code("", stext+0x300, 0xcc),
		"vfs_read":      code("", stext+0x400, 0xe8, 0, 1, 0, 0), // within the text
		"m_show":        code("", stext+0x500, 0xcc),
		"not_there":     stext + 0x600,
	}
	p := &syscallPath{v: v, text: [2]uint64{stext, etext}}
	found := p.look(func(b []byte, at uint64) error {
		if len(mem[at]) < len(b) {
			return errors.New("no memory there")
		}
		copy(b, mem[at])
		return nil
	})
	expect(t, found, "kernel-syscall-path high system call 1 in sys_call_table", "kernel-syscall-path low function filldir64",
		"kernel-syscall-path high function m_show", "kernel-syscall-path high function tcp4_seq_show")
	if want := "entry 1 of sys_call_table is 0xffffffffc0300010, outside of the kernel's text, in module rk"; found[0].seen != want {
		t.Errorf("%q, want %q", found[0].seen, want)
	}
}
