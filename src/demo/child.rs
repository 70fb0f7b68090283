//! Made-up children and young people, and the people around them.
//!
//! No name, number or address here is anybody's: names are invented words, NHS numbers are of the range
//! kept for tests, pupil numbers name schools that do not exist, and the second half of every postcode
//! uses letters that no postcode has.

use chrono::{Days, NaiveDate};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::authority::{Bodies, SettingKind, caseworker};
use super::identifier::{nhs_number, uln, upn};
use crate::casework::child::{NeedType, rights_pass_on, turns_on};
use crate::service::case::{CaseDetails, CurrentSetting, ExternalRef, Need, Sex, UpnUnknownReason};
use crate::service::person::{PersonDetails, PreferredChannel, Relationship};
use crate::statute::calendar::school_year_starting;

/// A child or young person with the people around them.
#[derive(Debug, Clone)]
pub struct Child {
    pub details: CaseDetails,
    pub people: Vec<PersonDetails>,
}

const GIVEN_NAMES: [&str; 48] = [
    "Aldwyn",
    "Aurela",
    "Bexa",
    "Brindle",
    "Calla",
    "Corvin",
    "Dallow",
    "Delphie",
    "Ebbin",
    "Elowick",
    "Fenna",
    "Ferrin",
    "Garrow",
    "Gilda",
    "Hazelin",
    "Hollin",
    "Idris-Ray",
    "Imbra",
    "Jessamy",
    "Jorrick",
    "Kestra",
    "Kip",
    "Larkin",
    "Linnet",
    "Marlo",
    "Merrin",
    "Nimmy",
    "Norrel",
    "Oakley",
    "Orla-Fae",
    "Pascoe",
    "Pell",
    "Quilla",
    "Quinby",
    "Rillo",
    "Rowanne",
    "Saffy",
    "Sorrel",
    "Tamsy",
    "Thistle",
    "Umber",
    "Una-Bell",
    "Vesper",
    "Vico",
    "Wilder",
    "Wrenna",
    "Yarrow",
    "Zinnia",
];

const FAMILY_NAMES: [&str; 48] = [
    "Applethwick",
    "Bramblefold",
    "Buttercrane",
    "Candlemere",
    "Cobbleditch",
    "Copperwhistle",
    "Dandelyne",
    "Dewsparrow",
    "Elderquill",
    "Emberhollow",
    "Featherstitch",
    "Fennimoor",
    "Gorsebucket",
    "Greenlatch",
    "Hawkwhistle",
    "Hobblethorpe",
    "Inkpenny",
    "Ivyturn",
    "Jackdawson",
    "Juniperly",
    "Kettlebridge",
    "Knapsackby",
    "Lanternford",
    "Larkspindle",
    "Marrowfield",
    "Mossbucket",
    "Nettlecombe",
    "Nightgarden",
    "Oatencake",
    "Orchardine",
    "Pebblewick",
    "Puddlestone",
    "Quillfeather",
    "Quincewater",
    "Ravenspoon",
    "Rushlight",
    "Saltbutter",
    "Stargazer-Hill",
    "Teaselby",
    "Thimblewood",
    "Underbramble",
    "Umberfold",
    "Velvetmoss",
    "Vinegarth",
    "Wellingbird",
    "Wintergreene",
    "Yewbarrow",
    "Zephyrlea",
];

const LANES: [&str; 8] = [
    "Buttonhole Lane",
    "Teacup Row",
    "Marmalade Street",
    "Old Lantern Way",
    "Puddle Close",
    "Seven Kettles Road",
    "Thimble Green",
    "Upside Hill",
];

/// How often each age from 0 to 24 is asked about: the peaks are at 3 to 4 and at 9 to 10.
const AGE_WEIGHTS: [u32; 25] = [
    1, 3, 8, 14, 13, 7, 7, 7, 8, 12, 12, 8, 5, 5, 5, 4, 3, 2, 2, 1, 1, 1, 1, 1, 1,
];

