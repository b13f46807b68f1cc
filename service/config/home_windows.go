package config

import (
	"runtime"

	"golang.org/x/sys/windows"
)

// here asks the system, not the environment, which somebody else may have set.
func here() home {
	data, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, 0)
	if err != nil {
		data = `C:\ProgramData`
	}
	return homeOf(runtime.GOOS, data)
}
