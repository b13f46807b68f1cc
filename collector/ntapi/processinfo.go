package ntapi

import "fmt"

// BasicProcess is PROCESS_BASIC_INFORMATION or, where the system knows it,
// PROCESS_EXTENDED_BASIC_INFORMATION (phnt, ntpsapi.h).
type BasicProcess struct {
	ExitStatus uint32 // 0x103 while it runs
	PEB        uint64 // address in the process; 0 in one without user mode
	PID        uint32
	Parent     uint32
	Affinity   uint64
	Extended   bool // whether Flags is known
	Flags      ProcessFlags
}

// ProcessFlags are the Flags of PROCESS_EXTENDED_BASIC_INFORMATION.
type ProcessFlags uint32

// Names gives the words of the flags that are set, as in phnt: "IsProtectedProcess".
func (f ProcessFlags) Names() []string {
	return flagNames(uint32(f), "IsProtectedProcess", "IsWow64Process", "IsProcessDeleting", "IsCrossSessionCreate",
		"IsFrozen", "IsBackground", "IsStronglyNamed", "IsSecureProcess", "IsSubsystemProcess", "IsTrustedApp")
}

// basicExtended is the size of PROCESS_EXTENDED_BASIC_INFORMATION, which the caller writes
// into its first field; basicPlain that of PROCESS_BASIC_INFORMATION.
const (
	basicExtended = 0x40
	basicPlain    = 0x30
)

// ParseBasicProcess reads an answer of ProcessBasic: the extended form, whose first field is
// its own size, or the plain one.
func ParseBasicProcess(a Answer) (BasicProcess, error) {
	at := 0
	if a.has(0, basicExtended) && a.u64(0) == basicExtended {
		at = 8
	} else if !a.has(0, basicPlain) {
		return BasicProcess{}, fmt.Errorf("basic information: %w", ErrShort)
	}
	b := BasicProcess{
		ExitStatus: a.u32(at), PEB: a.u64(at + 8), Affinity: a.u64(at + 0x10),
		PID: uint32(a.u64(at + 0x20)), Parent: uint32(a.u64(at + 0x28)), Extended: at > 0,
	}
	if b.Extended {
		b.Flags = ProcessFlags(a.u32(0x38))
	}
	return b, nil
}

// A Protection is PS_PROTECTION (phnt, ntpsapi.h): the answer of ProcessProtectionInfo.
type Protection uint8

// ParseProtection reads an answer of ProcessProtectionInfo.
func ParseProtection(a Answer) (Protection, error) {
	if !a.has(0, 1) {
		return 0, fmt.Errorf("protection: %w", ErrShort)
	}
	return Protection(a.u8(0)), nil
}

// Protected says whether others are kept from the process.
func (p Protection) Protected() bool { return p&7 != 0 }

// String gives type and signer in phnt's words, as "ProtectedLight-Antimalware"; "" for a
// process that is not protected.
func (p Protection) String() string {
	if p == 0 {
		return ""
	}
	kind := word(uint32(p&7), "None", "ProtectedLight", "Protected")
	if kind == "" {
		kind = fmt.Sprintf("type %d", p&7)
	}
	signer := word(uint32(p>>4), "None", "Authenticode", "CodeGen", "Antimalware", "Lsa", "Windows", "WinTcb", "WinSystem", "App")
	if signer == "" {
		signer = fmt.Sprintf("signer %d", p>>4)
	}
	if p&8 != 0 {
		signer += "-Audit"
	}
	return kind + "-" + signer
}

// A Mitigation is one PROCESS_MITIGATION_POLICY of a process with its flags (winnt.h).
type Mitigation struct {
	Policy uint32
	Flags  uint32
}

// MitigationPolicies is how many policies are asked for, from 0 on.
const MitigationPolicies = 18

// Name is the word of PROCESS_MITIGATION_POLICY without its Process and Policy; "" for a
// number without one.
func (m Mitigation) Name() string {
	return word(m.Policy, "DEP", "ASLR", "DynamicCode", "StrictHandleCheck", "SystemCallDisable", "MitigationOptionsMask",
		"ExtensionPointDisable", "ControlFlowGuard", "Signature", "FontDisable", "ImageLoad", "SystemCallFilter",
		"PayloadRestriction", "ChildProcess", "SideChannelIsolation", "UserShadowStack", "RedirectionTrust", "UserPointerAuth")
}

// ParseMitigation reads PROCESS_MITIGATION_POLICY_INFORMATION, an answer of
// ProcessMitigationPolicy: the policy's number and its flags.
func ParseMitigation(a Answer) (Mitigation, error) {
	if !a.has(0, 8) {
		return Mitigation{}, fmt.Errorf("mitigation policy: %w", ErrShort)
	}
	return Mitigation{a.u32(0), a.u32(4)}, nil
}
