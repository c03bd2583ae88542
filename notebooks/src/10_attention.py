# %% [markdown]
# # 10 · Attention
# **Prerequisites:** [03 · Softmax](03_softmax.ipynb), [08 · LSTM](08_lstm.ipynb), matrix products, the chain rule of calculus · **Minutes:** 80 · **Modules:** `reference/attention.py`, `layers/attention.py` · **Previous:** [09 · Training](09_training.ipynb) · **Next:** [11 · Transformer](11_transformer.ipynb)
#
# An LSTM reads like a traveller with one suitcase. Whatever it will need later has to be packed while it passes by, before anybody knows what will be asked. When the question comes, the book is closed.
#
# **Question: what if the book stays open? Can a network look back at any place instead of remembering it, and can it learn where to look?**
#
# The answer is a table that forgives, and it fits into one line: $\mathrm{softmax}(QK^\top/\sqrt{W})\,V$. It was added to recurrent networks in 2014 to help them translate. In 2017 somebody took the recurrent network away and kept the rest.

# %% [markdown] lang="zh"
# # 10 · 注意力
# **先修：** [03 · Softmax](03_softmax.ipynb)、[08 · LSTM](08_lstm.ipynb)、矩阵乘法、求导的链式法则 · **用时：** 80 分钟 · **模块：** `reference/attention.py`、`layers/attention.py` · **上一课：** [09 · 训练](09_training.ipynb) · **下一课：** [11 · Transformer](11_transformer.ipynb)
#
# LSTM 读书，像个只有一只箱子的旅人。往后用得着的东西，路过时就得装进去，可那时谁也不知道将来会问什么。等到真问起来，书已经合上了。
#
# **问题：如果书一直摊开着呢？网络能不能不靠记，而是回头去看任何一处？该看哪里，它学得会吗？**
#
# 答案是一张好说话的表，一行就写得下：$\mathrm{softmax}(QK^\top/\sqrt{W})\,V$。2014 年，它被装到循环神经网络上，帮忙做翻译；到了 2017 年，有人把循环网络拿掉，只留下了它。

# %%
import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation.probability import nats_to_bits, score
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.reference.attention import attention, attention_backward, causal_mask, multi_head
from lmcourse.reference.lstm import lstm, lstm_backward
from lmcourse.reference.rnn import rnn, rnn_backward
from lmcourse.reference.softmax import cross_entropy, softmax
from lmcourse.text.grammar import Copy

rng = setup(seed=0)

# %% [markdown]
# ## A task for long memories
#
# Here is a language in which memory is everything: a random word, the sign `#`, the same word **backwards**, the sign `$`. It is a small change to the language `Copy` of the package, and so its entropy is known exactly:

# %% [markdown] lang="zh"
# ## 一道专考记性的题
#
# 有这样一种语言，全凭记性：先是一个随机的词，然后是 `#`，再把这个词**倒着**写一遍，最后是 `$`。它只是把包里的语言 `Copy` 略改一处，所以熵率是精确已知的：


# %%
class Reverse(Copy):
    """A random word, `#`, the same word backwards, `$`, and so on."""

    def _next(self, state, symbol):
        word, copying = super()._next(state, symbol)
        turned = copying and not state[1]  # `#` has just been read
        return (word[::-1] if turned else word), copying


language = Reverse(shortest=5, longest=5, letters=4)
text = language.sample(12, rng)
bits = abs(language.log2_probabilities(text))
print("text", *language.spell(text), sep="  ")
print("bits", *(f"{b:.0f}" for b in bits), sep="  ")
assert_allclose(bits, [2] * 5 + [0] * 7, atol=1e-12)
assert_allclose(language.entropy_rate, 10 / 12)

# %% [markdown]
# In the first half every letter is a fair draw among four and costs 2 bits; nobody can do better. From `#` on, everything is **free** for whoever remembers the word. Whatever a model pays there is its own fault, down to the last hundredth of a bit.
#
# What does a fixed memory pay at least? An LSTM with $U$ units carries $2U$ numbers of 32 bits from step to step, $h$ and $c$. With $4^n$ words of $n$ letters and only $2^{64U}$ states, there comes a length at which two words must end in the same state, and from then on the two get the same answers, however it was trained. Predict: from which $n$ on is that certain for an LSTM of 16 units?

# %% [markdown] lang="zh"
# 前半段每个字母都是四选一，要花 2 比特，谁也省不了。从 `#` 开始，后面的一切对记得住的人都**免费**。模型在那里多付的，哪怕百分之一比特，都是它自己的过失。
#
# 记忆大小固定的模型，至少要付多少？一个有 $U$ 个单元的 LSTM，每步往下带 $2U$ 个 32 位的数，也就是 $h$ 和 $c$。$n$ 个字母的词有 $4^n$ 个，状态却只有 $2^{64U}$ 种。$n$ 大到一定程度，必有两个词落进同一个状态；从那以后，两者得到的回答一模一样，怎么训练都没用。猜一猜：16 个单元的 LSTM，从多大的 $n$ 起注定如此？

# %%
predict("n > 16", "n > 64", "n > 512", "n > 4096")

# %%
for U in (1, 4, 16, 64):
    room = 2 * U * 32  # bits that fit into h and c
    print(
        f"{U:>2} units hold {room:>4} bits: words of {room // 2 + 1} letters can't all be told apart"
    )
