# %% [markdown]
# # 07 · Recurrent networks
# **Prerequisites:** [03 · Softmax](03_softmax.ipynb), [06 · The window network](06_mlp.ipynb), the chain rule of calculus, matrix products · **Minutes:** 70 · **Modules:** `reference/rnn.py`, `layers/recurrent.py`, `models/rnn.py`, `training/streams.py` · **Previous:** [06 · The window network](06_mlp.ipynb) · **Next:** [08 · LSTM](08_lstm.ipynb)
#
# Every model so far looks through a window. The 5-gram sees four tokens back, the network of lesson 06 sees as many as its first matrix has room for. What stands one place further to the left does not exist. Make the window longer and the matrix grows with it.
#
# You don't read like that. You read one word after another, and what you have read changes *you*: when the next word arrives, you meet it as a reader who has read all of it. Your head stays the same size.
#
# **Question: can a network read a text of any length with a memory of fixed size, and can it learn by itself what to keep?**
#
# The first half gets a yes within ten cells. The second half is harder than it looks, and we will measure how hard.

# %% [markdown] lang="zh"
# # 07 · 循环神经网络
# **先修：** [03 · Softmax](03_softmax.ipynb)、[06 · 窗口网络](06_mlp.ipynb)、求导的链式法则、矩阵乘法 · **用时：** 70 分钟 · **模块：** `reference/rnn.py`、`layers/recurrent.py`、`models/rnn.py`、`training/streams.py` · **上一课：** [06 · 窗口网络](06_mlp.ipynb) · **下一课：** [08 · LSTM](08_lstm.ipynb)
#
# 到现在为止，每个模型都隔着一扇窗看文本。五元语法往回看四个词元，第 06 课的网络能看多远，取决于第一个矩阵装得下几个。再往左一格，就等于不存在。窗口要加长，矩阵也得跟着变大。
#
# 人可不是这样读书的。你一个词一个词地读，读过的东西改变了**你**：下一个词到来时，迎接它的是读过全部前文的你，而你的脑袋并没有变大。
#
# **问题：一个网络能不能用固定大小的记忆，读任意长的文本？它能不能自己学会该记住什么？**
#
# 前半个问题，十格之内就能答“能”。后半个问题比看上去难，到底有多难，我们来量。

# %%
import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation.probability import nats_to_bits, score
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.reference.rnn import rnn, rnn_backward
from lmcourse.reference.softmax import cross_entropy, cross_entropy_gradient, log_softmax, softmax

rng = setup(seed=0)

# %% [markdown]
# ## A state that is handed on
#
# The network keeps $U$ numbers, the **hidden state** $h$. It starts at zero. At each step it mixes two things, the token that arrives and the state it is in, and the mixture is the new state:
#
# $$h_t = \tanh(x_t W + h_{t-1} R + b)$$
#
# $x_t$ is the vector of the token, $W$ the weights of the input, $R$ the **recurrent weights**, $b$ a bias. The same $W$, $R$ and $b$ serve at every step; only $h$ changes. A network that feeds its own state back into itself in this way is a **recurrent neural network**, an **RNN**. The squashing function $\tanh$ keeps every number of the state between −1 and 1, however long the text.
#
# Let it read `a b a`. The tokens are one-hot vectors, so $x_t W$ picks a row of $W$ (lesson 05: an embedding is a row of a matrix). Two units, numbers that one can follow with a pocket calculator.
#
# Predict: it reads `a` at the first step and `a` again at the third. Will $h_3$ equal $h_1$?

# %% [markdown] lang="zh"
# ## 一棒接一棒的状态
#
# 网络随身带着 $U$ 个数，叫作**隐状态** $h$，从零开始。每一步，它把两样东西混合起来：刚到的词元，和自己此刻的状态。混合的结果就是新的状态：
#
# $$h_t = \tanh(x_t W + h_{t-1} R + b)$$
#
# $x_t$ 是词元的向量，$W$ 是输入的权重，$R$ 是**循环权重**，$b$ 是偏置。每一步用的都是同一套 $W$、$R$、$b$，变的只有 $h$。像这样把自己的状态再喂给自己的网络，就是**循环神经网络**（**RNN**）。$\tanh$ 负责压缩，文本再长，状态里的每个数也总在 −1 与 1 之间。
#
# 让它读 `a b a`。词元是独热向量，所以 $x_t W$ 就是从 $W$ 里挑一行（第 05 课：嵌入就是矩阵的一行）。只有两个单元，用计算器就能跟着算。
#
# 先猜一猜：第一步读到 `a`，第三步又读到 `a`。$h_3$ 会等于 $h_1$ 吗？

# %%
predict("h₃ = h₁", "h₃ ≠ h₁")

# %%
letters = "abc"
W = np.array([[0.8, -0.4], [-0.6, 0.9], [0.2, 0.5]])  # a row for a, b, c
R = np.array([[0.5, -1.2], [1.5, 0.6]])
b = np.array([0.1, 0.0])
h, states = np.zeros(2), []
for token in "aba":
    from_input, from_state = W[letters.index(token)], h @ R
    a = from_input + from_state + b
    h = np.tanh(a)
    states.append(h)
    print(
        f"{token}   input {from_input}   state {from_state.round(3)}   sum {a.round(3)}   h {h.round(3)}"
    )
assert_allclose(states[0], np.tanh([0.9, -0.4]))
assert_allclose(states[1], np.tanh(np.array([-0.5, 0.9]) + states[0] @ R))
assert abs(states[2] - states[0]).max() > 0.3

# %% [markdown]
# Not equal. At the first step the state brings nothing; at the third it brings what `a` and `b` have left. A bigram can't tell the first `a` from the second. This network can: the token says *what*, the state says *after what*.
#
# Scores for the next token come from the state, as in lesson 03, by one vector for each word: $z_t = h_t E + c$, where $E$ has a column for each word and $c$ a bias for each. The text is `abac`. So after the first `a` comes `b`, and after the second comes `c`:

# %% [markdown] lang="zh"
# 不相等。第一步，状态什么也没带来；第三步，它带来了 `a` 和 `b` 留下的痕迹。二元语法分不清这两个 `a`，这个网络分得清：词元说的是“来了什么”，状态说的是“在什么之后来的”。
#
# 和第 03 课一样，下一个词元的分数由状态算出，每个词一个向量：$z_t = h_t E + c$，$E$ 每个词一列，$c$ 每个词一个偏置。文本是 `abac`：第一个 `a` 后面是 `b`，第二个 `a` 后面却是 `c`：

# %%
E = np.array([[0.4, 0.6, -0.9], [0.7, -0.5, 0.3]])  # a column for a, b, c
c = np.zeros(3)
logits = np.array(states) @ E + c
targets = np.array([1, 0, 2])  # b, a, c
for token, after, z in zip("aba", "bac", logits, strict=True):
    p = softmax(z)
    print(f"after {token}: p = {p.round(3)}   truth {after}: {p[letters.index(after)]:.3f}")
print("loss", round(cross_entropy(logits, targets), 4), "nats")
assert abs(softmax(logits[0]) - softmax(logits[2])).max() > 0.05

# %% [markdown]
# The same two lines, written once for a batch of $B$ sequences, are the function of the package. Axes: $B$ sequences, $T$ steps, $D$ numbers in an input vector, $U$ units. (Leave the mask aside until its own section.)

# %% [markdown] lang="zh"
# 同样的两行，为一批 $B$ 个序列写一遍，就是程序包里的函数。各轴：$B$ 个序列，$T$ 步，输入向量有 $D$ 个数，$U$ 个单元。（里面的掩码先放一放，后面有专门一节。）

# %%
show_source(rnn)

# %%
x = np.eye(3)[[0, 1, 0]][None]  # (1, 3, 3): a b a, one-hot
h_0 = np.zeros((1, 2))
outputs, cache = rnn(x, h_0, W, R, b)
print("outputs", outputs.shape)
print(outputs[0].round(3))
assert_allclose(outputs[0], states, atol=1e-15)

# %% [markdown]
# ## Unrolled
#
# A loop is awkward to draw. Lay the steps side by side and it becomes an ordinary network, as deep as the text is long, in which every layer has *the same* weights. This picture is called the **unrolled** network.

# %% [markdown] lang="zh"
# ## 展开
#
# 循环不好画。把各步并排摆开，它就成了一个普通的网络：文本有多长，它就有多深，而每一层用的都是**同一套**权重。这样的画法叫**展开**。


# %%
def arrow(axes, start, end, name, offset, color=plots.GREY):
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": color})
    axes.text(*(np.add(start, end) / 2 + offset), name, color=color, ha="center", va="center")


figure, axes = plt.subplots(figsize=(6.4, 2.6))
for t, (token, after) in enumerate(zip("aba", "bac", strict=True), 1):
    for height, name in ((0, f"$x_{t}$: {token}"), (1, f"$h_{t}$"), (2, f"$z_{t}$ → {after}")):
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": plots.BLUE}
        axes.text(t, height, name, ha="center", va="center", bbox=box)
    arrow(axes, (t, 0.2), (t, 0.8), "$W$", (0.07, 0))
    arrow(axes, (t, 1.2), (t, 1.8), "$E$", (0.07, 0))
    arrow(axes, (t - 0.85, 1), (t - 0.13, 1), "$R$", (0, 0.16), plots.RED)
axes.text(0.1, 1, "$h_0$ = 0", ha="right", va="center")
axes.set(xlim=(-0.35, 3.4), ylim=(-0.3, 2.3))
axes.axis("off")
plt.show()

# %% [markdown]
# **Figure.** The network unrolled over three steps, time from left to right. In each column the token goes up into the hidden state through the weights W, and the state goes up into the scores through E. From column to column, red arrows hand the state on through R. All three red arrows carry the same R.

# %% [markdown] lang="zh"
# **图.** 把网络展开成三步，时间从左到右。每一列里，词元经过权重 W 向上进入隐状态，隐状态再经过 E 向上变成分数。列与列之间，红色箭头经过 R 把状态传下去。三个红色箭头用的是同一个 R。

# %% [markdown]
# How many numbers does it take to look $n$ tokens back? Vectors of 64 numbers, 128 units, 67 characters, and the window network of lesson 06 beside it:

# %% [markdown] lang="zh"
# 往回看 $n$ 个词元要多少个数？取 64 个数的向量、128 个单元、67 种字符，旁边放上第 06 课的窗口网络：

# %%
V, D, U = 67, 64, 128
for n in (1, 8, 64, 512):
    window = V * D + n * D * U + U + U * V + V
    recurrent = V * D + D * U + U * U + U + U * V + V
    print(f"{n:>4} back   window {window:>10,}   recurrent {recurrent:>7,}")

# %% [markdown]
# The right column doesn't move. A hidden state has no window. Whether it *uses* its reach is another matter.
#
# ## The layer
#
# Keras calls it `SimpleRNN`; the course has its own, `RNN`, which gives the last state back as a value. Both have three arrays of weights of the shapes above, so we copy ours in and compare:

# %% [markdown] lang="zh"
# 右边一列纹丝不动：隐状态没有窗口。至于这么长的手臂它**用不用得上**，那是另一回事。
#
# ## 层
#
# Keras 里它叫 `SimpleRNN`；本课程有自己的 `RNN`，会把最后的状态当作一个值交还给你。两者都有三个权重数组，形状同上，我们把自己的权重抄进去比一比：

# %%
import keras
import tensorflow as tf
from keras import ops

from lmcourse.layers.recurrent import RNN

show_source(RNN.step)
x_8 = rng.normal(size=(4, 9, 3))  # B, T, D = 4, 9, 3
h_8 = rng.normal(size=(4, 2))
ours = RNN(2, dtype="float64")
theirs = keras.layers.SimpleRNN(2, return_sequences=True, dtype="float64")
for layer in (ours, theirs):
    layer.build((None, None, 3))
    layer.set_weights([W, R, b])
from_ours, (last,) = ours(x_8, state=(h_8,))
from_theirs = theirs(x_8, initial_state=h_8)
assert_allclose(ops.convert_to_numpy(from_ours), rnn(x_8, h_8, W, R, b)[0], atol=1e-12)
assert_allclose(ops.convert_to_numpy(from_theirs), rnn(x_8, h_8, W, R, b)[0], atol=1e-12)
print("NumPy, the layer of the course and the layer of Keras agree; last state", last.shape)

# %% [markdown]
# Layers can be stacked: the outputs of the first are the inputs of the second, step by step. The second reads a text whose "tokens" are the first one's states. Each layer has its own memory:

# %% [markdown] lang="zh"
# 层可以一层摞一层：第一层的输出，一步一步地当作第二层的输入。第二层读的也是一段“文本”，只不过“词元”是第一层的状态。每一层各有各的记忆：

# %%
W_2, R_2, b_2 = rng.normal(size=(2, 4)), rng.normal(size=(4, 4)), rng.normal(size=4)
lower, _ = rnn(x_8, h_8, W, R, b)
upper, _ = rnn(lower, np.zeros((4, 4)), W_2, R_2, b_2)
second = keras.layers.SimpleRNN(4, return_sequences=True, dtype="float64")
second.build((None, None, 2))
second.set_weights([W_2, R_2, b_2])
assert_allclose(ops.convert_to_numpy(second(from_theirs)), upper, atol=1e-12)
print("lower", lower.shape, "  upper", upper.shape)

