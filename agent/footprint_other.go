//go:build !unix && !windows

package main

// usageOfUs is not known here.
func usageOfUs() ownUsage { return ownUsage{} }
