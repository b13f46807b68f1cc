#!/bin/bash
# Search for hidden processes again and again while 200 short-lived processes,
# and as many threads, come and go each second: nothing may ever be called
# hidden. The same test runs 50 rounds in `go test ./...`.
#
#   testdata/bench/rounds.sh [ROUNDS]     1,000 when none is given; some minutes
#
# It prints the rate at which processes really came and went: on a machine that
# is busy with other things it may be lower than asked for.
set -euo pipefail
cd "$(dirname "$0")/../.."
HOZEN_ROUNDS=${1:-1000} go test -count=1 -timeout 60m -v -run 'NothingIsCalledHidden' ./collector/memory/indicators
