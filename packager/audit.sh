#!/bin/sh
# A second verifier of hozen/1 archives that shares no line with the first (FORMAT.md, "Verdicts").
# usage: sh audit.sh ARCHIVE.tar.zst [ALLOWED_SIGNERS]   needs GNU tar and coreutils, zstd, ssh-keygen, sed
# It follows the signatures from genesis to the last statement, which commits to every byte before it,
# and holds SHA-1 and MD5 in records against the members.
set -u; export LC_ALL=C TZ=UTC
f=${1?usage: sh audit.sh ARCHIVE.tar.zst [ALLOWED_SIGNERS]} trust=${2-/dev/null} k=0 a=0 sealed=
for n in "$f" "$trust"; do [ -r "$n" ] && [ ! -d "$n" ] || { echo "$n: cannot be read" >&2; exit 1; }; done
t=$(mktemp -d) || exit 1; trap 'rm -rf "$t"' EXIT
verdict() { echo "$1 (checkpoint $k, $a of $(wc -c <"$f") bytes authentic)${3+: $3}"; exit "$2"; }
get() { sed -n "s/^{.*\"$1\":\"\{0,1\}\([^\",{}]*\).*/\1/p" "$2"; }                     # field of a statement
prefix() { sed -n 's/.*"archive":{"bytes":\([0-9]*\),"sha256":"\([0-9a-f]*\)"}.*/\1 \2/p' "$1"; }
sum() { sha256sum <"$1" | head -c 64; }
from() { tail -c +$(($1 + 1)) "$f"; }
signed() { # KEY NAMESPACE FILE SIG: by that key, and the armor is the only one that it can be
  printf 'x %s\n' "$1" >"$t/key"
  ssh-keygen -Y verify -f "$t/key" -I x -n "$2" -s "$4" <"$3" >/dev/null 2>&1 && {
    echo '-----BEGIN SSH SIGNATURE-----'; sed '1d;$d' "$4" | base64 -d | base64 -w70; echo '-----END SSH SIGNATURE-----'; } 2>/dev/null | cmp -s - "$4"; }
le() { i=0; while [ $i -lt "$2" ]; do printf "\\$(printf %03o $(($1 >> 8 * i & 255)))"; i=$((i + 1)); done; }
members() { (cd "$t/x" && tar --format=ustar --mode=0444 --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -b1 -cf - "$@" 2>/dev/null); }
stored() { # FILE: a zstd frame of raw blocks, the one form of statements
  z=$(wc -c <"$1") o=0; printf '\050\265\057\375\240'; le "$z" 4
  while [ $o -lt "$z" ]; do
    b=$((z - o > 131072 ? 131072 : z - o)); le $((b << 3 | (o + b == z))) 3
    tail -c +$((o + 1)) "$1" | head -c $b; o=$((o + b)); done; }
here() { from "$1" | head -c "$(wc -c <"$2")" | cmp -s - "$2"; }                       # file 2 lies at offset 1
later() { { from "$a"; echo x; } | sed -n "/hozen-cp $1 [0-9]\{8\}\$/{p;q;}; /hozen-end $1 [0-9]\{20\}\$/{p;q;}"; }

mkdir "$t/x"; zstd -dcq "$f" 2>/dev/null | tar -C "$t/x" -xkf - --no-same-owner --wildcards '*/custody/*' 2>/dev/null
id=$(ls "$t/x" | head -1); c=$t/x/$id/custody; s=$c/genesis.json
if [ -n "$id" ] && [ -f "$s" ] && dev=$(get device_key "$s") && signed "$dev" hozen-genesis-v1 "$s" "$s.sig"; then
  epoch=$(get epoch "$s") g=$(sum "$s") prev=$(sum "$s") next=$(get first_key "$s")
  while n=$(printf %08d $((k + 1))); s=$c/cp/$n.json; [ -f "$s" ]; do
    [ "$(get collection "$s") $(get seq "$s") $(get prev "$s") $(get key "$s")" = "$id $((k + 1)) $prev $next" ] || break
    signed "$next" hozen-checkpoint-v1 "$s" "$s.sig" || break
    members "$id/custody/cp/$n.json" "$id/custody/cp/$n.json.sig" | head -c -1024 >"$t/m"
    { stored "$t/m"; printf '\134\052\115\030'; le 35 4; printf 'hozen-cp %.16s %s\n' "$g" "$n"; } >"$t/s"
    p=$(prefix "$s"); here "${p% *}" "$t/s" || break
    k=$((k + 1)) a=$((${p% *} + $(wc -c <"$t/s"))) prev=$(sum "$s") next=$(get next_key "$s") last=$p
  done
fi
[ $k -gt 0 ] || { [ -z "$(later '[0-9a-f]\{16\}')" ] || verdict INVALID 4; verdict NOT-EVIDENCE 8; }
s=$c/seal.json
if [ "$(get status "$c/cp/$(printf %08d $k).json")" = sealing ] && [ -f "$s" ] && [ "$(prefix "$s" | sed 's/ .*//')" = $a ] &&
  [ "$(get collection "$s") $(get genesis "$s") $(get last "$s") $(get key "$s")" = "$id $g $prev $next" ] &&
  signed "$next" hozen-seal-v1 "$s" "$s.sig" && signed "$dev" hozen-seal-v1 "$s" "$s.device.sig"; then
  set -- "$id/custody/seal.json"; members "$1" "$1.sig" "$1.device.sig" "$id/custody/seektable.zst" >"$t/m"; stored "$t/m" >"$t/s"
  if here $a "$t/s"; then sealed=1 last=$(prefix "$s") a=$((a + $(wc -c <"$t/s"))); fi
fi
[ "$(head -c "${last% *}" "$f" | sha256sum | head -c 64)" = "${last#* }" ] || verdict INVALID 4 "bytes before the last statement were changed"
if [ $sealed ]; then # what follows is the hint and the seek table, as far as they go, and zeros
  { printf '\133\052\115\030'; le 48 4; printf 'hozen-end %.16s %020d\n' "$g" "$(get tar_bytes "$s")"; cat "$c/seektable.zst"; } >"$t/s"
  from $a >"$t/r"; n=$(cmp "$t/r" "$t/s" 2>/dev/null | sed 's/.* \([0-9]*\), line.*/\1/')
  [ -z "$(tail -c +"${n:-$(($(wc -c <"$t/s") + 1))}" "$t/r" | tr -d '\000' | head -c 1 | od -An -c)" ] || verdict INVALID 4 "other bytes follow the seal"
elif [ -n "$(later "$(echo "$g" | head -c 16)")" ]; then verdict INVALID 4 "bytes after checkpoint $k were changed"; fi
cat $(seq -f "$c/cp/%08.0f.jsonl" $k) 2>/dev/null | # SHA-1 and MD5 in records, of members or of all parts together
  sed -n 's/^{"path":"\([^"]*\)".*"sha1":"\([0-9a-f]*\)","md5":"\([0-9a-f]*\)".*/\2 \3 \1/p' >"$t/old"
if [ -s "$t/old" ]; then # needs room for all payload
  zstd -dcq "$f" 2>/dev/null | tar -C "$t/x" -xkf - --no-same-owner --wildcards '*/data/*' 2>/dev/null
  while read -r one five n; do
    p=$t/x/$id/$n; [ -e "$p" ] || cat "$p".p?????? >"$p" 2>/dev/null
    [ "$(sha1sum <"$p" | head -c 40) $(md5sum <"$p" | head -c 32)" = "$one $five" ] || verdict INVALID 4 "SHA-1 or MD5 of $n"
  done <"$t/old"
fi
for n in genesis ${sealed:+seal}; do
  s=$c/$n.json; [ $n = seal ] && sig=$s.device.sig || sig=$s.sig
  ssh-keygen -Y verify -f "$trust" -I "device:$(get device "$c/genesis.json")" -n hozen-$n-v1 -s "$sig" \
    -O verify-time="$(date -d "@$epoch" +%Y%m%d%H%M%S)" <"$s" >/dev/null 2>&1 || verdict UNTRUSTED-SIGNER 6; done
[ $sealed ] && verdict VALID 0 || verdict VALID-PARTIAL 5
