# %% [markdown]
# # 11 · The Transformer
# **Prerequisites:** [10 · Attention](10_attention.ipynb), [06 · The window network](06_mlp.ipynb), sine and cosine · **Minutes:** 100 · **Modules:** `reference/positions.py`, `reference/feedforward.py`, `reference/normalization.py`, `reference/block.py`, `reference/transformer.py`, `layers/positions.py`, `layers/normalization.py`, `layers/embedding.py`, `layers/block.py`, `models/gpt.py` · **Previous:** [10 · Attention](10_attention.ipynb) · **Next:** [12 · Translation](12_translation.ipynb)
#
# Attention lets every token look at every other one and take home a mixture of what it finds. That is half of a reader. The other half is missing: attention does not notice in which order the words stand, and mixing alone is not thinking.
#
# **Question: what has to stand around attention so that many layers of it, one above the other, can read a sentence?**
#
# Four small parts do it: a *position* for every token, a *feed-forward network* for every place, a *norm* that keeps the numbers in bounds, and a *sum* that lets each part add to what is there instead of replacing it. Attention and these four are the **Transformer** of 2017, and GPT and BERT are made of nothing else. We build them one by one, and then follow one sentence, 我爱北京天安门 (*I love Beijing Tian'anmen*), through an encoder and a decoder with every number printed.

# %% [markdown] lang="zh"
# # 11 · Transformer
# **先修：** [10 · 注意力](10_attention.ipynb)、[06 · 窗口网络](06_mlp.ipynb)，正弦与余弦 · **用时：** 100 分钟 · **模块：** `reference/positions.py`、`reference/feedforward.py`、`reference/normalization.py`、`reference/block.py`、`reference/transformer.py`、`layers/positions.py`、`layers/normalization.py`、`layers/embedding.py`、`layers/block.py`、`models/gpt.py` · **上一课：** [10 · 注意力](10_attention.ipynb) · **下一课：** [12 · 翻译](12_translation.ipynb)
#
# 有了注意力，每个词元都能看遍所有词元，把看到的东西掺在一起带回来。可这只算半个读者：词按什么顺序站着，注意力看不出来；光会掺，也算不上思考。
#
# **问题：要让许多层注意力叠起来读懂一句话，它周围还得配上什么？**
#
# 四个小零件就够：给每个词元一个**位置**，给每个位置一个**前馈网络**，用**归一化**把数值管住，用**相加**让每个零件在原有的东西上添一笔，而不是推倒重来。注意力加上这四样，就是 2017 年的 **Transformer**，GPT 和 BERT 里也再没有别的东西。我们一个一个地造，然后跟着一句话“我爱北京天安门”（*I love Beijing Tian'anmen*）走完编码器和解码器，每个数都打印出来。

# %%
import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.reference.attention import causal_mask, join_heads, multi_head, split_heads
from lmcourse.reference.block import block, stack
from lmcourse.reference.feedforward import feed_forward, gelu, relu_squared, silu
from lmcourse.reference.normalization import layer_norm, layer_norm_backward, rms_norm
from lmcourse.reference.positions import embed, rotate, sinusoidal
from lmcourse.reference.softmax import cross_entropy, softmax
from lmcourse.reference.transformer import encoder_decoder

rng = setup(seed=0)

# %% [markdown]
# ## A bag, however deep
#
# Lesson 10 found that attention reads a *bag* of vectors: 狗咬人, *dog bites man*, and 人咬狗, *man bites dog*, give the same three answers in another order. The second one is news, and our reader misses it. Does depth help? Here are six of the blocks that this lesson is going to build, stacked, with random weights and no mask, so that what attention finds is bent, normalized and looked at again. Does 狗 come out the same in both sentences?

# %% [markdown] lang="zh"
# ## 一袋词，叠多高都是
#
# 第 10 课发现，注意力读到的是一**袋**向量：“狗咬人”和“人咬狗”得到同样的三个答案，只是换了次序。后一条才是新闻，我们的读者却没看出来。叠高一些有用吗？这里先把本课要造的块拿六个叠起来，权重随机，不加掩码；注意力找到的东西，又经过拐弯、归一化，再被看了一遍又一遍。两句里的“狗”，出来时一样吗？

# %%
predict("same", "other")


# %%
def random_block(D, F, dice):
    weights = {m: dice.normal(size=(D, D)) / D**0.5 for m in ("query", "key", "value", "output")}
    up, down = dice.normal(size=(D, F)) / np.sqrt(D), dice.normal(size=(F, D)) / np.sqrt(F)
    norm = {"scale": np.ones(D), "offset": np.zeros(D)}
    parts = {"attention": weights, "feed_forward": {"up": up, "down": down}}
    return parts | {"attention_norm": norm, "feed_forward_norm": norm}


# %%
six = {"blocks": [random_block(4, 16, rng) for _ in range(6)]}
vector = {word: rng.normal(size=4) for word in "狗咬人"}


def read(sentence, places=0.0):
    return stack(np.stack([vector[word] for word in sentence]) + places, six, heads=2)[0]


for sentence in ("狗咬人", "人咬狗"):
    print(sentence)
    for word, row in zip(sentence, read(sentence), strict=True):
        print("  ", word, row.round(3))
assert_allclose(read("人咬狗"), read("狗咬人")[::-1])

# %% [markdown]
# The same. The rows have changed places, and nothing else has happened.
#
# It has to be so. Let $\Pi$ be a **permutation matrix**, one that shuffles rows: each of its rows and columns holds a single 1, so $\Pi^\top \Pi = I$. Shuffle the words, $X \to \Pi X$, and queries, keys and values are shuffled with them. The scores (before the root of $W$, the width of a head) become $\Pi Q\,(\Pi K)^\top = \Pi\, Q K^\top\, \Pi^\top$: rows and columns change places, no number changes. Softmax takes each row by itself and asks for no order in it. So
#
# $$\Pi\,\mathrm{softmax}\Bigl(\tfrac{QK^\top}{\sqrt W}\Bigr)\,\Pi^\top\;\Pi V = \Pi\,\mathrm{softmax}\Bigl(\tfrac{QK^\top}{\sqrt W}\Bigr) V$$
#
# Shuffling before is shuffling after. All the other parts treat every row alone, so they can't tell either, and what is true of one block is true of a hundred. The order must be written into the vectors themselves. A learned vector for each place was lesson 10's stopgap; now for better ones.

# %% [markdown] lang="zh"
# 一样。几行换了换位置，此外什么也没发生。
#
# 这是必然的。设 $\Pi$ 是一个**置换矩阵**，作用是把各行打乱：每行每列恰有一个 1，所以 $\Pi^\top \Pi = I$。把词打乱，$X \to \Pi X$，查询、键、值也跟着打乱。分数（先不除以头宽 $W$ 的平方根）变成 $\Pi Q\,(\Pi K)^\top = \Pi\, Q K^\top\, \Pi^\top$：行和列换了位置，没有一个数变了。softmax 逐行计算，行内的次序也无所谓。于是
#
# $$\Pi\,\mathrm{softmax}\Bigl(\tfrac{QK^\top}{\sqrt W}\Bigr)\,\Pi^\top\;\Pi V = \Pi\,\mathrm{softmax}\Bigl(\tfrac{QK^\top}{\sqrt W}\Bigr) V$$
#
# 先打乱和后打乱是一回事。其余的零件都是每行各算各的，同样分不出来；一个块如此，一百个块也如此。次序只能写进向量里。第 10 课给每个位置配一个学出来的向量，只是权宜之计；现在来找更好的。

# %% [markdown]
# ## Three wishes for a place
#
# The plainest idea: add the number $t$ of the place to every component of the vector. At place 500 it adds 500 to numbers around 1, and the word drowns. Then divide by the length of the text? Now one step means something else in every text. So we wish for a row of $D$ numbers $p_t$ for every place $t$, such that
#
# 1. every place has a row of its own,
# 2. the numbers stay bounded,
# 3. *k places further* looks the same everywhere.
#
# A clock fulfils all three. Its seconds hand alone repeats after a minute, but with minutes and hours beside it every moment of the morning has its own picture, no hand ever leaves the dial, and ten seconds are the same turn of the same hand, at six or at noon. A **sinusoidal position** is the reading of $D/2$ clocks. Pair $i$ of columns holds the sine and cosine of one hand, which turns by the angle $\omega_i$ per place:
#
# $$p_{t,\,2i} = \sin(\omega_i\, t), \qquad p_{t,\,2i+1} = \cos(\omega_i\, t), \qquad \omega_i = 10000^{-2i/D}, \qquad i = 0, \dots, \tfrac D2 - 1$$
#
# Mind the $i$: it counts *pairs*, not columns. By hand for $D = 4$: two hands, $\omega_0 = 1$ and $\omega_1 = 10000^{-1/2} = 1/100$:

# %% [markdown] lang="zh"
# ## 位置：三个愿望
#
# 最省事的主意：给向量的每个分量加上位置的序号 $t$。到了第 500 个位置，往 1 上下的数里加 500，词就淹没了。那就再除以文本长度？可这样一来，“往后一步”在每篇文本里都不是一个意思。所以我们希望每个位置 $t$ 有一行 $D$ 个数 $p_t$，满足三条：
#
# 1. 每个位置的那一行都不同；
# 2. 数值有界；
# 3. “往后 $k$ 个位置”在哪里看都一样。
#
# 钟表三条全占。光看秒针，一分钟就重复；旁边配上分针、时针，一个上午里每个时刻的样子都不同；哪根针都出不了表盘；十秒钟，六点也好，中午也好，都是同一根针转过同样的角度。**正弦位置编码**就是 $D/2$ 个钟的读数。第 $i$ 对列存一根针的正弦和余弦，这根针每走一个位置转过角度 $\omega_i$：
#
# $$p_{t,\,2i} = \sin(\omega_i\, t), \qquad p_{t,\,2i+1} = \cos(\omega_i\, t), \qquad \omega_i = 10000^{-2i/D}, \qquad i = 0, \dots, \tfrac D2 - 1$$
#
# 留神这个 $i$：它数的是**对**，不是列。取 $D = 4$ 动手算：两根针，$\omega_0 = 1$，$\omega_1 = 10000^{-1/2} = 1/100$：

# %%
by_hand = np.array([[np.sin(t), np.cos(t), np.sin(t / 100), np.cos(t / 100)] for t in range(4)])
for t, row in enumerate(by_hand):
    print(f"place {t}", row.round(3))
assert_allclose(by_hand[1].round(3), [0.841, 0.540, 0.010, 1.000])
assert_allclose(sinusoidal(4, 4), by_hand)
show_source(sinusoidal)

# %% [markdown]
# Now 64 columns, 32 hands. What does a slow hand look like, along 40 places?

# %% [markdown] lang="zh"
# 换成 64 列、32 根针。沿着 40 个位置看过去，慢的针是什么样？

# %%
P = sinusoidal(128, 64)


def draw(axes, pair):
    axes.plot(P[:40, 2 * pair], label="sin")
    axes.plot(P[:40, 2 * pair + 1], label="cos")
    axes.set(xlabel="place $t$ (tokens)", ylabel="value", ylim=(-1.1, 1.1))
    axes.grid(False)
    if pair == 31:
        axes.legend(loc="lower right")


explore(draw, pair=list(range(32)))

# %% [markdown]
# **Figure.** Sine and cosine of six of the 32 pairs against the place. Pair 0 goes round about six times in 40 places; each later pair is slower; the last ones hardly move. In the live notebook a slider shows all 32.

# %% [markdown] lang="zh"
# **图.** 32 对里挑出的六对，正弦和余弦随位置的变化。第 0 对在 40 个位置里转了约六圈；越往后越慢；最后几对几乎不动。在交互的笔记本里，拖动滑块可以看全 32 对。

# %% [markdown]
# Fast hands tell neighbours apart, slow ones tell the beginning of a text from its end: the same division of labour as between the last and the first digit of a number.
#
# The third wish deserves a proof. By the addition formulas for sine and cosine, $k$ places further means
#
# $$\begin{pmatrix}\sin \omega(t+k)\\ \cos \omega(t+k)\end{pmatrix} = \begin{pmatrix}\cos \omega k & \sin \omega k\\ -\sin \omega k & \cos \omega k\end{pmatrix}\begin{pmatrix}\sin \omega t\\ \cos \omega t\end{pmatrix}$$
#
# The matrix contains $k$ and no $t$. One matrix, built from such 2×2 blocks, takes *every* place to the place $k$ further on. The second consequence: since $\sin a \sin b + \cos a \cos b = \cos(a-b)$,
#
# $$p_t \cdot p_s = \sum_i \cos\bigl(\omega_i\,(t-s)\bigr)$$
#
# depends on the distance alone, and $p_t\cdot p_t = D/2$: all rows have the same length.

# %% [markdown] lang="zh"
# 快针分得清左邻右舍，慢针分得清开头和结尾，好比一个数的末位和首位各管各的。
#
# 第三个愿望值得证一证。由正弦、余弦的和角公式，往后 $k$ 个位置就是
#
# $$\begin{pmatrix}\sin \omega(t+k)\\ \cos \omega(t+k)\end{pmatrix} = \begin{pmatrix}\cos \omega k & \sin \omega k\\ -\sin \omega k & \cos \omega k\end{pmatrix}\begin{pmatrix}\sin \omega t\\ \cos \omega t\end{pmatrix}$$
#
# 矩阵里有 $k$，没有 $t$。用这样的 2×2 小块拼成一个矩阵，就能把**每个**位置都送到它后面第 $k$ 个位置。还有第二个结论：因为 $\sin a \sin b + \cos a \cos b = \cos(a-b)$，
#
# $$p_t \cdot p_s = \sum_i \cos\bigl(\omega_i\,(t-s)\bigr)$$
#
# 只看距离；而且 $p_t\cdot p_t = D/2$，每一行都一样长。

