# %% [markdown]
# # Assignment 03 · Softmax
# **After lesson 03 · about 75 minutes · 30 points.** You turn scores into probabilities, measure how wrong they are, and find out in which direction to move them. NumPy and Python's own library are all you need; your functions must not import anything else.
#
# Every question has a cell that begins with a comment, a `raise NotImplementedError` or, once, a faulty function: replace it. The cell below it holds the visible tests; run it as often as you like. When your work is marked, other tests are run as well, with other numbers. A question gives all of its points or none. Numbers come in as lists or as NumPy arrays; either will do as an answer. You may call your own functions from earlier questions, but if one of them is wrong, so is the answer that calls it.
#
# Work on your own: your numbers are drawn from your student id, and nobody else has them. Write it into the next cell first.

# %% [markdown] lang="zh"
# # 作业 03 · Softmax
# **学完第 03 课再做 · 约 75 分钟 · 30 分。** 你要把分数变成概率，量出它错得多远，再找出该朝哪个方向挪动分数。只用 NumPy 和 Python 自带的库；你的函数不要导入别的。
#
# 每道题有一格，开头是注释或 `raise NotImplementedError`，有一道给的是写错的函数：把它换成你的答案。下面一格是公开测试，随便运行多少次。批改时还会运行别的测试，用的是别的数。一道题要么得满分，要么得零分。传进来的数放在列表或 NumPy 数组里，你返回哪一种都行。前面各题的函数可以接着用，不过它要是错了，用它的那道题也跟着错。
#
# 请独立完成：你的数由学号抽出，别人没有一样的。先把学号写进下一格。

# %%
STUDENT = ""  # your student id, such as "s01" · 你的学号

# %%
import numpy as np
from numpy.testing import assert_allclose

from lmcourse.classroom.draw import draw

# %% [markdown]
# ## 1 · By hand (4 points)
# Three characters `a`, `b`, `c` have these scores. What probabilities does softmax give them? The next character is `b`: what is the cross-entropy, in **bits**? A calculator is allowed, a program is not needed. Give three decimals.

# %% [markdown] lang="zh"
# ## 1 · 动手算（4 分）
# 三个字符 `a`、`b`、`c` 的分数如下。softmax 给它们的概率各是多少？下一个字符是 `b`：交叉熵是多少**比特**？可以用计算器，不必写程序。保留三位小数。

# %%
my_scores = draw(STUDENT, "03/by hand").permutation([-1, 0, 1, 2])[:3]
print("a, b, c:", *my_scores)

# %% part="by_hand" role="stub"
probabilities = ...  # [a, b, c]
bits = ...

# %% part="by_hand" role="solution"
powers = [float(np.exp(score)) for score in my_scores]
probabilities = [round(power / sum(powers), 3) for power in powers]
bits = round(float(-np.log2(powers[1] / sum(powers))), 3)

# %% part="by_hand" role="tests" points=4
assert np.shape(probabilities) == (3,), "three probabilities, one for each character"
assert_allclose(np.sum(probabilities), 1, atol=0.002)
assert bits > 0

# %% part="by_hand" role="hidden"
got, right = np.asarray(probabilities, float), np.asarray(key.probabilities)
bits = float(np.asarray(bits, float).mean())
assert np.isfinite([*got, bits]).all()
nats, p = key.bits * np.log(2), key.powers[1] / sum(key.powers)
exact = np.array(key.powers) / sum(key.powers)
with hint("percent"):
    assert not np.isclose(got.sum(), 100, atol=1)
with hint("without_powers"):
    for linear in (my_scores, np.abs(my_scores), my_scores - my_scores.min()):
        shares = linear / linear.sum() if linear.sum() else np.zeros(3)
        assert not np.allclose(got, shares, atol=0.002)
with hint("powers_of_two"):
    for base in (2.0, 10.0):
        assert not np.allclose(got, base**my_scores / np.sum(base**my_scores), atol=0.002)
with hint("order"):
    assert np.allclose(got, right, atol=0.002) or not np.allclose(
        np.sort(got), np.sort(right), atol=0.002
    )
with hint("few_decimals"):
    for decimals in (0, 1, 2):
        assert np.allclose(got, right, atol=0.002) or not np.allclose(got, exact.round(decimals))
with hint("other_probabilities"):
    assert_allclose(got, right, atol=0.002)
with hint("few_decimals"):
    for decimals in (0, 1):
        rounded = np.round(key.bits, decimals)
        assert np.isclose(bits, key.bits, atol=0.01) or not np.isclose(bits, rounded)
with hint("nats"):
    assert not np.isclose(bits, nats, atol=0.003)
with hint("first_character"):
    others = [-np.log2(q) for q in right if not np.isclose(q, p, atol=0.001)]
    assert not np.isclose(bits, others, atol=0.006).any()
with hint("probability_itself"):
    assert not np.isclose(bits, p, atol=0.003)
with hint("average_of_all"):
    assert not np.isclose(bits, -np.dot(right, np.log2(right)), atol=0.006)
with hint("other_bits"):
    assert_allclose(bits, key.bits, atol=0.01)  # from rounded probabilities, too


# %% part="by_hand" role="mistake" name="without_powers"
# You divided the scores by their sum. Scores may be negative: raise e to each of them first.
# 你把分数除以了它们的和。分数可以是负的：先对每个分数取 e 的幂。
probabilities = [float(score / (sum(my_scores) or 1)) for score in my_scores]
probabilities = probabilities if sum(my_scores) else [0.0, 0.0, 0.0]
bits = 1.0

# %% part="by_hand" role="mistake" name="powers_of_two"
# You took powers of 2 or of 10. Softmax takes powers of e; only the cross-entropy is measured in bits.
# 你取的是 2 或 10 的幂。softmax 取 e 的幂，只有交叉熵才用比特来量。
probabilities = [float(2.0**score / sum(2.0**my_scores)) for score in my_scores]
bits = 1.0

