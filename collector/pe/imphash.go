package pe

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
)

// Imphash is the MD5 of the imported names in their order, as Mandiant defined it and pefile
// computes it: "dll.function" in lower case with commas between, libraries without .dll, .ocx
// or .sys, imports by ordinal as "ordN". Delayed imports are left out. It is "" without imports,
// and for a file that imports by ordinal from the libraries whose ordinals pefile has names for
// (oleaut32, ws2_32, wsock32), where exact says false: those names are not kept here.
func Imphash(all []Import) (hash string, exact bool) {
	var parts []string
	for _, one := range all {
		if one.Delayed {
			continue
		}
		dll := strings.ToLower(one.DLL)
		if i := strings.LastIndexByte(dll, '.'); i >= 0 && (dll[i:] == ".dll" || dll[i:] == ".ocx" || dll[i:] == ".sys") {
			dll = dll[:i]
		}
		for _, f := range one.Functions {
			name := strings.ToLower(f.Name)
			if name == "" {
				if dll == "oleaut32" || dll == "ws2_32" || dll == "wsock32" {
					return "", false
				}
				name = fmt.Sprintf("ord%d", f.Ordinal)
			}
			parts = append(parts, dll+"."+name)
		}
	}
	if len(parts) == 0 {
		return "", true
	}
	sum := md5.Sum([]byte(strings.Join(parts, ",")))
	return hex.EncodeToString(sum[:]), true
}
