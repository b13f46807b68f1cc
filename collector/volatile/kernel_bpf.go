package volatile

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// BPFProgramRow is a loaded eBPF program: struct bpf_prog_info of
// include/uapi/linux/bpf.h, whole in Info (base64). Its instructions after the
// verifier are the item volatile/kernel/bpf/program-ID.xlated.
type BPFProgramRow struct {
	Kind       string      `json:"kind"` // "bpf_program"
	ID         uint32      `json:"id"`
	Type       string      `json:"type"`
	Name       jsonl.Text  `json:"name,omitempty"`
	Tag        string      `json:"tag,omitempty"` // hash of the instructions
	LoadedNS   uint64      `json:"loaded_ns"`     // CLOCK_BOOTTIME
	UID        uint32      `json:"uid"`           // who loaded it
	MapIDs     []uint32    `json:"map_ids,omitempty"`
	BTFID      uint32      `json:"btf_id,omitempty"`
	AttachBTF  uint32      `json:"attach_btf_id,omitempty"`        // the kernel function it hangs on
	AttachObj  uint32      `json:"attach_btf_object_id,omitempty"` // and the BTF that names it
	IfIndex    uint32      `json:"if_index,omitempty"`
	XlatedSize uint32      `json:"xlated_bytes"`
	JITedSize  uint32      `json:"jited_bytes"`
	GPL        bool        `json:"gpl_compatible"`
	Verified   uint32      `json:"verified_instructions,omitempty"`
	Holders    []BPFHolder `json:"holders,omitempty"`
	Info       []byte      `json:"info"`
	Error      jsonl.Text  `json:"error,omitempty"`
}

// BPFMapRow is an eBPF map: struct bpf_map_info. Contents are not read.
type BPFMapRow struct {
	Kind       string      `json:"kind"` // "bpf_map"
	ID         uint32      `json:"id"`
	Type       string      `json:"type"`
	Name       jsonl.Text  `json:"name,omitempty"`
	KeySize    uint32      `json:"key_size"`
	ValueSize  uint32      `json:"value_size"`
	MaxEntries uint32      `json:"max_entries"`
	Flags      uint32      `json:"flags"`
	BTFID      uint32      `json:"btf_id,omitempty"`
	IfIndex    uint32      `json:"if_index,omitempty"`
	Holders    []BPFHolder `json:"holders,omitempty"`
	Info       []byte      `json:"info"`
	Error      jsonl.Text  `json:"error,omitempty"`
}

// BPFLinkRow is an attachment of a program: struct bpf_link_info. Which of the
// fields after ProgramID are set depends on the type.
type BPFLinkRow struct {
	Kind       string      `json:"kind"` // "bpf_link"
	ID         uint32      `json:"id"`
	Type       string      `json:"type"`
	ProgramID  uint32      `json:"program_id"`
	AttachType *uint32     `json:"attach_type,omitempty"` // enum bpf_attach_type
	TargetObj  uint32      `json:"target_btf_object_id,omitempty"`
	TargetBTF  uint32      `json:"target_btf_id,omitempty"`
	CgroupID   uint64      `json:"cgroup_id,omitempty"`
	NetNS      uint32      `json:"net_ns,omitempty"`
	IfIndex    uint32      `json:"if_index,omitempty"`
	MapID      uint32      `json:"map_id,omitempty"`
	Count      uint32      `json:"count,omitempty"` // of functions that a kprobe_multi hangs on
	Holders    []BPFHolder `json:"holders,omitempty"`
	Info       []byte      `json:"info"`
	Error      jsonl.Text  `json:"error,omitempty"`
}

// BPFBTFRow is a type description that the kernel holds: struct bpf_btf_info.
type BPFBTFRow struct {
	Kind   string     `json:"kind"` // "bpf_btf"
	ID     uint32     `json:"id"`
	Size   uint32     `json:"size"`
	Kernel bool       `json:"kernel"` // of the kernel or a module, not loaded by a program
	Name   jsonl.Text `json:"name,omitempty"`
	Info   []byte     `json:"info"`
	Error  jsonl.Text `json:"error,omitempty"`
}

