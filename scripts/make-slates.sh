#!/usr/bin/env bash
# Makes the slates of internal/media: the frame that is shown while no video comes,
# as one key frame of 640×360 in each codec that browsers send.
set -euo pipefail
cd "$(dirname "$0")/../internal/media"
mkdir -p slates

slate() {
  local name=$1
  shift
  ffmpeg -hide_banner -nostdin -loglevel error -y -f lavfi -i color=c=0x16181d:s=640x360:r=30 \
    -frames:v 1 -pix_fmt yuv420p -c:v "$@" -f rawvideo "slates/$name"
}

slate vp8 libvpx
slate vp9 libvpx-vp9
slate av1 libaom-av1 -cpu-used 8 -bsf:v av1_metadata=td=remove
slate h264 libx264 -profile:v baseline -tune zerolatency -bsf:v filter_units=remove_types=6
