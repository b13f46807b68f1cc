package disk

import (
	"path"
	"slices"
	"strings"
)

// What a database keeps beside its file, and needs with it.

// sqliteSuffixes are the files of an SQLite database (https://www.sqlite.org/tempfiles.html):
// the write-ahead log, its index, the rollback journal.
func sqliteSuffixes() []string { return []string{"-wal", "-shm", "-journal"} }

// logsOf gives patterns (path.Match, lower case) of the files beside a registry hive
// or an ESE database that hold changes not yet in it; nil for other files.
//
// Hives: .LOG, .LOG1, .LOG2 and the transaction logs of the kernel's TxR. ESE: the
// names that the services of Windows give their logs and checkpoints.
func logsOf(base string) []string {
	b := strings.ToLower(base)
	switch b {
	case "system", "software", "sam", "security", "default", "components", "drivers", "bcd", "elam", "bbi",
		"ntuser.dat", "usrclass.dat", "settings.dat":
		return hiveLogs(b)
	case "srudb.dat":
		return []string{"sru*.log", "sru.chk", "sru*.jrs", "srudb.jfm"}
	case "windows.edb", "ntds.dit", "qmgr.db", "spartan.edb", "datastore.edb":
		stem := strings.TrimSuffix(b, path.Ext(b))
		return []string{"edb*.log", "edb.chk", "edb*.jrs", stem + ".jfm"}
	}
	switch {
	case path.Ext(b) == ".hve":
		return hiveLogs(b)
	case strings.HasPrefix(b, "webcachev") && path.Ext(b) == ".dat":
		return []string{"v[0-9][0-9]*.log", "v[0-9][0-9].chk", "v[0-9][0-9]*.jrs", strings.TrimSuffix(b, ".dat") + ".jfm"}
	}
	return nil
}

func hiveLogs(b string) []string {
	return []string{b + ".log", b + ".log[12]", b + "{*}.tm.blf", b + "{*}.tmcontainer*.regtrans-ms", b + "{*}.txr.*.regtrans-ms", b + "{*}.txr.blf"}
}

// mainOf gives the name of the SQLite database that a file belongs to by its name; "" if none.
func mainOf(base string) string {
	for _, s := range sqliteSuffixes() {
		if main, ok := strings.CutSuffix(base, s); ok && main != "" {
			return main
		}
	}
	return ""
}

// companions gives those of the names of a directory that belong with a file of it, in order.
func companions(base string, names []string) (out []string) {
	patterns := logsOf(base)
	for _, n := range names {
		if n == base {
			continue
		}
		if main := mainOf(n); main == base {
			out = append(out, n)
			continue
		}
		lower := strings.ToLower(n)
		if slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, lower); return ok }) {
			out = append(out, n)
		}
	}
	return out
}
