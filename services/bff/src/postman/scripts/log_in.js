pm.test("logged in", function () {
    pm.response.to.have.status(200);
});
const body = pm.response.json();
pm.test("there is one access token, under both of its names", function () {
    pm.expect(body.access_token).to.be.a("string").and.not.be.empty;
    pm.expect(body.token).to.equal(body.access_token);
    pm.expect(body.token_type).to.match(/^bearer$/i);
    pm.expect(body.expires_in).to.be.above(0);
});
pm.collectionVariables.set("access_token", body.access_token);
pm.collectionVariables.set("refresh_token", body.refresh_token);
