package volatile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/collector/elf"
	"hozen/collector/jsonl"
	"hozen/collector/section"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Tool is what only main knows of the program that runs.
type Tool struct {
	Version string
	Args    []string // as given, the program's name first
}

// ToolRow says which program made this archive, with what rights, started by
// whom, and what could have bent it: the first question of a court.
type ToolRow struct {
	Kind         string       `json:"kind"` // "tool"
	Version      string       `json:"version"`
	Go           string       `json:"go"`
	Path         jsonl.Text   `json:"path"` // of the running image, as the kernel names it
	SHA256       string       `json:"sha256,omitempty"`
	Size         int64        `json:"size,omitempty"`
	Args         []jsonl.Text `json:"args"`
	PID          int          `json:"pid"`
	PPID         int          `json:"ppid"`
	WorkDir      jsonl.Text   `json:"work_dir,omitempty"`
	Rights       ToolRights   `json:"rights"`
	Parents      []ToolParent `json:"parents"` // from our parent up to pid 1
	Environment  []jsonl.Text `json:"environment"`
	OtherNames   []jsonl.Text `json:"environment_other_names"` // variables whose values are not kept
	Interpreter  jsonl.Text   `json:"interpreter,omitempty"`   // PT_INTERP of the image: the dynamic loader
	Mapped       []jsonl.Text `json:"mapped,omitempty"`        // files mapped as code beside the image
	Preload      jsonl.Text   `json:"ld_so_preload,omitempty"` // /etc/ld.so.preload
	Influenced   bool         `json:"influenced"`              // loaded by a loader, traced, or with foreign code mapped
	InfluencedBy []jsonl.Text `json:"influenced_by"`
	Error        string       `json:"error,omitempty"`
}

// ToolRights are our own privileges: /proc/self/status as proc_pid_status(5) has it.
type ToolRights struct {
	UIDs         jsonl.Text `json:"uids,omitempty"` // real, effective, saved, file system
	GIDs         jsonl.Text `json:"gids,omitempty"`
	Groups       jsonl.Text `json:"groups,omitempty"`
	CapInh       jsonl.Text `json:"cap_inheritable,omitempty"` // hexadecimal masks, capabilities(7)
	CapPrm       jsonl.Text `json:"cap_permitted,omitempty"`
	CapEff       jsonl.Text `json:"cap_effective,omitempty"`
	CapBnd       jsonl.Text `json:"cap_bounding,omitempty"`
	CapAmb       jsonl.Text `json:"cap_ambient,omitempty"`
	NoNewPrivs   jsonl.Text `json:"no_new_privs,omitempty"`
	Seccomp      jsonl.Text `json:"seccomp,omitempty"` // 0 off, 1 strict, 2 filter
	TracerPID    jsonl.Text `json:"tracer_pid,omitempty"`
	Label        jsonl.Text `json:"lsm_label,omitempty"`
	LoginUID     jsonl.Text `json:"login_uid,omitempty"`
	UserMap      jsonl.Text `json:"uid_map,omitempty"` // not the identity: we are root of a namespace only
	PIDNamespace jsonl.Text `json:"pid_namespace,omitempty"`
	Elevated     bool       `json:"elevated"`
	// Of Windows alone, from our token: who we are, the integrity level, the privileges that are on.
	SID        string   `json:"sid,omitempty"`
	Integrity  string   `json:"integrity_level,omitempty"`
	Privileges []string `json:"privileges,omitempty"`
}

// ToolParent is one of the processes that we descend from.
type ToolParent struct {
	PID  int          `json:"pid"`
	Comm jsonl.Text   `json:"comm,omitempty"`
	Exe  jsonl.Text   `json:"exe,omitempty"`
	Args []jsonl.Text `json:"args,omitempty"`
	// Error is why a field is empty: another user's image may not be looked at.
	Error jsonl.Text `json:"error,omitempty"`
}

// toolRow reads of ourselves, on whatever machine we run.
func toolRow(r *factReader, t Tool) ToolRow {
	row := ToolRow{
		Kind: "tool", Version: t.Version, Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		Args: jsonl.Texts(t.Args), PID: os.Getpid(), PPID: os.Getppid(), Parents: []ToolParent{}, InfluencedBy: []jsonl.Text{},
	}
	if wd, err := os.Getwd(); err == nil {
		row.WorkDir = jsonl.Text(wd)
	}
	row.Environment, row.OtherNames = environmentThatMatters(os.Environ())
	row.Rights.Elevated = os.Geteuid() == 0
	row.ownRights()
	if err := row.image(); err != nil {
		row.Error = err.Error()
		r.tally.Add("our own image", err)
	}
	if runtime.GOOS == "linux" {
		row.fromProc(&factReader{h: collector.ThisHost()})
	}
	row.judge()
	return row
}

