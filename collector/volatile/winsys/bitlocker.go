package winsys

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"hozen/collector/filetime"
	"hozen/collector/jsonl"
	"hozen/collector/utf16"
)

// BitLocker is what the metadata of an encrypted volume says of it. The layout is that
// of libyal's "BitLocker Drive Encryption (BDE) format specification"
// (https://github.com/libyal/libbde/tree/main/documentation). Keys are neither read nor
// kept, not even those that are encrypted.
type BitLocker struct {
	Version     uint16      `json:"metadata_version"` // 1 Windows Vista, 2 Windows 7 and later
	ID          string      `json:"volume_id"`        // GUID of the encrypted volume
	Method      string      `json:"method"`           // aes-cbc-128-diffuser … aes-xts-256
	Created     string      `json:"created,omitempty"`
	Description jsonl.Text  `json:"description,omitempty"` // computer, volume and day of its encryption, as a rule
	State       string      `json:"state"`                 // decrypted, encrypting, encrypted, decrypting
	Next        string      `json:"next_state"`
	Size        uint64      `json:"encrypted_bytes"`
	Protectors  []Protector `json:"protectors"`
	// ClearKey says that the key lies on the disk in the clear: protection is suspended,
	// or not yet switched on. Whoever has the disk can read it.
	ClearKey bool `json:"clear_key"`
}

// A Protector is one way to unlock a volume: a volume master key, encrypted by it.
type Protector struct {
	ID      string     `json:"id"`   // GUID, by which a recovery key is looked up
	Type    string     `json:"type"` // clear_key, tpm, startup_key, tpm+pin, tpm+startup_key, recovery_password, password, or the number
	Name    jsonl.Text `json:"name,omitempty"`
	Changed string     `json:"changed,omitempty"`
}

// IsBitLocker says whether a boot sector is that of an encrypted volume: its file system
// cannot be read by whoever reads this.
func IsBitLocker(sector []byte) bool {
	_, _, ok := metadataOffsets(sector)
	return ok
}

// The identifiers of a BitLocker boot sector, as its bytes are:
// {4967D63B-2E29-4AD8-8399-F6A339E3D001} and, where only used space is encrypted,
// {92A84D3B-DD80-4D0E-9E4E-B1E3284EAED8}.
const (
	fveSignature = "-FVE-FS-"
	idWhole      = "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01"
	idUsedSpace  = "\x3b\x4d\xa8\x92\x80\xdd\x0e\x4d\x9e\x4e\xb1\xe3\x28\x4e\xae\xd8"
)

// metadataOffsets gives where the three copies of the metadata begin. Of Windows Vista
// the boot sector has but the cluster of the first one, and the block has the others.
func metadataOffsets(s []byte) (offsets []int64, vista, ok bool) {
	if len(s) < 512 {
		return nil, false, false
	}
	at := 0
	switch {
	case string(s[3:11]) == fveSignature && (string(s[160:176]) == idWhole || string(s[160:176]) == idUsedSpace):
		at = 176
	case string(s[3:11]) == "MSWIN4.1" && (string(s[424:440]) == idWhole || string(s[424:440]) == idUsedSpace): // BitLocker To Go
		at = 440
	case string(s[3:11]) == fveSignature:
		cluster := int64(binary.LittleEndian.Uint16(s[11:])) * int64(s[13])
		first := binary.LittleEndian.Uint64(s[56:])
		if first > 1<<40 {
			return nil, true, true
		}
		return []int64{int64(first) * cluster}, true, true
	default:
		return nil, false, false
	}
	for i := range 3 {
		offsets = append(offsets, int64(binary.LittleEndian.Uint64(s[at+8*i:])))
	}
	return offsets, false, true
}

// ErrNotBitLocker is the error for a volume that is not encrypted, as far as its boot
// sector tells.
var ErrNotBitLocker = errors.New("no BitLocker volume")

const (
	maxMetadata    = 1 << 20 // in practice 64 KiB
	blockHeader    = 64
	metadataHeader = 48
	maxProtectors  = 1024
	maxEntries     = 4096
)

// ReadBitLocker reads the boot sector at the beginning of r, which is the encrypted
// volume as it lies on the disk, and the first copy of the metadata that is whole. Head
// is the part of both that holds no key: boot sector, block header, metadata header.
func ReadBitLocker(r io.ReaderAt) (b BitLocker, head []byte, err error) {
	sector := make([]byte, 512)
	if _, err := r.ReadAt(sector, 0); err != nil {
		return b, nil, fmt.Errorf("boot sector: %w", err)
	}
	offsets, _, ok := metadataOffsets(sector)
	if !ok {
		return b, sector, ErrNotBitLocker
	}
	err = errors.New("no place of metadata")
	for _, at := range offsets {
		var metadata []byte
		if metadata, err = readMetadata(r, at); err != nil {
			continue
		}
		b, err = parseMetadata(metadata)
		head = append(bytes.Clone(sector), metadata[:blockHeader+metadataHeader]...)
		if err == nil {
			return b, head, nil
		}
	}
	if head == nil {
		head = sector
	}
	return b, head, fmt.Errorf("BitLocker metadata: %w", err)
}

