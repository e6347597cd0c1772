"""Who takes part, with what settings, and how each is installed."""

from dataclasses import dataclass

from peers.environments import Environment

TORCH = "torch==2.13.0"


@dataclass(frozen=True)
class Peer:
    """A contestant that is not ours.

    Attributes:
        name: As the table calls it.
        script: Its file in this folder.
        variants: Ways of asking it; the fastest counts.
        environment: Where it is installed; None: our own interpreter.
        steps: Most steps that are run; longer loops are scaled from them. None: no limit.
    """

    name: str
    script: str
    variants: tuple[str, ...]
    environment: Environment | None = None
    steps: int | None = None


# Its wheel was built for another torch and refuses weights; so it is built here, some minutes long,
# and needs a compiler and OpenBLAS with headers. `mypy` brings the program `stubgen`.
_AIHWKIT = Environment(
    "aihwkit==1.2.0",
    (
        (TORCH,),
        ("cmake>=4.2.1", "mypy", "ninja", "numpy", "pybind11>=3.0.1"),
        ("scikit-build>=0.18.1", "setuptools>=77", "wheel"),
        ("--no-build-isolation", "--no-binary", "aihwkit", "aihwkit==1.2.0", TORCH),
    ),
    ("aihwkit", "torch", "numpy"),
)
# One environment, three contestants: the compiled inference tile, the one in torch (which has no
# noise of weights, so its noise is made at the output), and, which no user would write, the
# compiled object inside the layer, called by its internal name.
AIHWKIT = Peer("aihwkit", "of_aihwkit.py", ("layer",), _AIHWKIT)
AIHWKIT_TORCH = Peer("aihwkit, torch tile", "of_aihwkit.py", ("torch layer",), _AIHWKIT)
AIHWKIT_INSIDE = Peer("aihwkit, bare tile", "of_aihwkit.py", ("tile",), _AIHWKIT)
LIGHTNING = Peer(
    "aihwkit-lightning",
    "of_lightning.py",
    ("layer", "layer, fast ranges"),
    Environment(
        "aihwkit-lightning==2.1.0",
        ((TORCH,), ("aihwkit-lightning==2.1.0", "numpy", TORCH)),
        ("aihwkit-lightning", "torch", "numpy"),
    ),
)
CROSS_SIM = Peer("cross-sim", "of_cross_sim.py", ("core",), steps=20)
PRODUCT = Peer("bare product", "of_product.py", ("numpy", "torch"))
OURS = Peer("imssa", "of_imssa.py", ("fused", "step by step"))
