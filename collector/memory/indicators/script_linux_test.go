package indicators

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestScriptThatLeftItsDirectory starts scripts by relative names, which go
// elsewhere: their scripts are where they were.
func TestScriptThatLeftItsDirectory(t *testing.T) {
	_, look := readProcess(t)
	for name, text := range map[string]string{
		"run.sh": "cd /; echo ready; read x",
		"run.py": "import os; os.chdir('/'); print('ready', flush=True); input()",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		program := map[string]string{".sh": "bash", ".py": "python3"}[filepath.Ext(name)]
		c := exec.Command(program, name)
		c.Dir = dir // exec sets PWD, as a shell does
		in, _ := c.StdinPipe()
		out, _ := c.StdoutPipe()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { in.Close(); c.Wait() })
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			t.Fatalf("%s said %q: %v", name, line, err)
		}
		for _, gone := range []bool{false, true} {
			if gone {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			p := look(c.Process.Pid)
			checkScript(p)
			if (len(p.found) == 1 && p.found[0].id == "script-deleted" && p.found[0].explained == "") != gone || len(p.found) > 1 {
				t.Errorf("%s, removed %v: %+v", name, gone, p.found)
			}
		}
	}
}