// BPFHolder is a process that holds an object open (/proc/PID/fdinfo). An object
// without one lives through a pin, a link or another object.
type BPFHolder struct {
	PID int `json:"pid"`
	FD  int `json:"fd"`
}

// bpfKind is one of the four kinds of objects that have ids.
type bpfKind int

const (
	bpfProgram bpfKind = iota
	bpfMap
	bpfLink
	bpfBTF
)

// bpfRaw is what the kernel says of one object.
type bpfRaw struct {
	info   []byte
	xlated []byte   // of a program: 8 bytes an instruction
	maps   []uint32 // of a program
	name   string   // of a BTF
}

// maxBPF bounds each kind; a busy Kubernetes node has some thousand.
const maxBPF = 1 << 14

// putBPF puts the table of all objects and the instructions of each program.
func putBPF(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	const table, source = "volatile/kernel/bpf.jsonl", "bpf(2): BPF_*_GET_NEXT_ID, BPF_OBJ_GET_INFO_BY_FD"
	if !h.Live {
		return to.Put(ctx, evidence.Item{Path: table, Source: source}, func(io.Writer) error { return collector.ErrNotLive })
	}
	programs := make(chan []uint32, 1)
	err := to.Put(ctx, evidence.Item{Path: table, Source: source}, func(w io.Writer) error {
		ids, err := writeBPF(ctx, h, w)
		programs <- ids
		return err
	})
	if err != nil {
		return err
	}
	var ids []uint32
	select {
	case ids = <-programs:
	default: // the table hangs: its record says so
	}
	for _, id := range ids {
		if ctx.Err() != nil {
			break
		}
		item := evidence.Item{
			Path:   fmt.Sprintf("volatile/kernel/bpf/program-%d.xlated", id),
			Source: fmt.Sprintf("bpf(2): xlated_prog_insns of program %d", id),
		}
		if err := to.Put(ctx, item, func(w io.Writer) error { return writeXlated(w, id) }); err != nil {
			return err
		}
	}
	return nil
}

func writeXlated(w io.Writer, id uint32) error {
	raw, err := bpfInfo(bpfProgram, id)
	if err == nil && len(raw.xlated) == 0 && u32at(raw.info, 20) > 0 {
		err = fmt.Errorf("program %d: instructions: %w", id, fs.ErrPermission) // bpf_dump_raw_ok() said no
	}
	_, werr := w.Write(raw.xlated)
	return fault.Join(err, werr)
}

func writeBPF(ctx context.Context, h *collector.Host, w io.Writer) (programs []uint32, err error) {
	out := jsonl.NewWriter(w)
	var failed error
	tally, err := eachBPF(ctx, h, func(kind bpfKind, id uint32, _ bpfRaw, row any) bool {
		if kind == bpfProgram {
			programs = append(programs, id)
		}
		failed = out.Row(row)
		return failed == nil
	})
	if err != nil || failed != nil {
		return nil, fault.Join(err, failed)
	}
	return programs, fault.Join(out.Flush(), tally.Err())
}

// eachBPF calls f with every eBPF object, until f says false. Its error is that
// of a kernel that gives no ids of programs: no right, or no eBPF.
func eachBPF(ctx context.Context, h *collector.Host, f func(kind bpfKind, id uint32, raw bpfRaw, row any) bool) (tally evidence.Tally, err error) {
	ids := [4][]uint32{}
	for kind := range ids {
		if ids[kind], err = bpfIDs(ctx, bpfKind(kind)); err != nil {
			if tally.Add("bpf", err); kind == 0 {
				return tally, err // the same for all kinds
			}
		}
	}
	holders := bpfHolders(ctx, h, len(ids[0])+len(ids[1])+len(ids[2]))
	for kind, list := range ids {
		for _, id := range list {
			raw, err := bpfInfo(bpfKind(kind), id)
			if tally.Add(fmt.Sprintf("object %d", id), err) != nil && errors.Is(err, fs.ErrNotExist) {
				continue // unloaded meanwhile
			}
			if !f(bpfKind(kind), id, raw, bpfRow(bpfKind(kind), id, raw, holders[bpfObject{bpfKind(kind), id}], err)) {
				return tally, nil
			}
		}
	}
	return tally, nil
}

