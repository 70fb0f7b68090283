//! The laws the engine has to keep, whatever happened in whatever order.
//!
//! Tests only. `story` writes streams by hand; each other file states one law or one table and
//! holds the engine to it. Nothing here may be read by the engine.

mod advice;
mod opening;
mod resumption;
mod story;
mod window;
