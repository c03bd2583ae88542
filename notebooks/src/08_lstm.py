# %% [markdown]
# # 08 · LSTM
# **Prerequisites:** [07 · Recurrent networks](07_rnn.ipynb), the chain rule of calculus · **Minutes:** 90 · **Modules:** `reference/lstm.py`, `reference/gru.py`, `layers/recurrent.py`, `models/rnn.py`, `models/charlstm.py` · **Previous:** [07 · RNN](07_rnn.ipynb) · **Next:** [09 · Training](09_training.ipynb)
#
# The recurrent network of lesson 07 reads a text of any length with one fixed set of weights. On paper it can remember anything. In training it forgets, because the message "you should have remembered this" fades on its way back, by a factor at every step.
#
# **Question: can a network be built so that a memory, and the slope that teaches it, cross a hundred steps without fading?**
#
# The answer is from 1997, with a part added in 2000, and it fits into one line: $c_t = f_t \odot c_{t-1} + i_t \odot g_t$. The old memory is not pushed through a weight matrix and a tanh. It is *kept*, and something is *added*. The rest is three valves that decide how much.

# %% [markdown] lang="zh"
# # 08 · LSTM
# **先修：** [07 · 循环神经网络](07_rnn.ipynb)，求导的链式法则 · **用时：** 90 分钟 · **模块：** `reference/lstm.py`、`reference/gru.py`、`layers/recurrent.py`、`models/rnn.py`、`models/charlstm.py` · **上一课：** [07 · RNN](07_rnn.ipynb) · **下一课：** [09 · 训练](09_training.ipynb)
#
# 第 07 课的循环神经网络，用一套固定的权重就能读任意长的文本。纸面上，它什么都记得住；训练起来，它却会忘，因为“这件事你当初该记住”这句话，往回传一步就弱一截。
#
# **问题：能不能造一种网络，让记忆，以及教会它记忆的那个斜率，走过一百步也不衰减？**
#
# 答案出在 1997 年，2000 年又添了一个零件，一行就写得下：$c_t = f_t \odot c_{t-1} + i_t \odot g_t$。旧的记忆不再被塞进权重矩阵和 tanh 里绞一遍，而是**留着**，再往上**加**点东西。剩下的就是三个阀门，管留多少、加多少、亮出多少。

# %%
import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation.probability import nats_to_bits, score
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.reference.gru import gru, gru_backward
from lmcourse.reference.lstm import lstm, lstm_backward, sigmoid
from lmcourse.reference.rnn import rnn, rnn_backward
from lmcourse.reference.softmax import cross_entropy

rng = setup(seed=0)

# %% [markdown]
# ## Why a good memory is a bad pupil
#
# Lesson 07 left a riddle: one unit can hold a bit for ever, and yet training never finds out how. Look at it once more, $h_t = \tanh(r\,h_{t-1})$, no input, $r = 2$. Start anywhere above zero and it settles at one number; start below, and it settles at the opposite one. Two resting places, one bit, kept for ever:

# %% [markdown] lang="zh"
# ## 记性好的，偏偏教不会
#
# 第 07 课留下一个谜：一个单元就能把一个比特守一辈子，训练却总找不到办法。再看一眼：$h_t = \tanh(r\,h_{t-1})$，没有输入，$r = 2$。从零以上任何地方出发，最后都停在同一个数上；从零以下出发，就停在它的相反数上。两个落脚点，一个比特，永远不丢：

# %%
for start in (0.05, 0.9, -0.05):
    h, path = start, []
    for _ in range(12):
        h = np.tanh(2 * h)
        path.append(h)
    print(f"from {start:5.2f}:", np.round(path[:5], 2), "...", round(path[-1], 3))
rest = path[-1]
assert_allclose(rest, np.tanh(2 * rest), atol=1e-5)

# %% [markdown]
# Now let us teach it. How much does the memory after $k$ steps change if the start changes a little? By the chain rule it is a product with one factor per step, and at the resting place all factors are equal: $\tanh'(2h)\cdot 2 = 2\,(1 - h_t^2)$. What is that number, and its twentieth power?

# %% [markdown] lang="zh"
# 现在来教它。起点变一点点，$k$ 步之后的记忆会变多少？由链式法则，这是一个乘积，每步一个因子；在落脚点上，各因子都相等：$\tanh'(2h)\cdot 2 = 2\,(1 - h_t^2)$。这个数是多少？它的二十次方呢？

# %%
predict("factor ≈ 1, power ≈ 1", "factor ≈ 0.9, power ≈ 0.1", "factor ≈ 0.2, power ≈ 1e-15")

# %%
factor = 2 * (1 - rest**2)
print(f"one step {factor:.3f}, twenty steps {factor**20:.0e}")
assert factor**20 < 1e-14

# %% [markdown]
# This is no accident of $r = 2$. A memory is safe when small disturbances die out: then the factor is below one, and then the slope dies out as well. A factor above one would carry the slope, but it would carry every disturbance too, and the memory would be lost. **What makes the memory safe is what makes it impossible to teach** (Bengio, Simard & Frasconi 1994).
#
# The way out is a factor of *exactly* one, which neither forgets nor explodes: $c_t = c_{t-1} + \text{something}$. Then the network also needs a way to say when to add, when to wipe, and when to keep its mouth shut.
#
# ## Four blocks
#
# A **long short-term memory** (LSTM) has two vectors of $U$ numbers that travel through time: the **cell** $c_t$, which remembers, and the hidden state $h_t$, which speaks. At each step it looks at the input $x_t$ and at its last word $h_{t-1}$ and computes four blocks of $U$ numbers, each with its own weights $W$, $R$ and bias $b$:
#
# $$\begin{aligned} i_t &= \sigma(x_t W_i + h_{t-1} R_i + b_i) && \text{input gate: how much to write} \\ f_t &= \sigma(x_t W_f + h_{t-1} R_f + b_f) && \text{forget gate: how much to keep} \\ g_t &= \tanh(x_t W_g + h_{t-1} R_g + b_g) && \text{candidate: what to write} \\ o_t &= \sigma(x_t W_o + h_{t-1} R_o + b_o) && \text{output gate: how much to show} \end{aligned}$$
#
# $$c_t = f_t \odot c_{t-1} + i_t \odot g_t \qquad\qquad h_t = o_t \odot \tanh(c_t)$$
#
# $\odot$ multiplies number by number. $\sigma$ is the **sigmoid**, $\sigma(a) = 1/(1+e^{-a})$, the softmax of two scores $a$ and 0: it squeezes any number between 0 and 1. So a **gate** is a valve, 0 for shut and 1 for open, and the network learns when to turn it. (Mind the name: the forget gate *keeps* when it is open.)
#
# One unit, one input, one step by hand. We choose weights for which the gates come out as fractions, since $\sigma(\ln 3) = \tfrac34$, $\sigma(-\ln 3) = \tfrac14$ and $\tanh(\ln 2) = \tfrac35$:

# %% [markdown] lang="zh"
# 这并不是 $r = 2$ 凑巧如此。小小的扰动会自己消退，记忆才稳得住：这时因子小于一，斜率也就跟着消退。因子大于一，斜率倒是传得过去，可任何扰动也一样被放大，记忆就毁了。**让记忆安稳的，正是让它教不会的**（Bengio、Simard、Frasconi，1994）。
#
# 出路是让因子**恰好**等于一，既不遗忘也不爆炸：$c_t = c_{t-1} + \text{某个东西}$。这样一来，网络还得有办法决定什么时候写、什么时候擦、什么时候闭嘴。
#
# ## 四块
#
# **长短期记忆网络**（LSTM）有两个长为 $U$ 的向量在时间里穿行：**细胞** $c_t$ 管记，隐状态 $h_t$ 管说。每一步，它看一眼输入 $x_t$，再看一眼自己上次说的 $h_{t-1}$，算出四块数，每块 $U$ 个，各有各的权重 $W$、$R$ 和偏置 $b$：
#
# $$\begin{aligned} i_t &= \sigma(x_t W_i + h_{t-1} R_i + b_i) && \text{输入门：写多少} \\ f_t &= \sigma(x_t W_f + h_{t-1} R_f + b_f) && \text{遗忘门：留多少} \\ g_t &= \tanh(x_t W_g + h_{t-1} R_g + b_g) && \text{候选值：写什么} \\ o_t &= \sigma(x_t W_o + h_{t-1} R_o + b_o) && \text{输出门：说多少} \end{aligned}$$
#
# $$c_t = f_t \odot c_{t-1} + i_t \odot g_t \qquad\qquad h_t = o_t \odot \tanh(c_t)$$
#
# $\odot$ 是逐个数相乘。$\sigma$ 是 **sigmoid**，$\sigma(a) = 1/(1+e^{-a})$，也就是分数 $a$ 与 0 的 softmax：它把任何数压到 0 和 1 之间。所以**门**就是阀门，0 是关死，1 是全开，什么时候拧、拧多少，由网络自己学。（名字要留神：遗忘门**开着**是“留下”。）
#
# 一个单元、一个输入，动手算一步。我们挑一组权重，让门恰好是分数：$\sigma(\ln 3) = \tfrac34$，$\sigma(-\ln 3) = \tfrac14$，$\tanh(\ln 2) = \tfrac35$：

# %%
W = np.array([np.log(3), 0.0, np.log(2), -np.log(3)])  # of the input, in the order i, f, g, o
R = np.array([0.0, 2.0, -1.0, 0.0])  # of the last hidden state
b = np.array([0.0, 0.0, 0.0, 0.0])
h, c = 0.0, 0.4  # nothing said so far, something remembered
a = 1.0 * W + h * R + b  # the input is 1
i, f, g, o = sigmoid(a[0]), sigmoid(a[1]), np.tanh(a[2]), sigmoid(a[3])
print(f"i {i:.3f}  f {f:.3f}  g {g:.3f}  o {o:.3f}")
c1 = f * c + i * g
h1 = o * np.tanh(c1)
print(f"c = {f:.2f} * {c} + {i:.2f} * {g:.2f} = {c1:.3f},  h = {o:.2f} * tanh({c1:.2f}) = {h1:.3f}")
assert_allclose([i, f, g, o, c1], [3 / 4, 1 / 2, 3 / 5, 1 / 4, 0.65])

# %% [markdown]
# Half of the old 0.4 was kept, three quarters of the candidate 0.6 were written: $0.2 + 0.45 = 0.65$. Then a quarter of $\tanh(0.65)$ was said aloud. Two things to notice. The cell isn't bounded: it may count to five, while $g$ and $h$ always stay within ±1. And the output gate hides: a cell may know what it keeps to itself.
#
# A second step, with input 0, so that only the hidden state speaks:

# %% [markdown] lang="zh"
# 原来的 0.4 留下一半，候选值 0.6 写进四分之三：$0.2 + 0.45 = 0.65$；然后把 $\tanh(0.65)$ 说出四分之一。有两点值得留意：细胞没有上下限，数到五也行，而 $g$ 和 $h$ 总在 ±1 之间；输出门能藏话，细胞心里知道的，不一定说出口。
#
# 第二步输入取 0，只剩隐状态在说话：

