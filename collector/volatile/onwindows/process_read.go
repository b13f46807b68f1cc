package onwindows

import (
	"context"
	"fmt"
	"strings"

	"hozen/collector/filetime"
	"hozen/collector/jsonl"
	"hozen/collector/ntapi"
	"hozen/collector/section"
	"hozen/packager/evidence"
)

// A processRead is what was read of one process.
type processRead struct {
	row     *ProcessRow
	modules []ProcessModuleRow
	threads []ThreadRow
	maps    []ProcessMapRow
	raw     []byte
	tally   evidence.Tally // of everything
	// of its modules and of its map
	moduleTally, mapTally evidence.Tally
	gone                  bool
}

// A processReader makes rows of one process: s is asked, snap is what the list says, and the
// rest is what all processes have in common.
type processReader struct {
	s     subject
	snap  *ntapi.Process
	basis *processBasis
	*processRead
	peb64, peb32 uint64 // addresses, from the kernel
}

// fail notes why a thing could not be read. What this Windows does not have is no shortfall,
// and neither is what Windows denies to everybody because the process is protected, nor what
// went with a process that has ended.
func (r *processReader) fail(what string, err error) {
	if err == nil {
		return
	}
	if r.row.Errors == nil {
		r.row.Errors = map[string]jsonl.Text{}
	}
	because := section.Because(err)
	if before := r.row.Errors[what]; before != "" {
		because = string(before) + "; " + because
	}
	r.row.Errors[what] = jsonl.Text(because)
	if outcome, _, _ := evidence.Classify(err, 0); outcome == evidence.Denied && r.row.Protection != "" || r.row.Ended {
		return
	}
	named := fmt.Sprintf("process %d: %s", r.row.PID, what)
	r.tally.Add(named, err)
	switch what {
	case "maps":
		r.mapTally.Add(named, err)
		r.moduleTally.Add(named, err)
	case "modules", "peb", "wow64":
		r.moduleTally.Add(named, err)
	}
}

// get asks one question and has the answer read.
func (r *processReader) get(what string, q question, use func(ntapi.Answer) error) {
	a, err := r.s.ask(q)
	if err == nil {
		err = use(a)
	}
	r.fail(what, err)
}

// read reads everything of one process.
func (r *processReader) read(ctx context.Context, denied error) {
	r.kernel()
	r.fail("rights", denied) // after kernel, which says whether it is protected
	r.token()
	peb := r.peb()
	regions, err := r.s.regions(ctx)
	r.fail("maps", err)
	modules := r.loader(peb)
	r.modules = joinModules(r.row, modules, regions, r.basis)
	r.maps = mapRows(r.row, regions)
	r.threadStarts(regions)
	r.row.Counts.Modules, r.row.Counts.Mappings = len(r.modules), len(r.maps)
	if len(peb) > 0 {
		r.row.MappedImage = mappedAt(regions, peb[0].ImageBase)
	}
	r.differences()
}

