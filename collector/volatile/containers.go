package volatile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// Containers takes what control groups and the state directories of docker,
// containerd, podman, CRI-O, runc, crun, LXC, LXD, Incus and systemd-nspawn say
// of containers. No daemon is asked, and no database is opened: those are taken
// as they are. Items:
//
//   - volatile/containers/<path>: each state file as it is;
//   - volatile/containers/places.jsonl: where was looked, and what came of it (ContainerPlace);
//   - volatile/containers/pods.jsonl: the pods that the kubelet keeps (PodRow);
//   - volatile/containers.jsonl: one row for each container (ContainerRow).
func Containers() collector.Collector {
	return collector.Collector{
		Name: "containers", Doc: "containers, from control groups and the runtimes' state files",
		Volatility: collector.Live,
		Limit:      collector.Limit{Time: time.Minute, Bytes: 512 << 20},
		Collect:    collectContainers,
	}
}

// containerPlace is a pattern of state files and the parser that reads them.
type containerPlace struct {
	runtime, pattern string
	parse            func(f stateFile) (ContainerRow, error) // nil: only taken raw
}

// Bounds: of the files that one pattern may match, of one state file, of one database.
const (
	maxStateFiles = 5000
	maxStateFile  = 8 << 20
	maxStateDB    = 256 << 20
)

// containerPlaces lists where the runtimes keep state. Patterns that begin with
// ~ are tried in every home directory, for rootless containers.
func containerPlaces() []containerPlace {
	places := []containerPlace{}
	for _, dir := range []string{"/var/lib/docker", "/var/snap/docker/common/var-lib-docker", "~/.local/share/docker"} {
		places = append(places,
			containerPlace{"docker", dir + "/containers/*/config.v2.json", parseDockerConfig},
			containerPlace{"docker", dir + "/containers/*/hostconfig.json", parseDockerHostConfig},
			containerPlace{"docker", dir + "/image/overlay2/layerdb/mounts/*/mount-id", parseDockerMountID})
	}
	for _, dir := range []string{"/run/containerd", "/run/docker/containerd/daemon", "/run/k3s/containerd", "/run/user/*/docker/containerd/daemon"} {
		task := dir + "/io.containerd.runtime.v2.task/*/*/"
		places = append(places,
			containerPlace{"containerd", task + "config.json", parseOCIConfig},
			containerPlace{"containerd", task + "init.pid", parseInitPID},
			containerPlace{"containerd", task + "address", nil})
	}
	for _, dir := range []string{"/run/runc/*", "/run/containerd/runc/*/*", "/run/docker/runtime-runc/*/*", "/run/user/*/runc/*"} {
		places = append(places, containerPlace{"runc", dir + "/state.json", parseRuncState})
	}
	for _, dir := range []string{"/run/crun/*", "/run/user/*/crun/*"} {
		places = append(places, containerPlace{"crun", dir + "/status", parseCrunStatus})
	}
	for _, dir := range []string{"/var/lib/containers/storage", "~/.local/share/containers/storage", "/run/containers/storage", "/run/user/*/containers"} {
		places = append(places,
			containerPlace{"podman", dir + "/*-containers/*/userdata/config.json", parseOCIConfig},
			containerPlace{"podman", dir + "/*-containers/*/userdata/pidfile", parseInitPID},
			containerPlace{"podman", dir + "/*-containers/containers.json", nil},
			containerPlace{"podman", dir + "/*-containers/volatile-containers.json", nil},
			containerPlace{"podman", dir + "/*-images/images.json", nil},
			containerPlace{"podman", dir + "/db.sql*", nil}, containerPlace{"podman", dir + "/libpod/bolt_state.db", nil})
	}
	for _, dir := range []string{"/var/lib/lxc", "~/.local/share/lxc"} {
		places = append(places, containerPlace{"lxc", dir + "/*/config", parseLXCConfig})
	}
	for runtime, dirs := range map[string][2]string{"lxd": {"/var/lib/lxd", "/var/snap/lxd/common/lxd"}, "incus": {"/var/lib/incus", "/run/incus"}} {
		for _, dir := range dirs {
			places = append(places, containerPlace{runtime, dir + "/containers/*/backup.yaml", parseLXDBackup})
		}
	}
	sortPlaces(places)
	return append(places,
		containerPlace{"nspawn", "/run/systemd/machines/*", parseMachine},
		containerPlace{"containerd", "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db", nil},
		containerPlace{"containerd", "/var/lib/rancher/k3s/agent/containerd/io.containerd.metadata.v1.bolt/meta.db", nil},
		containerPlace{"docker", "/var/lib/docker/network/files/local-kv.db", nil},
		containerPlace{"docker", "/var/lib/docker/image/overlay2/repositories.json", nil})
}

// ContainerPlace is one row of volatile/containers/places.jsonl.
type ContainerPlace struct {
	Runtime string     `json:"runtime"`
	Pattern jsonl.Text `json:"pattern"`
	Files   int        `json:"files"`
	Error   jsonl.Text `json:"error,omitempty"` // the first; a place that is not there has none
}

