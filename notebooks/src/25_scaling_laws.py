# %% [markdown]
# # 25 · Scaling laws
# **Prerequisites:** [13 · GPT](13_gpt.ipynb), [11 · The Transformer](11_transformer.ipynb) for the operations of a run, [01 · Probability](01_probability.ipynb) for the entropy of a source · **Minutes:** 75 · **Modules:** `evaluation/powerlaw.py`, `evaluation/scaling.py`, `text/grammar.py` · **Previous:** [22 · Chat](22_chat.ipynb) · **Next:** 26 (to come)
#
# So far we chose the size of a model by what fits into two minutes. Whoever trains a large one has weeks and a bill, and must decide *before*: how many parameters, on how much text? The decision can't be tried out, because the trial is the run.
#
# **Question: can a few small runs tell how good a large one will be, and which part of its loss will never go away?**
#
# Papers on this fit a formula to their runs, and one of its numbers is the loss that no model can get rid of. Nobody can check that number, for nobody knows the entropy of English. We can. We have languages whose entropy is known exactly, so here the fit has to pass an examination.

# %% [markdown] lang="zh"
# # 25 · 缩放定律
# **先修：** [13 · GPT](13_gpt.ipynb)；训练要多少次运算，见 [11 · Transformer](11_transformer.ipynb)；信源的熵，见 [01 · 概率](01_probability.ipynb) · **用时：** 75 分钟 · **模块：** `evaluation/powerlaw.py`、`evaluation/scaling.py`、`text/grammar.py` · **上一课：** [22 · 对话](22_chat.ipynb) · **下一课：** 26（待续）
#
# 到现在为止，模型取多大，看的是两分钟里跑得完多少。训练大模型的人面对的是几个星期和一张账单，而且**事先**就得定下来：多少参数？多少文本？这个决定没法先试一试，因为试一次就是跑一次。
#
# **问题：几次小的训练，能不能说出一次大的训练会有多好？它的损失里，哪一部分永远消不掉？**
#
# 论文里的做法，是让一条公式穿过自己的各次训练；公式里有一个数，就是任何模型都消不掉的损失。这个数没人能核对，因为没人知道英语的熵。我们能：我们手里有熵完全已知的语言，所以在这里，拟合得通过一场考试。

# %%
import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.evaluation.lineage import table
from lmcourse.evaluation.powerlaw import (
    BESIROGLU,
    HOFFMANN,
    Law,
    bootstrap,
    fit_law,
    interval,
    kaplan,
)
from lmcourse.evaluation.probability import bits_to_nats, entropy, nats_to_bits
from lmcourse.evaluation.scaling import (
    PLANS,
    SYMBOLS,
    columns,
    operations,
    parameters,
    source,
    source_loss,
    stored,
)
from lmcourse.notebook import explore, predict, setup, show_source

rng = setup(seed=0)

# %% [markdown]
# ## Three numbers, by hand
#
# Three models of one kind have 100, 400 and 1600 parameters. On held-out text they lose 3, 2 and 1.5 nats a token. And for once somebody tells us the floor: the text itself has an entropy of 1 nat, below which nobody gets. What is left above the floor?

# %% [markdown] lang="zh"
# ## 三个数，动手算
#
# 三个同样结构的模型，参数有 100、400 和 1600 个，在留出文本上每个词元分别损失 3、2 和 1.5 奈特。这一回有人把底线告诉了我们：文本本身的熵是 1 奈特，谁也低不过它。底线之上还剩多少？

# %%
sizes, losses, floor = np.array([100, 400, 1600]), np.array([3.0, 2.0, 1.5]), 1.0
above = losses - floor
for size, loss, rest in zip(sizes, losses, above, strict=True):
    print(f"N = {size:>4}   loss {loss:.1f}   above the floor {rest:.1f}")
print("each over the one before it:", above[1:] / above[:-1])
assert_allclose(above[1:] / above[:-1], 1 / 2)

# %% [markdown]
# Four times the parameters, half of what is missing; and again. A quantity that shrinks by the same *factor* whenever $N$ grows by the same factor is a **power law**:
#
# $$L(N) - E = \frac{A}{N^{\alpha}}, \qquad \frac{L(4N) - E}{L(N) - E} = 4^{-\alpha} = \frac12 \;\Rightarrow\; \alpha = \frac12 .$$
#
# $E$ is the **irreducible loss**, the entropy of the text. $A = 2 \cdot \sqrt{100} = 20$. Take logarithms on both sides, $\ln(L - E) = \ln A - \alpha \ln N$: on doubly logarithmic paper a power law is a straight line, and its slope is $-\alpha$.
#
# So what will a model of 6400 parameters lose?

# %% [markdown] lang="zh"
# 参数变成四倍，缺的减半；再四倍，再减半。$N$ 每扩大同样的**倍数**，某个量就缩小同样的倍数，这叫**幂律**：
#
# $$L(N) - E = \frac{A}{N^{\alpha}}, \qquad \frac{L(4N) - E}{L(N) - E} = 4^{-\alpha} = \frac12 \;\Rightarrow\; \alpha = \frac12 .$$
#
# $E$ 叫**不可约损失**，就是文本的熵。$A = 2 \cdot \sqrt{100} = 20$。两边取对数，$\ln(L - E) = \ln A - \alpha \ln N$：画在双对数坐标纸上，幂律是一条直线，斜率是 $-\alpha$。
#
# 那么，6400 个参数的模型，损失会是多少？

# %%
predict("1.00", "1.25", "1.33")

# %%
alpha = -np.diff(np.log(above)) / np.diff(np.log(sizes))
A = above * sizes ** alpha[0]
print("slopes", alpha.round(3), "  A", A.round(3))
print(f"at 6400: {floor + A[0] / 6400 ** alpha[0]:.2f}")
assert_allclose(alpha, 0.5)
assert_allclose(floor + A[0] / 6400 ** alpha[0], 1.25)

# %% [markdown]
# Now the real situation: nobody tells us $E$. Three losses at equal steps of $\ln N$ still give it away. What is above the floor shrinks by the same factor twice, so
#
# $$\frac{L_2 - E}{L_1 - E} = \frac{L_3 - E}{L_2 - E} \;\Rightarrow\; (L_2 - E)^2 = (L_1 - E)(L_3 - E) \;\Rightarrow\; E = \frac{L_1 L_3 - L_2^2}{L_1 + L_3 - 2 L_2} .$$
#
# Here $(4.5 - 4)/(4.5 - 4) = 1$. A floor that we have never touched, computed from three numbers well above it! Before you celebrate: training has luck in it, another seed gives another loss. Let the third loss be off by two percent, 1.53 instead of 1.50. By how much is $E$ off?

# %% [markdown] lang="zh"
# 再看真实的处境：没人告诉我们 $E$。可是 $\ln N$ 等距的三个损失，还是把它泄露了。底线之上的部分两次缩小同样的倍数，所以
#
# $$\frac{L_2 - E}{L_1 - E} = \frac{L_3 - E}{L_2 - E} \;\Rightarrow\; (L_2 - E)^2 = (L_1 - E)(L_3 - E) \;\Rightarrow\; E = \frac{L_1 L_3 - L_2^2}{L_1 + L_3 - 2 L_2} .$$
#
# 这里是 $(4.5 - 4)/(4.5 - 4) = 1$。从来没碰到过的底线，竟由三个远在它上方的数算了出来！先别高兴：训练里有运气，换个种子，损失就变。设第三个损失偏了 2%，不是 1.50 而是 1.53，$E$ 会偏多少？

# %%
predict("2 %", "6 %", "11 %")


# %%
def floor_of(first, second, third):
    return (first * third - second**2) / (first + third - 2 * second)


for third in (1.47, 1.50, 1.53):
    print(f"third loss {third:.2f}: E = {floor_of(3.0, 2.0, third):.3f}")
assert_allclose(floor_of(3.0, 2.0, 1.5), 1.0)
assert 0.11 < floor_of(3.0, 2.0, 1.53) - 1 < 0.12

# %% [markdown]
# An error of 2 percent became one of 11. That is the whole difficulty of this lesson: the floor lies where no run has been, and every small error is stretched on its way there. It takes many runs, a fit that doesn't trust any single one, and a statement of how sure we are.
#
# How does a wrong floor show? With the right $E$ the points lie on a line. Move the slider and watch it bend:

# %% [markdown] lang="zh"
# 2% 的误差变成了 11%。这一课的全部困难就在这里：底线在哪一次训练都没到过的地方，一路延长过去，小误差也会拉大。所以需要很多次训练，需要一个不轻信任何单独一次的拟合，还要说清我们有多大把握。
#
# 底线取错了，看得出来吗？$E$ 取对了，点在一条直线上。拖动滑块，看它怎么弯：

