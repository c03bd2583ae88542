# %% [markdown]
# # 03 · Softmax
# **Prerequisites:** [01 · Probability](01_probability.ipynb), [02 · n-grams](02_ngrams.ipynb), derivatives of $e^x$ and $\ln x$ · **Minutes:** 60 · **Modules:** `reference/softmax.py`, `reference/optimizers.py`, `models/softmax_bigram.py` · **Previous:** [02 · n-grams](02_ngrams.ipynb) · **Next:** [04 · Tokenization](04_tokenization.ipynb)
#
# A table of counts is quick and honest, and it is stuck. It can't be nudged a little, it can't be built from smaller parts, and what it learns about `Q` never helps it with `q`.
#
# A network is different: it has numbers that can be *moved*. But what comes out of a network is any number at all, such as 3.1 or −40, and a probability has to lie between 0 and 1.
#
# **Question: how do we turn arbitrary scores into probabilities, and in which direction do we move the scores so that the text becomes more probable?**
#
# The answer fits on a postcard: $p = \mathrm{softmax}(z)$, and $\partial L/\partial z = p - y$. Every model of this course, up to the last layer of the GPT, is trained by these two formulas.

# %% [markdown] lang="zh"
# # 03 · Softmax
# **先修：** [01 · 概率](01_probability.ipynb)、[02 · n 元语法](02_ngrams.ipynb)，会求 $e^x$ 和 $\ln x$ 的导数 · **用时：** 60 分钟 · **模块：** `reference/softmax.py`、`reference/optimizers.py`、`models/softmax_bigram.py` · **上一课：** [02 · n 元语法](02_ngrams.ipynb) · **下一课：** [04 · 词元化](04_tokenization.ipynb)
#
# 计数表又快又老实，可它动弹不得：没法微调一点点，没法由更小的零件拼成；从 `Q` 身上学到的，也帮不了 `q`。
#
# 网络就不同了：它里面的数是可以**挪动**的。但网络吐出来的是任意的数，可能是 3.1，也可能是 −40，而概率必须落在 0 和 1 之间。
#
# **问题：怎样把任意的分数变成概率？又该朝哪个方向挪动分数，文本才会变得更可能？**
#
# 答案写在一张明信片上就够了：$p = \mathrm{softmax}(z)$，以及 $\partial L/\partial z = p - y$。本课程的每个模型，直到 GPT 的最后一层，都靠这两个公式训练。

# %%
import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation.probability import nats_to_bits, score
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.reference.softmax import (
    cross_entropy,
    cross_entropy_gradient,
    log_softmax,
    logsumexp,
    softmax,
)
from lmcourse.text.tokenizers import CharacterTokenizer

rng = setup(seed=0)

# %% [markdown]
# ## Scores become probabilities
#
# We have read `t` and wonder what comes next. Three candidates, three scores: `h` gets 2, `o` gets 1, `x` gets 0. A score of this kind, a real number without bounds, is called a **logit**; we write the row of them as $z$.
#
# `h` has twice the score of `o`. Before you run on: how many times as probable should it be?

# %% [markdown] lang="zh"
# ## 从分数到概率
#
# 刚读到 `t`，下一个会是什么？三个候选，三个分数：`h` 得 2，`o` 得 1，`x` 得 0。这种没有上下限的实数分数叫 **logit**，一整行记作 $z$。
#
# `h` 的分数是 `o` 的两倍。往下运行之前想一想：它的概率该是 `o` 的几倍？

# %%
predict("2", "e ≈ 2.72", "e² ≈ 7.39")

# %%
z = np.array([2.0, 1.0, 0.0])  # h, o, x
powers = np.exp(z)  # always positive
p = powers / powers.sum()  # now they sum to one
print("e^z ", powers.round(3), " sum", powers.sum().round(3))
print("p   ", p.round(3), " sum", p.sum().round(3))
print("h : o", (p[0] / p[1]).round(3), "  o : x", (p[1] / p[2]).round(3))
assert_allclose(p[0] / p[1], np.e)
assert_allclose(p, [0.665, 0.245, 0.090], atol=5e-4)

# %% [markdown]
# The answer is $e$. And `o` is also $e$ times as probable as `x`, although 1 is not twice 0: **only the difference of two scores matters**. One point more multiplies the odds by 2.718. Even `x`, with a score of 0, keeps 9 percent: no score is so low that a word becomes impossible.
#
# This recipe is **softmax**:
#
# $$p_i = \mathrm{softmax}(z)_i = \frac{e^{z_i}}{\sum_{j} e^{z_j}}$$
#
# Why the exponential, of all functions? Suppose we use some positive function $f$, so that $p_i = f(z_i)/\sum_j f(z_j)$, and we wish that the odds depend on nothing but the difference of the scores:
#
# $$\frac{f(a)}{f(b)} = g(a-b)$$
#
# Set $b=0$: then $f(a) = f(0)\,g(a)$. Put that back in: $g(a)/g(b) = g(a-b)$, or with $a = x + y$ and $b = y$:
#
# $$g(x+y) = g(x)\,g(y)$$
#
# The continuous functions that turn sums into products are the exponentials $g(x)=e^{kx}$. So the wish leaves us one freedom, the constant $k$. We will meet it again as the temperature.

# %% [markdown] lang="zh"
# 答案是 $e$ 倍。而 `o` 也是 `x` 的 $e$ 倍，尽管 1 并不是 0 的两倍：**起作用的只有分数之差**。多一分，两者概率之比就乘以 2.718。得 0 分的 `x` 仍有 9%：分数再低，也不会低到不可能。
#
# 这个做法就叫 **softmax**：
#
# $$p_i = \mathrm{softmax}(z)_i = \frac{e^{z_i}}{\sum_{j} e^{z_j}}$$
#
# 函数那么多，为什么偏偏用指数？设某个取正值的函数 $f$，令 $p_i = f(z_i)/\sum_j f(z_j)$，并希望两者概率之比只取决于分数之差：
#
# $$\frac{f(a)}{f(b)} = g(a-b)$$
#
# 取 $b=0$，得 $f(a) = f(0)\,g(a)$。代回去：$g(a)/g(b) = g(a-b)$；再令 $a = x + y$、$b = y$：
#
# $$g(x+y) = g(x)\,g(y)$$
#
# 能把和变成积的连续函数，只有指数函数 $g(x)=e^{kx}$。于是这个愿望只给我们留下一点自由：常数 $k$。后面它会以“温度”的名字再次出现。

# %% [markdown]
# ## The same on paper, not in the machine
#
# Add the same number $c$ to all scores. Nothing happens, because $e^c$ cancels:
#
# $$\frac{e^{z_i+c}}{\sum_j e^{z_j+c}} = \frac{e^c\, e^{z_i}}{e^c \sum_j e^{z_j}} = \frac{e^{z_i}}{\sum_j e^{z_j}}$$
#
# This is the **shift invariance** of softmax. Let us move our three scores up by 1000 and compute:

# %% [markdown] lang="zh"
# ## 纸上相同，机器里却不同
#
# 给所有分数加上同一个数 $c$，什么也不会变，因为 $e^c$ 约掉了：
#
# $$\frac{e^{z_i+c}}{\sum_j e^{z_j+c}} = \frac{e^c\, e^{z_i}}{e^c \sum_j e^{z_j}} = \frac{e^{z_i}}{\sum_j e^{z_j}}$$
#
# 这就是 softmax 的**平移不变性**。把三个分数都抬高 1000，再算一遍：

# %%
with np.errstate(over="ignore", invalid="ignore"):
    naive = np.exp(z + 1000) / np.exp(z + 1000).sum()
print("naive             ", naive)
print("largest exponent  ", np.log(np.finfo(np.float64).max).round(2))
print("  in float32      ", np.log(np.finfo(np.float32).max).round(2))
assert np.isnan(naive).all()

# %% [markdown]
# `nan`: not a number. A float64 can't hold $e^{710}$, it **overflows** to infinity, and infinity divided by infinity is no number. In float32, in which networks are trained, a score of 89 is enough.
#
# The shift that does the damage is also the cure. We are free to choose $c$, so we take $c=-\max_j z_j$. Then the largest exponent is 0, the sum is at least 1, and an underflow to 0 in the small ones does no harm. This is the function that the whole course uses:

# %% [markdown] lang="zh"
# `nan` 就是“不是数”。float64 装不下 $e^{710}$，**上溢**成了无穷大，而无穷大除以无穷大不是数。训练网络常用的 float32 更不经用，89 分就够它受的。
#
# 闯祸的是平移，解药也是平移。既然 $c$ 随我们挑，就取 $c=-\max_j z_j$：最大的指数是 0，总和至少是 1；小的几项下溢成 0 也无妨。整门课用的都是这个函数：

# %%
show_source(softmax)

# %%
print("ours, moved by 1000 ", softmax(z + 1000).round(3))
print("ours, moved by -1000", softmax(z - 1000).round(3))
print("one score is -inf   ", softmax([2.0, 1.0, -np.inf]).round(3))
assert_allclose(softmax(z + 1000), p)
assert_allclose(softmax(z - 1000), p)

# %% [markdown]
# A score of $-\infty$ has a use: it forbids. Lesson 10 will hide the future behind it.
#
# The logarithm of the denominator appears so often that it has a name, **log-sum-exp**. With $m = \max_j z_j$:
#
# $$\mathrm{lse}(z) = \ln \sum_j e^{z_j} = m + \ln \sum_j e^{z_j - m}$$
#
# The sum on the right lies between 1 (only the largest counts) and $V$ (all $V$ are equal). So $m \le \mathrm{lse}(z) \le m + \ln V$: it is a soft maximum.

# %% [markdown] lang="zh"
# $-\infty$ 分也有用处：它表示禁止。第 10 课会用它把未来遮起来。
#
# 分母的对数经常要用，于是它有了名字：**log-sum-exp**。记 $m = \max_j z_j$：
#
# $$\mathrm{lse}(z) = \ln \sum_j e^{z_j} = m + \ln \sum_j e^{z_j - m}$$
#
# 右边的和介于 1（只有最大的一项算数）与 $V$（$V$ 项全都相等）之间，所以 $m \le \mathrm{lse}(z) \le m + \ln V$：它是一个“软”的最大值。

# %%
for row in [[2, 1, 0], [20, 10, 0], [5, 5, 5], [1000, 999, 0]]:
    print(f"{str(row):>15}  max {max(row):>4}  lse {logsumexp(row):8.3f}")
assert_allclose(logsumexp(z), np.log(powers.sum()))
assert_allclose(logsumexp([5, 5, 5]), 5 + np.log(3))

# %% [markdown]
# ## A score is not a log-probability
#
# Take the logarithm of softmax and the division becomes a subtraction:
#
# $$\ln p_i = z_i - \mathrm{lse}(z)$$
#
# So scores and log-probabilities are different things. The scores of a row may be anything; its log-probabilities are at most 0, and their exponentials sum to one. They differ by one number per row, and that number hides the sum over all words. A page that calls the raw score "the log-probability" has forgotten it.

# %% [markdown] lang="zh"
# ## 分数不是对数概率
#
# 对 softmax 取对数，除法就成了减法：
#
# $$\ln p_i = z_i - \mathrm{lse}(z)$$
#
# 可见分数与对数概率是两回事。一行分数可以是任何数；一行对数概率却都不大于 0，取指数之后加起来等于一。每一行里，两者只差一个数，而对所有词的求和就藏在这个数里。有的文章把原始分数直接叫作“对数概率”，就是把它忘了。

# %%
print("z          ", z, "         sum of e^z    ", np.exp(z).sum().round(3))
print(
    "log softmax", log_softmax(z).round(3), "sum of e^(ln p)", np.exp(log_softmax(z)).sum().round(3)
)
print("z - ln p   ", (z - log_softmax(z)).round(3))
assert_allclose(z - log_softmax(z), logsumexp(z))
assert_allclose(softmax(log_softmax(z)), softmax(z))

# %% [markdown]
# The last line says that log-probabilities *may* serve as scores: they are scores whose lse is 0. That is why the n-gram models of lesson 02 fit the contract "ids → logits" although they return logarithms of probabilities.
#
# And why a function of its own, instead of `np.log(softmax(z))`? Because a probability can be too small for the machine while its logarithm is an everyday number:

