package service

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"hozen/packager/evidence/fault"
	"hozen/service/durable"
)

// reportedFile says how many bytes of the audit log the hub has for good.
const reportedFile = "reported.json"

type reported struct {
	Bytes int64 `json:"bytes"`
}

// report sends the audit log to the hub, line by line. The log itself is what waits: a
// line is told until the hub has it, whatever happens in between.
func (a *Agent) report(ctx context.Context) error {
	if a.Hub == nil {
		return nil
	}
	file := filepath.Join(a.StateDir, reportedFile)
	at := a.loadReported(file)
	for ctx.Err() == nil {
		sent, err := a.sendLines(ctx, at, file)
		if err != nil && ctx.Err() == nil {
			a.Log.Warn("the hub was not told", "error", err)
			if !pause(ctx, time.Second) {
				return nil
			}
		}
		if at = sent; err != nil {
			continue
		}
		select {
		case <-a.audited:
		case <-ctx.Done():
		}
	}
	return nil
}

// loadReported gives where to go on. Without a good file the hub is told all of it again,
// which does no harm.
func (a *Agent) loadReported(file string) int64 {
	var r reported
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	st, statErr := os.Stat(a.Audit.Name())
	if err != nil || statErr != nil || r.Bytes < 0 || r.Bytes > st.Size() {
		if !errors.Is(err, os.ErrNotExist) {
			a.Log.Warn("what the hub was told is not known: it is told again", "error", fault.Join(err, statErr))
		}
		return 0
	}
	return r.Bytes
}

// sendLines sends what stands behind at, and gives how far it came.
func (a *Agent) sendLines(ctx context.Context, at int64, file string) (int64, error) {
	f, err := os.Open(a.Audit.Name())
	if err != nil {
		return at, err
	}
	defer f.Close()
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return at, err
	}
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return at, nil // what has no newline is not written whole yet
		}
		if err != nil {
			return at, err
		}
		if err := a.Hub.Status(ctx, line); err != nil {
			return at, fmt.Errorf("line at byte %d: %w", at, err)
		}
		at += int64(len(line))
		if err := durable.ReplaceJSON(file, reported{at}); err != nil {
			return at, err
		}
	}
}
