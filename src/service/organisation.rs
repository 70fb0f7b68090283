//! Organisations: opening, changing and listing them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Error, Work};
use crate::statute::rulebook::Party;
use crate::store::StoreError;
use crate::store::convert::{name_of, named};
use crate::store::organisation::{
    OrganisationRow, find_organisation, insert_organisation, list_organisations as list, lock_organisation,
    update_organisation,
};

/// What an organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrganisationKind {
    Health,
    SocialCare,
    EducationalPsychology,
    School,
    College,
    EarlyYears,
    AuthorityService,
    Other,
}

/// Who moves when the move is an organisation's.
pub fn party_of(kind: OrganisationKind) -> Party {
    match kind {
        OrganisationKind::Health => Party::Health,
        OrganisationKind::SocialCare => Party::SocialCare,
        OrganisationKind::EducationalPsychology => Party::EducationalPsychology,
        OrganisationKind::School | OrganisationKind::College | OrganisationKind::EarlyYears => {
            Party::EducationSetting
        }
        OrganisationKind::AuthorityService => Party::LocalAuthority,
        OrganisationKind::Other => Party::Other,
    }
}

/// What is known of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrganisationDetails {
    /// Its name.
    #[schema(
        min_length = 1,
        max_length = 200,
        example = "Riverbank Community Health Trust"
    )]
    pub name: String,
    /// What it is.
    pub kind: OrganisationKind,
    /// Its code in a register, such as a URN; unique among organisations of its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 50)]
    pub code: Option<String>,
    /// Whether the statutory six weeks bind it (CFA 2014 s.31). Health bodies by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section_31_body: Option<bool>,
    /// The one contact point for its whole service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "email", max_length = 254)]
    pub contact_email: Option<String>,
}

/// An organisation with its id and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    pub id: Uuid,
    pub version: i64,
    pub details: OrganisationDetails,
}

pub fn open_organisation(work: &mut Work<'_>, details: &OrganisationDetails) -> Result<Organisation, Error> {
    let id = work.new_id();
    let row = OrganisationRow {
        id: id.to_string(),
        la_code: work.la_code(),
        name: String::new(),
        kind: String::new(),
        code: None,
        section_31_body: false,
        contact_email: None,
        version: 1,
        created_at: work.now.naive_utc(),
        updated_at: work.now.naive_utc(),
    };
    let row = with_details(row, details)?;
    insert_organisation(work.connection, &row).map_err(code_is_taken)?;
    work.audit("open_organisation", &row.id, None, Some(1))?;
    organisation_of(&row)
}

pub fn get_organisation(work: &mut Work<'_>, organisation_id: Uuid) -> Result<Organisation, Error> {
    let la_code = work.la_code();
    organisation_of(&find_organisation(work.connection, &la_code, organisation_id)?)
}

/// Changes an organisation; what `change` makes of its details is what it has from now on.
pub fn change_organisation(
    work: &mut Work<'_>,
    organisation_id: Uuid,
    if_match: i64,
    change: impl FnOnce(OrganisationDetails) -> Result<OrganisationDetails, Error>,
) -> Result<Organisation, Error> {
    let la_code = work.la_code();
    let row = lock_organisation(work.connection, &la_code, organisation_id)?;
    if row.version != if_match {
        return Err(Error::Stale {
            current_version: row.version,
        });
    }
    let details = change(organisation_of(&row)?.details)?;
    let mut row = with_details(row, &details)?;
    row.version += 1;
    row.updated_at = work.now.naive_utc();
    update_organisation(work.connection, &row).map_err(code_is_taken)?;
    work.audit("change_organisation", &row.id, None, Some(row.version))?;
    organisation_of(&row)
}

pub fn list_organisations(
    work: &mut Work<'_>,
    kind: Option<OrganisationKind>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Organisation>, Error> {
    let la_code = work.la_code();
    let kind = kind.map(|kind| name_of(&kind)).transpose()?;
    list(work.connection, &la_code, kind.as_deref(), after, limit)?
        .iter()
        .map(organisation_of)
        .collect()
}

fn with_details(row: OrganisationRow, details: &OrganisationDetails) -> Result<OrganisationRow, Error> {
    Ok(OrganisationRow {
        name: details.name.clone(),
        kind: name_of(&details.kind)?,
        code: details.code.clone(),
        section_31_body: details
            .section_31_body
            .unwrap_or(details.kind == OrganisationKind::Health),
        contact_email: details.contact_email.clone(),
        ..row
    })
}

fn organisation_of(row: &OrganisationRow) -> Result<Organisation, Error> {
    Ok(Organisation {
        id: crate::store::convert::id(&row.id)?,
        version: row.version,
        details: OrganisationDetails {
            name: row.name.clone(),
            kind: named(&row.kind)?,
            code: row.code.clone(),
            section_31_body: Some(row.section_31_body),
            contact_email: row.contact_email.clone(),
        },
    })
}

fn code_is_taken(error: StoreError) -> Error {
    match error {
        StoreError::Duplicate(_) => Error::Duplicate {
            what: "organisation code",
            existing_id: None,
        },
        other => other.into(),
    }
}
