"""How long and how fast a network is trained."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class TrainingConfig(BaseModel):
    """One run of the training loop.

    Attributes:
        epochs: Passes over the training part; 0 in codes: quantized after training, nothing learned.
        batch_size: Sequences a step, over all processes together.
        learning_rate: Peak rate; it rises over ``warm_up`` of all steps, then falls as a cosine.
        state_space_learning_rate: The same for A, B and dt (float) or A, B, k and gains (codes).
        weight_decay: Of all other parameters (AdamW).
        warm_up: Share of the steps in which the rate rises.
        gradient_clip: Largest norm of the gradient; None: off.
        keep: Which epoch's weights are kept: the "best" by validation loss, or the "last", which needs no
            validation data: where these are few, the lowest loss is a matter of luck.
        patience: Epochs without a lower validation loss after which training stops; None: off.
        teacher_weight: Share of the loss that compares with the teacher's logits.
        temperature: Softens both logits in that comparison.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: int = Field(default=20, ge=0)
    batch_size: int = Field(default=32, ge=1)
    learning_rate: float = Field(default=5e-3, gt=0)
    state_space_learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    warm_up: float = Field(default=0.1, ge=0, lt=1)
    gradient_clip: float | None = Field(default=1.0, gt=0)
    keep: Literal["best", "last"] = "best"
    patience: int | None = Field(default=None, ge=1)
    teacher_weight: float = Field(default=0.5, ge=0, le=1)
    temperature: float = Field(default=2.0, gt=0)

    @model_validator(mode="after")
    def _patience_keeps_the_best(self) -> "TrainingConfig":
        if self.patience is not None and self.keep == "last":
            msg = (
                'patience waits for a better epoch, keep = "last" keeps none; leave one of them out'
            )
            raise ValueError(msg)
        return self
