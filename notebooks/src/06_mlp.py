# %% [markdown]
# # 06 · The window network
# **Prerequisites:** [02 · n-grams](02_ngrams.ipynb), [03 · Softmax](03_softmax.ipynb), [05 · Embeddings](05_embeddings.ipynb) · **Minutes:** 60 · **Modules:** `reference/mlp.py`, `models/mlp.py` · **Previous:** [05 · Embeddings](05_embeddings.ipynb) · **Next:** [07 · Recurrent networks](07_rnn.ipynb)
#
# We own two halves of a language model. Counting (lesson 02) looks several characters back, but every context is an island: what is learned about one is lost on those that only resemble it. Vectors (lessons 03 and 05) share what they learn, but they saw one neighbour at a time, or several without their order.
#
# **Question: how do we look several tokens back *and* share, and how does a network with a layer in the middle learn?**
#
# The answer is from 2003: lay the vectors of the last $n$ tokens side by side, send them through one hidden layer, and finish with softmax. To train it, we walk back through every line with the chain rule. That walk is **backpropagation**, and in this lesson no line of it is left to a library until we have done it by hand.

# %% [markdown] lang="zh"
# # 06 · 窗口网络
# **先修：** [02 · n 元语法](02_ngrams.ipynb)、[03 · Softmax](03_softmax.ipynb)、[05 · 嵌入](05_embeddings.ipynb) · **用时：** 60 分钟 · **模块：** `reference/mlp.py`、`models/mlp.py` · **上一课：** [05 · 嵌入](05_embeddings.ipynb) · **下一课：** [07 · 循环神经网络](07_rnn.ipynb)
#
# 我们手里有两个“半个”语言模型。计数（第 02 课）能回看好几个字符，但每个上下文都是一座孤岛：在这座岛上学到的，再相像的岛也用不上。向量（第 03、05 课）会共享学到的东西，可一次只看一个邻居，看几个邻居时又不管次序。
#
# **问题：怎样既回看好几个词元，又能共享？中间夹着一层的网络，又是怎么学习的？**
#
# 答案来自 2003 年：把最近 $n$ 个词元的向量并排放好，穿过一个隐藏层，最后接上 softmax。训练的时候，用链式法则逐行往回走，这一趟就叫**反向传播**。本课里，每一行都要先亲手算过，才交给程序库。

# %%
import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation.probability import entropy, nats_to_bits, score
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.reference.mlp import (
    dense,
    dense_backward,
    tanh,
    tanh_backward,
    window_mlp,
    window_mlp_backward,
)
from lmcourse.reference.optimizers import Adam
from lmcourse.reference.softmax import cross_entropy, cross_entropy_gradient, log_softmax, softmax

rng = setup(seed=0)

# %% [markdown]
# ## What counting can't do
#
# Here is a whole language: five sentences. Cats, dogs and birds behave alike in it, as far as one can tell. After `the`, they sleep; after `a`, they eat. One combination is missing: nobody ever wrote `a dog`.

# %% [markdown] lang="zh"
# ## 计数做不到的事
#
# 这里有一门完整的语言，一共五句话。单看这五句，猫（cat）、狗（dog）、鸟（bird）的用法都一样：前面是 `the` 就睡觉（sleeps），前面是 `a` 就吃东西（eats）。唯独缺一种搭配：从没有人写过 `a dog`。

# %%
sentences = ["the cat sleeps", "the dog sleeps", "the bird sleeps", "a cat eats", "a bird eats"]
words = sorted({word for sentence in sentences for word in sentence.split()})
V = len(words)
number = {word: i for i, word in enumerate(words)}


def follows(*context):
    n, found = len(context), [sentence.split() for sentence in sentences]
    runs = [(line[k : k + n], line[k + n]) for line in found for k in range(len(line) - n)]
    return [word for before, word in runs if before == list(context)]


print(V, "words:", " ".join(words))
print("after 'a cat'", follows("a", "cat"), "  after 'a dog'", follows("a", "dog"))

# %% [markdown]
# What should come after `a dog`? You know the answer without thinking about it. What does a counting model say, which backs off from `a dog` to `dog`?

# %% [markdown] lang="zh"
# `a dog` 后面该是什么？你想都不用想。可是计数模型呢？它会从 `a dog` 回退到 `dog`，然后怎么说？

# %%
predict("eats", "sleeps")

# %%
print("after 'dog'", follows("dog"))
assert follows("a", "dog") == [] and follows("dog") == ["sleeps"]

# %% [markdown]
# It says `sleeps`. To count is to ask "was it exactly this?", and to back off is to forget, not to compare. A dog that has only ever slept will go on sleeping. To say `eats`, a model has to notice that `dog` is used like `cat`, and to carry over what it knows about `a cat`.
#
# A table can't carry over anything, for its cells never meet. It can't even be stored: with $V$ tokens and a window of $n$, it has $V^n$ rows of $V$ scores. Lesson 03 ended at this wall.
#
# ## The idea of 2003
#
# Give every token a vector of $D$ numbers, its row of a matrix $E$. For a context of $n$ tokens, lay their vectors end to end, oldest first. The result is one row $x$ with $n\cdot D$ numbers. Then compute
#
# $$x = [\,e_{s_{t-n}};\,\dots\,;\,e_{s_{t-1}}\,], \qquad a = x W_1 + b_1, \qquad h = \tanh(a), \qquad z = h W_2 + b_2, \qquad p = \mathrm{softmax}(z)$$
#
# The middle, $a$ and $h$, is the **hidden layer**: $U$ **units**, each with its own mix of all numbers of the window (a column of $W_1$ and a number of $b_1$), squeezed into the range from −1 to 1 by the **activation function** $\tanh a = (e^{a}-e^{-a})/(e^{a}+e^{-a})$. We can't see it from outside, hence the name. The end, $z$ and $p$, is lesson 03's energy form: a scalar product of $h$ with a column of $W_2$ for each token. A network of such layers is called a **multilayer perceptron**, MLP.
#
# How many numbers must be learned? $E$ grows with $V$, $W_1$ with $n$, $W_2$ with $V$. Nothing grows with $V^n$. Here are the counts for the 68 characters of the plays that we read later (why $E$ has one row more, we see at once):

# %% [markdown] lang="zh"
# 它说 `sleeps`。计数是问“是不是一模一样”，回退是遗忘，不是比较。一只向来只睡觉的狗，会一直睡下去。要说出 `eats`，模型得注意到 `dog` 的用法像 `cat`，并把从 `a cat` 学到的搬过来。
#
# 表格什么也搬不了，它的格子从不见面。它甚至存不下：$V$ 个词元，窗口为 $n$，就有 $V^n$ 行，每行 $V$ 个分数。第 03 课就停在这堵墙前面。
#
# ## 2003 年的主意
#
# 给每个词元一个 $D$ 个数的向量，即矩阵 $E$ 的一行。上下文有 $n$ 个词元，就把它们的向量首尾相接，最早的在前，得到一行 $x$，共 $n\cdot D$ 个数。然后计算
#
# $$x = [\,e_{s_{t-n}};\,\dots\,;\,e_{s_{t-1}}\,], \qquad a = x W_1 + b_1, \qquad h = \tanh(a), \qquad z = h W_2 + b_2, \qquad p = \mathrm{softmax}(z)$$
#
# 中间的 $a$ 和 $h$ 是**隐藏层**：共 $U$ 个**单元**，每个单元按自己的配方把窗口里所有的数混在一起（$W_1$ 的一列，加上 $b_1$ 里的一个数），再由**激活函数** $\tanh a = (e^{a}-e^{-a})/(e^{a}+e^{-a})$ 压进 −1 到 1 之间。从外面看不见它，所以叫“隐藏”。末尾的 $z$ 和 $p$ 就是第 03 课的能量形式：$h$ 与每个词元在 $W_2$ 里的那一列作内积。由这样的层叠成的网络叫**多层感知机**（MLP）。
#
# 要学多少个数？$E$ 随 $V$ 增长，$W_1$ 随 $n$ 增长，$W_2$ 随 $V$ 增长，没有哪个随 $V^n$ 增长。以后面要读的剧本为例，一共 68 个字符（$E$ 为什么多一行，马上就会看到）：

# %%
print("V = 68, D = 16, U = 256")
for n in (1, 2, 3, 5, 8):
    network = (68 + 1) * 16 + (n * 16 * 256 + 256) + (256 * 68 + 68)
    print(f"window {n}:  table {68 ** (n + 1):>26,}   network {network:>7,}")
assert 68**9 > 10**16

# %% [markdown]
# ## Forward by hand
#
# Our language has $V = 7$ words. We take $n = 2$, $D = 2$, $U = 3$, and draw the numbers of the five arrays at random, rounded to one decimal. $E$ gets eight rows: the last one, number 7, is the vector of *nothing*. It stands before the first word of a sentence, where there is no word.

# %% [markdown] lang="zh"
# ## 前向传播，动手算
#
# 这门语言有 $V = 7$ 个词。取 $n = 2$、$D = 2$、$U = 3$，五个数组里的数都随机抽取，保留一位小数。$E$ 有八行：最后一行（第 7 行）是“空无”的向量，站在句首之前，那里还没有词。

# %%
n, D, U = 2, 2, 3
shapes = {"E": (V + 1, D), "W1": (n * D, U), "b1": (U,), "W2": (U, V), "b2": (V,)}
E, W1, b1, W2, b2 = (rng.normal(0, 0.8, shape).round(1) + 0.0 for shape in shapes.values())
context = [number["the"], number["cat"]]
print("E, row of 'the'", E[context[0]], "  row of 'cat'", E[context[1]])
print("W1\n", W1, "\nb1", b1)
print("W2\n", W2, "\nb2", b2)

# %% [markdown]
# The window is `the cat`, and the next word is `sleeps`. Line by line, with the first unit also written out as the sum that it is:

# %% [markdown] lang="zh"
# 窗口是 `the cat`，下一个词是 `sleeps`。一行一行算，第一个单元还把求和逐项写出来：

# %%
x = np.concatenate([E[i] for i in context])
print("x =", x, "  the vectors of 'the' and 'cat', end to end")
parts = [x[i] * W1[i, 0] for i in range(n * D)]
print("first unit:", " + ".join(f"({part:.2f})" for part in parts), f"+ ({b1[0]}) =", end=" ")
print((sum(parts) + b1[0]).round(2))
a = x @ W1 + b1
h = np.tanh(a)
print("a =", a.round(3), "  h = tanh(a) =", h.round(3))
assert_allclose(a[0], sum(parts) + b1[0])

