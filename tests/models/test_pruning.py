import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from imssa.errors import DesignRuleError, RecipeError, ShapeError
from imssa.experiment.design import require_room
from imssa.experiment.quantized_training import quantize
from imssa.experiment.recipe import load_recipe
from imssa.experiment.stages import load_features
from imssa.models import ModelConfig, PruningConfig, S4DClassifier, pruned
from imssa.models.pruning import _importance
from imssa.quantization.convert import convert

SHAPE = ModelConfig(n_features=3, n_classes=4, d_model=6, d_state=8, n_layers=2)


def network(normalization: str = "none") -> S4DClassifier:
    config = ModelConfig.model_validate({**SHAPE.model_dump(), "normalization": normalization})
    return S4DClassifier(config, torch.Generator().manual_seed(3)).eval()


def items() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    drawn = np.random.default_rng(4)
    x = torch.tensor(drawn.normal(size=(90, 12, 3)), dtype=torch.float32)
    return x, torch.tensor(drawn.integers(5, 13, 90)), torch.tensor(drawn.integers(0, 4, 90))


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_what_does_nothing_leaves_first_and_nothing_changes(normalization: str) -> None:
    model, (x, n, y) = network(normalization), items()
    dead, idle = [1, 4], torch.tensor([[0, 2]] * 6)
    with torch.no_grad():
        model.decoder.weight[:, dead] = 0
        for block in model.blocks:
            block.mixing.weight[:, dead] = 0
            block.s4d.C.scatter_(1, idle.unsqueeze(-1).expand(-1, -1, 2), 0.0)
    small = pruned(model, PruningConfig(d_model=4, d_state=4), x, n, y)
    assert (small.config.d_model, small.config.d_state) == (4, 4)
    with torch.no_grad():
        assert torch.allclose(small(x, n), model(x, n), atol=1e-6)
    stayed = model.blocks[1].s4d.C[[0, 2, 3, 5]][:, [1, 3]]
    assert torch.equal(small.blocks[1].s4d.C, stayed)


def test_importance_is_the_slope_of_a_gate() -> None:
    model, (x, n, y) = network(), items()
    x, n, y = x[:50], n[:50], y[:50]  # one batch
    channels, modes = _importance(model, x, n, y)

    def loss(gate: float, *, mode: bool) -> float:
        gated = S4DClassifier(model.config, torch.Generator()).double()
        gated.load_state_dict({k: v.double() for k, v in model.state_dict().items()})
        with torch.no_grad():
            if mode:
                gated.blocks[1].s4d.C[2, 3] *= gate
            else:
                for map_ in (gated.decoder, *(block.mixing for block in gated.blocks)):
                    map_.weight[:, 5] *= gate
            return float(cross_entropy(gated.eval()(x.double(), n), y))

    for found, mode in ((modes[1][2, 3], True), (channels[5], False)):
        slope = (loss(1.001, mode=mode) - loss(0.999, mode=mode)) / 0.002
        assert float(found) == pytest.approx(slope**2, rel=1e-3)


def test_nothing_to_leave_is_the_model_and_more_than_all_is_refused() -> None:
    model, data = network(), items()
    assert pruned(model, PruningConfig(), *data) is model
    with pytest.raises(ShapeError, match=r"pruning to d_model = 7, d_state = 8"):
        pruned(model, PruningConfig(d_model=7), *data)


def test_a_recipe_prunes_before_it_quantizes_and_asks_for_that_room() -> None:
    small = ["quantized_training.epochs=1", "pruning.d_model=3", "pruning.d_state=4"]
    recipe = load_recipe("zero-one", [*small, "chip.arrays.count=1"])
    require_room(recipe)
    with pytest.raises(DesignRuleError):
        require_room(load_recipe("zero-one", ["chip.arrays.count=1"]))
    features = load_features(recipe)
    part = features.split.train
    start = ModelConfig(**recipe.model.model_dump(), n_features=part.n_features, n_classes=2)
    model = S4DClassifier(start, torch.Generator().manual_seed(0))
    layer = convert(quantize(recipe, model, features)).layers[0]
    assert layer.A.shape[:2] == (3, 2)


def test_a_recipe_cannot_keep_more_than_it_trains() -> None:
    with pytest.raises(RecipeError, match=r"pruning.d_state = 10: model.d_state = 8"):
        load_recipe("zero-one", ["pruning.d_state=10"])
