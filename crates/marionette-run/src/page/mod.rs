//! HTML pages that need nothing else: no network and no script. They are light or dark as the
//! reader likes, fit a phone, print, and are well-formed as XML.

pub mod chart;
pub mod rows;
mod scale;
pub mod table;

use serde::Serialize;

/// A whole page: `title` is text, `body` is HTML.
pub fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n\
         <meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
        escaped(title),
        include_str!("style.css")
    )
}

/// `text` as it must stand in HTML, in elements and in attributes. What XML has no place for, such
/// as control characters, becomes the replacement character.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' => out.push(character),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            control if control.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// A section of a page, which a link to `#id` leads to; `title` is text, `body` is HTML.
pub fn section(id: &str, title: &str, body: &str) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{}</h2>\n\
         {body}</section>\n",
        escaped(title)
    )
}

/// A paragraph of text.
pub fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escaped(text))
}

/// What may be wider than the page, in a region that scrolls by itself and that the keyboard
/// reaches; `label` is text that says what it is.
pub fn scrolled(label: &str, content: &str) -> String {
    format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">\n{content}\
         </div>\n",
        escaped(label)
    )
}

/// A number with `digits` digits after the point; a dash where nothing was measured.
pub fn number(value: Option<f64>, digits: usize) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else { return "\u{2013}".to_owned() };
    let text = format!("{value:.digits$}");
    match text.strip_prefix('-') {
        // A true minus is as wide as a digit; nothing is no less than nothing.
        Some(size) if size.contains(|digit| ('1'..='9').contains(&digit)) => {
            format!("\u{2212}{size}")
        }
        Some(size) => size.to_owned(),
        None => text,
    }
}

/// As [`number`], with its sign.
pub fn signed(value: Option<f64>, digits: usize) -> String {
    let text = number(value, digits);
    let rises = value.is_some_and(|value| value > 0.0)
        && text.contains(|digit| ('1'..='9').contains(&digit));
    if rises { format!("+{text}") } else { text }
}

/// A whole number, its thousands set apart.
pub fn whole(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `value` as JSON in an element that programs find by its `id` and readers do not see.
pub fn data(id: &str, value: &impl Serialize) -> String {
    // Maps of text and numbers always fit into JSON.
    let json = serde_json::to_string(value).unwrap_or_default();
    // Neither HTML nor XML may see an element or an entity in it.
    let json = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    format!("<script type=\"application/json\" id=\"{id}\">{json}</script>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(escaped("a<b & \"c\">\u{7}"), "a&lt;b &amp; &quot;c&quot;&gt;\u{fffd}");
        let hidden = data("d", &["</script>&"]);
        assert!(hidden.contains("\\u003c/script\\u003e\\u0026"), "{hidden}");
        assert_eq!(hidden.matches("</script>").count(), 1);
    }

    #[test]
    fn numbers_are_written_to_be_read() {
        assert_eq!(number(Some(-0.25), 2), "\u{2212}0.25");
        assert_eq!(number(Some(f64::NAN), 2), "\u{2013}");
        let signs = [Some(0.5), Some(-0.5), Some(-0.04), Some(0.04), None];
        let texts = signs.map(|value| signed(value, 1));
        assert_eq!(texts, ["+0.5", "\u{2212}0.5", "0.0", "0.0", "\u{2013}"]);
        assert_eq!((whole(999), whole(1_234_567)), ("999".into(), "1,234,567".into()));
    }
}
