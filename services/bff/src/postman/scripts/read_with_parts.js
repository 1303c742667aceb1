pm.test("the result is shown as amended", function () {
    pm.response.to.have.status(200);
    pm.expect(pm.response.json().result).to.equal("Resultado Negativo");
});
pm.test("the other services' parts are there", function () {
    const body = pm.response.json();
    pm.expect(body.notifications.items).to.be.an("array").and.not.be.empty;
    const events = body.saga.items.map(function (event) { return event.event_type; });
    pm.expect(events).to.include("ResultCreated");
});
