// Command driver runs one job in the QEMU guest of testdata/vm: it starts the
// machine, reads its serial console, saves its memory whenever the guest asks for
// that, and ends with the exit code of the job. Only run.sh calls it.
//
// A guest asks by lines on the console:
//
//	@vm truth NAME   stop, save each bank of memory to OUT/NAME.ADDRESS, go on, answer with a line
//	@vm exit CODE    the job has ended with CODE; the machine switches itself off next
//
// Exit codes of its own: 95 when the guest did not say how the job ended.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lowMemory is the size of the first bank; what is over it lies at highMemory.
const (
	lowMemory  = 256 << 20
	highMemory = 4 << 30
)

type options struct {
	kernel, out, la57 string
	memory            int64 // MiB
	timeout           time.Duration
	disks             []string
}

func main() {
	var o options
	flag.StringVar(&o.kernel, "kernel", "", "`file` of the kernel")
	flag.StringVar(&o.out, "out", "", "`folder` for the console's text and the memory")
	flag.StringVar(&o.la57, "la57", "off", "page tables of five levels: on or off")
	flag.Int64Var(&o.memory, "memory", 512, "`MiB` of memory")
	flag.DurationVar(&o.timeout, "timeout", 5*time.Minute, "how long the machine may run")
	flag.Parse()
	o.disks = flag.Args()
	code, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
	}
	os.Exit(code)
}

// run gives the exit code of the job, or noExit and why there is none.
func run(o options) (int, error) {
	const noExit = 95
	ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
	defer cancel()
	log, err := os.Create(filepath.Join(o.out, "serial.log"))
	if err != nil {
		return noExit, err
	}
	defer log.Close()
	work, err := os.MkdirTemp("", "hozen-qmp.")
	if err != nil {
		return noExit, err
	}
	defer os.RemoveAll(work)

	socket := filepath.Join(work, "qmp")
	machine := exec.CommandContext(ctx, "qemu-system-x86_64", arguments(o, socket)...)
	machine.Stderr = os.Stderr
	// However we end, the machine ends with us: with this thread (prctl(2), PR_SET_PDEATHSIG).
	runtime.LockOSThread()
	machine.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	keyboard, err := machine.StdinPipe()
	if err != nil {
		return noExit, err
	}
	console, err := machine.StdoutPipe()
	if err != nil {
		return noExit, err
	}
	if err := machine.Start(); err != nil {
		return noExit, err
	}
	g := guest{o: o, monitor: monitor{socket: socket}, keyboard: keyboard, code: noExit}
	err = g.follow(io.TeeReader(console, log))
	cancelled := ctx.Err()
	if err != nil {
		cancel()
	}
	waited := machine.Wait()
	switch {
	case err != nil:
	case cancelled != nil:
		err = fmt.Errorf("the machine was not done after %v", o.timeout)
	case g.code == noExit:
		err = errors.Join(errors.New("the machine ended before the job did"), waited)
	}
	if err != nil {
		tail(filepath.Join(o.out, "serial.log"))
		return noExit, err
	}
	return g.code, nil
}

// arguments are those of QEMU. One NVMe controller holds all disks, so that
// their names follow their order: /dev/nvme0n1, n2, … Debian's cloud kernel has
// its driver built in.
func arguments(o options, socket string) []string {
	a := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", fmt.Sprintf("pc,max-ram-below-4g=%d", lowMemory), "-m", fmt.Sprint(o.memory),
		"-accel", "tcg,thread=multi", "-cpu", "max,la57=" + o.la57, "-smp", "2",
		"-serial", "stdio", "-qmp", "unix:" + socket + ",server=on,wait=off",
		"-kernel", o.kernel,
		"-append", "root=/dev/nvme0n1 rootfstype=ext4 rw console=ttyS0 quiet loglevel=3 panic=-1 systemd.show_status=0 net.ifnames=0",
		"-device", "nvme,serial=hozen,id=nvme0",
	}
	for i, disk := range o.disks {
		last := "snapshot=on" // only what comes out is kept
		if i == 2 {
			last = "cache=unsafe"
		}
		a = append(a, "-drive", fmt.Sprintf("if=none,format=raw,id=d%d,file=%s,%s", i, disk, last),
			"-device", fmt.Sprintf("nvme-ns,bus=nvme0,drive=d%d,nsid=%d", i, i+1))
	}
	return a
}

// guest is the running machine as its console shows it.
type guest struct {
	o        options
	monitor  monitor
	keyboard io.Writer
	code     int
}

// follow reads the console until it ends.
func (g *guest) follow(console io.Reader) error {
	lines := bufio.NewReader(console)
	for {
		line, err := lines.ReadString('\n')
		if text, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "@vm "); !ok {
			os.Stdout.WriteString(line)
		} else if err := g.asked(text); err != nil {
			return err
		}
		if err != nil { // the machine is off
			return nil
		}
	}
}

func (g *guest) asked(text string) error {
	word, rest, _ := strings.Cut(text, " ")
	switch word {
	case "exit":
		code, err := strconv.Atoi(rest)
		if err != nil {
			return fmt.Errorf("the guest said %q", text)
		}
		g.code = code
		return nil
	case "truth":
		if err := g.truth(rest); err != nil {
			return fmt.Errorf("memory %s: %w", rest, err)
		}
		_, err := io.WriteString(g.keyboard, "\n")
		return err
	}
	return fmt.Errorf("the guest said %q", text)
}

// truth saves the memory of the machine, which stands still meanwhile.
func (g *guest) truth(name string) error {
	size := g.o.memory << 20
	commands := []string{"stop", save(g.o.out, name, 0, min(size, lowMemory))}
	if size > lowMemory {
		commands = append(commands, save(g.o.out, name, highMemory, size-lowMemory))
	}
	return g.monitor.run(append(commands, "cont")...)
}

func save(folder, name string, address, size int64) string {
	file := filepath.Join(folder, fmt.Sprintf("%s.%x", filepath.Base(name), address))
	return fmt.Sprintf("pmemsave %#x %#x %q", address, size, file)
}

// tail shows what the console said last.
func tail(file string) {
	b, err := os.ReadFile(file)
	if err != nil {
		return
	}
	fmt.Fprintf(os.Stderr, "driver: the console's last words (%s):\n%s\n", file, b[max(0, len(b)-4000):])
}
