package private

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Descriptor is what a security descriptor says of who may do what. SIDs are text,
// "S-1-5-18".
type Descriptor struct {
	Owner string // "": none is named
	// Everybody says that there is no access list: everybody may do everything.
	Everybody bool
	// Protected says that nothing is inherited from the folder above.
	Protected bool
	Entries   []Entry
}

// An Entry of an access list (an ACE, MS-DTYP section 2.4.4).
type Entry struct {
	Type  byte // 0 allows, 1 denies; 9 and 10 likewise, under a condition
	Flags byte
	Mask  uint32
	SID   string
}

// Parts of a security descriptor (MS-DTYP sections 2.4.4, 2.4.6).
const (
	controlDACLPresent   = 0x0004
	controlDACLProtected = 0x1000

	allow         = 0x00
	allowCallback = 0x09
	allowObject   = 0x05
	callbackObj   = 0x0b
	inheritOnly   = 0x08 // of an entry's flags: not for the object itself

	// maxEntries bounds a list: the whole of it has 64 KiB, an entry at least 16 bytes.
	maxEntries = 4096
)

// What an entry may allow (MS-DTYP section 2.4.3, winnt.h).
const (
	writeData   = 0x2  // of a folder: new files
	appendData  = 0x4  // of a folder: new folders
	writeEA     = 0x10 // extended attributes
	deleteChild = 0x40
	writeAttrs  = 0x100
	readData    = 0x1
	remove      = 0x10000
	writeDAC    = 0x40000
	writeOwner  = 0x80000
	genericAll  = 0x10000000
	genericW    = 0x40000000
	genericR    = 0x80000000

	changes  = writeData | appendData | writeEA | deleteChild | writeAttrs | remove | writeDAC | writeOwner | genericAll | genericW
	replaces = deleteChild | remove | writeDAC | writeOwner | genericAll
	reads    = readData | writeDAC | writeOwner | genericAll | genericR
)

// SIDs that are the machine itself (MS-DTYP section 2.4.2.4). trustedInstaller owns what
// Windows itself installs (%ProgramFiles%).
const (
	System           = "S-1-5-18"
	Administrators   = "S-1-5-32-544"
	trustedInstaller = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
	ownerRights      = "S-1-3-4" // the owner, instead of what an owner always may
)

// Parse reads a self-relative security descriptor (MS-DTYP section 2.4.6), as
// GetFileSecurity gives it.
func Parse(b []byte) (Descriptor, error) {
	if len(b) < 20 || b[0] != 1 {
		return Descriptor{}, errors.New("no security descriptor")
	}
	var d Descriptor
	control := binary.LittleEndian.Uint16(b[2:])
	owner, list := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[16:])
	d.Protected = control&controlDACLProtected != 0
	if owner != 0 {
		if int64(owner) >= int64(len(b)) {
			return Descriptor{}, errors.New("security descriptor: the owner is outside")
		}
		var err error
		if d.Owner, err = sidText(b[owner:]); err != nil {
			return Descriptor{}, fmt.Errorf("owner: %w", err)
		}
	}
	if control&controlDACLPresent == 0 || list == 0 {
		d.Everybody = true
		return d, nil
	}
	if int64(list)+8 > int64(len(b)) {
		return Descriptor{}, errors.New("security descriptor: the access list is outside")
	}
	var err error
	d.Entries, err = parseList(b[list:])
	return d, err
}

// parseList reads an ACL (MS-DTYP section 2.4.5).
func parseList(b []byte) (out []Entry, err error) {
	size, count := int(binary.LittleEndian.Uint16(b[2:])), int(binary.LittleEndian.Uint16(b[4:]))
	if size < 8 || size > len(b) || count > maxEntries {
		return nil, fmt.Errorf("access list: %d entries in %d of %d bytes", count, size, len(b))
	}
	b = b[8:size]
	for i := range count {
		if len(b) < 4 {
			return nil, fmt.Errorf("access list: entry %d is outside", i)
		}
		n := int(binary.LittleEndian.Uint16(b[2:]))
		if n < 8 || n > len(b) {
			return nil, fmt.Errorf("access list: entry %d of %d bytes in %d", i, n, len(b))
		}
		e := Entry{Type: b[0], Flags: b[1], Mask: binary.LittleEndian.Uint32(b[4:])}
		sid := b[8:n]
		if e.Type >= allowObject && e.Type <= 8 || e.Type >= callbackObj && e.Type <= 16 && e.Type != 13 && e.Type != 14 {
			sid = skipObject(sid)
		}
		if e.SID, err = sidText(sid); err != nil {
			return nil, fmt.Errorf("access list: entry %d: %w", i, err)
		}
		out = append(out, e)
		b = b[n:]
	}
	return out, nil
}

