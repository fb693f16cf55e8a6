"""A run that stops after any batch and is taken up ends with the bits of one that never did."""

import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import AVAILABLE
from hypothesis import given, settings
from hypothesis import strategies as st

import polyk
from polyk import callbacks, layers
from polyk.callbacks import BackupAndRestore, Callback
from polyk.errors import LoadError
from polyk.saving.checkpoints import Checkpoints

rng = np.random.default_rng(0)
X = rng.standard_normal((22, 5)).astype("float32")
Y = rng.integers(0, 3, 22)


class Stop(Callback):
    """Stops as a crash would, before the given step of this process."""

    def __init__(self, at):
        self.at, self.seen = at, 0

    def get_state(self):
        return {}

    def on_train_batch_begin(self, batch, logs=None):
        self.seen += 1
        if self.seen == self.at:
            raise InterruptedError


class Memory(Callback):
    """Has a state of every kind: a number, a list, infinity, arrays."""

    def __init__(self, patience=3):
        self.patience = patience
        self.best, self.wait, self.losses, self.weights = float("inf"), 0, [], None

    def on_epoch_end(self, epoch, logs=None):
        self.wait = 0 if logs["loss"] < self.best else self.wait + 1
        self.best = min(self.best, logs["loss"])
        self.losses.append(logs["loss"])
        self.weights = self.model.get_weights()


