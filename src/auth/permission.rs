//! Which roles may do what, and which scopes let a system do it. A permission in an operation's signature is
//! the proof that it was checked.
//!
//! How far it reaches (the authority, an organisation, one case) is the principal's `Reach`, and is the
//! business of the query, not of the permission.

use super::principal::ClientScope::{AdviceRead, AdviceSubmit, CaseRead, CaseWrite};
use super::principal::Role::{Admin, Auditor, Caseworker, Contributor, Family, Manager};
use super::principal::{ClientScope, Principal, Role};

/// A thing that only some may do; each type that implements it is one such thing and holds no data.
pub trait Permission {
    /// Any one of these is enough for a person.
    const ROLES: &'static [Role];
    /// Any one of these is enough for a system: an authority's or, where its contributors may, an organisation's.
    const SCOPES: &'static [ClientScope];
    /// Any one of these is enough for a system of an organisation, where it is asked for less than an authority's.
    const ORGANISATION_SCOPES: &'static [ClientScope] = Self::SCOPES;
    /// As problems and the authorisation table name it.
    const NAME: &'static str;
}

/// Whether somebody has a permission: a person by a role, a system by a scope. A system of an organisation is a
/// contributor narrowed by its scopes, and one of an authority is staff narrowed by its own.
pub fn allows<P: Permission>(principal: &Principal) -> bool {
    match &principal.client {
        None => principal.has_any(P::ROLES),
        Some(client) => match principal.organisation_id {
            None => client.has_any(P::SCOPES),
            Some(_) => client.has_any(P::ORGANISATION_SCOPES) && P::ROLES.contains(&Contributor),
        },
    }
}

/// See cases and their people: caseworker, manager, auditor, admin.
#[derive(Debug, Clone, Copy)]
pub struct ReadCases;

impl Permission for ReadCases {
    const ROLES: &'static [Role] = &[Caseworker, Manager, Auditor, Admin];
    const SCOPES: &'static [ClientScope] = &[CaseRead];
    const NAME: &'static str = "read_cases";
}

/// Open, change and close cases: caseworker, manager.
#[derive(Debug, Clone, Copy)]
pub struct WriteCases;

impl Permission for WriteCases {
    const ROLES: &'static [Role] = &[Caseworker, Manager];
    const SCOPES: &'static [ClientScope] = &[CaseWrite];
    const NAME: &'static str = "write_cases";
}

/// See assessments and their events: caseworker, manager, auditor, admin, and the family its own.
#[derive(Debug, Clone, Copy)]
pub struct ReadAssessments;

impl Permission for ReadAssessments {
    const ROLES: &'static [Role] = &[Caseworker, Manager, Auditor, Admin, Family];
    const SCOPES: &'static [ClientScope] = &[CaseRead];
    const NAME: &'static str = "read_assessments";
}

/// Record what happens in an assessment: caseworker, manager.
#[derive(Debug, Clone, Copy)]
pub struct WriteAssessments;

impl Permission for WriteAssessments {
    const ROLES: &'static [Role] = &[Caseworker, Manager];
    const SCOPES: &'static [ClientScope] = &[CaseWrite];
    const NAME: &'static str = "write_assessments";
}

/// See the story of a case: caseworker, manager, auditor, admin, and the family its own.
#[derive(Debug, Clone, Copy)]
pub struct ReadTimeline;

impl Permission for ReadTimeline {
    const ROLES: &'static [Role] = &[Caseworker, Manager, Auditor, Admin, Family];
    const SCOPES: &'static [ClientScope] = &[CaseRead];
    const NAME: &'static str = "read_timeline";
}

/// See the advice that has come to the family: caseworker, manager, auditor, admin, and the family its own.
#[derive(Debug, Clone, Copy)]
pub struct ReadSharedAdvice;

impl Permission for ReadSharedAdvice {
    const ROLES: &'static [Role] = &[Caseworker, Manager, Auditor, Admin, Family];
    const SCOPES: &'static [ClientScope] = &[AdviceRead];
    const NAME: &'static str = "read_shared_advice";
}

