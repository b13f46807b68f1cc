// Package parsedtest runs a format on bytes in a test: Rows gives what it makes of them,
// Hostile holds it to what a format promises of any bytes at all.
package parsedtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"hozen/collector/disk/parsed"
)

// Rows gives the rows of a file, read back from JSON as type T, its source with the
// damage, and the error with which the format gave up.
func Rows[T any](t testing.TB, f parsed.Format, path string, b []byte) ([]T, *parsed.Source, error) {
	t.Helper()
	src := parsed.NewSource(context.Background(), parsed.File{Path: path}, bytes.NewReader(b), int64(len(b)))
	var rows []T
	err := f.Rows(context.Background(), src, func(row any) error {
		line, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		var back T
		if err := json.Unmarshal(line, &back); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, back)
		return nil
	})
	return rows, src, err
}

var errEnough = errors.New("enough")

// Hostile parses bytes that may be anything: the format must come back, give no more rows
// than most for each byte, and return the error of emit at once.
func Hostile(t testing.TB, f parsed.Format, path string, b []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	src := parsed.NewSource(ctx, parsed.File{Path: path}, bytes.NewReader(b), int64(len(b)))
	n := 0
	err := f.Rows(ctx, src, func(row any) error {
		if n++; n > len(b)+1 {
			t.Fatalf("%d rows of %d bytes", n, len(b))
		}
		_, err := json.Marshal(row)
		return err
	})
	if ctx.Err() != nil {
		t.Fatalf("%v", err)
	}
	if n == 0 {
		return
	}
	src = parsed.NewSource(ctx, parsed.File{Path: path}, bytes.NewReader(b), int64(len(b)))
	calls := 0
	if err := f.Rows(ctx, src, func(any) error { calls++; return errEnough }); !errors.Is(err, errEnough) || calls != 1 {
		t.Fatalf("emit said enough, and was called %d times; the format said %v", calls, err)
	}
}
