package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The house rules, each a function from the parsed module to what breaks it.
// TestHouseRulesFire shows of each that it can fail.

// source is one Go file of the module.
type source struct {
	path string // with slashes, from the top of the module
	text string
	fset *token.FileSet
	file *ast.File
}

func (s *source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// at names a place in the file.
func (s *source) at(n ast.Node, format string, a ...any) string {
	return fmt.Sprintf("%s:%d: %s", s.path, s.fset.Position(n.Pos()).Line, fmt.Sprintf(format, a...))
}

func parseSource(path, text string) (*source, error) {
	s := &source{path: path, text: text, fset: token.NewFileSet()}
	var err error
	s.file, err = parser.ParseFile(s.fset, path, text, parser.ParseComments)
	return s, err
}

type rule struct {
	name  string
	check func([]*source) []string
}

func rules() []rule {
	return []rule{
		{"packages have a comment", packageComments},
		{"package comments name files that are there", commentsOfFiles},
		{"exported names have a comment", exportedComments},
		{"files have at most 500 lines", fileLengths},
		{"no init", noInit},
		{"no package variable is changed", noMutableState},
		{"no program is started", noExec},
		{"os.Exit only in main", noExit},
		{"nothing under collector and packager prints", noPrinting},
		{"no package is called util", noUtil},
		{"nothing is left to do", nothingLeft},
		{"imports keep to their side", imports},
	}
}

func TestHouseRules(t *testing.T) {
	if testing.Short() {
		t.Skip("long test: reads the whole house")
	}
	all := readModule(t)
	for _, r := range rules() {
		t.Run(strings.ReplaceAll(r.name, " ", "-"), func(t *testing.T) {
			for _, bad := range r.check(all) {
				t.Error(bad)
			}
		})
	}
}

// readModule reads every Go file below the top, testdata included: its programs
// keep the same rules.
func readModule(t *testing.T) (all []*source) {
	t.Helper()
	top := os.DirFS("..")
	err := fs.WalkDir(top, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		b, err := fs.ReadFile(top, path)
		if err != nil {
			return err
		}
		s, err := parseSource(path, string(b))
		if err == nil {
			all = append(all, s)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("only %d files: is this the module?", len(all))
	}
	return all
}

func dir(path string) string { return path[:max(0, strings.LastIndexByte(path, '/'))] }

func packageComments(all []*source) (bad []string) {
	has := map[string]bool{}
	for _, s := range all {
		if !s.test() {
			has[dir(s.path)] = has[dir(s.path)] || s.file.Doc != nil && !strings.HasPrefix(s.file.Doc.Text(), "go:build")
		}
	}
	for d, ok := range has {
		if !ok {
			bad = append(bad, d+": the package has no comment")
		}
	}
	return bad
}

// commentsOfFiles finds names of Go files in package comments that no file has.
func commentsOfFiles(all []*source) (bad []string) {
	there := map[string]bool{}
	for _, s := range all {
		there[s.path[strings.LastIndexByte(s.path, '/')+1:]] = true
	}
	for _, s := range all {
		for _, name := range regexp.MustCompile(`\b[a-z][a-z0-9_]*\.go\b`).FindAllString(s.file.Doc.Text(), -1) {
			if !there[name] {
				bad = append(bad, s.at(s.file, "the package comment names %s, which is not there", name))
			}
		}
	}
	return bad
}

func exportedComments(all []*source) (bad []string) {
	for _, s := range all {
		if s.test() {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && receiverExported(d) && d.Doc == nil && !ownMethods(d) {
					bad = append(bad, s.at(d, "%s has no comment", d.Name.Name))
				}
			case *ast.GenDecl:
				bad = append(bad, uncommented(s, d)...)
			}
		}
	}
	return bad
}

// ownMethods are those whose contract the standard library has written.
func ownMethods(d *ast.FuncDecl) bool {
	return d.Recv != nil && slices.Contains([]string{"Error", "Unwrap", "String", "Len", "Less", "Swap"}, d.Name.Name)
}

func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	exported := true
	ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			exported = exported && id.IsExported()
		}
		return true
	})
	return exported
}

