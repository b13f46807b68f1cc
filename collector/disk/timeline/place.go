package timeline

import (
	"regexp"
	"slices"
	"strings"
)

// A place says what belongs in a directory, judged by its path alone.
type place uint16

const (
	inSystem  place = 1 << iota // software and configuration of the system
	inProgram                   // programs and libraries of the system
	inEtc                       // configuration
	inTemp                      // anybody may write there
	inDev                       // device nodes alone, but for memory shared there
	inNoCode                    // data, where no program belongs
	inHome                      // of a user
	inHidden                    // a hidden folder of a user
	inKnown                     // where programs of users, and of builds, are known to lie
	inWeb                       // what a web server shows
	inUpload                    // below that, what visitors bring, or what is no code
	inLayer                     // a container's or another system's tree within this one
)

// layer are the ways into trees of other systems: images of containers, snaps, machines.
var layer = regexp.MustCompile(`^(/var/lib/(docker|containers/storage|containerd|lxc|lxd|machines|snapd/snap|kubelet|flatpak)/.*?/(diff|merged|fs|rootfs)|/home/[^/]+/\.local/share/containers/storage/.*?/diff|/snap/[^/]+/[^/]+|/var/lib/machines/[^/]+)(/|$)`)

// placeOf judges a directory.
func placeOf(dir string) (p place) {
	if at := layer.FindStringIndex(dir); at != nil {
		p, dir = inLayer, "/"+strings.TrimPrefix(dir[at[1]:], "/")
	}
	parts := strings.Split(strings.Trim(dir, "/"), "/")
	top, second := parts[0], ""
	if len(parts) > 1 {
		second = parts[1]
	}
	switch top {
	case "bin", "sbin", "lib", "lib32", "lib64", "libx32":
		p |= inSystem | inProgram
	case "usr":
		p |= ofUsr(parts[1:])
	case "boot":
		p |= inSystem
	case "etc":
		p |= inSystem | inEtc
	case "tmp":
		p |= inTemp | inNoCode
	case "dev":
		if p |= inNoCode | inDev; second == "shm" || second == "mqueue" || second == "hugepages" {
			p = p&^inDev | inTemp
		}
	case "run":
		p |= inNoCode
	case "var":
		if slices.Contains([]string{"tmp", "run", "log", "spool", "mail", "cache", "lock", "backups"}, second) {
			p |= inNoCode
		}
		if second == "tmp" {
			p |= inTemp
		}
	case "root":
		p |= ofHome(parts[1:])
	case "home", "Users":
		if len(parts) > 1 {
			p |= ofHome(parts[2:])
		}
	}
	return p | ofWeb(parts) | ofKnown(parts)
}

func ofUsr(parts []string) place {
	if len(parts) == 0 {
		return inSystem
	}
	if parts[0] == "local" && len(parts) > 1 {
		parts = parts[1:]
	}
	switch parts[0] {
	case "bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "games":
		return inSystem | inProgram
	case "src", "share":
		return inSystem
	}
	return inSystem
}

func ofHome(parts []string) (p place) {
	p = inHome
	for i, name := range parts {
		switch {
		case i == 0 && (name == "Downloads" || name == "ダウンロード" || name == "Public" || name == "Desktop" || name == "デスクトップ"),
			name == ".cache", name == "Trash":
			p |= inNoCode
		}
		if strings.HasPrefix(name, ".") {
			p |= inHidden
		}
	}
	return p
}

// ofKnown knows folders in which tools of developers and applications keep programs.
func ofKnown(parts []string) place {
	for _, name := range parts {
		switch name {
		case ".cargo", ".rustup", ".nvm", ".npm", ".pyenv", ".rbenv", ".sdkman", ".gradle", ".m2", ".asdf", ".deno", ".bun", ".conda", ".steam",
			".vscode", ".vscode-server", ".vscode-insiders", ".cursor-server", ".wine", ".jdks", ".dotnet", ".nuget", ".git", ".local", ".linuxbrew",
			".oh-my-zsh", ".fzf", ".vim", ".emacs.d", ".gem", ".bundle", ".terraform.d", ".krew", ".volta", ".pnpm-store", ".yarn", ".venv",
			".virtualenvs", ".tox", ".pub-cache", ".android", ".juliaup", ".opam", ".ghcup", ".cabal", ".stack", ".mozilla", ".thunderbird",
			"go-build", "pip", "uv", "bazel", "ms-playwright", "puppeteer", "electron", "node_modules", ".bin", ".libs", ".build", ".build-id":
			return inKnown
		}
		if strings.HasPrefix(name, "go-build") || strings.HasPrefix(name, ".mount_") || strings.HasPrefix(name, "cargo-install") || strings.HasPrefix(name, "pip-") {
			return inKnown
		}
	}
	return 0
}

// ofWeb finds roots of web servers: the usual ones of distributions, and names that
// people give them.
func ofWeb(parts []string) (p place) {
	at := -1
	for i, name := range parts {
		switch {
		case name == "htdocs", name == "public_html", name == "wwwroot", name == "webapps", name == "cgi-bin",
			name == "www" && i > 0 && i < 4 && (parts[0] == "var" || parts[0] == "srv" || parts[0] == "opt" || parts[0] == "home" || parts[0] == "usr"),
			name == "http" && i == 1 && parts[0] == "srv",
			name == "html" && i > 0 && (parts[i-1] == "nginx" || parts[i-1] == "httpd"):
			at = i
		}
		if at >= 0 {
			break
		}
	}
	if at < 0 {
		return 0
	}
	p = inWeb
	for _, name := range parts[at+1:] {
		switch strings.ToLower(name) {
		case "upload", "uploads", "files", "userfiles", "images", "image", "img", "media", "tmp", "temp", "cache", "attachments", "attachment",
			"avatars", "avatar", ".well-known", "css", "fonts", "pictures", "documents":
			p |= inUpload
		}
	}
	return p
}

// deviceNodes says whether devices belong in a directory: /dev itself, and those that
// packages and chroots keep for daemons.
func deviceNodes(dir string) bool {
	return dir == "/dev" || strings.HasPrefix(dir, "/dev/")
}