# %% [markdown]
# And the state can be carried. Read four steps, put the state aside, read the other five from there: nothing has been lost. This is how a model can write for hours, and how training can go through a whole book in pieces.

# %% [markdown] lang="zh"
# 状态还可以带着走。读四步，把状态收好，再从那里读完剩下的五步：什么也没丢。靠着它，模型能连写几个小时，训练也能把一整本书分段读完。

# %%
whole, _ = rnn(x_8, h_8, W, R, b)
first_half, carried = rnn(x_8[:, :4], h_8, W, R, b)
second_half, _ = rnn(x_8[:, 4:], carried["hidden"][:, -1], W, R, b)
assert_allclose(np.concatenate([first_half, second_half], axis=1), whole)
forgetful, _ = rnn(x_8[:, 4:], np.zeros((4, 2)), W, R, b)
print("largest difference, state carried", abs(second_half - whole[:, 4:]).max().round(3))
print("largest difference, state dropped", abs(forgetful - whole[:, 4:]).max().round(3))

# %% [markdown]
# ## One unit: to fade or to hold
#
# What does $R$ decide? Take a single unit without bias. At step 1 a strong signal comes in, and from then on nothing: $h_t = \tanh(R\,h_{t-1})$. How long will the unit remember? Predict for $R=0.5$ and for $R=2$.

# %% [markdown] lang="zh"
# ## 一个单元：淡忘还是记牢
#
# $R$ 决定了什么？只取一个单元，不要偏置。第 1 步来一个强信号，此后什么也不来：$h_t = \tanh(R\,h_{t-1})$。这个单元能记多久？对 $R=0.5$ 和 $R=2$ 各猜一猜。

# %%
predict("R = 0.5, R = 2")


# %%
def remember(R, steps=30, start=2.0):
    signal = np.zeros((1, steps, 1))
    signal[0, 0] = start
    return rnn(signal, [[0.0]], [[1.0]], [[R]], [0.0])[0][0, :, 0]


def draw(axes, R):
    for start, color in ((2.0, plots.BLUE), (-2.0, plots.RED)):
        axes.plot(np.arange(1, 31), remember(R, start=start), marker=".", color=color)
    axes.set(ylim=(-1.05, 1.05), xlabel="step", ylabel="hidden state")


explore(draw, R=[0, 0.5, 0.9, 1.0, 1.1, 2.0])
assert abs(remember(0.9)[-1]) < 0.1 and remember(2.0)[-1] > 0.9

# %% [markdown]
# **Figure.** The hidden state of one unit over thirty steps after a positive signal (blue) and a negative one (red) at step 1, for six recurrent weights. At R = 0 it is gone at once; at 0.5 within ten steps; at 0.9 it is nearly gone after thirty; at 1.0 it fades more slowly still. Above 1 the two curves stay apart: near ±0.5 at 1.1, beyond ±0.9 at 2.

# %% [markdown] lang="zh"
# **图.** 第 1 步给一个正信号（蓝）或负信号（红）之后，一个单元的隐状态在三十步里的变化，共六种循环权重。R = 0 时立刻消失；0.5 时不出十步；0.9 时过三十步也快没了；1.0 时淡得更慢。大于 1 以后，两条曲线始终分开：1.1 时停在 ±0.5 附近，2 时停在 ±0.9 以外。

# %% [markdown]
# From 0 to 1 the unit forgets; above 1 it is a switch that stays where it was put. A recurrent network *can* remember forever. It has only to learn the right $R$. Keep this figure in mind: we will come back and find the catch.
#
# ## Back through time, by hand
#
# How does it learn $R$? With the gradient, as always. Look at the unrolled picture: the loss of `abac` is a sum over three steps, and $R$ acts at every one of them. **Backpropagation through time** (BPTT) is the chain rule of calculus on that picture, from right to left. There is nothing else to it.
#
# Write $a_t = x_t W + h_{t-1}R + b$ for the sum before the squashing, so $h_t=\tanh(a_t)$, and write $\delta v$ for $\partial L/\partial v$, the slope of the loss along $v$. With $T$ predictions, lesson 03 gives the start: $\delta z_t = (p_t - y_t)/T$.
#
# 1. The state $h_t$ touches the loss in two ways: through its own scores, $z_t = h_tE + c$, and through the next sum, $a_{t+1} = \dots + h_tR + \dots$. Slopes of several ways add up:
# $$\delta h_t = \delta z_t\,E^\top + \delta a_{t+1}\,R^\top \qquad (\delta a_{T+1} = 0)$$
# 2. The squashing has the slope $\tanh'(a) = 1-\tanh^2(a)$, unit by unit:
# $$\delta a_t = \delta h_t \odot (1 - h_t^2)$$
# 3. In $a_t$ the entry $R_{ij}$ multiplies unit $i$ of $h_{t-1}$ and lands in unit $j$. So *every* step adds a term $(h_{t-1})_i(\delta a_t)_j$ to its slope:
# $$\delta R = \sum_t h_{t-1}^\top\,\delta a_t, \qquad \delta W = \sum_t x_t^\top\,\delta a_t, \qquad \delta b = \sum_t \delta a_t$$
#
# Now with numbers, from the last step to the first:

# %% [markdown] lang="zh"
# 从 0 到 1，单元会忘；大于 1，它就是个开关，拨到哪边就停在哪边。可见循环网络**能**永远记住，只要学会合适的 $R$。请记住这张图，后面还要回来找隐患。
#
# ## 沿时间往回走，动手算
#
# 它怎样学会 $R$？老办法，靠梯度。看展开图：`abac` 的损失是三步之和，而 $R$ 每一步都插了手。**沿时间的反向传播**（BPTT）就是在这张图上从右往左使用求导的链式法则，除此之外没有别的。
#
# 记压缩之前的和为 $a_t = x_t W + h_{t-1}R + b$，于是 $h_t=\tanh(a_t)$；把损失沿 $v$ 的斜率 $\partial L/\partial v$ 记作 $\delta v$。共 $T$ 次预测，起点由第 03 课给出：$\delta z_t = (p_t - y_t)/T$。
#
# 1. 状态 $h_t$ 从两条路影响损失：一条是自己的分数 $z_t = h_tE + c$，一条是下一步的和 $a_{t+1} = \dots + h_tR + \dots$。几条路的斜率相加：
# $$\delta h_t = \delta z_t\,E^\top + \delta a_{t+1}\,R^\top \qquad (\delta a_{T+1} = 0)$$
# 2. 压缩函数的斜率是 $\tanh'(a) = 1-\tanh^2(a)$，逐个单元相乘：
# $$\delta a_t = \delta h_t \odot (1 - h_t^2)$$
# 3. 在 $a_t$ 里，$R_{ij}$ 乘的是 $h_{t-1}$ 的第 $i$ 个单元，结果落在第 $j$ 个单元。所以**每一步**都记它一笔 $(h_{t-1})_i(\delta a_t)_j$，各步相加：
# $$\delta R = \sum_t h_{t-1}^\top\,\delta a_t, \qquad \delta W = \sum_t x_t^\top\,\delta a_t, \qquad \delta b = \sum_t \delta a_t$$
#
# 代入数字，从最后一步走到第一步：

# %%
hidden = np.array([np.zeros(2), *states])  # h_0 ... h_3
d_z = cross_entropy_gradient(logits, targets)  # (p - y) / T
d_a_next, terms = np.zeros(2), {}
for t in (3, 2, 1):
    now, later = d_z[t - 1] @ E.T, d_a_next @ R.T
    d_h = now + later
    d_a = d_h * (1 - hidden[t] ** 2)
    terms[t] = np.outer(hidden[t - 1], d_a)  # the term of step t
    print(
        f"t={t}  now {now.round(3)}  later {later.round(3)}  δh {d_h.round(3)}  δa {d_a.round(3)}"
    )
    d_a_next = d_a
d_R = sum(terms.values())
print("δR", d_R.round(4).tolist())

# %% [markdown]
# Is every *single* term right, and not merely the sum? Give each step its own copy of $R$. The loss is then a function of three matrices $R_1, R_2, R_3$; the slope along $R_t$ must be the term of step $t$. Finite differences (lesson 03), one copy at a time:

# %% [markdown] lang="zh"
# 光是总和对了还不够，**每一项**都对吗？给每一步配一份自己的 $R$：损失就成了 $R_1, R_2, R_3$ 三个矩阵的函数，沿 $R_t$ 的斜率必须等于第 $t$ 步那一项。用有限差分（第 03 课），一份一份地量：


# %%
def loss_of(copies):
    h, total = np.zeros(2), 0.0
    for token, own_R, target in zip("aba", copies, targets, strict=True):
        h = np.tanh(W[letters.index(token)] + h @ own_R + b)
        total += cross_entropy([h @ E + c], [target]) / 3
    return total


step = 1e-6
for t in (1, 2, 3):
    measured = np.zeros((2, 2))
    for place in np.ndindex(2, 2):
        for sign in (1, -1):
            copies = np.stack([R, R, R])
            copies[t - 1][place] += sign * step
            measured[place] += sign * loss_of(copies) / (2 * step)
    hand, found = terms[t].round(3) + 0.0, measured.round(3) + 0.0  # + 0.0: no minus before zero
    print(f"step {t}: by hand {hand.tolist()}  measured {found.tolist()}")
    assert_allclose(terms[t], measured, atol=1e-8)

# %% [markdown]
# The term of step 1 is zero, since $h_0 = 0$. The function of the package does the same for whole batches, and so does TensorFlow's tape:

# %% [markdown] lang="zh"
# 第 1 步那一项是零，因为 $h_0 = 0$。程序包里的函数对整批数据做同样的事，TensorFlow 的“磁带”也一样：

# %%
show_source(rnn_backward)

# %%
d_x, d_h0, d_W, d_R_package, d_b = rnn_backward((d_z @ E.T)[None], cache)
assert_allclose(d_R_package, d_R, atol=1e-15)
weights = [tf.Variable(w) for w in (W, R, b)]
with tf.GradientTape() as tape:
    h, losses = tf.zeros((1, 2), tf.float64), []
    for t in range(3):
        h = tf.tanh(x[:, t] @ weights[0] + h @ weights[1] + weights[2])
        z_t, y_t = h @ E + c, targets[t : t + 1]
        losses.append(tf.nn.sparse_softmax_cross_entropy_with_logits(y_t, z_t))
    loss = tf.reduce_mean(losses)
for ours_, tape_ in zip((d_W, d_R_package, d_b), tape.gradient(loss, weights), strict=True):
    assert_allclose(ours_, tape_.numpy(), atol=1e-12)
print("hand, package and tape agree: δb =", d_b.round(4))

# %% [markdown]
# One step downhill with the hand-made gradient, and the text becomes more probable. A thousand, and `c` after the second `a` is no longer a surprise:

# %% [markdown] lang="zh"
# 拿手算的梯度下坡走一步，文本就变得更可能了；走一千步，第二个 `a` 后面的 `c` 就不再出人意料：

# %%
learned = [w.copy() for w in (W, R, b, E, c)]
for number in range(1001):
    outputs, cache_now = rnn(x, h_0, *learned[:3])
    z = outputs[0] @ learned[3] + learned[4]
    d_z = cross_entropy_gradient(z, targets)
    slopes = [
        *rnn_backward((d_z @ learned[3].T)[None], cache_now)[2:],
        outputs[0].T @ d_z,
        d_z.sum(0),
    ]
    if number in (0, 1, 10, 100, 1000):
        print(
            f"step {number:>4}  loss {cross_entropy(z, targets):.4f}  P(c | aba) {softmax(z)[2, 2]:.3f}"
        )
    learned = [w - 1.0 * slope for w, slope in zip(learned, slopes, strict=True)]
assert cross_entropy(z, targets) < 0.01

# %% [markdown]
# ## Cutting it short
#
# A book has half a million steps. Nobody walks back through all of them for one update: the weights would move once per reading of the book, and all the states on the way would have to be kept until then. So one cuts: read a piece of $T$ steps, walk back through these, and go on. What happens at the cut?
#
# The state crosses it forwards, that costs nothing. The slope could cross it backwards: what the second piece says about its starting state, $\delta h$, is added at the last step of the first. With that, two pieces give exactly the gradient of the whole. **Truncated BPTT** leaves this term out:

# %% [markdown] lang="zh"
# ## 截断
#
# 一本书有几十万步。没有谁会一路走回去，只为更新一次：那样读完一遍书，权重才动一下，沿途的状态还得全部留着。于是只好剪断：读一段 $T$ 步，在这一段里往回走，然后接着读。剪口处会怎样？
#
# 往前，状态照样过得去，不费什么。往后，斜率本来也能过去：第二段对自己的初始状态有话要说，即 $\delta h$，把它加到第一段的最后一步上就行。这样，两段合起来的梯度与整段一分不差。**截断的 BPTT** 则把这一项丢掉：

