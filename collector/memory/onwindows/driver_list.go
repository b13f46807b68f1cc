package onwindows

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// The list that is built in: rows of LOLDrivers (https://github.com/magicsword-io/LOLDrivers,
// commit 5554706c8350a7b4a8631f05f490e563cd4b6e0a, Apache License 2.0), as CSV, zstd.
//
//go:embed drivers.csv.zst
var builtInDrivers []byte

// Drivers is a list of drivers that are known to be vulnerable or malicious.
type Drivers struct{ known knownDrivers }

// A knownDriver is a row of such a list.
type knownDriver struct {
	name, category, id string
}

// knownDrivers finds rows by hash, and by name where a row has no hash.
type knownDrivers struct {
	bySHA256 map[[32]byte]knownDriver
	bySHA1   map[[20]byte]knownDriver
	byName   map[string]knownDriver // folded
}

const maxDriverRows = 1 << 20

// ReadDrivers reads a list as CSV with a head that names its columns: sha256, sha1,
// filename, category, loldrivers_id, in any order; others are passed over, and so are
// lines that begin with "#". A row without a hash is known by its name alone, which is
// weak. Rows whose hash is none are an error.
func ReadDrivers(r io.Reader) (*Drivers, error) {
	c := csv.NewReader(r)
	c.Comment, c.FieldsPerRecord, c.ReuseRecord = '#', -1, true
	head, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("list of drivers: %w", err)
	}
	column := map[string]int{}
	for i, name := range head {
		column[strings.ToLower(strings.TrimSpace(name))] = i
	}
	d := &Drivers{knownDrivers{map[[32]byte]knownDriver{}, map[[20]byte]knownDriver{}, map[string]knownDriver{}}}
	for n := 0; n < maxDriverRows; n++ {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			if len(d.known.bySHA256)+len(d.known.bySHA1)+len(d.known.byName) == 0 {
				return nil, errors.New("list of drivers: no row has a hash or a name")
			}
			return d, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list of drivers: %w", err)
		}
		err = d.add(func(name string) string {
			if i, ok := column[name]; ok && i < len(row) {
				return strings.TrimSpace(row[i])
			}
			return ""
		})
		if err != nil {
			line, _ := c.FieldPos(0)
			return nil, fmt.Errorf("list of drivers: line %d: %w", line, err)
		}
	}
	return nil, fmt.Errorf("list of drivers: more than %d rows", maxDriverRows)
}

func (d *Drivers) add(field func(string) string) error {
	k := knownDriver{field("filename"), field("category"), field("loldrivers_id")}
	long, err1 := hex.DecodeString(field("sha256"))
	short, err2 := hex.DecodeString(field("sha1"))
	if err1 != nil || err2 != nil || len(long) != 0 && len(long) != 32 || len(short) != 0 && len(short) != 20 {
		return errors.New("a hash is not one")
	}
	switch {
	case len(long) == 32:
		d.known.bySHA256[[32]byte(long)] = k
	case len(short) == 20:
		d.known.bySHA1[[20]byte(short)] = k
	case k.name != "":
		d.known.byName[fold(k.name)] = k
	}
	return nil
}

// orBuiltIn gives the list, or the one that is built in.
func (d *Drivers) orBuiltIn() (*knownDrivers, error) {
	if d != nil {
		return &d.known, nil
	}
	z, err := zstd.NewReader(bytes.NewReader(builtInDrivers), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	if d, err = ReadDrivers(z); err != nil {
		return nil, err
	}
	return &d.known, nil
}
