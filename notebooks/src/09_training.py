# %% [markdown]
# # 09 · Training
# **Prerequisites:** [03 · Softmax](03_softmax.ipynb), [06 · The window network](06_mlp.ipynb), [08 · LSTM](08_lstm.ipynb) · **Minutes:** 60 · **Modules:** `training/fit.py`, `training/schedules.py`, `training/streams.py` · **Previous:** [08 · LSTM](08_lstm.ipynb) · **Next:** [10 · Attention](10_attention.ipynb)
#
# We have models. Each lesson so far trained its own with a few numbers that fell from the sky: in lesson 03 a learning rate of 0.03, batches of 16, 20 rounds at most. Change one of them, and the same model comes out better or worse. Run the same recipe again with another seed, and the result moves too.
#
# **Question: how do we choose the numbers of a training run, and how do we know that one choice is really better than another?**
#
# This is a lesson about measuring. Much of what is said about training is folklore. We put numbers on some of it, and learn how sure we may be of such a number.

# %% [markdown] lang="zh"
# # 09 · 训练
# **先修：** [03 · Softmax](03_softmax.ipynb)、[06 · 窗口网络](06_mlp.ipynb)、[08 · LSTM](08_lstm.ipynb) · **用时：** 60 分钟 · **模块：** `training/fit.py`、`training/schedules.py`、`training/streams.py` · **上一课：** [08 · LSTM](08_lstm.ipynb) · **下一课：** [10 · 注意力](10_attention.ipynb)
#
# 模型已经有了。可到目前为止，每一课训练时用的几个数都像是天上掉下来的：比如第 03 课，学习率 0.03，每批 16 段，最多 20 轮。改动其中一个，同一个模型练出来就有好有坏。同一份配方换个随机种子再跑一次，结果也会变。
#
# **问题：训练中的这些数该怎么选？又怎么知道一种选法真的比另一种好？**
#
# 这一课讲的是测量。关于训练的种种说法，有不少只是传闻。我们给其中一些量出数来，再学会判断这样的数有几分可信。

# %%
import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation.probability import nats_to_bits, score
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.text.corpora import sanguo, shakespeare
from lmcourse.text.tokenizers import CharacterTokenizer

rng = setup(seed=0)
plays = shakespeare()
tokenizer = CharacterTokenizer.train(plays.text("train"))
ids = {split: tokenizer.encode(plays.text(split)) for split in ("train", "validation", "test")}
V, held = tokenizer.vocabulary_size, ids["validation"][:10_000]
print(f"V = {V}, training characters {len(ids['train']):,}, held out {len(held):,}")

# %% [markdown]
# ## One loop for everything
#
# The seven steps of lesson 03 are always the same, so we write them once, as a function: `fit`. Two decisions make it worth having. A **batch is a function of its number**: batch 7 is the same windows today and tomorrow, whatever was computed before it.

# %% [markdown] lang="zh"
# ## 一个循环管所有
#
# 第 03 课的七个步骤总是那一套，所以只写一次，写成函数 `fit`。它有两处讲究。其一，**批是编号的函数**：不管之前算过什么，第 7 批今天是这些窗口，明天还是这些窗口。

# %%
from lmcourse.training.streams import random_batches

batches = random_batches(ids["train"], batch_size=16, context_length=32, seed=0)
inputs, targets = batches(7)
print(inputs.shape, repr(tokenizer.decode(inputs[0])))
print(targets.shape, repr(tokenizer.decode(targets[0])))
assert (batches(7)[0] == inputs).all() and (batches(8)[0] != inputs).any()

# %% [markdown]
# And the **learning rate is a function of the share of the run that is done**, from 0 at the start to 1 at the end. Such a function is called a **schedule**. It gives a multiple of the highest rate, the *peak*. Because it knows shares, not steps, the same schedule serves a run of 100 steps and one of 120 seconds.

# %% [markdown] lang="zh"
# 其二，**学习率是训练进度的函数**，进度从开始时的 0 走到结束时的 1。这样的函数叫**学习率调度**，它给出的是最高学习率（峰值）的倍数。它只认进度，不认步数，所以 100 步的训练和 120 秒的训练可以用同一个调度。

# %%
from lmcourse.training.schedules import constant, cosine, linear, step, warmup

show_source(cosine, warmup)
assert_allclose([cosine(0), cosine(0.5), cosine(1)], [1, 0.5, 0], atol=1e-12)

# %%
SHAPES = {"constant": constant, "step": step, "linear": linear, "cosine": cosine, "warmup": warmup}
share = np.linspace(0, 1, 201)


def draw(axes, schedule):
    axes.plot(share, [SHAPES[schedule](s) for s in share])
    axes.set(xlabel="share of the run done", ylabel="multiple of the peak", ylim=(-0.05, 1.1))


explore(draw, schedule=list(SHAPES))

# %% [markdown]
# **Figure.** Five schedules, each as the multiple of the peak rate against the share of the run that is done. Constant stays at 1. Step falls to a tenth at one half and again at three quarters. Linear falls in a straight line, cosine along half a wave. The last one rises to the peak during the first twentieth and then follows the cosine.

# %% [markdown] lang="zh"
# **图.** 五种学习率调度：横轴是训练进度，纵轴是峰值的倍数。constant 一直是 1；step 在一半处降到十分之一，在四分之三处再降一次；linear 沿直线下降；cosine 沿半个余弦波下降；warmup 在最初的二十分之一里升到峰值，然后沿余弦下降。

# %% [markdown]
# One step of `fit` is short. It sets the rate and refuses a loss that is no number. In between Keras computes the gradient, shortens it to length 1 if it is longer (the clipping of lesson 07), and moves the weights:

# %% [markdown] lang="zh"
# `fit` 的一步很短：设好学习率；Keras 算出梯度，长于 1 就裁剪到 1（第 07 课的梯度裁剪），再挪动权重；遇到不是数的损失，就拒绝继续：

# %%
import keras

from lmcourse.training.fit import fit
from lmcourse.training.run import Run

show_source(Run.step)

# %% [markdown]
# Our test animal is the window model of lesson 06: four characters back, small, quick to train, and with a hidden layer, so that its loss is a real landscape and not lesson 03's bowl. Before we run it for 100 steps: what should the very first loss be, in nats?

# %% [markdown] lang="zh"
# 试验品是第 06 课的窗口模型：回看四个字符，个头小，练得快，又有隐藏层，所以它的损失是真正起伏的地形，不再是第 03 课那只碗。跑 100 步之前先想：第一个损失应该是多少奈特？

# %%
predict("1", "4.2", "6.1")

# %%
from lmcourse.models.mlp import WindowMLP

STEPS, B, T = 100, 16, 32


def fresh(seed=0):
    keras.utils.set_random_seed(seed)
    return WindowMLP(V, window=4, width=16, units=64)


def bits(model, text=held):
    return score(model, text, context_length=64).bits_per_token


def run(seed=0, steps=STEPS, batch_size=B, make=None, **recipe):
    model, text = fresh(seed), random_batches(ids["train"], batch_size, T, seed)
    if make is not None:  # an optimizer that wants to see the model
        recipe["optimizer"] = make(model)
    history = fit(model, text, steps=steps, seed=seed, **recipe)
    return bits(model), history, model


# %%
first, history, model = run(learning_rate=0.05)
print(f"first loss {history.losses[0]:.2f} nats, ln V = {np.log(V):.2f}")
print(f"held out after {history.steps} steps: {first:.1f} bits per character")
assert abs(history.losses[0] - np.log(V)) < 1e-3 and 2.8 < first < 3.4

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.8))
left.plot(history.losses)
left.set(xlabel="step", ylabel="loss of the batch (nats)")
right.plot(history.rates, color=plots.ORANGE)
right.set(xlabel="step", ylabel="learning rate")
plt.show()
assert history.losses[-1] < history.losses[0] and max(history.rates) > 0.049

# %% [markdown]
# **Figure.** A run of 100 steps. Left, the loss of each batch: it falls from ln V, fast at first, and jitters, because each batch is another piece of text. Right, the learning rate: a short straight rise, then the half wave of the cosine down to nearly zero.

# %% [markdown] lang="zh"
# **图.** 一次 100 步的训练。左：每一批的损失，从 ln V 开始下降，先快后慢，并且抖个不停，因为每一批都是另一段文本。右：学习率，先是一小段直线上升，然后沿余弦的半个波降到接近零。

# %% [markdown]
# ## How fast? The learning rate
#
# Why is there a best rate at all? Take one step of gradient descent: from the weights $w$, against the gradient $g$ of the loss $L$, to $w - \eta g$, where $\eta$ is the learning rate. To second order in $\eta$,
#
# $$L(w - \eta g) \approx L(w) - \eta\, g^\top g + \tfrac12 \eta^2\, g^\top H g$$
#
# where $H$ is the matrix of second derivatives of $L$ at $w$. That is a parabola in $\eta$. If the loss curves upwards along $g$, that is, if $g^\top H g > 0$, it is lowest where its slope $-g^\top g + \eta\, g^\top H g$ is zero, and at twice that rate it is back at the height of the start:
#
# $$\eta^* = \frac{g^\top g}{g^\top H g}, \qquad L(w - 2\eta^* g) \approx L(w)$$
#
# A rate that is too small wastes time; at more than twice the best, says the parabola, the step goes *up*. With numbers, on the ten pairs of `abracadabra`, for the bigram table that starts at zero:

# %% [markdown] lang="zh"
# ## 走多快？学习率
#
# 为什么会有“最好的”学习率？走一步梯度下降：从权重 $w$ 出发，逆着损失 $L$ 的梯度 $g$ 走到 $w - \eta g$，$\eta$ 是学习率。对 $\eta$ 展开到二阶：
#
# $$L(w - \eta g) \approx L(w) - \eta\, g^\top g + \tfrac12 \eta^2\, g^\top H g$$
#
# 其中 $H$ 是 $L$ 在 $w$ 处的二阶导数矩阵。这是 $\eta$ 的抛物线。只要损失沿 $g$ 向上弯，即 $g^\top H g > 0$，斜率 $-g^\top g + \eta\, g^\top H g$ 为零处就最低；学习率再大一倍，又回到起点的高度：
#
# $$\eta^* = \frac{g^\top g}{g^\top H g}, \qquad L(w - 2\eta^* g) \approx L(w)$$
#
# 学习率太小，浪费时间；超过最好值的两倍，照抛物线看，这一步反而**上坡**。拿 `abracadabra` 的十对字符动手算一算，二元语法的表从零开始：

# %%
from lmcourse.reference.softmax import log_softmax, softmax

read = np.array([0, 1, 4, 0, 2, 0, 3, 0, 1, 4, 0])  # a b r a c a d a b r a
counts = np.bincount(read[:-1] * 5 + read[1:], minlength=25).reshape(5, 5)


def table_loss(z):
    return -(counts * log_softmax(z)).sum() / counts.sum()


g = (counts.sum(axis=1, keepdims=True) * softmax(np.zeros((5, 5))) - counts) / counts.sum()
e = 1e-3  # the second derivative along g, by finite differences
bend = (table_loss(e * g) + table_loss(-e * g) - 2 * table_loss(0 * g)) / e**2
best = (g * g).sum() / bend
for rate in (0.1 * best, best, 2 * best, 4 * best):
    print(f"rate {rate:5.1f}  loss {table_loss(0 * g):.3f} -> {table_loss(-rate * g):.3f}")
assert table_loss(-best * g) < table_loss(-0.1 * best * g) < table_loss(0 * g)
assert table_loss(-2 * best * g) < table_loss(0 * g) < table_loss(-4 * best * g)

# %% [markdown]
# At twice the best rate the parabola says "no gain". The true loss is kinder, for it is no parabola; at four times it has gone up all the same. In a network the bend along $g$ is another one after every step and on every batch, and Adam does not even walk along $g$. So there is a cheap experiment instead, the **learning-rate range test** (Smith, 2017): *one* short run in which the rate grows from far too small to far too large, here by the same factor every step. Watch where the loss falls fastest and where it explodes.

# %% [markdown] lang="zh"
# 到了最好值的两倍，抛物线说“毫无收获”；真实的损失宽厚一些，因为它并不是抛物线；可到了四倍，照样升了上去。在网络里，沿 $g$ 的弯曲程度每走一步、每换一批都会变，而且 Adam 走的根本不是 $g$ 的方向。所以换个便宜的实验，叫**学习率区间测试**（Smith，2017）：只跑**一次**短训练，让学习率从小得可怜一直涨到大得离谱（这里是每步乘以同一个倍数），看损失在哪里降得最快，又在哪里炸开。

# %%
_, sweep, _ = run(steps=150, learning_rate=10.0, schedule=lambda s: 10 ** (5 * (s - 1)))
smooth = np.convolve(sweep.losses, np.ones(7) / 7, mode="valid")  # a mean over seven steps
rates = np.array(sweep.rates)[3:-3]
lowest = rates[smooth.argmin()]
figure, axes = plt.subplots()
axes.loglog(rates, smooth)
axes.axvline(lowest, color=plots.GREY, linestyle="--")
axes.set(xlabel="learning rate of Adam", ylabel="loss (nats, mean of 7 steps)")
plt.show()
assert 0.01 < lowest < 0.3 and smooth[-1] > 2 * smooth.min()

# %% [markdown]
# **Figure.** The range test: loss against learning rate, both logarithmic, in a single run of 150 steps. Flat on the left, where steps are too small to matter; then a slope down to the dashed line; then up, steeply, as the steps throw the weights about.

# %% [markdown] lang="zh"
# **图.** 学习率区间测试：在同一次 150 步的训练里，损失随学习率的变化，两轴都是对数刻度。左边是平的，步子太小，无关紧要；接着一路下坡到虚线处；再往右陡然上升，步子大得把权重甩来甩去。

# %% [markdown]
# A rule of thumb takes the peak somewhat to the left of the lowest point. Is the thumb right? Here are four whole runs. They are judged on validation text, because we are choosing:

# %% [markdown] lang="zh"
# 经验之谈是：峰值取最低点偏左一些。经验可靠吗？完整地跑四次看看。成绩在验证文本上量，因为这是在挑选：

# %% tags=["nbval-ignore-output"]
by_rate = {rate: run(learning_rate=rate)[0] for rate in (0.001, 0.01, 0.1, 1.0)}
for rate, value in by_rate.items():
    print(f"peak {rate:<6} held out {value:.2f} bits")
winner = min(by_rate, key=by_rate.get)
print(f"range test lowest at {lowest:.2f}, best of four {winner}")
assert abs(np.log10(lowest / winner)) < 1  # the right power of ten
assert winner in (0.01, 0.1) and by_rate[1.0] > by_rate[0.001] > by_rate[winner] + 0.5

# %% [markdown]
# One cheap run has found the right power of ten, and that is all it promises. Far too low costs more than half a bit, far too high costs more still. We go on with 0.05. **Tune the rate first.**
#
# ## When is a difference real?
#
# Which schedule is best? We could run each once and take the lowest number. But the seed moves the result too. So each schedule gets five seeds; a seed fixes the first weights *and* the batches, and all schedules share the seeds. Before you look: by how much will one recipe differ between seeds?

# %% [markdown] lang="zh"
# 一次便宜的训练就找对了数量级，它承诺的也只有这些。低得太多，要多付半比特以上；高得太多，代价更大。下面都用 0.05。**先调学习率。**
#
# ## 差距什么时候算真的？
#
# 哪种调度最好？可以各跑一次，取最小的数。可是种子也会改变结果。所以每种调度跑五个种子；一个种子决定初始权重**和**各批文本，几种调度共用这些种子。先猜一猜：同一份配方，不同种子之间会差多少？

# %%
predict("< 0.001", "≈ 0.02", "≈ 0.2", "≈ 1 bit")

# %% tags=["nbval-ignore-output"]
SEEDS, trio, last_models = range(5), ("constant", "cosine", "warmup"), []
result = {name: [] for name in trio}
for seed in SEEDS:
    for name in trio:
        value, _, model = run(seed, learning_rate=0.05, schedule=SHAPES[name])
        result[name].append(value)
    last_models.append(model)  # kept for later: five warm-up models
result = {name: np.array(values) for name, values in result.items()}
for name, values in result.items():
    print(f"{name:<9}", "  ".join(f"{v:.3f}" for v in values), f"  std {values.std(ddof=1):.3f}")
assert all(0.002 < values.std(ddof=1) < 0.15 for values in result.values())

# %%
figure, axes = plt.subplots(figsize=(5.6, 3))
for seed in SEEDS:
    axes.plot(range(3), [result[name][seed] for name in trio], marker="o", label=f"seed {seed}")
axes.set_xticks(range(3), trio)
axes.set(xlabel="schedule", ylabel="held out (bits per character)")
axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# **Figure.** Held-out bits of three schedules, one line per seed. All five lines fall steeply from constant to cosine. From cosine to warm-up they go this way and that.

# %% [markdown] lang="zh"
# **图.** 三种调度在留出文本上的比特数，每个种子一条线。从 constant 到 cosine，五条线都陡降；从 cosine 到 warmup，则有升有降。

# %% [markdown]
# A seed that is unlucky for one recipe may be unlucky for the other too, and then the lines say more than the points. So we look at the **paired differences** $d_1,\dots,d_n$, one per seed. Their mean $\bar d$ has an uncertainty, the **standard error** (SE): the spread $s$ of the differences, that is, their standard deviation, divided by $\sqrt n$.
#
# $$s^2 = \frac{1}{n-1}\sum_i (d_i - \bar d)^2, \qquad \mathrm{SE} = \frac{s}{\sqrt n}, \qquad 95\,\%\text{ interval: } \bar d \pm t_{n-1}\,\mathrm{SE}$$
#
# Why $n-1$? The $d_i$ lie closer to their own mean than to the true one, so the sum of squares comes out too small; a smaller divisor makes up for it. Why $\sqrt n$? Variances of independent numbers add, so the sum of $n$ has variance $n s^2$, and the mean, $1/n$ of it, has $n s^2 / n^2 = s^2/n$. And why $t$, which is 2.78 for five seeds, instead of the 1.96 of the bell curve? Because $s$ is itself a guess from five numbers, and often too small (Student, 1908). If the differences come from a bell curve, the 95 % **confidence interval** catches the true mean in 19 of 20 cases. A difference is **real** for us if the interval leaves out zero.

