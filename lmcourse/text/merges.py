"""How byte-pair encoding cuts a text and learns its merges; knows nothing about ids of texts.

A text is cut into pieces, or pre-tokens (a word with the space before it, a number, marks), each
of them is written as UTF-8 bytes, and the most frequent pair of neighbours becomes a new token,
again and again.

Sources: Sennrich, Haddow & Birch (2016), "Neural Machine Translation of Rare Words with Subword
Units"; Radford et al. (2019), "Language Models are Unsupervised Multitask Learners" (GPT-2), for
the bytes and the splitting pattern.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from itertools import pairwise

import regex

# GPT-2's pattern: English endings, letters, numbers, other marks (each with the space before it),
# and white space. Merges never cross the border of a piece.
PIECES = regex.compile(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
# SmolLM's: first every digit is cut out, by itself and without a space, then GPT-2's pattern cuts
# what is left between two digits; so white space before a digit ends there.
DIGITS = regex.compile(
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+"
)

# GPT-2 numbers the 256 bytes not by value but with the visible ones first: "!" has id 0, "A" id 32.
# Its files write each byte as one visible character; the others borrow U+0100, U+0101, ...
VISIBLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
BYTES = bytes(VISIBLE + sorted(set(range(256)) - set(VISIBLE)))  # id -> byte
IDS = bytes(BYTES.index(byte) for byte in range(256))  # byte -> id, for bytes.translate
LETTERS = [*map(chr, VISIBLE), *map(chr, range(0x100, 0x100 + 256 - len(VISIBLE)))]  # id -> letter


def pairs_of(lines: Iterable[str]) -> list[tuple[int, int]]:
    """Turn published merges, two tokens a line in GPT-2's letters, into pairs of ids.

    >>> pairs_of(["l o", "lo w"]), [LETTERS[id] for id in (75, 78, 86)]
    ([(75, 78), (256, 86)], ['l', 'o', 'w'])
    """
    id_of = {letter: id for id, letter in enumerate(LETTERS)}
    pairs = []
    for line in lines:
        left, right = line.split(" ")
        id_of[left + right] = 256 + len(pairs)
        pairs.append((id_of[left], id_of[right]))
    return pairs


def replace_pair(word: list[int], pair: tuple[int, int], new: int) -> None:
    """Replace every `pair` of neighbours in `word` by `new`, in place, from left to right.

    >>> word = [5, 5, 5, 7, 5, 5]
    >>> replace_pair(word, (5, 5), 9)
    >>> word
    [9, 5, 7, 9]
    """
    position = -1
    try:
        while True:
            position = word.index(pair[0], position + 1, -1)  # the last id has no right neighbour
            if word[position + 1] == pair[1]:
                word[position : position + 2] = [new]
    except ValueError:  # no further left half
        return


def learn_merges(counts: dict[str, int], number: int) -> list[tuple[int, int]]:
    """Learn up to `number` merges from how often each piece occurs; stop when no pair is left.

    The same merges as counting everything anew each time, but a merge touches only the places where
    its pair stands. Merge 0 makes id 256, merge 1 id 257, and so on. Of pairs with equal counts the
    one with the smaller ids wins, left id first (the rule of Hugging Face's `tokenizers`).

    >>> merges = learn_merges({"low": 5, "lower": 2, "newest": 6, "widest": 3}, 3)
    >>> [tuple(chr(BYTES[id]) if id < 256 else id for id in pair) for pair in merges]
    [('e', 's'), (256, 't'), ('l', 'o')]
    """
    ids, weights = [-1], [0]  # all distinct pieces in one row, -1 between them
    for piece, count in counts.items():
        piece = piece.encode("utf-8").translate(IDS)
        ids += [*piece, -1]
        weights += [count] * (len(piece) + 1)
    before, after = list(range(-1, len(ids) - 1)), list(range(1, len(ids) + 1))
    totals, places = defaultdict(int), defaultdict(list)  # pair -> count, pair -> left positions
    for position, pair in enumerate(pairwise(ids)):
        if -1 not in pair:
            totals[pair] += weights[position]
            places[pair].append(position)
    heap = [(-total, pair) for pair, total in totals.items()]
    heapify(heap)

    merges = []
    while heap and len(merges) < number:
        total, pair = heappop(heap)
        if -total != totals[pair]:  # an old entry: the pair has lost places since
            if totals[pair]:
                heappush(heap, (-totals[pair], pair))
            continue
        left, right = pair
        new = 256 + len(merges)
        merges.append(pair)
        fresh = set()
        for position in places.pop(pair):  # from left to right, as they were found
            second = after[position]
            if ids[position] != left or ids[second] != right:  # merged into something else
                continue
            first, last, weight = before[position], after[second], weights[position]
            ids[position], ids[second] = new, -2
            after[position], before[last] = last, position
            if ids[first] >= 0:
                totals[ids[first], left] -= weight
                totals[ids[first], new] += weight
                places[ids[first], new].append(first)
                fresh.add((ids[first], new))
            if ids[last] >= 0:
                totals[right, ids[last]] -= weight
                totals[new, ids[last]] += weight
                places[new, ids[last]].append(position)
                fresh.add((new, ids[last]))
        totals[pair] = 0
        for pair in fresh:
            if totals[pair]:
                heappush(heap, (-totals[pair], pair))
    return merges
