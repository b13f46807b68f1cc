package onwindows

import (
	"context"

	"hozen/collector/ntapi"
)

func kernelCalls() map[string]call {
	all := map[string]call{}
	for _, f := range kernelFacts() {
		all[f.of] = func(context.Context) ([]byte, error) {
			a, err := ntapi.QuerySystem(f.class, 64<<10)
			return a.Data, named(f.source, err)
		}
	}
	return all
}
