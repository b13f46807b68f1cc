//go:build !linux && !windows

package ram

func systemOpener() opener { return nil }

func systemDriver() driverOpener { return nil }
