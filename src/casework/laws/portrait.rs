//! What a timeline says, in a form that two of them can be compared by.

use crate::casework::flag::Flag;
use crate::casework::timeline::Timeline;

/// Everything that anybody can see of a timeline, in an order of its own.
///
/// Claims are told by what they say: the event that holds one changes when it is corrected.
pub fn portrait(timeline: &Timeline) -> Vec<String> {
    let mut lines = vec![format!("{} since {}", timeline.state.name(), timeline.opened_on)];
    for clock in &timeline.clocks {
        lines.push(format!(
            "{} {:?} {:?} {:?} {} {} {}",
            clock.id,
            clock.rule.kind,
            clock.subject,
            clock.started_by,
            clock.started_on,
            clock.due_on,
            clock.day_one_due_on
        ));
        lines.extend(
            clock
                .segments
                .iter()
                .map(|segment| format!("{} {segment:?}", clock.id)),
        );
        let mut claims: Vec<String> = clock
            .claims
            .iter()
            .map(|tested| {
                format!(
                    "{} {} {:?} {} {} {:?} {:?}",
                    clock.id,
                    tested.claim.occurred_on,
                    tested.claim.ground,
                    tested.claim.from_on,
                    tested.claim.to_on,
                    tested.why_not,
                    tested.excused_from_on
                )
            })
            .collect();
        claims.sort();
        lines.extend(claims);
    }
    // Whose move it was when a flag came down is told by nobody.
    let mut flags: Vec<String> = timeline
        .flags
        .iter()
        .map(|flag| Flag {
            whose_move: flag.whose_move.filter(|_| flag.until_on.is_none()),
            ..*flag
        })
        .map(|flag| format!("{flag:?}"))
        .collect();
    flags.sort();
    lines.extend(flags);
    let advice = &timeline.advice;
    lines.extend(advice.requests.iter().map(|request| format!("{request:?}")));
    let mut existing: Vec<String> = advice
        .existing
        .iter()
        .map(|existing| format!("{existing:?}"))
        .collect();
    existing.sort();
    lines.extend(existing);
    lines.push(format!(
        "{:?} {:?} {:?}",
        advice.sought_on, advice.plan_on, advice.is_stopped
    ));
    lines
}