# %% [markdown] lang="zh"
# 一个种子若对这份配方不走运，对另一份可能也不走运；这时线就比点更说明问题。所以要看**成对的差** $d_1,\dots,d_n$，每个种子一个。它们的平均 $\bar d$ 有不确定度，叫**标准误**，记作 SE，即差值的标准差 $s$ 除以 $\sqrt n$：
#
# $$s^2 = \frac{1}{n-1}\sum_i (d_i - \bar d)^2, \qquad \mathrm{SE} = \frac{s}{\sqrt n}, \qquad 95\,\%\ \text{置信区间：} \bar d \pm t_{n-1}\,\mathrm{SE}$$
#
# 为什么除以 $n-1$？各个 $d_i$ 离它们自己的平均，比离真正的平均近，平方和就偏小，除数小一点正好补上。为什么是 $\sqrt n$？独立的数，方差可以相加，$n$ 个数之和的方差是 $n s^2$；平均是它的 $1/n$，方差便是 $n s^2 / n^2 = s^2/n$。又为什么用 $t$（五个种子时为 2.78），而不用正态曲线的 1.96？因为 $s$ 本身也是从五个数里猜出来的，而且常常偏小（Student，1908）。只要差值来自正态分布，95 % 的**置信区间**二十次里有十九次套住真正的平均。区间里没有零，我们才说差距是**真的**。

# %%
T_95 = {5: 2.776, 10: 2.262}  # for n numbers: n - 1 degrees of freedom


def interval(differences):
    d, n = np.asarray(differences), len(differences)
    error = d.std(ddof=1) / np.sqrt(n)
    return d.mean(), T_95[n] * error


mean, half = interval([0.10, 0.14, 0.12, 0.08, 0.16])  # by hand: mean 0.12, s = sqrt(0.004 / 4)
print(f"{mean:.3f} ± {half:.3f}")
assert_allclose([mean, half], [0.12, 2.776 * np.sqrt(0.001 / 5)])

# %% tags=["nbval-ignore-output"]
verdict = {}
for a, b in (("constant", "cosine"), ("cosine", "warmup")):
    mean, half = interval(result[a] - result[b])
    verdict[a, b] = "real" if abs(mean) > half else "not shown"
    print(f"{a} minus {b}: {mean:+.3f} ± {half:.3f} bits  -> {verdict[a, b]}")
assert verdict["constant", "cosine"] == "real"

# %% [markdown]
# With the same peak, letting the rate fall is better, and that is real; the interval says by how much. (A constant rate may want a lower peak of its own.) Whether warm-up helps *this* small model is another matter: read the cell above before you repeat the folklore. Goyal and others (2017) used warm-up for very large batches, and the first Transformer, of the same year, was trained with it too.
#
# Is the rule for "real" itself any good? Test it where we know the truth: draw five differences from a bell curve around **zero**, again and again, and count how often each rule cries "real".

# %% [markdown] lang="zh"
# 峰值相同，让学习率降下来更好，而且是真的；好多少，看区间。（恒定的学习率也许该配一个更低的峰值。）至于预热对**这个**小模型有没有用，就是另一回事了：先看上面那一格，再去重复传闻。Goyal 等（2017）把预热用在特大的批上，同年的第一个 Transformer 训练时也用了它。
#
# 判断“真的”的这套办法，自己靠得住吗？到知道真相的地方去试：从以**零**为中心的正态分布里一次次抽出五个差，数一数每条规则喊了多少次“真的”。

# %%
null = rng.normal(0, 1, (20_000, 5))
error = null.std(axis=1, ddof=1) / np.sqrt(5)
alarms = {
    "all five on one side": (abs(np.sign(null).sum(axis=1)) == 5).mean(),
    "mean beyond one standard error": (abs(null.mean(axis=1)) > error).mean(),
    "mean beyond 1.96": (abs(null.mean(axis=1)) > 1.96 * error).mean(),
    "mean beyond t = 2.776": (abs(null.mean(axis=1)) > 2.776 * error).mean(),
}
for rule, share_of_alarms in alarms.items():
    print(f"{rule:<31} false alarms {share_of_alarms:.1%}")
assert abs(alarms["mean beyond t = 2.776"] - 0.05) < 0.006
assert abs(alarms["all five on one side"] - 2 / 32) < 0.006
assert alarms["mean beyond one standard error"] > 0.3

# %% [markdown]
# The rule "more than one standard error" cries "real" more than a third of the time, and there is nothing; $t$ keeps its promise of one in twenty. The first line is the simplest test of all and needs no bell curve: if nothing is going on, each difference is a fair coin, and five heads or five tails come up twice in 32. It is a **permutation test** in miniature: swap the names of the two recipes within each seed, in all $2^5$ ways, and see how rare the observed mean is.

# %% [markdown] lang="zh"
# 明明什么也没有，“超过一个标准误”的规则三次里却有一次以上喊“真的”；$t$ 说好二十次错一次，它守信。第一行是最简单的检验，连正态分布都不需要：如果什么也没发生，每个差都是一枚公平硬币，五个同面的机会是 32 分之 2。它是**置换检验**的缩影：在每个种子里把两份配方的名字对调或不调，共 $2^5$ 种，看看实际的平均有多罕见。

# %%
signs = np.array(np.meshgrid(*[[1, -1]] * 5)).reshape(5, -1).T  # 32 rows
d = result["constant"] - result["cosine"]
as_rare = (abs(signs @ d) >= abs(d.sum()) - 1e-12).mean()
print(f"{len(signs)} ways to name them, as extreme: {as_rare:.4f}")
assert as_rare == 2 / 32  # the smallest that five seeds can give

# %% [markdown]
# Without a bell curve, five seeds can't do better than 1 in 16. Stronger evidence needs more seeds, not a sharper word.
#
# ## The same, where the floor is known
#
# On Shakespeare nobody knows how low one can get. On a Markov source we do, so we can say what a recipe has left on the table: its excess bits.

# %% [markdown] lang="zh"
# 不靠正态分布，五个种子最小也只能到 16 分之 1。想要更有力的证据，就得加种子，而不是换个更响亮的词。
#
# ## 底线已知的地方
#
# 在莎士比亚上，没人知道最低能到多少。在马尔可夫信源上却知道，于是可以说出一份配方还剩多少没学到：超额比特。

# %% tags=["nbval-ignore-output"]
from lmcourse.text.grammar import Markov

source = Markov.random(2, 8, np.random.default_rng(1), concentration=0.3)
sample = source.sample(60_000, np.random.default_rng(2))
excess = {}
for name in ("constant", "cosine"):
    keras.utils.set_random_seed(0)
    small = WindowMLP(8, window=2, width=8, units=32)
    fit(small, random_batches(sample[:50_000], B, T), steps=150, learning_rate=0.05,
        schedule=SHAPES[name])  # fmt: skip
    excess[name] = bits(small, sample[50_000:]) - source.entropy_rate
    print(f"{name:<9} {excess[name]:.3f} bits above the floor of {source.entropy_rate:.3f}")
assert 0 < excess["cosine"] < excess["constant"]

# %% [markdown]
# Neither has reached the floor, and the falling rate comes nearer. (One seed, so there is no interval.)
#
# ## How many at a time? The batch size
#
# A batch is a sample, and its gradient is an estimate of the gradient over the whole text. How far off is it? Take a part of it that we can know exactly: the gradient of the bias of the scores, in a model that still gives the same probabilities $p$ everywhere. For one character it is $p - y$ (lesson 03), with $y$ as a one-hot vector. Over the text its mean is $p - \hat p$ with the character frequencies $\hat p$. So one sample is off by $\hat p - y$, and the mean square of that is
#
# $$E\,\lVert \hat p - y\rVert^2 = E\lVert y\rVert^2 - \lVert \hat p\rVert^2 = 1 - \sum_w \hat p_w^2$$
#
# For the mean of $B$ independent characters it is $B$ times less, and the root of it, the noise, $\sqrt B$ times less. Four times the work for half the noise:

# %% [markdown] lang="zh"
# 两份配方都没有到底，学习率下降的那份更接近。（只有一个种子，所以没有区间。）
#
# ## 一次取多少？批大小
#
# 一批就是一个样本，它的梯度是对全文梯度的估计。偏了多少？取其中能精确知道的一部分：模型还没学会看上文，处处给出同样的概率 $p$，这时分数的偏置的梯度。对一个字符，它是 $p - y$（第 03 课），$y$ 是独热向量；对全文取平均，是 $p - \hat p$，$\hat p$ 是各字符的频率。所以一个样本偏了 $\hat p - y$，平方的平均是
#
# $$E\,\lVert \hat p - y\rVert^2 = E\lVert y\rVert^2 - \lVert \hat p\rVert^2 = 1 - \sum_w \hat p_w^2$$
#
# 取 $B$ 个独立字符的平均，它变成 $1/B$；开方就是噪声，变成 $1/\sqrt B$。四倍的工作，一半的噪声：

# %%
frequency = np.bincount(ids["train"], minlength=V) / len(ids["train"])
sizes, measured = [1, 4, 16, 64, 256, 1024], []
for size in sizes:
    drawn = rng.choice(ids["train"], (300, size))
    means = np.array([np.bincount(row, minlength=V) / size for row in drawn])
    measured.append(np.sqrt(((means - frequency) ** 2).sum(axis=1).mean()))
formula = np.sqrt((1 - (frequency**2).sum()) / np.array(sizes))
for size, m, f in zip(sizes, measured, formula, strict=True):
    print(f"batch of {size:>4}  noise {m:.3f}  formula {f:.3f}")
assert_allclose(measured, formula, rtol=0.1)

# %% [markdown]
# Noise is half of the story, the number of steps is the other half. Reading the same 100,000 characters, small batches take many noisy steps, large ones few clean steps. And with the same number of *steps*, large batches read more text. We let the rate grow with $\sqrt B$, a common rule of thumb.

# %% [markdown] lang="zh"
# 噪声是故事的一半，步数是另一半。读同样的 100,000 个字符，小批走很多步，步步带噪声；大批只走寥寥几步，步步干净。若**步数**相同，大批读的文本就更多。学习率随 $\sqrt B$ 增大，这是常用的经验做法。