# %% [markdown] lang="zh"
# 最后一行断言说的是：对数概率**可以**当分数用，它就是 lse 为 0 的分数。所以第 02 课的 n 元语法模型虽然返回概率的对数，却也符合“编号 → logit”的约定。
#
# 那为什么另写一个函数，而不用 `np.log(softmax(z))`？因为概率可能小得机器装不下，它的对数却是个平常的数：

# %%
far = np.array([1000.0, 0.0])
with np.errstate(divide="ignore"):
    print("log of softmax", np.log(softmax(far)))
print("log_softmax   ", log_softmax(far))
assert log_softmax(far)[1] == -1000

# %% [markdown]
# ## Temperature
#
# The free constant $k$ from above is usually written $1/\tau$, with the **temperature** $\tau$:
#
# $$p_i = \frac{e^{z_i/\tau}}{\sum_j e^{z_j/\tau}}$$
#
# A small $\tau$ stretches the differences, a large one shrinks them. What happens to our five candidates in the limits $\tau\to 0$ and $\tau\to\infty$?

# %% [markdown] lang="zh"
# ## 温度
#
# 前面剩下的那个常数 $k$ 通常写成 $1/\tau$，$\tau$ 叫作**温度**：
#
# $$p_i = \frac{e^{z_i/\tau}}{\sum_j e^{z_j/\tau}}$$
#
# $\tau$ 小，差距被拉大；$\tau$ 大，差距被缩小。$\tau\to 0$ 和 $\tau\to\infty$ 时，下面五个候选各会怎样？

# %%
predict("τ → 0,  τ → ∞")

# %%
letters, five = list("hoeix"), np.array([2.0, 1.0, 0.5, 0.0, -2.0])


def draw(axes, temperature):
    plots.bars(axes, letters, softmax(five / temperature))
    axes.set(ylim=(0, 1.05), xlabel="next character", ylabel="probability")


explore(draw, temperature=[0.1, 0.25, 0.5, 1, 2, 10])

# %% [markdown]
# **Figure.** The same five scores at six temperatures, as bars of probability. At 0.1 nearly everything is on the best character; at 10 the five bars are almost equal; the order of the bars never changes.

# %% [markdown] lang="zh"
# **图.** 同样五个分数在六种温度下的概率柱状图。温度 0.1 时概率几乎全在最好的字符上；温度 10 时五根柱子差不多一样高；高低次序始终不变。


# %%
def entropy(p):
    return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1)  # nats


temperatures = [0.1, 0.25, 0.5, 1, 2, 10, 1000]
entropies = [entropy(softmax(five / t)) for t in temperatures]
for t, h in zip(temperatures, entropies, strict=True):
    print(f"temperature {t:>6}  entropy {nats_to_bits(h):.3f} bits")
assert (np.diff(entropies) > 0).all()
assert_allclose(entropies[-1], np.log(5), atol=1e-5)

# %% [markdown]
# Cold is greedy, hot is uniform. The entropy rises from 0 to $\log_2 5$ on the way, without a detour. There is a second way to see what softmax does. Among *all* distributions $q$, look for the one that earns a high mean score **and** stays undecided, with $\tau$ as the price of a nat of entropy:
#
# $$J(q) = \sum_i q_i z_i + \tau\, H(q), \qquad H(q) = -\sum_i q_i \ln q_i \;\text{ (nats)}$$
#
# Let $p = \mathrm{softmax}(z/\tau)$. Its logarithm is $\ln p_i = z_i/\tau - \mathrm{lse}(z/\tau)$, so the scores are $z_i = \tau \ln p_i + \tau\,\mathrm{lse}(z/\tau)$. Put that in, and use that the $q_i$ sum to one:
#
# $$J(q) = \tau\,\mathrm{lse}(z/\tau) - \tau \sum_i q_i \ln\frac{q_i}{p_i} = \tau\,\mathrm{lse}(z/\tau) - \tau\, D_{\mathrm{KL}}(q \,\Vert\, p)$$
#
# The KL divergence of lesson 01 (here in nats) is never negative, and zero only for $q = p$. So the winner is $q = \mathrm{softmax}(z/\tau)$, and it wins $\tau\,\mathrm{lse}(z/\tau)$. Softmax is the *least decided* of all distributions with its mean score. A hundred thousand random rivals try to beat it:

# %% [markdown] lang="zh"
# 冷则贪心，热则均匀；一路上熵从 0 升到 $\log_2 5$，从不回头。softmax 还有第二种看法。在**所有**分布 $q$ 当中，找一个平均得分又高、**又**不轻易下定论的，$\tau$ 是每一奈特熵的价钱：
#
# $$J(q) = \sum_i q_i z_i + \tau\, H(q), \qquad H(q) = -\sum_i q_i \ln q_i \;\text{（奈特）}$$
#
# 令 $p = \mathrm{softmax}(z/\tau)$，取对数得 $\ln p_i = z_i/\tau - \mathrm{lse}(z/\tau)$，于是分数 $z_i = \tau \ln p_i + \tau\,\mathrm{lse}(z/\tau)$。代进去，再用上 $q_i$ 之和等于一：
#
# $$J(q) = \tau\,\mathrm{lse}(z/\tau) - \tau \sum_i q_i \ln\frac{q_i}{p_i} = \tau\,\mathrm{lse}(z/\tau) - \tau\, D_{\mathrm{KL}}(q \,\Vert\, p)$$
#
# 第 01 课的 KL 散度（这里以奈特计）从不为负，只有 $q = p$ 时才是零。所以赢家就是 $q = \mathrm{softmax}(z/\tau)$，它得到的值是 $\tau\,\mathrm{lse}(z/\tau)$。也就是说，在平均得分相同的分布里，softmax **最不武断**。请十万个随机分布来挑战它：

# %%
tau = 0.7
rivals = rng.dirichlet(np.ones(5), size=100_000)
values = rivals @ five + tau * entropy(rivals)
best = softmax(five / tau)
print("best of 100,000 rivals", values.max().round(3))
print("softmax               ", (best @ five + tau * entropy(best)).round(3))
assert values.max() < best @ five + tau * entropy(best)
assert_allclose(best @ five + tau * entropy(best), tau * logsumexp(five / tau))
divergence = (rivals * np.log(rivals / best)).sum(axis=1)
assert_allclose(values, tau * logsumexp(five / tau) - tau * divergence)

# %% [markdown]
# ## The loss
#
# A model is good if it gives the text a high probability. For $N$ predictions with rows of scores $z_1,\dots,z_N$ and true next tokens $y_1,\dots,y_N$, the **loss** is the cross-entropy of lesson 01, the mean surprise, in nats:
#
# $$L = -\frac1N\sum_{i=1}^{N} \ln p_{i,\,y_i} = \frac1N\sum_{i=1}^{N}\bigl(\mathrm{lse}(z_i) - z_{i,\,y_i}\bigr)$$
#
# Two predictions by hand. The first row is our $z$ and an `h` comes; the second row is all zeros and an `x` comes:

# %% [markdown] lang="zh"
# ## 损失
#
# 好模型会给文本很高的概率。设有 $N$ 次预测，分数行为 $z_1,\dots,z_N$，真正出现的词元为 $y_1,\dots,y_N$，**损失**就是第 01 课的交叉熵，也就是平均惊异度，以奈特计：
#
# $$L = -\frac1N\sum_{i=1}^{N} \ln p_{i,\,y_i} = \frac1N\sum_{i=1}^{N}\bigl(\mathrm{lse}(z_i) - z_{i,\,y_i}\bigr)$$
#
# 动手算两次预测。第一行是刚才的 $z$，来的是 `h`；第二行全是零，来的是 `x`：

# %%
logits, targets = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]]), np.array([0, 2])
each = logsumexp(logits) - logits[[0, 1], targets]
print("each  ", each.round(3), "nats")
print("mean  ", each.mean().round(3), "nats =", nats_to_bits(each.mean()).round(3), "bits")
assert_allclose(each, [-np.log(p[0]), np.log(3)])
assert_allclose(cross_entropy(logits, targets), each.mean())

# %% [markdown]
# Equal scores for three words cost $\ln 3$: the price of knowing nothing. An untrained model that costs much more than $\ln V$ has a bug or a bad start. Remember this check, it is worth hours.
#
# How dear is it to be wrong? Let a wrong word lead by a gap of $g$ points:

# %% [markdown] lang="zh"
# 三个词同分，代价是 $\ln 3$：一无所知的价钱。一个还没训练的模型，若代价远高于 $\ln V$，不是有错就是起点没选好。记住这个检查，它能省下好几个小时。
#
# 猜错有多贵？让一个错的词领先 $g$ 分：

# %%
for gap in [0, 1, 5, 20, 1000]:
    print(f"wrong by {gap:>4} points: {cross_entropy([[0.0, gap]], [0]):9.3f} nats")
assert_allclose(cross_entropy([[0.0, 1000.0]], [0]), 1000)

# %% [markdown]
# Far out, each further point costs one further nat, no more. The loss of a confident mistake grows in a straight line.
#
# ## The gradient: $p - y$
#
# Now the second half of the question: in which direction do we move the scores? We need the slope of the loss along every score. One prediction, target $y$, and $z_k$ any of the scores:
#
# $$L = \mathrm{lse}(z) - z_y = \ln\sum_j e^{z_j} - z_y$$
#
# The chain rule of calculus for $\ln u$ with $u=\sum_j e^{z_j}$; in the sum, only the term $j=k$ contains $z_k$:
#
# $$\frac{\partial}{\partial z_k}\ln\sum_j e^{z_j} = \frac{1}{\sum_j e^{z_j}}\cdot\frac{\partial}{\partial z_k}\sum_j e^{z_j} = \frac{e^{z_k}}{\sum_j e^{z_j}} = p_k$$
#
# So the slope of log-sum-exp is softmax. The other term is easier: $z_y$ changes with $z_k$ only if $k$ is the target.
#
# $$\frac{\partial z_y}{\partial z_k} = \begin{cases}1 & k = y\\ 0 & k\ne y\end{cases}$$
#
# These zeros and the single one form the **one-hot vector** of the target. If we call it $y$ too, the whole gradient is one subtraction:
#
# $$\boxed{\;\frac{\partial L}{\partial z} = p - y\;}$$
#
# For the mean over $N$ predictions, each row gets $(p - y)/N$. Prediction minus truth: what was believed too much goes down, the truth goes up, and a perfect prediction moves nothing. By hand, for the scores (2, 1, 0), when `o` comes:

# %% [markdown] lang="zh"
# 走远了以后，每多错一分只多付一奈特：自信地犯错，损失沿直线增长。
#
# ## 梯度：$p - y$
#
# 再看问题的后半句：该朝哪个方向挪动分数？我们要知道损失沿每个分数的斜率。只看一次预测，目标是 $y$，$z_k$ 是任意一个分数：
#
# $$L = \mathrm{lse}(z) - z_y = \ln\sum_j e^{z_j} - z_y$$
#
# 对 $\ln u$（$u=\sum_j e^{z_j}$）用求导的链式法则；和式里只有 $j=k$ 那一项含有 $z_k$：
#
# $$\frac{\partial}{\partial z_k}\ln\sum_j e^{z_j} = \frac{1}{\sum_j e^{z_j}}\cdot\frac{\partial}{\partial z_k}\sum_j e^{z_j} = \frac{e^{z_k}}{\sum_j e^{z_j}} = p_k$$
#
# 原来 log-sum-exp 的斜率就是 softmax。另一项更简单：只有 $k$ 正是目标时，$z_y$ 才随 $z_k$ 变。
#
# $$\frac{\partial z_y}{\partial z_k} = \begin{cases}1 & k = y\\ 0 & k\ne y\end{cases}$$
#
# 这些 0 和唯一的 1，排起来就是目标的**独热向量**。把它也记作 $y$，整个梯度就只是一次减法：
#
# $$\boxed{\;\frac{\partial L}{\partial z} = p - y\;}$$
#
# 对 $N$ 次预测取平均时，每行是 $(p - y)/N$。预测减真相：信得太多的往下压，真相往上抬，预测得完美就一动不动。动手算一次：分数是 (2, 1, 0)，来的是 `o`：

