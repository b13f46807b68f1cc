package volatile

import (
	"context"

	"hozen/collector"
)

// BPFObjects are the eBPF programs and links of the kernel, and the names of the
// modules that it holds type descriptions (BTF) of.
type BPFObjects struct {
	Programs []BPFProgram
	Links    []BPFLinkRow
	Modules  []string
}

// A BPFProgram is a program with its instructions after the verifier, 8 bytes
// each in the machine's order (struct bpf_insn of include/uapi/linux/bpf.h); none
// where the kernel does not give them (CAP_SYSLOG, kernel.kptr_restrict).
type BPFProgram struct {
	BPFProgramRow
	Xlated []byte
}

// ReadBPF asks bpf(2) for all programs and links. It loads and attaches nothing.
// What was read is given with an error, too.
func ReadBPF(ctx context.Context, h *collector.Host) (out BPFObjects, err error) {
	if !h.Live {
		return out, collector.ErrNotLive
	}
	tally, err := eachBPF(ctx, h, func(_ bpfKind, _ uint32, raw bpfRaw, row any) bool {
		switch r := row.(type) {
		case BPFProgramRow:
			out.Programs = append(out.Programs, BPFProgram{r, raw.xlated})
		case BPFLinkRow:
			out.Links = append(out.Links, r)
		case BPFBTFRow:
			if r.Kernel && r.Name != "vmlinux" && r.Name != "" {
				out.Modules = append(out.Modules, string(r.Name))
			}
		}
		return true
	})
	if err != nil {
		return out, err
	}
	return out, tally.Err()
}