assert 4 ** (1024 // 2) == 2 ** (2 * 16 * 32) < 4 ** (1024 // 2 + 1)

# %% [markdown]
# That is the bound for a perfect packer, who uses every bit of every number. A trained network packs far less well; how much less we will measure. But the shape of the trouble is clear: **the text grows, the suitcase doesn't**. A memory that is to hold everything has to grow with the text. The plainest one that does is the text itself.
#
# ## A table that forgives
#
# A harbour keeps a table: wind direction → height of the waves, in decimetres. A Python dictionary does the job, until somebody asks for a direction in between:

# %% [markdown] lang="zh"
# 这是对完美打包手的下限，他把每个数的每一位都用上。训练出来的网络打包可差远了，差多少，我们后面来量。但毛病出在哪儿已经清楚：**文本在长，箱子不长**。要装下一切，记忆就得跟着文本一起长。跟着长的记忆，最现成的就是文本自己。
#
# ## 一张好说话的表
#
# 港口有一张表：风向 → 浪高，以分米计。Python 的字典就够用了，直到有人问起两个方向当中的那个：

# %%
waves = {"→": 8.0, "↑": 2.0}
try:
    waves["↗"]
except KeyError as error:
    print("KeyError:", error)

# %% [markdown]
# A dictionary wants the key exactly. A sailor is more forgiving: ↗ lies between → and ↑, so the waves will be somewhere between 8 and 2. Let us do that in numbers. Each entry has a **key**, a vector to be compared with, and a **value**, which is what gets handed out. The question is a vector too, the **query**.
#
# How well does a query agree with a key? Their **scalar product** (also called dot product) $q \cdot k = \sum_j q_j k_j$ says it in one number: large if both point the same way, zero at a right angle, negative if they point apart. These scores become weights by softmax (lesson 03), and the answer is the mean of the values with these weights:
#
# $$o = \sum_i w_i\, v_i, \qquad w = \mathrm{softmax}(q\cdot k_1,\; q\cdot k_2,\; \dots)$$

# %% [markdown] lang="zh"
# 字典要求键一字不差。水手就好说话多了：↗ 在 → 和 ↑ 当中，浪高也就在 8 和 2 之间。把这个想法写成数。表里每一项有一个**键**，是用来比对的向量；还有一个**值**，是真正交出去的东西。问的人也拿着一个向量，叫**查询**。
#
# 查询与键合不合？它们的**内积**（又称点积）$q \cdot k = \sum_j q_j k_j$ 用一个数来回答：方向一致就大，垂直为零，背道而驰为负。这些分数经过 softmax（第 03 课）变成权重，答案就是按这些权重对值求平均：
#
# $$o = \sum_i w_i\, v_i, \qquad w = \mathrm{softmax}(q\cdot k_1,\; q\cdot k_2,\; \dots)$$

# %%
keys = np.array([[1.0, 0.0], [0.0, 1.0]])  # → and ↑ as vectors
values = np.array([8.0, 2.0])
query = np.array([1.0, 1.0]) / np.sqrt(2)  # ↗
weights = softmax(keys @ query)
print("scores ", (keys @ query).round(3))
print("weights", weights)
print("answer ", (weights @ values).round(3))
assert_allclose(weights @ values, 5)

# %% [markdown]
# Half of each, 5 decimetres. That is **attention**: a lookup in a soft table. Everything in it can be differentiated, so whoever asks can learn to ask better, and every entry can learn to be found.
#
# A query has a direction and a *length*. Let it point a little nearer to → than to ↑, at 30°, and grow. The scores grow with it, and so does their difference. What becomes of the two weights?

# %% [markdown] lang="zh"
# 各占一半，5 分米。这就是**注意力**：在一张软表里查询。它的每一步都能求导，所以问的人能学着问得更好，表里的每一项也能学着让人找到。
#
# 查询有方向，也有**长度**。让它偏向 → 一些，与 → 成 30°，然后慢慢变长。分数跟着变大，分数之差也跟着变大。两个权重会怎样？

# %%
predict("length 0: ?    length 16: ?")

# %%
towards = np.array([np.cos(np.pi / 6), np.sin(np.pi / 6)])  # 30° from →


def draw(axes, length):
    plots.bars(axes, ["→", "↑"], softmax(keys @ (length * towards)))
    axes.set(ylim=(0, 1.05), xlabel="key", ylabel="weight")


explore(draw, length=[0, 1, 2, 4, 8, 16])
assert_allclose(softmax(keys @ (0 * towards)), [0.5, 0.5])
assert softmax(keys @ (16 * towards))[0] > 0.99

# %% [markdown]
# **Figure.** The weights of the two keys → and ↑ for a query at 30° from →, in six panels from length 0 to length 16. At 0 both bars stand at one half; the longer the query, the more goes to →; at 16 hardly anything is left for ↑.

# %% [markdown] lang="zh"
# **图.** 查询与 → 成 30°，长度从 0 到 16，六幅小图画出 → 与 ↑ 两个键的权重。长度为 0 时两根柱子都是一半；查询越长，分给 → 的越多；到 16，↑ 几乎什么也没分到。

# %% [markdown]
# A query of length zero doesn't care, and gets the plain mean. A long one insists, and in the limit gets exactly one entry: the dictionary is a soft table with very long queries. Length is the temperature of lesson 03 turned over.
#
# ## Three tokens, by hand
#
# Now a text of three tokens, `a b c`. **Every token asks, and every token is asked.** So each has three vectors: its query, its key, its value. Where they come from is the next section's business; here we choose them so that all the numbers come out clean. The width of queries and keys is $W = 2$ (in this lesson, $W$ without an index is a width, and matrices of weights have an index).
#
# One thing is new: the scores are divided by $\sqrt W$. Why, we will see two sections on. So all queries carry a factor $\sqrt2$, which goes away again:

# %% [markdown] lang="zh"
# 长度为零的查询无所谓，得到的是普通平均；长的查询很执着，到了极限，只取一项。所以字典就是查询极长的软表。长度，就是第 03 课的温度倒过来。
#
# ## 三个词元，动手算
#
# 现在来一段三个词元的文本：`a b c`。**每个词元都在问，每个词元也都被问。** 所以每个词元有三个向量：自己的查询、自己的键、自己的值。它们从哪儿来，下一节再说；这里先挑一组，让所有的数都算得干净。查询和键的宽度是 $W = 2$（这一课里，不带下标的 $W$ 是宽度，带下标的才是权重矩阵）。
#
# 有一处是新的：分数要除以 $\sqrt W$。为什么，隔一节再讲。因此每个查询都先乘上 $\sqrt2$，正好消掉：

# %%
tokens = ["a", "b", "c"]
Q = np.sqrt(2) * np.log([[1, 1 / 2], [1 / 3, 1], [2, 2]])  # one row a token
K = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
V = np.array([[8.0, 0.0], [0.0, 8.0], [4.0, 12.0]])
powers = np.exp(Q @ K.T / np.sqrt(2))
weights = powers / powers.sum(axis=1, keepdims=True)
print("e^score\n", powers.round(3))
print("weights\n", weights.round(3))
assert_allclose(weights, [[1 / 2, 1 / 4, 1 / 4], [0.2, 0.6, 0.2], [1 / 4, 1 / 4, 1 / 2]])

# %% [markdown]
# Row = who asks, column = who is asked. Check the last row with a pencil: the query of `c` is $\sqrt2\,(\ln 2, \ln 2)$. Against the key of `a`, $(1, 0)$: $\sqrt2 \ln 2$, divided by $\sqrt2$, is $\ln 2$, and $e^{\ln 2} = 2$. Against $(0,1)$ also 2, and against $(1,1)$: $e^{2\ln 2} = 4$. So $2 : 2 : 4$.
#
# Notice that `c` has the longer key and so the louder voice: the length of a *key* counts as well. Now the answers, each a mean of the rows of $V$:

# %% [markdown] lang="zh"
# 行是谁在问，列是谁被问。拿铅笔核对最后一行：`c` 的查询是 $\sqrt2\,(\ln 2, \ln 2)$。与 `a` 的键 $(1, 0)$ 相乘得 $\sqrt2 \ln 2$，除以 $\sqrt2$ 得 $\ln 2$，而 $e^{\ln 2} = 2$；与 $(0,1)$ 也得 2；与 $(1,1)$ 得 $e^{2\ln 2} = 4$。所以是 $2 : 2 : 4$。
#
# 留意一下，`c` 的键更长，嗓门也就更大：**键**的长度同样算数。再看答案，每个都是 $V$ 各行的平均：

# %%
outputs = weights @ V
print("a  1/2 (8, 0) + 1/4 (0, 8) + 1/4 (4, 12) =", outputs[0].round(3))
print("b  1/5 (8, 0) + 3/5 (0, 8) + 1/5 (4, 12) =", outputs[1].round(3))
print("c  1/4 (8, 0) + 1/4 (0, 8) + 1/2 (4, 12) =", outputs[2].round(3))
assert_allclose(outputs, [[5, 5], [2.4, 7.2], [4, 8]])
in_numpy, cache = attention(Q, K, V)
assert_allclose(in_numpy, outputs)
assert_allclose(cache["weights"], weights)

# %% [markdown]
# The last three lines compare it with the package. Write the queries as the rows of a matrix $Q$, the keys as rows of $K$, the values as rows of $V$; then all scores are one matrix product, all answers another:
#
# $$\mathrm{attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt W}\right) V$$
#
# with a softmax for every row by itself. With $T$ places that ask, $S$ places that are asked, and $W$ numbers in each: `(T, W)`, `(S, W)`, `(S, W)` → `(T, W)`. No loop over time, no state, and no learned weight in it so far.

# %% [markdown] lang="zh"
# 后三行拿它与包里的函数对质。把查询排成矩阵 $Q$ 的各行，键排成 $K$ 的各行，值排成 $V$ 的各行，那么全部分数是一次矩阵乘法，全部答案又是一次：
#
# $$\mathrm{attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt W}\right) V$$
#
# softmax 逐行各做各的。设 $T$ 处在问，$S$ 处被问，每个向量 $W$ 个数：`(T, W)`、`(S, W)`、`(S, W)` → `(T, W)`。没有沿时间的循环，没有状态，到此为止也没有任何要学的权重。

# %%
show_source(attention)

# %%
figure, axes = plt.subplots(figsize=(3.6, 2.6))
plots.heat_map(axes, weights, tokens, tokens, digits=2, largest=1)
axes.set(xlabel="who is asked (key)", ylabel="who asks (query)")
plt.show()

# %% [markdown]
# **Figure.** The nine weights of the hand example as a table of shades, darker for larger; each row belongs to a token that asks and sums to one. The darkest field is 0.60, where `b` looks at itself.

# %% [markdown] lang="zh"
# **图.** 手算例子的九个权重，颜色越深越大；每一行属于一个提问的词元，行内之和为一。颜色最深的一格是 0.60：`b` 看它自己。

# %% [markdown]
# ## Where queries, keys and values come from
#
# A token enters as one vector $x$ of width $D$. Three matrices, learned like all weights, make three different things of it:
#
# $$q = x W_q, \qquad k = x W_k, \qquad v = x W_v$$
#
# *What am I looking for? By what can I be found? What do I have to give?* For all tokens at once, $Q = XW_q$ and so on. Since queries, keys and values come from the same text, this is **self-attention**. (If the keys and values come from another text, it is called **cross-attention**; that is lesson 11.)
#
# Are three matrices needed? Leave them out, $Q = K = V = X$, which is how some pages explain attention. Ten tokens, random vectors of width 64. How much of its attention does a token pay to itself?

# %% [markdown] lang="zh"
# ## 查询、键、值从哪儿来
#
# 词元进来时是一个宽度为 $D$ 的向量 $x$。三个矩阵，和别的权重一样是学来的，把它变成三样东西：
#
# $$q = x W_q, \qquad k = x W_k, \qquad v = x W_v$$
#
# **我要找什么？凭什么找到我？我能给什么？** 所有词元一起算，就是 $Q = XW_q$，等等。查询、键、值都来自同一段文本，所以叫**自注意力**。（键和值若来自另一段文本，就叫**交叉注意力**，那是第 11 课的事。）
#
# 三个矩阵非有不可吗？干脆不要，令 $Q = K = V = X$；有些文章就是这样讲注意力的。十个词元，64 维的随机向量。一个词元会把多少注意力放在自己身上？

# %%
predict("1/10", "about 1/2", "nearly all")

# %%
X = rng.normal(size=(10, 64))
_, cache = attention(X, X, X)
print("weight on itself:", np.diag(cache["weights"]).round(2))
assert np.diag(cache["weights"]).min() > 0.95

# %% [markdown]
# Nearly all: among vectors of about the same length, none agrees with a vector as well as the vector itself. Each token looks into the mirror and learns nothing from the others. The matrices are what lets an adjective look for a noun.
#
# Our hand example fits in, too. If the tokens are one-hot vectors, then $XW_q$ picks rows of $W_q$, and the matrices are the $Q$, $K$ and $V$ from above. The function `multi_head` does projection and attention in one (we will meet its heads below; here there is one):

# %% [markdown] lang="zh"
# 几乎全部：长短差不多的向量里，和一个向量最合得来的，就是它自己。每个词元都在照镜子，别人那里什么也没学到。有了这些矩阵，形容词才能去找名词。
#
# 手算的例子也装得进来。词元若是独热向量，$XW_q$ 就是从 $W_q$ 里挑行，三个矩阵正是前面的 $Q$、$K$、$V$。函数 `multi_head` 把投影和注意力一起做了（它的“头”后面再讲，这里只有一个）：

# %%
W_of = {"query": Q, "key": K, "value": V, "output": np.eye(2)}
found, _ = multi_head(np.eye(3), W_of, heads=1)
print(found)
assert_allclose(found, outputs)

# %% [markdown]
# One more property, which is easily overlooked. Nothing in the formula knows *where* a token stands. Shuffle the text, and the answers are shuffled along, but not one of them changes:

# %% [markdown] lang="zh"
# 还有一个容易忽略的性质。公式里没有一处知道词元站在**哪里**。把文本打乱，答案跟着换位置，内容却一个也不变：

# %%
D = 6
x = rng.normal(size=(5, D))
W_of = {name: rng.normal(size=(D, D)) for name in ("query", "key", "value", "output")}
order = np.array([3, 0, 4, 1, 2])
straight, _ = multi_head(x, W_of, heads=1)
shuffled, _ = multi_head(x[order], W_of, heads=1)
print("largest difference:", abs(shuffled - straight[order]).max().round(12))
assert_allclose(shuffled, straight[order])

# %% [markdown]
# To attention a text is a *bag* of vectors. `dog bites man` and `man bites dog` give the same three answers. If the place is to count, it has to be written into the vectors. In this lesson we add a learned vector for each place; lesson 11 has better ideas.
#
# ## Why the square root
#
# Let $q$ and $k$ be vectors of $W$ independent numbers with mean 0 and variance 1, which is about what a fresh network has. Each product $q_j k_j$ has mean 0 and variance $\mathbb{E}[q_j^2]\,\mathbb{E}[k_j^2] = 1$, and variances of independent terms add up:
#
# $$\mathrm{Var}(q\cdot k) = \sum_{j=1}^{W} \mathrm{Var}(q_j k_j) = W$$
#
# So scores spread like $\sqrt W$: the wider the vectors, the further apart the scores, for no reason but their width. And softmax with scores far apart is a hard lookup, before anything was learned. Let us measure: 64 random keys, the largest of the 64 weights, and how much the weights can still *move*. The slope of softmax is $\partial w_i/\partial s_i = w_i(1-w_i)$ (lesson 03); summed over the row that is $1 - \sum_i w_i^2$, nearly 1 if the weights are spread and 0 if one of them has everything.

# %% [markdown] lang="zh"
# 在注意力眼里，文本只是一**袋**向量。“狗咬人”和“人咬狗”，三个答案都一样。位置若要算数，就得写进向量里。这一课我们给每个位置加一个学来的向量；更好的办法见第 11 课。
#
# ## 为什么要开方
#
# 设 $q$ 和 $k$ 各有 $W$ 个相互独立的数，均值 0，方差 1，刚出生的网络大致如此。每个乘积 $q_j k_j$ 的均值是 0，方差是 $\mathbb{E}[q_j^2]\,\mathbb{E}[k_j^2] = 1$；独立的项，方差可以相加：
#
# $$\mathrm{Var}(q\cdot k) = \sum_{j=1}^{W} \mathrm{Var}(q_j k_j) = W$$
#
# 可见分数的散布像 $\sqrt W$ 那样增长：向量越宽，分数拉得越开，原因无他，就是宽。分数一拉开，softmax 就成了硬查询，而这时什么都还没学。来量一量：64 个随机的键，看 64 个权重里最大的那个，再看权重还能**动**多少。softmax 的斜率是 $\partial w_i/\partial s_i = w_i(1-w_i)$（第 03 课），整行加起来是 $1 - \sum_i w_i^2$：权重分散时接近 1，全归一处时就是 0。

# %%
widths, T = [4, 16, 64, 256, 1024], 64
spread, largest, movable = [], {"raw": [], "divided": []}, {"raw": [], "divided": []}
for width in widths:
    q, k = rng.normal(size=(2, 50, T, width))
    scores = q @ k.swapaxes(1, 2)
    spread.append(scores.std())
    for name, s in {"raw": scores, "divided": scores / np.sqrt(width)}.items():
        weights = softmax(s)
        largest[name].append(weights.max(axis=-1).mean())
        movable[name].append(1 - (weights**2).sum(axis=-1).mean())
    print(
        f"W {width:>4}  spread {spread[-1]:4.1f}   raw: largest {largest['raw'][-1]:.2f},"
        f" movable {movable['raw'][-1]:.2f}   divided: {largest['divided'][-1]:.2f},"
        f" {movable['divided'][-1]:.2f}"
    )
assert_allclose(spread, np.sqrt(widths), rtol=0.02)
assert movable["raw"][-1] < 0.1 < 0.9 < min(movable["divided"])

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 2.8))
left.set(xscale="log", yscale="log")
left.plot(widths, np.sqrt(widths), "--", color=plots.GREY, label=r"$\sqrt{W}$")
left.plot(widths, spread, "o", label="measured")
left.set(xlabel="width $W$", ylabel="spread of the scores", xticks=widths, yticks=spread)
left.set(xticklabels=widths, yticklabels=np.round(spread).astype(int))
left.minorticks_off()
left.legend()
right.set_xscale("log")
plots.curves(right, widths, largest)
right.set(xlabel="width $W$", ylabel="largest of 64 weights", ylim=(0, 1.05), xlim=(3, 6000))
right.set(xticks=widths, xticklabels=widths)
right.minorticks_off()
plt.show()

