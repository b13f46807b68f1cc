package scm

import "fmt"

// A Service is one ENUM_SERVICE_STATUS_PROCESSW.
type Service struct {
	Name, DisplayName string
	Type              uint32 // SERVICE_WIN32_OWN_PROCESS and others: see TypeText
	State             uint32 // 1 stopped … 4 running: see StateText
	Controls          uint32 // that it accepts
	ExitCode          uint32
	ServiceExitCode   uint32
	PID               uint32
	Flags             uint32 // 1: in a process that always runs
}

const (
	serviceSize = 56
	maxServices = 1 << 16
)

// Services reads the first count entries of an answer of EnumServicesStatusExW with
// SC_ENUM_PROCESS_INFO. What was read before an error is given with it.
func Services(a Answer, count uint32) (out []Service, err error) {
	for i := range int(min(count, maxServices)) {
		at := i * serviceSize
		if !a.has(at, serviceSize) {
			return out, fmt.Errorf("service %d of %d lies outside of the answer", i, count)
		}
		out = append(out, Service{
			Name: a.text(at), DisplayName: a.text(at + 8),
			Type: a.u32(at + 16), State: a.u32(at + 20), Controls: a.u32(at + 24), ExitCode: a.u32(at + 28),
			ServiceExitCode: a.u32(at + 32), PID: a.u32(at + 44), Flags: a.u32(at + 48),
		})
	}
	return out, nil
}

// TypeText says the bits of a service's type (winnt.h).
func TypeText(n uint32) string {
	return flags(n, []flag{{0x1, "kernel_driver"}, {0x2, "file_system_driver"}, {0x4, "adapter"}, {0x8, "recognizer_driver"},
		{0x10, "own_process"}, {0x20, "share_process"}, {0x40, "user_service"}, {0x80, "user_service_instance"}, {0x100, "interactive"}, {0x200, "package"}})
}

// IsDriver says whether a type is one of those that the kernel loads.
func IsDriver(n uint32) bool { return n&0xb != 0 }

// StateText says a state (winsvc.h).
func StateText(n uint32) string {
	names := [...]string{1: "stopped", 2: "start_pending", 3: "stop_pending", 4: "running", 5: "continue_pending", 6: "pause_pending", 7: "paused"}
	return named(n, names[:])
}

// StartText says how a service is started (winnt.h).
func StartText(n uint32) string {
	return named(n, []string{"boot", "system", "auto", "demand", "disabled"})
}

// ErrorText says what happens if it does not start (winnt.h).
func ErrorText(n uint32) string {
	return named(n, []string{"ignore", "normal", "severe", "critical"})
}

// SIDText says the type of a service's SID (winsvc.h).
func SIDText(n uint32) string {
	return named(n, []string{"none", "unrestricted", "", "restricted"})
}

// ProtectedText says the protection of a service's process (winsvc.h).
func ProtectedText(n uint32) string {
	return named(n, []string{"none", "windows", "windows_light", "antimalware_light", "app_light"})
}

func named(n uint32, names []string) string {
	if uint64(n) < uint64(len(names)) && names[n] != "" {
		return names[n]
	}
	return fmt.Sprintf("%#x", n)
}

type flag struct {
	bit  uint32
	name string
}

func flags(n uint32, known []flag) string {
	out := ""
	for _, f := range known {
		if n&f.bit != 0 {
			out, n = out+" "+f.name, n&^f.bit
		}
	}
	if n != 0 || out == "" {
		out += fmt.Sprintf(" %#x", n)
	}
	return out[1:]
}