# %%
y = np.array([0.0, 1.0, 0.0])  # an o
gradient = p - y
print("p      ", p.round(3))
print("p - y  ", gradient.round(3), " sum", abs(gradient.sum()).round(3))
after = z - 1.0 * gradient  # one step downhill
print("z after", after.round(3))
print("p after", softmax(after).round(3))
assert_allclose(cross_entropy_gradient([z], [1]), [gradient])
assert cross_entropy([after], [1]) < cross_entropy([z], [1])

# %% [markdown]
# One step against the gradient, and `o` has risen. The gradient sums to zero because of the shift invariance: if moving all scores together changes nothing, the slopes have to cancel.
#
# Never trust a derivation that hasn't met a number. **Finite differences** measure a slope by brute force: move one score up a little, then down a little, and look at the loss.

# %% [markdown] lang="zh"
# 逆着梯度走一步，`o` 的概率就上去了。梯度之和为零，是平移不变性的结果：所有分数一起挪动什么也不变，那斜率必然互相抵消。
#
# 没跟数字当面对质过的推导，一概别信。**有限差分**用蛮力量斜率：把一个分数往上挪一点点，再往下挪一点点，看损失变了多少。

# %%
logits, targets = rng.normal(0, 3, (4, 5)), rng.integers(0, 5, 4)
formula, step = cross_entropy_gradient(logits, targets), 1e-5
measured = np.zeros_like(logits)
for place in np.ndindex(logits.shape):
    nudge = np.zeros_like(logits)
    nudge[place] = step
    rise = cross_entropy(logits + nudge, targets) - cross_entropy(logits - nudge, targets)
    measured[place] = rise / (2 * step)
for name, row in {"formula": formula[0], "measured": measured[0]}.items():
    print(f"{name:<9}", "  ".join(f"{slope:7.4f}" for slope in row))
assert_allclose(formula, measured, atol=1e-9)

# %% [markdown]
# The third witness is **automatic differentiation**: TensorFlow records every operation of the loss on a tape and applies the chain rule of calculus backwards. Importing it takes a few seconds; the previous lessons did without. (`setup` has already told it to compute the same digits on every processor.)

# %% [markdown] lang="zh"
# 第三位证人是**自动微分**：TensorFlow 把算损失的每个运算录在“磁带”上，再倒着套用求导的链式法则。导入它要花几秒钟，前几课都没用到它。（`setup` 已经交代过，要它在各种处理器上算出同样的数字。）

# %%
import keras
import tensorflow as tf

keras.utils.set_random_seed(0)
of_keras = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
variable = tf.Variable(logits)
with tf.GradientTape() as tape:
    loss = of_keras(targets, variable)
automatic = tape.gradient(loss, variable).numpy()
assert_allclose(float(loss), cross_entropy(logits, targets), rtol=1e-12)
assert_allclose(automatic, formula, atol=1e-12)
print("formula, finite differences and the tape agree")

# %% [markdown]
# One more property, and it is a gift. Write $p_i = e^{z_i - \mathrm{lse}(z)}$ and differentiate once more. With $[i=k]$ for 1 if $i=k$ and 0 if not, $\partial p_i/\partial z_k = p_i([i=k] - p_k)$. So the matrix of second derivatives is $\mathrm{diag}(p) - pp^\top$: $p$ along the diagonal, minus all products $p_i p_k$. For any direction $u$,
#
# $$u^\top(\mathrm{diag}(p) - pp^\top)\,u = \sum_i p_i u_i^2 - \Bigl(\sum_i p_i u_i\Bigr)^2 = \mathrm{Var}_p(u) \ge 0$$
#
# That is the mean of the squares minus the square of the mean: a variance, and never negative. Seen as a function of the scores, the loss nowhere curves downwards. It is **convex**, a bowl without side valleys: whoever keeps walking downhill, in steps that are not too long, comes as close to the lowest value as he likes. (For deeper networks this ends, because their scores bend as functions of the weights.)

# %% [markdown] lang="zh"
# 还有一条性质，简直是白送的。写成 $p_i = e^{z_i - \mathrm{lse}(z)}$，再求一次导；$[i=k]$ 在 $i=k$ 时为 1，否则为 0，则 $\partial p_i/\partial z_k = p_i([i=k] - p_k)$。于是二阶导数的矩阵是 $\mathrm{diag}(p) - pp^\top$：对角线上放 $p$，再减去所有的乘积 $p_i p_k$。对任意方向 $u$，
#
# $$u^\top(\mathrm{diag}(p) - pp^\top)\,u = \sum_i p_i u_i^2 - \Bigl(\sum_i p_i u_i\Bigr)^2 = \mathrm{Var}_p(u) \ge 0$$
#
# 平方的平均减去平均的平方，这是方差，不会是负的。作为分数的函数，损失没有一处向下弯：它是**凸**的，像一只没有岔沟的碗；只要步子不太大、一直往下走，要多接近最低处就能多接近。（更深的网络就没这福气了，它们的分数随权重弯来弯去。）

# %%
curvature = np.diag(p) - np.outer(p, p)
direction = rng.normal(size=3)
variance = p @ direction**2 - (p @ direction) ** 2
print(curvature.round(3))
print("eigenvalues", abs(np.linalg.eigvalsh(curvature)).round(3))
assert_allclose(direction @ curvature @ direction, variance)
assert np.linalg.eigvalsh(curvature).min() > -1e-12

# %% [markdown]
# The eigenvalue 0 belongs to the direction (1, 1, 1): the shift that changes nothing.
#
# ## Remove a part: the logarithm
#
# Why not measure the error more plainly, as the squared distance $\sum_k(p_k-y_k)^2$? By the chain rule, its slope carries an extra factor:
#
# $$\frac{\partial}{\partial z_k}\sum_i (p_i-y_i)^2 = 2\sum_i (p_i - y_i)\,\frac{\partial p_i}{\partial z_k} = 2\,p_k\Bigl((p_k-y_k) - \sum_i p_i\,(p_i-y_i)\Bigr)$$
#
# Predict: a model with two words is sure of the wrong one. Which of the two losses pushes harder?

# %% [markdown] lang="zh"
# 特征值 0 对应方向 (1, 1, 1)：正是那个什么也不改变的平移。
#
# ## 拿掉一个部件：对数
#
# 何不用更朴素的办法量误差，比如距离的平方 $\sum_k(p_k-y_k)^2$？由链式法则，它的斜率多出一个因子：
#
# $$\frac{\partial}{\partial z_k}\sum_i (p_i-y_i)^2 = 2\sum_i (p_i - y_i)\,\frac{\partial p_i}{\partial z_k} = 2\,p_k\Bigl((p_k-y_k) - \sum_i p_i\,(p_i-y_i)\Bigr)$$
#
# 先猜一猜：一个只有两个词的模型，一口咬定错的那个。两种损失，哪一种推得更用力？

# %%
predict("cross-entropy", "squared", "=")

# %%
lead = np.linspace(-10, 10, 201)  # score of the truth, minus score of the other word
pair = softmax(np.stack([lead, np.zeros_like(lead)], axis=-1))
error = pair - np.array([1.0, 0.0])
log_slope = error[:, 0]
square_slope = 2 * pair[:, 0] * (error[:, 0] - (pair * error).sum(axis=1))
figure, axes = plt.subplots()
axes.plot(lead, abs(log_slope), label="cross-entropy")
axes.plot(lead, abs(square_slope), label="squared error")
axes.legend()
axes.set(xlabel="lead of the true word (points)", ylabel="size of the slope", ylim=(0, 1.05))
print("lead -10:", abs(log_slope[0]).round(4), "against", abs(square_slope[0]).round(4))
assert abs(log_slope[0]) > 0.99 and abs(square_slope[0]) < 1e-3

# %% [markdown]
# **Figure.** How hard each loss pushes the true word's score up, against the true word's lead in points. The slope of the cross-entropy is near 1 wherever the model is confidently wrong, and falls to 0 as it becomes right. The slope of the squared error is a hill around zero: it vanishes on both sides, also where the model is wrong.

# %% [markdown] lang="zh"
# **图.** 横轴是正确的词领先几分，纵轴是每种损失把它的分数往上推的力度。模型自信地犯错时，交叉熵的斜率接近 1，等模型对了才降到 0。平方误差的斜率却是零点附近的一座小山：两侧都消失，连犯错的那一侧也不例外。

# %% [markdown]
# The squared error lets a confident mistake stand: where the model is most wrong, it says nothing. The logarithm in the loss exactly undoes the exponential in softmax. They are made for each other.
#
# ## Where scores come from: the energy form
#
# So far we wrote the scores down. A network computes them: it condenses the context into a vector $h$ of width $D$, it has one vector $e_w$ of the same width and one **bias** $b_w$ for every word, and scores by
#
# $$z_w = h^\top e_w + b_w, \qquad P(w \mid h) = \frac{e^{\,h^\top e_w + b_w}}{\sum_{v} e^{\,h^\top e_v + b_v}}$$
#
# Physicists call $-z_w$ the **energy** of the word: low energy, high probability (Boltzmann wrote it down in 1868, for gases). The bias says how popular a word is in any context, the scalar product how well it fits this one. In some texts the bias is a single number $b$ for all words. Let us try:

# %% [markdown] lang="zh"
# 模型错得最离谱的时候，平方误差反而一声不吭，听任它错下去。损失里的对数恰好抵消了 softmax 里的指数，真是天生一对。
#
# ## 分数从哪里来：能量形式
#
# 到现在为止，分数都是我们写上去的。网络则把它算出来：先把上下文浓缩成宽度为 $D$ 的向量 $h$；每个词有一个同样宽的向量 $e_w$ 和一个**偏置** $b_w$；打分的办法是
#
# $$z_w = h^\top e_w + b_w, \qquad P(w \mid h) = \frac{e^{\,h^\top e_w + b_w}}{\sum_{v} e^{\,h^\top e_v + b_v}}$$
#
# 物理学家把 $-z_w$ 叫作这个词的**能量**：能量低则概率高（1868 年玻尔兹曼为气体写下了这个式子）。偏置说的是一个词在任何上下文里有多受欢迎，内积说的是它与眼下这个上下文有多合拍。有些文章里，偏置是所有词共用的一个数 $b$。试试看：

# %%
h = np.array([1.0, -2.0])  # the context, D = 2
e = np.array([[0.5, -1.0], [2.0, 0.5], [-1.0, -0.5]])  # three words
print("no bias       ", softmax(e @ h).round(3))
print("shared b = 7  ", softmax(e @ h + 7.0).round(3))
print("one per word  ", softmax(e @ h + np.array([0.0, 2.0, 0.0])).round(3))
assert_allclose(softmax(e @ h + 7.0), softmax(e @ h))
assert_allclose(e @ h, [2.5, 1.0, 0.0])

# %% [markdown]
# A shared bias is a shift, and a shift cancels: it is a parameter that can learn nothing. A bias needs an index. (If you meet $h^\top e_w + b$ somewhere, you have found a misprint, or a bug.)
#
# ## A bigram that learns, by hand
#
# The smallest model with context has one row of scores for every last character $c$: $z_w = \text{table}[c, w]$. Let it read one word:

# %% [markdown] lang="zh"
# 共用的偏置就是一次平移，而平移会约掉：这个参数什么也学不到。偏置必须带下标。（要是在哪里看到 $h^\top e_w + b$，那不是印错了，就是程序有错。）
#
# ## 会学习的二元语法，动手算
#
# 最小的、带上下文的模型，是给每个“上一个字符” $c$ 配一行分数：$z_w = \text{table}[c, w]$。让它读一个词：

# %%
word = "abracadabra"
tiny = CharacterTokenizer.train(word)
read = tiny.encode(word)


def pair_counts(ids, V):
    return np.bincount(ids[:-1] * V + ids[1:], minlength=V * V).reshape(V, V)


counts = pair_counts(read, 5)
print("   " + " ".join(tiny.vocabulary))
for letter, row in zip(tiny.vocabulary, counts, strict=True):
    print(letter, row)
assert counts.sum() == len(word) - 1 and counts[0].tolist() == [0, 2, 1, 1, 0]

