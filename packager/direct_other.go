//go:build !linux

package packager

import "errors"

func openDirect(string) (directWriter, []byte, error) {
	return nil, nil, errors.ErrUnsupported
}
