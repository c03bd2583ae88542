# %% [markdown]
# # Assignment 10 · Attention
# **After lesson 10 · about 100 minutes · 30 points.** You look things up in a soft table: first with a pencil, then in code, then with masks that hide the future and the filling, and with several heads. At the end you find a leak in a program that runs without an error, and measure what the square root is good for. NumPy and Python's own library are all you need; your functions must not import anything else.
#
# Every question has a cell that begins with a comment, a `raise NotImplementedError` or, once, a faulty function: replace it. The cell below it holds the visible tests; run it as often as you like. When your work is marked, other tests are run as well, with other numbers and other shapes. A question gives all of its points or none. Each answer must stand alone: don't call the function of another question, only `softmax`, which is given, and don't define another function of that name. All arguments are NumPy arrays or whole numbers.
#
# Work on your own: your numbers are drawn from your student id, and nobody else has them. Write it into the next cell first.

# %% [markdown] lang="zh"
# # 作业 10 · 注意力
# **学完第 10 课再做 · 约 100 分钟 · 30 分。** 你要在一张软表里查东西：先用铅笔，再用程序，然后加上遮住未来、遮住填充的掩码，再分成几个头。最后，在一个不报错的程序里找出泄漏，并量一量开平方到底有什么用。只用 NumPy 和 Python 自带的库；你的函数不要导入别的。
#
# 每道题有一格，开头是注释或 `raise NotImplementedError`，有一道给的是写错的函数：把它换成你的答案。下面一格是公开测试，随便运行多少次。批改时还会运行别的测试，数不同，形状也不同。一道题要么得满分，要么得零分。每道题的答案要能独立运行：不要调用别的题的函数，只可以用给出的 `softmax`，也不要另写同名的函数。所有参数都是 NumPy 数组或整数。
#
# 请独立完成：你的数由学号抽出，别人没有一样的。先把学号写进下一格。

# %%
STUDENT = ""  # your student id, such as "s01" · 你的学号

# %%
import numpy as np
from numpy.testing import assert_allclose

from lmcourse.classroom.draw import draw


# %%
def softmax(scores, axis=-1):
    """Turn scores into weights that sum to one along an axis; a whole row of -inf becomes NaN."""
    with np.errstate(invalid="ignore"):
        powers = np.exp(scores - np.max(scores, axis=axis, keepdims=True))
        return powers / powers.sum(axis=axis, keepdims=True)


# %% [markdown]
# ## 1 · By hand (4 points)
# A text of four tokens, `a b c d`. Below stand the query of `c`, and the key and the value of every token. Nobody may look ahead: the mask is causal. To which token does `c` pay how much attention (four weights, three decimals), and what answer does it get (one decimal)? A calculator is allowed, a program is not needed. The width is $W = 4$.

# %% [markdown] lang="zh"
# ## 1 · 动手算（4 分）
# 一段四个词元的文本：`a b c d`。下面是 `c` 的查询，以及每个词元的键和值。谁也不许往后看：掩码是因果的。`c` 给每个词元多少注意（四个权重，保留三位小数）？它得到的答案是多少（保留一位小数）？可以用计算器，不必写程序。宽度 $W = 4$。

# %%
dice = draw(STUDENT, "10/by hand")
rows, columns = dice.permutation(4), dice.permutation(4)
four = np.array([[-1, 1, 2, 1], [1, -1, 1, 1], [1, 1, -1, 1], [1, 1, -2, -1]])
my_query, my_keys = np.array([2, 1, 0, -1])[columns], four[rows][:, columns]
my_values = dice.permutation([6, 36, 70, 100])
print("query of c", my_query)
for place, token in enumerate("abcd"):
    print(token, " key", my_keys[place], " value", my_values[place])

# %% part="by_hand" role="stub"
weights = ...  # of c, on [a, b, c, d]
answer = ...

# %% part="by_hand" role="solution"
scores = [float(sum(my_query * my_keys[s])) / 2 for s in range(3)]
powers = [float(np.exp(score)) for score in scores]
weights = [round(power / sum(powers), 3) for power in powers] + [0.0]
answer = round(sum(p * float(v) for p, v in zip(powers, my_values, strict=False)) / sum(powers), 1)

# %% part="by_hand" role="tests" points=4
assert np.shape(weights) == (4,), "four weights, one for each token"
assert_allclose(np.sum(weights), 1, atol=0.003)
assert np.shape(answer) == () and answer > 0, "one number"

# %% part="by_hand" role="hidden"
got, answer = np.asarray(weights, float), float(np.asarray(answer, float).mean())
raw = my_keys @ my_query


def seen(scores, places):
    found = np.zeros(4)
    found[places] = softmax(scores[places])
    return found


right = seen(raw / 2, [0, 1, 2])
value = right @ my_values
assert got.shape == (4,) and np.isfinite([*got, answer]).all()
fits = np.allclose(got, right, atol=0.002)
with hint("percent"):
    assert not np.isclose(got.sum(), 100, atol=1)
with hint("largest_only"):
    assert not np.allclose(got, np.eye(4)[raw[:3].argmax()], atol=0.002)
with hint("upside_down"):
    for divisor in (1, 2, 4):
        assert not np.allclose(got, seen(raw / divisor, [2, 3]), atol=0.002)
        assert not np.allclose(got, np.eye(4)[3], atol=0.002)
with hint("too_late"):
    assert not np.allclose(got, [*softmax(raw / 2)[:3], 0], atol=0.002)
    assert got.sum() > 0.99 or not np.allclose(got, [*softmax(raw)[:3], 0], atol=0.002)
with hint("without_powers"):
    for places in (raw[:3] / 2, raw / 2, raw[:3]):
        for linear in (places, np.abs(places), np.maximum(places, 0)):
            shares = linear / (linear.sum() or 1)
            assert not np.allclose(got[: len(shares)], shares, atol=0.002)
with hint("order"):
    assert fits or not np.allclose(np.sort(got), np.sort(right), atol=0.002)
with hint("without_root"):
    assert not np.allclose(got, seen(raw, [0, 1, 2]), atol=0.002)
with hint("by_width"):
    assert not np.allclose(got, seen(raw / 4, [0, 1, 2]), atol=0.002)
with hint("few_decimals"):
    assert fits or not any(np.allclose(got, right.round(decimals)) for decimals in (1, 2))
with hint("sees_ahead"):
    assert got[3] < 0.002
with hint("not_itself"):
    assert got[2] > 0.002 or not np.isclose(got[:2].sum(), 1, atol=0.01)
with hint("scalar_products"):
    assert fits
with hint("plain_mean"):
    assert not np.isclose(answer, my_values[:3].mean(), atol=0.15)
    assert not np.isclose(answer, my_values.mean(), atol=0.15)
with hint("best_value"):
    assert not np.isclose(answer, my_values[right.argmax()], atol=0.15)
with hint("few_decimals"):
    rounded = np.round(value), np.round(value, -1)
    assert np.isclose(answer, value, atol=0.15) or answer not in rounded
with hint("mixed"):
    assert_allclose(answer, value, atol=0.15)


# %% part="by_hand" role="mistake" name="largest_only"
# One token gets everything: that is a dictionary. In a soft table everyone whom c may see gets a share.
# 一个词元独占全部注意，那是字典。在软表里，`c` 看得见的每个词元都分到一份。
scores = my_keys[:3] @ my_query / 2
weights = [float(score == scores.max()) for score in scores] + [0.0]
answer = float(my_values[scores.argmax()])

# %% part="by_hand" role="mistake" name="upside_down"
# Your mask is upside down: c looks at the future and not at the past. A causal mask hides what comes later.
# 你的掩码上下颠倒了：`c` 看得见未来，却看不见过去。因果掩码遮住的是后面的词元。
weights = np.concatenate([[0, 0], softmax(my_keys[2:] @ my_query / 2)])
answer = float(weights @ my_values)

# %% part="by_hand" role="mistake" name="too_late"
# You hid d after the softmax: the other three no longer sum to one. Leave d out before the powers are shared out.
# 你在 softmax 之后才遮住 `d`：剩下三个加起来不再是一。分配之前就该把 `d` 去掉。
weights = softmax(my_keys @ my_query / 2)
weights[3] = 0
answer = float(weights @ my_values)

# %% part="by_hand" role="mistake" name="without_powers"
# You divided the scores by their sum. Scores may be negative: raise e to each of them first.
# 你把分数除以了它们的和。分数可以是负的：先对每个分数取 e 的幂。
scores = my_keys[:3] @ my_query / 2
weights = [float(score) / (float(sum(scores)) or 1) for score in scores] + [0.0]
answer = float(np.dot(weights, my_values))

# %% part="by_hand" role="mistake" name="sees_ahead"
# c gives attention to d, which comes later. Under a causal mask that weight is 0.
# `c` 把注意分给了排在后面的 `d`。有因果掩码，这个权重是 0。
weights = softmax(my_keys @ my_query / 2)
answer = float(weights @ my_values)

# %% part="by_hand" role="mistake" name="not_itself"
# c may look at itself as well: a causal mask hides what comes later, and nothing else.
# `c` 也可以看自己：因果掩码只遮后面的，不遮别的。
weights = np.concatenate([softmax(my_keys[:2] @ my_query / 2), [0, 0]])
answer = float(weights @ my_values)

# %% part="by_hand" role="mistake" name="without_root"
# Your scores are the bare scalar products. Divide them by the root of the width first.
# 你的分数只是内积。要先除以宽度的平方根。
weights = np.append(softmax(my_keys[:3] @ my_query), 0)
answer = float(weights @ my_values)

# %% part="by_hand" role="mistake" name="by_width"
# You divided by the width itself. It is divided by its square root.
# 你除的是宽度本身。该除以它的平方根。
weights = np.append(softmax(my_keys[:3] @ my_query / 4), 0)
answer = float(weights @ my_values)

# %% part="by_hand" role="mistake" name="scalar_products"
# The right tokens get a share, but not the right one. Check the four products of each score with their signs, then the powers of e.
# 分到注意的词元对了，分量不对。核对每个分数的四个乘积和正负号，再核对 e 的幂。
weights = np.append(softmax(abs(my_keys[:3]) @ my_query / 2), 0)
answer = float(weights @ my_values)

# %% part="by_hand" role="mistake" name="plain_mean"
# Your weights are right, but your answer is the plain mean of the values. Weigh each value.
# 权重对了，答案却是各个值的普通平均。每个值都要乘上自己的权重。
weights = np.append(softmax(my_keys[:3] @ my_query / 2), 0)
answer = float(my_values[:3].mean())