# %%
k, omega = 5, 10000.0 ** (-np.arange(0, 64, 2) / 64)
turn = np.zeros((64, 64))
for i, angle in enumerate(k * omega):
    turn[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = [
        [np.cos(angle), np.sin(angle)],
        [-np.sin(angle), np.cos(angle)],
    ]
assert_allclose(P[:-k] @ turn.T, P[k:], atol=1e-12)  # one matrix for all places
print("product of the places  0 and  5:", (P[0] @ P[5]).round(3))
print("product of the places 70 and 75:", (P[70] @ P[75]).round(3))
print("sum of cosines                 :", np.cos(omega * k).sum().round(3))
assert_allclose((P[k:] * P[:-k]).sum(axis=1), np.cos(omega * k).sum())
assert_allclose((P**2).sum(axis=1), 64 / 2)
assert len(np.unique(P.round(6), axis=0)) == 128  # every place has another row

# %% [markdown]
# So a place is *added* to the word at it: with the embedding $e_{w_t}$ of the word, $x_t = \sqrt D\, e_{w_t} + p_t$, and that is all. (Why $\sqrt D$? Soon. The vectors of our three words are large enough without it.) The dog that bites is now another vector than the dog that is bitten:

# %% [markdown] lang="zh"
# 于是把位置**加**到那里的词上：词的嵌入是 $e_{w_t}$，那么 $x_t = \sqrt D\, e_{w_t} + p_t$，就完了。（$\sqrt D$ 从何而来？马上就说。我们这三个词的向量本来就够大，用不着它。）咬人的狗和被咬的狗，这下成了两个不同的向量：

# %%
biting, bitten = (read(text, sinusoidal(3, 4)) for text in ("狗咬人", "人咬狗"))
print("狗 in 狗咬人", biting[0].round(3))
print("狗 in 人咬狗", bitten[2].round(3))
assert abs(biting[0] - bitten[2]).max() > 0.1

# %% [markdown]
# ## Four ways to get it wrong
#
# The formula takes one line, and printed code gets it wrong in more ways than that. Four specimens, all from published tutorials, each with a measurement that finds it.
#
# **One: the index of the column for the index of the pair.** Whoever lets $i$ run over columns gives the sine and the cosine of a pair two different hands. Then nothing turns, and the product of two places depends on where they stand:

# %% [markdown] lang="zh"
# ## 四种写错的办法
#
# 公式只有一行，印出来的代码却错得五花八门。下面四个标本都见于公开发表的教程，每个都配一种查得出来的量法。
#
# **其一：把列的序号当成对的序号。** 让 $i$ 数列，同一对里的正弦和余弦就成了两根不同的针。这样就没有“转”可言，两个位置的乘积也随它们站在哪里而变：

# %%
t, columns, pairs = np.arange(128)[:, None], np.arange(64), np.arange(32)
angle = t * 10000.0 ** (-2 * columns / 64)  # i = column: wrong
by_column = np.where(columns % 2 == 0, np.sin(angle), np.cos(angle))
angle = t * 10000.0 ** (-2 * pairs / 64)  # i = pair: right, but look at the next line
in_halves = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
for name, table in {"formula": P, "by column": by_column, "in halves": in_halves}.items():
    product = (table[5:] * table[:-5]).sum(axis=1)  # of all places at distance 5
    moving = (np.ptp(table, axis=0) > 0.01).sum()
    print(f"{name:<10} from {product.min():5.2f} to {product.max():5.2f}, {moving} columns move")
    assert (np.ptp(product) > 1) == (name == "by column")

# %% [markdown]
# The formula gives one product for one distance. The wrong index gives a band of them, and its hands slow down twice as fast, so that more than half of the columns stand still.
#
# **Two: all sines first, then all cosines.** The third row of the print passes the test. Is it wrong, then? It holds the same columns in another order:

# %% [markdown] lang="zh"
# 照公式，一种距离只有一个乘积；序号用错，就成了一个范围，而且针变慢的速度快了一倍，多半的列干脆不动。
#
# **其二：先排所有的正弦，再排所有的余弦。** 上面第三行通过了检验。那它错没错？它只是把同样的列换了个次序：

# %%
order = np.concatenate([2 * pairs, 2 * pairs + 1])  # even columns, then odd ones
assert_allclose(in_halves, P[:, order], atol=1e-12)
tokens, W_q = rng.normal(size=(128, 64)), rng.normal(size=(64, 8)) / 8
queries = (tokens + P) @ W_q
off = abs((tokens + in_halves) @ W_q - queries).max()
print(f"in halves, weights as they were: {off:.1f} off")
reordered = (tokens[:, order] + in_halves) @ W_q[order]
assert_allclose(reordered, queries)
print("in halves, all else reordered:   equal")

# %% [markdown]
# A model that has been trained with one order since its first day doesn't mind: its matrices learn their rows in that order. A model that *loads weights* made with the other order is wrong, and no shape complains. (The library in which the authors published their own model has halves too, and $D/2-1$ where the formula says $D/2$. A formula in a paper and the weights on a server are two things.)
#
# **Three: positions laid beside the word instead of added.** Words of width 3 and places of width 3 make rows of width 6, says one article. Here 4 and 4 make 8, where the next layer expects 4:

# %% [markdown] lang="zh"
# 从第一天起就用某一种次序训练的模型，无所谓：它的矩阵会按这个次序去学各行。可要是**载入**按另一种次序训练的权重，就全错了，而形状一声不吭。（作者们发布自己模型用的那个库，也是前后两半的排法，而且公式里的 $D/2$ 在代码里是 $D/2-1$。论文里的公式和服务器上的权重，是两回事。）
#
# **其三：把位置拼在词旁边，而不是加上去。** 有篇文章说：词宽 3，位置宽 3，拼成一行就是 6。我们这里 4 加 4 是 8，可下一层等的是 4：

# %%
words, places = rng.normal(size=(3, 4)), sinusoidal(3, 4)
beside = np.concatenate([words, places], axis=1)
try:
    multi_head(beside, six["blocks"][0]["attention"], heads=2)
except ValueError as error:
    print(error)
A, B = rng.normal(size=(2, 4, 4))
assert_allclose(beside @ np.concatenate([A, B]), words @ A + places @ B)
assert_allclose((words + places) @ A, words @ A + places @ A)

# %% [markdown]
# Laying side by side isn't nonsense. A matrix of 8 rows after it is a matrix $A$ for the word and another, $B$, for the place, and adding is the case $A = B$. But it doubles the width of everything that follows, or it wants a matrix that brings it back to $D$. In a wide vector there is room enough for both, as long as words and places keep to different directions, and that can be learned.
#
# **Four: the forgotten $\sqrt D$.** Where the table of tokens also serves as the last matrix (it will, below), its entries start small, in 2017 with a standard deviation of $1/\sqrt D$, so a word has a length of about 1. A place has length $\sqrt{D/2}$. In the model of 2017, $D = 512$:

# %% [markdown] lang="zh"
# 拼在旁边也不算胡来。后面乘一个 8 行的矩阵，就等于给词用矩阵 $A$，给位置用另一个矩阵 $B$；相加则是 $A = B$ 的情形。只是这样一来，后面的一切都加宽了一倍，不然就得再用一个矩阵变回 $D$。宽的向量装得下两样东西，只要词和位置各走各的方向，而这是学得会的。
#
# **其四：忘了 $\sqrt D$。** 词元表如果还兼作最后那个矩阵（下面就是），表里的数一开始都很小，2017 年取的标准差是 $1/\sqrt D$，所以一个词的长度约为 1；一个位置的长度却是 $\sqrt{D/2}$。2017 年的模型里 $D = 512$：

# %%
D = 512
table = rng.normal(size=(1000, D)) / np.sqrt(D)
print(f"length of a word  {np.linalg.norm(table, axis=1).mean():.1f}")
print(f"length of a place {np.linalg.norm(sinusoidal(9, D)[8]):.1f}")
print(f"sqrt(D) * word    {np.linalg.norm(table * np.sqrt(D), axis=1).mean():.1f}")
assert_allclose(np.linalg.norm(sinusoidal(9, D), axis=1), np.sqrt(D / 2))

# %% [markdown]
# Sixteen to one against the word: the network would read a page of places with faint words on it. With the factor $\sqrt D$ the word is the louder one.
#
# ## A table that is learned
#
# GPT-2 and BERT take the plainest way of all: a second embedding table with a row for every place, learned like the first. When the model of 2017 was tried with both, they were "nearly identical". The table has one hard edge, though. It ends:

# %% [markdown] lang="zh"
# 十六比一，词落了下风：网络读到的是满页的位置，词只剩淡淡的影子。乘上 $\sqrt D$，词的声音才更响。
#
# ## 学出来的表
#
# GPT-2 和 BERT 用的是最省事的办法：再来一张嵌入表，每个位置一行，和第一张表一样学出来。2017 年的模型两种都试过，结果“几乎相同”。不过这张表有一道硬边，它有尽头：

# %%
tables = {"tokens": rng.normal(size=(10, 4)), "positions": rng.normal(size=(6, 4))}
ids = np.array([3, 1, 4, 1, 5, 9])
assert_allclose(embed(ids, tables), tables["tokens"][ids] + tables["positions"])
try:
    embed(np.append(ids, 2), tables)
except ValueError as error:
    print(error)
print("sinusoidal:", embed(np.append(ids, 2), tables, "sinusoidal").shape)

# %% [markdown]
# A row that no training text has reached keeps the random numbers it was born with. The waves have a value at every place; whether the network has learned what to do with it there is another question. And neither of them gives the network *distance* for nothing: it must learn to combine two absolute places.
#
# ## Turning instead of adding
#
# Where do we need distances? In one spot only: in the score $q_t \cdot k_s$, which decides who looks at whom. **Rotary positions** (RoPE, 2021) act there and nowhere else. Nothing is added to the words. Instead, every query and every key is *turned* by an angle that grows with its place.
#
# In the plane, let $R_\alpha$ turn a vector by $\alpha$. Two facts from school: turning by $\alpha$ and then by $\beta$ is turning by $\alpha + \beta$, and the transpose of a rotation turns back. So
#
# $$(R_{\omega t}\, q)\cdot(R_{\omega s}\, k) = q^\top R_{\omega t}^\top R_{\omega s}\, k = q^\top R_{\omega(s-t)}\, k$$
#
# The score contains $s - t$ alone, and no other trace of $s$ and $t$. By hand: $q = k = (1, 0)$, $\omega = 1$, the query at place 5, the key at place 3. The two arrows point to 5 and 3 radians, so their product is $\cos 2$:

# %% [markdown] lang="zh"
# 训练文本从没够到的那些行，还是出生时的随机数。波在任何位置都有值；可到了那里网络会不会用，是另一回事。而且两种办法都没有把**距离**白送给网络：它得自己学会把两个绝对位置合起来算。
#
# ## 不加，转
#
# 哪里用得着距离？只有一处：分数 $q_t \cdot k_s$，由它决定谁看谁。**旋转位置编码**（RoPE，2021）就只在这一处动手。词上什么也不加，而是把每个查询、每个键都**转**过一个角度，位置越靠后转得越多。
#
# 在平面上，用 $R_\alpha$ 表示把向量转过 $\alpha$。中学里学过两件事：先转 $\alpha$ 再转 $\beta$，等于转 $\alpha + \beta$；旋转矩阵的转置就是转回去。所以
#
# $$(R_{\omega t}\, q)\cdot(R_{\omega s}\, k) = q^\top R_{\omega t}^\top R_{\omega s}\, k = q^\top R_{\omega(s-t)}\, k$$
#
# 分数里只有 $s - t$，单独的 $s$ 和 $t$ 都不见了。动手算：$q = k = (1, 0)$，$\omega = 1$，查询在位置 5，键在位置 3。两个箭头分别指向 5 弧度和 3 弧度，乘积就是 $\cos 2$：

# %%
q = k = np.array([1.0, 0.0])
q5, k3 = rotate(q[None], start=5)[0], rotate(k[None], start=3)[0]
print("q at 5", q5.round(3), "  k at 3", k3.round(3), "  product", (q5 @ k3).round(3))
assert_allclose(q5, [np.cos(5), np.sin(5)])
assert_allclose(q5 @ k3, np.cos(2))
show_source(rotate)

# %% [markdown]
# A head of width $W$ has $W/2$ such pairs, with the same $\omega_i = 10000^{-2i/W}$ as above, fast and slow. (Here the pairs are the numbers $i$ and $i + W/2$, as in the files that Hugging Face hands out for Llama and SmolLM2. The paper and Llama's own code pair neighbours. Both are right, with the weights that belong to them.) Now any query and key, at several pairs of places:

# %% [markdown] lang="zh"
# 宽度为 $W$ 的头有 $W/2$ 个这样的对，$\omega_i = 10000^{-2i/W}$ 与前面相同，有快有慢。（这里第 $i$ 个数与第 $i + W/2$ 个数配成一对，Hugging Face 上 Llama 和 SmolLM2 的文件就是这样；论文和 Llama 自己的代码则是相邻两个配对。配上各自的权重，两种都对。）现在随便取一个查询、一个键，放到几组位置上：

# %%
q, k = rng.normal(size=(2, 1, 16))
for t, s in ((7, 4), (107, 104), (4, 7)):
    score = rotate(q, start=t)[0] @ rotate(k, start=s)[0]
    print(f"query at {t:>3}, key at {s:>3}: {score:.4f}")
assert_allclose(
    rotate(q, start=7)[0] @ rotate(k, start=4)[0], rotate(q, start=107)[0] @ rotate(k, start=104)[0]
)
assert_allclose(np.linalg.norm(rotate(q, start=99)), np.linalg.norm(q))  # the length stays

# %% [markdown]
# The same distance, the same score. Three ahead and three behind are different, as they should be. Now the product against distance, for a query and a key that are all ones. By the formula it is $2\sum_i \cos(\omega_i d)$. What does the *base*, the 10000, do to it?

# %% [markdown] lang="zh"
# 距离相同，分数就相同；前三个和后三个则不同，理应如此。再看乘积随距离怎么变：查询和键都取全 1，照公式就是 $2\sum_i \cos(\omega_i d)$。公式里的**底数** 10000 管什么？

# %%
distance, ones = np.arange(512), np.ones((512, 64))


def draw(axes, base):
    keys = rotate(ones, base=float(base))
    axes.plot(distance, keys @ keys[0], label="from 0")
    later = rotate(ones, start=1000, base=float(base))
    axes.plot(distance[::16], (later @ later[0])[::16], "o", label="from 1000")
    axes.set(xlabel="distance $d$ (tokens)", ylabel="product", ylim=(-25, 68))
    if base == 100:
        axes.legend(loc="upper right")


explore(draw, base=[100, 10_000, 1_000_000])
keys, later = rotate(ones), rotate(ones, start=1000)
assert_allclose(keys @ keys[0], later @ later[0], atol=1e-9)
frequency = 10000.0 ** (-np.arange(0, 64, 2) / 64)
assert_allclose(keys @ keys[0], 2 * np.cos(np.outer(distance, frequency)).sum(axis=1), atol=1e-9)

# %% [markdown]
# **Figure.** Product of a turned query and a turned key (64 ones each) against their distance, for three bases. The line is measured from place 0, the dots from place 1000, and they agree. Each starts at 64 and falls with ripples: with base 100 quickly, and then it wanders about zero; the larger the base, the more slowly.

# %% [markdown] lang="zh"
# **图.** 转过的查询与转过的键（各 64 个 1）的乘积随距离的变化，三种底数各一幅。线是从位置 0 量的，点是从位置 1000 量的，两者吻合。三条都从 64 起步，带着波纹往下走：底数 100 降得很快，随后在零附近徘徊；底数越大，降得越慢。

# %% [markdown]
# Where query and key agree, near words get a head start, for nothing. A larger base lets the slow hands turn more slowly, and models for long texts take one. Three schemes, then, and this course's models have all three:
#
# | | where | how far | used by |
# |---|---|---|---|
# | sinusoidal | added to the word, once | any place | the Transformer of 2017 |
# | learned | added to the word, once | to the end of its table | GPT-2, BERT |
# | rotary | turns queries and keys, in every layer | any place | Llama, SmolLM2 |

# %% [markdown] lang="zh"
# 查询与键相合的时候，离得近的词天生就占先。底数大，慢针转得更慢，读长文本的模型用的就是大底数。这样一共三种，本课程的模型三种都有：
#
# | | 用在哪里 | 能到多远 | 谁在用 |
# |---|---|---|---|
# | 正弦 | 加到词上，只加一次 | 任意位置 | 2017 年的 Transformer |
# | 学习 | 加到词上，只加一次 | 到表的尽头 | GPT-2、BERT |
# | 旋转 | 每一层都转查询和键 | 任意位置 | Llama、SmolLM2 |

# %% [markdown]
# ## A mean can't think
#
# The weights of attention are positive and sum to one. So whatever a head finds is a *mean* of values, and lies between the smallest and the largest of them, component by component. It can fetch and it can mix. But a token alone with itself gets a matrix product and nothing more, $x W_v W_o$, from which not even an absolute value can be had.
#
# So behind each attention stands a **feed-forward network**, the two layers of lesson 06, applied to the vector of every place by itself:
#
# $$\mathrm{ff}(x) = f(x\, W_\text{up} + b_\text{up})\; W_\text{down} + b_\text{down}$$
#
# $W_\text{up}$ widens from $D$ to $F$ (usually $4D$), the activation function $f$ bends, $W_\text{down}$ brings the result back to $D$. In 2017 the bend was $\mathrm{relu}(a) = \max(a, 0)$. By hand, $D = 1$ and $F = 2$, the absolute value:

# %% [markdown] lang="zh"
# ## 平均数不会思考
#
# 注意力的权重都是正的，加起来等于一。所以一个头找到的东西，总归是若干个值的**平均**，每个分量都夹在最小值和最大值之间。取东西、掺东西，它都行。可要是只剩一个词元对着自己，得到的不过是矩阵乘积 $x W_v W_o$，连一个绝对值都算不出来。
#
# 所以每个注意力后面都跟着一个**前馈网络**，也就是第 06 课的那两层，对每个位置的向量单独做一遍：
#
# $$\mathrm{ff}(x) = f(x\, W_\text{up} + b_\text{up})\; W_\text{down} + b_\text{down}$$
#
# $W_\text{up}$ 把宽度从 $D$ 放大到 $F$（通常是 $4D$），激活函数 $f$ 拐个弯，$W_\text{down}$ 再收回到 $D$。2017 年拐弯用的是 $\mathrm{relu}(a) = \max(a, 0)$。动手算：$D = 1$，$F = 2$，算绝对值：

# %%
absolute = {"up": np.array([[1.0, -1.0]]), "down": np.array([[1.0], [1.0]])}
for x in (-3.0, 2.0):
    up = np.array([x]) @ absolute["up"]
    print(f"{x:4.1f} -> up {up} -> relu {np.maximum(up, 0)} -> down", np.maximum(up, 0).sum())
x = rng.normal(size=(5, 1))
assert_allclose(feed_forward(x, absolute, "relu"), abs(x))
W = six["blocks"][0]["attention"]
found = multi_head(read("狗咬人"), W, heads=2)[1]
assert (found["found"] <= found["value"].max(axis=-2, keepdims=True) + 1e-12).all()  # only means
assert (found["found"] >= found["value"].min(axis=-2, keepdims=True) - 1e-12).all()
x = rng.normal(size=(1, 4))  # a token alone with itself
assert_allclose(multi_head(x, W, heads=2)[0], x @ W["value"] @ W["output"])

# %% [markdown]
# The last lines hold attention to its word: no number that it found lies outside its values, and for a lone token it is a matrix product. Two more facts about the feed-forward network. Without the bend, two matrices are one. And no place sees another: take a row alone and nothing changes.

# %% [markdown] lang="zh"
# 最后几行是在验注意力的底：它找到的数，没有一个跑到值的范围之外；只有一个词元时，它就是矩阵乘积。前馈网络还有两件事要说。没有那个弯，两个矩阵就等于一个。再者，位置之间互不相见：单拿一行出来算，结果不变。

# %%
up, down = rng.normal(size=(4, 16)), rng.normal(size=(16, 4))
x = rng.normal(size=(3, 4))
assert_allclose((x @ up) @ down, x @ (up @ down))  # without a bend: one matrix
together = feed_forward(x, {"up": up, "down": down}, "relu")
assert_allclose(together[1], feed_forward(x[1], {"up": up, "down": down}, "relu"))
print("place 1 among others", together[1].round(3))
print("place 1 alone       ", feed_forward(x[1], {"up": up, "down": down}, "relu").round(3))

# %% [markdown]
# So the work is divided: attention moves things between places, the feed-forward network thinks about them at each place.
#
# Which bend? There is a small zoo. The **GELU** of GPT-2 and BERT, $a \cdot P(X \le a)$ with $X$ normal, is a relu with a soft corner; GPT-2 computes it by a formula with tanh, BERT exactly. **SiLU** is $a\,\sigma(a)$, the number times its own gate. Squared relu sharpens instead:

# %% [markdown] lang="zh"
# 分工就是这样：注意力在位置之间搬东西，前馈网络在每个位置上琢磨搬来的东西。
#
# 用哪种弯？花样不少。GPT-2 和 BERT 用的 **GELU** 是 $a \cdot P(X \le a)$，其中 $X$ 服从标准正态分布，相当于拐角磨圆了的 relu；GPT-2 用含 tanh 的式子去算，BERT 则算得精确。**SiLU** 是 $a\,\sigma(a)$，一个数乘以自己的门。relu 的平方则反过来，更陡：

# %%
a = np.linspace(-3, 2, 201)
bends = {"relu": np.maximum(a, 0), "GELU": gelu(a), "SiLU": silu(a), "relu²": relu_squared(a)}
figure, axes = plt.subplots(figsize=(6.4, 2.8))
for (name, values), style in zip(bends.items(), ("-", "--", "-.", ":"), strict=True):
    axes.plot(a, values, style, label=name)
axes.set(xlabel="number $a$ before the bend", ylabel="number after it", ylim=(-0.5, 3))
axes.legend()
plt.show()
gap = abs(gelu(a) - gelu(a, exact=True)).max()
print(f"tanh form and exact GELU differ by {gap:.4f} at most")
assert gap < 5e-4

# %% [markdown]
# **Figure.** Four bends. Relu is zero on the left and a straight line on the right. Seen from afar GELU and SiLU look like it; they dip a little below zero on the left and round off the corner. The squared relu is zero on the left and a parabola on the right.

# %% [markdown] lang="zh"
# **图.** 四种弯。relu 左边是零，右边是直线。GELU 和 SiLU 远看和它一样，左边略低于零，拐角是圆的。relu 的平方左边是零，右边是抛物线。

# %% [markdown]
# Llama and SmolLM2 have a third matrix: $\mathrm{silu}(x W_\text{gate}) \odot (x W_\text{up})$, called **SwiGLU**. One product says what, the other how much of it passes: a gate as in lesson 08, except that this one has no upper stop. Two hand-made gates, one open at 20, one shut:

# %% [markdown] lang="zh"
# Llama 和 SmolLM2 多一个矩阵：$\mathrm{silu}(x W_\text{gate}) \odot (x W_\text{up})$，叫 **SwiGLU**。一个乘积说“是什么”，另一个说“放多少过去”：和第 08 课的门一样，只是往大里开没有限度。亲手造两个门，一个开到 20，一个关死：

# %%
gated = {"up": np.array([[3.0, 3.0]]), "gate": np.array([[20.0, -20.0]]), "down": np.eye(2)}
passed = feed_forward(np.array([[1.0]]), gated, "swiglu")
print(passed.round(6) + 0)  # 20 * 3 passes, -20 * 3 does not
assert_allclose(passed, [[60, 0]], atol=1e-6)

# %% [markdown]
# ## Keeping the size: the norm
#
# Stack twenty such parts, and numbers that grow by a quarter at each part are more than eighty times as large at the end. **Layer normalization** brings each vector back to size before it is read: subtract its mean, divide by its standard deviation, then let the network choose a scale and an offset for each component:
#
# $$n = \frac{x - \bar x}{\sqrt{\tfrac1D\sum_j (x_j - \bar x)^2 + \varepsilon}}, \qquad y = n \odot \text{scale} + \text{offset}$$
#
# ($\varepsilon = 10^{-5}$ keeps the root away from zero.) The mean runs over the $D$ numbers of *one* vector, not over the text and not over the batch: what a place gets never depends on its neighbours. By hand, $x = (1, 3, 5, 7)$: the mean is 4, the variance $(9+1+1+9)/4 = 5$.
#
# **RMS normalization** leaves the mean alone and divides by the root of the mean square: $(1, 7)$ has the mean square 25, so it becomes $(0.2, 1.4)$. One step less, one set of parameters less, and Llama's choice.

# %% [markdown] lang="zh"
# ## 管住大小：归一化
#
# 叠二十个这样的零件，每过一个数值就大四分之一，到头来就是原来的八十多倍。**层归一化**在读每个向量之前先把它恢复到固定的大小：减去均值，除以标准差，再让网络给每个分量选一个缩放和一个平移：
#
# $$n = \frac{x - \bar x}{\sqrt{\tfrac1D\sum_j (x_j - \bar x)^2 + \varepsilon}}, \qquad y = n \odot \text{scale} + \text{offset}$$
#
# （$\varepsilon = 10^{-5}$，免得根号里是零。）均值是对**一个**向量的 $D$ 个数取的，不跨文本，也不跨批：一个位置得到什么，与邻居无关。动手算 $x = (1, 3, 5, 7)$：均值是 4，方差是 $(9+1+1+9)/4 = 5$。
#
# **均方根归一化**（RMS）不动均值，只除以均方根：$(1, 7)$ 的均方是 25，所以变成 $(0.2, 1.4)$。少一步，少一组参数，Llama 选的就是它。

# %%
x, one, zero = np.array([1.0, 3.0, 5.0, 7.0]), np.ones(4), np.zeros(4)
y, _ = layer_norm(x, one, zero)
print("layer norm", y.round(3), " rms norm of (1, 7)", rms_norm([1.0, 7.0], np.ones(2))[0].round(3))
assert_allclose(y, (x - 4) / np.sqrt(5), atol=1e-5)
assert_allclose(rms_norm([1.0, 7.0], np.ones(2))[0], [0.2, 1.4], atol=1e-6)
louder, _ = layer_norm(100 * x + 3, one, zero)  # louder and shifted
assert_allclose(louder, y, atol=1e-5)
assert_allclose(rms_norm(x - 4, one)[0], y, atol=1e-12)  # mean 0: both norms agree
print("100 x + 3 ", louder.round(3))
print("1.25^20   ", round(1.25**20, 1))
assert 80 < 1.25**20 < 100

# %% [markdown]
# What the norm takes out on the way forward, it takes out of the slopes on the way back as well. Pulling all numbers up together changes nothing, nor does stretching the vector; so the slope has no part along $(1, \dots, 1)$ and none along $n$. A vector of eight numbers, with finite differences as the witness:

# %% [markdown] lang="zh"
# 归一化往前走时抹掉了什么，斜率往回走时也一样抹掉。所有的数一起往上提，结果不变；把向量拉长，结果也不变。所以斜率在 $(1, \dots, 1)$ 方向上没有分量，在 $n$ 方向上也没有。取一个八个数的向量，让有限差分来作证：

# %%
x, pull = rng.normal(size=8), rng.normal(size=8)
scale, offset = rng.normal(size=8), rng.normal(size=8)
_, cache = layer_norm(x, scale, offset)
slope = layer_norm_backward(pull, cache)[0]
step = 1e-5 * np.eye(8)
loss = [layer_norm(x + s * step, scale, offset)[0] @ pull for s in (1, -1)]
assert_allclose(slope, (loss[0] - loss[1]) / 2e-5, atol=1e-8)
along = abs(slope.sum()), abs(slope @ cache["normal"])
print(f"along (1, ..., 1): {along[0]:.4f}   along n: {along[1]:.4f}")
assert along[0] < 1e-9 and along[1] < 1e-3  # epsilon leaves a trace

# %% [markdown]
# ## The residual stream
#
# The last part has no weights at all. It is a plus sign. Lesson 08 has taught us what it is worth: the LSTM's cell survives because it is *kept* and something is *added*. In the Transformer, depth takes the place of time. Each part $f$ (attention, feed-forward) reads the vectors and adds what it has found:
#
# $$x \;\leftarrow\; x + f(\mathrm{norm}(x))\quad\text{(pre-norm)} \qquad\qquad x \;\leftarrow\; \mathrm{norm}(x + f(x))\quad\text{(post-norm)}$$
#
# The sum is a **residual connection**, and the vectors that run through all parts, $(T, D)$ from bottom to top, are called the **residual stream**. **Post-norm** is the Transformer of 2017, and BERT. **Pre-norm** is GPT-2 and nearly everything since; there the stream itself is never normalized, so one norm more stands at its end.
#
# A **block** is one round of it: look around (attention), look across at another text if there is one, think (feed-forward). In the package it is this:

# %% [markdown] lang="zh"
# ## 残差流
#
# 最后一个零件没有任何权重，它就是一个加号。加号值多少，第 08 课教过：LSTM 的细胞之所以活得下来，是因为它被**留着**，再往上**加**东西。在 Transformer 里，深度顶替了时间。每个零件 $f$（注意力、前馈）读一读这些向量，把找到的东西加上去：
#
# $$x \;\leftarrow\; x + f(\mathrm{norm}(x))\quad\text{（pre-norm）} \qquad\qquad x \;\leftarrow\; \mathrm{norm}(x + f(x))\quad\text{（post-norm）}$$
#
# 这个加法叫**残差连接**；从下到上穿过所有零件的那些向量，形状始终是 $(T, D)$，叫**残差流**。**后置归一化**（post-norm）是 2017 年的 Transformer，也是 BERT；**前置归一化**（pre-norm）是 GPT-2 和此后几乎所有的模型：那里残差流自己从不归一化，所以末尾要多放一个归一化。
#
# 一个**块**就是走一轮：看看四周（注意力），如果另有一段文本就看看对面，再想一想（前馈）。包里是这样写的：

# %%
show_source(block)

# %% [markdown]
# In a pre-norm block the end of the stream is the beginning plus everything that the parts have added. No part can erase what another wrote; at best it adds the opposite:

# %% [markdown] lang="zh"
# 在前置归一化的块里，残差流的终点等于起点加上各零件添的所有东西。谁也擦不掉别人写的，顶多加一个相反的数：


# %%
layers = {"blocks": [random_block(16, 64, rng) for _ in range(3)]}
x = rng.normal(size=(5, 16))
end, caches = stack(x, layers, heads=4)
stream = [x]
for cache in caches:
    stream += [cache["after_attention"], cache["after_feed_forward"]]
added = [after - before for before, after in zip(stream, stream[1:], strict=False)]
print("size of what each part adds:", *[f"{np.sqrt((a**2).mean()):.2f}" for a in added])
print("size of the stream         :", *[f"{np.sqrt((s**2).mean()):.2f}" for s in stream])
assert_allclose(end, x + sum(added))

# %% [markdown]
# ## One sentence, every number
#
# All parts are on the table. Now the whole machine, as it was in 2017, only smaller: an **encoder** of one block reads the Chinese sentence, a **decoder** of one block writes the English one. Width $D = 4$, two heads of width 2, $F = 8$, post-norm, relu, sinusoidal places, no biases. Every weight is one of $-1, -\tfrac12, 0, \tfrac12, 1$, drawn by dice and printed here, so that you can check any number below with a pencil.
#
# The helper prints a tensor with its name and its shape, one row a token, heads side by side, and keeps it for later.

# %% [markdown] lang="zh"
# ## 一句话，每个数
#
# 零件齐了。现在看整台机器，和 2017 年的一样，只是小一些：一个块的**编码器**读中文句子，一个块的**解码器**写英文句子。宽度 $D = 4$，两个头各宽 2，$F = 8$，后置归一化，relu，正弦位置，没有偏置。每个权重都是 $-1$、$-\tfrac12$、$0$、$\tfrac12$、$1$ 中的一个，掷骰子定的，这里全部打印出来；下面任何一个数，你都可以用铅笔核对。
#
# 下面的小函数打印张量的名字和形状，一行一个词元，几个头并排，同时把它记下来备用。

# %%
from unicodedata import east_asian_width

trace = {}


def show(name, x, tokens):
    """Print a tensor (T, D), or (H, T, D) with its heads side by side, and remember it."""
    trace[name] = x = np.asarray(x)
    print(f"{name}  {x.shape}")
    for token, *parts in zip(tokens, *(x if x.ndim == 3 else x[None]), strict=True):
        wide = sum(east_asian_width(letter) == "W" for letter in token)
        rows = ["".join(f"{v + 0:7.2f}" for v in part.round(2)) for part in parts]
        print(f"  {token:<{11 - wide}}" + "   |".join(rows))


# %%
chinese = ["我", "爱", "北京", "天安门"]
english = ["<s>", "I", "love", "Beijing", "Tian'anmen", "</s>"]
source, target = np.arange(4), np.arange(5)  # the decoder reads <s> I love Beijing Tian'anmen
D, H, W, F = 4, 2, 2, 8
dice = np.random.default_rng(123)


def halves(*shape):
    return dice.integers(-2, 3, shape) / 2


def mixes():
    return {name: halves(D, D) for name in ("query", "key", "value", "output")}


# %%
plain = {"scale": np.ones(D), "offset": np.zeros(D)}
norms = {f"{part}_norm": plain for part in ("attention", "cross", "feed_forward")}
E_zh, E_en = halves(4, D), halves(6, D)
enc = {"attention": mixes(), "feed_forward": {"up": halves(D, F), "down": halves(F, D)}} | norms
dec = {"attention": mixes(), "cross": mixes()}
dec |= {"feed_forward": {"up": halves(D, F), "down": halves(F, D)}} | norms


# %%
def dice_shown(title, matrices):
    print(title, *matrices, sep="  ")
    for row in zip(*matrices.values(), strict=True):
        print("   |".join("".join(f"{number:5.1f}" for number in part) for part in row))


for name, side in {"encoder": enc, "decoder": dec}.items():
    for part in ("attention", "cross", "feed_forward"):
        if part in side:
            matrices = dict(side[part])
            if part == "feed_forward":  # (8, 4): turned, so that it stands beside (4, 8)
                matrices = {"up": matrices["up"], "down, turned": matrices["down"].T}
            dice_shown(f"{name} {part}:", matrices)

# %% [markdown]
# **Into the encoder.** Each id picks a row of the table; the row is multiplied by $\sqrt 4 = 2$; the place is added.

# %% [markdown] lang="zh"
# **进编码器。** 每个编号从表里取出一行，乘以 $\sqrt 4 = 2$，再加上位置。

# %%
show("embedding", E_zh[source], chinese)
show("place", sinusoidal(4, D), chinese)
x = np.sqrt(D) * E_zh[source] + sinusoidal(4, D)
show("x", x, chinese)

# %% [markdown]
# **The encoder looks around.** Three products give queries, keys and values. Each is cut into two heads: the first two columns are head 0, the last two head 1, printed side by side. Scores, softmax, weighted mean, heads joined, mixed by the output matrix. Apart from its prints, this function is lesson 10 in nine lines; it will serve three times:

# %% [markdown] lang="zh"
# **编码器看四周。** 三个乘积得出查询、键、值。各切成两个头：前两列是 0 号头，后两列是 1 号头，并排打印。算分数，过 softmax，加权平均，把头拼回去，再用输出矩阵混合。除去打印，这个函数就是第 10 课，一共九行，下面要用三次：


# %%
def look(name, x, memory, weights, rows, columns, mask=None):
    q = split_heads(x @ weights["query"], H)
    k = split_heads(memory @ weights["key"], H)
    v = split_heads(memory @ weights["value"], H)
    scores = q @ k.swapaxes(1, 2) / np.sqrt(W)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    share = softmax(scores)  # each row sums to 1
    found = share @ v
    show(f"{name} q", q, rows)
    show(f"{name} k", k, columns)
    show(f"{name} v", v, columns)
    show(f"{name} scores", scores, rows)
    show(f"{name} weights", share, rows)
    show(f"{name} found", found, rows)
    show(f"{name} output", join_heads(found) @ weights["output"], rows)
    return trace[f"{name} output"]


output = look("encoder", x, x, enc["attention"], chinese, chinese)

# %% [markdown]
# Take one number and follow it back: the weight with which 我 looks at 北京 in head 0. Query times key over $\sqrt 2$, against the other three scores of the row:

# %% [markdown] lang="zh"
# 挑一个数，倒着查一遍：0 号头里，“我”看“北京”的权重。查询乘键除以 $\sqrt 2$，再与这一行另外三个分数放在一起：

# %%
q, k = trace["encoder q"][0], trace["encoder k"][0]
score = (q[0, 0] * k[2, 0] + q[0, 1] * k[2, 1]) / 2**0.5
row = [(q[0] * k[s]).sum() / 2**0.5 for s in range(4)]
weight = np.exp(score) / sum(np.exp(row))
print(f"({q[0, 0]:.2f} * {k[2, 0]:.2f} + {q[0, 1]:.2f} * {k[2, 1]:.2f}) / 1.41 = {score:.2f}")
print(f"e^{score:.2f} / sum = {np.exp(score):.2f} / {sum(np.exp(row)):.2f} = {weight:.2f}")
assert_allclose(weight, trace["encoder weights"][0, 0, 2])
assert_allclose(trace["encoder weights"].sum(axis=-1), 1)

# %% [markdown]
# **Add, normalize, think, add, normalize.** What was found is added to what came in, and the sum is normalized: now every row has mean 0 and mean square 1. Then each row goes through the feed-forward network alone: 8 numbers, the negative ones cut off, back to 4.

# %% [markdown] lang="zh"
# **加，归一化，想，加，归一化。** 找到的加到原来的上面，和再归一化：现在每一行的均值是 0，均方是 1。然后每一行单独走一遍前馈网络：变成 8 个数，负的截掉，再变回 4 个。


# %%
def add(name, x, output, rows):
    total = x + output
    deviation = np.sqrt(total.var(axis=1, keepdims=True) + 1e-5)
    show(f"{name} sum", total, rows)
    show(f"{name} normalized", (total - total.mean(axis=1, keepdims=True)) / deviation, rows)
    return trace[f"{name} normalized"]


def think(name, x, weights, rows):
    hidden = np.maximum(x @ weights["up"], 0)
    show(f"{name} hidden", hidden, rows)
    show(f"{name} thought", hidden @ weights["down"], rows)
    return add(f"{name} thinking", x, hidden @ weights["down"], rows)


x = add("encoder", x, output, chinese)
memory = think("encoder", x, enc["feed_forward"], chinese)
assert_allclose(memory.mean(axis=1), 0, atol=1e-12)
assert_allclose((memory**2).mean(axis=1), 1, atol=1e-4)

# %% [markdown]
# The last four rows are the **memory**: 我爱北京天安门 as the decoder will know it.
#
# **Into the decoder.** It reads what has been written so far, begun by `<s>`. In training the whole target is there at once, one step behind, and the causal mask of lesson 10 keeps each row from looking ahead. Every row is one exercise: after `<s>` say `I`, after `<s> I` say `love`, and so on. So five predictions are made in one go, and the recurrent network's queue is gone.

# %% [markdown] lang="zh"
# 最后这四行就是**记忆**：解码器眼里的“我爱北京天安门”。
#
# **进解码器。** 它读的是到目前为止写下的东西，以 `<s>` 开头。训练时整个目标句一次给全，只是错后一步；第 10 课的因果掩码让每一行都看不到后面。每一行是一道题：读到 `<s>` 要说 `I`，读到 `<s> I` 要说 `love`，依此类推。于是五次预测一次做完，循环网络那样的排队没有了。

# %%
read_so_far = english[:5]
y = np.sqrt(D) * E_en[target] + sinusoidal(5, D)
show("target embedding", E_en, english)
show("y", y, read_so_far)
output = look("decoder", y, y, dec["attention"], read_so_far, read_so_far, causal_mask(5))
y = add("decoder", y, output, read_so_far)
assert (np.triu(trace["decoder weights"], 1) == 0).all()  # nobody looks ahead

# %% [markdown]
# **The decoder looks across.** This is the one new wire, **cross-attention**: the queries come from the *decoder*, keys and values from the *memory*. So the table of weights has a row for each English token and a column for each Chinese one, and there is no causal mask, since the source is known from end to end. Then it thinks, like the encoder.

# %% [markdown] lang="zh"
# **解码器看对面。** 新的连线只有这一条，叫**交叉注意力**：查询来自**解码器**，键和值来自**记忆**。所以这张权重表，每个英文词元一行，每个中文词元一列；也没有因果掩码，因为源句从头到尾都已知道。接着它也想一想，和编码器一样。

# %%
output = look("cross", y, memory, dec["cross"], read_so_far, chinese)
y = add("cross", y, output, read_so_far)
y = think("decoder", y, dec["feed_forward"], read_so_far)

# %% [markdown]
# **Out of the decoder.** The last vector of each row is compared with the vector of every English token: a product is a score. The table of embeddings serves a second time here; one says the weights are **tied**. Softmax makes probabilities of the scores:

# %% [markdown] lang="zh"
# **出解码器。** 每一行最后的向量，与每个英文词元的向量比一比，乘积就是分数。嵌入表在这里第二次派上用场，这叫权重**共享**。softmax 把分数变成概率：

# %%
logits = y @ E_en.T
show("logits", logits, read_so_far)
print(" " * 15 + "  ".join(f"{token[:5]:>5}" for token in english))
show("probability", softmax(logits), read_so_far)
surprise = cross_entropy(logits, np.arange(1, 6))
print(
    f"mean surprise at I love Beijing Tian'anmen </s>: {surprise:.2f} nats; ln 6 = {np.log(6):.2f}"
)

# %% [markdown]
# No translation yet: the weights are dice. But every number on the way has a name. The package's `encoder_decoder` takes the same weights and must come to the same scores, and its caches to the same tables:

# %% [markdown] lang="zh"
# 还谈不上翻译，权重是骰子掷的；但一路上每个数都有名有姓。把同样的权重交给包里的 `encoder_decoder`，必须得到同样的分数；它缓存里的各张表，也必须一样：

# %%
encoder = {"tokens": E_zh, "blocks": [enc]}
decoder = {"tokens": E_en, "blocks": [dec]}
options = {"heads": H, "post_norm": True, "activation": "relu"}
whole = encoder_decoder(source, target, {"encoder": encoder, "decoder": decoder}, **options)
assert_allclose(whole, trace["logits"], atol=1e-12)
m, (cache,) = stack(embed(source, encoder, "sinusoidal"), encoder, **options)
assert_allclose(m, trace["encoder thinking normalized"], atol=1e-12)
assert_allclose(cache["attention"]["weights"], trace["encoder weights"], atol=1e-12)
y0 = embed(target, decoder, "sinusoidal")
_, (cache,) = stack(y0, decoder, memory=m, mask=causal_mask(5), **options)
assert_allclose(cache["attention"]["weights"], trace["decoder weights"], atol=1e-12)
assert_allclose(cache["cross"]["weights"], trace["cross weights"], atol=1e-12)
print(len(trace), "tensors by hand; the package agrees")
show_source(encoder_decoder)

# %% [markdown]
# ## The same tensors in Keras
#
# The course's layers are the same parts over: `Embedding` with its places, `Attention` (lesson 10), `LayerNorm`, `FeedForward`, and `Block`, which with `cross=True` also looks at a memory. First the small ones, against ours in NumPy, the norms also against Keras's own:

# %% [markdown] lang="zh"
# ## 在 Keras 里再算一遍
#
# 本课程的层就是同样的零件：带位置的 `Embedding`、`Attention`（第 10 课）、`LayerNorm`、`FeedForward`，还有 `Block`，它加上 `cross=True` 就会看对面。先看小的，与我们的 NumPy 版本比，归一化还与 Keras 自带的比：

# %%
import keras
import tensorflow as tf
from keras import ops

from lmcourse.layers import positions as layer_positions
from lmcourse.layers.block import Block, BlockConfig
from lmcourse.layers.embedding import Embedding
from lmcourse.layers.normalization import LayerNorm, RMSNorm
from lmcourse.training.schedules import constant, cosine, warmup

# %%
x = rng.normal(size=(2, 7, 16)).astype("float32")
one, zero = np.ones(16), np.zeros(16)
for ours, theirs, in_numpy in (
    (LayerNorm(), keras.layers.LayerNormalization(epsilon=1e-5), layer_norm(x, one, zero)[0]),
    (RMSNorm(), keras.layers.RMSNormalization(epsilon=1e-5), rms_norm(x, one)[0]),
):
    assert_allclose(ours(x), in_numpy, atol=1e-5)
    assert_allclose(theirs(x), in_numpy, atol=1e-5)
turns = layer_positions.rotations(7, 16)
assert_allclose(layer_positions.rotate(x, turns), rotate(x), atol=1e-5)
assert_allclose(layer_positions.sinusoidal(7, 16), sinusoidal(7, 16), atol=1e-6)
assert_allclose(ops.gelu(x, approximate=True), gelu(x), atol=1e-5)
print("norms, places, turns and bends agree to 1e-5")

# %% [markdown]
# And the machine around them, an encoder and a decoder of one block each. It can be built with a part missing, which we will need:

# %% [markdown] lang="zh"
# 再看围着它们的整台机器：编码器和解码器各一个块。造的时候可以少装一个零件，待会儿用得着：


# %%
class Translator(keras.Model):
    """Score every next target token: source ids (B, S), target ids (B, T) -> (B, T, V)."""

    def __init__(self, config, sizes, positions="sinusoidal", cross=True):
        super().__init__()
        self.source = Embedding(sizes[0], 16, config.width, positions)
        self.target = Embedding(sizes[1], 16, config.width, positions)
        self.encoder, self.decoder = Block(config), Block(config, cross=cross)

    def call(self, texts):
        memory = self.encoder(self.source(texts[0]))
        across = {} if self.decoder.cross is None else {"memory": memory}
        mask = np.tri(texts[1].shape[1], dtype=bool)
        y = self.decoder(self.target(texts[1]), attention_mask=mask, **across)
        return self.target.score(y)


# %% [markdown]
# The dice of the hand computation go in, tensor by tensor, and each of the tensors comes out again:

# %% [markdown] lang="zh"
# 把手算用的那些骰子逐个填进去，再逐个张量核对：


# %%
def fill(block, weights):
    for part in ("attention", "cross"):
        for name, kernel in weights.get(part, {}).items():
            dense = "output_dense" if name == "output" else name
            attention = getattr(block, part)
            getattr(attention, dense).kernel.assign(kernel)
    for name, kernel in weights["feed_forward"].items():
        getattr(block.feed_forward, name).kernel.assign(kernel)


as_in_2017 = dict(post_norm=True, activation="relu")
config = BlockConfig(width=D, heads=H, hidden=F, bias=False, **as_in_2017)
model = Translator(config, (4, 6))
model.source.tokens.assign(E_zh)
model.target.tokens.assign(E_en)
fill(model.encoder, enc)
fill(model.decoder, dec)

# %%
x = model.source(source[None])
output, weights = model.encoder.attention(x, return_weights=True)
normalized = model.encoder.attention_norm(x + output)
memory = model.encoder(x)
in_keras = {
    "x": x,
    "encoder weights": weights,
    "encoder output": output,
    "encoder normalized": normalized,
    "encoder thought": model.encoder.feed_forward(normalized),
    "encoder thinking normalized": memory,
}

# %%
y, mask = model.target(target[None]), np.tri(5, dtype=bool)
output, weights = model.decoder.attention(y, attention_mask=mask, return_weights=True)
own = model.decoder.attention_norm(y + output)
output, cross_weights = model.decoder.cross(own, memory=memory, return_weights=True)
across = model.decoder.cross_norm(own + output)
in_keras |= {
    "y": y,
    "decoder weights": weights,
    "decoder normalized": own,
    "cross weights": cross_weights,
    "cross normalized": across,
    "decoder thought": model.decoder.feed_forward(across),
    "logits": model((source[None], target[None])),
}

# %%
for name, value in in_keras.items():
    value = ops.convert_to_numpy(value)[0]
    assert_allclose(value, trace[name], atol=1e-5)
    print(f"{name:<28} {value.shape!s:<10} equal")

# %% [markdown]
# ## Does it translate?
#
# Weights from dice don't. Let us train them, on a language small enough to know everything about it: persons and verbs, and places in four cities. It has two snares. 我 is *I* as a subject and *me* as an object; and after *he* and *she* the verb takes an *s*. Sentences that are too short are filled up with `</s>`.

# %% [markdown] lang="zh"
# ## 它会翻译吗？
#
# 骰子掷的权重当然不会。来训练一下，用一门小到我们无所不知的语言：几个人、几个动词、四座城市里的几处地方。它有两个机关：“我”作主语是 *I*，作宾语是 *me*；*he* 和 *she* 后面的动词要加 *s*。不够长的句子用 `</s>` 填满。

# %%
from itertools import product

persons = {"我": "I me", "你": "you you", "他": "he him", "她": "she her"}
persons |= {"我们": "we us", "他们": "they them"}
verbs = {"爱": "love", "看见": "see", "认识": "know", "记得": "remember"}
cities = {"北京": "Beijing", "上海": "Shanghai", "成都": "Chengdu", "西安": "Xi'an"}
sights = {"天安门": "Tian'anmen", "大学": "University", "公园": "Park", "车站": "Station"}

# %%
pairs = []
for subject, verb in product(persons, verbs):
    who = persons[subject].split()[0]
    does = verbs[verb] + "s" if who in ("he", "she") else verbs[verb]
    for other in persons:
        whom = persons[other].split()[1]
        if other != subject:
            pairs.append(([subject, verb, other, "</s>"], [who, does, whom, "</s>"]))
    for city, sight in product(cities, sights):
        pairs.append(([subject, verb, city, sight], [who, does, cities[city], sights[sight]]))
pairs.sort()
print(len(pairs), "sentences, such as")
for zh, en in pairs[::130]:
    print("  ", "".join(zh), "→", *en)

# %% [markdown]
# Held out: every sentence in which 北京 stands before 天安门, ours among them, and besides every tenth sentence of the list. The network will meet 北京大学 and 成都天安门, but never 北京天安门.

# %% [markdown] lang="zh"
# 留出来不给它看的：凡是“北京”后面跟“天安门”的句子，包括我们那一句；此外，整张表里每十句也留一句。网络会见到“北京大学”和“成都天安门”，但从没见过“北京天安门”。

# %%
zh_words = sorted({word for zh, _ in pairs for word in zh})
en_words = ["<s>"] + sorted({word for _, en in pairs for word in en})
sources = np.array([[zh_words.index(word) for word in zh] for zh, _ in pairs])
targets = np.array([[en_words.index(word) for word in ["<s>", *en, "</s>"]] for _, en in pairs])
held_out = np.array([zh[2:] == ["北京", "天安门"] for zh, _ in pairs])
held_out |= np.arange(len(pairs)) % 10 == 0
print(f"{(~held_out).sum()} sentences to learn from, {held_out.sum()} held out")
print(f"{len(zh_words)} Chinese words, {len(en_words)} English words")


def bits_a_sentence(model, chosen):
    logits = ops.convert_to_numpy(model((sources[chosen], targets[chosen, :-1])))
    return cross_entropy(logits, targets[chosen, 1:]) / np.log(2) * 5  # five words each


# %% [markdown]
# The loop is that of lesson 03: scores, loss, slopes, a step of Adam; the rate falls along the cosine of lesson 09. (TensorFlow compiles the step when it is called first.) Weights that get no slope are skipped and counted: a good model has none of them.

# %% [markdown] lang="zh"
# 训练循环还是第 03 课的：分数、损失、斜率、走一步 Adam；学习率照第 09 课的余弦往下降。（第一次调用时 TensorFlow 会把这一步编译好。）没有斜率的权重跳过，并且数一数有几个；好的模型一个也没有。


# %%
def train(model, batches, steps, rate, schedule=cosine):
    """Train in place; give the number of weight arrays that get no slope."""
    weights, optimizer = model.trainable_variables, keras.optimizers.Adam(rate)
    optimizer.build(weights)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def step(inputs, targets):
        with tf.GradientTape() as tape:
            loss = loss_of(targets, model(inputs))
        slopes = tape.gradient(loss, [weight.value for weight in weights])
        moving = [(g, w) for g, w in zip(slopes, weights, strict=True) if g is not None]
        optimizer.apply_gradients(moving)
        return len(weights) - len(moving)

    for n in range(steps):
        optimizer.learning_rate = rate * schedule(n / steps)
        idle = step(*batches(n))
    return int(idle)


# %%
def some_pairs(n):
    rows = np.random.default_rng(n).choice(np.flatnonzero(~held_out), 64)
    return (sources[rows], targets[rows, :-1]), targets[rows, 1:]


def learn_to_translate(**missing):
    keras.utils.set_random_seed(1)
    config = BlockConfig(width=32, heads=2, hidden=64, **as_in_2017)
    model = Translator(config, (len(zh_words), len(en_words)), **missing)
    return model, train(model, some_pairs, steps=250, rate=0.01)


# %% [markdown]
# Now it has to write by itself: from `<s>`, take the likeliest word, append it, read everything again, five times over. How many of the sentences it has never seen will it translate without a mistake?

# %% [markdown] lang="zh"
# 这回要它自己写：从 `<s>` 出发，取概率最大的词，接上，再把全文读一遍，如此五次。没见过的句子，它能一字不差地译对多少？

# %%
predict("none", "half", "nearly all")

# %% tags=["nbval-ignore-output"]
translator, idle = learn_to_translate()


def translate(model, ids):
    written = np.zeros((len(ids), 6), int)  # <s>, and five places that are still hidden
    for t in range(5):
        logits = ops.convert_to_numpy(model((ids, written[:, :5])))
        written[:, t + 1] = logits[:, t].argmax(axis=-1)
    return written


written = translate(translator, sources[held_out])
right = (written == targets[held_out]).all(axis=1).mean()
print(f"held out: {right:.0%} without a mistake, {bits_a_sentence(translator, held_out):.1f} bits")
ours = [["".join(zh) for zh, _ in pairs].index("我爱北京天安门")]
print("我爱北京天安门 →", *[en_words[i] for i in translate(translator, sources[ours])[0, 1:]])
assert idle == 0 and right > 0.9
assert (translate(translator, sources[ours]) == targets[ours]).all()

# %% [markdown]
# Our sentence is among them. Where does the decoder look while it writes? Its two heads, on this sentence:

# %% [markdown] lang="zh"
# 我们那一句也在其中。解码器写的时候在看哪里？这是它的两个头，看的正是这句话：

# %%
decoder_block = translator.decoder
y = translator.target(targets[ours, :-1])
y = decoder_block.attention_norm(
    y + decoder_block.attention(y, attention_mask=np.tri(5, dtype=bool))
)
memory = translator.encoder(translator.source(sources[ours]))
_, looks = decoder_block.cross(y, memory=memory, return_weights=True)
looks = ops.convert_to_numpy(looks)[0]
rows = [en_words[i] for i in targets[ours[0], :-1]]


def draw(axes, head):
    plots.heat_map(axes, looks[head], rows, chinese, largest=1)
    axes.set(xlabel="looked at", ylabel="last word written")


explore(draw, head=[0, 1])
assert min(np.diag(head).mean() for head in looks) > 0.7  # word for word
assert looks[:, 1, 0].max() < 0.5  # the verb is chosen without a look at 我

# %% [markdown]
# **Figure.** Where each head of the decoder looks while our sentence is written, darker for more. A row is the last word written, so the row `<s>` belongs to the choice of *I*. Both go down the diagonal, word for word. In the last row only `</s>` is left to write, and it doesn't matter where a head looks.

# %% [markdown] lang="zh"
# **图.** 写我们这句话时，解码器的每个头看向哪里，越深看得越多。一行对应已写下的最后一个词，所以 `<s>` 那一行管的是选出 *I*。两个头都沿对角线走，一个词对一个词。最后一行只剩 `</s>` 要写，看哪里都无所谓。

# %% [markdown]
# Word for word is no surprise, our grammar is built that way. But whether the verb takes an *s* depends on the subject, and no head looks at 我 while the verb is chosen. It needn't: the decoder has written *I* itself, and the encoder may have mixed the subject into its vector for 爱. (Where a head looks doesn't prove what the answer depends on. Lesson 26 puts that to the test.)
#
# ## Remove a part: places, and the look across
#
# A published translator leaves out the cross-attention: its decoder reads its own text and nothing else. Another has no places. What does each cost? In our little language this can be *calculated*. All sentences are equally likely, so a model that cannot tell $n$ sources apart must spread its belief over their $n$ translations, and pays $\log_2 n$ bits.
#
# - Nothing missing: each source has one translation, 0 bits.
# - No places: the source is a bag. 我爱她 and 她爱我 look the same, so *I love her* and *she loves me* are a coin toss: 1 bit. Sentences with a city are not in danger.
# - No cross-attention: all sources look the same.
#
# These floors are for the sentences that were learned from, so there we measure.

# %% [markdown] lang="zh"
# 一个词对一个词，并不稀奇，我们的语法就是这么造的。可动词加不加 *s* 要看主语，而选动词的时候，没有一个头去看“我”。也不必看：*I* 是解码器自己写下的，编码器又可能早把主语掺进了“爱”的向量。（一个头看了哪里，并不能证明答案取决于哪里。第 26 课再来检验。）
#
# ## 拿掉一个部件：位置，以及看对面
#
# 有一份公开发表的翻译程序漏了交叉注意力：它的解码器只读自己写的，别的一概不看。另一份没有位置。各要付出多少代价？在我们这门小语言里，这是**算得出来**的。所有句子可能性相同，所以一个模型要是分不清 $n$ 个源句，就只好把信念平摊到它们的 $n$ 个译文上，付 $\log_2 n$ 比特。
#
# - 什么也不缺：每个源句只有一个译文，0 比特。
# - 没有位置：源句是一袋词。“我爱她”和“她爱我”看上去一样，译成 *I love her* 还是 *she loves me*，只能抛硬币：1 比特。带城市的句子不受影响。
# - 没有交叉注意力：所有源句看上去都一样。
#
# 这些底线说的是学过的那些句子，所以就在它们上面量。


# %%
def floor_of(seen):
    """Bits a sentence: log2 of how many sources give the decoder the same thing to look at."""
    seen = [tuple(row) for row in seen]
    return np.log2([seen.count(row) for row in seen]).mean()


learned = sources[~held_out]
floors = {
    "nothing missing": floor_of(learned),
    "no places": floor_of(np.sort(learned, axis=1)),
    "no cross-attention": floor_of(0 * learned),
}
print({name: round(float(bits), 2) for name, bits in floors.items()})
print(f"knowing nothing: {5 * np.log2(len(en_words)):.2f} bits, five words among {len(en_words)}")
assert_allclose(floors["no cross-attention"], np.log2(len(learned)))

# %% tags=["nbval-ignore-output"]
models = {"nothing missing": (translator, idle)}
models["no places"] = learn_to_translate(positions="rotary")  # and no turns
models["no cross-attention"] = learn_to_translate(cross=False)
for name, (model, idle) in models.items():
    bits = bits_a_sentence(model, ~held_out)
    print(f"{name:<19} {bits:5.2f} bits, exact floor {floors[name]:.2f}; {idle} weights idle")
    assert -0.02 < bits - floors[name] < 0.4 and bits < 5 * np.log2(len(en_words)) - 10
    encoder_weights = len(model.source.weights) + len(model.encoder.weights)
    assert idle == (encoder_weights if name == "no cross-attention" else 0)

# %% tags=["nbval-ignore-output"]
asked = [["我", "爱", "她", "</s>"], ["她", "爱", "我", "</s>"]]
asked = np.array([[zh_words.index(word) for word in sentence] for sentence in asked])
for name, (model, _) in models.items():
    answers = translate(model, asked)
    print(f"{name:<19}", *[" ".join(en_words[i] for i in row[1:]) for row in answers], sep=" | ")
    assert (answers[0] == answers[1]).all() == (name != "nothing missing")

# %% [markdown]
# Each training ends close to the floor that the arithmetic set. Without places 我爱她 and 她爱我 get one and the same translation, so at least one of them is wrong. Without the look across everything gets the same translation: the decoder writes a sentence of its own choice. Nothing crashes, and in both the loss has come far down from that of knowing nothing. Whoever doesn't know the floor finds one trace, in the last column: all weights of the encoder are idle. No slope ever reaches them, because no score depends on them.
#
# The list of specimens from published code, for lesson 29:
#
# | Bug | Symptom |
# |---|---|
# | no cross-attention | fluent output that has nothing to do with the input |
# | the decoder reads the encoder's output instead of its own text | it doesn't know what it has written so far |
# | no residual sums, norms made and never called | deep models don't learn (next section) |
# | feed-forward applied to the block's input instead of to what attention gave | attention is computed and thrown away |
# | `key_dim` = inner width, where $D/H$ is meant | several times as many parameters as planned |
# | mask or `num_layers` accepted and ignored | looks ahead; one layer whatever you ask for |
# | no matrix from $D$ to $V$ at the end | vectors where scores should be |

# %% [markdown] lang="zh"
# 每次训练都停在算术划定的底线附近。没有位置，“我爱她”和“她爱我”得到同一个译文，至少有一句是错的。看不到对面，什么句子都译成同一句：解码器自作主张地写。两种情形都不报错，损失也都比一无所知低了一大截。不知道底线的人，只有最后一列里一处破绽可查：编码器的权重全都闲着。没有一个斜率传得到那里，因为没有一个分数取决于它们。
#
# 公开发表的代码里采来的标本，留给第 29 课：
#
# | 错误 | 症状 |
# |---|---|
# | 没有交叉注意力 | 输出通顺，却与输入毫不相干 |
# | 解码器不读自己的文本，读的是编码器的输出 | 不知道自己已经写了什么 |
# | 没有残差相加；归一化造好了却从不调用 | 层数一多就学不动（见下一节） |
# | 前馈作用在块的输入上，而不是注意力的结果上 | 注意力算完就扔了 |
# | `key_dim` 填了内层宽度，本该是 $D/H$ | 参数是预想的好几倍 |
# | 掩码或 `num_layers` 收下却不用 | 偷看未来；要几层都只有一层 |
# | 末尾缺一个从 $D$ 到 $V$ 的矩阵 | 该出分数的地方出来的是向量 |

# %% [markdown]
# ## Deep stacks
#
# Residual sums and norms are there for depth. We stack 16 untrained blocks, width 32, with a causal mask, and measure two things at every depth, *before* any training:
#
# - the **slope**: how much would the loss change if the stream were nudged here?
# - the **likeness** of different places: the mean cosine between the vectors of two places, 0 for strangers and 1 for copies.
#
# Four stacks, equal but for one thing. In which will the slope explode? And in how many will all places become copies of each other?

# %% [markdown] lang="zh"
# ## 叠高
#
# 残差相加和归一化是为深度准备的。叠 16 个没训练过的块，宽 32，加因果掩码，在训练**之前**，每一层量两样东西：
#
# - **斜率**：在这里轻轻推一下残差流，损失会变多少？
# - 不同位置的**相像程度**：两个位置的向量夹角余弦的平均，0 是陌路，1 是复制品。
#
# 四摞块，彼此只差一样。哪一摞的斜率会爆炸？又有几摞，到头来所有位置都成了彼此的复制品？

# %%
predict("pre-norm", "post-norm", "no norm", "no residual")
predict("one", "two", "three", "all four")


# %%
class WithoutNorm(Block):
    """A block that adds what each part makes of the bare stream."""

    def add(self, x, part, norm, training):
        return x + part(x)


class WithoutResidual(Block):
    """A block whose parts replace the stream instead of adding to it."""

    def add(self, x, part, norm, training):
        return part(norm(x))


# %%
kinds = {"pre-norm": (Block, {}), "post-norm": (Block, {"post_norm": True})}
kinds |= {"no norm": (WithoutNorm, {}), "no residual": (WithoutResidual, {})}


def untrained(kind, depth, seed=0):
    keras.utils.set_random_seed(seed)
    build, options = kinds[kind]
    config = BlockConfig(width=32, heads=4, activation="relu", **options)
    return [build(config) for _ in range(depth)], config.make_norm("last")


# %%
def likeness_of(x):
    """Mean cosine between the vectors of two different places: (B, T, D) -> a number."""
    unit, T = x / tf.norm(x, axis=-1, keepdims=True), x.shape[1]
    cosines = unit @ tf.transpose(unit, (0, 2, 1))  # (B, T, T), with 1 on the diagonal
    return (T * float(tf.reduce_mean(cosines)) - 1) / (T - 1)


dice = np.random.default_rng(0)
start = tf.constant(dice.normal(size=(4, 16, 32)), tf.float32)
to_scores = tf.constant(dice.normal(size=(32, 50)) / np.sqrt(32), tf.float32)
answers = dice.integers(0, 50, (4, 16))


# %%
def measure(kind, depth):
    """Slope and likeness at every depth, and the slope of the last feed-forward matrix."""
    blocks, last_norm = untrained(kind, depth)
    matrix, stream = blocks[-1].feed_forward.down.kernel.value, [start]
    with tf.GradientTape() as tape:
        tape.watch(start)
        for one_block in blocks:
            stream.append(one_block(stream[-1], attention_mask=np.tri(16, dtype=bool)))
        logits = last_norm(stream[-1]) @ to_scores
        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        loss = loss_of(answers, logits)
    *slopes, of_matrix = tape.gradient(loss, [*stream, matrix])
    likeness = [likeness_of(x) for x in stream]
    return [float(tf.norm(slope)) for slope in slopes], likeness, float(tf.norm(of_matrix))


measured = {kind: measure(kind, depth=16) for kind in kinds}

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.1))
left.set_yscale("log")
styles = dict(zip(kinds, ("-", "--", "-.", ":"), strict=True))
for kind, (slopes, likeness, _) in measured.items():
    left.plot(slopes, styles[kind], label=kind)
    right.plot(likeness, styles[kind], label=kind)
