#!/usr/bin/env bash
# What H.264 loses without x264: size and PSNR of one clip by libx264, with Soundstage's settings, and by OpenH264.
# Needs cc, an ffmpeg with libx264, and OpenH264 (Debian: libopenh264-dev; elsewhere set CFLAGS and LDFLAGS).
# Run: bench/openh264/measure.sh [clip.mp4]; without a clip, one of 3 seconds is drawn.
set -euo pipefail
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cc ${CFLAGS:-} "$here/encode.c" -o "$work/encode" ${LDFLAGS:-} -lopenh264

if (($# > 0)); then source=(-i "$1"); else source=(-f lavfi -i 'mandelbrot=size=512x384:rate=24:start_scale=1:end_scale=0.2,noise=alls=6:allf=t+u:all_seed=1' -t 3); fi
ffmpeg -v error "${source[@]}" -pix_fmt yuv420p -an "$work/original.y4m"
read -r width height rate < <(ffprobe -v error -select_streams v -show_entries stream=width,height,r_frame_rate -of csv=p=0 "$work/original.y4m" | tr , ' ')
fps=$(bc -l <<<"$rate")

row() {
  local psnr
  psnr=$(ffmpeg -hide_banner -r "$rate" -i "$2" -r "$rate" -i "$work/original.y4m" -lavfi '[0:v]settb=1/90000,setpts=N*3000[a];[1:v]settb=1/90000,setpts=N*3000[b];[a][b]psnr' -f null - 2>&1 |
    sed -n 's/.*PSNR.*average:\([0-9.]*\).*/\1/p')
  echo "| $1 | $(($(stat -c %s "$2") / 1000)) kB | $psnr dB |"
}

echo '| encoder | size | PSNR |'
echo '|---|---|---|'
for crf in 28 23 19; do
  ffmpeg -v error -y -i "$work/original.y4m" -c:v libx264 -preset medium -crf $crf "$work/clip.264"
  row "x264, medium, CRF $crf" "$work/clip.264"
done
for kbits in ${KBITS:-40 60 100 150 200 800 1600 2000 2400 3000 3600}; do
  ffmpeg -v error -i "$work/original.y4m" -f rawvideo - | "$work/encode" "$width" "$height" "$fps" "$kbits" >"$work/clip.264" 2>/dev/null
  row "OpenH264, $kbits kbit/s" "$work/clip.264"
done