/// See reviews of plans and their events: caseworker, manager, auditor, admin, and the family its own.
#[derive(Debug, Clone, Copy)]
pub struct ReadReviews;

impl Permission for ReadReviews {
    const ROLES: &'static [Role] = &[Caseworker, Manager, Auditor, Admin, Family];
    const SCOPES: &'static [ClientScope] = &[CaseRead];
    const NAME: &'static str = "read_reviews";
}

/// Record what happens in the review of a plan: caseworker, manager.
#[derive(Debug, Clone, Copy)]
pub struct WriteReviews;

impl Permission for WriteReviews {
    const ROLES: &'static [Role] = &[Caseworker, Manager];
    const SCOPES: &'static [ClientScope] = &[CaseWrite];
    const NAME: &'static str = "write_reviews";
}

/// See which reviews fall due and who changes phase: caseworker, manager, auditor, admin, and the contributor those that
/// concern its organisation.
#[derive(Debug, Clone, Copy)]
pub struct ReadUpcomingReviews;

impl Permission for ReadUpcomingReviews {
    const ROLES: &'static [Role] = &[Caseworker, Manager, Auditor, Admin, Contributor];
    const SCOPES: &'static [ClientScope] = &[CaseRead];
    const ORGANISATION_SCOPES: &'static [ClientScope] = &[CaseRead, AdviceRead];
    const NAME: &'static str = "read_upcoming_reviews";
}

/// See plans and their events: caseworker, manager, auditor, admin, and the family its own.
#[derive(Debug, Clone, Copy)]
pub struct ReadPlans;

impl Permission for ReadPlans {
    const ROLES: &'static [Role] = &[Caseworker, Manager, Auditor, Admin, Family];
    const SCOPES: &'static [ClientScope] = &[CaseRead];
    const NAME: &'static str = "read_plans";
}

/// Write plans and record what happens to them: caseworker, manager.
#[derive(Debug, Clone, Copy)]
pub struct WritePlans;

impl Permission for WritePlans {
    const ROLES: &'static [Role] = &[Caseworker, Manager];
    const SCOPES: &'static [ClientScope] = &[CaseWrite];
    const NAME: &'static str = "write_plans";
}

/// See consultations received and their events: caseworker, manager, auditor, admin.
#[derive(Debug, Clone, Copy)]
pub struct ReadConsultations;

impl Permission for ReadConsultations {
    const ROLES: &'static [Role] = &[Caseworker, Manager, Auditor, Admin];
    const SCOPES: &'static [ClientScope] = &[CaseRead];
    const NAME: &'static str = "read_consultations";
}

/// Record consultations received and what became of them: caseworker, manager.
#[derive(Debug, Clone, Copy)]
pub struct WriteConsultations;

impl Permission for WriteConsultations {
    const ROLES: &'static [Role] = &[Caseworker, Manager];
    const SCOPES: &'static [ClientScope] = &[CaseWrite];
    const NAME: &'static str = "write_consultations";
}

/// See requests for advice and what came of them: caseworker, manager, auditor, admin, and the
/// contributor its organisation's.
#[derive(Debug, Clone, Copy)]
pub struct ReadAdvice;

impl Permission for ReadAdvice {
    const ROLES: &'static [Role] = &[Caseworker, Manager, Auditor, Admin, Contributor];
    const SCOPES: &'static [ClientScope] = &[AdviceRead];
    const NAME: &'static str = "read_advice";
}

/// The authority's side of advice, which is to request, return, accept, redirect and withdraw it and to
/// agree on existing advice: caseworker, manager.
#[derive(Debug, Clone, Copy)]
pub struct WriteAdvice;

impl Permission for WriteAdvice {
    const ROLES: &'static [Role] = &[Caseworker, Manager];
    const SCOPES: &'static [ClientScope] = &[CaseWrite];
    const NAME: &'static str = "write_advice";
}

