//go:build !linux

package proc

import "hozen/collector"

// A LinkReader reads symbolic links of a directory that holds a Linux host's files.
type LinkReader struct{ h *collector.Host }

// NewLinkReader makes one; it is for one goroutine.
func NewLinkReader(h *collector.Host) *LinkReader { return &LinkReader{h} }

// Readlink is Host.Readlink.
func (l *LinkReader) Readlink(name string) ([]byte, error) {
	t, err := l.h.Readlink(name)
	return []byte(t), err
}

// Each calls f with the name and target of every link in a directory, until f says false.
func (l *LinkReader) Each(dir string, f func(name, target []byte) bool) error {
	return EachLink(l.h, dir, f)
}

// Below is Each for the link of one name below every entry of the directory.
func (l *LinkReader) Below(dir, link string, f func(name, target []byte) bool) error {
	return eachLinkBelow(l.h, dir, link, f)
}