# %%
many = 100 * 4 ** np.arange(6)
truth = 1 + 20 / many**0.5


def draw_floor(axes, E):
    axes.loglog(many, truth - E, "o-")
    line = np.polyfit(np.log(many[:2]), np.log(truth[:2] - E), 1)
    axes.loglog(many, np.exp(np.polyval(line, np.log(many))), "--", color=plots.GREY, lw=1)
    axes.set(xlabel="parameters $N$", ylabel="$L - E$ (nats)")


explore(draw_floor, E=[0.0, 0.5, 0.9, 1.0, 1.05, 1.1])

# %% [markdown]
# **Figure.** Six losses of the law $1 + 20/\sqrt N$, above a guessed floor $E$, both axes logarithmic; dashed, the line through the first two points. Below the true floor, $E < 1$, the curve bends up from the line; above it, it bends down. (At 1.1 the last loss lies below the guess, and falls off the paper.) Only at $E = 1$ it is straight.

# %% [markdown] lang="zh"
# **图.** 定律 $1 + 20/\sqrt N$ 的六个损失，减去猜的底线 $E$，两轴都取对数；虚线是过头两点的直线。猜低了（$E < 1$），曲线翘到直线上方；猜高了，弯到下方（猜 1.1 时，最后一个损失比它还低，掉出了图纸）；只有 $E = 1$ 时是直的。

# %% [markdown]
# ## A language whose floor is known
#
# A run has a second size besides $N$: the number of tokens $D$ that it learns from. (In this lesson $D$ is always that; the width of a model is $W$.) Too little text leaves something missing as well, and the simplest thing is to add it:
#
# $$L(N, D) = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}$$
#
# This is the formula of Hoffmann and others (2022): what nobody can learn, what the size lacks, what the data lack. To test it we need a text of which there is as much as we like, that is hard enough not to be learned at once, and whose $E$ is known. This one:

# %% [markdown] lang="zh"
# ## 底线已知的语言
#
# 一次训练除了 $N$ 还有第二个尺寸：从多少个词元里学，记作 $D$。（这一课里 $D$ 专指词元数；模型的宽度写作 $W$。）文本太少，也会缺点什么；最省事的办法就是把它加上去：
#
# $$L(N, D) = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}$$
#
# 这是 Hoffmann 等（2022）的公式：谁也学不会的，参数不够缺的，数据不够缺的。要检验它，需要一种文本：要多少有多少；够难，不会一下子学完；$E$ 还得已知。就是这一种：

# %%
show_source(source.__wrapped__)  # what stands behind the cache

# %%
language = source()
E_true = bits_to_nats(language.entropy_rate)
print(language.spell(language.sample(60, rng)))
print(f"entropy rate {language.entropy_rate:.4f} bits = {E_true:.4f} nats")

# %% [markdown]
# What can be learned here, and how gradually? Someone who knows only how frequent the symbols are has one loss; someone who looks at the last symbol has a lower one; the last two symbols are the whole truth. And the pairs are unequally frequent, so some are learned early and some late:

# %% [markdown] lang="zh"
# 这里有什么可学，又要多久才学完？只知道各个符号多常见，是一种损失；看前一个符号，损失低些；看前两个，就是全部真相。而各种符号对的多少悬殊，所以有的早学会，有的晚学会：

# %%
V, pairs = SYMBOLS, language.stationary  # pairs[a, b]: the share of places after a, b
rows = np.array([[language.probabilities(np.array([a, b]))[2] for b in range(V)] for a in range(V)])
after_one = (pairs[..., None] * rows).sum(axis=0)
levels = {
    "nothing": entropy(pairs.sum(axis=0)),
    "the last symbol": pairs.sum(axis=0) @ entropy(after_one / after_one.sum(1, keepdims=True)),
    "the last two": (pairs * entropy(rows)).sum(),
}
for seen, bits in levels.items():
    print(f"sees {seen:<16} {bits_to_nats(bits):.4f} nats")
assert_allclose(levels["the last two"], language.entropy_rate)

# %%
common = np.sort(pairs.ravel())[::-1]
for count in (10, 100, 300, 400):
    print(f"the {count} commonest of the 400 pairs fill {common[:count].sum():.0%} of the places")
print(f"a pair in the middle comes once in {1 / common[200]:,.0f} tokens")

# %% [markdown]
# ## A loss without luck
#
# The usual held-out loss draws a text, looks what came next, and prices that. It has luck in it twice: which contexts were drawn, and what followed. With a known source the second piece of luck can be taken away. The whole distribution $p$ of the next symbol is known, so the *expected* price under the model's $q$ is too:
#
# $$-\sum_i p_i \ln q_i = \underbrace{-\sum_i p_i \ln p_i}_{\text{entropy}} + \underbrace{\sum_i p_i \ln \frac{p_i}{q_i}}_{\text{KL divergence}}$$
#
# The mean of the first part over all contexts is the entropy rate, known exactly, so we needn't measure it at all. Only the KL divergence has to be averaged over some held-out contexts.

# %% [markdown] lang="zh"
# ## 不靠运气的损失
#
# 通常的留出损失，是抽一段文本，看接下来是什么，再按模型给它的概率计价。运气在里面出现两次：抽到了哪些上下文，后面又跟了什么。信源已知，第二份运气就可以去掉：下一个符号的整个分布 $p$ 都知道，那么在模型的 $q$ 之下，**期望**的价也就知道：
#
# $$-\sum_i p_i \ln q_i = \underbrace{-\sum_i p_i \ln p_i}_{\text{熵}} + \underbrace{\sum_i p_i \ln \frac{p_i}{q_i}}_{\text{KL 散度}}$$
#
# 第一部分对所有上下文求平均，就是熵率，它是精确已知的，根本不用量。要在一些留出的上下文上求平均的，只有 KL 散度。

# %%
show_source(source_loss)

# %% [markdown]
# One of our runs, live: a GPT with one block of width 24, on 32,768 tokens of this language. (A **run** here is one training from start to end; every token is seen once.) We then measure it in both ways on twenty pieces of fresh text. By what factor will the spread shrink?

# %% [markdown] lang="zh"
# 现场跑一次：只有一个块、宽 24 的 GPT，读这种语言的 32,768 个词元。（这里说**一次训练**，是指从头到尾训练一遍，每个词元只见一回。）然后用两种办法，各在二十段新文本上量它。离散程度会缩小到几分之一？

# %%
predict("about 1/2", "about 1/4", "about 1/20")

# %% tags=["nbval-ignore-output"]
from lmcourse.evaluation.scaling import measure, train
from lmcourse.reference.softmax import cross_entropy

model, taken, _ = train(PLANS["source"], width=24, tokens=2**15)
drawn, expected = [], []
for _ in range(20):
    ids = language.sample(64 * 16, rng)
    windows = ids.reshape(64, 16)
    logits = np.asarray(model(windows))
    drawn.append(cross_entropy(logits[:, 1:-1], windows[:, 2:]))
    expected.append(source_loss(model, language, ids, 16))
print(f"what came next      {np.mean(drawn):.3f} nats, spread {np.std(drawn):.4f}")
print(f"what could have come {np.mean(expected):.3f} nats, spread {np.std(expected):.4f}")
print(f"the second spreads {np.std(drawn) / np.std(expected):.1f} times less")
assert np.std(expected) < np.std(drawn) / 2
assert abs(np.mean(drawn) - np.mean(expected)) < 4 * np.std(drawn) / np.sqrt(20)

# %% [markdown]
# Sampling error falls with the root of the text's length. So a spread that is $k$ times smaller is worth $k^2$ times the text.
#
# ## What a run costs
#
# $N$ counts all parameters. The table of symbols belongs to them: it reads the symbols, and it scores them. Kaplan and others (2020) left it out, and at small sizes that choice alone changes the exponents (Pearce and Song 2024).
#
# Lesson 11 counted the operations: every parameter of a matrix takes part in 2 a token going forward, and going back costs twice as much. So training costs about $C = 6ND$ floating-point operations. Exactly, with the looking of attention:

# %% [markdown] lang="zh"
# 采样误差按文本长度的平方根下降。离散程度缩小到 $1/k$，抵得上 $k^2$ 倍的文本。
#
# ## 一次训练花多少
#
# $N$ 数的是全部参数，符号的嵌入表也在内：读符号靠它，打分也靠它。Kaplan 等（2020）没把它算进去；模型小的时候，单是这一点就会改变指数（Pearce 和 Song，2024）。
#
# 第 11 课数过运算：矩阵里的每个参数，每个词元往前走用 2 次，往回走再花两倍。所以训练大约要 $C = 6ND$ 次浮点运算。连注意力的“看”也算上，确切的数是：

# %%
show_source(parameters, operations)

