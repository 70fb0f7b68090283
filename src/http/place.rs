//! The settings that were consulted on being named in a plan, as the procedure that makes it shows them. Called by
//! `procedures`.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::dates;
use crate::casework::place::{OfferOfPlace, SettingAnswer, SettingConsultation, SettingReply};
use crate::casework::timeline::Timeline;

/// What became of consulting one setting.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingConsultationView {
    pub consultation_id: Uuid,
    /// The setting.
    pub organisation_id: Uuid,
    #[serde(serialize_with = "dates::day")]
    pub consulted_on: NaiveDate,
    /// The clock of its reply.
    pub clock_id: Option<Uuid>,
    /// What it said last.
    pub reply: Option<SettingAnswer>,
    #[serde(serialize_with = "dates::optional_day")]
    pub replied_on: Option<NaiveDate>,
    /// Why it cannot meet need.
    pub ground: Option<String>,
    #[serde(serialize_with = "dates::optional_day")]
    pub offered_on: Option<NaiveDate>,
    /// The first day of the place that was offered.
    #[serde(serialize_with = "dates::optional_day")]
    pub place_from_on: Option<NaiveDate>,
    /// Since when a place there has been waited for, while it is.
    #[serde(serialize_with = "dates::optional_day")]
    pub awaited_since_on: Option<NaiveDate>,
}

/// The settings that a procedure consulted, in the order it did.
pub fn consulted(timeline: &Timeline) -> Vec<SettingConsultationView> {
    let view = |consultation: &SettingConsultation| {
        let is_its = |subject: Option<Uuid>| subject == Some(consultation.consultation_id);
        let clock = timeline.clocks.iter().find(|clock| is_its(clock.subject));
        let (reply, offer): (Option<&SettingReply>, Option<&OfferOfPlace>) =
            (consultation.reply.as_ref(), consultation.offer.as_ref());
        SettingConsultationView {
            consultation_id: consultation.consultation_id,
            organisation_id: consultation.organisation_id,
            consulted_on: consultation.consulted_on,
            clock_id: clock.map(|clock| clock.id),
            reply: reply.map(|reply| reply.reply),
            replied_on: reply.map(|reply| reply.replied_on),
            ground: reply.and_then(|reply| reply.ground.clone()),
            offered_on: offer.map(|offer| offer.offered_on),
            place_from_on: offer.and_then(|offer| offer.place_from_on),
            awaited_since_on: consultation.awaited_since_on,
        }
    };
    timeline.consultations.iter().map(view).collect()
}
