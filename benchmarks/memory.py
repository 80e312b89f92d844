"""Peak memory of ``actorrec infer`` on pictures of two megapixels.

    python benchmarks/memory.py

The pictures are the group photos and film stills of ``scenes``, scaled to 1920 px wide and cut or filled to 1920×1080.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageOps

from rows import Row, report, test_data

COMMAND = "python benchmarks/memory.py"
SIZE_WH = (1920, 1080)


def peak_mb(command: list[str], environ: dict[str, str]) -> float:
    """Peak resident memory of a process, MB (10^6 bytes)."""
    process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return used.ru_maxrss * 1024 / 1e6


def main() -> None:
    """Measure and save."""
    data = test_data()
    if data is None:
        raise SystemExit("set ACTORREC_TEST_DATA to the folder of real photos")
    program = [sys.executable, "-m", "actorrec"]
    with tempfile.TemporaryDirectory() as folder:
        pictures, store = Path(folder) / "pictures", str(Path(folder) / "store")
        pictures.mkdir()
        for path in sorted((data / "scenes").glob("*.jpg")):
            with Image.open(path) as picture:
                ImageOps.fit(picture.convert("RGB"), SIZE_WH).save(pictures / path.name, quality=92)
        enroll = [*program, "enroll", "--from", str(data / "actors"), "--store", store, "--quiet"]
        subprocess.run(enroll, check=True, capture_output=True)
        command = [*program, "infer", str(pictures), "--store", store, "--json"]
        count = len(list(pictures.iterdir()))
        rows = []
        for threads in ("1", "4"):
            peak = peak_mb(command, {"ACTORREC_INFERENCE__THREADS": threads})
            what = f"infer on {count} pictures of {SIZE_WH[0]}×{SIZE_WH[1]}, {threads} thread(s): peak memory"
            rows.append(Row(what, "≤ 200 MB", f"{peak:.0f} MB", peak <= 200, COMMAND))
    report("memory", rows)


if __name__ == "__main__":
    main()
