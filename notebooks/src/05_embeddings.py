# %% [markdown]
# # 05 · Embeddings
# **Prerequisites:** [03 · Softmax](03_softmax.ipynb), [04 · Tokenization](04_tokenization.ipynb), the scalar product of two vectors · **Minutes:** 75 · **Modules:** `reference/embedding.py`, `models/word2vec.py`, `evaluation/similarity.py` · **Previous:** [04 · Tokenization](04_tokenization.ipynb) · **Next:** [06 · The window network](06_mlp.ipynb)
#
# Lesson 04 turned text into ids: *river* may be 1203 and *lake* 86. Ids are good for counting and bad for everything else. 1203 is no nearer to 86 than to 5, so whatever a table learns about *river* stays with *river*.
#
# In lesson 03 sixteen numbers for each Chinese character were enough to bring numerals, directions and surnames together. Nobody had asked for that; it fell out of predicting the next character.
#
# **Question: can a machine find out that a river is like a lake, from nothing but raw text, and how do we check that it has?**
#
# The answer of 2013 is called word2vec. It is fast, it needs no labels, and at the bottom of it lies a number that people had been counting for decades.

# %% [markdown] lang="zh"
# # 05 · 嵌入
# **先修：** [03 · Softmax](03_softmax.ipynb)、[04 · 词元化](04_tokenization.ipynb)，会算两个向量的内积 · **用时：** 75 分钟 · **模块：** `reference/embedding.py`、`models/word2vec.py`、`evaluation/similarity.py` · **上一课：** [04 · 词元化](04_tokenization.ipynb) · **下一课：** [06 · 窗口网络](06_mlp.ipynb)
#
# 第 04 课把文本变成了编号：“河”也许是 1203，“湖”也许是 86。编号适合数数，别的什么都不适合。1203 离 86 并不比离 5 更近，所以计数表从“河”身上学到的，永远只属于“河”。
#
# 第 03 课里，给每个汉字配十六个数，就足以让数字、方位、姓氏各自聚到一起。这不是谁要求的，是预测下一个字时顺带得到的。
#
# **问题：机器能不能只凭原始文本，就看出“河”像“湖”？我们又怎样检验它真的看出来了？**
#
# 2013 年的答案叫 word2vec。它快，不需要标注；而它的底层，是人们早就数了几十年的一个数。

# %%
import re
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation import similarity
from lmcourse.evaluation.probability import score
from lmcourse.evaluation.similarity import WordVectors
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.reference.embedding import (
    embedding,
    embedding_backward,
    negative_sampling,
    negative_sampling_backward,
)
from lmcourse.reference.optimizers import Adam

rng = setup(seed=0)

# %% [markdown]
# ## From one-hot to dense
#
# An id becomes a vector most honestly as a **one-hot vector**: $V$ numbers, all zero but for a single one at the place of the id. How alike are two words, then? We measure the **cosine** of the angle between two vectors $a$ and $b$:
#
# $$\cos(a,b) = \frac{a^\top b}{\lVert a\rVert\,\lVert b\rVert}$$
#
# It is 1 for the same direction, 0 for a right angle, −1 for opposite directions. What is the cosine of the one-hot vectors of *river* and *lake*? And of *river* and *saxophone*?

# %% [markdown] lang="zh"
# ## 从独热到稠密
#
# 把编号变成向量，最老实的办法是**独热向量**：$V$ 个数，除了编号那一位是一，其余全是零。这样一来，两个词有多像？我们用两个向量 $a$、$b$ 夹角的**余弦**来量：
#
# $$\cos(a,b) = \frac{a^\top b}{\lVert a\rVert\,\lVert b\rVert}$$
#
# 方向相同是 1，垂直是 0，相反是 −1。那么“河”与“湖”两个独热向量的余弦是多少？“河”与“萨克斯管”呢？

# %%
predict("river, lake: ?    river, saxophone: ?")

# %%
V = 6
one_hot = np.eye(V)  # row i belongs to id i
river, lake, saxophone = one_hot[[1, 3, 4]]
print("river    ", river)
print("lake     ", lake)
print("cosines  ", river @ lake, "and", river @ saxophone)
assert river @ lake == river @ saxophone == 0

# %% [markdown]
# All right angles. One-hot vectors know that words differ, and nothing else. So we multiply by a matrix $E$ with $V$ rows and $D$ columns, and let its numbers be *learned*. The product picks one row:
#
# $$(0, \dots, 1, \dots, 0)\,E = e_j \qquad (\text{the one at place } j)$$
#
# $e_j$, row $j$ of the matrix, is the **embedding** of token $j$. Nobody multiplies by all those zeros: looking the row up gives the same.

# %% [markdown] lang="zh"
# 全是直角。独热向量只知道词与词不同，此外一概不知。于是乘上一个 $V$ 行 $D$ 列的矩阵 $E$，里面的数都是**学**出来的。这个乘积恰好挑出一行：
#
# $$(0, \dots, 1, \dots, 0)\,E = e_j \qquad (\text{第 } j \text{ 位为一})$$
#
# $e_j$，也就是矩阵的第 $j$ 行，就是词元 $j$ 的**嵌入**。没有人真去乘那些零：直接把这一行查出来，结果一样。

# %%
E = rng.normal(size=(V, 2)).round(1)
ids = np.array([1, 3, 1])
print("E\n", E)
print("looked up\n", embedding(ids, E))
assert_allclose(one_hot[ids] @ E, embedding(ids, E))
show_source(embedding)

# %% [markdown]
# You may read that embeddings are "high-dimensional". Compared with what they replace they are the opposite: one-hot vectors have as many dimensions as there are words, here soon 11,798, and are nearly all zero; our embeddings will have 64 numbers, all of them in use. **Denser, and lower-dimensional.**
#
# The way back is short. A row gets the gradients of all places where it was looked up, and they add up. Id 1 stands twice in our three ids:

# %% [markdown] lang="zh"
# 有的文章说嵌入是“高维”的。跟它所取代的东西比，恰恰相反：独热向量有多少个词就有多少维（我们马上就会有 11,798 维），几乎全是零；我们的嵌入只有 64 个数，个个都派上用场。**更稠密，维数更低。**
#
# 反向也很简单：一行在几处被查过，就把几处的梯度加起来。三个编号里，1 出现了两次：

# %%
d_vectors = np.array([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])
d_table = embedding_backward(d_vectors, ids, V)
print(d_table)
assert_allclose(d_table, one_hot[ids].T @ d_vectors)
assert_allclose(d_table[1], [101, 202])

# %% [markdown]
# ## The company a word keeps
#
# Where shall the numbers come from? From an old idea of linguists: "You shall know a word by the company it keeps" (Firth 1957). Words that can stand in the same places mean similar things. (This is known as the **distributional hypothesis**, Harris 1954.)
#
# Eight tiny sentences. Each word, the **centre**, looks one step to both sides; what it sees there are its **neighbours**. How far it looks is called the **window**.

# %% [markdown] lang="zh"
# ## 观其伴，知其义
#
# 这些数从哪里来？来自语言学家的一个老想法：“观其伴，知其义”（Firth 1957）。能出现在同样位置上的词，意思也相近。（这叫**分布假说**，Harris 1954。）
#
# 八个小句子。每个词轮流当**中心词**，向两边各看一步，看到的就是它的**邻词**。看多远，叫作**窗口**。

# %%
from lmcourse.models.word2vec import neighbourhoods, pairs

tiny = """cat drinks milk . dog drinks milk . cat eats fish . dog eats meat .
king rules land . queen rules land . king wears crown . queen wears crown"""
sentences = [sentence.split() for sentence in tiny.split(".")]
tiny_words = sorted({word for sentence in sentences for word in sentence})
tiny_id = {word: i for i, word in enumerate(tiny_words)}
tiny_documents = [np.array([tiny_id[word] for word in s]) for s in sentences]
centres, neighbours = pairs(*neighbourhoods(tiny_documents, window=1))
for c, w in list(zip(centres, neighbours, strict=True))[:4]:
    print(f"{tiny_words[c]:>6} sees {tiny_words[w]}")
print("pairs in all:", len(centres))
assert len(centres) == 8 * 4

# %% [markdown]
# Lesson 02 would now count how often $w$ stands beside $c$. But frequent words stand beside everything. What matters is whether two words meet *more often than chance would have it*. If they took no notice of each other, the pair would have the probability $P(c)\,P(w)$. The logarithm of the ratio is the **pointwise mutual information**, PMI for short (Church & Hanks 1990 brought it to words):
#
# $$\mathrm{PMI}(c,w) = \ln\frac{P(c,w)}{P(c)\,P(w)} = \ln\frac{n_{cw}\,N}{n_c\,n_w}$$
#
# Here $n_{cw}$ is the count of the pair, $n_c$ is how often $c$ is the centre, $n_w$ how often $w$ is the neighbour, $N$ is the number of pairs. Zero: as by chance. Positive: they seek each other. Negative: they avoid each other. (Its mean over all pairs is the mutual information of information theory, hence the name.)
#
# By hand: of the 32 pairs, *cat* is the centre of 2, *drinks* is the neighbour in 4, and 1 has both. $\mathrm{PMI} = \ln\frac{1\cdot 32}{2\cdot 4} = \ln 4$.

# %% [markdown] lang="zh"
# 照第 02 课的办法，现在该数 $w$ 在 $c$ 旁边出现了多少次。可是常见词在谁旁边都出现。要紧的是两个词碰面是否**比碰巧更频繁**。假如它们互不理睬，这一对的概率就是 $P(c)\,P(w)$。实际与碰巧之比取对数，就是**点互信息**（PMI；Church 和 Hanks 1990 把它用到词上）：
#
# $$\mathrm{PMI}(c,w) = \ln\frac{P(c,w)}{P(c)\,P(w)} = \ln\frac{n_{cw}\,N}{n_c\,n_w}$$
#
# 其中 $n_{cw}$ 是这一对的计数，$n_c$ 是 $c$ 当中心词的次数，$n_w$ 是 $w$ 当邻词的次数，$N$ 是总对数。零：和碰巧一样；正：彼此吸引；负：彼此回避。（对所有词对取平均，就是信息论里的互信息，名字由此而来。）
#
# 动手算：总共 32 对，cat 当中心词的有 2 对，drinks 当邻词的有 4 对，两样都占的有 1 对。$\mathrm{PMI} = \ln\frac{1\cdot 32}{2\cdot 4} = \ln 4$。

