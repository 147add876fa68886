"""What upstream's code for an event consists of, to the character.

A transformer's code is its class and all that this names, followed through the sources of event-routing-backends and
TinCan: bases, functions, constants, statement classes. Nothing else counts, so that a change elsewhere in a module
sends no other event through upstream.
"""

from __future__ import annotations

import ast
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FOLLOWED = ("event_routing_backends", "tincan")
#: Differs with every release, and is read, not copied, by what takes upstream's place.
NOT_FOLLOWED = "__version__"


class Reference(NamedTuple):
    """A name within a module, or (``name`` empty) the module itself."""

    module: str
    name: str


class Definition(NamedTuple):
    """The text that gives a name its meaning, and the names in it; ``a.b`` is the pair ``("a", "b")``."""

    text: str
    names: frozenset[str]
    attributes: frozenset[tuple[str, str]]


class Module:
    """A module's top level, read without being imported."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._package = name if path.stem == "__init__" else name.rpartition(".")[0]
        self.definitions: dict[str, list[Definition]] = {}
        self.imports: dict[str, Reference] = {}
        source = path.read_text(encoding="utf-8")
        self._lines = source.splitlines(keepends=True)
        for statement in ast.parse(source).body:
            if isinstance(statement, ast.ImportFrom):
                self._add_imports(statement)
            else:
                self._add_definition(statement)

    def _add_imports(self, statement: ast.ImportFrom) -> None:
        module = statement.module or ""
        if statement.level:
            parents = self._package.split(".")
            module = ".".join([*parents[: len(parents) - statement.level + 1], *filter(None, [module])])
        for alias in statement.names:
            self.imports[alias.asname or alias.name] = Reference(module, alias.name)

    def _add_definition(self, statement: ast.stmt) -> None:
        nodes = list(ast.walk(statement))
        names = [node for node in nodes if isinstance(node, ast.Name)]
        attributes = [node for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)]
        definition = Definition(
            self._text(statement),
            frozenset(node.id for node in names),
            frozenset((node.value.id, node.attr) for node in attributes if isinstance(node.value, ast.Name)),
        )
        for name in _defined(statement):
            self.definitions.setdefault(name, []).append(definition)

    def _text(self, statement: ast.stmt) -> str:
        decorators = getattr(statement, "decorator_list", [])
        first = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
        return "".join(self._lines[first - 1 : statement.end_lineno])


class Sources:
    """The installed sources of upstream.

    Args:
        roots: the folders of the packages to follow, by the packages' names.
    """

    def __init__(self, roots: dict[str, Path]) -> None:
        self._roots = roots
        self._modules: dict[str, Module | None] = {}
        self._fingerprints: dict[tuple[Reference, ...], str] = {}

    def fingerprint(self, *references: Reference) -> str:
        """Return the digest of the code behind some names; nothing where one of them has no source."""
        if references not in self._fingerprints:
            self._fingerprints[references] = self._digest(references)
        return self._fingerprints[references]

    def _digest(self, references: tuple[Reference, ...]) -> str:
        code = self.code_of(references)
        if not all(reference in code for reference in references):
            return ""
        digest = sha256()
        for part in sorted(code):
            digest.update(f"{part.module}:{part.name}\n{code[part]}\0".encode())
        return digest.hexdigest()[:32]

    def code_of(self, references: Iterable[Reference]) -> dict[Reference, str]:
        """Return the text behind these names, and behind all the names that it needs."""
        code: dict[Reference, str] = {}
        waiting = list(references)
        while waiting:
            found = self._resolve(waiting.pop())
            if found is not None and found not in code:
                definitions = self._definitions(found)
                code[found] = "".join(definition.text for definition in definitions)
                waiting += [needed for definition in definitions for needed in self._needed(found.module, definition)]
        return code

    def _definitions(self, reference: Reference) -> list[Definition]:
        module = self._module(reference.module)
        return module.definitions[reference.name] if module else []

    def _needed(self, where: str, definition: Definition) -> Iterator[Reference]:
        for name in definition.names:
            if name != NOT_FOLLOWED:
                yield Reference(where, name)
        imports = module.imports if (module := self._module(where)) else {}
        for value, name in definition.attributes:
            if value in imports:  # perhaps a module, and the name one of its own
                yield Reference(f"{imports[value].module}.{imports[value].name}", name)

    def _resolve(self, reference: Reference) -> Reference | None:
        """Return where a name is defined, following imports; None where that is not followed."""
        module = self._module(reference.module)
        if module is None:
            return None
        if reference.name in module.definitions:
            return reference
        imported = module.imports.get(reference.name)
        return self._resolve(imported) if imported else None

    def _module(self, name: str) -> Module | None:
        if name not in self._modules:
            path = self._path(name)
            self._modules[name] = Module(name, path) if path else None
        return self._modules[name]

    def _path(self, module: str) -> Path | None:
        package, *inner = module.split(".")
        if package not in self._roots:
            return None
        path = self._roots[package].joinpath(*inner)
        candidates = [path / "__init__.py", path.with_suffix(".py")] if inner else [path / "__init__.py"]
        return next((candidate for candidate in candidates if candidate.is_file()), None)


@cache
def installed_sources() -> Sources:
    """Return the sources of the installed upstream."""
    specs = {package: find_spec(package) for package in FOLLOWED}
    return Sources({package: Path(spec.origin).parent for package, spec in specs.items() if spec and spec.origin})


def _defined(statement: ast.stmt) -> set[str]:
    """Return the names that a statement at the top level defines."""
    if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return {statement.name}
    bound = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return bound | {
        alias.asname or alias.name.partition(".")[0]
        for node in ast.walk(statement)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
