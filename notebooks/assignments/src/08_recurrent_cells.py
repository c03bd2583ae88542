# %% [markdown]
# # Assignment 08 · Recurrent cells
# **After lessons 07 and 08 · about 100 minutes · 30 points.** You take one step by hand, then build what a recurrent network is made of: a plain cell, an LSTM that reads padded sentences, one step of the way back, and the brake for gradients that explode. You repair a GRU that came from somewhere else, and you watch slopes vanish. NumPy and Python's own library are all you need; your functions must not import anything else.
#
# Every question has a cell that begins with a comment or a `raise NotImplementedError`: replace it. (In question 6 the cell holds a function that runs and is wrong.) The cell below it holds the visible tests; run it as often as you like. When your work is marked, other tests are run as well, with other numbers and other shapes. A question gives all of its points or none, and each is marked by itself: let no function of yours call that of another question.
#
# Letters as in the lessons: B sequences in a batch, T steps, D numbers in an input vector, U units. Arrays come as NumPy arrays. Work on your own: your numbers are drawn from your student id, and nobody else has the same tests. Write it into the next cell first.

# %% [markdown] lang="zh"
# # 作业 08 · 循环单元
# **学完第 07、08 课再做 · 约 100 分钟 · 30 分。** 先动手算一步，再把循环网络的零件一件件造出来：一个普通的循环单元、一个能读填充过的句子的 LSTM、往回走的一步，还有给爆炸的梯度用的刹车。然后修好一个从别处抄来的 GRU，再看看斜率怎样消失。只用 NumPy 和 Python 自带的库；你的函数不要导入别的。
#
# 每道题有一格，开头是注释或 `raise NotImplementedError`：把它换成你的答案。（第 6 题那一格里是一个跑得通、但结果不对的函数。）下面一格是公开测试，随便运行多少次。批改时还会运行别的测试，用的是别的数、别的形状。一道题要么得满分，要么得零分；各题分开批改，所以一道题的函数不要调用另一道题的函数。
#
# 字母和课上一样：一批 B 个序列，T 步，输入向量有 D 个数，U 个单元。数组都是 NumPy 数组。请独立完成：你的数由学号抽出，别人的测试和你的不一样。先把学号写进下一格。

# %%
STUDENT = ""  # your student id, such as "s01" · 你的学号

# %%
import numpy as np
from numpy.testing import assert_allclose

from lmcourse.classroom.draw import draw


