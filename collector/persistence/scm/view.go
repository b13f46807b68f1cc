package scm

import (
	"context"
	"fmt"
)

// A View is what the Service Control Manager says of everything.
type View struct {
	Services []Service
	Configs  map[string]Config // by name, as it was asked for
	// Opened says of names that were asked for why they could not be opened; nil where
	// they could.
	Opened map[string]error
	Raw    []Raw
}

// A Raw is one answer, byte for byte.
type Raw struct {
	Call   string // "EnumServicesStatusExW", "QueryServiceConfig2W(Dnscache, 8)"
	Answer Answer
	Err    error
}

// An Asker asks the Service Control Manager.
type Asker interface {
	// List asks for all services of all types: its answers, and the entries in each.
	List() ([]Answer, []uint32, error)
	// Query opens a service and asks for levels. opened says why it could not be opened.
	Query(name string, levels []Level) (answers map[Level]Answer, errs map[Level]error, opened error)
}

// Look asks for everything: the list, then each service in it and each of also that is
// not (a service whose security descriptor hides it is not listed, but can be asked for).
func Look(ctx context.Context, ask Asker, also []string) (View, error) {
	v := View{Configs: map[string]Config{}, Opened: map[string]error{}}
	answers, counts, err := ask.List()
	for i, a := range answers {
		all, parseErr := Services(a, counts[i])
		v.Services = append(v.Services, all...)
		v.Raw = append(v.Raw, Raw{"EnumServicesStatusExW", a, parseErr})
	}
	driver := map[string]bool{}
	names := make([]string, 0, len(v.Services)+len(also))
	for _, s := range v.Services {
		driver[s.Name] = IsDriver(s.Type)
		names = append(names, s.Name)
	}
	for _, name := range append(names, also...) {
		if ctx.Err() != nil {
			return v, context.Cause(ctx)
		}
		if _, seen := v.Opened[name]; seen {
			continue
		}
		v.query(ask, name, driver[name])
	}
	return v, err
}

// query asks for one service.
func (v *View) query(ask Asker, name string, driver bool) {
	answers, errs, opened := ask.Query(name, Levels(driver))
	v.Opened[name] = opened
	if opened != nil {
		return
	}
	var c Config
	for _, level := range Levels(driver) {
		call := "QueryServiceConfigW(" + name + ")"
		if level != Basic {
			call = fmt.Sprintf("QueryServiceConfig2W(%s, %d)", name, level)
		}
		a, ok := answers[level]
		err := errs[level]
		if ok && err == nil {
			err = c.Add(level, a)
		}
		v.Raw = append(v.Raw, Raw{call, a, err})
	}
	v.Configs[name] = c
}
