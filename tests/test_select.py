"""Which backend and which device are in use, and to whom a tensor belongs."""

import threading

import numpy as np
import pytest
from conftest import AVAILABLE, COMPLETE

import polyk
from polyk import ops, select

OTHERS = [name for name in AVAILABLE if name != "numpy"]
other = pytest.mark.parametrize("other", OTHERS)


@pytest.fixture
def unset(monkeypatch):
    """Nobody has chosen a backend or a device yet."""
    monkeypatch.setattr(select, "_default", None)
    monkeypatch.setattr(select._local, "backend", None)
    monkeypatch.setattr(select._local, "device", None)
    for variable in ("POLYK_BACKEND", "POLYK_DEVICE"):
        monkeypatch.delenv(variable, raising=False)
    return monkeypatch


@pytest.fixture
def fakes(site, unset):
    """Four packages that provide the backends a, b, c and d."""
    for name in "abcd":
        site.install(f"polyk-{name}", f"{name} = {name}mod:Complete", **{f"{name}mod": COMPLETE})


def in_a_thread(fn):
    found = []
    thread = threading.Thread(target=lambda: found.append(fn()))
    thread.start()
    thread.join()
    return found[0]


def chosen():
    return polyk.get_backend().name


# Which backend.


def test_numpy_is_the_default(unset):
    assert chosen() == "numpy"


def test_precedence(fakes, unset):
    unset.setenv("POLYK_BACKEND", "a")
    assert chosen() == "a"
    polyk.set_backend("b")
    assert chosen() == "b"
    with polyk.use("c"):
        assert chosen() == "c"
        assert polyk.get_backend("d").name == "d"
        assert chosen() == "c"
    assert chosen() == "b"


def test_an_empty_variable_chooses_nothing(unset):
    unset.setenv("POLYK_BACKEND", "")
    assert chosen() == "numpy"


def test_the_variable_is_read_at_the_first_use(fakes, unset):
    unset.setenv("POLYK_BACKEND", "a")
    assert chosen() == "a"
    unset.setenv("POLYK_BACKEND", "b")
    assert chosen() == "a"


def test_asking_for_the_name_loads_nothing(fakes, unset):
    unset.setenv("POLYK_BACKEND", "nowhere")
    assert select.chosen_name() == "nowhere"


def test_a_target_may_be_used(fakes, site):
    (site.folder / "mine.py").write_text(COMPLETE)
    with polyk.use("mine:Complete") as b:
        assert chosen() == b.name == "mine:Complete"


def test_a_backend_object_may_be_used(fakes):
    b = polyk.get_backend("a")
    with polyk.use(b) as used:
        assert used is b is polyk.get_backend()
    assert polyk.get_backend(b) is b


def test_scopes_nest_and_restore(fakes):
    with polyk.use("a"):
        with polyk.use("b"):
            assert chosen() == "b"
        assert chosen() == "a"
    assert chosen() == "numpy"


def test_a_scope_ends_with_an_exception(fakes):
    with pytest.raises(KeyError), polyk.use("a"):
        raise KeyError
    assert chosen() == "numpy"


def test_use_without_a_block_holds_from_there_on(fakes):
    polyk.use("a")
    assert chosen() == "a"
    with polyk.use("b"):
        pass
    assert chosen() == "a"


def test_a_scope_may_be_entered_again(fakes):
    scope = polyk.use("a")
    with scope:
        assert chosen() == "a"
    for _ in range(2):
        assert chosen() == "numpy"
        with scope:
            assert chosen() == "a"
    assert chosen() == "numpy"


def test_an_unknown_name_leaves_the_choice_alone(fakes):
    with polyk.use("a"):
        with pytest.raises(polyk.UnknownBackend):
            polyk.use("nope")
        assert chosen() == "a"


def test_use_holds_in_its_own_thread_only(fakes):
    with polyk.use("a"):
        assert in_a_thread(chosen) == "numpy"
    in_a_thread(lambda: polyk.use("b"))
    assert chosen() == "numpy"


def test_set_backend_holds_in_every_thread(fakes):
    in_a_thread(lambda: polyk.set_backend("b"))
    assert chosen() == in_a_thread(chosen) == "b"


# To whom a tensor belongs.


@other
def test_a_tensor_stays_with_its_engine_whatever_is_in_use(other):
    with polyk.use(other) as b:
        x = ops.convert_to_tensor([1.0, 2.0])
    with polyk.use("numpy"):
        assert isinstance(ops.exp(x), b.tensor_types)
        assert isinstance(ops.add(x, 1), b.tensor_types)


