"""What native contenders share: the loop over an op, and the epsilon of Adam."""


def epsilon(count):
    """What equals Keras's epsilon of 1e-7, which is added before the correction of bias."""
    return 1e-7 / (1 - 0.999**count) ** 0.5


def repeated(call, to_numpy):
    """The run of ``call()``; `to_numpy` waits for its result."""

    def run(first, count):
        for _ in range(count - 1):
            call()
        return float(to_numpy(call()).mean())

    return run