def make(optimizer="adam", dropout=0.3, backend="numpy", seed=None):
    model = polyk.Sequential(
        [
            layers.Input((5,)),
            layers.Dense(4, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(dropout),
            layers.Dense(3, activation="softmax"),
        ],
        backend=backend,
        seed=seed,
    )
    if optimizer == "momentum":
        optimizer = polyk.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def run(callbacks=(), model=None, seed=None, **fit):
    polyk.set_random_seed(7)
    model = model or make(seed=seed)
    options = {"batch_size": 4, "epochs": 3, "verbose": 0, **fit}
    try:
        model.fit(X, Y, callbacks=list(callbacks), **options)
    except InterruptedError:
        return None
    return model


def bits(model):
    generators = [(g.key, g.counter.numpy().tobytes()) for g in model.seed_generators]
    return [w.numpy().tobytes() for w in model._all_state()], generators, model._epochs


def assert_same(model, other):
    assert bits(model) == bits(other)
    assert model.history.history == other.history.history
    assert model.history.epoch == other.history.epoch


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    at=st.integers(1, 33),
    save_freq=st.sampled_from([1, 2, 3, "epoch"]),
    batch_size=st.sampled_from([2, 4, 7, 22]),
    optimizer=st.sampled_from(["sgd", "adam", "momentum"]),
    dropout=st.sampled_from([0.0, 0.5]),
    shuffle=st.booleans(),
    steps_per_epoch=st.sampled_from([None, 3]),
    split=st.sampled_from([0.0, 0.2]),
)
def test_resuming_is_bit_exact(
    tmp_path_factory, at, save_freq, batch_size, optimizer, dropout, shuffle, steps_per_epoch, split
):
    folder = tmp_path_factory.mktemp("run") / "backup"
    fit = {"batch_size": batch_size, "shuffle": shuffle, "validation_split": split}
    size = len(X) - int(len(X) * split)
    if steps_per_epoch and -(-size // batch_size) % steps_per_epoch == 0:
        fit["steps_per_epoch"] = steps_per_epoch
    whole = run(model=make(optimizer, dropout, seed=3), **fit)
    first = run(
        [BackupAndRestore(folder, save_freq), Stop(at)], make(optimizer, dropout, seed=3), **fit
    )
    if first is None:
        seed = 99 if list(folder.glob("*")) else 3  # the seed in the backup is what counts
        again = make(optimizer, dropout, seed=seed)
        first = run([BackupAndRestore(folder, save_freq)], again, **fit)
    assert_same(first, whole)


class Copy(Callback):
    """Keeps the backup that follows the given batch of the second epoch."""

    last = True

    def __init__(self, folder, to):
        self.folder, self.to, self.epoch = folder, to, 0

    def on_epoch_end(self, epoch, logs=None):
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (1, 0):
            shutil.copytree(self.folder, self.to)


@pytest.mark.parametrize("name", [n for n in AVAILABLE if n != "numpy"])
def test_other_backends_resume_bit_for_bit_and_numpy_goes_on_from_them(tmp_path, name):
    fit = {"batch_size": 11, "epochs": 2}
    backup, kept = tmp_path / "backup", tmp_path / "kept"
    whole = run([BackupAndRestore(backup, 1), Copy(backup, kept)], make(backend=name), **fit)
    keep = {"save_freq": 1, "delete_checkpoint": False}
    shutil.copytree(kept, tmp_path / "again")
    assert_same(run([BackupAndRestore(kept, **keep)], make(backend=name), **fit), whole)
    moved = run([BackupAndRestore(tmp_path / "again", **keep)], make(), **fit)
    for a, b in zip(moved._all_state(), whole._all_state(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-5)
    assert bits(moved)[1:] == bits(whole)[1:]  # random streams and shuffles


def test_callbacks_remember(tmp_path):
    whole = Memory()
    run([whole])
    assert run([BackupAndRestore(tmp_path / "b", 1), Memory(), Stop(15)]) is None
    resumed = Memory(patience=5)
    run([BackupAndRestore(tmp_path / "b", 1), resumed])
    assert resumed.patience == 5  # what this run was given
    assert (resumed.best, resumed.wait, resumed.losses) == (whole.best, whole.wait, whole.losses)
    for a, b in zip(resumed.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("at", [3, 8, 14, 20, 26])
@pytest.mark.parametrize("save_freq", [1, "epoch"])
def test_polyks_own_callbacks_go_on(tmp_path, at, save_freq):
    def listeners(i):
        return [
            callbacks.EarlyStopping("loss", 0.05, patience=2, restore_best_weights=True),
            callbacks.ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=0.05),
            callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
            callbacks.ModelCheckpoint(tmp_path / f"best{i}.polyk", "loss", save_best_only=True),
        ]

    whole = run(listeners(0), epochs=8)
    backup = {"backup_dir": tmp_path / "b", "save_freq": save_freq}
    assert run([BackupAndRestore(**backup), *listeners(1), Stop(at)], epochs=8) is None
    resumed = run([BackupAndRestore(**backup), *listeners(1)], epochs=8)
    assert_same(resumed, whole)
    best = [polyk.load_model(tmp_path / f"best{i}.polyk").get_weights() for i in range(2)]
    for a, b in zip(*best, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_run_that_had_been_told_to_stop_stays_stopped(tmp_path):
    class StopEarly(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    backup = BackupAndRestore(tmp_path / "b", delete_checkpoint=False)
    run([StopEarly(), backup])
    resumed = run([BackupAndRestore(tmp_path / "b")])
    assert resumed.history.epoch == [0]


def test_several_batches_in_one_call(tmp_path):
    def model():
        made = make(seed=3)
        made.compile("adam", "sparse_categorical_crossentropy", steps_per_execution=2)
        return made

    whole = run(model=model())
    assert run([BackupAndRestore(tmp_path / "b", 1), Stop(6)], model()) is None
    assert_same(run([BackupAndRestore(tmp_path / "b", 1)], model()), whole)


def test_backups_go_when_training_is_done_unless_kept(tmp_path):
    run([BackupAndRestore(tmp_path / "a")])
    assert not (tmp_path / "a").exists()
    run([BackupAndRestore(tmp_path / "b", delete_checkpoint=False)])
    assert [p.name for p in Checkpoints(tmp_path / "b", "backup").files()] == [
        "backup-00000003.polyk", "backup-00000002.polyk",
    ]  # fmt: skip


def test_a_damaged_backup_is_passed_over_and_named(tmp_path):
    assert run([BackupAndRestore(tmp_path / "b", 1), Stop(9)]) is None
    newest = Checkpoints(tmp_path / "b", "backup").files()[0]
    content = bytearray(newest.read_bytes())
    content[-5] ^= 1
    newest.write_bytes(content)
    with pytest.warns(UserWarning, match=f"{newest.name}.*damaged.*Going back to backup-00000007"):
        resumed = run([BackupAndRestore(tmp_path / "b", 1)])
    assert_same(resumed, run())


def test_starting_over_in_silence_is_refused(tmp_path):
    assert run([BackupAndRestore(tmp_path / "b", 1), Stop(9)]) is None
    for path in Checkpoints(tmp_path / "b", "backup").files():
        path.write_bytes(b"")
    with pytest.raises(LoadError, match="too few"):
        run([BackupAndRestore(tmp_path / "b", 1)])


def test_a_backup_of_another_model_is_refused(tmp_path):
    assert run([BackupAndRestore(tmp_path / "b", 1), Stop(3)]) is None
    other = polyk.Sequential([layers.Input((5,)), layers.Dense(3, activation="softmax")])
    other.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = other.get_weights()
    with pytest.raises(LoadError, match="its tensors are not those of the model|not those of"):
        run([BackupAndRestore(tmp_path / "b", 1)], other)
    np.testing.assert_array_equal(before[0], other.get_weights()[0])


@pytest.mark.parametrize("save_freq", [0, -1, "batch", 1.5])
def test_a_wrong_save_freq_is_refused(save_freq):
    with pytest.raises(ValueError, match="save_freq must be 'epoch' or a number"):
        BackupAndRestore("b", save_freq)


KILLED = """
import sys, numpy as np, polyk
sys.path.insert(0, {here!r})
from test_saving_resume import run
from polyk.callbacks import BackupAndRestore, Callback
class Slow(Callback):
    def on_train_batch_end(self, batch, logs=None):
        import time; time.sleep(0.01); print(batch, flush=True)
model = run([BackupAndRestore(sys.argv[1], 1), Slow()], epochs=4)
model.save_weights(sys.argv[2])
"""


def test_a_process_that_is_killed_loses_nothing(tmp_path):
    code = KILLED.format(here=str(__import__("pathlib").Path(__file__).parent))
    command = [sys.executable, "-c", code, str(tmp_path / "b"), str(tmp_path / "w.safetensors")]
    for _ in range(2):
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(0.05)
        child.kill()
        child.communicate()
    subprocess.run(command, check=True, capture_output=True)
    whole, resumed = run(epochs=4), make()
    resumed.load_weights(tmp_path / "w.safetensors")
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
