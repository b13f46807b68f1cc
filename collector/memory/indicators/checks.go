package indicators

// A processCheck looks at one process and reports to it. It is called from
// several goroutines, for one process each: what it keeps in the survey must be
// safe for that.
type processCheck struct {
	family string
	look   func(s *survey, p *process)
}

// A hostCheck compares views of the whole host, after the pass over the
// processes. It stops soon after the survey's context ends.
type hostCheck struct {
	family string
	look   func(s *survey)
}

// processChecks is THE list of what is looked for in each process.
func processChecks() []processCheck {
	return []processCheck{
		{"image", checkImage},          // what it runs: deleted, in memory, replaced
		{"identity", checkIdentity},    // what it says it is: name, arguments, environment, parents
		{"hook", checkHook},            // what was put between it and its libraries or the kernel
		{"hidden", checkHiddenSubject}, // what it knows of files; that listings did not show it
		{"map", checkMaps},             // its memory: code of no file, code that was written to
	}
}

// hostChecks is THE list of what is looked for in the host as a whole.
func hostChecks() []hostCheck {
	return []hostCheck{
		{"hidden", checkHiddenProcesses}, // processes that some views show: first, for they are then read like all others
		{"hidden", checkHiddenMounts},    // what is mounted on /proc
		{"hidden", checkHiddenSockets},   // sockets that one view shows and another does not
		{"hidden", checkHiddenFiles},     // files that lookup finds and no listing shows
		{"hook", checkHookHost},          // what hooks every process; memory that others have open
		{"image", checkPackages},         // images that no package owns
		{"map", checkVDSO},               // the vdso of each process against that of the others
		{"kernel", checkKernel},          // modules, eBPF, hooks, and the way of a system call
		{"net", checkNet},                // sockets and their processes, links and their programs; after kernel, whose list of programs it uses
	}
}