# %%
T, D = PLANS["source"].context_length, 1_000_000
print(" W       N   exact operations a token   6 N   6 N / exact")
shares = []
for width in PLANS["source"].widths:
    N, exact = parameters(V, width), operations(V, T, width, D) / D
    shares.append(6 * N / exact)
    print(f"{width:>2} {N:>7,} {exact:>20,.0f} {6 * N:>12,} {shares[-1]:>10.2f}")
assert parameters(V, 24) == model.count_params()
assert shares == sorted(shares) and 0.85 < shares[0] and shares[-1] < 1

# %% [markdown]
# $6ND$ is a good rule where the width is large against the context $T$. The narrower the model, the more it forgets.
#
# ## Every run must come to its end
#
# How does one get the loss of a run of 32,768 tokens? A tempting saving: start one long run and look at it on the way. Let us try. One run is planned for twice as long and looked at halfway; another is planned to end there. Same text, same start, same number of tokens. Which is lower?

# %% [markdown] lang="zh"
# 宽度比上下文 $T$ 大得多时，$6ND$ 是条好规则；模型越窄，它漏得越多。
#
# ## 每次训练都要善终
#
# 想知道读 32,768 个词元的损失是多少，怎么办？有个诱人的省钱办法：开一次长的训练，半路上看一眼。试试看。一次按两倍长度安排，走到一半看一眼；另一次就安排在那里结束。文本相同，起点相同，词元数相同。哪个低？

# %%
predict("the same", "the one looked at halfway", "the one that ends there")

# %% tags=["nbval-ignore-output"]
import keras

from lmcourse.evaluation.scaling import gpt, learning_rate, rise_and_fall
from lmcourse.training.fit import fit
from lmcourse.training.streams import stream_batches

batches = stream_batches(language.sample(2**16 + 1, rng), batch_size=8, context_length=16)
held = language.sample(256 * 16, rng)
whole = batches.per_pass
at_half = {}
for plan in (whole, whole // 2):
    keras.utils.set_random_seed(0)
    model = gpt(V, 16, 24)
    muon = keras.optimizers.Muon(momentum=0.85, weight_decay=None)
    pace = dict(learning_rate=learning_rate(24), schedule=rise_and_fall, clip_norm=None)
    look = dict(
        validate_every=whole // 2, validate=lambda m=model: source_loss(m, language, held, 16)
    )
    at_half[plan] = fit(model, batches, steps=plan, optimizer=muon, **pace, **look).validation[0]
for plan, (step, loss) in at_half.items():
    print(f"planned for {plan} steps, looked at after {step}: {loss:.3f} nats")
(_, passing), (_, ending) = at_half.values()
print(f"the run on its way looks {passing - ending:.3f} nats worse than it need be")
assert passing - ending > 0.02

# %% [markdown]
# Halfway, the learning rate is still high, and the weights still jump about the place where they would come to rest. A look on the way overrates the loss. And if short runs look worse than they are, the loss seems to fall faster with text than it does: a little more text seems enough, and the rest of a larger budget goes into size. Hoffmann and others (2022) name this as one reason why Kaplan and others (2020), whose runs all had one length and one schedule, had advised models that are too large for their text. (Porian and others 2024 find that it is not the main one: what weighs more are operations left uncounted in the last layer, a warm-up too long for small models, and settings not tuned for each size.) For us all the same: **one run for each $N$ and each $D$, and the rate falls to zero at the end of each.**
#
# ## The grid
#
# A first trial: eight widths, and each with seven lengths; the short runs up to three times with other seeds, since they scatter most and cost least. (A **point** of the grid is one $N$ with one $D$, the mean of its seeds.) Every model has one block, and its learning rate peaks at $0.6/W$: twice as wide, half the rate (Yang and others 2022). That takes a while (`python -m lmcourse.evaluation.scaling` makes all runs that are missing), so the losses are stored. But never trust a stored number blindly: we make four of the runs here, with the same seeds.

# %% [markdown] lang="zh"
# 走到一半，学习率还高，权重还在它们本该停下的地方附近乱跳。半路上看到的损失偏高。短的训练要是显得比实际差，损失看上去就随文本降得比实际快：好像文本多一点点就够了，预算再多，多出来的都投给了参数。Hoffmann 等（2022）认为，Kaplan 等（2020）建议的模型相对文本过大，这就是原因之一：他们的训练全用同一个长度、同一种学习率调度。（Porian 等 2024 年发现这不是主因，更要紧的是：最后一层的运算没算进去；预热对小模型来说太长；各种大小没有分别调过设置。）我们这里照样规定：**每个 $N$ 配每个 $D$，各训练一次，每次的学习率都在终点降到零。**
#
# ## 网格
#
# 先试一轮：八种宽度，每种配七个长度；短的换种子最多跑三次，因为它们最飘忽，也最便宜。（一个 $N$ 配一个 $D$，是网格上的一个**点**，取各个种子的平均。）模型都只有一个块，峰值学习率是 $0.6/W$：宽一倍，小一半（Yang 等，2022）。全部跑完要些时候（`python -m lmcourse.evaluation.scaling` 会补上所有缺的），所以结果存了下来。但存的数不可盲信：我们在这里当场跑其中四次，种子相同。

# %% tags=["nbval-ignore-output"]
kept = {(r["plan"], r["width"], r["tokens"], r["seed"]): r for r in stored()["runs"]}
for width in (12, 32):
    for tokens in (2**15, 2**16):
        run = measure("trial", width, tokens)
        before = kept["trial", width, run["tokens"], 0]
        print(
            f"width {width}, {run['tokens']:,} tokens: "
            f"now {run['loss']:.3f}, stored {before['loss']:.3f}"
        )
        assert abs(run["loss"] - before["loss"]) < 0.06
        assert run["operations"] == before["operations"]

# %%
N, D, L = columns("trial")
sizes, lengths = sorted(set(N)), sorted(set(D))
print(f"{len(L)} points: N from {N.min():,} to {N.max():,}, D from {D.min():,} to {D.max():,}")
print("above the floor, in nats; a row for each N, a column for each D")
for size in sizes:
    print(f"{size:>6,}", *(f"{loss - E_true:6.3f}" for loss in L[size == N]))

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.4))
axes.set_xscale("log")
shown = [*sizes[::2], sizes[-1]]
plots.curves(axes, lengths, {f"N = {n:,}": L[n == N] for n in shown})
axes.axhline(E_true, color=plots.GREY, ls="--")
axes.annotate(
    "entropy of the source",
    (lengths[0], E_true),
    (0, 4),
    textcoords="offset points",
    color=plots.GREY,
)
axes.set(
    xlabel="tokens $D$ (logarithmic)",
    ylabel="loss (nats a token)",
    xlim=(None, 8e6),
    ylim=(1.62, None),
)
plt.show()

# %% [markdown]
# **Figure.** Loss of the first trial against the tokens read, a line for every second size and for the largest. The lines fall, fast at first and then slowly, towards the dashed entropy of the source; the smallest model stays furthest above it (and once goes up: luck). The lines of the two largest nearly coincide: what they lack is text, not size.

# %% [markdown] lang="zh"
# **图.** 第一轮试验：损失随所读词元数的变化，隔一种大小画一条，最大的也画上。各条线先快后慢，朝虚线（信源的熵）降下去；最小的模型离它最远（中间还升了一次，那是运气）。最大的两条几乎重合：它们缺的是文本，不是参数。

# %% [markdown]
# ## The fit
#
# Five numbers, $E, A, \alpha, B, \beta$, and many runs. What should "closest" mean? Three decisions, all from Hoffmann and others (2022):
#
# 1. Errors are measured in $\ln L$, so one percent counts the same at every height.
# 2. Write $A = e^a$, $B = e^b$, $E = e^c$. Then no number can become negative, and
# $$\ln L(N, D) = \ln\left(e^{c} + e^{a - \alpha \ln N} + e^{b - \beta \ln D}\right),$$
# which is the log-sum-exp of lesson 03.
# 3. An error $r$ is not squared but priced by **Huber's loss**: $r^2/2$ as long as $|r| \le \delta$, and from there on the straight line $\delta\,(|r| - \delta/2)$. By hand, with $\delta = 1$:

# %% [markdown] lang="zh"
# ## 拟合
#
# 五个数 $E, A, \alpha, B, \beta$，和许多次训练。怎样才算“最贴近”？有三个决定，都出自 Hoffmann 等（2022）：
#
# 1. 误差按 $\ln L$ 来量，这样百分之一在哪个高度都一样重。
# 2. 写成 $A = e^a$、$B = e^b$、$E = e^c$，谁也不会变成负数，而且
# $$\ln L(N, D) = \ln\left(e^{c} + e^{a - \alpha \ln N} + e^{b - \beta \ln D}\right),$$
# 正是第 03 课的 log-sum-exp。
# 3. 误差 $r$ 不取平方，而用 **Huber 损失**来计价：$|r| \le \delta$ 时是 $r^2/2$，再大就走直线 $\delta\,(|r| - \delta/2)$。取 $\delta = 1$，动手算：