/// The organisation's side of advice, which is to acknowledge, submit or decline it and to record
/// appointments and exceptions: the contributor, or a caseworker or manager on its behalf.
#[derive(Debug, Clone, Copy)]
pub struct ContributeAdvice;

impl Permission for ContributeAdvice {
    const ROLES: &'static [Role] = &[Caseworker, Manager, Contributor];
    const SCOPES: &'static [ClientScope] = &[AdviceSubmit];
    const NAME: &'static str = "contribute_advice";
}

/// See clocks: every role, each within its scope; a system of an authority that reads advice alone, those of advice.
#[derive(Debug, Clone, Copy)]
pub struct ReadClocks;

impl Permission for ReadClocks {
    const ROLES: &'static [Role] = &[Caseworker, Manager, Auditor, Admin, Contributor, Family];
    const SCOPES: &'static [ClientScope] = &[CaseRead, AdviceRead];
    const NAME: &'static str = "read_clocks";
}

/// See the authority's settings and closure dates: caseworker, manager, auditor, admin.
#[derive(Debug, Clone, Copy)]
pub struct ReadSettings;

impl Permission for ReadSettings {
    const ROLES: &'static [Role] = &[Caseworker, Manager, Auditor, Admin];
    const SCOPES: &'static [ClientScope] = &[ClientScope::Admin];
    const NAME: &'static str = "read_settings";
}

/// Change the authority's settings and closure dates: admin.
#[derive(Debug, Clone, Copy)]
pub struct WriteSettings;

impl Permission for WriteSettings {
    const ROLES: &'static [Role] = &[Admin];
    const SCOPES: &'static [ClientScope] = &[ClientScope::Admin];
    const NAME: &'static str = "write_settings";
}

/// See the systems that may do something at the authority: auditor, admin.
#[derive(Debug, Clone, Copy)]
pub struct ReadClients;

impl Permission for ReadClients {
    const ROLES: &'static [Role] = &[Auditor, Admin];
    const SCOPES: &'static [ClientScope] = &[ClientScope::Admin];
    const NAME: &'static str = "read_clients";
}

/// Register systems, grant them something and shut them out: admin.
#[derive(Debug, Clone, Copy)]
pub struct WriteClients;

impl Permission for WriteClients {
    const ROLES: &'static [Role] = &[Admin];
    const SCOPES: &'static [ClientScope] = &[ClientScope::Admin];
    const NAME: &'static str = "write_clients";
}

/// See who did and saw what: auditor.
#[derive(Debug, Clone, Copy)]
pub struct ReadTrail;

impl Permission for ReadTrail {
    const ROLES: &'static [Role] = &[Auditor];
    const SCOPES: &'static [ClientScope] = &[];
    const NAME: &'static str = "read_trail";
}

/// See the organisations an authority works with: caseworker, manager, auditor, admin, contributor.
#[derive(Debug, Clone, Copy)]
pub struct ReadOrganisations;

impl Permission for ReadOrganisations {
    const ROLES: &'static [Role] = &[Caseworker, Manager, Auditor, Admin, Contributor];
    const SCOPES: &'static [ClientScope] = &[CaseRead, AdviceRead, ClientScope::Admin];
    const NAME: &'static str = "read_organisations";
}

/// Add and change organisations: admin.
#[derive(Debug, Clone, Copy)]
pub struct WriteOrganisations;

impl Permission for WriteOrganisations {
    const ROLES: &'static [Role] = &[Admin];
    const SCOPES: &'static [ClientScope] = &[ClientScope::Admin];
    const NAME: &'static str = "write_organisations";
}

/// Seal cases, say to whom sealed ones are open, and review broken glass: manager.
#[derive(Debug, Clone, Copy)]
pub struct SealCases;

impl Permission for SealCases {
    const ROLES: &'static [Role] = &[Manager];
    const SCOPES: &'static [ClientScope] = &[];
    const NAME: &'static str = "seal_cases";
}

