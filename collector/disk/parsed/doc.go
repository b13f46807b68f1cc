// Package parsed turns files that the collector disk found into rows: what a responder
// asks first, without another tool. The raw bytes are in the archive before that; a
// parser that fails costs nothing but its rows.
//
// Its items, documented in SCHEMA.md:
//
//   - disk/parsed/files.jsonl: one row for every file and format: what came of it
//   - disk/parsed/FORMAT.jsonl: the rows of one format; each names the file and the item
//     that holds its raw bytes
//
// A format is a value, in a package of its own below this one:
//
//	func Format() parsed.Format {
//		return parsed.Format{
//			Name: "lnk", Doc: "shortcuts: what was opened, and where it was",
//			Takes:   func(f *parsed.File) bool { return f.HasExt(".lnk") },
//			MaxFile: 1 << 20,
//			Rows: func(ctx context.Context, src *parsed.Source, emit parsed.Emit) error {
//				b, err := src.Bytes()
//				if err != nil {
//					return err
//				}
//				row, err := parse(b) // what was read before an error is a row, too
//				src.Damaged(err)
//				return emit(row)
//			},
//		}
//	}
//
// The way of a file: disk tells Found (found.go) of each file that a format takes;
// collector.go runs the formats one after another, the files of each in order; run.go
// gives one file to its parser on a goroutine that is left behind if it hangs, and holds
// it to the limits; source.go is the file as the parser sees it.
//
// Begin with Format in format.go.
package parsed
