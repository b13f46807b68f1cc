//go:build !windows

package registry

func systemRoot(bool) (handle, error) { return nil, ErrNoRegistry }
