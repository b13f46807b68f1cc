package ntapi

// A SystemClass is a SYSTEM_INFORMATION_CLASS of NtQuerySystemInformation.
type SystemClass int32

// The classes that are asked here (phnt, ntexapi.h; some are in Microsoft's winternl.h).
const (
	SystemBasic            SystemClass = 0
	SystemTimeOfDay        SystemClass = 3
	SystemProcess          SystemClass = 5
	SystemModule           SystemClass = 11
	SystemKernelDebugger   SystemClass = 35
	SystemExtendedProcess  SystemClass = 57
	SystemExtendedHandle   SystemClass = 64
	SystemModuleEx         SystemClass = 77
	SystemBootEnvironment  SystemClass = 90
	SystemHypervisor       SystemClass = 91
	SystemCodeIntegrity    SystemClass = 103
	SystemSecureBoot       SystemClass = 145
	SystemFullProcess      SystemClass = 148
	SystemKernelDebuggerEx SystemClass = 149
	SystemHypervisorDetail SystemClass = 159
	SystemIsolatedUserMode SystemClass = 165
)

// A ProcessClass is a PROCESSINFOCLASS of NtQueryInformationProcess.
type ProcessClass int32

// The classes that are asked here (phnt, ntpsapi.h).
const (
	ProcessBasic            ProcessClass = 0
	ProcessTimes            ProcessClass = 4
	ProcessDebugPort        ProcessClass = 7
	ProcessWow64            ProcessClass = 26
	ProcessImageFile        ProcessClass = 27
	ProcessBreakOnTerminate ProcessClass = 29
	ProcessImageFileWin32   ProcessClass = 43
	ProcessMitigationPolicy ProcessClass = 52
	ProcessCommandLine      ProcessClass = 60
	ProcessProtectionInfo   ProcessClass = 61
)

// A TokenClass is a TOKEN_INFORMATION_CLASS of GetTokenInformation (winnt.h).
type TokenClass uint32

// The classes that are asked here.
const (
	TokenUser            TokenClass = 1
	TokenGroups          TokenClass = 2
	TokenPrivileges      TokenClass = 3
	TokenStatistics      TokenClass = 10
	TokenRestrictedSids  TokenClass = 11
	TokenSessionID       TokenClass = 12
	TokenElevationType   TokenClass = 18
	TokenElevation       TokenClass = 20
	TokenIntegrityLevel  TokenClass = 25
	TokenUIAccess        TokenClass = 26
	TokenIsAppContainer  TokenClass = 29
	TokenCapabilities    TokenClass = 30
	TokenAppContainerSid TokenClass = 31
)