/// Read a sealed case on one's own word: caseworker, manager.
#[derive(Debug, Clone, Copy)]
pub struct BreakGlass;

impl Permission for BreakGlass {
    const ROLES: &'static [Role] = &[Caseworker, Manager];
    const SCOPES: &'static [ClientScope] = &[];
    const NAME: &'static str = "break_glass";
}

/// See for which readings the glass was broken: manager, auditor.
#[derive(Debug, Clone, Copy)]
pub struct ReadBreakGlass;

impl Permission for ReadBreakGlass {
    const ROLES: &'static [Role] = &[Manager, Auditor];
    const SCOPES: &'static [ClientScope] = &[];
    const NAME: &'static str = "read_break_glass";
}

/// Export everything held about a case, to answer a request for access: manager.
#[derive(Debug, Clone, Copy)]
pub struct ExportCases;

impl Permission for ExportCases {
    const ROLES: &'static [Role] = &[Manager];
    const SCOPES: &'static [ClientScope] = &[];
    const NAME: &'static str = "export_cases";
}

/// Place and lift legal holds, and make, review and carry out lists of cases to dispose of: manager.
#[derive(Debug, Clone, Copy)]
pub struct DisposeOfCases;

impl Permission for DisposeOfCases {
    const ROLES: &'static [Role] = &[Manager];
    const SCOPES: &'static [ClientScope] = &[];
    const NAME: &'static str = "dispose_of_cases";
}

/// See lists of cases to dispose of, and what was disposed of: manager, auditor.
#[derive(Debug, Clone, Copy)]
pub struct ReadRetention;

impl Permission for ReadRetention {
    const ROLES: &'static [Role] = &[Manager, Auditor];
    const SCOPES: &'static [ClientScope] = &[];
    const NAME: &'static str = "read_retention";
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::auth::{ClientAccess, LaCode};

    fn system(organisation_id: Option<Uuid>, scopes: &[ClientScope]) -> Principal {
        Principal {
            subject: "client:1".to_owned(),
            la_code: LaCode::parse("202").unwrap(),
            roles: Vec::new(),
            organisation_id,
            case_id: None,
            person_id: None,
            client: Some(ClientAccess {
                client_id: Uuid::from_u128(1),
                scopes: scopes.to_vec(),
            }),
        }
    }

    #[test]
    fn a_system_may_do_what_a_scope_of_its_own_says() {
        let reader = system(None, &[CaseRead]);
        assert!(allows::<ReadCases>(&reader) && allows::<ReadClocks>(&reader));
        assert!(!allows::<WriteCases>(&reader) && !allows::<ReadAdvice>(&reader));
        assert!(!allows::<WriteSettings>(&reader) && !allows::<ReadCases>(&system(None, &[])));
        assert!(allows::<WriteOrganisations>(&system(None, &[ClientScope::Admin])));
    }

    #[test]
    fn a_system_of_an_organisation_may_do_no_more_than_a_contributor() {
        let every = [
            CaseRead,
            CaseWrite,
            AdviceRead,
            AdviceSubmit,
            ClientScope::ReportsRead,
            ClientScope::Admin,
        ];
        let trust = system(Some(Uuid::from_u128(2)), &every);
        assert!(allows::<ReadAdvice>(&trust) && allows::<ContributeAdvice>(&trust));
        assert!(!allows::<ReadCases>(&trust) && !allows::<WriteAdvice>(&trust));
        assert!(!allows::<WriteOrganisations>(&trust));
        let advice_alone = |organisation_id| system(organisation_id, &[AdviceRead]);
        assert!(allows::<ReadUpcomingReviews>(&advice_alone(
            trust.organisation_id
        )));
        assert!(!allows::<ReadUpcomingReviews>(&advice_alone(None)));
        assert!(!allows::<ContributeAdvice>(&system(
            trust.organisation_id,
            &[AdviceRead]
        )));
    }
}