# %% part="by_hand" role="mistake" name="nats"
# Your cross-entropy is in nats. Divide by ln 2, or take the logarithm to base 2.
# 你的交叉熵单位是奈特。除以 ln 2，或者改取以 2 为底的对数。
powers = [float(np.exp(score)) for score in my_scores]
probabilities = [power / sum(powers) for power in powers]
bits = float(-np.log(probabilities[1]))

# %% part="by_hand" role="mistake" name="first_character"
# That is the cross-entropy of another character. The next one is b.
# 这是另一个字符的交叉熵。下一个字符是 b。
powers = [float(np.exp(score)) for score in my_scores]
probabilities = [power / sum(powers) for power in powers]
bits = float(-np.log2(probabilities[0]))

# %% part="by_hand" role="mistake" name="probability_itself"
# That is the probability of b. The cross-entropy is minus its logarithm.
# 这是 b 的概率。交叉熵是它的对数取负。
powers = [float(np.exp(score)) for score in my_scores]
probabilities = [power / sum(powers) for power in powers]
bits = probabilities[1]

# %% part="by_hand" role="mistake" name="average_of_all"
# That is the entropy of the distribution, an average over all characters. Here the next one is known.
# 这是整个分布的熵，是对所有字符的平均。这里下一个字符是已知的。
powers = [float(np.exp(score)) for score in my_scores]
probabilities = [power / sum(powers) for power in powers]
bits = float(-np.dot(probabilities, np.log2(probabilities)))

# %% part="by_hand" role="mistake" name="percent"
# These are percentages. Probabilities sum to one.
# 这是百分数。概率加起来等于一。
powers = [float(np.exp(score)) for score in my_scores]
probabilities = [round(100 * power / sum(powers), 1) for power in powers]
bits = round(float(-np.log2(powers[1] / sum(powers))), 3)


# %% part="by_hand" role="mistake" name="order"
# The three probabilities are right, but not in their order: [a, b, c].
# 三个概率都对，次序不对：应当是 [a, b, c]。
powers = [float(np.exp(score)) for score in my_scores]
probabilities = [power / sum(powers) for power in powers][::-1]
bits = float(-np.log2(probabilities[1]))


# %% part="by_hand" role="mistake" name="few_decimals"
# You rounded too far. Give three decimals.
# 你舍入得太多了。要保留三位小数。
powers = [float(np.exp(score)) for score in my_scores]
probabilities = [round(power / sum(powers), 1) for power in powers]
bits = round(float(-np.log2(powers[1] / sum(powers))), 1)


# %% part="by_hand" role="mistake" name="other_probabilities"
# Your probabilities are not those of softmax. Take e to the power of each score, with its sign, and then each power's share of their sum.
# 你的概率不是 softmax 给的。先对每个分数取 e 的幂，注意正负号，再看每个幂占总和的几分之几。
powers = [float(np.exp(score / 2)) for score in my_scores]
probabilities = [power / sum(powers) for power in powers]
bits = float(-np.log2(probabilities[1]))


# %% part="by_hand" role="mistake" name="other_bits"
# Your probabilities are right, your cross-entropy is not. It is minus the logarithm to base 2 of one of them.
# 概率对了，交叉熵不对。它是其中一个概率以 2 为底的对数，再取负。
powers = [float(np.exp(score)) for score in my_scores]
probabilities = [power / sum(powers) for power in powers]
bits = float(-np.log2(probabilities).sum())


# %% part="by_hand" role="alternative" name="four_decimals"
probabilities = np.exp(my_scores) / np.exp(my_scores).sum()
bits = float(np.log2(np.exp(my_scores).sum()) - my_scores[1] / np.log(2))

# %% part="by_hand" role="alternative" name="tuple"
powers = [float(np.exp(score)) for score in my_scores]
probabilities = tuple(round(power / sum(powers), 3) for power in powers)
bits = round(-np.log(probabilities[1]) / np.log(2), 3)

# %% part="by_hand" role="alternative" name="text_free_dictionary"
total = sum(np.e ** float(score) for score in my_scores)
probabilities = [np.e ** float(score) / total for score in my_scores]
bits = np.array(-np.log2(probabilities[1]))

# %% [markdown]
# ## 2 · Softmax (6 points)
# Write `softmax(scores)`: scores of any shape `(..., V)` in, probabilities of the same shape out. Each row, along the last axis, sums to one. Scores such as 1,000 or −1,000 must not overflow.

# %% [markdown] lang="zh"
# ## 2 · Softmax（6 分）
# 写出 `softmax(scores)`：输入任意形状 `(..., V)` 的分数，输出同样形状的概率。沿最后一条轴，每一行加起来等于一。分数大到 1,000 或小到 −1,000，也不能溢出。


# %% part="softmax" role="stub"
def softmax(scores):
    raise NotImplementedError


# %% part="softmax" role="solution"
def softmax(scores):
    scores = np.asarray(scores, float)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


# %% part="softmax" role="tests" points=6
assert_allclose(softmax([2.0, 1.0, -1.0]), [0.705, 0.259, 0.035], atol=0.001)
assert_allclose(softmax([0.0, 0.0]), [0.5, 0.5], rtol=1e-5)
two = softmax([[1.0, 1.0], [0.0, np.log(3)]])
assert_allclose(two, [[0.5, 0.5], [0.25, 0.75]], rtol=1e-5)

# %% part="softmax" role="hidden"
one = rng.normal(size=5) * 2
table, cube = rng.normal(size=(3, 5)), rng.normal(size=(2, 3, 5))
close = {"rtol": 1e-4, "atol": 1e-6}  # float32 will do
got, right = np.asarray(softmax(one), float), key.softmax(one)
assert got.shape == (5,) and np.shape(softmax(table)) == (3, 5) and np.isfinite(got).all()
with hint("logarithm"):
    assert not np.allclose(got, np.log(right), **close)
