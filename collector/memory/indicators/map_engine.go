package indicators

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"hozen/collector/proc"
)

// A mapEngine is a program or library that makes code while it runs, and how that
// looks in memory.
//
// The rule: an area is explained by an engine when (1) the engine itself is mapped
// executable from installed software (process.installed), and so is the image; (2) the area has the
// permissions, name, size or contents that this engine gives its code; and (3) no
// head of a program stands in it. A stack is never explained so. Programs of
// root can be run with libraries of root by anybody: an explanation lowers a row, it does not take it away.
type mapEngine struct {
	name string
	// images are names of the program; libraries are beginnings of names of
	// libraries; beside are names of files that are mapped from the folder of the
	// program. One of them is enough.
	images, libraries, beside []string
	fits                      func(a *mapArea) bool
}

// mapEngines is THE list of engines.
func mapEngines() []mapEngine {
	either := private("rwxp", "r-xp")
	return []mapEngine{
		{"V8", []string{"node", "nodejs", "deno", "bun", "chrome", "chromium", "electron", "msedge", "brave"}, []string{"libnode.so", "libv8.so", "libcef.so", "libQt5WebEngineCore.so", "libQt6WebEngineCore.so"},
			[]string{"v8_context_snapshot.bin", "snapshot_blob.bin", "v8_context_snapshot_blob.bin"}, anyOf(either, besideProgram)},
		{"HotSpot (Java)", nil, []string{"libjvm.so"}, nil, anyOf(private("rwxp"), hugePages)},
		{"OpenJ9 (Java)", nil, []string{"libj9jit"}, nil, private("rwxp")},
		{".NET", nil, []string{"libcoreclr.so", "libclrjit.so"}, nil, anyOf(either, named("/memfd:doublemapper"))},
		{"Mono", []string{"mono", "mono-sgen"}, []string{"libmonosgen-2.0.so", "libcoreclr_mono.so"}, nil, private("rwxp")},
		{"SpiderMonkey", nil, []string{"libxul.so", "libmozjs-"}, nil, either},
		{"JavaScriptCore", nil, []string{"libjavascriptcoregtk-", "libQt5WebKit.so", "libJavaScriptCore"}, nil, either},
		{"PyPy", []string{"pypy", "pypy3"}, []string{"libpypy"}, nil, private("rwxp")},
		{"LuaJIT", []string{"luajit", "luajit-2.1.0-beta3"}, []string{"libluajit-"}, nil, all(either, multipleOf(16<<10))},
		{"PCRE", nil, []string{"libpcre2-8.so", "libpcre2-16.so", "libpcre2-32.so", "libpcre.so", "libpcre16.so", "libpcre32.so"}, nil, all(private("rwxp"), multipleOf(64<<10), atMost(16<<20))},
		{"closures of libffi", nil, []string{"libffi.so"}, nil, all(anyOf(private("rwxp"), named("/memfd:libffi"), named("/tmp/ffi")), atMost(16<<20), ffiClosures)},
		{"LLVM", nil, []string{"libLLVM", "libllvmlite.so", "libjulia-codegen.so"}, nil, either},
		{"Mesa", nil, []string{"libgallium", "libGLX_mesa.so", "libEGL_mesa.so", "swrast_dri.so", "iris_dri.so", "radeonsi_dri.so", "virtio_gpu_dri.so", "kms_swrast_dri.so"}, nil, private("rwxp")},
		{"NVIDIA's driver", nil, []string{"libnvidia-", "libGLX_nvidia.so", "libEGL_nvidia.so", "libcuda.so"}, nil, anyOf(either, named("/memfd:/.gl"), named("/memfd:/.nvidia_drv"), named("/tmp/.gl"))},
		{"QEMU", []string{"qemu-*"}, nil, nil, anyOf(private("rwxp"), named("/memfd:tcg-jit"))},
		{"Wine", []string{"wine", "wine64", "wine-preloader", "wine64-preloader"}, nil, nil, either},
		{"Valgrind", []string{"memcheck-*", "callgrind-*", "cachegrind-*", "helgrind-*", "drd-*", "massif-*", "dhat-*", "none-*", "lackey-*"}, nil, nil, either},
		{"Ruby", []string{"ruby*"}, []string{"libruby"}, nil, either},
		{"Erlang", []string{"beam.smp"}, nil, nil, anyOf(either, named("/memfd:vmem"))},
		{"PHP", []string{"php*"}, []string{"opcache.so"}, nil, sharedZero},
		{"SBCL", []string{"sbcl"}, nil, nil, private("rwxp")},
		{"Guile", nil, []string{"libguile-3"}, nil, either},
		{"oneDNN", nil, []string{"libdnnl.so", "libtorch_cpu.so"}, nil, either},
		{"Dart", []string{"dart", "dartaotruntime"}, nil, nil, either},
	}
}

