pm.test("the result is filed", function () {
    pm.response.to.have.status(201);
    pm.expect(pm.response.headers.get("Location")).to.match(/^\/results\//);
});
const body = pm.response.json();
pm.test("it has an id and a running number", function () {
    pm.expect(body.id).to.match(/^[0-9a-f-]{36}$/);
    pm.expect(body.number).to.be.above(0);
});
pm.collectionVariables.set("result_id", body.id);
pm.collectionVariables.set("result_number", String(body.number));
pm.collectionVariables.set("correlation_id", pm.response.headers.get("Historia-Correlation-Id"));
pm.collectionVariables.set("saga_tries", "0");
