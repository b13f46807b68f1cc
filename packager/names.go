package packager

import "strings"

const (
	archiveSuffix    = ".tar.zst"
	incompleteSuffix = ".incomplete.tar.zst"
	encryptedSuffix  = ".age"
	partialSuffix    = ".partial"
)

// ArchiveName gives the name of a sealed archive; until then ".partial" follows it.
func ArchiveName(id string) string { return id + archiveSuffix }

// EncryptedName gives the name of a sealed archive that is encrypted.
func EncryptedName(id string) string { return id + archiveSuffix + encryptedSuffix }

// IncompleteName gives the name of an archive that was recovered: it never gets
// that of a sealed one. If it is encrypted, ".age" follows.
func IncompleteName(id string) string { return id + incompleteSuffix }

// FileNames gives all names that the archive of a collection may have when it is not
// written any more: sealed, encrypted or not; then incomplete, encrypted or not.
func FileNames(id string) []string {
	return []string{ArchiveName(id), EncryptedName(id), IncompleteName(id), IncompleteName(id) + encryptedSuffix}
}

// A FileName is what the name of an archive's file says of it.
type FileName struct {
	ID                             string
	Partial, Incomplete, Encrypted bool
}

// ParseFileName reads the name of a file, without directory, as FileNames gives them, or
// with ".partial" behind that of a sealed archive. ok is false for any other name.
func ParseFileName(name string) (f FileName, ok bool) {
	f.ID, f.Partial = strings.CutSuffix(name, partialSuffix)
	f.ID, f.Encrypted = strings.CutSuffix(f.ID, encryptedSuffix)
	if f.ID, f.Incomplete = strings.CutSuffix(f.ID, incompleteSuffix); !f.Incomplete {
		if f.ID, ok = strings.CutSuffix(f.ID, archiveSuffix); !ok {
			return f, false
		}
	}
	return f, ValidID(f.ID) && !(f.Partial && f.Incomplete)
}
