package main

import (
	"fmt"
	"io/fs"
	"strings"

	"hozen/collector"
	"hozen/collector/disk"
	"hozen/collector/disk/definitions"
	"hozen/packager/signed"
)

// profileMeaning is what a profile means to this program. A job carries its SHA-256: an
// endpoint that means something else by the name refuses.
type profileMeaning struct {
	Type        string             `json:"type"` // hozen/profile/1
	Name        string             `json:"name"`
	Last        string             `json:"last"` // the least volatile class that is taken
	Everything  bool               `json:"everything"`
	Version     string             `json:"version"`     // of the program
	Definitions string             `json:"definitions"` // SHA-256 of "hash  name" lines of our own, sorted by name
	MaxFile     int64              `json:"max_file"`    // of the collector disk, in bytes, as are those that follow
	MaxArtifact int64              `json:"max_artifact"`
	MaxSize     int64              `json:"max_size"`
	DiskTimeMS  int64              `json:"disk_time_ms"`
	Collectors  []profileCollector `json:"collectors"` // in order
}

type profileCollector struct {
	Name       string `json:"name"`
	Volatility string `json:"volatility"`
	Asked      string `json:"asked"` // the flag without which it is not run; "": always run
}

// profileHash is the SHA-256 in hex of what a profile means to this program: it is the
// same on every machine that has the same version, whatever its system: an operator on
// one signs for endpoints of another. So the limits of single collectors are not in it.
func (a *app) profileHash(name string) (string, error) {
	m, err := a.profileMeaning(name)
	if err != nil {
		return "", err
	}
	b, err := signed.Encode(m)
	return signed.HexSum(b), err
}

func (a *app) profileMeaning(name string) (profileMeaning, error) {
	p, err := collector.ProfileNamed(name)
	if err != nil {
		return profileMeaning{}, err
	}
	sum, err := definitionsSum(definitions.FS())
	if err != nil {
		return profileMeaning{}, err
	}
	limits := disk.Options{}.Limited(name)
	m := profileMeaning{
		Type: "hozen/profile/1", Name: p.Name, Last: p.Last.String(), Everything: p.Everything, Version: version, Definitions: sum,
		MaxFile: limits.MaxFile, MaxArtifact: limits.MaxArtifact, MaxSize: limits.MaxSize, DiskTimeMS: limits.Time.Milliseconds(),
		Collectors: []profileCollector{},
	}
	for _, c := range a.collectors(request{disk: limits}) {
		if c.Volatility <= p.Last {
			m.Collectors = append(m.Collectors, profileCollector{c.Name, c.Volatility.String(), c.Asked})
		}
	}
	return m, nil
}

// definitionsSum hashes the files of a folder as `sha256sum` lists them.
func definitionsSum(files fs.FS) (string, error) {
	var lines strings.Builder
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, name)
		fmt.Fprintf(&lines, "%s  %s\n", signed.HexSum(b), name)
		return err
	})
	return signed.HexSum([]byte(lines.String())), err
}
