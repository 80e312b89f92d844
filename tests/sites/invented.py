"""People who do not exist, for sites that list people."""

from dataclasses import dataclass

_GIVEN = ("Avela", "Bréndan", "Çidem", "Dorvik", "Élise", "Fjóla", "Gorm", "Håkonia", "Ilse-Mar", "Jyotir")
_FAMILY = ("Quillmark", "Østervand", "Tarnołowska", "Verrín", "Wexendale", "Zümbül", "O'Ruane", "Plötz", "Nguyễnova")


@dataclass(frozen=True, slots=True)
class Invented:
    """One of them: the ids each kind of site would give, and how well known (more is better)."""

    name: str
    number: int
    fame: int

    @property
    def qid(self) -> str:
        return f"Q{900_000_000 + self.number}"

    @property
    def imdb(self) -> str:
        return f"nm{90_000_000 + self.number}"

    @property
    def tmdb(self) -> int:
        return 90_000_000 + self.number


def invented(count: int) -> list[Invented]:
    """That many, best known first, no two of one name."""
    people = []
    for number in range(count):
        given, family = _GIVEN[number % len(_GIVEN)], _FAMILY[number // len(_GIVEN) % len(_FAMILY)]
        again = number // (len(_GIVEN) * len(_FAMILY))
        people.append(Invented(f"{given} {family}" + (f" {again + 1}" if again else ""), number + 1, 1000 - number))
    return people