# %%
def huber(r, delta=1.0):
    return np.where(abs(r) <= delta, r**2 / 2, delta * (abs(r) - delta / 2))


errors = np.array([0.1, 1.0, 3.0, 10.0])
for r in errors:
    print(f"error {r:>4}: squared {r * r / 2:>6.3f}, Huber {huber(r):>5.3f}")
assert_allclose(huber(errors), [0.005, 0.5, 2.5, 9.5])

# %% [markdown]
# A run that is ten times further off pulls ten times as hard when squared. Here every run beyond $\delta$ pulls with the same strength: it gets a vote, no veto. The search itself is left to `scipy`. It begins at many places, for such a fit has valleys that lead nowhere.

# %% [markdown] lang="zh"
# 偏得远十倍的训练，取平方的话，拉扯的力气也大十倍。在这里，凡是超过 $\delta$ 的，力气都一样大：给它一票，不给否决权。搜索的活儿交给 `scipy`，从许多处起步，因为这种拟合里有走不通的山谷。

# %%
show_source(fit_law)

# %%
first = fit_law(N, D, L)


def three(number):  # digits
    return f"{float(f'{number:.3g}'):,.0f}"


def describe(law):
    return (
        f"L(N, D) = {law.E:.3f} + {law.A:.3g} / N^{law.alpha:.2f} + {law.B:.3g} / D^{law.beta:.2f}"
    )


print(describe(first))
off = abs(first.loss(N, D) / L - 1)
print(f"half of the points within {np.median(off):.1%}, all within {off.max():.1%}")
assert np.median(off) < 0.01

# %% [markdown]
# A close fit. Most people would publish it.
#
# ## How sure are we?
#
# Had the seeds been others, the losses would have been a little different, and $E$ with them. By how much? The **bootstrap** answers: draw as many points as we have, with replacement, so that some appear twice and some not at all; fit again; repeat. The spread of the results tells how much the fit hangs on the accidents of single points. We draw whole points instead of shuffling errors, because the short runs scatter more than the long ones.

# %% [markdown] lang="zh"
# 拟合得很贴近。多数人看到这里就拿去发表了。
#
# ## 有多大把握？
#
# 换一批种子，损失会略有不同，$E$ 也跟着变。变多少？**自助法**可以回答：有多少个点就抽多少次，抽了放回，于是有的出现两遍，有的一遍也没有；再拟合；反复做。结果的离散程度，说明拟合有多依赖个别点的偶然。我们抽的是整个点，而不是把误差打乱，因为短的训练比长的飘忽。

# %%
predict("exact E inside the interval", "exact E outside")

# %%
laws = bootstrap(N, D, L, draws=100, rng=rng)
low, high = interval([one.E for one in laws])
print(f"E fitted {first.E:.3f}; 95 % of the fits between {low:.3f} and {high:.3f}")
print(f"E exact  {E_true:.3f}:", "inside" if low <= E_true <= high else "outside")
assert high < E_true

# %% [markdown]
# The trial has failed the examination. The fit is close, the interval is confident, and the truth lies outside. On English, nobody would ever have known.
#
# How can that be? A bootstrap shakes the points and takes the *form* of the law for granted. So let us look for a pattern in what the form gets wrong: the errors, against how many tokens a run had for each of its parameters.

# %% [markdown] lang="zh"
# 第一轮没有通过考试。拟合很贴近，区间很自信，真值却在外面。换成英语，这件事永远不会有人知道。
#
# 怎么会这样？自助法摇晃的是各个点，定律的**形式**它当作给定的。那就到形式出错的地方找规律：画出误差，横轴是平均每个参数读到多少词元。

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.0))
for color, size in zip(plots.PALETTE, sizes[:3] + sizes[-3:], strict=True):
    chosen = size == N
    axes.plot(
        D[chosen] / size,
        L[chosen] - first.loss(size, D[chosen]),
        "o-",
        color=color,
        label=f"{size:,}",
    )
axes.axvspan(4, 64, color=plots.GREY, alpha=0.15)
axes.axhline(0, color=plots.GREY, lw=1)
axes.set_xscale("log")
axes.set(xlabel="tokens a parameter, $D / N$ (logarithmic)", ylabel="loss minus law (nats)")
axes.legend(title="$N$", loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# **Figure.** What the law of the first trial gets wrong, for the three smallest and the three largest models, against the tokens a parameter. At both ends most runs lie below the law: left, large models with about one token for each parameter; right, small models with hundreds. Between, most lie above it. (The smallest models also scatter most.) The band from 4 to 64 tokens a parameter is shaded.

# %% [markdown] lang="zh"
# **图.** 第一轮的定律错在哪里：最小的三种和最大的三种模型，横轴是平均每个参数的词元数。两头的训练多半落在定律下方：左边是每个参数只有一个词元上下的大模型，右边是每个参数有几百个词元的小模型；中间的多半在它上方。（最小的模型也最飘忽。）阴影是每个参数 4 到 64 个词元的一带。

# %%
share, off = D / N, L - first.loss(N, D)
bands = {"below 4": share < 4, "4 to 64": (share >= 4) & (share <= 64), "above 64": share > 64}
for name, chosen in bands.items():
    print(
        f"{name:>8} tokens a parameter: {off[chosen].mean():+.4f} nats on average; "
        f"{(off[chosen] > 0).sum()} of {chosen.sum()} lie above the law"
    )
left, middle, right = (off[chosen].mean() for chosen in bands.values())
assert max(left, right) < 0 < middle

# %% [markdown]
# An arch. A formula that adds two separate terms is an approximation: it can't know that a small model with a thousand tokens for each parameter goes on packing better what it holds, nor that a large model gets more out of a short text. To make up for the arch, the fit bends its powers, and the floor pays. But runs at both ends spend their operations badly, as we shall see; the law is wanted where a budget is spent well. There it has to be measured.
#
# So, a second plan: eleven widths, and for each only the lengths that give it 4 to 64 tokens a parameter, a factor of four around the 16 in the middle. **New seeds, new text for every run.** The band was chosen by looking at the trial, so the trial may not be its judge.

# %% [markdown] lang="zh"
# 这是一道拱。两项各管各的，再加起来，这样的公式是个近似：它不知道，小模型每个参数读到上千个词元时，还在把装着的东西越压越紧；也不知道，大模型从短文本里学到的更多。为了迁就这道拱，拟合弯了自己的幂，账算到了底线头上。可是两头的训练都没把运算花好，后面会看到；我们要定律，是为了把预算花好。那就该在花得好的地方量。
#
# 于是有第二个计划：十一种宽度，每种只取每个参数 4 到 64 个词元的那些长度，以当中的 16 为准，上下各四倍。**种子全新，每次训练的文本也全新。** 这一带是看过第一轮才选的，所以不能再让第一轮来当评判。

# %%
N, D, L = columns("source")
sizes, lengths = sorted(set(N)), sorted(set(D))
print(f"{len(L)} points: {len(sizes)} sizes from {N.min():,} to {N.max():,},")
print(f"{len(lengths)} lengths from {D.min():,} to {D.max():,} tokens")
law = fit_law(N, D, L)
print(describe(law))
assert PLANS["source"].first_seed > 2 and (D / N).min() > 3.9 and (D / N).max() < 65

# %% [markdown]
# Two things must hold now: the exact $E$ lies in the middle 95 percent of the fits, and these are no more than 0.05 nats wide. Would you bet on it?

# %% [markdown] lang="zh"
# 现在要成立的有两条：精确的 $E$ 落在中间 95% 的拟合里，而且这一段宽不超过 0.05 奈特。你敢不敢押？

# %%
predict("E inside, narrow", "E inside, wide", "E outside")

# %%
laws = bootstrap(N, D, L, draws=200, rng=rng)
low, high = interval([one.E for one in laws])
print(f"E fitted {law.E:.3f}; 95 % of the fits between {low:.3f} and {high:.3f}")
print(f"E exact  {E_true:.3f}; the interval is {high - low:.3f} nats wide")
for name in ("alpha", "beta"):
    ends = interval([getattr(one, name) for one in laws])
    print(f"{name:<6}{getattr(law, name):.2f}, between {ends[0]:.2f} and {ends[1]:.2f}")
assert low <= E_true <= high and high - low <= 0.05

# %%
figure, axes = plt.subplots(figsize=(6.4, 2.6))
axes.hist([one.E for one in laws], bins=25, color=plots.SKY)
axes.axvline(E_true, color=plots.RED)
axes.annotate("exact", (E_true, 1), (4, 0), textcoords="offset points", color=plots.RED)
for end in (low, high):
    axes.axvline(end, color=plots.GREY, ls="--")
axes.set(xlabel="fitted irreducible loss $E$ (nats a token)", ylabel="fits")
plt.show()

# %% [markdown]
# **Figure.** The irreducible loss in 200 fits to points drawn with replacement. Dashed, the ends of the middle 95 percent; the solid line is the exact entropy of the source, which no fit was told.

# %% [markdown] lang="zh"
# **图.** 对有放回地抽出的点做 200 次拟合，得到的不可约损失。虚线是中间 95% 的两端；实线是信源精确的熵，没有一次拟合知道它。

# %%
figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.2), sharey=True)
for axes, along, other, name in (
    (panels[0], D, N, "tokens $D$"),
    (panels[1], N, D, "parameters $N$"),
):
    for color, value in zip(plots.PALETTE, sorted(set(other))[::-2], strict=False):
        chosen = other == value
        axes.loglog(along[chosen], L[chosen] - E_true, "o", color=color, label=f"{value:,}")
        fine = np.geomspace(along[chosen].min(), along[chosen].max(), 50)
        pair = (value, fine) if axes is panels[0] else (fine, value)
        axes.loglog(fine, law.loss(*pair) - E_true, color=color, lw=1)
    axes.set(xlabel=name)
    axes.legend(title="$N$" if axes is panels[0] else "$D$", fontsize=8)