left.set(xlabel="blocks passed", ylabel="slope of the loss")
right.set(xlabel="blocks passed", ylabel="likeness of places (cosine)", ylim=(-0.1, 1.1))
left.legend(fontsize=8)
plt.show()

# %% [markdown]
# **Figure.** Left, the slope of the loss along the stream after so many untrained blocks, logarithmic; the loss stands at the right end, so slopes travel from right to left. Without norms the slope grows by orders of magnitude on its way to the start; the other three stay within bounds. Right, how alike the places are. Without residual sums they are copies after a few blocks; post-norm and no norm get there later; in the pre-norm stack places grow alike more slowly, and at the end they are still apart.

# %% [markdown] lang="zh"
# **图.** 左：经过若干个没训练过的块之后，损失沿残差流的斜率，对数刻度；损失在右端，斜率从右往左传。没有归一化，斜率往起点走，一路涨了好几个数量级；另外三摞都还守得住。右：各位置有多相像。没有残差相加，几个块之后就成了复制品；后置归一化和没有归一化的两摞晚一些，也到了那一步；前置归一化的那一摞像得慢一些，到末尾各位置仍然有别。

# %% tags=["nbval-ignore-output"]
print("slope at the start / at the end; likeness at the end; blocks until likeness passes 0.9")
for kind, (slopes, likeness, _) in measured.items():
    passed = next((n for n, value in enumerate(likeness) if value > 0.9), None)
    print(f"{kind:<12} {slopes[0] / slopes[-1]:9.1e} {likeness[-1]:12.2f} {passed!s:>12}")
