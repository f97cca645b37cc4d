#!/bin/sh
# Makes the fixtures of this folder: one encoder run of 7 s that starts 0.6 s
# into segment 50, as the server's own encoder writes it.
set -eu
cd "$(dirname "$0")"
phase=0.6
grid="expr:isnan(prev_forced_t)+gt(floor((t+$phase)/2+0.001),floor((prev_forced_t+$phase)/2+0.001))"
fmp4="-output_ts_offset 100.6 -f mp4 -use_editlist 0 -flush_packets 1
	-movflags empty_moov+default_base_moof+frag_discont+frag_every_frame+cmaf+skip_trailer"
colour="-color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv"

video() { # name, size, bit rate, profile
	# shellcheck disable=SC2086
	ffmpeg -hide_banner -loglevel error -y -f lavfi -i "smptebars=s=$2:r=30" -t 7 \
		-c:v libx264 -preset superfast -tune zerolatency -threads 1 -pix_fmt yuv420p -profile:v "$4" \
		-b:v "$3" -maxrate "$3" -bufsize "$3" -bf 0 -sc_threshold 0 -g 300 -force_key_frames "$grid" \
		-bitexact -video_track_timescale 90000 $colour $fmp4 "$1.mp4"
}
video 360 640x360 60k main
video 480 854x480 60k high
# shellcheck disable=SC2086
ffmpeg -hide_banner -loglevel error -y -f lavfi -i sine=r=48000 -t 7 -ac 2 -c:a aac -b:a 32k -bitexact $fmp4 audio.mp4