with hint("without_powers"):
    for linear in (one, np.abs(one), one - one.min()):
        assert not np.allclose(got, linear / linear.sum())
with hint("whole_table"):
    assert not np.isclose(np.sum(softmax(table)), 1)
with hint("wrong_axis"):
    assert not np.allclose(np.sum(softmax(table), axis=0), 1)
with hint("rounded"):
    for decimals in (1, 2, 3, 4):
        assert not np.allclose(got, right.round(decimals), rtol=0, atol=1e-9)
with hint("rescaled"):
    slope = np.polyfit(one, np.log(np.maximum(got, 1e-300)), 1)[0]
    assert np.isclose(slope, 1, rtol=1e-3) or not np.allclose(got, key.softmax(slope * one))
assert_allclose(got, right, **close)
with hint("overflow"):
    for row in ([1000.0, 999.0, 0.0], [1000.0] + 5 * [-1000.0], [-1000.0, 0.0, 1000.0]):
        assert_allclose(softmax(row), key.softmax(row), **close)
with hint("largest_of_all"):
    far = np.array([[1000.0, 999.0], [-1000.0, -1001.0]])
    assert_allclose(softmax(far), key.softmax(far), **close)
with hint("rescaled"):
    assert_allclose(softmax(one * 9), key.softmax(one * 9), **close)
    assert_allclose(np.asarray(softmax([0.0, -30.0]))[1], np.exp(-30), rtol=1e-3)
assert_allclose(softmax(table), key.softmax(table), **close)
with hint("only_tables"):
    assert_allclose(softmax(cube), key.softmax(cube), **close)


# %% part="softmax" role="mistake" name="logarithm"
# Your result is the logarithm of the probabilities. Return the probabilities.
# 你返回的是概率的对数，该返回概率本身。
def softmax(scores):
    scores = np.asarray(scores, float)
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))


# %% part="softmax" role="mistake" name="without_powers"
# You divided the scores by their sum. Raise e to each score first, so that all are positive.
# 你把分数除以了它们的和。先对每个分数取 e 的幂，让它们都成为正数。
def softmax(scores):
    scores = np.asarray(scores, float)
    return np.abs(scores) / np.abs(scores).sum(axis=-1, keepdims=True)


# %% part="softmax" role="mistake" name="whole_table"
# All your probabilities together sum to one. Each row is a distribution of its own: sum along the last axis.
# 你的概率全部加起来才等于一。每一行自成一个分布：沿最后一条轴求和。
def softmax(scores):
    scores = np.asarray(scores, float)
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


# %% part="softmax" role="mistake" name="wrong_axis"
# Your columns sum to one, not your rows. Softmax works along the last axis.
# 你的每一列加起来等于一，该是每一行。softmax 沿最后一条轴计算。
def softmax(scores):
    scores = np.asarray(scores, float)
    powers = np.exp(scores - scores.max(axis=0, keepdims=True))
    return powers / powers.sum(axis=0, keepdims=True)


# %% part="softmax" role="mistake" name="overflow"
# e to the power of 1,000 is infinite. Before you take powers, subtract the largest score: not the first one, not the mean.
# e 的 1,000 次方是无穷大。取幂之前先减去最大的分数，不是第一个分数，也不是平均数。
def softmax(scores):
    with np.errstate(all="ignore"):
        powers = np.exp(np.asarray(scores, float))
        return powers / powers.sum(axis=-1, keepdims=True)


# %% part="softmax" role="mistake" name="largest_of_all"
# A row far below the number that you subtract becomes 0/0. Subtract each row's own largest score: not that of the whole table, and not the largest absolute value.
# 一行远低于你减去的数，就会变成 0/0。每一行要减去自己的最大分数：不是整张表的最大值，也不是绝对值的最大值。
def softmax(scores):
    scores = np.asarray(scores, float)
    with np.errstate(all="ignore"):
        powers = np.exp(scores - scores.max())
        return powers / powers.sum(axis=-1, keepdims=True)


# %% part="softmax" role="mistake" name="only_tables"
# It works for a row and for a table, but not for more axes. Count axes from the end: the last one is -1.
# 一行和一张表都对，轴再多就不对了。轴要从末尾数起：最后一条是 -1。
def softmax(scores):
    scores = np.asarray(scores, float)
    axis = min(scores.ndim - 1, 1)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


# %% part="softmax" role="mistake" name="rescaled"
# The size of the differences between scores counts: don't rescale or clip the scores, and take powers of e.
# 分数之差的大小是算数的：不要缩放或截断分数，取幂要以 e 为底。
def softmax(scores):
    scores = np.asarray(scores, float)
    scores = scores - scores.max(axis=-1, keepdims=True)
    scores = scores / max(np.abs(scores).max() / 3, 1)
    powers = np.exp(scores)
    return powers / powers.sum(axis=-1, keepdims=True)


# %% part="softmax" role="mistake" name="rounded"
# You rounded the probabilities. Return them as they are.
# 你把概率舍入了。算出来是多少，就返回多少。
def softmax(scores):
    scores = np.asarray(scores, float)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (powers / powers.sum(axis=-1, keepdims=True)).round(3)


# %% part="softmax" role="alternative" name="float32"
def softmax(scores):
    scores = np.asarray(scores, np.float32)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


# %% part="softmax" role="alternative" name="loop"
def softmax(scores):
    scores = np.asarray(scores, float)
    if scores.ndim > 1:
        return np.array([softmax(row) for row in scores])
    powers = [np.exp(score - max(scores)) for score in scores]
    return [power / sum(powers) for power in powers]