ratio = {kind: slopes[0] / slopes[-1] for kind, (slopes, _, _) in measured.items()}
alike = {kind: np.array(likeness) for kind, (_, likeness, _) in measured.items()}
assert ratio["no norm"] > 1e4 and all(0.02 < ratio[k] < 50 for k in kinds if k != "no norm")
assert alike["pre-norm"].max() < 0.9 < 0.97 < min(alike[k][-1] for k in kinds if k != "pre-norm")
assert (alike["no residual"] > 0.9).argmax() < (alike["post-norm"] > 0.9).argmax()

# %% [markdown]
# The left picture is what norms are for. The right one is less well known. Attention averages, and averages resemble each other; a stack that *replaces* the stream forgets within a few blocks which word stood where (Dong and others 2021). The sum keeps the word on the road.
#
# But why does post-norm forget as well? It has the sum. Do the arithmetic. Let the stream and what a part adds be of size 1 and unrelated. Their sum has the size $\sqrt2$, and the norm divides by it. So at every part the old share is multiplied by $1/\sqrt2$, and after $L$ blocks of two parts the first word has $2^{-L}$ left. (Without norms a part gives more where it gets more, so its share doesn't fall, and the two curves run side by side.) In pre-norm nothing is divided: after $2L$ parts the stream has the size $\sqrt{1 + 2L}$, and the word's share of it is $1/\sqrt{1+2L}$. With vectors of noise for the parts:

# %% [markdown] lang="zh"
# 左图说明了归一化是干什么用的。右图知道的人少一些：注意力在求平均，平均数总是彼此相像；把残差流整个**换掉**的那一摞，几个块之后就忘了哪个词站在哪里（Dong 等，2021）。相加把词留在了路上。
#
# 可后置归一化也有相加，为什么还是忘了？算算账。设残差流和零件添上的东西大小都是 1，互不相干。两者之和大小是 $\sqrt2$，归一化再除以它。所以每过一个零件，旧的份额就乘以 $1/\sqrt2$；$L$ 个块、每块两个零件走下来，最初的词只剩 $2^{-L}$。（没有归一化时，零件得的多，给的也多，它的份额并不下降，所以两条曲线走在一起。）前置归一化什么也不除：$2L$ 个零件之后，残差流的大小是 $\sqrt{1 + 2L}$，词占其中的 $1/\sqrt{1+2L}$。拿噪声向量充当零件，试一试：

# %%
first = rng.normal(size=200_000)
pre, post = first.copy(), first.copy()
for part in range(1, 33):
    found = rng.normal(size=first.size)
    pre, post = pre + found, (post + found) / np.sqrt(2)
    if part in (2, 8, 32):
        shares = [np.corrcoef(x, first)[0, 1] for x in (pre, post)]
        formula = 1 / np.sqrt(1 + part), np.sqrt(1 / 2) ** part
        print(
            f"{part // 2:>2} blocks: pre-norm keeps {abs(shares[0]):.2f} (formula {formula[0]:.2f}),"
            f" post-norm {abs(shares[1]):.2f} (formula {formula[1]:.5f})"
        )
        assert_allclose(shares, formula, atol=0.01)

