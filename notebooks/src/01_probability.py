# %% [markdown]
# # 01 · Probability
# **Prerequisites:** [00 · Start](00_start.ipynb), logarithms · **Minutes:** 55 · **Modules:** `evaluation/probability.py`, `text/grammar.py` · **Previous:** [00 · Start](00_start.ipynb) · **Next:** [02 · n-grams](02_ngrams.ipynb)
#
# In lesson 00 a model wrote a page. Was it a good model? By eye we can only say "nearly English": give two readers two such pages and they will disagree; give one reader the same page on Monday and on Friday, and she will disagree with herself. We borrowed a number instead, the bits per character, and never asked why it is the right one.
#
# **Question: can we put a number on how well a model knows a language, a number that cannot be argued with, and that means the same for Shakespeare and for 三国演义?**
#
# We can. The number is counted in *bits*. By the end of this lesson you will have derived it, measured two languages with it, and met languages where we know the best score that any model can ever reach.

# %% [markdown] lang="zh"
# # 01 · 概率
# **先修：** [00 · 开始](00_start.ipynb)，对数 · **用时：** 55 分钟 · **模块：** `evaluation/probability.py`、`text/grammar.py` · **上一课：** [00 · 开始](00_start.ipynb) · **下一课：** [02 · n 元语法](02_ngrams.ipynb)
#
# 第 00 课里，一个模型写了一页文字。它算好模型吗？光凭眼看，只能说一句“有点像英语”：把两页这样的文字拿给两个人看，意见会不一样；同一页给同一个人看，周一和周五的意见也会不一样。于是我们借用了一个数，每字符比特数，却没问过为什么偏偏是它。
#
# **问题：一个模型对语言懂得多深，能不能用一个数说清楚？这个数要让人没法争辩，而且对莎士比亚和《三国演义》是同一个意思。**
#
# 能。这个数以**比特**计。学完这一课，你会亲手推出它，用它量两种语言，还会遇到几种特殊的语言：任何模型在上面最好能得几分，我们事先就知道。

# %%
import itertools
import math
import re
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation.probability import (
    Score,
    bits_to_nats,
    cross_entropy,
    entropy,
    kl_divergence,
    perplexity,
    score,
    surprise,
)
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.text import corpora
from lmcourse.text.grammar import Agreement, Brackets, Copy, Markov
from lmcourse.text.tokenizers import CharacterTokenizer

rng = setup(seed=0)

# %% [markdown]
# ## The probability of a sentence
# Here is a whole language: four sentences, each ended by a full stop. The stop is a word like the others; we will see soon why it must be there.

# %% [markdown] lang="zh"
# ## 一句话的概率
# 先来一门小小的语言：总共四句话，每句以句号结尾。句号也当作一个词；为什么非有它不可，马上就会看到。

# %%
lines = ["i like tea .", "i like cake .", "you like tea .", "i drink tea ."]
sentences = [line.split() for line in lines]


def following(*history):
    n = len(history)
    return Counter(s[n] for s in sentences if s[:n] == list(history))


for history in [(), ("i",), ("i", "like"), ("i", "like", "tea")]:
    print(f"after {' '.join(history) or '(nothing)':12}", dict(following(*history)))

# %% [markdown]
# A **language model** is exactly this: for every history, a probability for every next word. We get one by **counting**: after `i`, the word `like` came 2 times out of 3, so $P(\text{like} \mid \text{i}) = 2/3$. Read the bar as "given that".
#
# Now you: how probable is the sentence `i like tea .` in this language?

# %% [markdown] lang="zh"
# **语言模型**就是这么个东西：对每一段前文，给每个可能的下一个词一个概率。怎么得到它？**数数**：`i` 之后一共跟过 3 个词，其中 2 个是 `like`，所以 $P(\text{like} \mid \text{i}) = 2/3$。竖线读作“已知”。
#
# 你来猜：在这门语言里，句子 `i like tea .` 的概率是多少？

# %%
predict("1/2", "1/3", "1/4")

# %% [markdown]
# Conditional probability is *defined* as a share: of all cases where $A$ holds, how many have $B$ as well?
#
# $$P(B \mid A) = \frac{P(A, B)}{P(A)} \qquad\text{so}\qquad P(A, B) = P(A)\,P(B \mid A)$$
#
# Use this rule again and again, each time splitting off the last word, and a whole text falls apart into single steps:
#
# $$P(s_1 s_2 \dots s_T) = P(s_1)\,P(s_2 \mid s_1)\,P(s_3 \mid s_1 s_2) \cdots = \prod_{t=1}^{T} P(s_t \mid s_{\lt t})$$
#
# This is the **chain rule**. Here $s_t$ is word number $t$ and $s_{\lt t}$ is everything before it. Nothing was assumed and nothing was left out: predicting the next word, over and over, *is* giving a probability to the text.

# %% [markdown] lang="zh"
# 条件概率的**定义**就是一个份额：在 $A$ 成立的所有情形里，$B$ 也成立的占多少？
#
# $$P(B \mid A) = \frac{P(A, B)}{P(A)} \qquad\text{所以}\qquad P(A, B) = P(A)\,P(B \mid A)$$
#
# 反复用这条规则，每次拆下最后一个词，整段文本就拆成了一步一步：
#
# $$P(s_1 s_2 \dots s_T) = P(s_1)\,P(s_2 \mid s_1)\,P(s_3 \mid s_1 s_2) \cdots = \prod_{t=1}^{T} P(s_t \mid s_{\lt t})$$
#
# 这就是**链式法则**。$s_t$ 是第 $t$ 个词，$s_{\lt t}$ 是它前面的全部。这里没有任何假设，也没有丢掉任何东西：一遍遍预测下一个词，**就等于**给整段文本一个概率。

# %%
text, factors = "i like tea .".split(), []
for t, word in enumerate(text):
    counts = following(*text[:t])
    factors.append(counts[word] / counts.total())
    print(f"P({word:4} | {' '.join(text[:t]):10}) = {counts[word]}/{counts.total()}")
print("product =", round(math.prod(factors), 3))
assert_allclose(math.prod(factors), 3 / 4 * 2 / 3 * 1 / 2 * 1)
assert_allclose(math.prod(factors), sentences.count(text) / len(sentences))

# %% [markdown]
# $\frac34 \cdot \frac23 \cdot \frac12 \cdot 1 = \frac14$. No surprise: the sentence is one of four. With the whole history in hand, counting and multiplying only gives back how often the *whole sentence* occurred. So this model knows its four sentences by heart and nothing else: any fifth sentence has probability 0.
#
# Let the model forget. It may look at one word only, the one before:

# %% [markdown] lang="zh"
# $\frac34 \cdot \frac23 \cdot \frac12 \cdot 1 = \frac14$。不意外：它正是四句中的一句。前文一个字不落地拿在手里，数数再相乘，得到的不过是**整句话**出现的频率。所以这个模型只会背这四句，别的一概不知：随便哪个第五句，概率都是 0。
#
# 让它健忘一点，只许看前面一个词：

# %%
pairs = Counter(pair for s in sentences for pair in itertools.pairwise(["<s>", *s]))
before = Counter(first for first, _ in pairs.elements())


def forgetful(sentence):
    steps = itertools.pairwise(["<s>", *sentence.split()])
    return math.prod(pairs[a, b] / before[a] for a, b in steps)


words = ["i", "you", "like", "drink", "tea", "cake"]
total = 0
for triple in itertools.product(words, repeat=3):
    if p := forgetful(" ".join([*triple, "."])):
        total += p
        print(f"{' '.join(triple):14} {p:.3f}  {'' if [*triple, '.'] in sentences else '← new'}")
assert_allclose(total, 1)
assert_allclose(forgetful("you like cake ."), 1 / 4 * 1 * 1 / 3 * 1)

# %% [markdown]
# (`<s>` marks the beginning.) By forgetting, the model has learned to say something it never heard: *you like cake*. And the five probabilities still sum to one. Forgetting on purpose is the whole idea of lesson 02.

# %% [markdown] lang="zh"
# （`<s>` 表示开头。）忘掉一些，反而学会了说一句从没听过的话：*you like cake*。而五句的概率加起来仍等于一。有意地遗忘，正是第 02 课的全部思路。

# %% [markdown]
# ## Why a text needs an end
# The full stop looks like a detail. Many tutorials leave it out. Let's see what happens then. Two letters, a table of $P(\text{next} \mid \text{last})$, no end symbol; we list *all* texts of length $T$ and add up their probabilities. What will the sum be?

# %% [markdown] lang="zh"
# ## 文本为什么需要结尾
# 句号看似小事，不少教程干脆不提。不要它会怎样？两个字母，一张 $P(\text{下一个} \mid \text{前一个})$ 的表，没有结束符号；我们把长度为 $T$ 的**所有**文本列出来，把概率加起来。和会是多少？

# %%
predict("1", "1/T", "T")

# %%
first = {"a": 0.6, "b": 0.4}
then = {"a": {"a": 0.7, "b": 0.3}, "b": {"a": 0.5, "b": 0.5}}


def without_end(text):
    return first[text[0]] * math.prod(then[x][y] for x, y in itertools.pairwise(text))


for T in (1, 2, 3, 8):
    sums = sum(without_end(text) for text in itertools.product("ab", repeat=T))
    print(f"length {T}: {2**T:3} texts, probabilities sum to {sums:.3f}")
    assert_allclose(sums, 1)

