package timeline

import "strings"

// Names of programs by which contents leave a machine, or people come in. Those of
// file sharing are compiled from the targets of KapeFiles (MIT), from ForensicArtifacts
// (Apache-2.0) and from Japanese press on the leaks through Winny and Share; those of remote
// access from the vendors' own packages. All in lower case.

// sharing lists file-sharing programs and the files that they keep, with the program's name.
var sharing = map[string]string{
	"winny.exe": "Winny", "winnyp.exe": "Winny", "winny2.exe": "Winny", "upfolder.txt": "Winny", "noderef.txt": "Winny", "winny.ini": "Winny",
	"share.exe": "Share", "sharent.exe": "Share", "share_nt.exe": "Share", "perfect dark.exe": "Perfect Dark", "perfectdark.exe": "Perfect Dark",
	"winmx.exe": "WinMX", "limewire.exe": "LimeWire", "cabos.exe": "Cabos",
	"utorrent.exe": "uTorrent", "bittorrent.exe": "BitTorrent", "qbittorrent.exe": "qBittorrent", "qbittorrent": "qBittorrent",
	"qbittorrent-nox": "qBittorrent", "transmission-daemon": "Transmission", "transmission-gtk": "Transmission", "transmission-qt": "Transmission",
	"deluge": "Deluge", "deluged": "Deluge", "rtorrent": "rTorrent", "ktorrent": "KTorrent", "aria2c": "aria2",
	"emule.exe": "eMule", "amule": "aMule", "amuled": "aMule", "shareaza.exe": "Shareaza", "frostwire.exe": "FrostWire", "dcplusplus.exe": "DC++",
	"freenet.exe": "Freenet", "gigatribe.exe": "Gigatribe", "soulseekqt": "Soulseek", "soulseekqt.exe": "Soulseek", "nicotine": "Nicotine+",
}

// remote lists programs for remote access and for tunnels.
var remote = map[string]string{
	"anydesk": "AnyDesk", "anydesk.exe": "AnyDesk", "teamviewer": "TeamViewer", "teamviewerd": "TeamViewer", "teamviewer.exe": "TeamViewer",
	"rustdesk": "RustDesk", "rustdesk.exe": "RustDesk", "hbbs": "RustDesk", "hbbr": "RustDesk", "connectwisecontrol.client.exe": "ScreenConnect",
	"screenconnect.clientservice.exe": "ScreenConnect", "atera_agent.exe": "Atera", "ateraagent.exe": "Atera", "splashtop.exe": "Splashtop",
	"logmein.exe": "LogMeIn", "meshagent": "MeshCentral", "meshagent.exe": "MeshCentral", "dwagent": "DWService", "dwagent.exe": "DWService",
	"supremo.exe": "Supremo", "ammyy.exe": "Ammyy Admin", "aa_v3.exe": "Ammyy Admin", "radmin.exe": "Radmin", "rserver3.exe": "Radmin",
	"x11vnc": "VNC", "xvnc": "VNC", "vncserver": "VNC", "x0vncserver": "VNC", "winvnc.exe": "VNC", "tvnserver.exe": "VNC", "wayvnc": "VNC", "vino-server": "VNC",
	"ngrok": "ngrok", "ngrok.exe": "ngrok", "frpc": "frp", "frps": "frp", "frpc.exe": "frp", "chisel": "chisel", "chisel.exe": "chisel",
	"cloudflared": "cloudflared", "cloudflared.exe": "cloudflared", "gsocket": "gsocket", "gs-netcat": "gsocket", "tailscaled": "Tailscale",
	"zerotier-one": "ZeroTier", "softether": "SoftEther VPN", "vpnserver": "SoftEther VPN", "nkn-tunnel": "nkn", "pagekite.py": "PageKite",
	"rport": "rport", "remotely_agent": "Remotely", "tacticalrmm": "Tactical RMM", "tacticalagent": "Tactical RMM",
}

// maxProgram is the length of the longest of these names.
const maxProgram = 32

// expectedSuid are programs that packages of distributions install with these bits.
const expectedSuid = ` su sudo sudoedit mount umount passwd gpasswd newgrp sg chsh chfn chage expiry pkexec fusermount fusermount3 ping ping6
 ssh-keysign ssh-agent dbus-daemon-launch-helper polkit-agent-helper-1 Xorg.wrap at crontab unix_chkpwd unix2_chkpwd pam_extrausers_chkpwd
 pam_timestamp_check wall write bsd-write write.ul dotlockfile mlocate locate plocate mount.nfs mount.cifs mount.ntfs-3g ntfs-3g exim4 procmail
 lockfile snap-confine chrome-sandbox pppd userhelper usernetctl staprun sendmail postdrop postqueue newuidmap newgidmap screen utempter
 gnome-pty-helper ksu doas vmware-user-suid-wrapper VBoxHeadless mtr traceroute6.iputils bwrap suexec kismet_cap_linux_wifi
 camel-lock-helper-1.2 ecryptfs cockpit-session sssd_pam ldap_child krb5_child p11_child proxy_child lbcache `

// isExpectedSuid says whether a program of the system is known to have these bits.
func isExpectedSuid(name string) bool {
	return strings.Contains(expectedSuid, " "+name+" ") || strings.Contains(expectedSuid, " "+name+"\n")
}

// expectedCapable are programs that distributions give capabilities.
const expectedCapable = ` ping arping clockdiff fping traceroute6.iputils mtr-packet dumpcap newuidmap newgidmap gst-ptp-helper snap-confine suexec
 kwin_wayland gnome-keyring-daemon rcp rlogin rsh sssd_pam krb5_child ldap_child selinux_child bwrap systemd-detect-virt ksgrd_network_helper start_kdeinit `

func isExpectedCapable(name string) bool {
	return strings.Contains(expectedCapable, " "+name+" ") || strings.Contains(expectedCapable, " "+name+"\n")
}

// isInterpreter says whether a program does what it is told: a capability of it is
// everybody's.
func isInterpreter(name string) bool {
	for _, p := range []string{"python", "perl", "ruby", "php", "node", "bash", "dash", "zsh", "lua", "tclsh", "gdb", "vim", "tar", "rsync", "openssl", "busybox", "env", "find", "awk", "gawk", "mawk"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return name == "sh"
}
