"""Fingerprints of event-routing-backends' code, one transformer at a time.

The code of a transformer is its class and everything that this refers to, directly or not, in the sources of
event-routing-backends and TinCan: base classes, functions, constants, statement classes. A change elsewhere in a module
does not change the fingerprint.
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

FOLLOWED_PACKAGES = ("event_routing_backends", "tincan")
#: Differs in each release. The native code reads the installed version's.
IGNORED_NAME = "__version__"


class Reference(NamedTuple):
    """A name at the top level of a module."""

    module: str
    name: str


class Definition(NamedTuple):
    """The definition of a name: the digest of its text, and the names that it refers to."""

    digest: bytes
    references: frozenset[Reference]


class Module:
    """The top level of a module, parsed without importing it."""

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
            for name_ in _defined_names(statement):
                self._statements.setdefault(name_, []).append(statement)

    def defines(self, name: str) -> bool:
        """Return True if the module defines the name. An imported name is not defined here."""
        return name in self._statements

    def text(self, name: str) -> str:
        """Return the lines that define the name."""
        return "".join(self._lines_of(statement) for statement in self._statements[name])

    def references(self, name: str) -> Iterator[Reference]:
        """Yield the names in the name's definition: of ``a.b``, both ``a`` and (if ``a`` is a module) its ``b``."""
        for node in (node for statement in self._statements[name] for node in ast.walk(statement)):
            if isinstance(node, ast.Name) and node.id != IGNORED_NAME:
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


class UpstreamCode:
    """The source code of upstream's packages.

    Args:
        roots: the folders of the packages, by the packages' names.
    """

    def __init__(self, roots: dict[str, Path]) -> None:
        self._roots = roots
        self._modules: dict[str, Module | None] = {}
        self._definitions: dict[Reference, Definition] = {}

    @cached_property
    def digest(self) -> str:
        """The digest of all files. The fingerprints of a certified release's files are known without computing them."""
        digest = sha256()
        for package, root in sorted(self._roots.items()):
            for path in sorted(root.rglob("*.py")):
                inner = path.relative_to(root)
                if "tests" not in inner.parts:
                    digest.update(f"{package}/{inner.as_posix()}\n".encode() + sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:32]

    def fingerprint(self, *references: Reference) -> str:
        """Return the digest of all definitions that the names depend on; empty if one of the names has no source."""
        definitions = self.definitions_of(references)
        if not all(reference in definitions for reference in references):
            return ""
        digest = sha256()
        for reference in sorted(definitions):
            digest.update(f"{reference.module}:{reference.name}\n".encode() + definitions[reference].digest)
        return digest.hexdigest()[:32]

    def definitions_of(self, references: Iterable[Reference]) -> dict[Reference, Definition]:
        """Return the definitions of these names, and of all names that they refer to, directly or not."""
        definitions: dict[Reference, Definition] = {}
        waiting = list(references)
        while waiting:
            reference = waiting.pop()
            if reference not in definitions and (definition := self._definition(reference)):
                definitions[reference] = definition
                waiting += definition.references - definitions.keys()
        return definitions

    def _definition(self, reference: Reference) -> Definition | None:
        module = self._module(reference.module)
        if module is None or not module.defines(reference.name):
            return None
        if reference not in self._definitions:
            resolved = {self._resolve(found) for found in set(module.references(reference.name))} - {None, reference}
            digest = sha256(module.text(reference.name).encode()).digest()
            self._definitions[reference] = Definition(digest, frozenset(filter(None, resolved)))
        return self._definitions[reference]

    def _resolve(self, reference: Reference) -> Reference | None:
        """Return the module that defines a name, following imports; None if that is in no followed package."""
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
def installed_upstream_code() -> UpstreamCode:
    """Return the code of the installed packages."""
    specs = {package: find_spec(package) for package in FOLLOWED_PACKAGES}
    return UpstreamCode({package: Path(spec.origin).parent for package, spec in specs.items() if spec and spec.origin})


def _defined_names(statement: ast.stmt) -> set[str]:
    """Return the names that a statement at the top level defines, without those of ``from ... import``."""
    if isinstance(statement, ast.ImportFrom):
        return set()
    if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return {statement.name}
    nodes = list(ast.walk(statement))
    assigned = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return assigned | {alias.asname or alias.name.partition(".")[0] for node in imports for alias in node.names}