# %% [markdown]
# They sum to one *for each length*. All texts together sum to infinity, so these are not probabilities of texts at all: each length has a world of its own, and `ab` cannot be compared with `abb`. The cure is a decision at every step: **stop, or go on?** Let the end symbol come with probability $e = 0.2$ and scale the letters by $1 - e$:

# %% [markdown] lang="zh"
# **每种长度**各自加成一；全部文本加在一起是无穷大。所以这根本不是“文本的概率”：每种长度自成一个世界，`ab` 没法和 `abb` 比。解药是每一步都做个决定：**停，还是继续？** 让结束符号以概率 $e = 0.2$ 出现，字母的概率统统乘 $1 - e$：

# %%
e, total = 0.2, 0.0
for T in range(13):
    texts = itertools.product("ab", repeat=T)
    total += sum((1 - e) ** T * (without_end(t) if t else 1) * e for t in texts)
    if T % 3 == 0:
        print(f"all texts of up to {T:2} letters: {total:.3f}")
    assert_allclose(total, 1 - (1 - e) ** (T + 1))

# %% [markdown]
# Now one unit of probability is shared among *all* texts, short and long: texts of length $T$ get $(1-e)^T e$ together, and $\sum_T (1-e)^T e = 1$. A language model knows when to stop, or it isn't one. (When a corpus is one long stream, as in much of this course, ends are symbols inside it: line breaks, full stops.)

# %% [markdown] lang="zh"
# 现在是**一份**概率由所有文本来分，长短都算：长度为 $T$ 的文本合起来分到 $(1-e)^T e$，而 $\sum_T (1-e)^T e = 1$。语言模型得知道何时停下，否则算不上语言模型。（语料是一条长流时，本课程多半如此，结尾就是流里的符号：换行、句号。）

# %% [markdown]
# ## Surprise
# Products of many probabilities are tiny numbers: a page of text easily falls below $10^{-1000}$, and a computer rounds it to 0. We want to *add* instead. And we want a number with a meaning. Here is one.
#
# I think of one of eight boxes. You may ask yes-or-no questions. How many do you need? Ask "is it in the left half?" and repeat: $8 \to 4 \to 2 \to 1$, three questions. In general $\log_2$ of the number of boxes; each box had probability $p = 1/8$, so $\log_2 8 = -\log_2 p$. We call this the **surprise** of an event:
#
# $$\text{surprise} = -\log_2 p = \log_2 \frac1p \quad\text{bits}$$
#
# One **bit** is one fair yes-or-no question. Why a logarithm and nothing else? Two independent events have probability $p\,q$, and their surprises should add up: $f(pq) = f(p) + f(q)$. Among functions that fall steadily as $p$ grows, only logarithms do that; base 2 picks the unit.

# %% [markdown] lang="zh"
# ## 惊异度
# 许多概率连乘，得数小得可怜：一页文字轻易就小于 $10^{-1000}$，计算机把它舍成 0。我们想把乘变成**加**，还想让得数有个含义。下面就是。
#
# 我心里想着八个盒子中的一个，你可以问是非题。要问几个？问“在左半边吗”，再问，$8 \to 4 \to 2 \to 1$，三个就够。一般地，是盒子数的 $\log_2$；每个盒子的概率是 $p = 1/8$，所以 $\log_2 8 = -\log_2 p$。这叫一个事件的**惊异度**：
#
# $$\text{惊异度} = -\log_2 p = \log_2 \frac1p \quad\text{比特}$$
#
# 一**比特**就是一道公平的是非题。为什么偏偏是对数？两个独立事件同时发生的概率是 $p\,q$，惊异度应当相加：$f(pq) = f(p) + f(q)$。在随 $p$ 增大而单调下降的函数里，只有对数做得到；以 2 为底，则是选定了单位。

# %%
for p in (1, 1 / 2, 1 / 8, 1 / 1000, 1 / 2**20):
    print(f"p = 1/{1 / p:<9,.0f} surprise = {surprise(p):6.3f} bits")
assert surprise(1 / 8) == 3 and surprise(1) == 0
assert_allclose(surprise(0.25 * 0.1), surprise(0.25) + surprise(0.1))
assert 2**20 == 1_048_576
print("0.1 ** 1000 =", 0.1**1000, "  its surprise in bits:", round(1000 * surprise(0.1)))

# %% [markdown]
# What is certain does not surprise. A thousand to one: about ten bits. And twenty questions are enough to find one word among more than a million, which is why the parlour game works.

# %% [markdown] lang="zh"
# 必然的事毫不意外。千里挑一：约十比特。二十个问题足以从一百多万个词里找出一个，“二十问”这个游戏玩得起来，道理就在这里。

# %%
figure, axes = plt.subplots()
p = np.linspace(0.004, 1, 250)
axes.plot(p, surprise(p))
for q in (1 / 2, 1 / 4, 1 / 8, 1 / 16):
    axes.plot(q, surprise(q), "o", color=plots.ORANGE)
    axes.annotate(f"1/{1 / q:.0f}", (q, surprise(q)), (6, 3), textcoords="offset points")
axes.set(xlabel="probability p", ylabel="surprise (bits)")
plt.show()

# %% [markdown]
# **Figure.** Surprise against probability: it falls from infinity at p = 0 to zero at p = 1. Each halving of p, from one orange dot to the next, adds exactly one bit.

# %% [markdown] lang="zh"
# **图.** 惊异度随概率的变化：从 p = 0 处的无穷大降到 p = 1 处的零。p 每减半（相邻两个橙点），惊异度恰好多一比特。

# %% [markdown]
# ## Entropy: the average surprise
# Four letters come with probabilities ½, ¼, ⅛, ⅛. Each event brings its own surprise: 1, 2, 3, 3 bits. On average, weighting each by how often it happens:
#
# $$H(p) = \sum_w p(w) \log_2 \frac{1}{p(w)} = \tfrac12 \cdot 1 + \tfrac14 \cdot 2 + \tfrac18 \cdot 3 + \tfrac18 \cdot 3$$
#
# This is the **entropy** of the distribution (Shannon, 1948). Is it really a number of questions? Four boxes need two questions when you halve them. Can you do better here?

# %% [markdown] lang="zh"
# ## 熵：平均的惊异度
# 四个字母的概率是 ½、¼、⅛、⅛，各自的惊异度是 1、2、3、3 比特。按出现的频率加权平均：
#
# $$H(p) = \sum_w p(w) \log_2 \frac{1}{p(w)} = \tfrac12 \cdot 1 + \tfrac14 \cdot 2 + \tfrac18 \cdot 3 + \tfrac18 \cdot 3$$
#
# 这就是分布的**熵**（Shannon，1948）。它真的是问题的个数吗？四个盒子，对半分要问两次。这里你能问得更少吗？

# %%
predict("2", "1.75", "1.5")

# %%
p = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])
questions = np.array([1, 2, 3, 3])  # "is it a?" - "is it b?" - "is it c?"
print("surprise   ", surprise(p))
print("entropy    ", entropy(p))
letters = rng.choice(4, size=20_000, p=p)
print("questions asked on average:", questions[letters].mean().round(2))
assert entropy(p) == 1.75 == (p * questions).sum()

# %% [markdown]
# Ask about the likely letter first, and 1.75 questions are enough on average. Shannon proved that no scheme can do better: **entropy is the price of a symbol for a perfect guesser.** The distribution with the most entropy is the even one, where nothing can be guessed; a coin shows it:

# %% [markdown] lang="zh"
# 先问最可能的字母，平均 1.75 个问题就够了。Shannon 证明了没有办法能更省：**熵，就是完美的猜测者为每个符号付的价。** 什么都猜不出的均匀分布，熵最大；抛硬币看得最清楚：

# %%
figure, axes = plt.subplots()
heads = np.linspace(0, 1, 201)
axes.plot(heads, entropy(np.stack([heads, 1 - heads], axis=-1)))
axes.set(xlabel="probability of heads", ylabel="entropy (bits per toss)")
plt.show()
assert entropy([0.5, 0.5]) == 1 and entropy([1, 0]) == 0

# %% [markdown]
# **Figure.** Entropy of a coin against its probability of heads: one bit for the fair coin, zero for a coin that always falls the same way, and close to the top over a wide middle.

# %% [markdown] lang="zh"
# **图.** 硬币的熵随正面概率的变化：公平硬币一比特，永远落同一面的硬币零比特，中间一大段都接近顶点。

# %% [markdown]
# ## Cross-entropy: when you believe the wrong thing
# A model does not know the truth $p$. It believes some $q$. Events still come from $p$, but the surprise we feel is $q$'s:
#
# $$H(p, q) = \sum_w p(w) \log_2 \frac{1}{q(w)}$$
#
# This **cross-entropy** is what a language model pays. Take the truth (½, ¼, ¼) and a model that believes all three are equal:

# %% [markdown] lang="zh"
# ## 交叉熵：信错了的代价
# 模型并不知道真相 $p$，它信的是某个 $q$。事件照旧按 $p$ 发生，感到的惊异却由 $q$ 决定：
#
# $$H(p, q) = \sum_w p(w) \log_2 \frac{1}{q(w)}$$
#
# 这就是**交叉熵**，语言模型付的正是它。设真相是（½、¼、¼），而模型以为三个一样可能：

