package indicators

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
)

// Fields of proc_pid_stat(5) that say where a new program's stack and texts lie;
// 0 without the right to trace the process.
const (
	statStartStack = 28
	statArgStart   = 48
	statArgEnd     = 49
	statEnvStart   = 50
	statEnvEnd     = 51
)

// Bounds of what is read of a program's first stack.
const (
	maxPointers  = 1 << 12 // arguments and variables that are compared
	maxStartText = 1 << 20
)

// identityStart compares the arguments and the environment with the pointers that
// the kernel put on the first stack of the program when it began (the layout is
// that of the System V ABI: argc, argv[0]…argv[argc-1], 0, envp[0]…, 0). The
// pointers stay, for main() was given their address; whoever writes other texts
// over the old ones seldom keeps to the old lengths, so that the texts no longer
// begin where the pointers point.
func identityStart(p *process) {
	at := func(n int) uint64 { return uint64(p.stat.Field[n]) }
	stack, args, env, end := at(statStartStack), at(statArgStart), at(statEnvStart), at(statEnvEnd)
	if stack == 0 || args == 0 || len(p.maps) == 0 || end < args || end-args > maxStartText {
		return
	}
	mem, err := proc.OpenMemory(p.host, p.pid)
	if err != nil {
		p.note("mem", err)
		return
	}
	defer mem.Close()
	words := make([]byte, 8*(2*maxPointers+3))
	n, _ := mem.ReadPresent(words, stack)
	text := make([]byte, end-args)
	k, _ := mem.ReadPresent(text, args)
	text = text[:k]
	argv, envp, ok := startPointers(words[:n])
	if !ok || len(text) == 0 {
		return // 32-bit programs, or a stack that was moved away
	}
	argText, envText := within(text, args, args, at(statArgEnd)), within(text, args, env, end)
	argWhy, envWhy := overwritten(argText, args, argv), overwritten(envText, env, envp)
	if argWhy == "" && envWhy == "" {
		return
	}
	explained := titleOf(p, text, p.imageInstalled())
	if argWhy != "" {
		p.report(startFinding(p, "identity-argv-overwritten", "argument", argWhy, argv, argText, explained))
	}
	if envWhy != "" {
		p.report(startFinding(p, "identity-environ-overwritten", "variable", envWhy, envp, envText, explained))
	}
}

func startFinding(p *process, id, what, why string, pointers []uint64, text []byte, explained string) finding {
	return finding{id: id, seen: "the texts in memory are not those that the program was started with: " + why, explained: explained,
		views: []memory.View{
			{Source: "the pointers on the first stack, " + p.path("mem"), Says: jsonl.Text(fmt.Sprintf("%d %ss", len(pointers), what))},
			{Source: "the texts in " + p.path("mem"), Says: jsonl.Text(clipped(string(bytes.TrimRight(text, "\x00"))))},
		}}
}

// within cuts the bytes from start to end out of text, which begins at base.
func within(text []byte, base, start, end uint64) []byte {
	if start < base || end < start || end-base > uint64(len(text)) {
		return nil
	}
	return text[start-base : end-base]
}

// startPointers reads the first stack of a 64-bit program.
func startPointers(words []byte) (argv, envp []uint64, ok bool) {
	at := func(i int) (uint64, bool) {
		if len(words) < 8*(i+1) {
			return 0, false
		}
		return binary.NativeEndian.Uint64(words[8*i:]), true
	}
	argc, ok := at(0)
	if !ok || argc > maxPointers {
		return nil, nil, false
	}
	i := 1
	for ; i <= int(argc); i++ {
		v, ok := at(i)
		if !ok || v == 0 {
			return nil, nil, false
		}
		argv = append(argv, v)
	}
	if v, ok := at(i); !ok || v != 0 {
		return nil, nil, false
	}
	for i++; len(envp) < maxPointers; i++ {
		v, ok := at(i)
		if !ok {
			return nil, nil, false
		}
		if v == 0 {
			return argv, envp, true
		}
		envp = append(envp, v)
	}
	return argv, envp, true
}

// overwritten says in what the texts, which begin at base, disagree with the
// pointers; "" if in nothing. Pointers that lead elsewhere say nothing: a program
// may move its texts.
func overwritten(text []byte, base uint64, pointers []uint64) string {
	for i, p := range pointers {
		if p < base || p >= base+uint64(len(text)) {
			continue
		}
		from := p - base
		if from > 0 && text[from-1] != 0 {
			return fmt.Sprintf("number %d begins in the middle of another text", i)
		}
		if i+1 == len(pointers) || pointers[i+1] <= p || pointers[i+1] > base+uint64(len(text)) {
			continue
		}
		room := text[from : pointers[i+1]-base]
		if end := bytes.IndexByte(room, 0); end >= 0 && end != len(room)-1 && !variables(room[end+1:]) {
			return fmt.Sprintf("number %d is shorter than it was", i)
		}
	}
	if len(text) > 0 && len(pointers) > 0 && pointers[0] == base && len(bytes.Trim(text, "\x00")) == 0 && len(text) > len(pointers) {
		return "they are empty"
	}
	return ""
}

// variables says whether all texts are variables: unsetenv(3) takes the pointers of
// those that it removes out of the list, and leaves the texts where they are.
func variables(text []byte) bool {
	for one := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte{0}), []byte{0}) {
		if bytes.IndexByte(one, '=') <= 0 {
			return false
		}
	}
	return true
}

// titleOf explains a text that a program wrote over its arguments to show its state.
func titleOf(p *process, text []byte, installed bool) string {
	first, _, _ := strings.Cut(string(text), "\x00")
	word, rest, _ := strings.Cut(first, " ")
	name := strings.TrimPrefix(word[strings.LastIndexByte(word, '/')+1:], "-")
	bare, exe := strings.TrimSuffix(name, ":"), imageName(p.exe)
	switch {
	case !installed || len(bare) < 2 || kernelThreadName(first):
		return ""
	case (bare != name || rest != "") && (strings.HasPrefix(exe, bare) || strings.HasPrefix(bare, exe)):
		return "a title that begins with the program's own name, as daemons show their state"
	case strings.HasPrefix(exe, "systemd") && strings.HasPrefix(name, "(") && strings.HasSuffix(first, ")"):
		return "systemd names a child after the program that it is about to begin"
	case isInterpreter(p.exe) && !isShell(p.exe) && !systemName(bare):
		return "a script that gave itself a title"
	}
	return ""
}
