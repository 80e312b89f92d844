"""Every setting, in strict sections."""

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

PLACEHOLDER_BUCKET: Final = "replace-with-your-bucket"
PLACEHOLDER_ROLE: Final = "arn:aws:iam::000000000000:role/replace-with-your-role"
"""What stands in a fresh configuration; a real run refuses both by name."""


class Section(BaseModel):
    """Base of every section: unknown keys are errors, numbers are finite, values are fixed once made."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class StoreSection(Section):
    """Where artifacts live."""

    uri: str = "actorrec-store"


class DetectorSection(Section):
    """How faces are found."""

    name: Literal["mtcnn", "yunet", "yunet-int8", "ssd", "haar"] = "mtcnn"
    path: Path | None = None
    min_face_px: int = Field(default=24, ge=12)
    score_threshold: float | None = Field(default=None, ge=0, le=1)
    max_side_px: int = Field(default=1280, ge=64)


class EmbedderSection(Section):
    """What turns a face into a vector. ``path`` brings a net of your own."""

    name: str = "dlib-resnet29"
    path: Path | None = None
    template: str = "arcface-112"
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    std: tuple[float, float, float] = (127.5, 127.5, 127.5)
    colour_order: Literal["rgb", "bgr"] = "rgb"
    licence: str = "unknown"
    weights: str = "imagenet"


class DatasetSection(Section):
    """How photos become a clean data set. ``previews`` keeps small whole pictures beside the faces, for ``review``."""

    min_face_px: float = 40
    min_sharpness: float = 12
    max_yaw: float = 0.9
    min_visible: float = 0.25
    max_bytes: int = 64 * 2**20
    max_pixels: int = 80_000_000
    near_duplicate_bits: int = Field(default=8, ge=0, le=32)
    near_copy_cosine: float = Field(default=0.985, ge=0, le=1)
    wrong_person: Literal["drop", "flag", "keep"] = "drop"
    test_share: float = Field(default=0.2, ge=0, lt=1)
    seed: int = Field(default=0, ge=0, lt=2**32)
    max_skip_ratio: float = Field(default=0.9, ge=0, le=1)
    previews: bool = True
    free_only: bool = False
    workers: int = Field(default=0, ge=0)


class TrainingSection(Section):
    """How the recogniser is trained."""

    preset: Literal["cosine", "original"] = "cosine"
    epochs: int = Field(default=40, ge=1)
    batch_size: int = Field(default=128, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    learning_rate: float = Field(default=0.01, gt=0)
    margin: float = Field(default=0.15, ge=0, lt=1)
    scale: float = Field(default=24.0, gt=0)
    augmentations: int = Field(default=2, ge=0, le=50)
    seed: int = Field(default=0, ge=0, lt=2**32)
    patience: int = Field(default=8, ge=1)
    precision: Literal["auto", "float32", "mixed_float16"] = "auto"  # of fine-tuning; auto: mixed on a GPU
    fine_tune: bool = False
    fine_tune_learning_rate: float = Field(default=1e-5, gt=0)
    fine_tune_loss: Literal["cosine", "contrastive", "triplet"] = "cosine"
    fine_tune_epochs: int = Field(default=5, ge=1)
    hidden_units: int = Field(default=1024, ge=1)  # of the original preset alone


class CalibrationSection(Section):
    """When a face gets a name."""

    target_fpir: float = Field(default=0.01, gt=0, lt=0.5)


class EdgeSection(Section):
    """How the model is made small."""

    variant: Literal["auto", "float32", "float16", "dynamic", "int8"] = "auto"
    max_accuracy_loss: float = Field(default=0.003, ge=0, le=1)
    enrol_jitters: int = Field(default=10, ge=0, le=50)


class InferenceSection(Section):
    """How frames are read and named."""

    threads: int = Field(default=0, ge=0)
    max_bytes: int = 64 * 2**20
    max_pixels: int = 80_000_000


class ModelsSection(Section):
    """Where fetched detectors and embedders are kept. ``base_url`` replaces the publisher's host."""

    cache_dir: Path | None = None
    base_url: str | None = None


