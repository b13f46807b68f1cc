package persistence

import (
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/registry"
)

// classPlaces are COM classes of users: they come before those of the machine.
func classPlaces() []place {
	return []place{
		{category: "com_hijack", technique: "T1546.015", meaning: "by programs of the user that use the class", keys: []string{`{KU}\CLSID\*`}, special: userClass},
		{category: "com_treat_as", technique: "T1546.015", meaning: "in place of the class", keys: []string{`{K}\CLSID\*\TreatAs`, `{K}\CLSID\*\AutoTreatAs`}, values: []string{""}, kind: classInData},
		{category: "com_script", technique: "T1546.015", meaning: "by programs that use the class: a script", keys: []string{`{K}\CLSID\*\ScriptletURL`}, values: []string{""}},
		{category: "com_prog_id", technique: "T1546.015", meaning: "which class the user's programs get for a name", keys: []string{`{KU}\*\CLSID`}, values: []string{""}, kind: classInData},
		{category: "type_library", technique: "T1546.015", meaning: "by programs of the user that use the library", keys: []string{`{KU}\TypeLib\*\*\*\win32`, `{KU}\TypeLib\*\*\*\win64`}, values: []string{""}},
		{category: "com_application_dll", technique: "T1546.015", meaning: "by dllhost, for the class", keys: []string{`{KU}\AppID\*`}, values: []string{"DllSurrogate", "LocalService", "RunAs"}, kind: nothing},
	}
}

// userClass makes a row for each server of a user's class, with what the machine has.
func userClass(w *walker, p place, at scope, k *registry.Key) {
	class := k.Name()
	for _, server := range []string{"InprocServer32", "LocalServer32", "InprocServer", "LocalServer", "InprocHandler32"} {
		below, err := k.Key(server)
		if err != nil {
			continue
		}
		values, err := below.Values()
		if err != nil {
			w.table.tally.Add(below.Path(), err)
		}
		for _, v := range values {
			if v.Name != "" && !strings.EqualFold(v.Name, "ServerExecutable") {
				continue
			}
			text, _ := valueText(v)
			row := w.row(p, at, below)
			shown := valueRow(v)
			row.ValueName, row.Type, row.Data, row.Raw, row.Odd, row.Reason = shown.Name, shown.Type, shown.Data, shown.Raw, shown.Odd, shown.Reason
			row.ClassID = jsonl.Text(class)
			machine := `HKLM\SOFTWARE\Classes\`
			if at.wow {
				machine += `WOW6432Node\`
			}
			row.Shadows = cut(w.defaultText(machine + `CLSID\` + class + `\` + server))
			if strings.HasPrefix(server, "Local") {
				row.Command = w.program(text, at.env, at.wow)
			} else {
				row.Command = w.library(text, false, at.env, at.wow)
			}
			w.write(row)
		}
		below.Close()
	}
}

// classOfKey makes the row of a handler: its class is the default value, or the key's name.
func classOfKey(w *walker, p place, at scope, k *registry.Key) {
	values, err := k.Values()
	if err != nil {
		w.table.tally.Add(k.Path(), err)
	}
	row := w.row(p, at, k)
	class := k.Name()
	for _, v := range values {
		if v.Name == "" {
			text, _ := valueText(v)
			shown := valueRow(v)
			row.Type, row.Data, row.Raw, row.Odd, row.Reason = shown.Type, shown.Data, shown.Raw, shown.Odd, shown.Reason
			if isGUID(text) {
				class = text
			}
		}
	}
	row.ClassID, row.Command = jsonl.Text(class), w.comServer(class, at.user)
	w.write(row)
}
