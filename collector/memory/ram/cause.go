package ram

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"syscall"

	"hozen/collector"
	"hozen/collector/jsonl"
)

// A noSourceError lists every source with why it would not do and what helps.
type noSourceError struct{ rows []SourceRow }

func (e *noSourceError) Error() string {
	var parts []string
	for _, r := range e.rows {
		part := string(r.Error)
		if r.Cause != "" {
			part += " (" + string(r.Cause) + ")"
		}
		parts = append(parts, part+"; remedy: "+r.Remedy)
	}
	return "no source of physical memory will do: " + strings.Join(parts, " | ")
}

// noSource is the outcome of an image for which there is no source: denied, if
// one of them was refused to us, else failed. Never absent: memory is there.
func (t *take) noSource(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e := &noSourceError{}
	var refused error
	for _, a := range t.tried {
		e.rows = append(e.rows, t.sourceRow(a))
		if errors.Is(a.err, fs.ErrPermission) {
			refused = fs.ErrPermission
		}
	}
	if refused != nil {
		return fmt.Errorf("%w: %w", e, refused)
	}
	return e
}

func (t *take) sourceRow(a attempt) SourceRow {
	r := SourceRow{Kind: "source", Source: a.name, Used: a.err == nil}
	if a.err == nil {
		return r
	}
	r.Error = jsonl.Text(a.err.Error())
	cause, remedy := explain(t.h, a.name, a.err)
	if t.driver {
		cause, remedy = explainDriver(a.err)
	}
	r.Cause, r.Remedy = jsonl.Text(cause), remedy
	return r
}

const (
	otherWays = "take memory from outside (the hypervisor's snapshot), or with a module such as LiME built for this very kernel on another machine"
	asRoot    = "run as root, outside any container"
)

// explain says what of this host is behind the error of a source, and what helps.
func explain(h *collector.Host, name string, err error) (cause, remedy string) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return explainAbsent(name)
	case errors.Is(err, fs.ErrPermission):
		return explainRefused(h, name)
	case errors.Is(err, errOtherMemory):
		return "what it shows was held against a place in memory that the kernel names", otherWays
	case errors.Is(err, errNoRanges):
		return "without CAP_SYS_ADMIN the kernel writes zeros for the addresses", asRoot
	case errors.Is(err, errNoDirectMap):
		return "a kernel before 4.16, whose ranges could not be found in it", otherWays
	case name == memName && (errors.Is(err, syscall.EFAULT) || errors.Is(err, syscall.EIO)):
		return "CONFIG_STRICT_DEVMEM keeps RAM out of it", otherWays
	}
	return "", otherWays
}

func explainAbsent(name string) (cause, remedy string) {
	switch name {
	case kcoreName:
		return "the kernel was built without CONFIG_PROC_KCORE, or something hides it (a container's /proc)", asRoot + "; else " + otherWays
	case crashName:
		return "only kernels of Red Hat and kin have this driver, and it is not loaded", "nothing is loaded by this tool; `modprobe crash` changes the machine, and is for the responder to decide"
	}
	return "the kernel was built without CONFIG_DEVMEM, or the device node is missing", otherWays
}

// explainRefused looks for who refused: a missing right, the kernel's lockdown,
// or, by exclusion, what the kernel was built with or a security module.
func explainRefused(h *collector.Host, name string) (cause, remedy string) {
	if rights := missingRights(h); len(rights) > 0 {
		return "this process lacks " + strings.Join(rights, ", "), asRoot
	}
	mode := lockdown(h)
	switch {
	case mode == "confidentiality", mode == "integrity" && name == memName:
		return "kernel lockdown is " + mode, "lockdown cannot be lifted while the kernel runs: " + otherWays
	case name == memName:
		return "CONFIG_STRICT_DEVMEM keeps RAM out of it", otherWays
	}
	return "a security module (SELinux, AppArmor) or a container's rules", asRoot + "; look into the audit log"
}

// missingRights names what the sources need and this process does not have
// (capabilities(7); CapEff of /proc/self/status).
func missingRights(h *collector.Host) (missing []string) {
	text, err := h.ReadFile("/proc/self/status", 64<<10)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		value, ok := strings.CutPrefix(line, "CapEff:")
		set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if !ok || err != nil {
			continue
		}
		for _, c := range []struct {
			bit  uint
			name string
		}{{17, "CAP_SYS_RAWIO"}, {21, "CAP_SYS_ADMIN"}} {
			if set>>c.bit&1 == 0 {
				missing = append(missing, c.name)
			}
		}
	}
	return missing
}

// lockdown is the mode in brackets of kernel_lockdown(7): none, integrity,
// confidentiality; "" where the kernel has none.
func lockdown(h *collector.Host) string {
	text, _ := h.ReadFile("/sys/kernel/security/lockdown", 4096)
	_, mode, _ := strings.Cut(string(text), "[")
	mode, _, _ = strings.Cut(mode, "]")
	return mode
}
