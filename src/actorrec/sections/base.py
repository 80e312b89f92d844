"""What every section is, and where artifacts live."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Base of every section: unknown keys are errors, numbers are finite, values are fixed once made."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class StoreSection(Section):
    """Where artifacts live."""

    uri: str = "actorrec-store"