# %% tags=["nbval-ignore-output"]
same_text, same_steps, seconds = {}, {}, {}
for size in (4, 16, 64):
    peak = 0.05 * np.sqrt(size / 16)
    steps = 100_000 // (size * T)
    same_text[size], past, _ = run(steps=steps, batch_size=size, learning_rate=peak)
    seconds[size] = past.seconds
    same_steps[size] = run(steps=STEPS, batch_size=size, learning_rate=peak)[0]
    print(f"batch {size:>2}  same text: {steps:>4} steps, {same_text[size]:.2f} bits"
          f"   same steps: {STEPS * size * T:>7,} characters, {same_steps[size]:.2f} bits")  # fmt: skip
assert same_text[4] < same_text[64] and same_steps[64] < same_steps[4]
assert seconds[4] > seconds[64]

# %% [markdown]
# Three views, three answers. *Per character read*, small batches win: they step more often. *Per step*, large batches win: they read more. *Per second*, this table leaves it open: the small batches end lower, but they need more time for the same text (the last assert), since every step has a fixed price. A page that says "small batches train faster" and one that says the opposite may both be right; ask them: faster per what?
#
# ## Which way? Five optimizers
#
# ### Weight decay by hand
#
# Adam (lesson 03) divides each gradient by its usual size. **AdamW** (Loshchilov & Hutter, 2019) adds one thing: before the step, every weight loses the share $\eta\lambda$ of itself.
#
# $$w \leftarrow (1 - \eta\lambda)\,w, \qquad\text{then one step of Adam}$$
#
# This is **weight decay**. One step by hand, against Keras:

# %% [markdown] lang="zh"
# 三个角度，三个答案。**按读过的字符算**，小批赢，因为它走的步子多。**按步数算**，大批赢，因为它读得多。**按秒算**，这张表没有定论：小批最后更低，可读同样的文本用时更长（最后一个断言），因为每一步都有固定的开销。一篇文章说“小批训练更快”，另一篇说相反的话，可能都对；要问一句：按什么算的快？
#
# ## 往哪边走？五种优化器
#
# ### 权重衰减，动手算
#
# Adam（第 03 课）把每个梯度除以它惯常的大小。**AdamW**（Loshchilov 与 Hutter，2019）只添一件事：走步之前，每个权重先减去自身的 $\eta\lambda$ 倍。
#
# $$w \leftarrow (1 - \eta\lambda)\,w, \qquad\text{然后走一步 Adam}$$
#
# 这就是**权重衰减**。动手走一步，与 Keras 对照：

# %%
from lmcourse.reference.optimizers import SGD, Adam

w, slope, eta, decay = np.array([2.0, -1.0]), np.array([0.5, 4.0]), 0.1, 0.3
shrunk = (1 - eta * decay) * w
by_hand = Adam(eta).step(shrunk, slope)
variable = keras.Variable(w, dtype="float64")
adamw = keras.optimizers.AdamW(eta, weight_decay=decay)
adamw.apply([keras.ops.convert_to_tensor(slope)], [variable])
print("shrunk", shrunk.round(3), " after the step", by_hand.round(3))
assert_allclose(shrunk, [1.94, -0.97])
assert_allclose(by_hand, variable.numpy(), atol=1e-6)

# %% [markdown]
# ### L2 is not weight decay
#
# The second exercise of lesson 03 added $\frac{\lambda}{2}\lVert w\rVert^2$ to the loss instead (**L2 regularization**; the factor was called $\alpha$ there), so that the gradient becomes $g + \lambda w$. For plain gradient descent that is the same thing: $w - \eta(g + \lambda w) = (1 - \eta\lambda)w - \eta g$. Under Adam it is not, because the division by the usual size also divides $\lambda w$. Predict: two weights, both 1, feel nothing but noise, the first of size 10, the second of size 0.1. Which of them does L2 under Adam shrink more?

# %% [markdown] lang="zh"
# ### L2 不是权重衰减
#
# 第 03 课的第二道练习是在损失里加上 $\frac{\lambda}{2}\lVert w\rVert^2$（**L2 正则化**；那里系数记作 $\alpha$），梯度就成了 $g + \lambda w$。对普通的梯度下降，这是一回事：$w - \eta(g + \lambda w) = (1 - \eta\lambda)w - \eta g$。换成 Adam 就不是了，因为除以惯常的大小时，$\lambda w$ 也被一起除了。猜一猜：两个权重都是 1，只受噪声推搡，第一个的噪声大小为 10，第二个为 0.1。Adam 下的 L2 会把哪个缩得更多？

# %%
predict("noise 10", "noise 0.1", "=")

# %%
size, decay, eta = np.array([10.0, 0.1]), 0.5, 0.01
ends = {}
for kind, make in {"SGD": lambda: SGD(eta), "Adam": lambda: Adam(eta)}.items():
    l2, decayed = np.ones((4000, 2)), np.ones((4000, 2))  # 4000 copies, to average the noise
    one, two = make(), make()
    for _ in range(200):
        noise = rng.normal(0, size, (4000, 2))
        l2 = one.step(l2, noise + decay * l2)
        decayed = two.step((1 - eta * decay) * decayed, noise)
    ends[kind] = l2.mean(axis=0), decayed.mean(axis=0)
    print(f"{kind:<4}  L2", ends[kind][0].round(2), "  decay", ends[kind][1].round(2))
    if kind == "SGD":
        assert_allclose(l2, decayed)  # the same, weight by weight
print(f"(1 - eta decay)^200 = {(1 - eta * decay) ** 200:.2f}")
l2_adam, decay_adam = ends["Adam"]
assert_allclose(decay_adam, (1 - eta * decay) ** 200, atol=0.02)
assert l2_adam[0] > 0.8 > 0.3 > l2_adam[1]

# %% [markdown]
# Decay pulls every weight alike, as promised. L2 under Adam hardly touches the weight with the large gradients and squeezes the one with the small. Two names, two things; a recipe that says "weight decay" and means L2 under Adam is another recipe.
#
# ### Muon by hand
#
# Adam looks at each number alone. But the weights of a layer are a *matrix*, and a matrix acts in directions. Write the (averaged) gradient as $G = U\,\mathrm{diag}(\sigma)\,V^\top$, the singular value decomposition: $\sigma_k$ says how strong direction $k$ is. In practice a few $\sigma$ are often large and drown the others (Jordan and others, 2024). Their **Muon** brings all of them to about 1: it steps nearly along $UV^\top$. A decomposition at each step would be slow, so it uses a polynomial with three fixed numbers $a$, $b$, $c$, five times:
#
# $$X \leftarrow aX + b\,(XX^\top)X + c\,(XX^\top)^2X$$
#
# With $X = U\,\mathrm{diag}(s)\,V^\top$ we have $XX^\top = U\,\mathrm{diag}(s^2)\,U^\top$, so $U$ and $V$ stay, and each singular value goes its own way, $s \leftarrow as + bs^3 + cs^5$. The start is $G$ divided by its length, the root of the sum of its squared entries, which is also $\sqrt{\sum_k\sigma_k^2}$; so all $s \le 1$.

# %% [markdown] lang="zh"
# 权重衰减对每个权重一视同仁，说到做到。Adam 下的 L2 却几乎碰不到梯度大的那个权重，梯度小的那个反倒被压得所剩无几。两个名字，两样东西；一份配方写着“权重衰减”，做的却是 Adam 下的 L2，那就是另一份配方。
#
# ### Muon，动手算
#
# Adam 一个数一个数地看。可一层的权重是一个**矩阵**，矩阵是按方向起作用的。把（平均过的）梯度写成奇异值分解 $G = U\,\mathrm{diag}(\sigma)\,V^\top$，$\sigma_k$ 表示第 $k$ 个方向有多强。实际训练中，常常是少数几个 $\sigma$ 很大，淹没了其余的（Jordan 等，2024）。他们的 **Muon** 把它们全变到 1 左右：差不多沿 $UV^\top$ 走。每步都做分解太慢，它改用一个多项式，三个系数 $a$、$b$、$c$ 固定，迭代五次：
#
# $$X \leftarrow aX + b\,(XX^\top)X + c\,(XX^\top)^2X$$
#
# 设 $X = U\,\mathrm{diag}(s)\,V^\top$，则 $XX^\top = U\,\mathrm{diag}(s^2)\,U^\top$，所以 $U$、$V$ 不变，每个奇异值各走各的：$s \leftarrow as + bs^3 + cs^5$。起点是 $G$ 除以它的长度，即各元素平方和的平方根，也就是 $\sqrt{\sum_k\sigma_k^2}$，所以所有 $s \le 1$。

# %%
a, b, c = 3.4445, -4.7750, 2.0315
G = np.array([[3.0, 0.0], [0.4, 0.1], [0.0, 0.2]])
X = G / np.linalg.norm(G)
for turn in range(6):
    print(f"after {turn} turns: singular values", np.linalg.svd(X)[1].round(3))
    if turn < 5:
        A = X @ X.T
        X = a * X + b * A @ X + c * A @ A @ X
muon = keras.optimizers.Muon(0.1)
theirs = muon.zeropower_via_newtonschulz5(keras.ops.convert_to_tensor(G, "float32"), 5)
assert_allclose(X, theirs, atol=1e-4)
U, s, Vt = np.linalg.svd(G, full_matrices=False)
assert np.linalg.svd(X)[1].min() > 0.6 and np.linalg.svd(X)[1].max() < 1.25
assert abs(X - U @ Vt).max() < 0.4