# %%
z = h @ W2 + b2
p = softmax(z)
target = number["sleeps"]
for word, score_of, chance in zip(words, z, p, strict=True):
    print(f"{word:<7} score {score_of:6.3f}  probability {chance:.3f}")
print("loss = -ln p(sleeps) =", -np.log(p[target]).round(3), "  ln 7 =", np.log(7).round(3))
logits, _ = window_mlp(np.array([context]), [E, W1, b1, W2, b2])
assert_allclose(logits[0], z)

# %% [markdown]
# The last line of the cell compares with the package. This is its source, two small functions and the five lines of the model. Each returns its result and a `cache`: what the way back will need.

# %% [markdown] lang="zh"
# 这一格的最后一行是与程序包对答案。下面是它的源码：两个小函数，加上模型的五行。每个函数都返回结果和一个 `cache`（缓存），存着往回走时要用的东西。

# %%
show_source(dense, tanh, window_mlp)

# %% [markdown]
# ## Backward by hand
#
# The loss is one number at the end of a chain: $E \to x \to a \to h \to z \to L$, which $W_1, b_1$ enter at $a$ and $W_2, b_2$ at $z$. We want its slope along every number of $E$, $W_1$, $b_1$, $W_2$ and $b_2$. The plan: start at the end, and step back over one line at a time. We write $\bar{v}$ for $\partial L/\partial v$, an array of the shape of $v$.
#
# **Softmax and loss.** Lesson 03: $\bar z = p - y$, with $y$ the one-hot vector of the target.
#
# **A dense line, $z_o = \sum_u h_u W_{uo} + b_o$**, where every output is a sum over every input. It appears twice, so we derive it once. The number $b_o$ touches only $z_o$, with slope 1. The weight $W_{uo}$ touches only $z_o$, with slope $h_u$. But $h_u$ touches *every* $z_o$, with slope $W_{uo}$, so the chain rule sums over all of them:
#
# $$\bar b_o = \bar z_o, \qquad \bar W_{uo} = h_u\,\bar z_o, \qquad \bar h_u = \sum_o W_{uo}\,\bar z_o$$
#
# **The activation, $h_u = \tanh a_u$.** Each unit alone. By the rule for quotients,
#
# $$\frac{d}{da}\tanh a = \frac{(e^{a}+e^{-a})^2-(e^{a}-e^{-a})^2}{(e^{a}+e^{-a})^2} = 1-\tanh^2 a, \qquad\text{so}\qquad \bar a_u = (1-h_u^2)\,\bar h_u$$
#
# **The lookup.** $x$ is made of rows of $E$. Cut $\bar x$ into $n$ pieces of $D$ numbers, and add each piece to the row it came from. A token that stands twice gets both.
#
# Now the numbers, last line first:

# %% [markdown] lang="zh"
# ## 反向传播，动手算
#
# 损失是一条链子末端的一个数：$E \to x \to a \to h \to z \to L$，其中 $W_1$、$b_1$ 从 $a$ 处进来，$W_2$、$b_2$ 从 $z$ 处进来。我们要它对 $E$、$W_1$、$b_1$、$W_2$、$b_2$ 里每一个数的斜率。办法是从末端出发，一次退一行。记 $\bar{v}$ 为 $\partial L/\partial v$，形状与 $v$ 相同。
#
# **softmax 与损失。** 第 03 课：$\bar z = p - y$，$y$ 是目标的独热向量。
#
# **一行全连接，$z_o = \sum_u h_u W_{uo} + b_o$**：每个输出都是对全部输入的求和。它出现两次，推导一次就够。$b_o$ 只影响 $z_o$，斜率是 1。$W_{uo}$ 只影响 $z_o$，斜率是 $h_u$。而 $h_u$ 影响**每一个** $z_o$，斜率是 $W_{uo}$，所以链式法则要对它们求和：
#
# $$\bar b_o = \bar z_o, \qquad \bar W_{uo} = h_u\,\bar z_o, \qquad \bar h_u = \sum_o W_{uo}\,\bar z_o$$
#
# **激活函数，$h_u = \tanh a_u$。** 各个单元互不相干。由商的求导法则，
#
# $$\frac{d}{da}\tanh a = \frac{(e^{a}+e^{-a})^2-(e^{a}-e^{-a})^2}{(e^{a}+e^{-a})^2} = 1-\tanh^2 a, \qquad\text{于是}\qquad \bar a_u = (1-h_u^2)\,\bar h_u$$
#
# **查表。** $x$ 由 $E$ 的几行拼成。把 $\bar x$ 切成 $n$ 段，每段 $D$ 个数，各自加回它来自的那一行。同一个词元出现两次，两份都加上。
#
# 现在代入数字，最后一行最先算：

# %%
d_z = p - np.eye(V)[target]
d_W2, d_b2, d_h = np.outer(h, d_z), d_z, W2 @ d_z
d_a = (1 - h**2) * d_h
d_W1, d_b1, d_x = np.outer(x, d_a), d_a, W1 @ d_a
d_E = np.zeros_like(E)
for place, token in enumerate(context):
    d_E[token] += d_x[place * D : (place + 1) * D]
for name, slopes in {"z": d_z, "h": d_h, "1-h²": 1 - h**2, "a": d_a, "x": d_x}.items():
    print(f"{name:>5}", slopes.round(3))
print("rows of E that move:", [words[i] for i in np.flatnonzero(d_E.any(axis=1))])
_, cache = window_mlp(np.array([context]), [E, W1, b1, W2, b2])
of_package = window_mlp_backward(d_z[None], cache)
for ours, theirs in zip((d_E, d_W1, d_b1, d_W2, d_b2), of_package, strict=True):
    assert_allclose(ours, theirs, atol=1e-12)

# %% [markdown]
# The package finds the same slopes; the last lines check it. The third row is worth a look: a unit whose $h$ is close to 1 or −1 has a factor $1-h^2$ close to 0, and lets hardly anything through. We will come back to that.
#
# Does it work? One step against these slopes should make `sleeps` more probable:

# %% [markdown] lang="zh"
# 程序包算出的斜率相同，这一格最后几行核对过了。第三行值得多看一眼：$h$ 接近 1 或 −1 的单元，因子 $1-h^2$ 接近 0，几乎什么都传不过去。后面还要回来看它。
#
# 管用吗？逆着这些斜率走一步，`sleeps` 应该变得更可能：

# %%
stepped = [
    weight - 0.5 * slope
    for weight, slope in zip((E, W1, b1, W2, b2), (d_E, d_W1, d_b1, d_W2, d_b2), strict=True)
]
after = softmax(window_mlp(np.array([context]), stepped)[0][0])
print("P(sleeps | the cat)", p[target].round(3), "→", after[target].round(3))
assert after[target] > p[target]

# %% [markdown]
# ## Every line against two witnesses
#
# A step downhill proves little: a wrong gradient often goes downhill too, only not as steeply. So we compare every array, also those in the middle, with two independent witnesses: finite differences and TensorFlow's tape. And we do it for a whole batch at once, all windows of the five sentences, 15 of them. The loss is now the mean over the batch. The formulas stay; the sums over the batch become matrix products. This is the package's version:

# %% [markdown] lang="zh"
# ## 每一行都请两位证人
#
# 走一步是下坡，说明不了多少：错的梯度往往也往下走，只是没那么陡。所以每个数组，包括中间的那些，都要请两位互不相干的证人来对质：有限差分，和 TensorFlow 的“磁带”。而且一次算一整批：五句话里的全部窗口，共 15 个。损失现在是整批的平均。公式不变，对整批求和就成了矩阵乘法。程序包里是这样写的：

# %%
show_source(dense_backward, tanh_backward, window_mlp_backward)

# %%
lines = [[V] * n + [number[word] for word in sentence.split()] for sentence in sentences]
contexts = np.array([line[k - n : k] for line in lines for k in range(n, len(line))])
targets = np.array([line[k] for line in lines for k in range(n, len(line))])
print("contexts", contexts.shape, " first three", contexts[:3].tolist(), "→", targets[:3].tolist())

weights = [E, W1, b1, W2, b2]
z, cache = window_mlp(contexts, weights)
by_hand = {"z": cross_entropy_gradient(z, targets)}
d_E, d_W1, d_b1, d_W2, d_b2 = window_mlp_backward(by_hand["z"], cache)
by_hand |= {"W2": d_W2, "b2": d_b2, "h": by_hand["z"] @ W2.T}
h = np.tanh(E[contexts].reshape(len(contexts), -1) @ W1 + b1)
by_hand["a"] = by_hand["h"] * (1 - h**2)
by_hand |= {"W1": d_W1, "b1": d_b1, "x": by_hand["a"] @ W1.T, "E": d_E}

# %% [markdown]
# First witness. For an array in the middle, "the loss as a function of $a$" means: take $a$ as given, and run the rest of the network from there. Each array gets its own such function; then we nudge its numbers up and down, one after the other.

# %% [markdown] lang="zh"
# 第一位证人。对中间的数组，“损失作为 $a$ 的函数”是说：把 $a$ 当作已知，从那里往后跑完剩下的网络。每个数组都有自己的这样一个函数；然后把它的数一个一个地往上、往下各挪一点点。

# %%
values = {"E": E, "W1": W1, "b1": b1, "W2": W2, "b2": b2, "z": z, "h": h}
values["x"] = E[contexts].reshape(len(contexts), -1)
values["a"] = values["x"] @ W1 + b1


def loss_from(v):  # the line that the nudged array enters, and all lines after it
    x = v.get("x", v.get("E", E)[contexts].reshape(len(contexts), -1))
    a = v.get("a", x @ v.get("W1", W1) + v.get("b1", b1))
    h = v.get("h", np.tanh(a))
    return cross_entropy(v.get("z", h @ v.get("W2", W2) + v.get("b2", b2)), targets)


def measured(name, step=1e-5):
    slopes = np.zeros_like(values[name])
    for place in np.ndindex(slopes.shape):
        nudge = np.zeros_like(slopes)
        nudge[place] = step
        above, below = (loss_from({name: values[name] + sign * nudge}) for sign in (1, -1))
        slopes[place] = (above - below) / (2 * step)
    return slopes


# %% [markdown]
# Second witness. The tape records the same lines. `watch` tells it to follow our five arrays, which to TensorFlow are constants; what is computed from them it follows by itself.