# %%
size = len(tiny_words)
table = np.bincount(centres * size + neighbours, minlength=size**2).reshape(size, size)
n = table.sum(axis=1)
with np.errstate(divide="ignore"):
    pmi = np.log(table * n.sum() / np.outer(n, n))
cat, drinks, milk = (tiny_id[word] for word in ("cat", "drinks", "milk"))
print("cat, drinks ", pmi[cat, drinks].round(3), "   milk, drinks", pmi[milk, drinks].round(3))
print("cat, milk   ", pmi[cat, milk])
assert_allclose(pmi[cat, drinks], np.log(4))
assert_allclose(pmi[milk, drinks], np.log(8))

# %% [markdown]
# Pairs that never met have a PMI of $-\infty$. In a small text that says little (they had no occasion), so the common cure is to keep the positive part alone, **PPMI**: $\max(0, \mathrm{PMI})$. A row of this table is a first vector for a word. *Cat* and *dog* never stand beside each other. What will their cosine be?

# %% [markdown] lang="zh"
# 从没碰过面的词对，PMI 是 $-\infty$。文本小的时候这说明不了什么（它们只是没有机会），所以通常只留正的部分，叫 **PPMI**：$\max(0, \mathrm{PMI})$。这张表的一行，就是一个词最初的向量。cat 和 dog 从来不相邻，它们的余弦会是多少？

# %%
predict("-1", "0", "1")

# %%
by_counting = WordVectors(tiny_words, np.maximum(pmi, 0))
for one, other in [("cat", "dog"), ("king", "queen"), ("fish", "meat"), ("cat", "king")]:
    print(f"{one:>5} and {other:<6}{by_counting.cosine(one, other):.2f}")
assert table[cat, tiny_id["dog"]] == 0
assert_allclose(by_counting.cosine("cat", "dog"), 1)
assert by_counting.cosine("cat", "king") == 0

# %% [markdown]
# They never met, and they are the same, since both drink and eat. The vectors compare *company*, not acquaintance. But these rows are as long as the vocabulary, and they exist only once the whole text has been counted. Can short vectors be learned while reading?
#
# ## A guessing game
#
# **Skip-gram** (Mikolov and others 2013) gives each word two vectors of width $D$: $e_c$ for the word as a centre, and $u_w$ for the word as somebody's neighbour. Their scalar product $e_c^\top u_w$ is the score of the pair. A softmax over all words would make it the energy form of lesson 03, and each step would have to sum over all $V$ words.
#
# **Negative sampling** asks an easier question: *did these two words really stand side by side, or did I make the second one up?* For every true neighbour we draw $k$ **noise words** from a distribution $q$. The answer "true" gets the probability
#
# $$\sigma(s) = \frac{1}{1+e^{-s}}, \qquad s = e_c^\top u_w$$
#
# This **sigmoid** is the softmax of the two scores $s$ and 0. The loss is the surprise at the right answers, "true" for the neighbour and "noise" for the others, with $1-\sigma(s) = \sigma(-s)$:
#
# $$L = -\ln\sigma(e_c^\top u_w) - \sum_{i=1}^{k}\ln\sigma(-e_c^\top u_{w_i}), \qquad w_i \sim q$$
#
# One step now touches $k+2$ vectors instead of $V+1$. With the centre *cat*, the neighbour *drinks*, and the noise words *crown* and *rules*:

# %% [markdown] lang="zh"
# 从未谋面，却一模一样，因为它们都喝、都吃。这些向量比的是**同伴**，不是交情。不过这样的一行和词表一样长，而且要把整个文本数完才有。能不能边读边学，学出短的向量来？
#
# ## 真假游戏
#
# **skip-gram**（又称跳字模型，Mikolov 等 2013）给每个词两个宽度为 $D$ 的向量：当中心词时用 $e_c$，当别人的邻词时用 $u_w$。两者的内积 $e_c^\top u_w$ 就是这一对的分数。要是对所有词做 softmax，就成了第 03 课的能量形式，每一步都得对 $V$ 个词求和。
#
# **负采样**换了一个容易些的问题：**这两个词真的挨在一起过吗，还是第二个是我编的？** 每来一个真邻词，就从分布 $q$ 里抽 $k$ 个**噪声词**。回答“真”的概率是
#
# $$\sigma(s) = \frac{1}{1+e^{-s}}, \qquad s = e_c^\top u_w$$
#
# 这个 **sigmoid** 函数，就是 $s$ 和 0 两个分数的 softmax。损失是对正确答案的惊异度：邻词该答“真”，其余该答“噪声”；注意 $1-\sigma(s) = \sigma(-s)$：
#
# $$L = -\ln\sigma(e_c^\top u_w) - \sum_{i=1}^{k}\ln\sigma(-e_c^\top u_{w_i}), \qquad w_i \sim q$$
#
# 这样一步只碰 $k+2$ 个向量，而不是 $V+1$ 个。取中心词 cat、邻词 drinks、噪声词 crown 和 rules：


# %%
def sigmoid(s):
    return 1 / (1 + np.exp(-s))


e_cat = np.array([[1.0, -0.5]])
u_drinks = np.array([[0.8, 0.4]])
u_noise = np.array([[[-0.2, 1.0], [0.5, -1.0]]])  # crown, rules
true, crown, rules = 0.6, -0.7, 1.0  # the three scores
print("believed true:", sigmoid(np.array([true, crown, rules])).round(3))
by_hand = -np.log(sigmoid(true)) - np.log(sigmoid(-crown)) - np.log(sigmoid(-rules))
loss, cache = negative_sampling(e_cat, u_drinks, u_noise)
print("loss", round(by_hand, 4))
assert_allclose(e_cat @ np.vstack([u_drinks, *u_noise]).T, [[true, crown, rules]])
assert_allclose([by_hand, loss], 2.154, atol=5e-4)

# %% [markdown]
# The slopes are those of lesson 03 again. For a score $s$ with the right answer $y$ (1 for true, 0 for noise):
#
# $$\frac{\partial}{\partial s}\bigl(-\ln\sigma(s)\bigr) = -\frac{\sigma(s)\,(1-\sigma(s))}{\sigma(s)} = \sigma(s) - 1, \qquad \frac{\partial}{\partial s}\bigl(-\ln\sigma(-s)\bigr) = \sigma(s)$$
#
# Both say *prediction minus truth*, $\sigma(s) - y$. A score is a scalar product, so each vector gets the slope times the vector across from it:
#
# $$\frac{\partial L}{\partial u_w} = (\sigma(s_w) - y_w)\,e_c, \qquad \frac{\partial L}{\partial e_c} = \sum_{w}(\sigma(s_w) - y_w)\,u_w$$
#
# Read the second one backwards, as a step *against* the gradient: the centre is pulled towards its true neighbour and pushed away from noise that it believed.

# %% [markdown] lang="zh"
# 斜率还是第 03 课那一个。分数为 $s$、正确答案为 $y$（真为 1，噪声为 0）时：
#
# $$\frac{\partial}{\partial s}\bigl(-\ln\sigma(s)\bigr) = -\frac{\sigma(s)\,(1-\sigma(s))}{\sigma(s)} = \sigma(s) - 1, \qquad \frac{\partial}{\partial s}\bigl(-\ln\sigma(-s)\bigr) = \sigma(s)$$
#
# 两个都是**预测减真相**，$\sigma(s) - y$。分数是内积，所以每个向量得到的是斜率乘以对面的向量：
#
# $$\frac{\partial L}{\partial u_w} = (\sigma(s_w) - y_w)\,e_c, \qquad \frac{\partial L}{\partial e_c} = \sum_{w}(\sigma(s_w) - y_w)\,u_w$$
#
# 把第二个式子反过来看，也就是**逆着**梯度走一步：中心词被拉向真邻词，被推离它信以为真的噪声。

# %%
d_e, d_u, d_noise = negative_sampling_backward(1.0, cache)
print("for e_cat   ", d_e[0].round(3))
print("for u_drinks", d_u[0].round(3))
pull = (sigmoid(true) - 1) * u_drinks[0]
push = sigmoid(crown) * u_noise[0, 0] + sigmoid(rules) * u_noise[0, 1]
assert_allclose(d_e[0], pull + push)
after, _ = negative_sampling(e_cat - 0.1 * d_e, u_drinks - 0.1 * d_u, u_noise - 0.1 * d_noise)
print("loss after one step", round(after, 4))
assert after < loss

# %% [markdown]
# The same function for whole batches, against two witnesses: finite differences, and TensorFlow's tape.

# %% [markdown] lang="zh"
# 同一个函数也能算整批。请两位证人：有限差分，和 TensorFlow 的磁带。

# %%
show_source(negative_sampling_backward)

# %%
import keras
import tensorflow as tf

e, u, noise = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.normal(size=(4, 5, 3))
formula = negative_sampling_backward(1.0, negative_sampling(e, u, noise)[1])[0]
measured, step = np.zeros_like(e), 1e-6
for place in np.ndindex(e.shape):
    nudge = np.zeros_like(e)
    nudge[place] = step
    rise = negative_sampling(e + nudge, u, noise)[0] - negative_sampling(e - nudge, u, noise)[0]
    measured[place] = rise / (2 * step)
variable = tf.Variable(e)
with tf.GradientTape() as tape:
    true = tf.math.log_sigmoid(tf.reduce_sum(variable * u, axis=-1))
    false = tf.math.log_sigmoid(-tf.einsum("bkd,bd->bk", noise, variable))
    loss = -tf.reduce_mean(true + tf.reduce_sum(false, axis=-1))
assert_allclose(formula, measured, atol=1e-6)
assert_allclose(formula, tape.gradient(loss, variable).numpy(), atol=1e-12)
print("formula, finite differences and the tape agree")

