//! The unit of work: one transaction, made for one principal at one instant.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::{Builder, Uuid};

use super::Error;
use super::ahead::Ahead;
use super::family::family_case;
use super::origin::{Kind, Origin};
use super::sealing::digest_of_reason;
use crate::auth::{Principal, Reach};
use crate::casework::history::Entry;
use crate::clock::london_date;
use crate::store::advice::AdviceRequestRow;
use crate::store::audit::{AuditRow, Seen, insert_audit_entries, insert_audit_entry, joined, parted};
use crate::store::procedure::ProcedureRow;
use crate::store::seal::case_of;
use crate::store::{AnyConnection, Root, StoreError, in_savepoint};

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

/// The outcome of what was done.
const DONE: &str = "done";
/// Nothing is there for whoever asks.
const NOT_FOUND: &str = "not_found";
/// The system that asks is shut out.
const CLIENT_SHUT_OUT: &str = "client_shut_out";

/// What a use case showed, of one case or of several.
struct Shown {
    case_id: Option<String>,
    case_ids: Option<String>,
    version: Option<i64>,
}

/// What a refusal tells: that a case exists, or that none does for whoever asks.
struct Told {
    code: &'static str,
    case_id: String,
}

/// What a use case works with.
pub struct Work<'c> {
    pub connection: &'c mut AnyConnection,
    pub principal: &'c Principal,
    pub origin: &'c Origin,
    /// Why it is done, where somebody said so; for the trail alone.
    pub reason: Option<String>,
    /// What the use case has said that it shows.
    shown: Option<Shown>,
    /// What the use case has said that its refusal tells.
    told: Option<Told>,
    /// Whether the trail has what it did.
    is_on_trail: bool,
    /// The cases that its changes were about.
    changed_case_ids: BTreeSet<String>,
    /// What was read of a procedure before its turn.
    ahead: Option<Ahead>,
    /// The instant everything in this transaction is recorded at.
    pub now: DateTime<Utc>,
    pub ids: &'c Ids,
}

