//! Work in the background, which one replica at a time does: what there is of it, and how a replica makes
//! sure that it is the one.
//!
//! Replicas know of each other through the database alone. The lease of one that died runs out, and the
//! next that asks has it. Called by the command line's `serve`.

use std::borrow::Cow;

use chrono::TimeDelta;
use uuid::Uuid;

use super::Error;
use crate::store::lease::{claim_lease, release_lease};
use crate::store::{AnyConnection, Store};

/// A piece of work that one replica at a time does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Duty {
    /// Computing again what other code had computed, before readiness.
    RebuildIndex,
    /// Forgetting answers that are too old to be asked for again.
    ForgetAnswers,
    /// Giving the trail of an authority its order.
    SealTrail(String),
}

impl Duty {
    fn name(&self) -> Cow<'static, str> {
        match self {
            Duty::RebuildIndex => "rebuild_index".into(),
            Duty::ForgetAnswers => "forget_answers".into(),
            Duty::SealTrail(la_code) => format!("seal_trail_{la_code}").into(),
        }
    }

    /// How long a replica may be silent before another takes over. The rebuild renews its lease with every
    /// batch, and so does the sealer; answers are forgotten by the hour, and a claim stands for that hour's turn.
    fn held_for(&self) -> TimeDelta {
        match self {
            Duty::RebuildIndex => TimeDelta::seconds(30),
            Duty::ForgetAnswers => TimeDelta::minutes(55),
            Duty::SealTrail(_) => TimeDelta::seconds(10),
        }
    }
}

/// One running process, as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica(String);

impl Replica {
    /// A name that no other process has.
    pub fn new() -> Replica {
        Replica(Uuid::from_bytes(rand::random()).to_string())
    }

    /// Takes or renews the duty, and answers whether this replica has it now. Where that is decided in the
    /// transaction of the work, the work is done by one replica even if the lease runs out meanwhile.
    pub fn claim(&self, connection: &mut AnyConnection, duty: Duty) -> Result<bool, Error> {
        Ok(claim_lease(connection, &duty.name(), &self.0, duty.held_for())?)
    }

    /// Gives the duty back, so that nobody has to wait for the lease to run out.
    pub fn release(&self, store: &Store, duty: Duty) -> Result<(), Error> {
        let replica = self.0.clone();
        store.write_now(move |connection| Ok(release_lease(connection, &duty.name(), &replica)?))
    }
}

impl Default for Replica {
    fn default() -> Replica {
        Replica::new()
    }
}
