#!/bin/sh
# A second verifier of hozen/1 archives that shares no line with the first (FORMAT.md, "Verdicts").
# usage: sh audit.sh [-r REVOKED_KEYS] ARCHIVE.tar.zst[.age] [ALLOWED_SIGNERS [LOG]] | LOG.custody.jsonl [ALLOWED_SIGNERS]
# What is encrypted is held against its log; to see inside: age -d -i KEY A.tar.zst.age >A.tar.zst, and audit that.
# needs GNU tar and coreutils, zstd, ssh-keygen, sed; for logs jq
# It follows the signatures from genesis to the last statement, which commits to every byte before it, checks those of a job, and holds SHA-1
# and MD5 in records against the members. Of a log it checks chain, signatures, signers, and whether what people tell fits; notes, and time stamps, it leaves out.
set -u; export LC_ALL=C TZ=UTC; krl=; [ "${1-}" != -r ] || { krl=${2?-r needs a file: a KRL, or public keys}; shift 2; }
f=${1?usage: sh audit.sh [-r REVOKED_KEYS] ARCHIVE.tar.zst|LOG.custody.jsonl [ALLOWED_SIGNERS [LOG]]} trust=${2-/dev/null} log=${3-} alone= anew= k=0 a=0 sealed= op= g= dev= outer= was=
case $f in *.custody.jsonl) log=$f alone=1;; esac
[ "$(head -c 22 "$f" 2>/dev/null | tr -d '\000')" != age-encryption.org/v1 ] || alone=1 outer=1 # nothing is seen of what is in it
for n in "$f" "$trust" ${log:+"$log"} ${krl:+"$krl"}; do [ -r "$n" ] && [ ! -d "$n" ] || { echo "$n: cannot be read" >&2; exit 1; }; done
t=$(mktemp -d) || exit 1; trap 'rm -rf "$t"' EXIT
verdict() {
  if [ $alone ]; then how="$(wc -l <"$t/ev") events"; else how="checkpoint $k, $a of $(wc -c <"$f") bytes authentic"; fi
  printf '%s' "$1 ($how)${3:+: $3}" | tr -d '\000-\037\177'; echo; exit "$2"; } # one line, whatever a stranger calls himself
get() { sed -n "s/^{.*\"$1\":\"\{0,1\}\([^\",{}]*\).*/\1/p" "$2"; }                     # field of a statement
prefix() { sed -n 's/.*"archive":{"bytes":\([0-9]*\),"sha256":"\([0-9a-f]*\)"}.*/\1 \2/p' "$1"; }
sum() { sha256sum <"$1" | head -c 64; }
from() { tail -c +$(($1 + 1)) "$f"; }
signed() { # KEY NAMESPACE FILE SIG: by that key, and the armor is the only one that it can be
  printf 'x %s\n' "$1" >"$t/key"; ssh-keygen -Y verify -f "$t/key" -I x -n "$2" -s "$4" <"$3" >/dev/null 2>&1 && armored "$4"; }
armored() { { echo '-----BEGIN SSH SIGNATURE-----'; sed '1d;$d' "$1" | base64 -d | base64 -w70; echo '-----END SSH SIGNATURE-----'; } 2>/dev/null | cmp -s - "$1"; }
by() { # KEY NAMESPACE FILE SIG: as signed, and the key may be a certificate
  armored "$4" && ssh-keygen -Y check-novalidate -n "$2" -s "$4" <"$3" >/dev/null 2>&1 && [ "$(sed '1d;$d' "$4" | base64 -d | tail -c +15 | head -c "$(echo "${1#* }" | base64 -d 2>/dev/null | wc -c)" | base64 -w0)" = "${1#* }" ]; }
trusted() { # PRINCIPAL WHAT FILE SIG TIME: who signs is whom the auditor believes
  ssh-keygen -Y verify ${krl:+-r "$krl"} -f "$trust" -I "$1" -n "hozen-$2-v1" -s "$4" -O verify-time="$(date -d "$5" +%Y%m%d%H%M%S)" <"$3" >/dev/null 2>&1; }
