"""A component of Greengrass whose program people may type."""

import grp
import os
import pwd
import stat
import sys
from pathlib import Path

import pytest

from actorrec.config import load_config
from actorrec.device.carry_out import carry_out
from actorrec.device.component_plan import Component, find_component, plan_component
from actorrec.device.places import CONFIG, SHIM
from actorrec.device.program import Program
from actorrec.device.tree import Tree
from actorrec.errors import ActorRecError, ConfigError
from actorrec.inference.group_access import keep_group_access

ME, MINE = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name


@pytest.fixture
def component(tmp_path: Path) -> Component:
    work = tmp_path / "work" / "com.example.Faces"
    (work / "bundles").mkdir(parents=True)
    (work / "bundles" / "current.zip").write_bytes(b"a bundle")
    for path, mode in ((work, 0o700), (work / "bundles", 0o700), (work / "bundles" / "current.zip", 0o600)):
        path.chmod(mode)
    return Component(work, ME, MINE)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "system").mkdir()
    return Tree(tmp_path / "system", owners=False)


def modes(work: Path) -> list[int]:
    paths = (work, work / "bundles", work / "bundles" / "current.zip")
    return [stat.S_IMODE(path.stat().st_mode) for path in paths]


def test_its_group_gets_the_program_and_the_bundle_that_runs(component: Component, tree: Tree) -> None:
    plan = plan_component(component, tree)
    carry_out(plan.actions, tree)
    assert modes(component.work) == [0o710, 0o710, 0o640]
    assert plan.group == MINE
    bundle = load_config(tree.at(CONFIG), environ={}).config.inference.bundle
    assert bundle == str(component.work / "bundles" / "current.zip")
    assert str(component.work) in tree.at(SHIM).read_text()
    assert plan_component(component, tree).actions == ()


def test_the_component_gives_back_what_its_nucleus_took_only_where_root_said_so(
    component: Component, tree: Tree
) -> None:
    keep_group_access(component.work)
    assert modes(component.work) == [0o700, 0o700, 0o600]
    carry_out(plan_component(component, tree).actions, tree)
    component.work.chmod(0o700)
    keep_group_access(component.work)
    assert modes(component.work) == [0o710, 0o710, 0o640]


def test_settings_that_are_there_stay(component: Component, tree: Tree) -> None:
    tree.at(CONFIG).parent.mkdir(parents=True)
    tree.at(CONFIG).write_text("inference: {bundle: /else.zip}\n")
    plan = plan_component(component, tree)
    assert [setting for setting, _, _ in plan.differs] == ["inference.bundle"]
    carry_out(plan.actions, tree)
    assert tree.at(CONFIG).read_text() == "inference: {bundle: /else.zip}\n"


def test_another_programs_shim_is_not_touched(component: Component, tree: Tree) -> None:
    tree.at(SHIM).parent.mkdir(parents=True)
    tree.at(SHIM).write_text("#!/bin/sh\n")
    with pytest.raises(ConfigError, match="not of this program"):
        plan_component(component, tree)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_in_the_folders_of_the_component_root_acts_as_its_user(component: Component, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    (component.work / "bundles" / "current.zip").unlink()
    (component.work / "bundles" / "current.zip").symlink_to(secret)
    nobody = pwd.getpwuid(65534)
    live = Tree(tmp_path / "live", owners=True)
    live.root.mkdir()
    actions = plan_component(Component(component.work, nobody.pw_name, MINE), live).actions
    with pytest.raises(ActorRecError, match="chmod"):
        carry_out(actions, live)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_the_component_is_found_by_where_its_program_lies(tmp_path: Path) -> None:
    environment = tmp_path / "com.example.Faces" / "venv-0a1b"
    (environment / "bin").mkdir(parents=True)
    program = Program(environment / "bin" / "python", tmp_path, environment / "bin")
    with pytest.raises(ConfigError, match="not the environment of a component"):
        find_component(program)
    (environment / "whole").touch()
    found = find_component(program)
    assert (found.work, found.user) == (tmp_path / "com.example.Faces", ME)
    with pytest.raises(ConfigError, match="not the environment of a component"):
        find_component(Program(Path(sys.executable), tmp_path, tmp_path))