# %%
d_out = rng.normal(size=whole.shape)
exact = rnn_backward(d_out, rnn(x_8, h_8, W, R, b)[1])[3]
_, one = rnn(x_8[:, :4], h_8, W, R, b)
_, two = rnn(x_8[:, 4:], one["hidden"][:, -1], W, R, b)
late = rnn_backward(d_out[:, 4:], two)
bridge = np.zeros_like(d_out[:, :4])
bridge[:, -1] = late[1]  # what the second piece says about the state it began with
joined = late[3] + rnn_backward(d_out[:, :4] + bridge, one)[3]
truncated = late[3] + rnn_backward(d_out[:, :4], one)[3]
print("exact    ", exact.round(3).tolist())
print("joined   ", joined.round(3).tolist())
print("truncated", truncated.round(3).tolist())
assert_allclose(joined, exact)
assert abs(truncated - exact).max() > 0.01

# %% [markdown]
# How wrong is the truncated gradient? That depends on how far slopes reach, and so on $R$. Three networks of 32 units read 64 random vectors; their recurrent matrix is a random rotation (a matrix that turns vectors, or mirrors them, and leaves their length alone) times a number $\rho$. We cut the way back into pieces of 1, 2, 4, … steps and measure the error, relative to the length of the true gradient:

# %% [markdown] lang="zh"
# 截断的梯度错得有多厉害？那要看斜率传得多远，也就是要看 $R$。三个 32 单元的网络各读 64 个随机向量，循环矩阵是一个随机旋转（只转动或翻转向量、不改变长度的矩阵）乘以一个数 $\rho$。把回程剪成 1、2、4……步一段，量误差相对于真实梯度长度的比例：


# %%
def rotation(size, rng):
    return np.linalg.qr(rng.normal(size=(size, size)))[0]


def truncated_gradient(x, d_out, piece, weights):
    h, total = np.zeros((len(x), len(weights[1]))), 0
    for start in range(0, x.shape[1], piece):
        _, cache = rnn(x[:, start : start + piece], h, *weights)
        total = total + rnn_backward(d_out[:, start : start + piece], cache)[3]
        h = cache["hidden"][:, -1]  # carried forwards, not backwards
    return total


# %%
x_64, turn = rng.normal(size=(8, 64, 16)), rotation(32, rng)
d_64, kernel = rng.normal(size=(8, 64, 32)), rng.normal(0, 0.05, (16, 32))
lost = {}
for rho in (0.5, 0.8, 1.0):
    every = [
        truncated_gradient(x_64, d_64, n, (kernel, rho * turn, np.zeros(32)))
        for n in (1, 2, 4, 8, 16, 32, 64)
    ]
    errors = [np.linalg.norm(g - every[-1]) / np.linalg.norm(every[-1]) for g in every]
    print(f"rho {rho}: error", "  ".join(f"{e:.3f}" for e in errors))
    assert errors[-1] == 0 and errors[0] > errors[3]
    lost[rho] = errors[3]
assert lost[1.0] > 2 * lost[0.5]

# %% [markdown]
# Each column doubles the piece, from 1 to 64. The larger $\rho$, the dearer the cut: at $\rho = 1$ the same piece loses far more of the gradient than at $\rho = 0.5$. Why does $\rho$ decide how far a slope reaches?
#
# ## Vanishing and exploding
#
# Let $L_T$ be the loss of the last step alone, and follow its slope on the way back. One step from $h_t$ to $h_{t-1}$ multiplies it, by rules 1 and 2, with the same kind of matrix every time; $k$ steps make a product of $k$ matrices:
#
# $$\frac{\partial L_T}{\partial h_{T-k}} = \frac{\partial L_T}{\partial h_T}\;\prod_{t=T}^{T-k+1}\mathrm{diag}(1-h_t^2)\,R^\top$$
#
# The **norm** $\|v\|$ of a vector is its length. The factor $1-h_t^2$ is at most 1, and multiplying by $R^\top$ makes a vector longer by at most the largest singular value $\sigma$ of $R$ (the most that $R$ stretches any vector). So
#
# $$\Bigl\|\frac{\partial L_T}{\partial h_{T-k}}\Bigr\| \;\le\; \sigma^k\,\Bigl\|\frac{\partial L_T}{\partial h_T}\Bigr\|$$
#
# Powers are merciless. $0.9^{50}$ is about 0.005: the slope **vanishes**. And if $\sigma>1$ nothing forbids it to **explode**: $1.1^{50}$ is about 117. For a rotation times $\rho$ every singular value is $\rho$, and so is the **spectral radius**, the largest absolute eigenvalue. (An eigenvalue of $R$ is a number $\lambda$, real or complex, with $vR = \lambda v$ for some vector $v \ne 0$.) We measure $\|\partial L_T/\partial h_{T-k}\|$ with 64 units: begin in the state of step $T-k$, read the last $k$ vectors, and ask `rnn_backward` for the slope of the starting state. Predict for each $\rho$: after 60 steps, has the slope vanished, held or exploded?

# %% [markdown] lang="zh"
# 每往右一列，段长加倍，从 1 到 64。$\rho$ 越大，剪断的代价越大：同样的段长，$\rho = 1$ 时丢掉的梯度比 $\rho = 0.5$ 时多得多。为什么斜率传多远由 $\rho$ 说了算？
#
# ## 消失与爆炸
#
# 只看最后一步的损失 $L_T$，跟着它的斜率往回走。从 $h_t$ 退一步到 $h_{t-1}$，按第 1、2 条，每次都乘上同一类矩阵；退 $k$ 步，就是 $k$ 个矩阵的连乘：
#
# $$\frac{\partial L_T}{\partial h_{T-k}} = \frac{\partial L_T}{\partial h_T}\;\prod_{t=T}^{T-k+1}\mathrm{diag}(1-h_t^2)\,R^\top$$
#
# 向量的**范数** $\|v\|$ 就是它的长度。因子 $1-h_t^2$ 不超过 1；乘以 $R^\top$，向量最多被拉长 $\sigma$ 倍，$\sigma$ 是 $R$ 的最大奇异值（$R$ 把向量拉长的最大倍数）。所以
#
# $$\Bigl\|\frac{\partial L_T}{\partial h_{T-k}}\Bigr\| \;\le\; \sigma^k\,\Bigl\|\frac{\partial L_T}{\partial h_T}\Bigr\|$$
#
# 乘方不留情面。$0.9^{50}$ 约为 0.005：斜率**消失**了。若 $\sigma>1$，又没有什么拦着它**爆炸**：$1.1^{50}$ 约为 117。旋转乘以 $\rho$，所有奇异值都是 $\rho$，**谱半径**（特征值绝对值的最大者）也是 $\rho$。（若有向量 $v \ne 0$ 使 $vR = \lambda v$，数 $\lambda$ 就是 $R$ 的一个特征值，它可以是复数。）现在用 64 个单元来量 $\|\partial L_T/\partial h_{T-k}\|$：从第 $T-k$ 步的状态出发，读完最后 $k$ 个向量，再向 `rnn_backward` 要初始状态的斜率。对每个 $\rho$ 猜一猜：退了 60 步，斜率是消失了，保住了，还是爆炸了？

# %%
assert round(0.9**50, 3) == 0.005 and round(1.1**50) == 117
predict("ρ = 0.8, 1.0, 1.2, 1.5")


# %%
def state_at(cache, t):
    h = cache["hidden"][:, t]
    return (h, cache["cells"][:, t]) if "cells" in cache else h  # the LSTM has two parts


def reach(cell, backward, weights, x, d_last, distances):
    """Norm of the slope k steps before the end, as a multiple of the slope at the end."""
    T, norms = x.shape[1], []
    start = np.zeros_like(d_last)
    cache = cell(x, (start, start) if cell.__name__ == "lstm" else start, *weights)[-1]
    for k in distances:
        part = cell(x[:, T - k :], state_at(cache, T - k), *weights)
        d_outputs = np.zeros_like(part[0])
        d_outputs[:, -1] = d_last
        slope = backward(d_outputs, part[-1])[1]
        slope = np.concatenate(slope, axis=-1) if isinstance(slope, tuple) else slope
        norms.append(np.linalg.norm(slope, axis=-1).mean())
    return np.array(norms) / np.linalg.norm(d_last, axis=-1).mean()


# %%
distances = [1, 2, 5, 10, 15, 20, 30, 40, 50, 60]
x_70, turn = rng.normal(size=(8, 70, 16)), rotation(64, rng)
small, d_last = rng.normal(0, 0.02, (16, 64)), rng.normal(size=(8, 64))
lines = {}
for rho in (0.5, 0.8, 0.95, 1.0, 1.2, 1.5):
    weights = small, rho * turn, np.zeros(64)
    assert_allclose(abs(np.linalg.eigvals(weights[1])).max(), rho)
    lines[f"ρ = {rho}"] = reach(rnn, rnn_backward, weights, x_70, d_last, distances)
    assert (lines[f"ρ = {rho}"] <= rho ** np.array(distances) * (1 + 1e-9)).all()  # the bound
    print(
        f"ρ = {rho}:",
        "  ".join(f"k={k} {lines[f'ρ = {rho}'][i]:.1e}" for i, k in ((3, 10), (6, 30), (9, 60))),
    )

# %%
figure, axes = plt.subplots()
axes.set_yscale("log")
plots.curves(axes, distances, lines)
axes.set(
    xlabel="distance k (steps back)", ylabel="norm of the slope, 1 at k = 0", ylim=(1e-20, 1e4)
)
plt.show()

# %% [markdown]
# **Figure.** Length of the slope of the loss at the hidden state k steps back, relative to the last step, for six spectral radii ρ; the vertical axis is logarithmic. The curves are nearly straight lines: exponential decay below 1 (steepest for 0.5), a slow fall at 1.0, growth for 1.5.

# %% [markdown] lang="zh"
# **图.** 损失对 k 步之前的隐状态的斜率有多长（以最后一步为 1），共六种谱半径 ρ，纵轴是对数刻度。曲线近乎直线：小于 1 时指数衰减（0.5 最陡），1.0 时缓缓下降，1.5 时增长。

# %% [markdown]
# The measured curves lie below the bound $\rho^k$ (the assert says so for every point): the squashing only takes away. That is also why $\rho = 1.2$ hardly grows here. Large states flatten the tanh, and flat means slope zero.
#
# And here is the catch that we promised. The switch of the figure above, $R=2$, remembers its signal forever. But can it *learn* that it should? Compare what the state keeps with what the slope keeps:

# %% [markdown] lang="zh"
# 量到的曲线都在上界 $\rho^k$ 之下（那个断言逐点检查过）：压缩只会往下扣。$\rho = 1.2$ 在这里几乎不增长，也是这个缘故：状态一大，tanh 就平了，平就是斜率为零。
#
# 前面说好要找的隐患，就在这里。那张图里的开关 $R=2$，信号可以记一辈子。可它能**学会**自己该记住吗？比一比：状态留住了多少，斜率又留住了多少。

# %%
for R_1 in (0.5, 0.9, 1.0, 2.0, 4.0):
    h = remember(R_1)
    slope = np.prod(R_1 * (1 - h[1:] ** 2))  # d h_30 / d h_1
    print(f"R = {R_1}: state after 30 steps {h[-1]:6.3f}   slope along the first state {slope:.0e}")
assert remember(4.0)[-1] > 0.99 and np.prod(4.0 * (1 - remember(4.0)[1:] ** 2)) < 1e-20

# %% [markdown]
# The dilemma of the RNN, in five lines. With $R<1$ the signal fades. With $R>1$ it is held, safely, *because* small disturbances are pressed flat; and a slope is nothing but the effect of a small disturbance. A state that nothing can disturb is a state that no gradient can reach. Bengio, Simard and Frasconi proved it in 1994: to hold information robustly, the slopes must vanish.
#
# ## Three networks on one plot
#
# Is it better with other cells? The LSTM and the GRU of lesson 08 are recurrent networks with gates, taken here as they are: a layer that maps `(B, T, D)` to `(B, T, U)`, with its function in `reference`. An LSTM carries two vectors, $h$ and a cell $c$, and we measure the slope along both together. Its forget gate decides how much of the cell stays, a share between 0 and 1 at each step. While nothing else comes in, the share is the sigmoid (lesson 05) of the gate's bias, and the layer begins with a bias of 1: $\sigma(1) \approx 0.73$. (With an argument, $\sigma$ is the sigmoid and not the singular value.)
#
# All three read Shakespeare, 64 units each, first with the random weights they are born with, then trained for 150 steps. Which of them lets slopes through farthest *before* training?

