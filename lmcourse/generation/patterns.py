r"""How people write regular expressions, as `Expressions`. Knows only how to read them.

Understood are characters, `.` (any but a line break), classes `[a-z]` and `[^"]`, `\d`, `\w`, `\s`,
`\n`, `\t`, any mark after `\` as itself, groups `( )`, either `|`, and how often: `*` `+` `?` `{2}`
`{2,}` `{2,5}`. A pattern describes a whole text, not a part of it; what it means is what Python's
`re.fullmatch` says.
"""

from lmcourse.generation.derivatives import Expressions

LONGEST_REPEAT = 500  # of `{m,n}`: each repetition is a state of its own


def read_pattern(pattern: str, expressions: Expressions) -> int:
    """Read a pattern: the number of the expression.

    Raises ValueError, with the rule and how far it got, if the pattern is not understood.

    >>> abc = Expressions("abc")
    >>> abc.show(read_pattern("a{2}b?|[ab]+", abc))
    '[ab][ab]*|aab?'
    """
    return _Parser(pattern, expressions).parse()


class _Parser:
    """Reads a pattern from left to right, one method for each level of binding."""

    def __init__(self, pattern, owed):
        self.pattern, self.owed, self.place = pattern, owed, 0

    def parse(self):
        whole = self.either()
        if self.place < len(self.pattern):
            self.fail("`)` must close a `(`")
        return whole

    def either(self):
        choices = [self.sequence()]
        while self.take("|"):
            choices.append(self.sequence())
        return self.owed.either(choices)

    def sequence(self):
        items = []
        while self.place < len(self.pattern) and self.pattern[self.place] not in "|)":
            items.append(self.repeated())
        whole = self.owed.empty
        for item in reversed(items):
            whole = self.owed.then(item, whole)
        return whole

    def repeated(self):
        item, owed = self.item(), self.owed
        if self.take("*"):
            result = owed.star(item)
        elif self.take("+"):
            result = owed.then(item, owed.star(item))
        elif self.take("?"):
            result = owed.either([item, owed.empty])
        elif self.take("{"):
            result = self.times(item)
        else:
            return item
        if self.place < len(self.pattern) and self.pattern[self.place] in "*+?{":
            self.fail("a repetition must not follow a repetition")
        return result

    def times(self, item):
        least, most = self.number(), None
        if not self.take(","):
            most = least
        elif self.pattern[self.place : self.place + 1] != "}":
            most = self.number()
        if not self.take("}") or (most is not None and not least <= most):
            self.fail("a repetition must be `{m}`, `{m,}` or `{m,n}` with m <= n")
        owed = self.owed
        result = owed.star(item) if most is None else owed.empty
        for _ in range((most or least) - least):
            result = owed.either([owed.empty, owed.then(item, result)])
        for _ in range(least):
            result = owed.then(item, result)
        return result

    def number(self):
        start = self.place
        while self.pattern[self.place : self.place + 1].isdecimal():
            self.place += 1
        digits = self.pattern[start : self.place]
        if not digits or int(digits) > LONGEST_REPEAT:
            self.fail(f"how often must be a number up to {LONGEST_REPEAT}")
        return int(digits)

    def item(self):
        character = self.next()
        if character == "(":
            inside = self.either()
            if not self.take(")"):
                self.fail("`(` must be closed by `)`")
            return inside
        if character == "[":
            return self.owed.one(self.bracket())
        if character == ".":
            return self.owed.one(self.owed.alphabet - {"\n"})
        if character in "*+?{^$":
            self.fail(f"`{character}` must stand after something, or after a backslash")
        return self.owed.one(self.escaped() if character == "\\" else character)

    def bracket(self):
        inside, outside = set(), self.take("^")
        while not (inside and self.take("]")):
            first = self.next()
            first = self.escaped() if first == "\\" else first
            last = first
            if self.pattern[self.place : self.place + 1] == "-" and self.ahead(1) != "]":
                self.place += 1
                last = self.next()
                last = self.escaped() if last == "\\" else last
                if not (len(first) == len(last) == 1 and first <= last):
                    self.fail("a range must be `a-z`, from the smaller to the larger")
                inside.update(map(chr, range(ord(first), ord(last) + 1)))
            inside.update(first, last)
        return self.owed.alphabet - inside if outside else inside

    def escaped(self):
        """What a backslash and the next character stand for, one character or several."""
        character, alphabet = self.next(), self.owed.alphabet
        if character == "d":
            return [c for c in alphabet if c.isdecimal()]
        if character == "w":
            return [c for c in alphabet if c.isalnum() or c == "_"]
        if character == "s":
            return [c for c in alphabet if c.isspace()]
        if character.isalnum() and character not in "nt":
            self.fail("after a backslash must stand d, w, s, n, t or a mark")
        return {"n": "\n", "t": "\t"}.get(character, character)

    def next(self):
        if self.place == len(self.pattern):
            self.fail("a pattern must not end here")
        self.place += 1
        return self.pattern[self.place - 1]

    def ahead(self, count):
        return self.pattern[self.place + count : self.place + count + 1]

    def take(self, character):
        found = self.ahead(0) == character
        self.place += found
        return found

    def fail(self, rule):
        raise ValueError(f"{rule}. Received: {self.pattern[: self.place]!r:.80} and what follows")
