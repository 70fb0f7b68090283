//! How long a case is kept: an authority's rules, which of them apply to a case, and the longest of those.
//!
//! The numbers are the authority's settings; no law is here. Nothing of it is stored with a case: it is worked out
//! when it is asked for. Called by `service::retention`.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::child::turns_on;
use crate::statute::calendar::in_words;

/// Which cases a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetainedCases {
    EveryCase,
    /// Those of a child or young person who is looked after, or ever was.
    LookedAfter,
    /// Those with a plan that is or was in force.
    WithPlan,
    WithoutPlan,
}

/// What the years of a rule are counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetentionStart {
    DateOfBirth,
    /// The day on which the case was closed.
    Closure,
}

/// For how long cases are kept. Of all rules that apply to a case, the longest holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionRule {
    /// Which cases it is about.
    pub applies_to: RetainedCases,
    /// What the years are counted from.
    pub counted_from: RetentionStart,
    /// How many years; the case is kept to the end of the anniversary, which is 1 March for 29 February.
    #[schema(minimum = 1, maximum = 150, example = 31)]
    pub years: i32,
    /// Why, for those who read it on a case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 300, pattern = "\\S")]
    pub reason: Option<String>,
}

impl RetentionRule {
    /// What it says, without any date of a case.
    pub fn in_words(&self) -> String {
        let cases = match self.applies_to {
            RetainedCases::EveryCase => "Every case",
            RetainedCases::LookedAfter => "The case of somebody who was ever looked after",
            RetainedCases::WithPlan => "A case with a plan",
            RetainedCases::WithoutPlan => "A case without a plan",
        };
        let start = match self.counted_from {
            RetentionStart::DateOfBirth => "the date of birth",
            RetentionStart::Closure => "its closure",
        };
        let years = match self.years {
            1 => "1 year".to_owned(),
            years => format!("{years} years"),
        };
        let reason = self.reason.as_deref().map(|reason| format!(" ({reason})"));
        format!(
            "{cases} is kept for {years} from {start}{}.",
            reason.unwrap_or_default()
        )
    }

    fn applies(&self, facts: &RetentionFacts) -> bool {
        match self.applies_to {
            RetainedCases::EveryCase => true,
            RetainedCases::LookedAfter => facts.was_looked_after,
            RetainedCases::WithPlan => facts.had_plan,
            RetainedCases::WithoutPlan => !facts.had_plan,
        }
    }

    fn kept_until_on(&self, facts: &RetentionFacts) -> Option<NaiveDate> {
        let from_on = match self.counted_from {
            RetentionStart::DateOfBirth => Some(facts.date_of_birth),
            RetentionStart::Closure => facts.closed_on,
        };
        from_on.map(|from_on| turns_on(from_on, self.years))
    }
}

/// What of a case decides how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionFacts {
    pub date_of_birth: NaiveDate,
    pub closed_on: Option<NaiveDate>,
    /// Whether the child or young person is looked after, or ever was.
    pub was_looked_after: bool,
    /// Whether a plan is or was in force.
    pub had_plan: bool,
}

/// A rule that applies to a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedRule {
    pub rule: RetentionRule,
    /// The last day on which it keeps the case; none as long as that is counted from a closure to come.
    pub kept_until_on: Option<NaiveDate>,
}

/// How long a case is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Every rule that applies, in the order of the settings.
    pub rules: Vec<AppliedRule>,
    pub longest: Longest,
}

/// What the longest rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Longest {
    /// The case is kept to the end of this day, by this rule.
    Until { on: NaiveDate, rule: RetentionRule },
    /// It is not known yet: this rule counts from the closure of the case, which is open.
    NotBeforeClosure { rule: RetentionRule },
    /// No rule applies, so the case is kept for ever.
    ForEver,
}

/// What stands against the disposal of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hindrance {
    CaseOpen,
    LegalHold,
    /// The longest rule still keeps it.
    NotDue,
    /// No rule says when it may go, so that it is kept for ever.
    NoRule,
}

/// How long the rules keep a case.
pub fn retention_of(facts: &RetentionFacts, rules: &[RetentionRule]) -> Retention {
    let rules: Vec<AppliedRule> = rules
        .iter()
        .filter(|rule| rule.applies(facts))
        .map(|rule| AppliedRule {
            rule: rule.clone(),
            kept_until_on: rule.kept_until_on(facts),
        })
        .collect();
    let mut longest = Longest::ForEver;
    for applied in &rules {
        let rule = || applied.rule.clone();
        longest = match (longest, applied.kept_until_on) {
            (unknown @ Longest::NotBeforeClosure { .. }, _) => unknown,
            (_, None) => Longest::NotBeforeClosure { rule: rule() },
            (Longest::Until { on, rule }, Some(until_on)) if until_on <= on => Longest::Until { on, rule },
            (_, Some(on)) => Longest::Until { on, rule: rule() },
        };
    }
    Retention { rules, longest }
}

