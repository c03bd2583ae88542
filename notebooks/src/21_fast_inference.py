# %% [markdown]
# # 21 · Fast inference
# **Prerequisites:** [10 · Attention](10_attention.ipynb), [13 · GPT](13_gpt.ipynb), [20 · Decoding](20_decoding.ipynb); [18 · Pretrained](18_pretrained.ipynb) for the last section · **Minutes:** 80 · **Modules:** `generation/cache.py`, `generation/products.py`, `generation/speculative.py`, `compression/quantize.py`, `layers/attention.py`, `models/gpt.py` · **Previous:** [20 · Decoding](20_decoding.ipynb) · **Next:** [22 · Chat](22_chat.ipynb)
#
# Lesson 20 chose the next token in many ways, and each time it asked the model anew: here is the text so far, what comes next? The model reads the whole text, answers with one token, and forgets everything. Then it is asked again, with a text that is longer by that one token.
#
# Nobody would write a letter like this, reading it from the first line before every word.
#
# **Question: how much of the work is done again and again, what has to be remembered so that it need not be, and when that is done, what still limits the speed?**
#
# Nothing in this lesson is meant to make the model better or worse. After every step we check that it writes the same, and only then look at the clock. (One step, fewer digits for each weight, does change the model: there we measure by how much.) Computing with a trained model is called **inference**.

# %% [markdown] lang="zh"
# # 21 · 快速推理
# **先修：** [10 · 注意力](10_attention.ipynb)、[13 · GPT](13_gpt.ipynb)、[20 · 解码](20_decoding.ipynb)，最后一节用到 [18 · 预训练模型](18_pretrained.ipynb) · **用时：** 80 分钟 · **模块：** `generation/cache.py`、`generation/products.py`、`generation/speculative.py`、`compression/quantize.py`、`layers/attention.py`、`models/gpt.py` · **上一课：** [20 · 解码](20_decoding.ipynb) · **下一课：** [22 · 对话](22_chat.ipynb)
#
# 第 20 课挑下一个词元，挑法五花八门，可每一次都是从头问起：文本到这里了，下一个是什么？模型把全文读一遍，答一个词元，然后忘个精光。接着再问，文本只长了那一个词元。
#
# 没有人这样写信：每写一个字，先从头把信读一遍。
#
# **问题：有多少活是翻来覆去重做的？要记住什么，才不必重做？都记住了以后，速度还卡在哪里？**
#
# 这一课不打算让模型变好，也不打算让它变坏。每走一步，先核对写出来的没有变，然后才去看钟。（只有一步，即少用几位数字存权重，真会改动模型：改了多少，到时候量。）拿训练好的模型来计算，叫**推理**。

# %%
from functools import lru_cache
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from numpy.testing import assert_allclose

from lmcourse import plots
from lmcourse.compression.quantize import dequantize, quantize
from lmcourse.evaluation.probability import score
from lmcourse.notebook import explore, predict, setup, show_source
from lmcourse.reference.softmax import softmax
from lmcourse.text.corpora import shakespeare

rng = setup(seed=0)

# %% [markdown]
# ## How much is read again
#
# A prompt of one token, and 100 tokens to write. How many tokens does the model read in all, if it reads the whole text for each?

# %% [markdown] lang="zh"
# ## 重读了多少
#
# 提示只有一个词元，要写 100 个。如果每写一个都把全文读一遍，模型一共读了多少个词元？

# %%
predict("100", "5,050", "10,000")

# %%
for n in (1, 10, 100, 1000):
    again = sum(range(1, n + 1))  # 1 token for the first, 2 for the second, ...
    print(f"{n:>5} tokens written: {again:>8,} read, {again / n:>6.1f} for each")
    assert again == n * (n + 1) // 2

# %% [markdown]
# $1 + 2 + \dots + n = n(n+1)/2$, half a square. For a page of a thousand tokens, each token is read five hundred times on average. If everything were read once, it would be a thousand instead of half a million.
#
# ## By hand: what never changes
#
# Is all this reading needed? Let us look at one attention with one head. To keep the pencil short, a token's vector is at once its query, its key and its value. Three tokens, then a fourth:

# %% [markdown] lang="zh"
# $1 + 2 + \dots + n = n(n+1)/2$，平方的一半。写一千个词元的一页，每个词元平均被读五百遍。要是都只读一遍，那就是一千，而不是五十万。
#
# ## 动手算：什么从来不变
#
# 这么多遍，都非读不可吗？看一个只有一个头的注意力。为了少费笔墨，词元的向量既当查询，也当键和值。三个词元，然后来了第四个：


# %%
def attend(query, keys, values):  # one query
    weights = softmax(keys @ query / np.sqrt(len(query)))
    return weights, weights @ values


def look_back(x):  # each token asks all up to itself
    return np.stack([attend(x[t], x[: t + 1], x[: t + 1])[1] for t in range(len(x))])


three = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
four = np.vstack([three, [2.0, 0.0]])
print(look_back(three).round(2), "\n")
print(look_back(four).round(2))
assert (look_back(four)[:3] == look_back(three)).all()

# %% [markdown]
# The first three rows are the same, bit for bit. They have to be: the fourth token came later, and nobody looks ahead. And what is the same after the first block is the same after the second, which sees nothing else, and so on to the top. **Whatever a causal model computes at a place depends on nothing that comes later.** Computing it again is a waste.
#
# So the new token alone is work. Its query meets the keys of all, and it mixes the values of all. That is what has to be kept of the old tokens: their keys and their values. Their queries were asked once and will never be asked again.

# %% [markdown] lang="zh"
# 前三行一模一样，一位都不差。本该如此：第四个词元是后来的，而谁也看不见自己后面的词元。第一个块之后不变的，第二个块之后也不变，因为它只看得见第一个块给的东西；这样一直到顶。**因果模型在某个位置上算出来的东西，与后来的一切无关。** 再算一遍，纯属浪费。
#
# 所以真正的活只在新词元身上：它的查询要见所有的键，它要混合所有的值。旧词元需要留下的就是这些：键和值。它们的查询问过一次，以后再也不会问了。

# %%
keys, values = three.copy(), three.copy()  # what was kept
new = four[3]
keys, values = np.vstack([keys, new]), np.vstack([values, new])
weights, mixed = attend(new, keys, values)
print("who is looked at:", weights.round(2))
print("the new row     :", mixed.round(2))
assert_allclose(mixed, look_back(four)[3])

# %% [markdown]
# One row of scores instead of a triangle. This memory is called the **key–value cache**. (Rotary positions do it no harm: a key is turned by its own place, and that doesn't change either. Try it with an encoder such as BERT, though, and it fails: there a new token changes every old one.)
#
# What about the scores themselves, couldn't they be kept too? They could, but nobody needs them. The new token makes scores of its own.
#
# ## What the memory costs
#
# Two vectors for every token in every block. With $L$ blocks, $K$ heads of keys and values, width $W$ a head, $S$ places and $b$ bytes a number:
#
# $$\text{memory} = 2 \, L \, K \, W \, S \, b$$
#
# SmolLM2, the model of lesson 18, has 30 blocks, and 3 heads of keys and values of width 64, which 9 heads of queries share. In float32, $b = 4$. How much does it have to remember of *one token*?

# %% [markdown] lang="zh"
# 算一行分数，而不是一个三角。这份记忆叫**键值缓存**。（旋转位置编码碍不着它：键是按自己的位置转的，那也不会变。换成 BERT 这样的编码器就不行了：来一个新词元，旧的全要变。）
#
# 那分数呢，不也可以留着吗？可以，但没人要用。新词元自己会算新的分数。
#
# ## 记忆要花多少
#
# 每个块、每个词元，存两个向量。设有 $L$ 个块、$K$ 个键值头、头宽 $W$、$S$ 个位置，每个数 $b$ 字节：
#
# $$\text{内存} = 2 \, L \, K \, W \, S \, b$$
#
# 第 18 课的 SmolLM2 有 30 个块、3 个键值头，头宽 64，由 9 个查询头共用。float32，$b = 4$。**一个词元**要它记住多少？

# %%
predict("768 bytes", "46 kB", "540 MB")


# %%
def cache_bytes(L, K, W, S, b=4):
    return 2 * L * K * W * S * b


