//! Who may do what to whose: every operation of the API document, asked for by everybody, about everybody's things.
use crate::client::{Answer, Client};
use crate::platform::{DataDirectory, Platform, administrator_password};
use hyper::Method;
use infra_testkit::wait_for;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use uuid::Uuid;

/// How long it may take until read models and mails have followed.
const FOLLOWED: Duration = Duration::from_secs(120);

const COLUMNS: [&str; 5] = ["laboratory", "physician", "patient", "administrator", NOBODY];
const NOBODY: &str = "nobody";

/// What is answered; where the path names a thing: of the caller's own / of somebody else's / of one that does not exist.
///
/// No letter is dead here, and no projection is anybody's; it is named by its service too, as a stream is that is revealed,
/// which the table leaves out.
/// A result is the caller's own when it is linked to the caller's account, and authors have filed it too; an event when it
/// is that of such a result; a mail when it tells of one; an erasure and a hold when the caller asked for it.
const TABLE: &str = "
operation                              laboratory   physician    patient      administrator nobody
GET /                                  200          200          200          200          200
GET /.well-known/gateway-jwks.json     200          200          200          200          200
GET /.well-known/jwks.json             200          200          200          200          200
GET /asyncapi.json                     200          200          200          200          200
GET /dashboard                         200          200          200          200          401
GET /dead-letters                      403          403          403          200          401
GET /dead-letters/{id}                 403/403/403  403/403/403  403/403/403  404/404/404  401/401/401
POST /dead-letters/{id}/retry          403/403/403  403/403/403  403/403/403  404/404/404  401/401/401
POST /dead-letters/{id}/skip           403/403/403  403/403/403  403/403/403  404/404/404  401/401/401
GET /docs                              303          303          303          303          303
GET /erasures                          403          403          403          200          401
POST /erasures                         403          403          403          201          401
GET /erasures/{id}                     403/403/403  403/403/403  403/403/403  200/200/404  401/401/401
POST /erasures/{id}/approve            403/403/403  403/403/403  403/403/403  409/202/404  401/401/401
POST /erasures/{id}/decline            403/403/403  403/403/403  403/403/403  200/200/404  401/401/401
GET /healthz                           200          200          200          200          200
GET /keys                              403          403          403          200          401
GET /legal-holds                       403          403          403          200          401
POST /legal-holds                      403          403          403          201          401
POST /legal-holds/{id}/lift            403/403/403  403/403/403  403/403/403  204/204/404  401/401/401
GET /livez                             200          200          200          200          200
POST /login                            200          200          200          200          200
POST /logout                           204          204          204          204          401
GET /mailbox                           200          200          200          200          200
GET /mailbox/{id}                      200/200/404  200/200/404  200/200/404  200/200/404  200/200/404
GET /me                                200          200          200          200          401
POST /me/password                      204          204          204          204          401
GET /notifications                     200          200          200          200          401
GET /notifications/health              200          200          200          200          200
GET /openapi.json                      200          200          200          200          200
POST /ops/projections/{id}/pause       403/403/403  403/403/403  403/403/403  202/202/404  401/401/401
POST /ops/projections/{id}/resume      403/403/403  403/403/403  403/403/403  202/202/404  401/401/401
GET /ops/status                        403          403          403          200          401
POST /ops/streams/{id}/reveal          403/403/403  403/403/403  403/403/403  200/200/404  401/401/401
GET /readyz                            200          200          200          200          200
GET /results                           200          200          200          403          401
POST /results                          201          201          403          403          401
GET /results/health                    200          200          200          200          200
GET /results/{id}                      200/200/404  200/200/404  200/404/404  404/404/404  401/401/401
PATCH /results/{id}                    200/200/404  200/200/404  403/403/403  403/403/403  401/401/401
GET /results/{id}/access               200/200/404  403/403/403  403/403/403  403/403/403  401/401/401
GET /results/{id}/history              200/200/404  200/200/404  200/404/404  404/404/404  401/401/401
GET /saga-log/health                   200          200          200          200          200
GET /saga/logs                         200          403          403          200          401
GET /saga/logs/changes                 200          403          403          200          401
GET /saga/logs/{id}                    200/404/404  403/403/403  403/403/403  200/200/404  401/401/401
POST /saga/logs/{id}/retry             403/403/403  403/403/403  403/403/403  409/409/404  401/401/401
POST /saga/logs/{id}/skip              403/403/403  403/403/403  403/403/403  409/409/404  401/401/401
GET /saga_log/health                   200          200          200          200          200
POST /token/refresh                    200          200          200          200          200
GET /users                             403          403          403          200          401
POST /users                            201          201          201          201          201
GET /users/health                      200          200          200          200          200
GET /users/{id}                        403/403/403  403/403/403  403/403/403  200/200/404  401/401/401
PATCH /users/{id}                      403/403/403  403/403/403  403/403/403  200/200/404  401/401/401
DELETE /users/{id}                     403/403/403  403/403/403  403/403/403  409/204/404  401/401/401
POST /users/{id}/reactivate            403/403/403  403/403/403  403/403/403  200/200/404  401/401/401
GET /worklist/calls                    200          200          403          403          401
";