# %% [markdown]
# ## Where the game comes to rest
#
# Negative sampling never computes a probability over the vocabulary. So what has it learned when it stops? Collect all terms with the same centre $c$ and word $w$. The true pair comes $n_{cw}$ times. As noise, $w$ is drawn $k\,n_c\,q_w$ times in the mean. With the score $s$ of this pair, that share of the loss is
#
# $$n_{cw}\,\bigl(-\ln\sigma(s)\bigr) + k\,n_c\,q_w\,\bigl(-\ln\sigma(-s)\bigr)$$
#
# and its slope is $n_{cw}(\sigma(s)-1) + k\,n_c\,q_w\,\sigma(s)$. Set it to zero and solve for $s$, using $\sigma/(1-\sigma) = e^s$:
#
# $$e^s = \frac{n_{cw}}{k\,n_c\,q_w} \qquad\Longrightarrow\qquad \boxed{\; s = \ln P(w\mid c) - \ln(k\,q_w) \;}$$
#
# Two readings of one formula.
#
# - Since $\ln P(w\mid c) = \mathrm{PMI}(c,w) + \ln P(w)$, the score is $s = \mathrm{PMI}(c,w) - \ln\frac{k\,q_w}{P(w)}$. If the noise is drawn by plain frequency, $q_w = P(w)$, what is taken off is $\ln k$ for every word. **Word2vec learns the table of PMI**, moved down and squeezed into short vectors: $E\,U^\top \approx \mathrm{PMI} - \ln k$ (Levy & Goldberg 2014).
# - Add $\ln(k\,q_w)$, which we know, and the score becomes $\ln P(w\mid c)$: a log-probability, normalized although nobody normalized it. So skip-gram fits the contract of this course, ids `(B, T)` → logits `(B, T, V)`.
#
# We check both where everything can be counted: the 26 letters and the space, on Shakespeare, two neighbours on each side. The table of scores is free at first, $27\times 27$ numbers, and the noise enters with its mean. It is not plain frequency but frequency to the power of ¾, which gives rare words a little more; 2013 found by trial that it works better. The formula doesn't mind.

# %% [markdown] lang="zh"
# ## 游戏停在哪里
#
# 负采样从头到尾没有在词表上算过概率。那它停下来的时候，学到的是什么？把中心词为 $c$、另一个词为 $w$ 的项都收到一起。真词对出现 $n_{cw}$ 次；作为噪声，$w$ 平均被抽到 $k\,n_c\,q_w$ 次。这一对的分数记作 $s$，它们在损失里的份额就是
#
# $$n_{cw}\,\bigl(-\ln\sigma(s)\bigr) + k\,n_c\,q_w\,\bigl(-\ln\sigma(-s)\bigr)$$
#
# 斜率是 $n_{cw}(\sigma(s)-1) + k\,n_c\,q_w\,\sigma(s)$。令它为零，利用 $\sigma/(1-\sigma) = e^s$ 解出 $s$：
#
# $$e^s = \frac{n_{cw}}{k\,n_c\,q_w} \qquad\Longrightarrow\qquad \boxed{\; s = \ln P(w\mid c) - \ln(k\,q_w) \;}$$
#
# 一个公式，两种读法。
#
# - 因为 $\ln P(w\mid c) = \mathrm{PMI}(c,w) + \ln P(w)$，所以 $s = \mathrm{PMI}(c,w) - \ln\frac{k\,q_w}{P(w)}$。如果噪声就按词频抽，$q_w = P(w)$，那么每个词减去的都是 $\ln k$。**word2vec 学的就是 PMI 表**，往下移一移，再压进短向量里：$E\,U^\top \approx \mathrm{PMI} - \ln k$（Levy 和 Goldberg 2014）。
# - 加上我们已知的 $\ln(k\,q_w)$，分数就成了 $\ln P(w\mid c)$：一个对数概率，没有人归一化过，它却是归一的。所以 skip-gram 也符合本课程的约定：编号 `(B, T)` → logit `(B, T, V)`。
#
# 两条都拿来检验，挑一个样样数得清的地方：26 个字母加空格，读莎士比亚，左右各看两个。分数表先不压缩，就是 $27\times 27$ 个自由的数；噪声不真去抽，直接按平均次数算。噪声也不按原本的词频，而是按词频的 ¾ 次方，好让罕见词多一点机会；这是 2013 年试出来的，效果更好。公式并不在意。

# %%
from lmcourse.models.word2vec import SkipGram, noise_distribution
from lmcourse.text.corpora import sanguo, shakespeare, wiki
from lmcourse.text.tokenizers import CharacterTokenizer


def letters(split):
    return re.sub("[^a-z]+", " ", shakespeare().text(split).lower())


alphabet = CharacterTokenizer.train(letters("train"))
read = alphabet.encode(letters("train")[:500_000])
centres, neighbours = pairs(*neighbourhoods([read], window=2))
table = np.bincount(centres * 27 + neighbours, minlength=27**2).reshape(27, 27)
n = table.sum(axis=1)
p = table / n[:, None]  # P(w | c), counted
print(f"{len(read):,} letters, {table.sum():,} pairs")
assert alphabet.vocabulary_size == 27

# %%
k, q = 5, noise_distribution(n, 27)
scores, optimizer = np.zeros((27, 27)), Adam(0.2)
for _ in range(1000):
    slope = table * (sigmoid(scores) - 1) + k * np.outer(n, q) * sigmoid(scores)
    scores = optimizer.step(scores, slope / table.sum())
often = table > 50
with np.errstate(divide="ignore"):
    predicted = np.log(p) - np.log(k * q)
    pmi = np.log(table * n.sum() / np.outer(n, n))
shift = np.log(k * q) - np.log(n / n.sum())  # of each word w, a column
print("pairs read more than 50 times:", often.sum(), "of", 27**2)
print("largest difference from the formula:", abs(scores - predicted)[often].max().round(3))
print("and from PMI less the shift:", abs(scores - pmi + shift)[often].max().round(3))
assert_allclose(scores[often], predicted[often], atol=0.01)
assert_allclose((scores + shift)[often], pmi[often], atol=0.01)

# %%
figure, axes = plt.subplots(figsize=(4.6, 3.6))
axes.plot([-5, 1], [-5, 1], color=plots.GREY, linewidth=1)
axes.plot(predicted[often], scores[often], "o", markersize=3, alpha=0.5)
for pair in ("qu", "th", "ee"):
    c, w = alphabet.encode(pair)
    axes.annotate(pair, (predicted[c, w], scores[c, w]), (8, -10), textcoords="offset points")
axes.set(xlabel=r"$\ln P(w\,|\,c) - \ln (k\,q_w)$, counted", ylabel="score, learned (nats)")
plt.show()

# %% [markdown]
# **Figure.** Every dot is a pair of letters that was read more than 50 times. Across: what the formula says from the counts. Up: the score that the guessing game has arrived at. All dots lie on the diagonal. Top right stands `qu`, a pair that seeks each other.

# %% [markdown] lang="zh"
# **图.** 每个点是读到超过 50 次的一对字母。横轴是公式由计数给出的值，纵轴是真假游戏玩到最后得到的分数。所有的点都落在对角线上。右上角是彼此吸引的 `qu`。

# %% [markdown]
# Now the second reading. Give the table to the model of the course, which adds $\ln(k\,q_w)$:

# %% [markdown] lang="zh"
# 再看第二种读法。把这张表交给本课程的模型，由它加上 $\ln(k\,q_w)$：

# %%
show_source(SkipGram.logits)
neighbour_model = SkipGram(27, width=27, counts=n, negatives=k)
neighbour_model.vectors.assign(scores)  # e_c: row c of the scores
neighbour_model.contexts.assign(np.eye(27))  # u_w: one-hot
logits = np.asarray(neighbour_model(np.arange(27)[None]), np.float64)[0]  # (B, T, V), B = 1
print("sum of e^logit:", np.exp(logits).sum(axis=1).min().round(3), "to", end=" ")
print(np.exp(logits).sum(axis=1).max().round(3))
assert_allclose(np.exp(logits).sum(axis=1), 1, atol=0.01)
assert_allclose(np.exp(logits)[often], p[often], atol=0.005)

# %% [markdown]
# Each row sums to one. The noise did what the sum over the vocabulary does in softmax. (The idea, with an exact guarantee, is called *noise-contrastive estimation*, Gutmann & Hyvärinen 2010.)
#
# So it is a language model, and may be scored on held-out plays like any other. It is trained to predict a letter *somewhere near*. Guess where it lands between the unigram, which ignores the context, and the bigram, which knows what comes *next*.

# %% [markdown] lang="zh"
# 每一行加起来都是一。softmax 里靠对词表求和做的事，噪声替它做了。（这个想法有严格的保证，叫**噪声对比估计**，Gutmann 和 Hyvärinen 2010。）
#
# 那它就是语言模型，可以像别的模型一样在留出的剧本上打分。它学的是预测**附近某处**的字母。猜一猜：一元语法（unigram）不看上下文，二元语法（bigram）知道**下一个**是什么，它会落在两者之间的哪里？

# %%
predict("like the unigram", "halfway", "like the bigram")

# %%
from lmcourse.models.ngram import AddK

held_out = alphabet.encode(letters("test")[:100_000])
rivals = {
    "unigram": AddK.train(read, order=1, vocabulary_size=27, k=1.0),
    "skip-gram, as a language model": neighbour_model,
    "bigram": AddK.train(read, order=2, vocabulary_size=27, k=1.0),
}
bits = {name: score(model, held_out).bits_per_token for name, model in rivals.items()}
for name, cost in bits.items():
    print(f"{name:<32}{cost:.2f} bits per letter")
gain = bits["unigram"] - bits["bigram"]
assert 0 < bits["unigram"] - bits["skip-gram, as a language model"] < 0.5 * gain

# %% [markdown]
# Nearer to the unigram. Of what the bigram gains, less than half is left when order is forgotten. That is why word2vec has no row in the lineage table: it would be a poor writer. **It is a method to train vectors**, and the vectors are what people take home.
#
# Order is the business of lesson 06. Now for meaning.
#
# ## Words from an encyclopedia
#
# The corpus `wiki`: introductions of 10,033 articles of the English Wikipedia, written by its authors and shared under CC BY-SA 4.0. We lower-case it and keep the words that occur five times or more. Pairs never cross from one article to the next. (All articles are read, those of the test split too: the judges will be people's lists and ratings, not held-out text.)

