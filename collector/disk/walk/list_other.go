//go:build !linux

package walk

import "hozen/collector"

func newLister(*collector.Host) lister { return &nameLister{} }

func maxOpen() int64 { return 0 }

func closeHandle(int) {}

func (p *place) open(*Meta) (collector.Reader, error) { return nil, errNoFile }

func (p *place) xattr(string) ([]byte, error) { return nil, nil }