chain() { # the log by itself: each whole line signed by the key that it names, with the hash of the line before
  n=0 prev=; [ -z "$(tr -dc '\000' <"$log" | head -c 1 | od -An -c)" ] || verdict INVALID 4 "log: not text"
  while IFS= read -r line; do n=$((n + 1)); printf '%s\n' "$line" >"$t/l"; jq -j .payload "$t/l" >"$t/p$n" 2>/dev/null; jq -j .sig "$t/l" >"$t/g$n" 2>/dev/null
    { jq -c '{payload,sig}' "$t/l" | sed "s/\([^\\]\)\\\\u007f/\1$(printf '\177')/g"; } 2>/dev/null | cmp -s - "$t/l" &&
      jq -r 'def o: if . == null or . == "" then "-" else tostring end; def d(n): [.detail[]? | select(.name == n) | .value][0] | o;
        [.type, .collection, .seq, (.prev | o), (.event | o), (.actor | o), (.key | o), (.time.wall | o), .object.bytes, (.object.sha256 | o), d("genesis"),
        d("first_key"), d("job"), d("checkpoint"), d("statement"), d("next_key"), d("seal")] | map(tostring) | @tsv' "$t/p$n" >"$t/e" 2>/dev/null &&
      IFS="$tab" read -r type _ seq p event _ key _ <"$t/e" && [ "$type $seq $p" = "hozen/event/1 $n ${prev:--}" ] &&
      by "$key" hozen-event-v1 "$t/p$n" "$t/g$n" || verdict INVALID 4 "log, line $n"
    cat "$t/e" >>"$t/ev"; prev=$(printf '%s' "$line" | sha256sum | head -c 64); done <"$log"; }