# %%
a = 0.0 * W + h1 * R + b
i, f, g, o = sigmoid(a[0]), sigmoid(a[1]), np.tanh(a[2]), sigmoid(a[3])
c2 = f * c1 + i * g
h2 = o * np.tanh(c2)
print(f"i {i:.3f}  f {f:.3f}  g {g:.3f}  o {o:.3f}   c {c2:.3f}  h {h2:.3f}")
as_state = (np.array([[0.0]]), np.array([[0.4]]))
outputs, (last_h, last_c), cache = lstm([[[1.0], [0.0]]], as_state, W[None], R[None], b)
assert_allclose(outputs[0, :, 0], [h1, h2])
assert_allclose(last_c, [[c2]])
assert_allclose(cache["gates"][0, 1, :, 0], [i, f, g, o])

# %% [markdown]
# The last lines compare our two steps with the package's LSTM in plain NumPy. The four blocks lie side by side in *one* matrix $W$ of shape `(D, 4U)`, so that one product computes them all. The source calls $g$ `candidate`; its heart is the loop:

# %% [markdown] lang="zh"
# 最后几行，是拿我们的两步与包里用纯 NumPy 写的 LSTM 对质。四块权重并排放在**一个**形状为 `(D, 4U)` 的矩阵 $W$ 里，一次乘法就全算出来。源码里 $g$ 叫 `candidate`，核心是那个循环：

# %%
show_source(lstm)

# %% [markdown]
# ## A memory, built by hand
#
# Before any training: can these valves do what we want? The language `Agreement` of lessons 01 and 07 writes sentences such as `A t s u s a`: a subject in capitals, some filler, and a verb that must agree with the subject. To know the verb, one has to carry one bit across the filler.
#
# We need a single cell. Write on a capital: +1 for `A`, −1 for `B`. On fillers: don't write, don't forget. On a verb: wipe. In scores, 10 stands for open and −10 for shut:

# %% [markdown] lang="zh"
# ## 亲手造一个记忆
#
# 先不训练，看看这些阀门办不办得到：第 01、07 课的语言 `Agreement` 写的句子像 `A t s u s a`：大写的是主语，接着是几个填充词，最后是必须与主语一致的动词。要知道动词是哪个，就得把一个比特带过那串填充词。
#
# 一个细胞就够了。遇到大写就写：`A` 写 +1，`B` 写 −1；遇到填充词，不写也不忘；遇到动词，擦掉。分数 10 当“开”，−10 当“关”：

# %%
#                 A    B    filler  verb
write = np.array([10, 10, -10, -10.0])  # input gate
keep = np.array([-10, -10, 10, -10.0])  # forget gate
what = np.array([10, -10, 0, 0.0])  # candidate
show = np.array([10, 10, 10, 10.0])  # output gate
W = np.stack([write, keep, what, show], axis=1)  # (D, 4U) with D = 4, U = 1
nothing = (np.zeros((1, 1)), np.zeros((1, 1)))


def read(kinds):
    x = np.eye(4)[kinds][None]  # one-hot
    return lstm(x, nothing, W, np.zeros((1, 4)), np.zeros(4))


_, _, cache = read([0, 2, 2, 2, 3, 1, 2, 3])
print("      A     .     .     .     a     B     .     b")
for name, row in zip("ifgo", cache["gates"][0, :, :, 0].T, strict=True):
    print(name, " ".join(f"{v.round(2) + 0:5.2f}" for v in row))  # + 0: no minus before 0.00
print("c", " ".join(f"{v.round(2) + 0:5.2f}" for v in cache["cells"][0, 1:, 0]))

# %% [markdown]
# The cell goes to 1 at `A`, stays there across the filler, is wiped by the verb, goes to −1 at `B`. How long does it last? The forget gate is $\sigma(10) \approx 0.99995$, not quite 1. After 1000 fillers:

# %% [markdown] lang="zh"
# 细胞在 `A` 处变成 1，过填充词时原地不动，动词把它擦掉，到 `B` 处变成 −1。能留多久？遗忘门是 $\sigma(10) \approx 0.99995$，离 1 还差一丝。一千个填充词之后：

# %%
_, (_, c_a), _ = read([0] + [2] * 1000)
_, (_, c_b), _ = read([1] + [2] * 1000)
print("after 1000 fillers:", c_a.round(3).item(), "and", c_b.round(3).item())
assert_allclose(c_a, [[sigmoid(10) ** 1001 * np.tanh(10)]])  # written once, kept 1000 times
assert c_a > 0.95 and c_b < -0.95

# %% [markdown]
# So the valves suffice. Whether a network *finds* such weights is another question, and it is a question about slopes.
#
# ## The slope along the cell
#
# Back to the one line, $c_t = f_t \odot c_{t-1} + i_t \odot g_t$. Hold everything else still and differentiate:
#
# $$\frac{\partial c_t}{\partial c_{t-1}} = \mathrm{diag}(f_t)$$
#
# No weight matrix, no tanh. Over many steps, along this road,
#
# $$\frac{\partial c_T}{\partial c_t} = \mathrm{diag}\Bigl(\prod_{s=t+1}^{T} f_s\Bigr)$$
#
# In the plain RNN the factor is $\mathrm{diag}(1-h_t^2)\,R^\top$, the same $R$ at every step, and nobody can choose it anew. Here the factor is a *gate*: the network chooses it, per unit and per step. Open, the slope passes undiminished. Shut, the past is cut off, on purpose.
#
# There is a second road, $c_{t-1} \to h_{t-1} \to$ the gates at $t$. It leads through $R$ and through flattened slopes, as in the RNN. With $R = 0$ only the first is left. Finite differences and the package's backward pass are our witnesses:

# %% [markdown] lang="zh"
# 可见阀门够用。网络自己**找不找得到**这样的权重，则是另一个问题，一个关于斜率的问题。
#
# ## 沿着细胞的斜率
#
# 回到那一行：$c_t = f_t \odot c_{t-1} + i_t \odot g_t$。别的都按住不动，求导：
#
# $$\frac{\partial c_t}{\partial c_{t-1}} = \mathrm{diag}(f_t)$$
#
# 没有权重矩阵，也没有 tanh。沿这条路走很多步，就是
#
# $$\frac{\partial c_T}{\partial c_t} = \mathrm{diag}\Bigl(\prod_{s=t+1}^{T} f_s\Bigr)$$
#
# 在普通的 RNN 里，这个因子是 $\mathrm{diag}(1-h_t^2)\,R^\top$，每一步都是同一个 $R$，没有谁能临时换掉它。在这里，因子是一扇**门**：逐个单元、逐个时刻，由网络自己选。开着，斜率原样通过；关上，就把过去切断，而且是有意切断。
#
# 还有第二条路：$c_{t-1} \to h_{t-1} \to$ 时刻 $t$ 的各个门，要穿过 $R$ 和压平了的斜率，与 RNN 里一样。令 $R = 0$，就只剩第一条。有限差分和包里的反向传播来作证：

# %%
D, U, T = 3, 4, 6
x, W = rng.normal(size=(1, T, D)), rng.normal(size=(D, 4 * U))
R, b = 0.5 * rng.normal(size=(U, 4 * U)), rng.normal(size=4 * U)
h0, c0 = rng.normal(size=(2, 1, U))


def jacobian(R, step=1e-6):  # how the last cell moves with the first
    moved = [
        [lstm(x, (h0, c0 + s * row), W, R, b)[1][1][0] for s in (step, -step)] for row in np.eye(U)
    ]
    return np.array([(up - down) / (2 * step) for up, down in moved])


for name, weights in {"R = 0": 0 * R, "R as drawn": R}.items():
    product = lstm(x, (h0, c0), W, weights, b)[2]["gates"][0, :, 1].prod(axis=0)
    print(
        f"{name:<11} diagonal {np.diag(jacobian(weights)).round(4)}  product of f {product.round(4)}"
    )
assert_allclose(
    jacobian(0 * R), np.diag(lstm(x, (h0, c0), W, 0 * R, b)[2]["gates"][0, :, 1].prod(0)), atol=1e-8
)

# %% [markdown]
# With $R = 0$ the diagonal *is* the product of the forget gates. With $R$ as drawn, the second road adds or takes away something.
#
# Now over distance. We put a slope of length 1 on the last hidden state and let the hand-written backward pass carry it back to the state $k$ steps earlier (for the LSTM: to $h$ and $c$ together). All weights are random, none is trained. The plain RNN gets a rotation as its $R$. The LSTMs differ among themselves in nothing but the bias $b_f$ of the forget gate; their $R$ is small, four rotations divided by 4, so that the road along the cell shows. That bias sets the gate before anything is learned, $f \approx \sigma(b_f)$, so we expect a line that falls like $\sigma(b_f)^k$:

# %% [markdown] lang="zh"
# $R = 0$ 时，对角线**就是**各步遗忘门的乘积；换上随机的 $R$，第二条路又添上或扣掉一些。
#
# 再看它随距离怎么变。在最后的隐状态上放一个长度为 1 的斜率，用手写的反向传播把它送回 $k$ 步之前的状态（LSTM 是 $h$ 和 $c$ 合在一起量）。权重都是随机的，没有训练过。普通 RNN 的 $R$ 是一个旋转；几个 LSTM 之间只差遗忘门的偏置 $b_f$，它们的 $R$ 取得小，是四个旋转各除以 4，好让沿着细胞的那条路显出来。什么都没学的时候，这个偏置就决定了门，$f \approx \sigma(b_f)$，所以我们预期曲线像 $\sigma(b_f)^k$ 那样下降：

# %%
U, D, distances = 32, 16, np.array([1, 2, 5, 10, 20, 40, 60, 80])
dice = np.random.default_rng(1)
noise = dice.normal(size=(8, 80, D))
kernel = dice.normal(size=(D, 4 * U)) / np.sqrt(D)
turns = [np.linalg.qr(dice.normal(size=(U, U)))[0] for _ in range(4)]  # R of the RNN: a rotation
recurrent = np.concatenate(turns, axis=1) / 4
start = np.zeros((8, U))


def on_the_last(k):  # slope 1 on the hidden state after k steps, 0 on those before
    d_outputs = np.zeros((8, k, U))
    d_outputs[:, -1] = 1 / np.sqrt(U)
    return d_outputs


def slope_of_lstm(bias, k):
    biases = np.repeat([0.0, bias, 0.0, 0.0], U)
    cache = lstm(noise[:, :k], (start, start), kernel, recurrent, biases)[2]
    d_state = lstm_backward(on_the_last(k), cache)[1]
    return np.linalg.norm(np.concatenate(d_state, axis=1), axis=1).mean()


def slope_of_rnn(k):
    cache = rnn(noise[:, :k], start, kernel[:, :U], turns[0], np.zeros(U))[1]
    return np.linalg.norm(rnn_backward(on_the_last(k), cache)[1], axis=1).mean()


# %%
of_rnn = [slope_of_rnn(k) for k in distances]
fans = {bias: [slope_of_lstm(bias, k) for k in distances] for bias in (0, 1, 3, 5)}


def draw(axes, forget_bias):
    axes.set_yscale("log")
    axes.plot(distances, of_rnn, color=plots.GREY, label="RNN")
    axes.plot(distances, fans[forget_bias], label="LSTM")
    gate = sigmoid(forget_bias)
    axes.plot(distances, fans[forget_bias][0] * gate ** (distances - 1.0), ":", label="$f^{k-1}$")
    axes.set(xlabel="distance $k$ (steps)", ylabel="length of slope", ylim=(1e-12, 1e3))
    axes.legend(loc="upper right", ncols=3, fontsize=7, handlelength=1.2, columnspacing=0.8)


