package persistence

import "hozen/collector/registry"

// A kind says how the data of a value are read.
type kind int

// The kinds.
const (
	nothing       kind = iota // data that are shown only
	program                   // a command line
	nameOfProgram             // the name of a program, without arguments
	programList               // command lines with commas between them
	native                    // a command line of Session Manager
	library                   // a DLL, or a list of them, one a line
	libraryList               // DLLs with commas or blanks between them
	libraryName               // the name of the value is a DLL
	driver                    // a driver's image
	classInData               // a COM class
	classInName               // the name of the value, or of the key, is a COM class
	classAnywhere             // a COM class in the data or the name, or something else
	packed                    // an entry of the Winsock catalogue
)

// A place is where Windows, or a program of it, looks for what to start.
type place struct {
	category  string
	technique string   // MITRE ATT&CK
	meaning   string   // when what is named is run
	keys      []string // patterns: see walker.scopes; * stands for each key below
	values    []string // names of values, "" the default one, X* those that begin with X; none: the key itself
	kind      kind
	usual     []string // what Windows itself has there
	no32      bool     // there is no 32-bit half
	special   func(*walker, place, scope, *registry.Key)
}

// places is THE table. The ideas are those of Microsoft's Autoruns and of MITRE ATT&CK
// (T1037, T1053, T1137, T1546, T1547, T1556, T1574).
func places() []place {
	var all []place
	for _, some := range [][]place{logonPlaces(), shellPlaces(), bootPlaces(), systemPlaces(), classPlaces(), programPlaces()} {
		all = append(all, some...)
	}
	return all
}

const (
	cv  = `Microsoft\Windows\CurrentVersion`
	ntv = `Microsoft\Windows NT\CurrentVersion`
)

