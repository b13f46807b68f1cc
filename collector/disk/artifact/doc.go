// Package artifact reads definitions of artefacts in the form of the ForensicArtifacts
// project (https://artifacts.readthedocs.io, "Artifact definition format and style
// guide") and finds on a host what they name. It reads nothing but directories, and
// never runs anything: commands and WMI queries in definitions are parsed, and are
// patterns whose Err says why they are left.
//
// The way of a definition:
//
//	parts, err := artifact.Load("our set", definitions.FS) // Parse for each file
//	set, err := artifact.NewSet(parts, more)               // names, groups, cycles checked
//	chosen, err := set.Resolve(system, "LinuxTriage")      // groups flattened, other systems left out
//	f := artifact.NewFinder(host, system)                  // users and environment of the host
//	for _, c := range chosen {
//		for _, s := range c.Sources {
//			for _, p := range f.Expand(s) { // one for each path and user
//				err := f.Find(ctx, p, func(m artifact.Match) bool { … })
//			}
//		}
//	}
//
// Where to begin: definition.go has the types; parse.go the strict reading; set.go
// the set and its groups; pattern.go what a path means, match.go how names match;
// finder.go the finding, walk.go the walk with its limits; variables.go the values of
// %%…%%, profiles.go those of Windows; hives.go the files that hold a key of the
// registry; lint.go the style. Definitions are trusted; the names on a host are not.
package artifact