# %% [markdown]
# After `a` came `b` twice, `c` once, `d` once. The ten predictions share only five rows of scores, so ten gradients $p-y$ fall into five rows. Add up those of one context $c$, which was read $n_c$ times, $n_{cw}$ times with $w$ behind it (lesson 02 wrote $c(h)$ and $c(hw)$; here $c$ is a character):
#
# $$\frac{\partial L}{\partial z_{c,w}} = \frac{1}{N}\sum_{i:\;\text{context}=c} (p_{c,w} - y_{i,w}) = \frac{n_c\,p_{c,w} - n_{cw}}{N}$$
#
# *Expected count minus true count.* Where do the scores come to rest? Where this is zero:
#
# $$p_{c,w} = \frac{n_{cw}}{n_c}$$
#
# That is lesson 02's maximum likelihood estimate. The learned bigram has to converge to the counted one. All scores start at zero, so every $p$ is ⅕ and the first gradient can be done in your head:

# %% [markdown] lang="zh"
# `a` 后面来过两次 `b`、一次 `c`、一次 `d`。十次预测只用到五行分数，所以十个梯度 $p-y$ 落进五行里。把同一个上下文 $c$ 的加起来：它读到过 $n_c$ 次，其中后面跟着 $w$ 的有 $n_{cw}$ 次（第 02 课写作 $c(h)$ 和 $c(hw)$，这里 $c$ 是一个字符）：
#
# $$\frac{\partial L}{\partial z_{c,w}} = \frac{1}{N}\sum_{i:\;\text{context}=c} (p_{c,w} - y_{i,w}) = \frac{n_c\,p_{c,w} - n_{cw}}{N}$$
#
# **期望的计数减去真实的计数。** 分数会停在哪里？停在它为零的地方：
#
# $$p_{c,w} = \frac{n_{cw}}{n_c}$$
#
# 这正是第 02 课的极大似然估计。学出来的二元语法，必定收敛到数出来的二元语法。分数全从零开始，于是每个 $p$ 都是 ⅕，第一个梯度心算就行：


# %%
def counts_gradient(z, counts):
    totals = counts.sum(axis=1, keepdims=True)  # how often each context was seen
    return (totals * softmax(z) - counts) / counts.sum()


first = counts_gradient(np.zeros((5, 5)), counts)
print("row of a:", first[0].round(3))
by_position = np.zeros((5, 5))  # the same, one position at a time
np.add.at(by_position, read[:-1], cross_entropy_gradient(np.zeros((10, 5)), read[1:]))
assert_allclose(first, by_position, atol=1e-16)
assert_allclose(first[0], (4 / 5 - np.array([0, 2, 1, 1, 0])) / 10)

# %% [markdown]
# Why is the resting place the *best* place? Write $\hat p_c$ for the counted distribution after $c$. The loss over all positions is a sum over contexts of cross-entropies, and each of those splits the way it did in lesson 01:
#
# $$L = \sum_c \frac{n_c}{N}\Bigl(-\sum_w \hat p_c(w)\ln p_c(w)\Bigr) = \sum_c \frac{n_c}{N}\Bigl(H(\hat p_c) + D_{\mathrm{KL}}(\hat p_c \,\Vert\, p_c)\Bigr)$$
#
# The first part is fixed by the text. The second is never negative and zero only for $p_c = \hat p_c$. So the text itself sets a floor, and the loss above the floor is exactly the distance from the counts. Downhill we go, 3000 steps of plain gradient descent:

# %% [markdown] lang="zh"
# 为什么停下来的地方就是**最好**的地方？记 $\hat p_c$ 为 $c$ 之后数出来的分布。对所有位置的损失，就是对各个上下文的交叉熵求和，而每个交叉熵都像第 01 课那样一分为二：
#
# $$L = \sum_c \frac{n_c}{N}\Bigl(-\sum_w \hat p_c(w)\ln p_c(w)\Bigr) = \sum_c \frac{n_c}{N}\Bigl(H(\hat p_c) + D_{\mathrm{KL}}(\hat p_c \,\Vert\, p_c)\Bigr)$$
#
# 前一部分由文本定死；后一部分从不为负，只有 $p_c = \hat p_c$ 时才是零。所以文本自己就划定了底线，而损失高出底线的部分，恰好就是与计数之间的距离。往下走，三千步普通的梯度下降：


# %%
def counts_loss(z, counts):
    return -(counts * log_softmax(z)).sum() / counts.sum()


table = np.zeros((5, 5))
for step in range(1, 3001):
    table -= 5.0 * counts_gradient(table, counts)
    if step in (1, 10, 100, 1000, 3000):
        print(
            f"step {step:>4}  loss {counts_loss(table, counts):.4f}  after a",
            softmax(table)[0].round(3),
        )
counted = counts / counts.sum(axis=1, keepdims=True)
floor = -(counts * np.log(np.where(counts, counted, 1))).sum() / counts.sum()
print(f"floor of the counts {floor:.4f}")
assert np.abs(softmax(table) - counted).max() < 1e-3

# %% [markdown]
# It arrives. But look at `a` after `a`, a pair that never occurred. Counting says 0. Softmax can't say 0: that needs a score of $-\infty$, so the score $z$ sinks, and sinks, ever more slowly. How slowly? Each step lowers it by an amount proportional to $p$, and $p$ is proportional to $e^z$, since the sum under the fraction hardly changes any more. Read the number of steps as a time $t$: $dz/dt = -\kappa e^{z}$ with a constant $\kappa$. Then $\frac{d}{dt}e^{-z} = -e^{-z}\,\frac{dz}{dt} = \kappa$, so $e^{-z} = \kappa t + \text{const}$: the probability falls like $1/t$. Twice the steps, half the probability:

# %% [markdown] lang="zh"
# 到了。可是看看 `a` 后面的 `a`，这一对从没出现过。计数说 0，softmax 却说不出 0：那要 $-\infty$ 分才行。于是分数 $z$ 一沉再沉，越沉越慢。有多慢？每一步下沉的量与 $p$ 成正比，而分母几乎不再变化，所以 $p$ 又与 $e^z$ 成正比。把步数看作时间 $t$，就有 $dz/dt = -\kappa e^{z}$，$\kappa$ 是常数。于是 $\frac{d}{dt}e^{-z} = -e^{-z}\,\frac{dz}{dt} = \kappa$，即 $e^{-z} = \kappa t + \text{常数}$：概率像 $1/t$ 那样下降。步数翻倍，概率减半：

# %%
table, never = np.zeros((5, 5)), []
for step in range(1, 4001):
    table -= 5.0 * counts_gradient(table, counts)
    if step in (1000, 2000, 4000):
        never.append(softmax(table)[0, 0])
        print(f"step {step:>4}  P(a after a) = {never[-1]:.6f}   score {table[0, 0]:.3f}")
assert_allclose(np.divide(never[:-1], never[1:]), 2, rtol=0.02)  # twice the steps, half of it

# %% [markdown]
# Keep this in mind, for it is both a nuisance and a blessing. A nuisance: convergence takes patience. A blessing: whenever we stop, **nothing has probability zero**. Stopping early (**early stopping**) is a kind of smoothing. We will measure how good a kind.
#
# ## On Shakespeare
#
# The plays again, split by play as before. The training text has millions of positions, but the gradient needs only the counts: a whole pass over the corpus costs one softmax of a $V\times V$ table. Is it really the same loss? Check on 50,000 characters, position by position:

# %% [markdown] lang="zh"
# 记住这件事，它又烦人又走运。烦人的是，收敛要有耐心；走运的是，无论什么时候停下，**没有什么概率是零**。提早停下（**早停**）就是一种平滑。好到什么程度，后面会量。
#
# ## 读莎士比亚
#
# 还是那些剧本，照旧按剧划分。训练文本有几百万个位置，可梯度只用得着计数：把整个语料过一遍，不过是对一张 $V\times V$ 的表做一次 softmax。真是同一个损失吗？拿五万个字符，逐个位置对一对：

# %%
from lmcourse.text.corpora import sanguo, shakespeare

plays = shakespeare()
tokenizer = CharacterTokenizer.train(plays.text("train"))
ids = {split: tokenizer.encode(plays.text(split)) for split in ("train", "validation", "test")}
V = tokenizer.vocabulary_size
part, some = ids["train"][:50_000], rng.normal(size=(V, V))
over_positions = cross_entropy(some[part[:-1]], part[1:])
over_counts = counts_loss(some, pair_counts(part, V))
print("over positions", round(over_positions, 6), "  over counts", over_counts.round(6))
assert_allclose(over_positions, over_counts, rtol=1e-12)
counts = pair_counts(ids["train"], V)
print(
    f"V = {V}, pairs read: {counts.sum():,}, kinds of pairs never read: {(counts == 0).mean():.0%}"
)

# %% [markdown]
# The table gets company: a bias per character, $z_{c,w} = \text{table}[c,w] + b_w$, the popularity of $w$ anywhere. On paper it adds nothing, since the table could hold it; a later section shows what it is good for. For downhill walking we take the optimizer **Adam**, which a later section takes apart; for now, it walks, and it gives each score a stride of its own.
#
# How many steps until *every* frequent probability (pairs read more than 50 times) is within 0.001 of its count?

# %% [markdown] lang="zh"
# 这张表添一个伙伴：每个字符一个偏置，$z_{c,w} = \text{table}[c,w] + b_w$，表示 $w$ 走到哪里都有的人气。论表达能力，它是多余的，表里本来就装得下；它的好处，后面有一节专门看。下坡用的优化器是 **Adam**，后面有一节专门拆开讲；现在只要知道它会走路，而且给每个分数各配一种步幅。
#
# 要走多少步，**每一个**常见的概率（读到 50 次以上的搭配）才会与计数相差不到 0.001？

# %%
predict("≈ 15", "≈ 150", "≈ 1,500", "≈ 15,000")


# %%
def descend(counts, make_optimizer, steps, watch):
    table, bias = np.zeros(counts.shape), np.zeros(len(counts))
    for_table, for_bias, history = make_optimizer(), make_optimizer(), []
    for _ in range(steps):
        gradient = counts_gradient(table + bias, counts)
        table = for_table.step(table, gradient)
        bias = for_bias.step(bias, gradient.sum(axis=0))
        history.append(watch(table + bias))
    return table, bias, np.array(history)


# %%
from lmcourse.models.ngram import AddK, MaximumLikelihood, ModifiedKneserNey
from lmcourse.reference.optimizers import SGD, Adam

bigram = MaximumLikelihood.train(ids["train"], order=2, vocabulary_size=V)  # lesson 02
counted = np.exp(bigram(np.arange(V)[:, None])[:, 0])  # (V, V)
frequent = counts > 50
table, bias, worst = descend(
    counts, lambda: Adam(0.5), 400, lambda z: abs(softmax(z) - counted)[frequent].max()
)
needed = np.flatnonzero(worst > 1e-3).max() + 2  # the first step from which on all are close
print(f"frequent pairs {frequent.sum():,}, steps needed {needed}")
assert worst[-1] < 1e-3

# %%
figure, axes = plt.subplots()
axes.semilogy(np.arange(1, 401), worst)
axes.axhline(1e-3, color=plots.GREY, linestyle="--")
axes.set(xlabel="steps of Adam over the whole corpus", ylabel="largest error of a probability")
axes.text(5, 1.15e-3, "0.001", color=plots.GREY)
plt.show()

# %% [markdown]
# **Figure.** The largest difference between a learned and a counted probability, over all pairs read more than 50 times, against the number of steps; the vertical axis is logarithmic. The curve falls from nearly 1 and crosses the dashed line at 0.001.

# %% [markdown] lang="zh"
# **图.** 在读到 50 次以上的所有搭配里，学到的概率与数出的概率相差最大有多少，随步数的变化；纵轴是对数刻度。曲线从接近 1 的地方一路下降，穿过 0.001 处的虚线。

# %%
show = [tokenizer.vocabulary.index(c) for c in " etaonhqu.,"]
names = [tokenizer.vocabulary[i] for i in show]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.4), sharey=True)
for axes, probabilities, title in (
    (left, counted, "counted"),
    (right, softmax(table + bias), "learned"),
):
    plots.heat_map(axes, probabilities[np.ix_(show, show)], names, names, largest=1)
    axes.set(title=title, xlabel="next character")
left.set_ylabel("last character")
plt.show()
assert_allclose(softmax(table + bias)[frequent], counted[frequent], atol=1e-3)

