//! The laws the engine has to keep, whatever happened in whatever order.
//!
//! Tests only. `story` writes streams by hand and `steps` at random; each other file states one law
//! or one table and holds the engine to it. Nothing here may be read by the engine.

mod advice;
mod any_sections;
mod consequence;
mod consultation;
mod correction;
mod dates;
mod explanations;
mod limit;
mod made_up;
mod matrix;
mod model;
mod moves;
mod opening;
mod order;
mod place;
mod plan;
mod plan_sections;
mod portrait;
mod prefix;
mod purity;
mod resumption;
mod review;
mod review_advice;
mod sharing;
mod steps;
mod story;
mod transitions;
mod vectors;
mod walks;
mod window;