# %%
p, q = np.array([1 / 2, 1 / 4, 1 / 4]), np.full(3, 1 / 3)
print(f"entropy        H(p)    = {entropy(p):.3f} bits")
print(f"cross-entropy  H(p, q) = {cross_entropy(p, q):.3f} bits")
print(f"wasted                   {kl_divergence(p, q):.3f} bits")
assert_allclose(cross_entropy(p, q), math.log2(3))
assert_allclose(kl_divergence(p, q), math.log2(3) - 1.5)

# %% [markdown]
# The waste is called the **KL divergence** of $q$ from $p$ (Kullback and Leibler, 1951):
#
# $$D_{\mathrm{KL}}(p \,\Vert\, q) = H(p, q) - H(p) = \sum_w p(w) \log_2 \frac{p(w)}{q(w)}$$
#
# Could a clever wrong belief ever *save* bits? No, and the proof is three lines. For every $x > 0$ we have $\ln x \le x - 1$ (the line touches the curve at $x = 1$ and lies above it elsewhere). So
#
# $$-D_{\mathrm{KL}} \cdot \ln 2 = \sum_w p(w) \ln \frac{q(w)}{p(w)} \le \sum_w p(w) \left(\frac{q(w)}{p(w)} - 1\right) = \sum_w q(w) - \sum_w p(w) \le 0,$$
#
# with equality only for $q = p$. (The sums run over the words with $p(w) > 0$.) **The truth is the cheapest belief**: this one inequality is the reason why training by cross-entropy works at all. Let's try to break it with ten thousand random pairs.

# %% [markdown] lang="zh"
# 浪费掉的部分叫作 **KL 散度**（Kullback 与 Leibler，1951）：
#
# $$D_{\mathrm{KL}}(p \,\Vert\, q) = H(p, q) - H(p) = \sum_w p(w) \log_2 \frac{p(w)}{q(w)}$$
#
# 会不会有某个巧妙的错误信念，反倒**省**了比特？不会，证明只要三行。对一切 $x > 0$ 都有 $\ln x \le x - 1$（直线在 $x = 1$ 处与曲线相切，别处都在曲线上方）。于是
#
# $$-D_{\mathrm{KL}} \cdot \ln 2 = \sum_w p(w) \ln \frac{q(w)}{p(w)} \le \sum_w p(w) \left(\frac{q(w)}{p(w)} - 1\right) = \sum_w q(w) - \sum_w p(w) \le 0,$$
#
# 只有 $q = p$ 时取等号。（求和只对 $p(w) > 0$ 的词。）**真相是最便宜的信念**：用交叉熵来训练之所以行得通，靠的就是这一个不等式。用一万对随机分布试试，看能不能推翻它。

# %%
p, q = rng.dirichlet(np.ones(5), size=(2, 10_000))
waste = kl_divergence(p, q)
print("smallest waste in 10,000 tries is above zero:", bool(waste.min() > 0))
print("the truth itself wastes", kl_divergence(p, p).max())
print("ruling out what does happen costs", cross_entropy([0.5, 0.5], [1, 0]), "bits")
assert waste.min() > 0

# %% [markdown]
# Look at the last line. A model that gives probability 0 to something that then happens is *infinitely* wrong. Our memorizer of four sentences is such a model. Keep this in mind; lesson 02 is about repairing it.

# %% [markdown] lang="zh"
# 看最后一行。给某件事概率 0，它却偏偏发生了，那就错得**无穷大**。前面那个只会背四句话的模型正是如此。记住这一点：第 02 课要修的就是它。


# %%
def draw(axes, p):
    q = np.linspace(0.01, 0.99, 99)
    truth = np.array([p, 1 - p])
    axes.plot(q, cross_entropy(truth, np.stack([q, 1 - q], axis=-1)))
    axes.axhline(entropy(truth), color=plots.GREY, linestyle="--")
    axes.plot(p, entropy(truth), "o", color=plots.ORANGE)
    axes.set(xlabel="believed q", ylabel="cross-entropy (bits)", ylim=(0, 4))


explore(draw, p=[0.05, 0.1, 0.2, 0.3, 0.4, 0.5])

# %% [markdown]
# **Figure.** Cross-entropy of a coin with true probability p, for every believed q. The lowest point (orange) lies exactly at q = p and touches the entropy, the dashed floor; all height above the floor is KL divergence. Near the truth the curve is flat, so small errors cost little; towards 0 and 1 it shoots up.

# %% [markdown] lang="zh"
# **图.** 硬币的真实概率为 p，对每个信念 q 画出交叉熵。最低点（橙色）恰在 q = p，碰到熵这条虚线地板；高出地板的部分全是 KL 散度。真相附近曲线很平，小错代价小；靠近 0 和 1 处则直冲上去。

# %% [markdown]
# The package holds these formulas in as many lines:

# %% [markdown] lang="zh"
# 这些公式在代码包里也就这么几行：

# %%
show_source(surprise, entropy, cross_entropy, kl_divergence)

# %% [markdown]
# ## Four names for one number
# Papers report bits, nats, perplexity, bits per character. They are one quantity in four coats. By hand, on six words. A model reads `to be or not to be` and gives the words, one after the other, these probabilities:

# %% [markdown] lang="zh"
# ## 一个数的四个名字
# 论文里有的报比特，有的报奈特、困惑度、每字符比特数。其实是同一个量换了四件衣服。拿六个词手算一遍。模型读 `to be or not to be`，依次给每个词的概率是：

# %%
text = "to be or not to be"
p = np.array([1 / 8, 1 / 4, 1 / 2, 1 / 16, 1 / 8, 1 / 2])
bits = surprise(p)
for word, one, b in zip(text.split(), p, bits, strict=True):
    print(f"{word:4} p = 1/{1 / one:<3.0f} {b:.0f} bits")
print("together", bits.sum(), "bits; probability of the text 1 /", round(1 / p.prod()))
assert bits.sum() == 3 + 2 + 1 + 4 + 3 + 1 == 14 == math.log2(1 / p.prod())

# %% [markdown]
# - **Bits per token:** $14 / 6 = 2.333$. (A **token** is the unit that a model predicts: a word here, a character in lesson 00.)
# - **Nats per token:** the same with the natural logarithm, $\ln$ instead of $\log_2$. As $\log_2 x = \ln x / \ln 2$, one bit is $\ln 2 = 0.693$ nats.
# - **Perplexity** (Jelinek and others, 1977): $2^{\text{bits per token}} = e^{\text{nats per token}}$. Among how many *equally likely* words would the choice be as hard? A fair die has perplexity 6. Perplexity is the inverse of the geometric mean of the probabilities:
# $$\mathrm{PPL} = 2^{\frac1T \sum_t \log_2 \frac{1}{p_t}} = \Bigl(\prod_t p_t\Bigr)^{-1/T}$$
# - **Bits per character:** all the bits of the text, divided by its *characters*: $14 / 18 = 0.778$.

# %% [markdown] lang="zh"
# - **每词元比特数：** $14 / 6 = 2.333$。（**词元**就是模型预测的单位：这里是词，第 00 课里是字符。）
# - **每词元奈特数：** 同上，换成自然对数 $\ln$。因为 $\log_2 x = \ln x / \ln 2$，所以一比特等于 $\ln 2 = 0.693$ 奈特。
# - **困惑度**（Jelinek 等，1977）：$2^{\text{每词元比特数}} = e^{\text{每词元奈特数}}$。意思是：从多少个**等可能**的词里挑一个，才会一样难？公平骰子的困惑度是 6。它是各概率几何平均的倒数：
# $$\mathrm{PPL} = 2^{\frac1T \sum_t \log_2 \frac{1}{p_t}} = \Bigl(\prod_t p_t\Bigr)^{-1/T}$$
# - **每字符比特数：** 整段文本的比特数除以**字符**数：$14 / 18 = 0.778$。

# %%
result = Score(tokens=6, nats=bits_to_nats(bits.sum()))
print("bits per token     ", round(result.bits_per_token, 3))
print("nats per token     ", round(result.nats_per_token, 3))
print("perplexity         ", round(result.perplexity, 3))
print("bits per character ", round(result.bits_per_character(len(text)), 3))
assert_allclose(result.bits_per_token, 14 / 6)
assert_allclose(result.nats_per_token, 14 / 6 * math.log(2))
assert_allclose(result.perplexity, p.prod() ** (-1 / 6))
assert_allclose(result.bits_per_character(18), 14 / 18)
assert_allclose(perplexity(math.log(6)), 6)

# %% [markdown]
# Suppose another model spells the same text letter by letter and also needs 14 bits in all. Which one is better?

# %% [markdown] lang="zh"
# 假如另一个模型一个字母一个字母地拼出同一段文本，总共也花 14 比特。哪个模型更好？

# %%
by_letter = Score(tokens=18, nats=bits_to_nats(14))
for name, one in (("words  ", result), ("letters", by_letter)):
    print(name, f"perplexity {one.perplexity:.2f}   bits per character", end=" ")
    print(round(one.bits_per_character(18), 3))
assert_allclose(by_letter.perplexity, 2 ** (14 / 18))

# %% [markdown]
# Neither: both gave the text the same probability, $2^{-14}$. Yet their perplexities look worlds apart, because one is per word and the other per letter. **Never compare perplexities across different tokens.** Bits per character has no such trap, so it is the currency of this course.

# %% [markdown] lang="zh"
# 不分高下：两者给这段文本的概率同样是 $2^{-14}$。可困惑度看上去天差地别，因为一个按词算，一个按字母算。**词元不同，困惑度不可比。** 每字符比特数没有这个陷阱，所以它是本课程的通用货币。

# %% [markdown]
# ## One scorer for every model
# Every model in this course keeps one contract: ids `(B, T)` go in, and for each position a row of scores comes out, `(B, T, V)`, from which the probability of the next token follows. (An **id** is the number of a token in the **vocabulary**, the list of all tokens. `B` texts side by side, `T` positions, `V` tokens in the vocabulary.) So the scorer is written once. The laziest model of all gives every token the same score. What must it get on real text?

# %% [markdown] lang="zh"
# ## 一把尺子量所有模型
# 本课程的每个模型都守同一个约定：送进编号 `(B, T)`，每个位置出来一行分数，合起来是 `(B, T, V)`，由此得到下一个词元的概率。（**词表**列出全部词元，词元在词表里的号码就是它的**编号** id。`B` 段文本并排，`T` 个位置，词表有 `V` 个词元。）所以打分程序只写一次。最懒的模型给每个词元同样的分，它在真实文本上该得多少？

# %%
english, chinese = corpora.shakespeare(), corpora.sanguo()
characters = CharacterTokenizer.train(english.text("train"), unknown=True)
V = characters.vocabulary_size
ids = {split: characters.encode(english.text(split)) for split in ("train", "validation")}


def lazy(ids):
    return np.zeros((*ids.shape, V))  # (B, T) -> (B, T, V)


result = score(lazy, ids["validation"][:50_000])
print(f"{V} tokens: {result.bits_per_token:.3f} bits each, perplexity {result.perplexity:.1f}")
assert_allclose(result.bits_per_token, math.log2(V))

# %% [markdown]
# $\log_2 V$ bits and a perplexity of $V$, as it should be: this is the ceiling, the score of knowing nothing. (The 38 plays of Shakespeare and 三国演义 are in the public domain; [data/README.md](../data/README.md) tells where the files come from.) Long texts are read in windows that overlap by half, so that each token is predicted once and almost always with plenty of context:

# %% [markdown] lang="zh"
# $\log_2 V$ 比特，困惑度为 $V$，理当如此：这是天花板，一无所知的得分。（莎士比亚的 38 部剧本与《三国演义》均属公有领域，文件来历见 [data/README.md](../data/README.md)。）长文本分成一个个窗口来读，相邻窗口重叠一半，这样每个词元恰好预测一次，而且几乎总有足够的上下文：

# %%
show_source(score)

# %% [markdown]
# ## Why a held-out text
# Count, on real text now: how often does each character follow the $n - 1$ before it? Write a run of $n$ characters as one whole number in base $V$, and NumPy counts all of them in one sort.

# %% [markdown] lang="zh"
# ## 为什么要有留出文本
# 在真实文本上数一数：每个字符跟在前 $n - 1$ 个字符之后，出现了多少次？把连续 $n$ 个字符写成一个 $V$ 进制的整数，NumPy 排一次序就全数清了。


# %%
def codes(ids, n, V):
    total = np.zeros(len(ids) - n + 1, dtype=np.int64)
    for i in range(n):
        total = total * V + ids[i : len(ids) - n + 1 + i]
    return total  # a b c -> (a V + b) V + c


def count(ids, n, V):
    runs, counts = np.unique(codes(ids, n, V), return_counts=True)
    contexts, start = np.unique(runs // V, return_index=True)  # runs without their last character
    return (runs, counts), (contexts, np.add.reduceat(counts, start))


def look_up(wanted, table):
    keys, counts = table
    place = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[place] == wanted, counts[place], 0)


# %% [markdown]
# From two counts we get $\hat p(w \mid h) = c(hw) / c(h)$: the context $h$, then the next character $w$. We mix in one percent of the lazy model, so that nothing costs infinitely much: $q = 0.99\,\hat p + 0.01 / V$. A context never seen in training gets the lazy model alone.

# %% [markdown] lang="zh"
# 两个计数相除，得到 $\hat p(w \mid h) = c(hw) / c(h)$：$h$ 是上下文，$w$ 是接下来的字符。再掺百分之一的懒模型，免得有什么代价无穷大：$q = 0.99\,\hat p + 0.01 / V$。训练时没见过的上下文，就只用懒模型。