# %% part="softmax" role="alternative" name="logarithms"
def softmax(scores):
    scores = np.asarray(scores, float)
    largest = scores.max(-1)[..., None]
    return np.exp(scores - largest - np.log(np.exp(scores - largest).sum(-1))[..., None])


# %% part="softmax" role="alternative" name="einsum"
def softmax(scores):
    scores = np.asarray(scores, float)
    powers = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return np.einsum("...v,...->...v", powers, 1 / np.einsum("...v->...", powers))


# %% [markdown]
# ## 3 · Cross-entropy (6 points)
# Write `cross_entropy(scores, ids)`: scores `(B, V)` and the ids `(B,)` of the characters that came; the result is the mean cross-entropy in **nats**, one number. It must be exact where the probability is so small that it would round to 0.

# %% [markdown] lang="zh"
# ## 3 · 交叉熵（6 分）
# 写出 `cross_entropy(scores, ids)`：分数 `(B, V)`，以及真正出现的字符的编号 `(B,)`；结果是平均交叉熵，一个数，单位是**奈特**。概率小到会舍成 0 的时候，结果也要准确。


# %% part="cross_entropy" role="stub"
def cross_entropy(scores, ids):
    raise NotImplementedError


# %% part="cross_entropy" role="solution"
def cross_entropy(scores, ids):
    scores = np.asarray(scores, float)
    largest = scores.max(axis=-1, keepdims=True)
    log_p = scores - largest - np.log(np.exp(scores - largest).sum(axis=-1, keepdims=True))
    return float(-log_p[np.arange(len(log_p)), np.asarray(ids)].mean())


# %% part="cross_entropy" role="tests" points=6
assert_allclose(cross_entropy([[0.0, 0.0]], [1]), np.log(2), rtol=1e-5)
assert_allclose(cross_entropy([[0.0, np.log(3)], [0.0, 0.0]], [1, 0]), 0.4904, atol=1e-4)

# %% part="cross_entropy" role="hidden"
scores, ids = rng.normal(size=(5, 4)) * 2, rng.permutation([0, 1, 2, 3, 3])
right = key.cross_entropy(scores, ids)
got = cross_entropy(scores, ids)
log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
chosen = log_p[np.arange(5), ids]
with hint("not_averaged"):
    assert np.shape(got) == ()
    assert not np.isclose(got, -chosen.sum())
with hint("bits"):
    assert not np.isclose(got, right / np.log(2))
with hint("sign"):
    assert not np.isclose(got, -right)
with hint("mean_probability"):
    assert not np.isclose(got, -np.log(np.exp(chosen).mean()))
with hint("every_character"):
    assert not np.isclose(got, -log_p.mean())
    assert not np.isclose(got, -log_p[:, ids].mean())
with hint("most_probable"):
    assert not np.isclose(got, -log_p.max(axis=1).mean())
with hint("certain_or_not"):
    both = log_p[np.arange(5), ids] + np.log(1 - np.exp(log_p)).sum(axis=1)
    both -= np.log(1 - np.exp(chosen))
    assert not np.isclose(got, -both.mean(), rtol=1e-4)
assert_allclose(got, right, rtol=1e-4)
with hint("probability_zero"):
    gap = float(rng.integers(1100, 1900))
    assert_allclose(cross_entropy([[gap, 0.0]], [1]), gap, rtol=1e-5)
    assert_allclose(cross_entropy([[900.0, 900.0, 0.0]], [2]), 900 + np.log(2), rtol=1e-5)
with hint("largest_of_all"):
    far = [[1000.0, 999.0], [-1000.0, -1001.0]]
    assert_allclose(cross_entropy(far, [0, 0]), np.log(1 + np.exp(-1)), rtol=1e-4)


# %% part="cross_entropy" role="mistake" name="not_averaged"
# Return the mean over the batch: one number, not a sum and not a list.
# 要返回整批的平均值：一个数，不是总和，也不是一串数。
def cross_entropy(scores, ids):
    scores = np.asarray(scores, float)
    log_p = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    return float(-log_p[np.arange(len(log_p)), np.asarray(ids)].sum())


# %% part="cross_entropy" role="mistake" name="bits"
# That is the cross-entropy in bits. Nats take the natural logarithm.
# 这是以比特计的交叉熵。以奈特计，取自然对数。
def cross_entropy(scores, ids):
    scores = np.asarray(scores, float)
    p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    return float(-np.log2(p[np.arange(len(p)), np.asarray(ids)]).mean())


# %% part="cross_entropy" role="mistake" name="sign"
# A cross-entropy is never negative: take minus the logarithm.
# 交叉熵不会是负的：对数前面要加负号。
def cross_entropy(scores, ids):
    scores = np.asarray(scores, float)
    log_p = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    return float(log_p[np.arange(len(log_p)), np.asarray(ids)].mean())


# %% part="cross_entropy" role="mistake" name="mean_probability"
# You take the logarithm of the mean probability. Take the mean of the logarithms.
# 你对平均概率取了对数。应当先取对数，再求平均。
def cross_entropy(scores, ids):
    scores = np.asarray(scores, float)
    p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    return float(-np.log(p[np.arange(len(p)), np.asarray(ids)].mean()))


# %% part="cross_entropy" role="mistake" name="every_character"
# You average over characters that did not come. Pick one log-probability a row, that of its own id.
# 你把没有出现的字符也算进了平均。每一行只取一个对数概率：自己那个编号的。
def cross_entropy(scores, ids):
    scores = np.asarray(scores, float)
    log_p = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    return float(-log_p[:, np.asarray(ids)].mean())


# %% part="cross_entropy" role="mistake" name="most_probable"
# You score the most probable character. Score the one that came.
# 你算的是概率最大的字符。该算真正出现的那一个。
def cross_entropy(scores, ids):
    scores = np.asarray(scores, float)
    log_p = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    return float(-log_p.max(axis=-1).mean())