events() { # the log against the archive, or (alone) against itself
  n=0 lk=0 lsealed= unknown= obytes=0 lnext=${g:+$(get first_key "$c/genesis.json")} first=
  while IFS="$tab" read -r _ col seq _ event who key wall bytes sha lg fk job cp st nk seal; do
    n=$((n + 1)); [ "$n" != 1 ] || first=$key; bad="log, event $n ($event)"
    [ $n = 1 ] && [ -z "${id-}" ] && id=$col; [ "$col" = "$id" ] || verdict INVALID 4 "$bad: of another collection"
    case $event$n in started1 | recovered1) ;; started* | *[!0-9]1) verdict INVALID 4 "$bad: where the log begins";; esac
    case $outer$event in 1checkpoint | 1sealed) [ $anew ] || { [ "$bytes" -ge "$obytes" ] && [ "$(head -c "$bytes" "$f" | sha256sum | head -c 64)" = "$sha" ]; } || verdict INVALID 4 "$bad: other bytes"; obytes=${anew:-$bytes};; esac
    case $event in
    started) [ $alone ] && lnext=$fk lg=$g job=; [ "$lg $fk" = "$g $lnext" ] && [ "$key" = "${dev:-$key}" ] && {
        [ $alone ] || [ "$job" = "$({ [ -f "$c/job.json" ] && sum "$c/job.json"; } || echo -)" ]; } || verdict INVALID 4 "$bad: of another archive"
      [ -z $alone ] || trusted "$who" event "$t/p$n" "$t/g$n" "$wall" || unknown="${unknown:-$who}";;
    checkpoint) [ "$cp" = $((lk + 1)) ] && [ -z "$lsealed" ] && { [ "$key" = "$lnext" ] || [ -z "$lnext" ]; } || verdict INVALID 4 "$bad: out of order"
      lk=$cp lnext=$nk; [ $alone ] || { [ "$cp" -le $k ] && [ "$st ${was:-$bytes}" = "$(sum "$c/cp/$(printf %08d "$cp").json") ${was:-$(sed -n "${cp}p" "$t/ends")}" ] &&
        { [ "$cp" != $k ] || [ $was ] || [ "$(head -c "$bytes" "$f" | sha256sum | head -c 64)" = "$sha" ]; } || verdict INVALID 4 "$bad: not in the archive"; };;
    sealed) [ -z "$lsealed" ] && [ "$key" = "${dev:-$first}" ] || verdict INVALID 4 "$bad: twice, or by another key"; lsealed=1 lseal=$seal
      [ $alone ] || { [ $sealed ] && [ "${was:-$bytes} $seal" = "${was:-$((a + trailer))} $(sum "$c/seal.json")" ] && { [ $was ] || [ "$(head -c "$bytes" "$f" | sha256sum | head -c 64)" = "$sha" ]; } || verdict INVALID 4 "$bad: not this archive"; };;
    recovered) [ $alone$was ] || [ "$bytes $sha" = "$(wc -c <"$f") $(sum "$f")" ] || verdict INVALID 4 "$bad: other bytes were found then"
      [ -z $alone ] || trusted "$who" event "$t/p$n" "$t/g$n" "$wall" || unknown="${unknown:-$who}";;
    countersigned) [ -z "$outer" ] || [ -z "$lsealed" ] || [ "$seal" = "$lseal" ] || verdict INVALID 4 "$bad: not of this seal"
      jq -j '[.detail[]? | select(.name == "signature") | .value][0] // ""' "$t/p$n" >"$t/co.sig"
      if [ -z $alone ] && [ $sealed ]; then [ "$seal" = "$(sum "$c/seal.json")" ] && { [ ! -s "$t/co.sig" ] || by "$key" hozen-seal-v1 "$c/seal.json" "$t/co.sig"; } || verdict INVALID 4 "$bad: not of this seal"; fi
      if trusted "$who" event "$t/p$n" "$t/g$n" "$wall" && { [ $alone ] || [ ! $sealed ] || [ ! -s "$t/co.sig" ] || trusted "$who" seal "$c/seal.json" "$t/co.sig" "$wall"; }; then printf '%s\n' "$who $(printf '%s\n' "$key" | ssh-keygen -lf - | cut -d' ' -f2)" >>"$t/co"; else unknown="${unknown:-$who}"; fi;;
    *) { [ "$key" = "${dev:-$first}" ] && [ "$who" = "device:$(jq -r .actor "$t/p1" | sed s/^device://)" ] && [ "$(jq -r .event "$t/p1")" = started ]; } || trusted "$who" event "$t/p$n" "$t/g$n" "$wall" || unknown="${unknown:-$who}";;
    esac; done <"$t/ev"; }
