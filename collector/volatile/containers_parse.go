package volatile

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// readBounded reads all, or at most limit bytes and an evidence.Cut.
func readBounded(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if int64(len(b)) > limit {
		return b[:limit], evidence.Cut("longer than %d bytes", limit)
	}
	return b, err
}

func sortPlaces(p []containerPlace) {
	sorting.By(p, func(a, b containerPlace) int { return strings.Compare(a.runtime, b.runtime) })
}

// up gives the name of the n-th directory above a file.
func up(name string, n int) string {
	for range n {
		name = path.Dir(name)
	}
	return path.Base(name)
}

func namedStrings[V ~string](m map[string]V) (out []NamedString) {
	for _, k := range sortedKeys(m) {
		out = append(out, NamedString{jsonl.Text(k), jsonl.Text(m[k])})
	}
	return out
}

// variableNames gives the names of NAME=VALUE strings.
func variableNames(env []string) (out []jsonl.Text) {
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		out = append(out, jsonl.Text(name))
	}
	return out
}

// parseDockerConfig reads config.v2.json (moby daemon/container/container.go).
func parseDockerConfig(f stateFile) (ContainerRow, error) {
	type network struct{ IPAddress, Gateway, MacAddress string }
	c, err := object[struct {
		ID, Created, Path, Name, Image string
		Args                           []string
		State                          struct {
			Running, Paused, Restarting, Dead bool
			Pid                               int
			StartedAt, FinishedAt             string
		}
		Config struct {
			Hostname, User, Image string
			Env                   []string
			Labels                map[string]string
		}
		NetworkSettings struct{ Networks map[string]*network }
		MountPoints     map[string]*struct {
			Source, Destination, Type, Name string
			RW                              bool
		}
	}](f.data)
	row := ContainerRow{
		Runtime: "docker", ID: jsonl.Text(up(f.name, 1)), Name: jsonl.Text(strings.TrimPrefix(c.Name, "/")), Image: jsonl.Text(c.Config.Image), ImageID: jsonl.Text(c.Image),
		Created: jsonl.Text(c.Created), Started: jsonl.Text(c.State.StartedAt), Finished: jsonl.Text(c.State.FinishedAt), InitPID: c.State.Pid,
		User: jsonl.Text(c.Config.User), Hostname: jsonl.Text(c.Config.Hostname), Labels: namedStrings(c.Config.Labels), Environment: variableNames(c.Config.Env),
	}
	if c.Path != "" {
		row.Command = jsonl.Texts(append([]string{c.Path}, c.Args...))
	}
	if err == nil {
		row.State = dockerState(c.State.Running, c.State.Paused, c.State.Restarting, c.State.Dead)
	}
	for _, k := range sortedKeys(c.NetworkSettings.Networks) {
		if n := c.NetworkSettings.Networks[k]; n != nil {
			row.Networks = append(row.Networks, ContainerNetwork{jsonl.Text(k), jsonl.Text(n.IPAddress), jsonl.Text(n.Gateway), jsonl.Text(n.MacAddress)})
		}
	}
	for _, k := range sortedKeys(c.MountPoints) {
		if m := c.MountPoints[k]; m != nil {
			rw := map[bool]jsonl.Text{true: "rw", false: "ro"}[m.RW]
			row.Mounts = append(row.Mounts, ContainerMount{jsonl.Text(m.Type), jsonl.Text(m.Source), jsonl.Text(m.Destination), []jsonl.Text{rw}})
		}
	}
	if c.ID != "" && c.ID != string(row.ID) && err == nil {
		err = fmt.Errorf("names itself %q", c.ID)
	}
	return row, err
}

func dockerState(running, paused, restarting, dead bool) jsonl.Text {
	switch {
	case dead:
		return "dead"
	case restarting:
		return "restarting"
	case paused:
		return "paused"
	case running:
		return "running"
	}
	return "exited"
}

