//! Sealed cases: adoption, protected witnesses, the children of the authority's own staff. A sealed case exists for
//! those alone to whom it was opened, and for whoever breaks the glass with a reason that others will read.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Error, Fault, Work};
use crate::store::StoreError;
use crate::store::case::{CaseSearch, case_with_identifier, find_case, lock_case};
use crate::store::convert::{self, instant, name_of, named};
use crate::store::organisation::find_organisation;
use crate::store::person::find_person;
use crate::store::root::{grantee_of_family, grantee_organisation, grantee_person};
use crate::store::seal::{
    GrantRow, SealRow, case_with_reference, delete_seal, end_grants, find_grant, find_seal, grants_of_case,
    insert_grant, insert_seal, list_break_glass as list, update_grant,
};

/// How long a broken glass lets somebody in.
const BREAK_GLASS_FOR: Duration = Duration::hours(1);

/// Later than any instant at which somebody asks.
const FOR_EVER: NaiveDateTime = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day.and_time(NaiveTime::MIN),
    None => NaiveDateTime::MAX,
};

/// Why a case is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SealGround {
    Adoption,
    WitnessProtection,
    /// The child of somebody who works for the authority.
    StaffChild,
    Other,
}

impl SealGround {
    /// Whether even family sees the case only where it was opened to them: one of them may be whom it is sealed
    /// from.
    pub(super) fn seals_from_family(self) -> bool {
        match self {
            SealGround::Adoption | SealGround::WitnessProtection => true,
            SealGround::StaffChild | SealGround::Other => false,
        }
    }
}

/// To whom a sealed case is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    /// Somebody, by the subject of their tokens.
    Subject(String),
    Organisation(Uuid),
    /// Somebody of the family, by their id among the people of the case.
    Person(Uuid),
}

/// An opening of a sealed case.
#[derive(Debug, Clone)]
pub struct Grant {
    pub id: Uuid,
    pub case_id: Uuid,
    pub grantee: Grantee,
    pub reason: String,
    pub granted_at: DateTime<Utc>,
    pub granted_by: String,
    /// None where it holds until somebody ends it.
    pub until_at: Option<DateTime<Utc>>,
    pub is_break_glass: bool,
    pub reviewed_at: Option<DateTime<Utc>>,
    pub reviewed_by: Option<String>,
}

/// A seal with everybody to whom the case was ever opened.
#[derive(Debug, Clone)]
pub struct Seal {
    pub case_id: Uuid,
    pub ground: SealGround,
    pub note: Option<String>,
    pub sealed_at: DateTime<Utc>,
    pub sealed_by: String,
    pub grants: Vec<Grant>,
}

/// Which case somebody asks for who does not see it.
#[derive(Debug, Clone)]
pub enum Wanted {
    Reference(String),
    Identifier(CaseSearch),
}

/// Seals a case; from then on it is open to who sealed it, and to nobody to whom it was open under a seal before.
pub fn seal_case(
    work: &mut Work<'_>,
    case_id: Uuid,
    ground: SealGround,
    note: Option<String>,
) -> Result<Seal, Error> {
    let root = work.root()?;
    let case = lock_case(work.connection, &root, case_id)?;
    if find_seal(work.connection, &case.la_code, &case.id)?.is_some() {
        return Err(Error::AlreadySealed);
    }
    let row = SealRow {
        case_id: case.id.clone(),
        la_code: case.la_code,
        ground: name_of(&ground)?,
        note,
        sealed_at: work.now.naive_utc(),
        sealed_by: work.principal.subject.clone(),
    };
    insert_seal(work.connection, &row)?;
    end_grants(work.connection, &row.la_code, &row.case_id, row.sealed_at)?;
    let own = Grantee::Subject(work.principal.subject.clone());
    let grant = grant_row(work, case_id, &own, "sealed the case".to_owned(), None);
    insert_grant(work.connection, &grant)?;
    work.audit("seal_case", &case.id, Some(&case.id), None)?;
    seal_of(work, &row)
}

/// The seal of a case that exists for whoever asks.
pub fn get_seal(work: &mut Work<'_>, case_id: Uuid) -> Result<Seal, Error> {
    let root = work.root()?;
    let case = find_case(work.connection, &root, case_id)?;
    let row = find_seal(work.connection, &case.la_code, &case.id)?.ok_or(Error::NotFound)?;
    work.shows_case(&row.case_id, None);
    seal_of(work, &row)
}

/// Takes the seal off: the case exists for everybody of the authority again. Every opening ends with it. Answers what
/// it was.
pub fn unseal_case(work: &mut Work<'_>, case_id: Uuid) -> Result<Seal, Error> {
    let row = hold_seal(work, case_id)?;
    check_lasting(work, &row)?;
    delete_seal(work.connection, &row.la_code, &row.case_id)?;
    end_grants(work.connection, &row.la_code, &row.case_id, work.now.naive_utc())?;
    work.audit("unseal_case", &row.case_id, Some(&row.case_id), None)?;
    seal_of(work, &row)
}

