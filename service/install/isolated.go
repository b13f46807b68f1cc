package install

import (
	"errors"
	"os"
)

// isolated says whether the file of the isolation is there: without the service, nobody
// keeps watch over its end.
func isolated(file string) bool {
	_, err := os.Lstat(file)
	return !errors.Is(err, os.ErrNotExist)
}
