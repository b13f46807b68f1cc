// Package keystest serves an ssh-agent for tests where OpenSSH's listens: at a socket, on
// Windows at a named pipe. Begin with Serve.
package keystest

import (
	"io"

	"golang.org/x/crypto/ssh/agent"
)

// Serve serves the keys of ring at name (Name gives one) until stop is called.
func Serve(name string, ring agent.Agent) (stop func() error, err error) {
	return Listen(name, func(c io.ReadWriteCloser) {
		defer c.Close()
		_ = agent.ServeAgent(ring, c) // ends when the other side does
	})
}
