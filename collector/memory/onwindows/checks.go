package onwindows

// A check of processes looks at one and reports to it.
type processCheck struct {
	family string
	look   func(p *process)
}

// A hostCheck looks at the whole host, after the pass over the processes.
type hostCheck struct {
	family string
	look   func(s *survey)
}

// processChecks is THE list of what is looked for in each process.
func processChecks() []processCheck {
	return []processCheck{
		{"identity", checkIdentity},  // what it says it is: names, place, parent, command line
		{"image", checkImages},       // the files behind its image and libraries
		{"module", checkModules},     // the loader's lists against what is mapped
		{"text", checkText},          // code of images against their files
		{"map", checkPrivate},        // code that belongs to no file
		{"thread", checkThreads},     // where its threads began
		{"callback", checkCallbacks}, // the table by which the kernel calls into it
	}
}

// hostChecks is THE list of what is looked for in the host as a whole.
func hostChecks() []hostCheck {
	return []hostCheck{
		{"parent", checkParents}, // who made whom
		{"handle", checkHandles}, // who may read and write whose memory
		{"hidden", checkHidden},  // processes that some views show
		{"driver", checkDrivers}, // what the kernel has loaded
	}
}
