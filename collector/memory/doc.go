// Package memory says what is found in memory: signs of something that lives
// nowhere else, contents that die with their process, and RAM itself. It holds
// the few types that the collectors share; each collector is a package of its own:
//
//	indicators   signs of injection, hiding, hooks and masquerading, each with the raw
//	             evidence that it rests on: memory/indicators.jsonl
//	contents     deleted executables, memfds, deleted open files, regions of processes that
//	             have an indicator, whole processes as ELF cores: memory/contents.jsonl
//	ioc          what the responder's own lists of indicators of compromise say, found in
//	             the tables of this collection and in the memory of processes: memory/ioc.jsonl
//	ram          physical memory in the format of LiME: memory/ram.lime, memory/ram.map.jsonl
//
// On Windows package onwindows is both indicators and contents; minidump writes whole
// processes in the form that WinDbg opens.
//
// Begin with Indicator, the row; then Level, which says how sure it is; then
// Suspects, by which indicators tells contents what to take.
package memory
