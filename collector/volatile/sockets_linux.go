package volatile

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/packager/evidence"
)

// socketsElsewhere is for the systems that have no /proc.
func socketsElsewhere(context.Context, *collector.Host, evidence.Sink) (bool, error) {
	return false, nil
}

// dumpNamespace asks sock_diag for every family, in one namespace. The socket by
// which it asked stays open until the caller calls the function that is given,
// so that the other views of the namespace show it, too.
func (j *socketJob) dumpNamespace(ctx context.Context, ns netNS) (func(), error) {
	none := func() {}
	dir := socketsDir + strconv.FormatUint(ns.Inode, 10) + "/"
	s, err := dialNetlink(j.h, ns, netlinkSockDiag)
	if err != nil {
		j.scan.tally.Add(ns.Path, err)
		return none, j.to.Put(ctx, evidence.Item{Path: dir + "sock_diag.nl", Source: "sock_diag in " + ns.Path},
			func(io.Writer) error { return err })
	}
	end := func() { s.Close() }
	j.ourOwn(s.fd)
	for i := range j.families {
		f := &j.families[i]
		item := evidence.Item{Path: dir + f.name + ".nl", Source: "sock_diag " + f.name + " in network namespace " + strconv.FormatUint(ns.Inode, 10)}
		err := j.to.Put(ctx, item, func(w io.Writer) error {
			raw, err := s.ask(ctx, sockDiagByFamily, nlfDump, f.request())
			if len(raw) == 0 && errors.Is(err, unix.ENOENT) {
				return evidence.NotHere("the kernel has no sock_diag for %s", f.name)
			}
			return j.takeDump(w, f, ns, raw, err)
		})
		if err != nil {
			return end, err
		}
	}
	return end, nil
}

// takeDump writes what the kernel answered and makes rows of it. An answer that
// was cut short gives rows, but does not count as a view that was read.
func (j *socketJob) takeDump(w io.Writer, f *diagFamily, ns netNS, raw []byte, err error) error {
	if _, werr := w.Write(raw); werr != nil {
		return werr
	}
	if f.parse == nil {
		return err
	}
	rows, strange := parseDiag(raw, f, ns.Inode)
	j.table.add(f.name, ns.Inode, rows, SeenByDiag, err == nil)
	if strange > 0 && err == nil {
		err = strangeErr(strange, "messages")
	}
	return err
}

// ourOwn notes that we hold the socket by which we ask: it is in the dumps, and
// was opened after the pass over /proc.
func (j *socketJob) ourOwn(fd int) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return
	}
	for i := range j.scan.procs {
		if j.scan.procs[i].PID == os.Getpid() {
			j.scan.held[st.Ino] = append(j.scan.held[st.Ino], socketHold{int32(i), int32(fd)})
			j.scan.describe(j.h, os.Getpid())
			return
		}
	}
}

// socketProtocolName gives the kernel's name of a socket's protocol, which it
// tells as an extended attribute (net/socket.c, sockfs_xattr_get); "" if the
// descriptor holds another socket by now.
func socketProtocolName(fd string, inode uint64) string {
	var b [64]byte
	n, err := unix.Getxattr(fd, "system.sockprotoname", b[:])
	if err != nil || n <= 0 || n > len(b) {
		return ""
	}
	var st unix.Stat_t
	if unix.Stat(fd, &st) != nil || st.Ino != inode {
		return ""
	}
	return cString(b[:n])
}
