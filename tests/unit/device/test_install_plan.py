"""What an installation does, on a folder that stands for the system."""

import grp
import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from actorrec.config import load_config
from actorrec.device.actions import Access, Action, CopyFile, MakeFolder, Remove, Run, SetAccess, WriteFile
from actorrec.device.carry_out import carry_out
from actorrec.device.install_plan import Systemd, Wanted, plan_install
from actorrec.device.places import BUNDLE, CONFIG, SHIM, UNIT, WANTED_BY
from actorrec.device.program import Program, first_closed
from actorrec.device.service_state import running_since
from actorrec.device.tree import Tree
from actorrec.device.uninstall_plan import plan_uninstall
from actorrec.errors import ActorRecError, ConfigError

PROGRAM = Program(Path("/opt/actorrec/bin/python"), Path("/opt/actorrec/lib/actorrec"), Path("/opt/actorrec/bin"))
NOT_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
BOOTED = Systemd(runs=True, version=252, state=None)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "system").mkdir()
    return Tree(tmp_path / "system", owners=False)


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    bundle = tmp_path / "mine.zip"
    bundle.write_bytes(b"a bundle")
    return Wanted(PROGRAM, "rpicam", bundle)


def install(wanted: Wanted, tree: Tree) -> tuple[Action, ...]:
    plan = plan_install(wanted, tree, Systemd())
    carry_out(plan.actions, tree)
    return plan.actions


def mode(tree: Tree, path: Path) -> int:
    return stat.S_IMODE(tree.at(path).stat().st_mode)


@NOT_ROOT
def test_a_program_that_another_user_may_change_is_told_of(tmp_path: Path) -> None:
    for name in ("bin", "package"):
        (tmp_path / name).mkdir()
    program = Program(tmp_path / "bin" / "python", tmp_path / "package", tmp_path / "bin")
    assert program.of_others() == ""
    os.chown(tmp_path / "package", pwd.getpwnam("nobody").pw_uid, -1)
    assert f"{tmp_path / 'package'} belongs to nobody" in program.of_others()


def test_everything_is_made_with_its_rights_and_a_second_time_changes_nothing(wanted: Wanted, tree: Tree) -> None:
    before = os.umask(0o077)  # an administrator's habit must not close what others need
    try:
        install(wanted, tree)
    finally:
        os.umask(before)
    modes = {path: mode(tree, path) for path in (CONFIG, CONFIG.parent, BUNDLE, BUNDLE.parent, UNIT, SHIM, SHIM.parent)}
    assert list(modes.values()) == [0o640, 0o755, 0o640, 0o750, 0o644, 0o755, 0o755]
    assert tree.at(WANTED_BY).readlink() == UNIT
    assert tree.at(BUNDLE).read_bytes() == b"a bundle"
    config = load_config(tree.at(CONFIG), environ={}).config
    assert (config.camera.source, config.inference.bundle) == ("rpicam", "/var/lib/actorrec/bundle.zip")
    assert config.events.jsonl == Path("/var/lib/actorrec/events.jsonl")
    assert install(wanted, tree) == ()
    assert install(Wanted(PROGRAM), tree) == ()


KILLED_AT = """
import os, stat, sys
from pathlib import Path
from actorrec.device.carry_out import carry_out
from actorrec.device.install_plan import Systemd, Wanted, plan_install
from actorrec.device.program import Program
from actorrec.device.tree import Tree
from killed_at import killed_at
folder, umask = Path(sys.argv[1]), int(sys.argv[2])
(folder / "mine.zip").write_bytes(b"a zip of faces")
program = Program(Path("/o/bin/python"), Path("/o/lib"), Path("/o/bin"))
wanted = Wanted(program, "rtsp://me:secret@c", folder / "mine.zip")
def install(root):
    root.mkdir(exist_ok=True)
    tree = Tree(root, owners=False)
    carry_out(plan_install(wanted, tree, Systemd()).actions, tree)
    return {str(path.relative_to(root)): stat.S_IMODE(path.lstat().st_mode) for path in root.rglob("*")}
os.umask(umask)
undisturbed, at = install(folder / "undisturbed"), 0
while killed_at(at, lambda: install(folder / str(at))):
    for path in (folder / str(at)).rglob("*"):
        if path.is_file() and (b"secret" in path.read_bytes() or b"a zip of faces" in path.read_bytes()):
            assert not path.stat().st_mode & 0o007, (at, path)
    again = install(folder / str(at))
    assert again == undisturbed, (at, set(again.items()) ^ set(undisturbed.items()))
    at += 1
print(at)
"""


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_killed_at_any_change_the_same_command_makes_the_same_device(tmp_path: Path, umask: int) -> None:
    line = [sys.executable, "-c", KILLED_AT, str(tmp_path), str(umask)]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(line, capture_output=True, text=True, env=environ)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 40


def test_a_newer_bundle_is_the_only_change(wanted: Wanted, tree: Tree) -> None:
    install(wanted, tree)
    assert wanted.bundle is not None
    wanted.bundle.write_bytes(b"b bundle")
    assert [type(action) for action in install(wanted, tree)] == [CopyFile]
    assert tree.at(BUNDLE).read_bytes() == b"b bundle"


def test_settings_that_are_there_stay_and_what_differs_is_told(wanted: Wanted, tree: Tree) -> None:
    text = "camera: {source: '0'}\nmqtt: {url: mqtts://a, password: secret}\n"
    tree.at(CONFIG).parent.mkdir(parents=True)
    tree.at(CONFIG).write_text(text)
    tree.at(CONFIG).chmod(0o644)
    plan = plan_install(Wanted(PROGRAM, "rpicam", wanted.bundle, "mqtts://a"), tree, Systemd())
    assert plan.differs == (("camera.source", "0", "rpicam"),)
    carry_out(plan.actions, tree)
    assert tree.at(CONFIG).read_text() == text and mode(tree, CONFIG) == 0o640


def test_a_camera_in_a_home_folder_is_seen_from_the_settings_as_well(wanted: Wanted, tree: Tree) -> None:
    install(Wanted(PROGRAM, "/home/pi/pictures", wanted.bundle), tree)
    assert "ProtectHome=read-only" in tree.at(UNIT).read_text()
    assert install(Wanted(PROGRAM), tree) == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"camera": None}, "which camera"),
        ({"bundle": None}, "whom is it to know"),
        ({"camera": "x" * 5000}, "camera.source"),
        ({"mqtt": "http://broker"}, "mqtt.url"),
    ],
    ids=["no camera", "no bundle", "no such camera", "no broker"],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    wanted: Wanted, tree: Tree, changed: dict[str, str | None], said: str
) -> None:
    values = {"camera": wanted.camera, "bundle": wanted.bundle, "mqtt": None} | changed
    with pytest.raises(ConfigError, match=said):
        plan_install(Wanted(PROGRAM, **values), tree, Systemd())  # type: ignore[arg-type]
    assert list(tree.root.iterdir()) == []


@pytest.mark.parametrize("path", [SHIM, UNIT])
def test_another_programs_file_is_not_touched(wanted: Wanted, tree: Tree, path: Path) -> None:
    tree.at(path).parent.mkdir(parents=True)
    tree.at(path).write_text("#!/bin/sh\n# somebody else's\n")
    with pytest.raises(ConfigError, match="not of this program"):
        plan_install(wanted, tree, Systemd())
    assert all(action.path != path for action in plan_uninstall(tree, Systemd(), purge=True) if type(action) is Remove)


def test_what_pip_put_on_the_path_needs_no_shim(wanted: Wanted, tree: Tree) -> None:
    program = Program(Path("/usr/bin/python3"), Path("/usr/lib/actorrec"), Path("/usr/local/bin"))
    tree.at(SHIM).parent.mkdir(parents=True)
    tree.at(SHIM).write_text("#!/usr/bin/python3\n")
    install(Wanted(program, wanted.camera, wanted.bundle), tree)
    assert tree.at(SHIM).read_text() == "#!/usr/bin/python3\n"


def test_on_a_machine_that_runs_the_user_comes_first_and_the_service_last(wanted: Wanted, tmp_path: Path) -> None:
    live = Tree(tmp_path / "live", owners=True)
    if live.ids(Access(0, group="actorrec")) is not None:
        pytest.skip("this machine has a group actorrec")
    live.root.mkdir()
    actions = plan_install(wanted, live, BOOTED).actions
    ran = [action.arguments for action in actions if isinstance(action, Run)]
    assert ran == [
        ("systemd-sysusers", "/usr/lib/sysusers.d/actorrec.conf"),
        ("systemctl", "daemon-reload"),
        ("systemctl", "restart", "actorrec.service"),
    ]
    kinds = [type(action) for action in actions]
    assert kinds.index(Run) < min(kinds.index(MakeFolder), kinds.index(CopyFile)) and kinds[-2:] == [Run, Run]
    without = plan_install(wanted, live, Systemd(makes_users=False)).actions
    assert any(isinstance(each, Run) and each.arguments[:2] == ("useradd", "--system") for each in without)


@pytest.mark.parametrize(("state", "runs"), [("active", 0), ("inactive", 2), ("failed", 2), (None, 2)])
def test_a_service_that_was_left_stopped_is_started(wanted: Wanted, tree: Tree, state: str | None, runs: int) -> None:
    install(wanted, tree)
    assert len(plan_install(wanted, tree, Systemd(True, 252, state)).actions) == runs


