//! What family may see: their own case, as long as it is for them to see.

use uuid::Uuid;

use super::case::decision_maker_of;
use super::case_record::CaseRecord;
use super::person::Relationship;
use super::seal::SealGround;
use super::sent_versions::versions_sent;
use super::{Error, Work};
use crate::auth::Reach;
use crate::casework::history::Entry;
use crate::casework::plan::PLAN;
use crate::casework::procedure::EventType;
use crate::store::StoreError;
use crate::store::case::find_case;
use crate::store::convert::{self, named};
use crate::store::person::{PersonRow, find_person};
use crate::store::procedure::ProcedureRow;
use crate::store::root::grantee_of_family;
use crate::store::seal::{find_seal, is_open_to};

/// The case of the family that asks, if it is for them to see today.
///
/// A young person always sees their own, and so does whoever decides. While a parent decides, those see it who have
/// parental responsibility or are sent the notices. Once the young person decides, others see it whom the young
/// person allows. A token that names a case and nobody of it is a parent's who need not be told from the other;
/// that does not hold where the case is sealed. Some grounds seal it from family too: see [`passes_seal`].
pub fn family_case(work: &mut Work<'_>) -> Result<Option<Uuid>, Error> {
    let Some(case_id) = work.principal.case_id else {
        return Ok(None);
    };
    let whole = work.whole();
    let case = match find_case(work.connection, &whole, case_id) {
        Ok(case) => case,
        Err(StoreError::NotFound) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    if !passes_seal(work, &case.la_code, &case.id)? {
        return Ok(None);
    }
    let decides = decision_maker_of(work, &case)?;
    let Some(person_id) = work.principal.person_id else {
        return Ok(Some(case_id).filter(|_| !decides.is_young_person));
    };
    let person = match find_person(work.connection, &whole, case_id, person_id) {
        Ok(person) => person,
        Err(StoreError::NotFound) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    let today = work.today();
    let may_see = is_young_person(&person)?
        || decides.person_id == Some(convert::id(&person.id)?)
        || if decides.is_young_person {
            person
                .young_person_allows_from_on
                .is_some_and(|from_on| from_on <= today)
        } else {
            person.parental_responsibility || person.receives_notices
        };
    Ok(Some(case_id).filter(|_| may_see))
}

/// Whether a seal, if there is one, lets the person of the token see what else they may: the one whom it keeps the child
/// from may be of the family.
fn passes_seal(work: &mut Work<'_>, la_code: &str, case_id: &str) -> Result<bool, Error> {
    let Some(seal) = find_seal(work.connection, la_code, case_id)? else {
        return Ok(true);
    };
    let Some(person_id) = work.principal.person_id else {
        return Ok(false);
    };
    if !named::<SealGround>(&seal.ground)?.seals_from_family() {
        return Ok(true);
    }
    let (grantee, now) = (grantee_of_family(person_id), work.now.naive_utc());
    Ok(is_open_to(work.connection, la_code, case_id, &grantee, now)?)
}

/// Whether whoever asks reads a case as its family does: what was sent to it, and not what is the authority's own.
pub fn reads_as_family(work: &Work<'_>) -> bool {
    match work.principal.reach() {
        Reach::Authority => false,
        Reach::Organisation(_) | Reach::Case(_) => true,
    }
}

/// Whether a family knows of a procedure: something was recorded on it that is not internal or, of a plan that is not
/// made yet, a draft was sent to it.
pub(super) fn is_told_to_family(record: &CaseRecord, procedure: &ProcedureRow) -> Result<bool, Error> {
    Ok(tells_a_family(record.stream(procedure))
        || (procedure.kind == PLAN.name && !versions_sent(record, procedure)?.numbers().is_empty()))
}

/// Answers that there is no such procedure where a family asks that is not told of it.
pub(super) fn check_told(
    work: &mut Work<'_>,
    procedure: &ProcedureRow,
    entries: &[Entry],
) -> Result<(), Error> {
    if !reads_as_family(work) || tells_a_family(entries) {
        return Ok(());
    }
    let is_told = procedure.kind == PLAN.name && {
        let record = CaseRecord::load(work, &procedure.case_id)?;
        is_told_to_family(&record, procedure)?
    };
    if is_told { Ok(()) } else { Err(Error::NotFound) }
}

/// The procedures of a case that its family is told of.
pub(super) fn told_procedures(work: &mut Work<'_>, case_id: &str) -> Result<Vec<String>, Error> {
    let record = CaseRecord::load(work, case_id)?;
    let mut told = Vec::new();
    for procedure in &record.procedures {
        if is_told_to_family(&record, procedure)? {
            told.push(procedure.id.clone());
        }
    }
    Ok(told)
}

/// Closing the case ends what nobody was told of, and tells nobody of it.
fn tells_a_family(entries: &[Entry]) -> bool {
    let mut types = entries.iter().map(|entry| entry.body.event_type());
    types.any(|event_type| !event_type.is_internal() && event_type != EventType::CASE_CLOSED)
}

fn is_young_person(person: &PersonRow) -> Result<bool, Error> {
    Ok(named::<Relationship>(&person.relationship)? == Relationship::YoungPerson)
}
