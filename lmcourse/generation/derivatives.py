"""Regular expressions and what is left after a character; nothing of how one writes them.

Source: Brzozowski (1964), "Derivatives of regular expressions".
"""

from collections.abc import Iterable


class Expressions:
    """Regular expressions over an alphabet, each written once and named by a number.

    Equal remainders get one number, and that is what keeps the machine small: `a|a` is `a`, nothing
    followed by anything is nothing.

    >>> owed = Expressions("abc")
    >>> either = owed.either({owed.then(owed.one("a"), owed.star(owed.one("b"))), owed.one("c")})
    >>> [owed.show(e) for e in (either, owed.derivative(either, "a"), owed.derivative(either, "c"))]
    ['ab*|c', 'b*', '']
    """

    def __init__(self, alphabet: Iterable[str]):
        self.alphabet = frozenset(alphabet)
        self._parts, self._number, self._after = [], {}, {}
        self.nothing = self._add("either", frozenset())  # no text fits
        self.empty = self._add("star", self.nothing)  # the text of no characters

    def _add(self, kind, *parts):
        expression = (kind, *parts)
        if expression not in self._number:
            self._number[expression] = len(self._parts)
            self._parts.append(expression)
        return self._number[expression]

    def one(self, characters: Iterable[str]) -> int:
        """One character out of several; those outside the alphabet can't come."""
        characters = self.alphabet.intersection(characters)
        return self._add("one", characters) if characters else self.nothing

    def then(self, first: int, second: int) -> int:
        """The first, followed by the second."""
        if self.nothing in (first, second):
            return self.nothing
        if first == self.empty:
            return second
        if second == self.empty:
            return first
        heads = [first]
        while self._parts[heads[-1]][0] == "then":  # (ab)c is written a(bc)
            heads += self._parts[heads.pop()][1:]
        for head in reversed(heads):
            second = self._add("then", head, second)
        return second

    def either(self, choices: Iterable[int]) -> int:
        """One of several; a choice within a choice is one large choice."""
        flat = set()
        for choice in choices:
            kind, *parts = self._parts[choice]
            flat.update(parts[0] if kind == "either" else [choice])
        return flat.pop() if len(flat) == 1 else self._add("either", frozenset(flat))

    def star(self, expression: int) -> int:
        """Any number of repetitions, none included."""
        return expression if self._parts[expression][0] == "star" else self._add("star", expression)

    def may_end(self, expression: int) -> bool:
        """Say whether nothing more is owed."""
        kind, *parts = self._parts[expression]
        if kind == "either":
            return any(map(self.may_end, parts[0]))
        return kind == "star" or (kind == "then" and all(map(self.may_end, parts)))

    def derivative(self, expression: int, character: str) -> int:
        """Say what is still owed after a character has been read."""
        key = expression, character
        if key not in self._after:
            self._after[key] = self._derive(character, expression, *self._parts[expression])
        return self._after[key]

    def _derive(self, character, whole, kind, *parts):
        if kind == "one":
            return self.empty if character in parts[0] else self.nothing
        if kind == "either":
            return self.either([self.derivative(choice, character) for choice in parts[0]])
        rest = self.then(
            self.derivative(parts[0], character), whole if kind == "star" else parts[1]
        )
        if kind == "then" and self.may_end(parts[0]):
            rest = self.either([rest, self.derivative(parts[1], character)])
        return rest

    def classes(self) -> list[frozenset]:
        """All sets of characters that occur."""
        return [parts[0] for kind, *parts in self._parts if kind == "one"]

    def show(self, expression: int) -> str:
        """Write an expression for people."""
        return self._show(expression)[0]

    def _show(self, expression):
        """Give the text and how tightly it binds: 0 either, 1 one after the other, 2 a piece."""
        kind, *parts = self._parts[expression]
        if expression in (self.nothing, self.empty):
            return ("∅" if expression == self.nothing else ""), 2
        if kind == "one":
            return _class(parts[0], self.alphabet), 2
        if kind == "star":
            return self._wrapped(parts[0], 2) + "*", 2
        if kind == "then":
            return "".join(self._wrapped(part, 1) for part in parts), 1
        if self.empty in parts[0]:
            return self._wrapped(self.either(parts[0] - {self.empty}), 2) + "?", 2
        return "|".join(sorted(map(self.show, parts[0]))), 0

    def _wrapped(self, expression, least):
        text, binding = self._show(expression)
        return text if binding >= least else f"({text})"


def _class(characters, alphabet):
    """Write a set of characters the shorter way: `a`, `[ab]` or `[^ab]`."""
    inside, outside = ("".join(sorted(some)) for some in (characters, alphabet - characters))
    if not outside and len(inside) > 1:
        return "."
    if len(inside) == 1:
        return inside
    return f"[{inside}]" if len(inside) <= max(4, len(outside)) else f"[^{outside}]"
