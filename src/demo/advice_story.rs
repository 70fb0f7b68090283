//! What becomes of the requests for advice in one made-up assessment.

use chrono::NaiveDate;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::authority::{Bodies, further_health_service};
use super::child::Child;
use super::script::{AdviceScript, Adviser, Script, draw_advice};
use super::step::{Act, AdviceAct, RequestKey, Step};
use super::story::later;
use crate::casework::advice::{DeclinationGround, ReturnReason};
use crate::casework::child::ChildFacts;
use crate::statute::requirement::Requirement;

/// One request to be told of.
struct Asked {
    key: RequestKey,
    adviser: Adviser,
    /// Whom an officer asks; the rest is asked of the default contributors with the decision.
    by_officer: Option<Option<Uuid>>,
}

/// Every act on every request of an assessment that asks for advice on a day.
pub fn advice_steps(
    rng: &mut ChaCha8Rng,
    script: &Script,
    child: &Child,
    bodies: &Bodies,
    asked_on: NaiveDate,
    issued_on: Option<NaiveDate>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for asked in requests(rng, script, child, bodies, asked_on) {
        let (days, drawn) = draw_advice(rng, asked.adviser);
        let forced = script
            .medical
            .filter(|_| asked.key == (Requirement::Medical, Some("paediatrics")));
        // A showcase shows one thing: the other advice comes as it should.
        let fares = match (script.medical, forced) {
            (_, Some(forced)) => forced,
            (Some(_), None) => AdviceScript::Accepted,
            (None, None) => drawn,
        };
        let days = if script.medical.is_some() {
            days.min(40)
        } else {
            days
        };
        let mut asked_on = asked_on;
        if let Some(organisation_id) = asked.by_officer {
            asked_on = later(asked_on, rng.random_range(0..=2));
            let received_on = rng.random_bool(0.3).then_some(asked_on);
            let act = Act::AskAdvice {
                key: asked.key,
                organisation_id,
                received_on,
            };
            steps.push(Step { on: asked_on, act });
        }
        let mut telling = Telling {
            rng,
            key: asked.key,
            asked_on,
            steps: &mut steps,
        };
        telling.tell(asked.adviser, fares, days, bodies, issued_on);
    }
    steps
}

fn requests(
    rng: &mut ChaCha8Rng,
    script: &Script,
    child: &Child,
    bodies: &Bodies,
    asked_on: NaiveDate,
) -> Vec<Asked> {
    let facts = ChildFacts {
        date_of_birth: child.details.date_of_birth,
        year_group_override: None,
        needs: child.details.needs.iter().map(|need| need.need_type).collect(),
    };
    let has_setting = child.details.setting.is_some();
    let mut requests = Vec::new();
    for requirement in facts.required_advice(asked_on) {
        let (service, adviser, by_officer) = match requirement {
            Requirement::Parent => (None, Adviser::Family, Some(None)),
            Requirement::Education => (None, Adviser::Education, (!has_setting).then_some(None)),
            Requirement::Medical => (Some("paediatrics"), Adviser::Health, None),
            Requirement::Psychological if script.has_existing_advice => continue,
            Requirement::Psychological => (None, Adviser::Psychology, None),
            Requirement::SocialCare => (None, Adviser::SocialCare, None),
            Requirement::PreparationForAdulthood => {
                (None, Adviser::Education, (!has_setting).then_some(None))
            }
            Requirement::Sensory => (None, Adviser::Sensory, None),
            Requirement::Other | Requirement::FamilyRequested => continue,
        };
        requests.push(Asked {
            key: (requirement, service),
            adviser,
            by_officer,
        });
    }
    let further = child
        .details
        .needs
        .iter()
        .find_map(|need| further_health_service(need.need_type));
    // Advice of any health service counts as medical, which would hide what a showcase shows.
    if let Some(service) = further
        && script.medical.is_none()
        && rng.random_bool(0.7)
    {
        let (adviser, organisation_id) = if service == "camhs" {
            (Adviser::MentalHealth, bodies.mental_health)
        } else {
            (Adviser::Health, bodies.community_health)
        };
        requests.push(Asked {
            key: (Requirement::Medical, Some(service)),
            adviser,
            by_officer: Some(Some(organisation_id)),
        });
    }
    if rng.random_bool(0.04) {
        requests.push(Asked {
            key: (Requirement::FamilyRequested, None),
            adviser: Adviser::Family,
            by_officer: Some(None),
        });
    }
    requests
}