impl<'c> Work<'c> {
    /// Work that has shown nothing yet.
    pub fn new(
        connection: &'c mut AnyConnection,
        principal: &'c Principal,
        origin: &'c Origin,
        now: DateTime<Utc>,
        ids: &'c Ids,
    ) -> Work<'c> {
        Work {
            connection,
            principal,
            reason: origin.reason.clone(),
            origin,
            shown: None,
            told: None,
            is_on_trail: false,
            changed_case_ids: BTreeSet::new(),
            ahead: None,
            now,
            ids,
        }
    }

    /// The same work, with what was read of a procedure before its turn.
    pub(super) fn with_ahead(self, ahead: Option<Ahead>) -> Work<'c> {
        Work { ahead, ..self }
    }
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

    /// The stream and the requests of a procedure that is held, where they were read before and are the same still.
    pub(super) fn take_ahead(&mut self, held: &ProcedureRow) -> Option<(Vec<Entry>, Vec<AdviceRequestRow>)> {
        self.ahead.take()?.of(held)
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
        let (principal, origin, now, ids) = (self.principal, self.origin, self.now, self.ids);
        let reason = self.reason.clone();
        let (mut told, mut is_on_trail, mut changed_case_ids) = (None, false, BTreeSet::new());
        let done = in_savepoint(self.connection, |connection| {
            let mut work = Work {
                reason,
                ..Work::new(connection, principal, origin, now, ids)
            };
            let done = something(&mut work);
            (told, is_on_trail, changed_case_ids) = (work.told, work.is_on_trail, work.changed_case_ids);
            done
        });
        match &done {
            Ok(_) => {
                self.is_on_trail |= is_on_trail;
                self.changed_case_ids.append(&mut changed_case_ids);
            }
            Err(_) => self.told = told,
        }
        done
    }

    /// Says that the refusal that follows tells of a case, so that the trail is to name it, under a code. What is said
    /// first counts.
    pub fn tells_of_case(&mut self, code: &'static str, case_id: &str) {
        self.told.get_or_insert_with(|| Told {
            code,
            case_id: case_id.to_owned(),
        });
    }

    /// Says that the use case shows something of one case. Every use case that does says so, and `App` writes it
    /// down; what a use case that changes something shows, the change tells.
    pub fn shows_case(&mut self, case_id: &str, version: Option<i64>) {
        self.shown = Some(Shown {
            case_id: Some(case_id.to_owned()),
            case_ids: None,
            version,
        });
    }

    /// Says that the use case shows a page of a list, by the case of each row. It was read with one row more than
    /// it shows, so that the `limit` of the query is one more too.
    pub fn shows_page<I: AsRef<str> + Ord>(&mut self, limit: i64, case_ids: impl Iterator<Item = I>) {
        let shown = usize::try_from(limit - 1).unwrap_or(0);
        let case_ids: BTreeSet<I> = case_ids.take(shown).collect();
        self.shown = Some(Shown {
            case_id: None,
            case_ids: joined(case_ids),
            version: None,
        });
    }

    /// The cases that what was done so far was about, or showed.
    pub(super) fn case_ids(&self) -> Vec<String> {
        let shown = self.shown.iter().flat_map(|shown| {
            let page = parted(shown.case_ids.as_deref()).map(str::to_owned);
            shown.case_id.clone().into_iter().chain(page)
        });
        let all: BTreeSet<String> = self.changed_case_ids.iter().cloned().chain(shown).collect();
        all.into_iter().collect()
    }

    /// What the trail is to say of what the use case showed, unless it has what the use case did.
    pub(super) fn reading(&self) -> Option<AuditRow> {
        let shown = self.shown.as_ref().filter(|_| !self.is_on_trail)?;
        Some(AuditRow {
            action: self.origin.operation.clone().into_owned(),
            resource_id: self.origin.named.as_ref().map(|named| named.resource_id.clone()),
            case_id: shown.case_id.clone(),
            version: shown.version,
            shown_case_ids: shown.case_ids.clone(),
            ..self.entry(Kind::Reading)
        })
    }

    /// What the trail is to say of a refusal, where that tells of something that may not be for whoever asks. It names
    /// the case, also one that does not exist for them.
    pub(super) fn refusal(&mut self, error: &Error) -> Result<Option<AuditRow>, StoreError> {
        let told = self.told.take();
        let code = match (error, &told) {
            (Error::NotFound, _) => NOT_FOUND,
            (Error::ShutOut, _) => CLIENT_SHUT_OUT,
            (_, Some(told)) => told.code,
            (_, None) => return Ok(None),
        };
        let mut row = entry_of_refusal(self.principal, self.origin, self.now, self.ids, code);
        if let Some(told) = told {
            row.case_id = Some(told.case_id);
        } else {
            row.case_id = self.case_named(row.resource_id.as_deref())?;
        }
        Ok(Some(row))
    }

    /// The case that the address of the request names or leads through, or that what it names is of, whether or not
    /// that exists for whoever asks.
    fn case_named(&mut self, resource_id: Option<&str>) -> Result<Option<String>, StoreError> {
        let named = self.origin.named.as_ref();
        match (named.and_then(|named| named.case_id.clone()), resource_id) {
            (Some(case_id), _) => Ok(Some(case_id)),
            (None, Some(id)) => case_of(self.connection, self.principal.la_code.as_str(), id),
            (None, None) => Ok(None),
        }
    }

    /// Writes down, in the transaction that answers the rest, that a part of the request about one case was refused,
    /// if that is to be on the trail.
    pub fn audit_refusal(&mut self, error: &Error, case_id: Uuid) -> Result<(), Error> {
        if let Some(row) = self.refusal(error)? {
            let row = AuditRow {
                resource_id: Some(case_id.to_string()),
                case_id: row.case_id.or(Some(case_id.to_string())),
                ..row
            };
            insert_audit_entry(self.connection, &row)?;
        }
        Ok(())
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
            action: action.to_owned(),
            resource_id: Some(resource_id.to_owned()),
            case_id: case_id.map(str::to_owned),
            version,
            ..self.entry(Kind::Change)
        };
        self.is_on_trail = true;
        self.changed_case_ids.extend(row.case_id.clone());
        Ok(insert_audit_entry(self.connection, &row)?)
    }

    /// Writes down that an answer is shown again which was kept, in the transaction that finds it.
    pub fn audit_repetition(
        &mut self,
        resource_id: Option<String>,
        case_ids: Vec<String>,
    ) -> Result<(), Error> {
        let (case_id, shown_case_ids) = match case_ids.as_slice() {
            [] => (self.case_named(resource_id.as_deref())?, None),
            [case_id] => (Some(case_id.clone()), None),
            several => (None, joined(several)),
        };
        let row = AuditRow {
            action: self.origin.operation.clone().into_owned(),
            resource_id,
            case_id,
            shown_case_ids,
            ..self.entry(Kind::Reading)
        };
        self.is_on_trail = true;
        Ok(insert_audit_entries(
            self.connection,
            &[row],
            &mut Seen::default(),
        )?)
    }

    fn entry(&self, kind: Kind) -> AuditRow {
        let reason = self.reason.as_deref();
        entry_of(self.principal, self.origin, reason, self.now, self.ids, kind)
    }
}

/// What the trail is to say where somebody was refused.
pub(super) fn entry_of_refusal(
    principal: &Principal,
    origin: &Origin,
    now: DateTime<Utc>,
    ids: &Ids,
    code: &str,
) -> AuditRow {
    let named = origin.named.as_ref();
    let kind = if origin.is_reading {
        Kind::Reading
    } else {
        Kind::Change
    };
    AuditRow {
        action: origin.operation.clone().into_owned(),
        resource_id: named.map(|named| named.resource_id.clone()),
        case_id: named.and_then(|named| named.case_id.clone()),
        outcome: code.to_owned(),
        ..entry_of(principal, origin, origin.reason.as_deref(), now, ids, kind)
    }
}

/// Who, when, whence and why.
fn entry_of(
    principal: &Principal,
    origin: &Origin,
    reason: Option<&str>,
    now: DateTime<Utc>,
    ids: &Ids,
    kind: Kind,
) -> AuditRow {
    let id = ids.new_id(now).to_string();
    let roles: Vec<&str> = principal.roles.iter().map(|role| role.name()).collect();
    let client = principal.client.as_ref();
    AuditRow {
        la_code: principal.la_code.as_str().to_owned(),
        recorded_at: now.naive_utc(),
        subject: principal.subject.clone(),
        action: String::new(),
        resource_id: None,
        case_id: None,
        version: None,
        trace_id: origin.trace_id.clone().into_owned(),
        kind: kind.name().to_owned(),
        roles: roles.join(" "),
        client_id: client.map(|client| client.client_id.to_string()),
        organisation_id: principal.organisation_id.map(|id| id.to_string()),
        shown_case_ids: None,
        reason: reason.map(str::to_owned),
        reason_sha256: reason.map(|reason| digest_of_reason(&id, reason)),
        client_address: origin.client_address.clone(),
        outcome: DONE.to_owned(),
        id,
    }
}
