package persistence

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/registry/hivetest"
)

const xmlHead = "\xff\xfe"

func taskXML(command string) string {
	return xmlHead + wide(`<?xml version="1.0" encoding="UTF-16"?><Task version="1.2"><RegistrationInfo><Author>bob</Author></RegistrationInfo><Triggers><BootTrigger/></Triggers><Actions><Exec><Command>`+command+`</Command></Exec></Actions></Task>`)
}

// actions is the value Actions with one program.
func actions(command string) []byte {
	b := []byte{1, 0, 0x66, 0x66, 0, 0, 0, 0}
	for _, s := range []string{command, "", ""} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(wide(s))))
		b = append(b, wide(s)...)
	}
	return b
}

// plantTasks makes a task in agreement, one with other actions in the registry, a hidden
// one, one without XML, one of XML alone, and one without a name.
func (f *fake) plantTasks() {
	const cache = `Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\`
	add := func(n int, tree, path, command string, sd bool) {
		id := fmt.Sprintf("{0000000%d-0000-0000-0000-000000000000}", n)
		if tree != "" {
			k := f.sw(cache + `Tree\` + tree)
			k.Values = []hivetest.Value{hivetest.SZ("Id", id), hivetest.DWORD("Index", 3)}
			if sd {
				k.Values = append(k.Values, hivetest.Value{Name: "SD", Type: 3, Data: []byte{1, 0, 4, 0x80}})
			}
		}
		f.sw(cache + `Tasks\` + id).Values = []hivetest.Value{hivetest.SZ("Path", path), {Name: "Actions", Type: 3, Data: actions(command)},
			{Name: "DynamicInfo", Type: 3, Data: append([]byte{3, 0, 0, 0}, make([]byte, 32)...)}}
	}
	add(1, `Same`, `\Same`, "cmd.exe", true)
	f.file("WINDOWS/system32/Tasks/same", taskXML("cmd.exe"))
	add(2, `Folder\Other`, `\Folder\Other`, `C:\Program Files\Evil Corp\evil.exe`, true)
	f.file("WINDOWS/system32/Tasks/Folder/Other", taskXML("good.exe"))
	add(3, `Hidden`, `\Hidden`, "cmd.exe", false)
	f.file("WINDOWS/system32/Tasks/Hidden", taskXML("cmd.exe"))
	add(4, `NoXML`, `\NoXML`, "cmd.exe", true)
	f.file("WINDOWS/system32/Tasks/OnlyXML", taskXML("cmd.exe"))
	add(5, ``, `\NoTree`, "cmd.exe", true)
	f.file("WINDOWS/system32/Tasks/Broken", "<Task><Actions>")
	f.file("WINDOWS/Tasks/at1.job", "\x01\x06\x09\x00")
}

func TestTasksOfADisk(t *testing.T) {
	rows := run[TaskRow](infected(t), "tasks")
	got := map[string]TaskRow{}
	for _, r := range rows {
		got[string(r.Path)] = r
	}
	for path, want := range map[string]string{
		`\same`: "", `\Folder\Other`: "an action is only in tasks: exec C:\\Program Files\\Evil Corp\\evil.exe", `\Hidden`: "no security descriptor",
		`\NoXML`: "there is no file", `\OnlyXML`: "the registry does not know it", `\NoTree`: "Tree does not", `\Broken`: "the registry does not know it",
	} {
		r, ok := got[path]
		var all []string
		for _, d := range r.Disagreements {
			all = append(all, string(d))
		}
		said := strings.Join(all, "; ")
		if !ok || want == "" && said != "" || !strings.Contains(said, want) {
			t.Errorf("%s: %v, %q", path, ok, said)
		}
	}
	if r := got[`\Folder\Other`]; len(r.Commands) != 2 || r.Commands[0].Command.Files[0].Path != `C:\Program Files\Evil Corp\evil.exe` || r.Commands[0].Command.Files[0].SHA256 == "" || r.Tree == nil || r.Cache == nil || r.XML == nil {
		t.Errorf("%+v", r)
	}
	if r := got[`\Broken`]; r.XML == nil || r.XML.Reason == "" {
		t.Errorf("%+v", r)
	}
	if r := got[`\at1`]; r.Job == nil || r.Job.Reason == "" || strings.Join(r.Views, " ") != "job" {
		t.Errorf("%+v", r)
	}
}

func TestConform(t *testing.T) {
	hosttest.Conform(t, Persistence(collector.Disk), infected(t).host())
	hosttest.Conform(t, Persistence(collector.Disk), &collector.Host{Root: t.TempDir()})
}
