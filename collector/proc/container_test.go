package proc

import (
	"strings"
	"testing"
)

func TestContainerID(t *testing.T) {
	const id = "52f000ef84e67d31e429697bb506e26552f000ef84e67d31e429697bb506e265"
	const outer = "aaaa00ef84e67d31e429697bb506e26552f000ef84e67d31e429697bb506e265"
	for _, c := range []struct{ cgroup, runtime, id string }{
		{"0::/\n", "", ""},
		{"", "", ""},
		{"nonsense", "", ""},
		{"0::/init.scope\n", "", ""},
		{"0::/user.slice/user-1000.slice/session-3.scope\n", "", ""},
		{"0::/system.slice/docker.service\n", "", ""},
		{"4:memory:/process_api/52f000ef84e67d31e429697bb506e265\n0::/\n", "", ""},
		{"0::/system.slice/docker-" + id + ".scope\n", "docker", id},
		{"12:pids:/docker/" + id + "\n0::/\n", "docker", id},
		{"0::/docker/" + outer + "/docker/" + id, "docker", id},
		{"0::/docker/" + outer + "/init.scope\n", "docker", outer},
		{"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod8d1f.slice/cri-containerd-" + id + ".scope\n", "containerd", id},
		{"0::/system.slice/containerd.service/kubepods-burstable-pod8d1f.slice:cri-containerd:" + id + "\n", "containerd", id},
		{"2:cpu:/kubepods/besteffort/pod8d1f-11/" + id + "\n", "kubernetes", id},
		{"0::/kubepods.slice/kubepods-pod1.slice/crio-" + id + ".scope\n", "cri-o", id},
		{"0::/kubepods.slice/kubepods-pod1.slice/crio-conmon-" + id + ".scope\n", "", ""},
		{"0::/machine.slice/libpod-" + id + ".scope/container\n", "podman", id},
		{"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope\n", "podman", id},
		{"0::/machine.slice/libpod-conmon-" + id + ".scope\n", "", ""},
		{"0::/default/" + id + "\n", "containerd", id},
		{"0::/system.slice/nerdctl-" + id + ".scope\n", "containerd", id},
		{"9:devices:/ecs/0ab1/" + id + "\n", "ecs", id},
		{"0::/elsewhere/" + id + "\n", "unknown", id},
		{"0::/lxc.payload.web1/system.slice/ssh.service\n", "lxc", "web1"},
		{"0::/lxc.monitor.web1\n", "", ""},
		{"3:cpu:/lxc/web1/init.scope\n", "lxc", "web1"},
		{"0::/machine.slice/machine-deb\\x2dtest.scope/payload/init.scope\n", "nspawn", "deb-test"},
		{"0::/machine.slice/systemd-nspawn@web.service/payload\n", "nspawn", "web"},
		{"0::/machine.slice/systemd-nspawn@web.service/supervisor\n", "", ""},
		{"0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope\n", "qemu", "qemu-1-vm"},
		{"0::/system.slice/docker-nothex.scope\n", "", ""},
		{"0::/system.slice/docker-" + strings.ToUpper(id) + ".scope\n", "", ""},
	} {
		if r, i := Container(c.cgroup); r != c.runtime || i != c.id {
			t.Errorf("%q: got %q %q, want %q %q", c.cgroup, r, i, c.runtime, c.id)
		}
	}
}

func FuzzContainerID(f *testing.F) {
	f.Add("0::/machine.slice/machine-deb\\x2dtest.scope/payload\n")
	f.Add("1:name=systemd:/a:b:c\n0::/docker/x")
	f.Fuzz(func(t *testing.T, text string) {
		if r, id := Container(text); (r == "") != (id == "") {
			t.Errorf("%q: runtime %q with id %q", text, r, id)
		}
	})
}
