"""Words and whole numbers to places in a vocabulary, and back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from polyk import dtypes, ops
from polyk.layers.preprocessing.encoding import MODES, encoded, mode_of, only_dense
from polyk.layers.preprocessing.hashing import hash_bins, salt_of
from polyk.layers.preprocessing.host import HostLayer, batches, strings
from polyk.select import is_tensor, to_numpy

__all__ = ["IntegerLookup", "StringLookup"]


class _Lookup(HostLayer):
    """A vocabulary: the mask token (in mode "int"), the places of unknown tokens, then the tokens.

    The config holds the vocabulary, whether given or learned.
    """

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        sparse: bool,
        pad_to_max_tokens: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        only_dense(self, sparse=sparse)
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.output_mode = invert, mode_of(output_mode, (*MODES, "tf_idf"))
        self.sparse, self.pad_to_max_tokens = sparse, pad_to_max_tokens
        self._check_options()
        self.vocabulary: list[Any] | None = None
        self.idf_weights: list[float] | None = None
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def _check_options(self) -> None:
        who = type(self).__name__
        if self.max_tokens is not None and self.max_tokens <= 1:
            raise ValueError(f"{who}: max_tokens must be 2 or more; got {self.max_tokens}.")
        if self.num_oov_indices < 0:
            raise ValueError(
                f"{who}: num_oov_indices must not be negative; got {self.num_oov_indices}."
            )
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise ValueError(f"{who}: pad_to_max_tokens=True needs max_tokens.")
        if self.invert and self.output_mode != "int":
            raise ValueError(f"{who}: invert=True needs output_mode='int'; got "
                             f"{self.output_mode!r}.")  # fmt: skip

    # The vocabulary.

    def _tokens(self, x: Any) -> Any:
        """`x` as a NumPy array of tokens."""
        raise NotImplementedError

    @property
    def _special(self) -> list[Any]:
        """What stands before the tokens."""
        masks = self.mask_token is not None and self.output_mode == "int"
        return [*[self.mask_token] * masks, *[self.oov_token] * self.num_oov_indices]

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """All tokens by place."""
        return [*(self._special if include_special_tokens else []), *(self.vocabulary or [])]

    def vocabulary_size(self) -> int:
        """How many places there are."""
        return len(self._special) + len(self.vocabulary or [])

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take a list of tokens (or a text file, a token a line), with or without special ones.

        With output mode "tf_idf" every token needs its weight.
        """
        if isinstance(vocabulary, (str, Path)):  # a saved layer must not choose what is read
            raise TypeError(
                f"{self.where()}: a vocabulary is a list of tokens; got {vocabulary!r}. Those of "
                "a file are Path(name).read_text().splitlines()."
            )
        tokens = self._tokens(vocabulary).tolist()
        special = self._special
        whole = bool(special) and tokens[: len(special)] == special
        kept = tokens[len(special) :] if whole else tokens
        self._check_tokens(kept)
        weights = self._weights(idf_weights, len(tokens), whole)
        self.vocabulary, self.idf_weights = kept, weights

    def _check_tokens(self, tokens: list[Any]) -> None:
        repeated = [token for token, n in Counter(tokens).items() if n > 1]
        if not tokens or repeated:
            what = f"has {repeated[0]!r} more than once" if repeated else "is empty"
            raise ValueError(f"{self.where()}: the vocabulary {what}.")
        reserved = [self.mask_token] + [self.oov_token] * self.invert
        for token in reserved:
            if token is not None and token in tokens:
                raise ValueError(
                    f"{self.where()}: {token!r} is a special token; leave special tokens out of "
                    f"the vocabulary, or begin it with {self._special}."
                )
        size = len(tokens) + len(self._special)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(f"{self.where()}: a vocabulary of {size} tokens, special ones "
                             f"included, is more than max_tokens={self.max_tokens}.")  # fmt: skip

    def _weights(self, given: Any, count: int, whole: bool) -> list[float] | None:
        """The weight of each place; unknown tokens have the mean of those given."""
        if (given is None) == (self.output_mode == "tf_idf"):
            raise ValueError(f"{self.where()}: idf_weights belong to output_mode='tf_idf', which "
                             f"needs them; this is {self.output_mode!r}.")  # fmt: skip
        if given is None:
            return None
        weights = [float(w) for w in given]
        if len(weights) != count:
            raise ValueError(f"{self.where()}: {len(weights)} idf_weights for {count} tokens.")
        mean = sum(weights) / count
        return weights if whole else [*[mean] * len(self._special), *weights]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.idf_weights is not None:
            config["vocabulary"] = self.get_vocabulary()
        return config

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the tokens of an array or an iterable of arrays, the most frequent first.

        Of tokens that are equally frequent the greater one comes first, as in Keras.
        """
        counts: Counter[Any] = Counter()
        containing: Counter[Any] = Counter()
        documents = 0
        for batch in batches(data, steps):
            for row in self._documents(batch):
                counts.update(row)
                containing.update(set(row))
                documents += 1
        self._learn(counts, containing, documents)

    def _documents(self, batch: Any) -> list[list[Any]]:
        tokens = self._tokens(batch)
        return tokens.reshape(len(tokens) if tokens.ndim else 1, -1).tolist()  # type: ignore[no-any-return]

    def _learn(self, counts: Counter[Any], containing: Counter[Any], documents: int) -> None:
        import numpy as np

        for token in (self.mask_token, self.oov_token):
            counts.pop(token, None)
        ordered = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        if self.max_tokens is not None:
            ordered = ordered[: self.max_tokens - len(self._special)]
        weights = None
        if self.output_mode == "tf_idf":
            weights = [float(np.log1p(documents / (1 + containing[t]))) for t in ordered]
        self.set_vocabulary(ordered, weights)

    # Looking up.

    def call(self, inputs: Any) -> Any:
        if self.vocabulary is None and self.output_mode != "int":
            raise ValueError(f"{self.where()}: no vocabulary yet; call adapt(data) first.")
        if self.invert:
            return self._inverted(inputs)
        return self._encode(ops.convert_to_tensor(self.places(self._tokens(inputs)), "int32"))

    def places(self, tokens: Any) -> Any:
        """The places (int32) of a NumPy array of tokens."""
        import numpy as np

        start = len(self._special)
        known = {token: start + i for i, token in enumerate(self.vocabulary or [])}
        if self.mask_token is not None:
            known[self.mask_token] = 0 if self.output_mode == "int" else -1
        found = np.array([known.get(t, -2) for t in tokens.flat], np.int32).reshape(tokens.shape)
        missing = found == -2
        if missing.any():
            found[missing] = self._unknown(tokens[missing])
        return found

    def _unknown(self, tokens: Any) -> Any:
        """The places of tokens that are not in the vocabulary."""
        if not self.num_oov_indices:
            raise ValueError(f"{self.where()}: not in the vocabulary: "
                             f"{sorted(set(tokens.tolist()))[:5]}. Give them a place by "
                             f"num_oov_indices=1.")  # fmt: skip
        return len(self._special) - self.num_oov_indices + self._oov_bins(tokens)

    def _oov_bins(self, tokens: Any) -> Any:
        """Which of several places for unknown tokens each goes to."""
        return hash_bins(strings(tokens), self.num_oov_indices, getattr(self, "salt", None))

    def _encode(self, places: Any) -> Any:
        if self.output_mode == "int":
            return places
        depth = self.max_tokens if self.pad_to_max_tokens else self.vocabulary_size()
        assert depth is not None
        counting = self.output_mode == "tf_idf"
        mode, dtype = ("count" if counting else self.output_mode), dtypes.floatx()
        skipped = ops.less(places, 0)  # masked tokens count for nothing: a column that is dropped
        places = ops.where(skipped, depth, places)
        rows = encoded(places, mode, depth + 1, dtype)[..., :depth]
        if not counting:
            return rows
        weights = self.idf_weights or []
        return ops.multiply(rows, ops.convert_to_tensor(
            [*weights, *[0.0] * (depth - len(weights))], dtype))  # fmt: skip

    def _inverted(self, inputs: Any) -> Any:
        import numpy as np

        places = np.asarray(to_numpy(inputs) if is_tensor(inputs) else inputs)
        by_place = dict(enumerate(self.get_vocabulary()))
        tokens = [by_place.get(int(p), self.oov_token) for p in places.flat]
        return self._tokens(tokens).reshape(places.shape)


class StringLookup(_Lookup):
    """Strings to their places in a vocabulary, int32; with `invert` places to strings.

    The vocabulary is given or learned by `adapt`. Unknown strings share `num_oov_indices` places,
    by their hash; the output mode "int" has place 0 for `mask_token` where there is one. Other
    modes encode a row of places as `CategoryEncoding` does, "tf_idf" with the weight of each.
    Runs on the host: strings come and go as NumPy arrays.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        self.encoding, self.salt = encoding, salt_of(salt, self)
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
            output_mode, sparse, pad_to_max_tokens, name=name, **kwargs,
        )  # fmt: skip

    def _tokens(self, x: Any) -> Any:
        return strings(x, self.encoding)


