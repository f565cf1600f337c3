"""What OpenAPI says of each thing that can be asked, from the fields of the bundle's predictor."""

from typing import Any

from raphe.core.bundles.fields import Field
from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.sentences import listed
from raphe.serve.bodies import JSON
from raphe.serve.limits import TEXT_BYTES, Limits

ERROR = {
    "description": "refused; what was expected, in one sentence",
    "content": {JSON: {"schema": {"type": "object", "properties": {"error": {"type": "string"}}}}},
}
REFUSED = {  # and no other: FastAPI would add its own
    400: ERROR,
    408: ERROR,
    413: ERROR,
    415: ERROR,
    422: ERROR,
    503: ERROR,
    504: ERROR,
}


class OpenApi:
    """Of one opened bundle: the arguments of a route of FastAPI by what is asked."""

    def __init__(self, predictor: BundlePredictor) -> None:
        self._predictor = predictor

    def facts(self, limits: Limits) -> dict[str, Any]:
        """What the bundle is and takes, as JSON."""
        predictor = self._predictor
        manifest = predictor.manifest
        shown = ("kind", "raphe", "classes", "note", "window")
        return {
            **{name: manifest[name] for name in shown if name in manifest},
            "content_hash": predictor.content_hash,
            "fields": _facts_of(predictor.FIELDS),
            "suffixes": list(predictor.SUFFIXES),
            "file_fields": _facts_of(predictor.FILE_FIELDS),
            "answer": dict(predictor.ANSWER),
            "file_bytes": limits.file_bytes,
            "text_bytes": min(TEXT_BYTES, limits.file_bytes),
        }

    @property
    def page(self) -> dict[str, Any]:
        return {"summary": "this page", "include_in_schema": False}

    @property
    def health(self) -> dict[str, Any]:
        return {"summary": "whether the server answers"}

    @property
    def bundle(self) -> dict[str, Any]:
        return {"summary": "what the bundle is, which values and files it takes, and the limits"}

    @property
    def card(self) -> dict[str, Any]:
        return {"summary": "the model card, in Markdown: read it first"}

    @property
    def predict(self) -> dict[str, Any]:
        fields = self._predictor.FIELDS
        schema = {
            "type": "object",
            "properties": {field.name: field.schema for field in fields},
            "required": [field.name for field in fields if field.needed],
            "additionalProperties": False,
            "example": self._predictor.example(),
        }
        body = {"required": True, "content": {JSON: {"schema": schema}}}
        return self._answering("the answer to values in JSON", {"requestBody": body})

    @property
    def predict_file(self) -> dict[str, Any]:
        suffixes = listed(self._predictor.SUFFIXES, "or")
        name = Field("name", "text", f"of the file: {suffixes}; stands in errors", True)
        parameters = [
            {
                "name": field.name,
                "in": "query",
                "required": field.needed,
                "description": field.meaning,
                "schema": {"type": "string"} if field.kind == "shares" else field.schema,
            }
            for field in (name, *self._predictor.FILE_FIELDS)
        ]
        binary = {"schema": {"type": "string", "format": "binary"}}
        body = {"required": True, "content": {"application/octet-stream": binary}}
        extra = {"parameters": parameters, "requestBody": body}
        return self._answering("the answer to a file, which is the body", extra)

    def _answering(self, summary: str, extra: dict[str, Any]) -> dict[str, Any]:
        properties = {
            name: {"description": meaning} for name, meaning in self._predictor.ANSWER.items()
        }
        answer = {"schema": {"type": "object", "properties": properties}}
        responses = {200: {"description": "the answer", "content": {JSON: answer}}, **REFUSED}
        return {"summary": summary, "responses": responses, "openapi_extra": extra}


def _facts_of(fields: tuple[Field, ...]) -> dict[str, str]:
    return {field.name: field.meaning for field in fields}
