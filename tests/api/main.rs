//! The API as its users meet it: in process, a real database per test, typed actors, a frozen day.

mod harness;

mod advice;
mod assessments;
mod authorisation;
mod cases;
mod clocks;
mod concurrency;
mod contract;
mod corrections;
mod idempotency;
mod index;
mod organisations;
mod people;
mod problems;
mod rules;
mod settings;
mod snapshots;
mod store;
mod timelines;
mod walk;
