# %% [markdown]
# # Assignment 03 · Softmax
# **After lesson 03 · about 75 minutes · 30 points.** You turn scores into probabilities, measure how wrong they are, and find out in which direction to move them. NumPy and Python's own library are all you need; your functions must not import anything else.
#
# Every question has a cell that begins with a comment or a `raise NotImplementedError`: replace it. The cell below it holds the visible tests; run it as often as you like. When your work is marked, other tests are run as well, with other numbers. A question gives all of its points or none.
#
# Work on your own: your numbers are drawn from your student id, and nobody else has them. Write it into the next cell first.

# %% [markdown] lang="zh"
# # 作业 03 · Softmax
# **学完第 03 课再做 · 约 75 分钟 · 30 分。** 你要把分数变成概率，量出它错得多远，再找出该朝哪个方向挪动分数。只用 NumPy 和 Python 自带的库；你的函数不要导入别的。
#
# 每道题有一格，开头是注释或 `raise NotImplementedError`：把它换成你的答案。下面一格是公开测试，随便运行多少次。批改时还会运行别的测试，用的是别的数。一道题要么得满分，要么得零分。
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
got, right = np.asarray(probabilities, float), key.probabilities
nats, p = key.bits * np.log(2), key.powers[1] / sum(key.powers)
shares = np.array(my_scores) / np.sum(my_scores) if np.sum(my_scores) else np.zeros(3)
with hint("without_powers"):
    assert not np.allclose(got, shares, atol=0.002)
with hint("powers_of_two"):
    assert not np.allclose(got, 2.0**my_scores / np.sum(2.0**my_scores), atol=0.002)
assert_allclose(got, right, atol=0.002)
with hint("nats"):
    assert not np.isclose(bits, nats, atol=0.003)
with hint("first_character"):
    others = [-np.log2(q) for q in right if not np.isclose(q, p, atol=0.001)]
    assert not np.isclose(bits, others, atol=0.006).any()
with hint("probability_itself"):
    assert not np.isclose(bits, p, atol=0.003)
with hint("average_of_all"):
    assert not np.isclose(bits, -np.dot(right, np.log2(right)), atol=0.006)
assert_allclose(bits, key.bits, atol=0.01)  # from rounded probabilities, too

# %% part="by_hand" role="mistake" name="without_powers"
# You divided the scores by their sum. Scores may be negative: raise e to each of them first.
# 你把分数除以了它们的和。分数可以是负的：先对每个分数取 e 的幂。
probabilities = [float(score / (sum(my_scores) or 1)) for score in my_scores]
probabilities = probabilities if sum(my_scores) else [0.0, 0.0, 0.0]
bits = 1.0

# %% part="by_hand" role="mistake" name="powers_of_two"
# You took powers of 2. Softmax takes powers of e; only the cross-entropy is measured in bits.
# 你取的是 2 的幂。softmax 取 e 的幂，只有交叉熵才用比特来量。
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
assert_allclose(softmax([0.0, 0.0]), [0.5, 0.5])
assert_allclose(softmax([[1.0, 1.0], [0.0, np.log(3)]]), [[0.5, 0.5], [0.25, 0.75]])

# %% part="softmax" role="hidden"
one = rng.normal(size=5) * 2
table, cube = rng.normal(size=(3, 5)), rng.normal(size=(2, 3, 5))
with hint("logarithm"):
    assert (np.asarray(softmax(one)) >= 0).all()
with hint("without_powers"):
    assert not np.allclose(softmax(np.abs(one)), np.abs(one) / np.abs(one).sum())
with hint("whole_table"):
    assert not np.isclose(np.sum(softmax(table)), 1)
with hint("wrong_axis"):
    assert not np.allclose(np.sum(softmax(table), axis=0), 1)
with hint("rescaled"):
    assert_allclose(softmax(one * 9), key.softmax(one * 9), atol=1e-9)
with hint("overflow"):
    assert_allclose(softmax([1000.0, 999.0, 0.0]), key.softmax([1000.0, 999.0, 0.0]), atol=1e-9)
with hint("largest_of_all"):
    far = np.array([[1000.0, 999.0], [-1000.0, -1001.0]])
    assert_allclose(softmax(far), key.softmax(far), atol=1e-9)
with hint("only_tables"):
    assert_allclose(softmax(cube), key.softmax(cube), atol=1e-9)
assert_allclose(softmax(table), key.softmax(table), atol=1e-9)


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
# e to the power of 1,000 is infinite. Subtract the largest score before you take powers.
# e 的 1,000 次方是无穷大。取幂之前先减去最大的分数。
def softmax(scores):
    with np.errstate(all="ignore"):
        powers = np.exp(np.asarray(scores, float))
        return powers / powers.sum(axis=-1, keepdims=True)