func bpfIDs(ctx context.Context, kind bpfKind) (ids []uint32, err error) {
	for id := uint32(0); len(ids) < maxBPF; {
		if ctx.Err() != nil {
			return ids, context.Cause(ctx)
		}
		next, err := nextBPF(kind, id)
		if errors.Is(err, fs.ErrNotExist) {
			return ids, nil
		}
		if err != nil {
			return ids, fmt.Errorf("ids of eBPF objects: %w", err)
		}
		if next <= id {
			return ids, fmt.Errorf("ids of eBPF objects: %d after %d", next, id)
		}
		ids, id = append(ids, next), next
	}
	return ids, evidence.Cut("more than %d eBPF objects of one kind", maxBPF)
}

// bpfObject is the key of an object: ids are unique within a kind.
type bpfObject struct {
	kind bpfKind
	id   uint32
}

// bpfHolders finds who holds objects. With no objects there is nothing to look for.
func bpfHolders(ctx context.Context, h *collector.Host, objects int) map[bpfObject][]BPFHolder {
	out := map[bpfObject][]BPFHolder{}
	if objects == 0 {
		return out
	}
	pids, _ := proc.PIDs(h) // what is denied is counted by the collector processes
	for _, pid := range pids {
		if ctx.Err() != nil {
			return out
		}
		dir := "/proc/" + strconv.Itoa(pid)
		var held []string
		_ = proc.EachLink(h, dir+"/fd", func(name, target []byte) bool {
			if bytes.HasPrefix(target, []byte("anon_inode:bpf")) {
				held = append(held, string(name))
			}
			return len(held) < maxBPF
		})
		for _, fd := range held {
			text, _ := h.ReadFile(dir+"/fdinfo/"+fd, shortText)
			n, _ := strconv.Atoi(fd)
			if o, ok := parseBPFInfo(string(text)); ok {
				out[o] = append(out[o], BPFHolder{pid, n})
			}
		}
	}
	return out
}

// parseBPFInfo reads fdinfo of an eBPF object: link_id, map_id or prog_id says
// which; a link names its program as well, a map its owner.
func parseBPFInfo(text string) (bpfObject, bool) {
	ids := map[string]uint32{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32); err == nil {
			ids[key] = uint32(n)
		}
	}
	for _, k := range []struct {
		key  string
		kind bpfKind
	}{{"link_id", bpfLink}, {"map_id", bpfMap}, {"prog_id", bpfProgram}} {
		if id, ok := ids[k.key]; ok {
			return bpfObject{k.kind, id}, true
		}
	}
	return bpfObject{}, false
}

