"""polyk on array-api-strict: a whole backend, with gradients and training."""

import array_api_strict as xp

import polyk


class StrictBackend(polyk.ArrayAPIBackend):
    """The reference implementation of the array API standard, on the CPU."""

    xp = xp
    tensor_types = (type(xp.zeros(())),)
