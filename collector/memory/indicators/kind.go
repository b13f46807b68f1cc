package indicators

import (
	"slices"

	"hozen/collector/memory"
)

// A Kind is a kind of sign.
type Kind struct {
	ID        string // "image-deleted": family, then what is seen
	Technique string // MITRE ATT&CK
	// Level is that of a row which no benign explanation fits.
	Level memory.Level
	Doc   string // what is seen, in one sentence
	// Benign lists what is known to look so on healthy machines.
	Benign []string
}

// Kinds lists all kinds of signs, by family.
func Kinds() []Kind {
	return slices.Concat(imageKinds(), imagePackageKinds(), mapKinds(), identityKinds(), hookKinds(), hiddenKinds(), netKinds(), kernelKinds())
}

func kindsByID() map[string]Kind {
	out := map[string]Kind{}
	for _, k := range Kinds() {
		out[k.ID] = k
	}
	return out
}
