//! The index says of any day what the procedures themselves say of it: lists are read from segments
//! written as differences, single resources from a fold of the events, and the two must agree.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use ehcp_timeline::service::rebuild::rebuild_all;
use serde_json::Value;

use crate::harness::{day, ids};
use crate::walk::Walk;

const STATUSES: [&str; 5] = ["running", "overdue", "met", "late", "cancelled"];
const FLAGS: [&str; 9] = [
    "advice_late",
    "advice_missing",
    "advice_returned",
    "advice_declined",
    "advice_after_plan",
    "clock_overdue",
    "due_soon",
    "exception_claimed",
    "draft_window_cut_short",
];

/// Clocks in the order of the list.
fn sorted(mut clocks: Vec<Value>) -> Vec<Value> {
    clocks.sort_by_key(|clock| {
        (
            clock["due_on"].as_str().unwrap().to_owned(),
            clock["id"].as_str().unwrap().to_owned(),
        )
    });
    clocks
}

fn without_reasons(clock: &Value) -> Value {
    let mut clock = clock.clone();
    clock
        .as_object_mut()
        .unwrap()
        .retain(|field, _| field != "explanation" && field != "exceptions");
    clock
}

impl Walk {
    /// Every clock of every procedure, each read from its own procedure on a day.
    async fn union_on(&self, as_of: NaiveDate) -> Vec<Value> {
        let mut clocks = Vec::new();
        for id in &self.assessments {
            let answer = self
                .service
                .read(&format!("/v1/assessments/{id}?as_of={as_of}"))
                .await;
            if answer.status == 400 {
                assert_eq!(answer.faults(), ["/as_of before_opening"]);
                continue;
            }
            clocks.extend(answer.expect(200).body["clocks"].as_array().unwrap().clone());
        }
        sorted(clocks)
    }

    /// The days on which something changes, and those beside them.
    async fn telling_days(&self) -> BTreeSet<NaiveDate> {
        let mut days = BTreeSet::new();
        for id in &self.assessments {
            for event in self.service.list(&format!("/v1/assessments/{id}/events")).await {
                for field in ["occurred_on", "sent_on", "served_on", "received_on"] {
                    days.extend(event[field].as_str().map(day));
                }
            }
        }
        let due = self.service.list("/v1/clocks").await;
        days.extend(due.iter().map(|clock| day(clock["due_on"].as_str().unwrap())));
        days.iter()
            .flat_map(|day| [*day - Days::new(1), *day, *day + Days::new(1)])
            .collect()
    }

    async fn assert_flags_agree(&self) {
        for (resource, all) in [("assessments", &self.assessments), ("cases", &self.cases)] {
            let mut flagged: Vec<(String, Vec<String>)> = Vec::new();
            for id in all {
                flagged.push((
                    id.clone(),
                    self.service
                        .read(&format!("/v1/{resource}/{id}"))
                        .await
                        .expect(200)
                        .flags(),
                ));
            }
            flagged.sort();
            for flag in FLAGS {
                let listed = self.service.list(&format!("/v1/{resource}?flag={flag}")).await;
                let single: Vec<&str> = flagged
                    .iter()
                    .filter(|(_, flags)| flags.iter().any(|up| up == flag))
                    .map(|(id, _)| id.as_str())
                    .collect();
                assert_eq!(ids(&listed), single, "{flag} on {resource} on {}", self.today);
            }
        }
    }
}