impl Retention {
    /// The last day on which the case is kept, if there is one and it is known.
    pub fn dispose_after_on(&self) -> Option<NaiveDate> {
        match &self.longest {
            Longest::Until { on, .. } => Some(*on),
            Longest::NotBeforeClosure { .. } | Longest::ForEver => None,
        }
    }

    /// Why it is kept for so long, as a sentence or two.
    pub fn reason(&self) -> String {
        match &self.longest {
            Longest::Until { on, rule } => {
                format!("{} That is to the end of {}.", rule.in_words(), in_words(*on))
            }
            Longest::NotBeforeClosure { rule } => format!("{} It is not closed.", rule.in_words()),
            Longest::ForEver => "No rule applies: it is kept for ever.".to_owned(),
        }
    }

    /// The rule that decided, in words without a date, once its day has passed.
    pub fn due_by(&self, today: NaiveDate) -> Option<String> {
        match &self.longest {
            Longest::Until { on, rule } if *on < today => Some(rule.in_words()),
            Longest::Until { .. } | Longest::NotBeforeClosure { .. } | Longest::ForEver => None,
        }
    }

    /// Everything that stands against the disposal of the case on a day.
    pub fn hindrances(&self, is_closed: bool, is_held: bool, today: NaiveDate) -> Vec<Hindrance> {
        let of_rules = match &self.longest {
            Longest::Until { on, .. } => (today <= *on).then_some(Hindrance::NotDue),
            // It is open, which says it.
            Longest::NotBeforeClosure { .. } => None,
            Longest::ForEver => Some(Hindrance::NoRule),
        };
        let open = (!is_closed).then_some(Hindrance::CaseOpen);
        let held = is_held.then_some(Hindrance::LegalHold);
        [open, held, of_rules].into_iter().flatten().collect()
    }
}

