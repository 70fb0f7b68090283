//! The unit of work: one transaction, made for one principal at one instant.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::{Builder, Uuid};

use super::Error;
use super::family::family_case;
use crate::auth::{Principal, Reach};
use crate::clock::london_date;
use crate::store::audit::{AuditRow, insert_audit_entry};
use crate::store::{AnyConnection, Root, in_savepoint};

/// Where new ids come from; seeded for the demo, so that it is the same every time.
#[derive(Debug)]
pub enum Ids {
    Random,
    Seeded(Box<Mutex<ChaCha8Rng>>),
}

impl Ids {
    /// Ids that a seed decides.
    pub fn seeded(seed: u64) -> Ids {
        Ids::Seeded(Box::new(Mutex::new(ChaCha8Rng::seed_from_u64(seed))))
    }

    /// A new id that sorts by its instant.
    pub(super) fn new_id(&self, now: DateTime<Utc>) -> Uuid {
        let milliseconds = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(milliseconds, &self.tail()).into_uuid()
    }

    /// What an id holds beside its millisecond. It counts up, so that lists keep the order in which
    /// this process made what they hold; the rest is chance.
    fn tail(&self) -> [u8; 10] {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let mut tail = [0; 10];
        self.fill(&mut tail);
        match self {
            Ids::Random => {
                // The 18 bits that sort first and are not taken by version and variant.
                let made = MADE.fetch_add(1, Ordering::Relaxed);
                let byte = |shift: u32, mask: u8| (made >> shift).to_le_bytes()[0] & mask;
                tail[..3].copy_from_slice(&[byte(14, 0x0f), byte(6, 0xff), byte(0, 0x3f)]);
            }
            Ids::Seeded(_) => {}
        }
        tail
    }

    fn fill(&self, bytes: &mut [u8]) {
        match self {
            Ids::Random => rand::rng().fill_bytes(bytes),
            Ids::Seeded(generator) => {
                generator
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .fill_bytes(bytes);
            }
        }
    }
}

/// What a use case works with.
pub struct Work<'c> {
    pub connection: &'c mut AnyConnection,
    pub principal: &'c Principal,
    pub trace_id: &'c str,
    /// The instant everything in this transaction is recorded at.
    pub now: DateTime<Utc>,
    pub ids: &'c Ids,
}

impl Work<'_> {
    /// The authority everything is scoped to.
    pub fn la_code(&self) -> String {
        self.principal.la_code.as_str().to_owned()
    }

    /// Where every query starts that is made for whoever asks.
    pub fn root(&mut self) -> Result<Root, Error> {
        let (la_code, principal) = (self.la_code(), self.principal);
        Ok(match principal.reach() {
            Reach::Authority => Root::of_staff(&la_code, &principal.subject, self.now),
            Reach::Organisation(organisation_id) => {
                let own_case_id = family_case(self)?;
                Root::of_organisation(&la_code, organisation_id, own_case_id, self.now)
            }
            Reach::Case(_) => Root::of_family(&la_code, family_case(self)?),
        })
    }

    /// All of the authority, for what follows from what whoever asks may do.
    pub fn whole(&self) -> Root {
        Root::of_authority(self.principal.la_code.as_str())
    }

    /// The civil date in Europe/London.
    pub fn today(&self) -> NaiveDate {
        london_date(self.now)
    }

    /// A new id that sorts by the instant of the work.
    pub fn new_id(&self) -> Uuid {
        self.ids.new_id(self.now)
    }

    /// A reference that people can read out: eight characters with nothing of the child in them.
    pub fn new_reference(&self) -> String {
        // Without the letters and digits that look or sound alike.
        const CHARACTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
        let mut random = [0; 8];
        self.ids.fill(&mut random);
        let code: String = random
            .iter()
            .map(|byte| char::from(CHARACTERS[usize::from(byte % 32)]))
            .collect();
        format!("EHC-{}-{}", &code[..4], &code[4..])
    }

    /// Does something wholly or not at all, whatever else the transaction does.
    pub fn attempt<T>(
        &mut self,
        something: impl FnOnce(&mut Work<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (principal, trace_id, now, ids) = (self.principal, self.trace_id, self.now, self.ids);
        in_savepoint(self.connection, |connection| {
            something(&mut Work {
                connection,
                principal,
                trace_id,
                now,
                ids,
            })
        })
    }

    /// Writes down the change in the transaction that makes it.
    pub fn audit(
        &mut self,
        action: &str,
        resource_id: &str,
        case_id: Option<&str>,
        version: Option<i64>,
    ) -> Result<(), Error> {
        let row = AuditRow {
            id: self.new_id().to_string(),
            la_code: self.la_code(),
            recorded_at: self.now.naive_utc(),
            subject: self.principal.subject.clone(),
            action: action.to_owned(),
            resource_id: resource_id.to_owned(),
            case_id: case_id.map(str::to_owned),
            version,
            trace_id: self.trace_id.to_owned(),
        };
        Ok(insert_audit_entry(self.connection, &row)?)
    }
}
