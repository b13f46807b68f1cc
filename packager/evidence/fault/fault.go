// Package fault joins errors. The compiler copies errors.Join into each of its callers,
// half a KiB with its tables, and this program has three hundred; what is here is
// compiled once.
package fault

import "errors"

// Join joins errors as errors.Join does.
//
//go:noinline
func Join(errs ...error) error { return errors.Join(errs...) }
