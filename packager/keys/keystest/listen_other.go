//go:build !windows

package keystest

import (
	"io"
	"net"
	"path/filepath"
)

// Name is where an agent of a test can listen: dir is a folder of its own, of a short name.
func Name(dir string) string { return filepath.Join(dir, "s") }

// Listen calls each for everybody who comes, beside the others, who closes the connection.
func Listen(name string, each func(io.ReadWriteCloser)) (stop func() error, err error) {
	l, err := net.Listen("unix", name)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go each(c)
		}
	}()
	return l.Close, nil
}