# %%
def bits_of(tables, ids, n, V, share=0.01):
    wanted = codes(ids, n, V)
    c_hw, c_h = look_up(wanted, tables[0]), look_up(wanted // V, tables[1])
    p = np.where(c_h > 0, c_hw / np.maximum(c_h, 1), 1 / V)
    return float(surprise((1 - share) * p + share / V).mean())


toy = characters.encode("abababac")
tables = count(toy, 2, V)
print("bits per character, share 0:", round(bits_of(tables, toy, 2, V, share=0), 3))
assert_allclose(bits_of(tables, toy, 2, V, share=0), (3 * math.log2(4 / 3) + 1 * 2 + 3 * 0) / 7)

# %% [markdown]
# By hand: in `abababac` the letter `a` is followed by `b` three times and by `c` once, `b` always by `a`. Seven predictions: three cost $\log_2\frac43$, one costs 2 bits, three are free.
#
# Now the experiment. We count on the first 100,000 characters of Shakespeare and raise $n$ from 1 to 9. We measure twice: on those same characters, and on plays that were kept apart. What happens to the two numbers?

# %% [markdown] lang="zh"
# 手算：`abababac` 里 `a` 后面三次是 `b`、一次是 `c`，`b` 后面总是 `a`。七次预测：三次各花 $\log_2\frac43$，一次花 2 比特，三次不花钱。
#
# 现在做实验。在莎士比亚的前 100,000 个字符上数数，$n$ 从 1 加到 9。量两遍：一遍就在这些字符上，一遍在另外留出的剧本上。两个数会怎样变化？

# %%
predict("↓ ↓", "↓ ↑", "↓ ↓↑")

# %%
small = ids["train"][:100_000]
orders = list(range(1, 10))
seen, held_out = [], []
for n in orders:
    tables = count(small, n, V)
    seen.append(bits_of(tables, small, n, V))
    held_out.append(bits_of(tables, ids["validation"], n, V))
    print(f"n = {n}   training text {seen[-1]:.2f}   held-out text {held_out[-1]:.2f}")
assert seen == sorted(seen, reverse=True) and min(held_out) < held_out[0] < held_out[-1]

# %%
figure, axes = plt.subplots()
plots.curves(axes, orders, {"held-out text": held_out, "training text": seen})
axes.plot([1, 9], [math.log2(V)] * 2, "--", color=plots.GREY)
axes.annotate("knowing nothing", (1, math.log2(V)), (0, -12), textcoords="offset points")
axes.set(xlabel="n (context of n − 1 characters)", ylabel="bits per character", ylim=(0, 6.6))
plt.show()

# %% [markdown]
# **Figure.** Bits per character against n. On the training text the curve falls towards zero: the model learns its text by heart. On held-out plays it falls at first, turns, and climbs almost to the dashed line of the model that knows nothing.

# %% [markdown] lang="zh"
# **图.** 每字符比特数随 n 的变化。在训练文本上一路降向零：模型把文本背下来了。在留出的剧本上，先降，再掉头，最后几乎升到虚线，也就是一无所知的水平。

# %% [markdown]
# With nine characters most contexts have occurred only once, so the next character is "certain". That is memory, not knowledge. **A score on the training text measures memory; only text that the model has never seen measures knowledge.** And there is one more trap: we have now *looked* at the held-out plays. If we pick the best $n$ there, that choice has learned from them too. Hence three parts: the **training set** to count on, the **validation set** to choose on (we used it here), and the **test set**, opened once, for the table of results. How unseen is unseen text?

# %% [markdown] lang="zh"
# 到了九个字符，大多数上下文只出现过一次，下一个字符自然“确定无疑”。这是记性，不是知识。**在训练文本上打分，量的是记性；只有模型没见过的文本，才量得出知识。** 还有一个陷阱：留出的剧本我们已经**看过**了。若在上面挑最好的 $n$，这个选择也就从它们身上学到了东西。所以要分三份：**训练集**用来数，**验证集**用来挑（刚才用的就是它），**测试集**只打开一次，留给成绩表。没见过的文本，究竟有多“没见过”？

# %%
for n in (2, 4, 6, 8):
    (runs, _), _ = count(small, n, V)
    new = ~np.isin(codes(ids["validation"], n, V), runs)
    print(f"runs of {n} characters in held-out text that training never showed: {new.mean():4.0%}")

# %% [markdown]
# ## Zipf's law
# Why is so much of a new text new? Count the words of Shakespeare's training plays and sort them by frequency. The most frequent word has rank 1.

# %% [markdown] lang="zh"
# ## 齐普夫定律
# 为什么新文本里总有这么多新东西？把莎士比亚训练部分的单词数一数，按频率排队，最常见的排第 1 名。

# %%
words = Counter(re.findall("[a-z']+", english.text("train").lower()))
hanzi = Counter(re.findall("[一-鿿]", chinese.text("train")))
for name, counter in (("words of shakespeare", words), ("characters of sanguo", hanzi)):
    print(f"{name}: {len(counter):,} different")
    for rank, (token, c) in enumerate(counter.most_common(1000), start=1):
        if rank in (1, 2, 4, 10, 100, 1000):
            print(f"   rank {rank:4} {token:8} {c:6,} times, rank × count = {rank * c:7,}")
    products = [rank * c for rank, (_, c) in enumerate(counter.most_common(1000), start=1)]
    assert max(products[9:]) < 4 * min(products[9:])

# %% [markdown]
# From rank 10 to rank 1,000 the rank grows a hundredfold, and rank × count changes by less than a factor of four: what the rank gains, the count loses. Zipf (1949): **the count of a word is about inversely proportional to its rank $r$**, $c(r) \approx C / r^{s}$ with $s$ near 1. Taking logarithms, $\log c = \log C - s \log r$: on two logarithmic axes, a straight line of slope $-s$.

# %% [markdown] lang="zh"
# 从第 10 名到第 1,000 名，名次涨了一百倍，名次 × 次数却只变了不到四倍：名次涨多少，次数就差不多跌多少。这就是齐普夫定律（Zipf，1949）：**出现的次数大致与名次 $r$ 成反比**，即 $c(r) \approx C / r^{s}$，$s$ 接近 1。两边取对数，$\log c = \log C - s \log r$：在双对数坐标里，是一条斜率为 $-s$ 的直线。

# %%
figure, axes = plt.subplots()
axes.set(xscale="log", yscale="log", xlabel="rank", ylabel="count")
for (name, counter), style in zip(
    {"words of shakespeare": words, "characters of sanguo": hanzi}.items(), ("-", "--"), strict=True
):
    counts = np.array([c for _, c in counter.most_common()])
    ranks = np.arange(1, len(counts) + 1)
    shown = np.unique(np.geomspace(1, len(ranks), 300).astype(int)) - 1
    axes.plot(ranks[shown], counts[shown], style, label=name)
    middle = slice(9, 1000)
    slope = np.polyfit(np.log(ranks[middle]), np.log(counts[middle]), 1)[0]
    print(f"{name}: slope {slope:.2f} between ranks 10 and 1,000")
axes.plot([1, 9e4], [9e4, 1], ":", color=plots.GREY, label="90,000 / rank (slope −1)")
axes.legend()
plt.show()

# %% [markdown]
# **Figure.** Count against rank on logarithmic axes. From rank 10 to rank 1,000 English words keep close to the dotted line of slope −1; the first few and the very rare ones stay below it. Chinese characters come near the line in the middle and then bend down: there are only a few thousand of them, and they combine into words.

# %% [markdown] lang="zh"
# **图.** 双对数坐标里次数随名次的变化。从第 10 名到第 1,000 名，英语单词都贴着斜率为 −1 的点线；头几名和极罕见的词则落在线下。汉字在中段靠近这条线，随后往下弯：汉字总共只有几千个，它们再组合成词。

# %% [markdown]
# The long tail is what makes language hard to count. Call each different word a **type**, however often it occurs. See how few types carry half of the text, and how many were met only once:

# %% [markdown] lang="zh"
# 语言难数，难在这条长尾。每个不同的词，不论出现多少次，只算一个**词型**（type）。看看多少个词型就占了文本的一半，又有多少词只见过一次：

# %%
for name, counter in (("shakespeare", words), ("sanguo", hanzi)):
    counts = np.array([c for _, c in counter.most_common()])
    half = int(np.searchsorted(counts.cumsum(), counts.sum() / 2)) + 1
    print(f"{name:11} {half:4} types make half of the text; ", end="")
    print(f"{(counts == 1).mean():.0%} of all types occur once")
    assert half < 0.1 * len(counts)

# %% [markdown]
# ## A language whose entropy we know
# On English we never learn how far a model is from perfect: nobody knows the entropy of English. So let's build a language for which we *do* know it. Yesterday's weather decides today's odds: after a sunny day (`s`) sun comes again with probability ¾; after a rainy day (`r`) it is even.
#
# $$P = \begin{pmatrix} \tfrac34 & \tfrac14 \\ \tfrac12 & \tfrac12 \end{pmatrix}$$
#
# (The rows are yesterday's weather, the columns today's, both in the order sun, rain.) This is a **Markov chain**: the next symbol depends only on the last. What share $\pi_s$ of all days is sunny in the long run? In the long run as many days change from sun to rain as from rain to sun: $\pi_s \cdot \frac14 = \pi_r \cdot \frac12$. With $\pi_s + \pi_r = 1$ this gives $\pi = (\frac23, \frac13)$, the **stationary distribution**: one step of the chain leaves it as it is, $\pi P = \pi$.
#
# A perfect forecaster knows $P$. After sun it pays the entropy of (¾, ¼), after rain that of (½, ½), and it is in these states ⅔ and ⅓ of the time:
#
# $$\text{entropy rate} = \tfrac23\, H(\tfrac34, \tfrac14) + \tfrac13\, H(\tfrac12, \tfrac12)$$

# %% [markdown] lang="zh"
# ## 一门知道熵的语言
# 在英语上，我们永远不知道模型离完美还有多远：没人知道英语的熵。那就造一门**知道**熵的语言。今天的天气由昨天定：晴天（`s`）之后再晴的概率是 ¾；雨天（`r`）之后，晴雨各半。
#
# $$P = \begin{pmatrix} \tfrac34 & \tfrac14 \\ \tfrac12 & \tfrac12 \end{pmatrix}$$
#
# （行是昨天，列是今天，都按晴、雨的顺序。）这是一条**马尔可夫链**：下一个符号只取决于上一个。长远看，晴天的份额 $\pi_s$ 是多少？长远看，由晴转雨的日子与由雨转晴的一样多：$\pi_s \cdot \frac14 = \pi_r \cdot \frac12$。加上 $\pi_s + \pi_r = 1$，得 $\pi = (\frac23, \frac13)$，这叫**平稳分布**：链走一步，它不变，$\pi P = \pi$。
#
# 完美的预报员知道 $P$。晴天之后，他付（¾、¼）的熵；雨天之后，付（½、½）的熵；两种处境各占 ⅔ 与 ⅓ 的时间：
#
# $$\text{熵率} = \tfrac23\, H(\tfrac34, \tfrac14) + \tfrac13\, H(\tfrac12, \tfrac12)$$

# %%
P = np.array([[3 / 4, 1 / 4], [1 / 2, 1 / 2]])
pi = np.array([2 / 3, 1 / 3])
assert_allclose(pi @ P, pi)
rate = pi @ entropy(P)
print("after sun ", entropy(P)[0].round(3), "bits;  after rain", entropy(P)[1].round(3), "bits")
print("entropy rate           ", rate.round(3), "bits a day")
print("without yesterday's sky", entropy(pi).round(3), "bits a day")

# %% [markdown]
# Someone who only knows that two days in three are sunny pays $H(\frac23, \frac13)$. The difference is what *one day of memory* is worth. The package does the same for any order and any alphabet, solving $\pi P = \pi$ as a system of linear equations:

# %% [markdown] lang="zh"
# 只知道“三天里有两天晴”的人，付的是 $H(\frac23, \frac13)$。两者之差，就是**一天的记忆**值多少。代码包对任意阶、任意字母表都这么做，把 $\pi P = \pi$ 当作线性方程组来解：

# %%
weather = Markov(P, ["s", "r"])
assert_allclose(weather.stationary, pi)
assert_allclose(weather.entropy_rate, rate)
days = weather.sample(60, rng)
print(weather.spell(days))

# %% [markdown]
# The source can also price any text exactly, symbol by symbol: the first day by $\pi$, every other day by its row of $P$.

# %% [markdown] lang="zh"
# 信源还能逐个符号给任何文本精确定价：第一天按 $\pi$，此后每天按 $P$ 里相应的一行。

# %%
text = [0, 0, 1, 1]  # s s r r
print("probabilities", (2 ** weather.log2_probabilities(text)).round(3))
assert_allclose(2 ** weather.log2_probabilities(text), [2 / 3, 3 / 4, 1 / 4, 1 / 2])

# %% [markdown]
# ## Two estimates and the floor between them
# Now pretend we don't know the table and must learn it from a sample. A harder source: eight letters, each depending on the last *two*, so 64 contexts. We count a sample of $N$ letters and ask for the entropy in two ways: $a$, on the sample itself, and $b$, on fresh text from the same source. Where will the true entropy rate $H$ lie?

# %% [markdown] lang="zh"
# ## 两种估计，夹住地板
# 现在假装不知道那张表，要从样本里学。换个难些的信源：八个字母，每个取决于前**两个**，共 64 种上下文。数一个长为 $N$ 的样本，然后用两种办法估熵：$a$ 就在样本自己身上量，$b$ 在同一信源的新文本上量。真正的熵率 $H$ 会在哪里？

# %%
predict("H < a, b", "a < H < b", "a, b < H")

# %%
source = Markov.random(order=2, vocabulary_size=8, rng=rng)
sizes, repeats, new = [100, 300, 1000, 3000, 10_000, 30_000], 8, source.sample(100_000, rng)
own, fresh, oracle = np.zeros((3, len(sizes), repeats))
for i, N in enumerate(sizes):
    for j in range(repeats):
        sample = source.sample(N, rng)
        tables = count(sample, 3, 8)
        own[i, j] = bits_of(tables, sample, 3, 8, share=0)
        fresh[i, j] = bits_of(tables, new, 3, 8)
        oracle[i, j] = -source.log2_probabilities(sample).mean()
floor = source.entropy_rate
print(f"entropy rate {floor:.3f} bits")
for N, a, b in zip(sizes, own.mean(axis=1), fresh.mean(axis=1), strict=True):
    print(f"N = {N:6,}   on the sample {a:.3f}   on fresh text {b:.3f}")
assert (own.mean(axis=1) < floor).all() and (fresh.mean(axis=1) > floor).all()

# %%
figure, axes = plt.subplots()
axes.set_xscale("log")
axes.plot(sizes, oracle, "o", color=plots.GREEN, alpha=0.4)
plots.curves(axes, sizes, {"fresh text": fresh.mean(axis=1), "same sample": own.mean(axis=1)})
axes.axhline(floor, color=plots.GREY, linestyle="--")
axes.annotate("entropy rate", (sizes[0], floor), (0, 8), textcoords="offset points")
axes.set(xlabel="N, letters counted", ylabel="bits per letter")
plt.show()

# %% [markdown]
# **Figure.** Bits per letter against the size of the sample. Measured on the counted sample itself, the estimate lies below the true entropy rate (dashed); measured on fresh text, above. Both meet the floor as the sample grows. The green dots are the true source priced on each sample: they scatter *around* the floor, ever closer.

# %% [markdown] lang="zh"
# **图.** 每字母比特数随样本大小的变化。在数过的样本上量，估计低于真正的熵率（虚线）；在新文本上量，则高于它。样本增大，两者都靠拢地板。绿点是用真实信源给各样本定的价：它们散布在地板**两侧**，越来越近。

# %% [markdown]
# The estimate on the sample is too low because the table has fitted itself to the accidents of the sample; KL divergence tells us why the fresh one is too high, for it pays $H(p, q) \ge H(p)$. How much too low? Miller (1955) found, for large $N$, about one half nat for every free parameter, spread over the sample:
#
# $$\text{bias} \approx -\frac{(\text{contexts}) \cdot (V - 1)}{2 N \ln 2} \ \text{bits}$$
#
# And the green dots? Their scatter falls like $1/\sqrt N$, as every mean of noisy numbers does: a hundred times more text, one more decimal. Check both on the numbers above:

# %% [markdown] lang="zh"
# 在样本自己身上估得偏低，是因为这张表迁就了样本里的偶然；新文本上偏高，KL 散度已经说了缘由：它付的是 $H(p, q) \ge H(p)$。偏低多少？Miller（1955）发现，$N$ 大时，每个自由参数约合半个奈特，摊到整个样本上：
#
# $$\text{偏差} \approx -\frac{(\text{上下文数}) \cdot (V - 1)}{2 N \ln 2} \ \text{比特}$$
#
# 绿点呢？散布按 $1/\sqrt N$ 缩小，带噪声的数求平均都是这样：文本多一百倍，才多准一位小数。用上面的数核对这两点：

# %%
for i, N in enumerate(sizes[3:], start=3):
    bias = own[i].mean() - floor
    formula = -64 * 7 / (2 * N * math.log(2))
    scatter = np.sqrt(((oracle[i] - floor) ** 2).mean())
    print(f"N = {N:6,}   bias {bias:+.3f}   formula {formula:+.3f}   ", end="")
    print(f"scatter × √N {scatter * math.sqrt(N):.2f}")
    assert abs(bias - formula) < 0.3 * abs(formula) + 0.01

# %% [markdown]
# ## How much entropy has a language?
# Back to Shakespeare and 三国演义. The floor is unknown, yet the sandwich is the same: for each context length the training text gives a number that is too low, held-out text one that is too high.

# %% [markdown] lang="zh"
# ## 一门语言有多少熵？
# 回到莎士比亚和《三国演义》。地板在哪里不知道，夹法却一样：对每种上下文长度，训练文本给出的数偏低，留出文本给出的偏高。

# %%
characters_zh = CharacterTokenizer.train(chinese.text("train"), unknown=True)
V_zh = characters_zh.vocabulary_size
ids_zh = {s: characters_zh.encode(chinese.text(s)) for s in ("train", "validation")}
measured = {}
for name, data, size in (("english", ids, V), ("chinese", ids_zh, V_zh)):
    print(f"{name}: V = {size:,}, knowing nothing costs {math.log2(size):.2f} bits")
    for n in (1, 2, 3, 4):
        tables = count(data["train"], n, size)
        low = bits_of(tables, data["train"], n, size, share=0)
        high = bits_of(tables, data["validation"], n, size)
        measured[name, n] = low, high
        print(f"   n = {n}   training {low:6.3f}   held-out {high:6.3f}")

# %%
figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.2), sharey=True)
for axes, name in zip(panels, ("english", "chinese"), strict=True):
    low, high = np.array([measured[name, n] for n in (1, 2, 3, 4)]).T
    axes.fill_between([1, 2, 3, 4], low, high, color=plots.SKY, alpha=0.3)
    axes.plot([1, 2, 3, 4], high, "o-", label="held-out text")
    axes.plot([1, 2, 3, 4], low, "o-", label="training text")
    axes.set(title=name, xlabel="n", ylim=(0, 12), xticks=range(1, 5))
