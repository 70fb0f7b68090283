//! What happened. Pure: events in, state out.
//!
//! One file per procedure holds its events, states and transitions; `procedure` says what a procedure
//! is to everything else; `timeline` folds them, the same way for every procedure; `advice` and `flags`
//! are shared by all. What a plan says is in `plan_sections`, and what was sent of it in `plan_version`. What people are
//! told of it all is in `telling`, why a day moved in `moves`, and which advice a family reads in `sharing`.
//! How long a case is kept is in `retention`.
//! `service` is the caller. Databases, requests, the present day and randomness stay outside: they are
//! arguments.

pub mod advice;
pub mod assessment;
pub mod attendance;
pub mod child;
pub mod claim;
pub mod consultation;
pub mod event;
pub mod flag;
pub mod history;
pub mod identifier;
#[cfg(test)]
mod laws;
pub mod moves;
pub mod place;
pub mod plan;
pub mod plan_sections;
pub mod plan_version;
pub mod procedure;
pub mod retention;
pub mod review;
pub mod sending;
pub mod sharing;
pub mod telling;
pub mod timeline;

use self::procedure::ProcedureKind;

/// Every procedure that runs on cases. A new one is its file, its rules, and a line here.
pub static PROCEDURES: [&ProcedureKind; 4] = [
    &assessment::ASSESSMENT,
    &review::REVIEW,
    &plan::PLAN,
    &consultation::CONSULTATION,
];
