package command

import "strings"

// Payloads gives the files that a program with a job of its own is told to run: the DLL
// of rundll32, the script of wscript. It gives names as they are written, without
// quotes; what has no file in it (powershell -enc) gives none.
func Payloads(image, arguments string) []string {
	base := strings.ToLower(image)
	if at := strings.LastIndexAny(base, `\/`); at >= 0 {
		base = base[at+1:]
	}
	base = strings.TrimSuffix(base, ".exe")
	words := Split(arguments)
	switch base {
	case "rundll32":
		if len(words) == 0 {
			return nil
		}
		dll, _, _ := strings.Cut(words[0], ",")
		return []string{strings.Trim(dll, `"`)}
	case "regsvr32", "wscript", "cscript", "mshta", "cmd", "powershell", "pwsh", "msiexec", "installutil", "regasm", "regsvcs", "msbuild", "python", "pythonw", "java", "javaw", "node", "conhost", "forfiles", "pcalua":
		return files(words)
	}
	return nil
}

// files gives the words that look like files.
func files(words []string) (out []string) {
	for _, w := range words {
		w = strings.Trim(w, `"'`)
		for _, prefix := range []string{"/i:", "/c", "-file:", "/s"} {
			if len(w) > len(prefix)+2 && strings.EqualFold(w[:len(prefix)], prefix) && strings.ContainsAny(w[len(prefix):], `\:`) {
				w = w[len(prefix):]
			}
		}
		w, _, _ = strings.Cut(w, ",")
		if len(out) < maxCandidates && looksLikeFile(w) {
			out = append(out, w)
		}
	}
	return out
}

func looksLikeFile(w string) bool {
	lower := strings.ToLower(w)
	if strings.HasPrefix(lower, "http:") || strings.HasPrefix(lower, "https:") || strings.HasPrefix(lower, "javascript:") || strings.HasPrefix(lower, "vbscript:") {
		return false
	}
	if len(w) > 3 && w[1] == ':' && w[2] == '\\' || strings.HasPrefix(w, `\\`) || strings.HasPrefix(w, "%") {
		return true
	}
	for _, end := range []string{".dll", ".exe", ".vbs", ".vbe", ".js", ".jse", ".wsf", ".wsh", ".hta", ".bat", ".cmd", ".ps1", ".psm1", ".sct", ".xsl", ".msi", ".ocx", ".cpl", ".scr", ".py", ".jar", ".lnk", ".xml", ".proj", ".csproj"} {
		if strings.HasSuffix(lower, end) && !strings.HasPrefix(w, "/") && !strings.HasPrefix(w, "-") {
			return true
		}
	}
	return false
}

// Split divides arguments at blanks that are not in quotes; quotes stay.
func Split(s string) (out []string) {
	var word strings.Builder
	quoted := false
	for _, c := range []byte(s) {
		if c == '"' {
			quoted = !quoted
		}
		if (c == ' ' || c == '\t') && !quoted {
			if word.Len() > 0 {
				out = append(out, word.String())
				word.Reset()
			}
			continue
		}
		word.WriteByte(c)
	}
	if word.Len() > 0 {
		out = append(out, word.String())
	}
	return out
}