// logonPlaces are read when somebody logs on.
func logonPlaces() []place {
	return []place{
		{category: "run", technique: "T1547.001", meaning: "at each logon", keys: []string{`{S}\` + cv + `\Run`, `{S}\` + cv + `\Policies\Explorer\Run`, `{S}\` + ntv + `\Terminal Server\Install\Software\` + cv + `\Run`}, values: []string{"*"}, kind: program},
		{category: "run_once", technique: "T1547.001", meaning: "at the next logon, once", keys: []string{`{S}\` + cv + `\RunOnce`, `{S}\` + ntv + `\Terminal Server\Install\Software\` + cv + `\RunOnce`, `{S}\` + cv + `\RunOnce\Setup`}, values: []string{"*"}, kind: program},
		{category: "run_once_ex", technique: "T1547.001", meaning: "at the next logon, once", keys: []string{`{S}\` + cv + `\RunOnceEx`, `{S}\` + cv + `\RunOnceEx\*`, `{S}\` + cv + `\RunOnceEx\*\Depend`}, values: []string{"*"}, kind: program},
		{category: "run_services", technique: "T1547.001", meaning: "at each start, by old Windows only", keys: []string{`{S}\` + cv + `\RunServices`, `{S}\` + cv + `\RunServicesOnce`}, values: []string{"*"}, kind: program},
		{category: "run_switched_off", technique: "T1547.001", meaning: "nothing: which of the places for logon a user has switched off (first byte odd)", keys: []string{`{S}\` + cv + `\Explorer\StartupApproved\*`}, values: []string{"*"}},
		{category: "windows_load", technique: "T1547.001", meaning: "at each logon of the user", keys: []string{`{S}\` + ntv + `\Windows`}, values: []string{"Load", "Run"}, kind: programList},
		{category: "winlogon", technique: "T1547.004", meaning: "by winlogon, at each logon", keys: []string{`{S}\` + ntv + `\Winlogon`}, values: []string{"Shell"}, kind: programList, usual: []string{"explorer.exe"}},
		{category: "winlogon", technique: "T1547.004", meaning: "by winlogon, at each logon", keys: []string{`{S}\` + ntv + `\Winlogon`}, values: []string{"Userinit"}, kind: programList, usual: []string{`C:\Windows\system32\userinit.exe`, "userinit.exe"}},
		{category: "winlogon", technique: "T1547.004", meaning: "by winlogon, at each logon or start", keys: []string{`{S}\` + ntv + `\Winlogon`}, values: []string{"Taskman", "System", "VmApplet", "AppSetup", "GinaDLL", "UIHost", "SaveDumpStart", "ServiceControllerStart", "LsaStart"}, kind: program, usual: []string{`SystemPropertiesPerformance.exe /pagefile`, "explorer.exe"}},
		{category: "winlogon_notify", technique: "T1547.004", meaning: "by winlogon, before Windows Vista", keys: []string{`{M}\` + ntv + `\Winlogon\Notify\*`}, values: []string{"DllName"}, kind: library},
		{category: "winlogon_gp_extension", technique: "T1484.001", meaning: "when group policy is applied", keys: []string{`{M}\` + ntv + `\Winlogon\GPExtensions\*`}, values: []string{"DllName"}, kind: library},
		{category: "winlogon_alternate_shell", technique: "T1547.004", meaning: "at a logon, in place of the shell", keys: []string{`{M}\` + ntv + `\Winlogon\AlternateShells\AvailableShells`}, values: []string{"*"}, kind: program},
		{category: "automatic_logon", technique: "T1552.002", meaning: "who is logged on without being asked", keys: []string{`{M}\` + ntv + `\Winlogon`}, values: []string{"AutoAdminLogon", "DefaultUserName", "DefaultDomainName"}},
		{category: "policy_shell", technique: "T1547.004", meaning: "at each logon, in place of the shell", keys: []string{`{S}\` + cv + `\Policies\System`}, values: []string{"Shell"}, kind: program},
		{category: "logon_script", technique: "T1037.001", meaning: "at each logon of the user", keys: []string{`{H}\Environment`}, values: []string{"UserInitMprLogonScript"}, kind: program},
		{category: "group_policy_script", technique: "T1037.003", meaning: "at start, shutdown, logon or logoff, by group policy", keys: []string{`{S}\Policies\Microsoft\Windows\System\Scripts\*\*\*`, `{S}\` + cv + `\Group Policy\Scripts\*\*\*`, `{S}\` + cv + `\Group Policy\State\*\Scripts\*\*\*`}, values: []string{"Script", "Parameters"}, kind: nameOfProgram},
		{category: "active_setup", technique: "T1547.014", meaning: "at the first logon of each user", keys: []string{`{M}\Microsoft\Active Setup\Installed Components\*`}, values: []string{"StubPath"}, kind: program},
		{category: "screensaver", technique: "T1546.002", meaning: "when the user does nothing for a while", keys: []string{`{H}\Control Panel\Desktop`, `{U}\Policies\Microsoft\Windows\Control Panel\Desktop`}, values: []string{"SCRNSAVE.EXE"}, kind: nameOfProgram},
		{category: "startup_folder_moved", technique: "T1547.001", meaning: "where the startup folder is", keys: []string{`{S}\` + cv + `\Explorer\User Shell Folders`, `{S}\` + cv + `\Explorer\Shell Folders`}, values: []string{"Startup", "Common Startup"}, usual: []string{`%USERPROFILE%\AppData\Roaming\Microsoft\Windows\Start Menu\Programs\Startup`, `%ProgramData%\Microsoft\Windows\Start Menu\Programs\Startup`, `C:\ProgramData\Microsoft\Windows\Start Menu\Programs\Startup`}},
		{category: "terminal_server_program", technique: "T1547.001", meaning: "at each logon over RDP", keys: []string{`{C}\Control\Terminal Server\WinStations\*`, `{M}\Policies\Microsoft\Windows NT\Terminal Services`}, values: []string{"InitialProgram"}, kind: program},
		{category: "terminal_server_startup", technique: "T1547.001", meaning: "at each logon over RDP", keys: []string{`{C}\Control\Terminal Server\Wds\rdpwd`}, values: []string{"StartupPrograms"}, kind: programList, usual: []string{"rdpclip"}},
		{category: "credential_provider", technique: "T1556", meaning: "on the screen of logon", keys: []string{`{M}\` + cv + `\Authentication\Credential Providers\*`, `{M}\` + cv + `\Authentication\Credential Provider Filters\*`, `{M}\` + cv + `\Authentication\PLAP Providers\*`}, kind: classInName},
		{category: "hidden_account", technique: "T1564.002", meaning: "which accounts the screen of logon does not show", keys: []string{`{M}\` + ntv + `\Winlogon\SpecialAccounts\UserList`}, values: []string{"*"}},
		{category: "command_processor", technique: "T1546", meaning: "with each cmd.exe", keys: []string{`{S}\Microsoft\Command Processor`}, values: []string{"AutoRun"}, kind: program},
	}
}
