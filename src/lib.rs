//! Case management for Education, Health and Care Plans in England, with live statutory clocks.
//!
//! The rooms, and the one way data walks through them: `http` → `service` → `casework` →
//! `statute`, with `store` beside. `docs/ARCHITECTURE.md` follows two requests through the files.

pub mod auth;
pub mod casework;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod http;
pub mod logging;
pub mod measure;
pub mod memory;
pub mod service;
pub mod statute;
pub mod store;
