//go:build !windows

package onwindows

import (
	"context"

	"hozen/collector/ntapi"
	"hozen/collector/pe/authenticode"
	"hozen/packager/evidence"
)

func ourPID() uint32 { return 0 }

// liveProcesses is a system that answers nothing.
func liveProcesses() processSystem {
	return processSystem{
		system:      ntapi.QuerySystem,
		types:       ntapi.QueryObjectTypes,
		pids:        func(context.Context, uint32) ([]uint32, error) { return nil, nil },
		open:        func(uint32, uint64) (*openedProcess, error) { return nil, evidence.Skip("only on Windows") },
		enableDebug: func() (bool, error) { return ntapi.EnablePrivilege(0) },
		names:       func() (ntapi.Drives, string) { return ntapi.ReadDrives(), "" },
		namer: func() (namer, func()) {
			n := ntapi.NewNamer()
			return n, n.Close
		},
		trust: authenticode.TrustOf,
	}
}