explore(draw, forget_bias=list(fans))
print(
    "after 40 steps: RNN", f"{of_rnn[5]:.0e}", {bias: f"{fan[5]:.0e}" for bias, fan in fans.items()}
)
assert fans[0][5] < of_rnn[5] < fans[1][5] < fans[3][5] < fans[5][5]
for bias in (1, 3, 5):
    along_the_cell = fans[bias][0] * sigmoid(bias) ** (distances - 1.0)
    assert (abs(np.log10(fans[bias] / along_the_cell)) < 0.5).all()

# %% [markdown]
# **Figure.** How long the slope at the last hidden state still is, $k$ steps earlier, on a logarithmic scale, in four panels for four biases of the forget gate. Grey, the same in all panels: the RNN, which has all but faded after 40 steps. Blue: the LSTM. With a bias of 0 it fades even faster than the RNN; with 1 it wins; with 3 and 5 it is nearly level. The dotted line, the power $f^{k-1}$ of the forget gate alone, runs along with the blue one; only at bias 0 the blue one falls less steeply, for there the second road counts.

# %% [markdown] lang="zh"
# **图.** 最后一个隐状态上的斜率，传回 $k$ 步之前还剩多长；纵轴是对数刻度，四幅小图对应遗忘门的四种偏置。灰线四幅相同，是 RNN，40 步之后已所剩无几。蓝线是 LSTM：偏置取 0，它比 RNN 衰减得还快；取 1 就反超；取 3 和 5，几乎是平的。点线是单靠遗忘门算出的 $f^{k-1}$，与蓝线并肩而行；只有偏置为 0 时，蓝线降得缓一些，因为第二条路这时显出了分量。

# %% [markdown]
# So an LSTM isn't immune by birth. With half-open gates, $f = \tfrac12$, its slope halves at every step, and the RNN does better. **The forget gate is the dial.** A memory with gate $f$ lasts about $1/(1-f)$ steps, until roughly a third of it is left: 2 for $b_f = 0$, 4 for 1, 21 for 3, 149 for 5. That is why Keras starts the forget gate with a bias of 1 (the switch is called `unit_forget_bias`; in PyTorch you have to do it yourself), and why the paper that compared ten thousand variants of recurrent cells ended by recommending it (Jozefowicz, Zaremba & Sutskever 2015). Training then moves the dial, unit by unit.

# %% [markdown] lang="zh"
# 可见 LSTM 并非天生免疫。门半开着，$f = \tfrac12$，斜率每步减半，还不如 RNN。**遗忘门才是那个旋钮。** 门开到 $f$，记忆大约能维持 $1/(1-f)$ 步，之后只剩三分之一上下：$b_f = 0$ 是 2 步，1 是 4 步，3 是 21 步，5 是 149 步。所以 Keras 让遗忘门的偏置从 1 起步（这个开关叫 `unit_forget_bias`；用 PyTorch 得自己动手设）；有一篇论文比较了上万种循环单元，最后的建议也是这一条（Jozefowicz、Zaremba、Sutskever，2015）。往后的训练，再逐个单元去拧这个旋钮。

# %%
for bias in (0, 1, 3, 5):
    print(f"bias {bias}: gate {sigmoid(bias):.3f}, lasts {1 / (1 - sigmoid(bias)):.0f} steps")
assert_allclose(
    [1 / (1 - sigmoid(bias)) for bias in (0, 1, 3, 5)], [2, 3.7, 21.1, 149.4], atol=0.05
)

# %% [markdown]
# ## GRU: two gates instead of three
#
# In 2014, seventeen years after the LSTM, somebody asked how many of these parts are needed. The **gated recurrent unit** (GRU) has one vector $h_t$ for both jobs, and two gates, **update** and **reset**:
#
# $$\begin{aligned} z_t &= \sigma(x_t W_z + h_{t-1} R_z + b_z) && \text{update gate: how much of the old stays} \\ r_t &= \sigma(x_t W_r + h_{t-1} R_r + b_r) && \text{reset gate: how much of the old the candidate may see} \\ g_t &= \tanh(x_t W_g + (r_t \odot h_{t-1}) R_g + b_g) && \text{candidate} \end{aligned}$$
#
# $$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot g_t$$
#
# (This $z_t$ is a gate, not a row of logits.) Keeping and writing are coupled: what is kept can't be overwritten. The state is a weighted mean, so it stays within ±1, and a GRU can't count to five. The straight road backwards has the factor $z_t$, exactly as $f_t$ in the LSTM.
#
# Some papers write it the other way around, $h_t = (1-z_t)\odot h_{t-1} + z_t\odot g_t$. The network doesn't mind, since $1-\sigma(a)=\sigma(-a)$. You will, when you copy weights. By hand: the input weights are 0 and the biases $\ln 3$, $0$, $\ln 2$, so that $z = \tfrac34$ and $r = \tfrac12$; the old state is $-0.4$, and $R_g = 1$:

# %% [markdown] lang="zh"
# ## GRU：三个门减成两个
#
# 2014 年，LSTM 问世十七年后，有人问：这些零件非要这么多吗？**门控循环单元**（GRU）用一个向量 $h_t$ 身兼两职，只有两个门，**更新门**和**重置门**：
#
# $$\begin{aligned} z_t &= \sigma(x_t W_z + h_{t-1} R_z + b_z) && \text{更新门：旧的留多少} \\ r_t &= \sigma(x_t W_r + h_{t-1} R_r + b_r) && \text{重置门：候选值能看见多少旧的} \\ g_t &= \tanh(x_t W_g + (r_t \odot h_{t-1}) R_g + b_g) && \text{候选值} \end{aligned}$$
#
# $$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot g_t$$
#
# （这里的 $z_t$ 是门，不是一行 logit。）留和写绑在了一起：留下的就不会被改写。状态是加权平均，始终在 ±1 之间，所以 GRU 数不到五。往回的直路上，因子是 $z_t$，和 LSTM 的 $f_t$ 一个角色。
#
# 有些论文把它反过来写：$h_t = (1-z_t)\odot h_{t-1} + z_t\odot g_t$。网络无所谓，因为 $1-\sigma(a)=\sigma(-a)$；可你抄权重的时候就有所谓了。动手算：输入权重全取 0，三个偏置取 $\ln 3$、$0$、$\ln 2$，于是 $z = \tfrac34$，$r = \tfrac12$；旧状态是 $-0.4$，$R_g = 1$：

# %%
z, r, old = sigmoid(np.log(3)), sigmoid(0.0), -0.4
g = np.tanh(np.log(2) + (r * old) * 1.0)
new = z * old + (1 - z) * g
print(f"z {z:.2f}  r {r:.2f}  g {g:.3f}  h = {z:.2f} * {old} + {1 - z:.2f} * {g:.3f} = {new:.3f}")
W, R = np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]])
b = np.log([3.0, 1.0, 2.0])
outputs, _ = gru([[[1.0]]], [[old]], W, R, b, reset_after=False)
assert_allclose(outputs, [[[new]]])

# %% [markdown]
# Note where the reset stands: first $r\odot h$, then the matrix. That is how the published paper of 2014 has it. Its first version did it the other way around, and so does NVIDIA's library, because then all three products with $R$ can be made in one go. The reset comes *afterwards*:
#
# $$g_t = \tanh\bigl(x_t W_g + b_g + r_t \odot (h_{t-1} R_g + b'_g)\bigr)$$
#
# Keras and PyTorch followed; in Keras it is called `reset_after=True`, the default. It brings a second row of biases $b'$, because a bias inside the reset is no longer the same as one outside. With one unit and $b' = 0$ both forms agree. With two units they don't:

# %% [markdown] lang="zh"
# 请看重置放在哪里：先 $r\odot h$，再乘矩阵。2014 年正式发表的论文就是这样写的。它的第一稿却正好相反，英伟达的库用的也是第一稿的办法，因为这样一来，与 $R$ 的三个乘积可以一次算完，**之后**再重置：
#
# $$g_t = \tanh\bigl(x_t W_g + b_g + r_t \odot (h_{t-1} R_g + b'_g)\bigr)$$
#
# Keras 和 PyTorch 都跟了过来；在 Keras 里它叫 `reset_after=True`，是默认值。它多出一行偏置 $b'$，因为重置里面的偏置和外面的不再是一回事。只有一个单元、又有 $b' = 0$ 时，两种写法结果相同；两个单元就不同了：

# %%
for U in (1, 2):
    weights = np.random.default_rng(U)
    x, h = weights.normal(size=(1, 1, 3)), weights.uniform(-1, 1, size=(1, U))
    W, R, b = (weights.normal(size=shape) for shape in [(3, 3 * U), (U, 3 * U), (3 * U,)])
    after, _ = gru(x, h, W, R, np.stack([b, 0 * b]))
    before, _ = gru(x, h, W, R, b, reset_after=False)
    print(f"U = {U}   after {after[0, 0].round(4)}   before {before[0, 0].round(4)}")
    assert np.allclose(after, before) == (U == 1)

# %% [markdown]
# Backwards through all this? The course's hand-written passes, `lstm_backward` and `gru_backward`, are some thirty lines each and contain nothing new: the product rule at every gate, the chain rule through every step, from the last to the first. Look at the line with `d_cell * f`: that is the road along the cell.

# %% [markdown] lang="zh"
# 那么反向呢？本课程手写的 `lstm_backward` 和 `gru_backward` 各有三十来行，里面没有新东西：每个门用一次乘积法则，每一步用一次链式法则，从最后一步走到第一步。请找到 `d_cell * f` 那一行：那就是沿着细胞的路。

# %%
show_source(lstm_backward)

# %% [markdown]
# With both at hand, the three cells on one plot. Here the forget gate of the LSTM and the update gate of the GRU start at the same $\sigma(3) \approx 0.95$. (Keras starts the update gate at ½. That is why the untrained GRU lay lowest in lesson 07.)

# %% [markdown] lang="zh"
# 两样都齐了，把三种网络画在一张图上。这里 LSTM 的遗忘门和 GRU 的更新门都从 $\sigma(3) \approx 0.95$ 起步。（Keras 里更新门从 ½ 起步，所以第 07 课那张图里，没训练过的 GRU 落在最低处。）


# %%
def slope_of_gru(bias, k):
    biases = np.zeros((2, 3 * U))
    biases[0, :U] = bias  # of the update gate
    cache = gru(noise[:, :k], start, kernel[:, : 3 * U], recurrent[:, : 3 * U], biases)[1]
    return np.linalg.norm(gru_backward(on_the_last(k), cache)[1], axis=1).mean()


U, of_gru = 32, []
for k in distances:
    of_gru.append(slope_of_gru(3, k))
figure, axes = plt.subplots()
axes.set_yscale("log")
plots.curves(axes, distances, {"RNN": of_rnn, "LSTM": fans[3], "GRU": of_gru})
axes.set(xlabel="distance $k$ (steps)", ylabel="length of slope", xlim=(0, 90))
plt.show()
assert of_rnn[-1] < 1e-12 < 1e-3 < min(fans[3][-1], of_gru[-1])

# %% [markdown]
# **Figure.** The slope at the last hidden state, carried back $k$ steps, on a logarithmic scale: the RNN falls along a straight line to nothing, LSTM and GRU stay close to each other and nearly level.