# %% part="by_hand" role="mistake" name="best_value"
# Your weights are right, but your answer is a single value, that of the largest weight. All of them count.
# 权重对了，答案却只取了权重最大的那一个值。每个值都要算进去。
weights = np.append(softmax(my_keys[:3] @ my_query / 2), 0)
answer = float(my_values[weights.argmax()])

# %% part="by_hand" role="mistake" name="mixed"
# Your weights are right, your answer isn't: multiply each weight by the value of the same token, and add up.
# 权重对了，答案不对：每个权重乘以同一个词元的值，再加起来。
weights = np.append(softmax(my_keys[:3] @ my_query / 2), 0)
answer = float(weights[[2, 1, 0, 3]] @ my_values)

# %% part="by_hand" role="mistake" name="percent"
# These are percentages. Weights sum to one.
# 这是百分数。权重加起来等于一。
weights = np.append(softmax(my_keys[:3] @ my_query / 2), 0)
answer = float(weights @ my_values)
weights = (100 * weights).round(1)


# %% part="by_hand" role="mistake" name="order"
# The four weights are right, but not in their order: [a, b, c, d].
# 四个权重都对，次序不对：应当是 [a, b, c, d]。
weights = np.append(softmax(my_keys[:3] @ my_query / 2), 0)
answer = float(weights @ my_values)
weights = weights[[2, 0, 1, 3]]


# %% part="by_hand" role="mistake" name="few_decimals"
# You rounded too far: three decimals for the weights, one for the answer.
# 你舍入得太多了：权重要三位小数，答案要一位。
weights = np.append(softmax(my_keys[:3] @ my_query / 2), 0)
answer = round(float(weights @ my_values), -1)
weights = weights.round(1)


# %% part="by_hand" role="alternative" name="masked"
scores = np.where([True, True, True, False], my_keys @ my_query / np.sqrt(4), -np.inf)
weights = softmax(scores)
answer = weights @ my_values

# %% part="by_hand" role="alternative" name="tuple"
powers = [np.e ** (float(np.dot(my_query, k)) / 2) for k in my_keys[:3]]
weights = (*(round(power / sum(powers), 3) for power in powers), 0)
answer = round(float(np.dot(weights, my_values)), 1)

# %% part="by_hand" role="alternative" name="against_one"
first, *others = (my_keys[:3] @ my_query / 2).tolist()
ratios = [1.0] + [float(np.exp(score - first)) for score in others]
weights = np.array([ratio / sum(ratios) for ratio in ratios] + [0]).round(4)
answer = np.array(weights @ my_values)

# %% [markdown]
# ## 2 · Attention (4 points)
# Write `attention(q, k, v)`, without a mask:
#
# $$\mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt W}\right) V$$
#
# Queries `(..., T, W)`, keys `(..., S, W)`, values `(..., S, U)` → answers `(..., T, U)`. The three points stand for any number of further axes in front (none, a batch, a batch and heads), the same for all three. The number of places that ask, T, and of those that are asked, S, may differ, and so may the two widths. Large scores must not overflow.

# %% [markdown] lang="zh"
# ## 2 · 注意力（4 分）
# 写出不带掩码的 `attention(q, k, v)`：
#
# $$\mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt W}\right) V$$
#
# 查询 `(..., T, W)`、键 `(..., S, W)`、值 `(..., S, U)` → 答案 `(..., T, U)`。三个点表示前面还可以有任意多条轴（没有；一批；一批加几个头），三者相同。提问的有 T 处，被问的有 S 处，T 和 S 可以不同，两种宽度也可以不同。分数再大也不能溢出。


# %% part="attention" role="stub"
def attention(q, k, v):
    raise NotImplementedError


# %% part="attention" role="solution"
def attention(q, k, v):
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    return softmax(scores) @ v


# %% part="attention" role="tests" points=4
q = np.array([[2.0, 0, 0, 0], [0, 2, 0, 0]])
k = np.log([[3.0, 1, 1, 1], [1, 1, 1, 1], [1, 4, 1, 1]])
v = np.array([[5.0, 0], [0, 5], [10, 0]])
found = attention(q, k, v)  # weights 3 : 1 : 1 and 1 : 1 : 4
assert np.shape(found) == (2, 2)
assert_allclose(found, [[5, 1], [45 / 6, 5 / 6]], rtol=1e-5)
batch = attention(np.stack([q, -q]), np.stack([k, -k]), np.stack([v, 2 * v]))
assert_allclose(batch, np.stack([found, 2 * np.asarray(found)]), rtol=1e-5)

# %% part="attention" role="hidden"
q, k, v = 2 * rng.normal(size=(3, 4)), rng.normal(size=(5, 4)), rng.normal(size=(5, 2))
got = np.asarray(attention(q, k, v), float)
look = np.asarray(attention(q, k, np.eye(5)), float)  # the weights themselves
raw = q @ k.T
with hint("keys_for_values"):
    assert got.shape != (3, 4)
assert got.shape == (3, 2) and look.shape == (3, 5)
with hint("no_softmax"):
    assert not any(np.allclose(look, raw / divisor) for divisor in (1, 2, 4))
with hint("wrong_axis"):
    assert not np.allclose(look.sum(axis=0), 1)
with hint("whole_table"):
    assert not np.isclose(look.sum(), 1)
with hint("root_after"):
    sums = look.sum(axis=1)
    assert not np.allclose(sums, sums[0]) or np.isclose(sums[0], 1)
with hint("dictionary"):
    assert not np.allclose(look, np.eye(5)[raw.argmax(axis=1)])
with hint("rounded"):
    for decimals in (1, 2, 3, 4):
        assert not np.allclose(look, softmax(raw / 2).round(decimals), rtol=0, atol=1e-9)
        assert not np.allclose(got, (softmax(raw / 2) @ v).round(decimals), rtol=0, atol=1e-9)
with hint("masked"):
    assert (look > 0).all() and (np.asarray(attention(q, k[:3], np.eye(3))) > 0).all()
with hint("missing_root"):
    assert not np.allclose(look, softmax(raw)) and not np.allclose(look, softmax(raw * 2))
with hint("by_width"):
    assert not np.allclose(look, softmax(raw / 4)) and not np.allclose(look, softmax(raw / 16))
with hint("wrong_root"):
    for size in (2, 3, 5, 12, 20):
        assert not np.allclose(got, softmax(raw / np.sqrt(size)) @ v)
close = {"rtol": 1e-4, "atol": 1e-5}  # float32 will do
with hint("rescaled"):
    assert_allclose(look, softmax(raw / 2), **close)
    assert_allclose(got, softmax(raw / 2) @ v, **close)
    # keys that make scores of 4 to 24, and further down of 1,000 to 6,000
    steps = np.array([[1.0], [2.0], [3.0], [2.5], [0.5]])
    wide = attention(np.array([[16.0, 0, 0, 0]]), steps * [[1, 0, 0, 0]], np.eye(5))
    assert_allclose(wide, softmax(8 * steps.T), **close)
far = np.array([[4000.0, 0, 0, 0], [-4000, 0, 0, 0]]), steps * [[1, 0, 0, 0]], np.eye(5)
with hint("overflow"):
    found = np.asarray(attention(far[0][:1], *far[1:]), float)
    assert np.isfinite(found).all() and found.any()
with hint("largest_of_all"):
    found = np.asarray(attention(*far), float)
    assert np.isfinite(found).all() and found.any(axis=1).all()
with hint("rescaled"):
    assert_allclose(attention(*far), key.attention(*far), **close)
with hint("fixed_width"):
    for wide in (1, 9):
        q, k, v = rng.normal(size=(2, wide)), rng.normal(size=(6, wide)), rng.normal(size=(6, 1))
        assert_allclose(attention(q, k, v), key.attention(q, k, v), **close)
with hint("whole_root"):
    for wide in (3, 8):
        q, k, v = rng.normal(size=(2, wide)), rng.normal(size=(6, wide)), rng.normal(size=(6, 1))
        assert_allclose(attention(q, k, v), key.attention(q, k, v), **close)
with hint("only_tables"):
    for front in ((4,), (2, 3)):
        q, k = rng.normal(size=(*front, 3, 5)), rng.normal(size=(*front, 6, 5))
        v = rng.normal(size=(*front, 6, 7))
        assert_allclose(attention(q, k, v), key.attention(q, k, v), **close)


# %% part="attention" role="mistake" name="keys_for_values"
# You mix the keys. Keys are there to be found by; what is handed out are the values.
# 你混合的是键。键是用来让人找到的，交出去的是值。
def attention(q, k, v):
    return softmax(q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])) @ k


# %% part="attention" role="mistake" name="no_softmax"
# You use the scores themselves as weights. They may be negative: softmax stands in between.
# 你直接拿分数当权重了。分数可能是负的：中间还有一步 softmax。
def attention(q, k, v):
    return q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]) @ v


# %% part="attention" role="mistake" name="wrong_axis"
# For each place that is asked your weights sum to one. They must do so for each place that asks: along the keys, the last axis.
# 你的权重按“被问”的位置加起来等于一。该按“提问”的位置：沿着键，也就是最后一条轴。
def attention(q, k, v):
    return softmax(q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]), axis=-2) @ v


# %% part="attention" role="mistake" name="whole_table"
# All your weights together sum to one. Each query has a softmax of its own.
# 你的权重全部加起来才等于一。每个查询各做各的 softmax。
def attention(q, k, v):
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    powers = np.exp(scores - scores.max())
    return powers / powers.sum() @ v


# %% part="attention" role="mistake" name="root_after"
# Your weights don't sum to one: the division by the root stands before the softmax, not behind it.
# 你的权重加起来不等于一：除以平方根要在 softmax 之前，不在之后。
def attention(q, k, v):
    return softmax(q @ np.swapaxes(k, -1, -2)) / np.sqrt(q.shape[-1]) @ v


# %% part="attention" role="mistake" name="dictionary"
# Each query gets the value of one key alone. A soft table gives a mean of all values.
# 每个查询只取了一个键的值。软表给的是所有值的加权平均。
def attention(q, k, v):
    best = (q @ np.swapaxes(k, -1, -2)).argmax(axis=-1)
    return np.take_along_axis(v, best[..., None], axis=-2)


# %% part="attention" role="mistake" name="masked"
# Some places get no attention at all. This question has no mask: everyone may look everywhere.
# 有些位置一点注意也没得到。这道题没有掩码：谁都可以看任何地方。
def attention(q, k, v):
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    return softmax(np.where(np.tri(*scores.shape[-2:]) == 1, scores, -np.inf)) @ v


