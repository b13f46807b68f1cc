package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the command itself, in a process of its own,
// when it is called hozen.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hozen": main})
}

// TestScripts runs whole sessions of the command: testdata/scripts/*.txtar.
// Beside testscript's own commands they have:
//
//	exits CODES PROGRAM ARGS…  run it; its exit code must be one of CODES (0,3)
//	fill FILE                  put the values of variables ($NAME) into the file
//	find VAR PATTERN           put the one file that matches into $VAR
//	flip FILE OFFSET           turn one bit of the byte at OFFSET (from the end, if negative)
//	keep FILE BYTES            cut the file to its first BYTES (from the end, if negative)
//	hub OPERATORS              start a hub: $ENDPOINT and $OPERATOR are tokens
//	ntp AHEAD                  start a time server that is ahead by that: $NTP
//	operator FILE              make the key of somebody who signs jobs
//	sftpd                      start an SFTP server: $PORT, $PIN, sftp.yaml
//	tsa FILE                   start a time stamping authority: $TSA, its root in FILE
//	word VAR TEXT              put the word after TEXT in the last output into $VAR
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "testdata", "scripts"),
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("LANG", "C.UTF-8")
			audit, err := filepath.Abs(filepath.Join("..", "packager", "audit.sh"))
			e.Setenv("AUDIT", audit)
			if err != nil {
				return err
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits, "find": scriptFind, "flip": scriptFlip, "keep": scriptKeep, "word": scriptWord, "sftpd": scriptSFTP,
			"fill": scriptFill, "hub": scriptHub, "operator": scriptOperator, "tsa": scriptTSA, "ntp": scriptNTP,
		},
		Condition: scriptCondition,
	})
}

func scriptCondition(name string) (bool, error) {
	if name == "root" {
		return os.Geteuid() == 0, nil
	}
	return false, fmt.Errorf("condition %q: not known", name)
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODES PROGRAM ARGS…")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var e *exec.ExitError
		if !errors.As(err, &e) {
			ts.Fatalf("%v", err)
		}
		code = e.ExitCode()
	}
	if !slices.Contains(strings.Split(args[0], ","), strconv.Itoa(code)) {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func scriptFind(ts *testscript.TestScript, neg bool, args []string) {
	found, err := filepath.Glob(ts.MkAbs(args[1]))
	ts.Check(err)
	if neg || len(found) != 1 {
		ts.Fatalf("%s: %d files, want one: %v", args[1], len(found), found)
	}
	ts.Setenv(args[0], found[0])
}

func scriptFlip(ts *testscript.TestScript, neg bool, args []string) {
	name := ts.MkAbs(args[0])
	b, err := os.ReadFile(name)
	ts.Check(err)
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0x10
	ts.Check(os.Chmod(name, 0o600))
	ts.Check(os.WriteFile(name, b, 0o600))
}

func scriptKeep(ts *testscript.TestScript, neg bool, args []string) {
	st, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	if n < 0 {
		n += st.Size()
	}
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

func scriptWord(ts *testscript.TestScript, neg bool, args []string) {
	out := ts.ReadFile("stdout")
	_, after, ok := strings.Cut(out, args[1])
	if neg || !ok {
		ts.Fatalf("%q is not in the output", args[1])
	}
	ts.Setenv(args[0], strings.Fields(after)[0])
}
