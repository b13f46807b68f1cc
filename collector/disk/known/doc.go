// Package known marks files whose contents stand in lists of known hashes that the
// responder brings (--known FILE): of good files (NSRL) or of bad ones. A list only
// marks. Nothing is left out for standing in one, and what is marked is evidence
// like all else.
//
// Begin with Load, which reads a list (parse.go has the forms, table.go how hashes
// are kept); then Lists, which is asked for one file (Match) or watches records as
// they are made (Observe) and puts the table known.jsonl (SCHEMA.md) at the end.
package known
