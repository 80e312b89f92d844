"""Options that several commands share."""

from typing import Annotated

import typer

DetectorOption = Annotated[
    str | None, typer.Option("--detector", help="mtcnn, yunet, yunet-int8, ssd or haar.", show_default=False)
]
EmbedderOption = Annotated[
    str | None,
    typer.Option(
        "--embedder",
        help="A name of `actorrec models ls` or a .tflite, .onnx or .keras file; "
        "for train alone also resnet50, vgg16, mobilenet.",
        show_default=False,
    ),
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed of everything random.", show_default=False)]
TargetFpirOption = Annotated[
    float | None,
    typer.Option("--target-fpir", help="Share of strangers that may be given a name.", show_default=False),
]
DatasetArgument = Annotated[str, typer.Argument(help="A data set of the store.", metavar="[DATASET]")]
EpochsOption = Annotated[int | None, typer.Option(help="At most so many passes.", show_default=False)]
WeightsOption = Annotated[
    str | None, typer.Option(help="Of a Keras backbone: imagenet, none or a file.", show_default=False)
]
