pm.test("the user is registered, now or before", function () {
    pm.expect(pm.response.code).to.be.oneOf([201, 409]);
});
pm.test("the answer names the saga", function () {
    pm.expect(pm.response.headers.get("Historia-Correlation-Id")).to.match(/^[0-9a-f-]{36}$/);
});
if (pm.response.code === 409) {
    pm.test("a problem says why", function () {
        pm.expect(pm.response.headers.get("Content-Type")).to.include("application/problem+json");
    });
}