// enginesIn gives the engines that a process has mapped from installed software.
func enginesIn(exe string, maps []proc.Mapping, installed func(*proc.Mapping) bool) (out []mapEngine) {
	var files []string // executable ones
	beside := map[string]bool{}
	last := ""
	for i := range maps {
		m := &maps[i]
		if m.Path == last || !m.Executable() && path.Dir(m.Path) != path.Dir(exe) || !installed(m) {
			continue
		}
		if m.Executable() {
			last = m.Path
			files = append(files, m.Path)
		} else {
			beside[path.Base(m.Path)] = true
		}
	}
	if !slices.Contains(files, exe) {
		return nil
	}
	image := path.Base(exe)
	for _, e := range mapEngines() {
		if e.mapped(image, files, beside) {
			out = append(out, e)
		}
	}
	return out
}

func (e *mapEngine) mapped(image string, files []string, beside map[string]bool) bool {
	for _, name := range e.images {
		if ok, _ := path.Match(name, image); ok {
			return true
		}
	}
	for _, name := range e.libraries {
		if slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(path.Base(f), name) }) {
			return true
		}
	}
	return slices.ContainsFunc(e.beside, func(name string) bool { return beside[name] })
}

// explainByEngine gives the explanation of an area, "" if none fits.
func explainByEngine(engines []mapEngine, a *mapArea) string {
	for _, e := range engines {
		if a.kind != areaStack && len(a.heads) == 0 && e.fits(a) {
			return "code that " + e.name + " makes while it runs"
		}
	}
	return ""
}

// private fits memory of no file, private to the process, with one of the
// permissions.
func private(perms ...string) func(*mapArea) bool {
	return func(a *mapArea) bool { return a.kind == areaAnonymous && slices.Contains(perms, a.first.Perms) }
}

// besideProgram fits V8's reservation where it lies behind the program's data: the
// kernel then calls it [heap], though brk(2) never gave it. A real heap does not
// begin at a multiple of 2 MiB.
func besideProgram(a *mapArea) bool {
	return a.kind == areaHeap && a.start%(2<<20) == 0 && a.size() >= 16<<20 && a.size()%(256<<10) == 0
}

// named fits a memfd or deleted file whose name begins so.
func named(prefix string) func(*mapArea) bool {
	return func(a *mapArea) bool {
		return (a.kind == areaMemfd || a.kind == areaDeleted) && a.first.Deleted && strings.HasPrefix(a.first.Path, prefix)
	}
}

func hugePages(a *mapArea) bool {
	return a.kind == areaAnonymous && a.first.Path == "/anon_hugepage"
}

// sharedZero fits memory that is shared with children and that nobody named.
func sharedZero(a *mapArea) bool {
	return a.kind == areaAnonymous && !a.first.Private() && (a.first.Path == "/dev/zero" || a.first.Path == "/anon_hugepage")
}

func multipleOf(n uint64) func(*mapArea) bool {
	return func(a *mapArea) bool { return a.size()%n == 0 }
}

func atMost(n uint64) func(*mapArea) bool {
	return func(a *mapArea) bool { return a.size() <= n }
}

// ffiClosures fits what begins with a trampoline of libffi, after the heads of its
// allocator; so far nothing may be there. x86-64 (two forms), arm64.
func ffiClosures(a *mapArea) bool {
	begin := a.head[:min(len(a.head), 96)]
	for _, code := range []string{"\x4c\x8d\x15\xf5\xff\xff\xff\x25", "\x4c\x8d\x15\xf9\xff\xff\xff\xff\x25", "\x4c\x8d\x15\xf9\xff\xff\xff\xf3\x0f\x1e",
		"\x90\x00\x00\x58\xf1\xff\xff\x10", "\x70\x00\x00\x58\xd1\xff\xff\x10"} {
		if bytes.Contains(begin, []byte(code)) {
			return true
		}
	}
	return false
}

func all(fits ...func(*mapArea) bool) func(*mapArea) bool {
	return func(a *mapArea) bool {
		return !slices.ContainsFunc(fits, func(f func(*mapArea) bool) bool { return !f(a) })
	}
}

func anyOf(fits ...func(*mapArea) bool) func(*mapArea) bool {
	return func(a *mapArea) bool {
		return slices.ContainsFunc(fits, func(f func(*mapArea) bool) bool { return f(a) })
	}
}