gaps() { # what people tell, from hand to hand: what does not fit, or is still open, to stderr; the last line counts the gaps (notes are left out)
  (cd "$t" && printf '%s\n' p[0-9]* | xargs cat) | jq -rs --argjson n "$(wc -l <"$t/ev")" 'if length != $n then error("events are missing") else . end | sort_by(.seq) as $e | def fact(n): [.detail[]? | select(.name == n) | .value][0] // "";
    def words: .event | IN("described", "discovered", "reported", "corrected", "disputed", "countersigned", "timestamped", "renewed", "attached", "receipt", "isolated", "rejoined", "clock", "timestamp_failed");
    def person: test("^(device|operator|witness|approver|carrier|lab|custodian|hub):[A-Za-z0-9][A-Za-z0-9._-]{0,62}\\z"); def bag: .thing.seal_no // "";
    def gap(s; t): .g += ["gap \(s): \(t)"]; def when(c; f): if c then f else . end; # a correction puts right what words can
    def slip(s; t): when(any($e[]; .event == "corrected" and .seq > s and (.ref // [] | index(s))) | not; gap(s; t));
    def lacks: . as $x | {discovered: "reason +at", reported: "counterpart +at", stored: "place", released: "counterpart reason +how", received: "counterpart verdict +seal", checked_out: "reason",
        checked_in: "place ref", opened: "reason", verified: "verdict", copied: "place reason +copy", exported: "reason +what", reencrypted: "before reason", renewed: "reason", corrected: "reason ref",
        disputed: "reason ref", destroyed: "reason authority +how"}[.event] // "" | any(splits(" +") | select(. != ""); if startswith("+") then .[1:] as $n | $x | fact($n) == "" and fact($n + "_sha256") == ""
        else $x[.] | . == null or . == "" or . == [] end);
    reduce ($e[] | select(.event != "attached")) as $x ({g: [], rel: [], out: [], dis: [], seen: []}; $x.seq as $s | $x.event as $v | ($x.ref // []) as $r | $x.object as $o |
      when(.over and ($x | words | not); gap($s; "after the end")) | when(any($r[]; . < 1 or . >= $s); slip($s; "refers to what is not before it")) | when($x | lacks; slip($s; "\($v) does not say enough")) |
      if $v == "sealed" or $v == "recovered" then .obj = $o elif (.obj.sha256 // "") == "" or ($o.sha256 // "") == "" then .
      elif $v == "reencrypted" then when($x.before and $x.before.sha256 != .obj.sha256; gap($s; "made of other bytes")) | .obj = $o
      else when((.seen | index($o.sha256) | not) and ($o.sha256 != .obj.sha256 or $o.bytes != .obj.bytes); .seen += [$o.sha256] | gap($s; "other bytes")) end |
      when(($v | IN("received", "verified")) and ($x.verdict // "" | IN("", "VALID", "VALID-PARTIAL", "VALID-OUTER", "UNTRUSTED-SIGNER") | not); gap($s; "\($v) found it \($x.verdict)")) |
      if $v == "released" then .rel += [$s] elif $v == "checked_out" then .out += [$s] elif $v == "destroyed" then when($x | fact("copy") == ""; .over = $s)
      elif $v == "disputed" then .dis = .dis + [$s] - $r elif $v == "corrected" then .dis -= $r
      elif $v == "checked_in" then when($r != [] and (.out - (.out - $r)) == []; slip($s; "brought back; nothing was taken out")) | .out -= $r
      elif $v == "received" then when($x | fact("seal") == "broken"; gap($s; "the seal was broken")) | .rel as $l | ([$r[] | select(IN($l[]))] | last) as $n | if $n == null then slip($s; "received; no open release is named")
        else $e[$n - 1] as $f | .rel -= [$n] | when(($f.counterpart // "" | person) and $f.counterpart != $x.actor; slip($s; "received by \($x.actor); event \($n) released it to \($f.counterpart)")) |
          when(($x.counterpart // "" | person) and $x.counterpart != $f.actor; slip($s; "received from \($x.counterpart); event \($n) is by \($f.actor)")) |
          when(($f | bag) != "" and ($f | bag) != ($x | bag); gap($s; "seal number \($x | bag); it was released with \($f | bag)")) end else . end) |
    reduce .rel[] as $s (.; $e[$s - 1] as $f | if any($e[]; .seq > $s and (words | not) and .actor != $f.actor) then slip($s; "released to \($f.counterpart), who did not sign for it")
      else .g += ["open \($s): released to \($f.counterpart); not received"] end) | .g += [(.out[] | "open \(.): taken out; not brought back"), (.dis[] | "open \(.): disputed; not answered")] | .g |
    (.[] | explode | map(select(. > 31 and (. < 127 or . > 159))) | implode), (map(select(startswith("gap"))) | length)' >"$t/gaps"; sed '$d' "$t/gaps" >&2; [ -s "$t/gaps" ] || verdict INVALID 4 "the story of the log cannot be read"; }
misfit() { n=$(tail -n 1 "$t/gaps" 2>/dev/null); [ "${n:-0}" = 0 ] || echo " but what people tell does not fit: gaps in the log: $n"; }
finger() { printf '%s\n' "$1" | ssh-keygen -lf - 2>/dev/null | cut -d' ' -f2; }
anew() { # how many bytes are those that the log says were encrypted anew, of those that were sealed; none if these were sealed
  sed '/^--- /q' "$f" | grep -avx 'age-encryption.org/v1\|-> [!-~ ]*\|[A-Za-z0-9+/]\{0,64\}' | grep -qx -- '--- [A-Za-z0-9+/]\{43\}' || return # no header of age
  n=0; while IFS="$tab" read -r _ _ _ _ event who key wall _; do n=$((n + 1)) # no word of a device, nor of a stranger
    [ "$event" != reencrypted ] || { [ "${who#device:}" = "$who" ] && [ "$(finger "$key")" != "$(finger "$(head -n 1 "$t/ev" | cut -f7)")" ] && trusted "$who" event "$t/p$n" "$t/g$n" "$wall"; } && cat "$t/p$n"; done <"$t/ev" |
    jq -rs 'def b: "\(.bytes) \(.sha256)"; foreach sort_by(.seq)[] as $e (null; if . == null and $e.event == "sealed" or . != null and $e.event == "reencrypted" and ($e.before // {} | b) == . then $e.object | b else . end) // empty' | uniq |
    { n=0 found=; while read -r bytes sha; do n=$((n + 1)); [ "$(head -c "$bytes" "$f" | sha256sum | head -c 64) $(($(wc -c <"$f") >= bytes))" != "$sha 1" ] || { [ $n != 1 ] || break; found=$bytes; }; done; echo "$found"; }; }
le() { i=0; while [ $i -lt "$2" ]; do printf "\\$(printf %03o $(($1 >> 8 * i & 255)))"; i=$((i + 1)); done; }
members() { (cd "$t/x" && tar --format=ustar --mode=0444 --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -b1 -cf - "$@" 2>/dev/null); }
stored() { # FILE: a zstd frame of raw blocks, the one form of statements
  z=$(wc -c <"$1") o=0; printf '\050\265\057\375\240'; le "$z" 4
  while [ $o -lt "$z" ]; do b=$((z - o > 131072 ? 131072 : z - o)); le $((b << 3 | (o + b == z))) 3; tail -c +$((o + 1)) "$1" | head -c $b; o=$((o + b)); done; }
here() { from "$1" | head -c "$(wc -c <"$2")" | cmp -s - "$2"; }                       # file 2 lies at offset 1
later() { { from "$a"; echo x; } | sed -n "/hozen-cp $1 [0-9]\{8\}\$/{p;q;}; /hozen-end $1 [0-9]\{20\}\$/{p;q;}"; }
tab=$(printf '\t'); : >"$t/ev"; : >"$t/ends"; [ -z "$log" ] || chain
if [ $alone ]; then
  [ -s "$t/ev" ] || verdict NOT-EVIDENCE 8 ${outer:+"encrypted, and no log"}; anew=${outer:+$(anew)}; events; gaps
  if [ $outer ]; then [ $lk -gt 0 ] || verdict NOT-EVIDENCE 8 "encrypted, and its log knows nothing of it"
    [ -z "$lsealed" ] || [ -z "$(from "$obytes" | tr -d '\000' | head -c 1 | od -An -c)" ] || verdict INVALID 4 "other bytes follow"
    [ -z "$unknown" ] || verdict UNTRUSTED-SIGNER 6 "$unknown"; verdict VALID-OUTER 7 "checkpoint $lk${lsealed:+, sealed}, $obytes of $(wc -c <"$f") bytes$(misfit)"; fi
  [ -z "$unknown" ] || verdict UNTRUSTED-SIGNER 6 "$unknown"; [ "$(tail -n 1 "$t/gaps")" = 0 ] || verdict VALID-PARTIAL 5; verdict VALID 0; fi
pad() { # of an archive that was encrypted: zeros behind a marker, to one byte behind a multiple of 65,536
  pe=$(((a + 7 + 65535) / 65536 * 65536 + 1)); { printf '\135\052\115\030'; le $((pe - a - 8)) 4; head -c $((pe - a - 8)) /dev/zero; } >"$t/pad"; if here $a "$t/pad"; then a=$pe; fi; }
mkdir "$t/x"; zstd -dcq "$f" 2>/dev/null | tar -C "$t/x" -xkf - --no-same-owner --wildcards '*/custody/*' 2>/dev/null
id=$(ls "$t/x" | head -1); c=$t/x/$id/custody; s=$c/genesis.json
if [ -n "$id" ] && [ -f "$s" ] && dev=$(get device_key "$s") && signed "$dev" hozen-genesis-v1 "$s" "$s.sig"; then
  epoch=$(get epoch "$s") g=$(sum "$s") prev=$(sum "$s") next=$(get first_key "$s"); grep -q '"recipients":\[\],' "$s" || was=1
  while n=$(printf %08d $((k + 1))); s=$c/cp/$n.json; [ -f "$s" ]; do
    [ "$(get collection "$s") $(get seq "$s") $(get prev "$s") $(get key "$s")" = "$id $((k + 1)) $prev $next" ] || break; signed "$next" hozen-checkpoint-v1 "$s" "$s.sig" || break
    members "$id/custody/cp/$n.json" "$id/custody/cp/$n.json.sig" | head -c -1024 >"$t/m"
    { stored "$t/m"; printf '\134\052\115\030'; le 35 4; printf 'hozen-cp %.16s %s\n' "$g" "$n"; } >"$t/s"
    p=$(prefix "$s"); here "${p% *}" "$t/s" || break
    k=$((k + 1)) a=$((${p% *} + $(wc -c <"$t/s"))) prev=$(sum "$s") next=$(get next_key "$s") last=$p; echo "$a" >>"$t/ends"; [ ! $was ] || pad; done; fi
if [ $k = 0 ] && [ -n "$log" ] && cut -f5 "$t/ev" | grep -qx 'checkpoint\|sealed'; then verdict INVALID 4 "the log saw more"; fi
[ $k -gt 0 ] || { [ -z "$(later '[0-9a-f]\{16\}')" ] || verdict INVALID 4; verdict NOT-EVIDENCE 8; }; s=$c/seal.json
if [ "$(get status "$c/cp/$(printf %08d $k).json")" = sealing ] && [ -f "$s" ] && [ "$(prefix "$s" | sed 's/ .*//')" = $a ] &&
  [ "$(get collection "$s") $(get genesis "$s") $(get last "$s") $(get key "$s")" = "$id $g $prev $next" ] &&
  signed "$next" hozen-seal-v1 "$s" "$s.sig" && signed "$dev" hozen-seal-v1 "$s" "$s.device.sig"; then
  [ -f "$s.operator.sig" ] && op=1 # the operator signed it, too
  set -- "$id/custody/seal.json"; members "$1" "$1.sig" "$1.device.sig" ${op:+"$1.operator.sig"} "$id/custody/seektable.zst" >"$t/m"; stored "$t/m" >"$t/s"
  [ ! $op ] || { armored "$s.operator.sig" && ssh-keygen -Y check-novalidate -n hozen-seal-v1 -s "$s.operator.sig" <"$s" >/dev/null 2>&1; } || : >"$t/s"
  if here $a "$t/s"; then sealed=1 last=$(prefix "$s") a=$((a + $(wc -c <"$t/s"))); fi; fi
[ "$(head -c "${last% *}" "$f" | sha256sum | head -c 64)" = "${last#* }" ] || verdict INVALID 4 "bytes before the last statement were changed"
if [ $sealed ]; then # what follows is the hint and the seek table, as far as they go, and zeros
  { printf '\133\052\115\030'; le 48 4; printf 'hozen-end %.16s %020d\n' "$g" "$(get tar_bytes "$s")"; cat "$c/seektable.zst"; } >"$t/s"; trailer=$(wc -c <"$t/s")
  from $a >"$t/r"; n=$(cmp "$t/r" "$t/s" 2>/dev/null | sed 's/.* \([0-9]*\), line.*/\1/')
  [ -z "$(tail -c +"${n:-$(($(wc -c <"$t/s") + 1))}" "$t/r" | tr -d '\000' | head -c 1 | od -An -c)" ] || verdict INVALID 4 "other bytes follow the seal"
elif [ -n "$(later "$(echo "$g" | head -c 16)")" ]; then verdict INVALID 4 "bytes after checkpoint $k were changed"; fi
cat $(seq -f "$c/cp/%08.0f.jsonl" $k) 2>/dev/null | # SHA-1 and MD5 in records, of members or of all parts together
  sed -n 's/^{"path":"\([^"]*\)".*"sha1":"\([0-9a-f]*\)","md5":"\([0-9a-f]*\)".*/\2 \3 \1/p' >"$t/old"
if [ -s "$t/old" ]; then # needs room for all payload
  zstd -dcq "$f" 2>/dev/null | tar -C "$t/x" -xkf - --no-same-owner --wildcards '*/data/*' 2>/dev/null
  while read -r one five n; do p=$t/x/$id/$n; [ -e "$p" ] || cat "$p".p?????? >"$p" 2>/dev/null
    [ "$(sha1sum <"$p" | head -c 40) $(md5sum <"$p" | head -c 32)" = "$one $five" ] || verdict INVALID 4 "SHA-1 or MD5 of $n"; done <"$t/old"; fi
need() { [ ! $sealed ] || sed -n 's/.*"require":\[\([^]]*\)\],"host":.*/\1/p' "$c/genesis.json" | tr -d '"' | tr , '\n'; } # whose signatures must be there
unknown=; : >"$t/co"; if [ -n "$log" ]; then [ -s "$t/ev" ] || verdict INVALID 4 "the log is empty"; events; gaps; fi
for n in genesis.json. ${sealed:+seal.json.device.}; do printf '%s\n' "device:$(get device "$c/genesis.json") ${n%%.*} ${n}sig"; done >"$t/by"
if grep -q '  custody/job\.json$' "$c/cp/00000001.sha256"; then j=$c/job.json i=1 n= # a job: the operator signs, then the approvals
  for o in $(get operator "$j") $(sed 's/.*"approvals":\[\([^]]*\)\].*/\1/;s/[",]/ /g' "$j"); do
    armored "$j$n.sig" && ssh-keygen -Y check-novalidate -n hozen-job-v1 -s "$j$n.sig" <"$j" 2>/dev/null
    printf '%s\n' "operator:$o job job.json$n.sig" >>"$t/by"; i=$((i + 1)) n=.$i; done >"$t/keys"
  [ "$(sort -u "$t/keys" | grep -c ^Good) $(grep -c '  custody/job\.json\..*sig$' "$c/cp/00000001.sha256")" = "$((i - 1)) $((i - 1))" ] &&
    [ -z "$(cut -d' ' -f1,2 "$t/by" | sort | uniq -d)" ] || verdict INVALID 4 "the signatures of the job"; fi
who=operator:$(get operator "$c/genesis.json"); [ ! $sealed ] || [ ! $op ] || printf '%s\n' "$who seal seal.json.operator.sig" >>"$t/by"
[ ! $op ] || printf '%s\n' "$who $(ssh-keygen -Y check-novalidate -n hozen-seal-v1 -s "$c/seal.json.operator.sig" <"$c/seal.json" 2>/dev/null | sed 's/.* //')" >>"$t/co"
for n in $(need | grep :) $(need | grep -v :); do # each by somebody else, and none by the device
  one=$(awk -v n="$n" -v d="$(get device_key "$c/genesis.json" | ssh-keygen -lf - | cut -d' ' -f2)" '{ split($1, r, ":") } ($1 == n || r[1] == n) && $2 != d { print; exit }' "$t/co"); [ "$one" ] || verdict UNTRUSTED-SIGNER 6 "$n has not signed the seal here${log:-; see the custody log}"
  awk -v o="$one" 'BEGIN { split(o, u, " ") } $1 != u[1] && $2 != u[2]' "$t/co" >"$t/co2"; mv "$t/co2" "$t/co"; done
while read -r who n sig; do trusted "$who" "$n" "$c/$n.json" "$c/$sig" "@$epoch" || verdict UNTRUSTED-SIGNER 6 "$who"; done <"$t/by"
[ -z "$unknown" ] || verdict UNTRUSTED-SIGNER 6 "$unknown"; if [ $sealed ]; then verdict VALID 0 "$(misfit)"; else verdict VALID-PARTIAL 5 "$(misfit)"; fi