# %% part="softmax" role="mistake" name="largest_of_all"
# You subtract the largest score of the whole table. A row far below it becomes 0/0: subtract each row's own.
# 你减去的是整张表里最大的分数。远低于它的行会变成 0/0：每一行该减去自己的最大值。
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
# Only differences of scores matter, and their size does, too: don't rescale the scores.
# 起作用的只有分数之差，而差的大小也算数：不要缩放分数。
def softmax(scores):
    scores = np.asarray(scores, float)
    scores = scores - scores.max(axis=-1, keepdims=True)
    scores = scores / max(np.abs(scores).max() / 3, 1)
    powers = np.exp(scores)
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
assert_allclose(cross_entropy([[0.0, 0.0]], [1]), np.log(2))
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
with hint("probability_zero"):
    assert_allclose(cross_entropy([[1000.0, 0.0]], [1]), 1000)
assert_allclose(got, right, atol=1e-9)


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
# Write `gradient(scores, ids)`: the derivative of the mean cross-entropy (question 3) with respect to every score, shape `(B, V)`. No loop over small differences: the formula $p - y$ is on the postcard of lesson 03.

# %% [markdown] lang="zh"
# ## 4 · 梯度（6 分）
# 写出 `gradient(scores, ids)`：平均交叉熵（第 3 题）对每个分数的导数，形状 `(B, V)`。不要用微小的差分去凑：公式 $p - y$ 就在第 03 课的那张明信片上。


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
assert_allclose(gradient([[0.0, 0.0]], [1]), [[0.5, -0.5]])
two = gradient([[0.0, np.log(3)], [0.0, 0.0]], [1, 0])
assert_allclose(two, [[0.125, -0.125], [-0.25, 0.25]])

# %% part="gradient" role="hidden"
scores, ids = rng.normal(size=(4, 5)) * 2, rng.permutation(5)[:4]
right, got = key.gradient(scores, ids), np.asarray(gradient(scores, ids), float)
p = key.softmax(scores)
with hint("sign"):
    assert not np.allclose(got, -right)
with hint("not_averaged"):
    assert not np.allclose(got, right * 4)
with hint("wrong_mean"):
    assert not np.allclose(got, right * 4 / 5)
    assert not np.allclose(got, right / 5)
with hint("probabilities_only"):
    assert not np.allclose(got, p) and not np.allclose(got, p / 4)
with hint("one_column"):
    wrong = p.copy()
    wrong[:, ids] -= 1
    assert not np.allclose(got, wrong) and not np.allclose(got, wrong / 4)
with hint("scores_instead"):
    one_hot = np.eye(5)[ids]
    assert not np.allclose(got, (scores - one_hot) / 4)
with hint("overflow"):
    assert_allclose(gradient([[1000.0, 0.0]], [1]), [[1.0, -1.0]], atol=1e-9)
assert_allclose(got, right, atol=1e-9)


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
# Divide by the number of rows B, not by the size of the vocabulary V.
# 该除以行数 B，不是词表大小 V。
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
# A table holds one row of scores for each of V characters. `step` should move the rows of the characters in `ids` against their gradients: where a character occurs twice, both gradients count. It should return a new table and leave the old one as it was. It does neither. Find out why, and repair it.

# %% [markdown] lang="zh"
# ## 5 · 改错（4 分）
# 一张表给 V 个字符各存一行分数。`step` 应当让 `ids` 里各个字符的行逆着梯度走一步：一个字符出现两次，两份梯度都要算。它该返回一张新表，旧表保持原样。这两点它都没做到。找出原因，改好它。


# %% part="step" role="stub"
def step(table, ids, gradients, rate):
    """Move rows `ids` (B,) of a table (V, V) against `gradients` (B, V)."""
    table[ids] -= rate * gradients
    return table


# %% part="step" role="solution"
def step(table, ids, gradients, rate):
    moved = np.array(table, float)
    np.subtract.at(moved, np.asarray(ids), rate * np.asarray(gradients))
    return moved


# %% part="step" role="tests" points=4
table, ones = np.zeros((3, 3)), np.ones((3, 3))
moved = np.asarray(step(table.copy(), [0, 2, 0], ones, 0.1))
assert_allclose(moved[:, 0], [-0.2, 0, -0.1])
old = table.copy()
moved = step(old, [1], ones[:1], 0.5)
assert_allclose([old[1], moved[1]], [[0, 0, 0], [-0.5, -0.5, -0.5]])

# %% part="step" role="hidden"
table, gradients = rng.normal(size=(4, 4)), rng.normal(size=(6, 4))
ids, rate = rng.permutation([0, 0, 1, 2, 2, 2]), 0.3
got = np.asarray(step(table, ids, gradients, rate), float)
right = key.step(table, ids, gradients, rate)
change = right - table
with hint("wrong_way"):
    assert not np.allclose(got, table - change)
