package onwindows

import (
	"hozen/collector/jsonl"
	"hozen/collector/pe/authenticode"
)

// A ProcessRow is one process. What the process itself can write (its PEB, its parameters,
// the lists of its loader) stands beside what the kernel says, and Differences names where
// they do not agree.
type ProcessRow struct {
	PID       uint32     `json:"pid"`
	Start     string     `json:"start,omitempty"`
	StartedAt uint64     `json:"created,omitempty"` // the same as FILETIME: with pid it names the process
	Name      jsonl.Text `json:"name,omitempty"`    // in the list of processes
	// SeenIn says which views have it: "list" (NtQuerySystemInformation), "number" (it can be
	// opened by its number), "handles" (it owns handles). A living process without "list" hides.
	SeenIn []string   `json:"seen_in"`
	Ended  bool       `json:"ended,omitempty"`  // it has ended; a handle of somebody keeps it
	Unread jsonl.Text `json:"unread,omitempty"` // why nothing could be asked of the process itself

	// Who made it. The kernel knows only what the creator chose (PROC_THREAD_ATTRIBUTE_PARENT_PROCESS).
	PPID *uint32 `json:"ppid,omitempty"`
	// ParentStart is that of the process that has the number now, if it is older than this one.
	ParentStart string     `json:"parent_start,omitempty"`
	ParentName  jsonl.Text `json:"parent_name,omitempty"`
	ParentGone  bool       `json:"parent_gone,omitempty"` // none has the number, or a younger one
	// Holders are the other processes that hold a handle to it with all access, as a creator
	// gets one: a creator that chose another parent is among them as long as it keeps it.
	Holders []uint32 `json:"all_access_holders,omitempty"`

	Session      *uint32          `json:"session,omitempty"`
	User         *SID             `json:"user,omitempty"`
	Integrity    string           `json:"integrity,omitempty"` // "low", "medium", "high", "system", or a SID
	Elevation    string           `json:"elevation,omitempty"` // "default", "limited", "full" (UAC)
	Elevated     bool             `json:"elevated,omitempty"`
	UIAccess     bool             `json:"ui_access,omitempty"`
	AppContainer string           `json:"app_container,omitempty"` // SID
	Package      jsonl.Text       `json:"package,omitempty"`
	LogonID      string           `json:"logon_id,omitempty"` // LUID of the logon session, hexadecimal
	Privileges   []TokenPrivilege `json:"privileges,omitempty"`
	Groups       []TokenGroup     `json:"groups,omitempty"`
	Restricted   []TokenGroup     `json:"restricted_sids,omitempty"`
	Capabilities []TokenGroup     `json:"capabilities,omitempty"`

	Protection  string            `json:"protection,omitempty"`  // "ProtectedLight-Antimalware"
	Flags       []string          `json:"flags,omitempty"`       // of PROCESS_EXTENDED_BASIC_INFORMATION
	Mitigations map[string]string `json:"mitigations,omitempty"` // policies that are not 0: flags, hexadecimal
	DebugPort   bool              `json:"debug_port,omitempty"`  // the kernel knows of a debugger
	Critical    bool              `json:"critical,omitempty"`    // its end is a bugcheck (BreakOnTermination)

	// The image: as the kernel names it, as programs do (asked of the kernel), as the PEB says,
	// and as the first module of the loader's list.
	ImageNT     jsonl.Text `json:"image_nt,omitempty"`
	Image       jsonl.Text `json:"image,omitempty"`
	PEBImage    jsonl.Text `json:"peb_image,omitempty"`
	LoaderImage jsonl.Text `json:"loader_image,omitempty"`
	// MappedImage is the file that is mapped where the PEB says that the image begins.
	MappedImage jsonl.Text `json:"mapped_image,omitempty"`
	ImageBase   string     `json:"image_base,omitempty"`
	Exe         *ImageFile `json:"exe,omitempty"`
	// The command line through the kernel, which reads it in the PEB at that moment, and as
	// we read it there.
	CommandLine    jsonl.Text `json:"command_line,omitempty"`
	PEBCommandLine jsonl.Text `json:"peb_command_line,omitempty"`
	// Differences: "image", "peb_image", "loader_image", "mapped_image", "command_line", "session", "ppid", "name".
	Differences []string `json:"differences,omitempty"`

	Cwd           jsonl.Text      `json:"cwd,omitempty"`
	Environ       []jsonl.Text    `json:"environ,omitempty"`
	Desktop       jsonl.Text      `json:"desktop,omitempty"`
	WindowTitle   jsonl.Text      `json:"window_title,omitempty"`
	ShellInfo     jsonl.Text      `json:"shell_info,omitempty"`
	PEB           string          `json:"peb,omitempty"` // address
	BeingDebugged bool            `json:"being_debugged,omitempty"`
	NtGlobalFlag  string          `json:"nt_global_flag,omitempty"` // 0x70 under a debugger
	WoW64         *WoW64          `json:"wow64,omitempty"`          // of a 32-bit program
	Counts        ProcessCounts   `json:"counts"`
	Times         ProcessTimes    `json:"times"`
	Memory        ProcessMemory   `json:"memory"`
	IO            ProcessTransfer `json:"io"`
	// Errors says of each thing that could not be read why.
	Errors map[string]jsonl.Text `json:"errors,omitempty"`
}

