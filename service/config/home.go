package config

import "strings"

// unixHome is of Linux and its kin.
func unixHome() home {
	return home{config: "/etc/hozen", state: "/var/lib/hozen", trust: "/etc/hozen/trust", veto: "/etc/hozen/veto", words: strings.NewReplacer()}
}

// windowsHome is of Windows; data is %ProgramData%. The state lies below the configuration: one
// folder, which nobody else may look into.
func windowsHome(data string) home {
	dir := data + `\Hozen`
	return home{config: dir, state: dir + `\state`, trust: dir + `\trust`, veto: dir + `\veto`, words: strings.NewReplacer(
		"/var/lib/hozen", dir+`\state`, "/etc/hozen/", dir+`\`, "/mnt/evidence", `D:\evidence`,
		"(systemctl start\n# hozen-collect@CASE)", "(sc start\n# hozen-collect CASE)",
		"# `limits` are written into the service's unit: after changing them, `hozen service install`.\n", "# `limits` are not held by Windows' service manager.   limits は Windows では使われません\n",
	)}
}

// homeOf gives the home of a system, by its name in GOOS.
func homeOf(system, data string) home {
	if system == "windows" {
		return windowsHome(data)
	}
	return unixHome()
}
