package volatile

import (
	"context"
	"runtime"
	"strconv"

	"hozen/collector"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// memTrees finds every file system in memory. The error tells of mount
// namespaces that could not be read; the trees are good all the same.
func memTrees(ctx context.Context, h *collector.Host) ([]memTree, error) {
	if runtime.GOOS != "linux" {
		return nil, evidence.Skip("not on %s", runtime.GOOS)
	}
	own, name, err := proc.OwnMountinfo(h)
	if err != nil {
		if !h.Live {
			return nil, evidence.Skip("not a live host, and its mounts are not told: %v", err)
		}
		return nil, err
	}
	var tally evidence.Tally
	trees := memTreesOf(own, name, &tally, memTree{Ours: true, Namespace: namespaceOf(h, "/proc/self", "mnt")})
	if h.Live {
		trees = append(trees, foreignTrees(ctx, h, &tally)...)
	}
	choose(trees)
	return trees, tally.Err()
}

// memTreesOf gives the trees of one mountinfo.
func memTreesOf(text []byte, name string, tally *evidence.Tally, like memTree) (trees []memTree) {
	mounts, damaged, _ := proc.ParseMounts(string(text))
	if damaged > 0 {
		tally.Add(name, evidence.Cut("%d lines are not of the documented form", damaged))
	}
	all := proc.NewMountTree(mounts)
	for i, m := range mounts {
		if !inMemory(m.Type) {
			continue
		}
		t := like
		t.Mount, t.Why, t.Below = m, all.Unreachable(i), all.Below(i)
		trees = append(trees, t)
	}
	return trees
}

// foreignTrees gives those of every other mount namespace, each through the
// process with the lowest number that still lives.
func foreignTrees(ctx context.Context, h *collector.Host, tally *evidence.Tally) (trees []memTree) {
	done := map[uint64]bool{namespaceOf(h, "/proc/self", "mnt"): true, 0: true}
	pids, err := proc.PIDs(h)
	tally.Add("/proc", err)
	for _, pid := range pids {
		if ctx.Err() != nil {
			tally.Add("mount namespaces", context.Cause(ctx))
			return trees
		}
		dir := "/proc/" + strconv.Itoa(pid)
		if _, err := h.Readlink(dir + "/ns/mnt"); err != nil {
			tally.Add(dir+"/ns/mnt", err)
			continue
		}
		ns := namespaceOf(h, dir, "mnt")
		if done[ns] {
			continue
		}
		text, err := h.ReadFile(dir+"/mountinfo", proc.MaxMountinfo)
		if err != nil || len(text) == 0 { // empty: it has ended
			tally.Add(dir+"/mountinfo", err)
			continue
		}
		done[ns] = true
		trees = append(trees, memTreesOf(text, dir+"/mountinfo", tally, memTree{Namespace: ns, PID: pid})...)
	}
	return trees
}