# %% [markdown] lang="zh"
# 第二位证人。磁带录下同样的几行。五个数组在 TensorFlow 眼里是常数，要用 `watch` 告诉它盯住；由它们算出来的，磁带自己会跟着记。

# %%
import keras
import tensorflow as tf

keras.utils.set_random_seed(0)
v = {name: tf.constant(array) for name, array in zip(shapes, weights, strict=True)}
with tf.GradientTape() as tape:
    tape.watch(list(v.values()))
    v["x"] = tf.reshape(tf.gather(v["E"], contexts), (len(contexts), n * D))
    v["a"] = v["x"] @ v["W1"] + v["b1"]
    v["h"] = tf.tanh(v["a"])
    v["z"] = v["h"] @ v["W2"] + v["b2"]
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, v["z"]))
automatic = tape.gradient(loss, v)

# %%
print("array   shape     largest slope   measured   tape")
for name, slopes in by_hand.items():
    recorded = tf.convert_to_tensor(automatic[name]).numpy()
    assert_allclose(slopes, measured(name), atol=1e-6)
    assert_allclose(slopes, recorded, atol=1e-12)
    print(f"{name:<5} {str(slopes.shape):>9} {abs(slopes).max():12.4f}        agrees     agrees")
assert abs(d_E[number["a"]]).max() > 0 and set(by_hand) == set(values)

# %% [markdown]
# Nine arrays, three ways, one answer. Autodiff does exactly what we did: it walks back over the lines and applies a rule to each. When we come to real text we let it, in good conscience.
#
# ## Does the dog eat?
#
# Now train the little network on the five sentences, with nothing but our own functions: forward, gradient, backward, Adam. Afterwards ask it about `a dog`. Where a network ends depends on where it starts, so we train twenty, from twenty random starts. How many will say `eats`?

# %% [markdown] lang="zh"
# 九个数组，三种算法，一个答案。自动微分做的正是我们刚做过的事：逐行往回走，每一行套一条规则。读真实文本的时候，就可以放心交给它了。
#
# ## 狗吃不吃东西？
#
# 现在用这五句话训练这个小网络，只用自己的函数：前向、梯度、反向、Adam。训完再拿 `a dog` 问它。网络走到哪里，与从哪里出发有关，所以训练二十个，从二十个随机起点出发。有几个会说 `eats`？

# %%
predict("0 / 20", "≈ 10 / 20", "> 15 / 20")


# %%
def random_start(rng, n, D, U):
    return [
        rng.normal(size=(V + 1, D)),
        rng.normal(size=(n * D, U)) / np.sqrt(n * D),
        np.zeros(U),
        np.zeros((U, V)),
        np.zeros(V),
    ]


def train(weights, steps=1000):
    optimizers = [Adam(0.02) for _ in weights]
    for _ in range(steps):
        z, cache = window_mlp(contexts, weights)
        gradients = window_mlp_backward(cross_entropy_gradient(z, targets), cache)
        trio = zip(optimizers, weights, gradients, strict=True)
        weights = [optimizer.step(weight, slope) for optimizer, weight, slope in trio]
    return weights


# %%
networks = [train(random_start(np.random.default_rng(seed), n=2, D=2, U=4)) for seed in range(20)]
asked = np.array([[number["a"], number["dog"]]])
answers = np.array([softmax(window_mlp(asked, weights)[0])[0] for weights in networks])
chance_of = {word: answers[:, number[word]] for word in ("eats", "sleeps")}
print("network 0:", {word: chances[0].round(2).item() for word, chances in chance_of.items()})
eats = (chance_of["eats"] > 0.5).sum()
print(f"P(eats | a dog) > 1/2 in {eats} of 20 networks")
assert eats > 15

# %% [markdown]
# Nobody told them that dogs are like cats. But they share everything: two numbers per word, four units, one set of scores. One rule for all animals, "after `a` it eats", is easier to reach with so few numbers than a rule for each pair, and so most networks end there. The few that don't are a reminder: this is a tendency, not a law. Here is what the twenty answer on average:

# %% [markdown] lang="zh"
# 没有谁告诉它们狗和猫相像。可是它们处处共用：每个词两个数，一共四个单元，一组分数。就这么点数，学一条管所有动物的规则（“`a` 后面的要吃东西”），比一对一对地学更容易，多数网络就走到了那里。少数没走到的提醒我们：这是倾向，不是定律。二十个网络的平均回答如下：

# %%
animals, firsts = ["bird", "cat", "dog"], ["a", "the"]
pairs = np.array([[number[first], number[animal]] for first in firsts for animal in animals])
eating = [softmax(window_mlp(pairs, weights)[0])[:, number["eats"]] for weights in networks]
mean_eating = np.mean(eating, axis=0).reshape(2, 3)
figure, axes = plt.subplots(figsize=(4.2, 2.2))
plots.heat_map(axes, mean_eating, firsts, animals, digits=2, largest=1)
axes.set(xlabel="second word", ylabel="first word", title="P(eats)")
plt.show()
assert mean_eating[0].min() > 0.75 and mean_eating[1].max() < 0.1

# %% [markdown]
# **Figure.** The probability of `eats` after six pairs of words, the mean over twenty networks; rows `a` and `the`, columns `bird`, `cat`, `dog`. The row of `a` is dark, also under `dog`, a pair that was never read; the row of `the` is white.

# %% [markdown] lang="zh"
# **图.** 六种词对之后出现 `eats` 的概率，二十个网络的平均；行是 `a` 和 `the`，列是 `bird`、`cat`、`dog`。`a` 那一行颜色深，连从没读过的 `a dog` 也不例外；`the` 那一行是白的。

# %% [markdown]
# ## All positions at once
#
# For real text we go to Keras, and to the contract of the course: ids $(B, T)$ in, logits $(B, T, V)$ out, a prediction at *every* position. The slow way would cut each position's window out and look up $n$ vectors for it, $B\cdot T\cdot n$ lookups. But neighbouring windows share all but one token. So: put $n-1$ times *nothing* in front, look up each token once, and lay $n$ shifted views of the same vectors side by side.

# %% [markdown] lang="zh"
# ## 所有位置一起算
#
# 处理真正的文本就换用 Keras，并遵守本课程的约定：编号 $(B, T)$ 进，logit $(B, T, V)$ 出，**每个**位置都作一次预测。笨办法是把每个位置的窗口切出来，各查 $n$ 个向量，共查 $B\cdot T\cdot n$ 次。可相邻的窗口只差一个词元。所以：在前面垫 $n-1$ 个“空无”，每个词元只查一次，再把同一批向量错开一格、两格……的 $n$ 个视图并排放好。

# %%
from lmcourse.models.mlp import WindowMLP

show_source(WindowMLP.call, WindowMLP.join)
small = WindowMLP(vocabulary_size=V, window=2, width=2, units=4)
small.set_weights(networks[0])
sentence = np.array([[number[word] for word in "the cat sleeps".split()]])
logits = np.asarray(small(sentence))
print("ids", sentence.shape, "→ logits", logits.shape)
seen = np.vstack([contexts[1:3], [number["cat"], number["sleeps"]]])  # the three windows
assert_allclose(logits[0], window_mlp(seen, networks[0])[0], atol=1e-4)
B, T, n = 32, 64, 5
print(f"lookups for {B} × {T} ids and a window of {n}: {B * T * n:,}, shared {B * (T + n - 1):,}")

# %% [markdown]
# ## How to start: the first loss
#
# Training moves the numbers. Someone has to write down the first ones, and a bad start costs dearly. We look at it on real text: the plays of Shakespeare, by character, with `<unk>` for what training never shows.
#
# What should an untrained model cost? It knows nothing, so every character should get the same chance: $\ln V$ nats. Take the hidden layer as it is, and draw the score weights $W_2$ with three standard deviations:

# %% [markdown] lang="zh"
# ## 怎样起步：第一次损失
#
# 训练会挪动这些数，可总得有人写下最初的那些，起点没选好，代价很大。我们在真实文本上看：莎士比亚的剧本，以字符为单位，训练里没出现过的用 `<unk>` 代表。
#
# 没训练过的模型该付多少？它一无所知，所以每个字符的机会应该相等：$\ln V$ 奈特。隐藏层不动，分数权重 $W_2$ 则随机抽取，标准差试三种：

# %%
from lmcourse.text.corpora import sanguo, shakespeare
from lmcourse.text.tokenizers import CharacterTokenizer

plays = shakespeare()
tokenizer = CharacterTokenizer.train(plays.text("train"), unknown=True)
ids = {split: tokenizer.encode(plays.text(split)) for split in ("train", "validation", "test")}
V = tokenizer.vocabulary_size
print(f"V = {V}, ln V = {np.log(V):.3f}, training characters {len(ids['train']):,}")
assert V == 68

# %%
U, inputs, answers = 256, ids["train"][None, :2000], ids["train"][1:2001]
fresh = WindowMLP(V, window=5, width=16, units=U)
for name, size in {"0": 0, "1/√U": 1 / np.sqrt(U), "1": 1.0}.items():
    fresh.scores.kernel.assign(rng.normal(0, 1, (U, V)) * size)
    first = cross_entropy(np.asarray(fresh(inputs), np.float64)[0], answers)
    print(f"standard deviation {name:<5} first loss {first:6.2f} nats")
assert first > 2 * np.log(V)

# %% [markdown]
# With standard deviation 1, each score is a sum of 256 terms and reaches ±10 or so. The model is quite sure of its nonsense and pays far more than ignorance costs. The first steps of training would only unlearn that. Our `WindowMLP` starts $W_2$ at zero: whatever $h$ is, the first loss is $\ln V$.
#
# ## How to start: the hidden layer
#
# The same question one layer down. The sum $a_u = \sum_i x_i W_{iu}$ has $n\cdot D$ terms; this number of incoming connections is the **fan-in** of the unit. If the $x_i$ are independent with mean 0 and variance $\sigma_x^2$, and the weights too with $\sigma_W^2$, then each product has variance $\sigma_x^2\sigma_W^2$, and variances of independent terms add up:
#
# $$\mathrm{Var}(a_u) = n D\,\sigma_x^2\,\sigma_W^2$$
#
# For sums as large as their inputs we need $\sigma_W = 1/\sqrt{nD}$: *scale by the fan-in*. And if we don't? Too small, and tanh stays in its straight middle part: $\tanh a \approx a$, and the hidden layer is no layer at all. Too large, and $h$ is close to ±1 for most inputs. The unit is **saturated** there, and its slope $1-h^2$ is nearly zero: before learning has begun, hardly any gradient gets through. The histograms show $h$ on Shakespeare, the vectors still random, for several multiples of $1/\sqrt{nD}$:

# %% [markdown] lang="zh"
# 标准差为 1 时，每个分数是 256 项之和，能到 ±10 上下。模型对自己的胡话深信不疑，付出的比一无所知还要多得多。训练开头的许多步，都花在忘掉这些上。我们的 `WindowMLP` 让 $W_2$ 从零开始：不管 $h$ 是什么，第一次损失都是 $\ln V$。
#
# ## 怎样起步：隐藏层
#
# 往下一层，同样的问题。$a_u = \sum_i x_i W_{iu}$ 有 $n\cdot D$ 项；进入一个单元的连接数，叫这个单元的**扇入**。若各 $x_i$ 独立，均值为 0，方差为 $\sigma_x^2$，权重也如此，方差为 $\sigma_W^2$，那么每个乘积的方差是 $\sigma_x^2\sigma_W^2$，而独立项的方差可以相加：
#
# $$\mathrm{Var}(a_u) = n D\,\sigma_x^2\,\sigma_W^2$$
#
# 要让和与输入一样大，就取 $\sigma_W = 1/\sqrt{nD}$：**按扇入缩放**。不这样会怎样？太小，tanh 只用到中间近乎笔直的一段，$\tanh a \approx a$，隐藏层形同虚设。太大，对多数输入 $h$ 都接近 ±1，这个单元就**饱和**了，斜率 $1-h^2$ 几乎是零：还没开始学，梯度就已经很难传过去。下面的直方图画的是读莎士比亚时的 $h$，词元的向量仍是随机的，$\sigma_W$ 取 $1/\sqrt{nD}$ 的不同倍数：

# %%
x_real = np.asarray(fresh.join(inputs))[0].astype(float)  # (2000, 80)
W_unit = rng.normal(size=(80, U)) / np.sqrt(80)


def draw(axes, scale):
    h = np.tanh(x_real @ (scale * W_unit))
    axes.hist(h.ravel(), bins=40, range=(-1, 1), weights=np.full(h.size, 1 / h.size))
    axes.text(0, 0.46, f"mean slope {(1 - h**2).mean():.2f}", ha="center")
    axes.set(xlabel="h", ylabel="share of all values", ylim=(0, 0.55))


explore(draw, scale=[0.1, 0.5, 1, 2, 4, 10])

# %% [markdown]
# **Figure.** How the hidden values $h$ are distributed, from −1 to 1, for six multiples of the fan-in scale, with the mean of the slope $1-h^2$. At 0.1 they crowd around 0. At 1 they spread over the whole range. At 4 and 10, most sit close to −1 and 1, and the mean slope is small.

# %% [markdown] lang="zh"
# **图.** 扇入尺度的六种倍数下，隐藏值 $h$ 在 −1 到 1 之间的分布，并标出斜率 $1-h^2$ 的平均值。0.1 倍时都挤在 0 附近；1 倍时铺满整个范围；4 倍和 10 倍时，大多停在 −1 和 1 附近，平均斜率很小。

# %%
spread_of = {}
for scale in (0.1, 1, 10):
    a = x_real @ (scale * W_unit)
    spread_of[scale] = a.std()
    slope = 1 - np.tanh(a) ** 2
    print(f"scale {scale:>4}: sums vary by {a.std():5.2f}, saturated (|h| > 0.99) ", end="")
    print(f"{(abs(np.tanh(a)) > 0.99).mean():4.0%}, mean slope {slope.mean():.2f}")
assert 0.8 < spread_of[1] < 1.2

# %% [markdown]
# ## Dead units
#
# Another activation function is popular because it doesn't saturate upwards: the **rectified linear unit**, ReLU, $h = \max(0, a)$. Its slope is 1 for $a>0$ and 0 for $a<0$. A unit whose $a$ is negative for *every* context of the text outputs nothing, and its slope is zero everywhere. No gradient reaches its weights, so they stay where they are: it is **dead**. (Only if the vectors below happen to move under it can it wake up again.) One step that is too long is enough: it throws the bias far down, and no gradient brings it back. We push the biases down and count:

# %% [markdown] lang="zh"
# ## 死掉的单元
#
# 另一种激活函数很流行，因为它往上不会饱和：**修正线性单元**（ReLU），$h = \max(0, a)$。$a>0$ 时斜率是 1，$a<0$ 时斜率是 0。如果一个单元对文本里**每个**上下文的 $a$ 都是负的，它就什么也不输出，斜率处处为零。梯度到不了它的权重，权重就停在原地：它**死了**。（除非下面的向量碰巧挪动，它才有机会醒来。）步子太大，一步就足以致命：偏置被甩到很低的地方，再也没有梯度能把它拉回来。把偏置往下推，数一数：

# %%
arriving = rng.normal(size=(2000, U))  # some gradient of the loss for h
for bias in (0, -1, -2, -3, -4):
    slope = (x_real @ W_unit + bias > 0).astype(float)  # (2000, U), 1 or 0
    dead = ~slope.any(axis=0)
    d_W = x_real.T @ (arriving * slope)
    print(
        f"bias {bias:>2}: slope 1 for {slope.mean():5.1%} of all values, dead units {dead.mean():4.0%}"
    )
    assert not d_W[:, dead].any()  # no gradient reaches them
assert dead.mean() > 0.5

# %% [markdown]
# At the lowest bias most units are silent on all 2,000 contexts, and the assertion confirms that the gradient of their weights is exactly zero. A saturated tanh unit still gets a gradient, for its slope is small but not zero; a dead unit has nothing to go by. The cures are the ones we already have: a start that fits, and steps that are not too long.
#
# What does it cost in training? The same network, the same batches, three starts, and plain gradient descent, whose strides are short where slopes are small (Adam's are not, as lesson 03 showed). The learning rate, 2, was tried out beforehand so that the picture shows something. It is a demonstration on training text; it judges nothing on test text:

# %% [markdown] lang="zh"
# 偏置最低时，多数单元对 2,000 个上下文全都默不作声；断言也确认，它们的权重的梯度恰好是零。饱和的 tanh 单元多少还收得到一点梯度，它的斜率虽小，却不是零；死掉的单元什么也收不到。对策还是那两条：起点合适，步子别太大。
#
# 训练时要付多少代价？同样的网络，同样的批，三种起点，用普通的梯度下降：斜率小，它的步子就小（第 03 课看到过，Adam 不是这样）。学习率取 2，是事先试出来的，为的是让图看得出差别。这只是在训练文本上的演示，不拿测试文本来评判什么：

# %% tags=["nbval-ignore-output"]
from lmcourse.training.fit import fit
from lmcourse.training.streams import random_batches

batches = random_batches(ids["train"], batch_size=32, context_length=64)
curves, saturated = {}, {}
for name, scale, out in (("fan-in, zero", 1, 0), ("×10, zero", 10, 0), ("fan-in, 1", 1, 1)):
    model = WindowMLP(V, window=5, width=16, units=128)
    model.hidden.kernel.assign(rng.normal(size=(80, 128)) * scale / np.sqrt(80))
    model.scores.kernel.assign(rng.normal(size=(128, V)) * out)
    optimizer = keras.optimizers.SGD(2.0)
    curves[name] = fit(model, batches, steps=150, optimizer=optimizer, clip_norm=None).losses
    h = np.asarray(model.hidden(model.join(inputs)))
    saturated[name] = (abs(h) > 0.99).mean()
    print(f"{name:<13} first {curves[name][0]:5.2f}, last {np.mean(curves[name][-20:]):.2f} nats,",
          f"saturated {saturated[name]:.0%}")  # fmt: skip
mean, last = ({k: np.mean(v[i:]) for k, v in curves.items()} for i in (0, -20))
good = mean.pop("fan-in, zero")
assert good + 0.1 < min(mean.values()) and last["fan-in, zero"] + 0.1 < last["×10, zero"]
assert saturated["×10, zero"] > 0.5

# %%
figure, axes = plt.subplots()
smooth = {name: np.convolve(losses, np.ones(10) / 10, "valid") for name, losses in curves.items()}
plots.curves(axes, np.arange(10, 151), smooth, marker=None)
axes.axhline(np.log(V), color=plots.GREY, linestyle="--")
axes.text(120, np.log(V) + 0.1, "ln V", color=plots.GREY)
axes.set(xlabel="steps", ylabel="training loss (nats)", ylim=(2, 8))
plt.show()

# %% [markdown]
# **Figure.** Training loss against steps, averaged over ten steps, for three starts. The start with the fan-in scale and zero scores lies below the dashed line $\ln V$ already at the first point drawn, the mean of steps 1 to 10. With scores of standard deviation 1 the curve begins far above, outside the picture, and most of its steps go into coming down. With a hidden layer ten times too large it falls at first and then stays behind.

# %% [markdown] lang="zh"
# **图.** 三种起点的训练损失随步数的变化，每十步取平均。按扇入缩放、分数为零的起点，画出的第一个点（头十步的平均）就已在虚线 $\ln V$ 之下；分数的标准差为 1 时，曲线从很高的地方开始，高到图外，大半的步子都花在往下降上；隐藏层大十倍时，起初降得也快，后来就落后了。

# %% [markdown]
# The bad scores can be unlearned, but the steps are spent. And where the hidden layer began ten times too large, more than half of its values are still saturated at the end; the assertion says so.
#
# ## On Shakespeare
#
# Now for real: a window of 5, Adam, and `fit` of the package, the seven steps of lesson 03 in one function (lesson 09 takes it apart). 600 steps of 2,048 characters. The model ends with the weights that were best on the validation text.

# %% [markdown] lang="zh"
# 糟糕的分数可以忘掉，但步子已经花出去了。隐藏层一开始大了十倍的那个网络，到最后仍有一半以上的值是饱和的，断言可以作证。
#
# ## 读莎士比亚
#
# 这回动真格的：窗口为 5，用 Adam，用程序包里的 `fit`，它把第 03 课的七个步骤装进了一个函数（第 09 课再拆开讲）。共 600 步，每步 2,048 个字符。训完留下的，是在验证文本上最好的那组权重。

# %%
validation, test = ids["validation"][:20_000], ids["test"][:100_000]