# %% [markdown] lang="zh"
# RNN 的两难，五行写尽。$R<1$，信号淡掉；$R>1$，信号记得牢，牢就牢在微小的扰动都被压平了，而斜率不过是微小扰动的效果。一个谁也扰动不了的状态，也就是梯度够不着的状态。1994 年，Bengio、Simard 和 Frasconi 证明了这一点：要稳稳地记住信息，斜率就必然消失。
#
# ## 一张图上的三个网络
#
# 换一种单元会好些吗？第 08 课的 LSTM 和 GRU 是带门的循环网络，这里拿来就用：一层，把 `(B, T, D)` 变成 `(B, T, U)`，`reference` 里有对应的函数。LSTM 随身带两个向量，$h$ 和细胞 $c$，我们把两者的斜率合在一起量。它的遗忘门决定细胞保留多少，每一步是 0 到 1 之间的一个比例。没有别的东西进来时，这个比例就是门的偏置的 sigmoid（第 05 课）；偏置从 1 开始，所以是 $\sigma(1) \approx 0.73$。（带自变量的 $\sigma$ 是 sigmoid，不是奇异值。）
#
# 三个网络都读莎士比亚，各 64 个单元，先用与生俱来的随机权重，再训练 150 步。**训练之前**，谁的斜率传得最远？

# %%
predict("RNN", "LSTM", "GRU")

# %%
from lmcourse.models.rnn import RecurrentLM
from lmcourse.reference.gru import gru, gru_backward
from lmcourse.reference.lstm import lstm, lstm_backward, sigmoid
from lmcourse.text.corpora import sanguo, shakespeare
from lmcourse.text.tokenizers import CharacterTokenizer
from lmcourse.training.fit import fit
from lmcourse.training.streams import random_batches, stream_batches

# %%
plays = shakespeare()
tokenizer = CharacterTokenizer.train(plays.text("train"))
ids = {split: tokenizer.encode(plays.text(split)) for split in ("train", "validation", "test")}
V = tokenizer.vocabulary_size
reference_of = {
    "rnn": (rnn, rnn_backward),
    "lstm": (lstm, lstm_backward),
    "gru": (gru, gru_backward),
}
rows = ids["validation"][: 16 * 62].reshape(16, 62)  # 61 characters, then the one to predict


def reach_of(model, cell):
    layer = [np.asarray(w, np.float64) for w in model.stack[0].get_weights()]
    x = model.embedding.numpy()[rows[:, :-1]].astype(np.float64)
    scores = np.asarray(model(rows[:, :-1]))[:, -1].astype(np.float64)
    d_last = cross_entropy_gradient(scores, rows[:, -1]) @ model.head.kernel.numpy().T
    return reach(*reference_of[cell], layer, x, d_last, distances)


# %%
reaches, batches = {}, random_batches(ids["train"], 32, 64, seed=0)
for cell in ("rnn", "lstm", "gru"):
    keras.utils.set_random_seed(0)
    model = RecurrentLM(V, cell=cell, width=32, units=64)
    if cell == "lstm":
        assert (model.stack[0].bias.numpy()[64:128] == 1).all()  # the forget gate's
        assert_allclose(sigmoid(1.0), 0.73, atol=0.005)
    reaches[cell, "random"] = reach_of(model, cell)
    fit(model, batches, steps=150, learning_rate=0.01)
    reaches[cell, "trained"] = reach_of(model, cell)

# %% tags=["nbval-ignore-output"]
for (cell, state), curve in reaches.items():
    print(
        f"{cell:<5}{state:<8}",
        "  ".join(f"k={k} {curve[i]:.1e}" for i, k in ((3, 10), (6, 30), (9, 60))),
    )
end = {key: curve[-1] for key, curve in reaches.items()}
assert end["rnn", "trained"] < 0.01 * end["rnn", "random"]
assert end["gru", "trained"] > 100 * end["gru", "random"]
assert end["lstm", "random"] > 100 * max(end["rnn", "random"], end["gru", "random"])
assert min(end["lstm", "trained"], end["gru", "trained"]) > 1000 * end["rnn", "trained"]
assert sorted(end, key=end.get)[:2] == [("rnn", "trained"), ("gru", "random")]

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.6))
axes.set_yscale("log")
colours = {"rnn": plots.BLUE, "lstm": plots.RED, "gru": plots.GREEN}
for (cell, state), curve in reaches.items():
    style = "--" if state == "random" else "-"
    axes.plot(
        distances, curve, style, marker="o", color=colours[cell], label=f"{cell.upper()}, {state}"
    )
axes.legend(fontsize=8, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), handlelength=4)
axes.set(xlabel="distance k (steps back)", ylabel="norm of the slope, 1 at k = 0", ylim=(1e-10, 10))
plt.show()

# %% [markdown]
# **Figure.** Length of the slope k steps back for RNN, LSTM and GRU with 64 units, reading Shakespeare; dashed with random weights, solid after training, logarithmic axis. All six curves fall. With random weights the LSTM lies highest and the GRU lowest. After training the RNN has sunk below all others and is the first to leave the picture; the GRU has risen by many powers of ten; the LSTM falls steeply at first and then bends into a gentle slope.

# %% [markdown] lang="zh"
# **图.** 读莎士比亚时，64 个单元的 RNN、LSTM 和 GRU 往回 k 步的斜率长度；虚线是随机权重，实线是训练之后，纵轴是对数刻度。六条曲线全都下降。随机权重时，LSTM 最高，GRU 最低。训练之后，RNN 沉到了最低，最先跌出图的下沿；GRU 升高了许多个数量级；LSTM 先陡降，然后转为缓坡。

# %% [markdown]
# Before training the LSTM leads, thanks to its bias: its gate begins by keeping nearly three quarters, the GRU's by keeping one half. (Lesson 08 takes the bias away.) All three vanish. Then learning moves the curves apart. The RNN *sinks*. The LSTM sinks too, but its curve bends, and far back it lies high above the RNN's. The GRU *rises*: it now lets more of the past through.
#
# Why does the RNN sink? Here is a suspicion: to say anything about the text, its states must become large, and large states flatten the tanh, so that learning itself closes the way back. Test the second half of it. Take the RNN with its random weights once more and make it hear less: embeddings at their full size, and twenty times quieter.

# %% [markdown] lang="zh"
# 训练之前 LSTM 领先，靠的是那个偏置：它的门一开始保留将近四分之三，GRU 的门只保留一半。（第 08 课会把这个偏置拿掉。）三者都在消失。接着，学习把曲线拉开。RNN **下沉**。LSTM 也下沉，不过曲线拐了弯，到了远处仍高出 RNN 一大截。GRU **上升**：它如今放过了更多的往事。
#
# RNN 为什么下沉？我们怀疑：要想对文本说点什么，状态就得变大；状态一大，tanh 就平了，学习本身堵住了回头路。后半句可以验一验：把随机权重的 RNN 再拿来，让它听得轻一些，一次是原样的嵌入，一次轻二十倍。

# %%
keras.utils.set_random_seed(0)
newborn, quiet = RecurrentLM(V, cell="rnn", width=32, units=64), {}
full = newborn.embedding.numpy()
for share in (1.0, 0.05):
    newborn.embedding.assign(share * full)
    quiet[share] = reach_of(newborn, "rnn")[-1]
    print(f"embeddings times {share}: slope after 60 steps {quiet[share]:.0e}")
assert quiet[0.05] > 0.01 and quiet[1.0] < 1e-4

# %% [markdown]
# Loud input closes the way, and nothing else was changed. The same $R$, a rotation at birth ($\rho=1$), lets a good part of the slope through sixty steps as long as the network hears next to nothing. This RNN may listen or have an open way back, not both. A gate can let the past through *without* flattening it, and whether it does is learned. Lesson 08 opens the gates one by one.
#
# ## Clipping
#
# A vanished gradient teaches nothing, quietly. An exploded one does damage, at once: a single step may throw the weights so far that everything learned is lost. There is a simple brake. Measure the **global norm** $\|g\|$, the length of all gradients laid end to end in one vector, and if it is above a limit $m$, shorten it to $m$ without turning it:
#
# $$g \leftarrow g\cdot\min\Bigl(1, \frac{m}{\|g\|}\Bigr)$$
#
# This is **gradient clipping** (Pascanu, Mikolov & Bengio 2013). By hand, and by the optimizer of Keras:

# %% [markdown] lang="zh"
# 声音一大，路就堵了，别的什么也没动。同一个 $R$，出生时是个旋转（$\rho=1$），只要网络几乎什么也没听见，斜率走六十步还能剩下不少。这个 RNN 要么听得见，要么回头路畅通，二者不可兼得。门却可以放过去的信息通行而**不**把它压平，放不放，是学出来的。第 08 课会把这些门一扇一扇打开。
#
# ## 裁剪
#
# 消失的梯度什么也不教，安安静静；爆炸的梯度当场就闯祸：一步就可能把权重抛到老远，学到的东西全丢了。刹车倒也简单。先量**整体范数** $\|g\|$，就是把所有梯度首尾相接拼成一个向量的长度；若超过上限 $m$，就缩短到 $m$，方向不变：
#
# $$g \leftarrow g\cdot\min\Bigl(1, \frac{m}{\|g\|}\Bigr)$$
#
# 这叫**梯度裁剪**（Pascanu、Mikolov 与 Bengio，2013）。先动手算，再交给 Keras 的优化器：


# %%
def clip(gradients, limit):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1, limit / norm) for g in gradients], norm


example = [np.array([[3.0, 0.0]]), np.array([4.0])]  # together (3, 0, 4): length 5
clipped, norm = clip(example, limit=1.0)
print("norm", norm, "  clipped", [g.round(2).tolist() for g in clipped])
assert_allclose(norm, 5)
assert_allclose(clipped[0], [[0.6, 0.0]])
variables = [keras.Variable(np.zeros((1, 2))), keras.Variable(np.zeros(1))]
keras.optimizers.SGD(1.0, global_clipnorm=1.0).apply(example, variables)
for g, variable in zip(clipped, variables, strict=True):
    assert_allclose(-g, ops.convert_to_numpy(variable), rtol=1e-6)
apart = [keras.Variable(np.zeros((1, 2))), keras.Variable(np.zeros(1))]
keras.optimizers.SGD(1.0, clipnorm=1.0).apply(example, apart)
print("clipnorm instead:", [abs(ops.convert_to_numpy(v)).tolist() for v in apart])

# %% [markdown]
# Mind the name. `global_clipnorm` shortens all gradients together and keeps their direction; `clipnorm` treats every array for itself, and (3, 0, 4) has become (1, 0, 1): another direction.
#
# Now a run that explodes. The whole language model in NumPy, not one line of Keras: one-hot characters, `rnn`, scores; the loss of lesson 03; `rnn_backward`; plain gradient descent. The recurrent matrix starts as a rotation, and the learning rate is bold. The same run twice, without and with clipping at 1:

# %% [markdown] lang="zh"
# 当心名字。`global_clipnorm` 把所有梯度一起缩短，方向不变；`clipnorm` 则各管各的数组，(3, 0, 4) 就成了 (1, 0, 1)：方向变了。
#
# 再看一次爆炸。整个语言模型都用 NumPy 写，一行 Keras 也不用：独热字符、`rnn`、分数、第 03 课的损失、`rnn_backward`、普通的梯度下降。循环矩阵从一个旋转起步，学习率给得大胆。同样的训练跑两遍，一遍不裁剪，一遍在 1 处裁剪：


# %%
def slopes_of(weights, inputs, targets, state):
    """Loss, gradients and last state of a character model: W, R, b, E, c."""
    W, R, b, E, c = weights
    outputs, cache = rnn(np.eye(len(W))[inputs], state, W, R, b)
    z = outputs @ E + c
    d_z = cross_entropy_gradient(z, targets)
    d_weights = rnn_backward(d_z @ E.T, cache)[2:]
    d_E = np.einsum("btu,btv->uv", outputs, d_z)
    gradients = [*d_weights, d_E, d_z.sum(axis=(0, 1))]
    return cross_entropy(z, targets), gradients, cache["hidden"][:, -1]


def fresh(U, rho, seed=0):
    rng = np.random.default_rng(seed)
    W, E = rng.normal(0, 0.1, (V, U)), rng.normal(0, 0.1, (U, V))
    return [W, rho * rotation(U, rng), np.zeros(U), E, np.zeros(V)]


# %%
def train(limit, steps=200, rate=2.0, T=32):
    weights, losses, norms = fresh(48, 1.0), [], []
    for number in range(steps):
        inputs, targets = random_batches(ids["train"], 16, T, seed=1)(number)
        loss, gradients, _ = slopes_of(weights, inputs, targets, np.zeros((16, 48)))
        gradients, norm = clip(gradients, limit)
        weights = [w - rate * g for w, g in zip(weights, gradients, strict=True)]
        losses.append(loss)
        norms.append(norm)
    return np.array(losses), np.array(norms)


# %% tags=["nbval-ignore-output"]
free, free_norms = train(limit=np.inf)
held, held_norms = train(limit=1.0)
print("largest norm, free ", f"{free_norms.max():.0f}", "  clipped run", f"{held_norms.max():.0f}")
print(
    "last 20 losses, free",
    free[-20:].mean().round(2),
    "  clipped",
    held[-20:].mean().round(2),
    "  ln V",
    np.log(V).round(2),
)
assert free_norms.max() > 50 > 5 > held_norms.max()
assert free[-20:].mean() > 2 * np.log(V) and held[-20:].mean() < 3

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.6))
for losses, norms, name in ((free, free_norms, "free"), (held, held_norms, "clipped at 1")):
    left.plot(losses, label=name, linewidth=1.2)
    right.semilogy(norms, label=name, linewidth=1.2)