def test_what_a_killed_install_or_uninstall_left_systemd_to_hear_is_told_the_next_time(
    wanted: Wanted, tree: Tree
) -> None:
    install(wanted, tree)
    os.utime(tree.at(UNIT), (1000, 1000.5))
    for since, runs in ((999.0, 2), (1000.0, 0), (1001.0, 0), (None, 0)):
        assert len(plan_install(wanted, tree, Systemd(True, 252, "active", since=since)).actions) == runs
    carry_out(plan_uninstall(tree, Systemd(), purge=False), tree)
    reload = ("systemctl", "daemon-reload")
    for state, reloads in (("inactive", True), (None, False)):
        actions = plan_uninstall(tree, Systemd(True, 252, state), purge=False)
        assert (reload in [each.arguments for each in actions if isinstance(each, Run)]) == reloads


def test_when_the_service_was_started_is_what_systemd_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemctl"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for said, since in (("@1700000000", 1.7e9), ("", None), ("Mon 2026-01-05 10:00:00 UTC", None)):
        program.write_text(f"#!/bin/sh\necho 'ExecMainStartTimestamp={said}'\n")
        program.chmod(0o755)
        assert running_since() == since


def test_uninstall_takes_back_what_was_made_and_keeps_what_was_learned(wanted: Wanted, tree: Tree) -> None:
    install(wanted, tree)
    carry_out(plan_uninstall(tree, Systemd(), purge=False), tree)
    left = {f"/{path.relative_to(tree.root)}" for path in tree.root.rglob("*") if not path.is_dir()}
    assert left == {str(CONFIG), str(BUNDLE)}
    carry_out(plan_uninstall(tree, Systemd(), purge=True), tree)
    assert not any(not path.is_dir() for path in tree.root.rglob("*"))
    assert plan_uninstall(tree, Systemd(), purge=True) == ()


def test_no_link_leads_out_of_another_systems_files(wanted: Wanted, tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    tree.root.joinpath("etc").symlink_to(tmp_path / "outside")
    with pytest.raises(ConfigError, match="leads out of"):
        install(wanted, tree)
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_link_that_the_services_user_laid_is_replaced_and_never_followed(wanted: Wanted, tree: Tree) -> None:
    install(wanted, tree)
    victim = tree.root / "victim"
    victim.write_text("root's own")
    victim.chmod(0o600)
    tree.at(BUNDLE).unlink()
    tree.at(BUNDLE).symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        carry_out([SetAccess(BUNDLE, Access(0o640), "")], tree)
    install(wanted, tree)
    assert victim.read_text() == "root's own" and stat.S_IMODE(victim.stat().st_mode) == 0o600
    assert not tree.at(BUNDLE).is_symlink()
    os.link(victim, tree.root / "second")
    with pytest.raises(ConfigError, match="another name"):
        carry_out([SetAccess(Path("/second"), Access(0o640), "")], tree)


@NOT_ROOT
def test_owners_are_set_before_a_file_has_its_name(tmp_path: Path) -> None:
    user, group = pwd.getpwall()[-1].pw_name, grp.getgrall()[1].gr_name
    access = Access(0o640, user, group)
    tree = Tree(tmp_path, owners=True)
    carry_out([WriteFile(Path("/a/b"), b"x", access, ""), MakeFolder(Path("/c"), Access(0o750, user, group), "")], tree)
    for path in (Path("/a/b"), Path("/c")):
        found = tree.at(path).stat()
        assert (found.st_uid, found.st_gid) == (pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid)
    assert tree.has_access(Path("/a/b"), access) and not tree.has_access(Path("/a"), access)
    with pytest.raises(ConfigError, match="no user"):
        carry_out([WriteFile(Path("/d"), b"x", Access(0o640, "nobody-of-this-name"), "")], tree)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]


def test_a_program_that_refuses_is_told_with_what_it_said(tree: Tree) -> None:
    line = (sys.executable, "-c", "import sys; sys.exit('no room')")
    with pytest.raises(ActorRecError, match="no room"):
        carry_out([Run(line, "")], tree)
    with pytest.raises(ActorRecError, match="not installed"):
        carry_out([Run(("no-such-program-anywhere",), "")], tree)


def test_a_folder_that_is_closed_to_others_is_found(tmp_path: Path) -> None:
    program = tmp_path / "home" / "venv" / "python"
    program.parent.mkdir(parents=True)
    program.touch()
    program.chmod(0o755)
    inside = [path for path in (tmp_path / "home", program.parent) if path.is_dir()]
    for path in inside:
        path.chmod(0o755)
    outer = first_closed(tmp_path)
    assert outer is None or first_closed(program) == outer or outer == tmp_path
    (tmp_path / "home").chmod(0o700)
    found = first_closed(program)
    assert found is not None and program.is_relative_to(found)


def test_only_groups_that_are_there_are_taken(tree: Tree) -> None:
    assert tree.groups("video", "render") == ("video", "render")
    tree.at(Path("/etc")).mkdir()
    tree.at(Path("/etc/group")).write_text("root:x:0:\nvideo:x:44:\nrenderer:x:1:\n")
    assert tree.groups("video", "render") == ("video",)
