//go:build !unix && !windows

package config

// OnlyOurs cannot tell here who could change a file.
func OnlyOurs(string) error { return nil }

// Private cannot tell here who could read a file.
func Private(string) error { return nil }

// OnlyOursBelow cannot tell here who could replace what is made in a folder.
func OnlyOursBelow(string) error { return nil }