/// By operation, and in the order of [`COLUMNS`]: one status, or one per owner.
fn table() -> BTreeMap<String, Vec<Vec<u16>>> {
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let operation = format!("{} {}", words.next().unwrap(), words.next().unwrap());
        let statuses = |cell: &str| cell.split('/').map(|status| status.parse().unwrap()).collect::<Vec<u16>>();
        let cells: Vec<_> = words.map(statuses).collect();
        assert_eq!(cells.len(), COLUMNS.len(), "{line}");
        assert!(cells.iter().all(|cell| cell.len() == if operation.contains('{') { 3 } else { 1 }), "{line}");
        (operation, cells)
    };
    let mut lines = TABLE.trim().lines();
    assert_eq!(lines.next().unwrap().split_whitespace().skip(1).collect::<Vec<_>>(), COLUMNS);
    lines.map(row).collect()
}

/// What names no thing at all, beside an id that nobody has.
fn unknown() -> Vec<String> {
    let mut ids: Vec<String> =
        ["0", "-1", "99999999999999999999", "%00", "%FF", "'", "%2e%2e%2fsecrets", "%0d%0aA:b", "null", "\u{b2}"]
            .map(|id| id.replace('\u{b2}', "%C2%B2"))
            .into();
    ids.extend([Uuid::now_v7().to_string(), "9".repeat(500)]);
    ids
}

/// Somebody who asks.
struct Caller {
    column: usize,
    username: String,
    password: String,
    client: Client,
    /// By what the path names.
    own: BTreeMap<&'static str, String>,
}

/// What there is to ask about.
struct World {
    visitor: Client,
    administrator: Client,
    /// What is nobody's of those who ask.
    others: BTreeMap<&'static str, String>,
}

/// What the id in a path is the id of.
fn kind(path: &str) -> &'static str {
    let kinds = [
        "dead-letters",
        "erasures",
        "legal-holds",
        "mailbox",
        "ops/projections",
        "ops/streams",
        "results",
        "saga/logs",
        "users",
    ];
    kinds.into_iter().find(|kind| path.starts_with(&format!("/{kind}/"))).unwrap_or_else(|| panic!("whose is {path}?"))
}

fn role(column: usize) -> &'static str {
    // Nobody has an account all the same, to log in with.
    if COLUMNS[column] == NOBODY { "laboratory" } else { COLUMNS[column] }
}

impl World {
    async fn new(visitor: Client, administrator: Client) -> Self {
        let mut world = Self { visitor, administrator, others: BTreeMap::new() };
        let (username, id) = world.register("physician").await;
        let author = world.visitor.log_in(&username, PASSWORD).await;
        world.others = world.things_about(&author, &id, &Uuid::now_v7().to_string()).await;
        for kind in ["erasures", "legal-holds"] {
            let id = world.asked_by_another(kind).await;
            world.others.insert(kind, id);
        }
        world
    }

    /// A user: the name, and the id.
    async fn register(&self, role: &str) -> (String, String) {
        let username = format!("matrix-{}", Uuid::now_v7());
        let body = json!({"username": username, "password": PASSWORD, "role": role});
        let answer = self.administrator.post("/users", body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        (username, answer.body["id"].as_str().unwrap().to_owned())
    }

    /// Files a result that is linked to `patient`; what belongs to it, and the account `user`, by kind.
    async fn things_about(&self, author: &Client, user: &str, patient: &str) -> BTreeMap<&'static str, String> {
        let body = json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo", "patient_id": patient});
        let filed = author.post("/results", body).await;
        assert_eq!(filed.status, 201, "{}", filed.body);
        let result = filed.body["id"].as_str().unwrap().to_owned();
        let mail = wait_for("the mail about a result", FOLLOWED, async || {
            let mails = self.administrator.all("/notifications").await;
            let sent = mails.into_iter().find(|mail| mail["about"] == *result && mail["state"] == "sent")?;
            Some(sent["id"].as_str().unwrap().to_owned())
        });
        let mail = mail.await;
        let event = wait_for("the result's event in the saga log", FOLLOWED, async || {
            let events = self.administrator.all("/saga/logs?type=ResultCreated&state=PROCESSED").await;
            let filed = events.into_iter().find(|event| event["aggregate"] == *result)?;
            Some(filed["id"].as_str().unwrap().to_owned())
        });
        let event = event.await;
        [
            ("dead-letters", Uuid::now_v7().to_string()),
            ("mailbox", mail),
            ("ops/projections", "notifications/notification".to_owned()),
            ("ops/streams", format!("results/{result}")),
            ("results", result),
            ("saga/logs", event),
            ("users", user.to_owned()),
        ]
        .into()
    }

