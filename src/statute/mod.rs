//! The law. Pure: dates in, dates out.
//!
//! Every statutory number stands once, in [`rulebook`]. Nothing here knows of databases, requests,
//! people or the present day: dates and facts are arguments. `casework` is the only caller of the
//! clocks; other rooms read the vocabulary.

pub mod calendar;
pub mod clock;
pub mod counting;
pub mod exception;
pub mod explanation;
pub mod reading;
pub mod requirement;
pub mod rulebook;
