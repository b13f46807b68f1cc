package volatile

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/collector/section"
	"hozen/packager/evidence"
)

// Sockets takes every socket of every network namespace, with the processes and
// file descriptors that hold it. Items:
//
//	volatile/sockets/NS/FAMILY.nl     the kernel's answer to a sock_diag(7) dump: netlink messages as they came
//	volatile/sockets/NS/proc-net.txt  the tables of /proc/net, in sections (package section)
//	volatile/sockets/FAMILY.nl        why no namespace was asked for a family
//	volatile/sockets.jsonl            one SocketRow per socket: our namespace first, then by family and address
//
// NS is the namespace's inode. A dump is made only where the part of the kernel
// that answers it is there already (see kernelParts); else the rows come from
// /proc/net alone. On a fixture addresses in /proc/net are read as a
// little-endian machine writes them.
//
// What the pass over /proc finds of namespaces is left in the lookout, for the
// collector that comes next; nil keeps it to itself.
func Sockets(l *Lookout) collector.Collector {
	return collector.Collector{
		Name:       "sockets",
		Doc:        "every socket of every network namespace, with the processes that hold it",
		Volatility: collector.Live,
		Limit:      collector.Limit{Time: 60 * time.Second},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collectSockets(ctx, h, to, l)
		},
	}
}

const (
	socketsTable = "volatile/sockets.jsonl"
	socketsDir   = "volatile/sockets/"
)

func collectSockets(ctx context.Context, h *collector.Host, to evidence.Sink, l *Lookout) error {
	if done, err := socketsElsewhere(ctx, h, to); done {
		return err
	}
	j := newSocketJob(ctx, h, to)
	list := j.scan.namespaces(ctx, h)
	l.leave(h, list, &j.scan.tally)
	if err := j.take(ctx, list); err != nil {
		return err
	}
	return j.putTable(ctx, list)
}

func newSocketJob(ctx context.Context, h *collector.Host, to evidence.Sink) *socketJob {
	j := &socketJob{h: h, to: to, scan: scanProc(ctx, h), table: newSocketTable()}
	j.scan.describeHolders(h)
	return j
}

// take asks every namespace.
func (j *socketJob) take(ctx context.Context, list []netNS) error {
	if err := j.chooseFamilies(ctx); err != nil {
		return err
	}
	for _, ns := range list {
		if err := j.takeNamespace(ctx, ns); err != nil {
			return err
		}
	}
	return nil
}

func (j *socketJob) takeNamespace(ctx context.Context, ns netNS) error {
	if len(j.families) > 0 {
		end, err := j.dumpNamespace(ctx, ns)
		defer end()
		if err != nil {
			return err
		}
	}
	return j.readProcNet(ctx, ns)
}

// A socketJob is one run of the collector.
type socketJob struct {
	h        *collector.Host
	to       evidence.Sink
	scan     *procScan
	table    *socketTable
	families []diagFamily // that can be asked
}

// chooseFamilies finds out which dumps can be made, and puts the reason for each
// that cannot.
func (j *socketJob) chooseFamilies(ctx context.Context) error {
	if !j.h.Live {
		return j.leaveOut(ctx, "sock_diag", collector.ErrNotLive)
	}
	parts := newKernelParts(j.h)
	kernel, err := j.h.ReadFile("/proc/thread-self/net/netlink", maxProcNet)
	if parts.noStarter == "" && !netlinkFamilyHere(kernel, netlinkSockDiag) {
		j.scan.tally.Add("/proc/thread-self/net/netlink", err)
		return j.leaveOut(ctx, "sock_diag", evidence.NotHere("the kernel has no sock_diag here, and asking would start a module loader: rows come from /proc/net"))
	}
	protocols, err := j.h.ReadFile("/proc/thread-self/net/protocols", maxProcNet)
	for _, f := range diagFamilies() {
		if err == nil && f.listed != "" && !protocolListed(protocols, f.listed) {
			if err := j.leaveOut(ctx, f.name, evidence.NotHere("the kernel has no protocol %s now", f.listed)); err != nil {
				return err
			}
			continue
		}
		ok, why := true, ""
		for _, module := range f.modules {
			if ok {
				ok, why = parts.has(module)
			}
		}
		if !ok {
			if err := j.leaveOut(ctx, f.name, evidence.Skip("%s", why)); err != nil {
				return err
			}
			continue
		}
		j.families = append(j.families, f)
	}
	return nil
}

