package volatile

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// Bounds of what is kept of environment variables: different values in all, and
// their bytes; values of one process, which may have one name many times.
const (
	maxVariables     = 20_000
	maxVariableBytes = 32 << 20
	maxVariablesEach = 64
)

// A variableValue is a variable with its value. Of a long one, the beginning is
// kept, and the length and the SHA-256 of the whole, which tell it from others.
type variableValue struct {
	name, value string
	length      int
	sha256      string
}

func valueOf(name, value string) variableValue {
	v := variableValue{name: name, value: clipText(value)}
	if len(v.value) < len(value) {
		sum := sha256.Sum256([]byte(value))
		v.length, v.sha256 = len(value), hex.EncodeToString(sum[:])
	}
	return v
}

// A variableSet has the processes of every different value.
type variableSet struct {
	pids  map[variableValue][]int
	bytes int
}

// add says false where there is no room for another value.
func (s *variableSet) add(v variableValue, pid int) bool {
	pids, known := s.pids[v]
	if !known {
		if len(s.pids) >= maxVariables || s.bytes+len(v.value) > maxVariableBytes {
			return false
		}
		s.bytes += len(v.value)
	}
	if len(pids) == 0 || pids[len(pids)-1] != pid {
		s.pids[v] = append(pids, pid)
	}
	return true
}

func (t *sessionTable) variables(proc string, pid int, wanted map[string]string, vars *variableSet) {
	b, err := t.h.ReadFile(proc+"/environ", limitArgs)
	t.note(proc+"/environ", reading("environ", err))
	if err != nil {
		b = b[:strings.LastIndexByte(string(b), 0)+1] // what is not whole would be told as another value
	}
	each := 0
	for v := range strings.SplitSeq(string(b), "\x00") {
		name, value, ok := strings.Cut(v, "=")
		if !ok || wanted[name] == "" {
			continue
		}
		if each++; each > maxVariablesEach {
			t.note(proc+"/environ", evidence.Cut("more than %d variables that tell of a session", maxVariablesEach))
			return
		}
		if !vars.add(valueOf(name, value), pid) {
			t.note(proc+"/environ", evidence.Cut("too many different values of variables that tell of a session"))
			return
		}
	}
}

func (t *sessionTable) writeVariables(wanted map[string]string, vars *variableSet) {
	keys := make([]variableValue, 0, len(vars.pids))
	for k := range vars.pids {
		keys = append(keys, k)
	}
	sorting.By(keys, func(a, b variableValue) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value), cmp.Compare(a.length, b.length), strings.Compare(a.sha256, b.sha256))
	})
	for _, k := range keys {
		pids := vars.pids[k]
		row := SessionVariable{
			Kind: wanted[k.name], From: "environment", Name: k.name, Value: jsonl.Text(k.value),
			Processes: pids[:min(len(pids), 256)], Count: len(pids), Length: k.length, SHA256: k.sha256,
		}
		if k.length > 0 {
			row.Cut = []string{"value"}
		}
		if !t.row(&row) {
			return
		}
	}
}