# %% [markdown]
# **Figure.** Left: the spread of the scores against the width, both on logarithmic scales; the measured points lie on the dashed line $\sqrt W$. Right: the largest of 64 weights. Raw, it climbs towards one as the vectors get wider; divided by $\sqrt W$, it stays at about a tenth.

# %% [markdown] lang="zh"
# **图.** 左：分数的散布随宽度的变化，两轴都是对数刻度，量出的点落在虚线 $\sqrt W$ 上。右：64 个权重中最大的一个；不除，它随宽度一路爬向一；除以 $\sqrt W$，它始终在十分之一上下。

# %% [markdown]
# Divided by $\sqrt W$, the scores have a spread of 1 at every width, and training starts with weights that can still move. The network may grow longer queries whenever it wants to insist. It is only not *born* insisting.
#
# ## The slope
#
# Now backwards. Let $g = \partial L/\partial o$ be the slope of the loss at one answer $o = \sum_i w_i v_i$. Three small steps, each known from earlier lessons. The values: $o$ is linear in them,
#
# $$\frac{\partial L}{\partial v_i} = w_i\, g, \qquad\qquad \frac{\partial L}{\partial w_i} = g\cdot v_i$$
#
# The scores: the slope of softmax is $\partial w_j/\partial s_i = w_j([i=j]-w_i)$, so
#
# $$\frac{\partial L}{\partial s_i} = \sum_j (g\cdot v_j)\, w_j([i=j]-w_i) = w_i\Bigl(g\cdot v_i - \sum_j w_j\, g\cdot v_j\Bigr) = w_i\; g\cdot(v_i - o)$$
#
# Read it aloud: **a place gains attention if what it offers is better than what was found on average**, and it gains in proportion to the attention it already has. Queries and keys: $s_i = q\cdot k_i/\sqrt W$, so
#
# $$\frac{\partial L}{\partial q} = \frac{1}{\sqrt W}\sum_i \frac{\partial L}{\partial s_i}\, k_i, \qquad\qquad \frac{\partial L}{\partial k_i} = \frac{1}{\sqrt W}\,\frac{\partial L}{\partial s_i}\, q$$
#
# By hand, on our three tokens: let the loss be the first number of the answer to `c`, which is 4. Then $g = (1, 0)$ at `c`, and zero elsewhere. The values offer $8$, $0$ and $4$ in that place. Predict the slopes of the three scores before you compute them:

# %% [markdown] lang="zh"
# 除以 $\sqrt W$ 之后，不管多宽，分数的散布都是 1，训练开始时权重还动得了。网络想执着的时候，尽管把查询变长，只是不要**生来**就执着。
#
# ## 斜率
#
# 现在往回走。设 $g = \partial L/\partial o$ 是损失在某个答案 $o = \sum_i w_i v_i$ 上的斜率。分三小步，每一步前面的课里都见过。先看值，$o$ 对它们是线性的：
#
# $$\frac{\partial L}{\partial v_i} = w_i\, g, \qquad\qquad \frac{\partial L}{\partial w_i} = g\cdot v_i$$
#
# 再看分数。softmax 的斜率是 $\partial w_j/\partial s_i = w_j([i=j]-w_i)$，于是
#
# $$\frac{\partial L}{\partial s_i} = \sum_j (g\cdot v_j)\, w_j([i=j]-w_i) = w_i\Bigl(g\cdot v_i - \sum_j w_j\, g\cdot v_j\Bigr) = w_i\; g\cdot(v_i - o)$$
#
# 念出来就是：**某处给的东西若比平均找到的更好，它就多得注意**，而且已经得到多少，就按比例再添多少。最后是查询和键，$s_i = q\cdot k_i/\sqrt W$，所以
#
# $$\frac{\partial L}{\partial q} = \frac{1}{\sqrt W}\sum_i \frac{\partial L}{\partial s_i}\, k_i, \qquad\qquad \frac{\partial L}{\partial k_i} = \frac{1}{\sqrt W}\,\frac{\partial L}{\partial s_i}\, q$$
#
# 在三个词元上动手算：损失就取 `c` 的答案的第一个数，也就是 4。于是在 `c` 处 $g = (1, 0)$，别处为零。三个值在这个位置上给的是 $8$、$0$、$4$。算之前先猜三个分数的斜率：

# %%
predict("8, 0, 4", "1, −1, 0", "2, 0, 2")

# %%
g, w, o = np.array([1.0, 0.0]), np.array([1 / 4, 1 / 4, 1 / 2]), np.array([4.0, 8.0])
slopes = w * (V @ g - o @ g)
print("scores of c:", slopes)
d_q = slopes @ K / np.sqrt(2)
print("its query  :", d_q.round(3))
d_outputs = np.array([[0, 0], [0, 0], [1.0, 0]])
d_Q, d_K, d_V = attention_backward(d_outputs, attention(Q, K, V)[1])
assert_allclose(slopes, [1, -1, 0])
assert_allclose(d_Q, [[0, 0], [0, 0], [np.sqrt(1 / 2), -np.sqrt(1 / 2)]], atol=1e-12)
assert_allclose(d_K, np.log(2) * np.array([[1, 1], [-1, -1], [0, 0]]), atol=1e-12)
assert_allclose(d_V, np.outer(w, g))

# %% [markdown]
# $\tfrac14(8-4) = 1$ for `a`, $\tfrac14(0-4) = -1$ for `b`, and $\tfrac12(4-4) = 0$ for `c` itself, which has most of the attention and nothing to add to the mean. To raise the loss, `c` would turn its query towards the key of `a` and away from that of `b`; training goes the other way.
#
# The package's version is the same four lines for whole matrices. Two witnesses, finite differences and TensorFlow:

# %% [markdown] lang="zh"
# `a` 是 $\tfrac14(8-4) = 1$，`b` 是 $\tfrac14(0-4) = -1$；`c` 自己是 $\tfrac12(4-4) = 0$，它占着最多的注意，却没给平均添上什么。要让损失变大，`c` 该把查询转向 `a` 的键，避开 `b` 的键；训练则反其道而行。
#
# 包里的版本是同样四行，换成整个矩阵。请两位证人：有限差分和 TensorFlow。

# %%
show_source(attention_backward)

# %%
import keras
import tensorflow as tf
from keras import ops

q, k, v = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 3))
d_outputs = rng.normal(size=(2, 4, 3))
by_hand = attention_backward(d_outputs, attention(q, k, v)[1])
variables = [tf.Variable(part) for part in (q, k, v)]
with tf.GradientTape() as tape:
    scores = ops.matmul(variables[0], ops.transpose(variables[1], (0, 2, 1))) / np.sqrt(3)
    total = ops.sum(ops.matmul(ops.softmax(scores), variables[2]) * d_outputs)
for ours, theirs in zip(by_hand, tape.gradient(total, variables), strict=True):
    assert_allclose(ours, theirs, atol=1e-12)


def moved(part, where, step):  # the same total, one number moved
    parts = [q.copy(), k.copy(), v.copy()]
    parts[part][where] += step
    return (attention(*parts)[0] * d_outputs).sum()


# %%
largest_error = 0.0
for part, gradient in enumerate(by_hand):
    for where in np.ndindex(gradient.shape):
        measured = (moved(part, where, 1e-6) - moved(part, where, -1e-6)) / 2e-6
        largest_error = max(largest_error, abs(measured - gradient[where]))
print("by hand and by finite differences agree to 1e-8:", largest_error < 1e-8)
assert largest_error < 1e-8

# %% [markdown]
# ## A road of one step
#
# Lessons 07 and 08 measured how a slope fades on its way back through time. Let us put attention on the same plot. The last of 200 places has a slope of length 1; how much of it reaches the input $k$ steps earlier? For attention this is one chain rule, through values and keys and their matrices. All weights are random, those of the RNN and the LSTM as in lesson 08 (forget gate with a bias of 1).

# %% [markdown] lang="zh"
# ## 一步之遥
#
# 第 07、08 课量过斜率沿时间往回走时怎样衰减。现在把注意力也画上去。200 个位置，最后一处有长度为 1 的斜率，$k$ 步之前的输入能分到多少？对注意力来说，只要一次链式法则，穿过值、键和它们的矩阵。权重都是随机的，RNN 和 LSTM 的取法同第 08 课（遗忘门偏置为 1）。

# %%
D, T = 16, 200
dice = np.random.default_rng(0)
x, zero = dice.normal(size=(8, T, D)), np.zeros((8, D))
d_last = np.zeros((8, T, D))
d_last[:, -1] = 1 / np.sqrt(D)
W_q, W_k, W_v = dice.normal(size=(3, D, D)) / np.sqrt(D)
_, cache = attention(x @ W_q, x @ W_k, x @ W_v, causal_mask(T))
_, d_k, d_v = attention_backward(d_last, cache)
turn = np.linalg.qr(dice.normal(size=(D, D)))[0]
kernel, bias = dice.normal(size=(D, 4 * D)) / np.sqrt(D), np.repeat([0.0, 1.0, 0.0, 0.0], D)
of_rnn = rnn_backward(d_last, rnn(x, zero, W_q, turn, zero[0])[1])[0]
recurrent = np.concatenate([turn / 4] * 4, axis=1)
of_lstm = lstm_backward(d_last, lstm(x, (zero, zero), kernel, recurrent, bias)[2])[0]
inputs = {"RNN": of_rnn, "LSTM": of_lstm, "attention": d_k @ W_k.T + d_v @ W_v.T}
roads = {name: np.linalg.norm(d_x, axis=-1).mean(axis=0)[::-1] for name, d_x in inputs.items()}

# %%
figure, axes = plt.subplots()
axes.set(yscale="log", ylim=(1e-12, 10), xlim=(0, 205))
distances = np.arange(1, T, 9)
shown = {name: np.maximum(road[distances], 1e-13) for name, road in roads.items()}
for name, road in shown.items():
    axes.plot(distances, road, marker="o", label=name)
axes.set(xlabel="distance $k$ (steps)", ylabel="length of slope")
axes.legend()
plt.show()
near, far = roads["attention"][1:50].mean(), roads["attention"][-50:].mean()
print(f"attention: far over near {far / near:.1f};  RNN at 199 steps {roads['RNN'][-1]:.0e}")
assert 0.5 < far / near < 2 and max(roads["RNN"][-1], roads["LSTM"][-1]) < 1e-10

# %% [markdown]
# **Figure.** The length of the slope at an input, $k$ steps before the output that caused it, on a logarithmic scale. RNN and LSTM fall along steep lines and leave the picture; attention is level from one step to two hundred.

# %% [markdown] lang="zh"
# **图.** 输出处的斜率传到 $k$ 步之前的输入时还剩多长，纵轴是对数刻度。RNN 和 LSTM 沿陡线下坠，跌出了画面；注意力从一步到两百步都是平的。

# %% [markdown]
# In a recurrent network, place 1 and place 200 are 199 steps apart. In attention any two places are **one** step apart. The slope is small, since 200 places share it, but it doesn't fade with distance. What the gates of lesson 08 fought for comes for free here.
#
# ## Masks
#
# A language model predicts the next token, so no place may look ahead: there stands the answer. A **mask** says who may look where. The **causal mask** is the lower triangle: place $t$ sees the places up to $t$. A forbidden place gets the score $-\infty$ *before* the softmax, so that its weight is exactly $e^{-\infty} = 0$ and the others still sum to one:

# %% [markdown] lang="zh"
# 在循环网络里，第 1 处与第 200 处隔着 199 步；在注意力里，任何两处都只隔**一**步。这份斜率不大，毕竟 200 处在分，但它不随距离衰减。第 08 课的门拼命争取的东西，这里白送。
#
# ## 掩码
#
# 语言模型要预测下一个词元，所以谁也不许往后看：答案就在那儿。**掩码**规定谁可以看哪里。**因果掩码**就是下三角：第 $t$ 处看得见第 $t$ 处及其之前。禁看之处在 softmax **之前**得到分数 $-\infty$，权重于是恰好是 $e^{-\infty} = 0$，其余的加起来仍是一：

