"""Copies of a bundle that arrives: nobody else's to read."""

import stat
from pathlib import Path

from actorrec.inference.swap.staged import StagedFile, signature_of


def test_a_copy_is_for_its_owner_alone_also_where_a_killed_program_left_another(tmp_path: Path) -> None:
    bundle, staging = tmp_path / "bundle.zip", tmp_path / "work" / "incoming"
    bundle.write_bytes(b"faces")
    bundle.chmod(0o644)
    expected = signature_of(bundle)
    assert expected is not None
    file = StagedFile(bundle, staging, lambda: True)
    copy, _ = file.copy(expected)
    assert stat.S_IMODE(staging.stat().st_mode) == 0o700
    (staging / ".partial-incoming").write_bytes(b"half")
    file.forget_all_but(copy)
    assert list(staging.iterdir()) == [copy]
    (staging / ".partial-incoming").write_bytes(b"half")
    again, _ = file.copy(expected)
    assert again == copy and copy.read_bytes() == b"faces"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
