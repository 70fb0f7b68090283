//! Use cases: one function each, which locks, loads, lets `casework` decide, saves and audits.
//!
//! A use case runs inside one transaction that its caller opened, on a [`Work`]. Nothing of HTTP is
//! here, and no SQL: `http` and the command line call in, `store` is called out.

pub mod advice;
mod ahead;
pub mod app;
pub mod audit;
pub mod case;
mod case_record;
pub mod case_timeline;
pub mod client;
pub mod client_token;
pub mod clock;
mod consequence;
pub mod copy;
pub mod disposal;
pub mod disposal_list;
pub mod error;
pub mod export;
mod family;
pub mod idempotency;
pub mod import;
pub mod lease;
pub mod organisation;
pub mod origin;
pub mod person;
pub mod plan;
pub mod plan_version;
pub mod procedure;
pub mod readings;
pub mod rebuild;
pub mod recording;
pub mod request_rows;
pub mod retention;
pub mod seal;
pub mod sealing;
pub mod sent_versions;
pub mod settings;
pub mod shared_advice;
pub mod timeline;
pub mod upcoming;
pub mod verifying;
pub mod work;

pub use app::App;
pub use error::{Error, Fault};
pub use origin::Origin;
pub use work::{Ids, Work};