# %%
print(causal_mask(3).astype(int))
outputs, cache = attention(Q, K, V, causal_mask(3))
print("weights\n", cache["weights"].round(3))
print("answers\n", outputs.round(3))
assert_allclose(cache["weights"], [[1, 0, 0], [1 / 4, 3 / 4, 0], [1 / 4, 1 / 4, 1 / 2]])
assert_allclose(outputs, [[8, 0], [2, 6], [4, 8]])

# %% [markdown]
# `a` can look at nobody but itself. For `b` the powers were $\tfrac13 : 1 : \tfrac13$; without the last it is $\tfrac13 : 1$, so $\tfrac14$ and $\tfrac34$. For `c` nothing changes.
#
# Does the future really have no influence? The way to find out is to change it and to watch the past. A popular mistake is to do the softmax first and to set the forbidden weights to zero *afterwards*:

# %% [markdown] lang="zh"
# `a` 只能看自己。`b` 那一行原来是 $\tfrac13 : 1 : \tfrac13$，去掉最后一个，剩 $\tfrac13 : 1$，也就是 $\tfrac14$ 和 $\tfrac34$。`c` 那一行不变。
#
# 未来真的毫无影响吗？检验的办法是：改动未来，看过去变不变。有个常见的错误，是先做 softmax，**然后**才把禁看之处的权重清零：


# %%
def masked_too_late(q, k, v):
    weights = softmax(q @ k.T / np.sqrt(q.shape[-1])) * causal_mask(len(q))
    return weights @ v, weights


q, k, v = rng.normal(size=(3, 6, 4))
k_after = k.copy()
k_after[5] += 1  # only the last token is another one
before, after = masked_too_late(q, k, v), masked_too_late(q, k_after, v)
print("sums of the rows   ", before[1].sum(axis=1).round(2))
print("too late: places 0 to 4 move by", abs(after[0] - before[0])[:5].max().round(3))
right = [attention(q, some, v, causal_mask(6))[0] for some in (k, k_after)]
print("in time:  places 0 to 4 move by", abs(right[1] - right[0])[:5].max())
assert abs(after[0] - before[0])[:5].max() > 0.01
assert_allclose(right[0][:5], right[1][:5], rtol=0, atol=0)

# %% [markdown]
# Masked too late, the future has left its trace in the denominator, and the rows no longer sum to one. This test, *change a future token, no earlier number may move*, is worth a line in every project; it is among the package's own tests.
#
# The second mask is for **padding**. Texts of unequal length are filled up to one rectangle (lesson 04), and nobody should look at the filling. Here a batch of two texts, four tokens and two:

# %% [markdown] lang="zh"
# 掩码来得太迟，未来已经在分母里留下了痕迹，各行之和也不再是一。**改动未来的词元，之前的数一个都不许变**：这条检验值得写进每个项目，本课程的包里就有它。
#
# 第二种掩码管**填充**。长短不一的文本要补成一个矩形（第 04 课），补的东西谁也不该看。下面一批有两段文本，一段四个词元，一段两个：

# %%
real = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], dtype=bool)  # (B, S)
padding = real[:, None, :]  # (B, 1, S): the same columns for every row
both = padding & causal_mask(4)  # (B, T, S)
print("second text\n", both[1].astype(int))
q, k, v = rng.normal(size=(3, 2, 4, 5))
outputs, _ = attention(q, k, v, both)
alone, _ = attention(q[1, :2], k[1, :2], v[1, :2], causal_mask(2))
assert_allclose(outputs[1, :2], alone)  # as if there were no padding
print("answers at the padding:", outputs[1, 2:, :2].round(2).tolist())

# %% [markdown]
# Two things to keep in mind. A padding mask hides *columns*: it stops others from looking at the filling. The *rows* of the filling still compute something, and so the loss must leave them out (weights of 0, as in lesson 08). And masks that say "may look" are combined with **and**; masks that say "may not look" with **or**.
#
# Here is the collection for a text of eight tokens, the last two of them padding. The lower two we will need at the end of the lesson:

# %% [markdown] lang="zh"
# 有两点要记住。填充掩码遮的是**列**：不让别人看填充。填充自己的那几**行**照样在算，所以损失要把它们剔掉（权重取 0，见第 08 课）。再有，写“可以看”的掩码用**与**来合并，写“不许看”的掩码用**或**来合并。
#
# 下面集中展示一段八个词元的文本，其中末两个是填充。最后两种掩码，本课末尾要用：

# %%
back = np.subtract.outer(np.arange(8), np.arange(8))  # how many places the key lies back
filled = np.ones((8, 1), bool) & (np.arange(8) < 6)
masks = {
    "everything": back == back,
    "causal": back >= 0,
    "padding": filled,
    "causal & padding": (back >= 0) & filled,
    "window of 3": (back >= 0) & (back < 3),
    "chunks of 4": (back >= 0) & (np.arange(8) // 4 == np.arange(8)[:, None] // 4),
}


def draw(axes, mask):
    plots.heat_map(axes, masks[mask], [str(t) for t in range(8)], [str(t) for t in range(8)])
    axes.set(xlabel="place of the key", ylabel="place of the query")


explore(draw, mask=list(masks))

# %% [markdown]
# **Figure.** Six masks for eight places, dark = may look; rows ask, columns are asked. Everything; the causal triangle; the last two columns hidden as padding; both together; a band of three along the diagonal; two triangles of four.

# %% [markdown] lang="zh"
# **图.** 八个位置的六种掩码，深色表示可以看；行是问的，列是被问的。依次是：全部可看；因果三角形；末两列是填充，遮去；前两者合用；沿对角线宽为三的带子；两个边长为四的三角形。

# %% [markdown]
# ## True, but which way?
#
# A mask is an array of booleans, and there are two ways to read it. Everyone has picked one:
#
# | Where | True (or 1) means |
# |---|---|
# | this course; `keras.layers.MultiHeadAttention(attention_mask=…)` | may look |
# | PyTorch `F.scaled_dot_product_attention(attn_mask=…)` | may look |
# | PyTorch `nn.MultiheadAttention(attn_mask=…, key_padding_mask=…)`, `nn.Transformer` | may **not** look |
# | Hugging Face tokenizers, `attention_mask` | real token, may be looked at |
# | many papers and older code | no boolean: 0 and $-\infty$, to be *added* to the scores |
#
# Two functions of one library contradict each other. And as with the gates of lesson 08, all these masks have the same shape. What does Keras do with a mask made for the other side, or with one that is meant to be added?

# %% [markdown] lang="zh"
# ## True 到底朝哪边？
#
# 掩码是一组布尔值，读法却有两种，各家选各家的：
#
# | 在哪里 | True（或 1）表示 |
# |---|---|
# | 本课程；`keras.layers.MultiHeadAttention(attention_mask=…)` | 可以看 |
# | PyTorch `F.scaled_dot_product_attention(attn_mask=…)` | 可以看 |
# | PyTorch `nn.MultiheadAttention(attn_mask=…, key_padding_mask=…)`、`nn.Transformer` | **不许**看 |
# | Hugging Face 的分词器，`attention_mask` | 真词元，可以看 |
# | 许多论文和老代码 | 不是布尔值，而是 0 和 $-\infty$，要**加**到分数上 |
#
# 同一个库里，两个函数就互相打架。而且和第 08 课的门一样，这些掩码形状全都相同。给 Keras 一个按另一种读法做的掩码，或者一个本该加上去的掩码，它会怎么办？

# %%
predict("an error", "a warning", "looks into the future")

# %%
T, D = 4, 6
theirs = keras.layers.MultiHeadAttention(num_heads=2, key_dim=3)
x = rng.normal(size=(1, T, D)).astype("float32")
may = causal_mask(T)
given = {
    "True = may look": may,
    "True = may not look": ~may,
    "0 and -1e9, to be added": np.where(may, 0, -1e9).astype("float32"),
}
ahead = {}
for name, mask in given.items():
    _, weights = theirs(x, x, attention_mask=mask[None], return_attention_scores=True)
    ahead[name] = np.triu(weights[0, 0], k=1).sum() / np.sum(weights[0, 0])
    print(f"{name:<24} {ahead[name]:4.0%} of the attention goes to the future")
assert list(ahead.values()) == [0, 1, 1]

# %% [markdown]
# No error, no warning, and a model that reads the answer off the page. In training such a model looks brilliant, as we will see. The mask to be added is the meanest: zero stands for "allowed" there, and Keras, asking for booleans, takes zero for False and −1e9 for True. (The course's own layer refuses anything but booleans.)
#
# One case is left over: a row in which *everything* is forbidden. It comes about by itself, when the padding stands on the left and the mask is causal: the first places see nothing but padding. Softmax of nothing but $-\infty$ is $0/0$:

# %% [markdown] lang="zh"
# 不报错，也不警告，只是模型直接照着书念答案了。这样的模型训练起来成绩惊人，后面会看到。最阴的是那个要加上去的掩码：在那里 0 表示“允许”，而 Keras 要的是布尔值，便把 0 当成 False，把 −1e9 当成 True。（本课程自己的层只收布尔值，别的一概拒绝。）
#
# 还剩一种情形：一行里**全都**禁看。它会自己冒出来：填充在左边，掩码又是因果的，开头几处看得见的就只有填充。一整行 $-\infty$ 做 softmax，得到的是 $0/0$：

# %%
left_padded = may & np.array([False, True, True, True])
print(left_padded.astype(int))
powers = np.exp([-np.inf] * 4)
with np.errstate(invalid="ignore"):
    print("softmax by its formula:", powers / powers.sum())
try:
    attention(x[0], x[0], x[0], left_padded)
except ValueError as error:
    print("NumPy of the course:", str(error).split(". ")[0] + ".")
spoken, weights = theirs(x, x, attention_mask=left_padded[None], return_attention_scores=True)
silent = theirs(x, x, attention_mask=left_padded[None])
print("Keras, asked for the weights:", weights.numpy()[0, 0, 0])
print("Keras, not asked: the same outputs?", np.allclose(spoken, silent, atol=1e-5))
assert_allclose(spoken[0, 1:], silent[0, 1:], atol=1e-6)  # only the blind row differs

# %% [markdown]
# Keras has two ways to compute attention inside. One gives a blind row zeros, the other gives it the mean of *all* values, future included, and which one you get depends on whether you ask for the weights. So don't rely on what a blind row says: keep it out of the loss, or let every place see itself.
#
# ## Several heads
#
# One softmax, one mean. Is that enough? Look at `bites` in `dog bites man`. To know what is going on, it has to look to the left, at who bites, and to the right, at who gets bitten. One query can do that: half of the attention to the left, half to the right. We let the vectors be a one-hot word next to a one-hot place, write the weights by hand, and compare `dog bites man` with `man bites dog`:

# %% [markdown] lang="zh"
# Keras 内部有两条计算注意力的路。一条给这种什么都看不见的行全零，另一条给它**所有**值的平均，连未来也算上；走哪条，取决于你要不要它把权重交出来。所以别指望这种行的输出：损失里剔掉它，或者让每一处至少看得见自己。
#
# ## 几个头
#
# 一次 softmax，一个平均。这够用吗？看“狗咬人”里的“咬”。要弄清出了什么事，它得往左看是谁在咬，往右看是谁被咬。一个查询也办得到：一半注意给左边，一半给右边。向量取“词的独热”接上“位置的独热”，权重亲手写，然后比一比“狗咬人”和“人咬狗”：


# %%
def sentence(ids):  # 0 dog · 狗, 1 bites · 咬, 2 man · 人
    return np.concatenate([np.eye(3)[ids], np.eye(3)], axis=1)  # (3, 6): word, place


zero, one, sure = np.zeros((3, 3)), np.eye(3), 20 * np.sqrt(3)
to_left, to_right = np.eye(3, k=-1), np.eye(3, k=1)  # place t asks for t - 1, for t + 1
single = {
    "query": np.concatenate([zero, sure * (to_left + to_right)]),  # (6, 3)
    "key": np.concatenate([zero, one]),
    "value": np.concatenate([one, zero]),
    "output": one,
}
for ids in ([0, 1, 2], [2, 1, 0]):
    found, _ = multi_head(sentence(ids), single, heads=1)
    print("bites finds: dog {:.2f}, bites {:.2f}, man {:.2f}".format(*found[1]))
    assert_allclose(found[1], [0.5, 0, 0.5], atol=1e-6)

# %% [markdown]
# Both times it finds half a dog and half a man. The mean has forgotten who was where. The cure: look *twice*, with two queries, each with a softmax of its own, and lay the answers side by side. Each such look is a **head**, and together they are **multi-head attention**:
#
# $$\mathrm{head}_h = \mathrm{softmax}\!\left(\frac{(XW_q^h)(XW_k^h)^\top}{\sqrt W}\right) XW_v^h, \qquad \text{answer} = [\mathrm{head}_1, \mathrm{head}_2, \dots]\, W_o$$
#
# The matrices of all heads lie side by side in one, `(D, H·W)`, and after the product each vector is cut into $H$ parts. A last matrix $W_o$, `(H·W, D)`, mixes what the heads have found. Two heads for `bites`, one to the left and one to the right:

# %% [markdown] lang="zh"
# 两次找到的都是半条狗加半个人。平均一取，谁在哪边就忘了。办法是看**两次**：两个查询，各做各的 softmax，答案并排放着。这样看一次，叫一个**头**，合在一起就是**多头注意力**：
#
# $$\mathrm{head}_h = \mathrm{softmax}\!\left(\frac{(XW_q^h)(XW_k^h)^\top}{\sqrt W}\right) XW_v^h, \qquad \text{答案} = [\mathrm{head}_1, \mathrm{head}_2, \dots]\, W_o$$
#
# 各头的矩阵并排放在一个 `(D, H·W)` 的矩阵里，乘完之后把每个向量切成 $H$ 段。最后一个矩阵 $W_o$，形状 `(H·W, D)`，把各头找到的东西混合起来。给“咬”两个头，一个朝左，一个朝右：

# %%
double = {
    "query": np.block([[zero, zero], [sure * to_left, sure * to_right]]),  # (6, 2 * 3)
    "key": np.block([[zero, zero], [one, one]]),
    "value": np.block([[one, one], [zero, zero]]),
    "output": np.eye(6),
}
answers = []
for ids in ([0, 1, 2], [2, 1, 0]):
    found, _ = multi_head(sentence(ids), double, heads=2)
    answers.append(found[1])
    print("left: dog {:.2f}, bites {:.2f}, man {:.2f}".format(*found[1, :3]), end="   ")
    print("right: dog {:.2f}, bites {:.2f}, man {:.2f}".format(*found[1, 3:]))
assert_allclose(answers, [[1, 0, 0, 0, 0, 1], [0, 0, 1, 1, 0, 0]], atol=1e-6)

# %% [markdown]
# What do heads cost? Usually $W = D/H$: the more heads, the narrower each. Then all four matrices are `(D, D)`, whatever the number of heads, and so are the multiplications. Only the number of softmaxes grows. Here is the whole function; the lines on `kv_heads` let several heads of queries share one head of keys, as the model of lesson 18 does, and `rotary` belongs to lesson 11:

# %% [markdown] lang="zh"
# 多几个头要多花多少？通常取 $W = D/H$：头越多，每个越窄。这样四个矩阵都是 `(D, D)`，与头数无关，乘法次数也与头数无关，只是 softmax 做得多些。整个函数如下；其中 `kv_heads` 那几行让几个查询头共用一个键头，第 18 课的模型就是这样；`rotary` 属于第 11 课：

# %%
show_source(multi_head)

# %% [markdown]
# Three witnesses again: NumPy, the course's layer, and `keras.layers.MultiHeadAttention`. Keras keeps its kernels with an axis for the heads, `(D, H, W)`; reshaped they are ours. With no mask, a causal one, padding, both, and a random one:

# %% [markdown] lang="zh"
# 还是三位证人：NumPy、本课程的层、`keras.layers.MultiHeadAttention`。Keras 的权重单给头留了一个轴，形状 `(D, H, W)`，变一下形就是我们的。掩码试五种：没有、因果、填充、两者合用、随机：

# %%
from lmcourse.layers.attention import Attention

B, T, D, H = 2, 5, 12, 4
x = rng.normal(size=(B, T, D)).astype("float32")
theirs = keras.layers.MultiHeadAttention(num_heads=H, key_dim=D // H)
theirs(x, x)  # makes the weights
ours = Attention(heads=H)
ours.build(x.shape)
in_numpy = {}
for name, dense in {"query": ours.query, "key": ours.key, "value": ours.value}.items():
    kernel, bias = getattr(theirs, f"_{name}_dense").get_weights()
    dense.set_weights([kernel.reshape(D, D), bias.reshape(D)])
    in_numpy |= {name: kernel.reshape(D, D), f"{name}_bias": bias.reshape(D)}
kernel, bias = theirs._output_dense.get_weights()
ours.output_dense.set_weights([kernel.reshape(D, D), bias])
in_numpy |= {"output": kernel.reshape(D, D), "output_bias": bias}

# %%
real = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], dtype=bool)[:, None, :]
chance = rng.random((B, T, T)) < 0.5
cases = {"causal": causal_mask(T)[None] & np.ones((B, 1, 1), bool), "padding": real}
cases |= {"both": causal_mask(T) & real, "random": chance | np.eye(T, dtype=bool)}
for name, mask in ({"none": None} | cases).items():
    expected = theirs(x, x, attention_mask=mask)
    assert_allclose(ours(x, attention_mask=mask), expected, atol=1e-5)
    assert_allclose(multi_head(x, in_numpy, H, mask=mask)[0], expected, atol=1e-5)
    print(f"mask {name:<8} NumPy = ours = Keras")
