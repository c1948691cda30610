"""A read file: its tree, its data, and every problem and warning found in it so far."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from gateway.config.faults import explain, is_about_key, keys_at, place
from gateway.config.problems import ConfigRefused, Location, Mark, Problem, problem_at
from gateway.config.schema import Config
from gateway.config.section import fold_twins
from gateway.config.tree import Filler, MappingNode, as_written, key_mark, mark_of

Model = TypeVar("Model", bound=BaseModel)


class Document:
    """Binds parts of the file to models and collects what is wrong with them, with line and column."""

    def __init__(self, root: MappingNode, base: Path, environ: Mapping[str, str]) -> None:
        self.root = root
        self.base = base
        self.files: set[Path] = set()
        """Every file that what was bound so far has named."""
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._broken: list[Location] = []
        anchors = [key for key in root.entries if key.startswith("x-")]
        read = MappingNode(root.mark, {key: entry for key, entry in root.entries.items() if key not in anchors})
        data = Filler(environ, self._report_broken).fill(read, ())
        assert isinstance(data, dict), "a mapping node fills to a dict"
        self.data: dict[str, object] = data

    def report(self, where: Location, message: str, *, key: bool = False) -> None:
        """Add a problem at a value, or at its key."""
        mark = (key_mark if key else mark_of)(self.root, where)
        self.problems.append(problem_at(mark, as_written(self.root, where), message))

    def warn(self, where: Location, message: str) -> None:
        """Add a warning: the file loads, and this is unsafe or has no effect."""
        self.warnings.append(problem_at(mark_of(self.root, where), as_written(self.root, where), message))

    def bind(self, model: type[Model], data: object, at: Location) -> Model | None:
        """The model of what stands at this place; None where it has problems, which are then collected."""
        try:
            return model.model_validate(fold_twins(model, data), context={"base": self.base, "files": self.files})
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                where = (*at, *place(fault))
                if not self._is_known(where):
                    known = keys_at(model, place(fault)[:-1]) | keys_at(Config, where[:-1])
                    self.report(where, explain(fault, known), key=is_about_key(fault))
        return None

    def refuse_if_faulty(self) -> None:
        """Raises ConfigRefused with all problems, if there are any."""
        if self.problems:
            raise ConfigRefused(self.problems)

    def _report_broken(self, where: Location, mark: Mark, message: str) -> None:
        self._broken.append(where)
        self.problems.append(problem_at(mark, where, message))

    def _is_known(self, where: Location) -> bool:
        """What is around or within a value that was already reported fails again for the same reason."""
        return any(where == broken[: len(where)] or broken == where[: len(broken)] for broken in self._broken)


class Loaded:
    """A configuration that loads, and what is needed to bind its variants' own options and to point at its lines."""

    def __init__(self, config: Config, file: str, document: Document) -> None:
        self.config = config
        self.file = file
        self.base = document.base
        """The directory that relative file names are read from."""
        self._document = document

    @property
    def files(self) -> frozenset[Path]:
        """The configuration file and every file it names (certificates, keys, `*_file` secrets), as absolute paths."""
        return frozenset({self.base / Path(self.file).name, *self._document.files})

    @property
    def warnings(self) -> list[Problem]:
        """What is unsafe or has no effect, in file order."""
        return sorted(set(self._document.warnings))

    @property
    def problems(self) -> list[Problem]:
        """What binding and reporting have found since the load."""
        return sorted(set(self._document.problems))

    def bind(self, model: type[Model], options: object, at: Location) -> Model | None:
        """The model of a variant's options, such as `logins.native` at ("logins", "native").

        None where they have problems: those are collected, and `refuse_if_faulty` raises them all at once.
        """
        return self._document.bind(model, options, at)

    def report(self, where: Location, message: str) -> None:
        """Add a problem that only assembly can see, such as a pattern that does not compile."""
        self._document.report(where, message)

    def warn(self, where: Location, message: str) -> None:
        """Add a warning that only assembly can see."""
        self._document.warn(where, message)

    def refuse_if_faulty(self) -> None:
        """Raises ConfigRefused if anything was reported."""
        self._document.refuse_if_faulty()