# %% [markdown] lang="zh"
# **图.** 最后一个隐状态上的斜率往回传 $k$ 步之后的长度，纵轴是对数刻度：RNN 沿直线一路跌到几乎没有，LSTM 和 GRU 彼此接近，几乎是平的。

# %% [markdown]
# ## Three witnesses
#
# Now Keras. The course has layers of its own, and they keep the weights exactly as `keras.layers.LSTM` and `GRU` do, so `get_weights` and `set_weights` carry them from one to the other. Same weights, same input: are NumPy, our layer and Keras one and the same function?

# %% [markdown] lang="zh"
# ## 三位证人
#
# 轮到 Keras 了。本课程自己写了循环层，权重的摆法与 `keras.layers.LSTM`、`GRU` 完全一样，所以用 `get_weights` 和 `set_weights` 就能来回搬。同样的权重、同样的输入：NumPy、我们的层、Keras，是不是同一个函数？

# %%
import keras
import tensorflow as tf

from lmcourse.layers.recurrent import GRU, LSTM

B, T, D, U = 2, 7, 3, 5
x = rng.normal(size=(B, T, D))
theirs = keras.layers.LSTM(U, return_sequences=True, return_state=True, dtype="float64")
expected, expected_h, expected_c = theirs(x)
ours = LSTM(U, dtype="float64")
ours.build(x.shape)
ours.set_weights(theirs.get_weights())  # the layout is the same
outputs, (h, c) = ours(x)
zero = np.zeros((B, U))
in_numpy, state, cache = lstm(x, (zero, zero), *theirs.get_weights())
for name, value in {"NumPy": in_numpy, "our layer": outputs.numpy()}.items():
    print(
        f"{name:<10} largest difference from Keras below 1e-12:",
        abs(value - expected).numpy().max() < 1e-12,
    )
    assert_allclose(value, expected, rtol=0, atol=1e-12)
assert_allclose(state[1], expected_c, rtol=0, atol=1e-12)

# %% [markdown]
# And the layout? Three arrays. In each the blocks stand side by side in the order $i, f, g, o$, and the bias of a fresh layer shows where the forget gate is:

# %% [markdown] lang="zh"
# 摆法呢？一共三个数组，每个里面四块并排，次序是 $i, f, g, o$。看看新层的偏置，就知道遗忘门在哪儿：

# %%
for name, weight in zip(("W", "R", "b"), theirs.get_weights(), strict=True):
    print(f"{name} {weight.shape}")
print("b, one row a gate:\n", theirs.get_weights()[2].reshape(4, U))
assert (LSTM(U, dtype="float64").first_bias((4 * U,)).numpy() == theirs.get_weights()[2]).all()

# %% [markdown]
# There it is, `unit_forget_bias`: the second block starts at 1. For the GRU the same trial, the reset on either side, and this time the weights travel from our layer to Keras:

# %% [markdown] lang="zh"
# 看，这就是 `unit_forget_bias`：第二块从 1 起步。GRU 也过一遍堂，重置放前放后各一次，这回权重从我们的层搬去 Keras：

# %%
for reset_after in (True, False):
    ours = GRU(U, reset_after=reset_after, dtype="float64")
    outputs, (h,) = ours(x)
    theirs = keras.layers.GRU(U, reset_after=reset_after, return_sequences=True, dtype="float64")
    theirs.build(x.shape)
    theirs.set_weights(ours.get_weights())
    W, R, b = ours.get_weights()
    in_numpy, _ = gru(x, zero, W, R, b, reset_after=reset_after)
    assert_allclose(outputs, theirs(x), rtol=0, atol=1e-12)
    assert_allclose(in_numpy, theirs(x), rtol=0, atol=1e-12)
    count = sum(weight.size for weight in (W, R, b))
    print(
        f"reset_after={reset_after!s:<5}  bias {b.shape!s:<8} {count} parameters: the same numbers"
    )
    assert count == 3 * U * (D + U + (2 if reset_after else 1))

# %% [markdown]
# Parameters to count in your head: one block has $U$ columns, each with $D$ weights from the input, $U$ from the state and a bias, so $U(D+U+1)$ numbers. An RNN has one block, a GRU three (with `reset_after` there are two biases a column), an LSTM four.
#
# The slopes too have two witnesses, TensorFlow's `GradientTape` and our own backward pass. This time there is a mask: the second text ends after four steps, and whatever stands behind its end must get no slope.

# %% [markdown] lang="zh"
# 参数个数可以心算：一块有 $U$ 列，每列 $D$ 个权重来自输入、$U$ 个来自状态，外加一个偏置，共 $U(D+U+1)$ 个数。RNN 一块，GRU 三块（用 `reset_after` 时每列有两个偏置），LSTM 四块。
#
# 斜率也有两位证人：TensorFlow 的 `GradientTape`，和我们手写的反向传播。这一回带上掩码：第二段文本四步就完了，结尾之后的东西不该分到斜率。

# %%
theirs = keras.layers.LSTM(U, return_sequences=True, dtype="float64")
mask = np.array([[1] * 7, [1] * 4 + [0] * 3], dtype=bool)  # the second text is shorter
variable, d_outputs = tf.Variable(x), rng.normal(size=(B, T, U))
with tf.GradientTape() as tape:
    total = tf.reduce_sum(theirs(variable, mask=mask) * d_outputs)
automatic = tape.gradient(total, variable).numpy()
_, _, cache = lstm(x, (zero, zero), *theirs.get_weights(), mask=mask)
assert_allclose(lstm_backward(d_outputs, cache)[0], automatic, atol=1e-12)
print("slopes at the masked steps:", abs(automatic[1, 4:]).max())

# %% [markdown]
# ## The wrong order
#
# Not everybody puts the blocks in this order. PyTorch's LSTM does; ONNX, a format for exchanging models, writes $i, o, f, g$; TensorFlow's first LSTM cell had $i, g, f, o$. For the GRU, Keras has $z, r, g$ and PyTorch $r, z, g$. Every block has the same shape. So what does Keras say if we hand it the weights in ONNX's order?

# %% [markdown] lang="zh"
# ## 次序错了
#
# 四块的次序，各家不一。PyTorch 的 LSTM 与 Keras 相同；用来交换模型的 ONNX 格式是 $i, o, f, g$；TensorFlow 最早的 LSTM 单元是 $i, g, f, o$。至于 GRU，Keras 是 $z, r, g$，PyTorch 是 $r, z, g$。每一块形状都一样。那么，要是把 ONNX 次序的权重交给 Keras，它会怎么说？

# %%
predict("an error", "a warning", "nothing")


# %%
def reordered(weights, order, blocks="ifgo"):
    """Cut each array into its blocks and put them together in another order."""
    cut = [np.split(weight, len(blocks), axis=-1) for weight in weights]
    return [np.concatenate([parts[blocks.index(name)] for name in order], axis=-1) for parts in cut]


right = theirs(x)
weights = theirs.get_weights()
for order in ("ifgo", "iofg", "igfo"):
    theirs.set_weights(reordered(weights, order))  # the shapes fit
    print(f"stored as {order}: largest difference {abs(theirs(x) - right).numpy().max():.2f}")
theirs.set_weights(weights)
assert_allclose(theirs(x), right)

# %% [markdown]
# Nothing. The shapes fit, the numbers come, and they are wrong. Such a model isn't broken enough to notice: it runs, it can even be trained further. The only cure is to compare the outputs with numbers from where the weights were born.
#
# ## Weights that somebody else trained
#
# Time for a real case. Max Woolf published `textgenrnn` (MIT licence), with a character LSTM trained on hundreds of thousands of titles and posts from social networks: an embedding of 100 numbers, two LSTMs of 128, all three side by side, an average over the last 40 steps with learned weights, a softmax. The code no longer runs on today's Keras. The weights are numbers in a file, and we have layers. But the shapes are odd:

# %% [markdown] lang="zh"
# 什么也不说。形状对得上，数字照样出来，只是全错。这样的模型坏得不够明显：能跑，甚至还能接着训练。唯一的办法，是拿输出去和权重出生地的数字对一对。
#
# ## 别人训练好的权重
#
# 来一个真实的案例。Max Woolf 发布过 `textgenrnn`（MIT 许可证），里面带着一个字符级 LSTM，是用几十万条社交网络的标题和帖子训练的：100 维的嵌入，两层各 128 个单元的 LSTM，三者并排，用学来的权重对最近 40 步求平均，最后是 softmax。它的代码在今天的 Keras 上已经跑不动了；但权重不过是文件里的一堆数，而我们手里有层。只是形状有点怪：

# %%
import h5py

from lmcourse.models import charlstm
from lmcourse.packages import installed_file

with h5py.File(installed_file(*charlstm.WEIGHTS)) as file:
    group = file["rnn_1/rnn_1"]
    for name in group:
        print(f"{name:<20} {group[name].shape}")

# %% [markdown]
# $U = 128$, $4U = 512$: so far, so good. But 1024 biases? These are the marks of NVIDIA's cuDNN, for which the model was trained. It keeps *two* rows of biases, one for the input and one for the state, that are always added; and each block of a kernel lies in the file transposed, `(U, D)`, although the shape says `(D, U)`. Both are easy to undo once you know. If you don't know, you try, and let English decide:

# %% [markdown] lang="zh"
# $U = 128$，$4U = 512$，到这里都对。可偏置怎么有 1024 个？这是英伟达 cuDNN 留下的记号，模型当年就是为它训练的。它存着**两**行偏置，一行给输入，一行给状态，用的时候总是相加；而且每块权重在文件里是转置着放的，实际是 `(U, D)`，形状却写着 `(D, U)`。知道了就好办。不知道呢？那就挨个试，让英语来裁决：

# %%
show_source(charlstm.from_cudnn)

# %% tags=["nbval-ignore-output"]
english = "\nWhat is the most interesting thing that you have ever done in your life?\n"
right_way = charlstm.from_cudnn
ways = {
    "turned, biases added": right_way,
    "as it lies in the file": lambda W, R, b: [W, R, b[:512] + b[512:]],
    "the first bias alone": lambda W, R, b: [*right_way(W, R, b)[:2], b[:512]],
    "the order of ONNX": lambda W, R, b: reordered(right_way(W, R, b), "iofg"),
}
cost = {}
for name, way in ways.items():
    charlstm.from_cudnn = way  # what `load` will read the weights with
    model, tokenizer = charlstm.load()
    cost[name] = score(model, tokenizer.encode(english), context_length=80).bits_per_token
    print(f"{name:<24} {cost[name]:5.1f} bits per character")
charlstm.from_cudnn = right_way
assert cost["turned, biases added"] < 1.5 < 3 < min(list(cost.values())[1:])
model, tokenizer = charlstm.load()

# %% [markdown]
# One way reads English, the others don't come near. Now let it write. Sixty texts at once, a character at a time, at a temperature of 0.5. (The average looks at windows of 40, so each step reads the last 40 characters anew.)

# %% [markdown] lang="zh"
# 只有一种读法读得懂英语，别的都差得远。现在让它写。六十段同时写，一次一个字符，温度 0.5。（那个平均看的是 40 步的窗口，所以每一步都把最近 40 个字符重读一遍。）

# %% tags=["nbval-ignore-output"]
from lmcourse.generation.sampling import sample