panels[0].set(ylabel="loss above the floor (nats)")
plt.show()

# %% [markdown]
# **Figure.** Runs of the second plan (dots) and the one law through all of them (lines), above the exact floor, all axes logarithmic. Left, along the tokens, a colour for every second size; right, along the parameters, a colour for every second length. No line is quite straight: each comes down along the power of its own axis and bends towards what the other axis lacks. The longest runs (right, lowest) lie above their line, all but the first.

# %% [markdown] lang="zh"
# **图.** 第二个计划的各次训练（点）和穿过它们全体的同一条定律（线），取精确底线以上的部分，各轴都取对数。左：沿词元数，隔一种大小一种颜色；右：沿参数量，隔一种长度一种颜色。没有一条是笔直的：先按自己那一轴的幂往下走，再朝另一轴所缺的高度弯过去。最长的几次训练（右图最低的一排）除了头一个，都在线的上方。

# %% [markdown]
# No run has reached the floor. Yet the runs, together, know where it is. That is what a scaling law claims for English, and here the claim has been examined: it failed once, for a reason that a plot of the errors could have shown to anybody, and then it passed.
#
# ## Remove a part: Huber
#
# Suppose a digit was mistyped when a loss was noted down: the best run stands there with half a nat too much. With Huber's loss, and with squares alone:

# %% [markdown] lang="zh"
# 没有一次训练够到过底线，可是它们合起来知道底线在哪里。缩放定律对英语也是这么说的；在这里，这个说法经受了考试：第一次没通过，原因谁画一张误差图都看得出来；第二次通过了。
#
# ## 拿掉一个部件：Huber
#
# 设抄损失时写错了一位：最好的那次训练，多记了半个奈特。分别用 Huber 损失和单纯的平方：

# %%
spoiled = np.where(L == L.min(), L + 0.5, L)
robust, squares = fit_law(N, D, spoiled), fit_law(N, D, spoiled, delta=np.inf)
there = N[L.argmin()], D[L.argmin()]
print(f"above the floor, at the spoiled run: {L.min() - E_true:.3f} nats measured")
for name, one in {"all right": law, "Huber": robust, "squares": squares}.items():
    print(f"{name:<9} E = {one.E:.3f}, foretells {one.loss(*there) - E_true:.3f} there")
moved = [abs(one.loss(N, D) - law.loss(N, D)).max() for one in (robust, squares)]
assert moved[0] < moved[1] / 2

# %% [markdown]
# ## Remove a part: the floor
#
# Kaplan and others (2020) wrote a law in which everything can be learned away: no $E$. Over a limited range a curve with a floor and one without look alike. We take the largest model of the first trial, draw a straight line through the logarithms of its first four losses, and follow it to the last one:

# %% [markdown] lang="zh"
# ## 拿掉一个部件：底线
#
# Kaplan 等（2020）写的定律里没有 $E$，什么都学得掉。范围有限时，有底线和没底线的曲线看上去差不多。取第一轮里最大的模型，给它头四个损失的对数配一条直线，再顺着直线走到最后一个：

# %%
n, d, losses = columns("trial")
biggest = n == n.max()
x, y = np.log(d[biggest]), np.log(losses[biggest])
line = np.exp(np.polyval(np.polyfit(x[:4], y[:4], 1), x))
missed, straight = abs(line / losses[biggest] - 1)[:4].max(), line[-1]
print(f"the line misses none of its four losses by more than {missed:.1%}")
print(f"entropy of the source              {E_true:.3f}")
print(f"the last loss, measured            {losses[biggest][-1]:.3f}")
print(f"foretold by the line, no floor     {straight:.3f}")
assert missed < 0.02 and straight < E_true < losses[biggest][-1]

# %% [markdown]
# The straight line promises a loss below the entropy of the source, which is impossible. On English nobody would have noticed.
#
# ## How to spend a budget
#
# You may pay for $C$ operations, $C = 6ND$. A large model on little text, or a small one on much? On the curve $D = C/6N$ the law depends on $N$ alone. Set its slope to zero, multiplied by $N$:
#
# $$N\frac{\mathrm{d}}{\mathrm{d}N}\left[\frac{A}{N^\alpha} + B\left(\frac{6N}{C}\right)^{\beta}\right] = -\alpha\frac{A}{N^{\alpha}} + \beta\frac{B}{D^{\beta}} = 0$$
#
# At the best place what the size lacks, times $\alpha$, equals what the data lack, times $\beta$. Solve for $N$:
#
# $$N = G\left(\frac{C}{6}\right)^{\beta/(\alpha+\beta)}, \quad D = \frac1G\left(\frac{C}{6}\right)^{\alpha/(\alpha+\beta)}, \quad G = \left(\frac{\alpha A}{\beta B}\right)^{1/(\alpha+\beta)}$$
#
# $E$ plays no part: what can't be bought doesn't decide what to buy.

# %% [markdown] lang="zh"
# 直线许诺的损失比信源的熵还低，这是不可能的。换成英语，谁也看不出来。
#
# ## 预算怎么花
#
# 你付得起 $C$ 次运算，$C = 6ND$。大模型配少量文本，还是小模型配大量文本？沿着 $D = C/6N$ 这条线，定律只取决于 $N$。令斜率为零，两边乘以 $N$：
#
# $$N\frac{\mathrm{d}}{\mathrm{d}N}\left[\frac{A}{N^\alpha} + B\left(\frac{6N}{C}\right)^{\beta}\right] = -\alpha\frac{A}{N^{\alpha}} + \beta\frac{B}{D^{\beta}} = 0$$
#
# 最好的地方，参数所缺的乘以 $\alpha$，等于数据所缺的乘以 $\beta$。解出 $N$：
#
# $$N = G\left(\frac{C}{6}\right)^{\beta/(\alpha+\beta)}, \quad D = \frac1G\left(\frac{C}{6}\right)^{\alpha/(\alpha+\beta)}, \quad G = \left(\frac{\alpha A}{\beta B}\right)^{1/(\alpha+\beta)}$$
#
# $E$ 不起作用：买不到的东西，不影响该买什么。

# %%
show_source(Law.best)

# %%
budgets = [1e9, 1e10, 1e11, 1e12]
for C in budgets:
    size, tokens = law.best(C)
    lack = law.A / size**law.alpha, law.B / tokens**law.beta
    assert_allclose(law.alpha * lack[0], law.beta * lack[1])
    print(
        f"C = {C:.0e}: N = {three(size):>7}, D = {three(tokens):>9}, {tokens / size:.0f} tokens each, "
        f"above the floor {sum(lack):.3f}"
    )
assert law.best(budgets[0])[0] < N.min() and law.best(budgets[-1])[1] > D.max()

# %% [markdown]
# (The first and the last line reach beyond the runs that were made: a smaller model, a longer text.) Curves of equal cost are called **isoFLOP curves**. Where is the lowest point, and how dear is it to miss it?

# %% [markdown] lang="zh"
# （头一行和末一行都超出了做过的训练：一个模型更小，一个文本更长。）花费相等的曲线叫**等算力曲线**（isoFLOP）。最低点在哪里？错过它要吃多少亏？


