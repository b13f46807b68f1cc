package ntapi

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// SID reads a security identifier (MS-DTYP, section 2.4.2.2) at the beginning of b and gives
// it as text, "S-1-5-18", with the bytes it takes.
func SID(b []byte) (text string, size int, err error) {
	if len(b) < 8 || len(b) < 8+4*int(b[1]) {
		return "", 0, fmt.Errorf("SID: %w", ErrShort)
	}
	if b[0] != 1 || b[1] > 15 {
		return "", 0, fmt.Errorf("SID: revision %d with %d parts is none", b[0], b[1])
	}
	var s strings.Builder
	authority := uint64(binary.BigEndian.Uint16(b[2:]))<<32 | uint64(binary.BigEndian.Uint32(b[4:]))
	if s.WriteString("S-1-"); authority >= 1<<32 {
		fmt.Fprintf(&s, "0x%012x", authority)
	} else {
		s.WriteString(strconv.FormatUint(authority, 10))
	}
	for i := range int(b[1]) {
		s.WriteByte('-')
		s.WriteString(strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b[8+4*i:])), 10))
	}
	return s.String(), 8 + 4*int(b[1]), nil
}

// WellKnownSID gives the English name of a SID that is the same on every Windows (MS-DTYP,
// section 2.4.2.4); "" for any other. Nothing is asked: a SID of a domain could only be
// resolved by asking that domain.
func WellKnownSID(sid string) string {
	switch sid {
	case "S-1-0-0":
		return "NULL SID"
	case "S-1-1-0":
		return "Everyone"
	case "S-1-2-0":
		return "LOCAL"
	case "S-1-2-1":
		return "CONSOLE LOGON"
	case "S-1-3-0":
		return "CREATOR OWNER"
	case "S-1-5-2":
		return `NT AUTHORITY\NETWORK`
	case "S-1-5-3":
		return `NT AUTHORITY\BATCH`
	case "S-1-5-4":
		return `NT AUTHORITY\INTERACTIVE`
	case "S-1-5-6":
		return `NT AUTHORITY\SERVICE`
	case "S-1-5-7":
		return `NT AUTHORITY\ANONYMOUS LOGON`
	case "S-1-5-11":
		return `NT AUTHORITY\Authenticated Users`
	case "S-1-5-12":
		return `NT AUTHORITY\RESTRICTED`
	case "S-1-5-13":
		return `NT AUTHORITY\TERMINAL SERVER USER`
	case "S-1-5-14":
		return `NT AUTHORITY\REMOTE INTERACTIVE LOGON`
	case "S-1-5-15":
		return `NT AUTHORITY\This Organization`
	case "S-1-5-18":
		return `NT AUTHORITY\SYSTEM`
	case "S-1-5-19":
		return `NT AUTHORITY\LOCAL SERVICE`
	case "S-1-5-20":
		return `NT AUTHORITY\NETWORK SERVICE`
	case "S-1-5-113":
		return `NT AUTHORITY\Local account`
	case "S-1-5-114":
		return `NT AUTHORITY\Local account and member of Administrators group`
	case "S-1-5-33":
		return `NT AUTHORITY\WRITE RESTRICTED`
	case "S-1-5-32-544":
		return `BUILTIN\Administrators`
	case "S-1-5-32-545":
		return `BUILTIN\Users`
	case "S-1-5-32-546":
		return `BUILTIN\Guests`
	case "S-1-5-32-547":
		return `BUILTIN\Power Users`
	case "S-1-5-32-551":
		return `BUILTIN\Backup Operators`
	case "S-1-5-32-555":
		return `BUILTIN\Remote Desktop Users`
	case "S-1-5-32-559":
		return `BUILTIN\Performance Log Users`
	case "S-1-5-32-578":
		return `BUILTIN\Hyper-V Administrators`
	case "S-1-5-64-10":
		return `NT AUTHORITY\NTLM Authentication`
	case "S-1-5-65-1":
		return `NT AUTHORITY\This Organization Certificate`
	case "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464":
		return `NT SERVICE\TrustedInstaller`
	case "S-1-5-80-0":
		return `NT SERVICE\ALL SERVICES`
	case "S-1-15-2-1":
		return `APPLICATION PACKAGE AUTHORITY\ALL APPLICATION PACKAGES`
	case "S-1-18-1":
		return "Authentication authority asserted identity"
	}
	for prefix, domain := range map[string]string{"S-1-5-90-0-": `Window Manager\DWM-`, "S-1-5-96-0-": `Font Driver Host\UMFD-`} {
		if n, ok := strings.CutPrefix(sid, prefix); ok && !strings.Contains(n, "-") {
			return domain + n
		}
	}
	return IntegrityName(sid)
}

// IntegrityName gives the word of a mandatory label (winnt.h, SECURITY_MANDATORY_…_RID):
// "low", "medium", "high", "system"; "" for what is no label of that table.
func IntegrityName(sid string) string {
	switch sid {
	case "S-1-16-0":
		return "untrusted"
	case "S-1-16-4096":
		return "low"
	case "S-1-16-8192":
		return "medium"
	case "S-1-16-8448":
		return "medium plus"
	case "S-1-16-12288":
		return "high"
	case "S-1-16-16384":
		return "system"
	case "S-1-16-20480":
		return "protected process"
	}
	return ""
}
