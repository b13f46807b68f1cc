package onwindows

import (
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/memory/indicators"
)

func driverKinds() []indicators.Kind {
	return []indicators.Kind{
		{ID: "driver-vulnerable", Technique: "T1014", Level: memory.High,
			Doc:    "a loaded driver is known to be vulnerable or malicious, by the hash of its file",
			Benign: []string{"an old version of the driver of a mainboard, a graphics card or a monitoring tool, which attackers could use"}},
		{ID: "driver-name-known", Technique: "T1014", Level: memory.Low,
			Doc:    "a loaded driver has the name of one that is known to be vulnerable, and another hash, or none is known",
			Benign: []string{"a later version of that driver; another driver of the same name"}},
		{ID: "driver-file-gone", Technique: "T1014", Level: memory.High,
			Doc:    "the file of a loaded driver is not there",
			Benign: []string{"a driver that was upgraded or removed since the start; drivers for the crash dump have names of their own (dump_…)"}},
		{ID: "driver-strange-place", Technique: "T1014", Level: memory.Medium,
			Doc:    "a loaded driver's file lies where not only administrators write",
			Benign: []string{"tools that bring a driver and load it from where they lie"}},
		{ID: "driver-unsigned", Technique: "T1014", Level: memory.Medium,
			Doc:    "nobody whom this PC trusts has signed the file of a loaded driver; high where the file is another one than was signed",
			Benign: []string{"a driver under development, with test signing switched on"}},
	}
}

const maxDriverFile = 256 << 20

// checkDrivers looks at the files of what the kernel has loaded.
func checkDrivers(s *survey) {
	if len(s.drivers) == 0 {
		return
	}
	var text strings.Builder
	for _, d := range s.drivers {
		if s.ctx.Err() != nil {
			s.note("drivers", s.ctx.Err())
			break
		}
		name := s.driverFile(d.Path)
		sums, err := s.hashDriver(name)
		fmt.Fprintf(&text, "%x-%x %q %x %v\n", d.Base, d.Base+uint64(d.Size), d.Path, sums.long, err)
		for _, f := range s.driverFindings(name, sums, err) {
			f.object = "driver " + d.Path
			f.evidence = []string{"memory/indicators/host/drivers.txt"}
			s.report(f)
		}
	}
	s.put("drivers.txt", "NtQuerySystemInformation: SystemModuleInformation", []byte(text.String()), nil)
}

// driverFile gives the name that programs know of a driver's: the system names those
// in its own directory without a directory, too.
func (s *survey) driverFile(path string) string {
	name := s.win32(path)
	if !strings.ContainsAny(name, `\/`) {
		return s.places.windows + `\System32\drivers\` + name
	}
	if strings.HasPrefix(fold(name), `\windows\`) {
		return s.places.windows + name[len(`\windows`):]
	}
	return name
}

// Hashes of a file.
type hashes struct {
	long  [32]byte
	short [20]byte
}

func (s *survey) hashDriver(name string) (sums hashes, err error) {
	if len(name) < 3 || name[1] != ':' {
		return sums, fmt.Errorf("%s: not on a drive of this PC: %w", name, errors.ErrUnsupported)
	}
	f, err := s.host.Reader(hostName(name))
	if err != nil {
		return sums, err
	}
	defer f.Close()
	long, short := sha256.New(), sha1.New()
	n, err := io.Copy(io.MultiWriter(long, short), io.LimitReader(f, maxDriverFile))
	if err == nil && n == maxDriverFile {
		err = fmt.Errorf("%s: larger than a driver is", name)
	}
	long.Sum(sums.long[:0])
	short.Sum(sums.short[:0])
	return sums, err
}

// driverFindings judges the file of one driver.
func (s *survey) driverFindings(name string, sums hashes, err error) (out []finding) {
	if errors.Is(err, fs.ErrNotExist) {
		f := finding{id: "driver-file-gone", seen: clipped(name) + " is loaded, and no file has that name"}
		if b := base(fold(name)); strings.HasPrefix(b, "dump_") && s.placeholder(name) {
			f.explained = "a copy that the system makes of a driver for the crash dump, under a name without a file"
		}
		return []finding{f}
	}
	if err != nil {
		s.note(name, err)
		return nil
	}
	k, sure := s.known.bySHA256[sums.long]
	if !sure {
		k, sure = s.known.bySHA1[sums.short]
	}
	switch named, ok := s.known.byName[fold(base(name))]; {
	case sure:
		out = append(out, finding{id: "driver-vulnerable", seen: fmt.Sprintf("%s is %s (%s, LOLDrivers %s)", clipped(name), clipped(k.name), k.category, k.id),
			views: append([]memory.View{{Source: "SHA-256", Says: jsonl.Text(fmt.Sprintf("%x", sums.long))}}, s.signatureViews(name)...)})
	case ok:
		out = append(out, finding{id: "driver-name-known", seen: fmt.Sprintf("%s is called like %s (%s, LOLDrivers %s), of which the list has no hash: a name alone says little", clipped(name), clipped(named.name), named.category, named.id)})
	}
	if !s.places.installed(name) {
		out = append(out, finding{id: "driver-strange-place", seen: clipped(name) + " is loaded from where not only administrators write", views: s.signatureViews(name)})
	}
	return append(out, s.driverSignature(name)...)
}

// driverSignature judges how the file of a driver is signed. That Windows trusts it says
// little: attackers bring drivers that are, and then use their faults.
func (s *survey) driverSignature(name string) []finding {
	f, known := s.signed(name)
	if !known {
		return nil
	}
	out := finding{id: "driver-unsigned", views: f.views()}
	switch {
	case f.Changed():
		out.level, out.seen = memory.High, clipped(name)+" is not the file that was signed"
	case f.Nobodys():
		out.seen = clipped(name) + " has no signature, and no catalogue of Windows lists it"
	case f.Verdict == "TRUST_E_EXPLICIT_DISTRUST" || f.Verdict == "CERT_E_REVOKED" || f.Verdict == "CERT_E_UNTRUSTEDROOT":
		out.seen = clipped(name) + " is signed by somebody whom this PC does not trust"
	default: // trusted, or what cannot be decided without the network, or is out of date
		return nil
	}
	return []finding{out}
}

// placeholder says whether the driver of which the system makes a copy for the crash
// dump is there: dump_storahci.sys of storahci.sys, dump_diskdump.sys of diskdump.sys,
// dump_dumpfve.sys of dumpfve.sys.
func (s *survey) placeholder(name string) bool {
	of := s.places.windows + `\System32\drivers\` + strings.TrimPrefix(base(fold(name)), "dump_")
	_, err := s.host.Lstat(hostName(of))
	return err == nil && below(name, s.places.windows+`\System32\drivers`)
}