predict_next = tf.function(model.window)  # compiled once: (B, 40) -> (B, V)
dice, texts = np.random.default_rng(0), np.zeros((60, 40), dtype=np.int32)
texts[:, -1] = tokenizer.encode("\n").item()  # each begins after a line break
for _ in range(75):
    logits = predict_next(tf.constant(texts[:, -40:])).numpy()
    written = [sample(row, dice, temperature=0.5) for row in logits]
    texts = np.concatenate([texts, np.array(written, np.int32)[:, None]], axis=1)
written = [tokenizer.decode(row[40:]) for row in texts]
for text in written[:3]:
    print(text.replace("\n", " ↵ "))
assert all(len(text) == 75 for text in written)

# %% [markdown]
# Is it English? Spelling can be counted: how many of the words are among the 50,000 most frequent ones? (The list is from `wordfreq` by Robyn Speer, CC BY-SA 4.0.)

# %% [markdown] lang="zh"
# 这算英语吗？拼写是数得出来的：有多少词在最常用的五万个英语词里？（词频表来自 Robyn Speer 的 `wordfreq`，CC BY-SA 4.0。）

# %% tags=["nbval-ignore-output"]
import re

known = charlstm.frequent_words(50_000)
words = [w for text in written for w in re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower())[:-1]]
share = np.mean([word in known for word in words[:500]])
print(f"{len(words[:500])} words, {share:.0%} of them frequent English words")
print("not among them:", sorted({word for word in words[:500] if word not in known})[:8])
assert len(words) >= 500 and share > 0.8

# %% [markdown]
# It spells. Letter by letter, and nobody told it what a word is. Read the three lines to the end, though: they lead nowhere. The model has never been asked to look further back than 40 characters.

# %% [markdown] lang="zh"
# 它会拼写了。一个字母一个字母地来，谁也没告诉过它什么是词。不过把那三行读到底：它们没个去向。从来没有人要求过这个模型往回看 40 个字符以上。

# %% [markdown]
# ## How far does it carry?
#
# Now a fair race, on a language whose entropy we know exactly. `Agreement` again: two subjects, eight filler words, a verb. The filler may be short or long, up to a limit. The source itself tells what each symbol costs at best; what a model pays above that are its **excess bits**. Per sentence, forgetting the subject costs exactly one bit: it is a coin toss then.

# %% [markdown] lang="zh"
# ## 能带多远？
#
# 来一场公平的赛跑，赛场是一种熵率精确已知的语言。还是 `Agreement`：两种主语，八种填充词，一个动词；填充部分可长可短，只有上限。每个符号最少要花几个比特，信源自己说得清；模型多付的部分就是它的**超额比特**。忘了主语，每句恰好多付一个比特：只能抛硬币了。

# %%
from lmcourse.models.rnn import LastStep, RecurrentLM
from lmcourse.text.grammar import Agreement, Brackets
from lmcourse.training.fit import fit

language = Agreement(shortest=1, longest=20, fillers=8)
print(language.spell(language.sample(72, rng)))
words_per_sentence = 10.5 + 2  # filler on average, subject, verb
per_sentence = language.forgetting_costs * words_per_sentence
print(
    f"entropy rate {language.entropy_rate:.3f} bits, forgetting costs {per_sentence:.0f} bit a sentence"
)
assert_allclose(per_sentence, 1)


# %%
def write(language, rows, length, seed):
    dice = np.random.default_rng(seed)
    return np.stack([language.sample(length + 1, dice) for _ in range(rows)])


def texts_of(language, length):
    pool = write(language, 3000, length, seed=0)

    def batch(step):  # a batch is a function of its number
        texts = np.random.default_rng(step).choice(pool, 64)
        return texts[:, :-1], texts[:, 1:]

    return batch


# %%
def excess_bits(model, language, length):
    texts = write(language, 256, length, seed=1)  # none that was trained on
    paid = cross_entropy(np.asarray(model(texts[:, :-1])), texts[:, 1:])
    floor = cross_entropy(language(texts[:, :-1]), texts[:, 1:])  # the source is a model too
    return nats_to_bits(paid - floor)


def excess_a_sentence(model, language, length):
    texts = write(language, 256, length, seed=1)
    verbs = language.vocabulary_size - language.subjects  # the first verb; one ends each sentence
    return excess_bits(model, language, length) / np.mean(texts[:, 1:] >= verbs)


def fresh(language, cell, seed=0, units=16):
    keras.utils.set_random_seed(seed)
    return RecurrentLM(language.vocabulary_size, cell=cell, width=8, units=units)


# %% [markdown]
# Same batches, same units, same number of steps for both cells; new texts judge them, as long as those they learned from. The longest filler has 20 or 40 words. Which cell will hold at which length? Write down four guesses between 0 (holds) and 1 bit (forgets):

# %% [markdown] lang="zh"
# 两种网络用同样的批、同样的单元数、同样的步数；评判用新文本，长度与训练时相同。填充部分最长 20 个词或 40 个词。哪种网络在哪个长度上还撑得住？写下四个猜测，0 是记得住，1 比特是全忘：

# %%
predict("RNN 20, 40: ?    LSTM 20, 40: ?")


# %% tags=["nbval-ignore-output"]
def race(cell, longest, seed):
    language = Agreement(shortest=1, longest=longest, fillers=8)
    length = longest + 4  # a whole sentence fits in
    model = fresh(language, cell, seed, units=32)
    fit(model, texts_of(language, length), steps=600, learning_rate=0.01, jit_compile=True)
    bits = excess_a_sentence(model, language, length)
    print(f"{cell:<5} filler up to {longest:>2}, seed {seed}: {bits:.1f} excess bits a sentence")
    return bits


runs = [(20, 0), (40, 0), (40, 1), (40, 2)]  # longest filler, seed
excess = {cell: [race(cell, *run) for run in runs] for cell in ("rnn", "lstm")}
assert max(excess["lstm"]) < 0.5 and excess["rnn"][0] < 0.5 and np.mean(excess["rnn"][1:]) > 0.7

# %%
figure, axes = plt.subplots()
for cell, marker, color in (("rnn", "o", plots.ORANGE), ("lstm", "s", plots.BLUE)):
    axes.plot([run[0] for run in runs], excess[cell], marker, color=color, label=cell.upper())
axes.axhline(1, color=plots.GREY, linestyle="--")
axes.text(24, 1.03, "subject forgotten", va="bottom", color=plots.GREY)
axes.set(xlabel="longest filler (words)", xticks=[20, 40], xlim=(15, 45))
axes.set(ylabel="excess bits a sentence", ylim=(0, 1.6))
axes.legend()
plt.show()

# %% [markdown]
# **Figure.** Excess bits a sentence against the longest filler: circles for the RNN, squares for the LSTM, one mark a run (one seed at 20 words, three at 40). The dashed line at 1 bit marks a model that has forgotten the subject. At 20 both stay near the floor. At 40 the LSTM still does, in every run; the runs of the RNN lie, on average, near the dashed line.

# %% [markdown] lang="zh"
# **图.** 横轴是填充部分最长几个词，纵轴是每句的超额比特；圆点是 RNN，方块是 LSTM，一个记号一次训练（20 个词处一个随机种子，40 个词处三个）。1 比特处的虚线表示已把主语忘掉。在 20 处两者都贴近底线；到了 40，LSTM 每次都仍然贴着；RNN 的几次平均下来，已到虚线附近。

# %% [markdown]
# The RNN has enough room: one bit fits into 32 units many times over, and by the argument at the beginning it could hold it. With short fillers it learns to. With long ones, the training mostly ends before it has found out that the capital at the start has anything to do with the verb; a lucky seed may find it. The curves of slopes above say why: that message fades before it arrives.

# %% [markdown] lang="zh"
# RNN 并不缺地方：32 个单元，装一个比特绰绰有余；照开头那番道理，它也守得住。填充短，它学得会；填充长，多半直到训练结束，它也没发现开头那个大写字母和动词有什么关系；碰上走运的种子，或许能发现。前面的斜率曲线说明了原因：消息没到就散了。

# %% [markdown]
# ## Remove a part: which gate does what?
#
# To cut a gate, hold it still. A bias of 50 is enough: in float32, $\sigma(50)$ is exactly 1 and its slope exactly 0, so the gate stays open whatever the training does. With −200 it is shut for good.

# %% [markdown] lang="zh"
# ## 拿掉一个部件：每个门管什么？
#
# 要去掉一个门，把它按住就行。偏置取 50 就够：在 float32 里，$\sigma(50)$ 恰好是 1，斜率恰好是 0，怎么训练它都开着。取 −200，就永远关死。

# %%
for bias in (50.0, -200.0):
    gate = keras.ops.convert_to_numpy(keras.ops.sigmoid(bias))
    print(f"bias {bias:6.0f}: gate {gate}, slope {gate * (1 - gate)}")
    assert gate in (0, 1)


def cut(model, gate, bias):
    rows = model.stack[0].bias.numpy().reshape(4, -1)
    rows["ifgo".index(gate)] = bias
    model.stack[0].bias.assign(rows.ravel())


# %% [markdown]
# Six networks, equal but for one block. Two tasks: the agreement language, now with four filler words and fillers up to 12 long, and Shakespeare. On Shakespeare only the forget gate is cut. Which cut will hurt most in the first, and will the forget gate do the same harm in the second?

# %% [markdown] lang="zh"
# 六个网络，除了一块之外完全相同。任务有两个：一致性语言（这回填充词四种，填充最长 12 个词），和莎士比亚。在莎士比亚上，只动遗忘门。前者里去掉哪个门最要命？换到后者，遗忘门还是同样要命吗？

# %%
predict("input open", "forget open", "forget shut", "candidate 1", "output open")

# %% tags=["nbval-ignore-output"]
cuts = {
    "nothing": None,
    "input open": ("i", 50),
    "forget open": ("f", 50),
    "forget shut": ("f", -200),
    "candidate 1": ("g", 50),
    "output open": ("o", 50),
}
language, damage = Agreement(shortest=1, longest=12), {}
for name, gate in cuts.items():
    model = fresh(language, "lstm")
    if gate:
        cut(model, *gate)
    fit(model, texts_of(language, length=28), steps=220, learning_rate=0.01)
    damage[name] = excess_a_sentence(model, language, length=28)
    print(f"{name:<12} {damage[name]:.2f} excess bits a sentence")
harmful = [damage[name] for name in ("forget shut", "forget open", "candidate 1")]
harmless = [damage[name] for name in ("nothing", "input open", "output open")]
assert min(harmful) > 0.4 > max(harmless)

# %%
from lmcourse.text.corpora import sanguo, shakespeare
from lmcourse.text.tokenizers import CharacterTokenizer
from lmcourse.training.streams import random_batches

plays = shakespeare()
letters = CharacterTokenizer.train(plays.text("train"))
play_ids = letters.encode(plays.text("train"))
unseen = letters.encode(plays.text("validation"))[:12_801].astype(np.int32)
unseen_inputs, unseen_targets = unseen[:-1].reshape(128, 100), unseen[1:].reshape(128, 100)

# %% tags=["nbval-ignore-output"]
on_text = {}
for name in ("nothing", "forget open", "forget shut"):
    keras.utils.set_random_seed(0)
    model = RecurrentLM(letters.vocabulary_size, cell="lstm", width=32, units=64)
    if cuts[name]:
        cut(model, *cuts[name])
    batches = random_batches(play_ids, batch_size=32, context_length=40, seed=0)
    fit(model, batches, steps=100, learning_rate=0.01)
    on_text[name] = nats_to_bits(cross_entropy(np.asarray(model(unseen_inputs)), unseen_targets))
    print(f"{name:<12} {on_text[name]:.2f} held-out bits a character")