// parseDockerHostConfig reads hostconfig.json (moby api/types/container/hostconfig.go).
func parseDockerHostConfig(f stateFile) (ContainerRow, error) {
	c, err := object[struct {
		NetworkMode, PidMode         string
		Privileged                   *bool
		CapAdd, CapDrop, SecurityOpt []string
		RestartPolicy                struct {
			Name              string
			MaximumRetryCount int
		}
		PortBindings map[string][]struct{ HostIp, HostPort string }
	}](f.data)
	row := ContainerRow{
		Runtime: "docker", ID: jsonl.Text(up(f.name, 1)), NetworkMode: jsonl.Text(c.NetworkMode), PIDMode: jsonl.Text(c.PidMode), Privileged: c.Privileged,
		CapAdd: jsonl.Texts(c.CapAdd), CapDrop: jsonl.Texts(c.CapDrop), SecurityOpt: jsonl.Texts(c.SecurityOpt), RestartPolicy: jsonl.Text(c.RestartPolicy.Name),
	}
	if n := c.RestartPolicy.MaximumRetryCount; n > 0 {
		row.RestartPolicy += jsonl.Text(":" + strconv.Itoa(n))
	}
	for _, k := range sortedKeys(c.PortBindings) {
		for _, b := range c.PortBindings[k] {
			row.Ports = append(row.Ports, ContainerPort{jsonl.Text(k), jsonl.Text(b.HostIp), jsonl.Text(b.HostPort)})
		}
	}
	return row, err
}

// parseDockerMountID reads the name of the overlay2 layer that takes the
// container's writes (moby layer/filestore.go).
func parseDockerMountID(f stateFile) (ContainerRow, error) {
	id := strings.TrimSpace(string(f.data))
	if id == "" || strings.ContainsAny(id, "/\x00") || len(id) > 255 {
		return ContainerRow{}, fmt.Errorf("not the name of a layer")
	}
	root, _, _ := strings.Cut(f.name, "/image/overlay2/")
	return ContainerRow{Runtime: "docker", ID: jsonl.Text(up(f.name, 1)), UpperDir: jsonl.Text(root + "/overlay2/" + id + "/diff")}, nil
}

// parseOCIConfig reads the config.json of a bundle (OCI runtime specification,
// config.md), and the annotations by which CRI plugins and podman name things.
func parseOCIConfig(f stateFile) (ContainerRow, error) {
	c, err := object[struct {
		Hostname string
		Root     struct{ Path string }
		Process  struct {
			Args, Env []string
			User      struct{ UID, GID uint32 }

			Capabilities struct{ Bounding []string }
		}
		Mounts []struct {
			Destination, Type, Source string
			Options                   []string
		}
		Annotations map[string]string
		Linux       struct{ CgroupsPath string }
	}](f.data)
	id := up(f.name, 1)
	if id == "userdata" {
		id = up(f.name, 2)
	}
	row := ContainerRow{
		ID: jsonl.Text(id), Hostname: jsonl.Text(c.Hostname), RootFS: jsonl.Text(c.Root.Path), Command: jsonl.Texts(c.Process.Args),
		Environment: variableNames(c.Process.Env), Capabilities: jsonl.Texts(c.Process.Capabilities.Bounding),
		Labels: namedStrings(c.Annotations), Cgroup: jsonl.Text(c.Linux.CgroupsPath),
	}
	if err == nil {
		row.User = jsonl.Text(fmt.Sprintf("%d:%d", c.Process.User.UID, c.Process.User.GID))
	}
	for _, m := range c.Mounts {
		row.Mounts = append(row.Mounts, ContainerMount{jsonl.Text(m.Type), jsonl.Text(m.Source), jsonl.Text(m.Destination), jsonl.Texts(m.Options)})
	}
	first := func(keys ...string) jsonl.Text {
		for _, k := range keys {
			if v := c.Annotations[k]; v != "" {
				return jsonl.Text(v)
			}
		}
		return ""
	}
	row.Name = first("io.kubernetes.cri.container-name", "io.kubernetes.container.name", "io.container.manager.name")
	row.Image = first("io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName", "org.opencontainers.image.ref.name")
	row.Created = first("io.kubernetes.cri-o.Created", "org.opencontainers.image.created")
	if first("io.container.manager") == "cri-o" || c.Annotations["io.kubernetes.cri-o.ContainerType"] != "" {
		row.Runtime = "crio"
	}
	return row, err
}

