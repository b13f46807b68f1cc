package persistence

// programPlaces are read by programs that are not part of Windows itself.
func programPlaces() []place {
	return []place{
		{category: "office_addin", technique: "T1137.006", meaning: "by Office, at the start of the program", keys: []string{`{S}\Microsoft\Office\*\Addins\*`, `{S}\Microsoft\VBA\VBE\6.0\Addins\*`}, values: []string{"LoadBehavior", "Manifest", "FileName", "FriendlyName", "CommandLineSafe"}},
		{category: "office_excel_open", technique: "T1137.006", meaning: "by Excel, at its start", keys: []string{`{U}\Microsoft\Office\*\Excel\Options`}, values: []string{"OPEN*"}},
		{category: "office_startup_folder", technique: "T1137", meaning: "where Office looks for what it opens at its start", keys: []string{`{U}\Microsoft\Office\*\Word\Options`, `{U}\Microsoft\Office\*\Excel\Options`, `{U}\Microsoft\Office\*\PowerPoint\Options`}, values: []string{"STARTUP-PATH", "AltStartup", "PersonalTemplates"}},
		{category: "office_test", technique: "T1137.002", meaning: "by Office, at the start of each program", keys: []string{`{S}\Microsoft\Office test\Special\Perf`}, values: []string{""}, kind: library},
		{category: "outlook_home_page", technique: "T1137.004", meaning: "by Outlook, when a folder is opened", keys: []string{`{U}\Microsoft\Office\*\Outlook\WebView\*`}, values: []string{"URL", "Show"}},
		{category: "outlook_today", technique: "T1137.004", meaning: "by Outlook, at its start", keys: []string{`{U}\Microsoft\Office\*\Outlook\Today`}, values: []string{"Stamp", "UserDefinedUrl"}},
		{category: "office_macro_security", technique: "T1137.001", meaning: "whether macros run without being asked", keys: []string{`{U}\Microsoft\Office\*\*\Security`, `{U}\Policies\Microsoft\Office\*\*\Security`}, values: []string{"VBAWarnings", "AccessVBOM", "DisableAllActiveX"}},
		{category: "dotnet_startup", technique: "T1574.014", meaning: "by .NET programs", keys: []string{`{S}\Microsoft\.NETFramework`}, values: []string{"COR_ENABLE_PROFILING", "COR_PROFILER*", "OnlyUseLatestCLR", "NGenEnabled"}},
		{category: "powershell_module_path", technique: "T1546.013", meaning: "by PowerShell", keys: []string{`{S}\Microsoft\PowerShell\*\ShellIds\*`}, values: []string{"Path", "ExecutionPolicy"}},
		{category: "visual_studio_addin", technique: "T1546", meaning: "by Visual Studio", keys: []string{`{S}\Microsoft\VisualStudio\*\AutoLoadPackages\*`}, values: []string{"*"}},
		{category: "chrome_extension", technique: "T1176", meaning: "by Chrome, at its start", keys: []string{`{S}\Google\Chrome\Extensions\*`, `{S}\Google\Chrome\NativeMessagingHosts\*`}, values: []string{"", "path", "update_url", "version"}},
		{category: "chrome_extension", technique: "T1176", meaning: "by Chrome, which is told to install it", keys: []string{`{S}\Policies\Google\Chrome\ExtensionInstallForcelist`}, values: []string{"*"}},
		{category: "edge_extension", technique: "T1176", meaning: "by Edge, at its start", keys: []string{`{S}\Microsoft\Edge\Extensions\*`, `{S}\Microsoft\Edge\NativeMessagingHosts\*`}, values: []string{"", "path", "update_url", "version"}},
		{category: "edge_extension", technique: "T1176", meaning: "by Edge, which is told to install it", keys: []string{`{S}\Policies\Microsoft\Edge\ExtensionInstallForcelist`}, values: []string{"*"}},
		{category: "firefox_extension", technique: "T1176", meaning: "by Firefox, at its start", keys: []string{`{S}\Mozilla\Firefox\Extensions`, `{S}\Mozilla\NativeMessagingHosts\*`, `{S}\MozillaPlugins\*`}, values: []string{"", "*"}},
		{category: "control_panel", technique: "T1218.002", meaning: "when the Control Panel is opened", keys: []string{`{S}\` + cv + `\Control Panel\CPLs`}, values: []string{"*"}, kind: library},
		{category: "hotkey", technique: "T1546", meaning: "when the user presses the keys of an application", keys: []string{`{S}\` + cv + `\Explorer\AppKey\*`}, values: []string{"ShellExecute", "Association"}, kind: program},
		{category: "bginfo", technique: "T1546", meaning: "by BGInfo", keys: []string{`{U}\Winternals\BGInfo`}, values: []string{"Database"}},
		{category: "ssh_agent", technique: "T1546", meaning: "with each login over SSH", keys: []string{`{M}\OpenSSH`}, values: []string{"DefaultShell", "DefaultShellCommandOption"}, kind: nameOfProgram},
	}
}