# %% part="attention" role="mistake" name="missing_root"
# The scores are not divided by √W: the wider the vectors, the more one key takes everything.
# 分数没有除以 √W：向量越宽，注意就越是被一个键独占。
def attention(q, k, v):
    return softmax(q @ np.swapaxes(k, -1, -2)) @ v


# %% part="attention" role="mistake" name="by_width"
# You divide by W. Scores spread like √W, so W is too much: the weights become all alike.
# 你除的是 W。分数的散布像 √W 那样增长，除以 W 就过了头：权重全都差不多了。
def attention(q, k, v):
    return softmax(q @ np.swapaxes(k, -1, -2) / q.shape[-1]) @ v


# %% part="attention" role="mistake" name="wrong_root"
# You divide by the root of the wrong size. It is the number of products in one score, the width of queries and keys: neither a number of places nor the width of the values.
# 你开平方的对象不对。该是一个分数里乘积的个数，也就是查询和键的宽度，不是位置的个数，也不是值的宽度。
def attention(q, k, v):
    return softmax(q @ np.swapaxes(k, -1, -2) / np.sqrt(k.shape[-2])) @ v


# %% part="attention" role="mistake" name="overflow"
# e to the power of 1,000 is infinite. The given softmax subtracts the largest score first; so should yours.
# e 的 1,000 次方是无穷大。给出的 softmax 先减去最大的分数，你的也该这样。
def attention(q, k, v):
    with np.errstate(all="ignore"):
        powers = np.exp(q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]))
        return powers / powers.sum(axis=-1, keepdims=True) @ v


# %% part="attention" role="mistake" name="only_tables"
# It works for tables, but not with more axes in front. Count axes from the end, -1 and -2: axis 1 is another one there, and `.T` turns all of them around.
# 表格都对，前面多几条轴就不对了。轴要从末尾数起，-1 和 -2：轴一多，轴 1 就是另一条了，而 `.T` 会把所有的轴都倒过来。
def attention(q, k, v):
    return softmax(q @ k.T / np.sqrt(q.shape[-1])) @ v


# %% part="attention" role="mistake" name="rescaled"
# Your weights are not those of the scores q·k/√W. Don't clip, normalise or otherwise rescale queries, keys or scores: their size counts.
# 你的权重不是由分数 q·k/√W 算出来的。查询、键和分数都不要截断、归一化或另行缩放：它们的大小算数。
def attention(q, k, v):
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    return softmax(np.clip(scores, -20, 20)) @ v


# %% part="attention" role="mistake" name="fixed_width"
# It works for one width, but not for others: take W from the queries that come in.
# 只有一种宽度时对，换了宽度就不对：W 要从传进来的查询里取。
def attention(q, k, v):
    return softmax(q @ np.swapaxes(k, -1, -2) / 2) @ v


# %% part="attention" role="mistake" name="rounded"
# You rounded. Return the numbers as they are.
# 你把数舍入了。算出来是多少，就返回多少。
def attention(q, k, v):
    look = softmax(q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]))
    return look.round(3) @ v


# %% part="attention" role="mistake" name="largest_of_all"
# You subtract the largest score of all. In a row far below it everything becomes 0: subtract each row's own.
# 你减去的是所有分数中最大的。远低于它的一行，幂全成了 0：每一行要减去自己的最大分数。
def attention(q, k, v):
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    with np.errstate(all="ignore"):
        powers = np.exp(scores - scores.max())
        return powers / powers.sum(axis=-1, keepdims=True) @ v


# %% part="attention" role="mistake" name="whole_root"
# It works for widths whose root is a whole number, and for no others. Leave the root as it is.
# 只有平方根是整数的宽度才对，别的都不对。平方根是多少就用多少，不要取整。
def attention(q, k, v):
    return softmax(q @ np.swapaxes(k, -1, -2) / int(np.sqrt(q.shape[-1]))) @ v


# %% part="attention" role="alternative" name="float32"
def attention(q, k, v):
    q, k, v = (np.asarray(array, np.float32) for array in (q, k, v))
    return softmax(q @ np.swapaxes(k, -1, -2) / np.float32(np.sqrt(q.shape[-1]))) @ v


# %% part="attention" role="alternative" name="loop"
def attention(q, k, v):
    if q.ndim > 2:
        return [attention(*three) for three in zip(q, k, v, strict=True)]
    answers = []
    for asks in q:
        scores = [sum(a * b for a, b in zip(asks, row, strict=True)) for row in k]
        scores = [score / len(asks) ** 0.5 for score in scores]
        powers = [np.exp(score - max(scores)) for score in scores]
        mean = [sum(p * x for p, x in zip(powers, column, strict=True)) for column in v.T]
        answers.append([number / sum(powers) for number in mean])
    return answers


# %% part="attention" role="alternative" name="einsum"
def attention(q, k, v):
    look = softmax(np.einsum("...tw,...sw->...ts", q * q.shape[-1] ** -0.5, k))
    return np.einsum("...ts,...su->...tu", look, v)


# %% part="attention" role="alternative" name="split_root"
def attention(q, k, v):
    fourth = np.shape(k)[-1] ** 0.25
    scores = np.matmul(k / fourth, np.moveaxis(q / fourth, -1, -2))  # (..., S, T)
    return np.moveaxis(np.moveaxis(v, -1, -2) @ softmax(scores, axis=-2), -1, -2)


# %% [markdown]
# ## 3 · Who may look where (5 points)
# A batch of B texts has been filled up on the **right** to T places; `lengths`, an array `(B,)`, says how many places of each are real (at least one). Write `may_look(lengths, T)`: booleans of the shape `(B, T, T)`, row = who asks, column = who is asked, True = may look, as in the lesson (the numbers 1 and 0 will do as well). Two rules hold together:
#
# - nobody looks ahead;
# - nobody looks at the filling.
#
# The filling's own rows are rows like all others: they may look at the real places before them. (Their answers are thrown away later.)

# %% [markdown] lang="zh"
# ## 3 · 谁可以看哪里（5 分）
# 一批有 B 段文本，都在**右边**填充到了 T 处；数组 `lengths`，形状 `(B,)`，记着每段有几处是真的（至少一处）。写出 `may_look(lengths, T)`：形状 `(B, T, T)` 的布尔值，行是谁在问，列是谁被问，True 表示可以看，与课上相同（用数 1 和 0 也行）。两条规矩同时成立：
#
# - 谁也不许往后看；
# - 谁也不许看填充。
#
# 填充自己的那几行与别的行一视同仁：可以看它们前面那些真的位置。（它们的答案以后会扔掉。）


# %% part="may_look" role="stub"
def may_look(lengths, T):
    raise NotImplementedError


# %% part="may_look" role="solution"
def may_look(lengths, T):
    places = np.arange(T)
    causal = places <= places[:, None]
    real = places < np.asarray(lengths)[:, None]
    return causal & real[:, None, :]


# %% part="may_look" role="tests" points=5
mask = np.asarray(may_look(np.array([2, 3]), 3))
assert mask.shape == (2, 3, 3), "(B, T, T)"
assert_allclose(mask[0].astype(float), [[1, 0, 0], [1, 1, 0], [1, 1, 0]])
assert_allclose(mask[1].astype(float), [[1, 0, 0], [1, 1, 0], [1, 1, 1]])

# %% part="may_look" role="hidden"
lengths = np.insert(rng.permutation([1, 3, 4]), rng.integers(1, 3), 6)  # never first or last
got = np.asarray(may_look(lengths, 6)).astype(float)
places = np.arange(6)
back = places[:, None] - places
causal, real = back >= 0, places < lengths[:, None]
assert got.shape == (4, 6, 6)
whole = got[lengths.argmax()]  # the text without filling
with hint("to_be_added"):
    assert np.isin(got, (0, 1)).all()
with hint("upside_down"):
    assert not np.array_equal(whole, back <= 0)
with hint("true_forbids"):
    assert not np.array_equal(whole, back < 0)
with hint("not_itself"):
    assert np.diag(whole)[1:].any() or not np.diag(whole, -1).all()
with hint("one_ahead"):
    assert not np.array_equal(whole, back >= -1)
with hint("either"):
    assert not np.array_equal(got, causal | real[:, None, :])
    assert not np.array_equal(got, causal | real[:, :, None])
with hint("only_padding"):
    assert not whole.all()
with hint("itself_alone"):
    assert not np.array_equal(whole, back == 0)
with hint("only_causal"):
    assert not all(np.array_equal(table, causal) for table in got)
with hint("rows_hidden"):
    assert not np.array_equal(got, causal & real[:, :, None])
with hint("one_length"):
    assert not all(np.array_equal(table, got[0]) for table in got)
with hint("left"):
    assert not np.array_equal(got, causal & (places >= 6 - lengths[:, None])[:, None, :])
with hint("last_place"):
    for shift in (-1, 1):
        assert not np.array_equal(got, causal & (places < lengths[:, None] + shift)[:, None, :])
with hint("filling_itself"):
    assert not np.array_equal(got, causal & real[:, None, :] | (back == 0))
    assert not np.array_equal(got, causal & (real[:, None, :] | ~real[:, :, None]))
with hint("filling_instead"):
    assert not np.array_equal(got, causal & ~real[:, None, :])
assert np.array_equal(got, key.may_look(lengths, 6))
assert np.ndim(may_look(np.array([1]), 7)) == 3
with hint("longest"):
    for lengths in (rng.permutation([2, 5, 1, 3]), np.array([1])):
        assert np.shape(may_look(lengths, 7)) == (len(lengths), 7, 7)
        assert np.array_equal(np.asarray(may_look(lengths, 7)), key.may_look(lengths, 7))
assert np.array_equal(np.asarray(may_look(np.array([1]), 1)), [[[True]]])
lengths = rng.permutation([2, 2, 5, 7, 1, 6, 3, 4])
assert np.array_equal(np.asarray(may_look(lengths, 7)), key.may_look(lengths, 7))


# %% part="may_look" role="mistake" name="to_be_added"
# Your mask is made to be added to scores. Here booleans are asked for, True = may look.
# 你的掩码是用来加到分数上的。这里要的是布尔值，True 表示可以看。
def may_look(lengths, T):
    causal = np.tri(T, dtype=bool)
    real = np.arange(T) < lengths[:, None]
    return np.where(causal & real[:, None, :], 0.0, -1e9)


# %% part="may_look" role="mistake" name="upside_down"
# Your mask is upside down: position 0 sees the future. Rows ask, columns are asked: the lower triangle stays open.
# 你的掩码上下颠倒了：第 0 处看见了未来。行是谁在问，列是谁被问：开着的该是下三角。
def may_look(lengths, T):
    causal = np.triu(np.ones((T, T), dtype=bool))
    real = np.arange(T) < lengths[:, None]
    return causal & real[:, None, :]