# %% [markdown]
# The growing pre-norm stream has a price, too: what a later part adds weighs less in a stream that is larger already, and the slope that comes back to it is smaller, too. In the last block's last matrix:

# %% [markdown] lang="zh"
# 前置归一化的残差流越来越大，也有代价：流已经很大了，后来的零件再添东西，分量就轻；传回给它的斜率也跟着变小。看最后一个块的最后一个矩阵：

# %% tags=["nbval-ignore-output"]
shallow = {kind: measure(kind, depth=4) for kind in ("pre-norm", "post-norm")}
for kind, short in shallow.items():
    print(f"{kind:<10} slope of the last matrix:", end=" ")
    print(f"4 blocks {short[2]:.2f}, 16 blocks {measured[kind][2]:.2f}")
assert measured["pre-norm"][2] < 0.85 * shallow["pre-norm"][2]
assert measured["post-norm"][2] > max(2 * measured["pre-norm"][2], 0.8 * shallow["post-norm"][2])

# %% [markdown]
# Pre-norm's last slope shrinks as the stack gets higher. Post-norm's doesn't, and in the high stack it is more than twice as large. Xiong and others (2020), who found this, concluded that post-norm must start with small steps, a *warm-up* (lesson 09), and that pre-norm can do without. All this was before training. Does it matter in training?
#
# ## Remove a part: on Shakespeare
#
# Four blocks, width 32, characters of Shakespeare's plays, 160 steps at a constant rate, 0.005, which is high on purpose. Five runs: pre-norm; post-norm, without warm-up and with it (the rate rises through the first half); no norm; no residual. The yardstick is a model that has learned nothing but how frequent each character is. Which of the five will get below it?

# %% [markdown] lang="zh"
# 前置归一化的块叠得越高，最后的斜率越小；后置归一化的不变小，在高的那一摞里大出一倍还多。发现这一点的 Xiong 等人（2020）由此断定：后置归一化起步时步子要小，也就是要**预热**（第 09 课），前置归一化则用不着。这些都是训练之前的情形。到了训练里，要紧吗？
#
# ## 拿掉一个部件：在莎士比亚上
#
# 四个块，宽 32，莎士比亚剧本的字符，每次训练 160 步，学习率不变，取 0.005，是有意取高的。一共五次：前置归一化；后置归一化，不预热一次、预热一次（学习率在前半程逐渐升上来）；没有归一化；没有残差。标尺是一个只知道每个字符有多常见、此外一无所知的模型。五个里头，哪些能低于它？

# %%
predict("pre", "post", "post + warm-up", "no norm", "no residual")

# %%
from unittest.mock import patch

from lmcourse.models.gpt import GPT, GPTConfig
from lmcourse.text.corpora import shakespeare
from lmcourse.text.tokenizers import CharacterTokenizer
from lmcourse.training.streams import random_batches

plays = shakespeare()
letters = CharacterTokenizer.train(plays.text("train"))
play_ids = letters.encode(plays.text("train"))
unseen = letters.encode(plays.text("validation"))[:7201].astype(np.int32)
unseen_inputs, unseen_targets = unseen[:-1].reshape(-1, 24), unseen[1:].reshape(-1, 24)
V = letters.vocabulary_size
frequency = np.bincount(play_ids, minlength=V) / len(play_ids)
yardstick = -np.log2(frequency[unseen_targets]).mean()
print(f"frequencies alone: {yardstick:.2f} held-out bits a character; log2 V = {np.log2(V):.2f}")


