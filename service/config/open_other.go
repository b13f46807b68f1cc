//go:build !unix

package config

import (
	"fmt"
	"os"
)

// openPlain opens a plain file and no link.
func openPlain(file string) (*os.File, error) {
	st, err := os.Lstat(file)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("not a plain file: %v", st.Mode().Type())
	}
	return os.Open(file)
}