// bpfRow decodes the structs of include/uapi/linux/bpf.h. Older kernels give
// fewer bytes: what is beyond the end is zero.
func bpfRow(kind bpfKind, id uint32, raw bpfRaw, holders []BPFHolder, err error) any {
	b, why := raw.info, jsonl.Text("")
	if err != nil {
		why = jsonl.Text(err.Error())
	}
	switch kind {
	case bpfProgram:
		return BPFProgramRow{
			Kind: "bpf_program", ID: id, Type: nameOf(bpfProgramTypes, u32at(b, 0)), Tag: hex.EncodeToString(part(b, 8, 8)),
			Name: cName(b, 64), LoadedNS: u64at(b, 40), UID: u32at(b, 48), MapIDs: raw.maps, BTFID: u32at(b, 128),
			AttachObj: u32at(b, 220), AttachBTF: u32at(b, 224), IfIndex: u32at(b, 80), XlatedSize: u32at(b, 20), JITedSize: u32at(b, 16),
			GPL: u32at(b, 84)&1 != 0, Verified: u32at(b, 216), Holders: holders, Info: b, Error: why,
		}
	case bpfMap:
		return BPFMapRow{
			Kind: "bpf_map", ID: id, Type: nameOf(bpfMapTypes, u32at(b, 0)), Name: cName(b, 24), KeySize: u32at(b, 8), ValueSize: u32at(b, 12),
			MaxEntries: u32at(b, 16), Flags: u32at(b, 20), IfIndex: u32at(b, 40), BTFID: u32at(b, 64), Holders: holders, Info: b, Error: why,
		}
	case bpfLink:
		row := bpfLinkRow(id, b)
		row.Holders, row.Error = holders, why
		return row
	}
	return BPFBTFRow{Kind: "bpf_btf", ID: id, Size: u32at(b, 8), Kernel: u32at(b, 28) != 0, Name: jsonl.Text(raw.name), Info: b, Error: why}
}

// bpfLinkRow reads the union of bpf_link_info, which begins at byte 16.
func bpfLinkRow(id uint32, b []byte) BPFLinkRow {
	row := BPFLinkRow{Kind: "bpf_link", ID: id, Type: nameOf(bpfLinkTypes, u32at(b, 0)), ProgramID: u32at(b, 8), Info: b}
	attach := func(at int) { v := u32at(b, at); row.AttachType = &v }
	switch row.Type {
	case "tracing":
		attach(16)
		row.TargetObj, row.TargetBTF = u32at(b, 20), u32at(b, 24)
	case "cgroup":
		row.CgroupID = u64at(b, 16)
		attach(24)
	case "netns":
		row.NetNS = u32at(b, 16)
		attach(20)
	case "xdp":
		row.IfIndex = u32at(b, 16)
	case "tcx", "netkit":
		row.IfIndex = u32at(b, 16)
		attach(20)
	case "struct_ops":
		row.MapID = u32at(b, 16)
	case "kprobe_multi":
		row.Count = u32at(b, 24)
	}
	return row
}

func part(b []byte, at, n int) []byte {
	if at+n > len(b) {
		return nil
	}
	return b[at : at+n]
}

// cName reads a name of BPF_OBJ_NAME_LEN (16) bytes.
func cName(b []byte, at int) jsonl.Text {
	name, _, _ := bytes.Cut(part(b, at, 16), []byte{0})
	return jsonl.Text(name)
}

// The names of the enums, in order; include/uapi/linux/bpf.h.
const (
	bpfProgramTypes = "unspec socket_filter kprobe sched_cls sched_act tracepoint xdp perf_event cgroup_skb cgroup_sock lwt_in lwt_out lwt_xmit " +
		"sock_ops sk_skb cgroup_device sk_msg raw_tracepoint cgroup_sock_addr lwt_seg6local lirc_mode2 sk_reuseport flow_dissector " +
		"cgroup_sysctl raw_tracepoint_writable cgroup_sockopt tracing struct_ops ext lsm sk_lookup syscall netfilter"
	bpfMapTypes = "unspec hash array prog_array perf_event_array percpu_hash percpu_array stack_trace cgroup_array lru_hash lru_percpu_hash " +
		"lpm_trie array_of_maps hash_of_maps devmap sockmap cpumap xskmap sockhash cgroup_storage reuseport_sockarray percpu_cgroup_storage " +
		"queue stack sk_storage devmap_hash struct_ops ringbuf inode_storage task_storage bloom_filter user_ringbuf cgrp_storage arena insn_array"
	bpfLinkTypes = "unspec raw_tracepoint tracing cgroup iter netns xdp perf_event kprobe_multi struct_ops netfilter tcx uprobe_multi netkit sockmap"
)

func nameOf(names string, n uint32) string {
	if list := strings.Fields(names); n < uint32(len(list)) {
		return list[n]
	}
	return strconv.FormatUint(uint64(n), 10)
}
