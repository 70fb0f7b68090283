//! The people around a child or young person, and who of them decides.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Error, Fault, Work};
use crate::auth::Principal;
use crate::store::case::{find_case, lock_case};
use crate::store::convert::{self, name_of, named};
use crate::store::person::{
    PersonRow, find_person, insert_person, lock_person, people_of_case, update_person,
};

/// Who somebody is to the child or young person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relationship {
    Mother,
    Father,
    Parent,
    StepParent,
    Grandparent,
    Carer,
    FosterCarer,
    Guardian,
    YoungPerson,
    Advocate,
    SocialWorker,
    Other,
}

/// How somebody prefers to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreferredChannel {
    Email,
    Post,
    Phone,
    Text,
    Portal,
}

/// What is known of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonDetails {
    /// Their name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Who they are to the child or young person.
    pub relationship: Relationship,
    /// Whether they have parental responsibility.
    pub parental_responsibility: bool,
    /// Whether notices go to them.
    pub receives_notices: bool,
    /// The day from which they decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_decision_maker_from_on: Option<NaiveDate>,
    /// Where they live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 1_000)]
    pub address: Option<String>,
    /// Whether the address must reach nobody else.
    #[serde(default)]
    #[schema(default = false)]
    pub address_withheld: bool,
    /// The language they prefer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    pub language: Option<String>,
    /// Whether they need an interpreter.
    #[serde(default)]
    #[schema(default = false)]
    pub interpreter: bool,
    /// What helps them to communicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2_000)]
    pub communication_needs: Option<String>,
    /// How they prefer to be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_channel: Option<PreferredChannel>,
    /// The day from which the young person, once they decide, lets this person see the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub young_person_allows_from_on: Option<NaiveDate>,
}

/// A person with their id and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: Uuid,
    pub case_id: Uuid,
    pub version: i64,
    pub details: PersonDetails,
    /// Whether there is an address that is not for whoever asks.
    pub is_address_masked: bool,
}

pub fn add_person(work: &mut Work<'_>, case_id: Uuid, details: &PersonDetails) -> Result<Person, Error> {
    let root = work.root()?;
    let case = lock_case(work.connection, &root, case_id)?;
    if case.closed_on.is_some() {
        return Err(Error::CaseClosed);
    }
    let row = new_person(work, &case.id, details)?;
    insert_person(work.connection, &row)?;
    work.audit("add_person", &row.id, Some(&case.id), Some(1))?;
    Ok(shown_to(work.principal, person_of(&row)?))
}

/// A person who is not on record yet.
pub(super) fn new_person(
    work: &Work<'_>,
    case_id: &str,
    details: &PersonDetails,
) -> Result<PersonRow, Error> {
    let row = PersonRow {
        id: work.new_id().to_string(),
        la_code: work.la_code(),
        case_id: case_id.to_owned(),
        name: String::new(),
        relationship: String::new(),
        parental_responsibility: false,
        receives_notices: false,
        is_decision_maker_from_on: None,
        address: None,
        address_withheld: false,
        language: None,
        interpreter: false,
        communication_needs: None,
        preferred_channel: None,
        young_person_allows_from_on: None,
        version: 1,
        created_at: work.now.naive_utc(),
        updated_at: work.now.naive_utc(),
    };
    with_details(row, details)
}

pub fn get_person(work: &mut Work<'_>, case_id: Uuid, person_id: Uuid) -> Result<Person, Error> {
    let root = work.root()?;
    let row = find_person(work.connection, &root, case_id, person_id)?;
    work.shows_case(&row.case_id, Some(row.version));
    Ok(shown_to(work.principal, person_of(&row)?))
}