/// A day before which everybody was born whose case can be due: rules that apply to every case and count from the
/// date of birth keep younger ones, whatever else is known of them. None where there is no such rule.
pub fn born_before(rules: &[RetentionRule], today: NaiveDate) -> Option<NaiveDate> {
    let years = rules
        .iter()
        .filter(|rule| {
            rule.applies_to == RetainedCases::EveryCase && rule.counted_from == RetentionStart::DateOfBirth
        })
        .map(|rule| rule.years)
        .max()?;
    Some(turns_on(today, -years))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVERY: [RetainedCases; 4] = [
        RetainedCases::EveryCase,
        RetainedCases::LookedAfter,
        RetainedCases::WithPlan,
        RetainedCases::WithoutPlan,
    ];

    fn on(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn rule(applies_to: RetainedCases, counted_from: RetentionStart, years: i32) -> RetentionRule {
        RetentionRule {
            applies_to,
            counted_from,
            years,
            reason: None,
        }
    }

    fn facts(date_of_birth: &str, closed_on: Option<&str>) -> RetentionFacts {
        RetentionFacts {
            date_of_birth: on(date_of_birth),
            closed_on: closed_on.map(on),
            was_looked_after: false,
            had_plan: false,
        }
    }

    #[test]
    fn the_longest_rule_that_applies_decides() {
        let rules = [
            rule(RetainedCases::EveryCase, RetentionStart::DateOfBirth, 31),
            rule(RetainedCases::LookedAfter, RetentionStart::DateOfBirth, 75),
            rule(RetainedCases::WithoutPlan, RetentionStart::Closure, 6),
        ];
        let of = |facts: &RetentionFacts| retention_of(facts, &rules).dispose_after_on();
        let closed = facts("2000-05-17", Some("2018-09-01"));
        assert_eq!(of(&closed), Some(on("2031-05-17")));
        assert_eq!(
            of(&facts("2000-05-17", Some("2030-09-01"))),
            Some(on("2036-09-01"))
        );
        let looked_after = RetentionFacts {
            was_looked_after: true,
            ..closed
        };
        assert_eq!(of(&looked_after), Some(on("2075-05-17")));
        let open = facts("2000-05-17", None);
        assert_eq!(of(&open), None, "it is not known before the case is closed");
        let with_plan = RetentionFacts {
            had_plan: true,
            ..open
        };
        assert_eq!(of(&with_plan), Some(on("2031-05-17")));
        assert_eq!(
            of(&facts("2000-02-29", Some("2018-09-01"))),
            Some(on("2031-03-01"))
        );
    }

    #[test]
    fn what_decides_is_said_in_words() {
        let mut rules = vec![rule(RetainedCases::EveryCase, RetentionStart::DateOfBirth, 31)];
        let said = |rules: &[RetentionRule], closed_on| {
            retention_of(&facts("2000-05-17", closed_on), rules).reason()
        };
        assert_eq!(
            said(&rules, None),
            "Every case is kept for 31 years from the date of birth. That is to the end of 17 May 2031."
        );
        rules[0] = RetentionRule {
            reason: Some("our schedule, 4.2".to_owned()),
            ..rule(RetainedCases::WithoutPlan, RetentionStart::Closure, 1)
        };
        assert_eq!(
            said(&rules, None),
            "A case without a plan is kept for 1 year from its closure (our schedule, 4.2). It is not closed."
        );
        rules[0].applies_to = RetainedCases::WithPlan;
        assert_eq!(said(&rules, None), "No rule applies: it is kept for ever.");
    }

    #[test]
    fn everything_that_hinders_is_named() {
        let rules = [rule(RetainedCases::EveryCase, RetentionStart::DateOfBirth, 31)];
        let retention = retention_of(&facts("2000-05-17", None), &rules);
        assert_eq!(
            retention.hindrances(false, true, on("2026-02-20")),
            [Hindrance::CaseOpen, Hindrance::LegalHold, Hindrance::NotDue]
        );
        assert_eq!(retention.hindrances(true, false, on("2031-05-18")), []);
        let kept = retention_of(&facts("2000-05-17", None), &[]);
        assert_eq!(
            kept.hindrances(true, false, on("2131-05-18")),
            [Hindrance::NoRule]
        );
    }

    fn any_day() -> impl Strategy<Value = NaiveDate> {
        (0..40_000_u64).prop_map(|days| on("1930-01-01") + chrono::Days::new(days))
    }

    fn any_rule() -> impl Strategy<Value = RetentionRule> {
        let start = prop_oneof![Just(RetentionStart::DateOfBirth), Just(RetentionStart::Closure)];
        let of = |(applies_to, start, years)| rule(applies_to, start, years);
        (proptest::sample::select(&EVERY[..]), start, 1..=150).prop_map(of)
    }

    fn any_facts() -> impl Strategy<Value = RetentionFacts> {
        (
            any_day(),
            proptest::option::of(any_day()),
            any::<bool>(),
            any::<bool>(),
        )
            .prop_map(
                |(date_of_birth, closed_on, was_looked_after, had_plan)| RetentionFacts {
                    date_of_birth,
                    closed_on,
                    was_looked_after,
                    had_plan,
                },
            )
    }

    /// None, which is for ever or not known yet, is later than any day.
    fn end(retention: &Retention) -> NaiveDate {
        retention.dispose_after_on().unwrap_or(NaiveDate::MAX)
    }

    proptest! {
        #[test]
        fn no_rule_that_applies_is_longer_than_the_longest(
            facts in any_facts(), rules in proptest::collection::vec(any_rule(), 0..6)
        ) {
            let retention = retention_of(&facts, &rules);
            for applied in &retention.rules {
                prop_assert!(applied.kept_until_on.is_none_or(|until_on| until_on <= end(&retention)));
                let alone = retention_of(&facts, std::slice::from_ref(&applied.rule));
                prop_assert!(end(&alone) <= end(&retention));
            }
            let is_longest =
                |applied: &AppliedRule| applied.kept_until_on.unwrap_or(NaiveDate::MAX) == end(&retention);
            prop_assert!(retention.rules.is_empty() || retention.rules.iter().any(is_longest));
        }

        #[test]
        fn one_rule_more_never_lets_a_case_go_earlier(
            facts in any_facts(), rules in proptest::collection::vec(any_rule(), 1..6), more in any_rule()
        ) {
            let before = retention_of(&facts, &rules);
            prop_assume!(!before.rules.is_empty());
            let after = retention_of(&facts, &[rules, vec![more]].concat());
            prop_assert!(end(&before) <= end(&after));
        }

        #[test]
        fn the_order_of_rules_decides_nothing(
            facts in any_facts(), mut rules in proptest::collection::vec(any_rule(), 0..6)
        ) {
            let one_way = end(&retention_of(&facts, &rules));
            rules.reverse();
            prop_assert_eq!(one_way, end(&retention_of(&facts, &rules)));
        }

        #[test]
        fn a_case_is_due_from_the_day_after(
            facts in any_facts(), rules in proptest::collection::vec(any_rule(), 0..6), today in any_day()
        ) {
            let retention = retention_of(&facts, &rules);
            let closed = facts.closed_on.is_some();
            prop_assert_eq!(retention.due_by(today).is_some(), end(&retention) < today);
            let nothing_hinders = retention.hindrances(closed, false, today).is_empty();
            prop_assert_eq!(nothing_hinders, closed && end(&retention) < today);
            if let (true, Some(last)) = (closed, retention.dispose_after_on()) {
                prop_assert!(!retention.hindrances(true, false, last).is_empty());
                prop_assert!(retention.hindrances(true, false, last.succ_opt().unwrap()).is_empty());
            }
        }

        #[test]
        fn nobody_who_is_due_was_born_too_late_to_be_looked_at(
            facts in any_facts(), rules in proptest::collection::vec(any_rule(), 0..6), today in any_day()
        ) {
            if retention_of(&facts, &rules).due_by(today).is_some() {
                prop_assert!(born_before(&rules, today).is_none_or(|day| facts.date_of_birth < day));
            }
        }
    }
}
