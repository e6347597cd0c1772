"""Identical items in different parts: counted by content, refused or told."""

from pathlib import Path

import numpy as np
import pytest

from imssa.data import DataConfig
from imssa.data.loading import open_source, split_items
from imssa.data.splits import least_heard
from imssa.data.twins import Twins, check_twins, told_twins, twins_across
from imssa.errors import DataError


def arrays(file: Path, copies: int, *, published: bool, items: int = 400) -> DataConfig:
    """Random items, so many of the tested ones the same as items trained on."""
    drawn = np.random.default_rng(0)
    x = drawn.standard_normal((items, 5, 2)).astype(np.float32)
    y = np.arange(items) % 2
    config = {"kind": "arrays", "root": str(file), "validation_share": 0.1}
    if published:
        half = items // 2
        x[half : half + copies] = x[:copies]
        np.savez(file, x_train=x[:half], y_train=y[:half], x_test=x[half:], y_test=y[half:])
        return DataConfig.model_validate(config)
    np.savez(file, x=x, y=y)
    found = DataConfig.model_validate({**config, "split": "hash"})
    split = split_items(open_source(found), found, np.random.default_rng(1))
    place = {f"item-{n}": n for n in range(items)}
    for a, b in list(zip(split.test.names, split.train.names, strict=False))[:copies]:
        x[place[a]] = x[place[b]]
    np.savez(file, x=x, y=y)
    return found


def slow_count(config: DataConfig) -> int:
    """Every tested item against every other, value by value."""
    source = open_source(config)
    split = split_items(source, config, np.random.default_rng(1))
    features, _ = source.features(config.front_end)
    value = {item.name: row for item, row in zip(source.items, features, strict=True)}
    others = [*split.train.names, *split.validation.names]
    return sum(any(np.array_equal(value[t], value[o]) for o in others) for t in split.test.names)


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("copies", [0, 1, 7])
def test_twins_are_those_of_equal_values(tmp_path: Path, copies: int, *, published: bool) -> None:
    config = arrays(tmp_path / "a.npz", copies, published=published)
    source = open_source(config)
    found = twins_across(source, split_items(source, config, np.random.default_rng(1)))
    assert found.tested == slow_count(config) == copies
    assert len(found.examples) == min(copies, 2)


def test_a_split_of_ones_own_that_tests_what_was_trained_on_is_refused(tmp_path: Path) -> None:
    config = arrays(tmp_path / "a.npz", 7, published=False)
    with pytest.raises(DataError, match=r"7 of \d+ test items .* item-\d+ = item-\d+ and") as told:
        check_twins(config, np.random.default_rng(1))
    assert "split = 'hash' never parts items of one group" in str(told.value)


def test_the_published_split_is_told_and_not_refused(tmp_path: Path) -> None:
    config = arrays(tmp_path / "a.npz", 7, published=True)
    (told,) = check_twins(config, np.random.default_rng(1))
    assert "7 of 200 test items (3.50%) are identical" in told
    assert "too high by up to 3.50%" in told
    clean = arrays(tmp_path / "b.npz", 0, published=True)
    assert check_twins(clean, np.random.default_rng(1)) == ()


def test_a_few_in_many_are_told_and_not_refused() -> None:
    own = DataConfig.model_validate({"kind": "bundled-zero-one", "split": "fold", "fold": 1})
    assert "5 of 1,000" in told_twins(own, Twins(5, 1000, 0, (("a", "b"),)))[0]
    with pytest.raises(DataError, match="6 of 1,000"):
        told_twins(own, Twins(6, 1000, 0, (("a", "b"),)))
    (told,) = told_twins(own, Twins(0, 1000, 3, (("a", "b"),)))
    assert told == "3 validation items are identical to training items, for instance a = b."


def test_groups_keep_copies_together(tmp_path: Path) -> None:
    """The remedy works: the same items, named as belonging together, pass."""
    x = np.random.default_rng(0).standard_normal((60, 5, 2)).astype(np.float32)
    twice, y = np.concatenate([x, x]), np.arange(120) % 2
    config = {"kind": "arrays", "root": str(tmp_path / "a.npz"), "split": "hash"}
    np.savez(tmp_path / "a.npz", x=twice, y=y)
    with pytest.raises(DataError, match="test items"):
        check_twins(DataConfig.model_validate(config), np.random.default_rng(1))
    np.savez(tmp_path / "a.npz", x=twice, y=y, groups=np.array([f"g{n % 60}" for n in range(120)]))
    assert check_twins(DataConfig.model_validate(config), np.random.default_rng(1)) == ()


def test_those_with_the_fewest_items_are_left_out() -> None:
    groups = ["a"] * 50 + ["b"] * 30 + ["c"] * 11 + ["d"] * 9
    assert least_heard(groups) == ("d", "c")