def trained(text, window, units=128, steps=200, held=validation, size=V, kind=WindowMLP):
    keras.utils.set_random_seed(0)
    model = kind(size, window, 16, units)
    fit(
        model,
        random_batches(text, batch_size=32 if size == V else 16, context_length=64),
        steps=steps,
        learning_rate=0.02,
        validate=lambda: score(model, held).nats_per_token,
        validate_every=max(steps // 5, 20),
    )
    return model


# %% tags=["nbval-ignore-output"]
from lmcourse.models.ngram import ModifiedKneserNey

model = trained(ids["train"], window=5, units=256, steps=600)
counting = ModifiedKneserNey.train(ids["train"], order=6, vocabulary_size=V)
on_test = {name: score(one, test).bits_per_token for name, one in
           {"window network": model, "Kneser–Ney, order 6": counting}.items()}  # fmt: skip
for name, bits in on_test.items():
    print(f"{name:<20} {bits:.2f} bits per character")
assert model.count_params() == 39_316
print(f"{model.count_params():,} parameters against {counting.parameters:,} counts")
assert on_test["Kneser–Ney, order 6"] < on_test["window network"] < 2.7

# %% tags=["nbval-ignore-output"]
from lmcourse.generation.sampling import generate

beginning = tokenizer.encode("ROMEO:\n")
text = tokenizer.decode(generate(model, beginning, 200, np.random.default_rng(0)))
print(text)
assert len(text) == 207

# %% [markdown]
# Syllables, short words, lines, all from 39,316 numbers. And yet counting, which looks back exactly as far, is ahead, clearly ahead, and it needed no training steps at all. That calls for an explanation.

# %% [markdown] lang="zh"
# 音节、短词、分行，都出自 39,316 个数。可是计数回看得一样远，却领先，而且领先得清清楚楚，一步训练也不用。这是为什么？

# %% [markdown]
# ## Where does it win? A language that we made
#
# On real text too many things happen at once. So we build two languages whose entropy is known exactly (lesson 01), both with 30 symbols, both with a memory of two symbols:
#
# - *with kinds*: the symbols come in 5 kinds of 6, as words come in nouns and verbs. The last two kinds decide the next kind; within a kind, all six symbols are alike.
# - *without kinds*: every pair of symbols has a distribution of its own, drawn at random. No symbol resembles another.
#
# There are 900 contexts of two symbols in both. Counting and the network read the same text, both look two back, and what they pay above the entropy is what they have yet to learn. Which of them is ahead, and where?

# %% [markdown] lang="zh"
# ## 它赢在哪里？一门自造的语言
#
# 真实文本里同时发生的事太多。所以造两门语言，它们的熵是精确已知的（第 01 课），都有 30 个符号，都记得前两个符号：
#
# - **有类**：符号分成 5 类，每类 6 个，就像词分名词和动词。前两个符号的类决定下一个符号的类；同一类里的六个符号完全一样。
# - **无类**：每一对符号各有自己的分布，随机抽取。没有哪个符号与另一个相像。
#
# 两门语言都有 900 个两符号的上下文。计数和网络读同样的文本，都回看两个；付出的超过熵的部分，就是还没学会的部分。谁领先？在哪里领先？

# %%
predict("with kinds: network, without: counting", "network in both", "counting in both")

# %%
from lmcourse.text.grammar import Markov


def with_kinds(rng):
    rows = rng.dirichlet(np.full(5, 0.2), size=(5, 5))  # next kind, given two kinds
    kind = np.arange(30) % 5
    return Markov(rows[np.ix_(kind, kind, kind)] / 6, [f"<{i}>" for i in range(30)])


def excess_bits(source, sizes, window, seed):
    rng, V = np.random.default_rng(seed), source.vocabulary_size
    text, held, new = (source.sample(length, rng) for length in (max(sizes), 5_000, 20_000))
    found = {"counting": [], "network": []}
    for size in sizes:
        counting = ModifiedKneserNey.train(text[:size], order=window + 1, vocabulary_size=V)
        network = trained(text[:size], window, units=64, held=held, size=V)
        for name, one in (("counting", counting), ("network", network)):
            found[name].append(score(one, new).bits_per_token - source.entropy_rate)
    return found


# %% tags=["nbval-ignore-output"]
sizes = [1_000, 3_000, 10_000, 30_000, 100_000]
kinds = excess_bits(with_kinds(np.random.default_rng(0)), sizes, window=2, seed=1)
none = excess_bits(Markov.random(2, 30, np.random.default_rng(2), 0.2), sizes[::2], 2, seed=3)
for name in kinds:
    row = "  ".join(f"{excess:5.2f}" for excess in kinds[name])
    print(f"with kinds     {name:<9} {row}")
for name in none:
    row = "         ".join(f"{excess:5.2f}" for excess in none[name])
    print(f"without kinds  {name:<9} {row}")
assert all(kinds["network"][i] < 0.6 * kinds["counting"][i] for i in (2, 3, 4))
assert all(kinds["network"][i - 1] < kinds["counting"][i] for i in (3, 4))
assert kinds["network"][0] > kinds["counting"][0]
assert all(none["network"][i] > none["counting"][i] for i in range(3))

# %%
figure, axes = plt.subplots()
axes.set_xscale("log")
lines = {f"{name}, with kinds": kinds[name] for name in kinds}
plots.curves(axes, sizes, lines)
for name, color in (("counting", plots.BLUE), ("network", plots.ORANGE)):
    axes.plot(sizes[::2], none[name], "--", marker="o", color=color)
axes.text(4_000, 2.4, "dashed: without kinds", color=plots.GREY)
axes.set(xlabel="symbols read in training", ylabel="excess bits per symbol", ylim=(-0.2, 3))
plt.show()

# %% [markdown]
# **Figure.** Bits above the known entropy against the length of the training text, on a logarithmic axis, for counting and for the network. Solid, the language with kinds: after 1,000 symbols counting is lower; from 10,000 on, the network's curve lies well below that of counting. Dashed, the language without kinds: the network's curve lies above that of counting everywhere.

# %% [markdown] lang="zh"
# **图.** 超出已知熵的比特数随训练文本长度的变化，横轴是对数刻度，计数和网络各一条。实线是有类的语言：读 1,000 个符号时计数更低；从 10,000 个起，网络的曲线明显在计数之下。虚线是无类的语言：网络的曲线处处在计数之上。

# %% [markdown]
# This is the answer, in its purest form. Where symbols resemble one another, the network does better with a third of the text than counting with all of it: it learns 25 rules instead of 900. Where nothing resembles anything, there is nothing to share, and the small network has to squeeze 900 unrelated rows into a few thousand numbers, in 200 steps, and falls far behind. **Vectors are a bet that the world has kinds.** (With only 1,000 symbols the bet doesn't pay yet, even where the kinds are there: counting is ahead.)
#
# ## How far back?
#
# The second question is the window. For a source with a memory of $k=3$ symbols, we can compute what a model with a window of $n$ must pay at least: the entropy of the next symbol given the last $n$, which is $H$ of blocks of $n+1$ symbols minus $H$ of blocks of $n$. No training needed:

# %% [markdown] lang="zh"
# 这就是最纯粹的答案。符号彼此相像时，网络只读三分之一的文本，就比读完全部的计数还好：它学 25 条规则，不是 900 条。什么都不像什么时，没有东西可共享，小网络得用 200 步把 900 行互不相干的分布挤进几千个数里，落后一大截。**向量是一场赌博，赌的是世间万物有类。**（只有 1,000 个符号时，就算真的有类，这一注也还没赢：计数领先。）
#
# ## 回看多远？
#
# 第二个问题是窗口。设信源记得前 $k=3$ 个符号，窗口为 $n$ 的模型至少要付多少，是算得出来的：已知前 $n$ 个符号时下一个符号的熵，也就是 $n+1$ 个符号的块的 $H$ 减去 $n$ 个符号的块的 $H$。不必训练：

# %%
rows = np.random.default_rng(4).dirichlet(np.full(4, 0.3), size=(4, 4, 4))
source = Markov(rows)
triples = source.stationary[..., None] * rows  # P of four symbols in a row
floors = {}
for n in (1, 2, 3, 4, 6):
    block = triples.sum(axis=tuple(range(3 - min(n, 3))))  # the last min(n, 3) + 1 of them
    floors[n] = entropy(block.ravel()) - entropy(block.sum(axis=-1).ravel())
    print(f"window {n}: at least {abs(floors[n] - source.entropy_rate):.3f} bits above the entropy")
assert_allclose(floors[3], source.entropy_rate)

# %% tags=["nbval-ignore-output"]
paid = {"counting": [], "network": []}
for n in floors:
    for name, excess in excess_bits(source, [20_000], n, seed=5).items():
        paid[name].append(excess[0])
figure, axes = plt.subplots()
least = [floor - source.entropy_rate for floor in floors.values()]
axes.plot(list(floors), least, "s--", color=plots.GREY, markersize=8, fillstyle="none")
plots.curves(axes, list(floors), paid)
axes.set(xlabel="window (symbols)", ylabel="excess bits per symbol")
plt.show()
assert all(abs(paid["network"][i] - least[i]) < 0.06 for i in range(4))
assert paid["network"][4] < paid["counting"][4]

# %% [markdown]
# **Figure.** Excess bits of counting and of the network after 20,000 symbols of a source that remembers three, against the window. The grey squares are the exact least that any model with this window has to pay. With windows of one and two, both sit on the squares, far above zero. From three on the floor is zero and both come close; at six, counting has risen more than the network.

# %% [markdown] lang="zh"
# **图.** 一个记得三个符号的信源，读过 20,000 个符号之后，计数和网络的超额比特随窗口的变化。灰色方块是这个窗口的任何模型至少要付的精确值。窗口为一、二时，两者都落在方块上，远高于零；从三起，底线是零，两者都很接近；到六时，计数比网络升得更多。

# %% [markdown]
# A window that is too short costs exactly what it can't see; no amount of training helps. A window that is too long costs counting more than the network here: every further symbol cuts the counts into four parts again, while the network can learn to give the oldest places small weights.
#
# ## Back to characters
#
# Now we understand Shakespeare better. Both questions again, on 100,000 characters: windows of 1 to 8, and at a window of 4 less text and more.

# %% [markdown] lang="zh"
# 窗口太短，看不见多少就要多付多少，怎么训练都没用。窗口太长，在这里计数付的比网络多：每多看一个符号，计数又被切成四份；网络却可以学会给最老的位置配上小权重。
#
# ## 回到字符
#
# 现在再看莎士比亚，就明白多了。同样两个问题，用 100,000 个字符：窗口从 1 到 8；再固定窗口为 4，文本少一些、多一些。

# %% tags=["nbval-ignore-output"]
part = ids["train"][:100_000]


def both(text, window):
    counting = ModifiedKneserNey.train(text, order=window + 1, vocabulary_size=V)
    return [score(one, test[:50_000]).bits_per_token for one in (counting, trained(text, window))]


by_window = np.array([both(part, window) for window in (1, 2, 4, 8)])
by_size = np.array([both(ids["train"][:10_000], 4), by_window[2], both(ids["train"], 4)])
figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3), sharey=True)
for column, name in enumerate(("counting", "network")):
    left.plot([1, 2, 4, 8], by_window[:, column], "o-", label=name)
    right.semilogx([10_000, 100_000, len(ids["train"])], by_size[:, column], "o-", label=name)
