"""Which extra brings which package."""

from typing import Final

EXTRAS: Final = {
    "core": {"numpy": "numpy", "pydantic": "pydantic", "rich": "rich", "typer": "typer", "yaml": "pyyaml"},
    "edge": {"ai_edge_litert": "ai-edge-litert", "cv2": "opencv-python-headless", "PIL": "pillow"},
    "scrape": {
        "bs4": "beautifulsoup4",
        "hishel": "hishel",
        "httpcore": "httpcore",
        "httpx": "httpx",
        "protego": "protego",
        "tenacity": "tenacity",
    },
    "search": {"aiolimiter": "aiolimiter", "ddgs": "ddgs"},
    "review": {"starlette": "starlette", "uvicorn": "uvicorn"},
    "aws": {"boto3": "boto3", "botocore": "botocore", "packaging": "packaging"},
    "greengrass": {"awsiot": "awsiotsdk"},
    "mqtt": {"paho": "paho-mqtt"},
    "sagemaker": {"sagemaker": "sagemaker"},
    "heic": {"pillow_heif": "pillow-heif"},
    "train": {"keras": "keras", "tensorflow": "tensorflow", "matplotlib": "matplotlib"},
}
"""Import name → package name, by extra."""
