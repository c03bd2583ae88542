import keras
import numpy as np
import pytest

from lmcourse.layers.checks import check_at_least_one, check_ids

# Keras reads TensorFlow's tensors with a call that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_integers_from_zero_to_the_last_row_pass(dtype):
    check_ids(keras.ops.array([[0, 3], [6, 6]], dtype=dtype), 7)
    check_ids(np.array([[0, 6]], dtype=dtype), 7)
    check_ids(np.zeros((0, 3), dtype=dtype), 7)


@pytest.mark.parametrize("bad", [[[0, 7]], [[-1, 7]]])
def test_an_id_without_a_row_is_refused_with_the_range_and_the_value(bad):
    low, high = bad[0]
    message = f"`ids` must be from 0 to V - 1 = 6. Received: ids from {low} to {high}"
    for ids in (keras.ops.array(bad), np.array(bad)):
        with pytest.raises(ValueError, match=message):
            check_ids(ids, 7)


def test_a_float_is_no_id():
    with pytest.raises(TypeError, match="`ids` must be integers. Received: dtype=float32"):
        check_ids(keras.ops.array([[0.0, 1.0]]), 7)


def test_a_traced_graph_knows_the_type_of_its_ids_and_not_their_values():
    check_ids(keras.KerasTensor((2, 3), dtype="int32"), 7)
    with pytest.raises(TypeError, match="Received: dtype=float32"):
        check_ids(keras.KerasTensor((2, 3), dtype="float32"), 7)


def test_a_size_below_one_is_refused_by_its_name():
    check_at_least_one("units", 1)
    with pytest.raises(ValueError, match="`units` must be at least 1. Received: units=0"):
        check_at_least_one("units", 0)