@other
def test_host_data_goes_to_the_engine_of_the_tensor(other):
    with polyk.use(other) as b:
        x = ops.convert_to_tensor([1.0, 2.0])
    for y in (np.ones(2, "float32"), [1.0, 1.0], np.float32(1), 1):
        for pair in ((x, y), (y, x)):
            z = ops.add(*pair)
            assert isinstance(z, b.tensor_types)
            np.testing.assert_array_equal(polyk.to_numpy(z), [2, 3])


def test_host_data_goes_to_the_backend_in_use(backend):
    for x in (np.ones(2, "float32"), [1.0, 1.0], (1, 1)):
        assert isinstance(ops.exp(x), backend.tensor_types)


@pytest.mark.parametrize("pair", list(zip(OTHERS, OTHERS[1:], strict=False)))
def test_tensors_of_two_backends_do_not_mix(pair):
    tensors = []
    for name in pair:
        with polyk.use(name):
            tensors.append(ops.convert_to_tensor([1.0]))
    says = f"tensors of two backends, '{pair[0]}' and '{pair[1]}'. Convert one of them"
    for op in (ops.add, lambda x, y: ops.concatenate([x, y]), lambda x, y: ops.where(True, x, y)):
        with pytest.raises(TypeError, match=says):
            op(*tensors)


def test_a_tensor_is_told_from_other_things(backend):
    assert select.is_tensor(ops.convert_to_tensor([1.0]))
    for x in ([1.0], 1.0, "x", None, object()):
        assert not select.is_tensor(x)


def test_to_numpy_takes_anything_like_an_array(backend):
    for x in (ops.convert_to_tensor([1.0, 2.0]), [1.0, 2.0], np.array([1.0, 2.0])):
        got = polyk.to_numpy(x)
        assert type(got) is np.ndarray
        np.testing.assert_array_equal(got, [1, 2])


# Devices.


def test_every_backend_has_a_cpu_and_says_where_a_tensor_is(backend):
    assert "cpu" in backend.devices()
    with polyk.device("cpu"):
        x = ops.convert_to_tensor([1.0])
        for tensor in (x, ops.zeros((2,)), ops.arange(3), polyk.random.uniform((2,), seed=0)):
            assert backend.device(tensor) == "cpu"


def test_an_unknown_device_is_refused_with_those_there_are(backend):
    says = f"backend '{backend.name}' has no device 'abacus:1'. It lists: .*cpu"
    with pytest.raises(ValueError, match=says):
        polyk.device("abacus:1")
    assert select.current_device() is None


def test_devices_nest_restore_and_belong_to_a_thread(unset):
    with polyk.device("cpu"):
        with polyk.device(None):
            assert select.current_device() is None
        assert select.current_device() == "cpu"
        assert in_a_thread(select.current_device) is None
    assert select.current_device() is None


def test_the_variable_names_a_device(unset):
    unset.setenv("POLYK_DEVICE", "cuda:1")
    assert select.current_device() == "cuda:1"
    with polyk.device("cpu"):
        assert select.current_device() == "cpu"


def test_a_model_remembers_its_device(unset):
    with polyk.device("cpu"):
        model = polyk.Sequential([polyk.layers.Input((2,)), polyk.layers.Dense(1)])
    assert model.device == "cpu"
    assert model.to("numpy").device == "cpu"
    with pytest.raises(ValueError, match="has no device 'abacus'"):
        model.to(device="abacus")


PLACES = """
import polyk
from polyk import layers, ops

b = polyk.get_backend("jax")
polyk.set_backend(b)
print(b.devices())
x = ops.zeros((2,))
with polyk.device("cpu:1"):
    made = [ops.zeros((2,)), ops.convert_to_tensor([1.0]), ops.arange(3), ops.full((2,), 7.0)]
    model = polyk.Sequential([layers.Input((2,)), layers.Dense(1)])
    print({b.device(t) for t in made}, b.device(x))
model.compile("adam", "mse")
model.train_on_batch([[1.0, 2.0]], [[1.0]])
print({b.device(w.value) for w in [*model.weights, *model.optimizer.state]})
print({b.device(w.value) for w in model.to(device="cpu").weights})
"""


def test_tensors_and_weights_are_put_on_the_device_asked_for(python, monkeypatch):
    pytest.importorskip("jax")
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.delenv("POLYK_DEVICE", raising=False)
    lines = python(PLACES).splitlines()
    assert lines == ["['cpu', 'cpu:1']", "{'cpu:1'} cpu", "{'cpu:1'}", "{'cpu'}"]
