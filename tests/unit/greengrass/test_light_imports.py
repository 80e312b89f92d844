"""What publishes also runs in a function of a few megabytes: no arrays, no nets, no pictures."""

import subprocess
import sys

HEAVY = (
    "numpy", "cv2", "PIL", "tensorflow", "keras", "ai_edge_litert", "boto3", "botocore", "packaging", "typer", "rich"
)  # fmt: skip


def test_publishing_imports_nothing_heavy() -> None:
    ours = ", ".join(f"actorrec.greengrass.{each}" for each in ("publish", "known_versions", "refusals", "components"))
    code = f"import sys, {ours}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not found.stdout.split()
