"""What a check has found: mistakes, which fail it, and advice, which does not."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Findings:
    """The findings of one scenario, each once, in the order in which they were made."""

    mistakes: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    skipped: str | None = None
    """Why the scenario has no meaning for this client."""

    def mistake(self, sentence: str) -> None:
        """Note what breaks the protocol or a promise to the person."""
        if sentence not in self.mistakes:
            self.mistakes.append(sentence)

    def advise(self, sentence: str) -> None:
        """Note what works and could be better."""
        if sentence not in self.advice:
            self.advice.append(sentence)

    @property
    def outcome(self) -> str:
        """Return `ok`, `wrong` or `skipped`."""
        if self.mistakes:
            return "wrong"
        return "ok" if self.skipped is None else "skipped"
