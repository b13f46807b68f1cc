package persistence

// star stands in a pattern for the one key that is itself called *.
const star = "?"

// shellPlaces are read by Explorer and by dialogues of other programs.
func shellPlaces() []place {
	return []place{
		{category: "shell_context_menu", technique: "T1546.015", meaning: "by Explorer, with a context menu", keys: handlers("ContextMenuHandlers"), values: []string{""}, kind: classAnywhere, special: classOfKey},
		{category: "shell_property_sheet", technique: "T1546.015", meaning: "by Explorer, with a window of properties", keys: handlers("PropertySheetHandlers"), values: []string{""}, kind: classAnywhere, special: classOfKey},
		{category: "shell_copy_hook", technique: "T1546.015", meaning: "by Explorer, when a folder is copied or moved", keys: append(handlers("CopyHookHandlers"), handlers("DragDropHandlers")...), values: []string{""}, kind: classAnywhere, special: classOfKey},
		{category: "shell_column", technique: "T1546.015", meaning: "by Explorer, in lists of files", keys: handlers("ColumnHandlers"), values: []string{""}, kind: classAnywhere, special: classOfKey},
		{category: "shell_icon_overlay", technique: "T1546.015", meaning: "by Explorer, at its start", keys: []string{`{S}\` + cv + `\Explorer\ShellIconOverlayIdentifiers\*`}, values: []string{""}, kind: classInData},
		{category: "shell_service_object", technique: "T1547", meaning: "by Explorer, at its start", keys: []string{`{S}\` + cv + `\ShellServiceObjectDelayLoad`}, values: []string{"*"}, kind: classInData},
		{category: "shell_service_object", technique: "T1547", meaning: "by Explorer, at its start", keys: []string{`{S}\` + cv + `\Explorer\ShellServiceObjects\*`}, kind: classInName},
		{category: "shell_execute_hook", technique: "T1546.015", meaning: "by Explorer, with each program that it starts", keys: []string{`{S}\` + cv + `\Explorer\ShellExecuteHooks`}, values: []string{"*"}, kind: classInName},
		{category: "shared_task_scheduler", technique: "T1547", meaning: "by Explorer, at its start", keys: []string{`{S}\` + cv + `\Explorer\SharedTaskScheduler`}, values: []string{"*"}, kind: classInName},
		{category: "shell_extension_approved", technique: "T1546.015", meaning: "nothing by itself: extensions that a user has approved", keys: []string{`{U}\` + cv + `\Shell Extensions\Approved`}, values: []string{"*"}, kind: classInName},
		{category: "browser_helper_object", technique: "T1176", meaning: "by Internet Explorer and Explorer, at their start", keys: []string{`{S}\` + cv + `\Explorer\Browser Helper Objects\*`}, kind: classInName},
		{category: "internet_explorer_toolbar", technique: "T1176", meaning: "by Internet Explorer", keys: []string{`{S}\Microsoft\Internet Explorer\Toolbar`, `{S}\Microsoft\Internet Explorer\Toolbar\*`, `{S}\Microsoft\Internet Explorer\UrlSearchHooks`, `{S}\Microsoft\Internet Explorer\Explorer Bars\*`}, values: []string{"*"}, kind: classInName},
		{category: "internet_explorer_extension", technique: "T1176", meaning: "by Internet Explorer, from its menu", keys: []string{`{S}\Microsoft\Internet Explorer\Extensions\*`}, values: []string{"Exec", "Script", "ClsidExtension"}, kind: classAnywhere},
		{category: "app_paths", technique: "T1546", meaning: "when a program is started by its bare name", keys: []string{`{S}\` + cv + `\App Paths\*`}, values: []string{""}, kind: nameOfProgram},
		{category: "protocol_handler", technique: "T1546", meaning: "when an address of the protocol is opened inside a program", keys: []string{`{K}\Protocols\Handler\*`, `{K}\Protocols\Filter\*`}, values: []string{"CLSID"}, kind: classInData},
		{category: "auto_play", technique: "T1547", meaning: "when a medium is inserted", keys: []string{`{M}\` + cv + `\Explorer\AutoplayHandlers\Handlers\*`}, values: []string{"CLSIDForCancel", "InitCmdLine"}, kind: classAnywhere},
		{category: "maintenance_tool", technique: "T1546", meaning: "from the tools of a drive", keys: []string{`{M}\` + cv + `\Explorer\MyComputer\*`}, values: []string{""}, kind: program},
		{category: "file_association", technique: "T1546.001", meaning: "each time that a file of the kind is opened", keys: fileClasses(), values: []string{"", "DelegateExecute", "IsolatedCommand"}, kind: program, usual: []string{`"%1" %*`, `"%1" /S`}},
		{category: "file_extension", technique: "T1546.001", meaning: "which class files with the ending have", keys: extensions(), values: []string{""}, usual: []string{"exefile", "comfile", "batfile", "cmdfile", "scrfile", "piffile", "lnkfile", "regfile", "VBSFile", "JSFile", "htafile", "mscfile", "cplfile", "JSEFile", "VBEFile", "WSFFile", "txtfile", "inffile"}},
		{category: "file_user_choice", technique: "T1546.001", meaning: "which class a user has chosen for files with the ending", keys: []string{`{U}\` + cv + `\Explorer\FileExts\*\UserChoice`}, values: []string{"ProgId"}},
		{category: "url_command", technique: "T1548.002", meaning: "when an address of the protocol is opened: a way to higher rights, too", keys: []string{`{KU}\ms-settings\shell\open\command`, `{KU}\ms-windows-store\shell\open\command`, `{KU}\Launcher.SystemSettings\shell\open\command`}, values: []string{"", "DelegateExecute"}, kind: program},
		{category: "user_shell_command", technique: "T1546.001", meaning: "when the user opens something of the class", keys: []string{`{KU}\*\shell\*\command`}, values: []string{"", "DelegateExecute"}, kind: program},
	}
}

// handlers are the keys below those of a kind of handlers, of every class
// that all files and folders have.
// Not inlined, for the size of the program.
//
//go:noinline
func handlers(kind string) (keys []string) {
	for _, class := range []string{star, `AllFileSystemObjects`, `Directory`, `Directory\Background`, `DesktopBackground`, `Folder`, `Drive`, `lnkfile`} {
		keys = append(keys, `{K}\`+class+`\shellex\`+kind+`\*`)
	}
	return keys
}

func fileClasses() (keys []string) {
	for _, class := range []string{"exefile", "comfile", "batfile", "cmdfile", "scrfile", "piffile", "lnkfile", "regfile", "VBSFile", "VBEFile", "JSFile", "JSEFile", "WSFFile", "htafile", "mscfile", "cplfile", "txtfile", "inffile", "Folder", "Directory", "Drive"} {
		for _, verb := range []string{"open", "runas", "runasuser"} {
			keys = append(keys, `{K}\`+class+`\shell\`+verb+`\command`)
		}
	}
	return keys
}

func extensions() (keys []string) {
	for _, end := range []string{"exe", "com", "bat", "cmd", "scr", "pif", "lnk", "reg", "vbs", "vbe", "js", "jse", "wsf", "hta", "msc", "cpl", "txt", "inf", "ps1"} {
		keys = append(keys, `{K}\.`+end)
	}
	return keys
}
