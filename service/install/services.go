package install

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"hozen/service/config"
)

// SCM is the service control manager of Windows.
const SCM = "scm"

// CollectUnit is the name of the service that takes one collection and ends.
const CollectUnit = "hozen-collect"

// A Service is one that the SCM of Windows keeps, with all that it is told of it
// (CreateService, ChangeServiceConfig2).
type Service struct {
	Name, Display, Description string
	Args                       []string
	Auto                       bool // starts with the machine, after those that are not delayed
	// Again is after how long it is started again when it died or ended with an error; the
	// last holds from then on. None: it stays ended.
	Again []time.Duration
	// Patience is how long a shutdown waits for it.
	Patience time.Duration
	// Privileges are all that the process keeps of LocalSystem's.
	Privileges []string
}

// forgetAfter is how long a service must run so that its failures are counted anew.
const forgetAfter = 24 * time.Hour

// privileges are what collectors need, each with its reason. SeChangeNotify is everybody's.
func privileges() []string {
	return []string{
		"SeBackupPrivilege",            // files whatever their access lists say
		"SeChangeNotifyPrivilege",      // ways through folders
		"SeDebugPrivilege",             // processes of others, and their memory
		"SeImpersonatePrivilege",       // what asks RPC services on behalf of itself
		"SeManageVolumePrivilege",      // raw volumes
		"SeSecurityPrivilege",          // the security log, access lists for auditing
		"SeSystemEnvironmentPrivilege", // variables of the firmware: Secure Boot
	}
}

// Services are those of Windows, as the configuration wants them; file is where it lies.
func Services(file string, c *config.Config) []Service {
	// Neither is restricted to write only where its own SID may (SERVICE_SID_TYPE_RESTRICTED):
	// the filtering platform and folders that archives go to would have to name that SID.
	patience := 30*time.Second + c.ShutdownLimit
	return []Service{
		{
			Name: Unit, Display: "Hozen", Auto: true,
			Description: "Takes evidence into signed archives when operators ask for it. / 作業者の署名した指示に応じて、証拠を署名付きアーカイブに保全します。",
			Args:        []string{"service", "run", "--scm", "--config", file},
			Again:       []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute},
			Patience:    patience, Privileges: privileges(),
		},
		{
			Name: CollectUnit, Display: "Hozen: one collection",
			Description: "Takes evidence for one case and ends: sc start hozen-collect CASE / 案件 1 件の証拠を保全して終わります。",
			Args:        []string{"service", "collect", "--scm", "--config", file},
			Patience:    patience, Privileges: privileges(),
		},
	}
}

// multiString writes strings as the SCM reads several: UTF-16, a zero behind each, and one more.
func multiString(all []string) (out []uint16) {
	for _, s := range all {
		out = append(append(out, utf16.Encode([]rune(s))...), 0)
	}
	return append(out, 0)
}

// Command is what the SCM runs: each word in quotes, so that no space in a folder's name
// makes another program of it.
func (s Service) Command(program string) string {
	words := []string{quoted(program)}
	for _, a := range s.Args {
		if strings.ContainsAny(a, " \t\"") || a == "" {
			a = quoted(a)
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

// quoted writes a word as CommandLineToArgvW reads it.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for i := range len(s) {
		switch s[i] {
		case '\\':
			slashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, slashes+1))
			slashes = 0
		default:
			slashes = 0
		}
		b.WriteByte(s[i])
	}
	b.WriteString(strings.Repeat(`\`, slashes))
	b.WriteByte('"')
	return b.String()
}

// Text is the service for people, as `hozen service install --dry-run` shows it.
func (s Service) Text(program string) string {
	start, again := "by hand", "nothing: it stays ended"
	if s.Auto {
		start = "with the machine, delayed"
	}
	if len(s.Again) > 0 {
		var after []string
		for _, d := range s.Again {
			after = append(after, d.String())
		}
		again = fmt.Sprintf("started again after %s, also when it ended with an error; counted anew after %v", strings.Join(after, ", "), forgetAfter)
	}
	return fmt.Sprintf("command     %s\naccount     LocalSystem, with the service's own SID (unrestricted)\nprivileges  %s\nstart       %s\non failure  %s\nshutdown    waits for it up to %v (preshutdown)\nevents      source %s of the application log\ntext        %s\n",
		s.Command(program), strings.Join(s.Privileges, " "), start, again, s.Patience, s.Name, s.Description)
}

// serviceFiles shows the services as files of their manager: they lie in the registry, where
// only the manager itself writes them.
func serviceFiles(file string, c *config.Config) (out []File) {
	for _, s := range Services(file, c) {
		out = append(out, File{Path: `HKLM\SYSTEM\CurrentControlSet\Services\` + s.Name, Text: s.Text(Binary())})
	}
	return out
}

// ErrArguments refuses the start arguments of a service.
var ErrArguments = errors.New("start arguments are not understood")

// maxCase bounds the name of a case that comes as a start argument, in characters.
const maxCase = 100

// TriggerOf reads the start arguments of a service, without its name, which whoever may start
// it can choose, also from another PC: of hozen none ("" is given), or `collect CASE`; of
// hozen-collect the case, or `collect CASE`. What is not exactly that is refused.
func TriggerOf(service string, args []string) (caseNo string, err error) {
	if service == Unit && len(args) == 0 {
		return "", nil
	}
	if len(args) == 2 && args[0] == "collect" {
		args = args[1:]
	} else if service == Unit {
		return "", fmt.Errorf("%w: want: sc start %s collect CASE", ErrArguments, Unit)
	}
	if len(args) != 1 {
		return "", fmt.Errorf("%w: want: sc start %s CASE", ErrArguments, CollectUnit)
	}
	c := args[0]
	switch {
	case c == "" || !utf8.ValidString(c) || utf8.RuneCountInString(c) > maxCase:
		return "", fmt.Errorf("%w: a case has 1 to %d characters", ErrArguments, maxCase)
	case strings.ContainsFunc(c, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }):
		return "", fmt.Errorf("%w: the case has characters that cannot be shown", ErrArguments)
	case strings.ContainsAny(c[:1], "-/ @") || strings.HasSuffix(c, " "):
		return "", fmt.Errorf("%w: the case begins or ends with a sign that is none of a case", ErrArguments)
	}
	return c, nil
}