// kernel asks what the kernel knows.
func (r *processReader) kernel() {
	row := r.row
	text := func(to *jsonl.Text) func(ntapi.Answer) error {
		return func(a ntapi.Answer) error {
			s, err := ntapi.UnicodeString(a)
			*to = jsonl.Text(s)
			return err
		}
	}
	r.get("basic", askProcess(ntapi.ProcessBasic), func(a ntapi.Answer) error {
		b, err := ntapi.ParseBasicProcess(a)
		if err != nil {
			return err
		}
		if row.Ended = row.Ended || b.ExitStatus != 0x103; b.PEB != 0 {
			row.PEB = hex(b.PEB)
		}
		if row.Flags = b.Flags.Names(); row.PPID == nil {
			row.PPID = &b.Parent
		}
		if r.snap != nil && b.Parent != r.snap.Parent {
			row.Differences = append(row.Differences, "ppid")
		}
		r.peb64 = b.PEB
		return nil
	})
	r.get("image_nt", askProcess(ntapi.ProcessImageFile), text(&row.ImageNT))
	r.get("image", askProcess(ntapi.ProcessImageFileWin32), text(&row.Image))
	r.get("command_line", askProcess(ntapi.ProcessCommandLine), text(&row.CommandLine))
	r.get("protection", askProcess(ntapi.ProcessProtectionInfo), func(a ntapi.Answer) error {
		p, err := ntapi.ParseProtection(a)
		row.Protection = p.String()
		return err
	})
	number := func(use func(uint64)) func(ntapi.Answer) error {
		return func(a ntapi.Answer) error {
			v, err := a.Number()
			use(v)
			return err
		}
	}
	r.get("debug_port", askProcess(ntapi.ProcessDebugPort), number(func(v uint64) { row.DebugPort = v != 0 }))
	r.get("critical", askProcess(ntapi.ProcessBreakOnTerminate), number(func(v uint64) { row.Critical = v != 0 }))
	r.get("wow64", askProcess(ntapi.ProcessWow64), number(func(v uint64) { r.peb32 = v }))
	r.mitigations()
}

func (r *processReader) mitigations() {
	for policy := range uint32(ntapi.MitigationPolicies) {
		a, err := r.s.ask(question{questionMitigation, policy})
		if err != nil {
			if outcome, _, _ := evidence.Classify(err, 0); outcome != evidence.Absent && r.row.Errors["mitigations"] == "" {
				if !strings.Contains(err.Error(), "status 0xc000000d") { // a policy that this Windows does not know
					r.fail("mitigations", err)
				}
			}
			continue
		}
		if m, err := ntapi.ParseMitigation(a); err == nil && m.Flags != 0 {
			if r.row.Mitigations == nil {
				r.row.Mitigations = map[string]string{}
			}
			name := m.Name()
			if name == "" {
				name = fmt.Sprint(m.Policy)
			}
			r.row.Mitigations[name] = fmt.Sprintf("%#x", m.Flags)
		}
	}
}

// peb reads the PEB and, of a 32-bit program, the other one, with their parameters.
func (r *processReader) peb() (all []ntapi.PEB) {
	if r.peb64 == 0 {
		return nil
	}
	peb, err := ntapi.ReadPEB(r.s, r.peb64, true)
	if err != nil {
		r.fail("peb", err)
		return nil
	}
	all = append(all, peb)
	row := r.row
	row.BeingDebugged, row.ImageBase = peb.BeingDebugged, hex(peb.ImageBase)
	if peb.NtGlobalFlag != 0 {
		row.NtGlobalFlag = fmt.Sprintf("%#x", peb.NtGlobalFlag)
	}
	if row.Session != nil && *row.Session != peb.Session {
		row.Differences = append(row.Differences, "session")
	}
	p, err := ntapi.ReadParameters(r.s, peb)
	r.fail("parameters", err)
	row.PEBImage, row.PEBCommandLine, row.Cwd = jsonl.Text(p.ImagePath), jsonl.Text(p.CommandLine), jsonl.Text(p.CurrentDirectory)
	row.Desktop, row.WindowTitle, row.ShellInfo = jsonl.Text(p.Desktop), jsonl.Text(p.WindowTitle), jsonl.Text(p.ShellInfo)
	row.Environ = jsonl.Texts(p.Environment)
	if r.peb32 == 0 {
		return all
	}
	narrow, err := ntapi.ReadPEB(r.s, r.peb32, false)
	if err != nil {
		r.fail("wow64", err)
		return all
	}
	p, err = ntapi.ReadParameters(r.s, narrow)
	r.fail("wow64", err)
	row.WoW64 = &WoW64{
		PEB: hex(r.peb32), Image: jsonl.Text(p.ImagePath), CommandLine: jsonl.Text(p.CommandLine), Cwd: jsonl.Text(p.CurrentDirectory),
		ImageBase: hex(narrow.ImageBase), BeingDebugged: narrow.BeingDebugged,
	}
	return append(all, narrow)
}

