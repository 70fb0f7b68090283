//! Who was invited to a meeting and who was there, the same for every meeting of every procedure.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::statute::rulebook::Party;

/// How somebody took part in a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attended {
    InPerson,
    /// They sent what they had to say.
    ViewsSent,
    /// They said that they would not come.
    Apologies,
    /// They did not come, and did not say so.
    Absent,
}

/// Somebody who was invited to a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invited {
    /// Who they are.
    pub party: Party,
    /// The organisation they speak for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<Uuid>,
}

/// How one of those invited took part in a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attendance {
    /// Who they are.
    pub party: Party,
    /// The organisation they speak for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<Uuid>,
    /// How they took part.
    pub attended: Attended,
}

/// The organisations in a list of a fact, by their fields.
pub(super) fn organisations_in(
    list: &str,
    organisations: impl Iterator<Item = Option<Uuid>>,
) -> Vec<(String, Uuid)> {
    let named = organisations.enumerate();
    named
        .filter_map(|(index, organisation_id)| {
            Some((format!("{list}/{index}/organisation_id"), organisation_id?))
        })
        .collect()
}
