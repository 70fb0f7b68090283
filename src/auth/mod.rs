//! Who is asking, and what their roles let them do.
//!
//! Issues and verifies tokens and says which roles an operation takes. Nothing of HTTP is here: `http`
//! reads the header, calls [`verify`] and asks for a [`Permission`]; `service` takes the [`Principal`].

mod issuer_key;
mod permission;
mod principal;
mod token;

pub use self::issuer_key::{IssuerKey, KeyError};
pub use self::permission::{
    BreakGlass, ContributeAdvice, Permission, ReadAdvice, ReadAssessments, ReadBreakGlass, ReadCases,
    ReadClocks, ReadConsultations, ReadOrganisations, ReadPlans, ReadReviews, ReadSettings,
    ReadUpcomingReviews, SealCases, WriteAdvice, WriteAssessments, WriteCases, WriteConsultations,
    WriteOrganisations, WritePlans, WriteReviews, WriteSettings, allows,
};
pub use self::principal::{
    ClientAccess, ClientScope, InvalidLaCode, LaCode, Principal, Reach, Role, Unbound,
};
pub use self::token::{IssueError, TokenError, install_crypto_provider, issue, verify};
