#!/usr/bin/env bash
# Fuzzes every target of the repository for FUZZTIME each (10s), as many at a time
# as there are processors. It finds the targets, so that a new one is never left
# out. Arguments are packages to look in; all when there are none.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${FUZZTIME:-10s}
packages=("$@")
[ ${#packages[@]} -gt 0 ] || packages=(./...)

# go test -list prints the targets of a package, then a line that ends with it.
targets=$(go test -list '^Fuzz' "${packages[@]}" | awk '
  /^Fuzz/ { names[++n] = $1 }
  /^ok/   { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }')
[ -n "$targets" ] || { echo 'sluice: there is nothing to fuzz' >&2; exit 1; }

# Fuzzes one target of a package with one worker, and prints what it said at once.
fuzz() {
  local package=$1 target=$2 said status=0
  # -fuzzminimizetime 1x: goroutines of Pion change the coverage from
  # run to run, and the fuzzer would minimize for ever what is not reproducible.
  said=$(go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1x -parallel 1 "$package" 2>&1) || status=$?
  # Go now and then reports the end of the time itself as a failure, when a worker
  # was busy at that moment. A real one names the input that it wrote.
  if [ $status -ne 0 ] && grep -q 'context deadline exceeded' <<< "$said" && ! grep -q -e 'Failing input' -e 'panic' <<< "$said"; then
    said+=$'\nthe time was over: not a failure'
    status=0
  fi
  printf '\n--- %s of %s\n%s\n' "$target" "$package" "$said"
  [ $status -eq 0 ]
}
export -f fuzz
export time

# xargs ends with 123 when one of them failed, after it has run all.
xargs -P "$(nproc)" -L 1 bash -c 'fuzz "$1" "$2"' fuzz <<< "$targets"
