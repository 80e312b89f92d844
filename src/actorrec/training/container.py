"""What a SageMaker training container tells a program: its folders, and who else works on the job."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorrec.errors import ConfigError
from actorrec.manifests.jobs import CHANNEL_NETS, CHANNEL_TRAIN
from actorrec.training.workers import read_cluster

_ROOT: Final = Path("/opt/ml")
_SUBFOLDER: Final = "actorrec"


@dataclass(frozen=True, slots=True)
class Container:
    """Folders of a training container.

    Attributes:
        train: Channel with the data set; may be read-only, and far away (FastFile).
        nets: Channel with nets of the user's own; None where the job has none.
        model: What lies here at the end comes back as ``model.tar.gz``.
        output_data: What lies here comes back beside the model, whatever becomes of the job.
        failure: File whose first 1024 characters are shown as the reason of a failed job.
        checkpoints: Copied to S3 while the job runs, and back when it starts again; None where the job keeps none.
    """

    train: Path
    nets: Path | None
    model: Path
    output_data: Path
    failure: Path
    checkpoints: Path | None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Container":
        """The container that the environment describes; what it leaves out is where SageMaker always has it.

        ``SM_CHECKPOINT_DIR`` names the folder of checkpoints where it is not ``/opt/ml/checkpoints``.
        """
        output = Path(environ.get("SM_OUTPUT_DIR") or _ROOT / "output")
        checkpoints = Path(environ.get("SM_CHECKPOINT_DIR") or _ROOT / "checkpoints")
        nets = environ.get(f"SM_CHANNEL_{CHANNEL_NETS.upper()}")
        return cls(
            train=Path(environ.get(f"SM_CHANNEL_{CHANNEL_TRAIN.upper()}") or _ROOT / "input" / "data" / CHANNEL_TRAIN),
            nets=Path(nets) if nets else None,
            model=Path(environ.get("SM_MODEL_DIR") or _ROOT / "model"),
            output_data=Path(environ.get("SM_OUTPUT_DATA_DIR") or output / "data"),
            failure=output / "failure",
            # Another program of the user's may keep things there too.
            checkpoints=checkpoints / _SUBFOLDER if checkpoints.is_dir() else None,
        )


def refuse_strangers(environ: Mapping[str, str]) -> None:
    """Stop where several machines run this program and do not know of each other: each would train its own model.

    Raises:
        ConfigError: If ``SM_HOSTS`` names more machines than ``TF_CONFIG``, or either is malformed.
    """
    try:
        hosts = len(json.loads(environ.get("SM_HOSTS") or "[]"))
    except (ValueError, TypeError):
        raise ConfigError("SM_HOSTS is no JSON list of machines") from None
    cluster = read_cluster(environ)
    met = 1 if cluster is None else len(cluster.addresses)
    if hosts > met:
        told = "there is no TF_CONFIG" if cluster is None else f"TF_CONFIG names {met}"
        raise ConfigError(
            f"this job runs on {hosts} machines that do not know of each other: {told}",
            hint="use one instance, or send sagemaker_multi_worker_mirrored_strategy_enabled=true and "
            'sagemaker_distribution_instance_groups=["homogeneousCluster"], as `actorrec train --remote` does',
        )
