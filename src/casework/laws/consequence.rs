//! What follows on other procedures comes of the types of event that say so.

use proptest::prelude::*;

use super::steps::{any_procedure, any_steps, written};
use crate::casework::timeline::{Setting, fold, sort_events};

proptest! {
    #[test]
    fn only_types_that_lead_on_change_what_follows(setting in any_procedure(), steps in any_steps(30)) {
        let story = written(&setting, &steps);
        let mut events = story.events.clone();
        sort_events(&mut events);
        let given = Setting {
            procedure_id: uuid::Uuid::nil(),
            readings: &setting.readings,
            child: None,
        };
        let mut before = Vec::new();
        for end in 1..=events.len() {
            let timeline = fold(setting.kind, &events[..end], given).unwrap().unwrap();
            let event_type = events[end - 1].fact.event_type();
            prop_assert!(
                timeline.consequences == before || event_type.leads_on(),
                "{:?} changes what follows",
                event_type
            );
            before = timeline.consequences;
        }
    }
}
