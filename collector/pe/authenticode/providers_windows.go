package authenticode

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"hozen/packager/evidence"
)

// trustworthy says why Windows must not be asked: what it would load for that is not its
// own. A place that is not there is left to Windows' defaults.
func trustworthy() error {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return err
	}
	keys, value := providers()
	for _, key := range keys {
		k, err := registry.OpenKey(registry.LOCAL_MACHINE, key, registry.QUERY_VALUE|registry.WOW64_64KEY)
		if errors.Is(err, registry.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		dll, kind, err := k.GetStringValue(value[key])
		k.Close()
		if err == nil && kind == registry.EXPAND_SZ {
			dll, err = registry.ExpandString(dll)
		}
		if err != nil && !errors.Is(err, registry.ErrNotExist) {
			return fmt.Errorf("%s: %w", key, err)
		}
		if err == nil && !systemsOwn(dll, system) {
			return evidence.Skip("Windows was not asked: it would load %q for that (%s), which is not its own", dll, key)
		}
	}
	return nil
}
