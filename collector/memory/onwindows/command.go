package onwindows

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/utf16"
)

// The kernel keeps no command line of its own: what it gives is read from the process
// (ProcessCommandLineInformation), where the process can change it. But two more things
// are there. Its creator laid the text out in one block, whose MaximumLength is that of
// the text and its NUL; and kernelbase made an ANSI copy when it was loaded, which
// GetCommandLineA gives.

const (
	commandAt     = 0x70 // CommandLine in RTL_USER_PROCESS_PARAMETERS (phnt, ntrtl.h)
	maxCommand    = 1 << 16
	commandMargin = 2 // the NUL
)

// identityCommand looks for a command line that was changed.
func identityCommand(p *process) {
	if !p.pebRead || !p.peb.Wide || p.peb.Parameters == 0 {
		return
	}
	b, err := p.read(p.peb.Parameters+commandAt, 16)
	if err != nil {
		return
	}
	le := binary.LittleEndian
	length, most, at := int(le.Uint16(b)), int(le.Uint16(b[2:])), le.Uint64(b[8:])
	if at == 0 || at < p.peb.Parameters && p.params.Flags&1 == 0 {
		return
	}
	text, _ := p.read(at, max(length, min(most, maxCommand)))
	p.section("command line", text, nil)
	f := finding{id: "identity-command-line", views: []memory.View{{Source: "PEB CommandLine", Says: jsonl.Text(p.params.CommandLine)}}}
	behind := ""
	if length < len(text) {
		behind, _, _ = strings.Cut(utf16.WTF8(text[length:len(text)&^1]), "\x00")
	}
	copied, known := p.ansiCommand()
	if known {
		f.views = append(f.views, memory.View{Source: "GetCommandLineA of the process", Says: jsonl.Text(copied)})
	}
	switch {
	case behind != "":
		f.seen = fmt.Sprintf("its command line goes on behind its end: %q", clipped(behind))
	case known && !sameText(p.params.CommandLine, copied):
		f.seen = fmt.Sprintf("its command line is %q; it began with %q", clipped(p.params.CommandLine), clipped(copied))
	case !known && most > length+commandMargin && length > 0:
		f.seen = fmt.Sprintf("its command line has %d bytes, in a place that was made for %d", length, most-commandMargin)
	default:
		return
	}
	f.proofs = []proof{{name: "command-line.bin", source: "memory at " + address(at), data: text}}
	p.report(f)
}

// sameText compares a text with its copy in an ANSI code page: only where both are
// ASCII is a difference one, for others become something else in the copy.
func sameText(wide, ansi string) bool {
	w, a := []rune(wide), []byte(ansi)
	ascii := true
	for _, r := range w {
		ascii = ascii && r < utf8.RuneSelf
	}
	if ascii {
		return wide == ansi
	}
	n := 0
	for n < len(w) && n < len(a) && w[n] < utf8.RuneSelf && byte(w[n]) == a[n] {
		n++
	}
	return n < len(w) && w[n] >= utf8.RuneSelf
}

// ansiCommand reads the copy that GetCommandLineA gives: the function is a load of a
// pointer and a return.
func (p *process) ansiCommand() (string, bool) {
	for _, lib := range []string{"kernelbase.dll", "kernel32.dll"} {
		for i := range p.images {
			m := &p.images[i]
			if fold(base(m.path)) != lib {
				continue
			}
			file, err := p.s.files.get(m.path)
			if err != nil || !p.mapped(m) {
				continue
			}
			for _, e := range file.exported() {
				if e.name != "GetCommandLineA" {
					continue
				}
				// The code is the file's: memory may have been changed to mislead.
				place, ok := loaded(file.expected(uint64(e.rva), 32, m.start), m.start+uint64(e.rva))
				if text, read := p.ansi(place); ok && read {
					return text, true
				}
			}
		}
	}
	return "", false
}

// ansi reads a text through a pointer.
func (p *process) ansi(place uint64) (string, bool) {
	b, err := p.read(place, 8)
	if err != nil {
		return "", false
	}
	at := binary.LittleEndian.Uint64(b)
	if at == 0 {
		return "", false
	}
	var text []byte
	for len(text) < maxCommand {
		n := pageBytes - int((at+uint64(len(text)))%pageBytes)
		b, err := p.read(at+uint64(len(text)), n)
		if i := strings.IndexByte(string(b), 0); i >= 0 {
			return string(append(text, b[:i]...)), true
		}
		if text = append(text, b...); err != nil {
			return "", false
		}
	}
	return "", false
}

// loaded gives the address from which a function that only gives a pointer loads it:
// on x64 mov rax,[rip+disp32]; ret, on arm64 adrp; ldr; ret (Arm ARM, C6.2).
func loaded(code []byte, at uint64) (uint64, bool) {
	le := binary.LittleEndian
	for i := 0; i+8 <= len(code) && i <= 16; i++ { // behind a place for a hook
		if code[i] == 0x48 && code[i+1] == 0x8b && code[i+2] == 0x05 && code[i+7] == 0xc3 {
			return at + uint64(i) + 7 + uint64(int64(int32(le.Uint32(code[i+3:])))), true
		}
	}
	for i := 0; i+12 <= len(code); i += 4 {
		adrp, ldr, ret := le.Uint32(code[i:]), le.Uint32(code[i+4:]), le.Uint32(code[i+8:])
		if adrp&0x9f000000 != 0x90000000 || ldr&0xffc00000 != 0xf9400000 || ret != 0xd65f03c0 || ldr>>5&31 != adrp&31 {
			continue
		}
		pages := int64(int32((adrp>>5&0x7ffff<<2|adrp>>29&3)<<11)) >> 11
		return (at+uint64(i))&^0xfff + uint64(pages<<12) + uint64(ldr>>10&0xfff)*8, true
	}
	return 0, false
}