class ScrapeSection(Section):
    """Who and what ``scrape`` brings.

    ``people`` and ``images_from`` name sources: ``wikidata``, ``imdb``, ``imdb-datasets``, ``tmdb``, ``file``; and
    ``commons``, ``tmdb``, ``ddgs``, ``folder``, ``urls``. What a source reads is written behind a colon
    (``file:names.txt``, ``folder:photos``, ``urls:pictures.csv``, ``imdb:chart.html``).
    """

    top: int = Field(default=100, ge=1, le=10_000)
    images: int = Field(default=100, ge=1, le=10_000)
    people: str = "wikidata"
    cast_of: str | None = None
    images_from: tuple[str, ...] = ("commons",)
    types: tuple[Literal["jpg", "png", "webp", "gif", "bmp", "tiff", "avif"], ...] = (
        "jpg",
        "png",
        "webp",
        "gif",
        "bmp",
        "tiff",
        "avif",
    )
    size: Literal["any", "small", "medium", "large"] = "any"
    aspect: Literal["any", "tall", "square", "wide", "panoramic"] = "any"
    min_side_px: int = Field(default=100, ge=1)
    near_duplicate_bits: int = Field(default=6, ge=0, le=32)


class FetchSection(Section):
    """Manners and limits of every request.

    ``contact`` (an address or page of yours) stands in the User-Agent. ``host_rates`` are ``host=requests per second``;
    other hosts get ``rate_per_s``. ``allow_addresses`` are networks that may be reached though they are not public.
    ``robots_exempt`` are beginnings of addresses of documented programming interfaces, whose own terms, not
    robots.txt, say who may ask.
    """

    contact: str = ""
    rate_per_s: float = Field(default=5.0, gt=0)
    host_rates: tuple[str, ...] = ()
    connections: int = Field(default=16, ge=1, le=256)
    connections_per_host: int = Field(default=4, ge=1, le=64)
    timeout_s: float = Field(default=60.0, gt=0)  # Wikidata may think for so long before it begins to answer
    deadline_s: float = Field(default=120.0, gt=0)
    attempts: int = Field(default=5, ge=1, le=20)
    max_wait_s: float = Field(default=120.0, ge=0)
    max_redirects: int = Field(default=5, ge=0, le=20)
    max_bytes: int = Field(default=32 * 2**20, ge=1024)
    max_page_bytes: int = Field(default=16 * 2**20, ge=1024)
    max_pixels: int = Field(default=80_000_000, ge=1)
    allow_addresses: tuple[str, ...] = ()
    robots_exempt: tuple[str, ...] = (
        "https://query.wikidata.org/sparql",
        "https://www.wikidata.org/w/api.php",
        "https://commons.wikimedia.org/w/api.php",
        "https://api.themoviedb.org/3/",
    )
    cache_dir: Path | None = None
    ca_file: Path | None = None


class SourcesSection(Section):
    """Where the sources live, so that a move of theirs is a change of settings; and keys."""

    wikidata_sparql_url: str = "https://query.wikidata.org/sparql"
    wikidata_api_url: str = "https://www.wikidata.org/w/api.php"
    commons_api_url: str = "https://commons.wikimedia.org/w/api.php"
    commons_width_px: Literal[330, 500, 960, 1280, 1920] = 960
    tmdb_url: str = "https://api.themoviedb.org/3"
    tmdb_key: SecretStr = SecretStr("")
    imdb_graphql_url: str = "https://api.graphql.imdb.com/"
    imdb_url: str = "https://www.imdb.com"
    imdb_chart_path: str = "/chart/starmeter/"
    imdb_search_path: str = "/search/name/"
    imdb_datasets_url: str = "https://datasets.imdbws.com"


class RightsSection(Section):
    """What may be used. ``takedown`` is a file of people, addresses and digests that are left out everywhere."""

    allow_restricted: bool = False
    takedown: Path | None = None


class UnknownsSection(Section):
    """Whether ``infer`` keeps the faces it does not know, for ``review`` to show; bounded, oldest dropped first."""

    keep: bool = False
    max_faces: int = Field(default=500, ge=1, le=100_000)
    max_age_days: float = Field(default=30.0, gt=0)
    min_face_px: float = Field(default=40.0, ge=12)


class AwsSection(Section):
    """How AWS is reached (or a service that speaks S3). Credentials are never set here: boto3's own chain finds them.

    ``endpoint_url`` is of S3 alone; another place for everything is boto3's own AWS_ENDPOINT_URL. ``kms_key`` encrypts
    what is written. ``cache_dir`` holds what was downloaded; it may be deleted.
    """

    region: str | None = Field(default=None, pattern=r"^[a-z0-9-]{4,30}$")
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://[^/@\s]+/?$")
    profile: str | None = None
    kms_key: str | None = None
    connections: int = Field(default=32, ge=1, le=256)
    attempts: int = Field(default=8, ge=1, le=20)
    timeout_s: float = Field(default=60.0, gt=0)
    cache_dir: Path | None = None


