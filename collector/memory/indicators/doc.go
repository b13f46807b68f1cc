// Package indicators looks for signs of what lives in memory only: injected code,
// images without a file, hooks, masquerading, and what the kernel hides.
//
// It makes one pass over all processes, in which each is read once and looked at
// by every process check, and then runs the host checks, which compare views of
// the whole host. A sign is a row of memory/indicators.jsonl (memory.Indicator);
// what was read of a process that has one lies beside it, byte for byte, in
// memory/indicators/PID-STARTTICK.txt (sections, package section) and in the
// folder of that name; what host checks read lies in memory/indicators/host/.
//
// Where to begin: checks.go has THE lists of checks, kind.go the kinds of signs
// with their techniques, levels and benign explanations; indicators.go is the
// collector, process.go what a process check is given, survey.go what a host
// check is given, finding.go what both report. Each other file is a check; those
// of one family begin with the same word: image, map, identity, hook, net,
// kernel, hidden.
//
// # How a sign gets its level
//
// A kind has the level that it deserves where nothing explains it. A check that
// sees a known benign explanation (a JIT compiler's region, a package upgrade that
// replaced a running image) names it, and the row is low. Nothing is left out
// for being benign.
package indicators