# %%
def draw_budget(axes, log10_C):
    C = 10.0**log10_C
    size = np.geomspace(100, 1e6, 200)
    axes.loglog(size, law.loss(size, C / 6 / size) - law.E)
    best, tokens = law.best(C)
    axes.plot(best, law.loss(best, tokens) - law.E, "o", color=plots.RED)
    frontier = law.best(np.geomspace(1e8, 1e14, 20))
    axes.plot(frontier[0], law.loss(*frontier) - law.E, "--", color=plots.GREY, lw=1)
    axes.set(xlabel="parameters $N$", ylabel="$L - E$ (nats)", ylim=(5e-4, 3), xlim=(100, 1e6))


explore(draw_budget, log10_C=[9, 10, 11, 12, 13, 14])

# %% [markdown]
# **Figure.** Loss above the floor against the number of parameters when the operations $C$ are given, both axes logarithmic. Too small a model (left) can't hold what it reads; too large a one (right) has read too little. The dot is the best size, and the dashed line joins the best sizes of all budgets, the compute-optimal frontier.

# %% [markdown] lang="zh"
# **图.** 运算次数 $C$ 给定时，底线以上的损失随参数量的变化，两轴取对数。左边，模型太小，装不下读到的东西；右边，模型太大，读得太少。圆点是最佳大小；虚线把各种预算的最佳大小连起来，就是算力最优前沿。

# %%
C = 1e11
best = law.loss(*law.best(C))
cheaper = np.geomspace(C / 100, C, 2000)
reached = law.loss(*law.best(cheaper))  # falls as the budget grows
for factor in (1 / 4, 1 / 2, 2, 4):
    size = factor * law.best(C)[0]
    loss = law.loss(size, C / 6 / size)
    enough = np.interp(-loss, -reached, cheaper) / C
    print(
        f"{factor:>4} times the best size: {loss - best:.3f} nats more, "
        f"{loss / best - 1:.1%} of the loss; well spent, {enough:.0%} of the budget does the same"
    )
    assert loss > best and enough < 0.75

# %% [markdown]
# In nats the valley is flat at its bottom: miss the best size by a factor of two, and the loss hardly tells. So it is hard to *measure* where the bottom is. In operations it isn't flat: a good part of the budget is wasted.
#
# ## The published laws
#
# Three fits, to runs far larger than ours:
#
# | | the law | what was counted |
# |---|---|---|
# | Kaplan and others (2020) | $\left[(N_c/N)^{\alpha_N/\alpha_D} + D_c/D\right]^{\alpha_D}$, $\alpha_N = 0.076$, $\alpha_D = 0.103$, $N_c = 6.4\cdot10^{13}$, $D_c = 1.8\cdot10^{13}$ | parameters without the embedding; best $N \propto C^{0.73}$ |
# | Hoffmann and others (2022) | $1.69 + 406.4/N^{0.34} + 410.7/D^{0.28}$ | all parameters, a schedule for every length |
# | Besiroglu and others (2024) | $1.8172 + 482.01/N^{0.3478} + 2085.43/D^{0.3658}$ | the runs of 2022, read off a figure and fitted again |
#
# The exponent with which the best size grows is $a = \beta/(\alpha + \beta)$. If it is ½, size and text should grow alike.

# %% [markdown] lang="zh"
# 用奈特来看，谷底很平：大小偏了一倍，损失几乎看不出来，所以谷底在哪里很难**量出来**。用运算次数来看就不平了：预算白花了好大一部分。
#
# ## 发表过的定律
#
# 三次拟合，训练都比我们的大得多：
#
# | | 定律 | 怎么数 |
# |---|---|---|
# | Kaplan 等（2020） | $\left[(N_c/N)^{\alpha_N/\alpha_D} + D_c/D\right]^{\alpha_D}$，$\alpha_N = 0.076$，$\alpha_D = 0.103$，$N_c = 6.4\cdot10^{13}$，$D_c = 1.8\cdot10^{13}$ | 参数不算嵌入；最佳 $N \propto C^{0.73}$ |
# | Hoffmann 等（2022） | $1.69 + 406.4/N^{0.34} + 410.7/D^{0.28}$ | 全部参数；每种长度有自己的学习率调度 |
# | Besiroglu 等（2024） | $1.8172 + 482.01/N^{0.3478} + 2085.43/D^{0.3658}$ | 2022 年那些训练，从图上读数，重新拟合 |
#
# 最佳大小随算力增长的指数是 $a = \beta/(\alpha + \beta)$。若等于 ½，参数和文本就该一同增长。

# %%
named = {"Hoffmann 2022": HOFFMANN, "Besiroglu 2024": BESIROGLU, "ours": law}
chinchilla = 6 * 70e9 * 1.4e12  # its operations: 70 billion parameters, 1.4 trillion tokens
print(f"{'Kaplan 2020':<15}                               N grows as C^0.73")
for name, one in named.items():
    a = one.beta / (one.alpha + one.beta)
    print(
        f"{name:<15}E {one.E:.2f}  alpha {one.alpha:.2f}  beta {one.beta:.2f}   N grows as C^{a:.2f}"
    )
for name in ("Hoffmann 2022", "Besiroglu 2024"):
    size, tokens = named[name].best(chinchilla)
    print(
        f"Chinchilla's budget by {name}: {size / 1e9:.0f} billion parameters, {tokens / size:.0f} tokens each"
    )
assert 10 < BESIROGLU.best(chinchilla)[1] / BESIROGLU.best(chinchilla)[0] < 30
assert law.alpha > BESIROGLU.alpha and law.beta > BESIROGLU.beta

# %% [markdown]
# By the law that Hoffmann and others print, their own Chinchilla, 70 billion parameters with 20 tokens each, is too large. Two other methods in the same paper say it is right. Besiroglu and others found why: the search for the best fit had stopped too early (the loss had been scaled so that it looked small enough too soon), and the printed exponents were rounded so far that it mattered. Fitted anew, all three methods agree. A fit is a measurement, and a measurement wants checking.
#
# The floor tells them apart as well. Follow each law from GPT-3, which had 175 billion parameters and 300 billion tokens, to a model and a text that are a thousand and a billion times as large:

# %% [markdown] lang="zh"
# 照 Hoffmann 等印出来的定律，他们自己的 Chinchilla（700 亿参数，每个参数 20 个词元）就太大了；而同一篇论文里另外两种方法说它正好。Besiroglu 等找到了原因：找最佳拟合时停得太早（损失的尺度没选好，过早显得够小了），印出来的指数又舍入得太狠，竟影响了结论。重新拟合之后，三种方法一致。拟合就是测量，测量就要复核。
#
# 三条定律的差别，也在底线上。从 GPT-3 出发（1750 亿参数，3000 亿词元），顺着每条定律走到模型和文本都是一千倍、十亿倍的地方：

# %%
print("                     Kaplan Hoffmann Besiroglu")
for factor in (1, 1e3, 1e9):
    size, tokens = factor * 175e9, factor * 300e9
    each = [kaplan(size, tokens), HOFFMANN.loss(size, tokens), BESIROGLU.loss(size, tokens)]
    print(f"{factor:>5.0e} times GPT-3:", "".join(f"{loss:>8.2f}" for loss in each))
assert each[0] < 0.5 * HOFFMANN.E

# %% [markdown]
# (Kaplan had another text and another tokenizer, so compare down the columns, not across.) A law without a floor promises that everything can be learned away.
#
# Our exponents are larger than theirs: a language with a memory of two symbols is learned sooner than English. The *form* of the law carries over, its numbers don't. They belong to a text, a model family, and a recipe.
#
# ## Predict, then make it
#
# Now the examination that counts. We foretell a run that is larger than the largest of the plan in both directions: twice the parameters *and* twice the tokens, so four times the operations. First the prediction was written into the file, then the run was made. By how much does it miss the loss?

# %% [markdown] lang="zh"
# （Kaplan 用的是另一种文本、另一个分词器，所以要竖着比，不要横着比。）没有底线的定律许诺：什么都学得掉。
#
# 我们的指数比他们的大：一种只记两个符号的语言，比英语学得快。定律的**形式**可以带走，里面的数不行；它们属于某种文本、某一族模型、某种训练配方。
#
# ## 先预测，再去做
#
# 现在是真正算数的考试。我们要预言一次训练，它在两个方向上都比计划里最大的还大：参数两倍，词元**也**两倍，运算就是四倍。先把预言写进文件，然后才去跑。预言的损失会差多少？

# %%
said = stored()["prediction"]
law_then = Law(**said["law"])
print(
    f"N = {said['parameters']:,} ({said['parameters'] / N.max():.1f} times the largest), "
    f"D = {said['tokens']:,} ({said['tokens'] / D.max():.1f} times)"
)
print(
    f"it lacks {law_then.A / said['parameters'] ** law_then.alpha:.4f} nats of size, "
    f"{law_then.B / said['tokens'] ** law_then.beta:.4f} of data"
)
predict("within 3 %", "within 10 %", "worse")

