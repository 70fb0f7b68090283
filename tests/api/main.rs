//! The API as its users meet it: in process, a real database per test, typed actors, a frozen day.

mod harness;

mod advice;
mod assessments;
mod cases;
mod corrections;
mod organisations;
mod people;
mod settings;
