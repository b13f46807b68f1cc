package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/pe/authenticode"
	"hozen/collector/registry"
	"hozen/collector/volume"
	"hozen/collector/winfile"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Probes of the registry, of files, of their signatures, and of raw volumes.

// systemFile is a file of the system directory, as Windows names it.
func systemFile(name string) string {
	return os.Getenv("SystemRoot") + `\System32\` + name
}

// systemDrive is "C:" in most cases.
func systemDrive() string { return strings.ToUpper(os.Getenv("SystemDrive")) }

func isSystemDrive(mount jsonl.Text) bool {
	return strings.EqualFold(string(mount), systemDrive()+`\`)
}

func registryProbes() []probe {
	return []probe{
		asking("persistence", "SAM", "the domains of the accounts (administrators)", keys(`HKLM\SAM\SAM\Domains`, 2)),
		asking("persistence", "SECURITY", "the secrets' names (administrators)", keys(`HKLM\SECURITY\Policy`, 3)),
		asking("kernel", "BCD00000000", "the objects of the boot loader (administrators)", keys(`HKLM\BCD00000000\Objects`, 2)),
		asking("persistence", "TaskCache", "tasks, by their GUIDs", keys(`HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tasks`, 20)),
		asking("persistence", "CurrentControlSet", "a link of the kernel, followed: over 200 services", keys(`HKLM\SYSTEM\CurrentControlSet\Services`, 200)),
		asking("persistence", "users", "the hives of users, whether they are logged on or not", users),
	}
}

// keys opens a key, and counts those below it.
func keys(path string, least int) func(context.Context, *collector.Host) (string, error) {
	return func(_ context.Context, h *collector.Host) (string, error) {
		reg, err := registry.Open(h)
		if err != nil {
			return "", err
		}
		defer reg.Close()
		k, err := reg.Key(path)
		if err != nil {
			return "", err
		}
		defer k.Close()
		all, err := k.Subkeys()
		if err == nil && len(all) < least {
			err = fmt.Errorf("fewer than %d", least)
		}
		return fmt.Sprintf("%d keys", len(all)), err
	}
}

func users(_ context.Context, h *collector.Host) (string, error) {
	reg, err := registry.Open(h)
	if err != nil {
		return "", err
	}
	defer reg.Close()
	var loaded, read int
	for _, u := range reg.Users() {
		k, e := reg.Key(u.Path + `\Software`)
		if e != nil {
			err = fault.Join(err, fmt.Errorf("%s: %w", u.Profile, e))
			continue
		}
		k.Close()
		read++
		if u.Loaded {
			loaded++
		}
	}
	seen := fmt.Sprintf("%d users, %d in use, %d read", len(reg.Users()), loaded, read)
	if loaded == 0 {
		err = fault.Join(err, errors.New("nobody's hive is in use"))
	}
	return seen, err
}

func fileProbes() []probe {
	return []probe{
		asking("disk", "last access", "the same before and after a read", lastAccess),
		asking("disk", "junction", `Documents and Settings leads to Users, and is not followed`, junction),
		asking("disk", "FileStreamInformation", "Zone.Identifier of a download; absent, where there is none", downloaded),
		asking("disk", "backup privilege", "a list of System Volume Information (administrators)", backup),
		asking("disk", "drives", "the system's drive, and no removable one without a medium", drivesSeen),
		asking("processes", "WinVerifyTrust", "ntdll.dll is trusted", vouched("ntdll.dll")),
		asking("processes", "CryptCATAdminEnumCatalogFromHash", "notepad.exe is trusted", vouched("notepad.exe")),
	}
}

func lastAccess(_ context.Context, h *collector.Host) (string, error) {
	name := h.Name(systemFile("ntdll.dll"))
	before, err := h.Lstat(name)
	if err != nil {
		return "", err
	}
	if err := h.Copy(io.Discard, name, 64<<20); err != nil {
		return "", err
	}
	after, err := h.Lstat(name)
	if err == nil && !after.Atime.Equal(before.Atime) {
		err = fmt.Errorf("it moved from %v to %v", before.Atime, after.Atime)
	}
	return before.Atime.String(), err
}

func junction(_ context.Context, h *collector.Host) (string, error) {
	name := h.Name(systemDrive() + `\Documents and Settings`)
	m, err := h.Lstat(name)
	if err != nil {
		return "", err
	}
	seen := fmt.Sprintf("tag %#x to %s", m.ReparseTag, m.LinkTarget)
	if m.ReparseTag != winfile.TagMountPoint || !strings.HasSuffix(strings.ToLower(strings.TrimRight(m.LinkTarget, `\/`)), "users") {
		return seen, errors.New("that is no junction to Users")
	}
	if _, err := h.Names(name); err == nil {
		return seen, errors.New("it was followed")
	}
	return seen, nil
}

func downloaded(_ context.Context, h *collector.Host) (string, error) {
	dir := h.Name(os.Getenv("USERPROFILE") + `\Downloads`)
	names, err := h.Names(dir)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		_, streams, err := h.LstatStreams(path.Join(dir, name))
		if err != nil || !slices.ContainsFunc(streams, func(s winfile.DataStream) bool { return s.Name == "Zone.Identifier" }) {
			continue
		}
		b, err := h.ReadFile(path.Join(dir, name)+":Zone.Identifier", 64<<10)
		if err == nil && !bytes.Contains(b, []byte("ZoneId")) {
			err = errors.New("no ZoneId in it")
		}
		return fmt.Sprintf("%d bytes of one", len(b)), err
	}
	return "", evidence.NotHere("none of %d files was downloaded by a browser", len(names))
}

func backup(_ context.Context, h *collector.Host) (string, error) {
	names, err := h.Names(h.Name(systemDrive() + `\System Volume Information`))
	return fmt.Sprintf("privilege in use: %v; %d names", h.Backup, len(names)), err
}

func drivesSeen(_ context.Context, h *collector.Host) (string, error) {
	seen := fmt.Sprintf("%v, passed over: %v", h.Drives, h.Avoid)
	if !slices.Contains(h.Drives, "/"+systemDrive()) {
		return seen, errors.New("the system's drive is not among them")
	}
	return seen, nil
}

func vouched(name string) func(context.Context, *collector.Host) (string, error) {
	return func(context.Context, *collector.Host) (string, error) {
		t, err := authenticode.TrustOf(systemFile(name))
		if err == nil && t.Verdict != authenticode.Trusted {
			err = errors.New("a file of Windows itself is to be trusted")
		}
		return strings.TrimSpace(t.Verdict + " " + t.Catalog), err
	}
}

func volumeProbes() []probe {
	return []probe{
		asking("disk", "raw volumes", "the system's drive: ntfs, its disk and size (administrators)", rawVolume),
		asking("disk", "physical disks", "model, size and partitions of disk 0 (administrators)", rawDisk),
		asking("disk", "$MFT", "it begins with a FILE record (administrators)", rawFile("/$MFT", "FILE")),
		asking("disk", "$UsnJrnl:$J", "it opens; absent, where there is no journal (administrators)", rawFile("/$Extend/$UsnJrnl:$J", "")),
		asking("disk", "SAM past its lock", "it begins with regf (administrators)", rawFile("/Windows/System32/config/SAM", "regf")),
		asking("disk", "both ways to one file", "the same bytes of ntdll.dll (administrators)", bothWays),
		asking("disk", "shadow copies", "the list; empty, where there are none (administrators)", shadows),
	}
}

func rawVolume(_ context.Context, h *collector.Host) (string, error) {
	rows, err := volume.Volumes(h)
	for _, v := range rows {
		if !slices.ContainsFunc(v.Mounts, isSystemDrive) {
			continue
		}
		seen := fmt.Sprintf("%s %s %s, %d bytes, sectors of %d, extents %v, readable %v", v.Device, v.DriveType, v.Contents, v.Size, v.SectorSize, v.Extents, v.Readable)
		switch {
		case !v.Readable:
			return seen, fmt.Errorf("%s: %s", v.Outcome, v.Reason)
		case v.Contents != "ntfs" || v.DriveType != "fixed" || len(v.Extents) == 0 || v.Size == 0:
			return seen, errors.New("not ntfs, or without a disk or size")
		}
		return seen, err
	}
	return fmt.Sprintf("%d volumes", len(rows)), fault.Join(err, fmt.Errorf("none has %s", systemDrive()))
}

func rawDisk(_ context.Context, h *collector.Host) (string, error) {
	rows, err := volume.Disks(h)
	for _, d := range rows {
		if d.Number != 0 {
			continue
		}
		seen := fmt.Sprintf("%s %s, %s, %d bytes, sectors of %d, %s with %d partitions", d.Vendor, d.Product, d.Bus, d.Size, d.SectorSize, d.Scheme, len(d.Partitions))
		if d.Size == 0 || len(d.Partitions) == 0 {
			err = fault.Join(err, fmt.Errorf("no size or no partitions: %s %s", d.Outcome, d.Reason))
		}
		return seen, err
	}
	return fmt.Sprintf("%d disks", len(rows)), fault.Join(err, errors.New("no disk 0"))
}

// rawFile reads the beginning of a file of the system's drive from its sectors.
func rawFile(name, magic string) func(context.Context, *collector.Host) (string, error) {
	return func(_ context.Context, h *collector.Host) (string, error) {
		f, err := volume.OpenFile(h, "/"+systemDrive()+name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		b := make([]byte, 4)
		n, err := f.ReadAt(b, 0)
		seen := fmt.Sprintf("%d bytes, begins with %q", f.Size(), b[:n])
		if magic != "" && string(b[:n]) != magic {
			return seen, fault.Join(err, fmt.Errorf("not with %q", magic))
		}
		return seen, err
	}
}

func bothWays(_ context.Context, h *collector.Host) (string, error) {
	name := h.Name(systemFile("ntdll.dll"))
	plain, err := h.ReadFile(name, 64<<20)
	if err != nil {
		return "", err
	}
	f, err := volume.OpenFile(h, name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	raw := make([]byte, len(plain))
	_, err = f.ReadAt(raw, 0)
	if err != nil && err != io.EOF {
		return "", err
	}
	if !bytes.Equal(raw, plain) || f.Size() != int64(len(plain)) {
		return fmt.Sprintf("%d bytes", len(plain)), errors.New("they differ")
	}
	return fmt.Sprintf("%d bytes", len(plain)), nil
}

func shadows(ctx context.Context, h *collector.Host) (string, error) {
	k := keeping(func() collector.Collector { return volume.ShadowCopies(volume.ShadowOptions{}) })
	rows, err := rowsOf[volume.ShadowRow](ctx, h, k, volume.ShadowTable)
	var first string
	if len(rows) > 0 {
		first = "; first made " + rows[0].Created
	}
	return fmt.Sprintf("%d%s", len(rows), first), err
}
