"""Patterns of an `OptimizerMap`: what they match, and which of them a file may bring."""

import re

import pytest

from polyk.optimizers import SGD, Adam, OptimizerMap
from polyk.weights import postponed


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [("a/.*", "a/b", True), (".*b.*c", "abxc", True), ("a.*a", "a", False), ("a", "ab", False),
     (".*/kernel", "x/kernel", True), (".*a.*b", "ba", False)],
)  # fmt: skip
def test_a_plain_pattern_of_an_optimizer_map_matches_as_its_expression(pattern, path, matches):
    found = OptimizerMap(SGD(), {pattern: Adam()})[path]
    assert isinstance(found, Adam) == matches == bool(re.fullmatch(pattern, path))


def test_no_file_brings_a_regular_expression_that_never_ends():
    config = OptimizerMap(SGD(), {"(a+)+b": Adam()}).get_config()
    OptimizerMap.from_config(config)
    with postponed(), pytest.raises(ValueError, match="names and"):
        OptimizerMap.from_config(config)
