//! Whoever a request is made for: the values only, without where they came from.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What somebody is to an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Keeps the authority's cases.
    Caseworker,
    /// Keeps cases and answers for those who do.
    Manager,
    /// Reads everything of the authority and changes no case.
    Auditor,
    /// Keeps settings, organisations and clients.
    Admin,
    /// Gives its organisation's advice.
    Contributor,
    /// A parent or the young person, about their own case.
    Family,
}

impl Role {
    /// As tokens name it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Caseworker => "caseworker",
            Role::Manager => "manager",
            Role::Auditor => "auditor",
            Role::Admin => "admin",
            Role::Contributor => "contributor",
            Role::Family => "family",
        }
    }

    /// Whether the role is held at the authority itself.
    pub fn is_staff(self) -> bool {
        match self {
            Role::Caseworker | Role::Manager | Role::Auditor | Role::Admin => true,
            Role::Contributor | Role::Family => false,
        }
    }
}

/// A local authority's code: exactly three digits, as the Department for Education gives them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LaCode(String);

/// The text is not the code of a local authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the code of a local authority is three digits")]
pub struct InvalidLaCode;

impl LaCode {
    pub fn parse(text: &str) -> Result<LaCode, InvalidLaCode> {
        if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(LaCode(text.to_owned()))
        } else {
            Err(InvalidLaCode)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LaCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for LaCode {
    type Error = InvalidLaCode;

    fn try_from(text: String) -> Result<LaCode, InvalidLaCode> {
        LaCode::parse(&text)
    }
}

impl From<LaCode> for String {
    fn from(code: LaCode) -> String {
        code.0
    }
}

/// Whoever a request is made for. Every role ends at the authority of `la_code`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub subject: String,
    pub la_code: LaCode,
    pub roles: Vec<Role>,
    /// The organisation a contributor speaks for.
    pub organisation_id: Option<Uuid>,
    /// The case a family is about.
    pub case_id: Option<Uuid>,
    /// Who of that case's people it is.
    pub person_id: Option<Uuid>,
    /// The system it is, where no person asks.
    pub client: Option<ClientAccess>,
}

/// A system that asks for itself: what it was granted, and no role, says what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAccess {
    pub client_id: Uuid,
    pub scopes: Vec<ClientScope>,
}

impl ClientAccess {
    pub fn has_any(&self, scopes: &[ClientScope]) -> bool {
        self.scopes.iter().any(|scope| scopes.contains(scope))
    }

    /// The scopes as OAuth writes them.
    pub fn scope(&self) -> String {
        ClientScope::in_words(&self.scopes)
    }
}

/// What a system may be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum ClientScope {
    /// Read cases, their procedures, clocks and plans.
    #[serde(rename = "case:read")]
    CaseRead,
    /// Open and change cases and record what happens.
    #[serde(rename = "case:write")]
    CaseWrite,
    /// Read requests for advice and what came of them.
    #[serde(rename = "advice:read")]
    AdviceRead,
    /// Acknowledge, give and decline advice.
    #[serde(rename = "advice:submit")]
    AdviceSubmit,
    /// Read measures and reports.
    #[serde(rename = "reports:read")]
    ReportsRead,
    /// Keep settings, organisations and clients.
    #[serde(rename = "admin")]
    Admin,
}

impl ClientScope {
    pub const ALL: [ClientScope; 6] = [
        ClientScope::CaseRead,
        ClientScope::CaseWrite,
        ClientScope::AdviceRead,
        ClientScope::AdviceSubmit,
        ClientScope::ReportsRead,
        ClientScope::Admin,
    ];

    /// As a request for a token names it.
    pub fn name(self) -> &'static str {
        match self {
            ClientScope::CaseRead => "case:read",
            ClientScope::CaseWrite => "case:write",
            ClientScope::AdviceRead => "advice:read",
            ClientScope::AdviceSubmit => "advice:submit",
            ClientScope::ReportsRead => "reports:read",
            ClientScope::Admin => "admin",
        }
    }

    pub fn named(name: &str) -> Option<ClientScope> {
        ClientScope::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Scopes as OAuth writes them: by their names, with a space between.
    pub fn in_words(scopes: &[ClientScope]) -> String {
        let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
        names.join(" ")
    }

    /// Reads what [`ClientScope::in_words`] writes, each scope once; none if a word is no scope.
    pub fn in_text(text: &str) -> Option<Vec<ClientScope>> {
        let mut scopes = Vec::new();
        for name in text.split(' ').filter(|name| !name.is_empty()) {
            let scope = ClientScope::named(name)?;
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        Some(scopes)
    }
}

/// How far somebody sees within their authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All of it.
    Authority,
    /// What concerns one organisation.
    Organisation(Uuid),
    /// One case.
    Case(Uuid),
}

/// A role that means nothing without what it is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unbound {
    #[error("a principal has at least one role")]
    NoRole,
    #[error("a contributor speaks for an organisation")]
    ContributorWithoutOrganisation,
    #[error("a family is about one case")]
    FamilyWithoutCase,
    #[error("a system has no role and is about no case")]
    ClientInARole,
}