// parseInitPID reads a file that holds one process id.
func parseInitPID(f stateFile) (ContainerRow, error) {
	id := up(f.name, 1)
	if id == "userdata" {
		id = up(f.name, 2)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(f.data)))
	return ContainerRow{ID: jsonl.Text(id), InitPID: max(pid, 0)}, err
}

// parseRuncState reads state.json of runc (libcontainer/container_linux.go).
func parseRuncState(f stateFile) (ContainerRow, error) {
	c, err := object[struct {
		ID      string `json:"id"`
		Pid     int    `json:"init_process_pid"`
		Created string `json:"created"`
		Config  struct {
			Rootfs   string `json:"rootfs"`
			Hostname string `json:"hostname"`
			Cgroups  struct {
				Path string `json:"path"`
				Name string `json:"name"`
			} `json:"cgroups"`
			Capabilities struct{ Bounding []string } `json:"capabilities"`
			Labels       []string                    `json:"labels"`
		} `json:"config"`
	}](f.data)
	row := ContainerRow{
		ID: jsonl.Text(up(f.name, 1)), InitPID: c.Pid, Created: jsonl.Text(c.Created), RootFS: jsonl.Text(c.Config.Rootfs),
		Hostname: jsonl.Text(c.Config.Hostname), Cgroup: jsonl.Text(c.Config.Cgroups.Path), Capabilities: jsonl.Texts(c.Config.Capabilities.Bounding),
	}
	for _, l := range c.Config.Labels {
		name, value, _ := strings.Cut(l, "=")
		row.Labels = append(row.Labels, NamedString{jsonl.Text(name), jsonl.Text(value)})
	}
	return row, err
}

// parseCrunStatus reads the status file of crun (src/libcrun/status.c).
func parseCrunStatus(f stateFile) (ContainerRow, error) {
	c, err := object[struct {
		Pid        int    `json:"pid"`
		Rootfs     string `json:"rootfs"`
		Created    string `json:"created"`
		CgroupPath string `json:"cgroup-path"`
	}](f.data)
	return ContainerRow{ID: jsonl.Text(up(f.name, 1)), InitPID: c.Pid, RootFS: jsonl.Text(c.Rootfs), Created: jsonl.Text(c.Created), Cgroup: jsonl.Text(c.CgroupPath)}, err
}

// parseStorageContainers reads containers.json of containers/storage
// (pkg containers.go), which podman and CRI-O share.
func parseStorageContainers(f stateFile) (rows []ContainerRow, err error) {
	list, err := object[[]struct {
		ID       string   `json:"id"`
		Names    []string `json:"names"`
		Image    string   `json:"image"`
		Layer    string   `json:"layer"`
		Metadata string   `json:"metadata"`
		Created  string   `json:"created"`
	}](f.data)
	for _, c := range list {
		row := ContainerRow{Runtime: "podman", ID: jsonl.Text(c.ID), ImageID: jsonl.Text(c.Image), Created: jsonl.Text(c.Created)}
		if len(c.Names) > 0 {
			row.Name = jsonl.Text(c.Names[0])
		}
		var meta map[string]any
		if json.Unmarshal([]byte(c.Metadata), &meta) == nil {
			if s, ok := meta["image-name"].(string); ok {
				row.Image = jsonl.Text(s)
			}
			if _, pod := meta["pod-name"]; pod {
				row.Runtime = "crio"
			}
		}
		if driver, ok := strings.CutSuffix(up(f.name, 1), "-containers"); ok && driver == "overlay" && c.Layer != "" {
			row.UpperDir = jsonl.Text(path.Join(path.Dir(path.Dir(f.name)), driver) + "/" + c.Layer + "/diff")
		}
		rows = append(rows, row)
	}
	return rows, err
}