/// Primary needs in thousandths.
const NEED_WEIGHTS: [(NeedType, u32); 13] = [
    (NeedType::Slcn, 277),
    (NeedType::Asd, 275),
    (NeedType::Semh, 263),
    (NeedType::Mld, 75),
    (NeedType::Spld, 23),
    (NeedType::Pd, 23),
    (NeedType::Sld, 13),
    (NeedType::Hi, 9),
    (NeedType::Vi, 9),
    (NeedType::Pmld, 9),
    (NeedType::Ds, 8),
    (NeedType::Msi, 3),
    (NeedType::Oth, 13),
];

/// Codes of the common basic data set, weighted without any claim to be a county's.
const ETHNICITY_WEIGHTS: [(&str, u32); 7] = [
    ("WBRI", 72),
    ("WOTH", 8),
    ("MWAS", 5),
    ("MWBC", 5),
    ("APKN", 4),
    ("BAFR", 3),
    ("NOBT", 3),
];

/// A child or young person who is asked about on a day; `number` is theirs alone.
pub fn make_up_child(rng: &mut ChaCha8Rng, number: u32, on: NaiveDate, bodies: &Bodies) -> Child {
    let age = weighted(
        rng,
        AGE_WEIGHTS
            .iter()
            .copied()
            .zip(0..)
            .map(|(weight, age)| (age, weight)),
    );
    let date_of_birth = turns_on(on, -age) - Days::new(rng.random_range(1..360));
    let given_name = pick(rng, &GIVEN_NAMES).to_owned();
    let family_name = pick(rng, &FAMILY_NAMES).to_owned();
    let postcode = made_up_postcode(rng);
    let setting = current_setting(rng, age, on, bodies);
    let has_upn = (5..19).contains(&age);
    let looked_after = rng.random_bool(0.04) && age < 18;
    let details = CaseDetails {
        given_name,
        family_name: family_name.clone(),
        date_of_birth,
        sex: Some(if rng.random_bool(0.64) { Sex::M } else { Sex::F }),
        ethnicity: Some(weighted(rng, ETHNICITY_WEIGHTS).to_owned()),
        upn: has_upn
            .then(|| upn(number, school_year_starting(date_of_birth) + 5))
            .flatten(),
        upn_unknown_reason: (!has_upn && age < 5).then_some(UpnUnknownReason::UN1),
        nhs_number: nhs_number(number),
        uln: (age >= 14).then(|| uln(number)),
        postcode: Some(postcode.clone()),
        needs: needs(rng),
        year_group_override: None,
        looked_after,
        setting,
        caseworker: Some(caseworker(rng.random_range(1..=8))),
        external_refs: if rng.random_bool(0.15) {
            vec![ExternalRef {
                system: "social-care".to_owned(),
                id: format!("SC-{:06}", 100_000 + number),
            }]
        } else {
            Vec::new()
        },
    };
    let people = people(rng, &details, &family_name, &postcode, age);
    Child { details, people }
}

/// One of a list of values by weight.
pub fn weighted<T: Clone>(rng: &mut ChaCha8Rng, choices: impl IntoIterator<Item = (T, u32)>) -> T {
    let choices: Vec<(T, u32)> = choices.into_iter().collect();
    let total: u32 = choices.iter().map(|(_, weight)| weight).sum();
    let mut left = rng.random_range(0..total.max(1));
    for (choice, weight) in &choices {
        if left < *weight {
            return choice.clone();
        }
        left -= weight;
    }
    choices[choices.len() - 1].0.clone()
}

/// One of a list that is not empty.
pub fn pick<'l>(rng: &mut ChaCha8Rng, list: &[&'l str]) -> &'l str {
    list.choose(rng).copied().unwrap_or_default()
}

fn needs(rng: &mut ChaCha8Rng) -> Vec<Need> {
    let primary = weighted(rng, NEED_WEIGHTS);
    let mut needs = vec![Need {
        need_type: primary,
        rank: 1,
    }];
    if rng.random_bool(0.45) {
        let second = weighted(rng, NEED_WEIGHTS);
        if second != primary {
            needs.push(Need {
                need_type: second,
                rank: 2,
            });
        }
    }
    needs
}