# %%
def on_shakespeare(kind, schedule=constant):
    build, options = kinds[kind]
    keras.utils.set_random_seed(0)
    shape = dict(vocabulary_size=V, context_length=24, layers=4, width=32, heads=4)
    with patch("lmcourse.models.gpt.Block", build):  # GPT, of another kind of block
        model = GPT(GPTConfig(**shape, **options))
    batches = random_batches(play_ids, batch_size=12, context_length=24, seed=0)
    train(model, batches, steps=160, rate=0.005, schedule=schedule)
    logits = ops.convert_to_numpy(model(unseen_inputs))
    return cross_entropy(logits, unseen_targets) / np.log(2)


def slowly(share):
    return warmup(share, constant, length=0.5)


# %% tags=["nbval-ignore-output"]
runs = {kind: on_shakespeare(kind) for kind in kinds}
runs["post-norm, warm-up"] = on_shakespeare("post-norm", slowly)
for kind, bits in sorted(runs.items(), key=lambda run: run[1]):
    print(f"{kind:<19} {bits:.1f} held-out bits a character")
stuck = [runs[kind] for kind in ("post-norm", "no norm", "no residual")]
assert max(abs(np.array(stuck) - yardstick)) < 0.1
assert runs["pre-norm"] < runs["post-norm, warm-up"] < yardstick - 0.05

# %%
figure, axes = plt.subplots(figsize=(6.4, 2.6))
order = sorted(runs, key=runs.get, reverse=True)
axes.barh(order, [runs[kind] for kind in order], color=plots.BLUE, height=0.6)
axes.axvline(yardstick, color=plots.GREY, linestyle="--")
axes.set(xlabel="held-out bits a character", xlim=(3, 5))
axes.text(yardstick + 0.02, 3.9, "frequencies\nalone", color=plots.GREY, va="center", fontsize=8)
axes.grid(False, axis="y")
plt.show()

# %% [markdown]
# **Figure.** Held-out bits per character of five GPTs of four blocks after 160 equal steps; the axis begins at 3. Three bars end at the dashed line, the model that knows frequencies alone: no norm, no residual, and post-norm without warm-up. Post-norm with warm-up gets below it, pre-norm furthest.

# %% [markdown] lang="zh"
# **图.** 五个四块的 GPT，各走 160 步之后的留出文本每字符比特数；横轴从 3 开始。三条停在虚线处，也就是只知道字频的模型：没有归一化、没有残差，以及没有预热的后置归一化。预热过的后置归一化低了下去，前置归一化最低。

# %% [markdown]
# The three that are stuck have not failed with an error. Their loss has come down from the $\log_2 V$ of knowing nothing to that of the frequencies, and in this run no further; anybody who has no yardstick calls it a slow start. (One seed each and a short run: the bars say who gets going, not who is best in the end.)

# %% [markdown] lang="zh"
# 卡住的三个都没有报错。它们的损失从一无所知的 $\log_2 V$ 降到了只知字频的水平，这一次就到此为止；手里没有标尺的人，会以为不过是起步慢。（每种只跑了一个种子，时间也短：这张图说的是谁迈得开步，不是谁最后最好。）

# %% [markdown]
# ## How many numbers?
#
# A language model is sold by its size. Let us count one, GPT-2 small, from its shape alone: $V = 50257$ tokens, $T = 1024$ places, $D = 768$, $L = 12$ blocks, $F = 4D$, pre-norm, biases everywhere, learned places, tied weights.
#
# | part | parameters |
# |---|---|
# | tokens, also used as the last matrix | $V D$ |
# | places | $T D$ |
# | attention: four matrices $D \times D$ and their biases | $L\,(4D^2 + 4D)$ |
# | feed-forward: up, down and their biases | $L\,(2DF + F + D)$ |
# | norms: two a block and one at the end, scale and offset | $(2L + 1)\,2D$ |
#
# The paper of 2019 called it "117 million". Is it?

# %% [markdown] lang="zh"
# ## 一共多少个数？
#
# 语言模型论个头卖。单凭形状，数一数 GPT-2 small：$V = 50257$ 个词元，$T = 1024$ 个位置，$D = 768$，$L = 12$ 个块，$F = 4D$，前置归一化，处处有偏置，位置是学出来的，首尾权重共享。
#
# | 零件 | 参数个数 |
# |---|---|
# | 词元表，兼作最后一个矩阵 | $V D$ |
# | 位置表 | $T D$ |
# | 注意力：四个 $D \times D$ 的矩阵和各自的偏置 | $L\,(4D^2 + 4D)$ |
# | 前馈：up、down 和各自的偏置 | $L\,(2DF + F + D)$ |
# | 归一化：每块两个，末尾一个，各有缩放和平移 | $(2L + 1)\,2D$ |
#
# 2019 年的论文说它有“1.17 亿”个参数。是吗？

# %%
predict("117 million", "124 million", "163 million")


# %%
def gpt2_parts(V, T, D, L, F):
    return {
        "tokens": V * D,
        "places": T * D,
        "attention": L * (4 * D * D + 4 * D),
        "feed-forward": L * (2 * D * F + F + D),
        "norms": (2 * L + 1) * 2 * D,
    }


parts = gpt2_parts(V=50257, T=1024, D=768, L=12, F=4 * 768)
total = sum(parts.values())
for name, number in parts.items():
    print(f"{name:<13} {number:>12,}  {number / total:5.1%}")
print(f"{'together':<13} {total:>12,}")
assert total == 124_439_808

# %% [markdown]
# 124,439,808. The paper had miscounted, and the authors said so later on the page of their code. Two thirds of every block are feed-forward, and nearly a third of this small model is its table of tokens.
#
# A count on paper is worth what its check is worth. The count is a formula in $V$, $T$, $L$, so we check it part by part on a real Keras model with the same width, one block, ten tokens and twelve places. The rest is multiplication:

# %% [markdown] lang="zh"
# 124,439,808。论文数错了，作者后来在代码页面上作了更正。每个块的三分之二是前馈；这个小模型里，词元表占了将近三分之一。
#
# 纸上数出来的，要验过才算数。公式里有 $V$、$T$、$L$，所以拿一个宽度相同、只有一个块、十个词元、十二个位置的真 Keras 模型，逐个零件核对；剩下的只是乘法：

# %%
small = GPT(GPTConfig(vocabulary_size=10, context_length=12, layers=1, width=768, heads=12))
(floor,) = small.blocks
in_keras = {
    "tokens": np.size(small.embedding.tokens),
    "places": np.size(small.embedding.positions),
    "attention": floor.attention.count_params(),
    "feed-forward": floor.feed_forward.count_params(),
    "norms": sum(
        norm.count_params() for norm in (floor.attention_norm, floor.feed_forward_norm, small.norm)
    ),
}
assert in_keras == gpt2_parts(V=10, T=12, D=768, L=1, F=4 * 768)
assert small.count_params() == sum(in_keras.values())
print(in_keras)

# %% [markdown]
# Now a model of 2024, SmolLM2-135M, whose weights lesson 18 loads: $V = 49152$, $D = 576$, $L = 30$, $F = 1536$. Rotary places have no parameters, there are no biases, RMS norms have a scale only, SwiGLU has three matrices. And its 9 heads of queries share 3 heads of keys and values, three queries asking the same keys (**grouped queries**), so those two matrices are $D \times \tfrac{D}{3}$:

# %% [markdown] lang="zh"
# 再数一个 2024 年的模型 SmolLM2-135M，第 18 课要载入它的权重：$V = 49152$，$D = 576$，$L = 30$，$F = 1536$。旋转位置没有参数，没有偏置，RMS 只有缩放，SwiGLU 有三个矩阵。它的 9 个查询头共用 3 个键值头，每三个查询头问同一组键（叫**分组查询**），所以那两个矩阵是 $D \times \tfrac{D}{3}$：


# %%
def llama_parts(V, D, L, F, groups):
    return {
        "tokens": V * D,
        "attention": L * (2 * D * D + 2 * D * D // groups),
        "feed-forward": L * 3 * D * F,
        "norms": (2 * L + 1) * D,
    }


parts = llama_parts(V=49152, D=576, L=30, F=1536, groups=3)
for name, number in parts.items():
    print(f"{name:<13} {number:>12,}  {number / sum(parts.values()):5.1%}")
print(f"{'together':<13} {sum(parts.values()):>12,}")
smol = dict(width=576, heads=9, kv_heads=3, hidden=1536, bias=False)
smol |= dict(norm="rms", activation="swiglu", positions="rotary")
small = GPT(GPTConfig(vocabulary_size=10, context_length=12, layers=1, **smol))
assert small.count_params() == sum(llama_parts(V=10, D=576, L=1, F=1536, groups=3).values())
assert sum(parts.values()) == 134_515_008

# %% [markdown]
# ## How many operations?
#
# A product of an $(m, k)$ matrix with a $(k, n)$ matrix makes $mn$ numbers, each from $k$ multiplications and $k$ additions: $2mkn$ floating-point operations (**FLOPs**). So in a forward pass every weight of a matrix costs 2 FLOPs a token. A block has $4D^2 + 2DF$ of them. In addition every token compares its query with $T$ keys and mixes $T$ values, $2TD$ each. With the scores at the end, for one token:
#
# $$\underbrace{L\,\bigl(8D^2 + 4DF\bigr)}_{\text{matrices}} + \underbrace{4\,L\,T\,D}_{\text{looking}} + \underbrace{2DV}_{\text{scores}}$$
#
# Norms, bends and softmax are left out; they are small change beside the products. Check one: we hang a counter on the only two functions that multiply matrices in a block of our NumPy code, `linear` and `attention`, and run two blocks.

# %% [markdown] lang="zh"
# ## 一共多少次运算？
#
# $(m, k)$ 的矩阵乘 $(k, n)$ 的矩阵，得到 $mn$ 个数，每个要 $k$ 次乘法、$k$ 次加法，共 $2mkn$ 次浮点运算（**FLOP**）。所以前向传播时，矩阵里的每个权重，每个词元花 2 次。一个块有 $4D^2 + 2DF$ 个这样的权重。此外，每个词元要拿查询与 $T$ 个键比较，再掺 $T$ 个值，各 $2TD$ 次。加上末尾的分数，一个词元共需：
#
# $$\underbrace{L\,\bigl(8D^2 + 4DF\bigr)}_{\text{矩阵}} + \underbrace{4\,L\,T\,D}_{\text{看}} + \underbrace{2DV}_{\text{分数}}$$
#
# 归一化、拐弯和 softmax 没算进去，跟矩阵乘法比只是零头。先验一次：我们 NumPy 代码的块里，做矩阵乘法的只有 `linear` 和 `attention` 两个函数，给它们各挂一个计数器，跑两个块。

# %%
from collections import Counter

from lmcourse.reference import attention as attention_module
from lmcourse.reference import feedforward as feedforward_module
from lmcourse.reference.attention import attention
from lmcourse.reference.linear import linear

# %%
flops = Counter()


def linear_counted(x, weights, name):  # (m, k) times (k, n)
    flops["matrices"] += 2 * x.size * weights[name].shape[1]
    return linear(x, weights, name)


def attention_counted(q, k, v, mask=None):  # (T, W) times (W, S), (T, S) times (S, W), each head
    flops["looking"] += 2 * q.size * k.shape[-2] + 2 * q.size * k.shape[-2]
    return attention(q, k, v, mask)


def flops_a_token(L, D, F, T, V):
    return {"matrices": L * (8 * D * D + 4 * D * F), "looking": 4 * L * T * D, "scores": 2 * D * V}


# %%
D, F, T, L = 16, 64, 10, 2
layers = {"blocks": [random_block(D, F, rng) for _ in range(L)]}
with (
    patch.object(attention_module, "linear", linear_counted),
    patch.object(feedforward_module, "linear", linear_counted),
    patch.object(attention_module, "attention", attention_counted),
):
    stack(rng.normal(size=(T, D)), layers, heads=4, mask=causal_mask(T))
formula = flops_a_token(L, D, F, T, V=0)
for part in ("matrices", "looking"):
    print(f"{part:<9} counted {flops[part]:>8,}   formula {T * formula[part]:>8,}")
    assert flops[part] == T * formula[part]

# %% [markdown]
# (The mask saves nothing here: the scores are computed and thrown away.) Now a GPT in Keras. TensorFlow writes a function down as a graph before it runs it. We read all the matrix products in that graph, their shapes, and nothing else, first of the forward pass, then of forward and backward together:

# %% [markdown] lang="zh"
# （掩码在这里什么也没省下：分数照样算出来，再扔掉。）再看 Keras 里的 GPT。TensorFlow 运行一个函数之前，先把它写成一张计算图。我们去读图里所有的矩阵乘法，只看形状，不看别的；先读前向传播，再读前向加反向：


# %%
def products(function, *inputs):
    """Add up 2 m k n over the matrix products in the graph of a function."""
    total = 0
    for operation in tf.function(function).get_concrete_function(*inputs).graph.get_operations():
        if operation.type in ("MatMul", "BatchMatMulV2"):
            key = "transpose_a" if operation.type == "MatMul" else "adj_x"
            inner = operation.inputs[0].shape[-2 if operation.get_attr(key) else -1]
            total += 2 * operation.outputs[0].shape.num_elements() * inner
    return total


# %%
shape = dict(vocabulary_size=50, context_length=32, layers=3, width=48, heads=4)
tiny = GPT(GPTConfig(**shape))
ids = tf.constant(rng.integers(0, 50, (1, 32)))


def slopes(ids):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tiny(ids) ** 2)
    return tape.gradient(loss, [variable.value for variable in tiny.trainable_variables])


forward, both = products(tiny, ids), products(slopes, ids)
formula = 32 * sum(flops_a_token(L=3, D=48, F=192, T=32, V=50).values())
print(f"forward  {forward:>9,}   formula {formula:>9,}")
print(f"training {both:>9,}   that is {both / forward:.2f} times the forward pass")
assert forward == formula and 2.9 < both / forward <= 3

# %% [markdown]
# The formula counts exactly. And going back costs twice as much as going forward, since every product $xW$ has two slopes, one for $x$ and one for $W$: another two products of the same size. So training costs about 6 FLOPs per weight and token. With $N$ weights in the matrices, that is the famous $6ND$ of lesson 25 (there $D$ is the number of tokens).
#
# For GPT-2 at its full length:

# %% [markdown] lang="zh"
# 公式一次不差。而且往回走一趟要花往前走的两倍：每个乘积 $xW$ 有两个斜率，一个对 $x$，一个对 $W$，就是两个同样大小的乘积。所以训练时每个权重、每个词元约花 6 次运算；设矩阵里的权重共 $N$ 个，这就是第 25 课那个有名的 $6ND$（那里 $D$ 是词元数）。
#
# 轮到跑满长度的 GPT-2：

