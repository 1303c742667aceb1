pm.test("the dashboard has three services' parts", function () {
    pm.response.to.have.status(200);
    const body = pm.response.json();
    pm.expect(body.me.username).to.equal("usuario2");
    pm.expect(body.results.items).to.be.an("array").and.not.be.empty;
    pm.expect(body.notifications).to.be.an("object");
});
