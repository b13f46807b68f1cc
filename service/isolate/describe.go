package isolate

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// describe writes one message as a line for people: names where they are known, every
// other attribute as its number and its bytes in hex, so that nothing is left out. The
// attributes are those of mask, so expressions are in the canonical encoding.
func (t *tableParser) describe(typ uint16, l attrList) {
	w := &t.text
	switch typ {
	case nftNewTable:
		fmt.Fprintf(w, "table %s %s%s\n", t.Family, plain(t.Name), l.without(1, 3).hex())
	case nftNewChain:
		fmt.Fprintf(w, "  chain %s%s\n", plain(cString(l.get(3))), l.without(1, 3, 6).hex())
	case nftNewRule:
		fmt.Fprintf(w, "    rule in %s%s:%s\n", plain(cString(l.get(2))), l.without(1, 2, 4).hex(), exprText(l.get(4)))
	case nftNewSet:
		fmt.Fprintf(w, "  set %s%s\n", plain(cString(l.get(2))), l.without(1, 2, 10).hex())
	case nftNewObject:
		fmt.Fprintf(w, "  object %s%s\n", plain(cString(l.get(2))), l.without(1, 2).hex())
	case nftNewFlowtable:
		fmt.Fprintf(w, "  flowtable %s%s\n", plain(cString(l.get(2))), l.without(1, 2).hex())
	}
}

func (l attrList) hex() string {
	var b strings.Builder
	for _, a := range l {
		fmt.Fprintf(&b, " %d=%x", a.typ, a.data)
	}
	return b.String()
}

// exprText is of expressions in the encoding of attrList.encode.
func exprText(b []byte) string {
	var out strings.Builder
	for _, e := range decodeCanonical(b) {
		parts := decodeCanonical(e.data)
		fmt.Fprintf(&out, " %s", plain(cString(parts.get(1))))
		if data := parts.get(2); len(data) > 0 {
			fmt.Fprintf(&out, "(%x)", data)
		}
	}
	return out.String()
}

func decodeCanonical(b []byte) (out attrList) {
	for len(b) >= 6 {
		n := int(binary.BigEndian.Uint32(b[2:]))
		if n > len(b)-6 {
			return out
		}
		out = append(out, attr{binary.BigEndian.Uint16(b), b[6 : 6+n]})
		b = b[6+n:]
	}
	return out
}

// plain makes a name harmless: names of tables are bytes that somebody chose.
func plain(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) < 0 {
		return s
	}
	return strconv.QuoteToASCII(s)
}
