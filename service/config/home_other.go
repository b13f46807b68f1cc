//go:build !windows

package config

import "runtime"

func here() home { return homeOf(runtime.GOOS, "") }