impl Principal {
    pub fn has_any(&self, roles: &[Role]) -> bool {
        self.roles.iter().any(|role| roles.contains(role))
    }

    /// Whether identifiers and the home are for them to see: for those who keep cases, and for systems, which match
    /// records by identifiers.
    pub fn sees_identifiers(&self) -> bool {
        self.client.is_some() || self.has_any(&[Role::Caseworker, Role::Manager])
    }

    /// Whether an address that must reach nobody else is for them to see: for those who keep cases.
    pub fn sees_withheld_addresses(&self) -> bool {
        self.client.is_none() && self.has_any(&[Role::Caseworker, Role::Manager])
    }

    /// The widest reach that the roles give. Staff see their authority; else a contributor its
    /// organisation; else a family its case. A system sees its organisation or, belonging to none, the
    /// authority. A principal that [`Principal::check_bound`] refuses sees the nil organisation or case, which
    /// is to say nothing.
    pub fn reach(&self) -> Reach {
        if self.client.is_some() {
            self.organisation_id.map_or(Reach::Authority, Reach::Organisation)
        } else if self.roles.iter().any(|role| role.is_staff()) {
            Reach::Authority
        } else if self.roles.contains(&Role::Contributor) {
            Reach::Organisation(self.organisation_id.unwrap_or_default())
        } else {
            Reach::Case(self.case_id.unwrap_or_default())
        }
    }

    /// Whether every role has what it is bound to; tokens are neither issued nor accepted otherwise.
    pub fn check_bound(&self) -> Result<(), Unbound> {
        if self.client.is_some() {
            if self.roles.is_empty() && self.case_id.is_none() && self.person_id.is_none() {
                Ok(())
            } else {
                Err(Unbound::ClientInARole)
            }
        } else if self.roles.is_empty() {
            Err(Unbound::NoRole)
        } else if self.roles.contains(&Role::Contributor) && self.organisation_id.is_none() {
            Err(Unbound::ContributorWithoutOrganisation)
        } else if self.roles.contains(&Role::Family) && self.case_id.is_none() {
            Err(Unbound::FamilyWithoutCase)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_authority_is_three_digits() {
        assert_eq!(LaCode::parse("202").unwrap().as_str(), "202");
        for text in ["", "20", "2020", "20a", "٢٠٢", " 02"] {
            assert_eq!(LaCode::parse(text), Err(InvalidLaCode), "{text}");
            assert!(serde_json::from_value::<LaCode>(text.into()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_widest_role_gives_the_reach() {
        let (organisation, case) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let reach = |roles: &[Role]| {
            let principal = Principal {
                subject: "somebody".to_owned(),
                la_code: LaCode::parse("202").unwrap(),
                roles: roles.to_vec(),
                organisation_id: Some(organisation),
                case_id: Some(case),
                person_id: None,
                client: None,
            };
            principal.reach()
        };
        for staff in [Role::Caseworker, Role::Manager, Role::Auditor, Role::Admin] {
            assert_eq!(reach(&[Role::Family, Role::Contributor, staff]), Reach::Authority);
        }
        assert_eq!(
            reach(&[Role::Family, Role::Contributor]),
            Reach::Organisation(organisation)
        );
        assert_eq!(reach(&[Role::Family]), Reach::Case(case));
    }

    #[test]
    fn a_scope_has_one_name() {
        for scope in ClientScope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.name());
            assert_eq!(ClientScope::named(scope.name()), Some(scope));
        }
    }

    #[test]
    fn a_system_sees_its_organisation_or_the_authority_and_has_no_role() {
        let organisation = Uuid::from_u128(1);
        let system = |organisation_id, roles: &[Role]| Principal {
            subject: "client:2".to_owned(),
            la_code: LaCode::parse("202").unwrap(),
            roles: roles.to_vec(),
            organisation_id,
            case_id: None,
            person_id: None,
            client: Some(ClientAccess {
                client_id: Uuid::from_u128(2),
                scopes: vec![ClientScope::CaseRead],
            }),
        };
        assert_eq!(system(None, &[]).reach(), Reach::Authority);
        let of_organisation = system(Some(organisation), &[Role::Manager]);
        assert_eq!(of_organisation.reach(), Reach::Organisation(organisation));
        assert_eq!(system(None, &[]).check_bound(), Ok(()));
        assert_eq!(of_organisation.check_bound(), Err(Unbound::ClientInARole));
    }

    #[test]
    fn without_what_its_role_is_bound_to_a_principal_sees_nothing() {
        let principal = |role| Principal {
            subject: "somebody".to_owned(),
            la_code: LaCode::parse("202").unwrap(),
            roles: vec![role],
            organisation_id: None,
            case_id: None,
            person_id: None,
            client: None,
        };
        assert_eq!(
            principal(Role::Contributor).reach(),
            Reach::Organisation(Uuid::nil())
        );
        assert_eq!(principal(Role::Family).reach(), Reach::Case(Uuid::nil()));
    }
}
