package persistence

import (
	"encoding/base64"
	"errors"
	"io/fs"

	"hozen/collector/jsonl"
	"hozen/collector/persistence/scm"
	"hozen/collector/persistence/task"
	"hozen/collector/registry"
	"hozen/packager/evidence/fault"
)

const (
	servicesKey = `HKLM\SYSTEM\CurrentControlSet\Services`
	maxServices = 1 << 15
	// maxParameters bounds the values of Parameters that are shown of one service.
	maxParameters = 256
)

// registryServices reads the keys that are services, in the registry's order.
func (j *job) registryServices(t *table) (out []*ServiceRow) {
	k, err := j.reg.Key(servicesKey)
	if err != nil {
		t.tally.Add(servicesKey, err)
		return nil
	}
	defer k.Close()
	for below, err := range k.Each() {
		if err != nil {
			t.tally.Add(servicesKey, err)
			continue
		}
		if j.ctx.Err() != nil || len(out) == maxServices {
			break
		}
		if row := readService(below); row != nil {
			out = append(out, &ServiceRow{Name: jsonl.Text(below.Name()), Views: []string{"registry"}, Registry: row})
		}
	}
	return out
}

// readService reads one key; nil if it is no service (keys of performance counters have
// neither type nor program).
func readService(k *registry.Key) *ServiceRegistry {
	values, err := k.Values()
	info, infoErr := k.Info()
	r := &ServiceRegistry{Key: jsonl.Text(k.Path()), Written: stamp(info.Written), HiddenName: hidden(k.Name()), link: jsonl.Text(info.Link)}
	is := info.Link != ""
	for _, v := range values {
		is = r.take(v) || is
	}
	if err := fault.Join(err, infoErr); err != nil {
		r.Reason = jsonl.Text(err.Error())
		is = true
	}
	if !is {
		return nil
	}
	r.below(k)
	return r
}

// take reads a value, and says whether only services have it.
func (r *ServiceRegistry) take(v registry.Value) bool {
	text, isText := valueText(v)
	number, numberErr := v.DWORD()
	var want bool // whether it is of the right type
	own := false
	say := func(to *string, word func(uint32) string) {
		if want = numberErr == nil; want {
			*to = word(number)
		}
	}
	write := func(to *jsonl.Text) {
		if want = isText; want {
			*to = cut(text)
		}
	}
	switch hiveFold(v.Name) {
	case "TYPE":
		say(&r.Type, scm.TypeText)
		r.driver, own = numberErr == nil && scm.IsDriver(number), true
	case "START":
		say(&r.Start, scm.StartText)
		own = true
	case "ERRORCONTROL":
		say(&r.ErrorControl, scm.ErrorText)
	case "IMAGEPATH":
		write(&r.ImagePath)
		own = true
	case "OBJECTNAME":
		write(&r.Account)
	case "DISPLAYNAME":
		write(&r.DisplayName)
	case "DESCRIPTION":
		write(&r.Description)
	case "GROUP":
		write(&r.Group)
	case "SERVICEDLL":
		write(&r.DLL)
	case "SERVICEMAIN":
		write(&r.DLLMain)
	case "FAILURECOMMAND":
		write(&r.FailureCommand)
	case "SERVICESIDTYPE":
		say(&r.SIDType, scm.SIDText)
	case "LAUNCHPROTECTED":
		say(&r.Protected, scm.ProtectedText)
	case "DELAYEDAUTOSTART":
		want, r.Delayed = numberErr == nil, number != 0
	case "DEPENDONSERVICE":
		r.Dependencies, want = textsOf(v)
	case "REQUIREDPRIVILEGES":
		r.Privileges, want = textsOf(v)
	case "FAILUREACTIONS":
		// SERVICE_FAILURE_ACTIONS as a 32-bit program has it: 20 bytes, then the actions.
		if want = len(v.Data) >= 20; want {
			r.FailureActions = scm.ActionList(v.Data[20:])
		}
	default:
		return false
	}
	if !want {
		r.Odd = append(r.Odd, valueRow(v))
	}
	return own
}

func textsOf(v registry.Value) ([]jsonl.Text, bool) {
	texts, err := v.Texts()
	return jsonl.Texts(texts), err == nil
}

// below reads what lies in keys of their own: Parameters, Security, TriggerInfo.
func (r *ServiceRegistry) below(k *registry.Key) {
	if p, err := k.Key("Parameters"); err == nil {
		r.parameters(p)
		p.Close()
	} else if !errors.Is(err, fs.ErrNotExist) {
		r.Reason = jsonl.Text(err.Error())
	}
	if s, err := k.Key("Security"); err == nil {
		if v, err := s.Value("Security"); err == nil && len(v.Data) <= maxRaw {
			r.Security = base64.StdEncoding.EncodeToString(v.Data)
		}
		s.Close()
	}
	if t, err := k.Key("TriggerInfo"); err == nil {
		for one, err := range t.Each() {
			if err == nil && len(r.Triggers) < maxParameters {
				r.Triggers = append(r.Triggers, registryTrigger(one))
			}
		}
		t.Close()
	}
}

func (r *ServiceRegistry) parameters(k *registry.Key) {
	if info, err := k.Info(); err == nil {
		r.ParametersSince = stamp(info.Written)
	}
	values, err := k.Values()
	if err != nil {
		r.Reason = jsonl.Text(err.Error())
	}
	for _, v := range values {
		switch hiveFold(v.Name) {
		case "SERVICEDLL":
			if text, ok := valueText(v); ok {
				r.DLL = cut(text)
			}
		case "SERVICEMAIN":
			if text, ok := valueText(v); ok {
				r.DLLMain = cut(text)
			}
		}
		if len(r.Parameters) < maxParameters {
			r.Parameters = append(r.Parameters, smallValue(v))
		}
	}
	if len(values) > maxParameters {
		r.Reason = jsonl.Text("of its parameters only the first are here")
	}
}

// smallValue is a value of which only 4 KiB are shown: parameters are many.
func smallValue(v registry.Value) ValueRow {
	const most = 4 << 10
	row := valueRow(v)
	if len(row.Raw) > most {
		row.Raw, row.Size = row.Raw[:most], v.Size
	}
	if len(row.Data) > most {
		row.Data = row.Data[:most] + "…"
	}
	return row
}

// registryTrigger reads a key below TriggerInfo: Type, Action, GUID, and Data0, DataType0
// and so on.
func registryTrigger(k *registry.Key) (t scm.Trigger) {
	values, _ := k.Values()
	kinds := map[string]uint32{}
	for _, v := range values {
		n, err := v.DWORD()
		name := hiveFold(v.Name)
		switch {
		case name == "TYPE" && err == nil:
			t.Kind = scm.TriggerText(n)
		case name == "ACTION" && err == nil:
			t.Action = scm.TriggerAction(n)
		case name == "GUID":
			t.Subtype = task.GUID(v.Data)
		case len(name) > 8 && name[:8] == "DATATYPE":
			kinds[name[8:]] = n
		}
	}
	for _, v := range values {
		name := hiveFold(v.Name)
		if len(name) > 4 && name[:4] == "DATA" && name[4] >= '0' && name[4] <= '9' && len(t.Data) < 64 {
			t.Data = append(t.Data, scm.ItemText(kinds[name[4:]], v.Data[:min(len(v.Data), maxRaw)]))
		}
	}
	return t
}
