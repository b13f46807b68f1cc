package volatile

import (
	"encoding/json"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
)

func TestContainersConform(t *testing.T) {
	needsLinux(t)
	hosttest.Conform(t, Containers(), hosttest.FromTxtar(t, "testdata/hosts/containers.txtar"))
	hosttest.Conform(t, Containers(), collector.ThisHost())
}

func TestContainersFixture(t *testing.T) {
	needsLinux(t)
	s := collectTest(t, Containers(), hosttest.FromTxtar(t, "testdata/hosts/containers.txtar"))
	rows := map[string]ContainerRow{}
	for _, r := range table[ContainerRow](t, s, "volatile/containers.jsonl") {
		rows[r.Runtime+" "+string(r.ID)[:min(len(r.ID), 6)]] = r
	}
	if len(rows) != 6 {
		t.Errorf("%d containers: %v", len(rows), rows)
	}
	d := rows["docker 4f1c8e"]
	got, _ := json.Marshal([]any{d.Name, d.Image, d.ImageID, d.State, d.InitPID, d.PIDs, d.UpperDir, d.Command, d.Mounts, d.Ports, d.NetworkMode, d.PIDMode, d.Privileged,
		d.CapAdd, d.RestartPolicy, d.Labels, d.Environment, d.Networks, d.RootFS, d.Started})
	const want = `["web","alpine:3","sha256:1234","running",900,[900,901],"/var/lib/docker/overlay2/cafe/diff",["/bin/sh","-c","evil"],` +
		`[{"type":"bind","source":"/","destination":"/host","options":["rw"]}],[{"container":"80/tcp","host_ip":"0.0.0.0","host_port":"8080"}],"host","host",true,` +
		`["SYS_ADMIN"],"on-failure:3",[{"name":"a","value":"1"},{"name":"b","value":"2"}],["PATH","TOKEN"],` +
		`[{"name":"bridge","ip":"172.17.0.2","gateway":"172.17.0.1","mac":"02:42:ac:11:00:02"}],"/var/lib/docker/overlay2/cafe/merged","2026-11-20T01:02:04.5Z"]`
	if string(got) != want {
		t.Errorf("docker\n%s\nwant\n%s", got, want)
	}
	// The mounts of the running process contradict the layer store: both are told.
	if b, _ := json.Marshal(d.Differs); !strings.Contains(string(b), `{"source":"/proc/900/mountinfo","fields":["upper_dir"]}`) {
		t.Errorf("differs %s", b)
	}
	p := rows["podman aa1c8e"]
	if p.Name != "db" || p.Image != "docker.io/library/postgres:16" || p.User != "999:999" || !strings.HasSuffix(string(p.UpperDir), "storage/overlay/feed/diff") || p.Capabilities[0] != "CAP_CHOWN" {
		t.Errorf("podman %+v", p)
	}
	if l := rows["lxc box"]; l.Hostname != "box" || len(l.CapDrop) != 2 || l.NetworkMode != "veth" {
		t.Errorf("lxc %+v", l)
	}
	if i := rows["incus inst"]; i.State != "Running" || i.Privileged == nil || !*i.Privileged || i.Environment[0] != "KEY" {
		t.Errorf("incus %+v", i)
	}
	if n := rows["nspawn guest"]; n.InitPID != 950 || n.RootFS != "/var/lib/machines/guest" {
		t.Errorf("nspawn %+v", n)
	}
	if b := rows["docker broken"]; len(b.Sources) != 1 || b.Sources[0].Error == "" {
		t.Errorf("broken %+v", b)
	}
	if r, _ := s.Record("volatile/containers.jsonl"); !r.Shortfall {
		t.Errorf("the broken file is not counted: %+v", r)
	}
	if body := string(s.Body("volatile/containers.jsonl")); strings.Contains(body, "hunter2") || strings.Contains(body, "secret") {
		t.Error("the table holds values of environment variables")
	}
	if !strings.Contains(string(s.Body("volatile/containers/var/lib/docker/containers/broken/config.v2.json")), "/half") {
		t.Error("the broken file was not taken as it is")
	}
	if pods := table[PodRow](t, s, "volatile/containers/pods.jsonl"); len(pods) != 1 || pods[0].Containers[0] != "app" || pods[0].Hosts != "10.1.1.1 pod\n" {
		t.Errorf("pods %+v", pods)
	}
}

func FuzzContainerFiles(f *testing.F) {
	f.Add([]byte(`{"ID":"x","State":{"Pid":1},"MountPoints":{"/a":null},"NetworkSettings":{"Networks":{"n":null}}}`))
	f.Add([]byte("lxc.mount.entry = a b c d\nNAME=x\ncontainer:\n  name: x\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, p := range containerPlaces() {
			if p.parse != nil {
				_, _ = p.parse(stateFile{p, "/var/lib/x/y/z", b})
			}
		}
		_, _ = parseStorageContainers(stateFile{name: "/s/overlay-containers/containers.json", data: b})
	})
}