func (j *socketJob) leaveOut(ctx context.Context, name string, why error) error {
	return j.to.Put(ctx, evidence.Item{Path: socketsDir + name + ".nl", Source: "sock_diag " + name},
		func(io.Writer) error { return why })
}

// protocolListed says whether a /proc/net/protocols text has a line of the protocol.
func protocolListed(text []byte, name string) bool {
	for len(text) > 0 {
		var room [2][]byte
		var line []byte
		line, text = cutLine(text)
		if f := fieldsOf(line, room[:]); len(f) > 0 && string(f[0]) == name {
			return true
		}
	}
	return false
}

func strangeErr(n int, what string) error {
	return errors.New(strconv.Itoa(n) + " " + what + " not understood; they are in the raw bytes")
}

// readProcNet puts the tables of /proc/net as one namespace shows them.
func (j *socketJob) readProcNet(ctx context.Context, ns netNS) error {
	dir := j.liveProcNet(ns)
	item := evidence.Item{Path: socketsDir + strconv.FormatUint(ns.Inode, 10) + "/proc-net.txt", Source: dir}
	if dir == "" {
		item.Source = ns.Path
	}
	return j.to.Put(ctx, item, func(w io.Writer) error {
		if dir == "" {
			return evidence.Skip("no process is in this namespace: there is no /proc/net of it to read")
		}
		var tally evidence.Tally
		var buf []byte
		found := 0
		for _, t := range textTables() {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			var err error
			name := dir + "/" + t.name
			buf, err = j.h.AppendFile(buf[:0], name, maxProcNet)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
				continue
			}
			tally.Add(name, err)
			if err != nil && len(buf) == 0 {
				continue
			}
			found++
			if err := section.Write(w, name, buf, err); err != nil {
				return err
			}
			if t.parse != nil {
				rows, strange := parseText(buf, &t, ns.Inode, j.h.Live && bigEndian())
				j.table.add(t.table(), ns.Inode, rows, SeenByProcNet, err == nil)
				if strange > 0 {
					tally.Add(name, strangeErr(strange, "lines"))
				}
			}
		}
		if found == 0 && tally.Err() == nil {
			return evidence.NotHere("%s: no table", dir)
		}
		return tally.Err()
	})
}

// liveProcNet is ns.procNet, or where that process has ended (or its pid is
// another's now) the same directory of another that is still inside.
func (j *socketJob) liveProcNet(ns netNS) string {
	dir := ns.procNet(j.h)
	if !j.h.Live || ns.Own || dir == "" {
		return dir
	}
	for _, p := range append([]string{strings.TrimSuffix(dir, "/net") + "/ns/net", ns.Path}, ns.Others...) {
		base, isProc := strings.CutSuffix(p, "/ns/net")
		target, err := j.h.Readlink(p)
		if n, ok := proc.NamespaceInode([]byte(target), "net"); isProc && err == nil && ok && n == ns.Inode {
			return base + "/net"
		}
	}
	return dir // whose reading says what became of it
}

// table is the name under which the views of the same sockets meet.
func (t *textTable) table() string {
	if t.diag != "" {
		return t.diag
	}
	return t.name
}

func bigEndian() bool { return binary.NativeEndian.Uint16([]byte{0, 1}) == 1 }

// putTable joins sockets with their holders and puts the table.
func (j *socketJob) putTable(ctx context.Context, list []netNS) error {
	item := evidence.Item{Path: socketsTable, Source: "sock_diag, /proc/net, /proc/PID/fd of every network namespace"}
	return j.to.Put(ctx, item, asked(j.h, func(w io.Writer) error {
		if ctx.Err() != nil && j.table.empty() {
			return context.Cause(ctx)
		}
		rows := j.table.finish(j.h, j.scan, list)
		if err := jsonl.Write(w, rows); err != nil {
			return err
		}
		return j.scan.tally.Err()
	}))
}
