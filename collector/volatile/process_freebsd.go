//go:build freebsd

package volatile

import (
	"context"
	"runtime"

	"github.com/shirou/gopsutil/v3/process"

	"hozen/collector/jsonl"
)

// nameFromList is by a snapshot of the system's table (Windows) or sysctl(3) (FreeBSD).
func nameFromList(ctx context.Context, p *process.Process) (string, error) {
	return p.NameWithContext(ctx)
}

// moreFromList adds what gopsutil finds by system calls on FreeBSD.
func moreFromList(ctx context.Context, p *process.Process, row *Process, fault func(string, error)) {
	if exe, err := p.ExeWithContext(ctx); err != nil {
		fault("exe", err)
	} else if exe != "" {
		row.Exe = &Image{Path: jsonl.Text(exe), Error: jsonl.Text("skipped: on " + runtime.GOOS + " the running image is known by its path only")}
	}
	argv, err := p.CmdlineSliceWithContext(ctx)
	if err != nil {
		fault("argv", err)
	}
	row.Argv = jsonl.Texts(argv)
	if n, err := p.NumThreadsWithContext(ctx); err != nil {
		fault("num_threads", err)
	} else {
		row.NumThreads = new(int64(n))
	}
	if m, err := p.MemoryInfoWithContext(ctx); err != nil {
		fault("memory", err)
	} else if m != nil {
		row.Memory = &Memory{Virtual: m.VMS, Resident: m.RSS}
	}
}