// parseLXCConfig reads a container's config (lxc.container.conf(5)).
func parseLXCConfig(f stateFile) (ContainerRow, error) {
	row := ContainerRow{Runtime: "lxc", ID: jsonl.Text(up(f.name, 1))}
	for line := range strings.Lines(string(f.data)) {
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		switch v := jsonl.Text(value); key {
		case "lxc.uts.name", "lxc.utsname":
			row.Hostname = v
		case "lxc.rootfs.path", "lxc.rootfs":
			row.RootFS = v
		case "lxc.net.0.type", "lxc.network.type":
			row.NetworkMode = v
		case "lxc.cap.drop":
			row.CapDrop = append(row.CapDrop, jsonl.Texts(strings.Fields(value))...)
		case "lxc.cap.keep":
			row.Capabilities = append(row.Capabilities, jsonl.Texts(strings.Fields(value))...)
		case "lxc.environment":
			row.Environment = append(row.Environment, variableNames([]string{value})...)
		case "lxc.mount.entry":
			if m := strings.Fields(value); len(m) >= 4 {
				row.Mounts = append(row.Mounts, ContainerMount{jsonl.Text(m[2]), jsonl.Text(m[0]), jsonl.Text(m[1]), jsonl.Texts(strings.Split(m[3], ","))})
			}
		}
	}
	return row, nil
}

// parseLXDBackup reads backup.yaml of LXD and Incus (internal/server/backup/config).
func parseLXDBackup(f stateFile) (ContainerRow, error) {
	type instance struct {
		Name      string            `yaml:"name"`
		Status    string            `yaml:"status"`
		CreatedAt string            `yaml:"created_at"`
		Config    map[string]string `yaml:"expanded_config"`
	}
	var c struct {
		Container *instance `yaml:"container"`
		Instance  *instance `yaml:"instance"`
	}
	err := yaml.Unmarshal(f.data, &c)
	row := ContainerRow{ID: jsonl.Text(up(f.name, 1)), RootFS: jsonl.Text(path.Dir(f.name) + "/rootfs")}
	i := c.Container
	if i == nil {
		i = c.Instance
	}
	if i == nil {
		return row, err
	}
	row.Name, row.State, row.Created = jsonl.Text(i.Name), jsonl.Text(i.Status), jsonl.Text(i.CreatedAt)
	row.Image, row.ImageID = jsonl.Text(i.Config["image.description"]), jsonl.Text(i.Config["volatile.base_image"])
	if v, ok := i.Config["security.privileged"]; ok {
		yes := v == "true"
		row.Privileged = &yes
	}
	for _, k := range sortedKeys(i.Config) {
		if name, ok := strings.CutPrefix(k, "environment."); ok {
			row.Environment = append(row.Environment, jsonl.Text(name))
		}
	}
	return row, err
}

// parseMachine reads a state file of systemd-machined (src/machine/machine.c).
func parseMachine(f stateFile) (ContainerRow, error) {
	row := ContainerRow{ID: jsonl.Text(path.Base(f.name))}
	for _, v := range parseAssignments(string(f.data)) {
		switch v.Name {
		case "NAME":
			row.Name = v.Value
		case "SERVICE":
			row.Runtime = strings.TrimPrefix(string(v.Value), "systemd-")
		case "ROOT":
			row.RootFS = v.Value
		case "SCOPE":
			row.Cgroup = v.Value
		case "LEADER":
			row.InitPID, _ = strconv.Atoi(string(v.Value))
		case "TIMESTAMP", "REALTIME":
			row.Started = v.Value
		}
	}
	return row, nil
}