# %% [markdown] lang="zh"
# 离一元语法更近。二元语法得到的好处，一忘掉次序，剩下不到一半。所以谱系表里没有 word2vec 这一行：让它写文章会很糟。**它是一种训练向量的方法**，人们要的是那些向量。
#
# 次序是第 06 课的事。现在来看词义。
#
# ## 从百科全书里学词
#
# 语料 `wiki`：英文维基百科 10,033 个条目的引言，由维基百科的作者们撰写，以 CC BY-SA 4.0 共享。全部转成小写，只留出现五次以上的词。词对不跨条目。（所有条目都读，测试集的也读：将来当裁判的是人列的清单和打的分，不是留出文本。）

# %%
articles = wiki()
texts = [re.findall(r"[^\W\d_]+", article.text.lower()) for article in articles]


def index(texts, minimum=5):
    """Words by frequency, how often each occurs, and the texts as ids without the rare words."""
    found = Counter(word for text in texts for word in text)
    ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    kept = [(word, count) for word, count in ranked if count >= minimum]
    id_of = {word: i for i, (word, _) in enumerate(kept)}
    documents = [np.array([id_of[w] for w in text if w in id_of]) for text in texts]
    return [word for word, _ in kept], np.array([count for _, count in kept]), documents


words, counts, documents = index(texts)
V = len(words)
print(f"{sum(map(len, documents)):,} words read, {V:,} different")
print("most frequent:", *words[:8], "   least frequent:", *words[-4:])
assert V == 11_798

# %% [markdown]
# *The* stands beside everything and says nothing. Word2vec thins such words out: one whose share of the text is $f$ is kept with probability $\sqrt{t/f}$, here with $t = 0.0001$. What remains moves closer together, so the window of 5 reaches further. Each centre also draws its own reach between 1 and 5, so that near neighbours count more often than far ones. (Lesson 04 warned against dropping frequent words for a *language model*. Here the goal is another.)

# %% [markdown] lang="zh"
# the 跟谁都挨着，所以什么也没说。word2vec 会把这类词抽稀：占文本份额为 $f$ 的词，以 $\sqrt{t/f}$ 的概率留下，这里取 $t = 0.0001$。剩下的词靠得更近，同样是 5 的窗口就看得更远。每个中心词还会在 1 到 5 之间随机抽一个自己的视野，于是近的邻词比远的更常算到。（第 04 课提醒过：**语言模型**不该删常见词。这里的目的不同。）

# %%
from lmcourse.models.word2vec import CBOW, NegativeSampling, thin_out

draw = np.random.default_rng(0)
thin = [thin_out(ids, counts, 1e-4, draw) for ids in documents]
before, after = (np.bincount(np.concatenate(d), minlength=V) for d in (documents, thin))
for word in ("the", "city", "river", "jazz"):
    row = words.index(word)
    print(f"{word:<10}{before[row]:>7,} -> {after[row]:>5,}")
print(f"all       {before.sum():>7,} -> {after.sum():>7,}")
print("now one after the other:", *[words[i] for i in thin[0][:9]])
assert after[0] < 0.1 * before[0] and after[row] > 0.9 * before[row]

# %% [markdown]
# One thing is arranged for speed. In a batch of 8,192 pairs all share 64 noise words, and the 64 together weigh as much as $k = 5$. The mean is the same as with 5 words of one's own for each pair, and the scores become one matrix product. Here is the loss that the trainer lowers, and the loop:

# %% [markdown] lang="zh"
# 为了快，有一处安排。一批 8,192 对共用 64 个噪声词，这 64 个合起来的分量等于 $k = 5$ 个。平均而言，这与每对各抽 5 个相同，而所有分数成了一次矩阵乘积。下面是训练器要降低的损失，以及训练循环：

# %%
show_source(NegativeSampling.call)


# %%
def train(model, documents, counts, epochs, rate, batch=8192, threshold=1e-4, window=5):
    trainer, draw, history = NegativeSampling(model), np.random.default_rng(0), []
    trainer.compile(keras.optimizers.Adam(rate), jit_compile=True)
    noise = noise_distribution(counts, len(counts)).cumsum()
    for epoch in range(epochs):
        thin = [thin_out(ids, counts, threshold, draw) for ids in documents]
        centres, around = neighbourhoods(thin, window, draw)
        skip = isinstance(model, SkipGram)
        reading, target = pairs(centres, around) if skip else (around, centres)
        order = draw.permutation(len(target))
        starts = np.arange(0, len(order) - batch + 1, batch)
        for first in starts:
            rows, done = order[first : first + batch], (epoch + first / len(order)) / epochs
            trainer.optimizer.learning_rate = rate * (1 - done)
            sampled = np.minimum(np.searchsorted(noise, draw.random(64)), len(counts) - 1)
            history.append(float(trainer.train_on_batch((reading[rows], target[rows], sampled))))
    return np.array(history), len(starts)


# %% tags=["nbval-ignore-output"]
keras.utils.set_random_seed(0)
skip_gram = SkipGram(V, width=64, counts=counts)
history, steps = train(skip_gram, documents, counts, epochs=3, rate=0.02)
print(f"parameters {skip_gram.count_params():,}, pairs a pass {steps * 8192:,}")
for third, losses in enumerate(np.array_split(history, 3), 1):
    print(f"pass {third}: mean loss {losses.mean():.2f}")
print(f"all scores zero would cost {6 * np.log(2):.2f}")
assert history[-steps:].mean() < history[:steps].mean() - 0.3 < 6 * np.log(2)

# %% [markdown]
# Three passes of guessing. What does the model think stands near *river*? Write down three words that you would accept.

# %% [markdown] lang="zh"
# 真假游戏玩了三遍。模型认为 river 附近是哪些词？先写下三个你会认可的词。

# %%
predict("river: ?, ?, ?")

# %% tags=["nbval-ignore-output"]
by_reading = WordVectors(words, skip_gram.vectors.numpy())
for word in ("river", "king", "physics", "music", "disease", "film", "she", "german"):
    print(f"{word:<9}", *by_reading.nearest(word, 7))
expected = {"lake", "rivers", "tributary", "basin", "valley", "flows", "delta", "stream", "mouth"}
assert len(expected & set(by_reading.nearest("river", 10))) >= 3

# %% [markdown]
# Nobody said what a river is. How near is near? The next figure draws the cosines.

# %% [markdown] lang="zh"
# 没有人教过它什么是河。“近”有多近？下一张图画出余弦。


# %%
def draw_nearest(axes, word):
    near = by_reading.nearest(word, 8)
    axes.barh(range(8), [by_reading.cosine(word, other) for other in near], color=plots.SKY)
    for place, other in enumerate(near):
        axes.text(0.03, place, other, va="center", fontsize=8)
    axes.set(xlim=(0, 1), ylim=(7.6, -0.6), xlabel="cosine", ylabel="rank", yticks=[0, 3, 7])
    axes.set_yticklabels(["1", "4", "8"])


# %% tags=["nbval-ignore-output"]
choices = ["river", "king", "physics", "music", "planet", "church", "football", "computer"]
explore(draw_nearest, word=choices)
assert all(word in by_reading for word in choices)

# %% [markdown]
# **Figure.** Six words, each with its eight nearest neighbours from top to bottom; a bar's length is the cosine. The cosines fall slowly, with no step that would part relatives from strangers, and many of the neighbours belong to the same field as the word.

# %% [markdown] lang="zh"
# **图.** 六个词，各带八个最近的邻居，由上到下越来越远；横条的长度是余弦。余弦缓缓下降，没有哪一处突然掉下去，把亲属与外人隔开；许多邻居与这个词同属一个领域。

# %% [markdown]
# ## Are the neighbours right?
#
# A handful of fine examples proves little: one always finds some. So a list was written *before* anyone looked at a neighbour: twenty words, each with the relatives that a person would accept (`data/relatives.json`; `data/README.md` tells how). A word passes if at least one of its relatives is among the ten nearest of 11,797. (Ten words drawn blindly would hold one of eight relatives about once in 150 times.)

# %% [markdown] lang="zh"
# ## 邻居对不对？
#
# 几个漂亮的例子说明不了什么，总能挑到几个。所以在看到任何邻居**之前**，先写好了一份清单：二十个词，各列出一个人会认可的亲属词（`data/relatives.json`，写法见 `data/README.md`）。只要最近的十个词里（候选有 11,797 个）至少有一个亲属词，就算通过。（闭着眼睛抽十个词，要抽中八个亲属词之一，大约 150 次才有一次。）

# %% tags=["nbval-ignore-output"]
found = similarity.relatives_found(by_reading, similarity.relatives("en"))
for word, friends in found.items():
    print(f"{word:<12}", *friends)
passed = sum(map(bool, found.values()))
print(f"passed: {passed} of {len(found)}")
assert passed >= 14

# %% [markdown]
# The second judge is a crowd. In **WordSim-353** (Finkelstein and others 2002; the file comes with the package gensim) people rated how related the words of 353 pairs are, from 0 to 10. We rank the pairs by rating and by cosine, and ask how alike the two rankings are. **Spearman's correlation** is the ordinary correlation of the ranks: 1 for the same order, 0 for no relation. If no ranks tie, it is $1 - \frac{6\sum d^2}{N(N^2-1)}$, with $d$ the difference of a pair's two ranks and $N$ the number of pairs. By hand, for four pairs:

# %% [markdown] lang="zh"
# 第二位裁判是一群人。在 **WordSim-353**（Finkelstein 等 2002，文件随 gensim 包提供）里，人们给 353 对词的相关程度打分，从 0 到 10。我们按评分给词对排名，再按余弦排名，看两个名次有多一致。**斯皮尔曼相关系数**就是名次的普通相关系数：次序相同是 1，毫无关系是 0。名次没有并列时，它等于 $1 - \frac{6\sum d^2}{N(N^2-1)}$，$d$ 是一对词两个名次之差，$N$ 是词对的个数。先拿四对词动手算：