print("parameters:", ours.count_params(), "=", 4 * D * (D + 1))
assert ours.count_params() == theirs.count_params() == 4 * D * (D + 1)

# %% [markdown]
# ## A reverser, built by hand
#
# Back to the language that needs a long memory. Before any training: can attention do it at all? Think of the word's $n$ letters at places $0 \dots n-1$ and of `#` at place $n$. At place $t \ge n$ the next token is to be predicted, and it is the letter at place $2n-1-t$. So **the query depends on the place alone**: "show me place $2n-1-t$". The key says "I am place $s$", the value says which token stands there.
#
# With one-hot places, the queries are the rows of an identity matrix upside down. And if the values are one-hot tokens, then what is found is a distribution over tokens already:

# %% [markdown] lang="zh"
# ## 亲手造一台倒写机
#
# 回到那种考记性的语言。先不训练，看看注意力到底办不办得到。设词的 $n$ 个字母在第 $0 \dots n-1$ 处，`#` 在第 $n$ 处。在第 $t \ge n$ 处要预测下一个词元，它就是第 $2n-1-t$ 处的字母。可见**查询只取决于位置**：“给我看第 $2n-1-t$ 处。”键说“我是第 $s$ 处”，值说那里站着哪个词元。
#
# 位置用独热向量，查询就是一个上下颠倒的单位矩阵的各行；值用独热的词元，找到的东西就已经是词元上的分布了：

# %%
n = 5
text = language.sample(2 * n + 2, np.random.default_rng(3))
places = np.eye(2 * n)
queries = 20 * np.sqrt(2 * n) * places[::-1]  # upside down, and long: 20 means "I insist"
found, cache = attention(
    queries, places, np.eye(language.vocabulary_size)[text[: 2 * n]], causal_mask(2 * n)
)
print("read     ", *language.spell(text[n : 2 * n]), sep="  ")
print("found    ", *language.spell(found[n:].argmax(axis=-1)), sep="  ")
print("should be", *language.spell(text[n + 1 : 2 * n + 1]), sep="  ")
paid = -np.log2(found[np.arange(n, 2 * n), text[n + 1 : 2 * n + 1]])
print("bits paid", paid.round(6).max())
assert paid.max() < 1e-6

# %%
figure, axes = plt.subplots(figsize=(5.4, 3.4))
read = list(language.spell(text[: 2 * n]))
plots.heat_map(axes, cache["weights"], read, read, largest=1)
axes.set(xlabel="who is asked", ylabel="who asks")
plt.show()

# %% [markdown]
# **Figure.** The weights of the hand-made reverser on a word of five letters. From `#` downwards the dark fields run along the other diagonal: each row looks one place further to the left than the row above. Before `#` the wanted place lies in the future, and the attention spreads evenly over the past.

# %% [markdown] lang="zh"
# **图.** 亲手造的倒写机，词长五个字母。从 `#` 往下，深色格子沿另一条对角线走：每一行比上一行往左多看一处。`#` 之前，要看的地方还在未来，注意便平摊在过去各处。

# %% [markdown]
# Zero bits, the floor, and it works for any word and any length, as long as there are as many place vectors. Nothing had to be packed: the word stands there, and the model reads it off.
#
# ## A race to the floor
#
# Can it be *learned*? The smallest model we can think of: a vector for each token plus a vector for each place, one attention with one head, and scores from what the place has and what it found. (Adding the two is a trick whose reason comes in lesson 11.)

# %% [markdown] lang="zh"
# 零比特，正是底线；而且任何词、任何长度都行，只要位置向量够多。什么也不必打包：词就摊在那里，照着念就是了。
#
# ## 看谁到得了底线
#
# 那么它**学**得会吗？取我们想得出的最小的模型：每个词元一个向量，加上每个位置一个向量；一次注意力，一个头；分数由“自己有的”加上“找到的”算出。（为什么要加在一起，第 11 课再讲。）

# %%
from lmcourse.models.rnn import RecurrentLM
from lmcourse.training.fit import fit


class OneLook(keras.Model):
    """Score the next token after a single look around: (B, T) -> (B, T, V)."""

    def __init__(self, V, mask, width=64, heads=1):
        super().__init__()
        start = keras.initializers.RandomNormal(stddev=0.3)
        self.tokens = self.add_weight((V, width), start, name="tokens")
        self.places = self.add_weight((len(mask), width), start, name="places")
        self.attention, self.mask = Attention(heads), mask
        self.scores = keras.layers.Dense(V)
        for layer in (self.attention, self.scores):
            layer.build((None, None, width))
        self.built = True

    def call(self, ids, return_weights=False):
        T = ids.shape[1]
        x = ops.take(self.tokens, ids, axis=0) + self.places[:T]
        found, weights = self.attention(x, attention_mask=self.mask[:T, :T], return_weights=True)
        return weights if return_weights else self.scores(x + found)


# %% [markdown]
# Eight letters, so a letter costs 3 bits for whoever has forgotten it. Every word is a new one, so nobody can learn words by heart. Only the backward half counts in the loss, because in the first half there is nothing to learn, and so every step of the training goes into the task. Bits are measured on words that were never trained on:

# %% [markdown] lang="zh"
# 字母有八个，忘了就得花 3 比特。每个词都是新的，谁也没法死记硬背。损失只算倒写的那一半：前一半没有东西可学，这样训练的每一步都花在正题上。比特数用没训练过的词来量：

# %%
LETTERS = 8


def write(n, rows, seed):
    words = np.random.default_rng(seed).integers(0, LETTERS, (rows, n))
    sign = np.ones((rows, 1), dtype=int)
    return np.concatenate([words, LETTERS * sign, words[:, ::-1], (LETTERS + 1) * sign], axis=1)


def words_of(n):
    def batch(step):
        texts, counts = write(n, 64, (n, step)), np.zeros((64, 2 * n))
        counts[:, n:] = 1  # the backward half
        return texts[:, : 2 * n], texts[:, 1 : 2 * n + 1], counts

    return batch


def bits_a_letter(model, n):
    texts = write(n, 256, seed=0)
    logits = np.asarray(model(texts[:, : 2 * n]))[:, n:]
    return nats_to_bits(cross_entropy(logits, texts[:, n + 1 : 2 * n + 1]))


