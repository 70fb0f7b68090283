//! Who is asking, and what their roles let them do.
//!
//! Issues and verifies tokens and says which roles and scopes an operation takes. Nothing of our own HTTP is
//! here: `http` reads the header, asks the [`Identity`] and a [`Permission`]; `service` takes the [`Principal`].

mod assertion;
mod identity;
mod issuer;
mod issuer_key;
mod key_set;
mod key_source;
mod permission;
mod principal;
mod secret;
mod token;
mod verified;

pub use self::assertion::{Assertion, claimed_client, verify_assertion};
pub use self::identity::{Identity, Trust};
pub use self::issuer::{AuthorityClaim, CLIENT_PREFIX, ClaimMapping, ClaimPath, Issuer, KeyPlace};
pub use self::issuer_key::{IssuerKey, KeyError};
pub use self::key_set::{KeySet, KeySetError, PublicKey, SignatureAlgorithm};
pub use self::key_source::may_be_fetched;
pub use self::permission::{
    BreakGlass, ContributeAdvice, DisposeOfCases, ExportCases, Permission, ReadAdvice, ReadAssessments,
    ReadBreakGlass, ReadCases, ReadClients, ReadClocks, ReadConsultations, ReadOrganisations, ReadPlans,
    ReadRetention, ReadReviews, ReadSettings, ReadSharedAdvice, ReadTimeline, ReadTrail, ReadUpcomingReviews,
    SealCases, WriteAdvice, WriteAssessments, WriteCases, WriteClients, WriteConsultations,
    WriteOrganisations, WritePlans, WriteReviews, WriteSettings, allows,
};
pub use self::principal::{
    ClientAccess, ClientScope, InvalidLaCode, LaCode, Principal, Reach, Role, Unbound,
};
pub use self::secret::{ClientSecret, SecretError};
pub use self::token::{BUILT_IN_ISSUER, IssueError, TokenError, install_crypto_provider, issue, verify};
