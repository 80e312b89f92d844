"""A device in small: what the two nuclei do with a recipe, as an unprivileged user without a network.

Folders, permissions, variables and shells are as the Java nucleus and nucleus lite have them; nothing of AWS runs.
``why_not()`` says why there can be no such device here, and tests skip with that.
"""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from patience import PATIENCE_S

NOBODY = 65534
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PYTHONS = ("3.11", "3.12", "3.13")
_JAVA_VARIABLE = re.compile(r"\{([.\w]+):([^:}]+)}")
_LITE_VARIABLE = re.compile(r"\{([^}]{0,255})}?")


@cache
def system_python() -> str:
    """Version of the python3 that such a user finds; empty where it cannot run the component."""
    probe = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        asked = subprocess.run(
            ["python3", "-c", probe], capture_output=True, text=True, env={"PATH": PATH}, cwd="/", timeout=PATIENCE_S
        )
    except FileNotFoundError:
        return ""
    version = asked.stdout.strip()
    return version if version in PYTHONS else ""


@cache
def why_not() -> str:
    """Why there can be no device here; empty where there can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "only root on Linux can run programs as another user"
    if not system_python():
        return f"no python3 of {', '.join(PYTHONS)} with venv on {PATH}"
    tried = subprocess.run([*_as_nobody(), "true"], capture_output=True, text=True, cwd="/", env={"PATH": PATH})
    return "" if tried.returncode == 0 else f"no other user, or no network namespace: {tried.stderr.strip()}"


@contextmanager
def device_root() -> Iterator[Path]:
    """A folder that another user can reach, which pytest's own are not, with a blank in its name; in memory if it fits.

    A device writes 600 MB and syncs them.
    """
    memory = Path("/dev/shm")
    fits = False
    if memory.is_dir():
        said = os.statvfs(memory)
        fits = said.f_bavail * said.f_frsize > 2e9 and not said.f_flag & os.ST_NOEXEC
    folder = Path(tempfile.mkdtemp(prefix="green grass ", dir=memory if fits else None))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _as_nobody() -> list[str]:
    """Another user, no rights to gain any, and no network but a loopback that is down."""
    user = [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        "--no-new-privs",
        "--bounding-set=-all",
    ]
    return ["unshare", "--net", "--", *user, "--inh-caps=-all", "--"]


@dataclass(frozen=True)
class Device:
    """One device.

    Attributes:
        root: Its Greengrass folder.
        nucleus: Whose habits it has.
        umask: Of its components: whoever installed the nucleus may have chosen another than the usual.
        installed: Component → recipe, of all that ``fetch`` brought.
    """

    root: Path
    nucleus: Literal["java", "lite"]
    umask: int = 0o022
    installed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def fetch(self, recipe: Mapping[str, Any], objects: Mapping[str, Path], digests: Mapping[str, str]) -> None:
        """Bring a component's artifacts here and check their digests.

        Args:
            recipe: With its version.
            objects: URI → the file that lies there.
            digests: URI → base64 of its SHA-256, as the cloud says.
        """
        (manifest,) = recipe["Manifests"]
        assert manifest["Platform"]["runtime"] == "*"
        packed, unpacked = self._folder(recipe, "artifacts"), self._folder(recipe, "artifacts-unarchived")
        for artifact in manifest["Artifacts"]:
            data = objects[artifact["Uri"]].read_bytes()
            assert base64.b64encode(hashlib.sha256(data).digest()).decode() == digests[artifact["Uri"]]
            name = artifact["Uri"].rpartition("/")[2]
            (packed / name).write_bytes(data)
            self._permit(packed / name, artifact["Permission"])
            if artifact["Unarchive"] == "ZIP":
                self._unpack(packed / name, unpacked / name.removesuffix(".zip"), artifact["Permission"])
        work = self.work(recipe["ComponentName"])
        work.mkdir(parents=True, exist_ok=True)
        os.chown(work, NOBODY, NOBODY)
        work.chmod(0o755 if self.nucleus == "lite" else 0o700)
        self.installed[recipe["ComponentName"]] = dict(recipe)

    def work(self, component: str) -> Path:
        """The work folder of a component."""
        return self.root / "work" / component

    def script(self, component: str, step: str) -> str:
        """A step's script with its variables in place."""
        recipe = self.installed[component]
        text: str = recipe["Manifests"][0]["Lifecycle"][step]["Script"]
        end = "/" if self.nucleus == "lite" else ""
        values = {
            "artifacts:path": f"{self._folder(recipe, 'artifacts')}{end}",
            "artifacts:decompressedPath": f"{self._folder(recipe, 'artifacts-unarchived')}{end}",
            "work:path": f"{self.work(component)}{end}",
            "kernel:rootPath": f"{self.root}{end}",
        }
        if self.nucleus == "java":  # what it does not know stays
            return _JAVA_VARIABLE.sub(lambda found: values.get(f"{found[1]}:{found[2]}", found[0]), text)
        return _LITE_VARIABLE.sub(lambda found: values[found[1]], text)  # every brace is a variable

    def has(self, component: str, step: str) -> bool:
        """Whether a component has a step."""
        return step in self.installed[component]["Manifests"][0]["Lifecycle"]

    def run(self, component: str, step: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a step to its end, bounded by its own timeout."""
        with self.start(component, step, **environ) as running:
            lifecycle = self.installed[component]["Manifests"][0]["Lifecycle"][step]
            out, err = running.communicate(timeout=min(lifecycle.get("Timeout", 120), 300))
            return subprocess.CompletedProcess(running.args, running.returncode, out, err)

    @contextmanager
    def start(self, component: str, step: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """Start a step; what still runs at the end is stopped as a nucleus would."""
        work = self.work(component)
        given = {"PATH": PATH, "AWS_REGION": "eu-west-1", "AWS_IOT_THING_NAME": "pi-1", "GGC_VERSION": "2.7.0"}
        if self.nucleus == "java":  # sudo -H: a home that this user does not have
            given["HOME"] = "/nonexistent"
        with subprocess.Popen(
            [*_as_nobody(), *self._shell(component, step)],
            cwd=work, env=given | environ, text=True, start_new_session=True, umask=self.umask,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as running:  # fmt: skip
            try:
                yield running
            finally:
                if running.poll() is None:
                    os.killpg(running.pid, 15)
                    try:
                        running.wait(PATIENCE_S)
                    except subprocess.TimeoutExpired:
                        os.killpg(running.pid, 9)

    def _shell(self, component: str, step: str) -> Sequence[str]:
        script = self.script(component, step)
        if self.nucleus == "java":
            return ["sh", "-c", script]
        file = self.root / f"ggl.{component}.{step}"
        file.write_text(f"#!/bin/sh\n{script}\n")
        return ["/bin/sh", str(file)]

    def _folder(self, recipe: Mapping[str, Any], kind: str) -> Path:
        folder = self.root / "packages" / kind / recipe["ComponentName"] / recipe["ComponentVersion"]
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _unpack(self, packed: Path, folder: Path, permission: Mapping[str, str]) -> None:
        """Plainly: no executable bits, no links, one mode for all."""
        with zipfile.ZipFile(packed) as archive:
            for entry in archive.infolist():
                target = folder / entry.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out)
                self._permit(target, permission)

    def _permit(self, path: Path, permission: Mapping[str, str]) -> None:
        assert permission["Execute"] == "NONE"
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o444 if permission["Read"] == "ALL" else 0o400)
