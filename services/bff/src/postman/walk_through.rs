//! The walk-through: each request saves what the next ones need and asserts what it got.
use super::{json_body, script, url};
use serde_json::{Value, json};

/// One request of the walk-through.
struct Step {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    query: &'static [(&'static str, &'static str)],
    body: Option<&'static str>,
    headers: &'static [(&'static str, &'static str)],
    /// With the saved token; without one otherwise.
    signed_in: bool,
    test: &'static str,
}

const STEPS: [Step; 11] = [
    Step {
        name: "1 Register",
        method: "POST",
        path: "/users",
        query: &[],
        body: Some(r#"{"username":"usuario2","password":"password2","role":1}"#),
        headers: &[],
        signed_in: false,
        test: include_str!("scripts/register.js"),
    },
    Step {
        name: "2 Log in",
        method: "POST",
        path: "/login",
        query: &[],
        body: Some(r#"{"username":"usuario2","password":"password2"}"#),
        headers: &[],
        signed_in: false,
        test: include_str!("scripts/log_in.js"),
    },
    Step {
        name: "3 Who am I",
        method: "GET",
        path: "/me",
        query: &[],
        body: None,
        headers: &[],
        signed_in: true,
        test: include_str!("scripts/me.js"),
    },
    Step {
        name: "4 File a result",
        method: "POST",
        path: "/results",
        query: &[],
        body: Some(r#"{"patient":"Paciente de Prueba","result":"Resultado Positivo"}"#),
        headers: &[],
        signed_in: true,
        test: include_str!("scripts/file_result.js"),
    },
    Step {
        name: "5 Read it",
        method: "GET",
        path: "/results/{{result_number}}",
        query: &[],
        body: None,
        headers: &[],
        signed_in: true,
        test: include_str!("scripts/read_result.js"),
    },
    Step {
        name: "6 See in the saga log that all of it happened",
        method: "GET",
        path: "/saga/logs",
        query: &[("correlation_id", "{{correlation_id}}")],
        body: None,
        headers: &[],
        signed_in: true,
        test: include_str!("scripts/saga_log.js"),
    },
    Step {
        name: "7 Amend it",
        method: "PATCH",
        path: "/results/{{result_id}}",
        query: &[],
        body: Some(r#"{"result":"Resultado Negativo","reason":"Error de transcripción"}"#),
        headers: &[("If-Match", "{{result_etag}}")],
        signed_in: true,
        test: include_str!("scripts/amend_result.js"),
    },
    Step {
        name: "8 Read it with its notifications and its saga",
        method: "GET",
        path: "/results/{{result_id}}",
        query: &[("include", "notifications,saga")],
        body: None,
        headers: &[],
        signed_in: true,
        test: include_str!("scripts/read_with_parts.js"),
    },
    Step {
        name: "9 Everything at a glance",
        method: "GET",
        path: "/dashboard",
        query: &[],
        body: None,
        headers: &[],
        signed_in: true,
        test: include_str!("scripts/dashboard.js"),
    },
    Step {
        name: "10 Without a token nothing is shown",
        method: "GET",
        path: "/results/{{result_number}}",
        query: &[],
        body: None,
        headers: &[],
        signed_in: false,
        test: include_str!("scripts/no_token.js"),
    },
    Step {
        name: "11 It runs",
        method: "GET",
        path: "/healthz",
        query: &[],
        body: None,
        headers: &[],
        signed_in: false,
        test: include_str!("scripts/health.js"),
    },
];

pub(super) fn folder() -> Value {
    json!({
        "name": "Walk-through",
        "description": "In this order. A second run finds the user registered (409) and goes on.",
        "item": STEPS.iter().map(item).collect::<Vec<_>>(),
    })
}

fn item(step: &Step) -> Value {
    let query: Vec<Value> = step.query.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    let mut headers: Vec<Value> = step.headers.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    let mut request = json!({"method": step.method, "url": url(step.path, &query, &[])});
    if let Some(body) = step.body {
        let (header, body) = json_body(body);
        headers.push(header);
        request["body"] = body;
    }
    request["header"] = headers.into();
    if !step.signed_in {
        request["auth"] = json!({"type": "noauth"});
    }
    json!({"name": step.name, "request": request, "event": [script("test", step.test)]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bodies_are_those_of_the_walk_through() {
        let bodies: Vec<&str> = STEPS.iter().filter_map(|step| step.body).collect();
        assert_eq!(
            bodies[..3],
            [
                r#"{"username":"usuario2","password":"password2","role":1}"#,
                r#"{"username":"usuario2","password":"password2"}"#,
                r#"{"patient":"Paciente de Prueba","result":"Resultado Positivo"}"#,
            ]
        );
    }

    #[test]
    fn names_are_unique_for_who_jumps_to_them() {
        let mut names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }

    #[test]
    fn every_step_asserts_something() {
        for step in &STEPS {
            assert!(step.test.contains("pm.test("), "{}", step.name);
        }
    }

    #[test]
    fn the_poll_is_bounded_and_the_run_ends_with_the_walk_through() {
        let poll = STEPS.iter().find(|step| step.path == "/saga/logs").map(|step| step.test).unwrap();
        assert!(poll.contains("MOST_TRIES = 30") && poll.contains("pm.execution.setNextRequest(pm.info.requestName)"));
        let last = STEPS.last().map(|step| step.test).unwrap();
        assert!(last.contains("pm.execution.setNextRequest(null)"));
    }
}