// skipObject skips the GUIDs of an object entry (MS-DTYP section 2.4.4.3).
func skipObject(b []byte) []byte {
	if len(b) < 4 {
		return nil
	}
	flags, at := binary.LittleEndian.Uint32(b), 4
	for _, bit := range []uint32{1, 2} {
		if flags&bit != 0 {
			at += 16
		}
	}
	return b[min(at, len(b)):]
}

// sidText writes a SID (MS-DTYP section 2.4.2.2) as text (2.4.2.1).
func sidText(b []byte) (string, error) {
	if len(b) < 8 || b[0] != 1 || b[1] > 15 || len(b) < 8+4*int(b[1]) {
		return "", errors.New("no SID")
	}
	authority := uint64(binary.BigEndian.Uint16(b[2:]))<<32 | uint64(binary.BigEndian.Uint32(b[4:]))
	var text strings.Builder
	text.WriteString("S-1-" + strconv.FormatUint(authority, 10))
	for i := range int(b[1]) {
		text.WriteString("-" + strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b[8+4*i:])), 10))
	}
	return text.String(), nil
}

// Changers are those who could change the file, or what is in the folder, beside the
// machine itself and the SIDs that are given.
func (d Descriptor) Changers(but ...string) []string { return d.others(changes, but) }

// Replacers are those who could put another file or folder in the place of this one's
// children, or of it: making new things beside them does no harm.
func (d Descriptor) Replacers(but ...string) []string { return d.others(replaces, but) }

// Readers are those who could read it, or let themselves read it.
func (d Descriptor) Readers(but ...string) []string { return d.others(reads, but) }

func (d Descriptor) others(mask uint32, but []string) (out []string) {
	but = append([]string{System, Administrators, trustedInstaller, ownerRights}, but...)
	add := func(sid string) {
		if !slices.Contains(but, sid) && !slices.Contains(out, sid) {
			out = append(out, sid)
		}
	}
	limited := slices.ContainsFunc(d.Entries, func(e Entry) bool {
		return e.SID == ownerRights && e.Flags&inheritOnly == 0 && !(allows(e) && e.Mask&(writeDAC|mask) != 0)
	})
	if !limited {
		add(d.Owner) // an owner may always change the list
	}
	if d.Everybody {
		add("S-1-1-0")
	}
	for _, e := range d.Entries {
		if e.Flags&inheritOnly == 0 && allows(e) && e.Mask&mask != 0 {
			add(e.SID)
		}
	}
	return out
}

// allows counts what is allowed under a condition, too; what is denied takes nothing back.
func allows(e Entry) bool {
	return e.Type == allow || e.Type == allowCallback || e.Type == allowObject || e.Type == callbackObj
}

// names are SIDs that people know by other names.
func names(sids []string) string {
	known := map[string]string{
		"S-1-1-0": "Everyone", "S-1-5-11": "Authenticated Users", "S-1-5-32-545": "Users", "S-1-5-4": "Interactive", "S-1-5-7": "Anonymous",
		"S-1-5-32-546": "Guests", "S-1-5-32-547": "Power Users", "S-1-5-19": "Local Service", "S-1-5-20": "Network Service", "": "nobody",
	}
	var out []string
	for _, s := range sids {
		if n := known[s]; n != "" {
			s = n
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

// Errors about who may do what with a file.
var (
	// ErrChanged says that others could change or replace a file.
	ErrChanged = errors.New("others can change it")
	// ErrRead says that others could read a file.
	ErrRead = errors.New("others can read it")
)

// judgeWay says why others could do with path what first finds, or put another in its place.
// ask gives the descriptor of a path, or an error; way is path and the folders above it, in
// that order.
func judgeWay(way []string, ask func(string) (Descriptor, error), first func(Descriptor, ...string) []string, but ...string) error {
	for i, path := range way {
		d, err := ask(path)
		if err != nil {
			return err
		}
		who := d.Replacers(but...)
		if i == 0 {
			who = first(d, but...)
		}
		if len(who) > 0 {
			return fmt.Errorf("%s: %w: %s", path, ErrChanged, names(who))
		}
	}
	return nil
}

// judgePrivate says why others could read path.
func judgePrivate(path string, d Descriptor, but ...string) error {
	if who := d.Readers(but...); len(who) > 0 {
		return fmt.Errorf("%s: %w: %s", path, ErrRead, names(who))
	}
	return nil
}

// listText is the access list in the words of SDDL (MS-DTYP section 2.5.1.1) that gives
// everything to SYSTEM, Administrators and, if it is named, a third, and inherits nothing.
func listText(folder bool, third string) string {
	inherit := ""
	if folder {
		inherit = "OICI"
	}
	text := "D:P"
	for _, who := range []string{"SY", "BA", third} {
		if who != "" && who != System && who != Administrators {
			text += "(A;" + inherit + ";FA;;;" + who + ")"
		}
	}
	return text
}
