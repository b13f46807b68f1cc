package onwindows

import (
	"strings"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/ntapi"
	"hozen/collector/registry"
	"hozen/collector/section"
)

// A processBasis is what the rows of all processes have in common: it is read once, and its
// raw text is an item of its own.
type processBasis struct {
	drives   ntapi.Drives
	root     string            // the directory of Windows
	profiles map[string]string // folder of the profile by SID
}

// readProfiles gives the profiles' folders by SID, from the list in the registry.
func readProfiles(h *collector.Host) (map[string]string, error) {
	r, err := registry.Open(h)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	all := map[string]string{}
	for _, u := range r.Users() {
		all[u.SID] = u.Profile
	}
	return all, nil
}

// readBasis reads the basis and gives the raw text of it, in sections. What is missing is
// said there; rows then have numbers without names.
func readBasis(h *collector.Host, s processSystem) (*processBasis, []byte) {
	b := &processBasis{}
	var raw []byte
	enabled, err := s.enableDebug()
	word := "SeDebugPrivilege is not held by us: processes of others are read as far as they let us"
	if enabled {
		word = "SeDebugPrivilege is held by us, and enabled until we end"
	}
	raw = section.Append(raw, "AdjustTokenPrivileges", false, []byte(word), err)
	b.drives, b.root = s.names()
	var text strings.Builder
	for _, d := range b.drives {
		text.WriteString(d.Letter + " " + d.Device + "\n")
	}
	raw = section.Append(raw, "QueryDosDevice", false, []byte(text.String()), nil)
	raw = section.Append(raw, "GetSystemWindowsDirectory", false, []byte(b.root), nil)
	b.profiles, err = readProfiles(h)
	text.Reset()
	for _, sid := range sortedKeys(b.profiles) {
		text.WriteString(sid + " " + b.profiles[sid] + "\n")
	}
	raw = section.Append(raw, `HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList`, false, []byte(text.String()), err)
	return b, raw
}

// sid names a SID; nil for none.
func (b *processBasis) sid(sid string) *SID {
	if sid == "" {
		return nil
	}
	s := &SID{SID: sid}
	if name := ntapi.WellKnownSID(sid); name != "" {
		s.Name, s.NameFrom = jsonl.Text(name), "well-known"
	} else if folder := strings.TrimRight(b.profiles[sid], `\`); folder != "" {
		s.Name, s.NameFrom = jsonl.Text(folder[strings.LastIndexAny(folder, `\/`)+1:]), "profile"
	}
	return s
}

func (b *processBasis) groups(in []ntapi.Group) (out []TokenGroup) {
	for _, g := range in {
		if s := b.sid(g.SID); s != nil {
			out = append(out, TokenGroup{*s, g.AttributeNames()})
		}
	}
	return out
}
