//! What is left of a case that was disposed of: its line on a list, and the trail.

use actix_web::http::Method;
use diesel::connection::SimpleConnection;
use ehcp_timeline::auth::Role;
use ehcp_timeline::service::lease::Replica;
use ehcp_timeline::service::sealing::seal_everything;
use ehcp_timeline::store::Location;
use ehcp_timeline::store::contents::{Scope, read_rows};
use ehcp_timeline::store::table::known_tables;
use serde_json::json;

use crate::chain::verified;
use crate::harness::{Actor, Service, each};
use crate::stranger::{Seeded, look_everywhere, seed};

/// What tells of the child that [`seed`] makes up, and of what is written about it below; never an id.
const TELLING: [&str; 24] = [
    "quenella",
    "vantongeren",
    "2015-03-09",
    "2046-03-09",
    "d885200024001",
    "9990000018",
    "1000000043",
    "wr5 2zz",
    "zq-77",
    "ottoline",
    "hidden lane",
    "winterbourne",
    "says hello",
    "likes trains",
    "needs rest",
    "the seal's own note",
    "granted for the tribunal",
    "glass broken in the night",
    "held for the ombudsman",
    "kept for a cousin",
    "looked up for a complaint",
    "searched for a neighbour",
    "asked for in vain",
    "fifteen-minute-note",
];

/// A child's case with everything that can be written of one, closed.
async fn written_about() -> Seeded {
    let seeded = seed().await;
    let (service, case_id) = (&seeded.service, &seeded.case_id);
    let manager = service.actor(Role::Manager);
    let of_case = |part: &str| format!("/v1/cases/{case_id}/{part}");
    let reference = service.body(&format!("/v1/cases/{case_id}")).await["reference"].clone();
    let because = |actor: &Actor, uri: &str, why: &str| {
        let request = actor.request(Method::GET, uri);
        request.insert_header(("Access-Reason", why.to_owned()))
    };
    let caseworker = service.caseworker();
    let uri = format!("/v1/cases/{case_id}");
    let asked = because(&caseworker, &uri, "Looked up for a complaint");
    service.send(asked).await.expect(200);
    let search = caseworker
        .request(Method::POST, "/v1/cases/search")
        .insert_header(("Access-Reason", "Searched for a neighbour"));
    service
        .send(search.set_json(json!({ "name": "quen" })))
        .await
        .expect(200);
    let plan = service.body(&uri).await["procedures"].clone();
    let plan = plan.as_array().unwrap().iter();
    let plan = plan.into_iter().find(|one| one["procedure"] == "plan").unwrap()["id"].clone();
    let plan = format!("/v1/plans/{}", plan.as_str().unwrap());
    let made = json!({ "type": "plan_made", "occurred_on": "2026-02-18", "note": "Fifteen-minute-note" });
    service
        .act(&caseworker, &format!("{plan}/events"), 1, made)
        .await
        .expect(201);
    service.close(case_id, "2026-02-20").await;
    let seal = json!({ "ground": "adoption", "note": "The seal's own note" });
    service.post(&manager, &of_case("seal"), seal).await.expect(201);
    let grant = json!({ "subject": "caseworker-885", "reason": "Granted for the tribunal" });
    service
        .post(&manager, &of_case("grants"), grant)
        .await
        .expect(201);
    let reader = service.actor_of_subject("reader", Role::Caseworker);
    let in_vain = because(&reader, &plan, "Asked for in vain");
    service.send(in_vain).await.expect(404);
    let breaking = json!({ "reference": reference, "reason": "Glass broken in the night" });
    service
        .post(&reader, "/v1/break-glass-readings", breaking)
        .await
        .expect(201);
    let to_reviewer = json!({ "subject": "reviewer", "reason": "they review" });
    service
        .post(&manager, &of_case("grants"), to_reviewer)
        .await
        .expect(201);
    let hold = service.hold(case_id, "Held for the ombudsman").await;
    let lifting = of_case(&format!("legal-holds/{hold}/lifting"));
    service.post(&manager, &lifting, json!({})).await.expect(200);
    service.get(&manager, &of_case("export")).await.expect(200);
    seeded
}