/// Opens a sealed case to somebody. Only who sealed it opens it to themselves.
pub fn grant_access(
    work: &mut Work<'_>,
    case_id: Uuid,
    grantee: &Grantee,
    reason: String,
    until_at: Option<DateTime<Utc>>,
) -> Result<Grant, Error> {
    let seal = hold_seal(work, case_id)?;
    check_lasting(work, &seal)?;
    let la_code = work.la_code();
    let mut faults = Vec::new();
    match grantee {
        Grantee::Subject(subject) => {
            if *subject == work.principal.subject && *subject != seal.sealed_by {
                faults.push(Fault::new(
                    "/subject",
                    "own_access",
                    "must be somebody else, unless whoever asks sealed the case",
                ));
            }
        }
        Grantee::Organisation(organisation_id) => {
            match find_organisation(work.connection, &la_code, *organisation_id) {
                Ok(_) => {}
                Err(StoreError::NotFound) => faults.push(Fault::new(
                    "/organisation_id",
                    "unknown_organisation",
                    "must be an organisation of this authority",
                )),
                Err(other) => return Err(other.into()),
            }
        }
        Grantee::Person(person_id) => {
            let whole = work.whole();
            match find_person(work.connection, &whole, case_id, *person_id) {
                Ok(_) => {}
                Err(StoreError::NotFound) => faults.push(Fault::new(
                    "/person_id",
                    "unknown_person",
                    "must be one of the people of the case",
                )),
                Err(other) => return Err(other.into()),
            }
        }
    }
    if until_at.is_some_and(|until_at| until_at <= work.now) {
        faults.push(Fault::new("/until_at", "in_the_past", "must be later than now"));
    }
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let row = grant_row(work, case_id, grantee, reason, until_at);
    insert_grant(work.connection, &row)?;
    work.reason = Some(row.reason.clone());
    work.audit("grant_access", &row.id, Some(&row.case_id), None)?;
    grant_of(&row)
}

/// Ends an opening of a sealed case at once. Who broke the glass may end their own.
pub fn end_access(work: &mut Work<'_>, case_id: Uuid, grant_id: Uuid) -> Result<Grant, Error> {
    let seal = hold_seal(work, case_id)?;
    let mut row = find_grant(work.connection, &seal.la_code, Some(case_id), grant_id)?;
    if row.grantee != grantee_person(&work.principal.subject) {
        check_lasting(work, &seal)?;
    }
    row.until_at = row.until_at.min(work.now.naive_utc());
    update_grant(work.connection, &row)?;
    work.audit("end_access", &row.id, Some(&row.case_id), None)?;
    grant_of(&row)
}

/// Opens a sealed case to whoever asks, for an hour, on their word. It stands on the list of such readings until
/// somebody else has reviewed it.
pub fn break_glass(work: &mut Work<'_>, wanted: &Wanted, reason: String) -> Result<Grant, Error> {
    let (la_code, whole) = (work.la_code(), work.whole());
    let found = match wanted {
        Wanted::Reference(reference) => case_with_reference(work.connection, &la_code, reference)?,
        Wanted::Identifier(identifier) => case_with_identifier(work.connection, &whole, identifier)?,
    };
    let case_id = convert::id(&found.ok_or(Error::NotFound)?)?;
    let root = work.root()?;
    match find_case(work.connection, &root, case_id) {
        Err(StoreError::NotFound) => {}
        Err(other) => return Err(other.into()),
        Ok(_) => {
            return Err(Error::Invalid(vec![Fault::new(
                "",
                "not_sealed",
                "must name a case that is sealed and not open to whoever asks",
            )]));
        }
    }
    // It may be disposed of meanwhile.
    lock_case(work.connection, &whole, case_id)?;
    let own = Grantee::Subject(work.principal.subject.clone());
    let until_at = work.now + BREAK_GLASS_FOR;
    let row = GrantRow {
        is_break_glass: true,
        ..grant_row(work, case_id, &own, reason, Some(until_at))
    };
    insert_grant(work.connection, &row)?;
    work.reason = Some(row.reason.clone());
    work.audit("break_glass", &row.id, Some(&row.case_id), None)?;
    grant_of(&row)
}

