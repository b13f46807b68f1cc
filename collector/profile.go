package collector

import "fmt"

// A Profile says how far down the order of volatility a collection goes.
type Profile struct {
	Name, Doc string
	Last      Volatility // the least volatile class that is still taken
	// Everything says that collectors are run which otherwise have to be asked for.
	Everything bool
}

// Profiles lists the profiles, smallest first.
func Profiles() []Profile {
	return []Profile{
		{"volatile", "what power-off destroys", Temporary, false},
		{"standard", "volatile state, then the disk artefacts of highest value", Disk, false},
		{"full", "everything", Disk, true},
	}
}

// ProfileNamed finds a profile.
func ProfileNamed(name string) (Profile, error) {
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("profile %q: not one of volatile, standard, full", name)
}
