//! What an event on one procedure makes happen on the others of its case: a final plan opens the plan and its
//! first review, a completed review opens the next. It is recorded in the same transaction, as an event that
//! names its cause, and corrected when its cause is. Called by `recording`, and by `import` for
//! what it judges in memory.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::recording::{Draft, Held, derive, hold, open_new, record, state_of};
use super::{Error, Work};
use crate::casework::event::Fact;
use crate::casework::history::{Change, Correction, Entry, EntryBody, effective};
use crate::casework::procedure::State;
use crate::casework::timeline::Consequence;
use crate::store::case::find_case;
use crate::store::clock::procedures_owing;
use crate::store::convert;
use crate::store::procedure::{ProcedureRow, load_entries, procedures_of_case};

/// Where a consequence happens among the procedures of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On those that permit it.
    On(Vec<usize>),
    /// On one that it opens.
    New,
    /// Nowhere: what it would open is open already, or there is nothing for it to happen on.
    Nowhere,
}

/// A procedure on which a consequence may happen.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    pub state: State,
    /// Whether the clock runs on it that the type of the consequence follows for, if it follows for one.
    pub is_owed: bool,
}

/// Where a consequence happens among the procedures of its kind.
pub fn place_of(consequence: &Consequence, candidates: &[Candidate]) -> Place {
    let event_type = consequence.fact.event_type();
    let permits = |candidate: &Candidate| {
        candidate.is_owed && consequence.kind.permits(Some(candidate.state), event_type)
    };
    let permitting: Vec<usize> = candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| permits(candidate))
        .map(|(index, _)| index)
        .collect();
    if !permitting.is_empty() {
        Place::On(permitting)
    } else if event_type.opens() && !candidates.iter().any(|other| other.state.excludes_another()) {
        Place::New
    } else {
        Place::Nowhere
    }
}

/// Takes back what followed from a procedure before, and does not any more. The procedures of the case are held.
pub fn take_back_gone(
    work: &mut Work<'_>,
    case_id: &str,
    before: &[Consequence],
    after: &[Consequence],
) -> Result<(), Error> {
    for gone in before
        .iter()
        .filter(|earlier| same_among(earlier, after).is_none())
    {
        take_back(work, case_id, gone)?;
    }
    Ok(())
}

/// Makes what follows from a procedure now and did not follow before, and changes what follows in another way. The
/// procedures of the case are held.
pub fn make_or_change(
    work: &mut Work<'_>,
    case_id: &str,
    before: &[Consequence],
    after: &[Consequence],
) -> Result<(), Error> {
    for consequence in after {
        match same_among(consequence, before) {
            Some(earlier) if earlier == consequence => {}
            Some(earlier) => change(work, case_id, earlier, consequence)?,
            None => make(work, case_id, consequence)?,
        }
    }
    Ok(())
}

fn same_among<'c>(consequence: &Consequence, others: &'c [Consequence]) -> Option<&'c Consequence> {
    others.iter().find(|other| is_same(consequence, other))
}

/// Whether two are one, however its day or its words have changed.
fn is_same(one: &Consequence, other: &Consequence) -> bool {
    one.cause_id == other.cause_id
        && one.kind == other.kind
        && one.fact.event_type() == other.fact.event_type()
}

/// The draft of a consequence.
pub fn draft_of(work: &Work<'_>, consequence: &Consequence) -> Draft {
    Draft {
        caused_by: Some(consequence.cause_id),
        dates: consequence.dates,
        ..Draft::of(
            work.new_id(),
            consequence.occurred_on,
            Fact::Own(consequence.fact.clone()),
        )
    }
}

fn make(work: &mut Work<'_>, case_id: &str, consequence: &Consequence) -> Result<(), Error> {
    let of_kind = of_kind(work, case_id, consequence)?;
    let owed = match consequence.fact.event_type().follows_for() {
        Some(kind) => {
            let la_code = work.la_code();
            Some(procedures_owing(
                work.connection,
                &la_code,
                case_id,
                kind,
                consequence.occurred_on,
            )?)
        }
        None => None,
    };
    let mut candidates = Vec::with_capacity(of_kind.len());
    for procedure in &of_kind {
        candidates.push(Candidate {
            state: state_of(procedure)?,
            is_owed: owed.as_ref().is_none_or(|owed| owed.contains(&procedure.id)),
        });
    }
    match place_of(consequence, &candidates) {
        Place::On(places) => {
            for place in places {
                let mut held = hold(work, convert::id(&of_kind[place].id)?, None)?;
                let draft = draft_of(work, consequence);
                record_on(work, &mut held, vec![draft])?;
            }
            Ok(())
        }
        Place::New => {
            let root = work.whole();
            let case = find_case(work.connection, &root, convert::id(case_id)?)?;
            // What a correction tells of a case that is closed opens nothing on it.
            if case.closed_on.is_some() {
                return Ok(());
            }
            let mut held = open_new(work, consequence.kind, case_id, consequence.occurred_on)?;
            let draft = draft_of(work, consequence);
            record_on(work, &mut held, vec![draft])?;
            catch_up(work, &mut held)
        }
        Place::Nowhere => Ok(()),
    }
}

