//! The time limit of a consultation received from a neighbouring authority (SEND Code of Practice).
//!
//! Rows only: what their columns mean is in `rulebook`.

use super::{CODE_OF_PRACTICE, ClockKind, Confidence, Force, LIMIT, Mark, Rule, provision};
use crate::statute::counting::Counting;

/// Every time limit of a consultation received.
pub static CONSULTATION_RULES: &[Rule] = &[Rule {
    kind: ClockKind::SettingReply,
    title: "Reply to the neighbouring authority's consultation",
    force: Force::Guidance,
    counting: Counting::WithinDays(15),
    starts: &[Mark::ConsultationReceived],
    satisfied_by: &[Mark::ConsultationAnswered],
    satisfied_when: "the day the answer was sent",
    provision: provision(CODE_OF_PRACTICE, "para 9.83", Confidence::SecondarySource),
    ..LIMIT
}];