/// The readings of sealed cases for which the glass was broken.
pub fn list_break_glass(
    work: &mut Work<'_>,
    is_reviewed: Option<bool>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Grant>, Error> {
    let la_code = work.la_code();
    let rows = list(work.connection, &la_code, is_reviewed, after, limit)?;
    work.shows_page(limit, rows.iter().map(|row| &row.case_id));
    rows.iter().map(grant_of).collect()
}

/// Says that a broken glass was looked into, by somebody other than who broke it. Saying it again changes nothing.
pub fn review_break_glass(work: &mut Work<'_>, grant_id: Uuid) -> Result<Grant, Error> {
    let (la_code, whole) = (work.la_code(), work.whole());
    let of_case = convert::id(&find_grant(work.connection, &la_code, None, grant_id)?.case_id)?;
    lock_case(work.connection, &whole, of_case)?;
    // As it is now that the case is held.
    let mut row = find_grant(work.connection, &la_code, Some(of_case), grant_id)?;
    if !row.is_break_glass {
        return Err(Error::NotFound);
    }
    if row.granted_by == work.principal.subject {
        return Err(Error::OwnReading);
    }
    if row.reviewed_at.is_none() {
        row.reviewed_at = Some(work.now.naive_utc());
        row.reviewed_by = Some(work.principal.subject.clone());
        update_grant(work.connection, &row)?;
        work.audit("review_break_glass", &row.id, Some(&row.case_id), None)?;
    }
    work.shows_case(&row.case_id, None);
    grant_of(&row)
}

/// Holds a case that exists for whoever asks, with its seal and openings, and gives the seal.
fn hold_seal(work: &mut Work<'_>, case_id: Uuid) -> Result<SealRow, Error> {
    let root = work.root()?;
    let case = lock_case(work.connection, &root, case_id)?;
    find_seal(work.connection, &case.la_code, &case.id)?.ok_or(Error::NotFound)
}

/// A broken glass lets somebody in for an hour, and does not let them make that last, or change for whom else the
/// case exists.
fn check_lasting(work: &mut Work<'_>, seal: &SealRow) -> Result<(), Error> {
    let (own, now) = (grantee_person(&work.principal.subject), work.now.naive_utc());
    let grants = grants_of_case(work.connection, &seal.la_code, &seal.case_id)?;
    let is_lasting = |grant: &GrantRow| grant.grantee == own && grant.until_at > now && !grant.is_break_glass;
    if grants.iter().any(is_lasting) {
        Ok(())
    } else {
        work.tells_of_case("broken_glass_only", &seal.case_id);
        Err(Error::BrokenGlassOnly)
    }
}

fn grant_row(
    work: &Work<'_>,
    case_id: Uuid,
    grantee: &Grantee,
    reason: String,
    until_at: Option<DateTime<Utc>>,
) -> GrantRow {
    GrantRow {
        id: work.new_id().to_string(),
        la_code: work.la_code(),
        case_id: case_id.to_string(),
        grantee: match grantee {
            Grantee::Subject(subject) => grantee_person(subject),
            Grantee::Organisation(organisation_id) => grantee_organisation(*organisation_id),
            Grantee::Person(person_id) => grantee_of_family(*person_id),
        },
        reason,
        is_break_glass: false,
        granted_at: work.now.naive_utc(),
        granted_by: work.principal.subject.clone(),
        until_at: until_at.map_or(FOR_EVER, |until_at| until_at.naive_utc()),
        reviewed_at: None,
        reviewed_by: None,
    }
}

/// Every opening of a case there ever was, be it sealed now or not. Of a case that exists for whoever asks.
pub(super) fn openings_of(work: &mut Work<'_>, case_id: Uuid) -> Result<Vec<Grant>, Error> {
    let la_code = work.la_code();
    let grants = grants_of_case(work.connection, &la_code, &case_id.to_string())?;
    grants.iter().map(grant_of).collect()
}

fn seal_of(work: &mut Work<'_>, row: &SealRow) -> Result<Seal, Error> {
    let grants = grants_of_case(work.connection, &row.la_code, &row.case_id)?;
    Ok(Seal {
        case_id: convert::id(&row.case_id)?,
        ground: named(&row.ground)?,
        note: row.note.clone(),
        sealed_at: instant(row.sealed_at),
        sealed_by: row.sealed_by.clone(),
        grants: grants.iter().map(grant_of).collect::<Result<_, _>>()?,
    })
}

fn grant_of(row: &GrantRow) -> Result<Grant, Error> {
    let unreadable = || StoreError::Bug("a stored grantee cannot be read".to_owned());
    let (kind, name) = row.grantee.split_once(':').ok_or_else(unreadable)?;
    Ok(Grant {
        id: convert::id(&row.id)?,
        case_id: convert::id(&row.case_id)?,
        grantee: match kind {
            "organisation" => Grantee::Organisation(convert::id(name)?),
            "person" => Grantee::Person(convert::id(name)?),
            _ => Grantee::Subject(name.to_owned()),
        },
        reason: row.reason.clone(),
        granted_at: instant(row.granted_at),
        granted_by: row.granted_by.clone(),
        until_at: (row.until_at < FOR_EVER).then(|| instant(row.until_at)),
        is_break_glass: row.is_break_glass,
        reviewed_at: row.reviewed_at.map(instant),
        reviewed_by: row.reviewed_by.clone(),
    })
}
