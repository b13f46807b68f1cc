package ja

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// refusers are the files whose errors a responder meets when something was typed wrongly, is
// not there, or cannot be: the command's own, isolation, the configuration, destinations.
var refusers = []string{
	"../../agent/*.go", "../../collector/plan.go", "../../collector/profile.go",
	"../../service/isolate/isolate.go", "../../service/isolate/change.go", "../../service/isolate/status.go",
	"../../service/isolate/around.go", "../../service/isolate/around_linux.go", "../../service/isolate/around_windows.go",
	"../../service/isolate/firewall_linux.go", "../../service/config/access.go", "../../service/config/destination.go", "../../service/config/node.go",
	"../../service/config/schema.go", "../../service/config/values.go", "../../service/deliver/place.go", "../../service/install/state.go", "../../service/policy/policy.go", "../../service/policy/signers.go",
}

// notByPeople are files whose errors are for who mends this program, and forms that are put
// into another one, are of a service's log, or end in what the system says.
var (
	notByPeople = regexp.MustCompile(`_test\.go$|selftest|_windows\.go$|messages`)
	notRefused  = regexp.MustCompile(`^exit code|^hozen |^--to hub|netlink|nf_tables|panic:|^started on this machine|^verdict %s|^head hash|^ended: |^trusted by|^once more|^%d times|^the file of state|^(address of|audit log|a shutdown|time servers that)|^indicators of|^(state volatile|what power-off|volatile state)|^--image (stat|%w)|^recipient %|^the form was|^session |^process `)
)

// refusals reads the forms of errors out of the files, and of what isolation does not reach.
func refusals(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range refusers {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			if notByPeople.MatchString(name) {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				c, ok := n.(*ast.CallExpr)
				if !ok || !slices.Contains([]string{"Errorf", "New", "wrong", "refuse", "append", "Sprintf"}, called(c)) {
					return true
				}
				for _, a := range c.Args {
					if b, ok := a.(*ast.BasicLit); ok && b.Kind == token.STRING {
						form, _ := strconv.Unquote(b.Value)
						all[form] = name
						break
					}
				}
				return true
			})
		}
	}
	return all
}

// TestWhatIsRefusedIsSaidInJapanese: errors of the command's own, and what isolation does not
// stop, keep no English sentence, and lose nothing that filled them.
func TestWhatIsRefusedIsSaidInJapanese(t *testing.T) {
	table, seen := New(), 0
	for form, where := range refusals(t) {
		if !words.MatchString(verb.ReplaceAllString(form, "")) || notRefused.MatchString(form) {
			continue
		}
		seen++
		text, with := filled(strings.ReplaceAll(strings.TrimPrefix(form, "%w: "), "%04o", "%s")) // the first is one of ours, too
		got := table.Of(text)
		rest := got
		for _, w := range with {
			if !strings.Contains(rest, w) {
				t.Errorf("%s: %q lost %s: %s", where, form, w, got)
			}
			rest = strings.Replace(rest, w, "", 1)
		}
		rest = commands.ReplaceAllString(rest, "")
		if strings.IndexFunc(got, func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }) < 0 || words.MatchString(rest) {
			t.Errorf("%s: no Japanese of %q: %s", where, form, got)
		}
	}
	if seen < 100 {
		t.Errorf("only %d forms were seen", seen)
	}
}

// commands are what is to be typed, which is the same in every language.
var commands = regexp.MustCompile("`[^`]*`|\"[^\"]*\"|chmod \\d+|--[a-z-]+( agent)?")

// TestWhatTheLibraryOfFlagsSays: cobra and pflag refuse in English.
func TestWhatTheLibraryOfFlagsSays(t *testing.T) {
	for text, want := range map[string]string{
		`unknown flag: --bogus`:              `その指定はありません: --bogus`,
		`unknown shorthand flag: 'x' in -xy`: `その指定はありません: -xy の 'x'`,
		`flag needs an argument: --out`:      `--out には値が必要です`,
		`flag needs an argument: 'o' in -o`:  `-o の 'o' には値が必要です`,
		`invalid argument "x" for "--dump" flag: strconv.Atoi: parsing "x": invalid syntax`: `"--dump" に "x" は指定できません: "x" は数として読めません`,
		`invalid argument "9" for "--for" flag: time: missing unit in duration "9"`:         `"--for" に "9" は指定できません: "9" に時間の単位がありません（例: 90s、5m、24h）`,
		`unknown command "colect" for "hozen"`:                                              `"hozen" に命令 "colect" はありません`,
		`destination b: h is a name, and has no address`:                                    `送り先 b: h は名前で、アドレスの指定がありません`,
		`--filter: filter: column 1, "foo": not a test; a test is one of: host, net (with src, dst, ip, ip6, arp, tcp, udp before it), ip, less N; joined by and, or, not, ( ); names are not resolved`: `--filter: filter: 1 桁目 "foo": 条件ではありません。使える条件: host, net（前に src、dst、ip、ip6、arp、tcp、udp を付けられる）、ip, less N。and、or、not、( ) でつなぎます; 名前解決はしません`,
		`sftp://192.0.2.1:22/x: not allowed: no key: the credentials file needs key_file, or agent: true`:                                                                                               `sftp://192.0.2.1:22/x: 許可されていません: 鍵がありません。認証情報のファイルに key_file か agent: true が必要です`,
		`--to: h: no name server is asked: its address must be given (--resolve h=ADDRESS)`:                                                                                                             `--to: h: 名前解決はしません: アドレスを --resolve h=ADDRESS で指定してください`,
		`3 cut (first: /a: larger than the limit of 7 bytes)`:                                                                                                                                           `打ち切り 3 件（最初: /a: 上限 7 バイトより大きい）`,
		`want: hozen verify FILE [flags]`:                                                     `使い方: hozen verify FILE [指定]`,
		`x: want <id>.tar.zst.partial or <id>.tar.zst.age.partial`:                            `x: <id>.tar.zst.partial か <id>.tar.zst.age.partial を指定してください`,
		`hozen now takes no argument: "x"`:                                                    `hozen now に引数は不要です: "x"`,
		`--lang "fr": not one of en, ja`:                                                      `--lang "fr": 次のいずれかではありません: en, ja`,
		`event "released": not all is said: reason, detail how`:                               `出来事 "released": 必要な事項が足りません: reason, detail how`,
		`the kernel says altered, the file says isolated: our rules are not as they were put`: `上の二つが一致しません（カーネル altered、ファイル isolated）: 本プログラムの規則が、入れたときのままではありません`,
	} {
		if got := New().Of(text); got != want {
			t.Errorf("%q:\n %q, want\n %q", text, got, want)
		}
	}
}

func TestUsage(t *testing.T) {
	const help = "Usage:\n  hozen [flags]\n\nFlags:\n      --profile NAME   how far (default \"standard\")\n\nGlobal Flags:\n  -h\n"
	const want = "使い方:\n  hozen [指定]\n\n指定:\n      --profile NAME   how far (既定: \"standard\")\n\n共通の指定:\n  -h\n"
	if got := Usage(help); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