# %% [markdown]
# Against it an LSTM of the same size. Predict for words of 4, 8, 16 and 32 letters: where between 0 bits (knows the letter) and 3 bits (guesses) will each of the two end?

# %% [markdown] lang="zh"
# 对手是一个同样大小的 LSTM。词长 4、8、16、32 个字母，猜一猜两者各停在 0 比特（知道）与 3 比特（瞎猜）之间的哪里：

# %%
predict("LSTM 4, 8, 16, 32: ?    attention 4, 8, 16, 32: ?")


# %%
def contestants(n):
    keras.utils.set_random_seed(0)
    lstm_model = RecurrentLM(LETTERS + 2, cell="lstm", width=16, units=61)
    return {"LSTM": (lstm_model, 0.02), "attention": (OneLook(10, causal_mask(2 * n)), 0.01)}


language = Reverse(shortest=16, longest=16, letters=LETTERS)
assert_allclose(language.log2_probabilities(write(16, 1, seed=1)[0]).sum(), -16 * 3)
for name, (model, _) in contestants(16).items():
    print(f"{name:<10} {model.count_params():,} parameters")

# %% tags=["nbval-ignore-output"]
lengths, race = [4, 8, 16, 32], {"LSTM": [], "attention": []}
for n in lengths:
    for name, (model, rate) in contestants(n).items():
        fit(model, words_of(n), steps=200, learning_rate=rate)
        race[name].append(bits_a_letter(model, n))
    print(
        f"n = {n:>2}:",
        *(f"{name} {race[name][-1]:.2f}" for name in race),
        "bits a letter",
        sep="  ",
    )
assert max(race["attention"]) < 0.05
assert race["LSTM"][0] < race["LSTM"][1] < race["LSTM"][2] < race["LSTM"][3]
assert race["LSTM"][2] > 1

# %%
figure, axes = plt.subplots()
axes.set_xscale("log", base=2)
plots.curves(axes, lengths, race)
axes.axhline(3, color=plots.GREY, linestyle="--")
axes.text(4, 3.04, "forgotten: 3 bits", va="bottom", color=plots.GREY)
axes.set(xlabel="length of the word (letters)", ylabel="bits a letter, backward half")
axes.set(xticks=lengths, xticklabels=lengths, xlim=(3.5, 50), ylim=(-0.15, 3.5))
plt.show()

# %% [markdown]
# **Figure.** What a letter of the backward half costs, against the length of the word, for an LSTM and for one attention of the same size, after the same 200 steps. The LSTM climbs towards the dashed line at 3 bits; attention lies on the floor at every length.

# %% [markdown] lang="zh"
# **图.** 倒写那一半里，每个字母要花的比特数随词长的变化；LSTM 与一次注意力大小相同，都训练了 200 步。LSTM 一路爬向 3 比特的虚线，注意力在每个长度上都贴着底线。

# %% [markdown]
# The LSTM isn't stupid. It has to invent a way of packing sixteen letters in order and unpacking them from the back, and each further letter makes the suitcase tighter. (How far would it get with more steps? Change `steps=200` and see.) For attention, the sixteenth letter is no harder than the first.
#
# How does it find the place? Let us watch. The same training once more, with the weights recorded on the way:

# %% [markdown] lang="zh"
# LSTM 并不笨。它得发明一套办法，把十六个字母按顺序打包，再从后往前拆；每多一个字母，箱子就更挤。（多给些步数，它能走多远？把 `steps=200` 改大试试。）而对注意力来说，第十六个字母并不比第一个难。
#
# 它是怎么找到地方的？来看看。同样的训练再跑一遍，沿途把权重记下来：

# %%
n, looks = 16, []
_, (watched, rate) = contestants(n).values()
shown = write(n, 1, seed=5)[:, : 2 * n]


def look():
    looks.append(np.asarray(watched(shown, return_weights=True))[0, 0])
    return bits_a_letter(watched, n)


look()
history = fit(watched, words_of(n), steps=75, learning_rate=rate, validate=look, validate_every=15)

# %%
ticks = [str(t) if t % 8 == 0 else "" for t in range(2 * n)]