// A SID is who, by number and by name. Names come from the table of SIDs that are the same
// everywhere ("well-known") and from the folder of a profile of this host ("profile": the last
// part of ProfileImagePath, which is the name that the account had when it first logged on).
// No account is looked up: that could ask a domain controller.
type SID struct {
	SID      string     `json:"sid"`
	Name     jsonl.Text `json:"name,omitempty"`
	NameFrom string     `json:"name_from,omitempty"`
}

// A TokenGroup is one group, capability or restricting SID of a token.
type TokenGroup struct {
	SID
	Attributes []string `json:"attributes,omitempty"` // SE_GROUP_: "ENABLED", "USE_FOR_DENY_ONLY"
}

// A TokenPrivilege is one privilege of a token.
type TokenPrivilege struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
}

// A WoW64 is what the 32-bit PEB says.
type WoW64 struct {
	PEB           string     `json:"peb"`
	Image         jsonl.Text `json:"peb_image,omitempty"`
	CommandLine   jsonl.Text `json:"peb_command_line,omitempty"`
	Cwd           jsonl.Text `json:"cwd,omitempty"`
	ImageBase     string     `json:"image_base,omitempty"`
	BeingDebugged bool       `json:"being_debugged,omitempty"`
}

// ProcessCounts are numbers of things that a process has.
type ProcessCounts struct {
	Threads  uint32 `json:"threads"`
	Handles  uint32 `json:"handles"`
	Modules  int    `json:"modules"`  // rows in modules.jsonl
	Mappings int    `json:"mappings"` // rows in maps.jsonl
	Faults   uint32 `json:"page_faults,omitempty"`
}

// ProcessTimes are processor times in nanoseconds.
type ProcessTimes struct {
	User   int64 `json:"user_ns"`
	Kernel int64 `json:"kernel_ns"`
}

// ProcessMemory is in bytes.
type ProcessMemory struct {
	Virtual    uint64 `json:"virtual"`
	WorkingSet uint64 `json:"working_set"`
	Private    uint64 `json:"private"`
	Pagefile   uint64 `json:"pagefile"`
}

// ProcessTransfer is in bytes, since the start of the process.
type ProcessTransfer struct {
	Read  uint64 `json:"read_bytes"`
	Write uint64 `json:"write_bytes"`
	Other uint64 `json:"other_bytes"`
}

// An ImageFile is a file that runs: a process's program, a driver or a module. Each file is
// read once.
type ImageFile struct {
	Path           jsonl.Text      `json:"path"` // as it was opened
	Size           int64           `json:"size,omitempty"`
	Mtime          string          `json:"mtime,omitempty"`
	Btime          string          `json:"btime,omitempty"`
	SHA256         string          `json:"sha256,omitempty"`
	Machine        string          `json:"machine,omitempty"` // hexadecimal: "0x8664" is x64
	Timestamp      string          `json:"timestamp,omitempty"`
	Imphash        string          `json:"imphash,omitempty"`
	PDB            jsonl.Text      `json:"pdb,omitempty"`
	FileVersion    string          `json:"file_version,omitempty"`
	ProductVersion string          `json:"product_version,omitempty"`
	Version        []VersionString `json:"version,omitempty"`
	// Signature is left out of a file that is no program, and of one that could not be read.
	Signature *authenticode.Facts `json:"signature,omitempty"`
	Error     jsonl.Text          `json:"error,omitempty"`
}

// A VersionString is one string of a version resource.
type VersionString struct {
	Language string     `json:"language"`
	Key      jsonl.Text `json:"key"`
	Value    jsonl.Text `json:"value"`
}