// stateFile is a state file that was found and read.
type stateFile struct {
	place containerPlace
	name  string
	data  []byte
}

// find lists the files of a place; what goes wrong is in the row and the tally.
func (p containerPlace) find(h *collector.Host, homes []string, hung *hangGuard, tally *evidence.Tally) (names []string, row ContainerPlace) {
	row = ContainerPlace{Runtime: p.runtime, Pattern: jsonl.Text(p.pattern)}
	note := func(what string, err error) {
		tally.Add(what, err)
		if row.Error == "" {
			row.Error = jsonl.Text(what + ": " + err.Error())
		}
	}
	patterns := []string{p.pattern}
	if strings.HasPrefix(p.pattern, "~/") {
		patterns = nil
		for _, home := range homes {
			patterns = append(patterns, home+p.pattern[1:])
		}
	}
	for _, pattern := range patterns {
		fixed, _, _ := strings.Cut(pattern, "*")
		if why := hung.refuse(fixed); why != "" {
			note(fixed, evidence.Cut("%s", why))
			continue
		}
		for _, name := range hostGlob(h, pattern, maxStateFiles, note) {
			if why := hung.refuse(name); why != "" {
				note(name, evidence.Cut("%s", why))
				continue
			}
			m, err := h.Lstat(name)
			switch {
			case err == nil && m.Mode&evidence.ModeType == evidence.ModeSymlink && p.runtime == "nspawn":
				// The name of the unit, as a link to the machine of the same table.
			case err == nil:
				names = append(names, name)
			case !errors.Is(err, fs.ErrNotExist):
				note(name, err)
			}
		}
	}
	row.Files = len(names)
	return names, row
}

func collectContainers(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	var tally evidence.Tally
	var places []ContainerPlace
	var files []stateFile
	homes, hung := homeDirs(h), newHangGuard(h)
	for _, p := range containerPlaces() {
		if ctx.Err() != nil {
			tally.Add(p.pattern, context.Cause(ctx))
			break
		}
		names, row := p.find(h, homes, hung, &tally)
		places = append(places, row)
		for _, name := range names {
			files = append(files, stateFile{place: p, name: name})
		}
	}
	err := to.Put(ctx, evidence.Item{Path: "volatile/containers/places.jsonl", Source: "state directories of container runtimes"}, func(w io.Writer) error {
		if err := jsonl.Write(w, places); err != nil {
			return err
		}
		return tally.Err()
	})
	if err != nil {
		return err
	}
	for _, f := range files {
		if ctx.Err() != nil {
			break
		}
		if err := putStateFile(ctx, h, to, f); err != nil {
			return err
		}
	}
	if err := putPods(ctx, h, to); err != nil {
		return err
	}
	return to.Put(ctx, evidence.Item{Path: "volatile/containers.jsonl", Source: "/proc/*/cgroup, state files of container runtimes"}, asked(h, func(w io.Writer) error {
		rows, err := containerRows(ctx, h, files)
		if err := jsonl.Write(w, rows); err != nil {
			return err
		}
		return err
	}))
}

func putStateFile(ctx context.Context, h *collector.Host, to evidence.Sink, f stateFile) error {
	item := evidence.Item{Path: "volatile/containers" + f.name, Source: f.name}
	item.File, _ = h.Lstat(f.name)
	limit := int64(maxStateFile)
	if strings.Contains(f.name, ".db") || strings.Contains(f.name, "db.sql") {
		limit = maxStateDB
	}
	item.Limit = limit
	return to.Put(ctx, item, func(w io.Writer) error { return h.Copy(w, f.name, limit) })
}

// PodRow is a pod of the kubelet (/var/lib/kubelet/pods/UID).
type PodRow struct {
	UID        jsonl.Text   `json:"uid"`
	Path       jsonl.Text   `json:"path"`
	Containers []jsonl.Text `json:"containers"` // names of the directories below containers/
	Volumes    []jsonl.Text `json:"volumes"`    // kinds of volumes
	Hosts      jsonl.Text   `json:"hosts,omitempty"`
	Cut        []string     `json:"cut,omitempty"` // fields of which only the beginning is here
}

func putPods(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	const dir = "/var/lib/kubelet/pods"
	return to.Put(ctx, evidence.Item{Path: "volatile/containers/pods.jsonl", Source: dir}, func(w io.Writer) error {
		uids, err := h.Names(dir)
		if err != nil {
			return err
		}
		var rows []PodRow
		for _, uid := range uids[:min(len(uids), maxStateFiles)] {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			row := PodRow{UID: jsonl.Text(uid), Path: jsonl.Text(dir + "/" + uid)}
			names, _ := h.Names(dir + "/" + uid + "/containers")
			row.Containers = jsonl.Texts(names)
			names, _ = h.Names(dir + "/" + uid + "/volumes")
			row.Volumes = jsonl.Texts(names)
			hosts, _ := h.ReadFile(dir+"/"+uid+"/etc-hosts", 64<<10)
			row.Hosts = jsonl.Text(hosts)
			row.Cut = clipRow(&row)
			rows = append(rows, row)
		}
		return jsonl.Write(w, rows)
	})
}
