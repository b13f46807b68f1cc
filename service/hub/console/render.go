package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"time"
)

//go:embed templates static
var files embed.FS

// An asset is a file of static, with its content type.
type asset struct {
	kind, tag string
	body      []byte
}

func readAssets() (map[string]asset, error) {
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	all := map[string]asset{}
	err := fs.WalkDir(files, "static", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := files.ReadFile(path)
		sum := sha256.Sum256(b)
		all[d.Name()] = asset{kinds[path[strings.LastIndexByte(path, '.'):]], `"` + hex.EncodeToString(sum[:8]) + `"`, b}
		return err
	})
	return all, err
}

// asset serves our own style, script and icon; there is no other file.
func (c *console) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := c.static[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", a.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
}

func parsePages() (map[string]*template.Template, error) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	funcs := template.FuncMap{
		"show": visible, "when": when, "istime": isTime, "size": size, "short": short, "verdictclass": verdictClass, "verdictkey": verdictKey,
		"action": knownAction, "pair": func(p *page, value any) pair { return pair{p, value} },
	}
	pages := map[string]*template.Template{}
	for _, n := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(n, "templates/"), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		pages[name], err = template.New("layout.html").Funcs(funcs).Option("missingkey=error").
			ParseFS(files, "templates/layout.html", "templates/parts.html", n)
		if err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// A page is what templates are given: Data is the page's own.
type page struct {
	q     *request
	c     *console
	Name  string
	Login string // token of the login form; "" on every other page
	Data  any
}

// A pair is what a part of a page is given: the page, and what it is about.
type pair struct {
	Page  *page
	Value any
}

// T says a text in the language of the page.
func (p *page) T(key string, args ...any) string { return p.q.lang.say(key, args...) }

// Lang is the language as HTML has it.
func (p *page) Lang() string { return p.q.lang.code() }

// Other gives the address of this page in the other language.
func (p *page) Other() string {
	u := *p.q.r.URL
	if p.q.r.Method == http.MethodPost {
		u.RawQuery = ""
	}
	q := u.Query()
	q.Set("lang", []string{"ja", "en"}[p.q.lang])
	return ownPath(u.Path + "?" + q.Encode())
}

// User is the name of who is logged in; "" if nobody is.
func (p *page) User() string { return p.q.user.Name }

// Role is the role of that user.
func (p *page) Role() string { return p.q.user.Role }

// Drafts and Audits say what the user may do.
func (p *page) Drafts() bool { return p.q.may(drafts()) }

// Audits says whether the user may download.
func (p *page) Audits() bool { return p.q.may(audits()) }

// CSRF is the token of this session's forms.
func (p *page) CSRF() string {
	if p.q.session == nil {
		return p.Login
	}
	return p.q.session.csrf
}

// Hub is the name of the hub.
func (p *page) Hub() string { return p.c.Hub.About().Name }

// Version is the version of the hub.
func (p *page) Version() string { return p.c.Hub.About().Version }

// Section is the entry of the menu that the page is under.
func (p *page) Section() string {
	first, _, _ := strings.Cut(strings.TrimPrefix(p.q.r.URL.Path, "/"), "/")
	return first
}

// Here says whether a section is that of the page.
func (p *page) Here(section string) bool { return p.Section() == section }

// errorPage is a refusal for people.
type errorPage struct {
	Status int
	Text   string
}

// render makes a page as a whole before its first byte goes out.
func (c *console) render(q *request, status int, name string, data any) {
	c.renderPage(q, status, &page{q: q, c: c, Name: name, Data: data})
}

func (c *console) renderPage(q *request, status int, p *page) {
	var b bytes.Buffer
	if err := c.pages[p.Name].Execute(&b, p); err != nil {
		c.note(q, "console: error", "page", p.Name, "error", err.Error())
		http.Error(q.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := q.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", q.lang.code())
	h.Set("Vary", "Accept-Language, Cookie")
	q.w.WriteHeader(status)
	_, _ = q.w.Write(visiblePage(b.Bytes())) // who went away reads nothing
}

// when writes a time for people, in UTC to the second.
func when(s string) string {
	t, _ := time.Parse(time.RFC3339, s) // isTime was asked
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

// size writes a number of bytes for people.
func size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n)/1024, 0
	for v >= 1000 && unit < 4 {
		v, unit = v/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGTP"[unit])
}

// short cuts a hash for people; the whole of it is in the title.
func short(s string) string {
	if len(s) <= 16 {
		return s
	}
	return s[:12] + "…"
}
