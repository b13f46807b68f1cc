package registry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"hozen/collector/filetime"
	"hozen/collector/utf16"
	"hozen/packager/evidence/fault"
)

// handle is an open key of the running system.
type handle interface {
	// get gives a buffer as the system fills it; errNoMore behind the last of what is
	// numbered. For a value with over maxData bytes it gives KEY_VALUE_BASIC_INFORMATION
	// and ErrLimit.
	get(what class, number int) ([]byte, error)
	// open opens a key below by names divided by backslashes; the last one itself, if it
	// is a link and link is set.
	open(name []uint16, link bool) (handle, error)
	close() error
}

// class is what is asked for of a key.
type class uint8

const (
	classKey   class = iota // KEY_FULL_INFORMATION of the key; the number is not looked at
	classBelow              // KEY_BASIC_INFORMATION of a key below, by number
	classValue              // KEY_VALUE_FULL_INFORMATION, by number
	classLink               // the same of the value SymbolicLinkValue; the number is not looked at
)

var errNoMore = errors.New("no more")

// live is a key of the running system.
type live struct{ handle handle }

// mountSystem mounts the running system's registry.
func (r *Registry) mountSystem() error {
	for at, name := range map[string]string{LocalMachine: `\REGISTRY\MACHINE`, Users: `\REGISTRY\USER`} {
		root, err := systemRoot(r.host.Elevated)
		if err != nil {
			return err
		}
		r.mount(at, func() (node, error) { return live{root}.open(name, -1) })
	}
	return r.mountUsers()
}

func (l live) close() error {
	return l.handle.close()
}

func (l live) open(name string, place int) (node, error) {
	units, err := utf16.Units(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", fs.ErrNotExist, err)
	}
	below, err := l.handle.open(units, place >= 0)
	if err != nil {
		return nil, err
	}
	return live{below}, nil
}

func (l live) read(want want) (c contents, err error) {
	if want&wantInfo != 0 {
		var b []byte
		if b, err = l.handle.get(classKey, 0); err == nil {
			c.info, err = parseKeyFull(b)
		}
		c.info.Link = l.link()
	}
	if want&wantNames != 0 {
		err = fault.Join(err, l.names(&c))
	}
	if want&wantValues != 0 {
		err = fault.Join(err, l.values(&c))
	}
	return c, err
}

func (l live) names(c *contents) error {
	for n := 0; ; n++ {
		b, err := l.handle.get(classBelow, n)
		switch {
		case errors.Is(err, errNoMore):
			return nil
		case err != nil:
			return fmt.Errorf("key %d below: %w", n, err)
		case n == maxKeys:
			return errKeys
		}
		name, err := parseKeyBasic(b)
		if err != nil {
			return fmt.Errorf("key %d below: %w", n, err)
		}
		c.names = append(c.names, name)
	}
}

func (l live) values(c *contents) error {
	total := int64(0)
	for n := 0; ; n++ {
		b, err := l.handle.get(classValue, n)
		var v Value
		switch {
		case errors.Is(err, errNoMore):
			return nil
		case n == maxValues:
			return errValues
		case errors.Is(err, ErrLimit):
			v, err = parseValueBasic(b)
			v.Err = fmt.Errorf("over %d bytes of data: %w", maxData, ErrLimit)
		case err == nil:
			v, err = parseValueFull(b)
		}
		if err != nil {
			return fmt.Errorf("value %d: %w", n, err)
		}
		if total += v.Size; total > maxTotal {
			return errTotal
		}
		c.values = append(c.values, v)
	}
}

// link is where a key leads that was opened itself although it is a link.
func (l live) link() string {
	b, err := l.handle.get(classLink, 0)
	if err != nil {
		return ""
	}
	v, err := parseValueFull(b)
	if err != nil || v.Type != Link {
		return ""
	}
	return utf16.WTF8(v.Data)
}

// linkValue is the name of the value that says where a link leads.
const linkValue = "SymbolicLinkValue"

var errShort = errors.New("the system's answer is too short")

// part gives n bytes from an offset of a buffer.
func part(b []byte, at, n uint32) ([]byte, error) {
	if uint64(at)+uint64(n) > uint64(len(b)) {
		return nil, errShort
	}
	return b[at : at+n], nil
}

// parseKeyFull reads KEY_FULL_INFORMATION (Microsoft, wdm.h).
func parseKeyFull(b []byte) (i Info, err error) {
	if len(b) < 44 {
		return i, errShort
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	i.Written = filetime.Bytes(b)
	i.Keys, i.Values = int(u32(20)), int(u32(32))
	if u32(16) > 0 {
		var text []byte
		text, err = part(b, u32(12), u32(16))
		i.Class = utf16.WTF8(text)
	}
	return i, err
}

// parseKeyBasic reads the name in KEY_BASIC_INFORMATION (Microsoft, wdm.h).
func parseKeyBasic(b []byte) (string, error) {
	if len(b) < 16 {
		return "", errShort
	}
	name, err := part(b, 16, binary.LittleEndian.Uint32(b[12:]))
	return utf16.WTF8(name), err
}

// parseValueFull reads KEY_VALUE_FULL_INFORMATION (Microsoft, wdm.h).
func parseValueFull(b []byte) (v Value, err error) {
	if len(b) < 20 {
		return v, errShort
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	v.Type, v.Size = Type(u32(4)), int64(u32(12))
	name, err := part(b, 20, u32(16))
	if err == nil && v.Size > 0 {
		v.Data, err = part(b, u32(8), u32(12))
	}
	v.Name = utf16.WTF8(name)
	return v, err
}

// parseValueBasic reads KEY_VALUE_BASIC_INFORMATION (Microsoft, wdm.h).
func parseValueBasic(b []byte) (v Value, err error) {
	if len(b) < 12 {
		return v, errShort
	}
	v.Type = Type(binary.LittleEndian.Uint32(b[4:]))
	name, err := part(b, 12, binary.LittleEndian.Uint32(b[8:]))
	v.Name = utf16.WTF8(name)
	return v, err
}