# %%
rated = [("tiger", "cat", 7.35), ("king", "queen", 8.58), ("sugar", "approach", 0.88)]
rated += [("professor", "cucumber", 0.31)]
assert set(rated) <= set(similarity.word_similarity())
ranks_of_people = similarity.ranks([rating for *_, rating in rated])
ranks_of_a_model = np.array([4, 3, 1, 2])  # suppose
gap = ranks_of_people - ranks_of_a_model
by_hand = 1 - 6 * (gap**2).sum() / (4 * (4**2 - 1))  # equal to the correlation if no ranks tie
print("people", ranks_of_people, "  model", ranks_of_a_model, "  by hand", by_hand)
assert_allclose(by_hand, similarity.spearman(ranks_of_people, ranks_of_a_model))
assert_allclose(by_hand, 0.6)

# %% tags=["nbval-ignore-output"]
chance = WordVectors(words, rng.normal(size=(V, 64)))
results = {"random": similarity.human_correlation(chance)[0]}
results["skip-gram"], known = similarity.human_correlation(by_reading)
print(f"{known} of {len(similarity.word_similarity())} pairs have both words in the vocabulary")
for name, value in results.items():
    print(f"{name:<16}{value:5.2f}")
assert known == 254 and results["skip-gram"] > 0.35 > abs(results["random"]) + 0.1

# %% [markdown]
# ## The other way round: CBOW
#
# Skip-gram reads the centre and predicts each neighbour. **CBOW** (continuous bag of words) reads all neighbours at once, as the *mean* of their vectors, and predicts the centre. A bag, since a mean forgets the order. One example a word instead of one a pair, so a pass takes fewer steps. The trainer stays the same; what differs is `read`:

# %% [markdown] lang="zh"
# ## 反过来：CBOW
#
# skip-gram 读中心词，预测每个邻词。**CBOW**（连续词袋模型）把所有邻词一起读进来，取向量的**平均**，再预测中心词。叫“袋”，是因为平均会忘掉次序。每个词只有一个样本，而不是每对一个，所以读一遍用的步数更少。训练器不变，不同的是 `read`：

# %%
show_source(SkipGram.read, CBOW.read)
small_cbow = CBOW(4, width=1, window=2)
small_cbow.vectors.assign([[1.0], [10.0], [100.0], [1000.0]])
print("mean of words 0 and 2, -1 is nobody:", small_cbow.read(np.array([[0, 2, -1, -1]])).numpy())
assert_allclose(small_cbow.read(np.array([[0, 2, -1, -1]])), [[50.5]])

# %% tags=["nbval-ignore-output"]
keras.utils.set_random_seed(0)
cbow = CBOW(V, width=64, counts=counts)
train(cbow, documents, counts, epochs=3, rate=0.03, batch=4096)
by_bag = WordVectors(words, cbow.vectors.numpy())
results["CBOW"] = similarity.human_correlation(by_bag)[0]
print("river  ", *by_bag.nearest("river", 7))
print("physics", *by_bag.nearest("physics", 7))
found = similarity.relatives_found(by_bag, similarity.relatives("en"))
print(f"CBOW: {results['CBOW']:.2f}, relatives {sum(map(bool, found.values()))} of 20")
assert results["CBOW"] > 0.2 and sum(map(bool, found.values())) >= 14

# %% [markdown]
# ## The counting rival
#
# If word2vec squeezes the table of PMI, why not count that table and squeeze it ourselves? The PPMI of all pairs is a symmetric matrix $M$ with $V^2$ cells, nearly all zero, so we store the others alone. Frequent words are thinned out as before, and the window is 5 again; only that here every neighbour in it counts in full, where skip-gram drew its reach.

# %% [markdown] lang="zh"
# ## 数数的对手
#
# 既然 word2vec 是在压缩 PMI 表，何不自己数出这张表，自己来压？所有词对的 PPMI 是一个对称矩阵 $M$，有 $V^2$ 格，几乎全是零，所以只存其余的格。抽稀照旧，窗口还是 5；只是这里窗口内的邻词一律算数，而 skip-gram 的视野是随机抽的。


# %%
def positive_pmi(centres, neighbours, V):
    keys, n = np.unique(centres * V + neighbours, return_counts=True)
    rows, columns = np.divmod(keys, V)
    of_word = np.bincount(centres, minlength=V)
    pmi = np.log(n * n.sum() / (of_word[rows] * of_word[columns]))
    kept = pmi > 0
    return rows[kept], columns[kept], pmi[kept].astype(np.float32)


draw = np.random.default_rng(0)
thin = [thin_out(ids, counts, 1e-4, draw) for ids in documents]
ppmi = positive_pmi(*pairs(*neighbourhoods(thin, window=5)), V)
print(f"cells {V * V:,}, not zero {len(ppmi[0]) / V**2:.1%}")
assert len(ppmi[0]) < 0.03 * V * V

# %% [markdown]
# To squeeze means: find vectors of width $D$ whose scalar products come as close to the table as possible. For a symmetric matrix the answer (Eckart & Young 1936) is to keep the $D$ strongest of its eigenvectors (directions that $M$ stretches without turning them), $M \approx Q\,\Lambda\,Q^\top$, with the columns of $Q$ at right angles to each other and $\Lambda$ diagonal. This is its truncated **singular value decomposition**, SVD for short. Centres and neighbours get half of each strength: $E = Q\,|\Lambda|^{1/2}$, and $U$ is the same up to signs.
#
# How are the strongest directions found without taking a matrix of 139 million cells apart? Multiply any random vectors by $M$ again and again: what is strong in them grows fastest. After each product `qr` puts them at right angles again, or all would turn into the strongest direction; at the end `eigh` finds the eigenvectors of the small table that is left. We take four rounds. First a check on the small table of letters, where NumPy can do everything:

# %% [markdown] lang="zh"
# 所谓压缩，就是找宽度为 $D$ 的向量，让它们的内积尽量接近这张表。对称矩阵的答案（Eckart 和 Young 1936）是只留它最强的 $D$ 个特征向量（$M$ 只拉伸、不转动的方向），$M \approx Q\,\Lambda\,Q^\top$，其中 $Q$ 的各列互相垂直，$\Lambda$ 是对角矩阵。这就是它的截断**奇异值分解**（SVD）。每个方向的强度由中心词和邻词平分：$E = Q\,|\Lambda|^{1/2}$，$U$ 与它只差正负号。
#
# 矩阵有一亿三千九百万格，不把它整个拆开，怎么找到最强的方向？拿 $M$ 反复去乘随机向量：其中强的成分长得最快。每乘一次，就用 `qr` 让各列重新互相垂直，不然全都会转向最强的那个方向；最后剩下一张小表，用 `eigh` 求它的特征向量。我们取四轮。先在字母的小表上核对，那里 NumPy 样样都算得动：


# %%
def times(table, Q, block=1000):
    """Multiply the table by a thin matrix, a thousand rows at a time: (V, V), (V, D) -> (V, D)."""
    (rows, columns, values), product = table, np.empty_like(Q)
    for first in range(0, len(Q), block):
        low, high = np.searchsorted(rows, [first, first + block])
        part = np.zeros((min(block, len(Q) - first), len(Q)), np.float32)
        part[rows[low:high] - first, columns[low:high]] = values[low:high]
        product[first : first + block] = part @ Q
    return product


def squeeze(table, V, D, rounds=4):
    Q = np.random.default_rng(0).normal(size=(V, D + 16)).astype(np.float32)  # 16 to spare
    for _ in range(rounds):
        Q, _ = np.linalg.qr(times(table, Q))
    strengths, inside = np.linalg.eigh(Q.T @ times(table, Q))
    strongest = np.argsort(-abs(strengths))[:D]
    return Q @ inside[:, strongest] * np.sqrt(abs(strengths[strongest]))


# %%
of_letters = positive_pmi(centres, neighbours, 27)
whole = np.zeros((27, 27))
whole[of_letters[:2]] = of_letters[2]
found = (squeeze(of_letters, 27, 5) ** 2).sum(axis=0)
print("strengths, ours ", found.round(2))
print("strengths, NumPy", np.linalg.svd(whole)[1][:5].round(2))
assert_allclose(found, np.linalg.svd(whole)[1][:5], rtol=1e-3)

# %% tags=["nbval-ignore-output"]
squeezed = squeeze(ppmi, V, 64)
by_counting = WordVectors(words, squeezed)
results["PMI + SVD"] = similarity.human_correlation(by_counting)[0]
for word in ("river", "king", "physics", "music"):
    print(f"{word:<9}", *by_counting.nearest(word, 7))
found = similarity.relatives_found(by_counting, similarity.relatives("en"))
print("relatives:", sum(map(bool, found.values())), "of 20")
assert sum(map(bool, found.values())) >= 14

# %% [markdown]
# Skip-gram and CBOW have their marks. Predict before you look: where does the squeezed table of counts land?

# %% [markdown] lang="zh"
# skip-gram 和 CBOW 的成绩已经有了。看结果之前先猜：压缩后的计数表会落在哪里？

# %%
predict("below CBOW", "between CBOW and skip-gram", "above skip-gram")

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(6.4, 2.6))
plots.bars(axes, [name.replace(" + ", "+") for name in results], list(results.values()))
axes.set(ylabel="Spearman's correlation", xlabel="vectors of width 64", ylim=(-0.1, 0.7))
plt.show()
print({name: round(value, 2) for name, value in results.items()})
assert results["PMI + SVD"] > max(results["skip-gram"], results["CBOW"])

# %% [markdown]
# **Figure.** How well four kinds of vectors agree with people's ratings of 254 pairs. Random vectors do not agree at all; CBOW and skip-gram do; the squeezed table of counts agrees best.

# %% [markdown] lang="zh"
# **图.** 四种向量与人们对 254 对词的评分有多一致。随机向量毫不相干；CBOW 和 skip-gram 有相当的一致；压缩后的计数表最一致。

# %% [markdown]
# Is the lead real, or luck with 254 pairs? Draw 254 pairs from these pairs, with replacement, two thousand times, and count how often the lead remains (the *bootstrap*, Efron 1979):

