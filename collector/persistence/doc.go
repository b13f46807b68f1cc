// Package persistence takes what makes Windows start a program again: services and
// drivers, scheduled tasks, event subscriptions of WMI, some hundred places of the
// registry and of the disk, and jobs of BITS. It reads a running Windows and the files
// of one alike (a mounted disk, an image): what only a running system can say is left
// out there, and said to be.
//
// Its items are below "persistence/": a table for each subject, of which each row has
// what was found as it is written there, the command as Windows would read it, and the
// SHA-256 and signature of the files that would be run; and the raw answers and texts that the rows
// rest on, where no other collector takes them. SCHEMA.md has every field. Views that
// should agree (registry, Service Control Manager, loaded drivers; registry and XML of
// a task) are joined, and what does not agree is in the row.
//
// It judges nothing: most rows are Windows' own.
//
// # Contents
//
//	persistence.go  the collector and the order of its tables
//	files.go        where a path of the examined Windows lies, and its hash; commands.go: whose file a command runs
//	text.go         values of the registry as text
//	services.go     services and drivers, and what a running system says; services_registry.go: what the registry has; services_join.go: joined
//	tasks.go        scheduled tasks; tasks_registry.go, tasks_files.go: the views; tasks_join.go: joined
//	subscriptions.go  WMI, by package wmi
//	autoruns.go     one row for each value of a place; places*.go: THE table of places;
//	                autoruns_walk.go: how patterns become keys; startup.go: folders, scripts and tools on the disk
//	bits.go         strings of BITS' queues
//
// Packages task, wmi, scm and command below have the formats.
package persistence
