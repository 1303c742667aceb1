pm.test("it is me", function () {
    pm.response.to.have.status(200);
    pm.expect(pm.response.json().username).to.equal("usuario2");
});