# %% [markdown] lang="zh"
# 这个领先是真的，还是 254 对词碰巧？从这些词对里有放回地抽 254 对，抽两千次，数一数领先保住了多少次（**自助法**，Efron 1979）：

# %% tags=["nbval-ignore-output"]
rows = [r for r in similarity.word_similarity() if r[0] in by_reading and r[1] in by_reading]
people = np.array([rating for *_, rating in rows])
cosines = [np.array([v.cosine(a, b) for a, b, _ in rows]) for v in (by_counting, by_reading)]
leads = []
for _ in range(2000):
    chosen = rng.integers(0, len(rows), len(rows))
    counting, reading = (similarity.spearman(c[chosen], people[chosen]) for c in cosines)
    leads.append(counting - reading)
print("the lead of counting, middle 95 %:", np.quantile(leads, [0.025, 0.975]).round(2))
print("it remains in", f"{np.mean(np.array(leads) > 0):.0%}", "of the draws")
assert np.mean(np.array(leads) > 0) > 0.9

# %% [markdown]
# On three quarters of a million words and three passes, counting wins on these pairs. (The draws vary the pairs alone: one training, one seed.) A guess at the reason: counting uses each pair exactly, while the game sees samples, and its loss fell from pass to pass until we stopped. Larger comparisons are less one-sided: where the settings are the same, the two are close, and neither always wins (Levy, Goldberg & Dagan 2015). What speaks for the game is something else. It needs no table of $V^2$ cells, it can read on for ever, and its vectors are weights of a network: the next lessons plug them in and train them further.
#
# ## Remove a part: the noise
#
# What if we ask about true neighbours only? Always answering "true" is then perfect. All else stays as it was. Predict what the vectors do.

# %% [markdown] lang="zh"
# 七十多万词，读三遍，在这些词对上数数赢了。（自助法只变换词对：训练只有一次，种子只有一个。）原因可以猜一猜：数数把每一对都用得分毫不差，真假游戏看到的只是样本，而且直到我们停下，损失还在一遍遍地降。规模更大的比较没有这么一边倒：设置相同，两者就相近，谁也不总赢（Levy、Goldberg 和 Dagan 2015）。真假游戏的好处在别处：它用不着 $V^2$ 格的表，可以永远读下去，而且它的向量就是网络的权重，往后几课会把它们插进网络，接着训练。
#
# ## 拿掉一个部件：噪声
#
# 要是只问真邻词呢？那一律答“真”就是满分。其余都不变。先猜猜向量会变成什么样。

# %%
predict("random", "all alike", "as before")


# %% tags=["nbval-ignore-output"]
def mean_cosine(vectors, most=500):
    among = vectors.unit[:most] @ vectors.unit[:most].T
    return among[~np.eye(most, dtype=bool)].mean()


keras.utils.set_random_seed(0)
no_noise = SkipGram(V, width=64, counts=counts)
no_noise.negatives = 0  # noise words weigh nothing
losses, _ = train(no_noise, documents, counts, epochs=3, rate=0.02)
all_alike = WordVectors(words, no_noise.vectors.numpy())
print(f"loss {losses[0]:.2f} -> {losses[-1]:.4f}")
print(
    f"mean cosine of 500 words: {mean_cosine(all_alike):.2f}, with noise {mean_cosine(by_reading):.2f}"
)
print("river:", *all_alike.nearest("river", 6))
assert mean_cosine(all_alike) > 0.8 > mean_cosine(by_reading) + 0.2

# %% [markdown]
# The loss is nearly zero, and 500 words point nearly the same way. If the list for *river* still shows a trace of its company, no answer needs it any more. A low loss says nothing where the question is too easy. Noise is not a trick for speed alone, it *is* the question.
#
# ## Analogies
#
# The experiment that made word2vec famous (Mikolov, Yih & Zweig 2013): *man* is to *woman* as *king* is to …? If the step from *man* to *woman* is the same as from *king* to *queen*, then $e_{\text{king}} - e_{\text{man}} + e_{\text{woman}}$ should lie near *queen*. Our hand-written set has five groups of pairs; any two pairs of a group make a question.

# %% [markdown] lang="zh"
# 损失几乎是零，500 个词却几乎指向同一边。river 的名单里也许还留着一点同伴的痕迹，可是答题已经用不着它了。问题太容易时，损失低什么也说明不了。噪声不只是提速的窍门，它**就是**那个问题。
#
# ## 类比
#
# 让 word2vec 出名的是这个实验（Mikolov、Yih 和 Zweig 2013）：man 之于 woman，如同 king 之于谁？假如从 man 到 woman 的一步，与从 king 到 queen 的一步相同，那么 $e_{\text{king}} - e_{\text{man}} + e_{\text{woman}}$ 就该落在 queen 附近。我们手写的题集有五组词对，同组任意两对就是一道题。


# %% tags=["nbval-ignore-output"]
def examine(vectors, language):
    results = {}
    for group, members in similarity.analogies(language).items():
        results[group] = solved, questions = similarity.analogies_solved(vectors, members)
        print(f"  {group:<12}{solved:>3} of {questions}")
    return results


shares = {}
for name, vectors in {"skip-gram": by_reading, "PMI + SVD": by_counting}.items():
    print(name)
    right, asked = np.sum(list(examine(vectors, "en").values()), axis=0)
    shares[name] = right / asked
print({name: f"{share:.0%}" for name, share in shares.items()})
assert all(0.1 < share < 0.5 for share in shares.values())

# %% [markdown]
# Either method solves more than a tenth and less than half; picking one of 11,795 words at random would hardly solve one. That is remarkable, and it is far from the "king − man + woman = queen" of the brochures. Look closer still. The rules of the game exclude the three words of the question from the answers. How often would one of them have been the nearest?

# %% [markdown] lang="zh"
# 两种方法答对的都在一成以上、五成以下；从 11,795 个词里瞎猜，几乎一道也对不了。这已经了不起，可是离宣传里的“king − man + woman = queen”还差得远。再看仔细些：按游戏规则，题目里的三个词不许当答案。要是允许，最近的会有多少次恰恰是它们？

# %% tags=["nbval-ignore-output"]
inside = asked = 0
for members in similarity.analogies("en").values():
    for a, b in members:
        for c, d in members:
            if (a, b) != (c, d):
                target = by_reading[b] - by_reading[a] + by_reading[c]
                nearest = words[int(np.argmax(by_reading.unit @ target))]
                inside, asked = inside + (nearest in (a, b, c)), asked + 1
print(f"nearest is a word of the question: {inside / asked:.0%} of {asked}")
print("king - man + woman:", *by_reading.analogy("man", "woman", "king", 5))
assert inside / asked > 0.5 and 1 - inside / asked < shares["skip-gram"]

# %% [markdown]
# Mostly one lands on a word of the question: the step is short (Linzen 2016 pointed this out). Many a right answer comes first only because the three words are struck out.
#
# ## The same in Chinese
#
# *sanguo* again, the *Romance of the Three Kingdoms* (text in the public domain). Its words have no spaces between them, and many of its names stand in no ordinary dictionary. But we have a measure for "seek each other": PMI. Two characters that meet at least 10 times, and 30 times as often as by chance, shall be a word. Which pair comes first?

# %% [markdown] lang="zh"
# 多数时候，落脚点就是题目里的词：这一步太短了（Linzen 2016 指出了这一点）。不少正确答案之所以排第一，只是因为那三个词被划掉了。
#
# ## 换成中文
#
# 还是 `sanguo`，《三国演义》（文本属于公有领域）。词与词之间没有空格，许多人名地名，一般词典里也查不到。可我们手上正好有一把衡量“彼此吸引”的尺子：PMI。两个字碰面至少 10 次，而且是碰巧的 30 倍以上，就算一个词。排在最前面的会是哪一对？

# %%
from itertools import pairwise

from lmcourse.text.segmentation import backward_maximum_matching

HAN = re.compile(r"[\u4e00-\u9fff]+")
novel = [document.text for document in sanguo().documents]


def attracted(pieces, least=10, times_chance=30):
    alone = Counter(piece for text in pieces for piece in text)
    both = Counter(pair for text in pieces for pair in pairwise(text))
    total = alone.total()
    return {
        a + b: np.log(n * total / (alone[a] * alone[b]))
        for (a, b), n in both.items()
        if n >= least and n * total >= times_chance * alone[a] * alone[b] and HAN.fullmatch(a + b)
    }


found_words = attracted([list(text) for text in novel])
for word in sorted(found_words, key=found_words.get, reverse=True)[:10]:
    print(word, f"{found_words[word]:.1f}", end="   ")
assert {"玄德", "荆州", "洛阳"} <= set(found_words)

# %% [markdown]
# No dictionary was asked. With these words the maximum matching of lesson 04 cuts the novel, and a second round joins what has grown: 诸葛 and 亮. (Now and then it goes too far and joins a stock phrase, such as 却说姜维, "now we tell of Jiang Wei".)

# %% [markdown] lang="zh"
# 没有查过任何词典。用这些词，第 04 课的最大匹配就能切开整部小说；再来一轮，把长大了的也接上：“诸葛”加“亮”。（偶尔也会接过头，把“却说姜维”这样的套话当成一个词。）

# %%
pieces = [backward_maximum_matching(text, found_words) for text in novel]
found_words |= attracted(pieces)
pieces = [backward_maximum_matching(text, found_words) for text in novel]
print(f"{len(found_words):,} words found, the longest:", *sorted(found_words, key=len)[-4:])
print(" ".join(piece for piece in pieces[0] if HAN.match(piece))[300:420])
zh_words, zh_counts, zh_documents = index([[w for w in text if HAN.match(w)] for text in pieces])
print(f"{zh_counts.sum():,} words read, {len(zh_words):,} different")
assert "诸葛亮" in found_words and 5_000 < len(zh_words) < 6_500