left.axhline(np.log(V), color=plots.GREY, linestyle="--")
left.text(140, np.log(V) + 0.4, "ln V", color=plots.GREY)
left.set(xlabel="step", ylabel="loss (nats)")
right.set(xlabel="step", ylabel="global norm, before clipping")
left.legend()
plt.show()

# %% [markdown]
# **Figure.** The same NumPy run with and without clipping: left the loss against the step, right the global norm of the gradient on a logarithmic axis. Without clipping the norm shoots up by three powers of ten within the first fifty steps, and the loss jumps far above ln V, the dashed price of knowing nothing, and stays there. With clipping the norm stays around 1 and below, and the loss falls.

# %% [markdown] lang="zh"
# **图.** 同一次 NumPy 训练，裁剪与不裁剪：左边是损失随步数的变化，右边是梯度的整体范数，对数刻度。不裁剪时，头五十步里范数就蹿高了三个数量级，损失跳到虚线 ln V（一无所知的价钱）之上老远，再也下不来；裁剪时范数一直在 1 上下，损失稳稳下降。

# %% [markdown]
# A model that pays more than $\ln V$ is worse than no model: it is confident and wrong. One brake, one line, and the same bold rate becomes usable. `fit`, which trains the language models of the course, clips at 1 unless told otherwise.
#
# ## Two books
#
# Time for a real run. `RecurrentLM` stacks what we have built: embedding, recurrent layers, scores. 200 steps of 32 windows of 64 characters, with one layer and with two, and the same for 三国演义 (*Romance of the Three Kingdoms*) with the 999 most frequent characters and `<unk>`. `fit` is the loop of seven steps from lesson 03 with clipping inside; lesson 09 takes it apart.

# %% [markdown] lang="zh"
# 付得比 $\ln V$ 还多的模型，不如没有模型：它又自信又错。一行刹车，同样大胆的学习率就能用了。本课程训练语言模型用的是 `fit`，不另行交代，它就在 1 处裁剪。
#
# ## 两本书
#
# 该来真的了。`RecurrentLM` 把我们造好的东西摞起来：嵌入、循环层、分数。每批 32 段、每段 64 个字符，共 200 步，一层的和两层的各训练一个；《三国演义》也照样来一遍，取最常见的 999 个字外加 `<unk>`。`fit` 就是第 03 课那七步的循环，外带裁剪；第 09 课会把它拆开讲。


# %%
def trained(V, ids, layers=1, steps=200, units=96):
    keras.utils.set_random_seed(0)
    model = RecurrentLM(V, cell="rnn", width=64, units=units, layers=layers)
    fit(model, random_batches(ids, 32, 64, seed=0), steps=steps, learning_rate=0.005)
    return model


# %% tags=["nbval-ignore-output"]
novel = sanguo()
kinds, how_often = np.unique(list(novel.text("train")), return_counts=True)
often = sorted(kinds[np.argsort(-how_often, kind="stable")[:999]].tolist())
hanzi = CharacterTokenizer(["<unk>", *often])
zh = {split: hanzi.encode(novel.text(split)) for split in ("train", "test")}
english, deep = trained(V, ids["train"]), trained(V, ids["train"], layers=2)
chinese = trained(hanzi.vocabulary_size, zh["train"])
test, test_zh = ids["test"][:10_000], zh["test"][:5_000]
bits = {
    "one layer": score(english, test).bits_per_token,
    "two layers": score(deep, test).bits_per_token,
}
bits_zh = score(chinese, test_zh).bits_per_token
for name, value in bits.items():
    print(f"Shakespeare, {name:<10} {value:.2f} bits per character")
print(f"三国演义, one layer      {bits_zh:.2f} bits per character")
assert max(bits.values()) < 3.5 and bits_zh < 8

# %%
from lmcourse.models.ngram import ModifiedKneserNey

bigram = ModifiedKneserNey.train(ids["train"], order=2, vocabulary_size=V)
by_counting = score(bigram, test).bits_per_token
print(f"modified Kneser–Ney bigram, all of the text: {by_counting:.2f} bits per character")
assert by_counting > bits["one layer"] + 0.2 and bits["one layer"] > bits["two layers"]

# %% [markdown]
# Better than the table of pairs, and the second layer helps; but 200 batches are a sketch. The table near the end of the lesson has the long runs. (There, only a character that training never showed is `<unk>`; our Chinese number lets one `<unk>` stand for all rare ones, so the two can't be compared.) What does such a network write? It needs no window: keep the state, feed one character, draw the next. (A score of $-\infty$ forbids `<unk>`, as in lesson 03.) Each step costs the same, at the beginning of the text as at its thousandth line.

# %% [markdown] lang="zh"
# 比两两搭配的计数表好，第二层也有用；不过 200 批只是一幅草图。长跑的成绩在课末的表里。（那张表里，只有训练时从没见过的字才是 `<unk>`；这里的中文成绩把罕见字都算作一个 `<unk>`，两者不能直接比较。）这样的网络会写出什么来？它不需要窗口：留着状态，喂进一个字符，抽出下一个。（给 `<unk>` 打 $-\infty$ 分，就禁掉了它，见第 03 课。）写第一行和写第一千行，每一步的花费都一样。

# %%
from lmcourse.generation.sampling import generate, sample


def write(model, prompt, length, rng, temperature=0.8, never=()):
    text = list(prompt)
    logits, state = model(np.array([prompt]), return_state=True)
    for _ in range(length):
        scores = np.array(logits)[0, -1]
        scores[list(never)] = -np.inf
        text.append(int(sample(scores, rng, temperature)))
        logits, state = model(np.array([text[-1:]]), state=state, return_state=True)
    return np.array(text)


beginning = tokenizer.encode("ROMEO:\n")
short = write(english, beginning, 12, np.random.default_rng(0))
again = generate(english, beginning, 12, np.random.default_rng(0), temperature=0.8)
assert (short == again).all()  # the same text as reading everything anew at each step

# %% tags=["nbval-ignore-output"]
for model, names, prompt in ((deep, tokenizer, "ROMEO:\n"), (chinese, hanzi, "却说")):
    never = (0,) if names is hanzi else ()
    written = write(model, names.encode(prompt), 110, np.random.default_rng(1), never=never)
    print(names.decode(written), "\n" + "-" * 40)
    assert len(set(written.tolist())) > 15

# %% [markdown]
# Words that are nearly words, capitals where lines begin, a colon where the name of a speaker might end; in Chinese, twos and threes of characters that belong together, and 曰 ("said") followed by a colon and a quotation mark. No plot.
#
# ## Reading on, or starting anew?
#
# In training, each window began with a state of zeros: the network was woken up in the middle of a sentence, 32 times a batch. There is another way. Lay the text in 64 parallel streams, let batch $k+1$ continue where batch $k$ ended, and carry the state across (but not the gradient: truncated BPTT). `Stateful` keeps the state between two batches, `stream_batches` gives the batches in that order.

# %% [markdown] lang="zh"
# 单词几乎像单词，行首是大写，像是人名结束的地方有冒号；中文里，该在一起的两三个字在一起，“曰”后面跟着冒号和引号。情节是没有的。
#
# ## 接着读，还是从头读？
#
# 训练时，每一段都从全零的状态开始：网络每批要在句子半中间被叫醒 32 次。另有一种做法：把文本排成 64 条并行的流，第 $k+1$ 批从第 $k$ 批停下的地方接着读，状态带过去（梯度不带：这就是截断的 BPTT）。`Stateful` 在两批之间保管状态，`stream_batches` 按这样的次序给出各批。

# %%
inputs_0, targets_0 = stream_batches(ids["train"], 64, 16)(0)
inputs_1, _ = stream_batches(ids["train"], 64, 16)(1)
print(repr(tokenizer.decode(inputs_0[5])), "→", repr(tokenizer.decode(inputs_1[5])))
assert (inputs_1[:, 0] == targets_0[:, -1]).all()

# %% [markdown]
# The comparison is fair: same model, same seed, same batches in the same order, windows of 8 characters. The one run forgets at each window, the other carries. Both are then scored on the test text in two ways: in windows of 8 from zero, and reading on (in the long windows of `score`: each prediction but the first ones has at least 128 characters before it). Predict: who wins at reading on?

# %% [markdown] lang="zh"
# 比较是公平的：同样的模型、同样的种子、同样的批、同样的次序，每段 8 个字符。一个每段都忘，一个把状态带过去。然后都在测试文本上打两次分：一次按 8 个字符一段从零读起，一次一直读下去（用 `score` 的长窗口：除了开头，每次预测之前至少有 128 个字符）。猜一猜：一直读下去时，谁赢？

# %%
predict("zero", "carried", "=")

# %%
from lmcourse.models.rnn import Stateful


def with_streams(carry, T=8, steps=500):
    keras.utils.set_random_seed(0)
    model = RecurrentLM(V, cell="rnn", width=32, units=96)
    learner = Stateful(model, batch_size=64) if carry else model
    fit(learner, stream_batches(ids["train"], 64, T), steps=steps, learning_rate=0.005)
    return model