print(f"SmolLM2, one token         : {cache_bytes(30, 3, 64, 1) / 1e3:8.0f} kB")
print(f"  a key for every query    : {cache_bytes(30, 9, 64, 1) / 1e3:8.0f} kB")
print(f"SmolLM2, 512 tokens        : {cache_bytes(30, 3, 64, 512) / 1e6:8.1f} MB")
print(f"7 billion weights, float16 : {cache_bytes(32, 32, 128, 1, b=2) / 1e3:8.0f} kB a token")
print(f"  and 100,000 tokens       : {cache_bytes(32, 32, 128, 100_000, b=2) / 1e9:8.1f} GB")
assert cache_bytes(30, 3, 64, 1) == 46_080

# %% [markdown]
# 46 kB, for a token whose text is one word or less. For a large model with a long context, the memory outgrows the model: 7 billion weights in float16, two bytes each, are 14 GB, and a hundred thousand tokens of context are 52. That is why heads of keys and values are shared (lesson 13): it divides the last two lines by as many heads as share one.
#
# ## The same in the package
#
# The GPT of the lineage table, trained in lesson 13, and the class that gives it a memory:

# %% [markdown] lang="zh"
# 一个词元的文字顶多是一个词，却要记 46 kB。模型一大、上下文一长，记忆就比模型还大：70 亿个权重，存成 float16，每个两字节，是 14 GB；十万个词元的上下文，却要 52 GB。键和值的头为什么要共用（第 13 课），道理就在这里：几个头共用一个，最后两行就除以几。
#
# ## 在课程包里
#
# 谱系表里的 GPT，第 13 课训练出来的；还有给它记忆的那个类：

# %%
import keras

from lmcourse.generation import cache, products
from lmcourse.generation.cache import Decoder, Speed, stream, stream_batch, timed
from lmcourse.generation.sampling import generate
from lmcourse.models import trained

model, tokenizer = trained.load("shakespeare", "GPT")
config, V = model.config, model.vocabulary_size
show_source(cache._keeper, Decoder._run)

# %% [markdown]
# `remember` is all that attention has to know of it: it hands over the keys and values of what is new and gets back those of everything. The memory has a *fixed* size from the beginning, and a mask says which places are in use. (Two names have their turn later: `starts` is for several texts at once, and `products` are the model's own weights, laid out in the order in which a step reads them.) A memory that grew by one place at each token would have another shape each time, and the function that reads it would be *compiled* anew each time, which means translated into a program for this one shape. A function that is compiled for every shape it meets, counted:

# %% [markdown] lang="zh"
# 注意力只需要知道 `remember`：把新来的键和值交出去，换回全部的。记忆的大小从一开始就是**固定**的，哪些位置在用，由掩码来说。（有两个名字后面再说：`starts` 用于几篇文本一起写，`products` 就是模型自己的权重，按走一步时读取的先后排好。）要是每来一个词元，记忆就长一格，形状便次次不同，读它的函数也就得次次重新**编译**，也就是为这一种形状另译一份程序。数一数，一个函数遇到一种形状就编译一回：

# %%
import tensorflow as tf

compiled = []


@tf.function
def scores_of(ids):
    compiled.append(ids.shape[1])  # runs only while it is compiled
    return model(ids)


for n in range(1, 5):
    scores_of(tf.ones((1, n), tf.int32))
print("texts of 1, 2, 3, 4 tokens:", len(compiled), "times compiled, for lengths", compiled)
assert compiled == [1, 2, 3, 4]

# %% [markdown]
# Now the memory. `prefill` reads a prompt, `step` one token more:

# %% [markdown] lang="zh"
# 再看有记忆的。`prefill` 读提示，`step` 再读一个词元：

# %%
decoder = Decoder(model)
prompt = tokenizer.encode("To be, or not to be")
logits = decoder.prefill(prompt)
print("logits for what may follow", logits.shape)
assert_allclose(logits, np.asarray(model(prompt[None]))[:, -1], atol=1e-3)

more = tokenizer.encode(", that is")
for token in more:
    logits = decoder.step([token])
assert_allclose(logits, np.asarray(model(np.concatenate([prompt, more])[None]))[:, -1], atol=1e-3)
print("in the memory:", "".join(tokenizer.decode(decoder.text[0])))

# %%
for text in ("A", "What light", "My liege, the king is dead"):
    decoder.prefill(tokenizer.encode(text))
    decoder.step([0])
print("compiled:", sorted(name for name, _ in decoder.compiled), "and nothing else")
assert len(decoder.compiled) == 2

held = sum(int(tf.size(part)) * 4 for block in decoder.memory for part in block)
width = config.width // config.heads
assert held == cache_bytes(config.layers, config.kv_heads, width, config.context_length)
print(f"memory: {held / 1e3:.0f} kB for {config.context_length} places")

# %% [markdown]
# One function for prompts of any length, one for a step. And the bytes are those of the formula.
#
# ## The same text
#
# Now the test that matters. The same model, the same dice, with memory and without:

# %% [markdown] lang="zh"
# 读提示的一个函数，管所有长度；走一步的一个函数。字节数也与公式相符。
#
# ## 同一段文本
#
# 现在是最要紧的检验。同一个模型，同样的骰子，有记忆的和没有的各写一遍：

# %% tags=["nbval-ignore-output"]
options = dict(temperature=0.7, top_p=0.9)
dice = np.random.default_rng(5)
slow = generate(model, prompt, 100, dice, context_length=128, **options)[len(prompt) :].tolist()
fast = list(stream(decoder, prompt, 100, np.random.default_rng(5), **options))
print("".join(tokenizer.decode(np.concatenate([prompt, fast]))))
assert slow == fast

# %% [markdown]
# A hundred tokens, all the same. (Not the logits, not bit for bit: products of another shape are added up in another order, and the last digit may differ. If the dice fell on the very border between two tokens, that digit could decide. Here they never did.)
#
# And now the clock. To be fair, the loop without memory uses a compiled function, too; it only forgets everything before each token. A larger model makes the difference plainer; its weights are random, the time doesn't ask what they mean. How many times as fast will the memory be, for tokens 200 to 220?

# %% [markdown] lang="zh"
# 一百个词元，个个相同。（logit 并不是一位不差：乘积的形状不同，相加的先后就不同，最后一位会有出入。要是骰子恰好落在两个词元的交界上，这一位就能定胜负。这里没碰上。）
#
# 现在看钟。为了公平，没有记忆的循环也用编译好的函数，只是每写一个词元之前，先把什么都忘掉。换一个大些的模型，差别更明显；它的权重是随机的，时间可不问它们是什么意思。写第 200 到 220 个词元，有记忆的快多少倍？

# %%
predict("less than 3 times", "3 to 100 times", "some 200 times")

# %%
from lmcourse.models.gpt import GPT, GPTConfig

size = dict(vocabulary_size=1000, context_length=256, layers=6, width=384, heads=6)
large = Decoder(GPT(GPTConfig(**size, positions="rotary", norm="rms", bias=False)))
text = rng.integers(0, 1000, size=200).tolist()


def seconds(forgetful):
    large.prefill(text)
    large.step([7])  # compiled now
    large.rewind(200)
    start = perf_counter()
    for n in range(20):
        if forgetful:
            large.rewind(0)
            large.prefill([*text, *range(n + 1)])
        else:
            large.step([n])
    return perf_counter() - start


# %% tags=["nbval-ignore-output"]
ratio = min(seconds(forgetful=True) for _ in range(2)) / min(
    seconds(forgetful=False) for _ in range(2)
)
print("more than 3 times as fast, less than 100:", 3 < ratio < 100)
assert 3 < ratio < 100

# %% [markdown]
# These are bounds that we dare to assert on any machine; run the cell and print `ratio` to see yours. (No time is stored in this course: it would be the time of another machine.) Two hundred times less reading, and not two hundred times as fast. Where did the rest go? To answer that, count what a computer does: multiplications, and bytes.
#
# A token that is read costs two operations a weight, a product and a sum. In each block, it also looks at every token so far. Each of $H$ heads of queries multiplies a key of width $W$, $2W$ operations, and mixes in a value, $2W$ more: $4HW$ for each token it looks at.

