//go:build !linux && !windows

package isolate

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
)

// System gives the packet filter of this machine: on this system none yet.
func System() Firewall { return none{} }

type none struct{}

func (none) err() error { return fmt.Errorf("%w: not on %s yet", ErrUnsupported, runtime.GOOS) }

// Read implements Firewall.
func (n none) Read(context.Context) (Ruleset, error) { return Ruleset{}, n.err() }

// Replace implements Firewall.
func (n none) Replace(context.Context, *Want) ([]string, error) { return nil, n.err() }

// Around implements Firewall.
func (n none) Around(context.Context, []netip.AddrPort) (Around, error) { return Around{}, n.err() }
