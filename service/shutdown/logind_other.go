//go:build !linux && !windows

package shutdown

import (
	"context"
	"errors"
)

// connect has nobody to ask.
func connect(context.Context) (manager, error) {
	return nil, errors.New("only systemd-logind on Linux can be asked")
}