// A ProcessModuleRow is one image in a process: in the lists of its loader, mapped by the
// kernel, or both.
type ProcessModuleRow struct {
	PID        uint32     `json:"pid"`
	StartedAt  uint64     `json:"created,omitempty"`
	Base       string     `json:"base"`
	Size       uint64     `json:"size"` // as the loader says; as mapped where it says nothing
	Name       jsonl.Text `json:"name,omitempty"`
	Path       jsonl.Text `json:"path,omitempty"`        // in the lists
	MappedFile jsonl.Text `json:"mapped_file,omitempty"` // as the kernel names it
	MappedPath jsonl.Text `json:"mapped_path,omitempty"` // the same with a drive letter
	MappedSize uint64     `json:"mapped_size,omitempty"`
	EntryPoint string     `json:"entry_point,omitempty"`
	WoW64      bool       `json:"wow64,omitempty"` // in the 32-bit lists
	// The place in each list, from 1 on.
	InLoad     int    `json:"in_load_order,omitempty"`
	InMemory   int    `json:"in_memory_order,omitempty"`
	InInit     int    `json:"in_init_order,omitempty"`
	LoadTime   string `json:"load_time,omitempty"`
	LoadReason string `json:"load_reason,omitempty"`
	Timestamp  string `json:"timestamp,omitempty"` // of the image's header, by the loader
	// Disagreements: "unlisted" (mapped, but in no list), "not in load order", "not in memory
	// order", "not mapped" (listed, but no image lies there), "path" (list and kernel name
	// different files).
	Disagreements []string   `json:"disagreements,omitempty"`
	Error         jsonl.Text `json:"error,omitempty"`
}

// A ThreadRow is one thread.
type ThreadRow struct {
	PID         uint32     `json:"pid"`
	StartedAt   uint64     `json:"created,omitempty"` // of the process
	TID         uint32     `json:"tid"`
	Start       string     `json:"start,omitempty"`
	StartAt     string     `json:"start_address,omitempty"`       // where the kernel began it
	Win32Start  string     `json:"win32_start_address,omitempty"` // where the program wanted it to begin
	StartIn     jsonl.Text `json:"start_in,omitempty"`            // the file that is mapped there
	StartType   string     `json:"start_type,omitempty"`          // "image", "mapped", "private", "free"
	TEB         string     `json:"teb,omitempty"`
	State       string     `json:"state,omitempty"`
	WaitReason  string     `json:"wait_reason,omitempty"`
	Suspended   bool       `json:"suspended,omitempty"`
	Priority    int32      `json:"priority"`
	Switches    uint32     `json:"context_switches"`
	User        int64      `json:"user_ns"`
	Kernel      int64      `json:"kernel_ns"`
	ClaimsOther uint32     `json:"claims_pid,omitempty"` // its own CLIENT_ID has another process
}

// A HandleRow is one handle.
type HandleRow struct {
	PID        uint32     `json:"pid"`
	StartedAt  uint64     `json:"created,omitempty"` // of the process
	Handle     string     `json:"handle"`            // hexadecimal
	Type       string     `json:"type,omitempty"`
	TypeIndex  uint16     `json:"type_index"`
	Access     string     `json:"access"` // GrantedAccess, hexadecimal
	Attributes uint32     `json:"attributes,omitempty"`
	Object     string     `json:"object,omitempty"` // address in the kernel
	Name       jsonl.Text `json:"name,omitempty"`   // the kernel's name
	Path       jsonl.Text `json:"path,omitempty"`   // of a file: the same with a drive letter
	TargetPID  uint32     `json:"target_pid,omitempty"`
	TargetTID  uint32     `json:"target_tid,omitempty"`
	TargetName jsonl.Text `json:"target_name,omitempty"` // of the process
	Error      jsonl.Text `json:"error,omitempty"`
}

// A ProcessMapRow is one region of the memory of a process; free memory has none.
type ProcessMapRow struct {
	PID            uint32     `json:"pid"`
	StartedAt      uint64     `json:"created,omitempty"`
	Start          string     `json:"start"` // hexadecimal, as all addresses
	End            string     `json:"end"`
	Allocation     string     `json:"allocation"`
	State          string     `json:"state"`                     // "commit", "reserve"
	Type           string     `json:"type"`                      // "private", "mapped", "image"
	Protect        string     `json:"protect,omitempty"`         // "EXECUTE_READ"
	InitialProtect string     `json:"initial_protect,omitempty"` // of the whole allocation
	File           jsonl.Text `json:"file,omitempty"`            // as the kernel names it
	Error          jsonl.Text `json:"error,omitempty"`
}

// A DriverRow is one image loaded into the kernel.
type DriverRow struct {
	Base      string     `json:"base,omitempty"` // left out where the system hides it
	Size      uint32     `json:"size"`
	Name      jsonl.Text `json:"name"`
	PathNT    jsonl.Text `json:"path_nt"` // as the kernel names it
	Path      jsonl.Text `json:"path"`
	LoadOrder uint16     `json:"load_order"`
	LoadCount uint16     `json:"load_count"`
	Timestamp string     `json:"timestamp,omitempty"` // of the image's header, by the kernel
	Checksum  string     `json:"checksum,omitempty"`
	Exe       *ImageFile `json:"exe,omitempty"` // the file
}