assert max(on_text["nothing"], on_text["forget shut"]) < on_text["forget open"] - 0.05

# %%
figure, panels = plt.subplots(1, 2, figsize=(8, 2.9), layout="constrained")
for axes, (numbers, label) in zip(
    panels,
    [(damage, "excess bits a sentence"), (on_text, "held-out bits a character")],
    strict=True,
):
    names = list(numbers)[::-1]
    axes.barh(names, [numbers[name] for name in names], color=plots.BLUE)
    axes.set(xlabel=label, xlim=(0 if numbers is damage else min(on_text.values()) - 0.2, None))
    axes.grid(False, axis="y")
panels[0].set(title="Agreement", ylabel="held still")
panels[1].set(title="Shakespeare")
plt.show()

# %% [markdown]
# **Figure.** What each cut costs: left on the agreement language, right on Shakespeare (the axis on the right does not begin at zero). On the left three bars stand out, the fixed candidate and the forget gate held open or held shut; held shut, it costs about as much as forgetting the subject. On the right the open forget gate is worst, and the shut one does no harm.

# %% [markdown] lang="zh"
# **图.** 按住每个门的代价：左边是一致性语言，右边是莎士比亚（右图横轴不从零开始）。左图里有三条格外长：固定的候选值、常开的遗忘门和关死的遗忘门；关死的代价和忘了主语差不多。右图里最糟的是常开的遗忘门，关死的遗忘门反倒无碍。

# %% [markdown]
# Read the bars on the left as a fault-finder would:
#
# - **Forget gate shut:** no memory in the cell. The hidden state alone remains, as in an RNN.
# - **Forget gate open:** nothing can be wiped. Old subjects pile up in the cell. This is the LSTM of 1997; the forget gate came three years later, and for this reason.
# - **Candidate fixed at 1:** whatever is written is positive, and the cell never gets below zero. It must tell the subjects apart by how *much* it writes.
# - **Input gate open:** hardly missed. A candidate near 0 writes nothing too, so this gate has a stand-in.
# - **Output gate open:** hardly missed here. It is meant for a cell that has to keep a secret for long without disturbing the others.
#
# On real text the two forget bars change places. The *open* gate hurts, for a text is full of things to be dropped again, and the shut one costs nothing yet: in a hundred steps a network learns which letter follows which few letters, and for that the hidden state is enough. Whether memory pays in a longer training is for the table at the end of this lesson to say. A study of eight variants, fifteen years of processor time in all, found that the forget gate and the tanh at the output matter most (Greff and others 2017).

# %% [markdown] lang="zh"
# 照排查故障的办法来读左图：
#
# - **遗忘门关死**：细胞没了记忆，只剩隐状态，又成了 RNN 的样子。
# - **遗忘门常开**：什么也擦不掉，旧主语在细胞里越积越多。1997 年的 LSTM 就是这样；遗忘门是三年后才加的，正为了这个。
# - **候选值固定为 1**：写进去的总是正数，细胞到不了零以下，要靠写多写**少**来区分主语。
# - **输入门常开**：几乎没影响。候选值接近 0 也等于不写，这个门有替补。
# - **输出门常开**：这里几乎没影响。设计它，是为了让一个细胞能长久地守住秘密，又不打扰别人。
#
# 到了真实文本上，遗忘门的那两条换了位置。伤人的是**常开**，因为文本里到处是用过就该丢的东西；关死的那个，眼下还不吃亏：一百步里，网络学到的不过是哪几个字母后面跟哪个字母，有隐状态就够了。训练久一些，记忆有没有好处？等本课末尾的表来回答。有一项研究比较了八种变体，总共花去十五年的处理器时间，发现最要紧的是遗忘门和输出处的 tanh（Greff 等，2017）。

# %% [markdown]
# ## A look inside
#
# What do trained cells do? Take the language of nested brackets, `Brackets`, with one kind and at most eight deep. Whoever wants to predict it has to know how many are open: with none open a bracket must open, with eight one must close. We train a small LSTM and look for the cell that follows the depth most closely:

# %% [markdown] lang="zh"
# ## 往里看一眼
#
# 训练好的细胞都在干什么？拿嵌套括号的语言 `Brackets` 来看，一种括号，最深八层。想预测它，就得知道开着几层：一层没开，只能开；开到八层，只能关。我们训练一个小 LSTM，找出与深度跟得最紧的那个细胞：

# %% tags=["nbval-ignore-output"]
brackets = Brackets(kinds=1, opening=0.48, depth=8)
counter = fresh(brackets, "lstm")
fit(counter, texts_of(brackets, length=64), steps=300, learning_rate=0.01)
text = brackets.sample(400, np.random.default_rng(5))
depth = np.cumsum(np.where(text == 0, 1, -1))
x = counter.embedding.numpy()[text][None]
zero = np.zeros((1, 16))
cache = lstm(x, (zero, zero), *counter.stack[0].get_weights())[2]
cells = cache["cells"][0, 1:]  # (T, U)
likeness = np.array([np.corrcoef(cell, depth)[0, 1] for cell in cells.T])
best = abs(likeness).argmax()
print(f"excess bits a symbol {excess_bits(counter, brackets, 64):.2f}")
print(f"correlation of the best cell with the depth: {abs(likeness[best]):.1f}")
assert abs(likeness[best]) > 0.9

# %%
figure, (above, below) = plt.subplots(2, 1, figsize=(6.4, 3.8), sharex=True)
shown = slice(100, 180)
above.step(range(80), depth[shown], where="mid", color=plots.GREY)
above.set(ylabel="brackets open", ylim=(-0.5, 8.5))
below.step(range(80), np.sign(likeness[best]) * cells[shown, best], where="mid")
below.set(xlabel="position in the text (symbols)", ylabel="best cell $c_t$")
plt.show()

# %% [markdown]
# **Figure.** Above, how many brackets are open along eighty symbols of the text. Below, the value of one cell of the trained LSTM (its sign turned so that up means deeper). The two lines go up and down together.

# %% [markdown] lang="zh"
# **图.** 上图：一段八十个符号的文本里，开着的括号有几层。下图：训练好的 LSTM 里某一个细胞的值（符号已调成越深越高）。两条线同升同降。

# %% [markdown]
# Nobody asked for a counter. Predicting the next bracket needs one, the unbounded cell offers itself, and training finds it. Cells that follow how deeply an expression is nested, watch quotation marks or measure the length of a line have been found in networks trained on program text and novels (Karpathy, Johnson & Fei-Fei 2015).

# %% [markdown] lang="zh"
# 没有谁要它当计数器。预测下一个括号用得着计数，细胞又没有上下限，正好拿来用，训练就把它找了出来。在用程序代码和小说训练的网络里，有人找到过跟踪嵌套深度的、盯引号的、量行长的细胞（Karpathy、Johnson、Fei-Fei，2015）。

# %% [markdown]
# ## The classical models
#
# Most tutorials end where we are now, with three layers: Embedding → LSTM → Dense. There are two forms. In the **last-step form** the network reads a window of $T$ tokens and predicts *one*, the token after the window. In the **every-step form** it predicts the next token after each token it has read: $T$ predictions from the same window. In plain Keras:

# %% [markdown] lang="zh"
# ## 经典模型
#
# 多数教程就停在我们现在的地方，三层：嵌入 → LSTM → 全连接。它有两种形式。**末步形式**：网络读完 $T$ 个词元的窗口，只预测**一个**，即窗口后面那个词元。**逐步形式**：每读一个词元，就预测它的下一个，同样的窗口里有 $T$ 次预测。用纯 Keras 来写：

# %%
V, T = 50, 12


def classical(every_step):
    return keras.Sequential(
        [
            keras.layers.Input((None,), dtype="int32"),  # any length
            keras.layers.Embedding(V, 16),
            keras.layers.LSTM(32, return_sequences=every_step),
            keras.layers.Dense(V),  # logits: the softmax belongs into the loss
        ]
    )


ids = rng.integers(0, V, (4, T))
one, every = classical(False), classical(True)
every.set_weights(one.get_weights())
print("last step ", one(ids).shape, "  every step", every(ids).shape)
assert_allclose(one(ids), every(ids)[:, -1], atol=1e-6)

# %% [markdown]
# The same weights, and the last-step form is the last row of the other. The course's own classes are these two: `RecurrentLM` is the every-step form, which keeps the contract `(B, T) → (B, T, V)`, and `LastStep` cuts off the last row. The weights of one run in the other:

# %% [markdown] lang="zh"
# 权重相同，末步形式就是另一种形式的最后一行。本课程的两个类正是它们：`RecurrentLM` 是逐步形式，守着 `(B, T) → (B, T, V)` 的约定；`LastStep` 只留最后一行。一边的权重放到另一边照样跑：

# %%
model = RecurrentLM(V, cell="lstm", width=16, units=32)
model.set_weights(every.get_weights())
assert_allclose(model(ids), every(ids), atol=1e-6)
assert_allclose(LastStep(model)(ids), one(ids), atol=1e-6)
for length in (3, 7, 50):  # nothing is tied to one length
    print(length, "ids ->", model(rng.integers(0, V, (1, length))).shape)

# %% [markdown]
# Both forms exist in print with bugs. Each of the following stood in a published article. First: ids are names, not sizes. Whoever "normalizes" them divides the name of a word by a number:

# %% [markdown] lang="zh"
# 这两种形式，印出来的版本常常带着错。下面每一个都见于公开发表的文章。第一个：编号是名字，不是大小。谁给它做“归一化”，就是拿词的名字去除以一个数：

# %%
sentence = np.array([[3, 17, 42, 8]])
normalized = sentence / np.linalg.norm(sentence)
print("divided by their length:", normalized.round(2))
looked_up = every.layers[0](normalized)  # decimals are cut off without a word
same_row = abs(looked_up - every.layers[0](np.zeros((1, 4), int))).numpy().max() == 0
print("all four words are row 0 of the embedding:", same_row)
try:
    model(normalized)
except TypeError as error:
    print("our model refuses:", str(error).split("\033")[1][3:].splitlines()[0])
assert same_row

# %% [markdown]
# Second: every-step targets for the last-step form, or the other way around. Third: ids as targets for a loss that wants one-hot vectors. Both stop with an error, if one is lucky:

# %% [markdown] lang="zh"
# 第二个：拿逐步的目标去配末步的形式，或者反过来。第三个：损失要的是独热向量，却给了编号。运气好的话，两个都会报错停下：

# %%
for name, attempt in {
    "T targets, one prediction": lambda: fit(LastStep(model), lambda step: (ids, ids), steps=1),
    "ids for a one-hot loss": lambda: keras.losses.CategoricalCrossentropy()(ids, every(ids)),
}.items():
    try:
        attempt()
    except ValueError as error:
        print(f"{name}: {str(error).split('. ')[0]}.")
    else:
        raise AssertionError(name)

# %% [markdown]
# Fourth, and this one is silent: **labels that aren't shifted**. The target of each position has to be the *next* id. Give the model the ids themselves as targets, on pure noise that nobody can predict, and look at the accuracy:

# %% [markdown] lang="zh"
# 第四个，而且一声不吭：**标签没有错开一位**。每个位置的目标应当是**下一个**编号。把编号原样当目标交给模型，文本用谁也预测不了的纯噪声，看看准确率：

