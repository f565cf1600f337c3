"""What is refused: a status of HTTP and one sentence, which tells nothing of this machine."""


class Refusal(Exception):
    """A request that gets no answer."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence
