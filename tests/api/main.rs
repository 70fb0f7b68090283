//! The API as its users meet it: in process, a real database per test, typed actors, a frozen day.

mod harness;

mod advice;
mod assessments;
mod authorisation;
mod concurrency;
mod contract;
mod corrections;
mod idempotency;
mod problems;
mod statements;