func uncommented(s *source, d *ast.GenDecl) (bad []string) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && spec.Doc == nil && d.Doc == nil {
				bad = append(bad, s.at(spec, "%s has no comment", spec.Name.Name))
			}
		case *ast.ValueSpec:
			if spec.Names[0].IsExported() && spec.Doc == nil && spec.Comment == nil && d.Doc == nil {
				bad = append(bad, s.at(spec, "%s has no comment", spec.Names[0].Name))
			}
		}
	}
	return bad
}

func fileLengths(all []*source) (bad []string) {
	for _, s := range all {
		if n := strings.Count(s.text, "\n"); n > 500 {
			bad = append(bad, fmt.Sprintf("%s: %d lines", s.path, n))
		}
	}
	return bad
}

func noInit(all []*source) (bad []string) {
	for _, s := range all {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				bad = append(bad, s.at(f, "init"))
			}
		}
	}
	return bad
}

// noMutableState finds package variables that are assigned, incremented,
// written through an index or a field, whose address is taken, or that are made
// to be changed: a mutex, a sync.Once, an atomic, a map or slice made empty.
func noMutableState(all []*source) (bad []string) {
	vars := map[string]bool{} // "dir name"
	for _, s := range all {
		if s.test() {
			continue
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for _, n := range v.Names {
					vars[dir(s.path)+" "+n.Name] = n.Name != "_"
				}
				if made := madeToChange(s, v); made != "" {
					bad = append(bad, s.at(v, "%s: %s", v.Names[0].Name, made))
				}
			}
		}
	}
	for _, s := range all {
		if !s.test() {
			bad = append(bad, changes(s, vars)...)
		}
	}
	return bad
}

func madeToChange(s *source, v *ast.ValueSpec) string {
	if v.Type != nil && len(v.Values) == 0 && !embedded(s, v) {
		return "a variable without a value is there to be set"
	}
	for _, value := range v.Values {
		if c, ok := value.(*ast.CallExpr); ok {
			if id, ok := c.Fun.(*ast.Ident); ok && (id.Name == "make" || id.Name == "new") {
				return "made empty, to be filled"
			}
		}
	}
	return ""
}

// embedded says whether the variable is filled by the compiler.
func embedded(s *source, v *ast.ValueSpec) bool {
	line := s.fset.Position(v.Pos()).Line
	lines := strings.Split(s.text, "\n")
	return line >= 2 && strings.HasPrefix(strings.TrimSpace(lines[line-2]), "//go:embed")
}

func changes(s *source, vars map[string]bool) (bad []string) {
	global := func(e ast.Expr) string {
		for {
			switch x := e.(type) {
			case *ast.IndexExpr:
				e = x.X
			case *ast.SelectorExpr:
				e = x.X
			case *ast.StarExpr:
				e = x.X
			case *ast.ParenExpr:
				e = x.X
			case *ast.Ident:
				// An identifier that the parser resolved within this file to something
				// that is no package variable is a local one.
				if !vars[dir(s.path)+" "+x.Name] || x.Obj != nil && s.file.Scope.Lookup(x.Name) != x.Obj {
					return ""
				}
				return x.Name
			default:
				return ""
			}
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		var changed []ast.Expr
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				changed = n.Lhs
			}
		case *ast.IncDecStmt:
			changed = []ast.Expr{n.X}
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				changed = []ast.Expr{n.X}
			}
		}
		for _, e := range changed {
			if name := global(e); name != "" {
				bad = append(bad, s.at(n, "package variable %s is changed, or its address taken", name))
			}
		}
		return true
	})
	return bad
}

func noExec(all []*source) (bad []string) {
	for _, s := range all {
		if s.test() || strings.HasPrefix(s.path, "testdata/") {
			continue
		}
		for _, i := range s.file.Imports {
			if i.Path.Value == `"os/exec"` {
				bad = append(bad, s.at(i, "os/exec"))
			}
		}
		bad = append(bad, called(s, regexp.MustCompile(`^(os\.StartProcess|(syscall|unix)\.(Exec|ForkExec|StartProcess|Execveat?))$`))...)
	}
	return bad
}

