package indicators

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
)

// A symbolTable is what is kept of /proc/kallsyms: some of the kernel's own
// symbols, and what belongs to modules and generated code.
type symbolTable struct {
	addr map[string]uint64 // the kernel's own symbols that wantedSymbols names
	end  map[string]uint64 // of a wanted symbol: the address of the next one
	// modules counts the symbols of each module; "bpf" and "__builtin__…", the
	// kernel's labels for code that it makes, are in labels.
	modules map[string]int
	labels  map[string][]symbol
	shown   bool // addresses are not all zeros
	whole   bool
	kept    []byte // the lines that this is made of
	wanted  map[string]bool
}

type symbol struct {
	name string
	addr uint64
}

// Bounds of what a forged kallsyms can make us remember.
const (
	limitKallsyms    = 256 << 20
	limitSymbolsKept = 16 << 20
)

// parseSymbols reads kallsyms (kernel/kallsyms.c, s_show): address type name, then
// a tab and [module] for what is no part of the kernel's image. The order of the
// image's symbols is that of their addresses.
func parseSymbols(r io.Reader) (t symbolTable, err error) {
	t = symbolTable{addr: map[string]uint64{}, end: map[string]uint64{}, modules: map[string]int{}, labels: map[string][]symbol{}, wanted: wantedSymbols()}
	b := bufio.NewReaderSize(io.LimitReader(r, limitKallsyms), 256<<10)
	open := symbol{} // a wanted symbol whose end is not known yet
	for {
		line, err := b.ReadSlice('\n')
		if err == nil || err == io.EOF {
			t.line(bytes.TrimSuffix(line, []byte{'\n'}), &open)
		}
		switch err {
		case nil, bufio.ErrBufferFull: // no symbol is that long
		case io.EOF:
			t.whole = true
			return t, nil
		default:
			return t, err
		}
	}
}

func (t *symbolTable) line(line []byte, open *symbol) {
	digits, rest, ok := bytes.Cut(line, []byte{' '})
	if !ok || len(rest) < 3 || rest[1] != ' ' {
		return
	}
	addr, ok := hexNumber(digits)
	if !ok {
		return
	}
	t.shown = t.shown || addr != 0
	name, module, tagged := bytes.Cut(rest[2:], []byte{'\t'})
	if tagged {
		t.tagged(line, addr, name, string(bytes.Trim(module, "[]")))
		return
	}
	if open.name != "" && addr > open.addr {
		t.end[open.name] = addr
		open.name = ""
	}
	if !t.wanted[string(name)] {
		return
	}
	if _, twice := t.addr[string(name)]; !twice {
		t.addr[string(name)] = addr
		*open = symbol{string(name), addr}
		t.keep(line)
	}
}

func (t *symbolTable) tagged(line []byte, addr uint64, name []byte, module string) {
	if len(t.kept) >= limitSymbolsKept {
		return
	}
	t.keep(line)
	if module == "bpf" || strings.HasPrefix(module, "__builtin__") {
		t.labels[module] = append(t.labels[module], symbol{string(name), addr})
		return
	}
	t.modules[module]++
}

func (t *symbolTable) keep(line []byte) {
	if len(t.kept)+len(line) < limitSymbolsKept {
		t.kept = append(append(t.kept, line...), '\n')
	}
}

// hexNumber reads hex digits without allocating.
func hexNumber(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 16 {
		return 0, false
	}
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

// wantedSymbols gives the names whose addresses are needed: bounds of the text,
// the tables of system calls, helpers of eBPF that do more than look, and the
// functions that rootkits hook.
func wantedSymbols() map[string]bool {
	out := map[string]bool{}
	for name := range strings.FieldsSeq("_stext _etext sys_call_table ia32_sys_call_table __bpf_call_base entry_SYSCALL_64 do_syscall_64 " +
		"x64_sys_call x32_sys_call ia32_sys_call bpf_probe_write_user bpf_override_return bpf_send_signal bpf_send_signal_thread " + watchedFunctions) {
		out[name] = true
	}
	for name := range strings.FieldsSeq(watchedSyscalls) {
		for _, prefix := range syscallPrefixes() {
			out[prefix+name] = true
		}
	}
	return out
}

// syscallPrefixes are what the function of a system call begins with ("__x64_sys_getdents64").
func syscallPrefixes() []string {
	return []string{"__x64_sys_", "__ia32_sys_", "__x64_compat_sys_", "__ia32_compat_sys_", "__arm64_sys_", "__arm64_compat_sys_", "__se_sys_", "__do_sys_", "ksys_", "sys_"}
}

// watchedSyscalls are the system calls that rootkits hook, to hide or to take orders.
const watchedSyscalls = " getdents getdents64 kill read pread64 readv write openat open open_by_handle_at stat lstat newstat newlstat newfstatat statx " +
	"newuname execve execveat recvmsg recvfrom socket bpf init_module finit_module delete_module unlink unlinkat rename renameat2 chdir mkdir rmdir " +
	"sysinfo syslog ptrace readlinkat readlink "

// watchedFunctions list files, processes, sockets, modules and log lines, or see
// every keystroke and packet.
const watchedFunctions = " filldir filldir64 compat_filldir fillonedir iterate_dir iterate_shared proc_pid_readdir proc_root_readdir proc_readdir proc_pid_lookup " +
	"proc_root_lookup next_tgid find_task_by_vpid find_vpid find_ge_pid find_get_pid find_pid_ns pid_task get_pid_task pid_getattr proc_tgid_stat " +
	"tcp4_seq_show tcp6_seq_show udp4_seq_show udp6_seq_show raw_seq_show raw6_seq_show unix_seq_show packet_seq_show netlink_seq_show " +
	"tcp_diag_dump udp_diag_dump inet_diag_dump inet_diag_dump_icsk inet_sk_diag_fill inet_csk_diag_fill sk_diag_fill packet_diag_dump unix_diag_dump raw_diag_dump " +
	"m_show m_start m_next s_show s_start modules_open show_map_vma vfs_read vfs_readv ksys_read vfs_statx vfs_getattr vfs_getattr_nosec __vfs_getxattr " +
	"tty_read tty_write n_tty_read n_tty_receive_buf2 receive_buf packet_rcv packet_rcv_spkt tpacket_rcv ip_rcv tcp_v4_rcv udp_rcv icmp_rcv __netif_receive_skb_core " +
	"do_sysinfo si_meminfo si_swapinfo do_syslog devkmsg_read vprintk_emit audit_log_start seq_read seq_read_iter proc_reg_read prepare_creds commit_creds " +
	"find_module kallsyms_lookup_name kallsyms_on_each_symbol is_module_address do_init_module bpf_prog_get_curr_or_next security_file_open security_inode_getattr " +
	"account_process_tick account_user_time load_elf_binary nf_hook_slow "

// watched says whether a function is one that hooks are set on to hide, to spy or
// to take orders.
func watched(name string) bool {
	if strings.ContainsAny(name, " \t") {
		return false
	}
	for _, prefix := range syscallPrefixes() {
		if s, ok := strings.CutPrefix(name, prefix); ok && strings.Contains(watchedSyscalls, " "+s+" ") {
			return true
		}
	}
	return strings.Contains(watchedFunctions, " "+name+" ")
}

// function takes the offset off "filldir64+0x0/0x1a0".
func function(s string) (name string, offset uint64) {
	name, rest, ok := strings.Cut(s, "+")
	if !ok {
		return s, 0
	}
	rest, _, _ = strings.Cut(rest, "/")
	offset, _ = strconv.ParseUint(strings.TrimPrefix(rest, "0x"), 16, 64)
	return name, offset
}
