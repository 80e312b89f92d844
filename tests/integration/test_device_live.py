"""An installation on this very machine, as it is seen from a copy of its files that is thrown away.

Everything is real: root, the system's own programs that make the user, owners, groups. Only systemd does not run.
"""

import grp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import actorrec
from actorrec.recognition.bundle import write_bundle
from own_environ import own_environ
from small_bundles import small_bundle

_PROGRAMS = ("unshare", "chroot", "mount", "setpriv", "systemd-sysusers", "groupdel", "userdel", "usermod")
SCRIPT = r"""
set -e
mount --make-rprivate /
mount -t tmpfs none "$PLACE"
mkdir "$PLACE/upper" "$PLACE/work" "$PLACE/all"
mount -t overlay overlay -o "lowerdir=/,upperdir=$PLACE/upper,workdir=$PLACE/work" "$PLACE/all"
[ -x "$PLACE/all$PYTHON" ] && [ -d "$PLACE/all$PACKAGE" ] || exit 77
cp "$BUNDLE" "$PLACE/all/bundle.zip"
cp "$PICTURE" "$PLACE/all/picture.jpg"
mount --bind /proc "$PLACE/all/proc"
mount --bind /dev "$PLACE/all/dev"
chroot "$PLACE/all" /bin/sh -ec '
cd /
unset ACTORREC_SYSTEM_CONFIG
for path in "$PYTHON" "$(readlink -f "$PYTHON")" "$PACKAGE"; do
    while [ "$path" != / ]; do chmod o+rx "$path"; path=$(dirname "$path"); done
done
device() { "$PYTHON" -m actorrec device "$@" --yes --json; }
device install --camera rpicam --bundle /bundle.zip
stat -c "%n %A %U:%G" /etc/actorrec/config.yaml /var/lib/actorrec /var/lib/actorrec/bundle.zip /usr/local/bin/actorrec
device install --bundle /bundle.zip
group=$(getent group actorrec | cut -d: -f3)
setpriv --reuid=65534 --regid=65534 --groups="$group" /usr/local/bin/actorrec infer /picture.jpg --json
setpriv --reuid=65534 --regid=65534 --clear-groups /usr/local/bin/actorrec infer /picture.jpg --json || echo "code $?"
usermod -aG actorrec nobody
device uninstall --purge
getent passwd actorrec || echo "no user"
getent group actorrec || echo "no group"
device uninstall --purge
'
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """What the script needs; skips where there can be no such copy."""
    if os.geteuid() != 0 or not all(shutil.which(each) for each in _PROGRAMS):
        pytest.skip(f"needs root on Linux and {', '.join(_PROGRAMS)}")
    if "actorrec" in {each.gr_name for each in grp.getgrall()} or Path("/etc/actorrec").exists():
        pytest.skip("this machine is a device already")
    bundle, picture, place = tmp_path / "bundle.zip", tmp_path / "picture.jpg", tmp_path / "place"
    write_bundle(bundle, *small_bundle())
    shutil.copy(Path(__file__).resolve().parents[2] / "examples" / "group.jpg", picture)
    place.mkdir()
    package = Path(actorrec.__file__).parent
    paths = {"PLACE": place, "PYTHON": sys.executable, "PACKAGE": package, "BUNDLE": bundle, "PICTURE": picture}
    return own_environ() | {name: str(path) for name, path in paths.items()} | {"PYTHONDONTWRITEBYTECODE": "1"}


def test_root_makes_this_machine_a_device_for_a_group_and_takes_it_back(environ: dict[str, str]) -> None:
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", SCRIPT], env=environ, capture_output=True, text=True, timeout=900
    )
    if not done.stdout and (done.returncode == 77 or "unshare" in done.stderr or "mount" in done.stderr):
        pytest.skip(f"no copy of this machine's files can be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    installed, rights, again = json.loads(lines[0]), lines[1:5], json.loads(lines[5])
    assert installed["done"] and any(action["verb"] == "run" for action in installed["actions"])
    assert rights == [
        "/etc/actorrec/config.yaml -rw-r----- root:actorrec",
        "/var/lib/actorrec drwxr-x--- actorrec:actorrec",
        "/var/lib/actorrec/bundle.zip -rw-r----- root:actorrec",
        "/usr/local/bin/actorrec -rwxr-xr-x root:root",
    ]
    assert again["actions"] == []
    assert len(json.loads(lines[6])["faces"]) == 5  # who is in the group needs no options
    assert json.loads(lines[7])["exit_code"] == 4 and lines[8] == "code 4"
    assert "/etc/actorrec/config.yaml is for the group actorrec to read" in done.stderr
    assert json.loads(lines[9])["done"] and lines[10:12] == ["no user", "no group"]
    assert json.loads(lines[12])["actions"] == []
