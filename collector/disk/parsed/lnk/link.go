package lnk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"hozen/collector/disk/parsed"
	"hozen/collector/filetime"
	"hozen/collector/jsonl"
	"hozen/collector/utf16"
	"hozen/packager/evidence/fault"
)

// Format is that of *.lnk.
func Format() parsed.Format {
	return parsed.Format{
		Name: "lnk", Doc: "shortcuts: what was opened, where it was, and on which machine",
		Takes:   func(f *parsed.File) bool { return f.HasExt(".lnk") },
		MaxFile: 4 << 20,
		Rows:    parsed.OneRow(Read),
	}
}

// ShellLinkHeader ([MS-SHLLINK] 2.1), little-endian.
const (
	headSize     = 0x4c
	atFlags      = 20
	atAttributes = 24
	atCreated    = 28
	atAccessed   = 36
	atModified   = 44
	atFileSize   = 52
	atIconIndex  = 56
	atShow       = 60
	atHotKey     = 64
)

// LinkFlags that decide what follows.
const (
	hasItems       = 1 << 0
	hasLinkInfo    = 1 << 1
	hasName        = 1 << 2
	hasRelative    = 1 << 3
	hasWorkingDir  = 1 << 4
	hasArguments   = 1 << 5
	hasIcon        = 1 << 6
	isUnicode      = 1 << 7
	forceNoInfo    = 1 << 8
	flagNamesCount = 27
)

// flagNames are those of [MS-SHLLINK] 2.1.1, from bit 0 on.
func flagNames(flags uint32) []string {
	names := [flagNamesCount]string{"HasLinkTargetIDList", "HasLinkInfo", "HasName", "HasRelativePath", "HasWorkingDir", "HasArguments", "HasIconLocation",
		"IsUnicode", "ForceNoLinkInfo", "HasExpString", "RunInSeparateProcess", "Unused1", "HasDarwinID", "RunAsUser", "HasExpIcon", "NoPidlAlias",
		"Unused2", "RunWithShimLayer", "ForceNoLinkTrack", "EnableTargetMetadata", "DisableLinkPathTracking", "DisableKnownFolderTracking",
		"DisableKnownFolderAlias", "AllowLinkToLink", "UnaliasOnSave", "PreferEnvironmentPath", "KeepLocalIDListForUNCTarget"}
	out := []string{}
	for i := range 32 {
		if flags>>i&1 == 0 {
			continue
		}
		if i < len(names) {
			out = append(out, names[i])
		} else {
			out = append(out, fmt.Sprintf("bit%d", i))
		}
	}
	return out
}

// Read reads a shortcut, all of its bytes. What was read before an error is given with
// it; nil if that is nothing.
func Read(b []byte) (*Row, error) {
	if len(b) < headSize || binary.LittleEndian.Uint32(b) != headSize || guid(b[4:]) != "00021401-0000-0000-c000-000000000046" {
		return nil, errors.New("no shortcut: its head is another")
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	flags := u32(atFlags)
	row := &Row{
		Flags: flagNames(flags), Attributes: u32(atAttributes), Size: u32(atFileSize), IconIndex: int32(u32(atIconIndex)), Show: u32(atShow),
		HotKey: binary.LittleEndian.Uint16(b[atHotKey:]), Created: moment(b[atCreated:]), Accessed: moment(b[atAccessed:]), Modified: moment(b[atModified:]), Items: []Item{},
	}
	l := &link{row: row, rest: b[headSize:], unicode: flags&isUnicode != 0}
	err := l.body(flags)
	row.Target = l.target()
	return row, fault.Join(append(l.damage, err)...)
}

// moment is a FILETIME; nil where none is set.
func moment(b []byte) *time.Time {
	t := filetime.Bytes(b)
	if t.IsZero() {
		return nil
	}
	return &t
}

// link is a shortcut on its way.
type link struct {
	row     *Row
	rest    []byte
	unicode bool
	damage  []error
}

// take gives the next n bytes.
func (l *link) take(what string, n int) ([]byte, error) {
	if n > len(l.rest) {
		return nil, fmt.Errorf("%s: %d bytes, and %d are left", what, n, len(l.rest))
	}
	b := l.rest[:n]
	l.rest = l.rest[n:]
	return b, nil
}

// body reads what follows the head, in its order. An error says that the order is lost.
func (l *link) body(flags uint32) error {
	if flags&hasItems != 0 {
		n, err := l.take("list of items", 2)
		if err != nil {
			return err
		}
		list, err := l.take("list of items", int(binary.LittleEndian.Uint16(n)))
		if err != nil {
			return err
		}
		var damage error
		l.row.Items, damage = items(list)
		l.spoilt(damage)
	}
	if flags&hasLinkInfo != 0 && flags&forceNoInfo == 0 {
		if len(l.rest) < 4 {
			return fmt.Errorf("LinkInfo: %d bytes are left", len(l.rest))
		}
		size := binary.LittleEndian.Uint32(l.rest)
		info, err := l.take("LinkInfo", int(min(size, 1<<30)))
		if err != nil {
			return err
		}
		l.spoilt(linkInfo(l.row, info))
	}
	for _, s := range []struct {
		flag uint32
		what string
		to   *jsonl.Text
	}{
		{hasName, "description", &l.row.Description}, {hasRelative, "relative path", &l.row.Relative}, {hasWorkingDir, "working directory", &l.row.WorkingDir},
		{hasArguments, "arguments", &l.row.Arguments}, {hasIcon, "icon", &l.row.Icon},
	} {
		if flags&s.flag == 0 {
			continue
		}
		var err error
		if *s.to, err = l.text(s.what); err != nil {
			return err
		}
	}
	return l.extra()
}

func (l *link) spoilt(err error) {
	if err != nil {
		l.damage = append(l.damage, err)
	}
}

// text reads StringData (2.4): the number of characters, then these, without a NUL.
func (l *link) text(what string) (jsonl.Text, error) {
	n, err := l.take(what, 2)
	if err != nil {
		return "", err
	}
	count := int(binary.LittleEndian.Uint16(n))
	if !l.unicode {
		b, err := l.take(what, count)
		return jsonl.Text(toNUL(b)), err
	}
	b, err := l.take(what, 2*count)
	return jsonl.Text(utf16.ToNUL(b)), err
}

// target is where a shortcut leads, by the first of its ways that says something.
func (l *link) target() jsonl.Text {
	r := l.row
	switch {
	case r.LocalPath != "":
		return r.LocalPath
	case r.Share != "":
		if r.SharePath != "" {
			return r.Share + `\` + r.SharePath
		}
		return r.Share
	}
	if way := itemsPath(r.Items); way != "" {
		return way
	}
	return r.Environment
}
