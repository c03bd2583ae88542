"""One byte a weight: the error is at most half a step, and a step is what the row needs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lmcourse.compression.quantize import dequantize, quantize


def test_a_row_by_hand():
    whole, scales = quantize([[12.7, -6.3, 0.06], [0, 0, 0]])
    assert whole.dtype == np.int8
    assert whole.tolist() == [[127, -63, 1], [0, 0, 0]]
    assert_allclose(scales, [0.1, 1])
    assert_allclose(dequantize(whole, scales), [[12.7, -6.3, 0.1], [0, 0, 0]], rtol=1e-6)


@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6))
def test_the_error_is_at_most_half_a_step(seed, size):
    rows = size * np.random.default_rng(seed).normal(size=(3, 8))
    whole, scales = quantize(rows)
    error = abs(dequantize(whole, scales) - rows.astype("float32"))
    assert (error <= 0.501 * scales[:, None]).all()
    assert (abs(whole.astype(int)).max(axis=1) == 127).all()  # the whole range is used


def test_what_was_rounded_once_stays():
    rows = np.random.default_rng(0).normal(size=(4, 9))
    once = dequantize(*quantize(rows))
    assert_allclose(dequantize(*quantize(once)), once, rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="weights must be finite"):
        quantize([[1.0, bad]])