# %%
costs = flops_a_token(L=12, D=768, F=3072, T=1024, V=50257)
for name, number in costs.items():
    print(f"{name:<9} {number / 1e6:6.1f} million FLOPs a token")
exact, rule = sum(costs.values()), 2 * 124_439_808
print(f"together  {exact / 1e6:6.1f};   2 N = {rule / 1e6:.1f}, {1 - rule / exact:.0%} less")
assert 0.1 < 1 - rule / exact < 0.15

# %% [markdown]
# The rule "2 FLOPs per parameter and token" forgets the looking, which has no parameters, and counts the places and norms, which are hardly any work. Looking grows with $T$, the rest doesn't. At which length does a block of GPT-2 spend as much on looking as on everything else? (Set $4TD$ equal to $8D^2 + 4DF$, with $F = 4D$.)

# %% [markdown] lang="zh"
# “每个参数、每个词元 2 次”这条规则漏了“看”，因为看不用参数；又多算了位置和归一化，它们几乎不费工夫。“看”的花费随 $T$ 增长，其余的不变。文本长到多少，GPT-2 的一个块花在“看”上的就和其余的一样多？（令 $4TD$ 等于 $8D^2 + 4DF$，其中 $F = 4D$。）

# %%
predict("T = D", "T = 6 D", "T = 24 D")

# %%
lengths = 2 ** np.arange(6, 18)
by_length = [flops_a_token(1, 768, 3072, T, 0) for T in lengths]
figure, axes = plt.subplots(figsize=(6.4, 2.8))
axes.set(xscale="log", yscale="log")
for part in ("matrices", "looking"):
    axes.plot(lengths, [cost[part] / 1e6 for cost in by_length], label=part)
axes.axvline(6 * 768, color=plots.GREY, linestyle="--")
axes.text(6 * 768 * 1.1, 0.3, "$T = 6D$", color=plots.GREY)
axes.set(xlabel="length $T$ (tokens)", ylabel="million FLOPs a token")
axes.legend()
plt.show()
even = flops_a_token(1, 768, 3072, 6 * 768, 0)
assert even["matrices"] == even["looking"]

# %% [markdown]
# **Figure.** FLOPs that one block of GPT-2 spends on a token, against the length of the text, both axes logarithmic. The matrices are a level line. Looking rises in proportion to the length and crosses it at $T = 6D$, the dashed line, at 4608 tokens.

# %% [markdown] lang="zh"
# **图.** GPT-2 的一个块在每个词元上花的运算次数，横轴是文本长度，两轴都是对数刻度。矩阵是一条水平线；“看”与长度成正比，在虚线 $T = 6D$，即 4608 个词元处与它相交。

# %% [markdown]
# In a model of this width, the $O(T^2)$ of attention is the smaller part of the work up to a few thousand tokens. Far beyond, it is nearly all of it.

# %% [markdown] lang="zh"
# 这么宽的模型，长度在几千个词元以内，注意力的 $O(T^2)$ 还不是运算的大头；再长得多，就几乎全是它了。

# %% [markdown]
# ## Try it
#
# 1. *Easy.* The base model of 2017 has $D = 512$, $F = 2048$, six blocks in the encoder, six in the decoder, and one table of about 37,000 tokens for everything. The paper gives 65 million parameters. Does your count agree?
#
# <details><summary>Hint</summary>A decoder block has two attentions. Biases and norms are small change: first count without them.</details>
#
# 2. *Medium.* A GPT without places still has its causal mask. Is it a bag of words, too? Shuffle all tokens but the last and look at the last vector, once with one block and once with two. Predict both.
#
# <details><summary>Hint</summary>What does the last place see in the first block? And what has each of the others seen by then? Use `stack` and `random_block`.</details>
#
# 3. *Hard.* Somebody's rotary code turns *neighbours*, the pairs $(0, 1), (2, 3), \dots$, and there are weights that were trained with it. Our `rotate` turns $i$ and $i + W/2$. Show that these weights give wrong scores in our code, then repair them without touching either function.
#
# <details><summary>Hint</summary>You may reorder the columns of W_q and W_k, both in the same way. Which column has to land where?</details>

# %% [markdown] lang="zh"
# ## 试一试
#
# 1. **容易。** 2017 年的基础模型：$D = 512$，$F = 2048$，编码器六个块，解码器六个块，约 37,000 个词元共用一张表。论文说有 6500 万个参数。你数出来的对得上吗？
#
# <details><summary>提示</summary>解码器的块里有两个注意力。偏置和归一化是零头，先不数。</details>
#
# 2. **中等。** 没有位置的 GPT 还有因果掩码。它也是一袋词吗？除了最后一个词元，其余全部打乱，看最后那个向量：一个块试一次，两个块再试一次。先猜结果。
#
# <details><summary>提示</summary>在第一个块里，最后那个位置看得见什么？到那时，别的位置又各自看见过什么？用 `stack` 和 `random_block`。</details>
#
# 3. **较难。** 有人的旋转代码转的是**相邻**的两个数，$(0, 1), (2, 3), \dots$ 配对，他的权重也是照此训练的。我们的 `rotate` 转的是第 $i$ 个和第 $i + W/2$ 个。请演示：他的权重放进我们的代码，分数就错了；然后不改任何一个函数，把它修好。
#
# <details><summary>提示</summary>W_q 和 W_k 的列可以重排，两个排法相同。哪一列该落到哪里？</details>

# %% [markdown]
# ## Worked answers
#
# **1.** An encoder block has $4D^2 + 2DF$, a decoder block $8D^2 + 2DF$, the table $37000\,D$. Together 63 million, within four percent of the paper; what is left depends on the exact vocabulary.

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** 编码器的块是 $4D^2 + 2DF$，解码器的块是 $8D^2 + 2DF$，词元表是 $37000\,D$。合计 6300 万，与论文相差不到百分之四；剩下的差别要看词表究竟多大。

# %%
D, F = 512, 2048
count = 6 * (4 * D * D + 2 * D * F) + 6 * (8 * D * D + 2 * D * F) + 37_000 * D
print(f"{count / 1e6:.1f} million, {1 - count / 65e6:.0%} below 65 million")
assert abs(count / 65e6 - 1) < 0.04

# %% [markdown]
# **2.** With one block it is: the last place mixes the *set* of all tokens up to itself. With two it isn't. In the first block place 0 sees one token, place 1 two, place 2 three; so afterwards the vectors differ by how much their owners have seen, and that is a trace of order. The causal mask itself is a clock (Haviv and others 2022).

# %% [markdown] lang="zh"
# **2.** 一个块时是的：最后那个位置掺进来的，是它自己和前面所有词元的**集合**。两个块时就不是了。第一个块里，位置 0 看见一个词元，位置 1 看见两个，位置 2 看见三个；于是出来的向量因主人见过多少而不同，这就留下了次序的痕迹。因果掩码自己就是一座钟（Haviv 等，2022）。

# %%
x = rng.normal(size=(6, 16))
shuffled = x[[3, 0, 4, 2, 1, 5]]  # the last one stays
for depth in (1, 2):
    layers = {"blocks": [random_block(16, 64, rng) for _ in range(depth)]}
    ends = [stack(text, layers, heads=4, mask=causal_mask(6))[0][-1] for text in (x, shuffled)]
    print(f"blocks: {depth}, last vector moves by {abs(ends[0] - ends[1]).max():.2f}")
    assert (abs(ends[0] - ends[1]).max() < 1e-12) == (depth == 1)

# %% [markdown]
# **3.** Their pair $(2i, 2i+1)$ must become our pair $(i, i + W/2)$. So the even columns go first, then the odd ones. A product of two vectors doesn't care about the order of their numbers, as long as both have the same. It is the order from the second specimen above.

# %% [markdown] lang="zh"
# **3.** 他的一对 $(2i, 2i+1)$ 要变成我们的一对 $(i, i + W/2)$，所以偶数列在前，奇数列在后。两个向量的乘积不在乎分量的次序，只要两边排法相同。这正是前面第二个标本里的那个次序。


# %%
def rotate_neighbours(x, base=10000.0):
    T, W = x.shape
    angle = np.outer(np.arange(T), base ** (-np.arange(0, W, 2) / W))
    first, second = x[:, 0::2], x[:, 1::2]
    turned = np.empty_like(x)
    turned[:, 0::2] = first * np.cos(angle) - second * np.sin(angle)
    turned[:, 1::2] = first * np.sin(angle) + second * np.cos(angle)
    return turned


x, W_q, W_k = rng.normal(size=(5, 16)), rng.normal(size=(16, 8)), rng.normal(size=(16, 8))
theirs = rotate_neighbours(x @ W_q) @ rotate_neighbours(x @ W_k).T
naive = rotate(x @ W_q) @ rotate(x @ W_k).T
order = [0, 2, 4, 6, 1, 3, 5, 7]
repaired = rotate(x @ W_q[:, order]) @ rotate(x @ W_k[:, order]).T
print(f"as they were: scores off by up to {abs(naive - theirs).max():.1f}")
print(f"reordered   : scores off by up to {abs(repaired - theirs).max():.1f}")
assert_allclose(repaired, theirs)
assert abs(naive - theirs).max() > 1

# %% [markdown]
# ## What we know now
#
# - Attention without places reads a bag of words, exactly. Places are added (waves, a table) or turned into the scores (rotary); then a score may depend on distance alone.
# - Attention moves, the feed-forward network thinks at each place, the norm keeps the size, the sum keeps what was there.
# - Encoder: everybody sees everybody. Decoder: nobody looks ahead, and everybody looks across. 我爱北京天安门 is four rows of four numbers on the way.
# - Before any training: without norms slopes explode with depth; without sums all places become alike. Pre-norm slopes at the last block shrink with depth, post-norm slopes don't.
# - Parameters follow from the shape: 124,439,808 and 134,515,008. A forward pass costs 2 FLOPs a weight and token, plus the looking; training costs three times that.
# - Layouts (halves or neighbours, pre or post, which index) don't show in shapes. Numbers show them.
#
# ## What it still can't do
#
# Our translator knows a few dozen words and a grammar that we wrote. Real sentences come in all lengths, with words it has hardly seen, and with many right translations. In lesson 12 the encoder–decoder meets real Chinese and English, competes with a recurrent network that has attention, and is judged by numbers that were made for translations.
#
# ## References
#
# - A. Vaswani and others, *Attention Is All You Need* (2017).
# - K. He and others, *Deep Residual Learning for Image Recognition* (2016): the residual connection.
# - J. L. Ba, J. R. Kiros, G. E. Hinton, *Layer Normalization* (2016); B. Zhang, R. Sennrich, *Root Mean Square Layer Normalization* (2019).
# - D. Hendrycks, K. Gimpel, *Gaussian Error Linear Units (GELUs)* (2016); N. Shazeer, *GLU Variants Improve Transformer* (2020); D. So and others, *Primer* (2021): the squared relu.
# - O. Press, L. Wolf, *Using the Output Embedding to Improve Language Models* (2017): tied weights.
# - A. Radford and others, *Language Models are Unsupervised Multitask Learners* (2019): GPT-2.
# - R. Xiong and others, *On Layer Normalization in the Transformer Architecture* (2020): pre- and post-norm.
# - J. Su and others, *RoFormer: Enhanced Transformer with Rotary Position Embedding* (2021).
# - Y. Dong, J.-B. Cordonnier, A. Loukas, *Attention is Not All You Need: Pure Attention Loses Rank Doubly Exponentially with Depth* (2021).
# - J. Kaplan and others, *Scaling Laws for Neural Language Models* (2020): counting operations.
# - A. Haviv and others, *Transformer Language Models without Positional Encodings Still Learn Positional Information* (2022).
# - J. Ainslie and others, *GQA* (2023): grouped queries.
# - L. Ben Allal and others, *SmolLM2: When Smol Goes Big* (2025).

# %% [markdown] lang="zh"
# ## 现在我们知道
#
# - 没有位置的注意力，读的是一袋词，一丝不差。位置可以加上去（波、表），也可以转进分数里（旋转）；转进去，分数里的位置就只剩距离。
# - 注意力管搬运，前馈网络在每个位置上思考，归一化管住大小，相加留住原有的东西。
# - 编码器：人人看得见人人。解码器：谁也不许往后看，人人都看对面。“我爱北京天安门”在路上是四行数，每行四个。
# - 训练之前就看得出：没有归一化，斜率随深度爆炸；没有相加，所有位置变得一样。前置归一化时，最后一块的斜率随深度变小；后置归一化时不变小。
# - 参数个数由形状就能算出：124,439,808 和 134,515,008。前向传播每个权重、每个词元 2 次运算，另加“看”的花费；训练是它的三倍。
# - 排法（两半还是相邻、前置还是后置、哪个序号）从形状上看不出来，数字才看得出来。
#
# ## 它还做不到
#
# 我们的译者只认识几十个词，语法还是我们定的。真实的句子长短不一，有的词它几乎没见过，对的译法也不止一种。第 12 课里，编码器–解码器要面对真正的中文和英文，与带注意力的循环网络同场竞技，用专为翻译而设的指标来打分。
#
# ## 参考文献
#
# - A. Vaswani 等, *Attention Is All You Need* (2017)。
# - K. He 等, *Deep Residual Learning for Image Recognition* (2016)：残差连接。
# - J. L. Ba, J. R. Kiros, G. E. Hinton, *Layer Normalization* (2016)；B. Zhang, R. Sennrich, *Root Mean Square Layer Normalization* (2019)。
# - D. Hendrycks, K. Gimpel, *Gaussian Error Linear Units (GELUs)* (2016)；N. Shazeer, *GLU Variants Improve Transformer* (2020)；D. So 等, *Primer* (2021)：relu 的平方。
# - O. Press, L. Wolf, *Using the Output Embedding to Improve Language Models* (2017)：权重共享。
# - A. Radford 等, *Language Models are Unsupervised Multitask Learners* (2019)：GPT-2。
# - R. Xiong 等, *On Layer Normalization in the Transformer Architecture* (2020)：前置与后置归一化。
# - J. Su 等, *RoFormer: Enhanced Transformer with Rotary Position Embedding* (2021)。
# - Y. Dong, J.-B. Cordonnier, A. Loukas, *Attention is Not All You Need: Pure Attention Loses Rank Doubly Exponentially with Depth* (2021)。
# - J. Kaplan 等, *Scaling Laws for Neural Language Models* (2020)：运算次数怎么数。
# - A. Haviv 等, *Transformer Language Models without Positional Encodings Still Learn Positional Information* (2022)。
# - J. Ainslie 等, *GQA* (2023)：分组查询。
# - L. Ben Allal 等, *SmolLM2: When Smol Goes Big* (2025)。
