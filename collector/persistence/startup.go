package persistence

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/persistence/command"
	"hozen/collector/utf16"
	"hozen/packager/evidence"
)

const (
	maxStartup = 4096 // files of one folder
	maxScript  = 256 << 10
)

// startup writes the rows of files: startup folders, scripts of group policy, tools of
// the screen of logon, profiles of PowerShell, startup folders of Office.
func (j *job) startup(w *walker) {
	for _, f := range machineFolders() {
		w.folder(f, "", j.env)
	}
	for _, u := range j.reg.Users() {
		env := j.envOf(u)
		if env["USERPROFILE"] == "" {
			continue
		}
		for _, f := range userFolders() {
			w.folder(f, u.SID, env)
		}
	}
	w.scripts()
	w.tools()
}

// A folder is a place on the disk.
type folder struct {
	category, technique, meaning string
	path                         string   // with %NAME% in it
	names                        []string // of files; none: all but desktop.ini
}

const startMenu = `\Microsoft\Windows\Start Menu\Programs\Startup`

func machineFolders() []folder {
	shell := []string{"profile.ps1", "Microsoft.PowerShell_profile.ps1", "Microsoft.PowerShellISE_profile.ps1"}
	return []folder{
		{category: "startup_folder", technique: "T1547.001", meaning: "at each logon of each user", path: `%ProgramData%` + startMenu},
		{category: "powershell_profile", technique: "T1546.013", meaning: "with each PowerShell of each user", path: `%SystemRoot%\System32\WindowsPowerShell\v1.0`, names: shell},
		{category: "powershell_profile", technique: "T1546.013", meaning: "with each PowerShell of each user", path: `%SystemRoot%\SysWOW64\WindowsPowerShell\v1.0`, names: shell},
		{category: "powershell_profile", technique: "T1546.013", meaning: "with each PowerShell of each user", path: `%ProgramFiles%\PowerShell\7`, names: shell},
		{category: "group_policy_script_file", technique: "T1037.003", meaning: "what the scripts of group policy are chosen from", path: `%SystemRoot%\System32\GroupPolicy\Machine\Scripts\Startup`},
		{category: "group_policy_script_file", technique: "T1037.003", meaning: "what the scripts of group policy are chosen from", path: `%SystemRoot%\System32\GroupPolicy\Machine\Scripts\Shutdown`},
		{category: "group_policy_script_file", technique: "T1037.003", meaning: "what the scripts of group policy are chosen from", path: `%SystemRoot%\System32\GroupPolicy\User\Scripts\Logon`},
		{category: "group_policy_script_file", technique: "T1037.003", meaning: "what the scripts of group policy are chosen from", path: `%SystemRoot%\System32\GroupPolicy\User\Scripts\Logoff`},
		{category: "setup_script", technique: "T1546", meaning: "at the end of Windows' setup", path: `%SystemRoot%\Setup\Scripts`},
		{category: "win_ini", technique: "T1547.001", meaning: "load= and run=, at logon by old Windows", path: `%SystemRoot%`, names: []string{"win.ini", "system.ini"}},
		{category: "root_program", technique: "T1574.009", meaning: "by a path without quotes: C:\\Program Files\\… may mean it", path: `%SystemDrive%`, names: []string{"program.exe", "program.com", "program.bat"}},
		{category: "print_processor_file", technique: "T1547.012", meaning: "by the spooler, if the registry names it", path: `%SystemRoot%\System32\spool\prtprocs\x64`},
	}
}

