package volatile

import (
	"bytes"
	"context"
	"io"
	"strings"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

const (
	maxNetFile  = 1 << 20 // bytes of one configuration file
	maxNetFiles = 2000    // files of one folder
)

// A netFileKind is a form of configuration file, and who writes it.
type netFileKind string

const (
	fileOther      netFileKind = "" // taken, no rows
	fileResolv     netFileKind = "resolv.conf"
	fileNsswitch   netFileKind = "nsswitch.conf"
	fileINI        netFileKind = "ini" // resolved.conf: sections and settings
	fileHosts      netFileKind = "hosts"
	fileKeyfile    netFileKind = "NetworkManager"
	fileSupplicant netFileKind = "wpa_supplicant"
	fileIWD        netFileKind = "iwd"
	fileNetplan    netFileKind = "netplan"
	fileConnman    netFileKind = "connman"
	fileNetworkd   netFileKind = "systemd-networkd"
	fileIfupdown   netFileKind = "ifupdown"
	fileDhclient   netFileKind = "dhclient"
	fileLease      netFileKind = "lease" // NAME=value, of systemd-networkd and NetworkManager
	fileProxy      netFileKind = "proxy"
)

// A netFileSource is a file, or the files of a folder whose names end so.
type netFileSource struct {
	kind   netFileKind
	name   string // ends in / for a folder
	suffix string // of names in the folder; "" for all
	deep   bool   // look into the folder's folders, one level
}

// netFileSources lists what is read, in this order. A single file that is
// absent leaves a record; so does a folder.
func netFileSources() []netFileSource {
	return []netFileSource{
		{kind: fileResolv, name: "/etc/resolv.conf"},
		{kind: fileResolv, name: "/run/systemd/resolve/resolv.conf"},
		{kind: fileResolv, name: "/run/systemd/resolve/stub-resolv.conf"},
		{kind: fileResolv, name: "/run/NetworkManager/resolv.conf"},
		{kind: fileResolv, name: "/run/NetworkManager/no-stub-resolv.conf"},
		{kind: fileINI, name: "/etc/systemd/resolved.conf"},
		{kind: fileINI, name: "/etc/systemd/resolved.conf.d/", suffix: ".conf"},
		{kind: fileINI, name: "/run/systemd/resolved.conf.d/", suffix: ".conf"},
		{kind: fileNsswitch, name: "/etc/nsswitch.conf"},
		{kind: fileResolv, name: "/etc/host.conf"}, // the same form: a word and its values
		{kind: fileHosts, name: "/etc/hosts"},
		{kind: fileOther, name: "/etc/networks"},
		{kind: fileOther, name: "/etc/gai.conf"},
		{kind: fileOther, name: "/etc/hostname"},
		{kind: fileKeyfile, name: "/etc/NetworkManager/system-connections/"},
		{kind: fileKeyfile, name: "/run/NetworkManager/system-connections/"},
		{kind: fileKeyfile, name: "/usr/lib/NetworkManager/system-connections/"},
		{kind: fileOther, name: "/etc/NetworkManager/NetworkManager.conf"},
		{kind: fileOther, name: "/var/lib/NetworkManager/timestamps"},
		{kind: fileOther, name: "/var/lib/NetworkManager/seen-bssids"},
		{kind: fileSupplicant, name: "/etc/wpa_supplicant/", suffix: ".conf"},
		{kind: fileSupplicant, name: "/etc/wpa_supplicant.conf"},
		{kind: fileIWD, name: "/var/lib/iwd/"},
		{kind: fileNetplan, name: "/etc/netplan/", suffix: ".yaml"},
		{kind: fileNetplan, name: "/run/netplan/", suffix: ".yaml"},
		{kind: fileConnman, name: "/var/lib/connman/", deep: true},
		{kind: fileNetworkd, name: "/etc/systemd/network/"},
		{kind: fileNetworkd, name: "/run/systemd/network/"},
		{kind: fileIfupdown, name: "/etc/network/interfaces"},
		{kind: fileIfupdown, name: "/etc/network/interfaces.d/"},
		{kind: fileOther, name: "/etc/sysconfig/network-scripts/"},
		{kind: fileDhclient, name: "/var/lib/dhcp/", suffix: ".leases"},
		{kind: fileDhclient, name: "/var/lib/dhclient/", suffix: ".leases"},
		{kind: fileLease, name: "/run/systemd/netif/leases/"},
		{kind: fileLease, name: "/var/lib/NetworkManager/", suffix: ".lease"},
		{kind: fileOther, name: "/var/lib/dhcpcd/"},
		{kind: fileProxy, name: "/etc/environment"},
		{kind: fileProxy, name: "/etc/apt/apt.conf"},
		{kind: fileProxy, name: "/etc/apt/apt.conf.d/"},
	}
}

// A netFile is a file that was taken.
type netFile struct {
	kind   netFileKind
	name   string
	target string // where it is a symbolic link
	body   []byte
}

// netFileHead begins the rows that come from a file.
type netFileHead struct {
	Kind       string     `json:"kind"`
	File       jsonl.Text `json:"file"`
	LinkTarget jsonl.Text `json:"link_target,omitempty"` // where the file is a symbolic link
}

func (f *netFile) head(kind string) netFileHead {
	return netFileHead{kind, jsonl.Text(f.name), jsonl.Text(f.target)}
}

// putNetFiles takes every file of netFileSources and gives their contents.
func putNetFiles(ctx context.Context, h *collector.Host, to evidence.Sink, tally *evidence.Tally) (out []netFile, err error) {
	for _, s := range netFileSources() {
		if ctx.Err() != nil {
			tally.Add(s.name, context.Cause(ctx))
			continue
		}
		names := []string{s.name}
		if strings.HasSuffix(s.name, "/") {
			if names, err = s.list(h, tally); err != nil {
				if err = putNoFolder(ctx, to, s.name, err); err != nil {
					return out, err
				}
				continue
			}
		}
		for _, name := range names {
			if ctx.Err() != nil {
				tally.Add(name, context.Cause(ctx))
				break
			}
			f, err := putNetFile(ctx, h, to, s.kind, name)
			if err != nil {
				return out, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// list gives the files of a folder; names that lead nowhere are left to the read.
func (s netFileSource) list(h *collector.Host, tally *evidence.Tally) ([]string, error) {
	dir := strings.TrimSuffix(s.name, "/")
	names, err := h.Names(dir)
	if err != nil && len(names) == 0 {
		return nil, err
	}
	tally.Add(dir, err)
	var out []string
	for _, n := range names {
		name := dir + "/" + n
		if len(out) >= maxNetFiles {
			tally.Add(dir, evidence.Cut("more than %d files", maxNetFiles))
			break
		}
		m, err := h.Lstat(name)
		if err == nil && m.Mode&evidence.ModeType == evidence.ModeDir {
			if s.deep {
				below, err := netFileSource{name: name + "/"}.list(h, tally)
				tally.Add(name, err)
				out = append(out, below...)
			}
			continue
		}
		if strings.HasSuffix(n, s.suffix) {
			out = append(out, name)
		}
	}
	return out, nil
}

func putNoFolder(ctx context.Context, to evidence.Sink, dir string, why error) error {
	item := evidence.Item{Path: "volatile/network/files" + strings.TrimSuffix(dir, "/"), Source: dir}
	return to.Put(ctx, item, func(io.Writer) error { return why })
}

// putNetFile takes one file, through a symbolic link if it is one: its
// description is that of the file, with the link's target.
func putNetFile(ctx context.Context, h *collector.Host, to evidence.Sink, kind netFileKind, name string) (netFile, error) {
	f := netFile{kind: kind, name: name}
	item := evidence.Item{Path: "volatile/network/files" + name, Source: name}
	if m, err := h.Stat(name); err == nil {
		item.File, item.Limit = m, maxNetFile
	}
	if target, err := h.Readlink(name); err == nil {
		f.target = target
		if item.File != nil {
			item.File.LinkTarget = target
		}
	}
	kept := make(chan []byte, 1)
	err := to.Put(ctx, item, func(w io.Writer) error {
		var b bytes.Buffer
		err := h.CopyFollow(&b, name, maxNetFile)
		kept <- b.Bytes()
		if b.Len() == 0 {
			return err
		}
		_, werr := w.Write(b.Bytes())
		return fault.Join(werr, err)
	})
	select {
	case f.body = <-kept:
	default:
	}
	return f, err
}

// rows makes rows of a file.
func (f *netFile) rows(row func(any), tally *evidence.Tally) {
	switch f.kind {
	case fileResolv, fileNsswitch, fileINI:
		f.resolverRows(row)
	case fileHosts:
		f.hostRows(row)
	case fileDhclient:
		f.dhclientRows(row)
	case fileLease:
		f.leaseRow(row)
	case fileProxy:
		f.proxyRows(row)
	default:
		tally.Add(f.name, f.wirelessRows(row))
	}
}
