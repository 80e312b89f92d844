#!/bin/sh
# Makes the folder of packages that the component runs from: sh install.sh PLACE/venv-NAME
#
# Needs no root and nothing of the environment. A folder that is whole stays as it is; one that was left half-made is
# made anew. The folder of the program that ran before stays too, so that a device can go back; older ones go. Nothing
# is ever removed that is not named venv-…
set -eu
umask 022
unset PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE

say() { printf 'install: %s\n' "$1"; }
fail() {
    printf 'install: %s\n' "$1" >&2
    exit 1
}
# After what was begun cannot be ended: nothing half-made stays, and a full disk is called one.
spoilt() {
    free_mb=$("$python" -I -c 'import shutil, sys; print(shutil.disk_usage(sys.argv[1]).free // 10**6)' "$work") || free_mb=99
    rm -rf "$venv"
    [ "${free_mb:-99}" -ge 20 ] || fail "the disk is full: free some space in $work"
    fail "$1"
}

[ $# -eq 1 ] || fail "which folder? sh install.sh PLACE/venv-NAME"
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || fail "the folder of install.sh cannot be read"
venv=$1
name=$(basename -- "$venv")
case $name in
venv-?*) ;;
*) fail "a folder is removed before it is made anew: its name must begin with venv-, '$venv' does not" ;;
esac
work=$(CDPATH='' cd -- "$(dirname -- "$venv")" && pwd) || fail "there is no folder for $venv"
venv=$work/$name
whole=$venv/whole

# Keeps this program's folder and that of the one before, and removes the rest.
tidy() {
    before=$(cat "$work/last-venv" 2>/dev/null) || before=
    [ "$before" != "$name" ] || return 0
    for old in "$work"/venv-*; do
        case $(basename -- "$old") in
        "$name" | "$before") ;;
        *) rm -f "$old/whole" && rm -rf "$old" || say "cannot remove $old, which is not used any more" ;;
        esac
    done
    rm -f "$work/last-venv.new"
    echo "$name" >"$work/last-venv.new" && mv "$work/last-venv.new" "$work/last-venv" || fail "cannot write to $work"
}

if [ -f "$whole" ] && "$venv/bin/python" -I -c 'import actorrec' 2>/dev/null; then
    say "$name is there already"
    tidy
    exit 0
fi

# What is removed is not called whole any more before that: a power cut may leave half of it.
rm -f "$whole" && rm -rf "$venv" || fail "cannot remove what an earlier attempt left in $venv"
rm -f "$work/.may-write" && touch "$work/.may-write" 2>/dev/null && rm -f "$work/.may-write" ||
    fail "cannot write to $work: is the disk full?"

python='' problem=''
for candidate in python3 python3.13 python3.12 python3.11; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    if found=$("$candidate" -I "$here/check_python.py" "$work" 2>&1); then
        python=$candidate
        break
    fi
    [ -n "$problem" ] || problem=$found
done
[ -n "$python" ] || fail "${problem:-there is no python3 (on Debian and Raspberry Pi OS: sudo apt install python3 python3-venv)}"

say "making $name with $("$python" -V)"
# Not every user has a home folder, and /tmp may be small.
HOME=$venv TMPDIR=$venv/tmp
export HOME TMPDIR
mkdir -p "$TMPDIR" || spoilt "cannot write to $work"
"$python" -I -m venv "$venv" || spoilt "$python cannot make a folder of packages in $work (see above)"

pip() {
    "$venv/bin/python" -I -m pip --disable-pip-version-check --no-input install \
        --quiet --no-cache-dir --no-compile --no-warn-script-location --only-binary :all: "$@"
}
if [ -d "$here/wheels" ]; then
    PIP_CONFIG_FILE=/dev/null pip --isolated --no-index --no-deps --find-links "$here/wheels" --require-hashes \
        -r "$here/requirements.txt" || spoilt "the packages cannot be installed (see above)"
else
    pip -r "$here/requirements.txt" || spoilt "the packages cannot be fetched or installed (see above): does this device \
reach its package index? publish-component --vendor-wheels needs none"
fi
PIP_CONFIG_FILE=/dev/null pip --isolated --no-index --no-deps "$here"/actorrec-*.whl ||
    spoilt "the program cannot be installed (see above)"
mkdir -p "$venv/share/actorrec" && cp "$here/component.json" "$here/sample.jpg" "$venv/share/actorrec/" ||
    spoilt "cannot write to $work"

"$venv/bin/python" -I -m pip --disable-pip-version-check check || spoilt "packages are missing (see above)"
"$venv/bin/python" -I -c 'import ai_edge_litert.interpreter, awsiot, cv2, numpy, PIL.Image' ||
    spoilt "the packages do not run on this device (see above)"
"$venv/bin/python" -I -m actorrec infer --help >/dev/null || spoilt "the program does not run on this device (see above)"
rm -rf "$TMPDIR"
sync -f "$venv" 2>/dev/null || sync # a device may lose its power: what is called whole is on the disk
echo "$name" >"$whole" || spoilt "cannot write to $work"
tidy
say "$name is ready"