class RemoteSection(Section):
    """Where jobs of SageMaker run, and what they may cost. ``bucket`` and ``role`` must be replaced by yours.

    A store that is in S3 serves as it is; else what jobs need lies under ``s3://bucket/prefix``. ``prices`` are
    ``ml.TYPE=USD an hour`` and go before the built-in estimates; ``tags`` are ``key=value``. ``keep_alive_s`` keeps the
    machines warm for the next job, at their price.
    """

    bucket: str = Field(default=PLACEHOLDER_BUCKET, pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str = Field(default="actorrec", pattern=r"^([0-9A-Za-z!_.*'()-]+(/[0-9A-Za-z!_.*'()-]+)*)?$")
    role: str = Field(default=PLACEHOLDER_ROLE, pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9+=,.@_/-]+$")
    instance_type: str = Field(default="ml.g5.xlarge", pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")
    instances: int = Field(default=1, ge=1, le=32)
    dataset_instance_type: str = Field(default="ml.c5.xlarge", pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")
    volume_gb: int = Field(default=50, ge=1, le=16384)
    spot: bool = False
    max_hours: float = Field(default=4.0, gt=0, le=120)
    max_wait_hours: float | None = Field(default=None, gt=0, le=240)
    max_cost_usd: float | None = Field(default=None, gt=0)
    attempts: int = Field(default=1, ge=1, le=30)
    keep_alive_s: int = Field(default=0, ge=0, le=3600)
    image_uri: str | None = Field(default=None, pattern=r"^\S{1,255}$")
    framework_version: str = Field(default="2.21.0", pattern=r"^\d+\.\d+(\.\d+)?$")
    py_version: str = Field(default="py312", pattern=r"^py3\d{1,2}$")
    output_path: str | None = Field(default=None, pattern=r"^s3://[^/\s]+(/\S*)?$")
    input_mode: Literal["File", "FastFile"] = "File"
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    isolated: bool = False  # no network inside the container
    encrypt_between: bool = False
    tags: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    poll_s: float = Field(default=10.0, gt=0)


class CloudSection(Section):
    """The stack that ``cloud init`` makes in your account.

    Its bucket and prefix are those of ``remote`` (or of a store in S3), its key is ``aws.kms_key``. ``retention_days``
    is how long overwritten and deleted objects, and checkpoints, are kept.
    """

    stack: str = Field(default="actorrec", pattern=r"^[A-Za-z][A-Za-z0-9-]{0,99}$")
    thing_group: str = Field(default="pis", pattern=r"^[a-zA-Z0-9:_-]{1,128}$")
    component_prefix: str = Field(default="components", pattern=r"^[0-9A-Za-z_.-]+(/[0-9A-Za-z_.-]+)*$")
    results_topic: str = Field(
        default="ml/tflite/image-classification", pattern=r"^[0-9A-Za-z_.-]+(/[0-9A-Za-z_.-]+)*$"
    )
    retention_days: int = Field(default=30, ge=1, le=3650)
    poll_s: float = Field(default=3.0, gt=0)


class ReviewSection(Section):
    """The page. Port 0 takes a free one."""

    port: int = Field(default=0, ge=0, le=65535)


class Config(Section):
    """The whole configuration."""

    store: StoreSection = StoreSection()
    scrape: ScrapeSection = ScrapeSection()
    fetch: FetchSection = FetchSection()
    sources: SourcesSection = SourcesSection()
    detector: DetectorSection = DetectorSection()
    embedder: EmbedderSection = EmbedderSection()
    dataset: DatasetSection = DatasetSection()
    training: TrainingSection = TrainingSection()
    calibration: CalibrationSection = CalibrationSection()
    edge: EdgeSection = EdgeSection()
    inference: InferenceSection = InferenceSection()
    rights: RightsSection = RightsSection()
    unknowns: UnknownsSection = UnknownsSection()
    review: ReviewSection = ReviewSection()
    aws: AwsSection = AwsSection()
    remote: RemoteSection = RemoteSection()
    cloud: CloudSection = CloudSection()
    models: ModelsSection = ModelsSection()
