# Generated from _async/variables.py by scripts/unasync.py; change that file, not this one.
"""Calls about variables (contract §11.5)."""

from uuid import UUID

from headrace.client import calls
from headrace.client._sync.base import Part
from headrace.wire.errors import ObjectNotFound
from headrace.wire.filters import VariableFilter
from headrace.wire.sorts import VariableSort
from headrace.wire.variables import Variable, VariableCreate, VariableUpdate


class VariableCalls(Part):
    """A variable is a JSON value under a name."""

    def create_variable(self, variable: VariableCreate) -> Variable:
        """Make a variable. Raises `ObjectAlreadyExists` if the name is taken."""
        return self._call("POST", "/variables/", Variable, body=variable)

    def read_variable(self, variable_id: UUID) -> Variable:
        """One variable. Raises `ObjectNotFound`."""
        return self._call("GET", f"/variables/{variable_id}", Variable)

    def read_variable_by_name(self, name: str) -> Variable | None:
        """The variable of that name, or None if there is none."""
        try:
            return self._call("GET", f"/variables/name/{calls.part(name)}", Variable)
        except ObjectNotFound:
            return None

    def update_variable(self, variable: VariableUpdate) -> None:
        """Change the variable of the name in the update. Raises `ObjectNotFound`."""
        self._tell("PATCH", f"/variables/name/{calls.part(variable.name or '')}", body=variable)

    def update_variable_by_id(self, variable_id: UUID, variable: VariableUpdate) -> None:
        """Change a variable, its name too if one is given. Raises `ObjectNotFound`."""
        self._tell("PATCH", f"/variables/{variable_id}", body=variable)

    def delete_variable(self, variable_id: UUID) -> None:
        """Delete a variable. Raises `ObjectNotFound`."""
        self._tell("DELETE", f"/variables/{variable_id}")

    def delete_variable_by_name(self, name: str) -> None:
        """Delete the variable of that name. Raises `ObjectNotFound`."""
        self._tell("DELETE", f"/variables/name/{calls.part(name)}")

    def read_variables(
        self,
        limit: int | None = 200,
        offset: int = 0,
        *,
        variable_filter: VariableFilter | None = None,
        sort: VariableSort | None = None,
    ) -> list[Variable]:
        """Variables that pass the filter, by name; `limit=None` reads all of them, page by page."""
        body = {"variables": variable_filter, "sort": sort}
        return self._list("/variables/filter", Variable, body, limit=limit, offset=offset)

    def count_variables(self, *, variable_filter: VariableFilter | None = None) -> int:
        """How many variables pass the filter."""
        return self._count("/variables/count", {"variables": variable_filter})