# %%
error = said["predicted"] / said["measured"] - 1
print(f"foretold {said['predicted']:.4f} nats, measured {said['measured']:.4f}: {error:+.2%}")
rest = [said[key] - E_true for key in ("predicted", "measured")]
print(f"above the floor {rest[0]:.4f}, measured {rest[1]:.4f}: {rest[0] / rest[1] - 1:+.0%}")
longest = D == D.max()
shortfall = (law_then.loss(N, D) - L)[longest] / (L - E_true)[longest]
print(f"above the floor, on the longest runs of the plan: {shortfall.mean():+.0%} on average")
assert abs(error) < 0.03 and shortfall.mean() < 0
assert_allclose(law_then.loss(said["parameters"], said["tokens"]), said["predicted"], atol=1e-5)

# %% [markdown]
# The error of the loss is a small part of what was allowed. The second line asks more: most of the loss is floor, which is easy to foretell, and the real question is the little above it. There the same error is a much larger share, and an extrapolation deserves to be judged by that one. The third line says that it could have been seen coming: already on the longest runs of the plan, the law promises too much.
#
# ## Real text
#
# The same on the characters of Shakespeare, with a smaller grid and a context of 32. Here nobody knows $E$, and the held-out loss has luck in it.

# %% [markdown] lang="zh"
# 损失的误差，只占容许范围的一小部分。第二行要求更高：损失大半是底线，好猜；真正的问题是底线上面那一点点。同样的误差，在那里占的份额大得多；外推得好不好，该看这一行。第三行说，这早有苗头：计划里最长的那些训练，定律就已经说得太好了。
#
# ## 真实文本
#
# 在莎士比亚的字符上照做一遍，网格小些，上下文 32。这里没人知道 $E$，留出损失里也有运气。

# %% tags=["nbval-ignore-output"]
n, d, real = columns("shakespeare")
there = fit_law(n, d, real)
shaken = bootstrap(n, d, real, draws=40, rng=rng)
ends = interval([one.E for one in shaken])
print(
    f"L(N, D) = {there.E:.2f} + {there.A:.3g} / N^{there.alpha:.2f} + {there.B:.3g} / D^{there.beta:.2f}"
)
print(
    f"{len(real)} points; E between {ends[0]:.2f} and {ends[1]:.2f} nats a character, {ends[1] - ends[0]:.2f} wide"
)
print(
    f"the lowest loss of a run: {real.min():.2f} nats = {nats_to_bits(real.min()):.2f} bits a character, on validation text"
)
best = table("shakespeare")[-1]
print(
    f"the best model of the lineage table ({best['model']}): {best['bits_per_character']:.2f} bits, on test text"
)
assert ends[1] - ends[0] > high - low and ends[1] > real.min()

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.2))
axes.set_xscale("log")
plots.curves(axes, sorted(set(d)), {f"N = {size:,}": real[n == size] for size in sorted(set(n))})
fine = np.geomspace(d.min(), d.max(), 40)
for size in sorted(set(n)):
    axes.plot(fine, there.loss(size, fine), color=plots.GREY, lw=1, ls="--")
axes.set(
    xlabel="characters read, $D$ (logarithmic)", ylabel="loss (nats a character)", xlim=(None, 4e6)
)
axes.set_xticks([2e5, 5e5, 1e6], labels=["200,000", "500,000", "1,000,000"])
axes.minorticks_off()
plt.show()

# %% [markdown]
# **Figure.** Loss on held-out Shakespeare against the characters read, for four sizes; dashed, the fitted law. The runs scatter about it, and every line still falls at its right end: nothing shows where the floor might be.

# %% [markdown] lang="zh"
# **图.** 留出的莎士比亚文本上，损失随读过的字符数的变化，四种大小；虚线是拟合的定律。各次训练散落在它两旁，每条线到右端还在往下走：看不出底线在哪里。

# %% [markdown]
# The interval is much wider than before, and that is the honest answer: runs this small, this far above the floor, don't know where it is. Its upper end even lies above a loss that one run has reached, and no floor can lie there. Whoever reads "the irreducible loss of English is 1.69 nats" should ask for the interval, for the tokenizer (nats a *token*; their token is several characters), and for the context.
#
# ## Time and energy
#
# Operations become seconds and watt-hours. Our runs, on one core:

# %% [markdown] lang="zh"
# 区间比前面宽得多，这才是诚实的回答：训练这么小，离底线这么远，它们不知道底线在哪里。区间的上端竟高过一次训练已经达到的损失，底线不可能在那儿。谁读到“英语的不可约损失是 1.69 奈特”，就该问问区间，问问分词器（是每**词元**的奈特，而他们的一个词元有好几个字符），再问问上下文。
#
# ## 时间与能量
#
# 运算要变成秒和瓦时。我们的训练，用一个核：

# %%
runs = stored()["runs"]
seconds, work = sum(r["seconds"] for r in runs), sum(r["operations"] for r in runs)
watts = 10  # an assumption: what one busy core of a laptop draws
print(f"{len(runs)} runs: {work:.1e} operations in {seconds / 60:.0f} minutes of one core")
print(f"at {watts} watts: {watts * seconds / 3600:.1f} watt-hours")
for width, pick in ((16, min), (16, max), (96, max)):
    one = pick(
        (r for r in runs if r["plan"] == "source" and r["width"] == width),
        key=lambda r: r["tokens"],
    )
    print(
        f"width {width}, {one['tokens']:>9,} tokens: {one['seconds']:.1f} seconds, "
        f"{one['operations'] / one['seconds'] / 1e9:.1f} billion operations a second"
    )

# %% [markdown]
# A small run uses its core badly: four times the tokens take far less than four times the seconds, for part of the time goes into preparing the first step. And its matrices are small, so that the calls weigh more against the arithmetic. And GPT-3? With 175 billion parameters and 300 billion tokens it took $6ND = 3.15\cdot10^{23}$ operations; Patterson and others (2021) give 1287 megawatt-hours for it. How long would our core take, and how much energy, at the speed of our largest run?

# %% [markdown] lang="zh"
# 小的训练用不好它的核：词元多到四倍，用时远不到四倍，因为有一部分时间花在准备第一步上；矩阵又小，调用函数的开销相对于算术就更重。GPT-3 呢？1750 亿参数，3000 亿词元，$6ND = 3.15\cdot10^{23}$ 次运算；Patterson 等（2021）给出的用电是 1287 兆瓦时。照我们最大那次训练的速度，这个核要算多久，用多少电？

# %%
gpt3 = 6 * 175e9 * 300e9
assert_allclose(gpt3, 3.15e23)
speed = said["operations"] / said["seconds"]
years = gpt3 / speed / 3600 / 24 / 365
print(f"our core: about 10^{np.log10(years):.0f} years")
print(
    f"          about {watts * gpt3 / speed / 3600 / 1e6 / 1287:.0f} times the energy of the published run"
)
assert years > 1e4

# %% [markdown]
# Operations are only half of the bill. The other half is how many of them a watt buys, and there special hardware is far ahead of a laptop.
#
# ## Try it
#
# 1. *Easy.* Somebody gives you ten times the budget. What share of the loss above the floor is left, by our law from $C = 10^{11}$, and by that of Besiroglu and others from Chinchilla's budget?
#
# <details><summary>Hint</summary>On the frontier, L − E is itself a power law in C. Its exponent is αβ/(α+β).</details>
#
# 2. *Medium.* How small may the grid be? Throw away the longest runs, one length after another, and fit. Does the interval still hold the exact E, and how wide does it become?
#
# <details><summary>Hint</summary>`fit_law` and `bootstrap` on `N[D <= limit]` and so on; 60 draws are enough to see it.</details>
#
# 3. *Hard.* A model is trained once and used often: every token that it writes costs 2N operations. Which size is best if it has to reach a given loss, and will write U tokens in its life? Compute it for our law, for a loss of 0.05 nats above E and U = 0, 10⁷, 10⁹.
#
# <details><summary>Hint</summary>For a given N, the law says which D reaches the loss (if N alone is not too small). Then minimize 6ND + 2NU over a fine grid of N.</details>

