package volatile

import "hozen/collector/jsonl"

// A Process is a row of processes.jsonl: one process, or one thread of the
// kernel. Fields that were not read, because the system refused, does not have
// them or the process had ended, are left out, and Errors says why where it is
// not plain (a kernel thread has no image). A field of which 0 or "" says
// something is a pointer, so that it is there whenever it was read.
//
// Where nothing else is said, fields are those of proc_pid_stat(5) and
// proc_pid_status(5). Sizes are in bytes, times of CPU in ticks.
type Process struct {
	PID  int  `json:"pid"`
	PPID *int `json:"ppid,omitempty"`
	// StartTicks is the start in ticks since boot, as the kernel says it, rounded
	// down. Start is the moment of boot plus the ticks, by the wall clock as it is
	// set now. StartFrom says which moment of boot that is:
	//
	//   - "clocks": CLOCK_REALTIME less CLOCK_BOOTTIME (clock_gettime(2)), which
	//     the ticks count in, read together on the running host: the process began
	//     at Start or less than a tick later;
	//   - "btime": that of /proc/stat, where there are only files: in whole
	//     seconds, rounded down, so the process began up to a second later;
	//   - "system": neither; a system other than Linux keeps the time of start.
	StartTicks   *uint64     `json:"start_ticks,omitempty"`
	Start        string      `json:"start,omitempty"`
	StartFrom    string      `json:"start_from,omitempty"` // left out where Start is
	Comm         *jsonl.Text `json:"comm,omitempty"`
	State        string      `json:"state,omitempty"`
	KernelThread *bool       `json:"kernel_thread,omitempty"`
	// Gone says that the process ended while it was read, or before.
	Gone bool `json:"gone,omitempty"`
	// Unread says why nothing could be read of it.
	Unread jsonl.Text `json:"unread,omitempty"`

	// Argv and Environ are split at NUL; a process can overwrite both.
	Argv    []jsonl.Text `json:"argv,omitempty"`
	Environ []jsonl.Text `json:"environ,omitempty"`
	Exe     *Image       `json:"exe,omitempty"`
	Cwd     jsonl.Text   `json:"cwd,omitempty"`
	Root    jsonl.Text   `json:"root,omitempty"`

	UID    *IDs  `json:"uid,omitempty"`
	GID    *IDs  `json:"gid,omitempty"`
	Groups []ID  `json:"groups,omitempty"`
	Caps   *Caps `json:"caps,omitempty"`
	// Seccomp is 0 off, 1 strict, 2 filter (seccomp(2)).
	Seccomp        *int64     `json:"seccomp,omitempty"`
	SeccompFilters *int64     `json:"seccomp_filters,omitempty"`
	NoNewPrivs     *int64     `json:"no_new_privs,omitempty"`
	TracerPID      int64      `json:"tracer_pid,omitempty"`
	Umask          string     `json:"umask,omitempty"`
	Label          jsonl.Text `json:"label,omitempty"` // attr/current of the security module

	TTY         *TTY   `json:"tty,omitempty"`
	TTYPgrp     int64  `json:"tty_pgrp,omitempty"` // foreground process group of the terminal
	Session     *int64 `json:"session,omitempty"`
	Pgrp        *int64 `json:"pgrp,omitempty"`
	LoginUID    *ID    `json:"loginuid,omitempty"` // left out where nobody logged in
	SessionID   *int64 `json:"audit_session,omitempty"`
	NSPID       []int  `json:"ns_pid,omitempty"` // pid in each pid namespace, outermost first; only where nested
	Personality string `json:"personality,omitempty"`

	// Namespaces maps a name of namespaces(7) to the namespace's inode number.
	Namespaces map[string]uint64 `json:"namespaces,omitempty"`
	UIDMap     []jsonl.Text      `json:"uid_map,omitempty"` // only in a user namespace that is not ours
	GIDMap     []jsonl.Text      `json:"gid_map,omitempty"`
	Cgroup     []jsonl.Text      `json:"cgroup,omitempty"` // lines of cgroups(7)
	Runtime    string            `json:"container_runtime,omitempty"`
	Container  jsonl.Text        `json:"container_id,omitempty"`

	Flags       *uint64    `json:"flags,omitempty"` // PF_* of linux/sched.h
	WChan       jsonl.Text `json:"wchan,omitempty"`
	NumThreads  *int64     `json:"num_threads,omitempty"`
	Threads     []Thread   `json:"threads,omitempty"`
	OpenFiles   *int       `json:"open_files,omitempty"` // rows in files.jsonl
	Mappings    *int       `json:"mappings,omitempty"`   // rows in maps.jsonl
	CPU         *CPU       `json:"cpu,omitempty"`
	Sched       *Sched     `json:"sched,omitempty"`
	Memory      *Memory    `json:"memory,omitempty"`
	IO          *IO        `json:"io,omitempty"`
	OOMScore    *int64     `json:"oom_score,omitempty"`
	OOMScoreAdj *int64     `json:"oom_score_adj,omitempty"`
	ExitSignal  int64      `json:"exit_signal,omitempty"`

	// Errors maps a name below /proc/PID to why it could not be read.
	Errors map[string]jsonl.Text `json:"errors,omitempty"`
}

