//! PLACEHOLDER: compiles the `http` room until the real one is merged over it.

/// What the use cases need.
pub struct App;

impl App {
    /// Whether the store answers.
    pub async fn ready(&self) -> bool {
        true
    }
}
