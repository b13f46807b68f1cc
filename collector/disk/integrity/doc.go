// Package integrity tells what is not as it was installed, and hashes whole trees.
//
// Begin with Collector (collector.go) for the collector "integrity": load.go takes and
// reads the databases of package managers (package packages parses them), check.go
// compares files with them, unowned.go finds programs that belong to no package. For the
// collector "hashes" begin with HashTree (hashes.go; hasher.go does the work). SCHEMA.md
// says what the rows mean.
package integrity