class IntegerLookup(_Lookup):
    """Whole numbers to their places in a vocabulary, int32; with `invert` places to numbers.

    As `StringLookup`; unknown numbers go to places by their remainder, or by a hash with
    `oov_method` "farmhash" (see `Hashing` about which) or a `salt`. With one place for unknown
    numbers it also runs inside a compiled model.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if vocabulary_dtype != "int64":
            raise ValueError(f"IntegerLookup: vocabulary_dtype must be 'int64'; got "
                             f"{vocabulary_dtype!r}.")  # fmt: skip
        self.vocabulary_dtype, self.oov_method = vocabulary_dtype, oov_method
        self.salt = salt_of(salt, self)
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
            output_mode, sparse, pad_to_max_tokens, name=name, **kwargs,
        )  # fmt: skip

    def _tokens(self, x: Any) -> Any:
        import numpy as np

        return np.asarray(to_numpy(x) if is_tensor(x) else x).astype(np.int64)

    def _oov_bins(self, tokens: Any) -> Any:
        if self.oov_method == "farmhash" or self.salt is not None:
            return super()._oov_bins(tokens)
        return tokens % self.num_oov_indices

    def call(self, inputs: Any) -> Any:
        if self.invert or self.num_oov_indices != 1 or not is_tensor(inputs):
            return super().call(inputs)
        return self._encode(self._places_on_engine(inputs))

    def _places_on_engine(self, x: Any) -> Any:
        """As `places`, by a binary search among the sorted tokens."""
        start = len(self._special)
        ordered = sorted((token, start + i) for i, token in enumerate(self.vocabulary or []))
        x = ops.cast(x, "int32") if ops.dtype(x) in dtypes.FLOATS else x
        found = ops.full_like(x, start - 1, dtype="int32")
        if ordered:
            tokens = ops.cast(ops.convert_to_tensor([t for t, _ in ordered]), ops.dtype(x))
            places = ops.convert_to_tensor([p for _, p in ordered], "int32")
            at = ops.minimum(ops.searchsorted(tokens, x), len(ordered) - 1)
            known = ops.equal(ops.take(tokens, at), x)
            found = ops.where(known, ops.take(places, at), found)
        if self.mask_token is not None:
            mask = 0 if self.output_mode == "int" else -1
            found = ops.where(ops.equal(x, self.mask_token), mask, found)
        return found
