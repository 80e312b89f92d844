"""The unit of systemd, read by systemd's own programs."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from actorrec.device.unit import Service, sysusers_text, tmpfiles_text, unit_text
from actorrec.errors import ConfigError
from patience import PATIENCE_S

PI = Path("/opt/actorrec/bin/python")


def lines(service: Service) -> list[str]:
    return unit_text(service).splitlines()


def analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not here")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=PATIENCE_S)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    path = tmp_path / "actorrec.service"
    path.write_text(unit_text(Service(Path(sys.executable))))
    return path


def test_systemd_understands_every_line(unit: Path) -> None:
    done = analyze("verify", "--man=no", str(unit))
    said = [line for line in done.stderr.splitlines() if "actorrec" in line]
    assert (done.returncode, said) == (0, [])


def test_systemd_finds_little_that_it_could_do(unit: Path) -> None:
    done = analyze("security", "--offline=true", "--threshold=20", "--no-pager", str(unit))
    if "unrecognized option" in done.stderr or "Unknown" in done.stderr:
        pytest.skip("this systemd cannot judge a file")
    assert done.returncode == 0, done.stdout[-300:]


def test_it_is_started_again_for_ever_later_each_time_where_systemd_can() -> None:
    for backoff in (False, True):
        text = lines(Service(PI, backoff=backoff))
        assert "Restart=always" in text and "StartLimitIntervalSec=0" in text
        assert ("RestartMaxDelaySec=60" in text) == backoff
        assert text.index("StartLimitIntervalSec=0") < text.index("[Service]")


def test_what_people_are_called_does_not_go_to_the_log() -> None:
    assert "StandardOutput=null" in lines(Service(PI))


@pytest.mark.parametrize(
    ("service", "protect"),
    [
        (Service(PI), "yes"),
        (Service(Path("/home/pi/venv/bin/python")), "read-only"),
        (Service(PI, reads=[Path("/home/pi/pictures")]), "read-only"),
        (Service(PI, reads=[Path("rtsp://home/1"), Path("0"), Path()]), "yes"),
    ],
    ids=["opt", "program at home", "pictures at home", "no files"],
)
def test_home_folders_are_hidden_unless_something_needed_lies_there(service: Service, protect: str) -> None:
    assert f"ProtectHome={protect}" in lines(service)


def test_only_groups_that_the_system_has_are_named() -> None:
    assert not any(line.startswith("SupplementaryGroups") for line in lines(Service(PI, groups=())))
    assert "SupplementaryGroups=video render" in lines(Service(PI, groups=("video", "render")))


@pytest.mark.parametrize("path", ["/opt/a\nExecStartPre=/bin/x", '/opt/"x', "/opt/%h/python", "/opt/$HOME/p", "python"])
def test_a_path_that_means_something_to_systemd_is_refused(path: str) -> None:
    with pytest.raises(ConfigError):
        unit_text(Service(Path(path)))


def test_systemd_makes_the_user_as_written(tmp_path: Path) -> None:
    program = shutil.which("systemd-sysusers")
    if program is None:
        pytest.skip("systemd-sysusers is not here")
    (tmp_path / "etc").mkdir()
    folder = tmp_path / "usr/lib/sysusers.d"
    folder.mkdir(parents=True)
    (folder / "actorrec.conf").write_text(sysusers_text())
    done = subprocess.run([program, f"--root={tmp_path}"], capture_output=True, text=True, timeout=PATIENCE_S)
    if done.returncode != 0:
        pytest.skip(f"systemd-sysusers cannot work here: {done.stderr.strip()}")
    made = (tmp_path / "etc/passwd").read_text().splitlines()
    assert [line.split(":")[0] for line in made] == ["actorrec"]
    assert made[0].endswith(("/nologin", "/false"))


def test_a_trial_that_eats_the_memory_does_not_end_the_service() -> None:
    assert "OOMPolicy=continue" in lines(Service(PI))


def test_a_crash_leaves_no_faces_on_the_disk() -> None:
    assert "LimitCORE=0" in lines(Service(PI))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_systemd_lets_the_service_read_the_bundle_of_an_image(tmp_path: Path) -> None:
    program = shutil.which("systemd-tmpfiles")
    if program is None:
        pytest.skip("systemd-tmpfiles is not here")
    state, folder = tmp_path / "var/lib/actorrec", tmp_path / "usr/lib/tmpfiles.d"
    for made in (state, folder, tmp_path / "etc/actorrec"):
        made.mkdir(parents=True)
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nactorrec:x:998:997::/:/bin/false\n")
    (tmp_path / "etc/group").write_text("root:x:0:\nactorrec:x:997:\n")
    for file in (state / "bundle.zip", tmp_path / "etc/actorrec/config.yaml"):
        file.touch(0o640)
    (folder / "actorrec.conf").write_text(tmpfiles_text())
    done = subprocess.run(
        [program, f"--root={tmp_path}", "--create", "actorrec.conf"], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert "unsafe" not in done.stderr
    if done.returncode != 0:
        pytest.skip(f"systemd-tmpfiles cannot work here: {done.stderr.strip()}")
    for file in (state / "bundle.zip", tmp_path / "etc/actorrec/config.yaml"):
        found = file.stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 997, 0o640)
    assert (state.stat().st_uid, state.stat().st_gid, stat.S_IMODE(state.stat().st_mode)) == (998, 997, 0o750)