// An Image is the file that a process runs, reached through /proc/PID/exe, so
// that it is the running one even where its name is gone or leads elsewhere now.
type Image struct {
	Path jsonl.Text `json:"path"` // as the kernel names it, without its " (deleted)" where Deleted
	// Deleted says that the name is gone: the kernel appends " (deleted)", and
	// no file of that whole name is the image.
	Deleted bool   `json:"deleted"`
	Dev     string `json:"dev,omitempty"` // major:minor, decimal
	Inode   uint64 `json:"inode,omitempty"`
	Size    int64  `json:"size,omitempty"`
	Mode    string `json:"mode,omitempty"` // st_mode, octal
	UID     *ID    `json:"owner,omitempty"`
	Mtime   string `json:"mtime,omitempty"`
	Ctime   string `json:"ctime,omitempty"`
	// SHA256 is of the whole file; left out where Error says why there is none.
	SHA256 string     `json:"sha256,omitempty"`
	Error  jsonl.Text `json:"error,omitempty"`
}

// An ID is a number of a user or group, with its name in the host's own
// /etc/passwd or /etc/group; no name service is asked.
type ID struct {
	ID   uint32     `json:"id"`
	Name jsonl.Text `json:"name,omitempty"`
}

// IDs are the four of credentials(7); FS is Linux's alone.
type IDs struct {
	Real      ID  `json:"real"`
	Effective ID  `json:"effective"`
	Saved     ID  `json:"saved"`
	FS        *ID `json:"fs,omitempty"`
}

// Caps are the five sets of capabilities(7).
type Caps struct {
	Inheritable Cap `json:"inheritable"`
	Permitted   Cap `json:"permitted"`
	Effective   Cap `json:"effective"`
	Bounding    Cap `json:"bounding"`
	Ambient     Cap `json:"ambient"`
}

// A Cap is one set: the kernel's hex, and the names without CAP_. A set that has
// more than half of what this kernel knows is told as "all", followed by those
// that it has not: ["all", "-sys_module"].
type Cap struct {
	Hex   string   `json:"hex"`
	Names []string `json:"names,omitempty"`
}

// A TTY is a controlling terminal: its device number as stat has it, and its
// name by /proc/tty/drivers.
type TTY struct {
	Nr    int64      `json:"nr"`
	Major int64      `json:"major"`
	Minor int64      `json:"minor"`
	Name  jsonl.Text `json:"name,omitempty"`
}

// A Thread is one task of a process.
type Thread struct {
	TID        int        `json:"tid"`
	Comm       jsonl.Text `json:"comm"`
	State      string     `json:"state"`
	StartTicks uint64     `json:"start_ticks"`
	Start      string     `json:"start,omitempty"` // as that of the process
}