fn current_setting(rng: &mut ChaCha8Rng, age: i32, on: NaiveDate, bodies: &Bodies) -> Option<CurrentSetting> {
    let kind = match age {
        ..2 => return None,
        2..5 if rng.random_bool(0.85) => SettingKind::EarlyYears,
        2..5 => return None,
        5..11 => SettingKind::Primary,
        11..16 => SettingKind::Secondary,
        16..20 if rng.random_bool(0.7) => SettingKind::College,
        _ => return None,
    };
    let organisation_id = bodies.setting(rng, kind);
    let years_there = rng.random_range(0..2);
    let september = NaiveDate::from_ymd_opt(school_year_starting(on) - years_there, 9, 1);
    Some(CurrentSetting {
        organisation_id: Some(organisation_id),
        urn: None,
        ukprn: None,
        from_on: september.unwrap_or(on).min(on),
    })
}

fn people(
    rng: &mut ChaCha8Rng,
    details: &CaseDetails,
    family_name: &str,
    postcode: &str,
    age: i32,
) -> Vec<PersonDetails> {
    let address = format!(
        "{} {}, Little Hobbling, {postcode}",
        rng.random_range(1..=99),
        pick(rng, &LANES)
    );
    let speaks_english = rng.random_bool(0.93);
    let person = |name: String, relationship| PersonDetails {
        name,
        relationship,
        parental_responsibility: true,
        receives_notices: true,
        is_decision_maker_from_on: None,
        address: Some(address.clone()),
        address_withheld: false,
        language: (!speaks_english).then(|| "Esperanto".to_owned()),
        interpreter: !speaks_english,
        communication_needs: None,
        preferred_channel: None,
        young_person_allows_from_on: None,
    };
    let mut people = Vec::new();
    if details.looked_after {
        let carer = format!("{} {}", pick(rng, &GIVEN_NAMES), pick(rng, &FAMILY_NAMES));
        people.push(PersonDetails {
            parental_responsibility: false,
            ..person(carer, Relationship::FosterCarer)
        });
        let social_worker = format!("{} {}", pick(rng, &GIVEN_NAMES), pick(rng, &FAMILY_NAMES));
        people.push(PersonDetails {
            parental_responsibility: false,
            address: None,
            ..person(social_worker, Relationship::SocialWorker)
        });
    } else {
        let channel = weighted(
            rng,
            [
                (PreferredChannel::Email, 55),
                (PreferredChannel::Phone, 20),
                (PreferredChannel::Portal, 20),
                (PreferredChannel::Post, 5),
            ],
        );
        let first = format!("{} {family_name}", pick(rng, &GIVEN_NAMES));
        let relationship = weighted(
            rng,
            [
                (Relationship::Mother, 80),
                (Relationship::Father, 15),
                (Relationship::Grandparent, 5),
            ],
        );
        people.push(PersonDetails {
            preferred_channel: Some(channel),
            communication_needs: rng.random_bool(0.05).then(|| "Large print, please.".to_owned()),
            ..person(first, relationship)
        });
        if rng.random_bool(0.45) {
            let second = format!("{} {}", pick(rng, &GIVEN_NAMES), pick(rng, &FAMILY_NAMES));
            // Some second parents must not learn where the child lives, nor be found themselves.
            let address_withheld = rng.random_bool(0.12);
            people.push(PersonDetails {
                receives_notices: !address_withheld,
                address: Some(format!(
                    "{} {}, Great Hobbling, {}",
                    rng.random_range(1..=99),
                    pick(rng, &LANES),
                    made_up_postcode(rng)
                )),
                address_withheld,
                ..person(second, Relationship::Parent)
            });
        }
    }
    if age >= 16 {
        people.push(PersonDetails {
            parental_responsibility: false,
            is_decision_maker_from_on: Some(rights_pass_on(details.date_of_birth)),
            ..person(
                format!("{} {family_name}", details.given_name),
                Relationship::YoungPerson,
            )
        });
    }
    people
}

/// The letters of the second half are those that no postcode's second half has.
fn made_up_postcode(rng: &mut ChaCha8Rng) -> String {
    let letters = ["C", "I", "K", "M", "O", "V"];
    let district = rng.random_range(1..=15);
    let sector = rng.random_range(0..=9);
    format!(
        "WR{district} {sector}{}{}",
        pick(rng, &letters),
        pick(rng, &letters)
    )
}
