"""A matrix by rows multiplies as the layer does whose kernel it is, and only while it stands in."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from lmcourse.compression.quantize import dequantize, quantize
from lmcourse.generation.products import Rows, by_rows, in_place_of, rounded
from tests.generation.test_cache import made

D, U = 6, 5


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("x", [numbers(1, 1, D), numbers(2, 3, D)], ids=["one", "many"])
def test_rows_multiply_as_a_dense_layer(x):
    dense = keras.layers.Dense(U, bias_initializer="ones")
    expected = dense(x)
    kernel = dense.kernel.numpy()
    assert_allclose(Rows(kernel.T, "float32", dense.bias)(x), expected, atol=1e-5)
    dense.kernel.assign(dequantize(*quantize(kernel.T)).T)
    assert_allclose(Rows(kernel.T, "int8", dense.bias)(x), dense(x), atol=1e-5)


def test_rows_are_looked_up():
    table, ids = numbers(U, D), np.array([[4, 0, 4]])
    assert_allclose(Rows(table, "int8").look_up(ids), dequantize(*quantize(table))[ids], rtol=1e-6)


def test_int8_is_one_byte_a_weight_and_one_scale_a_row():
    rows = Rows(numbers(U, D), "int8")
    assert rows.rows.dtype == "int8" and rows.scales.shape == (U,)


@pytest.mark.parametrize("family", ["gpt2", "llama untied"])
def test_products_stand_in_for_layers_and_leave_no_trace(family):
    model, ids = made(family), np.array([[1, 2, 3]])
    exact = model(ids)
    products = by_rows(model, "int8")
    with in_place_of(products):
        stood_in = model(ids)
    assert_allclose(model(ids), exact, rtol=0)
    rounded(model)
    assert_allclose(stood_in, model(ids), atol=2e-5)
    assert abs(np.asarray(stood_in - exact)).max() > 1e-3


def test_products_leave_no_trace_when_something_fails():
    model = made()
    with pytest.raises(ZeroDivisionError), in_place_of(by_rows(model, "float32")):
        raise ZeroDivisionError
    assert "call" not in vars(model.blocks[0].attention.query)
