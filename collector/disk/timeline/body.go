package timeline

import (
	"strconv"
	"unicode/utf8"

	"hozen/collector/disk/walk"
	"hozen/packager/evidence"
)

// appendBody appends the line of an entry as The Sleuth Kit's body file 3.x has it:
//
//	MD5|name|inode|mode_as_string|UID|GID|size|atime|mtime|ctime|crtime
//
// MD5 is 0, for no file is opened. Times are whole seconds since 1970, as mactime wants
// them; 0 where there is none, or one before 1970, which mactime cannot read. The name
// is followed by " -> " and the target of a symbolic link, as fls writes it, and by
// " (hidden)" where another mount lies over the place. In both, what would break a line, a
// field or a terminal is escaped (appendName).
func appendBody(b []byte, e *walk.Entry) []byte {
	m := &e.Meta
	b = append(b, "0|"...)
	b = appendName(b, e.Path)
	if len(e.Link) > 0 {
		b = append(b, " -> "...)
		b = appendName(b, e.Link)
	}
	if e.Covered {
		b = append(b, " (hidden)"...)
	}
	b = append(b, '|')
	b = strconv.AppendUint(b, m.Inode, 10)
	b = append(b, '|')
	b = appendMode(b, m.Mode)
	b = append(b, '|')
	b = strconv.AppendUint(b, uint64(m.UID), 10)
	b = append(b, '|')
	b = strconv.AppendUint(b, uint64(m.GID), 10)
	b = append(b, '|')
	b = strconv.AppendInt(b, m.Size, 10)
	for _, t := range [...]walk.Time{m.Atime, m.Mtime, m.Ctime, m.Btime} {
		b = append(b, '|')
		b = strconv.AppendInt(b, max(t.Sec, 0), 10)
	}
	return append(b, '\n')
}

// appendName writes a name so that it stays within its field and its line, and can be
// read back: every byte of a control character, of what is not UTF-8, of characters that
// turn the direction of text or end a line, and of \, |, > and % becomes \xHH. mactime
// takes %HH for a byte, and drops a name with %0a without a word.
func appendName(b, name []byte) []byte {
	for i := 0; i < len(name); {
		c := name[i]
		if c < utf8.RuneSelf {
			if c < 0x20 || c == 0x7f || c == '\\' || c == '|' || c == '>' || c == '%' {
				b = appendHex(b, c)
			} else {
				b = append(b, c)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(name[i:])
		if r == utf8.RuneError && n == 1 || unsafeRune(r) {
			for _, c := range name[i : i+n] {
				b = appendHex(b, c)
			}
		} else {
			b = append(b, name[i:i+n]...)
		}
		i += n
	}
	return b
}

// unsafeRune says whether a character beyond ASCII changes how what follows is shown.
func unsafeRune(r rune) bool {
	return r >= 0x80 && r <= 0x9f || r == 0x2028 || r == 0x2029 || turns(r)
}

// turns says whether a character turns the direction of text (Unicode, Bidi_Control).
func turns(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

func appendHex(b []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'x', digits[c>>4], digits[c&15])
}

// appendMode writes the mode as fls does: the type by the name and by the inode, then
// nine letters.
func appendMode(b []byte, mode uint32) []byte {
	kind := byte('-')
	switch mode & evidence.ModeType {
	case evidence.ModeRegular:
		kind = 'r'
	case evidence.ModeDir:
		kind = 'd'
	case evidence.ModeSymlink:
		kind = 'l'
	case evidence.ModeFIFO:
		kind = 'p'
	case evidence.ModeSocket:
		kind = 's'
	case evidence.ModeBlock:
		kind = 'b'
	case evidence.ModeChar:
		kind = 'c'
	}
	b = append(b, kind, '/', kind)
	for i := range 9 {
		if mode&(0o400>>i) != 0 {
			b = append(b, "rwx"[i%3])
		} else {
			b = append(b, '-')
		}
	}
	for i, bit := range [...]uint32{0o4000, 0o2000, 0o1000} {
		at := len(b) - 7 + 3*i
		switch {
		case mode&bit == 0:
		case b[at] == 'x':
			b[at] = "sst"[i]
		default:
			b[at] = "SST"[i]
		}
	}
	return b
}
