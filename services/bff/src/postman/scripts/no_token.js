pm.test("without a token there is a problem and nothing else", function () {
    pm.response.to.have.status(401);
    pm.expect(pm.response.headers.get("Content-Type")).to.include("application/problem+json");
    pm.expect(pm.response.json().code).to.equal("unauthorized");
});