# %% [markdown]
# **Figure.** Two tables of probabilities side by side, eleven last characters down, eleven next characters across, dark for likely. Left the counts of lesson 02, right the learned scores after softmax. No difference can be seen; in both, `u` after `q` is the darkest cell.

# %% [markdown] lang="zh"
# **图.** 并排的两张概率表，纵向是十一个“上一个字符”，横向是十一个“下一个字符”，颜色越深越可能。左边是第 02 课的计数，右边是学到的分数经过 softmax。看不出差别；两边颜色最深的格子都是 `q` 后面的 `u`。

# %% [markdown]
# We have built a slow machine that computes what counting gives at once. That was the point: *we know the right answer*, and gradient descent found it. From now on we may trust it where nobody can count.
#
# ## The seven steps of training
#
# Real models don't see the corpus as one table. They see **mini-batches**, a few windows of text at a time (descent on such samples is called **stochastic gradient descent**, SGD), and training is always the same loop of seven steps:
#
# 1. **batch**: take some windows of text;
# 2. **forward**: compute the logits;
# 3. **loss**: compare with the true next tokens;
# 4. **gradient**: slopes of the loss for all parameters;
# 5. **update**: the optimizer takes a step;
# 6. **record**: write the loss down;
# 7. **validate**: after each pass over the text (an **epoch**), score text that is *not* trained on, and stop when it no longer gets better.
#
# The model in Keras is short:

# %% [markdown] lang="zh"
# 我们造了一台慢吞吞的机器，算出来的东西数一数马上就有。妙就妙在**我们知道正确答案**，而梯度下降找到了它。从今往后，在没人数得过来的地方，也可以信任它了。
#
# ## 训练的七个步骤
#
# 真正的模型不会把语料看成一张表，它看到的是**小批量**，每次只有几段文本（在这样的样本上下降，叫**随机梯度下降**，SGD）。训练永远是同一个循环，共七步：
#
# 1. **取批**：取几段文本；
# 2. **前向**：算出 logit；
# 3. **损失**：与真正的下一个词元比较；
# 4. **梯度**：损失对所有参数的斜率；
# 5. **更新**：优化器走一步；
# 6. **记录**：把损失记下来；
# 7. **验证**：每过完一遍文本（一**轮**），给**没有**拿来训练的文本打一次分，不再变好就停。
#
# Keras 里的模型很短：

# %%
from lmcourse.models.softmax_bigram import SoftmaxBigram

show_source(SoftmaxBigram.call)
model = SoftmaxBigram(V)
model.table.assign(table)
model.bias.assign(bias)
logits = np.asarray(model(ids["test"][None, :100]))  # ids (B, T) -> logits (B, T, V)
print("parameters", f"{model.count_params():,}", "  logits", logits.shape)
assert_allclose(logits[0], (table + bias)[ids["test"][:100]], atol=1e-4)

# %% [markdown]
# To see the seventh step matter, we make text scarce: about 20,000 characters for training. Windows of 64 characters, 16 windows a batch, always in the same order so that we can compare runs digit by digit.

# %% [markdown] lang="zh"
# 为了看清第七步的用处，我们让文本变得稀缺：只用大约 20,000 个字符训练。窗口长 64 个字符，每批 16 个窗口，次序固定，好让两次运行能逐位比较。

# %%
from lmcourse.text.batches import windows

B, T = 16, 64
small, held = ids["train"][: 19 * B * T + 1], ids["validation"][: 32 * B * T + 1]
x, y = windows(small, T)  # (B * 19, T) inputs, and the same shifted by one
x_held, y_held = windows(held, T)
mean_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
print("training", x.shape, "  validation", x_held.shape)
print("inputs ", repr(tokenizer.decode(x[0][:30])))
print("targets", repr(tokenizer.decode(y[0][:30])))


# %%
def seven_steps(model, optimizer, epochs, patience):
    history, best, weights = [], np.inf, None
    for epoch in range(epochs):
        losses = []
        for first in range(0, len(x), B):
            inputs, targets = x[first : first + B], y[first : first + B]  # 1 batch
            with tf.GradientTape() as tape:
                logits = model(inputs)  # 2 forward
                loss = mean_loss(targets, logits)  # 3 loss
            gradients = tape.gradient(loss, model.trainable_variables)  # 4 gradient
            optimizer.apply(gradients, model.trainable_variables)  # 5 update
            losses.append(float(loss))  # 6 record
        history.append((np.mean(losses), float(mean_loss(y_held, model(x_held)))))  # 7 validate
        if history[-1][1] < best:
            best, weights, at = history[-1][1], model.get_weights(), epoch
        elif epoch - at >= patience:
            break
    model.set_weights(weights)  # the best on validation, not the last
    return np.array(history)


# %% [markdown]
# Which number must not decide when to stop? The training loss: it falls as long as we let it. A tutorial that says "train until the loss stops falling" watches the wrong curve.

# %% [markdown] lang="zh"
# 哪个数不该用来决定何时停下？训练损失：只要你让它降，它就会一直降。有些教程说“训练到损失不再下降为止”，那是盯错了曲线。

# %%
predict("train ↓  validation ↓", "train ↓  validation ↓↑", "train ↓↑ validation ↓↑")

# %%
by_hand = SoftmaxBigram(V)
history = seven_steps(by_hand, keras.optimizers.Adam(0.03), epochs=20, patience=3)
for epoch, (on_train, on_held) in enumerate(history, 1):
    mark = " <- best" if epoch - 1 == history[:, 1].argmin() else ""
    print(f"epoch {epoch:>2}  training {on_train:.3f}  validation {on_held:.3f}{mark}")
assert (np.diff(history[:, 0]) < 0).all()
assert history[:, 1].argmin() == len(history) - 4

# %% [markdown]
# Now the same as one call. `model.fit` runs steps 1 to 6, `EarlyStopping` is step 7. If our loop is right, all losses agree:

# %% [markdown] lang="zh"
# 再用一次调用做同样的事。`model.fit` 包办第 1 到第 6 步，`EarlyStopping` 就是第 7 步。要是我们的循环写对了，所有损失都该一致：

# %%
fitted = SoftmaxBigram(V)
fitted.compile(optimizer=keras.optimizers.Adam(0.03), loss=mean_loss)
stop = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
log = fitted.fit(
    x, y, batch_size=B, epochs=20, shuffle=False, verbose=0,
    validation_data=(x_held, y_held), validation_batch_size=B, callbacks=[stop],
).history  # fmt: skip
assert len(log["loss"]) == len(history)
assert_allclose(log["loss"], history[:, 0], atol=1e-4)
assert_allclose(log["val_loss"], history[:, 1], atol=1e-4)
assert_allclose(fitted.get_weights()[0], by_hand.get_weights()[0], atol=1e-3)
print("epochs", len(log["loss"]), "  largest difference below 1e-4")

# %% [markdown]
# What would have happened without step 7? We train on, with the counts of the same 20,000 characters, until the model is almost the counted one:

# %% [markdown] lang="zh"
# 没有第 7 步会怎样？用同样 20,000 个字符的计数继续训练下去，直到模型几乎就是数出来的那个：

# %%
small_counts, held_counts = pair_counts(small, V), pair_counts(held, V)


def both(z):
    return counts_loss(z, small_counts), counts_loss(z, held_counts)


last_table, last_bias, long = descend(small_counts, lambda: Adam(0.1), 1000, both)
figure, axes = plt.subplots()
axes.set_xscale("log")
lines = {"training": nats_to_bits(long[:, 0]), "validation": nats_to_bits(long[:, 1])}
plots.curves(axes, np.arange(1, 1001), lines, marker=None)
turn = long[:, 1].argmin()
axes.axvline(turn + 1, color=plots.GREY, linestyle="--")
axes.set(xlabel="steps", ylabel="bits per character", ylim=(3.3, 4.6))
plt.show()
assert long[-1, 1] > long[turn, 1] + 0.05 and long[-1, 0] < long[turn, 0]

# %% [markdown]
# **Figure.** Bits per character on the 20,000 training characters and on validation text, against the number of steps, on a logarithmic axis. Both curves fall together at first. At the dashed line the validation curve turns and rises, while the training curve goes on falling: from there on the model learns accidents of its small text.

# %% [markdown] lang="zh"
# **图.** 20,000 个训练字符和验证文本上的每字符比特数随步数的变化，横轴是对数刻度。起初两条曲线一起下降；到虚线处，验证曲线掉头上升，训练曲线却继续下降：从那以后，模型学的是这一小段文本里的偶然。

# %%
rivals = {"add-one": AddK, "modified Kneser–Ney": ModifiedKneserNey}
test = ids["test"][:100_000]
on_text = {"softmax, stopped on validation": score(by_hand, test).bits_per_token}
on_text["softmax, trained on and on"] = nats_to_bits(
    counts_loss(last_table + last_bias, pair_counts(test, V))
)
for name, kind in rivals.items():
    on_text[name] = score(kind.train(small, order=2, vocabulary_size=V), test).bits_per_token
for name, bits in on_text.items():
    print(f"{name:<32} {bits:.3f} bits per character")
assert on_text["softmax, trained on and on"] > on_text["softmax, stopped on validation"] + 0.05
stopped = on_text["softmax, stopped on validation"]
assert all(abs(stopped - on_text[name]) < 0.05 for name in rivals)

# %% [markdown]
# We chose the moment on the validation text and measured on the test text, which took no part. Early stopping is level with two methods that people thought out for smoothing, and nobody told it how to smooth. (With longer contexts, where nearly everything is unseen, the methods differ far more, as lesson 02 showed.)
#
# ## Remove a part: the bias
#
# In 20,000 characters some characters never stand as context. Their rows of the table get no gradient at all. What do the two models predict after them?

# %% [markdown] lang="zh"
# 停下的时机是在验证文本上选的，成绩是在没参与过的测试文本上量的。早停与两种专为平滑而设计的方法打成平手，虽然没有人教过它怎么平滑。（上下文一长，几乎什么都没见过，各种方法的差距就大得多，第 02 课已经看到了。）
#
# ## 拿掉一个部件：偏置
#
# 在这 20,000 个字符里，有些字符从没当过上下文。表里属于它们的行，一点梯度都得不到。有偏置和没偏置的两个模型，在它们后面各会预测什么？

# %% tags=["nbval-ignore-output"]
absent = np.flatnonzero(small_counts.sum(axis=1) == 0)
row = by_hand.table.numpy()[absent]
print("never a context:", "".join(tokenizer.vocabulary[i] for i in absent))
popular = softmax(by_hand.bias.numpy())
order = popular.argsort()[::-1][:6]
likely = [f"{plots.visible(tokenizer.vocabulary[i])} {popular[i]:.3f}" for i in order]
print("with the bias   ", "  ".join(likely))
print("without the bias", f"all alike, {softmax(row)[0, 0]:.3f}")
assert (row == 0).all()
assert popular[tokenizer.vocabulary.index(" ")] > 2 / V

# %% [markdown]
# Without the bias: every character alike, $1/V$. With it: a guess from what is common everywhere. Nobody programmed a backoff as in lesson 02. It grew, because all rows share the bias.
#
# ## Three ways downhill
#
# The gradient says where down is. The optimizer decides how to walk. Here is a landscape that we can draw, a bowl that is 25 times as steep across as along:
#
# $$L(w) = \tfrac12\bigl(w_1^2 + 25\,w_2^2\bigr), \qquad \nabla L = (w_1,\; 25\,w_2)$$
#
# **Gradient descent**: $w \leftarrow w - \eta\,\nabla L$, with the **learning rate** $\eta$. Along a direction of curvature $\lambda$ (here 1 and 25) one step multiplies $w$ by $1-\eta\lambda$. This shrinks only if $|1-\eta\lambda|<1$, that is $\eta < 2/\lambda$. The steep direction allows at most $\eta = 0.08$, and the flat direction has to creep at that pace.