panels[0].set_ylabel("bits per character")
panels[0].legend(loc="upper right")
plt.show()

# %% [markdown]
# **Figure.** Bits per character of English (left) and Chinese (right) with contexts of n − 1 characters. The gap between the curves, shaded, opens with n: slowly for English with its few dozen symbols and millions of characters of text, at once for Chinese with its thousands of symbols.

# %% [markdown] lang="zh"
# **图.** 英语（左）与汉语（右）的每字符比特数，上下文为 n − 1 个字符。两条曲线间的阴影随 n 张开：英语只有几十个符号、几百万字符的文本，张得慢；汉语有几千个符号，一下子就张开了。

# %% [markdown]
# (At $n = 1$ there is next to nothing to overfit, and the two numbers differ only because no two texts are alike. From $n = 2$ on the sandwich holds.)
#
# Two lessons. First: a single character of context saves more than a bit, in both languages. Language is full of memory. Second: counting longer and longer contexts runs out of text. In Chinese, $n = 3$ is already worse on held-out text than $n = 2$. Half of this course is the story of getting more out of the past without needing to have seen it before.
#
# A Chinese character costs more than twice as much as an English one. Is Chinese harder? No: it says more with each. Take the best $n$ for each language, and compare sentences that mean the same, from pairs in the HSK collection (graded sentences for learners of Chinese, CC BY-SA 4.0):

# %% [markdown] lang="zh"
# （$n = 1$ 时几乎没什么可过拟合，两个数的差别只因为文本各有不同；从 $n = 2$ 起，夹法成立。）
#
# 两点体会。第一，只看前一个字符，两种语言都省下不止一比特：语言里处处是记忆。第二，上下文越数越长，文本就不够用了。汉语到 $n = 3$，在留出文本上已经不如 $n = 2$。怎样从过去学到更多，又不必事先见过一模一样的过去，这门课有一半讲的是这个。
#
# 一个汉字的代价是一个英语字符的两倍还多。汉语更难吗？不：一个字说的内容也更多。两种语言各取最好的 $n$，拿意思相同的句子来比，用 HSK 分级例句的中英对照（CC BY-SA 4.0）：

# %%
pairs = corpora.hsk()
best, total = {}, {}
for name in ("english", "chinese"):
    best[name] = min(measured[name, n][1] for n in (1, 2, 3, 4))
    length = sum(len(getattr(pair, name)) for pair in pairs) / len(pairs)
    total[name] = length * best[name]
    print(f"{name}: {length:4.1f} characters a sentence × {best[name]:.2f} bits", end=" ")
    print(f"= {total[name]:.0f} bits")
assert best["chinese"] > 2 * best["english"] and total["chinese"] < total["english"]
assert all(measured[name, 1][1] - measured[name, 2][1] > 1 for name in best)
assert measured["chinese", 3][1] > measured["chinese", 2][1]
assert all(low < high for (name, n), (low, high) in measured.items() if n > 1)

# %% [markdown]
# A rough sum, since the models learned from old books and the sentences are modern. Still, once we count *per thing said*, Chinese is no longer the dearer language, and the two come out far closer than their bits per character.

# %% [markdown] lang="zh"
# 这笔账很粗：模型学的是旧书，句子却是今天的。尽管如此，一旦按**说出的内容**来算，汉语就不再更贵，两种语言也比每字符比特数所显示的近得多。

# %% [markdown]
# ## The measuring stick: excess bits
# Known languages let us ask a sharper question than "how good?": *how much is still missing, and what kind of memory would get it?* What a model pays above the entropy rate are its **excess bits**. `text/grammar.py` has three more such languages, each with one kind of memory in it:

# %% [markdown] lang="zh"
# ## 量尺：超额比特
# 有了知道熵的语言，就能问得比“好不好”更尖锐：**还差多少？要有怎样的记忆才补得上？** 模型付的比特数高出熵率的部分，叫**超额比特**。`text/grammar.py` 里还有三门这样的语言，各含一种记忆：

# %%
agreement = Agreement(shortest=3, longest=3, subjects=2, fillers=2)
brackets = Brackets(kinds=2, opening=0.4, depth=None)
copying = Copy(shortest=4, longest=4, letters=2)
for language in (agreement, brackets, copying):
    text = language.sample(20_000, rng)
    paid = score(language, text, context_length=len(text)).bits_per_token
    print(f"{type(language).__name__:10}{language.spell(text[:40])}")
    print(
        f"{'':10}entropy rate {language.entropy_rate:.3f} bits, the source itself pays {paid:.2f}"
    )
    assert abs(paid - language.entropy_rate) < 0.03

