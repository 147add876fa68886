"""What upstream's code for an event consists of, to the character.

A transformer's code is its class and all that this names, followed through the sources of event-routing-backends and
TinCan: bases, functions, constants, statement classes. Nothing else counts, so that a change elsewhere in a module
sends no other event through upstream.
"""

from __future__ import annotations

import ast
from functools import cache, cached_property
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
    """A name at the top level of a module."""

    module: str
    name: str


class Definition(NamedTuple):
    """What gives a name its meaning: the digest of its text, and the names that it needs."""

    digest: bytes
    needs: frozenset[Reference]


class Module:
    """A module's top level, read without being imported."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._package = name if path.stem == "__init__" else name.rpartition(".")[0]
        self._statements: dict[str, list[ast.stmt]] = {}
        self.imports: dict[str, Reference] = {}
        source = path.read_text(encoding="utf-8")
        self._lines = source.splitlines(keepends=True)
        for statement in ast.parse(source).body:
            if isinstance(statement, ast.ImportFrom):
                self._add_imports(statement)
            for name_ in _defined(statement):
                self._statements.setdefault(name_, []).append(statement)

    def defines(self, name: str) -> bool:
        """Return whether the name gets its meaning here, not by an import."""
        return name in self._statements

    def text(self, name: str) -> str:
        """Return the lines that give the name its meaning."""
        return "".join(self._lines_of(statement) for statement in self._statements[name])

    def needs(self, name: str) -> Iterator[Reference]:
        """Yield what the name's definition refers to; of ``a.b`` both ``a`` and, were ``a`` a module, its ``b``."""
        for node in (node for statement in self._statements[name] for node in ast.walk(statement)):
            if isinstance(node, ast.Name) and node.id != NOT_FOLLOWED:
                yield Reference(self.name, node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in self.imports:
                yield Reference(".".join(self.imports[node.value.id]), node.attr)

    def _add_imports(self, statement: ast.ImportFrom) -> None:
        module = statement.module or ""
        if statement.level:
            parents = self._package.split(".")
            module = ".".join([*parents[: len(parents) - statement.level + 1], *filter(None, [module])])
        for alias in statement.names:
            self.imports[alias.asname or alias.name] = Reference(module, alias.name)

    def _lines_of(self, statement: ast.stmt) -> str:
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
        self._definitions: dict[Reference, Definition] = {}

    @cached_property
    def digest(self) -> str:
        """The digest of everything: where that is a certified one, no fingerprint need be taken."""
        digest = sha256()
        for package, root in sorted(self._roots.items()):
            for path in sorted(root.rglob("*.py")):
                inner = path.relative_to(root)
                if "tests" not in inner.parts:
                    digest.update(f"{package}/{inner.as_posix()}\n".encode() + sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:32]

    def fingerprint(self, *references: Reference) -> str:
        """Return the digest of the code behind some names; nothing where one of them has no source."""
        code = self.code_of(references)
        if not all(reference in code for reference in references):
            return ""
        digest = sha256()
        for reference in sorted(code):
            digest.update(f"{reference.module}:{reference.name}\n".encode() + code[reference].digest)
        return digest.hexdigest()[:32]

    def code_of(self, references: Iterable[Reference]) -> dict[Reference, Definition]:
        """Return the definitions behind these names, and behind all the names that they need."""
        code: dict[Reference, Definition] = {}
        waiting = list(references)
        while waiting:
            reference = waiting.pop()
            if reference not in code and (definition := self._definition(reference)):
                code[reference] = definition
                waiting += definition.needs - code.keys()
        return code

    def _definition(self, reference: Reference) -> Definition | None:
        module = self._module(reference.module)
        if module is None or not module.defines(reference.name):
            return None
        if reference not in self._definitions:
            needs = {self._resolve(needed) for needed in set(module.needs(reference.name))} - {None, reference}
            digest = sha256(module.text(reference.name).encode()).digest()
            self._definitions[reference] = Definition(digest, frozenset(filter(None, needs)))
        return self._definitions[reference]

    def _resolve(self, reference: Reference) -> Reference | None:
        """Return where a name is defined, following imports; None where that is not followed."""
        module = self._module(reference.module)
        if module is None:
            return None
        if module.defines(reference.name):
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
    """Return the names that a statement at the top level defines, other than by a plain import from a module."""
    if isinstance(statement, ast.ImportFrom):
        return set()
    if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return {statement.name}
    nodes = list(ast.walk(statement))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return bound | {alias.asname or alias.name.partition(".")[0] for node in imports for alias in node.names}
