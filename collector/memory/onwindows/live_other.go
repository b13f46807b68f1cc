//go:build !windows

package onwindows

import "hozen/packager/evidence"

func thisSystem() (system, error) {
	return nil, evidence.Skip("only on Windows: it is read with calls of that system")
}

func thisOpener() (opener, error) {
	return nil, evidence.Skip("only on Windows: it is read with calls of that system")
}