    /// An erasure or a hold that `administrator` asked for, of somebody's of whom nobody else asks.
    async fn asked(&self, kind: &str, administrator: &Client) -> String {
        let body = self.about_a_key(kind).await;
        let answer = administrator.post(&format!("/{kind}"), body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// As [`Self::asked`], by an administrator who is gone afterwards: the one who asks here stays the last.
    async fn asked_by_another(&self, kind: &str) -> String {
        let (username, id) = self.register("administrator").await;
        let another = self.visitor.log_in(&username, PASSWORD).await;
        let asked = self.asked(kind, &another).await;
        self.deactivate(&id).await;
        asked
    }

    async fn deactivate(&self, user: &str) {
        let gone = self.administrator.send(Method::DELETE, &format!("/users/{user}"), None).await.unwrap();
        assert_eq!(gone.status, 204, "{}", gone.body);
    }

    /// What is sent to ask that the key of a deactivated user be destroyed, or kept.
    async fn about_a_key(&self, kind: &str) -> Value {
        let (_, user) = self.register("reception").await;
        self.deactivate(&user).await;
        let mut body = json!({"subject": user, "purpose": "contact", "reason": "asked for"});
        if kind == "erasures" {
            body["country"] = json!("CL");
        }
        body
    }

    async fn caller(&self, column: usize, administrator: &(String, String)) -> Caller {
        let own_account = COLUMNS[column] == "administrator";
        let (username, password) = if own_account {
            administrator.clone()
        } else {
            (self.register(role(column)).await.0, PASSWORD.to_owned())
        };
        let client = if own_account {
            // Another session would end when this one chooses another password.
            self.administrator.clone()
        } else {
            self.visitor.log_in(&username, &password).await
        };
        let id = client.get("/me").await.body["id"].as_str().unwrap().to_owned();
        let author = if ["laboratory", "physician"].contains(&role(column)) {
            client.clone()
        } else {
            self.visitor.log_in(&self.register("laboratory").await.0, PASSWORD).await
        };
        let own = self.things_about(&author, &id, &id).await;
        let client = if COLUMNS[column] == NOBODY { self.visitor.clone() } else { client };
        Caller { column, username, password, client, own }
    }

    /// The ids to ask about: whose they are, by the column of the cell.
    async fn ids(&self, path: &str, caller: &Caller) -> Vec<Vec<String>> {
        let kind = kind(path);
        // Of their own for each who may decide about them, since they are decided once.
        if ["erasures", "legal-holds"].contains(&kind) && COLUMNS[caller.column] == "administrator" {
            let own = self.asked(kind, &caller.client).await;
            return vec![vec![own], vec![self.asked_by_another(kind).await], unknown()];
        }
        let other = match kind {
            // Of their own for each, since they are changed and taken away.
            "users" => self.register("reception").await.1,
            kind => self.others[kind].clone(),
        };
        let unknown = unknown().into_iter().map(|id| match kind {
            "ops/projections" => format!("notifications/{id}"),
            "ops/streams" => format!("results/{id}"),
            _ => id,
        });
        let own = caller.own.get(kind).unwrap_or(&other).clone();
        vec![vec![own], vec![other], unknown.collect()]
    }
}

const PASSWORD: &str = "matrix-password-1";

/// What a caller sends who has nothing wrong in the body.
async fn body(operation: &str, caller: &mut Caller, world: &World) -> Option<Value> {
    match operation {
        "POST /login" => Some(json!({"username": caller.username, "password": caller.password})),
        "POST /token/refresh" => {
            let body = json!({"username": caller.username, "password": caller.password});
            let session = world.visitor.post("/login", body).await.body;
            Some(json!({"refresh_token": session["refresh_token"]}))
        }
        "POST /me/password" => {
            let (current, new) = (caller.password.clone(), format!("{}-2", caller.password));
            if COLUMNS[caller.column] != NOBODY {
                caller.password.clone_from(&new);
            }
            Some(json!({"current_password": current, "new_password": new}))
        }
        "POST /results" => Some(json!({"patient": "Paciente de Prueba", "result": "Resultado Positivo"})),
        "POST /users" => Some(json!({"username": format!("matrix-{}", Uuid::now_v7()), "password": PASSWORD})),
        "POST /dead-letters/{id}/retry"
        | "POST /dead-letters/{id}/skip"
        | "POST /erasures/{id}/decline"
        | "POST /legal-holds/{id}/lift"
        | "POST /ops/projections/{id}/pause"
        | "POST /ops/projections/{id}/resume"
        | "POST /ops/streams/{id}/reveal"
        | "POST /saga/logs/{id}/retry"
        | "POST /saga/logs/{id}/skip" => Some(json!({"reason": "again"})),
        "POST /erasures" => Some(world.about_a_key("erasures").await),
        "POST /legal-holds" => Some(world.about_a_key("legal-holds").await),
        "PATCH /results/{id}" => Some(json!({"result": "Resultado Negativo", "reason": "Error de transcripción"})),
        "PATCH /users/{id}" => Some(json!({"full_name": "Ana Soto"})),
        "POST /erasures/{id}/approve" | "POST /logout" | "POST /users/{id}/reactivate" => None,
        other => {
            assert!(other.starts_with("GET ") || other.starts_with("DELETE "), "what is sent with {other}?");
            None
        }
    }
}

/// What is wrong with an answer: one that is an error says so in the one form, and the document knows it.
fn faults(answer: &Answer, expected: u16, documented: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let status = answer.status;
    if status != expected {
        faults.push(format!("{status} instead of {expected}"));
    }
    // Where to, no document says.
    if !status.is_redirection() && !documented[status.as_str()].is_object() {
        faults.push(format!("{status} is not in the document"));
    }
    if status.is_client_error() || status.is_server_error() {
        let problem = answer.headers.get("content-type").is_some_and(|kind| kind == "application/problem+json");
        let code = answer.body["code"].as_str().is_some_and(|code| !code.is_empty());
        if !problem || !code || answer.body["status"] != status.as_u16() {
            faults.push(format!("no problem: {:?} {}", answer.headers.get("content-type"), answer.body));
        }
    }
    faults
}

/// Asks for `operation` about `id`, as whoever the caller may be; what is wrong with the answers.
async fn ask(
    operation: &str,
    id: &str,
    expected: u16,
    caller: &mut Caller,
    world: &World,
    known: &Value,
) -> Vec<String> {
    let (method, path) = operation.split_once(' ').unwrap();
    let path = path.replace("{id}", id);
    let is_nobody = COLUMNS[caller.column] == NOBODY;
    let mut clients = vec![caller.client.clone()];
    if operation == "POST /logout" && !is_nobody {
        // Who logs out is still needed.
        clients = vec![world.visitor.log_in(&caller.username, &caller.password).await];
    }
    // With every id that is none it would be more than anybody's quota.
    if is_nobody && (id.is_empty() || id.parse::<Uuid>().is_ok()) {
        clients.push(world.visitor.with_token("eyJhbGciOiJub25lIn0.e30."));
    }
    let mut wrong = Vec::new();
    for client in clients {
        let body = body(operation, caller, world).await;
        let answer = client.send(method.parse::<Method>().unwrap(), &path, body).await.unwrap();
        let what = format!("{} asks for {method} {path}", COLUMNS[caller.column]);
        wrong.extend(faults(&answer, expected, known).into_iter().map(|fault| format!("{what}: {fault}")));
    }
    wrong
}

#[tokio::test]
async fn everybody_gets_what_the_table_of_roles_endpoints_and_owners_says() {
    let data = DataDirectory::new();
    // So much is asked at once that the quotas would answer.
    let platform = Platform::up(&data, &["--rate-post", "100000", "--rate-get", "100000", "--rate-all", "100000"]);
    let visitor = Client::new(&platform.url);
    let administrator = ("admin".to_owned(), administrator_password(&data));
    let world = World::new(visitor.clone(), visitor.log_in(&administrator.0, &administrator.1).await).await;
    let document = visitor.get("/openapi.json").await.body;
    let items = document["paths"].as_object().unwrap().iter();
    let operations: Vec<(String, &Value)> = items
        .flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |(method, about)| (method, path, about)))
        .map(|(method, path, about)| {
            let path = path.replace("{service}/{name}", "{id}").replace("{service}/{stream}", "{id}");
            (format!("{} {path}", method.to_uppercase()), &about["responses"])
        })
        .collect();
    let table = table();
    let names = |operations: &mut dyn Iterator<Item = &String>| operations.cloned().collect::<BTreeSet<_>>();
    let documented = names(&mut operations.iter().map(|(operation, _)| operation));
    assert_eq!(names(&mut table.keys()), documented, "the table names every operation of the document, and no other");

    let mut wrong = Vec::new();
    for (column, _) in COLUMNS.iter().enumerate() {
        let mut caller = world.caller(column, &administrator).await;
        for (operation, known) in &operations {
            let path = operation.split_once(' ').unwrap().1;
            let owners = if path.contains('{') { world.ids(path, &caller).await } else { vec![vec![String::new()]] };
            for (expected, ids) in table[operation][column].iter().zip(owners) {
                for id in ids {
                    wrong.extend(ask(operation, &id, *expected, &mut caller, &world, known).await);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers are others:\n{}", wrong.len(), wrong.join("\n"));
    platform.interrupt();
}