// image hashes what really runs, not what lies at the path now.
func (row *ToolRow) image() error {
	name, err := os.Executable()
	if err != nil {
		return err
	}
	row.Path = jsonl.Text(name)
	if runtime.GOOS == "linux" {
		name = "/proc/self/exe"
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if row.Size, err = io.Copy(sum, f); err != nil {
		return err
	}
	row.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if e, err := elf.Read(f); err == nil {
		row.Interpreter = jsonl.Text(e.Interpreter())
	}
	return nil
}

func (row *ToolRow) fromProc(r *factReader) {
	f := statusFields(r.long("/proc/self/status"))
	row.Rights = ToolRights{
		UIDs: f["Uid"], GIDs: f["Gid"], Groups: f["Groups"], CapInh: f["CapInh"], CapPrm: f["CapPrm"], CapEff: f["CapEff"],
		CapBnd: f["CapBnd"], CapAmb: f["CapAmb"], NoNewPrivs: f["NoNewPrivs"], Seccomp: f["Seccomp"], TracerPID: f["TracerPid"],
		Label: r.text("/proc/self/attr/current"), LoginUID: r.text("/proc/self/loginuid"), UserMap: r.text("/proc/self/uid_map"),
		PIDNamespace: r.link("/proc/self/ns/pid"), Elevated: row.Rights.Elevated,
	}
	row.Preload = r.text("/etc/ld.so.preload")
	row.Mapped = jsonl.Texts(codeFiles(r.long("/proc/self/maps"), string(row.Path)))
	for pid := row.PPID; pid > 0 && len(row.Parents) < maxParents; {
		p, next := toolParent(pid)
		row.Parents = append(row.Parents, p)
		if next == pid {
			break
		}
		pid = next
	}
}

// maxParents bounds the chain; a process tree can change while we climb it.
const maxParents = 64

// toolParent describes one process and names its parent; 0 if that is unknown.
func toolParent(pid int) (p ToolParent, ppid int) {
	r := &factReader{h: collector.ThisHost()}
	dir := "/proc/" + strconv.Itoa(pid)
	status := statusFields(r.long(dir + "/status"))
	p = ToolParent{PID: pid, Comm: status["Name"], Exe: r.link(dir + "/exe")}
	if args := strings.TrimSuffix(string(r.text(dir+"/cmdline")), "\x00"); args != "" {
		p.Args = jsonl.Texts(strings.Split(args, "\x00"))
	}
	if err := r.tally.Err(); err != nil {
		p.Error = jsonl.Text(err.Error())
	}
	ppid, err := strconv.Atoi(string(status["PPid"]))
	if err != nil || ppid < 0 {
		return p, 0
	}
	return p, ppid
}

func (row *ToolRow) judge() {
	say := func(format string, a ...any) {
		row.InfluencedBy = append(row.InfluencedBy, jsonl.Text(fmt.Sprintf(format, a...)))
	}
	if row.Interpreter != "" {
		say("loaded by %s", row.Interpreter)
	}
	for _, m := range row.Mapped {
		say("code of %s is mapped", m)
	}
	if t := row.Rights.TracerPID; t != "" && t != "0" {
		say("traced by pid %s", t)
	}
	for _, e := range row.Environment {
		name, _, _ := strings.Cut(string(e), "=")
		if row.Interpreter != "" && strings.HasPrefix(name, "LD_") {
			say("environment has %s", name)
		}
		if name == "GODEBUG" {
			say("environment has GODEBUG")
		}
	}
	row.Influenced = len(row.InfluencedBy) > 0
}

// statusFields reads the "Key:\tvalue" lines of /proc/PID/status.
func statusFields(text string) map[string]jsonl.Text {
	out := map[string]jsonl.Text{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && len(out) < 256 {
			out[key] = jsonl.Text(strings.TrimSpace(value))
		}
	}
	return out
}

// codeFiles lists the files of /proc/PID/maps that are mapped executable, but
// the image itself and what the kernel maps into everyone ([vdso], [vsyscall]).
func codeFiles(maps, image string) (out []string) {
	for line := range strings.Lines(maps) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 6)
		if len(f) < 6 || !strings.Contains(f[1], "x") {
			continue
		}
		name := strings.TrimLeft(f[5], " ")
		if name == "" || name[0] == '[' || strings.TrimSuffix(name, " (deleted)") == strings.TrimSuffix(image, " (deleted)") {
			continue
		}
		if !slices.Contains(out, name) && len(out) < 1024 {
			out = append(out, name)
		}
	}
	return out
}

// environmentThatMatters keeps the variables that change how programs are loaded,
// how Go runs, how text and time are shown, and who called sudo. Of the others
// only the names are kept: values may be secrets that are no evidence here.
func environmentThatMatters(env []string) (kept, names []jsonl.Text) {
	kept, names = []jsonl.Text{}, []jsonl.Text{}
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if matters(name) {
			kept = append(kept, jsonl.Text(e))
		} else {
			names = append(names, jsonl.Text(name))
		}
	}
	slices.Sort(kept)
	slices.Sort(names)
	return kept, names
}

func matters(name string) bool {
	for _, p := range []string{"LD_", "GO", "LC_", "SUDO_", "DYLD_", "MALLOC_", "GLIBC_"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return slices.Contains([]string{"LANG", "LANGUAGE", "TZ", "PATH", "PWD", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "DISPLAY"}, name)
}

// rawTool puts our own status, limits and maps, byte for byte, in sections (package section).
func rawTool(w io.Writer) error {
	if runtime.GOOS != "linux" {
		return evidence.Skip("not on %s", runtime.GOOS)
	}
	h := collector.ThisHost()
	var errs []error
	for _, name := range []string{"status", "stat", "limits", "cgroup", "uid_map", "gid_map", "maps"} {
		text, err := h.ReadFile("/proc/self/"+name, longText)
		if err := section.Write(w, "/proc/self/"+name, text, err); err != nil {
			return err
		}
		errs = append(errs, err)
	}
	return fault.Join(errs...)
}