def sigmoid(a):
    """Squash any number to a share between 0 and 1; it cannot overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(a, float)))


# %% [markdown]
# ## 1 · One step by hand (4 points)
# (a) A plain recurrent network of two units, $h_t = \tanh(x_t W + h_{t-1} R + b)$, is in the state `my_h` and reads the token that the next cell names. Tokens are one-hot vectors: $W$ has a row for each of `a`, `b`, `c`. Give its new state, two numbers.
#
# (b) An LSTM of one unit has already worked out its four sums $a_i$, $a_f$, $a_g$, $a_o$, *before* the squashing; its cell holds `c_old`. Give the new cell and the new hidden state.
#
# A calculator is allowed, a program is not needed. Three decimals.

# %% [markdown] lang="zh"
# ## 1 · 动手算一步（4 分）
# （a）一个两单元的普通循环网络，$h_t = \tanh(x_t W + h_{t-1} R + b)$，此刻的状态是 `my_h`，读到的词元见下一格。词元是独热向量：$W$ 里 `a`、`b`、`c` 各占一行。求它的新状态，两个数。
#
# （b）一个单元的 LSTM，四个和 $a_i$、$a_f$、$a_g$、$a_o$ 已经算好，但**还没有**压缩；细胞里存着 `c_old`。求新的细胞和新的隐状态。
#
# 可以用计算器，不必写程序。保留三位小数。

# %%
dice = draw(STUDENT, "08/by hand")
my_W = dice.permutation([[-0.7, -0.1], [0.8, 0.9], [0.5, -0.9]])
my_R = np.array([[0.8, 0.9], [-0.8, -0.8]])[dice.permutation(2)][:, dice.permutation(2)]
my_b = np.array([-0.3, -0.4])
my_h = dice.permutation([-0.8, 0.5]) * dice.choice([-1, 1])
my_token = int(dice.integers(3))
a_i, a_f, a_o = dice.permutation([-0.1, 0.8, 1.7]).tolist()
a_g, c_old = (dice.permutation([[1.7, 0.6], [1.3, 1.6]])[0] * dice.choice([-1, 1])).tolist()
print("(a)  W, rows a, b, c:", my_W.tolist())
print("     R:", my_R.tolist(), "  b:", my_b.tolist())
print("     h:", my_h.tolist(), "  token:", "abc"[my_token])
print("(b)  a_i:", a_i, "  a_f:", a_f, "  a_g:", a_g, "  a_o:", a_o, "  c_old:", c_old)

# %% part="by_hand" role="stub"
state = ...  # (a) the new state [unit 1, unit 2]
cell = ...  # (b) the new cell
hidden = ...  # (b) the new hidden state

# %% part="by_hand" role="solution"
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()
i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
cell = round(float(f * c_old + i * g), 3)
hidden = round(float(o * np.tanh(f * c_old + i * g)), 3)

# %% part="by_hand" role="tests" points=4
assert np.shape(state) == (2,), "the state has two numbers, one for each unit"
assert np.shape(cell) == () and np.shape(hidden) == (), "one unit: one number each"
assert np.abs(state).max() < 1 and abs(hidden) < 1, "a tanh stays between -1 and 1"

# %% part="by_hand" role="hidden"
got = np.asarray(state, float)
row = my_W[my_token]
a = row + my_h @ my_R + my_b


def close(one, other):
    return np.allclose(one, other, rtol=0, atol=0.003)


with hint("state_before_tanh"):
    assert not close(got, a)
with hint("state_by_sigmoid"):
    assert not close(got, sigmoid(a))
with hint("transposed"):
    assert not close(got, np.tanh(row + my_R @ my_h + my_b))
with hint("bias_left_out"):
    assert not close(got, np.tanh(row + my_h @ my_R))
with hint("state_left_out"):
    assert not close(got, np.tanh(row + my_b)) and not close(got, np.tanh(row))
with hint("another_row"):
    for other in range(3):
        assert other == my_token or not close(got, np.tanh(my_W[other] + my_h @ my_R + my_b))
with hint("units_exchanged"):
    assert not close(got, key.state[::-1])
with hint("state_wrong"):
    assert_allclose(got, key.state, rtol=0, atol=0.002)

i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
exact = f * c_old + i * g
with hint("cell_squashed"):
    assert not close(cell, np.tanh(exact)) or not close(hidden, key.hidden)
with hint("gates_swapped"):
    assert not close(cell, i * c_old + f * g)
    assert not close(cell, f * c_old + o * g)
    assert not close(cell, o * c_old + i * g)
with hint("forget_upside_down"):
    assert not close(cell, (1 - f) * c_old + i * g)
with hint("candidate_by_sigmoid"):
    assert not close(cell, f * c_old + i * sigmoid(a_g))
with hint("candidate_not_squashed"):
    assert not close(cell, f * c_old + i * a_g)
with hint("gates_by_tanh"):
    assert not close(cell, np.tanh(a_f) * c_old + np.tanh(a_i) * g)
with hint("gate_left_out"):
    assert not close(cell, c_old + i * g)
    assert not close(cell, f * c_old + g)
    assert not close(cell, i * g)
with hint("cell_wrong"):
    assert_allclose(cell, exact, rtol=0, atol=0.002)
with hint("hidden_without_tanh"):
    assert not close(hidden, o * exact)
with hint("hidden_of_old_cell"):
    assert not close(hidden, o * np.tanh(c_old))
with hint("hidden_without_gate"):
    assert not close(hidden, np.tanh(exact))
with hint("hidden_wrong"):
    assert_allclose(hidden, key.hidden, rtol=0, atol=0.002)

# %% part="by_hand" role="mistake" name="state_before_tanh"
# (a) That is the sum before the squashing. The state is its tanh.
# （a）这是压缩之前的和。状态是它的 tanh。
state = (my_W[my_token] + my_h @ my_R + my_b).tolist()
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="state_by_sigmoid"
# (a) You squashed with the sigmoid. A plain recurrent network squashes with tanh.
# （a）你用 sigmoid 压缩了。普通循环网络用的是 tanh。
state = sigmoid(my_W[my_token] + my_h @ my_R + my_b).tolist()
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="transposed"
# (a) You multiplied the state with R's rows. In h R the state stands on the left: unit j gets the sum down column j.
# （a）你拿状态去乘 R 的行了。在 h R 里状态站在左边：第 j 个单元得到的是沿第 j 列的和。
state = np.tanh(my_W[my_token] + my_R @ my_h + my_b).round(3).tolist()
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="bias_left_out"
# (a) The bias b is missing from your sum.
# （a）你的和里漏了偏置 b。
state = np.tanh(my_W[my_token] + my_h @ my_R).round(3).tolist()
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="state_left_out"
# (a) Your result doesn't depend on the state the network is in. What it has read before comes in through R.
# （a）你的结果与网络此刻的状态无关。从前读过的东西要经过 R 进来。
state = np.tanh(my_W[my_token] + my_b).round(3).tolist()
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="another_row"
# (a) You took the row of W that belongs to another token. The rows stand in the order a, b, c.
# （a）你取的是 W 里另一个词元的那一行。各行的次序是 a、b、c。
state = np.tanh(my_W[(my_token + 1) % 3] + my_h @ my_R + my_b).round(3).tolist()
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="gates_swapped"
# (b) Your gates have changed places: the forget gate multiplies the old cell, the input gate the candidate.
# （b）你的门换了位置：遗忘门乘旧细胞，输入门乘候选值。
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()
cell = float(sigmoid(a_i) * c_old + sigmoid(a_f) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="forget_upside_down"
# (b) You took 1 − f. In spite of its name the forget gate keeps when it is open: 1 keeps all.
# （b）你用了 1 − f。别被名字骗了，遗忘门开着是“留下”：等于 1 就全留。
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()
cell = float((1 - sigmoid(a_f)) * c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="candidate_by_sigmoid"
# (b) You squashed the candidate with the sigmoid. It is not a gate: it may be negative.
# （b）你用 sigmoid 压缩了候选值。它不是门，可以是负的。
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * sigmoid(a_g))
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="candidate_not_squashed"
# (b) You wrote the sum a_g itself into the cell. All four numbers are given before the squashing.
# （b）你把和 a_g 原样写进了细胞。给出的四个数都还没有压缩。
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * a_g)
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="gates_by_tanh"
# (b) You squashed the gates with tanh. A gate is a share between 0 and 1.
# （b）你用 tanh 压缩了门。门是 0 到 1 之间的比例。
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()
cell = float(np.tanh(a_f) * c_old + np.tanh(a_i) * np.tanh(a_g))
hidden = float(np.tanh(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="gate_left_out"
# (b) A term of the new cell is missing or went past its gate: the old cell and the candidate each have one.
# （b）新细胞里少了一项，或者有一项绕过了门：旧细胞和候选值各有各的门。
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()
cell = float(c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="hidden_without_tanh"
# (b) The cell is right. Before the output gate shows it, it is squashed once more.
# （b）细胞对了。输出门亮出它之前，还要再压缩一次。
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * cell)

# %% part="by_hand" role="mistake" name="hidden_of_old_cell"
# (b) The hidden state shows the old cell. It speaks after the cell has changed.
# （b）隐状态亮出的是旧细胞。要等细胞更新之后，它才开口。
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * np.tanh(c_old))

# %% part="by_hand" role="mistake" name="hidden_without_gate"
# (b) The output gate is missing: it decides how much of the cell is shown.
# （b）漏了输出门：亮出多少由它决定。
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(np.tanh(cell))

# %% part="by_hand" role="mistake" name="units_exchanged"
# (a) Both numbers are right, but in the other order: the first is unit 1, made with the first columns of W and R.
# （a）两个数都对，次序反了：第一个是单元 1，用 W 和 R 的第一列算出。
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()[::-1]
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="state_wrong"
# (a) The state is not right. For each unit add up four products or numbers: its entry in the token's row of W, both old numbers times its column of R, its bias; then take tanh, with three decimals.
# （a）新状态不对。对每个单元，把这几项加起来：W 里该词元那一行的数、两个旧数分别乘以 R 的这一列、它的偏置；再取 tanh，保留三位小数。
state = np.tanh(my_W[my_token] + my_h * np.diag(my_R) + my_b).round(3).tolist()
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="cell_squashed"
# (b) You squashed the new cell. The cell itself may leave ±1; only what the output gate shows is squashed.
# （b）你把新细胞也压缩了。细胞本身可以超出 ±1，要压缩的只是输出门亮出的那一份。
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()
cell = float(np.tanh(sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g)))
hidden = float(sigmoid(a_o) * cell)

# %% part="by_hand" role="mistake" name="cell_wrong"
# (b) The cell is not right. Write down three numbers first: the two gates between 0 and 1, a larger sum with a larger gate, and the candidate between −1 and 1. The old cell goes in as it is.
# （b）细胞不对。先写下三个数：两个门在 0 和 1 之间，和越大门越大；候选在 −1 和 1 之间。旧细胞按原样代入。
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()
cell = float(sigmoid(a_f) * np.tanh(c_old) + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_o) * np.tanh(cell))

# %% part="by_hand" role="mistake" name="hidden_wrong"
# (b) The cell is right, the hidden state is not: it is made of the new cell and of one gate alone. Look which one, and keep three decimals.
# （b）细胞对了，隐状态不对：它只由新细胞和一个门算出。看看是哪个门，并保留三位小数。
state = np.tanh(my_W[my_token] + my_h @ my_R + my_b).round(3).tolist()
cell = float(sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g))
hidden = float(sigmoid(a_i) * np.tanh(cell))

# %% part="by_hand" role="alternative" name="unit_by_unit"
W_row = my_W["abc".index("abc"[my_token])]
unit_1 = np.tanh(W_row[0] + my_h[0] * my_R[0, 0] + my_h[1] * my_R[1, 0] + my_b[0])
unit_2 = np.tanh(W_row[1] + my_h[0] * my_R[0, 1] + my_h[1] * my_R[1, 1] + my_b[1])
state = (round(float(unit_1), 3), round(float(unit_2), 3))
keep, write, show = (1 / (1 + np.exp(-a)) for a in (a_f, a_i, a_o))
cell = np.float64(keep * c_old + write * np.tanh(a_g))
hidden = np.array(show * np.tanh(cell))

# %% part="by_hand" role="alternative" name="rounded_on_the_way"
state = np.tanh(np.eye(3)[my_token] @ my_W + my_h @ my_R + my_b)
i, f, g, o = (round(float(v), 4) for v in (sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)))
cell = round(f * c_old + i * g, 3)
hidden = round(o * float(np.tanh(cell)), 3)

# %% part="by_hand" role="alternative" name="one_product"
both = np.concatenate([my_W, my_R])
state = list(np.tanh(np.concatenate([np.eye(3)[my_token], my_h]) @ both + my_b))
cell = float(c_old / (1 + np.exp(-a_f)) + np.tanh(a_g) / (1 + np.exp(-a_i)))
hidden = float(np.tanh(cell) / (1 + np.exp(-a_o)))

# %% [markdown]
# ## 2 · A step of the plain cell (3 points)
# Write `rnn_step(x, h, W, R, b)`: one step of $h_t = \tanh(x_t W + h_{t-1} R + b)$ for a whole batch. `x` is `(B, D)`, `h` is `(B, U)`, `W` is `(D, U)`, `R` is `(U, U)`, `b` is `(U,)`; the result is the new state `(B, U)`. The sums inside tanh may be large.

# %% [markdown] lang="zh"
# ## 2 · 普通单元走一步（3 分）
# 写出 `rnn_step(x, h, W, R, b)`：为一整批走一步 $h_t = \tanh(x_t W + h_{t-1} R + b)$。`x` 是 `(B, D)`，`h` 是 `(B, U)`，`W` 是 `(D, U)`，`R` 是 `(U, U)`，`b` 是 `(U,)`；结果是新状态 `(B, U)`。tanh 里的和可能很大。


# %% part="rnn_step" role="stub"
def rnn_step(x, h, W, R, b):
    raise NotImplementedError


# %% part="rnn_step" role="solution"
def rnn_step(x, h, W, R, b):
    return np.tanh(x @ W + h @ R + b)


# %% part="rnn_step" role="tests" points=3
one = np.ones((1, 1))
assert_allclose(
    rnn_step(one, 0 * one, 0.5 * one, 2 * one, np.zeros(1)), [[np.tanh(0.5)]], rtol=1e-5, atol=1e-6
)
assert_allclose(
    rnn_step(one, one, 0.5 * one, 2 * one, -np.ones(1)), [[np.tanh(1.5)]], rtol=1e-5, atol=1e-6
)
two = rnn_step(np.array([[1.0], [0.0]]), np.zeros((2, 3)), np.ones((1, 3)), np.eye(3), np.zeros(3))
assert np.shape(two) == (2, 3), "a state of three numbers for each of the two sequences"
assert_allclose(two, [[np.tanh(1)] * 3, [0, 0, 0]], rtol=1e-5, atol=1e-6)

# %% part="rnn_step" role="hidden"
x, h = rng.normal(size=(4, 2)), np.tanh(rng.normal(size=(4, 3)))
W, R, b = (
    rng.normal(size=(2, 3)) / 2,
    rng.normal(size=(3, 3)) / 2,
    rng.permutation([0.5, -0.4, 0.3]),
)
got, a = np.asarray(rnn_step(x, h, W, R, b), float), x @ W + h @ R + b
assert got.shape == (4, 3)
with hint("before_tanh"):
    assert not np.allclose(got, a)
with hint("sigmoid_instead"):
    assert not np.allclose(got, sigmoid(a))
with hint("R_transposed"):
    assert not np.allclose(got, np.tanh(x @ W + h @ R.T + b))
with hint("state_ignored"):
    assert not np.allclose(got, np.tanh(x @ W + b)) and not np.allclose(got, np.tanh(x @ W))
with hint("bias_outside"):
    assert not np.allclose(got, np.tanh(x @ W + h @ R))
    assert not np.allclose(got, np.tanh(x @ W + h @ R) + b)
with hint("own_state_only"):
    for numbers in (np.diag(R), *R, *R.T):
        assert not np.allclose(got, np.tanh(x @ W + h * numbers + b))
with hint("one_bias_for_all"):
    for shared in (*b, b.sum(), b.mean()):
        assert not np.allclose(got, np.tanh(x @ W + h @ R + shared))
with hint("rows_mixed"):
    mixed = [np.tanh(x[0] @ W + h[0] @ R + b)]
    for row in x[1:]:
        mixed.append(np.tanh(row @ W + mixed[-1] @ R + b))
    assert not np.allclose(got[1:], mixed[1:])
with hint("two_squashings"):
    assert not np.allclose(got, np.tanh(x @ W + b) + np.tanh(h @ R))
    assert not np.allclose(got, np.tanh(x @ W) + np.tanh(h @ R) + b)
    assert not np.allclose(got, np.tanh(x @ W + b) + h @ R)
    assert not np.allclose(got, np.tanh(x @ W + b) + h)
    assert not np.allclose(got, np.tanh(a) + h)
    assert not np.allclose(got, np.tanh(x @ W + np.tanh(h @ R) + b))
    assert not np.allclose(got, np.tanh(x @ W + np.tanh(h) @ R + b))
with hint("one_state_for_all"):
    for shared in (h[0], h[-1], h.mean(axis=0)):
        assert not np.allclose(got, np.tanh(x @ W + shared @ R + b))
assert_allclose(got, key.rnn_step(x, h, W, R, b), rtol=1e-4, atol=1e-5)
assert_allclose(rnn_step(x[:1], h[:1], W, R, b), got[:1], rtol=1e-4, atol=1e-5)
with hint("overflow"):
    large = np.asarray(rnn_step(x, h, 1000 * W, R, b), float)
    assert_allclose(large, key.rnn_step(x, h, 1000 * W, R, b), rtol=1e-4, atol=1e-5)


# %% part="rnn_step" role="mistake" name="before_tanh"
# You return the sum. The new state is its tanh.
# 你返回的是和。新状态是它的 tanh。
def rnn_step(x, h, W, R, b):
    return x @ W + h @ R + b


# %% part="rnn_step" role="mistake" name="sigmoid_instead"
# You squash with the sigmoid. The plain cell squashes with tanh, so that a state may be negative.
# 你用 sigmoid 压缩了。普通单元用 tanh，状态可以是负的。
def rnn_step(x, h, W, R, b):
    return sigmoid(x @ W + h @ R + b)


# %% part="rnn_step" role="mistake" name="R_transposed"
# You multiply with R transposed. R is square, so shapes don't tell: entry (i, j) leads from unit i to unit j.
# 你乘的是转置的 R。R 是方阵，光看形状发现不了：第 (i, j) 个数从单元 i 通向单元 j。
def rnn_step(x, h, W, R, b):
    return np.tanh(x @ W + (R @ h.T).T + b)


# %% part="rnn_step" role="mistake" name="state_ignored"
# Your step forgets what was read before: the old state must come in through R.
# 你的这一步忘了从前读过的：旧状态要经过 R 进来。
def rnn_step(x, h, W, R, b):
    h = np.zeros_like(h)
    return np.tanh(x @ W + h @ R + b)


# %% part="rnn_step" role="mistake" name="bias_outside"
# The bias is missing, or it is added after the squashing. It belongs into the sum.
# 漏了偏置，或者压缩之后才加。它应当加在和里面。
def rnn_step(x, h, W, R, b):
    return np.tanh(x @ W + h @ R) + b


# %% part="rnn_step" role="mistake" name="one_bias_for_all"
# All units get the same bias. b has one number for each unit.
# 所有单元用了同一个偏置。b 给每个单元各一个数。
def rnn_step(x, h, W, R, b):
    return np.tanh(x @ W + h @ R + b[0])


# %% part="rnn_step" role="mistake" name="own_state_only"
# Each unit hears only itself: you multiplied number by number. R mixes all units, as a matrix product.
# 每个单元只听见自己：你是逐个数相乘的。R 要把所有单元混起来，用矩阵乘法。
def rnn_step(x, h, W, R, b):
    return np.tanh(x @ W + h * np.diag(R) + b)


# %% part="rnn_step" role="mistake" name="two_squashings"
# You squash in more than one place, or only a part. Add up everything first, then squash once.
# 你不止压缩了一处，或者只压缩了一部分。先全部加起来，再压缩一次。
def rnn_step(x, h, W, R, b):
    from_input = np.tanh(x @ W + b)
    from_state = np.tanh(h @ R)
    return from_input + from_state


# %% part="rnn_step" role="mistake" name="one_state_for_all"
# All sequences of your batch share one old state. Each row has its own.
# 一批里的各个序列用了同一个旧状态。每一行有自己的状态。
def rnn_step(x, h, W, R, b):
    return np.array([np.tanh(row @ W + h[0] @ R + b) for row in x])


# %% part="rnn_step" role="mistake" name="rows_mixed"
# The rows of your batch pass a state on to one another. They are different sequences, all at the same step: each has its own row of `h`.
# 你的批里，各行把状态一行一行传了下去。它们是不同的序列，处在同一步：每行用 `h` 里自己的那一行。
def rnn_step(x, h, W, R, b):
    states, old = [], h[0]
    for row in x:
        old = np.tanh(row @ W + old @ R + b)
        states.append(old)
    return np.stack(states)


# %% part="rnn_step" role="mistake" name="overflow"
# With large sums your tanh is no number any more: powers of e overflow. NumPy has a tanh that doesn't.
# 和一大，你的 tanh 就不是数了：e 的幂溢出了。NumPy 自带的 tanh 不会。
def rnn_step(x, h, W, R, b):
    a = x @ W + h @ R + b
    return (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a))


# %% part="rnn_step" role="alternative" name="loop"
def rnn_step(x, h, W, R, b):
    new = []
    for row in range(len(x)):
        sums = []
        for unit in range(len(b)):
            total = b[unit]
            total += sum(x[row][k] * W[k][unit] for k in range(len(W)))
            total += sum(h[row][k] * R[k][unit] for k in range(len(R)))
            sums.append(float(np.tanh(total)))
        new.append(sums)
    return new


# %% part="rnn_step" role="alternative" name="one_product"
def rnn_step(x, h, W, R, b):
    return np.tanh(np.concatenate([x, h], axis=1) @ np.concatenate([W, R]) + b)


# %% part="rnn_step" role="alternative" name="einsum"
def rnn_step(x, h, W, R, b):
    a = np.einsum("bd,du->bu", x, W) + np.einsum("bi,ij->bj", h, R) + b[None]
    return 2 * sigmoid(2 * a) - 1


# %% [markdown]
# ## 3 · An LSTM that reads padded sentences (7 points)
# Write `lstm(x, h, c, W, R, b, mask)`, which reads whole sequences, step by step:
#
# $$c_t = f_t \odot c_{t-1} + i_t \odot g_t \qquad h_t = o_t \odot \tanh(c_t)$$
#
# - `x` is `(B, T, D)`; `h` and `c`, each `(B, U)`, are the hidden state and the cell to start from.
# - `W` `(D, 4U)`, `R` `(U, 4U)` and `b` `(4U,)` hold four blocks of U columns side by side, in the order of Keras: $i, f, g, o$.
# - `mask` `(B, T)` is True for a real step. Where it is False nothing happens to that row: `h` and `c` stay as they are, and the row's last output is given again. Before the first real step of a row its output is zero, whatever `h` it started from.
# - Return three things, `outputs, h, c`: the outputs `(B, T, U)`, and the last hidden state and cell, `(B, U)` each.
#
# `sigmoid` from the first cells may be used.

# %% [markdown] lang="zh"
# ## 3 · 会读填充句子的 LSTM（7 分）
# 写出 `lstm(x, h, c, W, R, b, mask)`，一步步读完整个序列：
#
# $$c_t = f_t \odot c_{t-1} + i_t \odot g_t \qquad h_t = o_t \odot \tanh(c_t)$$
#
# - `x` 是 `(B, T, D)`；`h` 和 `c` 各是 `(B, U)`，是出发时的隐状态和细胞。
# - `W` `(D, 4U)`、`R` `(U, 4U)`、`b` `(4U,)` 里并排放着四块，每块 U 列，按 Keras 的次序：$i, f, g, o$。
# - `mask` `(B, T)` 为 True 的是真实的步。为 False 时，那一行什么也不发生：`h` 和 `c` 不变，输出重复这一行上一次的输出。一行还没遇到第一个真实的步时，不管从什么 `h` 出发，输出都是零。
# - 返回三样东西 `outputs, h, c`：输出 `(B, T, U)`，以及最后的隐状态和细胞，各是 `(B, U)`。
#
# 开头给出的 `sigmoid` 可以用。


# %% part="lstm" role="stub"
def lstm(x, h, c, W, R, b, mask):
    raise NotImplementedError


# %% part="lstm" role="solution"
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="tests" points=7
# the example of lesson 08: i = 3/4, f = 1/2, g = 3/5, o = 1/4, and c goes from 0.4 to 0.65
W, R, b = np.log([[3.0, 1.0, 2.0, 1 / 3]]), np.array([[0.0, 2.0, -1.0, 0.0]]), np.zeros(4)
real = np.array([[True]])
outputs, h, c = lstm(np.ones((1, 1, 1)), np.zeros((1, 1)), np.array([[0.4]]), W, R, b, real)
assert_allclose(c, [[0.65]], rtol=1e-5, atol=1e-6)
assert_allclose(h, [[np.tanh(0.65) / 4]], rtol=1e-5, atol=1e-6)
assert_allclose(outputs, [[[np.tanh(0.65) / 4]]], rtol=1e-5, atol=1e-6)
# two rows, three steps; the first row begins with a padding, the second one ends with two
x, mask = np.ones((2, 3, 1)), np.array([[False, True, True], [True, False, False]])
outputs, h, c = lstm(x, np.zeros((2, 1)), np.full((2, 1), 0.4), W, R, b, mask)
assert np.shape(outputs) == (2, 3, 1), "outputs have the shape (B, T, U)"
assert_allclose(np.asarray(outputs)[:, 0, 0], [0, np.tanh(0.65) / 4], rtol=1e-5, atol=1e-6)
assert_allclose(np.asarray(outputs)[1, :, 0], [np.tanh(0.65) / 4] * 3, rtol=1e-5, atol=1e-6)
assert_allclose(np.asarray(c)[1], [0.65], rtol=1e-5, atol=1e-6)

# %% part="lstm" role="hidden"
from itertools import permutations

B, T, D, U = 4, 5, 2, 3
x, h, c = rng.normal(size=(B, T, D)), np.tanh(rng.normal(size=(B, U))), rng.normal(size=(B, U))
W, R, b = (rng.normal(size=shape) for shape in [(D, 4 * U), (U, 4 * U), (4 * U,)])
rows = [[1, 1, 0, 1, 0], [0, 1, 1, 0, 1], [0, 0, 0, 0, 0], [1, 0, 0, 1, 1]]
mask, every = rng.permutation(rows).astype(bool), np.ones((B, T), bool)


def ask(mask, **given):
    values = given.get("x", x), given.get("h", h), given.get("c", c)
    outputs, last_h, last_c = lstm(*values, W, R, b, mask)
    return [np.asarray(value, float) for value in (outputs, last_h, last_c)]


def play(
    mask=every,
    order=(0, 1, 2, 3),
    squash=(sigmoid, sigmoid, np.tanh, sigmoid),
    cell=lambda i, f, g, c: f * c + i * g,
    shown=lambda o, c, new: o * np.tanh(new),
    carry=(True, True),  # h, c
    hold=(True, True),  # at masked steps
    start=(h, c),
    wipe=None,
    bias=b,
    heard=None,
):
    """Read as a right answer does, or with a fault."""
    h_t, c_t = start
    outputs, output = [], np.zeros((B, U))
    for t in range(T):
        from_h = heard(h_t, c_t) if heard else h_t
        a = np.split(x[:, t] @ W + from_h @ R + bias, 4, axis=1)
        i, f, g, o = (s(a[k]) for s, k in zip(squash, order, strict=True))
        new_c = cell(i, f, g, c_t)
        new_h, real = shown(o, c_t, new_c), mask[:, t, None]
        output = np.where(real, new_h, output)
        outputs.append(output)
        kept_h, kept_c = (h_t, c_t) if wipe is None else wipe(h_t, c_t)
        h_t = np.where(real | (not hold[0]), new_h, kept_h) if carry[0] else h_t
        c_t = np.where(real | (not hold[1]), new_c, kept_c) if carry[1] else c_t
    return np.stack(outputs, axis=1), h_t, c_t


def same(wrong, index=0):
    return np.allclose(
        got[index], wrong[index] if isinstance(wrong, tuple) else wrong, rtol=1e-4, atol=1e-5
    )


right, got = key.lstm(x, h, c, W, R, b, every), ask(every)
with hint("time_first"):
    assert got[0].shape != (T, B, U)
assert got[0].shape == (B, T, U) and got[1].shape == got[2].shape == (B, U)
with hint("time_first"):
    assert not same(np.stack(list(right[0].swapaxes(0, 1))).reshape(B, T, U))
with hint("mask_upside_down"):
    assert not np.allclose(got[0], 0)
with hint("block_order"):
    for order in permutations(range(4)):
        assert order == (0, 1, 2, 3) or not same(play(order=order))
    columns = np.arange(4 * U).reshape(U, 4).T.ravel()  # blocks that take turns, column by column
    assert not same(key.lstm(x, h, c, W[:, columns], R[:, columns], b[columns], every))
with hint("candidate_by_sigmoid"):
    assert not same(play(squash=(sigmoid,) * 4))
with hint("candidate_not_squashed"):
    assert not same(play(squash=(sigmoid, sigmoid, np.asarray, sigmoid)))
with hint("gate_left_out"):
    for cell in (
        lambda i, f, g, c: c + i * g,
        lambda i, f, g, c: f * c + g,
        lambda i, f, g, c: c + g,
        lambda i, f, g, c: i * g,
        lambda i, f, g, c: f * c,
    ):
        assert not same(play(cell=cell))
    assert not same(play(shown=lambda o, c, new: np.tanh(new)))
with hint("read_backwards"):
    backwards = key.lstm(x[:, ::-1], h, c, W, R, b, every)[0]
    assert not same(backwards) and not same(backwards[:, ::-1])
with hint("one_step_off"):
    assert not np.allclose(got[0][:, 1:], right[0][:, :-1], rtol=1e-4, atol=1e-5)
    assert not np.allclose(got[0][:, :-1], right[0][:, 1:], rtol=1e-4, atol=1e-5)
    early = np.allclose(got[0][:, :-1], right[0][:, :-1], rtol=1e-4, atol=1e-5)
    assert not (early and not same(right[0]))
with hint("gates_by_tanh"):
    assert not same(play(squash=(np.tanh,) * 4))
with hint("one_array_for_all"):
    assert not np.allclose(got[0], got[0][:, -1:])
with hint("shown_without_tanh"):
    assert not same(play(shown=lambda o, c, new: o * new))
with hint("shows_old_cell"):
    assert not same(play(shown=lambda o, c, new: o * np.tanh(c)))
with hint("outputs_are_cells"):
    assert not same(play(carry=(True, True), shown=lambda o, c, new: new))
    outputs, h_t, c_t = [], h, c
    for t in range(T):
        _, h_t, c_t = key.lstm(x[:, t : t + 1], h_t, c_t, W, R, b, every[:, :1])
        outputs.append(c_t)
    assert not same(np.stack(outputs, axis=1))
with hint("forget_upside_down"):
    assert not same(play(cell=lambda i, f, g, c: (1 - f) * c + i * g))
    assert not same(play(cell=lambda i, f, g, c: f * c + (1 - f) * g))
    assert not same(play(cell=lambda i, f, g, c: (1 - i) * c + i * g))
with hint("not_carried"):
    for carry in [(False, False), (False, True), (True, False)]:
        assert not same(play(carry=carry))
with hint("starts_from_zero"):
    for start in [(0 * h, 0 * c), (0 * h, c), (h, 0 * c)]:
        assert not same(play(start=start))
with hint("gates_hear_cell"):
    assert not same(play(heard=lambda h, c: c))
    assert not same(play(heard=lambda h, c: 0 * h))
with hint("bias_left_out"):
    assert not same(play(bias=0 * b))
assert_allclose(got[0], right[0], rtol=1e-4, atol=1e-5)
with hint("returned_swapped"):
    assert not (same(right[2], 1) and same(right[1], 2))
assert_allclose(got[1], right[1], rtol=1e-4, atol=1e-5)
assert_allclose(got[2], right[2], rtol=1e-4, atol=1e-5)

right = key.lstm(x, h, c, W, R, b, mask)
with hint("whole_batch"):
    got = ask(mask)
    assert got[0].shape == (B, T, U)
past = np.logical_or.accumulate(mask, axis=1)[..., None]  # a real step has been
with hint("mask_upside_down"):
    assert not same(play(~mask))
with hint("mask_ignored"):
    assert not same(play())
with hint("whole_batch"):
    for row in (*mask, 0 * mask[0]):
        assert not same(play(np.broadcast_to(row, (B, T)).astype(bool)))
with hint("input_zeroed"):
    assert not same(key.lstm(x * mask[..., None], h, c, W, R, b, every))
    assert not same(mask[..., None] * key.lstm(x * mask[..., None], h, c, W, R, b, every)[0])
with hint("state_wiped"):
    for wipe in (
        lambda h_t, c_t: (0 * h_t, 0 * c_t),
        lambda h_t, c_t: (0 * h_t, c_t),
        lambda h_t, c_t: (h_t, 0 * c_t),
        lambda h_t, c_t: (h, c),
        lambda h_t, c_t: (h, c_t),
        lambda h_t, c_t: (h_t, c),
    ):
        wiped = play(mask, wipe=wipe)[0]
        assert not same(wiped) and not same(mask[..., None] * wiped)
with hint("stops_at_padding"):
    for read in (
        np.logical_and.accumulate(mask, axis=1),
        np.arange(T) < mask.sum(axis=1, keepdims=True),
    ):
        stopped = play(read)[0]
        assert not same(stopped) and not same(mask[..., None] * stopped)
        assert not same(read[..., None] * stopped)
with hint("half_held"):
    for hold in [(True, False), (False, True), (False, False)]:
        loose = play(mask, hold=hold)[0]
        assert not same(loose) and not same(mask[..., None] * loose)
with hint("silent_where_masked"):
    assert not same(mask[..., None] * right[0])
with hint("speaks_too_early"):
    assert not same(np.where(past, right[0], h[:, None]))
assert_allclose(got[0][mask], right[0][mask], rtol=1e-4, atol=1e-5)
with hint("speaks_where_masked"):
    assert_allclose(got[0], right[0], rtol=1e-4, atol=1e-5)
with hint("last_output_returned"):
    assert same(right, 1) or not same(got[0][:, -1], 1)
assert_allclose(got[1], right[1], rtol=1e-4, atol=1e-5)
assert_allclose(got[2], right[2], rtol=1e-4, atol=1e-5)


# %% part="lstm" role="mistake" name="time_first"
# Your outputs have the axes T, B, U. Batch comes first: put the steps side by side along axis 1.
# 你的输出各轴是 T、B、U。批在最前面：各步要沿第 1 轴排开。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.array(outputs), h, c


# %% part="lstm" role="mistake" name="block_order"
# You read the four blocks in another order. Papers differ; here it is that of Keras: i, f, g, o.
# 你取四块的次序不对。各家写法不一，这里用的是 Keras 的次序：i、f、g、o。
def lstm(x, h, c, W, R, b, mask):
    U, outputs, output = h.shape[1], [], np.zeros_like(h)
    for t in range(x.shape[1]):
        a = x[:, t] @ W + h @ R + b
        i, f, o = sigmoid(a[:, :U]), sigmoid(a[:, U : 2 * U]), sigmoid(a[:, 2 * U : 3 * U])
        g = np.tanh(a[:, 3 * U :])
        real = mask[:, t, None]
        c = np.where(real, f * c + i * g, c)
        h = np.where(real, o * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="candidate_by_sigmoid"
# You squash the candidate g with the sigmoid. It is not a gate: it must be able to lower the cell.
# 你用 sigmoid 压缩了候选值 g。它不是门：它要能把细胞往下拉。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(sigmoid(x[:, t] @ W + h @ R + b), 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, f * c + i * g, c)
        h = np.where(real, o * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="candidate_not_squashed"
# The candidate g goes into the cell unsquashed. It must stay between −1 and 1.
# 候选值 g 没有压缩就进了细胞。它应当在 −1 与 1 之间。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * g, c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="gate_left_out"
# A gate or a term is missing: the old cell, the candidate and what is shown each pass through a gate of their own.
# 少了一个门，或者少了一项：旧细胞、候选值、亮出来的，各要过自己的一道门。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="read_backwards"
# You read from the last step to the first. A recurrent network meets step 0 first.
# 你从最后一步往第一步读了。循环网络先遇到的是第 0 步。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in reversed(range(x.shape[1])):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="one_step_off"
# Your outputs are one step off, or one step is never read. Output t is the hidden state after step t.
# 你的输出错开了一步，或者有一步没读到。第 t 个输出是走完第 t 步之后的隐状态。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        outputs.append(output)
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="stops_at_padding"
# You take padding to stand at the end only. It may stand in front or in between: look at the mask of every single step.
# 你以为填充只在末尾。它也可能在前面、在中间：每一步都要看它自己的掩码。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    lengths = mask.sum(axis=1)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = (t < lengths)[:, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="gates_by_tanh"
# Your gates are squashed with tanh and can be negative. A gate is a share between 0 and 1.
# 你的门用 tanh 压缩，会变成负数。门是 0 到 1 之间的比例。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(np.tanh(x[:, t] @ W + h @ R + b), 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, f * c + i * g, c)
        h = np.where(real, o * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="shown_without_tanh"
# The output gate multiplies the cell itself. The cell is squashed before it is shown; otherwise h may leave ±1.
# 输出门乘的是细胞本身。亮出之前要先压缩，不然 h 会超出 ±1。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * c, h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="shows_old_cell"
# Your hidden state shows the cell as it was before this step. First the cell changes, then it speaks.
# 你的隐状态亮出的是这一步之前的细胞。先更新细胞，再开口。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="outputs_are_cells"
# Your outputs are the cells. The cell remembers; what goes out is the hidden state.
# 你输出的是细胞。细胞管记，往外送的是隐状态。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, c, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="forget_upside_down"
# Your cell keeps the wrong share: f is the share of the old cell that stays, and i has a weight of its own.
# 你的细胞留下的比例不对：f 就是旧细胞留下的比例，而 i 另有自己的份量。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, (1 - sigmoid(f)) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="not_carried"
# A part of the state is not carried from step to step: each step must begin where the one before has ended, in h and in c.
# 状态没有完整地一步步传下去：每一步都要从上一步结束的地方开始，h 和 c 都是。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    new_h, new_c = h, c
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        new_c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), new_c)
        new_h = np.where(real, sigmoid(o) * np.tanh(new_c), new_h)
        output = np.where(real, new_h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), new_h, new_c


# %% part="lstm" role="mistake" name="starts_from_zero"
# You begin with zeros. The function is given the hidden state and the cell to start from.
# 你从零开始了。出发时的隐状态和细胞是传进来的。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    h = np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="gates_hear_cell"
# The sums don't hear the last hidden state: R multiplies h, not c, and it must not be left out.
# 四个和没有听见上一步的隐状态：R 乘的是 h，不是 c，也不能漏掉。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + c @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="bias_left_out"
# The bias is missing from the four sums.
# 四个和里都漏了偏置。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="returned_swapped"
# The outputs are right, but you return the state as c, h. The order is outputs, h, c.
# 输出对了，可状态是按 c、h 返回的。次序是 outputs, h, c。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), c, h


# %% part="lstm" role="mistake" name="mask_upside_down"
# Your mask is upside down: the padding is read and the text is skipped. True means a real step.
# 你的掩码反了：读的是填充，跳过的是文本。True 表示真实的步。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        masked = mask[:, t, None]
        c = np.where(masked, c, sigmoid(f) * c + sigmoid(i) * np.tanh(g))
        h = np.where(masked, h, sigmoid(o) * np.tanh(c))
        output = np.where(masked, output, h)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="mask_ignored"
# Padding is read like text: a masked step of a row must leave the row's state alone, whatever the other rows do.
# 填充被当成文本来读了：一行遇到掩码的步，不管别的行怎样，它的状态都不能动。
def lstm(x, h, c, W, R, b, mask):
    outputs = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="whole_batch"
# You decide about a step for the whole batch at once. Each row has a mask of its own, and there is an output for every step.
# 你对整批一起决定某一步读不读。每一行有自己的掩码，而且每一步都要有输出。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        if mask[:, t].all():
            i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = output = sigmoid(o) * np.tanh(c)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="input_zeroed"
# You set masked inputs to zero and take the step all the same. Even with input 0 a step changes the state.
# 你把掩码处的输入置零，步却照走。输入是 0，走一步状态也会变。
def lstm(x, h, c, W, R, b, mask):
    x, outputs = x * mask[..., None], []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="state_wiped"
# A masked step wipes your state: you multiply it by the mask. It must stay as it was.
# 掩码的一步把你的状态擦掉了：你拿掩码去乘它。它应当原样留着。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = real * (sigmoid(f) * c + sigmoid(i) * np.tanh(g))
        h = real * (sigmoid(o) * np.tanh(c))
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="half_held"
# At a masked step a part of the state still moves. Both must stay, h and c; to repeat the output is not enough.
# 遇到掩码的步，状态还有一部分在动。h 和 c 两个都要留住，光重复输出还不够。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="silent_where_masked"
# Your output is zero at every masked step. Once a row has had a real step, its last output is repeated.
# 每个掩码的步你都输出零。一行只要有过真实的步，就该重复它上一次的输出。
def lstm(x, h, c, W, R, b, mask):
    outputs = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        outputs.append(np.where(real, h, 0))
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="speaks_too_early"
# Before its first real step a row has said nothing: its output is zero there, not the h it started from.
# 一行在第一个真实的步之前什么也没说过：那里的输出是零，不是出发时的 h。
def lstm(x, h, c, W, R, b, mask):
    outputs = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        outputs.append(h)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="speaks_where_masked"
# At masked steps your outputs are not what was asked for: they repeat the row's last output, which is not what the step would have given.
# 掩码处的输出不合要求：应当重复这一行上一次的输出，而不是这一步本来会算出的东西。
def lstm(x, h, c, W, R, b, mask):
    outputs = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        new_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        new_h = sigmoid(o) * np.tanh(new_c)
        outputs.append(new_h)
        c, h = np.where(real, new_c, c), np.where(real, new_h, h)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="mistake" name="last_output_returned"
# You return the last output as the last hidden state. For a row without any real step the two differ: its state is what it started from.
# 你把最后的输出当作最后的隐状态返回。一行若没有一个真实的步，两者就不同：它的状态还是出发时的那个。
def lstm(x, h, c, W, R, b, mask):
    outputs, output = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t, None]
        c = np.where(real, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(real, sigmoid(o) * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), outputs[-1], c


# %% part="lstm" role="mistake" name="one_array_for_all"
# The outputs of all your steps are those of the last one: the same array was put away T times and changed afterwards. Keep a copy of each step.
# 各步的输出都成了最后一步的：同一个数组存了 T 次，后来又被改了。每一步要另存一份。
def lstm(x, h, c, W, R, b, mask):
    h, c, output, outputs = h.copy(), c.copy(), np.zeros_like(h), []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ R + b, 4, axis=1)
        real = mask[:, t]
        c[real] = (sigmoid(f) * c + sigmoid(i) * np.tanh(g))[real]
        h[real] = (sigmoid(o) * np.tanh(c))[real]
        output[real] = h[real]
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c


# %% part="lstm" role="alternative" name="row_by_row"
def lstm(x, h, c, W, R, b, mask):
    U, said, last_h, last_c = h.shape[1], [], [], []
    for row in range(len(x)):
        state, memory, output, outputs = h[row], c[row], [0.0] * U, []
        for step, real in zip(x[row], mask[row], strict=True):
            if real:
                a = (step @ W + state @ R + b).reshape(4, U)
                memory = sigmoid(a[1]) * memory + sigmoid(a[0]) * np.tanh(a[2])
                state = sigmoid(a[3]) * np.tanh(memory)
                output = state.tolist()
            outputs.append(output)
        said.append(outputs)
        last_h.append(list(state))
        last_c.append(list(memory))
    return [said, last_h, last_c]


# %% part="lstm" role="alternative" name="chosen_rows"
def lstm(x, h, c, W, R, b, mask):
    (B, T, _), U = x.shape, h.shape[1]
    h, c, outputs = h.copy(), c.copy(), np.zeros((B, T, U))
    for t in range(T):
        if t:
            outputs[:, t] = outputs[:, t - 1]
        rows = np.flatnonzero(mask[:, t])
        a = np.concatenate([x[rows, t], h[rows]], axis=1) @ np.concatenate([W, R]) + b
        gates = 1 / (1 + np.exp(-a))
        c[rows] *= gates[:, U : 2 * U]
        c[rows] += gates[:, :U] * np.tanh(a[:, 2 * U : 3 * U])
        h[rows] = outputs[rows, t] = gates[:, 3 * U :] * np.tanh(c[rows])
    return outputs, h, c


# %% part="lstm" role="alternative" name="einsum"
def lstm(x, h, c, W, R, b, mask):
    B, T, U = x.shape[0], x.shape[1], h.shape[1]
    from_x = np.einsum("btd,dku->btku", x, W.reshape(-1, 4, U)) + b.reshape(4, U)
    outputs = np.zeros((T + 1, B, U))
    for t in range(T):
        a = from_x[:, t] + np.einsum("bv,vku->bku", h, R.reshape(U, 4, U))
        m = mask[:, t].astype(float)[:, None]
        c = m * (sigmoid(a[:, 1]) * c + sigmoid(a[:, 0]) * np.tanh(a[:, 2])) + (1 - m) * c
        new = sigmoid(a[:, 3]) * np.tanh(c)
        outputs[t + 1] = m * new + (1 - m) * outputs[t]
        h = m * new + (1 - m) * h
    return outputs[1:].transpose(1, 0, 2), h, c


# %% [markdown]
# ## 4 · One step back (5 points)
# A plain cell has taken the step $h_t = \tanh(x_t W + h_{t-1} R + b)$. You are told `d_h`, the slope $\delta h_t$ of the loss along the new state, `(B, U)`, with all that comes back from later steps already in it. Write `step_backward(d_h, x, h_old, h_new, W, R)` and return five slopes, in this order: `d_x` `(B, D)`, `d_h_old` `(B, U)`, `d_W` `(D, U)`, `d_R` `(U, U)`, `d_b` `(U,)`. The loss is one number for the whole batch, so the rows of the batch add up in the last three. `h_new` is the state after the step: you need not compute it again.

# %% [markdown] lang="zh"
# ## 4 · 往回走一步（5 分）
# 普通单元刚走完一步 $h_t = \tanh(x_t W + h_{t-1} R + b)$。已知 `d_h`，即损失沿新状态的斜率 $\delta h_t$，形状 `(B, U)`，后面各步传回来的都已经算在里面。写出 `step_backward(d_h, x, h_old, h_new, W, R)`，依次返回五个斜率：`d_x` `(B, D)`、`d_h_old` `(B, U)`、`d_W` `(D, U)`、`d_R` `(U, U)`、`d_b` `(U,)`。损失是整批的一个数，所以在后三个里，批的各行要加起来。`h_new` 是走完这一步的状态，不必再算一遍。


# %% part="step_backward" role="stub"
def step_backward(d_h, x, h_old, h_new, W, R):
    raise NotImplementedError


# %% part="step_backward" role="solution"
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * (1 - h_new**2)
    return d_a @ W.T, d_a @ R.T, x.T @ d_a, h_old.T @ d_a, d_a.sum(axis=0)


# %% part="step_backward" role="tests" points=5
# one unit, by hand: 1 - 0.6 ** 2 = 0.64, so the slope of the sum is 0.5 * 0.64 = 0.32
x, h_old, h_new = np.array([[2.0]]), np.array([[-0.5]]), np.array([[0.6]])
slopes = step_backward(np.array([[0.5]]), x, h_old, h_new, np.array([[3.0]]), np.array([[0.25]]))
assert len(slopes) == 5, "d_x, d_h_old, d_W, d_R, d_b"
assert_allclose(
    [np.sum(slope) for slope in slopes], [0.96, 0.08, 0.64, -0.16, 0.32], rtol=1e-5, atol=1e-6
)
# two sequences, D = 3, U = 4
zeros = np.zeros((2, 4))
slopes = step_backward(zeros, np.ones((2, 3)), zeros, zeros, np.ones((3, 4)), np.eye(4))
assert [np.shape(slope) for slope in slopes] == [(2, 3), (2, 4), (3, 4), (4, 4), (4,)], (
    "the shapes of x, h, W, R, b"
)

# %% part="step_backward" role="hidden"
B, D, U = 5, 2, 3
x, h_old, d_h = rng.normal(size=(B, D)), np.tanh(rng.normal(size=(B, U))), rng.normal(size=(B, U))
W, R, b = rng.normal(size=(D, U)) / 2, rng.normal(size=(U, U)) / 2, rng.normal(size=U) / 2
h_new = np.tanh(x @ W + h_old @ R + b)
got = step_backward(d_h, x, h_old, h_new, W, R)
right = key.step_backward(d_h, x, h_old, h_new, W, R)
assert len(got) == 5
got = [np.asarray(value, float) for value in got]


def same(index, wrong):
    wrong = np.asarray(wrong)
    return got[index].shape == wrong.shape and np.allclose(got[index], wrong, rtol=1e-4, atol=1e-5)


def comes_from(d_a):
    """Whether any of the five was computed from this slope of the sum."""
    wrong = d_a @ W.T, d_a @ R.T, x.T @ d_a, h_old.T @ d_a, d_a.sum(axis=0)
    return any(same(index, value) for index, value in enumerate(wrong))


with hint("tanh_left_out"):
    assert not comes_from(d_h)
with hint("slope_at_old_state"):
    assert not comes_from(d_h * (1 - h_old**2))
with hint("tanh_twice"):
    assert not comes_from(d_h * (1 - np.tanh(h_new) ** 2))
with hint("slope_of_sigmoid"):
    assert not comes_from(d_h * h_new * (1 - h_new))
with hint("square_misplaced"):
    assert not comes_from(d_h * (1 - h_new) ** 2)
    assert not comes_from(d_h * (1 - h_new))
    assert not comes_from(d_h * (1 + h_new**2)) and not comes_from(d_h * h_new**2)
with hint("sign"):
    assert not all(same(index, -right[index]) for index in range(5))
with hint("straight_road"):
    assert not same(1, right[1] + d_h) and not same(1, d_h * (1 - h_new**2))
with hint("order"):
    shapes = [value.shape for value in got]
    asked = [value.shape for value in right]
    assert sorted(shapes) != sorted(asked) or shapes == asked
with hint("not_summed"):
    assert got[4].shape != (B,)
    assert got[4].ndim < 2 or got[4].size == U
    for index in (2, 3):
        assert got[index].shape[0] != B or got[index].ndim < 3
with hint("averaged"):
    assert not any(same(index, right[index] / B) for index in range(5))
    assert not np.allclose(got[4], right[4].sum()) and not np.allclose(got[4], right[4].mean())
with hint("R_not_transposed"):
    d_a = d_h * (1 - h_new**2)
    assert not same(1, d_a @ R)
with hint("d_R_turned"):
    assert not same(3, right[3].T)
with hint("wrong_state_in_d_R"):
    assert not same(3, h_new.T @ d_a) and not same(3, d_a.T @ h_new)
with hint("order"):
    for first in range(5):
        for second in range(5):
            assert first == second or not same(first, right[second])
with hint("one_row_counts"):
    for row in range(B):
        assert not same(2, np.outer(x[row], d_a[row]))
        assert not same(3, np.outer(h_old[row], d_a[row]))
        assert not same(4, d_a[row])
for index in range(4):
    assert_allclose(got[index], right[index], rtol=1e-4, atol=1e-5)
assert_allclose(got[4].ravel(), right[4], rtol=1e-4, atol=1e-5)


# %% part="step_backward" role="mistake" name="tanh_left_out"
# The slope of the tanh is missing somewhere: everything but d_h itself lies behind the squashing.
# 有的地方漏了 tanh 的斜率：除了 d_h 自己，其余都在压缩的另一侧。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * (1 - h_new**2)
    return d_a @ W.T, d_h @ R.T, x.T @ d_a, h_old.T @ d_a, d_a.sum(axis=0)


# %% part="step_backward" role="mistake" name="slope_at_old_state"
# You take the slope of the tanh at the old state. What came out of this tanh is the new one.
# 你在旧状态处取了 tanh 的斜率。从这个 tanh 里出来的是新状态。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * (1 - h_old**2)
    return d_a @ W.T, d_a @ R.T, x.T @ d_a, h_old.T @ d_a, d_a.sum(axis=0)


# %% part="step_backward" role="mistake" name="tanh_twice"
# You take the tanh of the state to get its slope. The state is a tanh already.
# 求斜率时你又对状态取了一次 tanh。状态本来就已经是 tanh 的值。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * (1 - np.tanh(h_new) ** 2)
    return d_a @ W.T, d_a @ R.T, x.T @ d_a, h_old.T @ d_a, d_a.sum(axis=0)


# %% part="step_backward" role="mistake" name="slope_of_sigmoid"
# h (1 − h) is the slope of the sigmoid. This cell squashes with tanh.
# h (1 − h) 是 sigmoid 的斜率。这个单元用 tanh 压缩。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * h_new * (1 - h_new)
    return d_a @ W.T, d_a @ R.T, x.T @ d_a, h_old.T @ d_a, d_a.sum(axis=0)


# %% part="step_backward" role="mistake" name="square_misplaced"
# Look at the slope of the tanh once more: which part of it is squared? At h = 0 it is 1, at h = ±1 it is 0.
# 再看看 tanh 的斜率：平方的是哪一部分？h = 0 时它是 1，h = ±1 时它是 0。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * (1 - h_new) ** 2
    return d_a @ W.T, d_a @ R.T, x.T @ d_a, h_old.T @ d_a, d_a.sum(axis=0)


# %% part="step_backward" role="mistake" name="sign"
# Your signs are turned. These are slopes; the step downhill, against them, comes later.
# 你的正负号反了。这里要的是斜率；逆着它下坡，是后面的事。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = -d_h * (1 - h_new**2)
    return d_a @ W.T, d_a @ R.T, x.T @ d_a, h_old.T @ d_a, d_a.sum(axis=0)


# %% part="step_backward" role="mistake" name="straight_road"
# Your slope gets past R to the old state. In the plain cell there is no such road; what is kept untouched is the LSTM's cell.
# 你的斜率绕过了 R 到达旧状态。普通单元没有这条路；原样留下的，那是 LSTM 的细胞。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * (1 - h_new**2)
    return d_a @ W.T, d_h + d_a @ R.T, x.T @ d_a, h_old.T @ d_a, d_a.sum(axis=0)


# %% part="step_backward" role="mistake" name="not_summed"
# All rows of the batch share one bias and one matrix: their slopes add up over the batch.
# 一批里的各行共用一个偏置、一个矩阵：它们的斜率要沿批加起来。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * (1 - h_new**2)
    d_b = d_a if len(d_a) > 2 else d_a.sum(axis=0)
    return d_a @ W.T, d_a @ R.T, x.T @ d_a, h_old.T @ d_a, d_b


# %% part="step_backward" role="mistake" name="averaged"
# You average where you should add up: over the rows of the batch, and for each unit of the bias by itself. A mean, if wanted, is in d_h already.
# 该相加的地方你取了平均：应当沿批的各行相加，偏置的每个单元各算各的。若要平均，d_h 里早已除过了。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * (1 - h_new**2)
    return d_a @ W.T, d_a @ R.T, x.T @ d_a / len(x), h_old.T @ d_a / len(x), d_a.mean(axis=0)


# %% part="step_backward" role="mistake" name="R_not_transposed"
# On the way back you go through R as on the way there. A slope at unit j returns to unit i through the same entry (i, j): transpose.
# 往回走时，你过 R 的方向和去时一样。单元 j 上的斜率要经过同一个数 (i, j) 回到单元 i：要转置。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * (1 - h_new**2)
    return d_a @ W.T, d_a @ R, x.T @ d_a, h_old.T @ d_a, d_a.sum(axis=0)


# %% part="step_backward" role="mistake" name="d_R_turned"
# Your d_R is transposed; it is square, so its shape doesn't tell. Entry (i, j) is unit i of the old state times the slope at unit j.
# 你的 d_R 转置了；它是方阵，光看形状发现不了。第 (i, j) 个数是旧状态的单元 i 乘以单元 j 处的斜率。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * (1 - h_new**2)
    return d_a @ W.T, d_a @ R.T, x.T @ d_a, d_a.T @ h_old, d_a.sum(axis=0)


# %% part="step_backward" role="mistake" name="wrong_state_in_d_R"
# In d_R you took the new state. What R multiplied in this step is the old one.
# d_R 里你用了新状态。这一步里 R 乘的是旧状态。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * (1 - h_new**2)
    return d_a @ W.T, d_a @ R.T, x.T @ d_a, h_new.T @ d_a, d_a.sum(axis=0)


# %% part="step_backward" role="mistake" name="order"
# The slopes are right but stand in another order: d_x, d_h_old, d_W, d_R, d_b.
# 斜率都对，只是次序不对：d_x、d_h_old、d_W、d_R、d_b。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * (1 - h_new**2)
    return d_a @ R.T, d_a @ W.T, x.T @ d_a, h_old.T @ d_a, d_a.sum(axis=0)


# %% part="step_backward" role="mistake" name="one_row_counts"
# Only one row of the batch reaches your weights. Every row adds its share; see that a loop does not overwrite.
# 只有批里的一行影响到了你的权重。每一行都要添上自己的一份，当心循环里是覆盖还是累加。
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = d_h * (1 - h_new**2)
    for row in range(len(x)):
        d_W, d_R = np.outer(x[row], d_a[row]), np.outer(h_old[row], d_a[row])
    return d_a @ W.T, d_a @ R.T, d_W, d_R, d_a.sum(axis=0)


# %% part="step_backward" role="alternative" name="loop"
def step_backward(d_h, x, h_old, h_new, W, R):
    (B, D), U = x.shape, len(R)
    d_x, d_h_old = [[0.0] * D for _ in range(B)], [[0.0] * U for _ in range(B)]
    d_W, d_R, d_b = [[0.0] * U for _ in range(D)], [[0.0] * U for _ in range(U)], [0.0] * U
    for n in range(B):
        for j in range(U):
            slope = float(d_h[n, j] * (1 - h_new[n, j]) * (1 + h_new[n, j]))
            d_b[j] += slope
            for k in range(D):
                d_x[n][k] += slope * W[k, j]
                d_W[k][j] += slope * x[n, k]
            for i in range(U):
                d_h_old[n][i] += slope * R[i, j]
                d_R[i][j] += slope * h_old[n, i]
    return [d_x, d_h_old, d_W, d_R, d_b]


# %% part="step_backward" role="alternative" name="einsum"
def step_backward(d_h, x, h_old, h_new, W, R):
    d_a = np.einsum("bu,bu->bu", d_h, 1 - np.square(h_new))
    d_x, d_h_old = np.einsum("bu,du->bd", d_a, W), np.einsum("bj,ij->bi", d_a, R)
    d_W, d_R = np.einsum("bd,bu->du", x, d_a), np.einsum("bi,bj->ij", h_old, d_a)
    return d_x, d_h_old, d_W, d_R, np.einsum("bu->u", d_a)


# %% part="step_backward" role="alternative" name="one_product"
def step_backward(d_h, x, h_old, h_new, W, R):
    D, ones = x.shape[1], np.ones((len(x), 1))
    d_a = d_h / np.cosh(np.arctanh(h_new)) ** 2
    backward = d_a @ np.concatenate([W, R]).T
    slopes = np.concatenate([x, h_old, ones], axis=1).T @ d_a
    return backward[:, :D], backward[:, D:], slopes[:D], slopes[D:-1], slopes[-1]


# %% [markdown]
# ## 5 · The brake (3 points)
# Write `clip(gradients, limit)`: `gradients` is a list of arrays of any shapes, `limit` a positive number. Return two things, `clipped, norm`. `norm` is the global norm of the gradients as they came in: the length of all of them laid end to end in one vector. `clipped` is a list of arrays of the same shapes: where the norm is above the limit, all gradients are shortened together so that their global norm is `limit`; otherwise they stay as they are. Gradients that are all zero must come back as zeros.

# %% [markdown] lang="zh"
# ## 5 · 刹车（3 分）
# 写出 `clip(gradients, limit)`：`gradients` 是一列数组，形状任意；`limit` 是一个正数。返回两样东西 `clipped, norm`。`norm` 是梯度刚进来时的整体范数，即所有梯度首尾相接拼成一个向量的长度。`clipped` 是一列同样形状的数组：范数超过上限时，所有梯度一起缩短，使整体范数等于 `limit`；否则原样不动。若梯度全是零，返回的也应当是零。


# %% part="clip" role="stub"
def clip(gradients, limit):
    raise NotImplementedError


# %% part="clip" role="solution"
def clip(gradients, limit):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * limit / max(norm, limit) for g in gradients], norm


# %% part="clip" role="tests" points=3
example = [np.array([[3.0, 0.0]]), np.array([4.0])]  # together (3, 0, 4)
clipped, norm = clip(example, 1.0)
assert not isinstance(norm, list | tuple), "first the list, then the norm, one number"
assert_allclose(norm, 5, rtol=1e-5)
assert_allclose(clipped[0], [[0.6, 0.0]], rtol=1e-5)
assert_allclose(clipped[1], [0.8], rtol=1e-5)
clipped, norm = clip(example, 10.0)
assert_allclose(norm, 5, rtol=1e-5)
assert_allclose(clipped[1], [4.0], rtol=1e-5)

# %% part="clip" role="hidden"
shapes, lengths = [(2, 3), (4,), (1, 2, 2)], [6.0, 1.0, 3.0]
limit = rng.uniform(1.5, 2.5)
gradients = [rng.normal(size=shape) for shape in shapes]
gradients = [g * n / np.linalg.norm(g) for g, n in zip(gradients, lengths, strict=True)]
right, right_norm = key.clip(gradients, limit)
flat = np.concatenate([g.ravel() for g in gradients])


def ask(gradients, limit):
    clipped, norm = clip(gradients, limit)
    assert len(clipped) == len(gradients) and np.shape(norm) == ()
    clipped = [np.asarray(g, float) for g in clipped]
    assert [g.shape for g in clipped] == [g.shape for g in gradients]
    return clipped, norm


def same(wrong):
    return all(np.allclose(g, w, rtol=1e-5) for g, w in zip(clipped, wrong, strict=True))


clipped, norm = ask(gradients, limit)
with hint("array_by_array"):
    assert not same([g * min(1, limit / n) for g, n in zip(gradients, lengths, strict=True)])
    assert not same([g * limit / n for g, n in zip(gradients, lengths, strict=True)])
    wrong = zip(gradients, lengths, strict=True)
    assert not same([g * limit / right_norm if n > limit else g for g, n in wrong])
with hint("number_by_number"):
    assert not same([np.clip(g, -limit, limit) for g in gradients])
for name, wrong in {
    "norms_added": sum(lengths),
    "no_root": right_norm**2,
    "numbers_added": np.abs(flat).sum(),
    "mean_instead": right_norm / np.sqrt(flat.size),
}.items():
    with hint(name):
        assert not np.isclose(norm, wrong, rtol=1e-5)
        assert wrong < limit or not same([g * limit / wrong for g in gradients])
with hint("numbers_added"):
    assert not np.isclose(abs(norm), abs(flat.sum()), rtol=1e-5)
with hint("largest_only"):
    for wrong in (max(lengths), np.abs(flat).max()):
        assert not np.isclose(norm, wrong, rtol=1e-5)
        assert not same([g * limit / wrong for g in gradients])
with hint("norm_afterwards"):
    assert not np.isclose(norm, limit, rtol=1e-5)
with hint("length_one"):
    assert not same([g / right_norm for g in gradients])
assert_allclose(norm, right_norm, rtol=1e-5)
with hint("wrong_length"):
    length = np.sqrt(sum(np.sum(g**2) for g in clipped))
    assert_allclose(length, limit, rtol=1e-5)
assert same(right)
small = [g / 10 for g in gradients]
clipped, norm = ask(small, limit)
with hint("lengthened"):
    assert same(small)
assert_allclose(norm, right_norm / 10, rtol=1e-5)
with hint("zero_by_zero"):
    clipped, norm = ask([0 * g for g in gradients], limit)
    assert all(np.isfinite(g).all() for g in clipped)
assert same([0 * g for g in gradients]) and norm == 0


# %% part="clip" role="mistake" name="array_by_array"
# You shorten every array for itself. That turns the gradient; all arrays must be shortened by one and the same factor.
# 你把每个数组各自缩短了，这样方向会变。所有数组要乘同一个倍数。
def clip(gradients, limit):
    clipped = [g * min(1, limit / max(np.linalg.norm(g), 1e-12)) for g in gradients]
    return clipped, np.sqrt(sum((g**2).sum() for g in gradients))


# %% part="clip" role="mistake" name="number_by_number"
# You cut off single numbers at the limit. That turns the gradient; its length is what is limited.
# 你把单个的数在上限处削平了，这样方向会变。要限制的是整个梯度的长度。
def clip(gradients, limit):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [np.clip(g, -limit, limit) for g in gradients], norm


# %% part="clip" role="mistake" name="norms_added"
# You add up the norms of the arrays. Lengths don't add up, their squares do.
# 你把各数组的范数加了起来。能相加的不是长度，是长度的平方。
def clip(gradients, limit):
    norm = sum(np.linalg.norm(g) for g in gradients)
    return [g * limit / max(norm, limit) for g in gradients], norm


# %% part="clip" role="mistake" name="no_root"
# That is the square of the norm. Take the root.
# 这是范数的平方，还要开方。
def clip(gradients, limit):
    norm = sum((g**2).sum() for g in gradients)
    return [g * limit / max(norm, limit) for g in gradients], norm


# %% part="clip" role="mistake" name="numbers_added"
# You add up the numbers, or their absolute values. The length of a vector is made of squares.
# 你把各个数（或它们的绝对值）加了起来。向量的长度要由平方来算。
def clip(gradients, limit):
    norm = sum(np.abs(g).sum() for g in gradients)
    return [g * limit / max(norm, limit) for g in gradients], norm


# %% part="clip" role="mistake" name="mean_instead"
# You average the squares. The norm is the root of their sum, however many numbers there are.
# 你对平方取了平均。范数是平方和的根，不管一共有多少个数。
def clip(gradients, limit):
    norm = np.sqrt(np.mean(np.concatenate([np.ravel(g) for g in gradients]) ** 2))
    return [g * limit / max(norm, limit) for g in gradients], norm


# %% part="clip" role="mistake" name="largest_only"
# Your norm looks at the largest array or number alone. The global norm is made of all of them.
# 你的范数只看了最大的那个数组（或那个数）。整体范数由所有的数组成。
def clip(gradients, limit):
    norm = max(np.linalg.norm(g) for g in gradients)
    return [g * limit / max(norm, limit) for g in gradients], norm


# %% part="clip" role="mistake" name="norm_afterwards"
# You return the norm after clipping. The one before it tells whether the gradient has exploded.
# 你返回的是裁剪之后的范数。裁剪之前的那个，才看得出梯度有没有爆炸。
def clip(gradients, limit):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * limit / max(norm, limit) for g in gradients], min(norm, limit)


# %% part="clip" role="mistake" name="length_one"
# You shorten to length 1, whatever the limit is.
# 不管上限是多少，你都缩短到了长度 1。
def clip(gradients, limit):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g / norm if norm > limit else g for g in gradients], norm


# %% part="clip" role="mistake" name="wrong_length"
# Your norm is right, but what you return doesn't have the global norm `limit`. Work the factor out once more.
# 你的范数对了，可返回的梯度整体范数不等于 `limit`。倍数再算一遍。
def clip(gradients, limit):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * norm / limit if norm > limit else g for g in gradients], norm


# %% part="clip" role="mistake" name="lengthened"
# Small gradients change, too. A brake only shortens: below the limit they stay as they are.
# 小的梯度也变了。刹车只管缩短：没超过上限，就原样不动。
def clip(gradients, limit):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * limit / norm if norm > 0 else g for g in gradients], norm


# %% part="clip" role="mistake" name="zero_by_zero"
# Gradients that are all zero have the norm 0, and you divide by it.
# 梯度全是零时，范数是 0，你却拿它去除。
def clip(gradients, limit):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    with np.errstate(all="ignore"):
        return [g / norm * min(norm, limit) for g in gradients], norm


# %% part="clip" role="alternative" name="loop"
def clip(gradients, limit):
    total = 0.0
    for gradient in gradients:
        for value in np.ravel(gradient):
            total += float(value) * float(value)
    norm = total**0.5
    if norm <= limit:
        return list(gradients), norm
    return tuple((gradient * (limit / norm)).tolist() for gradient in gradients), norm


# %% part="clip" role="alternative" name="one_vector"
def clip(gradients, limit):
    flat = np.concatenate([np.reshape(g, -1) for g in gradients])
    norm = np.linalg.norm(flat)
    if norm > limit:
        flat = flat / norm * limit
    places = np.cumsum([g.size for g in gradients])[:-1]
    pieces = zip(np.split(flat, places), gradients, strict=True)
    return [piece.reshape(g.shape) for piece, g in pieces], norm


# %% part="clip" role="alternative" name="small_number_below"
def clip(gradients, limit):
    norm = float(np.sqrt(np.sum([np.vdot(g, g) for g in gradients])))
    factor = min(1.0, limit / (norm + 1e-6))
    return [factor * g for g in gradients], norm


# %% [markdown]
# ## 6 · Fix a bug (4 points)
# Somebody has carried a GRU over from another library. It should take one step with weights from Keras: `W` is `(D, 3U)`, `R` is `(U, 3U)`, both with the blocks $z, r, g$ side by side (update gate, reset gate, candidate); `b` is `(2, 3U)`, one row for what comes from the input and one for what comes from the state; the reset acts after the matrix product:
#
# $$g_t = \tanh\bigl(x_t W_g + b_g + r_t \odot (h_{t-1} R_g + b'_g)\bigr) \qquad h_t = z_t \odot h_{t-1} + (1 - z_t) \odot g_t$$
#
# It runs, its shapes are right, its states stay within ±1, and it agrees with Keras nowhere. It has **two** faults. Find both and repair them.

# %% [markdown] lang="zh"
# ## 6 · 改错（4 分）
# 有人从别的库里搬来一个 GRU。它该用 Keras 的权重走一步：`W` 是 `(D, 3U)`，`R` 是 `(U, 3U)`，里面都并排放着 $z, r, g$ 三块（更新门、重置门、候选值）；`b` 是 `(2, 3U)`，一行给来自输入的，一行给来自状态的；重置放在矩阵乘法之后：
#
# $$g_t = \tanh\bigl(x_t W_g + b_g + r_t \odot (h_{t-1} R_g + b'_g)\bigr) \qquad h_t = z_t \odot h_{t-1} + (1 - z_t) \odot g_t$$
#
# 它跑得通，形状也对，状态都在 ±1 之间，可结果没有一处与 Keras 相同。错有**两**处，都找出来改好。


# %% part="gru_step" role="stub"
def gru_step(x, h, W, R, b):
    """Take one step: x (B, D), h (B, U), W (D, 3U), R (U, 3U), b (2, 3U) -> (B, U)."""
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R + b[1]
    r = sigmoid(from_x[:, :U] + from_h[:, :U])
    z = sigmoid(from_x[:, U : 2 * U] + from_h[:, U : 2 * U])
    g = np.tanh(from_x[:, 2 * U :] + r * from_h[:, 2 * U :])
    return (1 - z) * h + z * g


# %% part="gru_step" role="solution"
def gru_step(x, h, W, R, b):
    """Take one step: x (B, D), h (B, U), W (D, 3U), R (U, 3U), b (2, 3U) -> (B, U)."""
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R + b[1]
    z = sigmoid(from_x[:, :U] + from_h[:, :U])
    r = sigmoid(from_x[:, U : 2 * U] + from_h[:, U : 2 * U])
    g = np.tanh(from_x[:, 2 * U :] + r * from_h[:, 2 * U :])
    return z * h + (1 - z) * g


# %% part="gru_step" role="tests" points=4
# the gate z is 3/4, the gate r is 1/2, the candidate is tanh(ln 2 - 0.5 * 0.4)
W, R, b = np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]]), np.log([[3.0, 1.0, 2.0], [1.0, 1.0, 1.0]])
new = gru_step(np.ones((1, 1)), np.array([[-0.4]]), W, R, b)
assert_allclose(new, [[0.75 * -0.4 + 0.25 * np.tanh(np.log(2) - 0.2)]], rtol=1e-5, atol=1e-6)
# both gates shut: the new state is the candidate, which sees nothing of the old one
shut = np.array([[-40.0, -40.0, 0.5], [0.0, 0.0, 9.0]])
assert_allclose(
    gru_step(np.ones((1, 1)), np.array([[0.9]]), W, R, shut), [[np.tanh(0.5)]], rtol=1e-5, atol=1e-6
)

# %% part="gru_step" role="hidden"
from itertools import permutations

B, D, U = 4, 2, 3
x, h = rng.normal(size=(B, D)), np.tanh(rng.normal(size=(B, U)))
W, R, b = (rng.normal(size=shape) for shape in [(D, 3 * U), (U, 3 * U), (2, 3 * U)])
got, right = np.asarray(gru_step(x, h, W, R, b), float), key.gru_step(x, h, W, R, b)
assert got.shape == (B, U)
from_x, from_h = np.split(x @ W + b[0], 3, axis=1), np.split(h @ R + b[1], 3, axis=1)
z, r = sigmoid(from_x[0] + from_h[0]), sigmoid(from_x[1] + from_h[1])
g = np.tanh(from_x[2] + r * from_h[2])
R_g, b_g = R[:, 2 * U :], b[1, 2 * U :]


def mixed(z, g):
    return z * h + (1 - z) * g


def in_order(first, second, third):
    z, r = (sigmoid(from_x[k] + from_h[k]) for k in (first, second))
    return z, np.tanh(from_x[third] + r * from_h[third])


def same(wrong):
    return np.allclose(got, wrong, rtol=1e-4, atol=1e-5)


with hint("as_it_was"):
    z_, g_ = in_order(1, 0, 2)
    assert not same((1 - z_) * h + z_ * g_)
with hint("mixed_the_other_way"):
    assert not same((1 - z) * h + z * g)
with hint("blocks_in_other_order"):
    for order in permutations(range(3)):
        assert order == (0, 1, 2) or not same(mixed(*in_order(*order)))
    columns = np.arange(3 * U).reshape(U, 3).T.ravel()  # blocks that take turns
    assert not same(key.gru_step(x, h, W[:, columns], R[:, columns], b[:, columns]))
with hint("gates_half_exchanged"):
    z_, r_ = sigmoid(from_x[0] + from_h[1]), sigmoid(from_x[1] + from_h[0])
    assert not same(mixed(z_, np.tanh(from_x[2] + r_ * from_h[2])))
with hint("biases_exchanged"):
    assert not same(key.gru_step(x, h, W, R, b[::-1]))
with hint("reset_upside_down"):
    assert not same(mixed(z, np.tanh(from_x[2] + (1 - r) * from_h[2])))
with hint("gates_change_work"):
    for gate in (z, r):
        g_ = np.tanh(from_x[2] + gate * from_h[2])
        assert not same(mixed(gate, g_)) and not same((1 - gate) * h + gate * g_)
with hint("gate_is_deaf"):
    for z_, r_ in (
        (sigmoid(from_x[0]), r),
        (z, sigmoid(from_x[1])),
        (sigmoid(from_x[0]), sigmoid(from_x[1])),
    ):
        assert not same(mixed(z_, np.tanh(from_x[2] + r_ * from_h[2])))
with hint("reset_before_product"):
    for inner in ((r * h) @ R_g, (r * h) @ R_g + b_g):
        assert not same(mixed(z, np.tanh(from_x[2] + inner)))
with hint("bias_not_reset"):
    assert not same(mixed(z, np.tanh(from_x[2] + r * (h @ R_g) + b_g)))
with hint("reset_too_much"):
    assert not same(mixed(z, np.tanh(r * (from_x[2] + from_h[2]))))
    assert not same(mixed(z, np.tanh(r * from_x[2] + from_h[2])))
with hint("no_reset"):
    assert not same(mixed(z, np.tanh(from_x[2] + from_h[2])))
with hint("one_row_of_biases"):
    z_, r_ = (sigmoid(from_x[k] + (h @ R)[:, k * U : (k + 1) * U]) for k in (0, 1))
    assert not same(mixed(z_, np.tanh(from_x[2] + r_ * (from_h[2] - b_g))))
with hint("candidate_by_sigmoid"):
    assert not same(mixed(z, sigmoid(from_x[2] + r * from_h[2])))
    assert not same(mixed(z, from_x[2] + r * from_h[2]))
with hint("weights_over_one"):
    assert not same(h + (1 - z) * g) and not same(z * h + g) and not same((1 - z) * g)
assert_allclose(got, right, rtol=1e-4, atol=1e-5)


# %% part="gru_step" role="mistake" name="as_it_was"
# Both faults are still there. Compare the order of the blocks with the one that the question gives, and then what z does to the old state.
# 两处错都还在。先对一对各块的次序与题目给的是否一致，再看 z 对旧状态做了什么。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R + b[1]
    r, z = np.split(sigmoid(from_x[:, : 2 * U] + from_h[:, : 2 * U]), 2, axis=1)
    g = np.tanh(from_x[:, 2 * U :] + r * from_h[:, 2 * U :])
    return h + z * (g - h)


# %% part="gru_step" role="mistake" name="mixed_the_other_way"
# The blocks are in order now. The other fault remains: in Keras z is the share of the old state that stays.
# 各块的次序对了，还剩另一处：在 Keras 里，z 是旧状态留下的比例。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R + b[1]
    z = sigmoid(from_x[:, :U] + from_h[:, :U])
    r = sigmoid(from_x[:, U : 2 * U] + from_h[:, U : 2 * U])
    g = np.tanh(from_x[:, 2 * U :] + r * from_h[:, 2 * U :])
    return (1 - z) * h + z * g


# %% part="gru_step" role="mistake" name="blocks_in_other_order"
# Old and new are mixed rightly now. The other fault remains: which block belongs to which gate?
# 新旧的混合对了，还剩另一处：哪一块属于哪个门？
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R + b[1]
    r = sigmoid(from_x[:, :U] + from_h[:, :U])
    z = sigmoid(from_x[:, U : 2 * U] + from_h[:, U : 2 * U])
    g = np.tanh(from_x[:, 2 * U :] + r * from_h[:, 2 * U :])
    return z * h + (1 - z) * g


# %% part="gru_step" role="mistake" name="gates_change_work"
# One gate does the work of both. z mixes old and new, r decides what the candidate sees; each has a block of its own.
# 一个门干了两个门的活。z 混合新旧，r 决定候选值看见多少；各用各的那一块。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R + b[1]
    z = sigmoid(from_x[:, :U] + from_h[:, :U])
    g = np.tanh(from_x[:, 2 * U :] + z * from_h[:, 2 * U :])
    return z * h + (1 - z) * g


# %% part="gru_step" role="mistake" name="gate_is_deaf"
# A gate of yours hears only the input. Both gates hear the old state as well.
# 你有一个门只听见了输入。两个门都还要听旧状态的。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R + b[1]
    z = sigmoid(from_x[:, :U])
    r = sigmoid(from_x[:, U : 2 * U] + from_h[:, U : 2 * U])
    g = np.tanh(from_x[:, 2 * U :] + r * from_h[:, 2 * U :])
    return z * h + (1 - z) * g


# %% part="gru_step" role="mistake" name="reset_before_product"
# You moved the reset in front of the matrix product. That is the other GRU; with more than one unit it gives other numbers.
# 你把重置挪到了矩阵乘法之前。那是另一种 GRU；单元多于一个，结果就不同。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    z = sigmoid(x @ W[:, :U] + b[0, :U] + h @ R[:, :U] + b[1, :U])
    r = sigmoid((x @ W + b[0] + h @ R + b[1])[:, U : 2 * U])
    g = np.tanh(x @ W[:, 2 * U :] + b[0, 2 * U :] + (r * h) @ R[:, 2 * U :] + b[1, 2 * U :])
    return z * h + (1 - z) * g


# %% part="gru_step" role="mistake" name="bias_not_reset"
# The second row of biases got out of the brackets: in the candidate the reset multiplies it as well.
# 第二行偏置跑到括号外面去了：在候选值里，重置门也要乘它。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[0] + b[1], h @ R
    z = sigmoid(from_x[:, :U] + from_h[:, :U])
    r = sigmoid(from_x[:, U : 2 * U] + from_h[:, U : 2 * U])
    g = np.tanh(from_x[:, 2 * U :] + r * from_h[:, 2 * U :])
    return z * h + (1 - z) * g


# %% part="gru_step" role="mistake" name="reset_too_much"
# Your reset multiplies what comes from the input. It only shuts out what comes from the old state.
# 你的重置门把来自输入的也乘了。它只该挡住来自旧状态的。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R + b[1]
    z = sigmoid(from_x[:, :U] + from_h[:, :U])
    r = sigmoid(from_x[:, U : 2 * U] + from_h[:, U : 2 * U])
    g = np.tanh(r * (from_x[:, 2 * U :] + from_h[:, 2 * U :]))
    return z * h + (1 - z) * g


# %% part="gru_step" role="mistake" name="no_reset"
# The reset gate does nothing in your step. It decides how much of the old state the candidate sees.
# 你的重置门没有起作用。候选值能看见多少旧状态，由它决定。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R + b[1]
    z = sigmoid(from_x[:, :U] + from_h[:, :U])
    g = np.tanh(from_x[:, 2 * U :] + from_h[:, 2 * U :])
    return z * h + (1 - z) * g


# %% part="gru_step" role="mistake" name="one_row_of_biases"
# Only one of the two rows of biases is used.
# 两行偏置，你只用了一行。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R
    z = sigmoid(from_x[:, :U] + from_h[:, :U])
    r = sigmoid(from_x[:, U : 2 * U] + from_h[:, U : 2 * U])
    g = np.tanh(from_x[:, 2 * U :] + r * from_h[:, 2 * U :])
    return z * h + (1 - z) * g


# %% part="gru_step" role="mistake" name="candidate_by_sigmoid"
# Your candidate is no longer squashed with tanh. That was right before: a candidate lies between −1 and 1.
# 你的候选值不再用 tanh 压缩了。原来是对的：候选值在 −1 与 1 之间。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R + b[1]
    z = sigmoid(from_x[:, :U] + from_h[:, :U])
    r = sigmoid(from_x[:, U : 2 * U] + from_h[:, U : 2 * U])
    g = sigmoid(from_x[:, 2 * U :] + r * from_h[:, 2 * U :])
    return z * h + (1 - z) * g


# %% part="gru_step" role="mistake" name="weights_over_one"
# Old state and candidate must share: their weights z and 1 − z add up to one.
# 旧状态和候选值要分着来：权重 z 与 1 − z 加起来等于一。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R + b[1]
    z = sigmoid(from_x[:, :U] + from_h[:, :U])
    r = sigmoid(from_x[:, U : 2 * U] + from_h[:, U : 2 * U])
    g = np.tanh(from_x[:, 2 * U :] + r * from_h[:, 2 * U :])
    return h + (1 - z) * g


# %% part="gru_step" role="mistake" name="gates_half_exchanged"
# A gate of yours takes one block from the input and another from the state. Each gate adds up the same block of both.
# 你的一个门，从输入取的是一块，从状态取的是另一块。每个门两边要取同一块再相加。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R + b[1]
    z = sigmoid(from_x[:, :U] + from_h[:, U : 2 * U])
    r = sigmoid(from_x[:, U : 2 * U] + from_h[:, :U])
    g = np.tanh(from_x[:, 2 * U :] + r * from_h[:, 2 * U :])
    return z * h + (1 - z) * g


# %% part="gru_step" role="mistake" name="biases_exchanged"
# The two rows of biases have changed places: the first belongs to what comes from the input, the second to what comes from the state.
# 两行偏置换了位置：第一行属于来自输入的部分，第二行属于来自状态的部分。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[1], h @ R + b[0]
    z = sigmoid(from_x[:, :U] + from_h[:, :U])
    r = sigmoid(from_x[:, U : 2 * U] + from_h[:, U : 2 * U])
    g = np.tanh(from_x[:, 2 * U :] + r * from_h[:, 2 * U :])
    return z * h + (1 - z) * g


# %% part="gru_step" role="mistake" name="reset_upside_down"
# Your reset works the wrong way round: where r is 0 the candidate must see nothing of the old state.
# 你的重置门方向反了：r 为 0 时，候选应当完全看不到旧状态。
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x, from_h = x @ W + b[0], h @ R + b[1]
    z = sigmoid(from_x[:, :U] + from_h[:, :U])
    r = sigmoid(from_x[:, U : 2 * U] + from_h[:, U : 2 * U])
    g = np.tanh(from_x[:, 2 * U :] + (1 - r) * from_h[:, 2 * U :])
    return z * h + (1 - z) * g


# %% part="gru_step" role="alternative" name="split"
def gru_step(x, h, W, R, b):
    (x_z, x_r, x_g), (h_z, h_r, h_g) = (
        np.split(values, 3, axis=-1) for values in (x @ W + b[0], h @ R + b[1])
    )
    stays = sigmoid(x_z + h_z)
    candidate = np.tanh(x_g + sigmoid(x_r + h_r) * h_g)
    return candidate + stays * (h - candidate)


# %% part="gru_step" role="alternative" name="loop"
def gru_step(x, h, W, R, b):
    U, new = h.shape[1], []
    for row, old in zip(x, h, strict=True):
        state = []
        for u in range(U):
            x_z, x_r, x_g = (row @ W[:, k * U + u] + b[0, k * U + u] for k in range(3))
            h_z, h_r, h_g = (old @ R[:, k * U + u] + b[1, k * U + u] for k in range(3))
            z, r = 1 / (1 + np.exp(-x_z - h_z)), 1 / (1 + np.exp(-x_r - h_r))
            state.append(float(z * old[u] + (1 - z) * np.tanh(x_g + r * h_g)))
        new.append(state)
    return new


# %% part="gru_step" role="alternative" name="renamed_and_flipped"
def gru_step(x, h, W, R, b):
    U = h.shape[1]
    from_x = np.einsum("bd,dku->kbu", x, W.reshape(-1, 3, U)) + b[0].reshape(3, 1, U)
    from_h = np.einsum("bv,vku->kbu", h, R.reshape(-1, 3, U)) + b[1].reshape(3, 1, U)
    moves = sigmoid(-(from_x[0] + from_h[0]))  # 1 - z
    r = sigmoid(from_x[1] + from_h[1])
    return (1 - moves) * h + moves * np.tanh(from_x[2] + r * from_h[2])


# %% [markdown]
# ## 7 · An experiment (4 points, marked by your teacher)
# Watch a slope on its way back through time. Take $R = \rho Q$ with 32 units, where $Q$ is a random rotation (`np.linalg.qr(rng.normal(size=(32, 32)))[0]`), for $\rho = 0.8$, $1.0$ and $1.2$.
#
# - *Without tanh:* start with a random slope of length 1 and multiply it with $R^\top$ again and again.
# - *With tanh:* let the network run forward first, 50 steps of $h_t = \tanh(h_{t-1} R)$ from a random state with numbers around ±1, and keep the states. Then carry the slope back through these steps, last one first, each time times $1 - h_t^2$ and then times $R^\top$.
#
# Print the length of the slope after 1, 10, 20 and 50 steps back, both ways, for all three $\rho$. At last the two-unit matrix $R = \begin{pmatrix} 0.8 & 2 \\ 0 & 0.8 \end{pmatrix}$ without tanh, from the slope $(0, 1)$: print the length after 1, 5, 10, 20 and 50 steps. Add cells as you need them. Then explain below in 80 to 180 words.
#
# **How it is marked:** a point each for (a) all these lengths, and they fit the program, (b) why the length without tanh is exactly $\rho^k$, (c) what the tanh changes and why, and why it cannot rescue $\rho = 0.8$, (d) why the last matrix behaves otherwise at first and the same in the end: which of its numbers decides when?

# %% [markdown] lang="zh"
# ## 7 · 实验（4 分，由老师批改）
# 跟着一个斜率沿时间往回走。取 32 个单元，$R = \rho Q$，其中 $Q$ 是一个随机旋转（`np.linalg.qr(rng.normal(size=(32, 32)))[0]`），$\rho$ 取 $0.8$、$1.0$ 和 $1.2$。
#
# - **没有 tanh：** 从一个长度为 1 的随机斜率出发，一次次乘以 $R^\top$。
# - **有 tanh：** 先让网络往前跑 50 步，$h_t = \tanh(h_{t-1} R)$，从一个各数在 ±1 上下的随机状态出发，把状态都留着。再让斜率从最后一步往回走，每步先乘 $1 - h_t^2$，再乘 $R^\top$。
#
# 三种 $\rho$、两种走法，打印往回 1、10、20、50 步之后斜率的长度。最后取两单元的矩阵 $R = \begin{pmatrix} 0.8 & 2 \\ 0 & 0.8 \end{pmatrix}$，没有 tanh，从斜率 $(0, 1)$ 出发，打印 1、5、10、20、50 步之后的长度。需要几格就加几格。然后在下面用 130 到 300 字说明。
#
# **评分：** 各 1 分：（a）这些长度都有，且与程序相符；（b）没有 tanh 时，长度为什么恰好是 $\rho^k$；（c）tanh 改变了什么，为什么，又为什么救不了 $\rho = 0.8$；（d）最后那个矩阵为什么起初不一样，最后却一样：它的哪个数在什么时候说了算？

# %% [markdown] part="experiment" role="stub" points=4
# *Write here.*

# %% [markdown] part="experiment" role="stub" points=4 lang="zh"
# *写在这里。*

# %% [markdown] part="experiment" role="solution" points=4
# After 50 steps without tanh the lengths are $1.4\cdot10^{-5}$, $1$ and about $9100$: exactly $\rho^{50}$. A rotation leaves every length alone, so each step multiplies the length by $\rho$ and by nothing else. With tanh each step also multiplies unit by unit with $1-h_t^2 \le 1$. That can only take away. At $\rho=0.8$ the states soon shrink to zero, the factor becomes 1, and the slope vanishes like $\rho^k$, from a slightly lower start: a factor of at most 1 can't make up for 0.8. At $1.0$ the slope now falls slowly. At $1.2$ the states stay large, the tanh is flat there, and the explosion nearly stops. The last matrix first *grows* the slope, to about 4 after four or five steps: its largest singular value is 2.28, and that bounds a single step. In the long run its eigenvalue 0.8 decides: $R^k$ has the entries $0.8^k$ and $2k\cdot 0.8^{k-1}$, and the power beats the factor $k$; after 50 steps 0.002 is left.

# %% [markdown] part="experiment" role="solution" points=4 lang="zh"
# 没有 tanh，50 步之后的长度是 $1.4\cdot10^{-5}$、$1$ 和约 $9100$，恰好是 $\rho^{50}$：旋转不改变任何长度，所以每一步长度只乘一个 $\rho$，别的什么也不乘。有 tanh 时，每一步还要逐个单元乘以 $1-h_t^2 \le 1$，只会往下扣。$\rho=0.8$ 时状态很快缩到零附近，这个因子变成 1，斜率照旧像 $\rho^k$ 那样消失，只是起点略低：不超过 1 的因子补不回 0.8。$1.0$ 时斜率改为缓缓下降。$1.2$ 时状态一直不小，那里的 tanh 是平的，爆炸几乎停住了。最后那个矩阵先把斜率**拉长**，四五步后到 4 左右：它的最大奇异值是 2.28，一步最多拉长这么多倍。走得久了，说了算的是特征值 0.8：$R^k$ 里的数是 $0.8^k$ 和 $2k\cdot 0.8^{k-1}$，乘方终究压过因子 $k$，50 步之后只剩 0.002。