# %% [markdown] lang="zh"
# 运算只是账单的一半。另一半是一瓦能买到多少次运算；在这一点上，专门的硬件把笔记本电脑远远甩在后面。
#
# ## 试一试
#
# 1. **容易。** 有人给你十倍的预算。底线以上的损失还剩几成？按我们的定律，从 $C = 10^{11}$ 出发；按 Besiroglu 等的定律，从 Chinchilla 的预算出发。
#
# <details><summary>提示</summary>沿着前沿，L − E 本身就是 C 的幂律，指数是 αβ/(α+β)。</details>
#
# 2. **中等。** 网格可以小到什么地步？从最长的开始，一种长度一种长度地扔掉，再拟合。区间还含着精确的 E 吗？会变得多宽？
#
# <details><summary>提示</summary>对 `N[D <= limit]` 等使用 `fit_law` 和 `bootstrap`；抽 60 次就看得出来。</details>
#
# 3. **较难。** 模型训练一次，使用很多次：它每写一个词元要 2N 次运算。如果要达到给定的损失，而且它一生要写 U 个词元，多大最好？用我们的定律算：损失比 E 高 0.05 奈特，U = 0、10⁷、10⁹。
#
# <details><summary>提示</summary>给定 N，定律就说出 D 要多少才达到那个损失（只要 N 本身不太小）。然后在细密的一列 N 上求 6ND + 2NU 的最小值。</details>

# %% [markdown]
# ## Worked answers
#
# **1.** Put the best $N$ and $D$ into the law: both terms fall as $C^{-\alpha\beta/(\alpha+\beta)}$.

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** 把最佳的 $N$ 和 $D$ 代进定律：两项都按 $C^{-\alpha\beta/(\alpha+\beta)}$ 下降。

# %%
for name, one, C in (("ours", law, 1e11), ("Besiroglu 2024", BESIROGLU, chinchilla)):
    rest = [one.loss(*one.best(factor * C)) - one.E for factor in (1, 10)]
    exponent = one.alpha * one.beta / (one.alpha + one.beta)
    print(
        f"{name:<15}{rest[0]:.3f} -> {rest[1]:.3f} nats above the floor: {rest[1] / rest[0]:.2f} of it"
    )
    assert_allclose(rest[1] / rest[0], 10**-exponent)

# %% [markdown]
# **2.** Each length that goes takes the runs nearest to the floor with it.

# %% [markdown] lang="zh"
# **2.** 每扔掉一种长度，就丢了最接近底线的那些训练。

# %% tags=["nbval-ignore-output"]
for limit in lengths[:3:-1]:
    chosen = D <= limit
    shaken = bootstrap(N[chosen], D[chosen], L[chosen], draws=60, rng=rng)
    ends = interval([one.E for one in shaken])
    inside = "inside" if ends[0] <= E_true <= ends[1] else "outside"
    print(
        f"D up to {limit:>9,}: between {ends[0]:.3f} and {ends[1]:.3f}, "
        f"{ends[1] - ends[0]:.3f} wide, exact E {inside}"
    )
assert ends[1] - ends[0] > high - low

# %% [markdown]
# **3.** The more a model is used, the smaller it should be, and the longer trained. (The last two lines lie outside the band of the fit, where the trial went wrong: trust their direction, not their digits.) The SmolLM2 of lesson 18 has 135 million parameters and read two trillion tokens (Ben Allal and others 2025), nearly fifteen thousand for each.

# %% [markdown] lang="zh"
# **3.** 用得越多，模型就该越小，训练就该越久。（后两行超出了拟合的那一带，第一轮正是在那里出的错：方向可信，数字别当真。）第 18 课的 SmolLM2 有 1.35 亿参数，读了两万亿词元（Ben Allal 等，2025），每个参数将近一万五千个。

# %%
size = np.geomspace(1e3, 1e7, 2000)
left = 0.05 - law.A / size**law.alpha  # what the data may lack
size, left = size[left > 0], left[left > 0]
tokens = (law.B / left) ** (1 / law.beta)
chosen = []
for U in (0, 1e7, 1e9):
    i = (6 * size * tokens + 2 * size * U).argmin()
    chosen.append(size[i])
    print(
        f"U = {U:.0e}: N = {three(size[i]):>6}, D = {three(tokens[i]):>10}, "
        f"{three(tokens[i] / size[i])} tokens each"
    )
assert chosen[0] >= chosen[1] >= chosen[2]
assert abs(chosen[0] / law.best(6 * chosen[0] * tokens[(size == chosen[0])][0])[0] - 1) < 0.02

# %% [markdown]
# ## What we know now
#
# - What a run lacks is the sum of three parts: what nobody can learn, what its size lacks, what its text lacks. The last two fall as powers.
# - Three losses at equal steps give the floor by pencil, and magnify every error on the way. A fit wants many runs, a loss that outliers can't bend, and an interval.
# - On a language whose entropy is known exactly, a fit can be examined. Runs far from the frontier spoiled the first; the second found the floor, though no run reached it. On real text with small runs the interval is wide, and says so.
# - A bootstrap tells how far chance can move a fit, and never whether the formula is right. Plot the errors.
# - A run must end where its schedule ends. A look on the way overrates the loss.
# - For a given budget there is a best size; near it the loss hardly changes, so it is hard to measure. The published exponents differ by what was counted, by the recipes of training, and by a fit that stopped too early.
# - A run of four times the operations was foretold, then made.
#
# ## What it still can't do
#
# The law foretells the loss, and nothing else: not what a model can do, not whether it is honest, not what happens when the text runs out and has to be read twice. It says nothing about *what* the parameters hold. Lesson 26 opens a trained model and looks.
#
# ## References
#
# - J. Kaplan and others, *Scaling Laws for Neural Language Models* (2020).
# - J. Hoffmann and others, *Training Compute-Optimal Large Language Models* (2022).
# - T. Besiroglu and others, *Chinchilla Scaling: A Replication Attempt* (2024).
# - T. Pearce, J. Song, *Reconciling Kaplan and Chinchilla Scaling Laws* (2024).
# - T. Porian and others, *Resolving Discrepancies in Compute-Optimal Scaling of Language Models* (2024).
# - J. Hestness and others, *Deep Learning Scaling is Predictable, Empirically* (2017).
# - P. J. Huber, *Robust Estimation of a Location Parameter* (1964); B. Efron, *Bootstrap Methods: Another Look at the Jackknife* (1979).
# - G. Yang and others, *Tensor Programs V: Tuning Large Neural Networks via Zero-Shot Hyperparameter Transfer* (2022).
# - D. Patterson and others, *Carbon Emissions and Large Neural Network Training* (2021).
# - L. Ben Allal and others, *SmolLM2: When Smol Goes Big* (2025).
# - C. E. Shannon, *A Mathematical Theory of Communication* (1948).

# %% [markdown] lang="zh"
# ## 现在我们知道
#
# - 一次训练所缺的，是三部分之和：谁也学不会的，参数不够缺的，文本不够缺的。后两部分按幂下降。
# - 等距的三个损失，用铅笔就能算出底线，也会一路放大误差。拟合要有许多次训练，要用不被离群值拉弯的损失，还要给出区间。
# - 在熵精确已知的语言上，拟合可以接受考试。离前沿太远的训练弄砸了第一次；第二次找到了底线，尽管没有一次训练够到它。在真实文本上用小训练，区间就宽，而且它照实说宽。
# - 自助法说的是偶然能把拟合推多远，从不说公式对不对。把误差画出来。
# - 学习率调度在哪里结束，训练就该在哪里结束。半路上看到的损失偏高。
# - 预算给定，有一个最佳大小；在它附近损失几乎不变，所以很难量准。发表过的指数各不相同，原因在于数法、训练的配方，还有一次停得太早的拟合。
# - 运算四倍的一次训练，先预言，后做成。
#
# ## 它还做不到
#
# 定律预言的是损失，别的都不管：模型会做什么，老不老实，文本用完了要读第二遍时会怎样，它都不说。参数里装的是**什么**，它也不说。第 26 课会打开一个训练好的模型，往里看。
#
# ## 参考文献
#
# - J. Kaplan 等, *Scaling Laws for Neural Language Models* (2020)。
# - J. Hoffmann 等, *Training Compute-Optimal Large Language Models* (2022)。
# - T. Besiroglu 等, *Chinchilla Scaling: A Replication Attempt* (2024)。
# - T. Pearce, J. Song, *Reconciling Kaplan and Chinchilla Scaling Laws* (2024)。
# - T. Porian 等, *Resolving Discrepancies in Compute-Optimal Scaling of Language Models* (2024)。
# - J. Hestness 等, *Deep Learning Scaling is Predictable, Empirically* (2017)。
# - P. J. Huber, *Robust Estimation of a Location Parameter* (1964)；B. Efron, *Bootstrap Methods: Another Look at the Jackknife* (1979)。
# - G. Yang 等, *Tensor Programs V: Tuning Large Neural Networks via Zero-Shot Hyperparameter Transfer* (2022)。
# - D. Patterson 等, *Carbon Emissions and Large Neural Network Training* (2021)。
# - L. Ben Allal 等, *SmolLM2: When Smol Goes Big* (2025)。
# - C. E. Shannon, *A Mathematical Theory of Communication* (1948)。
