#!/usr/bin/env bash
# Checks that Go and Node are there and new enough. They are the two things
# that `make` does not install: everybody has their own way of doing so.
set -euo pipefail

fail() {
  printf 'sluice: %s\n' "$1" >&2
  exit 1
}

# at_least HAVE WANT compares two dotted version numbers.
at_least() {
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

command -v go >/dev/null || fail 'Go is missing: install 1.26 or newer from https://go.dev/dl'
command -v node >/dev/null || fail 'Node is missing: install 20.19 or newer from https://nodejs.org'
command -v npm >/dev/null || fail 'npm is missing: it comes with Node, or as the package npm'

# An older Go (1.21 on) fetches the toolchain that go.mod asks for by itself,
# unless GOTOOLCHAIN=local forbids it. Then a patch level with known faults of the
# standard library (crypto/x509, mime, net/textproto: fixed in 1.26.4) would build.
go_wanted=1.26.4
go_version=$(go env GOVERSION)
go_version=${go_version#go}
go_version=${go_version%%[ -]*} # without the marks of a distribution
at_least "$go_version" "$go_wanted" || fail "Go is $go_version; $go_wanted or newer is needed, for the faults fixed in it: https://go.dev/dl"
node_version=$(node --version)
at_least "${node_version#v}" 20.19 || fail "Node is ${node_version#v}; 20.19 or newer is needed: https://nodejs.org"