# %% [markdown] lang="zh"
# 这两道界，是我们在任何机器上都敢断言的；运行这一格，把 `ratio` 打印出来，就是你的数。（本课程不保存时间，那会是别人机器的时间。）少读了两百倍，却没有快两百倍。剩下的哪儿去了？要回答，就得数一数计算机做的事：乘法，还有字节。
#
# 读一个词元，每个权重两次运算，一乘一加。此外在每个块里，它还要看到目前为止的每个词元：$H$ 个查询头，每个头与宽 $W$ 的键相乘，$2W$ 次运算；再把值混进来，又是 $2W$ 次。所以每看一个词元要 $4HW$ 次。


# %%
def operations(place, weights, L, H, W):  # to read one token that looks at `place` tokens
    return 2 * weights + 4 * L * H * W * place


smol = dict(weights=134_515_008, L=30, H=9, W=64)
places = np.array([1, 4, 16, 64, 256, 1024])
with_memory = [operations(t, **smol) for t in places]
without = [sum(operations(s, **smol) for s in range(1, t + 1)) for t in places]

figure, axes = plt.subplots()
axes.set(xscale="log", yscale="log", xlabel="place of the token in the text")
axes.set(ylabel="operations for one token", xlim=(0.9, 9000))
plots.curves(axes, places, {"without memory": without, "with memory": with_memory})
assert without[-1] > 1000 * without[0] and with_memory[-1] < 1.3 * with_memory[0]

# %% [markdown]
# **Figure.** Operations to write one token with SmolLM2, by its place in the text, on two logarithmic axes. Without memory the work grows in step with the place, more than a thousand times from left to right. With memory it grows by a quarter: even the look at a thousand tokens is small beside the weights.

# %% [markdown] lang="zh"
# **图.** SmolLM2 写一个词元要做的运算次数，横轴是它在文本里的位置，两轴都取对数。没有记忆，活随位置一同增长，从左到右增长一千多倍。有记忆，只增长四分之一：就算回看一千个词元，比起权重来还是小数。

# %% [markdown]
# ## Two kinds of work
#
# Reading a prompt and writing an answer use the same weights, and yet they are different work. Reading: many tokens at once, and each weight that has been fetched from memory is used for all of them. Writing: one token, and each weight is fetched, used for one product and one sum, and thrown out. Will reading 128 tokens take 128 times as long as writing one?

# %% [markdown] lang="zh"
# ## 两种活
#
# 读提示和写回答用的是同样的权重，却是两回事。读：许多词元一起来，权重从内存里取一次，人人都用上。写：只有一个词元，权重取来，乘一次加一次，就扔了。读 128 个词元，要花写一个的 128 倍时间吗？


# %% tags=["nbval-ignore-output"]
def best(work, times=5):
    times_of = []
    for _ in range(times):
        large.rewind(0)
        start = perf_counter()
        work()
        times_of.append(perf_counter() - start)
    return min(times_of)


reading, writing = best(lambda: large.prefill(text[:128])), best(lambda: large.step([7]))
print("reading 128 tokens costs less than 64 steps:", reading < 64 * writing)
assert reading < 64 * writing

# %% [markdown]
# By the token, writing is slower: that is where the two hundred times went. What is spared is reading, which is cheap; what remains is writing, which is dear. The reason is that a processor multiplies faster than a memory delivers. A step has to fetch *all* weights, so it can't be faster than that takes. As soon as the weights are too many for the small store inside the processor (a cache, too, but of the hardware), this is a bound that no program can beat:
#
# $$\text{tokens a second} \;\le\; \frac{\text{bytes a second that the memory delivers}}{\text{bytes of the weights}}$$
#
# SmolLM2 has 134.5 million weights, 538 MB in float32. A laptop's memory delivers 20 to 100 GB a second, a large graphics card some 2,000. How many tokens a second at 20?

# %% [markdown] lang="zh"
# 按词元算，写比读慢：那两百倍就是这样打了折扣。省下的是便宜的读，留下的是昂贵的写。原因在于处理器乘得快，内存供得慢。走一步要把**所有**权重取一遍，再快也快不过取的工夫。只要权重多到处理器里的小仓库（也叫缓存，不过是硬件的）装不下，这就是一道什么程序也越不过去的界：
#
# $$\text{每秒词元数} \;\le\; \frac{\text{内存每秒供给的字节数}}{\text{权重的字节数}}$$
#
# SmolLM2 有 1.345 亿个权重，float32 就是 538 MB。笔记本电脑的内存每秒供 20 到 100 GB，大显卡约 2000。每秒 20 GB，能写几个词元？

# %%
predict("37", "370", "as many as the processor can multiply")

# %%
weights = smol["weights"]
print(f"SmolLM2 in float32: {4 * weights / 1e6:.0f} MB")
for speed in (20, 50, 100, 2000):
    bounds = [speed * 1e9 / (size * weights) for size in (4, 2, 1)]
    print(
        f"{speed:>5} GB/s:  float32 {bounds[0]:6.0f}   float16 {bounds[1]:6.0f}   int8 {bounds[2]:6.0f}"
    )
assert round(20e9 / (4 * weights)) == 37

# %% [markdown]
# What does your machine deliver? Let it read an array that is too large for the processor's cache. (No time is stored here; print `delivered / 1e9` to see yours, in GB a second, and `delivered / (4 * weights)` for your bound in float32.)

# %% [markdown] lang="zh"
# 你的机器供多少？让它读一个处理器缓存装不下的数组，就知道了。（这里不保存时间；打印 `delivered / 1e9`，就是你的机器每秒的 GB 数；打印 `delivered / (4 * weights)`，就是 float32 时你的那道界。）

# %% tags=["nbval-ignore-output"]
array, times = np.ones(2**26, np.float32), []
for _ in range(5):
    start = perf_counter()
    np.dot(array, array)  # reads it once: both factors are the same bytes
    times.append(perf_counter() - start)
delivered = array.nbytes / min(times)
print("more than 1 GB/s:", delivered > 1e9)
assert delivered > 1e9


# %%
def draw(axes, memory):
    plots.bars(
        axes, ["float32", "float16", "int8"], [memory * 1e9 / (b * weights) for b in (4, 2, 1)]
    )
    axes.axhline(6, color=plots.GREY, linestyle="--")
    axes.set(yscale="log", ylim=(1, 20_000), xlabel="kind of weight", ylabel="tokens a second")


explore(draw, memory=[10, 20, 50, 100, 500, 2000])

# %% [markdown]
# **Figure.** The most tokens a second that SmolLM2 can write, for memories that deliver 10 to 2,000 GB a second (`memory`) and weights of 4, 2 and 1 bytes, on a logarithmic axis. The dashed line is the pace at which people read, about six tokens a second.

# %% [markdown] lang="zh"
# **图.** SmolLM2 每秒至多能写多少词元：内存每秒供 10 到 2000 GB（`memory`），权重占 4、2、1 个字节；纵轴取对数。虚线是人阅读的速度，每秒约六个词元。

# %% [markdown]
# So there are two ways to write faster, and the rest of the lesson takes both: **fetch fewer bytes**, or **get more than one token out of a fetch**.
#
# ## Fewer bytes
#
# A weight in float32 has seven digits. How many does it need? Let us try whole numbers from −127 to 127, one byte each, and for every row of a matrix one **scale**, the step $d$ of lesson 18, such that the weight of largest size becomes ±127. By hand: in the row 0.5, −1.27, 0.013 the largest size is 1.27, hence the scale $1.27/127 = 0.01$.

# %% [markdown] lang="zh"
# 所以写得更快有两条路，这一课后面两条都走：**少取些字节**，或者**取一趟，多写几个词元**。
#
# ## 少取字节
#
# float32 的权重有七位数字。用得着那么多吗？试试 −127 到 127 的整数，一个占一字节；矩阵每行配一个**缩放因子**，也就是第 18 课的步长 $d$，让这行绝对值最大的权重变成 ±127。动手算：0.5、−1.27、0.013 这一行，绝对值最大是 1.27，所以缩放因子是 $1.27/127 = 0.01$。

# %%
row = np.array([[0.5, -1.27, 0.013]])
whole, scales = quantize(row)
back = dequantize(whole, scales)
print("whole numbers", whole[0], " scale", scales.round(3))
print("back again   ", back[0].round(3))
assert whole.tolist() == [[50, -127, 1]] and abs(back - row).max() <= scales[0] / 2