left.set(xlabel="window (characters)", ylabel="bits per character", title="100,000 characters")
right.set(xlabel="training characters", title="window 4")
left.legend()
plt.show()
gap = by_window[:, 1] - by_window[:, 0]
assert gap[0] < 0.05 and gap[0] < gap[1] < gap[2] and (by_size[:, 1] > by_size[:, 0]).all()

# %% [markdown]
# **Figure.** Bits per character on test plays. Left, against the window, after 100,000 characters: at a window of one, both are level; then counting pulls away. Right, against the amount of text, at a window of four: counting is ahead at every size.

# %% [markdown] lang="zh"
# **图.** 测试剧本上的每字符比特数。左：读过 100,000 个字符后，随窗口的变化；窗口为一时两者打平，之后计数拉开距离。右：窗口为四，随文本量的变化；每种文本量都是计数领先。

# %% [markdown]
# Letters have few kinds (vowels, capitals, marks), and 68 symbols need no likeness to be told apart. What counts in spelling is exactly this letter after exactly those: the business of a table. Our network gets a few hundred steps to find out, by moving numbers, what counting writes down at once.
#
# ## Words have kinds
#
# The authors of 2003 worked with words, of which there are thousands, and many contexts of three words are new. Let us read the plays by word: the 999 most frequent ones, and `<unk>` for the rest. We sort the test text by how often training has read its context of three words.

# %% [markdown] lang="zh"
# 字母没有几类（元音、大写、标点），区区 68 个符号，用不着相像也分得清。拼写在乎的就是这几个字母后面的那个字母，分毫不差：这正是表格的拿手戏。我们的网络却要花几百步，靠挪动数字，去摸索计数一下子就写好的东西。
#
# ## 词才分类
#
# 2003 年的作者们用的是词。词有成千上万，三个词的上下文有许多是新的。我们也以词为单位读剧本：取最常见的 999 个词，其余用 `<unk>` 代表。再把测试文本分开：它的三词上下文，训练时读过几次？

# %%
import re
from collections import Counter

spoken = {
    split: re.findall(r"[a-z']+|[^\sa-z]", plays.text(split).lower())
    for split in ("train", "validation", "test")
}
common = [word for word, _ in Counter(spoken["train"]).most_common(999)]
row_of = {word: row for row, word in enumerate(common, start=1)}
by_word = {split: np.array([row_of.get(w, 0) for w in text]) for split, text in spoken.items()}
print(f"training words {len(by_word['train']):,}, known {(by_word['test'] > 0).mean():.0%}")


def times_read(train, text, n, size):
    powers = size ** np.arange(n)
    keys = [np.convolve(some[:-1], powers[::-1], "valid") for some in (train, text)]
    known, times = np.unique(keys[0], return_counts=True)
    place = np.searchsorted(known, keys[1]).clip(max=len(known) - 1)
    return np.where(known[place] == keys[1], times[place], 0)


assert times_read(np.array([1, 2, 1, 2, 3]), np.array([1, 2, 2, 0]), 2, 4).tolist() == [2, 0]

# %% [markdown]
# One setting changes with a large vocabulary: how far apart the vectors start (`spread`). The vector of a rare word is moved seldom and keeps most of its random start, which then enters every sum as noise. So we start the vectors close together, with a standard deviation of 0.2 instead of 1. (For 68 characters, nearly all of them read often, there is no need.) On the novel, below, validation text decides between the two.
#
# A confession: here, on words, this and the other settings of the network were tried out beforehand with these very test plays in view. Validation text should have judged them. So take the network's numbers as a little too kind to it.
#
# To sort by context we need the bits of every single word, not the mean alone; `bits_of` collects them.

# %% [markdown] lang="zh"
# 词表一大，有一处设置要改：向量起步时彼此离多远（`spread`）。罕见词的向量难得动一动，多半还停在随机的起点上，于是每次求和都混进噪声。所以让向量靠近一些起步，标准差取 0.2，而不是 1。（68 个字符几乎个个常见，就用不着这样。）后面读《三国》时，两者之中选哪个，由验证文本决定。
#
# 有一点要坦白：这里以词为单位的比较，这一项和网络的其他设置都是事先试出来的，而且试的时候看着的正是这些测试剧本。本该由验证文本来定。所以网络的成绩要打一点折扣来看。
#
# 要按上下文分组，光有平均不够，得有每个词的比特数，`bits_of` 就是收集它们的。


# %%
def bits_of(model, text, piece=8_000, before=16):
    found = []
    for start in range(0, len(text) - 1, piece):
        first, end = max(start - before, 0), min(start + piece, len(text) - 1)
        rows = log_softmax(np.asarray(model(text[None, first:end]), np.float64)[0, start - first :])
        found.append(-rows[np.arange(end - start), text[start + 1 : end + 1]])
    return nats_to_bits(np.concatenate(found))


assert_allclose(bits_of(model, test[:20_000]).mean(), score(model, test[:20_000]).bits_per_token,
                atol=0.02)  # fmt: skip

# %% tags=["nbval-ignore-output"]
new = by_word["test"][:40_000]
keras.utils.set_random_seed(0)
network = WindowMLP(1000, window=3, width=32, units=128, spread=0.2)
fit(network, random_batches(by_word["train"], 16, 64), steps=600, learning_rate=0.02)
counting = ModifiedKneserNey.train(by_word["train"], order=4, vocabulary_size=1000)
bits = {
    "counting": nats_to_bits(-counting.log_probability(new)),
    "network": bits_of(network, new),
}
mixed = -np.log2(0.5 * 2.0 ** -bits["counting"] + 0.5 * 2.0 ** -bits["network"])
bits["half and half"] = mixed
for name, each in bits.items():
    print(f"{name:<14} {each.mean():.2f} bits per word")
assert mixed.mean() < min(bits["counting"].mean(), bits["network"].mean())

# %% tags=["nbval-ignore-output"]
times = times_read(by_word["train"], new, 3, 1000)
groups = {"never": times == 0, "once": times == 1, "2–9": (times > 1) & (times < 10),
          "10–99": (times > 9) & (times < 100), "≥ 100": times > 99}  # fmt: skip
table = {name: [each[2:][group].mean() for group in groups.values()] for name, each in bits.items()}
print(f"{'context read':<14}", "  ".join(f"{name:>5}" for name in groups))
for name, row in table.items():
    print(f"{name:<14}", "  ".join(f"{cost:5.2f}" for cost in row))
assert table["network"][0] < table["counting"][0]
assert all(table["network"][i] > table["counting"][i] for i in (2, 3))
assert (np.array(table["half and half"]) < np.minimum(table["counting"], table["network"])).all()

# %%
figure, axes = plt.subplots()
shares = [f"{name}\n({group.mean():.0%})" for name, group in groups.items()]
plots.bars(axes, shares, table)
axes.set_xticks(range(len(shares)), labels=shares)
axes.set(ylim=(4.5, 5.9), ylabel="bits per word")
axes.set_xlabel("how often training has read the context of three words (share of the test text)")
plt.show()

# %% [markdown]
# **Figure.** Bits per word on test plays, grouped by how often the three words before stood in the training text, for counting, for the network, and for the average of their two probabilities. On contexts that were never read the network is ahead; on those read two to 99 times counting is. The average of the two is best in every group. The vertical axis starts at 4.5 bits.

# %% [markdown] lang="zh"
# **图.** 测试剧本上的每词比特数，按前面三个词在训练文本里一起出现过几次分组；每组三根柱子：计数、网络、两者概率的平均。从没读过的上下文，网络领先；读过 2 到 99 次的，计数领先。两者的平均在每一组都最好。纵轴从 4.5 比特起。

# %% [markdown]
# There it is. On contexts never read, the network is ahead of Kneser–Ney after a few hundred steps, as in the language with kinds. Where the context has been read from two to 99 times, a table remembers, and the network has to approximate. The two know different things, and so the average of both probabilities is better than either, in every group. The paper of 2003 mixed its network with a trigram, too, and gained by it.
#
# ## On the novel
#
# And in Chinese, by character? 三国演义 has no endings and no spelling, but thousands of characters with meaning: closer to words than to letters. The 999 most frequent characters, a window of 3. How far apart the vectors start, and how much the network counts in the mixture, is chosen on the validation chapters; the test chapters are looked at once, at the end:

# %% [markdown] lang="zh"
# 就是这样。在从没读过的上下文上，网络只训练了几百步，就走到了 Kneser–Ney 前面，和那门有类的语言一样。上下文读过 2 到 99 次时，表格记得住，网络只能近似。两者知道的东西不一样，所以概率取平均，每一组都比单独任何一个好。2003 年的论文也把网络和三元语法混在一起，同样有所得。
#
# ## 读《三国》
#
# 换成中文，以字为单位呢？《三国演义》没有词尾、拼写这些花样，却有几千个各有其义的字：与其说像字母，不如说像词。取最常见的 999 个字，窗口为 3。向量起步时离多远、混合时网络占多少，都在验证集的章回上选定；测试集的章回只在最后看一次：

# %%
novel = sanguo()
kinds_of, how_often = np.unique(list(novel.text("train")), return_counts=True)
often = sorted(kinds_of[np.argsort(-how_often, kind="stable")[:999]].tolist())
hanzi = CharacterTokenizer(["<unk>", *often])
zh = {split: hanzi.encode(novel.text(split)) for split in ("train", "validation", "test")}
print(f"training characters {len(zh['train']):,}, known {(zh['test'] > 0).mean():.0%}")