func readMetadata(r io.ReaderAt, at int64) ([]byte, error) {
	if at <= 0 {
		return nil, fmt.Errorf("at %d", at)
	}
	head := make([]byte, 512)
	if _, err := r.ReadAt(head, at); err != nil {
		return nil, err
	}
	if string(head[:8]) != fveSignature {
		return nil, fmt.Errorf("at %d: no signature", at)
	}
	size := int64(binary.LittleEndian.Uint32(head[blockHeader:]))
	if size < metadataHeader || size > maxMetadata {
		return nil, fmt.Errorf("at %d: %d bytes", at, size)
	}
	all := make([]byte, (blockHeader+size+511)&^511) // a raw volume is read in whole sectors
	if _, err := r.ReadAt(all, at); err != nil {
		return nil, err
	}
	return all[:blockHeader+size], nil
}

// parseMetadata reads a metadata block: its header of 64 bytes, the header of the
// metadata (48), then entries.
func parseMetadata(m []byte) (b BitLocker, err error) {
	u16, u32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	if len(m) < blockHeader+metadataHeader || string(m[:8]) != fveSignature {
		return b, errors.New("too short, or no signature")
	}
	b.Version = u16(m[10:])
	b.State, b.Next = encryptionState(u16(m[12:])), encryptionState(u16(m[14:]))
	b.Size = binary.LittleEndian.Uint64(m[16:])
	h := m[blockHeader:]
	b.ID, b.Method = guid(h[16:]), encryptionMethod(u32(h[36:]))
	b.Created = moment(h[40:])
	b.Protectors = []Protector{}
	size := int(u32(h[8:]))
	if size < metadataHeader || size > len(h) {
		return b, fmt.Errorf("header of %d bytes", size)
	}
	err = eachMetadataEntry(h[size:], func(kind, value uint16, data []byte) error {
		switch {
		case kind == 2 && value == 8:
			if len(b.Protectors) >= maxProtectors {
				return fmt.Errorf("more than %d protectors", maxProtectors)
			}
			p, err := protector(data)
			b.Protectors = append(b.Protectors, p)
			b.ClearKey = b.ClearKey || p.Type == clearKey
			return err
		case kind == 7 && value == 2:
			b.Description = jsonl.Text(utf16.ToNUL(data))
		}
		return nil
	})
	return b, err
}

// eachMetadataEntry: size with this header, type, type of the value, version (16 bits
// each), data. An entry of no size ends the list.
func eachMetadataEntry(b []byte, one func(kind, value uint16, data []byte) error) error {
	for n := 0; len(b) >= 8; n++ {
		size := int(binary.LittleEndian.Uint16(b))
		if size == 0 {
			return nil
		}
		if size < 8 || size > len(b) || n >= maxEntries {
			return fmt.Errorf("entry %d: %d bytes of %d", n, size, len(b))
		}
		if err := one(binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint16(b[4:]), b[8:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// protector reads the value of a volume master key: identifier (16), time of change (8),
// 2 bytes, the type of its protection (2), and entries, of which only its name is read.
func protector(d []byte) (Protector, error) {
	if len(d) < 28 {
		return Protector{}, fmt.Errorf("master key of %d bytes", len(d))
	}
	p := Protector{ID: guid(d), Changed: moment(d[16:]), Type: protectionType(binary.LittleEndian.Uint16(d[26:]))}
	err := eachMetadataEntry(d[28:], func(kind, value uint16, data []byte) error {
		if value == 2 && p.Name == "" {
			p.Name = jsonl.Text(utf16.ToNUL(data))
		}
		return nil
	})
	return p, err
}

const clearKey = "clear_key"

// protectionType names the types; those with a TPM are bits: 0x100 TPM, 0x200 startup
// key, 0x400 PIN.
func protectionType(n uint16) string {
	switch n {
	case 0:
		return clearKey
	case 0x0800:
		return "recovery_password"
	case 0x2000:
		return "password"
	}
	var parts []string
	for i, name := range []string{"tpm", "startup_key", "pin"} {
		if n&(0x100<<i) != 0 {
			parts = append(parts, name)
		}
	}
	if n&^0x700 != 0 || len(parts) == 0 {
		return fmt.Sprintf("%#06x", n)
	}
	return strings.Join(parts, "+")
}

func encryptionMethod(n uint32) string {
	names := [...]string{"aes-cbc-128-diffuser", "aes-cbc-256-diffuser", "aes-cbc-128", "aes-cbc-256", "aes-xts-128", "aes-xts-256"}
	if i := int64(n) - 0x8000; i >= 0 && i < int64(len(names)) {
		return names[i]
	}
	return fmt.Sprintf("%#06x", n)
}

func encryptionState(n uint16) string {
	switch n {
	case 1:
		return "decrypted"
	case 2:
		return "encrypting"
	case 4:
		return "encrypted"
	case 5:
		return "decrypting"
	}
	return fmt.Sprint(n)
}

func moment(b []byte) string {
	t := filetime.Bytes(b)
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04:05.000000000") + "Z"
}

func guid(b []byte) string {
	return fmt.Sprintf("{%08X-%04X-%04X-%X-%X}", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:16])
}