/// Which of the texts stand anywhere in the database.
fn found_in(service: &Service, texts: &[&'static str]) -> Vec<String> {
    let mut connection = service.behind();
    let scope = Scope {
        schema: "",
        la_code: None,
    };
    let mut found = Vec::new();
    for table in known_tables().unwrap() {
        let rows = read_rows(&mut connection, &table, scope, None, 100_000).unwrap();
        for row in rows {
            let said = json!(row).to_string().to_lowercase();
            let told = texts.iter().filter(|text| said.contains(*text));
            found.extend(told.map(|text| format!("{text} in {}", table.name)));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Which of the texts the bytes of a SQLite file hold, once its log is moved into it.
fn found_in_file(service: &Service, texts: &[&'static str]) -> Option<Vec<&'static str>> {
    let Location::SqliteFile(path) = &service.location else {
        return None;
    };
    service
        .behind()
        .batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let log = path.with_extension("db-wal");
    assert_eq!(std::fs::metadata(log).unwrap().len(), 0, "the log was moved");
    let bytes = std::fs::read(path).unwrap().to_ascii_lowercase();
    let holds = |text: &&&str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    Some(texts.iter().filter(holds).copied().collect())
}

#[actix_web::test]
async fn a_case_that_was_disposed_of_leaves_no_trace_but_the_fact_and_the_trail() {
    let Seeded {
        service,
        case_id,
        needles,
        ..
    } = written_about().await;
    let other = service.due_case("1970-05-17").await;
    service.app.write_readings().await.unwrap();
    service.set_today("2046-03-10");
    let (manager, reviewer) = (service.actor(Role::Manager), service.reviewer());
    let uri = format!("/v1/cases/{case_id}/grants");
    for subject in ["caseworker-885", "reviewer"] {
        let grant = json!({ "subject": subject, "reason": "they keep it" });
        service.post(&manager, &uri, grant).await.expect(201);
    }
    // A list before, on which it was kept.
    let first = service.make_list(10).await.expect(201).id();
    let keep = json!({ "keep": [{ "case_id": case_id, "reason": "Kept for a cousin" }, { "case_id": other, "reason": "x" }] });
    service
        .act_on_list(&reviewer, &first, "review", keep)
        .await
        .expect(200);
    service.dispose(&first).await.expect(200);
    let second = service.make_list(10).await.expect(201).id();
    let keep = json!({ "keep": [{ "case_id": other, "reason": "x" }] });
    service
        .act_on_list(&reviewer, &second, "review", keep)
        .await
        .expect(200);
    service.app.write_readings().await.unwrap();
    let before = found_in(&service, &TELLING);
    for text in TELLING {
        let is_there = before.iter().any(|line| line.starts_with(text));
        assert!(is_there, "{text} is nowhere, or the walk proves nothing");
    }
    let all: Option<Vec<&str>> = found_in_file(&service, &TELLING);
    assert!(all.is_none_or(|found| found.len() == TELLING.len()));
    let now = service.app.clock.now().naive_utc();
    seal_everything(&service.app.store, &Replica::new(), now).unwrap();

    let uri = format!("/v1/cases/{case_id}");
    let request = service.caseworker().request(Method::GET, &uri);
    let request = request.insert_header(("Access-Reason", "Looked up for a complaint"));
    service.send(request).await.expect(200);
    let done = service.dispose(&second).await.expect(200);
    let mut expected = [format!("{case_id} dispose"), format!("{other} keep")];
    expected.sort();
    let items = done.body["items"].as_array().unwrap().iter();
    let told: Vec<String> = items
        .map(|item| {
            let text = |name: &str| item[name].as_str().unwrap().to_owned();
            format!("{} {}", text("case_id"), text("decision"))
        })
        .collect();
    assert_eq!(told, expected);
    service.app.write_readings().await.unwrap();
    assert_eq!(found_in(&service, &TELLING), [] as [String; 0]);
    assert!(found_in_file(&service, &TELLING).is_none_or(|found| found.is_empty()));

    // What of the trail names it says nothing of it, and still proves itself.
    seal_everything(&service.app.store, &Replica::new(), now).unwrap();
    let report = verified(&mut service.behind(), 1, None);
    assert_eq!((report.wrong, report.unsealed), (0, 0), "{:?}", report.findings);
    assert!(report.reasons_removed >= 7, "{}", report.reasons_removed);
    let auditor = service.actor(Role::Auditor);
    let trail = format!("/v1/audit?case_id={case_id}");
    let trail = service.pages(&auditor, &trail, 200).await;
    let actions = each(&trail, "action");
    for action in [
        "open_case",
        "get_case",
        "search_cases",
        "seal_case",
        "export_case",
        "dispose_of_case",
    ] {
        assert!(actions.contains(&&json!(action)), "{action}: {actions:?}");
    }

    // It is nowhere, and its numbers are free: what is looked up here opens cases with them.
    let found = look_everywhere(&service, &service.caseworker(), &needles).await;
    assert_eq!(found, [] as [String; 0]);
    let taken = json!({ "name": "b" });
    let opened = service.caseworker().request(Method::POST, "/v1/cases/search");
    let opened = service.send(opened.set_json(taken)).await.expect(200);
    assert_eq!(
        opened.body["items"].as_array().unwrap().len(),
        2,
        "two were opened"
    );
    assert_eq!(
        service.retention(&other).await["case_id"],
        json!(other),
        "the other one is as it was"
    );
}
