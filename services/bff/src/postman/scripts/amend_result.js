pm.test("the result is amended", function () {
    pm.response.to.have.status(200);
    pm.expect(pm.response.json().status).to.equal("amended");
});
pm.test("amending it was a change: the entity tag moved", function () {
    pm.expect(pm.response.headers.get("ETag")).to.not.equal(pm.collectionVariables.get("result_etag"));
});