def from_zero(model, ids, T=8):
    pieces, after = ids[: len(ids) // T * T].reshape(-1, T), ids[1:]
    logs = log_softmax(np.asarray(model(pieces))).reshape(-1, V)[: len(after)]
    return nats_to_bits(-logs[np.arange(len(logs)), after[: len(logs)]].mean())


# %% tags=["nbval-ignore-output"]
woken, on_and_on = {}, {}
for name in ("zero", "carried"):
    model = with_streams(carry=name == "carried")
    woken[name], on_and_on[name] = from_zero(model, test), score(model, test).bits_per_token
    print(f"trained {name:<8} scored from zero {woken[name]:.2f}, reading on {on_and_on[name]:.2f}")
assert on_and_on["carried"] < on_and_on["zero"] and woken["carried"] > woken["zero"]
assert all(on_and_on[name] < woken[name] for name in woken)

# %% [markdown]
# Reading on, the carrier wins: in training it has met states as they are in the middle of a text, and it has learned to live in them. The price stands in the other column. Woken from zero it is worse, because it has hardly ever been there. Both do better reading on than from zero, even the one that was never trained for it. Train a model the way it will be used. The gradient still sees only 8 steps, in both.

# %% [markdown] lang="zh"
# 一直读下去，带着状态的赢：训练时它见过文本半中间的状态是什么样子，学会了在那里过日子。代价写在另一列：从零叫醒它，反倒更差，因为它几乎没到过那里。两个网络都是一直读下去更好，连没这么训练过的那个也一样。模型将来怎么用，就该怎么训练。至于梯度，两者都只看得到 8 步。

# %% [markdown]
# ## Remove a part
#
# **Cut the recurrence.** If the network lives by its state, it must suffer when we set $R=0$. We do it twice: in the trained network (an operation on a grown-up), and by training one that never had a past, in windows of a single character.

# %% [markdown] lang="zh"
# ## 拿掉一个部件
#
# **切断循环。** 网络若是靠状态过活，令 $R=0$ 就该伤筋动骨。做两遍：一遍对训练好的网络下手（给成年人动手术），一遍从头训练一个没有过去的网络，每段只有一个字符。

# %% tags=["nbval-ignore-output"]
kept = english.stack[0].recurrent_kernel.numpy()
english.stack[0].recurrent_kernel.assign(np.zeros_like(kept))
cut = score(english, test).bits_per_token
english.stack[0].recurrent_kernel.assign(kept)
keras.utils.set_random_seed(0)
pastless = RecurrentLM(V, cell="rnn", width=64, units=96)
fit(pastless, random_batches(ids["train"], 2048, 1, seed=0), steps=150, learning_rate=0.01)
never = score(pastless, test, context_length=1).bits_per_token
print(f"whole {bits['one layer']:.2f}   R cut out {cut:.2f}   never had a past {never:.2f}")
print(f"counted bigram {by_counting:.2f}")
assert cut > never > bits["one layer"] + 0.2 and abs(never - by_counting) < 0.1

# %% [markdown]
# A recurrent network without recurrence is a bigram, to within a tenth of a bit. And an operation on the grown network is worse than never having had the part: the other weights rely on it.
#
# **Shuffle the past.** How far back does the network really listen? Take windows of 64 characters, ask for the character after the window, and shuffle all but the last $k$. If the order of what is older mattered, the price goes up:

# %% [markdown] lang="zh"
# 没有循环的循环网络就是二元语法，相差不到十分之一比特。而且，给长成的网络动手术，比从来没有这个部件更糟：其余的权重都指望着它。
#
# **打乱过去。** 网络到底听得见多远？取 64 个字符的段，问它下一个字符是什么，把除最后 $k$ 个以外的字符全部打乱。更早的次序要是有用，代价就会上涨：

# %%
pieces = ids["test"][: 500 * 65].reshape(500, 65)


def price(model, keep, seed=0):
    past = pieces[:, :-1].copy()
    older = past[:, : 64 - keep]
    past[:, : 64 - keep] = np.random.default_rng(seed).permuted(older, axis=1)
    logs = log_softmax(np.asarray(model(past))[:, -1])
    return nats_to_bits(-logs[np.arange(500), pieces[:, -1]].mean())


# %%
keeps = [1, 2, 3, 4, 6, 8, 16, 64]
prices = {
    "one layer": [price(english, k) for k in keeps],
    "two layers": [price(deep, k) for k in keeps],
}
figure, axes = plt.subplots()
axes.set_xscale("log", base=2)
plots.curves(axes, keeps, prices)
axes.set(xlabel="last k characters in order, older ones shuffled", ylabel="bits per character")
plt.show()
assert all(p[0] > p[-1] + 0.3 for p in prices.values())
assert all(p[4] < p[-1] + 0.1 for p in prices.values())

# %% [markdown]
# **Figure.** Bits for the next character against how many of the last characters stay in their order, on a logarithmic axis; everything older in the window of 64 is shuffled. The curves of both networks fall steeply from one to four characters, a little more up to eight, and are flat from there on.

# %% [markdown] lang="zh"
# **图.** 下一个字符的代价（比特）随“保持原有次序的最后几个字符”的变化，横轴是对数刻度；64 个字符的段里，更早的全部打乱。两个网络的曲线都从一个字符到四个字符陡降，到八个字符还略有下降，此后就平了。

# %% [markdown]
# There is no window, and yet there is one. After this short training the network hears some half dozen characters in order; the rest is a murmur. The curves of slopes let us expect it: next to no slope comes from farther away, so next to nothing is learned about what is there.
#
# ## Where the floor is known
#
# Real text doesn't say how much memory it needs. Our artificial languages do. First a check that all is well: an order-2 Markov source of four symbols, whose entropy rate is known exactly (lesson 01). The state has to hold the last symbol but one, no more:

# %% [markdown] lang="zh"
# 说好没有窗口，到头来还是有一扇。短短训练之后，网络按次序听得见的大约五六个字符，再远就是一片嗡嗡声。斜率的曲线早有预兆：更远的地方几乎没有斜率传来，那里的东西也就几乎学不到。
#
# ## 底线已知的地方
#
# 真实文本不会告诉你它需要多长的记忆，我们的人造语言会。先验明一切正常：四个符号的二阶马尔可夫信源，熵率精确已知（第 01 课）。状态只要记住倒数第二个符号就够了：

# %% tags=["nbval-ignore-output"]
from lmcourse.text.grammar import Agreement, Markov


def taught(language, steps, units=32):
    keras.utils.set_random_seed(0)
    model = RecurrentLM(language.vocabulary_size, cell="rnn", width=8, units=units)
    text = language.sample(60_000, np.random.default_rng(0))
    fit(model, random_batches(text, 32, 64, seed=0), steps=steps, learning_rate=0.01)
    return model


chain = Markov.random(order=2, vocabulary_size=4, rng=np.random.default_rng(3))
fresh_text = chain.sample(10_000, np.random.default_rng(1))
excess = score(taught(chain, 150), fresh_text).bits_per_token - chain.entropy_rate
print(f"entropy rate {chain.entropy_rate:.3f} bits per symbol, excess {excess:.3f}")
assert excess < 0.1

# %% [markdown]
# Now distance. In `Agreement` a sentence begins with a subject, `A` or `B`; filler words follow; at the end stands the verb, `a` or `b`, which must agree with the subject. Whoever remembers the subject pays nothing for the choice of the verb, whoever has forgotten it and bets half and half pays exactly 1 bit. We train one network for each distance, 200 steps each, and read off the price of that one choice. At which distance will the memory break?

# %% [markdown] lang="zh"
# 现在看距离。在 `Agreement` 里，句子以主语 `A` 或 `B` 开头，接着是若干填充词，句末是动词 `a` 或 `b`，必须与主语一致。记得主语的，选动词一分不花；忘了的，两边各押一半，恰好付 1 比特。每种距离训练一个网络，各 200 步，单看这一次选择的价钱。记忆会在多远处断掉？

# %%
print(
    Agreement(shortest=5, longest=5, fillers=2).spell(
        Agreement(5, 5, fillers=2).sample(42, np.random.default_rng(0))
    )
)
predict("2", "5", "10", "20")


# %% tags=["nbval-ignore-output"]
def verb_bits(model, language):
    rows = language.sample(8_000, np.random.default_rng(1)).reshape(40, 200)
    logits = np.asarray(model(rows[:, :-1]))
    row, t = np.nonzero(rows[:, 1:] >= 4)  # A B, two fillers, a b: ids 4 and 5 are verbs
    row, t = row[t > 25], t[t > 25]  # a row may begin in the middle of a sentence
    logs = log_softmax(logits[row, t, 4:])  # a or b?
    return nats_to_bits(-logs[np.arange(len(t)), rows[row, t + 1] - 4].mean())


paid = {}
for distance in (2, 5, 10, 20):
    language = Agreement(shortest=distance, longest=distance, subjects=2, fillers=2)
    paid[distance] = verb_bits(taught(language, 200), language)
    print(f"{distance:>2} fillers between: {paid[distance]:.2f} bits for the verb")
assert paid[2] < 0.2 and paid[20] > 0.8

# %%
figure, axes = plt.subplots(figsize=(5, 2.8))
plots.bars(axes, [str(d) for d in paid], list(paid.values()))
axes.axhline(1, color=plots.GREY, linestyle="--")
axes.text(-0.4, 1.03, "forgotten", color=plots.GREY)
axes.set(xlabel="distance (filler words)", ylabel="excess bits on the verb", ylim=(0, 1.2))
plt.show()

# %% [markdown]
# **Figure.** Excess bits that the RNN pays for choosing the verb, for sentences with 2, 5, 10 and 20 filler words between subject and verb. The dashed line at 1 bit is the price of having forgotten the subject. The bars of the two short distances are near zero, those of the two long ones reach the line.

# %% [markdown] lang="zh"
# **图.** 主语与动词之间隔着 2、5、10、20 个填充词时，RNN 在选动词上付出的超额比特。1 比特处的虚线是忘了主语的价钱。两根短距离的柱子接近零，两根长距离的顶到了虚线。

# %% [markdown]
# The RNN *could* hold a bit forever: one unit with $R=2$ does it. In 200 steps it has not learned it: over such a distance hardly any slope tells it that it should. Lesson 08 runs the same test with the LSTM.

# %% [markdown] lang="zh"
# RNN **本可以**把一个比特记一辈子，一个 $R=2$ 的单元就够了。可 200 步下来它没有学会：隔着这么远，几乎没有斜率告诉它该记住。第 08 课会让 LSTM 来考同样的试。

# %% [markdown]
# ## The clinic: padding and masks
#
# Sentences have different lengths, a batch is a rectangle. So short ones are filled up, which is called **padding** (lesson 04), and a **mask** says which positions are real. It sounds harmless. Published tutorials on recurrent networks have broken here, and none of these faults raises an error. Seven patients, each with symptom, cause and cure.
#
# **Patient 1: the vanished newline.** Symptom: two different texts, equal outputs.

# %% [markdown] lang="zh"
# ## 门诊：填充与掩码
#
# 句子有长有短，一批数据却是个矩形。于是把短的补长，这叫**填充**（第 04 课），再用**掩码**标明哪些位置是真的。听上去没什么危险，可网上讲循环网络的教程，就有栽在这里的，而且这些毛病没有一个会报错。七位病人，逐个看症状、病因和疗法。
#
# **一号病人：失踪的换行。** 症状：两段文本不同，输出却相同。

# %%
texts = ["to be\nor not", "to beor not"]
together = keras.Sequential(
    [keras.layers.Embedding(V, 8, mask_zero=True), keras.layers.SimpleRNN(4)]
)
one, two = (ops.convert_to_numpy(together(tokenizer.encode(t)[None])) for t in texts)
print("equal outputs:", np.allclose(one, two), "  id 0 is", repr(tokenizer.decode(np.array([0]))))
assert_allclose(one, two, atol=1e-6)
print("cure: an id of its own for padding, here", V, "in a vocabulary of", V + 1)

# %% [markdown]
# Cause: `mask_zero=True` takes id 0 for padding, and our id 0 is a newline; every line break is skipped. (In other tutorials id 0 is the most frequent word.) Cure: padding gets an id that stands for nothing else. `RecurrentLM` takes it as `pad_id`.
#
# **Patient 2: the mask the wrong way round.** Symptom: two different sentences get the same answer, and the third gets zeros.

# %% [markdown] lang="zh"
# 病因：`mask_zero=True` 把编号 0 当作填充，而我们的编号 0 是换行符，结果换行统统被跳过。（别的教程里，编号 0 是最常见的那个词。）疗法：给填充一个专用的编号，不代表任何别的东西。`RecurrentLM` 的 `pad_id` 就是它。
#
# **二号病人：反了的掩码。** 症状：两个不同的句子，答案一模一样；第三句的答案全是零。

# %%
PAD = V
lines = ["to be", "or not to be", "that is"]
batch = np.full((3, 12), PAD)
for row, line in zip(batch, lines, strict=True):
    row[: len(line)] = tokenizer.encode(line)
vectors = rng.normal(size=(V + 1, 8)).astype("float32")[batch]
layer = keras.layers.SimpleRNN(2)
wrong = ops.convert_to_numpy(layer(vectors, mask=batch == PAD))
right = ops.convert_to_numpy(layer(vectors, mask=batch != PAD))
print("mask = (ids == PAD)", *wrong.round(2))
print("mask = (ids != PAD)", *right.round(2))
assert np.allclose(wrong[1], 0)  # nothing was read at all

# %% [markdown]
# Cause: in Keras **True means keep**. (PyTorch's `key_padding_mask` means the opposite, and so the bug travels with translated code.) With the mask turned round, the network reads the padding and skips the text; the sentence without padding is not read at all. Cure: `ids != PAD`, and an assert that a full row has a mask of ones.
#
# **Patient 3: the mask that got lost.** Between embedding and RNN, a harmless-looking factor 2. Symptom: the answer depends on how much padding follows.

# %% [markdown] lang="zh"
# 病因：在 Keras 里，**True 表示保留**。（PyTorch 的 `key_padding_mask` 正好相反，代码一翻译，错就跟着搬了过来。）掩码一反，网络读的是填充，跳过的是文本；没有填充的那句，一个字也没读。疗法：写 `ids != PAD`，再加一条断言：不含填充的行，掩码全是真。
#
# **三号病人：半路丢了的掩码。** 在嵌入和 RNN 之间，只多乘了一个 2，看似无害。症状：后面填充多少，答案就跟着变。


# %%
def classical(between):
    keras.utils.set_random_seed(0)
    ids = keras.Input((None,), dtype="int32")
    x = between(keras.layers.Embedding(6, 4, mask_zero=True)(ids))
    return keras.Model(ids, keras.layers.SimpleRNN(3)(x))


sentence = np.array([[3, 1, 4, 2]])
padded = np.pad(sentence, ((0, 0), (0, 6)))
shifts = {}
for name, between in {
    "nothing": lambda x: x,
    "x * 2": lambda x: x * 2.0,
    "Rescaling(2)": keras.layers.Rescaling(2.0),
}.items():
    model = classical(between)
    shifts[name] = abs(ops.convert_to_numpy(model(sentence) - model(padded))).max()
    print(f"{name:<13} change by six paddings: {shifts[name]:.3f}")
assert shifts["nothing"] < 1e-6 and shifts["Rescaling(2)"] < 1e-6 and shifts["x * 2"] > 0.01

# %% [markdown]
# Cause: the mask rides on the tensor as a note; a bare operation makes a new tensor and the note stays behind, without a word. (Layers such as `Lambda` and `Reshape` lose it too, but warn.) Cure: use a layer that passes masks on, or hand the mask over yourself, `layer(x, mask=ids != PAD)`. The models of this course do the latter.
#
# **Patient 4: 92 percent, and nothing learned.** Random sequences of five tokens, filled up to 50. No model can predict noise. Symptom:

# %% [markdown] lang="zh"
# 病因：掩码像便条一样贴在张量上；裸运算会造出新的张量，便条就留在了旧的上面，一声不吭。（`Lambda`、`Reshape` 这类层也会弄丢，不过会给警告。）疗法：用会传递掩码的层，或者亲手递过去：`layer(x, mask=ids != PAD)`。本课程的模型用的是后一种。
#
# **四号病人：准确率 92%，什么也没学到。** 五个词元的随机序列，填充到 50。噪声是谁也预测不了的。症状：

# %%
noise = np.zeros((512, 51), dtype=int)
noise[:, :5] = rng.integers(1, 50, (512, 5))  # 0 is padding, 1 to 49 are tokens
inputs, targets = noise[:, :-1], noise[:, 1:]
real = targets != 0
assert (real.sum(axis=1) == 4).all()


# %%
def accuracy(mask_zero, weights):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Embedding(50, 16, mask_zero=mask_zero)]
    layers += [keras.layers.SimpleRNN(32, return_sequences=True), keras.layers.Dense(50)]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    weighted = keras.metrics.SparseCategoricalAccuracy(name="weighted")
    model.compile(
        keras.optimizers.Adam(0.01), loss, metrics=["accuracy"], weighted_metrics=[weighted]
    )
    log = model.fit(
        inputs, targets, sample_weight=weights, batch_size=64, epochs=3, verbose=0
    ).history
    hits = np.asarray(model(inputs)).argmax(axis=-1) == targets
    return log["accuracy"][-1], log["weighted"][-1], hits[real].mean()


