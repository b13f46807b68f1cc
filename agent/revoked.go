package main

import (
	"fmt"

	"hozen/packager/revoked"
	"hozen/service/durable"
)

// readRevoked reads a list of revoked keys and certificates.
func readRevoked(file string) (*revoked.List, error) {
	b, err := durable.Read(file, revoked.MaxFile)
	if err != nil {
		return nil, err
	}
	l, err := revoked.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return l, nil
}