# %% part="cross_entropy" role="mistake" name="probability_zero"
# A tiny probability rounds to 0, and its logarithm is minus infinity. Compute the logarithm from the scores, without the probability.
# 极小的概率会舍成 0，它的对数是负无穷。直接由分数算对数，不经过概率。
def cross_entropy(scores, ids):
    scores = np.asarray(scores, float)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    p = powers / powers.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore"):
        return float(-np.log(p[np.arange(len(p)), np.asarray(ids)]).mean())


# %% part="cross_entropy" role="mistake" name="largest_of_all"
# You subtract the largest score of the whole table. In a row far below it all powers become 0: subtract each row's own.
# 你减去的是整张表里最大的分数。远低于它的一行，幂全成了 0：每一行要减去自己的最大分数。
def cross_entropy(scores, ids):
    scores = np.asarray(scores, float)
    shifted = scores - scores.max()
    with np.errstate(divide="ignore"):
        log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return float(-log_p[np.arange(len(log_p)), np.asarray(ids)].mean())


# %% part="cross_entropy" role="mistake" name="certain_or_not"
# You add ln(1 − p) of the characters that did not come. Cross-entropy looks at the one that came, and at no other.
# 你还加上了没有出现的字符的 ln(1 − p)。交叉熵只看真正出现的那一个。
def cross_entropy(scores, ids):
    scores = np.asarray(scores, float)
    p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    y = np.eye(scores.shape[1])[np.asarray(ids)]
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).sum() / len(p))


# %% part="cross_entropy" role="alternative" name="loop"
def cross_entropy(scores, ids):
    total = 0.0
    for row, id in zip(scores, ids, strict=True):
        largest = max(row)
        total += largest + np.log(sum(np.exp(score - largest) for score in row)) - row[id]
    return total / len(ids)


# %% part="cross_entropy" role="alternative" name="logaddexp"
def cross_entropy(scores, ids):
    scores, ids = np.asarray(scores, float), np.asarray(ids)
    chosen = np.take_along_axis(scores, ids[:, None], axis=1)[:, 0]
    return np.mean(np.logaddexp.reduce(scores, axis=1) - chosen)


# %% part="cross_entropy" role="alternative" name="one_hot"
def cross_entropy(scores, ids):
    scores = np.asarray(scores, float)
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    one_hot = np.eye(scores.shape[1])[np.asarray(ids)]
    return np.array(-np.einsum("bv,bv->", one_hot, log_p) / len(scores))


# %% [markdown]
# ## 4 · The gradient (6 points)
# Write `gradient(scores, ids)`: the derivative of the mean cross-entropy (question 3) with respect to every score, shape `(B, V)`. You need no loop over small differences: the formula $p - y$ is on the postcard of lesson 03. Large scores must not overflow here, either.

# %% [markdown] lang="zh"
# ## 4 · 梯度（6 分）
# 写出 `gradient(scores, ids)`：平均交叉熵（第 3 题）对每个分数的导数，形状 `(B, V)`。用不着拿微小的差分去凑：公式 $p - y$ 就在第 03 课的那张明信片上。分数再大，这里也不能溢出。


# %% part="gradient" role="stub"
def gradient(scores, ids):
    raise NotImplementedError


# %% part="gradient" role="solution"
def gradient(scores, ids):
    scores = np.asarray(scores, float)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    p = powers / powers.sum(axis=-1, keepdims=True)
    p[np.arange(len(p)), np.asarray(ids)] -= 1
    return p / len(p)


# %% part="gradient" role="tests" points=6
assert_allclose(gradient([[0.0, 0.0]], [1]), [[0.5, -0.5]], rtol=1e-5)
two = gradient([[0.0, np.log(3)], [0.0, 0.0]], [1, 0])
assert_allclose(two, [[0.125, -0.125], [-0.25, 0.25]], rtol=1e-5)

# %% part="gradient" role="hidden"
scores, ids = rng.normal(size=(4, 5)) * 2, rng.permutation(5)[[0, 1, 2, 2]]
right, got = key.gradient(scores, ids), np.asarray(gradient(scores, ids), float)
assert got.shape == (4, 5)
p = key.softmax(scores)
with hint("sign"):
    assert not np.allclose(got, -right)
with hint("not_averaged"):
    assert not np.allclose(got, right * 4)
with hint("wrong_mean"):
    for divisor in (2, 3, 5, 20):
        assert not np.allclose(got, right * 4 / divisor)
with hint("probabilities_only"):
    assert not np.allclose(got, p) and not np.allclose(got, p / 4)
with hint("one_column"):
    wrong = p.copy()
    wrong[:, ids] -= 1
    assert not np.allclose(got, wrong) and not np.allclose(got, wrong / 4)
with hint("scores_instead"):
    one_hot = np.eye(5)[ids]
    assert not np.allclose(got, (scores - one_hot) / 4)
with hint("in_bits"):
    assert not np.allclose(got, right / np.log(2)) and not np.allclose(got, right * np.log(2))
with hint("only_the_character"):
    assert not np.allclose(got, np.where(np.eye(5)[ids] > 0, right, 0))
assert_allclose(got, right, rtol=1e-4, atol=1e-6)
with hint("overflow"):
    far = [[1000.0, 999.0, -1000.0], [-1000.0, -1001.0, -1002.0]]
    assert_allclose(gradient(far, [1, 0]), key.gradient(far, [1, 0]), rtol=1e-4, atol=1e-6)


# %% part="gradient" role="mistake" name="sign"
# Your gradient points the other way: it is p − y, not y − p. The step goes against it.
# 你的梯度方向反了：是 p − y，不是 y − p。更新时才逆着它走。
def gradient(scores, ids):
    scores = np.asarray(scores, float)
    p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    return (np.eye(scores.shape[1])[np.asarray(ids)] - p) / len(p)


