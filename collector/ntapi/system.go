package ntapi

import "fmt"

// TimeOfDay is SYSTEM_TIMEOFDAY_INFORMATION (phnt, ntexapi.h), the answer of SystemTimeOfDay.
type TimeOfDay struct {
	Boot        uint64 // FILETIME of the boot, moved with each change of the clock
	Current     uint64 // FILETIME
	ZoneBias    int64  // 100 ns to be added to local time to make UTC
	ZoneID      uint32
	BootBias    uint64 // 100 ns by which the clock was moved since the boot
	SleepBias   uint64 // 100 ns spent asleep
	HasBiases   bool   // whether the last two were told
	AnswerBytes int
}

// ParseTimeOfDay reads an answer of SystemTimeOfDay.
func ParseTimeOfDay(a Answer) (TimeOfDay, error) {
	if !a.has(0, 0x20) {
		return TimeOfDay{}, fmt.Errorf("time of day: %w", ErrShort)
	}
	return TimeOfDay{
		Current: a.u64(8), Boot: a.u64(0), ZoneBias: int64(a.u64(0x10)), ZoneID: a.u32(0x18),
		BootBias: a.u64(0x20), SleepBias: a.u64(0x28), HasBiases: a.has(0, 0x30), AnswerBytes: len(a.Data),
	}, nil
}

// Basic is SYSTEM_BASIC_INFORMATION (phnt, ntexapi.h), the answer of SystemBasic.
type Basic struct {
	TimerResolution uint32 // 100 ns
	PageSize        uint32 // bytes
	PhysicalPages   uint32
	Granularity     uint32 // bytes, of allocations
	MinimumAddress  uint64 // of user mode
	MaximumAddress  uint64
	Processors      uint8
}

// ParseBasic reads an answer of SystemBasic.
func ParseBasic(a Answer) (Basic, error) {
	if !a.has(0, 0x39) {
		return Basic{}, fmt.Errorf("basic information: %w", ErrShort)
	}
	return Basic{
		TimerResolution: a.u32(0x04), PageSize: a.u32(0x08), PhysicalPages: a.u32(0x0c), Granularity: a.u32(0x18),
		MinimumAddress: a.u64(0x20), MaximumAddress: a.u64(0x28), Processors: a.u8(0x38),
	}, nil
}

// CodeIntegrity is the CodeIntegrityOptions of SYSTEM_CODEINTEGRITY_INFORMATION
// (https://learn.microsoft.com/windows/win32/api/winternl/nf-winternl-ntquerysysteminformation).
type CodeIntegrity uint32

// ParseCodeIntegrity reads an answer of SystemCodeIntegrity.
func ParseCodeIntegrity(a Answer) (CodeIntegrity, error) {
	if !a.has(0, 8) {
		return 0, fmt.Errorf("code integrity: %w", ErrShort)
	}
	return CodeIntegrity(a.u32(4)), nil
}

// Names gives the words of the options that are set, as Microsoft's page has them without
// their CODEINTEGRITY_OPTION_: "ENABLED", "TESTSIGN".
func (c CodeIntegrity) Names() []string {
	return flagNames(uint32(c), "ENABLED", "TESTSIGN", "UMCI_ENABLED", "UMCI_AUDITMODE_ENABLED", "UMCI_EXCLUSIONPATHS_ENABLED",
		"TEST_BUILD", "PREPRODUCTION_BUILD", "DEBUGMODE_ENABLED", "FLIGHT_BUILD", "FLIGHTING_ENABLED",
		"HVCI_KMCI_ENABLED", "HVCI_KMCI_AUDITMODE_ENABLED", "HVCI_KMCI_STRICTMODE_ENABLED", "HVCI_IUM_ENABLED",
		"WHQL_ENFORCEMENT_ENABLED", "WHQL_AUDITMODE_ENABLED")
}

