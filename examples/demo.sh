#!/usr/bin/env bash
# The whole chain on photos, each step a command you can type yourself.
#   PHOTOS  a folder per person; by default the public-domain portraits beside this file
#   ONLINE  1: bring actors and pictures from Wikidata and Wikimedia Commons instead (TOP people, IMAGES of each)
#   CONTACT your e-mail address or page, which those sites want to be told
#   OUT     where everything goes
#   BIN     the folder of the actorrec program
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
photos=${PHOTOS:-}
photos=${photos/#\~\//$HOME/}  # not every shell expands PHOTOS=~/photos
out=${OUT:-demo}
export PATH="${BIN:+$(cd "$BIN" && pwd):}$PATH"
export ACTORREC_STORE__URI="$out/store"

step() { printf '\n$ actorrec %s\n' "$*"; actorrec "$@"; }

if [ "${ONLINE:-}" = 1 ]; then
  if [ -z "${CONTACT:-${ACTORREC_FETCH__CONTACT:-}}" ]; then
    printf 'error: Wikidata and Commons want to know whom to write to if something goes wrong\n' >&2
    printf 'hint: make demo ONLINE=1 CONTACT=you@example.org\n' >&2
    exit 2
  fi
  export ACTORREC_FETCH__CONTACT="${CONTACT:-$ACTORREC_FETCH__CONTACT}"
  step scrape --top "${TOP:-5}" --images "${IMAGES:-20}"
  step build-dataset
  step train
  step convert-tflite --out "$out/bundle.zip"
  step evaluate --report "$out/report.html"
  step infer "$out/store/images/*/*/*_000[1-3].*" --annotate "$out/annotated"
  step sbom newest --out "$out/credits.txt"
  printf '\nMost of these pictures were learned from, so their names prove little: the table above is the measure.\n'
  printf 'Wrong faces among them? Put them right and build again:\n  actorrec review --store %s\n' "$out/store"
elif [ -n "$photos" ]; then
  step build-dataset "$photos"
  step train
  step convert-tflite --out "$out/bundle.zip"
  step evaluate --report "$out/report.html"
  step infer "$photos" --annotate "$out/annotated"
  printf '\nMost of these photos were learned from, so their names prove little: the table above is the measure.\n'
else
  # Two photos of a person are too few to keep any back, so the one unseen photo and the stranger are the measure.
  step build-dataset "$here/people"
  step train
  step convert-tflite --out "$out/bundle.zip"
  step evaluate --photos "$here/unseen" --unknowns "$here/strangers" --report "$out/report.html"
  step infer "$here/group.jpg" "$here/unseen" "$here/strangers" --annotate "$out/annotated"
fi

printf '\nLook at:\n  %s\n  %s\n' "$out/annotated/" "$out/report.html"