# %% tags=["nbval-ignore-output"]
found = {"no mask": accuracy(False, None), "mask_zero": accuracy(True, None)}
found["weights"] = accuracy(False, real.astype("float32"))
print("                reported  weighted  on real tokens")
for name, numbers in found.items():
    print(f"{name:<16}" + "  ".join(f"{n:8.2f}" for n in numbers))
assert found["no mask"][0] > 0.9 and found["no mask"][2] < 0.1
assert 0.15 < found["mask_zero"][0] < 0.3 and found["weights"][1] < 0.15

# %% [markdown]
# Cause: 46 of 50 targets are padding, and the model learns to say "padding". The first row is a score on emptiness.
#
# The second row is a trap inside the cure. With `mask_zero`, Keras carries the mask of the *inputs* to the loss and the metrics. But targets are shifted by one: at the last real input the target is already padding, and that one counts. One free hit in five.
#
# Cure: weights made from the **targets**, as in the third row, and the metric under `weighted_metrics`: what stands under `metrics` ignores the weights, and here it counts 46 paddings a row that nobody trained for. (What the third row has above 1 in 49 on real tokens is noise learned by heart: these are the training sequences.)
#
# **Patient 5: before or after?** A classical model reads a window and answers at the last position. Padding goes either before the text or after it. We take the trained network, 300 stretches of 24 characters, and newlines as padding, as a tutorial would. What does the next character cost?

# %% [markdown] lang="zh"
# 病因：50 个目标里有 46 个是填充，模型学会了说“填充”。第一行的高分，是在一片虚空上得的。
#
# 第二行是疗法里的陷阱。用 `mask_zero` 时，Keras 把**输入**的掩码一路带到损失和指标那里。可目标错了一位：最后一个真实输入处，目标已经是填充了，这一个也算数。五次里白送一次命中。
#
# 疗法：按**目标**来造权重，如第三行；指标要放在 `weighted_metrics` 里，放在 `metrics` 里的不理会权重，在这里就把每行 46 个没人教过的填充也算了进去。（第三行在真实词元上高出四十九分之一的部分，是死记下来的噪声：评的正是训练用的序列。）
#
# **五号病人：填在前面，还是后面？** 经典的模型读一段文本，在最后一个位置作答。填充要么放在文本前面，要么放在后面。取训练好的网络、300 段 24 个字符的文本，照教程的做法拿换行当填充。下一个字符要花多少比特？

# %%
predict("before < after", "before = after", "before > after")

# %%
E_, W_, R_, b_, K_, c_ = english.get_weights()
with_pad = RecurrentLM(V + 1, cell="rnn", width=64, units=96, pad_id=PAD)
row, column = np.zeros((1, 64)), np.zeros((96, 1))
with_pad.set_weights(
    [np.vstack([E_, row]), W_, R_, b_, np.hstack([K_, column]), np.append(c_, -30)]
)
stretches = ids["test"][: 300 * 25].reshape(300, 25)
short, after = stretches[:, :-1], stretches[:, -1]


def cost(model, before, behind, fill):
    filled = np.pad(short, ((0, 0), (before, behind)), constant_values=fill)
    logs = log_softmax(np.asarray(model(filled), np.float64)[:, -1])
    return nats_to_bits(-logs[np.arange(300), after].mean())


# %% tags=["nbval-ignore-output"]
amounts = [0, 1, 2, 4, 8, 16]
costs = {"after, no mask": [cost(english, 0, n, 0) for n in amounts]}
costs["before, no mask"] = [cost(english, n, 0, 0) for n in amounts]
costs["before, mask"] = [cost(with_pad, n, 0, PAD) for n in amounts]
costs["after, mask"] = [cost(with_pad, 0, n, PAD) for n in amounts]
for name, row in costs.items():
    print(f"{name:<16}", "  ".join(f"{bits_:.2f}" for bits_ in row))
assert costs["after, no mask"][-1] > costs["before, no mask"][-1] + 0.5
assert_allclose(costs["before, mask"], costs["after, mask"], atol=1e-4)
assert_allclose(costs["after, mask"], costs["after, mask"][0], atol=1e-4)

# %%
figure, axes = plt.subplots(figsize=(5.6, 3))
plots.curves(
    axes,
    amounts,
    {name: costs[name] for name in ("after, no mask", "before, no mask", "after, mask")},
)
axes.set(xlabel="number of paddings", ylabel="bits for the next character")
plt.show()

# %% [markdown]
# **Figure.** Bits for the next character against the number of paddings. Padding after the text without a mask: the curve jumps up at the first padding and climbs on. Padding before the text without a mask: nearly flat. With a mask: exactly flat, on top of the line before it.

# %% [markdown] lang="zh"
# **图.** 下一个字符的比特数随填充个数的变化。填在后面、不用掩码：第一个填充就让曲线蹿上去，此后还在爬升。填在前面、不用掩码：几乎是平的。用掩码：完全是平的，与前一条线叠在一起。

# %% [markdown]
# Cause: a network reads to the end, and after sixteen paddings it remembers sixteen paddings. Padding *before* the text fades as everything fades here. So the old advice "pad before" is a remedy that lives on forgetfulness; the better the memory, the less you may count on it. Cure: a mask. Then the side doesn't matter.
#
# **Patient 6: the state that stayed.** Symptom: the score of a sentence depends on what was scored before it.

# %% [markdown] lang="zh"
# 病因：网络会一直读到末尾，读完十六个填充，记住的就是十六个填充。填在**前面**的则会淡去，正如这里的一切都会淡去。所以“填在前面”这条老经验，是靠健忘过日子的偏方：记性越好，它越靠不住。疗法：用掩码。用了掩码，填在哪边都一样。
#
# **六号病人：赖着不走的状态。** 症状：一个句子的得分，取决于在它之前给谁打过分。

# %%
x_a, x_b = rng.normal(0, 0.3, (2, 1, 5, 3)).astype("float32")
keras.utils.set_random_seed(0)
stateful = keras.layers.SimpleRNN(2, stateful=True)
alone = ops.convert_to_numpy(stateful(x_b))
stateful.reset_state()
stateful(x_a)
after_a = ops.convert_to_numpy(stateful(x_b))
stateful.reset_state()
cured = ops.convert_to_numpy(stateful(x_b))
for name, shown in {"b alone": alone, "b after a": after_a, "b, reset": cured}.items():
    print(f"{name:<10}", shown.round(3))
assert abs(after_a - alone).max() > 0.01
assert_allclose(cured, alone, atol=1e-6)

# %% [markdown]
# Cause: `stateful=True` keeps the last state until someone resets it; shuffle the batches and all scores change. Cure: `reset_state()` before each text that doesn't continue the last one. `Stateful` has it too, and the scorer of the course never meets the problem, because in `RecurrentLM` the state is an argument and a result, not a secret.
#
# **Patient 7 is you**, leaving the clinic. One test covers most of the above: *scores must not depend on how much padding is added.* Put it into every project that pads:

# %% [markdown] lang="zh"
# 病因：`stateful=True` 会一直留着最后的状态，直到有人清空它；批的次序一打乱，所有得分都跟着变。疗法：每读一段不相接的新文本，先 `reset_state()`。`Stateful` 也有这个方法；而课程的评分函数从不会碰上这个问题，因为在 `RecurrentLM` 里，状态是参数，是返回值，不是秘密。
#
# **七号病人就是你自己**，正要出院。一条测试管住上面的大半：**得分不许随填充的多少而变。** 凡是要填充的项目，都把它放进去：

# %%
padded_lines = batch  # the three lines of patient 2
reference_logits = np.asarray(with_pad(padded_lines))
for extra in (0, 1, 7, 50):
    longer = np.pad(padded_lines, ((0, 0), (0, extra)), constant_values=PAD)
    logits = np.asarray(with_pad(longer))[:, : padded_lines.shape[1]]
    assert_allclose(logits, reference_logits, atol=1e-5)
for row, line in enumerate(lines):  # and alone, without any padding
    alone = np.asarray(with_pad(tokenizer.encode(line)[None]))[0]
    assert_allclose(alone, reference_logits[row, : len(line)], atol=1e-5)
print("logits equal with 0, 1, 7 and 50 more paddings, and alone")

# %% [markdown]
# ## The same in PyTorch (to read, not to run)
#
# You will meet this model in PyTorch. It is the same arithmetic with other habits:
#
# ```python
# class CharRNN(nn.Module):
#     def __init__(self, V, D, U, layers=1):
#         super().__init__()
#         self.embedding = nn.Embedding(V, D)
#         self.rnn = nn.RNN(D, U, num_layers=layers, batch_first=True)
#         self.head = nn.Linear(U, V)
#
#     def forward(self, ids, h0=None):            # None: zeros
#         out, h = self.rnn(self.embedding(ids), h0)
#         return self.head(out), h                # (B, T, V), (layers, B, U)
#
# h = None
# for ids, targets in stream:                     # batches that continue each other
#     logits, h = model(ids, h)
#     loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
#     optimizer.zero_grad(); loss.backward()
#     nn.utils.clip_grad_norm_(model.parameters(), 1.0)
#     optimizer.step()
#     h = h.detach()
# ```
#
# Four things to know. The starting state is optional *if you let it be*: a `forward(self, x, h0)` without a default fails at the first plain call. The state has the shape `(layers, B, U)` even with `batch_first=True`, which turns only inputs and outputs. The loss wants the classes on axis 1, so logits and targets are flattened first. And a carried state drags its whole history along: without `detach()`, the second batch tries to walk back through the first, whose graph is gone, and PyTorch stops with an error. `detach` is truncated BPTT in one word. (PyTorch keeps two biases, `b_ih` and `b_hh`; their sum is our $b$.)

# %% [markdown] lang="zh"
# ## 同样的东西，PyTorch 怎么写（只读，不运行）
#
# 你迟早会在 PyTorch 里遇到这个模型。算术是一样的，习惯不同：
#
# ```python
# class CharRNN(nn.Module):
#     def __init__(self, V, D, U, layers=1):
#         super().__init__()
#         self.embedding = nn.Embedding(V, D)
#         self.rnn = nn.RNN(D, U, num_layers=layers, batch_first=True)
#         self.head = nn.Linear(U, V)
#
#     def forward(self, ids, h0=None):            # None：全零
#         out, h = self.rnn(self.embedding(ids), h0)
#         return self.head(out), h                # (B, T, V), (layers, B, U)
#
# h = None
# for ids, targets in stream:                     # 前后相接的批
#     logits, h = model(ids, h)
#     loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
#     optimizer.zero_grad(); loss.backward()
#     nn.utils.clip_grad_norm_(model.parameters(), 1.0)
#     optimizer.step()
#     h = h.detach()
# ```
#
# 要知道四件事。初始状态可以不给，**前提是你留了这个口子**：`forward(self, x, h0)` 若没有默认值，头一次只传 `x` 就报错。状态的形状是 `(layers, B, U)`，设了 `batch_first=True` 也一样，那个选项只管输入和输出。损失函数要求类别在第 1 轴，所以先把 logit 和目标摊平。还有，带着走的状态身后拖着全部历史：不写 `detach()`，第二批就想沿着第一批往回走，而那张计算图早已释放，PyTorch 便报错停下。`detach` 一个词，就是截断的 BPTT。（PyTorch 有 `b_ih` 和 `b_hh` 两个偏置，加起来就是我们的 $b$。）

# %% [markdown]
# ## The row in the lineage table
#
# 120 seconds of training on all of the text, in streams with a carried state, three seeds, with an optimizer that lesson 09 explains (Muon); the number after ± is the spread over the seeds. Here are the networks up to this lesson and the counts beside them. Predict: which orders of counting does the RNN beat?

# %% [markdown] lang="zh"
# ## 谱系表里的一行
#
# 用全部训练文本训练 120 秒，排成流，状态带着走，三个随机种子，优化器是第 09 课要讲的 Muon；± 后面是各种子之间的极差。下面是到本课为止的网络，旁边放上计数。猜一猜：RNN 胜过哪几阶计数？

# %%
from lmcourse.evaluation import lineage

measured = {}
for corpus in ("shakespeare", "sanguo"):
    print(corpus)
    for row in lineage.table(corpus):
        measured[corpus, row["model"]] = row["bits_per_character"]
        if row["lesson"] in ("03", "06", "07") or "Kneser" in row["model"]:
            spread = "" if row["spread"] is None else f" ± {row['spread']:.3f}"
            print(
                f"  {row['model']:<27} {row['bits_per_character']:.3f}{spread:<10} {row['parameters']:>9,} parameters"
            )