# %% [markdown]
# At most half a scale is lost, here 0.003 of 0.013. Lesson 18 met quantization in a file; lesson 23 takes it seriously; here we want to fetch a quarter of the bytes. What does it cost? Not in digits: in bits a character, on text that nobody trained on.

# %% [markdown] lang="zh"
# 误差至多是缩放因子的一半，这里是 0.013 丢了 0.003。量化，第 18 课在文件里见过，第 23 课会认真对付；这里我们只要少取四分之三的字节。代价呢？别看丢了几位数字，要看没人训练过的文本上，每字符多花几个比特。

# %%
predict("less than + 0.01 bits", "some + 0.1 bits", "some + 1 bit")

# %%
coarse, _ = trained.load("shakespeare", "GPT")
products.rounded(coarse)  # every weight to what int8 keeps of it
held_out = tokenizer.encode(shakespeare().text("validation")[:20_001])
bits = {
    name: score(m, held_out).bits_per_token
    for name, m in {"float32": model, "int8": coarse}.items()
}
print("  ".join(f"{name}: {value:.2f} bits a character" for name, value in bits.items()))
print("less than 0.01 apart:", abs(bits["int8"] - bits["float32"]) < 0.01)
assert abs(bits["int8"] - bits["float32"]) < 0.01

# %% [markdown]
# Less than a hundredth of a bit. A decoder with `weights="int8"` keeps the whole numbers, and a step turns them into floats at the last moment, in the processor: what comes from memory is one byte a weight. It writes what the rounded model writes:

# %% [markdown] lang="zh"
# 不到百分之一比特。`weights="int8"` 的解码器存的是整数，走一步时，到了处理器里，最后一刻才变成浮点数：每个权重从内存里来的，只有一个字节。它写的，就是舍入之后的模型会写的：

# %%
whole_numbers = Decoder(model, weights="int8")
logits = whole_numbers.prefill(prompt)
assert_allclose(logits, np.asarray(coarse(prompt[None]))[:, -1], atol=2e-3)
after = {
    name: softmax(np.asarray(m(prompt[None]))[0, -1])
    for name, m in {"float32": model, "int8": coarse}.items()
}
moved = abs(after["float32"] - after["int8"]).sum() / 2
print(f"probability moved to other tokens: {moved:.3f}")
assert moved < 0.05

# %% [markdown]
# A quarter of the bytes: is a step four times as fast?

# %% [markdown] lang="zh"
# 字节只剩四分之一：走一步，快四倍吗？

# %% tags=["nbval-ignore-output"]
large_int8 = Decoder(large.model, weights="int8")
large_int8.step([7])  # compiled now


def step_again():
    large_int8.rewind(0)
    large_int8.step([7])


gain = best(lambda: large.step([7])) / best(step_again)
print("less than 4 times as fast:", gain < 4)
assert gain < 4

# %% [markdown]
# It is not. Whole numbers have to be converted before they can be multiplied, and that is work for the processor. And a step is not all products: attention goes over all places of the memory, the empty ones too, and between the products stand many small operations. The bytes give a bound, and a real program stays below it. `make bench ARGS=decode` measures how far below: ours in float32 and in int8, on a model of SmolLM2's size, beside the program of Hugging Face with the same weights, and what your memory allows.
#
# ## Several texts for one fetch
#
# The other way: more tokens out of each fetch. The plainest is to write for several people at once. Their tokens pass the same weights. But their prompts differ in length, and a batch is a rectangle. Where do the empty places go?

# %% [markdown] lang="zh"
# 不到。整数要先变成浮点数才能相乘，这是处理器的活。而且一步里不只有乘积：注意力要把记忆的每一格走一遍，空的也算；乘积之间，还夹着许多小运算。字节数给出的只是一道界，真正的程序总在它下面。`make bench ARGS=decode` 会量出差多少：在 SmolLM2 那么大的模型上，我们的 float32 和 int8，旁边放上权重相同的 Hugging Face 程序，再加上你的内存所能允许的。
#
# ## 取一趟，写几篇
#
# 另一条路：取一趟，多得几个词元。最直接的办法，是同时替几个人写。他们的词元经过同样的权重。可是提示有长有短，一批却得是个矩形。空位放在哪里？

# %%
prompts = [tokenizer.encode(t) for t in ("To be, or", "Ay", "Good morrow")]
three_texts = Decoder(model, batch_size=3)
batch = stream_batch(three_texts, prompts, 8, rng, temperature=0)
answers = np.stack(list(batch), axis=1)
layout = np.zeros((3, three_texts.text.shape[1] + 1))
for row, (start, prompt_of) in enumerate(zip(three_texts.starts, prompts, strict=True)):
    layout[row, start : start + len(prompt_of)] = 1
    layout[row, start + len(prompt_of) :] = 2

# %%
figure, axes = plt.subplots(figsize=(6.4, 1.8))
axes.imshow(layout, aspect="auto")
for row, (start, ids) in enumerate(zip(three_texts.starts, prompts, strict=True)):
    for place, token in enumerate([*ids, *answers[row]]):
        letter = plots.visible(tokenizer.decode([token]))
        ink = "white" if layout[row, start + place] == 2 else "black"
        axes.text(start + place, row, letter, ha="center", va="center", color=ink)
axes.grid(False)
axes.set(xlabel="place in the memory", ylabel="text", xticks=range(0, 19, 3), yticks=[0, 1, 2])
assert three_texts.starts.tolist() == [2, 9, 0]

# %% [markdown]
# **Figure.** Three texts in one memory: white places are empty, pale ones hold the prompts, dark ones the answers. The prompts end at the same place, so that at every step all three write into the same column.

# %% [markdown] lang="zh"
# **图.** 一份记忆里的三篇文本：白的是空位，浅的是提示，深的是回答。提示的末尾对齐，于是每走一步，三篇都写在同一列。

# %% [markdown]
# Two things must be right. Nobody may look at the empty places, so the mask begins where a text begins. And a text's first token stands at place 0 *of the text*, wherever it lies in the memory. (Rotary positions would forgive a mistake here, since only differences count; learned ones would not.) Then each row is what it would be alone:

# %% [markdown] lang="zh"
# 有两件事不能错。谁也不许看空位，所以掩码从文本开头处起。一篇文本的第一个词元，不管放在记忆的哪一格，都站在**这篇文本**的第 0 位。（旋转位置编码在这里容得下差错，因为起作用的只有位置之差；学出来的位置编码就容不下。）这样，每一行都与它单独写时一样：

# %%
for ids, answer in zip(prompts, answers, strict=True):
    alone = list(stream(decoder, ids, 8, rng, temperature=0))
    assert alone == answer.tolist()
print("all three equal to each alone")

# %% [markdown]
# ## Remove a part: the mask over the empty places
#
# The empty places hold some id, here 0. Suppose we forget to hide them, and the model takes them for text. Does it matter? We feed the short prompt with its padding in front, as text:

# %% [markdown] lang="zh"
# ## 拿掉一个部件：空位上的掩码
#
# 空位里总得有个编号，这里是 0。假如忘了遮住，模型就把它们当文本读了。要紧吗？把短提示连同前面的填充，都当文本喂给它：

# %%
right = softmax(decoder.prefill(prompts[1])[0])
bare = np.concatenate([np.zeros(9, int), prompts[1]])
wrong = softmax(decoder.prefill(bare)[0])
print("id 0 is", repr(tokenizer.decode([0])))
for name, p in {"masked": right, "not masked": wrong}.items():
    top = p.argsort()[::-1][:4]
    print(f"{name:<11}", "  ".join(f"{tokenizer.decode([i])!r} {p[i]:.2f}" for i in top))
assert right.argmax() != wrong.argmax()

# %% [markdown]
# Nothing crashes, and what is proposed even looks sensible. But another character is now the most probable, and which one may depend on how long the *other* prompts of the batch are. A user's answer would change with the company it is in. This bug hides well; a test that compares with each text alone finds it.
#
# What does a batch bring? Eight texts at once, timed per token:

# %% [markdown] lang="zh"
# 什么也没崩，给出的字符看上去还挺合理。可概率最大的已经换了一个；换成哪个，可能要看这一批里**别人**的提示有多长。同一个人的回答，竟然随同伴而变。这种错误藏得深，拿每篇单独写的结果来对，就查得出来。
#
# 成批能得多少好处？八篇一起写，按词元计时：

# %% tags=["nbval-ignore-output"]
eight = Decoder(large.model, batch_size=8)


def tokens_a_second(decoder, B):
    decoder.rewind(0)
    batch = stream_batch(decoder, [text[:64]] * B, 24, rng, temperature=0)
    _, speed = timed(batch)
    return B * speed.per_second


one_text, eight_texts = (
    max(tokens_a_second(d, B) for _ in range(3)) for d, B in ((large, 1), (eight, 8))
)
print("eight texts at once: more tokens a second in all:", eight_texts > one_text)
print("                     fewer for each text         :", eight_texts / 8 < one_text)
assert eight_texts / 8 < one_text < eight_texts

# %% [markdown]
# More in all, for each of them less. That is the choice of everyone who runs a server: how long may one person wait, so that eight are served?
#
# ## What was read before
#
# A dialogue is a text that grows. The second prompt of a conversation is the first prompt, the first answer, and a new question. All but the last is in the memory already. And a thousand conversations begin with the same instruction. So before reading, compare: how many tokens from the beginning are the same as what the memory holds? Only the rest is read. This is a **prefix cache**:

# %% [markdown] lang="zh"
# 总数多了，摊到每个人头上却少了。开服务器的人都得做这个选择：让一个人等多久，好伺候八个人？
#
# ## 以前读过的
#
# 对话是一段越来越长的文本。第二轮的提示，就是第一轮的提示、第一轮的回答，再加一个新问题；除了最后一截，全在记忆里了。而一千场对话，开头往往是同一段说明。所以读之前先比一比：从头数起，有多少词元与记忆里的相同？只读剩下的。这就是**前缀缓存**：

# %%
show_source(Decoder.prefill, Decoder._shared)


# %%
def turn(text, length=8):
    before = decoder.tokens_read
    answer = list(stream(decoder, text, length, rng, temperature=0))
    print(f"prompt of {len(text):>2} tokens: {decoder.tokens_read - before - (length - 1):>2} read")
    return np.concatenate([text, answer])


decoder.rewind(0)
first = tokenizer.encode("KING: Speak, what news?\n")
dialogue = turn(first)
dialogue = turn(np.concatenate([dialogue, tokenizer.encode("\nKING: More!\n")]))
other = turn(np.concatenate([first, tokenizer.encode("QUEEN: ")]))
fresh = decoder.another()
assert list(stream(fresh, dialogue[:-8], 8, rng, temperature=0)) == dialogue[-8:].tolist()

# %% [markdown]
# The second prompt is longer than the first and costs less: one token more than what was added, since the last token of the answer was drawn but never read. The third parts from the others after the first line, and that line is not read again. The assertion at the end compares with a decoder that has an empty memory: the same text.
#
# And if the *whole* prompt was there before? Then the answer was, too. A dictionary remembers it, an **answer cache**. Python has one ready:

# %% [markdown] lang="zh"
# 第二个提示比第一个长，花费反而少：只比新加的多一个词元，因为回答的最后一个词元抽出来之后，还没有读过。第三个从第二行起与别的分道，而第一行不必重读。末尾的断言拿一个记忆空空的解码器来对：文本相同。
#
# 要是**整个**提示都见过呢？那么回答也就有过了。用字典记住它，就是**回答缓存**。Python 有现成的：


# %%
@lru_cache(maxsize=1000)
def answer_to(prompt, length):
    ids = stream(decoder, tokenizer.encode(prompt), length, rng, temperature=0)
    return "".join(tokenizer.decode(list(ids)))


before = decoder.tokens_read
once = answer_to("Where is", 10)
read_once = decoder.tokens_read - before
again = answer_to("Where is", 10)
print("tokens read the first time:", read_once)
print("the second time           :", decoder.tokens_read - before - read_once)
assert again == once and decoder.tokens_read == before + read_once

# %% [markdown]
# It is quick and it has three traps. Everything that shapes the answer belongs in the dictionary's key: model, prompt, length, every knob of the sampling. With a temperature above 0, whoever asks twice *wants* two answers. And what one person asked must never show in what another gets: a cache over several users may hold only what is nobody's secret.
#
# ## Guess and check
#
# Batches help many. Can one text, alone, get more than one token out of a fetch? It would need to know the next tokens before it has written them. Which sounds absurd, until we notice that most tokens are easy. After *Good morr* comes *ow*, and a much smaller model knows it.
#
# So let a small model, the **draft**, guess the next $N$ tokens, one after another. Then the large one, the **target**, reads all $N$ guesses *in one go*, as it reads a prompt, for the price of hardly more than one step. It says at each place what it would have thought, and we keep the guesses as far as it agrees. This is **speculative decoding**.
#
# Greedy, "agrees" is clear: the guess is the target's largest logit. And sampled? We want the target's distribution $p$ *exactly*, though the guess was drawn from the draft's distribution $q$. Three tokens:

# %% [markdown] lang="zh"
# 快是快，却有三个陷阱。凡是影响回答的，都得放进字典的键里：模型、提示、长度、采样的每一个旋钮。温度大于 0 时，问两遍的人，要的**就是**两个回答。还有，一个人问过什么，绝不能在另一个人得到的东西里露出来：几个用户共用的缓存，只许放不是谁的秘密的东西。
#
# ## 先猜，再查
#
# 成批，受益的是许多人。单独一篇文本，能不能取一趟、得几个词元？那就得在写出来之前，先知道后面是什么。听上去荒唐；可是大多数词元都不难。*Good morr* 后面是 *ow*，小得多的模型也知道。
#
# 那就让一个小模型来打草稿，一个接一个，猜后面 $N$ 个词元；它叫**草稿模型**。然后大模型，也就是**目标模型**，像读提示那样，把 $N$ 个猜测**一口气**读完，花费比走一步多不了多少。它在每个位置上说出自己本来怎么想；它同意到哪里，猜测就留到哪里。这就是**推测解码**。
#
# 贪心的时候，“同意”很清楚：猜的就是目标模型最大的那个 logit。采样呢？我们要的**恰恰**是目标模型的分布 $p$，可猜测是从草稿模型的分布 $q$ 里抽的。三个词元：

# %%
p = np.array([0.5, 0.3, 0.2])  # the target
q = np.array([0.2, 0.6, 0.2])  # the draft
print("the draft guesses token 1 too often:", q[1], "instead of", p[1])

# %% [markdown]
# Keep a guess $x$ with the probability $\min(1, p(x)/q(x))$. Token 1 is guessed twice as often as it should be, so it is kept half the time. Token 0 is guessed too seldom and always kept. What is missing then is made up for by a second draw, whenever a guess was thrown out, from what the draft has too little of, $\max(0, p - q)$, scaled to sum to one. With which probability does each token come out in the end?

# %% [markdown] lang="zh"
# 猜测 $x$ 以 $\min(1, p(x)/q(x))$ 的概率留下。词元 1 猜多了一倍，所以只留一半。词元 0 猜少了，总是留下。这样欠下的，由第二次抽签来补：只要猜测被扔掉，就从草稿给少了的部分 $\max(0, p - q)$ 里抽，缩放到总和为一。最后每个词元以多大的概率出来？

# %%
from lmcourse.generation.speculative import accepted, check, remainder, speculate

keep = accepted(p, q)
kept = q * keep
thrown = 1 - kept.sum()
print("a guess is kept      ", keep.round(2))
print("guessed and kept     ", kept.round(2), " sum", kept.sum().round(2))
print("second draw          ", remainder(p, q).round(2), " with probability", thrown.round(2))
print("in the end           ", (kept + thrown * remainder(p, q)).round(2))
assert_allclose(kept + thrown * remainder(p, q), p)

# %% [markdown]
# It is $p$, to the last digit. And always is. Let $\beta = \sum_x \min(p(x), q(x))$ be the probability that a guess is kept. A token comes out as a kept guess with $q \min(1, p/q) = \min(p, q)$, or by the second draw with $(1-\beta) \cdot \max(0, p-q) / \sum \max(0, p-q)$. Now $p - \min(p, q) = \max(0, p-q)$, and its sum over all tokens is $1 - \beta$. The two cancel:
#
# $$\min(p, q) + \max(0, p - q) = p$$
#
# Nothing was assumed about $q$. A draft that guesses nonsense costs time, never quality. The function that does it, and 20,000 draws from it:

# %% [markdown] lang="zh"
# 就是 $p$，最后一位也不差；而且永远如此。设 $\beta = \sum_x \min(p(x), q(x))$，即猜测被留下的概率。一个词元要么作为留下的猜测出来，概率是 $q \min(1, p/q) = \min(p, q)$；要么由第二次抽签出来，概率是 $(1-\beta) \cdot \max(0, p-q) / \sum \max(0, p-q)$。而 $p - \min(p, q) = \max(0, p-q)$，对所有词元求和正是 $1 - \beta$，两者约掉：
#
# $$\min(p, q) + \max(0, p - q) = p$$
#
# 对 $q$ 什么也没假设。胡猜的草稿费的是时间，绝不是质量。做这件事的函数，再从它抽 20000 次：

# %%
show_source(accepted, remainder, check)

# %%
draws = np.zeros(3)
for guess in rng.choice(3, size=20_000, p=q):
    token = check(np.stack([p, p]), q[None], [guess], rng)[0]
    draws[token] += 1

figure, axes = plt.subplots()
series = {"draft q": q, "target p": p, "guessed and checked": draws / draws.sum()}
plots.bars(axes, ["0", "1", "2"], series)
axes.set(xlabel="token", ylabel="probability")
assert abs(draws / draws.sum() - p).max() < 0.012

# %% [markdown]
# **Figure.** Probabilities of three tokens: what the draft guesses, what the target wants, and how often each came out of 20,000 guesses that were checked. The last two agree, though the guesses came from the first.

# %% [markdown] lang="zh"
# **图.** 三个词元的概率：草稿猜的、目标要的，以及 20000 次“先猜再查”之后各自出来的频率。后两者一致，尽管猜测来自第一个。

# %% [markdown]
# ## How long are the runs?
#
# Suppose every guess is kept with probability $\beta$, whatever was before. One reading of the target writes a **run** of tokens. It ends at the first guess that is thrown out, and one token of the target's own always comes on top. So it has at least one token, a second with $\beta$, a third with $\beta^2$:
#
# $$1 + \beta + \beta^2 + \dots + \beta^N = \frac{1 - \beta^{N+1}}{1 - \beta}$$
#
# And what does it cost? $N$ steps of the draft, each $c$ times as long as one of the target, and one reading by the target. If that takes as long as one step, the text comes faster by the factor
#
# $$\frac{1 - \beta^{N+1}}{(1 - \beta)(Nc + 1)}$$

# %% [markdown] lang="zh"
# ## 一串有多长？
#
# 设每个猜测都以概率 $\beta$ 留下，与前面无关。目标模型读一遍，写下一串词元：一串到第一个被扔掉的猜测为止，末尾总还有目标模型自己的一个词元。所以至少有一个词元，有第二个的概率是 $\beta$，有第三个的是 $\beta^2$：
#
# $$1 + \beta + \beta^2 + \dots + \beta^N = \frac{1 - \beta^{N+1}}{1 - \beta}$$
#
# 花费呢？草稿走 $N$ 步，每步是目标模型一步的 $c$ 倍；再加目标模型读一遍。如果读一遍与走一步一样久，文本就快了这么多倍：
#
# $$\frac{1 - \beta^{N+1}}{(1 - \beta)(Nc + 1)}$$


# %%
def speed_up(beta, N, c=0.1):
    return (1 - beta ** (N + 1)) / (1 - beta) / (N * c + 1)


guesses = np.arange(1, 13)
figure, axes = plt.subplots()
axes.set(xlabel="guesses N", ylabel="times as fast", xlim=(0.5, 15))
plots.curves(axes, guesses, {f"β = {b}": speed_up(b, guesses) for b in (0.5, 0.7, 0.8, 0.9)})
axes.axhline(1, color=plots.GREY, linestyle="--")
best_of = {b: int(guesses[speed_up(b, guesses).argmax()]) for b in (0.5, 0.7, 0.8, 0.9)}
print("best N:", best_of)
assert best_of[0.5] < best_of[0.9] and speed_up(0.5, 12) < 1

# %% [markdown]
# **Figure.** How many times as fast a text comes, for a draft that takes a tenth of the target's time, by the number of guesses and the probability $\beta$ that a guess is kept. Every curve has a peak, further right the better the draft; below the dashed line guessing is a loss.

# %% [markdown] lang="zh"
# **图.** 草稿一步用时为目标的十分之一，文本快了多少倍；横轴是猜测的个数，每条曲线是一种留下的概率 $\beta$。每条都有一个峰，草稿越好，峰越靠右；落到虚线以下，猜了反而亏。

# %% [markdown]
# Now with real models. The target is our GPT. The draft is a GPT of one block with less than a tenth of the target's weights. We train it here and now:

# %% [markdown] lang="zh"
# 换成真的模型。目标是我们的 GPT；草稿是只有一个块的 GPT，权重不到它的十分之一，当场训练：

# %%
from dataclasses import replace

from lmcourse.evaluation import recipes

small = GPTConfig(
    vocabulary_size=V,
    context_length=128,
    layers=1,
    width=64,
    heads=4,
    kv_heads=1,
    hidden=128,
    norm="rms",
    positions="rotary",
    activation="relu_squared",
    bias=False,
)

# %%
keras.utils.set_random_seed(0)
recipe = replace(recipes.quick_gpt(V), model=GPT(small))
train = tokenizer.encode(shakespeare().text("train")[:1_000_000])
recipes.learn(recipe, train, steps=400)
draft_model = recipe.model
share = draft_model.count_params() / model.count_params()
print(f"{draft_model.count_params():,} weights, {share:.0%} of the target's")
assert share < 0.1

# %% tags=["nbval-ignore-output"]
bits = {
    name: score(m, held_out[:5001]).bits_per_token
    for name, m in {"target": model, "draft": draft_model}.items()
}
print({name: round(value, 2) for name, value in bits.items()}, "bits a character")
draft, target = Decoder(draft_model), Decoder(model)
greedy = list(stream(decoder, prompt, 60, rng, temperature=0))
runs = list(speculate(target, draft, prompt, 60, rng, guesses=4, temperature=0))
print("|".join("".join(tokenizer.decode(run)) for run in runs))
assert sum(runs, []) == greedy and bits["target"] < bits["draft"] < 4

# %% [markdown]
# The same text as the target writes alone. (Greedy, it soon goes round in circles, as lesson 20 showed.) Every `|` is one reading of the target: between two of them stand the one to five characters that this reading brought. Sampled, and for several $N$, beside the formula with the $\beta$ that $N = 1$ shows:

# %% [markdown] lang="zh"
# 与目标模型单独写的文本相同。（贪心写不了几句就原地打转，第 20 课见过。）每个 `|` 是目标模型读的一遍：两道之间的一到五个字符，就是这一遍换来的。再看采样，取几个不同的 $N$，旁边放上公式，其中的 $\beta$ 由 $N = 1$ 得出：

# %% tags=["nbval-ignore-output"]
lengths = {}
for N in (1, 2, 4, 8):
    runs = []
    for seed in range(6):
        dice = np.random.default_rng(seed)
        runs += speculate(target, draft, prompt, 80, dice, guesses=N, temperature=0.8)
    lengths[N] = float(np.mean([len(run) for run in runs]))
    beta = lengths[1] - 1  # N = 1: a run is 1 + beta long
    formula = (1 - beta ** (N + 1)) / (1 - beta)
    print(f"N = {N}: {lengths[N]:.2f} tokens a reading, by the formula {formula:.2f}")
    assert abs(lengths[N] - formula) < 0.6
assert 1.2 < lengths[1] < 2 and lengths[8] - lengths[4] < lengths[4] - lengths[1]

# %% [markdown]
# The second half of a long guess is seldom kept, so the runs hardly grow any more, as the formula says. Whether it is faster on the *clock* is another question. The draft has less than a tenth of the weights. Does its step take less than a tenth of the time?

