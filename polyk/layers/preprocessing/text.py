"""Text to rows of numbers: cleaned, split, joined to n-grams, looked up."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

from polyk import ops
from polyk.errors import ShapeError
from polyk.layers.arguments import one_of
from polyk.layers.preprocessing.encoding import only_dense
from polyk.layers.preprocessing.host import HostLayer, batches, strings
from polyk.layers.preprocessing.lookup import StringLookup

__all__ = ["TextVectorization"]

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class TextVectorization(HostLayer):
    """Texts (N,) or (N, 1) to places in a vocabulary (N, length), int32, or to rows of counts.

    A text is cleaned (`standardize`: "lower_and_strip_punctuation", "lower", "strip_punctuation",
    None or a function of an array of strings), split ("whitespace", "character", None or a function
    that gives a list of tokens a text), and with `ngrams` joined to runs of up to so many tokens,
    or of each of the lengths given. Place 0 is padding, 1 is for unknown tokens. `output_mode` as
    in `StringLookup`. Runs on the host.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: int | Sequence[int] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        only_dense(self, sparse=sparse, ragged=ragged)
        known = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
        self.standardize = _choice(standardize, "standardize", known)
        self.split = _choice(split, "split", ("whitespace", "character"))
        self.ngrams = ngrams if ngrams is None or isinstance(ngrams, int) else tuple(ngrams)
        self.max_tokens, self.pad_to_max_tokens = max_tokens, pad_to_max_tokens
        self.sparse, self.ragged, self.encoding = sparse, ragged, encoding
        self.output_sequence_length = output_sequence_length
        self.lookup = StringLookup(
            max_tokens, mask_token="", vocabulary=vocabulary, idf_weights=idf_weights,
            output_mode=output_mode, pad_to_max_tokens=pad_to_max_tokens, encoding=encoding,
        )  # fmt: skip
        self.output_mode = self.lookup.output_mode
        if output_sequence_length is not None and self.output_mode != "int":
            raise ValueError(f"TextVectorization: output_sequence_length belongs to "
                             f"output_mode='int'; this is {output_mode!r}.")  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        known = self.lookup.get_config()
        learned = {name: known[name] for name in ("vocabulary", "idf_weights")}
        return {**super().get_config(), **learned}

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """All tokens by place."""
        return self.lookup.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """How many places there are."""
        return self.lookup.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """As `StringLookup.set_vocabulary`."""
        self.lookup.set_vocabulary(vocabulary, idf_weights)

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the tokens of texts, or of an iterable of batches of them."""
        counts: Counter[str] = Counter()
        containing: Counter[str] = Counter()
        documents = 0
        for batch in batches(data, steps):
            for row in self._rows(batch):
                counts.update(row)
                containing.update(set(row))
                documents += 1
        self.lookup._learn(counts, containing, documents)

    def call(self, inputs: Any) -> Any:
        import numpy as np

        rows, lone = self._rows(inputs), np.ndim(inputs) == 0
        longest = max(map(len, rows), default=0)
        wanted = self.output_sequence_length or longest
        padded = [[*row[:wanted], *[""] * (wanted - len(row))] for row in rows]
        tokens = np.array(padded, str).reshape(len(rows), wanted)
        places = ops.convert_to_tensor(self.lookup.call(tokens) if rows else tokens.astype("int32"))
        return ops.squeeze(places, 0) if lone else places

    def _rows(self, texts: Any) -> list[list[str]]:
        """The tokens of each text."""
        array = strings(texts, self.encoding)
        if array.ndim > 1 and array.shape[-1] != 1:
            if self.split is not None:
                raise ShapeError(f"{self.where()}: texts are (N,) or (N, 1); got {array.shape}.")
            return [self._joined(row) for row in self._cleaned(array).tolist()]
        flat = self._cleaned(array.reshape(-1))
        if self.split is None:
            rows = [[text] for text in flat.tolist()]
        elif callable(self.split):
            rows = [strings(row).tolist() for row in self.split(flat)]
        else:
            rows = [t.split() if self.split == "whitespace" else list(t) for t in flat.tolist()]
        return [self._joined(row) for row in rows]

    def _cleaned(self, texts: Any) -> Any:
        import numpy as np

        if self.standardize is None:
            return texts
        if callable(self.standardize):
            return strings(self.standardize(texts), self.encoding)
        lower, strip = "lower" in self.standardize, "strip" in self.standardize
        words = [t.lower() if lower else t for t in texts.flat]
        words = [w.translate(_NO_PUNCTUATION) if strip else w for w in words]
        return np.array(words, str).reshape(texts.shape)

    def _joined(self, row: list[str]) -> list[str]:
        if self.ngrams is None:
            return row
        sizes = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [" ".join(row[i : i + n]) for n in sizes for i in range(len(row) - n + 1)]


def _choice(value: Any, name: str, known: Sequence[str]) -> Any:
    return value if value is None or callable(value) else one_of(value, name, known)
