package known

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// Bounds of a list.
const (
	maxLine    = 64 << 10 // bytes of a line; a longer one is bad
	maxBad     = 1000     // lines that are named
	maxBadText = 120      // bytes of a line that is named
	maxLabels  = 1 << 14  // different labels; more are not kept
	maxLabel   = 100      // bytes of a label
)

// Load reads a list in one pass, in memory of 22 (MD5), 26 (SHA-1) or 38 bytes (SHA-256)
// a line, and some 64 KiB. It knows, told by the first line that is neither empty nor a
// comment (#):
//
//   - CSV (comma, semicolon or tab) with a header that has columns md5, sha1 or sha256:
//     NSRLFile.txt of the NSRL, lists of drivers, of malware. A column label, category,
//     family, tag, threat, signature or malware gives the label.
//   - hashdeep(1), with its columns;
//   - one hash a line, its kind told by its length, alone or with more after it: the
//     output of md5sum, sha1sum, sha256sum (also with --tag).
//
// Of a line with several hashes the strongest is kept: all kinds are computed of every
// file that is asked for. What is not understood is in Bad; it is an error only if nothing
// is left. An error of r is returned.
func Load(name string, r io.Reader) (*List, error) {
	l := &List{Name: name, Counts: map[string]int64{}, labels: []string{""}}
	for k := range l.tables {
		l.tables[k].size = Kind(k).size()
	}
	sum := sha256.New()
	p := &parser{list: l, labels: map[string]uint16{"": 0}}
	err := p.read(bufio.NewReaderSize(io.TeeReader(r, sum), maxLine))
	for k := range l.tables {
		l.tables[k].done()
	}
	l.SHA256, l.Size = hex.EncodeToString(sum.Sum(nil)), p.bytes
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case l.used == 0 && len(l.Bad) > 0:
		return nil, fmt.Errorf("%s: no line of it can be used; %s", name, l.Bad[0])
	case l.used == 0:
		return nil, fmt.Errorf("%s: no hash in it", name)
	}
	return l, nil
}

// A parser fills one list.
type parser struct {
	list   *List
	line   int64
	bytes  int64
	begun  bool // the first line of contents was seen
	cols   *columns
	labels map[string]uint16
	fields [][]byte
}

var (
	errUTF16   = errors.New("it is in UTF-16: save it as UTF-8")
	errLong    = fmt.Errorf("longer than %d bytes", maxLine)
	errNoHash  = errors.New("no hash in it")
	errKind    = errors.New("not the length of an MD5, SHA-1 or SHA-256")
	errColumns = errors.New("fewer columns than the header")
)

