"""Every setting, in strict sections."""

from actorrec.sections.base import Section, StoreSection
from actorrec.sections.cloud import (
    PLACEHOLDER_BUCKET,
    PLACEHOLDER_ROLE,
    AwsSection,
    CloudSection,
    GreengrassSection,
    RemoteSection,
)
from actorrec.sections.device import (
    CameraSection,
    EventsSection,
    MqttSection,
    PreviewSection,
    SpoolSection,
    TrackingSection,
)
from actorrec.sections.nets import (
    CalibrationSection,
    DatasetSection,
    DetectorSection,
    EdgeSection,
    EmbedderSection,
    InferenceSection,
    ModelsSection,
    TrainingSection,
)
from actorrec.sections.pictures import (
    FetchSection,
    ReviewSection,
    RightsSection,
    ScrapeSection,
    SourcesSection,
    UnknownsSection,
)

__all__ = [
    "PLACEHOLDER_BUCKET",
    "PLACEHOLDER_ROLE",
    "AwsSection",
    "CalibrationSection",
    "CameraSection",
    "CloudSection",
    "Config",
    "DatasetSection",
    "DetectorSection",
    "EdgeSection",
    "EmbedderSection",
    "EventsSection",
    "FetchSection",
    "GreengrassSection",
    "InferenceSection",
    "ModelsSection",
    "MqttSection",
    "PreviewSection",
    "RemoteSection",
    "ReviewSection",
    "RightsSection",
    "ScrapeSection",
    "Section",
    "SourcesSection",
    "SpoolSection",
    "StoreSection",
    "TrackingSection",
    "TrainingSection",
    "UnknownsSection",
]


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
    camera: CameraSection = CameraSection()
    tracking: TrackingSection = TrackingSection()
    events: EventsSection = EventsSection()
    mqtt: MqttSection = MqttSection()
    spool: SpoolSection = SpoolSection()
    preview: PreviewSection = PreviewSection()
    rights: RightsSection = RightsSection()
    unknowns: UnknownsSection = UnknownsSection()
    review: ReviewSection = ReviewSection()
    aws: AwsSection = AwsSection()
    remote: RemoteSection = RemoteSection()
    cloud: CloudSection = CloudSection()
    greengrass: GreengrassSection = GreengrassSection()
    models: ModelsSection = ModelsSection()
