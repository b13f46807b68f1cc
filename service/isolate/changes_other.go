//go:build !linux

package isolate

import "context"

// changes is told of nothing on this system.
func changes(context.Context) <-chan struct{} { return nil }