func (p *parser) read(r *bufio.Reader) error {
	for {
		line, err := r.ReadSlice('\n')
		p.bytes += int64(len(line))
		if p.line == 0 && (bytes.HasPrefix(line, []byte{0xff, 0xfe}) || bytes.HasPrefix(line, []byte{0xfe, 0xff})) {
			return errUTF16
		}
		long := err == bufio.ErrBufferFull
		if long {
			p.bad(p.line+1, line, errLong)
		}
		for err == bufio.ErrBufferFull {
			var more []byte
			more, err = r.ReadSlice('\n')
			p.bytes += int64(len(more))
		}
		if len(line) > 0 {
			p.line++
			if !long {
				p.one(line)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// one takes one line.
func (p *parser) one(line []byte) {
	if p.line == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	trimmed := bytes.TrimSpace(line)
	switch {
	case len(trimmed) == 0, trimmed[0] == '#':
		return
	case bytes.HasPrefix(trimmed, []byte("%%%%")):
		p.hashdeep(trimmed)
		return
	case !p.begun:
		p.begun = true
		if p.cols = header(trimmed); p.cols != nil {
			return
		}
	}
	var err error
	if p.cols != nil {
		err = p.record(bytes.TrimRight(line, "\r\n"))
	} else {
		err = p.plain(trimmed)
	}
	if err != nil {
		p.bad(p.line, trimmed, err)
	}
}

// hashdeep takes a line of the head of a hashdeep file: "%%%% HASHDEEP-1.0", then
// "%%%% size,md5,sha256,filename".
func (p *parser) hashdeep(line []byte) {
	rest := bytes.TrimSpace(bytes.TrimLeft(line, "%"))
	if cols := header(rest); cols != nil {
		p.begun, p.cols = true, cols
	}
}

// columns says where a CSV file has what; -1 where it has it not.
type columns struct {
	comma byte
	sums  [kinds]int
	label int
	count int // the fewest columns that a line must have
}

// header reads the first line; nil if it is not the header of a CSV file.
func header(line []byte) *columns {
	for _, comma := range []byte{',', ';', '\t'} {
		c := &columns{comma: comma, sums: [kinds]int{-1, -1, -1}, label: -1}
		found := false
		for i, field := range split(nil, line, comma) {
			name := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(string(field)))
			for k := range c.sums {
				if name == Kind(k).String() && c.sums[k] < 0 {
					c.sums[k], found = i, true
					c.count = max(c.count, i+1)
				}
			}
			switch name {
			case "label", "category", "family", "tag", "tags", "threat", "signature", "malware":
				if c.label < 0 {
					c.label = i
				}
			}
		}
		if found && (bytes.IndexByte(line, comma) >= 0 || comma == '\t') {
			return c
		}
	}
	return nil
}

// split divides a record at its commas, but for those within quotes, and takes the
// quotes off. It is as lenient as lists are careless: a quote within a field stands
// for itself, and a record is one line.
func split(to [][]byte, line []byte, comma byte) [][]byte {
	for {
		var field []byte
		if len(line) > 0 && line[0] == '"' {
			end := bytes.Index(line[1:], []byte{'"', comma})
			if end < 0 {
				return append(to, bytes.TrimSuffix(line[1:], []byte{'"'}))
			}
			field, line = line[1:1+end], line[end+3:]
		} else {
			end := bytes.IndexByte(line, comma)
			if end < 0 {
				return append(to, bytes.TrimSpace(line))
			}
			field, line = bytes.TrimSpace(line[:end]), line[end+1:]
		}
		to = append(to, field)
	}
}

// record takes one line of a CSV file.
func (p *parser) record(line []byte) error {
	p.fields = split(p.fields[:0], line, p.cols.comma)
	if len(p.fields) < p.cols.count {
		return errColumns
	}
	var label []byte
	if i := p.cols.label; i >= 0 && i < len(p.fields) {
		label = p.fields[i][:min(len(p.fields[i]), maxLabel)]
	}
	err := errNoHash
	for k, i := range p.cols.sums {
		if i < 0 || len(p.fields[i]) == 0 {
			continue
		}
		var sum [32]byte
		if len(p.fields[i]) != 2*Kind(k).size() || !unhex(sum[:], p.fields[i]) {
			err = fmt.Errorf("the column %s has no %s", Kind(k), Kind(k))
			continue
		}
		p.add(Kind(k), sum[:Kind(k).size()], label)
		return nil
	}
	return err
}

// plain takes one line that is not CSV.
func (p *parser) plain(line []byte) error {
	if i := bytes.LastIndex(line, []byte(") = ")); i > 0 && bytes.IndexByte(line[:i], '(') > 0 {
		line = bytes.TrimSpace(line[i+4:]) // SHA256 (file) = …: BSD's form, sha256sum --tag
	}
	line = bytes.TrimPrefix(line, []byte{'\\'}) // sha256sum escaped something in the name
	n := 0
	for n < len(line) && isHex(line[n]) {
		n++
	}
	if n == 0 {
		return errNoHash
	}
	if n < len(line) && bytes.IndexByte([]byte(" \t,;:|*"), line[n]) < 0 {
		return errNoHash
	}
	for k := range p.list.tables {
		if n == 2*Kind(k).size() {
			var sum [32]byte
			unhex(sum[:], line[:n])
			p.add(Kind(k), sum[:n/2], nil)
			return nil
		}
	}
	return errKind
}

func (p *parser) add(k Kind, sum, label []byte) {
	t := &p.list.tables[k]
	if p.list.used+int64(t.width()) > MaxMemory || p.line > math.MaxUint32 {
		p.list.Left++
		return
	}
	number, ok := p.labels[string(label)]
	if !ok && len(p.list.labels) < maxLabels {
		number = uint16(len(p.list.labels))
		p.labels[string(label)], p.list.labels = number, append(p.list.labels, string(label))
	}
	p.list.used += int64(t.width())
	p.list.Counts[k.String()]++
	t.add(sum, uint32(p.line), number)
}

func (p *parser) bad(line int64, text []byte, why error) {
	if len(p.list.Bad) >= maxBad {
		p.list.BadMore++
		return
	}
	p.list.Bad = append(p.list.Bad, BadLine{Line: line, Text: string(text[:min(len(text), maxBadText)]), Reason: why.Error()})
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// unhex decodes text of either case.
func unhex(to, text []byte) bool {
	_, err := hex.Decode(to, text)
	return err == nil
}