# %% part="gradient" role="mistake" name="not_averaged"
# The loss is a mean over B rows, so each row's gradient is divided by B.
# 损失是 B 行的平均，所以每一行的梯度要除以 B。
def gradient(scores, ids):
    scores = np.asarray(scores, float)
    p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    return p - np.eye(scores.shape[1])[np.asarray(ids)]


# %% part="gradient" role="mistake" name="wrong_mean"
# Divide by the number of rows B: not by the size of the vocabulary V, and not by the number of different ids.
# 该除以行数 B，不是词表大小 V，也不是不同编号的个数。
def gradient(scores, ids):
    scores = np.asarray(scores, float)
    p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    return (p - np.eye(scores.shape[1])[np.asarray(ids)]) / scores.shape[1]


# %% part="gradient" role="mistake" name="probabilities_only"
# You return the probabilities. Subtract 1 at the character that came.
# 你返回的是概率。在真正出现的字符那里还要减 1。
def gradient(scores, ids):
    scores = np.asarray(scores, float)
    p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    return p / len(p)


# %% part="gradient" role="mistake" name="one_column"
# You subtract 1 in whole columns. Each row has one id of its own: p[np.arange(B), ids].
# 你在整列上减了 1。每一行只有自己的一个编号：p[np.arange(B), ids]。
def gradient(scores, ids):
    scores = np.asarray(scores, float)
    p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    p[:, np.asarray(ids)] -= 1
    return p / len(p)


# %% part="gradient" role="mistake" name="scores_instead"
# You subtract y from the scores. Turn them into probabilities first.
# 你直接从分数里减去了 y。先把分数变成概率。
def gradient(scores, ids):
    scores = np.asarray(scores, float)
    return (scores - np.eye(scores.shape[1])[np.asarray(ids)]) / len(scores)


# %% part="gradient" role="mistake" name="overflow"
# Large scores overflow here. Subtract the largest score of each row before you take powers.
# 分数一大，这里就溢出。取幂之前先减去每一行的最大分数。
def gradient(scores, ids):
    with np.errstate(all="ignore"):
        scores = np.asarray(scores, float)
        p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
        return (p - np.eye(scores.shape[1])[np.asarray(ids)]) / len(p)


# %% part="gradient" role="mistake" name="in_bits"
# That is the derivative of a loss in bits. Question 3 measures in nats.
# 这是损失以比特计时的导数。第 3 题用的是奈特。
def gradient(scores, ids):
    scores = np.asarray(scores, float)
    p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    return (p - np.eye(scores.shape[1])[np.asarray(ids)]) / len(p) / np.log(2)


# %% part="gradient" role="mistake" name="only_the_character"
# Your gradient is 0 for all characters but the one that came. Their scores are in the denominator, so they count, too.
# 除了真正出现的字符，你的梯度都是 0。别的分数也在分母里，同样要算。
def gradient(scores, ids):
    scores = np.asarray(scores, float)
    p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    y = np.eye(scores.shape[1])[np.asarray(ids)]
    return y * (p - y) / len(p)


# %% part="gradient" role="alternative" name="loop"
def gradient(scores, ids):
    rows = []
    for row, id in zip(scores, ids, strict=True):
        powers = [np.exp(score - max(row)) for score in row]
        rows.append([power / sum(powers) - (i == id) for i, power in enumerate(powers)])
    return [[value / len(ids) for value in row] for row in rows]


# %% part="gradient" role="alternative" name="jacobian"
def gradient(scores, ids):
    scores = np.asarray(scores, float)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    jacobian = np.einsum("bi,ij->bij", p, np.eye(p.shape[1])) - np.einsum("bi,bj->bij", p, p)
    chosen = np.maximum(p[np.arange(len(p)), ids], 1e-300)
    rows = -jacobian[np.arange(len(p)), ids] / chosen[:, None]
    exact = p - np.eye(p.shape[1])[np.asarray(ids)]
    return np.where(chosen[:, None] > 1e-12, rows, exact) / len(p)


# %% part="gradient" role="alternative" name="subtract_at"
def gradient(scores, ids):
    scores = np.array(scores, float)
    scores -= np.logaddexp.reduce(scores, axis=1)[:, None]
    result = np.exp(scores)
    np.subtract.at(result, (np.arange(len(result)), np.asarray(ids)), 1)
    return result / np.shape(result)[0]


# %% [markdown]
# ## 5 · Fix a bug (4 points)
# A table holds one row of scores for each of V characters. `step` should move the rows of the characters in `ids` against their gradients: where a character occurs twice, both gradients count. It returns two tables, the old one as it was and the new one, so that they can be compared. It has two faults: gradients get lost, and the two tables are always alike. Find out why, and repair it.

# %% [markdown] lang="zh"
# ## 5 · 改错（4 分）
# 一张表给 V 个字符各存一行分数。`step` 应当让 `ids` 里各个字符的行逆着梯度走一步：一个字符出现两次，两份梯度都要算。它返回两张表：原样的旧表，还有新表，好拿来比较。现在它有两处错误：有的梯度丢了，而且两张表总是一模一样。找出原因，改好它。


# %% part="step" role="stub"
def step(table, ids, gradients, rate):
    """Move rows `ids` (B,) of a table (V, V) against `gradients` (B, V); give old and new table."""
    new = table
    new[ids] -= rate * gradients
    return table, new


# %% part="step" role="solution"
def step(table, ids, gradients, rate):
    new = np.array(table, float)
    np.subtract.at(new, np.asarray(ids), rate * np.asarray(gradients))
    return table, new


# %% part="step" role="tests" points=4
zeros, ones = np.zeros((3, 3)), np.ones((3, 3))
old, new = step(np.zeros((3, 3)), [0, 2, 0], ones, 0.1)
assert_allclose(np.asarray(new)[:, 0], [-0.2, 0, -0.1], rtol=1e-5)
assert_allclose(old, zeros, err_msg="the old table has moved, too")
old, new = step(np.zeros((3, 3)), [1], ones[:1], 0.5)
assert_allclose([old[1], new[1]], [[0, 0, 0], [-0.5, -0.5, -0.5]], rtol=1e-5)

