"""How far bench/run is, in measurements, which take about as long each."""
from itertools import accumulate


class Steps:
    def __init__(self, progress, counts):
        """`counts`: how many measurements each part takes if nothing is left out."""
        self._progress = progress
        self._begins = [0, *accumulate(counts)]
        self._part = -1
        self._done = 0

    def begin_part(self):
        """The next one; what the last one has left out is as good as done."""
        self._part += 1
        self._done = self._begins[self._part]

    def done(self, text, count=1):
        self._done += count
        total = self._begins[-1]
        self._progress.show(f"{self._done} of {total} measurements; {text}", self._done / total)