# %% tags=["nbval-ignore-output"]
held, tried, on_held = zh["validation"][:20_000], {}, {}
for spread in (1.0, 0.2):
    keras.utils.set_random_seed(0)
    tried[spread] = WindowMLP(1000, window=3, width=32, units=128, spread=spread)
    fit(tried[spread], random_batches(zh["train"], 16, 64), steps=300, learning_rate=0.02)
    on_held[spread] = bits_of(tried[spread], held).mean()
    print(f"validation, spread {spread}: {on_held[spread]:.2f} bits per character")
chinese = tried[min(on_held, key=on_held.get)]
assert on_held[0.2] < on_held[1.0] - 0.05 and chinese is tried[0.2]

# %% tags=["nbval-ignore-output"]
counting = ModifiedKneserNey.train(zh["train"], order=4, vocabulary_size=1000)


def mixtures(counting, network, text, shares):  # mean bits, for each share of the network
    one, other = nats_to_bits(-counting.log_probability(text)), bits_of(network, text)
    return [-np.log2((1 - s) * 2.0**-one + s * 2.0**-other).mean() for s in shares]


tenths = np.linspace(0, 1, 11)
share = tenths[np.argmin(mixtures(counting, chinese, held, tenths))]
counted, mixed, learned = mixtures(counting, chinese, zh["test"], (0, share, 1))
print(f"share of the network, chosen on validation: {share:.1f}")
print(f"test: mixture {mixed:.2f}, counting {counted:.2f}, network {learned:.2f}")
assert 0 < share < 1 and mixed < counted < learned

# %% tags=["nbval-ignore-output"]
table = chinese.embedding.embeddings.numpy()[:1000]
unit = table / np.linalg.norm(table, axis=1, keepdims=True)
for character in "三东曹他大曰":
    near = np.argsort(-(unit @ unit[hanzi.encode(character)[0]]))[1:7]
    print(character, "→", " ".join(hanzi.vocabulary[i] for i in near))
three, others = hanzi.encode("三")[0], hanzi.encode("二四五七八")
assert (unit[others] @ unit[three]).mean() > 0.2

# %% [markdown]
# Half a million characters and a few hundred steps are little for a thousand vectors: counting is ahead, and still it gains by listening a little to the network. The neighbours show what the network has begun to find: round 三 stand other numbers. Nobody told it what a number is; the vectors came to be so only because that helps to predict.

# %% [markdown] lang="zh"
# 一千个向量，只有五十万字、几百步，太少了：计数领先；不过多少听一点网络的意见，还能再省下一些。从邻居看得出，网络已经开始有所发现：“三”的近旁是别的数字。没有谁告诉过它什么是数字；向量之所以学成这样，只因为对预测有用。

# %% [markdown]
# ## Remove a part: the hidden layer
#
# Without the hidden layer, $z = xW + b$: cut $W$ into $n$ blocks, one for each place of the window, and the score is a sum, $z = b + \sum_j e_{s_{t-j}} W^{(j)}$. Every token of the window casts its own votes; no token can say "only if the one before me was…". Here is a source that punishes this, with two symbols: the next symbol is the *exclusive or* of the last two, 0 after equal ones and 1 after different ones, and in one case out of ten the opposite. Its entropy is $H(0.1) = 0.469$ bits.
#
# What is the best that a sum of votes can do? It needs a log-odds $\ell(a,b) = f(a) + g(b)$ that is negative after 00 and 11, positive after 01 and 10. But $\ell(0,0) + \ell(1,1) = \ell(0,1) + \ell(1,0)$, whatever $f$ and $g$ are: a negative number would equal a positive one. All four contexts are equally frequent and the loss is convex, so by symmetry the best is $\ell = 0$ everywhere: a full bit, as if it knew nothing.

# %% [markdown] lang="zh"
# ## 拿掉一个部件：隐藏层
#
# 没有隐藏层，就是 $z = xW + b$：把 $W$ 切成 $n$ 块，窗口的每个位置一块，分数就是一个和，$z = b + \sum_j e_{s_{t-j}} W^{(j)}$。窗口里的词元各投各的票，没有谁能说“除非我前面那个是……”。下面这个信源专治这种毛病。它只有两个符号：下一个符号是前两个的**异或**，前两个相同就是 0，不同就是 1，十次里有一次相反。它的熵是 $H(0.1) = 0.469$ 比特。
#
# 各投各票，最好能做到多少？它需要的对数几率 $\ell(a,b) = f(a) + g(b)$，要在 00 和 11 之后为负，在 01 和 10 之后为正。可是不管 $f$ 和 $g$ 是什么，总有 $\ell(0,0) + \ell(1,1) = \ell(0,1) + \ell(1,0)$，负数就得等于正数了。四种上下文一样常见，损失又是凸的，由对称性，最好的就是处处 $\ell = 0$：整整一比特，如同一无所知。

# %%
exclusive_or = Markov([[[0.9, 0.1], [0.1, 0.9]], [[0.1, 0.9], [0.9, 0.1]]])
toss = np.random.default_rng(6)
tosses = [exclusive_or.sample(length, toss) for length in (20_000, 2_000, 20_000)]
costs = {}
for name, units in (("with hidden layer", 16), ("without", None)):
    model_2 = trained(tosses[0], 2, units=units, steps=100, held=tosses[1], size=2)
    costs[name] = score(model_2, tosses[2]).bits_per_token
    print(f"{name:<18} {costs[name]:.2f} bits    entropy {exclusive_or.entropy_rate:.2f}")
assert abs(costs["without"] - 1) < 0.01
assert costs["with hidden layer"] < exclusive_or.entropy_rate + 0.02

# %% [markdown]
# With a hidden layer the problem is gone. One unit can't stand for "the two differ", for its sum $a_u$ is made of votes, too. But one can be high only after 01, another only after 10, and the scores add the two up. Real text is not made of exclusive ors. What do the parts cost there? We remove, one at a time: the hidden layer; the sharing of vectors between the places of the window (each place gets a table of its own, so a word learned at place 1 must be learned again at place 2); and places of the window.

# %% [markdown] lang="zh"
# 有了隐藏层，问题迎刃而解。单靠一个单元表示不了“这两个不一样”，它的和 $a_u$ 也是各投各票投出来的；但可以让一个单元只在 01 之后高，另一个只在 10 之后高，再由分数把两者加起来。真实文本当然不是异或堆成的。拿掉这些部件，在真实文本上要付多少？一次拿掉一样：隐藏层；窗口各位置之间共用的向量（每个位置各有一张表，在位置 1 学会的，到位置 2 得重学）；窗口里的位置。


# %%
class OwnTables(keras.Model):  # place j of the window looks its token up in table j
    def __init__(self, vocabulary_size, window, width, units):
        super().__init__()
        normal, rows = keras.initializers.RandomNormal(stddev=1.0), vocabulary_size + 1
        self.tables = [keras.layers.Embedding(rows, width, normal) for _ in range(window)]
        self.hidden = keras.layers.Dense(units, "tanh", kernel_initializer="lecun_normal")
        self.scores = keras.layers.Dense(vocabulary_size, kernel_initializer="zeros")

    def call(self, ids):
        T, before = ids.shape[1], len(self.tables) - 1
        ids = keras.ops.pad(ids, [[0, 0], [before, 0]], constant_values=self.scores.units)
        places = [table(ids[:, j : j + T]) for j, table in enumerate(self.tables)]
        return self.scores(self.hidden(keras.ops.concatenate(places, axis=-1)))


# %% tags=["nbval-ignore-output"]
without = {
    "whole, window 4": trained(ids["train"], 4),
    "no hidden layer": trained(ids["train"], 4, units=None),
    "own tables": trained(ids["train"], 4, kind=OwnTables),
    "window 2": trained(ids["train"], 2),
}
for name, one in without.items():
    bits = score(one, test[:50_000]).bits_per_token
    without[name] = bits
    print(f"{name:<16} {bits:.2f} bits per character")
assert without["no hidden layer"] > without["window 2"]
assert abs(without["own tables"] - without["whole, window 4"]) < 0.1
assert without["no hidden layer"] > without["whole, window 4"] + 0.3
assert without["window 2"] > without["whole, window 4"] + 0.1

# %% [markdown]
# The hidden layer is worth most: without it, a window of four is worse than a window of two with it. Own tables change little here: 68 characters are seen often enough at every place to be learned there anew.

# %% [markdown] lang="zh"
# 隐藏层最值钱：没有它，窗口为四还不如有它的窗口为二。各用各的表，在这里差别不大：总共 68 个字符，在每个位置都出现得够多，重学一遍也学得会。

# %% [markdown]
# ## The row in the lineage table
#
# Above we trained for seconds. The lineage table gives every learned model 120 seconds and three seeds on the whole training text, and every one of the characters. The best stands last, so whatever stands below the arrow predicts better than the network of this lesson; the number after ± is the spread over the seeds, largest minus smallest.

# %% [markdown] lang="zh"
# ## 谱系表里的一行
#
# 前面的训练都只有几秒。谱系表给每个学习型模型 120 秒、三个随机种子，用全部训练文本和全部字符。最好的排在最后，所以排在箭头以下的，都比本课的网络预测得好；± 后面的数，是各个种子中最大与最小之差。

# %%
from lmcourse.evaluation import lineage

for corpus, beaten in (("shakespeare", [2, 3, 4]), ("sanguo", [2])):
    print(corpus)
    for row in lineage.table(corpus):
        if row["lesson"] in ("03", "06") or "Kneser" in row["model"]:
            spread = "" if row["spread"] is None else f" ± {row['spread']:.3f}"
            mark = "→" if row["lesson"] == "06" else " "
            cost = f"{row['bits_per_character']:.3f}{spread}"
            print(f"{mark} {row['model']:<27} {cost:<14} {row['parameters']:>9,} parameters")
    rows = {row["model"]: row for row in lineage.table(corpus)}
    ours, counted = rows["window MLP"], "modified Kneser–Ney {}-gram"
    orders = {n: rows[counted.format(n)]["bits_per_character"] for n in range(2, 7)}
    assert [n for n in orders if ours["bits_per_character"] < orders[n]] == beaten
assert orders[2] - ours["bits_per_character"] < ours["spread"]  # on sanguo: level

# %% [markdown]
# On Shakespeare, the window network beats counting of orders 2, 3 and 4; orders 5 and 6 beat it. On the novel, with its thousands of characters and little text for each, it is level with order 2 (what lies between them is less than the spread over the seeds), and orders 3 to 6 are ahead. The assertions at the end of the cell read this from the table.

