"""The program that runs in SageMaker's TensorFlow container: from the data of a channel to ``/opt/ml/model``.

Like the command line it runs stages one after the other: ``dataset.npz`` → ``train`` → ``edge.convert``.
"""

import io
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config
from actorrec.dataset.npz import import_npz
from actorrec.edge.convert import convert
from actorrec.errors import ActorRecError
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.model import ModelManifest
from actorrec.progress import LogProgress, Progress
from actorrec.recognition.configured import configured_detector
from actorrec.training.container import Container, refuse_strangers
from actorrec.training.container_data import ChannelData, find_data
from actorrec.training.container_output import BundleOutcome, ModelFolder, summarise, versions
from actorrec.training.container_settings import read_settings
from actorrec.training.container_stop import stopping
from actorrec.training.container_store import working_store
from actorrec.training.train import train
from actorrec.training.workers import join_workers

_log = logging.getLogger("actorrec.training.entrypoint")  # not __main__, which would not be one of ours
_LONGEST_FAILURE: Final = 1024  # characters of the file that SageMaker shows


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Train as the environment of the container says.

    Exit codes: 0, also where the model was trained but no edge bundle could be made of it (a failed job would leave
    no model behind); an error's own (1 to 4); 143 when it was told to stop. A failed run ends its stderr with
    ``error: …`` and ``hint: …`` and writes both to ``/opt/ml/output/failure``.

    Args:
        argv: Hyperparameters where ``SM_HPS`` is not set; the command line by default.
        environ: ``os.environ`` by default.
    """
    environ = os.environ if environ is None else environ
    container = Container.of(environ)
    try:
        with stopping(), _logged():
            _run(sys.argv[1:] if argv is None else argv, environ, container)
    except ActorRecError as error:
        told = [_on_one_line(f"error: {error.message}")]
        told += [_on_one_line(f"hint: {error.hint}")] if error.hint else []
        _write_failure(container, "\n".join(told).removeprefix("error: "))
        print(*told, sep="\n", file=sys.stderr, flush=True)
        return error.exit_code
    except Exception as error:
        _write_failure(container, "".join(traceback.format_exception_only(error)).strip())
        raise
    return 0


def _on_one_line(text: str) -> str:
    """Names of the user's files may hold anything."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _run(argv: Sequence[str], environ: Mapping[str, str], container: Container) -> None:
    refuse_strangers(environ)
    settings = read_settings(argv, environ, container.nets)
    # Found out before the hours of training: the bundle needs it at the end.
    configured_detector(settings.config.detector, settings.config.models)
    data = find_data(container.train, settings.dataset)
    workers = join_workers(environ)
    _log.info("%s", ", ".join(f"{name} {value}" for name, value in versions().items()))
    if workers.count > 1:
        _log.info("worker %d of %d", workers.index + 1, workers.count)
    progress = LogProgress(_log.info)
    with working_store(data, container.checkpoints) as store:
        dataset = _dataset(data, settings.config, store, progress)
        model = train(dataset, settings.config, store=store, progress=progress, workers=workers)
        if model is not None:  # else the chief has it
            _hand_over(model, settings.config, store, container, progress)


def _dataset(data: ChannelData, config: Config, store: ArtifactStore, progress: Progress) -> DatasetManifest:
    dataset = data.manifest or import_npz(data.path, config, store=store, progress=progress)
    _log.info("%s: %d faces of %d people", dataset.ref, len(dataset.faces), len(dataset.people))
    return dataset


def _hand_over(
    model: ModelManifest, config: Config, store: ArtifactStore, container: Container, progress: Progress
) -> None:
    folder = ModelFolder(container.model, model, store)
    folder.begin()
    folder.add_saved_model()
    bundle = _bundle(model, config, store, progress)
    if bundle.manifest is not None:
        folder.add_bundle(bundle.manifest)
    folder.finish(summarise(model, bundle), container.output_data)
    _log.info("%s is in %s", model.ref, container.model)


def _bundle(model: ModelManifest, config: Config, store: ArtifactStore, progress: Progress) -> BundleOutcome:
    """The edge bundle. A model without one is worth keeping: it can be converted with other settings later."""
    try:
        return BundleOutcome(convert(model, config, store=store, progress=progress))
    except ActorRecError as error:
        _log.warning("no edge bundle: %s", error.in_full)
        return BundleOutcome(None, error.in_full)


def _write_failure(container: Container, reason: str) -> None:
    """For ``FailureReason`` of the job; nowhere to write it to is no second failure."""
    try:
        container.failure.parent.mkdir(exist_ok=True)
        container.failure.write_text(reason[:_LONGEST_FAILURE], encoding="utf-8")
    except OSError as error:
        _log.warning("cannot write %s: %s", container.failure, error.strerror)


@contextmanager
def _logged() -> Iterator[None]:
    """Log lines to stdout, each at once, as a container's log takes them."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    handler = logging.StreamHandler(sys.stdout)
    logger = logging.getLogger("actorrec")
    before = logger.handlers[:], logger.level, logger.propagate
    logger.handlers[:], logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.handlers[:], logger.propagate = before[0], before[2]
        logger.setLevel(before[1])


if __name__ == "__main__":
    raise SystemExit(main())
