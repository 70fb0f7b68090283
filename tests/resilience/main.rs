//! The program while things break: replicas killed, the database restarted, cut off, replaced by its standby,
//! its disk full. What was acknowledged is there, once, and nobody has to restart anything.

#![cfg(test)]
#![cfg(unix)]

mod disk;
mod failover;
mod harness;
mod load;
mod outage;
mod proxy;
mod replicas;
mod tls;

#[expect(dead_code, reason = "what other tests of the database need")]
#[path = "../support/postgres.rs"]
mod postgres;
