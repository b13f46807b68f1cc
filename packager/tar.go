package packager

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The tar layer: POSIX ustar (pax(1), "ustar Interchange Format"), byte for byte
// as GNU tar writes it with --format=ustar --mode=0444 --owner=0 --group=0
// --numeric-owner. One header per member, of type "0"; one pax "path" record
// before it where the name does not fit. Nothing else exists in this format.
const tarBlock = 512

// header gives the header block(s) of a member. full is the name with the <id>/
// prefix; epoch its modification time in seconds.
func header(full string, size, epoch int64) []byte {
	if prefix, name, ok := splitName(full); ok {
		return ustar(prefix, name, size, epoch, '0')
	}
	body := paxPath(full)
	id, _, _ := strings.Cut(full, "/")
	h := ustar("", id+"/pax", int64(len(body)), epoch, 'x')
	h = append(append(h, body...), make([]byte, padding(int64(len(body))))...)
	return append(h, ustar("", id+"/long", size, epoch, '0')...)
}

// splitName divides a name into ustar's prefix (155 bytes) and name (100 bytes),
// at the last slash that fits, as GNU tar does.
func splitName(full string) (prefix, name string, ok bool) {
	if len(full) <= 100 {
		return "", full, true
	}
	i := strings.LastIndexByte(full[:min(len(full), 156)], '/')
	if i <= 0 || len(full)-i-1 > 100 || len(full)-i-1 == 0 {
		return "", "", false
	}
	return full[:i], full[i+1:], true
}

// paxPath is the one pax record that may occur: "LEN path=NAME\n", LEN counting itself.
func paxPath(full string) []byte {
	n := len(" path=\n") + len(full)
	size := n + len(strconv.Itoa(n))
	if len(strconv.Itoa(size)) > len(strconv.Itoa(n)) {
		size++
	}
	return []byte(strconv.Itoa(size) + " path=" + full + "\n")
}

func ustar(prefix, name string, size, epoch int64, kind byte) []byte {
	h := make([]byte, tarBlock)
	copy(h[0:100], name)
	copy(h[100:], "0000444\x000000000\x000000000\x00")
	copy(h[124:], fmt.Sprintf("%011o\x00%011o\x00", size, epoch))
	h[156] = kind
	copy(h[257:], "ustar\x0000")
	copy(h[329:], "0000000\x000000000\x00")
	copy(h[345:500], prefix)
	copy(h[148:], "        ")
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

// padding is the number of zero bytes after size bytes of contents.
func padding(size int64) int64 { return (tarBlock - size%tarBlock) % tarBlock }

var errTar = errors.New("not a tar member of this format")

// parseHeader reads one header block. It accepts only what header writes: the
// block is encoded again and compared.
func parseHeader(h []byte, epoch int64) (name string, size int64, pax bool, err error) {
	field := func(from, to int) string {
		s, _, _ := strings.Cut(string(h[from:to]), "\x00")
		return s
	}
	size, err = strconv.ParseInt(field(124, 136), 8, 64)
	if err != nil || size < 0 {
		return "", 0, false, fmt.Errorf("%w: size %q", errTar, field(124, 136))
	}
	prefix, base := field(345, 500), field(0, 100)
	name = base
	if prefix != "" {
		name = prefix + "/" + base
	}
	kind := h[156]
	if kind != '0' && kind != 'x' {
		return "", 0, false, fmt.Errorf("%w: %q has type %q: only regular files are allowed", errTar, name, kind)
	}
	if !bytes.Equal(h, ustar(prefix, base, size, epoch, kind)) {
		return "", 0, false, fmt.Errorf("%w: the header of %q is not in the canonical form", errTar, name)
	}
	if p, b, ok := splitName(name); !ok || p != prefix || b != base {
		return "", 0, false, fmt.Errorf("%w: the name %q is divided otherwise than it must be", errTar, name)
	}
	return name, size, kind == 'x', nil
}

// parsePax reads the body of a pax header and gives the path in it.
func parsePax(body []byte) (string, error) {
	_, path, ok := strings.Cut(strings.TrimSuffix(string(body), "\n"), " path=")
	if !ok || !bytes.Equal(paxPath(path), body) {
		return "", fmt.Errorf("%w: a pax header other than one path record", errTar)
	}
	if _, _, fits := splitName(path); fits {
		return "", fmt.Errorf("%w: a pax path record where the name fits without", errTar)
	}
	return path, nil
}
