package main

import (
	"os"
	"testing"
)

// TestListOfADevice: what may have no end, like /dev/zero, is not read as a list.
func TestListOfADevice(t *testing.T) {
	if f, err := openList(os.DevNull); err == nil {
		f.Close()
		t.Errorf("%s was opened as a list", os.DevNull)
	}
}