# %% tags=["nbval-ignore-output"]
keras.utils.set_random_seed(0)
zh_model = SkipGram(len(zh_words), width=64, counts=zh_counts)
train(zh_model, zh_documents, zh_counts, epochs=3, rate=0.03, threshold=1e-3)
zh_vectors = WordVectors(zh_words, zh_model.vectors.numpy())
found = similarity.relatives_found(zh_vectors, similarity.relatives("zh"))
for word, friends in found.items():
    near = " ".join(zh_vectors.nearest(word, 5)) if word in zh_vectors else "?"
    print(f"{word}：{near}   | {' '.join(friends)}")
passed = sum(map(bool, found.values()))
print(f"passed: {passed} of {len(found)}")
assert passed >= 14

# %% [markdown]
# Lords beside their captains, weapons beside weapons, numbers beside numbers. (Small words such as 来 creep in as well: we thinned out more mildly, since the novel is shorter.) Now the Chinese analogies. One group asks for opposites, the others ask about persons: the courtesy name, the son, the adviser. Which share of those about persons comes out right?

# %% [markdown] lang="zh"
# 主公挨着将领，兵器挨着兵器，数目挨着数目。（也混进了“来”这样的小词：小说较短，我们抽稀得轻些。）再看中文的类比题。一组问反义词，其余各组问人物：表字、儿子、谋士。问人物的题能答对几成？

# %%
predict("> 25 %", "5 % ... 25 %", "< 5 %")

# %% tags=["nbval-ignore-output"]
by_group = examine(zh_vectors, "zh")
opposites = np.divide(*by_group.pop("反义"))
right, asked = np.sum(list(by_group.values()), axis=0)
print(f"反义: {opposites:.0%}, others: {right / asked:.0%}")
print("孔明 − 玄德 + 曹操:", *zh_vectors.analogy("玄德", "孔明", "曹操", 5))
assert right / asked < 0.1 < opposites < 0.6

# %% [markdown]
# Opposites (反义: east and west, win and lose) come out now and then. All that asks about persons comes out wrong nearly every time, and the honest sentence is: from one novel of 600,000 characters our recipe doesn't learn such relations. In a novel, people are neighbours who appear in the same scenes. A son's name stands near his father's, but so do those of their enemies.
#
# ## A map in two languages
#
# Twenty words of each language, five kinds of four, picked by hand: a picture, not a proof. 64 numbers can't be drawn, so we take the two directions along which the twenty vectors differ most: the SVD of the vectors minus their mean finds them. (This is called *principal component analysis*, PCA.) If the vectors know kinds, words of one colour lie together.

# %% [markdown] lang="zh"
# 反义词（东与西、胜与败）偶尔能答对，凡是问人物的，几乎次次都错。老实话是：只凭一部六十万字的小说，我们这套办法学不到这类关系。在小说里，同场出现的人就是邻词。儿子的名字是挨着父亲的，可他们敌人的名字也一样挨着。
#
# ## 一张双语地图
#
# 每种语言二十个词，五类，每类四个，都是手工挑的：只作图示，不作证明。64 个数画不出来，我们就取这二十个向量差别最大的两个方向：向量减去平均值，做奇异值分解即可得到。（这叫**主成分分析**，PCA。）要是向量懂得类别，同色的词就会聚在一起。

# %%
groups = {
    "en": "physics chemistry biology mathematics, king queen emperor prince, river lake sea ocean,"
    " germany italy spain france, fish birds mammals insects",
    "zh": "玄德 关公 张飞 孔明, 司马懿 郭淮 张郃 曹真, 东 西 南 北, 三 四 五 六, 刀 枪 剑 戟",
}
groups = {key: [part.split() for part in text.split(",")] for key, text in groups.items()}
labels = np.repeat(np.arange(5), 4)
same = (labels[:, None] == labels) & ~np.eye(20, dtype=bool)


# %%
def flat(points):
    """The two directions in which points differ most: (N, D) -> (N, 2)."""
    middle = points - points.mean(axis=0)
    return middle @ np.linalg.svd(middle, full_matrices=False)[2][:2].T


def write_names(axes, names, points, colours):
    """A dot for each word and its name beside it, moved up where another name stands."""
    taken = []
    for row in np.argsort(points[:, 1]):
        (x, y), height = points[row], points[row, 1]
        while any(abs(x - a) < 0.35 and abs(height - b) < 0.055 for a, b in taken):
            height += 0.01
        taken.append((x, height))
        axes.plot(x, y, "o", markersize=3, color=colours[row])
        axes.text(x + 0.04, height, names[row], color=colours[row], va="center", fontsize=7)


# %% tags=["nbval-ignore-output"]
figure, panels = plt.subplots(1, 2, figsize=(7.6, 4.4))
for axes, (language, vectors) in zip(
    panels, {"en": by_reading, "zh": zh_vectors}.items(), strict=True
):
    members = [word for group in groups[language] for word in group]
    points = np.stack([vectors[word] for word in members])
    write_names(axes, members, flat(points), [plots.PALETTE[label] for label in labels])
    axes.set(xlim=(-0.9, 1), ylim=(-0.8, 0.9), xlabel="first direction")
    cosines = points @ points.T
    within, across = cosines[same].mean(), cosines[labels[:, None] != labels].mean()
    print(f"{language}: mean cosine within a kind {within:.2f}, across kinds {across:.2f}")
    assert within > across + 0.15
panels[0].set_ylabel("second direction")
plt.show()

# %% [markdown]
# **Figure.** Two maps: left twenty English words from the encyclopedia, right twenty Chinese ones from the novel, one colour for each kind; the axes are the two directions in which the twenty differ most and have no unit. A dot is the word itself; names are moved up a little where they would cover each other. Dots of one colour lie close together.

# %% [markdown] lang="zh"
# **图.** 两张地图：左边是百科全书里的二十个英文词，右边是小说里的二十个中文词，一类一种颜色；坐标轴是这二十个向量差别最大的两个方向，没有单位。点是词的位置，名字会互相遮住时就往上挪一点。同色的点挨得很近。

# %% [markdown]
# ## What is an article about?
#
# If a word is a point, an article is a cloud of points. Its middle, the mean of its words' vectors (frequent words weighted down as in training), is a vector for the whole article. Each article of `wiki` carries one of eleven topics, besides those left "Uncategorized". We take the mean of each topic over the training articles, and give every test article the topic with the nearest mean. (The word vectors have read the words of the test articles, but no topic.) Guess the share of hits; the largest topic alone would reach about a fifth.

# %% [markdown] lang="zh"
# ## 一篇文章在讲什么？
#
# 词是一个点，文章就是一团点。取它的中心，也就是各词向量的平均（常见词照训练时那样降低分量），就得到整篇文章的向量。`wiki` 的每个条目都标着十一个主题之一（标作“Uncategorized”的除外）。我们在训练集上求每个主题的平均，再把最近的主题判给测试集的每个条目。（词向量读过测试集条目的文字，但没有见过任何主题。）猜猜能对多少；一律猜最大的主题，大约对五分之一。

# %%
predict("≈ 30 %", "≈ 50 %", "≈ 70 %")

# %% tags=["nbval-ignore-output"]
weight = np.sqrt(np.minimum(1, 1e-4 * counts.sum() / counts))
means = np.stack([weight[ids] @ by_reading.unit[ids] for ids in documents])
means /= np.linalg.norm(means, axis=1, keepdims=True)
means -= means.mean(axis=0)  # what all articles share
topics = np.array([article.topic for article in articles])
splits = np.array([article.split for article in articles])
names = sorted(set(topics) - {"Uncategorized"})
learn, test = (
    np.flatnonzero((splits == s) & (topics != "Uncategorized")) for s in ("train", "test")
)
middles = np.stack([means[learn][topics[learn] == name].mean(axis=0) for name in names])
guesses = np.array(names)[(means[test] @ middles.T).argmax(axis=1)]
hits = (guesses == topics[test]).mean()
largest = max(Counter(topics[test]).values()) / len(test)
print(f"right: {hits:.0%} of {len(test)}, always the largest topic: {largest:.0%}")
assert hits > 0.6 and 0.15 < largest < 0.25

# %% tags=["nbval-ignore-output"]
table = np.array([[(guesses[topics[test] == a] == b).mean() for b in names] for a in names])
short = [name.split()[0] for name in names]
figure, axes = plt.subplots(figsize=(6.4, 4.4))
plots.heat_map(axes, table, short, short, largest=1)
axes.tick_params(axis="x", rotation=60)
axes.set(xlabel="topic given (first word)", ylabel="true topic (first word)")
plt.show()
palest = {names[i] for i in table.diagonal().argsort()[:2]}
assert palest == {"Everyday life", "Society and social sciences"} and hits > 0.6

# %% [markdown]
# **Figure.** For the articles of each true topic (down), which share got which topic (across); dark is much. The diagonal stands out. It is palest for everyday life and for society, whose articles are scattered over other topics.

# %% [markdown] lang="zh"
# **图.** 纵向是真实主题，横向是判给的主题，颜色越深占比越大。对角线很醒目；最浅的是日常生活和社会这两行，它们的条目散落到了别的主题里。

# %% [markdown]
# Sixty-four numbers, a mean, a comparison, and most articles are in the right drawer. A mean forgets the order of words, and gets this far without it.
#
# ## Try it
#
# 1. *Easy.* Write a function that finds the odd one out among a few words, such as *river lake ocean piano*. Which sum of cosines decides?
#
# <details><summary>Hint</summary>The odd one has the smallest mean cosine with the others. All vectors have length 1, so compare each with the sum of all.</details>
#
# 2. *Medium.* How many dimensions does meaning need? The columns of `squeezed` are sorted by strength: keep the first 2, 4, 8, … 64, and draw Spearman's correlation. Predict the shape.
#
# <details><summary>Hint</summary>`WordVectors(words, squeezed[:, :D])` and `similarity.human_correlation`. D = 1 would not do: a cosine of single numbers can only be 1 or −1.</details>
#
# 3. *Hard.* There are two ways to be near: *alike* (*river*, *lake*) and *beside each other* (*nobel*, *prize*). Skip-gram has both, if you use its two matrices. List for a few words the ten nearest by $e_c^\top e_w$ (as cosine), and the ten that the model finds most attracted to it as neighbours. How much do the lists overlap, over the 300 most frequent words after the first 200?
#
# <details><summary>Hint</summary>`skip_gram(ids[None])` gives the logits of every neighbour. Logits favour frequent words; subtract `log_noise`, and you are back at the scores, which are nearly PMI.</details>

