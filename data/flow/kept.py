"""Settings that a task file has in a table of their own, and a plan keeps."""

from __future__ import annotations

from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from data.settings import Section


class Kept(Section):
    """Settings that stand in a plan: those that have their default are left out, so that later ones change no hash."""

    @model_serializer(mode="wrap")
    def _as_written(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = whole(self)
        fields = type(self).model_fields
        return {name: value for name, value in content.items() if value != fields[name].default}
