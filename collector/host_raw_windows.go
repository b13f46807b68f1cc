package collector

import "hozen/packager/evidence"

// rawMeta is Lstat of what only the raw volume has.
func (h *Host) rawMeta(name string) (*evidence.FileMeta, error) {
	h.Pulse.Ask(name)
	defer h.Pulse.Answer()
	files, at, err := h.Raw(name)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	m, err := files.Lstat(at)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	if top, err := h.Lstat(name[:len("/C:")]); err == nil {
		m.Dev = top.Dev
	}
	return m, nil
}

// rawNames is Names of what only the raw volume has.
func (h *Host) rawNames(dir string) ([]string, error) {
	h.Pulse.Ask(dir)
	defer h.Pulse.Answer()
	files, at, err := h.Raw(dir)
	if err != nil {
		return nil, pathError("open", dir, err)
	}
	names, err := files.Names(at)
	if err != nil {
		err = pathError("list", dir, err)
	}
	return names, err
}
