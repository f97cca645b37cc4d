#!/usr/bin/env bash
# Fuzzes every target of the repository for FUZZTIME each (10s), one after the
# other. It finds the targets, so that a new one is never left out. Arguments are
# packages to look in; all when there are none.
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

said=$(mktemp)
trap 'rm -f "$said"' EXIT
while read -r package target; do
  printf '\n--- %s of %s\n' "$target" "$package"
  # -fuzzminimizetime 1x: goroutines of Pion change the coverage from
  # run to run, and the fuzzer would minimize for ever what is not reproducible.
  status=0
  go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1x "$package" 2>&1 | tee "$said" || status=$?
  [ $status -eq 0 ] && continue
  # Go now and then reports the end of the time itself as a failure, when a worker
  # was busy at that moment. A real one names the input that it wrote.
  grep -q 'context deadline exceeded' "$said" && ! grep -q -e 'Failing input' -e 'panic' "$said" || exit $status
  echo 'the time was over: not a failure'
done <<< "$targets"
