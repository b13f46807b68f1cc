package persistence

// bootPlaces are read while Windows starts.
func bootPlaces() []place {
	const manager = `{C}\Control\Session Manager`
	const lsa = `{C}\Control\Lsa`
	return []place{
		{category: "boot_execute", technique: "T1547", meaning: "by smss, before anything else", keys: []string{manager}, values: []string{"BootExecute", "BootExecuteNoPnpSync", "PlatformExecute", "SetupExecute", "SetupExecuteNoPnpSync", "Execute", "S0InitialCommand"}, kind: native, usual: []string{"autocheck autochk *"}},
		{category: "pending_rename", technique: "T1547", meaning: "by smss, at the next start: files that are replaced or deleted", keys: []string{manager}, values: []string{"PendingFileRenameOperations", "PendingFileRenameOperations2"}},
		{category: "known_dlls", technique: "T1574.001", meaning: "by every program that loads the DLL", keys: []string{manager + `\KnownDLLs`}, values: []string{"*"}, kind: library},
		{category: "excluded_known_dlls", technique: "T1574.001", meaning: "which DLLs are looked for beside a program first", keys: []string{manager}, values: []string{"ExcludeFromKnownDlls", "SafeDllSearchMode", "CWDIllegalInDllSearch"}},
		{category: "app_cert_dlls", technique: "T1546.009", meaning: "by every program that starts another", keys: []string{manager + `\AppCertDlls`}, values: []string{"*"}, kind: library},
		{category: "subsystem", technique: "T1547", meaning: "by smss", keys: []string{manager + `\SubSystems`}, values: []string{"Windows", "Posix", "Optional", "Required"}, kind: program, usual: []string{"Debug\nWindows", "Posix"}},
		{category: "app_init_dlls", technique: "T1546.010", meaning: "by every program with a window", keys: []string{`{M}\` + ntv + `\Windows`}, values: []string{"AppInit_DLLs"}, kind: libraryList},
		{category: "app_init_dlls", technique: "T1546.010", meaning: "whether AppInit_DLLs are loaded, and only signed ones", keys: []string{`{M}\` + ntv + `\Windows`}, values: []string{"LoadAppInit_DLLs", "RequireSignedAppInit_DLLs", "IconServiceLib", "GdiProcessHandleQuota"}, usual: []string{"IconCodecService.dll"}},
		{category: "lsa_package", technique: "T1547.002", meaning: "by lsass, at its start", keys: []string{lsa}, values: []string{"Authentication Packages"}, kind: library, usual: []string{"msv1_0"}},
		{category: "lsa_package", technique: "T1547.005", meaning: "by lsass, at its start", keys: []string{lsa, lsa + `\OSConfig`}, values: []string{"Security Packages"}, kind: library},
		{category: "lsa_package", technique: "T1556.002", meaning: "by lsass, which gives it each new password", keys: []string{lsa}, values: []string{"Notification Packages"}, kind: library, usual: []string{"scecli", "rassfm\nscecli"}},
		{category: "lsa_extension", technique: "T1547.008", meaning: "by lsass, at its start", keys: []string{`{C}\Control\LsaExtensionConfig\*`}, values: []string{"Extensions"}, kind: library},
		{category: "lsa_protection", technique: "T1562", meaning: "how lsass is protected", keys: []string{lsa}, values: []string{"RunAsPPL", "RunAsPPLBoot", "LsaCfgFlags", "DisableRestrictedAdmin", "EveryoneIncludesAnonymous"}},
		{category: "security_provider", technique: "T1547.005", meaning: "by programs that authenticate", keys: []string{`{C}\Control\SecurityProviders`}, values: []string{"SecurityProviders"}, kind: libraryList, usual: []string{"credssp.dll"}},
		{category: "security_provider", technique: "T1003.001", meaning: "whether lsass keeps passwords as text", keys: []string{`{C}\Control\SecurityProviders\WDigest`}, values: []string{"UseLogonCredential"}},
		{category: "password_filter", technique: "T1556.002", meaning: "by lsass, from the directory's side", keys: []string{`{C}\Services\NTDS`}, values: []string{"LsaDbExtPt", "DirectoryServiceExtPt"}, kind: library},
		{category: "safe_boot_shell", technique: "T1547", meaning: "in safe mode", keys: []string{`{C}\Control\SafeBoot`}, values: []string{"AlternateShell"}, kind: program, usual: []string{"cmd.exe"}},
		{category: "safe_boot_service", technique: "T1562.009", meaning: "which services run in safe mode", keys: []string{`{C}\Control\SafeBoot\Minimal\*`, `{C}\Control\SafeBoot\Network\*`}, values: []string{""}},
		{category: "boot_verification", technique: "T1547", meaning: "once the services have started", keys: []string{`{C}\Control\BootVerificationProgram`}, values: []string{"ImagePath"}, kind: program},
		{category: "service_control_extension", technique: "T1547", meaning: "by the Service Control Manager", keys: []string{`{C}\Control\ServiceControlManagerExtension`, `{C}\Control`}, values: []string{"ServiceControlManagerExtension"}, kind: library},
		{category: "setup", technique: "T1547", meaning: "by Setup, at the next start", keys: []string{`{L}\SYSTEM\Setup`}, values: []string{"CmdLine"}, kind: program},
		{category: "environment", technique: "T1574.012", meaning: "by every .NET program", keys: []string{manager + `\Environment`, `{H}\Environment`, `{H}\Volatile Environment`}, values: []string{"COR_ENABLE_PROFILING", "COR_PROFILER*", "CORECLR_ENABLE_PROFILING", "CORECLR_PROFILER*", "DOTNET_STARTUP_HOOKS", "DOTNET_ADDITIONAL_DEPS", "COMPlus_*"}, kind: classAnywhere},
		{category: "environment_path", technique: "T1574.007", meaning: "where programs and DLLs are looked for", keys: []string{manager + `\Environment`, `{H}\Environment`}, values: []string{"Path", "PATHEXT", "ComSpec", "windir", "SystemRoot", "PSModulePath", "__COMPAT_LAYER"}},
		{category: "service_profiling", technique: "T1574.012", meaning: "by the one service whose environment it is", keys: []string{`{C}\Services\*`}, values: []string{"Environment"}},
	}
}