/// Changes a person; what `change` makes of their details is what they have from now on. A withheld address stays as
/// it is, and withheld, whatever is asked by somebody for whom it is not.
pub fn change_person(
    work: &mut Work<'_>,
    case_id: Uuid,
    person_id: Uuid,
    if_match: i64,
    change: impl FnOnce(PersonDetails) -> Result<PersonDetails, Error>,
) -> Result<Person, Error> {
    let root = work.root()?;
    let row = lock_person(work.connection, &root, case_id, person_id)?;
    if row.version != if_match {
        return Err(Error::Stale {
            current_version: row.version,
        });
    }
    let details = change_seen(work.principal, person_of(&row)?.details, change)?;
    let mut row = with_details(row, &details)?;
    row.version += 1;
    row.updated_at = work.now.naive_utc();
    update_person(work.connection, &row)?;
    work.audit("change_person", &row.id, Some(&row.case_id), Some(row.version))?;
    Ok(shown_to(work.principal, person_of(&row)?))
}

pub fn list_people(
    work: &mut Work<'_>,
    case_id: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Person>, Error> {
    let root = work.root()?;
    find_case(work.connection, &root, case_id)?;
    work.shows_case(&case_id.to_string(), None);
    people_of_case(work.connection, &root, case_id, after, limit)?
        .iter()
        .map(|row| Ok(shown_to(work.principal, person_of(row)?)))
        .collect()
}

fn with_details(row: PersonRow, details: &PersonDetails) -> Result<PersonRow, Error> {
    Ok(PersonRow {
        name: details.name.clone(),
        relationship: name_of(&details.relationship)?,
        parental_responsibility: details.parental_responsibility,
        receives_notices: details.receives_notices,
        is_decision_maker_from_on: details.is_decision_maker_from_on,
        address: details.address.clone(),
        address_withheld: details.address_withheld,
        language: details.language.clone(),
        interpreter: details.interpreter,
        communication_needs: details.communication_needs.clone(),
        preferred_channel: details
            .preferred_channel
            .map(|channel| name_of(&channel))
            .transpose()?,
        young_person_allows_from_on: details.young_person_allows_from_on,
        ..row
    })
}

/// Changes details as somebody sees them: an address that is not for them is neither read nor written.
fn change_seen(
    principal: &Principal,
    mut details: PersonDetails,
    change: impl FnOnce(PersonDetails) -> Result<PersonDetails, Error>,
) -> Result<PersonDetails, Error> {
    if !details.address_withheld || principal.sees_withheld_addresses() {
        return change(details);
    }
    let address = details.address.take();
    // So that naming the address is told from leaving it alone, and a guess at it from nothing.
    details.address = address.is_some().then(|| STAND_IN.to_owned());
    let stand_in = details.address.clone();
    let mut changed = change(details)?;
    let mut faults = Vec::new();
    let mut refuse = |pointer: &str| {
        faults.push(Fault::new(
            pointer,
            "staff_only",
            "is withheld, and for those who keep the case to change",
        ));
    };
    if address.is_some() && changed.address != stand_in {
        refuse("/address");
    }
    if !changed.address_withheld {
        refuse("/address_withheld");
    }
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    if address.is_some() {
        changed.address = address;
    }
    Ok(changed)
}

/// What stands for an address that is not shown.
const STAND_IN: &str = "withheld";

/// Takes out an address that is not for whoever asks: all of them, or those that must reach nobody else.
fn shown_to(principal: &Principal, mut person: Person) -> Person {
    let is_shown = if person.details.address_withheld {
        principal.sees_withheld_addresses()
    } else {
        principal.sees_identifiers()
    };
    if !is_shown {
        person.is_address_masked = person.details.address.take().is_some();
    }
    person
}

fn person_of(row: &PersonRow) -> Result<Person, Error> {
    Ok(Person {
        id: convert::id(&row.id)?,
        case_id: convert::id(&row.case_id)?,
        version: row.version,
        is_address_masked: false,
        details: PersonDetails {
            name: row.name.clone(),
            relationship: named(&row.relationship)?,
            parental_responsibility: row.parental_responsibility,
            receives_notices: row.receives_notices,
            is_decision_maker_from_on: row.is_decision_maker_from_on,
            address: row.address.clone(),
            address_withheld: row.address_withheld,
            language: row.language.clone(),
            interpreter: row.interpreter,
            communication_needs: row.communication_needs.clone(),
            preferred_channel: row.preferred_channel.as_deref().map(named).transpose()?,
            young_person_allows_from_on: row.young_person_allows_from_on,
        },
    })
}
