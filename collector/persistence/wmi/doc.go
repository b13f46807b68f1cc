// Package wmi reads event subscriptions of WMI from the files of its repository,
// without asking WMI: filters, consumers and what binds them, of which malware needs
// one each to be started by Windows again and again. It reads the repository of
// Windows Vista and later.
//
// The repository is a heap of pages (OBJECTS.DATA), an index by names (INDEX.BTR), and
// a table that says which page of the file is which page of the heap (MAPPING1.MAP to
// MAPPING3.MAP, of which the newest counts). Read goes through all pages of OBJECTS.DATA
// rather than down the index, and says of each instance whether the index names it:
// what was deleted stays in the file until its place is used again, and is found in
// three ways (see State). What it cannot find: an instance whose place was used again,
// even in part of its first 128 bytes; one that is deleted and began on one page and
// ended on another, of which only the first part is sure; properties of a class whose
// definition is gone are given as a list of strings.
//
// Begin with Read. mapping.go, index.go and page.go read the three kinds of files,
// class.go and instance.go what is in a record, find.go puts them together.
//
// Sources: libyal's "WMI repository file format"
// (https://github.com/libyal/dtformats/tree/main/documentation), [MS-WMIO] for what is in
// a class and an instance, and the paper of W. Ballenthin, M. Graeber and C. Teodorescu,
// "Windows Management Instrumentation (WMI) Offense, Defense, and Forensics" (2015).
package wmi

import "time"

const pageSize = 8192 // of OBJECTS.DATA and INDEX.BTR

// State says how an instance was found.
type State string

// The states, from what is in force to what is left of something.
const (
	Live      State = "live"       // the index names it
	Unindexed State = "unindexed"  // in a page in use, but the index does not name it: deleted, or hidden
	StalePage State = "stale page" // in a page of the file that the heap does not use
	Carved    State = "carved"     // outside all records: between or behind them
	Unknown   State = "unknown"    // there is no index or no table of pages to ask
)

// An Instance is one instance of a class that has to do with subscriptions.
type Instance struct {
	Class      string // its class; __EventFilter, CommandLineEventConsumer, …
	Consumer   bool   // its class is a consumer's
	Namespace  string // ROOT\SUBSCRIPTION, or the SHA-256 of the name where it is not known
	State      State
	Offset     int64 // of the record in OBJECTS.DATA
	Written    [2]time.Time
	Properties []Property
	Strings    []string // all strings of its heap, in order: what stays readable without a definition
	// Err says what was not as it should be; nil where all was read.
	Err error
}

// A Property is one that has a value.
type Property struct {
	Name  string
	Value any // string, uint64, int64, float64, bool, or a list of strings or numbers
}

// Text gives a property that is a string; "" if it is not there.
func (i *Instance) Text(name string) string {
	for _, p := range i.Properties {
		if p.Name == name {
			s, _ := p.Value.(string)
			return s
		}
	}
	return ""
}
