#!/usr/bin/env bash
# Installs the FFmpeg of a newer Debian (13: FFmpeg 7.1) into a folder of its own, 600 MB,
# and prints the folder to put first in PATH. Needs root.
set -euo pipefail
[ $# -eq 1 ] || { echo 'usage: scripts/newer-ffmpeg.sh FOLDER' >&2; exit 2; }
root=$(realpath -m "$1")
command -v debootstrap > /dev/null || apt-get install -y debootstrap >&2 || { apt-get update && apt-get install -y debootstrap; } >&2
[ -x "$root/usr/bin/ffmpeg" ] || debootstrap --variant=minbase --include=ffmpeg trixie "$root" >&2

# Its own loader finds its own libraries, which are newer than the system's.
lib=/usr/lib/$(uname -m)-linux-gnu
mkdir -p "$root/opt/newer"
cat > "$root/opt/newer/ffmpeg" << EOF
#!/bin/sh
exec $root/usr/bin/ld.so --library-path $root$lib:$root$lib/pulseaudio:$root$lib/blas:$root$lib/lapack $root/usr/bin/ffmpeg "\$@"
EOF
chmod +x "$root/opt/newer/ffmpeg"
echo "$root/opt/newer"