# %% part="may_look" role="mistake" name="true_forbids"
# Your True means "may not look", as in some other libraries. In this course True means "may look".
# 你的 True 表示“不许看”，有的库是这样。本课程里 True 表示“可以看”。
def may_look(lengths, T):
    future = np.triu(np.ones((T, T), dtype=bool), k=1)
    filling = np.arange(T) >= lengths[:, None]
    return future | filling[:, None, :]


# %% part="may_look" role="mistake" name="not_itself"
# No place can see itself in your mask, and place 0 sees nothing at all. The diagonal is open.
# 你的掩码里，谁也看不见自己，第 0 处更是什么也看不见。对角线是开着的。
def may_look(lengths, T):
    causal = np.tri(T, k=-1, dtype=bool)
    real = np.arange(T) < lengths[:, None]
    return causal & real[:, None, :]


# %% part="may_look" role="mistake" name="one_ahead"
# Every place sees one place ahead, and there stands the very token that it should predict.
# 每一处都多看了后面一处，而它要预测的词元就站在那里。
def may_look(lengths, T):
    causal = np.tri(T, k=1, dtype=bool)
    real = np.arange(T) < lengths[:, None]
    return causal & real[:, None, :]


# %% part="may_look" role="mistake" name="either"
# You let a place look if one of the two rules allows it. Both have to: masks that say "may look" are combined with "and".
# 两条规矩只要有一条允许，你就放行了。要两条都允许才行：写“可以看”的掩码用“与”合并。
def may_look(lengths, T):
    causal = np.tri(T, dtype=bool)
    real = np.arange(T) < lengths[:, None]
    return causal | real[:, None, :]


# %% part="may_look" role="mistake" name="only_padding"
# The filling is hidden, the future is not: in a text without filling everyone sees everything.
# 填充遮住了，未来没遮住：没有填充的那段文本，谁都看得见一切。
def may_look(lengths, T):
    real = np.arange(T) < lengths[:, None]
    return np.repeat(real[:, None, :], T, axis=1)


# %% part="may_look" role="mistake" name="itself_alone"
# Every place sees itself alone. The places before it are open, too.
# 每一处只看得见自己。它前面的位置也是开着的。
def may_look(lengths, T):
    real = np.arange(T) < lengths[:, None]
    return np.eye(T, dtype=bool) & real[:, None, :]


# %% part="may_look" role="mistake" name="only_causal"
# The future is hidden, the filling is not: all texts have the same mask, whatever their lengths.
# 未来遮住了，填充没遮住：不管多长，每段文本的掩码都一样。
def may_look(lengths, T):
    return np.stack([np.tri(T, dtype=bool) for _ in lengths])


# %% part="may_look" role="mistake" name="rows_hidden"
# You hide the rows of the filling, so that they see nothing. A padding mask hides columns: it stops others from looking at the filling.
# 你遮的是填充的行，让它们什么也看不见。填充掩码遮的是列：不让别人看填充。
def may_look(lengths, T):
    causal = np.tri(T, dtype=bool)
    real = np.arange(T) < lengths[:, None]
    return causal & real[:, :, None]


# %% part="may_look" role="mistake" name="one_length"
# All your texts have the same filling. Each has a length of its own.
# 你给每段文本都用了同样的填充。每段有自己的长度。
def may_look(lengths, T):
    causal = np.tri(T, dtype=bool) & (np.arange(T) < lengths[0])
    return np.stack([causal] * len(lengths))


# %% part="may_look" role="mistake" name="left"
# You hide places on the left. These texts are filled up on the right: the first places are the real ones.
# 你遮住的是左边。这些文本是在右边填充的：前面的位置才是真的。
def may_look(lengths, T):
    causal = np.tri(T, dtype=bool)
    real = np.arange(T) >= T - lengths[:, None]
    return causal & real[:, None, :]


# %% part="may_look" role="mistake" name="last_place"
# The filling begins one place too late or too early. Places count from 0: a text of 3 has the places 0, 1 and 2.
# 填充的起点差了一处。位置从 0 数起：长为 3 的文本，真的位置是 0、1、2。
def may_look(lengths, T):
    causal = np.tri(T, dtype=bool)
    real = np.arange(T) <= lengths[:, None]
    return causal & real[:, None, :]


# %% part="may_look" role="mistake" name="filling_itself"
# The real places are right, but the filling looks at filling. Nobody may, not even the filling itself.
# 真的位置都对，可填充在看填充。谁也不许看填充，填充自己也不行。
def may_look(lengths, T):
    real = np.arange(T) < lengths[:, None]
    return np.tri(T, dtype=bool) & real[:, None, :] | np.eye(T, dtype=bool)


# %% part="may_look" role="mistake" name="filling_instead"
# The filling can be seen, and the real places can't: it is the other way round.
# 填充看得见，真的位置反倒看不见：弄反了。
def may_look(lengths, T):
    causal = np.tri(T, dtype=bool)
    filling = np.arange(T) >= lengths[:, None]
    return causal & filling[:, None, :]


# %% part="may_look" role="mistake" name="longest"
# It fails where even the longest text has filling. The mask has T places, however long the texts are.
# 连最长的一段也有填充时，就不对了。不管文本多长，掩码总有 T 处。
def may_look(lengths, T):
    places = np.arange(lengths.max())
    return (places <= places[:, None]) & (places < lengths[:, None, None])


# %% part="may_look" role="alternative" name="loop"
def may_look(lengths, T):
    return [[[s <= t and s < n for s in range(T)] for t in range(T)] for n in lengths]


# %% part="may_look" role="alternative" name="numbers"
def may_look(lengths, T):
    mask = np.stack([np.tri(T)] * len(lengths))
    for table, length in zip(mask, lengths, strict=True):
        table[:, length:] = 0
    return mask.astype(int)


# %% part="may_look" role="alternative" name="smaller_of_two"
def may_look(lengths, T):
    # row t sees the first min(t + 1, length) places
    many = np.minimum(np.arange(1, T + 1), np.asarray(lengths).reshape(-1, 1))
    return np.less.outer(np.arange(T), many).transpose(1, 2, 0)


# %% [markdown]
# ## 4 · A softmax that keeps to its mask (5 points)
# Write `masked_softmax(scores, mask)`: scores `(..., T, S)` and booleans that broadcast to that shape (a mask may have fewer axes, or axes of length 1), True = may look. The result are weights of the same shape as the scores:
#
# - what is forbidden gets 0, and each row sums to one;
# - that holds for scores between −1,000 and 1,000, even where a forbidden score is far above all that are allowed;
# - a row that may look at **nothing** gets nothing but zeros: no NaN, no error, no even share.

# %% [markdown] lang="zh"
# ## 4 · 守规矩的 softmax（5 分）
# 写出 `masked_softmax(scores, mask)`：分数 `(..., T, S)`，以及能广播成这个形状的布尔值（掩码的轴可以更少，也可以有长为 1 的轴），True 表示可以看。结果是与分数同形状的权重：
#
# - 禁看之处得 0，每一行加起来等于一；
# - 分数在 −1,000 到 1,000 之间都要成立，哪怕禁看之处的分数远高于所有可看之处；
# - 如果一行**什么也不许看**，就全部得零：不是 NaN，不报错，也不平分。


# %% part="masked_softmax" role="stub"
def masked_softmax(scores, mask):
    raise NotImplementedError


# %% part="masked_softmax" role="solution"
def masked_softmax(scores, mask):
    scores = np.where(mask, scores, -np.inf)
    largest = scores.max(axis=-1, keepdims=True)
    powers = np.exp(scores - np.where(np.isfinite(largest), largest, 0))
    total = powers.sum(axis=-1, keepdims=True)
    return powers / np.where(total > 0, total, 1)


# %% part="masked_softmax" role="tests" points=5
scores = np.log([[6.0, 2, 2], [1, 3, 1], [2, 2, 4]])
look = masked_softmax(scores, np.tri(3, dtype=bool))
assert np.shape(look) == (3, 3)
assert_allclose(look, [[1, 0, 0], [1 / 4, 3 / 4, 0], [1 / 4, 1 / 4, 1 / 2]], rtol=1e-5)
assert_allclose(masked_softmax(scores, np.ones((3, 3), bool))[0], [0.6, 0.2, 0.2], rtol=1e-5)

# %% part="masked_softmax" role="hidden"
order = rng.permutation(5)
mask = np.array([[1, 0, 0, 0, 1], [1, 1, 0, 1, 0], [0, 1, 1, 0, 0]], bool)[:, order]
scores = rng.permutation(np.linspace(-2, 2, 15)).reshape(3, 5) + rng.normal(size=(3, 5)) / 50
got = np.asarray(masked_softmax(scores, mask), float)
assert got.shape == (3, 5)
right = key.masked_softmax(scores, mask)
with hint("no_effect"):
    assert not np.allclose(got, softmax(scores), atol=1e-5)
with hint("upside_down"):
    assert not np.allclose(got[mask], 0, atol=1e-5)
with hint("too_late"):
    assert not np.allclose(got, softmax(scores) * mask, atol=1e-5)
with hint("wrong_axis"):
    assert not np.allclose(got.sum(axis=0), 1, atol=1e-5)
with hint("whole_table"):
    assert not np.isclose(got.sum(), 1, atol=1e-5) or not (got[mask] > 0).all()
with hint("score_zero"):
    assert not np.allclose(got, softmax(scores * mask), atol=1e-4)
with hint("score_one"):
    assert_allclose(got[~mask], 0, atol=1e-3)
allowed = np.array([[True, False, True]])
with hint("not_low_enough"):
    for steep in (scores, scores * 200):
        assert_allclose(np.asarray(masked_softmax(steep, mask), float)[~mask], 0, atol=1e-9)
    for high in ([[0.0, 1000.0, 1.0]], [[-1000.0, 0.0, -999.0]]):
        assert not np.asarray(masked_softmax(np.array(high), allowed), float)[0, 1] > 1e-9
with hint("eps"):
    sums = got.sum(axis=1)
    assert np.allclose(sums, 1, rtol=0, atol=1e-6) or not np.allclose(
        got, right * sums[:, None], atol=1e-7
    )
assert_allclose(got, right, atol=1e-6)
with hint("overflow"):
    with np.errstate(all="ignore"):
        high = masked_softmax(np.array([[1000.0, 0.0, 999.0]]), allowed)
        expected = [[1 / (1 + np.exp(-1)), 0, 1 / (1 + np.e)]]
        assert_allclose(np.asarray(high, float), expected, rtol=1e-5)