# %% [markdown]
# - *Agreement*: a subject (`A` or `B`), three filler words, and the verb that fits the subject (`a` or `b`). The rate by hand: 1 bit for the subject, 3 for the fillers, nothing for the verb, over 5 symbols: $4/5 = 0.8$.
# - *Brackets*: each closing bracket must fit the one it closes, however much lies between.
# - *Copy*: a word, `#`, the same word, `$`. By hand: 4 bits in 10 symbols, $0.4$.
#
# The same scorer measured the *sources*, which keep the contract too: they pay the floor, give or take the luck of a sample.

# %% [markdown] lang="zh"
# - **一致**（Agreement）：一个主语（`A` 或 `B`），三个填充词，再来与主语相配的动词（`a` 或 `b`）。手算熵率：主语 1 比特，填充词 3 比特，动词不花钱，共 5 个符号：$4/5 = 0.8$。
# - **括号**（Brackets）：每个右括号都要配上它对应的左括号，不论中间隔了多少。
# - **抄写**（Copy）：一个词，`#`，同一个词，`$`。手算：10 个符号共 4 比特，即 $0.4$。
#
# 刚才用同一把尺子量了**信源**本身，它们也守那个约定：付的正是地板价，上下只差样本的运气。

# %%
assert_allclose(agreement.entropy_rate, 4 / 5)
assert_allclose(copying.entropy_rate, 4 / 10)
print("a model that forgets the subject pays", agreement.forgetting_costs, "bits a symbol more")
print("one that forgets which bracket is open", brackets.forgetting_costs)
print("one that forgets the word             ", copying.forgetting_costs)

# %% [markdown]
# ## Remove a part: memory
# Take counting models of growing order $n$ and measure their excess on *Agreement*. The subject stands four symbols before the verb. At which $n$ will the last excess disappear?

# %% [markdown] lang="zh"
# ## 拿掉一个部件：记忆
# 让计数模型的阶 $n$ 逐渐增大，在 *Agreement* 上量超额比特。主语在动词前四个符号处。到哪个 $n$，最后一点超额才会消失？

# %%
predict("n = 3", "n = 4", "n = 5")

# %%
train, new = agreement.sample(60_000, rng), agreement.sample(20_000, rng)
floor = -agreement.log2_probabilities(new).mean()  # on this very text, free of luck
excess = []
for n in range(1, 7):
    tables = count(train, n, agreement.vocabulary_size)
    excess.append(bits_of(tables, new, n, agreement.vocabulary_size, share=1e-4) - floor)
    print(f"n = {n}   excess {excess[-1]:.3f} bits a symbol")
assert abs(excess[3] - agreement.forgetting_costs) < 0.01 and excess[4] < 0.01

# %%
figure, axes = plt.subplots()
plots.bars(axes, [str(n) for n in range(1, 7)], excess)
axes.axhline(agreement.forgetting_costs, color=plots.GREY, linestyle="--")
axes.set(xlabel="n (context of n − 1 symbols)", ylabel="excess (bits per symbol)")
plt.show()

# %% [markdown]
# **Figure.** Excess bits of counting models on Agreement. Longer contexts first learn where the sentence stands; at n = 4 exactly the 0.2 bits of the forgotten subject remain (dashed). With n = 5 the subject comes into view and the excess is gone.

# %% [markdown] lang="zh"
# **图.** 计数模型在 Agreement 上的超额比特。上下文变长，先学会句子走到了哪里；到 n = 4，剩下的恰是忘掉主语的 0.2 比特（虚线）。n = 5 时主语进入视野，超额归零。

# %% [markdown]
# Read the figure as a diagnosis: *this model sees three symbols back and needs four*. A subject 40 symbols before its verb would need $n = 41$, and a table with a row for every filling of the 39 places between: no text is long enough to show them all. In lesson 07 a recurrent network will carry the subject along; in lesson 10 attention will look back at it. We will know that they do, to the bit.

# %% [markdown] lang="zh"
# 这张图可以当诊断书读：**这个模型往回看得到三个符号，而它需要四个**。若主语在动词前 40 个符号处，就得 $n = 41$，中间 39 个位置的每一种填法都要在表里占一行：没有哪段文本长得足以把它们全见一遍。第 07 课的循环神经网络会把主语一路带着走；第 10 课的注意力会回头去看它。它们做没做到，我们将精确到比特地知道。

# %% [markdown]
# ## Shannon's game
# Shannon (1951) measured English with people instead of tables: show the text so far, let them guess the next letter until they hit it, and write down the number of guesses. You are the language model now. Run the cell, guess what follows, and put your guesses into the next call, like `play(3210, "e", "a")`.

# %% [markdown] lang="zh"
# ## Shannon 的游戏
# Shannon（1951）量英语，用的是人而不是表：给人看到目前为止的文本，让他猜下一个字母，直到猜中，记下猜了几次。现在你就是语言模型。运行下一格，猜后面是什么，把猜测写进调用里，例如 `play(3210, "e", "a")`。

# %%
hidden = english.text("validation")


def play(position, *guesses):
    right = hidden[position]
    tries = guesses.index(right) + 1 if right in guesses else None
    print(hidden[position - 60 : position].replace("\n", " ") + f"[{right if tries else '?'}]")
    print(f"guesses: {tries}" if tries else f"not yet, after {len(guesses)}")


play(3210)
play(4444)
play(4985)

# %% [markdown]
# How often was your first guess right? A reader of Shannon's hit 69 letters in a hundred at once. A person's knowledge of English lies beyond any table we can count: from such games Shannon put printed English between 0.6 and 1.3 bits per letter (27 symbols, no capitals, no punctuation). How does a machine that knows trigrams play?

# %% [markdown] lang="zh"
# 你有几次一猜就中？Shannon 的一位读者，每一百个字母有 69 个一次猜中。人对英语的了解，远超任何数得出来的表：Shannon 由这样的游戏推断，印刷英语在每字母 0.6 到 1.3 比特之间（27 个符号，不分大小写，不含标点）。只懂三元语法的机器玩得怎样？

# %%
cells = np.bincount(codes(ids["train"], 3, V), minlength=V**3).reshape(V * V, V)
ranking = np.argsort(-cells, axis=1, kind="stable")  # best guess first, for every context
text = ids["validation"][:100_000]
context, target = codes(text[:-1], 2, V), text[2:]
guesses = (ranking[context] == target[:, None]).argmax(axis=1) + 1
for k in (1, 2, 5, 10):
    print(f"found within {k:2} guesses: {(guesses <= k).mean():.2f}")
share = np.bincount(guesses)[1:] / len(guesses)
print(f"entropy of the number of guesses: {entropy(share):.2f} bits")
print(f"what the same counts pay in bits: {measured['english', 3][1]:.2f}")
assert measured["english", 3][1] < entropy(share) < measured["english", 1][1]

# %% [markdown]
# The guesses *are* the text: a twin of the machine, told only "3rd guess, 1st, 1st, 7th…", could write the text down again. So the entropy of the guess numbers is a price per character that is surely enough. It lies a little above the bits that the counts themselves pay, because "2nd guess" no longer says how sure the machine was. That was Shannon's trick for measuring people, who can't tell us their probabilities.

# %% [markdown] lang="zh"
# 猜测次数**就是**文本：给一台一模一样的机器只报“第 3 次、第 1 次、第 1 次、第 7 次……”，它就能把原文写出来。所以猜测次数的熵，是每个字符肯定够用的一个价。它比那份计数自己付的比特数略高，因为“第 2 次猜中”已经看不出机器当时有多大把握。人说不出自己心里的概率，Shannon 就用这个巧办法来量人。

# %% [markdown]
# ## Try it
# **1 · Easy.** A die was thrown ten times: five ones, three twos, two threes. Among all beliefs $q$ over the three faces, which makes the ten throws cheapest, in bits? Search a grid, then say why the answer had to be so.
#
# <details><summary>Hint</summary>
#
# The bits of the ten throws are $10 \cdot H(\hat p, q)$ with $\hat p = (0.5, 0.3, 0.2)$. Which $q$ makes a cross-entropy smallest?
#
# </details>
#
# **2 · Medium.** Does Zipf's law show that words have meaning? Let a monkey type: characters drawn at random, each with its frequency in Shakespeare, the space among them. Count the monkey's "words" and fit the slope between ranks 10 and 1,000.
#
# <details><summary>Hint</summary>
#
# `rng.choice(V, size=1_000_000, p=...)` with the frequencies from `np.bincount`, then `characters.decode(...)` and the same regular expression and fit as above.
#
# </details>
#
# **3 · Hard.** Repair the estimate that is too low. Add Miller's correction to the estimate on the sample, but count the free parameters that the *sample shows*: for each context seen, the number of different letters seen after it, minus one. From which sample size on is the corrected estimate within 0.03 bits of the floor? Where does it fail, and why?
#
# <details><summary>Hint</summary>
#
# `(runs, _), (contexts, _) = count(sample, 3, 8)`; the free parameters are `len(runs) - len(contexts)`. Use the same sizes and average over 8 samples.
#
# </details>

