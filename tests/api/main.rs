//! The API as its users meet it: in process, a real database per test, typed actors, a frozen day.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test that cannot go on fails the test"
)]

mod exports;
mod family;
mod field_level;
mod fifteen_years;
mod harness;
#[expect(dead_code, reason = "only other tests stop and start a server")]
#[path = "../support/postgres.rs"]
mod postgres;

mod advice;
mod assessments;
mod authorisation;
mod cases;
mod chain;
mod clients;
mod clocks;
mod concurrency;
mod consultations;
mod contract;
mod corrections;
mod databases;
mod disposals;
mod idempotency;
mod index;
mod issuers;
mod joint_meetings;
mod organisations;
mod people;
mod places;
mod plan_versions;
mod plans;
mod problems;
mod retention;
mod review_advice;
mod reviews;
mod reviews_and_plans;
mod rules;
mod script;
mod sealed_cases;
mod settings;
mod snapshots;
mod store;
mod stranger;
mod timelines;
mod traces;
mod trail;
mod upcoming;
mod walk;
