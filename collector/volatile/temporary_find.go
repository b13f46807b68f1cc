package volatile

import (
	"context"
	"runtime"
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/packager/evidence"
)

// maxMountinfo bounds the mountinfo of one process.
const maxMountinfo = 32 << 20

// memTrees finds every file system in memory. The error tells of mount
// namespaces that could not be read; the trees are good all the same.
func memTrees(ctx context.Context, h *collector.Host) ([]memTree, error) {
	if runtime.GOOS != "linux" {
		return nil, evidence.Skip("not on %s", runtime.GOOS)
	}
	own, name, err := ownMountinfo(h)
	if err != nil {
		if !h.Live {
			return nil, evidence.Skip("not a live host, and its mounts are not told: %v", err)
		}
		return nil, err
	}
	var tally evidence.Tally
	trees := memTreesOf(own, name, &tally, memTree{Ours: true, Namespace: namespaceOf(h, "/proc/self")})
	if h.Live {
		trees = append(trees, foreignTrees(ctx, h, &tally)...)
	}
	choose(trees)
	return trees, tally.Err()
}

func ownMountinfo(h *collector.Host) (text []byte, name string, err error) {
	name = "/proc/self/mountinfo"
	if text, err = h.ReadFile(name, maxMountinfo); err != nil && !h.Live {
		name = "/proc/1/mountinfo"
		text, err = h.ReadFile(name, maxMountinfo)
	}
	return text, name, err
}

// memTreesOf gives the trees of one mountinfo.
func memTreesOf(text []byte, name string, tally *evidence.Tally, like memTree) (trees []memTree) {
	mounts, damaged := parseMemMounts(text)
	if damaged > 0 {
		_ = tally.Add(name, evidence.Cut("%d lines are not of the documented form", damaged))
	}
	all := newMountTree(mounts)
	for i, m := range mounts {
		if !inMemory(m.FSType) {
			continue
		}
		t := like
		t.memMount, t.Why, t.Below = m, all.unreachable(i), all.below(i)
		trees = append(trees, t)
	}
	return trees
}

// namespaceOf gives the inode number of a process's mount namespace
// (namespaces(7): the link is "mnt:[4026531841]"), 0 if it cannot be told.
func namespaceOf(h *collector.Host, proc string) uint64 {
	link, err := h.Readlink(proc + "/ns/mnt")
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(link, "mnt:["), "]"), 10, 64)
	return n
}

// foreignTrees gives those of every other mount namespace, each through the
// process with the lowest number that still lives.
func foreignTrees(ctx context.Context, h *collector.Host, tally *evidence.Tally) (trees []memTree) {
	done := map[uint64]bool{namespaceOf(h, "/proc/self"): true, 0: true}
	for _, pid := range processIDs(h) {
		if ctx.Err() != nil {
			_ = tally.Add("mount namespaces", context.Cause(ctx))
			return trees
		}
		proc := "/proc/" + strconv.Itoa(pid)
		if _, err := h.Readlink(proc + "/ns/mnt"); err != nil {
			_ = tally.Add(proc+"/ns/mnt", err)
			continue
		}
		ns := namespaceOf(h, proc)
		if done[ns] {
			continue
		}
		text, err := h.ReadFile(proc+"/mountinfo", maxMountinfo)
		if err != nil || len(text) == 0 { // empty: it has ended
			_ = tally.Add(proc+"/mountinfo", err)
			continue
		}
		done[ns] = true
		trees = append(trees, memTreesOf(text, proc+"/mountinfo", tally, memTree{Namespace: ns, PID: pid})...)
	}
	return trees
}

// processIDs lists the numbers in /proc, in their order.
func processIDs(h *collector.Host) []int {
	names, _ := h.Names("/proc")
	return numeric(names)
}

// owners are the names of the examined host's users and groups.
type owners struct{ users, groups map[uint32]string }

// readOwners reads passwd(5) and group(5) as far as 4 MiB each; a name that
// they do not give stays unknown (no name service is asked).
func readOwners(h *collector.Host) owners {
	return owners{accountNames(h, "/etc/passwd"), accountNames(h, "/etc/group")}
}

func accountNames(h *collector.Host, file string) map[uint32]string {
	b, err := h.ReadFile(file, 4<<20)
	if err != nil && len(b) == 0 {
		return nil
	}
	return parseAccounts(string(b))
}

// parseAccounts gives the first name of each number: the third field of the
// lines of passwd(5) and group(5).
func parseAccounts(text string) map[uint32]string {
	out := map[uint32]string{}
	for line := range strings.Lines(text) {
		f := strings.SplitN(line, ":", 4)
		if len(f) < 4 {
			continue
		}
		id, err := strconv.ParseUint(f[2], 10, 32)
		if _, known := out[uint32(id)]; err == nil && !known {
			out[uint32(id)] = f[0]
		}
	}
	return out
}

func itoa(n int) string    { return strconv.Itoa(n) }
func utoa(n uint64) string { return strconv.FormatUint(n, 10) }
