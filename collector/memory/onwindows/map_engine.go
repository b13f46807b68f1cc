package onwindows

import "strings"

// An engine makes code while it runs. What says that one is at work is an image that
// is mapped from a file where only administrators write, and whose file is what is
// mapped; it is known by what it exports, or, where it exports nothing of its own, by
// the name of its file there.
type engine struct {
	name    string
	exports []string // one of them, or a part of one where it begins with "*"
	files   []string
}

func engines() []engine {
	return []engine{
		{"the .NET runtime", []string{"coreclr_initialize", "getJit", "CLRCreateInstance"}, []string{"clr.dll", "clrjit.dll", "coreclr.dll", "mscorwks.dll"}},
		{"the JavaScript engine V8", []string{"*@v8@@"}, []string{"chrome.dll", "msedge.dll", "libcef.dll", "v8.dll", "node.exe"}},
		{"a JavaScript engine", []string{"JsCreateRuntime", "JS_NewContext"}, []string{"jscript9.dll", "chakra.dll", "chakracore.dll", "xul.dll", "mozjs.dll"}},
		{"a Java virtual machine", []string{"JNI_CreateJavaVM"}, nil},
		{"Mono", []string{"mono_jit_init"}, nil},
		{"LuaJIT", []string{"luaJIT_setmode"}, nil},
		{"libffi", []string{"ffi_closure_alloc"}, nil},
		{"a compiler of patterns", []string{"pcre2_jit_compile_8", "pcre2_jit_compile_16", "pcre_study"}, nil},
		{"LLVM", []string{"LLVMCreateJITCompilerForModule", "LLVMOrcCreateLLJIT"}, nil},
		{"a graphics driver", []string{"OpenAdapter10", "OpenAdapter10_2", "OpenAdapter12", "DrvSetContext"}, []string{"d3d10warp.dll"}},
	}
}

// engine says whether an engine of that name is at work in the process.
func (p *process) engine(name string) bool {
	for _, e := range engines() {
		if e.name == name {
			return p.engineImage(e) != nil
		}
	}
	return false
}

// whyCode gives what explains code that belongs to no file, "" if nothing does.
func (p *process) whyCode() string {
	for _, e := range engines() {
		if m := p.engineImage(e); m != nil {
			return e.name + " is at work here (" + clipped(m.path) + ") and makes code"
		}
	}
	return ""
}

func (p *process) engineImage(e engine) *imageMap {
	for i := range p.images {
		m := &p.images[i]
		if !p.s.places.installed(m.path) {
			continue
		}
		file, err := p.s.files.get(m.path)
		if err == nil && e.is(base(m.path), file) && p.mapped(m) {
			return m
		}
	}
	return nil
}

func (e engine) is(name string, f *peFile) bool {
	for _, n := range e.files {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	for _, x := range f.exported() {
		for _, want := range e.exports {
			if part, ok := strings.CutPrefix(want, "*"); x.name == want || ok && strings.Contains(x.name, part) {
				return true
			}
		}
	}
	return false
}