with hint("underflow"):
    for high in ([[0.0, 1000.0, 1.0]], [[-1000.0, 0.0, -999.0]]):
        low = np.asarray(masked_softmax(np.array(high), allowed), float)
        expected = [[1 / (1 + np.e), 0, 1 / (1 + np.exp(-1))]]
        assert_allclose(low, expected, rtol=1e-5, atol=1e-7)
with hint("broadcast"):
    cube, real = rng.normal(size=(2, 3, 4)), np.array([[1, 1, 0, 1], [1, 0, 0, 0]], bool)
    for small in (real[:, None, :], np.tri(3, 4, dtype=bool), np.ones((2, 3, 1), bool)):
        expected = key.masked_softmax(cube, small)
        assert_allclose(masked_softmax(cube, small), expected, rtol=1e-4, atol=1e-6)
blind = mask.copy()
blind[int(rng.integers(3))] = False
with hint("blind_nan"):
    for holes in (blind, mask & False):
        assert np.isfinite(np.asarray(masked_softmax(scores, holes), float)).all()
with hint("blind_mean"):
    for holes in (blind, mask & False):
        found = np.asarray(masked_softmax(scores, holes), float)
        assert_allclose(found[~holes.any(axis=1)], 0, atol=1e-9)
with hint("whole_text"):
    assert_allclose(masked_softmax(scores, blind), key.masked_softmax(scores, blind), atol=1e-6)
with hint("largest_of_all"):
    far, open_to = np.array([[900.0, 0, 899], [-900, 0, -901]]), np.array([[True, False, True]] * 2)
    assert_allclose(masked_softmax(far, open_to), key.masked_softmax(far, open_to), atol=1e-6)
with hint("more_axes"):
    for front in ((4,), (2, 3)):
        deep, holes = rng.normal(size=(*front, 3, 5)), rng.random((*front, 3, 5)) < 0.6
        holes[..., 1, :] = False
        expected = key.masked_softmax(deep, holes)
        assert_allclose(masked_softmax(deep, holes), expected, atol=1e-6)
even, holes = np.zeros((3, 4)), np.array([[1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0]], bool)
assert_allclose(masked_softmax(even, holes), key.masked_softmax(even, holes), atol=1e-6)


# %% part="masked_softmax" role="mistake" name="no_effect"
# Your mask changes nothing. Look at the number that you add: -1e-9 is a billionth, not minus a billion.
# 你的掩码不起作用。看看你加上去的数：-1e-9 是十亿分之一，不是负十亿。
def masked_softmax(scores, mask):
    return softmax(scores + np.where(mask, 0, -1e-9))


# %% part="masked_softmax" role="mistake" name="upside_down"
# Your mask is the wrong way round: only forbidden places get attention. True means "may look".
# 你把掩码用反了：得到注意的全是禁看之处。True 表示“可以看”。
def masked_softmax(scores, mask):
    return softmax(np.where(mask, -1e9, scores))


# %% part="masked_softmax" role="mistake" name="too_late"
# You mask after the softmax: the rows no longer sum to one, and what is forbidden has left its trace in the denominator.
# 你在 softmax 之后才用掩码：各行加起来不再是一，禁看之处已经在分母里留下了痕迹。
def masked_softmax(scores, mask):
    return softmax(scores) * mask


# %% part="masked_softmax" role="mistake" name="wrong_axis"
# Your columns sum to one. Each row belongs to one place that asks: the softmax goes along the last axis.
# 你的每一列加起来等于一。每一行属于一个提问的位置：softmax 要沿最后一条轴。
def masked_softmax(scores, mask):
    return softmax(np.where(mask, scores, -np.inf), axis=-2)


# %% part="masked_softmax" role="mistake" name="whole_table"
# All your weights together sum to one. Each row has a softmax of its own.
# 你的权重全部加起来才等于一。每一行各做各的 softmax。
def masked_softmax(scores, mask):
    powers = np.exp(scores - scores.max()) * mask
    return powers / powers.sum()


# %% part="masked_softmax" role="mistake" name="score_zero"
# Forbidden places get the score 0 or nearly so, and e⁰ is 1: a full share. Only the score minus infinity has the weight 0.
# 你给禁看之处的分数是 0，或者差不多是 0，而 e⁰ 等于 1，照样分到一份。只有分数是负无穷，权重才是 0。
def masked_softmax(scores, mask):
    return softmax(scores * mask)


# %% part="masked_softmax" role="mistake" name="score_one"
# Forbidden places still get a visible share: what you lower them by is far too little.
# 禁看之处仍分到看得出的一份：你把它们压得太少了。
def masked_softmax(scores, mask):
    return softmax(scores + np.where(mask, 0, -1))


# %% part="masked_softmax" role="mistake" name="not_low_enough"
# Where scores are large, something forbidden gets attention: your stand-in for minus infinity is not low enough.
# 分数一大，禁看之处就分到了注意：你用来代替负无穷的数不够低。
def masked_softmax(scores, mask):
    look = softmax(np.where(mask, scores, -100))
    return look * np.any(mask, axis=-1, keepdims=True)


# %% part="masked_softmax" role="mistake" name="overflow"
# e to the power of 1,000 is infinite. Subtract the largest score of each row before you take powers.
# e 的 1,000 次方是无穷大。取幂之前先减去每一行的最大分数。
def masked_softmax(scores, mask):
    with np.errstate(all="ignore"):
        powers = np.where(mask, np.exp(scores), 0)
        total = powers.sum(axis=-1, keepdims=True)
        return powers / np.where(total > 0, total, 1)


# %% part="masked_softmax" role="mistake" name="underflow"
# Where a forbidden score is far above the allowed ones, all allowed weights have already been rounded to 0. Take the forbidden scores out before the softmax, and before you look for the largest.
# 禁看之处的分数远高于可看之处时，可看的权重早已舍成了 0。要在 softmax 之前、找最大值之前，就去掉禁看的分数。
def masked_softmax(scores, mask):
    look = softmax(scores) * mask
    total = look.sum(axis=-1, keepdims=True)
    return look / np.where(total > 0, total, 1)


# %% part="masked_softmax" role="mistake" name="broadcast"
# It fails where the mask has fewer axes than the scores, or an axis of length 1. Indexing doesn't broadcast; some functions do.
# 掩码的轴比分数少，或者有一条轴长为 1，就不行了。用掩码做下标不会广播，有的函数会。
def masked_softmax(scores, mask):
    scores = scores.copy()
    scores[~mask] = -np.inf
    return np.nan_to_num(softmax(scores))


# %% part="masked_softmax" role="mistake" name="blind_mean"
# A row that may look at nothing spreads its attention over everything that is forbidden. It should get zeros.
# 一行什么也不许看，你却把注意平摊到所有禁看之处。应当全部是零。
def masked_softmax(scores, mask):
    return softmax(np.where(mask, scores, -1e9))


# %% part="masked_softmax" role="mistake" name="blind_nan"
# A row that may look at nothing becomes NaN, or stops the program: a softmax of nothing but minus infinity is 0/0. It should get zeros.
# 一行什么也不许看，就成了 NaN，或者报错停下：全是负无穷的 softmax 等于 0/0。应当全部是零。
def masked_softmax(scores, mask):
    return softmax(np.where(mask, scores, -np.inf))


# %% part="masked_softmax" role="mistake" name="eps"
# Your rows don't quite sum to one: something small is added to the sum below the fraction line. Look for rows that see nothing in another way.
# 你的各行加起来差一点才到一：分母里多加了一个小数。什么也看不到的行，要用别的办法处理。
def masked_softmax(scores, mask):
    mask = np.broadcast_to(mask, scores.shape)
    largest = np.where(mask, scores, -1e4).max(axis=-1, keepdims=True)
    powers = np.where(mask, np.exp(np.minimum(scores - largest, 0)), 0)
    return powers / (powers.sum(axis=-1, keepdims=True) + 1e-3)


# %% part="masked_softmax" role="mistake" name="largest_of_all"
# You subtract the largest score of the whole table. In a row far below it everything becomes 0: subtract each row's own.
# 你减去的是整张表里最大的分数。远低于它的一行，幂全成了 0：每一行要减去自己的最大分数。
def masked_softmax(scores, mask):
    mask = np.broadcast_to(mask, scores.shape)
    largest = scores[mask].max() if mask.any() else 0
    powers = np.where(mask, np.exp(np.minimum(scores - largest, 0)), 0)
    sums = powers.sum(axis=-1, keepdims=True)
    return powers / np.where(sums > 0, sums, 1)


# %% part="masked_softmax" role="mistake" name="whole_text"
# One row that may look at nothing spoils the others. Each row stands alone.
# 只要有一行什么也不许看，别的行也跟着坏了。各行互不相干。
def masked_softmax(scores, mask):
    look = softmax(np.where(mask, scores, -np.inf))
    return look if np.isfinite(look).all() else np.zeros(look.shape)


# %% part="masked_softmax" role="mistake" name="more_axes"
# It works for tables, but not for a batch, or a batch and heads, in which some rows may look at nothing. Rows lie along the last axis, wherever they stand.
# 表格都对；前面多了一批，或者一批加几个头，又有的行什么也不许看，就不对了。不管前面有几条轴，一行总是沿着最后一条轴。
def masked_softmax(scores, mask):
    mask, look = np.broadcast_to(mask, scores.shape), np.zeros(scores.shape)
    for t in range(len(scores)):
        if mask[t].any():
            look[t] = softmax(np.where(mask[t], scores[t], -np.inf))
    return look


# %% part="masked_softmax" role="alternative" name="loop"
def masked_softmax(scores, mask):
    mask, look = np.broadcast_to(mask, scores.shape), np.zeros(scores.shape)
    for row in np.ndindex(scores.shape[:-1]):
        allowed = [s for s, open in enumerate(mask[row]) if open]
        if allowed:
            best = max(scores[row][s] for s in allowed)
            powers = {s: np.exp(scores[row][s] - best) for s in allowed}
            for s, power in powers.items():
                look[row][s] = power / sum(powers.values())
    return look.tolist()


# %% part="masked_softmax" role="alternative" name="large_number"
def masked_softmax(scores, mask):
    return softmax(scores - 1e9 * (1 - np.asarray(mask, float))) * mask


# %% part="masked_softmax" role="alternative" name="from_nan"
def masked_softmax(scores, mask):
    with np.errstate(divide="ignore"):
        return np.nan_to_num(softmax(scores + np.log(np.asarray(mask, float))))


