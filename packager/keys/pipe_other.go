//go:build !windows

package keys

import (
	"fmt"
	"io"

	"hozen/packager/text"
)

// pipe opens a named pipe, which only Windows has.
func pipe(name string) (io.ReadWriteCloser, error) {
	return nil, fmt.Errorf("%s: named pipes are only on windows", text.Name(name))
}
