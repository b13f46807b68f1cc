//go:build unix && !linux

package secret

func keepApart([]byte) {}