# %%
start = np.linspace(0, 1, 401)


def draw(axes, turns):
    s = start
    for _ in range(turns):
        s = a * s + b * s**3 + c * s**5
    axes.plot(start, s)
    axes.axhline(1, color=plots.GREY, linestyle="--", linewidth=1)
    axes.set(xlabel="singular value before", ylabel="after", ylim=(0, 1.35))


explore(draw, turns=[0, 1, 2, 3, 4, 5])

# %% [markdown]
# **Figure.** What becomes of a singular value between 0 and 1 after 0 to 5 turns of Muon's polynomial. At first a straight line; each turn lifts the small values, by up to 3.4 times; after five, nearly everything lies in a wavy band around the dashed line at 1. The coefficients were chosen to lift fast, not to arrive exactly.

# %% [markdown] lang="zh"
# **图.** 0 到 1 之间的奇异值，经 Muon 的多项式迭代 0 到 5 次之后变成多少。起初是一条直线；每一次都把小的值抬高，最多 3.4 倍；五次之后，几乎全都落在虚线 1 附近的一条波浪带里。系数是为抬得快而选的，并不求分毫不差。

# %% [markdown]
# ### A trap in the library
#
# An embedding that reads the same character three times in a batch gets three gradients for one row; their sum is the gradient. TensorFlow hands them over as a list of rows, unadded. Adam's very first step should have the length of the learning rate, whatever the gradient. Let us see:

# %% [markdown] lang="zh"
# ### 库里的一个陷阱
#
# 一批里同一个字符出现三次，嵌入表的同一行就收到三个梯度，它们的和才是梯度。TensorFlow 交出来的却是一份清单，同一行用了几次就列几次，没有相加。无论梯度多大，Adam 的第一步本该恰好是学习率那么长。看看是不是：

# %%
import tensorflow as tf


def first_step(make_plain):
    table = keras.layers.Embedding(2, 1, embeddings_initializer="zeros")
    table.build()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(table(np.array([0, 0, 0, 1])))  # row 0 three times, row 1 once
    gradient = tape.gradient(loss, table.embeddings.value)
    gradient = tf.convert_to_tensor(gradient) if make_plain else gradient
    keras.optimizers.Adam(0.1).apply([gradient], [table.embeddings])
    return -table.embeddings.numpy()[:, 0]


as_list, added = first_step(make_plain=False), first_step(make_plain=True)
print("handed over as a list", as_list.round(3), "  added first", added.round(3))
assert_allclose(added, 0.1, atol=1e-4)
print("Keras adds them by itself" if np.allclose(as_list, 0.1, atol=1e-4) else
      f"too long by {as_list[0] / 0.1:.2f} = sqrt(9 / 3)")  # fmt: skip

# %% [markdown]
# Keras 3.15 squares the parts, $1 + 1 + 1 = 3$, where it should square the sum, $3^2 = 9$. So a row that is used several times takes strides of the wrong length, here too long, and the length of the whole gradient, by which clipping goes, is made of the same squares and wrong as well. `fit` adds the rows up before the optimizer sees them. Such a fault is easy to overlook: there is no error message.
#
# ### The race
#
# Five optimizers, each with the same right to be tuned: two rates apiece, 100 steps, one seed. (Each pair was looked for first: plain SGD needs a rate about a hundred times that of Adam, since nobody divides its gradients. Who tunes only the favourite wins every race.) A rate that wins at the edge of its list asks for a longer list, and of two rates each stands at an edge: this is a first look. Muon treats the matrices inside the network; embedding and output keep Adam, as its author says.

# %% [markdown] lang="zh"
# Keras 3.15 平方的是各个部分，$1 + 1 + 1 = 3$，而该平方的是和，$3^2 = 9$。于是一批里出现几次的字符，步子的长度就不对，这里是太大；裁剪所依据的整个梯度的长度由同样的平方加成，也跟着错了。`fit` 会在交给优化器之前先把各行加起来。这种错很容易漏过：它不报错。
#
# ### 赛跑
#
# 五种优化器，调参的机会均等：每种试两个学习率，100 步，一个种子。（每一对都先摸索过：普通 SGD 的学习率要比 Adam 大一百倍左右，因为没人替它除梯度。只给自己偏爱的那个调参，场场都能赢。）若胜出的学习率在名单的边上，名单就该加长；只有两个学习率时，哪个都在边上，所以这只是初步的一看。Muon 只管网络里面的矩阵；嵌入和输出照其作者所说，仍用 Adam。

# %%
Rules = keras.optimizers
racers = {
    "SGD": ((3.0, 10.0), lambda rate, model: Rules.SGD(rate)),
    "momentum": ((1.0, 3.0), lambda rate, model: Rules.SGD(rate, momentum=0.9)),
    "Adam": ((0.05, 0.1), lambda rate, model: Rules.Adam(rate)),
    "AdamW": ((0.05, 0.1), lambda rate, model: Rules.AdamW(rate, weight_decay=0.1)),
    "Muon": ((0.05, 0.1),
             lambda rate, model: Rules.Muon(rate, exclude_layers=[model.scores.name + "/"])),
}  # fmt: skip

# %% tags=["nbval-ignore-output"]
race, rows = {}, {}
for name, (peaks, make) in racers.items():
    tried = {p: run(make=lambda model, p=p, make=make: make(p, model))[0] for p in peaks}
    race[name], rows[name] = min(tried.values()), np.ptp(list(tried.values()))
    print(f"{name:<9}", "   ".join(f"{p}: {v:.2f}" for p, v in tried.items()), " bits")
one, two, *_ = sorted(race.values())
seeds_do = result["warmup"].std(ddof=1)
print(f"the best two are {two - one:.3f} apart; a seed moves a result by {seeds_do:.3f} ->",
      "no winner yet" if two - one < 2 * seeds_do else "a winner, if more seeds agree")  # fmt: skip
assert race["SGD"] > one + 3 * seeds_do
assert max(rows.values()) > max(race.values()) - one

# %% [markdown]
# Look along the rows before you look down the column: in the widest row, the other rate costs more than lies between the best optimizer and the worst (the last assert). Plain SGD is behind by more than three times what a seed does. For the others, read the last line: it compares the lead of the winner with the spread of our five seeds. A table with one run each and bold type in one row would have claimed more than it knows. (And the rates were chosen on the text on which the optimizers are compared; a verdict would need test text.)
#
# ## Too little text
#
# When text is scarce, a model learns it by heart, and the craft changes: now all is about what to *prevent*. We take the first 20,000 characters of *Romance of the Three Kingdoms* with a vocabulary of the 500 most frequent ones (the rest is `<unk>`), and read them again and again, at a constant rate. First without any brake:

# %% [markdown] lang="zh"
# 先横着看，再竖着看：在差得最多的那一行里，换个学习率的损失，比最好与最差的优化器之间的差距还大（最后一个断言）。普通的 SGD 落在后面，差距是种子所能造成的三倍以上。其余几个，请看最后一行：它把优胜者的领先幅度与五个种子的波动作了比较。一张各跑一次、把某一行加粗的表，说的就比它知道的多了。（况且学习率是在比较优化器的同一段文本上选的；真要下结论，得用测试文本。）
#
# ## 文本太少
#
# 文本稀缺时，模型会把它背下来，手艺也变了：要紧的是**防**什么。取《三国演义》开头的 20,000 个字符，词表只留最常见的 500 个（其余都是 `<unk>`），用恒定的学习率翻来覆去地读。先不踩任何刹车：

# %%
novel = sanguo()
kinds, how_often = np.unique(list(novel.text("train")), return_counts=True)
hanzi = CharacterTokenizer(["<unk>", *kinds[np.argsort(-how_often, kind="stable")[:500]]])
C = hanzi.vocabulary_size
scarce, zh_held = (
    hanzi.encode(novel.text(s)[:n]) for s, n in (("train", 20_000), ("validation", 4_000))
)
zh_test = hanzi.encode(novel.text("test")[:4_000])
print(f"V = {C}, training characters {len(scarce):,}, one pass = {len(scarce) // (B * T)} steps")


# %%
class Dropping(WindowMLP):
    """The window model with dropout in front of its scores."""

    share = 0.0

    def call(self, ids, training=False):
        hidden = self.hidden(self.join(ids))
        if training and self.share:
            hidden = keras.random.dropout(hidden, self.share, seed=self.dice)
        return self.scores(hidden)


# %%
def scarce_run(seed=0, share=0.0, make=keras.optimizers.Adam, text=None, steps=300, **more):
    keras.utils.set_random_seed(seed)
    model = Dropping(C, window=3, width=16, units=64)
    model.share, model.dice = share, keras.random.SeedGenerator(seed)
    past = fit(
        model,
        text or random_batches(scarce, B, T, seed),
        steps=steps,
        optimizer=make(0.02),
        schedule=constant,
        validate=lambda: score(model, zh_held, 64).nats_per_token,
        validate_every=30,
        seed=seed,
        **more,
    )
    return nats_to_bits(np.array([nats for _, nats in past.validation])), past, model


# %%
without = scarce_run()
plain, past, _ = without
at = [step_done for step_done, _ in past.validation]
trained = nats_to_bits(np.array(past.losses).reshape(-1, 30).mean(axis=1))
figure, axes = plt.subplots()
plots.curves(axes, at, {"training": trained, "validation": plain})
axes.axvline(past.best, color=plots.GREY, linestyle="--")
axes.set(xlabel="step", ylabel="bits per character")
plt.show()
assert plain[-1] > plain.min() + 0.02 and trained[-1] < trained[0]