# %% part="step" role="hidden"
table, gradients = rng.normal(size=(4, 4)), rng.normal(size=(6, 4))
ids, rate = rng.permutation([0, 0, 1, 2, 2, 2]), 0.3
pair = step(table, ids, gradients, rate)
right = key.step(table, ids, gradients, rate)[1]
change = right - table
close = {"rtol": 1e-4, "atol": 1e-5}
with hint("new_alone"):
    assert np.shape(pair) != (4, 4)
assert np.shape(pair) == (2, 4, 4)
old, new = np.asarray(pair, float)
with hint("swapped"):
    assert (
        np.allclose(new, right, **close)
        or not np.allclose(new, table, **close)
        or (np.allclose(old, new, **close))
    )
with hint("not_moved"):
    assert not np.allclose(new, table, **close)
with hint("old_moves"):
    assert_allclose(old, table, **close)
with hint("wrong_way"):
    assert not np.allclose(new, table - change)
with hint("last_one_counts"):
    wrong = table.copy()
    wrong[ids] -= rate * gradients
    assert not np.allclose(new, wrong)
    first = table.copy()
    first[ids[::-1]] -= rate * gradients[::-1]
    assert not np.allclose(new, first)
with hint("averaged"):
    counts = np.maximum(np.bincount(ids, minlength=4), 1)[:, None]
    assert not np.allclose(new, table + change / counts)
    assert not np.allclose(new, table + change / 6)
with hint("one_for_all"):
    for places in (range(6), range(5, -1, -1)):
        same = table.copy()
        for id in range(3):
            chosen = [b for b in places if ids[b] == id]
            same[id] -= rate * len(chosen) * gradients[chosen[0]]
        assert not np.allclose(new, same)
with hint("columns"):
    wrong = table.copy()
    np.subtract.at(wrong.T, ids, rate * gradients)
    assert not np.allclose(new, wrong)
with hint("no_rate"):
    assert not np.allclose(new, table + change / rate)
with hint("change_only"):
    assert not np.allclose(new, change)
assert_allclose(new, right, **close)
table, gradients = rng.normal(size=(3, 3)), rng.normal(size=(7, 3))  # once more: nothing is kept
ids = rng.permutation([0, 2, 2, 2, 2, 1, 1])
old, new = step(table, ids, gradients, 2.0)
assert_allclose(old, table, **close)
assert_allclose(new, key.step(table, ids, gradients, 2.0)[1], **close)


# %% part="step" role="mistake" name="last_one_counts"
# Where a character occurs twice, only one of its gradients counts: `new[ids] -= …` writes each row once. See np.subtract.at.
# 一个字符出现两次时，只有一份梯度起作用：`new[ids] -= …` 每行只写一次。看看 np.subtract.at。
def step(table, ids, gradients, rate):
    new = np.array(table, float)
    new[np.asarray(ids)] -= rate * np.asarray(gradients)
    return table, new


# %% part="step" role="mistake" name="old_moves"
# The old table has moved as well: `new = table` makes no second table, only a second name for the same one.
# 旧表也跟着动了：`new = table` 并没有造出第二张表，只是给同一张表多起了一个名字。
def step(table, ids, gradients, rate):
    new = table
    np.subtract.at(new, np.asarray(ids), rate * np.asarray(gradients))
    return table, new


# %% part="step" role="mistake" name="not_moved"
# Your new table is still the old one: the step went into an array that you don't return.
# 你的新表还是旧的样子：那一步走在了别的数组里，没有返回。
def step(table, ids, gradients, rate):
    new = np.array(table, float)
    np.subtract.at(new.copy(), np.asarray(ids), rate * np.asarray(gradients))
    return table, new


# %% part="step" role="mistake" name="new_alone"
# You return one table. Return both, the old one first.
# 你只返回了一张表。两张都要返回，旧表在前。
def step(table, ids, gradients, rate):
    new = np.array(table, float)
    np.subtract.at(new, np.asarray(ids), rate * np.asarray(gradients))
    return new


# %% part="step" role="mistake" name="swapped"
# The two tables are in the wrong order: the old one comes first.
# 两张表的次序反了：旧表在前。
def step(table, ids, gradients, rate):
    new = np.array(table, float)
    np.subtract.at(new, np.asarray(ids), rate * np.asarray(gradients))
    return new, table


# %% part="step" role="mistake" name="wrong_way"
# The table moves along the gradient, uphill. Subtract the step.
# 表顺着梯度走，成了上坡。该减去这一步。
def step(table, ids, gradients, rate):
    new = np.array(table, float)
    np.add.at(new, np.asarray(ids), rate * np.asarray(gradients))
    return table, new


# %% part="step" role="mistake" name="averaged"
# You average gradients. Those of a character that occurs several times add up.
# 你把梯度取了平均。字符出现几次，它的几份梯度就该相加。
def step(table, ids, gradients, rate):
    new, ids = np.array(table, float), np.asarray(ids)
    for id in set(ids.tolist()):
        new[id] -= rate * np.asarray(gradients)[ids == id].mean(axis=0)
    return table, new


# %% part="step" role="mistake" name="one_for_all"
# You count how often a character occurs, and multiply one of its gradients by that. Each time it has another gradient.
# 你数了字符出现几次，再拿它的一份梯度去乘。可它每次出现，梯度都不一样。
def step(table, ids, gradients, rate):
    new, ids = np.array(table, float), list(ids)
    for id in set(ids):
        new[id] -= rate * ids.count(id) * np.asarray(gradients)[ids.index(id)]
    return table, new