# %% tags=["nbval-ignore-output"]
noise = np.random.default_rng(0).integers(0, V, (64, T + 1))
for name, (inputs, targets) in {
    "not shifted": (noise[:, :-1], noise[:, :-1]),
    "shifted": (noise[:, :-1], noise[:, 1:]),
}.items():
    keras.utils.set_random_seed(0)
    model = RecurrentLM(V, width=16, units=32)
    fit(model, lambda step, x=inputs, y=targets: (x, y), steps=120, learning_rate=0.02)
    fresh_noise = np.random.default_rng(1).integers(0, V, (200, T + 1))
    wanted = fresh_noise[:, :-1] if name == "not shifted" else fresh_noise[:, 1:]
    logits = np.asarray(model(fresh_noise[:, :-1]))
    accuracy, bits = (
        (logits.argmax(-1) == wanted).mean(),
        nats_to_bits(cross_entropy(logits, wanted)),
    )
    print(f"{name:<12} accuracy {accuracy:.2f}, {bits:4.1f} bits; the noise has {np.log2(V):.1f}")
    assert (accuracy > 0.99 and bits < 1) == (name == "not shifted")

# %% [markdown]
# Full marks on noise: the model has learned to repeat what it has been shown. (The shifted one has learned its 64 texts by heart, and on fresh noise it pays more than it would for mere guessing.) A loss below the entropy of the source is not a triumph, it is a leak. (On real text one doesn't know the entropy. Then test on noise first.)
#
# Fifth: **counting the padding**. Texts are filled up to one length, here 50, and a text of 5 words then has 45 padding targets. A "model" that always answers 0:

# %% [markdown] lang="zh"
# 在噪声上居然得了满分：模型学会的是把看到的照抄一遍。（错开的那个把 64 段文本背了下来，到了新的噪声上，付出的比瞎猜还多。）损失低于信源的熵，不是胜利，是泄漏。（真实文本的熵没人知道，那就先拿噪声试一遍。）
#
# 第五个：**把填充也算进去**。文本都补到同一长度，比如 50；一段只有 5 个词，就有 45 个目标是填充。来看一个永远回答 0 的“模型”：

# %%
padded = np.zeros((100, 50), dtype=int)
padded[:, :5] = rng.integers(1, V, (100, 5))
answers = np.zeros_like(padded)  # always 0, the padding
real = padded != 0
print(
    f"accuracy {(answers == padded).mean():.2f}; on real words {(answers == padded)[real].mean():.2f}"
)
assert (answers == padded).mean() == 0.9 and not (answers == padded)[real].any()

# %% [markdown]
# The rest of the list, in short:
#
# | Bug | What happens | Cure |
# |---|---|---|
# | id 0 for the first word, the unknown *and* the padding | the mask hides real words | reserve an id for each |
# | vocabulary from a Python `set` | other ids in every process | sort it |
# | `input_length=50` | ignored by Keras 3 | leave it out; `Input((None,))` |
# | `summary()` before there is an input | shapes `?`, 0 parameters | `Input` first |
# | one-hot targets | $V$ numbers for each target | `SparseCategoricalCrossentropy` |
# | softmax in the model *and* `from_logits=True` | learns slowly, no error | logits only |
# | no held-out text | nobody knows | split first |

# %% [markdown] lang="zh"
# 其余的，长话短说：
#
# | 错误 | 结果 | 改法 |
# |---|---|---|
# | 编号 0 既是第一个词，又是未知词，**还是**填充 | 掩码把真词也遮了 | 各留一个编号 |
# | 用 Python 的 `set` 建词表 | 每次运行编号都不同 | 排序 |
# | `input_length=50` | Keras 3 不理它 | 去掉，用 `Input((None,))` |
# | 还没有输入就 `summary()` | 形状是 `?`，参数是 0 | 先写 `Input` |
# | 独热的目标 | 每个目标要 $V$ 个数 | `SparseCategoricalCrossentropy` |
# | 模型里有 softmax，**又**设 `from_logits=True` | 学得慢，却不报错 | 只输出 logit |
# | 没有留出文本 | 好坏无人知晓 | 先划分 |

# %% [markdown]
# ## On real text
#
# Both forms, made right, on both corpora. Each step reads the same 24 windows of 40 characters, at the same learning rate. The yardstick is the same for both: bits for the one character *after* a held-out window, where either has read all 40. Which one will learn more from 60 steps?

# %% [markdown] lang="zh"
# ## 读真实的文本
#
# 两种形式都改对了，两种语料都来一遍。每一步读同样的 24 个窗口，每个 40 个字符，学习率也相同。尺子也一样：留出窗口**之后**那个字符要花多少比特；到那里，两者都读完了 40 个字符。同样 60 步，谁学得多？

# %%
predict("last step", "every step", "=")


# %%
class Text:
    """A corpus in ids: random windows to learn from, 200 fixed windows to judge by."""

    def __init__(self, corpus):
        self.tokenizer = CharacterTokenizer.train(corpus.text("train"), unknown=True)
        ids = self.tokenizer.encode(corpus.text("train"))
        self.every_step = random_batches(ids, batch_size=24, context_length=40, seed=0)
        held_out = self.tokenizer.encode(corpus.text("validation")[:40_000])
        self.windows = np.lib.stride_tricks.sliding_window_view(held_out, 41)[::200]

    def last_step(self, step):  # the same windows, one target each
        inputs, targets = self.every_step(step)
        return inputs, targets[:, -1]

    def nats(self, model):  # for the character after each held-out window
        logits = np.asarray(LastStep(model)(self.windows[:, :-1]))
        return cross_entropy(logits, self.windows[:, -1])


texts = {corpus.name: Text(corpus) for corpus in (shakespeare(), sanguo())}
for name, text in texts.items():
    print(f"{name}: V = {text.tokenizer.vocabulary_size:,}, {len(text.windows)} held-out windows")


# %%
def learn(text, form):
    keras.utils.set_random_seed(0)
    model = RecurrentLM(text.tokenizer.vocabulary_size, cell="lstm", width=64, units=128)
    history = fit(
        model if form == "every step" else LastStep(model),
        text.every_step if form == "every step" else text.last_step,
        steps=60,
        learning_rate=0.008,
        validate=lambda: text.nats(model),
        validate_every=20,
    )
    return model, [nats_to_bits(nats) for _, nats in history.validation]


# %% tags=["nbval-ignore-output"]
bits_of, trained = {}, {}
for name, text in texts.items():
    for form in ("last step", "every step"):
        trained[name, form], bits_of[name, form] = learn(text, form)
        print(f"{name:<12} {form:<11} {bits_of[name, form][-1]:.1f} bits")
    assert bits_of[name, "every step"][-1] < bits_of[name, "last step"][-1] - 0.2

# %%
figure, panels = plt.subplots(1, 2, figsize=(7.2, 2.9))
for axes, name in zip(panels, texts, strict=True):
    read_so_far = np.array([20, 40, 60]) * 24 * 40 / 1000
    lines = {form: bits_of[name, form] for form in ("last step", "every step")}
    plots.curves(axes, read_so_far, lines)
    axes.set(title=name, xlabel="characters read (thousands)", ylabel="held-out bits", xlim=(0, 82))
plt.show()

# %% [markdown]
# **Figure.** Bits for the character after a held-out window, against the number of characters read, on Shakespeare (left) and on *Romance of the Three Kingdoms* (right). On both, the every-step form is far below the last-step form from the first measurement on.

# %% [markdown] lang="zh"
# **图.** 留出窗口之后那个字符要花的比特数，横轴是读过的字符数；左边是莎士比亚，右边是《三国演义》。两种语料上，逐步形式从第一次衡量起就远低于末步形式。

# %% [markdown]
# Same text, forty times as many lessons. Reading a window costs the same in both forms, only the scores come to forty rows instead of one. The last-step form asks one question at its end and throws 39 answers away. With overlapping windows it can ask them all, if it reads forty times as much. There is one argument for it: each of its predictions has seen a full window, while the first predictions of the every-step form have seen hardly anything. The measurement above was made on *its* ground, and it lost.
#
# What does a model sound like that has read for a few seconds?

# %% [markdown] lang="zh"
# 同样的文本，上课的次数却是四十倍。读一个窗口，两种形式花费一样，只是分数要算四十行，而不是一行。末步形式只在最后提一个问题，另外 39 个答案白白扔掉。让窗口重叠，它也能把问题问全，代价是读四十倍的字。它也有一条理由：它的每次预测都看过整个窗口，而逐步形式开头的几次预测几乎什么都没看过。上面的衡量，用的正是**它的**主场，它还是输了。
#
# 只读了几秒钟书的模型，说起话来什么样？

# %% tags=["nbval-ignore-output"]
from lmcourse.generation.sampling import generate

for name, start in {"shakespeare": "KING", "sanguo": "却说"}.items():
    tokenizer, model = texts[name].tokenizer, trained[name, "every step"]
    ids = generate(
        model, tokenizer.encode(start), 40, np.random.default_rng(0), 20, temperature=0.7
    )
    print(tokenizer.decode(ids).replace("\n", " ↵ "))
assert len(ids) == 42

# %% [markdown]
# ## The row in the lineage table
#
# With 120 seconds instead of a few, on the whole training text, three seeds each, with the optimizer Muon, which lesson 09 explains. The last column is the seconds of training.

# %% [markdown] lang="zh"
# ## 谱系表里的一行
#
# 不是几秒，而是 120 秒，用上全部训练文本，每个模型三个随机种子，优化器是第 09 课要讲的 Muon。最后一列是训练用的秒数。

# %%
from lmcourse.evaluation import lineage

cost_of = {}
for corpus in ("shakespeare", "sanguo"):
    print(corpus)
    for row in lineage.table(corpus):
        cost_of[corpus, row["model"]] = row["bits_per_character"]
        if row["lesson"] in ("06", "07", "08") or "Kneser" in row["model"]:
            spread = "" if row["spread"] is None else f" ± {row['spread']:.3f}"
            bits = f"{row['bits_per_character']:.3f}{spread}"
            size = f"{row['parameters']:>10,} parameters {row['seconds']:>5.0f} s"
            print(f"  {row['model']:<27} {bits:<14} {size}")

# %%
for corpus in ("shakespeare", "sanguo"):
    counted = {n: cost_of[corpus, f"modified Kneser–Ney {n}-gram"] for n in range(2, 7)}
    recurrent = {name: cost_of[corpus, name] for name in ("RNN", "GRU", "LSTM")}
    best = min(recurrent, key=recurrent.get)
    beaten = [n for n in counted if counted[n] > recurrent[best]]
    if beaten == list(counted):
        verdict = "beats every order of counting · 胜过每一阶计数"
    elif beaten:
        verdict = f"does not beat every order, only · 并未胜过每一阶，只胜过 {beaten}"
    else:
        verdict = "beats no order of counting · 哪一阶计数都没胜过"
    assert (recurrent[best] < min(counted.values())) == verdict.startswith("beats every")
    assert (recurrent[best] < max(counted.values())) != verdict.startswith("beats no")
    print(f"{corpus}: {best} {verdict}")

# %% [markdown]
# Those two sentences are chosen by the table, not by us. Keep two things in mind when you read them. Counting is done within seconds and the networks used up their two minutes. Memory is uneven the other way: modified Kneser–Ney of order 6 stores a number for every stretch of text it has met, and a network keeps a fixed number of weights. And 120 seconds on two cores are the beginning of a training, not its end.

