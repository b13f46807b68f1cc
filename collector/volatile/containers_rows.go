package volatile

import (
	"cmp"
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// ContainerRow is one container. Each fact is from the first source that told
// it; sources says which told what, differs which told something else. Values of
// environment variables are in the raw state files only.
type ContainerRow struct {
	Runtime       string             `json:"runtime"` // docker, containerd, podman, crio, runc, crun, lxc, lxd, incus, nspawn …
	ID            jsonl.Text         `json:"id"`
	Name          jsonl.Text         `json:"name,omitempty"`
	Image         jsonl.Text         `json:"image,omitempty"`
	ImageID       jsonl.Text         `json:"image_id,omitempty"`
	Created       jsonl.Text         `json:"created,omitempty"` // times as the runtime wrote them
	Started       jsonl.Text         `json:"started,omitempty"`
	Finished      jsonl.Text         `json:"finished,omitempty"`
	State         jsonl.Text         `json:"state,omitempty"` // as the runtime's files say; pids tell who runs
	InitPID       int                `json:"init_pid,omitempty"`
	PIDs          []int              `json:"pids,omitempty"` // of the processes in its control groups
	RootFS        jsonl.Text         `json:"rootfs,omitempty"`
	UpperDir      jsonl.Text         `json:"upper_dir,omitempty"` // what was written in the container
	Command       []jsonl.Text       `json:"command,omitempty"`
	User          jsonl.Text         `json:"user,omitempty"`
	Hostname      jsonl.Text         `json:"hostname,omitempty"`
	Mounts        []ContainerMount   `json:"mounts,omitempty"`
	Ports         []ContainerPort    `json:"ports,omitempty"`
	NetworkMode   jsonl.Text         `json:"network_mode,omitempty"`
	Networks      []ContainerNetwork `json:"networks,omitempty"`
	PIDMode       jsonl.Text         `json:"pid_mode,omitempty"`
	Privileged    *bool              `json:"privileged,omitempty"`
	Capabilities  []jsonl.Text       `json:"capabilities,omitempty"` // the bounding set
	CapAdd        []jsonl.Text       `json:"cap_add,omitempty"`
	CapDrop       []jsonl.Text       `json:"cap_drop,omitempty"`
	SecurityOpt   []jsonl.Text       `json:"security_opt,omitempty"`
	RestartPolicy jsonl.Text         `json:"restart_policy,omitempty"`
	Labels        []NamedString      `json:"labels,omitempty"`
	Environment   []jsonl.Text       `json:"environment_names,omitempty"`
	Cgroup        jsonl.Text         `json:"cgroup,omitempty"`
	Sources       []ContainerSource  `json:"sources"`
	Differs       []ContainerSource  `json:"differs,omitempty"`
	Cut           []string           `json:"cut,omitempty"` // fields of which only the beginning is here; the state files are taken whole
}

// ContainerMount is a mount of a container as its configuration says.
type ContainerMount struct {
	Type        jsonl.Text   `json:"type,omitempty"`
	Source      jsonl.Text   `json:"source"`
	Destination jsonl.Text   `json:"destination"`
	Options     []jsonl.Text `json:"options,omitempty"`
}

// ContainerPort is a port that is published on the host.
type ContainerPort struct {
	Container jsonl.Text `json:"container"` // "80/tcp"
	HostIP    jsonl.Text `json:"host_ip,omitempty"`
	HostPort  jsonl.Text `json:"host_port,omitempty"`
}

// ContainerNetwork is an address on a network.
type ContainerNetwork struct {
	Name    jsonl.Text `json:"name"`
	IP      jsonl.Text `json:"ip,omitempty"`
	Gateway jsonl.Text `json:"gateway,omitempty"`
	MAC     jsonl.Text `json:"mac,omitempty"`
}

// ContainerSource says which fields a source told.
type ContainerSource struct {
	Source jsonl.Text `json:"source"`
	Fields []string   `json:"fields"`
	Error  jsonl.Text `json:"error,omitempty"` // why the source could not be understood (to its end)
}

// containerSet gathers containers by id. An id of 64 hexadecimal digits is the
// same container whichever runtime's files name it: docker's are containerd's
// and runc's as well.
type containerSet struct {
	rows  map[string]*ContainerRow
	tally evidence.Tally
}

// maxContainers bounds the rows: a file of one storage may list any number.
const maxContainers = 20_000

func (s *containerSet) add(part ContainerRow, source string, err error) {
	err = clipError(err)
	s.tally.Add(source, err)
	part.Cut = clipRow(&part)
	if part.ID == "" {
		return
	}
	key := part.Runtime + ":" + string(part.ID)
	if len(part.ID) == 64 && proc.IsHex(string(part.ID), 64) {
		key = string(part.ID)
	}
	row := s.rows[key]
	if row == nil && len(s.rows) >= maxContainers {
		s.tally.Add(source, evidence.Cut("more than %d containers", maxContainers))
		return
	}
	if row == nil {
		row = &ContainerRow{Runtime: part.Runtime, ID: part.ID}
		s.rows[key] = row
	}
	if lowLevel(part.Runtime) < lowLevel(row.Runtime) {
		row.Runtime = part.Runtime
	}
	row.merge(part, source, err)
}

// lowLevel orders runtimes by who works for whom: docker's containers are
// containerd's, and those are runc's; the name that the administrator uses wins.
func lowLevel(runtime string) int {
	switch runtime {
	case "containerd":
		return 1
	case "runc", "crun":
		return 2
	}
	return 0
}

// maxSources bounds the sources that one container is told of: a file that names
// it often is one each time.
const maxSources = 256

// merge takes the facts of part that are not known yet.
func (r *ContainerRow) merge(part ContainerRow, source string, err error) {
	r.Cut = addNames(r.Cut, part.Cut...)
	if len(r.Sources) >= maxSources {
		r.Cut = addNames(r.Cut, "sources")
		return
	}
	var told, differs []string
	to, from := reflect.ValueOf(r).Elem(), reflect.ValueOf(part)
	for i := range to.NumField() {
		name, _, _ := strings.Cut(to.Type().Field(i).Tag.Get("json"), ",")
		if name == "sources" || name == "differs" || name == "cut" || name == "id" || from.Field(i).IsZero() {
			continue
		}
		switch {
		case to.Field(i).IsZero():
			to.Field(i).Set(from.Field(i))
			told = append(told, name)
		case reflect.DeepEqual(to.Field(i).Interface(), from.Field(i).Interface()):
			told = append(told, name)
		default:
			differs = append(differs, name)
		}
	}
	s := ContainerSource{Source: jsonl.Text(source), Fields: told}
	if err != nil {
		s.Error = jsonl.Text(err.Error())
	}
	r.Sources = append(r.Sources, s)
	if differs = slices.DeleteFunc(differs, func(n string) bool { return n == "runtime" }); len(differs) > 0 {
		r.Differs = append(r.Differs, ContainerSource{Source: jsonl.Text(source), Fields: differs})
	}
}

// containerRows reads the state files and the control groups.
func containerRows(ctx context.Context, h *collector.Host, files []stateFile) ([]ContainerRow, error) {
	s := &containerSet{rows: map[string]*ContainerRow{}}
	for _, f := range files {
		if ctx.Err() != nil {
			s.tally.Add(f.name, context.Cause(ctx))
			break
		}
		s.file(h, f)
	}
	s.cgroups(ctx, h)
	rows := make([]ContainerRow, 0, len(s.rows))
	for _, key := range sortedKeys(s.rows) {
		r := s.rows[key]
		s.upper(h, r)
		rows = append(rows, *r)
	}
	sorting.By(rows, func(a, b ContainerRow) int {
		return cmp.Or(cmp.Compare(a.Runtime, b.Runtime), cmp.Compare(a.ID, b.ID))
	})
	return rows, s.tally.Err()
}

func (s *containerSet) file(h *collector.Host, f stateFile) {
	list := strings.HasSuffix(f.name, "containers.json") // of a whole storage
	if f.place.parse == nil && !list {
		return
	}
	r, err := h.Open(f.name)
	if err != nil {
		s.tally.Add(f.name, err)
		return
	}
	defer r.Close()
	if f.data, err = readBounded(r, maxStateFile); err != nil {
		s.tally.Add(f.name, err)
		return
	}
	if list {
		parts, err := parseStorageContainers(f)
		s.tally.Add(f.name, clipError(err))
		for _, p := range parts {
			s.add(p, f.name, nil)
		}
		return
	}
	part, err := f.place.parse(f)
	if part.Runtime == "" {
		part.Runtime = f.place.runtime
	}
	s.add(part, f.name, err)
}

// cgroups adds the processes that control groups put into containers.
func (s *containerSet) cgroups(ctx context.Context, h *collector.Host) {
	found := map[string]*ContainerRow{}
	pids, err := proc.PIDs(h)
	if err != nil && !ended(err) {
		s.tally.Add("/proc", err)
	}
	for _, pid := range pids {
		if ctx.Err() != nil {
			s.tally.Add("/proc/PID/cgroup", context.Cause(ctx))
			break
		}
		text, err := h.ReadFile("/proc/"+strconv.Itoa(pid)+"/cgroup", 64<<10)
		if err != nil && !ended(err) {
			s.tally.Add("/proc/"+strconv.Itoa(pid)+"/cgroup", err)
		}
		runtime, id := proc.Container(string(text))
		if id == "" {
			continue
		}
		key := runtime + ":" + id
		if found[key] == nil {
			found[key] = &ContainerRow{Runtime: runtime, ID: jsonl.Text(id), Cgroup: jsonl.Text(cgroupPath(string(text), id))}
		}
		found[key].PIDs = append(found[key].PIDs, pid)
	}
	for _, key := range sortedKeys(found) {
		s.add(*found[key], "/proc/PID/cgroup", nil)
	}
}

func ended(err error) bool {
	o, _, _ := evidence.Classify(err, 0)
	return o == evidence.Absent
}

// cgroupPath gives the first path that names the container.
func cgroupPath(text, id string) string {
	for line := range strings.Lines(text) {
		if f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3); len(f) == 3 && strings.Contains(f[2], id) {
			return f[2]
		}
	}
	return ""
}

// upper asks the mounts of a process of the container for the directory that
// takes its writes (Documentation/filesystems/overlayfs.rst, upperdir).
func (s *containerSet) upper(h *collector.Host, r *ContainerRow) {
	if len(r.PIDs) == 0 {
		return
	}
	name := "/proc/" + strconv.Itoa(r.PIDs[0]) + "/mountinfo"
	text, err := h.ReadFile(name, proc.MaxMountinfo)
	if err != nil && !ended(err) {
		s.tally.Add(name, err)
	}
	mounts, _, _ := proc.ParseMounts(string(text))
	for _, m := range mounts {
		if m.Point != "/" || m.Type != "overlay" {
			continue
		}
		for _, o := range strings.Split(m.Super, ",") {
			if dir, ok := strings.CutPrefix(o, "upperdir="); ok {
				part := ContainerRow{UpperDir: jsonl.Text(proc.UnescapeOctal(dir))}
				part.Cut = clipRow(&part)
				r.merge(part, name, nil)
			}
		}
	}
}

// object decodes JSON whose order is kept only where it is a list.
func object[T any](data []byte) (v T, err error) {
	err = json.Unmarshal(data, &v)
	return v, err
}