# %%
beaten = {}
for corpus in ("shakespeare", "sanguo"):
    counted = {n: measured[corpus, f"modified Kneser–Ney {n}-gram"] for n in range(2, 7)}
    beaten[corpus] = [n for n in counted if counted[n] > measured[corpus, "RNN"]]
    print(f"{corpus}: orders beaten by the RNN · RNN 胜过的阶", beaten[corpus])
assert {2, 3} <= set(beaten["shakespeare"]) and 6 not in beaten["shakespeare"]
assert set(beaten["sanguo"]) < set(beaten["shakespeare"])

# %% [markdown]
# The two lists are computed from the table; an empty one means none. On the plays, two minutes of a small computer take the network past the counts of pairs and triples, and not past the longest counts. On 三国演义 it beats fewer orders: thousands of kinds of characters instead of 67, and a much shorter text to learn them from. The RNN has a fixed number of parameters; the table of counts grows with every new text.
#
# ## Try it
#
# 1. *Easy.* A unit without bias and without input halves its state from step to step while the state is small. What is $R$? And how many steps does a unit with $R=0.97$ take from 0.1 to below 0.01? Estimate with $R^k$, then run it. Which is larger, and why?
#
# <details><summary>Hint</summary>Near zero the tanh is almost a straight line of slope 1; to the right of zero it stays below that line.</details>
#
# 2. *Medium.* Train the NumPy model of the clipping section in streams with a carried state, and truncate the way back after 1, 4, 16 or 64 steps; let each see the same characters. Predict the order, then measure.
#
# <details><summary>Hint</summary>`slopes_of` returns the last state; pass it to the next call. With pieces of T characters and a fixed number of characters, the number of steps is proportional to 1/T. Compare at equal characters.</details>
#
# 3. *Hard.* A text of zeros and ones. After each symbol, say whether the number of ones so far is odd. Find, on paper, weights of an RNN with two units that does it for texts of any length. No training.
#
# <details><summary>Hint</summary>Code odd and even as the two units' pattern. One unit says "at least one of (was odd, comes a one)", the other "both". Large weights make tanh a switch between −1 and 1. Odd = the first and not the second.</details>

# %% [markdown] lang="zh"
# 这两个列表由表算出；空的就是一个也没胜过。在剧本上，一台小电脑的两分钟足够让循环网络胜过二元和三元的计数，却还胜不过最长的那一阶。在《三国演义》上，它胜过的阶更少：字不是 67 种，而是几千种，可供学习的文本又短得多。RNN 的参数个数是固定的，计数表却随着每一段新文本越长越大。
#
# ## 试一试
#
# 1. **容易。** 一个没有偏置、没有输入的单元，状态很小的时候，每一步减半。$R$ 是多少？再看 $R=0.97$ 的单元，从 0.1 降到 0.01 以下要几步？先用 $R^k$ 估计，再跑一遍。哪个更大，为什么？
#
# <details><summary>提示</summary>在零附近，tanh 几乎是一条斜率为 1 的直线；在零的右边，它总在这条直线之下。</details>
#
# 2. **中等。** 把裁剪一节的 NumPy 模型放到流上训练，状态带着走，回程分别在 1、4、16、64 步处截断；让它们看到同样多的字符。先猜名次，再量。
#
# <details><summary>提示</summary>`slopes_of` 会返回最后的状态，把它传给下一次调用。每段 T 个字符，字符总数固定，步数就与 1/T 成正比。在字符数相等处比较。</details>
#
# 3. **较难。** 一段由 0 和 1 组成的文本。每读一个符号，就要说出到此为止 1 的个数是不是奇数。请在纸上为两个单元的 RNN 找出权重，让它对任意长的文本都答得对。不许训练。
#
# <details><summary>提示</summary>用两个单元的组合表示奇偶。一个单元说“（刚才是奇数、来了个 1）两者至少有一个”，另一个说“两者都是”。权重一大，tanh 就成了 −1 和 1 之间的开关。奇数 = 前者成立而后者不成立。</details>

# %% [markdown]
# ## Worked answers
#
# **1.** $R = 0.5$, since $\tanh(Rh)\approx Rh$ for small $h$. For 0.97, the estimate solves $0.1\cdot 0.97^k = 0.01$. The real unit is never slower: each tanh takes a little off.

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** $R = 0.5$，因为 $h$ 很小时 $\tanh(Rh)\approx Rh$。对 0.97，估计值由 $0.1\cdot 0.97^k = 0.01$ 解出。真实的单元不会更慢：每过一次 tanh，都会再扣掉一点点。

# %%
estimate = np.log(0.1) / np.log(0.97)
h, steps = 0.1, 0
while h >= 0.01:
    h, steps = np.tanh(0.97 * h), steps + 1
print(f"estimate {estimate:.1f} steps, real {steps}")
assert steps <= np.ceil(estimate)

# %% [markdown]
# **2.** At equal numbers of characters, the question has two sides. Longer pieces give a truer gradient; shorter pieces give more steps. What wins depends on the budget:

# %% [markdown] lang="zh"
# **2.** 字符数相等时，这个问题有两面：段长一些，梯度更准；段短一些，步数更多。谁赢，要看预算：


# %% tags=["nbval-ignore-output"]
def in_streams(T, characters=4096, rows=16, rate=1.0):
    weights, state = fresh(48, 1.0), np.zeros((rows, 48))
    batches = stream_batches(ids["train"][:400_000], rows, T)
    losses = []
    for number in range(characters // T):
        loss, gradients, state = slopes_of(weights, *batches(number), state)
        gradients, _ = clip(gradients, 1.0)
        weights = [w - rate * g for w, g in zip(weights, gradients, strict=True)]
        losses.append(loss)
    return np.mean(losses[-len(losses) // 4 :])


by_piece = {T: in_streams(T) for T in (1, 4, 16, 64)}
for T, loss in by_piece.items():
    print(f"pieces of {T:>2}: {4096 // T:>4} steps, loss {loss:.2f} nats")
assert min(by_piece, key=by_piece.get) in (4, 16)

# %% [markdown]
# Neither end wins. Pieces of one character have the most steps, but no slope ever crosses a step, and what the state should keep is never taught. Pieces of 64 have the truest gradient and hardly any steps. Truncation is not only a makeshift, it is also a trade.
#
# **3.** Write $o$ for "odd so far" and $x$ for "a one comes". The new $o$ is ($o$ or $x$) and not ($o$ and $x$). Let unit 1 say *or* and unit 2 say *and*, each as ±1. Before the step, $o$ is 1 if unit 1 is up and unit 2 is down, that is, if $(h_1-h_2)/2 = 1$, and 0 otherwise (the pattern "and without or" can't occur). With a large $s$, unit 1 is $\tanh(s(x+o-\frac12))$ and unit 2 is $\tanh(s(x+o-\frac32))$. All of it is linear in $h$, so it *is* an RNN: $W=(s,s)$, both columns of $R$ are $(\frac s2, -\frac s2)$, $b=(-\frac s2, -\frac{3s}2)$.

# %% [markdown] lang="zh"
# 两头都赢不了。一个字符一段，步数最多，可没有一条斜率跨得过一步，状态该记住什么，从来没人教它；64 个字符一段，梯度最准，却走不了几步。截断不只是权宜之计，也是一笔交易。
#
# **3.** 记 $o$ 为“到此为止是奇数”，$x$ 为“来了个 1”。新的 $o$ 是（$o$ 或 $x$）且非（$o$ 且 $x$）。让 1 号单元说“或”，2 号单元说“且”，都用 ±1 表示。走这一步之前，若 1 号为正、2 号为负，即 $(h_1-h_2)/2 = 1$，则 $o$ 是 1，否则是 0（“且”成立而“或”不成立的组合不会出现）。取很大的 $s$，1 号单元是 $\tanh(s(x+o-\frac12))$，2 号单元是 $\tanh(s(x+o-\frac32))$。它们对 $h$ 都是线性的，所以这**就是**一个 RNN：$W=(s,s)$，$R$ 的两列都是 $(\frac s2, -\frac s2)$，$b=(-\frac s2, -\frac{3s}2)$。

# %%
s = 20.0
parity = (
    np.array([[s, s]]),
    np.array([[s / 2, s / 2], [-s / 2, -s / 2]]),
    np.array([-s / 2, -1.5 * s]),
)
symbols = rng.integers(0, 2, (1, 1000))
outputs, _ = rnn(symbols[..., None], np.zeros((1, 2)), *parity)
odd = (outputs[0, :, 0] - outputs[0, :, 1]) / 2 > 0.5
print("symbols", symbols[0, :12], "\nodd    ", odd[:12].astype(int))
assert (odd == np.cumsum(symbols[0]) % 2).all()
print("right at all", len(odd), "positions")

# %% [markdown]
# No window, however long, can do this: one symbol beyond its edge flips every answer. A recurrent network of two units can. (And try to *learn* it by gradient from long texts: the slopes through these saturated switches are as good as zero. What a network can do and what it can learn are two things.)
#
# ## What we know now
#
# - A recurrent network hands a state of fixed size from step to step: $h_t = \tanh(x_tW + h_{t-1}R + b)$. It has no window, and its size doesn't depend on how far it looks.
# - Backpropagation through time is the chain rule of calculus on the unrolled network; the steps share their weights, so their gradients add up. Truncation drops what would cross the cut.
# - Over $k$ steps the slope is a product of $k$ matrices, at most $\sigma^k$. Below 1 it vanishes, above 1 it may explode; clipping by the global norm holds the second, and nothing so simple holds the first. A state that is held firmly lets no slope through.
# - Masks: True means keep; pass them by hand; weigh the loss by the targets; scores must not depend on padding. State: reset it, or carry it on purpose.
#
# ## What it still can't do
#
# It can hold a bit for a thousand steps, and our training did not teach it to hold one for twenty. What we want is a memory that can be written, kept and read, with a way back on which slopes are not crushed at every step. That is the LSTM of lesson 08.
#
# ## References
#
# - J. L. Elman, *Finding Structure in Time* (1990).
# - P. J. Werbos, *Backpropagation Through Time: What It Does and How to Do It* (1990); R. J. Williams, J. Peng, *An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories* (1990): truncation.
# - S. Hochreiter, *Untersuchungen zu dynamischen neuronalen Netzen* (1991); Y. Bengio, P. Simard, P. Frasconi, *Learning Long-Term Dependencies with Gradient Descent is Difficult* (1994): vanishing gradients.
# - T. Mikolov et al., *Recurrent Neural Network Based Language Model* (2010).
# - R. Pascanu, T. Mikolov, Y. Bengio, *On the Difficulty of Training Recurrent Neural Networks* (2013): clipping by the norm.
# - Texts: William Shakespeare's plays and 罗贯中, 三国演义 (*Romance of the Three Kingdoms*), both in the public domain.

# %% [markdown] lang="zh"
# 窗口再长也做不到这一点：窗外的一个符号，就会把所有答案颠倒过来。两个单元的循环网络却做得到。（不妨试试用梯度从长文本里**学**会它：穿过这些饱和的开关，斜率几乎是零。一个网络能做什么，和它能学会什么，是两回事。）
#
# ## 现在我们知道
#
# - 循环网络把大小固定的状态一步步传下去：$h_t = \tanh(x_tW + h_{t-1}R + b)$。它没有窗口，大小也与看多远无关。
# - 沿时间的反向传播，就是在展开的网络上使用求导的链式法则；各步共用权重，所以梯度相加。截断丢掉的是本该越过剪口的那一项。
# - 隔 $k$ 步，斜率是 $k$ 个矩阵的连乘，至多 $\sigma^k$。小于 1 会消失，大于 1 可能爆炸；按整体范数裁剪管得住后者，前者没有这么简单的办法。记得牢的状态，斜率穿不过去。
# - 掩码：True 表示保留；亲手传递；按目标给损失加权；得分不许随填充而变。状态：要么清空，要么有意带着走。
#
# ## 它还做不到
#
# 它能把一个比特保持一千步，我们的训练却没能教会它保持二十步。我们想要一种记忆，能写、能存、能读，还要有一条回头路，斜率走在上面不会步步挨压。这就是第 08 课的 LSTM。
#
# ## 参考文献
#
# - J. L. Elman, *Finding Structure in Time* (1990)。
# - P. J. Werbos, *Backpropagation Through Time: What It Does and How to Do It* (1990)；R. J. Williams, J. Peng, *An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories* (1990)：截断。
# - S. Hochreiter, *Untersuchungen zu dynamischen neuronalen Netzen* (1991)；Y. Bengio, P. Simard, P. Frasconi, *Learning Long-Term Dependencies with Gradient Descent is Difficult* (1994)：梯度消失。
# - T. Mikolov 等, *Recurrent Neural Network Based Language Model* (2010)。
# - R. Pascanu, T. Mikolov, Y. Bengio, *On the Difficulty of Training Recurrent Neural Networks* (2013)：按范数裁剪。
# - 文本：莎士比亚戏剧与罗贯中《三国演义》，均属公有领域。