// loader reads the lists of the loader of each PEB.
func (r *processReader) loader(pebs []ntapi.PEB) (all []ntapi.Module) {
	for _, peb := range pebs {
		if peb.Ldr == 0 {
			continue // it has not begun yet, or has no loader
		}
		modules, err := ntapi.ReadModules(r.s, peb)
		r.fail("modules", err)
		if len(modules) > 0 && peb.Wide {
			r.row.LoaderImage = jsonl.Text(modules[0].FullName)
		}
		all = append(all, modules...)
	}
	return all
}

// token asks who the process runs as.
func (r *processReader) token() {
	if _, err := r.s.ask(askToken(ntapi.TokenUser)); err != nil {
		r.fail("token", err)
		return
	}
	t := ntapi.ParseToken(func(c ntapi.TokenClass) (ntapi.Answer, error) { return r.s.ask(askToken(c)) })
	row, b := r.row, r.basis
	row.User = b.sid(t.User)
	if row.Integrity = ntapi.IntegrityName(t.Integrity); row.Integrity == "" {
		row.Integrity = t.Integrity
	}
	row.Elevation, row.Elevated, row.UIAccess, row.AppContainer = t.ElevationName(), t.Elevated, t.UIAccess, t.AppContainer
	row.LogonID = hex(t.Statistics.LogonID)
	row.Groups, row.Restricted, row.Capabilities = b.groups(t.Groups), b.groups(t.Restricted), b.groups(t.Capabilities)
	for _, p := range t.Privileges {
		row.Privileges = append(row.Privileges, TokenPrivilege{p.Name(), p.Enabled()})
	}
	for _, err := range t.Errors {
		if outcome, _, _ := evidence.Classify(err, 0); outcome != evidence.Absent {
			r.fail("token", err)
		}
	}
}

// differences compares what should be the same.
func (r *processReader) differences() {
	row := r.row
	differ := func(what string, a, b jsonl.Text) {
		if a != "" && b != "" && !sameFile(string(a), string(b), r.basis) {
			row.Differences = append(row.Differences, what)
		}
	}
	differ("image", row.ImageNT, row.Image)
	differ("peb_image", row.ImageNT, row.PEBImage)
	differ("loader_image", row.ImageNT, row.LoaderImage)
	differ("mapped_image", row.ImageNT, row.MappedImage)
	if row.CommandLine != row.PEBCommandLine && row.CommandLine != "" && row.PEBCommandLine != "" {
		row.Differences = append(row.Differences, "command_line")
	}
	if i := strings.LastIndexByte(string(row.ImageNT), '\\'); row.Name != "" && i >= 0 && !strings.EqualFold(string(row.ImageNT[i+1:]), string(row.Name)) {
		row.Differences = append(row.Differences, "name")
	}
}

// fromSnapshot fills a row with what the list says.
func fromSnapshot(p *ntapi.Process) *ProcessRow {
	ns := func(v uint64) int64 { return int64(filetime.Duration(v)) }
	return &ProcessRow{
		PID: p.PID, Start: stamp(p.Created), StartedAt: p.Created, Name: jsonl.Text(p.Name), SeenIn: []string{"list"},
		PPID: &p.Parent, Session: &p.Session, Package: jsonl.Text(p.PackageFullName),
		Counts: ProcessCounts{Threads: p.ThreadsSaid, Handles: p.Handles, Faults: p.PageFaults},
		Times:  ProcessTimes{ns(p.UserTime), ns(p.KernelTime)},
		Memory: ProcessMemory{p.VirtualSize, p.WorkingSet, p.PrivateBytes, p.PagefileUsage},
		IO:     ProcessTransfer{p.ReadBytes, p.WriteBytes, p.OtherBytes},
	}
}
