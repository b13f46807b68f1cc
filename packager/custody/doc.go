// Package custody is what people do with an archive after it was taken: who gave it to
// whom, who opened it, where it lies, and what they know of it that no program does. It
// writes with packager.AppendEvent and reads with packager.ReadLog; the bytes are those of
// packager/FORMAT.md section 9. Begin with record.go, which appends an event;
// then form.go, the 31 fields of a custody record (fields.go) and where each is answered: in
// the archive (facts.go), in its log, and by people (answers.go).
package custody
