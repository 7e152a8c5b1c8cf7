//! Tables: of text, and of numbers in shades.

use super::{escaped, scrolled};

/// A cell: HTML, whose shade says how much it is.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// What stands in it, HTML.
    pub html: String,
    /// From -1 (orange) over 0 (none) to 1 (blue).
    pub shade: f64,
    /// Whether it is text, which begins at the left and wraps.
    pub text: bool,
}

impl Cell {
    /// A number without a shade.
    pub fn plain(text: &str) -> Self {
        Cell { html: escaped(text), ..Cell::default() }
    }

    /// Text.
    pub fn text(text: &str) -> Self {
        Cell { html: escaped(text), text: true, ..Cell::default() }
    }

    /// A number in a shade.
    pub fn shaded(text: &str, shade: f64) -> Self {
        Cell { html: escaped(text), shade, ..Cell::default() }
    }

    fn html(&self) -> String {
        // Not so dark that the number could not be read.
        let depth = 0.6 * self.shade.abs().min(1.0);
        let color = if self.shade < 0.0 { "cold" } else { "warm" };
        let style = if depth >= 0.005 {
            format!(" style=\"background:rgb(var(--{color})/{depth:.2})\"")
        } else {
            String::new()
        };
        let class = if self.text { " class=\"text\"" } else { "" };
        format!("<td{class}{style}>{}</td>", self.html)
    }
}

/// A table in a region that scrolls.
pub struct Table<'a> {
    /// What it shows; text.
    pub label: &'a str,
    /// Names of the columns, the first of which heads the names of the rows; text.
    pub head: Vec<String>,
    /// Rows: a name, as HTML, and cells.
    pub rows: Vec<(String, Vec<Cell>)>,
    /// Whether the shades are what it is about.
    pub heat: bool,
}

impl Table<'_> {
    /// The table as HTML.
    pub fn html(&self) -> String {
        let head: String = self
            .head
            .iter()
            .map(|name| format!("<th scope=\"col\">{}</th>", escaped(name)))
            .collect();
        let rows: String = self
            .rows
            .iter()
            .map(|(name, cells)| {
                let cells: String = cells.iter().map(Cell::html).collect();
                format!("<tr><th scope=\"row\">{name}</th>{cells}</tr>\n")
            })
            .collect();
        let text = self.rows.iter().flat_map(|(_, cells)| cells).any(|cell| cell.text);
        let class = match (self.heat, text) {
            (true, _) => " class=\"heat\"",
            (false, true) => " class=\"text\"",
            (false, false) => "",
        };
        scrolled(
            self.label,
            &format!(
                "<table{class}>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table>\n"
            ),
        )
    }
}