# %% [markdown] lang="zh"
# ## 试一试
# **1 · 容易。** 一颗骰子掷了十次：五次一点、三次两点、两次三点。在三个点数上的一切信念 $q$ 里，哪一个让这十次最便宜（以比特计）？在网格上搜一搜，再说说为什么必然如此。
#
# <details><summary>提示</summary>
#
# 十次的比特数是 $10 \cdot H(\hat p, q)$，其中 $\hat p = (0.5, 0.3, 0.2)$。哪个 $q$ 让交叉熵最小？
#
# </details>
#
# **2 · 中等。** 齐普夫定律能说明词有意义吗？让一只猴子打字：字符随机抽取，概率取各自在莎士比亚里的频率，空格也算一个。数一数猴子的“单词”，在第 10 到第 1,000 名之间拟合斜率。
#
# <details><summary>提示</summary>
#
# `rng.choice(V, size=1_000_000, p=...)`，频率由 `np.bincount` 得到；然后 `characters.decode(...)`，正则表达式和拟合照抄上文。
#
# </details>
#
# **3 · 较难。** 修一修那个偏低的估计。在样本上的估计之上加回 Miller 的修正，但自由参数按**样本里看得到的**来数：对每个见过的上下文，数它后面出现过几种不同的字母，减一。样本从多大起，修正后的估计离地板不超过 0.03 比特？它在哪里失灵，为什么？
#
# <details><summary>提示</summary>
#
# `(runs, _), (contexts, _) = count(sample, 3, 8)`；自由参数个数是 `len(runs) - len(contexts)`。样本大小同前，取 8 次平均。
#
# </details>

# %% [markdown]
# ## Worked answers
# **1.** The cheapest belief is the frequencies themselves: $H(\hat p, q) = H(\hat p) + D_{\mathrm{KL}}(\hat p \,\Vert\, q)$, and the divergence is zero only at $q = \hat p$. Making the data as probable as possible and counting are the same thing. This is the **maximum likelihood estimate**, and lesson 02 starts from it.

# %% [markdown] lang="zh"
# ## 参考答案
# **1.** 最便宜的信念就是频率本身：$H(\hat p, q) = H(\hat p) + D_{\mathrm{KL}}(\hat p \,\Vert\, q)$，散度只在 $q = \hat p$ 时为零。让数据的概率尽量大，和数数，是一回事。这叫**极大似然估计**，第 02 课从它出发。

# %%
frequencies = np.array([0.5, 0.3, 0.2])
steps = np.arange(0.05, 1, 0.05)
grid = [(a, b, 1 - a - b) for a in steps for b in steps if a + b < 0.99]
cost = [10 * cross_entropy(frequencies, q) for q in grid]
best = grid[int(np.argmin(cost))]
print("cheapest belief", np.round(best, 2), "at", round(min(cost), 2), "bits for ten throws")
assert_allclose(best, frequencies)

# %% [markdown]
# **2.** The monkey obeys a law of the same kind (Miller, 1957): short "words" are frequent, long ones rare, and their number grows with length. So Zipf's law alone proves no meaning. What tells the two apart is everything the monkey lacks: context. Its entropy per character is that of single characters, and no model, however large its memory, can do better.

# %% [markdown] lang="zh"
# **2.** 猴子也服从同一类定律（Miller，1957）：短“词”常见，长“词”罕见，而越长的种类越多。所以单凭齐普夫定律证明不了意义。把两者分开的，正是猴子缺的那样东西：上下文。它每个字符的熵就是单个字符的熵，模型记性再好，也做不到更低。

# %%
frequencies = np.bincount(ids["train"], minlength=V) / len(ids["train"])
typed = rng.choice(V, size=1_000_000, p=frequencies)
monkey = Counter(re.findall("[a-z']+", characters.decode(typed).lower()))
counts = np.array([c for _, c in monkey.most_common(1000)])
slope = np.polyfit(np.log(np.arange(10, 1001)), np.log(counts[9:]), 1)[0]
print("the monkey's favourites:", " ".join(word for word, _ in monkey.most_common(12)))
print(f"slope {slope:.2f}")
tables = count(typed[:500_000], 2, V)
gain = entropy(frequencies) - bits_of(tables, typed[500_000:], 2, V)
print(f"bits that one character of context saves on the monkey: {gain:.2f}")
assert -2 < slope < -0.5 and gain < 0.02

# %% [markdown]
# **3.** The correction works where most contexts have been seen often. On a small sample many of the possible runs have not occurred at all, so the sample *shows* too few parameters and the correction is too small. No formula can tell from the sample alone what it has not seen; lesson 02 makes a guess at it.

# %% [markdown] lang="zh"
# **3.** 大多数上下文都见过许多次时，修正很管用。样本小的时候，许多可能的组合一次都没出现，样本**看得到的**参数太少，修正也就不够。单凭样本，没有公式能知道样本没见过什么；第 02 课会对此做一个估计。

# %%
floor, errors = source.entropy_rate, []
for N in sizes:
    corrected = []
    for _ in range(repeats):
        sample = source.sample(N, rng)
        tables = (runs, _), (contexts, _) = count(sample, 3, 8)
        plug_in = bits_of(tables, sample, 3, 8, share=0)
        corrected.append(plug_in + (len(runs) - len(contexts)) / (2 * N * math.log(2)))
    errors.append(np.mean(corrected) - floor)
    print(f"N = {N:6,}   corrected {np.mean(corrected):.3f}   floor {floor:.3f}")
print("within 0.03 from N =", next(N for N, e in zip(sizes, errors, strict=True) if abs(e) < 0.03))

# %% [markdown]
# ## What we know now
# - The chain rule turns "how probable is this text?" into "what comes next?", and an end symbol makes it one distribution over all texts.
# - Surprise is counted in bits; entropy is the floor, cross-entropy what a model pays, KL divergence the waste in between, and it is never negative.
# - Nats, bits, perplexity and bits per character convert into one another; only the last can be compared across tokens.
# - Only held-out text measures knowledge. Training text gives a number that is too low, held-out text one that is too high, and more text closes the gap.
# - On a language of known entropy, excess bits say how much a model lacks, and which memory.
#
# ## What it still can't do
# Our counting model falls to "knowing nothing" the moment it meets a context it hasn't seen, and Zipf's law promises that it will, all the time. The one percent that we mixed in was a bandage. **How do you count what you have never seen?** That is [lesson 02](02_ngrams.ipynb).
#
# Words you may want to look up again: [glossary](glossary.md); symbols: [notation](notation.md).
#
# ## References
# - A. A. Markov (1913). An example of statistical investigation of the text *Eugene Onegin* concerning the connection of samples in chains.
# - C. E. Shannon (1948). A mathematical theory of communication. *Bell System Technical Journal* 27.
# - G. K. Zipf (1949). *Human Behavior and the Principle of Least Effort*.
# - C. E. Shannon (1951). Prediction and entropy of printed English. *Bell System Technical Journal* 30.
# - S. Kullback, R. A. Leibler (1951). On information and sufficiency. *Annals of Mathematical Statistics* 22.
# - G. A. Miller (1955). Note on the bias of information estimates. *Information Theory in Psychology*.
# - G. A. Miller (1957). Some effects of intermittent silence. *American Journal of Psychology* 70.
# - F. Jelinek, R. L. Mercer, L. R. Bahl, J. K. Baker (1977). Perplexity: a measure of the difficulty of speech recognition tasks. *JASA* 62.

# %% [markdown] lang="zh"
# ## 现在我们知道
# - 链式法则把“这段文本的概率多大”变成“下一个是什么”；有了结束符号，它才是所有文本上的一个分布。
# - 惊异度以比特计；熵是地板，交叉熵是模型付的价，两者之差是 KL 散度，从不为负。
# - 奈特、比特、困惑度、每字符比特数可以互相换算；词元不同的时候，只有最后一个可比。
# - 只有留出文本量得出知识。训练文本给出的数偏低，留出文本给出的偏高，文本越多，夹得越紧。
# - 在知道熵的语言上，超额比特说得出模型还差多少，差的是哪种记忆。
#
# ## 它还做不到
# 我们的计数模型一遇到没见过的上下文，就退回“一无所知”；而齐普夫定律保证这种事随时会发生。掺进去的那百分之一，不过是块创可贴。**从没见过的东西，怎么数？** 请看[第 02 课](02_ngrams.ipynb)。
#
# 忘了哪个词，查[术语表](glossary.md)；忘了哪个符号，查[记号表](notation.md)。
#
# ## 参考文献
# - A. A. Markov（1913）。对《叶甫盖尼·奥涅金》文本的统计研究：链中试验之联系的一例。
# - C. E. Shannon（1948）。A mathematical theory of communication. *Bell System Technical Journal* 27.
# - G. K. Zipf（1949）。*Human Behavior and the Principle of Least Effort*.
# - C. E. Shannon（1951）。Prediction and entropy of printed English. *Bell System Technical Journal* 30.
# - S. Kullback, R. A. Leibler（1951）。On information and sufficiency. *Annals of Mathematical Statistics* 22.
# - G. A. Miller（1955）。Note on the bias of information estimates. *Information Theory in Psychology*.
# - G. A. Miller（1957）。Some effects of intermittent silence. *American Journal of Psychology* 70.
# - F. Jelinek, R. L. Mercer, L. R. Bahl, J. K. Baker（1977）。Perplexity: a measure of the difficulty of speech recognition tasks. *JASA* 62.
