package ntapi

import "fmt"

// A Group is one SID_AND_ATTRIBUTES (winnt.h).
type Group struct {
	SID        string
	Attributes uint32
}

// AttributeNames gives the words of SE_GROUP_ without that beginning: "MANDATORY",
// "ENABLED", "USE_FOR_DENY_ONLY".
func (g Group) AttributeNames() []string {
	names := flagNames(g.Attributes&0x7f, "MANDATORY", "ENABLED_BY_DEFAULT", "ENABLED", "OWNER", "USE_FOR_DENY_ONLY", "INTEGRITY", "INTEGRITY_ENABLED")
	if g.Attributes&0x20000000 != 0 {
		names = append(names, "RESOURCE")
	}
	if g.Attributes&0xc0000000 == 0xc0000000 {
		names = append(names, "LOGON_ID")
	}
	return names
}

// A Privilege is one LUID_AND_ATTRIBUTES (winnt.h) of a token.
type Privilege struct {
	LUID       uint64
	Attributes uint32
}

// Enabled says whether the privilege is enabled now (SE_PRIVILEGE_ENABLED).
func (p Privilege) Enabled() bool { return p.Attributes&2 != 0 }

// Name is the name of winnt.h, "SeDebugPrivilege". The numbers are the same on every Windows
// (wdm.h, SE_…_PRIVILEGE); one without a name is "LUID 0x40".
func (p Privilege) Name() string {
	names := [...]string{
		2: "CreateToken", "AssignPrimaryToken", "LockMemory", "IncreaseQuota", "MachineAccount", "Tcb", "Security",
		"TakeOwnership", "LoadDriver", "SystemProfile", "Systemtime", "ProfileSingleProcess", "IncreaseBasePriority",
		"CreatePagefile", "CreatePermanent", "Backup", "Restore", "Shutdown", "Debug", "Audit", "SystemEnvironment",
		"ChangeNotify", "RemoteShutdown", "Undock", "SyncAgent", "EnableDelegation", "ManageVolume", "Impersonate",
		"CreateGlobal", "TrustedCredManAccess", "Relabel", "IncreaseWorkingSet", "TimeZone", "CreateSymbolicLink",
		"DelegateSessionUserImpersonate",
	}
	if p.LUID < uint64(len(names)) && names[p.LUID] != "" {
		return "Se" + names[p.LUID] + "Privilege"
	}
	return fmt.Sprintf("LUID %#x", p.LUID)
}

// maxGroups bounds the groups and privileges of one token; Windows has 1024 groups at most.
const maxGroups = 1 << 12

func (a Answer) group(at int) (Group, error) {
	if !a.has(at, 12) {
		return Group{}, fmt.Errorf("group at offset %d: %w", at, ErrShort)
	}
	g := Group{Attributes: a.u32(at + 8)}
	address := a.u64(at)
	if address == 0 {
		return g, nil
	}
	from, ok := a.offset(address)
	if !ok {
		return g, fmt.Errorf("SID at %#x: %w", address, ErrShort)
	}
	var err error
	g.SID, _, err = SID(a.Data[from:])
	return g, err
}

// ParseGroups reads TOKEN_GROUPS, the form of TokenGroups, TokenRestrictedSids and TokenCapabilities.
func ParseGroups(a Answer) ([]Group, error) {
	if !a.has(0, 4) {
		return nil, fmt.Errorf("groups: %w", ErrShort)
	}
	var all []Group
	for i := range int(min(a.u32(0), maxGroups)) {
		g, err := a.group(8 + i*16)
		if err != nil {
			return all, err
		}
		all = append(all, g)
	}
	return all, nil
}