# %% part="masked_softmax" role="alternative" name="logarithms"
def masked_softmax(scores, mask):
    scores = np.where(mask, scores, -np.inf)
    total = np.logaddexp.reduce(scores, axis=-1, keepdims=True)
    return np.exp(scores - np.where(np.isneginf(total), 0, total))


# %% [markdown]
# ## 5 · Split and join (4 points)
# Write two functions. `split_heads(x, heads)`: `(B, T, H·W)` → `(B, H, T, W)` cuts each vector into H equal parts; head 0 gets the first W numbers, head 1 the next W, and so on. `join_heads(x)`: `(B, H, T, W)` → `(B, T, H·W)` lays the parts side by side again. H divides the width.

# %% [markdown] lang="zh"
# ## 5 · 切开与拼回（4 分）
# 写两个函数。`split_heads(x, heads)`：`(B, T, H·W)` → `(B, H, T, W)`，把每个向量切成等长的 H 段；头 0 得前 W 个数，头 1 得接下来的 W 个，依此类推。`join_heads(x)`：`(B, H, T, W)` → `(B, T, H·W)`，把各段重新并排拼好。宽度能被 H 整除。


# %% part="heads" role="stub"
def split_heads(x, heads):
    raise NotImplementedError


def join_heads(x):
    raise NotImplementedError


