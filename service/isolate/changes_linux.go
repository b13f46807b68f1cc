package isolate

import (
	"context"

	"golang.org/x/sys/unix"
)

// changes gives a channel that is sent to whenever rules or interfaces of this network
// namespace changed. Where the kernel does not say so, nothing is ever sent.
func changes(ctx context.Context) <-chan struct{} {
	out := make(chan struct{}, 1)
	for _, s := range []struct {
		family int
		groups uint32
	}{
		{unix.NETLINK_NETFILTER, 1 << (unix.NFNLGRP_NFTABLES - 1)},
		{unix.NETLINK_ROUTE, unix.RTMGRP_LINK},
	} {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, s.family)
		if err != nil {
			continue
		}
		if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: s.groups}); err != nil {
			unix.Close(fd)
			continue
		}
		go listen(ctx, fd, out)
	}
	return out
}

// listen ends soon after ctx, and closes fd.
func listen(ctx context.Context, fd int, out chan<- struct{}) {
	defer unix.Close(fd)
	buf := make([]byte, 1<<16)
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 500)
		if n == 0 || err != nil {
			continue
		}
		// What is said, and that too much was said (ENOBUFS), is all the same: look.
		if _, _, err := unix.Recvfrom(fd, buf, unix.MSG_DONTWAIT); err == unix.EAGAIN {
			continue
		}
		select {
		case out <- struct{}{}:
		default:
		}
	}
}