struct Telling<'t> {
    rng: &'t mut ChaCha8Rng,
    key: RequestKey,
    asked_on: NaiveDate,
    steps: &'t mut Vec<Step>,
}

impl Telling<'_> {
    fn tell(
        &mut self,
        adviser: Adviser,
        fares: AdviceScript,
        days: i64,
        bodies: &Bodies,
        issued_on: Option<NaiveDate>,
    ) {
        let asked_on = self.asked_on;
        let came_on = later(asked_on, days);
        if adviser != Adviser::Family && self.rng.random_bool(0.65) {
            let on = later(asked_on, self.rng.random_range(1..=6));
            if on < came_on {
                self.act(on, AdviceAct::Acknowledge);
            }
        }
        match fares {
            AdviceScript::Accepted => self.submit(came_on),
            AdviceScript::Returned { again_after_days } => {
                self.act(came_on, AdviceAct::Submit);
                let returned_on = later(came_on, self.rng.random_range(3..=8));
                let reason = if self.rng.random_bool(0.6) {
                    ReturnReason::NotSpecific
                } else {
                    ReturnReason::Incomplete
                };
                self.act(returned_on, AdviceAct::Return(reason));
                if let Some(days) = again_after_days {
                    self.submit(later(returned_on, days));
                }
            }
            AdviceScript::Declined(ground) => {
                let on = later(asked_on, self.rng.random_range(8..=25));
                self.act(on, AdviceAct::Decline(ground));
                self.give_up(issued_on);
            }
            AdviceScript::Redirected => {
                let ground = DeclinationGround::WrongOrganisation;
                self.act(later(asked_on, 8), AdviceAct::Decline(ground));
                let redirect = AdviceAct::Redirect {
                    organisation_id: other_body(self.key, bodies),
                };
                self.act(later(asked_on, 12), redirect);
                self.submit(came_on.max(later(asked_on, 25)));
            }
            AdviceScript::Never => self.give_up(issued_on),
            AdviceScript::AfterPlan => {
                if let Some(issued_on) = issued_on {
                    let days = self.rng.random_range(6..=30);
                    self.submit(later(issued_on, days));
                }
            }
            AdviceScript::Withdrawn => self.act(later(asked_on, 14), AdviceAct::Withdraw),
            AdviceScript::MissedAppointment { is_claimed } => {
                let offered_on = later(asked_on, 20);
                self.act(offered_on, AdviceAct::MissAppointment { offered_on });
                if is_claimed {
                    let claim = AdviceAct::ClaimMissedAppointment { from_on: offered_on };
                    self.act(later(offered_on, 5), claim);
                }
                let again_on = later(asked_on, 46);
                self.act(again_on, AdviceAct::HoldAppointment { offered_on: again_on });
                self.submit(came_on.max(later(again_on, 5)));
            }
        }
    }

    /// Withdraws what nobody waits for any more once the plan is out.
    fn give_up(&mut self, issued_on: Option<NaiveDate>) {
        if let Some(issued_on) = issued_on {
            self.act(later(issued_on, 14), AdviceAct::Withdraw);
        }
    }

    /// Submits, and accepts in most cases some days later.
    fn submit(&mut self, on: NaiveDate) {
        self.act(on, AdviceAct::Submit);
        if self.rng.random_bool(0.9) {
            let accepted_on = later(on, self.rng.random_range(2..=12));
            self.act(accepted_on, AdviceAct::Accept);
        }
    }

    fn act(&mut self, on: NaiveDate, act: AdviceAct) {
        let key = self.key;
        self.steps.push(Step {
            on,
            act: Act::Advice { key, act },
        });
    }
}

/// Where a request goes that reached the wrong body.
fn other_body((requirement, service): RequestKey, bodies: &Bodies) -> Uuid {
    match requirement {
        Requirement::Medical if service == Some("camhs") => bodies.community_health,
        Requirement::Medical => bodies.mental_health,
        Requirement::Psychological | Requirement::Sensory => bodies.community_health,
        Requirement::SocialCare => bodies.mental_health,
        Requirement::Education | Requirement::PreparationForAdulthood => bodies.sensory,
        Requirement::Parent | Requirement::Other | Requirement::FamilyRequested => bodies.social_care,
    }
}