// ParsePrivileges reads TOKEN_PRIVILEGES.
func ParsePrivileges(a Answer) ([]Privilege, error) {
	if !a.has(0, 4) {
		return nil, fmt.Errorf("privileges: %w", ErrShort)
	}
	var all []Privilege
	for i := range int(min(a.u32(0), maxGroups)) {
		at := 4 + i*12
		if !a.has(at, 12) {
			return all, fmt.Errorf("privilege %d: %w", i, ErrShort)
		}
		all = append(all, Privilege{a.u64(at), a.u32(at + 8)})
	}
	return all, nil
}

// Statistics is what is kept of TOKEN_STATISTICS (winnt.h).
type Statistics struct {
	TokenID, LogonID uint64 // LUIDs; LogonID names the logon session
	Impersonation    bool   // not a primary token
}

// ParseStatistics reads TOKEN_STATISTICS.
func ParseStatistics(a Answer) (Statistics, error) {
	if !a.has(0, 0x38) {
		return Statistics{}, fmt.Errorf("token statistics: %w", ErrShort)
	}
	return Statistics{TokenID: a.u64(0), LogonID: a.u64(8), Impersonation: a.u32(0x18) == 2}, nil
}

// A Token is who a process runs as, as far as its access token tells; Errors has the parts
// that it did not.
type Token struct {
	User         string // SID
	Integrity    string // SID of the mandatory label
	Elevation    uint32 // TOKEN_ELEVATION_TYPE: 1 default, 2 full, 3 limited; 0 unknown
	Elevated     bool
	UIAccess     bool
	AppContainer string // SID; "" outside of one
	Session      uint32
	Statistics   Statistics
	Groups       []Group
	Restricted   []Group
	Capabilities []Group
	Privileges   []Privilege
	Errors       []error
}

// ElevationName is "default" (UAC has nothing to say of it), "full" or "limited"; "" if unknown.
func (t *Token) ElevationName() string { return word(t.Elevation, "", "default", "full", "limited") }

// ParseToken reads a token through ask, which gives the answer of one class.
func ParseToken(ask func(TokenClass) (Answer, error)) *Token {
	t := &Token{}
	get := func(class TokenClass, use func(Answer) error) {
		a, err := ask(class)
		if err == nil {
			err = use(a)
		}
		if err != nil {
			t.Errors = append(t.Errors, fmt.Errorf("token class %d: %w", class, err))
		}
	}
	number := func(to *uint32) func(Answer) error {
		return func(a Answer) error {
			if !a.has(0, 4) {
				return ErrShort
			}
			*to = a.u32(0)
			return nil
		}
	}
	sid := func(to *string) func(Answer) error {
		return func(a Answer) error {
			g, err := a.group(0)
			*to = g.SID
			return err
		}
	}
	groups := func(to *[]Group) func(Answer) error {
		return func(a Answer) (err error) {
			*to, err = ParseGroups(a)
			return err
		}
	}
	var elevated, access, container uint32
	get(TokenUser, sid(&t.User))
	get(TokenIntegrityLevel, sid(&t.Integrity))
	get(TokenElevationType, number(&t.Elevation))
	get(TokenElevation, number(&elevated))
	get(TokenUIAccess, number(&access))
	get(TokenSessionID, number(&t.Session))
	get(TokenGroups, groups(&t.Groups))
	get(TokenRestrictedSids, groups(&t.Restricted))
	get(TokenPrivileges, func(a Answer) (err error) { t.Privileges, err = ParsePrivileges(a); return err })
	get(TokenStatistics, func(a Answer) (err error) { t.Statistics, err = ParseStatistics(a); return err })
	get(TokenIsAppContainer, number(&container))
	if container != 0 {
		get(TokenAppContainerSid, func(a Answer) error { // TOKEN_APPCONTAINER_INFORMATION: a pointer alone
			g, err := Answer{a.Base, append(a.Data[:len(a.Data):len(a.Data)], 0, 0, 0, 0)}.group(0)
			t.AppContainer = g.SID
			return err
		})
		get(TokenCapabilities, groups(&t.Capabilities))
	}
	t.Elevated, t.UIAccess = elevated != 0, access != 0
	return t
}