# %% [markdown] lang="zh"
# 没有偏置：所有字符一视同仁，都是 $1/V$。有偏置：按哪里都常见的东西来猜。没有谁像第 02 课那样写过回退，它自己长出来了，因为所有的行共用这个偏置。
#
# ## 下山的三种走法
#
# 梯度说哪里是下坡，优化器决定怎么走。下面是一个画得出来的地形：一只碗，横着走比顺着走陡 25 倍：
#
# $$L(w) = \tfrac12\bigl(w_1^2 + 25\,w_2^2\bigr), \qquad \nabla L = (w_1,\; 25\,w_2)$$
#
# **梯度下降**：$w \leftarrow w - \eta\,\nabla L$，$\eta$ 是**学习率**。沿曲率为 $\lambda$ 的方向（这里是 1 和 25），每一步把 $w$ 乘以 $1-\eta\lambda$。只有 $|1-\eta\lambda|<1$，即 $\eta < 2/\lambda$，它才会缩小。陡的方向最多容许 $\eta = 0.08$，平的方向只好跟着这个步速慢慢爬。

# %%
steep = np.array([1.0, 25.0])
start = np.array([-4.0, 1.0])


def walk(optimizer, steps):
    path = [start]
    for _ in range(steps):
        path.append(optimizer.step(path[-1], steep * path[-1]))
    return np.array(path)


for rate in (0.02, 0.07, 0.08, 0.09):
    path = walk(SGD(rate), 30)
    assert_allclose(path[-1], start * (1 - rate * steep) ** 30)  # the formula
    along, across = path[-1]
    print(
        f"rate {rate}: factors {1 - rate:.2f}, {1 - 25 * rate:5.2f}  end {along:6.3f}, {across:7.3f}"
    )

# %%
grid = np.meshgrid(np.linspace(-4.6, 1.5, 60), np.linspace(-1.6, 1.6, 60))
heights = 0.5 * (grid[0] ** 2 + 25 * grid[1] ** 2)


def draw(axes, rate):
    path = walk(SGD(rate), 15)
    axes.contour(*grid, heights, levels=[2, 12], colors=plots.GREY, linewidths=0.5)
    axes.plot(*path.T, marker="o", markersize=2, linewidth=1, color=plots.BLUE)
    axes.grid(False)
    axes.set(xlim=(-4.6, 1.5), ylim=(-1.6, 1.6), xlabel="$w_1$", ylabel="$w_2$")


explore(draw, rate=[0.01, 0.03, 0.05, 0.07, 0.078, 0.082])

# %% [markdown]
# **Figure.** Fifteen steps of gradient descent in a bowl, seen from above, at six learning rates; the grey ellipses are lines of equal height, the lowest point is at (0, 0). At 0.01 the walker creeps; at 0.05 it goes down fairly well; from 0.07 on it zigzags across the valley; at 0.082, beyond the limit of 0.08, the zigzag grows.

# %% [markdown] lang="zh"
# **图.** 从上往下看一只碗，六种学习率下各走十五步梯度下降；灰色椭圆是等高线，最低点在 (0, 0)。学习率 0.01 时慢慢爬；0.05 时走得还不错；0.07 起在山谷两侧来回折返；0.082 超过了界限 0.08，折返越来越大。

# %% [markdown]
# **Momentum** (Polyak 1964) gives the walker mass. It keeps a share $\mu$, often 0.9, of its last velocity $v$:
#
# $$v \leftarrow \mu v - \eta\,\nabla L, \qquad w \leftarrow w + v$$
#
# Where the gradient keeps its direction, the velocities add up to $1 + \mu + \mu^2 + \dots = 1/(1-\mu)$ times the stride, tenfold for $\mu = 0.9$. Where it changes sign at every step, they cancel.
#
# **Adam** (Kingma & Ba 2015) asks of every parameter on its own how large its gradients usually are, and divides by that. With $g$ for the gradient, it keeps two running means, $m$ of $g$ and $s$ of $g^2$, which forget a little at every step ($\beta_1 = 0.9$, $\beta_2 = 0.999$):
#
# $$m \leftarrow \beta_1 m + (1-\beta_1)\,g, \qquad s \leftarrow \beta_2 s + (1-\beta_2)\,g^2, \qquad w \leftarrow w - \eta_t \frac{m}{\sqrt{s}+\varepsilon}$$
#
# The tiny $\varepsilon = 10^{-7}$ keeps the division from failing where all gradients were zero. Both means start at zero. After $t$ steps a constant gradient $g$ would have given $m = (1-\beta_1^t)\,g$ and $s = (1-\beta_2^t)\,g^2$, both too small; the stride $\eta_t = \eta\sqrt{1-\beta_2^t}/(1-\beta_1^t)$ makes up for it. The first step is then $\pm\eta$, whatever the size of the gradient, as long as it is large beside $\varepsilon$:

# %% [markdown] lang="zh"
# **动量**（Polyak，1964）让走路的人有了质量，它会留住上一次速度 $v$ 的一部分，份额 $\mu$ 常取 0.9：
#
# $$v \leftarrow \mu v - \eta\,\nabla L, \qquad w \leftarrow w + v$$
#
# 梯度方向始终不变的地方，速度累加成步幅的 $1 + \mu + \mu^2 + \dots = 1/(1-\mu)$ 倍，$\mu = 0.9$ 时就是十倍；梯度每一步都变号的地方，速度互相抵消。
#
# **Adam**（Kingma 与 Ba，2015）逐个参数地问：你的梯度平时有多大？然后拿它去除。记梯度为 $g$，它记两个滑动平均，$m$ 是 $g$ 的，$s$ 是 $g^2$ 的，每一步都忘掉一点点（$\beta_1 = 0.9$，$\beta_2 = 0.999$）：
#
# $$m \leftarrow \beta_1 m + (1-\beta_1)\,g, \qquad s \leftarrow \beta_2 s + (1-\beta_2)\,g^2, \qquad w \leftarrow w - \eta_t \frac{m}{\sqrt{s}+\varepsilon}$$
#
# 极小的 $\varepsilon = 10^{-7}$ 防的是梯度一直为零时除不下去。两个平均都从零开始。若梯度恒为 $g$，走 $t$ 步之后 $m = (1-\beta_1^t)\,g$、$s = (1-\beta_2^t)\,g^2$，都偏小；步幅 $\eta_t = \eta\sqrt{1-\beta_2^t}/(1-\beta_1^t)$ 把它补回来。于是第一步就是 $\pm\eta$，不管梯度有多大，只要比 $\varepsilon$ 大得多：

# %%
show_source(SGD.step, Adam.step)

# %%
g = np.array([-4.0, 25.0])  # the gradient at the start
print("gradient descent, first step", SGD(0.07).step(start, g) - start)
print("Adam, first step            ", (Adam(0.3).step(start, g) - start).round(3))
momentum = SGD(0.02, momentum=0.9)
one = momentum.step(start, g)
two = momentum.step(one, steep * one)
print("momentum, two steps         ", (one - start).round(3), (two - one).round(3))
assert_allclose(Adam(0.3).step(start, g) - start, [0.3, -0.3], rtol=1e-6)
assert_allclose(two - one, 0.9 * (one - start) - 0.02 * steep * one)

# %%
paths = {"gradient descent": SGD(0.07), "momentum": SGD(0.02, 0.9), "Adam": Adam(0.3)}
figure, axes = plt.subplots(figsize=(6.4, 3.4))
axes.contour(*grid, heights, levels=[0.2, 1, 3, 6, 10, 15], colors=plots.GREY, linewidths=0.5)
for name, optimizer in paths.items():
    path = walk(optimizer, 60)
    axes.plot(*path.T, marker="o", markersize=3, linewidth=1.2, label=name)
    print(f"{name:<17} height after 60 steps {0.5 * (steep * path[-1] ** 2).sum():.4f}")
    assert 0.5 * (steep * path[-1] ** 2).sum() < 0.1
axes.set(xlim=(-4.6, 1.5), ylim=(-1.6, 1.6), xlabel="$w_1$", ylabel="$w_2$")
axes.legend(loc="lower right")
plt.show()

# %% [markdown]
# **Figure.** Sixty steps of the three rules from the same start, seen from above. Gradient descent zigzags across the valley. Momentum overshoots and swings in wide arcs around the lowest point. Adam sets off along the diagonal, because both coordinates get the same stride, and curls in.

# %% [markdown] lang="zh"
# **图.** 三种走法从同一点出发各走六十步，从上往下看。梯度下降在山谷两侧来回折返；动量冲过了头，绕着最低点划出大弧；Adam 沿对角线出发，因为两个坐标的步幅一样，最后盘旋着进去。

# %% [markdown]
# They are the optimizers of Keras, step for step; the tests of the package hold them to it in every digit. A look at ten steps:

# %% [markdown] lang="zh"
# 它们和 Keras 的优化器一步不差，程序包的测试逐位地盯着。看十步：

# %%
theirs = {
    "gradient descent": (SGD(0.07), keras.optimizers.SGD(0.07)),
    "momentum": (SGD(0.02, 0.9), keras.optimizers.SGD(0.02, momentum=0.9)),
    "Adam": (Adam(0.3), keras.optimizers.Adam(0.3)),
}
for name, (ours, other) in theirs.items():
    weights, variable = start, keras.Variable(start)
    for _ in range(10):
        weights = ours.step(weights, steep * weights)
        other.apply([steep * variable.numpy()], [variable])
    print(f"{name:<17}", weights.round(3), variable.numpy().round(3))
    assert_allclose(weights, variable.numpy(), atol=1e-4)

# %% [markdown]
# A bowl in two dimensions is a toy. What does the difference amount to on Shakespeare, with 4,556 parameters? Each optimizer gets a learning rate that suits it, and 300 steps over the whole corpus.

# %% [markdown] lang="zh"
# 二维的碗只是玩具。换成莎士比亚，4,556 个参数，差别有多大？每种优化器都配上合适的学习率，在整个语料上走 300 步。

# %%
floor = -(counts * np.log(np.where(counts, counted, 1))).sum() / counts.sum()


def above(z):
    return nats_to_bits(counts_loss(z, counts) - floor)


makers = {
    "gradient descent": lambda: SGD(10.0),
    "momentum": lambda: SGD(10.0, 0.9),
    "Adam": lambda: Adam(0.3),
}
excess = {name: descend(counts, make, 300, above)[2] for name, make in makers.items()}
figure, axes = plt.subplots()
axes.set_xscale("log")
axes.set_yscale("log")
plots.curves(axes, np.arange(1, 301), excess, marker=None)
axes.set(xlabel="steps", ylabel="bits above the counts")
plt.show()
assert model.count_params() == 4556
assert excess["Adam"][-1] < 0.1 * excess["momentum"][-1] < 0.1 * excess["gradient descent"][-1]

# %% [markdown]
# **Figure.** How many bits per character the learned bigram still pays above the counted one, against the number of steps, both axes logarithmic. Gradient descent falls slowly, momentum faster. Adam falls fastest and ends more than ten times lower than momentum.

# %% [markdown] lang="zh"
# **图.** 学到的二元语法比数出来的每字符还多付多少比特，随步数的变化，两个轴都是对数刻度。梯度下降降得慢，动量快一些；Adam 降得最快，最后比动量低十倍以上。

# %%
slope = abs(counts_gradient(np.zeros((V, V)), counts)).sum(axis=1)
common, rare = slope.argmax(), np.where(slope > 0, slope, 1).argmin()
for c in (common, rare):
    print(f"{tokenizer.vocabulary[c]!r} read {counts[c].sum():>7,} times, gradient {slope[c]:.2g}")
assert slope[common] > 10_000 * slope[rare]

# %% [markdown]
# Here is the reason. The gradient of a row is $n_c(p-\hat p)/N$: it carries the frequency of its context. A rare context has a gradient ten thousand times smaller, and plain gradient descent moves it ten thousand times slower. Language is full of rare things (Zipf, lesson 01). Adam divides by the usual size of the gradient, so the frequency drops out (until, for the very rarest, the gradient sinks below $\varepsilon$). This is why language models are trained with Adam and its relatives.
#
# ## The held-out number
#
# The converged softmax bigram on the test plays, with the one scorer that serves every model of the course, beside its counted twin and a smoothed one:

# %% [markdown] lang="zh"
# 原因在此。一行的梯度是 $n_c(p-\hat p)/N$，里面带着上下文的频率。罕见的上下文，梯度小一万倍，普通的梯度下降挪动它也就慢一万倍。而语言里罕见的东西到处都是（第 01 课的齐普夫定律）。Adam 除以梯度平时的大小，频率就约掉了（除非罕见到梯度比 $\varepsilon$ 还小）。语言模型都用 Adam 和它的亲戚来训练，道理就在这里。
#
# ## 留出文本上的成绩
#
# 用全课程通用的那个评分函数，在测试集的剧本上衡量收敛了的 softmax 二元语法，旁边放上数出来的孪生兄弟，还有一个平滑过的：

