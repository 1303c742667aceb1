pm.test("the gateway is well", function () {
    pm.response.to.have.status(200);
    pm.expect(pm.response.json().status).to.equal("OK");
});
// The other folders are for trying one request at a time: some of them log out, or deactivate.
pm.execution.setNextRequest(null);