def draw(axes, steps):
    plots.heat_map(axes, looks[steps // 15], ticks, ticks, largest=1)
    axes.set(xlabel="who is asked (place)", ylabel="who asks (place)")


explore(draw, steps=[0, 15, 30, 45, 60, 75])
at_the_right_place = looks[-1][np.arange(n, 2 * n), n - 1 - np.arange(n)]
assert at_the_right_place.mean() > 0.8

# %% [markdown]
# **Figure.** The attention of the model in training, on one text with a word of 16 letters, after 0 to 75 steps. At first a grey triangle without a pattern; then, in the lower half, the other diagonal appears, which we had built by hand, and by the end it is sharp.

# %% [markdown] lang="zh"
# **图.** 训练中的模型在一段文本（词长 16 个字母）上的注意，从 0 步到 75 步。起初是一片没有图案的灰三角；随后下半部浮现出另一条对角线，正是我们亲手造过的那条；到最后，线条已很分明。

# %% [markdown]
# ## Remove a part
#
# Now take things away, on words of 8 letters, and see what it costs. For two of the three cuts we can say the price *beforehand*, because we know the language:
#
# - **No looking:** every place sees itself alone. What comes next is then a fair draw: 3 bits.
# - **A window of 8:** from place $t = n + j$ the letter lies $2j+1$ places back. A window of $w$ places reaches $w-1$ back. So the letters $j = 0, 1, 2, 3$ are seen, and half of the word is out of sight: $\tfrac12\cdot 3 = 1.5$ bits.
# - **No places:** the order is gone. The price?

# %% [markdown] lang="zh"
# ## 拿掉一个部件
#
# 现在开始拆，词长 8 个字母，看看各要付多少。三种拆法里有两种，代价**事先**就能算出来，因为我们了解这种语言：
#
# - **不许看**：每处只看得见自己。接下来是什么，只能瞎猜：3 比特。
# - **窗口为 8**：从第 $t = n + j$ 处看，要找的字母在 $2j+1$ 处之前，而宽为 $w$ 的窗口只够往回看 $w-1$ 处。所以 $j = 0, 1, 2, 3$ 看得见，词的另一半看不见：$\tfrac12\cdot 3 = 1.5$ 比特。
# - **没有位置**：次序没了。代价是多少？

# %%
predict("no places: 0", "between 0 and 3", "3")

# %% tags=["nbval-ignore-output"]
n, price = 8, {}
back = np.subtract.outer(np.arange(2 * n), np.arange(2 * n))
parts = {
    "whole": causal_mask(2 * n),
    "window of 8": (back >= 0) & (back < 8),
    "no looking": back == 0,
    "no places": causal_mask(2 * n),
}
for name, mask in parts.items():
    keras.utils.set_random_seed(0)
    model = OneLook(LETTERS + 2, mask)
    if name == "no places":
        model.places.assign(np.zeros(model.places.shape))
        model.places.trainable = False
    fit(model, words_of(n), steps=120, learning_rate=0.01)
    price[name] = bits_a_letter(model, n)
    print(f"{name:<12} {price[name]:.1f} bits a letter")
assert price["whole"] < 0.05 and abs(price["window of 8"] - 1.5) < 0.15
assert abs(price["no looking"] - 3) < 0.1 and 1 < price["no places"] < 2.9

# %% [markdown]
# Both prices come out as computed. Without places the model sees a bag: it knows *which* letters the word has, not in which order, and that is worth a little. The window teaches a lesson for later: attention can find what it may see. **What the mask hides is gone**, and no training brings it back.
#
# ## What it costs
#
# Every place asks every place: $T^2$ scores. For each, $W$ multiplications to compare and $W$ to mix, in $H$ heads of width $D/H$: about $2T^2D$ in all. The four matrices take $4TD^2$. The two are equal at $T = 2D$. And each head's $T^2$ weights have to be *kept*, for the way back. Time and memory against $T$, then. Predict: twice the text,

# %% [markdown] lang="zh"
# 两个代价都与算出来的一致。没有位置，模型看到的是一只袋子：它知道词里**有哪些**字母，不知道次序，这多少值一点。窗口那一项是给后面提个醒：注意力找得到它被允许看的东西；**被掩码遮住的就是没了**，怎么训练也找不回来。
#
# ## 要花多少
#
# 每处问每处，就是 $T^2$ 个分数。每个分数，比对要 $W$ 次乘法，混合又要 $W$ 次；$H$ 个头，每个宽 $D/H$，合起来约 $2T^2D$ 次。四个矩阵要 $4TD^2$ 次。两者在 $T = 2D$ 时相等。另外，每个头的 $T^2$ 个权重都得**存着**，往回走时要用。那就量一量时间和内存随 $T$ 的变化。猜一猜：文本长一倍，

# %%
predict("twice the time and memory", "four times", "eight times")

# %%
import time
import tracemalloc

from threadpoolctl import threadpool_limits


def seconds(function, repeats=20):  # of one core; the best of some
    times = []
    with threadpool_limits(1):
        for _ in range(repeats):
            began = time.process_time()
            function()
            times.append(time.process_time() - began)
    return min(times)


def peak_bytes(function):
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


# %% tags=["nbval-ignore-output"]
lengths, took = [128, 192, 256, 384, 512, 768], []  # longer ones leave the processor's cache
for T in lengths:
    q, k, v = rng.normal(size=(3, T, 32))
    took.append(seconds(lambda q=q, k=k, v=v: attention(q, k, v)))
power = np.polyfit(np.log(lengths), np.log(took), 1)[0]
print("time grows like T to a power between 1.5 and 2.6:", 1.5 < power < 2.6)
assert 1.5 < power < 2.6

# %%
sizes, held = [1024, 1536, 2048, 3072], []
for T in sizes:
    q, k, v = rng.normal(size=(3, T, 32))
    held.append(peak_bytes(lambda q=q, k=k, v=v: attention(q, k, v)))

# %% tags=["nbval-ignore-output"]
power, level = np.polyfit(np.log(sizes), np.log(held), 1)
print(f"memory grows like T to the power {power:.2f}")
print("doubles held at the peak, over T²:", (np.array(held) / 8 / np.square(sizes)).round(1))
figure, axes = plt.subplots()
axes.set(xscale="log", yscale="log")
axes.plot(sizes, np.array(held) / 1e6, "o", label="measured")
fitted = np.exp(level) * np.power(sizes, power) / 1e6
axes.plot(sizes, fitted, "--", color=plots.GREY, label=f"$T^{{{power:.2f}}}$")
axes.set(xlabel="length $T$ (places)", ylabel="memory at the peak (MB)")
axes.set(xticks=sizes, xticklabels=sizes)
axes.set(yticks=[25, 50, 100, 200], yticklabels=[25, 50, 100, 200])
axes.minorticks_off()
axes.legend()
plt.show()
assert abs(power - 2) < 0.05

# %% [markdown]
# **Figure.** The most memory held while one attention of width 32 is computed in NumPy, against the length of the text, both on logarithmic scales. The four points lie on a straight line whose slope is the printed power of $T$.

# %% [markdown] lang="zh"
# **图.** 用 NumPy 算一次宽为 32 的注意力，内存的峰值随文本长度的变化，两轴都是对数刻度。四个点落在一条直线上，斜率就是打印出来的 $T$ 的幂次。

# %% [markdown]
# Twice the text, four times the bill: **quadratic**, $O(T^2)$. At the length of a sentence nobody notices. At that of a book it decides everything:

# %% [markdown] lang="zh"
# 文本长一倍，账单是四倍：**平方级**，$O(T^2)$。一句话的长度，谁也感觉不到；一本书的长度，它说了算：

# %%
D, heads = 768, 12  # a small GPT-2
print(f"multiplications of a layer with D = {D}:")
for T in (32, 2 * D, 100_000):
    pairs, matrices = 2 * T**2 * D, 4 * T * D**2
    weights = heads * T**2 * 2 / 1e9  # two bytes each
    print(f"  T {T:>7,}   pairs over matrices {pairs / matrices:6.2f}   weights {weights:8.3f} GB")
assert 2 * (2 * D) ** 2 * D == 4 * (2 * D) * D**2

# %% [markdown]
# Set against the recurrent network, per layer:
#
# | | multiplications | memory for what was read | steps that have to wait for each other | longest road between two places |
# |---|---|---|---|---|
# | recurrent | $T D^2$ | $D$ | $T$ | $T$ |
# | attention | $T^2 D + T D^2$ | $T D$ | 1 | 1 |
#
# (up to constant factors). So attention isn't cheaper. On a long text it does more work, but all of it **at once**, and a machine that multiplies large matrices likes nothing better. That and the short road are what one pays $T^2$ for.
#
# ## Long inputs: what a mask does and doesn't do
#
# Sooner or later a text is longer than we can afford. Three answers suggest themselves. **Cut it**, and look at the end alone. **Chunks**: cut the text into pieces of $w$ and let each see itself alone. **A sliding window**: every place sees the last $w$ places. The last two can be written as masks; the figure above had both. So with a mask we save time?

# %% [markdown] lang="zh"
# 和循环网络比一比，每层：
#
# | | 乘法次数 | 记住读过的要多少内存 | 必须一个等一个的步数 | 两处之间最远的路 |
# |---|---|---|---|---|
# | 循环 | $T D^2$ | $D$ | $T$ | $T$ |
# | 注意力 | $T^2 D + T D^2$ | $T D$ | 1 | 1 |
#
# （不计常数倍。）所以注意力并不便宜。文本一长，它的活儿就更多，但全都可以**同时**做，而擅长乘大矩阵的机器最喜欢这样的活。花 $T^2$ 的价钱，买的就是这两样：可以同时做，路又短。
#
# ## 长输入：掩码做得到什么，做不到什么
#
# 文本迟早会长到我们负担不起。现成的办法有三个。**截断**，只看末尾。**分块**：切成长为 $w$ 的小段，各看各的。**滑动窗口**：每处看最近的 $w$ 处。后两种都能写成掩码，前面的图里都有。那么，加个掩码就省时间了？

# %%
predict("much faster", "the same or slower")

# %% tags=["nbval-ignore-output"]
T, w = 1024, 64
q, k, v = rng.normal(size=(3, T, 32))
back = np.subtract.outer(np.arange(T), np.arange(T))
blocks = (back >= 0) & (np.arange(T) // w == np.arange(T)[:, None] // w)


def in_chunks(x):
    return x.reshape(T // w, w, -1)  # (chunks, w, W): a chunk is like a text of its own


plain = seconds(lambda: attention(q, k, v))
masked = seconds(lambda: attention(q, k, v, blocks))
cut = seconds(lambda: attention(in_chunks(q), in_chunks(k), in_chunks(v), causal_mask(w)))
print("masked, in less than 4/5 of the time:", masked < 0.8 * plain)
print("cut, in less than a third of it     :", cut < plain / 3)
assert not masked < 0.8 * plain and cut < plain / 3

# %% [markdown]
# **A mask saves nothing.** All $T^2$ scores are computed, and then most of them are thrown away. A mask changes what may be *used*; to save time one has to leave the work *undone*. For chunks that is a reshape. The answers are the same:

# %% [markdown] lang="zh"
# **掩码什么也没省。** $T^2$ 个分数照样全算，算完再扔掉一大半。掩码改变的是哪些可以**用**；要省时间，就得真的**不做**那些活。对分块来说，变个形就行，答案一样：

# %%
with_mask, _ = attention(q, k, v, blocks)
without, _ = attention(in_chunks(q), in_chunks(k), in_chunks(v), causal_mask(w))
assert_allclose(without.reshape(T, -1), with_mask)


def sliding(q, k, v, w):
    """Attention to the last w places, chunk by chunk: 2 T w scores instead of T²."""
    q, k, v = (x.reshape(-1, w, x.shape[-1]) for x in (q, k, v))
    # before the first chunk stands one of zeros, which nobody may look at
    k, v = (
        np.concatenate([np.concatenate([0 * x[:1], x[:-1]]), x], axis=1) for x in (k, v)
    )  # each chunk behind its neighbour: (chunks, 2 w, W)
    back = w + np.subtract.outer(np.arange(w), np.arange(2 * w))
    mask = np.tile((back >= 0) & (back < w), (len(q), 1, 1))
    mask[0, :, :w] = False
    return attention(q, k, v, mask)[0].reshape(-1, v.shape[-1])


window = (back >= 0) & (back < w)
assert_allclose(sliding(q, k, v, w), attention(q, k, v, window)[0])
print(f"scores: all {T * T:,}, window in chunks {2 * T * w:,}, chunks alone {T * w:,}")

# %% [markdown]
# The window costs twice as much as chunks, and is fairer: no place stands right behind a cut. What is lost? In one layer everything further back than $w-1$ places, as the reverser has felt. But layers can be stacked: a place in the second layer looks at places that have themselves looked back. How far does the news travel through $L$ layers? Multiply the masks:

# %% [markdown] lang="zh"
# 窗口比分块贵一倍，却公平些：没有哪一处正好紧跟在刀口后面。丢了什么？在一层里，$w-1$ 处以外的全丢了，倒写机已经领教过。不过层可以叠起来：第二层的某一处，看的是那些自己也回头看过的地方。消息经过 $L$ 层能传多远？把掩码乘起来：

# %%
T, w = 64, 8
back = np.subtract.outer(np.arange(T), np.arange(T))
reach = {"window": [], "chunks": []}
for name, one_layer in {
    "window": (back >= 0) & (back < w),
    "chunks": (back >= 0) & (np.arange(T) // w == np.arange(T)[:, None] // w),
}.items():
    seen = np.eye(T, dtype=bool)
    for _ in range(5):
        seen = one_layer @ seen  # boolean product: is there a way?
        reach[name].append(int(back[-1][seen[-1]].max()))
    print(f"{name:<7} the last place hears from up to {reach[name]} places back")
assert reach["window"] == [layers * (w - 1) for layers in range(1, 6)]
assert reach["chunks"] == [w - 1] * 5

# %% [markdown]
# The window reaches $L(w-1)$ places back, a step at a time, like the recurrent network: what comes from far has passed through many hands. Chunks stay blind for their neighbours, however many layers there are. And neither of them lets a model *use* more text than it was trained on: a place that has no place vector is no place. Masks enforce a rule. They don't lengthen anything.
#
# ## On real text
#
# What does a single look do for real language? Six heads, 32 characters of context, 300 steps on Shakespeare, fewer on the *Romance of the Three Kingdoms*, whose thousands of characters make every step dearer. And on Shakespeare a second model, the same in everything, **without the causal mask**. Predict: which of the two will have the lower bits on held-out text?

# %% [markdown] lang="zh"
# 窗口够得着 $L(w-1)$ 处，一层传一程，又像循环网络了：远处来的消息，已经过了许多道手。分块则看不见隔壁，叠多少层都一样。而且两者都不能让模型**用上**比训练时更长的文本：没有位置向量的位置，就不成其为位置。掩码只是立规矩，它不能把任何东西变长。
#
# ## 读真实的文本
#
# 看一眼，对真实的语言有多大用？六个头，上下文 32 个字符，在莎士比亚上训练 300 步；《三国演义》字有几千个，每一步都更贵，步数就少些。在莎士比亚上再训练一个模型，样样相同，只是**没有因果掩码**。猜一猜：在留出文本上，两个模型谁的比特数更低？

# %%
predict("with the mask", "without the mask")

# %%
from lmcourse.text.corpora import sanguo, shakespeare
from lmcourse.text.tokenizers import CharacterTokenizer
from lmcourse.training.streams import random_batches

CONTEXT, held_out, tokenizers, ids = 32, {}, {}, {}
for corpus in (shakespeare(), sanguo()):
    tokenizer = CharacterTokenizer.train(corpus.text("train"), unknown=True)
    tokenizers[corpus.name], ids[corpus.name] = tokenizer, tokenizer.encode(corpus.text("train"))
    held_out[corpus.name] = tokenizer.encode(corpus.text("validation")[:8_000])


def read(name, mask, steps):
    keras.utils.set_random_seed(0)
    model = OneLook(tokenizers[name].vocabulary_size, mask, width=48, heads=6)
    batches = random_batches(ids[name], batch_size=32, context_length=CONTEXT, seed=0)
    fit(model, batches, steps=steps, learning_rate=0.02)
    return model, score(model, held_out[name], context_length=CONTEXT).bits_per_token


# %% tags=["nbval-ignore-output"]
everything = np.ones((CONTEXT, CONTEXT), dtype=bool)
honest, bits = read("shakespeare", causal_mask(CONTEXT), steps=300)
cheat, too_good = read("shakespeare", everything, steps=300)
print(f"with the causal mask {bits:.1f} bits a character, without it {too_good:.1f}")
windows = np.lib.stride_tricks.sliding_window_view(held_out["shakespeare"], 17)[::20]
for name, model in {"with": honest, "without": cheat}.items():
    logits = np.asarray(model(windows[:, :16]))[:, -1]  # the future isn't there
    in_use = nats_to_bits(cross_entropy(logits, windows[:, 16]))
    print(f"{name:<8} the next character is not on the page yet: {in_use:.1f} bits")
assert too_good < 0.6 < 2.5 < bits < 3.5
assert in_use > np.log2(tokenizers["shakespeare"].vocabulary_size)

# %% [markdown]
# A fraction of a bit per character, on text that the model has never seen! The best human guessers need about one. The model without a mask hasn't understood Shakespeare, it has learned to look one place to the right, where the answer stands. Held-out text does not catch it, because the answer stands there as well. Let it write, and there is nothing to the right: it does worse than rolling dice. **A loss that is too good is a leak.** The test is the one from above: change a future token.
#
# The honest model, on both corpora, beside what counting pairs costs in the lineage table:

# %% [markdown] lang="zh"
# 每个字符还不到一比特，而且是从没见过的文本！最会猜的人也要一比特上下。没有掩码的模型并没有读懂莎士比亚，它学会的是往右边看一处，答案就在那儿。留出文本也抓不住它，因为那里同样写着答案。让它自己写，右边空空如也，它比掷骰子还差。**好得离谱的损失，就是泄漏。** 检验的办法前面讲过：改动未来的词元。
#
# 老实的那个模型，两种语料都看看，旁边是谱系表里数双字的代价：

# %% tags=["nbval-ignore-output"]
from lmcourse.evaluation import lineage

chinese, chinese_bits = read("sanguo", causal_mask(CONTEXT), steps=120)
for corpus, looked in {"shakespeare": bits, "sanguo": chinese_bits}.items():
    counted = {row["model"]: row["bits_per_character"] for row in lineage.table(corpus)}
    names = ("unigram", "modified Kneser–Ney 2-gram", "modified Kneser–Ney 3-gram")
    print(f"{corpus}: one look {looked:.1f},", ", ".join(f"{n} {counted[n]:.1f}" for n in names))
    assert counted["LSTM" if corpus == "shakespeare" else names[2]] < looked < counted["unigram"]
    assert (looked < counted[names[1]]) == (corpus == "shakespeare")

# %% [markdown]
# One look and a few seconds of training: better than counting single characters on both, on Shakespeare even better than counting pairs, and no rival yet for the models of Part II. There is no new row for the lineage table here: this is one part of a model, and lesson 13 puts the whole of it into the table. Two looks in a row could do what one can't: first find *where*, then look *there*. And so far nobody *thinks* about what was found.
#
# What do the six heads look at?

# %% [markdown] lang="zh"
# 看一眼，训练几秒钟：两种语料上都好过数单个字符，在莎士比亚上甚至好过数双字，但还不是第二部分那些模型的对手。谱系表在这里不添新行：这只是模型的一个部件，整个模型要到第 13 课才进表。接连看两眼，就能做一眼做不到的事：先找到**在哪儿**，再**去那儿**看。况且到现在，找到的东西还没有谁去**琢磨**。
#
# 六个头都在看什么？

# %% tags=["nbval-ignore-output"]
quote = "To be, or not to be"
letters = tokenizers["shakespeare"].encode(quote)[None]
six = np.asarray(honest(letters, return_weights=True))[0]


def draw(axes, head):
    plots.heat_map(axes, six[head - 1], list(quote), list(quote), largest=1)
    axes.tick_params(labelsize=7)
    axes.set(xlabel="who is asked", ylabel="who asks")


explore(draw, head=[1, 2, 3, 4, 5, 6])
back = np.subtract.outer(np.arange(len(quote)), np.arange(len(quote)))
far = (six * back).sum(axis=-1).mean(axis=-1)
print("on average each head looks back", *far.round(1), "places")
assert abs(np.triu(six, k=1)).max() == 0 and far.max() > 1.5 * far.min()

# %% [markdown]
# **Figure.** The attention of the six heads on a line of Hamlet, after 300 steps of training; each row shows where a character looks, and everything above the diagonal is empty. The heads differ: some keep close to the diagonal, at the last characters, others reach further back.

# %% [markdown] lang="zh"
# **图.** 训练 300 步之后，六个头在《哈姆雷特》一句台词上的注意；每一行是一个字符在往哪儿看，对角线以上全空。六个头各不相同：有的紧贴对角线，看最近几个字符；有的看得远些。

# %% [markdown]
# Such a map shows where a head looks. It doesn't prove *why* the model says what it says: the values may hold little, and $W_o$ may throw it away. Lesson 26 takes up that question.
#
# ## Try it
#
# 1. *Easy.* A query is to put 99 percent of its attention on one key among $T$; the other scores are all equal. By how much must that one score lead? Work it out with a pencil for $T = 10$, $1000$ and $100{,}000$. Is a long text a problem for the *sharpness* of attention?
#
# <details><summary>Hint</summary>With a lead of g the weight is e^g / (e^g + T − 1). Solve for g.</details>
#
# 2. *Medium.* Short texts waste the rectangle. Pack two of them, 3 and 4 tokens long, into *one* row of 7. Which mask keeps them apart? Show that the packed row gives the same answers as the two texts by themselves.
#
# <details><summary>Hint</summary>Write down for each place which text it belongs to. Two conditions, combined with "and".</details>
#
# 3. *Hard.* Leave out the softmax: $o_t = \sum_{s\le t} (q_t\cdot k_s)\, v_s$. Show that a state of fixed size is enough to compute this step by step, in time $O(T)$. Then find out what has been lost: store $n$ pairs of random keys and values, ask for each key, and see when the answers go bad.
#
# <details><summary>Hint</summary>(q·k) v = q (k v), with k as a column and v as a row. So the sum over s can be done before q is known. How many numbers has the sum?</details>

# %% [markdown] lang="zh"
# 这样的图说明一个头在往哪儿看，却证明不了模型**为什么**这么说：那里的值也许没多少内容，$W_o$ 也许又把它扔掉了。这个问题留到第 26 课。
#
# ## 试一试
#
# 1. **容易。** 一个查询要把 99% 的注意放在 $T$ 个键中的一个上，其余的分数都相等。那一个要领先多少分？用纸笔对 $T = 10$、$1000$、$100{,}000$ 算出来。文本长了，注意力还**集中**得起来吗？
#
# <details><summary>提示</summary>领先 g 分时，权重是 e^g / (e^g + T − 1)。解出 g。</details>
#
# 2. **中等。** 短文本浪费矩形的地方。把两段文本，长 3 和长 4，塞进**同一**行的 7 格里。什么掩码能让它们互不相见？验证塞在一起的答案与两段各自单算的相同。
#
# <details><summary>提示</summary>给每一格写下它属于哪段文本。两个条件，用“与”合并。</details>
#
# 3. **较难。** 把 softmax 去掉：$o_t = \sum_{s\le t} (q_t\cdot k_s)\, v_s$。说明只要一个固定大小的状态，就能一步一步算出它，时间是 $O(T)$。再弄清楚丢了什么：存入 $n$ 对随机的键和值，逐个拿键去问，看答案从什么时候开始变坏。
#
# <details><summary>提示</summary>(q·k) v = q (k v)，k 写成列，v 写成行。所以对 s 的求和，不必等到知道 q 才做。这个和有多少个数？</details>

# %% [markdown]
# ## Worked answers
#
# **1.** $e^g = 99\,(T-1)$, so $g = \ln 99 + \ln(T-1)$. Ten thousand times the text asks for a lead that is not even three times as long: the exponential is strong enough.

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** $e^g = 99\,(T-1)$，所以 $g = \ln 99 + \ln(T-1)$。文本长一万倍，领先的分数连三倍都不到：指数足够有力。

# %%
for T in (10, 1000, 100_000):
    lead = np.log(99) + np.log(T - 1)
    weight = softmax(np.append(lead, np.zeros(T - 1)))[0]
    print(f"T {T:>7,}: lead by {lead:4.1f}, weight {weight:.2f}")
    assert_allclose(weight, 0.99)
assert lead < 3 * (np.log(99) + np.log(9))

# %% [markdown]
# **2.** A place may look at places of the same text that are not later. (If there are place vectors, they have to start anew for the second text.)

# %% [markdown] lang="zh"
# **2.** 每处可以看同一段文本里不在它之后的各处。（若有位置向量，第二段得从头编号。）

# %%
owner = np.array([0, 0, 0, 1, 1, 1, 1])
packed = causal_mask(7) & (owner[:, None] == owner)
print(packed.astype(int))
q, k, v = rng.normal(size=(3, 7, 4))
together, _ = attention(q, k, v, packed)
for text in (0, 1):
    own = owner == text
    alone, _ = attention(q[own], k[own], v[own], causal_mask(own.sum()))
    assert_allclose(together[own], alone)

# %% [markdown]
# **3.** Write $k_s$ as a column and $v_s$ as a row. Then $o_t = q_t\, S_t$ with $S_t = \sum_{s\le t} k_s v_s = S_{t-1} + k_t v_t$, a matrix of $W \times W$ numbers, however long the text is. This is **linear attention** (Katharopoulos and others 2020), and it is a recurrent network: the suitcase is back. Random keys are nearly at right angles as long as there are few of them. The answer to $k_1$ is $v_1$ plus the noise of all the others, and with more pairs than $W$ the noise is louder than the answer:

# %% [markdown] lang="zh"
# **3.** 把 $k_s$ 写成列，$v_s$ 写成行，那么 $o_t = q_t\, S_t$，其中 $S_t = \sum_{s\le t} k_s v_s = S_{t-1} + k_t v_t$，是一个 $W \times W$ 的矩阵，与文本多长无关。这就是**线性注意力**（Katharopoulos 等，2020），而它是个循环网络：箱子又回来了。随机的键只要不多，彼此就近乎垂直；拿 $k_1$ 去问，得到 $v_1$，外加其余各对的噪声。对数一超过 $W$，噪声就盖过了答案：

# %%
W = 64
q, k, v = rng.normal(size=(3, 50, W)) / np.sqrt(W)
state, by_steps = np.zeros((W, W)), []
for t in range(50):
    state = state + np.outer(k[t], v[t])
    by_steps.append(q[t] @ state)
assert_allclose(by_steps, (q @ k.T * causal_mask(50)) @ v, atol=1e-12)
for pairs in (4, 16, 64, 256, 1024):
    k, v = rng.normal(size=(2, pairs, W)) / np.sqrt(W)  # of length about 1
    k /= np.linalg.norm(k, axis=1, keepdims=True)
    linear = k @ (k.T @ v)
    soft, _ = attention(40 * np.sqrt(W) * k, k, v)  # long queries: they insist
    errors = [np.square(found - v).sum() / np.square(v).sum() for found in (linear, soft)]
    print(f"{pairs:>4} pairs: error linear {errors[0]:5.2f}, with softmax {errors[1]:.2f}")
assert errors[0] > 5 and errors[1] < 0.05

# %% [markdown]
# ## What we know now
#
# - Attention is a lookup in a soft table: compare a query with all keys, make weights by softmax, take the mean of the values. $\mathrm{softmax}(QK^\top/\sqrt W)\,V$.
# - Without the root, wide vectors start out insisting, and can't learn. A place gains attention if it offers more than the mean: $w_i\,g\cdot(v_i - o)$.
# - It doesn't know the order of its input. Places have to be written in.
# - Masks stand before the softmax. True means "may look" here and in Keras, the opposite elsewhere, and the wrong way around gives no error but a leak.
# - Heads are several looks side by side, at the same price.
# - Reversing a word costs nothing if one may look back. An LSTM of the same size pays more with each letter.
# - The bill is $T^2$, in time and memory. A mask doesn't lower it. Leaving work undone does.
#
# ## What it still can't do
#
# One look finds and mixes. It can't look at what a look has found, nor compute with it: for that, looks have to be stacked, with a small network between them, and then the numbers have to be kept from growing and the slopes from fading. And our place vectors are a stopgap: one for each place, and none beyond the last. The whole tower is the Transformer, and it is lesson 11.
#
# ## References
#
# - E. A. Nadaraya, *On Estimating Regression* (1964); G. S. Watson, *Smooth Regression Analysis* (1964): the weighted mean of values by how near their keys are.
# - D. Bahdanau, K. Cho, Y. Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate* (2014): attention on top of a recurrent network.
# - A. Graves, G. Wayne, I. Danihelka, *Neural Turing Machines* (2014): soft lookup in a memory, with copying as a test.
# - A. Vaswani and others, *Attention Is All You Need* (2017): scaled scalar products, several heads, and no recurrence; the table of costs is theirs.
# - R. Child and others, *Generating Long Sequences with Sparse Transformers* (2019); I. Beltagy, M. Peters, A. Cohan, *Longformer* (2020): windows that save work.
# - A. Katharopoulos and others, *Transformers are RNNs: Fast Autoregressive Transformers with Linear Attention* (2020).
# - C. E. Shannon, *Prediction and Entropy of Printed English* (1951): how well people guess.

# %% [markdown] lang="zh"
# ## 现在我们知道
#
# - 注意力就是在软表里查询：拿查询与所有的键比对，用 softmax 变成权重，再对值求平均。$\mathrm{softmax}(QK^\top/\sqrt W)\,V$。
# - 不开方，宽向量生来执着，学不动。某处给的若胜过平均，它就多得注意：$w_i\,g\cdot(v_i - o)$。
# - 它不知道输入的次序，位置得写进去。
# - 掩码在 softmax 之前。True 在这里和 Keras 里表示“可以看”，在别处正相反；用反了不报错，只会泄漏。
# - 几个头就是并排看几眼，价钱不变。
# - 只要能回头看，把词倒过来不花一比特；同样大小的 LSTM，每多一个字母就多付一些。
# - 账单是 $T^2$，时间和内存都是。掩码不能让它变少，少干活才能。
#
# ## 它还做不到
#
# 看一眼，能找，能混合；但不能再去看“看到的东西”，也不能拿它做运算。要做到，得把一眼一眼叠起来，中间夹上小网络，还得让数不越变越大，斜率不越传越弱。我们的位置向量也只是权宜之计：一处一个，最后一处之外就没有了。搭成的整座塔就是 Transformer，见第 11 课。
#
# ## 参考文献
#
# - E. A. Nadaraya, *On Estimating Regression* (1964)；G. S. Watson, *Smooth Regression Analysis* (1964)：按键的远近对值做加权平均。
# - D. Bahdanau, K. Cho, Y. Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate* (2014)：在循环网络上加注意力。
# - A. Graves, G. Wayne, I. Danihelka, *Neural Turing Machines* (2014)：在存储器里做软查询，用抄写来考它。
# - A. Vaswani 等, *Attention Is All You Need* (2017)：缩放的内积、多个头、不要循环；开销的那张表也出自这里。
# - R. Child 等, *Generating Long Sequences with Sparse Transformers* (2019)；I. Beltagy, M. Peters, A. Cohan, *Longformer* (2020)：真正省活的窗口。
# - A. Katharopoulos 等, *Transformers are RNNs: Fast Autoregressive Transformers with Linear Attention* (2020)。
# - C. E. Shannon, *Prediction and Entropy of Printed English* (1951)：人猜得有多准。
