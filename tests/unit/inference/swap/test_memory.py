"""What is left of the memory, by files as the kernel writes them."""

from pathlib import Path

import pytest

from actorrec.inference.swap.memory import available_bytes

MIB = 2**20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 4096000 kB\nMemAvailable:  2048000 kB\nHugetlb: 0\n")
    (tmp_path / "proc/self/cgroup").write_text("1:name=x:/y\n0::/system.slice/actorrec.service\n")
    return tmp_path


def bound(root: Path, group: str, most: str, used_mib: int, files_mib: int = 0) -> None:
    folder = root / "sys/fs/cgroup" / group
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{used_mib * MIB}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {files_mib * MIB}\n")


def test_the_machine_says_it_where_nothing_else_bounds_it(root: Path) -> None:
    assert available_bytes(root) == 2_048_000 * 1024
    bound(root, "system.slice/actorrec.service", "max", 100)
    assert available_bytes(root) == 2_048_000 * 1024


def test_the_narrowest_bound_counts(root: Path) -> None:
    bound(root, "system.slice/actorrec.service", str(500 * MIB), 300, files_mib=50)
    assert available_bytes(root) == 250 * MIB
    bound(root, "system.slice", str(400 * MIB), 390)
    assert available_bytes(root) == 10 * MIB
    bound(root, "", str(400 * MIB), 395)
    assert available_bytes(root) == 5 * MIB
    bound(root, "system.slice", str(400 * MIB), 410)
    assert available_bytes(root) == 0


@pytest.mark.parametrize("text", ["", "0::/../../x\n", "0::/gone\n", "nonsense"])
def test_what_cannot_be_read_bounds_nothing(root: Path, text: str) -> None:
    (root / "proc/self/cgroup").write_text(text)
    assert available_bytes(root) == 2_048_000 * 1024
    (root / "proc/meminfo").unlink()
    assert available_bytes(root) is None


def test_this_machine_says_something() -> None:
    if not Path("/proc/meminfo").exists():
        pytest.skip("no /proc here")
    assert available_bytes() is not None
