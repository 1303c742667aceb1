// The saga goes on by itself: ask again until it has settled, every 300 ms, 30 times at most.
const MOST_TRIES = 30;
const EXPECTED = ["ResultCreated", "NotificationSent"];
const items = pm.response.code === 200 ? pm.response.json().items : [];
const types = items.map((item) => item.event_type);
const settled = EXPECTED.every((type) => types.includes(type)) && items.every((item) => item.state === "PROCESSED");
const tries = Number(pm.collectionVariables.get("saga_tries") || "0") + 1;
if (!settled && tries < MOST_TRIES) {
    pm.collectionVariables.set("saga_tries", String(tries));
    setTimeout(function () {}, 300);
    pm.execution.setNextRequest(pm.info.requestName);
} else {
    pm.collectionVariables.set("saga_tries", "0");
    pm.test("the saga log is shown", function () {
        pm.response.to.have.status(200);
    });
    pm.test("the result was created and the patient was told", function () {
        pm.expect(types).to.include.members(EXPECTED);
    });
    pm.test("every event of the saga is PROCESSED", function () {
        pm.expect(items.map((item) => item.event_type + " " + item.state + " " + item.correlation_id)).to.eql(
            types.map((type) => type + " PROCESSED " + pm.collectionVariables.get("correlation_id"))
        );
    });
}
