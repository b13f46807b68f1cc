package onwindows

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/windows"

	"hozen/collector/ntapi"
	"hozen/collector/pe/authenticode"
)

// maxRegions bounds the map of one process.
const maxRegions = 1 << 17

// seDebug is SE_DEBUG_PRIVILEGE (wdm.h).
const seDebug = 20

func ourPID() uint32 { return uint32(os.Getpid()) }

// liveProcesses is the running Windows.
func liveProcesses() processSystem {
	return processSystem{
		system:      ntapi.QuerySystem,
		types:       ntapi.QueryObjectTypes,
		pids:        ntapi.PIDs,
		open:        openLive,
		enableDebug: func() (bool, error) { return ntapi.EnablePrivilege(seDebug) },
		names: func() (ntapi.Drives, string) {
			root, err := windows.GetSystemWindowsDirectory()
			if err != nil {
				root = ""
			}
			return ntapi.ReadDrives(), root
		},
		namer: func() (namer, func()) {
			n := ntapi.NewNamer()
			return n, n.Close
		},
		trust: authenticode.TrustOf,
	}
}

func openLive(pid uint32, created uint64) (*openedProcess, error) {
	o, err := ntapi.Open(pid, created)
	if err != nil {
		return nil, err
	}
	return &openedProcess{subject: liveSubject{o}, created: o.Created, handle: uint64(o.Handle()), denied: o.Denied, end: o.Close}, nil
}

// A liveSubject asks a running process.
type liveSubject struct{ o *ntapi.Opened }

// ReadAt implements io.ReaderAt.
func (l liveSubject) ReadAt(b []byte, at int64) (int, error) { return l.o.ReadAt(b, at) }

func (l liveSubject) ask(q question) (ntapi.Answer, error) {
	switch q.kind {
	case questionProcess:
		return l.o.Query(ntapi.ProcessClass(q.number))
	case questionToken:
		return l.o.QueryToken(ntapi.TokenClass(q.number))
	case questionMitigation:
		return l.o.QueryMitigation(q.number)
	}
	return ntapi.Answer{}, fmt.Errorf("%s: nobody answers that", q)
}

func (l liveSubject) regions(ctx context.Context) ([]ntapi.Region, error) {
	return l.o.Regions(ctx, maxRegions)
}
