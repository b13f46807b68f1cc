package persistence

import (
	"io"

	"hozen/collector/jsonl"
	"hozen/collector/ntapi"
	"hozen/collector/persistence/scm"
	"hozen/collector/section"
	"hozen/packager/evidence"
)

// A ServiceRow is one service or driver, of all views joined.
type ServiceRow struct {
	Name  jsonl.Text `json:"name"`
	Views []string   `json:"views"` // which of registry, scm, loaded have it
	// Disagreements say in words what the views have different.
	Disagreements  []jsonl.Text     `json:"disagreements,omitempty"`
	Registry       *ServiceRegistry `json:"registry,omitempty"`
	SCM            *ServiceSCM      `json:"scm,omitempty"`
	Loaded         []LoadedDriver   `json:"loaded,omitempty"`
	Command        *CommandRow      `json:"command,omitempty"` // of the ImagePath, else of what the SCM says
	ServiceDLL     *CommandRow      `json:"service_dll,omitempty"`
	FailureCommand *CommandRow      `json:"failure_command,omitempty"`
}

// ServiceRegistry is what the registry has of a service.
type ServiceRegistry struct {
	Key             jsonl.Text          `json:"key"`
	Written         string              `json:"written,omitempty"`
	HiddenName      bool                `json:"hidden_name,omitempty"` // a NUL is in the name: Windows' tools do not show it
	Type            string              `json:"type,omitempty"`
	Start           string              `json:"start,omitempty"`
	ErrorControl    string              `json:"error_control,omitempty"`
	ImagePath       jsonl.Text          `json:"image_path,omitempty"`
	DLL             jsonl.Text          `json:"dll,omitempty"` // Parameters\ServiceDll, else ServiceDll
	DLLMain         jsonl.Text          `json:"dll_main,omitempty"`
	Account         jsonl.Text          `json:"account,omitempty"`
	DisplayName     jsonl.Text          `json:"display_name,omitempty"`
	Description     jsonl.Text          `json:"description,omitempty"`
	Group           jsonl.Text          `json:"group,omitempty"`
	Dependencies    []jsonl.Text        `json:"dependencies,omitempty"`
	Privileges      []jsonl.Text        `json:"privileges,omitempty"`
	SIDType         string              `json:"sid_type,omitempty"`
	Protected       string              `json:"protected,omitempty"`
	Delayed         bool                `json:"delayed,omitempty"`
	FailureCommand  jsonl.Text          `json:"failure_program,omitempty"`
	FailureActions  []scm.FailureAction `json:"failure_actions,omitempty"`
	Triggers        []scm.Trigger       `json:"triggers,omitempty"`
	Security        string              `json:"security,omitempty"` // the security descriptor of the service, in base64
	Parameters      []ValueRow          `json:"parameters,omitempty"`
	ParametersSince string              `json:"parameters_written,omitempty"`
	Odd             []ValueRow          `json:"odd_values,omitempty"` // those that are not of the type that they should have
	Reason          jsonl.Text          `json:"reason,omitempty"`     // what could not be read
	link            jsonl.Text
	driver          bool
}

// ServiceSCM is what the Service Control Manager says of a service.
type ServiceSCM struct {
	Listed         bool                `json:"listed"` // by EnumServicesStatusExW; a security descriptor may hide it there
	State          string              `json:"state,omitempty"`
	PID            uint32              `json:"pid,omitempty"`
	ExitCode       uint32              `json:"exit_code,omitempty"`
	Controls       uint32              `json:"controls,omitempty"`
	Type           string              `json:"type,omitempty"`
	Start          string              `json:"start,omitempty"`
	BinaryPath     jsonl.Text          `json:"binary_path,omitempty"`
	Account        jsonl.Text          `json:"account,omitempty"`
	DisplayName    jsonl.Text          `json:"display_name,omitempty"`
	Description    jsonl.Text          `json:"description,omitempty"`
	SIDType        string              `json:"sid_type,omitempty"`
	Protected      string              `json:"protected,omitempty"`
	Delayed        bool                `json:"delayed,omitempty"`
	Privileges     []jsonl.Text        `json:"privileges,omitempty"`
	FailureCommand jsonl.Text          `json:"failure_program,omitempty"`
	FailureActions []scm.FailureAction `json:"failure_actions,omitempty"`
	FailureOnError bool                `json:"failure_on_error,omitempty"`
	Triggers       []scm.Trigger       `json:"triggers,omitempty"`
	Reason         jsonl.Text          `json:"reason,omitempty"` // why it could not be opened
}

// A LoadedDriver is an image in the kernel.
type LoadedDriver struct {
	Path      jsonl.Text `json:"path"` // as the kernel says it
	Base      uint64     `json:"base,omitempty"`
	Size      uint32     `json:"size"`
	LoadOrder uint16     `json:"load_order"`
}

// A running system has two views more. Tests bring recorded ones.
type running interface {
	scm.Asker
	// drivers gives the answer of NtQuerySystemInformation(SystemModuleInformation).
	drivers() (ntapi.Answer, error)
	close()
}

// services puts the raw answers of a running system, and the table of services.
func (j *job) services() error {
	var views liveViews
	if j.h.Live {
		sys, err := openRunning()
		if err != nil {
			views.err = err
		} else {
			defer sys.close()
			if err := j.askRunning(sys, &views); err != nil {
				return err
			}
		}
	}
	source := `HKLM\SYSTEM\CurrentControlSet\Services`
	if j.h.Live {
		source += ", EnumServicesStatusExW, SystemModuleInformation"
	}
	return j.put("services", source, func(t *table) {
		t.tally.Add("Service Control Manager", views.err)
		t.tally.Add("loaded drivers", views.driversErr)
		j.joinServices(t, j.registryServices(t), &views)
	})
}

// liveViews is what a running system said.
type liveViews struct {
	view       scm.View
	err        error
	loaded     []ntapi.Driver
	driversErr error
	asked      bool
}

// askRunning asks, and puts the answers as they came.
func (j *job) askRunning(sys running, v *liveViews) error {
	v.asked = true
	names := j.serviceNames()
	err := j.to.Put(j.ctx, evidence.Item{Path: "persistence/services/scm.raw", Source: "EnumServicesStatusExW, QueryServiceConfigW, QueryServiceConfig2W"}, func(w io.Writer) error {
		v.view, v.err = scm.Look(j.ctx, sys, names)
		for _, r := range v.view.Raw {
			if err := section.Write(w, rawName(r), trimZeros(r.Answer.Data), r.Err); err != nil {
				return err
			}
		}
		return v.err
	})
	if err != nil {
		return err
	}
	return j.to.Put(j.ctx, evidence.Item{Path: "persistence/services/drivers.bin", Source: "NtQuerySystemInformation(SystemModuleInformation)"}, func(w io.Writer) error {
		a, err := sys.drivers()
		if _, werr := w.Write(a.Data); werr != nil {
			return werr
		}
		if err == nil {
			v.loaded, err = ntapi.Drivers(a, ntapi.SystemModule)
		}
		v.driversErr = err
		return err
	})
}

// serviceNames lists the keys of services, to ask the SCM for those that it does not list.
func (j *job) serviceNames() (out []string) {
	k, err := j.reg.Key(servicesKey)
	if err != nil {
		return nil
	}
	defer k.Close()
	for below, err := range k.Each() {
		if err != nil {
			continue
		}
		if _, err := below.Value("Type"); err == nil && !hidden(below.Name()) {
			out = append(out, below.Name())
		}
	}
	return out
}