# %%
smoothed = ModifiedKneserNey.train(ids["train"], order=2, vocabulary_size=V)
found = {}
for name, one in {"learned": model, "counted": bigram, "modified Kneser–Ney": smoothed}.items():
    found[name] = score(one, ids["test"])
    bits, choices = found[name].bits_per_token, found[name].perplexity
    print(f"{name:<20} {bits:.3f} bits per character, perplexity {choices:.2f}")
assert found["counted"].bits_per_token == np.inf
assert abs(found["learned"].bits_per_token - found["modified Kneser–Ney"].bits_per_token) < 0.02

# %% [markdown]
# The counted twin has probability 0 for a pair that the test plays do contain, and one such pair makes the whole text infinitely surprising. The learned one never says never. Otherwise they are the same model, and so they write the same kind of English:

# %% [markdown] lang="zh"
# 测试集里有些搭配，数出来的那个给的概率是 0，只要碰上一个，整段文本的惊异度就成了无穷大。学出来的那个从不把话说死。除此以外它们就是同一个模型，写出来的英文也是同一路货色：

# %%
from lmcourse.generation.sampling import generate

beginning = tokenizer.encode("ROMEO:\n")
text = generate(model, beginning, 160, np.random.default_rng(3), context_length=1)
print(tokenizer.decode(text))

# %% [markdown]
# ## When the table is too large
#
# The Chinese novel *sanguo* (三国演义) has nearly 3,800 different characters. A full table has 14 million scores for 470,000 characters of training text: thirty scores for every character read. Most rows stay nearly empty, and what is learned about 三 (three) says nothing about 四 (four).
#
# The energy form has an answer. Give every character two short vectors: $h_c$ when it is the context, $e_w$ when it is the candidate, and let the score be $z_{c,w} = h_c^\top e_w + b_w$. The table becomes a product $HE^\top$ of two thin matrices. We keep the 999 most frequent characters, let `<unk>` stand for the rest, and take a width of $D = 16$:

# %% [markdown] lang="zh"
# ## 表太大的时候
#
# 《三国演义》（`sanguo`）有近 3,800 个不同的字。一张完整的表有一千四百万个分数，训练文本却只有 47 万字：每读一个字要养三十个分数。绝大多数行几乎是空的，而从“三”学到的东西，对“四”毫无帮助。
#
# 能量形式有办法。给每个字两个短向量：当上下文时用 $h_c$，当候选时用 $e_w$，分数就是 $z_{c,w} = h_c^\top e_w + b_w$。整张表变成两个瘦长矩阵的乘积 $HE^\top$。我们只留最常见的 999 个字，其余都用 `<unk>` 代表，宽度取 $D = 16$：

# %%
novel = sanguo()
kinds, how_often = np.unique(list(novel.text("train")), return_counts=True)
often = sorted(kinds[np.argsort(-how_often, kind="stable")[:999]].tolist())
hanzi = CharacterTokenizer(["<unk>", *often])
C = hanzi.vocabulary_size
zh = {split: hanzi.encode(novel.text(split)) for split in ("train", "validation", "test")}
zh_counts = pair_counts(zh["train"], C)
print(f"known characters {(zh['train'] > 0).mean():.1%}")
print(f"free table {C * C + C:,} parameters, product {2 * C * 16 + C:,}")
unread = (zh_counts[zh["validation"][:-1], zh["validation"][1:]] == 0).mean()
print(f"pairs of the validation text never read {unread:.1%}")
assert 3_700 < len(kinds) < 3_800 and 29 < len(kinds) ** 2 / len(zh["train"]) < 31
assert C == 1000

# %% [markdown]
# The gradient needs one more line of the chain rule. Write $G$ for the table of $\partial L/\partial z_{c,w} = (n_c p_{c,w} - n_{cw})/N$. The score $z_{c,w}$ contains $h_c$ multiplied by $e_w$, and the other way round:
#
# $$\frac{\partial L}{\partial h_c} = \sum_w G_{c,w}\,e_w, \qquad \frac{\partial L}{\partial e_w} = \sum_c G_{c,w}\,h_c, \qquad \frac{\partial L}{\partial b_w} = \sum_c G_{c,w}$$
#
# or in matrices: $GE$, $G^\top H$, and the column sums. Look at the first sum: $h_c$ learns from the vectors $e_w$ of *all* words that follow. Two contexts with similar followers are pulled towards the same place. That is how strength is shared.

# %% [markdown] lang="zh"
# 求梯度只要再用一行链式法则。记 $G$ 为 $\partial L/\partial z_{c,w} = (n_c p_{c,w} - n_{cw})/N$ 组成的表。分数 $z_{c,w}$ 里，$h_c$ 乘着 $e_w$，反过来也一样：
#
# $$\frac{\partial L}{\partial h_c} = \sum_w G_{c,w}\,e_w, \qquad \frac{\partial L}{\partial e_w} = \sum_c G_{c,w}\,h_c, \qquad \frac{\partial L}{\partial b_w} = \sum_c G_{c,w}$$
#
# 写成矩阵就是 $GE$、$G^\top H$ 和各列之和。看第一个和式：$h_c$ 从**所有**后继词的向量 $e_w$ 那里学习。后继相似的两个上下文，会被拉到同一个地方。经验就是这样共享的。


# %%
def factor(counts, width, steps, rate, rng, tied=False):
    H, E = (rng.normal(0, 0.1, (len(counts), width)) for _ in range(2))
    b, optimizers = np.zeros(len(counts)), [Adam(rate) for _ in range(3)]
    for _ in range(steps):
        H = E if tied else H  # tied: for the last experiment
        G = counts_gradient(H @ E.T + b, counts)
        slopes = (G @ E, G.T @ H + G @ E * tied, G.sum(axis=0))
        H, E, b = (o.step(w, s) for o, w, s in zip(optimizers, (H, E, b), slopes, strict=True))
    return (E if tied else H), E, b


H, E, b = factor(zh_counts, width=16, steps=100, rate=0.1, rng=np.random.default_rng(0))
thin = SoftmaxBigram(C, width=16)
for weight, value in zip((thin.contexts, thin.words, thin.bias), (H, E, b), strict=True):
    weight.assign(value)
assert_allclose(np.asarray(thin(np.arange(C)[None, :]))[0], H @ E.T + b, atol=1e-4)
print("loss", f"{nats_to_bits(counts_loss(H @ E.T + b, zh_counts)):.2f}", "bits")

# %% [markdown]
# The model knows nothing but pairs of neighbours. Which characters have become neighbours in the space of vectors $e_w$? We measure by the cosine of the angle between them, 1 for the same direction:

# %% [markdown] lang="zh"
# 这个模型只见过相邻的两个字。在向量 $e_w$ 的空间里，哪些字成了邻居？用夹角的余弦来量，方向相同就是 1：

# %%
unit = E / np.linalg.norm(E, axis=1, keepdims=True)
for character in "三东曹他走喜":
    near = np.argsort(-(unit @ unit[hanzi.encode(character)[0]]))[1:6]
    print(character, "→", " ".join(hanzi.vocabulary[i] for i in near))
three, west = (hanzi.encode(c)[0] for c in "三西")
assert (unit[three] @ unit[hanzi.encode("四五七")].T > unit[three] @ unit[west]).all()

# %%
group = "三四五七东西南北曹刘魏董他你我汝喜怒惊笑"
cosines = unit[hanzi.encode(group)] @ unit[hanzi.encode(group)].T
figure, axes = plt.subplots(figsize=(5.6, 4.8))
plots.heat_map(axes, np.clip(cosines, 0, 1), list(group), list(group), largest=1)
axes.set(xlabel="character", ylabel="character")
plt.show()
same = np.kron(np.eye(5), np.ones((4, 4))).astype(bool)
joined = np.zeros_like(same)
joined[4:16, 4:16] = True  # directions, surnames, pronouns
kinds_apart, others = cosines[joined & ~same].mean(), cosines[~joined & ~same].mean()
print(f"one kind {cosines[same].mean():.2f}, joined kinds {kinds_apart:.2f}, others {others:.2f}")
assert cosines[same].mean() - 0.2 > kinds_apart > others + 0.2

# %% [markdown]
# **Figure.** Cosines between the vectors of twenty characters, dark for similar: four numerals, four directions, four surnames, four pronouns, four words of feeling. Five dark blocks stand along the diagonal: characters of one kind point the same way. Half as dark, directions, surnames and pronouns are joined, above all the last two, which both stand for persons. Numerals and feelings stand nearly alone. Negative cosines are drawn as 0.

# %% [markdown] lang="zh"
# **图.** 二十个字的向量两两之间的余弦，颜色越深越相似：四个数字、四个方向、四个姓、四个代词、四个表情绪的字。对角线上是五个深色方块：同类的字指向同一个方向。方向、姓、代词之间颜色淡一半，也有几分相像，尤以都指人的姓和代词为甚；数字和情绪几乎自成一家。负的余弦按 0 画。

# %% [markdown]
# Numerals, directions, surnames, pronouns, feelings. Nobody said what a numeral is. A free table can't find this, because its rows never meet.
#
# Does it pay? Held-out bits, apart for pairs that training has read and pairs that it has not:

# %% [markdown] lang="zh"
# 数字、方向、姓氏、代词、情绪。没有谁教过它什么是数字。完整的表发现不了这些，因为它的各行从不见面。
#
# 划算吗？量一量留出文本上的比特数，训练时读过的搭配和没读过的搭配分开算：

# %%
last, following = zh["validation"][:-1], zh["validation"][1:]
new = zh_counts[last, following] == 0
bits = {"vectors, D = 16": -nats_to_bits(log_softmax(H @ E.T + b)[last, following])}
for name, kind in rivals.items():
    counting = kind.train(zh["train"], order=2, vocabulary_size=C)
    bits[name] = -nats_to_bits(counting.log_probability(zh["validation"]))
print(f"{'bits per character':<22}     all    read   never")
for name, each in bits.items():
    print(f"{name:<22} {each.mean():7.2f} {each[~new].mean():7.2f} {each[new].mean():7.2f}")
everywhere = {name: each.mean() for name, each in bits.items()}
assert everywhere["modified Kneser–Ney"] < everywhere["vectors, D = 16"] < everywhere["add-one"]
on_new = {name: each[new].mean() for name, each in bits.items()}
assert on_new["add-one"] < on_new["vectors, D = 16"] < on_new["modified Kneser–Ney"]

# %% [markdown]
# Read the table column by column. With 33,000 parameters instead of a million, the vectors beat add-one clearly. On pairs that were never read they beat even Kneser–Ney, which has nothing to go by there but popularity. (Add-one is cheapest on such pairs, for it keeps a lot for them, and pays dearly for that on all the others.) On pairs that *were* read, the counts remember exactly, and sixteen numbers can't. Remembering and generalization are two different talents; lesson 06 will have both.

# %% [markdown] lang="zh"
# 一列一列地读这张表。参数只有 3 万 3 千个，不是一百万个，向量却明显胜过加一平滑；在从没读过的搭配上，连 Kneser–Ney 也输给它，因为那里 Kneser–Ney 只能凭人气来猜。（加一平滑在这些搭配上最便宜，它给它们留了很多，代价则由其余所有搭配来付。）在**读过的**搭配上，计数记得分毫不差，十六个数却记不住。记忆和泛化是两种本事，第 06 课会两样都要。

# %% [markdown]
# ## The row in the lineage table
#
# The lineage table gives every learned model the same 120 seconds of training and three seeds. Its softmax bigram is trained with the seven steps on all characters of each corpus and one `<unk>`: a full table for Shakespeare, the energy form with $D = 64$ for the novel. Here are the models that look one character back; the number after ± is the spread over the seeds, largest minus smallest. (Of a counting model, the parameters are the counts that it stores.)

