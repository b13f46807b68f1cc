//go:build !windows

package install

import (
	"context"
	"io"
	"os"

	"hozen/service/config"
)

// register has nothing to do: other managers read files.
func register(string, *config.Config) ([]Step, error) { return nil, ErrNoManager }

// Collect has nobody to ask: on Linux it is `systemctl start hozen-collect@CASE`.
func Collect(context.Context, string) error { return ErrNoManager }

// RunsSafely leaves it to `hozen service check`.
func RunsSafely(string) error { return nil }

// Events is where lines go for which the service manager has no other place.
func Events(string) io.WriteCloser { return os.Stderr }

// Progress is where the lines of a running collection go.
func Progress(string) (io.WriteCloser, error) { return os.Stderr, nil }

// swap puts a program in the place of another; whoever runs that one keeps it.
func swap(from, to string) error { return os.Rename(from, to) }

// Binary is where the program is kept.
func Binary() string { return "/usr/local/sbin/hozen" }

func samePerm(st os.FileInfo, mode os.FileMode) bool { return st.Mode().Perm() == mode }
