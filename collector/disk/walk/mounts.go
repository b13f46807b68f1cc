package walk

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"hozen/collector"
	"hozen/collector/proc"
	"hozen/packager/evidence/sorting"
)

// A Mount is one mount of the examined host, and whether it is walked.
type Mount struct {
	proc.Mount
	// Path is the mount point on the examined host; with a Root, as seen from there.
	Path string
	// Why it is not walked; "" if it is.
	Why string
	// Same names the mount points of other mounts that show the same file system, or a
	// part of it, which need not be walked again.
	Same []string
}

// LocalMounts lists what is mounted on the host, in the order of their paths, and says
// which mounts are walked: all file systems on disks of this machine and in its memory,
// each once. Those of other machines and those that a program serves (FUSE) are walked
// only if all asks for them; those that the kernel makes up (/proc) never. The file
// system of the host's "/" is walked whatever it is.
//
// On a live Windows the mounts are its drives; fixed ones are walked. Elsewhere, on a live host it reads /proc/self/mountinfo. With a Root it tells of the tree itself and
// of what is mounted below it here. An image is one mount on "/". With an error, what
// was understood is given; it always has "/".
func LocalMounts(h *collector.Host, all bool) ([]Mount, error) {
	root := proc.Mount{Root: "/", Point: "/", Type: "image"}
	if h.Image != nil {
		return []Mount{{Mount: root, Path: "/"}}, nil
	}
	if h.Drives != nil {
		return drives(h, all)
	}
	root.Type = "directory"
	ours := &collector.Host{Root: "/", Live: true}
	text, err := ours.ReadFile("/proc/self/mountinfo", proc.MaxMountinfo)
	parsed, bad, perr := proc.ParseMounts(string(text))
	if runtime.GOOS != "linux" {
		err = nil // there is no such file, and nothing is amiss
	}
	if err == nil && bad > 0 {
		err = fmt.Errorf("%d lines of mountinfo not understood, the first: %w", bad, perr)
	}
	top := "/"
	if h.Root != "/" && h.Root != "" {
		if top, err = realPath(h.Root, err); err != nil {
			return []Mount{{Mount: root, Path: "/"}}, err
		}
	}
	return choose(parsed, top, root, all), err
}

func realPath(name string, before error) (string, error) {
	abs, err := filepath.Abs(name)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return name, err
	}
	return abs, before
}

// choose decides about every mount at or below top.
func choose(parsed []proc.Mount, top string, root proc.Mount, all bool) (out []Mount) {
	hides := proc.NewMountTree(parsed)
	base, found := proc.MountAt(parsed, top)
	for i, m := range parsed {
		isBase := found && m.ID == base.ID
		if !isBase && !proc.Beneath(m.Point, top) {
			continue
		}
		one := Mount{Mount: m, Path: "/" + strings.TrimPrefix(strings.TrimPrefix(m.Point, top), "/")}
		switch {
		case isBase:
			one.Path, one.Root = "/", path.Join(m.Root, "/", strings.TrimPrefix(top, strings.TrimSuffix(m.Point, "/")))
		case hides.Unreachable(i) != "":
			one.Why = hides.Unreachable(i)
		default:
			one.Why = notWalked(m, all)
		}
		out = append(out, one)
	}
	if !found {
		out = append(out, Mount{Mount: root, Path: "/"})
	}
	once(out)
	sorting.By(out, func(a, b Mount) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.ID, b.ID)) })
	return out
}

// once lets each file system be walked once: where its root is mounted, or the largest
// part of it that is. A base that shows a part of its file system hides nothing else of it.
func once(mounts []Mount) {
	order := make([]int, 0, len(mounts))
	for i := range mounts {
		if mounts[i].Why == "" {
			order = append(order, i)
		}
	}
	sorting.By(order, func(i, j int) int {
		a, b := &mounts[i], &mounts[j]
		return cmp.Or(cmp.Compare(len(a.Root), len(b.Root)), cmp.Compare(len(a.Path), len(b.Path)), cmp.Compare(a.Path, b.Path))
	})
	walked := map[string][]int{}
	for _, i := range order {
		m := &mounts[i]
		for _, j := range walked[m.Device] {
			if w := &mounts[j]; m.Path != "/" && proc.Under(m.Root, w.Root) && m.Type == w.Type {
				m.Why = "the same file system is walked on " + w.Path
				w.Same = append(w.Same, m.Path)
				break
			}
		}
		if m.Why == "" {
			walked[m.Device] = append(walked[m.Device], i)
		}
	}
}

// RootsOf gives the roots of the mounts that are walked, for Options.Roots. What is
// mounted below them and not walked is not even looked at where that may hang.
func RootsOf(mounts []Mount) (roots []Root) {
	stops := map[string]string{}
	for i := range mounts {
		m := &mounts[i]
		switch {
		case m.Path == "/":
		case m.Why == "":
			stops[m.Path] = ""
		case stops[m.Path] == "" && !has(stops, m.Path):
			stops[m.Path] = "a " + m.Type + " is mounted here, which is not walked: " + m.Why
		}
	}
	for i := range mounts {
		if m := &mounts[i]; m.Why == "" {
			roots = append(roots, Root{Path: m.Path, Stops: stops})
		}
	}
	return roots
}

func has(m map[string]string, key string) bool {
	_, ok := m[key]
	return ok
}