#[actix_web::test]
async fn the_list_of_any_day_is_the_union_of_the_procedures() {
    for seed in 1..=2 {
        let mut walk = Walk::new(seed, 6).await;
        for _ in 0..110 {
            walk.step().await;
        }
        assert!(walk.accepted > 25, "seed {seed} accepted only {}", walk.accepted);
        let days: Vec<NaiveDate> = walk.telling_days().await.into_iter().collect();
        let every = days.len() / 35 + 1;
        for (number, as_of) in days.into_iter().step_by(every).enumerate() {
            let union = walk.union_on(as_of).await;
            let explained = walk
                .service
                .list(&format!("/v1/clocks?as_of={as_of}&include=explanation"))
                .await;
            assert_eq!(explained, union, "seed {seed} on {as_of}");
            let bare: Vec<Value> = union.iter().map(without_reasons).collect();
            assert_eq!(
                walk.service.list(&format!("/v1/clocks?as_of={as_of}")).await,
                bare,
                "seed {seed} on {as_of}"
            );
            if number % 4 == 0 {
                for status in STATUSES {
                    let listed = walk
                        .service
                        .list(&format!("/v1/clocks?as_of={as_of}&status={status}"))
                        .await;
                    let wanted: Vec<&Value> = bare.iter().filter(|clock| clock["status"] == status).collect();
                    assert_eq!(
                        listed.iter().collect::<Vec<_>>(),
                        wanted,
                        "seed {seed}: {status} on {as_of}"
                    );
                }
            }
        }
    }
}

#[actix_web::test]
async fn the_lists_by_flag_are_the_procedures_that_show_it() {
    for seed in 11..=12 {
        let mut walk = Walk::new(seed, 6).await;
        for _ in 0..6 {
            for _ in 0..18 {
                walk.step().await;
            }
            walk.assert_flags_agree().await;
        }
    }
}

#[actix_web::test]
async fn a_random_history_leaves_the_index_as_a_rebuild_would() {
    let mut walk = Walk::new(21, 6).await;
    for _ in 0..100 {
        walk.step().await;
    }
    let service = &walk.service;
    let check = |check_only| rebuild_all(&service.app.store, check_only, |_| {}).unwrap();
    let report = check(true);
    assert_eq!((report.procedures, report.differing), (6, 0));
    let before = service.list("/v1/clocks").await;
    // One that was opened in error holds nothing.
    let holding =
        service.count("(SELECT procedure_id FROM clocks UNION SELECT procedure_id FROM flags) AS held");
    let holding = u64::try_from(holding).unwrap();

    // Whatever is broken behind its back is reported, and mended from the events alone.
    for (sql, differing) in [
        (
            "UPDATE clocks SET due_on = '2030-01-01' WHERE clock_id = (SELECT min(clock_id) FROM clocks)",
            1,
        ),
        (
            "DELETE FROM clocks WHERE clock_id = (SELECT max(clock_id) FROM clocks)",
            1,
        ),
        (
            "UPDATE procedures SET state = 'drafting', opened_on = '2020-01-01'",
            6,
        ),
        ("UPDATE procedures SET is_open = false WHERE state = 'void'", 0),
        ("DELETE FROM flags; DELETE FROM clocks", holding),
        ("UPDATE procedures SET fingerprint = 'old'", 6),
    ] {
        service.tamper(sql);
        assert_eq!(check(true).differing, differing, "{sql}");
        assert_eq!(check(false).differing, differing, "{sql}");
        assert_eq!(check(true).differing, 0, "{sql}");
        assert_eq!(service.list("/v1/clocks").await, before, "{sql}");
    }
}

#[actix_web::test]
async fn a_tampered_row_of_an_advice_request_is_mended_too() {
    let mut walk = Walk::new(22, 3).await;
    for _ in 0..60 {
        walk.step().await;
    }
    let service = &walk.service;
    let requests = service.list("/v1/advice-requests").await;
    assert!(!requests.is_empty());
    service.tamper("UPDATE advice_requests SET state = 'accepted', due_on = '2030-01-01'");
    let report = rebuild_all(&service.app.store, true, |_| {}).unwrap();
    assert!(
        report.differing > 0,
        "what lists of requests are read from is part of the index"
    );
    rebuild_all(&service.app.store, false, |_| {}).unwrap();
    let mended = service.list("/v1/advice-requests").await;
    let read = |items: &[Value]| {
        items
            .iter()
            .map(|item| format!("{} {} {}", item["id"], item["state"], item["due_on"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(read(&mended), read(&requests));
}