# %% [markdown]
# **Figure.** Learning by heart: every 30 steps, bits per character on the 30 training batches since the last point and on validation text. The training curve falls to the end. The validation curve turns at the dashed line and rises.

# %% [markdown] lang="zh"
# **图.** 死记硬背：每 30 步一次，刚用过的 30 个训练批和验证文本上的每字符比特数。训练曲线一路降到底；验证曲线在虚线处掉头上升。

# %% [markdown]
# Now the brakes, one at a time:
#
# - **early stopping**: keep the weights that were best on validation text (`fit` does so whenever it gets `validate`; the column "best");
# - **dropout** (Srivastava and others, 2014): while training, each hidden number is set to zero with probability ½ and the others are doubled, which keeps the average; so no number can rely on another;
# - **weight decay**, as above;
# - **data augmentation**: more examples made from the few. Pictures are mirrored and cropped; a mirrored sentence is no sentence. Two things are honest for text. *Random offsets*: windows that begin anywhere, so that no place is always the first. And *token noise*: replace some input characters, never the targets, by characters drawn from their frequencies;
# - **averaging weights**: a running mean over the steps in which the past fades (exponential moving average, EMA; Polyak & Juditsky, 1992, take the plain mean).

# %% [markdown] lang="zh"
# 现在踩刹车，一次一种：
#
# - **早停**：保留在验证文本上最好的权重（只要给了 `validate`，`fit` 就会这么做；见“best”一列）；
# - **随机失活**（dropout；Srivastava 等，2014）：训练时每个隐藏的数以 ½ 的概率置零，其余的加倍，好让平均不变；这样谁也不能指望谁；
# - **权重衰减**，如前所述；
# - **数据增强**：从少量例子里变出更多。图片可以镜像、裁剪；句子倒过来就不是句子了。对文本说得过去的做法有两种。**随机起点**：窗口从任意位置开始，没有哪个位置总排第一。**词元噪声**：把一部分输入字符换成按频率抽来的字符，目标则绝不改动；
# - **权重平均**：对各步的权重取滑动平均，过去的逐渐淡出（指数滑动平均，EMA；Polyak 与 Juditsky，1992，取的是普通的平均）。

# %%
from lmcourse.training.streams import stream_batches


def noisy(step, share=0.1):
    dice = np.random.default_rng((9, step))
    inputs, targets = random_batches(scarce, B, T)(step)
    swap = dice.random(inputs.shape) < share
    return np.where(swap, dice.choice(scarce, inputs.shape), inputs), targets


changed = np.mean([noisy(k)[0] != random_batches(scarce, B, T)(k)[0] for k in range(20)])
print(f"inputs changed {changed:.1%} (some draws hit the same character)")
assert 0.07 < changed < 0.1 and (noisy(3)[1] == random_batches(scarce, B, T)(3)[1]).all()

# %%
AdamW = keras.optimizers.AdamW
runs = {
    "nothing": without,
    "fixed windows": scarce_run(text=stream_batches(scarce, B, T)),
    "dropout ½": scarce_run(share=0.5),
    "weight decay 1": scarce_run(make=lambda rate: AdamW(rate, weight_decay=1.0)),
    "token noise 10%": scarce_run(text=noisy),
    "mean of weights": scarce_run(make=lambda r: keras.optimizers.Adam(r, use_ema=True)),
}

# %% tags=["nbval-ignore-output"]
best, last, tested = {}, {}, {}
for name, (values, _, model) in runs.items():
    best[name], last[name], tested[name] = values.min(), values[-1], bits(model, zh_test)
    print(
        f"{name:<16} at the end {last[name]:.2f}   best {best[name]:.2f}   test {tested[name]:.2f}"
    )
offsets = best["fixed windows"] - best["nothing"]
print(f"at the best moment random offsets gain {offsets:+.2f} bits")
assert last["nothing"] == max(last[name] for name in last if name != "fixed windows")
assert best["weight decay 1"] < best["nothing"] - 0.1 and best["nothing"] < last["nothing"] - 0.1
assert tested["weight decay 1"] < tested["nothing"]

# %% [markdown]
# The first two columns ask two questions. "At the end": what happens to someone who doesn't watch, or who watches only the *training* loss? "Best": what does a brake add when early stopping is on anyway? Early stopping is the first brake to fit. It costs no more than a validation text and saves more than a tenth of a bit. But it is not all. Weight decay is better by more than a tenth of a bit even at the best moment: under decay a number that the text does not support again and again shrinks back towards zero. The last column is the novel's test chapters, with the best weights: decay is ahead there too.
#
# Random offsets are in every row except "fixed windows"; the last line says what they gain. Expect little of them here. This model looks back three characters, so an offset makes hardly any new example. And fixed windows bring every character once a pass, where random ones bring some twice and others not at all. For the smaller differences remember the seeds: this table has one run a row.
#
# **Ensembling** is something else: train several models and average their *probabilities*. Why does that help? The logarithm bends downwards, so by Jensen's inequality the logarithm of a mean is at least the mean of the logarithms. With $p_m(y)$ for the probability that model $m$ of $M$ gives to $y$:
#
# $$-\ln \frac1M\sum_m p_m(y) \;\le\; \frac1M\sum_m \bigl(-\ln p_m(y)\bigr)$$
#
# The mean of the models is never worse than the models are on average, on any text, character by character. No measurement needed for that; how much better is a measurement. Five models from the seeds above:

# %% [markdown] lang="zh"
# 前两列是两个问题。“at the end”问的是：不盯着看，或者只盯着**训练**损失，会怎样？“best”问的是：反正有早停，刹车还能添多少？早停是最先该装的刹车，花费只是一段验证文本，却省下十分之一比特以上。但它不是全部。权重衰减即便只看最好的时刻，也要好上十分之一比特以上：有了衰减，一个数若得不到文本一再的支持，就会渐渐缩回零去。最后一列是用最好的权重在小说的测试章回上量的，权重衰减在那里同样领先。
#
# 除了“fixed windows”，每一行都用随机起点；它带来多少好处，看最后一行输出。在这里别指望太多：这个模型只回看三个字符，换个起点几乎变不出新的例子；何况固定的窗口每一遍都把每个字符读到一次，随机的窗口却有的读了两次，有的一次也没读到。至于更小的差别，别忘了种子：这张表每行只跑了一次。
#
# **集成**是另一回事：训练几个模型，把它们的**概率**取平均。为什么有用？对数是向下弯的，由 Jensen 不等式，平均的对数不小于对数的平均。把 $M$ 个模型中第 $m$ 个给 $y$ 的概率记作 $p_m(y)$：
#
# $$-\ln \frac1M\sum_m p_m(y) \;\le\; \frac1M\sum_m \bigl(-\ln p_m(y)\bigr)$$
#
# 在任何文本上，逐个字符，几个模型的平均都不会比它们的平均成绩差。这一点用不着测量；好多少，才要测量。取前面五个种子的五个模型：


# %% tags=["nbval-ignore-output"]
def mixture(ids):
    p = np.mean([softmax(np.asarray(m(ids), np.float64)) for m in last_models], axis=0)
    return np.log(p)


singles = np.array([bits(m) for m in last_models])
together = bits(mixture)
print(f"five models {singles.mean():.2f} bits on average, best of them {singles.min():.2f}")
print(f"their mean of probabilities gains {singles.mean() - together:.2f} bits")
assert together < singles.min() and singles.mean() - together > 0.02

# %% [markdown]
# The five together beat the best of them, for five times the work. And one model that has the mean of their *weights*? About as many bits as the five on average (≈), more (>), or far more (≫)?

# %% [markdown] lang="zh"
# 五个合起来胜过其中最好的一个，代价是五倍的工作。那么，把五个模型的**权重**取平均，做成一个模型呢？比特数与五个的平均差不多（≈），更多（>），还是多得多（≫）？

# %%
predict("≈", ">", "≫")

# %%
blend = fresh()
blend.set_weights(
    [np.mean(w, axis=0) for w in zip(*(m.get_weights() for m in last_models), strict=True)]
)
print(f"mean of weights {bits(blend):.1f} bits, mean of probabilities {together:.1f} bits")
assert bits(blend) > singles.max() + 0.3

# %% [markdown]
# Ruined. Hidden unit 7 of one model has nothing to do with unit 7 of another. Weights may be averaged along *one* run, where the units keep their meaning; runs that began with different weights can share only their predictions.
#
# ## Who looks for the numbers? Grid, random, tuner
#
# Rate, decay, momentum: somebody has to try values. A **grid** tries all combinations of a few values each. **Random search** draws each value anew. With 27 trials for three numbers a grid sees only three different rates, random search 27; if one number matters most, that should count (Bergstra & Bengio, 2012). A **tuner** looks at its own results and tries where it hopes for more; we take the well-kept library Optuna.
#
# To repeat each search ten times, the thing to be tuned has to be quick: lesson 03's bigram, trained on the counts of 20,000 characters by 60 steps of AdamW in NumPy.