// called finds uses of pkg.Name.
func called(s *source, pattern *regexp.Regexp) (bad []string) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && pattern.MatchString(id.Name+"."+sel.Sel.Name) {
				bad = append(bad, s.at(sel, "%s.%s", id.Name, sel.Sel.Name))
			}
		}
		return true
	})
	return bad
}

func noExit(all []*source) (bad []string) {
	for _, s := range all {
		if s.test() || strings.HasPrefix(s.path, "testdata/") {
			continue
		}
		for _, use := range called(s, regexp.MustCompile(`^(os\.Exit|log\.Fatal.*|syscall\.Exit)$`)) {
			if s.file.Name.Name != "main" || !strings.HasSuffix(s.path, "/main.go") {
				bad = append(bad, use)
			}
		}
	}
	return bad
}

func noPrinting(all []*source) (bad []string) {
	for _, s := range all {
		if s.test() || !strings.HasPrefix(s.path, "collector/") && !strings.HasPrefix(s.path, "packager/") {
			continue
		}
		bad = append(bad, called(s, regexp.MustCompile(`^(fmt\.Print(f|ln)?|os\.Std(out|err)|log\..*|slog\..*)$`))...)
	}
	return bad
}

func noUtil(all []*source) (bad []string) {
	for _, s := range all {
		for _, part := range append(strings.Split(dir(s.path), "/"), s.file.Name.Name) {
			if regexp.MustCompile(`^(utils?|commons?|helpers?|misc|shared)$`).MatchString(part) {
				bad = append(bad, s.path+": a package called "+part)
			}
		}
	}
	return bad
}

func nothingLeft(all []*source) (bad []string) {
	marks := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	for _, s := range all {
		for n, line := range strings.Split(s.text, "\n") {
			if m := marks.FindString(line); m != "" {
				bad = append(bad, fmt.Sprintf("%s:%d: %s", s.path, n+1, m))
			}
		}
	}
	return bad
}

// imports are the sides of the house, as far as our own import lines show them.
func imports(all []*source) (bad []string) {
	for _, s := range all {
		if s.test() {
			continue
		}
		for _, i := range s.file.Imports {
			if why := forbidden(dir(s.path), strings.Trim(i.Path.Value, `"`)); why != "" {
				bad = append(bad, s.at(i, "%s", why))
			}
		}
	}
	return bad
}

// forbidden says why a package below from must not depend on path; "" if it may.
func forbidden(from, path string) string {
	below := func(p, top string) bool { return p == top || strings.HasPrefix(p, top+"/") }
	switch {
	case below(from, "packager") && below(path, "hozen/collector"),
		below(from, "packager") && below(path, "hozen/service"),
		below(from, "packager") && path == "net/http",
		below(from, "collector") && below(path, "hozen/packager") && !below(path, "hozen/packager/evidence"),
		below(from, "collector") && below(path, "hozen/service"),
		below(from, "collector") && path == "net/http",
		below(from, "agent") && below(path, "hozen/service/hub"),
		below(from, "packager/evidence") && strings.Contains(path, "."):
		return from + " must not depend on " + path
	}
	return ""
}

// TestDependencies asks the go command for what our packages depend on in the
// end, on each system: a rule that import lines alone would not hold.
func TestDependencies(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("needs the go command: %v", err)
	}
	for _, system := range []string{"linux", "windows", "darwin"} {
		c := exec.Command(goTool, "list", "-deps", "-f", `{{$p := .ImportPath}}{{if not .Standard}}{{range .Deps}}{{$p}} {{.}}{{"\n"}}{{end}}{{end}}`, "hozen/packager/...", "hozen/collector/...")
		c.Dir, c.Env = "..", append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s: %v", system, err)
		}
		n := 0
		for line := range strings.Lines(string(out)) {
			from, to, _ := strings.Cut(strings.TrimSpace(line), " ")
			from, ours := strings.CutPrefix(from, "hozen/")
			if !ours || strings.Contains(from, "hosttest") {
				continue
			}
			n++
			if why := forbidden(from, to); why != "" && to != "hozen/packager" {
				t.Errorf("%s: %s", system, why)
			}
		}
		if n < 100 {
			t.Errorf("%s: only %d dependencies seen", system, n)
		}
	}
}
