package ntapi

import (
	"testing"
)

// FuzzAnswers gives any bytes to every parser of an answer.
func FuzzAnswers(f *testing.F) {
	for _, class := range []SystemClass{SystemProcess, SystemExtendedProcess, SystemFullProcess} {
		f.Add(madeProcesses(class).b, uint64(0x7f0000000000))
	}
	f.Add([]byte{2, 0, 0, 0, 0, 0, 0, 0}, uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, base uint64) {
		a := Answer{base, b}
		for _, class := range []SystemClass{SystemProcess, SystemExtendedProcess, SystemFullProcess} {
			all, _ := Processes(a, class)
			if len(all) > len(b)/processHead+1 {
				t.Errorf("%d processes in %d bytes", len(all), len(b))
			}
		}
		handles, _ := Handles(a)
		if len(handles)*handleSize > len(b) {
			t.Errorf("%d handles in %d bytes", len(handles), len(b))
		}
		ObjectTypes(a)
		Drivers(a, SystemModule)
		Drivers(a, SystemModuleEx)
		UnicodeString(a)
		ParseBasicProcess(a)
		SID(b)
		ParseToken(func(TokenClass) (Answer, error) { return a, nil })
	})
}

// FuzzMemory gives any bytes as the memory of a process.
func FuzzMemory(f *testing.F) {
	for _, wide := range []bool{true, false} {
		mem, at := madeProcess(wide)
		f.Add(mem[at], wide)
	}
	f.Fuzz(func(t *testing.T, b []byte, wide bool) {
		mem := space{0x10000: b}
		peb, err := ReadPEB(mem, 0x10000, wide)
		if err != nil {
			return
		}
		ReadParameters(mem, peb)
		all, _ := ReadModules(mem, peb)
		if len(all) > 3*maxModules {
			t.Errorf("%d modules", len(all))
		}
	})
}
