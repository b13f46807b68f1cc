package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"hozen/collector/jsonl"
	"hozen/collector/volatile"
	"hozen/packager"
)

// maxListed bounds the lists in the genesis statement; the collector host has all.
const maxListed = 64

// toolName names the program as the archive does: version and hash of the
// running image, which an auditor can compare with a release.
func toolName() string {
	sum, err := ownHash()
	if err != nil {
		return "hozen/" + version
	}
	return "hozen/" + version + "+sha256:" + sum
}

// ownHash reads the image that runs: proc_pid_exe(5) where there is one, because
// the file of that name may be another by now.
func ownHash() (string, error) {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		name, nameErr := os.Executable()
		if nameErr != nil {
			return "", nameErr
		}
		if f, err = os.Open(name); err != nil {
			return "", err
		}
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// builtWithCgo says whether the program was built in a way that lets libraries of
// the machine, and whatever LD_PRELOAD names, into it (ld.so(8)). Elsewhere than
// on Linux every program is bound to the system's libraries.
func builtWithCgo() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && runtime.GOOS == "linux" && slices.Contains(info.Settings, debug.BuildSetting{Key: "CGO_ENABLED", Value: "1"})
}

// hostID writes the identity into statements, which are UTF-8: other bytes and
// control characters are escaped there.
func hostID(id volatile.Identity) packager.HostID {
	return packager.HostID{
		Name: plain(string(id.HostName)), MachineID: plain(string(id.MachineID)), OS: plain(string(id.OS)),
		Kernel: plain(string(id.Kernel)), Make: plain(string(id.Maker)), Model: plain(string(id.Model)), Serial: plain(string(id.Serial)),
		MACs: plainAll(texts(id.MACs), maxListed), IPs: plainAll(texts(id.IPs), maxListed),
		BootID: plain(string(id.BootID)), Zone: plain(string(id.Zone)),
	}
}

func texts(in []jsonl.Text) []string {
	out := make([]string, len(in))
	for i, t := range in {
		out[i] = string(t)
	}
	return out
}

// plain keeps a text as it was typed, or as the host has it, if all of it can be
// shown; else it is escaped.
func plain(s string) string {
	for _, r := range s {
		if !shown(r) {
			return escape(s)
		}
	}
	if !utf8.ValidString(s) {
		return escape(s)
	}
	return s
}

func plainAll(in []string, limit int) []string {
	out := make([]string, 0, min(len(in), limit))
	for _, s := range in[:min(len(in), limit)] {
		out = append(out, plain(s))
	}
	return out
}

// shellWord quotes a path for the commands that we tell people to type: for a POSIX
// shell, on Windows for its command prompts.
func shellWord(s string) string {
	if runtime.GOOS == "windows" {
		return promptWord(s)
	}
	for _, r := range s {
		if !strings.ContainsRune(plainInShell+"=", r) {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		}
	}
	return s
}

const plainInShell = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:+@,"

// promptWord quotes for cmd.exe and PowerShell, whose names of files never hold a quote
// (learn.microsoft.com, "Naming Files, Paths, and Namespaces").
func promptWord(s string) string {
	if s == "" || strings.Trim(s, strings.Trim(plainInShell, "@,")+`\`) != "" {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}