# %% [markdown] lang="zh"
# 在莎士比亚上，窗口网络胜过 2、3、4 阶的计数，输给 5 阶和 6 阶。《三国演义》有几千个不同的字，每个字分到的文本很少：它和 2 阶打成平手（相差还不到种子之间的极差），从 3 阶到 6 阶，计数全都领先。这些话由那一格末尾的断言对着表格核实。

# %% [markdown]
# ## Try it
#
# 1. *Easy.* Our Shakespeare model has a window of 5, width 16 and 256 units. How many parameters more does a window of 10 need? Work it out before you let `count_params()` tell you. By what factor would a table grow?
#
# <details><summary>Hint</summary>Only one of the five arrays knows how long the window is.</details>
#
# 2. *Medium.* For the words we averaged network and counting half and half. Choose the share of the network on the validation plays instead, in steps of 0.1, and then look at the test plays once. What does the choice change against half and half? Can a mixture ever be worse than *both* of its parts?
#
# <details><summary>Hint</summary>Average probabilities, not bits, as `mixtures` does for the novel: 2 to the power of −b, mix, and −log₂ of the result. For the last question, compare with the average of the bits.</details>
#
# 3. *Hard.* The paper of 2003 had one part that we left out: **direct connections**, a second way from $x$ to the scores around the hidden layer, $z = h W_2 + x W_3 + b_2$. Derive $\bar W_3$ and the new $\bar x$ on paper, build the model, and measure whether it helps on Shakespeare with a window of 4 and 200 steps.
#
# <details><summary>Hint</summary>A subclass of `WindowMLP` with one more `Dense` layer and its own `call`. Start W₃ at zero, like W₂. Where two paths meet, gradients add.</details>

# %% [markdown] lang="zh"
# ## 试一试
#
# 1. **容易。** 我们读莎士比亚的模型，窗口为 5，宽度 16，单元 256 个。窗口换成 10，要增加多少参数？先自己算出来，再让 `count_params()` 告诉你。若是表格，又会大多少倍？
#
# <details><summary>提示</summary>五个数组里，只有一个知道窗口有多长。</details>
#
# 2. **中等。** 以词为单位时，我们把网络和计数各取一半。改为在验证集的剧本上挑选网络所占的份额，以 0.1 为一档，然后只看一次测试集的剧本。与各取一半相比，差多少？混合会不会比**两者**都差？
#
# <details><summary>提示</summary>平均的是概率，不是比特数，就像读《三国》时的 `mixtures` 那样：换回概率，即 2 的 −b 次方，加权平均，再取 −log₂。最后一问，拿比特数的平均来比。</details>
#
# 3. **较难。** 2003 年的论文里有一个部件我们没用：**直连**，即从 $x$ 绕过隐藏层、直接通到分数的第二条路，$z = h W_2 + x W_3 + b_2$。先在纸上推出 $\bar W_3$ 和新的 $\bar x$，再把模型搭出来，用莎士比亚、窗口 4、200 步，量一量有没有帮助。
#
# <details><summary>提示</summary>写 `WindowMLP` 的一个子类，多一个 `Dense` 层，`call` 自己写。W₃ 和 W₂ 一样从零开始。两条路汇合之处，梯度相加。</details>

# %% [markdown]
# ## Worked answers
#
# **1.** Only $W_1$ has the shape $(n\cdot D, U)$. Five more places are $5\cdot 16\cdot 256 = 20{,}480$ numbers more. A table would grow by a factor of $68^5$, about 1.5 billion.

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** 只有 $W_1$ 的形状是 $(n\cdot D, U)$。多五个位置，就多 $5\cdot 16\cdot 256 = 20{,}480$ 个数。表格则要大 $68^5$ 倍，约 15 亿倍。

# %%
sizes_of = [WindowMLP(V, window, 16, 256).count_params() for window in (5, 10)]
print(f"{sizes_of[0]:,} → {sizes_of[1]:,}: {sizes_of[1] - sizes_of[0]:,} more;  68⁵ = {68**5:,}")
assert sizes_of[1] - sizes_of[0] == 5 * 16 * 256 == 20_480
assert 1.4e9 < 68**5 < 1.5e9

# %% [markdown]
# **2.** The best share lies near the middle, for the two are about equally good, and there the choice hardly matters: against half and half it changes next to nothing. A mixture is never worse than both, since $-\log$ is convex: the bits of the average probability are at most the average of the bits, and that lies between the two.

# %% [markdown] lang="zh"
# **2.** 两者的本领差不多，最好的份额就在中间一带；在那里挑哪一档都差不多，与各取一半几乎没有差别。混合决不会比两者都差，因为 $-\log$ 是凸的：平均概率的比特数，不超过比特数的平均，而这个平均就在两者之间。

# %% tags=["nbval-ignore-output"]
word_counts = ModifiedKneserNey.train(by_word["train"], order=4, vocabulary_size=1000)
on_validation = mixtures(word_counts, network, by_word["validation"][:20_000], tenths)
best = int(np.argmin(on_validation))
on_new = mixtures(word_counts, network, new, tenths)
print(f"share of the network {tenths[best]:.1f}")
print(f"test: mixture {on_new[best]:.2f}, half and half {on_new[5]:.2f}, ", end="")
print(f"counting {on_new[0]:.2f}, network {on_new[-1]:.2f}")
assert 0 < best < 10 and on_new[best] < min(on_new[0], on_new[-1])
assert abs(on_new[best] - on_new[5]) < 0.05

# %% [markdown]
# **3.** $x$ now has two ways to the loss, so its slopes add up: $\bar x = \bar a W_1^\top + \bar z W_3^\top$, and $\bar W_3 = x^\top \bar z$ by the rule for dense lines. The direct way is the sum of votes that we had without a hidden layer. It can take over what each character says on its own and leave the rest to the hidden layer.

# %% [markdown] lang="zh"
# **3.** $x$ 现在有两条路通向损失，斜率相加：$\bar x = \bar a W_1^\top + \bar z W_3^\top$；由全连接的规则，$\bar W_3 = x^\top \bar z$。直连就是没有隐藏层时的“各投各票”。单个字符自己说得清的，可以由它承担，其余的留给隐藏层。


# %%
class Direct(WindowMLP):  # Bengio et al. (2003), with their optional connections
    def __init__(self, vocabulary_size, window, width, units, **kwargs):
        super().__init__(vocabulary_size, window, width, units, **kwargs)
        self.votes = keras.layers.Dense(vocabulary_size, kernel_initializer="zeros", use_bias=False)
        self.votes.build((None, window * width))

    def call(self, ids):
        x = self.join(ids)
        return self.scores(self.hidden(x)) + self.votes(x)


# %% tags=["nbval-ignore-output"]
direct = score(trained(ids["train"], 4, kind=Direct), test[:50_000]).bits_per_token
print(f"with direct connections {direct:.2f}, without {without['whole, window 4']:.2f} bits")
assert abs(direct - without["whole, window 4"]) < 0.15

# %% [markdown]
# The difference is small in either direction, as it was in the paper, which found that the connections sped up training and did not lower the final cost.
#
# ## What we know now
#
# - Vectors side by side, one hidden layer, softmax: a network that looks back $n$ tokens with a number of parameters that grows with $n$, not with $V^n$.
# - Backpropagation is the chain rule, line by line from the end. A dense line, an activation and a lookup each have one small rule; where paths meet, slopes add.
# - A start has to fit: first loss $\ln V$, weights scaled by the fan-in. Saturated units learn slowly, dead ones not at all.
# - The network wins where tokens resemble one another and where the exact context was never read. Counting wins where exact contexts come back. Together they are better than either.
# - Without a hidden layer, tokens only vote; what one token says can't depend on another.
#
# ## What it still can't do
#
# It sees $n$ tokens and nothing before them, and we computed that no training makes up for a window that is too short. A longer window means a larger $W_1$, and what is learned about a word at one place has to be learned again at the next, because every place has its own block of $W_1$. What we would like is a network that reads *one* token at a time, with the same weights at every step, and remembers. That is lesson 07.
#
# ## References
#
# - D. E. Rumelhart, G. E. Hinton, R. J. Williams, *Learning Representations by Back-propagating Errors* (1986).
# - Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, *Efficient BackProp* (1998): scaling by the fan-in.
# - Y. Bengio, R. Ducharme, P. Vincent, C. Jauvin, *A Neural Probabilistic Language Model* (2003).
# - X. Glorot, Y. Bengio, *Understanding the Difficulty of Training Deep Feedforward Neural Networks* (2010).
# - V. Nair, G. E. Hinton, *Rectified Linear Units Improve Restricted Boltzmann Machines* (2010).

# %% [markdown] lang="zh"
# 差别很小，可正可负；论文里也是如此：作者发现直连能加快训练，却不能降低最后的代价。
#
# ## 现在我们知道
#
# - 向量并排，一个隐藏层，softmax：这样的网络回看 $n$ 个词元，参数随 $n$ 增长，不随 $V^n$ 增长。
# - 反向传播就是链式法则，从末端逐行往回走。全连接、激活函数、查表，各有一条小规则；几条路汇合之处，斜率相加。
# - 起点要合适：第一次损失是 $\ln V$，权重按扇入缩放。饱和的单元学得慢，死掉的单元根本不学。
# - 词元彼此相像、上下文从没读过的地方，网络赢；同样的上下文反复出现的地方，计数赢。两者合起来，比哪个都好。
# - 没有隐藏层，词元只能各投各票，一个怎么说，不能随另一个而变。
#
# ## 它还做不到
#
# 它看得见 $n$ 个词元，更早的一概看不见；我们算过，窗口太短，怎么训练也补不回来。窗口加长，$W_1$ 就变大；而且一个词在某个位置上学到的，换个位置得重学，因为每个位置在 $W_1$ 里各有一块。我们想要的网络，是每次只读**一个**词元，每一步都用同一组权重，并且记得住。那是第 07 课。
#
# ## 参考文献
#
# - D. E. Rumelhart, G. E. Hinton, R. J. Williams, *Learning Representations by Back-propagating Errors* (1986)。
# - Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, *Efficient BackProp* (1998)：按扇入缩放。
# - Y. Bengio, R. Ducharme, P. Vincent, C. Jauvin, *A Neural Probabilistic Language Model* (2003)。
# - X. Glorot, Y. Bengio, *Understanding the Difficulty of Training Deep Feedforward Neural Networks* (2010)。
# - V. Nair, G. E. Hinton, *Rectified Linear Units Improve Restricted Boltzmann Machines* (2010)。