# %% [markdown] lang="zh"
# 猜得长了，后一半很少留得住，所以一串几乎不再变长，公式也是这么说的。按**钟**算是不是更快，那是另一回事。草稿模型的权重不到十分之一；它走一步，用时也不到十分之一吗？


# %% tags=["nbval-ignore-output"]
def step_of(decoder):
    decoder.rewind(0)
    start = perf_counter()
    decoder.step([7])
    return perf_counter() - start


c = min(step_of(draft) for _ in range(20)) / min(step_of(target) for _ in range(20))
print("a draft step takes more than a tenth of a target step:", c > 0.1)
assert c > 0.1

# %% [markdown]
# It takes more: in models this small, the products are not what the time goes into. Speculation is for targets that are large beside their draft, and for machines where the memory is the bound.
#
# And beam search, which some texts list among the ways to decode faster? It is the opposite: a beam of width $w$ is $w$ texts at once and $w$ times the work, as lesson 20 counted.
#
# ## The budget of a turn
#
# What does a person feel who waits for an answer? Two numbers: the **time to first token**, $t_1$ seconds, and from there on the **tokens a second**, $r$. An answer of $n$ tokens is complete after
#
# $$t_1 + \frac{n-1}{r}$$
#
# and with streaming it is *read* from $t_1$ on. People read about 240 words of English a minute on average (Brysbaert 2019), four a second; at one or two tokens a word that is some six tokens; everything beyond is spare. An example. A model reads prompts at 400 tokens a second and writes 25. A turn has an instruction of 300 tokens, a history of 500, a question of 20 and an answer of 100. How much sooner does the person see the first word, and how much sooner the last, if instruction and history are in the memory already?

# %% [markdown] lang="zh"
# 不止十分之一：模型这么小，时间主要不是花在乘积上。推测解码是给比草稿大得多的目标模型用的，而且要在内存是瓶颈的机器上。
#
# 束搜索呢？有的文章把它列进加快解码的办法。恰恰相反：束宽为 $w$，就是同时写 $w$ 篇文本，工作量是 $w$ 倍，第 20 课数过。
#
# ## 一轮对话的时间账
#
# 等回答的人感觉得到什么？两个数：**首词元时间**，记作 $t_1$ 秒；然后是**每秒词元数**，记作 $r$。$n$ 个词元的回答，写完要
#
# $$t_1 + \frac{n-1}{r}$$
#
# 而流式输出时，从 $t_1$ 起就能**读**了。人读英文，平均一分钟约 240 个词（Brysbaert 2019），一秒四个；一个词合一两个词元，就是每秒六个词元上下，再快就是富余。举个例子。模型每秒读 400 个词元的提示，每秒写 25 个。一轮有 300 个词元的说明、500 个的历史、20 个的问题、100 个的回答。要是说明和历史已在记忆里，看到第一个字能早多少，看到最后一个字又能早多少？

# %%
predict("2 s, 0 s", "2 s, 2 s", "2 s, 4 s")

# %%
for name, read in {"everything is read": 300 + 500 + 20, "the question alone": 20}.items():
    speed = Speed(first=read / 400, per_second=25)  # the prompt scores the first token
    print(f"{name}: first word after {speed.first:.2f} s, last after {speed.seconds(100):.2f} s")
assert_allclose(Speed(820 / 400, 25).seconds(100), 2.05 + 99 / 25)

# %% [markdown]
# Streaming makes six seconds feel like two, and the prefix cache makes two feel like none. Neither makes the pace any faster. For our own decoder, `timed` reads a stream to its end and tells both numbers. Its tokens are characters: with six of them to a word, the space included, people read 24 a second.

# %% [markdown] lang="zh"
# 流式输出让六秒感觉像两秒，前缀缓存让两秒感觉像没有；而两者都没有让写的快慢有所改变。轮到我们自己的解码器：`timed` 把一条流读到底，报出这两个数。它的词元是字符：一个词连空格算六个字符，人每秒读 24 个。

# %% tags=["nbval-ignore-output"]
tokens, speed = timed(stream(decoder, prompt, 100, rng, temperature=0.8))
print("first token in less than a second:", speed.first < 1)
print("faster than a person reads       :", speed.per_second > 24)
assert len(tokens) == 100 and speed.first < 1 and speed.per_second > 24

# %% [markdown]
# ## A real model
#
# All together now, with SmolLM2: weights in one byte, a memory of fixed size, two compiled functions, a stream. It takes some seconds to load and to compile; then it answers.

# %% [markdown] lang="zh"
# ## 真的模型
#
# 现在全用上，请出 SmolLM2：权重一字节，记忆固定大小，编译两个函数，流式输出。载入和编译要些时间，然后它就回答了。

# %%
from lmcourse.models.pretrained import smollm2

smol_model, smol_tokenizer = smollm2()
smol_decoder = Decoder(smol_model, length=256, weights="int8")
end = smol_tokenizer.special["<|im_end|>"]
print(f"{smol_model.count_params():,} weights")


def ask(messages, length=40):
    ids = smol_tokenizer.chat_ids(messages)
    before = smol_decoder.tokens_read
    answer, speed = timed(stream(smol_decoder, ids, length, rng, temperature=0, end_id=end))
    print(
        f"prompt of {len(ids)} tokens, {smol_decoder.tokens_read - before - len(answer) + 1} read"
    )
    return smol_tokenizer.decode(answer[:-1] if answer[-1] == end else answer), speed


# %% tags=["nbval-ignore-output"]
messages = [{"role": "user", "content": "What is the capital of France?"}]
answer, _ = ask(messages)
print(answer)
messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": "And of Italy?"}]
answer, speed = ask(messages)
print(answer)
assert "Paris" in messages[1]["content"] and "Rome" in answer

# %% tags=["nbval-ignore-output"]
print("more than 2 tokens a second:", speed.per_second > 2)
assert speed.per_second > 2

# %% [markdown]
# Its second turn reads no more than the second question and the marks around it. Lesson 22 makes a conversation of it, with a server and a page to type into.
#
# ## Try it
#
# 1. **Easy.** A memory can go back. Let the decoder read the prompt once, and write three different continuations of 30 characters with temperature 1 from it. How many tokens are read in all, and how many without memory?
#
# <details><summary>Hint</summary>`stream` reads only what is not there, and the prompt stays the same. For the other number, a sum over the lengths.</details>
#
# 2. **Medium.** Which draft is good? Let $p$ be the target's distribution after our prompt. A draft that knows nothing guesses uniformly over all tokens; the best draft is $p$ itself. Compute $\beta$ for both, for the draft trained above, and for the bigram of the training text. Which comes next to the best?
#
# <details><summary>Hint</summary>$\beta = \sum_x \min(p(x), q(x))$, which is 1 minus half the sum of all $|p(x) - q(x)|$. For the bigram, count what follows the last character of the prompt.</details>
#
# 3. **Hard.** A memory that is full. Ours refuses what doesn't fit. One could drop the oldest token and go on: keep the keys and values of the last 7, say, and let the new token look at these and itself. Is the result the same as reading the last 8 tokens anew? First think about which tokens the kept keys have *seen*; then test it with `model.read`, whose `mask` says who may look at whom.
#
# <details><summary>Hint</summary>Of 100 tokens, the key of token 95, in the second block, is made of what token 95 saw in the first, tokens 88 to 95; and the last 8 begin at 92. With one block (the draft!) the two should agree, with four they should not. Rotary positions don't mind that the text begins elsewhere: only differences count. Use a mask that lets each token look at the last 8.</details>