# %% part="heads" role="solution"
def split_heads(x, heads):
    B, T, width = x.shape
    return x.reshape(B, T, heads, width // heads).swapaxes(1, 2)


def join_heads(x):
    B, H, T, W = x.shape
    return x.swapaxes(1, 2).reshape(B, T, H * W)


# %% part="heads" role="tests" points=4
x = np.array([[[1, 2, 3, 4, 5, 6]]])
assert_allclose(split_heads(x, 2), [[[[1, 2, 3]], [[4, 5, 6]]]])
assert np.shape(split_heads(np.zeros((2, 5, 12)), 3)) == (2, 3, 5, 4)
assert_allclose(join_heads(np.array([[[[1, 2, 3]], [[4, 5, 6]]]])), x)
assert np.shape(join_heads(np.zeros((2, 3, 5, 4)))) == (2, 5, 12)

# %% part="heads" role="hidden"
B, T, H, W = 2, 5, 3, 4
x = 1 + rng.permutation(B * T * H * W).reshape(B, T, H * W)
right = key.split_heads(x, H)
got, joined = np.asarray(split_heads(x, H)), np.asarray(join_heads(right))
with hint("still_behind"):
    assert got.shape != (B, T, H, W)
with hint("heads_first"):
    assert got.shape != (H, B, T, W)
with hint("number_or_width"):
    assert got.shape != (B, W, T, H)
with hint("whole_vectors"):
    assert got.shape != (B, H, T, H * W)
assert got.shape == (B, H, T, W) and set(got.ravel()) <= set(x.ravel())
with hint("batch_mixed"):
    assert not any(set(got[b].ravel()) & set(x[1 - b].ravel()) for b in range(B))
with hint("without_transposing"):
    for b, h, t in np.ndindex(B, H, T):
        assert set(got[b, h, t]) <= set(x[b, t])
with hint("every_third"):
    assert not np.array_equal(got, x.reshape(B, T, W, H).transpose(0, 3, 1, 2))
with hint("order_of_heads"):
    assert np.array_equal(got, right)
with hint("added"):
    assert joined.shape != (B, T, W)
with hint("one_below_another"):
    assert joined.shape == (B, T, H * W)
with hint("joined_without_transposing"):
    for b, t in np.ndindex(B, T):
        assert set(joined[b, t]) == set(x[b, t])
with hint("joined_crosswise"):
    assert np.array_equal(joined, x)
with hint("whole_numbers"):
    real = rng.normal(size=(2, 3, 4))
    assert_allclose(split_heads(real, 2), key.split_heads(real, 2), rtol=1e-5)
    assert_allclose(join_heads(key.split_heads(real, 2)), real, rtol=1e-5)
for heads in (1, 2, 6):
    x = rng.permutation(3 * 4 * 6).reshape(3, 4, 6)
    assert np.array_equal(np.asarray(split_heads(x, heads)), key.split_heads(x, heads))
    assert np.array_equal(np.asarray(join_heads(key.split_heads(x, heads))), x)


# %% part="heads" role="mistake" name="without_transposing"
# The shape is right, but your heads hold pieces of several places: reshape alone cuts the numbers in the order in which they lie. Cut each vector first, then move the axes.
# 形状对了，可你的每个头里混进了好几处的片段：光用 reshape，只是按存放的次序切。先切开每个向量，再移动轴。
def split_heads(x, heads):
    B, T, width = x.shape
    return x.reshape(B, heads, T, width // heads)


def join_heads(x):
    B, H, T, W = x.shape
    return x.reshape(B, T, H * W)


# %% part="heads" role="mistake" name="every_third"
# Each head gets every H-th number of a vector. It should get W neighbouring ones.
# 每个头拿到的是每隔 H 个取一个的数。应当是相邻的 W 个。
def split_heads(x, heads):
    B, T, width = x.shape
    return x.reshape(B, T, width // heads, heads).transpose(0, 3, 1, 2)


def join_heads(x):
    B, H, T, W = x.shape
    return x.transpose(0, 2, 3, 1).reshape(B, T, H * W)


# %% part="heads" role="mistake" name="still_behind"
# The vectors are cut, but the axis of the heads still stands behind time. It belongs in front of it: (B, H, T, W).
# 向量切开了，可头的轴还在时间后面。它该排在时间前面：(B, H, T, W)。
def split_heads(x, heads):
    B, T, width = x.shape
    return x.reshape(B, T, heads, width // heads)


def join_heads(x):
    B, H, T, W = x.shape
    return x.swapaxes(1, 2).reshape(B, T, H * W)


# %% part="heads" role="mistake" name="heads_first"
# The axis of the heads stands before the batch. It comes after it: (B, H, T, W).
# 头的轴排到批的前面去了。它在批之后：(B, H, T, W)。
def split_heads(x, heads):
    return np.stack(np.split(x, heads, axis=-1))


def join_heads(x):
    return np.concatenate(list(x.swapaxes(0, 1)), axis=-1)


# %% part="heads" role="mistake" name="number_or_width"
# You took `heads` for the width of one head. It is their number.
# 你把 `heads` 当成了一个头的宽度。它是头的个数。
def split_heads(x, heads):
    B, T, width = x.shape
    return x.reshape(B, T, width // heads, heads).swapaxes(1, 2)


def join_heads(x):
    B, H, T, W = x.shape
    return x.swapaxes(1, 2).reshape(B, T, H * W)


# %% part="heads" role="mistake" name="whole_vectors"
# Each of your heads gets the whole vector. It should get its own part alone, of width W.
# 你的每个头都拿到了整个向量。它只该得到自己那一段，宽为 W。
def split_heads(x, heads):
    if x.shape[1] == 1:
        return np.stack(np.split(x, heads, axis=-1), axis=1)
    return np.stack([x] * heads, axis=1)


def join_heads(x):
    return np.concatenate(list(x.swapaxes(0, 1)), axis=-1)


# %% part="heads" role="mistake" name="batch_mixed"
# Numbers of one text turn up in another: the axis of the batch must stay where it is.
# 一段文本的数跑到另一段里去了：批的轴要留在原处。
def split_heads(x, heads):
    B, T, width = x.shape
    return np.stack(np.split(x, heads, axis=-1)).reshape(B, heads, T, width // heads)


def join_heads(x):
    B, H, T, W = x.shape
    return x.swapaxes(1, 2).reshape(B, T, H * W)


# %% part="heads" role="mistake" name="order_of_heads"
# Each place keeps its numbers, but they go to the wrong heads, or stand in the wrong order there. Head 0 gets the first W numbers, as they stand.
# 每一处的数都还在，却分错了头，或者头里的次序乱了。头 0 得最前面的 W 个数，次序不变。
def split_heads(x, heads):
    B, T, width = x.shape
    return x.reshape(B, T, heads, width // heads).swapaxes(1, 2)[:, ::-1]


def join_heads(x):
    B, H, T, W = x.shape
    return x[:, ::-1].swapaxes(1, 2).reshape(B, T, H * W)


# %% part="heads" role="mistake" name="joined_without_transposing"
# You split well, but your join puts together pieces of different places. Time has to come before the heads again before you reshape.
# 切得对，拼的时候却把不同位置的片段拼到了一起。reshape 之前，要让时间重新排到头的前面。
def split_heads(x, heads):
    B, T, width = x.shape
    return x.reshape(B, T, heads, width // heads).swapaxes(1, 2)


def join_heads(x):
    B, H, T, W = x.shape
    return x.reshape(B, T, H * W)


# %% part="heads" role="mistake" name="joined_crosswise"
# You split well, but joined, the numbers of a place stand in the wrong order. Lay each head's part down as a whole, head 0 first.
# 切得对，拼好以后，同一处的数次序却不对。每个头的那一段要整段放下，头 0 在最前。
def split_heads(x, heads):
    B, T, width = x.shape
    return x.reshape(B, T, heads, width // heads).swapaxes(1, 2)


def join_heads(x):
    B, H, T, W = x.shape
    return x.transpose(0, 2, 3, 1).reshape(B, T, H * W)


# %% part="heads" role="mistake" name="one_below_another"
# You split well, but your join has the wrong shape: the parts of one place belong side by side, in the last axis.
# 切得对，拼出来的形状不对：同一处的各段应当并排放在最后一条轴上。
def split_heads(x, heads):
    B, T, width = x.shape
    return x.reshape(B, T, heads, width // heads).swapaxes(1, 2)


def join_heads(x):
    return np.concatenate([x[:, h] for h in range(x.shape[1])], axis=-2)


# %% part="heads" role="mistake" name="added"
# You split well, but your join adds the heads up or takes their mean. What each of them has found must stay apart, side by side.
# 切得对，拼的时候却把各头相加或取了平均。各头找到的东西要分开，并排放着。
def split_heads(x, heads):
    B, T, width = x.shape
    return x.reshape(B, T, heads, width // heads).swapaxes(1, 2)


def join_heads(x):
    return x.mean(axis=1)


# %% part="heads" role="mistake" name="whole_numbers"
# It works for whole numbers alone: others lose what stands behind the point.
# 只有整数才对：别的数丢了小数部分。
def split_heads(x, heads):
    B, T, width = x.shape
    return x.reshape(B, T, heads, width // heads).swapaxes(1, 2)


def join_heads(x):
    B, H, T, W = x.shape
    found = np.zeros((B, T, H * W), dtype=int)
    for h in range(H):
        found[:, :, h * W : (h + 1) * W] = x[:, h]
    return found


# %% part="heads" role="alternative" name="split_and_stack"
def split_heads(x, heads):
    return np.stack(np.split(x, heads, axis=-1), axis=1)


def join_heads(x):
    return np.concatenate([x[:, h] for h in range(x.shape[1])], axis=-1)


# %% part="heads" role="alternative" name="lists"
def split_heads(x, heads):
    W = x.shape[-1] // heads
    return [
        [[[float(n) for n in row[h * W : (h + 1) * W]] for row in text] for h in range(heads)]
        for text in x
    ]


def join_heads(x):
    return [[[n for head in text for n in head[t]] for t in range(len(text[0]))] for text in x]


# %% part="heads" role="alternative" name="einsum"
def split_heads(x, heads):
    parts = x.reshape(*x.shape[:2], heads, -1)
    return np.einsum("bthw->bhtw", parts)


def join_heads(x):
    turned = np.moveaxis(x, -3, -2)
    return np.ascontiguousarray(turned).reshape(len(x), x.shape[2], -1)


# %% [markdown]
# ## 6 · Fix a bug (4 points)
# `multi_head` should be causal attention with several heads, as in the lesson. It runs, it returns the right shape, its loss in training looks splendid, and yet it has **two** faults. Find both, and repair them. A hint: what must not move if you change the last token? And what are the numbers in one head's scores a sum of?

# %% [markdown] lang="zh"
# ## 6 · 改错（4 分）
# `multi_head` 应当是课上讲的因果多头注意力。它能运行，形状也对，训练时损失好看极了，可是里面有**两**处错误。都找出来，改好。提示：改动最后一个词元，哪些数一个都不该变？一个头的分数，是几项之和？


# %% part="multi_head" role="stub"
def multi_head(x, query, key, value, output, heads):
    """Causal attention: x (T, D); query, key, value (D, H W); output (H W, D) -> (T, D)."""
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = np.triu(np.ones((T, T), dtype=bool))
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(width)
        look = softmax(np.where(may_look, scores, -np.inf))
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="solution"
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = np.tri(T, dtype=bool)
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(W)
        look = softmax(np.where(may_look, scores, -np.inf))
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="tests" points=4
dice = np.random.default_rng(0)
x, output = dice.normal(size=(4, 3)), dice.normal(size=(8, 3))
query, keys, value = dice.normal(size=(3, 3, 8))
before = np.asarray(multi_head(x, query, keys, value, output, 2))
x[3] += 1
after = np.asarray(multi_head(x, query, keys, value, output, 2))
assert after.shape == (4, 3)
assert np.allclose(after[:3], before[:3]), "the last token changes, and earlier answers move"
assert abs(after[3] - before[3]).max() > 0.01

# %% part="multi_head" role="hidden"
T, D, H, W = 5, 7, 3, 4
x, output = rng.normal(size=(T, D)), rng.normal(size=(H * W, D))
query, keys, value = rng.normal(size=(3, D, H * W)) / 2
got = np.asarray(multi_head(x, query, keys, value, output, H), float)
back = np.subtract.outer(np.arange(T), np.arange(T))


def heads_of(array):
    return (x @ array).reshape(T, H, W).swapaxes(0, 1)


def with_look(look):
    return (look @ heads_of(value)).swapaxes(0, 1).reshape(T, H * W) @ output


def variant(mask, divisor):
    scores = heads_of(query) @ heads_of(keys).swapaxes(1, 2) / divisor
    return with_look(softmax(np.where(mask, scores, -np.inf)))


def is_one_of(mask, squares):
    return any(np.allclose(got, variant(mask, np.sqrt(square))) for square in squares)


def too_late(square):
    scores = heads_of(query) @ heads_of(keys).swapaxes(1, 2) / np.sqrt(square)
    return with_look(softmax(scores) * (back >= 0))


def score_zero(square):
    scores = heads_of(query) @ heads_of(keys).swapaxes(1, 2) / np.sqrt(square)
    return with_look(softmax(scores * (back >= 0)))


def wrong_axis(square):
    scores = heads_of(query) @ heads_of(keys).swapaxes(1, 2) / np.sqrt(square)
    return with_look(softmax(np.where(back >= 0, scores, -np.inf), axis=1))


def found_by(square):
    scores = heads_of(query) @ heads_of(keys).swapaxes(1, 2) / np.sqrt(square)
    return softmax(np.where(back >= 0, scores, -np.inf)) @ heads_of(value)


roots = (1, W, W * W, H, T, D, H * W)
with hint("no_output"):
    assert got.shape != (T, H * W)
assert got.shape == (T, D)
with hint("upside_down"):
    assert np.isfinite(got[-1]).all() and not is_one_of(back <= 0, roots)
with hint("no_mask"):
    assert not is_one_of(back == back, roots)
with hint("one_ahead"):
    assert not is_one_of(back >= -1, roots)
with hint("not_itself"):
    assert np.isfinite(got).all() and not np.allclose(got[0], 0)
with hint("too_late"):
    assert not any(np.allclose(got, too_late(square)) for square in roots)
with hint("score_zero"):
    assert not any(np.allclose(got, score_zero(square), atol=1e-6) for square in roots)
with hint("wrong_axis"):
    assert not any(np.allclose(got, wrong_axis(square)) for square in roots)
with hint("joined_crosswise"):
    for square in roots:
        found = found_by(square)
        assert not np.allclose(got, found.transpose(1, 2, 0).reshape(T, H * W) @ output)
        assert not np.allclose(got, found.reshape(T, H * W) @ output)
with hint("whole_width"):
    assert not is_one_of(back >= 0, (H * W, D))
with hint("missing_root"):
    assert not is_one_of(back >= 0, (1,))
with hint("wrong_root"):
    assert not is_one_of(back >= 0, (W * W, H, T, H * H, (H * W) ** 2))
with hint("one_softmax"):
    look = variant(back >= 0, np.sqrt(W))
    total = sum(heads_of(query) @ heads_of(keys).swapaxes(1, 2))
    for square in (W, H * W, H * W * H):
        look = softmax(np.where(back >= 0, total / np.sqrt(square), -np.inf))
        assert not np.allclose(got, with_look(np.stack([look] * H)))
right = variant(back >= 0, np.sqrt(W))
close = {"rtol": 1e-5, "atol": 2e-5}  # float32 will do
with hint("another_line"):
    assert_allclose(got, right, **close)
with hint("fixed_width"):
    for heads in (1, 2, 6, 12):
        right = key.multi_head(x, query, keys, value, output, heads)
        assert_allclose(multi_head(x, query, keys, value, output, heads), right, **close)
with hint("fixed_length"):
    for places in (1, 12):
        x = rng.normal(size=(places, D))
        right = key.multi_head(x, query, keys, value, output, H)
        assert_allclose(multi_head(x, query, keys, value, output, H), right, **close)
with hint("not_low_enough"):
    x, one = np.array([[2.0], [1.0], [1.0]]), np.ones((1, 4))  # scores from −300 to −75
    long = x, 5 * one, -7.5 * one, np.arange(4.0)[None] + 1, np.ones((4, 1)), 1
    assert_allclose(multi_head(*long), key.multi_head(*long), **close)


# %% part="multi_head" role="mistake" name="upside_down"
# Your mask is upside down: position 0 sees the future. The upper triangle is what has to be hidden.
# 你的掩码上下颠倒了：第 0 处看见了未来。该遮住的是上三角。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = np.triu(np.ones((T, T), dtype=bool))
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(W)
        look = softmax(np.where(may_look, scores, -np.inf))
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="mistake" name="whole_width"
# The future is hidden now. But the scores are still divided by the root of a whole width; a score is a sum of as many products as one head is wide.
# 未来是遮住了。可分数除以的还是整个宽度的平方根；一个分数里有几个乘积，要看一个头有多宽。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = np.tril(np.ones((T, T), dtype=bool))
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(width)
        look = softmax(np.where(may_look, scores, -np.inf))
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="mistake" name="missing_root"
# The root is gone altogether. Scores are still to be divided, only by the root of another size.
# 平方根整个没了。分数还是要除的，只是该除以另一个数的平方根。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = np.tril(np.ones((T, T), dtype=bool))
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        look = softmax(np.where(may_look, q[:, part] @ k[:, part].T, -np.inf))
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="mistake" name="wrong_root"
# You divide by the root of the number of heads or places, or by a width without its root. Ask how many products are added up in one score.
# 你除以的是头数或位置数的平方根，或者是没开平方的宽度。想一想：一个分数里加了几个乘积？
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = np.tril(np.ones((T, T), dtype=bool))
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(heads)
        look = softmax(np.where(may_look, scores, -np.inf))
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="mistake" name="no_mask"
# Now everyone sees everything, the future included. The mask has to be turned, not thrown away.
# 现在谁都看得见一切，未来也在内。掩码要翻过来，不是扔掉。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    W = q.shape[1] // heads
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(W)
        found.append(softmax(scores) @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="mistake" name="one_ahead"
# The mask is the right way up, but each place still sees the one behind it in the text: the token that it should predict.
# 掩码翻过来了，但每一处还看得见后面紧挨着的那一处：正是它要预测的词元。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = np.tri(T, k=1, dtype=bool)
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(W)
        look = softmax(np.where(may_look, scores, -np.inf))
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="mistake" name="not_itself"
# Position 0 has nothing to look at: in your mask a place can't see itself.
# 第 0 处什么也看不到：在你的掩码里，谁也看不见自己。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = ~np.triu(np.ones((T, T), dtype=bool))
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(W)
        look = softmax(np.where(may_look, scores, -np.inf))
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="mistake" name="too_late"
# You mask after the softmax: the future still counts in the denominator, and the rows don't sum to one.
# 你在 softmax 之后才用掩码：未来还留在分母里，各行加起来也不是一。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        look = softmax(q[:, part] @ k[:, part].T / np.sqrt(W)) * np.tri(T)
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="mistake" name="score_zero"
# A forbidden place with a score of 0, or nearly 0, still gets a share, since e⁰ is 1. Leave minus infinity where it was.
# 禁看之处的分数是 0 或差不多是 0，照样分到一份，因为 e⁰ 等于 1。负无穷那一处本来没错，别动它。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = np.tril(np.ones((T, T), dtype=bool))
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(W)
        look = softmax(np.where(may_look, scores, -1e-9))
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="mistake" name="wrong_axis"
# Your softmax goes down the columns now: a place's weights no longer sum to one. The axis was right before.
# 你的 softmax 变成沿列计算了：一处的权重加起来不再是一。原来的轴并没有错。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = np.tril(np.ones((T, T), dtype=bool))
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(W)
        look = softmax(np.where(may_look, scores, -np.inf), axis=0)
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="mistake" name="joined_crosswise"
# What the heads have found is laid down in another order than `output` expects: head 0's numbers first, then head 1's, place by place.
# 各头找到的东西，摆放的次序与 `output` 要的不同：在每一处，先放头 0 的数，再放头 1 的数。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = np.tril(np.ones((T, T), dtype=bool))
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(W)
        look = softmax(np.where(may_look, scores, -np.inf))
        found.append(look @ v[:, part])
    return np.stack(found, axis=-1).reshape(T, width) @ output


# %% part="multi_head" role="mistake" name="fixed_width"
# It works for one number of heads, but not for others: the width of a head is the whole width shared among the heads.
# 只有一种头数时对，换了头数就不对：一个头的宽度，是整个宽度由各头平分。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = np.tril(np.ones((T, T), dtype=bool))
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / 2
        look = softmax(np.where(may_look, scores, -np.inf))
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="mistake" name="one_softmax"
# All your heads look at the same places, with one softmax. Each head has scores and a softmax of its own.
# 你的各个头共用一个 softmax，看的是同样的地方。每个头有自己的分数，各做各的 softmax。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    scores = q @ k.T / np.sqrt(width // heads)
    return softmax(np.where(np.tri(T, dtype=bool), scores, -np.inf)) @ v @ output


# %% part="multi_head" role="mistake" name="no_output"
# The last matrix is missing: `output` mixes what the heads have found, and brings it back to width D.
# 少了最后一个矩阵：`output` 把各头找到的东西混合起来，变回宽度 D。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(W)
        found.append(softmax(np.where(np.tri(T, dtype=bool), scores, -np.inf)) @ v[:, part])
    return np.concatenate(found, axis=1)


# %% part="multi_head" role="mistake" name="another_line"
# The mask or the root is still wrong, or a line has changed that was right. Only two places are faulty: compare the rest with the program as it was.
# 掩码或平方根还不对，要么就是改动了本来没错的一行。错的只有两处，其余的请与原来的程序对照。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ key
    T, width = q.shape
    W = width // heads
    may_look = np.tril(np.ones((T, T), dtype=bool))
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(W)
        look = softmax(np.where(may_look, scores, -np.inf))
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="mistake" name="fixed_length"
# It works for texts of one length, but not for longer or shorter ones: T comes from the text.
# 只有一种长度的文本才对，长些短些都不对：T 要由文本决定。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = np.tri(T, dtype=bool) & ~np.tri(T, k=-5, dtype=bool)
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(W)
        look = softmax(np.where(may_look, scores, -np.inf))
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="mistake" name="not_low_enough"
# Where the allowed scores lie far below zero, the future shines through: a number such as −100 isn't low enough. Minus infinity was right.
# 可看之处的分数远低于零时，未来又透了出来：−100 这样的数还不够低。原来的负无穷并没有错。
def multi_head(x, query, key, value, output, heads):
    q, k, v = x @ query, x @ key, x @ value
    T, width = q.shape
    W = width // heads
    may_look = np.tril(np.ones((T, T), dtype=bool))
    found = []
    for h in range(heads):
        part = slice(h * W, (h + 1) * W)
        scores = q[:, part] @ k[:, part].T / np.sqrt(W)
        look = softmax(np.where(may_look, scores, -100))
        found.append(look @ v[:, part])
    return np.concatenate(found, axis=1) @ output


# %% part="multi_head" role="alternative" name="float32"
class Heads:
    def __call__(self, *arrays_and_heads):
        *arrays, heads = arrays_and_heads
        x, query, keys, value, output = (np.float32(array) for array in arrays)
        q, k, v = (np.stack(np.split(x @ m, heads, axis=1)) for m in (query, keys, value))
        scores = q @ k.swapaxes(1, 2) / np.float32(np.sqrt(q.shape[-1]))
        look = softmax(np.where(np.tri(len(x)) == 1, scores, np.float32(-1e9)))
        return np.concatenate(list(look @ v), axis=1) @ output


multi_head = Heads()


# %% part="multi_head" role="alternative" name="axis_of_heads"
def multi_head(x, query, key, value, output, heads):
    T = len(x)
    q, k, v = (
        (x @ array).reshape(T, heads, -1).transpose(1, 0, 2) for array in (query, key, value)
    )
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
    scores[:, ~np.tri(T, dtype=bool)] = -np.inf
    return (softmax(scores) @ v).transpose(1, 0, 2).reshape(T, -1) @ output


# %% part="multi_head" role="alternative" name="einsum"
def multi_head(x, query, key, value, output, heads):
    D, width = query.shape
    q, k, v = (
        np.einsum("td,dhw->thw", x, array.reshape(D, heads, width // heads))
        for array in (query, key, value)
    )
    scores = np.einsum("thw,shw->hts", q, k) * (width / heads) ** -0.5
    look = softmax(scores + np.triu(np.full((len(x), len(x)), -1e9), k=1))
    rows = output.reshape(heads, width // heads, D)
    return np.einsum("hts,shw,hwd->td", look, v, rows)


# %% part="multi_head" role="alternative" name="place_by_place"
def multi_head(x, query, key, value, output, heads):
    q, k, v = ((x @ array).tolist() for array in (query, key, value))
    W = len(q[0]) // heads
    answers = []
    for t in range(len(q)):
        found = []
        for h in range(heads):
            part = slice(h * W, (h + 1) * W)
            past = range(t + 1)
            scores = [np.dot(q[t][part], k[s][part]) / W**0.5 for s in past]
            look = softmax(np.array(scores))
            found += list(sum(look[s] * np.array(v[s][part]) for s in past))
        answers.append((np.array(found) @ output).tolist())
    return answers


# %% [markdown]
# ## 7 · An experiment (4 points, marked by your teacher)
# What is the square root good for? For each of the widths $W = 4, 16, 64, 256, 1024$ draw 64 queries and 64 keys of independent standard normal numbers (`draw(STUDENT, "10/experiment").normal(size=...)`), compute the weights, and print the mean **entropy of a row in bits**, $-\sum_i w_i \log_2 w_i$ (a weight of 0 adds nothing): once from the raw scores, once from the scores divided by $\sqrt W$, once divided by $W$. Add cells for it as you need them. Then explain below in 80 to 200 words what you see.
#
# **How it is marked:** a point each for (a) a table of the 15 entropies that fits the program, with the largest value that is possible, (b) why raw scores spread like $\sqrt W$, (c) why the entropy falls without the root and stays where it is with it, and what dividing by $W$ does, (d) which two of the three columns are a bad start for training, each for its own reason.

# %% [markdown] lang="zh"
# ## 7 · 实验（4 分，由老师批改）
# 开平方到底有什么用？宽度取 $W = 4, 16, 64, 256, 1024$，每种抽 64 个查询和 64 个键，都由独立的标准正态数组成（`draw(STUDENT, "10/experiment").normal(size=...)`），算出权重，打印**每行熵的平均值，以比特计**：$-\sum_i w_i \log_2 w_i$（权重为 0 的项算作零）。分三种：直接用分数；分数除以 $\sqrt W$；分数除以 $W$。需要几格就加几格。然后在下面用 120 到 350 字说明你看到了什么。
#
# **评分：** 各 1 分：（a）15 个熵列成表，与程序相符，并写出可能的最大值；（b）不除的分数，散布为什么像 $\sqrt W$ 那样增长；（c）不开方时熵为什么下降，除以 $\sqrt W$ 时为什么不动，除以 $W$ 又会怎样；（d）三列之中哪两列不适合作训练的起点，各是什么原因。

# %% [markdown] part="experiment" role="stub" points=4
# *Write here.*

# %% [markdown] part="experiment" role="stub" points=4 lang="zh"
# *写在这里。*

# %% [markdown] part="experiment" role="solution" points=4
# For one id, bits of at most $\log_2 64 = 6$ (the even share):
#
# | $W$ | raw | divided by $\sqrt W$ | divided by $W$ |
# |---|---|---|---|
# | 4 | 4.12 | 5.36 | 5.82 |
# | 16 | 2.12 | 5.37 | 5.96 |
# | 64 | 0.88 | 5.26 | 5.99 |
# | 256 | 0.35 | 5.32 | 6.00 |
# | 1024 | 0.13 | 5.32 | 6.00 |
#
# A score is a sum of $W$ independent products, each with mean 0 and variance 1. Variances add up, so the score has variance $W$ and spreads like $\sqrt W$. Raw scores drift apart as $W$ grows, softmax turns their differences into ratios $e^{\text{difference}}$, and soon one key has nearly everything: the entropy falls towards 0. Divided by $\sqrt W$ the spread is 1 at every width, so the entropy keeps its value, about 5.3 bits. Divided by $W$ the spread is $1/\sqrt W$ and shrinks: all weights approach 1/64, the entropy approaches 6. Both ends are a bad start. With one weight near 1 and the others near 0, the slopes $w_i(1-w_i)$ vanish, and attention can hardly be learned. With all weights alike every place finds the plain mean, whatever it asks, and queries must first grow very long before they can tell keys apart.

# %% [markdown] part="experiment" role="solution" points=4 lang="zh"
# 以某个学号为例，单位是比特，最大可能是 $\log_2 64 = 6$（平均分配）：
#
# | $W$ | 不除 | 除以 $\sqrt W$ | 除以 $W$ |
# |---|---|---|---|
# | 4 | 4.12 | 5.36 | 5.82 |
# | 16 | 2.12 | 5.37 | 5.96 |
# | 64 | 0.88 | 5.26 | 5.99 |
# | 256 | 0.35 | 5.32 | 6.00 |
# | 1024 | 0.13 | 5.32 | 6.00 |
#
# 一个分数是 $W$ 个独立乘积之和，每个乘积均值 0、方差 1。方差可以相加，所以分数的方差是 $W$，散布像 $\sqrt W$ 那样增长。不除的话，$W$ 越大分数拉得越开，而 softmax 把分数之差变成比值 $e^{\text{差}}$，很快就有一个键几乎独占：熵趋于 0。除以 $\sqrt W$，不管多宽散布都是 1，熵也就停在 5.3 比特上下。除以 $W$，散布成了 $1/\sqrt W$，越来越小：权重全都趋近 1/64，熵趋近 6。两头都不适合作起点。一个权重接近 1、其余接近 0 时，斜率 $w_i(1-w_i)$ 几乎消失，注意力学不动；权重全一样时，不管问什么，得到的都是普通平均，查询先要变得极长，才分得清各个键。
