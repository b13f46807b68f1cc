#!/bin/bash
# Builds the module for the guest's kernel, on this machine, under two names:
#   build.sh FOLDER     makes FOLDER/hide.ko and FOLDER/deeper.ko
# Needs gcc and make; the headers are those that ../build.sh fetched.
set -eu -o pipefail
cd "$(dirname "$0")"
guest=$(../build.sh)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/hozen-module.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp hide.c "$work/"
cp hide.c "$work/deeper.c"
echo 'obj-m := hide.o deeper.o' >"$work/Makefile"
make -s -C "$guest/headers/build" M="$work" modules >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
cp "$work/hide.ko" "$work/deeper.ko" "$1"