# %% [markdown] lang="zh"
# ## 谱系表里的一行
#
# 谱系表给每个学习型模型同样的 120 秒训练时间和三个随机种子。表里的 softmax 二元语法用每个语料的全部字符外加一个 `<unk>`，按那七个步骤训练：莎士比亚用完整的表，《三国演义》用 $D = 64$ 的能量形式。下面列出只回看一个字符的模型；± 后面的数，是各个种子中最大与最小之差。（计数模型的参数个数，就是它存下的计数的个数。）

# %%
from lmcourse.evaluation import lineage

cost_of = {}
for corpus in ("shakespeare", "sanguo"):
    print(corpus)
    for row in lineage.table(corpus):
        cost_of[corpus, row["model"]] = row["bits_per_character"]
        if "bigram" in row["model"] or "2-gram" in row["model"]:
            spread = "" if row["spread"] is None else f" ± {row['spread']:.3f}"
            cost = f"{row['bits_per_character']:.3f}{spread}"
            print(f"  {row['model']:<27} {cost:<14} {row['parameters']:>9,} parameters")
learned_en, learned_zh = (cost_of[corpus, "softmax bigram"] for corpus in ("shakespeare", "sanguo"))
assert abs(learned_en - cost_of["shakespeare", "modified Kneser–Ney 2-gram"]) < 0.01
assert cost_of["sanguo", "bigram, add-one"] - 1 > learned_zh
assert learned_zh > cost_of["sanguo", "modified Kneser–Ney 2-gram"] + 0.1

# %% [markdown]
# On Shakespeare, learning and counting are level: few characters, much text, and a full table can hardly do better than the counts it converges to. On the novel, sharing beats add-one by more than a bit and stays behind Kneser–Ney, which remembers every pair. Learning has not paid yet. It will, as soon as the context grows too long to be counted.

# %% [markdown] lang="zh"
# 在莎士比亚上，学习和计数打成平手：字符少，文本多，完整的表收敛到计数，也就很难胜过计数。在《三国演义》上，共享经验比加一平滑省下一比特还多，却仍输给记得住每一对的 Kneser–Ney。学习还没有回本；等上下文长到数不过来，它就回本了。

# %% [markdown]
# ## Try it
#
# 1. *Easy.* At which temperature do the scores `five` of the temperature section have an entropy of exactly 1 bit? Predict whether it is above or below 1, then find it to three digits.
#
# <details><summary>Hint</summary>The entropy only ever rises with the temperature, so halving an interval finds it: look at the middle, keep the half that contains the goal.</details>
#
# 2. *Medium.* Early stopping is one brake against overfitting. Another is **L2 regularization**: add to the loss $\frac{\alpha}{2}$ times the sum of the squares of the table, so that a score has to earn its distance from zero. (It often goes by the name of weight decay; for plain gradient descent the two are the same, for Adam they are not.) Train on the counts of the 20,000 characters with a few values of $\alpha$, to the end, and compare on the test text with the numbers above.
#
# <details><summary>Hint</summary>The gradient of the extra term is α times the table. Leave the bias alone. Try α from 1e-5 to 1e-3, choose on the validation counts, and report the test text.</details>
#
# 3. *Hard.* Save half of the parameters of the product: use the same vector for a character as context and as candidate, $h_c = e_c$. Predict what the model can no longer tell apart. Then train it (`tied=True`) and measure.
#
# <details><summary>Hint</summary>Write out the score of (c, w) and of (w, c). Think of 曹操, the hero's name, and of 操曹.</details>

# %% [markdown] lang="zh"
# ## 试一试
#
# 1. **容易。** 温度一节里的分数 `five`，在哪个温度下熵恰好是 1 比特？先猜它比 1 高还是低，再求出三位数字。
#
# <details><summary>提示</summary>熵总是随温度升高而升高，所以把区间不断对半分就能找到：看中点，留下包含目标的那一半。</details>
#
# 2. **中等。** 防止过拟合，早停是一种刹车，**L2 正则化**是另一种：给损失加上 $\frac{\alpha}{2}$ 乘以整张表的平方和，一个分数要离开零，得拿出真本事来。（它常被叫作权重衰减；对普通的梯度下降，两者是一回事，对 Adam 却不是。）用那 20,000 个字符的计数，取几个 $\alpha$ 各训练到底，再在测试文本上与前面的数比一比。
#
# <details><summary>提示</summary>多出来那一项的梯度是 α 乘以表。偏置不要动。α 从 1e-5 试到 1e-3，在验证集的计数上选，在测试文本上报成绩。</details>
#
# 3. **较难。** 把乘积形式的参数省掉一半：一个字当上下文和当候选时用同一个向量，$h_c = e_c$。先猜猜模型会分不清什么，再训练它（`tied=True`）并衡量。
#
# <details><summary>提示</summary>把 (c, w) 的分数和 (w, c) 的分数都写出来。想想“曹操”和“操曹”。</details>

# %% [markdown]
# ## Worked answers
#
# **1.** Below 1: at temperature 1 the entropy is already above 1 bit.

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** 比 1 低：温度为 1 时，熵已经超过 1 比特了。

# %%
low, high = 0.01, 1.0
for _ in range(40):
    middle = (low + high) / 2
    too_cold = nats_to_bits(entropy(softmax(five / middle))) < 1
    low, high = (middle, high) if too_cold else (low, middle)
print(f"temperature {middle:.3f}")
assert nats_to_bits(entropy(softmax(five))) > 1
assert_allclose(nats_to_bits(entropy(softmax(five / middle))), 1, atol=1e-9)

# %% [markdown]
# **2.** A second brake, and about as good as the first. It works in another way. Early stopping is one moment for all rows, rare or frequent. L2 regularization asks of every row how much evidence it has: the pull of the data grows with $n_c$, the pull to zero does not. Where there is no evidence, the score stays at zero and the bias speaks.

# %% [markdown] lang="zh"
# **2.** 第二种刹车，和第一种差不多好使，原理却不一样。早停一刀切：罕见的行和常见的行同时停。L2 正则化逐行问：你有多少证据？数据的拉力随 $n_c$ 增长，往零的拉力不变。没有证据的地方，分数留在零，由偏置说话。


# %%
def regularized(alpha, steps=400):
    table, bias, one, two = np.zeros((V, V)), np.zeros(V), Adam(0.1), Adam(0.1)
    for _ in range(steps):
        G = counts_gradient(table + bias, small_counts)
        table, bias = one.step(table, G + alpha * table), two.step(bias, G.sum(axis=0))
    return table + bias


trials = {alpha: regularized(alpha) for alpha in (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)}
for alpha, z_alpha in trials.items():
    print(
        f"alpha {alpha:.0e}  validation {nats_to_bits(counts_loss(z_alpha, held_counts)):.3f} bits"
    )
chosen = min(trials, key=lambda alpha: counts_loss(trials[alpha], held_counts))
on_test = nats_to_bits(counts_loss(trials[chosen], pair_counts(test, V)))
print(f"chosen {chosen:.0e}, on the test text {on_test:.3f} bits")
assert abs(on_test - stopped) < 0.05 < on_text["softmax, trained on and on"] - on_test

# %% [markdown]
# **3.** With $h_c = e_c$ the product $e_c^\top e_w$ is symmetric: apart from the bias, 操 after 曹 and 曹 after 操 get the same score. The model loses the order of the words, and nearly a whole bit. A context and a candidate play two roles and want two vectors. (The GPT of lesson 13 shares them all the same, because a network stands between: its $h$ is no longer the vector of the last token.)

# %% [markdown] lang="zh"
# **3.** 若 $h_c = e_c$，乘积 $e_c^\top e_w$ 就是对称的：撇开偏置，“曹”后面的“操”和“操”后面的“曹”得分相同。模型丢掉了先后次序，也丢掉了将近一比特。上下文和候选是两个角色，要两个向量。（第 13 课的 GPT 照样共用它们，因为中间隔着一个网络：它的 $h$ 已经不是最后一个词元的向量了。）

# %%
_, Et, bt = factor(zh_counts, 16, 100, 0.1, np.random.default_rng(0), tied=True)
cao, second = hanzi.encode("曹操")
for name, scores in {"two roles": H @ E.T, "tied": Et @ Et.T}.items():
    print(f"{name:<10} 曹操 {scores[cao, second]:6.2f}   操曹 {scores[second, cao]:6.2f}")
tied_bits = -nats_to_bits(log_softmax(Et @ Et.T + bt)[last, following]).mean()
print(f"validation: tied {tied_bits:.2f} bits, two roles {everywhere['vectors, D = 16']:.2f} bits")
assert 0.8 < tied_bits - everywhere["vectors, D = 16"] < 1
assert_allclose(Et @ Et.T, (Et @ Et.T).T, atol=1e-4)

# %% [markdown]
# ## What we know now
#
# - Scores become probabilities by $e^{z}$ and a division. Only differences count; subtract the largest, and nothing overflows. $\ln p = z - \mathrm{lse}(z)$.
# - The loss is the mean surprise, and its slope is $p - y$: prediction minus truth.
# - Its minimum over a context is the counted distribution, and gradient descent finds it. Softmax never says never.
# - Training has seven steps; validation text decides when to stop.
# - Adam gives every parameter its own stride, and language, full of rare things, needs that.
# - Scores built from vectors share what they learn.
#
# ## What it still can't do
#
# It sees one character back. A table for two characters has $V^3$ scores, for three $V^4$: the wall of lesson 02 still stands, only the bricks have changed. The vectors $e_w$ point to the way around it, and lesson 05 begins there. But first: who says that a character is the right unit to predict? That is the question of lesson 04.
#
# ## References
#
# - L. Boltzmann, *Studien über das Gleichgewicht der lebendigen Kraft zwischen bewegten materiellen Punkten* (1868): the exponential of an energy.
# - R. D. Luce, *Individual Choice Behavior* (1959): why odds should not depend on the other options.
# - H. Robbins, S. Monro, *A Stochastic Approximation Method* (1951); B. T. Polyak, *Some Methods of Speeding up the Convergence of Iteration Methods* (1964); D. P. Kingma, J. Ba, *Adam: A Method for Stochastic Optimization* (2015).
# - J. S. Bridle, *Probabilistic Interpretation of Feedforward Classification Network Outputs* (1990): the name "softmax".
# - L. Prechelt, *Early Stopping – But When?* (1998).
# - A. Mnih, G. Hinton, *Three New Graphical Models for Statistical Language Modelling* (2007): scores from vectors, with a bias per word.

# %% [markdown] lang="zh"
# ## 现在我们知道
#
# - 分数取 $e^{z}$ 再除以总和，就成了概率。只有差值算数；先减去最大的，就不会上溢。$\ln p = z - \mathrm{lse}(z)$。
# - 损失是平均惊异度，它的斜率是 $p - y$：预测减真相。
# - 对一个上下文而言，损失的最小值就在数出来的分布上，梯度下降找得到它。softmax 从不把话说死。
# - 训练有七步；什么时候停，由验证文本说了算。
# - Adam 给每个参数各配一种步幅；语言里到处是罕见的东西，正需要它。
# - 由向量拼出来的分数，会共享学到的东西。
#
# ## 它还做不到
#
# 它只回看一个字符。回看两个，表里就有 $V^3$ 个分数；回看三个，$V^4$ 个。第 02 课的那堵墙还立在那里，只是换了砖。向量 $e_w$ 指出了绕过去的路，第 05 课从那里出发。不过先得问一句：谁说字符就是该预测的单位？这是第 04 课的问题。
#
# ## 参考文献
#
# - L. Boltzmann, *Studien über das Gleichgewicht der lebendigen Kraft zwischen bewegten materiellen Punkten* (1868)：能量的指数。
# - R. D. Luce, *Individual Choice Behavior* (1959)：两个选项的概率之比为什么不该受其他选项影响。
# - H. Robbins, S. Monro, *A Stochastic Approximation Method* (1951)；B. T. Polyak, *Some Methods of Speeding up the Convergence of Iteration Methods* (1964)；D. P. Kingma, J. Ba, *Adam: A Method for Stochastic Optimization* (2015)。
# - J. S. Bridle, *Probabilistic Interpretation of Feedforward Classification Network Outputs* (1990)：“softmax” 这个名字的由来。
# - L. Prechelt, *Early Stopping – But When?* (1998)。
# - A. Mnih, G. Hinton, *Three New Graphical Models for Statistical Language Modelling* (2007)：由向量得到分数，每个词一个偏置。