/// Records on a procedure that was opened late what has followed from those of other kinds since its opening: a plan
/// that ceased meanwhile is not reviewed.
fn catch_up(work: &mut Work<'_>, opened: &mut Held) -> Result<(), Error> {
    let (la_code, opened_on) = (work.la_code(), opened.procedure.opened_on);
    let mut missed: Vec<Consequence> = Vec::new();
    for procedure in procedures_of_case(work.connection, &la_code, &opened.procedure.case_id)? {
        if procedure.kind == opened.kind.name {
            continue;
        }
        let entries = load_entries(work.connection, &procedure)?;
        let readings = &opened.settings.readings;
        let timeline = derive(&procedure, &entries, &opened.of_case.child, readings, None)?;
        missed.extend(timeline.into_iter().flat_map(|timeline| timeline.consequences));
    }
    missed.retain(|consequence| {
        let event_type = consequence.fact.event_type();
        // What follows for a clock follows for none of one that has just begun.
        event_type.only_follows()
            && event_type.follows_for().is_none()
            && consequence.kind == opened.kind
            && consequence.occurred_on >= opened_on
    });
    missed.sort_by_key(|consequence| consequence.occurred_on);
    for consequence in missed {
        if opened
            .kind
            .permits(Some(state_of(&opened.procedure)?), consequence.fact.event_type())
        {
            let draft = draft_of(work, &consequence);
            record_on(work, opened, vec![draft])?;
        }
    }
    Ok(())
}

/// Changes what a consequence says now and said otherwise before. What somebody corrected where it stands says
/// neither, and stays.
fn change(
    work: &mut Work<'_>,
    case_id: &str,
    earlier: &Consequence,
    consequence: &Consequence,
) -> Result<(), Error> {
    for (mut held, entry) in made_before(work, case_id, consequence)? {
        let Some(replacement) = changed(work, &entry, earlier, consequence) else {
            continue;
        };
        let correction = correction_of(work, &entry, Some(replacement.id));
        record_on(work, &mut held, vec![correction, replacement])?;
    }
    Ok(())
}

/// What is on record with what has changed in its cause; none if that leaves it as it is.
fn changed(
    work: &Work<'_>,
    entry: &Entry,
    earlier: &Consequence,
    consequence: &Consequence,
) -> Option<Draft> {
    let EntryBody::Fact(recorded) = &entry.body else {
        return None;
    };
    let mut replacement = Draft {
        root_id: Some(entry.root_id),
        ..draft_of(work, consequence)
    };
    if entry.occurred_on != earlier.occurred_on {
        replacement.occurred_on = entry.occurred_on;
    }
    if entry.dates != earlier.dates {
        replacement.dates = entry.dates;
    }
    if *recorded != Fact::Own(earlier.fact.clone()) {
        replacement.body = entry.body.clone();
    }
    let says_the_same = replacement.occurred_on == entry.occurred_on
        && replacement.dates == entry.dates
        && replacement.body == entry.body;
    (!says_the_same).then_some(replacement)
}

fn take_back(work: &mut Work<'_>, case_id: &str, consequence: &Consequence) -> Result<(), Error> {
    for (mut held, entry) in made_before(work, case_id, consequence)? {
        let mut in_effect = effective(&held.entries, &HashSet::new());
        // What only follows from elsewhere is nothing that anybody recorded on it.
        in_effect.retain(|event| !event.fact.event_type().only_follows());
        let opened_it = held
            .entries
            .first()
            .is_some_and(|first| first.id == entry.root_id);
        if opened_it && in_effect.len() > 1 {
            return Err(Error::GoneOn {
                procedure_id: convert::id(&held.procedure.id)?,
            });
        }
        let correction = correction_of(work, &entry, None);
        record_on(work, &mut held, vec![correction])?;
    }
    Ok(())
}

/// The procedures that a consequence happened on before, each with its event that is in effect.
fn made_before(
    work: &mut Work<'_>,
    case_id: &str,
    consequence: &Consequence,
) -> Result<Vec<(Held, Entry)>, Error> {
    let mut made = Vec::new();
    for procedure in of_kind(work, case_id, consequence)? {
        let entries = load_entries(work.connection, &procedure)?;
        let in_effect: HashSet<Uuid> = effective(&entries, &HashSet::new())
            .into_iter()
            .map(|event| event.id)
            .collect();
        let caused = entries.into_iter().find(|entry| {
            entry.caused_by == Some(consequence.cause_id)
                && entry.body.event_type() == consequence.fact.event_type()
                && in_effect.contains(&entry.id)
        });
        if let Some(entry) = caused {
            made.push((hold(work, convert::id(&procedure.id)?, None)?, entry));
        }
    }
    Ok(made)
}

fn of_kind(
    work: &mut Work<'_>,
    case_id: &str,
    consequence: &Consequence,
) -> Result<Vec<ProcedureRow>, Error> {
    let la_code = work.la_code();
    let procedures = procedures_of_case(work.connection, &la_code, case_id)?;
    Ok(procedures
        .into_iter()
        .filter(|procedure| procedure.kind == consequence.kind.name)
        .collect())
}

fn correction_of(work: &Work<'_>, entry: &Entry, replaced_by: Option<Uuid>) -> Draft {
    let correction = Correction {
        reason: "The event that made this one happen was corrected.".to_owned(),
        changes: vec![Change {
            supersedes: entry.id,
            replaced_by,
        }],
    };
    Draft::correction(work.new_id(), work.today(), correction, None)
}

fn record_on(work: &mut Work<'_>, held: &mut Held, drafts: Vec<Draft>) -> Result<(), Error> {
    let procedure_id = convert::id(&held.procedure.id)?;
    record(work, held, drafts, &HashMap::new()).map_err(|error| match error {
        Error::Refused(mut refused) => {
            refused.follows_on = refused.follows_on.or(Some(procedure_id));
            Error::Refused(refused)
        }
        other => other,
    })?;
    work.audit(
        &format!("follow_on_{}", held.kind.name),
        &held.procedure.id,
        Some(&held.procedure.case_id),
        Some(held.procedure.version),
    )
}