# %% [markdown] lang="zh"
# 一塌糊涂。一个模型的第 7 个隐藏单元，和另一个模型的第 7 个毫不相干。权重只能沿着**一次**训练取平均，那里各单元的含义不变；初始权重不同的几次训练，只能平均预测。
#
# ## 谁来找这些数？网格、随机、调参库
#
# 学习率、衰减、动量，总得有人去试。**网格搜索**给每个数定几个值，试遍所有组合。**随机搜索**每次重新抽取每个数。三个数试 27 次，网格只见过三个不同的学习率，随机搜索见过 27 个；若其中一个数最要紧，就该见出分别（Bergstra 与 Bengio，2012）。**调参库**会看自己的成绩，到更有希望的地方去试；我们用维护良好的 Optuna。
#
# 每种搜索要重复十遍，所以被调的东西必须跑得快：第 03 课的二元语法，在 20,000 个字符的计数上，用 NumPy 走 60 步 AdamW。


# %%
def pairs(text):
    return np.bincount(text[:-1] * V + text[1:], minlength=V * V).reshape(V, V)


seen, unseen = pairs(ids["train"][:20_000]), pairs(ids["validation"][:30_000])
totals = seen.sum(axis=1, keepdims=True)


# %%
def trained_table(rate, decay, beta, steps=60):
    adam, z = Adam(rate, beta_1=beta), np.zeros((V, V))
    for _ in range(steps):
        z = adam.step((1 - rate * decay) * z, (totals * softmax(z) - seen) / seen.sum())
    return z


def cost(z, counts):
    return nats_to_bits(-(counts * log_softmax(z)).sum() / counts.sum())


def objective(*numbers):
    return cost(trained_table(*numbers), unseen)


def choose(u):  # three numbers from 0 to 1 -> rate, decay, momentum
    return 10 ** (4 * u[0] - 3), 10 ** (4 * u[1] - 4.5), 0.99 * u[2]


print(
    f"a good choice {objective(0.3, 0.1, 0.9):.2f} bits, a bad one {objective(0.003, 0.0, 0.9):.2f}"
)
assert objective(0.3, 0.1, 0.9) < objective(0.003, 0.0, 0.9) - 1

# %%
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def tuner(seed, trials=27):
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    names = ("rate", "decay", "momentum")
    study.optimize(
        lambda trial: objective(*choose([trial.suggest_float(n, 0, 1) for n in names])),
        n_trials=trials,
    )
    return [trial.value for trial in study.trials]


thirds = (np.arange(3) + 0.5) / 3
grid = [objective(*choose(u)) for u in np.array(np.meshgrid(*[thirds] * 3)).reshape(3, -1).T]
lottery = [
    [objective(*choose(u)) for u in np.random.default_rng(s).random((27, 3))] for s in range(10)
]
tuned = [tuner(seed) for seed in range(10)]

# %% tags=["nbval-ignore-output"]
found = {"random": np.min(lottery, axis=1), "tuner": np.min(tuned, axis=1)}
print(f"grid    {min(grid):.3f} bits (always the same)")
for name, values in found.items():
    print(
        f"{name:<7} {values.mean():.3f} ± {interval(values)[1]:.3f} bits, worst of ten {values.max():.3f}"
    )
gain, half = interval(found["random"] - found["tuner"])
real = "real" if abs(gain) > half else "not shown"
print(f"random minus tuner: {gain:+.4f} ± {half:.4f}  -> {real}")
assert max(abs(values.mean() - min(grid)) for values in found.values()) < 0.03

# %%
figure, axes = plt.subplots()
for name, runs, color in (("random", lottery, plots.BLUE), ("tuner", tuned, plots.ORANGE)):
    so_far = np.minimum.accumulate(runs, axis=1)
    axes.plot(range(1, 28), so_far.mean(axis=0), color=color, label=name)
    axes.fill_between(range(1, 28), so_far.min(axis=0), so_far.max(axis=0), color=color, alpha=0.15)
axes.axhline(min(grid), color=plots.GREY, linestyle="--", label="grid, all 27")
axes.set(xlabel="trials", ylabel="best so far (bits)", ylim=(3.69, 3.95))
axes.legend()
plt.show()

# %% [markdown]
# **Figure.** The best result so far against the number of trials, for random search and the tuner, each as the mean of ten searches with a band from the best to the worst of them; the dashed line is the best of the whole grid. Both curves come from above the picture, fall steeply during the first trials and then flatten. The bands overlap and end near the dashed line.

# %% [markdown] lang="zh"
# **图.** 到目前为止的最好成绩随试验次数的变化。随机搜索和调参库各为十次搜索的平均，色带从十次中最好的到最差的；虚线是整个网格的最好成绩。两条曲线都从图的上方进来，头几次陡降，之后变平；色带互相重叠，末端都靠近虚线。

# %% [markdown]
# After 27 trials all three end within 0.03 bits of each other: in a space this small and this smooth, *how* you search hardly matters. The advantage of random search over the grid needs numbers that don't matter; whether the tuner has gained on random search, the last line of the table says. Note what the searches read: validation text. The winner of 27 trials has been chosen *by* this text, so its number there is flattered. The honest number comes from text that took no part. (The two texts are not equally hard; what can be compared is the *gain* over a first guess.)

# %% [markdown] lang="zh"
# 试过 27 次，三种办法彼此相差不到 0.03 比特：空间这么小、这么平滑，**怎么**搜索并不要紧。随机搜索胜过网格，前提是有些数无关紧要；调参库有没有胜过随机搜索，看那张表的最后一行。请注意搜索时读的是什么：验证文本。27 次里的优胜者就是**由**这段文本选出来的，它在那里的成绩难免被美化。老实的成绩要来自没参与过的文本。（两段文本难度不同，能比的是相对于最初猜测的**收益**。）

# %%
luckiest = np.random.default_rng(0).random((27, 3))[int(np.argmin(lottery[0]))]
final = pairs(ids["test"][:100_000])
for name, numbers in {"a first guess": (0.1, 0.001, 0.9), "the winner": choose(luckiest)}.items():
    z = trained_table(*numbers)
    print(f"{name:<13} on validation text {cost(z, unseen):.3f}, on test text {cost(z, final):.3f}")
guess, winner = trained_table(0.1, 0.001, 0.9), trained_table(*choose(luckiest))
gains = [cost(guess, text) - cost(winner, text) for text in (unseen, final)]
print(f"gain of the search: {gains[0]:.4f} promised, {gains[1]:.4f} kept")
assert gains[0] > 0

# %% [markdown]
# ## Killed and resumed
#
# A long run gets interrupted: the battery, the cluster, the cat. If `fit` is given a `checkpoint`, it writes one file from time to time, with *everything* that decides the future: the weights, the optimizer's averages, the state of dropout's dice, the history. The batches are functions of their number. So the resumed run must give the same curve, not a similar one. We pull the plug at step 25:

# %% [markdown] lang="zh"
# ## 断了再接
#
# 长时间的训练总会被打断：电池、集群，还有猫。给 `fit` 一个 `checkpoint`，它会不时写下一个文件，凡是决定未来的**统统**在内：权重、优化器的各个平均、随机失活的骰子、历史记录。批又是编号的函数。所以接着跑的训练必须给出同一条曲线，而不是相似的曲线。我们在第 25 步拔掉插头：

# %%
import tempfile
from pathlib import Path

file = Path(tempfile.mkdtemp()) / "run.npz"
text = random_batches(scarce, B, T)


def until_the_plug_is_pulled(step):
    if step == 25:
        raise KeyboardInterrupt
    return text(step)


try:
    scarce_run(share=0.5, text=until_the_plug_is_pulled, steps=60, checkpoint=file)
except KeyboardInterrupt:
    print("interrupted; a checkpoint is there:", file.exists())

# %% [markdown]
# Hm: the checkpoint is written at every validation, here every 30 steps. At step 25 there had been none. A checkpoint that is never written saves nothing; so write more often:

# %% [markdown] lang="zh"
# 咦：检查点在每次验证时写，这里每 30 步一次，到第 25 步还没有写过。从不写的检查点救不了谁，那就写得勤一些：


# %%
def short(batches, **more):
    keras.utils.set_random_seed(0)
    model = Dropping(C, window=3, width=16, units=64)
    model.share, model.dice = 0.5, keras.random.SeedGenerator(0)
    return fit(model, batches, steps=60, learning_rate=0.03, validate_every=10, **more)


asked = []


def listening(step):
    asked.append(step)
    return text(step)


# %%
whole = short(text)
try:
    short(until_the_plug_is_pulled, checkpoint=file)
except KeyboardInterrupt:
    print("interrupted; a checkpoint is there:", file.exists())
resumed = short(listening, checkpoint=file)
print("batches asked for after the interruption:", asked[:4], "...", asked[-1])
difference = np.abs(np.subtract(resumed.losses, whole.losses)).max()
print("largest difference of a loss below 1e-6:", difference < 1e-6)
assert asked[:2] == [0, 20] and len(resumed.losses) == 60 and difference < 1e-6

# %% [markdown]
# It went back to step 20, the last one written down, and from there the two runs agree to the sixth decimal, dropout included. (The first batch it asks for is number 0: from it, `fit` recognizes that it is the same run.) And a checkpoint of *another* run is refused, not silently mixed in:

# %% [markdown] lang="zh"
# 它回到了第 20 步，也就是最后一次记下的地方，从那里起两次训练连同随机失活在内，小数点后六位都一致。（它先要的是第 0 批，用来认出这是同一次训练。）**另一次**训练的检查点会被拒绝，而不是悄悄混进来：

# %%
try:
    fit(fresh(), batches, steps=60, checkpoint=file)
    refused = ""
except ValueError as error:
    refused = str(error)
print(refused.split(";")[0])
assert "same model" in refused and file.exists()

