// Package integrity tells what is not as it was installed, and hashes whole trees.
//
// Begin with HashTree (hashes.go; hasher.go does the work) for the collector "hashes".
package integrity
