"""Small data sets: the digits that come with polyk, and MNIST-like files from a folder."""

from polyk.data.digits import load_digits
from polyk.data.mnist import load_mnist

__all__ = ["load_digits", "load_mnist"]
