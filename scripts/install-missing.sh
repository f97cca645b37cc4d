#!/usr/bin/env bash
# Installs the Debian packages of the programs named as arguments, where they
# are missing:
#
#   scripts/install-missing.sh ffmpeg chromium xmllint
#
# With everything in place it touches neither apt nor the network.
set -euo pipefail

# package PROGRAM prints the Debian packages that bring a program.
package() {
  case $1 in
    ffmpeg) echo ffmpeg ;;
    chromium) echo chromium ;;
    firefox) echo firefox-esr ;;
    xmllint) echo libxml2-utils ;;
    nginx) echo nginx-light ;;
    varnishd) echo varnish ;;
    openssl) echo openssl ;;
    gcc) echo gcc libc6-dev ;;
    *) printf 'sluice: no package is known for %s\n' "$1" >&2; return 1 ;;
  esac
}

# present PROGRAM tells whether a program is there, under any of its names.
present() {
  case $1 in
    chromium) [ -n "${CHROMIUM:-}" ] || command -v chromium || command -v chromium-browser || command -v google-chrome ;;
    firefox) command -v firefox-esr ;;
    nginx | varnishd) [ -x "/usr/sbin/$1" ] || command -v "$1" ;; # sbin is not in everybody's path
    *) command -v "$1" ;;
  esac >/dev/null
}

missing=() packages=()
for program in "$@"; do
  present "$program" && continue
  missing+=("$program")
  read -ra found <<<"$(package "$program")"
  packages+=("${found[@]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  printf 'sluice: %s is missing, and this machine has no apt-get: install it with your package manager, then try again\n' "${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    printf 'sluice: %s is missing; run as root: apt-get update && apt-get install %s\n' "${missing[*]}" "${packages[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

install() {
  "${as_root[@]}" apt-get update -q &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${packages[@]}"
}

printf 'sluice: installing %s\n' "${packages[*]}"
# Once more after a pause: mirrors fail for moments, and after a first boot
# another apt may hold the lock.
if ! install; then
  printf 'sluice: that failed; trying once more in 10 s\n' >&2
  sleep 10
  install
fi