with hint("last_one_counts"):
    wrong = table.copy()
    wrong[ids] -= rate * gradients
    assert not np.allclose(got, wrong)
with hint("averaged"):
    counts = np.maximum(np.bincount(ids, minlength=4), 1)[:, None]
    assert not np.allclose(got, table + change / counts)
    assert not np.allclose(got, table + change / 6)
with hint("columns"):
    wrong = table.copy()
    np.subtract.at(wrong.T, ids, rate * gradients)
    assert not np.allclose(got, wrong)
with hint("no_rate"):
    assert not np.allclose(got, table + change / rate)
with hint("change_only"):
    assert not np.allclose(got, change)
assert_allclose(got, right, atol=1e-9)


# %% part="step" role="mistake" name="last_one_counts"
# Where a character occurs twice, only its last gradient counts: `table[ids] -= …` writes each row once. See np.subtract.at.
# 一个字符出现两次时，只有最后一份梯度起作用：`table[ids] -= …` 每行只写一次。看看 np.subtract.at。
def step(table, ids, gradients, rate):
    moved = np.array(table, float)
    moved[np.asarray(ids)] -= rate * np.asarray(gradients)
    return moved


# %% part="step" role="mistake" name="wrong_way"
# The table moves along the gradient, uphill. Subtract the step.
# 表顺着梯度走，成了上坡。该减去这一步。
def step(table, ids, gradients, rate):
    moved = np.array(table, float)
    np.add.at(moved, np.asarray(ids), rate * np.asarray(gradients))
    return moved


# %% part="step" role="mistake" name="averaged"
# You average the gradients of a character that occurs several times. They add up.
# 字符出现几次，你把它的梯度取了平均。应当相加。
def step(table, ids, gradients, rate):
    moved, ids = np.array(table, float), np.asarray(ids)
    for id in set(ids.tolist()):
        moved[id] -= rate * np.asarray(gradients)[ids == id].mean(axis=0)
    return moved


# %% part="step" role="mistake" name="columns"
# You move columns. A character's scores stand in its row.
# 你动的是列。一个字符的分数在它的那一行里。
def step(table, ids, gradients, rate):
    moved = np.array(table, float)
    np.subtract.at(moved.T, np.asarray(ids), rate * np.asarray(gradients))
    return moved


# %% part="step" role="mistake" name="no_rate"
# The rate is missing: the step is the rate times the gradient.
# 少了学习率：一步是学习率乘以梯度。
def step(table, ids, gradients, rate):
    moved = np.array(table, float)
    np.subtract.at(moved, np.asarray(ids), np.asarray(gradients))
    return moved


# %% part="step" role="mistake" name="change_only"
# You return only the change. Return the table after the step.
# 你只返回了变化量。该返回走完这一步的表。
def step(table, ids, gradients, rate):
    moved = np.zeros_like(table)
    np.subtract.at(moved, np.asarray(ids), rate * np.asarray(gradients))
    return moved


# %% part="step" role="alternative" name="loop"
def step(table, ids, gradients, rate):
    moved = table.copy()
    for id, row in zip(ids, gradients, strict=True):
        moved[id] = moved[id] - rate * row
    return moved


# %% part="step" role="alternative" name="one_hot"
def step(table, ids, gradients, rate):
    one_hot = np.eye(len(table))[np.asarray(ids)]
    return table - rate * one_hot.T @ np.asarray(gradients)


# %% part="step" role="alternative" name="lists"
def step(table, ids, gradients, rate):
    rows = [[float(value) for value in row] for row in table]
    for id, gradient in zip(ids, gradients, strict=True):
        rows[id] = [a - rate * b for a, b in zip(rows[id], gradient, strict=True)]
    return rows


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
# At 0.1 every step moves a score by at most a tenth of $|p - y| \le 1$ divided by the number of pairs: 200 steps hardly leave the uniform distribution. At 10 the loss falls quickly and then slowly, since rare characters get small gradients. At 1,000 it jumps: a step overshoots, the next one corrects. It can't run away to infinity, since the gradient $p - y$ is never larger than one, so the scores grow at most linearly. No table does better than the conditional entropy of the text, which the relative frequencies of its pairs reach: they are the maximum-likelihood estimate.

# %% [markdown] part="experiment" role="solution" points=4 lang="zh"
# 学习率 0.1：每一步，分数最多移动 $|p - y| \le 1$ 的十分之一，还要除以字符对的个数，走 200 步几乎没离开均匀分布。学习率 10：损失先快后慢，因为少见的字符梯度小。学习率 1,000：损失乱跳，一步走过了头，下一步又拉回来；但它不会发散到无穷大，因为梯度 $p - y$ 的绝对值不超过一，分数最多线性增长。任何一张表都低不过这段文字的条件熵，而字符对的相对频率正好达到它：那就是极大似然估计。