// CPU is time spent, in ticks, and what was waited for. The switches and the
// allowed CPUs are from status, the rest from stat.
type CPU struct {
	User            uint64  `json:"user"`
	System          uint64  `json:"system"`
	ChildUser       uint64  `json:"child_user"`
	ChildSystem     uint64  `json:"child_system"`
	Guest           uint64  `json:"guest,omitempty"`
	BlockIO         uint64  `json:"block_io,omitempty"`
	MinorFaults     uint64  `json:"minor_faults"`
	MajorFaults     uint64  `json:"major_faults"`
	Voluntary       *uint64 `json:"voluntary_switches,omitempty"`
	Nonvoluntary    *uint64 `json:"nonvoluntary_switches,omitempty"`
	Processor       int64   `json:"processor"`
	AllowedCPUs     string  `json:"allowed_cpus,omitempty"`
	TicksEachSecond uint64  `json:"ticks_per_second"`
}

// Sched says how a process is scheduled (sched(7)); Policy is a number of
// linux/sched.h: 0 other, 1 FIFO, 2 RR, 3 batch, 5 idle, 6 deadline.
type Sched struct {
	Priority   *int64 `json:"priority,omitempty"`
	Nice       int64  `json:"nice"`
	RTPriority int64  `json:"rt_priority,omitempty"`
	Policy     *int64 `json:"policy,omitempty"`
}

// Memory is in bytes; all but Virtual and Resident are from status.
type Memory struct {
	Virtual  uint64 `json:"virtual"`
	Resident uint64 `json:"resident"`
	Peak     uint64 `json:"peak,omitempty"`
	HWM      uint64 `json:"peak_resident,omitempty"`
	Locked   uint64 `json:"locked,omitempty"`
	Pinned   uint64 `json:"pinned,omitempty"`
	Anon     uint64 `json:"anonymous,omitempty"`
	File     uint64 `json:"file,omitempty"`
	Shmem    uint64 `json:"shared,omitempty"`
	Data     uint64 `json:"data,omitempty"`
	Stack    uint64 `json:"stack,omitempty"`
	Text     uint64 `json:"text,omitempty"`
	Lib      uint64 `json:"libraries,omitempty"`
	Swap     uint64 `json:"swap,omitempty"`
}

// IO is proc_pid_io(5).
type IO struct {
	ReadChars      uint64 `json:"rchar"`
	WriteChars     uint64 `json:"wchar"`
	ReadCalls      uint64 `json:"syscr"`
	WriteCalls     uint64 `json:"syscw"`
	ReadBytes      uint64 `json:"read_bytes"`
	WriteBytes     uint64 `json:"write_bytes"`
	CancelledBytes uint64 `json:"cancelled_write_bytes"`
}

// A File is a row of processes/files.jsonl: one open file descriptor.
type File struct {
	PID        int        `json:"pid"`
	StartTicks uint64     `json:"start_ticks"`
	FD         int        `json:"fd"`
	Target     jsonl.Text `json:"target"` // without the kernel's " (deleted)" where Deleted
	// Deleted is the kernel's word " (deleted)" at the end of the target. A
	// file can really be called so; the raw text has the words as they were.
	Deleted bool   `json:"deleted,omitempty"`
	Flags   string `json:"flags,omitempty"` // octal, as open(2) and proc_pid_fdinfo(5)
	Pos     int64  `json:"pos,omitempty"`
	MountID int64  `json:"mnt_id,omitempty"`
	Inode   uint64 `json:"inode,omitempty"`
	// Error says why the descriptor could not be read; "absent: …" where it was
	// closed meanwhile.
	Error jsonl.Text `json:"error,omitempty"`
}

// A Map is a row of processes/maps.jsonl: one mapping of proc_pid_maps(5).
type Map struct {
	PID        int        `json:"pid"`
	StartTicks uint64     `json:"start_ticks"`
	Start      string     `json:"start"` // hex, as the kernel writes it
	End        string     `json:"end"`
	Perms      string     `json:"perms"`
	Offset     string     `json:"offset"` // hex
	Dev        string     `json:"dev"`    // major:minor, hex
	Inode      uint64     `json:"inode"`
	Path       jsonl.Text `json:"path,omitempty"` // newline is \012, as the kernel writes it
	// Deleted is the kernel's word " (deleted)" at the end of the path.
	Deleted bool `json:"deleted,omitempty"`
}
