//! Finding a setting to be named in a plan, whatever procedure makes it: whom was asked, what they said, and
//! the place that was offered or is waited for.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::event::Event;
use super::flag::{FlagCode, FlagSubject};
use super::timeline::{Ledger, Reason};
use crate::statute::rulebook::{Mark, Party};

/// What a setting said to being named in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingAnswer {
    CanMeet,
    Conditional,
    CannotMeet,
}

/// A setting was consulted on being named in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingConsulted {
    /// The caller's id of the consultation, unique within the procedure.
    pub consultation_id: Uuid,
    /// The setting.
    pub organisation_id: Uuid,
}

/// A consulted setting answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingReplied {
    /// The consultation it answers.
    pub consultation_id: Uuid,
    /// The setting, if it is to be stated again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<Uuid>,
    /// The answer.
    pub reply: SettingAnswer,
    /// Why it cannot meet need; required with that answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2_000)]
    pub ground: Option<String>,
}

/// A consulted setting offered a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaceOffered {
    /// The consultation that led to it.
    pub consultation_id: Uuid,
    /// The first day of the place. It may lie ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place_from_on: Option<NaiveDate>,
}

/// The child or young person is waiting for a place at a consulted setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaceAwaited {
    /// The consultation that led to it.
    pub consultation_id: Uuid,
    /// The day since when. Stated again for one consultation, the first stands.
    #[schema(example = "2026-03-02")]
    pub since_on: NaiveDate,
}

impl SettingConsulted {
    pub(super) const IN_WORDS: &'static str = "a setting was asked about being named in the plan";
}

impl SettingReplied {
    /// What it said is between it and the authority.
    pub(super) const IN_WORDS: &'static str = "a setting answered about being named in the plan";
}

impl PlaceAwaited {
    pub(super) const IN_WORDS: &'static str = "a place at a setting was waited for";
}

impl PlaceOffered {
    pub(super) const IN_WORDS: &'static str = "a setting offered a place";
}

/// What became of consulting one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingConsultation {
    pub consultation_id: Uuid,
    pub organisation_id: Uuid,
    pub consulted_on: NaiveDate,
    pub reply: Option<SettingReply>,
    pub offer: Option<OfferOfPlace>,
    /// Since when a place there has been waited for, while it is.
    pub awaited_since_on: Option<NaiveDate>,
}

/// What a consulted setting said last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingReply {
    pub replied_on: NaiveDate,
    pub reply: SettingAnswer,
    pub ground: Option<String>,
}

/// A place that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferOfPlace {
    pub offered_on: NaiveDate,
    pub place_from_on: Option<NaiveDate>,
}

impl Ledger<'_> {
    /// Asks a setting; its time to reply runs.
    pub fn consult_setting(&mut self, consulted: &SettingConsulted, event: &Event) -> Result<(), Reason> {
        let consultation_id = consulted.consultation_id;
        if self.consulted(consultation_id).is_ok() {
            return Err(Reason::ConsultationRepeated);
        }
        self.consultations.push(SettingConsultation {
            consultation_id,
            organisation_id: consulted.organisation_id,
            consulted_on: event.occurred_on,
            reply: None,
            offer: None,
            awaited_since_on: None,
        });
        self.mark_about(Mark::SettingConsulted, event, Some(consultation_id), None);
        Ok(())
    }

    /// Hears what a setting said.
    pub fn hear_from_setting(&mut self, replied: &SettingReplied, event: &Event) -> Result<(), Reason> {
        let consultation = self.consulted(replied.consultation_id)?;
        let is_of_another = |setting| setting != consultation.organisation_id;
        if replied.organisation_id.is_some_and(is_of_another) {
            return Err(Reason::ConsultationUnknown);
        }
        consultation.reply = Some(SettingReply {
            replied_on: event.occurred_on,
            reply: replied.reply,
            ground: replied.ground.clone(),
        });
        self.mark_about(Mark::SettingReplied, event, Some(replied.consultation_id), None);
        Ok(())
    }

    /// A place was offered: nobody waits for one there any more.
    pub fn offer_place(&mut self, offered: &PlaceOffered, event: &Event) -> Result<(), Reason> {
        let consultation = self.consulted(offered.consultation_id)?;
        consultation.awaited_since_on = None;
        consultation.offer = Some(OfferOfPlace {
            offered_on: event.occurred_on,
            place_from_on: offered.place_from_on,
        });
        let subject = self.place_of(offered.consultation_id);
        self.flags
            .lower(FlagCode::PlaceAwaited, event.occurred_on, |up| *up == subject);
        Ok(())
    }

    /// Somebody waits for a place.
    pub fn await_place(&mut self, awaited: &PlaceAwaited, event: &Event) -> Result<(), Reason> {
        let consultation = self.consulted(awaited.consultation_id)?;
        consultation.awaited_since_on.get_or_insert(awaited.since_on);
        let subject = self.place_of(awaited.consultation_id);
        self.flags.raise_told(
            FlagCode::PlaceAwaited,
            subject,
            event.occurred_on,
            awaited.since_on,
            Some(Party::EducationSetting),
        );
        Ok(())
    }

    /// There is no plan to name a setting in: nobody waits for a place.
    pub fn await_no_place(&mut self, event: &Event) {
        self.flags
            .lower(FlagCode::PlaceAwaited, event.occurred_on, |_| true);
        self.wait_for_no_place();
    }

    pub(super) fn wait_for_no_place(&mut self) {
        for consultation in &mut self.consultations {
            consultation.awaited_since_on = None;
        }
    }

    fn consulted(&mut self, consultation_id: Uuid) -> Result<&mut SettingConsultation, Reason> {
        let mut consultations = self.consultations.iter_mut();
        let of_id = consultations.find(|consultation| consultation.consultation_id == consultation_id);
        of_id.ok_or(Reason::ConsultationUnknown)
    }

    /// What a flag about the place at one setting is about: the clock of its consultation.
    fn place_of(&self, consultation_id: Uuid) -> FlagSubject {
        FlagSubject {
            clock_id: self.clocks.clock_about(consultation_id),
            ..FlagSubject::default()
        }
    }
}