# %% [markdown] lang="zh"
# 这两句话是由表来选的，不是我们挑的。读的时候记着两件事。时间上，网络占了便宜：计数几秒就完，网络却把两分钟用满了。存储上则反过来：6 阶的修正 Kneser–Ney 给见过的每一小段文本都存一个数，网络的权重个数却是固定的。再者，两个核上的 120 秒，只是训练的开头，离结束还远。

# %% [markdown]
# ## Try it
#
# 1. *Easy.* Which bias must the forget gate start with so that a memory lasts 100 steps, by the rule $1/(1-f)$? Work it out with a pencil, then check.
#
# <details><summary>Hint</summary>Solve 1/(1 − σ(b)) = 100. What is 1 − σ(b) as a fraction with e^b in it?</details>
#
# 2. *Medium.* Build a bracket counter by hand: one LSTM cell whose $c_t$ is exactly the number of open brackets. Then explain why no GRU can do it, however long it trains.
#
# <details><summary>Hint</summary>What must the four blocks be on an opening bracket, and on a closing one? Start from the hand-made memory above. For the GRU: between which two numbers must a weighted mean of old state and candidate lie?</details>
#
# 3. *Hard.* Texts of unequal length have to be padded. For the last-step form: before the text, or after it? And with a mask? Measure all four: the network reads a subject and a filler of 1 to 8 words, padded to 20, and must name the verb. Predict the order first.
#
# <details><summary>Hint</summary>`lmcourse.text.batches.pad` has `side="left"` and `side="right"`; `RecurrentLM(..., pad_id=...)` makes the mask. How far is the subject from the last step in each case?</details>

# %% [markdown] lang="zh"
# ## 试一试
#
# 1. **容易。** 照 $1/(1-f)$ 的算法，要让记忆维持 100 步，遗忘门的偏置该从几开始？先用纸笔算，再检验。
#
# <details><summary>提示</summary>解方程 1/(1 − σ(b)) = 100。1 − σ(b) 写成含 e^b 的分数是什么？</details>
#
# 2. **中等。** 亲手造一个括号计数器：一个 LSTM 细胞，$c_t$ 恰好等于开着的括号数。再说说为什么 GRU 训练多久都办不到。
#
# <details><summary>提示</summary>遇到左括号，四块各该取什么？遇到右括号呢？从前面亲手造的记忆改起。至于 GRU：旧状态与候选值的加权平均，必定落在哪两个数之间？</details>
#
# 3. **较难。** 长短不一的文本要填充。对末步形式来说，填在前面好还是后面好？加上掩码呢？四种情形都量一量：网络读一个主语和 1 到 8 个填充词，补到 20 长，然后说出动词。先猜名次。
#
# <details><summary>提示</summary>`lmcourse.text.batches.pad` 有 `side="left"` 和 `side="right"`；`RecurrentLM(..., pad_id=...)` 会造掩码。每种情形下，主语离最后一步有多远？</details>

# %% [markdown]
# ## Worked answers
#
# **1.** $1-\sigma(b) = 1/(1+e^b)$, so a memory lasts $1+e^b$ steps, and $b = \ln 99$.

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** $1-\sigma(b) = 1/(1+e^b)$，所以记忆维持 $1+e^b$ 步，$b = \ln 99$。

# %%
bias = np.log(99)
print(f"bias {bias:.2f}, gate {sigmoid(bias):.2f}, lasts {1 / (1 - sigmoid(bias)):.0f} steps")
assert_allclose(1 / (1 - sigmoid(bias)), 100)

# %% [markdown]
# **2.** Write always ($i = 1$), forget never ($f = 1$), candidate $+1$ on an opening bracket and $-1$ on a closing one. A GRU's new state is a weighted mean of the old one and of a tanh, so it never leaves ±1. It can tell a few depths apart by fine shades, but it can't add one again and again (Weiss, Goldberg & Yahav 2018).

# %% [markdown] lang="zh"
# **2.** 总是写（$i = 1$），从不忘（$f = 1$），左括号的候选值是 $+1$，右括号的是 $-1$。GRU 的新状态是旧状态与一个 tanh 的加权平均，永远出不了 ±1：深浅几层，它可以靠细微的差别来分辨，但一再地加一，它做不到（Weiss、Goldberg、Yahav，2018）。

# %%
big = 20.0
W = np.array([[big, big, big, big], [big, big, -big, big]])  # opening, closing; i, f, g, o
text = np.array([0, 0, 0, 1, 0, 0, 1, 1, 1, 1])
nothing = (np.zeros((1, 1)), np.zeros((1, 1)))
cache = lstm(np.eye(2)[text][None], nothing, W, np.zeros((1, 4)), np.zeros(4))[2]
print("brackets", "".join("()"[k] for k in text))
print("cell    ", *cache["cells"][0, 1:, 0].round(3).astype(int))
assert_allclose(cache["cells"][0, 1:, 0], np.cumsum(1 - 2 * text), atol=1e-6)
wild = [100 * rng.normal(size=shape) for shape in [(1, 50, 2), (2, 3), (1, 3), (2, 3)]]
assert abs(gru(wild[0], np.zeros((1, 1)), *wild[1:])[0]).max() <= 1

# %% [markdown]
# **3.** With a mask it makes no difference, the two are the same function. Without one, padding *before* is harmless: the network learns to read past it before anything matters. Padding *after* puts up to 18 steps of nothing between the subject and the answer, and in this short training the subject gets lost on the way.

# %% [markdown] lang="zh"
# **3.** 有掩码时，前后没有差别，是同一个函数。没有掩码，填在**前面**无妨：正事还没开始，网络学会跳过就行。填在**后面**，就在主语和答案之间塞进了多达十八步的空白，训练这么短，主语在半路就丢了。

# %% tags=["nbval-ignore-output"]
from lmcourse.text.batches import pad


def questions(side):
    def batch(step):
        dice = np.random.default_rng(step)
        subjects = dice.integers(0, 2, 64)  # the verbs are the ids 6 and 7, the padding is 8
        rows = [[s, *dice.integers(2, 6, dice.integers(1, 9))] for s in subjects]
        return pad(rows, value=8, length=20, side=side), subjects + 6

    return batch


for mask in (True, False):
    for side in ("left", "right"):
        keras.utils.set_random_seed(0)
        model = RecurrentLM(9, cell="lstm", width=8, units=16, pad_id=8 if mask else None)
        model.embedding.assign(np.random.default_rng(0).normal(size=(9, 8)))
        fit(LastStep(model), questions(side), steps=60, learning_rate=0.02)
        inputs, verbs = questions(side)(10**6)
        bits = nats_to_bits(cross_entropy(np.asarray(LastStep(model)(inputs)), verbs))
        print(f"mask {mask!s:<5} padded on the {side:<5} {bits:.2f} bits for the verb")
        assert (bits < 0.5) == (mask or side == "left")

# %% [markdown]
# ## What we know now
#
# - The RNN multiplies its memory by a matrix at every step. The LSTM keeps it and adds to it; its direct slope is the forget gate, $\partial c_t/\partial c_{t-1} = f_t$.
# - A gate is a sigmoid that multiplies. The forget gate's bias sets how far a fresh network reaches.
# - LSTM: forget, input and output gate, and a cell. GRU: update and reset gate, and no cell.
# - Gate order, two rows of biases, where the reset stands: shapes don't tell. Numbers do.
# - After equally short training, the RNN forgets the subject at long distances and the LSTM holds it, measured in excess bits over the exact floor.
# - Predict at every step, shift the labels, mask the padding, and keep the softmax in the loss.
#
# ## What it still can't do
#
# It reads one token after another, so that a thousand tokens are a thousand steps, each waiting for the one before. And everything it has read must pass through one vector of fixed size. Lesson 10 will let the model look back instead of remembering. First, though: all our training recipes so far were guesses, a rate of 0.01 here, 60 steps there. How does one choose? That is lesson 09.
#
# ## References
#
# - Y. Bengio, P. Simard, P. Frasconi, *Learning Long-Term Dependencies with Gradient Descent is Difficult* (1994).
# - S. Hochreiter, J. Schmidhuber, *Long Short-Term Memory* (1997); F. Gers, J. Schmidhuber, F. Cummins, *Learning to Forget: Continual Prediction with LSTM* (2000).
# - K. Cho and others, *Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine Translation* (2014): the GRU.
# - R. Jozefowicz, W. Zaremba, I. Sutskever, *An Empirical Exploration of Recurrent Network Architectures* (2015).
# - A. Karpathy, J. Johnson, L. Fei-Fei, *Visualizing and Understanding Recurrent Networks* (2015).
# - T. Linzen, E. Dupoux, Y. Goldberg, *Assessing the Ability of LSTMs to Learn Syntax-Sensitive Dependencies* (2016): agreement in real English.
# - K. Greff and others, *LSTM: A Search Space Odyssey* (2017).
# - G. Weiss, Y. Goldberg, E. Yahav, *On the Practical Computational Power of Finite Precision RNNs for Language Recognition* (2018).

# %% [markdown] lang="zh"
# ## 现在我们知道
#
# - RNN 每一步都拿矩阵去乘记忆；LSTM 把记忆留着，再往上加，直路上的斜率就是遗忘门：$\partial c_t/\partial c_{t-1} = f_t$。
# - 门就是用来相乘的 sigmoid。遗忘门的偏置决定了没训练过的网络够得着多远。
# - LSTM：遗忘门、输入门、输出门，外加细胞。GRU：更新门、重置门，没有细胞。
# - 门的次序、两行偏置、重置放在哪里，形状都看不出来，数字才看得出来。
# - 训练同样短，距离一长，RNN 忘了主语，LSTM 还记得；这是用高出精确底线的超额比特量出来的。
# - 每一步都预测，标签错开一位，填充要遮住，softmax 留在损失里。
#
# ## 它还做不到
#
# 它一个词元接一个词元地读，一千个词元就是一千步，每一步都得等上一步。而且读过的一切，都得挤进一个长度固定的向量。第 10 课会让模型不靠记，靠回头看。不过先得问一句：到现在为止，训练的配方都是蒙的，这里学习率 0.01，那里 60 步。到底该怎么选？这是第 09 课的问题。
#
# ## 参考文献
#
# - Y. Bengio, P. Simard, P. Frasconi, *Learning Long-Term Dependencies with Gradient Descent is Difficult* (1994)。
# - S. Hochreiter, J. Schmidhuber, *Long Short-Term Memory* (1997)；F. Gers, J. Schmidhuber, F. Cummins, *Learning to Forget: Continual Prediction with LSTM* (2000)。
# - K. Cho 等, *Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine Translation* (2014)：GRU 的出处。
# - R. Jozefowicz, W. Zaremba, I. Sutskever, *An Empirical Exploration of Recurrent Network Architectures* (2015)。
# - A. Karpathy, J. Johnson, L. Fei-Fei, *Visualizing and Understanding Recurrent Networks* (2015)。
# - T. Linzen, E. Dupoux, Y. Goldberg, *Assessing the Ability of LSTMs to Learn Syntax-Sensitive Dependencies* (2016)：真实英语里的一致关系。
# - K. Greff 等, *LSTM: A Search Space Odyssey* (2017)。
# - G. Weiss, Y. Goldberg, E. Yahav, *On the Practical Computational Power of Finite Precision RNNs for Language Recognition* (2018)。