# %% [markdown] lang="zh"
# 六十四个数，一次平均，一次比较，大多数条目就进对了抽屉。平均会忘掉词序，没有词序也能走到这一步。
#
# ## 试一试
#
# 1. **容易。** 写一个函数，从几个词里挑出最不合群的一个，比如 river lake ocean piano。该由哪些余弦之和来决定？
#
# <details><summary>提示</summary>不合群的那个，与其他词的平均余弦最小。所有向量长度都是 1，拿每个向量与总和相比就行。</details>
#
# 2. **中等。** 词义需要多少维？`squeezed` 的各列按强度排好了：只留前 2、4、8……64 列，画出斯皮尔曼相关系数。先猜曲线的形状。
#
# <details><summary>提示</summary>用 `WordVectors(words, squeezed[:, :D])` 和 `similarity.human_correlation`。D = 1 不行：单个数的余弦只能是 1 或 −1。</details>
#
# 3. **较难。** “近”有两种：**相像**（river 与 lake）和**相邻**（nobel 与 prize）。用上 skip-gram 的两个矩阵，两种都能得到。对几个词，各列出按 $e_c^\top e_w$（取余弦）最近的十个，以及模型认为最受它吸引的十个邻词。去掉最常见的 200 个词，在随后的 300 个词上，两份名单重合多少？
#
# <details><summary>提示</summary>`skip_gram(ids[None])` 给出每个邻词的 logit。logit 偏爱常见词；减去 `log_noise`，就回到了分数，也就差不多是 PMI。</details>

# %% [markdown]
# ## Worked answers
#
# **1.** The word with the smallest scalar product with the sum of all.

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** 与总和的内积最小的那个词。


# %% tags=["nbval-ignore-output"]
def odd_one_out(vectors, group):
    points = np.stack([vectors[word] for word in group])
    return group[int(np.argmin(points @ points.sum(axis=0)))]


tasks = ["river lake ocean piano", "king emperor queen protein", "gold iron copper opera"]
answers = [odd_one_out(by_reading, task.split()) for task in tasks]
print(*answers, odd_one_out(zh_vectors, ["东", "西", "南", "酒"]))
assert answers == ["piano", "protein", "opera"]

# %% [markdown]
# **2.** It climbs all the way, but with less and less for each column: eight already reach more than half of what 64 do.

# %% [markdown] lang="zh"
# **2.** 一路上升，但越往后，一列带来的越少：头八列达到的，已经超过 64 列的一半。

# %% tags=["nbval-ignore-output"]
widths = [2, 4, 8, 16, 32, 64]
values = [similarity.human_correlation(WordVectors(words, squeezed[:, :D]))[0] for D in widths]
figure, axes = plt.subplots(figsize=(5.2, 2.8))
axes.plot(widths, values, marker="o")
axes.set_xscale("log", base=2)
axes.set_xticks(widths, labels=widths)
axes.set(xlabel="width D of the vectors", ylabel="Spearman's correlation")
plt.show()
assert values[0] < values[2] < values[-1] < 2 * values[2]

# %% [markdown]
# **Figure.** Agreement with people's ratings against the width of the squeezed vectors; each step to the right doubles the width. The curve climbs to the end, and more gently in its second half.

# %% [markdown] lang="zh"
# **图.** 与人的评分的一致程度随向量宽度的变化；往右每一步宽度翻倍。曲线一直上升，后半段缓一些。

# %% [markdown]
# **3.** Two lists with little in common. But they don't part as neatly as the question hoped: *prize* is in the list of words *like* *nobel*. Two words that nearly always go together share the rest of their company, too.

# %% [markdown] lang="zh"
# **3.** 两份名单很少重合，但分得没有题目设想的那么干净：与 nobel **相像**的名单里就有 prize。两个词总在一起，其余的同伴也就差不多了。


# %% tags=["nbval-ignore-output"]
def beside(word, count=10):
    logits = np.asarray(skip_gram(np.array([[words.index(word)]])))[0, 0]  # (V,)
    attraction = np.where(counts < 30, -np.inf, logits - skip_gram.log_noise.numpy())
    attraction[words.index(word)] = -np.inf
    return [words[i] for i in np.argsort(-attraction)[:count]]


for word in ("physics", "film", "island", "nobel"):
    print(f"{word:<8} alike :", *by_reading.nearest(word, 6))
    print(" " * 8, "beside:", *beside(word, 6))
both = [len(set(by_reading.nearest(w)) & set(beside(w))) / 10 for w in words[200:500]]
print(f"overlap {np.mean(both):.0%}")
assert np.mean(both) < 0.4 and "prize" in by_reading.nearest("nobel")

# %% [markdown]
# ## What we know now, and what we can't do yet
#
# - An embedding is a row of a learned matrix. It is denser and lower-dimensional than the one-hot vector that it replaces, and a lookup is a matrix product with the zeros left out.
# - Negative sampling replaces a sum over the vocabulary by a guessing game. It comes to rest at $\ln P(w\mid c) - \ln(k\,q_w)$, which is PMI up to a known shift. So reading and counting aim at the same thing, and on our small text the counts agreed better with people.
# - Word vectors know *kinds* well, agree in part with people, and do analogies worse than their fame.
# - We measured with lists written in advance, with the ratings of people, and with a bootstrap. The hand-picked examples are there for the eye.
#
# But the vectors don't know what comes *next*: order was thrown away. A word has one vector, whether a *bank* lends money or lies beside a river. Lesson 06 puts several vectors side by side, in their order, into a network with a hidden layer, and asks for the next token again. The lessons on Transformers will give a word a vector that depends on its sentence.

# %% [markdown] lang="zh"
# ## 现在知道了什么，还做不到什么
#
# - 嵌入是一个可学习矩阵的一行。与它所取代的独热向量相比，它更稠密，维数更低；查表就是省掉了零的矩阵乘积。
# - 负采样用一个真假游戏代替了对词表求和。它停在 $\ln P(w\mid c) - \ln(k\,q_w)$，与 PMI 只差一个已知的平移。所以读和数奔着同一样东西去；在我们这份不大的文本上，数出来的与人更一致。
# - 词向量对**类别**很在行，与人的判断部分一致，做类比则名不副实。
# - 我们衡量的办法是事先写好的清单、人的评分和自助法；挑出来的例子只供观看。
#
# 可是这些向量不知道**下一个**是什么：次序被扔掉了。一个词也只有一个向量，不管“杜鹃”是花还是鸟。第 06 课把几个向量按次序并排放进一个带隐藏层的网络，重新去问下一个词元；讲 Transformer 的几课，会让一个词的向量随所在的句子而变。

# %% [markdown]
# ## References
#
# - Z. S. Harris (1954). Distributional structure. *Word*.
# - J. R. Firth (1957). A synopsis of linguistic theory, 1930–1955. *Studies in Linguistic Analysis*.
# - C. Eckart, G. Young (1936). The approximation of one matrix by another of lower rank. *Psychometrika*.
# - K. W. Church, P. Hanks (1990). Word association norms, mutual information, and lexicography. *Computational Linguistics*.
# - L. Finkelstein, E. Gabrilovich, Y. Matias, E. Rivlin, Z. Solan, G. Wolfman, E. Ruppin (2002). Placing search in context: the concept revisited. *ACM Transactions on Information Systems*.
# - M. Gutmann, A. Hyvärinen (2010). Noise-contrastive estimation: a new estimation principle for unnormalized statistical models. *AISTATS*.
# - T. Mikolov, K. Chen, G. Corrado, J. Dean (2013). Efficient estimation of word representations in vector space. *ICLR workshop*.
# - T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean (2013). Distributed representations of words and phrases and their compositionality. *NeurIPS*.
# - T. Mikolov, W. Yih, G. Zweig (2013). Linguistic regularities in continuous space word representations. *NAACL*.
# - O. Levy, Y. Goldberg (2014). Neural word embedding as implicit matrix factorization. *NeurIPS*.
# - O. Levy, Y. Goldberg, I. Dagan (2015). Improving distributional similarity with lessons learned from word embeddings. *TACL*.
# - T. Linzen (2016). Issues in evaluating semantic spaces using word analogies. *RepEval*.
# - B. Efron (1979). Bootstrap methods: another look at the jackknife. *Annals of Statistics*.

# %% [markdown] lang="zh"
# ## 参考文献
#
# - Z. S. Harris (1954). Distributional structure. *Word*.
# - J. R. Firth (1957). A synopsis of linguistic theory, 1930–1955. *Studies in Linguistic Analysis*.
# - C. Eckart, G. Young (1936). The approximation of one matrix by another of lower rank. *Psychometrika*.
# - K. W. Church, P. Hanks (1990). Word association norms, mutual information, and lexicography. *Computational Linguistics*.
# - L. Finkelstein, E. Gabrilovich, Y. Matias, E. Rivlin, Z. Solan, G. Wolfman, E. Ruppin (2002). Placing search in context: the concept revisited. *ACM Transactions on Information Systems*.
# - M. Gutmann, A. Hyvärinen (2010). Noise-contrastive estimation: a new estimation principle for unnormalized statistical models. *AISTATS*.
# - T. Mikolov, K. Chen, G. Corrado, J. Dean (2013). Efficient estimation of word representations in vector space. *ICLR workshop*.
# - T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean (2013). Distributed representations of words and phrases and their compositionality. *NeurIPS*.
# - T. Mikolov, W. Yih, G. Zweig (2013). Linguistic regularities in continuous space word representations. *NAACL*.
# - O. Levy, Y. Goldberg (2014). Neural word embedding as implicit matrix factorization. *NeurIPS*.
# - O. Levy, Y. Goldberg, I. Dagan (2015). Improving distributional similarity with lessons learned from word embeddings. *TACL*.
# - T. Linzen (2016). Issues in evaluating semantic spaces using word analogies. *RepEval*.
# - B. Efron (1979). Bootstrap methods: another look at the jackknife. *Annals of Statistics*.
