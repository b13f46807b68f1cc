//go:build !windows

package ntapi

import (
	"context"

	"hozen/packager/evidence"
)

func notWindows() error { return evidence.Skip("only on Windows: this system has no ntdll") }

// An Opened is a process of a live Windows; on this system there is none.
type Opened struct {
	PID     uint32
	Created uint64 // FILETIME
	Denied  error
}

// QuerySystem says skipped.
func QuerySystem(SystemClass, int) (Answer, error) { return Answer{}, notWindows() }

// QueryObjectTypes says skipped.
func QueryObjectTypes() (Answer, error) { return Answer{}, notWindows() }

// ReadDrives gives none.
func ReadDrives() Drives { return nil }

// A Namer resolves handles; on this system there is none.
type Namer struct{}

// NewNamer gives a Namer that says skipped.
func NewNamer() *Namer { return &Namer{} }

// Close does nothing.
func (n *Namer) Close() {}

// Name says skipped.
func (n *Namer) Name(Handle, string) (string, error) { return "", notWindows() }

// Target says skipped.
func (n *Namer) Target(Handle, string) (pid, tid uint32, err error) { return 0, 0, notWindows() }

// PIDs says skipped.
func PIDs(context.Context, uint32) ([]uint32, error) { return nil, notWindows() }

// EnablePrivilege says skipped.
func EnablePrivilege(uint32) (bool, error) { return false, notWindows() }

// Open says skipped.
func Open(uint32, uint64) (*Opened, error) { return nil, notWindows() }

// Close does nothing.
func (o *Opened) Close() {}

// Handle gives 0.
func (o *Opened) Handle() uintptr { return 0 }

// Query says skipped.
func (o *Opened) Query(ProcessClass) (Answer, error) { return Answer{}, notWindows() }

// Basic says skipped.
func (o *Opened) Basic() (BasicProcess, error) { return BasicProcess{}, notWindows() }

// QueryMitigation says skipped.
func (o *Opened) QueryMitigation(uint32) (Answer, error) { return Answer{}, notWindows() }

// Token says skipped.
func (o *Opened) Token() (*Token, error) { return nil, notWindows() }

// QueryToken says skipped.
func (o *Opened) QueryToken(TokenClass) (Answer, error) { return Answer{}, notWindows() }

// ReadAt says skipped.
func (o *Opened) ReadAt([]byte, int64) (int, error) { return 0, notWindows() }

// Regions says skipped.
func (o *Opened) Regions(context.Context, int) ([]Region, error) { return nil, notWindows() }

// MappedFile says skipped.
func (o *Opened) MappedFile(uint64) (string, error) { return "", notWindows() }

// WorkingSet says skipped.
func (o *Opened) WorkingSet([]uint64) ([]WorkingSetPage, error) { return nil, notWindows() }
