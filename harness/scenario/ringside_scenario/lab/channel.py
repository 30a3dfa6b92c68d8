# SPDX-License-Identifier: BSD-3-Clause
"""What comes out of a lab: lines that begin with a word of their own, so that a kernel may write
between them. `init` writes them; a file is believed when its size and its SHA-256 are right.

    =rl1= begin                 the job begins
    =rl1= file NAME SIZE SHA    a file: NAME is a plain name
    =rl1= data BASE64           …
    =rl1= end NAME
    =rl1= verdict STATUS TEXT   what became of the job
    =rl1= over STATUS           the job's script has ended
"""
import base64
import binascii
import hashlib
import re

WORD = "=rl1= "
LIMIT = 64 << 20  # bytes of one file
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


class Channel:
    """All that was said, taken apart. `trouble` is the first thing that was wrong."""

    def __init__(self, text):
        self.files = {}
        self.verdict = None  # (status, text)
        self.begun = False
        self.over = None  # the script's exit status
        self.trouble = None
        self._open = None
        for line in text.splitlines():
            at = line.find(WORD)
            if at >= 0 and not self.trouble:
                self._take(line[at + len(WORD):].strip())

    def _take(self, line):
        word, _, rest = line.partition(" ")
        if word == "begin":
            self.begun = True
        elif word == "file":
            self._begin(rest.split())
        elif word == "data":
            self._data(rest)
        elif word == "end":
            self._end(rest)
        elif word == "verdict":
            status, _, text = rest.partition(" ")
            self.verdict = (status, text)
        elif word == "over":
            self.over = rest
        else:
            self.trouble = f"a line that makes no sense: {line[:60]}"

    def _begin(self, words):
        if len(words) != 3 or not NAME.fullmatch(words[0]) or not words[1].isdigit() or \
                int(words[1]) > LIMIT:
            self.trouble = f"a file that makes no sense: {' '.join(words)[:60]}"
            return
        self._open = (words[0], int(words[1]), words[2], bytearray())

    def _data(self, text):
        try:
            if not self._open:
                raise ValueError
            self._open[3].extend(base64.b64decode(text, validate=True))
        except (ValueError, binascii.Error):
            self.trouble = "data that belongs to no file, or is damaged"

    def _end(self, name):
        if not self._open or self._open[0] != name:
            self.trouble = f"the end of a file that did not begin: {name[:60]}"
            return
        _, size, digest, data = self._open
        self._open = None
        if len(data) != size or hashlib.sha256(data).hexdigest() != digest:
            self.trouble = f"{name} is damaged"
            return
        self.files[name] = bytes(data)

    @property
    def cut(self):
        """The name of a file that did not come to its end."""
        return self._open[0] if self._open else None
