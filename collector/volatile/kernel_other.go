//go:build !linux

package volatile

import (
	"context"
	"io"
	"runtime"

	"hozen/packager/evidence"
)

// notOnThisSystem is the outcome of what only Linux has.
func notOnThisSystem() error { return evidence.Skip("not on %s", runtime.GOOS) }

func readKernelLog(context.Context, io.Writer, int) error { return notOnThisSystem() }

// noValue: what another system's reading of a fixture says is a plain error.
func noValue(error) bool { return false }

func nextBPF(bpfKind, uint32) (uint32, error) { return 0, notOnThisSystem() }

func bpfInfo(bpfKind, uint32) (bpfRaw, error) { return bpfRaw{}, notOnThisSystem() }
