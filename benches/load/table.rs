//! What was measured, as a table in Markdown.

/// What is asked of a figure.
#[derive(Debug, Clone, Copy)]
pub enum Bar {
    AtLeast(f64),
    AtMost(f64),
    /// Shown beside the others.
    None,
}

/// A line of the table.
#[derive(Debug, Clone)]
pub struct Line {
    pub work: String,
    pub measured: String,
    pub limit: String,
    /// What the bar is held against: a ratio where there is a limit.
    pub figure: f64,
    /// How the figure is written, with its unit.
    pub shown: String,
    pub bar: Bar,
    pub statements: Option<usize>,
}

impl Line {
    pub fn is_met(&self) -> Option<bool> {
        match self.bar {
            Bar::AtLeast(least) => Some(self.figure >= least),
            Bar::AtMost(most) => Some(self.figure <= most),
            Bar::None => None,
        }
    }
}

pub const HEAD: &str =
    "| work | measured | limit | figure | bar | met | statements |\n|---|---|---|---|---|---|---|";

pub fn markdown(line: &Line) -> String {
    let bar = match line.bar {
        Bar::AtLeast(least) => format!("≥ {least}"),
        Bar::AtMost(most) => format!("≤ {most}"),
        Bar::None => String::new(),
    };
    let met = match line.is_met() {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    };
    let statements = line
        .statements
        .map_or_else(String::new, |count| count.to_string());
    format!(
        "| {} | {} | {} | {} | {bar} | {met} | {statements} |",
        line.work, line.measured, line.limit, line.shown
    )
}

/// The one in the middle.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
