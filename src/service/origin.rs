//! Where a request came from and what it asks, for the trail and the log.
//!
//! `http` makes it of a request; `service::work` writes of it. Nothing is decided by it.

use std::borrow::Cow;

/// A request, less who asks and what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub trace_id: Cow<'static, str>,
    /// The operation that was asked for, by the id that the contract gives it.
    pub operation: Cow<'static, str>,
    /// Whether the operation changes nothing.
    pub is_reading: bool,
    pub named: Option<Named>,
    pub client_address: Option<String>,
    /// Why, as whoever asks says. It may tell of somebody: it goes to the trail alone, never to the log.
    pub reason: Option<String>,
}

/// What the address of a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub resource_id: String,
    /// The case that the address names or leads through.
    pub case_id: Option<String>,
}

/// Whether an entry of the trail is about a change or about a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Change,
    Reading,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Change => "change",
            Kind::Reading => "reading",
        }
    }
}

impl Origin {
    /// What the program does for itself, under a trace id.
    pub const fn own(trace_id: &'static str) -> Origin {
        Origin {
            trace_id: Cow::Borrowed(trace_id),
            operation: Cow::Borrowed(""),
            is_reading: false,
            named: None,
            client_address: None,
            reason: None,
        }
    }
}

/// What the program does for itself where nobody will ask which request it was.
pub static OWN: Origin = Origin::own("");
