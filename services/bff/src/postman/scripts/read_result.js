pm.test("the result is shown as it was filed", function () {
    pm.response.to.have.status(200);
    const body = pm.response.json();
    pm.expect(body.id).to.equal(pm.collectionVariables.get("result_id"));
    pm.expect(body.patient).to.equal("Paciente de Prueba");
    pm.expect(body.result).to.equal("Resultado Positivo");
});
pm.test("it has an entity tag and is kept by no cache", function () {
    pm.expect(pm.response.headers.get("ETag")).to.match(/^"\d+"$/);
    pm.expect(pm.response.headers.get("Cache-Control")).to.include("no-store");
});
pm.collectionVariables.set("result_etag", pm.response.headers.get("ETag"));