func userFolders() []folder {
	shell := []string{"profile.ps1", "Microsoft.PowerShell_profile.ps1", "Microsoft.PowerShellISE_profile.ps1", "Microsoft.VSCode_profile.ps1"}
	return []folder{
		{category: "startup_folder", technique: "T1547.001", meaning: "at each logon of the user", path: `%APPDATA%` + startMenu},
		{category: "powershell_profile", technique: "T1546.013", meaning: "with each PowerShell of the user", path: `%USERPROFILE%\Documents\WindowsPowerShell`, names: shell},
		{category: "powershell_profile", technique: "T1546.013", meaning: "with each PowerShell of the user", path: `%USERPROFILE%\Documents\PowerShell`, names: shell},
		{category: "office_startup_file", technique: "T1137", meaning: "by Word, at its start", path: `%APPDATA%\Microsoft\Word\STARTUP`},
		{category: "office_startup_file", technique: "T1137", meaning: "by Excel, at its start", path: `%APPDATA%\Microsoft\Excel\XLSTART`},
		{category: "office_template", technique: "T1137.001", meaning: "by Word, with each document", path: `%APPDATA%\Microsoft\Templates`, names: []string{"Normal.dotm", "Normal.dot"}},
		{category: "outlook_macros", technique: "T1137", meaning: "by Outlook, at its start", path: `%APPDATA%\Microsoft\Outlook`, names: []string{"VbaProject.OTM"}},
	}
}

// folder writes a row for each file.
func (w *walker) folder(f folder, sid string, env command.Env) {
	path := strings.TrimSuffix(env.Expand(f.path), `\`) + `\`
	names, _, err := w.files.dir(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.table.tally.Add(path, err)
	}
	for i, name := range names {
		if i == maxStartup || w.ctx.Err() != nil {
			w.table.tally.Add(path, evidence.Cut("over %d files", maxStartup))
			return
		}
		wanted := len(f.names) == 0 && !strings.EqualFold(name, "desktop.ini") || slices.ContainsFunc(f.names, func(n string) bool { return strings.EqualFold(n, name) })
		if wanted {
			w.file(f, sid, path+name)
		}
	}
}

func (w *walker) file(f folder, sid, path string) {
	row := &AutorunRow{Category: f.category, Technique: f.technique, Meaning: f.meaning, User: jsonl.Text(sid)}
	file := w.files.row(path)
	row.File, row.Written = &file, file.Mtime
	w.write(row)
}

// scripts writes the lists of scripts that group policy keeps as text: scripts.ini and
// psscripts.ini ([MS-GPSCR] section 2.2.2).
func (w *walker) scripts() {
	for _, dir := range []string{`\System32\GroupPolicy\Machine\Scripts\`, `\System32\GroupPolicy\User\Scripts\`} {
		for _, name := range []string{"scripts.ini", "psscripts.ini"} {
			path := w.env["SYSTEMROOT"] + dir + name
			b, _, err := w.files.read(path, maxScript)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			row := &AutorunRow{Category: "group_policy_script_list", Technique: "T1037.003", Meaning: "at start, shutdown, logon or logoff, by group policy"}
			file := w.files.row(path)
			row.File, row.Written = &file, file.Mtime
			text := string(b)
			if strings.HasPrefix(text, "\xff\xfe") {
				text = utf16.WTF8(b[2:])
			}
			row.Data = cut(text)
			if err != nil {
				row.Reason = jsonl.Text(err.Error())
			}
			w.write(row)
		}
	}
}

// tools writes the programs that the screen of logon starts, and says of each whether it
// is a copy of a program that gives a prompt.
func (w *walker) tools() {
	root := w.env["SYSTEMROOT"] + `\System32\`
	prompts := map[string]string{}
	for _, name := range []string{"cmd.exe", `WindowsPowerShell\v1.0\powershell.exe`, "taskmgr.exe", "mmc.exe", "regedit.exe"} {
		if row := w.files.row(root + name); row.SHA256 != "" {
			prompts[row.SHA256] = root + name
		}
	}
	if row := w.files.row(w.env["SYSTEMROOT"] + `\explorer.exe`); row.SHA256 != "" {
		prompts[row.SHA256] = string(row.Path)
	}
	for _, name := range []string{"sethc.exe", "utilman.exe", "osk.exe", "Magnify.exe", "Narrator.exe", "DisplaySwitch.exe", "AtBroker.exe", "EaseOfAccessDialog.exe"} {
		if _, err := w.files.find(root + name); err != nil {
			continue
		}
		file := w.files.row(root + name)
		row := &AutorunRow{Category: "logon_screen_tool", Technique: "T1546.008", Meaning: "on the screen of logon, and by hot keys", File: &file, Written: file.Mtime}
		row.SameAs = jsonl.Text(prompts[file.SHA256])
		w.write(row)
	}
}
