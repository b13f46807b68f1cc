package service

import (
	"context"

	"hozen/packager"
	"hozen/service/job"
)

// An Order is what a trigger asks for, after it was checked.
type Order struct {
	Trigger  string      // command, shutdown, job
	Job      *job.Signed // of a signed job; nil otherwise
	Profile  string
	Params   job.Params
	Case     string
	Evidence string
	Operator string
	Reason   string
	Place    string
	// Recipients are who alone may read the archive, beside those of the configuration.
	Recipients []string
}

// Moments are what the resident agent waits for while a collection runs; each may be nil.
type Moments struct {
	// Began is told the collection's id before the first byte is taken; its error stops it.
	Began func(collection string) error
	// Safe is called behind the checkpoint of the last volatile step.
	Safe func(*packager.Writer)
	// Tell gets each line of `collect --json`, without its newline. It must be quick.
	Tell func(line []byte)
}

// Result is how a collection ended.
type Result struct {
	Collection string
	Exit       int    // as `hozen collect` exits: 0 whole, 1 nothing sealed, 3 short of the plan
	Archive    string // path of the sealed archive; "" if there is none
	Log        string // path of its custody log
	Verdict    string // of its own read-back
	Head       string
	Error      string // why nothing was sealed
	Stopped    string // why it ended before its plan; "" if it did not
	Short      int64  // items that the plan wanted and that are not whole
}

// A Collector makes collections; package main gives it.
type Collector interface {
	Collect(ctx context.Context, o Order, m Moments) Result
}