# %% [markdown]
# With `log="some folder"` the same numbers go to TensorBoard, with `progress=True` a bar moves. This lesson adds no row of its own to the lineage table: `fit` is what trains the models in it that learn.
#
# ## Try it
#
# 1. *Easy.* From the five paired differences between cosine and warm-up: about how many seeds would it take to see a true difference of 0.01 bits?
#
# <details><summary>Hint</summary>The half-width of the interval is about 2 s / √n. Set it to 0.01 and solve for n.</details>
#
# 2. *Medium.* Average the *weights* along one run: train with a constant rate, keep the weights of the last five validations, and compare their mean with the last of them. Does it help? And with a rate that falls along the cosine? Why?
#
# <details><summary>Hint</summary>Let the function that you pass as `validate` put `model.get_weights()` on a list and return any number. `fit` leaves the best weights by that number in the model; set your own afterwards.</details>
#
# 3. *Hard.* A batch of 16 windows of 32 characters holds 512 characters. Are they worth 512 independent ones? Measure the noise of the character frequencies in such batches, and work out how many independent characters would give the same. And one window of 2,048 characters?
#
# <details><summary>Hint</summary>Noise² = (1 − Σ p̂²) / n. Measure the left side, solve for n.</details>

# %% [markdown] lang="zh"
# 给了 `log="某个文件夹"`，同样的数会写给 TensorBoard；给了 `progress=True`，就有进度条。这一课不给谱系表添自己的行：表里靠训练得来的模型，都由 `fit` 训练。
#
# ## 试一试
#
# 1. **容易。** 从 cosine 与 warmup 的五个成对差来看：若真有 0.01 比特的差距，大约要多少个种子才看得出来？
#
# <details><summary>提示</summary>区间的半宽约为 2 s / √n。令它等于 0.01，解出 n。</details>
#
# 2. **中等。** 沿着一次训练把**权重**取平均：用恒定的学习率训练，留下最后五次验证时的权重，拿它们的平均与最后一次的比较。有用吗？学习率沿余弦下降时呢？为什么？
#
# <details><summary>提示</summary>让传给 `validate` 的函数把 `model.get_weights()` 放进列表，再随便返回一个数。`fit` 结束时会把按这个数最好的权重放回模型，所以之后要自己设定权重。</details>
#
# 3. **较难。** 一批 16 个窗口、每个 32 个字符，共 512 个字符。它们抵得上 512 个独立的字符吗？量出这种批里字符频率的噪声，再算算多少个独立字符会有同样的噪声。换成一个 2,048 个字符的窗口呢？
#
# <details><summary>提示</summary>噪声² = (1 − Σ p̂²) / n。量出左边，解出 n。</details>

# %% [markdown]
# ## Worked answers
#
# **1.** It grows with the square: for half the difference, four times the seeds. And with that many the interval only just reaches from the difference to zero, so you would see it about every other time.

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** 它按平方增长：差距减半，种子要四倍。而且种子有这么多时，区间恰好从差距伸到零，也就是说，两次里大约只有一次看得出来。

# %% tags=["nbval-ignore-output"]
spread = (result["cosine"] - result["warmup"]).std(ddof=1)
print(f"spread of the differences {spread:.3f} bits")
for gap in (0.01, 0.005):
    print(f"to see {gap} bits: about {(2 * spread / gap) ** 2:.0f} seeds")
assert (2 * spread / 0.01) ** 2 > 5  # our five are too few

# %% [markdown]
# **2.** With a constant rate the weights keep jittering around a good place, and the mean of the jitter is close to its middle. A falling rate calms the jitter by itself, so there is little left to average.

# %% [markdown] lang="zh"
# **2.** 学习率恒定时，权重一直在一个好地方的周围抖动，抖动的平均靠近正中。学习率下降，抖动自己就平息了，没剩下什么可平均的。


# %% tags=["nbval-ignore-output"]
def keeping(schedule):
    kept, model = [], fresh()

    def keep():
        kept.append(model.get_weights())
        return 0.0

    fit(model, batches, steps=STEPS, learning_rate=0.05, schedule=schedule,
        validate=keep, validate_every=5)  # fmt: skip
    return kept, model


gains = {}
for name in ("constant", "cosine"):
    kept, model = keeping(SHAPES[name])
    model.set_weights(kept[-1])
    last = bits(model)
    model.set_weights([np.mean(w, axis=0) for w in zip(*kept[-5:], strict=True)])
    gains[name] = last - bits(model)
    print(f"{name:<9} last {last:.2f} bits, mean of five gains {gains[name]:+.3f}")
assert gains["constant"] > 0.02 and gains["constant"] > gains["cosine"]

# %% [markdown]
# **3.** Surprise: a little *more* than 512. Neighbours in a text are not independent, but they take turns: after a space comes no space, after a vowel mostly a consonant. So a window holds its fair share of each more exactly than the same number of draws from an urn. Over whole pages it turns round: a scene keeps its names and its words, and the long window is worth fewer than it holds.

# %% [markdown] lang="zh"
# **3.** 没想到：比 512 还**多**一点。文本里的邻居并不独立，但它们是轮着来的：空格之后不会再来空格，元音之后多半是辅音。所以一个窗口里各种字符所占的份额，比从罐子里有放回地抽同样多次更接近应有的份额。到了整页的尺度就反过来：一场戏里老是那几个人名、那几个词，长窗口抵不上它所含的字符数。


# %%
def worth(size, length):
    text = random_batches(ids["train"], size, length, seed=0)
    drawn = [np.bincount(text(k)[0].ravel(), minlength=V) / (size * length) for k in range(600)]
    noise = ((np.array(drawn) - frequency) ** 2).sum(axis=1).mean()
    return (1 - (frequency**2).sum()) / noise


short_windows, long_window = worth(16, 32), worth(1, 2048)
print(f"512 characters in 16 windows are worth {short_windows:.0f} independent ones")
print(f"2048 characters in one window are worth {long_window:.0f}")
assert 512 < short_windows < 700 and long_window < 0.8 * 2048

# %% [markdown]
# ## What we know now
#
# - Tune the learning rate first; a range test finds its power of ten in one short run. Let it fall towards the end.
# - Same seeds, paired differences, a $t$ interval. A difference whose interval holds zero is not a result yet.
# - Batch noise falls with $\sqrt B$; "faster" needs a "per what".
# - Weight decay is not L2 under Adam. Muon evens out directions. Rows of an embedding must be added before they are squared.
# - Early stopping on validation text first, then the other brakes. Average probabilities across runs, weights only within one.
# - Search on validation text, report on test text.
# - A run that stores everything resumes on the same curve.
#
# ## What it still can't do
#
# No recipe gives a model a memory that its form doesn't have. The LSTM still has to squeeze everything it has read into a vector of fixed size, and reads one character after another. Lesson 10 lets a model look back directly, at any place, all at once.
#
# ## References
#
# - Student, *The Probable Error of a Mean* (1908); R. A. Fisher, *The Design of Experiments* (1935): the permutation test.
# - B. T. Polyak, A. B. Juditsky, *Acceleration of Stochastic Approximation by Averaging* (1992).
# - J. Bergstra, Y. Bengio, *Random Search for Hyper-Parameter Optimization* (2012); T. Akiba and others, *Optuna* (2019).
# - N. Srivastava and others, *Dropout: A Simple Way to Prevent Neural Networks from Overfitting* (2014).
# - L. N. Smith, *Cyclical Learning Rates for Training Neural Networks* (2017); I. Loshchilov, F. Hutter, *SGDR* (2017) and *Decoupled Weight Decay Regularization* (2019); P. Goyal and others, *Accurate, Large Minibatch SGD* (2017).
# - K. Jordan and others, *Muon: An Optimizer for Hidden Layers in Neural Networks* (2024).

# %% [markdown] lang="zh"
# ## 现在我们知道
#
# - 先调学习率；区间测试跑一次短训练就能找到它的数量级。临近结束时要让它降下来。
# - 相同的种子，成对的差，$t$ 区间。区间里有零的差距还不算结果。
# - 批的噪声按 $\sqrt B$ 下降；说“更快”，得说清按什么算。
# - 权重衰减不是 Adam 下的 L2。Muon 把各个方向拉平。嵌入表的各行要先相加再平方。
# - 先用验证文本早停，再装别的刹车。不同训练之间平均概率，权重只在一次训练之内平均。
# - 在验证文本上搜索，在测试文本上报成绩。
# - 把一切都存下来的训练，断了再接，仍在同一条曲线上。
#
# ## 它还做不到
#
# 配方再好，也给不了模型它的结构所没有的记忆。LSTM 仍得把读过的一切挤进一个大小固定的向量，一个字符一个字符地读。第 10 课让模型直接回头看，看任何地方，一次看全。
#
# ## 参考文献
#
# - Student, *The Probable Error of a Mean* (1908)；R. A. Fisher, *The Design of Experiments* (1935)：置换检验。
# - B. T. Polyak, A. B. Juditsky, *Acceleration of Stochastic Approximation by Averaging* (1992)。
# - J. Bergstra, Y. Bengio, *Random Search for Hyper-Parameter Optimization* (2012)；T. Akiba 等, *Optuna* (2019)。
# - N. Srivastava 等, *Dropout: A Simple Way to Prevent Neural Networks from Overfitting* (2014)。
# - L. N. Smith, *Cyclical Learning Rates for Training Neural Networks* (2017)；I. Loshchilov, F. Hutter, *SGDR* (2017) 与 *Decoupled Weight Decay Regularization* (2019)；P. Goyal 等, *Accurate, Large Minibatch SGD* (2017)。
# - K. Jordan 等, *Muon: An Optimizer for Hidden Layers in Neural Networks* (2024)。
