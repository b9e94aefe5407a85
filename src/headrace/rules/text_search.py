r"""The grammar of text searches (contract §5).

Words are separated by white space and any of them may match; `+word` has to match, `-word` and `!word`
must not. Quotes hold a phrase together, in which `\"` and `\\` stand for a quote and a backslash. A sign
or a pair of quotes with nothing in it is passed over, and a quote that is not closed reaches to the end.
"""

import msgspec


class Terms(msgspec.Struct, frozen=True):
    """A text search taken apart; each term is a lower-case substring."""

    wanted: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def match(self, text: str) -> bool:
        """Whether the terms allow this text, in any case.

        >>> parse_terms("lost -found").match("Lost luggage")
        True
        """
        text = text.lower()
        return (
            (not self.wanted or any(term in text for term in self.wanted))
            and all(term in text for term in self.required)
            and not any(term in text for term in self.excluded)
        )


def parse_terms(query: str) -> Terms:
    """Take a text search apart; it never fails, a text that means nothing constrains nothing."""
    sorted_terms: dict[str, list[str]] = {"": [], "+": [], "-": []}
    position = 0
    while position < len(query):
        if query[position].isspace():
            position += 1
            continue
        sign = query[position] if query[position] in "+-!" else ""
        term, position = _read_term(query, position + len(sign))
        if term:
            sorted_terms["-" if sign == "!" else sign].append(term.lower())
    return Terms(tuple(sorted_terms[""]), tuple(sorted_terms["+"]), tuple(sorted_terms["-"]))


def _read_term(query: str, position: int) -> tuple[str, int]:
    """The term that begins here, and where it ends."""
    letters: list[str] = []
    quoted = False
    while position < len(query):
        letter = query[position]
        if letter == '"':
            quoted = not quoted
        elif quoted and letter == "\\" and query[position + 1 : position + 2] in ('"', "\\"):
            position += 1
            letters.append(query[position])
        elif letter.isspace() and not quoted:
            break
        else:
            letters.append(letter)
        position += 1
    return "".join(letters), position
