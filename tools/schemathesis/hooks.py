"""Every error is an RFC 9457 problem, whatever the request was: also those that the document cannot list, such as 405."""

import jsonschema_rs
import schemathesis

MEDIA_TYPE = "application/problem+json"
# They say in their own words what does not work.
HEALTH = ("/readyz", "/health")


@schemathesis.check
def every_error_is_a_problem(ctx, response, case):
    status = response.status_code
    if status < 400 or (status == 503 and case.path.endswith(HEALTH)):
        return
    # RFC 9110 §9.3.2: an answer to HEAD has no content.
    media_type = response.headers.get("content-type", [""])[0]
    assert media_type == MEDIA_TYPE, f"{status} is {media_type or 'of no media type'}"
    if response.request.method == "HEAD":
        return
    document = case.operation.schema.raw_schema
    schema = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    problem = response.json()
    jsonschema_rs.validator_for(schema).validate(problem)
    assert problem["status"] == status, f"{status} says that it is {problem['status']}"
    assert problem["type"].endswith("/" + problem["code"]) or status == 429, "type and code differ"