# %% part="step" role="mistake" name="columns"
# You move columns. A character's scores stand in its row.
# 你动的是列。一个字符的分数在它的那一行里。
def step(table, ids, gradients, rate):
    new = np.array(table, float)
    np.subtract.at(new.T, np.asarray(ids), rate * np.asarray(gradients))
    return table, new


# %% part="step" role="mistake" name="no_rate"
# The rate is missing: the step is the rate times the gradient.
# 少了学习率：一步是学习率乘以梯度。
def step(table, ids, gradients, rate):
    new = np.array(table, float)
    np.subtract.at(new, np.asarray(ids), np.asarray(gradients))
    return table, new


# %% part="step" role="mistake" name="change_only"
# Instead of the new table you return only the change. Add it to the old one.
# 新表的位置上，你只返回了变化量。要加到旧表上。
def step(table, ids, gradients, rate):
    change = np.zeros_like(table)
    np.subtract.at(change, np.asarray(ids), rate * np.asarray(gradients))
    return table, change


# %% part="step" role="alternative" name="loop"
def step(table, ids, gradients, rate):
    new = table.copy()
    for id, row in zip(ids, gradients, strict=True):
        new[id] = new[id] - rate * row
    return table, new


# %% part="step" role="alternative" name="one_hot"
def step(table, ids, gradients, rate):
    one_hot = np.eye(len(table))[np.asarray(ids)]
    return np.stack([table, table - rate * one_hot.T @ np.asarray(gradients)])


# %% part="step" role="alternative" name="lists"
def step(table, ids, gradients, rate):
    rows = [[float(value) for value in row] for row in table]
    for id, gradient in zip(ids, gradients, strict=True):
        rows[id] = [a - rate * b for a, b in zip(rows[id], gradient, strict=True)]
    return [table.tolist(), rows]


# %% [markdown]
# ## 6 · An experiment (4 points, marked by your teacher)
# Take a short text of your choice, train a table of scores on its pairs of characters with your functions, once with each of the learning rates 0.1, 10 and 1,000, 200 steps each, and print the loss every 20 steps. Add cells for it as you need them. Then explain below in 60 to 150 words what happens at each rate and why.
#
# **How it is marked:** a point each for (a) losses of all three rates that fit the program, (b) why the small rate is slow, (c) why the large rate doesn't diverge to infinity, though it jumps, (d) the lowest loss that any table can reach on this text, and where it comes from.

# %% [markdown] lang="zh"
# ## 6 · 实验（4 分，由老师批改）
# 任选一小段文字，用你写的函数在相邻字符对上训练一张分数表，学习率分别取 0.1、10 和 1,000，各走 200 步，每 20 步打印一次损失。需要几格就加几格。然后在下面用 100 到 250 字说明：三种学习率各发生了什么，为什么。
#
# **评分：** 各 1 分：（a）三种学习率的损失都有，且与程序相符；（b）小学习率为什么慢；（c）大学习率虽然乱跳，为什么没有发散到无穷大；（d）在这段文字上，任何一张表能达到的最低损失是多少，它从哪里来。

# %% [markdown] part="experiment" role="stub" points=4
# *Write here.*

# %% [markdown] part="experiment" role="stub" points=4 lang="zh"
# *写在这里。*

# %% [markdown] part="experiment" role="solution" points=4
# For `the cat sat on the mat and the rat ran after the cat` (51 pairs of 13 characters), losses in nats:
#
# | step | 0.1 | 10 | 1,000 |
# |---|---|---|---|
# | 0 | 2.565 | 2.565 | 2.565 |
# | 20 | 2.481 | 1.018 | 23.2 |
# | 60 | 2.324 | 0.913 | 56.3 |
# | 100 | 2.183 | 0.896 | 41.5 |
# | 140 | 2.058 | 0.889 | 34.8 |
# | 200 | 1.899 | 0.884 | 37.5 |
#
# All three begin with the uniform distribution, at $\ln 13 = 2.565$. At 0.1 a step moves a score by a tenth of $|p - y| \le 1$ at most, times the share of its character among the pairs: 200 steps are far too few. At 10 the loss falls quickly and then slowly, since the gradients shrink with the errors, and those of rare characters are small from the beginning. At 1,000 it jumps: a step overshoots, the next one corrects. It can't run away to infinity, since the gradient is never larger than one, whatever the scores are: they grow at most linearly. No table does better than the conditional entropy of the text, here 0.874, which the relative frequencies of its pairs reach: they are the maximum-likelihood estimate.

# %% [markdown] part="experiment" role="solution" points=4 lang="zh"
# 以 `the cat sat on the mat and the rat ran after the cat` 为例（51 个字符对，13 种字符），损失以奈特计：
#
# | 步 | 0.1 | 10 | 1,000 |
# |---|---|---|---|
# | 0 | 2.565 | 2.565 | 2.565 |
# | 20 | 2.481 | 1.018 | 23.2 |
# | 60 | 2.324 | 0.913 | 56.3 |
# | 100 | 2.183 | 0.896 | 41.5 |
# | 140 | 2.058 | 0.889 | 34.8 |
# | 200 | 1.899 | 0.884 | 37.5 |
#
# 三种都从均匀分布出发，损失是 $\ln 13 = 2.565$。学习率 0.1：一步最多把分数移动 $|p - y| \le 1$ 的十分之一，还要乘以这个字符在所有字符对中占的份额，200 步远远不够。学习率 10：损失先快后慢，因为误差小了梯度也小，而少见的字符一开始梯度就小。学习率 1,000：损失乱跳，一步走过了头，下一步又拉回来；但它不会发散到无穷大，因为不管分数多大，梯度的绝对值都不超过一，分数最多线性增长。任何一张表都低不过这段文字的条件熵，这里是 0.874，而字符对的相对频率正好达到它：那就是极大似然估计。
