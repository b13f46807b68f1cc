//go:build !linux

package volatile

import "hozen/collector"

// A linkReader reads symbolic links of a directory that holds a Linux host's files.
type linkReader struct{ h *collector.Host }

func newLinkReader(h *collector.Host) *linkReader { return &linkReader{h} }

func (l *linkReader) readlink(name string) ([]byte, error) {
	t, err := l.h.Readlink(name)
	return []byte(t), err
}

func (l *linkReader) each(dir string, f func(name, target []byte) bool) error {
	return eachLink(l.h, dir, f)
}

func (l *linkReader) below(dir, link string, f func(name, target []byte) bool) error {
	return eachLinkBelow(l.h, dir, link, f)
}