// flagNames names the bits of a word from the lowest on; one without a name is "0x10000".
func flagNames(v uint32, names ...string) (set []string) {
	for bit := range 32 {
		switch {
		case v&(1<<bit) == 0:
		case bit < len(names) && names[bit] != "":
			set = append(set, names[bit])
		default:
			set = append(set, fmt.Sprintf("%#x", uint32(1)<<bit))
		}
	}
	return set
}

// KernelDebugger is SYSTEM_KERNEL_DEBUGGER_INFORMATION (phnt, ntexapi.h), the answer of
// SystemKernelDebugger.
type KernelDebugger struct{ Enabled, NotPresent bool }

// ParseKernelDebugger reads an answer of SystemKernelDebugger.
func ParseKernelDebugger(a Answer) (KernelDebugger, error) {
	if !a.has(0, 2) {
		return KernelDebugger{}, fmt.Errorf("kernel debugger: %w", ErrShort)
	}
	return KernelDebugger{a.u8(0) != 0, a.u8(1) != 0}, nil
}

// KernelDebuggerEx is SYSTEM_KERNEL_DEBUGGER_INFORMATION_EX (phnt, ntexapi.h), the answer of
// SystemKernelDebuggerEx.
type KernelDebuggerEx struct{ Allowed, Enabled, Present bool }

// ParseKernelDebuggerEx reads an answer of SystemKernelDebuggerEx.
func ParseKernelDebuggerEx(a Answer) (KernelDebuggerEx, error) {
	if !a.has(0, 3) {
		return KernelDebuggerEx{}, fmt.Errorf("kernel debugger: %w", ErrShort)
	}
	return KernelDebuggerEx{a.u8(0) != 0, a.u8(1) != 0, a.u8(2) != 0}, nil
}

// SecureBoot is SYSTEM_SECUREBOOT_INFORMATION (phnt, ntexapi.h), the answer of SystemSecureBoot.
type SecureBoot struct{ Enabled, Capable bool }

// ParseSecureBoot reads an answer of SystemSecureBoot.
func ParseSecureBoot(a Answer) (SecureBoot, error) {
	if !a.has(0, 2) {
		return SecureBoot{}, fmt.Errorf("state of Secure Boot: %w", ErrShort)
	}
	return SecureBoot{a.u8(0) != 0, a.u8(1) != 0}, nil
}

// BootEnvironment is SYSTEM_BOOT_ENVIRONMENT_INFORMATION (phnt, ntexapi.h), the answer of
// SystemBootEnvironment.
type BootEnvironment struct {
	Identifier [16]byte // GUID, as it lies in memory
	Firmware   uint32   // FIRMWARE_TYPE of winnt.h: 1 BIOS, 2 UEFI
}

// ParseBootEnvironment reads an answer of SystemBootEnvironment.
func ParseBootEnvironment(a Answer) (BootEnvironment, error) {
	if !a.has(0, 20) {
		return BootEnvironment{}, fmt.Errorf("boot environment: %w", ErrShort)
	}
	return BootEnvironment{[16]byte(a.Data[:16]), a.u32(16)}, nil
}

// IsolatedUserMode is the first word of SYSTEM_ISOLATED_USER_MODE_INFORMATION (phnt,
// ntexapi.h), the answer of SystemIsolatedUserMode: virtualization-based security.
type IsolatedUserMode uint16

// ParseIsolatedUserMode reads an answer of SystemIsolatedUserMode.
func ParseIsolatedUserMode(a Answer) (IsolatedUserMode, error) {
	if !a.has(0, 2) {
		return 0, fmt.Errorf("isolated user mode: %w", ErrShort)
	}
	return IsolatedUserMode(a.u16(0)), nil
}

// Names gives the words of the bits that are set, as in phnt: "SecureKernelRunning".
func (m IsolatedUserMode) Names() []string {
	return flagNames(uint32(m), "SecureKernelRunning", "HvciEnabled", "HvciStrictMode", "DebugEnabled",
		"FirmwarePageProtection", "EncryptionKeyAvailable", "", "", "TrustletRunning", "HvciDisableAllowed", "HardwareEnforcedVbs")
}