# %% [markdown] lang="zh"
# 它的第二轮只读第二个问题和两边的标记。第 22 课把它变成真正的对话，配上服务器，还有一个可以打字的网页。
#
# ## 动手试试
#
# 1. **容易。** 记忆可以往回退。让解码器把提示读一遍，再用温度 1 从那里写三个不同的续文，各 30 个字符。一共读了多少词元？没有记忆要读多少？
#
# <details><summary>提示</summary>`stream` 只读记忆里没有的，而提示一直没变。另一个数，对长度求和。</details>
#
# 2. **中等。** 什么样的草稿好？设 $p$ 是目标模型在我们这个提示之后的分布。一无所知的草稿在所有词元里均匀地猜；最好的草稿就是 $p$ 自己。对这两个、对上面训练的草稿、再对训练文本的二元语法，分别算 $\beta$。谁仅次于最好的？
#
# <details><summary>提示</summary>$\beta = \sum_x \min(p(x), q(x))$，也就是 1 减去差的绝对值之和的一半。二元语法：数一数提示最后一个字符后面都跟着什么。</details>
#
# 3. **较难。** 记忆满了。我们的记忆装不下就不收。也可以扔掉最老的词元，接着写：比如只留最近 7 个的键和值，让新词元看它们和自己。这与把最近 8 个词元重读一遍，结果一样吗？先想想留下来的键都**看见过**哪些词元，再用 `model.read` 检验，它的 `mask` 说明谁可以看谁。
#
# <details><summary>提示</summary>共 100 个词元时，第二个块里，词元 95 的键由它在第一个块里看见的东西造成，那是词元 88 到 95；而最近 8 个是从 92 起的。只有一个块的（草稿！）应当一致，四个块的应当不一致。旋转位置编码不在乎文本从哪里开头：起作用的只有位置之差。用一个只许每个词元看最近 8 个的掩码。</details>

# %% [markdown]
# ## Worked answers
#
# **1.** The prompt has 19 tokens and is read once. Each text then reads 29 of its 30 own tokens, since nobody asks what follows the last. The second and the third also read the last token of the prompt again, because we want what follows it.

# %% [markdown] lang="zh"
# ## 参考答案
#
# **1.** 提示有 19 个词元，读一遍。此后每篇写出的 30 个里读 29 个，因为没人问最后一个后面是什么。第二篇和第三篇还要把提示的最后一个词元再读一次，因为要的是它后面的东西。

# %%
decoder.rewind(0)
before = decoder.tokens_read
for seed in range(3):
    list(stream(decoder, prompt, 30, np.random.default_rng(seed)))
read = decoder.tokens_read - before
without = 3 * sum(len(prompt) + n for n in range(30))
print(f"with memory {read}, without {without}")
assert read == len(prompt) + 29 + 2 * (1 + 29)

# %% [markdown]
# **2.** The better a model predicts, the more of the target's probability it shares.

# %% [markdown] lang="zh"
# **2.** 模型预测得越好，与目标分布重合得越多。

# %% tags=["nbval-ignore-output"]
p = softmax(np.asarray(model(prompt[None]))[0, -1])
followers = np.bincount(train[1:][train[:-1] == prompt[-1]], minlength=V)
drafts = {
    "uniform": np.full(V, 1 / V),
    "bigram": followers / followers.sum(),
    "one block": softmax(np.asarray(draft_model(prompt[None]))[0, -1]),
    "the target itself": p,
}
betas = {name: float(np.minimum(p, q).sum()) for name, q in drafts.items()}
print({name: round(beta, 2) for name, beta in betas.items()})
assert betas["uniform"] < betas["bigram"] < betas["one block"] < betas["the target itself"]

# %% [markdown]
# **3.** With one block the two agree: a key is made of its own token and nothing else. With four they don't, because the kept keys still carry what their tokens saw of those that were dropped. That need not be bad: such a memory reaches further back than it seems. But it is another computation than the one that was trained.

# %% [markdown] lang="zh"
# **3.** 一个块的，两者一致：键只由自己的词元造成。四个块的就不一致了：留下的键里，还带着它们的词元当年看见的、已被扔掉的东西。这不见得坏，这样的记忆比看上去够得更远；但它已不是训练时的那种算法了。

# %%
long = tokenizer.encode(shakespeare().text("validation")[:100])[None]
places, t = np.arange(100)[None], np.arange(100)
window = (t[:, None] >= t) & (t[:, None] - t < 8)  # the last 8, oneself included
apart = {}
for name, m in {"one block": draft_model, "four blocks": model}.items():
    anew = np.asarray(m(long[:, -8:]))[0, -1]
    kept = m.score(m.read(long, places=places, mask=keras.ops.convert_to_tensor(window)))
    apart[name] = abs(np.asarray(kept)[0, -1] - anew).max()
    print(f"{name:<11} scores apart by up to {apart[name]:.2f}")
assert apart["one block"] < 1e-3 and apart["four blocks"] > 0.01

# %% [markdown]
# ## What we know now
#
# - In a causal model, what was computed for a token never changes. Keys and values are kept; a new token costs one token's work, and the text is the same.
# - The memory has a fixed size, so that one step is compiled once. It costs $2LKWSb$ bytes, for long contexts more than the weights.
# - Reading a prompt is bound by multiplications, writing by the bytes of the weights: no program writes faster than memory delivers them, and ours stays below that.
# - Fewer bytes: one a weight, for less than a hundredth of a bit a character. More tokens for a fetch: a batch, whose empty places must be hidden, or guesses that are checked, which leave the distribution exactly as it was.
# - What was read before need not be read again: prefixes, even whole answers, with care.
# - A person feels the time to the first token, then the pace; streaming and the prefix cache shorten the first; the memory, fewer bytes and good guesses quicken the second.
#
# ## What it still can't do
#
# One decoder serves one conversation, or one batch whose texts begin together. A server has people who come and go at any time. It has to decide who is served, who waits and who is refused, what is forgotten when a conversation grows too long, and what happens when somebody hangs up in the middle of a word. And our model only talks: it can't look up a fact or do a sum. That is lesson 22.
#
# ## References
#
# - N. Shazeer, *Fast Transformer Decoding: One Write-Head is All You Need* (2019): the memory is the bound; shared keys and values.
# - R. Pope and others, *Efficiently Scaling Transformer Inference* (2022): reading and writing as two kinds of work.
# - B. Jacob and others, *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference* (2018).
# - Y. Leviathan, M. Kalman, Y. Matias, *Fast Inference from Transformers via Speculative Decoding* (2023); C. Chen and others, *Accelerating Large Language Model Decoding with Speculative Sampling* (2023).
# - W. Kwon and others, *Efficient Memory Management for Large Language Model Serving with PagedAttention* (2023): many conversations, one memory.
# - G. Xiao and others, *Efficient Streaming Language Models with Attention Sinks* (2023): what becomes of the third experiment.
# - M. Brysbaert, *How Many Words Do We Read per Minute?* (2019).

# %% [markdown] lang="zh"
# ## 现在我们知道
#
# - 因果模型里，为一个词元算出的东西永远不变。键和值留下来，新词元只花一个词元的活，文本照旧。
# - 记忆的大小固定，走一步只编译一回。它占 $2LKWSb$ 字节，上下文长了，比权重还多。
# - 读提示，受限于乘法；写回答，受限于权重的字节数：什么程序都不会写得比内存供得还快，我们的也在这道界之下。
# - 少取字节：每个权重一字节，每字符多花不到百分之一比特。取一趟多写几个：成批，空位要遮住；或者先猜再查，分布分毫不变。
# - 以前读过的不必重读：前缀如此，整个回答也如此，但要当心。
# - 人感觉得到的，先是首词元时间，再是快慢；流式输出和前缀缓存缩短前者；记忆、少取字节、猜得准，加快后者。
#
# ## 它还做不到
#
# 一个解码器只伺候一场对话，或者同时开头的一批。服务器上的人却随时来、随时走。先伺候谁，谁等着，谁该婉拒；对话太长时忘掉什么；话说到一半对方挂断，又怎么办：都得有人拿主意。而且我们的模型只会说：查不了事实，也算不了数。这些是第 22 课的事。
#
# ## 参考文献
#
# - N. Shazeer, *Fast Transformer Decoding: One Write-Head is All You Need* (2019)：瓶颈在内存；共用键和值。
# - R. Pope 等, *Efficiently Scaling Transformer Inference* (2022)：读和写是两种活。
# - B. Jacob 等, *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference* (2018)。
# - Y. Leviathan, M. Kalman, Y. Matias, *Fast Inference from Transformers via Speculative Decoding* (2023)；C. Chen 等, *Accelerating Large Language Model Decoding with Speculative Sampling* (2023)。
# - W. Kwon 等, *Efficient Memory Management for Large Language Model Serving with PagedAttention* (2023)：许多对话，一份内存。
# - G. Xiao 等, *Efficient Streaming Language Models with Attention Sinks* (2023)：第三个实验的下文。
# - M. Brysbaert, *How Many Words Do We Read per Minute?* (2019)。
