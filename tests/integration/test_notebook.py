"""The notebook from its first cell to its last: S3 is moto's, SageMaker a fake that really runs the job."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import containers
from actorrec.sections import PLACEHOLDER_BUCKET, PLACEHOLDER_ROLE
from s3_servers import client, new_bucket
from sagemaker_server import SageMaker, Step, sagemaker

__all__ = ["sagemaker"]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOTEBOOK = EXAMPLES / "sagemaker.ipynb"
pytest.importorskip("nbclient", reason="nbclient is not installed: actorrec[dev]")
# In a process of its own: a kernel's sockets and threads are not the tests' business.
EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

notebook = nbformat.read(sys.argv[1], as_version=4)
try:
    NotebookClient(notebook, timeout=600, kernel_name="python3", allow_errors=False).execute()
except CellExecutionError as error:
    print(error.evalue, file=sys.stderr)
    sys.exit(1)
finally:
    nbformat.write(notebook, sys.argv[2])
"""


def execute(folder: Path, settings: dict[str, str]) -> tuple[int, str, list[dict[str, Any]]]:
    """Exit code, error and executed cells."""
    theirs = ("ACTORREC_", "AWS_", "JUPYTER_", "IPYTHON", "MPLBACKEND", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    environ = kept | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # where `!actorrec` is
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "IPYTHONDIR": str(folder / "ipython"),
        "XDG_CACHE_HOME": str(folder / "cache"), "ACTORREC_REMOTE__POLL_S": "0.2", **settings,
    }  # fmt: skip
    executed = folder / "executed.ipynb"
    ended = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(NOTEBOOK), str(executed)],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=1200,
    )  # fmt: skip
    return ended.returncode, ended.stderr, json.loads(executed.read_text())["cells"]


def inputs(folder: Path) -> dict[str, str]:
    return {
        "PHOTOS": str(EXAMPLES / "people"), "UNSEEN": str(EXAMPLES / "unseen"),
        "STRANGERS": str(EXAMPLES / "strangers"), "PICTURE": str(EXAMPLES / "group.jpg"),
        "ACTORREC_STORE__URI": str(folder / "store"),
    }  # fmt: skip


def account(service: SageMaker) -> dict[str, str]:
    return {
        "ACTORREC_REMOTE__BUCKET": new_bucket(service.s3_url),
        "ACTORREC_REMOTE__ROLE": "arn:aws:iam::123456789012:role/jobs",
    }


def said(cells: list[dict[str, Any]]) -> str:
    return "".join(
        "".join(output.get("text", ())) for cell in cells for output in cell.get("outputs", ()) if "text" in output
    )


def pictures(cell: dict[str, Any]) -> list[bytes]:
    data = [output.get("data", {}) for output in cell["outputs"]]
    return [base64.b64decode(each[kind]) for each in data for kind in ("image/png", "image/jpeg") if kind in each]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def containing(cells: list[dict[str, Any]], text: str) -> dict[str, Any]:
    [cell] = [cell for cell in cells if cell["cell_type"] == "code" and text in source(cell)]
    return cell


def test_it_holds_no_output_and_nothing_private() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert "os.environ.setdefault" in source(code[0])
    assert PLACEHOLDER_BUCKET in source(code[0])  # refused by name
    assert PLACEHOLDER_ROLE in source(code[0])
    text = NOTEBOOK.read_text()
    for word in ("AKIA", "aws_secret", "/home/", "/work", "/tmp"):
        assert word not in text


@pytest.mark.skipif(bool(containers.why_not()), reason=containers.why_not() or "it can run")
def test_from_photos_to_names_with_a_job_that_really_runs(sagemaker: SageMaker, tmp_path: Path) -> None:
    s3 = client(sagemaker.s3_url)
    sagemaker.runner = lambda request, says: containers.run_training(request, s3, says)
    ours = account(sagemaker)
    settings = inputs(tmp_path) | sagemaker.environ | ours | {
        "ACTORREC_TRAINING__EPOCHS": "5", "ACTORREC_TRAINING__AUGMENTATIONS": "1",
        "ACTORREC_EDGE__VARIANT": "dynamic",
    }  # fmt: skip
    code, error, cells = execute(tmp_path, settings)
    [job] = sagemaker.jobs.values()
    assert code == 0, error + "\n".join(sagemaker.logs.lines(job.name)[-20:])
    text = said(cells)
    assert f"{job.name}: Completed after 5 epochs" in text
    assert "Nikola Tesla" in text
    assert pictures(containing(cells, "plt.imread"))[0].startswith(b"\x89PNG")
    assert pictures(containing(cells, "class LivePlot"))[0].startswith(b"\x89PNG")
    assert pictures(containing(cells, "IPython.display.Image"))[0].startswith(b"\xff\xd8")
    assert (tmp_path / "report.html").is_file()
    left = [each["Key"] for each in s3.list_objects_v2(Bucket=ours["ACTORREC_REMOTE__BUCKET"])["Contents"]]
    assert not [key for key in left if job.name in key or "/checkpoints/" in key]
    assert [key for key in left if "/dataset/" in key]


def test_a_job_that_fails_ends_it_with_its_reason(sagemaker: SageMaker, tmp_path: Path) -> None:
    sagemaker.timeline = [
        Step("Starting"),
        Step("Training", lines=("metrics: epoch=1 loss=2.5", "metrics: epoch=2 loss=1.5")),
        Step("Failed", reason="AlgorithmError: no face like any other, exit code: 1"),
    ]
    code, error, cells = execute(tmp_path, inputs(tmp_path) | sagemaker.environ | account(sagemaker))
    assert code == 1
    assert "no face like any other" in error
    [job] = sagemaker.jobs.values()
    text = said(cells)
    assert "at most 0.10 USD" in text  # the plan, before anything was sent
    assert f"{job.name} was started" in text
    assert pictures(containing(cells, "class LivePlot"))[0].startswith(b"\x89PNG")
    assert not containing(cells, "import bring_back")["outputs"]
